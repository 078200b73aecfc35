/*
 * crossings: mail that goes from one file system to another, where no rename
 * does it: to a vault on another disk, or from mailbox to mailbox. Whatever
 * stops it, at no step is there less than one file of it, and in the end no
 * more.
 */
#include "tap.h"
#include "world.h"

#include <inttypes.h>

enum {
	MESSAGES = 4,
	FAILURES_MAX = 3,
};

struct crossing {
	const char *what;
	const char *disk; /* what is mounted there */
	void (*changes)(struct world *world);
	bool (*is_right)(struct world *world); /* in the end */
};

/* ---- What crosses -------------------------------------------------------- */

static bool vault_has(struct world *world, unsigned number)
{
	struct buf text = {0};
	bool has;

	world_message(&text, number);
	has = world_in_vault(world, buf_str(&text));
	buf_clear(&text);
	return has;
}

static void removes_there(struct world *world)
{
	fake_mailbox_expunge(world_box(world, "INBOX"), 2);
	fake_mailbox_expunge(world_box(world, "INBOX"), 3);
}

static bool removed_is_kept(struct world *world)
{
	return vault_has(world, 2) && vault_has(world, 3) &&
	       world_file_count(world, "INBOX") == MESSAGES - 2;
}

static void moves_there(struct world *world)
{
	for (uint32_t uid = 2; uid <= 3; uid++) {
		(void)fake_mailbox_copy(
			world_box(world, "INBOX"), uid, world_box(world, "A"));
		fake_mailbox_expunge(world_box(world, "INBOX"), uid);
	}
}

static void moves_back_there(struct world *world)
{
	(void)fake_mailbox_copy(
		world_box(world, "A"), 1, world_box(world, "INBOX"));
	fake_mailbox_expunge(world_box(world, "A"), 1);
}

static bool moved_is_there(struct world *world)
{
	return world_file_count(world, "INBOX") == MESSAGES - 2 &&
	       world_file_count(world, "A") == 3;
}

static bool moved_is_back(struct world *world)
{
	return world_file_count(world, "INBOX") == MESSAGES + 1 &&
	       world_file_count(world, "A") == 0;
}

static void copies_there(struct world *world)
{
	(void)fake_mailbox_copy(
		world_box(world, "INBOX"), 2, world_box(world, "A"));
}

static bool copied_is_there(struct world *world)
{
	return world_file_count(world, "INBOX") == MESSAGES &&
	       world_file_count(world, "A") == 2;
}

static const struct crossing crossings[] = {
	{"a message that is removed, to a vault on another disk", WORLD_STATE,
		removes_there, removed_is_kept},
	{"one that is moved to a mailbox on another disk", WORLD_MAILDIR "/A",
		moves_there, moved_is_there},
	{"one that is moved back from there", WORLD_MAILDIR "/A",
		moves_back_there, moved_is_back},
	{"one that is copied there", WORLD_MAILDIR "/A", copies_there,
		copied_is_there},
};

/* ---- How ----------------------------------------------------------------- */

static void begin(struct world *world, const struct crossing *crossing)
{
	world_init(world, 1);
	world_offer(world, "UIDPLUS LITERAL+ MOVE CONDSTORE");
	world->account.connections = 1;
	fake_fs_mkdir(world->fs, crossing->disk);
	fake_fs_mount(world->fs, crossing->disk);
	fake_fs_settle(world->fs);
	fake_server_create(world->server, "A", 0);
	for (unsigned i = 1; i <= MESSAGES; i++)
		world_give(world, "INBOX", i, i % 2 == 0 ? FAKE_SEEN : 0);
	world_give(world, "A", 100, FAKE_FLAGGED);
	check(world_sync(world) == 0);
	crossing->changes(world);
}

static void test_alone(
	const struct crossing *crossing, uint64_t *steps_r, uint64_t *calls_r)
{
	struct world world;

	begin(&world, crossing);
	world_ends_well(&world, crossing->what, "both sides are equal");
	*steps_r = world.steps;
	*calls_r = world.calls;
	ok(world.traffic.bytes_out < 3000, "%s: no body travels",
		crossing->what);
	ok(crossing->is_right(&world), "%s: it is where it belongs",
		crossing->what);
	world_rests(&world, crossing->what);
	world_clear(&world);
}

/* What is left after the disturbance is brought in step; nothing was lost. */
static bool recovers(struct world *world, const struct crossing *crossing,
	const char *how, uint64_t at)
{
	struct buf why = {0};
	bool is_ok = world_sync(world) == 0 && world_is_well(world, &why) &&
		     crossing->is_right(world) && world_sync(world) == 0 &&
		     world->steps == 0;

	if (!is_ok) {
		tap_note("%s at %" PRIu64 ": %s", how, at, buf_z(&why));
		world_tell(world);
	}
	buf_clear(&why);
	return is_ok;
}

static bool dies(const struct crossing *crossing, uint64_t at, uint64_t seed)
{
	struct world world;
	bool is_ok;

	begin(&world, crossing);
	world.fate.die_at = world.fate.steps + at;
	(void)world_sync(&world);
	world.fate.die_at = 0;
	if (world.is_dead && seed == 0)
		world_kill(&world);
	else if (world.is_dead)
		world_crash(&world, seed);
	is_ok = recovers(
		&world, crossing, seed == 0 ? "killed" : "power cut", at);
	world_clear(&world);
	return is_ok;
}

static bool fails(const struct crossing *crossing, uint64_t at)
{
	struct world world;
	bool is_ok;

	begin(&world, crossing);
	world.fate.fail_at = world.fate.calls + at;
	(void)world_sync(&world);
	world.fate.fail_at = 0;
	fake_clock_pass(&world.clock, INT64_C(86400) * 1000000000);
	is_ok = recovers(&world, crossing, "failed", at);
	world_clear(&world);
	return is_ok;
}

static void test_disturbed(
	const struct crossing *crossing, uint64_t steps, uint64_t calls)
{
	const unsigned stride = tap_rounds(5, 1, 1);
	int failures = 0;

	for (uint64_t at = 1; at <= steps && failures < FAILURES_MAX;
		at += stride) {
		failures += !dies(crossing, at, 0);
		failures += !dies(crossing, at, at);
		failures += !dies(crossing, at, at + 1000);
	}
	is_int(failures, 0, "%s: it may die at each of %" PRIu64 " steps",
		crossing->what, steps);
	failures = 0;
	for (uint64_t at = 1; at <= calls && failures < FAILURES_MAX;
		at += stride)
		failures += !fails(crossing, at);
	is_int(failures, 0, "%s: each of %" PRIu64 " calls may fail once",
		crossing->what, calls);
}

/* What there is no room for stays where it is. */
static void test_no_room(const struct crossing *crossing)
{
	struct world world;

	begin(&world, crossing);
	fake_fs_set_room(world.fs, 10);
	ok(world_sync(&world) != 0, "%s: a full disk is told", crossing->what);
	fake_fs_set_room(world.fs, UINT64_MAX);
	fake_clock_pass(&world.clock, INT64_C(86400) * 1000000000);
	ok(recovers(&world, crossing, "full", 0),
		"%s: and what had no room goes later", crossing->what);
	world_clear(&world);
}

int main(void)
{
	for (size_t i = 0; i < sizeof(crossings) / sizeof(crossings[0]); i++) {
		uint64_t steps;
		uint64_t calls;

		test_alone(&crossings[i], &steps, &calls);
		test_disturbed(&crossings[i], steps, calls);
		test_no_room(&crossings[i]);
	}
	return tap_done();
}
