/*
 * twins: what the server shows in several mailboxes is downloaded once, and
 * each mailbox has a file of its own; whatever is told, taken away or changed
 * meanwhile.
 */
#include "tap.h"
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	MESSAGES = 12,
	BODY_BYTES = 3000,
	/* What all of them take, and lists of them. */
	ONCE_BYTES_MAX = MESSAGES * (BODY_BYTES + 1000),
};

static const char *const labels[] = {"All", "Label", "Zoo"};

/* Of just this size. */
static void body_of(struct buf *out, unsigned number, size_t bytes)
{
	buf_reset(out);
	world_message(out, number);
	while (out->len + 2 < bytes)
		buf_addc(out, 'x');
	buf_addz(out, "\r\n");
}

/* All that there is lies in one mailbox, and under each label again, with other
 * flags. */
static void begin(struct world *world, const char *caps, const char *first)
{
	struct buf body = {0};

	world_init(world, 1);
	world_offer(world, caps);
	for (size_t i = 0; i < 3; i++)
		fake_server_create(world->server, labels[i], 0);
	for (unsigned i = 0; i < MESSAGES; i++) {
		struct imap_date date = {1600000000 + (int)i, 120};

		body_of(&body, i, BODY_BYTES);
		fake_mailbox_append(world_box(world, first), buf_str(&body),
			FAKE_SEEN, date);
	}
	for (size_t i = 0; i < 3; i++) {
		for (uint32_t uid = 1; uid <= MESSAGES; uid++) {
			struct fake_mailbox *to = world_box(world, labels[i]);

			if (strcmp(labels[i], first) == 0)
				continue;
			(void)fake_mailbox_copy(
				world_box(world, first), uid, to);
			to->messages[uid - 1].flags =
				uid % 2 == 0 ? FAKE_FLAGGED : 0;
		}
	}
	world->traces = true;
	buf_clear(&body);
}

/* Whether each was downloaded once. */
static bool ends(struct world *world, const char *what)
{
	bool once;

	world_ends_well(world, what, "both sides are equal");
	once = world->traffic.bytes_out < ONCE_BYTES_MAX;
	world_rests(world, what);
	return once;
}

static void test_once(const char *caps, const char *first)
{
	struct world world;

	begin(&world, caps, first);
	ok(ends(&world, caps), "%s, all in %s: each is downloaded once", caps,
		first);
	(void)fake_mailbox_copy(
		world_box(&world, "Zoo"), 3, world_box(&world, "INBOX"));
	ok(ends(&world, caps), "a label more");
	world_clear(&world);

	begin(&world, caps, first);
	fake_fs_set_clones(world.fs);
	ok(ends(&world, "where files share blocks"), "likewise");
	world_clear(&world);
}

/* Each file is one, with the date and flags of its message. */
static void test_files(void)
{
	struct world_files files[3];
	struct world world;

	begin(&world, "X-GM-EXT-1", "All");
	check(world_sync(&world) == 0);
	is_int((intmax_t)world.summary.local.added, (intmax_t)3 * MESSAGES,
		"all count as new");
	for (size_t i = 0; i < 3; i++)
		world_files(&world, labels[i], &files[i]);
	ok(strcmp(files[0].items[0].unique, files[1].items[0].unique) != 0,
		"a copy has a name of its own");
	for (size_t i = 0; i < 3; i++)
		free(files[i].items);
	world_clear(&world);
}

static void test_lies(void)
{
	struct buf body = {0};
	struct world world;

	/* All are one, says the server, and of one size and second. */
	begin(&world, "OBJECTID", "All");
	for (size_t i = 0; i < 3; i++) {
		for (unsigned k = 0; k < MESSAGES; k++) {
			struct fake_message *m =
				&world_box(&world, labels[i])->messages[k];

			m->object = 7;
			m->date = (struct imap_date){1600000000, 0};
		}
	}
	ok(!ends(&world, "one EMAILID for all"), "nothing of it is believed");
	world_clear(&world);

	/* One of a label is of another size. */
	begin(&world, "OBJECTID", "All");
	body_of(&body, 99, BODY_BYTES + 100);
	fake_mailbox_append(
		world_box(&world, "Zoo"), buf_str(&body), 0, world_day)
		->object = world_box(&world, "All")->messages[5].object;
	ok(!ends(&world, "one EMAILID for two"), "nor of that");
	buf_clear(&body);
	world_clear(&world);
}

static void test_differ(void)
{
	struct world world;

	begin(&world, "OBJECTID", "All");
	for (unsigned k = 0; k < MESSAGES; k++)
		world_box(&world, "Zoo")->messages[k].date.utc_seconds += 60;
	(void)ends(&world, "copies of another date have it");
	world_clear(&world);

	begin(&world, "OBJECTID", "All");
	world.server->odd.fetches_twice = true;
	world.server->odd.uid_last = true;
	world.server->odd.shuffles = true;
	(void)ends(&world, "a server that says all twice, in any order");
	world_clear(&world);
}

/* What cannot be had from its twin is downloaded: one is not given, or goes
 * while the rest is fetched. */
static void test_not_given(void)
{
	struct buf why = {0};
	struct world world;

	begin(&world, "X-GM-EXT-1", "All");
	world_box(&world, "All")->messages[2].refusals = FAKE_FOR_EVER;
	is_int(world_sync(&world), 1, "one that is not given is said");
	is_int((intmax_t)world.summary.local.added, (intmax_t)3 * MESSAGES - 1,
		"its twins are downloaded");
	world_box(&world, "All")->messages[2].refusals = 0;
	fake_clock_pass(&world.clock, 3600 * (int64_t)1000000000);
	is_int(world_sync(&world), 0, "and later it is copied from one");
	ok(world_in_step(&world, &why), "to the end: %s", buf_z(&why));
	buf_clear(&why);
	world_clear(&world);
}

/* At each call of the file system in turn, another program takes away or
 * renames the file that its twins are to be copied from. */
static void test_meddled(const char *letters)
{
	struct world world;
	struct world_files files;
	struct buf to = {0};
	struct buf why = {0};
	char path[300];
	uint64_t calls;
	uint64_t step;
	unsigned met = 0;
	bool good = true;

	begin(&world, "X-GM-EXT-1 UIDPLUS", "All");
	check(world_sync(&world) == 0);
	calls = world.calls;
	step = calls / tap_rounds(20, 200, 2000) + 1;
	world_files(&world, "All", &files);
	(void)snprintf(path, sizeof(path), "%s", files.items[0].path);
	free(files.items);
	world_clear(&world);
	if (letters != NULL)
		buf_addf(&to, "%s%s", path, letters);
	for (uint64_t at = 0; at < calls && good; at += step) {
		begin(&world, "X-GM-EXT-1 UIDPLUS", "All");
		world.options.allow_deletes = true;
		fake_fs_plan(world.fs, at, path,
			letters != NULL ? buf_z(&to) : NULL);
		(void)world_sync(&world);
		if (fake_fs_exists(world.fs, path)) {
			world_clear(&world); /* it came later, or not yet */
			continue;
		}
		met++;
		good = world_sync(&world) == 0 && world_in_step(&world, &why) &&
		       world_journal_ok(&world, &why) &&
		       world_box(&world, "Zoo")->count == MESSAGES &&
		       world_sync(&world) == 0 && world.steps == 0;
		if (!good) {
			tap_note("call %u: %s", (unsigned)at, buf_z(&why));
			world_tell(&world);
		}
		world_clear(&world);
	}
	ok(good && met > 3, "whenever a file is %s, both sides end equal",
		letters != NULL ? "renamed" : "taken away");
	buf_clear(&to);
	buf_clear(&why);
}

/* At each call in turn another file is put in its place: that is not copied. */
static void test_replaced(void)
{
	static const char other[] = "/home/other";
	struct world_files files;
	struct world world;
	struct buf why = {0};
	char path[300];
	uint64_t calls;
	bool good = true;

	begin(&world, "X-GM-EXT-1", "All");
	check(world_sync(&world) == 0);
	calls = world.calls;
	world_files(&world, "All", &files);
	(void)snprintf(path, sizeof(path), "%s", files.items[0].path);
	free(files.items);
	world_clear(&world);
	for (uint64_t at = 0; at < calls && good;
		at += calls / tap_rounds(20, 2000, 2000) + 1) {
		begin(&world, "X-GM-EXT-1", "All");
		world.left_out = STR("All");
		fake_fs_put(world.fs, other, STR("Subject: mine\n\nnow\n"), 0);
		fake_fs_plan(world.fs, at, other, path);
		(void)world_sync(&world);
		good = world_in_step(&world, &why);
		if (!good) {
			tap_note("call %u: %s", (unsigned)at, buf_z(&why));
			world_tell(&world);
		}
		world_clear(&world);
	}
	ok(good, "whenever a file is replaced, no other gets its bytes");
	buf_clear(&why);
}

int main(void)
{
	test_once("X-GM-EXT-1", "All");
	test_once("X-GM-EXT-1", "Zoo");
	test_once("OBJECTID", "All");
	test_once("OBJECTID CONDSTORE", "Label");
	test_files();
	test_lies();
	test_differ();
	test_not_given();
	test_meddled(NULL);
	test_meddled("R");
	test_replaced();
	return tap_done();
}
