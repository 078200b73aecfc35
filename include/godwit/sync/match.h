/*
 * Match: which server message, which file and which journal entry are one.
 *
 * Makes rows (plan.h) out of three listings of a mailbox: by UID between
 * journal and server, by file name between journal and Maildir, and, for what
 * is new on both sides, by derived name and by identity. Equal identities pair
 * as multisets: three copies here and two there are two pairs and one new one.
 * It compares; it fetches nothing: match_candidates says what somebody must
 * fetch or read before match_pair can decide.
 */
#ifndef GODWIT_SYNC_MATCH_H
#define GODWIT_SYNC_MATCH_H

#include "godwit/base/arena.h"
#include "godwit/mail/flags.h"
#include "godwit/mail/identity.h"
#include "godwit/sync/plan.h"

#include <stdbool.h>
#include <stdint.h>

/* A journal entry; sorted by uid. */
struct base_item {
	struct str name; /* the file's unique part, all before ":2," */
	struct flags flags;
	uint32_t uid; /* of the UIDVALIDITY that the journal knows */
	bool stored_raw;
};

/* A message on the server; sorted by uid. */
struct remote_item {
	uint64_t bytes; /* RFC822.SIZE; 0 if it was not asked for */
	int64_t date_s; /* INTERNALDATE, UTC; 0 likewise */
	struct flags flags;
	uint32_t uid;
	int16_t zone_minutes;
};

/* A file of the Maildir; sorted by name. */
struct local_item {
	struct str name; /* the unique part */
	struct flags flags;
	uint64_t bytes; /* on disk; 0 if it was not looked at */
	int64_t mtime_ns;
	struct str file_name; /* as readdir gave it */
	bool in_new;
};

/* One mailbox, listed. Incomplete listings must never get here (P1). */
struct match_input {
	const struct base_item *base;
	size_t base_count;
	const struct remote_item *remote;
	size_t remote_count;
	const struct local_item *local;
	size_t local_count;
	/* UIDVALIDITY is not the journal's: base UIDs mean nothing, but base
	 * names and flags still do. */
	bool new_uidvalidity;
};

/* Rows being made. */
struct match {
	struct row *rows;
	size_t count;
};

/*
 * Joins by UID and by name. With new_uidvalidity no row has both a BASE and a
 * REMOTE side yet: base entries join their files (row.uid 0), and all server
 * messages are new until match_pair. Rows live in `arena`: first those with a
 * UID, in its order, then those without, in the order of local names.
 */
void match_join(const struct match_input *input, struct arena *arena,
	struct match *match_r);

/* Unites row `a` (server only) and row `b` (no server) into one, at `a`; `b`
 * is left with nothing present, which the planner passes over. */
void match_unite(struct match *match, uint32_t a, uint32_t b);

/* A row's identity, as far as it is known. */
struct match_identity {
	struct identity identity;
	uint32_t row;
};

/*
 * Which rows must show their identity: server-only rows whose size lies close
 * to that of a file that has no server side (within what injected headers and
 * inexact RFC822.SIZEs account for), and those files' rows. `local_bytes` are
 * the canonical sizes of the rows in local_rows. Both results in `arena`.
 */
struct match_candidates {
	uint32_t *remote_rows;
	size_t remote_count;
	uint32_t *local_rows;
	size_t local_count;
};

void match_candidates(const struct match *match,
	const struct match_input *input, const struct match_identity *local,
	size_t local_count, struct arena *arena,
	struct match_candidates *candidates_r);

/*
 * Unites rows of equal identity, as multisets: among equals in the order of
 * UIDs and names. With base flags known (new_uidvalidity) those go along.
 * Returns how many were united.
 */
size_t match_pair(struct match *match, struct match_identity *remote,
	size_t remote_count, struct match_identity *local, size_t local_count);

#endif
