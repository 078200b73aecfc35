/*
 * stalls: a slow disk of ours is not a server that says nothing.
 *
 * Whatever makes a file durable takes ten minutes, ten times what a server may
 * be silent; and the server, which may have its mail on the same disk, needs
 * some seconds after that until it goes on.
 */
#include "tap.h"
#include "world.h"

#define SECOND INT64_C(1000000000)

enum {
	SLOW_S = 600,
	AFTERWARDS_S = 5,
	MESSAGES = 300, /* more than a batch */
};

static const struct imap_date day = {1600000000, 120};

/* A disk that takes its time, between the engine and the fake one. */
struct disk {
	struct world world;
	struct fs_port real;
	unsigned slow;  /* how often it was */
	bool ends_talk; /* the server says nothing any more */
};

static void take_time(struct disk *disk)
{
	struct world *world = &disk->world;

	disk->slow++;
	fake_clock_pass(&world->clock, SLOW_S * SECOND);
	world->net.silent_ns = world->clock.now_ns + AFTERWARDS_S * SECOND;
	world->server->odd.no_answer = disk->ends_talk;
}

static struct disk *the_disk; /* for dir_sync, which has no context */

static enum fs_result slow_flush(void *ctx, struct err *err)
{
	take_time(the_disk);
	return the_disk->real.flush(ctx, err);
}

static enum fs_result slow_dir_sync(struct fs_dir *dir, struct err *err)
{
	take_time(the_disk);
	return the_disk->real.dir_sync(dir, err);
}

static enum fs_result slow_dirs_sync(void *ctx, struct err *err)
{
	take_time(the_disk);
	return the_disk->real.dirs_sync(ctx, err);
}

static void fill(struct disk *disk, const char *mailbox, unsigned first)
{
	struct fake_mailbox *box =
		fake_server_find(disk->world.server, mailbox);

	for (unsigned i = 0; i < MESSAGES; i++) {
		struct buf text = {0};

		world_message(&text, first + i);
		fake_mailbox_append(box, buf_str(&text), 0, day);
		buf_clear(&text);
	}
}

static void begin(struct disk *disk)
{
	static const char *const names[] = {"INBOX", "A", "B"};

	*disk = (struct disk){0};
	the_disk = disk;
	world_init(&disk->world, 1);
	imap_caps_set(&disk->world.server->caps, IMAP_CAP_UIDPLUS);
	for (unsigned i = 0; i < 3; i++) {
		if (i > 0)
			fake_server_create(disk->world.server, names[i], 0);
		fill(disk, names[i], 1000 * i);
	}
	disk->real = disk->world.ports.fs;
	disk->world.ports.fs.flush = slow_flush;
	disk->world.ports.fs.dir_sync = slow_dir_sync;
	disk->world.ports.fs.dirs_sync = slow_dirs_sync;
}

static void test_slow_disk(void)
{
	struct disk disk;
	struct buf why = {0};

	begin(&disk);
	if (!is_int(world_sync(&disk.world), 0,
		    "a disk that takes ten minutes for each batch is no "
		    "failure"))
		world_tell(&disk.world);
	ok(disk.slow > 6, "and is slow indeed");
	ok(world_in_step(&disk.world, &why), "both sides are equal");
	is_int((intmax_t)disk.world.net.opened, 1,
		"no connection was given up for it");
	buf_clear(&why);
	world_clear(&disk.world);
}

static void test_silent_server(void)
{
	struct disk disk;
	int64_t before_ns;
	int64_t waited_s;

	begin(&disk);
	disk.ends_talk = true;
	before_ns = disk.world.clock.now_ns;
	ok(world_sync(&disk.world) != 0,
		"a server that says nothing any more after that is given up");
	waited_s = (disk.world.clock.now_ns - before_ns) / SECOND -
		   (int64_t)disk.slow * SLOW_S;
	ok(waited_s >= 60 && waited_s < 900, "after its own time, %d s",
		(int)waited_s);
	world_clear(&disk.world);
}

int main(void)
{
	test_slow_disk();
	test_silent_server();
	return tap_done();
}
