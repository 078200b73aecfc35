/*
 * Guard: refuses a plan that looks like an accident.
 *
 * An unmounted disk, an emptied server, a script that went wild: each looks to
 * the planner like a user who deletes much. A mailbox that would lose more than
 * the user allows keeps everything: its removals are taken out of the plan (its
 * additions stay in), and the run says so.
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
	uint32_t removals; /* messages that would go, either side */
	uint32_t messages; /* messages that the journal holds */
};

/*
 * Judges the plan of a mailbox that holds `messages` in the journal; when it
 * is refused, takes the removals (of both sides, and forgettings) out of it.
 */
struct guard_verdict guard_mailbox(struct plan *plan, uint32_t messages,
	const struct guard_policy *policy);

/* The Maildir root, as it was when last in step and as it is. */
struct guard_root {
	uint64_t device;
	uint64_t inode;
	bool empty; /* holds no mailbox */
};

/* Why the root must not be trusted, as a clause; NULL if it may be. */
const char *guard_root_refused(const struct guard_root *before,
	const struct guard_root *now, uint32_t messages);

#endif
