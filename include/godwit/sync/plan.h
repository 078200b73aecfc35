/*
 * Plan: what to do about what has changed. The merge rules live here only.
 *
 * A pure function of rows (one message each, as base, server and Maildir have
 * it), of what the two sides of a mailbox can do, and of the user's policy, to
 * a list of operations, each with its reason. It does not know how a row came
 * about (match.h), nor how an operation is carried out (engine/apply.h), and
 * it refuses nothing: that is guard.h's part. When no rule fits, the message is
 * kept and OP_CONFLICT says so.
 *
 * Swapping LOCAL and REMOTE in a plan's input, with a policy that treats them
 * alike, swaps them in its output; and a plan over rows as apply leaves them is
 * empty. The tests prove both for every state of a message.
 */
#ifndef GODWIT_SYNC_PLAN_H
#define GODWIT_SYNC_PLAN_H

#include "godwit/base/arena.h"
#include "godwit/mail/flags.h"
#include "godwit/mail/keywords.h"
#include "godwit/sync/side.h"

#include <stdbool.h>
#include <stdint.h>

/* No such index. */
#define PLAN_NONE UINT32_MAX

/* Why a row must not be copied in this run. */
enum row_hold {
	ROW_FREE,      /* nothing is in the way */
	ROW_TROUBLED,  /* it failed before; its next try is not yet due */
	ROW_TOO_BIG,   /* outside `limits: max_size` */
	ROW_TOO_OLD,   /* outside `limits: max_age` */
	ROW_SURPLUS,   /* outside `limits: newest` */
	ROW_SAME_NAME, /* another file of the Maildir has its name: said. Match
			* sets this one, and nobody may overwrite it */
	ROW_TWIN,      /* another mailbox downloads the same message: it is to
			* be copied from there. Apply sets it, after the plan */
};

/* How the sides of a row come to be here, where another mailbox is in it
 * (move.h). */
enum row_origin {
	ROW_AT_HOME,           /* none is */
	ROW_FILE_ELSEWHERE,    /* moved on the server: the file lies in another
				* mailbox still, LOCAL says how */
	ROW_MESSAGE_ELSEWHERE, /* moved in the Maildir: likewise on the server,
				* REMOTE says how */
	ROW_COPY, /* new here, but another mailbox has it on both sides: what is
		   * missing is copied from there. flags[] of the missing side
		   * are the original's there; with a stale BASE its file went
		   * from there to here */
	ROW_LEFT, /* gone from the Maildir because it was moved; the server's
		   * message was copied, not moved, and goes once the copy is
		   * proven; or it is marked, where it cannot go */
};

/*
 * One message. flags[side] means something only where `present` has the side's
 * bit; the three share their mailbox's keyword table. A hold says that a new
 * message stays where it is, untouched; it never holds back anything about a
 * message that both sides have, or had.
 *
 * A stale BASE is an entry of the journal that names another UID than this
 * row's (after a change of UIDVALIDITY, or where match paired by identity). It
 * says what the flags were when both sides were in step; it is no proof that
 * anything is gone.
 */
struct row {
	struct flags flags[SIDES];
	uint32_t uid;    /* on the server; 0: not there yet */
	uint32_t remote; /* index into the listing that match was given */
	uint32_t local;  /* index into the scan that match was given */
	uint32_t base;   /* index into the base that match was given; PLAN_NONE:
			  * the entry is another mailbox's */
	uint32_t shown;  /* keywords that the Maildir keeps here, besides those
			  * of the policy: the file lies where they have letters
			  * (ROW_FILE_ELSEWHERE) */
	uint8_t present; /* mask of SIDE_BIT */
	uint8_t hold;    /* enum row_hold */
	uint8_t origin;  /* enum row_origin */
	bool stale;      /* see above; means nothing without BASE */
};

/* Those that take something away come last; apply does them last, too. */
enum op_kind {
	OP_CONFLICT,      /* no rule fits: kept, said, exit status 1 */
	OP_PAIR,          /* both sides have it: write it into the journal */
	OP_PULL,          /* download, flags and all */
	OP_PUSH,          /* upload, flags and all */
	OP_COPY_LOCAL,    /* a file of another mailbox is copied here */
	OP_COPY_REMOTE,   /* COPY from another mailbox to here */
	OP_MOVE_LOCAL,    /* a file of another mailbox is moved here */
	OP_MOVE_REMOTE,   /* MOVE from another mailbox to here, or COPY where
			   * OP_LEAVE_REMOTE does the rest */
	OP_FLAG_LOCAL,    /* the Maildir's flags become op.flags */
	OP_FLAG_REMOTE,   /* the server's flags become op.flags */
	OP_FLAG_BASE,     /* only the journal learns something */
	OP_LEAVE_REMOTE,  /* \Deleted and UID EXPUNGE of what was copied to the
			   * mailbox that it was moved to */
	OP_REMOVE_REMOTE, /* \Deleted and UID EXPUNGE */
	OP_TRASH_REMOTE,  /* UID MOVE (or COPY and UID EXPUNGE) to the \Trash
			   * mailbox, its flags being op.flags */
	OP_MARK_REMOTE,   /* \Deleted, but no expunge: no UID EXPUNGE there */
	OP_REMOVE_LOCAL,  /* into the vault */
	OP_FORGET,        /* gone on both sides: out of the journal */
	OP_KINDS,
};

/* Each is a row of plan.c's table of sentences. */
enum op_reason {
	REASON_NEW_ON_SERVER,
	REASON_NEW_IN_MAILDIR,
	REASON_SAME_ON_BOTH,    /* same new message on both sides */
	REASON_FLAGS_ON_SERVER, /* flags changed on the server */
	REASON_FLAGS_IN_MAILDIR,
	REASON_FLAGS_ON_BOTH, /* changed on both, merged */
	REASON_GONE_FROM_SERVER,
	REASON_GONE_FROM_MAILDIR,
	REASON_GONE_FROM_BOTH,
	REASON_EXPUNGED,       /* \Deleted, and `expunge:` says so */
	REASON_CANNOT_EXPUNGE, /* gone locally; the server lacks UID EXPUNGE */
	REASON_SAME_NAME,      /* two files of one name: which is which? */
	REASON_MOVED_ON_SERVER,
	REASON_MOVED_IN_MAILDIR,
	REASON_COPIED_ON_SERVER,
	REASON_COPIED_IN_MAILDIR,
	REASONS,
};

/*
 * One operation on rows[row] of its mailbox. `flags` is the state that is
 * wanted: of the side that OP_FLAG_* and OP_MARK_REMOTE name; for OP_PULL and
 * OP_PUSH of the new copy; for OP_TRASH_REMOTE of the message in the trash.
 *
 * `base` is what the journal's entry says once the operation is done. A row
 * has at most one operation of each kind, in the order of enum op_kind, which
 * is that in which they must be done (so the server's copy goes before the
 * file), and
 *
 * - OP_PULL, OP_PUSH and OP_PAIR write the entry (and, where the row's BASE is
 *   stale, drop the old one in the same commit);
 * - OP_COPY_* and OP_MOVE_* are ops of the mailbox that the message goes to and
 *   write its entry there; a move drops the one of where it came from in the
 *   same commit, unless OP_LEAVE_REMOTE does. They change no flags but those of
 *   OP_COPY_LOCAL's file (op.flags); ops of flags follow where some differ;
 * - OP_FLAG_LOCAL and OP_FLAG_REMOTE of one row have the same `base`, which is
 *   written when both are done: while one of them is not, the entry stays, and
 *   the next plan comes to the same end;
 * - OP_FLAG_BASE and OP_MARK_REMOTE write it (the mark is ours, so that it is
 *   not taken for a change when the file comes back);
 * - a removal drops the entry when it took the last copy there was; else the
 *   entry stays as it is, so that what is left is not taken for new.
 */
struct op {
	uint8_t kind;   /* enum op_kind */
	uint8_t reason; /* enum op_reason */
	uint32_t row;
	struct flags flags;
	struct flags base;
};

/* Which way changes may travel. */
enum policy_direction {
	POLICY_BOTH,
	POLICY_PULL, /* no operation changes the server */
	POLICY_PUSH, /* no operation changes the Maildir */
};

/* What becomes of the server's copy of a message removed locally. */
enum policy_delete {
	POLICY_DELETE_EXPUNGE,
	POLICY_DELETE_TRASH,
	POLICY_DELETE_NEVER,
};

/* A set of flags that may hold all keywords there are. */
struct flag_room {
	uint32_t system;   /* FLAG_ bits */
	uint32_t keywords; /* a set of the mailbox's table */
	bool any_keyword;  /* not just those */
};

/*
 * What the user wants, and what the two sides of this mailbox can do.
 *
 * `keeps` holds the flags that a side shows whenever they are set there. That
 * another one is missing says nothing: it was not removed, it is not seen.
 * `takes` holds the flags that we can set and clear there; no other is sent. A
 * flag that only one side can show never gets into the base, so it is neither
 * stripped from that side nor, the day that the other side can show it, taken
 * for removed. Hence
 *
 * - the server keeps and takes what PERMANENTFLAGS lists (any_keyword: it has
 *   \*). Where that says nothing, as after EXAMINE, it keeps what FLAGS lists;
 * - the Maildir keeps and takes the system flags and the keywords that have a
 *   letter, and takes any keyword while letters are free.
 */
struct policy {
	enum policy_direction direction;
	enum policy_delete deletes;
	unsigned expunge;     /* mask of SIDE_BIT(LOCAL) and SIDE_BIT(REMOTE) */
	bool can_expunge;     /* UID EXPUNGE (RFC 4315) is offered */
	bool can_move;        /* UID MOVE (RFC 6851) is offered */
	bool is_trash;        /* the mailbox is the \Trash one itself */
	bool remote_readonly; /* opened by EXAMINE, or said to be read-only:
			       * no operation changes the server */
	struct flag_room keeps[2]; /* of LOCAL and REMOTE */
	struct flag_room takes[2];
};

/* Whether the user, and the server, let us change a side. */
bool policy_writes(const struct policy *policy, enum side side);

/* One mailbox, all that a plan depends on. */
struct plan_input {
	const struct row *rows;
	size_t count;
	const struct policy *policy;
	struct keywords *keywords; /* gets new sets, never new names */
};

/* What to do in one mailbox. */
struct plan {
	struct op *ops; /* adds first (op_is_add); else in the rows' order */
	size_t count;
	uint32_t per_kind[OP_KINDS];
	uint32_t held_back; /* changes that direction, `delete:` or a server
			     * without UID EXPUNGE keep from being made */
};

/*
 * Plans one mailbox. Rows that are in step (row_in_step) lead to nothing, and
 * may be left out by the caller. The ops live in `arena`.
 */
void plan_mailbox(const struct plan_input *input, struct arena *arena,
	struct plan *plan_r);

/* Whether the row is alike on all three sides and does not bear \Deleted, so
 * that no policy finds anything to do about it. */
bool row_in_step(const struct row *row);

/* Whether the operation takes nothing away: it copies a message, records it,
 * marks it or says something about it. */
bool op_is_add(enum op_kind kind);

/* "pull", "push", "flag", ...: as `--dry-run --json` prints it. */
const char *op_name(enum op_kind kind);

/* The side that the operation changes; BASE if only the journal. */
enum side op_side(enum op_kind kind);

/* The reason as a clause: "new on the server". */
const char *op_reason_text(enum op_reason reason);

#endif
