/*
 * neighbours: what one mailbox's failure may not take from the others.
 *
 * Three mailboxes are synced together, each with something to do and something
 * that is told of it. One of them, or the disk, fails at every place in turn.
 * What was reported must be in the journal's history, and what could not be
 * synced elsewhere must be remembered as a trouble, whoever failed meanwhile.
 */
#include "tap.h"
#include "world.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	FAILURES_MAX = 3,
	REFUSED = 20,
	MAILBOXES = 20,
	FLUSHES_MAX = 8, /* of a sync that changes a little in each of them */
	FIRST_FLUSHES_MAX = 20,
	IDLE_CALLS = 9,
	COMMIT_CALLS = 150, /* more than a run with one flag to set */
	MUCH = 300,         /* messages: more than a batch */
};

/* INBOX has a message whose header and one whose body is not given, and a file
 * that is too big for the server; Ill and Well are full of work. */
static void begin(struct world *world)
{
	static const char *const names[] = {"INBOX", "Ill", "Well"};
	unsigned number = 1;

	world_init(world, 1);
	imap_caps_set(&world->server->caps, IMAP_CAP_UIDPLUS);
	fake_server_create(world->server, "Ill", 0);
	fake_server_create(world->server, "Well", 0);
	for (size_t i = 0; i < 3; i++) {
		world_give(world, names[i], number++, 0);
		world_give(world, names[i], number++, 0);
	}
	check(world_sync(world) == 0);
	for (size_t i = 0; i < 3; i++) {
		world_give(world, names[i], number++, 0)->flags = FAKE_SEEN;
		world_drop(world, names[i], "cur/1.here:2,", number++);
		world_drop(world, names[i], "new/2.here", number++);
		fake_mailbox_expunge(
			fake_server_find(world->server, names[i]), 1);
		fake_server_find(world->server, names[i])->messages[0].flags =
			FAKE_FLAGGED;
	}
	world_give(world, "INBOX", number++, 0)->mute = FAKE_FOR_EVER;
	world_give(world, "INBOX", number++, 0)->refusals = FAKE_FOR_EVER;
}

/* ---- What is remembered -------------------------------------------------- */

/* The last run's records; NULL if it left none. */
static size_t last_run(struct journal *journal, struct arena *arena,
	struct journal_history *list_r)
{
	struct journal_runs runs;
	struct journal_run run = {0};
	struct err err;

	*list_r = (struct journal_history){0};
	if (journal_runs(journal, arena, &runs, &err) != 0 || runs.count < 2)
		return 0;
	run.start_ms = runs.start_ms[runs.count - 1];
	check(journal_history(journal, &run, arena, list_r, &err) == 0);
	return list_r->count;
}

/* How many lines of the tale speak of this. */
static size_t told(const struct world *world, const char *what)
{
	struct str rest = buf_str(&world->tale);
	struct str line;
	size_t count = 0;

	while (rest.len > 0 && str_split(&rest, '\n', &line)) {
		struct str text =
			str_sub(line, str_find(line, ']') + 2, SIZE_MAX);

		count += str_starts(text, str_of(what));
	}
	return count;
}

static size_t recorded(
	const struct journal_history *history, enum history_kind kind)
{
	size_t count = 0;

	for (size_t i = 0; i < history->count; i++)
		count += history->items[i].record.kind == kind;
	return count;
}

static bool agree(const struct world *world,
	const struct journal_history *history, struct buf *why)
{
	static const struct {
		const char *word;
		enum history_kind kind;
	} kinds[] = {
		{"error:", HISTORY_FAIL},
		{"add ", HISTORY_ADD},
		{"remove ", HISTORY_REMOVE},
		{"flag ", HISTORY_FLAG},
		{"create ", HISTORY_CREATE},
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		size_t lines = told(world, kinds[i].word);
		size_t records = recorded(history, kinds[i].kind);

		if (lines != records)
			buf_addf(why,
				"\"%s\" was told %zu times and recorded %zu "
				"times\n",
				kinds[i].word, lines, records);
	}
	for (size_t i = 0; i < history->count; i++) {
		if (history->items[i].sequence != i)
			buf_addf(why, "record %zu of the run is missing\n", i);
		if ((history->items[i].record.kind == HISTORY_BEGIN) !=
			(i == 0))
			buf_addz(why, "the run does not begin as it must\n");
	}
	return why->len == 0;
}

static bool holds(struct str line, struct str part)
{
	for (size_t i = 0; i + part.len <= line.len; i++) {
		if (str_starts(str_sub(line, i, line.len), part))
			return true;
	}
	return false;
}

/* Whether it is about a new file that cannot be read: what is about a whole
 * mailbox names no file. */
static bool is_unread(struct str line)
{
	return !holds(line, STR("error: uid 0 :")) &&
	       (holds(line, STR(": cannot read ")) ||
		       holds(line, STR(": cannot look at ")));
}

/* How many messages the tale puts off. */
static size_t put_off(const struct world *world)
{
	struct str rest = buf_str(&world->tale);
	struct str line;
	size_t count = 0;

	while (rest.len > 0 && str_split(&rest, '\n', &line))
		count += str_ends(line, STR("is tried again later")) ||
			 str_ends(line, STR("both wait until it does")) ||
			 is_unread(line);
	return count;
}

static bool troubles_kept(
	const struct world *world, struct journal *journal, struct buf *why)
{
	struct arena arena = {0};
	struct journal_troubles list;
	struct err err;
	size_t lines = put_off(world);

	check(journal_troubles(journal, NULL, &arena, &list, &err) == 0);
	if (list.count != lines)
		buf_addf(why, "%zu messages failed, %zu are remembered\n",
			lines, list.count);
	arena_clear(&arena);
	return why->len == 0;
}

static bool remembers(struct world *world, struct buf *why)
{
	struct arena arena = {0};
	struct journal journal;
	struct journal_history history;
	struct err err;
	bool is_ok = world_journal_open(world, &journal, &err) == 0 &&
		     world_journal_ok(world, why);

	if (is_ok) {
		last_run(&journal, &arena, &history);
		is_ok = agree(world, &history, why) &&
			troubles_kept(world, &journal, why);
	}
	arena_clear(&arena);
	return is_ok;
}

/* ---- Trials -------------------------------------------------------------- */

/* What goes wrong; all zeroes: nothing. */
struct trial {
	uint64_t fail_at;  /* this call of a port, once */
	enum fake_act act; /* upon Ill, before this command */
	uint64_t command;
};

static bool passes(const struct trial *trial)
{
	const struct fake_action action = {.act = trial->act, .mailbox = "Ill"};
	struct world world;
	struct buf why = {0};
	bool is_ok;

	begin(&world);
	if (trial->command > 0)
		fake_server_plan(world.server, trial->command, &action);
	if (trial->fail_at > 0)
		world.fate.fail_at = world.fate.calls + trial->fail_at;
	(void)world_sync(&world);
	/* A journal that fails cannot tell what else did. */
	is_ok = str_starts(str_of(world.fate.failed), STR("store.")) ||
		remembers(&world, &why);
	if (!is_ok) {
		tap_note("fail_at %" PRIu64 " (%s), command %" PRIu64
			 ", act %d: %s",
			trial->fail_at, world.fate.failed, trial->command,
			(int)trial->act, buf_z(&why));
		world_tell(&world);
	}
	buf_clear(&why);
	world_clear(&world);
	return is_ok;
}

/* What an undisturbed run costs. */
static void learn(uint64_t *calls_r, uint64_t *commands_r)
{
	struct world world;

	begin(&world);
	*commands_r = world.server->commands;
	(void)world_sync(&world);
	*calls_r = world.calls;
	*commands_r = world.server->commands - *commands_r;
	world_clear(&world);
}

static void test_disk(uint64_t calls)
{
	struct trial trial = {0};
	int failures = 0;

	for (trial.fail_at = 1;
		trial.fail_at <= calls && failures < FAILURES_MAX;
		trial.fail_at += tap_rounds(11, 1, 1))
		failures += !passes(&trial);
	is_int(failures, 0,
		"whichever of %" PRIu64 " calls fails, what was told of the "
		"others is in the journal",
		calls);
}

static void test_server(uint64_t commands, enum fake_act act, const char *what)
{
	struct trial trial = {.act = act};
	int failures = 0;

	for (trial.command = 1;
		trial.command <= commands && failures < FAILURES_MAX;
		trial.command++)
		failures += !passes(&trial);
	is_int(failures, 0,
		"at whichever of %" PRIu64 " commands a mailbox %s, what was "
		"told of the others is in the journal",
		commands, what);
}

/* ---- What it costs ------------------------------------------------------- */

static uint64_t commits_of(bool refused)
{
	struct world world;
	uint64_t before;

	world_init(&world, 1);
	imap_caps_set(&world.server->caps, IMAP_CAP_UIDPLUS);
	check(world_sync(&world) == 0);
	for (unsigned i = 1; i <= REFUSED; i++)
		world_give(&world, "INBOX", i, 0)->refusals =
			refused ? FAKE_FOR_EVER : 0;
	before = fake_store_commits(world.store);
	(void)world_sync(&world);
	before = fake_store_commits(world.store) - before;
	world_clear(&world);
	return before;
}

/* Calls of the ports in a sync that finds nothing to do. */
static uint64_t idle_calls(unsigned count)
{
	struct world world;
	uint64_t calls;

	world_init(&world, 1);
	imap_caps_set(&world.server->caps, IMAP_CAP_LIST_EXTENDED);
	imap_caps_set(&world.server->caps, IMAP_CAP_LIST_STATUS);
	imap_caps_set(&world.server->caps, IMAP_CAP_CONDSTORE);
	for (unsigned i = 0; i < count; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "M%u", i);
		fake_server_create(world.server, name, 0);
	}
	for (int i = 0; i < 3; i++) {
		check(world_sync(&world) == 0);
		fake_clock_pass(&world.clock, INT64_C(60000000000));
	}
	calls = world.calls;
	check(world.steps == 0);
	world_clear(&world);
	return calls;
}

/* The files of a mailbox get the flag, or are removed. */
static void change_files(struct world *world, const char *name, bool removes)
{
	struct world_files files;

	world_files(world, name, &files);
	check(files.count > 1);
	if (removes) {
		fake_fs_remove(world->fs, files.items[0].path);
	} else {
		struct buf below = {0};
		struct buf to = {0};

		buf_addf(&below, "cur/%s:2,F", files.items[0].unique);
		world_path(world, name, buf_z(&below), &to);
		fake_fs_rename(world->fs, files.items[0].path, buf_z(&to));
		buf_clear(&below);
		buf_clear(&to);
	}
	free(files.items);
}

enum little {
	SERVER_NEW,
	SERVER_FLAGS,
	SERVER_DELETED,
	LOCAL_FLAGS,
	LOCAL_DELETED,
};

static void change_little(
	struct world *world, enum little what, const char *name)
{
	struct fake_mailbox *mailbox = fake_server_find(world->server, name);

	switch (what) {
	case SERVER_NEW:
		world_give(world, name, 1000, FAKE_SEEN);
		break;
	case SERVER_FLAGS:
		fake_mailbox_find(mailbox, 1)->flags = FAKE_FLAGGED;
		break;
	case SERVER_DELETED:
		fake_mailbox_expunge(mailbox, 1);
		break;
	case LOCAL_FLAGS:
	case LOCAL_DELETED:
		change_files(world, name, what == LOCAL_DELETED);
		break;
	}
}

/* So many mailboxes with two messages each. */
static void begin_flushes(struct world *world, unsigned count)
{
	char name[16];

	world_init(world, 1);
	imap_caps_set(&world->server->caps, IMAP_CAP_UIDPLUS);
	world->options.allow_deletes = true;
	for (unsigned i = 0; i < count; i++) {
		(void)snprintf(name, sizeof(name), "M%u", i);
		fake_server_create(world->server, name, 0);
		world_give(world, name, 2 * i, 0);
		world_give(world, name, 2 * i + 1, 0);
	}
}

static uint64_t flushes_so_far(const struct world *world)
{
	return fake_fs_flushes(world->fs) + fake_store_commits(world->store);
}

static uint64_t flushes_of_first(unsigned count)
{
	struct world world;
	uint64_t flushes;

	begin_flushes(&world, count);
	check(world_sync(&world) == 0);
	flushes = flushes_so_far(&world);
	world_clear(&world);
	return flushes;
}

/* Waits for the disk, the journal's included, of a sync to which each of
 * `count` mailboxes has a little to add. */
static uint64_t flushes_of(enum little what, unsigned count)
{
	struct world world;
	char name[16];
	uint64_t flushes;

	begin_flushes(&world, count);
	check(world_sync(&world) == 0);
	for (unsigned i = 0; i < count; i++) {
		(void)snprintf(name, sizeof(name), "M%u", i);
		change_little(&world, what, name);
	}
	flushes = flushes_so_far(&world);
	check(world_sync(&world) == 0);
	flushes = flushes_so_far(&world) - flushes;
	check(world.summary.dirty == count);
	world_clear(&world);
	return flushes;
}

static void test_flushes(enum little what, const char *sentence)
{
	uint64_t one = flushes_of(what, 1);

	ok(one > 0 && one <= FLUSHES_MAX, "%s cost few flushes", sentence);
	is_int((intmax_t)flushes_of(what, MAILBOXES), (intmax_t)one,
		"and in %d mailboxes no more than in one", MAILBOXES);
}

/* Their folders, and what is in them. */
static void test_first_flushes(void)
{
	uint64_t one = flushes_of_first(1);

	ok(one <= FIRST_FLUSHES_MAX, "a first sync costs few flushes");
	is_int((intmax_t)flushes_of_first(MAILBOXES), (intmax_t)one,
		"and of %d mailboxes no more than of one", MAILBOXES);
}

/* ---- A flush that fails -------------------------------------------------- */

/* Who fails the n-th flush of contents that has something to write. */
struct lossy {
	struct world *world;
	enum fs_result (*flush)(void *ctx, struct err *err);
	uint64_t good; /* flushes until then */
};

static struct lossy *lossy; /* the trial under way: the port has no room */

static enum fs_result flush_or_fail(void *ctx, struct err *err)
{
	if (lossy->good-- == 0)
		lossy->world->fate.fail_at = lossy->world->fate.calls + 1;
	return lossy->flush(ctx, err);
}

/* Two connections bring much mail, and a flush fails: it was one for the files
 * of both. Then the power is cut. False: so many flushes there are not. */
static bool loses(uint64_t good, struct buf *why)
{
	struct world world;
	struct lossy trial = {.world = &world, .good = good};
	bool failed;

	world_init(&world, 1);
	imap_caps_set(&world.server->caps, IMAP_CAP_UIDPLUS);
	world.account.connections = 2;
	fake_server_create(world.server, "A", 0);
	for (unsigned i = 0; i < MUCH; i++) {
		world_give(&world, "INBOX", 2 * i, 0);
		world_give(&world, "A", 2 * i + 1, 0);
	}
	trial.flush = world.ports.fs.flush;
	world.ports.fs.flush = flush_or_fail;
	lossy = &trial;
	failed = world_sync(&world) != 0;
	world_crash(&world, good + 1);
	world.fate.fail_at = 0;
	world.ports.fs.flush = trial.flush;
	if (world_sync(&world) != 0 || !world_in_step(&world, why))
		buf_addf(why, "after %u flushes\n", (unsigned)good);
	world_clear(&world);
	return failed;
}

static void test_lost_flush(void)
{
	struct buf why = {0};
	uint64_t good = 0;

	while (loses(good, &why) && why.len == 0)
		good++;
	if (!ok(why.len == 0 && good > 1,
		    "when any of %u flushes fails, no file is believed to be "
		    "there that it may have lost",
		    (unsigned)good))
		tap_note("%s", buf_z(&why));
	buf_clear(&why);
}

/* A run with a flag to set here: whether it says so if a commit fails at this
 * call; *commits_r counts those calls. */
static bool says_so(uint64_t call, unsigned *commits_r)
{
	struct world world;
	struct buf why = {0};
	bool good = true;
	int status;

	world_init(&world, 1);
	world_give(&world, "INBOX", 1, 0);
	check(world_sync(&world) == 0);
	fake_server_find(world.server, "INBOX")->messages[0].flags = FAKE_SEEN;
	world.fate.fail_at = world.fate.calls + call;
	status = world_sync(&world);
	world.fate.fail_at = 0;
	if (str_eq(str_of(world.fate.failed), STR("store.commit"))) {
		++*commits_r;
		good = status != 0 && told(&world, "error:") > 0;
	}
	good = good && world_sync(&world) == 0 && world_in_step(&world, &why);
	if (!good) {
		tap_note("call %" PRIu64 ": status %d, %s", call, status,
			buf_z(&why));
		world_tell(&world);
	}
	buf_clear(&why);
	world_clear(&world);
	return good;
}

static void test_lost_commit(void)
{
	unsigned commits = 0;
	bool good = true;

	for (uint64_t call = 1; call <= COMMIT_CALLS && good; call++)
		good = says_so(call, &commits);
	ok(good && commits == 1,
		"a run commits once what it has done, and when that fails, "
		"says so");
}

int main(void)
{
	uint64_t calls;
	uint64_t commands;

	learn(&calls, &commands);
	ok(passes(&(struct trial){0}), "what is told is in the journal");
	test_disk(calls);
	test_server(commands, FAKE_DELETES, "is deleted");
	test_server(commands, FAKE_RENUMBERS, "gets a new UIDVALIDITY");
	test_server(commands, FAKE_DISCONNECTS, "is cut off");
	ok(commits_of(true) <= commits_of(false),
		"that %d messages fail costs no commits", REFUSED);
	test_lost_flush();
	test_lost_commit();
	calls = idle_calls(1);
	calls = idle_calls(1 + MAILBOXES) - calls;
	ok(calls <= (uint64_t)IDLE_CALLS * MAILBOXES,
		"a mailbox in which nothing has changed costs at most %d calls",
		IDLE_CALLS);
	test_first_flushes();
	test_flushes(SERVER_NEW, "messages new on the server");
	test_flushes(SERVER_FLAGS, "flags that changed on the server");
	test_flushes(SERVER_DELETED, "messages deleted on the server");
	test_flushes(LOCAL_FLAGS, "flags that changed in the Maildir");
	test_flushes(LOCAL_DELETED, "messages deleted in the Maildir");
	return tap_done();
}
