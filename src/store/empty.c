/* How: every look-up finds nothing; the cursor is a byte that is not read. */
#include "godwit/store/empty.h"

static int empty_get(void *ctx, unsigned table, struct str key,
	struct buf *value, struct err *err)
{
	(void)ctx;
	(void)table;
	(void)key;
	(void)value;
	(void)err;
	return 0;
}

static struct store_cursor *empty_scan(void *ctx, unsigned table,
	struct str prefix, struct str from, struct err *err)
{
	static char cursor;

	(void)ctx;
	(void)table;
	(void)prefix;
	(void)from;
	(void)err;
	return (struct store_cursor *)(void *)&cursor;
}

static int empty_next(struct store_cursor *cursor, struct str *key_r,
	struct str *value_r, struct err *err)
{
	(void)cursor;
	(void)key_r;
	(void)value_r;
	(void)err;
	return 0;
}

static void empty_scan_end(struct store_cursor **cursor)
{
	*cursor = NULL;
}

static int empty_commit(
	void *ctx, const struct store_batch *batch, struct err *err)
{
	(void)ctx;
	(void)batch;
	(void)err;
	check(!"nothing may be written without a journal");
	return -1;
}

const struct store_port *empty_store_port(void)
{
	static const struct store_port port = {
		.get = empty_get,
		.scan = empty_scan,
		.next = empty_next,
		.scan_end = empty_scan_end,
		.commit = empty_commit,
	};

	return &port;
}
