/*
 * How: one task sends a STATUS for each, which every IMAP4rev1 server has, and
 * judges the answers by their response codes (RFC 3501 section 7.1, RFC 5530).
 * Who may not even look a mailbox up is told the same as of one that never was
 * (RFC 4314 section 6): that cannot be told apart.
 */
#include "absence.h"

#include <stdlib.h>

struct doubt {
	struct mailbox *mailbox;
	uint32_t handle;
	bool is_judged;
};

struct absence_task {
	struct task task;
	struct pass *pass;
	struct doubt *doubts; /* in the pass's arena */
	size_t count;
	size_t answered;
};

bool absence_denied(unsigned attrs, const struct imap_status_line *line)
{
	const unsigned bare = IMAP_ATTR_NOSELECT | IMAP_ATTR_NONEXISTENT;

	if (line->condition != IMAP_NO)
		return false;
	switch (line->code.kind) {
	case IMAP_CODE_NONE:
	case IMAP_CODE_NONEXISTENT:
	case IMAP_CODE_TRYCREATE:
		return true;
	case IMAP_CODE_CANNOT:
		/* It is listed as a name that holds no messages. */
		return (attrs & bare) != 0;
	default:
		return false;
	}
}

static void judge(struct pass *pass, struct mailbox *mailbox,
	const struct imap_status_line *line)
{
	struct err err;

	if (absence_denied(mailbox->attrs, line))
		return;
	if (line->condition == IMAP_OK)
		err_set(&err, ERR_MAILBOX, ERR_LATER, ERR_SYNC,
			"the server does not list it, but has it when asked; "
			"it is left as it is, here and there, until the server "
			"lists it again");
	else
		err_set(&err, ERR_MAILBOX, ERR_LATER, ERR_SYNC,
			"the server does not list it, but does not say that it "
			"is gone, either; it is left as it is until that is "
			"certain: %.*s",
			STR_FMT(err_said(line->text)));
	pass_mailbox_failed(pass, mailbox, &err);
}

static enum task_step absence_begin(struct task *task, struct err *err)
{
	struct absence_task *absence = (struct absence_task *)task;
	struct imap_command command = {.kind = IMAP_STATUS};

	(void)err;
	absence->answered = 0;
	command.status.items = IMAP_STATUS_UIDVALIDITY;
	for (size_t i = 0; i < absence->count; i++) {
		absence->doubts[i].is_judged = false;
		command.status.mailbox = absence->doubts[i].mailbox->wire_name;
		absence->doubts[i].handle = conn_submit(task->conn, &command);
	}
	return TASK_MORE;
}

static enum task_step absence_event(
	struct task *task, const struct imap_event *event, struct err *err)
{
	struct absence_task *absence = (struct absence_task *)task;

	(void)err;
	if (event->kind != IMAP_EVENT_TAGGED)
		return TASK_MORE;
	for (size_t i = 0; i < absence->count; i++) {
		if (absence->doubts[i].handle != event->handle)
			continue;
		judge(absence->pass, absence->doubts[i].mailbox,
			&event->response->line);
		absence->doubts[i].is_judged = true;
	}
	return ++absence->answered == absence->count ? TASK_DONE : TASK_MORE;
}

/* The connections broke over the questions: what has no answer is left as it
 * is. */
static void not_judged(struct absence_task *absence)
{
	for (size_t i = 0; i < absence->count; i++) {
		if (!absence->doubts[i].is_judged)
			pass_mailbox_failed(absence->pass,
				absence->doubts[i].mailbox, &absence->task.err);
	}
}

/* What was detached because it is gone from the server has been asked about. */
static bool is_doubtful(const struct mailbox *mailbox)
{
	return mailbox_is_active(mailbox) && mailbox->in_journal &&
	       !mailbox->on_server && !mailbox->elsewhere &&
	       mailbox->record.state != MAILBOX_DETACHED_SERVER_GONE;
}

int absence(struct pass *pass, struct err *err)
{
	static const struct task_kind kind = {absence_begin, absence_event};
	struct absence_task absence = {
		.task.kind = &kind,
		.pass = pass,
		.doubts = arena_array(
			&pass->arena, pass->count, sizeof(*absence.doubts)),
	};
	struct task *tasks[] = {&absence.task};

	for (size_t i = 0; i < pass->count; i++) {
		if (is_doubtful(&pass->mailboxes[i]))
			absence.doubts[absence.count++].mailbox =
				&pass->mailboxes[i];
	}
	if (absence.count == 0)
		return 0;
	if (pool_run(pass->pool, tasks, 1, 1, err) != 0)
		return -1;
	if (absence.task.result == TASK_FAILED)
		not_judged(&absence);
	return 0;
}
