/*
 * crash: a sync that downloads, uploads, flags, deletes and makes mailboxes,
 * dying at each of its steps.
 *
 * The undisturbed run tells how many steps there are and how both sides end.
 * Then, for each step, a fresh world dies there: by kill -9 (nothing is lost)
 * or by a power cut (whatever was not durable may be), with the server having
 * got the command of that step, or only its answer being lost. The next run
 * must come to the same end, and the one after it must do nothing.
 *
 * GODWIT_TEST_STEP=k tries that step alone, GODWIT_TEST_LONG=1 more seeds.
 *
 * Likewise, without dying: each call of a port fails once, and the connection
 * is cut after each response, or in the middle of it.
 */
#include "tap.h"
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	BEFORE_MESSAGES = 4, /* in step before the run that dies */
	SEEDS = 2,
	SEEDS_LONG = 12,
};

static const struct imap_date day = {1600000000, 0};

/* How a world ends at a step. */
struct end {
	uint64_t step;
	enum fake_death death;
	uint64_t seed; /* of the power cut; 0: kill -9 */
};

static void append(struct world *world, const char *mailbox, unsigned number,
	uint64_t flags)
{
	struct fake_mailbox *box = fake_server_find(world->server, mailbox);
	struct buf text = {0};

	world_message(&text, number);
	fake_mailbox_append(box, buf_str(&text), flags, day);
	buf_clear(&text);
}

static void put(struct world *world, const char *mailbox, const char *file,
	unsigned number)
{
	struct buf text = {0};

	world_message(&text, number);
	world_put(world, mailbox, file, buf_str(&text), day.utc_seconds);
	buf_clear(&text);
}

/* Another program takes a file away, or gives it other letters. */
static void change_file(struct world *world, size_t index, const char *letters)
{
	struct world_files files = {0};
	char to[400];

	world_files(world, "INBOX", &files);
	check(index < files.count);
	if (letters == NULL) {
		fake_fs_remove(world->fs, files.items[index].path);
	} else {
		(void)snprintf(to, sizeof(to), "%s/INBOX/cur/%s:2,%s",
			WORLD_MAILDIR, files.items[index].unique, letters);
		fake_fs_rename(world->fs, files.items[index].path, to);
	}
	free(files.items);
}

/* Both sides in step, then changed on both. */
static void prepare(struct world *world)
{
	struct fake_mailbox *inbox;

	world_init(world, 1);
	imap_caps_set(&world->server->caps, IMAP_CAP_UIDPLUS);
	imap_caps_set(&world->server->caps, IMAP_CAP_LITERAL_PLUS);
	world->options.allow_deletes = true;
	for (unsigned i = 1; i <= BEFORE_MESSAGES; i++)
		append(world, "INBOX", i, i == 1 ? FAKE_SEEN : 0);
	check(world_sync(world) == 0);
	inbox = fake_server_find(world->server, "INBOX");
	append(world, "INBOX", 11, FAKE_FLAGGED);
	append(world, "INBOX", 12, 0);
	inbox->messages[0].flags |= FAKE_ANSWERED;
	fake_mailbox_expunge(inbox, inbox->messages[1].uid);
	(void)fake_server_create(world->server, "There", 0);
	append(world, "There", 13, FAKE_SEEN);
	put(world, "INBOX", "new/21.here", 21);
	put(world, "INBOX", "cur/22.here:2,RS", 22);
	put(world, "Here", "cur/23.here:2,F", 23);
	change_file(world, 3, "FS");
	change_file(world, 2, NULL);
	fake_fs_settle(world->fs);
}

/* The Maildir as text, but for tmp/, where what a crash left may lie until the
 * next download. */
static void dump(struct world *world, struct buf *files)
{
	struct buf all = {0};
	struct str rest;
	struct str line;

	fake_fs_dump(world->fs, WORLD_MAILDIR, &all);
	rest = buf_str(&all);
	while (rest.len > 0 && str_split(&rest, '\n', &line)) {
		if (memmem(line.ptr, line.len, "/tmp/", 5) != NULL)
			continue;
		buf_add(files, line);
		buf_addc(files, '\n');
	}
	buf_clear(&all);
}

/* Both sides as text: what the Maildir holds, and that the server is equal. */
static bool ended_well(
	struct world *world, const struct buf *wanted, struct buf *why)
{
	struct buf files = {0};
	bool well = world_in_step(world, why) && world_journal_ok(world, why);

	dump(world, &files);
	if (well && !str_eq(buf_str(&files), buf_str(wanted))) {
		buf_addf(why, "the Maildir ends as\n%.*s\nand not as\n%.*s",
			STR_FMT(buf_str(&files)), STR_FMT(buf_str(wanted)));
		well = false;
	}
	buf_clear(&files);
	return well;
}

static void tell(const struct end *end, struct world *world, struct buf *why)
{
	static const char *const deaths[] = {
		[FAKE_DEATH_BEFORE] = "before the server knew of it",
		[FAKE_DEATH_AFTER] = "its answer lost",
		[FAKE_DEATH_DRAIN] = "all that was sent being done",
	};

	tap_note("step %u, %s, %s %u; again: GODWIT_TEST_STEP=%u",
		(unsigned)end->step, deaths[end->death],
		end->seed == 0 ? "kill -9" : "power cut", (unsigned)end->seed,
		(unsigned)end->step);
	tap_note("%s", buf_z(why));
	world_tell(world);
}

/* Dies once, goes on, and looks. */
static bool survives(const struct end *end, const struct buf *wanted)
{
	struct world world;
	struct buf why = {0};
	bool survived;

	prepare(&world);
	world.server->death = end->death;
	world.fate.die_at = world.fate.steps + end->step;
	(void)world_sync(&world);
	if (end->seed == 0)
		world_kill(&world);
	else
		world_crash(&world, end->seed);
	survived = world_sync(&world) == 0;
	if (!survived)
		buf_addz(&why, "the next run fails");
	survived = survived && ended_well(&world, wanted, &why);
	if (survived && (world_sync(&world) != 0 || world.steps != 0)) {
		buf_addz(&why, "the run after the next one changes something");
		survived = false;
	}
	if (!survived)
		tell(end, &world, &why);
	buf_clear(&why);
	world_clear(&world);
	return survived;
}

/* All ends that a step can have. */
static bool step_survives(
	uint64_t step, uint64_t seeds, const struct buf *wanted)
{
	for (int death = FAKE_DEATH_BEFORE; death <= FAKE_DEATH_DRAIN;
		death++) {
		for (uint64_t seed = 0; seed <= seeds; seed++) {
			const struct end end = {
				step, (enum fake_death)death, seed};

			if (!survives(&end, wanted))
				return false;
		}
	}
	return true;
}

/* What goes wrong without a death. */
enum trouble {
	TROUBLE_CALL, /* a call of a port fails */
	TROUBLE_CUT,  /* the connection ends after a response */
	TROUBLE_TORN, /* the connection ends within a response */
};

static const char *const trouble_names[] = {
	[TROUBLE_CALL] = "a failure of call",
	[TROUBLE_CUT] = "a cut after response",
	[TROUBLE_TORN] = "a cut within response",
};

static void arrange(struct world *world, enum trouble trouble, uint64_t at)
{
	if (trouble == TROUBLE_CALL) {
		world->fate.fail_at = world->fate.calls + at;
		return;
	}
	world->server->cut_at = world->server->responses + at;
	world->server->cut_half = trouble == TROUBLE_TORN;
}

/* What was put off because of it is tried again within this time. */
static void wait_long(struct world *world)
{
	fake_clock_pass(&world->clock, INT64_C(8) * 86400 * 1000000000);
}

static bool overcomes(
	enum trouble trouble, uint64_t at, const struct buf *wanted)
{
	struct world world;
	struct buf why = {0};
	bool well;

	prepare(&world);
	arrange(&world, trouble, at);
	(void)world_sync(&world);
	world.fate.fail_at = 0;
	world.server->cut_at = 0;
	wait_long(&world);
	well = world_sync(&world) == 0;
	if (!well)
		buf_addz(&why, "the next run fails");
	well = well && ended_well(&world, wanted, &why);
	if (!well) {
		tap_note("%s %u: %s", trouble_names[trouble], (unsigned)at,
			buf_z(&why));
		world_tell(&world);
	}
	buf_clear(&why);
	world_clear(&world);
	return well;
}

static void overcomes_all(
	enum trouble trouble, uint64_t count, const struct buf *wanted)
{
	uint64_t failed = 0;

	for (uint64_t at = 1; at <= count && failed == 0; at++) {
		if (!overcomes(trouble, at, wanted))
			failed = at;
	}
	is_int((intmax_t)failed, 0,
		"%s changes nothing in the end, at any of %u",
		trouble_names[trouble], (unsigned)count);
}

/* How long the undisturbed run is. */
struct length {
	uint64_t steps;
	uint64_t calls;
	uint64_t responses;
};

/* The undisturbed run: its length, and how the Maildir ends. */
static struct length measure(struct buf *wanted)
{
	struct world world;
	struct buf why = {0};
	struct length length;

	prepare(&world);
	is_int(world_sync(&world), 0, "the undisturbed run succeeds");
	length = (struct length){world.steps, world.calls, world.responses};
	ok(world_in_step(&world, &why), "it leaves both sides equal: %s",
		buf_z(&why));
	is_int(world_sync(&world), 0, "another run succeeds");
	is_int((intmax_t)world.steps, 0, "and changes nothing");
	dump(&world, wanted);
	buf_clear(&why);
	world_clear(&world);
	return length;
}

int main(void)
{
	const char *only = getenv("GODWIT_TEST_STEP");
	uint64_t seeds =
		getenv("GODWIT_TEST_LONG") != NULL ? SEEDS_LONG : SEEDS;
	struct buf wanted = {0};
	struct length length = measure(&wanted);

	for (uint64_t step = 1; step <= length.steps; step++) {
		if (only != NULL && strtoull(only, NULL, 10) != step)
			continue;
		ok(step_survives(step, seeds, &wanted),
			"dying at step %u of %u changes nothing in the end",
			(unsigned)step, (unsigned)length.steps);
	}
	if (only == NULL) {
		overcomes_all(TROUBLE_CALL, length.calls, &wanted);
		overcomes_all(TROUBLE_CUT, length.responses, &wanted);
		overcomes_all(TROUBLE_TORN, length.responses, &wanted);
	}
	buf_clear(&wanted);
	return tap_done();
}
