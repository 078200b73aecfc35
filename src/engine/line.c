/*
 * How: the session knows who speaks, and keeps what is not to go out yet
 * (imap_session_speak_as()). The floor goes on when its holder has said all: to
 * the one that has been here longest of those who have something held, or to
 * who begins. A task keeps the selection that it relies on; if that is not the
 * last one of the session any more, a SELECT goes ahead of what it says, and is
 * answered here.
 */
#include "line.h"

#include "mailbox.h"

enum {
	/* More tasks do not begin when so many commands are on the way (a
	 * server works at them one by one), or so many bytes: a line of a
	 * gigabit with a round trip of 8 ms, or of 200 Mbit with 40. */
	LINE_COMMANDS_MAX = 24,
	LINE_BYTES_MAX = 1 << 20,
};

void line_init(struct line *line, struct conn *conn)
{
	*line = (struct line){.conn = conn};
}

static bool has_passed(const struct task *task)
{
	return task->has_said && !task->confirms;
}

bool line_has_room(const struct line *line)
{
	uint64_t underway = 0;

	for (const struct task *task = line->first; task; task = task->next) {
		/* Who broke a connection before is watched alone. */
		if (!has_passed(task) || task->vain > 0)
			return false;
		underway += task->underway;
	}
	return line->first == NULL ||
	       (underway < LINE_BYTES_MAX &&
		       imap_session_pending(conn_session(line->conn)) <
			       LINE_COMMANDS_MAX);
}

/* Calls the task, to begin or with an event. */
static enum task_step call(
	struct line *line, struct task *task, const struct imap_event *event)
{
	struct imap_session *session = conn_session(line->conn);
	uint32_t last = imap_session_last(session);
	enum task_step step;

	imap_session_speak_as(session, task->speaker, line->floor != task);
	task->says = false;
	step = event == NULL ? task->kind->begin(task, &task->err)
			     : task->kind->event(task, event, &task->err);
	imap_session_speak_as(session, 0, false);
	if (task->says || imap_session_last(session) != last)
		task->has_said = task->says;
	/* What was unselected meanwhile stays so until another SELECT. */
	if (task->is_open && task->selection != line->open_selection &&
		task->selection == imap_session_selection(session)) {
		line->open = task->mailbox;
		line->open_selection = task->selection;
	}
	return step;
}

static struct task **end_of(struct line *line)
{
	struct task **at = &line->first;

	while (*at != NULL)
		at = &(*at)->next;
	return at;
}

enum task_step line_begin(struct line *line, struct task *task)
{
	uint32_t selection = imap_session_selection(conn_session(line->conn));

	*end_of(line) = task;
	line->count++;
	line->floor = task;
	task->next = NULL;
	task->conn = line->conn;
	task->speaker = ++line->speakers;
	task->is_open = task->mailbox != NULL && line->open == task->mailbox &&
			line->open_selection == selection;
	task->selection = task->is_open ? selection : 0;
	task->resumption = 0;
	task->confirms = false;
	task->has_said = false;
	task->underway = 0;
	task->achieved_before = task->achieved;
	task->tries++;
	return call(line, task, NULL);
}

static struct task *task_named(const struct line *line, uint32_t speaker)
{
	struct task *task = line->first;

	while (task != NULL && (speaker == 0 || task->speaker != speaker))
		task = task->next;
	return task;
}

struct task *line_find(const struct line *line, const struct imap_event *event)
{
	return task_named(line, event->speaker);
}

struct task *line_front(const struct line *line)
{
	uint32_t speaker = imap_session_speaker(conn_session(line->conn));

	return speaker == 0 ? line->first : task_named(line, speaker);
}

static int renumbered(struct err *err)
{
	return err_set(err, ERR_MAILBOX, ERR_LATER, ERR_SYNC,
		"the server gave this mailbox a new UIDVALIDITY during the "
		"sync; the next run starts from there");
}

/* Whether the mailbox that the task has selected got a new UIDVALIDITY: then
 * what the server says of UIDs is about others. */
static bool is_renumbered(const struct task *task, struct err *err)
{
	const struct imap_mailbox *now =
		imap_session_mailbox(conn_session(task->conn));

	return task->is_open && now->handle == task->selection &&
	       now->uidvalidity != 0 &&
	       now->uidvalidity != task->mailbox->uidvalidity &&
	       renumbered(err) != 0;
}

/* An event of the SELECT that the line sent for a task. */
static enum task_step resumed(struct task *task, const struct imap_event *event)
{
	if (event->kind != IMAP_EVENT_TAGGED)
		return TASK_MORE;
	task->resumption = 0;
	if (task_selected(task, &event->response->line, &task->err) != 0)
		return TASK_FAILED;
	if (task->confirms)
		imap_session_let_go(conn_session(task->conn), task->speaker);
	task->confirms = false;
	return TASK_MORE;
}

enum task_step line_hear(
	struct line *line, struct task *task, const struct imap_event *event)
{
	if (event->left_behind)
		return TASK_MORE;
	if (task->resumption != 0 && event->handle == task->resumption)
		return resumed(task, event);
	if (is_renumbered(task, &task->err))
		return TASK_FAILED;
	return call(line, task, event);
}

void line_take_out(struct line *line, struct task *task)
{
	struct task **at = &line->first;

	while (*at != task)
		at = &(*at)->next;
	*at = task->next;
	line->count--;
	if (line->floor == task)
		line->floor = NULL;
	imap_session_forget(conn_session(line->conn), task->speaker);
	task->next = NULL;
	task->conn = NULL;
	task->underway = 0;
}

void line_unselect(struct line *line, const struct mailbox *mailbox)
{
	if (line->open == mailbox)
		line->open = NULL;
}

/* Selects the task's mailbox again, where another one is. */
static void resume(struct line *line, struct task *task)
{
	struct imap_session *session = conn_session(line->conn);
	const struct imap_command select = {
		.kind = IMAP_SELECT,
		.select.mailbox = task->mailbox->wire_name,
	};

	imap_session_speak_as(session, task->speaker, false);
	task->selection = conn_submit(line->conn, &select);
	task->resumption = task->selection;
	imap_session_speak_as(session, 0, false);
}

static void give_floor(
	struct line *line, struct task *task, const struct imap_held *held)
{
	struct imap_session *session = conn_session(line->conn);

	line->floor = task;
	if (task->selection != 0 && !held->selects &&
		task->selection != imap_session_selection(session)) {
		resume(line, task);
		task->confirms = held->changes;
	}
	if (!task->confirms)
		imap_session_let_go(session, task->speaker);
}

bool line_go_on(struct line *line)
{
	struct imap_held held;

	if (line->floor != NULL && !has_passed(line->floor))
		return false;
	for (struct task *task = line->first; task; task = task->next) {
		if (!imap_session_holds(
			    conn_session(line->conn), task->speaker, &held))
			continue;
		give_floor(line, task, &held);
		return true;
	}
	return false;
}

/* ---- For tasks ----------------------------------------------------------- */

void task_said(struct task *task)
{
	task->says = true;
}

uint32_t task_select(struct task *task)
{
	const struct imap_command select = {
		.kind = IMAP_SELECT,
		.select.mailbox = task->mailbox->wire_name,
	};

	return task->is_open ? 0 : task_open(task, &select);
}

uint32_t task_open(struct task *task, const struct imap_command *select)
{
	task->is_open = false;
	task->selection = conn_submit(task->conn, select);
	return task->selection;
}

int task_selected(
	struct task *task, const struct imap_status_line *line, struct err *err)
{
	const struct imap_mailbox *selected =
		imap_session_mailbox(conn_session(task->conn));
	struct mailbox *mailbox = task->mailbox;

	if (line->condition != IMAP_OK)
		return err_set(err, ERR_MAILBOX, ERR_LATER, ERR_SYNC,
			"the server does not open this mailbox: %.*s",
			STR_FMT(err_said(line->text)));
	if (selected->uidvalidity == 0 || selected->uidvalidity > UINT32_MAX)
		return err_set(err, ERR_MAILBOX, ERR_LATER, ERR_PROTOCOL,
			"the server gives this mailbox no UIDVALIDITY, without "
			"which its messages cannot be told apart; it is left "
			"alone");
	if (mailbox->uidvalidity != 0 &&
		mailbox->uidvalidity != selected->uidvalidity)
		return renumbered(err);
	mailbox->uidvalidity = (uint32_t)selected->uidvalidity;
	task->is_open = true;
	return 0;
}
