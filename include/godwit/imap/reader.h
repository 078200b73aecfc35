/*
 * The reader: a byte stream cut into lines and literals, both directions.
 *
 * The lowest part of the grammar of RFC 3501 section 9, which clients' and
 * servers' streams share: lines that end with CRLF (a bare LF is taken for
 * one), and literals announced at a line's end: {n}, {n+}, {n-}, ~{n}. It
 * works with whatever pieces arrive. It does not know what a line means;
 * whoever does says of each literal whether it is kept, streamed or dropped.
 *
 * In the order of use: imap_reader_lend() what arrived, then imap_reader_next()
 * until it answers MORE; only then is the lent memory given back.
 */
#ifndef GODWIT_IMAP_READER_H
#define GODWIT_IMAP_READER_H

#include "godwit/base/bytes.h"
#include "godwit/base/err.h"

enum imap_read {
	IMAP_READ_MORE,    /* all that was lent is used up or copied */
	IMAP_READ_LINE,    /* text: the rest of the unit, with its CRLF */
	IMAP_READ_LITERAL, /* text: up to a literal: answer keep, stream, drop
			      or not_literal before the next call */
	IMAP_READ_CHUNK,   /* text: bytes of a streamed literal, lent */
	IMAP_READ_END,     /* a streamed literal is complete */
	IMAP_READ_FAILED,  /* err is set; every later call answers the same */
};

/* The literal that IMAP_READ_LITERAL announced. */
struct imap_literal {
	uint64_t octets;
	bool binary; /* ~{n}, RFC 3516 */
	bool sync;   /* {n}: a client waits for "+" before it sends it */
};

/*
 * Finds a literal's announcement at the end of `line` (CRLF included or not);
 * *from_r is where it begins. RFC 3501, 3516, 7888.
 */
bool imap_literal_parse(
	struct str line, size_t *from_r, struct imap_literal *literal_r);

struct imap_reader;

/* `literal_max`: most octets of literals that a unit may keep. */
struct imap_reader *imap_reader_new(size_t literal_max);
void imap_reader_free(struct imap_reader **reader);

/* Lends bytes until imap_reader_next() answers MORE or FAILED. */
void imap_reader_lend(struct imap_reader *reader, struct str bytes);

/*
 * The next thing. *text_r is valid until the next call; a unit's text holds
 * the kept literals where they stood, announcement and all. It begins where
 * the unit began, or where imap_reader_consume() or a stream left it.
 */
enum imap_read imap_reader_next(
	struct imap_reader *reader, struct str *text_r, struct err *err);

const struct imap_literal *imap_reader_literal(
	const struct imap_reader *reader);

/* Keeps the literal in the unit's text. False when it is over the limit. */
bool imap_reader_keep(struct imap_reader *reader);

/* Gives its octets as CHUNKs, then END. The text so far is done with. */
void imap_reader_stream(struct imap_reader *reader);

/* Skips its octets; in the text it then stands as one of 0 octets. */
void imap_reader_drop(struct imap_reader *reader);

/* It was text that only looks like one: the line is a LINE after all. */
void imap_reader_not_literal(struct imap_reader *reader);

/* Forgets the first `n` bytes of the text just given: they are dealt with. */
void imap_reader_consume(struct imap_reader *reader, size_t n);

/*
 * Takes out what was not read yet and forgets it: for the moment where the
 * stream changes its nature (STARTTLS throws it away, COMPRESS inflates it).
 * `rest` may be NULL.
 */
void imap_reader_cut(struct imap_reader *reader, struct buf *rest);

#endif
