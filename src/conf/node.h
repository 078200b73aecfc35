/*
 * Nodes: YAML text as a tree, each part with its place in the file.
 *
 * Only what a config needs of YAML: words, lists and mappings with words as
 * keys. Aliases, tags, second documents, doubled keys, NUL bytes and deep
 * nesting are refused, so the tree is never larger than the text.
 */
#ifndef CONF_NODE_H
#define CONF_NODE_H

#include "godwit/base/arena.h"
#include "godwit/base/bytes.h"
#include "godwit/base/err.h"
#include "godwit/conf/config.h"

#include <stdbool.h>
#include <stddef.h>

/* Counted from 1, as editors do. */
struct node_mark {
	size_t line;
	size_t column;
};

enum node_kind {
	NODE_WORD,
	NODE_LIST,
	NODE_MAP,
};

struct node {
	enum node_kind kind;
	struct node_mark mark;
	struct str word;    /* WORD; NUL behind it, none within */
	bool is_null;       /* WORD: nothing, or a bare ~ or null */
	struct node *first; /* LIST, MAP: the items in order */
	size_t count;       /* of items */
	struct node *next;  /* within the parent */
	struct str key;     /* within a MAP */
	struct node_mark key_mark;
};

/* What every part of the parser needs. */
struct conf_context {
	struct arena *arena;
	const char *path;
	const struct config_env *env;
	struct err *err;
};

/* Order in the file: below 0, 0, above 0. */
int node_mark_cmp(struct node_mark a, struct node_mark b);

/* Sets the error "PATH:LINE:COLUMN: sentence"; returns -1. */
int conf_error(const struct conf_context *c, struct node_mark at,
	const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The whole text's top node. An empty text gives an empty MAP. */
int node_parse(const struct conf_context *c, struct str text,
	const struct node **top_r);

/* The item of that key in a MAP; NULL if none, or not a MAP, or NULL. */
const struct node *node_find(const struct node *map, struct str key);

#endif
