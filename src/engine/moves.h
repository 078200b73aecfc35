/*
 * Moves: what went from one mailbox to another, or was copied there.
 *
 * Between delta and decide: looks over the rows of all mailboxes for those that
 * are one message (sync/move.h), and links them, so that the plan brings the
 * other side along without its body crossing the wire. Of new messages on the
 * server it asks as little as tells which are known ones (look.h). It changes
 * nothing on either side.
 */
#ifndef GODWIT_SRC_ENGINE_MOVES_H
#define GODWIT_SRC_ENGINE_MOVES_H

#include "pass.h"

/* -1 and err when the account cannot go on. */
int moves(struct pass *pass, struct err *err);

#endif
