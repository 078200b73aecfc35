/*
 * How: every state of a message is planned under every policy; the plan is
 * applied to the state, and the end is held against the oracle's. States go
 * through the planner a thousand at a time, as rows of one mailbox.
 */
#include "godwit/base/arena.h"
#include "godwit/base/err.h"
#include "godwit/mail/flags.h"
#include "godwit/mail/keywords.h"
#include "godwit/sync/plan.h"

#include "plan_oracle.h"
#include "plan_world.h"
#include "tap.h"

#include <stdio.h>
#include <string.h>

enum {
	STATES_MAX = 2048,
	CUTS_MAX = 2 * PLAN_WORLD_OPS_MAX, /* of one row */
	SHOWN_MAX = 3, /* failures that are printed of each kind */
	ALL_FLAGS = (1 << ORACLE_FLAGS) - 1,
	ALL_OPS = (1 << PLAN_WORLD_OPS_MAX) - 1,
};

/* A property over very many cases: one line of TAP. */
struct property {
	const char *sentence;
	unsigned long cases;
	unsigned long failures;
};

enum {
	ORDER,
	PROMISES,
	ENDS,
	NOTHING_AFTER,
	INTERRUPTED,
	SWAPPED,
	PAIRS,
	PROPERTIES,
};

static struct property properties[PROPERTIES] = {
	[ORDER].sentence = "operations come in the order that apply relies on",
	[PROMISES].sentence =
		"nothing is removed without proof or copied twice",
	[ENDS].sentence =
		"a plan brings a message to the end the oracle expects",
	[NOTHING_AFTER].sentence =
		"the plan after a plan that was applied is empty",
	[INTERRUPTED].sentence = "a plan cut short is finished by the next one",
	[SWAPPED].sentence = "with the sides swapped the plan is swapped",
	[PAIRS].sentence = "two messages do not get in each other's way",
};

/* Counts a case; whether it failed and is to be shown. */
static bool fails(int property, bool passed)
{
	struct property *p = &properties[property];

	p->cases++;
	return !passed && p->failures++ < SHOWN_MAX;
}

/* What is planned together. */
struct batch {
	struct plan_world world;
	struct arena arena;
	const struct oracle_policy *oracle;
	struct policy policy;
	struct oracle_message given[STATES_MAX];
	struct row rows[STATES_MAX];
	struct plan_world_ops ops[STATES_MAX];
	size_t count;
};

static struct plan plan_batch(struct batch *b)
{
	struct plan_input input = {
		.rows = b->rows,
		.count = b->count,
		.policy = &b->policy,
		.keywords = b->world.keywords,
	};
	struct plan plan;

	for (size_t i = 0; i < b->count; i++)
		b->rows[i] = plan_world_row(&b->world, &b->given[i]);
	arena_reset(&b->arena);
	plan_mailbox(&input, &b->arena, &plan);
	if (fails(ORDER, plan_world_split(&plan, b->ops, b->count)))
		plan_world_show("order", b->oracle, &b->given[0], NULL, NULL);
	return plan;
}

/* ---- All states ---------------------------------------------------------- */

static void add_state(struct batch *b, struct oracle_message m)
{
	check(b->count < STATES_MAX);
	b->given[b->count++] = m;
}

/* What else may be true of a message that is present like this. */
static void add_variants(struct batch *b, struct oracle_message m)
{
	add_state(b, m);
	if (m.here != m.there) {
		m.held = true;
		add_state(b, m);
		m.held = false;
	}
	if (m.here && !m.there && !m.journal) {
		m.twin = true;
		add_state(b, m);
		m.twin = false;
	}
	if (m.journal) {
		m.stale = true;
		add_state(b, m);
		m.held = m.here != m.there;
		if (m.held)
			add_state(b, m);
	}
}

/* All messages whose flags are among those of `flags`. */
static void add_states(struct batch *b, unsigned flags)
{
	for (unsigned bits = 0; bits < 1 << (3 * (ORACLE_FLAGS + 1)); bits++) {
		unsigned part[3] = {bits & 15, bits >> 4 & 15, bits >> 8};
		struct oracle_message m = {
			.here = part[0] >> 3,
			.there = part[1] >> 3,
			.journal = part[2] >> 3,
			.here_flags = part[0] & 7,
			.there_flags = part[1] & 7,
			.base_flags = part[2] & 7,
		};
		unsigned absent = (m.here ? 0 : m.here_flags) |
				  (m.there ? 0 : m.there_flags) |
				  (m.journal ? 0 : m.base_flags);
		unsigned present = m.here_flags | m.there_flags | m.base_flags;

		if (absent == 0 && (present & ~flags) == 0)
			add_variants(b, m);
	}
}

static void check_end(struct batch *b, size_t i, struct plan_world_end end)
{
	const struct oracle_message *given = &b->given[i];
	struct oracle_message want = oracle_end(*given, b->oracle);

	if (fails(PROMISES, end.broken == NULL)) {
		plan_world_show(
			end.broken, b->oracle, given, NULL, &end.message);
		plan_world_show_ops(&b->ops[i]);
	}
	if (fails(ENDS, oracle_same(&end.message, &want))) {
		plan_world_show("end", b->oracle, given, &want, &end.message);
		plan_world_show_ops(&b->ops[i]);
	}
}

/* Plans `b` anew from the ends; but for conflicts, there is nothing to do. */
static void check_nothing_after(struct batch *b)
{
	struct plan plan;

	for (size_t i = 0; i < b->count; i++)
		b->given[i].conflict = false;
	plan = plan_batch(b);
	properties[NOTHING_AFTER].cases += b->count;
	for (size_t i = 0; i < plan.count; i++) {
		uint32_t row = plan.ops[i].row;

		if (plan.ops[i].kind == OP_CONFLICT ||
			!fails(NOTHING_AFTER, false))
			continue;
		plan_world_show(
			"nothing after", b->oracle, &b->given[row], NULL, NULL);
		plan_world_show_ops(&b->ops[row]);
	}
}

static void check_all(struct batch *b, struct batch *after)
{
	plan_batch(b);
	for (size_t i = 0; i < b->count; i++) {
		struct plan_world_end end = plan_world_apply(&b->world,
			&b->given[i], &b->ops[i], b->oracle, ALL_OPS);

		check_end(b, i, end);
		after->given[i] = end.message;
	}
	after->count = b->count;
	check_nothing_after(after);
}

/* ---- Interrupted plans --------------------------------------------------- */

/* Runs `cut`, whose rows are those of `b` after some of their operations
 * (`from` says of which row each is), and expects the end of `b`. */
static void check_cut(
	const struct batch *b, struct batch *cut, const size_t *from)
{
	plan_batch(cut);
	for (size_t i = 0; i < cut->count; i++) {
		const struct oracle_message *given = &b->given[from[i]];
		struct oracle_message want = oracle_end(*given, b->oracle);
		struct plan_world_end end = plan_world_apply(&cut->world,
			&cut->given[i], &cut->ops[i], cut->oracle, ALL_OPS);

		end.message.trashed |= cut->given[i].trashed;
		if (!fails(INTERRUPTED, oracle_same(&end.message, &want)))
			continue;
		plan_world_show(
			"interrupted", b->oracle, given, &want, &end.message);
		plan_world_show_ops(&b->ops[from[i]]);
		plan_world_show(
			"at this point", b->oracle, &cut->given[i], NULL, NULL);
	}
	cut->count = 0;
}

/* A row of `b` as it is after some of its operations. */
static void add_cut(const struct batch *b, struct batch *cut, size_t *from,
	size_t i, unsigned which)
{
	struct plan_world_end end = plan_world_apply(
		&b->world, &b->given[i], &b->ops[i], b->oracle, which);

	from[cut->count] = i;
	cut->given[cut->count++] = end.message;
}

/* The plan of `b` was made; each row with several operations is cut off after
 * any of them, and also where the server was faster than the disk. */
static void check_interrupted(const struct batch *b, struct batch *cut)
{
	static size_t from[STATES_MAX];

	cut->count = 0;
	for (size_t i = 0; i < b->count; i++) {
		const struct plan_world_ops *ops = &b->ops[i];

		if (cut->count + CUTS_MAX > STATES_MAX)
			check_cut(b, cut, from);
		for (unsigned k = 1; k < ops->count; k++) {
			add_cut(b, cut, from, i, (1U << k) - 1);
			if (ops->op[k]->kind == OP_FLAG_REMOTE &&
				ops->op[k - 1]->kind == OP_FLAG_LOCAL)
				add_cut(b, cut, from, i,
					((1U << (k - 1)) - 1) | 1U << k);
		}
	}
	check_cut(b, cut, from);
}

/* ---- Swapped sides ------------------------------------------------------- */

static struct oracle_message message_swapped(struct oracle_message m)
{
	struct oracle_message s = m;

	s.here = m.there;
	s.there = m.here;
	s.here_flags = m.there_flags;
	s.there_flags = m.here_flags;
	return s;
}

static struct oracle_policy policy_swapped(const struct oracle_policy *p)
{
	struct oracle_policy s = *p;

	s.write_here = p->write_there;
	s.write_there = p->write_here;
	s.expunge_here = p->expunge_there;
	s.expunge_there = p->expunge_here;
	s.here_keeps = p->there_keeps;
	s.here_takes = p->there_takes;
	s.there_keeps = p->here_keeps;
	s.there_takes = p->here_takes;
	return s;
}

static bool treats_alike(const struct oracle_policy *p)
{
	return p->deletes == ORACLE_EXPUNGE && p->can_expunge &&
	       (p->here_takes & p->there_takes & ORACLE_DELETED);
}

static bool kinds_swapped(enum op_kind a, enum op_kind b)
{
	static const enum op_kind other[OP_KINDS] = {
		[OP_PAIR] = OP_PAIR,
		[OP_PULL] = OP_PUSH,
		[OP_PUSH] = OP_PULL,
		[OP_FLAG_LOCAL] = OP_FLAG_REMOTE,
		[OP_FLAG_REMOTE] = OP_FLAG_LOCAL,
		[OP_FLAG_BASE] = OP_FLAG_BASE,
		[OP_CONFLICT] = OP_CONFLICT,
		[OP_REMOVE_LOCAL] = OP_REMOVE_REMOTE,
		[OP_REMOVE_REMOTE] = OP_REMOVE_LOCAL,
		[OP_TRASH_REMOTE] = OP_KINDS,
		[OP_MARK_REMOTE] = OP_KINDS,
		[OP_FORGET] = OP_FORGET,
	};

	return other[a] == b;
}

/* Whether each operation of one row has its counterpart in the other. */
static bool ops_swapped(
	const struct plan_world_ops *a, const struct plan_world_ops *b)
{
	unsigned found = 0;

	for (unsigned i = 0; i < a->count; i++) {
		for (unsigned k = 0; k < b->count; k++)
			found +=
				kinds_swapped(a->op[i]->kind, b->op[k]->kind) &&
				flags_eq(a->op[i]->flags, b->op[k]->flags) &&
				flags_eq(a->op[i]->base, b->op[k]->base);
	}
	return found == a->count && a->count == b->count;
}

static void check_swapped(const struct batch *b, struct batch *mirror)
{
	struct oracle_policy swapped = policy_swapped(b->oracle);

	mirror->oracle = &swapped;
	mirror->policy = plan_world_policy(&b->world, &swapped, false);
	mirror->count = b->count;
	for (size_t i = 0; i < b->count; i++)
		mirror->given[i] = message_swapped(b->given[i]);
	plan_batch(mirror);
	for (size_t i = 0; i < b->count; i++) {
		if (b->given[i].twin ||
			!fails(SWAPPED,
				ops_swapped(&b->ops[i], &mirror->ops[i])))
			continue;
		plan_world_show("swapped", b->oracle, &b->given[i], NULL, NULL);
		plan_world_show_ops(&b->ops[i]);
		plan_world_show_ops(&mirror->ops[i]);
	}
}

/* ---- Pairs of messages --------------------------------------------------- */

static bool ops_eq(
	const struct plan_world_ops *a, const struct plan_world_ops *b)
{
	if (a->count != b->count)
		return false;
	for (unsigned i = 0; i < a->count; i++) {
		const struct op *x = a->op[i];
		const struct op *y = b->op[i];

		if (x->kind != y->kind || x->reason != y->reason ||
			!flags_eq(x->flags, y->flags) ||
			!flags_eq(x->base, y->base))
			return false;
	}
	return true;
}

/* The plan of `b` was made: of each message with many others. Planned with one
 * other, each message gets the same operations. */
static void check_pairs(const struct batch *b, struct batch *two)
{
	two->count = 2;
	for (size_t i = 0; i < b->count; i++) {
		for (size_t k = 0; k < b->count; k++) {
			two->given[0] = b->given[i];
			two->given[1] = b->given[k];
			plan_batch(two);
			if (!fails(PAIRS,
				    ops_eq(&two->ops[0], &b->ops[i]) &&
					    ops_eq(&two->ops[1], &b->ops[k])))
				continue;
			plan_world_show("pair", b->oracle, &two->given[0],
				&two->given[1], NULL);
		}
	}
}

/* ---- All policies -------------------------------------------------------- */

/* The policy of a number, digit by digit; false when numbers are used up. */
static unsigned digit(unsigned *number, unsigned base)
{
	unsigned value = *number % base;

	*number /= base;
	return value;
}

static bool policy_number(unsigned number, struct oracle_policy *p)
{
	static const unsigned keyword_here[3][2] = {{1, 1}, {0, 1}, {0, 0}};
	unsigned keyword = digit(&number, 3);
	unsigned there = digit(&number, ALL_FLAGS + 1);
	unsigned writes = digit(&number, 3);
	unsigned deletes = digit(&number, 4);

	*p = (struct oracle_policy){
		.write_here = writes != 1,
		.write_there = writes != 2,
		.deletes = deletes < 3 ? deletes : ORACLE_TRASH,
		.is_trash = deletes == 3,
		.here_keeps = keyword_here[keyword][0] ? ALL_FLAGS : 3,
		.here_takes = keyword_here[keyword][1] ? ALL_FLAGS : 3,
		.there_keeps = there,
		.there_takes = there,
	};
	p->expunge_here = digit(&number, 2);
	p->expunge_there = digit(&number, 2);
	p->can_expunge = digit(&number, 2);
	p->can_move = digit(&number, 2);
	return number == 0;
}

/* From one policy to the next that is tried: all, or with a step that is prime
 * to all digits, so that each value of each still comes up. */
static unsigned policy_step(void)
{
	return tap_rounds(17, 1, 1);
}

/* Policies that differ in what these messages cannot show are one: MOVE is for
 * the trash, where of all flags only \Deleted makes a difference. */
static bool is_double(const struct oracle_policy *p)
{
	bool trash = p->deletes == ORACLE_TRASH;
	unsigned everywhere = p->here_keeps & p->here_takes & p->there_takes;

	return (p->can_move && (!trash || p->is_trash)) ||
	       (trash && (everywhere | ORACLE_DELETED) != ALL_FLAGS);
}

static void batch_policy(
	struct batch *b, const struct oracle_policy *policy, bool any)
{
	b->oracle = policy;
	b->policy = plan_world_policy(&b->world, policy, any);
}

static void check_policies(struct batch *b, struct batch *other)
{
	struct oracle_policy policy;

	add_states(b, ALL_FLAGS);
	for (unsigned number = 0; policy_number(number, &policy);
		number += policy_step()) {
		if (is_double(&policy))
			continue;
		batch_policy(b, &policy, number % 2 != 0);
		batch_policy(other, &policy, number % 2 != 0);
		check_all(b, other);
		check_interrupted(b, other);
		if (treats_alike(&policy))
			check_swapped(b, other);
	}
}

static void check_policies_pairs(struct batch *b, struct batch *other)
{
	struct oracle_policy policy;

	b->count = 0;
	add_states(b, ORACLE_DELETED);
	for (unsigned number = 0; policy_number(number, &policy);
		number += policy_step()) {
		if (is_double(&policy) || policy.here_keeps != ALL_FLAGS ||
			policy.there_keeps != ALL_FLAGS)
			continue;
		batch_policy(b, &policy, false);
		batch_policy(other, &policy, false);
		plan_batch(b);
		check_pairs(b, other);
	}
}

int main(void)
{
	static struct batch batches[2];
	struct keywords *keywords = keywords_new();
	uint32_t id = keywords_name_add(keywords, STR("work"));
	uint32_t set;

	check(keywords_set(keywords, &id, 1, &set, NULL) == 0);
	for (int i = 0; i < 2; i++)
		batches[i].world = (struct plan_world){keywords, set};
	check_policies(&batches[0], &batches[1]);
	check_policies_pairs(&batches[0], &batches[1]);
	for (int i = 0; i < PROPERTIES; i++)
		ok(properties[i].failures == 0 && properties[i].cases > 0,
			"%s (%lu cases)", properties[i].sentence,
			properties[i].cases);
	for (int i = 0; i < 2; i++)
		arena_clear(&batches[i].arena);
	keywords_free(&keywords);
	return tap_done();
}
