/*
 * Merge: what the flags of one message become, on both sides and in the base.
 *
 * The part of plan.c that is arithmetic on flags. It knows what a side shows,
 * what it takes, and whether it may be written; it does not know what becomes
 * of a message that bears \Deleted.
 */
#ifndef GODWIT_SRC_SYNC_MERGE_H
#define GODWIT_SRC_SYNC_MERGE_H

#include "godwit/sync/plan.h"

struct merge {
	struct flags base;     /* when both were last in step; else none */
	struct flags now[2];   /* what LOCAL and REMOTE have; else none */
	struct flags after[2]; /* what they are to have */
	struct flags settled;  /* the base that this leaves behind */
	uint32_t shown;        /* keywords that LOCAL shows besides its own */
	unsigned held;         /* sides whose change is held back, a mask */
};

/*
 * Merges the flags of a message that both sides have: fills in `after`,
 * `settled` and `held`. "Three-way, each flag by itself: the side that changed
 * it since B wins; both changed it the same way: nothing to do." Without a base
 * each flag is new where it is set, so the merge is the union.
 */
void merge_flags(struct merge *merge, const struct policy *policy,
	struct keywords *keywords);

/* The part of `flags` that there is room for. */
struct flags merge_within(struct keywords *keywords,
	const struct flag_room *room, struct flags flags);

#endif
