/*
 * How: the component is brought to NFC first, then read character by character
 * (a byte that belongs to none is one by itself). An escape ends in a letter
 * or digit with which a combining mark could melt; therefore marks behind it
 * are escaped, too, and the result is NFC again.
 */
#include "mailbox_escape.h"

#include "godwit/base/err.h"

#include <stdint.h>
#include <stdlib.h>
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>

/* Not a character; for a byte that is not UTF-8. */
#define NOT_UTF8 UINT32_MAX

static const struct str reserved[] = {
	{"cur", 3},
	{"new", 3},
	{"tmp", 3},
};

static const uint8_t *as_utf8(struct str s)
{
	return (const uint8_t *)s.ptr;
}

/* How many bytes at the front are UTF-8. */
static size_t utf8_len(struct str s)
{
	const uint8_t *bad = u8_check(as_utf8(s), s.len);

	return bad == NULL ? s.len : (size_t)(bad - as_utf8(s));
}

void mailbox_nfc(struct str s, struct buf *out)
{
	while (s.len > 0) {
		size_t run = utf8_len(s);

		if (run > 0) {
			size_t len;
			uint8_t *nfc = u8_normalize(
				UNINORM_NFC, as_utf8(s), run, NULL, &len);

			check(nfc != NULL);
			buf_add(out, (struct str){(char *)nfc, len});
			free(nfc);
		}
		buf_add(out, str_sub(s, run, 1));
		s = str_sub(s, run + 1, s.len);
	}
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static bool is_escape(struct str s)
{
	return s.len >= 3 && s.ptr[0] == '%' && hex_value(s.ptr[1]) >= 0 &&
	       hex_value(s.ptr[2]) >= 0;
}

static bool is_reserved(struct str raw)
{
	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++) {
		if (str_ieq(raw, reserved[i]))
			return true;
	}
	/* Without its s, for which case folding has another letter. */
	return str_istarts(raw, STR("dovecot-keyword"));
}

/* The first character of `s` and its length. */
static size_t next_character(struct str s, ucs4_t *character_r)
{
	int len = u8_mbtoucr(character_r, as_utf8(s), s.len);

	if (len > 0)
		return (size_t)len;
	*character_r = NOT_UTF8;
	return 1;
}

static bool is_forbidden(ucs4_t c)
{
	return c == NOT_UTF8 || c == '/' || c < 0x20 ||
	       (c >= 0x7f && c <= 0x9f);
}

/* Whether `c`, at the front of `s`, may not stand at the component's front. */
static bool is_forbidden_first(ucs4_t c)
{
	return c == '.' || c == '%';
}

static void add_escaped(struct buf *out, struct str bytes)
{
	for (size_t i = 0; i < bytes.len; i++)
		buf_addf(out, "%%%02X", (unsigned char)bytes.ptr[i]);
}

static void escape_nfc(struct str nfc, int how, struct buf *out)
{
	bool first = true;
	bool at_edge = true; /* at the front, or behind an escape */

	while (nfc.len > 0) {
		ucs4_t c;
		size_t len = next_character(nfc, &c);

		at_edge = is_forbidden(c) || is_escape(nfc) ||
			  (first && (how & ESCAPE_FIRST) != 0) ||
			  (first && is_forbidden_first(c)) ||
			  (c == '.' && (how & ESCAPE_DOTS) != 0) ||
			  (at_edge && uc_combining_class(c) != 0);
		if (at_edge)
			add_escaped(out, str_sub(nfc, 0, len));
		else
			buf_add(out, str_sub(nfc, 0, len));
		first = false;
		nfc = str_sub(nfc, len, nfc.len);
	}
}

void mailbox_escape(struct str raw, int how, struct buf *out)
{
	struct buf nfc = {0};

	if (raw.len == 0) {
		buf_addc(out, '%');
		return;
	}
	mailbox_nfc(raw, &nfc);
	if (is_reserved(buf_str(&nfc)))
		how |= ESCAPE_FIRST;
	escape_nfc(buf_str(&nfc), how, out);
	buf_clear(&nfc);
}

void mailbox_unescape(struct str escaped, struct buf *out)
{
	if (str_eq(escaped, STR("%")))
		return;
	while (escaped.len > 0) {
		size_t len = 1;

		if (is_escape(escaped)) {
			len = 3;
			buf_addc(out, (char)(hex_value(escaped.ptr[1]) * 16 +
					      hex_value(escaped.ptr[2])));
		} else {
			buf_addc(out, escaped.ptr[0]);
		}
		escaped = str_sub(escaped, len, escaped.len);
	}
}
