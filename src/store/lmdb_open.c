/*
 * How: a new environment is made whole in `journal.new` and renamed, so that a
 * power cut leaves either none or one that opens. What LMDB would map without
 * looking (data.mdb's length, a hole in lock.mdb on a full disk) is seen to
 * before it is handed over: a bad page there would be a signal, not an error.
 */
#include "store/lmdb_store.h"

#include "store/lmdb_header.h"
#include "store/state_folder.h"
#include "store/store_error.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	/* A new map; each growth doubles it. */
	MAP_BYTES_FIRST = 1 << 20,

	/* A reader maps more than there is, so that a writer can grow without
	 * its noticing. It costs addresses, not memory. */
	MAP_BYTES_READER = 64 << 20,

	/* LMDB's own page with the readers: 126 of 64 bytes. */
	LOCK_FILE_BYTES = 16 << 10,
};

static char *path_join(const char *folder, const char *name)
{
	size_t bytes = strlen(folder) + strlen(name) + 2;
	char *path = malloc(bytes);

	check(path != NULL);
	check(snprintf(path, bytes, "%s/%s", folder, name) > 0);
	return path;
}

/* Whether the file has its blocks already. */
static bool is_reserved(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_size >= LOCK_FILE_BYTES &&
	       st.st_blocks >= LOCK_FILE_BYTES / 512;
}

/*
 * Gives lock.mdb its blocks before LMDB writes to it through a map. A reader
 * that may not write leaves it to LMDB, which says what it cannot do.
 */
static int lock_file_reserve(const char *folder, bool read_only)
{
	const int flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
	char *file = path_join(folder, "lock.mdb");
	int fd = open(file, flags, 0600);
	int rc = fd < 0 ? errno : 0;

	if (rc == 0 && !is_reserved(fd))
		rc = posix_fallocate(fd, 0, LOCK_FILE_BYTES);
	if (fd >= 0)
		(void)close(fd);
	free(file);
	if (rc == EINVAL || rc == EOPNOTSUPP)
		return 0;
	return read_only && rc != ENOSPC ? 0 : rc;
}

/* LMDB leaves its main descriptor to the commands that we run. */
static int close_on_exec(MDB_env *env)
{
	mdb_filehandle_t fd;
	int rc = mdb_env_get_fd(env, &fd);

	if (rc != 0)
		return rc;
	return fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 ? 0 : errno;
}

static int env_open(
	const char *folder, size_t map_bytes, unsigned flags, MDB_env **env_r)
{
	int rc = mdb_env_create(env_r);

	check(rc == 0);
	rc = mdb_env_set_maxdbs(*env_r, JOURNAL_TABLES);
	if (rc == 0)
		rc = mdb_env_set_mapsize(*env_r, map_bytes);
	if (rc == 0)
		rc = mdb_env_open(*env_r, folder, MDB_NOTLS | flags, 0600);
	if (rc == 0)
		rc = close_on_exec(*env_r);
	if (rc != 0) {
		mdb_env_close(*env_r);
		*env_r = NULL;
	}
	return rc;
}

/* Makes the tables that are not there yet. */
static int tables_make(MDB_env *env)
{
	MDB_txn *txn;
	MDB_dbi table;
	int rc = mdb_txn_begin(env, NULL, 0, &txn);

	if (rc != 0)
		return rc;
	for (unsigned i = 0; rc == 0 && i < JOURNAL_TABLES; i++)
		rc = mdb_dbi_open(
			txn, journal_table_name(i), MDB_CREATE, &table);
	if (rc == 0)
		return mdb_txn_commit(txn);
	mdb_txn_abort(txn);
	return rc;
}

/* Opens the tables that are there; *all_r: whether none is missing. */
static int tables_open(struct lmdb_store *store, bool *all_r)
{
	MDB_txn *txn;
	int rc = mdb_txn_begin(store->env, NULL, MDB_RDONLY, &txn);

	if (rc != 0)
		return rc;
	*all_r = true;
	for (unsigned i = 0; rc == 0 && i < JOURNAL_TABLES; i++) {
		rc = mdb_dbi_open(
			txn, journal_table_name(i), 0, &store->table[i]);
		store->has_table[i] = rc == 0;
		if (rc == MDB_NOTFOUND) {
			*all_r = false;
			rc = 0;
		}
	}
	/* Handles outlive only a transaction that commits. */
	if (rc == 0)
		return mdb_txn_commit(txn);
	mdb_txn_abort(txn);
	return rc;
}

static int gone(int rc)
{
	return rc == 0 || errno == ENOENT ? 0 : errno;
}

/* Removes an environment that never came to life. */
static int env_remove(const char *folder)
{
	char *data = path_join(folder, "data.mdb");
	char *lock = path_join(folder, "lock.mdb");
	int rc = gone(unlink(data));

	if (rc == 0)
		rc = gone(unlink(lock));
	if (rc == 0)
		rc = gone(rmdir(folder));
	free(data);
	free(lock);
	return rc;
}

static int env_fill(const char *folder)
{
	MDB_env *env;
	int rc;

	if (mkdir(folder, 0700) != 0)
		return errno;
	rc = lock_file_reserve(folder, false);
	if (rc == 0)
		rc = env_open(folder, MAP_BYTES_FIRST, 0, &env);
	if (rc != 0)
		return rc;
	rc = lmdb_extend(env, MAP_BYTES_FIRST);
	if (rc == 0)
		rc = tables_make(env);
	mdb_env_close(env);
	return rc;
}

/* Makes the environment `folder` in the state folder `path`. */
static int env_make(const char *path, const char *folder, struct err *err)
{
	char *fresh = path_join(path, "journal.new");
	int rc = env_remove(fresh);

	if (rc == 0)
		rc = env_remove(folder);
	if (rc == 0)
		rc = env_fill(fresh);
	if (rc != 0) {
		rc = store_failed(fresh, rc, err);
		goto out;
	}
	rc = state_folder_sync(fresh, err);
	if (rc != 0)
		goto out;
	if (rename(fresh, folder) != 0)
		rc = store_failed(folder, errno, err);
	else
		rc = state_folder_sync(path, err);
out:
	free(fresh);
	return rc;
}

static int open_to_write(struct lmdb_store *store, size_t file_bytes)
{
	int dead;
	bool all;
	int rc;

	store->map_bytes = MAP_BYTES_FIRST;
	while (store->map_bytes < file_bytes)
		store->map_bytes *= 2;
	rc = lock_file_reserve(store->folder, false);
	if (rc == 0)
		rc = env_open(store->folder, store->map_bytes, MDB_NORDAHEAD,
			&store->env);
	if (rc == 0)
		rc = lmdb_extend(store->env, store->map_bytes);
	/* Readers that were killed would keep old pages alive. */
	if (rc == 0)
		rc = mdb_reader_check(store->env, &dead);
	if (rc == 0)
		rc = tables_open(store, &all);
	if (rc == 0 && !all) {
		rc = tables_make(store->env);
		if (rc == 0)
			rc = tables_open(store, &all);
	}
	return rc;
}

static int open_to_read(struct lmdb_store *store, size_t file_bytes)
{
	bool all;
	int rc = lock_file_reserve(store->folder, true);

	if (rc == 0)
		rc = env_open(store->folder, 2 * file_bytes + MAP_BYTES_READER,
			MDB_NORDAHEAD | MDB_RDONLY, &store->env);
	return rc == 0 ? tables_open(store, &all) : rc;
}

/* 1: open; 0: there is nothing to read; -1: err. */
static int store_open(
	struct lmdb_store *store, const char *path, struct err *err)
{
	char *data = path_join(store->folder, "data.mdb");
	size_t file_bytes = 0;
	int found = lmdb_header_check(data, &file_bytes, err);
	int rc;

	if (found == 0 && !store->read_only) {
		found = env_make(path, store->folder, err);
		if (found == 0)
			found = lmdb_header_check(data, &file_bytes, err);
		if (found == 0)
			found = store_damaged(data, "it is empty", err);
	}
	free(data);
	if (found <= 0)
		return found;
	rc = store->read_only ? open_to_read(store, file_bytes)
			      : open_to_write(store, file_bytes);
	return rc == 0 ? 1 : store_failed(store->folder, rc, err);
}

int lmdb_open(const char *path, enum lmdb_mode mode,
	struct lmdb_store **store_r, struct err *err)
{
	struct lmdb_store *store = calloc(1, sizeof(*store));
	int found = 0;

	check(store != NULL);
	store->folder = path_join(path, "journal");
	store->read_only = mode == LMDB_READ_ONLY;
	store->lock_fd = -1;
	lmdb_port_init(store);
	if (!store->read_only) {
		found = state_folder_make(path, err);
		if (found == 0)
			found = state_lock_take(path, &store->lock_fd, err);
	}
	if (found == 0)
		found = store_open(store, path, err);
	if (found <= 0)
		lmdb_close(&store);
	*store_r = store;
	return found;
}

void lmdb_close(struct lmdb_store **store)
{
	struct lmdb_store *s = *store;

	if (s == NULL)
		return;
	check(s->readers == 0);
	if (s->spare_reader != NULL)
		mdb_txn_abort(s->spare_reader);
	if (s->env != NULL)
		mdb_env_close(s->env);
	state_lock_release(&s->lock_fd);
	free(s->folder);
	free(s);
	*store = NULL;
}
