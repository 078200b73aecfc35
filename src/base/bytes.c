/*
 * How: a buf doubles its memory from 64 bytes up, so that adding is amortised
 * O(1); consuming moves the rest to the front, which suits buffers that are
 * mostly drained whole.
 */
#include "godwit/base/bytes.h"

#include "godwit/base/err.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char ascii_lower(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (char)(c - 'A' + 'a');
	return c;
}

struct str str_of(const char *zstring)
{
	if (zstring == NULL)
		return (struct str){0};
	return (struct str){.ptr = zstring, .len = strlen(zstring)};
}

bool str_eq(struct str a, struct str b)
{
	return a.len == b.len && (a.len == 0 || !memcmp(a.ptr, b.ptr, a.len));
}

bool str_ieq(struct str a, struct str b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++) {
		if (ascii_lower(a.ptr[i]) != ascii_lower(b.ptr[i]))
			return false;
	}
	return true;
}

int str_cmp(struct str a, struct str b)
{
	size_t common = a.len < b.len ? a.len : b.len;
	int order = common == 0 ? 0 : memcmp(a.ptr, b.ptr, common);

	if (order != 0)
		return order;
	return (a.len > b.len) - (a.len < b.len);
}

bool str_starts(struct str s, struct str prefix)
{
	return s.len >= prefix.len && str_eq(str_sub(s, 0, prefix.len), prefix);
}

bool str_istarts(struct str s, struct str prefix)
{
	return s.len >= prefix.len &&
	       str_ieq(str_sub(s, 0, prefix.len), prefix);
}

bool str_ends(struct str s, struct str suffix)
{
	return s.len >= suffix.len &&
	       str_eq(str_sub(s, s.len - suffix.len, suffix.len), suffix);
}

size_t str_find(struct str s, char c)
{
	const char *at = s.len == 0 ? NULL : memchr(s.ptr, c, s.len);

	return at == NULL ? s.len : (size_t)(at - s.ptr);
}

bool str_split(struct str *rest, char sep, struct str *part_r)
{
	size_t at;

	if (rest->ptr == NULL)
		return false;
	at = str_find(*rest, sep);
	*part_r = str_sub(*rest, 0, at);
	if (at == rest->len)
		*rest = (struct str){0};
	else
		*rest = str_sub(*rest, at + 1, rest->len);
	return true;
}

bool str_u64(struct str s, uint64_t *number_r)
{
	uint64_t number = 0;

	if (s.len == 0)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		unsigned digit = (unsigned char)s.ptr[i] - (unsigned)'0';

		if (digit > 9 || number > (UINT64_MAX - digit) / 10)
			return false;
		number = number * 10 + digit;
	}
	*number_r = number;
	return true;
}

bool str_u32(struct str s, uint32_t *number_r)
{
	uint64_t number;

	if (!str_u64(s, &number) || number > UINT32_MAX)
		return false;
	*number_r = (uint32_t)number;
	return true;
}

void buf_clear(struct buf *b)
{
	free(b->ptr);
	*b = (struct buf){0};
}

void buf_wipe(struct buf *b)
{
	if (b->ptr != NULL)
		explicit_bzero(b->ptr, b->cap);
	buf_clear(b);
}

void buf_reset(struct buf *b)
{
	b->len = 0;
}

char *buf_reserve(struct buf *b, size_t more)
{
	size_t cap = b->cap == 0 ? 64 : b->cap;

	check(more <= SIZE_MAX / 4 - b->len);
	while (cap < b->len + more)
		cap *= 2;
	if (cap != b->cap) {
		char *moved = realloc(b->ptr, cap);

		check(moved != NULL);
		b->ptr = moved;
		b->cap = cap;
	}
	return b->ptr + b->len;
}

void buf_commit(struct buf *b, size_t n)
{
	check(n <= b->cap - b->len);
	b->len += n;
}

void buf_add(struct buf *b, struct str s)
{
	if (s.len == 0)
		return;
	memcpy(buf_reserve(b, s.len), s.ptr, s.len);
	buf_commit(b, s.len);
}

void buf_addz(struct buf *b, const char *zstring)
{
	buf_add(b, str_of(zstring));
}

void buf_addc(struct buf *b, char c)
{
	*buf_reserve(b, 1) = c;
	buf_commit(b, 1);
}

void buf_addf(struct buf *b, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	buf_addv(b, format, args);
	va_end(args);
}

void buf_addv(struct buf *b, const char *format, va_list args)
{
	va_list again;
	int need;

	va_copy(again, args);
	need = vsnprintf(NULL, 0, format, again);
	va_end(again);
	check(need >= 0);
	(void)buf_reserve(b, (size_t)need + 1);
	check(vsnprintf(b->ptr + b->len, (size_t)need + 1, format, args) ==
		need);
	buf_commit(b, (size_t)need);
}

void buf_consume(struct buf *b, size_t n)
{
	check(n <= b->len);
	b->len -= n;
	if (b->len > 0)
		memmove(b->ptr, b->ptr + n, b->len);
}

struct str buf_str(const struct buf *b)
{
	return (struct str){.ptr = b->ptr, .len = b->len};
}

const char *buf_z(struct buf *b)
{
	*buf_reserve(b, 1) = '\0';
	return b->ptr;
}
