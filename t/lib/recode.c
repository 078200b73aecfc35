/*
 * How: a function for each kind that decodes, and on success appends what the
 * encoder makes of the result; recode() compares.
 */
#include "recode.h"

#include "godwit/base/err.h"
#include "godwit/sync/record.h"

static bool recode_root(struct str value, struct buf *again)
{
	struct root_record record;

	if (!root_record_decode(value, &record))
		return false;
	root_record_encode(&record, again);
	return true;
}

static bool recode_unbound(struct str value, struct buf *again)
{
	struct unbound_record record;

	if (!unbound_record_decode(value, &record))
		return false;
	unbound_record_encode(&record, again);
	return true;
}

static bool recode_server(struct str value, struct buf *again)
{
	struct server_record record;

	if (!server_record_decode(value, &record))
		return false;
	server_record_encode(&record, again);
	return true;
}

static bool recode_mailbox(struct str value, struct buf *again)
{
	struct mailbox_record record;

	if (!mailbox_record_decode(value, &record))
		return false;
	mailbox_record_encode(&record, again);
	return true;
}

static bool recode_message(struct str value, struct buf *again)
{
	struct message_record record;
	struct arena arena = {0};
	bool good = message_record_decode(value, &arena, &record);

	if (good)
		message_record_encode(&record, again);
	arena_clear(&arena);
	return good;
}

static bool recode_intent(struct str value, struct buf *again)
{
	struct intent_record record;

	if (!intent_record_decode(value, &record))
		return false;
	intent_record_encode(&record, again);
	return true;
}

static bool recode_trouble(struct str value, struct buf *again)
{
	struct trouble_record record;

	if (!trouble_record_decode(value, &record))
		return false;
	trouble_record_encode(&record, again);
	return true;
}

static bool recode_history(struct str value, struct buf *again)
{
	struct history_record record;

	if (!history_record_decode(value, &record))
		return false;
	history_record_encode(&record, again);
	return true;
}

static bool rekey_mailbox(struct str key, struct buf *again)
{
	struct record_key back;
	uint32_t mailbox;

	if (!mailbox_key_decode(key, &mailbox))
		return false;
	back = mailbox_key(mailbox);
	buf_add(again, record_key_str(&back));
	return true;
}

static bool rekey_message(struct str key, struct buf *again)
{
	struct record_key back;
	uint32_t mailbox;
	uint32_t uid;

	if (!message_key_decode(key, &mailbox, &uid))
		return false;
	back = message_key(mailbox, uid);
	buf_add(again, record_key_str(&back));
	return true;
}

static bool rekey_name(struct str key, struct buf *again)
{
	struct record_key back;
	uint32_t mailbox;
	struct str name;
	uint32_t uid;

	if (!name_key_decode(key, &name, &mailbox, &uid))
		return false;
	back = name_key(name, mailbox, uid);
	buf_add(again, record_key_str(&back));
	return true;
}

static bool rekey_identity(struct str key, struct buf *again)
{
	struct identity identity;
	struct record_key back;
	uint32_t mailbox;
	uint32_t uid;

	if (!identity_key_decode(key, &identity, &mailbox, &uid))
		return false;
	back = identity_key(&identity, mailbox, uid);
	buf_add(again, record_key_str(&back));
	return true;
}

static bool rekey_keyword(struct str key, struct buf *again)
{
	struct record_key back;
	uint32_t mailbox;
	uint16_t id;

	if (!keyword_key_decode(key, &mailbox, &id))
		return false;
	back = keyword_key(mailbox, id);
	buf_add(again, record_key_str(&back));
	return true;
}

static bool rekey_intent(struct str key, struct buf *again)
{
	struct record_key back;
	uint64_t sequence;

	if (!intent_key_decode(key, &sequence))
		return false;
	back = intent_key(sequence);
	buf_add(again, record_key_str(&back));
	return true;
}

static bool rekey_trouble(struct str key, struct buf *again)
{
	struct trouble_key trouble;
	struct record_key back;

	if (!trouble_key_decode(key, &trouble))
		return false;
	back = trouble_key_encode(&trouble);
	buf_add(again, record_key_str(&back));
	return true;
}

static bool rekey_history(struct str key, struct buf *again)
{
	struct record_key back;
	uint32_t sequence;
	uint64_t run_ms;

	if (!history_key_decode(key, &run_ms, &sequence))
		return false;
	back = history_key(run_ms, sequence);
	buf_add(again, record_key_str(&back));
	return true;
}

enum recode_result recode(enum recode_kind kind, struct str bytes)
{
	static bool (*const recode_one[RECODE_KINDS])(
		struct str, struct buf *) = {
		[RECODE_ROOT] = recode_root,
		[RECODE_MAILBOX] = recode_mailbox,
		[RECODE_MESSAGE] = recode_message,
		[RECODE_INTENT] = recode_intent,
		[RECODE_TROUBLE] = recode_trouble,
		[RECODE_HISTORY] = recode_history,
		[RECODE_MAILBOX_KEY] = rekey_mailbox,
		[RECODE_MESSAGE_KEY] = rekey_message,
		[RECODE_NAME_KEY] = rekey_name,
		[RECODE_IDENTITY_KEY] = rekey_identity,
		[RECODE_KEYWORD_KEY] = rekey_keyword,
		[RECODE_INTENT_KEY] = rekey_intent,
		[RECODE_TROUBLE_KEY] = rekey_trouble,
		[RECODE_HISTORY_KEY] = rekey_history,
		[RECODE_UNBOUND] = recode_unbound,
		[RECODE_SERVER] = recode_server,
	};
	struct buf again = {0};
	enum recode_result result = RECODE_REFUSED;

	if (recode_one[kind](bytes, &again))
		result = str_eq(buf_str(&again), bytes) ? RECODE_SAME
							: RECODE_OTHER;
	buf_clear(&again);
	return result;
}
