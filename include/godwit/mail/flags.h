/*
 * Flags: what is marked on a message, system flags and keywords together.
 *
 * A value of eight bytes. Keywords are a handle of the mailbox's table
 * (keywords.h), so flags of different tables must not meet. \Recent is not
 * ours; backslash flags that RFC 3501 2.3.2 does not name are not carried.
 * $Forwarded counts as a system flag because Maildir has a letter for it.
 */
#ifndef GODWIT_MAIL_FLAGS_H
#define GODWIT_MAIL_FLAGS_H

#include "godwit/base/arena.h"
#include "godwit/base/bytes.h"
#include "godwit/base/err.h"
#include "godwit/mail/keywords.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The journal stores these numbers. */
enum flag {
	FLAG_SEEN = 1,       /* \Seen, Maildir letter S */
	FLAG_ANSWERED = 2,   /* \Answered, R */
	FLAG_FLAGGED = 4,    /* \Flagged, F */
	FLAG_DELETED = 8,    /* \Deleted, T */
	FLAG_DRAFT = 16,     /* \Draft, D */
	FLAG_FORWARDED = 32, /* $Forwarded, P */

	FLAGS_SYSTEM = 63, /* all of them */
};

struct flags {
	uint32_t system;   /* FLAG_... or'ed */
	uint32_t keywords; /* a set of the mailbox's struct keywords */
};

bool flags_eq(struct flags a, struct flags b);

/*
 * From the strings of a server's flag list ("\Seen", "$Forwarded", "NonJunk").
 * What is not carried (see above and keywords.h) is passed over. Fails only as
 * keywords_set() does.
 */
int flags_from_names(struct keywords *keywords, const struct str *names,
	size_t count, struct flags *flags_r, struct err *err);

/*
 * The strings for a server, system flags first, in an array of *count_r from
 * the arena. The names of keywords are borrowed from the table.
 */
const struct str *flags_to_names(const struct keywords *keywords,
	struct flags flags, struct arena *arena, size_t *count_r);

/* What has to be added to `from`, and removed from it, to get `to`. */
struct flags flags_added(
	struct keywords *keywords, struct flags from, struct flags to);
struct flags flags_removed(
	struct keywords *keywords, struct flags from, struct flags to);

/* `flags` with `added`, then without `removed`. */
struct flags flags_apply(struct keywords *keywords, struct flags flags,
	struct flags added, struct flags removed);

/*
 * The three-way merge, each flag by itself: the side that changed it since
 * `base` wins. Symmetric in `mine` and `theirs`.
 */
struct flags flags_merge(struct keywords *keywords, struct flags base,
	struct flags mine, struct flags theirs);

#endif
