/*
 * Words: lists of strings that grow in an arena while a grammar is read.
 *
 * Shared by the parsers of commands and responses; no part of the contracts.
 */
#ifndef GODWIT_SRC_IMAP_WORDS_H
#define GODWIT_SRC_IMAP_WORDS_H

#include "godwit/base/arena.h"
#include "godwit/imap/command.h"
#include "godwit/imap/lexer.h"

/* All zeroes is an empty list. */
struct imap_words {
	struct str *items;
	size_t count;
	size_t cap;
};

/* A failure of the lexer (false) when there are LIMIT_LIST_WORDS already. */
bool imap_words_push(
	struct imap_words *words, struct imap_lexer *lexer, struct str word);

struct imap_strs imap_words_get(const struct imap_words *words);

/*
 * "(" word *(SP word) ")", possibly empty; or NIL, which is an empty list; the
 * words as imap_lex_word() takes them.
 */
bool imap_lex_words(struct imap_lexer *lexer, struct imap_strs *words_r);

/* "(" nstring *(SP nstring) ")" or NIL. */
bool imap_lex_nstrings(struct imap_lexer *lexer, struct imap_strs *strings_r);

#endif
