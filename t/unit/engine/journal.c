/* engine/journal: the suite on a store in memory; and each call failing once.
 */
#include "godwit/engine/journal.h"

#include "fake_store.h"
#include "godwit/base/err.h"
#include "journal_suite.h"
#include "tap.h"

struct fixture {
	struct fate fate;
	struct fake_store *store;
};

static const struct store_port *fresh(void *ctx)
{
	struct fixture *f = ctx;

	fake_store_free(&f->store);
	f->store = fake_store_new(&f->fate);
	return fake_store_port(f->store);
}

static const struct store_port *reopen(void *ctx)
{
	struct fixture *f = ctx;

	return fake_store_port(f->store);
}

static void test_suite(void)
{
	struct fixture f = {0};
	struct journal_suite suite = {
		.label = "fake", .fresh = fresh, .reopen = reopen, .ctx = &f};

	fate_init(&f.fate, 1);
	journal_suite_run(&suite);
	is_int((intmax_t)fake_store_cursors(f.store), 0,
		"the journal leaves no cursor open");
	fake_store_free(&f.store);
}

/* What the scenario works on. */
struct scene {
	struct journal journal;
	struct journal_base base;
	struct store_batch batch;
	struct arena arena;
	struct err err;
};

static int write_things(struct scene *s)
{
	struct mailbox_record mailbox = {.name = STR("a")};
	struct intent_record intent = {.mailbox = 1};
	struct journal_failure failure = {
		.key = {.mailbox = 1, .side = REMOTE}, .reason = STR("no")};
	struct history_record begin = {.kind = HISTORY_BEGIN};
	struct journal_run run;

	(void)journal_mailbox_add(&s->journal, &s->batch, &mailbox);
	(void)journal_intent_add(&s->journal, &s->batch, &intent);
	if (journal_trouble_note(&s->journal, &s->batch, &failure, &s->err) !=
			0 ||
		journal_run_begin(&s->journal, 1, &run, &s->err) != 0)
		return -1;
	journal_history_add(&s->journal, &s->batch, &run, &begin);
	return journal_commit(&s->journal, &s->batch, &s->err);
}

static int write_messages(struct scene *s)
{
	struct journal_detail detail = {0};
	struct journal_message message = {
		.uid = 1, .name = STR("n"), .detail = &detail};
	uint32_t id = keywords_name_add(s->base.keywords, STR("k"));

	check(keywords_set(s->base.keywords, &id, 1, &message.flags.keywords,
		      NULL) == 0);
	if (journal_message_put(&s->base, &s->batch, &message, &s->err) != 0)
		return -1;
	message.uid = 2;
	if (journal_message_put(&s->base, &s->batch, &message, &s->err) != 0 ||
		journal_commit(&s->journal, &s->batch, &s->err) != 0 ||
		journal_message_delete(&s->base, &s->batch, 2, &s->err) != 0)
		return -1;
	return journal_commit(&s->journal, &s->batch, &s->err);
}

static int read_lists(struct scene *s)
{
	struct journal_mailboxes mailboxes;
	struct journal_intents intents;
	struct journal_troubles troubles;
	struct journal_runs runs;
	struct journal_history history;
	struct journal_run run = {.start_ms = 1};

	if (journal_mailboxes(&s->journal, &s->arena, &mailboxes, &s->err) !=
			0 ||
		journal_intents(&s->journal, &s->arena, &intents, &s->err) !=
			0 ||
		journal_troubles(&s->journal, NULL, &s->arena, &troubles,
			&s->err) != 0 ||
		journal_runs(&s->journal, &s->arena, &runs, &s->err) != 0)
		return -1;
	return journal_history(&s->journal, &run, &s->arena, &history, &s->err);
}

static int read_messages(struct scene *s)
{
	struct identity identity = {0};
	struct journal_messages messages;
	struct journal_message message;
	struct journal_places places;
	struct unbound_record unbound;
	struct root_record root;
	bool known;

	if (journal_messages(&s->base, true, &s->arena, &messages, &s->err) !=
			0 ||
		journal_message(&s->base, 1, &s->arena, &message, &s->err) <
			0 ||
		journal_find_name(&s->journal, STR("n"), &s->arena, &places,
			&s->err) != 0 ||
		journal_find_identity(&s->journal, &identity, &s->arena,
			&places, &s->err) != 0 ||
		journal_find_size(&s->journal, 7, &s->err) < 0)
		return -1;
	if (journal_unbound(
		    &s->journal, &s->arena, &unbound, &known, &s->err) != 0)
		return -1;
	return journal_root(&s->journal, &root, &known, &s->err);
}

static int forget(struct scene *s)
{
	bool more;

	if (journal_check(&s->journal, &s->err) != 0 ||
		journal_mailbox_forget(
			&s->journal, &s->batch, 1, &more, &s->err) != 0 ||
		journal_history_prune(&s->journal, &s->batch, 1, &s->err) != 0)
		return -1;
	return journal_commit(&s->journal, &s->batch, &s->err);
}

static int play_base(struct scene *s)
{
	int rc;

	if (journal_base_open(&s->base, &s->journal, 1, &s->err) != 0)
		return -1;
	rc = write_messages(s);
	journal_base_close(&s->base);
	if (rc != 0 ||
		journal_base_open(&s->base, &s->journal, 1, &s->err) != 0)
		return -1;
	rc = read_messages(s);
	journal_base_close(&s->base);
	return rc;
}

/* Every operation of the journal once; -1 as soon as one fails. */
static int play(const struct store_port *port)
{
	struct scene s = {0};
	int rc = journal_open(&s.journal, port, STR("a@b"), false, &s.err);

	if (rc == 0)
		rc = write_things(&s);
	if (rc == 0)
		rc = play_base(&s);
	if (rc == 0)
		rc = read_lists(&s);
	if (rc == 0)
		rc = forget(&s);
	store_batch_clear(&s.batch);
	arena_clear(&s.arena);
	check(rc == 0 || s.err.text[0] != '\0');
	return rc;
}

static void test_failures(void)
{
	struct fixture f = {0};
	uint64_t calls;
	uint64_t said = 0;
	size_t cursors = 0;

	fate_init(&f.fate, 1);
	is_int(play(fresh(&f)), 0, "undisturbed, all goes well");
	calls = f.fate.calls;
	for (uint64_t at = 1; at <= calls; at++) {
		fate_init(&f.fate, 1);
		f.fate.fail_at = at;
		said += play(fresh(&f)) == -1;
		cursors += fake_store_cursors(f.store);
	}
	is_int((intmax_t)said, (intmax_t)calls,
		"whichever call of the store fails, the journal says so");
	is_int((intmax_t)cursors, 0, "and leaves no cursor open");
	fake_store_free(&f.store);
}

int main(void)
{
	test_suite();
	test_failures();
	return tap_done();
}
