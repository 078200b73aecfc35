/*
 * Keywords: the names of one mailbox's keywords, and sets of them as numbers.
 *
 * A keyword is a word that users and mail readers stick on messages: $Junk,
 * NonJunk, project-x. Names are interned: compared without case, the first
 * spelling kept, numbered from 0 in the order of their coming (so a journal
 * that adds them in its order gets its own numbers back). Sets are interned,
 * too: equal sets have equal handles, handle 0 is the empty set, and a million
 * messages cost four bytes each.
 *
 * Only IMAP atoms (RFC 3501, ATOM-CHAR) of at most LIMIT_KEYWORD_BYTES are
 * keywords here, and no table holds more than LIMIT_KEYWORDS of them: what goes
 * past that is left out on both sides alike, never removed from one. Backslash
 * flags and $Forwarded are system flags (flags.h), so they are refused.
 *
 * Handles and ids mean something only with the table that gave them.
 */
#ifndef GODWIT_MAIL_KEYWORDS_H
#define GODWIT_MAIL_KEYWORDS_H

#include "godwit/base/bytes.h"
#include "godwit/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct keywords;

enum {
	KEYWORDS_EMPTY = 0, /* the handle of the empty set */
};

/* In place of an id: no such keyword. */
#define KEYWORD_NONE UINT32_MAX

struct keywords *keywords_new(void);
void keywords_free(struct keywords **keywords);

/* Whether `name` can be a keyword at all. */
bool keyword_valid(struct str name);

/*
 * The id of `name`, which is added if it is new. KEYWORD_NONE if it cannot be
 * a keyword or the table is full.
 */
uint32_t keywords_name_add(struct keywords *keywords, struct str name);

/* The id of `name`, or KEYWORD_NONE. */
uint32_t keywords_name_find(const struct keywords *keywords, struct str name);

/* The first spelling of a keyword; borrowed for the life of the table. */
struct str keywords_name(const struct keywords *keywords, uint32_t id);

/* How many names there are: the ids are 0 to this less 1. */
uint32_t keywords_count(const struct keywords *keywords);

/*
 * The handle of the set of these ids, in any order; one given twice counts
 * once. Fails (ERR_MAILBOX) when the sets of the table take more memory than
 * LIMIT_KEYWORD_SET_BYTES: only a hostile server gets there.
 */
int keywords_set(struct keywords *keywords, const uint32_t *ids, size_t count,
	uint32_t *set_r, struct err *err);

/* The ids of a set, ascending; borrowed until the table gets a new set. */
const uint16_t *keywords_set_ids(
	const struct keywords *keywords, uint32_t set, size_t *count_r);

bool keywords_set_has(
	const struct keywords *keywords, uint32_t set, uint32_t id);

/* The handle of those of the ids that are in `set`. */
uint32_t keywords_pick(struct keywords *keywords, uint32_t set,
	const uint32_t *ids, size_t count);

/* The handle of a | b. */
uint32_t keywords_union(struct keywords *keywords, uint32_t a, uint32_t b);

/* The handle of a without what is in b. */
uint32_t keywords_minus(struct keywords *keywords, uint32_t a, uint32_t b);

/*
 * The three-way merge, each keyword by itself: where `mine` and `theirs`
 * differ, the one that changed it since `base` wins.
 */
uint32_t keywords_merge(struct keywords *keywords, uint32_t base, uint32_t mine,
	uint32_t theirs);

#endif
