/*
 * How: two merges of sorted lists. By name, entries with files: the entries are
 * put in the order of names for that, and what comes out is which file an entry
 * has, and which entry a file belongs to. By UID, entries with the server's
 * messages: each step is a row. Files that belong to no entry are rows as well.
 * Rows are counted before memory is taken for them.
 *
 * What is new on both sides stays apart here: see match_derived.c and
 * match_pair.c.
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
	uint32_t *file;  /* of each entry, or PLAN_NONE */
	uint32_t *owner; /* of each file: the entry, or PLAN_NONE */
	size_t owned;    /* files that have one */
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
	if (input->local_is_base) {
		check(input->local_count == input->base_count);
		check(!input->new_uidvalidity);
		return;
	}
	for (size_t i = 1; i < input->local_count; i++)
		check(str_cmp(input->local[i - 1].name, input->local[i].name) <=
			0);
}

static bool same_name_as_before(const struct match_input *input, size_t local)
{
	return local > 0 &&
	       str_eq(input->local[local].name, input->local[local - 1].name);
}

/* An entry in the order of names; the first bytes of its name decide most. */
struct name_key {
	uint64_t first;
	const struct base_item *entry;
};

static uint64_t first_bytes(struct str name)
{
	uint64_t first = 0;

	for (size_t i = 0; i < sizeof(first); i++) {
		unsigned char byte =
			i < name.len ? (unsigned char)name.ptr[i] : 0;

		first = first << 8 | byte;
	}
	return first;
}

static int cmp_name_key(const void *a, const void *b)
{
	const struct name_key *x = a;
	const struct name_key *y = b;
	int order = (x->first > y->first) - (x->first < y->first);

	if (order == 0)
		order = str_cmp(x->entry->name, y->entry->name);
	return order != 0 ? order
			  : (x->entry > y->entry) - (x->entry < y->entry);
}

static struct name_key *sort_by_name(const struct match_input *in)
{
	size_t cap = 0;
	struct name_key *keys =
		array_grow(NULL, &cap, in->base_count, sizeof(*keys));

	for (size_t i = 0; i < in->base_count; i++)
		keys[i] = (struct name_key){
			first_bytes(in->base[i].name), &in->base[i]};
	if (in->base_count > 0)
		qsort(keys, in->base_count, sizeof(*keys), cmp_name_key);
	return keys;
}

/* Each entry has its file, and each file its owner. */
static void join_same(struct joiner *j)
{
	for (size_t i = 0; i < j->input->base_count; i++) {
		j->file[i] = (uint32_t)i;
		j->owner[i] = (uint32_t)i;
	}
	j->owned = j->input->base_count;
}

/* Finds each entry's file and each file's owner. Of two entries with one name,
 * which no journal should hold, the first one owns the file. */
static void join_names(struct joiner *j)
{
	const struct match_input *in = j->input;
	struct name_key *keys = sort_by_name(in);
	size_t file = 0;

	for (size_t i = 0; i < in->local_count; i++)
		j->owner[i] = PLAN_NONE;
	for (size_t i = 0; i < in->base_count; i++) {
		size_t entry = (size_t)(keys[i].entry - in->base);
		int order = -1;

		while (file < in->local_count &&
			(order = str_cmp(in->local[file].name,
				 keys[i].entry->name)) < 0)
			file++;
		j->file[entry] = order == 0 ? (uint32_t)file : PLAN_NONE;
		if (order != 0 || j->owner[file] != PLAN_NONE)
			continue;
		j->owner[file] = (uint32_t)entry;
		j->owned++;
	}
	free(keys);
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
	uint32_t file = j->file[base];

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
		uint32_t file = j->file[i];

		if (file == PLAN_NONE || j->owner[file] != i)
			row_set_base(row_add(j->match), j, i);
	}
}

static size_t count_rows(const struct joiner *j)
{
	const struct match_input *in = j->input;
	size_t files = in->local_count - j->owned;

	if (in->new_uidvalidity)
		return in->remote_count + in->base_count + files;
	return count_uids(in) + files;
}

void match_join(const struct match_input *input, struct arena *arena,
	struct match *match_r)
{
	struct joiner j = {.input = input, .match = match_r};
	size_t file_cap = 0;
	size_t owner_cap = 0;
	size_t count;

	check_sorted(input);
	j.file =
		array_grow(NULL, &file_cap, input->base_count, sizeof(*j.file));
	j.owner = array_grow(
		NULL, &owner_cap, input->local_count, sizeof(*j.owner));
	if (input->local_is_base)
		join_same(&j);
	else
		join_names(&j);
	count = count_rows(&j);
	check(count < PLAN_NONE);
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
	free(j.file);
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
