/*
 * How: every table is read from front to end, mailboxes and keywords first,
 * because the others refer to them. An index is right when each message has its
 * keys and each key leads to a message that has that name or identity.
 */
#include "engine/journal_walk.h"

#include <stdlib.h>

/* A mailbox that exists, and how many keywords it has. */
struct known {
	uint32_t mailbox;
	uint32_t keywords;
};

struct checker {
	struct journal *journal;
	struct journal_list known; /* by rising mailbox */
	struct arena scratch;      /* of one entry */
	struct buf value;          /* of an entry that one leads to */
};

static int known_cmp(const void *key, const void *item)
{
	uint32_t mailbox = *(const uint32_t *)key;
	const struct known *known = item;

	return (mailbox > known->mailbox) - (mailbox < known->mailbox);
}

static struct known *known_find(const struct checker *checker, uint32_t mailbox)
{
	if (checker->known.count == 0)
		return NULL;
	return bsearch(&mailbox, checker->known.items, checker->known.count,
		sizeof(struct known), known_cmp);
}

/*
 * One entry of each table. 1: it is right; 0: it is damaged; -1: err.
 */
typedef int check_entry(struct checker *checker, struct str key,
	struct str value, struct err *err);

static int check_meta(struct checker *checker, struct str key, struct str value,
	struct err *err)
{
	struct unbound_record unbound;
	struct server_record server;
	struct root_record root;

	(void)checker;
	(void)err;
	if (str_eq(key, META_UNBOUND))
		return unbound_record_decode(value, &unbound);
	if (str_eq(key, META_SERVER))
		return server_record_decode(value, &server);
	return !str_eq(key, META_ROOT) || root_record_decode(value, &root);
}

static int check_mailbox(struct checker *checker, struct str key,
	struct str value, struct err *err)
{
	struct mailbox_record record;
	struct known *known = list_add(&checker->known);

	(void)err;
	return mailbox_key_decode(key, &known->mailbox) &&
	       mailbox_record_decode(value, &record) &&
	       known->mailbox < checker->journal->next_mailbox;
}

static int check_keyword(struct checker *checker, struct str key,
	struct str value, struct err *err)
{
	struct known *known;
	uint32_t mailbox;
	uint16_t id;

	(void)err;
	if (!keyword_key_decode(key, &mailbox, &id) || !keyword_valid(value))
		return 0;
	known = known_find(checker, mailbox);
	return known != NULL && known->keywords++ == id;
}

/* The record of the message at a place. 1, 0 if there is none, -1. */
static int record_at(struct checker *checker, const struct record_key *key,
	struct message_record *record_r, struct err *err)
{
	int found = journal_get(
		checker->journal, JOURNAL_MESSAGE, key, &checker->value, err);

	if (found <= 0)
		return found;
	return message_record_decode(
		buf_str(&checker->value), &checker->scratch, record_r);
}

static int check_message(struct checker *checker, struct str key,
	struct str value, struct err *err)
{
	struct message_record record;
	struct record_key index;
	const struct known *known;
	uint32_t mailbox;
	uint32_t uid;
	int found;

	if (!message_key_decode(key, &mailbox, &uid) ||
		!message_record_decode(value, &checker->scratch, &record))
		return 0;
	known = known_find(checker, mailbox);
	if (known == NULL ||
		(record.keyword_count > 0 &&
			record.keywords[record.keyword_count - 1] >=
				known->keywords))
		return 0;
	index = name_key(record.name, mailbox, uid);
	found = journal_get(
		checker->journal, JOURNAL_NAME, &index, &checker->value, err);
	if (found <= 0)
		return found;
	index = identity_key(&record.identity, mailbox, uid);
	return journal_get(checker->journal, JOURNAL_IDENTITY, &index,
		&checker->value, err);
}

static int check_name(struct checker *checker, struct str key, struct str value,
	struct err *err)
{
	struct message_record record;
	struct record_key place;
	struct str name;
	uint32_t mailbox;
	uint32_t uid;
	int found;

	if (!name_key_decode(key, &name, &mailbox, &uid) || value.len != 0)
		return 0;
	place = message_key(mailbox, uid);
	found = record_at(checker, &place, &record, err);
	return found > 0 ? str_eq(record.name, name) : found;
}

static int check_identity(struct checker *checker, struct str key,
	struct str value, struct err *err)
{
	struct message_record record;
	struct record_key place;
	struct identity identity;
	uint32_t mailbox;
	uint32_t uid;
	int found;

	if (!identity_key_decode(key, &identity, &mailbox, &uid) ||
		value.len != 0)
		return 0;
	place = message_key(mailbox, uid);
	found = record_at(checker, &place, &record, err);
	return found > 0 ? identity_cmp(&record.identity, &identity) == 0
			 : found;
}

static int check_intent(struct checker *checker, struct str key,
	struct str value, struct err *err)
{
	struct intent_record record;
	uint64_t sequence;

	(void)err;
	return intent_key_decode(key, &sequence) &&
	       intent_record_decode(value, &record) &&
	       known_find(checker, record.mailbox) != NULL;
}

static int check_trouble(struct checker *checker, struct str key,
	struct str value, struct err *err)
{
	struct trouble_record record;
	struct trouble_key trouble;

	(void)err;
	return trouble_key_decode(key, &trouble) &&
	       trouble_record_decode(value, &record) &&
	       known_find(checker, trouble.mailbox) != NULL;
}

static int check_history(struct checker *checker, struct str key,
	struct str value, struct err *err)
{
	struct history_record record;
	uint32_t sequence;
	uint64_t run_ms;

	(void)checker;
	(void)err;
	return history_key_decode(key, &run_ms, &sequence) &&
	       history_record_decode(value, &record);
}

static int check_table(struct checker *checker, enum journal_table table,
	check_entry *check_one, struct err *err)
{
	struct journal_walk walk = {
		.journal = checker->journal, .table = table};
	int found;

	while ((found = walk_next(&walk, err)) > 0) {
		int right = check_one(checker, walk.key, walk.value, err);

		arena_reset(&checker->scratch);
		if (right > 0)
			continue;
		found = right < 0 ? -1 : journal_damaged(table, walk.key, err);
		break;
	}
	walk_end(&walk);
	return found;
}

int journal_check(struct journal *journal, struct err *err)
{
	static const struct {
		enum journal_table table;
		check_entry *check_one;
	} order[] = {
		{JOURNAL_META, check_meta},
		{JOURNAL_MAILBOX, check_mailbox},
		{JOURNAL_KEYWORD, check_keyword},
		{JOURNAL_MESSAGE, check_message},
		{JOURNAL_NAME, check_name},
		{JOURNAL_IDENTITY, check_identity},
		{JOURNAL_INTENT, check_intent},
		{JOURNAL_TROUBLE, check_trouble},
		{JOURNAL_HISTORY, check_history},
	};
	struct checker checker = {
		.journal = journal, .known.item_bytes = sizeof(struct known)};
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < sizeof(order) / sizeof(order[0]); i++)
		rc = check_table(
			&checker, order[i].table, order[i].check_one, err);
	list_clear(&checker.known);
	arena_clear(&checker.scratch);
	buf_clear(&checker.value);
	return rc;
}
