/*
 * conf/config: any bytes as a godwit.yaml.
 *
 * What is taken must keep what struct account promises; what is refused must
 * say where, and with a status of its own.
 */
#include "godwit/conf/config.h"

#include "godwit/base/limits.h"

#include "fuzz.h"

#include <string.h>

static void str_check(struct str s)
{
	check(s.ptr[s.len] == '\0' && strlen(s.ptr) == s.len);
}

static void path_check(const char *path)
{
	check(path[0] == '/' && strlen(path) < 4096);
	check(strstr(path, "//") == NULL && strstr(path, "/../") == NULL);
}

static void command_check(const struct account_command *command)
{
	check(command->argv == NULL || command->argv[0] != NULL);
}

static void list_check(const struct account_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		str_check(list->items[i]);
}

static void server_check(const struct account *a)
{
	bool tunnel = a->tunnel.argv != NULL;

	check(a->host != NULL || tunnel);
	check(a->host == NULL || strpbrk(a->host, "/@ []\n") == NULL);
	check(a->port != 0);
	check(a->connections >= 1 && a->connections <= 32);
	check(a->timeout_ms >= 1000 && a->timeout_ms <= 3600 * 1000);
	check((a->tls.cert_path == NULL) == (a->tls.key_path == NULL));
	check(a->tls.mode != ACCOUNT_TLS_OFF || tunnel || a->allow_cleartext ||
		strncmp(a->host, "127.", 4) == 0 ||
		strchr(a->host, ':') != NULL ||
		strcasecmp(a->host, "localhost") == 0);
}

static void password_check(const struct account_password *password)
{
	unsigned sources = (password->command.argv != NULL) +
			   (password->file != NULL) + (password->env != NULL);

	check(sources == (password->source != ACCOUNT_PASSWORD_ASK));
}

static void account_check(const struct account *a)
{
	str_check(a->name);
	check(a->name.len > 0 && strchr(a->name.ptr, '/') == NULL);
	server_check(a);
	password_check(&a->password);
	path_check(a->maildir);
	path_check(a->state);
	command_check(&a->tunnel);
	command_check(&a->hooks.new_mail);
	command_check(&a->hooks.done);
	list_check(&a->auth);
	list_check(&a->mailboxes.include);
	list_check(&a->mailboxes.exclude);
	for (size_t i = 0; i < a->mailboxes.rename_count; i++) {
		str_check(a->mailboxes.renames[i].server);
		str_check(a->mailboxes.renames[i].local);
	}
	check(a->guard.max_delete_percent <= 100);
}

void fuzz_one(struct str input)
{
	const struct config_source source = {"fuzz.yaml", input};
	const struct config_env env = {.home = "/home/alice"};
	const struct config *config = NULL;
	struct arena arena = {0};
	struct err err = {0};

	if (config_parse(&arena, source, &env, &config, &err) == 0) {
		check(config->account_count > 0 &&
			config->account_count <= LIMIT_CONFIG_ACCOUNTS);
		for (size_t i = 0; i < config->account_count; i++)
			account_check(&config->accounts[i]);
	} else {
		check(config == NULL && err.cause == ERR_CONFIG);
		check(strncmp(err.text, "fuzz.yaml", 9) == 0);
	}
	arena_clear(&arena);
}
