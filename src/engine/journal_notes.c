/*
 * How: intents are numbered by a counter that starts behind the last one that
 * is still open. A trouble's pause is worked out from how often it failed, so
 * only the count and the times are stored.
 */
#include "engine/journal_walk.h"

uint64_t journal_intent_add(struct journal *journal, struct store_batch *batch,
	const struct intent_record *record)
{
	struct record_key key = intent_key(journal->next_intent);
	struct buf value = {0};

	check(!journal->read_only);
	intent_record_encode(record, &value);
	batch_put(batch, JOURNAL_INTENT, &key, buf_str(&value));
	buf_clear(&value);
	return journal->next_intent++;
}

void journal_intent_delete(
	struct journal *journal, struct store_batch *batch, uint64_t sequence)
{
	struct record_key key = intent_key(sequence);

	check(!journal->read_only);
	batch_delete(batch, JOURNAL_INTENT, &key);
}

int journal_intents(struct journal *journal, struct arena *arena,
	struct journal_intents *list_r, struct err *err)
{
	struct journal_list list = {
		.item_bytes = sizeof(struct journal_intent)};
	struct journal_walk walk = {
		.journal = journal, .table = JOURNAL_INTENT};
	int found;

	while ((found = walk_next(&walk, err)) > 0) {
		struct journal_intent *intent = list_add(&list);

		if (!intent_key_decode(walk.key, &intent->sequence) ||
			!intent_record_decode(walk.value, &intent->record)) {
			found = journal_damaged(walk.table, walk.key, err);
			break;
		}
		intent->record.name = arena_str(arena, intent->record.name);
	}
	walk_end(&walk);
	if (found == 0) {
		list_r->count = list.count;
		list_r->items = list_take(&list, arena);
	}
	list_clear(&list);
	return found;
}

/* How long to wait after so many failures. */
static int64_t trouble_pause_s(uint32_t tries)
{
	int64_t pause_s = TROUBLE_PAUSE_FIRST_S;

	for (uint32_t i = 1; i < tries && pause_s < TROUBLE_PAUSE_MAX_S; i++)
		pause_s *= 2;
	return pause_s < TROUBLE_PAUSE_MAX_S ? pause_s : TROUBLE_PAUSE_MAX_S;
}

int journal_trouble_note(struct journal *journal, struct store_batch *batch,
	const struct journal_failure *failure, struct err *err)
{
	struct record_key key = trouble_key_encode(&failure->key);
	struct trouble_record record = {.first_s = failure->now_s};
	struct buf value = {0};
	int found;

	check(!journal->read_only);
	found = journal_get(journal, JOURNAL_TROUBLE, &key, &value, err);
	if (found > 0 && !trouble_record_decode(buf_str(&value), &record))
		found = journal_damaged(
			JOURNAL_TROUBLE, record_key_str(&key), err);
	if (found >= 0) {
		if (record.tries < UINT32_MAX)
			record.tries++;
		record.reason = failure->reason;
		record.next_s = failure->now_s + trouble_pause_s(record.tries);
		buf_reset(&value);
		trouble_record_encode(&record, &value);
		batch_put(batch, JOURNAL_TROUBLE, &key, buf_str(&value));
	}
	buf_clear(&value);
	return found < 0 ? -1 : 0;
}

void journal_trouble_clear(struct journal *journal, struct store_batch *batch,
	const struct trouble_key *key)
{
	struct record_key encoded = trouble_key_encode(key);

	check(!journal->read_only);
	batch_delete(batch, JOURNAL_TROUBLE, &encoded);
}

int journal_troubles(struct journal *journal, const uint32_t *mailbox,
	struct arena *arena, struct journal_troubles *list_r, struct err *err)
{
	struct journal_list list = {
		.item_bytes = sizeof(struct journal_trouble)};
	struct record_key prefix = {0};
	struct journal_walk walk = {
		.journal = journal, .table = JOURNAL_TROUBLE};
	int found;

	if (mailbox != NULL)
		prefix = mailbox_key(*mailbox);
	walk.prefix = record_key_str(&prefix);
	while ((found = walk_next(&walk, err)) > 0) {
		struct journal_trouble *trouble = list_add(&list);

		if (!trouble_key_decode(walk.key, &trouble->key) ||
			!trouble_record_decode(walk.value, &trouble->record)) {
			found = journal_damaged(walk.table, walk.key, err);
			break;
		}
		trouble->key.name = arena_str(arena, trouble->key.name);
		trouble->record.reason =
			arena_str(arena, trouble->record.reason);
	}
	walk_end(&walk);
	if (found == 0) {
		list_r->count = list.count;
		list_r->items = list_take(&list, arena);
	}
	list_clear(&list);
	return found;
}

bool journal_trouble_due(const struct trouble_record *record, int64_t now_s)
{
	return now_s >= record->next_s ||
	       now_s < record->next_s - TROUBLE_PAUSE_MAX_S;
}
