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

/* Why a row must be left alone in this run. */
enum row_hold {
	ROW_FREE,     /* nothing is in the way */
	ROW_TROUBLED, /* it failed before; its next try is not yet due */
	ROW_TOO_BIG,  /* outside `limits: max_size` */
	ROW_TOO_OLD,  /* outside `limits: max_age` */
	ROW_SURPLUS,  /* outside `limits: newest` */
};

/*
 * One message. flags[side] means something only where `present` has the side's
 * bit; the three share their mailbox's keyword table. A hold says that the
 * message is not to be copied to the side that lacks it; it never holds back
 * anything about a message that both sides have.
 */
struct row {
	struct flags flags[SIDES];
	uint32_t uid;    /* on the server; 0: not there yet */
	uint32_t remote; /* index into the listing that match was given */
	uint32_t local;  /* index into the scan that match was given */
	uint32_t base;   /* index into the base that match was given */
	uint8_t present; /* mask of SIDE_BIT */
	uint8_t hold;    /* enum row_hold */
};

enum op_kind {
	OP_PAIR,          /* both sides have it: write it into the journal */
	OP_PULL,          /* download, flags and all */
	OP_PUSH,          /* upload, flags and all */
	OP_FLAG_LOCAL,    /* the Maildir's flags become op.flags */
	OP_FLAG_REMOTE,   /* the server's flags become op.flags */
	OP_FLAG_BASE,     /* both changed alike: only the journal learns it */
	OP_REMOVE_LOCAL,  /* into the vault */
	OP_REMOVE_REMOTE, /* \Deleted and UID EXPUNGE */
	OP_TRASH_REMOTE,  /* UID MOVE to the \Trash mailbox */
	OP_FORGET,        /* gone on both sides: out of the journal */
	OP_CONFLICT,      /* no rule fits: kept, said, exit status 1 */
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
	REASON_CANNOT_EXPUNGE, /* the server has no UID EXPUNGE */
	REASONS,
};

/*
 * One operation on rows[row] of its mailbox. `flags` is the state that is
 * wanted: of the side that OP_FLAG_* names; for OP_PULL and OP_PUSH of the new
 * copy; for OP_PAIR and OP_FLAG_BASE of the journal's entry.
 */
struct op {
	uint8_t kind;   /* enum op_kind */
	uint8_t reason; /* enum op_reason */
	uint32_t row;
	struct flags flags;
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

/* What the user wants, and what this mailbox's server side can do. */
struct policy {
	enum policy_direction direction;
	enum policy_delete deletes;
	unsigned expunge;     /* mask of SIDE_BIT(LOCAL) and SIDE_BIT(REMOTE) */
	bool can_expunge;     /* UID EXPUNGE (RFC 4315) is offered */
	bool is_trash;        /* the mailbox is the \Trash one itself */
	bool remote_readonly; /* opened by EXAMINE, or said to be read-only */
	bool takes_keywords;  /* PERMANENTFLAGS has \*: else keywords that the
			       * server does not list stay ours alone */
	uint32_t takes_system;   /* FLAG_ bits that PERMANENTFLAGS has */
	uint32_t known_keywords; /* the set of keywords it lists */
};

/* What to do in one mailbox. */
struct plan {
	struct op *ops; /* in the order of the rows, adds first (op_is_add) */
	size_t count;
	uint32_t per_kind[OP_KINDS];
	uint32_t held_back; /* changes that direction or `delete:` keep back */
};

/*
 * Plans one mailbox: rows that are alike on all three sides may be left out by
 * the caller, and lead to nothing. The ops live in `arena`. `keywords` may get
 * new interned sets, never new names.
 */
void plan_mailbox(const struct row *rows, size_t count,
	const struct policy *policy, struct keywords *keywords,
	struct arena *arena, struct plan *plan_r);

/* Whether the operation copies a message or records it (and so comes before
 * any that removes one). */
bool op_is_add(enum op_kind kind);

/* "pull", "push", "flag", ...: as `--dry-run --json` prints it. */
const char *op_name(enum op_kind kind);

/* The side that the operation changes; BASE if only the journal. */
enum side op_side(enum op_kind kind);

/* The reason as a clause: "new on the server". */
const char *op_reason_text(enum op_reason reason);

#endif
