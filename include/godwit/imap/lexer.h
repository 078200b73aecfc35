/*
 * The lexer: tokens of one unit of text that the reader cut out.
 *
 * Walks over bytes in memory and borrows from them; only a quoted string with
 * a backslash in it is copied, into the arena. Errors are sticky: after the
 * first the lexer stands at the end and every later call fails, so a grammar
 * function checks once. Serves responses and commands alike.
 */
#ifndef GODWIT_IMAP_LEXER_H
#define GODWIT_IMAP_LEXER_H

#include "godwit/base/arena.h"
#include "godwit/base/bytes.h"

struct imap_lexer {
	struct str text;
	size_t at;
	struct arena *arena; /* for unescaped quoted strings */
	const char *wrong;   /* what was expected; NULL while all is well */
};

void imap_lexer_init(
	struct imap_lexer *lexer, struct arena *arena, struct str text);

/* The byte at hand; '\0' at the end of the text (and for a NUL byte). */
char imap_lex_peek(const struct imap_lexer *lexer);

/* At the end of the text, or at the CRLF that ends it. */
bool imap_lex_at_end(const struct imap_lexer *lexer);

/* Notes what was expected, the first time, and goes to the end. False. */
bool imap_lex_fail(struct imap_lexer *lexer, const char *expected);

/* Takes `c` if it is at hand. */
bool imap_lex_take(struct imap_lexer *lexer, char c);

/* Takes spaces, any number: servers write none, one or two. */
void imap_lex_spaces(struct imap_lexer *lexer);

/* `word` at hand, in any case, and ended there. Takes it if so. */
bool imap_lex_take_word(struct imap_lexer *lexer, const char *word);

/* `c` and spaces and SP must come next; else a failure. */
bool imap_lex_expect(struct imap_lexer *lexer, char c);

/*
 * The tokens; each a failure (false) when something else stands there.
 * atom: any bytes but ( ) { SP CTL " and, with `brackets`, also up to an
 * unbalanced ']'. 8-bit bytes, backslash, % and * are let through.
 */
bool imap_lex_atom(struct imap_lexer *lexer, struct str *atom_r);
bool imap_lex_quoted(struct imap_lexer *lexer, struct str *string_r);
bool imap_lex_literal(struct imap_lexer *lexer, struct str *string_r);

/* string: quoted or literal. astring: or atom. nstring: or NIL (ptr NULL). */
bool imap_lex_string(struct imap_lexer *lexer, struct str *string_r);
bool imap_lex_astring(struct imap_lexer *lexer, struct str *string_r);
bool imap_lex_nstring(struct imap_lexer *lexer, struct str *string_r);

/*
 * A number of up to 64 bits. Tolerates an exponent ("9.3736e+06", mail.ru),
 * quotes, and a minus sign, which gives 0 (MODSEQ -1, Zoho).
 */
bool imap_lex_number(struct imap_lexer *lexer, uint64_t *number_r);
bool imap_lex_number32(struct imap_lexer *lexer, uint32_t *number_r);

/* Skips one value of any shape, lists and BODY[...]<...> included. */
bool imap_lex_skip(struct imap_lexer *lexer);

/* What is left before the CRLF. */
struct str imap_lex_rest(struct imap_lexer *lexer);

#endif
