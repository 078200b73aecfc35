/*
 * Names: the words behind the bits of the contracts, in their order.
 *
 * Encoder, parsers and writers share these tables, so that a bit has one name.
 */
#ifndef GODWIT_SRC_IMAP_NAMES_H
#define GODWIT_SRC_IMAP_NAMES_H

#include "godwit/base/bytes.h"

/* The name of bit (1 << i) is items[i]. */
struct imap_names {
	const char *const *items;
	unsigned count;
};

extern const struct imap_names imap_attr_names;
extern const struct imap_names imap_status_names;
extern const struct imap_names imap_option_names; /* of LIST */
extern const struct imap_names imap_fetch_names;
extern const struct imap_names imap_return_names; /* of SEARCH */

/* Appends the names of the bits that are set, spaces between them. */
void imap_names_write(
	struct buf *out, const struct imap_names *names, unsigned bits);

/* The bit of `name`, in any case; 0 if there is none. */
unsigned imap_names_bit(const struct imap_names *names, struct str name);

#endif
