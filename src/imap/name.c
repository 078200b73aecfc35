/*
 * How: both directions go by code point. Modified UTF-7 is base64 of UTF-16
 * with ',' for '/', without padding, between '&' and '-'; bits are gathered in
 * an accumulator six or sixteen at a time. The decoder accepts only what the
 * encoder would have written, which makes it strict without a list of faults.
 */
#include "godwit/imap/name.h"

#include "godwit/base/err.h"

static const char alphabet[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

/* Takes one code point off the front of *s; false where it is not UTF-8. */
static bool utf8_take(struct str *s, uint32_t *point_r)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	unsigned char lead = (unsigned char)s->ptr[0];
	size_t size = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
	uint32_t point = size == 1 ? lead : lead & (0x7fU >> size);

	if ((lead >= 0x80 && lead < 0xc2) || lead > 0xf4 || size > s->len)
		return false;
	for (size_t i = 1; i < size; i++) {
		unsigned char c = (unsigned char)s->ptr[i];

		if ((c & 0xc0) != 0x80)
			return false;
		point = point << 6 | (c & 0x3f);
	}
	if (point < least[size] || point > 0x10ffff ||
		(point >= 0xd800 && point < 0xe000))
		return false;
	*s = str_sub(*s, size, s->len);
	*point_r = point;
	return true;
}

static void utf8_add(struct buf *out, uint32_t point)
{
	if (point < 0x80) {
		buf_addc(out, (char)point);
		return;
	}
	if (point < 0x800) {
		buf_addc(out, (char)(0xc0 | point >> 6));
	} else {
		if (point < 0x10000) {
			buf_addc(out, (char)(0xe0 | point >> 12));
		} else {
			buf_addc(out, (char)(0xf0 | point >> 18));
			buf_addc(out, (char)(0x80 | (point >> 12 & 0x3f)));
		}
		buf_addc(out, (char)(0x80 | (point >> 6 & 0x3f)));
	}
	buf_addc(out, (char)(0x80 | (point & 0x3f)));
}

bool imap_utf8_valid(struct str s)
{
	uint32_t point;

	while (s.len > 0) {
		if (!utf8_take(&s, &point))
			return false;
	}
	return true;
}

static bool may_travel(uint32_t point)
{
	return point != 0 && point != '\r' && point != '\n';
}

static bool is_direct(uint32_t point)
{
	return point >= 0x20 && point < 0x7f;
}

/* Valid UTF-8 without what no mailbox name can hold. */
static bool is_name(struct str utf8)
{
	uint32_t point;

	while (utf8.len > 0) {
		if (!utf8_take(&utf8, &point) || !may_travel(point))
			return false;
	}
	return true;
}

/* UTF-16 on its way to base64. */
struct shift {
	bool open; /* between '&' and '-' */
	uint32_t bits;
	unsigned count;
};

static void shift_unit(struct shift *shift, uint32_t unit, struct buf *wire)
{
	if (!shift->open)
		buf_addc(wire, '&');
	shift->open = true;
	shift->bits = shift->bits << 16 | unit;
	shift->count += 16;
	while (shift->count >= 6) {
		shift->count -= 6;
		buf_addc(wire, alphabet[shift->bits >> shift->count & 63]);
	}
}

static void shift_close(struct shift *shift, struct buf *wire)
{
	if (!shift->open)
		return;
	if (shift->count > 0)
		buf_addc(
			wire, alphabet[shift->bits << (6 - shift->count) & 63]);
	buf_addc(wire, '-');
	*shift = (struct shift){0};
}

static void shift_point(struct shift *shift, uint32_t point, struct buf *wire)
{
	if (point < 0x10000) {
		shift_unit(shift, point, wire);
		return;
	}
	shift_unit(shift, 0xd800 | (point - 0x10000) >> 10, wire);
	shift_unit(shift, 0xdc00 | ((point - 0x10000) & 0x3ff), wire);
}

static void encode_mutf7(struct str utf8, struct buf *wire)
{
	struct shift shift = {0};
	uint32_t point;

	while (utf8.len > 0) {
		check(utf8_take(&utf8, &point));
		if (!is_direct(point)) {
			shift_point(&shift, point, wire);
			continue;
		}
		shift_close(&shift, wire);
		buf_addc(wire, (char)point);
		if (point == '&')
			buf_addc(wire, '-');
	}
	shift_close(&shift, wire);
}

bool imap_name_encode(struct str utf8, bool utf8_accept, struct buf *wire)
{
	if (!is_name(utf8))
		return false;
	if (utf8_accept)
		buf_add(wire, utf8);
	else
		encode_mutf7(utf8, wire);
	return true;
}

/* Takes the next UTF-16 unit of a shift; 0 when there is none. */
static uint32_t unit_take(struct str *s, struct shift *shift)
{
	while (shift->count < 16 && s->len > 0) {
		size_t value = str_find(str_of(alphabet), s->ptr[0]);

		if (value == 64)
			return 0;
		shift->bits = shift->bits << 6 | (uint32_t)value;
		shift->count += 6;
		*s = str_sub(*s, 1, s->len);
	}
	if (shift->count < 16)
		return 0;
	shift->count -= 16;
	return shift->bits >> shift->count & 0xffff;
}

/* Decodes what stands between '&' and '-', as far as it makes sense. */
static void decode_shift(struct str letters, struct buf *utf8)
{
	struct shift shift = {0};
	uint32_t unit;

	while ((unit = unit_take(&letters, &shift)) != 0) {
		if (unit >= 0xd800 && unit < 0xdc00) {
			uint32_t low = unit_take(&letters, &shift);

			if (low < 0xdc00 || low > 0xdfff)
				return;
			unit = 0x10000 + ((unit & 0x3ff) << 10 | (low & 0x3ff));
		}
		utf8_add(utf8, unit);
	}
}

/* A reading of modified UTF-7 that need not be a right one. */
static void decode_loosely(struct str wire, struct buf *utf8)
{
	while (wire.len > 0) {
		size_t amp = str_find(wire, '&');
		struct str letters;
		size_t minus;

		buf_add(utf8, str_sub(wire, 0, amp));
		if (amp == wire.len)
			return;
		wire = str_sub(wire, amp + 1, wire.len);
		minus = str_find(wire, '-');
		letters = str_sub(wire, 0, minus);
		if (letters.len == 0)
			buf_addc(utf8, '&');
		else
			decode_shift(letters, utf8);
		wire = str_sub(wire, minus + 1, wire.len);
	}
}

/* Reads loosely, then asks whether writing it again gives the same bytes. */
static bool decode_mutf7(struct str wire, struct buf *utf8)
{
	struct buf again = {0};
	size_t before = utf8->len;
	struct str name;
	bool same;

	decode_loosely(wire, utf8);
	name = str_sub(buf_str(utf8), before, utf8->len);
	same = imap_name_encode(name, false, &again) &&
	       str_eq(buf_str(&again), wire);
	buf_clear(&again);
	if (!same)
		utf8->len = before;
	return same;
}

static bool has_8bit(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		if ((unsigned char)s.ptr[i] >= 0x80)
			return true;
	}
	return false;
}

bool imap_name_decode(struct str wire, bool utf8_accept, struct buf *utf8)
{
	if (!utf8_accept && (!has_8bit(wire) || str_find(wire, '&') < wire.len))
		return decode_mutf7(wire, utf8);
	if (!is_name(wire))
		return false;
	buf_add(utf8, wire);
	return true;
}

bool imap_name_is_inbox(struct str name)
{
	return str_ieq(name, STR("INBOX"));
}
