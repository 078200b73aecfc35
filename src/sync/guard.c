/*
 * How: counts the messages that the removals of a plan are about (the removals
 * of one message stand side by side; what is marked because it was copied to
 * where it was moved is no removal), and cuts the plan off before the first of
 * them if they are too many.
 */
#include "godwit/sync/guard.h"

static size_t adds(const struct plan *plan)
{
	size_t count = 0;

	while (count < plan->count && op_is_add(plan->ops[count].kind))
		count++;
	return count;
}

static uint32_t count_removals(const struct plan *plan, size_t from)
{
	uint32_t row = PLAN_NONE;
	uint32_t count = 0;

	for (size_t i = from; i < plan->count; i++) {
		const struct op *op = &plan->ops[i];

		if (op->kind == OP_FORGET || op->row == row ||
			op->reason == REASON_MOVED_IN_MAILDIR)
			continue;
		row = op->row;
		count++;
	}
	return count;
}

static bool too_many(
	const struct guard_verdict *verdict, const struct guard_policy *policy)
{
	return verdict->removals > policy->min_messages &&
	       (uint64_t)verdict->removals * 100 >
		       (uint64_t)verdict->messages * policy->max_delete_percent;
}

struct guard_verdict guard_mailbox(
	struct plan *plan, uint32_t messages, const struct guard_policy *policy)
{
	size_t kept = adds(plan);
	struct guard_verdict verdict = {
		.removals = count_removals(plan, kept),
		.messages = messages,
	};

	if (policy->allow_deletes || !too_many(&verdict, policy))
		return verdict;
	verdict.refused = true;
	for (size_t i = kept; i < plan->count; i++)
		plan->per_kind[plan->ops[i].kind]--;
	plan->count = kept;
	return verdict;
}

const char *guard_root_refused(const struct guard_root *before,
	const struct guard_root *now, uint32_t messages)
{
	if (before == NULL || messages == 0)
		return NULL;
	if (now->empty)
		return "is empty, though the journal knows messages in it";
	if (now->inode != before->inode)
		return "is not the folder that it was in the last run";
	if (now->device != before->device && !now->whole)
		return "is on another disk than in the last run, and lacks "
		       "messages that the journal knows";
	return NULL;
}
