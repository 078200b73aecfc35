/*
 * Asking for a rename: the server is to call a mailbox otherwise.
 *
 * RENAME can be sent again where its answer was lost, since the names that are
 * there tell whether it was carried out. It takes along what is below, but no
 * subscription (RFC 3501 sections 6.3.5 and 6.3.6): that is renewed here.
 */
#ifndef GODWIT_SRC_ENGINE_RENAME_ASK_H
#define GODWIT_SRC_ENGINE_RENAME_ASK_H

#include "pass.h"

/* Renames the mailbox that the server has as `there` to `wire`. *done_r is
 * false, and err set (ERR_MAILBOX), when the server does not. -1 and err when
 * the account cannot go on. */
int rename_ask(struct pass *pass, struct mailbox *there, struct str wire,
	bool *done_r, struct err *err);

/* What a run that died after RENAME may have left to do: whoever was subscribed
 * to as `wire`, which no mailbox is called any more, is so as `now`. What the
 * server does not do is no failure. -1 and err when the account cannot go on.
 */
int rename_ask_subscribe(struct pass *pass, struct str wire,
	struct mailbox *now, struct err *err);

#endif
