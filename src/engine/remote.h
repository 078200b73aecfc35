/*
 * Remote: flags and removals on the server.
 *
 * A task a mailbox. Flags that change alike are sent together, as +FLAGS and
 * -FLAGS, never as a replacement; a removal is \Deleted and UID EXPUNGE of just
 * those UIDs, or UID MOVE to the trash.
 */
#ifndef GODWIT_SRC_ENGINE_REMOTE_H
#define GODWIT_SRC_ENGINE_REMOTE_H

#include "pass.h"

/* Carries out all OP_FLAG_REMOTE. */
int remote_flags(struct pass *pass, struct err *err);

/* Carries out all OP_REMOVE_REMOTE, OP_TRASH_REMOTE and OP_MARK_REMOTE. */
int remote_removals(struct pass *pass, struct err *err);

#endif
