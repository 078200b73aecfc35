/* cli/table: clean text and columns. */
#include "godwit/cli/table.h"

#include "tap.h"

static void clean_is(struct str text, struct str want, const char *sentence)
{
	struct buf out = {0};

	text_clean(&out, text);
	is_str(buf_str(&out), want, "%s", sentence);
	buf_clear(&out);
}

static void utf8_is(struct str text, struct str want, const char *sentence)
{
	struct buf out = {0};

	text_utf8(&out, text);
	is_str(buf_str(&out), want, "%s", sentence);
	buf_clear(&out);
}

static void test_clean(void)
{
	clean_is(STR("a \xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\xa6"),
		STR("a \xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\xa6"),
		"letters stay");
	clean_is(STR("a\033[2Jb"), STR("a?[2Jb"), "an escape is disarmed");
	clean_is(STR("a\r\n\tb\0c\x7f"), STR("a???b?c?"), "so are controls");
	clean_is(STR("a\xc2\x9bm"), STR("a?m"), "and those of C1");
	clean_is(STR("a\xe2\x80\xae"
		     "b"),
		STR("a?b"), "and what turns the line around");
	clean_is(STR("a\xff\xc3"), STR("a??"), "bytes that are no letters");
	clean_is(STR("\xed\xa0\x80"), STR("???"), "surrogates are none");
	clean_is(STR("\xc0\x80"), STR("??"), "nor are overlong forms");
	utf8_is(STR("a\xff\n"), STR("a\xef\xbf\xbd\n"),
		"for JSON only what is not UTF-8 is replaced");
	utf8_is(STR("\xef\xbf\xbd"), STR("\xef\xbf\xbd"),
		"what was replaced before stays so");
}

static void test_columns(void)
{
	is_int((intmax_t)text_columns(STR("abc")), 3, "three letters");
	is_int((intmax_t)text_columns(STR("")), 0, "none");
	is_int((intmax_t)text_columns(STR("e\xcc\x81")), 1,
		"an accent takes no column");
	is_int((intmax_t)text_columns(STR("\xe6\x97\xa5")), 2,
		"a wide letter takes two");
	is_str(text_cut(STR("abc"), 2), STR("ab"), "text is cut");
	is_str(text_cut(STR("abc"), 3), STR("abc"), "where it must be");
	is_str(text_cut(STR("a\xe6\x97\xa5"), 2), STR("a"),
		"not through a wide letter");
}

static const struct table_column columns[] = {
	{"NAME", false},
	{"COUNT", true},
	{"NOTE", false},
};

static void test_table(void)
{
	struct buf out = {0};
	struct table t;

	table_init(&t, columns, 3);
	table_write(&t, true, &out);
	is_int((intmax_t)out.len, 0, "a table without rows is nothing");
	table_cell(&t, STR("\xe6\x97\xa5\xe6\x9c\xac/long"));
	table_cellf(&t, "%d", 7);
	table_cell(&t, STR(""));
	table_cell(&t, STR("b\n"));
	table_cellf(&t, "%d", 123456);
	table_cell(&t, STR("x"));
	table_write(&t, false, &out);
	is_str(buf_str(&out),
		STR("NAME        COUNT  NOTE\n"
		    "\xe6\x97\xa5\xe6\x9c\xac/long       7\n"
		    "b?         123456  x\n"),
		"columns are in line, by what a terminal shows");
	buf_reset(&out);
	table_cell(&t, STR("a"));
	table_cell(&t, STR("1"));
	table_cell(&t, STR("n"));
	table_write(&t, true, &out);
	is_str(buf_str(&out),
		STR("\033[1mNAME  COUNT  NOTE\n\033[ma         1  n\n"),
		"it is empty afterwards, and may have bold titles");
	table_cell(&t, STR("left"));
	table_clear(&t);
	buf_clear(&out);
}

int main(void)
{
	test_clean();
	test_columns();
	test_table();
	return tap_done();
}
