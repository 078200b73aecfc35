/*
 * How: an array that doubles; what it outgrows stays in the arena until that is
 * reset, at most as much again.
 */
#include "words.h"

#include "godwit/base/limits.h"

#include <string.h>

bool imap_words_push(
	struct imap_words *words, struct imap_lexer *lexer, struct str word)
{
	if (words->count == LIMIT_LIST_WORDS)
		return imap_lex_fail(lexer, "a shorter list");
	if (words->count == words->cap) {
		size_t cap = words->cap == 0 ? 8 : words->cap * 2;
		struct str *grown =
			arena_array(lexer->arena, cap, sizeof(*grown));

		if (words->count > 0)
			memcpy(grown, words->items,
				words->count * sizeof(*grown));
		words->items = grown;
		words->cap = cap;
	}
	words->items[words->count++] = word;
	return true;
}

struct imap_strs imap_words_get(const struct imap_words *words)
{
	return (struct imap_strs){.items = words->items, .count = words->count};
}

static bool lex_list(struct imap_lexer *lexer, struct imap_strs *strings_r,
	bool (*lex_item)(struct imap_lexer *, struct str *))
{
	struct imap_words words = {0};
	struct str item;

	*strings_r = (struct imap_strs){0};
	if (imap_lex_take_word(lexer, "NIL"))
		return true;
	if (!imap_lex_expect(lexer, '('))
		return false;
	imap_lex_spaces(lexer);
	while (!imap_lex_take(lexer, ')')) {
		if (!lex_item(lexer, &item) ||
			!imap_words_push(&words, lexer, item))
			return false;
		imap_lex_spaces(lexer);
	}
	*strings_r = imap_words_get(&words);
	return true;
}

bool imap_lex_words(struct imap_lexer *lexer, struct imap_strs *words_r)
{
	return lex_list(lexer, words_r, imap_lex_word);
}

bool imap_lex_nstrings(struct imap_lexer *lexer, struct imap_strs *strings_r)
{
	return lex_list(lexer, strings_r, imap_lex_nstring);
}
