/* basics: one pull, one push, and nothing to do afterwards. */
#include "tap.h"
#include "world.h"

#include <string.h>

static const struct imap_date day = {1600000000, 120};

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

int main(void)
{
	struct world world;

	world_init(&world, 1);
	world.traces = true;
	append(&world, "INBOX", 1, 0);
	append(&world, "INBOX", 2, FAKE_SEEN | FAKE_FLAGGED);
	syncs(&world, "a pull");
	put(&world, "INBOX", "new/1.here", 3);
	put(&world, "INBOX", "cur/2.here:2,RS", 4);
	put(&world, "A", "cur/3.here:2,", 5);
	syncs(&world, "a push");
	test_flags_told(&world);
	is_str(buf_str(&world.server->complaints), STR(""),
		"the server has nothing to complain of");
	world_clear(&world);
	return tap_done();
}
