/* imap/trace: transcripts that people read, without secrets. */
#include "godwit/imap/trace.h"

#include "tap.h"

#include <stdlib.h>
#include <string.h>

/* What the sides say, in turn: "C" or "S" and the bytes. */
struct said {
	const char *side;
	const char *bytes;
};

static void feed(struct imap_trace *trace, enum imap_side from,
	struct str bytes, size_t step, struct buf *out)
{
	for (size_t at = 0; at < bytes.len; at += step) {
		struct str piece = str_sub(bytes, at, step);
		char *copy = malloc(piece.len);

		memcpy(copy, piece.ptr, piece.len);
		piece.ptr = copy;
		imap_trace_feed(trace, from, piece, out);
		free(copy);
	}
}

static void is_traced(bool bodies, const struct said *said, const char *want,
	const char *sentence)
{
	for (size_t step = 1; step < 1000; step += step < 5 ? 1 : 990) {
		struct imap_trace *trace = imap_trace_new(bodies);
		struct buf out = {0};

		for (const struct said *s = said; s->side != NULL; s++)
			feed(trace,
				s->side[0] == 'C' ? IMAP_CLIENT : IMAP_SERVER,
				str_of(s->bytes), step, &out);
		imap_trace_end(trace, &out);
		is_str(buf_str(&out), str_of(want), "%s (%zu at a time)",
			sentence, step);
		buf_clear(&out);
		imap_trace_free(&trace);
	}
}

#define SAID(...) ((const struct said[]){__VA_ARGS__, {NULL, NULL}})

static void test_lines(void)
{
	is_traced(true,
		SAID({"S", "* OK hi\r\n"}, {"C", "a1 NOOP\r\n"},
			{"S", "* 5 EXISTS\r\na1 OK\r\n"}),
		"S: * OK hi\nC: a1 NOOP\nS: * 5 EXISTS\nS: a1 OK\n",
		"each line bears its side");
	is_traced(true,
		SAID({"S", "a\001b\\\r\n\r\nc\nd \r\n"},
			{"S", "caf\303\251\r\n\351\r\n\302\233m\r\nend"}),
		"S= a\\x01b\\\\\\r\\n\nS:\nS= c\\n\nS= d \\r\\n\n"
		"S: caf\303\251\nS= \\xe9\\r\\n\nS= \\xc2\\x9bm\\r\\n\n"
		"S= end\n",
		"what cannot be shown is escaped");
	is_traced(true, SAID({"S", "* OK see {5}\r\n* 1 EXISTS\r\n"}),
		"S: * OK see {5}\nS: * 1 EXISTS\n", "text is not a literal");
}

static void test_bodies(void)
{
	const struct said *said = SAID({"C", "a1 APPEND x {5}\r\n"},
		{"S", "+ ok\r\n"}, {"C", "ab\r\nc\r\n"}, {"S", "a1 OK\r\n"},
		{"S", "* 1 FETCH (UID 5 BODY[] {4}\r\nx\r\ny FLAGS ())\r\n"
		      "* LIST () \"/\" {2}\r\nab\r\n"});

	is_traced(true, said,
		"C: a1 APPEND x {5}\nS: + ok\nC: ab\nC: c\nS: a1 OK\n"
		"S: * 1 FETCH (UID 5 BODY[] {4}\nS: x\nS: y FLAGS ())\n"
		"S: * LIST () \"/\" {2}\nS: ab\n",
		"messages are written out on request");
	is_traced(false, said,
		"C: a1 APPEND x {5}\nS: + ok\nC# 5\nC:\nS: a1 OK\n"
		"S: * 1 FETCH (UID 5 BODY[] {4}\nS# 4\nS:  FLAGS ())\n"
		"S: * LIST () \"/\" {2}\nS: ab\n",
		"else their sizes, but names in full");
	is_traced(false,
		SAID({"C", "a1 APPEND x {0+}\r\n {7+}\r\nabcdefg\r\n"}),
		"C: a1 APPEND x {0+}\nC:  {7+}\nC# 7\nC:\n",
		"of several messages each");
	is_traced(false, SAID({"C", "a1 APPEND x {9+}\r\nabc"}),
		"C: a1 APPEND x {9+}\nC# 3\n", "and of one cut off");
}

static void test_refused_literal(void)
{
	is_traced(true,
		SAID({"C", "a1 NOOP\r\na2 NO"}, {"S", "a1 OK\r\n"},
			{"C", "OP\r\n"}),
		"C: a1 NOOP\nS: a1 OK\nC: a2 NOOP\n",
		"an answer cuts no line that has begun");
	is_traced(true,
		SAID({"C", "a1 APPEND x {5}\r\n"}, {"S", "a1 NO no\r\n"},
			{"C", "a2 LOGIN u secret\r\n"}),
		"C: a1 APPEND x {5}\nS: a1 NO no\nC: a2 LOGIN u ***\n",
		"a refused literal is followed by a command");
	is_traced(true,
		SAID({"C", "a1 APPEND x {9}\r\n"}, {"S", "+\r\n"}, {"C", "abc"},
			{"S", "a1 NO no\r\n"}, {"C", "def\r\n\r\na2 NOOP\r\n"}),
		"C: a1 APPEND x {9}\nS: +\nS: a1 NO no\n"
		"C: abcdef\nC:\nC: a2 NOOP\n",
		"one that is refused half way is not");
}

static void test_login(void)
{
	is_traced(true,
		SAID({"C", "a1 LOGIN \"al\\\"ice\" \"s\\\"ecret\"\r\n"}),
		"C: a1 LOGIN \"al\\\"ice\" ***\n", "a password is masked");
	is_traced(true, SAID({"C", "a1 login alice secret extra\r\n"}),
		"C: a1 login alice *** ***\n", "and all behind it");
	is_traced(true, SAID({"C", "a1 LOGIN alice \"sec\r\n"}),
		"C: a1 LOGIN alice ***\n", "however broken");
	is_traced(true, SAID({"C", "a1  LOGIN  alice  secret\r\n"}),
		"C: a1  LOGIN alice ***\n", "with spaces of any number");
	is_traced(true,
		SAID({"C", "a1 LOGIN {5}\r\n"}, {"S", "+\r\n"},
			{"C", "alice {6}\r\n"}, {"S", "+\r\n"},
			{"C", "secret\r\n"}, {"S", "a1 OK\r\n"},
			{"C", "a2 NOOP\r\n"}),
		"C: a1 LOGIN {5}\nS: +\nC: alice {6}\nS: +\nC: ***\n"
		"S: a1 OK\nC: a2 NOOP\n",
		"as a literal too");
	is_traced(true, SAID({"C", "a1 LOGIN {0+}\r\n {6+}\r\nsecret x\r\n"}),
		"C: a1 LOGIN {0+}\nC:  {6+}\nC: *** ***\n",
		"behind an empty name");
	is_traced(true, SAID({"C", "a1 LOGIN alice {9+}\r\nsecr"}),
		"C: a1 LOGIN alice {9+}\nC= ***\n", "cut off in the middle");
	is_traced(true, SAID({"C", "a1 LOGIN alice secr"}), "",
		"an unfinished line is not shown at all");
}

static void test_sasl(void)
{
	is_traced(true,
		SAID({"C", "a1 AUTHENTICATE PLAIN\r\n"}, {"S", "+\r\n"},
			{"C", "AHNlY3JldA==\r\n"}, {"S", "a1 OK\r\n"},
			{"C", "a2 NOOP\r\n"}),
		"C: a1 AUTHENTICATE PLAIN\nS: +\nC: ***\nS: a1 OK\n"
		"C: a2 NOOP\n",
		"a SASL response is masked");
	is_traced(true,
		SAID({"C", "a1 authenticate XOAUTH2 AHNlY3JldA==\r\n"},
			{"S", "+ eyJ9\r\n"}, {"C", "\r\n"}, {"S", "+ YQ==\r\n"},
			{"C", "*\r\n"}, {"S", "a1 NO\r\n"}, {"C", "NOOP\r\n"}),
		"C: a1 authenticate XOAUTH2 ***\nS: + eyJ9\nC:\n"
		"S: + YQ==\nC: *\nS: a1 NO\nC: NOOP\n",
		"an initial one too; an empty one and * are none");
	is_traced(true,
		SAID({"C", "a1 AUTHENTICATE PLAIN AHNlY3JldA==\r\n"
			   "a2 LIST \"\" *\r\n"},
			{"S", "a2 BAD\r\na1 OK\r\n"}),
		"C: a1 AUTHENTICATE PLAIN ***\nC: a2 LIST \"\" *\n"
		"S: a2 BAD\nS: a1 OK\n",
		"commands sent along are shown");
}

static void test_long(void)
{
	struct imap_trace *trace = imap_trace_new(true);
	struct buf bytes = {0};
	struct buf out = {0};

	buf_addz(&bytes, "* 1 FETCH (BODY[] {100000}\r\n");
	for (int i = 0; i < 100000; i++)
		buf_addc(&bytes, 'x');
	imap_trace_feed(trace, IMAP_SERVER, buf_str(&bytes), &out);
	ok(out.len > 95000, "long lines are printed in pieces");
	buf_clear(&bytes);
	buf_clear(&out);
	imap_trace_free(&trace);
}

int main(void)
{
	test_lines();
	test_bodies();
	test_refused_literal();
	test_login();
	test_sasl();
	test_long();
	return tap_done();
}
