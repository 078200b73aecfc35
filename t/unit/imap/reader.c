/* imap/reader: lines and literals out of a stream. */
#include "godwit/imap/reader.h"

#include "godwit/base/limits.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>

enum answer {
	KEEP,
	STREAM,
	DROP,
	NOT_LITERAL
};

static void answer_literal(struct imap_reader *reader, struct str text,
	enum answer answer, struct buf *seen)
{
	if (answer == STREAM || answer == NOT_LITERAL)
		buf_addf(seen, "<%.*s>", STR_FMT(text));
	if (answer == NOT_LITERAL)
		imap_reader_not_literal(reader);
	else if (answer == STREAM)
		imap_reader_stream(reader);
	else if (answer == DROP || !imap_reader_keep(reader))
		imap_reader_drop(reader);
}

/* Reads once; false when there is no more. */
static bool read_once(
	struct imap_reader *reader, enum answer answer, struct buf *seen)
{
	struct str text;

	switch (imap_reader_next(reader, &text, NULL)) {
	case IMAP_READ_MORE:
		return false;
	case IMAP_READ_FAILED:
		buf_addz(seen, "FAILED");
		return false;
	case IMAP_READ_LINE:
		buf_addf(seen, "<%.*s>", STR_FMT(text));
		return true;
	case IMAP_READ_CHUNK:
		buf_add(seen, text);
		return true;
	case IMAP_READ_END:
		buf_addz(seen, ".");
		return true;
	case IMAP_READ_LITERAL:
		answer_literal(reader, text, answer, seen);
		return true;
	}
	return false;
}

/*
 * Reads `bytes`, lent in pieces of `step`, and writes down all that comes:
 * <line>, <text before a literal> if that is not kept, octets, and their end
 * as ".".
 */
static void read_all(struct imap_reader *reader, struct str bytes, size_t step,
	enum answer answer, struct buf *seen)
{
	for (size_t at = 0; at < bytes.len; at += step) {
		struct str piece = str_sub(bytes, at, step);
		char *copy = malloc(piece.len);

		memcpy(copy, piece.ptr, piece.len);
		piece.ptr = copy;
		imap_reader_lend(reader, piece);
		while (read_once(reader, answer, seen))
			;
		free(copy);
	}
}

static void is_read(const char *bytes, enum answer answer, const char *want,
	const char *sentence)
{
	for (size_t step = 1; step < 40; step += step < 9 ? 1 : 30) {
		struct imap_reader *reader = imap_reader_new(8);
		struct buf seen = {0};

		read_all(reader, str_of(bytes), step, answer, &seen);
		is_str(buf_str(&seen), str_of(want), "%s, %zu at a time",
			sentence, step);
		buf_clear(&seen);
		imap_reader_free(&reader);
	}
}

static void test_lines(void)
{
	is_read("one\r\ntwo\r\n\r\n", KEEP, "<one\r\n><two\r\n><\r\n>",
		"lines are cut at their ends");
	is_read("one\ntwo\r\nth", KEEP, "<one\n><two\r\n>",
		"a bare LF ends a line, an unfinished one waits");
}

static void test_literals(void)
{
	is_read("a {3}\r\nx\ny b\r\nc\r\n", KEEP,
		"<a {3}\r\nx\ny b\r\n><c\r\n>",
		"a kept literal stands in its unit");
	is_read("a {3}\r\nx\ny {2+}\r\n\r\n ~{0}\r\n\r\nc\r\n", KEEP,
		"<a {3}\r\nx\ny {2+}\r\n\r\n ~{0}\r\n\r\n><c\r\n>",
		"a unit may have several, of all kinds");
	is_read("a {3}\r\nx\ny b\r\nc\r\n", STREAM,
		"<a {3}\r\n>x\ny.< b\r\n><c\r\n>", "a literal is streamed");
	is_read("a {0}\r\n)\r\n", STREAM, "<a {0}\r\n>.<)\r\n>",
		"an empty one is streamed");
	is_read("a {4}\r\n {3} {2}\r\nyz\r\nc {9}x\r\n", KEEP,
		"<a {4}\r\n {3} {2}\r\nyz\r\n><c {9}x\r\n>",
		"a kept literal announces nothing");
	is_read("a {3}\r\n{3}\r\nb\r\n", KEEP, "<a {3}\r\n{3}\r\n><b\r\n>",
		"even where a line ends behind it");
	is_read("a {3}\r\nx\ny {1-}\r\nz\r\nc\r\n", DROP,
		"<a {0}\r\n {0}\r\n\r\n><c\r\n>",
		"a dropped literal leaves an empty one");
	is_read("a {9}\r\n123456789 b\r\n", KEEP, "<a {0}\r\n b\r\n>",
		"one that is over the limit is not kept");
	is_read("a {5}\r\n12345 {4}\r\n6789 b\r\n", KEEP,
		"<a {5}\r\n12345 {0}\r\n b\r\n>",
		"the limit is for the literals of a unit together");
	is_read("a {5}\r\n12345 b\r\nc {8}\r\n12345678\r\n", KEEP,
		"<a {5}\r\n12345 b\r\n><c {8}\r\n12345678\r\n>",
		"and begins anew with each unit");
	is_read("OK see {5}\r\nb\r\n", NOT_LITERAL, "<OK see {5}\r\n><b\r\n>",
		"what only looks like a literal is a line");
}

static void test_no_literals(void)
{
	is_read("a{5}\r\nb {x}\r\nc {}\r\nd {5\r\ne 5}\r\nf {5}x\r\n", STREAM,
		"<a{5}\r\n><b {x}\r\n><c {}\r\n><d {5\r\n><e 5}\r\n>"
		"<f {5}x\r\n>",
		"other braces mean nothing");
	is_read("a {99999999999999999999}\r\nb\r\n", STREAM,
		"<a {99999999999999999999}\r\n><b\r\n>",
		"a size that no number holds is none");
}

static void test_announcement(void)
{
	struct imap_literal literal;
	size_t from;

	ok(imap_literal_parse(
		   STR("x ~{18446744073709551615+}\r\n"), &from, &literal),
		"the greatest size is one");
	ok(literal.octets == UINT64_MAX && literal.binary && !literal.sync,
		"its parts are known");
	is_int((intmax_t)from, 2, "and where it begins");
	ok(imap_literal_parse(STR("{5}"), &from, &literal) && literal.sync,
		"a plain one is synchronising");
	is_int((intmax_t)from, 0, "it may be all there is");
	ok(!imap_literal_parse(STR("5}\r\n"), &from, &literal),
		"a brace is needed");
	ok(!imap_literal_parse(STR(""), &from, &literal), "nothing is none");
}

static void test_consume(void)
{
	struct imap_reader *reader = imap_reader_new(100);
	struct str text;

	imap_reader_lend(reader, STR("a b {2}\r\nxyc d {1}\r\nz)\r\nnext\r\n"));
	is_int(imap_reader_next(reader, &text, NULL), IMAP_READ_LITERAL,
		"a literal is announced");
	imap_reader_consume(reader, 4);
	ok(imap_reader_keep(reader), "it is kept");
	is_int(imap_reader_next(reader, &text, NULL), IMAP_READ_LITERAL,
		"and the next announced");
	is_str(text, STR("{2}\r\nxyc d {1}\r\n"), "what was consumed is gone");
	imap_reader_consume(reader, 11);
	imap_reader_drop(reader);
	is_int(imap_reader_next(reader, &text, NULL), IMAP_READ_LINE,
		"then comes the line's end");
	is_str(text, STR("{0}\r\n)\r\n"), "behind the dropped literal");
	is_int(imap_reader_next(reader, &text, NULL), IMAP_READ_LINE,
		"and the next line");
	is_str(text, STR("next\r\n"), "is whole");
	imap_reader_free(&reader);
}

static void test_cut(void)
{
	struct imap_reader *reader = imap_reader_new(100);
	struct buf rest = {0};
	struct str text;

	imap_reader_lend(reader, STR("a OK\r\nbehind\r\nit"));
	(void)imap_reader_next(reader, &text, NULL);
	imap_reader_cut(reader, &rest);
	is_str(buf_str(&rest), STR("behind\r\nit"),
		"what was not read can be taken out");
	imap_reader_lend(reader, STR("new\r\npart"));
	(void)imap_reader_next(reader, &text, NULL);
	is_str(text, STR("new\r\n"), "and the reader begins anew");
	is_int(imap_reader_next(reader, &text, NULL), IMAP_READ_MORE, "...");
	buf_reset(&rest);
	imap_reader_cut(reader, &rest);
	is_str(buf_str(&rest), STR("part"), "half a line is taken out too");
	imap_reader_lend(reader, STR("x\r\n"));
	imap_reader_cut(reader, NULL);
	imap_reader_lend(reader, STR("y\r\n"));
	(void)imap_reader_next(reader, &text, NULL);
	is_str(text, STR("y\r\n"), "or thrown away");
	buf_clear(&rest);
	imap_reader_free(&reader);
}

/* A line without an end, in pieces. */
static void test_endless(void)
{
	struct imap_reader *reader = imap_reader_new(100);
	struct buf piece = {0};
	struct err err = {0};
	struct str text;
	size_t lent = 0;
	enum imap_read read;

	while (piece.len < 65536)
		buf_addz(&piece, "x (");
	do {
		imap_reader_lend(reader, buf_str(&piece));
		read = imap_reader_next(reader, &text, &err);
		lent += piece.len;
	} while (read == IMAP_READ_MORE);
	is_int(read, IMAP_READ_FAILED, "a line without an end is an error");
	ok(lent <= LIMIT_LINE_BYTES + 2 * piece.len, "soon after the limit");
	is_int(err.cause, ERR_PROTOCOL, "which is the server's");
	is_int(imap_reader_next(reader, &text, NULL), IMAP_READ_FAILED,
		"and it stays");
	buf_clear(&piece);
	imap_reader_free(&reader);
}

/* One FETCH without an end, in short lines with literals between. */
static void test_endless_unit(void)
{
	struct imap_reader *reader = imap_reader_new(100);
	enum imap_read read;
	struct str text;
	size_t units = 0;

	do {
		imap_reader_lend(reader, STR("FLAGS () BODY[] {0}\r\n"));
		read = imap_reader_next(reader, &text, NULL);
		if (read == IMAP_READ_LITERAL) {
			imap_reader_stream(reader);
			(void)imap_reader_next(reader, &text, NULL);
			read = imap_reader_next(reader, &text, NULL);
		}
		units++;
	} while (read == IMAP_READ_MORE && units < 1000000);
	is_int(read, IMAP_READ_FAILED, "a unit without an end is an error");
	imap_reader_free(&reader);
}

int main(void)
{
	test_lines();
	test_literals();
	test_no_literals();
	test_announcement();
	test_consume();
	test_cut();
	test_endless();
	test_endless_unit();
	return tap_done();
}
