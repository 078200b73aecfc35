/*
 * Push: uploads what is new in the Maildir.
 *
 * A task a mailbox. What is about to be sent is journalled as intents first, so
 * that a crash or a broken connection between an APPEND and its answer doubles
 * nothing. The UID comes from APPENDUID (RFC 4315); where a server does not
 * tell, the message is looked for by its header.
 */
#ifndef GODWIT_SRC_ENGINE_PUSH_H
#define GODWIT_SRC_ENGINE_PUSH_H

#include "pass.h"

/* Carries out all OP_PUSH. -1 and err when the account cannot go on. */
int push_all(struct pass *pass, struct err *err);

#endif
