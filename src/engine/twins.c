/*
 * How: the messages to be downloaded are looked through in slices, by what the
 * server calls them, so that a slice is sorted in a bounded table: once to see
 * whether the server's word is good, and once to find the twins. The journal
 * tells where the one that was downloaded is.
 */
#include "twins.h"

#include "apply.h"
#include "move_local.h"

#include "godwit/base/limits.h"
#include "godwit/mail/maildir_name.h"
#include "godwit/sync/evidence.h"

#include <stdlib.h>

enum {
	SLICE_MESSAGES = 32 << 10, /* on average, or less */
	TABLE_MESSAGES = 2 * SLICE_MESSAGES,
};

/* One that may have twins; of its mailbox the index into the plan is `row`. */
struct table {
	struct pass *pass;
	struct evidence_message *items; /* on the heap; TABLE_MESSAGES */
	size_t count;
	uint64_t slices;
	struct evidence_keys keys;
	bool overflows;
};

/* ---- A slice ------------------------------------------------------------- */

/* The message, if there can be a copy of it. */
static const struct remote_item *copyable(
	const struct mailbox *mailbox, const struct op *op)
{
	const struct remote_item *item =
		&mailbox->remote[apply_row(mailbox, op)->remote];

	if (!apply_is_due(mailbox, op) || item->email_key == 0 ||
		item->bytes == 0)
		return NULL;
	return item;
}

/* Keys may be numbers that rise: they are mixed, so that slices are alike. */
static uint64_t slice_of(const struct table *table, uint64_t key)
{
	return (key * 0x9e3779b97f4a7c15U >> 32) % table->slices;
}

static void add_mailbox(struct table *table, uint32_t number, uint64_t slice)
{
	const struct mailbox *mailbox = &table->pass->mailboxes[number];
	const struct op *op;

	for (size_t at = 0; (op = apply_next(mailbox, OP_PULL, &at)) != NULL;
		at++) {
		const struct remote_item *item = copyable(mailbox, op);

		if (item == NULL || slice_of(table, item->email_key) != slice)
			continue;
		table->overflows = table->count == TABLE_MESSAGES;
		if (table->overflows)
			return;
		table->items[table->count++] = (struct evidence_message){
			.bytes = item->bytes,
			.date_s = item->date_s,
			.email_key = item->email_key,
			.mailbox = number,
			.row = (uint32_t)at,
		};
	}
}

/* One in which too many have one key is none. */
static void fill(struct table *table, uint64_t slice)
{
	const struct pass *pass = table->pass;

	table->count = 0;
	for (uint32_t i = 0; i < pass->count && !table->overflows; i++) {
		if (mailbox_is_busy(&pass->mailboxes[i]))
			add_mailbox(table, i, slice);
	}
}

/* ---- Twins --------------------------------------------------------------- */

static int by_number(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int twin_cmp(
	const struct evidence_message *x, const struct evidence_message *y)
{
	int order = by_number(x->email_key, y->email_key);

	if (order == 0)
		order = by_number(x->bytes, y->bytes);
	return order != 0 ? order
			  : (x->date_s > y->date_s) - (x->date_s < y->date_s);
}

static int item_cmp(const void *a, const void *b)
{
	const struct evidence_message *x = a;
	const struct evidence_message *y = b;
	int order = twin_cmp(x, y);

	if (order == 0)
		order = by_number(x->mailbox, y->mailbox);
	return order != 0 ? order : by_number(x->row, y->row);
}

static void hold(struct table *table, const struct evidence_message *item,
	const struct evidence_message *first)
{
	struct mailbox *mailbox = &table->pass->mailboxes[item->mailbox];
	const struct mailbox *of = &table->pass->mailboxes[first->mailbox];

	apply_row(mailbox, &mailbox->plan.ops[item->row])->hold = ROW_TWIN;
	mailbox->twins = array_grow(mailbox->twins, &mailbox->twin_cap,
		mailbox->twin_count + 1, sizeof(*mailbox->twins));
	mailbox->twins[mailbox->twin_count++] = (struct mailbox_twin){
		.op = item->row,
		.of = first->mailbox,
		.of_row = of->plan.ops[first->row].row,
	};
}

/* The first of each is downloaded, and what its mailbox has twice. */
static void hold_slice(struct table *table)
{
	const struct evidence_message *first = table->items;

	if (table->count > 0)
		qsort(table->items, table->count, sizeof(*table->items),
			item_cmp);
	for (size_t i = 1; i < table->count; i++) {
		const struct evidence_message *item = &table->items[i];

		if (twin_cmp(first, item) != 0)
			first = item;
		else if (first->mailbox != item->mailbox)
			hold(table, item, first);
	}
}

static uint64_t count_copyable(const struct pass *pass)
{
	uint64_t count = 0;

	for (size_t i = 0; i < pass->count; i++) {
		const struct mailbox *mailbox = &pass->mailboxes[i];
		const struct op *op;

		if (!mailbox_is_busy(mailbox))
			continue;
		for (size_t at = 0;
			(op = apply_next(mailbox, OP_PULL, &at)) != NULL; at++)
			count += copyable(mailbox, op) != NULL;
	}
	return count;
}

static bool keys_tell(struct table *table)
{
	for (uint64_t i = 0; i < table->slices; i++) {
		fill(table, i);
		evidence_keys_see(table->items, table->count, &table->keys);
	}
	return table->keys.differ && !table->keys.fail && !table->overflows;
}

int twins_hold(struct pass *pass, struct err *err)
{
	struct table table = {.pass = pass};
	uint64_t count = count_copyable(pass);
	size_t room = 0;

	(void)err;
	if (count < 2)
		return 0;
	table.slices = count / SLICE_MESSAGES + 1;
	table.items = array_grow(NULL, &room,
		count < TABLE_MESSAGES ? (size_t)count : TABLE_MESSAGES,
		sizeof(*table.items));
	if (keys_tell(&table)) {
		for (uint64_t i = 0; i < table.slices; i++) {
			fill(&table, i);
			hold_slice(&table);
		}
	}
	free(table.items);
	return 0;
}

/* ---- Copies -------------------------------------------------------------- */

/* Copies that are made at a time. */
struct copying {
	struct pass *pass;
	struct mailbox *mailbox;
	struct move_local_twin *items; /* on the heap; LIMIT_BATCH_MESSAGES */
	size_t count;
	struct arena arena;
};

/* Adds the copy of what its twin became; of one that was not downloaded there
 * is none. */
static int add_copy(struct copying *copying, const struct mailbox_twin *twin,
	struct err *err)
{
	struct mailbox *mailbox = copying->mailbox;
	const struct op *op = &mailbox->plan.ops[twin->op];
	const struct row *row = apply_row(mailbox, op);
	const struct remote_item *item = &mailbox->remote[row->remote];
	struct mailbox *from = &copying->pass->mailboxes[twin->of];
	struct journal_message message;
	int found;

	if (!mailbox_is_active(from))
		return 0;
	found = journal_message(&from->base, from->match.rows[twin->of_row].uid,
		&copying->arena, &message, err);
	if (found <= 0)
		return found;
	copying->items[copying->count++] = (struct move_local_twin){
		.op = op,
		.link = {.row = op->row,
			.from = from,
			.stored_raw = message.stored_raw,
			.identity = message.detail->identity,
			.email_key = item->email_key,
			.date_s = item->date_s,
			.zone_minutes = item->zone_minutes},
		.item = {.name = message.name, .flags = message.flags},
	};
	return 0;
}

int twins_copy(struct pass *pass, struct mailbox *mailbox, struct err *err)
{
	struct copying copying = {.pass = pass, .mailbox = mailbox};
	size_t room = 0;
	size_t at = 0;
	int result = 0;

	if (mailbox->twin_count == 0)
		return 0;
	copying.items = array_grow(
		NULL, &room, LIMIT_BATCH_MESSAGES, sizeof(*copying.items));
	while (at < mailbox->twin_count && result == 0) {
		copying.count = 0;
		arena_reset(&copying.arena);
		while (at < mailbox->twin_count && result == 0 &&
			copying.count < LIMIT_BATCH_MESSAGES)
			result = add_copy(&copying, &mailbox->twins[at++], err);
		if (result == 0 && copying.count > 0)
			result = move_local_twins(pass, mailbox, copying.items,
				copying.count, err);
	}
	arena_clear(&copying.arena);
	free(copying.items);
	return result;
}

static bool is_left(const struct mailbox *mailbox, const struct mailbox_twin *t)
{
	const struct op *op = &mailbox->plan.ops[t->op];

	return (mailbox->pending[op->row] & 1U << OP_PULL) != 0;
}

static bool any_left(const struct pass *pass)
{
	for (size_t i = 0; i < pass->count; i++) {
		const struct mailbox *mailbox = &pass->mailboxes[i];

		for (size_t k = 0; k < mailbox->twin_count; k++) {
			if (mailbox_is_busy(mailbox) &&
				is_left(mailbox, &mailbox->twins[k]))
				return true;
		}
	}
	return false;
}

/* What could not be downloaded by now is not tried again in this run. */
static void release(struct mailbox *mailbox)
{
	const struct op *op;

	for (size_t at = 0; (op = apply_next(mailbox, OP_PULL, &at)) != NULL;
		at++) {
		if (apply_is_due(mailbox, op))
			apply_row(mailbox, op)->hold = ROW_TROUBLED;
	}
	for (size_t i = 0; i < mailbox->twin_count; i++) {
		op = &mailbox->plan.ops[mailbox->twins[i].op];
		apply_row(mailbox, op)->hold = ROW_FREE;
	}
}

bool twins_release(struct pass *pass)
{
	if (!any_left(pass))
		return false;
	for (size_t i = 0; i < pass->count; i++) {
		if (mailbox_is_busy(&pass->mailboxes[i]))
			release(&pass->mailboxes[i]);
	}
	return true;
}
