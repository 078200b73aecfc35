/*
 * Key: a row of the table of keys, and the readers of values.
 *
 * A reader turns one node into the part of struct account that its row points
 * to, or refuses it with the place and what would be right.
 */
#ifndef CONF_KEY_H
#define CONF_KEY_H

#include "godwit/engine/account.h"
#include "node.h"

#include <stddef.h>
#include <stdint.h>

/* A word that stands for a number. */
struct key_word {
	const char *word; /* NULL ends a list of them */
	unsigned number;
};

struct key {
	const char *name; /* NULL ends a table */
	int (*read)(const struct conf_context *c, const struct key *key,
		const struct node *value, struct account *account);
	size_t offset;  /* in struct account */
	size_t size;    /* of the number there */
	uint64_t min;   /* of a number, before .scale */
	uint64_t max;   /* likewise; of a text, its bytes */
	uint64_t scale; /* what it is multiplied by; 0 is 1 */
	const struct key_word *words;
	const struct key *keys; /* of a nested mapping */
};

/* The row of that name, or NULL. */
const struct key *key_table_find(const struct key *table, struct str name);

/* Reads every item of a MAP by a table. */
int key_table_read(const struct conf_context *c, const struct key *table,
	const struct node *map, struct account *account);

/* The readers, by what they expect. */
int read_bool(const struct conf_context *c, const struct key *key,
	const struct node *value, struct account *account);
int read_count(const struct conf_context *c, const struct key *key,
	const struct node *value, struct account *account);
int read_size(const struct conf_context *c, const struct key *key,
	const struct node *value, struct account *account);
int read_duration(const struct conf_context *c, const struct key *key,
	const struct node *value, struct account *account);
int read_percent(const struct conf_context *c, const struct key *key,
	const struct node *value, struct account *account);
int read_word(const struct conf_context *c, const struct key *key,
	const struct node *value, struct account *account);
int read_text(const struct conf_context *c, const struct key *key,
	const struct node *value, struct account *account);
int read_path(const struct conf_context *c, const struct key *key,
	const struct node *value, struct account *account);
int read_command(const struct conf_context *c, const struct key *key,
	const struct node *value, struct account *account);
int read_globs(const struct conf_context *c, const struct key *key,
	const struct node *value, struct account *account);
int read_map(const struct conf_context *c, const struct key *key,
	const struct node *value, struct account *account);

/* Those of one key each. */
int read_server(const struct conf_context *c, const struct key *key,
	const struct node *value, struct account *account);
int read_tls(const struct conf_context *c, const struct key *key,
	const struct node *value, struct account *account);
int read_pins(const struct conf_context *c, const struct key *key,
	const struct node *value, struct account *account);
int read_password(const struct conf_context *c, const struct key *key,
	const struct node *value, struct account *account);
int read_env(const struct conf_context *c, const struct key *key,
	const struct node *value, struct account *account);
int read_auth(const struct conf_context *c, const struct key *key,
	const struct node *value, struct account *account);
int read_renames(const struct conf_context *c, const struct key *key,
	const struct node *value, struct account *account);

/* What the readers share. */

/* Refuses all but a word that says something. */
int word_want(const struct conf_context *c, const struct key *key,
	const struct node *value);

/* The words of a list, or the one word that stands for a list of one. */
struct key_items {
	const struct node **items;
	size_t count;
};
int words_want(const struct conf_context *c, const struct key *key,
	const struct node *value, struct key_items *words_r);

/* Where the row points to. */
void *key_at(const struct key *key, struct account *account);

/* Stores a number in the size of the member. */
void key_store(const struct key *key, struct account *account, uint64_t number);

/* Whether a byte is one that no name, host or path holds. */
bool word_has_control(struct str word);

#endif
