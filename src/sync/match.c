/*
 * How: base and server are merged by UID in one go, both being sorted. Each
 * base entry looks its file up in the sorted scan; `owner` says which entry a
 * file belongs to, and a file without one is new. Rows are counted before
 * memory is taken for them. What is new on both sides stays apart here: see
 * match_derived.c and match_pair.c.
 */
#include "godwit/sync/match.h"

#include "godwit/base/err.h"
#include "match_parts.h"

#include <stdlib.h>

enum {
	IN_LOCAL = SIDE_BIT(LOCAL),
	IN_REMOTE = SIDE_BIT(REMOTE),
	IN_BASE = SIDE_BIT(BASE),
};

/* ---- Joining ------------------------------------------------------------- */

struct joiner {
	const struct match_input *input;
	uint32_t *owner; /* of each file: the base item, or PLAN_NONE */
	struct match *match;
};

static void check_sorted(const struct match_input *input)
{
	uint32_t uid = 0;

	for (size_t i = 0; i < input->base_count; i++) {
		check(input->base[i].uid > uid);
		uid = input->base[i].uid;
	}
	uid = 0;
	for (size_t i = 0; i < input->remote_count; i++) {
		check(input->remote[i].uid > uid);
		uid = input->remote[i].uid;
	}
	for (size_t i = 1; i < input->local_count; i++)
		check(str_cmp(input->local[i - 1].name, input->local[i].name) <=
			0);
}

/* The first file whose name is not below `name`. */
static size_t local_find(const struct match_input *input, struct str name)
{
	size_t low = 0;
	size_t high = input->local_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (str_cmp(input->local[middle].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool same_name_as_before(const struct match_input *input, size_t local)
{
	return local > 0 &&
	       str_eq(input->local[local].name, input->local[local - 1].name);
}

/* The base item's file, or PLAN_NONE. */
static uint32_t file_of(const struct match_input *input, size_t base)
{
	size_t at = local_find(input, input->base[base].name);

	if (at == input->local_count ||
		!str_eq(input->local[at].name, input->base[base].name))
		return PLAN_NONE;
	return (uint32_t)at;
}

/* Finds each file's owner; returns how many have one. Of two entries with one
 * name, which no journal should hold, the first one gets the file. */
static size_t find_owners(struct joiner *j)
{
	size_t owned = 0;

	for (size_t i = 0; i < j->input->local_count; i++)
		j->owner[i] = PLAN_NONE;
	for (size_t i = 0; i < j->input->base_count; i++) {
		uint32_t file = file_of(j->input, i);

		if (file == PLAN_NONE || j->owner[file] != PLAN_NONE)
			continue;
		j->owner[file] = (uint32_t)i;
		owned++;
	}
	return owned;
}

static struct row *row_add(struct match *match)
{
	struct row *row = &match->rows[match->count++];

	row->remote = PLAN_NONE;
	row->local = PLAN_NONE;
	row->base = PLAN_NONE;
	return row;
}

static void row_set_remote(
	struct row *row, const struct match_input *input, size_t remote)
{
	row->present |= IN_REMOTE;
	row->remote = (uint32_t)remote;
	row->uid = input->remote[remote].uid;
	row->flags[REMOTE] = input->remote[remote].flags;
}

static void row_set_local(
	struct row *row, const struct match_input *input, size_t local)
{
	row->present |= IN_LOCAL;
	row->local = (uint32_t)local;
	row->flags[LOCAL] = input->local[local].flags;
}

/*
 * The entry with its file. Where another entry holds the file, nothing is known
 * about this one's, so the entry proves nothing.
 */
static void row_set_base(struct row *row, const struct joiner *j, size_t base)
{
	uint32_t file = file_of(j->input, base);

	row->present |= IN_BASE;
	row->base = (uint32_t)base;
	row->flags[BASE] = j->input->base[base].flags;
	row->stale = j->input->new_uidvalidity;
	if (file == PLAN_NONE)
		return;
	if (j->owner[file] == base)
		row_set_local(row, j->input, file);
	else
		row->stale = true;
}

/* One row for each UID that the journal or the server has. */
static void join_uids(struct joiner *j)
{
	const struct match_input *in = j->input;
	size_t b = 0;
	size_t r = 0;

	while (b < in->base_count || r < in->remote_count) {
		uint32_t base_uid =
			b < in->base_count ? in->base[b].uid : UINT32_MAX;
		uint32_t remote_uid =
			r < in->remote_count ? in->remote[r].uid : UINT32_MAX;
		struct row *row = row_add(j->match);

		if (base_uid <= remote_uid && b < in->base_count) {
			row->uid = base_uid;
			row_set_base(row, j, b++);
		}
		if (remote_uid <= base_uid && r < in->remote_count)
			row_set_remote(row, in, r++);
	}
}

/* How many rows that makes. */
static size_t count_uids(const struct match_input *in)
{
	size_t count = in->base_count + in->remote_count;
	size_t r = 0;

	for (size_t b = 0; b < in->base_count; b++) {
		while (r < in->remote_count &&
			in->remote[r].uid < in->base[b].uid)
			r++;
		if (r < in->remote_count &&
			in->remote[r].uid == in->base[b].uid)
			count--;
	}
	return count;
}

static void join_files(struct joiner *j)
{
	const struct match_input *in = j->input;

	for (size_t i = 0; i < in->local_count; i++) {
		struct row *row;

		if (j->owner[i] != PLAN_NONE && !in->new_uidvalidity)
			continue;
		row = row_add(j->match);
		if (j->owner[i] != PLAN_NONE)
			row_set_base(row, j, j->owner[i]);
		else
			row_set_local(row, in, i);
		if (same_name_as_before(in, i))
			row->hold = ROW_SAME_NAME;
	}
}

static void join_remote_alone(struct joiner *j)
{
	for (size_t i = 0; i < j->input->remote_count; i++)
		row_set_remote(row_add(j->match), j->input, i);
}

static void join_base_alone(struct joiner *j)
{
	for (size_t i = 0; i < j->input->base_count; i++) {
		uint32_t file = file_of(j->input, i);

		if (file == PLAN_NONE || j->owner[file] != i)
			row_set_base(row_add(j->match), j, i);
	}
}

void match_join(const struct match_input *input, struct arena *arena,
	struct match *match_r)
{
	struct joiner j = {.input = input, .match = match_r};
	size_t owner_cap = 0;
	size_t owned;
	size_t count;

	check_sorted(input);
	check(input->base_count < PLAN_NONE / 4 &&
		input->remote_count < PLAN_NONE / 4 &&
		input->local_count < PLAN_NONE / 4);
	j.owner = array_grow(
		NULL, &owner_cap, input->local_count, sizeof(*j.owner));
	owned = find_owners(&j);
	count = input->local_count - owned;
	count += input->new_uidvalidity
			 ? input->base_count + input->remote_count
			 : count_uids(input);
	*match_r = (struct match){
		.rows = arena_array(arena, count, sizeof(struct row))};
	if (input->new_uidvalidity) {
		join_remote_alone(&j);
		join_files(&j);
		join_base_alone(&j);
	} else {
		join_uids(&j);
		join_files(&j);
	}
	check(match_r->count == count);
	free(j.owner);
}

/* ---- Uniting ------------------------------------------------------------- */

bool match_is_remote(const struct row *row)
{
	return row->present == IN_REMOTE;
}

bool match_is_file(const struct row *row)
{
	return (row->present & (IN_LOCAL | IN_REMOTE)) == IN_LOCAL &&
	       row->hold != ROW_SAME_NAME;
}

void match_unite(struct match *match, uint32_t a, uint32_t b)
{
	struct row *into = &match->rows[a];
	struct row *from = &match->rows[b];

	check(a < match->count && b < match->count);
	check(match_is_remote(into) && match_is_file(from));
	into->local = from->local;
	into->flags[LOCAL] = from->flags[LOCAL];
	into->base = from->base;
	into->flags[BASE] = from->flags[BASE];
	into->stale = (from->present & IN_BASE) != 0;
	into->present |= from->present;
	from->present = 0;
}
