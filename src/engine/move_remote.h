/*
 * Move remote: messages that follow what was moved or copied in the Maildir.
 *
 * UID MOVE (RFC 6851) of sets; where the server has none, UID COPY, and the
 * originals are expunged (OP_LEAVE_REMOTE), or marked as deleted where they
 * cannot be (OP_MARK_REMOTE), once each copy is proven. What is about to be
 * asked is journalled as intents first. The new UIDs come from COPYUID (RFC
 * 4315); where a server does not tell, messages are looked for by their
 * headers. No body crosses the wire.
 */
#ifndef GODWIT_SRC_ENGINE_MOVE_REMOTE_H
#define GODWIT_SRC_ENGINE_MOVE_REMOTE_H

#include "pass.h"

#include "godwit/sync/plan.h"

/* Carries out all OP_COPY_REMOTE, or all OP_MOVE_REMOTE. -1 and err when the
 * account cannot go on. */
int move_remote(struct pass *pass, enum op_kind kind, struct err *err);

#endif
