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
	bool announces;      /* the text ends where a literal's octets begin */
	bool cut;            /* that literal was met: its octets are missing */
};

/* `text` may end with its CRLF, which is no part of any token. */
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

/* Takes `word` if it is at hand, in any case, and ends there. */
bool imap_lex_take_word(struct imap_lexer *lexer, const char *word);

/* `c` must be at hand; else a failure. */
bool imap_lex_expect(struct imap_lexer *lexer, char c);

/*
 * The tokens; each a failure (false) when something else stands there. More
 * lenient than RFC 3501: 8-bit bytes, backslash, % and * are let through.
 *
 * atom: up to SP ( ) " { or a control character.
 * code_atom: also up to ']', for what stands in a response code.
 * word: up to SP or ')', for flags, which some servers quote (then without
 *     quotes) and which may hold anything (Gmail: ']').
 * name: up to SP, for a mailbox name without quotes.
 */
bool imap_lex_atom(struct imap_lexer *lexer, struct str *atom_r);
bool imap_lex_code_atom(struct imap_lexer *lexer, struct str *atom_r);
bool imap_lex_word(struct imap_lexer *lexer, struct str *word_r);
bool imap_lex_name(struct imap_lexer *lexer, struct str *name_r);
bool imap_lex_quoted(struct imap_lexer *lexer, struct str *string_r);
bool imap_lex_literal(struct imap_lexer *lexer, struct str *string_r);

/* string: quoted or literal. astring: or atom. nstring: or NIL (ptr NULL). */
bool imap_lex_string(struct imap_lexer *lexer, struct str *string_r);
bool imap_lex_astring(struct imap_lexer *lexer, struct str *string_r);
bool imap_lex_nstring(struct imap_lexer *lexer, struct str *string_r);

/* One digit or more; a failure when 64 bits do not hold the number. */
bool imap_lex_digits(struct imap_lexer *lexer, uint64_t *number_r);

/*
 * A number of up to 64 bits, as servers write it. Tolerates an exponent
 * ("9.3736e+06", mail.ru), quotes, and a minus sign, which gives 0 (MODSEQ -1,
 * Zoho).
 */
bool imap_lex_number(struct imap_lexer *lexer, uint64_t *number_r);
bool imap_lex_number32(struct imap_lexer *lexer, uint32_t *number_r);

/*
 * Skips one value of any shape; its lists may be LIMIT_LIST_DEPTH deep. With
 * *depth above 0 it goes on inside of as many lists. When it stops at a
 * literal whose octets are not in the text (`cut`), *depth says where.
 */
bool imap_lex_skip(struct imap_lexer *lexer, unsigned *depth);

/* What is left before the CRLF. */
struct str imap_lex_rest(struct imap_lexer *lexer);

#endif
