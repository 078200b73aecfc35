/*
 * How: an index into the text. Which bytes end a token is looked up in one
 * table of classes, a bit for each kind of token, so that the inner loops are a
 * load, a test and an increment. A number with an exponent is worked out in
 * integers: digits first, the point's place counted off the exponent.
 */
#include "godwit/imap/lexer.h"

#include "godwit/base/limits.h"
#include "godwit/imap/reader.h"

#include <string.h>

enum {
	ENDS_ATOM = 1,
	ENDS_CODE_ATOM = 2,
	ENDS_WORD = 4,
	ENDS_NAME = 8,
};

#define SPECIAL (ENDS_ATOM | ENDS_CODE_ATOM)

static const unsigned char ends[256] = {
	['('] = SPECIAL,
	[')'] = SPECIAL | ENDS_WORD,
	['"'] = SPECIAL,
	['{'] = SPECIAL,
	[']'] = ENDS_CODE_ATOM,
	[0x7f] = SPECIAL,
};

static bool ends_token(char c, unsigned kind)
{
	if (c == ' ' || c == '\r' || c == '\n')
		return true;
	if ((unsigned char)c < ' ')
		return (kind & SPECIAL) != 0;
	return (ends[(unsigned char)c] & kind) != 0;
}

void imap_lexer_init(
	struct imap_lexer *lexer, struct arena *arena, struct str text)
{
	*lexer = (struct imap_lexer){.text = text, .arena = arena};
}

static size_t left(const struct imap_lexer *lexer)
{
	return lexer->text.len - lexer->at;
}

static const char *here(const struct imap_lexer *lexer)
{
	return lexer->text.ptr + lexer->at;
}

char imap_lex_peek(const struct imap_lexer *lexer)
{
	if (left(lexer) == 0)
		return '\0';
	return *here(lexer);
}

bool imap_lex_at_end(const struct imap_lexer *lexer)
{
	size_t n = left(lexer);

	return n == 0 || (n == 1 && *here(lexer) == '\n') ||
	       (n == 2 && !memcmp(here(lexer), "\r\n", 2));
}

bool imap_lex_fail(struct imap_lexer *lexer, const char *expected)
{
	if (lexer->wrong == NULL)
		lexer->wrong = expected;
	lexer->at = lexer->text.len;
	return false;
}

bool imap_lex_take(struct imap_lexer *lexer, char c)
{
	if (left(lexer) == 0 || *here(lexer) != c)
		return false;
	lexer->at++;
	return true;
}

void imap_lex_spaces(struct imap_lexer *lexer)
{
	while (left(lexer) > 0 && *here(lexer) == ' ')
		lexer->at++;
}

bool imap_lex_take_word(struct imap_lexer *lexer, const char *word)
{
	struct str want = str_of(word);
	struct str rest = str_sub(lexer->text, lexer->at, lexer->text.len);

	if (!str_istarts(rest, want))
		return false;
	if (rest.len > want.len &&
		!ends_token(rest.ptr[want.len], ENDS_CODE_ATOM))
		return false;
	lexer->at += want.len;
	return true;
}

bool imap_lex_expect(struct imap_lexer *lexer, char c)
{
	if (imap_lex_take(lexer, c))
		return true;
	switch (c) {
	case '(':
		return imap_lex_fail(lexer, "an opening parenthesis");
	case ')':
		return imap_lex_fail(lexer, "a closing parenthesis");
	default:
		return imap_lex_fail(lexer, "a space");
	}
}

/* One or more bytes up to one that ends this kind of token. */
static bool take_until(
	struct imap_lexer *lexer, unsigned kind, struct str *token_r)
{
	size_t start = lexer->at;
	size_t at = start;

	while (at < lexer->text.len && !ends_token(lexer->text.ptr[at], kind))
		at++;
	if (at == start)
		return imap_lex_fail(lexer, "a word");
	lexer->at = at;
	*token_r = str_sub(lexer->text, start, at - start);
	return true;
}

bool imap_lex_atom(struct imap_lexer *lexer, struct str *atom_r)
{
	return take_until(lexer, ENDS_ATOM, atom_r);
}

bool imap_lex_code_atom(struct imap_lexer *lexer, struct str *atom_r)
{
	return take_until(lexer, ENDS_CODE_ATOM, atom_r);
}

bool imap_lex_word(struct imap_lexer *lexer, struct str *word_r)
{
	if (imap_lex_peek(lexer) == '"')
		return imap_lex_quoted(lexer, word_r);
	return take_until(lexer, ENDS_WORD, word_r);
}

bool imap_lex_name(struct imap_lexer *lexer, struct str *name_r)
{
	char c = imap_lex_peek(lexer);

	if (c == '"' || c == '{')
		return imap_lex_string(lexer, name_r);
	return take_until(lexer, ENDS_NAME, name_r);
}

/* The string between `start` and the lexer's place, escapes undone. */
static struct str unescape(struct imap_lexer *lexer, size_t start)
{
	char *copy = arena_alloc(lexer->arena, lexer->at - start + 1);
	size_t len = 0;

	for (size_t i = start; i < lexer->at; i++) {
		if (lexer->text.ptr[i] == '\\')
			i++;
		copy[len++] = lexer->text.ptr[i];
	}
	return (struct str){.ptr = copy, .len = len};
}

bool imap_lex_quoted(struct imap_lexer *lexer, struct str *string_r)
{
	size_t start = lexer->at + 1;
	bool escaped = false;

	if (!imap_lex_take(lexer, '"'))
		return imap_lex_fail(lexer, "a quoted string");
	while (left(lexer) > 0 && *here(lexer) != '"') {
		if (*here(lexer) == '\\') {
			escaped = true;
			lexer->at++;
		}
		if (left(lexer) == 0 || *here(lexer) == '\n')
			break;
		lexer->at++;
	}
	if (imap_lex_peek(lexer) != '"')
		return imap_lex_fail(lexer, "a quotation mark");
	*string_r = escaped ? unescape(lexer, start)
			    : str_sub(lexer->text, start, lexer->at - start);
	lexer->at++;
	return true;
}

bool imap_lex_literal(struct imap_lexer *lexer, struct str *string_r)
{
	struct str rest = str_sub(lexer->text, lexer->at, lexer->text.len);
	size_t line = str_find(rest, '\n');
	struct imap_literal literal;
	size_t from;

	if (line == rest.len)
		return imap_lex_fail(lexer, "a string");
	line++;
	if (!imap_literal_parse(str_sub(rest, 0, line), &from, &literal) ||
		from != 0)
		return imap_lex_fail(lexer, "a string");
	if (literal.octets > rest.len - line ||
		(lexer->announces && line == rest.len)) {
		lexer->cut = true;
		return imap_lex_fail(lexer, "a literal's octets");
	}
	*string_r = str_sub(rest, line, (size_t)literal.octets);
	lexer->at += line + (size_t)literal.octets;
	return true;
}

bool imap_lex_string(struct imap_lexer *lexer, struct str *string_r)
{
	return imap_lex_peek(lexer) == '"' ? imap_lex_quoted(lexer, string_r)
					   : imap_lex_literal(lexer, string_r);
}

/* At a quoted string, or at a literal of either kind. */
static bool at_string(const struct imap_lexer *lexer)
{
	char c = imap_lex_peek(lexer);

	return c == '"' || c == '{' ||
	       (c == '~' && left(lexer) > 1 && here(lexer)[1] == '{');
}

bool imap_lex_astring(struct imap_lexer *lexer, struct str *string_r)
{
	return at_string(lexer) ? imap_lex_string(lexer, string_r)
				: imap_lex_atom(lexer, string_r);
}

bool imap_lex_nstring(struct imap_lexer *lexer, struct str *string_r)
{
	if (imap_lex_take_word(lexer, "NIL")) {
		*string_r = (struct str){0};
		return true;
	}
	return imap_lex_string(lexer, string_r);
}

bool imap_lex_digits(struct imap_lexer *lexer, uint64_t *number_r)
{
	size_t at = lexer->at;
	uint64_t number = 0;

	for (; at < lexer->text.len; at++) {
		unsigned digit =
			(unsigned char)lexer->text.ptr[at] - (unsigned)'0';

		if (digit > 9)
			break;
		if (number > (UINT64_MAX - digit) / 10)
			return imap_lex_fail(lexer, "a number of 64 bits");
		number = number * 10 + digit;
	}
	if (at == lexer->at)
		return imap_lex_fail(lexer, "a number");
	lexer->at = at;
	*number_r = number;
	return true;
}

/* ["." digits] ["e" ["+"] digits], behind the digits in *number */
static bool take_exponent(struct imap_lexer *lexer, uint64_t *number)
{
	uint64_t shift = 0;
	size_t point = 0;

	if (imap_lex_take(lexer, '.')) {
		for (char c; (c = imap_lex_peek(lexer)) >= '0' && c <= '9';) {
			if (*number > UINT64_MAX / 10 - 1)
				return imap_lex_fail(lexer, "a number");
			*number = *number * 10 + (uint64_t)(c - '0');
			lexer->at++;
			point++;
		}
	}
	if (imap_lex_take(lexer, 'e') || imap_lex_take(lexer, 'E')) {
		(void)imap_lex_take(lexer, '+');
		if (!imap_lex_digits(lexer, &shift))
			return false;
	}
	for (; point > shift; point--)
		*number /= 10;
	for (; shift > point; shift--) {
		if (*number > UINT64_MAX / 10)
			return imap_lex_fail(lexer, "a number");
		*number *= 10;
		if (*number == 0)
			break;
	}
	return true;
}

bool imap_lex_number(struct imap_lexer *lexer, uint64_t *number_r)
{
	bool quoted = imap_lex_take(lexer, '"');
	bool negative = imap_lex_take(lexer, '-');
	char c;

	if (!imap_lex_digits(lexer, number_r))
		return false;
	c = imap_lex_peek(lexer);
	if ((c == '.' || c == 'e' || c == 'E') &&
		!take_exponent(lexer, number_r))
		return false;
	if (quoted && !imap_lex_take(lexer, '"'))
		return imap_lex_fail(lexer, "a quotation mark");
	if (negative)
		*number_r = 0;
	return true;
}

bool imap_lex_number32(struct imap_lexer *lexer, uint32_t *number_r)
{
	uint64_t number;

	if (!imap_lex_number(lexer, &number))
		return false;
	if (number > UINT32_MAX)
		return imap_lex_fail(lexer, "a number of 32 bits");
	*number_r = (uint32_t)number;
	return true;
}

/* A string, or an atom; a stray byte counts as one (unescaped quotes). */
static bool skip_scalar(struct imap_lexer *lexer)
{
	struct str skipped;

	if (at_string(lexer))
		return imap_lex_string(lexer, &skipped);
	return take_until(lexer, ENDS_WORD, &skipped);
}

bool imap_lex_skip(struct imap_lexer *lexer, unsigned *depth)
{
	do {
		imap_lex_spaces(lexer);
		if (imap_lex_take(lexer, '(')) {
			if (++*depth > LIMIT_LIST_DEPTH)
				return imap_lex_fail(lexer, "fewer lists");
		} else if (*depth > 0 && imap_lex_take(lexer, ')')) {
			--*depth;
		} else if (!skip_scalar(lexer)) {
			return false;
		}
	} while (*depth > 0);
	return true;
}

struct str imap_lex_rest(struct imap_lexer *lexer)
{
	struct str rest = str_sub(lexer->text, lexer->at, lexer->text.len);

	if (str_ends(rest, STR("\n")))
		rest.len--;
	if (str_ends(rest, STR("\r")))
		rest.len--;
	lexer->at = lexer->text.len;
	return rest;
}
