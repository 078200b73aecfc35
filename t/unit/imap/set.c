/* imap/set: sorted, compact ranges of message numbers. */
#include "godwit/imap/set.h"

#include "tap.h"

#include <stdlib.h>

static void is_set(struct imap_set *set, const char *want, const char *sentence)
{
	struct buf text = {0};

	imap_set_print(set, &text);
	is_str(buf_str(&text), str_of(want), "%s", sentence);
	buf_clear(&text);
	imap_set_clear(set);
}

static struct imap_set set_of(const char *text)
{
	struct imap_set set = {0};

	if (text[0] != '\0')
		ok(imap_set_parse(&set, str_of(text), 0), "%s is a set", text);
	return set;
}

static void test_add(void)
{
	struct imap_set set = {0};

	imap_set_add(&set, 5);
	imap_set_add(&set, 6);
	imap_set_add(&set, 4);
	is_set(&set, "4:6", "neighbours on either side join a range");

	imap_set_add_range(&set, 10, 20);
	imap_set_add_range(&set, 30, 40);
	imap_set_add_range(&set, 1, 2);
	imap_set_add_range(&set, 25, 15);
	is_set(&set, "1:2,10:25,30:40", "ends may be given either way round");

	imap_set_add_range(&set, 1, 2);
	imap_set_add_range(&set, 4, 5);
	imap_set_add_range(&set, 7, 8);
	imap_set_add_range(&set, 3, 6);
	is_set(&set, "1:8", "one range can swallow all others");

	imap_set_add(&set, UINT32_MAX);
	imap_set_add(&set, UINT32_MAX - 1);
	imap_set_add_range(&set, 1, UINT32_MAX);
	is_int((intmax_t)imap_set_size(&set), UINT32_MAX,
		"a set holds every number there is");
	is_set(&set, "1:4294967295", "and it is one range");
}

static void test_parse(void)
{
	static const char *const bad[] = {"", ",", "1,", ",1", "0", "1:0",
		"1:2:3", "a", "1 ", " 1", "-1", "4294967296", "1:", ":1", "**",
		"*", "1:*"};
	struct imap_set set = {0};

	imap_set_add(&set, 7);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ok(!imap_set_parse(&set, str_of(bad[i]), 0), "\"%s\" is no set",
			bad[i]);
	is_set(&set, "7", "what is no set adds nothing");

	ok(imap_set_parse(&set, STR("9,3:1,2:5,*"), 12),
		"order and overlap do not matter");
	is_set(&set, "1:5,9,12", "a parsed set is sorted and merged");
	ok(imap_set_parse(&set, STR("999:*"), 50), "* may be the lower end");
	is_set(&set, "50:999", "n:* holds the last message in any case");

	ok(imap_set_parse_list(&set, STR("304,319:320,2"), 0),
		"a list keeps its order");
	is_int((intmax_t)imap_set_size(&set), 4, "a list can be counted");
	is_set(&set, "304,319:320,2", "a list is printed as it came");
}

static void test_questions(void)
{
	struct imap_set set = set_of("2:4,8,100:4294967295");
	struct imap_set empty = {0};

	ok(!imap_set_contains(&set, 1), "1 is not in 2:4");
	ok(imap_set_contains(&set, 2), "the first end is in");
	ok(imap_set_contains(&set, 4), "the last end is in");
	ok(!imap_set_contains(&set, 5), "what is behind a range is not");
	ok(imap_set_contains(&set, UINT32_MAX), "the greatest number is in");
	is_int(imap_set_max(&set), UINT32_MAX, "the greatest is known");
	is_int(imap_set_max(&empty), 0, "an empty set has none");
	ok(!imap_set_contains(&empty, 1), "an empty set holds nothing");
	ok(!imap_set_equal(&set, &empty), "different sets are not equal");
	ok(imap_set_equal(&set, &set), "equal sets are");
	imap_set_clear(&set);
}

static void test_next(void)
{
	struct imap_set set = set_of("2:3,9,4294967294:4294967295");
	struct imap_set_iter iter = {0};
	struct buf seen = {0};
	uint32_t number;

	while (imap_set_next(&set, &iter, &number))
		buf_addf(&seen, "%lu ", (unsigned long)number);
	is_str(buf_str(&seen), STR("2 3 9 4294967294 4294967295 "),
		"the iterator visits each number once, in order");
	ok(!imap_set_next(&set, &iter, &number), "and then no more");
	buf_clear(&seen);
	imap_set_clear(&set);
}

static void is_difference(const char *a, const char *b, const char *want)
{
	struct imap_set left = set_of(a);
	struct imap_set right = set_of(b);

	imap_set_subtract(&left, &right);
	is_set(&left, want, "what is subtracted is out");
	imap_set_clear(&right);
}

static void test_algebra(void)
{
	struct imap_set set = set_of("1:3,10");
	struct imap_set other = set_of("4,9:11,20");

	imap_set_union(&set, &other);
	is_set(&set, "1:4,9:11,20", "a union holds both");
	imap_set_clear(&other);
	is_difference("1:10", "5", "1:4,6:10");
	is_difference("1:10", "1:10", "");
	is_difference("1:10,20:30", "3:25", "1:2,26:30");
	is_difference("1:10,20:30", "1:2,4,6,9:20,30", "3,5,7:8,21:29");
	is_difference("1:4294967295", "2:4294967295", "1");
	is_difference("5", "1:4,6:9", "5");
}

static void test_print(void)
{
	struct imap_set set = {0};
	struct imap_set again = {0};
	struct buf piece = {0};
	size_t from = 0;
	size_t longest = 0;

	for (uint32_t i = 1; i < 5000; i++)
		imap_set_add(&set, i * 3);
	while (imap_set_print_next(&set, &from, 100, &piece)) {
		if (piece.len > longest)
			longest = piece.len;
		if (!imap_set_parse(&again, buf_str(&piece), 0))
			ok(false, "a piece is a set");
		buf_reset(&piece);
	}
	ok(longest <= 100, "no piece is longer than asked for (%zu)", longest);
	ok(longest > 70, "pieces are filled (%zu)", longest);
	ok(imap_set_equal(&set, &again), "the pieces together are the set");
	from = 0;
	buf_reset(&piece);
	ok(imap_set_print_next(&set, &from, 1, &piece),
		"one range is printed however little room there is");
	is_str(buf_str(&piece), STR("3"), "and only one");
	buf_clear(&piece);
	imap_set_clear(&again);
	imap_set_clear(&set);
}

/* Random acts, against an array of bits. */
static bool agrees_with_bits(unsigned seed)
{
	bool member[256] = {false};
	struct imap_set set = {0};
	bool same = true;

	for (int act = 0; act < 200; act++) {
		uint32_t a =
			1 + (seed = seed * 1103515245 + 12345) / 65536 % 250;
		uint32_t b = a + (seed = seed * 1103515245 + 12345) / 65536 % 5;
		struct imap_set range = {0};
		bool add = act % 3 != 0;

		imap_set_add_range(&range, a, b);
		if (add)
			imap_set_add_range(&set, b, a);
		else
			imap_set_subtract(&set, &range);
		for (uint32_t i = a; i <= b; i++)
			member[i] = add;
		imap_set_clear(&range);
	}
	for (uint32_t i = 1; i < 256; i++)
		same = same && imap_set_contains(&set, i) == member[i];
	for (size_t i = 1; i < set.count; i++)
		same = same && set.ranges[i].first > set.ranges[i - 1].last + 1;
	imap_set_clear(&set);
	return same;
}

static void test_against_bits(void)
{
	unsigned wrong = 0;

	for (unsigned seed = 0; seed < 200; seed++)
		wrong += !agrees_with_bits(seed);
	is_int(wrong, 0, "random adding and subtracting agrees with bits");
}

static void test_hostile(void)
{
	struct imap_set set = {0};
	uint32_t number = 1;

	for (int i = 0; i < 1000000; i++) {
		number = number * 1664525 + 1013904223;
		imap_set_push(&set, number | 1, number | 1);
	}
	imap_set_settle(&set);
	ok(set.count > 900000, "a million ranges in no order are settled");
	imap_set_clear(&set);
}

int main(void)
{
	test_add();
	test_parse();
	test_questions();
	test_next();
	test_algebra();
	test_print();
	test_against_bits();
	test_hostile();
	return tap_done();
}
