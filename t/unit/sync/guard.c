/*
 * How: plans are made of as many rows as a case needs, most of them gone from
 * one side, and judged.
 */
#include "godwit/sync/guard.h"

#include "godwit/base/arena.h"
#include "godwit/base/err.h"
#include "godwit/mail/keywords.h"

#include "tap.h"

enum {
	ROWS_MAX = 200,
	IN_BASE = SIDE_BIT(BASE),
	GONE_FROM_SERVER = SIDE_BIT(BASE) | SIDE_BIT(LOCAL),
	GONE_FROM_MAILDIR = SIDE_BIT(BASE) | SIDE_BIT(REMOTE),
	NEW_ON_SERVER = SIDE_BIT(REMOTE),
	ON_ALL = SIDE_BIT(BASE) | SIDE_BIT(LOCAL) | SIDE_BIT(REMOTE),
};

static struct arena arena;
static struct keywords *keywords;
static struct row rows[ROWS_MAX];
static size_t rows_count;
static struct policy policy;

static void add_rows(size_t count, unsigned present)
{
	for (; count > 0; count--) {
		check(rows_count < ROWS_MAX);
		rows[rows_count] = (struct row){.present = (uint8_t)present,
			.uid = (uint32_t)rows_count + 1};
		rows_count++;
	}
}

static struct plan plan_rows(void)
{
	struct plan_input input = {.rows = rows,
		.count = rows_count,
		.policy = &policy,
		.keywords = keywords};
	struct plan plan;

	arena_reset(&arena);
	plan_mailbox(&input, &arena, &plan);
	rows_count = 0;
	return plan;
}

/* Whether a mailbox of `messages` that loses `removals` is refused. */
static bool refuses(
	uint32_t messages, size_t removals, const struct guard_policy *guard)
{
	struct plan plan;

	add_rows(removals, GONE_FROM_SERVER);
	plan = plan_rows();
	return guard_mailbox(&plan, messages, guard).refused;
}

static void test_bounds(void)
{
	struct guard_policy guard = {
		.max_delete_percent = 50, .min_messages = 10};

	ok(!refuses(10, 10, &guard), "as few as min_messages may all go");
	ok(refuses(11, 11, &guard), "one more may not, if that is most");
	ok(!refuses(100, 50, &guard), "max_delete per cent of many may go");
	ok(refuses(100, 51, &guard), "one more may not");
	ok(refuses(0, 11, &guard), "of a mailbox that is not in the journal "
				   "no more than min_messages go");
	guard.allow_deletes = true;
	ok(!refuses(100, 100, &guard), "--allow-deletes allows all");
	guard = (struct guard_policy){.max_delete_percent = 0};
	ok(refuses(100, 1, &guard), "with both at nothing, nothing goes");
	ok(!refuses(100, 0, &guard), "and what takes nothing is never refused");
	guard.max_delete_percent = 100;
	ok(!refuses(100, 100, &guard), "with 100 %% everything may go");
	guard.max_delete_percent = UINT32_MAX;
	ok(!refuses(UINT32_MAX, 100, &guard), "great numbers do not overflow");
}

static void test_what_counts(void)
{
	struct guard_policy guard = {
		.max_delete_percent = 50, .min_messages = 3};
	struct guard_verdict verdict;
	struct plan plan;

	add_rows(2, GONE_FROM_SERVER);
	add_rows(1, NEW_ON_SERVER);
	add_rows(2, GONE_FROM_MAILDIR);
	add_rows(5, IN_BASE);
	plan = plan_rows();
	verdict = guard_mailbox(&plan, 7, &guard);
	is_int(verdict.removals, 4, "removals of both sides count together");
	ok(verdict.refused, "so together they are too many");
	is_int((intmax_t)plan.count, 1, "a refused plan keeps its adds");
	is_int(plan.ops[0].kind, OP_PULL, "which are those");
	is_int(plan.per_kind[OP_PULL], 1, "and counts them");
	is_int(plan.per_kind[OP_REMOVE_LOCAL] + plan.per_kind[OP_FORGET] +
			plan.per_kind[OP_REMOVE_REMOTE],
		0, "but nothing else, not even forgetting");

	add_rows(50, IN_BASE);
	plan = plan_rows();
	verdict = guard_mailbox(&plan, 50, &guard);
	is_int(verdict.removals, 0, "what is gone from both is no removal");
	is_int((intmax_t)plan.count, 50, "and stays in a plan that is allowed");
}

static void test_marks_and_pairs(void)
{
	struct guard_policy guard = {
		.max_delete_percent = 50, .min_messages = 3};
	struct guard_verdict verdict;
	struct plan plan;

	policy.can_expunge = false;
	add_rows(4, GONE_FROM_MAILDIR);
	plan = plan_rows();
	is_int(plan.per_kind[OP_MARK_REMOTE], 4, "given marks for removals");
	verdict = guard_mailbox(&plan, 4, &guard);
	ok(verdict.refused, "marks count as removals");
	is_int((intmax_t)plan.count, 0, "and are taken out");

	add_rows(4, GONE_FROM_MAILDIR);
	for (int i = 0; i < 4; i++)
		rows[i].origin = ROW_LEFT;
	plan = plan_rows();
	is_int(plan.per_kind[OP_MARK_REMOTE], 4,
		"given marks on what was copied to where it moved");
	ok(!guard_mailbox(&plan, 4, &guard).refused, "these are no removals");

	policy.can_expunge = true;
	policy.expunge = SIDE_BIT(LOCAL) | SIDE_BIT(REMOTE);
	add_rows(3, ON_ALL);
	for (int i = 0; i < 3; i++)
		rows[i].flags[LOCAL].system = FLAG_DELETED;
	plan = plan_rows();
	is_int((intmax_t)plan.count, 6, "given expunges on both sides");
	verdict = guard_mailbox(&plan, 3, &guard);
	is_int(verdict.removals, 3, "a message removed on both sides is one");
	ok(!verdict.refused, "so these are few enough");
	policy.expunge = 0;
}

static void test_root(void)
{
	struct guard_root before = {.device = 1, .inode = 2};
	struct guard_root now = before;

	ok(guard_root_refused(&before, &now, 5) == NULL,
		"the same root is trusted");
	ok(guard_root_refused(NULL, &now, 5) == NULL,
		"in the first run any root is");
	now.empty = true;
	ok(guard_root_refused(&before, &now, 5) != NULL,
		"an emptied root is refused");
	ok(guard_root_refused(&before, &now, 0) == NULL,
		"but not where the journal misses nothing");
	now = before;
	now.device = 9;
	ok(guard_root_refused(&before, &now, 5) != NULL,
		"another disk is refused");
	now.whole = true;
	ok(guard_root_refused(&before, &now, 5) == NULL,
		"unless not one message is missing on it");
	now.inode = 9;
	ok(guard_root_refused(&before, &now, 5) != NULL,
		"and it is the same folder");
	now = before;
	now.inode = 9;
	ok(guard_root_refused(&before, &now, 5) != NULL,
		"another folder is refused");
}

int main(void)
{
	static const struct flag_room all = {
		.system = FLAGS_SYSTEM, .any_keyword = true};

	keywords = keywords_new();
	policy = (struct policy){
		.can_expunge = true, .keeps = {all, all}, .takes = {all, all}};
	test_bounds();
	test_what_counts();
	test_marks_and_pairs();
	test_root();
	arena_clear(&arena);
	keywords_free(&keywords);
	return tap_done();
}
