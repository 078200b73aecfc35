/*
 * Selection: which accounts a command is for, and what its exit status is.
 *
 * Joins the command line's targets with the config's accounts, and the
 * accounts' exit statuses with one another. Both are pure.
 */
#ifndef GODWIT_CLI_SELECT_H
#define GODWIT_CLI_SELECT_H

#include "godwit/base/arena.h"
#include "godwit/base/err.h"
#include "godwit/cli/options.h"
#include "godwit/conf/config.h"
#include "godwit/engine/account.h"

#include <stdbool.h>
#include <stddef.h>

/* One account to run, with the globs of all targets that name it. */
struct cli_job {
	const struct account *account;
	struct account_list globs; /* none: all its mailboxes */
};

struct cli_jobs {
	struct cli_job *items; /* in the config's order, each account once */
	size_t count;
};

/* ERR_USAGE where a target names no account, with the one meant if near. */
int cli_select(struct arena *a, const struct cli_options *options,
	const struct config *config, struct cli_jobs *jobs_r, struct err *err);

/* All zeroes: no account has ended yet. */
struct cli_outcome {
	bool failed;
	int status; /* of the run so far */
};

/* Adds an account's status: the run's is the one status if all failures share
 * it, else 1. */
void cli_outcome_add(struct cli_outcome *outcome, int status);

#endif
