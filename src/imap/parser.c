/*
 * How: the reader cuts the stream; the head of a unit (its tag or "*", and the
 * word behind it) picks the family that reads the rest. What ends in text for
 * people (OK, NO, BAD, "+") has no literals, whatever it looks like; what FETCH
 * does with one, it decides itself; all others are kept in memory. A malformed
 * response of a known kind is an error, never skipped: an EXPUNGE or a FETCH
 * that is lost could pass for a deletion.
 */
#include "godwit/imap/response.h"

#include "godwit/base/limits.h"
#include "parts.h"

#include <stdlib.h>

struct imap_parser {
	struct imap_reader *reader;
	struct imap_scratch scratch;
	struct imap_fetch_reading fetch;
	bool failed;
	struct err failure;
};

struct imap_parser *imap_parser_new(void)
{
	struct imap_parser *parser = calloc(1, sizeof(*parser));

	check(parser != NULL);
	parser->reader = imap_reader_new(LIMIT_LITERAL_MEMORY_BYTES);
	return parser;
}

void imap_parser_free(struct imap_parser **parser)
{
	if (*parser == NULL)
		return;
	imap_reader_free(&(*parser)->reader);
	arena_clear(&(*parser)->scratch.arena);
	imap_set_clear(&(*parser)->scratch.uids);
	imap_set_clear(&(*parser)->scratch.source);
	free(*parser);
	*parser = NULL;
}

void imap_parser_lend(struct imap_parser *parser, struct str bytes)
{
	imap_reader_lend(parser->reader, bytes);
}

void imap_parser_cut(struct imap_parser *parser, struct buf *rest)
{
	imap_reader_cut(parser->reader, rest);
}

/* number SP "FETCH" SP "(", or with a UID (RFC 9586) */
static bool lex_fetch_head(struct imap_lexer *lexer, struct imap_head *head)
{
	struct imap_lexer ahead = *lexer;
	uint64_t number;

	if (imap_lex_peek(&ahead) < '0' || imap_lex_peek(&ahead) > '9' ||
		!imap_lex_digits(&ahead, &number) || number > UINT32_MAX)
		return false;
	imap_lex_spaces(&ahead);
	if (imap_lex_take_word(&ahead, "FETCH"))
		head->seq = (uint32_t)number;
	else if (imap_lex_take_word(&ahead, "UIDFETCH"))
		head->uid = (uint32_t)number;
	else
		return false;
	imap_lex_spaces(&ahead);
	if (!imap_lex_take(&ahead, '('))
		return false;
	*lexer = ahead;
	return true;
}

/* "*" SP was taken. */
static enum imap_family lex_untagged(
	struct imap_lexer *lexer, struct imap_head *head)
{
	if (lex_fetch_head(lexer, head))
		return IMAP_FAMILY_FETCH;
	return imap_lex_at_condition(lexer) ? IMAP_FAMILY_STATUS_LINE
					    : IMAP_FAMILY_DATA;
}

/*
 * The tag, or "*" or "+", and what family follows. Some servers send NUL bytes
 * (seen by imapflow) or spaces (DavMail) before a response.
 */
bool imap_lex_head(struct imap_lexer *lexer, struct imap_head *head_r)
{
	*head_r = (struct imap_head){.family = IMAP_FAMILY_BLANK};
	while (imap_lex_take(lexer, '\0') || imap_lex_take(lexer, ' '))
		;
	if (imap_lex_at_end(lexer))
		return true;
	if (imap_lex_take(lexer, '+')) {
		head_r->family = IMAP_FAMILY_CONTINUATION;
		imap_lex_spaces(lexer);
		return true;
	}
	if (imap_lex_take(lexer, '*')) {
		imap_lex_spaces(lexer);
		head_r->family = lex_untagged(lexer, head_r);
		return true;
	}
	head_r->family = IMAP_FAMILY_TAGGED;
	if (!imap_lex_atom(lexer, &head_r->tag))
		return false;
	imap_lex_spaces(lexer);
	return true;
}

/* Reads a whole unit that is no FETCH. */
static bool lex_unit(struct imap_lexer *lexer, struct imap_scratch *scratch,
	const struct imap_head *head, struct imap_response *response)
{
	switch (head->family) {
	case IMAP_FAMILY_CONTINUATION:
		response->kind = IMAP_RESPONSE_CONTINUE;
		response->text = imap_lex_rest(lexer);
		return true;
	case IMAP_FAMILY_STATUS_LINE:
		response->kind = IMAP_RESPONSE_CONDITION;
		return imap_lex_status_line(lexer, scratch, &response->line);
	case IMAP_FAMILY_TAGGED:
		response->kind = IMAP_RESPONSE_TAGGED;
		response->tag = head->tag;
		return imap_lex_status_line(lexer, scratch, &response->line);
	case IMAP_FAMILY_DATA:
		return imap_lex_data(lexer, scratch, response);
	case IMAP_FAMILY_BLANK:
	case IMAP_FAMILY_FETCH:
		break;
	}
	response->kind = IMAP_RESPONSE_OTHER;
	return true;
}

static enum imap_parse fail(struct imap_parser *parser, struct err *err)
{
	parser->failed = true;
	if (err != NULL)
		*err = parser->failure;
	return IMAP_PARSE_FAILED;
}

/* The beginning of `text`, for a message: err_set() cleans it. */
static enum imap_parse fail_unit(struct imap_parser *parser, struct str text,
	const char *wrong, struct err *err)
{
	struct str shown = str_sub(text, 0, 80);

	(void)err_set(&parser->failure, ERR_ACCOUNT, ERR_LATER, ERR_PROTOCOL,
		"the server's answer cannot be read, %s was expected in: "
		"%.*s; --wire-log FILE shows the whole exchange",
		wrong != NULL ? wrong : "something else", STR_FMT(shown));
	return fail(parser, err);
}

/* Takes up what the reader gave for the FETCH that is being read. */
static void fetch_text(
	struct imap_parser *parser, struct str text, size_t at, bool pending)
{
	parser->fetch.text = text;
	parser->fetch.at = at;
	parser->fetch.pending = pending;
}

/* A new unit, or the part of one up to a literal. */
static enum imap_parse read_unit(struct imap_parser *parser, struct str text,
	bool pending, struct imap_response *response, struct err *err)
{
	struct imap_lexer lexer;
	struct imap_head head;

	imap_lexer_init(&lexer, &parser->scratch.arena, text);
	if (!imap_lex_head(&lexer, &head))
		return fail_unit(parser, text, lexer.wrong, err);
	if (head.family == IMAP_FAMILY_FETCH) {
		imap_fetch_begin(&parser->fetch, head.seq, head.uid);
		fetch_text(parser, text, lexer.at, pending);
		return IMAP_PARSE_MORE;
	}
	if (pending && head.family == IMAP_FAMILY_DATA) {
		if (!imap_reader_keep(parser->reader))
			return fail_unit(parser, text, "less", err);
		return IMAP_PARSE_MORE;
	}
	if (pending)
		imap_reader_not_literal(parser->reader);
	if (!lex_unit(&lexer, &parser->scratch, &head, response) ||
		lexer.wrong != NULL)
		return fail_unit(parser, text, lexer.wrong, err);
	return IMAP_PARSE_RESPONSE;
}

static enum imap_parse read_body(struct imap_parser *parser,
	enum imap_read read, struct str chunk, struct imap_response *response)
{
	if (read == IMAP_READ_CHUNK) {
		response->kind = IMAP_RESPONSE_BODY_CHUNK;
		response->text = chunk;
		parser->fetch.fetch.body_bytes += chunk.len;
	} else {
		response->kind = IMAP_RESPONSE_BODY_END;
		parser->fetch.step = IMAP_FETCH_ITEMS;
	}
	return IMAP_PARSE_RESPONSE;
}

/* Asks the reader once. `*more_r`: it has no more. */
static enum imap_parse read_once(struct imap_parser *parser,
	struct imap_response *response, bool *more_r, struct err *err)
{
	struct str text;
	enum imap_read read =
		imap_reader_next(parser->reader, &text, &parser->failure);

	*more_r = read == IMAP_READ_MORE;
	switch (read) {
	case IMAP_READ_MORE:
		return IMAP_PARSE_MORE;
	case IMAP_READ_FAILED:
		return fail(parser, err);
	case IMAP_READ_CHUNK:
	case IMAP_READ_END:
		return read_body(parser, read, text, response);
	case IMAP_READ_LINE:
	case IMAP_READ_LITERAL:
		break;
	}
	if (parser->fetch.step == IMAP_FETCH_OFF)
		return read_unit(
			parser, text, read == IMAP_READ_LITERAL, response, err);
	fetch_text(parser, text, 0, read == IMAP_READ_LITERAL);
	return IMAP_PARSE_MORE;
}

/* Goes on with a FETCH whose text is at hand. */
static enum imap_parse read_fetch(struct imap_parser *parser,
	struct imap_response *response, struct err *err)
{
	struct str text = parser->fetch.text;
	const char *wrong = NULL;

	switch (imap_fetch_continue(&parser->fetch, parser->reader,
		&parser->scratch.arena, response, &wrong)) {
	case IMAP_FETCH_GIVE:
		return IMAP_PARSE_RESPONSE;
	case IMAP_FETCH_READ:
		return IMAP_PARSE_MORE;
	case IMAP_FETCH_WRONG:
		break;
	}
	return fail_unit(parser, text, wrong, err);
}

/*
 * Forgets what the last response pointed to, but for a FETCH that is still
 * being read, whose items must stay.
 */
static void forget(struct imap_parser *parser)
{
	if (parser->fetch.step != IMAP_FETCH_OFF)
		return;
	parser->fetch.text = (struct str){0};
	arena_reset(&parser->scratch.arena);
}

enum imap_parse imap_parser_next(struct imap_parser *parser,
	struct imap_response *response_r, struct err *err)
{
	enum imap_parse parse = IMAP_PARSE_MORE;
	bool more = false;

	if (parser->failed)
		return fail(parser, err);
	forget(parser);
	*response_r = (struct imap_response){0};
	while (parse == IMAP_PARSE_MORE && !more) {
		if (parser->fetch.text.ptr != NULL)
			parse = read_fetch(parser, response_r, err);
		else
			parse = read_once(parser, response_r, &more, err);
	}
	return parse;
}
