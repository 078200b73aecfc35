/*
 * How: a flag a row. What is held is a trouble like any other: tried again with
 * growing pauses; but it is asked for in every run, since asking costs little.
 */
#include "untold.h"

#include <inttypes.h>

enum {
	FAILURES_MAX = 3, /* until it counts as new all the same */
};

void untold_begin(struct untold *untold, struct mailbox *mailbox)
{
	*untold = (struct untold){
		.rows = arena_array(&mailbox->arena, mailbox->match.count,
			sizeof(*untold->rows)),
	};
}

void untold_ask(struct untold *untold, uint32_t row)
{
	untold->count += !untold->rows[row];
	untold->rows[row] = true;
}

void untold_tell(struct untold *untold, uint32_t row)
{
	untold->count -= untold->rows[row];
	untold->rows[row] = false;
}

bool untold_is_open(const struct untold *untold, uint32_t row)
{
	return untold->rows[row];
}

void untold_uids(const struct untold *untold, const struct mailbox *mailbox,
	struct imap_set *uids)
{
	for (size_t i = 0; untold->count > 0 && i < mailbox->match.count; i++) {
		if (untold->rows[i])
			imap_set_add(uids, mailbox->match.rows[i].uid);
	}
}

static void note(struct pass *pass, struct mailbox *mailbox, uint32_t uid)
{
	const struct trouble_key key = {
		.mailbox = mailbox->id, .side = REMOTE, .uid = uid};
	struct err err;

	err_set(&err, ERR_MESSAGE, ERR_LATER, ERR_SYNC,
		"the server does not tell enough of message %" PRIu32
		" to say whether it is a new file; both wait until it does",
		uid);
	pass_message_failed(pass, mailbox, &key, &err);
}

/* Sizes that files may have which are to wait. */
struct span {
	uint64_t least;
	uint64_t most;
};

/* Whether the message waits, and with it files of its size. */
static bool hold_row(
	struct pass *pass, struct mailbox *mailbox, struct row *row)
{
	const struct journal_trouble *trouble =
		mailbox_trouble(mailbox, row->uid, (struct str){0});

	if (trouble != NULL && trouble->record.tries >= FAILURES_MAX)
		return false;
	if (trouble == NULL ||
		journal_trouble_due(&trouble->record, pass_now_s(pass)))
		note(pass, mailbox, row->uid);
	row->hold = ROW_TROUBLED;
	return true;
}

static void span_add(struct span *span, uint64_t bytes)
{
	uint64_t least;
	uint64_t most;

	match_near(bytes, &least, &most);
	if (least < span->least)
		span->least = least;
	if (most > span->most)
		span->most = most;
}

/* Whether the row is a file that no message is known to be. The journal may
 * know what it was under another UIDVALIDITY. */
static bool is_new_file(const struct row *row)
{
	return (row->present & (SIDE_BIT(LOCAL) | SIDE_BIT(REMOTE))) ==
		       SIDE_BIT(LOCAL) &&
	       ((row->present & SIDE_BIT(BASE)) == 0 || row->stale) &&
	       row->hold != ROW_SAME_NAME;
}

static void hold_files(struct mailbox *mailbox, const struct span *span)
{
	for (size_t i = 0; i < mailbox->match.count; i++) {
		struct row *row = &mailbox->match.rows[i];
		const struct file_facts *facts;

		if (!is_new_file(row))
			continue;
		facts = mailbox_facts(mailbox, row->local);
		if (facts != NULL && facts->identity.bytes >= span->least &&
			facts->identity.bytes <= span->most)
			row->hold = ROW_TROUBLED;
	}
}

void untold_hold(
	struct pass *pass, struct mailbox *mailbox, const struct untold *untold)
{
	struct span span = {.least = UINT64_MAX};
	bool any = false;

	for (size_t i = 0; untold->count > 0 && i < mailbox->match.count; i++) {
		struct row *row = &mailbox->match.rows[i];

		if (!untold->rows[i] || row->present != SIDE_BIT(REMOTE) ||
			!hold_row(pass, mailbox, row))
			continue;
		any = true;
		span_add(&span, mailbox->remote[row->remote].bytes);
	}
	if (!any)
		return;
	mailbox->unfinished = true;
	mailbox->keeps_intents = true;
	hold_files(mailbox, &span);
}
