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

int main(void)
{
	struct world world;

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
