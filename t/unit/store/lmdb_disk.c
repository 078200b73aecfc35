/* store/lmdb: a disk that is full, and one that is read-only. */
#include "godwit/base/err.h"
#include "godwit/store/lmdb.h"
#include "godwit/sync/record.h"
#include "scratch.h"
#include "tap.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct scratch scratch;

/* A path on the small disk. */
static const char *at(const char *name)
{
	static char below[64];

	check(snprintf(below, sizeof(below), "disk/%s", name) <
		(int)sizeof(below));
	return scratch_path(&scratch, below);
}

/* Puts a file on the disk that leaves no room. */
static void disk_fill(void)
{
	static const char zeroes[4096];
	int fd = open(
		at("ballast"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	check(fd >= 0);
	while (write(fd, zeroes, sizeof(zeroes)) > 0)
		;
	check(close(fd) == 0);
}

static void disk_free(void)
{
	check(unlink(at("ballast")) == 0);
}

static int open_state(const char *name, enum lmdb_mode mode,
	struct lmdb_store **store_r, struct err *err)
{
	*err = (struct err){.text = ""};
	return lmdb_open(at(name), mode, store_r, err);
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
	struct err err;

	check(open_state("lock", LMDB_WRITE, &store, &err) == 1);
	lmdb_close(&store);
	check(unlink(at("lock/journal/lock.mdb")) == 0);
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
	check(scratch_remount_read_only(&scratch, "disk"));
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
}

int main(void)
{
	scratch_open(&scratch);
	if (!scratch_mount(&scratch, "disk", "tmpfs", "size=4m,mode=0700")) {
		scratch_close(&scratch);
		printf("1..0 # SKIP no file system can be mounted here\n");
		return 0;
	}
	test_full_at_commit();
	test_full_at_first();
	test_full_at_lock();
	test_read_only_disk();
	scratch_close(&scratch);
	return tap_done();
}
