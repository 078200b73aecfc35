/*
 * Move: which messages went from one mailbox to another, or were copied.
 *
 * match.h compares the sides of one mailbox; this looks over all mailboxes of
 * an account, at the rows that are no longer or not yet in step, and finds by
 * identity what is one message: gone from A and new in B is a move, new in B
 * and still in A a copy. Equal identities pair as multisets. It decides
 * nothing: a row that gets the other side of a message is planned like any
 * other (plan.h, row_origin).
 *
 *	move_find(items, count, arena, &moves)
 *	move_join(...)    for each, the rows become what the planner plans
 *
 * Within one mailbox it pairs nothing. An identity does not tell of the body;
 * a mail reader that replaces a message there by one with the same header (a
 * draft) has changed it.
 */
#ifndef GODWIT_SYNC_MOVE_H
#define GODWIT_SYNC_MOVE_H

#include "godwit/base/arena.h"
#include "godwit/mail/identity.h"
#include "godwit/sync/plan.h"

#include <stddef.h>
#include <stdint.h>

/* No such item. */
#define MOVE_NONE UINT32_MAX

/* A row of some mailbox whose identity is known. Rows with a stale BASE do not
 * take part; nor does what has gone from the Maildir and is marked on a server
 * that cannot expunge it: what it was is elsewhere, or nowhere. */
struct move_item {
	struct identity identity;
	struct str name;  /* its file's unique part, or the one in the journal;
			   * empty: it has no file */
	uint32_t mailbox; /* as the caller numbers them */
	uint32_t row;
	uint8_t present; /* as in the row */
};

enum move_kind {
	MOVE_FILE,         /* moved on the server: its file has to follow */
	MOVE_MESSAGE,      /* moved in the Maildir: the server's has to */
	MOVE_NOWHERE,      /* of two that are alike, each gone from one side:
			    * what is left of both, in one mailbox, is one */
	MOVE_ENTRY,        /* moved on both to the same mailbox */
	MOVE_FLAGS,        /* there on both, and still at one side's old place:
			    * what both knew of its flags there is of use */
	MOVE_COPY_FILE,    /* copied on the server */
	MOVE_COPY_MESSAGE, /* copied in the Maildir */
};

/* Items of one message. */
struct move {
	enum move_kind kind;
	uint32_t to;   /* where it is to be */
	uint32_t from; /* what is moved or copied from; MOVE_NONE for ENTRY and
			* FLAGS */
	uint32_t base; /* whose entry tells what both sides had; MOVE_NONE for
			* copies. It may be `from`, or `to` itself */
};

struct moves {
	struct move *items;
	size_t count;
};

/*
 * Finds moves and copies; orders the items anew, to which the moves then refer.
 * No item is `to` in two moves, nor moved twice; several copies may be made
 * from one. Where a message was moved to different mailboxes on both sides, the
 * server's place wins. Time is O(n log n), whatever a server makes up.
 */
void move_find(struct move_item *items, size_t count, struct arena *arena,
	struct moves *moves_r);

/* The rows of a move's items, and flags in the words of the target's keyword
 * table: of the side that is moved here or copied from, and of the base. */
struct move_rows {
	struct row *to;
	struct row *from; /* NULL: none */
	struct row *base; /* NULL: none; may be one of the others */
	struct flags flags;
	struct flags base_flags;
	uint32_t shown; /* keywords of the base that the file moved here would
			 * show where it lies */
};

/*
 * Carries a move into the rows: `to` gets the side that is elsewhere, and a
 * stale BASE; whatever is used up of the others is present there no more.
 * `leaves`: the server's message will be copied, and its original removed, or
 * marked. What can only be copied is joined as MOVE_COPY_MESSAGE with a base:
 * flags are merged as those of a move are.
 */
void move_join(enum move_kind kind, const struct move_rows *rows, bool leaves);

#endif
