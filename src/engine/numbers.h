/*
 * Numbers: what STATUS tells of mailboxes of which LIST told nothing.
 */
#ifndef GODWIT_SRC_ENGINE_NUMBERS_H
#define GODWIT_SRC_ENGINE_NUMBERS_H

#include "pass.h"

/* Asks for all numbers that tell whether something has changed, in one flight,
 * and fills `status` of each that the server answers. -1 and err when the
 * account cannot go on. */
int numbers_ask(struct pass *pass, struct mailbox **asked, size_t count,
	struct err *err);

#endif
