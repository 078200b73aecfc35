/*
 * How: one task, a STATUS for each.
 */
#include "numbers.h"

struct ask_task {
	struct task task;
	struct mailbox **asked;
	size_t count;
	size_t answered;
};

static enum task_step ask_begin(struct task *task, struct err *err)
{
	struct ask_task *ask = (struct ask_task *)task;
	struct imap_command command = {.kind = IMAP_STATUS};

	(void)err;
	ask->answered = 0;
	command.status.items = IMAP_STATUS_MESSAGES | IMAP_STATUS_UIDNEXT |
			       IMAP_STATUS_UIDVALIDITY;
	if (imap_caps_has(imap_session_caps(conn_session(task->conn)),
		    IMAP_CAP_CONDSTORE))
		command.status.items |= IMAP_STATUS_HIGHESTMODSEQ;
	for (size_t i = 0; i < ask->count; i++) {
		command.status.mailbox = ask->asked[i]->wire_name;
		conn_submit(task->conn, &command);
	}
	return TASK_MORE;
}

/* Servers answer in order; the names must agree. */
static void take_status(struct ask_task *ask, const struct imap_event *event)
{
	const struct imap_status *status = &event->response->status;

	for (size_t i = ask->answered; i < ask->count; i++) {
		if (!str_eq(ask->asked[i]->wire_name, status->name))
			continue;
		ask->asked[i]->status = *status;
		ask->asked[i]->status.name = ask->asked[i]->wire_name;
		ask->asked[i]->status.mailboxid = STR("");
		return;
	}
}

static enum task_step ask_event(
	struct task *task, const struct imap_event *event, struct err *err)
{
	struct ask_task *ask = (struct ask_task *)task;

	(void)err;
	if (event->kind == IMAP_EVENT_UNTAGGED &&
		event->response->kind == IMAP_RESPONSE_STATUS)
		take_status(ask, event);
	if (event->kind != IMAP_EVENT_TAGGED)
		return TASK_MORE;
	/* Who is refused has no status, and is told why when it is opened. */
	return ++ask->answered == ask->count ? TASK_DONE : TASK_MORE;
}

int numbers_ask(struct pass *pass, struct mailbox **asked, size_t count,
	struct err *err)
{
	static const struct task_kind kind = {ask_begin, ask_event};
	struct ask_task task = {
		.task.kind = &kind,
		.asked = asked,
		.count = count,
	};
	struct task *tasks[] = {&task.task};

	if (count == 0)
		return 0;
	if (pool_run(pass->pool, tasks, 1, 1, err) != 0)
		return -1;
	if (task.task.result != TASK_FAILED)
		return 0;
	*err = task.task.err;
	return -1;
}
