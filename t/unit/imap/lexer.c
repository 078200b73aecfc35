/* imap/lexer: the tokens of a unit. */
#include "godwit/imap/lexer.h"

#include "godwit/base/limits.h"
#include "tap.h"

static struct arena arena;

typedef bool lex_string(struct imap_lexer *, struct str *);

static void takes(
	lex_string *lex, struct str text, struct str want, const char *rest)
{
	struct imap_lexer lexer;
	struct str got = {0};

	imap_lexer_init(&lexer, &arena, text);
	if (!ok(lex(&lexer, &got), "there is a token"))
		tap_note("in: %.*s", STR_FMT(text));
	is_str(got, want, "it is the right one");
	is_str(imap_lex_rest(&lexer), str_of(rest), "it ends there");
}

static void refuses(lex_string *lex, struct str text, const char *why)
{
	struct imap_lexer lexer;
	struct str got = {0};

	imap_lexer_init(&lexer, &arena, text);
	ok(!lex(&lexer, &got), "%s is refused", why);
	ok(lexer.wrong != NULL, "%s is told", why);
	ok(!imap_lex_take(&lexer, text.len > 0 ? text.ptr[0] : 'x'),
		"after %s nothing is taken", why);
}

static void test_words(void)
{
	takes(imap_lex_atom, STR("UIDNEXT 5"), STR("UIDNEXT"), " 5");
	takes(imap_lex_atom, STR("\\Seen)\r\n"), STR("\\Seen"), ")");
	takes(imap_lex_atom, STR("a]b\303\251%*(\r\n"), STR("a]b\303\251%*"),
		"(");
	takes(imap_lex_atom, STR("last\r\n"), STR("last"), "");
	takes(imap_lex_code_atom, STR("ALERT] x"), STR("ALERT"), "] x");
	takes(imap_lex_word, STR("a]\"b) c"), STR("a]\"b"), ") c");
	takes(imap_lex_word, STR("\"\\\\Seen\" c"), STR("\\Seen"), " c");
	takes(imap_lex_name, STR("[Gmail]/(a)\001 x"), STR("[Gmail]/(a)\001"),
		" x");
	takes(imap_lex_name, STR("\"a b\" x"), STR("a b"), " x");
	refuses(imap_lex_atom, STR(" a"), "a space");
	refuses(imap_lex_atom, STR(""), "nothing");
	refuses(imap_lex_atom, STR("\r\n"), "the end of the line");
	refuses(imap_lex_atom, STR("(a)"), "a list");
	refuses(imap_lex_code_atom, STR("]"), "a bracket");
}

static void test_strings(void)
{
	takes(imap_lex_quoted, STR("\"a b\" c"), STR("a b"), " c");
	takes(imap_lex_quoted, STR("\"\" c"), STR(""), " c");
	takes(imap_lex_quoted, STR("\"a\\\"b\\\\\" c"), STR("a\"b\\"), " c");
	takes(imap_lex_quoted, STR("\"{5}\r\" c"), STR("{5}\r"), " c");
	refuses(imap_lex_quoted, STR("\"a"), "an open quotation");
	refuses(imap_lex_quoted, STR("\"a\r\n\""), "a line end in quotes");
	refuses(imap_lex_quoted, STR("\"a\\"), "a backslash at the end");
	refuses(imap_lex_quoted, STR("a\""), "no quotation mark");
	takes(imap_lex_literal, STR("{3}\r\na\r\nb c"), STR("a\r\n"), "b c");
	takes(imap_lex_literal, STR("~{3+}\r\na\0b)"), STR("a\0b"), ")");
	takes(imap_lex_literal, STR("{0}\r\n)"), STR(""), ")");
	refuses(imap_lex_literal, STR("{x}\r\nabc"), "no number");
	refuses(imap_lex_literal, STR("a{3}\r\nabc"), "a literal further on");
	refuses(imap_lex_literal, STR("{3}"), "no line end");
	takes(imap_lex_astring, STR("a\"b"), STR("a"), "\"b");
	takes(imap_lex_astring, STR("~tilde c"), STR("~tilde"), " c");
	takes(imap_lex_astring, STR("~{1}\r\nx"), STR("x"), "");
	takes(imap_lex_astring, STR("NIL c"), STR("NIL"), " c");
	takes(imap_lex_nstring, STR("\"NIL\" c"), STR("NIL"), " c");
	refuses(imap_lex_nstring, STR("NILS"), "what only begins with NIL");
}

static void test_nil(void)
{
	struct imap_lexer lexer;
	struct str got = STR("x");

	imap_lexer_init(&lexer, &arena, STR("nil)"));
	ok(imap_lex_nstring(&lexer, &got), "NIL is an nstring, in any case");
	ok(got.ptr == NULL, "one that is not there");
	imap_lexer_init(&lexer, &arena, STR("{0}\r\n)"));
	ok(imap_lex_nstring(&lexer, &got), "so is an empty literal");
	ok(got.ptr != NULL, "one that is there");
}

static void test_cut(void)
{
	struct imap_lexer lexer;
	struct str got;

	imap_lexer_init(&lexer, &arena, STR("{5}\r\nabc"));
	ok(!imap_lex_string(&lexer, &got) && lexer.cut,
		"a literal whose octets are not there is told apart");
	imap_lexer_init(&lexer, &arena, STR("\"abc"));
	ok(!imap_lex_string(&lexer, &got) && !lexer.cut,
		"from a string that is wrong");
	imap_lexer_init(&lexer, &arena, STR("{18446744073709551615}\r\nabc"));
	ok(!imap_lex_string(&lexer, &got) && lexer.cut,
		"sizes do not overflow");
}

static void is_number(const char *text, uint64_t want, const char *rest)
{
	struct imap_lexer lexer;
	uint64_t got = 77;

	imap_lexer_init(&lexer, &arena, str_of(text));
	ok(imap_lex_number(&lexer, &got), "%s is a number", text);
	ok(got == want, "%s is that number", text);
	is_str(imap_lex_rest(&lexer), str_of(rest), "%s ends there", text);
}

static void is_no_number(const char *text)
{
	struct imap_lexer lexer;
	uint64_t got;

	imap_lexer_init(&lexer, &arena, str_of(text));
	ok(!imap_lex_number(&lexer, &got), "\"%s\" is no number", text);
}

static void test_numbers(void)
{
	struct imap_lexer lexer;
	uint32_t got = 0;

	is_number("0)", 0, ")");
	is_number("18446744073709551615 x", UINT64_MAX, " x");
	is_number("9.3736e+06)", 9373600, ")"); /* mail.ru */
	is_number("1e3", 1000, "");
	is_number("1.5E0", 1, "");
	is_number("12345.678e1)", 123456, ")");
	is_number("0e99999999999", 0, "");
	is_number("0.0e5", 0, "");
	is_number("-1)", 0, ")"); /* Zoho */
	is_number("\"42\" x", 42, " x");
	is_no_number("18446744073709551616");
	is_no_number("1e20");
	is_no_number("1e99999999999999999999");
	is_no_number("1.99999999999999999999");
	is_no_number("");
	is_no_number("x");
	is_no_number("--1");
	is_no_number("\"1");
	is_no_number("e5");
	imap_lexer_init(&lexer, &arena, STR("4294967295"));
	ok(imap_lex_number32(&lexer, &got) && got == UINT32_MAX,
		"32 bits hold that");
	imap_lexer_init(&lexer, &arena, STR("4294967296"));
	ok(!imap_lex_number32(&lexer, &got), "but no more");
}

static void skips(const char *text, const char *rest)
{
	struct imap_lexer lexer;
	unsigned depth = 0;

	imap_lexer_init(&lexer, &arena, str_of(text));
	ok(imap_lex_skip(&lexer, &depth), "there is a value to skip");
	if (!is_str(imap_lex_rest(&lexer), str_of(rest), "it ends there"))
		tap_note("in: %s", text);
}

static void test_skip(void)
{
	struct imap_lexer lexer;
	struct buf deep = {0};
	unsigned depth = 0;

	skips("NIL x", " x");
	skips("atom x", " x");
	skips("\"a ) (\" x", " x");
	skips("{3}\r\n))) x", " x");
	skips("(a (b \"c)\" {2}\r\n() NIL) ()) x", " x");
	skips("a\"b\"c x", " x");
	imap_lexer_init(&lexer, &arena, STR(") a)"));
	ok(!imap_lex_skip(&lexer, &depth), "a closing parenthesis is none");
	imap_lexer_init(&lexer, &arena, STR("(a"));
	ok(!imap_lex_skip(&lexer, &depth), "an open list is no value");
	depth = 2;
	imap_lexer_init(&lexer, &arena, STR("a (b)) c) d"));
	ok(imap_lex_skip(&lexer, &depth), "it goes on inside of lists");
	is_str(imap_lex_rest(&lexer), STR(" d"), "to the end of all");
	for (int i = 0; i < LIMIT_LIST_DEPTH + 1; i++)
		buf_addz(&deep, "(");
	depth = 0;
	imap_lexer_init(&lexer, &arena, buf_str(&deep));
	ok(!imap_lex_skip(&lexer, &depth), "lists may only be so deep");
	is_str(str_of(lexer.wrong), STR("fewer lists"), "and that is told");
	depth = 0;
	imap_lexer_init(&lexer, &arena, STR("(a (b {5}\r\n"));
	ok(!imap_lex_skip(&lexer, &depth) && lexer.cut,
		"it stops at a literal");
	is_int(depth, 2, "and tells how deep");
	buf_clear(&deep);
}

static void test_rest(void)
{
	struct imap_lexer lexer;

	imap_lexer_init(&lexer, &arena, STR("OKAY ok] x \r\n"));
	ok(!imap_lex_take_word(&lexer, "OK"), "OKAY is not OK");
	ok(imap_lex_take_word(&lexer, "okay"), "a word has no case");
	imap_lex_spaces(&lexer);
	ok(imap_lex_take_word(&lexer, "OK"), "a bracket ends a word");
	ok(!imap_lex_at_end(&lexer), "there is more");
	is_str(imap_lex_rest(&lexer), STR("] x "), "the rest has no CRLF");
	ok(imap_lex_at_end(&lexer), "then it is the end");
	imap_lexer_init(&lexer, &arena, STR("\n"));
	ok(imap_lex_at_end(&lexer), "a bare LF is an end");
	is_int(imap_lex_peek(&lexer), '\n', "it can be seen");
}

int main(void)
{
	test_words();
	test_strings();
	test_nil();
	test_cut();
	test_numbers();
	test_skip();
	test_rest();
	arena_clear(&arena);
	return tap_done();
}
