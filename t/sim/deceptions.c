/*
 * deceptions: what looks like something else to a program that believes it.
 */
#include "tap.h"
#include "world.h"

#include <stdlib.h>

static void begin(struct world *world)
{
	world_init(world, 1);
	world_offer(world, "UIDPLUS LITERAL+");
}

/* Gives every file of a mailbox letters, as a mail reader does. */
static void read_all(struct world *world, const char *mailbox)
{
	struct world_files list;

	world_files(world, mailbox, &list);
	for (size_t i = 0; i < list.count; i++) {
		struct buf name = {0};
		struct buf to = {0};

		buf_addf(&name, "cur/%s:2,S", list.items[i].unique);
		world_path(world, mailbox, buf_z(&name), &to);
		fake_fs_rename(world->fs, list.items[i].path, buf_z(&to));
		buf_clear(&name);
		buf_clear(&to);
	}
	free(list.items);
}

/*
 * A mailbox is made anew under its old UIDVALIDITY (DavMail has only one, and a
 * server may be set back); what is new in it has the UID of an old message, and
 * its size. So both would have one file name.
 */
static void test_one_name_for_two(bool were_read)
{
	struct world world;

	begin(&world);
	world.server->odd.one_uidvalidity = true;
	fake_server_create(world.server, "A", 0);
	for (unsigned i = 0; i < 3; i++)
		world_give(&world, "A", 110 + i * 50, 0);
	world_comes_to_rest(&world, "three messages are in step");
	if (were_read) {
		read_all(&world, "A");
		world_comes_to_rest(&world, "and read");
	}
	fake_server_delete(world.server, world_box(&world, "A"));
	fake_server_create(world.server, "A", 0);
	world_give(&world, "A", 310, 0);
	world_comes_to_rest(&world,
		"a message that could have the name of another "
		"file is downloaded beside it");
	is_int((intmax_t)world_file_count(&world, "A"), 4, "both are here");
	is_int((intmax_t)world_box(&world, "A")->count, 4, "and there");
	world_clear(&world);
}

/* The same, but a run came between, so that the mailbox was detached. */
static void test_name_of_another(void)
{
	struct world world;

	begin(&world);
	world.server->odd.one_uidvalidity = true;
	fake_server_create(world.server, "A", 0);
	world_give(&world, "A", 110, 0);
	world_comes_to_rest(&world, "a message is in step");
	fake_server_delete(world.server, world_box(&world, "A"));
	is_int(world_sync(&world), 0, "its mailbox goes from the server");
	fake_server_create(world.server, "A", 0);
	world_give(&world, "A", 311, 0);
	world_comes_to_rest(&world,
		"a file that is named after another message is "
		"not taken for it");
	is_int((intmax_t)world_file_count(&world, "A"), 2, "both are here");
	is_int((intmax_t)world_box(&world, "A")->count, 2, "and there");
	world_clear(&world);
}

static void test_headers_told_twice(void)
{
	struct world world;

	begin(&world);
	world.server->odd.headers_twice = true;
	world_give(&world, "INBOX", 1, 0);
	world_drop(&world, "INBOX", "cur/1.here:2,", 1);
	world_drop(&world, "INBOX", "cur/2.here:2,", 1);
	world_comes_to_rest(
		&world, "a header that is told twice is one message's");
	is_int((intmax_t)world_box(&world, "INBOX")->count, 2, "two are there");
	is_int((intmax_t)world_file_count(&world, "INBOX"), 2, "and two here");
	world_clear(&world);
}

/* A mail reader was killed between link() and unlink(), on a message's way from
 * new/ to cur/. */
static void test_left_behind(bool writes)
{
	struct world world;
	struct world_files list;
	const struct fs_port *fs;
	struct fs_dir *fresh = NULL;
	struct fs_dir *cur = NULL;
	struct err err;

	begin(&world);
	world.account.direction =
		writes ? ACCOUNT_DIRECTION_BOTH : ACCOUNT_DIRECTION_PUSH;
	world_drop(&world, "INBOX", "new/1.here", 1);
	world_comes_to_rest(&world, "a new message is in step");
	fs = fake_fs_port(world.fs);
	check(fs->root_open(fs->ctx, WORLD_MAILDIR "/INBOX/new", false, &fresh,
		      &err) == FS_OK);
	check(fs->root_open(fs->ctx, WORLD_MAILDIR "/INBOX/cur", false, &cur,
		      &err) == FS_OK);
	check(fs->link(fresh, "1.here", cur, "1.here:2,S", &err) == FS_OK);
	fs->dir_close(&fresh);
	fs->dir_close(&cur);
	is_int(world_sync(&world), 0, "one that is on its way to cur/");
	is_int((intmax_t)world_box(&world, "INBOX")->count, 1, "is one");
	is_int((intmax_t)world_file_count(&world, "INBOX"), 2,
		"and for a while it may have two names");
	fake_clock_pass(&world.clock, 61 * INT64_C(1000000000));
	is_int(world_sync(&world), 0, "after that");
	is_int((intmax_t)world_file_count(&world, "INBOX"), writes ? 1 : 2,
		writes ? "it is in cur/ alone" : "they stay, if we only read");
	world_files(&world, "INBOX", &list);
	ok(world_box(&world, "INBOX")->count == 1 &&
			world_box(&world, "INBOX")->messages[0].flags ==
				FAKE_SEEN &&
			!list.items[0].in_new,
		"and it was read");
	free(list.items);
	if (writes)
		world_comes_to_rest(&world, "that is all");
	world_clear(&world);
}

/* Under one UIDVALIDITY, two mailboxes with the same UIDs change names: nothing
 * that counts is different, but the messages. A removal in one of them must not
 * hit the message of the other that has its UID. */
static void test_changed_places(const char *caps, intmax_t known)
{
	struct world world;

	world_init(&world, 1);
	world_offer(&world, caps);
	world.server->odd.one_uidvalidity = true;
	fake_server_create(world.server, "A", 0);
	fake_server_create(world.server, "B", 0);
	for (unsigned i = 0; i < (unsigned)known; i++) {
		world_give(&world, "A", 110 + i * 50, 0);
		world_give(&world, "B", 310 + i * 50, 0);
	}
	world_comes_to_rest(&world, "two mailboxes are in step");
	fake_server_rename(world.server, world_box(&world, "A"), "T");
	fake_server_rename(world.server, world_box(&world, "B"), "A");
	fake_server_rename(world.server, world_box(&world, "T"), "B");
	world_comes_to_rest(&world,
		"when they change places, each has the messages of both");
	is_int((intmax_t)world_box(&world, "A")->count, 2 * known, "there");
	is_int((intmax_t)world_file_count(&world, "B"), 2 * known, "and here");
	world_clear(&world);
}

int main(void)
{
	test_changed_places("UIDPLUS LITERAL+", 1);
	test_changed_places("UIDPLUS LITERAL+", 4);
	test_changed_places("UIDPLUS CONDSTORE ENABLE LITERAL+", 3);
	test_left_behind(true);
	test_left_behind(false);
	test_one_name_for_two(false);
	test_one_name_for_two(true);
	test_name_of_another();
	test_headers_told_twice();
	return tap_done();
}
