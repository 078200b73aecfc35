/*
 * How: a read is a read-only transaction of its own; one that is done is kept,
 * reset, for the next, because starting it costs more than a lookup. A batch is
 * one write transaction; when the map is full it is given up, the map doubled,
 * and the batch done again from its start.
 */
#include "store/lmdb_store.h"

#include "store/store_error.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct store_cursor {
	struct lmdb_store *store;
	MDB_txn *txn;
	MDB_cursor *cursor;
	struct buf prefix;
	struct buf from; /* the first key to look for; then empty */
	bool started;
	bool ended;
};

static MDB_val val_of(struct str s)
{
	return (MDB_val){
		.mv_data = (void *)(s.len == 0 ? "" : s.ptr),
		.mv_size = s.len,
	};
}

static struct str str_of_val(const MDB_val *val)
{
	return (struct str){.ptr = val->mv_data, .len = val->mv_size};
}

/* Another process has made the map grow: takes its size over. Only possible
 * while nothing points into the old one. */
static int map_follow(struct lmdb_store *store)
{
	int rc;

	if (store->readers > 0)
		return MDB_MAP_RESIZED;
	rc = mdb_env_set_mapsize(store->env, 0);
	store->broken = rc;
	return rc;
}

static int reader_start(struct lmdb_store *store, MDB_txn **txn_r)
{
	int rc;

	if (store->spare_reader == NULL)
		return mdb_txn_begin(store->env, NULL, MDB_RDONLY, txn_r);
	rc = mdb_txn_renew(store->spare_reader);
	if (rc == 0) {
		*txn_r = store->spare_reader;
		store->spare_reader = NULL;
	}
	return rc;
}

int lmdb_reader_begin(struct lmdb_store *store, MDB_txn **txn_r)
{
	int rc = store->broken;

	if (rc != 0)
		return rc;
	rc = reader_start(store, txn_r);
	if (rc == MDB_MAP_RESIZED) {
		rc = map_follow(store);
		if (rc == 0)
			rc = reader_start(store, txn_r);
	}
	if (rc == 0)
		store->readers++;
	return rc;
}

void lmdb_reader_end(struct lmdb_store *store, MDB_txn **txn)
{
	check(store->readers > 0);
	store->readers--;
	if (store->spare_reader == NULL) {
		mdb_txn_reset(*txn);
		store->spare_reader = *txn;
	} else {
		mdb_txn_abort(*txn);
	}
	*txn = NULL;
}

static int port_get(void *ctx, unsigned table, struct str key,
	struct buf *value, struct err *err)
{
	struct lmdb_store *store = ctx;
	MDB_val k = val_of(key);
	MDB_val v;
	MDB_txn *txn;
	int rc;

	check(table < JOURNAL_TABLES);
	buf_reset(value);
	if (!store->has_table[table])
		return 0;
	rc = lmdb_reader_begin(store, &txn);
	if (rc != 0)
		return store_failed(store->folder, rc, err);
	rc = mdb_get(txn, store->table[table], &k, &v);
	if (rc == 0)
		buf_add(value, str_of_val(&v));
	lmdb_reader_end(store, &txn);
	if (rc != 0 && rc != MDB_NOTFOUND)
		return store_failed(store->folder, rc, err);
	return rc == 0 ? 1 : 0;
}

static void port_scan_end(struct store_cursor **cursor)
{
	struct store_cursor *c = *cursor;

	if (c == NULL)
		return;
	if (c->cursor != NULL)
		mdb_cursor_close(c->cursor);
	if (c->txn != NULL)
		lmdb_reader_end(c->store, &c->txn);
	buf_clear(&c->prefix);
	buf_clear(&c->from);
	free(c);
	*cursor = NULL;
}

static struct store_cursor *port_scan(void *ctx, unsigned table,
	struct str prefix, struct str from, struct err *err)
{
	struct lmdb_store *store = ctx;
	struct store_cursor *c = calloc(1, sizeof(*c));
	int rc;

	check(c != NULL);
	check(table < JOURNAL_TABLES);
	c->store = store;
	c->ended = !store->has_table[table];
	if (c->ended)
		return c;
	buf_add(&c->prefix, prefix);
	buf_add(&c->from, str_cmp(prefix, from) < 0 ? from : prefix);
	rc = lmdb_reader_begin(store, &c->txn);
	if (rc == 0)
		rc = mdb_cursor_open(c->txn, store->table[table], &c->cursor);
	if (rc != 0) {
		(void)store_failed(store->folder, rc, err);
		port_scan_end(&c);
	}
	return c;
}

static int cursor_move(struct store_cursor *c, MDB_val *key, MDB_val *value)
{
	MDB_cursor_op op = MDB_NEXT;

	if (!c->started)
		op = c->from.len > 0 ? MDB_SET_RANGE : MDB_FIRST;
	c->started = true;
	*key = val_of(buf_str(&c->from));
	return mdb_cursor_get(c->cursor, key, value, op);
}

static int port_next(struct store_cursor *c, struct str *key_r,
	struct str *value_r, struct err *err)
{
	MDB_val key;
	MDB_val value;
	int rc = c->ended ? MDB_NOTFOUND : cursor_move(c, &key, &value);

	c->ended =
		rc != 0 || !str_starts(str_of_val(&key), buf_str(&c->prefix));
	if (rc != 0 && rc != MDB_NOTFOUND)
		return store_failed(c->store->folder, rc, err);
	if (c->ended)
		return 0;
	*key_r = str_of_val(&key);
	*value_r = str_of_val(&value);
	return 1;
}

static int op_apply(
	struct lmdb_store *store, MDB_txn *txn, const struct store_op *op)
{
	MDB_val key = val_of(op->key);
	MDB_val value = val_of(op->value);
	int rc;

	check(op->table < JOURNAL_TABLES);
	if (!op->is_delete)
		return mdb_put(txn, store->table[op->table], &key, &value, 0);
	rc = mdb_del(txn, store->table[op->table], &key, NULL);
	return rc == MDB_NOTFOUND ? 0 : rc;
}

static int batch_apply(
	struct lmdb_store *store, const struct store_batch *batch)
{
	struct store_op op;
	size_t at = 0;
	MDB_txn *txn;
	int rc = mdb_txn_begin(store->env, NULL, 0, &txn);

	if (rc != 0)
		return rc;
	while (rc == 0 && store_batch_next(batch, &at, &op))
		rc = op_apply(store, txn, &op);
	if (rc == 0)
		return mdb_txn_commit(txn);
	mdb_txn_abort(txn);
	return rc;
}

int lmdb_extend(MDB_env *env, size_t map_bytes)
{
	struct stat st;
	mdb_filehandle_t fd;
	int rc = mdb_env_get_fd(env, &fd);

	if (rc != 0)
		return rc;
	if (fstat(fd, &st) != 0)
		return errno;
	if ((uintmax_t)st.st_size >= map_bytes)
		return 0;
	return ftruncate(fd, (off_t)map_bytes) == 0 ? 0 : errno;
}

static int map_double(struct lmdb_store *store)
{
	int rc;

	check(store->readers == 0);
	if (store->map_bytes > SIZE_MAX / 8)
		return EFBIG;
	rc = lmdb_extend(store->env, 2 * store->map_bytes);
	if (rc != 0)
		return rc;
	rc = mdb_env_set_mapsize(store->env, 2 * store->map_bytes);
	if (rc == 0)
		store->map_bytes *= 2;
	/* The old map is gone, and there is no new one. */
	store->broken = rc;
	return rc;
}

static int port_commit(
	void *ctx, const struct store_batch *batch, struct err *err)
{
	struct lmdb_store *store = ctx;
	int rc = store->broken;

	check(!store->read_only);
	if (rc == 0)
		rc = batch_apply(store, batch);
	while (rc == MDB_MAP_FULL) {
		rc = map_double(store);
		if (rc == 0)
			rc = batch_apply(store, batch);
	}
	return rc == 0 ? 0 : store_failed(store->folder, rc, err);
}

void lmdb_port_init(struct lmdb_store *store)
{
	store->port = (struct store_port){
		.ctx = store,
		.get = port_get,
		.scan = port_scan,
		.next = port_next,
		.scan_end = port_scan_end,
		.commit = port_commit,
	};
}

const struct store_port *lmdb_port(struct lmdb_store *store)
{
	return &store->port;
}
