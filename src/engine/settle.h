/*
 * Settle: what a mailbox's two sides were when they were last in step.
 *
 * Writes the mailbox's record once everything that it vouches for is durable,
 * and only where it differs from what is there: a run that had nothing to do
 * writes nothing.
 */
#ifndef GODWIT_SRC_ENGINE_SETTLE_H
#define GODWIT_SRC_ENGINE_SETTLE_H

#include "pass.h"

/* Settles every mailbox that was synced whole; the records are due (pass.h). */
int settle(struct pass *pass, struct err *err);

/* The mod-sequence up to which delta has seen all that was changed; 0: the
 * server tells none that can be relied on. */
uint64_t settle_modseq(const struct pass *pass, const struct mailbox *mailbox);

/* Whether the server's side can vouch for itself only when it is looked at once
 * more, since we have changed it. */
bool settle_needs_look(const struct pass *pass, const struct mailbox *mailbox);

#endif
