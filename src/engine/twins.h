/*
 * Twins: messages that several mailboxes are to download, downloaded once.
 *
 * Gmail shows a message in All Mail and in a mailbox for each of its labels;
 * other servers keep copies. Where the server tells by EMAILID or X-GM-MSGID
 * that messages to be downloaded are one, the first of them is; the others are
 * copies of its file, each with a name, flags and a date of its own. Whatever
 * cannot be copied is downloaded.
 *
 *	twins_hold(pass, &err)               before the downloads
 *	twins_copy(pass, mailbox, &err)      after them, for each mailbox
 *	twins_release(pass)                  what is to be downloaded now
 *
 * An EMAILID is believed as far as sync/evidence.h says, where size and date
 * are the same. Memory: 12 bytes a copy, and a bounded table, however many
 * messages there are.
 */
#ifndef GODWIT_SRC_ENGINE_TWINS_H
#define GODWIT_SRC_ENGINE_TWINS_H

#include "pass.h"

#include <stdbool.h>

/* Holds back the OP_PULLs of all but one of each twins. Never fails; err is for
 * the order of apply's steps. */
int twins_hold(struct pass *pass, struct err *err);

/* Copies those of a mailbox, as far as their files are there. */
int twins_copy(struct pass *pass, struct mailbox *mailbox, struct err *err);

/* Whether some were left. They are then the only OP_PULLs that are due. */
bool twins_release(struct pass *pass);

#endif
