/*
 * Running: one account, with the real world behind the engine's ports.
 *
 * Opens what an account needs (journal, file system, network, TLS, login),
 * hands it to the engine, and closes it again.
 */
#ifndef GODWIT_SRC_CLI_RUN_H
#define GODWIT_SRC_CLI_RUN_H

#include "godwit/cli/options.h"
#include "godwit/cli/select.h"
#include "godwit/engine/report.h"

#include <stdio.h>

/* Runs the options' command for one job; returns its exit status. What fails
 * before the engine can begin is told to the report as well. `wire_log` may be
 * NULL. */
int run_job(const struct cli_options *options, const struct cli_job *job,
	const struct report *report, FILE *wire_log);

#endif
