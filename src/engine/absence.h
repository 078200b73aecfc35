/*
 * Absence: whether a mailbox that the server does not list is gone from it.
 *
 * A list may leave out what is there: while a store is not mounted, a namespace
 * is down, or rights have changed. So the server is asked for each mailbox by
 * its name; one that it does not deny is left alone in this pass, and named.
 */
#ifndef GODWIT_SRC_ENGINE_ABSENCE_H
#define GODWIT_SRC_ENGINE_ABSENCE_H

#include "pass.h"

/* Afterwards, a mailbox that still takes part, is in the journal and not on the
 * server, is gone from there. -1 and err when the account cannot go on. */
int absence(struct pass *pass, struct err *err);

/* Whether the answer to a STATUS denies that there is a mailbox of that name,
 * which LIST gave these attributes (0: none). Of the answers with a code only
 * those do whose code is about the name. */
bool absence_denied(unsigned attrs, const struct imap_status_line *line);

#endif
