/*
 * bodies: messages that a server does not give as it lists them. What is cut
 * off or empty is not stored, what is only sized wrongly is.
 */
#include "godwit/engine/journal.h"
#include "tap.h"
#include "world.h"

#include <stdlib.h>
#include <string.h>

#define DAY_NS (INT64_C(24) * 3600 * 1000000000)

static const struct imap_date day = {1600000000, 120};

/* A world with a long message on the server. */
static struct fake_message *begin(struct world *world)
{
	struct fake_message *message;
	struct buf text = {0};

	world_init(world, 1);
	imap_caps_set(&world->server->caps, IMAP_CAP_UIDPLUS);
	world->account.connections = 1;
	world_message(&text, 1);
	for (int i = 0; i < 400; i++)
		buf_addf(&text, "Line %d of a long message.\r\n", i);
	message = fake_mailbox_append(fake_server_find(world->server, "INBOX"),
		buf_str(&text), 0, day);
	buf_clear(&text);
	return message;
}

/* A sync ends with this status and leaves so many files, having sent so many
 * bytes at least and at most as often as the message is long. */
struct outcome {
	int status;
	size_t files;
	unsigned bodies_max;
};

static void syncs(
	struct world *world, const struct outcome *wanted, const char *sentence)
{
	const struct fake_mailbox *box =
		fake_server_find(world->server, "INBOX");
	struct world_files list;
	struct buf why = {0};
	unsigned bodies;
	int status = world_sync(world);
	bool is_ok;

	world_files(world, "INBOX", &list);
	bodies = (unsigned)(world->summary.bytes_in /
			    (box->messages[0].body.len + 1));
	is_ok = status == wanted->status && list.count == wanted->files &&
		bodies <= wanted->bodies_max &&
		world->server->complaints.len == 0 &&
		(status != 0 || list.count != box->count ||
			world_in_step(world, &why));
	if (!ok(is_ok, "%s", sentence)) {
		tap_note("status %d, %zu files, %u bodies came; %s", status,
			list.count, bodies, buf_z(&why));
		world_tell(world);
	}
	free(list.items);
	buf_clear(&why);
}

static void rests(struct world *world, const char *sentence)
{
	int status = world_sync(world);

	ok(status == 0 && world->steps == 0, "%s", sentence);
}

static void test_hollow(void)
{
	struct world world;
	struct fake_message *message = begin(&world);

	message->hollow = 1;
	syncs(&world, &(struct outcome){0, 1, 1},
		"a message that comes empty once is asked for again");
	rests(&world, "and then in step");
	world_clear(&world);

	message = begin(&world);
	message->hollow = FAKE_FOR_EVER;
	syncs(&world, &(struct outcome){1, 0, 0},
		"one that always does is not stored, and complained of");
	ok(strstr(buf_z(&world.tale), "what comes is empty") != NULL,
		"as what it is");
	syncs(&world, &(struct outcome){0, 0, 0},
		"it is not asked for at once again");
	message->hollow = 0;
	fake_clock_pass(&world.clock, DAY_NS);
	syncs(&world, &(struct outcome){0, 1, 1},
		"but later, when it may have come to itself");
	rests(&world, "and then in step");
	world_clear(&world);
}

static void test_empty(void)
{
	struct world world;

	(void)begin(&world);
	fake_mailbox_append(
		fake_server_find(world.server, "INBOX"), STR(""), 0, day);
	syncs(&world, &(struct outcome){0, 2, 1},
		"a message that the server says has no bytes is an empty file");
	rests(&world, "which is in step");
	world_clear(&world);
}

static void test_torn(void)
{
	struct world world;
	struct fake_message *message = begin(&world);

	message->torn = 1;
	syncs(&world, &(struct outcome){0, 1, 2},
		"of a message that comes cut off once, the whole is stored");
	rests(&world, "and then in step");
	world_clear(&world);

	message = begin(&world);
	message->torn = 20;
	syncs(&world, &(struct outcome){1, 0, 1},
		"one that is cut off elsewhere each time is not stored");
	ok(strstr(buf_z(&world.tale), "another thing each time") != NULL,
		"and said to be such");
	message->torn = 0;
	fake_clock_pass(&world.clock, DAY_NS);
	syncs(&world, &(struct outcome){0, 1, 1}, "before it is whole");
	rests(&world, "and then in step");
	world_clear(&world);
}

static void test_size_lies(void)
{
	struct world world;

	begin(&world)->size_lie = 50;
	syncs(&world, &(struct outcome){0, 1, 1},
		"a size that is somewhat wrong costs no second look");
	rests(&world, "the message is in step");
	world_clear(&world);

	begin(&world)->size_lie = 100000;
	syncs(&world, &(struct outcome){0, 1, 2},
		"one that is quite wrong is refuted by what comes twice alike");
	rests(&world, "the message is in step");
	world_clear(&world);

	begin(&world)->size_lie = -9000;
	syncs(&world, &(struct outcome){0, 1, 2},
		"so is one that is much too small");
	rests(&world, "the message is in step");
	world_clear(&world);
}

#define HEADER "Subject: x\r\n\r\n"

/* The server ended the last line of what the Maildir has; without journal, only
 * the body tells. */
static void test_hollow_doubt(void)
{
	struct world world;
	struct fake_mailbox *box;

	world_init(&world, 1);
	box = fake_server_find(world.server, "INBOX");
	world_put(&world, "INBOX", "cur/1.here:2,", STR(HEADER "Text"),
		day.utc_seconds);
	fake_mailbox_append(box, STR(HEADER "Text\r\n"), 0, day)->hollow = 1;
	syncs(&world, &(struct outcome){1, 1, 100},
		"an empty body proves no message to be a new one");
	is_int((intmax_t)box->count, 1, "nor a file");
	fake_clock_pass(&world.clock, DAY_NS);
	(void)world_sync(&world);
	is_int((intmax_t)box->count, 1, "the body tells that they are one");
	rests(&world, "in step");
	world_clear(&world);
}

/* A server that has given enough for a while blames no message. */
static void test_limit(unsigned given)
{
	struct world world;
	struct world_files files;
	struct buf why = {0};

	(void)begin(&world);
	for (unsigned i = 2; i <= 400; i++)
		world_give(&world, "INBOX", i, 0);
	world.server->odd.limits = true;
	world.server->odd.bodies_left = given;
	is_int(world_sync(&world), 1, "a server may give no more for now");
	ok(strstr(buf_z(&world.tale), "Rate limit hit") != NULL,
		"that is told");
	world_files(&world, "INBOX", &files);
	is_int((intmax_t)files.count, given, "what has come is kept");
	free(files.items);
	ok(world.traffic.counts[IMAP_FETCH] < 8, "and the rest is not asked "
						 "for one by one");
	world.server->odd.limits = false;
	if (!ok(world_sync(&world) == 0 && world_in_step(&world, &why),
		    "the next run goes on"))
		world_tell(&world);
	rests(&world, "and all is in step");
	buf_clear(&why);
	world_clear(&world);
}

/* Nor does it where it says so of a single message, which is not given. */
static void test_limit_of_one(unsigned bad)
{
	struct world world;
	struct world_files files;

	(void)begin(&world);
	for (unsigned i = 2; i <= 400; i++)
		world_give(&world, "INBOX", i, 0);
	world.server->odd.limits = true;
	world.server->odd.bodies_left = FAKE_FOR_EVER;
	fake_server_find(world.server, "INBOX")->messages[bad].refusals =
		FAKE_FOR_EVER;
	is_int(world_sync(&world), 1, "a server may give one message never");
	world_files(&world, "INBOX", &files);
	is_int((intmax_t)files.count, 399, "all others come");
	free(files.items);
	is_int(world_sync(&world), 0, "it is put off then");
	world_clear(&world);
}

/* ---- Line ends ----------------------------------------------------------- */

static const struct str bare = {
	HEADER "One\nTwo\r\n", sizeof(HEADER "One\nTwo\r\n") - 1};

/* Whether the journal's only message is stored as it came; its identity must be
 * that of what the server has. */
static bool is_raw(struct world *world)
{
	const struct fake_mailbox *box =
		fake_server_find(world->server, "INBOX");
	struct journal journal;
	struct journal_base base;
	struct journal_messages list;
	struct journal_mailboxes mailboxes;
	struct identity identity;
	struct arena arena = {0};
	struct err err;
	bool raw;

	check(world_journal_open(world, &journal, &err) == 0);
	check(journal_mailboxes(&journal, &arena, &mailboxes, &err) == 0);
	check(journal_base_open(&base, &journal, mailboxes.items[0].id, &err) ==
		0);
	check(journal_messages(&base, true, &arena, &list, &err) == 0);
	check(list.count == 1 && box->count == 1);
	identity_of_header(buf_str(&box->messages[0].body),
		box->messages[0].body.len, &identity);
	raw = list.items[0].stored_raw;
	ok(identity_cmp(&identity, &list.items[0].detail->identity) == 0,
		"... by the identity that it has on the server");
	journal_base_close(&base);
	arena_clear(&arena);
	return raw;
}

static void begin_bare(struct world *world)
{
	world_init(world, 1);
	imap_caps_set(&world->server->caps, IMAP_CAP_UIDPLUS);
	fake_mailbox_append(
		fake_server_find(world->server, "INBOX"), bare, 0, day);
	(void)world_sync(world);
	ok(is_raw(world), "a message with a bare LF is stored as it came");
}

static void test_raw(void)
{
	struct world world;
	struct fake_mailbox *box;

	begin_bare(&world);
	box = fake_server_find(world.server, "INBOX");
	box->messages[0].flags = FAKE_FLAGGED;
	(void)world_sync(&world);
	ok(is_raw(&world), "so says the journal when it has other flags");
	fake_store_wipe(world.store);
	(void)world_sync(&world);
	ok(is_raw(&world), "and when it was lost");
	fake_server_renumber(world.server, box);
	(void)world_sync(&world);
	ok(is_raw(&world), "and when it has a new UID");
	rests(&world, "it is in step");
	fake_mailbox_expunge(box, box->messages[0].uid);
	fake_server_renumber(world.server, box);
	(void)world_sync(&world);
	ok(is_raw(&world), "and when it is uploaded again");
	is_str(buf_str(&box->messages[0].body), bare, "with the same bytes");
	rests(&world, "it is in step");
	world_clear(&world);
}

static void test_not_raw(void)
{
	struct world world;

	world_init(&world, 1);
	world_put(&world, "INBOX", "cur/1.here:2,", STR(HEADER "Text\r\n"),
		day.utc_seconds);
	fake_mailbox_append(fake_server_find(world.server, "INBOX"),
		STR(HEADER "Text\r\n"), 0, day);
	(void)world_sync(&world);
	ok(!is_raw(&world), "a pair whose LFs stand for CRLFs is not");
	world_clear(&world);
}

int main(void)
{
	test_raw();
	test_not_raw();
	test_hollow_doubt();
	test_hollow();
	test_empty();
	test_torn();
	test_size_lies();
	test_limit(0);
	test_limit(30);
	test_limit(300);
	test_limit_of_one(0);
	test_limit_of_one(100);
	test_limit_of_one(255);
	test_limit_of_one(399);
	return tap_done();
}
