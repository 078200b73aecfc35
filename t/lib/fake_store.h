/*
 * A store in memory: the store port for tests.
 *
 * Tables of records in byte order; a commit is atomic and durable at once, and
 * is one step of fate: a machine that dies at it has nothing of the batch. A
 * cursor walks the state of the moment in which it began.
 */
#ifndef GODWIT_T_LIB_FAKE_STORE_H
#define GODWIT_T_LIB_FAKE_STORE_H

#include "fate.h"
#include "godwit/engine/ports/store.h"

struct fake_store;

/* An empty store. Fate is borrowed. */
struct fake_store *fake_store_new(struct fate *fate);

/* The port; borrowed until fake_store_free(). */
const struct store_port *fake_store_port(struct fake_store *store);

/* Every cursor must have been ended. Harmless on NULL. */
void fake_store_free(struct fake_store **store);

/* Cursors that are open; 0 when a run has cleaned up. */
size_t fake_store_cursors(const struct fake_store *store);

/* Commits that were applied, so far. */
uint64_t fake_store_commits(const struct fake_store *store);

/* Somebody deletes the journal. */
void fake_store_wipe(struct fake_store *store);

/* Appends a line for each record, in order: table, key, value, with C escapes.
 */
void fake_store_dump(const struct fake_store *store, struct buf *lines);

#endif
