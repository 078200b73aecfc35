/*
 * Survey: which mailboxes there are, on either side, and which take part.
 *
 * Lists the server, the Maildir root and the journal, and joins the three by
 * the mailbox's local name. Says which mailboxes are left out, new on one side,
 * or gone from one; opens none and makes none.
 */
#ifndef GODWIT_SRC_ENGINE_SURVEY_H
#define GODWIT_SRC_ENGINE_SURVEY_H

#include "pass.h"

/* Fills pass->mailboxes. -1 and err (ERR_ACCOUNT) when a side could not be
 * listed whole: then nothing is known to be gone. */
int survey(struct pass *pass, struct err *err);

#endif
