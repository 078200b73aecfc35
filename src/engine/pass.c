/*
 * How: whatever happens is told to the report port at once, counted for the
 * summary, and noted as history, which the next commit takes along. A run that
 * did nothing leaves no history.
 */
#include "pass.h"

#include "godwit/base/limits.h"

#include <stdarg.h>
#include <stdio.h>

enum {
	OPS_A_PROGRESS = 16, /* operations between two progress events */
};

bool mailbox_is_active(const struct mailbox *mailbox)
{
	return mailbox->part == MAILBOX_SYNCED;
}

bool mailbox_is_busy(const struct mailbox *mailbox)
{
	return mailbox_is_active(mailbox) && !mailbox->idle;
}

struct mailbox *pass_mailbox_of(struct pass *pass, uint32_t id)
{
	for (size_t i = 0; i < pass->count; i++) {
		struct mailbox *mailbox = &pass->mailboxes[i];

		if (mailbox->in_journal && mailbox->id == id &&
			mailbox_is_active(mailbox) && !mailbox->renumbered)
			return mailbox;
	}
	return NULL;
}

bool pass_uidvalidity_tells(
	const struct pass *pass, const struct mailbox *mailbox)
{
	size_t count = 0;

	if (!mailbox->in_journal || mailbox->record.uidvalidity != 1)
		return true;
	for (size_t i = 0; i < pass->count && count < 2; i++)
		count += pass->mailboxes[i].in_journal &&
			 pass->mailboxes[i].record.uidvalidity == 1;
	return count < 2;
}

int pass_open_journal(struct pass *pass, struct err *err)
{
	const struct account *account = pass->account;
	struct buf fingerprint = {0};
	struct buf tunnel = {0};
	int result;

	for (size_t i = 0;
		account->tunnel.argv != NULL && account->tunnel.argv[i] != NULL;
		i++) {
		buf_addz(&tunnel, account->tunnel.argv[i]);
		buf_addc(&tunnel, '\0');
	}
	account_fingerprint(account->user, str_of(account->host),
		buf_str(&tunnel), &fingerprint);
	result = journal_open(&pass->journal, &pass->ports->store,
		buf_str(&fingerprint), pass->options->depth != SYNC_APPLY, err);
	buf_clear(&tunnel);
	buf_clear(&fingerprint);
	pass->has_journal = result == 0;
	if (result == 0)
		result = journal_run_begin(&pass->journal,
			pass->start_ns / 1000000, &pass->run, err);
	return result;
}

int64_t pass_now_s(const struct pass *pass)
{
	return pass->ports->clock.wall_ns(pass->ports->clock.ctx) / 1000000000;
}

static void emit(
	struct pass *pass, struct mailbox *mailbox, struct report_event *event)
{
	event->account = pass->account->name;
	if (mailbox != NULL)
		event->mailbox = mailbox->server_name;
	pass->ports->report.event(pass->ports->report.ctx, event);
}

static bool records(const struct pass *pass)
{
	return pass->options->depth == SYNC_APPLY && pass->has_journal;
}

static void record(struct pass *pass, const struct history_record *history)
{
	const struct history_record begin = {
		.kind = HISTORY_BEGIN, .text = STR("sync")};

	if (!records(pass))
		return;
	if (!pass->run_recorded)
		journal_history_add(
			&pass->journal, &pass->notes, &pass->run, &begin);
	pass->run_recorded = true;
	journal_history_add(&pass->journal, &pass->notes, &pass->run, history);
}

/* Counts a failure for the exit status, which the greatest loss decides, and
 * of equal ones the first. */
static void count_failure(struct pass *pass, const struct err *err)
{
	pass->summary.errors++;
	if (!pass->failed || err->scope > pass->worst.scope)
		pass->worst = *err;
	pass->failed = true;
}

void pass_error(struct pass *pass, struct mailbox *mailbox,
	const struct err *err, uint32_t uid, struct str file)
{
	struct report_event event = {
		.kind = REPORT_ERROR,
		.error = {.err = err, .uid = uid, .file = file},
	};
	const struct history_record history = {
		.kind = HISTORY_FAIL,
		.side = LOCAL,
		.mailbox = mailbox != NULL ? mailbox->server_name : STR(""),
		.uid = uid,
		.text = str_of(err->text),
	};

	count_failure(pass, err);
	record(pass, &history);
	emit(pass, mailbox, &event);
}

void pass_mailbox_failed(
	struct pass *pass, struct mailbox *mailbox, const struct err *err)
{
	if (mailbox->part == MAILBOX_BROKEN)
		return;
	mailbox->part = MAILBOX_BROKEN;
	mailbox->report.state = REPORT_FAILED;
	for (size_t i = 0; i < mailbox->link_count; i++)
		mailbox_link_hold(&mailbox->links[i]);
	pass_error(pass, mailbox, err, 0, (struct str){0});
}

void pass_message_failed(struct pass *pass, struct mailbox *mailbox,
	const struct trouble_key *key, const struct err *err)
{
	const struct journal_failure failure = {
		.key = *key,
		.reason = str_of(err->text),
		.now_s = pass_now_s(pass),
	};
	struct err ignored;

	mailbox->unfinished = true;
	pass_error(pass, mailbox, err, key->uid, key->name);
	if (pass->options->depth != SYNC_APPLY || !mailbox->in_journal)
		return;
	/* Not to remember it only means to try again sooner. */
	if (journal_trouble_note(
		    &pass->journal, &pass->notes, &failure, &ignored) != 0)
		pass_error(pass, mailbox, &ignored, key->uid, key->name);
}

void pass_note(
	struct pass *pass, struct mailbox *mailbox, const char *format, ...)
{
	char text[ERR_TEXT_MAX];
	struct report_event event = {.kind = REPORT_NOTE};
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	event.text = str_of(text);
	emit(pass, mailbox, &event);
}

void pass_detail(struct pass *pass, const char *format, ...)
{
	char text[ERR_TEXT_MAX];
	struct report_event event = {.kind = REPORT_DETAIL};
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	event.text = str_of(text);
	emit(pass, NULL, &event);
}

void pass_fact(struct pass *pass, struct mailbox *mailbox, const char *subject,
	bool good, const char *format, ...)
{
	struct report_event event = {.kind = REPORT_FACT};
	struct buf text = {0};
	va_list args;

	va_start(args, format);
	buf_addv(&text, format, args);
	va_end(args);
	event.fact.subject = str_of(subject);
	event.fact.text = buf_str(&text);
	event.fact.good = good;
	emit(pass, mailbox, &event);
	buf_clear(&text);
}

static enum history_kind history_of(enum report_verb verb)
{
	static const enum history_kind kinds[] = {
		[REPORT_ADD] = HISTORY_ADD,
		[REPORT_REMOVE] = HISTORY_REMOVE,
		[REPORT_MOVE] = HISTORY_MOVE,
		[REPORT_COPY] = HISTORY_COPY,
		[REPORT_FLAG] = HISTORY_FLAG,
		[REPORT_MAILBOX_CREATE] = HISTORY_CREATE,
		[REPORT_MAILBOX_REMOVE] = HISTORY_DELETE,
		[REPORT_MAILBOX_RENAME] = HISTORY_RENAME,
	};

	return kinds[verb];
}

static void count_op(struct report_counts *counts, enum report_verb verb)
{
	switch (verb) {
	case REPORT_ADD:
		counts->added++;
		break;
	case REPORT_REMOVE:
		counts->removed++;
		break;
	case REPORT_MOVE:
		counts->moved++;
		break;
	case REPORT_COPY:
		counts->copied++;
		break;
	case REPORT_FLAG:
		counts->flagged++;
		break;
	default:
		break;
	}
}

void pass_progress(struct pass *pass)
{
	struct report_event event = {.kind = REPORT_PROGRESS};
	struct report_progress *progress = &event.progress;

	if (pass->options->depth != SYNC_APPLY)
		return;
	for (size_t i = 0; i < pass->count; i++) {
		const struct mailbox *mailbox = &pass->mailboxes[i];

		if (mailbox->part == MAILBOX_LEFT_OUT)
			continue;
		progress->mailboxes_total++;
		progress->mailboxes_done += mailbox->looked_at;
	}
	progress->ops_done = pass->ops_done;
	progress->ops_total = pass->ops_total;
	progress->bytes_in = pool_bytes_in(pass->pool);
	progress->bytes_out = pool_bytes_out(pass->pool);
	emit(pass, NULL, &event);
}

void pass_done(
	struct pass *pass, struct mailbox *mailbox, const struct report_op *op)
{
	bool is_local = op->side == REPORT_LOCAL;
	struct report_event event = {
		.kind = pass->options->depth == SYNC_APPLY ? REPORT_DONE
							   : REPORT_WOULD,
		.op = *op,
	};
	const struct history_record history = {
		.kind = history_of(op->verb),
		.side = is_local ? LOCAL : REMOTE,
		.mailbox = mailbox->server_name,
		.to = op->to,
		.uid = op->uid,
		.text = op->reason,
	};

	count_op(is_local ? &pass->summary.local : &pass->summary.server,
		op->verb);
	count_op(is_local ? &mailbox->report.local : &mailbox->report.server,
		op->verb);
	record(pass, &history);
	if (pass->options->depth != SYNC_STATUS)
		emit(pass, mailbox, &event);
	pass->ops_done++;
	if (pass->ops_done % OPS_A_PROGRESS == 0)
		pass_progress(pass);
}

/* What was due is lost: its names may not be durable. Whose it was is to be
 * looked at by the next run. */
static void due_lost(struct pass *pass, const struct err *err)
{
	store_batch_reset(&pass->due);
	pass->due_messages = 0;
	pass->changes_lost = true;
	for (size_t i = 0; i < pass->count; i++) {
		struct mailbox *mailbox = &pass->mailboxes[i];

		if (mailbox->is_due && err->scope < ERR_ACCOUNT)
			pass_mailbox_failed(pass, mailbox, err);
		else if (mailbox->is_due &&
			 mailbox->report.state == REPORT_IN_STEP)
			mailbox->report.state = REPORT_FAILED;
		mailbox->is_due = false;
	}
}

int pass_sync_names(struct pass *pass, struct err *err)
{
	const struct fs_port *fs = &pass->ports->fs;

	if (!pass->names_due)
		return 0;
	pass->names_due = false;
	if (fs->dirs_sync(fs->ctx, err) == FS_OK)
		return 0;
	due_lost(pass, err);
	return -1;
}

int pass_commit(struct pass *pass, struct err *err)
{
	struct store_batch all = {0};
	int result;

	if (pass_sync_names(pass, err) != 0)
		return -1;
	store_batch_append(&all, &pass->notes);
	store_batch_append(&all, &pass->due);
	store_batch_append(&all, &pass->batch);
	result = journal_commit(&pass->journal, &all, err);
	store_batch_clear(&all);
	if (result != 0) {
		due_lost(pass, err);
		return -1;
	}
	store_batch_reset(&pass->notes);
	store_batch_reset(&pass->due);
	store_batch_reset(&pass->batch);
	pass->due_messages = 0;
	for (size_t i = 0; i < pass->count; i++)
		pass->mailboxes[i].is_due = false;
	return 0;
}

void pass_due(struct pass *pass)
{
	store_batch_append(&pass->due, &pass->batch);
	store_batch_reset(&pass->batch);
}

int pass_later(struct pass *pass, struct mailbox *mailbox, size_t messages,
	struct err *err)
{
	pass_due(pass);
	mailbox->is_due = true;
	pass->due_messages += messages;
	return pass->due_messages < LIMIT_BATCH_MESSAGES
		       ? 0
		       : pass_commit(pass, err);
}

int pass_flush(struct pass *pass, struct err *err)
{
	if (!pass->names_due && pass->due.count == 0)
		return 0;
	check(pass->batch.count == 0);
	if (pass_commit(pass, err) == 0 || err->scope < ERR_ACCOUNT)
		return 0;
	return -1;
}

int pass_names_later(
	struct pass *pass, struct mailbox *mailbox, struct err *err)
{
	pass->names_due = true;
	return maildir_sync_later(&mailbox->md, err);
}

void pass_discard(struct pass *pass)
{
	pass->changes_lost = true;
	store_batch_reset(&pass->batch);
}
