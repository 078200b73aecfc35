/* mail/keywords: the keywords of a mailbox and sets of them. */
#include "godwit/mail/keywords.h"

#include "godwit/base/limits.h"
#include "tap.h"

#include <stdio.h>
#include <string.h>

static uint32_t set_of(struct keywords *k, const char *names)
{
	struct str rest = str_of(names);
	struct str name;
	uint32_t ids[16];
	uint32_t set = UINT32_MAX;
	size_t count = 0;

	while (rest.len > 0 && str_split(&rest, ' ', &name))
		ids[count++] = keywords_name_add(k, name);
	check(keywords_set(k, ids, count, &set, NULL) == 0);
	return set;
}

static void test_names(void)
{
	struct keywords *k = keywords_new();

	is_int(keywords_name_find(k, STR("Junk")), KEYWORD_NONE,
		"a new table knows no name");
	is_int(keywords_name_add(k, STR("Junk")), 0, "the first name is 0");
	is_int(keywords_name_add(k, STR("work")), 1, "the second is 1");
	is_int(keywords_name_add(k, STR("jUNK")), 0,
		"case does not make another name");
	is_str(keywords_name(k, 0), STR("Junk"), "the first spelling is kept");
	is_int(keywords_name_find(k, STR("WORK")), 1,
		"a name is found in any case");
	is_int(keywords_count(k), 2, "the table counts its names");
	keywords_free(&k);
	ok(k == NULL, "a freed table is gone");
	keywords_free(&k);
}

static void test_valid(void)
{
	static const struct str good[] = {
		{"$Junk", 5}, {"a", 1}, {"x-1.2/3:4+5~&!#'`|}[^_=;,<>@?", 28}};
	static const struct str bad[] = {{"", 0}, {"\\Seen", 5}, {"a b", 3},
		{"a\r", 2}, {"a\0b", 3}, {"(", 1}, {")", 1}, {"{", 1}, {"%", 1},
		{"*", 1}, {"\"", 1}, {"]", 1}, {"caf\xc3\xa9", 5}, {"\x7f", 1},
		{"$FORWARDED", 10}};
	char longest[LIMIT_KEYWORD_BYTES + 1];

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		ok(keyword_valid(good[i]), "'%.*s' can be a keyword",
			STR_FMT(good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ok(!keyword_valid(bad[i]), "bad keyword %zu is refused", i);
	memset(longest, 'k', sizeof(longest));
	ok(keyword_valid((struct str){longest, LIMIT_KEYWORD_BYTES}),
		"the longest keyword is one");
	ok(!keyword_valid((struct str){longest, LIMIT_KEYWORD_BYTES + 1}),
		"a longer one is not");
}

static void test_full(void)
{
	struct keywords *k = keywords_new();
	char name[16];
	size_t count;
	uint32_t set = 0;

	for (uint32_t i = 0; i < LIMIT_KEYWORDS; i++) {
		uint32_t one;

		(void)snprintf(name, sizeof(name), "k%u", (unsigned)i);
		check(keywords_name_add(k, str_of(name)) == i);
		check(keywords_set(k, &i, 1, &one, NULL) == 0);
		set = keywords_union(k, set, one);
	}
	is_int(keywords_name_add(k, STR("more")), KEYWORD_NONE,
		"a full table takes no more names");
	is_int(keywords_name_add(k, STR("K17")), 17,
		"a full table still knows its own");
	(void)keywords_set_ids(k, set, &count);
	is_int((intmax_t)count, LIMIT_KEYWORDS, "a set can hold all of them");
	keywords_free(&k);
}

static void test_sets(void)
{
	struct keywords *k = keywords_new();
	const uint32_t twice[] = {2, 0, 2};
	const uint16_t *ids;
	uint32_t abc = set_of(k, "a b c");
	uint32_t ac = set_of(k, "a c");
	uint32_t set = 0;
	size_t count;

	is_int(set_of(k, ""), KEYWORDS_EMPTY, "no keywords are the empty set");
	is_int(set_of(k, "c A b"), abc, "order and case make no other set");
	ok(abc != ac, "different sets have different handles");
	is_int(keywords_set(k, twice, 3, &set, NULL), 0,
		"an id may be given twice");
	is_int(set, ac, "and counts once");
	ids = keywords_set_ids(k, abc, &count);
	is_int((intmax_t)count, 3, "a set knows how many it holds");
	ok(ids[0] == 0 && ids[1] == 1 && ids[2] == 2, "its ids ascend");
	ok(keywords_set_has(k, ac, 2) && !keywords_set_has(k, ac, 1),
		"a set knows what it holds");
	is_int(keywords_union(k, set_of(k, "a"), set_of(k, "c")), ac,
		"a union holds both");
	is_int(keywords_union(k, KEYWORDS_EMPTY, ac), ac,
		"a union with nothing is the other");
	is_int(keywords_minus(k, abc, set_of(k, "b d")), ac,
		"a difference lacks what the other holds");
	is_int(keywords_minus(k, ac, abc), KEYWORDS_EMPTY,
		"nothing may be left");
	is_int(keywords_pick(k, abc, twice, 3), ac,
		"picking leaves what is asked for");
	keywords_free(&k);
}

/* The set of x, y and z for a number from 0 to 7. */
static uint32_t xyz(struct keywords *k, unsigned bits)
{
	static const char *const names[] = {
		"", "x", "y", "x y", "z", "x z", "y z", "x y z"};

	return set_of(k, names[bits]);
}

/* The rule of the merge, one keyword after the other. */
static unsigned merged(unsigned base, unsigned mine, unsigned theirs)
{
	unsigned result = 0;

	for (unsigned bit = 1; bit < 8; bit *= 2)
		result |= bit & ((mine & bit) != (base & bit) ? mine : theirs);
	return result;
}

static void test_merge(void)
{
	struct keywords *k = keywords_new();
	int wrong = 0;

	is_int(keywords_merge(k, set_of(k, "old both"), set_of(k, "old mine"),
		       set_of(k, "old both theirs")),
		set_of(k, "old mine theirs"),
		"a merge takes the changes of both sides");
	for (unsigned i = 0; i < 512; i++) {
		unsigned b = i % 8;
		unsigned m = i / 8 % 8;
		unsigned t = i / 64;

		wrong += keywords_merge(k, xyz(k, b), xyz(k, m), xyz(k, t)) !=
			 xyz(k, merged(b, m, t));
	}
	is_int(wrong, 0, "all merges of three keywords go by the rule");
	keywords_free(&k);
}

/* The n-th set of all keywords but two. */
static int flood(struct keywords *k, uint32_t n, struct err *err)
{
	uint32_t ids[LIMIT_KEYWORDS];
	uint32_t set;
	size_t count = 0;

	for (uint32_t id = 0; id < LIMIT_KEYWORDS; id++) {
		if (id != n % 64 && id != 64 + n / 64)
			ids[count++] = id;
	}
	return keywords_set(k, ids, count, &set, err);
}

static void test_limit(void)
{
	struct keywords *k = keywords_new();
	struct err err = {0};
	uint32_t n = 0;
	char name[16];

	for (uint32_t i = 0; i < LIMIT_KEYWORDS; i++) {
		(void)snprintf(name, sizeof(name), "k%u", (unsigned)i);
		(void)keywords_name_add(k, str_of(name));
	}
	while (n < 10000 && flood(k, n, &err) == 0)
		n++;
	ok(n > 8000 && n < 10000, "a flood of sets is stopped (%u)",
		(unsigned)n);
	is_int(err.scope, ERR_MAILBOX, "it costs the mailbox");
	is_int(flood(k, n - 1, &err), 0,
		"sets that are known are found then, too");
	keywords_free(&k);
}

int main(void)
{
	test_names();
	test_valid();
	test_full();
	test_sets();
	test_merge();
	test_limit();
	return tap_done();
}
