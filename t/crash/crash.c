/*
 * crash: dying at every step of a sync that does a bit of everything.
 *
 * The scenario is run undisturbed, its steps, calls and responses are counted.
 * Then it is run again and again: dying at the k-th step (killed, or with the
 * power cut and what was not durable lost), failing at the k-th call, cut off
 * at the k-th response, told BYE at the k-th command, on a disk that is full
 * after so many bytes. Every time the next run must end where the undisturbed
 * one did, and the one after that must not change a thing. With
 * GODWIT_TEST_SHORT=1 only some of the steps, calls and responses are tried,
 * others in each scenario.
 */
#include "tap.h"
#include "world.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
	CRASHES = 2, /* power cuts at each step, each loses other things */
	CRASHES_MANY = 20,
	STRIDE = 31, /* from step to step where rounds are few */
	ROOM_STEP = 64,
	FAILURES_MAX = 3,
};

/* A server that is synced with. */
struct scenario {
	const char *name;
	enum imap_cap caps[8]; /* up to IMAP4rev1 */
	enum account_delete deletes;
	bool no_uidnext;
	bool adds_final_crlf;
	unsigned half_batch;
	unsigned append_forgets;
	bool excludes_trash;
	bool moves;   /* nothing but moves and copies is to be done */
	bool twins;   /* and new messages come to two mailboxes each */
	bool renames; /* mailboxes are renamed as well */
	bool no_copyuid;
};

static const struct scenario scenarios[] = {
	{.name = "a server that can much",
		.caps = {IMAP_CAP_UIDPLUS, IMAP_CAP_LITERAL_PLUS, IMAP_CAP_MOVE,
			IMAP_CAP_LIST_EXTENDED, IMAP_CAP_SPECIAL_USE}},
	{.name = "a server that can little", .no_uidnext = true},
	{.name = "a server with QRESYNC",
		.caps = {IMAP_CAP_UIDPLUS, IMAP_CAP_ENABLE, IMAP_CAP_CONDSTORE,
			IMAP_CAP_QRESYNC, IMAP_CAP_LIST_EXTENDED,
			IMAP_CAP_LIST_STATUS, IMAP_CAP_MOVE}},
	{.name = "a server with CONDSTORE alone",
		.caps = {IMAP_CAP_UIDPLUS, IMAP_CAP_CONDSTORE,
			IMAP_CAP_LITERAL_PLUS}},
	{.name = "a server with a trash",
		.caps = {IMAP_CAP_UIDPLUS, IMAP_CAP_LITERAL_MINUS,
			IMAP_CAP_SPECIAL_USE},
		.deletes = ACCOUNT_DELETE_TRASH},
	{.name = "a server with a trash that is not synced",
		.caps = {IMAP_CAP_UIDPLUS, IMAP_CAP_SPECIAL_USE},
		.deletes = ACCOUNT_DELETE_TRASH,
		.excludes_trash = true},
	{.name = "a server with a trash and MOVE",
		.caps = {IMAP_CAP_MOVE, IMAP_CAP_SPECIAL_USE},
		.deletes = ACCOUNT_DELETE_TRASH},
	{.name = "a server that stores what it likes",
		.caps = {IMAP_CAP_UIDPLUS},
		.adds_final_crlf = true,
		.append_forgets = FAKE_FLAGGED | FAKE_ANSWERED},
	{.name = "a server that takes several messages at once",
		.caps = {IMAP_CAP_UIDPLUS, IMAP_CAP_LITERAL_PLUS,
			IMAP_CAP_MULTIAPPEND}},
	{.name = "one that stores a part of them",
		.caps = {IMAP_CAP_MULTIAPPEND, IMAP_CAP_LITERAL_MINUS},
		.half_batch = FAKE_FOR_EVER},
	{.name = "renames, by state",
		.caps = {IMAP_CAP_UIDPLUS, IMAP_CAP_LITERAL_PLUS,
			IMAP_CAP_CONDSTORE, IMAP_CAP_LIST_EXTENDED,
			IMAP_CAP_LIST_STATUS},
		.renames = true},
	{.name = "renames, by id",
		.caps = {IMAP_CAP_UIDPLUS, IMAP_CAP_OBJECTID},
		.renames = true},
	{.name = "moves, with a server that moves",
		.caps = {IMAP_CAP_UIDPLUS, IMAP_CAP_MOVE},
		.moves = true},
	{.name = "moves, with one that does not tell where to",
		.caps = {IMAP_CAP_MOVE, IMAP_CAP_UIDPLUS},
		.no_copyuid = true,
		.moves = true},
	{.name = "moves, with one that copies and expunges",
		.caps = {IMAP_CAP_UIDPLUS},
		.deletes = ACCOUNT_DELETE_NEVER,
		.moves = true},
	{.name = "moves, with one that copies and does not tell where to",
		.caps = {IMAP_CAP_UIDPLUS},
		.deletes = ACCOUNT_DELETE_NEVER,
		.no_copyuid = true,
		.moves = true},
	{.name = "moves and twins, with one that has EMAILIDs",
		.caps = {IMAP_CAP_UIDPLUS, IMAP_CAP_MOVE, IMAP_CAP_OBJECTID},
		.moves = true,
		.twins = true},
	{.name = "moves, with QRESYNC, and no word of where to",
		.caps = {IMAP_CAP_UIDPLUS, IMAP_CAP_MOVE, IMAP_CAP_ENABLE,
			IMAP_CAP_CONDSTORE, IMAP_CAP_QRESYNC,
			IMAP_CAP_LIST_EXTENDED, IMAP_CAP_LIST_STATUS},
		.no_copyuid = true,
		.moves = true},
	{.name = "moves, with CONDSTORE alone, by copies",
		.caps = {IMAP_CAP_UIDPLUS, IMAP_CAP_CONDSTORE,
			IMAP_CAP_LITERAL_PLUS},
		.moves = true},
	{.name = "moves, with one that can little",
		.no_uidnext = true,
		.moves = true},
};

/* How a run is disturbed; all zeroes: not at all. */
struct trial {
	const struct scenario *scenario;
	uint64_t die_at;
	enum fake_death death;
	uint64_t crash_seed; /* 0: killed, nothing is lost */
	uint64_t fail_at;
	uint64_t cut_at;
	bool cut_half;
	uint64_t bye_at;       /* all sessions end there, once */
	unsigned bye_for_each; /* each session ends behind that one */
	uint64_t no_at;        /* that command is refused, once */
	bool no_is_coded;      /* with [UNAVAILABLE] */
	bool disk_full;
	uint64_t room;
};

/* What the undisturbed run came to. */
struct course {
	uint64_t steps;
	uint64_t calls;
	uint64_t responses;
	bool moves;  /* nothing goes to the vault */
	bool failed; /* something in it was made to fail */
	uint64_t commands;
	struct buf end;
};

/* ---- The scenario -------------------------------------------------------- */

/* The path of the file that holds a message. */
static void find_file(struct world *world, const char *mailbox, unsigned number,
	struct world_file *file_r)
{
	struct world_files files;
	struct buf mark = {0};
	bool found = false;

	buf_addf(&mark, "Subject: message %u\n", number);
	world_files(world, mailbox, &files);
	for (size_t i = 0; i < files.count && !found; i++) {
		struct buf body = {0};

		(void)fake_fs_read(world->fs, files.items[i].path, &body);
		found = strstr(buf_z(&body), buf_z(&mark)) != NULL;
		if (found)
			*file_r = files.items[i];
		buf_clear(&body);
	}
	check(found);
	free(files.items);
	buf_clear(&mark);
}

/* A mail reader moves a message from Old to another mailbox. */
static void carry(
	struct world *world, unsigned number, const char *to, const char *below)
{
	struct world_file file;
	struct buf path = {0};

	find_file(world, "Old", number, &file);
	world_mkdir(world, to);
	world_path(world, to, below, &path);
	fake_fs_rename(world->fs, file.path, buf_z(&path));
	buf_clear(&path);
}

/* Another client moves or copies one, which keeps its flags. */
static void server_carry(
	struct world *world, enum fake_act act, unsigned number, const char *to)
{
	struct fake_mailbox *old = fake_server_find(world->server, "Old");
	struct fake_action action = {.act = act, .mailbox = "Old", .to = to};
	struct buf mark = {0};

	buf_addf(&mark, "Subject: message %u\r\n", number);
	while (strstr(buf_z(&old->messages[action.message].body),
		       buf_z(&mark)) == NULL)
		action.message++;
	fake_server_act(world->server, &action);
	buf_clear(&mark);
}

static void reflag(struct world *world, unsigned number, const char *letters)
{
	struct world_file file;
	struct buf below = {0};
	struct buf to = {0};

	find_file(world, "INBOX", number, &file);
	buf_addf(&below, "cur/%s:2,%s", file.unique, letters);
	world_path(world, "INBOX", buf_z(&below), &to);
	fake_fs_rename(world->fs, file.path, buf_z(&to));
	buf_clear(&below);
	buf_clear(&to);
}

/* Messages to be moved from Old. */
static void begin_moves(struct world *world)
{
	struct fake_mailbox *old = fake_server_find(world->server, "Old");

	fake_server_create(world->server, "Fresh", 0);
	for (unsigned i = 40; i <= 49; i++)
		world_give(world, "Old", i,
			FAKE_SEEN | fake_mailbox_keyword(old, STR("todo")));
}

/* Some go, on one side or on both, some are copied, some change on the way. */
static void change_moves(struct world *world)
{
	struct fake_mailbox *old = fake_server_find(world->server, "Old");
	struct fake_mailbox *fresh = fake_server_find(world->server, "Fresh");
	struct buf text = {0};

	fake_mailbox_find(old, 7)->flags = 0; /* of message 45 */
	server_carry(world, FAKE_MOVES, 40, "Fresh");
	server_carry(world, FAKE_MOVES, 41, "INBOX");
	server_carry(world, FAKE_COPIES, 42, "Fresh");
	fresh->messages[0].flags = FAKE_FLAGGED;
	carry(world, 43, "Fresh", "cur/kept:2,S");
	carry(world, 44, "Fresh", "cur/invented:2,");
	carry(world, 45, "INBOX", "cur/flagged:2,FS");
	server_carry(world, FAKE_MOVES, 46, "Fresh");
	carry(world, 46, "Fresh", "cur/both:2,RS");
	server_carry(world, FAKE_MOVES, 47, "Fresh");
	carry(world, 47, "INBOX", "cur/parted:2,F");
	carry(world, 48, "Made", "cur/made:2,S");
	world_message(&text, 49);
	world_put(world, "Fresh", "cur/copy:2,", buf_str(&text),
		world_day.utc_seconds);
	buf_clear(&text);
	world_drop(world, "Fresh", "new/fresh", 51);
	fake_fs_settle(world->fs);
}

/* New messages, each in two mailboxes, with other flags. */
static void give_twins(struct world *world)
{
	struct fake_mailbox *inbox = fake_server_find(world->server, "INBOX");
	struct fake_mailbox *fresh = fake_server_find(world->server, "Fresh");

	for (unsigned i = 60; i <= 63; i++) {
		struct fake_message *given =
			world_give(world, "INBOX", i, FAKE_SEEN);

		(void)fake_mailbox_copy(inbox, given->uid, fresh);
		fresh->messages[fresh->count - 1].flags =
			i % 2 == 0 ? FAKE_FLAGGED : 0;
	}
}

/* Mailboxes to be renamed. */
static void begin_renames(struct world *world)
{
	static const char *const names[] = {"Tree", "Tree/leaf", "Box", "Last"};

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		fake_server_create(world->server, names[i], 0);
		world_give(world, names[i], 60 + i, FAKE_SEEN);
		world_give(world, names[i], 70 + i, 0);
	}
}

static void rename_here(struct world *world, const char *from, const char *to)
{
	struct buf old = {0};
	struct buf now = {0};

	buf_addf(&old, WORLD_MAILDIR "/%s", from);
	buf_addf(&now, WORLD_MAILDIR "/%s", to);
	fake_fs_rename(world->fs, buf_z(&old), buf_z(&now));
	buf_clear(&old);
	buf_clear(&now);
}

static void rename_there(struct world *world, const char *from, const char *to)
{
	fake_server_rename(
		world->server, fake_server_find(world->server, from), to);
}

/* One on each side, and one of its names goes to another. */
static void change_renames(struct world *world)
{
	rename_there(world, "Tree", "Trunk");
	world_give(world, "Trunk/leaf", 80, 0);
	rename_here(world, "Box", "Case");
	rename_here(world, "Last", "Box");
	world_drop(world, "Case", "new/81.here", 81);
	world_give(world, "Last", 82, 0);
}

/* Eight messages in step in INBOX, one in Old. */
static void begin(struct world *world, const struct scenario *scenario)
{
	world_init(world, 1);
	for (size_t i = 0; scenario->caps[i] != IMAP_CAP_IMAP4REV1; i++)
		imap_caps_set(&world->server->caps, scenario->caps[i]);
	world->server->odd.no_uidnext = scenario->no_uidnext;
	world->server->odd.adds_final_crlf = scenario->adds_final_crlf;
	world->server->odd.half_batch = scenario->half_batch;
	world->server->odd.append_forgets = scenario->append_forgets;
	world->server->odd.no_copyuid = scenario->no_copyuid;
	world->account.deletes = scenario->deletes;
	world->keeps_deleted =
		!imap_caps_has(&world->server->caps, IMAP_CAP_UIDPLUS);
	world->options.allow_deletes = true;
	if (scenario->twins)
		fake_fs_set_clones(world->fs);
	if (scenario->excludes_trash) {
		world->left_out = STR("Bin");
		world->account.mailboxes.exclude =
			(struct account_list){&world->left_out, 1};
	}
	if (scenario->deletes == ACCOUNT_DELETE_TRASH)
		fake_server_create(world->server, "Bin", IMAP_ATTR_TRASH);
	fake_server_create(world->server, "Old", 0);
	for (unsigned i = 1; i <= 8; i++)
		world_give(world, "INBOX", i, 0);
	world_give(world, "Old", 9, FAKE_SEEN);
	if (scenario->moves)
		begin_moves(world);
	if (scenario->renames)
		begin_renames(world);
	check(world_sync(world) == 0);
}

/* Everything that can change does. */
static void change(struct world *world, const struct scenario *scenario)
{
	struct fake_mailbox *inbox = fake_server_find(world->server, "INBOX");
	struct world_file file;

	if (scenario->moves) {
		change_moves(world);
		if (scenario->twins)
			give_twins(world);
		return;
	}
	if (scenario->renames)
		change_renames(world);
	world_drop(world, "INBOX", "new/20.here", 20);
	world_drop(world, "INBOX", "cur/21.here:2,FS", 21);
	world_drop(world, "Made", "cur/22.here:2,", 22);
	world_drop(world, "Made", "cur/23.here:2,R", 23);
	world_put(world, "INBOX", "cur/24.here:2,",
		STR("Subject: no end\r\n\r\nNo final line end"),
		world_day.utc_seconds);
	world_give(
		world, "INBOX", 30, fake_mailbox_keyword(inbox, STR("todo")));
	world_give(world, "INBOX", 31, FAKE_ANSWERED);
	fake_mailbox_append(inbox,
		STR("Subject: bare\r\n\r\nA bare\nline end.\r\nNo last one"),
		FAKE_SEEN, world_day);
	fake_server_create(world->server, "Given", 0);
	world_give(world, "Given", 32, 0);
	reflag(world, 1, "S");
	reflag(world, 2, "F");
	fake_mailbox_find(inbox, 2)->flags |= FAKE_ANSWERED;
	fake_mailbox_find(inbox, 3)->flags |=
		FAKE_SEEN | fake_mailbox_keyword(inbox, STR("todo"));
	find_file(world, "INBOX", 4, &file);
	fake_fs_remove(world->fs, file.path);
	find_file(world, "INBOX", 5, &file);
	fake_fs_remove(world->fs, file.path);
	fake_mailbox_expunge(inbox, 6);
	fake_mailbox_expunge(inbox, 7);
	find_file(world, "Old", 9, &file);
	fake_fs_remove(world->fs, file.path);
	fake_fs_settle(world->fs);
}

/* ---- Trials -------------------------------------------------------------- */

static void disturb(struct world *world, const struct trial *trial)
{
	world->server->death = trial->death;
	if (trial->die_at != 0)
		world->fate.die_at = world->fate.steps + trial->die_at;
	if (trial->fail_at != 0)
		world->fate.fail_at = world->fate.calls + trial->fail_at;
	if (trial->cut_at != 0)
		world->server->cut_at =
			world->server->responses + trial->cut_at;
	world->server->cut_half = trial->cut_half;
	if (trial->bye_at != 0)
		fake_server_plan(world->server, trial->bye_at,
			&(struct fake_action){.act = FAKE_DISCONNECTS});
	world->server->odd.patience = trial->bye_for_each;
	world->server->no_is_coded = trial->no_is_coded;
	if (trial->no_at != 0)
		world->server->no_at = world->server->commands + trial->no_at;
	if (trial->disk_full)
		fake_fs_set_room(world->fs, trial->room);
}

static void recover(struct world *world, const struct trial *trial)
{
	if (trial->die_at != 0 && trial->crash_seed == 0)
		world_kill(world);
	else if (trial->die_at != 0)
		world_crash(world, trial->crash_seed);
	world->fate.fail_at = 0;
	world->server->cut_at = 0;
	world->server->odd.patience = 0;
	world->server->no_at = 0;
	world->server->death = FAKE_DEATH_BEFORE;
	fake_fs_set_room(world->fs, UINT64_MAX);
	fake_clock_pass(&world->clock, INT64_C(8) * 24 * 3600 * 1000000000);
}

/* Appends the lines of `a` that are not in `b`. */
static void add_lacking(
	struct buf *why, const char *what, struct str a, struct str b)
{
	struct str line;

	while (a.len > 0 && str_split(&a, '\n', &line)) {
		struct str rest = b;
		struct str other = {0};

		while (rest.len > 0 && !str_eq(other, line))
			(void)str_split(&rest, '\n', &other);
		if (!str_eq(other, line))
			buf_addf(why, "%s: %.*s\n", what, (int)line.len,
				line.ptr);
	}
}

/* Where a mailbox could not be synced in one run, what was moved to it is gone
 * from where it was, and then new: kept, with what its file tells of it. */
static bool has_all_moved(const struct buf *state, struct buf *why)
{
	struct buf mark = {0};
	bool is_ok = true;

	for (unsigned i = 40; i <= 49; i++) {
		buf_reset(&mark);
		buf_addf(&mark, "Subject: message %u.", i);
		if (strstr(state->ptr, buf_z(&mark)) != NULL)
			continue;
		buf_addf(why, "message %u is nowhere\n", i);
		is_ok = false;
	}
	buf_clear(&mark);
	return is_ok;
}

/* What the run left is what it must be. */
static bool has_ended(
	struct world *world, const struct course *course, struct buf *why)
{
	struct buf state = {0};
	struct buf gone = {0};
	bool is_ok;

	world_server_state(world, &state);
	(void)buf_z(&state);
	is_ok = course->end.len == 0 ||
		str_eq(buf_str(&state), buf_str(&course->end));
	if (!is_ok && course->moves && course->failed) {
		is_ok = has_all_moved(&state, why);
	} else if (!is_ok) {
		add_lacking(why, "the server has what it ought not",
			buf_str(&state), buf_str(&course->end));
		add_lacking(why, "the server lacks", buf_str(&course->end),
			buf_str(&state));
	}
	for (unsigned i = 6; i <= 7 && !course->moves; i++) {
		buf_reset(&gone);
		world_message(&gone, i);
		if (world_in_vault(world, buf_str(&gone)))
			continue;
		buf_addf(why, "message %u is not in the vault\n", i);
		is_ok = false;
	}
	buf_clear(&state);
	buf_clear(&gone);
	return world_in_step(world, why) && world_journal_ok(world, why) &&
	       is_ok;
}

static bool is_clean(struct world *world, struct buf *why)
{
	if (world->server->complaints.len > 0)
		buf_addz(why, "the server complains\n");
	if (fake_fs_handles(world->fs) != 0 ||
		fake_store_cursors(world->store) != 0 ||
		world->net.streams != 0)
		buf_addz(why, "something is left open\n");
	return why->len == 0;
}

/* The run that picks up, and the one that has nothing to do. */
static bool picks_up(
	struct world *world, const struct course *course, struct buf *why)
{
	int status = world_sync(world);

	if (status != 0)
		buf_addf(why, "the next run ends with %d\n", status);
	if (!is_clean(world, why) || !has_ended(world, course, why))
		return false;
	status = world_sync(world);
	if (status != 0 || world->steps != 0)
		buf_addf(why,
			"the run after that ends with %d, having changed "
			"%" PRIu64 " things\n",
			status, world->steps);
	return is_clean(world, why);
}

static void tell(struct world *world, const struct trial *trial,
	const char *last, struct buf *why)
{
	tap_note("%s: die_at %" PRIu64 " (%s), death %d, crash_seed %" PRIu64
		 ", fail_at %" PRIu64 ", cut_at %" PRIu64 "%s, bye_at %" PRIu64
		 ", bye_for_each %u, no_at %" PRIu64 "%s, room %" PRIu64,
		trial->scenario->name, trial->die_at, last, (int)trial->death,
		trial->crash_seed, trial->fail_at, trial->cut_at,
		trial->cut_half ? " (half)" : "", trial->bye_at,
		trial->bye_for_each, trial->no_at,
		trial->no_is_coded ? " (coded)" : "", trial->room);
	tap_note("%s", buf_z(why));
	world_tell(world);
}

/* Runs the scenario, disturbed, then to its end. */
static bool passes(const struct trial *trial, const struct course *course)
{
	struct course disturbed = *course;
	struct world world;
	struct buf why = {0};
	const char *last;
	bool is_ok;

	disturbed.failed = trial->die_at == 0;
	begin(&world, trial->scenario);
	if (disturbed.failed && trial->scenario->moves)
		world.account.deletes = ACCOUNT_DELETE_EXPUNGE;
	change(&world, trial->scenario);
	world.traces = getenv("GODWIT_TEST_TRACE") != NULL;
	disturb(&world, trial);
	(void)world_sync(&world);
	last = world.fate.last;
	if (world.traces)
		world_tell(&world);
	is_ok = is_clean(&world, &why);
	recover(&world, trial);
	is_ok = is_ok && picks_up(&world, &disturbed, &why);
	if (!is_ok)
		tell(&world, trial, last, &why);
	buf_clear(&why);
	world_clear(&world);
	return is_ok;
}

static bool learn(const struct scenario *scenario, struct course *course)
{
	const struct trial trial = {.scenario = scenario};
	struct world world;
	struct buf why = {0};
	bool is_ok;

	*course = (struct course){.moves = scenario->moves};
	begin(&world, scenario);
	change(&world, scenario);
	course->commands = world.server->commands;
	is_ok = world_sync(&world) == 0 && is_clean(&world, &why) &&
		has_ended(&world, course, &why);
	course->steps = world.steps;
	course->calls = world.calls;
	course->responses = world.responses;
	course->commands = world.server->commands - course->commands;
	world_server_state(&world, &course->end);
	is_ok = is_ok && picks_up(&world, course, &why);
	if (!ok(is_ok, "%s: an undisturbed run ends well", scenario->name))
		tell(&world, &trial, "", &why);
	buf_clear(&why);
	world_clear(&world);
	return is_ok;
}

/* ---- The loops ----------------------------------------------------------- */

static unsigned stride(void)
{
	return tap_rounds(STRIDE, 1, 1);
}

/* The first step, call or response that is disturbed. */
static unsigned first(const struct scenario *scenario)
{
	return 1 + (unsigned)(scenario - scenarios) * 7 % stride();
}

static int die_at(struct trial *trial, const struct course *course)
{
	uint64_t crashes = tap_rounds(1, CRASHES, CRASHES_MANY);
	int failures = 0;

	for (uint64_t seed = 0; seed <= crashes; seed++) {
		trial->crash_seed = seed == 0 ? 0 : seed * 1000 + trial->die_at;
		failures += !passes(trial, course);
	}
	return failures;
}

static void test_death(const struct scenario *scenario,
	const struct course *course, enum fake_death death)
{
	static const char *const words[] = {
		"the server knows nothing of the last command",
		"the last command is done, its answer lost",
		"all that was sent is done"};
	struct trial trial = {.scenario = scenario, .death = death};
	int failures = 0;

	for (trial.die_at = first(scenario);
		trial.die_at <= course->steps && failures < FAILURES_MAX;
		trial.die_at += stride())
		failures += die_at(&trial, course);
	is_int(failures, 0, "%s: it may die at each of %" PRIu64 " steps; %s",
		scenario->name, course->steps, words[death]);
}

static void test_failures(
	const struct scenario *scenario, const struct course *course)
{
	struct trial trial = {.scenario = scenario};
	int failures = 0;

	for (trial.fail_at = first(scenario);
		trial.fail_at <= course->calls && failures < FAILURES_MAX;
		trial.fail_at += stride())
		failures += !passes(&trial, course);
	is_int(failures, 0, "%s: each of %" PRIu64 " calls may fail once",
		scenario->name, course->calls);
}

static void test_cuts(
	const struct scenario *scenario, const struct course *course)
{
	struct trial trial = {.scenario = scenario};
	int failures = 0;

	for (trial.cut_at = first(scenario);
		trial.cut_at <= course->responses && failures < FAILURES_MAX;
		trial.cut_at += stride()) {
		trial.cut_half = false;
		failures += !passes(&trial, course);
		trial.cut_half = true;
		failures += !passes(&trial, course);
	}
	is_int(failures, 0,
		"%s: the connection may break at each of %" PRIu64
		" responses, or in the middle of it",
		scenario->name, course->responses);
}

static void test_byes(
	const struct scenario *scenario, const struct course *course)
{
	struct trial trial = {.scenario = scenario};
	int failures = 0;

	for (trial.bye_at = first(scenario);
		trial.bye_at <= course->commands && failures < FAILURES_MAX;
		trial.bye_at += stride())
		failures += !passes(&trial, course);
	is_int(failures, 0,
		"%s: the server may say BYE at each of %" PRIu64 " commands",
		scenario->name, course->commands);
	trial.bye_at = 0;
	for (trial.bye_for_each = (unsigned)first(scenario);
		trial.bye_for_each <= course->commands &&
		failures < FAILURES_MAX;
		trial.bye_for_each += (unsigned)stride())
		failures += !passes(&trial, course);
	is_int(failures, 0,
		"%s: it may do so at the same command of each connection",
		scenario->name);
}

static void test_refusals(
	const struct scenario *scenario, const struct course *course)
{
	struct trial trial = {.scenario = scenario};
	int failures = 0;

	for (trial.no_at = first(scenario);
		trial.no_at <= course->commands && failures < FAILURES_MAX;
		trial.no_at += stride()) {
		trial.no_is_coded = false;
		failures += !passes(&trial, course);
		/* Of a mailbox that is missing, the code says more. */
		trial.no_is_coded = scenario->renames;
		if (trial.no_is_coded)
			failures += !passes(&trial, course);
	}
	is_int(failures, 0,
		"%s: the server may refuse each of %" PRIu64 " commands",
		scenario->name, course->commands);
}

static void test_full_disk(
	const struct scenario *scenario, const struct course *course)
{
	struct trial trial = {.scenario = scenario, .disk_full = true};
	int failures = 0;

	for (trial.room = (uint64_t)ROOM_STEP * (first(scenario) - 1);
		trial.room < 3000 && failures < FAILURES_MAX;
		trial.room += (uint64_t)ROOM_STEP * stride())
		failures += !passes(&trial, course);
	is_int(failures, 0, "%s: the disk may be full at any time",
		scenario->name);
}

static void test_scenario(const struct scenario *scenario)
{
	struct course course;

	if (learn(scenario, &course)) {
		test_death(scenario, &course, FAKE_DEATH_BEFORE);
		test_death(scenario, &course, FAKE_DEATH_AFTER);
		test_death(scenario, &course, FAKE_DEATH_DRAIN);
		test_failures(scenario, &course);
		test_cuts(scenario, &course);
		test_byes(scenario, &course);
		test_refusals(scenario, &course);
		test_full_disk(scenario, &course);
	}
	buf_clear(&course.end);
}

int main(void)
{
	for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++)
		test_scenario(&scenarios[i]);
	return tap_done();
}
