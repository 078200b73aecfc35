/*
 * Sync: the door to the engine.
 *
 * One call syncs one account: survey, delta, match, plan, guard, apply, settle.
 * `status` and `sync --dry-run` are the same pass, stopped before apply; `list`
 * stops after the survey. `check` only looks: it says what is configured, what
 * is on disk, what the server can and which mailboxes a sync would be of; what
 * it finds wrong on one side does not keep it from the other. What happens is
 * told to the report port as it happens; the value returned is the exit status
 * that the account alone would give.
 */
#ifndef GODWIT_ENGINE_SYNC_H
#define GODWIT_ENGINE_SYNC_H

#include "godwit/engine/account.h"
#include "godwit/engine/ports.h"

#include <stdbool.h>

/* How far the pass goes. */
enum sync_depth {
	SYNC_CHECK,  /* look, and say what there is */
	SYNC_LIST,   /* name the mailboxes */
	SYNC_STATUS, /* count what would be done */
	SYNC_DRY,    /* name what would be done */
	SYNC_APPLY,  /* do it */
};

struct sync_options {
	enum sync_depth depth;
	bool allow_deletes;              /* the guard lets everything pass */
	const struct err *journal_fault; /* SYNC_CHECK: why there is no store;
					  * or NULL */
	struct account_list globs; /* only mailboxes that fit one; none: all */
};

/*
 * The store must be open (for writing if depth is SYNC_APPLY). Returns an exit
 * status of godwit(1), 0 when both sides are in step; every error was reported.
 */
int sync_account(const struct account *account, const struct ports *ports,
	const struct sync_options *options);

#endif
