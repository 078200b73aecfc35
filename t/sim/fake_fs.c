/*
 * fake_fs: the file system in memory, first as good as a real one, then as
 * bad as a real one after a power cut.
 */
#include "fake_fs.h"

#include "fake_clock.h"
#include "fs_suite.h"
#include "tap.h"

#include <string.h>

#define SECOND INT64_C(1000000000)

enum {
	SEEDS = 300,
};

/* A machine with one mailbox folder, all durable. */
struct machine {
	struct fate fate;
	struct fake_clock clock;
	struct fake_fs *fs;
	const struct fs_port *port;
	struct fs_dir *root;
	struct fs_dir *tmp;
	struct fs_dir *cur;
	struct err err;
};

static struct fs_dir *open_folder(struct machine *m, const char *path)
{
	struct fs_dir *dir;

	check(m->port->root_open(m->fs, path, false, &dir, &m->err) == FS_OK);
	return dir;
}

static void machine_start(struct machine *m)
{
	*m = (struct machine){0};
	fate_init(&m->fate, 1);
	fake_clock_init(&m->clock, 1000 * SECOND);
	m->clock.tick_ns = 1000;
	m->fs = fake_fs_new(&m->fate, &m->clock.port);
	m->port = fake_fs_port(m->fs);
	fake_fs_mkdir(m->fs, "/m/tmp");
	fake_fs_mkdir(m->fs, "/m/cur");
	fake_fs_settle(m->fs);
	m->root = open_folder(m, "/m");
	m->tmp = open_folder(m, "/m/tmp");
	m->cur = open_folder(m, "/m/cur");
}

static void machine_stop(struct machine *m)
{
	m->port->dir_close(&m->root);
	m->port->dir_close(&m->tmp);
	m->port->dir_close(&m->cur);
	check(fake_fs_handles(m->fs) == 0);
	fake_fs_free(&m->fs);
}

static enum fs_result put(struct machine *m, struct fs_dir *dir,
	const char *name, const char *text)
{
	struct fs_file *file;
	enum fs_result result = m->port->create(dir, name, &file, &m->err);

	if (result != FS_OK)
		return result;
	result = m->port->write(file, str_of(text), &m->err);
	if (result == FS_OK)
		return m->port->finish(&file, 7 * SECOND, &m->err);
	m->port->close(&file);
	return result;
}

static struct str dump(struct machine *m, struct buf *lines)
{
	buf_reset(lines);
	fake_fs_dump(m->fs, "/", lines);
	return buf_str(lines);
}

static bool reads(struct machine *m, const char *path, const char *text)
{
	struct buf bytes = {0};
	bool same = fake_fs_read(m->fs, path, &bytes) &&
		    str_eq(buf_str(&bytes), str_of(text));

	buf_clear(&bytes);
	return same;
}

/* The suite. */
static void plant_link(void *ctx, const char *path, const char *target)
{
	fake_fs_plant_link(ctx, path, target);
}

static void plant_fifo(void *ctx, const char *path)
{
	fake_fs_plant_fifo(ctx, path);
}

static bool deny(void *ctx, const char *path)
{
	fake_fs_set_readable(ctx, path, false);
	return true;
}

static void run_suite(const char *label, bool folds_case)
{
	struct fate fate;
	struct fake_clock clock;
	struct fs_suite suite = {label, .root = "/home/mail",
		.folds_case = folds_case, plant_link, plant_fifo, deny};

	fate_init(&fate, 1);
	fake_clock_init(&clock, 1000 * SECOND);
	clock.tick_ns = 1000;
	suite.ctx = fake_fs_new(&fate, &clock.port);
	suite.port = fake_fs_port(suite.ctx);
	if (folds_case) {
		fake_fs_fold_case(suite.ctx);
		fake_fs_set_clones(suite.ctx);
	}
	fake_fs_set_grain(suite.ctx, 4000000);
	fake_fs_mkdir(suite.ctx, suite.root);
	fs_suite_run(&suite);
	is_int((intmax_t)fake_fs_handles(suite.ctx), 0,
		"%s: no handle is left open", label);
	fake_fs_free((struct fake_fs **)&suite.ctx);
}

/* What a crash leaves, over many seeds: how often each was seen. */
struct outcomes {
	int neither;
	int only_first;
	int only_second;
	int both;
	int torn; /* a name is there without its contents */
};

/* Does `deed` on a fresh machine and crashes, for each seed. */
static struct outcomes crashes(
	void (*deed)(struct machine *), const char *first, const char *second)
{
	struct outcomes seen = {0};

	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		struct machine m;
		bool a;
		bool b;

		machine_start(&m);
		deed(&m);
		fake_fs_crash(m.fs, seed);
		a = fake_fs_exists(m.fs, first);
		b = fake_fs_exists(m.fs, second);
		seen.neither += !a && !b;
		seen.only_first += a && !b;
		seen.only_second += !a && b;
		seen.both += a && b;
		seen.torn += (a && !reads(&m, first, "text")) ||
			     (b && !reads(&m, second, "text"));
		machine_stop(&m);
	}
	return seen;
}

/* A delivery, without the steps that are named. */
enum omission {
	OMIT_FINISH = 1,
	OMIT_FLUSH = 2,
	OMIT_SYNC_CUR = 4,
	OMIT_SYNC_TMP = 8,
};

static void deliver_but(struct machine *m, unsigned omitted)
{
	struct fs_file *file;

	check(m->port->create(m->tmp, "f", &file, &m->err) == FS_OK);
	check(m->port->write(file, STR("text"), &m->err) == FS_OK);
	if (omitted & OMIT_FINISH)
		m->port->close(&file);
	else
		check(m->port->finish(&file, 7 * SECOND, &m->err) == FS_OK);
	if (!(omitted & OMIT_FLUSH))
		check(m->port->flush(m->fs, &m->err) == FS_OK);
	check(m->port->rename(m->tmp, "f", m->cur, "f", &m->err) == FS_OK);
	if (!(omitted & OMIT_SYNC_CUR))
		check(m->port->dir_sync(m->cur, &m->err) == FS_OK);
	if (!(omitted & OMIT_SYNC_TMP))
		check(m->port->dir_sync(m->tmp, &m->err) == FS_OK);
}

static void deliver(struct machine *m)
{
	deliver_but(m, 0);
}

static void deliver_unfinished(struct machine *m)
{
	deliver_but(m, OMIT_FINISH);
}

static void deliver_unflushed(struct machine *m)
{
	deliver_but(m, OMIT_FLUSH);
}

static void deliver_unsynced(struct machine *m)
{
	deliver_but(m, OMIT_SYNC_CUR | OMIT_SYNC_TMP);
}

static void deliver_half_synced(struct machine *m)
{
	deliver_but(m, OMIT_SYNC_TMP);
}

static void test_delivery(void)
{
	struct outcomes seen = crashes(deliver, "/m/tmp/f", "/m/cur/f");

	is_int(seen.only_second, SEEDS,
		"a message delivered with all steps is there after any crash");
	is_int(seen.torn, 0, "with all its bytes");
	seen = crashes(deliver_unfinished, "/m/tmp/f", "/m/cur/f");
	ok(seen.torn > 0, "without finish a crash can tear it");
	seen = crashes(deliver_unflushed, "/m/tmp/f", "/m/cur/f");
	ok(seen.torn > 0 && seen.torn < SEEDS,
		"without flush a crash can, and need not, tear it");
	seen = crashes(deliver_unsynced, "/m/tmp/f", "/m/cur/f");
	ok(seen.neither > 0 && seen.only_first > 0 && seen.only_second > 0,
		"without dir_sync it can be gone, in tmp, or delivered");
	is_int(seen.torn, 0, "but where it is, it is whole");
	seen = crashes(deliver_half_synced, "/m/tmp/f", "/m/cur/f");
	ok(seen.both > 0 && seen.only_second > 0 &&
			seen.both + seen.only_second == SEEDS,
		"with cur alone synced it is there, and may be in tmp, too");
}

/* Plants a durable /m/tmp/f. */
static void plant(struct machine *m)
{
	fake_fs_put(m->fs, "/m/tmp/f", STR("text"), 7 * SECOND);
	fake_fs_settle(m->fs);
}

static void move(struct machine *m)
{
	plant(m);
	check(m->port->rename(m->tmp, "f", m->cur, "f", &m->err) == FS_OK);
}

static void move_sync_from(struct machine *m)
{
	move(m);
	check(m->port->dir_sync(m->tmp, &m->err) == FS_OK);
}

static void move_sync_to(struct machine *m)
{
	move(m);
	check(m->port->dir_sync(m->cur, &m->err) == FS_OK);
}

/* Both folders are handed over, and more is moved behind that. */
static void move_hand_over(struct machine *m)
{
	move(m);
	check(m->port->dir_sync_later(m->tmp, &m->err) == FS_OK);
	check(m->port->dir_sync_later(m->cur, &m->err) == FS_OK);
}

static void move_sync_both(struct machine *m)
{
	move_hand_over(m);
	check(m->port->dirs_sync(m->fs, &m->err) == FS_OK);
}

static void move_sync_and_back(struct machine *m)
{
	move_hand_over(m);
	check(m->port->rename(m->cur, "f", m->tmp, "f", &m->err) == FS_OK);
	check(m->port->dirs_sync(m->fs, &m->err) == FS_OK);
}

static void move_within(struct machine *m)
{
	plant(m);
	check(m->port->rename(m->tmp, "f", m->tmp, "g", &m->err) == FS_OK);
}

static void move_back_and_on(struct machine *m)
{
	move(m);
	check(m->port->rename(m->cur, "f", m->tmp, "f", &m->err) == FS_OK);
	check(m->port->rename(m->tmp, "f", m->cur, "g", &m->err) == FS_OK);
	check(m->port->rename(m->cur, "g", m->cur, "f", &m->err) == FS_OK);
}

static void test_moves(void)
{
	struct outcomes seen = crashes(move, "/m/tmp/f", "/m/cur/f");

	is_int(seen.neither, 0, "a rename never loses both names");
	ok(seen.only_first > 0 && seen.only_second > 0 && seen.both > 0,
		"it leaves the old one, the new one, or both");
	seen = crashes(move_sync_from, "/m/tmp/f", "/m/cur/f");
	is_int(seen.only_second, SEEDS,
		"when the old folder is synced, the new name is safe");
	seen = crashes(move_sync_to, "/m/tmp/f", "/m/cur/f");
	ok(seen.both > 0 && seen.only_second > 0 &&
			seen.both + seen.only_second == SEEDS,
		"when the new folder is synced, the old name may come back");
	seen = crashes(move_hand_over, "/m/tmp/f", "/m/cur/f");
	ok(seen.only_first > 0 && seen.only_second > 0,
		"folders that were handed over are not synced yet");
	seen = crashes(move_sync_both, "/m/tmp/f", "/m/cur/f");
	is_int(seen.only_second, SEEDS, "dirs_sync syncs them all");
	seen = crashes(move_sync_and_back, "/m/tmp/f", "/m/cur/f");
	ok(seen.neither == 0 && seen.only_first > 0 && seen.only_second > 0,
		"as they were when they were handed over");
	seen = crashes(move_within, "/m/tmp/f", "/m/tmp/g");
	ok(seen.only_first > 0 && seen.only_second > 0 &&
			seen.neither + seen.both == 0,
		"within one folder a rename is there or not");
	seen = crashes(move_back_and_on, "/m/tmp/f", "/m/cur/f");
	ok(seen.only_first + seen.only_second + seen.both > 0 && seen.torn == 0,
		"a file that is moved about keeps its contents");
}

static void unlink_only(struct machine *m)
{
	plant(m);
	check(m->port->unlink(m->tmp, "f", &m->err) == FS_OK);
}

static void unlink_sync(struct machine *m)
{
	unlink_only(m);
	check(m->port->dir_sync(m->tmp, &m->err) == FS_OK);
}

static void link_unlink(struct machine *m)
{
	plant(m);
	check(m->port->link(m->tmp, "f", m->cur, "f", &m->err) == FS_OK);
	check(m->port->unlink(m->tmp, "f", &m->err) == FS_OK);
}

static void create_two(struct machine *m)
{
	check(put(m, m->tmp, "f", "text") == FS_OK);
	check(put(m, m->cur, "f", "text") == FS_OK);
	check(m->port->flush(m->fs, &m->err) == FS_OK);
}

static void create_again(struct machine *m)
{
	plant(m);
	check(m->port->unlink(m->tmp, "f", &m->err) == FS_OK);
	check(put(m, m->tmp, "f", "text") == FS_OK);
	check(put(m, m->tmp, "g", "text") == FS_OK);
	check(m->port->flush(m->fs, &m->err) == FS_OK);
}

static void test_names(void)
{
	struct outcomes seen = crashes(unlink_only, "/m/tmp/f", "/none");

	ok(seen.only_first > 0 && seen.neither > 0 && seen.torn == 0,
		"what was removed can come back, whole");
	seen = crashes(unlink_sync, "/m/tmp/f", "/none");
	is_int(seen.neither, SEEDS, "but not after dir_sync");
	seen = crashes(link_unlink, "/m/tmp/f", "/m/cur/f");
	ok(seen.neither > 0 && seen.both > 0,
		"link and unlink are no rename: they can lose both names");
	seen = crashes(create_two, "/m/tmp/f", "/m/cur/f");
	ok(seen.only_first > 0 && seen.only_second > 0,
		"a later change can last without an earlier one");
	seen = crashes(create_again, "/m/tmp/f", "/m/tmp/g");
	ok(seen.neither > 0 && seen.only_first > 0 && seen.only_second > 0,
		"each name of a folder for itself");
}

static void folder_made(struct machine *m)
{
	struct fs_dir *sub;

	check(m->port->dir_open(m->root, "sub", true, &sub, &m->err) == FS_OK);
	check(put(m, sub, "f", "text") == FS_OK);
	check(m->port->flush(m->fs, &m->err) == FS_OK);
	check(m->port->dir_sync(sub, &m->err) == FS_OK);
	m->port->dir_close(&sub);
}

static void folder_synced(struct machine *m)
{
	folder_made(m);
	check(m->port->dir_sync(m->root, &m->err) == FS_OK);
}

static void folder_left(struct machine *m)
{
	plant(m);
	check(m->port->rename(m->tmp, "f", m->cur, "f", &m->err) == FS_OK);
	check(m->port->rmdir(m->root, "tmp", &m->err) == FS_OK);
}

static void folder_moved(struct machine *m)
{
	plant(m);
	check(m->port->rename(m->root, "tmp", m->cur, "new", &m->err) == FS_OK);
}

static void root_made(struct machine *m)
{
	struct fs_dir *dir;

	check(m->port->root_open(m->fs, "/a/b", true, &dir, &m->err) == FS_OK);
	m->port->dir_close(&dir);
}

static void test_folders(void)
{
	struct outcomes seen = crashes(folder_made, "/m/sub/f", "/m/sub");

	ok(seen.neither > 0 && seen.both > 0,
		"a folder that is not synced in its parent can be lost with "
		"all that is in it");
	seen = crashes(folder_synced, "/m/sub/f", "/m/sub");
	is_int(seen.both, SEEDS, "and cannot when it is");
	seen = crashes(folder_left, "/m/tmp/f", "/m/cur/f");
	is_int(seen.neither, 0,
		"a folder's removal loses nothing that was moved out of it");
	seen = crashes(folder_moved, "/m/tmp/f", "/m/cur/new/f");
	ok(seen.only_first > 0 && seen.only_second > 0 &&
			seen.neither + seen.both == 0,
		"a folder that moves is never in two places");
	seen = crashes(root_made, "/a", "/a/b");
	is_int(seen.both, SEEDS, "a root that was made lasts");
}

static void replace_unsynced(struct machine *m)
{
	fake_fs_put(m->fs, "/m/cur/k", STR("old"), 1);
	fake_fs_settle(m->fs);
	check(put(m, m->tmp, "k", "text") == FS_OK);
	check(m->port->flush(m->fs, &m->err) == FS_OK);
	check(m->port->replace(m->tmp, "k", m->cur, "k", &m->err) == FS_OK);
}

static void test_replace(void)
{
	int old = 0;
	int new = 0;

	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		struct machine m;

		machine_start(&m);
		replace_unsynced(&m);
		fake_fs_crash(m.fs, seed);
		old += reads(&m, "/m/cur/k", "old");
		new += reads(&m, "/m/cur/k", "text");
		machine_stop(&m);
	}
	ok(old > 0 && new > 0, "a replace that is not synced may be undone");
	is_int(old + new, SEEDS, "but one of the two is always there");
}

enum {
	MESSAGES = 8,
};

static const char *const letters[MESSAGES] = {
	"a", "b", "c", "d", "e", "f", "g", "h"};

/* Eight durable messages, whose contents are their first name. */
static void plant_letters(struct machine *m)
{
	struct buf path = {0};

	for (int i = 0; i < MESSAGES; i++) {
		buf_reset(&path);
		buf_addf(&path, "/m/tmp/%s", letters[i]);
		fake_fs_put(m->fs, buf_z(&path), str_of(letters[i]), 1);
	}
	fake_fs_mkdir(m->fs, "/m/tmp/sub");
	fake_fs_settle(m->fs);
	buf_clear(&path);
}

/* Renames one to some name in some folder, if it can be, and perhaps syncs. */
static void rename_somehow(struct machine *m)
{
	static const char *const folders[] = {"/m/tmp", "/m/cur", "/m/tmp/sub"};
	struct fs_dir *from = open_folder(m, folders[fate_random(&m->fate, 3)]);
	struct fs_dir *to = open_folder(m, folders[fate_random(&m->fate, 3)]);

	(void)m->port->rename(from, letters[fate_random(&m->fate, MESSAGES)],
		to, letters[fate_random(&m->fate, MESSAGES)], &m->err);
	if (fate_random(&m->fate, 4) == 0)
		(void)m->port->dir_sync(from, &m->err);
	m->port->dir_close(&from);
	m->port->dir_close(&to);
}

static int messages_lost(uint64_t seed)
{
	struct machine m;
	struct buf lines = {0};
	struct buf end = {0};
	int lost = 0;

	machine_start(&m);
	plant_letters(&m);
	m.fate.random = seed;
	for (int i = 0; i < 60; i++)
		rename_somehow(&m);
	fake_fs_crash(m.fs, seed);
	(void)dump(&m, &lines);
	for (int i = 0; i < MESSAGES; i++) {
		buf_reset(&end);
		buf_addf(&end, " %s\n", letters[i]);
		lost += strstr(buf_z(&lines), buf_z(&end)) == NULL;
	}
	if (lost > 0)
		tap_note("seed %llu leaves: %s", (unsigned long long)seed,
			buf_z(&lines));
	buf_clear(&lines);
	buf_clear(&end);
	machine_stop(&m);
	return lost;
}

static void test_never_neither(void)
{
	int lost = 0;

	for (uint64_t seed = 0; seed < SEEDS && lost == 0; seed++)
		lost += messages_lost(seed);
	is_int(lost, 0, "whatever is renamed and synced, no message is lost");
}

static void test_dates(void)
{
	int old = 0;
	int new = 0;
	int kept = 0;

	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		struct machine m;
		struct buf lines = {0};

		machine_start(&m);
		plant(&m);
		check(m.port->set_mtime(m.tmp, "f", 9 * SECOND, &m.err) ==
			FS_OK);
		if (seed % 2 == 0)
			check(m.port->flush(m.fs, &m.err) == FS_OK);
		fake_fs_crash(m.fs, seed);
		(void)dump(&m, &lines);
		if (seed % 2 == 0)
			kept += strstr(buf_z(&lines), "f 4 @9 ") != NULL;
		else
			new += strstr(buf_z(&lines), "f 4 @9 ") != NULL;
		old += strstr(buf_z(&lines), "f 4 @7 ") != NULL;
		buf_clear(&lines);
		machine_stop(&m);
	}
	is_int(kept, SEEDS / 2, "a date that was flushed lasts");
	ok(old > 0 && new > 0 && old + new == SEEDS / 2,
		"one that was not may be the former one");
}

static void test_seed(void)
{
	struct buf first = {0};
	struct buf second = {0};
	int same = 0;
	int others = 0;

	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		struct machine a;
		struct machine b;
		struct buf difference = {0};

		machine_start(&a);
		machine_start(&b);
		deliver_unsynced(&a);
		deliver_unsynced(&b);
		fake_fs_crash(a.fs, seed);
		fake_fs_crash(b.fs, seed);
		same += fake_fs_same(a.fs, b.fs, "/", &difference);
		others += !str_eq(dump(&a, &first), buf_str(&second));
		(void)dump(&b, &second);
		buf_clear(&difference);
		machine_stop(&a);
		machine_stop(&b);
	}
	is_int(same, SEEDS, "one seed leaves the same each time");
	ok(others > 1, "and others leave something else");
	buf_clear(&first);
	buf_clear(&second);
}

/* Tries every call of the port; how many did not fail. */
static int calls_answered(struct machine *m, struct fs_file *file)
{
	const struct fs_port *port = m->port;
	struct err *err = &m->err;
	struct fs_dir *dir = NULL;
	struct fs_file *new;
	struct fs_stat st;
	const char *name;
	enum fs_type type;
	bool folds;
	char at[1];
	size_t got;
	int answered = 0;

	answered += port->root_open(m->fs, "/m", true, &dir, err) != FS_FAILED;
	port->dir_close(&dir);
	answered += port->dir_open(m->root, "x", true, &dir, err) != FS_FAILED;
	answered += port->dir_rewind(m->cur, err) != FS_FAILED;
	answered += port->dir_next(m->cur, &name, &type, err) != FS_FAILED;
	answered += port->dir_stat(m->cur, &st, err) != FS_FAILED;
	answered += port->dir_sync(m->tmp, err) != FS_FAILED;
	answered += port->stat(m->tmp, "f", &st, err) != FS_FAILED;
	answered += port->create(m->tmp, "x", &new, err) != FS_FAILED;
	answered += port->open(m->tmp, "f", &new, err) != FS_FAILED;
	answered += port->write(file, STR("more"), err) != FS_FAILED;
	answered += port->read(file, at, 1, &got, err) != FS_FAILED;
	answered += port->rename(m->tmp, "f", m->cur, "f", err) != FS_FAILED;
	answered += port->replace(m->tmp, "f", m->cur, "f", err) != FS_FAILED;
	answered += port->link(m->tmp, "f", m->cur, "f", err) != FS_FAILED;
	answered += port->unlink(m->tmp, "f", err) != FS_FAILED;
	answered += port->rmdir(m->root, "cur", err) != FS_FAILED;
	answered += port->set_mtime(m->tmp, "f", 0, err) != FS_FAILED;
	answered += port->folds_case(m->tmp, true, &folds, err) != FS_FAILED;
	answered += port->flush(m->fs, err) != FS_FAILED;
	answered += port->finish(&file, 0, err) != FS_FAILED;
	return answered;
}

static void test_death(void)
{
	struct machine m;
	struct fs_file *file;
	struct buf before = {0};
	struct buf after = {0};

	machine_start(&m);
	plant(&m);
	m.fate.die_at = 2;
	check(m.port->create(m.tmp, "g", &file, &m.err) == FS_OK);
	(void)dump(&m, &before);
	is_int(m.port->unlink(m.tmp, "f", &m.err), FS_FAILED,
		"the step of death fails");
	is_str(dump(&m, &after), buf_str(&before), "and does not happen");
	is_int(m.err.scope, ERR_RUN, "its error ends the run");
	is_int(calls_answered(&m, file), 0, "after death every call fails");
	is_str(dump(&m, &after), buf_str(&before), "and changes nothing");
	is_str(str_of(m.fate.last), STR("fs.unlink"),
		"fate knows which call was the last");
	fate_revive(&m.fate);
	check(m.port->create(m.tmp, "h", &file, &m.err) == FS_OK);
	fake_fs_kill(m.fs);
	is_int(calls_answered(&m, file), 2,
		"after a kill old handles are dead; the port is not");
	ok(reads(&m, "/m/tmp/f", "text"), "and nothing is lost");
	buf_clear(&before);
	buf_clear(&after);
	machine_stop(&m);
}

static enum fs_result deliver_gently(struct machine *m)
{
	enum fs_result result = put(m, m->tmp, "f", "text");

	if (result == FS_OK)
		result = m->port->flush(m->fs, &m->err);
	if (result == FS_OK)
		result = m->port->rename(m->tmp, "f", m->cur, "f", &m->err);
	if (result == FS_OK)
		result = m->port->dir_sync(m->cur, &m->err);
	return result;
}

static void test_every_step(void)
{
	int delivered = 0;
	uint64_t step = 0;
	bool died = true;

	for (step = 1; died; step++) {
		struct machine m;

		machine_start(&m);
		m.fate.die_at = step;
		died = deliver_gently(&m) != FS_OK;
		check(died == m.fate.dead);
		fake_fs_crash(m.fs, step);
		delivered += !died && reads(&m, "/m/cur/f", "text");
		machine_stop(&m);
	}
	is_int((intmax_t)step - 2, 6,
		"a delivery is six steps, each of which "
		"can be the last");
	is_int(delivered, 1, "and is done after them");
}

static void test_no_step(void)
{
	struct machine m;
	struct fs_dir *dir;

	machine_start(&m);
	check(m.port->dir_open(m.root, "cur", true, &dir, &m.err) == FS_OK);
	check(m.port->dir_sync(dir, &m.err) == FS_OK);
	check(m.port->flush(m.fs, &m.err) == FS_OK);
	check(m.port->unlink(dir, "none", &m.err) == FS_ABSENT);
	is_int((intmax_t)m.fate.steps, 0, "what changes nothing is no step");
	m.port->dir_close(&dir);
	machine_stop(&m);
}

static void test_every_failure(void)
{
	uint64_t call = 0;
	bool failed = true;
	int alive = 0;

	for (call = 1; failed; call++) {
		struct machine m;

		machine_start(&m);
		m.fate.calls = 0;
		m.fate.fail_at = call;
		failed = deliver_gently(&m) != FS_OK;
		alive += failed && m.err.scope != ERR_RUN &&
			 put(&m, m.tmp, "g", "") == FS_OK;
		machine_stop(&m);
	}
	is_int(alive, 6, "each call can fail once, and life goes on");
}

static void lose_flush(struct machine *m)
{
	check(put(m, m->tmp, "f", "text") == FS_OK);
	check(m->port->dir_sync(m->tmp, &m->err) == FS_OK);
	m->fate.fail_at = m->fate.calls + 1;
	check(m->port->flush(m->fs, &m->err) == FS_FAILED);
	check(m->port->flush(m->fs, &m->err) == FS_OK);
}

static void test_failed_flush(void)
{
	struct outcomes seen = crashes(lose_flush, "/m/tmp/f", "/none");

	ok(seen.torn > 0,
		"what a failed flush lost, a later one does not find");
}

static void test_kill(void)
{
	int torn = 0;
	int there = 0;

	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		struct machine m;

		machine_start(&m);
		check(put(&m, m.tmp, "f", "text") == FS_OK);
		fake_fs_kill(m.fs);
		check(reads(&m, "/m/tmp/f", "text"));
		check(m.port->flush(m.fs, &m.err) == FS_OK);
		if (seed % 2 == 0)
			fake_fs_settle(m.fs);
		fake_fs_crash(m.fs, seed);
		there += seed % 2 == 0 && reads(&m, "/m/tmp/f", "text");
		torn += seed % 2 == 1 && !reads(&m, "/m/tmp/f", "text");
		machine_stop(&m);
	}
	ok(torn > 0, "what a killed process left unsynced, a crash can lose");
	is_int(there, SEEDS / 2, "unless all was settled before");
}

static void test_room(void)
{
	struct machine m;

	machine_start(&m);
	fake_fs_set_room(m.fs, 10);
	is_int(put(&m, m.tmp, "f", "12345678"), FS_OK, "what fits is written");
	is_int(put(&m, m.tmp, "g", "12345678"), FS_FAILED,
		"what does not fit fails");
	is_int(m.err.scope, ERR_ACCOUNT, "as on a full disk");
	ok(reads(&m, "/m/tmp/g", "12"), "with as much as fits");
	is_int(put(&m, m.tmp, "h", ""), FS_FAILED, "no name fits any more");
	check(m.port->unlink(m.tmp, "f", &m.err) == FS_OK);
	is_int(put(&m, m.tmp, "h", "12345678"), FS_OK,
		"what is removed makes room");
	fake_fs_set_room(m.fs, UINT64_MAX);
	is_int(put(&m, m.tmp, "i", "12345678"), FS_OK,
		"without a limit all fits");
	machine_stop(&m);
}

static void test_stamps(void)
{
	struct machine m;
	struct fs_stat before;
	struct fs_stat after;

	machine_start(&m);
	m.clock.tick_ns = 0;
	fake_fs_set_grain(m.fs, SECOND);
	fake_clock_pass(&m.clock, SECOND / 2);
	check(put(&m, m.cur, "f", "") == FS_OK);
	check(m.port->dir_stat(m.cur, &before, &m.err) == FS_OK);
	is_int(before.mtime_ns % SECOND, 0,
		"stamps are multiples of the grain");
	fake_clock_pass(&m.clock, SECOND / 4);
	check(put(&m, m.cur, "g", "") == FS_OK);
	check(m.port->dir_stat(m.cur, &after, &m.err) == FS_OK);
	ok(after.mtime_ns == before.mtime_ns &&
			after.ctime_ns == before.ctime_ns,
		"two changes within it look like one");
	fake_clock_pass(&m.clock, SECOND);
	check(put(&m, m.cur, "h", "") == FS_OK);
	check(m.port->dir_stat(m.cur, &after, &m.err) == FS_OK);
	ok(after.mtime_ns > before.mtime_ns && after.ctime_ns > before.ctime_ns,
		"a later one moves them on");
	machine_stop(&m);
}

static void test_lost_stamps(void)
{
	struct machine m;
	struct fs_stat before;
	struct fs_stat after;
	struct fs_dir *cur;
	int back = 0;

	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		machine_start(&m);
		check(m.port->dir_stat(m.cur, &before, &m.err) == FS_OK);
		check(put(&m, m.cur, "f", "") == FS_OK);
		fake_fs_crash(m.fs, seed);
		cur = open_folder(&m, "/m/cur");
		check(m.port->dir_stat(cur, &after, &m.err) == FS_OK);
		back += (after.mtime_ns == before.mtime_ns) ==
			!fake_fs_exists(m.fs, "/m/cur/f");
		m.port->dir_close(&cur);
		machine_stop(&m);
	}
	is_int(back, SEEDS, "a change that is lost takes its stamp with it");
}

/* Removes /m/tmp/f and makes /m/cur/g. */
static void swap(struct machine *m)
{
	plant(m);
	check(m->port->unlink(m->tmp, "f", &m->err) == FS_OK);
	check(put(m, m->cur, "g", "") == FS_OK);
}

static uint64_t inode_of(
	struct machine *m, const char *folder, const char *name)
{
	struct fs_dir *dir = open_folder(m, folder);
	struct fs_stat st = {0};

	check(m->port->stat(dir, name, &st, &m->err) != FS_FAILED);
	m->port->dir_close(&dir);
	return st.inode;
}

static void test_inodes(void)
{
	struct machine m;
	uint64_t first;
	int both = 0;
	int alike = 0;

	machine_start(&m);
	plant(&m);
	first = inode_of(&m, "/m/tmp", "f");
	check(m.port->unlink(m.tmp, "f", &m.err) == FS_OK);
	check(put(&m, m.cur, "g", "") == FS_OK);
	ok(inode_of(&m, "/m/cur", "g") == first,
		"a freed inode number is used again");
	machine_stop(&m);
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		machine_start(&m);
		swap(&m);
		fake_fs_crash(m.fs, seed);
		first = inode_of(&m, "/m/tmp", "f");
		both += first != 0 && inode_of(&m, "/m/cur", "g") != 0;
		alike += first != 0 && inode_of(&m, "/m/cur", "g") == first;
		machine_stop(&m);
	}
	ok(both > 0 && alike == 0,
		"but two files never have one, whoever comes back");
}

static void test_others(void)
{
	struct machine m;
	struct fs_dir *other;
	struct buf lines = {0};

	machine_start(&m);
	fake_fs_put(m.fs, "/m/cur/f", STR("a\tb"), 7 * SECOND);
	fake_fs_plant_link(m.fs, "/m/l", "cur/f");
	fake_fs_plant_fifo(m.fs, "/m/p");
	fake_fs_rename(m.fs, "/m/cur/f", "/m/cur/f:2,S");
	is_str(dump(&m, &lines),
		STR("/m/\n/m/cur/\n"
		    "/m/cur/f:2,S 3 @7 #c42abaa29b696171 a.b\n"
		    "/m/l -> cur/f\n/m/p special\n/m/tmp/\n"),
		"a dump shows all that is there, sorted");
	fake_fs_remove(m.fs, "/m/cur");
	ok(!fake_fs_exists(m.fs, "/m/cur/f:2,S"),
		"a folder is removed with what is in it");
	fake_fs_mkdir(m.fs, "/vault");
	fake_fs_mount(m.fs, "/vault");
	other = open_folder(&m, "/vault");
	check(put(&m, m.tmp, "g", "") == FS_OK);
	is_int(m.port->rename(m.tmp, "g", other, "g", &m.err), FS_CROSS,
		"a rename to another device says so");
	is_int(m.port->replace(m.tmp, "g", other, "g", &m.err), FS_CROSS,
		"so does a replace");
	is_int(m.port->link(m.tmp, "g", other, "g", &m.err), FS_CROSS,
		"so does a link");
	m.port->dir_close(&other);
	buf_clear(&lines);
	machine_stop(&m);
}

static void test_same(void)
{
	struct machine a;
	struct machine b;
	struct buf difference = {0};

	machine_start(&a);
	machine_start(&b);
	plant(&a);
	plant(&b);
	ok(fake_fs_same(a.fs, b.fs, "/", &difference), "equal trees are same");
	fake_fs_put(b.fs, "/m/tmp/f", STR("tex!"), 7 * SECOND);
	ok(!fake_fs_same(a.fs, b.fs, "/", &difference),
		"a byte makes a difference");
	ok(strstr(buf_z(&difference), "tex!") != NULL, "which is shown");
	fake_fs_remove(b.fs, "/m/tmp/f");
	ok(!fake_fs_same(a.fs, b.fs, "/", &difference), "so does a file");
	ok(!fake_fs_same(b.fs, a.fs, "/", &difference), "on either side");
	buf_clear(&difference);
	machine_stop(&a);
	machine_stop(&b);
}

static void test_plans(void)
{
	struct machine m;
	struct fs_stat st;

	machine_start(&m);
	plant(&m);
	fake_fs_plan_write(m.fs, 0, "/m/tmp/f", STR("all"));
	fake_fs_plan(m.fs, 1, "/m/tmp/f", "/m/tmp/g");
	fake_fs_plan(m.fs, 3, "/m/tmp/g", NULL);
	fake_fs_plan(m.fs, 3, "/m/tmp/none", NULL);
	is_int(m.port->stat(m.tmp, "f", &st, &m.err), FS_OK,
		"a plan waits for its call");
	ok(st.bytes == 3 && reads(&m, "/m/tmp/f", "all"),
		"what is written is all that is in a file then");
	is_int(m.port->stat(m.tmp, "f", &st, &m.err), FS_ABSENT,
		"and is done before the next one");
	is_int(m.port->stat(m.tmp, "g", &st, &m.err), FS_OK,
		"a rename as a rename");
	is_int(m.port->stat(m.tmp, "g", &st, &m.err), FS_ABSENT,
		"a removal as a removal");
	is_int((intmax_t)m.fate.steps, 0, "which are no steps of the run");
	machine_stop(&m);
}

/* Puts 25 files, "a" to "y", into /m/cur and begins to read it. */
static void read_alphabet(struct machine *m)
{
	char path[] = "/m/cur/?";

	machine_start(m);
	for (path[7] = 'a'; path[7] < 'z'; path[7]++)
		fake_fs_put(m->fs, path, STR(""), 0);
	check(m->port->dir_rewind(m->cur, &m->err) == FS_OK);
}

static void rename_letter(struct machine *m, char letter)
{
	char from[] = "/m/cur/?";
	char to[] = "/m/cur/?:2,S";

	from[7] = letter;
	to[7] = letter;
	fake_fs_rename(m->fs, from, to);
}

static void test_seen_twice(void)
{
	struct machine m;
	const char *name;
	enum fs_type type;
	int old = 0;
	int new = 0;

	read_alphabet(&m);
	while (m.port->dir_next(m.cur, &name, &type, &m.err) == FS_OK) {
		new += name[1] != '\0';
		old += name[1] == '\0';
		if (name[1] == '\0')
			rename_letter(&m, name[0]);
	}
	is_int(old, 25, "names that nothing touches are read once");
	ok(new > 0 && new < 25,
		"a file that gets another name then may be read again");
	machine_stop(&m);
}

static void test_never_seen(void)
{
	struct machine m;
	const char *name;
	enum fs_type type;
	bool seen[25] = {false};
	int count = 0;

	read_alphabet(&m);
	for (; count < 12; count++) {
		check(m.port->dir_next(m.cur, &name, &type, &m.err) == FS_OK);
		seen[name[0] - 'a'] = true;
	}
	for (int i = 0; i < 25; i++) {
		if (!seen[i])
			rename_letter(&m, (char)('a' + i));
	}
	while (m.port->dir_next(m.cur, &name, &type, &m.err) == FS_OK)
		count++;
	ok(count > 12 && count < 25,
		"a file that gets another name before may never be read");
	machine_stop(&m);
}

int main(void)
{
	run_suite("fake", false);
	run_suite("fake folding case", true);
	test_delivery();
	test_moves();
	test_names();
	test_folders();
	test_replace();
	test_never_neither();
	test_dates();
	test_seed();
	test_death();
	test_every_step();
	test_no_step();
	test_every_failure();
	test_failed_flush();
	test_kill();
	test_room();
	test_stamps();
	test_lost_stamps();
	test_inodes();
	test_others();
	test_same();
	test_plans();
	test_seen_twice();
	test_never_seen();
	return tap_done();
}
