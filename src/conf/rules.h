/*
 * Rules: what must hold between the keys of an account, and between accounts.
 *
 * Fills in what follows from other keys (the port, the state folder, no TLS
 * inside a tunnel) and refuses contradictions, with the place of the key that
 * would have to change.
 */
#ifndef CONF_RULES_H
#define CONF_RULES_H

#include "godwit/engine/account.h"
#include "node.h"

/* An account with the nodes that it was read from. */
struct draft {
	struct account *account;
	const struct node *own;      /* its MAP; its key is the name */
	const struct node *defaults; /* the MAP `defaults:`, or NULL */
};

int draft_check(const struct conf_context *c, const struct draft *draft);

/* No two Maildirs or state folders are, or lie within, one another. */
int drafts_check_folders(
	const struct conf_context *c, const struct draft *drafts, size_t count);

#endif
