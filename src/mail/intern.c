/*
 * How: a crit-bit tree. An inner node names the first bit in which the strings
 * of its two branches differ; the way down looks at those bits alone, and one
 * comparison at the leaf tells whether the string is there. There is no hash
 * that a hostile server could aim at, and the depth is bounded by the length
 * of the string that is looked up.
 */
#include "intern.h"

#include "godwit/base/arena.h"
#include "godwit/base/err.h"

#include <stdlib.h>
#include <string.h>

#define INTERN_LEAF (UINT32_C(1) << 31)

struct difference {
	uint32_t byte;
	uint32_t mask;
	unsigned branch; /* of the string that was there before */
};

static unsigned byte_at(struct str s, size_t at)
{
	return at < s.len ? (unsigned char)s.ptr[at] : 0;
}

/* 0 or 1: the bit of `key` that the node asks for. */
static unsigned branch_of(uint32_t mask, unsigned byte)
{
	return (1 + (mask | byte)) >> 8;
}

/* The one string that `key` could be equal to. */
static uint32_t nearest(const struct intern *intern, struct str key)
{
	uint32_t at = intern->root;

	while ((at & INTERN_LEAF) == 0) {
		const struct intern_node *node = &intern->nodes[at];

		at = node->child[branch_of(
			node->mask, byte_at(key, node->byte))];
	}
	return at & ~INTERN_LEAF;
}

static bool differ(struct str old, struct str key, struct difference *diff_r)
{
	size_t longest = old.len > key.len ? old.len : key.len;
	size_t at = 0;
	unsigned bits;

	while (at < longest && byte_at(old, at) == byte_at(key, at))
		at++;
	if (at == longest)
		return false;
	bits = byte_at(old, at) ^ byte_at(key, at);
	while ((bits & (bits - 1)) != 0)
		bits &= bits - 1;
	diff_r->byte = (uint32_t)at;
	diff_r->mask = bits ^ 255;
	diff_r->branch = branch_of(diff_r->mask, byte_at(old, at));
	return true;
}

struct str intern_get(const struct intern *intern, uint32_t number)
{
	uint32_t start;

	check(number < intern->count);
	start = number == 0 ? 0 : intern->ends[number - 1];
	return str_sub(
		buf_str(&intern->bytes), start, intern->ends[number] - start);
}

uint32_t intern_find(const struct intern *intern, struct str key)
{
	struct difference diff;
	uint32_t number;

	if (intern->count == 0)
		return INTERN_NONE;
	number = nearest(intern, key);
	if (differ(intern_get(intern, number), key, &diff))
		return INTERN_NONE;
	return number;
}

static uint32_t append(struct intern *intern, struct str key)
{
	check(intern->count < INTERN_LEAF - 1);
	check(key.len <= UINT32_MAX - intern->bytes.len);
	buf_add(&intern->bytes, key);
	intern->ends = array_grow(intern->ends, &intern->ends_cap,
		(size_t)intern->count + 1, sizeof(*intern->ends));
	intern->ends[intern->count] = (uint32_t)intern->bytes.len;
	return intern->count++;
}

/* Where the new node goes: the link above the first node that asks later. */
static uint32_t *link_of(
	struct intern *intern, struct str key, const struct difference *diff)
{
	uint32_t *link = &intern->root;

	while ((*link & INTERN_LEAF) == 0) {
		struct intern_node *node = &intern->nodes[*link];

		if (node->byte > diff->byte ||
			(node->byte == diff->byte && node->mask > diff->mask))
			break;
		link = &node->child[branch_of(
			node->mask, byte_at(key, node->byte))];
	}
	return link;
}

uint32_t intern_add(struct intern *intern, struct str key)
{
	struct difference diff;
	struct intern_node *node;
	uint32_t *link;
	uint32_t number;

	if (intern->count == 0) {
		intern->root = INTERN_LEAF;
		return append(intern, key);
	}
	number = nearest(intern, key);
	if (!differ(intern_get(intern, number), key, &diff))
		return number;
	number = append(intern, key);
	intern->nodes = array_grow(intern->nodes, &intern->nodes_cap, number,
		sizeof(*intern->nodes));
	link = link_of(intern, key, &diff);
	node = &intern->nodes[number - 1];
	node->byte = diff.byte;
	node->mask = diff.mask;
	node->child[diff.branch] = *link;
	node->child[1 - diff.branch] = INTERN_LEAF | number;
	*link = number - 1;
	return number;
}

size_t intern_memory(const struct intern *intern)
{
	return intern->bytes.len +
	       intern->count * (sizeof(*intern->ends) + sizeof(*intern->nodes));
}

void intern_clear(struct intern *intern)
{
	buf_clear(&intern->bytes);
	free(intern->ends);
	free(intern->nodes);
	*intern = (struct intern){0};
}
