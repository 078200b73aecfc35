/*
 * How: the table itself. Adding a key is adding a row (and a member to struct
 * account, a line to account_defaults and to godwit.yaml(5)).
 */
#include "keys.h"

#include "key.h"

#include "godwit/base/limits.h"

#define AT(member)                                                             \
	.offset = offsetof(struct account, member),                            \
	.size = sizeof(((struct account *)NULL)->member)

enum {
	YEAR_DAYS = 365,
	DAY_S = 86400,
};

static const struct key_word tls_words[] = {
	{"implicit", ACCOUNT_TLS_IMPLICIT},
	{"starttls", ACCOUNT_TLS_STARTTLS},
	{"off", ACCOUNT_TLS_OFF},
	{NULL, 0},
};

static const struct key_word tls_min_words[] = {
	{"1.2", ACCOUNT_TLS_1_2},
	{"1.3", ACCOUNT_TLS_1_3},
	{NULL, 0},
};

static const struct key_word layout_words[] = {
	{"nested", LAYOUT_NESTED},
	{"maildir++", LAYOUT_MAILDIRPP},
	{NULL, 0},
};

static const struct key_word direction_words[] = {
	{"both", ACCOUNT_DIRECTION_BOTH},
	{"pull", ACCOUNT_DIRECTION_PULL},
	{"push", ACCOUNT_DIRECTION_PUSH},
	{NULL, 0},
};

static const struct key_word sides_words[] = {
	{"both", ACCOUNT_SIDES_BOTH},
	{"local", ACCOUNT_SIDES_LOCAL},
	{"server", ACCOUNT_SIDES_SERVER},
	{"none", ACCOUNT_SIDES_NONE},
	{NULL, 0},
};

static const struct key_word delete_words[] = {
	{"expunge", ACCOUNT_DELETE_EXPUNGE},
	{"trash", ACCOUNT_DELETE_TRASH},
	{"never", ACCOUNT_DELETE_NEVER},
	{NULL, 0},
};

static const struct key_word compress_words[] = {
	{"auto", ACCOUNT_COMPRESS_AUTO},
	{"on", ACCOUNT_COMPRESS_ON},
	{"off", ACCOUNT_COMPRESS_OFF},
	{NULL, 0},
};

static const struct key tls_keys[] = {
	{"mode", read_word, AT(tls.mode), .words = tls_words},
	{"ca", read_path, AT(tls.ca_path)},
	{.name = "pin", .read = read_pins},
	{"cert", read_path, AT(tls.cert_path)},
	{"key", read_path, AT(tls.key_path)},
	{"min", read_word, AT(tls.min), .words = tls_min_words},
	{.name = NULL},
};

static const struct key password_keys[] = {
	{"command", read_command, AT(password.command)},
	{"file", read_path, AT(password.file)},
	{"env", read_env, AT(password.env)},
	{.name = NULL},
};

static const struct key mailboxes_keys[] = {
	{"include", read_globs, AT(mailboxes.include)},
	{"exclude", read_globs, AT(mailboxes.exclude)},
	{"subscribed", read_bool, AT(mailboxes.subscribed)},
	{.name = "rename", .read = read_renames},
	{.name = NULL},
};

static const struct key limits_keys[] = {
	{"max_size", read_size, AT(limits.max_size_bytes), .max = UINT64_MAX},
	{"max_age", read_duration, AT(limits.max_age_s),
		.max = UINT64_C(100) * YEAR_DAYS * DAY_S},
	{"newest", read_count, AT(limits.newest), .max = UINT32_MAX},
	{.name = NULL},
};

static const struct key guard_keys[] = {
	{"max_delete", read_percent, AT(guard.max_delete_percent), .max = 100},
	{"min_messages", read_count, AT(guard.min_messages), .max = UINT32_MAX},
	{.name = NULL},
};

static const struct key hooks_keys[] = {
	{"new", read_command, AT(hooks.new_mail)},
	{"done", read_command, AT(hooks.done)},
	{.name = NULL},
};

static const struct key account_keys[] = {
	{.name = "server", .read = read_server},
	{"tls", read_tls, AT(tls.mode), .words = tls_words, .keys = tls_keys},
	{"allow_cleartext", read_bool, AT(allow_cleartext)},
	{"tunnel", read_command, AT(tunnel)},
	{"user", read_text, AT(user), .max = 1000},
	{.name = "password", .read = read_password, .keys = password_keys},
	{.name = "auth", .read = read_auth},
	{"maildir", read_path, AT(maildir)},
	{"layout", read_word, AT(layout), .words = layout_words},
	{.name = "mailboxes", .read = read_map, .keys = mailboxes_keys},
	{"direction", read_word, AT(direction), .words = direction_words},
	{"create", read_word, AT(create), .words = sides_words},
	{"remove", read_word, AT(remove), .words = sides_words},
	{"delete", read_word, AT(deletes), .words = delete_words},
	{"expunge", read_word, AT(expunge), .words = sides_words},
	{.name = "limits", .read = read_map, .keys = limits_keys},
	{.name = "guard", .read = read_map, .keys = guard_keys},
	{"retain", read_duration, AT(retain_s),
		.max = UINT64_C(100) * YEAR_DAYS * DAY_S},
	{"connections", read_count, AT(connections), .min = 1,
		.max = LIMIT_CONNECTIONS},
	{"compress", read_word, AT(compress), .words = compress_words},
	{"timeout", read_duration, AT(timeout_ms), .min = 1, .max = 3600,
		.scale = 1000},
	{.name = "hooks", .read = read_map, .keys = hooks_keys},
	{"state", read_path, AT(state)},
	{.name = NULL},
};

void account_defaults(struct account *account)
{
	*account = (struct account){
		.connections = 4,
		.timeout_ms = 60 * 1000,
		.create = ACCOUNT_SIDES_BOTH,
		.guard = {.max_delete_percent = 50, .min_messages = 10},
		.retain_s = UINT64_C(30) * DAY_S,
	};
}

int account_read(const struct conf_context *c, const struct node *map,
	struct account *account)
{
	return key_table_read(c, account_keys, map, account);
}

bool account_has_key(struct str name)
{
	return key_table_find(account_keys, name) != NULL;
}

const struct key *account_key_table(void)
{
	return account_keys;
}
