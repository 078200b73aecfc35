/*
 * How: the ops of a mailbox become requests: a command, and the ops that are
 * done when it is answered OK. Requests are queued in an order in which each
 * may be sent behind the one before: STORE \Deleted, then UID EXPUNGE; STORE,
 * then a FETCH that shows what came of it. The session pipelines them; a
 * request that follows a refused one of the same group does nothing worse than
 * find nothing to do.
 */
#include "remote.h"

#include "apply.h"
#include "flag_check.h"
#include "trash.h"

#include "godwit/base/limits.h"
#include "godwit/imap/set.h"

#include <stdlib.h>
#include <string.h>

enum {
	SPAN_OPS_MAX = 1024, /* of one command */
};

/* What a group of ops has in common. */
struct change {
	const struct op *op;
	struct flags add;
	struct flags remove;
};

/* Ops of a group that go into one command line. */
struct span {
	size_t first;
	size_t count;
	struct str set; /* their UIDs */
};

/* One command that was sent. */
struct request {
	uint32_t handle;
	uint32_t first; /* its ops: changes [first, first + count) */
	uint32_t count;
	bool completes; /* its OK completes the ops; else it only prepares */
};

struct remote_task {
	struct apply_task base;
	struct change *changes; /* on the heap, grouped */
	size_t count;
	size_t cap;
	struct request *requests; /* on the heap */
	size_t request_count;
	size_t request_cap;
	size_t answered;
	struct flag_check flags; /* of what gets new ones */
	uint32_t select_handle;
	struct err refused; /* the first NO */
	bool any_refused;
};

/* ---- Grouping ------------------------------------------------------------ */

static int flags_cmp(struct flags a, struct flags b)
{
	if (a.system != b.system)
		return a.system < b.system ? -1 : 1;
	return (a.keywords > b.keywords) - (a.keywords < b.keywords);
}

static int group_cmp(const struct change *x, const struct change *y)
{
	int order = (int)x->op->kind - (int)y->op->kind;

	if (order == 0)
		order = flags_cmp(x->add, y->add);
	return order != 0 ? order : flags_cmp(x->remove, y->remove);
}

static int change_cmp(const void *a, const void *b)
{
	const struct change *x = a;
	const struct change *y = b;
	int order = group_cmp(x, y);

	return order != 0
		       ? order
		       : (x->op->row > y->op->row) - (x->op->row < y->op->row);
}

static bool is_flagging(const struct op *op)
{
	return op->kind == OP_FLAG_REMOTE || op->kind == OP_MARK_REMOTE;
}

static void gather(struct remote_task *remote)
{
	struct mailbox *mailbox = remote->base.task.mailbox;
	struct keywords *keywords = mailbox->base.keywords;

	remote->count = 0;
	flag_check_begin(&remote->flags, keywords);
	for (size_t i = 0; i < mailbox->plan.count; i++) {
		const struct op *op = &mailbox->plan.ops[i];
		struct change change = {.op = op};
		struct flags now;

		if ((remote->base.kinds & 1U << op->kind) == 0 ||
			(mailbox->pending[op->row] & 1U << op->kind) == 0)
			continue;
		now = apply_row(mailbox, op)->flags[REMOTE];
		if (op->kind != OP_REMOVE_REMOTE &&
			op->kind != OP_LEAVE_REMOTE) {
			change.add = flags_added(keywords, now, op->flags);
			change.remove = flags_removed(keywords, now, op->flags);
		}
		remote->changes = array_grow(remote->changes, &remote->cap,
			remote->count + 1, sizeof(*remote->changes));
		remote->changes[remote->count++] = change;
		if (is_flagging(op) && !flags_eq(change.add, (struct flags){0}))
			flag_check_add(&remote->flags,
				apply_row(mailbox, op)->uid, op->flags);
	}
	flag_check_sort(&remote->flags);
	if (remote->count > 0)
		qsort(remote->changes, remote->count, sizeof(*remote->changes),
			change_cmp);
}

/* ---- Requests ------------------------------------------------------------ */

static struct request *request_add(struct remote_task *remote,
	const struct span *span, const struct imap_command *command)
{
	struct request *request;

	remote->requests = array_grow(remote->requests, &remote->request_cap,
		remote->request_count + 1, sizeof(*remote->requests));
	request = &remote->requests[remote->request_count++];
	*request = (struct request){
		.handle = conn_submit(remote->base.task.conn, command),
		.first = (uint32_t)span->first,
		.count = (uint32_t)span->count,
	};
	return request;
}

/* A STORE of these flags; nothing where there are none. */
static struct request *store(struct remote_task *remote,
	const struct span *span, enum imap_store_mode mode, struct flags flags)
{
	struct imap_command command = {.kind = IMAP_STORE};
	struct arena scratch = {0};
	struct request *request = NULL;

	command.store.set = span->set;
	command.store.mode = mode;
	command.store.silent = true;
	command.store.flags.items =
		flags_to_names(remote->base.task.mailbox->base.keywords, flags,
			&scratch, &command.store.flags.count);
	if (command.store.flags.count > 0)
		request = request_add(remote, span, &command);
	arena_clear(&scratch);
	return request;
}

static void request_flags(struct remote_task *remote, const struct span *span)
{
	const struct change *change = &remote->changes[span->first];
	struct request *add = store(remote, span, IMAP_STORE_ADD, change->add);
	struct request *remove =
		store(remote, span, IMAP_STORE_REMOVE, change->remove);
	struct imap_command command = {.kind = IMAP_FETCH};

	command.fetch.set = span->set;
	command.fetch.items = IMAP_FETCH_UID | IMAP_FETCH_FLAGS;
	if (add != NULL)
		request_add(remote, span, &command)->completes = true;
	else if (remove != NULL)
		remove->completes = true;
}

static void request_expunge(struct remote_task *remote, const struct span *span)
{
	struct imap_command command = {
		.kind = IMAP_UID_EXPUNGE, .set = span->set};

	store(remote, span, IMAP_STORE_ADD,
		(struct flags){.system = FLAG_DELETED});
	request_add(remote, span, &command)->completes = true;
}

/* What lies in the trash must not bear \Deleted: an expunge there would take
 * it. */
static void request_trash(struct remote_task *remote, const struct span *span)
{
	const struct change *change = &remote->changes[span->first];
	struct imap_command command = {.kind = IMAP_MOVE};

	store(remote, span, IMAP_STORE_ADD, change->add);
	store(remote, span, IMAP_STORE_REMOVE, change->remove);
	command.copy.set = span->set;
	command.copy.mailbox = remote->base.pass->trash->wire_name;
	request_add(remote, span, &command)->completes = true;
}

/* One group's ops of one command line's worth of UIDs. */
static void request_some(struct remote_task *remote, const struct span *span)
{
	switch (remote->changes[span->first].op->kind) {
	case OP_FLAG_REMOTE:
		request_flags(remote, span);
		break;
	case OP_LEAVE_REMOTE:
	case OP_REMOVE_REMOTE:
		request_expunge(remote, span);
		break;
	case OP_TRASH_REMOTE:
		request_trash(remote, span);
		break;
	case OP_MARK_REMOTE:
		request_flags(remote, span);
		break;
	default:
		check(!"not an operation on the server");
	}
}

static uint32_t change_uid(const struct remote_task *remote, size_t at)
{
	return apply_row(remote->base.task.mailbox, remote->changes[at].op)
		->uid;
}

/* As many ops of a group as fit in one command line, from `first` on. */
static size_t request_line(struct remote_task *remote, size_t first)
{
	struct imap_set set = {0};
	struct buf text = {0};
	struct span span;
	size_t end = first;

	while (end < remote->count && end - first < SPAN_OPS_MAX &&
		group_cmp(&remote->changes[first], &remote->changes[end]) ==
			0) {
		imap_set_add(&set, change_uid(remote, end));
		buf_reset(&text);
		imap_set_print(&set, &text);
		if (text.len > LIMIT_COMMAND_LINE_BYTES / 2 && end > first)
			break;
		end++;
	}
	imap_set_reset(&set);
	for (size_t i = first; i < end; i++)
		imap_set_add(&set, change_uid(remote, i));
	buf_reset(&text);
	imap_set_print(&set, &text);
	span = (struct span){first, end - first, buf_str(&text)};
	request_some(remote, &span);
	buf_clear(&text);
	imap_set_clear(&set);
	return end;
}

/* ---- The machine --------------------------------------------------------- */

static enum task_step request_all(struct remote_task *remote)
{
	for (size_t i = 0; i < remote->count;)
		i = request_line(remote, i);
	return remote->request_count == 0 ? TASK_DONE : TASK_MORE;
}

static int op_done(
	struct remote_task *remote, const struct op *op, struct err *err)
{
	struct mailbox *mailbox = remote->base.task.mailbox;
	struct row *row = apply_row(mailbox, op);

	/* Who does not show a message tells nothing of it: the next run sees.
	 */
	if (is_flagging(op) && flag_check_is_open(&remote->flags, row->uid)) {
		apply_failed(mailbox);
		return 0;
	}
	apply_tell(remote->base.pass, mailbox, op, row->uid, (struct str){0});
	if (is_flagging(op))
		return apply_flagged(remote->base.pass, mailbox, op,
			flag_check_base(&remote->flags, row->uid, op->base),
			err);
	return apply_removed(remote->base.pass, mailbox, op, err);
}

/* What one command was refused, those that follow it cannot complete. */
static void refuse_span(
	struct remote_task *remote, const struct request *request)
{
	for (size_t i = 0; i < remote->request_count; i++) {
		if (remote->requests[i].first == request->first)
			remote->requests[i].completes = false;
	}
}

static int request_answered(struct remote_task *remote, struct request *request,
	const struct imap_status_line *line, struct err *err)
{
	if (line->condition != IMAP_OK) {
		refuse_span(remote, request);
		if (!remote->any_refused)
			err_set(&remote->refused, ERR_MAILBOX, ERR_LATER,
				ERR_SYNC, "the server refuses a change: %.*s",
				STR_FMT(err_said(line->text)));
		remote->any_refused = true;
		return 0;
	}
	if (!request->completes)
		return 0;
	for (uint32_t i = 0; i < request->count; i++) {
		if (op_done(remote, remote->changes[request->first + i].op,
			    err) != 0)
			return -1;
	}
	remote->base.task.achieved++;
	return pass_commit(remote->base.pass, err);
}

static enum task_step remote_answered(struct remote_task *remote,
	const struct imap_event *event, struct err *err)
{
	const struct imap_status_line *line = &event->response->line;

	if (event->handle == remote->select_handle) {
		if (task_selected(&remote->base.task, line, err) != 0)
			return TASK_FAILED;
		return request_all(remote);
	}
	for (size_t i = 0; i < remote->request_count; i++) {
		if (remote->requests[i].handle != event->handle)
			continue;
		remote->answered++;
		if (request_answered(remote, &remote->requests[i], line, err) !=
			0)
			return TASK_FAILED;
	}
	if (remote->answered < remote->request_count)
		return TASK_MORE;
	if (remote->any_refused) {
		pass_error(remote->base.pass, remote->base.task.mailbox,
			&remote->refused, 0, (struct str){0});
		apply_failed(remote->base.task.mailbox);
	}
	return TASK_DONE;
}

static enum task_step remote_event(
	struct task *task, const struct imap_event *event, struct err *err)
{
	struct remote_task *remote = (struct remote_task *)task;

	if (event->kind == IMAP_EVENT_TAGGED)
		return remote_answered(remote, event, err);
	if (event->kind == IMAP_EVENT_UNTAGGED &&
		event->response->kind == IMAP_RESPONSE_FETCH)
		flag_check_shown(&remote->flags, &event->response->fetch);
	return TASK_MORE;
}

static enum task_step remote_begin(struct task *task, struct err *err)
{
	struct remote_task *remote = (struct remote_task *)task;

	(void)err;
	gather(remote);
	remote->request_count = 0;
	remote->answered = 0;
	remote->any_refused = false;
	remote->select_handle = task_select(task);
	return remote->select_handle == 0 ? request_all(remote) : TASK_MORE;
}

static void remote_end(struct task *task)
{
	struct remote_task *remote = (struct remote_task *)task;

	free(remote->changes);
	free(remote->requests);
	flag_check_clear(&remote->flags);
}

static int remote_run(struct pass *pass, unsigned kinds, struct err *err)
{
	static const struct task_kind kind = {remote_begin, remote_event};
	const struct apply_work work = {
		.kinds = kinds,
		.kind = &kind,
		.task_bytes = sizeof(struct remote_task),
		.end = remote_end,
	};

	return apply_everywhere(pass, &work, err);
}

int remote_flags(struct pass *pass, struct err *err)
{
	return remote_run(pass, 1U << OP_FLAG_REMOTE, err);
}

int remote_removals(struct pass *pass, struct err *err)
{
	const struct imap_caps *caps = pool_caps(pass->pool);
	unsigned kinds = 1U << OP_LEAVE_REMOTE | 1U << OP_REMOVE_REMOTE |
			 1U << OP_MARK_REMOTE;

	if (imap_caps_has(caps, IMAP_CAP_MOVE))
		kinds |= 1U << OP_TRASH_REMOTE;
	else if (trash_removals(pass, err) != 0)
		return -1;
	return remote_run(pass, kinds, err);
}
