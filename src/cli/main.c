/*
 * How: the map of the program. The command line becomes options, the file a
 * config, both together jobs; each job's account gets its ports and runs, and
 * tells what happens to the printer; the jobs' statuses become one.
 */
#include "run.h"

#include "godwit/base/arena.h"
#include "godwit/cli/options.h"
#include "godwit/cli/printer.h"
#include "godwit/cli/select.h"
#include "godwit/conf/config.h"
#include "godwit/os/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void printer_start(struct printer *printer,
	const struct cli_options *options, const struct clock_port *clock)
{
	bool out_terminal = isatty(STDOUT_FILENO) == 1;
	bool err_terminal = isatty(STDERR_FILENO) == 1;
	const char *no_color = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	printer_init(printer,
		(struct printer_setup){
			.options = options,
			.clock = clock,
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

/* The transcript: for its owner alone, since it holds mail. */
static int wire_log_open(const char *path, FILE **log_r, struct err *err)
{
	int fd;

	*log_r = NULL;
	if (path == NULL)
		return 0;
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
		0600);
	*log_r = fd < 0 ? NULL : fdopen(fd, "w");
	if (*log_r != NULL)
		return 0;
	if (fd >= 0)
		(void)close(fd);
	return err_set(err, ERR_RUN, ERR_NEVER, ERR_USAGE,
		"--wire-log %s cannot be written: %s", path, strerror(errno));
}

/* Runs what the options ask for; -1 and err where no account can begin. */
static int command_run(struct arena *a, const struct cli_options *options,
	struct printer *printer, struct cli_outcome *outcome, struct err *err)
{
	const struct report report = printer_report(printer);
	const struct config *config;
	struct cli_jobs jobs;
	FILE *wire_log;

	if (options->action != CLI_RUN) {
		about_print(options);
		return 0;
	}
	if (config_find(a, options, &config, err) != 0 ||
		cli_select(a, options, config, &jobs, err) != 0 ||
		wire_log_open(options->wire_log_path, &wire_log, err) != 0)
		return -1;
	for (size_t i = 0; i < jobs.count; i++)
		cli_outcome_add(outcome,
			run_job(options, &jobs.items[i], &report, wire_log));
	if (wire_log != NULL)
		(void)fclose(wire_log);
	return 0;
}

int main(int argc, char **argv)
{
	struct cli_options options = {0};
	struct cli_outcome outcome = {0};
	struct arena arena = {0};
	struct clock_port clock;
	struct printer printer;
	struct err err;
	int result = cli_options_parse(
		&arena, argc, (const char *const *)argv, &options, &err);

	/* A file over `ulimit -f`, a reader gone: errors, not deaths. */
	(void)signal(SIGXFSZ, SIG_IGN);
	(void)signal(SIGPIPE, SIG_IGN);
	os_clock_open(&clock);
	printer_start(&printer, &options, &clock);
	if (result == 0)
		result =
			command_run(&arena, &options, &printer, &outcome, &err);
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
