/*
 * How: the stream is read line by line as far as the header goes. The first
 * bytes of a line are held back until they tell whether it is an injected
 * field, mostly one byte; then whole runs up to the LF go to the hash or are
 * counted. A CR is held back until the next byte tells whether it is half of a
 * line end. Small pieces are gathered into a block, since a call of the hash
 * costs more than they do. Past the header only sizes are added up, unless what
 * is alike is asked for: then the body is digested without CRs, with 0x80 for
 * NUL, and with its last line ended.
 */
#include "godwit/mail/identity.h"

#include "godwit/base/err.h"

#include <gnutls/crypto.h>
#include <string.h>

static const struct str injected_fields[] = {
	{"X-TUID:", 7},
	{"X-OfflineIMAP:", IDENTITY_FIELD_BYTES},
};

enum verdict {
	VERDICT_OPEN,     /* more bytes are needed */
	VERDICT_EMPTY,    /* the empty line */
	VERDICT_COUNTED,  /* a field of the message, or no field at all */
	VERDICT_INJECTED, /* a field that another tool put there */
	VERDICT_FOLDED,   /* belongs to the field before it */
};

void identity_init(struct identity_stream *stream)
{
	*stream = (struct identity_stream){0};
	check(gnutls_hash_init(&stream->hash, GNUTLS_DIG_SHA256) == 0);
}

void identity_init_alike(struct identity_stream *stream)
{
	identity_init(stream);
	check(gnutls_hash_init(&stream->body_hash, GNUTLS_DIG_SHA256) == 0);
}

static void hash_now(struct identity_stream *stream, struct str bytes)
{
	if (bytes.len > 0)
		check(gnutls_hash(stream->hash, bytes.ptr, bytes.len) == 0);
}

static void hash_block(struct identity_stream *stream)
{
	hash_now(stream,
		(struct str){.ptr = stream->block, .len = stream->block_bytes});
	stream->block_bytes = 0;
}

static void hash_add(struct identity_stream *stream, struct str bytes)
{
	if (bytes.len > IDENTITY_BLOCK_BYTES - stream->block_bytes)
		hash_block(stream);
	if (bytes.len > IDENTITY_BLOCK_BYTES) {
		hash_now(stream, bytes);
	} else if (bytes.len > 0) {
		memcpy(stream->block + stream->block_bytes, bytes.ptr,
			bytes.len);
		stream->block_bytes += bytes.len;
	}
}

/* More of a line that counts, up to its LF or to where the chunk ends. */
static void line_add(struct identity_stream *stream, struct str bytes)
{
	bool ends = bytes.ptr[bytes.len - 1] == '\n';
	size_t text = bytes.len - ends;

	if (stream->cr_held && text > 0)
		hash_add(stream, STR("\r"));
	if (text > 0) {
		stream->cr_held = bytes.ptr[text - 1] == '\r';
		text -= stream->cr_held;
	}
	hash_add(stream, str_sub(bytes, 0, text));
	if (ends) {
		hash_add(stream, STR("\r\n"));
		stream->cr_held = false;
		stream->state = IDENTITY_START;
	}
}

static void injected_add(struct identity_stream *stream, struct str bytes)
{
	stream->injected_bytes += bytes.len;
	if (bytes.ptr[bytes.len - 1] == '\n')
		stream->state = IDENTITY_START;
}

static enum verdict field_verdict(struct str held)
{
	size_t fields = sizeof(injected_fields) / sizeof(injected_fields[0]);

	for (size_t i = 0; i < fields; i++) {
		struct str field = injected_fields[i];

		if (str_ieq(held, field))
			return VERDICT_INJECTED;
		if (str_istarts(field, held))
			return VERDICT_OPEN;
	}
	return VERDICT_COUNTED;
}

static enum verdict line_verdict(struct str held)
{
	switch (held.ptr[0]) {
	case ' ':
	case '\t':
		return VERDICT_FOLDED;
	case '\n':
		return VERDICT_EMPTY;
	case '\r':
		if (held.len == 1)
			return VERDICT_OPEN;
		return held.ptr[1] == '\n' ? VERDICT_EMPTY : VERDICT_COUNTED;
	default:
		return field_verdict(held);
	}
}

/* The line is known; what was held of it goes where the rest will go. */
static void line_begin(struct identity_stream *stream, enum verdict verdict)
{
	struct str held = {.ptr = stream->held, .len = stream->held_bytes};

	stream->held_bytes = 0;
	if (verdict == VERDICT_EMPTY) {
		stream->state = IDENTITY_BODY;
		return;
	}
	if (verdict != VERDICT_FOLDED)
		stream->field_injected = verdict == VERDICT_INJECTED;
	if (stream->field_injected) {
		stream->state = IDENTITY_INJECTED;
		injected_add(stream, held);
	} else {
		stream->state = IDENTITY_COUNTED;
		line_add(stream, held);
	}
}

static void start_add(struct identity_stream *stream, char c)
{
	enum verdict verdict;

	stream->held[stream->held_bytes++] = c;
	verdict = line_verdict(
		(struct str){.ptr = stream->held, .len = stream->held_bytes});
	if (verdict != VERDICT_OPEN)
		line_begin(stream, verdict);
}

/* ---- Bodies -------------------------------------------------------------- */

static void body_hash(struct identity_stream *stream, struct str bytes)
{
	if (bytes.len == 0)
		return;
	check(gnutls_hash(stream->body_hash, bytes.ptr, bytes.len) == 0);
	stream->body_bytes += bytes.len;
	stream->body_line_open = bytes.ptr[bytes.len - 1] != '\n';
}

static void body_add(struct identity_stream *stream, struct str bytes)
{
	char folded[IDENTITY_BLOCK_BYTES];
	size_t count = 0;

	for (size_t i = 0; i < bytes.len; i++) {
		if (bytes.ptr[i] == '\r')
			continue;
		folded[count] = bytes.ptr[i];
		if (folded[count] == '\0')
			folded[count] = '\x80';
		count++;
		if (count == sizeof(folded)) {
			body_hash(stream, (struct str){folded, count});
			count = 0;
		}
	}
	body_hash(stream, (struct str){folded, count});
}

/* ---- Streams ------------------------------------------------------------- */

void identity_feed(struct identity_stream *stream, struct str bytes)
{
	stream->fed_bytes += bytes.len;
	while (bytes.len > 0 && stream->state != IDENTITY_BODY) {
		size_t n = 1;

		if (stream->state == IDENTITY_START) {
			start_add(stream, bytes.ptr[0]);
		} else {
			n = str_find(bytes, '\n');
			n += n < bytes.len;
			if (stream->state == IDENTITY_COUNTED)
				line_add(stream, str_sub(bytes, 0, n));
			else
				injected_add(stream, str_sub(bytes, 0, n));
		}
		bytes = str_sub(bytes, n, bytes.len);
	}
	if (stream->body_hash != NULL)
		body_add(stream, bytes);
}

static void finish(struct identity_stream *stream, uint64_t bytes,
	struct identity *identity_r)
{
	if (stream->state == IDENTITY_START && stream->held_bytes > 0)
		line_begin(stream, VERDICT_COUNTED);
	if (stream->cr_held)
		hash_add(stream, STR("\r"));
	if (stream->state == IDENTITY_COUNTED)
		hash_add(stream, STR("\r\n"));
	hash_add(stream, STR("\r\n"));
	hash_block(stream);
	if (bytes < stream->injected_bytes)
		bytes = stream->injected_bytes;
	identity_r->bytes = bytes - stream->injected_bytes;
	gnutls_hash_deinit(stream->hash, identity_r->header_sha256);
	stream->hash = NULL;
}

bool identity_only_counts(const struct identity_stream *stream)
{
	return stream->state == IDENTITY_BODY && stream->body_hash == NULL;
}

void identity_count(struct identity_stream *stream, uint64_t bytes)
{
	check(identity_only_counts(stream));
	stream->fed_bytes += bytes;
}

void identity_finish(
	struct identity_stream *stream, struct identity *identity_r)
{
	finish(stream, stream->fed_bytes, identity_r);
}

void identity_finish_alike(struct identity_stream *stream,
	struct identity *identity_r, struct identity *alike_r)
{
	unsigned char both[2 * IDENTITY_HASH_BYTES];

	if (stream->body_line_open)
		body_hash(stream, STR("\n"));
	gnutls_hash_deinit(stream->body_hash, both + IDENTITY_HASH_BYTES);
	stream->body_hash = NULL;
	alike_r->bytes = stream->body_bytes;
	identity_finish(stream, identity_r);
	memcpy(both, identity_r->header_sha256, IDENTITY_HASH_BYTES);
	check(gnutls_hash_fast(GNUTLS_DIG_SHA256, both, sizeof(both),
		      alike_r->header_sha256) == 0);
}

void identity_finish_header(struct identity_stream *stream,
	uint64_t rfc822_size, struct identity *identity_r)
{
	finish(stream, rfc822_size, identity_r);
}

void identity_clear(struct identity_stream *stream)
{
	if (stream->hash != NULL)
		gnutls_hash_deinit(stream->hash, NULL);
	if (stream->body_hash != NULL)
		gnutls_hash_deinit(stream->body_hash, NULL);
	stream->hash = NULL;
	stream->body_hash = NULL;
}

void identity_of_header(
	struct str header, uint64_t rfc822_size, struct identity *identity_r)
{
	struct identity_stream stream;

	identity_init(&stream);
	identity_feed(&stream, header);
	identity_finish_header(&stream, rfc822_size, identity_r);
}

uint64_t identity_email_key(struct str email_id)
{
	unsigned char hash[IDENTITY_HASH_BYTES];
	uint64_t key = 0;

	check(gnutls_hash_fast(GNUTLS_DIG_SHA256, email_id.ptr, email_id.len,
		      hash) == 0);
	for (size_t i = 0; i < sizeof(key); i++)
		key = key << 8 | hash[i];
	return key != 0 ? key : 1;
}

int identity_cmp(const struct identity *a, const struct identity *b)
{
	if (a->bytes != b->bytes)
		return a->bytes < b->bytes ? -1 : 1;
	return memcmp(
		a->header_sha256, b->header_sha256, sizeof(a->header_sha256));
}
