/*
 * troubles: how often something that is wrong is told, and by which status.
 */
#include "tap.h"
#include "world.h"

#include <stdio.h>
#include <stdlib.h>

#define MINUTE_NS (INT64_C(60) * 1000000000)

static void begin(struct world *world)
{
	world_init(world, 1);
	imap_caps_set(&world->server->caps, IMAP_CAP_UIDPLUS);
	imap_caps_set(&world->server->caps, IMAP_CAP_LIST_EXTENDED);
	world->account.connections = 1;
}

static void append(struct world *world, const char *mailbox, unsigned number)
{
	if (fake_server_find(world->server, mailbox) == NULL)
		fake_server_create(world->server, mailbox, 0);
	world_give(world, mailbox, number, 0);
}

/* A sync ends with this status, and tells so many errors. */
static void syncs(
	struct world *world, int status, uint64_t errors, const char *sentence)
{
	bool is_ok = world_sync(world) == status &&
		     world->summary.status == status &&
		     world->summary.errors == errors;

	if (!ok(is_ok, "%s", sentence)) {
		tap_note("expected: status %d, %d errors", status, (int)errors);
		world_tell(world);
	}
}

static void remove_files(struct world *world)
{
	struct world_files list;

	world_files(world, "INBOX", &list);
	for (size_t i = 0; i < list.count; i++)
		fake_fs_remove(world->fs, list.items[i].path);
	free(list.items);
}

static void test_read_only(void)
{
	struct world world;

	begin(&world);
	syncs(&world, 0, 0, "an empty INBOX is in step");
	fake_server_find(world.server, "INBOX")->read_only = true;
	world_drop(&world, "INBOX", "cur/1.here:2,", 1);
	syncs(&world, 1, 1, "what may not go to the server is an error");
	syncs(&world, 0, 0, "which is not told again with each sync");
	syncs(&world, 0, 0, "nor with the next");
	fake_clock_pass(&world.clock, 16 * MINUTE_NS);
	syncs(&world, 1, 1, "but from time to time");
	syncs(&world, 0, 0, "after pauses");
	fake_clock_pass(&world.clock, 16 * MINUTE_NS);
	syncs(&world, 0, 0, "that grow");
	world_drop(&world, "INBOX", "cur/2.here:2,", 2);
	syncs(&world, 1, 1, "and at once where there is more of it");
	remove_files(&world);
	syncs(&world, 0, 0, "when it is undone, all is well");
	is_int((intmax_t)world.steps, 1, "and the trouble is forgotten");
	world_drop(&world, "INBOX", "cur/1.here:2,", 1);
	syncs(&world, 1, 1, "so that it is told when it comes back");
	world_clear(&world);
}

static void test_lost_server(void)
{
	struct world world;

	begin(&world);
	for (unsigned i = 0; i < 4; i++)
		append(&world, (const char *const[]){"A", "B", "C", "D"}[i], i);
	world.server->odd.patience = 1;
	syncs(&world, 69, 1,
		"a server that is lost for all mailboxes is told once");
	world_clear(&world);
}

static void test_full_disk(void)
{
	struct world world;

	begin(&world);
	for (unsigned i = 0; i < 4; i++)
		append(&world, (const char *const[]){"A", "B", "C", "D"}[i], i);
	fake_fs_set_room(world.fs, 10);
	syncs(&world, 74, 1, "so is a disk that is full");
	fake_fs_set_room(world.fs, UINT64_MAX);
	fake_server_find(world.server, "A")->messages[0].refusals =
		FAKE_FOR_EVER;
	fake_server_find(world.server, "A")->uidvalidity = 0;
	fake_fs_set_room(world.fs, 10);
	syncs(&world, 74, 2,
		"a full disk counts for more than a mailbox that was in "
		"trouble before");
	world_clear(&world);
}

/* Every connection is cut at once, as when a server is started anew, before the
 * n-th command. */
static void test_all_cut(void)
{
	const struct fake_action cut = {.act = FAKE_DISCONNECTS};
	const unsigned stride = tap_rounds(17, 1, 1);
	bool is_ok = true;

	for (uint64_t command = 1; command < 200 && is_ok; command += stride) {
		struct world world;

		begin(&world);
		world.account.connections = 16;
		for (unsigned i = 0; i < 128; i++) {
			char name[16];

			(void)snprintf(name, sizeof(name), "M%u", i);
			append(&world, name, i);
		}
		fake_server_plan(world.server, command, &cut);
		(void)world_sync(&world);
		is_ok = world.summary.status != 69;
		if (!is_ok) {
			tap_note("before command %d", (int)command);
			world_tell(&world);
		}
		fake_server_run_plans(world.server);
		world_clear(&world);
	}
	ok(is_ok, "a server that is started anew is not lost, however many "
		  "connections there were");
}

static void test_fatal_question(void)
{
	struct world world;

	begin(&world);
	append(&world, "A", 1);
	append(&world, "B", 2);
	syncs(&world, 0, 0, "three mailboxes are in step");
	fake_server_find(world.server, "A")->unlisted = true;
	fake_server_find(world.server, "A")->kills = true;
	append(&world, "B", 3);
	syncs(&world, 1, 1,
		"a mailbox that is not listed, and that no connection "
		"survives to be asked for, is complained of");
	is_int((intmax_t)world.summary.local.added, 1, "the others are synced");
	ok(world_has_folder(&world, "A"), "and its folder stays");
	world_clear(&world);
}

int main(void)
{
	test_fatal_question();
	test_all_cut();
	test_read_only();
	test_lost_server();
	test_full_disk();
	return tap_done();
}
