/*
 * How: two zlib streams, raw, without header or checksum. Bytes that came and
 * were not inflated yet wait in a buffer; zlib holds what it has not written
 * out for want of room, which a full step tells.
 */
#include "godwit/os/deflate.h"

#include "godwit/base/limits.h"

#include <stdlib.h>
#include <zlib.h>

enum {
	RAW_WINDOW_BITS = -15, /* negative: no zlib header */
	MEMORY_LEVEL = 8,
	CHUNK_BYTES = 64 << 10,
};

struct deflate {
	z_stream in;
	z_stream out;
	struct buf waiting; /* of the wire, from `used` on */
	size_t used;
	bool is_full; /* the last step ended for its limit */
};

static int damaged(struct err *err)
{
	return err_set(err, ERR_ACCOUNT, ERR_LATER, ERR_PROTOCOL,
		"what the server sends cannot be decompressed; set `compress: "
		"off` if that happens again");
}

/* Inflates into one chunk. 1: there may be more; 0: there is none; -1: err. */
static int inflate_chunk(
	struct deflate *deflate, struct buf *plain, struct err *err)
{
	z_stream *z = &deflate->in;
	size_t left = deflate->waiting.len - deflate->used;
	uInt given = left < CHUNK_BYTES ? (uInt)left : CHUNK_BYTES;
	int result;

	z->next_in = (Bytef *)deflate->waiting.ptr + deflate->used;
	z->avail_in = given;
	z->next_out = (Bytef *)buf_reserve(plain, CHUNK_BYTES);
	z->avail_out = CHUNK_BYTES;
	result = inflate(z, Z_SYNC_FLUSH);
	deflate->used += given - z->avail_in;
	buf_commit(plain, CHUNK_BYTES - z->avail_out);
	/* Z_BUF_ERROR: nothing could be done, which is no fault. */
	if (result != Z_OK && result != Z_BUF_ERROR)
		return damaged(err);
	return z->avail_out == 0 || deflate->used < deflate->waiting.len;
}

static int deflate_from_wire(void *ctx, struct str bytes, struct buf *plain,
	struct buf *wire, struct err *err)
{
	struct deflate *deflate = ctx;
	size_t before = plain->len;
	int more = 1;

	(void)wire;
	buf_add(&deflate->waiting, bytes);
	while (more > 0 && plain->len - before < LIMIT_INFLATE_BYTES)
		more = inflate_chunk(deflate, plain, err);
	deflate->is_full = more > 0;
	if (deflate->used == deflate->waiting.len) {
		buf_reset(&deflate->waiting);
		deflate->used = 0;
	}
	return more < 0 ? -1 : 0;
}

static int deflate_to_wire(
	void *ctx, struct str plain, struct buf *wire, struct err *err)
{
	struct deflate *state = ctx;
	z_stream *z = &state->out;

	(void)err;
	z->next_in = (Bytef *)plain.ptr;
	z->avail_in = (uInt)plain.len;
	check(z->avail_in == plain.len);
	do {
		z->next_out = (Bytef *)buf_reserve(wire, CHUNK_BYTES);
		z->avail_out = CHUNK_BYTES;
		check(deflate(z, Z_SYNC_FLUSH) != Z_STREAM_ERROR);
		buf_commit(wire, CHUNK_BYTES - z->avail_out);
	} while (z->avail_out == 0);
	return 0;
}

static bool always(void *ctx)
{
	return ctx != NULL;
}

static bool never(void *ctx)
{
	return ctx == NULL;
}

static bool deflate_pending(void *ctx)
{
	return ((struct deflate *)ctx)->is_full;
}

static int deflate_binding(
	void *ctx, enum channel_binding kind, struct buf *data)
{
	(void)ctx;
	(void)kind;
	(void)data;
	return -1;
}

static void deflate_add_nothing(void *ctx, struct buf *wire)
{
	(void)ctx;
	(void)wire;
}

static void deflate_free(void **ctx)
{
	struct deflate *deflate = *ctx;

	*ctx = NULL;
	if (deflate == NULL)
		return;
	(void)inflateEnd(&deflate->in);
	(void)deflateEnd(&deflate->out);
	buf_clear(&deflate->waiting);
	free(deflate);
}

static void deflate_open(void *ctx, struct transform *transform_r)
{
	struct deflate *deflate = calloc(1, sizeof(*deflate));

	(void)ctx;
	check(deflate != NULL);
	check(inflateInit2(&deflate->in, RAW_WINDOW_BITS) == Z_OK);
	check(deflateInit2(&deflate->out, Z_DEFAULT_COMPRESSION, Z_DEFLATED,
		      RAW_WINDOW_BITS, MEMORY_LEVEL,
		      Z_DEFAULT_STRATEGY) == Z_OK);
	*transform_r = (struct transform){
		.ctx = deflate,
		.from_wire = deflate_from_wire,
		.to_wire = deflate_to_wire,
		.ready = always,
		.pending = deflate_pending,
		.resumes = never,
		.closed = never,
		.binding = deflate_binding,
		.describe = deflate_add_nothing,
		.finish = deflate_add_nothing,
		.free = deflate_free,
	};
}

void os_deflate_open(struct deflate_port *port_r)
{
	*port_r = (struct deflate_port){.open = deflate_open};
}
