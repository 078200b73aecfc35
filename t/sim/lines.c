/*
 * lines: mailboxes that share a connection. What is small costs as many flights
 * as it has stages, whatever the number of mailboxes; and what goes wrong with
 * one of them, or with the connection, harms none.
 */
#include "tap.h"
#include "world.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	BOXES = 12,
	MESSAGES = 4,
	RTT_NS = 40000000,
	/* Of a connection that is logged in already: to connect, to list. */
	FLIGHTS_BEFORE = 2,
};

/* A server, by what it offers, and what it takes beside the listing. */
struct kind {
	const char *name;
	const char *caps; /* beside UIDPLUS */
	bool tells_at_last;
	unsigned more; /* flights: for STATUS, for SEARCH, for want of room */
};

static const struct kind kinds[] = {
	{"QRESYNC",
		"ENABLE CONDSTORE QRESYNC LIST-EXTENDED LIST-STATUS ESEARCH",
		false, 0},
	{"QRESYNC, talkative at last",
		"ENABLE CONDSTORE QRESYNC LIST-EXTENDED LIST-STATUS ESEARCH",
		true, 0},
	{"CONDSTORE", "CONDSTORE ESEARCH", false, 2},
	{"CONDSTORE, talkative at last", "CONDSTORE ESEARCH", true, 2},
	/* These do not say CLOSED, and are asked more than fits in a flight.
	 */
	{"neither", "", false, 1},
	{"neither, talkative at last", "", true, 1},
};

static const char *name_of(unsigned box, char room[16])
{
	(void)snprintf(room, 16, "box%02u", box);
	return room;
}

static struct fake_mailbox *box_of(struct world *world, unsigned box)
{
	char room[16];

	return fake_server_find(world->server, name_of(box, room));
}

static void give(struct world *world, unsigned box, unsigned number)
{
	char room[16];

	world_give(world, name_of(box, room), number, FAKE_SEEN);
}

/* Mailboxes in step, on a server that is far. Their first UIDs are gone, so
 * that new UIDs are other messages' old ones. */
static void begin(struct world *world, const struct kind *kind)
{
	char room[16];

	world_init(world, 1);
	world->traces = true;
	world->account.connections = 4;
	world->net.round_trip_ns = RTT_NS;
	world->server->odd.tells_at_last = kind->tells_at_last;
	world_offer(world, "UIDPLUS");
	world_offer(world, kind->caps);
	for (unsigned box = 0; box < BOXES; box++) {
		struct fake_mailbox *made = fake_server_create(
			world->server, name_of(box, room), 0);

		for (unsigned i = 0; i <= MESSAGES; i++)
			give(world, box, box * 100 + i);
		fake_mailbox_expunge(made, 1);
	}
	check(world_sync(world) == 0);
}

static void end(struct world *world)
{
	world_clear(world);
}

static void flights_at_most(
	const struct world *world, const char *kind, unsigned most)
{
	ok(world->traffic.flights <= most && world->traffic.connections == 1,
		"%s: in %d flights of one connection (%d of %d)", kind,
		(int)most, (int)world->traffic.flights,
		(int)world->traffic.connections);
}

/* Gives these letters to the first message of a mailbox in the Maildir. */
static void mark(struct world *world, unsigned box, const char *letters)
{
	char room[16];
	struct world_files files;
	struct buf to = {0};
	struct str path;

	world_files(world, name_of(box, room), &files);
	check(files.count > 0 && !files.items[0].in_new);
	path = str_of(files.items[0].path);
	path.len -= strlen(files.items[0].letters);
	check(str_ends(path, STR(":2,")));
	buf_add(&to, path);
	buf_addz(&to, letters);
	fake_fs_rename(world->fs, files.items[0].path, buf_z(&to));
	buf_clear(&to);
	free(files.items);
}

/* How many messages bear \Flagged on the server. */
static int flagged(const struct world *world)
{
	int count = 0;

	for (size_t i = 0; i < world->server->count; i++) {
		const struct fake_mailbox *box = world->server->mailboxes[i];

		for (size_t k = 0; k < box->count; k++)
			count += (box->messages[k].flags & FAKE_FLAGGED) != 0;
	}
	return count;
}

/* ---- Flights ------------------------------------------------------------- */

static void test_flights(const struct kind *kind)
{
	struct world world;

	begin(&world, kind);
	for (unsigned box = 0; box < BOXES; box++)
		box_of(&world, box)->messages[0].flags |= FAKE_FLAGGED;
	world_ends_well(
		&world, kind->name, "flags on the server, in each mailbox");
	flights_at_most(&world, kind->name, FLIGHTS_BEFORE + 1 + kind->more);
	for (unsigned box = 0; box < BOXES; box++)
		give(&world, box, box * 100 + 50);
	world_ends_well(
		&world, kind->name, "a message on the server, in each mailbox");
	flights_at_most(&world, kind->name, FLIGHTS_BEFORE + 4 + kind->more);
	for (unsigned box = 0; box < BOXES; box++)
		fake_mailbox_expunge(box_of(&world, box), 3);
	world_ends_well(
		&world, kind->name, "one that is gone there, of each mailbox");
	flights_at_most(&world, kind->name, FLIGHTS_BEFORE + 1 + kind->more);
	for (unsigned box = 0; box < BOXES; box += 4)
		mark(&world, box, "FRS");
	world_ends_well(
		&world, kind->name, "flags in the Maildir, of some mailboxes");
	flights_at_most(
		&world, kind->name, FLIGHTS_BEFORE + 1 + 4 + 2 + kind->more);
	(void)world_sync(&world);
	is_int((intmax_t)world.steps, 0, "%s: the next sync writes nothing",
		kind->name);
	end(&world);
}

/* The tag of a line of the transcript, "C: a7 NOOP". */
static struct str tag_of(struct str line)
{
	struct str said = str_sub(line, 3, line.len);

	return str_sub(said, 0, str_find(said, ' '));
}

static bool is_said(struct str line, const char *command)
{
	struct str said = str_sub(line, 3 + tag_of(line).len, line.len);

	return str_starts(line, STR("C: ")) &&
	       str_starts(said, str_of(command));
}

/* Whether no STORE is sent but in the turn of its mailbox: the SELECT that was
 * sent last was answered. Of one connection. */
static bool writes_in_turn(struct str wire)
{
	struct str awaited = {0};
	bool in_turn = true;
	struct str line;

	while (in_turn && wire.len > 0 && str_split(&wire, '\n', &line)) {
		if (is_said(line, " SELECT "))
			awaited = tag_of(line);
		else if (str_starts(line, STR("S: ")) &&
			 str_eq(tag_of(line), awaited))
			awaited = (struct str){0};
		if (is_said(line, " UID STORE "))
			in_turn = awaited.len == 0;
	}
	return in_turn;
}

static void test_writes(const struct kind *kind)
{
	struct world world;

	begin(&world, kind);
	for (unsigned box = 0; box < BOXES; box++)
		mark(&world, box, "FS");
	world_ends_well(
		&world, kind->name, "flags in the Maildir, of all mailboxes");
	is_int(flagged(&world), BOXES, "%s: all are there", kind->name);
	ok(world.traffic.connections > 1,
		"%s: which is worth another connection", kind->name);
	end(&world);

	begin(&world, kind);
	world.account.connections = 1;
	for (unsigned box = 0; box < BOXES; box++)
		mark(&world, box, "FS");
	world_ends_well(&world, kind->name, "which goes over one, too");
	ok(writes_in_turn(buf_str(&world.wire)),
		"%s: what changes a mailbox waits until it is open",
		kind->name);
	end(&world);
}

/* ---- What goes wrong ----------------------------------------------------- */

static void change_all(struct world *world)
{
	for (unsigned box = 0; box < BOXES; box++) {
		box_of(world, box)->messages[1].flags |= FAKE_ANSWERED;
		give(world, box, box * 100 + 60);
		if (box % 2 == 0)
			mark(world, box, "FS");
	}
}

/* A mailbox that cannot be opened fails alone. */
static void test_refused(const struct kind *kind)
{
	struct world world;

	begin(&world, kind);
	change_all(&world);
	box_of(&world, 5)->refuses = "NO [NOPERM] It is closed today";
	is_int(world_sync(&world), 1, "%s: a mailbox that is refused",
		kind->name);
	is_int((intmax_t)world.summary.errors, 1, "%s: is the only one",
		kind->name);
	ok(strstr(buf_z(&world.tale),
		   "[box05] error: uid 0 : the server does not open this "
		   "mailbox: It is closed today") != NULL,
		"%s: and told", kind->name);
	is_int((intmax_t)world.summary.local.added, BOXES - 1,
		"%s: all others get what is theirs", kind->name);
	box_of(&world, 5)->refuses = NULL;
	buf_reset(&world.server->complaints); /* of what came behind it */
	world_ends_well(
		&world, kind->name, "and it does when it is open again");
	is_int(flagged(&world), BOXES / 2, "%s: nothing else got a flag",
		kind->name);
	end(&world);
}

/* The mailbox is numbered anew before the n-th command; what comes then may be
 * about messages that who has it open knows as others, unless that ends all
 * connections. */
static bool renumber_at(
	const struct kind *kind, uint64_t command, bool disconnects)
{
	const struct fake_action renumber = {
		.act = FAKE_RENUMBERS, .mailbox = "box06"};
	const struct fake_action cut = {.act = FAKE_DISCONNECTS};
	struct world world;
	struct buf why = {0};
	bool is_ok;

	begin(&world, kind);
	change_all(&world);
	fake_server_plan(world.server, command, &renumber);
	if (disconnects)
		fake_server_plan(world.server, command, &cut);
	is_ok = world_sync(&world) <= 1 && world.summary.errors <= 1;
	fake_server_run_plans(world.server);
	is_ok = is_ok && world_sync(&world) == 0 &&
		world_is_well(&world, &why) && flagged(&world) == BOXES / 2;
	if (!is_ok) {
		tap_note("before command %d: %s, %d flagged", (int)command,
			buf_z(&why), flagged(&world));
		world_tell(&world);
	}
	end(&world);
	buf_clear(&why);
	return is_ok;
}

/* All connections end before the n-th command, or this one after the n-th
 * response, half of it sent. */
static bool cut_at(const struct kind *kind, uint64_t at, bool by_command)
{
	const struct fake_action cut = {.act = FAKE_DISCONNECTS};
	struct world world;
	struct buf why = {0};
	bool is_ok;

	begin(&world, kind);
	change_all(&world);
	if (by_command) {
		fake_server_plan(world.server, at, &cut);
	} else {
		world.server->cut_at = world.server->responses + at;
		world.server->cut_half = true;
	}
	is_ok = world_sync(&world) == 0 && world.summary.errors == 0 &&
		world_is_well(&world, &why) && flagged(&world) == BOXES / 2;
	if (!is_ok) {
		tap_note("at %d: %s", (int)at, buf_z(&why));
		world_tell(&world);
	}
	fake_server_run_plans(world.server);
	end(&world);
	buf_clear(&why);
	return is_ok;
}

/* How many commands go out before the first that changes something. */
static uint64_t commands_to_read(struct str wire)
{
	uint64_t count = 0;
	struct str line;

	while (wire.len > 0 && str_split(&wire, '\n', &line) &&
		!is_said(line, " UID STORE "))
		count += is_said(line, " ");
	return count;
}

static void test_interrupted(const struct kind *kind)
{
	struct world world;
	uint64_t commands;
	uint64_t reads;
	uint64_t responses;
	/* Before the first commands we are not let in. */
	const unsigned stride = tap_rounds(13, 3, 1); /* kinds take turns */
	uint64_t first = 2 + (uint64_t)(kind - kinds) % stride;
	bool renumbers = true;
	bool by_command = true;
	bool by_response = true;

	begin(&world, kind);
	change_all(&world);
	world_ends_well(&world, kind->name, "many changes");
	commands = world.traffic.commands;
	reads = commands_to_read(buf_str(&world.wire));
	responses = world.responses;
	end(&world);
	for (uint64_t at = first; at <= commands && renumbers; at += stride)
		renumbers = renumber_at(kind, at, true) &&
			    (at > reads || renumber_at(kind, at, false));
	ok(renumbers,
		"%s: a mailbox that is numbered anew meanwhile gets no "
		"flag that is not its own",
		kind->name);
	for (uint64_t at = first; at <= commands && by_command; at += stride)
		by_command = cut_at(kind, at, true);
	ok(by_command, "%s: connections that end at any command do no harm",
		kind->name);
	for (uint64_t at = first + 2; at <= responses && by_response;
		at += (uint64_t)3 * stride)
		by_response = cut_at(kind, at, false);
	ok(by_response, "%s: nor does one that is cut at any response",
		kind->name);
}

/* One message that no connection survives: the others' mailboxes do not pay for
 * it. */
static void test_culprit(const struct kind *kind)
{
	struct world world;

	begin(&world, kind);
	for (unsigned box = 0; box < BOXES; box++)
		give(&world, box, box * 100 + 60);
	box_of(&world, 3)->messages[MESSAGES].cuts = FAKE_FOR_EVER;
	is_int(world_sync(&world), 1, "%s: a message that ends connections",
		kind->name);
	is_int((intmax_t)world.summary.errors, 1, "%s: is the only error",
		kind->name);
	is_int((intmax_t)world.summary.local.added, BOXES - 1,
		"%s: all others come", kind->name);
	end(&world);
}

/* ---- The end ------------------------------------------------------------- */

static void test_logout(const struct kind *kind)
{
	struct world world;
	int64_t before_ns;

	begin(&world, kind);
	before_ns = world.clock.now_ns;
	world_ends_well(&world, kind->name, "nothing");
	is_int((intmax_t)world.traffic.counts[IMAP_LOGOUT], 1,
		"%s: the server is told that it is over", kind->name);
	is_int((world.clock.now_ns - before_ns) / RTT_NS,
		(intmax_t)world.traffic.flights,
		"%s: which takes no time of its own", kind->name);
	is_int((intmax_t)world.traffic.connections, 1, "%s: once", kind->name);
	end(&world);
}

int main(void)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		test_flights(&kinds[i]);
		test_writes(&kinds[i]);
		test_refused(&kinds[i]);
		test_interrupted(&kinds[i]);
		test_culprit(&kinds[i]);
		test_logout(&kinds[i]);
	}
	return tap_done();
}
