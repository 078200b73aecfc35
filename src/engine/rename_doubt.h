/*
 * Doubts: mailboxes whose names may have changed places, unseen by LIST.
 *
 * Where LIST tells no numbers, a mailbox that has another one's name by now is
 * not seen to be another until it is opened. It would count as numbered anew,
 * and either folder would get the mail of both.
 */
#ifndef GODWIT_SRC_ENGINE_RENAME_DOUBT_H
#define GODWIT_SRC_ENGINE_RENAME_DOUBT_H

#include "pass.h"

/* Before rename_settle(): has the server tell all numbers if names came or went
 * on it, or a doubt arose. -1 and err when the account cannot go on. */
int rename_doubt_ask(struct pass *pass, struct err *err);

/* After delta(): whether some mailbox has the UIDVALIDITY that the journal
 * knows of another one. Then all mailboxes are to be surveyed anew, once: this
 * has forgotten what was found out of them. */
bool rename_doubt_arose(struct pass *pass);

#endif
