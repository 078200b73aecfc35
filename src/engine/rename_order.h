/*
 * The order of renames: which name is free, and when.
 */
#ifndef GODWIT_SRC_ENGINE_RENAME_ORDER_H
#define GODWIT_SRC_ENGINE_RENAME_ORDER_H

#include "rename_carry.h"

/* Whether it, or what it is below, was set aside. */
bool rename_is_aside(struct str name);

enum rename_readiness {
	RENAME_READY_NOW,
	RENAME_READY_LATER, /* another one has to leave the name first */
	RENAME_READY_HELD,  /* that one is left alone */
	RENAME_READY_NEVER, /* the name is another's */
};

enum rename_readiness rename_readiness(
	const struct renames *all, const struct rename *rename);

/* How many wait. */
size_t rename_waiting(const struct renames *all);

/* Carries out what can be: those that are left may be able to once the
 * mailboxes are surveyed anew. -1 and err: the pass ends. */
int rename_carry_out(struct renames *all, struct err *err);

#endif
