/*
 * The LMDB store from inside: what opening it and working with it share.
 */
#ifndef GODWIT_SRC_STORE_LMDB_STORE_H
#define GODWIT_SRC_STORE_LMDB_STORE_H

#include "godwit/engine/ports/store.h"
#include "godwit/store/lmdb.h"
#include "godwit/sync/record.h"

#include <lmdb.h>
#include <stdbool.h>
#include <stddef.h>

struct lmdb_store {
	struct store_port port;
	char *folder; /* the environment's, for errors */
	bool read_only;
	int lock_fd; /* -1: none */
	MDB_env *env;
	size_t map_bytes;
	MDB_dbi table[JOURNAL_TABLES];
	bool has_table[JOURNAL_TABLES]; /* a reader may find fewer */
	MDB_txn *spare_reader;          /* reset; NULL: none */
	size_t readers;                 /* in use */
	int broken;                     /* no more calls: why, or 0 */
};

/* The functions of the port. */
void lmdb_port_init(struct lmdb_store *store);

/* Starts and ends a read of the state of this moment; a code of LMDB's. */
int lmdb_reader_begin(struct lmdb_store *store, MDB_txn **txn_r);
void lmdb_reader_end(struct lmdb_store *store, MDB_txn **txn);

/*
 * Makes data.mdb as long as the map, as a hole. LMDB leaves pages unwritten
 * that it took and gave back in one transaction, so only then is a file that
 * ends before its last page one that was cut.
 */
int lmdb_extend(MDB_env *env, size_t map_bytes);

#endif
