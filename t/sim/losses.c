/*
 * losses: a server that ends each session after a few commands. What gets on is
 * gone on with, what does not is soon given up.
 */
#include "tap.h"
#include "world.h"

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
	world.server->odd.patience = 3;
	if (!is_int(world_sync(&world), 0,
		    "a download that gets on a little with each connection is "
		    "carried to its end"))
		world_tell(&world);
	ok(world.server->sessions >= 5, "on several connections");
	is_in_step(&world, "and both sides are equal");
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

int main(void)
{
	test_download_that_gets_on();
	test_upload_cut_once();
	test_upload_that_gets_on();
	test_that_gets_nowhere();
	return tap_done();
}
