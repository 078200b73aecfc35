/* basics: one pull, one push, and nothing to do afterwards. */
#include "tap.h"
#include "world.h"

#include <string.h>

static void is_in_step(struct world *world, const char *sentence)
{
	struct buf why = {0};

	if (!ok(world_in_step(world, &why), "%s", sentence)) {
		tap_note("%s", buf_z(&why));
		world_tell(world);
	}
	buf_clear(&why);
}

static void syncs(struct world *world, const char *what)
{
	struct buf why = {0};

	if (!is_int(world_sync(world), 0, "%s succeeds", what))
		world_tell(world);
	is_in_step(world, "then both sides are equal");
	ok(world_journal_ok(world, &why), "and the journal agrees: %s",
		buf_z(&why));
	is_int(world_sync(world), 0, "a second sync succeeds");
	if (!is_int((intmax_t)world->steps, 0, "and changes nothing"))
		world_tell(world);
	buf_clear(&why);
}

static void says(struct world *world, const char *words, const char *sentence)
{
	if (!ok(strstr(buf_z(&world->tale), words) != NULL, "%s", sentence))
		world_tell(world);
}

/* What is told of flags, before and while it is done. */
static void test_flags_told(struct world *world)
{
	struct fake_mailbox *box = fake_server_find(world->server, "INBOX");

	fake_mailbox_find(box, 2)->flags = FAKE_SEEN | FAKE_ANSWERED;
	world->options.depth = SYNC_DRY;
	is_int(world_sync(world), 0, "a dry run succeeds");
	says(world, "flag local uid 2 +\\Answered -\\Flagged (",
		"and says which flags would change");
	world->options.depth = SYNC_APPLY;
	is_int(world_sync(world), 0, "a sync succeeds");
	says(world, "flag local uid 2 +\\Answered -\\Flagged (",
		"and says which flags were changed");
	is_in_step(world, "as they were");
}

static unsigned attrs_of(const struct world *world, const char *mailbox)
{
	const struct fake_mailbox *box =
		fake_server_find(world->server, mailbox);

	return box != NULL ? box->attrs : 0;
}

/* Mail readers name folders by what they are for. */
static void test_roles(void)
{
	struct world world;

	world_init(&world, 1);
	imap_caps_set(&world.server->caps, IMAP_CAP_SPECIAL_USE);
	imap_caps_set(&world.server->caps, IMAP_CAP_CREATE_SPECIAL_USE);
	fake_server_create(world.server, "Bin", IMAP_ATTR_TRASH);
	world_drop(&world, "Sent", "cur/1.here:2,S", 1);
	world_drop(&world, "trash", "cur/2.here:2,S", 2);
	world_drop(&world, "A/Sent", "cur/3.here:2,S", 3);
	syncs(&world, "a sync that makes mailboxes for folders");
	ok(attrs_of(&world, "Sent") == IMAP_ATTR_SENT,
		"one gets the role that its name says");
	ok(attrs_of(&world, "trash") == 0,
		"but not one that another mailbox has");
	ok(attrs_of(&world, "A/Sent") == 0, "nor below another");
	world.server->odd.no_roles = true;
	world_drop(&world, "Drafts", "cur/4.here:2,D", 4);
	syncs(&world, "a sync with a server that refuses roles");
	ok(fake_server_find(world.server, "Drafts") != NULL,
		"makes the mailbox without");
	fake_server_find(world.server, "A/Sent")->attrs = IMAP_ATTR_ARCHIVE;
	is_int(world_sync(&world), 0, "a mailbox may get a role later");
	is_int((intmax_t)world.steps, 0, "that alone writes nothing");
	world_clear(&world);
}

int main(void)
{
	struct world world;

	test_roles();

	world_init(&world, 1);
	world.traces = true;
	world_give(&world, "INBOX", 1, 0);
	world_give(&world, "INBOX", 2, FAKE_SEEN | FAKE_FLAGGED);
	syncs(&world, "a pull");
	world_drop(&world, "INBOX", "new/1.here", 3);
	world_drop(&world, "INBOX", "cur/2.here:2,RS", 4);
	world_drop(&world, "A", "cur/3.here:2,", 5);
	syncs(&world, "a push");
	test_flags_told(&world);
	is_str(buf_str(&world.server->complaints), STR(""),
		"the server has nothing to complain of");
	world_clear(&world);
	return tap_done();
}
