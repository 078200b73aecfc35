/*
 * How: flags one at a time, by the table of a three-way merge; presence by a
 * chain of ifs in the order in which the rules are written in the design.
 */
#include "plan_oracle.h"

/* One flag of a message that both sides have. */
struct bit {
	bool here, there, base;
	bool here_keeps, here_takes, there_keeps, there_takes;
};

static struct bit bit_after(struct bit b, const struct oracle_policy *p)
{
	bool here_says = b.here_keeps || b.here ? b.here : b.base;
	bool there_says = b.there_keeps || b.there ? b.there : b.base;
	struct bit after = b;
	bool want;

	if (here_says != b.base)
		want = here_says; /* also when both changed it: to the same */
	else
		want = there_says;
	if (b.here_takes && p->write_here)
		after.here = want;
	if (b.there_takes && p->write_there)
		after.there = want;

	if (after.here == after.there)
		after.base = after.here;
	else if (after.here ? !b.there_keeps : !b.here_keeps)
		after.base = false; /* not shown is not removed */
	return after;
}

static void merge(struct oracle_message *m, const struct oracle_policy *p)
{
	for (unsigned i = 0; i < ORACLE_FLAGS; i++) {
		unsigned flag = 1U << i;
		struct bit b = {
			.here = m->here_flags & flag,
			.there = m->there_flags & flag,
			.base = m->journal && (m->base_flags & flag),
			.here_keeps = p->here_keeps & flag,
			.here_takes = p->here_takes & flag,
			.there_keeps = p->there_keeps & flag,
			.there_takes = p->there_takes & flag,
		};

		b = bit_after(b, p);
		m->here_flags = (m->here_flags & ~flag) | (b.here ? flag : 0);
		m->there_flags =
			(m->there_flags & ~flag) | (b.there ? flag : 0);
		m->base_flags = (m->base_flags & ~flag) | (b.base ? flag : 0);
	}
}

static void file_goes(struct oracle_message *m, const struct oracle_policy *p)
{
	if (p->write_here)
		m->here = false;
}

static void server_copy_goes(
	struct oracle_message *m, const struct oracle_policy *p)
{
	if (!p->write_there || p->deletes == ORACLE_NEVER)
		return;
	if (p->deletes == ORACLE_TRASH && !p->is_trash) {
		if (p->can_move || p->can_expunge) {
			m->there = false;
			m->trashed = true;
			m->trash_flags =
				m->there_flags & ~(unsigned)ORACLE_DELETED;
		} else if (!(m->there_flags & ORACLE_DELETED)) {
			m->conflict = true;
		}
		return;
	}
	if (!(m->there_flags & ORACLE_DELETED)) {
		if (!(p->there_takes & ORACLE_DELETED)) {
			m->conflict = true;
			return;
		}
		if (!p->can_expunge) {
			m->there_flags |= ORACLE_DELETED;
			m->base_flags |= ORACLE_DELETED;
		}
	}
	if (p->can_expunge)
		m->there = false;
}

static bool expunged_here(unsigned flags, const struct oracle_policy *p)
{
	return p->expunge_here && p->write_here && (flags & ORACLE_DELETED);
}

static bool expunged_there(unsigned flags, const struct oracle_policy *p)
{
	return p->expunge_there && p->write_there && p->can_expunge &&
	       (flags & ORACLE_DELETED);
}

static void on_both(struct oracle_message *m, const struct oracle_policy *p)
{
	bool here_expunged;
	bool there_expunged;

	merge(m, p);
	m->journal = true;
	m->stale = false;
	here_expunged = expunged_here(m->here_flags, p);
	there_expunged = expunged_there(m->there_flags, p);
	if (here_expunged)
		m->here = false;
	if (there_expunged)
		m->there = false;
	if (here_expunged && !there_expunged)
		server_copy_goes(m, p);
	if (there_expunged && !here_expunged)
		file_goes(m, p);
}

static void new_here(struct oracle_message *m, const struct oracle_policy *p)
{
	unsigned copy = m->here_flags & p->there_takes;

	if (m->twin) {
		m->conflict = true;
	} else if (m->held) {
		return;
	} else if (expunged_here(m->here_flags, p)) {
		m->here = false;
	} else if (p->write_there && !expunged_there(copy, p)) {
		m->there = true;
		m->there_flags = copy;
		m->journal = true;
		m->stale = false;
		m->base_flags = copy;
	}
}

static void new_there(struct oracle_message *m, const struct oracle_policy *p)
{
	unsigned copy = m->there_flags & p->here_takes;

	if (m->held) {
		return;
	} else if (expunged_there(m->there_flags, p)) {
		m->there = false;
	} else if (p->write_here && !expunged_here(copy, p)) {
		m->here = true;
		m->here_flags = copy;
		m->journal = true;
		m->stale = false;
		m->base_flags = copy;
	}
}

struct oracle_message oracle_end(
	struct oracle_message m, const struct oracle_policy *p)
{
	bool was_in_step = m.journal && !m.stale;

	if (m.here && m.there) {
		on_both(&m, p);
	} else if (m.here) {
		if (was_in_step)
			file_goes(&m, p);
		else
			new_here(&m, p);
	} else if (m.there) {
		if (!was_in_step)
			new_there(&m, p);
		else if (expunged_there(m.there_flags, p))
			m.there = false;
		else
			server_copy_goes(&m, p);
	}
	if (!m.here && !m.there)
		m.journal = false;
	return m;
}

/* Flags of what is not there mean nothing; nor does the base's, where only one
 * side has the message. */
bool oracle_same(const struct oracle_message *a, const struct oracle_message *b)
{
	if (a->here != b->here || a->there != b->there ||
		a->journal != b->journal || a->trashed != b->trashed ||
		a->conflict != b->conflict)
		return false;
	if (a->here && a->here_flags != b->here_flags)
		return false;
	if (a->there && a->there_flags != b->there_flags)
		return false;
	if (a->journal && a->stale != b->stale)
		return false;
	if (a->here && a->there && a->base_flags != b->base_flags)
		return false;
	return !a->trashed || a->trash_flags == b->trash_flags;
}
