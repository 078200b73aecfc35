/* os/deflate: a stream that is compressed, both ways, against zlib itself. */
#include "godwit/os/deflate.h"

#include "godwit/base/limits.h"

#include "tap.h"

#include <string.h>
#include <zlib.h>

static struct transform client;
static struct buf plain;
static struct err err;

static void begin(void)
{
	struct deflate_port port;

	os_deflate_open(&port);
	port.open(port.ctx, &client);
	buf_reset(&plain);
}

static void end(void)
{
	client.free(&client.ctx);
}

/* Feeds bytes in pieces of `grain`, each with all that it brings. */
static int feed(struct str bytes, size_t grain)
{
	int result = 0;

	while (bytes.len > 0 && result == 0) {
		result = client.from_wire(client.ctx, str_sub(bytes, 0, grain),
			&plain, NULL, &err);
		bytes = str_sub(bytes, grain, bytes.len);
		while (result == 0 && client.pending(client.ctx))
			result = client.from_wire(client.ctx, (struct str){0},
				&plain, NULL, &err);
	}
	return result;
}

/* What zlib makes of a stream that ends with a flush. */
static void unpack(struct str packed, struct buf *to)
{
	z_stream z = {0};

	check(inflateInit2(&z, -15) == Z_OK);
	z.next_in = (Bytef *)packed.ptr;
	z.avail_in = (uInt)packed.len;
	do {
		z.next_out = (Bytef *)buf_reserve(to, 65536);
		z.avail_out = 65536;
		check(inflate(&z, Z_SYNC_FLUSH) == Z_OK);
		buf_commit(to, 65536 - z.avail_out);
	} while (z.avail_in > 0 || z.avail_out == 0);
	check(inflateEnd(&z) == Z_OK);
}

static void pack(struct str bytes, int flush, struct buf *to)
{
	z_stream z = {0};

	check(deflateInit2(&z, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) ==
		Z_OK);
	z.next_in = (Bytef *)bytes.ptr;
	z.avail_in = (uInt)bytes.len;
	do {
		z.next_out = (Bytef *)buf_reserve(to, 65536);
		z.avail_out = 65536;
		check(deflate(&z, flush) != Z_STREAM_ERROR);
		buf_commit(to, 65536 - z.avail_out);
	} while (z.avail_out == 0);
	(void)deflateEnd(&z);
}

/* RFC 1951 3.2.6: fixed codes, and an empty stored block as the flush. */
static void test_vector(size_t grain)
{
	static const struct str hello = {
		"\xf2\x48\xcd\xc9\xc9\x07\x00\x00\x00\xff\xff", 11};

	begin();
	ok(feed(hello, grain) == 0 && str_eq(buf_str(&plain), STR("Hello")),
		"a fixed block is read, %zu bytes at once", grain);
	ok(feed(STR("\x00\x02\x00\xfd\xff\r\n"), grain) == 0 &&
			str_eq(buf_str(&plain), STR("Hello\r\n")),
		"and a stored one");
	end();
}

static void test_round_trip(size_t grain)
{
	struct buf text = {0};
	struct buf packed = {0};
	struct buf again = {0};

	for (unsigned i = 0; text.len < 300000; i++)
		buf_addf(&text, "a%u UID FETCH %u BODY.PEEK[]\r\n", i, i * 7);
	begin();
	pack(buf_str(&text), Z_SYNC_FLUSH, &packed);
	ok(feed(buf_str(&packed), grain) == 0 &&
			str_eq(buf_str(&plain), buf_str(&text)),
		"what zlib has packed is unpacked, %zu bytes at once", grain);
	buf_reset(&packed);
	for (size_t at = 0; at < text.len; at += grain * 100)
		check(client.to_wire(client.ctx,
			      str_sub(buf_str(&text), at, grain * 100), &packed,
			      &err) == 0);
	unpack(buf_str(&packed), &again);
	ok(str_eq(buf_str(&again), buf_str(&text)),
		"and zlib unpacks what is said");
	ok(packed.len < text.len, "which takes less");
	end();
	buf_clear(&text);
	buf_clear(&packed);
	buf_clear(&again);
}

static void test_flush(void)
{
	struct buf packed = {0};
	struct buf said = {0};

	begin();
	for (int i = 0; i < 3; i++) {
		check(client.to_wire(client.ctx, STR("a1 NOOP\r\n"), &packed,
			      &err) == 0);
		buf_reset(&said);
		unpack(buf_str(&packed), &said);
		is_int((intmax_t)said.len, INTMAX_C(9) * (i + 1),
			"each command can be read when it was sent");
	}
	end();
	buf_clear(&packed);
	buf_clear(&said);
}

/* 64 MiB in 64 KiB. */
static void test_bomb(void)
{
	static const size_t bytes = (size_t)64 << 20;
	struct buf zeros = {0};
	struct buf packed = {0};
	size_t most = 0;
	size_t sum = 0;
	struct str given;

	memset(buf_reserve(&zeros, bytes), 0, bytes);
	buf_commit(&zeros, bytes);
	pack(buf_str(&zeros), Z_SYNC_FLUSH, &packed);
	buf_clear(&zeros);
	begin();
	given = buf_str(&packed);
	do {
		buf_reset(&plain);
		check(client.from_wire(client.ctx, given, &plain, NULL, &err) ==
			0);
		given = (struct str){0};
		sum += plain.len;
		most = plain.len > most ? plain.len : most;
	} while (client.pending(client.ctx));
	ok(packed.len < 100000 && sum == bytes, "much in little is unpacked");
	is_int((intmax_t)most, LIMIT_INFLATE_BYTES, "by and by");
	end();
	buf_clear(&packed);
}

static void test_damage(void)
{
	struct buf packed = {0};

	begin();
	ok(feed(STR("* OK hello\r\n"), 1) == -1 && err.cause == ERR_PROTOCOL &&
			strstr(err.text, "compress: off") != NULL,
		"what is not compressed is an error that says what to do");
	end();
	begin();
	pack(STR("* OK hello\r\n"), Z_FINISH, &packed);
	is_int(feed(buf_str(&packed), 1), -1,
		"so is a stream that ends before the connection");
	end();
	buf_clear(&packed);
}

int main(void)
{
	test_vector(1);
	test_vector(100);
	test_round_trip(1);
	test_round_trip(65536);
	test_flush();
	test_bomb();
	test_damage();
	buf_clear(&plain);
	return tap_done();
}
