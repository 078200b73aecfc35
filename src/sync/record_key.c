/*
 * How: fixed-width big-endian numbers one behind the other, so that memcmp()
 * order is their order and a key's front is a prefix to search by. File names
 * stand in front of a NUL, which they cannot hold.
 */
#include "godwit/base/err.h"
#include "godwit/sync/record.h"
#include "sync/record_codec.h"

#include <string.h>

struct str record_key_str(const struct record_key *key)
{
	return (struct str){.ptr = key->bytes, .len = key->len};
}

const char *journal_table_name(enum journal_table table)
{
	static const char *const name[JOURNAL_TABLES] = {
		[JOURNAL_META] = "meta",
		[JOURNAL_MAILBOX] = "mailbox",
		[JOURNAL_MESSAGE] = "message",
		[JOURNAL_NAME] = "name",
		[JOURNAL_IDENTITY] = "identity",
		[JOURNAL_KEYWORD] = "keyword",
		[JOURNAL_INTENT] = "intent",
		[JOURNAL_TROUBLE] = "trouble",
		[JOURNAL_HISTORY] = "history",
	};

	check((size_t)table < JOURNAL_TABLES);
	return name[table];
}

static void key_add(struct record_key *key, struct str s)
{
	check(s.len <= sizeof(key->bytes) - key->len);
	if (s.len > 0)
		memcpy(key->bytes + key->len, s.ptr, s.len);
	key->len += s.len;
}

static void key_add_be32(struct record_key *key, uint32_t number)
{
	char bytes[4];

	(void)write_be32(bytes, number);
	key_add(key, (struct str){.ptr = bytes, .len = sizeof(bytes)});
}

static void key_add_be64(struct record_key *key, uint64_t number)
{
	char bytes[8];

	(void)write_be64(bytes, number);
	key_add(key, (struct str){.ptr = bytes, .len = sizeof(bytes)});
}

struct record_key mailbox_key(uint32_t mailbox)
{
	struct record_key key = {0};

	check(mailbox > 0);
	key_add_be32(&key, mailbox);
	return key;
}

bool mailbox_key_decode(struct str key, uint32_t *mailbox_r)
{
	struct record_reader reader = {.rest = key};

	*mailbox_r = read_be32(&reader);
	read_expect(&reader, *mailbox_r > 0);
	return read_done(&reader);
}

struct record_key message_key(uint32_t mailbox, uint32_t uid)
{
	struct record_key key = mailbox_key(mailbox);

	check(uid > 0);
	key_add_be32(&key, uid);
	return key;
}

/* A mailbox and a uid, the last parts of a key. */
static bool read_place(
	struct record_reader *reader, uint32_t *mailbox_r, uint32_t *uid_r)
{
	*mailbox_r = read_be32(reader);
	*uid_r = read_be32(reader);
	read_expect(reader, *mailbox_r > 0 && *uid_r > 0);
	return read_done(reader);
}

bool message_key_decode(struct str key, uint32_t *mailbox_r, uint32_t *uid_r)
{
	struct record_reader reader = {.rest = key};

	return read_place(&reader, mailbox_r, uid_r);
}

bool record_name_valid(struct str name)
{
	return name.len > 0 && name.len <= LIMIT_NAME_BYTES &&
	       str_find(name, '/') == name.len &&
	       str_find(name, '\0') == name.len && !str_eq(name, STR(".")) &&
	       !str_eq(name, STR(".."));
}

struct record_key name_prefix(struct str name)
{
	struct record_key key = {0};

	check(record_name_valid(name));
	key_add(&key, name);
	key_add(&key, STR("\0"));
	return key;
}

struct record_key name_key(struct str name, uint32_t mailbox, uint32_t uid)
{
	struct record_key key = name_prefix(name);
	struct record_key place = message_key(mailbox, uid);

	key_add(&key, record_key_str(&place));
	return key;
}

bool name_key_decode(struct str key, struct str *name_r, uint32_t *mailbox_r,
	uint32_t *uid_r)
{
	struct record_reader reader = {.rest = key};

	*name_r = read_bytes(&reader, str_find(key, '\0'));
	read_expect(&reader, record_name_valid(*name_r));
	read_expect(&reader, read_bytes(&reader, 1).len == 1);
	return read_place(&reader, mailbox_r, uid_r);
}

struct record_key identity_size_prefix(uint64_t bytes)
{
	struct record_key key = {0};

	key_add_be64(&key, bytes);
	return key;
}

struct record_key identity_prefix(const struct identity *identity)
{
	struct record_key key = identity_size_prefix(identity->bytes);

	key_add(&key, (struct str){.ptr = (const char *)identity->header_sha256,
			      .len = sizeof(identity->header_sha256)});
	return key;
}

struct record_key identity_key(
	const struct identity *identity, uint32_t mailbox, uint32_t uid)
{
	struct record_key key = identity_prefix(identity);
	struct record_key place = message_key(mailbox, uid);

	key_add(&key, record_key_str(&place));
	return key;
}

bool identity_key_decode(struct str key, struct identity *identity_r,
	uint32_t *mailbox_r, uint32_t *uid_r)
{
	struct record_reader reader = {.rest = key};
	struct str sha;

	identity_r->bytes = read_be64(&reader);
	sha = read_bytes(&reader, sizeof(identity_r->header_sha256));
	if (sha.len == sizeof(identity_r->header_sha256))
		memcpy(identity_r->header_sha256, sha.ptr, sha.len);
	return read_place(&reader, mailbox_r, uid_r);
}

struct record_key keyword_key(uint32_t mailbox, uint16_t keyword)
{
	struct record_key key = mailbox_key(mailbox);
	const char id[2] = {(char)(keyword >> 8), (char)keyword};

	key_add(&key, (struct str){.ptr = id, .len = sizeof(id)});
	return key;
}

bool keyword_key_decode(
	struct str key, uint32_t *mailbox_r, uint16_t *keyword_r)
{
	struct str id = str_sub(key, 4, SIZE_MAX);

	if (!mailbox_key_decode(str_sub(key, 0, 4), mailbox_r) || id.len != 2)
		return false;
	*keyword_r = (uint16_t)((unsigned char)id.ptr[0] << 8 |
				(unsigned char)id.ptr[1]);
	return true;
}

struct record_key intent_key(uint64_t sequence)
{
	struct record_key key = {0};

	key_add_be64(&key, sequence);
	return key;
}

bool intent_key_decode(struct str key, uint64_t *sequence_r)
{
	struct record_reader reader = {.rest = key};

	*sequence_r = read_be64(&reader);
	return read_done(&reader);
}

struct record_key trouble_key_encode(const struct trouble_key *trouble)
{
	struct record_key key = mailbox_key(trouble->mailbox);

	if (trouble->side == REMOTE) {
		check(trouble->name.len == 0);
		key_add(&key, STR("\1"));
		key_add_be32(&key, trouble->uid);
		return key;
	}
	check(trouble->side == LOCAL && trouble->uid == 0);
	check(trouble->name.len == 0 || record_name_valid(trouble->name));
	key_add(&key, STR("\0"));
	key_add(&key, trouble->name);
	return key;
}

bool trouble_key_decode(struct str key, struct trouble_key *trouble_r)
{
	struct record_reader reader = {.rest = str_sub(key, 4, SIZE_MAX)};
	struct str side = read_bytes(&reader, 1);

	*trouble_r = (struct trouble_key){0};
	if (!mailbox_key_decode(str_sub(key, 0, 4), &trouble_r->mailbox))
		return false;
	if (str_eq(side, STR("\1"))) {
		trouble_r->side = REMOTE;
		trouble_r->uid = read_be32(&reader);
		return read_done(&reader);
	}
	trouble_r->side = LOCAL;
	trouble_r->name = read_bytes(&reader, reader.rest.len);
	read_expect(&reader, str_eq(side, STR("\0")));
	read_expect(&reader,
		trouble_r->name.len == 0 || record_name_valid(trouble_r->name));
	return read_done(&reader);
}

struct record_key history_key(uint64_t run_ms, uint32_t sequence)
{
	struct record_key key = {0};

	key_add_be64(&key, run_ms);
	key_add_be32(&key, sequence);
	return key;
}

bool history_key_decode(
	struct str key, uint64_t *run_ms_r, uint32_t *sequence_r)
{
	struct record_reader reader = {.rest = key};

	*run_ms_r = read_be64(&reader);
	*sequence_r = read_be32(&reader);
	read_expect(&reader, *sequence_r < UINT32_MAX);
	return read_done(&reader);
}
