/*
 * How: each call turns its arguments into keys and values by sync/record.h and
 * either reads through a walk or appends to the caller's batch. What must not
 * be read again all the time (the next ids) is kept in struct journal. The
 * parts of the journal are journal_messages.c, journal_notes.c (intents,
 * troubles), journal_history.c and journal_check.c.
 */
#include "godwit/engine/journal.h"

#include "engine/journal_walk.h"

enum {
	/* Messages that one call forgets. */
	FORGET_MESSAGES = 1000,
};

static struct record_key meta_key(struct str name)
{
	struct record_key key = {.len = name.len};

	check(name.len <= sizeof(key.bytes));
	for (size_t i = 0; i < name.len; i++)
		key.bytes[i] = name.ptr[i];
	return key;
}

static void meta_put_number(
	struct store_batch *batch, struct str name, uint32_t number)
{
	struct buf value = {0};

	number_encode(number, &value);
	store_batch_put(batch, JOURNAL_META, name, buf_str(&value));
	buf_clear(&value);
}

/* 1: there, as *number_r; 0: not there; -1: err. */
static int meta_get_number(const struct journal *journal, struct str name,
	uint32_t *number_r, struct err *err)
{
	struct record_key key = meta_key(name);
	struct buf value = {0};
	int found = journal_get(journal, JOURNAL_META, &key, &value, err);

	if (found > 0 && !number_decode(buf_str(&value), number_r))
		found = journal_damaged(JOURNAL_META, name, err);
	buf_clear(&value);
	return found;
}

/* An entry that must be there is missing, or is not what it must be. */
static int meta_damaged(struct str name, int found, struct err *err)
{
	return found < 0 ? -1 : journal_damaged(JOURNAL_META, name, err);
}

static int account_same(
	const struct journal *journal, struct str account, struct err *err)
{
	struct record_key key = meta_key(META_ACCOUNT);
	struct buf value = {0};
	int found = journal_get(journal, JOURNAL_META, &key, &value, err);
	struct str of = buf_str(&value);

	if (found <= 0)
		found = meta_damaged(META_ACCOUNT, found, err);
	else if (!str_eq(of, account))
		found = err_set(err, ERR_ACCOUNT, ERR_NEVER, ERR_CONFIG,
			"the journal is that of %.*s, not of %.*s; give this "
			"account a state folder of its own (state:) or, if "
			"only a name has changed, move the folder \"journal\" "
			"in the state folder out of the way: the mail of both "
			"sides is then paired anew",
			STR_FMT(of), STR_FMT(account));
	buf_clear(&value);
	return found < 0 ? -1 : 0;
}

static int intents_last(struct journal *journal, struct err *err)
{
	struct journal_walk walk = {
		.journal = journal, .table = JOURNAL_INTENT};
	uint64_t sequence;
	int found;

	while ((found = walk_next(&walk, err)) > 0) {
		if (!intent_key_decode(walk.key, &sequence) ||
			sequence == UINT64_MAX) {
			found = journal_damaged(walk.table, walk.key, err);
			break;
		}
		journal->next_intent = sequence + 1;
	}
	walk_end(&walk);
	return found;
}

static int open_old(struct journal *journal, uint32_t schema,
	struct str account, struct err *err)
{
	int found;

	if (schema > JOURNAL_SCHEMA)
		return err_set(err, ERR_ACCOUNT, ERR_NEVER, ERR_CONFIG,
			"the journal was written by a newer godwit (schema "
			"%u; this one knows %d); install that godwit again, "
			"or move the folder \"journal\" in the state folder "
			"out of the way: the mail of both sides is then "
			"paired anew",
			schema, JOURNAL_SCHEMA);
	if (schema < JOURNAL_SCHEMA)
		return journal_damaged(JOURNAL_META, META_SCHEMA, err);
	if (account_same(journal, account, err) != 0)
		return -1;
	found = meta_get_number(
		journal, META_NEXT_MAILBOX, &journal->next_mailbox, err);
	if (found <= 0 || journal->next_mailbox == 0 ||
		journal->next_mailbox == UINT32_MAX)
		return meta_damaged(META_NEXT_MAILBOX, found, err);
	return intents_last(journal, err);
}

/* A journal without a schema must be without anything else. */
static int open_new(
	struct journal *journal, struct str account, struct err *err)
{
	struct journal_walk walk = {
		.journal = journal, .table = JOURNAL_MAILBOX};
	struct store_batch batch = {0};
	int rc = walk_next(&walk, err);

	if (rc > 0)
		rc = journal_damaged(JOURNAL_META, META_SCHEMA, err);
	walk_end(&walk);
	if (rc < 0 || journal->read_only)
		return rc;
	meta_put_number(&batch, META_SCHEMA, JOURNAL_SCHEMA);
	meta_put_number(&batch, META_NEXT_MAILBOX, journal->next_mailbox);
	store_batch_put(&batch, JOURNAL_META, META_ACCOUNT, account);
	rc = journal_commit(journal, &batch, err);
	store_batch_clear(&batch);
	return rc;
}

int journal_open(struct journal *journal, const struct store_port *store,
	struct str account, bool read_only, struct err *err)
{
	uint32_t schema;
	int found;

	*journal = (struct journal){.store = store,
		.read_only = read_only,
		.next_mailbox = 1,
		.next_intent = 1};
	found = meta_get_number(journal, META_SCHEMA, &schema, err);
	if (found < 0)
		return -1;
	if (found == 0)
		return open_new(journal, account, err);
	return open_old(journal, schema, account, err);
}

int journal_commit(
	struct journal *journal, struct store_batch *batch, struct err *err)
{
	const struct store_port *store = journal->store;

	check(!journal->read_only);
	if (batch->count == 0)
		return 0;
	if (store->commit(store->ctx, batch, err) != 0)
		return -1;
	store_batch_reset(batch);
	return 0;
}

int journal_root(struct journal *journal, struct root_record *root_r,
	bool *known_r, struct err *err)
{
	struct record_key key = meta_key(META_ROOT);
	struct buf value = {0};
	int found = journal_get(journal, JOURNAL_META, &key, &value, err);

	if (found > 0 && !root_record_decode(buf_str(&value), root_r))
		found = journal_damaged(JOURNAL_META, META_ROOT, err);
	buf_clear(&value);
	if (found < 0)
		return -1;
	*known_r = found > 0;
	return 0;
}

void journal_root_put(struct journal *journal, struct store_batch *batch,
	const struct root_record *root)
{
	struct buf value = {0};

	check(!journal->read_only);
	root_record_encode(root, &value);
	store_batch_put(batch, JOURNAL_META, META_ROOT, buf_str(&value));
	buf_clear(&value);
}

int journal_unbound(struct journal *journal, struct arena *arena,
	struct unbound_record *unbound_r, bool *known_r, struct err *err)
{
	struct record_key key = meta_key(META_UNBOUND);
	struct buf value = {0};
	int found = journal_get(journal, JOURNAL_META, &key, &value, err);

	if (found > 0 && !unbound_record_decode(buf_str(&value), unbound_r))
		found = journal_damaged(JOURNAL_META, META_UNBOUND, err);
	if (found > 0)
		unbound_r->certificate =
			arena_str(arena, unbound_r->certificate);
	buf_clear(&value);
	if (found < 0)
		return -1;
	*known_r = found > 0;
	return 0;
}

void journal_unbound_put(struct journal *journal, struct store_batch *batch,
	const struct unbound_record *unbound)
{
	struct buf value = {0};

	check(!journal->read_only);
	unbound_record_encode(unbound, &value);
	store_batch_put(batch, JOURNAL_META, META_UNBOUND, buf_str(&value));
	buf_clear(&value);
}

bool journal_unbound_holds(const struct unbound_record *unbound, int64_t now_s)
{
	return now_s < unbound->until_s &&
	       now_s >= unbound->until_s - JOURNAL_UNBOUND_S;
}

int journal_server(struct journal *journal, struct arena *arena,
	struct server_record *record_r, bool *known_r, struct err *err)
{
	struct record_key key = meta_key(META_SERVER);
	struct buf value = {0};
	int found = journal_get(journal, JOURNAL_META, &key, &value, err);

	if (found > 0 && !server_record_decode(buf_str(&value), record_r))
		found = journal_damaged(JOURNAL_META, META_SERVER, err);
	if (found > 0) {
		record_r->before = arena_str(arena, record_r->before);
		record_r->after = arena_str(arena, record_r->after);
	}
	buf_clear(&value);
	if (found < 0)
		return -1;
	*known_r = found > 0;
	return 0;
}

void journal_server_put(struct journal *journal, struct store_batch *batch,
	const struct server_record *record)
{
	struct buf value = {0};

	check(!journal->read_only);
	server_record_encode(record, &value);
	store_batch_put(batch, JOURNAL_META, META_SERVER, buf_str(&value));
	buf_clear(&value);
}

/* The decoded strings, moved from the store's memory to the arena. */
static void mailbox_keep(struct mailbox_record *record, struct arena *arena)
{
	record->name = arena_str(arena, record->name);
	record->server_name = arena_str(arena, record->server_name);
	record->wire_name = arena_str(arena, record->wire_name);
	record->object_id = arena_str(arena, record->object_id);
}

int journal_mailboxes(struct journal *journal, struct arena *arena,
	struct journal_mailboxes *list_r, struct err *err)
{
	struct journal_list list = {
		.item_bytes = sizeof(struct journal_mailbox)};
	struct journal_walk walk = {
		.journal = journal, .table = JOURNAL_MAILBOX};
	int found;

	while ((found = walk_next(&walk, err)) > 0) {
		struct journal_mailbox *mailbox = list_add(&list);

		if (!mailbox_key_decode(walk.key, &mailbox->id) ||
			!mailbox_record_decode(walk.value, &mailbox->record)) {
			found = journal_damaged(walk.table, walk.key, err);
			break;
		}
		mailbox_keep(&mailbox->record, arena);
	}
	walk_end(&walk);
	if (found == 0) {
		list_r->count = list.count;
		list_r->items = list_take(&list, arena);
	}
	list_clear(&list);
	return found;
}

uint32_t journal_mailbox_add(struct journal *journal, struct store_batch *batch,
	const struct mailbox_record *record)
{
	uint32_t id = journal->next_mailbox;

	check(id < UINT32_MAX);
	journal->next_mailbox = id + 1;
	meta_put_number(batch, META_NEXT_MAILBOX, journal->next_mailbox);
	journal_mailbox_put(journal, batch, id, record);
	return id;
}

void journal_mailbox_put(struct journal *journal, struct store_batch *batch,
	uint32_t id, const struct mailbox_record *record)
{
	struct record_key key = mailbox_key(id);
	struct buf value = {0};

	check(!journal->read_only);
	check(id < journal->next_mailbox);
	mailbox_record_encode(record, &value);
	batch_put(batch, JOURNAL_MAILBOX, &key, buf_str(&value));
	buf_clear(&value);
}

/* Deletes all entries of the table whose keys start with the mailbox's id. */
static int forget_table(struct journal *journal, struct store_batch *batch,
	enum journal_table table, uint32_t id, struct err *err)
{
	struct record_key prefix = mailbox_key(id);
	struct journal_walk walk = {.journal = journal,
		.table = table,
		.prefix = record_key_str(&prefix)};
	int found;

	while ((found = walk_next(&walk, err)) > 0)
		store_batch_delete(batch, table, walk.key);
	walk_end(&walk);
	return found;
}

static int forget_intents(struct journal *journal, struct store_batch *batch,
	uint32_t id, struct err *err)
{
	struct journal_walk walk = {
		.journal = journal, .table = JOURNAL_INTENT};
	struct intent_record record;
	int found;

	while ((found = walk_next(&walk, err)) > 0) {
		if (!intent_record_decode(walk.value, &record)) {
			found = journal_damaged(walk.table, walk.key, err);
			break;
		}
		if (record.mailbox == id)
			store_batch_delete(batch, walk.table, walk.key);
	}
	walk_end(&walk);
	return found;
}

int journal_messages_forget(struct journal *journal, struct store_batch *batch,
	uint32_t id, bool *more_r, struct err *err)
{
	struct record_key prefix = mailbox_key(id);
	struct journal_walk walk = {.journal = journal,
		.table = JOURNAL_MESSAGE,
		.prefix = record_key_str(&prefix)};
	size_t forgotten = 0;
	int found;

	check(!journal->read_only);
	while ((found = walk_next(&walk, err)) > 0) {
		if (forgotten++ == FORGET_MESSAGES)
			break;
		found = message_entry_delete(batch, walk.key, walk.value, err);
		if (found < 0)
			break;
	}
	walk_end(&walk);
	if (found < 0)
		return -1;
	*more_r = found > 0;
	return *more_r ? 0
		       : forget_table(journal, batch, JOURNAL_TROUBLE, id, err);
}

int journal_mailbox_forget(struct journal *journal, struct store_batch *batch,
	uint32_t id, bool *more_r, struct err *err)
{
	struct record_key key = mailbox_key(id);

	if (journal_messages_forget(journal, batch, id, more_r, err) != 0)
		return -1;
	if (*more_r)
		return 0;
	if (forget_table(journal, batch, JOURNAL_KEYWORD, id, err) != 0 ||
		forget_intents(journal, batch, id, err) != 0)
		return -1;
	batch_delete(batch, JOURNAL_MAILBOX, &key);
	return 0;
}
