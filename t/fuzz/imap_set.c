/*
 * Sets: what is read is printed and read again as the same set, in pieces too,
 * and set arithmetic holds. A '-' in the input has a second set behind it.
 */
#include "fuzz.h"

#include "godwit/base/err.h"
#include "godwit/imap/set.h"

static void print_and_read(const struct imap_set *set)
{
	struct imap_set again = {0};
	struct buf text = {0};
	size_t from = 0;

	while (imap_set_print_next(set, &from, 40, &text)) {
		check(text.len <= 40);
		check(imap_set_parse(&again, buf_str(&text), 0));
		buf_reset(&text);
	}
	check(imap_set_equal(set, &again));
	imap_set_clear(&again);
	buf_clear(&text);
}

static void is_settled(const struct imap_set *set)
{
	for (size_t i = 0; i < set->count; i++) {
		check(set->ranges[i].first != 0);
		check(set->ranges[i].first <= set->ranges[i].last);
		check(i == 0 ||
			set->ranges[i].first - 1 > set->ranges[i - 1].last);
	}
}

/* (a - b) and b are apart, and together they are a and b. */
static void arithmetic(const struct imap_set *a, const struct imap_set *b)
{
	struct imap_set rest = {0};
	struct imap_set all = {0};

	imap_set_union(&rest, a);
	imap_set_subtract(&rest, b);
	is_settled(&rest);
	for (size_t i = 0; i < b->count; i++)
		check(!imap_set_contains(&rest, b->ranges[i].first));
	imap_set_union(&all, a);
	imap_set_union(&all, b);
	imap_set_union(&rest, b);
	is_settled(&all);
	check(imap_set_equal(&rest, &all));
	imap_set_clear(&rest);
	imap_set_clear(&all);
}

void fuzz_one(struct str input)
{
	size_t minus = str_find(input, '-');
	struct imap_set a = {0};
	struct imap_set b = {0};

	(void)imap_set_parse(&a, str_sub(input, 0, minus), UINT32_MAX);
	(void)imap_set_parse(&b, str_sub(input, minus + 1, input.len), 7);
	is_settled(&a);
	is_settled(&b);
	print_and_read(&a);
	arithmetic(&a, &b);
	imap_set_clear(&a);
	imap_set_clear(&b);
}
