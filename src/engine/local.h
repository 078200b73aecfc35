/*
 * Local: flags and removals in the Maildir.
 *
 * A flag is a rename, a removal a move into the vault. Both become durable in
 * batches, which mailboxes share, and only then does the journal learn of them.
 * A file that was renamed since the scan is left for the next run.
 */
#ifndef GODWIT_SRC_ENGINE_LOCAL_H
#define GODWIT_SRC_ENGINE_LOCAL_H

#include "pass.h"

/* Removes the second names that a power cut left (maildir.h): a mail reader
 * sees two messages there. */
int local_leftovers(
	struct pass *pass, struct mailbox *mailbox, struct err *err);

/* Carries out a mailbox's OP_FLAG_LOCAL. */
int local_flags(struct pass *pass, struct mailbox *mailbox, struct err *err);

/* Makes the folders that local_removals() needs; they are to be durable before
 * it. */
int local_make_vault(
	struct pass *pass, struct mailbox *mailbox, struct err *err);

/* Carries out a mailbox's OP_REMOVE_LOCAL. */
int local_removals(struct pass *pass, struct mailbox *mailbox, struct err *err);

#endif
