/*
 * How: a value is a format byte and then its fields in the order that
 * godwit-journal(5) gives, by record_codec.h. Encoders check what this program
 * made; decoders expect anything, and reject what an encoder would not have
 * written.
 */
#include "godwit/sync/record.h"

#include "godwit/base/err.h"
#include "godwit/mail/flags.h"
#include "sync/record_codec.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <string.h>

enum {
	/* The first byte of every value that has fields. A field more, or one
	 * of another kind, takes the next number for that table alone. */
	FORMAT = 1,

	/* Bits of a message's marks. */
	MARK_STORED_RAW = 1,

	EMAIL_KEY_BYTES = 8,

	USES = 2 * MAILBOX_USE_TRASH - 1, /* all of enum mailbox_use */
	SERVER_MARKS = 2 * SERVER_MARK_LIMITED - 1,

	UNBOUND_ALL = UNBOUND_TLS_UNIQUE | UNBOUND_TLS_EXPORTER,

	/* Bytes of a tunnel's hash that name it in a fingerprint. */
	TUNNEL_HASH_BYTES = 16,
};

/* Times far beyond the year 9999, so that sums of them never overflow. */
#define SECONDS_MAX ((int64_t)1 << 40)

static void put_format(struct buf *value)
{
	put_varint(value, FORMAT);
}

static struct record_reader read_format(struct str value)
{
	struct record_reader reader = {.rest = value};

	read_expect(&reader, read_varint(&reader, FORMAT) == FORMAT);
	return reader;
}

static uint32_t read_u32(struct record_reader *reader)
{
	return (uint32_t)read_varint(reader, UINT32_MAX);
}

static void put_mailbox_name(struct buf *value, struct str name)
{
	check(name.len <= RECORD_MAILBOX_NAME_BYTES_MAX);
	put_string(value, name);
}

/* A text for people, cut where it is too long, between characters of UTF-8. */
static void put_text(struct buf *value, struct str text, size_t len_max)
{
	size_t len = text.len;

	if (len > len_max) {
		len = len_max;
		while (len > 0 && ((unsigned char)text.ptr[len] & 0xc0) == 0x80)
			len--;
	}
	put_string(value, str_sub(text, 0, len));
}

/* Only a server that breaks RFC 8474 has longer ones, and nothing depends on
 * their being there. */
static void put_object_id(struct buf *value, struct str id)
{
	bool fits = id.len <= RECORD_OBJECT_ID_BYTES_MAX;

	put_string(value, fits ? id : (struct str){0});
}

/* A file's name, or nothing. */
static void put_name(struct buf *value, struct str name)
{
	check(name.len == 0 || record_name_valid(name));
	put_string(value, name);
}

static struct str read_name(struct record_reader *reader)
{
	struct str name = read_string(reader, LIMIT_NAME_BYTES);

	read_expect(reader, name.len == 0 || record_name_valid(name));
	return name;
}

static void put_seconds(struct buf *value, int64_t seconds)
{
	check(seconds >= -SECONDS_MAX && seconds <= SECONDS_MAX);
	put_signed(value, seconds);
}

static int64_t read_seconds(struct record_reader *reader)
{
	int64_t seconds = read_signed(reader);

	read_expect(reader, seconds >= -SECONDS_MAX && seconds <= SECONDS_MAX);
	return reader->bad ? 0 : seconds;
}

static void put_identity(struct buf *value, const struct identity *identity)
{
	put_varint(value, identity->bytes);
	buf_add(value,
		(struct str){.ptr = (const char *)identity->header_sha256,
			.len = sizeof(identity->header_sha256)});
}

static void read_identity(
	struct record_reader *reader, struct identity *identity_r)
{
	struct str sha;

	identity_r->bytes = read_varint(reader, UINT64_MAX);
	sha = read_bytes(reader, sizeof(identity_r->header_sha256));
	if (sha.len == sizeof(identity_r->header_sha256))
		memcpy(identity_r->header_sha256, sha.ptr, sha.len);
}

void number_encode(uint32_t number, struct buf *value)
{
	char bytes[4];

	(void)write_be32(bytes, number);
	buf_add(value, (struct str){.ptr = bytes, .len = sizeof(bytes)});
}

bool number_decode(struct str value, uint32_t *number_r)
{
	struct record_reader reader = {.rest = value};

	*number_r = read_be32(&reader);
	return read_done(&reader);
}

void root_record_encode(const struct root_record *record, struct buf *value)
{
	put_format(value);
	put_varint(value, record->device);
	put_varint(value, record->inode);
}

bool root_record_decode(struct str value, struct root_record *record_r)
{
	struct record_reader reader = read_format(value);

	record_r->device = read_varint(&reader, UINT64_MAX);
	record_r->inode = read_varint(&reader, UINT64_MAX);
	return read_done(&reader);
}

void unbound_record_encode(
	const struct unbound_record *record, struct buf *value)
{
	check(record->bindings > 0 && record->bindings <= UNBOUND_ALL);
	check(record->certificate.len > 0 &&
		record->certificate.len <= RECORD_CERTIFICATE_BYTES_MAX);
	put_format(value);
	put_varint(value, record->bindings);
	put_string(value, record->certificate);
	put_seconds(value, record->until_s);
}

bool unbound_record_decode(struct str value, struct unbound_record *record_r)
{
	struct record_reader reader = read_format(value);

	record_r->bindings = (unsigned)read_varint(&reader, UNBOUND_ALL);
	record_r->certificate =
		read_string(&reader, RECORD_CERTIFICATE_BYTES_MAX);
	record_r->until_s = read_seconds(&reader);
	read_expect(&reader,
		record_r->bindings > 0 && record_r->certificate.len > 0);
	return read_done(&reader);
}

void server_record_encode(const struct server_record *record, struct buf *value)
{
	check((record->marks & ~(uint32_t)SERVER_MARKS) == 0);
	check(record->before.len <= RECORD_CAPS_BYTES_MAX);
	check(record->after.len <= RECORD_CAPS_BYTES_MAX);
	put_format(value);
	put_varint(value, record->address);
	put_varint(value, record->marks);
	put_string(value, record->before);
	put_string(value, record->after);
	put_seconds(value, record->held_s);
	if ((record->marks & SERVER_MARK_LIMITED) == 0)
		return;
	check(record->connections > 0);
	put_varint(value, record->connections);
	put_seconds(value, record->limited_s);
}

bool server_record_decode(struct str value, struct server_record *record_r)
{
	struct record_reader reader = read_format(value);

	record_r->address = read_varint(&reader, UINT64_MAX);
	record_r->marks = (uint32_t)read_varint(&reader, SERVER_MARKS);
	record_r->before = read_string(&reader, RECORD_CAPS_BYTES_MAX);
	record_r->after = read_string(&reader, RECORD_CAPS_BYTES_MAX);
	record_r->held_s = read_seconds(&reader);
	record_r->connections = 0;
	record_r->limited_s = 0;
	if ((record_r->marks & SERVER_MARK_LIMITED) != 0) {
		record_r->connections =
			(uint32_t)read_varint(&reader, UINT32_MAX);
		record_r->limited_s = read_seconds(&reader);
		read_expect(&reader, record_r->connections > 0);
	}
	return read_done(&reader);
}

uint64_t server_address(struct str text)
{
	unsigned char hash[32];
	struct record_reader reader = {
		.rest = {.ptr = (char *)hash, .len = sizeof(hash)}};

	check(gnutls_hash_fast(GNUTLS_DIG_SHA256, text.ptr, text.len, hash) ==
		0);
	return read_be64(&reader);
}

static void fingerprint_tunnel(struct str tunnel, struct buf *text)
{
	unsigned char hash[32];

	check(gnutls_hash_fast(
		      GNUTLS_DIG_SHA256, tunnel.ptr, tunnel.len, hash) == 0);
	buf_addz(text, "tunnel-");
	for (size_t i = 0; i < TUNNEL_HASH_BYTES; i++)
		buf_addf(text, "%02x", hash[i]);
}

void account_fingerprint(
	struct str user, struct str server, struct str tunnel, struct buf *text)
{
	buf_add(text, user);
	buf_addc(text, '@');
	if (server.len == 0) {
		fingerprint_tunnel(tunnel, text);
		return;
	}
	if (str_ends(server, STR(".")))
		server.len--;
	for (size_t i = 0; i < server.len; i++) {
		char c = server.ptr[i];

		if (c >= 'A' && c <= 'Z')
			c = (char)(c + 32);
		buf_addc(text, c);
	}
}

static void put_stamp(struct buf *value, const struct dir_stamp *stamp)
{
	put_varint(value, stamp->inode);
	put_signed(value, stamp->mtime_ns);
	put_signed(value, stamp->ctime_ns);
}

static struct dir_stamp read_stamp(struct record_reader *reader)
{
	struct dir_stamp stamp;

	stamp.inode = read_varint(reader, UINT64_MAX);
	stamp.mtime_ns = read_signed(reader);
	stamp.ctime_ns = read_signed(reader);
	return stamp;
}

void mailbox_record_encode(
	const struct mailbox_record *record, struct buf *value)
{
	check(record->state < MAILBOX_STATES);
	check(record->name.len > 0);
	check((record->special_use & ~(uint32_t)USES) == 0);
	check((record->alike & ~(SIDE_BIT(LOCAL) | SIDE_BIT(REMOTE))) == 0);
	put_format(value);
	put_varint(value, record->state);
	put_mailbox_name(value, record->name);
	put_mailbox_name(value, record->server_name);
	put_mailbox_name(value, record->wire_name);
	put_object_id(value, record->object_id);
	put_varint(value, record->special_use);
	put_varint(value, record->folder_inode);
	put_varint(value, record->uidvalidity);
	put_varint(value, record->uidnext);
	put_varint(value, record->highestmodseq);
	put_varint(value, record->messages);
	put_stamp(value, &record->stamp_cur);
	put_stamp(value, &record->stamp_new);
	put_varint(value, record->policy_hash);
	put_seconds(value, record->settled_s);
	put_varint(value, record->alike);
	put_varint(value, record->files);
	put_varint(value, record->told_modseq);
}

void mailbox_record_unsettle(struct mailbox_record *record)
{
	record->uidnext = 0;
	record->highestmodseq = 0;
	record->messages = 0;
	record->stamp_cur = (struct dir_stamp){0};
	record->stamp_new = (struct dir_stamp){0};
	record->policy_hash = 0;
	record->alike = 0;
	record->files = 0;
	record->told_modseq = 0;
}

bool mailbox_record_decode(struct str value, struct mailbox_record *record_r)
{
	struct record_reader in = read_format(value);
	struct mailbox_record *r = record_r;

	r->state = (enum mailbox_state)read_varint(&in, MAILBOX_STATES - 1);
	r->name = read_string(&in, RECORD_MAILBOX_NAME_BYTES_MAX);
	r->server_name = read_string(&in, RECORD_MAILBOX_NAME_BYTES_MAX);
	r->wire_name = read_string(&in, RECORD_MAILBOX_NAME_BYTES_MAX);
	r->object_id = read_string(&in, RECORD_OBJECT_ID_BYTES_MAX);
	r->special_use = (uint32_t)read_varint(&in, USES);
	r->folder_inode = read_varint(&in, UINT64_MAX);
	r->uidvalidity = read_u32(&in);
	r->uidnext = read_u32(&in);
	r->highestmodseq = read_varint(&in, UINT64_MAX);
	r->messages = read_u32(&in);
	r->stamp_cur = read_stamp(&in);
	r->stamp_new = read_stamp(&in);
	r->policy_hash = read_varint(&in, UINT64_MAX);
	r->settled_s = read_seconds(&in);
	r->alike =
		(unsigned)read_varint(&in, SIDE_BIT(LOCAL) | SIDE_BIT(REMOTE));
	r->files = read_u32(&in);
	r->told_modseq = read_varint(&in, UINT64_MAX);
	read_expect(&in, r->name.len > 0);
	return read_done(&in);
}

/* Keyword ids rise: each is stored as its distance from the least that it can
 * be. */
static void put_keywords(struct buf *value, const struct message_record *record)
{
	unsigned least = 0;

	put_varint(value, record->keyword_count);
	for (size_t i = 0; i < record->keyword_count; i++) {
		unsigned id = record->keywords[i];

		check(id >= least && id < LIMIT_KEYWORDS);
		put_varint(value, id - least);
		least = id + 1;
	}
}

static void read_keywords(struct record_reader *reader, struct arena *arena,
	struct message_record *record)
{
	size_t count = (size_t)read_varint(reader, LIMIT_KEYWORDS);
	unsigned least = 0;
	uint16_t *ids;

	/* Each takes a byte or more: no allocation beyond what is there. */
	read_expect(reader, count <= reader->rest.len);
	if (reader->bad || count == 0)
		return;
	ids = arena_array(arena, count, sizeof(*ids));
	for (size_t i = 0; i < count; i++) {
		unsigned id = least +
			      (unsigned)read_varint(reader, LIMIT_KEYWORDS - 1);

		read_expect(reader, id < LIMIT_KEYWORDS);
		ids[i] = (uint16_t)id;
		least = id + 1;
	}
	record->keywords = ids;
	record->keyword_count = count;
}

/* A string, which is empty where none is known. */
static void put_email_key(struct buf *value, uint64_t key)
{
	char bytes[EMAIL_KEY_BYTES];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(key >> 8 * (sizeof(bytes) - 1 - i));
	put_string(value, (struct str){.ptr = bytes,
				  .len = key != 0 ? sizeof(bytes) : 0});
}

static uint64_t read_email_key(struct record_reader *in)
{
	struct str bytes = read_string(in, EMAIL_KEY_BYTES);
	uint64_t key = 0;

	for (size_t i = 0; i < bytes.len; i++)
		key = key << 8 | (unsigned char)bytes.ptr[i];
	read_expect(in, bytes.len == (key != 0 ? EMAIL_KEY_BYTES : 0));
	return key;
}

void message_record_encode(
	const struct message_record *record, struct buf *value)
{
	check((record->flags & ~(uint32_t)FLAGS_SYSTEM) == 0);
	check(record->name.len > 0);
	put_format(value);
	put_varint(value, record->stored_raw ? MARK_STORED_RAW : 0);
	put_varint(value, record->flags);
	put_keywords(value, record);
	put_name(value, record->name);
	put_identity(value, &record->identity);
	put_seconds(value, record->internaldate_s);
	put_signed(value, record->zone_min);
	put_email_key(value, record->email_key);
}

/* The fields that a merge needs come first. */
static struct record_reader read_message(
	struct str value, struct arena *arena, struct message_record *r)
{
	struct record_reader in = read_format(value);

	*r = (struct message_record){0};
	r->stored_raw = read_varint(&in, MARK_STORED_RAW) == MARK_STORED_RAW;
	r->flags = (uint32_t)read_varint(&in, FLAGS_SYSTEM);
	read_keywords(&in, arena, r);
	r->name = read_name(&in);
	read_expect(&in, r->name.len > 0);
	return in;
}

bool message_record_begin(
	struct str value, struct arena *arena, struct message_record *record_r)
{
	return !read_message(value, arena, record_r).bad;
}

bool message_record_decode(
	struct str value, struct arena *arena, struct message_record *record_r)
{
	struct record_reader in = read_message(value, arena, record_r);
	struct message_record *r = record_r;
	int64_t zone_min;

	read_identity(&in, &r->identity);
	r->internaldate_s = read_seconds(&in);
	zone_min = read_signed(&in);
	read_expect(&in, zone_min >= INT16_MIN && zone_min <= INT16_MAX);
	r->zone_min = (int16_t)zone_min;
	r->email_key = read_email_key(&in);
	return read_done(&in);
}

void intent_record_encode(const struct intent_record *record, struct buf *value)
{
	check(record->kind < INTENT_KINDS);
	check(record->mailbox > 0);
	put_format(value);
	put_varint(value, record->kind);
	put_varint(value, record->mailbox);
	put_varint(value, record->uidvalidity);
	put_varint(value, record->uidnext);
	put_identity(value, &record->identity);
	put_name(value, record->name);
	put_varint(value, record->source_mailbox);
	put_varint(value, record->source_uid);
}

bool intent_record_decode(struct str value, struct intent_record *record_r)
{
	struct record_reader in = read_format(value);
	struct intent_record *r = record_r;

	r->kind = (enum intent_kind)read_varint(&in, INTENT_KINDS - 1);
	r->mailbox = read_u32(&in);
	r->uidvalidity = read_u32(&in);
	r->uidnext = read_u32(&in);
	read_identity(&in, &r->identity);
	r->name = read_name(&in);
	r->source_mailbox = read_u32(&in);
	r->source_uid = read_u32(&in);
	read_expect(&in, r->mailbox > 0);
	return read_done(&in);
}

void trouble_record_encode(
	const struct trouble_record *record, struct buf *value)
{
	check(record->tries > 0);
	put_format(value);
	put_text(value, record->reason, RECORD_TEXT_BYTES_MAX);
	put_varint(value, record->tries);
	put_seconds(value, record->first_s);
	put_seconds(value, record->next_s);
}

bool trouble_record_decode(struct str value, struct trouble_record *record_r)
{
	struct record_reader in = read_format(value);

	record_r->reason = read_string(&in, RECORD_TEXT_BYTES_MAX);
	record_r->tries = read_u32(&in);
	record_r->first_s = read_seconds(&in);
	record_r->next_s = read_seconds(&in);
	read_expect(&in, record_r->tries > 0);
	return read_done(&in);
}

static void put_counts(struct buf *value, const struct history_counts *counts)
{
	put_varint(value, counts->added);
	put_varint(value, counts->removed);
	put_varint(value, counts->moved);
	put_varint(value, counts->copied);
	put_varint(value, counts->flagged);
}

static struct history_counts read_counts(struct record_reader *reader)
{
	struct history_counts counts;

	counts.added = read_varint(reader, UINT64_MAX);
	counts.removed = read_varint(reader, UINT64_MAX);
	counts.moved = read_varint(reader, UINT64_MAX);
	counts.copied = read_varint(reader, UINT64_MAX);
	counts.flagged = read_varint(reader, UINT64_MAX);
	return counts;
}

static void put_end(struct buf *value, const struct history_end *end)
{
	put_varint(value, end->status);
	put_varint(value, end->mailboxes);
	put_varint(value, end->dirty);
	put_counts(value, &end->done[LOCAL]);
	put_counts(value, &end->done[REMOTE]);
	put_varint(value, end->bytes_in);
	put_varint(value, end->bytes_out);
	put_varint(value, end->conflicts);
	put_varint(value, end->errors);
	put_varint(value, end->duration_ms);
}

static struct history_end read_end(struct record_reader *reader)
{
	struct history_end end;

	end.status = read_u32(reader);
	end.mailboxes = read_u32(reader);
	end.dirty = read_u32(reader);
	end.done[LOCAL] = read_counts(reader);
	end.done[REMOTE] = read_counts(reader);
	end.bytes_in = read_varint(reader, UINT64_MAX);
	end.bytes_out = read_varint(reader, UINT64_MAX);
	end.conflicts = read_varint(reader, UINT64_MAX);
	end.errors = read_varint(reader, UINT64_MAX);
	end.duration_ms = read_varint(reader, UINT64_MAX);
	return end;
}

void history_record_encode(
	const struct history_record *record, struct buf *value)
{
	check(record->kind < HISTORY_KINDS);
	check(record->side == LOCAL || record->side == REMOTE);
	put_format(value);
	put_varint(value, record->kind);
	put_varint(value, record->side);
	put_text(value, record->mailbox, RECORD_MAILBOX_NAME_BYTES_MAX);
	put_text(value, record->to, RECORD_MAILBOX_NAME_BYTES_MAX);
	put_varint(value, record->uid);
	put_name(value, record->name);
	put_text(value, record->text, RECORD_TEXT_BYTES_MAX);
	if (record->kind == HISTORY_END)
		put_end(value, &record->end);
}

bool history_record_decode(struct str value, struct history_record *record_r)
{
	struct record_reader in = read_format(value);
	struct history_record *r = record_r;

	*r = (struct history_record){0};
	r->kind = (enum history_kind)read_varint(&in, HISTORY_KINDS - 1);
	r->side = (enum side)read_varint(&in, REMOTE);
	r->mailbox = read_string(&in, RECORD_MAILBOX_NAME_BYTES_MAX);
	r->to = read_string(&in, RECORD_MAILBOX_NAME_BYTES_MAX);
	r->uid = read_u32(&in);
	r->name = read_name(&in);
	r->text = read_string(&in, RECORD_TEXT_BYTES_MAX);
	if (r->kind == HISTORY_END)
		r->end = read_end(&in);
	return read_done(&in);
}
