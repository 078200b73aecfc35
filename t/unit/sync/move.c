/*
 * move: what two users do to two messages in three mailboxes, all of it, and
 * what becomes of that by move, match's pairs and plan; beside an oracle that
 * knows only the words of the merge rules.
 */
#include "godwit/sync/move.h"

#include "godwit/base/err.h"
#include "tap.h"

#include <stdio.h>
#include <string.h>

enum {
	BOXES = 3, /* A, B, C */
	ROWS_MAX = 8,
	MESSAGES = 2,
	IN_BOTH = SIDE_BIT(LOCAL) | SIDE_BIT(REMOTE),
	IN_ALL = IN_BOTH | SIDE_BIT(BASE),
};

/* What a user does to a message on one side; its home is A or B, the next
 * mailbox is B or C, the one after that C or A. */
enum act {
	STAYS,
	FLAGS,
	MOVES,
	MOVES_AND_FLAGS,
	MOVES_ON, /* to the mailbox after the next */
	COPIES,
	COPIES_AND_FLAGS, /* the original */
	COPIES_AND_DELETES,
	DELETES,
	ACTS,
};

/* What becomes of a message on the server that was moved in the Maildir. */
enum way {
	BY_MOVE,
	BY_COPY_AND_EXPUNGE,
	BY_COPY, /* no single message can be expunged: it stays, marked */
};

struct box {
	struct row rows[ROWS_MAX];
	unsigned identities[ROWS_MAX];
	struct str names[ROWS_MAX];
	unsigned count;
};

struct state {
	struct box boxes[BOXES];
};

struct story {
	enum act acts[MESSAGES][2];
	unsigned home[MESSAGES];
	bool twins; /* both are one identity */
	enum way way;
	/* What the first message left behind so many mailboxes on, when it was
	 * moved BY_COPY before; 0: nothing. */
	unsigned lingers;
};

static struct flags seen(bool is)
{
	return (struct flags){.system = is ? FLAG_SEEN : 0};
}

/* ---- What is given ------------------------------------------------------- */

/* A row of the message, as delta and match make it: what is new on both sides
 * of a mailbox is one. */
static struct row *row_for(struct state *s, unsigned box, unsigned identity,
	unsigned present, bool is_new)
{
	struct box *b = &s->boxes[box];

	for (unsigned i = 0; is_new && i < b->count; i++) {
		if (b->identities[i] == identity &&
			(b->rows[i].present & SIDE_BIT(BASE)) == 0 &&
			(b->rows[i].present & present) == 0)
			return &b->rows[i];
	}
	check(b->count < ROWS_MAX);
	b->identities[b->count] = identity;
	b->names[b->count] = STR("");
	return &b->rows[b->count++];
}

static void name_file(
	struct state *s, unsigned box, const struct row *row, const char *name)
{
	s->boxes[box].names[row - s->boxes[box].rows] = str_of(name);
}

static bool is_copied(enum act act)
{
	return act == COPIES || act == COPIES_AND_FLAGS;
}

static bool is_move(enum act act)
{
	return act == MOVES || act == MOVES_AND_FLAGS || act == MOVES_ON ||
	       act == COPIES_AND_DELETES;
}

static bool is_flagged(enum act act)
{
	return act == FLAGS || act == MOVES_AND_FLAGS ||
	       act == COPIES_AND_FLAGS;
}

static unsigned moved_to(unsigned home, enum act act)
{
	return (home + (act == MOVES_ON ? 2 : 1)) % BOXES;
}

/* A file that is moved keeps its name. */
static void act_on(struct state *s, struct row *home, const struct story *story,
	unsigned message, enum side side)
{
	static const char *const names[MESSAGES] = {"first", "second"};
	enum act act = story->acts[message][side];
	unsigned box = moved_to(story->home[message], act);
	unsigned identity = story->twins ? 0 : message;
	struct row *row;

	name_file(s, story->home[message], home, names[message]);
	if (!is_move(act) && act != DELETES) {
		home->present |= (uint8_t)SIDE_BIT(side);
		home->flags[side] = seen(is_flagged(act));
	}
	if (!is_move(act) && !is_copied(act))
		return;
	row = row_for(s, box, identity, SIDE_BIT(side), true);
	row->present |= (uint8_t)SIDE_BIT(side);
	row->flags[side] = seen(act == MOVES_AND_FLAGS);
	row->uid = side == REMOTE ? 1 : row->uid;
	if (side == LOCAL)
		name_file(s, box, row,
			is_move(act) && act != COPIES_AND_DELETES
				? names[message]
				: "copy");
}

static void add_lingering(struct state *s, const struct story *story)
{
	const struct flags marked = {.system = FLAG_SEEN | FLAG_DELETED};
	struct row *row = row_for(s, (story->home[0] + story->lingers) % BOXES,
		0, SIDE_BIT(BASE), false);

	row->present = SIDE_BIT(BASE) | SIDE_BIT(REMOTE);
	row->flags[BASE] = marked;
	row->flags[REMOTE] = marked;
	row->uid = MESSAGES + 1;
}

static void begin(struct state *s, const struct story *story)
{
	struct row *homes[MESSAGES];

	memset(s, 0, sizeof(*s));
	if (story->lingers != 0)
		add_lingering(s, story);
	for (unsigned i = 0; i < MESSAGES; i++) {
		homes[i] = row_for(s, story->home[i], story->twins ? 0 : i,
			SIDE_BIT(BASE), false);
		homes[i]->present = SIDE_BIT(BASE);
		homes[i]->uid = i + 1;
	}
	for (unsigned i = 0; i < MESSAGES; i++) {
		for (enum side side = LOCAL; side <= REMOTE; side++)
			act_on(s, homes[i], story, i, side);
	}
}

/* ---- What the code makes of it ------------------------------------------- */

static struct row *row_of(
	struct state *s, const struct move_item *items, uint32_t at)
{
	return at == MOVE_NONE
		       ? NULL
		       : &s->boxes[items[at].mailbox].rows[items[at].row];
}

static bool lingers(const struct row *row, enum way way)
{
	return way == BY_COPY &&
	       row->present == (SIDE_BIT(BASE) | SIDE_BIT(REMOTE)) &&
	       (row->flags[REMOTE].system & FLAG_DELETED) != 0;
}

static enum side side_of(enum move_kind kind)
{
	return kind == MOVE_MESSAGE || kind == MOVE_COPY_MESSAGE ? REMOTE
								 : LOCAL;
}

static void join(struct state *s, struct arena *arena, enum way way)
{
	struct move_item items[BOXES * ROWS_MAX];
	struct moves moves;
	size_t count = 0;

	for (unsigned box = 0; box < BOXES; box++) {
		const struct box *b = &s->boxes[box];

		for (unsigned i = 0; i < b->count; i++) {
			if (lingers(&b->rows[i], way))
				continue;
			items[count++] = (struct move_item){
				.identity.bytes = b->identities[i] + 1,
				.name = b->names[i],
				.mailbox = box,
				.row = i,
				.present = b->rows[i].present,
			};
		}
	}
	move_find(items, count, arena, &moves);
	for (size_t i = 0; i < moves.count; i++) {
		const struct move *move = &moves.items[i];
		struct move_rows rows = {
			.to = row_of(s, items, move->to),
			.from = row_of(s, items, move->from),
			.base = row_of(s, items, move->base),
		};

		if (rows.from != NULL)
			rows.flags = rows.from->flags[side_of(move->kind)];
		if (rows.base != NULL)
			rows.base_flags = rows.base->flags[BASE];
		move_join(move->kind, &rows, way != BY_MOVE);
	}
}

/* Carries an operation out; false: it makes no sense. */
static bool apply(struct row *row, const struct op *op)
{
	enum side side = op_side(op->kind);
	enum side other = side == LOCAL ? REMOTE : LOCAL;

	switch (op->kind) {
	case OP_PULL:
	case OP_PUSH:
	case OP_COPY_LOCAL:
		row->flags[side] = op->flags;
		/* fall through */
	case OP_COPY_REMOTE:
		row->flags[BASE] = op->base;
		if ((row->present & IN_BOTH) != SIDE_BIT(other))
			return false;
		row->present = IN_ALL;
		break;
	case OP_PAIR:
	case OP_MOVE_LOCAL:
	case OP_MOVE_REMOTE:
		row->flags[BASE] = op->base;
		if ((row->present & IN_BOTH) != IN_BOTH)
			return false;
		row->present = IN_ALL;
		break;
	case OP_FLAG_LOCAL:
	case OP_FLAG_REMOTE:
	case OP_MARK_REMOTE:
		row->flags[side] = op->flags;
		row->flags[BASE] = op->base;
		break;
	case OP_FLAG_BASE:
		row->flags[BASE] = op->base;
		break;
	case OP_LEAVE_REMOTE:
	case OP_REMOVE_REMOTE:
	case OP_REMOVE_LOCAL:
		row->present &= (uint8_t)~SIDE_BIT(side);
		if ((row->present & IN_BOTH) == 0)
			row->present = 0;
		break;
	case OP_FORGET:
		row->present = 0;
		break;
	default:
		return false;
	}
	row->stale = false;
	row->origin = ROW_AT_HOME;
	return true;
}

struct effort {
	unsigned bodies; /* that cross the wire */
	unsigned ops;
	bool wrong;
};

static void plan_box(struct box *box, struct arena *arena, enum way way,
	struct effort *effort)
{
	const struct flag_room all = {.system = FLAGS_SYSTEM};
	const struct policy policy = {
		.can_expunge = way != BY_COPY,
		.keeps = {all, all},
		.takes = {all, all},
	};
	struct keywords *keywords = keywords_new();
	const struct plan_input input = {
		box->rows, box->count, &policy, keywords};
	struct plan plan;
	unsigned elsewhere = 0;

	plan_mailbox(&input, arena, &plan);
	for (unsigned i = 0; i < box->count; i++)
		elsewhere += box->rows[i].origin == ROW_FILE_ELSEWHERE ||
			     box->rows[i].origin == ROW_MESSAGE_ELSEWHERE;
	effort->wrong = effort->wrong ||
			elsewhere != plan.per_kind[OP_MOVE_LOCAL] +
					     plan.per_kind[OP_MOVE_REMOTE];
	for (size_t i = 0; i < plan.count; i++) {
		const struct op *op = &plan.ops[i];

		effort->bodies += op->kind == OP_PULL || op->kind == OP_PUSH;
		effort->wrong =
			!apply(&box->rows[op->row], op) || effort->wrong;
	}
	effort->ops += (unsigned)plan.count;
	keywords_free(&keywords);
}

static void sync_all(struct state *s, struct arena *arena, enum way way,
	struct effort *effort)
{
	*effort = (struct effort){0};
	join(s, arena, way);
	for (unsigned i = 0; i < BOXES; i++)
		plan_box(&s->boxes[i], arena, way, effort);
}

/* ---- The oracle ---------------------------------------------------------- */

/* How many of an identity a mailbox holds, without and with the flag. */
struct holding {
	unsigned count[BOXES][MESSAGES][2];
};

/* Whether one side copied a message to where the other moved it: those two are
 * one, and what is left at home goes, whatever flag it got. */
static bool copy_meets_move(
	const struct story *story, unsigned message, enum side copier)
{
	enum act copy = story->acts[message][copier];
	enum act move = story->acts[message][copier == LOCAL ? REMOTE : LOCAL];

	return is_copied(copy) && is_move(move) &&
	       moved_to(0, copy) == moved_to(0, move);
}

static bool is_flag_kept(
	const struct story *story, unsigned message, enum side side)
{
	return is_flagged(story->acts[message][side]) &&
	       !copy_meets_move(story, message, side);
}

/* Section 3 of the design, read aloud. */
static void foretell(
	const struct story *story, unsigned message, struct holding *holding)
{
	enum act here = story->acts[message][LOCAL];
	enum act there = story->acts[message][REMOTE];
	unsigned home = story->home[message];
	unsigned place = home;
	bool flag = is_flag_kept(story, message, LOCAL) ||
		    is_flag_kept(story, message, REMOTE);
	bool copied = is_copied(here) || is_copied(there);
	bool is = true;

	if (is_move(there))
		place = moved_to(home, there);
	else if (is_move(here))
		place = moved_to(home, here);
	else
		is = here != DELETES && there != DELETES;
	/* A message that is deleted takes its flags along. */
	if (is)
		holding->count[place][message][flag]++;
	if (copied && !(is && place == (home + 1) % BOXES))
		holding->count[(home + 1) % BOXES][message][0]++;
}

/* What stays on the server, marked, counts as gone. */
static void count_side(
	const struct state *s, enum side side, struct holding *holding)
{
	memset(holding, 0, sizeof(*holding));
	for (unsigned box = 0; box < BOXES; box++) {
		const struct box *b = &s->boxes[box];

		for (unsigned i = 0; i < b->count; i++) {
			const struct row *row = &b->rows[i];

			if ((row->present & SIDE_BIT(side)) != 0 &&
				(row->flags[side].system & FLAG_DELETED) == 0)
				holding->count[box][b->identities[i]]
					      [row->flags[side].system != 0]++;
		}
	}
}

/* Bodies that have to cross: those of what one side has nowhere any more. */
static unsigned bodies_due(const struct story *story)
{
	unsigned due = 0;

	for (unsigned i = 0; i < MESSAGES; i++) {
		enum act here = story->acts[i][LOCAL];
		enum act there = story->acts[i][REMOTE];

		due += (here == DELETES &&
			       (is_move(there) || is_copied(there))) ||
		       (there == DELETES && (is_move(here) || is_copied(here)));
	}
	return due;
}

/* ---- Judging ------------------------------------------------------------- */

static void show(const struct story *story, const char *what)
{
	static const char *const names[ACTS] = {"stays", "is flagged", "moves",
		"moves, flagged", "moves on", "is copied",
		"is copied and flagged", "is copied and deleted", "is deleted"};

	tap_note("%s:", what);
	for (unsigned i = 0; i < MESSAGES; i++)
		tap_note("message %u, at home in %c: in the Maildir it %s, on "
			 "the server it %s%s",
			i, 'A' + (int)story->home[i],
			names[story->acts[i][LOCAL]],
			names[story->acts[i][REMOTE]],
			story->twins ? "; both are alike" : "");
	if (story->lingers != 0)
		tap_note("message 0 was in %c before, and is there, marked",
			'A' + (int)(story->home[0] + story->lingers) % BOXES);
}

static bool is_total_kept(const struct story *story, const struct state *s)
{
	unsigned kept = 0;
	unsigned there = 0;

	for (unsigned i = 0; i < MESSAGES; i++)
		kept += story->acts[i][LOCAL] != DELETES &&
			story->acts[i][REMOTE] != DELETES;
	for (unsigned box = 0; box < BOXES; box++) {
		for (unsigned i = 0; i < s->boxes[box].count; i++)
			there += s->boxes[box].rows[i].present == IN_ALL;
	}
	return there >= kept;
}

static const char *judge(const struct story *story)
{
	struct state s;
	struct arena arena = {0};
	struct effort first;
	struct effort second;
	struct holding want = {0};
	struct holding got[2];
	const char *wrong = NULL;

	begin(&s, story);
	sync_all(&s, &arena, story->way, &first);
	count_side(&s, LOCAL, &got[LOCAL]);
	count_side(&s, REMOTE, &got[REMOTE]);
	for (unsigned i = 0; i < MESSAGES; i++)
		foretell(story, i, &want);
	if (first.wrong)
		wrong = "an operation makes no sense";
	else if (memcmp(&got[LOCAL], &got[REMOTE], sizeof(got[0])) != 0)
		wrong = "the sides differ";
	else if (!is_total_kept(story, &s))
		wrong = "a message is lost";
	else if (!story->twins && memcmp(&got[LOCAL], &want, sizeof(want)) != 0)
		wrong = "it is not what the rules say";
	else if (!story->twins && first.bodies != bodies_due(story))
		wrong = "bodies cross the wire that need not, or do not";
	sync_all(&s, &arena, story->way, &second);
	if (wrong == NULL && second.ops > 0)
		wrong = "the next plan is not empty";
	arena_clear(&arena);
	return wrong;
}

static unsigned judge_acts(struct story *story)
{
	unsigned failures = 0;
	const char *wrong;

	for (unsigned n = 0; n < ACTS * ACTS * ACTS * ACTS; n++) {
		unsigned rest = n;

		for (unsigned i = 0; i < MESSAGES * 2; i++) {
			story->acts[i / 2][i % 2] = (enum act)(rest % ACTS);
			rest /= ACTS;
		}
		wrong = judge(story);
		if (wrong != NULL && failures++ < 3)
			show(story, wrong);
	}
	return failures;
}

static unsigned judge_all(struct story *story)
{
	unsigned failures = 0;

	story->lingers = 0;
	for (story->way = BY_MOVE; story->way < BY_COPY; story->way++)
		failures += judge_acts(story);
	for (; story->lingers < BOXES; story->lingers++)
		failures += judge_acts(story);
	return failures;
}

static void test_stories(void)
{
	struct story story = {0};

	is_int(judge_all(&story), 0,
		"whatever is done to two messages of one mailbox, on both "
		"sides");
	story.home[1] = 1;
	is_int(judge_all(&story), 0, "and to two messages of two mailboxes");
	story.twins = true;
	is_int(judge_all(&story), 0,
		"and to two that are alike: nothing is lost or differs");
	story.home[1] = 0;
	is_int(judge_all(&story), 0, "in one mailbox, too");
}

/* ---- Single rules -------------------------------------------------------- */

static struct move_item item(
	uint32_t mailbox, uint32_t row, unsigned present, const char *name)
{
	return (struct move_item){.identity.bytes = 5,
		.name = str_of(name),
		.mailbox = mailbox,
		.row = row,
		.present = (uint8_t)present};
}

static void test_names(void)
{
	struct move_item items[] = {
		item(0, 0, SIDE_BIT(BASE) | SIDE_BIT(REMOTE), "x"),
		item(0, 1, SIDE_BIT(BASE) | SIDE_BIT(REMOTE), "y"),
		item(1, 0, SIDE_BIT(LOCAL), "y"),
		item(1, 1, SIDE_BIT(LOCAL), "z"),
	};
	struct arena arena = {0};
	struct moves moves;
	unsigned good = 0;

	move_find(items, 4, &arena, &moves);
	is_int((intmax_t)moves.count, 2, "of equal messages all are paired");
	for (size_t i = 0; i < moves.count; i++)
		good += (items[moves.items[i].from].row == 1) ==
			(items[moves.items[i].to].row == 0);
	is_int(good, 2, "a file that kept its name is the one of that name");
	arena_clear(&arena);
}

static void test_at_home(void)
{
	struct move_item items[] = {
		item(0, 0, SIDE_BIT(BASE) | SIDE_BIT(REMOTE), "x"),
		item(0, 1, SIDE_BIT(LOCAL), "x"),
		item(0, 2, SIDE_BIT(REMOTE), ""),
		item(0, 3, SIDE_BIT(BASE) | SIDE_BIT(LOCAL), "z"),
	};
	struct arena arena = {0};
	struct moves moves;

	move_find(items, 4, &arena, &moves);
	is_int((intmax_t)moves.count, 0,
		"what was replaced in its mailbox is not moved");
	move_find(items, 0, &arena, &moves);
	is_int((intmax_t)moves.count, 0, "of nothing, nothing is");
	arena_clear(&arena);
}

static void test_many(void)
{
	enum {
		MANY = 200000
	};
	struct arena arena = {0};
	struct move_item *items = arena_array(&arena, MANY, sizeof(*items));
	struct moves moves;

	for (unsigned i = 0; i < MANY; i++)
		items[i] =
			i % 2 == 0
				? item(0, i, SIDE_BIT(BASE) | SIDE_BIT(LOCAL),
					  "")
				: item(i % 4 / 2, i, SIDE_BIT(REMOTE), "");
	move_find(items, MANY, &arena, &moves);
	is_int((intmax_t)moves.count, MANY / 4,
		"many equal messages take no long time");
	arena_clear(&arena);
}

/* Of two that are alike, one is moved to a third mailbox on the server, and
 * copied there in the Maildir, where the file of the other gets another name.
 */
static void test_renamed_file(void)
{
	struct move_item items[] = {
		{.mailbox = 0, .present = SIDE_BIT(BASE) | SIDE_BIT(LOCAL)},
		{.mailbox = 1, .present = SIDE_BIT(BASE) | SIDE_BIT(REMOTE)},
		{.mailbox = 1, .row = 1, .present = SIDE_BIT(LOCAL)},
		{.mailbox = 2, .present = IN_BOTH},
	};
	struct arena arena = {0};
	struct moves moves;
	bool is_ok = true;

	move_find(items, sizeof(items) / sizeof(items[0]), &arena, &moves);
	for (size_t i = 0; i < moves.count; i++)
		is_ok = is_ok && items[moves.items[i].to].mailbox != 1;
	ok(is_ok, "what has another name in its mailbox is not doubled there");
	arena_clear(&arena);
}

int main(void)
{
	test_names();
	test_at_home();
	test_many();
	test_stories();
	test_renamed_file();
	return tap_done();
}
