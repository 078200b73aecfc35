/*
 * Lines: the tasks that share one connection.
 *
 * One of them has the floor: what it says goes out, what the others say is held
 * back. Who has said all that it has to say, as far as it knows, lets the next
 * one speak while it waits for its answers; so the SELECTs of many mailboxes
 * travel in one flight. An answer goes to whom it is for. One that has
 * something to say after all gets the floor again, with its mailbox selected
 * once more: it notices nothing but the time that it takes. What changes a
 * mailbox goes out only when the server has confirmed the UIDVALIDITY that it
 * is meant for.
 */
#ifndef GODWIT_SRC_ENGINE_LINE_H
#define GODWIT_SRC_ENGINE_LINE_H

#include "conn.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mailbox;
struct task;

enum task_step {
	TASK_MORE,
	TASK_DONE,
	TASK_FAILED, /* the err was set */
};

struct task_kind {
	/* Submits the first commands; also after a connection broke, with
	 * what was achieved before still in place. */
	enum task_step (*begin)(struct task *task, struct err *err);

	/* Takes an event of the task's own commands. */
	enum task_step (*event)(struct task *task,
		const struct imap_event *event, struct err *err);
};

/* Embedded at the front of what a task is. */
struct task {
	const struct task_kind *kind;
	struct conn *conn;       /* while it runs */
	struct mailbox *mailbox; /* whose it is; or NULL */
	/* It may begin before the server has let us in: what it says then
	 * changes nothing, names nothing of the user's, and is short. It is
	 * begun anew where the server turns out to be another. */
	bool goes_ahead;
	/* What it is worth, roughly: turns of the line in which nobody else
	 * gets to speak, and bytes to be moved. The pool opens connections by
	 * that. */
	unsigned turns;
	uint64_t bytes;
	uint64_t underway;     /* of them: asked for, and not here yet */
	unsigned tries;        /* times it was begun */
	unsigned excused;      /* of these: ended by what was others' fault */
	unsigned vain;         /* in a row, its own and without a result */
	uint64_t achieved;     /* the task counts here what it has done for
				* good, so that a try is not in vain */
	enum task_step result; /* TASK_MORE until it has ended */
	struct err err;        /* of TASK_FAILED */
	bool cut; /* it failed for its connection's or the account's sake */

	/* The line's. */
	struct task *next;   /* behind it */
	uint32_t speaker;    /* what it is called in the session */
	uint32_t selection;  /* the SELECT that what it says relies on */
	uint32_t resumption; /* the line's SELECT for it on the way, or 0 */
	bool confirms;       /* which is awaited before anything is said */
	bool is_open;        /* its mailbox is selected, as far as it knows */
	bool says;           /* it is being called, and has said all */
	bool has_said;
	uint64_t achieved_before; /* this try */
};

struct line {
	struct conn *conn;
	struct task *first; /* by when they were begun */
	size_t count;
	struct task *floor;   /* who may speak; NULL: whoever comes */
	struct mailbox *open; /* what was selected last, if that is known */
	uint32_t open_selection;
	uint32_t speakers; /* names that were given */
};

/* An empty line. The connection is borrowed. */
void line_init(struct line *line, struct conn *conn);

/* Whether another task may begin: none is there, or all have said what they
 * have to say, and not too much is on the way. */
bool line_has_room(const struct line *line);

/* Puts a task at the end, and begins it. What it comes to is the caller's to
 * act on: one that is over is to be taken out. */
enum task_step line_begin(struct line *line, struct task *task);

/* The task that an event is for, or NULL. */
struct task *line_find(const struct line *line, const struct imap_event *event);

/* Has that task hear it; likewise. */
enum task_step line_hear(
	struct line *line, struct task *task, const struct imap_event *event);

/* Takes out a task that is over, or is to be begun anew elsewhere. */
void line_take_out(struct line *line, struct task *task);

/* Gives the floor to who has something to say, if it is free. Whether there was
 * one. */
bool line_go_on(struct line *line);

/* The mailbox has changed elsewhere: who needs it selects it anew. */
void line_unselect(struct line *line, const struct mailbox *mailbox);

/* The task whose answer the server owes next: who is to blame when it breaks
 * the connection instead. NULL: nobody who is still here. */
struct task *line_front(const struct line *line);

/* ---- For tasks ----------------------------------------------------------- */

/* It has said all that there is to say, if the answers are as expected: others
 * may speak. To be called, by begin or event, after each time that it spoke. */
void task_said(struct task *task);

/*
 * Selects the task's mailbox unless its connection has it selected. Returns
 * the handle of the SELECT, or 0 if none is needed.
 */
uint32_t task_select(struct task *task);

/* Likewise, always, by a SELECT of the task's own; which may as well be that of
 * another mailbox, if its answer is not told task_selected(). */
uint32_t task_open(struct task *task, const struct imap_command *select);

/* The answer to that SELECT: 0, or -1 and err (ERR_MAILBOX). */
int task_selected(struct task *task, const struct imap_status_line *line,
	struct err *err);

#endif
