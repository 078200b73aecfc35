/*
 * How: the readers of single values. Each asks for the kind of node it needs,
 * turns the word into a number, text or path, holds it against its row's
 * bounds, and stores it where the row points to.
 */
#include "key.h"
#include "value.h"

#include "godwit/base/nearest.h"

#include <inttypes.h>
#include <string.h>

enum {
	PATH_BYTES_MAX = 4096
};

void *key_at(const struct key *key, struct account *account)
{
	return (unsigned char *)account + key->offset;
}

void key_store(const struct key *key, struct account *account, uint64_t number)
{
	uint32_t narrow = (uint32_t)number;
	bool flag = number != 0;

	check(key->size == sizeof(number) || narrow == number);
	switch (key->size) {
	case sizeof(number):
		memcpy(key_at(key, account), &number, sizeof(number));
		break;
	case sizeof(narrow):
		memcpy(key_at(key, account), &narrow, sizeof(narrow));
		break;
	default:
		check(key->size == sizeof(flag));
		memcpy(key_at(key, account), &flag, sizeof(flag));
	}
}

bool word_has_control(struct str word)
{
	for (size_t i = 0; i < word.len; i++) {
		if ((unsigned char)word.ptr[i] < 0x20 || word.ptr[i] == 0x7f)
			return true;
	}
	return false;
}

int word_want(const struct conf_context *c, const struct key *key,
	const struct node *value)
{
	if (value->kind != NODE_WORD)
		return conf_error(c, value->mark,
			"'%s' takes one value, not a %s", key->name,
			value->kind == NODE_LIST ? "list" : "mapping");
	if (value->is_null || value->word.len == 0)
		return conf_error(
			c, value->mark, "'%s' has no value", key->name);
	return 0;
}

int words_want(const struct conf_context *c, const struct key *key,
	const struct node *value, struct key_items *words_r)
{
	const struct node *item =
		value->kind == NODE_LIST ? value->first : value;
	size_t count = value->kind == NODE_LIST ? value->count : 1;

	*words_r = (struct key_items){
		arena_array(c->arena, count, sizeof(struct node *)), count};
	if (value->kind == NODE_MAP)
		return conf_error(c, value->mark,
			"'%s' takes a list, not a mapping", key->name);
	for (size_t i = 0; i < count; i++, item = item->next) {
		if (word_want(c, key, item) != 0)
			return -1;
		words_r->items[i] = item;
	}
	return 0;
}

/* How a number is written. */
struct number_form {
	bool (*parse)(struct str word, uint64_t *number_r);
	const char *what; /* "a size such as 25M" */
	const char *unit; /* behind the bounds in a message */
};

static int number_read(const struct conf_context *c, const struct key *key,
	const struct node *value, struct account *account,
	struct number_form form)
{
	uint64_t number;

	if (word_want(c, key, value) != 0)
		return -1;
	if (!form.parse(value->word, &number))
		return conf_error(c, value->mark, "'%s' wants %s, not '%.60s'",
			key->name, form.what, value->word.ptr);
	if (number < key->min || number > key->max)
		return conf_error(c, value->mark,
			"'%s' must be from %" PRIu64 " to %" PRIu64
			"%s, not '%.60s'",
			key->name, key->min, key->max, form.unit,
			value->word.ptr);
	key_store(key, account, number * (key->scale == 0 ? 1 : key->scale));
	return 0;
}

int read_bool(const struct conf_context *c, const struct key *key,
	const struct node *value, struct account *account)
{
	uint64_t flag;

	if (word_want(c, key, value) != 0)
		return -1;
	if (!value_bool(value->word, &flag))
		return conf_error(c, value->mark,
			"'%s' wants true or false, not '%.60s'", key->name,
			value->word.ptr);
	key_store(key, account, flag);
	return 0;
}

int read_count(const struct conf_context *c, const struct key *key,
	const struct node *value, struct account *account)
{
	const struct number_form form = {str_u64, "a whole number", ""};

	return number_read(c, key, value, account, form);
}

int read_size(const struct conf_context *c, const struct key *key,
	const struct node *value, struct account *account)
{
	const struct number_form form = {
		value_size, "a size such as 300k, 25M or 1G", " bytes"};

	return number_read(c, key, value, account, form);
}

int read_duration(const struct conf_context *c, const struct key *key,
	const struct node *value, struct account *account)
{
	const struct number_form form = {value_duration,
		"a time such as 60s, 90m, 12h, 30d or 2w", " seconds"};

	return number_read(c, key, value, account, form);
}

int read_percent(const struct conf_context *c, const struct key *key,
	const struct node *value, struct account *account)
{
	const struct number_form form = {
		value_percent, "a percentage such as 50%", " percent"};

	return number_read(c, key, value, account, form);
}

/* "implicit, starttls or off" */
static const char *words_listed(
	const struct conf_context *c, const struct key_word *words)
{
	const char *list = words->word;

	for (words++; words->word != NULL; words++)
		list = arena_printf(c->arena, "%s%s%s", list,
			words[1].word == NULL ? " or " : ", ", words->word);
	return list;
}

int read_word(const struct conf_context *c, const struct key *key,
	const struct node *value, struct account *account)
{
	struct nearest nearest = {.word = value->word};

	if (word_want(c, key, value) != 0)
		return -1;
	for (const struct key_word *w = key->words; w->word != NULL; w++) {
		if (str_eq(value->word, str_of(w->word))) {
			key_store(key, account, w->number);
			return 0;
		}
		nearest_offer(&nearest, str_of(w->word));
	}
	if (nearest.best.len > 0)
		return conf_error(c, value->mark,
			"'%s' cannot be '%.60s': did you mean '%s'?", key->name,
			value->word.ptr, nearest.best.ptr);
	return conf_error(c, value->mark, "'%s' must be %s, not '%.60s'",
		key->name, words_listed(c, key->words), value->word.ptr);
}

int read_text(const struct conf_context *c, const struct key *key,
	const struct node *value, struct account *account)
{
	if (word_want(c, key, value) != 0)
		return -1;
	if (value->word.len > key->max)
		return conf_error(c, value->mark,
			"'%s' is longer than %" PRIu64 " bytes", key->name,
			key->max);
	if (word_has_control(value->word))
		return conf_error(c, value->mark,
			"'%s' holds a line end or another control character",
			key->name);
	memcpy(key_at(key, account), &value->word, sizeof(value->word));
	return 0;
}

/* What stands in front of a path's rest: "" or the home folder. */
static const char *path_base(const struct conf_context *c,
	const struct key *key, const struct node *value, struct str *rest_r)
{
	*rest_r = value->word;
	if (str_starts(value->word, STR("/")))
		return "";
	if (!str_eq(value->word, STR("~")) &&
		!str_starts(value->word, STR("~/"))) {
		(void)conf_error(c, value->mark,
			"'%s' wants a path that starts with / or ~/",
			key->name);
		return NULL;
	}
	*rest_r = str_sub(value->word, 1, value->word.len);
	if (c->env->home == NULL || c->env->home[0] != '/') {
		(void)conf_error(c, value->mark,
			"'%s' starts with ~ but $HOME is not set to a path",
			key->name);
		return NULL;
	}
	return c->env->home;
}

/* Leaves out empty and "." parts and the / at the end; false at a "..". */
static bool path_tidy(struct arena *a, struct str path, const char **tidy_r)
{
	char *tidy = arena_alloc(a, path.len + 2);
	struct str part;
	size_t len = 0;

	while (str_split(&path, '/', &part)) {
		if (part.len == 0 || str_eq(part, STR(".")))
			continue;
		if (str_eq(part, STR("..")))
			return false;
		tidy[len++] = '/';
		memcpy(tidy + len, part.ptr, part.len);
		len += part.len;
	}
	if (len == 0)
		tidy[0] = '/';
	*tidy_r = tidy;
	return true;
}

int read_path(const struct conf_context *c, const struct key *key,
	const struct node *value, struct account *account)
{
	const char *base;
	const char *path;
	struct str rest;

	if (word_want(c, key, value) != 0)
		return -1;
	base = path_base(c, key, value, &rest);
	if (base == NULL)
		return -1;
	path = arena_printf(c->arena, "%s%s", base, rest.ptr);
	if (strlen(path) >= PATH_BYTES_MAX || word_has_control(rest))
		return conf_error(c, value->mark,
			"'%s' is not a path: it is too long or holds a "
			"control character",
			key->name);
	if (!path_tidy(c->arena, str_of(path), &path))
		return conf_error(c, value->mark,
			"'%s' must say where it is without '..'", key->name);
	memcpy(key_at(key, account), &path, sizeof(path));
	return 0;
}

int read_command(const struct conf_context *c, const struct key *key,
	const struct node *value, struct account *account)
{
	struct account_command command;
	const char **argv;
	size_t count = 0;

	if (value->kind != NODE_LIST && word_want(c, key, value) != 0)
		return -1;
	if (value->kind == NODE_LIST && value->count == 0)
		return conf_error(
			c, value->mark, "'%s' has no command", key->name);
	argv = arena_array(c->arena, value->count + 4, sizeof(*argv));
	if (value->kind == NODE_WORD) {
		argv[count++] = "/bin/sh";
		argv[count++] = "-c";
		argv[count++] = value->word.ptr;
	}
	for (const struct node *word = value->first; word; word = word->next) {
		if (count == 0 && word_want(c, key, word) != 0)
			return -1;
		if (word->kind != NODE_WORD || word->is_null)
			return conf_error(c, word->mark,
				"'%s' takes a list of words only", key->name);
		argv[count++] = word->word.ptr;
	}
	command.argv = argv;
	memcpy(key_at(key, account), &command, sizeof(command));
	return 0;
}

int read_map(const struct conf_context *c, const struct key *key,
	const struct node *value, struct account *account)
{
	if (value->kind != NODE_MAP)
		return conf_error(c, value->mark,
			"'%s' takes a mapping of its own keys", key->name);
	return key_table_read(c, key->keys, value, account);
}

/* What people who come from elsewhere may try. */
static const struct {
	const char *wrong;
	const char *right;
} known_mistakes[] = {
	{"host", "server"},
	{"port", "server: HOST:PORT"},
	{"ssl", "tls"},
	{"username", "user"},
	{"login", "user"},
	{"pass", "password"},
	{"passwd", "password"},
	{"passcmd", "password: {command: ...}"},
	{"path", "maildir"},
	{"patterns", "mailboxes: {include: [...]}"},
};

const struct key *key_table_find(const struct key *table, struct str name)
{
	for (; table->name != NULL; table++) {
		if (str_eq(str_of(table->name), name))
			return table;
	}
	return NULL;
}

/* The mapping whose own key this is; NULL if none. */
static const struct key *key_parent(const struct key *table, struct str name)
{
	for (; table->name != NULL; table++) {
		if (table->keys != NULL &&
			key_table_find(table->keys, name) != NULL)
			return table;
	}
	return NULL;
}

static const char *key_meant(const struct key *table, struct str name)
{
	const size_t count = sizeof(known_mistakes) / sizeof(known_mistakes[0]);
	struct nearest nearest = {.word = name};

	for (size_t i = 0; i < count; i++) {
		if (str_ieq(name, str_of(known_mistakes[i].wrong)))
			return known_mistakes[i].right;
	}
	for (const struct key *row = table; row->name != NULL; row++)
		nearest_offer(&nearest, str_of(row->name));
	return nearest.best.ptr;
}

static int key_unknown(const struct conf_context *c, const struct key *table,
	const struct node *item)
{
	const struct key *parent = key_parent(table, item->key);
	const char *meant = key_meant(table, item->key);

	if (parent != NULL)
		return conf_error(c, item->key_mark, "'%s' belongs under '%s:'",
			item->key.ptr, parent->name);
	if (meant != NULL)
		return conf_error(c, item->key_mark,
			"unknown key '%.60s': did you mean '%s'?",
			item->key.ptr, meant);
	return conf_error(c, item->key_mark,
		"unknown key '%.60s': see godwit.yaml(5) for those there are",
		item->key.ptr);
}

int key_table_read(const struct conf_context *c, const struct key *table,
	const struct node *map, struct account *account)
{
	for (const struct node *item = map->first; item; item = item->next) {
		const struct key *row = key_table_find(table, item->key);

		if (row == NULL)
			return key_unknown(c, table, item);
		if (row->read(c, row, item, account) != 0)
			return -1;
	}
	return 0;
}
