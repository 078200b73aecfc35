/*
 * Byte strings: a borrowed one (str) and one that grows (buf).
 *
 * Everything that godwit moves about is bytes with a length; a NUL is a byte
 * like any other. `struct str` borrows and is passed by value; `struct buf`
 * owns what it holds. Both are plain data: reading their members is allowed,
 * writing them is for this module. Running out of memory aborts (err.h), so no
 * call here returns an error.
 */
#ifndef GODWIT_BASE_BYTES_H
#define GODWIT_BASE_BYTES_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A borrowed run of bytes. `ptr` may be NULL only where `len` is 0. */
struct str {
	const char *ptr;
	size_t len;
};

/* The str of a string literal. */
#define STR(literal)                                                           \
	((struct str){.ptr = (literal), .len = sizeof(literal) - 1})

/* For printf: ("%.*s", STR_FMT(s)). */
#define STR_FMT(s) (int)(s).len, (s).ptr

/* A buffer that grows. All zeroes is a valid, empty one. */
struct buf {
	char *ptr;
	size_t len;
	size_t cap;
};

/* The str of a NUL-terminated string; of NULL, the empty one. */
struct str str_of(const char *zstring);

/* The part [from, from+len) of `s`; both are clamped to what is there. */
static inline struct str str_sub(struct str s, size_t from, size_t len)
{
	if (from > s.len)
		from = s.len;
	if (len > s.len - from)
		len = s.len - from;
	if (from > 0)
		s.ptr += from;
	s.len = len;
	return s;
}

bool str_eq(struct str a, struct str b);

/* Equal but for the case of ASCII letters (never of others). */
bool str_ieq(struct str a, struct str b);

/* Order by bytes, a prefix first: below 0, 0, above 0. */
int str_cmp(struct str a, struct str b);

bool str_starts(struct str s, struct str prefix);
bool str_istarts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);

/* Index of the first `c` in `s`, or s.len if there is none. */
size_t str_find(struct str s, char c);

/*
 * Takes the part before the first `sep` off the front of *rest (and the sep
 * with it) into *part_r. Returns false when *rest was used up before.
 * Start with rest->ptr not NULL; after the last part rest->ptr is NULL.
 */
bool str_split(struct str *rest, char sep, struct str *part_r);

/* A decimal number without sign, no more digits than fit; false if not one. */
bool str_u64(struct str s, uint64_t *number_r);
bool str_u32(struct str s, uint32_t *number_r);

/* Releases the memory; the buf is empty and usable again. */
void buf_clear(struct buf *b);

/* Overwrites the content with zeroes, then clears: for what held a secret. */
void buf_wipe(struct buf *b);

/* Empties, but keeps the memory. */
void buf_reset(struct buf *b);

/* Makes room for `more` bytes behind the content; returns where they start. */
char *buf_reserve(struct buf *b, size_t more);

/* Counts `n` bytes written at buf_reserve()'s place as content. */
void buf_commit(struct buf *b, size_t n);

void buf_add(struct buf *b, struct str s);
void buf_addz(struct buf *b, const char *zstring);
void buf_addc(struct buf *b, char c);
void buf_addf(struct buf *b, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void buf_addv(struct buf *b, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));

/* Drops `n` bytes from the front. */
void buf_consume(struct buf *b, size_t n);

/* The content, borrowed until the buf is next written. */
struct str buf_str(const struct buf *b);

/* The content as a NUL-terminated string, borrowed likewise. */
const char *buf_z(struct buf *b);

#endif
