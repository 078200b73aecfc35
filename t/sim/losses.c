/*
 * losses: a server that ends each session after a few commands. What gets on is
 * gone on with, what does not is soon given up.
 */
#include "tap.h"
#include "world.h"

#include <stdlib.h>

static const struct imap_date day = {1600000000, 120};

static void begin(struct world *world)
{
	world_init(world, 1);
	imap_caps_set(&world->server->caps, IMAP_CAP_UIDPLUS);
	imap_caps_set(&world->server->caps, IMAP_CAP_LITERAL_PLUS);
	world->account.connections = 1;
}

static struct fake_mailbox *inbox(struct world *world)
{
	return fake_server_find(world->server, "INBOX");
}

/* New messages on the server. */
static void append(struct fake_mailbox *box, unsigned count)
{
	struct buf text = {0};

	for (unsigned i = 0; i < count; i++) {
		buf_reset(&text);
		world_message(&text, i);
		fake_mailbox_append(box, buf_str(&text), 0, day);
	}
	buf_clear(&text);
}

/* New files in the Maildir, all of one size. */
static void put(struct world *world, unsigned count)
{
	struct buf text = {0};
	struct buf name = {0};

	for (unsigned i = 0; i < count; i++) {
		buf_reset(&text);
		buf_reset(&name);
		buf_addf(&text, "Subject: %02u\r\n\r\nNumber %02u\r\n", i, i);
		buf_addf(&name, "cur/%u.here:2,", i);
		world_put(world, "INBOX", buf_z(&name), buf_str(&text),
			day.utc_seconds);
	}
	buf_clear(&text);
	buf_clear(&name);
}

static void is_in_step(struct world *world, const char *sentence)
{
	struct buf why = {0};
	bool is_ok = world_in_step(world, &why) &&
		     world_journal_ok(world, &why) &&
		     world->server->complaints.len == 0;

	if (!ok(is_ok, "%s", sentence)) {
		tap_note("%s", buf_z(&why));
		world_tell(world);
	}
	buf_clear(&why);
}

/* Batches of 256: each session has time for one or two of them. */
static void test_download_that_gets_on(void)
{
	struct world world;

	begin(&world);
	append(inbox(&world), 5 * 256);
	world.server->odd.patience = 2;
	if (!is_int(world_sync(&world), 0,
		    "a download that gets on a little with each connection is "
		    "carried to its end"))
		world_tell(&world);
	ok(world.server->sessions >= 5, "on several connections");
	is_in_step(&world, "and both sides are equal");
	world_clear(&world);
}

/* A mailbox of more chunks than one task has under way, and of enough bytes for
 * further logins to pay. */
static void test_download_shared(void)
{
	struct buf text = {0};
	struct world world;

	begin(&world);
	for (unsigned i = 0; i < 7 * 256; i++) {
		buf_reset(&text);
		world_message(&text, i);
		while (text.len < (24 << 10))
			buf_addz(&text, "And so on, and so on.\r\n");
		fake_mailbox_append(inbox(&world), buf_str(&text), 0, day);
	}
	buf_clear(&text);
	world.account.connections = 4;
	is_int(world_sync(&world), 0, "a large mailbox is downloaded");
	is_int((intmax_t)world.server->sessions, 4,
		"by all the connections that there may be");
	is_int((intmax_t)world.traffic.counts[IMAP_SELECT], 4,
		"each of which opens it once");
	is_in_step(&world, "and both sides are equal");
	is_int(world_sync(&world), 0, "the next run");
	is_int((intmax_t)world.steps, 0, "finds nothing to do");
	world_clear(&world);
}

/* What the second session sends must not be taken for what the first sent. */
static void test_upload_cut_once(void)
{
	struct world world;

	begin(&world);
	put(&world, 8);
	world.server->odd.patience = 10;
	if (!is_int(world_sync(&world), 0,
		    "an upload that is cut off goes on by another connection"))
		world_tell(&world);
	is_int((intmax_t)world.server->sessions, 2, "which is the second");
	is_int((intmax_t)inbox(&world)->count, 8, "each file is sent once");
	is_in_step(&world, "and both sides are equal");
	world_clear(&world);
}

static void test_upload_that_gets_on(void)
{
	struct world world;
	int runs = 0;
	int status = 1;

	begin(&world);
	put(&world, 40);
	world.server->odd.patience = 4;
	status = world_sync(&world);
	is_int(status, 1, "an upload that wants too many connections");
	ok(world.server->sessions <= 24, "is put off after %d of them",
		(int)world.server->sessions);
	ok(inbox(&world)->count >= 16, "with %d of 40 messages sent",
		(int)inbox(&world)->count);
	while (status != 0 && ++runs < 5)
		status = world_sync(&world);
	is_int(status, 0, "the next runs go on with it");
	is_in_step(&world, "until both sides are equal");
	world_clear(&world);
}

static void test_that_gets_nowhere(void)
{
	struct world world;

	begin(&world);
	imap_caps_set(&world.server->caps, IMAP_CAP_LIST_EXTENDED);
	append(inbox(&world), 3);
	for (unsigned i = 0; i < 40; i++) {
		char name[] = {(char)('a' + i / 10), (char)('0' + i % 10), 0};

		append(fake_server_create(world.server, name, 0), 1);
	}
	is_int(world_sync(&world), 0, "41 mailboxes are in step");
	append(inbox(&world), 4);
	world.server->sessions = 0;
	world.server->odd.patience = 1;
	is_int(world_sync(&world), 69,
		"a server that ends each session after a command cannot be "
		"reached");
	ok(world.server->sessions <= 8, "and is left alone after %d sessions",
		(int)world.server->sessions);
	world.server->odd.patience = 0;
	is_int(world_sync(&world), 0, "once it is well, the sync goes on");
	is_in_step(&world, "and both sides are equal");
	world_clear(&world);
}

/* The connection is cut once, half way through the n-th response of a first
 * sync. Whether that sync is none the worse for it. */
static bool is_unharmed(uint64_t response, bool *cut_r)
{
	struct world world;
	struct buf why = {0};
	bool is_ok;

	world_init(&world, 1);
	imap_caps_set(&world.server->caps, IMAP_CAP_UIDPLUS);
	world.account.connections = 1;
	for (unsigned i = 0; i < 5; i++) {
		struct buf text = {0};

		world_message(&text, i);
		fake_mailbox_append(fake_server_find(world.server, "INBOX"),
			buf_str(&text), 0, (struct imap_date){1600000000, 0});
		buf_clear(&text);
	}
	world.server->cut_at = world.server->responses + response;
	world.server->cut_half = true;
	is_ok = world_sync(&world) == 0 && world_in_step(&world, &why);
	*cut_r = world.server->responses >= world.server->cut_at;
	if (!is_ok) {
		tap_note("response %d: %s", (int)response, buf_z(&why));
		world_tell(&world);
	}
	buf_clear(&why);
	world_clear(&world);
	return is_ok;
}

static void test_cut_once(void)
{
	bool was_cut = true;
	bool is_ok = true;

	for (uint64_t at = 4; was_cut && is_ok; at++)
		is_ok = is_unharmed(at, &was_cut);
	ok(is_ok, "a connection that is cut once, wherever, costs nothing but "
		  "another one");
}

/* Two messages that no connection survives do not hold up the others. */
static void test_cut_always(void)
{
	struct world world;
	struct world_files files;

	begin(&world);
	append(inbox(&world), 6);
	inbox(&world)->messages[1].cuts = FAKE_FOR_EVER;
	inbox(&world)->messages[3].cuts = FAKE_FOR_EVER;
	is_int(world_sync(&world), 1,
		"messages that end every connection are complained of");
	world_files(&world, "INBOX", &files);
	is_int((intmax_t)files.count, 4, "the others are downloaded");
	free(files.items);
	is_int((intmax_t)world.server->sessions, 5,
		"each is tried twice in a run");
	is_int(world_sync(&world), 0, "and not again at once");
	world_clear(&world);
}

/* The connection is lost before the n-th command, and the mailbox is made anew,
 * under the UIDVALIDITY of old (DavMail). A message without a date is asked for
 * once more, when the folder, which has not changed, is known. */
static bool is_made_anew(uint64_t at)
{
	const struct fake_action acts[] = {
		{.act = FAKE_DELETES, .mailbox = "A"},
		{.act = FAKE_CREATES, .mailbox = "A"},
		{.act = FAKE_DISCONNECTS},
	};
	struct world world;
	struct buf why = {0};
	bool is_ok;

	begin(&world);
	world.server->odd.one_uidvalidity = true;
	fake_server_create(world.server, "A", 0);
	append(world_box(&world, "A"), 3);
	check(world_sync(&world) == 0 && world_sync(&world) == 0);
	world_give(&world, "A", 9, 0)->date = (struct imap_date){0};
	for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++)
		fake_server_plan(world.server, at, &acts[i]);
	(void)world_sync(&world);
	fake_server_run_plans(world.server);
	is_ok = world_sync(&world) == 0 && world_in_step(&world, &why);
	if (!is_ok) {
		tap_note("command %d: %s", (int)at, buf_z(&why));
		world_tell(&world);
	}
	buf_clear(&why);
	world_clear(&world);
	return is_ok;
}

static void test_made_anew(void)
{
	int failures = 0;

	for (uint64_t at = 1; at <= 12; at++)
		failures += !is_made_anew(at);
	is_int(failures, 0,
		"a mailbox that is made anew while its connection is lost is "
		"compared with its folder");
}

int main(void)
{
	test_made_anew();
	test_cut_always();
	test_cut_once();
	test_download_that_gets_on();
	test_download_shared();
	test_upload_cut_once();
	test_upload_that_gets_on();
	test_that_gets_nowhere();
	return tap_done();
}
