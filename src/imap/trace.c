/*
 * How: a reader for each side finds the commands, the responses and their
 * literals; their bytes then go, masked where they must be, into a line that is
 * printed whenever it ends. So a literal's octets stand in the transcript just
 * as they stood on the wire. Masking is decided a piece of text at a time, a
 * piece being what stands between two literals.
 */
#include "godwit/imap/trace.h"

#include "godwit/base/err.h"
#include "godwit/base/limits.h"
#include "godwit/imap/lexer.h"
#include "godwit/imap/name.h"
#include "godwit/imap/reader.h"
#include "parts.h"

#include <inttypes.h>
#include <stdlib.h>

/* A line that gets longer is printed in pieces, as `S= `. */
enum {
	LINE_BYTES_MAX = 8000
};

static const struct str mask = {.ptr = "***", .len = 3};

enum unit {
	UNIT_NEW,    /* the next text begins one */
	UNIT_PLAIN,  /* nothing to hide or to leave out */
	UNIT_BODIES, /* its literals are messages: APPEND, FETCH */
	UNIT_LOGIN,  /* its second argument is a secret */
};

struct side {
	char letter;
	struct imap_reader *reader;
	enum unit unit;
	unsigned args;     /* of LOGIN: how many are past */
	uint64_t left_out; /* octets of the literal at hand, if not printed */
	bool announces;    /* the text at hand ends with a literal's size */
	bool touched;      /* octets of the literal at hand were seen */
	bool failed;
	struct buf line;
};

struct imap_trace {
	bool bodies;
	struct side sides[2];
	struct buf login_tag;   /* of the AUTHENTICATE that goes on; or empty */
	struct buf literal_tag; /* of the client's literal that waits for "+" */
	struct arena arena;
};

struct imap_trace *imap_trace_new(bool bodies)
{
	struct imap_trace *trace = calloc(1, sizeof(*trace));

	check(trace != NULL);
	trace->bodies = bodies;
	for (int i = 0; i < 2; i++) {
		trace->sides[i].letter = i == IMAP_CLIENT ? 'C' : 'S';
		trace->sides[i].reader = imap_reader_new(0);
	}
	return trace;
}

void imap_trace_free(struct imap_trace **trace)
{
	if (*trace == NULL)
		return;
	for (int i = 0; i < 2; i++) {
		imap_reader_free(&(*trace)->sides[i].reader);
		buf_wipe(&(*trace)->sides[i].line);
	}
	buf_clear(&(*trace)->login_tag);
	buf_clear(&(*trace)->literal_tag);
	arena_clear(&(*trace)->arena);
	free(*trace);
	*trace = NULL;
}

static bool is_control(unsigned char c)
{
	return c < 0x20 || c == 0x7f;
}

/* Whether it can stand as it is: no controls, UTF-8, no blank at the end. */
static bool is_plain(struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];

		if (is_control(c))
			return false;
		if (c == 0xc2 && i + 1 < text.len &&
			(unsigned char)text.ptr[i + 1] < 0xa0)
			return false; /* a control character of Latin-1 */
	}
	return imap_utf8_valid(text) && !str_ends(text, STR(" "));
}

static void print_escaped(struct str text, struct buf *out)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];

		if (c == '\r')
			buf_addz(out, "\\r");
		else if (c == '\n')
			buf_addz(out, "\\n");
		else if (c == '\\')
			buf_addz(out, "\\\\");
		else if (is_control(c) || c >= 0x80 ||
			 (c == ' ' && i + 1 == text.len))
			buf_addf(out, "\\x%02x", c);
		else
			buf_addc(out, (char)c);
	}
}

/* Prints what the line holds, and empties it. */
static void flush(struct side *side, struct buf *out)
{
	struct str line = buf_str(&side->line);
	struct str text = str_sub(line, 0, line.len < 2 ? 0 : line.len - 2);

	if (line.len == 0)
		return;
	buf_addc(out, side->letter);
	if (str_ends(line, STR("\r\n")) && is_plain(text)) {
		buf_addz(out, text.len == 0 ? ":" : ": ");
		buf_add(out, text);
	} else {
		buf_addz(out, "= ");
		print_escaped(line, out);
	}
	buf_addc(out, '\n');
	buf_reset(&side->line);
}

static void add(struct side *side, struct str bytes, struct buf *out)
{
	while (bytes.len > 0) {
		size_t lf = str_find(bytes, '\n');
		bool ends = lf < bytes.len;
		size_t take = ends ? lf + 1 : bytes.len;

		if (take > LINE_BYTES_MAX - side->line.len) {
			take = LINE_BYTES_MAX - side->line.len;
			ends = true;
		}
		buf_add(&side->line, str_sub(bytes, 0, take));
		bytes = str_sub(bytes, take, bytes.len);
		if (ends)
			flush(side, out);
	}
}

/* The arguments of LOGIN from where the lexer is, the second masked. */
static void add_login_args(
	struct side *side, struct imap_lexer *lexer, struct buf *out)
{
	struct str arg;

	imap_lex_spaces(lexer);
	while (!imap_lex_at_end(lexer)) {
		size_t start = lexer->at;
		size_t len;

		if (!imap_lex_astring(lexer, &arg)) {
			if (lexer->cut) /* a literal: its octets come next */
				add(side,
					str_sub(lexer->text, start,
						lexer->text.len),
					out);
			else
				add(side, STR("***\r\n"), out);
			return;
		}
		len = lexer->at - start;
		add(side,
			side->args++ == 0 ? str_sub(lexer->text, start, len)
					  : mask,
			out);
		if (!imap_lex_at_end(lexer))
			add(side, STR(" "), out);
		imap_lex_spaces(lexer);
	}
	add(side, STR("\r\n"), out);
}

/* The text up to where the lexer is. */
static struct str before(const struct imap_lexer *lexer)
{
	return str_sub(lexer->text, 0, lexer->at);
}

static void add_authenticate(struct imap_trace *trace, struct imap_lexer *lexer,
	struct str tag, struct buf *out)
{
	struct side *side = &trace->sides[IMAP_CLIENT];
	struct str mechanism;

	buf_reset(&trace->login_tag);
	buf_add(&trace->login_tag, tag);
	imap_lex_spaces(lexer);
	(void)imap_lex_atom(lexer, &mechanism);
	add(side, before(lexer), out);
	imap_lex_spaces(lexer);
	if (!imap_lex_at_end(lexer)) {
		add(side, STR(" "), out);
		add(side, mask, out);
	}
	add(side, STR("\r\n"), out);
}

/* A line of a SASL exchange: no command, for it has no space in it. */
static bool is_sasl(const struct imap_trace *trace, struct str text)
{
	return trace->login_tag.len > 0 && str_find(text, ' ') == text.len;
}

static void add_sasl(struct side *side, struct str text, struct buf *out)
{
	if (str_eq(text, STR("*\r\n")) || str_eq(text, STR("\r\n")))
		add(side, text, out);
	else
		add(side, STR("***\r\n"), out);
	side->unit = UNIT_PLAIN;
}

/* The first text of a command. */
static void begin_command(
	struct imap_trace *trace, struct str text, struct buf *out)
{
	struct side *side = &trace->sides[IMAP_CLIENT];
	struct imap_lexer lexer;
	struct str tag = {0};

	if (is_sasl(trace, text)) {
		add_sasl(side, text, out);
		return;
	}
	imap_lexer_init(&lexer, &trace->arena, text);
	lexer.announces = side->announces;
	(void)imap_lex_atom(&lexer, &tag);
	imap_lex_spaces(&lexer);
	side->unit = UNIT_PLAIN;
	side->args = 0;
	buf_reset(&trace->literal_tag);
	buf_add(&trace->literal_tag, tag);
	if (imap_lex_take_word(&lexer, "LOGIN")) {
		side->unit = UNIT_LOGIN;
		add(side, before(&lexer), out);
		add(side, STR(" "), out);
		add_login_args(side, &lexer, out);
	} else if (imap_lex_take_word(&lexer, "AUTHENTICATE")) {
		add_authenticate(trace, &lexer, tag, out);
	} else {
		if (imap_lex_take_word(&lexer, "APPEND"))
			side->unit = UNIT_BODIES;
		add(side, text, out);
	}
}

static void continue_login(
	struct imap_trace *trace, struct str text, struct buf *out)
{
	struct side *side = &trace->sides[IMAP_CLIENT];
	struct imap_lexer lexer;

	imap_lexer_init(&lexer, &trace->arena, text);
	lexer.announces = side->announces;
	if (imap_lex_take(&lexer, ' '))
		add(side, STR(" "), out);
	add_login_args(side, &lexer, out);
}

/* A tagged answer ends a login, and a literal that was not asked for. */
static void see_answer(struct imap_trace *trace, struct str tag)
{
	struct side *client = &trace->sides[IMAP_CLIENT];

	if (str_eq(tag, buf_str(&trace->login_tag)))
		buf_reset(&trace->login_tag);
	if (!str_eq(tag, buf_str(&trace->literal_tag)))
		return;
	buf_reset(&trace->literal_tag);
	if (client->unit != UNIT_NEW && !client->touched) {
		imap_reader_cut(client->reader, NULL);
		client->unit = UNIT_NEW;
	}
}

static void begin_response(
	struct imap_trace *trace, struct str text, struct buf *out)
{
	struct side *side = &trace->sides[IMAP_SERVER];
	struct imap_head head;
	struct imap_lexer lexer;

	imap_lexer_init(&lexer, &trace->arena, text);
	side->unit = UNIT_PLAIN;
	if (imap_lex_head(&lexer, &head)) {
		if (head.family == IMAP_FAMILY_FETCH)
			side->unit = UNIT_BODIES;
		if (head.family == IMAP_FAMILY_TAGGED)
			see_answer(trace, head.tag);
	}
	add(side, text, out);
}

static void see_text(struct imap_trace *trace, struct side *side,
	struct str text, struct buf *out)
{
	arena_reset(&trace->arena);
	if (side->unit == UNIT_NEW && side->letter == 'C')
		begin_command(trace, text, out);
	else if (side->unit == UNIT_NEW)
		begin_response(trace, text, out);
	else if (side->unit == UNIT_LOGIN)
		continue_login(trace, text, out);
	else
		add(side, text, out);
}

static bool is_hidden(const struct imap_trace *trace, const struct side *side)
{
	return (side->unit == UNIT_LOGIN && side->args > 0) ||
	       (side->unit == UNIT_BODIES && !trace->bodies);
}

static void see_chunk(struct imap_trace *trace, struct side *side,
	struct str chunk, struct buf *out)
{
	side->touched = true;
	if (is_hidden(trace, side))
		side->left_out += chunk.len;
	else
		add(side, chunk, out);
}

static void see_literal_end(
	struct imap_trace *trace, struct side *side, struct buf *out)
{
	if (side->unit == UNIT_LOGIN && is_hidden(trace, side))
		add(side, mask, out);
	else if (side->left_out > 0)
		buf_addf(
			out, "%c# %" PRIu64 "\n", side->letter, side->left_out);
	side->left_out = 0;
	side->touched = true;
	if (side->unit == UNIT_LOGIN)
		side->args++;
}

/* "* OK see {5}" and the like: a server's text has no literals. */
static bool has_no_literals(struct imap_trace *trace, struct str text)
{
	struct imap_head head;
	struct imap_lexer lexer;

	imap_lexer_init(&lexer, &trace->arena, text);
	return imap_lex_head(&lexer, &head) &&
	       head.family != IMAP_FAMILY_FETCH &&
	       head.family != IMAP_FAMILY_DATA;
}

static void see_literal(struct imap_trace *trace, struct side *side,
	struct str text, struct buf *out)
{
	bool text_only = side->letter == 'S' && side->unit == UNIT_NEW &&
			 has_no_literals(trace, text);

	side->announces = true;
	see_text(trace, side, text, out);
	side->announces = false;
	side->touched = !imap_reader_literal(side->reader)->sync;
	if (text_only || is_sasl(trace, text)) {
		imap_reader_not_literal(side->reader);
		side->unit = UNIT_NEW;
	} else {
		imap_reader_stream(side->reader);
	}
}

/* Takes one thing from the reader; false when it has no more. */
static bool read_one(
	struct imap_trace *trace, struct side *side, struct buf *out)
{
	struct str text;

	switch (imap_reader_next(side->reader, &text, NULL)) {
	case IMAP_READ_MORE:
		return false;
	case IMAP_READ_FAILED:
		side->failed = true;
		return false;
	case IMAP_READ_LINE:
		see_text(trace, side, text, out);
		side->unit = UNIT_NEW;
		return true;
	case IMAP_READ_LITERAL:
		see_literal(trace, side, text, out);
		return true;
	case IMAP_READ_CHUNK:
		see_chunk(trace, side, text, out);
		return true;
	case IMAP_READ_END:
		see_literal_end(trace, side, out);
		return true;
	}
	return false;
}

void imap_trace_feed(struct imap_trace *trace, enum imap_side from,
	struct str bytes, struct buf *out)
{
	struct side *side = &trace->sides[from];

	if (side->failed)
		return;
	imap_reader_lend(side->reader, bytes);
	while (read_one(trace, side, out))
		;
}

/* A line that was never finished could be half of a secret: not the client's.
 */
void imap_trace_end(struct imap_trace *trace, struct buf *out)
{
	struct side *server = &trace->sides[IMAP_SERVER];
	struct buf rest = {0};

	for (int i = 0; i < 2; i++) {
		if (trace->sides[i].left_out > 0)
			see_literal_end(trace, &trace->sides[i], out);
		flush(&trace->sides[i], out);
	}
	imap_reader_cut(server->reader, &rest);
	add(server, buf_str(&rest), out);
	flush(server, out);
	buf_clear(&rest);
}
