/* conf/config: what a good file says. */
#include "godwit/conf/config.h"

#include "tap.h"

#include <string.h>

static struct arena arena;

static const struct config_env env = {.home = "/home/alice"};

/* The config of a text that must be good. */
static const struct config *parse_with(
	const char *text, const struct config_env *with)
{
	const struct config_source source = {"test.yaml", str_of(text)};
	const struct config *config = NULL;
	struct err err = {0};

	if (!ok(config_parse(&arena, source, with, &config, &err) == 0,
		    "the text is a config"))
		tap_note("%s", err.text);
	check(config != NULL);
	return config;
}

/* The one account of a text that must be good. */
static const struct account *parse(const char *text)
{
	return &parse_with(text, &env)->accounts[0];
}

/* A smallest account with `lines` more. */
static const struct account *parse_more(const char *lines)
{
	return parse(arena_printf(&arena,
		"accounts:\n  home:\n    server: mail.example.org\n"
		"    user: alice\n    maildir: ~/Mail/home\n%s",
		lines));
}

static void is_z(const char *got, const char *want, const char *sentence)
{
	is_str(str_of(got), str_of(want), "%s", sentence);
}

static void test_smallest(void)
{
	const struct account *a =
		parse("accounts:\n"
		      "  home:\n"
		      "    server: mail.example.org\n"
		      "    user: alice\n"
		      "    password: {command: pass show mail/home}\n"
		      "    maildir: ~/Mail/home\n");

	is_str(a->name, STR("home"), "the account has its name");
	is_z(a->host, "mail.example.org", "it has its server");
	is_int(a->port, 993, "the port is that of implicit TLS");
	is_int(a->tls.mode, ACCOUNT_TLS_IMPLICIT, "TLS is implicit");
	is_int(a->tls.min, ACCOUNT_TLS_1_2, "TLS 1.2 is the least");
	is_int((intmax_t)a->tls.pin_count, 0, "nothing is pinned");
	is_str(a->user, STR("alice"), "it has its user");
	is_int(a->password.source, ACCOUNT_PASSWORD_COMMAND,
		"a command tells the password");
	is_z(a->password.command.argv[0], "/bin/sh", "a shell runs it");
	is_z(a->password.command.argv[1], "-c", "as a script");
	is_z(a->password.command.argv[2], "pass show mail/home",
		"the script is the text");
	ok(a->password.command.argv[3] == NULL, "and nothing else");
	is_int((intmax_t)a->auth.count, 0, "the strongest mechanism is used");
	is_z(a->maildir, "/home/alice/Mail/home", "~ is the home folder");
	is_z(a->state, "/home/alice/.local/state/godwit/home",
		"the state is where XDG says");
}

static void test_defaults(void)
{
	const struct account *a = parse_more("");

	is_int(a->layout, LAYOUT_NESTED, "the layout is nested");
	is_int(a->direction, ACCOUNT_DIRECTION_BOTH, "both sides change");
	is_int(a->create, ACCOUNT_SIDES_BOTH, "mailboxes are made on both");
	is_int(a->remove, ACCOUNT_SIDES_NONE, "mailboxes are never removed");
	is_int(a->expunge, ACCOUNT_SIDES_NONE, "\\Deleted is not acted on");
	is_int(a->deletes, ACCOUNT_DELETE_EXPUNGE, "deletions are expunged");
	is_int((intmax_t)a->limits.max_size_bytes, 0, "no size limit");
	is_int((intmax_t)a->limits.max_age_s, 0, "no age limit");
	is_int((intmax_t)a->limits.newest, 0, "no limit of number");
	is_int(a->guard.max_delete_percent, 50, "the guard stops at half");
	is_int(a->guard.min_messages, 10, "of more than ten messages");
	is_int((intmax_t)a->retain_s, 2592000, "the vault keeps 30 days");
	is_int(a->connections, 4, "there are 4 connections");
	is_int(a->timeout_ms, 60000, "a minute of silence is too long");
	is_int(a->compress, ACCOUNT_COMPRESS_AUTO, "compression is weighed");
	is_int(a->password.source, ACCOUNT_PASSWORD_ASK, "the user is asked");
	ok(a->tunnel.argv == NULL, "there is no tunnel");
	ok(a->hooks.new_mail.argv == NULL && a->hooks.done.argv == NULL,
		"there are no hooks");
	ok(!a->mailboxes.subscribed && a->mailboxes.include.count == 0 &&
			a->mailboxes.exclude.count == 0 &&
			a->mailboxes.rename_count == 0,
		"all mailboxes take part under their own names");
}

static void test_tls(void)
{
	const struct account *a = parse_more(
		"    tls:\n"
		"      mode: starttls\n"
		"      ca: /etc/ssl/own.pem\n"
		"      pin: [\"sha256:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd/"
		"v8=\",\n"
		"            \"sha256:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd/"
		"v8=\"]\n"
		"      cert: ~/cert.pem\n"
		"      key: ~/key.pem\n"
		"      min: 1.3\n");

	is_int(a->tls.mode, ACCOUNT_TLS_STARTTLS, "TLS starts by STARTTLS");
	is_int(a->port, 143, "the port is that of plain IMAP");
	is_z(a->tls.ca_path, "/etc/ssl/own.pem", "an own authority is trusted");
	is_int((intmax_t)a->tls.pin_count, 2, "two keys are pinned");
	is_int(a->tls.pins[1].sha256[31], 0xff, "pins are decoded");
	is_z(a->tls.cert_path, "/home/alice/cert.pem",
		"there is a certificate");
	is_z(a->tls.key_path, "/home/alice/key.pem", "and its key");
	is_int(a->tls.min, ACCOUNT_TLS_1_3, "TLS 1.3 is the least");
	a = parse_more("    tls: {pin: sha256:AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"
		       "GBkaGxwd/v8=}\n");
	is_int((intmax_t)a->tls.pin_count, 1, "one pin needs no list");
}

static void test_cleartext(void)
{
	const struct account *a;

	a = parse("accounts: {a: {server: h, maildir: /m,\n"
		  "  tls: {cert: /c.pem, key: /k.pem}}}\n");
	ok(a->user.len == 0, "a certificate may say who the user is");

	a = parse("accounts: {a: {server: 127.0.0.1, user: u, tls: off,\n"
		  "  maildir: /m}}\n");
	is_int(a->tls.mode, ACCOUNT_TLS_OFF, "no TLS to a loopback address");
	is_int(a->port, 143, "without TLS the port is 143");
	a = parse("accounts: {a: {server: \"[::1]:1143\", user: u, tls: off,\n"
		  "  maildir: /m}}\n");
	is_z(a->host, "::1", "an address loses its brackets");
	is_int(a->port, 1143, "a port may be given");
	a = parse_more("    tls: off\n    allow_cleartext: true\n");
	ok(a->allow_cleartext, "no TLS where cleartext is allowed by name");
}

static void test_tunnel(void)
{
	const struct account *a;

	a = parse("accounts:\n  a:\n    maildir: /m\n"
		  "    tunnel: [ssh, -q, mail.example.org, imapd, \"\"]\n");
	is_z(a->tunnel.argv[0], "ssh", "a list is run as it is");
	is_z(a->tunnel.argv[4], "", "an empty argument is an argument");
	ok(a->tunnel.argv[5] == NULL, "the list ends");
	ok(a->host == NULL, "a tunnel needs no server");
	is_int(a->tls.mode, ACCOUNT_TLS_OFF, "nor TLS");
	ok(a->user.len == 0, "nor a user");
	a = parse("accounts:\n  a:\n    maildir: /m\n    tunnel: x\n"
		  "    tls: {mode: implicit, pin: sha256:AAECAwQFBgcICQoLDA0O"
		  "DxAREhMUFRYXGBkaGxwd/v8=}\n");
	is_int(a->tls.mode, ACCOUNT_TLS_IMPLICIT,
		"with a pin there may be TLS in a tunnel to nobody");
	a = parse("accounts:\n  a:\n    maildir: /m\n    user: alice\n"
		  "    server: mail.example.org\n"
		  "    tunnel: socat - SOCKS4A:proxy:mail.example.org:993\n");
	is_int(a->tls.mode, ACCOUNT_TLS_IMPLICIT,
		"with a server beside it there is TLS in the tunnel");
	a = parse("accounts:\n  a:\n    maildir: /m\n    user: alice\n"
		  "    server: mail.example.org\n    tls: off\n"
		  "    tunnel: ssh mail.example.org imapd\n");
	is_int(a->tls.mode, ACCOUNT_TLS_OFF, "unless it is turned off");
}

static void test_password(void)
{
	const struct account *a;

	a = parse_more("    password: {command: [pass, show, \"a b\"]}\n");
	is_z(a->password.command.argv[2], "a b", "a password command's words");
	a = parse_more("    password: {file: ~/.secret}\n");
	is_int(a->password.source, ACCOUNT_PASSWORD_FILE, "a password file");
	is_z(a->password.file, "/home/alice/.secret", "its path is expanded");
	a = parse_more("    password: {env: MAIL_PW}\n");
	is_int(a->password.source, ACCOUNT_PASSWORD_ENV, "a variable");
	is_z(a->password.env, "MAIL_PW", "by its name");
	a = parse("defaults: {password: {command: x}}\n"
		  "accounts: {a: {server: h, user: u, maildir: /m,\n"
		  "  password: {env: P}}}\n");
	is_int(a->password.source, ACCOUNT_PASSWORD_ENV,
		"an account's password replaces that of the defaults");
	ok(a->password.command.argv == NULL, "whole");
}

static void test_auth(void)
{
	const struct account *a;

	a = parse_more("    auth: [scram-sha-256, PLAIN]\n");
	is_int((intmax_t)a->auth.count, 2, "two mechanisms are allowed");
	is_str(a->auth.items[0], STR("SCRAM-SHA-256"), "in capitals");
	a = parse_more("    auth: xoauth2\n");
	is_str(a->auth.items[0], STR("XOAUTH2"), "one needs no list");
}

static void test_mailboxes(void)
{
	const struct account *a =
		parse_more("    mailboxes:\n"
			   "      include: [\"*\"]\n"
			   "      exclude: [Spam, \"Lists/%\"]\n"
			   "      subscribed: true\n"
			   "      rename:\n"
			   "        \"[Gmail]/Sent Mail\": Sent\n"
			   "        inbox: Inbox/In\n"
			   "        a: \"INBOX\"\n");

	is_int((intmax_t)a->mailboxes.include.count, 1, "one pattern includes");
	is_str(a->mailboxes.exclude.items[1], STR("Lists/%"), "two exclude");
	ok(a->mailboxes.subscribed, "only subscribed ones");
	is_int((intmax_t)a->mailboxes.rename_count, 3, "three are renamed");
	is_str(a->mailboxes.renames[0].server, STR("[Gmail]/Sent Mail"),
		"the server's name comes first");
	is_str(a->mailboxes.renames[0].local, STR("Sent"), "then the local");
	is_str(a->mailboxes.renames[1].server, STR("INBOX"),
		"INBOX is written so");
	is_str(a->mailboxes.renames[2].local, STR("INBOX"),
		"as a local name too");
	a = parse_more("    mailboxes: {rename: {\"e\\u0301\": x}}\n");
	is_str(a->mailboxes.renames[0].server, STR("\xc3\xa9"),
		"names are put together as Unicode wants them");
}

static void test_policy(void)
{
	const struct account *a = parse_more(
		"    layout: maildir++\n    direction: pull\n"
		"    create: local\n    remove: server\n"
		"    delete: trash\n    expunge: both\n"
		"    limits: {max_size: 25M, max_age: 90d, newest: 10000}\n"
		"    guard: {max_delete: 75%, min_messages: 3}\n"
		"    retain: 0\n    connections: 16\n    compress: on\n"
		"    timeout: 2m\n    hooks: {new: notify, done: [a, b]}\n"
		"    state: /var/lib/godwit/home/\n");

	is_int(a->layout, LAYOUT_MAILDIRPP, "layout");
	is_int(a->direction, ACCOUNT_DIRECTION_PULL, "direction");
	is_int(a->create, ACCOUNT_SIDES_LOCAL, "create");
	is_int(a->remove, ACCOUNT_SIDES_SERVER, "remove");
	is_int(a->deletes, ACCOUNT_DELETE_TRASH, "delete");
	is_int(a->expunge, ACCOUNT_SIDES_BOTH, "expunge");
	is_int((intmax_t)a->limits.max_size_bytes, 25 << 20, "max_size");
	is_int((intmax_t)a->limits.max_age_s, 7776000, "max_age");
	is_int((intmax_t)a->limits.newest, 10000, "newest");
	is_int(a->guard.max_delete_percent, 75, "max_delete");
	is_int(a->guard.min_messages, 3, "min_messages");
	is_int((intmax_t)a->retain_s, 0, "retain");
	is_int(a->connections, 16, "connections");
	is_int(a->compress, ACCOUNT_COMPRESS_ON, "compress");
	is_int(a->timeout_ms, 120000, "timeout");
	is_z(a->hooks.new_mail.argv[2], "notify", "hooks: new");
	is_z(a->hooks.done.argv[1], "b", "hooks: done");
	is_z(a->state, "/var/lib/godwit/home", "state, without the last /");
}

static void test_several(void)
{
	const struct config *config = parse_with(
		"defaults:\n"
		"  server: mail.example.org\n"
		"  tls: {mode: starttls, ca: /ca.pem}\n"
		"  limits: {newest: 5, max_age: 1w}\n"
		"  maildir: ~/Mail\n"
		"accounts:\n"
		"  work: {user: w, maildir: ~//Mail2/./work/, tls: implicit,\n"
		"    limits: {newest: 7}}\n"
		"  home: {user: h}\n",
		&(struct config_env){
			.home = "/home/alice/", .xdg_state_home = "/state"});
	const struct account *work = &config->accounts[0];
	const struct account *home = &config->accounts[1];

	is_int((intmax_t)config->account_count, 2, "there are two accounts");
	is_str(work->name, STR("work"), "in the order of the file");
	is_z(work->maildir, "/home/alice/Mail2/work", "paths are tidied");
	is_z(home->host, "mail.example.org", "defaults serve all");
	is_z(home->maildir, "/home/alice/Mail", "the Maildir among them");
	is_int(work->tls.mode, ACCOUNT_TLS_IMPLICIT, "an account overrides");
	is_z(work->tls.ca_path, "/ca.pem", "key by key within tls");
	is_int((intmax_t)work->limits.newest, 7, "and within limits");
	is_int((intmax_t)work->limits.max_age_s, 604800, "what it names");
	is_int((intmax_t)home->limits.newest, 5, "others keep the defaults");
	is_z(home->state, "/state/godwit/home", "$XDG_STATE_HOME counts");
	ok(config_account(config, STR("home")) == home,
		"an account is found by its name");
	ok(config_account(config, STR("hom")) == NULL,
		"there is none by half its name");
	is_z(config->path, "test.yaml", "the config knows its path");
}

static const char *path_of(const char *given, struct config_env with)
{
	const char *path = NULL;

	return config_path(&arena, given, &with, &path, NULL) == 0 ? path
								   : NULL;
}

static void test_path(void)
{
	is_z(path_of("x.yaml",
		     (struct config_env){"/h", "/c", NULL, "/g.yaml"}),
		"x.yaml", "-c comes first");
	is_z(path_of(NULL, (struct config_env){"/h", "/c", NULL, "/g.yaml"}),
		"/g.yaml", "then $GODWIT_CONFIG");
	is_z(path_of(NULL, (struct config_env){"/h", "/c", NULL, ""}),
		"/c/godwit/godwit.yaml", "then $XDG_CONFIG_HOME");
	is_z(path_of(NULL, (struct config_env){"/h", "", NULL, NULL}),
		"/h/.config/godwit/godwit.yaml", "then ~/.config");
	is_z(path_of(NULL, (struct config_env){"/h", "rel", NULL, NULL}),
		"/h/.config/godwit/godwit.yaml",
		"a relative $XDG_CONFIG_HOME does not count");
	ok(path_of(NULL, (struct config_env){0}) == NULL,
		"without $HOME there is no place");
}

int main(void)
{
	test_smallest();
	test_defaults();
	test_tls();
	test_cleartext();
	test_tunnel();
	test_password();
	test_auth();
	test_mailboxes();
	test_policy();
	test_several();
	test_path();
	arena_clear(&arena);
	return tap_done();
}
