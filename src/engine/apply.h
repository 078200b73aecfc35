/*
 * Apply: carries the plans out, adds before removes.
 *
 * First everything that is new is copied and recorded, in all mailboxes; then
 * flags; last what is to go. Each operation is recorded in the journal by the
 * rules of sync/plan.h (`base`) once it is durable. What cannot be done for one
 * message or one mailbox is told and left for the next run.
 */
#ifndef GODWIT_SRC_ENGINE_APPLY_H
#define GODWIT_SRC_ENGINE_APPLY_H

#include "pass.h"

#include "godwit/mail/line_ends.h"

/* Carries out all plans. What was done last may still be due (pass.h). -1 and
 * err when the account cannot go on. */
int apply(struct pass *pass, struct err *err);

/* A kind of work that is done in every mailbox whose plan asks for it. */
struct apply_work {
	unsigned kinds; /* bits (1 << enum op_kind) */
	unsigned turns; /* of the line, that a mailbox takes for itself */
	const struct task_kind *kind;
	size_t task_bytes; /* of the task, whose first member is the struct
			    * apply_task below */
	/* How many tasks a mailbox gets, at least one; NULL: one. */
	size_t (*tasks)(struct pass *pass, struct mailbox *mailbox);
	/* Does what the tasks have left for the end, however that came; NULL:
	 * nothing. Then each task's end() releases what it holds. */
	int (*finish)(struct pass *pass, struct err *err);
	void (*end)(struct task *task);
};

/* What such a task begins with. */
struct apply_task {
	struct task task;
	const struct task_kind *kind;
	struct pass *pass;
	unsigned kinds;
};

/* Does the work in all mailboxes that still take part. */
int apply_everywhere(
	struct pass *pass, const struct apply_work *work, struct err *err);

/* ---- For the parts: pull, push, remote, local ---------------------------- */

/* Ops that bring a message, or its file, from another mailbox. */
#define APPLY_BROUGHT                                                          \
	(1U << OP_COPY_LOCAL | 1U << OP_COPY_REMOTE | 1U << OP_MOVE_LOCAL |    \
		1U << OP_MOVE_REMOTE)

/* An operation's row. */
struct row *apply_row(const struct mailbox *mailbox, const struct op *op);

/* How the bytes of a row's file stand for the message, as far as the journal
 * knows: LF, unless it says that they were stored as they came. */
enum line_form apply_line_form(
	const struct mailbox *mailbox, const struct row *row);

/* The first op of this kind at or after *at, which becomes its index; NULL
 * after the last. */
const struct op *apply_next(
	const struct mailbox *mailbox, enum op_kind kind, size_t *at);

/* Whether the operation has not been done yet, and its row may be. */
bool apply_is_due(const struct mailbox *mailbox, const struct op *op);

/* Whether the mailbox's plan has an op of one of these kinds (bits). */
bool apply_has(const struct mailbox *mailbox, unsigned kinds);

/*
 * Puts the entry of a message that both sides have now into the pass's batch,
 * dropping those of where it came from.
 */
int apply_record(struct pass *pass, struct mailbox *mailbox,
	const struct op *op, const struct journal_message *message,
	struct err *err);

/* A flag operation is done: writes `base` when it was the row's last. That is
 * op->base, or less where a server did not keep what it was told. */
int apply_flagged(struct pass *pass, struct mailbox *mailbox,
	const struct op *op, struct flags base, struct err *err);

/* A removal is done: drops the entry if neither side has the message now. */
int apply_removed(struct pass *pass, struct mailbox *mailbox,
	const struct op *op, struct err *err);

/* An operation could not be done: its row's entry stays. */
void apply_failed(struct mailbox *mailbox);

/* What an operation was to bring here is not here: nothing else is done about
 * its row in this run. */
void apply_stalled(struct mailbox *mailbox, const struct op *op);

/* Reports and counts an operation. */
void apply_tell(struct pass *pass, struct mailbox *mailbox, const struct op *op,
	uint32_t uid, struct str file);

#endif
