/*
 * How: greedy, with one way back: to the last star, which then takes one byte
 * more. Earlier stars need no second chance, so time is at most the product of
 * the two lengths.
 */
#include "godwit/mail/mailbox_glob.h"

#include "mailbox_escape.h"

static bool is_ascii(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		if ((unsigned char)s.ptr[i] >= 0x80)
			return false;
	}
	return true;
}

static struct str drop(struct str s, size_t n)
{
	return str_sub(s, n, s.len);
}

/* The length of the first character, by the bytes that continue it. */
static size_t character_len(struct str s)
{
	size_t len = 1;

	while (len < s.len && ((unsigned char)s.ptr[len] & 0xc0) == 0x80)
		len++;
	return len;
}

/* How much of `name` the first of `pattern`, no star, takes; 0: none. */
static size_t takes(struct str pattern, struct str name)
{
	if (pattern.len == 0)
		return 0;
	if (*pattern.ptr == '?')
		return character_len(name);
	return *pattern.ptr == *name.ptr;
}

static bool match(struct str pattern, struct str name)
{
	bool starred = false;
	struct str behind = {0}; /* the pattern behind the last star */
	struct str left = {0};   /* the name behind what that star takes */

	while (name.len > 0) {
		size_t taken = takes(pattern, name);

		if (str_starts(pattern, STR("*"))) {
			starred = true;
			pattern = behind = drop(pattern, 1);
			left = name;
		} else if (taken > 0) {
			pattern = drop(pattern, 1);
			name = drop(name, taken);
		} else if (starred) {
			pattern = behind;
			name = left = drop(left, 1);
		} else {
			return false;
		}
	}
	while (str_starts(pattern, STR("*")))
		pattern = drop(pattern, 1);
	return pattern.len == 0;
}

bool mailbox_glob_match(struct str pattern, struct str name)
{
	struct buf nfc = {0};
	bool matches;

	if (str_ieq(pattern, STR("INBOX")))
		return str_eq(name, STR("INBOX"));
	if (is_ascii(pattern))
		return match(pattern, name);
	mailbox_nfc(pattern, &nfc);
	matches = match(buf_str(&nfc), name);
	buf_clear(&nfc);
	return matches;
}
