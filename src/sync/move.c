/*
 * How: items are sorted by identity; those of one identity by what they have on
 * which sides, then by mailbox. So the candidates for one end of a move lie in
 * a row, and one that is in another mailbox than this is its first or its last,
 * or there is none. Pairs are taken from such rows, rule by rule.
 */
#include "godwit/sync/move.h"

#include "godwit/base/err.h"

#include <stdlib.h>

enum {
	IN_LOCAL = SIDE_BIT(LOCAL),
	IN_REMOTE = SIDE_BIT(REMOTE),
	IN_BASE = SIDE_BIT(BASE),
	CLASSES = 1 << SIDES,
	COPY_SOURCES = 3,
};

/* What a class has on its sides: gone from one, new there, or in step. */
enum move_class {
	NEW_LOCAL = IN_LOCAL,
	NEW_REMOTE = IN_REMOTE,
	NEW_BOTH = IN_LOCAL | IN_REMOTE,
	GONE_BOTH = IN_BASE,
	GONE_REMOTE = IN_BASE | IN_LOCAL,
	GONE_LOCAL = IN_BASE | IN_REMOTE,
	STAYED = IN_BASE | IN_LOCAL | IN_REMOTE,
};

/* Items of one class and identity, by mailbox: [first, end). */
struct queue {
	size_t first;
	size_t end;
};

struct finder {
	const struct move_item *items;
	bool *used; /* by item: an end of a move */
	struct moves *moves;
	struct queue queues[CLASSES]; /* of one identity */
};

static int by_number(uint32_t a, uint32_t b)
{
	return (a > b) - (a < b);
}

static int item_cmp(const void *a, const void *b)
{
	const struct move_item *x = a;
	const struct move_item *y = b;
	int order = identity_cmp(&x->identity, &y->identity);

	if (order == 0)
		order = (int)x->present - (int)y->present;
	if (order == 0)
		order = by_number(x->mailbox, y->mailbox);
	return order != 0 ? order : by_number(x->row, y->row);
}

/* An unused item in another mailbox, or MOVE_NONE. */
static uint32_t peek(struct finder *f, enum move_class class, uint32_t mailbox)
{
	struct queue *q = &f->queues[class];

	while (q->first < q->end && f->used[q->first])
		q->first++;
	while (q->first < q->end && f->used[q->end - 1])
		q->end--;
	if (q->first == q->end)
		return MOVE_NONE;
	if (f->items[q->first].mailbox != mailbox)
		return (uint32_t)q->first;
	if (f->items[q->end - 1].mailbox != mailbox)
		return (uint32_t)q->end - 1;
	return MOVE_NONE;
}

static void add(struct finder *f, enum move_kind kind, struct move move)
{
	move.kind = kind;
	f->used[move.to] = true;
	if (move.base != MOVE_NONE) {
		f->used[move.base] = true;
		if (move.from != MOVE_NONE)
			f->used[move.from] = true;
	}
	f->moves->items[f->moves->count++] = move;
}

/* Each unused item of a class, as it is now. */
static uint32_t next(
	const struct finder *f, const struct queue *all, size_t *at)
{
	for (; *at < all->end; ++*at) {
		if (!f->used[*at])
			return (uint32_t)(*at)++;
	}
	return MOVE_NONE;
}

/* ---- Rules --------------------------------------------------------------- */

/* New in one class, gone from another: by `kind`. The entry of what is gone
 * tells the base; it is also what is moved, unless that is MOVE_NONE. */
static void pair(struct finder *f, enum move_kind kind, enum move_class fresh,
	enum move_class gone)
{
	const struct queue all = f->queues[fresh];
	bool moves = kind == MOVE_FILE || kind == MOVE_MESSAGE;
	uint32_t to;

	for (size_t at = all.first; (to = next(f, &all, &at)) != MOVE_NONE;) {
		uint32_t from = peek(f, gone, f->items[to].mailbox);

		if (from != MOVE_NONE)
			add(f, kind,
				(struct move){.to = to,
					.from = moves ? from : MOVE_NONE,
					.base = from});
	}
}

static int name_cmp(const void *a, const void *b)
{
	const struct move_item *x = *(const struct move_item *const *)a;
	const struct move_item *y = *(const struct move_item *const *)b;
	int order = str_cmp(x->name, y->name);

	return order != 0 ? order : (int)x->present - (int)y->present;
}

/* Files that kept their names when they were moved: among equal messages these
 * tell which is which. */
static void pair_named(struct finder *f, struct arena *arena)
{
	const struct queue *fresh = &f->queues[NEW_LOCAL];
	const struct queue *gone = &f->queues[GONE_LOCAL];
	size_t room = fresh->end - fresh->first + gone->end - gone->first;
	const struct move_item **names;
	size_t count = 0;

	if (fresh->end == fresh->first || gone->end == gone->first || room == 2)
		return; /* no choice */
	names = arena_array(arena, room, sizeof(const struct move_item *));
	for (size_t i = fresh->first; i < fresh->end; i++)
		names[count++] = &f->items[i];
	for (size_t i = gone->first; i < gone->end; i++)
		names[count++] = &f->items[i];
	qsort(names, count, sizeof(const struct move_item *), name_cmp);
	for (size_t i = 0; i + 1 < count; i++) {
		const struct move_item *x = names[i];
		const struct move_item *y = names[i + 1];

		if (x->present != NEW_LOCAL || y->present != GONE_LOCAL ||
			x->mailbox == y->mailbox || !str_eq(x->name, y->name))
			continue;
		add(f, MOVE_MESSAGE,
			(struct move){.to = (uint32_t)(x - f->items),
				.from = (uint32_t)(y - f->items),
				.base = (uint32_t)(y - f->items)});
	}
}

/* "Moved on both, different targets: the server's place wins." */
static void pair_parted(struct finder *f)
{
	const struct queue all = f->queues[NEW_REMOTE];
	uint32_t to;

	for (size_t at = all.first; (to = next(f, &all, &at)) != MOVE_NONE;) {
		uint32_t from = peek(f, NEW_LOCAL, f->items[to].mailbox);
		uint32_t base = peek(f, GONE_BOTH, f->items[to].mailbox);

		if (from != MOVE_NONE && base != MOVE_NONE)
			add(f, MOVE_FILE,
				(struct move){
					.to = to, .from = from, .base = base});
	}
}

/* Whether the mailbox has an unused item of the class. */
static bool has(const struct finder *f, enum move_class class, uint32_t mailbox)
{
	size_t low = f->queues[class].first;
	size_t high = f->queues[class].end;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (f->items[middle].mailbox < mailbox)
			low = middle + 1;
		else
			high = middle;
	}
	while (low < f->queues[class].end && f->items[low].mailbox == mailbox &&
		f->used[low])
		low++;
	return low < f->queues[class].end && f->items[low].mailbox == mailbox;
}

/*
 * Two that are alike went, one on each side, to one mailbox, where match took
 * them for one. What stayed behind of both is the other one: kept, where the
 * server has it. One that is new where it went from did not go: its file just
 * has another name.
 */
static void pair_crossed(struct finder *f)
{
	const struct queue all = f->queues[NEW_BOTH];
	uint32_t twin;

	for (size_t at = all.first; (twin = next(f, &all, &at)) != MOVE_NONE;) {
		uint32_t mailbox = f->items[twin].mailbox;
		uint32_t from = peek(f, GONE_REMOTE, mailbox);
		uint32_t to = peek(f, GONE_LOCAL, mailbox);

		if (from == MOVE_NONE || to == MOVE_NONE ||
			has(f, NEW_REMOTE, f->items[from].mailbox) ||
			has(f, NEW_LOCAL, f->items[to].mailbox))
			continue;
		f->used[twin] = true;
		add(f,
			f->items[from].mailbox == f->items[to].mailbox
				? MOVE_NOWHERE
				: MOVE_FILE,
			(struct move){.to = to, .from = from, .base = to});
	}
}

/* Whether it can be copied from: the journal knows it, or it was moved here. */
static bool is_source(const struct finder *f, size_t at, uint32_t mailbox)
{
	return f->items[at].mailbox != mailbox &&
	       ((f->items[at].present & IN_BASE) != 0 || f->used[at]);
}

/* The first or the last of a queue, if it can be. */
static uint32_t source_in(
	const struct finder *f, const struct queue *q, uint32_t mailbox)
{
	if (q->first == q->end)
		return MOVE_NONE;
	if (is_source(f, q->first, mailbox))
		return (uint32_t)q->first;
	return is_source(f, q->end - 1, mailbox) ? (uint32_t)q->end - 1
						 : MOVE_NONE;
}

/* New on a side, and an equal one is known to be there: copied. */
static void copy(struct finder *f, enum move_kind kind, enum move_class fresh,
	const struct queue *sources)
{
	const struct queue all = f->queues[fresh];
	uint32_t to;

	for (size_t at = all.first; (to = next(f, &all, &at)) != MOVE_NONE;) {
		uint32_t from = MOVE_NONE;

		for (size_t i = 0; i < COPY_SOURCES && from == MOVE_NONE; i++)
			from = source_in(f, &sources[i], f->items[to].mailbox);
		if (from != MOVE_NONE)
			add(f, kind,
				(struct move){.to = to,
					.from = from,
					.base = MOVE_NONE});
	}
}

static void find_group(struct finder *f, struct arena *arena)
{
	/* As they are before anything is taken from them: copies are made
	 * before moves. */
	const struct queue files[COPY_SOURCES] = {f->queues[STAYED],
		f->queues[GONE_REMOTE], f->queues[NEW_LOCAL]};
	const struct queue messages[COPY_SOURCES] = {f->queues[STAYED],
		f->queues[GONE_LOCAL], f->queues[NEW_REMOTE]};

	pair(f, MOVE_ENTRY, NEW_BOTH, GONE_BOTH);
	pair_named(f, arena);
	pair(f, MOVE_FILE, NEW_REMOTE, GONE_REMOTE);
	pair(f, MOVE_MESSAGE, NEW_LOCAL, GONE_LOCAL);
	pair_parted(f);
	pair_crossed(f);
	pair(f, MOVE_FLAGS, NEW_BOTH, GONE_REMOTE);
	pair(f, MOVE_FLAGS, NEW_BOTH, GONE_LOCAL);
	copy(f, MOVE_COPY_FILE, NEW_REMOTE, files);
	copy(f, MOVE_COPY_MESSAGE, NEW_LOCAL, messages);
}

void move_find(struct move_item *items, size_t count, struct arena *arena,
	struct moves *moves_r)
{
	struct finder f = {
		.items = items,
		.used = arena_array(arena, count, sizeof(bool)),
		.moves = moves_r,
	};

	check(count < MOVE_NONE);
	moves_r->items = arena_array(arena, count, sizeof(*moves_r->items));
	moves_r->count = 0;
	if (count > 0)
		qsort(items, count, sizeof(*items), item_cmp);
	for (size_t i = 0; i < count;) {
		const struct identity *identity = &items[i].identity;

		for (int class = 0; class < CLASSES; class ++)
			f.queues[class] = (struct queue){0};
		for (; i < count &&
			identity_cmp(&items[i].identity, identity) == 0;
			i++) {
			struct queue *q = &f.queues[items[i].present];

			check(items[i].present < CLASSES);
			if (q->end == 0)
				q->first = i;
			q->end = i + 1;
		}
		find_group(&f, arena);
	}
}

/* ---- Rows ---------------------------------------------------------------- */

static void take_base(const struct move_rows *rows)
{
	rows->to->flags[BASE] = rows->base_flags;
	rows->to->present |= IN_BASE;
	rows->to->stale = true;
	if (rows->base != rows->to)
		rows->to->base = PLAN_NONE;
}

static void take_side(
	const struct move_rows *rows, enum side side, enum row_origin origin)
{
	rows->to->flags[side] = rows->flags;
	rows->to->present |= (uint8_t)SIDE_BIT(side);
	rows->to->origin = (uint8_t)origin;
	take_base(rows);
	rows->from->present = 0;
	if (rows->base != rows->to)
		rows->base->present = 0;
}

void move_join(enum move_kind kind, const struct move_rows *rows, bool leaves)
{
	switch (kind) {
	case MOVE_FILE:
		take_side(rows, LOCAL, ROW_FILE_ELSEWHERE);
		rows->to->shown = rows->shown;
		break;
	case MOVE_NOWHERE:
		take_side(rows, LOCAL, ROW_AT_HOME);
		rows->to->local = rows->from->local;
		break;
	case MOVE_MESSAGE:
		take_side(rows, REMOTE, ROW_MESSAGE_ELSEWHERE);
		if (!leaves)
			break;
		rows->from->present = GONE_LOCAL;
		rows->from->origin = ROW_LEFT;
		break;
	case MOVE_ENTRY:
		take_base(rows);
		rows->base->present = 0;
		break;
	case MOVE_FLAGS:
		take_base(rows);
		break;
	case MOVE_COPY_FILE:
	case MOVE_COPY_MESSAGE:
		rows->to->origin = ROW_COPY;
		rows->to->flags[kind == MOVE_COPY_FILE ? LOCAL : REMOTE] =
			rows->flags;
		if (rows->base != NULL)
			take_base(rows);
		break;
	}
}
