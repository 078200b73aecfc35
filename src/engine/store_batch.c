/*
 * How: the ops stand one behind the other in a buf: a head (table, kind, two
 * lengths, in host order: it never leaves the process), the key, the value.
 */
#include "godwit/engine/ports/store.h"

#include <string.h>

struct op_head {
	uint32_t table;
	uint32_t is_delete;
	uint32_t key_bytes;
	uint32_t value_bytes;
};

static void batch_add(struct store_batch *batch, struct op_head head,
	struct str key, struct str value)
{
	check(head.table < STORE_TABLES_MAX);
	check(key.len > 0 && key.len <= STORE_KEY_BYTES_MAX);
	check(value.len <= UINT32_MAX);
	head.key_bytes = (uint32_t)key.len;
	head.value_bytes = (uint32_t)value.len;
	buf_add(&batch->ops,
		(struct str){.ptr = (const char *)&head, .len = sizeof(head)});
	buf_add(&batch->ops, key);
	buf_add(&batch->ops, value);
	batch->count++;
}

void store_batch_put(struct store_batch *batch, unsigned table, struct str key,
	struct str value)
{
	batch_add(batch, (struct op_head){.table = table}, key, value);
}

void store_batch_delete(
	struct store_batch *batch, unsigned table, struct str key)
{
	batch_add(batch, (struct op_head){.table = table, .is_delete = 1}, key,
		(struct str){0});
}

void store_batch_append(
	struct store_batch *batch, const struct store_batch *more)
{
	buf_add(&batch->ops, buf_str(&more->ops));
	batch->count += more->count;
}

bool store_batch_next(
	const struct store_batch *batch, size_t *at, struct store_op *op_r)
{
	struct str rest = str_sub(buf_str(&batch->ops), *at, SIZE_MAX);
	struct op_head head;

	if (rest.len == 0)
		return false;
	check(rest.len >= sizeof(head));
	memcpy(&head, rest.ptr, sizeof(head));
	op_r->table = head.table;
	op_r->is_delete = head.is_delete != 0;
	op_r->key = str_sub(rest, sizeof(head), head.key_bytes);
	op_r->value =
		str_sub(rest, sizeof(head) + head.key_bytes, head.value_bytes);
	*at += sizeof(head) + head.key_bytes + head.value_bytes;
	return true;
}

void store_batch_reset(struct store_batch *batch)
{
	buf_reset(&batch->ops);
	batch->count = 0;
}

void store_batch_clear(struct store_batch *batch)
{
	buf_clear(&batch->ops);
	batch->count = 0;
}
