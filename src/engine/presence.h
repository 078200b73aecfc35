/*
 * Presence: mailboxes that one side lacks.
 *
 * After the survey: makes on the other side what is new on one (`create:`),
 * and decides about what is gone from one. A mailbox that is gone is removed
 * from the other side only where `remove:` allows it, nothing new is in it,
 * and the guard agrees; else it is detached: kept, left alone, and named.
 */
#ifndef GODWIT_SRC_ENGINE_PRESENCE_H
#define GODWIT_SRC_ENGINE_PRESENCE_H

#include "pass.h"

/* What a sync would do about a mailbox that takes part, as a clause; NULL for
 * one that both sides have. */
const char *presence_foretold(
	const struct account *account, const struct mailbox *mailbox);

/* Only tells what it would do unless the pass applies. -1 and err when the
 * account cannot go on. */
int presence(struct pass *pass, struct err *err);

/* Leaves a mailbox that one side lacks alone from now on, and says so: with
 * `why` (a clause, or NULL) it was not removed from the server, too. */
int presence_detach(struct pass *pass, struct mailbox *mailbox, const char *why,
	struct err *err);

/* The mailbox is on neither side any more. */
int presence_forget(
	struct pass *pass, struct mailbox *mailbox, struct err *err);

#endif
