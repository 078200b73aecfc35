/*
 * Arenas: memory that is released all at once.
 *
 * One arena a lifetime: a run, a mailbox, a command. What it gives is zeroed
 * and aligned for any type, lives until the arena is reset or cleared, and is
 * poisoned under AddressSanitizer from then on. A function without an arena
 * parameter returns nothing that it allocated (but `_new` calls).
 */
#ifndef GODWIT_BASE_ARENA_H
#define GODWIT_BASE_ARENA_H

#include "godwit/base/bytes.h"

#include <stddef.h>

struct arena_block;

/* All zeroes is a valid, empty arena. */
struct arena {
	struct arena_block *block; /* the newest; older ones hang behind it */
	size_t total_bytes;        /* what was asked for since the last reset */
};

/* `size` zeroed bytes. Never NULL. */
void *arena_alloc(struct arena *a, size_t size);

/* An array of `count` zeroed items; the product is checked. */
void *arena_array(struct arena *a, size_t count, size_t item_size);

/* A copy of `s`, with a NUL behind it that its len does not count. */
struct str arena_str(struct arena *a, struct str s);

/* A NUL-terminated string made by printf's rules. */
char *arena_printf(struct arena *a, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Gives up all that was allocated, but keeps one block for what comes. */
void arena_reset(struct arena *a);

/* Gives up everything. The arena is empty and usable again. */
void arena_clear(struct arena *a);

/*
 * Heap memory that grows by doubling, for arrays that live outside an arena:
 * returns `ptr` moved to hold at least `need` items of `item_size` bytes, new
 * ones zeroed, and writes the new capacity (in items) to *cap. Aborts when
 * memory runs out. The result is released with free().
 */
void *array_grow(void *ptr, size_t *cap, size_t need, size_t item_size);

#endif
