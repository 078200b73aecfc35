/*
 * How: the header's hash decides, the size only chooses among equals; each
 * message found is taken out, so that equal messages pair one to one.
 */
#include "intents.h"

#include "godwit/base/limits.h"

#include <stdlib.h>
#include <string.h>

/* Whether it is trash.h's: those of other copies have a file. */
static bool is_trashing(const struct intent_record *record)
{
	return record->kind == INTENT_COPY && record->name.len == 0;
}

/* Those of `all` that are about the mailbox: of messages that came to it, or
 * that went from it to the trash. */
static struct journal_intents pick(struct mailbox *mailbox,
	const struct journal_intents *all, bool trashing)
{
	struct journal_intents some = {
		.items = arena_array(
			&mailbox->arena, all->count, sizeof(*some.items)),
	};

	for (size_t i = 0; i < all->count; i++) {
		const struct intent_record *record = &all->items[i].record;
		uint32_t id =
			trashing ? record->source_mailbox : record->mailbox;

		if (is_trashing(record) == trashing && id == mailbox->id)
			some.items[some.count++] = all->items[i];
	}
	return some;
}

int intents_load(struct pass *pass, struct mailbox *mailbox, struct err *err)
{
	struct journal_intents all = {0};

	if (mailbox->in_journal && journal_intents(&pass->journal,
					   &mailbox->arena, &all, err) != 0)
		return -1;
	mailbox->intents = pick(mailbox, &all, false);
	mailbox->copies = pick(mailbox, &all, true);
	return 0;
}

/* Whether the intent speaks of the UIDs that the mailbox has now. */
static bool is_current(
	const struct mailbox *mailbox, const struct journal_intent *intent)
{
	return intent->record.uidvalidity == mailbox->uidvalidity;
}

void intents_wanted(const struct mailbox *mailbox, struct imap_set *uids)
{
	uint32_t first = UINT32_MAX;

	for (size_t i = 0; i < mailbox->intents.count; i++) {
		const struct journal_intent *intent =
			&mailbox->intents.items[i];

		if (is_current(mailbox, intent) &&
			intent->record.uidnext < first)
			first = intent->record.uidnext;
	}
	for (size_t i = 0; i < mailbox->match.count; i++) {
		const struct row *row = &mailbox->match.rows[i];

		if (row->present == SIDE_BIT(REMOTE) && row->uid >= first)
			imap_set_push(uids, row->uid, row->uid);
	}
}

int intents_header(struct match_identities *headers, size_t *cap,
	const struct imap_fetch *fetched, struct err *err)
{
	const unsigned needed =
		IMAP_FETCH_UID | IMAP_FETCH_SIZE | IMAP_FETCH_HEADER;
	struct match_identity *item;

	if ((fetched->present & needed) != needed || fetched->header_nil)
		return 0;
	if (headers->count >= LIMIT_MESSAGES)
		return err_set(err, ERR_MAILBOX, ERR_NEVER, ERR_PROTOCOL,
			"the server tells of more than %d messages",
			LIMIT_MESSAGES);
	headers->items = array_grow(headers->items, cap, headers->count + 1,
		sizeof(*headers->items));
	item = &headers->items[headers->count++];
	item->row = fetched->uid;
	identity_of_header(fetched->header, fetched->size, &item->identity);
	return 0;
}

static int header_cmp(const void *a, const void *b)
{
	const struct match_identity *x = a;
	const struct match_identity *y = b;

	return (x->row > y->row) - (x->row < y->row);
}

void intents_settle(struct match_identities *headers)
{
	struct match_identity *items = headers->items;
	size_t kept = 0;

	if (headers->count > 0)
		qsort(items, headers->count, sizeof(*items), header_cmp);
	for (size_t i = 0; i < headers->count; i++) {
		if (kept == 0 || items[kept - 1].row != items[i].row)
			items[kept++] = items[i];
	}
	headers->count = kept;
}

static uint64_t distance(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

size_t intents_find(
	const struct match_identities *headers, const struct identity *identity)
{
	size_t best = headers->count;
	uint64_t best_distance = 0;

	for (size_t i = 0; i < headers->count; i++) {
		const struct identity *other = &headers->items[i].identity;
		uint64_t far = distance(other->bytes, identity->bytes);

		if (headers->items[i].row == PLAN_NONE ||
			memcmp(other->header_sha256, identity->header_sha256,
				sizeof(other->header_sha256)) != 0)
			continue;
		if (best == headers->count || far < best_distance) {
			best = i;
			best_distance = far;
		}
	}
	return best;
}

/* The row of a file that the server does not have, or PLAN_NONE. */
static uint32_t row_of_file(const struct mailbox *mailbox, struct str name)
{
	for (size_t i = 0; i < mailbox->match.count; i++) {
		const struct row *row = &mailbox->match.rows[i];

		if (row->present == SIDE_BIT(LOCAL) &&
			row->hold != ROW_SAME_NAME &&
			str_eq(mailbox->scan.items[row->local].name, name))
			return (uint32_t)i;
	}
	return PLAN_NONE;
}

void intents_pair(struct mailbox *mailbox, struct match_identities *headers)
{
	for (size_t i = 0; i < headers->count; i++) {
		struct match_identity *header = &headers->items[i];

		/* What match_pair() has united is taken. */
		if (mailbox->match.rows[header->row].present !=
			SIDE_BIT(REMOTE))
			header->row = PLAN_NONE;
	}
	for (size_t i = 0; i < mailbox->intents.count; i++) {
		const struct journal_intent *intent =
			&mailbox->intents.items[i];
		uint32_t file = row_of_file(mailbox, intent->record.name);
		size_t found;

		if (!is_current(mailbox, intent) || file == PLAN_NONE)
			continue;
		found = intents_find(headers, &intent->record.identity);
		if (found == headers->count)
			continue;
		match_unite(&mailbox->match, headers->items[found].row, file);
		headers->items[found].row = PLAN_NONE;
	}
}
