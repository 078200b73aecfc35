/*
 * Reports: what the engine tells whoever watches it.
 *
 * A sink of events, each a plain value that is borrowed for the call. The
 * engine calls it from its own loop, after a step is finished and never from
 * inside another module's call, so a sink may print, count or do nothing; it
 * cannot answer. Events of one account come in this order: alerts, progress,
 * operations, errors and mailboxes as they happen, and one summary last.
 * No event holds a secret. Text may hold whatever servers and files hold:
 * who prints it must clean it.
 */
#ifndef GODWIT_ENGINE_REPORT_H
#define GODWIT_ENGINE_REPORT_H

#include "godwit/base/bytes.h"
#include "godwit/base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum report_kind {
	REPORT_ALERT,    /* .text: an [ALERT] of the server's */
	REPORT_NOTE,     /* .text: worth knowing, not an error (a conflict,
			  * a detached mailbox) */
	REPORT_DETAIL,   /* .text: worth knowing for who asks for more */
	REPORT_PROGRESS, /* .progress: how far the account is */
	REPORT_WOULD,    /* .op: what a sync would do (dry run) */
	REPORT_DONE,     /* .op: what was done, now durable */
	REPORT_ERROR,    /* .error: its scope says how much is lost */
	REPORT_MAILBOX,  /* .mailbox_state: one is finished, or was looked at */
	REPORT_LISTED,   /* .listed: one line of `list` */
	REPORT_FACT,     /* .fact: one line of `check` */
	REPORT_SUMMARY   /* .summary: the account's last event */
};

/* The side that something is done to. */
enum report_side {
	REPORT_LOCAL,
	REPORT_SERVER
};

/* What is done there. */
enum report_verb {
	REPORT_ADD,            /* a message is copied over */
	REPORT_REMOVE,         /* a message is removed */
	REPORT_MOVE,           /* a message is moved to mailbox `to` */
	REPORT_COPY,           /* a message is copied to mailbox `to` */
	REPORT_FLAG,           /* flags or keywords are changed */
	REPORT_MAILBOX_CREATE, /* the mailbox is made */
	REPORT_MAILBOX_REMOVE, /* the mailbox is removed */
	REPORT_MAILBOX_RENAME  /* the mailbox becomes `to` */
};

struct report_op {
	enum report_verb verb;
	enum report_side side;
	uint32_t uid;      /* on the server; 0 where there is none yet */
	struct str file;   /* the local file's name, or empty */
	struct str to;     /* the target mailbox, or empty */
	struct str flags;  /* FLAG: "+\Seen -\Flagged", or empty */
	struct str reason; /* a phrase: "new on the server" */
};

struct report_error {
	const struct err *err;
	uint32_t uid;    /* ERR_MESSAGE: which, where known */
	struct str file; /* likewise */
};

struct report_progress {
	uint64_t mailboxes_done, mailboxes_total;
	uint64_t ops_done, ops_total;
	uint64_t bytes_in, bytes_out; /* on the wire so far */
};

/* How much was, or would be, done to one side. */
struct report_counts {
	uint64_t added, removed, moved, copied, flagged;
};

enum report_mailbox_state {
	REPORT_IN_STEP,  /* both sides are equal */
	REPORT_DIRTY,    /* there is something to do */
	REPORT_DETACHED, /* gone on one side, kept on the other */
	REPORT_REFUSED,  /* the guard holds it back */
	REPORT_FAILED    /* it could not be synced, or looked at */
};

struct report_mailbox {
	enum report_mailbox_state state;
	uint64_t local_messages, server_messages;
	struct report_counts local, server; /* done, or still to do */
	uint64_t waiting;                   /* messages put off by an error */
};

/* One mailbox as `list` shows it; it may exist on one side only. */
struct report_listed {
	struct str local_name;  /* below the Maildir root, or empty */
	struct str special_use; /* "\Sent", or empty */
	bool on_server, on_local;
	bool subscribed;
	bool selectable;
	bool synced; /* by include, exclude and subscribed */
};

/* One thing that `check` found out. */
struct report_fact {
	struct str subject; /* "server", "login", "maildir"... */
	struct str text;    /* a sentence */
	bool good;          /* else it deserves a look */
};

struct report_summary {
	int status; /* the exit status that this account alone would give */
	uint64_t mailboxes;
	uint64_t dirty; /* mailboxes that were looked into */
	struct report_counts local, server;
	uint64_t bytes_in, bytes_out; /* on the wire */
	uint64_t conflicts;
	uint64_t errors;
	uint64_t elapsed_ms;
};

struct report_event {
	enum report_kind kind;
	struct str account;
	struct str mailbox; /* the server's name in UTF-8, or empty */
	union {
		struct str text;
		struct report_op op;
		struct report_error error;
		struct report_progress progress;
		struct report_mailbox mailbox_state;
		struct report_listed listed;
		struct report_fact fact;
		struct report_summary summary;
	};
};

/* The sink. */
struct report {
	void *ctx;
	void (*event)(void *ctx, const struct report_event *event);
};

#endif
