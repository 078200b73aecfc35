/*
 * The pool: an account's connections, and the tasks that they work off.
 *
 * A task is a small machine that drives one connection for one purpose: list
 * the mailboxes, list one mailbox, fetch, append. The pool gives waiting tasks
 * to connections that are logged in and have room for them (line.h), feeds them
 * events, and waits for all connections at once. A connection that breaks is
 * replaced, and the task whose answer was due begun anew: once if it had
 * achieved nothing, some more times if it gets on; others that were on their
 * way there are begun anew at no cost. A task that allows it begins while the
 * login is still on its way; if that relied on what is no longer so, both begin
 * anew.
 *
 * How many connections: one, and another for what the waiting tasks are worth
 * as often as two logins would cost. Both are milliseconds: turns of the line,
 * by the round trip that was measured, and bytes, by what one connection of a
 * good server gives. A server that refuses more connections is used with those
 * that it gave.
 */
#ifndef GODWIT_SRC_ENGINE_POOL_H
#define GODWIT_SRC_ENGINE_POOL_H

#include "line.h"
#include "login.h"

#include <stdbool.h>

struct pool;

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

/* Says LOGOUT where that is possible, waits for no answer to it, and releases
 * everything. */
void pool_free(struct pool **pool);

#endif
