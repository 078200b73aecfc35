/*
 * How: a task a mailbox. Where intents are open, it selects the trash, fetches
 * the headers of what may have come there since, and pairs them with its
 * messages. Then it goes through them in chunks whose messages stand alike:
 * those that were found are expunged; the others get intents (with the UIDNEXT
 * that STATUS tells), are copied, and are expunged once COPYUID names them all.
 */
#include "trash.h"

#include "apply.h"
#include "intents.h"

#include "godwit/base/limits.h"
#include "godwit/imap/set.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum copy_state {
	COPY_WAITS,
	COPY_THERE,  /* its copy is proven: the original may go */
	COPY_PASSED, /* done, or not to be done in this run */
};

struct copy {
	const struct op *op;
	struct flags add; /* what its copy must bear besides */
	struct flags remove;
	struct identity identity;
	uint64_t intent; /* 0: none is open */
	uint32_t uid;
	enum copy_state state;
};

enum trash_stage {
	TRASH_SELECT_TRASH,
	TRASH_LOOK,    /* awaits what came to the trash */
	TRASH_SELECT,  /* the mailbox itself */
	TRASH_STATUS,  /* awaits the trash's UIDNEXT */
	TRASH_COPY,    /* awaits COPYUID */
	TRASH_EXPUNGE, /* awaits that the originals are gone */
};

struct trash_task {
	struct apply_task base;
	enum trash_stage stage;
	struct copy *copies; /* on the heap */
	size_t count;
	size_t cap;
	size_t first; /* the chunk: copies [first, end) */
	size_t end;
	unsigned awaited;
	bool refused;     /* a command of the stage was */
	bool looked;      /* the trash was looked into */
	struct err why;   /* the first refusal */
	uint32_t uidnext; /* of the trash, by STATUS */
	uint32_t uidvalidity;
	struct match_identities headers; /* of the trash; on the heap */
	size_t header_cap;
	uint64_t found; /* messages that it has there */
};

/* ---- What is to go ------------------------------------------------------- */

static struct mailbox *mailbox_of(const struct trash_task *trash)
{
	return trash->base.task.mailbox;
}

static bool is_put_off(
	struct pass *pass, const struct mailbox *mailbox, uint32_t uid)
{
	const struct journal_trouble *trouble =
		mailbox_trouble(mailbox, uid, (struct str){0});

	return trouble != NULL &&
	       !journal_trouble_due(&trouble->record, pass_now_s(pass));
}

/* The intent that an earlier run left open for this message, or 0. */
static uint64_t open_intent(const struct mailbox *mailbox, uint32_t uid)
{
	for (size_t i = 0; i < mailbox->copies.count; i++) {
		if (mailbox->copies.items[i].record.source_uid == uid)
			return mailbox->copies.items[i].sequence;
	}
	return 0;
}

static int gather_one(
	struct trash_task *trash, const struct op *op, struct err *err)
{
	struct mailbox *mailbox = mailbox_of(trash);
	const struct row *row = apply_row(mailbox, op);
	struct keywords *keywords = mailbox->base.keywords;
	struct journal_message message;
	struct arena scratch = {0};
	int found = journal_message(
		&mailbox->base, row->uid, &scratch, &message, err);

	if (found == 1) {
		trash->copies = array_grow(trash->copies, &trash->cap,
			trash->count + 1, sizeof(*trash->copies));
		trash->copies[trash->count++] = (struct copy){
			.op = op,
			.uid = row->uid,
			.add = flags_added(
				keywords, row->flags[REMOTE], op->flags),
			.remove = flags_removed(
				keywords, row->flags[REMOTE], op->flags),
			.identity = message.detail->identity,
			.intent = open_intent(mailbox, row->uid),
		};
	}
	arena_clear(&scratch);
	return found < 0 ? -1 : 0;
}

/* By what is to be stored, then by UID. */
static int copy_cmp(const void *a, const void *b)
{
	const struct copy *x = a;
	const struct copy *y = b;
	uint64_t left = (uint64_t)x->add.system << 32 | x->remove.system;
	uint64_t right = (uint64_t)y->add.system << 32 | y->remove.system;

	if (left == right) {
		left = (uint64_t)x->add.keywords << 32 | x->remove.keywords;
		right = (uint64_t)y->add.keywords << 32 | y->remove.keywords;
	}
	if (left != right)
		return left < right ? -1 : 1;
	return (x->uid > y->uid) - (x->uid < y->uid);
}

static int gather(struct trash_task *trash, struct err *err)
{
	struct mailbox *mailbox = mailbox_of(trash);
	const struct op *op;

	for (size_t at = 0;
		(op = apply_next(mailbox, OP_TRASH_REMOTE, &at)) != NULL;
		at++) {
		if (!is_put_off(trash->base.pass, mailbox,
			    apply_row(mailbox, op)->uid) &&
			gather_one(trash, op, err) != 0)
			return -1;
	}
	if (trash->count > 0)
		qsort(trash->copies, trash->count, sizeof(*trash->copies),
			copy_cmp);
	return 0;
}

static bool any_open(const struct trash_task *trash)
{
	for (size_t i = 0; i < trash->count; i++) {
		if (trash->copies[i].state == COPY_WAITS &&
			trash->copies[i].intent != 0)
			return true;
	}
	return false;
}

/* ---- Commands ------------------------------------------------------------ */

static void submit(struct trash_task *trash, const struct imap_command *command)
{
	conn_submit(trash->base.task.conn, command);
	trash->awaited++;
}

/* The chunk's UIDs. */
static void chunk_set(const struct trash_task *trash, struct imap_set *set)
{
	for (size_t i = trash->first; i < trash->end; i++)
		imap_set_add(set, trash->copies[i].uid);
}

static void chunk_print(const struct trash_task *trash, struct buf *text)
{
	struct imap_set set = {0};

	chunk_set(trash, &set);
	imap_set_print(&set, text);
	imap_set_clear(&set);
}

/* STORE of these flags for the chunk; nothing where there are none. */
static void store(struct trash_task *trash, struct str set,
	enum imap_store_mode mode, struct flags flags)
{
	struct imap_command command = {.kind = IMAP_STORE};
	struct arena scratch = {0};

	command.store.set = set;
	command.store.mode = mode;
	command.store.silent = true;
	command.store.flags.items =
		flags_to_names(mailbox_of(trash)->base.keywords, flags,
			&scratch, &command.store.flags.count);
	if (command.store.flags.count > 0)
		submit(trash, &command);
	arena_clear(&scratch);
}

/* What lies in the trash must not bear \Deleted: an expunge there would take
 * it. */
static void send_copy(struct trash_task *trash)
{
	const struct copy *copy = &trash->copies[trash->first];
	struct imap_command command = {.kind = IMAP_COPY};
	struct buf set = {0};

	trash->stage = TRASH_COPY;
	chunk_print(trash, &set);
	store(trash, buf_str(&set), IMAP_STORE_ADD, copy->add);
	store(trash, buf_str(&set), IMAP_STORE_REMOVE, copy->remove);
	command.copy.set = buf_str(&set);
	command.copy.mailbox = trash->base.pass->trash->wire_name;
	submit(trash, &command);
	buf_clear(&set);
}

static void send_expunge(struct trash_task *trash)
{
	struct imap_command command = {.kind = IMAP_UID_EXPUNGE};
	struct buf set = {0};

	trash->stage = TRASH_EXPUNGE;
	chunk_print(trash, &set);
	store(trash, buf_str(&set), IMAP_STORE_ADD,
		(struct flags){.system = FLAG_DELETED});
	command.set = buf_str(&set);
	submit(trash, &command);
	buf_clear(&set);
}

static void send_status(struct trash_task *trash)
{
	struct imap_command command = {.kind = IMAP_STATUS};

	trash->stage = TRASH_STATUS;
	trash->uidnext = 0;
	trash->uidvalidity = 0;
	command.status.mailbox = trash->base.pass->trash->wire_name;
	command.status.items = IMAP_STATUS_UIDNEXT | IMAP_STATUS_UIDVALIDITY;
	submit(trash, &command);
}

/* ---- Looking into the trash ---------------------------------------------- */

static enum task_step begin_look(struct trash_task *trash)
{
	struct imap_command command = {.kind = IMAP_SELECT};

	trash->stage = TRASH_SELECT_TRASH;
	trash->looked = true;
	command.select.mailbox = trash->base.pass->trash->wire_name;
	task_open(&trash->base.task, &command);
	trash->awaited++;
	return TASK_MORE;
}

/* The least UID that a copy can have: what the intents say, if they speak of
 * the UIDs that the trash has now. */
static uint32_t first_uid(const struct trash_task *trash, uint64_t uidvalidity)
{
	const struct journal_intents *known = &mailbox_of(trash)->copies;
	uint32_t first =
		trash->uidvalidity == uidvalidity ? trash->uidnext : UINT32_MAX;

	for (size_t i = 0; i < known->count; i++) {
		const struct intent_record *record = &known->items[i].record;

		if (record->uidvalidity != uidvalidity)
			return 1;
		if (record->uidnext < first)
			first = record->uidnext;
	}
	return first == 0 || first == UINT32_MAX ? 1 : first;
}

/* A SEARCH as well, which shows whether all headers came. */
static void send_look(struct trash_task *trash)
{
	const struct imap_mailbox *selected =
		imap_session_mailbox(conn_session(trash->base.task.conn));
	struct imap_command command = {.kind = IMAP_FETCH};
	char set[32];

	trash->stage = TRASH_LOOK;
	trash->headers.count = 0;
	trash->found = 0;
	(void)snprintf(set, sizeof(set), "%" PRIu32 ":*",
		first_uid(trash, selected->uidvalidity));
	command.fetch.set = str_of(set);
	command.fetch.items =
		IMAP_FETCH_UID | IMAP_FETCH_SIZE | IMAP_FETCH_HEADER;
	submit(trash, &command);
	command = (struct imap_command){.kind = IMAP_SEARCH};
	command.search.uids = str_of(set);
	submit(trash, &command);
}

static void drop_intent(
	struct trash_task *trash, struct copy *copy, struct store_batch *batch)
{
	if (copy->intent != 0)
		journal_intent_delete(
			&trash->base.pass->journal, batch, copy->intent);
	copy->intent = 0;
}

/* What is not there was never copied. */
static void pair(struct trash_task *trash)
{
	for (size_t i = 0; i < trash->count; i++) {
		struct copy *copy = &trash->copies[i];
		size_t at;

		if (copy->state != COPY_WAITS || copy->intent == 0)
			continue;
		at = intents_find(&trash->headers, &copy->identity);
		if (at == trash->headers.count) {
			drop_intent(trash, copy, &trash->base.pass->notes);
			continue;
		}
		copy->state = COPY_THERE;
		trash->headers.items[at].row = PLAN_NONE;
	}
}

/* ---- Chunks -------------------------------------------------------------- */

static bool is_alike(const struct copy *x, const struct copy *y)
{
	return x->state == y->state && flags_eq(x->add, y->add) &&
	       flags_eq(x->remove, y->remove);
}

/* The next chunk; when there is none, the task is done. */
static enum task_step next_chunk(struct trash_task *trash, struct err *err)
{
	trash->first = 0;
	while (trash->first < trash->count &&
		trash->copies[trash->first].state == COPY_PASSED)
		trash->first++;
	if (trash->first == trash->count)
		return pass_commit(trash->base.pass, err) != 0 ? TASK_FAILED
							       : TASK_DONE;
	trash->end = trash->first + 1;
	while (trash->end < trash->count &&
		trash->end - trash->first < LIMIT_BATCH_MESSAGES &&
		is_alike(&trash->copies[trash->first],
			&trash->copies[trash->end]))
		trash->end++;
	if (trash->copies[trash->first].state == COPY_THERE)
		send_expunge(trash);
	else
		send_status(trash);
	return TASK_MORE;
}

static int commit_intents(struct trash_task *trash, struct err *err)
{
	struct pass *pass = trash->base.pass;
	const struct mailbox *mailbox = mailbox_of(trash);
	struct intent_record record = {
		.kind = INTENT_COPY,
		.mailbox =
			pass->trash->in_journal ? pass->trash->id : mailbox->id,
		.uidvalidity = trash->uidvalidity,
		.uidnext = trash->uidnext,
		.source_mailbox = mailbox->id,
	};

	for (size_t i = trash->first; i < trash->end; i++) {
		struct copy *copy = &trash->copies[i];

		drop_intent(trash, copy, &pass->batch);
		record.identity = copy->identity;
		record.source_uid = copy->uid;
		copy->intent = journal_intent_add(
			&pass->journal, &pass->batch, &record);
	}
	return pass_commit(pass, err);
}

/* The chunk cannot be done now. */
static void chunk_passed(struct trash_task *trash)
{
	apply_failed(mailbox_of(trash));
	for (size_t i = trash->first; i < trash->end; i++)
		trash->copies[i].state = COPY_PASSED;
}

static void tell_refusal(struct trash_task *trash)
{
	pass_error(trash->base.pass, mailbox_of(trash), &trash->why, 0,
		(struct str){0});
	chunk_passed(trash);
}

static int chunk_gone(struct trash_task *trash, struct err *err)
{
	struct pass *pass = trash->base.pass;

	for (size_t i = trash->first; i < trash->end; i++) {
		struct copy *copy = &trash->copies[i];

		copy->state = COPY_PASSED;
		drop_intent(trash, copy, &pass->batch);
		apply_tell(pass, mailbox_of(trash), copy->op, copy->uid,
			(struct str){0});
		if (apply_removed(pass, mailbox_of(trash), copy->op, err) != 0)
			return -1;
	}
	trash->base.task.achieved++;
	return pass_commit(pass, err);
}

/* The server said OK, but not what it copied (Courier, of what is gone). Looked
 * for in vain, they are not copied again soon. */
static void copies_untold(struct trash_task *trash)
{
	for (size_t i = trash->first; i < trash->end; i++) {
		const struct trouble_key key = {
			.mailbox = mailbox_of(trash)->id,
			.side = REMOTE,
			.uid = trash->copies[i].uid,
		};
		struct err why;

		err_set(&why, ERR_MESSAGE, ERR_LATER, ERR_SYNC,
			"the server does not say that it copied message "
			"%" PRIu32 " to the trash; it is left where it is",
			key.uid);
		pass_message_failed(
			trash->base.pass, mailbox_of(trash), &key, &why);
	}
	chunk_passed(trash);
}

/* ---- The machine --------------------------------------------------------- */

/* Whether what COPYUID names can have come to the trash just now, by what
 * STATUS told of it before. */
static bool names_new(
	const struct trash_task *trash, const struct imap_code *code)
{
	struct imap_set_iter iter = {0};
	uint32_t uid;

	if (trash->uidvalidity == 0)
		return true; /* it did not tell */
	if (code->uidvalidity != trash->uidvalidity)
		return false;
	while (imap_set_next(code->uids, &iter, &uid)) {
		if (uid < trash->uidnext)
			return false;
	}
	return true;
}

/* Whether COPYUID names all messages of the chunk, and no others. */
static bool names_all(
	const struct trash_task *trash, const struct imap_code *code)
{
	struct imap_set ours = {0};
	struct imap_set told = {0};
	struct imap_set_iter iter = {0};
	uint32_t uid;
	bool all;

	if (code->kind != IMAP_CODE_COPYUID || code->source == NULL ||
		imap_set_size(code->source) != trash->end - trash->first ||
		!names_new(trash, code))
		return false;
	chunk_set(trash, &ours);
	while (imap_set_next(code->source, &iter, &uid))
		imap_set_add(&told, uid);
	all = imap_set_equal(&ours, &told);
	imap_set_clear(&ours);
	imap_set_clear(&told);
	return all;
}

static enum task_step copied(
	struct trash_task *trash, const struct imap_code *code, struct err *err)
{
	if (trash->refused) {
		for (size_t i = trash->first; i < trash->end; i++)
			drop_intent(trash, &trash->copies[i],
				&trash->base.pass->notes);
		tell_refusal(trash);
		return next_chunk(trash, err);
	}
	if (!names_all(trash, code) && !trash->looked)
		return begin_look(trash);
	if (!names_all(trash, code)) {
		copies_untold(trash);
		return next_chunk(trash, err);
	}
	for (size_t i = trash->first; i < trash->end; i++)
		trash->copies[i].state = COPY_THERE;
	send_expunge(trash);
	return TASK_MORE;
}

static enum task_step looked(struct trash_task *trash, struct err *err)
{
	intents_settle(&trash->headers);
	if (trash->refused || trash->headers.count < trash->found) {
		err_set(err, ERR_MAILBOX, ERR_LATER, ERR_SYNC,
			"the server does not show what is in the trash, where "
			"copies may be of what was removed; nothing more is "
			"copied there before it does");
		return TASK_FAILED;
	}
	pair(trash);
	trash->stage = TRASH_SELECT;
	if (task_select(&trash->base.task) == 0)
		return next_chunk(trash, err);
	trash->awaited++;
	return TASK_MORE;
}

/* All commands of a stage are answered; `line` is the last answer. */
static enum task_step stage_over(struct trash_task *trash,
	const struct imap_status_line *line, struct err *err)
{
	switch (trash->stage) {
	case TRASH_SELECT_TRASH:
		if (trash->refused)
			return looked(trash, err);
		send_look(trash);
		return TASK_MORE;
	case TRASH_LOOK:
		return looked(trash, err);
	case TRASH_SELECT:
		return task_selected(&trash->base.task, line, err) != 0
			       ? TASK_FAILED
			       : next_chunk(trash, err);
	case TRASH_STATUS:
		if (commit_intents(trash, err) != 0)
			return TASK_FAILED;
		send_copy(trash);
		return TASK_MORE;
	case TRASH_COPY:
		return copied(trash, &line->code, err);
	case TRASH_EXPUNGE:
		if (trash->refused)
			tell_refusal(trash);
		else if (chunk_gone(trash, err) != 0)
			return TASK_FAILED;
		return next_chunk(trash, err);
	}
	return TASK_MORE;
}

static enum task_step trash_answered(struct trash_task *trash,
	const struct imap_status_line *line, struct err *err)
{
	enum task_step step;

	if (line->condition != IMAP_OK) {
		trash->refused = true;
		err_set(&trash->why, ERR_MAILBOX, ERR_LATER, ERR_SYNC,
			"the server does not put messages into the trash: "
			"%.*s",
			STR_FMT(err_said(line->text)));
	}
	if (--trash->awaited > 0)
		return TASK_MORE;
	step = stage_over(trash, line, err);
	trash->refused = false;
	return step;
}

static uint32_t number32(uint64_t number)
{
	return number <= UINT32_MAX ? (uint32_t)number : 0;
}

static void take_status(
	struct trash_task *trash, const struct imap_status *status)
{
	if (!str_eq(status->name, trash->base.pass->trash->wire_name))
		return;
	trash->uidnext = number32(status->uidnext);
	trash->uidvalidity = number32(status->uidvalidity);
}

static int trash_told(struct trash_task *trash,
	const struct imap_response *response, struct err *err)
{
	if (response->kind == IMAP_RESPONSE_STATUS &&
		trash->stage == TRASH_STATUS)
		take_status(trash, &response->status);
	if (trash->stage != TRASH_LOOK)
		return 0;
	if (response->kind == IMAP_RESPONSE_SEARCH)
		trash->found = imap_set_size(response->search.all);
	if (response->kind != IMAP_RESPONSE_FETCH)
		return 0;
	return intents_header(
		&trash->headers, &trash->header_cap, &response->fetch, err);
}

static enum task_step trash_event(
	struct task *task, const struct imap_event *event, struct err *err)
{
	struct trash_task *trash = (struct trash_task *)task;

	if (event->kind == IMAP_EVENT_UNTAGGED &&
		trash_told(trash, event->response, err) != 0)
		return TASK_FAILED;
	if (event->kind == IMAP_EVENT_TAGGED)
		return trash_answered(trash, &event->response->line, err);
	return TASK_MORE;
}

static enum task_step trash_begin(struct task *task, struct err *err)
{
	struct trash_task *trash = (struct trash_task *)task;

	trash->awaited = 0;
	trash->refused = false;
	trash->looked = false;
	if (task->tries == 1 && gather(trash, err) != 0)
		return TASK_FAILED;
	if (any_open(trash))
		return begin_look(trash);
	trash->stage = TRASH_SELECT;
	if (task_select(task) == 0)
		return next_chunk(trash, err);
	trash->awaited = 1;
	return TASK_MORE;
}

static void trash_end(struct task *task)
{
	struct trash_task *trash = (struct trash_task *)task;

	free(trash->copies);
	free(trash->headers.items);
}

int trash_removals(struct pass *pass, struct err *err)
{
	static const struct task_kind kind = {trash_begin, trash_event};
	const struct apply_work work = {
		.kinds = 1U << OP_TRASH_REMOTE,
		.turns = 4,
		.kind = &kind,
		.task_bytes = sizeof(struct trash_task),
		.end = trash_end,
	};

	return apply_everywhere(pass, &work, err);
}
