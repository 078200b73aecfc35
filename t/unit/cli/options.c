/* cli/options: the command line. */
#include "godwit/cli/options.h"

#include "tap.h"

#include <string.h>

enum {
	WORDS_MAX = 16
};

static struct arena arena;
static struct cli_options options;
static struct err err;

/* Parses "godwit " and the words, which single spaces part. */
static int parse(const char *words)
{
	const char *argv[WORDS_MAX] = {"godwit"};
	struct str rest = str_of(words);
	struct str word;
	int argc = 1;

	if (rest.len == 0)
		rest = (struct str){0};
	while (str_split(&rest, ' ', &word)) {
		check(argc < WORDS_MAX);
		argv[argc++] = arena_str(&arena, word).ptr;
	}
	options = (struct cli_options){0};
	err = (struct err){0};
	return cli_options_parse(&arena, argc, argv, &options, &err);
}

static void is_z(const char *got, const char *want, const char *sentence)
{
	is_str(str_of(got), str_of(want), "%s", sentence);
}

static void test_commands(void)
{
	ok(parse("sync") == 0, "a command is enough");
	is_int(options.command, CLI_SYNC, "it is sync");
	is_int(options.action, CLI_RUN, "it is to be run");
	is_int((intmax_t)options.target_count, 0, "for all accounts");
	ok(parse("status home work") == 0, "accounts may be named");
	is_int(options.command, CLI_STATUS, "for status");
	is_str(options.targets[1].account, STR("work"), "the second");
	ok(parse("list") == 0 && options.command == CLI_LIST, "list");
	ok(parse("check") == 0 && options.command == CLI_CHECK, "check");
	is_z(cli_command_name(CLI_CHECK), "check", "a command has its name");
}

static void test_targets(void)
{
	ok(parse("sync home:INBOX work home:Lists/*") == 0, "mailboxes too");
	is_int((intmax_t)options.target_count, 3, "three targets");
	is_str(options.targets[0].account, STR("home"), "account before ':'");
	is_str(options.targets[0].glob, STR("INBOX"), "mailbox behind it");
	is_str(options.targets[1].glob, STR(""), "none is all");
	is_str(options.targets[2].glob, STR("Lists/*"), "globs are kept");
	ok(parse("sync home:a:b") == 0, "a mailbox may hold a ':'");
	is_str(options.targets[0].glob, STR("a:b"), "the first one counts");
	ok(parse("sync -- -odd") == 0, "after -- all words are arguments");
	is_str(options.targets[0].account, STR("-odd"), "even that");
	ok(parse("sync -") == 0, "a single dash is an argument");
}

static void test_options(void)
{
	ok(parse("sync") == 0 && !options.dry_run && !options.json &&
			!options.allow_deletes &&
			options.verbosity == CLI_NORMAL &&
			options.color == CLI_COLOR_AUTO &&
			options.config_path == NULL &&
			options.wire_log_path == NULL,
		"nothing is set by itself");
	ok(parse("-n sync home -v --json") == 0, "options may stand anywhere");
	ok(options.dry_run && options.json, "they are set");
	is_int(options.verbosity, CLI_VERBOSE, "verbose");
	ok(parse("sync -nq") == 0 && options.dry_run &&
			options.verbosity == CLI_QUIET,
		"short options may be bundled");
	ok(parse("sync --dry-run --quiet --allow-deletes") == 0 &&
			options.dry_run && options.allow_deletes,
		"long ones have their names");
	ok(parse("sync -c f") == 0, "a value may be the next word");
	is_z(options.config_path, "f", "for -c");
	ok(parse("sync -cf") == 0 && parse("sync -ncf") == 0, "or behind -c");
	is_z(options.config_path, "f", "in a bundle too");
	ok(parse("sync --config=a=b") == 0, "or behind =");
	is_z(options.config_path, "a=b", "whole");
	ok(parse("sync --wire-log w --color never") == 0, "or after a name");
	is_z(options.wire_log_path, "w", "for --wire-log");
	is_int(options.color, CLI_COLOR_NEVER, "and for --color");
	ok(parse("sync --color=always") == 0, "colour may be forced");
	is_int(options.color, CLI_COLOR_ALWAYS, "always");
	ok(parse("sync -c -n") == 0 && !options.dry_run,
		"what follows -c is its value whatever it looks like");
}

static void test_about(void)
{
	ok(parse("--help") == 0, "help needs no command");
	is_int(options.action, CLI_HELP, "help it is");
	ok(parse("list -h") == 0 && options.action == CLI_HELP &&
			options.command == CLI_LIST,
		"a command has its own");
	ok(parse("--version") == 0 && options.action == CLI_VERSION,
		"so is the version");
}

static void test_errors(void)
{
	static const struct {
		const char *words;
		const char *message;
	} errors[] = {
		{"", "no command is given"},
		{"-n", "no command is given"},
		{"snyc", "unknown command 'snyc': did you mean 'sync'?"},
		{"frobnicate", "unknown command 'frobnicate'"},
		{"sync --jsno",
			"unknown option '--jsno': did you mean '--json'?"},
		{"sync --nothing-like-it",
			"unknown option '--nothing-like-it'"},
		{"sync -x", "unknown option '-x'"},
		{"sync -nx", "unknown option '-x'"},
		{"sync --json=yes", "'--json' takes no value"},
		{"sync -c", "'--config' needs a FILE behind it"},
		{"sync --config", "'--config' needs a FILE behind it"},
		{"sync --config=",
			"'--config' wants the name of a file, not ''"},
		{"sync --color=red",
			"'--color' wants auto, always or never, not 'red'"},
		{"list -n", "'list' has no option '--dry-run'"},
		{"--allow-deletes status",
			"'status' has no option '--allow-deletes'"},
		{"check home:INBOX",
			"'check' is for whole accounts: 'home' without ':'"},
		{"sync home:", "'home:' names no mailbox behind its ':'"},
	};

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		ok(parse(errors[i].words) == -1, "refused: godwit %s",
			errors[i].words);
		is_z(err.text, errors[i].message, "and said so");
	}
	is_int(err_status(err.cause), 64, "the status is that of usage");
	is_int(options.command, CLI_SYNC, "whose usage to show is known");
}

static bool holds(const struct buf *text, const char *part)
{
	struct str whole = buf_str(text);
	struct str wanted = str_of(part);

	for (size_t i = 0; i + wanted.len <= whole.len; i++) {
		if (str_starts(str_sub(whole, i, whole.len), wanted))
			return true;
	}
	return false;
}

static void test_help(void)
{
	struct buf text = {0};

	cli_usage(CLI_SYNC, &text);
	is_str(buf_str(&text),
		STR("usage: godwit sync [-nqv] [--allow-deletes] [--json] "
		    "[-c FILE] [ACCOUNT[:MAILBOX-GLOB]]...\n"),
		"usage comes from the tables");
	buf_reset(&text);
	cli_usage(CLI_NONE, &text);
	ok(holds(&text, "      godwit list [--json] [-c FILE] [ACCOUNT]...\n"),
		"without a command it is that of all");
	buf_reset(&text);
	cli_help(CLI_NONE, &text);
	ok(holds(&text,
		   "  -n, --dry-run         only say what would be done\n"),
		"help has each option");
	ok(holds(&text, "      --wire-log=FILE   write what"),
		"with its value");
	ok(holds(&text, "  check    look at config"), "and each command");
	buf_reset(&text);
	cli_help(CLI_LIST, &text);
	ok(!holds(&text, "--dry-run") && !holds(&text, "check  "),
		"a command's help has only what it has");
	buf_clear(&text);
}

static void test_color(void)
{
	ok(cli_color_wanted(CLI_COLOR_AUTO, true, "xterm", NULL),
		"a terminal has colours");
	ok(!cli_color_wanted(CLI_COLOR_AUTO, false, "xterm", NULL),
		"a pipe has none");
	ok(!cli_color_wanted(CLI_COLOR_AUTO, true, "dumb", NULL),
		"nor has a dumb terminal");
	ok(!cli_color_wanted(CLI_COLOR_AUTO, true, NULL, NULL),
		"nor one without a name");
	ok(!cli_color_wanted(CLI_COLOR_AUTO, true, "xterm", "1"),
		"NO_COLOR counts");
	ok(cli_color_wanted(CLI_COLOR_AUTO, true, "xterm", ""),
		"but not an empty one");
	ok(cli_color_wanted(CLI_COLOR_ALWAYS, false, NULL, "1"),
		"always is always");
	ok(!cli_color_wanted(CLI_COLOR_NEVER, true, "xterm", NULL),
		"never is never");
}

int main(void)
{
	test_commands();
	test_targets();
	test_options();
	test_about();
	test_errors();
	test_help();
	test_color();
	arena_clear(&arena);
	return tap_done();
}
