/*
 * Plan world: a message in the oracle's words, planned and the plan applied.
 */
#ifndef GODWIT_T_LIB_PLAN_WORLD_H
#define GODWIT_T_LIB_PLAN_WORLD_H

#include "godwit/mail/keywords.h"
#include "godwit/sync/plan.h"

#include "plan_oracle.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	PLAN_WORLD_OPS_MAX = 8,
};

/* The one keyword, for all messages. */
struct plan_world {
	struct keywords *keywords;
	uint32_t keyword_set; /* holds it */
};

struct row plan_world_row(
	const struct plan_world *w, const struct oracle_message *m);

/* `any`: write the same policy in the other way that there is. */
struct policy plan_world_policy(const struct plan_world *w,
	const struct oracle_policy *policy, bool any);

/* A row's operations, in the plan's order; borrowed from it. */
struct plan_world_ops {
	const struct op *op[PLAN_WORLD_OPS_MAX];
	unsigned count;
};

/* Sorts a plan's operations by row; false if they are not in the order that
 * plan.h promises. */
bool plan_world_split(
	const struct plan *plan, struct plan_world_ops *by_row, size_t rows);

struct plan_world_end {
	struct oracle_message message;
	const char *broken; /* a promise that was not kept, or NULL */
};

/* Does those operations to the message that `which` has the bit of. */
struct plan_world_end plan_world_apply(const struct plan_world *w,
	const struct oracle_message *m, const struct plan_world_ops *ops,
	const struct oracle_policy *policy, unsigned which);

/* Prints a failure as comments; `want` and `got` may be NULL. */
void plan_world_show(const char *sentence, const struct oracle_policy *policy,
	const struct oracle_message *given, const struct oracle_message *want,
	const struct oracle_message *got);
void plan_world_show_ops(const struct plan_world_ops *ops);

#endif
