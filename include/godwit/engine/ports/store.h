/*
 * Port: the journal's store, ordered tables of byte strings.
 *
 * A read sees one consistent state; a batch is applied whole or not at all,
 * and is durable when commit returns. What the keys and values mean is for
 * sync/record.h; this port knows bytes only.
 */
#ifndef GODWIT_ENGINE_PORTS_STORE_H
#define GODWIT_ENGINE_PORTS_STORE_H

#include "godwit/base/bytes.h"
#include "godwit/base/err.h"

#include <stdbool.h>
#include <stdint.h>

/* Tables are numbered from 0; sync/record.h names them. */
enum {
	STORE_TABLES_MAX = 16,
	STORE_KEY_BYTES_MAX = 511,
};

struct store_cursor; /* the implementation's own */

/*
 * Changes to be made together. All zeroes is an empty batch. Later changes of
 * one key win over earlier ones.
 */
struct store_batch {
	struct buf ops; /* store_batch_next() reads it */
	size_t count;
};

struct store_op {
	unsigned table;
	bool is_delete;
	struct str key;
	struct str value; /* empty for a delete */
};

void store_batch_put(struct store_batch *batch, unsigned table, struct str key,
	struct str value);
void store_batch_delete(
	struct store_batch *batch, unsigned table, struct str key);

/* Adds all ops of `more`, behind those of `batch`. */
void store_batch_append(
	struct store_batch *batch, const struct store_batch *more);

/* The op at *at (start with 0), advancing it; false after the last. */
bool store_batch_next(
	const struct store_batch *batch, size_t *at, struct store_op *op_r);

/* Empties, keeps the memory. */
void store_batch_reset(struct store_batch *batch);
void store_batch_clear(struct store_batch *batch);

struct store_port {
	void *ctx;

	/* 1: found, *value holds it; 0: not there; -1: err (ERR_DISK). */
	int (*get)(void *ctx, unsigned table, struct str key, struct buf *value,
		struct err *err);

	/*
	 * Walks the keys that start with `prefix`, from the first that is not
	 * below `from` (empty: from the front), in byte order, over the state
	 * of this moment. NULL and err on failure. Keep cursors short-lived:
	 * one that is open while the engine waits keeps old pages alive.
	 */
	struct store_cursor *(*scan)(void *ctx, unsigned table,
		struct str prefix, struct str from, struct err *err);

	/* 1: key and value, borrowed until the next call; 0: end; -1: err. */
	int (*next)(struct store_cursor *cursor, struct str *key_r,
		struct str *value_r, struct err *err);
	void (*scan_end)(struct store_cursor **cursor);

	/* Applies the batch, whole and durably. -1: nothing was applied. */
	int (*commit)(
		void *ctx, const struct store_batch *batch, struct err *err);
};

#endif
