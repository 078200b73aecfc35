/*
 * How: one table of the system flags' names; the rest is arithmetic on bits,
 * and the same on sets by keywords.h.
 */
#include "godwit/mail/flags.h"

#include "godwit/base/limits.h"

#include <stdlib.h>

enum {
	FLAG_COUNT = 6,
	FEW_NAMES = 64, /* more than this of one message are rare */
};

static const struct flag_name {
	uint32_t flag;
	struct str name;
} flag_names[FLAG_COUNT] = {
	{FLAG_SEEN, {"\\Seen", 5}},
	{FLAG_ANSWERED, {"\\Answered", 9}},
	{FLAG_FLAGGED, {"\\Flagged", 8}},
	{FLAG_DELETED, {"\\Deleted", 8}},
	{FLAG_DRAFT, {"\\Draft", 6}},
	{FLAG_FORWARDED, {"$Forwarded", 10}},
};

bool flags_eq(struct flags a, struct flags b)
{
	return a.system == b.system && a.keywords == b.keywords;
}

static uint32_t system_flag(struct str name)
{
	for (int i = 0; i < FLAG_COUNT; i++) {
		if (str_ieq(name, flag_names[i].name))
			return flag_names[i].flag;
	}
	return 0;
}

int flags_from_names(struct keywords *keywords, const struct str *names,
	size_t count, struct flags *flags_r, struct err *err)
{
	struct flags flags = {0};
	uint32_t few[FEW_NAMES];
	uint32_t *many = NULL;
	uint32_t *ids = few;
	size_t ids_count = 0;
	size_t cap = 0;
	int rc;

	if (count > FEW_NAMES)
		ids = many = array_grow(NULL, &cap, count, sizeof(*many));
	for (size_t i = 0; i < count; i++) {
		uint32_t flag = system_flag(names[i]);
		uint32_t id = flag != 0 ? KEYWORD_NONE
					: keywords_name_add(keywords, names[i]);

		flags.system |= flag;
		if (id != KEYWORD_NONE)
			ids[ids_count++] = id;
	}
	rc = keywords_set(keywords, ids, ids_count, &flags.keywords, err);
	if (rc == 0)
		*flags_r = flags;
	free(many);
	return rc;
}

const struct str *flags_to_names(const struct keywords *keywords,
	struct flags flags, struct arena *arena, size_t *count_r)
{
	size_t ids_count;
	const uint16_t *ids =
		keywords_set_ids(keywords, flags.keywords, &ids_count);
	struct str *names =
		arena_array(arena, FLAG_COUNT + ids_count, sizeof(*names));
	size_t count = 0;

	for (int i = 0; i < FLAG_COUNT; i++) {
		if ((flags.system & flag_names[i].flag) != 0)
			names[count++] = flag_names[i].name;
	}
	for (size_t i = 0; i < ids_count; i++)
		names[count++] = keywords_name(keywords, ids[i]);
	*count_r = count;
	return names;
}

struct flags flags_added(
	struct keywords *keywords, struct flags from, struct flags to)
{
	return (struct flags){
		.system = to.system & ~from.system,
		.keywords =
			keywords_minus(keywords, to.keywords, from.keywords),
	};
}

struct flags flags_removed(
	struct keywords *keywords, struct flags from, struct flags to)
{
	return flags_added(keywords, to, from);
}

struct flags flags_apply(struct keywords *keywords, struct flags flags,
	struct flags added, struct flags removed)
{
	uint32_t all = keywords_union(keywords, flags.keywords, added.keywords);

	return (struct flags){
		.system = (flags.system | added.system) & ~removed.system,
		.keywords = keywords_minus(keywords, all, removed.keywords),
	};
}

struct flags flags_merge(struct keywords *keywords, struct flags base,
	struct flags mine, struct flags theirs)
{
	return (struct flags){
		.system = (mine.system & theirs.system) |
			  ((mine.system ^ theirs.system) & ~base.system),
		.keywords = keywords_merge(keywords, base.keywords,
			mine.keywords, theirs.keywords),
	};
}
