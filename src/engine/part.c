/*
 * How: a name is STEM.DISK.WIRE.FORM.godwit-part, read from its end, for a stem
 * has dots of its own.
 */
#include "part.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct str suffix = {".godwit-part", 12};

void part_set_name(struct part *part, const char *stem)
{
	int len = snprintf(part->name, sizeof(part->name),
		"%s.%" PRIu64 ".%" PRIu64 ".%s.godwit-part", stem,
		part->disk_bytes, part->wire_bytes,
		part->stored_raw ? "raw" : "lf");

	check(len > 0 && (size_t)len < sizeof(part->name));
}

/* Takes what is behind the last dot off the end of *name. */
static bool take_last(struct str *name, struct str *last_r)
{
	size_t at = name->len;

	while (at > 0 && name->ptr[at - 1] != '.')
		at--;
	if (at == 0)
		return false;
	*last_r = str_sub(*name, at, SIZE_MAX);
	name->len = at - 1;
	return true;
}

/* Reads a name; what is left of it is the stem. */
static bool name_parse(struct str *name, struct part *part_r)
{
	struct str word;

	*part_r = (struct part){0};
	if (!str_ends(*name, suffix) || name->len >= PART_NAME_BYTES)
		return false;
	memcpy(part_r->name, name->ptr, name->len);
	name->len -= suffix.len;
	if (!take_last(name, &word) ||
		!(str_eq(word, STR("lf")) || str_eq(word, STR("raw"))))
		return false;
	part_r->stored_raw = str_eq(word, STR("raw"));
	return take_last(name, &word) && str_u64(word, &part_r->wire_bytes) &&
	       take_last(name, &word) && str_u64(word, &part_r->disk_bytes);
}

int parts_find(struct maildir *md, struct arena *arena, struct parts *parts_r,
	struct err *err)
{
	struct part *found = NULL;
	size_t count = 0;
	size_t cap = 0;
	const char *name;
	enum fs_type type;
	enum fs_result result = md->fs->dir_rewind(md->tmp, err);

	while (result == FS_OK && (result = md->fs->dir_next(md->tmp, &name,
					   &type, err)) == FS_OK) {
		struct str stem = str_of(name);
		struct part part;

		if (!name_parse(&stem, &part))
			continue;
		found = array_grow(found, &cap, count + 1, sizeof(*found));
		found[count++] = part;
	}
	parts_r->items = arena_array(arena, count, sizeof(*found));
	parts_r->count = count;
	if (count > 0)
		memcpy(parts_r->items, found, count * sizeof(*found));
	free(found);
	return result == FS_ABSENT ? 0 : -1;
}

static bool has_stem(const struct part *part, struct str stem)
{
	struct str name = str_of(part->name);
	struct part ignored;

	return name_parse(&name, &ignored) && str_eq(name, stem);
}

struct part *parts_take(const struct parts *parts, struct str stem)
{
	struct part *best = NULL;

	for (size_t i = 0; i < parts->count; i++) {
		struct part *part = &parts->items[i];

		if (!part->taken && has_stem(part, stem) &&
			(best == NULL || part->wire_bytes > best->wire_bytes))
			best = part;
	}
	if (best != NULL)
		best->taken = true;
	return best;
}

void parts_remove(struct maildir *md, struct parts *parts)
{
	for (size_t i = 0; i < parts->count; i++) {
		/* What cannot be removed stays for the next time. */
		if (!parts->items[i].taken)
			(void)md->fs->unlink(
				md->tmp, parts->items[i].name, NULL);
	}
	parts->count = 0;
}
