/*
 * How: reading takes from the front of a borrowed str. Every length is compared
 * with what is left before it is used, and a varint that could be shorter is as
 * bad as one that is cut, so that no two byte strings mean the same.
 */
#include "sync/record_codec.h"

enum {
	VARINT_BYTES_MAX = 10, /* 64 bits in groups of 7 */
};

void put_varint(struct buf *value, uint64_t number)
{
	while (number >= 0x80) {
		buf_addc(value, (char)(number | 0x80));
		number >>= 7;
	}
	buf_addc(value, (char)number);
}

void put_signed(struct buf *value, int64_t number)
{
	uint64_t twice = (uint64_t)number << 1;

	put_varint(value, number < 0 ? ~twice : twice);
}

void put_string(struct buf *value, struct str s)
{
	put_varint(value, s.len);
	buf_add(value, s);
}

void read_expect(struct record_reader *reader, bool cond)
{
	if (!cond) {
		reader->bad = true;
		reader->rest = (struct str){0};
	}
}

bool read_done(const struct record_reader *reader)
{
	return !reader->bad && reader->rest.len == 0;
}

struct str read_bytes(struct record_reader *reader, size_t len)
{
	struct str part = {.ptr = reader->rest.ptr, .len = len};

	if (len > reader->rest.len) {
		read_expect(reader, false);
		return reader->rest;
	}
	reader->rest = str_sub(reader->rest, len, SIZE_MAX);
	return part;
}

/* How many bytes the varint at the front has, or 0 if it is cut or too long. */
static size_t varint_bytes(struct str s)
{
	for (size_t i = 0; i < s.len && i < VARINT_BYTES_MAX; i++) {
		if (((unsigned char)s.ptr[i] & 0x80) == 0)
			return i + 1;
	}
	return 0;
}

uint64_t read_long_varint(struct record_reader *reader, uint64_t max)
{
	size_t len = varint_bytes(reader->rest);
	struct str part = read_bytes(reader, len);
	uint64_t number = 0;
	unsigned char last;

	read_expect(reader, len > 0);
	if (reader->bad)
		return 0;
	last = (unsigned char)part.ptr[len - 1];
	read_expect(reader, len == 1 || last > 0);
	read_expect(reader, len < VARINT_BYTES_MAX || last == 1);
	for (size_t i = 0; i < len; i++)
		number |= (uint64_t)(part.ptr[i] & 0x7f) << (7 * i);
	read_expect(reader, number <= max);
	return reader->bad ? 0 : number;
}

int64_t read_signed(struct record_reader *reader)
{
	uint64_t zigzag = read_varint(reader, UINT64_MAX);
	int64_t half = (int64_t)(zigzag >> 1);

	return (zigzag & 1) != 0 ? -half - 1 : half;
}

struct str read_string(struct record_reader *reader, size_t len_max)
{
	return read_bytes(reader, (size_t)read_varint(reader, len_max));
}

uint32_t read_be32(struct record_reader *reader)
{
	struct str part = read_bytes(reader, 4);
	uint32_t number = 0;

	for (size_t i = 0; i < part.len; i++)
		number = number << 8 | (unsigned char)part.ptr[i];
	return part.len < 4 ? 0 : number;
}

uint64_t read_be64(struct record_reader *reader)
{
	uint64_t high = read_be32(reader);

	return high << 32 | read_be32(reader);
}

char *write_be32(char *at, uint32_t number)
{
	for (int shift = 24; shift >= 0; shift -= 8)
		*at++ = (char)(number >> shift);
	return at;
}

char *write_be64(char *at, uint64_t number)
{
	return write_be32(
		write_be32(at, (uint32_t)(number >> 32)), (uint32_t)number);
}
