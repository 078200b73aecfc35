/*
 * How: a message is one entry of MESSAGE and a key each in NAME and IDENTITY
 * that lead to it. To change an entry is to read the old one first, so that the
 * keys that no longer lead anywhere go with it. Keywords have the same ids in
 * the journal and in the mailbox's table, because both number them by coming.
 */
#include "engine/journal_walk.h"

#include "godwit/sync/match.h"

#include <limits.h>

static int keywords_load(struct journal_base *base, struct err *err)
{
	struct record_key prefix = mailbox_key(base->mailbox);
	struct journal_walk walk = {.journal = base->journal,
		.table = JOURNAL_KEYWORD,
		.prefix = record_key_str(&prefix)};
	uint32_t mailbox;
	uint16_t id;
	int found;

	while ((found = walk_next(&walk, err)) > 0) {
		if (!keyword_key_decode(walk.key, &mailbox, &id) ||
			id != keywords_count(base->keywords) ||
			keywords_name_add(base->keywords, walk.value) != id) {
			found = journal_damaged(walk.table, walk.key, err);
			break;
		}
	}
	walk_end(&walk);
	return found;
}

int journal_base_open(struct journal_base *base, struct journal *journal,
	uint32_t mailbox, struct err *err)
{
	*base = (struct journal_base){
		.journal = journal,
		.mailbox = mailbox,
		.keywords = keywords_new(),
	};
	if (keywords_load(base, err) != 0) {
		journal_base_close(base);
		return -1;
	}
	base->keywords_stored = keywords_count(base->keywords);
	return 0;
}

void journal_base_close(struct journal_base *base)
{
	keywords_free(&base->keywords);
}

/* The set of a record's keywords, all of which must have names. */
static int message_keywords(struct journal_base *base,
	const struct message_record *record, struct arena *scratch,
	uint32_t *set_r, struct err *err)
{
	size_t count = record->keyword_count;
	uint32_t *ids;

	*set_r = KEYWORDS_EMPTY;
	if (count == 0)
		return 0;
	if (record->keywords[count - 1] >= base->keywords_stored) {
		struct record_key key =
			keyword_key(base->mailbox, record->keywords[count - 1]);

		return journal_damaged(
			JOURNAL_KEYWORD, record_key_str(&key), err);
	}
	ids = arena_array(scratch, count, sizeof(*ids));
	for (size_t i = 0; i < count; i++)
		ids[i] = record->keywords[i];
	return keywords_set(base->keywords, ids, count, set_r, err);
}

static const struct journal_detail *detail_keep(
	const struct message_record *record, struct arena *arena)
{
	struct journal_detail *detail = arena_alloc(arena, sizeof(*detail));

	detail->identity = record->identity;
	detail->email_key = record->email_key;
	return detail;
}

/* Where one message's entry is read to; the scratch is reset by each. */
struct message_reader {
	struct journal_base *base;
	struct arena *arena;
	struct arena scratch;
	bool with_detail;
};

static int message_read(struct message_reader *reader, struct str key,
	struct str value, struct journal_message *message_r, struct err *err)
{
	struct journal_base *base = reader->base;
	struct message_record record;
	uint32_t mailbox;
	uint32_t keywords;

	arena_reset(&reader->scratch);
	if (!message_key_decode(key, &mailbox, &message_r->uid) ||
		!message_record_decode(value, &reader->scratch, &record))
		return journal_damaged(JOURNAL_MESSAGE, key, err);
	if (message_keywords(base, &record, &reader->scratch, &keywords, err) !=
		0)
		return -1;
	message_r->flags =
		(struct flags){.system = record.flags, .keywords = keywords};
	message_r->name = arena_str(reader->arena, record.name);
	message_r->internaldate_s = record.internaldate_s;
	message_r->zone_min = record.zone_min;
	message_r->stored_raw = record.stored_raw;
	message_r->detail = reader->with_detail
				    ? detail_keep(&record, reader->arena)
				    : NULL;
	return 0;
}

int journal_messages(struct journal_base *base, bool with_detail,
	struct arena *arena, struct journal_messages *list_r, struct err *err)
{
	struct journal_list list = {
		.item_bytes = sizeof(struct journal_message)};
	struct message_reader reader = {
		.base = base, .arena = arena, .with_detail = with_detail};
	struct record_key prefix = mailbox_key(base->mailbox);
	struct journal_walk walk = {.journal = base->journal,
		.table = JOURNAL_MESSAGE,
		.prefix = record_key_str(&prefix)};
	int found;

	while ((found = walk_next(&walk, err)) > 0) {
		struct journal_message *message = list_add(&list);

		found = message_read(
			&reader, walk.key, walk.value, message, err);
		if (found < 0)
			break;
	}
	walk_end(&walk);
	arena_clear(&reader.scratch);
	if (found == 0) {
		list_r->count = list.count;
		list_r->items = list_take(&list, arena);
	}
	list_clear(&list);
	return found;
}

static int entry_read(struct journal_base *base, const struct journal_walk *at,
	struct arena *scratch, struct base_item *item, struct err *err)
{
	struct message_record record;
	uint32_t mailbox;

	if (!message_key_decode(at->key, &mailbox, &item->uid) ||
		!message_record_begin(at->value, scratch, &record))
		return journal_damaged(at->table, at->key, err);
	item->name = record.name;
	item->flags.system = record.flags;
	item->stored_raw = record.stored_raw;
	return message_keywords(
		base, &record, scratch, &item->flags.keywords, err);
}

int journal_entries(struct journal_base *base, struct arena *arena,
	struct base_item **items_r, size_t *count_r, struct err *err)
{
	struct journal_list list = {.item_bytes = sizeof(struct base_item)};
	struct record_key prefix = mailbox_key(base->mailbox);
	struct journal_walk walk = {.journal = base->journal,
		.table = JOURNAL_MESSAGE,
		.prefix = record_key_str(&prefix)};
	struct arena scratch = {0};
	int found;

	while ((found = walk_next(&walk, err)) > 0) {
		struct base_item *item = list_add(&list);

		found = entry_read(base, &walk, &scratch, item, err);
		if (found < 0)
			break;
		item->name = arena_str(arena, item->name);
	}
	walk_end(&walk);
	arena_clear(&scratch);
	if (found == 0) {
		*count_r = list.count;
		*items_r = list_take(&list, arena);
	}
	list_clear(&list);
	return found;
}

int journal_message(struct journal_base *base, uint32_t uid,
	struct arena *arena, struct journal_message *message_r, struct err *err)
{
	struct message_reader reader = {
		.base = base, .arena = arena, .with_detail = true};
	struct record_key key = message_key(base->mailbox, uid);
	struct buf value = {0};
	int found =
		journal_get(base->journal, JOURNAL_MESSAGE, &key, &value, err);

	if (found > 0 && message_read(&reader, record_key_str(&key),
				 buf_str(&value), message_r, err) != 0)
		found = -1;
	arena_clear(&reader.scratch);
	buf_clear(&value);
	return found;
}

/* Names that messages are about to refer to, and all before them. */
static void keywords_store(struct journal_base *base, struct store_batch *batch)
{
	uint32_t count = keywords_count(base->keywords);

	for (uint32_t id = base->keywords_stored; id < count; id++) {
		struct record_key key =
			keyword_key(base->mailbox, (uint16_t)id);

		batch_put(batch, JOURNAL_KEYWORD, &key,
			keywords_name(base->keywords, id));
	}
	base->keywords_stored = count;
}

static void message_entry_put(struct journal_base *base,
	struct store_batch *batch, const struct journal_message *message)
{
	struct message_record record = {
		.flags = message->flags.system,
		.name = message->name,
		.identity = message->detail->identity,
		.internaldate_s = message->internaldate_s,
		.zone_min = message->zone_min,
		.stored_raw = message->stored_raw,
		.email_key = message->detail->email_key,
	};
	struct record_key key = message_key(base->mailbox, message->uid);
	struct buf value = {0};
	size_t count = 0;

	record.keywords = keywords_set_ids(
		base->keywords, message->flags.keywords, &count);
	record.keyword_count = count;
	if (count > 0 && record.keywords[count - 1] >= base->keywords_stored)
		keywords_store(base, batch);
	message_record_encode(&record, &value);
	batch_put(batch, JOURNAL_MESSAGE, &key, buf_str(&value));
	buf_clear(&value);
}

/* What the journal has of a message. */
struct message_old {
	struct buf value; /* the record borrows from it */
	struct arena arena;
	struct message_record record;
};

/* 1: read; 0: not there; -1: err. To be cleared in each case. */
static int message_old_read(struct journal_base *base, uint32_t uid,
	struct message_old *old, struct err *err)
{
	struct record_key key = message_key(base->mailbox, uid);
	int found = journal_get(
		base->journal, JOURNAL_MESSAGE, &key, &old->value, err);

	if (found > 0 && !message_record_decode(buf_str(&old->value),
				 &old->arena, &old->record))
		found = journal_damaged(
			JOURNAL_MESSAGE, record_key_str(&key), err);
	return found;
}

static void message_old_clear(struct message_old *old)
{
	arena_clear(&old->arena);
	buf_clear(&old->value);
}

/* Makes the indexes lead to `message`; of the old state (NULL: there is none)
 * what has not changed needs no writing. */
static void indexes_update(struct journal_base *base, struct store_batch *batch,
	const struct journal_message *message, const struct message_record *old)
{
	const struct identity *identity = &message->detail->identity;
	struct record_key key =
		name_key(message->name, base->mailbox, message->uid);

	if (old == NULL || !str_eq(old->name, message->name)) {
		batch_put(batch, JOURNAL_NAME, &key, (struct str){0});
		if (old != NULL) {
			key = name_key(old->name, base->mailbox, message->uid);
			batch_delete(batch, JOURNAL_NAME, &key);
		}
	}
	if (old == NULL || identity_cmp(&old->identity, identity) != 0) {
		key = identity_key(identity, base->mailbox, message->uid);
		batch_put(batch, JOURNAL_IDENTITY, &key, (struct str){0});
		if (old != NULL) {
			key = identity_key(
				&old->identity, base->mailbox, message->uid);
			batch_delete(batch, JOURNAL_IDENTITY, &key);
		}
	}
}

int journal_message_put(struct journal_base *base, struct store_batch *batch,
	const struct journal_message *message, struct err *err)
{
	struct message_old old = {0};
	int found;

	check(!base->journal->read_only);
	check(message->detail != NULL);
	found = message_old_read(base, message->uid, &old, err);
	if (found >= 0) {
		message_entry_put(base, batch, message);
		indexes_update(
			base, batch, message, found > 0 ? &old.record : NULL);
	}
	message_old_clear(&old);
	return found < 0 ? -1 : 0;
}

int message_entry_delete(struct store_batch *batch, struct str key,
	struct str value, struct err *err)
{
	struct message_record record;
	struct record_key index;
	struct arena arena = {0};
	uint32_t mailbox;
	uint32_t uid;
	bool good = message_key_decode(key, &mailbox, &uid) &&
		    message_record_decode(value, &arena, &record);

	if (good) {
		store_batch_delete(batch, JOURNAL_MESSAGE, key);
		index = name_key(record.name, mailbox, uid);
		batch_delete(batch, JOURNAL_NAME, &index);
		index = identity_key(&record.identity, mailbox, uid);
		batch_delete(batch, JOURNAL_IDENTITY, &index);
	}
	arena_clear(&arena);
	return good ? 0 : journal_damaged(JOURNAL_MESSAGE, key, err);
}

int journal_message_delete(struct journal_base *base, struct store_batch *batch,
	uint32_t uid, struct err *err)
{
	struct record_key key = message_key(base->mailbox, uid);
	struct buf value = {0};
	int found;

	check(!base->journal->read_only);
	found = journal_get(base->journal, JOURNAL_MESSAGE, &key, &value, err);
	if (found > 0 && message_entry_delete(batch, record_key_str(&key),
				 buf_str(&value), err) != 0)
		found = -1;
	buf_clear(&value);
	return found < 0 ? -1 : 0;
}

/* The last eight bytes of an index's key. */
static bool place_decode(struct str key, struct journal_place *place_r)
{
	return key.len >= 8 && message_key_decode(str_sub(key, key.len - 8, 8),
				       &place_r->mailbox, &place_r->uid);
}

static int find(struct journal_walk *walk, struct arena *arena,
	struct journal_places *list_r, struct err *err)
{
	struct journal_list list = {.item_bytes = sizeof(struct journal_place)};
	int found;

	while ((found = walk_next(walk, err)) > 0) {
		if (!place_decode(walk->key, list_add(&list))) {
			found = journal_damaged(walk->table, walk->key, err);
			break;
		}
	}
	walk_end(walk);
	if (found == 0) {
		list_r->count = list.count;
		list_r->items = list_take(&list, arena);
	}
	list_clear(&list);
	return found;
}

int journal_find_name(struct journal *journal, struct str name,
	struct arena *arena, struct journal_places *list_r, struct err *err)
{
	struct record_key prefix = name_prefix(name);
	struct journal_walk walk = {.journal = journal,
		.table = JOURNAL_NAME,
		.prefix = record_key_str(&prefix)};

	return find(&walk, arena, list_r, err);
}

int journal_find_identity(struct journal *journal,
	const struct identity *identity, struct arena *arena,
	struct journal_places *list_r, struct err *err)
{
	struct record_key prefix = identity_prefix(identity);
	struct journal_walk walk = {.journal = journal,
		.table = JOURNAL_IDENTITY,
		.prefix = record_key_str(&prefix)};

	return find(&walk, arena, list_r, err);
}

int journal_find_size(struct journal *journal, uint64_t bytes, struct err *err)
{
	struct record_key prefix = identity_size_prefix(bytes);
	struct journal_walk walk = {.journal = journal,
		.table = JOURNAL_IDENTITY,
		.prefix = record_key_str(&prefix)};
	int found = walk_next(&walk, err);

	walk_end(&walk);
	return found;
}

static int mark_read(struct str key, struct str value,
	struct journal_mark *mark_r, struct err *err)
{
	struct message_record record;
	struct arena scratch = {0};
	bool good = message_key_decode(
			    key, &mark_r->place.mailbox, &mark_r->place.uid) &&
		    message_record_decode(value, &scratch, &record);

	if (good) {
		mark_r->detail.identity = record.identity;
		mark_r->detail.email_key = record.email_key;
		mark_r->internaldate_s = record.internaldate_s;
	}
	arena_clear(&scratch);
	return good ? 1 : journal_damaged(JOURNAL_MESSAGE, key, err);
}

/* Fills in a mark whose place is known. 0: there is no such message. */
static int mark_fill(
	struct journal *journal, struct journal_mark *mark, struct err *err)
{
	struct record_key key =
		message_key(mark->place.mailbox, mark->place.uid);
	struct buf value = {0};
	int found = journal_get(journal, JOURNAL_MESSAGE, &key, &value, err);

	if (found > 0)
		found = mark_read(
			record_key_str(&key), buf_str(&value), mark, err);
	buf_clear(&value);
	return found;
}

int journal_marks(struct journal *journal, uint64_t bytes, size_t room,
	struct journal_mark *marks_r, struct err *err)
{
	struct record_key prefix = identity_size_prefix(bytes);
	struct journal_walk walk = {.journal = journal,
		.table = JOURNAL_IDENTITY,
		.prefix = record_key_str(&prefix)};
	int count = 0;
	int kept = 0;
	int found = 0;

	check(room <= INT_MAX);
	while ((size_t)count < room && (found = walk_next(&walk, err)) > 0) {
		if (!place_decode(walk.key, &marks_r[count++].place)) {
			found = journal_damaged(walk.table, walk.key, err);
			break;
		}
	}
	walk_end(&walk);
	for (int i = 0; i < count && found >= 0; i++) {
		marks_r[kept] = marks_r[i];
		found = mark_fill(journal, &marks_r[kept], err);
		kept += found > 0;
	}
	return found < 0 ? -1 : kept;
}

static int first_beside(struct journal *journal, struct str prefix,
	const struct journal_place *place, struct journal_mark *mark_r,
	struct err *err)
{
	struct journal_walk walk = {
		.journal = journal, .table = JOURNAL_MESSAGE, .prefix = prefix};
	int found;

	while ((found = walk_next(&walk, err)) > 0) {
		found = mark_read(walk.key, walk.value, mark_r, err);
		if (found < 0 || mark_r->place.uid != place->uid ||
			mark_r->place.mailbox != place->mailbox)
			break;
	}
	walk_end(&walk);
	return found;
}

int journal_mark_beside(struct journal *journal,
	const struct journal_place *place, struct journal_mark *mark_r,
	struct err *err)
{
	struct record_key prefix = mailbox_key(place->mailbox);
	int found = first_beside(
		journal, record_key_str(&prefix), place, mark_r, err);

	return found != 0 ? found
			  : first_beside(journal, (struct str){0}, place,
				    mark_r, err);
}
