/* conf/config: what is refused, and where and how that is said. */
#include "godwit/conf/config.h"

#include "godwit/base/limits.h"

#include "tap.h"

#include <string.h>

struct refusal {
	const char *text;
	const char *message;
};

#define ACCOUNT "accounts:\n  a:\n    server: h\n    user: u\n    maildir: /m\n"

static const struct refusal refusals[] = {
	/* The YAML itself. */
	{"", "f:1:1: there is no account: 'accounts' takes a mapping of names"},
	{"a", "f:1:1: a config is a mapping that starts with 'accounts:'"},
	{"accounts: {a: {user: [}", "f:1:23: this is not valid YAML: while "
				    "parsing a flow node: did not find "
				    "expected node content"},
	{"accounts:\n\ta:\n",
		"f:2:1: YAML does not take tabs for indentation: use spaces"},
	{"accounts: {a: &x {}, b: *x}",
		"f:1:25: aliases (*) are not used here: what accounts share "
		"goes under 'defaults:'"},
	{"accounts: !!map {}",
		"f:1:11: tags (!) have no meaning here: leave it out"},
	{"accounts: !!str x",
		"f:1:11: tags (!) have no meaning here: leave it out"},
	{"accounts: \"a\\0b\"", "f:1:11: there is a NUL byte in this value"},
	{"accounts: {[a]: b}",
		"f:1:12: a key must be a word, not a list or a mapping"},
	{"a: [[[[[[[[1]]]]]]]]",
		"f:1:11: nested deeper than any key of godwit.yaml(5)"},
	{ACCOUNT "---\nb: 1\n",
		"f:6:1: a second document starts here: a config is one"},
	{"a: \xff", "f:1:1: the text is not UTF-8 that YAML allows: invalid "
		    "leading UTF-8 octet"},
	{ACCOUNT "    user: v\n", "f:6:5: 'user' is given already in line 4"},

	/* The top. */
	{"acounts: {}",
		"f:1:1: unknown key 'acounts': did you mean 'accounts'?"},
	{"server: h", "f:1:1: 'server' belongs to an account, under "
		      "'accounts:' and its name, or under 'defaults:'"},
	{"nonsense: 1", "f:1:1: unknown key 'nonsense': at the top there are "
			"only 'accounts' and 'defaults'"},
	{"accounts:", "f:1:10: there is no account: 'accounts' takes a "
		      "mapping of names"},
	{"accounts: {}", "f:1:11: there is no account: 'accounts' takes a "
			 "mapping of names"},
	{"defaults: 1", "f:1:11: 'defaults' takes a mapping of keys"},
	{"defaults: {usr: x}\n" ACCOUNT,
		"f:1:12: unknown key 'usr': did you mean 'user'?"},
	{"accounts: {a: 1}", "f:1:12: account 'a' takes a mapping of keys"},
	{"accounts: {a/b: {}}",
		"f:1:12: an account's name is 1 to 64 bytes without space, '/' "
		"and ':', and does not start with '.' or '-'"},
	{"accounts: {.a: {}}",
		"f:1:12: an account's name is 1 to 64 bytes without space, '/' "
		"and ':', and does not start with '.' or '-'"},
	{"accounts: {-n: {}}",
		"f:1:12: an account's name is 1 to 64 bytes without space, '/' "
		"and ':', and does not start with '.' or '-'"},
	{"accounts: {\"a:b\": {}}",
		"f:1:12: an account's name is 1 to 64 bytes without space, '/' "
		"and ':', and does not start with '.' or '-'"},

	/* Keys. */
	{ACCOUNT "    sevrer: x\n",
		"f:6:5: unknown key 'sevrer': did you mean 'server'?"},
	{ACCOUNT "    host: x\n",
		"f:6:5: unknown key 'host': did you mean 'server'?"},
	{ACCOUNT "    ca: /x\n", "f:6:5: 'ca' belongs under 'tls:'"},
	{ACCOUNT "    colour: x\n", "f:6:5: unknown key 'colour': see "
				    "godwit.yaml(5) for those there are"},
	{ACCOUNT "    limits: {max_sise: 1M}\n",
		"f:6:14: unknown key 'max_sise': did you mean 'max_size'?"},

	/* Types. */
	{ACCOUNT "    layout: [nested]\n",
		"f:6:13: 'layout' takes one value, not a list"},
	{ACCOUNT "    layout: {nested: 1}\n",
		"f:6:13: 'layout' takes one value, not a mapping"},
	{ACCOUNT "    layout:\n", "f:6:12: 'layout' has no value"},
	{ACCOUNT "    layout: ~\n", "f:6:13: 'layout' has no value"},
	{ACCOUNT "    layout: \"\"\n", "f:6:13: 'layout' has no value"},
	{ACCOUNT "    limits: 25M\n",
		"f:6:13: 'limits' takes a mapping of its own keys"},
	{ACCOUNT "    auth: {PLAIN: 1}\n",
		"f:6:11: 'auth' takes a list, not a mapping"},
	{ACCOUNT "    mailboxes: {include: [[a]]}\n",
		"f:6:27: 'include' takes one value, not a list"},
	{ACCOUNT "    mailboxes: {rename: [a]}\n",
		"f:6:25: 'rename' takes a mapping, {\"server name\": \"local "
		"name\"}"},

	/* Values. */
	{ACCOUNT "    layout: nestde\n",
		"f:6:13: 'layout' cannot be 'nestde': did you mean 'nested'?"},
	{ACCOUNT "    delete: no\n", "f:6:13: 'delete' must be expunge, trash "
				     "or never, not 'no'"},
	{ACCOUNT "    limits: {max_size: 25MB}\n",
		"f:6:24: 'max_size' wants a size such as 300k, 25M or 1G, not "
		"'25MB'"},
	{ACCOUNT "    retain: 30\n", "f:6:13: 'retain' wants a time such as "
				     "60s, 90m, 12h, 30d or 2w, not '30'"},
	{ACCOUNT "    guard: {max_delete: 101%}\n",
		"f:6:25: 'max_delete' must be from 0 to 100 percent, not "
		"'101%'"},
	{ACCOUNT "    guard: {max_delete: half}\n",
		"f:6:25: 'max_delete' wants a percentage such as 50%, not "
		"'half'"},
	{ACCOUNT "    connections: 0\n",
		"f:6:18: 'connections' must be from 1 to 16, not '0'"},
	{ACCOUNT "    connections: 17\n",
		"f:6:18: 'connections' must be from 1 to 16, not '17'"},
	{ACCOUNT "    connections: many\n",
		"f:6:18: 'connections' wants a whole number, not 'many'"},
	{ACCOUNT "    timeout: 2h\n",
		"f:6:14: 'timeout' must be from 1 to 3600 seconds, not '2h'"},
	{ACCOUNT "    allow_cleartext: maybe\n",
		"f:6:22: 'allow_cleartext' wants true or false, not 'maybe'"},
	{ACCOUNT "    tls: {min: 1.0}\n",
		"f:6:16: 'min' cannot be '1.0': did you mean '1.2'?"},
	{ACCOUNT "    tls: {pin: abc}\n",
		"f:6:16: 'pin' wants sha256: and 44 letters of Base64, the "
		"hash of the server's public key"},
	{ACCOUNT "    auth: [SCRAM-SHA256]\n",
		"f:6:12: unknown mechanism 'SCRAM-SHA256': did you mean "
		"'SCRAM-SHA-256'?"},
	{ACCOUNT "    auth: NTLM\n", "f:6:11: unknown mechanism 'NTLM': see "
				     "'auth' in godwit.yaml(5)"},
	{ACCOUNT "    auth: []\n",
		"f:6:11: 'auth' allows no mechanism at all: leave it out for "
		"the strongest that the server has"},
	{ACCOUNT "    tunnel: []\n", "f:6:13: 'tunnel' has no command"},
	{ACCOUNT "    tunnel: [\"\", a]\n", "f:6:14: 'tunnel' has no value"},
	{ACCOUNT "    tunnel: [a, [b]]\n",
		"f:6:17: 'tunnel' takes a list of words only"},
	{ACCOUNT "    state: Mail\n",
		"f:6:12: 'state' wants a path that starts with / or ~/"},
	{ACCOUNT "    state: ~bob/x\n",
		"f:6:12: 'state' wants a path that starts with / or ~/"},
	{ACCOUNT "    state: /a/../b\n",
		"f:6:12: 'state' must say where it is without '..'"},
	{ACCOUNT "    state: \"/a\\nb\"\n",
		"f:6:12: 'state' is not a path: it is too long or holds a "
		"control character"},
	{"accounts: {a: {server: h, user: \"a\\r\\nb\", maildir: /m}}",
		"f:1:33: 'user' holds a line end or another control character"},
	{"accounts: {a: {server: \"imaps://h\", user: u, maildir: /m}}",
		"f:1:24: 'server' is a URL: write the host alone, and 'tls:' "
		"and 'user:' beside it"},
	{"accounts: {a: {server: \"u:pw@h\", user: u, maildir: /m}}",
		"f:1:24: 'server' holds a login: write the host alone, and "
		"'user:' beside it"},
	{ACCOUNT "    mailboxes: {include: [\"a\\e\"]}\n",
		"f:6:27: 'include': no mailbox name is so long or holds "
		"control characters"},

	/* Passwords, which no message repeats. */
	{ACCOUNT "    password: hunter2\n",
		"f:6:15: a password is not kept in this file: write {command: "
		"...}, {file: PATH} or {env: NAME}, or leave the key out to "
		"be asked"},
	{ACCOUNT "    password: {hunter2: }\n",
		"f:6:15: 'password' takes one of {command: ...}, {file: PATH} "
		"and {env: NAME}"},
	{ACCOUNT "    password: [hunter2]\n",
		"f:6:15: 'password' takes one of {command: ...}, {file: PATH} "
		"and {env: NAME}"},
	{ACCOUNT "    password:\n",
		"f:6:14: 'password' takes one of {command: ...}, {file: PATH} "
		"and {env: NAME}"},
	{ACCOUNT "    password: {file: /f, env: E}\n",
		"f:6:15: 'password' takes one of {command: ...}, {file: PATH} "
		"and {env: NAME}"},
	{ACCOUNT "    password: {env: $hunter2}\n",
		"f:6:21: 'env' wants the name of an environment variable, "
		"without a $"},

	/* Between keys. */
	{"accounts: {a: {user: u, maildir: /m}}",
		"f:1:12: account 'a' has no 'server'"},
	{"accounts: {a: {server: h, maildir: /m}}",
		"f:1:12: account 'a' has no 'user'"},
	{"accounts: {a: {server: h, user: u}}",
		"f:1:12: account 'a' has no 'maildir'"},
	{"accounts: {a: {server: h, user: u, maildir: /}}",
		"f:1:45: 'maildir' cannot be / itself"},
	{ACCOUNT "    tls: off\n",
		"f:6:10: 'tls: off' would send all mail in the clear: it is "
		"for a loopback address or a tunnel, or needs "
		"'allow_cleartext: true'"},
	{"defaults: {tls: off}\n" ACCOUNT,
		"f:1:17: 'tls: off' would send all mail in the clear: it is "
		"for a loopback address or a tunnel, or needs "
		"'allow_cleartext: true'"},
	{ACCOUNT "    tls: {mode: off, ca: /x}\n    allow_cleartext: yes\n",
		"f:6:10: 'tls' is off: its other keys have no effect, leave "
		"them out"},
	{ACCOUNT "    tls: {cert: /x}\n",
		"f:6:10: 'cert' and 'key' go together: 'key' is missing"},
	{ACCOUNT "    tls: {key: /x}\n",
		"f:6:10: 'cert' and 'key' go together: 'cert' is missing"},
	{"accounts: {a: {tunnel: x, tls: starttls, maildir: /m}}",
		"f:1:32: TLS in a tunnel needs 'server' beside it, the name "
		"that the certificate must have, or just a 'pin'"},

	/* Folders. */
	{"accounts: {a: {tunnel: x, maildir: /m},\n"
	 "  b: {tunnel: x, maildir: /m/}}",
		"f:2:27: 'maildir' of account 'b' is also 'maildir' of 'a'"},
	{"accounts: {a: {tunnel: x, maildir: /m},\n"
	 "  b: {tunnel: x, maildir: /m/b}}",
		"f:2:27: 'maildir' of account 'b' lies within 'maildir' of "
		"'a'"},
	{"accounts: {a: {tunnel: x, maildir: /m/a},\n"
	 "  b: {tunnel: x, maildir: /m}}",
		"f:2:27: 'maildir' of account 'b' holds 'maildir' of 'a'"},
	{"accounts: {a: {tunnel: x, maildir: /m, state: /s},\n"
	 "  b: {tunnel: x, maildir: /n, state: /s}}",
		"f:2:38: 'state' of account 'b' is also 'state' of 'a'"},
	{ACCOUNT "    state: /m/state\n",
		"f:6:12: 'state' of account 'a' lies within 'maildir' of 'a'"},
	{"defaults: {maildir: /m}\n"
	 "accounts: {a: {tunnel: x}, b: {tunnel: x}}",
		"f:1:21: 'maildir' of account 'b' is also 'maildir' of 'a'"},
	{ACCOUNT "    mailboxes: {rename: {b: X, c: X}}\n",
		"f:6:35: two mailboxes would be the folder 'X'"},
	{ACCOUNT "    mailboxes: {rename: {b: inbox}}\n",
		"f:6:29: two mailboxes would be the folder 'INBOX': rename "
		"INBOX too"},
	{ACCOUNT "    mailboxes: {rename: {INBOX: X, inbox: Y}}\n",
		"f:6:36: 'INBOX' is renamed twice"},
	{ACCOUNT "    mailboxes: {rename: {b: ../x}}\n",
		"f:6:29: 'rename' wants a mailbox's name like a/b, no part of "
		"it empty, with a dot in front, or cur, new or tmp"},
	{ACCOUNT "    mailboxes: {rename: {b/new: x}}\n",
		"f:6:26: 'rename' wants a mailbox's name like a/b, no part of "
		"it empty, with a dot in front, or cur, new or tmp"},
	{ACCOUNT "    mailboxes: {rename: {b: /x}}\n",
		"f:6:29: 'rename' wants a mailbox's name like a/b, no part of "
		"it empty, with a dot in front, or cur, new or tmp"},
};

static void refusals_check(void)
{
	const struct config_env env = {.home = "/home/alice"};
	struct arena arena = {0};

	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		const struct refusal *r = &refusals[i];
		const struct config_source source = {"f", str_of(r->text)};
		const struct config *config = NULL;
		struct err err = {0};
		int result = config_parse(&arena, source, &env, &config, &err);

		ok(result == -1 && config == NULL, "refused: %s", r->message);
		is_str(str_of(err.text), str_of(r->message), "and said so");
		arena_reset(&arena);
	}
	arena_clear(&arena);
}

static void cause_check(void)
{
	const struct config_source source = {"f", STR("x: 1")};
	const struct config_env env = {0};
	const struct config *config = NULL;
	struct arena arena = {0};
	struct err err = {0};

	(void)config_parse(&arena, source, &env, &config, &err);
	is_int(err_status(err.cause), 78, "the exit status is that of config");
	is_int(err.scope, ERR_RUN, "nothing runs");
	is_int(err.retry, ERR_NEVER, "until the file is changed");
	arena_clear(&arena);
}

static void home_check(void)
{
	const struct config_source tilde = {
		"f", STR("accounts: {a: {tunnel: x, maildir: ~/m}}")};
	const struct config_source state = {
		"f", STR("accounts: {a: {tunnel: x, maildir: /m}}")};
	const struct config_env env = {0};
	const struct config *config = NULL;
	struct arena arena = {0};
	struct err err = {0};

	ok(config_parse(&arena, tilde, &env, &config, &err) == -1,
		"~ is refused without $HOME");
	is_str(str_of(err.text),
		STR("f:1:36: 'maildir' starts with ~ but $HOME is not set to "
		    "a path"),
		"with the place");
	ok(config_parse(&arena, state, &env, &config, &err) == -1,
		"so is having no place for the state");
	is_str(str_of(err.text),
		STR("f:1:12: account 'a' has no 'state', and neither "
		    "$XDG_STATE_HOME nor $HOME is set"),
		"with the account");
	arena_clear(&arena);
}

/* Every front part of a good text ends in an answer. */
static void prefixes_check(void)
{
	const struct str text = STR(ACCOUNT
		"    mailboxes: {rename: {\"a\\u00e9\": b}, exclude: "
		"[c]}\n    tls: {mode: \"off\"}\n    hooks: {new: |\n"
		"      x\n    }\n    allow_cleartext: true # \xc3\xa9\n");
	const struct config_env env = {.home = "/h"};
	struct arena arena = {0};
	bool answered = true;

	for (size_t len = 0; len <= text.len; len++) {
		const struct config_source source = {
			"f", str_sub(text, 0, len)};
		const struct config *config = NULL;
		struct err err = {0};
		int result = config_parse(&arena, source, &env, &config, &err);

		answered &= (result == 0) == (config != NULL);
		answered &= (result == 0) == (err.text[0] == '\0');
		arena_reset(&arena);
	}
	ok(answered, "each of %zu cut texts is taken or refused", text.len);
	arena_clear(&arena);
}

/* A text of `count` times `part`, between `front` and `back`. */
static int parse_repeated(const char *front, const char *part, size_t count,
	const char *back, struct err *err)
{
	const struct config_env env = {.home = "/h"};
	const struct config *config = NULL;
	struct arena arena = {0};
	struct buf text = {0};
	int result;

	buf_addz(&text, front);
	for (size_t i = 0; i < count; i++)
		buf_addf(&text, part, i, i);
	buf_addz(&text, back);
	result = config_parse(&arena,
		(struct config_source){"f", buf_str(&text)}, &env, &config,
		err);
	buf_clear(&text);
	arena_clear(&arena);
	return result;
}

static void sizes_check(void)
{
	struct err err = {0};

	ok(parse_repeated("accounts: {a: {tunnel: x, maildir: /m, user: ", "u",
		   1000, "}}", &err) == 0,
		"a user of 1000 bytes is taken");
	ok(parse_repeated("accounts: {a: {tunnel: x, maildir: /m, user: ", "u",
		   1001, "}}", &err) == -1,
		"a longer one is refused");
	is_str(str_of(err.text),
		STR("f:1:46: 'user' is longer than 1000 bytes"), "and said so");

	ok(parse_repeated("", "#%060zu\n", 16910, ACCOUNT, &err) == 0,
		"a text just below the limit is taken");
	ok(parse_repeated("", "#%060zu\n", 17000, ACCOUNT, &err) == -1,
		"a text above it is refused");
	is_str(str_of(err.text),
		STR("f is larger than a config can be (1048576 bytes)"),
		"with the limit");
	ok(parse_repeated("accounts:\n", "  a%zu: {tunnel: x, maildir: /m}\n",
		   1001, "", &err) == -1,
		"more than 1000 accounts are refused");
	is_str(str_of(err.text),
		STR("f:2:3: there are more than 1000 accounts"),
		"before they are compared");
	ok(parse_repeated("", "%%TAG !a%zu! x\n", 60000, "--- a\n", &err) == -1,
		"sixty thousand directives are refused");
	is_str(str_of(err.text),
		STR("f:9:1: %TAG has no meaning here: leave it out"),
		"before libyaml sees them");
	ok(parse_repeated("a: ", "[", 1000000, "", &err) == -1,
		"a million open brackets are refused");
	ok(parse_repeated("a: ", "{? ", 300000, "", &err) == -1,
		"so are a hundred thousand mappings as keys");
	ok(parse_repeated(ACCOUNT "    mailboxes: {rename: {", "x%zu: y%zu, ",
		   50000, "}}\n", &err) == 0,
		"fifty thousand renames are taken");
	ok(parse_repeated(ACCOUNT "    mailboxes: {rename: {", "x%zu: y, ",
		   50000, "}}\n", &err) == -1,
		"fifty thousand renames to one folder are not");
	is_str(str_of(err.text),
		STR("f:6:37: two mailboxes would be the folder 'y'"),
		"and the second is named");
}

int main(void)
{
	refusals_check();
	cause_check();
	home_check();
	prefixes_check();
	sizes_check();
	return tap_done();
}
