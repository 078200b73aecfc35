/*
 * Sets of message numbers: sorted, compact ranges of uint32.
 *
 * A sequence-set or uid-set of RFC 3501 section 9 (RFC 9051 likewise) as a
 * value: a million UIDs in a row are one range. It knows nothing of mailboxes;
 * `*` gets its meaning from whoever parses. 0 is no message number and never a
 * member.
 *
 * In the order of use: imap_set_add*() or imap_set_parse(), the questions, the
 * iterator, imap_set_print_next(), imap_set_clear().
 */
#ifndef GODWIT_IMAP_SET_H
#define GODWIT_IMAP_SET_H

#include "godwit/base/bytes.h"

struct imap_range {
	uint32_t first; /* both ends belong to it */
	uint32_t last;
};

/* All zeroes is the empty set. `ranges` is sorted, gaps between all ranges. */
struct imap_set {
	struct imap_range *ranges;
	size_t count;
	size_t cap;
};

void imap_set_clear(struct imap_set *set);

/* Empties, but keeps the memory. */
void imap_set_reset(struct imap_set *set);

/* Adds what is between `a` and `b`, in either order. Cheap at the end. */
void imap_set_add(struct imap_set *set, uint32_t number);
void imap_set_add_range(struct imap_set *set, uint32_t a, uint32_t b);

/*
 * For many ranges in no order: push them all, then settle (sort and merge)
 * once. A pushed set that is not settled is a list in the order given, which
 * is what the two sides of COPYUID are; only the iterator, imap_set_size() and
 * imap_set_clear() may then be used.
 */
void imap_set_push(struct imap_set *set, uint32_t a, uint32_t b);
void imap_set_settle(struct imap_set *set);

/*
 * Adds the sequence-set written in `text` ("1,5:7,9:*"). `star` is what `*`
 * means; 0 where it is not allowed. False, and *set unchanged but for order,
 * when `text` is not a set or names 0.
 */
bool imap_set_parse(struct imap_set *set, struct str text, uint32_t star);

/* The same, but pushed only: ranges keep the order of the text. */
bool imap_set_parse_list(struct imap_set *set, struct str text, uint32_t star);

bool imap_set_contains(const struct imap_set *set, uint32_t number);

/* How many numbers it holds; up to 2^32 - 1 in a settled one. */
uint64_t imap_set_size(const struct imap_set *set);

/* The greatest member, 0 of an empty set. */
uint32_t imap_set_max(const struct imap_set *set);

bool imap_set_equal(const struct imap_set *a, const struct imap_set *b);

void imap_set_union(struct imap_set *set, const struct imap_set *other);
void imap_set_subtract(struct imap_set *set, const struct imap_set *other);

/* Where an iteration stands. All zeroes is before the first number. */
struct imap_set_iter {
	size_t range;
	uint64_t next; /* within the range; 0: its first */
};

/* The next number into *number_r; false after the last. */
bool imap_set_next(const struct imap_set *set, struct imap_set_iter *iter,
	uint32_t *number_r);

/*
 * Appends to `out` the text of as many ranges, from range *from on, as fit in
 * `bytes_max` bytes (24 at least; one range always fits), and moves *from
 * behind them. False, and nothing written, when *from is at the end. So a set
 * of any size goes into command lines below LIMIT_COMMAND_LINE_BYTES.
 */
bool imap_set_print_next(const struct imap_set *set, size_t *from,
	size_t bytes_max, struct buf *out);

/* Appends the text of the whole set. */
void imap_set_print(const struct imap_set *set, struct buf *out);

#endif
