/*
 * Errors: what went wrong in the world, as a value, and what went wrong here.
 *
 * Our own mistakes, and running out of memory, abort the process at check():
 * the recovery path is the one that crash tests know best. What the world does
 * wrong is returned: `int` 0 or -1 with `struct err *` as the last parameter,
 * untouched on success. An err says what is lost (scope), whether to try again
 * (retry), of what kind it is (cause, which decides the exit status), and a
 * whole sentence that tells the user what to do. Secrets never enter it.
 */
#ifndef GODWIT_BASE_ERR_H
#define GODWIT_BASE_ERR_H

#include "godwit/base/bytes.h"

/* How much of the run is lost. */
enum err_scope {
	ERR_MESSAGE, /* one message; the mailbox goes on */
	ERR_MAILBOX, /* one mailbox; the account goes on */
	ERR_ACCOUNT, /* one account; other accounts go on */
	ERR_RUN,     /* everything */
};

/* Whether the same could succeed another time. */
enum err_retry {
	ERR_NOW,   /* at once, say on a new connection */
	ERR_LATER, /* in a later run */
	ERR_NEVER, /* only after the user has changed something */
};

/* What it is about; err_status() maps it to the exit status. */
enum err_cause {
	ERR_SYNC,     /* 1   something could not be synced */
	ERR_USAGE,    /* 64  the command line */
	ERR_NET,      /* 69  the server cannot be reached */
	ERR_BUG,      /* 70  ours */
	ERR_DISK,     /* 74  the local file system or journal */
	ERR_LOCKED,   /* 75  another run holds the account */
	ERR_PROTOCOL, /* 76  the server said what it must not */
	ERR_LOGIN,    /* 77  login refused, certificate not trusted */
	ERR_CONFIG,   /* 78  the configuration */
};

#define ERR_TEXT_MAX 1024

struct err {
	enum err_scope scope;
	enum err_retry retry;
	enum err_cause cause;
	char text[ERR_TEXT_MAX]; /* cut, never overrun */
};

/*
 * Fills *err and returns -1, so that `return err_set(...)` reads well.
 * Control characters in the finished sentence become '?'. `err` may be NULL.
 */
int err_set(struct err *err, enum err_scope scope, enum err_retry retry,
	enum err_cause cause, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

/* Puts "context: " in front of the sentence. Returns -1. */
int err_context(struct err *err, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * What somebody else says (a server, the system, a library), as it may stand
 * within our sentence, in front of a semicolon as well as at its end: without
 * the blanks around it and the full stop behind it. Where nothing is left, "no
 * reason given". Borrows from `text`.
 */
struct str err_said(struct str text);

/* The exit status (see godwit(1)) that a cause stands for. */
int err_status(enum err_cause cause);

/* Aborts with the place and the condition, in every build. */
#define check(cond) ((cond) ? (void)0 : check_failed(#cond, __FILE__, __LINE__))

_Noreturn void check_failed(const char *cond, const char *file, int line);

#endif
