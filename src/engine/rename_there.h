/*
 * Renames on the server: which of its mailboxes was called otherwise before.
 *
 * By MAILBOXID (RFC 8474), as SELECT tells it; else by UIDVALIDITY. Servers lie
 * in both: an id or a number counts only if just one mailbox has it, on either
 * side; and if the UIDs still count, some messages that the journal knows must
 * have the headers there that it knows. Where none of them is left, it is the
 * mailbox whose numbers cannot be those of a newer one: a UIDVALIDITY above 1,
 * UIDNEXT and HIGHESTMODSEQ that did not fall.
 */
#ifndef GODWIT_SRC_ENGINE_RENAME_THERE_H
#define GODWIT_SRC_ENGINE_RENAME_THERE_H

#include "rename.h"

/*
 * Fills in `there` of each. What cannot be found out now is taken out of the
 * pass, and said. -1 and err when the account cannot go on.
 */
int rename_there_find(struct pass *pass, struct rename *renames, size_t count,
	struct err *err);

#endif
