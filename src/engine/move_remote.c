/*
 * How: a task for each pair of mailboxes that something goes between. Messages
 * go in chunks: intents are committed, one MOVE or COPY sent; COPYUID names the
 * new UIDs, or else all headers from the target's UIDNEXT on are fetched and
 * paired; then the entries are committed. A COPYUID that names a UID of another
 * message is not believed; and where the original will be expunged, or was
 * moved and is not told to be gone, the copy is to be seen before. What was
 * refused, or whose answer was lost with the connection, may be done or not: it
 * is left for the next run, which lists both mailboxes and sees. A chunk that
 * is refused is tried message by message, so that one bad message does not hold
 * up the rest.
 */
#include "move_remote.h"

#include "apply.h"
#include "intents.h"

#include "godwit/base/limits.h"
#include "godwit/imap/set.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* One message on its way. */
struct carried {
	const struct op *op;
	struct mailbox_link *link;
	const struct local_item *item; /* its file */
	uint64_t intent;
	uint32_t uid; /* in the target; 0: not known (yet) */
	bool shown;   /* by the target, under that UID */
	bool passed;  /* told, or left for the next run */
};

enum stage {
	STAGE_SELECT, /* the source */
	STAGE_CARRY,
	STAGE_SELECT_TARGET,
	STAGE_LOOK,
};

struct move_task {
	struct task task; /* its mailbox is the source */
	struct pass *pass;
	struct mailbox *target;
	size_t turn;         /* of those to the target: its number */
	struct carried *all; /* borrowed: [0, count) */
	size_t count;
	size_t first; /* the chunk: [first, end) */
	size_t end;
	size_t singly; /* up to here messages go one by one */
	enum stage stage;
	unsigned awaited;
	uint32_t uidnext; /* of the target: its new UIDs are not below */
	bool refused;
	struct err why;
	uint64_t gone; /* so many the server told to be gone from the source */
	bool proves;   /* whether what COPYUID names is there is looked for */
	struct match_identities headers; /* of the target; on the heap */
	uint32_t *header_uids;           /* likewise, parallel */
	size_t header_cap;
	size_t header_uid_cap;
};

static enum task_step next_chunk(struct move_task *move, struct err *err);

/* ---- Commands ------------------------------------------------------------ */

static void submit(struct move_task *move, const struct imap_command *command)
{
	conn_submit(move->task.conn, command);
	move->awaited++;
}

/* Whether the originals are to be expunged, or marked, once there are copies.
 */
static bool leaves(const struct move_task *move)
{
	return move->all[move->first].link->leaves;
}

static bool by_move(const struct move_task *move)
{
	return move->all[move->first].op->kind == OP_MOVE_REMOTE &&
	       !leaves(move);
}

static void send_chunk(struct move_task *move)
{
	struct imap_command command = {
		.kind = by_move(move) ? IMAP_MOVE : IMAP_COPY};
	struct imap_set set = {0};
	struct buf text = {0};

	for (size_t i = move->first; i < move->end; i++)
		imap_set_add(&set, move->all[i].link->from_uid);
	imap_set_print(&set, &text);
	command.copy.set = buf_str(&text);
	command.copy.mailbox = move->target->wire_name;
	move->stage = STAGE_CARRY;
	move->gone = 0;
	submit(move, &command);
	buf_clear(&text);
	imap_set_clear(&set);
}

static enum task_step begin_look(struct move_task *move)
{
	struct imap_command command = {.kind = IMAP_SELECT};

	move->stage = STAGE_SELECT_TARGET;
	command.select.mailbox = move->target->wire_name;
	task_open(&move->task, &command);
	move->awaited++;
	return TASK_MORE;
}

/* Asks for those that were named. */
static void send_proof(struct move_task *move)
{
	struct imap_command command = {.kind = IMAP_FETCH};
	struct imap_set set = {0};
	struct buf text = {0};

	for (size_t i = move->first; i < move->end; i++) {
		move->all[i].shown = false;
		if (move->all[i].uid != 0)
			imap_set_add(&set, move->all[i].uid);
	}
	imap_set_print(&set, &text);
	command.fetch.set = buf_str(&text);
	command.fetch.items = IMAP_FETCH_UID;
	submit(move, &command);
	buf_clear(&text);
	imap_set_clear(&set);
}

static void send_headers(struct move_task *move)
{
	struct imap_command command = {.kind = IMAP_FETCH};
	char set[32];

	move->headers.count = 0;
	(void)snprintf(set, sizeof(set), "%" PRIu32 ":*", move->uidnext);
	command.fetch.set = str_of(set);
	command.fetch.items =
		IMAP_FETCH_UID | IMAP_FETCH_SIZE | IMAP_FETCH_HEADER;
	submit(move, &command);
}

static void send_look(struct move_task *move)
{
	move->stage = STAGE_LOOK;
	if (move->proves)
		send_proof(move);
	else
		send_headers(move);
}

/* ---- Chunks -------------------------------------------------------------- */

/* The least UID that what comes now can get; Courier does not tell. */
static uint32_t uidnext_of(const struct mailbox *mailbox)
{
	if (mailbox->uidnext > 0)
		return (uint32_t)mailbox->uidnext;
	if (mailbox->remote_count > 0)
		return mailbox->remote[mailbox->remote_count - 1].uid + 1;
	return 1;
}

static int commit_intents(struct move_task *move, struct err *err)
{
	struct pass *pass = move->pass;
	struct intent_record record = {
		.kind = move->all[move->first].op->kind == OP_MOVE_REMOTE
				? INTENT_MOVE
				: INTENT_COPY,
		.mailbox = move->target->id,
		.uidvalidity = move->target->uidvalidity,
		.uidnext = move->uidnext,
		.source_mailbox = move->task.mailbox->id,
	};

	for (size_t i = move->first; i < move->end; i++) {
		struct carried *carried = &move->all[i];

		if (carried->intent != 0)
			continue;
		record.identity = carried->link->identity;
		record.name = carried->item->name;
		record.source_uid = carried->link->from_uid;
		carried->intent = journal_intent_add(
			&pass->journal, &pass->batch, &record);
	}
	return pass_commit(pass, err);
}

/* It may be done or not: the next run sees. */
static void give_up(struct move_task *move, struct carried *carried)
{
	carried->passed = true;
	apply_stalled(move->target, carried->op);
	apply_failed(move->task.mailbox);
}

static void give_up_chunk(struct move_task *move)
{
	for (size_t i = move->first; i < move->end; i++) {
		if (!move->all[i].passed)
			give_up(move, &move->all[i]);
	}
}

static int record(
	struct move_task *move, struct carried *carried, struct err *err)
{
	struct pass *pass = move->pass;
	struct mailbox *target = move->target;
	struct mailbox_link *link = carried->link;
	const struct trouble_key trouble = {.mailbox = target->id,
		.side = LOCAL,
		.name = carried->item->name};
	const struct journal_detail detail = {
		.identity = link->identity, .email_key = link->email_key};
	const struct journal_message message = {
		.uid = carried->uid,
		.flags = carried->op->base,
		.name = carried->item->name,
		.internaldate_s = link->date_s,
		.zone_min = link->zone_minutes,
		.stored_raw = link->stored_raw,
		.detail = &detail,
	};

	apply_row(target, carried->op)->uid = carried->uid;
	journal_trouble_clear(&pass->journal, &pass->batch, &trouble);
	/* What was to be removed as a whole, and cannot be, is left alone. */
	if (!link->leaves || link->from->part == MAILBOX_DETACHED)
		journal_intent_delete(
			&pass->journal, &pass->batch, carried->intent);
	return apply_record(pass, target, carried->op, &message, err);
}

/* Its copy is proven: the original may go. */
static void let_leave(const struct carried *carried)
{
	const struct mailbox_link *link = carried->link;

	/* One that takes part no more is the next run's: the intent tells. */
	if (!link->leaves || !mailbox_is_active(link->from))
		return;
	mailbox_link(link->from, link->from_row)->intent = carried->intent;
	link->from->pending[link->from_row] |=
		1U << (link->from->policy.can_expunge ? OP_LEAVE_REMOTE
						      : OP_MARK_REMOTE);
}

/* Commits what has a UID now. */
static int commit_chunk(struct move_task *move, struct err *err)
{
	for (size_t i = move->first; i < move->end; i++) {
		if (move->all[i].uid != 0 && !move->all[i].passed &&
			record(move, &move->all[i], err) != 0)
			return -1;
	}
	if (pass_commit(move->pass, err) != 0)
		return -1;
	pool_unselect(move->pass->pool, move->target);
	for (size_t i = move->first; i < move->end; i++) {
		struct carried *carried = &move->all[i];

		if (carried->uid == 0 || carried->passed)
			continue;
		carried->passed = true;
		let_leave(carried);
		apply_tell(move->pass, move->target, carried->op, 0,
			carried->item->file_name);
	}
	move->task.achieved++;
	return 0;
}

/* Whether it can go in one command with those before it: in the same way, and
 * not from the same message, of which one command makes one copy. */
static bool fits(const struct move_task *move, size_t at)
{
	const struct mailbox_link *link = move->all[at].link;
	const struct mailbox_link *last = move->all[at - 1].link;

	return link->leaves == last->leaves && link->from_uid != last->from_uid;
}

static enum task_step next_chunk(struct move_task *move, struct err *err)
{
	size_t most = move->end < move->singly ? 1 : LIMIT_BATCH_MESSAGES;

	move->first = move->end;
	while (move->first < move->count && move->all[move->first].passed)
		move->first++;
	if (move->first == move->count)
		return TASK_DONE;
	move->end = move->first + 1;
	while (move->end < move->count && move->end - move->first < most &&
		!move->all[move->end].passed && fits(move, move->end))
		move->end++;
	if (commit_intents(move, err) != 0)
		return TASK_FAILED;
	send_chunk(move);
	if (move->end == move->count)
		task_said(&move->task);
	return TASK_MORE;
}

/* ---- Answers ------------------------------------------------------------- */

/* Whether the journal has a message of the target's with this UID; -1: err. */
static int is_recorded(struct move_task *move, uint32_t uid, struct err *err)
{
	struct journal_message message;
	struct arena scratch = {0};
	int found = journal_message(
		&move->target->base, uid, &scratch, &message, err);

	arena_clear(&scratch);
	return found;
}

static void name(struct move_task *move, uint32_t from, uint32_t uid)
{
	for (size_t i = move->first; i < move->end; i++) {
		if (move->all[i].link->from_uid == from)
			move->all[i].uid = uid;
	}
}

static void copyuid(struct move_task *move, const struct imap_code *code)
{
	struct imap_set_iter from = {0};
	struct imap_set_iter to = {0};
	uint32_t from_uid;
	uint32_t uid;

	if (code->kind != IMAP_CODE_COPYUID || code->source == NULL ||
		code->uids == NULL ||
		code->uidvalidity != move->target->uidvalidity ||
		imap_set_size(code->source) != imap_set_size(code->uids) ||
		imap_set_size(code->source) > move->end - move->first)
		return;
	while (imap_set_next(code->source, &from, &from_uid) &&
		imap_set_next(code->uids, &to, &uid))
		name(move, from_uid, uid);
}

/* Whether none of the UIDs that are named can be another message's. 1: none;
 * 0: one is; -1: err. */
static int is_credible(struct move_task *move, struct err *err)
{
	struct imap_set named = {0};
	int known = 0;

	for (size_t i = move->first; i < move->end && known == 0; i++) {
		uint32_t uid = move->all[i].uid;

		if (uid == 0)
			continue;
		known = uid < move->uidnext || imap_set_contains(&named, uid)
				? 1
				: is_recorded(move, uid, err);
		imap_set_add(&named, uid);
	}
	imap_set_clear(&named);
	return known < 0 ? -1 : known == 0;
}

static void unname(struct move_task *move)
{
	for (size_t i = move->first; i < move->end; i++)
		move->all[i].uid = 0;
}

static size_t count_named(const struct move_task *move)
{
	size_t count = 0;

	for (size_t i = move->first; i < move->end; i++)
		count += move->all[i].uid != 0;
	return count;
}

/* Whether the copies that were named are to be seen before they are believed:
 * where the originals are to be expunged for them, or a MOVE has not told that
 * those are gone (RFC 6851 section 3.3). */
static bool needs_proof(const struct move_task *move)
{
	return leaves(move) ||
	       (by_move(move) && move->gone < count_named(move));
}

/* One message that the server does not let go; it is tried again later. */
static void refused_singly(struct move_task *move)
{
	struct carried *carried = &move->all[move->first];
	const struct trouble_key key = {
		.mailbox = move->target->id,
		.side = LOCAL,
		.name = carried->item->name,
	};

	move->why.scope = ERR_MESSAGE;
	journal_intent_delete(
		&move->pass->journal, &move->pass->notes, carried->intent);
	pass_message_failed(move->pass, move->target, &key, &move->why);
	give_up(move, carried);
}

static enum task_step refused(struct move_task *move, struct err *err)
{
	size_t first = move->first;

	unname(move); /* of a MOVE half done */
	if (move->end - first == 1) {
		refused_singly(move);
		return next_chunk(move, err);
	}
	move->singly = move->end;
	move->end = first;
	return next_chunk(move, err);
}

static enum task_step carried_over(struct move_task *move, struct err *err)
{
	int credible;

	if (move->refused)
		return refused(move, err);
	credible = is_credible(move, err);
	if (credible < 0)
		return TASK_FAILED;
	if (credible == 0)
		unname(move);
	move->proves = count_named(move) > 0 && needs_proof(move);
	if (move->proves || count_named(move) == 0)
		return begin_look(move);
	/* What COPYUID does not name was not there. */
	if (commit_chunk(move, err) != 0)
		return TASK_FAILED;
	give_up_chunk(move);
	return next_chunk(move, err);
}

/* ---- Looking up ---------------------------------------------------------- */

static void uid_seen(struct move_task *move, const struct imap_fetch *fetched)
{
	for (size_t i = move->first; i < move->end; i++) {
		if ((fetched->present & IMAP_FETCH_UID) != 0 &&
			move->all[i].uid == fetched->uid)
			move->all[i].shown = true;
	}
}

static void header_seen(
	struct move_task *move, const struct imap_fetch *fetched)
{
	const unsigned needed =
		IMAP_FETCH_UID | IMAP_FETCH_SIZE | IMAP_FETCH_HEADER;
	size_t at = move->headers.count;

	if ((fetched->present & needed) != needed || fetched->header_nil ||
		fetched->header_not_kept || fetched->uid < move->uidnext)
		return;
	move->headers.items = array_grow(move->headers.items, &move->header_cap,
		at + 1, sizeof(*move->headers.items));
	move->header_uids = array_grow(move->header_uids, &move->header_uid_cap,
		at + 1, sizeof(*move->header_uids));
	identity_of_header(fetched->header, fetched->size,
		&move->headers.items[at].identity);
	move->headers.items[at].row = 0;
	move->header_uids[at] = fetched->uid;
	move->headers.count++;
}

/* Who is in the journal is somebody else. */
static int drop_known(struct move_task *move, struct err *err)
{
	for (size_t i = 0; i < move->headers.count; i++) {
		int found = is_recorded(move, move->header_uids[i], err);

		if (found < 0)
			return -1;
		if (found > 0)
			move->headers.items[i].row = PLAN_NONE;
	}
	return 0;
}

/* A header that is told twice is one message's. */
static void header_taken(struct move_task *move, uint32_t uid)
{
	for (size_t i = 0; i < move->headers.count; i++) {
		if (move->header_uids[i] == uid)
			move->headers.items[i].row = PLAN_NONE;
	}
}

static void name_by_headers(struct move_task *move)
{
	for (size_t i = move->first; i < move->end; i++) {
		struct carried *carried = &move->all[i];
		size_t found =
			intents_find(&move->headers, &carried->link->identity);

		if (carried->passed || found == move->headers.count)
			continue;
		carried->uid = move->header_uids[found];
		header_taken(move, carried->uid);
	}
}

static void unname_unseen(struct move_task *move)
{
	for (size_t i = move->first; i < move->end; i++) {
		if (!move->all[i].shown)
			move->all[i].uid = 0;
	}
}

static enum task_step looked(struct move_task *move, struct err *err)
{
	if (move->proves) {
		unname_unseen(move);
	} else {
		if (drop_known(move, err) != 0)
			return TASK_FAILED;
		name_by_headers(move);
	}
	if (commit_chunk(move, err) != 0)
		return TASK_FAILED;
	give_up_chunk(move);
	move->stage = STAGE_SELECT;
	if (task_select(&move->task) == 0)
		return next_chunk(move, err);
	move->awaited++;
	return TASK_MORE;
}

/* ---- The machine --------------------------------------------------------- */

static enum task_step stage_over(struct move_task *move,
	const struct imap_status_line *line, struct err *err)
{
	switch (move->stage) {
	case STAGE_SELECT:
		return task_selected(&move->task, line, err) != 0
			       ? TASK_FAILED
			       : next_chunk(move, err);
	case STAGE_CARRY:
		copyuid(move, &line->code);
		return carried_over(move, err);
	case STAGE_SELECT_TARGET:
		if (!move->refused) {
			send_look(move);
			return TASK_MORE;
		}
		break;
	case STAGE_LOOK:
		if (!move->refused)
			return looked(move, err);
		break;
	}
	*err = move->why;
	return TASK_FAILED;
}

static enum task_step answered(struct move_task *move,
	const struct imap_status_line *line, struct err *err)
{
	enum task_step step;

	if (line->condition != IMAP_OK) {
		move->refused = true;
		err_set(&move->why, ERR_MAILBOX, ERR_LATER, ERR_SYNC,
			move->stage == STAGE_CARRY
				? "the server does not move or copy a message "
				  "to where it was moved or copied in the "
				  "Maildir: %.*s; it is tried again later"
				: "the server does not show what was moved or "
				  "copied: %.*s; the next run looks again",
			STR_FMT(err_said(line->text)));
	}
	if (--move->awaited > 0)
		return TASK_MORE;
	step = stage_over(move, line, err);
	move->refused = false;
	return step;
}

/* What it has not committed is not to go along with others' commits. */
static enum task_step end_step(struct move_task *move, enum task_step step)
{
	if (step == TASK_FAILED)
		pass_discard(move->pass);
	return step;
}

static void carrying_told(
	struct move_task *move, const struct imap_response *response)
{
	if (response->kind == IMAP_RESPONSE_CONDITION)
		copyuid(move, &response->line.code);
	else if (response->kind == IMAP_RESPONSE_EXPUNGE)
		move->gone++;
	else if (response->kind == IMAP_RESPONSE_VANISHED)
		move->gone += imap_set_size(response->vanished.uids);
}

static void told(struct move_task *move, const struct imap_response *response)
{
	if (move->stage == STAGE_CARRY)
		carrying_told(move, response);
	if (move->stage != STAGE_LOOK || response->kind != IMAP_RESPONSE_FETCH)
		return;
	if (move->proves)
		uid_seen(move, &response->fetch);
	else
		header_seen(move, &response->fetch);
}

static enum task_step move_event(
	struct task *task, const struct imap_event *event, struct err *err)
{
	struct move_task *move = (struct move_task *)task;

	if (event->kind == IMAP_EVENT_TAGGED)
		return end_step(
			move, answered(move, &event->response->line, err));
	if (event->kind == IMAP_EVENT_UNTAGGED)
		told(move, event->response);
	return TASK_MORE;
}

static enum task_step move_begin(struct task *task, struct err *err)
{
	struct move_task *move = (struct move_task *)task;

	/* The connection broke: what was asked may be done. */
	if (task->tries > 1)
		give_up_chunk(move);
	move->awaited = 0;
	move->refused = false;
	move->stage = STAGE_SELECT;
	if (task_select(task) == 0)
		return end_step(move, next_chunk(move, err));
	move->awaited = 1;
	return TASK_MORE;
}

/* ---- All mailboxes ------------------------------------------------------- */

static int by_source(const void *a, const void *b)
{
	const struct carried *x = a;
	const struct carried *y = b;

	if (x->link->from != y->link->from)
		return x->link->from < y->link->from ? -1 : 1;
	return (x->link->from_uid > y->link->from_uid) -
	       (x->link->from_uid < y->link->from_uid);
}

/* What comes to a mailbox, by where it comes from. */
static struct carried *gather(
	struct pass *pass, struct mailbox *target, enum op_kind kind)
{
	struct carried *all = arena_array(
		&pass->arena, target->plan.per_kind[kind], sizeof(*all));
	const struct op *op;
	size_t count = 0;

	for (size_t at = 0; (op = apply_next(target, kind, &at)) != NULL;
		at++) {
		const struct row *row = apply_row(target, op);

		all[count++] = (struct carried){
			.op = op,
			.link = mailbox_link(target, op->row),
			.item = &target->scan.items[row->local],
		};
	}
	qsort(all, count, sizeof(*all), by_source);
	return all;
}

/* Tasks, in an array that grows. */
struct tasks {
	struct move_task *items; /* on the heap */
	size_t count;
	size_t cap;
};

static void add_tasks(struct pass *pass, struct mailbox *target,
	enum op_kind kind, struct tasks *tasks)
{
	static const struct task_kind task_kind = {move_begin, move_event};
	struct carried *all = gather(pass, target, kind);
	size_t count = target->plan.per_kind[kind];
	size_t turn = 0;
	size_t end;

	for (size_t i = 0; i < count; i = end) {
		struct mailbox *from = all[i].link->from;

		for (end = i + 1; end < count && all[end].link->from == from;)
			end++;
		if (from->part == MAILBOX_BROKEN) {
			while (i < end)
				apply_stalled(target, all[i++].op);
			continue;
		}
		tasks->items = array_grow(tasks->items, &tasks->cap,
			tasks->count + 1, sizeof(*tasks->items));
		tasks->items[tasks->count++] = (struct move_task){
			.task = {.kind = &task_kind, .mailbox = from},
			.pass = pass,
			.target = target,
			.turn = turn++,
			.all = &all[i],
			.count = end - i,
			.uidnext = uidnext_of(target),
		};
	}
}

/* Runs those whose turn it is. How many are to come. */
static int run_turn(struct pass *pass, struct tasks *tasks, size_t turn,
	size_t *later_r, struct err *err)
{
	struct arena scratch = {0};
	struct task **queue =
		arena_array(&scratch, tasks->count, sizeof(struct task *));
	size_t count = 0;
	int result;

	*later_r = 0;
	for (size_t i = 0; i < tasks->count; i++) {
		if (tasks->items[i].turn == turn)
			queue[count++] = &tasks->items[i].task;
		*later_r += tasks->items[i].turn > turn;
	}
	result = pool_run(pass->pool, queue, count, 1, err);
	arena_clear(&scratch);
	return result;
}

/* What goes to one mailbox from several goes one after the other: it must not
 * be looked for by all of them at once. */
static int run_all(struct pass *pass, struct tasks *tasks, struct err *err)
{
	size_t later = tasks->count;

	for (size_t turn = 0; later > 0; turn++) {
		if (run_turn(pass, tasks, turn, &later, err) != 0)
			return -1;
	}
	for (size_t i = 0; i < tasks->count; i++) {
		struct move_task *move = &tasks->items[i];

		if (move->task.result != TASK_FAILED)
			continue;
		pass_mailbox_failed(pass, move->target, &move->task.err);
		apply_failed(move->task.mailbox);
	}
	return 0;
}

int move_remote(struct pass *pass, enum op_kind kind, struct err *err)
{
	struct tasks tasks = {0};
	int result;

	for (size_t i = 0; i < pass->count; i++) {
		struct mailbox *target = &pass->mailboxes[i];

		if (mailbox_is_active(target) && apply_has(target, 1U << kind))
			add_tasks(pass, target, kind, &tasks);
	}
	result = run_all(pass, &tasks, err);
	for (size_t i = 0; i < tasks.count; i++) {
		free(tasks.items[i].headers.items);
		free(tasks.items[i].header_uids);
	}
	free(tasks.items);
	if (result != 0)
		pass_discard(pass);
	return result;
}
