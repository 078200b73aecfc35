/*
 * Journal walk: reading a table of the journal from front to end, into a list.
 *
 * What the journal's parts share. A walk is its own loop condition:
 *
 *	struct journal_walk walk = {.journal = j, .table = t, .prefix = p};
 *	while ((found = walk_next(&walk, err)) > 0)
 *		... walk.key, walk.value ...
 *	walk_end(&walk);
 */
#ifndef GODWIT_SRC_ENGINE_JOURNAL_WALK_H
#define GODWIT_SRC_ENGINE_JOURNAL_WALK_H

#include "godwit/engine/journal.h"

struct journal_walk {
	const struct journal *journal;
	enum journal_table table;
	struct str prefix;
	struct str from;
	struct store_cursor *cursor; /* the rest is walk_next()'s */
	struct str key;              /* borrowed until the next step */
	struct str value;
};

/* The next entry. 1: there is one; 0: end; -1: err. */
int walk_next(struct journal_walk *walk, struct err *err);

/* Harmless on a walk that has not begun. */
void walk_end(struct journal_walk *walk);

/* The error for an entry that is not what it must be. Returns -1. */
int journal_damaged(enum journal_table table, struct str key, struct err *err);

/* The entry's value. 1: found; 0: not there; -1: err. */
int journal_get(const struct journal *journal, enum journal_table table,
	const struct record_key *key, struct buf *value, struct err *err);

void batch_put(struct store_batch *batch, enum journal_table table,
	const struct record_key *key, struct str value);
void batch_delete(struct store_batch *batch, enum journal_table table,
	const struct record_key *key);

/* Deletes a message, given its whole entry, and what the indexes say of it. */
int message_entry_delete(struct store_batch *batch, struct str key,
	struct str value, struct err *err);

/* Items of one size, not yet counted. */
struct journal_list {
	size_t item_bytes;
	size_t count;
	size_t cap;
	char *items;
};

/* A zeroed item at the end, borrowed until the next is added. */
void *list_add(struct journal_list *list);

/* Moves the items into the arena; the list is empty then. */
void *list_take(struct journal_list *list, struct arena *arena);

void list_clear(struct journal_list *list);

#endif
