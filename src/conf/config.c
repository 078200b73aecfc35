/*
 * How: text to nodes, nodes to accounts by the table of keys (each account
 * starts as a copy of `defaults:`), then the rules between keys and between
 * accounts. Loading reads from a descriptor that was checked after it was
 * opened, so that nobody can change the file in between.
 */
#include "godwit/conf/config.h"

#include "keys.h"
#include "node.h"
#include "rules.h"

#include "godwit/base/limits.h"
#include "godwit/base/nearest.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_set(const char *variable)
{
	return variable != NULL && variable[0] != '\0';
}

int config_path(struct arena *a, const char *given,
	const struct config_env *env, const char **path_r, struct err *err)
{
	if (given != NULL)
		*path_r = given;
	else if (is_set(env->godwit_config))
		*path_r = env->godwit_config;
	else if (is_set(env->xdg_config_home) && env->xdg_config_home[0] == '/')
		*path_r = arena_printf(
			a, "%s/godwit/godwit.yaml", env->xdg_config_home);
	else if (is_set(env->home))
		*path_r = arena_printf(
			a, "%s/.config/godwit/godwit.yaml", env->home);
	else
		return err_set(err, ERR_RUN, ERR_NEVER, ERR_CONFIG,
			"$HOME is not set, so there is no place for a config: "
			"name one with -c");
	return 0;
}

/* The name is a folder's too, and stands before a ':' on the command line. */
static int name_check(const struct conf_context *c, const struct node *item)
{
	struct str name = item->key;
	bool bad = name.len == 0 || name.len > 64 || name.ptr[0] == '.' ||
		   name.ptr[0] == '-';

	for (size_t i = 0; i < name.len; i++) {
		unsigned char byte = (unsigned char)name.ptr[i];

		bad |= byte <= 0x20 || byte == 0x7f || byte == '/' ||
		       byte == ':';
	}
	if (bad)
		return conf_error(c, item->key_mark,
			"an account's name is 1 to 64 bytes without space, "
			"'/' and ':', and does not start with '.' or '-'");
	if (item->kind != NODE_MAP)
		return conf_error(c, item->key_mark,
			"account '%.60s' takes a mapping of keys",
			item->key.ptr);
	return 0;
}

static int top_unknown(const struct conf_context *c, const struct node *item)
{
	struct nearest nearest = {.word = item->key};

	nearest_offer(&nearest, STR("accounts"));
	nearest_offer(&nearest, STR("defaults"));
	if (account_has_key(item->key))
		return conf_error(c, item->key_mark,
			"'%s' belongs to an account, under 'accounts:' and its "
			"name, or under 'defaults:'",
			item->key.ptr);
	if (nearest.best.len > 0)
		return conf_error(c, item->key_mark,
			"unknown key '%.60s': did you mean '%s'?",
			item->key.ptr, nearest.best.ptr);
	return conf_error(c, item->key_mark,
		"unknown key '%.60s': at the top there are only 'accounts' "
		"and 'defaults'",
		item->key.ptr);
}

static int top_check(const struct conf_context *c, const struct node *top)
{
	if (top->kind != NODE_MAP)
		return conf_error(c, top->mark,
			"a config is a mapping that starts with 'accounts:'");
	for (const struct node *item = top->first; item; item = item->next) {
		if (!str_eq(item->key, STR("accounts")) &&
			!str_eq(item->key, STR("defaults")))
			return top_unknown(c, item);
		if (item->kind != NODE_MAP &&
			str_eq(item->key, STR("defaults")))
			return conf_error(c, item->mark,
				"'defaults' takes a mapping of keys");
	}
	return 0;
}

/* The mapping of accounts; NULL and the error if there is none. */
static const struct node *accounts_find(
	const struct conf_context *c, const struct node *top)
{
	const struct node *accounts = node_find(top, STR("accounts"));

	if (accounts != NULL && accounts->count > LIMIT_CONFIG_ACCOUNTS) {
		(void)conf_error(c, accounts->mark,
			"there are more than %d accounts",
			(int)LIMIT_CONFIG_ACCOUNTS);
		return NULL;
	}
	if (accounts != NULL && accounts->kind == NODE_MAP &&
		accounts->count > 0)
		return accounts;
	(void)conf_error(c, accounts == NULL ? top->mark : accounts->mark,
		"there is no account: 'accounts' takes a mapping of names");
	return NULL;
}

/* Reads all accounts, each from a copy of *base. */
static int accounts_read(const struct conf_context *c,
	const struct account *base, struct draft *drafts,
	const struct node *accounts)
{
	for (const struct node *item = accounts->first; item;
		item = item->next, drafts++) {
		*drafts->account = *base;
		drafts->account->name = item->key;
		drafts->own = item;
		if (name_check(c, item) != 0 ||
			account_read(c, item, drafts->account) != 0 ||
			draft_check(c, drafts) != 0)
			return -1;
	}
	return 0;
}

static int config_build(const struct conf_context *c, const struct node *top,
	struct config *config)
{
	const struct node *defaults = node_find(top, STR("defaults"));
	const struct node *accounts;
	struct account base;
	struct draft *drafts;

	if (top_check(c, top) != 0)
		return -1;
	accounts = accounts_find(c, top);
	if (accounts == NULL)
		return -1;
	account_defaults(&base);
	if (defaults != NULL && account_read(c, defaults, &base) != 0)
		return -1;
	config->account_count = accounts->count;
	config->accounts = arena_array(
		c->arena, accounts->count, sizeof(*config->accounts));
	drafts = arena_array(c->arena, accounts->count, sizeof(*drafts));
	for (size_t i = 0; i < accounts->count; i++)
		drafts[i] = (struct draft){
			.account = &config->accounts[i], .defaults = defaults};
	if (accounts_read(c, &base, drafts, accounts) != 0)
		return -1;
	return drafts_check_folders(c, drafts, accounts->count);
}

int config_parse(struct arena *a, struct config_source source,
	const struct config_env *env, const struct config **config_r,
	struct err *err)
{
	const struct conf_context context = {
		.arena = a, .path = source.path, .env = env, .err = err};
	struct config *config = arena_alloc(a, sizeof(*config));
	const struct node *top = NULL;

	if (source.text.len > LIMIT_CONFIG_BYTES)
		return err_set(err, ERR_RUN, ERR_NEVER, ERR_CONFIG,
			"%s is larger than a config can be (%d bytes)",
			source.path, (int)LIMIT_CONFIG_BYTES);
	if (node_parse(&context, source.text, &top) != 0)
		return -1;
	config->path = arena_str(a, str_of(source.path)).ptr;
	if (config_build(&context, top, config) != 0)
		return -1;
	*config_r = config;
	return 0;
}

static int load_error(const char *path, struct err *err)
{
	if (errno == ENOENT)
		return err_set(err, ERR_RUN, ERR_NEVER, ERR_CONFIG,
			"there is no config file %s: godwit.yaml(5) has one to "
			"start from",
			path);
	return err_set(err, ERR_RUN, ERR_NEVER, ERR_CONFIG,
		"cannot read the config file %s: %s", path, strerror(errno));
}

/* The file names commands that are run: only its owner may have written it. */
static int owner_check(int fd, const char *path, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return load_error(path, err);
	if (S_ISREG(st.st_mode) && (st.st_mode & S_IWOTH) != 0)
		return err_set(err, ERR_RUN, ERR_NEVER, ERR_CONFIG,
			"every user may write to the config file %s: chmod o-w "
			"it, after a look at what it says now",
			path);
	if (S_ISREG(st.st_mode) && st.st_uid != geteuid() && st.st_uid != 0)
		return err_set(err, ERR_RUN, ERR_NEVER, ERR_CONFIG,
			"the config file %s belongs to another user", path);
	return 0;
}

/* Reads to the end, but stops once there is too much for a config. */
static int file_read(int fd, struct buf *text)
{
	for (;;) {
		char *at = buf_reserve(text, 64 << 10);
		ssize_t got = read(fd, at, 64 << 10);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return (int)got;
		buf_commit(text, (size_t)got);
		if (text->len > LIMIT_CONFIG_BYTES)
			return 0;
	}
}

int config_load(struct arena *a, const char *path, const struct config_env *env,
	const struct config **config_r, struct err *err)
{
	struct config_source source = {.path = path};
	struct buf text = {0};
	int result;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return load_error(path, err);
	result = owner_check(fd, path, err);
	if (result == 0 && file_read(fd, &text) != 0)
		result = load_error(path, err);
	(void)close(fd);
	source.text = buf_str(&text);
	if (result == 0)
		result = config_parse(a, source, env, config_r, err);
	buf_clear(&text);
	return result;
}

const struct account *config_account(
	const struct config *config, struct str name)
{
	for (size_t i = 0; i < config->account_count; i++) {
		if (str_eq(config->accounts[i].name, name))
			return &config->accounts[i];
	}
	return NULL;
}
