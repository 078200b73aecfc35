/*
 * How: who has a message, and who had it when both were last in step, is a mask
 * of three bits. It picks one of the rules in the table below, which stand at
 * the end of the file, each headed by the words of the promise that it keeps.
 * What flags become is computed in merge.c; what is done about it, here.
 *
 * Rules emit operations. The rows go through them twice, once to be counted and
 * once to be written down: so a plan takes just the memory that it needs, and
 * adds come before removals without any sorting.
 */
#include "godwit/sync/plan.h"

#include "godwit/base/err.h"
#include "merge.h"

enum {
	IN_LOCAL = SIDE_BIT(LOCAL),
	IN_REMOTE = SIDE_BIT(REMOTE),
	IN_BASE = SIDE_BIT(BASE),
	IN_BOTH = IN_LOCAL | IN_REMOTE,
	IN_ALL = IN_BOTH | IN_BASE,
};

struct planner {
	const struct policy *policy;
	struct keywords *keywords;
	struct plan *plan;
	bool counting;     /* the first time through the rows */
	size_t add_at;     /* where in plan->ops the next add goes */
	size_t removal_at; /* and the next removal */
};

/* One row while it is planned. */
struct message {
	const struct row *row;
	uint32_t index;
	enum side side; /* of its rule */
	struct merge flags;
};

static void rule_merge(struct planner *p, struct message *m);
static void rule_gone_remote(struct planner *p, struct message *m);
static void rule_gone_local(struct planner *p, struct message *m);
static void rule_forget(struct planner *p, struct message *m);
static void rule_pair(struct planner *p, struct message *m);
static void rule_copy(struct planner *p, struct message *m);

/* What to do, by who has the message; rule_copy copies it to the side. */
static const struct rule {
	void (*plan)(struct planner *p, struct message *m);
	enum side side;
} rules[1 << SIDES] = {
	[IN_BASE | IN_LOCAL | IN_REMOTE] = {rule_merge, BASE},
	[IN_BASE | IN_LOCAL] = {rule_gone_remote, BASE},
	[IN_BASE | IN_REMOTE] = {rule_gone_local, BASE},
	[IN_BASE] = {rule_forget, BASE},
	[IN_LOCAL | IN_REMOTE] = {rule_pair, BASE},
	[IN_LOCAL] = {rule_copy, REMOTE},
	[IN_REMOTE] = {rule_copy, LOCAL},
};

/* ---- Operations ---------------------------------------------------------- */

static void emit_op(struct planner *p, const struct message *m, struct op op)
{
	struct plan *plan = p->plan;

	op.row = m->index;
	if (p->counting)
		plan->per_kind[op.kind]++;
	else if (op_is_add(op.kind))
		plan->ops[p->add_at++] = op;
	else
		plan->ops[p->removal_at++] = op;
}

static void emit(struct planner *p, const struct message *m, enum op_kind kind,
	enum op_reason reason)
{
	emit_op(p, m, (struct op){.kind = kind, .reason = reason});
}

/* A change that must not be made: it is neither sent nor undone. */
static void hold_back(struct planner *p)
{
	if (p->counting)
		p->plan->held_back++;
}

bool policy_writes(const struct policy *policy, enum side side)
{
	if (side == LOCAL)
		return policy->direction != POLICY_PUSH;
	return policy->direction != POLICY_PULL && !policy->remote_readonly;
}

/* ---- Removals ------------------------------------------------------------ */

static bool bears_deleted(struct flags flags)
{
	return (flags.system & FLAG_DELETED) != 0;
}

/* "The local file goes to the vault." Whether it does. */
static bool remove_local(
	struct planner *p, const struct message *m, enum op_reason reason)
{
	if (!policy_writes(p->policy, LOCAL)) {
		hold_back(p);
		return false;
	}
	emit(p, m, OP_REMOVE_LOCAL, reason);
	return true;
}

/* Marks what the server cannot expunge. The base gets the mark as well, so that
 * a file which comes back unmarked takes it off again. */
static void mark_remote(
	struct planner *p, const struct message *m, enum op_reason reason)
{
	struct op op = {
		.kind = OP_MARK_REMOTE,
		.reason = reason,
		.flags = m->flags.after[REMOTE],
		.base = m->flags.base,
	};

	op.flags.system |= FLAG_DELETED;
	op.base.system |= FLAG_DELETED;
	emit_op(p, m, op);
}

/*
 * Without UID EXPUNGE the message stays, marked as deleted: plain EXPUNGE would
 * take with it whatever else somebody has marked. Whether the message goes.
 */
static bool expunge_remote(
	struct planner *p, const struct message *m, enum op_reason reason)
{
	const struct policy *policy = p->policy;
	bool marked = bears_deleted(m->flags.after[REMOTE]);

	if (!marked && (policy->takes[REMOTE].system & FLAG_DELETED) == 0) {
		emit(p, m, OP_CONFLICT, REASON_CANNOT_EXPUNGE);
	} else if (policy->can_expunge) {
		emit(p, m, OP_REMOVE_REMOTE, reason);
		return true;
	} else if (marked) {
		hold_back(p);
	} else {
		mark_remote(p, m, REASON_CANNOT_EXPUNGE);
	}
	return false;
}

/* In the trash, \Deleted would ask the next mail reader to expunge it. What can
 * go neither there nor at all stays, and was told of, or moved, if it is marked
 * already. */
static bool trash_remote(
	struct planner *p, const struct message *m, enum op_reason reason)
{
	struct op op = {
		.kind = OP_TRASH_REMOTE,
		.reason = reason,
		.flags = m->flags.after[REMOTE],
	};

	if (!p->policy->can_move && !p->policy->can_expunge) {
		if (bears_deleted(m->flags.after[REMOTE]))
			hold_back(p);
		else
			emit(p, m, OP_CONFLICT, REASON_CANNOT_EXPUNGE);
		return false;
	}
	op.flags.system &= ~(uint32_t)FLAG_DELETED;
	emit_op(p, m, op);
	return true;
}

/* "The server's copy goes by the policy `delete:`." Whether it goes. */
static bool remove_remote(
	struct planner *p, const struct message *m, enum op_reason reason)
{
	const struct policy *policy = p->policy;

	if (!policy_writes(policy, REMOTE) ||
		policy->deletes == POLICY_DELETE_NEVER) {
		hold_back(p);
		return false;
	}
	if (policy->deletes == POLICY_DELETE_TRASH && !policy->is_trash)
		return trash_remote(p, m, reason);
	return expunge_remote(p, m, reason);
}

/* "`expunge:` says whether [\Deleted] is acted on, and only ever by UID EXPUNGE
 * of known UIDs." Whether a copy with these flags is expunged from a side. */
static bool expunges(
	const struct policy *policy, enum side side, struct flags flags)
{
	return bears_deleted(flags) && policy_writes(policy, side) &&
	       (policy->expunge & SIDE_BIT(side)) != 0 &&
	       (side == LOCAL || policy->can_expunge);
}

/*
 * Expunges a message that both sides have from where it is to be. The other
 * side follows at once, by the rule that it would follow in the next run.
 * Returns the sides that keep the message.
 */
static unsigned expunge(struct planner *p, const struct message *m)
{
	const struct flags *after = m->flags.after;
	bool local = expunges(p->policy, LOCAL, after[LOCAL]);
	bool remote = expunges(p->policy, REMOTE, after[REMOTE]);
	unsigned kept = IN_BOTH;

	if (!local && !remote)
		return kept;
	if (remote ? expunge_remote(p, m, REASON_EXPUNGED)
		   : remove_remote(p, m, REASON_EXPUNGED))
		kept &= ~(unsigned)IN_REMOTE;
	if (remove_local(p, m, REASON_EXPUNGED))
		kept &= ~(unsigned)IN_LOCAL;
	return kept;
}

/* ---- Flags --------------------------------------------------------------- */

static bool flags_change(const struct message *m, enum side side)
{
	return !flags_eq(m->flags.now[side], m->flags.after[side]);
}

static void merge_message(struct planner *p, struct message *m)
{
	merge_flags(&m->flags, p->policy, p->keywords);
	if (m->flags.held != 0)
		hold_back(p);
}

/*
 * Brings the flags of the sides that keep the message to what merge_message()
 * found. With one side only, nothing gets in step: the base stays.
 */
static void write_flags(
	struct planner *p, const struct message *m, unsigned kept)
{
	bool local = (kept & IN_LOCAL) != 0 && flags_change(m, LOCAL);
	bool remote = (kept & IN_REMOTE) != 0 && flags_change(m, REMOTE);
	struct op op = {
		.reason = local && remote ? REASON_FLAGS_ON_BOTH
			  : local         ? REASON_FLAGS_ON_SERVER
					  : REASON_FLAGS_IN_MAILDIR,
		.base = kept == IN_BOTH ? m->flags.settled : m->flags.base,
	};

	if (local) {
		op.kind = OP_FLAG_LOCAL;
		op.flags = m->flags.after[LOCAL];
		emit_op(p, m, op);
	}
	if (remote) {
		op.kind = OP_FLAG_REMOTE;
		op.flags = m->flags.after[REMOTE];
		emit_op(p, m, op);
	}
}

/* ---- The rules ----------------------------------------------------------- */

/* "Flags and keywords: three-way", and what \Deleted leads to. */
static void rule_merge(struct planner *p, struct message *m)
{
	unsigned kept;

	merge_message(p, m);
	kept = expunge(p, m);
	write_flags(p, m, kept);
	if (kept == IN_BOTH && !flags_change(m, LOCAL) &&
		!flags_change(m, REMOTE) &&
		!flags_eq(m->flags.base, m->flags.settled))
		emit_op(p, m,
			(struct op){.kind = OP_FLAG_BASE,
				.reason = REASON_FLAGS_ON_BOTH,
				.base = m->flags.settled});
}

/* How a message that both sides have gets into the journal here: with what is
 * elsewhere brought here. False: that must not be done. */
static bool bring(struct planner *p, const struct message *m, struct op *op)
{
	enum row_origin origin = (enum row_origin)m->row->origin;

	op->kind = OP_PAIR;
	op->reason = REASON_SAME_ON_BOTH;
	if (origin == ROW_FILE_ELSEWHERE) {
		op->kind = OP_MOVE_LOCAL;
		op->reason = REASON_MOVED_ON_SERVER;
	} else if (origin == ROW_MESSAGE_ELSEWHERE) {
		op->kind = OP_MOVE_REMOTE;
		op->reason = REASON_MOVED_IN_MAILDIR;
	}
	return op->kind == OP_PAIR ||
	       policy_writes(p->policy, op_side(op->kind));
}

/*
 * "Same new message on both sides: one message", "moved on one side: same move
 * on the other; flags that changed on the other side are merged in." While
 * flags are still to be written, the new entry tells what was agreed upon
 * before: should the run be interrupted, the next one merges the same again.
 */
static void rule_pair(struct planner *p, struct message *m)
{
	struct op op = {0};
	unsigned kept;
	bool pending;

	if (m->row->origin != ROW_AT_HOME && m->row->hold != ROW_FREE)
		return; /* it could not be brought before */
	if (!bring(p, m, &op)) {
		hold_back(p);
		return;
	}
	merge_message(p, m);
	kept = expunge(p, m);
	pending = flags_change(m, LOCAL) || flags_change(m, REMOTE);
	op.base = pending ? m->flags.base : m->flags.settled;
	emit_op(p, m, op);
	write_flags(p, m, kept);
}

/* A copy on the server begins with the flags of its original, and gets those of
 * its file: as if it had had the former when both were last in step. Keywords
 * it keeps, and gives: letters that a mail reader took along from another
 * folder mean nothing here. A file that was moved has a base: what changed on
 * the server is merged in. */
static void copy_remote(struct planner *p, struct message *m)
{
	struct op op = {
		.kind = OP_COPY_REMOTE, .reason = REASON_COPIED_IN_MAILDIR};

	if ((m->row->present & IN_BASE) == 0) {
		m->flags.base = m->row->flags[REMOTE];
		m->flags.base.keywords = m->flags.now[LOCAL].keywords;
	}
	m->flags.now[REMOTE] = m->row->flags[REMOTE];
	m->flags.after[REMOTE] = m->row->flags[REMOTE];
	merge_message(p, m);
	op.base = flags_change(m, LOCAL) || flags_change(m, REMOTE)
			  ? m->flags.base
			  : m->flags.settled;
	emit_op(p, m, op);
	write_flags(p, m, IN_BOTH);
}

static void copy(struct planner *p, struct message *m, struct flags flags)
{
	bool pull = m->side == LOCAL;
	bool is_copy = m->row->origin == ROW_COPY;
	struct op op = {.kind = pull ? OP_PULL : OP_PUSH,
		.reason = pull ? REASON_NEW_ON_SERVER : REASON_NEW_IN_MAILDIR,
		.flags = flags,
		.base = flags};

	if (is_copy && pull) {
		op.kind = OP_COPY_LOCAL;
		op.reason = REASON_COPIED_ON_SERVER;
	}
	if (is_copy && !pull)
		copy_remote(p, m);
	else
		emit_op(p, m, op);
}

/*
 * "New on one side: copied to the other, with flags, keywords and date." But a
 * message that bears \Deleted, and that `expunge:` would not let live there, is
 * not: it is expunged where it is, or stays where it is.
 */
static void rule_copy(struct planner *p, struct message *m)
{
	const struct policy *policy = p->policy;
	enum side to = m->side;
	enum side from = to == LOCAL ? REMOTE : LOCAL;
	struct flags flags = m->flags.now[from];
	struct flags taken =
		merge_within(p->keywords, &policy->takes[to], flags);

	if (m->row->hold == ROW_SAME_NAME)
		emit(p, m, OP_CONFLICT, REASON_SAME_NAME);
	else if (m->row->hold != ROW_FREE)
		return;
	else if (expunges(policy, from, flags))
		emit(p, m, from == LOCAL ? OP_REMOVE_LOCAL : OP_REMOVE_REMOTE,
			REASON_EXPUNGED);
	else if (!policy_writes(policy, to))
		hold_back(p);
	else if (!expunges(policy, to, taken))
		copy(p, m, taken);
}

/* "R=X, L unchanged or only its flags changed: the local file goes to the vault
 * (deletion wins over a flag)." */
static void rule_gone_remote(struct planner *p, struct message *m)
{
	(void)remove_local(p, m, REASON_GONE_FROM_SERVER);
}

/* "Same move on the other: COPY + UID EXPUNGE of just that UID", or what can be
 * done. */
static void leave(struct planner *p, const struct message *m)
{
	if (!policy_writes(p->policy, REMOTE))
		hold_back(p);
	else if (p->policy->can_expunge)
		emit(p, m, OP_LEAVE_REMOTE, REASON_MOVED_IN_MAILDIR);
	else
		mark_remote(p, m, REASON_MOVED_IN_MAILDIR);
}

/* "L=X, R unchanged or only its flags changed: the server's copy goes by the
 * policy `delete:`." */
static void rule_gone_local(struct planner *p, struct message *m)
{
	if (m->row->origin == ROW_LEFT)
		leave(p, m);
	else if (expunges(p->policy, REMOTE, m->flags.now[REMOTE]))
		(void)expunge_remote(p, m, REASON_EXPUNGED);
	else
		(void)remove_remote(p, m, REASON_GONE_FROM_MAILDIR);
}

/* "Both X: the entry is forgotten." */
static void rule_forget(struct planner *p, struct message *m)
{
	emit(p, m, OP_FORGET, REASON_GONE_FROM_BOTH);
}

/* ---- Rows ---------------------------------------------------------------- */

/*
 * "A message leaves one side only when the journal proves that it was in step
 * on both sides." A stale entry proves nothing, so the rules do not see it; the
 * flags that it knows still tell which side has changed them.
 */
static unsigned presence(const struct row *row)
{
	if (row->stale && (row->present & IN_BOTH) != 0)
		return row->present & IN_BOTH;
	return row->present;
}

static struct flags flags_on(const struct row *row, enum side side)
{
	if ((row->present & SIDE_BIT(side)) == 0)
		return (struct flags){0};
	return row->flags[side];
}

static void plan_row(struct planner *p, const struct row *row, uint32_t index)
{
	const struct rule *rule = &rules[presence(row)];
	struct message m = {
		.row = row,
		.index = index,
		.side = rule->side,
		.flags =
			{
				.base = flags_on(row, BASE),
				.now = {flags_on(row, LOCAL),
					flags_on(row, REMOTE)},
				.after = {flags_on(row, LOCAL),
					flags_on(row, REMOTE)},
				.shown = row->shown,
			},
	};

	rule->plan(p, &m);
}

bool row_in_step(const struct row *row)
{
	return row->present == IN_ALL && !row->stale &&
	       flags_eq(row->flags[LOCAL], row->flags[BASE]) &&
	       flags_eq(row->flags[REMOTE], row->flags[BASE]) &&
	       !bears_deleted(row->flags[BASE]);
}

static void plan_rows(struct planner *p, const struct plan_input *input)
{
	for (size_t i = 0; i < input->count; i++) {
		const struct row *row = &input->rows[i];

		check(row->present <= IN_ALL);
		if (row->present != 0 && !row_in_step(row))
			plan_row(p, row, (uint32_t)i);
	}
}

void plan_mailbox(const struct plan_input *input, struct arena *arena,
	struct plan *plan_r)
{
	struct planner p = {
		.policy = input->policy,
		.keywords = input->keywords,
		.plan = plan_r,
		.counting = true,
	};

	check(input->count < PLAN_NONE);
	*plan_r = (struct plan){0};
	plan_rows(&p, input);
	for (enum op_kind kind = 0; kind < OP_KINDS; kind++) {
		plan_r->count += plan_r->per_kind[kind];
		if (op_is_add(kind))
			p.removal_at += plan_r->per_kind[kind];
	}
	plan_r->ops = arena_array(arena, plan_r->count, sizeof(struct op));
	p.counting = false;
	plan_rows(&p, input);
	check(p.removal_at == plan_r->count);
}
