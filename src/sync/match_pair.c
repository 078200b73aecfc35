/*
 * How: both lists of identities are cut down to the rows that are still single
 * and sorted alike, so that equal ones make runs, which are walked side by
 * side. All of it is O(n log n), whatever sizes and headers a server makes up.
 *
 * Within a run, files that the journal knows come first: of two equal files it
 * must not be the new one that takes the old one's place on the server.
 */
#include "match_parts.h"

#include "godwit/base/err.h"

#include <stdlib.h>
#include <string.h>

static int cmp_identity(const void *a, const void *b)
{
	const struct match_identity *x = a;
	const struct match_identity *y = b;
	int order = identity_cmp(&x->identity, &y->identity);

	return order != 0 ? order : (x->row > y->row) - (x->row < y->row);
}

/* By header, then by size. */
static int cmp_header(const void *a, const void *b)
{
	const struct match_identity *x = a;
	const struct match_identity *y = b;
	int order = memcmp(x->identity.header_sha256, y->identity.header_sha256,
		sizeof(x->identity.header_sha256));

	return order != 0 ? order
			  : (x->identity.bytes > y->identity.bytes) -
				    (x->identity.bytes < y->identity.bytes);
}

/* Those of the identities whose rows are single (`is` says so), moved to the
 * front and sorted. The part is borrowed from the whole. */
static struct match_identities singles(struct match_identities *all,
	const struct match *match, bool (*is)(const struct row *row),
	int (*cmp)(const void *a, const void *b))
{
	struct match_identities some = {.items = all->items};

	for (size_t i = 0; i < all->count; i++) {
		struct match_identity item = all->items[i];

		check(item.row < match->count);
		if (!is(&match->rows[item.row]))
			continue;
		all->items[i] = some.items[some.count];
		some.items[some.count++] = item;
	}
	if (some.count > 0)
		qsort(some.items, some.count, sizeof(*some.items), cmp);
	return some;
}

static void drop_first(struct match_identities *list)
{
	list->items++;
	list->count--;
}

/* Takes the items of one identity off the front. */
static struct match_identities run_take(struct match_identities *list)
{
	struct match_identities run = {.items = list->items};

	while (list->count > 0 && identity_cmp(&run.items[0].identity,
					  &list->items[0].identity) == 0) {
		drop_first(list);
		run.count++;
	}
	return run;
}

/* Pairs, from the front, what is left of a run of server rows with those files
 * of an equal run that are in the journal, or are not. */
static size_t pair_run(struct match *match, struct match_identities *remote,
	const struct match_identities *local, bool in_journal)
{
	size_t united = 0;

	for (size_t i = 0; i < local->count && remote->count > 0; i++) {
		const struct row *file = &match->rows[local->items[i].row];

		if (!match_is_file(file) ||
			in_journal != ((file->present & SIDE_BIT(BASE)) != 0))
			continue;
		match_unite(match, remote->items[0].row, local->items[i].row);
		drop_first(remote);
		united++;
	}
	return united;
}

size_t match_pair(struct match *match, struct match_identities *remote,
	struct match_identities *local)
{
	struct match_identities there =
		singles(remote, match, match_is_remote, cmp_identity);
	struct match_identities here =
		singles(local, match, match_is_file, cmp_identity);
	size_t united = 0;

	while (there.count > 0 && here.count > 0) {
		int order = identity_cmp(
			&there.items[0].identity, &here.items[0].identity);

		if (order < 0) {
			drop_first(&there);
		} else if (order > 0) {
			drop_first(&here);
		} else {
			struct match_identities run = run_take(&there);
			struct match_identities files = run_take(&here);

			united += pair_run(match, &run, &files, true);
			united += pair_run(match, &run, &files, false);
		}
	}
	return united;
}

/* ---- Doubts -------------------------------------------------------------- */

/* Whether a file has the header of this message and nearly its size. */
static bool has_twin(const struct match_identities *files,
	const struct match_identity *remote)
{
	struct match_identity least = *remote;
	size_t low = 0;
	size_t high = files->count;

	least.identity.bytes = match_size_low(remote->identity.bytes);
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (cmp_header(&files->items[middle], &least) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < files->count &&
	       memcmp(files->items[low].identity.header_sha256,
		       remote->identity.header_sha256,
		       IDENTITY_HASH_BYTES) == 0 &&
	       files->items[low].identity.bytes <=
		       match_size_high(remote->identity.bytes);
}

static int cmp_row(const void *a, const void *b)
{
	const struct match_identity *x = a;
	const struct match_identity *y = b;

	return (x->row > y->row) - (x->row < y->row);
}

void match_doubts(const struct match *match, struct match_identities *remote,
	struct match_identities *local, struct arena *arena,
	struct match_rows *doubts_r)
{
	struct match_identities there =
		singles(remote, match, match_is_remote, cmp_row);
	struct match_identities here =
		singles(local, match, match_is_file, cmp_header);

	doubts_r->rows = arena_array(arena, there.count, sizeof(uint32_t));
	doubts_r->count = 0;
	for (size_t i = 0; i < there.count; i++) {
		if (has_twin(&here, &there.items[i]))
			doubts_r->rows[doubts_r->count++] = there.items[i].row;
	}
}
