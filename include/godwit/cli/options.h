/*
 * Options: the command line, read into a value.
 *
 * Nothing is done here and nothing printed: an impossible command line gives
 * an error of ERR_USAGE, with what was probably meant. Options may stand
 * anywhere, short ones may be bundled, a value follows as the next word or
 * behind '='; after "--" all words are arguments. One table in options.c says
 * what exists, for the parser, the help and the suggestions.
 */
#ifndef GODWIT_CLI_OPTIONS_H
#define GODWIT_CLI_OPTIONS_H

#include "godwit/base/arena.h"
#include "godwit/base/bytes.h"
#include "godwit/base/err.h"

#include <stdbool.h>
#include <stddef.h>

enum cli_command {
	CLI_NONE, /* only with action HELP or VERSION */
	CLI_SYNC,
	CLI_STATUS,
	CLI_LIST,
	CLI_CHECK,
	CLI_COMMANDS
};

enum cli_action {
	CLI_RUN,
	CLI_HELP,   /* print cli_help() and end with 0 */
	CLI_VERSION /* print the version and end with 0 */
};

enum cli_verbosity {
	CLI_NORMAL,
	CLI_QUIET,  /* -q: errors only */
	CLI_VERBOSE /* -v: each operation */
};

enum cli_color {
	CLI_COLOR_AUTO, /* on terminals */
	CLI_COLOR_ALWAYS,
	CLI_COLOR_NEVER
};

/* One ACCOUNT[:MAILBOX-GLOB]; borrowed from argv. */
struct cli_target {
	struct str account;
	struct str glob; /* empty: all mailboxes */
};

struct cli_options {
	enum cli_action action;
	enum cli_command command;
	struct cli_target *targets; /* none: all accounts */
	size_t target_count;
	const char *config_path;   /* -c, or NULL */
	const char *wire_log_path; /* --wire-log, or NULL */
	enum cli_color color;
	enum cli_verbosity verbosity;
	bool json;
	bool dry_run;
	bool allow_deletes;
};

/*
 * Reads argv (argv[0] is skipped, argv[argc] not looked at). When it fails,
 * only options_r->command is set, so that the right usage can be shown.
 */
int cli_options_parse(struct arena *a, int argc, const char *const *argv,
	struct cli_options *options_r, struct err *err);

/* The command's name as typed. */
const char *cli_command_name(enum cli_command command);

/* "usage: godwit sync [-nqv] ...": one command's, or with CLI_NONE all. */
void cli_usage(enum cli_command command, struct buf *out);

/* What --help prints: usage, and every command and option with a phrase. */
void cli_help(enum cli_command command, struct buf *out);

/*
 * Whether to colour what goes to a stream: `is_terminal` is isatty()'s answer
 * for it, `term` is $TERM and `no_color` $NO_COLOR (NULL where not set).
 */
bool cli_color_wanted(enum cli_color color, bool is_terminal, const char *term,
	const char *no_color);

#endif
