/* store/lmdb: the suite, growth, modes, and files that are not what they must
 * be. */
#include "godwit/store/lmdb.h"

#include "godwit/base/err.h"
#include "godwit/sync/record.h"
#include "scratch.h"
#include "store_suite.h"
#include "tap.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	MANY = 100000,
};

#define PAGE ((off_t)4096)

static const char page[4096];

static struct scratch scratch;

static const char *at(const char *name)
{
	return scratch_path(&scratch, name);
}

static struct lmdb_store *open_new(const char *name)
{
	struct lmdb_store *store;
	struct err err;

	if (lmdb_open(at(name), LMDB_WRITE, &store, &err) != 1) {
		tap_note("%s", err.text);
		check(!"the store opens");
	}
	return store;
}

static int put(struct lmdb_store *store, const char *key, struct str value)
{
	const struct store_port *port = lmdb_port(store);
	struct store_batch batch = {0};
	struct err err = {.text = ""};
	int rc;

	store_batch_put(&batch, JOURNAL_MESSAGE, str_of(key), value);
	rc = port->commit(port->ctx, &batch, &err);
	if (rc != 0)
		tap_note("%s", err.text);
	store_batch_clear(&batch);
	return rc;
}

static int has(struct lmdb_store *store, const char *key)
{
	const struct store_port *port = lmdb_port(store);
	struct buf value = {0};
	struct err err;
	int found = port->get(
		port->ctx, JOURNAL_MESSAGE, str_of(key), &value, &err);

	buf_clear(&value);
	return found;
}

static const struct store_port *suite_reopen(void *ctx)
{
	struct lmdb_store **store = ctx;

	lmdb_close(store);
	*store = open_new("suite");
	return lmdb_port(*store);
}

static void test_suite(void)
{
	struct lmdb_store *store = open_new("suite");
	struct store_suite suite = {.label = "LMDB",
		.port = lmdb_port(store),
		.reopen = suite_reopen,
		.ctx = &store};

	store_suite_run(&suite);
	lmdb_close(&store);
	ok(store == NULL, "a store that is closed is NULL");
	lmdb_close(&store);
}

static off_t file_bytes(const char *name)
{
	struct stat st;

	check(stat(at(name), &st) == 0);
	return st.st_size;
}

static int count(struct lmdb_store *store)
{
	const struct store_port *port = lmdb_port(store);
	struct str key;
	struct str value;
	struct err err;
	struct store_cursor *cursor =
		port->scan(port->ctx, JOURNAL_MESSAGE, STR(""), STR(""), &err);
	int n = 0;

	while (port->next(cursor, &key, &value, &err) == 1)
		n++;
	port->scan_end(&cursor);
	return n;
}

static void test_growth(void)
{
	struct lmdb_store *store = open_new("growth");
	const struct store_port *port = lmdb_port(store);
	struct store_batch batch = {0};
	struct err err;
	int failed = 0;

	ok(file_bytes("growth/journal/data.mdb") == 1 << 20,
		"a new journal has a map of 1 MiB");
	for (uint32_t i = 1; i <= MANY; i++) {
		struct record_key key = message_key(1 + i % 7, i * 2654435761U);

		store_batch_put(&batch, JOURNAL_MESSAGE, record_key_str(&key),
			STR("some fifty bytes, as many as a record may have"));
		if (i % 2000 == 0) {
			failed += port->commit(port->ctx, &batch, &err) != 0;
			store_batch_reset(&batch);
		}
	}
	store_batch_clear(&batch);
	is_int(failed, 0, "every batch of 100000 records is committed");
	is_int(count(store), MANY, "the records are all there");
	ok(file_bytes("growth/journal/data.mdb") >= 8 << 20,
		"the map has grown by itself");
	lmdb_close(&store);
	store = open_new("growth");
	is_int(count(store), MANY, "and can be opened again");
	lmdb_close(&store);
}

static void test_large_batch(void)
{
	struct lmdb_store *store = open_new("large");
	struct buf value = {0};

	memset(buf_reserve(&value, 20 << 20), 'x', 20 << 20);
	buf_commit(&value, 20 << 20);
	is_int(put(store, "k", buf_str(&value)), 0,
		"one batch can be larger than the map, many times");
	is_int(has(store, "k"), 1, "and is there");
	lmdb_close(&store);
	buf_clear(&value);
}

static unsigned mode_of(const char *name)
{
	struct stat st;

	check(stat(at(name), &st) == 0);
	return (unsigned)st.st_mode & 07777;
}

static void test_modes(void)
{
	mode_t mask = umask(0);
	struct lmdb_store *store = open_new("deep/er/state");

	(void)umask(mask);
	is_int(mode_of("deep"), 0700, "parents are made, for nobody else");
	is_int(mode_of("deep/er/state"), 0700, "the state folder, likewise");
	is_int(mode_of("deep/er/state/journal"), 0700, "the journal's folder");
	is_int(mode_of("deep/er/state/journal/data.mdb"), 0600, "its data");
	is_int(mode_of("deep/er/state/journal/lock.mdb"), 0600, "LMDB's lock");
	is_int(mode_of("deep/er/state/lock"), 0600, "and our lock");
	lmdb_close(&store);
	ok(access(at("deep/er/state/lock"), F_OK) == 0,
		"the lock file stays when the store is closed");
}

static void test_close_on_exec(void)
{
	struct lmdb_store *store = open_new("exec");
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;
	int ours = 0;
	int inherited = 0;

	check(dir != NULL);
	while ((entry = readdir(dir)) != NULL) {
		char link[300];
		char target[4200] = "";

		check(snprintf(link, sizeof(link), "/proc/self/fd/%s",
			      entry->d_name) > 0);
		if (readlink(link, target, sizeof(target) - 1) < 0 ||
			strstr(target, scratch.path) == NULL)
			continue;
		ours++;
		inherited +=
			(fcntl((int)strtol(entry->d_name, NULL, 10), F_GETFD) &
				FD_CLOEXEC) == 0;
	}
	(void)closedir(dir);
	ok(ours >= 3, "an open store has files open");
	is_int(inherited, 0, "a command that is run inherits none of them");
	lmdb_close(&store);
}

static void test_read_only(void)
{
	struct lmdb_store *store;
	struct err err;

	is_int(lmdb_open(at("nothing"), LMDB_READ_ONLY, &store, &err), 0,
		"read only, there is no journal before the first run");
	ok(store == NULL, "and no store");
	ok(access(at("nothing"), F_OK) != 0, "nor is one made");
	store = open_new("reader");
	check(put(store, "k", STR("v")) == 0);
	lmdb_close(&store);
	is_int(lmdb_open(at("reader"), LMDB_READ_ONLY, &store, &err), 1,
		"a journal can be opened read only");
	is_int(has(store, "k"), 1, "and be read");
	lmdb_close(&store);
}

static void file_write(const char *name, struct str content)
{
	FILE *file = fopen(at(name), "wb");

	check(file != NULL);
	check(fwrite(content.ptr, 1, content.len, file) == content.len);
	check(fclose(file) == 0);
}

static void test_rubble(void)
{
	struct lmdb_store *store;

	check(mkdir(at("rubble"), 0700) == 0);
	check(mkdir(at("rubble/journal.new"), 0700) == 0);
	file_write("rubble/journal.new/data.mdb", STR("half a page"));
	file_write("rubble/journal.new/lock.mdb", STR(""));
	store = open_new("rubble");
	ok(store != NULL, "a journal that was never finished is made anew");
	ok(access(at("rubble/journal.new"), F_OK) != 0,
		"and nothing is left of the attempt");
	lmdb_close(&store);
	check(unlink(at("rubble/journal/data.mdb")) == 0);
	store = open_new("rubble");
	ok(store != NULL, "a journal whose data was removed is made anew");
	lmdb_close(&store);
	check(truncate(at("rubble/journal/data.mdb"), 0) == 0);
	store = open_new("rubble");
	ok(store != NULL, "and so is one that is empty");
	lmdb_close(&store);
}

/* Opens in both modes; both must be refused, and say that it is damaged. */
static bool refused(const char *name)
{
	struct lmdb_store *store;
	struct err w = {.text = ""};
	struct err r = {.text = ""};
	int writer = lmdb_open(at(name), LMDB_WRITE, &store, &w);
	int reader;

	lmdb_close(&store);
	reader = lmdb_open(at(name), LMDB_READ_ONLY, &store, &r);
	lmdb_close(&store);
	if (writer == -1 && reader == -1 && w.cause == ERR_DISK &&
		strstr(w.text, "is damaged") != NULL &&
		strstr(r.text, "is damaged") != NULL)
		return true;
	tap_note("writer %d: %s", writer, w.text);
	tap_note("reader %d: %s", reader, r.text);
	return false;
}

/* Makes a journal with some pages and returns how many bytes LMDB uses. */
static off_t victim_make(const char *name)
{
	struct lmdb_store *store = open_new(name);
	char data[300];
	struct stat st;
	char key[16];

	for (int i = 0; i < 10; i++) {
		check(snprintf(key, sizeof(key), "%04d", i) > 0);
		check(put(store, key,
			      (struct str){.ptr = page, .len = sizeof(page)}) ==
			0);
	}
	lmdb_close(&store);
	check(snprintf(data, sizeof(data), "%s/journal/data.mdb", name) > 0);
	check(stat(at(data), &st) == 0);
	return (off_t)st.st_blocks * 512;
}

static void test_cut(void)
{
	off_t used = victim_make("cut");
	const off_t cuts[] = {1, 100, PAGE - 1, PAGE, PAGE + 1, 2 * PAGE - 1,
		2 * PAGE, 3 * PAGE, used / 2};
	int wrong = 0;

	for (size_t i = sizeof(cuts) / sizeof(cuts[0]); i-- > 0;) {
		check(truncate(at("cut/journal/data.mdb"), cuts[i]) == 0);
		wrong += !refused("cut");
	}
	is_int(wrong, 0, "a journal that is cut short is refused");
}

static void test_garbage(void)
{
	struct buf garbage = {0};

	(void)victim_make("garbage");
	for (int i = 0; i < 10 * PAGE; i++)
		buf_addc(&garbage, (char)(i * 7919 >> 3));
	file_write("garbage/journal/data.mdb", buf_str(&garbage));
	ok(refused("garbage"), "a file that is not LMDB's is refused");
	buf_clear(&garbage);
	check(unlink(at("garbage/journal/data.mdb")) == 0);
	check(mkdir(at("garbage/journal/data.mdb"), 0700) == 0);
	ok(refused("garbage"), "so is a folder in its place");
	check(rmdir(at("garbage/journal/data.mdb")) == 0);
	check(mkfifo(at("garbage/journal/data.mdb"), 0600) == 0);
	ok(refused("garbage"), "and a FIFO, without waiting for a writer");
}

/* Overwrites bytes of both meta pages. */
static void meta_poke(const char *data, off_t offset, struct str bytes)
{
	int fd = open(at(data), O_WRONLY | O_CLOEXEC);

	check(fd >= 0);
	check(pwrite(fd, bytes.ptr, bytes.len, offset) == (ssize_t)bytes.len);
	check(pwrite(fd, bytes.ptr, bytes.len, PAGE + offset) ==
		(ssize_t)bytes.len);
	check(close(fd) == 0);
}

static void test_meta(void)
{
	static const struct {
		const char *name;
		off_t offset; /* where words have 64 bits */
		struct str bytes;
		const char *sentence;
	} pokes[] = {
		{"magic", 16, STR("\1"), "a wrong magic number is refused"},
		{"version", 20, STR("\x63"), "another version is refused"},
		{"psize0", 40, STR("\0\0\0\0"), "a page size of 0 is refused"},
		{"psize3", 40, STR("\3\x10\0\0"),
			"an odd page size is refused"},
		{"psizemax", 40, STR("\0\0\0\x80"),
			"a huge page size is refused"},
		{"last", 136, STR("\xff\xff\xff\xff\xff\xff\xff\x0f"),
			"a last page beyond the file is refused"},
	};

	if (sizeof(size_t) != 8)
		return;
	for (size_t i = 0; i < sizeof(pokes) / sizeof(pokes[0]); i++) {
		char data[300];

		(void)victim_make(pokes[i].name);
		check(snprintf(data, sizeof(data), "%s/journal/data.mdb",
			      pokes[i].name) > 0);
		meta_poke(data, pokes[i].offset, pokes[i].bytes);
		ok(refused(pokes[i].name), "%s", pokes[i].sentence);
	}
}

static void test_in_the_way(void)
{
	struct lmdb_store *store;
	struct err err = {.text = ""};

	file_write("file", STR("x"));
	is_int(lmdb_open(at("file/state"), LMDB_WRITE, &store, &err), -1,
		"a state folder below a file is refused");
	is_int(lmdb_open(at("file"), LMDB_WRITE, &store, &err), -1,
		"a state folder that is a file is refused");
	check(mkdir(at("links"), 0700) == 0);
	check(symlink(at("file"), at("links/lock")) == 0);
	is_int(lmdb_open(at("links"), LMDB_WRITE, &store, &err), -1,
		"a lock that is a symbolic link is refused");
	is_int((intmax_t)file_bytes("file"), 1, "and not written through");
	check(unlink(at("links/lock")) == 0);
	check(mkfifo(at("links/lock"), 0600) == 0);
	is_int(lmdb_open(at("links"), LMDB_WRITE, &store, &err), -1,
		"a lock that is a FIFO is refused");
	ok(strstr(err.text, "not a regular file") != NULL,
		"with a sentence that says so");
	check(mkdir(at("full"), 0700) == 0);
	check(mkdir(at("full/journal.new"), 0700) == 0);
	file_write("full/journal.new/notes.txt", STR("x"));
	is_int(lmdb_open(at("full"), LMDB_WRITE, &store, &err), -1,
		"a folder in the way that holds other files is not removed");
	is_int((intmax_t)file_bytes("full/journal.new/notes.txt"), 1,
		"nor are they");
}

int main(void)
{
	scratch_open(&scratch);
	test_suite();
	test_growth();
	test_large_batch();
	test_modes();
	test_close_on_exec();
	test_read_only();
	test_rubble();
	test_cut();
	test_garbage();
	test_meta();
	test_in_the_way();
	scratch_close(&scratch);
	return tap_done();
}
