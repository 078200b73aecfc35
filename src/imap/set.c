/*
 * How: a sorted array of ranges with a gap of at least one number between any
 * two. Adding at the end, the common case, extends the last range or appends
 * one; adding elsewhere finds the place by bisection. Input in no order goes
 * through push and settle, so that a hostile list costs n log n, not n².
 */
#include "godwit/imap/set.h"

#include "godwit/base/arena.h"
#include "godwit/base/err.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* "4294967295:4294967295," */
enum {
	RANGE_BYTES_MAX = 22
};

void imap_set_clear(struct imap_set *set)
{
	free(set->ranges);
	*set = (struct imap_set){0};
}

void imap_set_reset(struct imap_set *set)
{
	set->count = 0;
}

static void insert_at(struct imap_set *set, size_t at, struct imap_range range)
{
	set->ranges = array_grow(
		set->ranges, &set->cap, set->count + 1, sizeof(*set->ranges));
	memmove(set->ranges + at + 1, set->ranges + at,
		(set->count - at) * sizeof(range));
	set->ranges[at] = range;
	set->count++;
}

static struct imap_range ordered(uint32_t a, uint32_t b)
{
	return a <= b ? (struct imap_range){.first = a, .last = b}
		      : (struct imap_range){.first = b, .last = a};
}

void imap_set_push(struct imap_set *set, uint32_t a, uint32_t b)
{
	check(a != 0 && b != 0);
	insert_at(set, set->count, ordered(a, b));
}

/* `b` begins inside of `a` or right behind it. */
static bool touches(struct imap_range a, struct imap_range b)
{
	return (uint64_t)b.first <= (uint64_t)a.last + 1;
}

static int range_order(const void *a, const void *b)
{
	const struct imap_range *x = a;
	const struct imap_range *y = b;

	return (x->first > y->first) - (x->first < y->first);
}

static bool is_sorted(const struct imap_set *set)
{
	for (size_t i = 1; i < set->count; i++) {
		if (set->ranges[i].first < set->ranges[i - 1].first)
			return false;
	}
	return true;
}

void imap_set_settle(struct imap_set *set)
{
	size_t kept = 0;

	if (set->count == 0)
		return;
	if (!is_sorted(set))
		qsort(set->ranges, set->count, sizeof(*set->ranges),
			range_order);
	for (size_t i = 1; i < set->count; i++) {
		struct imap_range *last = &set->ranges[kept];

		if (!touches(*last, set->ranges[i]))
			set->ranges[++kept] = set->ranges[i];
		else if (last->last < set->ranges[i].last)
			last->last = set->ranges[i].last;
	}
	set->count = kept + 1;
}

/* The first range that ends at or behind `number`. */
static size_t bisect(const struct imap_set *set, uint32_t number)
{
	size_t low = 0;
	size_t high = set->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (set->ranges[middle].last < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Swallows the ranges behind `at` that the one there has grown into. */
static void absorb(struct imap_set *set, size_t at)
{
	size_t next = at + 1;

	while (next < set->count &&
		touches(set->ranges[at], set->ranges[next])) {
		if (set->ranges[at].last < set->ranges[next].last)
			set->ranges[at].last = set->ranges[next].last;
		next++;
	}
	memmove(set->ranges + at + 1, set->ranges + next,
		(set->count - next) * sizeof(*set->ranges));
	set->count -= next - at - 1;
}

void imap_set_add_range(struct imap_set *set, uint32_t a, uint32_t b)
{
	struct imap_range range = ordered(a, b);
	size_t at;

	check(range.first != 0);
	/* A range that ends right before `range` takes it in. */
	at = bisect(set, range.first - 1);
	if (at == set->count || !touches(range, set->ranges[at])) {
		insert_at(set, at, range);
		return;
	}
	if (range.first < set->ranges[at].first)
		set->ranges[at].first = range.first;
	if (range.last > set->ranges[at].last)
		set->ranges[at].last = range.last;
	absorb(set, at);
}

void imap_set_add(struct imap_set *set, uint32_t number)
{
	imap_set_add_range(set, number, number);
}

static bool number_parse(struct str text, uint32_t star, uint32_t *number_r)
{
	if (str_eq(text, STR("*"))) {
		*number_r = star;
		return star != 0;
	}
	return str_u32(text, number_r) && *number_r != 0;
}

static bool range_parse(struct imap_set *set, struct str text, uint32_t star)
{
	size_t colon = str_find(text, ':');
	uint32_t a;
	uint32_t b;

	if (!number_parse(str_sub(text, 0, colon), star, &a))
		return false;
	b = a;
	if (colon < text.len &&
		!number_parse(str_sub(text, colon + 1, text.len), star, &b))
		return false;
	imap_set_push(set, a, b);
	return true;
}

bool imap_set_parse_list(struct imap_set *set, struct str text, uint32_t star)
{
	size_t before = set->count;
	struct str part;

	if (text.len == 0)
		return false;
	while (str_split(&text, ',', &part)) {
		if (!range_parse(set, part, star)) {
			set->count = before;
			return false;
		}
	}
	return true;
}

bool imap_set_parse(struct imap_set *set, struct str text, uint32_t star)
{
	if (!imap_set_parse_list(set, text, star))
		return false;
	imap_set_settle(set);
	return true;
}

bool imap_set_contains(const struct imap_set *set, uint32_t number)
{
	size_t at = bisect(set, number);

	return at < set->count && set->ranges[at].first <= number;
}

uint64_t imap_set_size(const struct imap_set *set)
{
	uint64_t size = 0;

	for (size_t i = 0; i < set->count; i++)
		size += (uint64_t)set->ranges[i].last - set->ranges[i].first +
			1;
	return size;
}

uint32_t imap_set_max(const struct imap_set *set)
{
	return set->count == 0 ? 0 : set->ranges[set->count - 1].last;
}

bool imap_set_equal(const struct imap_set *a, const struct imap_set *b)
{
	return a->count == b->count &&
	       (a->count == 0 || !memcmp(a->ranges, b->ranges,
					 a->count * sizeof(*a->ranges)));
}

void imap_set_union(struct imap_set *set, const struct imap_set *other)
{
	for (size_t i = 0; i < other->count; i++)
		imap_set_push(
			set, other->ranges[i].first, other->ranges[i].last);
	imap_set_settle(set);
}

/* Pushes what the ranges of `other` from *from on leave of `range`. */
static void push_rest(struct imap_set *out, struct imap_range range,
	const struct imap_set *other, size_t *from)
{
	uint64_t first = range.first;

	while (*from < other->count && other->ranges[*from].last < first)
		++*from;
	for (size_t i = *from; i < other->count; i++) {
		struct imap_range hole = other->ranges[i];

		if (hole.first > range.last)
			break;
		if (hole.first > first)
			imap_set_push(out, (uint32_t)first, hole.first - 1);
		first = (uint64_t)hole.last + 1;
	}
	if (first <= range.last)
		imap_set_push(out, (uint32_t)first, range.last);
}

void imap_set_subtract(struct imap_set *set, const struct imap_set *other)
{
	struct imap_set rest = {0};
	size_t from = 0;

	for (size_t i = 0; i < set->count; i++)
		push_rest(&rest, set->ranges[i], other, &from);
	imap_set_clear(set);
	*set = rest;
}

bool imap_set_next(const struct imap_set *set, struct imap_set_iter *iter,
	uint32_t *number_r)
{
	const struct imap_range *range;
	uint64_t number;

	if (iter->range >= set->count)
		return false;
	range = &set->ranges[iter->range];
	number = iter->next != 0 ? iter->next : range->first;
	iter->next = number + 1;
	if (number == range->last) {
		iter->range++;
		iter->next = 0;
	}
	*number_r = (uint32_t)number;
	return true;
}

static void print_range(struct imap_range range, struct buf *out)
{
	if (range.first == range.last)
		buf_addf(out, "%" PRIu32, range.first);
	else
		buf_addf(out, "%" PRIu32 ":%" PRIu32, range.first, range.last);
}

bool imap_set_print_next(const struct imap_set *set, size_t *from,
	size_t bytes_max, struct buf *out)
{
	size_t start = out->len;

	if (*from >= set->count)
		return false;
	while (*from < set->count) {
		if (out->len > start) {
			if (out->len - start + RANGE_BYTES_MAX > bytes_max)
				break;
			buf_addc(out, ',');
		}
		print_range(set->ranges[*from], out);
		++*from;
	}
	return true;
}

void imap_set_print(const struct imap_set *set, struct buf *out)
{
	size_t from = 0;

	(void)imap_set_print_next(set, &from, SIZE_MAX, out);
}
