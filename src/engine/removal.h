/*
 * Removal: mailboxes that leave the server (`remove: server`).
 *
 * One that is gone from the Maildir is planned like any other, with a Maildir
 * side that has nothing: so `delete:`, the guard and the trash hold for each of
 * its messages. Only if that leaves nothing behind is the plan carried out, and
 * the mailbox, empty then, deleted. DELETE takes whatever has come in since, so
 * it must not name what mail is delivered to: the mailbox is set aside first,
 * by RENAME, and looked at once more under a name that only godwit uses.
 */
#ifndef GODWIT_SRC_ENGINE_REMOVAL_H
#define GODWIT_SRC_ENGINE_REMOVAL_H

#include "pass.h"

/* After decide(): detaches those leaving mailboxes that have to stay. */
int removal_judge(struct pass *pass, struct err *err);

/* After apply(): deletes the others. -1 and err as apply(). */
int removal_finish(struct pass *pass, struct err *err);

/* Whether the name is one that a mailbox is set aside under. */
bool removal_is_aside(struct str wire);

/* Ends what an interrupted run set aside: it is deleted if it is empty, and
 * else put back. */
int removal_resume(struct pass *pass, const struct str *asides, size_t count,
	struct err *err);

#endif
