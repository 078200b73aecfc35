/*
 * How: the readers of the keys that are like no other: server, tls, password,
 * auth, pin, env and what names mailboxes. No message here repeats what a
 * user may have written in the place of a password.
 */
#include "key.h"
#include "value.h"

#include "godwit/base/limits.h"
#include "godwit/base/nearest.h"

#include <stdlib.h>
#include <string.h>

int read_server(const struct conf_context *c, const struct key *key,
	const struct node *value, struct account *account)
{
	const char *wrong;
	struct str host;
	uint64_t port;

	if (word_want(c, key, value) != 0)
		return -1;
	wrong = value_server(value->word, &host, &port);
	if (wrong != NULL)
		return conf_error(c, value->mark, "'server' %s", wrong);
	account->host = arena_str(c->arena, host).ptr;
	account->port = (uint16_t)port;
	return 0;
}

int read_tls(const struct conf_context *c, const struct key *key,
	const struct node *value, struct account *account)
{
	if (value->kind == NODE_MAP)
		return key_table_read(c, key->keys, value, account);
	return read_word(c, key, value, account);
}

int read_pins(const struct conf_context *c, const struct key *key,
	const struct node *value, struct account *account)
{
	const struct str prefix = STR("sha256:");
	struct account_pin *pins;
	struct key_items words;

	if (words_want(c, key, value, &words) != 0)
		return -1;
	pins = arena_array(c->arena, words.count, sizeof(*pins));
	for (size_t i = 0; i < words.count; i++) {
		struct str word = words.items[i]->word;

		if (!str_starts(word, prefix) ||
			!value_base64_32(str_sub(word, prefix.len, word.len),
				pins[i].sha256))
			return conf_error(c, words.items[i]->mark,
				"'pin' wants sha256: and 44 letters of Base64, "
				"the hash of the server's public key");
	}
	account->tls.pins = pins;
	account->tls.pin_count = words.count;
	return 0;
}

/* What a password source is, from which key was read. */
static enum account_password_source source_of(
	const struct account_password *password)
{
	if (password->command.argv != NULL)
		return ACCOUNT_PASSWORD_COMMAND;
	return password->file != NULL ? ACCOUNT_PASSWORD_FILE
				      : ACCOUNT_PASSWORD_ENV;
}

int read_password(const struct conf_context *c, const struct key *key,
	const struct node *value, struct account *account)
{
	if (value->kind == NODE_WORD && !value->is_null)
		return conf_error(c, value->mark,
			"a password is not kept in this file: write {command: "
			"...}, {file: PATH} or {env: NAME}, or leave the key "
			"out to be asked");
	if (value->kind != NODE_MAP || value->count != 1 ||
		key_table_find(key->keys, value->first->key) == NULL)
		return conf_error(c, value->mark,
			"'password' takes one of {command: ...}, {file: PATH} "
			"and {env: NAME}");
	account->password = (struct account_password){0};
	if (key_table_read(c, key->keys, value, account) != 0)
		return -1;
	account->password.source = source_of(&account->password);
	return 0;
}

static bool is_env_name(struct str word)
{
	for (size_t i = 0; i < word.len; i++) {
		char c = word.ptr[i];
		bool letter = (c >= 'a' && c <= 'z') ||
			      (c >= 'A' && c <= 'Z') || c == '_';

		if (!letter && (i == 0 || c < '0' || c > '9'))
			return false;
	}
	return word.len > 0;
}

int read_env(const struct conf_context *c, const struct key *key,
	const struct node *value, struct account *account)
{
	struct str name = value->word;

	if (word_want(c, key, value) != 0)
		return -1;
	if (!is_env_name(name))
		return conf_error(c, value->mark,
			"'env' wants the name of an environment variable, "
			"without a $");
	memcpy(key_at(key, account), &name.ptr, sizeof(name.ptr));
	return 0;
}

static const char *const mechanisms[] = {
	"SCRAM-SHA-256-PLUS",
	"SCRAM-SHA-256",
	"SCRAM-SHA-1-PLUS",
	"SCRAM-SHA-1",
	"EXTERNAL",
	"GSSAPI",
	"CRAM-MD5",
	"PLAIN",
	"XOAUTH2",
	"OAUTHBEARER",
	"LOGIN",
};

static int mechanism_read(const struct conf_context *c, const struct node *word,
	struct str *mechanism_r)
{
	const size_t count = sizeof(mechanisms) / sizeof(mechanisms[0]);
	struct nearest nearest = {.word = word->word};

	for (size_t i = 0; i < count; i++) {
		*mechanism_r = str_of(mechanisms[i]);
		if (str_ieq(word->word, *mechanism_r))
			return 0;
		nearest_offer(&nearest, *mechanism_r);
	}
	if (nearest.best.len > 0)
		return conf_error(c, word->mark,
			"unknown mechanism '%.60s': did you mean '%s'?",
			word->word.ptr, nearest.best.ptr);
	return conf_error(c, word->mark,
		"unknown mechanism '%.60s': see 'auth' in godwit.yaml(5)",
		word->word.ptr);
}

int read_auth(const struct conf_context *c, const struct key *key,
	const struct node *value, struct account *account)
{
	struct account_list list;
	struct key_items words;

	if (words_want(c, key, value, &words) != 0)
		return -1;
	if (words.count == 0)
		return conf_error(c, value->mark,
			"'auth' allows no mechanism at all: leave it out for "
			"the strongest that the server has");
	list.items = arena_array(c->arena, words.count, sizeof(*list.items));
	list.count = words.count;
	for (size_t i = 0; i < words.count; i++) {
		if (mechanism_read(c, words.items[i], &list.items[i]) != 0)
			return -1;
	}
	account->auth = list;
	return 0;
}

static int glob_check(const struct conf_context *c, const struct key *key,
	const struct node *word)
{
	if (word->word.len <= LIMIT_MAILBOX_NAME_BYTES &&
		!word_has_control(word->word))
		return 0;
	return conf_error(c, word->mark,
		"'%s': no mailbox name is so long or holds control "
		"characters",
		key->name);
}

int read_globs(const struct conf_context *c, const struct key *key,
	const struct node *value, struct account *account)
{
	struct account_list list;
	struct key_items words;

	if (words_want(c, key, value, &words) != 0)
		return -1;
	list.items = arena_array(c->arena, words.count, sizeof(*list.items));
	list.count = words.count;
	for (size_t i = 0; i < words.count; i++) {
		if (glob_check(c, key, words.items[i]) != 0)
			return -1;
		list.items[i] = words.items[i]->word;
	}
	memcpy(key_at(key, account), &list, sizeof(list));
	return 0;
}

/* One rename, with where its names stand. */
struct rename_at {
	struct mailbox_rename rename;
	struct node_mark server_mark;
	struct node_mark local_mark;
};

/* A mailbox's name as `godwit list` shows it, into *name_r. */
static int name_read(const struct conf_context *c, struct node_mark at,
	struct str word, struct str *name_r)
{
	struct buf name = {0};
	int result = 0;

	if (word.len > LIMIT_MAILBOX_NAME_BYTES ||
		mailbox_name_from_user(word, &name, NULL) != 0)
		result = conf_error(c, at,
			"'rename' wants a mailbox's name like a/b, no part of "
			"it empty, with a dot in front, or cur, new or tmp");
	else
		*name_r = arena_str(c->arena, buf_str(&name));
	buf_clear(&name);
	return result;
}

static int rename_read(const struct conf_context *c, const struct key *key,
	const struct node *item, struct rename_at *at)
{
	at->server_mark = item->key_mark;
	at->local_mark = item->mark;
	if (name_read(c, item->key_mark, item->key, &at->rename.server) != 0 ||
		word_want(c, key, item) != 0)
		return -1;
	return name_read(c, item->mark, item->word, &at->rename.local);
}

static int by_server(const void *a, const void *b)
{
	const struct rename_at *one = a;
	const struct rename_at *two = b;

	int order = str_cmp(one->rename.server, two->rename.server);

	return order != 0 ? order
			  : node_mark_cmp(one->server_mark, two->server_mark);
}

static int by_local(const void *a, const void *b)
{
	const struct rename_at *one = a;
	const struct rename_at *two = b;

	int order = str_cmp(one->rename.local, two->rename.local);

	return order != 0 ? order
			  : node_mark_cmp(one->local_mark, two->local_mark);
}

static bool moves_inbox(const struct rename_at *items, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (str_eq(items[i].rename.server, STR("INBOX")))
			return true;
	}
	return false;
}

/* No server name twice, no local name twice; sorts `items` on the way. */
static int renames_check(
	const struct conf_context *c, struct rename_at *items, size_t count)
{
	bool inbox_taken = !moves_inbox(items, count);

	qsort(items, count, sizeof(*items), by_server);
	for (size_t i = 1; i < count; i++) {
		struct str server = items[i].rename.server;

		if (str_eq(items[i - 1].rename.server, server))
			return conf_error(c, items[i].server_mark,
				"'%.60s' is renamed twice", server.ptr);
	}
	qsort(items, count, sizeof(*items), by_local);
	for (size_t i = 0; i < count; i++) {
		struct str local = items[i].rename.local;

		if (i > 0 && str_eq(items[i - 1].rename.local, local))
			return conf_error(c, items[i].local_mark,
				"two mailboxes would be the folder '%.60s'",
				local.ptr);
		if (inbox_taken && str_eq(local, STR("INBOX")))
			return conf_error(c, items[i].local_mark,
				"two mailboxes would be the folder 'INBOX': "
				"rename INBOX too");
	}
	return 0;
}

int read_renames(const struct conf_context *c, const struct key *key,
	const struct node *value, struct account *account)
{
	struct mailbox_rename *renames;
	struct rename_at *items;
	size_t count = 0;

	if (value->kind != NODE_MAP)
		return conf_error(c, value->mark,
			"'%s' takes a mapping, {\"server name\": \"local "
			"name\"}",
			key->name);
	items = arena_array(c->arena, value->count, sizeof(*items));
	renames = arena_array(c->arena, value->count, sizeof(*renames));
	for (const struct node *item = value->first; item; item = item->next) {
		if (rename_read(c, key, item, &items[count]) != 0)
			return -1;
		renames[count] = items[count].rename;
		count++;
	}
	if (renames_check(c, items, count) != 0)
		return -1;
	account->mailboxes.renames = renames;
	account->mailboxes.rename_count = count;
	return 0;
}
