/*
 * Unread: new files that cannot be read, and the messages that they might be.
 *
 * A file that the disk does not give, or that is not ours to read, may be what
 * the server has. Nothing proves that it is new, nor that a message there of
 * about its size is: both wait. Since one bad file must not hold up the rest
 * for ever, it is remembered, and after a few failures it waits alone. What
 * untold.h is for the server, this is for the Maildir.
 */
#ifndef GODWIT_SRC_ENGINE_UNREAD_H
#define GODWIT_SRC_ENGINE_UNREAD_H

#include "pass.h"

struct unread_file; /* its own */

/* All zeroes is an empty one; its memory is the mailbox's arena. */
struct unread {
	struct unread_file *files;
};

/* The file of a row that only the Maildir has could not be read, and `err` says
 * why. The Maildir is open. */
void unread_add(struct unread *unread, struct mailbox *mailbox, uint32_t row,
	const struct err *err);

/* After pairing: holds back those files, and what they could be; says so. */
void unread_hold(struct pass *pass, struct mailbox *mailbox,
	const struct unread *unread);

#endif
