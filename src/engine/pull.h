/*
 * Pull: downloads what is new on the server.
 *
 * A task a mailbox. Bodies stream from the socket into tmp/; a batch of them
 * becomes durable in one go, and only then do they get their names and their
 * journal entries. A body is believed only when it is the message that was
 * listed.
 */
#ifndef GODWIT_SRC_ENGINE_PULL_H
#define GODWIT_SRC_ENGINE_PULL_H

#include "pass.h"

/* Carries out all OP_PULL. -1 and err when the account cannot go on. */
int pull_all(struct pass *pass, struct err *err);

#endif
