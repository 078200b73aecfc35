/*
 * Guard: refuses a plan that looks like an accident.
 *
 * An unmounted disk, an emptied server, a script that went wild: each looks to
 * the planner like a user who deletes much. A mailbox that would lose more than
 * the user allows keeps everything: its removals are taken out of the plan (its
 * additions stay in), and the run says so. Such a mailbox must not be settled:
 * the next run has to see the same again.
 */
#ifndef GODWIT_SYNC_GUARD_H
#define GODWIT_SYNC_GUARD_H

#include "godwit/sync/plan.h"

#include <stdbool.h>
#include <stdint.h>

struct guard_policy {
	uint32_t max_delete_percent; /* of the mailbox's messages */
	uint32_t min_messages;       /* as few may always go */
	bool allow_deletes;          /* --allow-deletes */
};

struct guard_verdict {
	bool refused;
	uint32_t removals; /* messages that would go, from either side */
	uint32_t messages; /* messages that the journal holds */
};

/*
 * Judges the plan of a mailbox that holds `messages` in the journal. Refused is
 * what takes away more messages than min_messages, and more than the percentage
 * (a mailbox that the journal does not know loses all it loses). Of a refused
 * plan nothing is left but its adds (op_is_add): forgetting goes as well, for
 * what cannot be trusted to be gone from one side cannot be for both.
 */
struct guard_verdict guard_mailbox(struct plan *plan, uint32_t messages,
	const struct guard_policy *policy);

/* The Maildir root, as it was when last in step and as it is. */
struct guard_root {
	uint64_t device;
	uint64_t inode;
	bool empty; /* holds no mailbox */
	bool whole; /* holds every message that the journal knows; need be known
		     * only of one that is on another device */
};

/*
 * Why the root must not be trusted, as a clause that "the Maildir root" goes
 * before; NULL if it may be. `before` is NULL in the first run; `messages` are
 * those that the journal holds: where it holds none, none can be missed.
 */
const char *guard_root_refused(const struct guard_root *before,
	const struct guard_root *now, uint32_t messages);

#endif
