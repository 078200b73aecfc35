/* mail/flags: what is marked on a message. */
#include "godwit/mail/flags.h"

#include "tap.h"

static struct flags flags_of(struct keywords *k, const char *names)
{
	struct str rest = str_of(names);
	struct str list[16];
	struct flags flags = {99, 99};
	size_t count = 0;

	while (rest.len > 0 && str_split(&rest, ' ', &list[count]))
		count++;
	check(flags_from_names(k, list, count, &flags, NULL) == 0);
	return flags;
}

static void is_flags(struct keywords *k, struct flags got, const char *want,
	const char *sentence)
{
	struct arena arena = {0};
	struct buf text = {0};
	size_t count;
	const struct str *names = flags_to_names(k, got, &arena, &count);

	for (size_t i = 0; i < count; i++) {
		buf_addz(&text, i == 0 ? "" : " ");
		buf_add(&text, names[i]);
	}
	is_str(buf_str(&text), str_of(want), "%s", sentence);
	buf_clear(&text);
	arena_clear(&arena);
}

static void test_names(void)
{
	struct keywords *k = keywords_new();
	struct str many[300];
	struct flags flags = {0};

	is_flags(k, flags_of(k, ""), "", "no names are no flags");
	is_flags(k, flags_of(k, "NonJunk \\Draft \\Seen $Forwarded"),
		"\\Seen \\Draft $Forwarded NonJunk",
		"system flags come first on the way back");
	is_flags(k, flags_of(k, "\\SEEN $fORWARDED nonjunk \\answered"),
		"\\Seen \\Answered $Forwarded NonJunk",
		"flags are known in any case");
	is_flags(k, flags_of(k, "\\Recent \\* \\Xyz \\Flagged \\Deleted"),
		"\\Flagged \\Deleted", "other backslash flags are left out");
	is_flags(k, flags_of(k, "a]b \\ good"), "good",
		"what is no keyword is left out");
	is_int(flags_of(k, "\\Seen \\Answered \\Flagged \\Deleted \\Draft "
			   "$Forwarded")
			.system,
		FLAGS_SYSTEM, "all system flags have a bit");
	for (size_t i = 0; i < 300; i++)
		many[i] = i == 299 ? STR("\\Seen") : STR("same");
	is_int(flags_from_names(k, many, 300, &flags, NULL), 0,
		"a long list is no error");
	is_flags(k, flags, "\\Seen same", "a long list is read to its end");
	keywords_free(&k);
}

static void test_changes(void)
{
	struct keywords *k = keywords_new();
	struct flags from = flags_of(k, "\\Seen \\Draft a b");
	struct flags to = flags_of(k, "\\Seen \\Flagged b c");

	is_flags(k, flags_added(k, from, to), "\\Flagged c",
		"what is added is known");
	is_flags(k, flags_removed(k, from, to), "\\Draft a",
		"what is removed is known");
	ok(flags_eq(flags_apply(k, from, flags_added(k, from, to),
			    flags_removed(k, from, to)),
		   to),
		"applying both changes leads there");
	ok(!flags_eq(from, to), "different flags differ");
	ok(!flags_eq(flags_of(k, "\\Seen a"), flags_of(k, "\\Seen b")),
		"also in keywords alone");
	keywords_free(&k);
}

static void test_merge(void)
{
	struct keywords *k = keywords_new();
	struct flags base = flags_of(k, "\\Seen \\Flagged old");
	struct flags mine = flags_of(k, "\\Seen \\Answered mine");
	struct flags theirs = flags_of(k, "\\Flagged \\Answered old theirs");
	int wrong = 0;

	is_flags(k, flags_merge(k, base, mine, theirs),
		"\\Answered mine theirs", "a merge takes the changes of both");
	ok(flags_eq(flags_merge(k, base, mine, theirs),
		   flags_merge(k, base, theirs, mine)),
		"a merge is the same from either side");
	for (uint32_t i = 0; i < 8; i++) {
		struct flags b = {(i & 1) * FLAG_SEEN, 0};
		struct flags m = {(i >> 1 & 1) * FLAG_SEEN, 0};
		struct flags t = {(i >> 2) * FLAG_SEEN, 0};
		struct flags want = m.system != b.system ? m : t;

		wrong += !flags_eq(flags_merge(k, b, m, t), want);
	}
	is_int(wrong, 0, "all merges of one flag go by the rule");
	keywords_free(&k);
}

int main(void)
{
	test_names();
	test_changes();
	test_merge();
	return tap_done();
}
