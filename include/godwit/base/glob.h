/*
 * Globs: the patterns that pick mailboxes, in the config and by hand.
 *
 * `*` stands for any run of bytes, `%` for one without a '/', as in IMAP's
 * LIST (RFC 9051 6.3.9); `?` for one UTF-8 character that is not '/'; a
 * backslash takes the meaning from the next byte. Everything else stands for
 * itself, but INBOX at the front fits in any case of letters. A pattern fits a
 * whole name or not at all. The time is bounded by the product of the lengths,
 * whatever the pattern.
 */
#ifndef GODWIT_BASE_GLOB_H
#define GODWIT_BASE_GLOB_H

#include "godwit/base/bytes.h"

#include <stdbool.h>

/* Whether `pattern` fits `name`, a mailbox name with '/' between levels. */
bool glob_match(struct str pattern, struct str name);

#endif
