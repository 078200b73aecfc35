/*
 * How: a unit is read where it lies, in the lent bytes, as long as it is whole
 * in there. Only what is cut off at their end is copied to `held`, and from
 * then on the unit grows in `held`, a line or a literal at a time. Every byte
 * is looked at once: `scanned` says up to where. Streamed octets are never
 * copied.
 */
#include "godwit/imap/reader.h"

#include "godwit/base/limits.h"

#include <stdlib.h>
#include <string.h>

enum mode {
	LINE,   /* looking for the end of a line */
	GIVEN,  /* a LINE was given: drop it */
	ASKED,  /* a LITERAL was given: the answer is still missing */
	KEEP,   /* copying octets to `held` */
	DROP,   /* skipping octets */
	STREAM, /* lending octets */
	FAILED,
};

struct imap_reader {
	enum mode mode;
	struct str lent; /* not yet used up */
	struct buf held;
	bool holding;      /* the unit is in `held`, else in front of `lent` */
	size_t scanned;    /* of the unit: no need to look again */
	size_t line_from;  /* of the unit: where its last line begins */
	size_t given;      /* of the unit: what was given as text */
	size_t line_bytes; /* of the unit and what was consumed of it */
	size_t kept_bytes; /* of literals in it */
	size_t kept_max;
	uint64_t octets_left;
	struct imap_literal literal;
	struct err failure;
};

struct imap_reader *imap_reader_new(size_t literal_max)
{
	struct imap_reader *reader = calloc(1, sizeof(*reader));

	check(reader != NULL);
	reader->kept_max = literal_max;
	return reader;
}

void imap_reader_free(struct imap_reader **reader)
{
	if (*reader == NULL)
		return;
	buf_wipe(&(*reader)->held);
	free(*reader);
	*reader = NULL;
}

void imap_reader_lend(struct imap_reader *reader, struct str bytes)
{
	check(reader->lent.len == 0);
	reader->lent = bytes;
}

static void lent_skip(struct imap_reader *reader, size_t n)
{
	reader->lent = str_sub(reader->lent, n, reader->lent.len);
}

/* Moves `n` lent bytes behind what is held. */
static void hold(struct imap_reader *reader, size_t n)
{
	buf_add(&reader->held, str_sub(reader->lent, 0, n));
	lent_skip(reader, n);
	reader->holding = true;
}

static enum imap_read fail(struct imap_reader *reader, struct err *err)
{
	reader->mode = FAILED;
	if (err != NULL)
		*err = reader->failure;
	return IMAP_READ_FAILED;
}

static enum imap_read fail_line(struct imap_reader *reader, struct err *err)
{
	(void)err_set(&reader->failure, ERR_ACCOUNT, ERR_LATER, ERR_PROTOCOL,
		"the server sends a line of more than %d bytes, which is no "
		"answer that makes sense; check that it speaks IMAP",
		LIMIT_LINE_BYTES);
	return fail(reader, err);
}

/* "literal" of RFC 3501 and 7888, "literal8" of RFC 3516 */
bool imap_literal_parse(
	struct str line, size_t *from_r, struct imap_literal *literal_r)
{
	size_t end = line.len;
	size_t from;
	char last;

	if (end > 0 && line.ptr[end - 1] == '\n')
		end--;
	if (end > 0 && line.ptr[end - 1] == '\r')
		end--;
	if (end < 3 || line.ptr[--end] != '}')
		return false;
	last = line.ptr[end - 1];
	if (last == '+' || last == '-')
		end--;
	from = end;
	while (from > 0 && line.ptr[from - 1] >= '0' &&
		line.ptr[from - 1] <= '9')
		from--;
	if (from == 0 || line.ptr[from - 1] != '{' ||
		!str_u64(str_sub(line, from, end - from), &literal_r->octets))
		return false;
	from--;
	literal_r->sync = last != '+' && last != '-';
	literal_r->binary = from > 0 && line.ptr[from - 1] == '~';
	*from_r = from - literal_r->binary;
	return true;
}

/* A literal's announcement at the end of `line`, where one may stand. */
static bool announces(struct imap_reader *reader, struct str line)
{
	size_t from;

	if (!imap_literal_parse(line, &from, &reader->literal))
		return false;
	return from == 0 || line.ptr[from - 1] == ' ' ||
	       line.ptr[from - 1] == '(';
}

static enum imap_read give_line(struct imap_reader *reader, struct str *text_r)
{
	struct str unit =
		reader->holding ? buf_str(&reader->held) : reader->lent;

	*text_r = str_sub(unit, 0, reader->given);
	if (announces(reader, str_sub(*text_r, reader->line_from, SIZE_MAX))) {
		reader->mode = ASKED;
		return IMAP_READ_LITERAL;
	}
	reader->mode = GIVEN;
	return IMAP_READ_LINE;
}

/* Looks for the end of the line in the lent bytes from `from` on. */
static enum imap_read read_line(
	struct imap_reader *reader, struct str *text_r, struct err *err)
{
	size_t from = reader->holding ? 0 : reader->scanned;
	size_t more = reader->lent.len - from;
	const char *lf =
		more == 0 ? NULL : memchr(reader->lent.ptr + from, '\n', more);

	if (lf != NULL)
		more = (size_t)(lf - reader->lent.ptr) + 1 - from;
	reader->line_bytes += more;
	if (reader->line_bytes > LIMIT_LINE_BYTES)
		return fail_line(reader, err);
	if (reader->holding || lf == NULL)
		hold(reader, from + more);
	reader->scanned = reader->holding ? reader->held.len : from + more;
	if (lf == NULL)
		return IMAP_READ_MORE;
	reader->given = reader->scanned;
	return give_line(reader, text_r);
}

/* Takes `n` bytes off the front of the unit. */
static void unit_skip(struct imap_reader *reader, size_t n)
{
	if (!reader->holding)
		lent_skip(reader, n);
	else
		buf_consume(&reader->held, n);
	reader->holding = reader->holding && reader->held.len > 0;
	reader->given -= n;
	reader->scanned -= n;
	reader->line_from -= reader->line_from < n ? reader->line_from : n;
}

static void unit_end(struct imap_reader *reader)
{
	unit_skip(reader, reader->given);
	reader->line_bytes = 0;
	reader->kept_bytes = 0;
	reader->mode = LINE;
}

static enum imap_read read_keep(struct imap_reader *reader)
{
	size_t n = reader->lent.len;

	if (n > reader->octets_left)
		n = (size_t)reader->octets_left;
	hold(reader, n);
	reader->octets_left -= n;
	reader->scanned = reader->held.len;
	reader->line_from = reader->scanned;
	if (reader->octets_left > 0)
		return IMAP_READ_MORE;
	reader->mode = LINE;
	return IMAP_READ_CHUNK;
}

static enum imap_read read_octets(
	struct imap_reader *reader, struct str *text_r)
{
	size_t n = reader->lent.len;

	if (n > reader->octets_left)
		n = (size_t)reader->octets_left;
	if (reader->octets_left == 0) {
		reader->mode = LINE;
		return IMAP_READ_END;
	}
	if (n == 0)
		return IMAP_READ_MORE;
	*text_r = str_sub(reader->lent, 0, n);
	lent_skip(reader, n);
	reader->octets_left -= n;
	return IMAP_READ_CHUNK;
}

/* The kept and dropped octets of literals, up to where a line begins. */
static enum imap_read read_silently(struct imap_reader *reader)
{
	struct str dropped;
	enum imap_read read;

	if (reader->mode == KEEP)
		return read_keep(reader);
	while ((read = read_octets(reader, &dropped)) == IMAP_READ_CHUNK)
		;
	return read;
}

enum imap_read imap_reader_next(
	struct imap_reader *reader, struct str *text_r, struct err *err)
{
	check(reader->mode != ASKED);
	*text_r = (struct str){0};
	if (reader->mode == FAILED)
		return fail(reader, err);
	if (reader->mode == STREAM)
		return read_octets(reader, text_r);
	if (reader->mode == GIVEN)
		unit_end(reader);
	if (reader->mode != LINE && read_silently(reader) == IMAP_READ_MORE)
		return IMAP_READ_MORE;
	return read_line(reader, text_r, err);
}

const struct imap_literal *imap_reader_literal(const struct imap_reader *reader)
{
	return &reader->literal;
}

bool imap_reader_keep(struct imap_reader *reader)
{
	uint64_t octets = reader->literal.octets;

	check(reader->mode == ASKED);
	if (octets > reader->kept_max - reader->kept_bytes)
		return false;
	reader->kept_bytes += (size_t)octets;
	if (!reader->holding && reader->lent.len - reader->given >= octets) {
		reader->scanned = reader->given + (size_t)octets;
		reader->line_from = reader->scanned;
		reader->mode = LINE;
		return true;
	}
	if (!reader->holding)
		hold(reader, reader->given);
	reader->octets_left = octets;
	reader->mode = KEEP;
	return true;
}

void imap_reader_stream(struct imap_reader *reader)
{
	check(reader->mode == ASKED);
	unit_skip(reader, reader->given);
	reader->octets_left = reader->literal.octets;
	reader->mode = STREAM;
}

void imap_reader_drop(struct imap_reader *reader)
{
	size_t from;
	struct imap_literal same;

	check(reader->mode == ASKED);
	if (!reader->holding)
		hold(reader, reader->given);
	check(imap_literal_parse(buf_str(&reader->held), &from, &same));
	reader->held.len = from;
	buf_addz(&reader->held, "{0}\r\n");
	reader->scanned = reader->held.len;
	reader->line_from = reader->scanned;
	reader->octets_left = reader->literal.octets;
	reader->mode = DROP;
}

void imap_reader_not_literal(struct imap_reader *reader)
{
	check(reader->mode == ASKED);
	reader->mode = GIVEN;
}

void imap_reader_consume(struct imap_reader *reader, size_t n)
{
	check(n <= reader->given);
	unit_skip(reader, n);
}

void imap_reader_cut(struct imap_reader *reader, struct buf *rest)
{
	if (reader->mode == GIVEN)
		unit_end(reader);
	if (rest != NULL) {
		buf_add(rest, buf_str(&reader->held));
		buf_add(rest, reader->lent);
	}
	buf_reset(&reader->held);
	reader->lent = (struct str){0};
	reader->holding = false;
	reader->scanned = 0;
	reader->line_from = 0;
	reader->line_bytes = 0;
	reader->kept_bytes = 0;
	reader->mode = LINE;
}
