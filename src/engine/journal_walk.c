/*
 * How: the cursor opens with the first step and closes at the end or by
 * walk_end(), so that no path forgets it. Lists grow on the heap and move to
 * the arena once, at their final size.
 */
#include "engine/journal_walk.h"

#include <stdlib.h>
#include <string.h>

enum {
	/* Bytes of a key that an error shows. */
	KEY_SHOWN_BYTES = 24,
};

int walk_next(struct journal_walk *walk, struct err *err)
{
	const struct store_port *store = walk->journal->store;

	if (walk->cursor == NULL)
		walk->cursor = store->scan(
			store->ctx, walk->table, walk->prefix, walk->from, err);
	if (walk->cursor == NULL)
		return -1;
	return store->next(walk->cursor, &walk->key, &walk->value, err);
}

void walk_end(struct journal_walk *walk)
{
	if (walk->cursor != NULL)
		walk->journal->store->scan_end(&walk->cursor);
}

int journal_damaged(enum journal_table table, struct str key, struct err *err)
{
	char hex[2 * KEY_SHOWN_BYTES + 1] = "";
	struct str shown = str_sub(key, 0, KEY_SHOWN_BYTES);

	for (size_t i = 0; i < shown.len; i++) {
		unsigned byte = (unsigned char)shown.ptr[i];

		hex[2 * i] = "0123456789abcdef"[byte >> 4];
		hex[2 * i + 1] = "0123456789abcdef"[byte & 15];
	}
	return err_set(err, ERR_ACCOUNT, ERR_NEVER, ERR_DISK,
		"the journal is damaged (table %s, key %s%s); move the folder "
		"\"journal\" in the state folder out of the way and sync "
		"again: the mail of both sides is then paired anew",
		journal_table_name(table), hex,
		shown.len < key.len ? "..." : "");
}

int journal_get(const struct journal *journal, enum journal_table table,
	const struct record_key *key, struct buf *value, struct err *err)
{
	const struct store_port *store = journal->store;

	return store->get(store->ctx, table, record_key_str(key), value, err);
}

void batch_put(struct store_batch *batch, enum journal_table table,
	const struct record_key *key, struct str value)
{
	store_batch_put(batch, table, record_key_str(key), value);
}

void batch_delete(struct store_batch *batch, enum journal_table table,
	const struct record_key *key)
{
	store_batch_delete(batch, table, record_key_str(key));
}

void *list_add(struct journal_list *list)
{
	list->items = array_grow(
		list->items, &list->cap, list->count + 1, list->item_bytes);
	return list->items + list->item_bytes * list->count++;
}

void *list_take(struct journal_list *list, struct arena *arena)
{
	void *items = arena_array(arena, list->count, list->item_bytes);

	if (list->count > 0)
		memcpy(items, list->items, list->count * list->item_bytes);
	list_clear(list);
	return items;
}

void list_clear(struct journal_list *list)
{
	free(list->items);
	*list = (struct journal_list){.item_bytes = list->item_bytes};
}
