/*
 * The vault: what deletions took from the Maildir, kept for a while.
 *
 * A folder in the account's state folder. Each run that removes messages has a
 * folder of its own there, named by the time; in it lies a Maildir tree
 * (nested, whatever the account's layout), so that any mail reader can open
 * it. Runs older than `retain:` are removed.
 */
#ifndef GODWIT_SRC_ENGINE_VAULT_H
#define GODWIT_SRC_ENGINE_VAULT_H

#include "pass.h"

/* Makes the mailbox's folder of this run, where anything is retained, and hands
 * its name over: it must be durable (pass_sync_names(), pass_flush()) before a
 * file is taken there, since a folder that is lost takes its files along. */
int vault_make(struct pass *pass, struct mailbox *mailbox, struct err *err);

/*
 * Moves an item's file out of the Maildir, into the vault, or away where
 * nothing is retained. FS_ABSENT: it is not there any more. Names are to be
 * handed over by vault_sync_later() and pass_names_later().
 */
enum fs_result vault_take(struct pass *pass, struct mailbox *mailbox,
	struct local_item *item, struct err *err);

/* Hands over what was taken from the mailbox, and closes its folder. */
int vault_sync_later(
	struct pass *pass, struct mailbox *mailbox, struct err *err);

/* Removes the runs that are older than the account retains. */
int vault_prune(struct pass *pass, struct err *err);

#endif
