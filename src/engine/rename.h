/*
 * Renames: mailboxes of the journal that bear another name by now.
 *
 * A mailbox that was renamed on one side is renamed on the other, and what the
 * journal knows of it goes on under the new name: no mail moves. That needs a
 * proof, on the server (rename_there.h) or in the Maildir (rename_here.h), that
 * what has the new name is what had the old one; without one it is a mailbox
 * that is gone and another that is new, which is for presence. Where both sides
 * renamed it, the server's name counts. INBOX is never renamed.
 *
 * A rename removes nothing, so `remove` is not asked; a new name is made on a
 * side only where `create` and `direction` allow it. What may not follow is
 * left alone, on both sides, until the names agree again, and named. A mailbox
 * that was removed here, and is left alone on the server, is so under any name.
 */
#ifndef GODWIT_SRC_ENGINE_RENAME_H
#define GODWIT_SRC_ENGINE_RENAME_H

#include "pass.h"

enum rename_state {
	RENAME_NONE,  /* nothing to do, or nothing known */
	RENAME_WAITS, /* to be carried out */
	RENAME_HELD,  /* left alone */
	RENAME_DONE,
};

/* One of the journal's mailboxes that at least one side lacks under the name
 * that the journal has. */
struct rename {
	struct mailbox *known; /* the one of that name */
	struct mailbox *there; /* the one that the server has; NULL: gone */
	struct mailbox *here;  /* the one whose folder it is; NULL: gone */
	struct mailbox *to;    /* whose name it gets; NULL: not known */
	enum rename_state state;
	bool went_along; /* with one above it: the next survey tells where */
};

/* Whether the mailbox is not on the server, or another one is, under the name
 * that the journal has; and the same of its folder. */
bool rename_lacks_there(const struct mailbox *mailbox);
bool rename_lacks_here(const struct mailbox *mailbox);

/* Whether the journal's mailbox of this name may turn out to be renamed. */
bool rename_can_be_known(const struct mailbox *mailbox);

/*
 * After absence(): finds out, and carries out what it can (`may_act`, and the
 * pass applies) or says what it would do. With *again_r the mailboxes are to be
 * surveyed anew. -1 and err when the account cannot go on.
 */
int rename_settle(
	struct pass *pass, bool may_act, bool *again_r, struct err *err);

#endif
