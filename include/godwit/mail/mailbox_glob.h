/*
 * Globs: the patterns of ACCOUNT:GLOB and of `include` and `exclude`.
 *
 * Matched against canonical mailbox names. '*' stands for any run of
 * characters, slashes too; '?' for one character (not byte), a slash too. All
 * else stands for itself: "[Gmail]/x" needs no quoting. Letters are compared
 * with case, but INBOX is INBOX however it is spelled.
 */
#ifndef GODWIT_MAIL_MAILBOX_GLOB_H
#define GODWIT_MAIL_MAILBOX_GLOB_H

#include "godwit/base/bytes.h"

#include <stdbool.h>

/* Takes at most pattern times name steps, whatever the pattern. */
bool mailbox_glob_match(struct str pattern, struct str name);

#endif
