/*
 * Oracle: what a plan must lead to, worked out naively from the merge rules.
 *
 * It shares no code and no types with the planner. Flags are bits of a number,
 * a message is a struct of yes and no, and what comes out is not operations but
 * the state that both sides are to be in when all is done. Slow and simple, so
 * that reading it is enough to believe it.
 */
#ifndef GODWIT_T_LIB_PLAN_ORACLE_H
#define GODWIT_T_LIB_PLAN_ORACLE_H

#include <stdbool.h>

enum {
	ORACLE_SEEN = 1,
	ORACLE_DELETED = 2,
	ORACLE_KEYWORD = 4,
	ORACLE_FLAGS = 3, /* so many */
};

struct oracle_message {
	bool here;    /* in the Maildir */
	bool there;   /* on the server */
	bool journal; /* in the journal */
	bool stale;   /* the journal's entry is of another UID */
	bool held;    /* not to be copied */
	bool twin;    /* another file has the same name */
	unsigned here_flags;
	unsigned there_flags;
	unsigned base_flags; /* the journal's */

	/* Of an end only. */
	bool trashed;
	unsigned trash_flags;
	bool conflict;
};

enum oracle_delete {
	ORACLE_EXPUNGE,
	ORACLE_TRASH,
	ORACLE_NEVER
};

struct oracle_policy {
	bool write_here;
	bool write_there;
	enum oracle_delete deletes;
	bool expunge_here;
	bool expunge_there;
	bool can_expunge;
	bool can_move;
	bool is_trash;
	unsigned here_keeps; /* flags that show if they are set */
	unsigned here_takes; /* flags that can be changed */
	unsigned there_keeps;
	unsigned there_takes;
};

/* The end that the message must come to. */
struct oracle_message oracle_end(
	struct oracle_message m, const struct oracle_policy *policy);

/* Whether two states are the same in what means something. */
bool oracle_same(
	const struct oracle_message *a, const struct oracle_message *b);

#endif
