/* sync/record: the journal's records as bytes, and hostile bytes as records. */
#include "godwit/sync/record.h"

#include "godwit/base/err.h"
#include "godwit/mail/flags.h"
#include "recode.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>

static bool recodes(enum recode_kind kind, struct str bytes)
{
	return recode(kind, bytes) == RECODE_SAME;
}

/* A copy on the heap of just its size, so that sanitizers see every overread.
 */
static bool refuses(enum recode_kind kind, struct str bytes)
{
	char *exact = malloc(bytes.len == 0 ? 1 : bytes.len);
	bool refused;

	check(exact != NULL);
	if (bytes.len > 0)
		memcpy(exact, bytes.ptr, bytes.len);
	refused =
		recode(kind, (struct str){exact, bytes.len}) == RECODE_REFUSED;
	free(exact);
	return refused;
}

/* Every byte by every other value: refused, or another record in its only
 * form. */
static bool survives_changes(enum recode_kind kind, struct str value)
{
	struct buf changed = {0};
	bool good = true;

	buf_add(&changed, value);
	for (size_t i = 0; i < value.len; i++) {
		for (int by = 1; by < 256; by++) {
			struct str s = buf_str(&changed);

			changed.ptr[i] = (char)(value.ptr[i] ^ by);
			if (!refuses(kind, s) && !recodes(kind, s))
				good = false;
		}
		changed.ptr[i] = value.ptr[i];
	}
	buf_clear(&changed);
	return good;
}

static void test_value(
	const char *what, enum recode_kind kind, struct str value)
{
	struct buf longer = {0};
	size_t cut = 0;

	ok(recodes(kind, value), "%s comes back as it was", what);
	while (cut < value.len && refuses(kind, str_sub(value, 0, cut)))
		cut++;
	is_int((intmax_t)cut, (intmax_t)value.len,
		"%s that is cut anywhere is refused", what);
	buf_add(&longer, value);
	buf_addc(&longer, '\0');
	ok(refuses(kind, buf_str(&longer)),
		"%s with a byte behind it is refused", what);
	ok(survives_changes(kind, value),
		"%s with any byte changed is refused or another one", what);
	buf_clear(&longer);
}

static const struct identity some_identity = {
	.bytes = 123456,
	.header_sha256 = {0xff, 1, 2, 3, 0x80, 5},
};

static void test_root(void)
{
	struct root_record record = {.device = 0x801, .inode = UINT64_MAX};
	struct root_record back;
	struct buf value = {0};

	root_record_encode(&record, &value);
	ok(root_record_decode(buf_str(&value), &back) &&
			back.device == record.device &&
			back.inode == record.inode,
		"the root keeps device and inode");
	test_value("the root", RECODE_ROOT, buf_str(&value));
	buf_clear(&value);
}

static void test_unbound(void)
{
	struct unbound_record record = {.bindings = UNBOUND_TLS_EXPORTER,
		.certificate = STR("\0some hash"),
		.until_s = 1700000000};
	struct unbound_record back;
	struct buf value = {0};

	unbound_record_encode(&record, &value);
	ok(unbound_record_decode(buf_str(&value), &back) &&
			back.bindings == record.bindings &&
			str_eq(back.certificate, record.certificate) &&
			back.until_s == record.until_s,
		"refused bindings keep which, whose and how long");
	test_value("refused bindings", RECODE_UNBOUND, buf_str(&value));
	buf_clear(&value);
	ok(!unbound_record_decode(STR("\1\0\1x\0"), &back) &&
			!unbound_record_decode(STR("\1\4\1x\0"), &back),
		"none, or unknown ones, are damage");
	ok(!unbound_record_decode(STR("\1\2\0\0"), &back),
		"and so are those of no certificate");
}

static void test_server(void)
{
	struct server_record record = {
		.address = server_address(STR("u@host:993 implicit")),
		.marks = SERVER_MARK_BEFORE | SERVER_MARK_LOGIN_TELLS,
		.before = STR("IMAP4rev1 AUTH=PLAIN"),
		.after = STR(""),
		.held_s = 1700000000,
	};
	struct server_record back;
	struct buf value = {0};

	server_record_encode(&record, &value);
	ok(server_record_decode(buf_str(&value), &back) &&
			back.address == record.address &&
			back.marks == record.marks &&
			str_eq(back.before, record.before) &&
			back.after.len == 0 && back.held_s == record.held_s,
		"the server keeps what it could");
	test_value("the server", RECODE_SERVER, buf_str(&value));
	is_int(back.connections, 0, "which granted any number of connections");
	buf_reset(&value);
	record.marks |= SERVER_MARK_LIMITED;
	record.connections = 3;
	record.limited_s = 1700000001;
	server_record_encode(&record, &value);
	ok(server_record_decode(buf_str(&value), &back) &&
			back.held_s == record.held_s && back.connections == 3 &&
			back.limited_s == record.limited_s,
		"or how many it did, and when");
	test_value("a server with a limit", RECODE_SERVER, buf_str(&value));
	buf_clear(&value);
	ok(server_address(STR("u@host:993 implicit")) !=
			server_address(STR("u@host:143 off")),
		"and how it was reached");
	ok(!server_record_decode(STR("\1\0\x40\0\0\0"), &back),
		"a mark that is not known is refused");
	ok(!server_record_decode(STR("\1\0\x20\0\0\0\0\0"), &back) &&
			server_record_decode(STR("\1\0\x20\0\0\0\1\0"), &back),
		"and a limit of none");
	ok(server_record_decode(STR("\1\0\x1f\0\0\0"), &back),
		"but not those that are");
}

static struct mailbox_record some_mailbox(void)
{
	return (struct mailbox_record){
		.state = MAILBOX_DETACHED_LOCAL_GONE,
		.name = STR("Ablage/Caf\xc3\xa9"),
		.server_name = STR("Ablage.Caf\xc3\xa9"),
		.wire_name = STR("Ablage.Caf&AOk-"),
		.object_id = STR("F2212ea87-6097-4256-9d51-71338625"),
		.special_use = MAILBOX_USE_ARCHIVE | MAILBOX_USE_TRASH,
		.folder_inode = 98765432109,
		.uidvalidity = 1700000000,
		.uidnext = UINT32_MAX,
		.highestmodseq = INT64_MAX,
		.messages = 128,
		.stamp_cur = {77, 1700000000123456789, -1},
		.stamp_new = {78, INT64_MIN, INT64_MAX},
		.policy_hash = 0x8000000000000001,
		.settled_s = 1700000001,
		.alike = SIDE_BIT(REMOTE),
		.told_modseq = UINT64_MAX,
	};
}

static void test_mailbox(void)
{
	struct mailbox_record record = some_mailbox();
	struct mailbox_record back;
	struct buf value = {0};

	mailbox_record_encode(&record, &value);
	ok(mailbox_record_decode(buf_str(&value), &back),
		"a mailbox can be read");
	is_int(back.state, MAILBOX_DETACHED_LOCAL_GONE, "it keeps its state");
	is_str(back.name, record.name, "it keeps its local name");
	is_str(back.server_name, record.server_name, "its name on the server");
	is_str(back.wire_name, record.wire_name, "and on the wire");
	is_str(back.object_id, record.object_id, "it keeps its MAILBOXID");
	is_int(back.uidnext, UINT32_MAX, "it keeps the largest UIDNEXT");
	ok(back.stamp_new.mtime_ns == INT64_MIN &&
			back.stamp_new.ctime_ns == INT64_MAX &&
			back.stamp_cur.ctime_ns == -1,
		"stamps of all times are kept");
	ok(back.policy_hash == record.policy_hash,
		"hashes of 64 bits are kept");
	ok(back.alike == SIDE_BIT(REMOTE) && back.told_modseq == UINT64_MAX,
		"it keeps which side was alike, and what was told");
	mailbox_record_unsettle(&back);
	ok(back.uidvalidity == record.uidvalidity && back.uidnext == 0 &&
			back.highestmodseq == 0 && back.alike == 0 &&
			back.stamp_cur.inode == 0 && back.policy_hash == 0,
		"unsettled, it vouches for nothing but its UIDVALIDITY");
	test_value("a mailbox", RECODE_MAILBOX, buf_str(&value));

	record = (struct mailbox_record){.name = STR("INBOX")};
	buf_reset(&value);
	mailbox_record_encode(&record, &value);
	ok(recodes(RECODE_MAILBOX, buf_str(&value)),
		"a mailbox never settled comes back as it was");
	buf_clear(&value);
}

static void test_object_id_too_long(void)
{
	char id[RECORD_OBJECT_ID_BYTES_MAX + 1];
	struct mailbox_record record = {.name = STR("INBOX"),
		.object_id = {.ptr = id, .len = sizeof(id)}};
	struct buf value = {0};

	memset(id, 'x', sizeof(id));
	mailbox_record_encode(&record, &value);
	ok(mailbox_record_decode(buf_str(&value), &record),
		"a mailbox whose MAILBOXID is too long can be written");
	is_int((intmax_t)record.object_id.len, 0, "the MAILBOXID is left out");
	buf_clear(&value);
}

static struct message_record some_message(void)
{
	static const uint16_t keywords[] = {0, 1, 7, LIMIT_KEYWORDS - 1};

	return (struct message_record){
		.flags = FLAG_SEEN | FLAG_FORWARDED,
		.keywords = keywords,
		.keyword_count = 4,
		.name = STR("abcdefgh.godwit,S=4096"),
		.identity = some_identity,
		.internaldate_s = -86400,
		.zone_min = -570,
		.stored_raw = true,
		.email_key = 1278455344230334865,
	};
}

static void test_message(void)
{
	struct message_record record = some_message();
	struct message_record back = {0};
	struct arena arena = {0};
	struct buf value = {0};

	message_record_encode(&record, &value);
	ok(message_record_decode(buf_str(&value), &arena, &back),
		"a message can be read");
	is_int(back.flags, FLAG_SEEN | FLAG_FORWARDED, "it keeps its flags");
	ok(back.keyword_count == 4 &&
			memcmp(back.keywords, record.keywords, 8) == 0,
		"it keeps its keywords, the first and the last among them");
	is_str(back.name, record.name, "it keeps its file's name");
	ok(identity_cmp(&back.identity, &some_identity) == 0,
		"it keeps its identity");
	is_int(back.internaldate_s, -86400, "a date before 1970 is kept");
	is_int(back.zone_min, -570, "a zone west of Greenwich is kept");
	ok(back.stored_raw, "that the file has CRLFs is kept");
	ok(back.email_key == record.email_key, "it keeps what its EMAILID is");
	test_value("a message", RECODE_MESSAGE, buf_str(&value));

	record = (struct message_record){.name = STR("a")};
	buf_reset(&value);
	message_record_encode(&record, &value);
	ok(recodes(RECODE_MESSAGE, buf_str(&value)),
		"a message without anything comes back as it was");
	ok(value.len <= 48, "and takes less than 48 bytes");
	buf_clear(&value);
	arena_clear(&arena);
}

/* The example of godwit-journal(5), where only the hash is not spelled out. */
static void test_manual(void)
{
	static const uint16_t keywords[] = {2};
	struct message_record record = {
		.flags = FLAG_SEEN,
		.keywords = keywords,
		.keyword_count = 1,
		.name = STR("17.M1.host"),
		.identity = {.bytes = 1234},
		.internaldate_s = 1700000000,
		.zone_min = 60,
	};
	struct buf value = {0};
	struct str s;

	message_record_encode(&record, &value);
	s = buf_str(&value);
	is_str(str_sub(s, 0, 18),
		STR("\1\0\1\1\2\x0a"
		    "17.M1.host\xd2\x09"),
		"a message's value begins as the manual says");
	is_str(str_sub(s, 18 + 32, SIZE_MAX), STR("\x80\xc4\x9f\xd5\x0c\x78\0"),
		"and so it ends");
	buf_clear(&value);
}

/* The name's bytes replaced by others of the same length. */
static bool message_name_refused(struct str other)
{
	char name[LIMIT_NAME_BYTES];
	struct message_record record = {
		.name = {.ptr = name, .len = other.len}};
	struct buf value = {0};
	bool refused;

	memset(name, 'x', sizeof(name));
	message_record_encode(&record, &value);
	/* format, marks, flags, no keywords, length of the name */
	memcpy(value.ptr + 5, other.ptr, other.len);
	refused = refuses(RECODE_MESSAGE, buf_str(&value));
	buf_clear(&value);
	return refused;
}

static void test_names(void)
{
	char longest[LIMIT_NAME_BYTES + 1];

	memset(longest, 'y', sizeof(longest));
	ok(!message_name_refused(STR("17.M1P2.host,S=1")),
		"a message's name may be what Maildir names are");
	ok(message_name_refused(STR("../../../.bashrc")),
		"a message's name cannot lead elsewhere");
	ok(message_name_refused(STR("..")), "nor be the parent folder");
	ok(message_name_refused(STR(".")), "nor the folder itself");
	ok(message_name_refused(STR("a\0b")), "nor hold a NUL");
	ok(record_name_valid(str_sub(str_of("x"), 0, 1)) &&
			record_name_valid((struct str){longest, 255}),
		"names have from 1 to 255 bytes");
	ok(!record_name_valid((struct str){longest, 256}) &&
			!record_name_valid(STR("")),
		"and no other number");
}

static void test_intent(void)
{
	struct intent_record record = {
		.kind = INTENT_MOVE,
		.mailbox = UINT32_MAX,
		.uidvalidity = 1,
		.uidnext = 4711,
		.identity = some_identity,
		.name = STR("17.M1P2.host"),
		.source_mailbox = 3,
		.source_uid = 12,
	};
	struct intent_record back;
	struct buf value = {0};

	intent_record_encode(&record, &value);
	ok(intent_record_decode(buf_str(&value), &back) &&
			back.kind == INTENT_MOVE &&
			back.mailbox == UINT32_MAX && back.uidnext == 4711 &&
			back.source_mailbox == 3 && back.source_uid == 12 &&
			identity_cmp(&back.identity, &some_identity) == 0 &&
			str_eq(back.name, record.name),
		"an intent keeps all that it was about");
	test_value("an intent", RECODE_INTENT, buf_str(&value));
	buf_clear(&value);
}

static void test_trouble(void)
{
	struct trouble_record record = {
		.reason = STR("The server refuses it: too big."),
		.tries = 3,
		.first_s = 1700000000,
		.next_s = 1700003600,
	};
	struct trouble_record back;
	struct buf value = {0};

	trouble_record_encode(&record, &value);
	ok(trouble_record_decode(buf_str(&value), &back) &&
			str_eq(back.reason, record.reason) && back.tries == 3 &&
			back.first_s == 1700000000 && back.next_s == 1700003600,
		"a trouble keeps reason, tries and times");
	test_value("a trouble", RECODE_TROUBLE, buf_str(&value));
	buf_clear(&value);
}

static void test_text_too_long(void)
{
	struct buf reason = {0};
	struct trouble_record record = {.tries = 1};
	struct buf value = {0};

	while (reason.len < RECORD_TEXT_BYTES_MAX - 1)
		buf_addc(&reason, 'x');
	buf_addz(&reason, "\xc3\xa9 and more");
	record.reason = buf_str(&reason);
	trouble_record_encode(&record, &value);
	ok(trouble_record_decode(buf_str(&value), &record),
		"a text that is too long can be written");
	is_int((intmax_t)record.reason.len, RECORD_TEXT_BYTES_MAX - 1,
		"it is cut in front of the character that does not fit");
	buf_clear(&reason);
	buf_clear(&value);
}

static void test_history(void)
{
	struct history_record op = {
		.kind = HISTORY_MOVE,
		.side = REMOTE,
		.mailbox = STR("INBOX"),
		.to = STR("Archiv"),
		.uid = 17,
		.name = STR("17.M1P2.host"),
		.text = STR("moved in the Maildir"),
	};
	struct history_record end = {
		.kind = HISTORY_END,
		.end = {.status = 1,
			.mailboxes = 12,
			.dirty = 3,
			.done = {{1, 2, 3, 4, 5}, {6, 7, 8, 9, 10}},
			.bytes_in = UINT64_MAX,
			.bytes_out = 912,
			.conflicts = 1,
			.errors = 2,
			.duration_ms = 410},
	};
	struct history_record back;
	struct buf value = {0};

	history_record_encode(&op, &value);
	ok(history_record_decode(buf_str(&value), &back) &&
			back.kind == HISTORY_MOVE && back.side == REMOTE &&
			back.uid == 17 && str_eq(back.to, op.to) &&
			str_eq(back.text, op.text),
		"an operation keeps what it did, where and why");
	test_value("an operation", RECODE_HISTORY, buf_str(&value));

	buf_reset(&value);
	history_record_encode(&end, &value);
	ok(history_record_decode(buf_str(&value), &back) &&
			back.end.status == 1 &&
			back.end.bytes_in == UINT64_MAX &&
			back.end.done[REMOTE].flagged == 10 &&
			back.end.duration_ms == 410,
		"the end of a run keeps its counts");
	test_value("the end of a run", RECODE_HISTORY, buf_str(&value));
	buf_clear(&value);
}

static void test_number(void)
{
	struct buf value = {0};
	uint32_t number;

	number_encode(0x01020304, &value);
	is_str(buf_str(&value), STR("\1\2\3\4"), "a number is big-endian");
	ok(number_decode(buf_str(&value), &number) && number == 0x01020304,
		"a number comes back as it was");
	ok(!number_decode(STR("\1\2\3"), &number) &&
			!number_decode(STR("\1\2\3\4\5"), &number) &&
			!number_decode(STR(""), &number),
		"a number has four bytes");
	buf_clear(&value);
}

/* Values that no encoder makes. */
static void test_forms(void)
{
	struct root_record root;

	ok(root_record_decode(STR("\1\1\1"), &root), "small numbers are bytes");
	ok(!root_record_decode(STR("\1\x81\0\1"), &root),
		"a number in more bytes than it takes is refused");
	ok(!root_record_decode(
		   STR("\1\xff\xff\xff\xff\xff\xff\xff\xff\xff\2\1"), &root),
		"a number of more than 64 bits is refused");
	ok(!root_record_decode(
		   STR("\1\xff\xff\xff\xff\xff\xff\xff\xff\xff\x81\0\1"),
		   &root),
		"a number of more than 10 bytes is refused");
	ok(!root_record_decode(STR("\2\1\1"), &root),
		"a format that is not known is refused");
	ok(!root_record_decode(STR("\0\1\1"), &root), "and so is format 0");
}

static bool key_is(struct record_key key, struct str bytes)
{
	return str_eq(record_key_str(&key), bytes);
}

static void test_keys(void)
{
	ok(key_is(mailbox_key(258), STR("\0\0\1\2")),
		"a mailbox's key is its number");
	ok(key_is(message_key(1, 0x01020304), STR("\0\0\0\1\1\2\3\4")),
		"a message's key is mailbox and uid");
	ok(key_is(name_key(STR("ab"), 1, 2), STR("ab\0\0\0\0\1\0\0\0\2")),
		"a name's key is name, NUL, mailbox and uid");
	ok(key_is(name_prefix(STR("ab")), STR("ab\0")),
		"a name's prefix is no prefix of a longer name");
	ok(identity_prefix(&some_identity).len == 40 &&
			identity_key(&some_identity, 1, 2).len == 48,
		"an identity's key is size, hash, mailbox and uid");
	ok(key_is(keyword_key(1, 0x0102), STR("\0\0\0\1\1\2")),
		"a keyword's key is mailbox and id");
	ok(key_is(intent_key(1), STR("\0\0\0\0\0\0\0\1")),
		"an intent's key is its sequence");
	ok(key_is(history_key(1, 2), STR("\0\0\0\0\0\0\0\1\0\0\0\2")),
		"a history's key is run and sequence");
	ok(key_is(trouble_key_encode(&(struct trouble_key){
			  .mailbox = 1, .side = LOCAL, .name = STR("ab")}),
		   STR("\0\0\0\1\0ab")),
		"a file's trouble is known by the file's name");
	ok(key_is(trouble_key_encode(&(struct trouble_key){
			  .mailbox = 1, .side = REMOTE, .uid = 7}),
		   STR("\0\0\0\1\1\0\0\0\7")),
		"a message's trouble is known by its uid");
}

static void test_key_order(void)
{
	struct record_key low = message_key(1, 255);
	struct record_key high = message_key(1, 256);
	struct record_key other = message_key(2, 1);

	ok(str_cmp(record_key_str(&low), record_key_str(&high)) < 0 &&
			str_cmp(record_key_str(&high), record_key_str(&other)) <
				0,
		"the order of keys is that of their numbers");
}

static void test_key(
	const char *what, enum recode_kind kind, struct record_key key)
{
	test_value(what, kind, record_key_str(&key));
}

static void test_keys_back(void)
{
	struct trouble_key remote = {
		.mailbox = 9, .side = REMOTE, .uid = UINT32_MAX};
	struct trouble_key folder = {.mailbox = 9, .side = LOCAL};
	struct record_key key;

	test_key(
		"a mailbox's key", RECODE_MAILBOX_KEY, mailbox_key(UINT32_MAX));
	test_key("a message's key", RECODE_MESSAGE_KEY,
		message_key(1, UINT32_MAX));
	test_key("a name's key", RECODE_NAME_KEY, name_key(STR("a.b"), 1, 2));
	test_key("an identity's key", RECODE_IDENTITY_KEY,
		identity_key(&some_identity, 3, 4));
	test_key("a keyword's key", RECODE_KEYWORD_KEY, keyword_key(3, 4));
	test_key("an intent's key", RECODE_INTENT_KEY, intent_key(UINT64_MAX));
	test_key("a trouble's key", RECODE_TROUBLE_KEY,
		trouble_key_encode(&remote));
	test_key("a history's key", RECODE_HISTORY_KEY, history_key(1, 2));
	key = trouble_key_encode(&folder);
	ok(recodes(RECODE_TROUBLE_KEY, record_key_str(&key)),
		"the folder's own trouble comes back as it was");
	ok(refuses(RECODE_TROUBLE_KEY, STR("\0\0\0\1\0../x")),
		"a file in trouble cannot lead elsewhere");
	ok(refuses(RECODE_HISTORY_KEY, STR("\0\0\0\0\0\0\0\1\xff\xff\xff\xff")),
		"the last sequence of all is refused: nothing is behind it");
}

static void fingerprint_is(struct str user, struct str server,
	struct str expected, const char *sentence)
{
	struct buf text = {0};

	account_fingerprint(user, server, STR("ssh host imapd"), &text);
	is_str(buf_str(&text), expected, "%s", sentence);
	buf_clear(&text);
}

static void test_fingerprint(void)
{
	fingerprint_is(STR("Alice"), STR("Mail.Example.ORG."),
		STR("Alice@mail.example.org"),
		"an account is its user, as written, and its server, in lower "
		"case");
	fingerprint_is(STR("alice"), STR(""),
		STR("alice@tunnel-03ee54743755b04593cbaf56ec93085b"),
		"without a server the tunnel's hash stands for it");
}

static void test_table_names(void)
{
	ok(strcmp(journal_table_name(JOURNAL_META), "meta") == 0 &&
			strcmp(journal_table_name(JOURNAL_HISTORY),
				"history") == 0,
		"each table has a name");
}

int main(void)
{
	test_number();
	test_forms();
	test_root();
	test_unbound();
	test_server();
	test_mailbox();
	test_object_id_too_long();
	test_message();
	test_manual();
	test_names();
	test_intent();
	test_trouble();
	test_text_too_long();
	test_history();
	test_keys();
	test_key_order();
	test_keys_back();
	test_fingerprint();
	test_table_names();
	return tap_done();
}
