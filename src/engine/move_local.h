/*
 * Move local: files that follow what was moved or copied on the server.
 *
 * A move is a rename into the target's folder, under the name that is derived
 * from the message's new UID, so that one which is repeated after a crash lands
 * on the same name.
 *
 * A copy is a file of its own, in every layout. It shares its blocks with the
 * original where the file system can do that (fs port, clone), else the bytes
 * are read and written; that is safe whatever is done to either. A hard link is
 * not: it would share its date, which the server keeps for each copy and which
 * is where INTERNALDATE is kept, and whatever is written in place. Mail readers
 * seldom do that, but scripts do, which filter a file into itself to strip,
 * decrypt or mark it: the message of another mailbox would change with it, and
 * no longer be the server's.
 */
#ifndef GODWIT_SRC_ENGINE_MOVE_LOCAL_H
#define GODWIT_SRC_ENGINE_MOVE_LOCAL_H

#include "pass.h"

/* Carries out a mailbox's OP_COPY_LOCAL. */
int move_local_copies(
	struct pass *pass, struct mailbox *mailbox, struct err *err);

/* Carries out a mailbox's OP_MOVE_LOCAL. */
int move_local(struct pass *pass, struct mailbox *mailbox, struct err *err);

/* A message that is to be downloaded, and that another mailbox has just got. */
struct move_local_twin {
	const struct op *op; /* OP_PULL */
	struct mailbox_link link;
	struct local_item item; /* there; name and flags are enough */
};

/*
 * Carries out such OP_PULLs of a mailbox by copies. One whose file is not there
 * any more, or was changed meanwhile, is left to be downloaded.
 */
int move_local_twins(struct pass *pass, struct mailbox *mailbox,
	struct move_local_twin *twins, size_t count, struct err *err);

#endif
