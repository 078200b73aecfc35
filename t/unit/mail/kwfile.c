/* mail/kwfile: which letter stands for which keyword. */
#include "godwit/mail/kwfile.h"

#include "godwit/base/limits.h"
#include "tap.h"

#include <string.h>

static void test_parse(void)
{
	struct keywords *k = keywords_new();
	struct kwfile file;

	kwfile_parse(
		&file, k, STR("0 NonJunk\n2 $Forwarded\n25 last\n3 no atom\n"));
	is_int(kwfile_id(&file, 'a'), keywords_name_find(k, STR("nonjunk")),
		"index 0 is the letter a");
	is_int(kwfile_id(&file, 'z'), keywords_name_find(k, STR("last")),
		"index 25 is the letter z");
	is_int(kwfile_id(&file, 'b'), KEYWORD_NONE,
		"a letter without a line is free");
	is_int(kwfile_id(&file, 'c'), KWFILE_FORWARDED,
		"$Forwarded may have a letter");
	is_int(kwfile_id(&file, 'd'), KWFILE_TAKEN,
		"a name that is none takes its letter");
	is_int(kwfile_id(&file, 'A'), KEYWORD_NONE, "capitals are no keywords");
	is_int(kwfile_letter(&file, kwfile_id(&file, 'z')), 'z',
		"a keyword has its letter");
	is_int(kwfile_letter(&file, KWFILE_FORWARDED), 'c',
		"so has $Forwarded");
	is_int(kwfile_letter(&file, KEYWORD_NONE), 0,
		"no keyword has no letter");
	is_int(kwfile_letter(&file, KWFILE_TAKEN), 0,
		"what is not carried has no letter");
	kwfile_clear(&file);
	keywords_free(&k);
}

static void test_tolerance(void)
{
	struct keywords *k = keywords_new();
	struct kwfile file;
	struct str text = STR("\n \nx y\n26 out\n-1 out\n99999999999 out\n"
			      "1\n1 \n0 first\n0 second\r\n7 last");

	kwfile_parse(&file, k, text);
	is_int(keywords_count(k), 2, "lines that are none are passed over");
	is_str(keywords_name(k, kwfile_id(&file, 'a')), STR("first"),
		"of two lines for a letter the first counts");
	is_str(keywords_name(k, kwfile_id(&file, 'h')), STR("last"),
		"the last line needs no line end");
	is_str(kwfile_text(&file), text, "the text stays as it was");
	is_int(kwfile_add(&file, k, keywords_name_add(k, STR("new"))), 'b',
		"a new keyword gets the first free letter");
	ok(str_ends(kwfile_text(&file), STR("\n7 last\n1 new\n")),
		"and a line of its own");
	kwfile_clear(&file);
	keywords_free(&k);
}

static void test_big(void)
{
	struct keywords *k = keywords_new();
	struct buf text = {0};
	struct kwfile file;

	for (int i = 0; i < LIMIT_KEYWORD_FILE_BYTES; i++)
		buf_addc(&text, i % 2 ? '\n' : ' ');
	buf_addz(&text, "0 late\n");
	kwfile_parse(&file, k, buf_str(&text));
	is_int((intmax_t)kwfile_text(&file).len, LIMIT_KEYWORD_FILE_BYTES,
		"of a huge file the beginning counts");
	is_int(keywords_count(k), 0, "and nothing else");
	kwfile_clear(&file);
	buf_clear(&text);
	keywords_free(&k);
}

static void test_add(void)
{
	struct keywords *k = keywords_new();
	struct kwfile file;
	uint32_t lettered = 0;
	uint32_t unlettered = 0;
	uint32_t both = 0;
	uint32_t ids[28];
	int letters = 0;

	kwfile_init(&file);
	for (int i = 0; i < 28; i++) {
		char name[] = {'k', (char)('A' + i), '\0'};

		ids[i] = keywords_name_add(k, str_of(name));
		check(ids[i] != KEYWORD_NONE || i == 27);
	}
	ids[27] = keywords_name_add(k, STR("other"));
	for (int i = 0; i < 28; i++)
		letters += kwfile_add(&file, k, ids[i]) == 'a' + i;
	is_int(letters, 26, "26 keywords get letters, a to z");
	is_int(kwfile_add(&file, k, ids[27]), 0, "the next gets none");
	is_int(kwfile_add(&file, k, ids[3]), 'd', "a letter once given stays");
	ok(str_starts(kwfile_text(&file), STR("0 kA\n1 kB\n2 kC\n")),
		"the file names them in order");
	check(keywords_set(k, ids, 26, &lettered, NULL) == 0);
	check(keywords_set(k, ids + 26, 2, &unlettered, NULL) == 0);
	both = keywords_union(k, lettered, unlettered);
	is_int(kwfile_unlettered(&file, k, both), unlettered,
		"those without a letter can be told");
	is_int(kwfile_unlettered(&file, k, lettered), KEYWORDS_EMPTY,
		"there may be none");
	kwfile_clear(&file);
	is_int(kwfile_unlettered(&file, k, both), both,
		"without a file all are without a letter");
	keywords_free(&k);
}

static void test_shunned(void)
{
	struct keywords *k = keywords_new();
	struct kwfile file;

	kwfile_parse(&file, k, STR("1 known\n"));
	file.shunned = ~(uint32_t)(1 << 3 | 1 << 25);
	is_int(kwfile_add(&file, k, keywords_name_add(k, STR("one"))), 'd',
		"a letter that is shunned is passed over");
	is_int(kwfile_add(&file, k, keywords_name_add(k, STR("two"))), 'z',
		"up to the last one");
	is_int(kwfile_add(&file, k, keywords_name_add(k, STR("three"))), 'a',
		"but is given when there is no other");
	kwfile_clear(&file);
	keywords_free(&k);
}

static void test_round_trip(void)
{
	struct keywords *k = keywords_new();
	struct kwfile file;
	struct kwfile again;

	kwfile_init(&file);
	(void)kwfile_add(&file, k, keywords_name_add(k, STR("one")));
	(void)kwfile_add(&file, k, keywords_name_add(k, STR("two")));
	kwfile_parse(&again, k, kwfile_text(&file));
	ok(memcmp(file.ids, again.ids, sizeof(file.ids)) == 0,
		"what was written reads the same");
	kwfile_clear(&file);
	kwfile_clear(&again);
	keywords_free(&k);
}

int main(void)
{
	test_parse();
	test_tolerance();
	test_big();
	test_add();
	test_shunned();
	test_round_trip();
	return tap_done();
}
