/*
 * How: names are interned in lower case, beside an array of their first
 * spellings. A set is interned as 16-bit numbers in a row: how many ids, then
 * the ids in order; no set is then the beginning of another one. Sets are
 * combined as bitmaps of LIMIT_KEYWORDS bits.
 */
#include "godwit/mail/keywords.h"

#include "godwit/base/arena.h"
#include "godwit/base/limits.h"
#include "intern.h"

#include <stdlib.h>
#include <string.h>

enum {
	BITS_WORDS = LIMIT_KEYWORDS / 64,
};

struct keywords {
	struct intern names; /* in lower case */
	struct str *spellings;
	size_t spellings_cap;
	struct arena text; /* of the spellings */
	struct intern sets;
};

struct bits {
	uint64_t word[BITS_WORDS];
};

struct set_key {
	uint16_t number[1 + LIMIT_KEYWORDS]; /* how many, the ids */
};

static struct str set_key_str(const struct set_key *key)
{
	return (struct str){.ptr = (const char *)key->number,
		.len = (1 + (size_t)key->number[0]) * sizeof(key->number[0])};
}

struct keywords *keywords_new(void)
{
	struct keywords *keywords = calloc(1, sizeof(*keywords));
	struct set_key empty;

	check(keywords != NULL);
	empty.number[0] = 0;
	check(intern_add(&keywords->sets, set_key_str(&empty)) ==
		KEYWORDS_EMPTY);
	return keywords;
}

void keywords_free(struct keywords **keywords)
{
	struct keywords *gone = *keywords;

	*keywords = NULL;
	if (gone == NULL)
		return;
	intern_clear(&gone->names);
	intern_clear(&gone->sets);
	arena_clear(&gone->text);
	free(gone->spellings);
	free(gone);
}

/* RFC 3501, ATOM-CHAR: CHAR but atom-specials. */
static bool is_atom_char(unsigned char c)
{
	return c > ' ' && c < 127 && strchr("(){%*\"\\]", c) == NULL;
}

bool keyword_valid(struct str name)
{
	if (name.len == 0 || name.len > LIMIT_KEYWORD_BYTES ||
		str_ieq(name, STR("$Forwarded")))
		return false;
	for (size_t i = 0; i < name.len; i++) {
		if (!is_atom_char((unsigned char)name.ptr[i]))
			return false;
	}
	return true;
}

/* `name` in lower case, in `space`, which holds LIMIT_KEYWORD_BYTES. */
static struct str lower(struct str name, char *space)
{
	memcpy(space, name.ptr, name.len);
	for (size_t i = 0; i < name.len; i++) {
		if (space[i] >= 'A' && space[i] <= 'Z')
			space[i] |= 'a' - 'A';
	}
	return (struct str){.ptr = space, .len = name.len};
}

uint32_t keywords_name_find(const struct keywords *keywords, struct str name)
{
	char space[LIMIT_KEYWORD_BYTES];

	if (!keyword_valid(name))
		return KEYWORD_NONE;
	return intern_find(&keywords->names, lower(name, space));
}

uint32_t keywords_name_add(struct keywords *keywords, struct str name)
{
	uint32_t known = keywords_name_find(keywords, name);
	char space[LIMIT_KEYWORD_BYTES];
	uint32_t id;

	if (known != KEYWORD_NONE || !keyword_valid(name) ||
		keywords->names.count == LIMIT_KEYWORDS)
		return known;
	id = intern_add(&keywords->names, lower(name, space));
	keywords->spellings =
		array_grow(keywords->spellings, &keywords->spellings_cap,
			(size_t)id + 1, sizeof(*keywords->spellings));
	keywords->spellings[id] = arena_str(&keywords->text, name);
	return id;
}

struct str keywords_name(const struct keywords *keywords, uint32_t id)
{
	check(id < keywords->names.count);
	return keywords->spellings[id];
}

uint32_t keywords_count(const struct keywords *keywords)
{
	return keywords->names.count;
}

const uint16_t *keywords_set_ids(
	const struct keywords *keywords, uint32_t set, size_t *count_r)
{
	struct str key = intern_get(&keywords->sets, set);
	const uint16_t *number = (const void *)key.ptr;

	*count_r = number[0];
	return number + 1;
}

bool keywords_set_has(
	const struct keywords *keywords, uint32_t set, uint32_t id)
{
	size_t count;
	const uint16_t *ids = keywords_set_ids(keywords, set, &count);

	for (size_t i = 0; i < count; i++) {
		if (ids[i] == id)
			return true;
	}
	return false;
}

static void bits_of_set(
	struct bits *bits, const struct keywords *keywords, uint32_t set)
{
	size_t count;
	const uint16_t *ids = keywords_set_ids(keywords, set, &count);

	memset(bits, 0, sizeof(*bits));
	for (size_t i = 0; i < count; i++)
		bits->word[ids[i] / 64] |= UINT64_C(1) << ids[i] % 64;
}

static void set_key_of_bits(struct set_key *key, const struct bits *bits)
{
	uint16_t count = 0;

	for (unsigned i = 0; i < BITS_WORDS; i++) {
		for (uint64_t left = bits->word[i]; left != 0;
			left &= left - 1) {
			unsigned bit = (unsigned)__builtin_ctzll(left);

			key->number[++count] = (uint16_t)(i * 64 + bit);
		}
	}
	key->number[0] = count;
}

static uint32_t set_of_bits(struct keywords *keywords, const struct bits *bits)
{
	struct set_key key;

	set_key_of_bits(&key, bits);
	return intern_add(&keywords->sets, set_key_str(&key));
}

int keywords_set(struct keywords *keywords, const uint32_t *ids, size_t count,
	uint32_t *set_r, struct err *err)
{
	struct bits bits = {0};
	struct set_key key;
	struct str key_str;
	uint32_t set;

	if (count == 0) {
		*set_r = KEYWORDS_EMPTY;
		return 0;
	}
	for (size_t i = 0; i < count; i++) {
		check(ids[i] < keywords->names.count);
		bits.word[ids[i] / 64] |= UINT64_C(1) << ids[i] % 64;
	}
	set_key_of_bits(&key, &bits);
	key_str = set_key_str(&key);
	set = intern_find(&keywords->sets, key_str);
	if (set == INTERN_NONE) {
		if (intern_memory(&keywords->sets) + key_str.len >
			LIMIT_KEYWORD_SET_BYTES)
			return err_set(err, ERR_MAILBOX, ERR_NEVER,
				ERR_PROTOCOL,
				"the messages bear more different sets of "
				"keywords than godwit can hold; remove "
				"keywords that no one needs");
		set = intern_add(&keywords->sets, key_str);
	}
	*set_r = set;
	return 0;
}

uint32_t keywords_pick(struct keywords *keywords, uint32_t set,
	const uint32_t *ids, size_t count)
{
	struct bits from;
	struct bits picked = {0};

	bits_of_set(&from, keywords, set);
	for (size_t i = 0; i < count; i++) {
		check(ids[i] < LIMIT_KEYWORDS);
		picked.word[ids[i] / 64] |=
			from.word[ids[i] / 64] & UINT64_C(1) << ids[i] % 64;
	}
	return set_of_bits(keywords, &picked);
}

uint32_t keywords_union(struct keywords *keywords, uint32_t a, uint32_t b)
{
	struct bits left;
	struct bits right;

	if (a == b || b == KEYWORDS_EMPTY)
		return a;
	if (a == KEYWORDS_EMPTY)
		return b;
	bits_of_set(&left, keywords, a);
	bits_of_set(&right, keywords, b);
	for (int i = 0; i < BITS_WORDS; i++)
		left.word[i] |= right.word[i];
	return set_of_bits(keywords, &left);
}

uint32_t keywords_minus(struct keywords *keywords, uint32_t a, uint32_t b)
{
	struct bits left;
	struct bits right;

	if (a == KEYWORDS_EMPTY || b == KEYWORDS_EMPTY)
		return a;
	if (a == b)
		return KEYWORDS_EMPTY;
	bits_of_set(&left, keywords, a);
	bits_of_set(&right, keywords, b);
	for (int i = 0; i < BITS_WORDS; i++)
		left.word[i] &= ~right.word[i];
	return set_of_bits(keywords, &left);
}

uint32_t keywords_merge(struct keywords *keywords, uint32_t base, uint32_t mine,
	uint32_t theirs)
{
	struct bits b;
	struct bits m;
	struct bits t;

	if (mine == theirs || theirs == base)
		return mine;
	if (mine == base)
		return theirs;
	bits_of_set(&b, keywords, base);
	bits_of_set(&m, keywords, mine);
	bits_of_set(&t, keywords, theirs);
	for (int i = 0; i < BITS_WORDS; i++)
		m.word[i] = (m.word[i] & t.word[i]) |
			    ((m.word[i] ^ t.word[i]) & ~b.word[i]);
	return set_of_bits(keywords, &m);
}
