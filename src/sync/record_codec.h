/*
 * Record codec: the few forms that all values of the journal are made of.
 *
 * A varint is a number in groups of seven bits, the lowest first, bit 7 set in
 * each byte but the last, in as few bytes as it takes. A signed number n is the
 * varint of 2n, or of -2n-1 below 0. A string is the varint of its length and
 * its bytes. Keys use fixed-width big-endian numbers instead.
 *
 * Reading keeps its first failure: `bad` stays, what is read after it is 0 or
 * empty, and only the end of a decoder need look.
 */
#ifndef GODWIT_SRC_SYNC_RECORD_CODEC_H
#define GODWIT_SRC_SYNC_RECORD_CODEC_H

#include "godwit/base/bytes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct record_reader {
	struct str rest;
	bool bad;
};

void put_varint(struct buf *value, uint64_t number);
void put_signed(struct buf *value, int64_t number);
void put_string(struct buf *value, struct str s);

/* The next part, which must be at most `max`, or as long. */
uint64_t read_long_varint(struct record_reader *reader, uint64_t max);
static inline uint64_t read_varint(struct record_reader *reader, uint64_t max)
{
	unsigned char first =
		reader->rest.len > 0 ? (unsigned char)*reader->rest.ptr : 0x80;

	if (first >= 0x80 || first > max)
		return read_long_varint(reader, max);
	reader->rest.ptr++; /* most are a byte long */
	reader->rest.len--;
	return first;
}
int64_t read_signed(struct record_reader *reader);
struct str read_string(struct record_reader *reader, size_t len_max);

/* The next `len` bytes. */
struct str read_bytes(struct record_reader *reader, size_t len);

/* The next 4 or 8 bytes, big-endian. */
uint32_t read_be32(struct record_reader *reader);
uint64_t read_be64(struct record_reader *reader);

/* Makes the reader bad unless `cond` holds. */
void read_expect(struct record_reader *reader, bool cond);

/* Whether all was good, and nothing is left. */
bool read_done(const struct record_reader *reader);

/* Writes `number` big-endian to the 4 or 8 bytes at `at`; returns their end. */
char *write_be32(char *at, uint32_t number);
char *write_be64(char *at, uint64_t number);

#endif
