/*
 * How: a policy is made of the account's settings and of what delta saw; rows
 * that failed before or lie outside the limits are held; the pure planner and
 * the pure guard do the rest.
 */
#include "decide.h"

static void make_policy(struct pass *pass, struct mailbox *mailbox)
{
	const struct account *account = pass->account;
	const struct imap_caps *caps = pool_caps(pass->pool);
	struct policy *policy = &mailbox->policy;

	policy->direction = (enum policy_direction)account->direction;
	policy->deletes = (enum policy_delete)account->deletes;
	policy->expunge =
		((account->expunge & ACCOUNT_SIDES_LOCAL) != 0 ? SIDE_BIT(LOCAL)
							       : 0) |
		((account->expunge & ACCOUNT_SIDES_SERVER) != 0
				? SIDE_BIT(REMOTE)
				: 0);
	policy->can_expunge = imap_caps_has(caps, IMAP_CAP_UIDPLUS);
	policy->can_move = imap_caps_has(caps, IMAP_CAP_MOVE);
	policy->is_trash = mailbox == pass->trash;
}

/* The flags that a file's name can show, as of the scan. */
static void make_local_room(struct mailbox *mailbox)
{
	struct policy *policy = &mailbox->policy;
	bool is_full = true;

	for (int i = 0; i < KWFILE_LETTERS; i++)
		is_full = is_full && mailbox->letters[i] != KEYWORD_NONE;
	policy->keeps[LOCAL] = (struct flag_room){.system = FLAGS_SYSTEM,
		.keywords = mailbox_shown_keywords(mailbox)};
	policy->takes[LOCAL] = policy->keeps[LOCAL];
	policy->takes[LOCAL].any_keyword = !is_full;
}

/* The trouble of the server's mailbox itself has no UID. */
static bool is_of_mailbox(const struct trouble_key *key)
{
	return key->side == REMOTE && key->uid == 0;
}

/* The trouble that a row is in, or NULL. */
static const struct journal_trouble *trouble_of(
	const struct mailbox *mailbox, const struct row *row)
{
	if (row->present == SIDE_BIT(LOCAL) ||
		row->origin == ROW_MESSAGE_ELSEWHERE ||
		(row->origin == ROW_COPY &&
			(row->present & SIDE_BIT(LOCAL)) != 0))
		return mailbox_trouble(
			mailbox, 0, mailbox->scan.items[row->local].name);
	if ((row->present & SIDE_BIT(REMOTE)) != 0 &&
		(row->present & SIDE_BIT(LOCAL)) == 0)
		return mailbox_trouble(mailbox, row->uid, (struct str){0});
	return NULL;
}

/* What is gone, or synced by now, is in no trouble any more. */
static void clear_ended(
	struct pass *pass, struct mailbox *mailbox, const bool *lasts)
{
	if (pass->options->depth != SYNC_APPLY)
		return;
	for (size_t i = 0; i < mailbox->troubles.count; i++) {
		const struct trouble_key *key = &mailbox->troubles.items[i].key;

		if (!lasts[i] && !is_of_mailbox(key))
			journal_trouble_clear(
				&pass->journal, &pass->notes, key);
	}
}

/* What failed before waits until its next try is due. */
static void hold_troubled(struct pass *pass, struct mailbox *mailbox)
{
	int64_t now_s = pass_now_s(pass);
	bool *lasts = arena_array(
		&mailbox->arena, mailbox->troubles.count, sizeof(*lasts));

	for (size_t i = 0;
		mailbox->troubles.count > 0 && i < mailbox->match.count; i++) {
		struct row *row = &mailbox->match.rows[i];
		const struct journal_trouble *trouble =
			trouble_of(mailbox, row);

		if (trouble == NULL)
			continue;
		lasts[trouble - mailbox->troubles.items] = true;
		if (row->hold != ROW_FREE ||
			journal_trouble_due(&trouble->record, now_s))
			continue;
		row->hold = ROW_TROUBLED;
		mailbox->report.waiting++;
	}
	clear_ended(pass, mailbox, lasts);
}

/* The least UID that `limits: newest` lets in. */
static uint32_t newest_uid(
	const struct pass *pass, const struct mailbox *mailbox)
{
	uint64_t newest = pass->account->limits.newest;

	if (newest == 0 || newest >= mailbox->remote_count)
		return 0;
	return mailbox->remote[mailbox->remote_count - newest].uid;
}

static enum row_hold limit_hold(const struct pass *pass,
	const struct mailbox *mailbox, const struct row *row, uint32_t newest)
{
	const struct account_limits *limits = &pass->account->limits;
	const struct file_facts *facts;
	const struct remote_item *item;

	if (row->present == SIDE_BIT(LOCAL)) {
		facts = mailbox_facts(mailbox, row->local);
		return limits->max_size_bytes != 0 && facts != NULL &&
				       facts->wire_bytes >
					       limits->max_size_bytes
			       ? ROW_TOO_BIG
			       : ROW_FREE;
	}
	item = &mailbox->remote[row->remote];
	if (limits->max_size_bytes != 0 && item->bytes > limits->max_size_bytes)
		return ROW_TOO_BIG;
	if (limits->max_age_s != 0 &&
		pass->start_ns / 1000000000 - item->date_s >
			(int64_t)limits->max_age_s)
		return ROW_TOO_OLD;
	return row->uid < newest ? ROW_SURPLUS : ROW_FREE;
}

static void hold_limited(struct pass *pass, struct mailbox *mailbox)
{
	uint32_t newest = newest_uid(pass, mailbox);

	for (size_t i = 0; i < mailbox->match.count; i++) {
		struct row *row = &mailbox->match.rows[i];

		if (row->hold == ROW_FREE &&
			(row->present == SIDE_BIT(REMOTE) ||
				row->present == SIDE_BIT(LOCAL)))
			row->hold =
				(uint8_t)limit_hold(pass, mailbox, row, newest);
	}
}

static void guard_plan(struct pass *pass, struct mailbox *mailbox)
{
	const struct guard_policy guard = {
		.max_delete_percent = pass->account->guard.max_delete_percent,
		.min_messages = pass->account->guard.min_messages,
		.allow_deletes = pass->options->allow_deletes,
	};
	struct err err;

	mailbox->verdict = guard_mailbox(
		&mailbox->plan, (uint32_t)mailbox->journal.count, &guard);
	if (!mailbox->verdict.refused)
		return;
	mailbox->report.state = REPORT_REFUSED;
	err_set(&err, ERR_MAILBOX, ERR_NEVER, ERR_SYNC,
		"%u of %u messages would be removed, more than `guard` allows; "
		"nothing was removed; if that is right, run with "
		"--allow-deletes",
		mailbox->verdict.removals, mailbox->verdict.messages);
	pass_error(pass, mailbox, &err, 0, (struct str){0});
}

static void note_read_only(
	struct pass *pass, struct mailbox *mailbox, const struct err *err)
{
	const struct journal_failure failure = {
		.key = {.mailbox = mailbox->id, .side = REMOTE},
		.reason = str_of(err->text),
		.now_s = pass_now_s(pass),
	};
	struct err ignored;

	pass_error(pass, mailbox, err, 0, (struct str){0});
	if (pass->options->depth != SYNC_APPLY || !mailbox->in_journal)
		return;
	/* Not to remember it only means to say it again sooner. */
	if (journal_trouble_note(
		    &pass->journal, &pass->notes, &failure, &ignored) != 0)
		pass_error(pass, mailbox, &ignored, 0, (struct str){0});
}

/* What cannot go to the server must not look as if it were in step; but who
 * syncs every few minutes is not told each time. */
static void say_read_only(struct pass *pass, struct mailbox *mailbox)
{
	const struct journal_trouble *known =
		mailbox_trouble(mailbox, 0, (struct str){0});
	bool is_held = mailbox->policy.remote_readonly &&
		       mailbox->plan.held_back > 0 &&
		       pass->account->direction != ACCOUNT_DIRECTION_PULL;
	struct err err;

	if (!is_held) {
		if (known != NULL && pass->options->depth == SYNC_APPLY)
			journal_trouble_clear(
				&pass->journal, &pass->notes, &known->key);
		return;
	}
	err_set(&err, ERR_MAILBOX, ERR_LATER, ERR_SYNC,
		"the server lets us only read this mailbox: %u changes that "
		"were made here stay here; undo them, or leave the mailbox out "
		"with `exclude`",
		(unsigned)mailbox->plan.held_back);
	if (known != NULL && str_eq(known->record.reason, str_of(err.text)) &&
		!journal_trouble_due(&known->record, pass_now_s(pass)))
		mailbox->report.waiting += mailbox->plan.held_back;
	else
		note_read_only(pass, mailbox, &err);
}

static void decide_one(struct pass *pass, struct mailbox *mailbox)
{
	struct plan_input input = {
		.rows = mailbox->match.rows,
		.count = mailbox->match.count,
		.policy = &mailbox->policy,
		.keywords = mailbox->base.keywords,
	};

	make_policy(pass, mailbox);
	make_local_room(mailbox);
	hold_troubled(pass, mailbox);
	hold_limited(pass, mailbox);
	if (pass->account->deletes == ACCOUNT_DELETE_TRASH &&
		pass->trash == NULL)
		mailbox->policy.deletes = POLICY_DELETE_NEVER;
	plan_mailbox(&input, &mailbox->arena, &mailbox->plan);
	guard_plan(pass, mailbox);
	say_read_only(pass, mailbox);
	mailbox->dirty = mailbox->dirty || mailbox->plan.count > 0;
	pass->ops_total += mailbox->plan.count;
}

/*
 * A message that was moved on one side, and cannot be on the other for now, has
 * two mailboxes look into each other: where it was, alone, it would look as if
 * it had been removed. Neither is settled, so that the next run opens both, nor
 * has another turn.
 */
static void hold_ends(struct mailbox *mailbox)
{
	for (size_t i = 0; i < mailbox->link_count; i++) {
		const struct mailbox_link *link = &mailbox->links[i];
		const struct row *row = &mailbox->match.rows[link->row];

		if (link->from == NULL || row->hold == ROW_FREE ||
			(row->origin != ROW_FILE_ELSEWHERE &&
				row->origin != ROW_MESSAGE_ELSEWHERE))
			continue;
		mailbox->unfinished = true;
		mailbox_link_hold(link);
	}
}

void decide(struct pass *pass)
{
	if (pass->account->deletes == ACCOUNT_DELETE_TRASH &&
		pass->trash == NULL)
		pass_note(pass, NULL,
			"the server has no \\Trash mailbox, so messages that "
			"are removed locally stay there (delete: trash)");
	for (size_t i = 0; i < pass->count; i++) {
		if (!mailbox_is_busy(&pass->mailboxes[i]))
			continue;
		decide_one(pass, &pass->mailboxes[i]);
		hold_ends(&pass->mailboxes[i]);
	}
}
