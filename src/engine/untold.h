/*
 * Untold: new messages of which the server does not tell what must be known.
 *
 * Whether a new message is a new file, its header says (or its body, where its
 * size cannot be right). A server that keeps it to itself proves nothing: the
 * message waits, and so do the files that could be it, until it is told. Since
 * one bad message must not hold up the rest for ever, it is remembered, and
 * after a few failures taken for what it seems to be: new.
 */
#ifndef GODWIT_SRC_ENGINE_UNTOLD_H
#define GODWIT_SRC_ENGINE_UNTOLD_H

#include "pass.h"

#include "godwit/imap/set.h"

struct untold {
	bool *rows; /* by row: asked for, and not told */
	size_t count;
};

/* Nothing is asked for yet; for the rows that the mailbox has now. */
void untold_begin(struct untold *untold, struct mailbox *mailbox);

/* A row is asked for, and is told. */
void untold_ask(struct untold *untold, uint32_t row);
void untold_tell(struct untold *untold, uint32_t row);

/* Whether the row was asked for, and not told. What a server tells twice, or
 * unasked, must not count twice. */
bool untold_is_open(const struct untold *untold, uint32_t row);

/* The UIDs that are still to be told. */
void untold_uids(const struct untold *untold, const struct mailbox *mailbox,
	struct imap_set *uids);

/* Holds back what is still untold, and what could be that; says so. */
void untold_hold(struct pass *pass, struct mailbox *mailbox,
	const struct untold *untold);

#endif
