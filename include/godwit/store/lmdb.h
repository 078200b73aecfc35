/*
 * The journal's store in LMDB: struct store_port over one environment.
 *
 * In an account's state folder are `journal/`, the environment (data.mdb and
 * lock.mdb are LMDB's), and the file `lock`. Folders are made with mode 0700,
 * files with 0600. A batch is one write transaction, durable when commit
 * returns; the map grows by itself. Readers in other processes see the last
 * committed state and hold nobody up.
 *
 * To write, a process holds the lock: one at a time, taken for as long as the
 * store is open and given back by the system however the process ends. LMDB's
 * own lock is not enough, it would only let two runs take turns.
 *
 * What it refuses: a folder that another process writes to (ERR_LOCKED, with
 * the holder's pid), and a data.mdb that is not LMDB's or is cut short. What it
 * cannot see is a byte changed inside data.mdb, for LMDB has no checksums: a
 * record that no longer decodes is the journal's to find, a page that makes no
 * sense can crash LMDB, and so can a disk that cannot read what is mapped. Not
 * for network file systems: LMDB needs shared maps and working locks.
 *
 * A process opens a folder once at a time, and ends its cursors before it
 * commits: the map cannot move under one, so a commit that must grow it aborts.
 */
#ifndef GODWIT_STORE_LMDB_H
#define GODWIT_STORE_LMDB_H

#include "godwit/base/err.h"
#include "godwit/engine/ports/store.h"

struct lmdb_store;

enum lmdb_mode {
	LMDB_WRITE,     /* takes the lock; makes what is not there */
	LMDB_READ_ONLY, /* takes no lock, changes nothing in data.mdb */
};

/*
 * Opens the store in the state folder `path`, which LMDB_WRITE makes, parents
 * included. Returns 1, or with LMDB_READ_ONLY 0 where there is no journal yet,
 * or -1 and err: ERR_LOCKED; ERR_DISK.
 */
int lmdb_open(const char *path, enum lmdb_mode mode,
	struct lmdb_store **store_r, struct err *err);

/* The port; borrowed until lmdb_close(). */
const struct store_port *lmdb_port(struct lmdb_store *store);

/* Every cursor must have been ended. Harmless on NULL. */
void lmdb_close(struct lmdb_store **store);

#endif
