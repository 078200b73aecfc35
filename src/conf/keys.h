/*
 * Keys: the table of what an account may say, and what reads it.
 *
 * One row a key: its name, what reads its value, where that goes in struct
 * account, and its bounds. Nested mappings have tables of their own. What
 * concerns more than one key is for rules.h.
 */
#ifndef CONF_KEYS_H
#define CONF_KEYS_H

#include "godwit/engine/account.h"
#include "node.h"

/* Sets what an account has before its file says anything. */
void account_defaults(struct account *account);

/*
 * Reads a mapping of account keys into *account; what it does not name stays.
 * Values of one key replace earlier ones whole, but those of tls, mailboxes,
 * limits, guard and hooks key by key.
 */
int account_read(const struct conf_context *c, const struct node *map,
	struct account *account);

/* Whether accounts have a key of that name. */
bool account_has_key(struct str name);

struct key;

/* The table itself (key.h), for those who check that the manual is whole. */
const struct key *account_key_table(void);

#endif
