/*
 * Clean: which mailboxes are as they were when they were last in step.
 *
 * Compares what STATUS and the folders' stamps say with the mailbox's record.
 * A mailbox that is the same on both sides, and in which nothing is due, is not
 * opened on either. Whoever cannot prove that nothing has changed is looked at:
 * without CONDSTORE a server's flags change unseen (src/ARCHITECTURE).
 */
#ifndef GODWIT_SRC_ENGINE_CLEAN_H
#define GODWIT_SRC_ENGINE_CLEAN_H

#include "pass.h"

/* Judges every active mailbox: fills `quiet` and `idle`. Asks the server only
 * where LIST did not tell. -1 and err when the account cannot go on. */
int clean(struct pass *pass, struct err *err);

/* How long what is settled may be believed. */
enum clean_term {
	CLEAN_FOR_GOOD, /* until something changes */
	CLEAN_A_DAY,    /* to the end of this one: what a server lets us store
			 * may change without a mod-sequence */
};

/* The settings, the letters' meaning and the merge rules that a record is
 * settled under; never 0. What changes it has the mailbox looked at whole. */
uint64_t clean_policy(const struct pass *pass, const struct mailbox *mailbox,
	const struct fs_stat *letters, enum clean_term term);

/* What the journal keeps of a folder's stamp. */
struct dir_stamp clean_stamp(const struct fs_stat *stat);

#endif
