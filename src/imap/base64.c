/*
 * How: three bytes to four letters and back, by shifts. Decoding works in the
 * room that it appended and takes it back when the text turns out to be wrong.
 */
#include "godwit/imap/base64.h"

static const char alphabet[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static uint32_t byte_at(struct str s, size_t at)
{
	return at < s.len ? (unsigned char)s.ptr[at] : 0;
}

void imap_base64_encode(struct str bytes, struct buf *out)
{
	for (size_t i = 0; i < bytes.len; i += 3) {
		uint32_t three = byte_at(bytes, i) << 16 |
				 byte_at(bytes, i + 1) << 8 |
				 byte_at(bytes, i + 2);
		size_t left = bytes.len - i;
		char four[4] = {
			alphabet[three >> 18],
			alphabet[three >> 12 & 63],
			alphabet[three >> 6 & 63],
			alphabet[three & 63],
		};

		if (left < 2)
			four[2] = '=';
		if (left < 3)
			four[3] = '=';
		buf_add(out, (struct str){.ptr = four, .len = 4});
	}
}

static int letter_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+')
		return 62;
	return c == '/' ? 63 : -1;
}

static bool decode_group(struct str four, size_t pad, struct buf *out)
{
	uint32_t three = 0;

	for (size_t i = 0; i < 4; i++) {
		int value = i < 4 - pad ? letter_value(four.ptr[i]) : 0;

		if (value < 0)
			return false;
		three = three << 6 | (uint32_t)value;
	}
	if ((three & ((1U << (8 * pad)) - 1)) != 0)
		return false; /* bits that belong to no byte */
	for (size_t i = 0; i < 3 - pad; i++)
		buf_addc(out, (char)(three >> (16 - 8 * i) & 0xff));
	return true;
}

bool imap_base64_decode(struct str text, struct buf *out)
{
	size_t before = out->len;

	if (text.len % 4 != 0)
		return false;
	for (size_t i = 0; i < text.len; i += 4) {
		struct str four = str_sub(text, i, 4);
		size_t pad = 0;

		if (i + 4 == text.len)
			pad = str_ends(four, STR("=="))  ? 2
			      : str_ends(four, STR("=")) ? 1
							 : 0;
		if (!decode_group(four, pad, out)) {
			out->len = before;
			return false;
		}
	}
	return true;
}
