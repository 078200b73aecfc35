/* store/lmdb: several processes at one journal, and processes that are killed.
 */
#include "godwit/base/err.h"
#include "godwit/store/lmdb.h"
#include "godwit/sync/record.h"
#include "scratch.h"
#include "tap.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	COMMITS = 60,
	KILLS = 20,
	LARGE = 4 << 20,
};

/* Another process, and what it says and is told, a number at a time. */
struct child {
	pid_t pid;
	int from;
	int to;
};

/* In the child: its end of both pipes. */
struct parent {
	int from;
	int to;
};

static void say(int fd, uint32_t number)
{
	check(write(fd, &number, sizeof(number)) == sizeof(number));
}

/* The next number; 0 when the other side is gone. */
static uint32_t hear(int fd)
{
	uint32_t number = 0;

	return read(fd, &number, sizeof(number)) == sizeof(number) ? number : 0;
}

static struct child child_start(
	void (*play)(const char *path, struct parent parent), const char *path)
{
	struct child child;
	int down[2];
	int up[2];

	check(pipe(down) == 0 && pipe(up) == 0);
	child.pid = fork();
	check(child.pid >= 0);
	if (child.pid == 0) {
		(void)close(down[1]);
		(void)close(up[0]);
		play(path, (struct parent){.from = down[0], .to = up[1]});
		_exit(0);
	}
	(void)close(down[0]);
	(void)close(up[1]);
	child.from = up[0];
	child.to = down[1];
	return child;
}

/* Waits until it is gone; returns how. */
static int child_end(struct child *child)
{
	int status;

	(void)close(child->from);
	(void)close(child->to);
	check(waitpid(child->pid, &status, 0) == child->pid);
	return status;
}

static struct scratch scratch;

static void state_path(char path[4200], const char *name)
{
	check(snprintf(path, 4200, "%s", scratch_path(&scratch, name)) < 4200);
}

static struct lmdb_store *open_to(const char *path, enum lmdb_mode mode)
{
	struct lmdb_store *store;
	struct err err = {.text = ""};

	if (lmdb_open(path, mode, &store, &err) != 1) {
		tap_note("%s", err.text);
		check(!"the store opens");
	}
	return store;
}

/* The keys that are always written together, in all tables. */
static const char keys[] = "abcdefghijklmnopqrstuvwxyz";

/* All keys with one value, made of the number, `bytes` long. */
static void put_all(struct lmdb_store *store, uint32_t number, size_t bytes)
{
	const struct store_port *port = lmdb_port(store);
	struct store_batch batch = {0};
	struct buf value = {0};
	struct err err;

	number_encode(number, &value);
	memset(buf_reserve(&value, bytes), 'x', bytes);
	buf_commit(&value, bytes);
	for (const char *key = keys; *key != '\0'; key++)
		store_batch_put(&batch, (unsigned)*key % JOURNAL_TABLES,
			(struct str){.ptr = key, .len = 1}, buf_str(&value));
	check(port->commit(port->ctx, &batch, &err) == 0);
	store_batch_clear(&batch);
	buf_clear(&value);
}

/* The number of a key; 0: not there, or unreadable. */
static uint32_t number_at(struct lmdb_store *store, char key)
{
	const struct store_port *port = lmdb_port(store);
	struct buf value = {0};
	uint32_t number = 0;
	struct err err;

	if (port->get(port->ctx, (unsigned)key % JOURNAL_TABLES,
		    (struct str){.ptr = &key, .len = 1}, &value, &err) == 1)
		(void)number_decode(str_sub(buf_str(&value), 0, 4), &number);
	buf_clear(&value);
	return number;
}

static void play_holder(const char *path, struct parent parent)
{
	struct lmdb_store *store = open_to(path, LMDB_WRITE);

	say(parent.to, 1);
	(void)hear(parent.from);
	lmdb_close(&store);
}

static bool is_locked(const char *path, pid_t holder)
{
	struct lmdb_store *store;
	struct err err = {.text = ""};
	char pid[32];
	int rc = lmdb_open(path, LMDB_WRITE, &store, &err);

	lmdb_close(&store);
	check(snprintf(pid, sizeof(pid), "(pid %ld)", (long)holder) > 0);
	if (rc == -1 && err.cause == ERR_LOCKED && err.retry == ERR_LATER &&
		strstr(err.text, pid) != NULL)
		return true;
	tap_note("%d: %s", rc, err.text);
	return false;
}

static void test_lock(void)
{
	char path[4200];
	struct child holder;
	struct lmdb_store *store;

	state_path(path, "lock");
	holder = child_start(play_holder, path);
	(void)hear(holder.from);
	ok(is_locked(path, holder.pid),
		"a second writer is refused, and told the holder's pid");
	store = open_to(path, LMDB_READ_ONLY);
	ok(store != NULL, "a reader is not");
	lmdb_close(&store);
	check(kill(holder.pid, SIGKILL) == 0);
	(void)child_end(&holder);
	store = open_to(path, LMDB_WRITE);
	ok(store != NULL, "after kill -9 of the holder the lock is free");
	lmdb_close(&store);
	holder = child_start(play_holder, path);
	(void)hear(holder.from);
	ok(is_locked(path, holder.pid), "and the next holder's pid is told");
	say(holder.to, 1);
	is_int(child_end(&holder), 0, "a holder can end by itself");
	store = open_to(path, LMDB_WRITE);
	ok(store != NULL, "then the lock is free");
	lmdb_close(&store);
}

/* The lock is held, but by this process, which is not told of itself. */
static void test_lock_without_pid(void)
{
	char path[4200];
	struct lmdb_store *store;
	struct lmdb_store *other;
	struct err err = {.text = ""};

	state_path(path, "anonymous");
	store = open_to(path, LMDB_WRITE);
	is_int(lmdb_open(path, LMDB_WRITE, &other, &err), -1,
		"a lock is a lock also where nobody can tell whose it is");
	ok(err.cause == ERR_LOCKED && strstr(err.text, "pid") == NULL,
		"no pid is made up then");
	lmdb_close(&store);
}

static struct stat stat_of(const char *file)
{
	struct stat st;

	check(stat(file, &st) == 0);
	return st;
}

static bool is_later(struct timespec a, struct timespec b)
{
	return a.tv_sec > b.tv_sec ||
	       (a.tv_sec == b.tv_sec && a.tv_nsec > b.tv_nsec);
}

/* Until what is changed gets another stamp than this. */
static void pass_stamp(const char *path, struct timespec stamp)
{
	char file[4300];

	check(snprintf(file, sizeof(file), "%s/probe", path) > 0);
	do {
		int fd = creat(file, 0600);

		check(fd >= 0 && fchmod(fd, 0600) == 0 && close(fd) == 0);
	} while (!is_later(stat_of(file).st_ctim, stamp));
}

static void test_lock_unwritten(void)
{
	char path[4200];
	char file[4300];
	struct stat before;
	struct lmdb_store *store;

	state_path(path, "unwritten");
	store = open_to(path, LMDB_WRITE);
	lmdb_close(&store);
	check(snprintf(file, sizeof(file), "%s/lock", path) > 0);
	before = stat_of(file);
	pass_stamp(path, before.st_ctim);
	store = open_to(path, LMDB_WRITE);
	lmdb_close(&store);
	ok(stat_of(file).st_size == 0 &&
			!is_later(stat_of(file).st_ctim, before.st_ctim),
		"to take the lock writes nothing");
}

static void play_writer(const char *path, struct parent parent)
{
	struct lmdb_store *store = open_to(path, LMDB_WRITE);

	put_all(store, 1, 10);
	say(parent.to, 1);
	for (uint32_t i = 2; i <= COMMITS; i++)
		put_all(store, i, (size_t)100 * i);
	say(parent.to, 1);
	lmdb_close(&store);
}

static bool walk_is_even(struct lmdb_store *store, unsigned table)
{
	const struct store_port *port = lmdb_port(store);
	struct store_cursor *cursor;
	uint32_t first = 0;
	bool even = true;
	struct str key;
	struct str value;
	struct err err;

	cursor = port->scan(port->ctx, table, STR(""), STR(""), &err);
	check(cursor != NULL);
	while (port->next(cursor, &key, &value, &err) == 1) {
		uint32_t number = 0;

		(void)number_decode(str_sub(value, 0, 4), &number);
		if (first == 0)
			first = number;
		even = even && number == first;
	}
	port->scan_end(&cursor);
	return even && first > 0;
}

static void test_reader(void)
{
	char path[4200];
	struct child writer;
	struct lmdb_store *store;
	uint32_t last = 0;
	int uneven = 0;
	int back = 0;

	state_path(path, "reader");
	writer = child_start(play_writer, path);
	(void)hear(writer.from);
	store = open_to(path, LMDB_READ_ONLY);
	while (last < COMMITS) {
		uint32_t now = number_at(store, 'a');

		back += now < last;
		last = now;
		uneven += !walk_is_even(store, 'b' % JOURNAL_TABLES);
	}
	is_int(back, 0, "a reader sees one commit after the other");
	is_int(uneven, 0, "and each walk one state, while it is written to");
	(void)hear(writer.from);
	lmdb_close(&store);
	is_int(child_end(&writer), 0, "the writer is not held up");
}

static void play_grower(const char *path, struct parent parent)
{
	struct lmdb_store *store = open_to(path, LMDB_WRITE);

	put_all(store, 1, 10);
	say(parent.to, 1);
	(void)hear(parent.from);
	put_all(store, 2, LARGE);
	say(parent.to, 1);
	(void)hear(parent.from);
	lmdb_close(&store);
}

static void test_reader_of_growing(void)
{
	char path[4200];
	struct child writer;
	struct lmdb_store *store;
	struct store_cursor *cursor;
	const struct store_port *port;
	struct buf value = {0};
	struct err err = {.text = ""};
	struct str key;

	state_path(path, "growing");
	writer = child_start(play_grower, path);
	(void)hear(writer.from);
	store = open_to(path, LMDB_READ_ONLY);
	port = lmdb_port(store);
	cursor = port->scan(
		port->ctx, 'a' % JOURNAL_TABLES, STR("a"), STR(""), &err);
	say(writer.to, 1);
	(void)hear(writer.from);
	is_int(port->get(
		       port->ctx, 'a' % JOURNAL_TABLES, STR("a"), &value, &err),
		-1,
		"a reader that walks cannot follow a map that outgrew its "
		"own");
	ok(err.retry == ERR_LATER && strstr(err.text, "again") != NULL,
		"it says to try again");
	is_int(port->next(cursor, &key, &key, &err), 1,
		"its walk goes on in the state that it began in");
	port->scan_end(&cursor);
	is_int(number_at(store, 'a'), 2, "after the walk it follows");
	say(writer.to, 1);
	is_int(child_end(&writer), 0, "the writer saw nothing of it");
	lmdb_close(&store);
	buf_clear(&value);
}

static void play_victim(const char *path, struct parent parent)
{
	struct lmdb_store *store = open_to(path, LMDB_WRITE);
	uint32_t number = number_at(store, 'a');

	for (;;) {
		number++;
		say(parent.to, number);
		put_all(store, number, 1000);
	}
}

/* Kills a writer when it has begun so many commits; whether all that is found
 * is its last commit, or the one before, whole. */
static bool survives(const char *path, unsigned commits)
{
	struct child victim = child_start(play_victim, path);
	struct lmdb_store *store;
	uint32_t begun = 0;
	uint32_t next;
	bool good;

	for (unsigned i = 0; i < commits; i++)
		begun = hear(victim.from);
	check(kill(victim.pid, SIGKILL) == 0);
	while ((next = hear(victim.from)) != 0)
		begun = next;
	(void)child_end(&victim);
	store = open_to(path, LMDB_WRITE);
	next = number_at(store, 'a');
	good = next == begun || next == begun - 1;
	for (const char *key = keys; *key != '\0'; key++)
		good = good && number_at(store, *key) == next;
	lmdb_close(&store);
	return good;
}

static void test_kill(void)
{
	char path[4200];
	int torn = 0;

	state_path(path, "kill");
	for (unsigned i = 1; i <= KILLS; i++)
		torn += !survives(path, i);
	is_int(torn, 0,
		"kill -9 leaves the state before a commit or the one after it");
}

/* As an ordinary user, who may read but not write. */
static void play_stranger(const char *path, struct parent parent)
{
	struct lmdb_store *store;
	struct err err = {.text = ""};
	int rc;

	if (geteuid() == 0)
		check(setgid(65534) == 0 && setuid(65534) == 0);
	rc = lmdb_open(path, LMDB_READ_ONLY, &store, &err);
	say(parent.to,
		rc == -1 && err.cause == ERR_DISK &&
				strstr(err.text, "permission denied") != NULL
			? 1
			: 2);
	rc = lmdb_open(path, LMDB_WRITE, &store, &err);
	say(parent.to, rc == -1 && strstr(err.text, "permission denied") != NULL
			       ? 1
			       : 2);
}

static void test_permission(void)
{
	char path[4200];
	char file[4300];
	struct child stranger;
	struct lmdb_store *store;
	static const char *const inside[] = {
		"journal/data.mdb", "journal/lock.mdb", "lock"};

	state_path(path, "stranger");
	store = open_to(path, LMDB_WRITE);
	lmdb_close(&store);
	for (size_t i = 0; i < 3; i++) {
		check(snprintf(file, sizeof(file), "%s/%s", path, inside[i]) >
			0);
		check(chmod(file, 0444) == 0);
	}
	check(snprintf(file, sizeof(file), "%s/journal", path) > 0);
	check(chmod(file, 0555) == 0 && chmod(path, 0555) == 0);
	check(chmod(scratch.path, 0755) == 0);
	stranger = child_start(play_stranger, path);
	is_int(hear(stranger.from), 1,
		"who may not write lock.mdb cannot even read, and is told");
	is_int(hear(stranger.from), 1, "nor write");
	is_int(child_end(&stranger), 0, "and nothing worse comes of it");
	check(chmod(file, 0755) == 0 && chmod(path, 0755) == 0);
}

int main(void)
{
	scratch_open(&scratch);
	test_lock();
	test_lock_without_pid();
	test_lock_unwritten();
	test_reader();
	test_reader_of_growing();
	test_kill();
	test_permission();
	scratch_close(&scratch);
	return tap_done();
}
