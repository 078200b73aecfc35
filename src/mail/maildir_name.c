/*
 * How: a name is cut at its last ":2,", the unique part at its first field.
 * To print, the letters are marked in a table of 256 bytes and read out in
 * order, so they come sorted and once each.
 */
#include "godwit/mail/maildir_name.h"

#include "godwit/base/limits.h"

#include <gnutls/crypto.h>
#include <string.h>

enum {
	HASH_BYTES = 32,
	STEM_BYTES = 20, /* of the hash */
	STEM_LETTERS = 32,
};

static const char base32[] = "abcdefghijklmnopqrstuvwxyz234567";

static const struct letter {
	char letter;
	uint32_t flag;
} letters[] = {
	{'D', FLAG_DRAFT},
	{'F', FLAG_FLAGGED},
	{'P', FLAG_FORWARDED},
	{'R', FLAG_ANSWERED},
	{'S', FLAG_SEEN},
	{'T', FLAG_DELETED},
};

enum {
	LETTERS = sizeof(letters) / sizeof(letters[0]),
};

/* Where the last ":2," begins, or s.len. */
static size_t find_info(struct str s)
{
	for (size_t at = s.len; at-- > 0;) {
		if (s.ptr[at] == ':' && s.len - at >= 3 &&
			s.ptr[at + 1] == '2' && s.ptr[at + 2] == ',')
			return at;
	}
	return s.len;
}

/* The length of KEY if `field` is "KEY=...", a capital and more, or 0. */
static size_t key_len(struct str field)
{
	size_t len = str_find(field, '=');

	if (len == field.len || len == 0)
		return 0;
	for (size_t i = 0; i < len; i++) {
		char c = field.ptr[i];

		if ((c < 'A' || c > 'Z') && (i == 0 || c < '0' || c > '9'))
			return 0;
	}
	return len;
}

static void parse_field(struct maildir_name *name, struct str field)
{
	struct str value = str_sub(field, 2, field.len);

	if (str_starts(field, STR("S=")) && !name->has_size)
		name->has_size = str_u64(value, &name->size);
	else if (str_starts(field, STR("U=")) && !name->has_uid)
		name->has_uid = str_u32(value, &name->uid);
}

static void parse_unique(struct maildir_name *name)
{
	struct str rest = name->unique;
	struct str part;

	name->base = name->unique;
	(void)str_split(&rest, ',', &part);
	while (str_split(&rest, ',', &part)) {
		if (key_len(part) == 0)
			continue;
		if (name->base.len == name->unique.len)
			name->base.len =
				(size_t)(part.ptr - name->unique.ptr) - 1;
		parse_field(name, part);
	}
}

bool maildir_name_cut(struct str file, struct maildir_name *name_r)
{
	struct maildir_name name = {0};
	size_t info;
	size_t comma;

	if (file.len == 0 || file.len > LIMIT_NAME_BYTES ||
		file.ptr[0] == '.' || str_find(file, '/') < file.len ||
		str_find(file, '\0') < file.len)
		return false;
	info = find_info(file);
	name.has_info = info < file.len;
	name.unique = str_sub(file, 0, info);
	file = str_sub(file, info + 3, file.len);
	comma = str_find(file, ',');
	name.letters = str_sub(file, 0, comma);
	name.extra = str_sub(file, comma, file.len);
	*name_r = name;
	return name.unique.len > 0;
}

bool maildir_name_parse(struct str file, struct maildir_name *name_r)
{
	if (!maildir_name_cut(file, name_r))
		return false;
	parse_unique(name_r);
	return true;
}

static uint32_t system_flag(char letter)
{
	for (int i = 0; i < LETTERS; i++) {
		if (letters[i].letter == letter)
			return letters[i].flag;
	}
	return 0;
}

int maildir_name_flags(const struct maildir_name *name,
	const struct kwfile *kwfile, struct keywords *keywords,
	struct flags *flags_r, struct err *err)
{
	struct flags flags = {0};
	uint32_t ids[LIMIT_NAME_BYTES];
	size_t count = 0;

	check(name->letters.len <= LIMIT_NAME_BYTES);
	for (size_t i = 0; i < name->letters.len; i++) {
		char letter = name->letters.ptr[i];
		uint32_t id = kwfile_id(kwfile, letter);

		flags.system |= system_flag(letter);
		if (id == KWFILE_FORWARDED)
			flags.system |= FLAG_FORWARDED;
		else if (id != KEYWORD_NONE && id != KWFILE_TAKEN)
			ids[count++] = id;
	}
	if (keywords_set(keywords, ids, count, &flags.keywords, err) != 0)
		return -1;
	*flags_r = flags;
	return 0;
}

static bool has_meaning(const struct kwfile *kwfile, char letter)
{
	uint32_t id = kwfile_id(kwfile, letter);

	return system_flag(letter) != 0 ||
	       (id != KEYWORD_NONE && id != KWFILE_TAKEN);
}

static void mark_flags(bool *marked, const struct kwfile *kwfile,
	const struct keywords *keywords, struct flags flags)
{
	size_t count;
	const uint16_t *ids =
		keywords_set_ids(keywords, flags.keywords, &count);

	for (int i = 0; i < LETTERS; i++) {
		if ((flags.system & letters[i].flag) != 0)
			marked[(unsigned char)letters[i].letter] = true;
	}
	if ((flags.system & FLAG_FORWARDED) != 0)
		marked[(unsigned char)kwfile_letter(kwfile, KWFILE_FORWARDED)] =
			true;
	for (size_t i = 0; i < count; i++)
		marked[(unsigned char)kwfile_letter(kwfile, ids[i])] = true;
}

bool maildir_name_print(const struct maildir_name *name,
	const struct kwfile *kwfile, const struct keywords *keywords,
	struct flags flags, struct buf *out)
{
	bool marked[256] = {false};
	size_t before = out->len;

	for (size_t i = 0; i < name->letters.len; i++) {
		if (!has_meaning(kwfile, name->letters.ptr[i]))
			marked[(unsigned char)name->letters.ptr[i]] = true;
	}
	mark_flags(marked, kwfile, keywords, flags);
	buf_add(out, name->unique);
	buf_add(out, STR(":2,"));
	/* From 1: what has no letter was marked at '\0'. */
	for (int c = 1; c < 256; c++) {
		if (marked[c])
			buf_addc(out, (char)c);
	}
	buf_add(out, name->extra);
	if (out->len - before <= LIMIT_NAME_BYTES)
		return true;
	out->len = before;
	return false;
}

static void add_number(struct buf *input, uint32_t number)
{
	for (int shift = 24; shift >= 0; shift -= 8)
		buf_addc(input, (char)(number >> shift & 255));
}

static void add_text(struct buf *input, struct str text)
{
	check(text.len <= UINT32_MAX);
	add_number(input, (uint32_t)text.len);
	buf_add(input, text);
}

static void add_base32(struct buf *out, const unsigned char *bytes)
{
	for (int i = 0; i < STEM_BYTES; i += 5) {
		uint64_t group = 0;

		for (int j = 0; j < 5; j++)
			group = group << 8 | bytes[i + j];
		for (int shift = 35; shift >= 0; shift -= 5)
			buf_addc(out, base32[group >> shift & 31]);
	}
}

void maildir_name_stem(struct buf *out, struct str account, struct str mailbox,
	uint32_t uidvalidity, uint32_t uid)
{
	unsigned char hash[HASH_BYTES];
	struct buf input = {0};

	buf_add(&input, STR("godwit-name-1\0"));
	add_text(&input, account);
	add_text(&input, mailbox);
	add_number(&input, uidvalidity);
	add_number(&input, uid);
	check(gnutls_hash_fast(GNUTLS_DIG_SHA256, input.ptr, input.len, hash) ==
		0);
	buf_clear(&input);
	add_base32(out, hash);
	buf_addz(out, ".godwit");
}

void maildir_name_derive(struct buf *out, struct str stem, uint64_t bytes)
{
	buf_addf(out, "%.*s,S=%llu", STR_FMT(stem), (unsigned long long)bytes);
}

bool maildir_name_has_stem(const struct maildir_name *name, struct str stem)
{
	return str_eq(name->base, stem);
}

bool maildir_name_derived(const struct maildir_name *name)
{
	struct str hash = str_sub(name->base, 0, STEM_LETTERS);

	for (size_t i = 0; i < hash.len; i++) {
		if (memchr(base32, hash.ptr[i], STEM_LETTERS) == NULL)
			return false;
	}
	return str_eq(str_sub(name->base, STEM_LETTERS, name->base.len),
		STR(".godwit"));
}
