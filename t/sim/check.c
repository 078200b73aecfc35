/*
 * check: what `godwit check` says of servers and disks of several kinds. It is
 * no step of fate, so it changes nothing.
 */
#include "tap.h"
#include "world.h"

#include <string.h>

static const struct imap_date day = {1600000000, 120};

static void begin(struct world *world)
{
	struct buf text = {0};

	world_init(world, 1);
	imap_caps_set(&world->server->caps, IMAP_CAP_LIST_EXTENDED);
	world_message(&text, 1);
	fake_mailbox_append(fake_server_find(world->server, "INBOX"),
		buf_str(&text), 0, day);
	buf_clear(&text);
}

static void checks(struct world *world, int status, const char *sentence)
{
	world->options.depth = SYNC_CHECK;
	if (!is_int(world_sync(world), status, "%s", sentence))
		world_tell(world);
	is_int((intmax_t)world->steps, 0, "and nothing is changed");
	world->options.depth = SYNC_APPLY;
}

static void says(struct world *world, const char *words, const char *sentence)
{
	if (!ok(strstr(buf_z(&world->tale), words) != NULL, "%s", sentence)) {
		tap_note("expected: %s", words);
		world_tell(world);
	}
}

static void test_poor_server(void)
{
	struct world world;

	begin(&world);
	checks(&world, 0, "a server that can little is looked at");
	says(&world, "no (it lacks UIDPLUS); what is removed from the Maildir",
		"what it cannot is said, and what that means");
	says(&world, "no (it lacks QRESYNC)", "of each ability");
	says(&world, "[INBOX] mailbox: is new on the server",
		"and its mailboxes are named");
	world_clear(&world);
}

static void test_prefixed_server(void)
{
	struct world world;

	begin(&world);
	imap_caps_set(&world.server->caps, IMAP_CAP_NAMESPACE);
	imap_caps_set(&world.server->caps, IMAP_CAP_CONDSTORE);
	imap_caps_set(&world.server->caps, IMAP_CAP_LITERAL_MINUS);
	world.server->prefix = "INBOX.";
	world.server->delimiter = '.';
	fake_server_create(world.server, "INBOX.a.b", IMAP_ATTR_SENT);
	imap_caps_set(&world.server->caps, IMAP_CAP_SPECIAL_USE);
	world.account.layout = LAYOUT_MAILDIRPP;
	checks(&world, 0, "a server with a prefix is looked at");
	says(&world, "below 'INBOX.', which local names leave out",
		"the prefix is told");
	says(&world, "parted by '.'", "and the delimiter");
	says(&world, "fast look for changes: flags only (CONDSTORE)",
		"what it can half is told as half");
	says(&world, "small ones (LITERAL-)", "in words");
	says(&world,
		"[a/b] mailbox: is new on the server: a sync makes its "
		"folder; its place is the folder .a.b (\\Sent)",
		"a mailbox is told with its folder and its use");
	world_clear(&world);
}

static void test_unlike_sides(void)
{
	struct world world;

	begin(&world);
	world_mkdir(&world, "gone");
	is_int(world_sync(&world), 0, "two mailboxes are in step");
	fake_server_delete(
		world.server, fake_server_find(world.server, "gone"));
	checks(&world, 0, "a mailbox that one side removed is looked at");
	says(&world, "[gone] mailbox: was removed from the server, stays in",
		"and what becomes of it is said");
	world.account.remove = ACCOUNT_SIDES_LOCAL;
	checks(&world, 0, "and looked at under other settings");
	says(&world, "[gone] mailbox: was removed from the server: a sync rem",
		"which mean something else");
	world_clear(&world);
}

/* All that is wrong is told at once. */
static void test_faults(void)
{
	struct world world;

	begin(&world);
	is_int(world_sync(&world), 0, "a mailbox is in step");
	fake_fs_rename(world.fs, WORLD_MAILDIR, "/home/away");
	world.server->odd.patience = 1;
	world.server->caps = (struct imap_caps){0};
	imap_caps_set(&world.server->caps, IMAP_CAP_IMAP4REV1);
	checks(&world, 74, "the first of two faults gives the status");
	is_int((intmax_t)world.summary.errors, 2, "but both are told");
	says(&world, "error: uid 0 : the Maildir root", "that of the disk");
	says(&world, "the server ended the connection", "and the server's");
	world_clear(&world);
}

int main(void)
{
	test_poor_server();
	test_prefixed_server();
	test_unlike_sides();
	test_faults();
	return tap_done();
}
