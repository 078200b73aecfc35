/*
 * Explain: what the configuration of an account means, in words.
 *
 * The facts of `check` that follow from the account's settings, and what they
 * make of the mailboxes that the survey found. Asks nobody and changes nothing.
 */
#ifndef GODWIT_SRC_ENGINE_EXPLAIN_H
#define GODWIT_SRC_ENGINE_EXPLAIN_H

#include "pass.h"

/* One fact a setting. */
void explain(struct pass *pass);

/* After the survey: one fact a mailbox, and patterns that fit none. */
void explain_mailboxes(struct pass *pass);

#endif
