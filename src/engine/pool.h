/*
 * The pool: an account's connections, and the tasks that they work off.
 *
 * A task is a small machine that drives one connection for one purpose: list
 * the mailboxes, list one mailbox, fetch, append. The pool gives waiting tasks
 * to connections that are logged in and idle, feeds them events, and waits for
 * all connections at once. A connection that breaks is replaced and its task
 * begun anew: once if it had achieved nothing, some more times if it gets on. A
 * server that refuses more connections is used with those that it gave.
 * A task that allows it begins while the login is still on its way; if that
 * relied on what is no longer so, both begin anew.
 */
#ifndef GODWIT_SRC_ENGINE_POOL_H
#define GODWIT_SRC_ENGINE_POOL_H

#include "conn.h"
#include "login.h"

#include <stdbool.h>

struct mailbox;
struct pool;
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

	/* Takes an event of the task's connection. */
	enum task_step (*event)(struct task *task,
		const struct imap_event *event, struct err *err);
};

/* Embedded at the front of what a task is. */
struct task {
	const struct task_kind *kind;
	struct conn *conn;         /* while it runs */
	struct mailbox *mailbox;   /* whose it is; or NULL */
	struct mailbox **selected; /* the mailbox that conn has selected */
	/* It may begin before the server has let us in: what it says then
	 * changes nothing, names nothing of the user's, and is short. It is
	 * begun anew where the server turns out to be another. */
	bool goes_ahead;
	unsigned tries;        /* times it was begun */
	unsigned vain;         /* of these in a row, without a result */
	uint64_t achieved;     /* the task counts here what it has done for
				* good, so that a try is not in vain */
	enum task_step result; /* TASK_MORE until it has ended */
	struct err err;        /* of TASK_FAILED */
	bool cut; /* it failed for its connection's or the account's sake */
};

/* Nothing is opened yet. All is borrowed. */
struct pool *pool_new(const struct account *account, const struct ports *ports);

/* What is known of the server from before; to be set before the first run.
 * pool_recall() then tells what is known by now. */
void pool_set_recall(struct pool *pool, const struct recall *recall);
const struct recall *pool_recall(const struct pool *pool);

/*
 * Runs all tasks to their end, on at most `connections` connections. -1 and
 * err when no connection can be had (any more); tasks that had not ended then
 * are TASK_FAILED with that err.
 */
int pool_run(struct pool *pool, struct task **tasks, size_t count,
	uint32_t connections, struct err *err);

/* The mailbox has got messages over another connection than those which have it
 * selected: what needs it selected has to select it anew to see them. */
void pool_unselect(struct pool *pool, const struct mailbox *mailbox);

/* What logging in taught. */
const struct server *pool_server(const struct pool *pool);

/* What an earlier run learnt, for the logins to come. */
void pool_remember(struct pool *pool, const struct unbound_record *unbound);

/* Capabilities as of the last login. */
const struct imap_caps *pool_caps(const struct pool *pool);

uint64_t pool_bytes_in(const struct pool *pool);
uint64_t pool_bytes_out(const struct pool *pool);

/* Logs out where that is possible, and releases everything. */
void pool_free(struct pool **pool);

/*
 * Selects the task's mailbox unless its connection has it selected. Returns
 * the handle of the SELECT, or 0 if none is needed.
 */
uint32_t task_select(struct task *task);

/* The answer to that SELECT: 0, or -1 and err (ERR_MAILBOX). */
int task_selected(struct task *task, const struct imap_status_line *line,
	struct err *err);

#endif
