/*
 * How: what was seen in the Maildir is made durable, then comes what only the
 * journal has to learn, then pulls and pushes, then flags, then removals, each
 * step over all mailboxes. What a step has done is made durable for all of them
 * together, before the next step reads the journal. A row's pending ops are
 * bits; the op that clears a row's last flag bit writes its entry.
 */
#include "apply.h"

#include "delta.h"
#include "local.h"
#include "move_local.h"
#include "move_remote.h"
#include "pull.h"
#include "push.h"
#include "remote.h"
#include "spare.h"
#include "twins.h"

#include "godwit/base/limits.h"
#include "godwit/mail/flags.h"

enum {
	RECORDS_A_MESSAGE = 4, /* its entry, two indexes, a trouble */
};

#define FLAG_OPS (1U << OP_FLAG_LOCAL | 1U << OP_FLAG_REMOTE)

struct row *apply_row(const struct mailbox *mailbox, const struct op *op)
{
	return &mailbox->match.rows[op->row];
}

const struct op *apply_next(
	const struct mailbox *mailbox, enum op_kind kind, size_t *at)
{
	for (; *at < mailbox->plan.count; ++*at) {
		if (mailbox->plan.ops[*at].kind == kind)
			return &mailbox->plan.ops[*at];
	}
	return NULL;
}

bool apply_is_due(const struct mailbox *mailbox, const struct op *op)
{
	return apply_row(mailbox, op)->hold == ROW_FREE &&
	       (mailbox->pending[op->row] & 1U << op->kind) != 0;
}

enum line_form apply_line_form(
	const struct mailbox *mailbox, const struct row *row)
{
	const struct mailbox_link *link =
		mailbox_link(mailbox, (uint32_t)(row - mailbox->match.rows));
	bool is_raw = false;

	if ((row->present & SIDE_BIT(BASE)) == 0)
		return LINE_FORM_LF;
	if (row->base != PLAN_NONE)
		is_raw = mailbox->base_items[row->base].stored_raw;
	else if (link != NULL)
		is_raw = link->stored_raw;
	return is_raw ? LINE_FORM_RAW : LINE_FORM_LF;
}

bool apply_has(const struct mailbox *mailbox, unsigned kinds)
{
	for (int kind = 0; kind < OP_KINDS; kind++) {
		if ((kinds & 1U << kind) != 0 &&
			mailbox->plan.per_kind[kind] > 0)
			return true;
	}
	return false;
}

/* The end of a step of one mailbox: it has committed what it had to, or that is
 * not to be. */
static enum task_step end_step(struct pass *pass, enum task_step step)
{
	if (step == TASK_FAILED)
		pass_discard(pass);
	check(pass->batch.count == 0);
	return step;
}

static enum task_step begin_work(struct task *task, struct err *err)
{
	struct apply_task *work = (struct apply_task *)task;

	return end_step(work->pass, work->kind->begin(task, err));
}

static enum task_step work_event(
	struct task *task, const struct imap_event *event, struct err *err)
{
	struct apply_task *work = (struct apply_task *)task;

	return end_step(work->pass, work->kind->event(task, event, err));
}

/* What is to be fetched, or sent, as far as that is known. */
static uint64_t bytes_of(const struct mailbox *mailbox, unsigned kinds)
{
	enum op_kind kind = (kinds & 1U << OP_PUSH) != 0 ? OP_PUSH : OP_PULL;
	const struct op *op;
	uint64_t bytes = 0;

	if ((kinds & (1U << OP_PULL | 1U << OP_PUSH)) == 0)
		return 0;
	for (size_t at = 0; (op = apply_next(mailbox, kind, &at)) != NULL;
		at++) {
		const struct row *row = apply_row(mailbox, op);
		const struct file_facts *facts =
			kind == OP_PUSH ? mailbox_facts(mailbox, row->local)
					: NULL;

		if (kind == OP_PULL)
			bytes += mailbox->remote[row->remote].bytes;
		else if (facts != NULL)
			bytes += facts->wire_bytes;
	}
	return bytes;
}

/* The tasks of some work. */
struct tasks {
	struct arena arena;
	struct task **items;
	size_t count;
};

/* One of so many that a mailbox gets. */
static void tasks_add(struct pass *pass, const struct apply_work *work,
	struct mailbox *mailbox, uint64_t bytes, struct tasks *tasks)
{
	static const struct task_kind kind = {begin_work, work_event};
	struct apply_task *added =
		arena_array(&tasks->arena, 1, work->task_bytes);

	added->task.kind = &kind;
	added->kind = work->kind;
	added->task.mailbox = mailbox;
	added->task.turns = work->turns;
	added->task.bytes = bytes;
	added->pass = pass;
	added->kinds = work->kinds;
	tasks->items[tasks->count++] = &added->task;
}

/* How many tasks a mailbox is to get, and what each of them is worth. */
struct share {
	size_t tasks;
	uint64_t bytes;
};

static size_t shares_find(
	struct pass *pass, const struct apply_work *work, struct share *shares)
{
	size_t sum = 0;

	for (size_t i = 0; i < pass->count; i++) {
		struct mailbox *mailbox = &pass->mailboxes[i];

		if (!mailbox_is_busy(mailbox) ||
			!apply_has(mailbox, work->kinds))
			continue;
		shares[i].tasks =
			work->tasks == NULL ? 1 : work->tasks(pass, mailbox);
		shares[i].bytes =
			bytes_of(mailbox, work->kinds) / shares[i].tasks;
		sum += shares[i].tasks;
	}
	return sum;
}

/* A task for every mailbox that has such work; then, where it gets several, a
 * second, and so on. */
static void tasks_make(
	struct pass *pass, const struct apply_work *work, struct tasks *tasks_r)
{
	struct share *shares;
	size_t sum;

	*tasks_r = (struct tasks){0};
	shares = arena_array(&tasks_r->arena, pass->count, sizeof(*shares));
	sum = shares_find(pass, work, shares);
	tasks_r->items =
		arena_array(&tasks_r->arena, sum, sizeof(struct task *));
	while (tasks_r->count < sum) {
		for (size_t i = 0; i < pass->count; i++) {
			if (shares[i].tasks == 0)
				continue;
			shares[i].tasks--;
			tasks_add(pass, work, &pass->mailboxes[i],
				shares[i].bytes, tasks_r);
		}
	}
}

int apply_everywhere(
	struct pass *pass, const struct apply_work *work, struct err *err)
{
	struct tasks tasks;
	struct err late;
	int result;

	tasks_make(pass, work, &tasks);
	result = pool_run(pass->pool, tasks.items, tasks.count,
		pass->account->connections, err);
	if (work->finish != NULL && work->finish(pass, &late) != 0 &&
		result == 0) {
		*err = late;
		result = -1;
	}
	for (size_t i = 0; i < tasks.count; i++) {
		struct task *task = tasks.items[i];

		work->end(task);
		/* What ends the account is told by who ends it. */
		if (task->result == TASK_FAILED &&
			(result == 0 || !task->cut) &&
			mailbox_is_active(task->mailbox))
			pass_mailbox_failed(pass, task->mailbox, &task->err);
	}
	arena_clear(&tasks.arena);
	return result == 0 && tasks.count > 0 ? pass_flush(pass, err) : result;
}

static void pending_clear(struct mailbox *mailbox, const struct op *op)
{
	mailbox->pending[op->row] &= ~(1U << op->kind);
}

static int entry_put(struct pass *pass, struct mailbox *mailbox,
	const struct journal_message *message, struct err *err)
{
	mailbox_entry_put(mailbox, message->uid, message->name, message->flags);
	return journal_message_put(&mailbox->base, &pass->batch, message, err);
}

static int entry_delete(struct pass *pass, struct mailbox *mailbox,
	uint32_t uid, struct err *err)
{
	mailbox_entry_gone(mailbox, uid);
	return journal_message_delete(&mailbox->base, &pass->batch, uid, err);
}

/* The message is known here; where it came from it is so no more. */
static int drop_entries(
	struct pass *pass, const struct mailbox_link *link, struct err *err)
{
	for (int i = 0; link != NULL && i < 2; i++) {
		if (link->entry_of[i] != NULL &&
			entry_delete(pass, link->entry_of[i],
				link->entry_uid[i], err) != 0)
			return -1;
	}
	return 0;
}

int apply_record(struct pass *pass, struct mailbox *mailbox,
	const struct op *op, const struct journal_message *message,
	struct err *err)
{
	struct row *row = apply_row(mailbox, op);

	pending_clear(mailbox, op);
	row->present |= SIDE_BIT(LOCAL) | SIDE_BIT(REMOTE);
	if (entry_put(pass, mailbox, message, err) != 0)
		return -1;
	return drop_entries(pass, mailbox_link(mailbox, op->row), err);
}

/* Rewrites an entry with other flags. */
static int rewrite(struct pass *pass, struct mailbox *mailbox, uint32_t uid,
	struct flags flags, struct err *err)
{
	struct journal_message message;
	struct arena scratch = {0};
	int found =
		journal_message(&mailbox->base, uid, &scratch, &message, err);
	int result = found < 0 ? -1 : 0;

	if (found == 1 && !flags_eq(message.flags, flags)) {
		message.flags = flags;
		result = entry_put(pass, mailbox, &message, err);
	}
	arena_clear(&scratch);
	return result;
}

/* What was copied from here has gone, as far as it can. */
static void end_leaving(
	struct pass *pass, const struct mailbox *mailbox, const struct op *op)
{
	if (apply_row(mailbox, op)->origin == ROW_LEFT)
		journal_intent_delete(&pass->journal, &pass->batch,
			mailbox_link(mailbox, op->row)->intent);
}

int apply_flagged(struct pass *pass, struct mailbox *mailbox,
	const struct op *op, struct flags base, struct err *err)
{
	pending_clear(mailbox, op);
	end_leaving(pass, mailbox, op);
	if ((mailbox->pending[op->row] & FLAG_OPS) != 0)
		return 0;
	return rewrite(pass, mailbox, apply_row(mailbox, op)->uid, base, err);
}

int apply_removed(struct pass *pass, struct mailbox *mailbox,
	const struct op *op, struct err *err)
{
	struct row *row = apply_row(mailbox, op);

	pending_clear(mailbox, op);
	end_leaving(pass, mailbox, op);
	row->present &= (uint8_t)~SIDE_BIT(op_side(op->kind));
	if ((row->present & (SIDE_BIT(LOCAL) | SIDE_BIT(REMOTE))) != 0)
		return 0;
	return entry_delete(pass, mailbox, row->uid, err);
}

void apply_failed(struct mailbox *mailbox)
{
	mailbox->unfinished = true;
}

void apply_stalled(struct mailbox *mailbox, const struct op *op)
{
	mailbox->pending[op->row] = 0;
	apply_failed(mailbox);
}

/* What an op is to the report. False: nothing that is told. */
static bool verb_of(enum op_kind kind, enum report_verb *verb_r)
{
	switch (kind) {
	case OP_PULL:
	case OP_PUSH:
		*verb_r = REPORT_ADD;
		return true;
	case OP_FLAG_LOCAL:
	case OP_FLAG_REMOTE:
	case OP_MARK_REMOTE:
		*verb_r = REPORT_FLAG;
		return true;
	case OP_REMOVE_LOCAL:
	case OP_REMOVE_REMOTE:
		*verb_r = REPORT_REMOVE;
		return true;
	case OP_TRASH_REMOTE:
	case OP_MOVE_LOCAL:
	case OP_MOVE_REMOTE:
		*verb_r = REPORT_MOVE;
		return true;
	case OP_COPY_LOCAL:
	case OP_COPY_REMOTE:
		*verb_r = REPORT_COPY;
		return true;
	default:
		return false;
	}
}

static void add_names(struct buf *text, char sign,
	const struct keywords *keywords, struct flags flags)
{
	struct arena scratch = {0};
	size_t count;
	const struct str *names =
		flags_to_names(keywords, flags, &scratch, &count);

	for (size_t i = 0; i < count; i++) {
		buf_addz(text, text->len == 0 ? "" : " ");
		buf_addc(text, sign);
		buf_add(text, names[i]);
	}
	arena_clear(&scratch);
}

/* What an op changes of its message's flags: "+\\Seen -work". */
static void add_change(
	struct buf *text, const struct mailbox *mailbox, const struct op *op)
{
	struct keywords *keywords = mailbox->base.keywords;
	struct flags now = apply_row(mailbox, op)->flags[op_side(op->kind)];

	add_names(text, '+', keywords, flags_added(keywords, now, op->flags));
	add_names(text, '-', keywords, flags_removed(keywords, now, op->flags));
}

/* A move or copy is told where the message was: it is, or was, known there. */
static void tell_link(struct pass *pass, struct mailbox *mailbox,
	const struct op *op, struct report_op *told)
{
	const struct mailbox_link *link = mailbox_link(mailbox, op->row);

	told->to = mailbox->server_name;
	told->uid = link->from_uid;
	pass_done(pass, link->from, told);
}

void apply_tell(struct pass *pass, struct mailbox *mailbox, const struct op *op,
	uint32_t uid, struct str file)
{
	struct buf change = {0};
	struct report_op told = {
		.uid = uid,
		.file = file,
		.reason = str_of(op_reason_text(op->reason)),
		.side = op_side(op->kind) == LOCAL ? REPORT_LOCAL
						   : REPORT_SERVER,
	};

	if (!verb_of(op->kind, &told.verb))
		return;
	if ((APPLY_BROUGHT & 1U << op->kind) != 0) {
		tell_link(pass, mailbox, op, &told);
		return;
	}
	if (told.verb == REPORT_MOVE && pass->trash != NULL)
		told.to = pass->trash->server_name;
	if (told.verb == REPORT_FLAG)
		add_change(&change, mailbox, op);
	told.flags = buf_str(&change);
	pass_done(pass, mailbox, &told);
	buf_clear(&change);
}

/* ---- What only the journal learns ---------------------------------------- */

/* Whether a file of which only the bytes are known is stored as it came: one
 * with bare LFs, of which the server counts as many bytes as the disk. */
static bool is_raw(
	const struct file_facts *as_lf, const struct remote_item *remote)
{
	return as_lf->disk_bytes != as_lf->wire_bytes &&
	       as_lf->disk_bytes == remote->bytes;
}

/* What the file of a pair is, and in which form: the journal's entry under
 * another UIDVALIDITY tells, or else the file. */
static enum fs_result measure_pair(struct mailbox *mailbox,
	const struct row *row, struct file_facts *facts_r,
	enum line_form *form_r, struct err *err)
{
	struct local_item *item = &mailbox->scan.items[row->local];
	const struct file_facts *known = mailbox_facts(mailbox, row->local);
	enum fs_result result = FS_OK;

	*form_r = apply_line_form(mailbox, row);
	if (known != NULL)
		*facts_r = *known;
	else
		result = delta_identify(
			&mailbox->md, item, *form_r, facts_r, err);
	if (result != FS_OK || (row->present & SIDE_BIT(BASE)) != 0 ||
		!is_raw(facts_r, &mailbox->remote[row->remote]))
		return result;
	*form_r = LINE_FORM_RAW;
	return delta_identify(&mailbox->md, item, *form_r, facts_r, err);
}

/* A file that was renamed since the scan, or cannot be read: the next run. */
static void pair_later(struct pass *pass, struct mailbox *mailbox,
	const struct row *row, enum fs_result result, const struct err *err)
{
	if (result == FS_FAILED)
		pass_error(pass, mailbox, err, row->uid,
			mailbox->scan.items[row->local].file_name);
	mailbox->keeps_intents = true;
	apply_failed(mailbox);
}

/* Both sides have it already: the entry is made of what delta found. */
static int record_pair(struct pass *pass, struct mailbox *mailbox,
	const struct op *op, struct err *err)
{
	const struct row *row = apply_row(mailbox, op);
	const struct remote_item *remote = &mailbox->remote[row->remote];
	struct file_facts facts = {0};
	enum line_form form;
	enum fs_result result = measure_pair(mailbox, row, &facts, &form, err);
	const struct journal_detail detail = {
		.identity = facts.identity, .email_key = remote->email_key};
	const struct journal_message message = {
		.uid = row->uid,
		.flags = op->base,
		.name = mailbox->scan.items[row->local].name,
		.internaldate_s = remote->date_s,
		.zone_min = remote->zone_minutes,
		.stored_raw = form == LINE_FORM_RAW,
		.detail = &detail,
	};

	if (result == FS_OK)
		return apply_record(pass, mailbox, op, &message, err);
	if (result == FS_FAILED && err->scope > ERR_MESSAGE)
		return -1;
	pair_later(pass, mailbox, row, result, err);
	return 0;
}

static int record_op(struct pass *pass, struct mailbox *mailbox,
	const struct op *op, struct err *err)
{
	switch (op->kind) {
	case OP_PAIR:
		return record_pair(pass, mailbox, op, err);
	case OP_FLAG_BASE:
		pending_clear(mailbox, op);
		return rewrite(pass, mailbox, apply_row(mailbox, op)->uid,
			op->base, err);
	case OP_FORGET:
		pending_clear(mailbox, op);
		/* Entries of another UIDVALIDITY are forgotten already. */
		if (apply_row(mailbox, op)->stale)
			return 0;
		return entry_delete(
			pass, mailbox, apply_row(mailbox, op)->uid, err);
	case OP_CONFLICT:
		pass->summary.conflicts++;
		pass_note(pass, mailbox, "message %u is kept as it is: %s",
			(unsigned)apply_row(mailbox, op)->uid,
			op_reason_text(op->reason));
		return 0;
	default:
		return 0;
	}
}

/* Whether the message of this UID is still to go to the trash. */
static bool is_trashed(const struct mailbox *mailbox, uint32_t uid)
{
	const struct op *op;

	for (size_t at = 0;
		(op = apply_next(mailbox, OP_TRASH_REMOTE, &at)) != NULL;
		at++) {
		if (apply_row(mailbox, op)->uid == uid)
			return true;
	}
	return false;
}

/* Intents are settled: their messages are paired now, or to be sent again. A
 * copy's is only when the original has left, or is to stay. */
static void drop_intents(struct pass *pass, struct mailbox *mailbox)
{
	if (mailbox->keeps_intents)
		return;
	for (size_t i = 0; i < mailbox->intents.count; i++) {
		uint64_t sequence = mailbox->intents.items[i].sequence;

		if (sequence != 0)
			journal_intent_delete(
				&pass->journal, &pass->batch, sequence);
	}
	for (size_t i = 0; i < mailbox->copies.count; i++) {
		const struct journal_intent *copy = &mailbox->copies.items[i];

		if (!is_trashed(mailbox, copy->record.source_uid))
			journal_intent_delete(
				&pass->journal, &pass->batch, copy->sequence);
	}
}

/* The journal's entries of another UIDVALIDITY mean nothing any more. */
static int forget_old_uids(
	struct pass *pass, struct mailbox *mailbox, struct err *err)
{
	bool more = true;

	if (!mailbox->in_journal || !mailbox->renumbered)
		return 0;
	mailbox_record_unsettle(&mailbox->record);
	journal_mailbox_put(
		&pass->journal, &pass->batch, mailbox->id, &mailbox->record);
	while (more) {
		if (journal_messages_forget(&pass->journal, &pass->batch,
			    mailbox->id, &more, err) != 0 ||
			pass_commit(pass, err) != 0)
			return -1;
	}
	return 0;
}

/* Makes the mailbox known to the journal, under the UIDVALIDITY it has. */
static void register_mailbox(struct pass *pass, struct mailbox *mailbox)
{
	struct mailbox_record *record = &mailbox->record;

	if (mailbox->in_journal && record->uidvalidity == mailbox->uidvalidity)
		return;
	record->name = mailbox->name;
	record->server_name = mailbox->server_name;
	record->wire_name = mailbox->wire_name;
	record->uidvalidity = mailbox->uidvalidity;
	record->folder_inode = mailbox->scan.stamp.cur.inode;
	mailbox_record_unsettle(record);
	if (!mailbox->in_journal)
		mailbox->id = journal_mailbox_add(
			&pass->journal, &pass->batch, record);
	else
		journal_mailbox_put(
			&pass->journal, &pass->batch, mailbox->id, record);
	mailbox->in_journal = true;
	mailbox->base.mailbox = mailbox->id;
}

/* Whether what is recorded so far may be committed without the rest. Where
 * intents are to go, they do with all that comes of them. */
static bool may_part(const struct pass *pass, const struct mailbox *mailbox)
{
	return mailbox->intents.count == 0 && mailbox->copies.count == 0 &&
	       pass->batch.count >=
		       (size_t)RECORDS_A_MESSAGE * LIMIT_BATCH_MESSAGES;
}

static int record_mailbox(
	struct pass *pass, struct mailbox *mailbox, struct err *err)
{
	bool reads = mailbox->on_local && apply_has(mailbox, 1U << OP_PAIR);
	int result = 0;

	if (forget_old_uids(pass, mailbox, err) != 0)
		return -1;
	register_mailbox(pass, mailbox);
	if (reads && mailbox_open_maildir(pass, mailbox, false, err) != 0)
		return -1;
	for (size_t i = 0; i < mailbox->plan.count && result == 0; i++) {
		result = record_op(pass, mailbox, &mailbox->plan.ops[i], err);
		if (result == 0 && may_part(pass, mailbox))
			result = pass_later(
				pass, mailbox, LIMIT_BATCH_MESSAGES, err);
	}
	mailbox_close_maildir(mailbox);
	if (result != 0)
		return -1;
	drop_intents(pass, mailbox);
	return pass_later(
		pass, mailbox, pass->batch.count / RECORDS_A_MESSAGE, err);
}

/* ---- The order ----------------------------------------------------------- */

/* What was copied by an earlier run may leave; of the rest each copy has to be
 * proven first. */
static bool may_leave(const struct mailbox *mailbox, const struct op *op)
{
	return apply_row(mailbox, op)->origin != ROW_LEFT ||
	       mailbox_link(mailbox, op->row)->intent != 0;
}

static void note_pending(struct mailbox *mailbox)
{
	mailbox->pending = arena_array(&mailbox->arena, mailbox->match.count,
		sizeof(*mailbox->pending));
	for (size_t i = 0; i < mailbox->plan.count; i++) {
		const struct op *op = &mailbox->plan.ops[i];

		if (may_leave(mailbox, op))
			mailbox->pending[op->row] |= 1U << op->kind;
	}
}

/* Does one step to every mailbox that still takes part. What fails there for
 * the disk's sake fails the account. */
static int each_unflushed(struct pass *pass,
	int (*step)(
		struct pass *pass, struct mailbox *mailbox, struct err *err),
	struct err *err)
{
	for (size_t i = 0; i < pass->count; i++) {
		struct mailbox *mailbox = &pass->mailboxes[i];
		enum task_step done;

		if (!mailbox_is_busy(mailbox))
			continue;
		done = step(pass, mailbox, err) == 0 ? TASK_DONE : TASK_FAILED;
		if (end_step(pass, done) == TASK_DONE)
			continue;
		if (err->scope >= ERR_ACCOUNT)
			return -1;
		pass_mailbox_failed(pass, mailbox, err);
	}
	return 0;
}

/* And makes durable what it has done. */
static int each(struct pass *pass,
	int (*step)(
		struct pass *pass, struct mailbox *mailbox, struct err *err),
	struct err *err)
{
	return each_unflushed(pass, step, err) == 0 ? pass_flush(pass, err)
						    : -1;
}

/* Whether some mailbox has such work. */
static bool any_has(const struct pass *pass, unsigned kinds)
{
	for (size_t i = 0; i < pass->count; i++) {
		const struct mailbox *mailbox = &pass->mailboxes[i];

		if (mailbox_is_busy(mailbox) && apply_has(mailbox, kinds))
			return true;
	}
	return false;
}

/* The mailbox's folder and the way to it are to be durable. */
static int sync_way(struct pass *pass, struct mailbox *mailbox, struct err *err)
{
	struct buf path = {0};
	struct maildir_place place = {
		.fs = &pass->ports->fs, .root = pass->root};
	enum fs_result result = FS_FAILED;

	pass->names_due = true;
	if (mailbox_name_path(
		    pass->account->layout, mailbox->name, &path, err) == 0) {
		place.path = buf_str(&path);
		result = maildir_sync_way(&place, pass->synced_way, err);
	}
	if (result == FS_OK)
		pass->synced_way = arena_str(&pass->arena, place.path);
	buf_clear(&path);
	return result == FS_FAILED ? -1 : 0;
}

/*
 * What the scan saw was done by others, who need not have made it durable. Once
 * the server or the journal has learnt it, a power cut must not undo it here: a
 * message that was saved, uploaded and then lost with its name would look like
 * one that the user removed, and its last copy go from the server; a flag would
 * look taken away, a moved message be uploaded to where it came from. So all
 * names are made durable before anything that follows from them is written.
 * (A folder that is gone altogether may come back: then it is a new one.)
 */
static int keep_seen(
	struct pass *pass, struct mailbox *mailbox, struct err *err)
{
	const unsigned derived = 1U << OP_PAIR | 1U << OP_PUSH |
				 1U << OP_COPY_REMOTE | 1U << OP_MOVE_REMOTE |
				 1U << OP_FLAG_REMOTE | 1U << OP_FLAG_BASE |
				 1U << OP_REMOVE_REMOTE |
				 1U << OP_TRASH_REMOTE | 1U << OP_MARK_REMOTE |
				 1U << OP_LEAVE_REMOTE | 1U << OP_FORGET;
	int result;

	if (!mailbox->on_local)
		return 0;
	if ((!mailbox->in_journal || mailbox->is_made) &&
		sync_way(pass, mailbox, err) != 0)
		return -1;
	if (!apply_has(mailbox, derived) && mailbox->moved_out == 0)
		return 0;
	if (mailbox_open_maildir(pass, mailbox, false, err) != 0)
		return -1;
	result = pass_names_later(pass, mailbox, err);
	mailbox_close_maildir(mailbox);
	return result;
}

static int prepare(struct pass *pass, struct mailbox *mailbox, struct err *err)
{
	note_pending(mailbox);
	if (keep_seen(pass, mailbox, err) != 0 ||
		local_leftovers(pass, mailbox, err) != 0 ||
		spare_drop(pass, mailbox, err) != 0)
		return -1;
	return pass_later(pass, mailbox, 0, err);
}

/* Copies what other mailboxes have by now; the rest is downloaded, too. */
static int pull_twins(struct pass *pass, struct err *err)
{
	if (each(pass, twins_copy, err) != 0)
		return -1;
	return twins_release(pass) ? pull_all(pass, err) : 0;
}

/* The last thing that is done needs no commit of its own: that of settle does
 * for both. */
static int set_local_flags(struct pass *pass, struct err *err)
{
	const unsigned follows = 1U << OP_FLAG_REMOTE | 1U << OP_REMOVE_REMOTE |
				 1U << OP_TRASH_REMOTE | 1U << OP_MARK_REMOTE |
				 1U << OP_LEAVE_REMOTE | 1U << OP_REMOVE_LOCAL;

	if (each_unflushed(pass, local_flags, err) != 0)
		return -1;
	return any_has(pass, follows) ? pass_flush(pass, err) : 0;
}

static int remove_local(struct pass *pass, struct err *err)
{
	if (!any_has(pass, 1U << OP_REMOVE_LOCAL))
		return 0;
	if (each(pass, local_make_vault, err) != 0)
		return -1;
	return each_unflushed(pass, local_removals, err);
}

int apply(struct pass *pass, struct err *err)
{
	if (each(pass, prepare, err) != 0 ||
		each(pass, record_mailbox, err) != 0 ||
		twins_hold(pass, err) != 0 || pull_all(pass, err) != 0 ||
		pull_twins(pass, err) != 0 || push_all(pass, err) != 0 ||
		each(pass, move_local_copies, err) != 0 ||
		move_remote(pass, OP_COPY_REMOTE, err) != 0 ||
		each(pass, move_local, err) != 0 ||
		move_remote(pass, OP_MOVE_REMOTE, err) != 0 ||
		set_local_flags(pass, err) != 0 ||
		remote_flags(pass, err) != 0 ||
		remote_removals(pass, err) != 0 || remove_local(pass, err) != 0)
		return -1;
	return 0;
}
