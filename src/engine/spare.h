/*
 * Spare: the second name that a power cut left of a file between mailboxes.
 *
 * A rename between two folders is durable when both are synced; power that
 * fails in between may leave the file with both names. If the journal knew it
 * at its old place, it goes from there by itself. One that a mail reader had
 * just put there would look like a new message: it is told by its inode, which
 * is that of a file under a name that we gave, and that no run has finished.
 */
#ifndef GODWIT_SRC_ENGINE_SPARE_H
#define GODWIT_SRC_ENGINE_SPARE_H

#include "pass.h"

#include <stddef.h>
#include <stdint.h>

/* A file of a scan: of a row that only the Maildir has, or that has our name
 * for a message that the journal does not know yet. */
struct spare_file {
	struct mailbox *mailbox;
	uint32_t row;
	bool is_ours;
	uint64_t device; /* filled in by spare_find() */
	uint64_t inode;
};

/*
 * Finds the second names among the files, whose mailboxes then know them: their
 * rows are no messages any more. Orders the files anew. It changes nothing on
 * disk. A mailbox whose folder cannot be looked into is taken out; -1 and err
 * when the account cannot go on.
 */
int spare_find(struct pass *pass, struct spare_file *files, size_t count,
	struct err *err);

/* Removes those that were found in a mailbox, if they still are. */
int spare_drop(struct pass *pass, struct mailbox *mailbox, struct err *err);

#endif
