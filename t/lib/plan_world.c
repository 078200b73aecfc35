/*
 * How: rows and policies are made from the oracle's words, and operations are
 * done to the oracle's message as include/godwit/sync/plan.h says that they
 * are; the checks of what no operation may ever do stand beside them.
 */
#include "plan_world.h"

#include "godwit/base/err.h"

#include <stdio.h>
#include <string.h>

/* ---- Between the oracle's words and the planner's ------------------------ */

static struct flags flags_of(const struct plan_world *w, unsigned bits)
{
	return (struct flags){
		.system = ((bits & ORACLE_SEEN) ? FLAG_SEEN : 0U) |
			  ((bits & ORACLE_DELETED) ? FLAG_DELETED : 0U),
		.keywords = (bits & ORACLE_KEYWORD) ? w->keyword_set
						    : KEYWORDS_EMPTY,
	};
}

static unsigned bits_of(const struct plan_world *w, struct flags flags)
{
	check(flags.keywords == KEYWORDS_EMPTY ||
		flags.keywords == w->keyword_set);
	return ((flags.system & FLAG_SEEN) ? ORACLE_SEEN : 0U) |
	       ((flags.system & FLAG_DELETED) ? ORACLE_DELETED : 0U) |
	       (flags.keywords != KEYWORDS_EMPTY ? ORACLE_KEYWORD : 0U);
}

struct row plan_world_row(
	const struct plan_world *w, const struct oracle_message *m)
{
	struct row row = {
		.flags[LOCAL] = flags_of(w, m->here_flags),
		.flags[REMOTE] = flags_of(w, m->there_flags),
		.flags[BASE] = flags_of(w, m->base_flags),
		.uid = 1,
		.stale = m->stale,
	};

	row.present = (uint8_t)((m->here ? SIDE_BIT(LOCAL) : 0) |
				(m->there ? SIDE_BIT(REMOTE) : 0) |
				(m->journal ? SIDE_BIT(BASE) : 0));
	if (m->twin)
		row.hold = ROW_SAME_NAME;
	else if (m->held)
		row.hold = ROW_TOO_BIG;
	return row;
}

/* `any` says whether room for the keyword is room for all, or for it alone. */
static struct flag_room room_of(
	const struct plan_world *w, unsigned bits, bool any)
{
	struct flags flags = flags_of(w, bits);

	return (struct flag_room){
		.system = flags.system,
		.keywords = any ? KEYWORDS_EMPTY : flags.keywords,
		.any_keyword = any && (bits & ORACLE_KEYWORD) != 0,
	};
}

struct policy plan_world_policy(const struct plan_world *w,
	const struct oracle_policy *policy, bool any)
{
	static const enum policy_delete deletes[] = {
		[ORACLE_EXPUNGE] = POLICY_DELETE_EXPUNGE,
		[ORACLE_TRASH] = POLICY_DELETE_TRASH,
		[ORACLE_NEVER] = POLICY_DELETE_NEVER,
	};

	return (struct policy){
		.direction = !policy->write_here          ? POLICY_PUSH
			     : policy->write_there || any ? POLICY_BOTH
							  : POLICY_PULL,
		.remote_readonly = !policy->write_there && any,
		.deletes = deletes[policy->deletes],
		.expunge = (policy->expunge_here ? SIDE_BIT(LOCAL) : 0) |
			   (policy->expunge_there ? SIDE_BIT(REMOTE) : 0),
		.can_expunge = policy->can_expunge,
		.can_move = policy->can_move,
		.is_trash = policy->is_trash,
		.keeps = {room_of(w, policy->here_keeps, any),
			room_of(w, policy->there_keeps, any)},
		.takes = {room_of(w, policy->here_takes, any),
			room_of(w, policy->there_takes, any)},
	};
}

/* ---- Applying a plan ----------------------------------------------------- */

/* What is known of a row while its operations are done. */
struct applier {
	const struct plan_world *world;
	struct oracle_message m;
	struct oracle_message before;
	const struct oracle_policy *policy;
	unsigned flag_ops;  /* of this row that are not done yet */
	const char *broken; /* the first promise that was not kept */
};

static void broke(struct applier *a, const char *promise)
{
	if (a->broken == NULL)
		a->broken = promise;
}

static void write_entry(struct applier *a, const struct op *op)
{
	a->m.base_flags = bits_of(a->world, op->base);
	a->m.journal = true;
	a->m.stale = false;
}

static void copied(struct applier *a, const struct op *op)
{
	bool pull = op->kind == OP_PULL;

	if (pull ? a->m.here || !a->m.there : a->m.there || !a->m.here)
		broke(a,
			"P2: copied to where it was, or from where it was not");
	a->m.here = a->m.there = true;
	if (pull)
		a->m.here_flags = bits_of(a->world, op->flags);
	else
		a->m.there_flags = bits_of(a->world, op->flags);
	write_entry(a, op);
}

static void flagged(struct applier *a, const struct op *op)
{
	if (op->kind == OP_FLAG_LOCAL ? !a->m.here : !a->m.there)
		broke(a, "flags are written to what is not there");
	if (op->kind == OP_FLAG_LOCAL)
		a->m.here_flags = bits_of(a->world, op->flags);
	else
		a->m.there_flags = bits_of(a->world, op->flags);
	if (--a->flag_ops == 0)
		write_entry(a, op);
}

/* P1, and the one removal that the user asks for by other means. */
static bool removal_proved(const struct applier *a, const struct op *op)
{
	const struct oracle_message *b = &a->before;
	const struct oracle_policy *p = a->policy;
	bool elsewhere = op_side(op->kind) == LOCAL ? b->there : b->here;

	if (op->reason == REASON_EXPUNGED)
		return (p->expunge_here || p->expunge_there) &&
		       (((b->here ? b->here_flags : 0) |
				(b->there ? b->there_flags : 0)) &
			       ORACLE_DELETED) != 0;
	return b->journal && !b->stale && !elsewhere;
}

static void removed(struct applier *a, const struct op *op)
{
	bool local = op_side(op->kind) == LOCAL;

	if (!removal_proved(a, op))
		broke(a, "P1: removed without proof");
	if (local ? !a->m.here : !a->m.there)
		broke(a, "what is not there is removed");
	if (local)
		a->m.here = false;
	else
		a->m.there = false;
	if (op->kind == OP_TRASH_REMOTE) {
		a->m.trashed = true;
		a->m.trash_flags = bits_of(a->world, op->flags);
	}
	if (!a->m.here && !a->m.there)
		a->m.journal = false;
}

static void marked(struct applier *a, const struct op *op)
{
	if (!removal_proved(a, &(struct op){.kind = OP_REMOVE_REMOTE,
				       .reason = REASON_GONE_FROM_MAILDIR}) &&
		!removal_proved(a, &(struct op){.kind = OP_REMOVE_REMOTE,
					   .reason = REASON_EXPUNGED}))
		broke(a, "P1: marked as deleted without proof");
	a->m.there_flags = bits_of(a->world, op->flags);
	a->m.base_flags = bits_of(a->world, op->base);
}

static void apply_op(struct applier *a, const struct op *op)
{
	bool writes = op_side(op->kind) == LOCAL    ? a->policy->write_here
		      : op_side(op->kind) == REMOTE ? a->policy->write_there
						    : true;

	if (!writes)
		broke(a, "a side is changed that must not be");
	switch ((enum op_kind)op->kind) {
	case OP_PAIR:
		if (!a->m.here || !a->m.there)
			broke(a, "a pair of one");
		write_entry(a, op);
		break;
	case OP_PULL:
	case OP_PUSH:
		copied(a, op);
		break;
	case OP_FLAG_LOCAL:
	case OP_FLAG_REMOTE:
		flagged(a, op);
		break;
	case OP_FLAG_BASE:
		write_entry(a, op);
		break;
	case OP_CONFLICT:
		a->m.conflict = true;
		break;
	case OP_REMOVE_REMOTE:
	case OP_TRASH_REMOTE:
	case OP_REMOVE_LOCAL:
		removed(a, op);
		break;
	case OP_MARK_REMOTE:
		marked(a, op);
		break;
	case OP_FORGET:
		if (a->m.here || a->m.there)
			broke(a, "forgotten, though it is still there");
		a->m.journal = false;
		break;
	case OP_COPY_LOCAL:
	case OP_COPY_REMOTE:
	case OP_MOVE_LOCAL:
	case OP_MOVE_REMOTE:
	case OP_LEAVE_REMOTE:
		broke(a, "nothing is to come from another mailbox");
		break;
	case OP_KINDS:
		broke(a, "an operation of no kind");
	}
}

bool plan_world_split(
	const struct plan *plan, struct plan_world_ops *by_row, size_t rows)
{
	bool ordered = true;

	memset(by_row, 0, rows * sizeof(by_row[0]));
	for (size_t i = 0; i < plan->count; i++) {
		const struct op *op = &plan->ops[i];
		const struct op *last = i > 0 ? &plan->ops[i - 1] : op;
		struct plan_world_ops *ops = &by_row[op->row];

		if (op_is_add(op->kind) && !op_is_add(last->kind))
			ordered = false;
		if (op_is_add(op->kind) == op_is_add(last->kind) &&
			op->row < last->row)
			ordered = false;
		if (ops->count > 0 && ops->op[ops->count - 1]->kind >= op->kind)
			ordered = false;
		check(ops->count < PLAN_WORLD_OPS_MAX);
		ops->op[ops->count++] = op;
	}
	return ordered;
}

/* Does those of a row's operations that `which` has the bit of. */
struct plan_world_end plan_world_apply(const struct plan_world *w,
	const struct oracle_message *m, const struct plan_world_ops *ops,
	const struct oracle_policy *policy, unsigned which)
{
	struct applier a = {
		.world = w, .m = *m, .before = *m, .policy = policy};

	for (unsigned i = 0; i < ops->count; i++)
		a.flag_ops += ops->op[i]->kind == OP_FLAG_LOCAL ||
			      ops->op[i]->kind == OP_FLAG_REMOTE;
	for (unsigned i = 0; i < ops->count; i++) {
		if ((which & 1U << i) != 0)
			apply_op(&a, ops->op[i]);
	}
	return (struct plan_world_end){.message = a.m, .broken = a.broken};
}

/* ---- Printing ------------------------------------------------------------ */

static void print_flags(bool there, unsigned bits)
{
	if (!there)
		printf("gone");
	else
		printf("\"%s%s%s\"", (bits & ORACLE_SEEN) ? "S" : "",
			(bits & ORACLE_DELETED) ? "T" : "",
			(bits & ORACLE_KEYWORD) ? "k" : "");
}

static void print_message(const char *what, const struct oracle_message *m)
{
	printf("#   %-9s maildir=", what);
	print_flags(m->here, m->here_flags);
	printf(" server=");
	print_flags(m->there, m->there_flags);
	printf(" journal=");
	print_flags(m->journal, m->base_flags);
	if (m->trashed) {
		printf(" trash=");
		print_flags(true, m->trash_flags);
	}
	printf("%s%s%s%s\n", m->stale ? " stale" : "", m->held ? " held" : "",
		m->twin ? " twin" : "", m->conflict ? " conflict" : "");
}

static void print_policy(const struct oracle_policy *p)
{
	static const char *const deletes[] = {"expunge", "trash", "never"};

	printf("#   policy:   writes=%s%s delete=%s%s expunge=%s%s "
	       "can=%s%s\n",
		p->write_here ? "L" : "", p->write_there ? "R" : "",
		deletes[p->deletes], p->is_trash ? "(is trash)" : "",
		p->expunge_here ? "L" : "", p->expunge_there ? "R" : "",
		p->can_expunge ? "expunge," : "", p->can_move ? "move" : "");
	printf("#             maildir keeps=");
	print_flags(true, p->here_keeps);
	printf(" takes=");
	print_flags(true, p->here_takes);
	printf(" server keeps=");
	print_flags(true, p->there_keeps);
	printf(" takes=");
	print_flags(true, p->there_takes);
	printf("\n");
}

void plan_world_show(const char *sentence, const struct oracle_policy *policy,
	const struct oracle_message *given, const struct oracle_message *want,
	const struct oracle_message *got)
{
	printf("# fails: %s\n", sentence);
	print_policy(policy);
	print_message("given:", given);
	if (want != NULL)
		print_message("expected:", want);
	if (got != NULL)
		print_message("got:", got);
}

void plan_world_show_ops(const struct plan_world_ops *ops)
{
	for (unsigned i = 0; i < ops->count; i++)
		printf("#   op:       %s %s (%s)\n", op_name(ops->op[i]->kind),
			op_side(ops->op[i]->kind) == LOCAL    ? "maildir"
			: op_side(ops->op[i]->kind) == REMOTE ? "server"
							      : "journal",
			op_reason_text(ops->op[i]->reason));
}
