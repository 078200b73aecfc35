/*
 * How: blocks of 4 KiB, doubling to 1 MiB, each handing out its bytes from
 * front to back; what does not fit into the newest gets a new block of its own
 * size. Blocks hang newest first. Under AddressSanitizer the bytes not handed
 * out are poisoned, and so are all of them after a reset.
 */
#include "godwit/base/arena.h"

#include "godwit/base/err.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#define ARENA_POISON 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_POISON 1
#endif
#endif

#ifdef ARENA_POISON
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(at, size)   ((void)(at), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(at, size) ((void)(at), (void)(size))
#endif

enum {
	BLOCK_BYTES_MIN = 4 << 10,
	BLOCK_BYTES_MAX = 1 << 20,
};

struct arena_block {
	struct arena_block *older;
	size_t cap;
	size_t used;
	alignas(max_align_t) unsigned char bytes[];
};

static struct arena_block *block_new(struct arena *a, size_t size)
{
	size_t cap = BLOCK_BYTES_MIN;
	struct arena_block *block;

	if (a->block != NULL && a->block->cap * 2 > cap)
		cap = a->block->cap * 2;
	if (cap > BLOCK_BYTES_MAX)
		cap = BLOCK_BYTES_MAX;
	if (cap < size)
		cap = size;
	block = malloc(sizeof(*block) + cap);
	check(block != NULL);
	*block = (struct arena_block){.older = a->block, .cap = cap};
	ASAN_POISON_MEMORY_REGION(block->bytes, cap);
	a->block = block;
	return block;
}

void *arena_alloc(struct arena *a, size_t size)
{
	const size_t grain = alignof(max_align_t);
	struct arena_block *block = a->block;
	void *at;

	check(size <= SIZE_MAX / 4);
	size = size == 0 ? grain : (size + grain - 1) / grain * grain;
	if (block == NULL || size > block->cap - block->used)
		block = block_new(a, size);
	at = block->bytes + block->used;
	block->used += size;
	a->total_bytes += size;
	ASAN_UNPOISON_MEMORY_REGION(at, size);
	return memset(at, 0, size);
}

void *arena_array(struct arena *a, size_t count, size_t item_size)
{
	check(item_size > 0 && count <= SIZE_MAX / 4 / item_size);
	return arena_alloc(a, count * item_size);
}

struct str arena_str(struct arena *a, struct str s)
{
	char *copy = arena_alloc(a, s.len + 1);

	if (s.len > 0)
		memcpy(copy, s.ptr, s.len);
	return (struct str){.ptr = copy, .len = s.len};
}

char *arena_printf(struct arena *a, const char *format, ...)
{
	va_list args;
	char *text;
	int need;

	va_start(args, format);
	need = vsnprintf(NULL, 0, format, args);
	va_end(args);
	check(need >= 0);
	text = arena_alloc(a, (size_t)need + 1);
	va_start(args, format);
	check(vsnprintf(text, (size_t)need + 1, format, args) == need);
	va_end(args);
	return text;
}

static void block_free(struct arena_block *block)
{
	ASAN_UNPOISON_MEMORY_REGION(block->bytes, block->cap);
	free(block);
}

void arena_reset(struct arena *a)
{
	struct arena_block *kept = a->block;

	if (kept == NULL)
		return;
	a->block = kept->older;
	kept->older = NULL;
	arena_clear(a);
	kept->used = 0;
	ASAN_POISON_MEMORY_REGION(kept->bytes, kept->cap);
	a->block = kept;
}

void arena_clear(struct arena *a)
{
	while (a->block != NULL) {
		struct arena_block *older = a->block->older;

		block_free(a->block);
		a->block = older;
	}
	a->total_bytes = 0;
}

void *array_grow(void *ptr, size_t *cap, size_t need, size_t item_size)
{
	size_t grown = *cap == 0 ? 8 : *cap;
	unsigned char *moved;

	if (need <= *cap)
		return ptr;
	check(item_size > 0 && need <= SIZE_MAX / 4 / item_size);
	while (grown < need)
		grown *= 2;
	moved = realloc(ptr, grown * item_size);
	check(moved != NULL);
	memset(moved + *cap * item_size, 0, (grown - *cap) * item_size);
	*cap = grown;
	return moved;
}
