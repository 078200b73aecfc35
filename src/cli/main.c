/*
 * How: the map of the program. The command line becomes options, the file a
 * config, both together jobs; each job's account gets its ports and runs, and
 * tells what happens to the printer; the jobs' statuses become one.
 */
#include "godwit/base/arena.h"
#include "godwit/cli/options.h"
#include "godwit/cli/printer.h"
#include "godwit/cli/select.h"
#include "godwit/conf/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static int64_t monotonic_ms(void *ctx)
{
	struct timespec now;

	(void)ctx;
	check(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static const struct clock_port printer_clock = {.monotonic_ms = monotonic_ms};

static void printer_start(
	struct printer *printer, const struct cli_options *options)
{
	bool out_terminal = isatty(STDOUT_FILENO) == 1;
	bool err_terminal = isatty(STDERR_FILENO) == 1;
	const char *no_color = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	printer_init(printer,
		(struct printer_setup){
			.options = options,
			.clock = &printer_clock,
			.out = stdout,
			.err = stderr,
			.out_color = cli_color_wanted(
				options->color, out_terminal, term, no_color),
			.err_color = cli_color_wanted(
				options->color, err_terminal, term, no_color),
			.out_terminal = out_terminal,
			.err_terminal = err_terminal,
		});
}

/* --help and --version. */
static void about_print(const struct cli_options *options)
{
	struct buf text = {0};

	if (options->action == CLI_HELP)
		cli_help(options->command, &text);
	else
		buf_addz(&text, PACKAGE_NAME " " PACKAGE_VERSION "\n");
	(void)fwrite(text.ptr, 1, text.len, stdout);
	buf_clear(&text);
}

static int config_find(struct arena *a, const struct cli_options *options,
	const struct config **config_r, struct err *err)
{
	const struct config_env env = {
		.home = getenv("HOME"),
		.xdg_config_home = getenv("XDG_CONFIG_HOME"),
		.xdg_state_home = getenv("XDG_STATE_HOME"),
		.godwit_config = getenv("GODWIT_CONFIG"),
	};
	const char *path;

	if (config_path(a, options->config_path, &env, &path, err) != 0)
		return -1;
	return config_load(a, path, &env, config_r, err);
}

/* Runs what the options ask for; -1 and err where no account can begin. */
static int command_run(struct arena *a, const struct cli_options *options,
	struct cli_outcome *outcome, struct err *err)
{
	const struct config *config;
	struct cli_jobs jobs;

	(void)outcome;
	if (options->action != CLI_RUN) {
		about_print(options);
		return 0;
	}
	if (config_find(a, options, &config, err) != 0 ||
		cli_select(a, options, config, &jobs, err) != 0)
		return -1;
	return err_set(err, ERR_RUN, ERR_NEVER, ERR_BUG,
		"%s: this build has no engine",
		cli_command_name(options->command));
}

int main(int argc, char **argv)
{
	struct cli_options options = {0};
	struct cli_outcome outcome = {0};
	struct arena arena = {0};
	struct printer printer;
	struct err err;
	int result = cli_options_parse(
		&arena, argc, (const char *const *)argv, &options, &err);

	printer_start(&printer, &options);
	if (result == 0)
		result = command_run(&arena, &options, &outcome, &err);
	if (result != 0) {
		printer_error(&printer, &err);
		cli_outcome_add(&outcome, err_status(err.cause));
	}
	if (printer_flush(&printer, &err) != 0) {
		printer_error(&printer, &err);
		cli_outcome_add(&outcome, err_status(err.cause));
	}
	printer_clear(&printer);
	arena_clear(&arena);
	return outcome.status;
}
