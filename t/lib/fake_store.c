/*
 * How: a table is an array of records sorted by key; a cursor is a copy of the
 * records that it will give, one behind the other.
 */
#include "fake_store.h"

#include "godwit/base/arena.h"

#include <stdlib.h>

struct record {
	struct buf key;
	struct buf value;
};

struct table {
	struct record *records;
	size_t count;
	size_t cap;
};

struct fake_store {
	struct store_port port;
	struct fate *fate;
	struct table tables[STORE_TABLES_MAX];
	size_t cursors;
	uint64_t commits;
};

struct store_cursor {
	struct fake_store *store;
	struct table copy;
	size_t at;
};

/* Where the key stands or would stand. */
static size_t record_index(
	const struct table *table, struct str key, bool *found_r)
{
	size_t low = 0;
	size_t high = table->count;

	*found_r = false;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = str_cmp(buf_str(&table->records[middle].key), key);

		*found_r = *found_r || order == 0;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct record *record_insert(struct table *table, size_t at)
{
	table->records = array_grow(table->records, &table->cap,
		table->count + 1, sizeof(*table->records));
	for (size_t i = table->count++; i > at; i--)
		table->records[i] = table->records[i - 1];
	table->records[at] = (struct record){0};
	return &table->records[at];
}

static void record_delete(struct table *table, size_t at)
{
	buf_clear(&table->records[at].key);
	buf_clear(&table->records[at].value);
	table->count--;
	for (size_t i = at; i < table->count; i++)
		table->records[i] = table->records[i + 1];
}

static void table_clear(struct table *table)
{
	while (table->count > 0)
		record_delete(table, table->count - 1);
	free(table->records);
	*table = (struct table){0};
}

static void op_apply(struct fake_store *store, const struct store_op *op)
{
	struct table *table = &store->tables[op->table];
	bool found;
	size_t at = record_index(table, op->key, &found);

	if (op->is_delete) {
		if (found)
			record_delete(table, at);
		return;
	}
	if (!found)
		buf_add(&record_insert(table, at)->key, op->key);
	buf_reset(&table->records[at].value);
	buf_add(&table->records[at].value, op->value);
}

/* Begins a call: 0, or -1 and err. */
static int store_call(
	struct fake_store *store, const char *call, struct err *err)
{
	switch (fate_call(store->fate, call)) {
	case FATE_GO:
		return 0;
	case FATE_FAIL:
		return err_set(err, ERR_ACCOUNT, ERR_LATER, ERR_DISK,
			"cannot use the journal: the disk reports an error");
	case FATE_DEAD:
		break;
	}
	return fate_dead(err);
}

static int fake_get(void *ctx, unsigned table, struct str key,
	struct buf *value, struct err *err)
{
	struct fake_store *store = ctx;
	bool found;
	size_t at;

	check(table < STORE_TABLES_MAX);
	if (store_call(store, "store.get", err) != 0)
		return -1;
	at = record_index(&store->tables[table], key, &found);
	if (!found)
		return 0;
	buf_reset(value);
	buf_add(value, buf_str(&store->tables[table].records[at].value));
	return 1;
}

static struct store_cursor *fake_scan(void *ctx, unsigned table,
	struct str prefix, struct str from, struct err *err)
{
	struct fake_store *store = ctx;
	const struct table *all = &store->tables[table];
	struct store_cursor *cursor;
	bool found;

	check(table < STORE_TABLES_MAX);
	if (store_call(store, "store.scan", err) != 0)
		return NULL;
	cursor = calloc(1, sizeof(*cursor));
	check(cursor != NULL);
	cursor->store = store;
	store->cursors++;
	if (str_cmp(from, prefix) < 0)
		from = prefix;
	for (size_t at = record_index(all, from, &found);
		at < all->count &&
		str_starts(buf_str(&all->records[at].key), prefix);
		at++) {
		struct record *copy =
			record_insert(&cursor->copy, cursor->copy.count);

		buf_add(&copy->key, buf_str(&all->records[at].key));
		buf_add(&copy->value, buf_str(&all->records[at].value));
	}
	return cursor;
}

static int fake_next(struct store_cursor *cursor, struct str *key_r,
	struct str *value_r, struct err *err)
{
	if (store_call(cursor->store, "store.next", err) != 0)
		return -1;
	if (cursor->at == cursor->copy.count)
		return 0;
	*key_r = buf_str(&cursor->copy.records[cursor->at].key);
	*value_r = buf_str(&cursor->copy.records[cursor->at].value);
	cursor->at++;
	return 1;
}

static void fake_scan_end(struct store_cursor **cursor)
{
	if (*cursor == NULL)
		return;
	(*cursor)->store->cursors--;
	table_clear(&(*cursor)->copy);
	free(*cursor);
	*cursor = NULL;
}

static int fake_commit(
	void *ctx, const struct store_batch *batch, struct err *err)
{
	struct fake_store *store = ctx;
	struct store_op op;
	size_t at = 0;

	if (store_call(store, "store.commit", err) != 0)
		return -1;
	if (batch->count == 0)
		return 0;
	if (!fate_step(store->fate))
		return fate_dead(err);
	while (store_batch_next(batch, &at, &op))
		op_apply(store, &op);
	store->commits++;
	return 0;
}

struct fake_store *fake_store_new(struct fate *fate)
{
	struct fake_store *store = calloc(1, sizeof(*store));

	check(store != NULL);
	store->fate = fate;
	store->port = (struct store_port){
		.ctx = store,
		.get = fake_get,
		.scan = fake_scan,
		.next = fake_next,
		.scan_end = fake_scan_end,
		.commit = fake_commit,
	};
	return store;
}

const struct store_port *fake_store_port(struct fake_store *store)
{
	return &store->port;
}

void fake_store_free(struct fake_store **store)
{
	if (*store == NULL)
		return;
	check((*store)->cursors == 0);
	fake_store_wipe(*store);
	free(*store);
	*store = NULL;
}

size_t fake_store_cursors(const struct fake_store *store)
{
	return store->cursors;
}

uint64_t fake_store_commits(const struct fake_store *store)
{
	return store->commits;
}

void fake_store_wipe(struct fake_store *store)
{
	for (size_t i = 0; i < STORE_TABLES_MAX; i++)
		table_clear(&store->tables[i]);
}

static void dump_bytes(struct str bytes, struct buf *lines)
{
	for (size_t i = 0; i < bytes.len; i++) {
		unsigned char c = (unsigned char)bytes.ptr[i];

		if (c < 0x20 || c >= 0x7f || c == '\\')
			buf_addf(lines, "\\x%02x", c);
		else
			buf_addc(lines, (char)c);
	}
}

void fake_store_dump(const struct fake_store *store, struct buf *lines)
{
	for (size_t i = 0; i < STORE_TABLES_MAX; i++) {
		const struct table *table = &store->tables[i];

		for (size_t k = 0; k < table->count; k++) {
			buf_addf(lines, "%zu ", i);
			dump_bytes(buf_str(&table->records[k].key), lines);
			buf_addz(lines, " = ");
			dump_bytes(buf_str(&table->records[k].value), lines);
			buf_addc(lines, '\n');
		}
	}
}
