/* store/lmdb: a disk that is full, and one that is read-only. */
#include "godwit/base/err.h"
#include "godwit/store/lmdb.h"
#include "godwit/sync/record.h"
#include "tap.h"
#include "workdir.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

static char disk[4200];

static void file_write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	check(fd >= 0);
	check(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	check(close(fd) == 0);
}

/* A namespace of our own, in which anybody may mount. */
static bool may_mount(void)
{
	uid_t uid = getuid();
	gid_t gid = getgid();
	char users[64];
	char groups[64];

	if (uid == 0)
		return unshare(CLONE_NEWNS) == 0;
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)
		return false;
	check(snprintf(users, sizeof(users), "0 %u 1", (unsigned)uid) > 0);
	check(snprintf(groups, sizeof(groups), "0 %u 1", (unsigned)gid) > 0);
	file_write_text("/proc/self/uid_map", users);
	file_write_text("/proc/self/setgroups", "deny");
	file_write_text("/proc/self/gid_map", groups);
	return true;
}

static bool disk_make(void)
{
	check(snprintf(disk, sizeof(disk), "%s/disk", workdir_path()) > 0);
	check(mkdir(disk, 0700) == 0);
	return may_mount() &&
	       mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount("tmpfs", disk, "tmpfs", 0, "size=4m,mode=0700") == 0;
}

/* Puts a file on the disk that leaves no room. */
static void disk_fill(void)
{
	static const char zeroes[4096];
	char path[4300];
	int fd;

	check(snprintf(path, sizeof(path), "%s/ballast", disk) > 0);
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	check(fd >= 0);
	while (write(fd, zeroes, sizeof(zeroes)) > 0)
		;
	check(close(fd) == 0);
}

static void disk_free(void)
{
	char path[4300];

	check(snprintf(path, sizeof(path), "%s/ballast", disk) > 0);
	check(unlink(path) == 0);
}

static int open_state(const char *name, enum lmdb_mode mode,
	struct lmdb_store **store_r, struct err *err)
{
	char path[4300];

	check(snprintf(path, sizeof(path), "%s/%s", disk, name) > 0);
	*err = (struct err){.text = ""};
	return lmdb_open(path, mode, store_r, err);
}

static int put(
	struct lmdb_store *store, char key, size_t bytes, struct err *err)
{
	const struct store_port *port = lmdb_port(store);
	struct store_batch batch = {0};
	struct buf value = {0};
	int rc;

	memset(buf_reserve(&value, bytes), key, bytes);
	buf_commit(&value, bytes);
	store_batch_put(&batch, JOURNAL_META,
		(struct str){.ptr = &key, .len = 1}, buf_str(&value));
	rc = port->commit(port->ctx, &batch, err);
	store_batch_clear(&batch);
	buf_clear(&value);
	return rc;
}

static int has(struct lmdb_store *store, char key, size_t bytes)
{
	const struct store_port *port = lmdb_port(store);
	struct buf value = {0};
	struct err err;
	int found = port->get(port->ctx, JOURNAL_META,
		(struct str){.ptr = &key, .len = 1}, &value, &err);

	if (found == 1 && value.len != bytes)
		found = -1;
	buf_clear(&value);
	return found;
}

static void test_full_at_commit(void)
{
	struct lmdb_store *store;
	struct err err;

	check(open_state("commit", LMDB_WRITE, &store, &err) == 1);
	check(put(store, 'a', 1000, &err) == 0);
	disk_fill();
	is_int(put(store, 'b', 1000000, &err), -1,
		"a commit for which the disk has no room fails");
	ok(err.cause == ERR_DISK && err.retry == ERR_LATER &&
			strstr(err.text, "full") != NULL,
		"and says that the disk is full");
	is_int(has(store, 'a', 1000), 1, "what was there is there");
	is_int(has(store, 'b', 1000000), 0, "what failed is not");
	disk_free();
	is_int(put(store, 'b', 1000000, &err), 0,
		"when there is room, the same store goes on");
	lmdb_close(&store);
	check(open_state("commit", LMDB_WRITE, &store, &err) == 1);
	ok(has(store, 'a', 1000) == 1 && has(store, 'b', 1000000) == 1,
		"and what was committed can be opened again");
	lmdb_close(&store);
}

static void test_full_at_first(void)
{
	struct lmdb_store *store;
	struct err err;

	disk_fill();
	is_int(open_state("first", LMDB_WRITE, &store, &err), -1,
		"a new journal on a full disk fails");
	ok(strstr(err.text, "full") != NULL, "and says why");
	disk_free();
	is_int(open_state("first", LMDB_WRITE, &store, &err), 1,
		"and is made when there is room");
	lmdb_close(&store);
}

/* LMDB writes to lock.mdb through a map: a hole there would be a SIGBUS. */
static void test_full_at_lock(void)
{
	struct lmdb_store *store;
	char path[4300];
	struct err err;

	check(open_state("lock", LMDB_WRITE, &store, &err) == 1);
	lmdb_close(&store);
	check(snprintf(path, sizeof(path), "%s/lock/journal/lock.mdb", disk) >
		0);
	check(unlink(path) == 0);
	disk_fill();
	is_int(open_state("lock", LMDB_WRITE, &store, &err), -1,
		"without room for lock.mdb, a writer fails");
	ok(strstr(err.text, "full") != NULL, "and says why");
	is_int(open_state("lock", LMDB_READ_ONLY, &store, &err), -1,
		"and so does a reader");
	ok(strstr(err.text, "full") != NULL, "likewise");
	disk_free();
	is_int(open_state("lock", LMDB_READ_ONLY, &store, &err), 1,
		"when there is room, it reads");
	lmdb_close(&store);
}

static void test_read_only_disk(void)
{
	struct lmdb_store *store;
	struct err err;

	check(open_state("ro", LMDB_WRITE, &store, &err) == 1);
	check(put(store, 'a', 10, &err) == 0);
	lmdb_close(&store);
	check(mount("none", disk, "none", MS_REMOUNT | MS_RDONLY, NULL) == 0);
	is_int(open_state("ro", LMDB_READ_ONLY, &store, &err), 1,
		"a journal on a read-only file system can be read");
	is_int(has(store, 'a', 10), 1, "in full");
	lmdb_close(&store);
	is_int(open_state("ro", LMDB_WRITE, &store, &err), -1,
		"but not be opened to write");
	ok(strstr(err.text, "read-only") != NULL, "and that is said");
	is_int(open_state("none", LMDB_WRITE, &store, &err), -1,
		"nor can a new one be made");
	ok(strstr(err.text, "read-only") != NULL, "which is said, too");
	check(mount("none", disk, "none", MS_REMOUNT, "size=4m,mode=0700") ==
		0);
}

int main(void)
{
	if (!disk_make()) {
		workdir_remove();
		printf("1..0 # SKIP no file system can be mounted here\n");
		return 0;
	}
	test_full_at_commit();
	test_full_at_first();
	test_full_at_lock();
	test_read_only_disk();
	check(umount(disk) == 0);
	workdir_remove();
	return tap_done();
}
