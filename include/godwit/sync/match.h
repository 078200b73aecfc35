/*
 * Match: which server message, which file and which journal entry are one.
 *
 * Makes rows (plan.h) out of three listings of a mailbox: by UID between
 * journal and server, by file name between journal and Maildir, and, for what
 * is new on both sides, by derived name and by identity. Equal identities pair
 * as multisets: three copies here and two there are two pairs and one new one.
 * It compares; it fetches nothing: match_candidates says what somebody must
 * fetch or read before match_pair can decide.
 *
 *	match_join(&input, arena, &match)
 *	match_derived(&match, &input, &place)   downloads that a crash repeated
 *	match_unite(&match, a, b)               what APPENDUID or intents tell
 *	match_candidates(...)                   whose headers to fetch
 *	match_pair(&match, &remote, &local)
 *	match_doubts(...)                       whose bodies to fetch; pair
 *again
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
	uint64_t bytes;     /* RFC822.SIZE; 0 if it was not asked for */
	int64_t date_s;     /* INTERNALDATE, UTC; 0 likewise */
	uint64_t email_key; /* identity_email_key(), or 0 */
	struct flags flags;
	uint32_t uid;
	int16_t zone_minutes;
};

/*
 * A file of the Maildir; sorted by name. Links to one inode must be left out
 * but for one (a mail reader between link and unlink). Files that differ and
 * yet have one unique part are told apart by no rule: the first one counts,
 * which had best be that in cur, and the others' rows get ROW_SAME_NAME.
 */
struct local_item {
	struct str name;    /* the unique part */
	struct flags flags; /* as the name tells them (see plan.h, `keeps`) */
	uint64_t bytes;     /* on disk; 0 if it was not looked at */
	int64_t mtime_ns;
	struct str file_name; /* as readdir gave it */
	bool in_new;
	bool unnamed; /* file_name is not known yet, but its unique part */
};

/* One mailbox, listed. Incomplete listings must never get here (P1), nor two
 * items of one UID, nor UID 0: our own mistakes, so they abort. */
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
	/* The files are just those of the entries: local[i] is base[i]'s, in
	 * the order of UIDs, not of names. Never with new_uidvalidity. */
	bool local_is_base;
};

/* Rows being made. */
struct match {
	struct row *rows;
	size_t count;
};

/*
 * Joins by UID and by name. Rows live in `arena`: first those with a UID, in
 * its order; then those without that have a file, in the order of names; then,
 * with new_uidvalidity, entries that have nothing else. Time is O(n log n).
 *
 * With new_uidvalidity no row has both a BASE and a REMOTE side yet: base
 * entries are stale and join their files (row.uid 0), and all server messages
 * are new until match_pair. What it cannot pair is copied, never removed.
 */
void match_join(const struct match_input *input, struct arena *arena,
	struct match *match_r);

/* What names are derived from (mail/maildir_name.h). */
struct match_place {
	struct str account;
	struct str mailbox;
	uint32_t uidvalidity;
};

/*
 * Unites each server-only row with the file that bears the name derived from
 * its UID, if that file has no server side: it was downloaded, and the journal
 * did not get to know. Returns how many. Call it right after match_join.
 */
size_t match_derived(struct match *match, const struct match_input *input,
	const struct match_place *place);

/* Unites row `a` (server only) and row `b` (a file that has no server side, and
 * not ROW_SAME_NAME) into one, at `a`; `b` is left with nothing present, which
 * the planner passes over. An entry that `b` brings along is stale then: it
 * names another UID. */
void match_unite(struct match *match, uint32_t a, uint32_t b);

/* A row's identity, as far as it is known. */
struct match_identity {
	struct identity identity;
	uint32_t row;
};

/* Identities of rows; match_pair and match_doubts put them into an order of
 * their own. */
struct match_identities {
	struct match_identity *items;
	size_t count;
};

/* Rows, by rising index. */
struct match_rows {
	uint32_t *rows;
	size_t count;
};

struct match_candidates {
	struct match_rows remote; /* fetch their headers */
	struct match_rows local;  /* read these files */
};

/*
 * Which rows must show their identity: server-only rows whose size lies close
 * to that of a file that has no server side (within what injected headers and
 * inexact RFC822.SIZEs account for), and those files' rows. `local` holds the
 * latter with their canonical sizes; their hashes are not looked at. A size
 * that was not asked for is close to any. Results live in `arena`.
 */
void match_candidates(const struct match *match,
	const struct match_input *input, const struct match_identities *local,
	struct arena *arena, struct match_candidates *candidates_r);

/* The sizes (of the canonical form) that a file may have which is this message:
 * RFC822.SIZE is not always exact. All sizes, if it was not asked for (0). */
void match_near(uint64_t remote_bytes, uint64_t *least_r, uint64_t *most_r);

/*
 * Unites rows of equal identity, as multisets: among equals in the order of
 * UIDs and names, files that the journal knows first (their entries go along,
 * stale). Rows that have found their other side meanwhile are passed over.
 * Returns how many were united.
 */
size_t match_pair(struct match *match, struct match_identities *remote,
	struct match_identities *local);

/*
 * After match_pair: the server rows that are still single, though a single
 * file has the same header and nearly their size. RFC822.SIZE may be wrong
 * there: fetch their bodies, set their real identities, and call match_pair
 * again. The result lives in `arena`.
 */
void match_doubts(const struct match *match, struct match_identities *remote,
	struct match_identities *local, struct arena *arena,
	struct match_rows *doubts_r);

#endif
