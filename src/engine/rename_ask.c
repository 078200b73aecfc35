/*
 * How: a task that looks at both names first if it was begun before. Its
 * connection has INBOX open then, since what is open cannot be renamed
 * everywhere.
 */
#include "rename_ask.h"

#include "absence.h"

enum ask_stage {
	ASK_RELEASES,
	ASK_LOOKS_FROM,
	ASK_LOOKS_TO,
	ASK_RENAMES,
	ASK_SUBSCRIBES,
	ASK_UNSUBSCRIBES,
	ASK_FINDS, /* the subscription to the old name */
};

struct ask {
	struct task task;
	struct str from;
	struct str to;
	bool is_renamed; /* only the subscription is left to do */
	bool is_subscribed;
	bool has_from;
	enum ask_stage stage;
};

static enum task_step ask_name(
	struct ask *ask, enum imap_command_kind kind, enum ask_stage stage)
{
	bool is_old = stage == ASK_LOOKS_FROM || stage == ASK_UNSUBSCRIBES;
	struct imap_command command = {.kind = kind};

	ask->stage = stage;
	if (kind == IMAP_STATUS) {
		command.status.mailbox = is_old ? ask->from : ask->to;
		command.status.items = IMAP_STATUS_UIDVALIDITY;
	} else {
		command.mailbox = is_old ? ask->from : ask->to;
	}
	conn_submit(ask->task.conn, &command);
	return TASK_MORE;
}

static enum task_step ask_rename(struct ask *ask)
{
	struct imap_command command = {.kind = IMAP_RENAME};

	ask->stage = ASK_RENAMES;
	command.rename.from = ask->from;
	command.rename.to = ask->to;
	conn_submit(ask->task.conn, &command);
	return TASK_MORE;
}

/* RENAME does not take the subscription along (RFC 3501 section 6.3.6). */
static enum task_step renamed(struct ask *ask)
{
	return ask->is_subscribed
		       ? ask_name(ask, IMAP_SUBSCRIBE, ASK_SUBSCRIBES)
		       : TASK_DONE;
}

static enum task_step ask_refused(
	const struct imap_status_line *line, struct err *err)
{
	err_set(err, ERR_MAILBOX, ERR_LATER, ERR_SYNC,
		"the server does not rename it as its folder was; the next run "
		"tries again, or give the folder its old name back: %.*s",
		STR_FMT(err_said(line->text)));
	return TASK_FAILED;
}

/* Whether the name is there, from the answer to a STATUS; -1: not told. */
static int is_there(const struct imap_status_line *line)
{
	if (line->condition == IMAP_OK)
		return 1;
	return absence_denied(0, line) ? 0 : -1;
}

/* Both names were looked at. */
static enum task_step ask_looked(
	struct ask *ask, const struct imap_status_line *line, struct err *err)
{
	int has_to = is_there(line);

	if (has_to == 1 && !ask->has_from)
		return renamed(ask);
	return has_to == 0 && ask->has_from ? ask_rename(ask)
					    : ask_refused(line, err);
}

static enum task_step ask_answered(
	struct ask *ask, const struct imap_status_line *line, struct err *err)
{
	switch (ask->stage) {
	case ASK_RELEASES:
		return ask->task.tries > 1
			       ? ask_name(ask, IMAP_STATUS, ASK_LOOKS_FROM)
			       : ask_rename(ask);
	case ASK_LOOKS_FROM:
		if (is_there(line) < 0)
			return ask_refused(line, err);
		ask->has_from = is_there(line) == 1;
		return ask_name(ask, IMAP_STATUS, ASK_LOOKS_TO);
	case ASK_LOOKS_TO:
		return ask_looked(ask, line, err);
	case ASK_RENAMES:
		return line->condition == IMAP_OK ? renamed(ask)
						  : ask_refused(line, err);
	case ASK_SUBSCRIBES: /* what is not taken is no failure */
		return ask_name(ask, IMAP_UNSUBSCRIBE, ASK_UNSUBSCRIBES);
	case ASK_FINDS:
		return renamed(ask);
	case ASK_UNSUBSCRIBES:
		break;
	}
	return TASK_DONE;
}

/* LSUB names what is subscribed to, be it there or not. */
static enum task_step ask_subscription(struct ask *ask)
{
	struct imap_command command = {.kind = IMAP_LSUB};

	ask->stage = ASK_FINDS;
	ask->is_subscribed = false;
	command.list.reference = STR("");
	command.list.patterns = (struct imap_strs){&ask->from, 1};
	conn_submit(ask->task.conn, &command);
	return TASK_MORE;
}

static enum task_step ask_begin(struct task *task, struct err *err)
{
	struct ask *ask = (struct ask *)task;
	struct imap_command command = {.kind = IMAP_EXAMINE};

	(void)err;
	if (ask->is_renamed)
		return ask_subscription(ask);
	ask->stage = ASK_RELEASES;
	command.select.mailbox = STR("INBOX");
	task_open(task, &command);
	return TASK_MORE;
}

static enum task_step ask_event(
	struct task *task, const struct imap_event *event, struct err *err)
{
	struct ask *ask = (struct ask *)task;

	if (event->kind == IMAP_EVENT_TAGGED)
		return ask_answered(ask, &event->response->line, err);
	if (event->kind == IMAP_EVENT_UNTAGGED && ask->stage == ASK_FINDS &&
		event->response->kind == IMAP_RESPONSE_LIST &&
		str_eq(event->response->list.name, ask->from))
		ask->is_subscribed = true;
	return TASK_MORE;
}

static const struct task_kind ask_kind = {ask_begin, ask_event};

int rename_ask(struct pass *pass, struct mailbox *there, struct str wire,
	bool *done_r, struct err *err)
{
	struct ask ask = {
		.task = {.kind = &ask_kind, .mailbox = there},
		.from = there->wire_name,
		.to = wire,
		.is_subscribed = (there->attrs & IMAP_ATTR_SUBSCRIBED) != 0,
	};
	struct task *tasks[] = {&ask.task};

	*done_r = false;
	if (pool_run(pass->pool, tasks, 1, 1, err) != 0)
		return -1;
	*done_r = ask.task.result == TASK_DONE;
	if (!*done_r)
		*err = ask.task.err;
	return 0;
}

int rename_ask_subscribe(struct pass *pass, struct str wire,
	struct mailbox *now, struct err *err)
{
	struct ask ask = {
		.task = {.kind = &ask_kind, .mailbox = now},
		.from = wire,
		.to = now->wire_name,
		.is_renamed = true,
	};
	struct task *tasks[] = {&ask.task};

	return pool_run(pass->pool, tasks, 1, 1, err);
}
