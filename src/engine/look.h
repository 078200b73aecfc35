/*
 * Look: which messages that the server calls new are known ones.
 *
 * Asks for no more than it takes to tell (sync/evidence.h): of a message whose
 * size the journal knows nothing, the first part of its header, or the whole.
 * It changes nothing on either side.
 */
#ifndef GODWIT_SRC_ENGINE_LOOK_H
#define GODWIT_SRC_ENGINE_LOOK_H

#include "pass.h"

#include "godwit/mail/identity.h"

#include <stddef.h>
#include <stdint.h>

/* A new message, and what it is. */
struct look_found {
	uint32_t mailbox; /* index into the pass's */
	uint32_t row;
	struct identity identity;
};

/* Each message is in it once; in no order. */
struct look_result {
	struct look_found *items; /* on the heap */
	size_t count;
	size_t cap;
};

/* Looks over all mailboxes. A message of which the server does not tell is as
 * new as it looks, and not in the result. -1 and err when the account cannot go
 * on. */
int look(struct pass *pass, struct look_result *result, struct err *err);

#endif
