/*
 * How: flags are sets, so all of this is union, intersection and difference,
 * and each flag comes out as if it was merged by itself.
 *
 * What makes it more than flags_merge() are sides that cannot bear every flag,
 * and sides that must not be written. Where the two sides will differ after
 * all, the base has to be such that the next plan finds nothing to do.
 */
#include "merge.h"

/* What is in `a` and not in `b`. */
static struct flags minus(
	struct keywords *keywords, struct flags a, struct flags b)
{
	return flags_removed(keywords, a, b);
}

static struct flags both(
	struct keywords *keywords, struct flags a, struct flags b)
{
	return minus(keywords, a, minus(keywords, a, b));
}

static struct flags either(
	struct keywords *keywords, struct flags a, struct flags b)
{
	return flags_apply(keywords, a, b, (struct flags){0});
}

static struct flags outside(struct keywords *keywords,
	const struct flag_room *room, struct flags flags)
{
	struct flags held = {.system = room->system,
		.keywords =
			room->any_keyword ? flags.keywords : room->keywords};

	return minus(keywords, flags, held);
}

struct flags merge_within(struct keywords *keywords,
	const struct flag_room *room, struct flags flags)
{
	return minus(keywords, flags, outside(keywords, room, flags));
}

/* What a side shows whenever it is set there. */
static struct flag_room keeps(const struct merge *merge, enum side side,
	const struct policy *policy, struct keywords *keywords)
{
	struct flag_room room = policy->keeps[side];

	if (side == LOCAL)
		room.keywords =
			keywords_union(keywords, room.keywords, merge->shown);
	return room;
}

/* A side's flags as far as they can be believed: of what it cannot show, the
 * base says whether it is set. */
static struct flags seen(const struct merge *merge, enum side side,
	const struct policy *policy, struct keywords *keywords)
{
	struct flag_room room = keeps(merge, side, policy, keywords);

	return either(keywords, merge->now[side],
		outside(keywords, &room, merge->base));
}

/* Has a side become `wanted`, as far as it can. */
static void steer(struct merge *merge, enum side side, struct flags wanted,
	const struct policy *policy, struct keywords *keywords)
{
	const struct flag_room *takes = &policy->takes[side];
	struct flags now = merge->now[side];
	struct flags added =
		merge_within(keywords, takes, minus(keywords, wanted, now));
	struct flags removed =
		merge_within(keywords, takes, minus(keywords, now, wanted));

	merge->after[side] = flags_apply(keywords, now, added, removed);
	if (!flags_eq(merge->after[side], now) &&
		!policy_writes(policy, side)) {
		merge->after[side] = now;
		merge->held |= SIDE_BIT(side);
	}
}

/* The flags of the base that `side` alone will not have, and means it: there
 * they were removed, which the other side must not or cannot follow. */
static struct flags disputed(const struct merge *merge, enum side side,
	const struct policy *policy, struct keywords *keywords)
{
	enum side other = side == LOCAL ? REMOTE : LOCAL;
	struct flag_room room = keeps(merge, side, policy, keywords);
	struct flags lacks =
		minus(keywords, merge->after[other], merge->after[side]);

	return both(
		keywords, merge->base, merge_within(keywords, &room, lacks));
}

/*
 * What both sides will have is in step; what neither will have is not there.
 * Of what one side alone will have, the base keeps what is disputed: nobody may
 * take the flag for new. The rest it does not get, or loses: nobody may take it
 * for removed.
 */
static struct flags settle(const struct merge *merge,
	const struct policy *policy, struct keywords *keywords)
{
	struct flags base =
		both(keywords, merge->after[LOCAL], merge->after[REMOTE]);

	base = either(keywords, base, disputed(merge, LOCAL, policy, keywords));
	return either(
		keywords, base, disputed(merge, REMOTE, policy, keywords));
}

void merge_flags(struct merge *merge, const struct policy *policy,
	struct keywords *keywords)
{
	struct flags merged = flags_merge(keywords, merge->base,
		seen(merge, LOCAL, policy, keywords),
		seen(merge, REMOTE, policy, keywords));

	merge->held = 0;
	steer(merge, LOCAL, merged, policy, keywords);
	steer(merge, REMOTE, merged, policy, keywords);
	merge->settled = settle(merge, policy, keywords);
}
