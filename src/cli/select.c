/*
 * How: first every target must name an account; then the config's accounts are
 * gone through in order, and each takes the targets that name it.
 */
#include "godwit/cli/select.h"

#include "godwit/base/nearest.h"

static int target_check(const struct config *config,
	const struct cli_target *target, struct err *err)
{
	struct nearest nearest = {.word = target->account};

	if (config_account(config, target->account) != NULL)
		return 0;
	for (size_t i = 0; i < config->account_count; i++)
		nearest_offer(&nearest, config->accounts[i].name);
	if (nearest.best.len > 0)
		return err_set(err, ERR_RUN, ERR_NEVER, ERR_USAGE,
			"there is no account '%.*s': did you mean '%s'?",
			STR_FMT(target->account), nearest.best.ptr);
	return err_set(err, ERR_RUN, ERR_NEVER, ERR_USAGE,
		"there is no account '%.*s' in %s", STR_FMT(target->account),
		config->path);
}

/* Whether any target names the account; its globs go into the job. */
static bool job_fill(
	struct arena *a, const struct cli_options *options, struct cli_job *job)
{
	struct account_list globs = {
		arena_array(a, options->target_count, sizeof(*globs.items)), 0};
	bool named = false;
	bool whole = false;

	for (size_t i = 0; i < options->target_count; i++) {
		const struct cli_target *target = &options->targets[i];

		if (!str_eq(target->account, job->account->name))
			continue;
		named = true;
		whole |= target->glob.len == 0;
		globs.items[globs.count++] = target->glob;
	}
	if (!whole)
		job->globs = globs;
	return named;
}

int cli_select(struct arena *a, const struct cli_options *options,
	const struct config *config, struct cli_jobs *jobs_r, struct err *err)
{
	struct cli_jobs jobs = {
		arena_array(a, config->account_count, sizeof(*jobs.items)), 0};

	for (size_t i = 0; i < options->target_count; i++) {
		if (target_check(config, &options->targets[i], err) != 0)
			return -1;
	}
	for (size_t i = 0; i < config->account_count; i++) {
		struct cli_job job = {.account = &config->accounts[i]};

		if (options->target_count == 0 || job_fill(a, options, &job))
			jobs.items[jobs.count++] = job;
	}
	*jobs_r = jobs;
	return 0;
}

void cli_outcome_add(struct cli_outcome *outcome, int status)
{
	if (status == 0)
		return;
	outcome->status =
		outcome->failed && outcome->status != status ? 1 : status;
	outcome->failed = true;
}
