/*
 * How: keys are (start of the run, sequence), so the runs stand in order of
 * time, and the first record of the next run is found by one search. Pruning
 * finds the first run that stays and deletes what is before it.
 */
#include "engine/journal_walk.h"

enum {
	/* Records that one call prunes. */
	PRUNE_RECORDS = 4000,
};

/* LIMIT_HISTORY_DAYS in milliseconds. */
#define AGE_MAX_MS (LIMIT_HISTORY_DAYS * INT64_C(86400000))

/* The first run that starts at `from_ms` or later. 1: there is one; 0; -1. */
static int run_find(struct journal *journal, uint64_t from_ms,
	uint64_t *run_ms_r, struct err *err)
{
	struct record_key from = history_key(from_ms, 0);
	struct journal_walk walk = {.journal = journal,
		.table = JOURNAL_HISTORY,
		.from = record_key_str(&from)};
	uint32_t sequence;
	int found = walk_next(&walk, err);

	if (found > 0 && !history_key_decode(walk.key, run_ms_r, &sequence))
		found = journal_damaged(walk.table, walk.key, err);
	walk_end(&walk);
	return found;
}

int journal_run_begin(struct journal *journal, int64_t now_ms,
	struct journal_run *run_r, struct err *err)
{
	uint64_t start_ms = now_ms > 0 ? (uint64_t)now_ms : 0;
	uint64_t taken_ms;
	int found;

	while ((found = run_find(journal, start_ms, &taken_ms, err)) > 0 &&
		taken_ms == start_ms)
		start_ms++;
	if (found < 0)
		return -1;
	*run_r = (struct journal_run){.start_ms = start_ms};
	return 0;
}

void journal_history_add(struct journal *journal, struct store_batch *batch,
	struct journal_run *run, const struct history_record *record)
{
	struct record_key key = history_key(run->start_ms, run->sequence);
	struct buf value = {0};

	check(!journal->read_only);
	if (run->sequence >= LIMIT_HISTORY_RUN_RECORDS &&
		record->kind != HISTORY_END)
		return;
	history_record_encode(record, &value);
	batch_put(batch, JOURNAL_HISTORY, &key, buf_str(&value));
	buf_clear(&value);
	run->sequence++;
}

int journal_runs(struct journal *journal, struct arena *arena,
	struct journal_runs *list_r, struct err *err)
{
	struct journal_list list = {.item_bytes = sizeof(uint64_t)};
	uint64_t from_ms = 0;
	uint64_t run_ms;
	int found;

	while ((found = run_find(journal, from_ms, &run_ms, err)) > 0) {
		*(uint64_t *)list_add(&list) = run_ms;
		if (run_ms == UINT64_MAX)
			break;
		from_ms = run_ms + 1;
	}
	if (found >= 0) {
		list_r->count = list.count;
		list_r->start_ms = list_take(&list, arena);
	}
	list_clear(&list);
	return found < 0 ? -1 : 0;
}

/* The decoded strings, moved from the store's memory to the arena. */
static void history_keep(struct history_record *record, struct arena *arena)
{
	record->mailbox = arena_str(arena, record->mailbox);
	record->to = arena_str(arena, record->to);
	record->name = arena_str(arena, record->name);
	record->text = arena_str(arena, record->text);
}

int journal_history(struct journal *journal, struct journal_run *run,
	struct arena *arena, struct journal_history *list_r, struct err *err)
{
	struct journal_list list = {.item_bytes = sizeof(struct journal_event)};
	struct record_key from = history_key(run->start_ms, run->sequence);
	struct journal_walk walk = {.journal = journal,
		.table = JOURNAL_HISTORY,
		.prefix = {.ptr = from.bytes, .len = sizeof(uint64_t)},
		.from = record_key_str(&from)};
	int found = 0;

	while (list.count < JOURNAL_HISTORY_PAGE &&
		(found = walk_next(&walk, err)) > 0) {
		struct journal_event *event = list_add(&list);

		if (!history_key_decode(
			    walk.key, &event->run_ms, &event->sequence) ||
			!history_record_decode(walk.value, &event->record)) {
			found = journal_damaged(walk.table, walk.key, err);
			break;
		}
		history_keep(&event->record, arena);
		run->sequence = event->sequence + 1;
	}
	walk_end(&walk);
	if (found >= 0) {
		list_r->count = list.count;
		list_r->items = list_take(&list, arena);
	}
	list_clear(&list);
	return found < 0 ? -1 : 0;
}

/* The start of the oldest run that is to stay; UINT64_MAX if none is. */
static uint64_t prune_before(const struct journal_runs *runs, int64_t now_ms)
{
	int64_t oldest_ms = now_ms - AGE_MAX_MS;
	size_t first = 0;

	if (runs->count > LIMIT_HISTORY_RUNS)
		first = runs->count - LIMIT_HISTORY_RUNS;
	while (first < runs->count && oldest_ms > 0 &&
		runs->start_ms[first] < (uint64_t)oldest_ms)
		first++;
	return first < runs->count ? runs->start_ms[first] : UINT64_MAX;
}

static int prune_range(struct journal *journal, struct store_batch *batch,
	uint64_t before_ms, struct err *err)
{
	struct journal_walk walk = {
		.journal = journal, .table = JOURNAL_HISTORY};
	size_t pruned = 0;
	uint32_t sequence;
	uint64_t run_ms;
	int found = 0;

	while (pruned < PRUNE_RECORDS && (found = walk_next(&walk, err)) > 0) {
		if (!history_key_decode(walk.key, &run_ms, &sequence)) {
			found = journal_damaged(walk.table, walk.key, err);
			break;
		}
		if (run_ms >= before_ms)
			break;
		store_batch_delete(batch, JOURNAL_HISTORY, walk.key);
		pruned++;
	}
	walk_end(&walk);
	return found < 0 ? -1 : 0;
}

int journal_history_prune(struct journal *journal, struct store_batch *batch,
	int64_t now_ms, struct err *err)
{
	struct arena arena = {0};
	struct journal_runs runs;
	int rc;

	check(!journal->read_only);
	rc = journal_runs(journal, &arena, &runs, err);
	if (rc == 0 && runs.count > 0)
		rc = prune_range(
			journal, batch, prune_before(&runs, now_ms), err);
	arena_clear(&arena);
	return rc;
}
