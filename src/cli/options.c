/*
 * How: two tables, of commands and of options; each option's row has the
 * function that puts it into the options. Words are gone through once; whether
 * an option suits the command is seen at the end, as the command may come last.
 */
#include "godwit/cli/options.h"

#include "godwit/base/nearest.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct command {
	const char *name;
	const char *arguments;
	const char *help;
	bool takes_globs; /* ACCOUNT:GLOB, not only ACCOUNT */
};

static const struct command commands[CLI_COMMANDS] = {
	[CLI_SYNC] = {"sync", "[ACCOUNT[:MAILBOX-GLOB]]...",
		"bring the Maildirs and the server in step", true},
	[CLI_STATUS] = {"status", "[ACCOUNT]...",
		"show what a sync would have to do", false},
	[CLI_LIST] = {"list", "[ACCOUNT]...",
		"list the mailboxes of both sides", false},
	[CLI_CHECK] = {"check", "[ACCOUNT]...",
		"look at config, Maildir and server; change nothing", false},
};

struct option {
	const char *name;
	const char *value; /* what follows it, in the help; NULL: nothing */
	const char *wants; /* what a value must be */
	const char *help;
	bool (*take)(struct cli_options *options, const char *value);
	unsigned commands; /* mask of 1 << command; 0: all */
	char letter;       /* or NUL */
};

static bool take_dry_run(struct cli_options *options, const char *value)
{
	(void)value;
	options->dry_run = true;
	return true;
}

static bool take_quiet(struct cli_options *options, const char *value)
{
	(void)value;
	options->verbosity = CLI_QUIET;
	return true;
}

static bool take_verbose(struct cli_options *options, const char *value)
{
	(void)value;
	options->verbosity = CLI_VERBOSE;
	return true;
}

static bool take_allow_deletes(struct cli_options *options, const char *value)
{
	(void)value;
	options->allow_deletes = true;
	return true;
}

static bool take_json(struct cli_options *options, const char *value)
{
	(void)value;
	options->json = true;
	return true;
}

static bool take_config(struct cli_options *options, const char *value)
{
	options->config_path = value;
	return value[0] != '\0';
}

static bool take_wire_log(struct cli_options *options, const char *value)
{
	options->wire_log_path = value;
	return value[0] != '\0';
}

static bool take_color(struct cli_options *options, const char *value)
{
	static const char *const words[] = {
		[CLI_COLOR_AUTO] = "auto",
		[CLI_COLOR_ALWAYS] = "always",
		[CLI_COLOR_NEVER] = "never",
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(value, words[i]) == 0) {
			options->color = (enum cli_color)i;
			return true;
		}
	}
	return false;
}

static bool take_help(struct cli_options *options, const char *value)
{
	(void)value;
	options->action = CLI_HELP;
	return true;
}

static bool take_version(struct cli_options *options, const char *value)
{
	(void)value;
	options->action = CLI_VERSION;
	return true;
}

#define FOR_SYNC (1U << CLI_SYNC)

static const struct option option_table[] = {
	{"dry-run", NULL, NULL, "only say what would be done", take_dry_run,
		FOR_SYNC, 'n'},
	{"quiet", NULL, NULL, "print errors only", take_quiet, FOR_SYNC, 'q'},
	{"verbose", NULL, NULL, "print each operation", take_verbose, FOR_SYNC,
		'v'},
	{"allow-deletes", NULL, NULL,
		"let the guard pass many deletions, this once",
		take_allow_deletes, FOR_SYNC, '\0'},
	{"json", NULL, NULL, "print an object a line", take_json, 0, '\0'},
	{"config", "FILE", "the name of a file", "read this config",
		take_config, 0, 'c'},
	{"wire-log", "FILE", "the name of a file",
		"write what goes over the wire there, without secrets",
		take_wire_log, 0, '\0'},
	{"color", "WHEN", "auto, always or never",
		"auto, always or never: colours on a terminal", take_color, 0,
		'\0'},
	{"help", NULL, NULL, "print this", take_help, 0, 'h'},
	{"version", NULL, NULL, "print the version", take_version, 0, '\0'},
};

enum {
	OPTIONS = sizeof(option_table) / sizeof(option_table[0])
};

/* The state of going through the words. */
struct reader {
	int argc;
	const char *const *argv;
	int at; /* the word being read */
	bool seen[OPTIONS];
	struct cli_options *options;
	struct err *err;
};

static int usage_error(const struct reader *r, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static int usage_error(const struct reader *r, const char *format, ...)
{
	char sentence[ERR_TEXT_MAX];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(sentence, sizeof(sentence), format, args);
	va_end(args);
	return err_set(r->err, ERR_RUN, ERR_NEVER, ERR_USAGE, "%s", sentence);
}

static int option_take(struct reader *r, size_t row, const char *value)
{
	const struct option *option = &option_table[row];

	r->seen[row] = true;
	if (option->take(r->options, value))
		return 0;
	return usage_error(r, "'--%s' wants %s, not '%s'", option->name,
		option->wants, value);
}

/* The value of an option that needs one: the next word. */
static int value_take(struct reader *r, size_t row)
{
	const struct option *option = &option_table[row];

	if (r->at + 1 >= r->argc)
		return usage_error(r, "'--%s' needs a %s behind it",
			option->name, option->value);
	r->at++;
	return option_take(r, row, r->argv[r->at]);
}

static int long_unknown(const struct reader *r, struct str name)
{
	struct nearest nearest = {.word = name};

	for (size_t i = 0; i < OPTIONS; i++)
		nearest_offer(&nearest, str_of(option_table[i].name));
	if (nearest.best.len == 0)
		return usage_error(r, "unknown option '--%.*s'", STR_FMT(name));
	return usage_error(r, "unknown option '--%.*s': did you mean '--%s'?",
		STR_FMT(name), nearest.best.ptr);
}

/* --name, --name=value or --name value */
static int long_read(struct reader *r)
{
	struct str word = str_of(r->argv[r->at] + 2);
	struct str name = str_sub(word, 0, str_find(word, '='));
	bool has_value = name.len < word.len;
	size_t row = 0;

	while (row < OPTIONS && !str_eq(name, str_of(option_table[row].name)))
		row++;
	if (row == OPTIONS)
		return long_unknown(r, name);
	if (option_table[row].value == NULL && has_value)
		return usage_error(
			r, "'--%s' takes no value", option_table[row].name);
	if (option_table[row].value != NULL && !has_value)
		return value_take(r, row);
	return option_take(r, row, has_value ? name.ptr + name.len + 1 : NULL);
}

/* -n, -nqv, -cFILE or -c FILE */
static int short_read(struct reader *r)
{
	const char *letters = r->argv[r->at] + 1;

	for (; *letters != '\0'; letters++) {
		size_t row = 0;

		while (row < OPTIONS && option_table[row].letter != *letters)
			row++;
		if (row == OPTIONS)
			return usage_error(r, "unknown option '-%c'", *letters);
		if (option_table[row].value != NULL)
			return letters[1] != '\0'
				       ? option_take(r, row, letters + 1)
				       : value_take(r, row);
		if (option_take(r, row, NULL) != 0)
			return -1;
	}
	return 0;
}

static int command_read(struct reader *r)
{
	struct nearest nearest = {.word = str_of(r->argv[r->at])};

	for (size_t i = CLI_NONE + 1; i < CLI_COMMANDS; i++) {
		if (str_eq(nearest.word, str_of(commands[i].name))) {
			r->options->command = (enum cli_command)i;
			return 0;
		}
		nearest_offer(&nearest, str_of(commands[i].name));
	}
	if (nearest.best.len == 0)
		return usage_error(r, "unknown command '%s'", nearest.word.ptr);
	return usage_error(r, "unknown command '%s': did you mean '%s'?",
		nearest.word.ptr, nearest.best.ptr);
}

static int argument_read(struct reader *r)
{
	struct str word = str_of(r->argv[r->at]);
	size_t colon = str_find(word, ':');
	struct cli_target *target;

	if (r->options->command == CLI_NONE)
		return command_read(r);
	target = &r->options->targets[r->options->target_count++];
	target->account = str_sub(word, 0, colon);
	target->glob = str_sub(word, colon + 1, word.len);
	if (colon == word.len)
		return 0;
	if (!commands[r->options->command].takes_globs)
		return usage_error(r,
			"'%s' is for whole accounts: '%.*s' without ':'",
			commands[r->options->command].name,
			STR_FMT(target->account));
	if (target->glob.len == 0)
		return usage_error(
			r, "'%s' names no mailbox behind its ':'", word.ptr);
	return 0;
}

static int words_read(struct reader *r)
{
	bool only_arguments = false;
	int result = 0;

	for (r->at = 1; r->at < r->argc && result == 0; r->at++) {
		const char *word = r->argv[r->at];

		if (only_arguments || word[0] != '-' || word[1] == '\0')
			result = argument_read(r);
		else if (strcmp(word, "--") == 0)
			only_arguments = true;
		else
			result = word[1] == '-' ? long_read(r) : short_read(r);
	}
	return result;
}

/* What can only be judged when all words are read. */
static int suits_check(const struct reader *r)
{
	enum cli_command command = r->options->command;

	if (r->options->action != CLI_RUN)
		return 0;
	if (command == CLI_NONE)
		return usage_error(r, "no command is given");
	for (size_t i = 0; i < OPTIONS; i++) {
		unsigned suits = option_table[i].commands;

		if (r->seen[i] && suits != 0 && !(suits >> command & 1))
			return usage_error(r, "'%s' has no option '--%s'",
				commands[command].name, option_table[i].name);
	}
	return 0;
}

int cli_options_parse(struct arena *a, int argc, const char *const *argv,
	struct cli_options *options_r, struct err *err)
{
	struct cli_options options = {0};
	struct reader reader = {
		.argc = argc, .argv = argv, .options = &options, .err = err};

	options.targets = arena_array(
		a, argc > 0 ? (size_t)argc : 1, sizeof(*options.targets));
	if (words_read(&reader) != 0 || suits_check(&reader) != 0) {
		options_r->command = options.command;
		return -1;
	}
	*options_r = options;
	return 0;
}

const char *cli_command_name(enum cli_command command)
{
	check(command > CLI_NONE && command < CLI_COMMANDS);
	return commands[command].name;
}

/* The command's own options: "[-nqv] [--allow-deletes]". */
static void usage_options(enum cli_command command, struct buf *out)
{
	const char *open = " [-";

	for (size_t i = 0; i < OPTIONS; i++) {
		if ((option_table[i].commands >> command & 1) != 0 &&
			option_table[i].letter != '\0') {
			buf_addf(out, "%s%c", open, option_table[i].letter);
			open = "";
		}
	}
	if (open[0] == '\0')
		buf_addc(out, ']');
	for (size_t i = 0; i < OPTIONS; i++) {
		if ((option_table[i].commands >> command & 1) != 0 &&
			option_table[i].letter == '\0')
			buf_addf(out, " [--%s]", option_table[i].name);
	}
	buf_addz(out, " [--json] [-c FILE]");
}

void cli_usage(enum cli_command command, struct buf *out)
{
	const char *label = "usage:";

	for (unsigned i = CLI_NONE + 1; i < CLI_COMMANDS; i++) {
		if (command != CLI_NONE && command != i)
			continue;
		buf_addf(out, "%s godwit %s", label, commands[i].name);
		usage_options((enum cli_command)i, out);
		buf_addf(out, " %s\n", commands[i].arguments);
		label = "      ";
	}
}

static void help_option(const struct option *option, struct buf *out)
{
	char left[40];

	(void)snprintf(left, sizeof(left), "%c%c%c --%s%s%s",
		option->letter == '\0' ? ' ' : '-',
		option->letter == '\0' ? ' ' : option->letter,
		option->letter == '\0' ? ' ' : ',', option->name,
		option->value == NULL ? "" : "=",
		option->value == NULL ? "" : option->value);
	buf_addf(out, "  %-20s  %s\n", left, option->help);
}

void cli_help(enum cli_command command, struct buf *out)
{
	cli_usage(command, out);
	buf_addz(out, "\n");
	for (size_t i = CLI_NONE + 1; i < CLI_COMMANDS; i++) {
		if (command == CLI_NONE || command == i)
			buf_addf(out, "  %-7s  %s\n", commands[i].name,
				commands[i].help);
	}
	buf_addz(out, "\n");
	for (size_t i = 0; i < OPTIONS; i++) {
		unsigned suits = option_table[i].commands;

		if (command == CLI_NONE || suits == 0 ||
			(suits >> command & 1) != 0)
			help_option(&option_table[i], out);
	}
	buf_addz(out, "\nSee godwit(1), and godwit-intro(7) to begin with.\n");
}

bool cli_color_wanted(enum cli_color color, bool is_terminal, const char *term,
	const char *no_color)
{
	if (color != CLI_COLOR_AUTO)
		return color == CLI_COLOR_ALWAYS;
	if (no_color != NULL && no_color[0] != '\0')
		return false;
	return is_terminal && term != NULL && strcmp(term, "dumb") != 0;
}
