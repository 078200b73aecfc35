/*
 * How: the sizes of either side are sorted, and each size of the other side is
 * looked up among them with some slack. What a server says is believed just so
 * far as to decide what is worth looking at.
 */
#include "match_parts.h"

#include "godwit/base/err.h"

#include <stdlib.h>

enum {
	SLACK_BYTES = 256,
	SLACK_DIVISOR = 16,
};

uint64_t match_slack(uint64_t remote_bytes)
{
	return SLACK_BYTES + remote_bytes / SLACK_DIVISOR;
}

uint64_t match_size_low(uint64_t remote_bytes)
{
	uint64_t slack = match_slack(remote_bytes);

	return remote_bytes < slack ? 0 : remote_bytes - slack;
}

uint64_t match_size_high(uint64_t remote_bytes)
{
	uint64_t slack = match_slack(remote_bytes);

	return remote_bytes > UINT64_MAX - slack ? UINT64_MAX
						 : remote_bytes + slack;
}

void match_near(uint64_t remote_bytes, uint64_t *least_r, uint64_t *most_r)
{
	*least_r = match_size_low(remote_bytes);
	*most_r =
		remote_bytes == 0 ? UINT64_MAX : match_size_high(remote_bytes);
}

/* Sizes, sorted. */
struct sizes {
	uint64_t *bytes;
	size_t count;
	bool any_unknown; /* of the server's: one was not asked for */
};

static int cmp_u64(const void *a, const void *b)
{
	const uint64_t *x = a;
	const uint64_t *y = b;

	return (*x > *y) - (*x < *y);
}

static struct sizes sizes_new(size_t count_max)
{
	size_t cap = 0;

	return (struct sizes){
		.bytes = array_grow(NULL, &cap, count_max, sizeof(uint64_t))};
}

static void sizes_sort(struct sizes *sizes)
{
	if (sizes->count > 0)
		qsort(sizes->bytes, sizes->count, sizeof(uint64_t), cmp_u64);
}

static struct sizes remote_sizes(
	const struct match *match, const struct match_input *input)
{
	struct sizes sizes = sizes_new(input->remote_count);

	for (size_t i = 0; i < match->count; i++) {
		const struct row *row = &match->rows[i];
		uint64_t bytes;

		if (!match_is_remote(row))
			continue;
		bytes = input->remote[row->remote].bytes;
		if (bytes == 0)
			sizes.any_unknown = true;
		else
			sizes.bytes[sizes.count++] = bytes;
	}
	sizes_sort(&sizes);
	return sizes;
}

static struct sizes local_sizes(
	const struct match *match, const struct match_identities *local)
{
	struct sizes sizes = sizes_new(local->count);

	for (size_t i = 0; i < local->count; i++) {
		const struct match_identity *item = &local->items[i];

		check(item->row < match->count);
		if (match_is_file(&match->rows[item->row]))
			sizes.bytes[sizes.count++] = item->identity.bytes;
	}
	sizes_sort(&sizes);
	return sizes;
}

/* Whether one of the files' sizes fits a message of this size. */
static bool near_a_file(const struct sizes *local, uint64_t remote_bytes)
{
	uint64_t least = match_size_low(remote_bytes);
	size_t low = 0;
	size_t high = local->count;

	if (remote_bytes == 0)
		return local->count > 0;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (local->bytes[middle] < least)
			low = middle + 1;
		else
			high = middle;
	}
	return low < local->count &&
	       local->bytes[low] <= match_size_high(remote_bytes);
}

/* Whether one of the messages' sizes fits a file of this size. Both bounds rise
 * with the size, so the first that reaches up to it decides. */
static bool near_a_message(const struct sizes *remote, uint64_t local_bytes)
{
	size_t low = 0;
	size_t high = remote->count;

	if (remote->any_unknown)
		return true;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (match_size_high(remote->bytes[middle]) < local_bytes)
			low = middle + 1;
		else
			high = middle;
	}
	return low < remote->count &&
	       match_size_low(remote->bytes[low]) <= local_bytes;
}

static int cmp_u32(const void *a, const void *b)
{
	const uint32_t *x = a;
	const uint32_t *y = b;

	return (*x > *y) - (*x < *y);
}

static void rows_sort(struct match_rows *rows)
{
	if (rows->count > 0)
		qsort(rows->rows, rows->count, sizeof(uint32_t), cmp_u32);
}

static struct match_rows candidates_local(const struct match *match,
	const struct match_identities *local, const struct sizes *remote,
	struct arena *arena)
{
	struct match_rows rows = {
		.rows = arena_array(arena, local->count, sizeof(uint32_t))};

	for (size_t i = 0; i < local->count; i++) {
		const struct match_identity *item = &local->items[i];

		if (match_is_file(&match->rows[item->row]) &&
			near_a_message(remote, item->identity.bytes))
			rows.rows[rows.count++] = item->row;
	}
	rows_sort(&rows);
	return rows;
}

static struct match_rows candidates_remote(const struct match *match,
	const struct match_input *input, const struct sizes *local,
	struct arena *arena)
{
	struct match_rows rows = {
		.rows = arena_array(
			arena, input->remote_count, sizeof(uint32_t))};

	for (size_t i = 0; i < match->count; i++) {
		const struct row *row = &match->rows[i];

		if (match_is_remote(row) &&
			near_a_file(local, input->remote[row->remote].bytes))
			rows.rows[rows.count++] = (uint32_t)i;
	}
	return rows;
}

void match_candidates(const struct match *match,
	const struct match_input *input, const struct match_identities *local,
	struct arena *arena, struct match_candidates *candidates_r)
{
	struct sizes of_remote = remote_sizes(match, input);
	struct sizes of_local = local_sizes(match, local);

	candidates_r->remote =
		candidates_remote(match, input, &of_local, arena);
	candidates_r->local = candidates_local(match, local, &of_remote, arena);
	free(of_remote.bytes);
	free(of_local.bytes);
}
