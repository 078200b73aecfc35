/*
 * os/fs: the file system for real, on a disk and on tmpfs, held to the suite
 * that the fake one is held to, and brought to its limits.
 */
#include "godwit/os/fs.h"

#include "fs_suite.h"
#include "os/fs_private.h"
#include "scratch.h"
#include "tap.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	DEEP = 20,
	FD_MAX = 500, /* valgrind has its own above */
};

/* A file system with one folder open. */
struct disk {
	struct os_fs *fs;
	const struct fs_port *port;
	struct fs_dir *dir;
	struct err err;
};

static void disk_open(struct disk *disk, const char *path)
{
	*disk = (struct disk){.fs = os_fs_new()};
	disk->port = os_fs_port(disk->fs);
	check(disk->port->root_open(disk->port->ctx, path, true, &disk->dir,
		      &disk->err) == FS_OK);
}

static void disk_close(struct disk *disk)
{
	disk->port->dir_close(&disk->dir);
	os_fs_free(&disk->fs);
}

static enum fs_result disk_put(
	struct disk *disk, const char *name, struct str bytes)
{
	struct fs_file *file;
	enum fs_result result =
		disk->port->create(disk->dir, name, &file, &disk->err);

	if (result != FS_OK)
		return result;
	result = disk->port->write(file, bytes, &disk->err);
	if (result != FS_OK) {
		disk->port->close(&file);
		return result;
	}
	return disk->port->finish(&file, 0, &disk->err);
}

/* Descriptors that are open; those that a child would inherit, too. */
static int descriptors(bool inherited_only)
{
	DIR *stream = opendir("/proc/self/fd");
	struct dirent *entry;
	int count = 0;

	check(stream != NULL);
	while ((entry = readdir(stream)) != NULL) { /* NOLINT */
		uint32_t fd;

		if (!str_u32(str_of(entry->d_name), &fd) ||
			(int)fd == dirfd(stream))
			continue;
		count += !inherited_only || fcntl((int)fd, F_GETFD) == 0;
	}
	(void)closedir(stream);
	return count;
}

static void run_suite(
	const struct scratch *scratch, const char *label, const char *name)
{
	struct os_fs *fs = os_fs_new();
	struct fs_suite suite = {.label = label, .port = os_fs_port(fs)};
	int before;

	scratch_drop(scratch);
	before = descriptors(false);
	scratch_suite(scratch, name, &suite);
	fs_suite_run(&suite);
	os_fs_free(&fs);
	is_int(descriptors(false), before, "%s: no descriptor is left open",
		label);
	scratch_undrop(scratch);
}

static void test_modes(const struct scratch *scratch)
{
	struct disk disk;
	struct fs_dir *sub;
	struct fs_file *file;
	struct stat st;
	mode_t old = umask(0);
	int inherited = descriptors(true);

	disk_open(&disk, scratch_path(scratch, "modes/root"));
	check(stat(scratch_path(scratch, "modes"), &st) == 0);
	is_int(st.st_mode & 0777, 0700, "a root's parent is made private");
	check(stat(scratch_path(scratch, "modes/root"), &st) == 0);
	is_int(st.st_mode & 0777, 0700, "and the root itself");
	check(disk.port->dir_open(disk.dir, "sub", true, &sub, &disk.err) ==
		FS_OK);
	check(stat(scratch_path(scratch, "modes/root/sub"), &st) == 0);
	is_int(st.st_mode & 0777, 0700, "a folder is made private");
	check(disk.port->create(sub, "f", &file, &disk.err) == FS_OK);
	check(stat(scratch_path(scratch, "modes/root/sub/f"), &st) == 0);
	is_int(st.st_mode & 0777, 0600, "a file is made private");
	check(disk.port->dir_rewind(sub, &disk.err) == FS_OK);
	is_int(descriptors(true), inherited,
		"a program that we start inherits none of them");
	disk.port->close(&file);
	disk.port->dir_close(&sub);
	disk_close(&disk);
	(void)umask(old);
}

/* A folder whose path is longer than a path may be. */
static void test_deep(const struct scratch *scratch)
{
	char name[201];
	struct disk disk;
	struct fs_dir *dirs[DEEP + 1];
	bool made = true;

	memset(name, 'd', sizeof(name));
	name[200] = '\0';
	disk_open(&disk, scratch_path(scratch, "deep"));
	dirs[0] = disk.dir;
	for (int i = 0; i < DEEP && made; i++)
		made = disk.port->dir_open(dirs[i], name, true, &dirs[i + 1],
			       &disk.err) == FS_OK;
	ok(made, "folders can be deeper than a path is long");
	disk.dir = dirs[DEEP];
	is_int(disk_put(&disk, "f", STR("text")), FS_OK, "and hold files");
	is_int(disk_put(&disk, "/", STR("")), FS_FAILED, "or refuse them");
	ok(strlen(disk.err.text) < 700 && strstr(disk.err.text, "dd//: "),
		"with a sentence that shows the end of the path");
	check(disk.port->unlink(disk.dir, "f", &disk.err) == FS_OK);
	for (int i = DEEP; i > 0; i--) {
		disk.port->dir_close(&dirs[i]);
		check(disk.port->rmdir(dirs[i - 1], name, &disk.err) == FS_OK);
	}
	disk.dir = dirs[0];
	disk_close(&disk);
}

static void test_full(const struct scratch *scratch)
{
	struct disk disk;
	struct fs_file *file;
	struct buf chunk = {0};
	enum fs_result result = FS_OK;

	if (!scratch_mount(scratch, "full", "tmpfs", "size=1m")) {
		ok(true, "a full disk # SKIP no mounts for this user");
		return;
	}
	memset(buf_reserve(&chunk, 300000), 'x', 300000);
	buf_commit(&chunk, 300000);
	disk_open(&disk, scratch_path(scratch, "full"));
	is_int(disk_put(&disk, "kept", STR("text")), FS_OK,
		"a disk with room takes a file");
	check(disk.port->create(disk.dir, "big", &file, &disk.err) == FS_OK);
	for (int i = 0; i < 4 && result == FS_OK; i++)
		result = disk.port->write(file, buf_str(&chunk), &disk.err);
	is_int(result, FS_FAILED, "a disk that gets full fails the write");
	ok(strstr(disk.err.text, "full/big: the disk is full; make room"),
		"with a sentence that says so");
	is_int(disk.err.scope, ERR_ACCOUNT, "it ends the account");
	is_int(disk.err.retry, ERR_LATER, "for this run");
	disk.err.text[0] = '\0';
	is_int(disk.port->write(file, STR(""), &disk.err), FS_FAILED,
		"a file that lost bytes takes no more");
	is_int(disk.port->finish(&file, 0, &disk.err), FS_FAILED,
		"and cannot be finished");
	ok(strstr(disk.err.text, "the disk is full"), "for the same reason");
	ok(file == NULL, "but is closed");
	is_int(disk.port->flush(disk.port->ctx, &disk.err), FS_OK,
		"the others are flushed all the same");
	check(disk.port->unlink(disk.dir, "big", &disk.err) == FS_OK);
	is_int(disk_put(&disk, "next", buf_str(&chunk)), FS_OK,
		"when there is room again, all is well");
	buf_clear(&chunk);
	disk_close(&disk);
}

static void test_read_only(const struct scratch *scratch)
{
	struct disk disk;
	struct fs_dir *sub = NULL;

	if (!scratch_mount(scratch, "ro", "tmpfs", "size=1m")) {
		ok(true, "a read-only disk # SKIP no mounts for this user");
		return;
	}
	disk_open(&disk, scratch_path(scratch, "ro"));
	check(disk_put(&disk, "f", STR("text")) == FS_OK);
	check(disk.port->flush(disk.port->ctx, &disk.err) == FS_OK);
	check(scratch_remount_read_only(scratch, "ro"));
	is_int(disk.port->dir_writable(disk.dir, &disk.err), FS_FAILED,
		"that a disk is read-only is seen without trying");
	ok(strstr(disk.err.text, "the file system is read-only"), "in words");
	is_int(disk_put(&disk, "g", STR("text")), FS_FAILED,
		"a read-only disk takes no file");
	ok(strstr(disk.err.text, "ro/g: the file system is read-only"),
		"with a sentence that says so");
	is_int(disk.err.scope, ERR_ACCOUNT, "it ends the account");
	is_int(disk.port->dir_open(disk.dir, "sub", true, &sub, &disk.err),
		FS_FAILED, "nor a folder");
	is_int(disk.port->rename(disk.dir, "f", disk.dir, "g", &disk.err),
		FS_FAILED, "nor a new name");
	is_int(disk.port->unlink(disk.dir, "f", &disk.err), FS_FAILED,
		"nor gives one up");
	disk_close(&disk);
}

static void test_cross(const struct scratch *scratch)
{
	struct disk disk;
	struct fs_dir *other;

	if (!scratch_mount(scratch, "other", "tmpfs", "size=1m")) {
		ok(true, "two file systems # SKIP no mounts for this user");
		return;
	}
	disk_open(&disk, scratch_path(scratch, "here"));
	check(disk.port->root_open(disk.port->ctx,
		      scratch_path(scratch, "other"), false, &other,
		      &disk.err) == FS_OK);
	check(disk_put(&disk, "f", STR("text")) == FS_OK);
	is_int(disk.port->rename(disk.dir, "f", other, "f", &disk.err),
		FS_CROSS, "a rename to another file system says so");
	is_int(disk.port->replace(disk.dir, "f", other, "f", &disk.err),
		FS_CROSS, "so does a replace");
	is_int(disk.port->link(disk.dir, "f", other, "f", &disk.err), FS_CROSS,
		"so does a link");
	is_int(disk.port->unlink(disk.dir, "f", &disk.err), FS_OK,
		"and the file is where it was");
	disk.port->dir_close(&other);
	disk_close(&disk);
}

static int lowest_descriptor(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	check(fd >= 0 && close(fd) == 0);
	return fd;
}

/* Lets the process open `more` more descriptors than it has. */
static void descriptors_limit(int more)
{
	struct rlimit limit;
	int lowest = lowest_descriptor();

	check(getrlimit(RLIMIT_NOFILE, &limit) == 0);
	limit.rlim_cur = (rlim_t)lowest + (rlim_t)more;
	check(setrlimit(RLIMIT_NOFILE, &limit) == 0);
}

static void numbered(char name[8], int number)
{
	memcpy(name, "n00000", 7);
	for (int at = 5; number > 0; at--, number /= 10)
		name[at] = (char)('0' + number % 10);
}

static int put_many(struct disk *disk, int from, int to)
{
	char name[8];
	int count = 0;

	for (int i = from; i < to; i++) {
		numbered(name, i);
		count += disk_put(disk, name, STR("text")) == FS_OK;
	}
	return count;
}

static void test_many_open(const struct scratch *scratch)
{
	struct disk disk;
	struct fs_file *first = NULL;
	struct fs_file *files[32];
	struct rlimit limit;
	int count = 0;

	check(getrlimit(RLIMIT_NOFILE, &limit) == 0);
	disk_open(&disk, scratch_path(scratch, "many-open"));
	check(put_many(&disk, 0, 30) == 30);
	descriptors_limit(0);
	is_int(disk.port->open(disk.dir, "n00000", &first, &disk.err), FS_OK,
		"finished files give way when descriptors run out");
	is_int(disk.port->flush(disk.port->ctx, &disk.err), FS_OK,
		"and are flushed none the less");
	while (count < 32 && disk.port->open(disk.dir, "n00001", &files[count],
				     &disk.err) == FS_OK)
		count++;
	ok(count < 32, "an open file does not");
	ok(strstr(disk.err.text, "too many files are open"),
		"the sentence says that there are too many");
	is_int(disk.err.scope, ERR_ACCOUNT, "which ends the account");
	while (count > 0)
		disk.port->close(&files[--count]);
	disk.port->close(&first);
	check(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	disk_close(&disk);
}

static void test_too_big(const struct scratch *scratch)
{
	struct disk disk;
	struct rlimit old;
	struct rlimit small;
	char bytes[3000] = {0};

	check(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	check(getrlimit(RLIMIT_FSIZE, &old) == 0);
	small = (struct rlimit){2000, old.rlim_max};
	disk_open(&disk, scratch_path(scratch, "too-big"));
	check(setrlimit(RLIMIT_FSIZE, &small) == 0);
	is_int(disk_put(&disk, "f",
		       (struct str){.ptr = bytes, .len = sizeof(bytes)}),
		FS_FAILED,
		"a write that ends short is gone on with, and fails "
		"where it cannot");
	check(setrlimit(RLIMIT_FSIZE, &old) == 0);
	ok(strstr(disk.err.text, "ulimit -f"), "with a sentence that says why");
	is_int(disk.err.scope, ERR_MESSAGE, "which costs one message");
	disk_close(&disk);
}

/* A batch of three files, flushed one way or the other. */
static enum fs_result flush_three(
	struct disk *disk, int number, uint64_t dirty_kib_max)
{
	disk->fs->dirty_kib_max = dirty_kib_max;
	check(put_many(disk, number, number + 3) == 3);
	return disk->port->flush(disk->port->ctx, &disk->err);
}

/* So many folders, made and handed over. */
static enum fs_result sync_folders(struct disk *disk, int count)
{
	enum fs_result result = FS_OK;

	for (int i = 0; i < count && result == FS_OK; i++) {
		struct fs_dir *dir;
		char name[8];

		numbered(name, i);
		name[0] = 'd';
		check(disk->port->dir_open(disk->dir, name, true, &dir,
			      &disk->err) == FS_OK);
		result = disk->port->dir_sync_later(dir, &disk->err);
		disk->port->dir_close(&dir);
	}
	return result == FS_OK
		       ? disk->port->dirs_sync(disk->port->ctx, &disk->err)
		       : result;
}

static void test_flush(const struct scratch *scratch)
{
	struct disk disk;
	int lowest;

	disk_open(&disk, scratch_path(scratch, "flush"));
	is_int(flush_three(&disk, 0, 0), FS_OK,
		"a batch is flushed file by file");
	is_int(flush_three(&disk, 3, UINT64_MAX), FS_OK, "or all at once");
	lowest = lowest_descriptor();
	is_int(sync_folders(&disk, KEPT_MAX + 1), FS_OK,
		"more folders than are kept open are synced");
	is_int(lowest_descriptor(), lowest, "and none is left open");
	disk_close(&disk);
}

/* From here on fsync() of one descriptor, then of all, fails for good. */
static void test_lost_early(const struct scratch *scratch)
{
	struct disk disk;
	int first;

	disk_open(&disk, scratch_path(scratch, "lost-early"));
	disk.fs->dirty_kib_max = 0;
	first = lowest_descriptor();
	if (!scratch_break(SYS_fsync, first, first, EIO)) {
		ok(true, "lost writes # SKIP no seccomp here");
		disk_close(&disk);
		return;
	}
	is_int(put_many(&disk, 0, KEPT_MAX + 1), KEPT_MAX + 1,
		"more files than are kept open can be finished");
	is_int(disk.port->flush(disk.port->ctx, &disk.err), FS_FAILED,
		"a loss ahead of the flush is told by the flush");
	ok(strstr(disk.err.text,
		   "lost-early/n00000: the disk reports an error"),
		"with the name of the file");
	is_int(disk.port->flush(disk.port->ctx, &disk.err), FS_OK, "once");
	disk_close(&disk);
}

static void test_lost(const struct scratch *scratch)
{
	struct disk disk;

	disk_open(&disk, scratch->path);
	if (!scratch_break(SYS_fsync, 3, FD_MAX, EIO)) {
		ok(true, "failing fsync # SKIP no seccomp here");
		disk_close(&disk);
		return;
	}
	is_int(flush_three(&disk, 0, 0), FS_FAILED,
		"a file that does not reach the disk fails the flush");
	check(disk_put(&disk, "f", STR("text")) == FS_OK);
	(void)disk.port->flush(disk.port->ctx, &disk.err);
	check(disk.port->set_mtime(disk.dir, "f", 1, &disk.err) == FS_OK);
	is_int(disk.port->flush(disk.port->ctx, &disk.err), FS_FAILED,
		"so does a date");
	is_int(disk.port->dir_sync(disk.dir, &disk.err), FS_FAILED,
		"names that do not reach the disk fail the sync");
	is_int(disk.err.retry, ERR_LATER, "another run may do better");
	disk.fs->dirty_kib_max = 0;
	is_int(sync_folders(&disk, 2), FS_FAILED,
		"also of those that were handed over");
	ok(strstr(disk.err.text, "make durable ") != NULL &&
			strstr(disk.err.text, "/d00000: ") != NULL,
		"which are named");
	is_int(disk.port->dirs_sync(disk.port->ctx, &disk.err), FS_OK, "once");
	disk.port->dir_close(&disk.dir);
	is_int(disk.port->root_open(disk.port->ctx,
		       scratch_path(scratch, "lost-root"), true, &disk.dir,
		       &disk.err),
		FS_FAILED, "a root whose name does not last is not opened");
	disk_close(&disk);
}

/* After test_lost, so what is flushed is not flushed by fsync(). From here on
 * sync_file_range() fails for the descriptors that three files have had. */
static void test_lost_range(struct disk *disk)
{
	int first = lowest_descriptor();

	disk->fs->dirty_kib_max = UINT64_MAX;
	check(put_many(disk, 0, 3) == 3);
	if (!scratch_break(SYS_sync_file_range, first, first + 2, EIO)) {
		ok(true, "failing write-back # SKIP no seccomp here");
		return;
	}
	is_int(disk->port->flush(disk->port->ctx, &disk->err), FS_FAILED,
		"a file that was lost is found among those synced together");
	ok(strstr(disk->err.text, "together/n00000: the disk reports an error"),
		"and named");
	is_int(disk_put(disk, "lost", STR("text")), FS_FAILED,
		"one that is lost at once cannot be finished");
	while (lowest_descriptor() <= first + 2)
		check(open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0);
}

/* After test_lost, on a file system where syncfs() is not to be relied on. */
static void test_lost_apart(const struct scratch *scratch)
{
	struct disk disk;

	if (!scratch_mount(scratch, "apart", "ramfs", NULL)) {
		ok(true, "any file system # SKIP no mounts for this user");
		return;
	}
	disk_open(&disk, scratch_path(scratch, "apart"));
	is_int(flush_three(&disk, 0, UINT64_MAX), FS_FAILED,
		"where syncfs is not to be relied on, it is not");
	disk_close(&disk);
}

static void test_lost_together(const struct scratch *scratch)
{
	struct disk disk;

	if (!scratch_mount(scratch, "together", "tmpfs", "size=1m")) {
		ok(true, "one sync for all # SKIP no mounts for this user");
		return;
	}
	disk_open(&disk, scratch_path(scratch, "together"));
	test_lost_range(&disk);
	is_int(flush_three(&disk, 6, UINT64_MAX), FS_OK,
		"where the disk is not busy, no file is synced by itself");
	is_int(sync_folders(&disk, 3), FS_OK, "nor is a folder");
	if (scratch_break(SYS_syncfs, 3, FD_MAX, EIO))
		is_int(flush_three(&disk, 9, UINT64_MAX), FS_FAILED,
			"a file system that cannot be synced fails the flush");
	else
		ok(true, "failing syncfs # SKIP no seccomp here");
	disk_close(&disk);
}

static void test_quota(const struct scratch *scratch)
{
	struct disk disk;

	disk_open(&disk, scratch->path);
	if (!scratch_break(SYS_write, 3, FD_MAX, EDQUOT)) {
		ok(true, "a used-up quota # SKIP no seccomp here");
		disk_close(&disk);
		return;
	}
	is_int(disk_put(&disk, "quota", STR("text")), FS_FAILED,
		"a used-up quota fails the write");
	ok(strstr(disk.err.text, "your disk quota is used up"),
		"with a sentence that says so");
	disk_close(&disk);
}

int main(void)
{
	struct scratch scratch;

	scratch_open(&scratch);
	run_suite(&scratch, "disk", "suite");
	test_modes(&scratch);
	test_deep(&scratch);
	if (scratch_mount(&scratch, "tmpfs", "tmpfs", "mode=777"))
		run_suite(&scratch, "tmpfs", "tmpfs/suite");
	else
		ok(true, "tmpfs # SKIP no mounts for this user");
	test_full(&scratch);
	test_read_only(&scratch);
	test_cross(&scratch);
	test_many_open(&scratch);
	test_too_big(&scratch);
	test_flush(&scratch);
	test_lost_early(&scratch);
	test_lost(&scratch);
	test_lost_apart(&scratch);
	test_lost_together(&scratch);
	test_quota(&scratch);
	scratch_close(&scratch);
	return tap_done();
}
