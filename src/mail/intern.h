/*
 * Interning: byte strings to numbers and back, no two of them equal.
 *
 * A number is given to each string in the order of their coming, from 0.
 * Strings are compared as though NULs followed them for ever, so the caller
 * keeps them apart from those that only differ in that. Time and memory are
 * proportional to the bytes put in, however they were chosen.
 */
#ifndef GODWIT_MAIL_INTERN_H
#define GODWIT_MAIL_INTERN_H

#include "godwit/base/bytes.h"

#include <stdint.h>

#define INTERN_NONE UINT32_MAX

struct intern_node {
	uint32_t child[2]; /* a node, or a string's number with INTERN_LEAF */
	uint32_t byte;     /* where the strings below differ first */
	uint32_t mask;     /* all bits but the one that differs there */
};

/* All zeroes is a valid, empty one. */
struct intern {
	struct buf bytes; /* the strings, one behind the other */
	uint32_t *ends;   /* where each ends */
	size_t ends_cap;
	uint32_t count;
	struct intern_node *nodes; /* count less 1 */
	size_t nodes_cap;
	uint32_t root;
};

/* The number of `key`, or INTERN_NONE. */
uint32_t intern_find(const struct intern *intern, struct str key);

/* The number of `key`, which is added if it is new. */
uint32_t intern_add(struct intern *intern, struct str key);

/* The string with this number; borrowed until one is added. */
struct str intern_get(const struct intern *intern, uint32_t number);

/* The memory that all strings take, give or take what is in reserve. */
size_t intern_memory(const struct intern *intern);

void intern_clear(struct intern *intern);

#endif
