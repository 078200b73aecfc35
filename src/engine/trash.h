/*
 * Trash: what was removed locally goes to the server's \Trash, without MOVE.
 *
 * COPY, then \Deleted and UID EXPUNGE of the originals. A COPY must not be sent
 * twice, so the journal holds an intent for each message before it is; one that
 * is still open when the message's turn comes again (in the next run, or on the
 * next connection) has the trash looked into first. An original goes only when
 * its copy is proven: by COPYUID, or by being found.
 */
#ifndef GODWIT_SRC_ENGINE_TRASH_H
#define GODWIT_SRC_ENGINE_TRASH_H

#include "pass.h"

/* Carries out OP_TRASH_REMOTE in all mailboxes whose server has no MOVE. */
int trash_removals(struct pass *pass, struct err *err);

#endif
