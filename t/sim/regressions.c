/*
 * regressions: what histories found, each by its name and as small as it goes.
 */
#include "tap.h"
#include "world.h"

#include <stdlib.h>

static const struct imap_date day = {1600000000, 120};

/* A world with a server that can all that is usual. */
static void begin(struct world *world)
{
	world_init(world, 1);
	imap_caps_set(&world->server->caps, IMAP_CAP_UIDPLUS);
	imap_caps_set(&world->server->caps, IMAP_CAP_LITERAL_PLUS);
}

static struct fake_mailbox *inbox(struct world *world)
{
	return fake_server_find(world->server, "INBOX");
}

static struct fake_message *append(struct world *world, unsigned number)
{
	struct buf text = {0};
	struct fake_message *message;

	world_message(&text, number);
	message = fake_mailbox_append(inbox(world), buf_str(&text), 0, day);
	buf_clear(&text);
	return message;
}

/* Removes the only file of INBOX. */
static void remove_file(struct world *world)
{
	struct world_files list;

	world_files(world, "INBOX", &list);
	check(list.count == 1);
	fake_fs_remove(world->fs, list.items[0].path);
	free(list.items);
}

/* A sync brings both sides into step, the next one does nothing. */
static void comes_to_rest(struct world *world, const char *sentence)
{
	struct buf why = {0};
	int status = world_sync(world);
	bool is_ok = status == 0 && world_in_step(world, &why) &&
		     world_journal_ok(world, &why) &&
		     world->server->complaints.len == 0;

	if (is_ok) {
		status = world_sync(world);
		is_ok = status == 0 && world->steps == 0;
	}
	if (!ok(is_ok, "%s", sentence)) {
		tap_note("status %d, %llu changes, %s", status,
			(unsigned long long)world->steps, buf_z(&why));
		world_tell(world);
	}
	buf_clear(&why);
}

static void test_gone_then_renumbered(void)
{
	struct world world;

	begin(&world);
	append(&world, 1);
	comes_to_rest(&world, "a message is downloaded");
	remove_file(&world);
	fake_mailbox_expunge(inbox(&world), 1);
	fake_server_renumber(world.server, inbox(&world));
	comes_to_rest(&world,
		"what went from both sides of a mailbox that then got a new "
		"UIDVALIDITY is forgotten");
	world_clear(&world);
}

int main(void)
{
	test_gone_then_renumbered();
	return tap_done();
}
