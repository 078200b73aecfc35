/*
 * merges: whatever two users do to a message, one on each side, on a server
 * that can more or less: both sides come to what the merge rules say, as an
 * oracle reads them that knows nothing of the planner.
 *
 * A world holds a message for each pair of acts, at home in each of two
 * mailboxes; so what is done to one is also seen to be nothing to the others.
 */
#include "godwit/sync/side.h"
#include "tap.h"
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	BOXES = 3,
	HOMES = 2, /* of these */
	SHOWN_MAX = 3,
};

/* C has no letter for the keyword, unless messages came from there. */
static const char *const boxes[BOXES] = {"A", "B", "C"};

enum mark {
	SEEN = 1,
	ANSWERED = 2, /* set on the server alone */
	FLAGGED = 4,  /* set in the Maildir alone */
	WORK = 8,     /* the keyword */
	AT_FIRST = SEEN | WORK,
};

/* What becomes of a message's flags. */
enum change {
	KEPT,
	MARKED, /* by the side's own flag */
	BARED,  /* all are taken off */
};

/* What a user does on one side. */
static const struct deed {
	const char *words;
	unsigned to; /* so many mailboxes on; 0: nowhere */
	bool goes;   /* from its home */
	bool anew;   /* a new file, where it comes to */
	enum change home;
	enum change there;
} deeds[] = {
	{.words = "stays"},
	{.words = "is marked", .home = MARKED},
	{.words = "loses its flags", .home = BARED},
	{.words = "moves", .to = 1, .goes = true},
	{.words = "moves and is marked",
		.to = 1,
		.goes = true,
		.there = MARKED},
	{.words = "moves and loses its flags",
		.to = 1,
		.goes = true,
		.there = BARED},
	{.words = "moves on", .to = 2, .goes = true},
	{.words = "is copied", .to = 1, .anew = true},
	{.words = "is copied and marked",
		.to = 1,
		.anew = true,
		.home = MARKED},
	{.words = "is copied, and the copy marked",
		.to = 1,
		.anew = true,
		.there = MARKED},
	{.words = "is marked, copied and deleted",
		.to = 1,
		.goes = true,
		.anew = true,
		.there = MARKED},
	{.words = "is deleted", .goes = true},
};

enum {
	DEEDS = sizeof(deeds) / sizeof(deeds[0]),
	MESSAGES = DEEDS * DEEDS * HOMES,
};

/* One message: where it is, with which flags. */
struct told {
	bool is;
	unsigned flags;
};

struct story {
	const struct deed *deed[2];
	unsigned home;
	unsigned lettered; /* mailboxes that have a letter for the keyword */
	struct told now[2][BOXES];
};

/* What must come of it in a mailbox. */
struct want {
	bool is;
	unsigned flags;
};

struct stage {
	struct world world;
	struct story stories[MESSAGES];
};

/* What a server can; each by itself. */
struct mask {
	bool moves;
	bool expunges;
	enum imap_cap knows; /* CONDSTORE, QRESYNC, or neither */
	bool wandered;       /* messages have left marked ones behind */
};

/* ---- Setting ------------------------------------------------------------- */

static struct fake_mailbox *box(struct world *world, unsigned at)
{
	return fake_server_find(world->server, boxes[at]);
}

static uint64_t server_flags(struct fake_mailbox *mailbox, unsigned marks)
{
	uint64_t work = fake_mailbox_keyword(mailbox, STR("work"));

	return ((marks & SEEN) != 0 ? FAKE_SEEN : 0U) |
	       ((marks & ANSWERED) != 0 ? FAKE_ANSWERED : 0U) |
	       ((marks & FLAGGED) != 0 ? FAKE_FLAGGED : 0U) |
	       ((marks & WORK) != 0 ? work : 0U);
}

static void name_mask(const struct mask *mask, char *name, size_t room)
{
	(void)snprintf(name, room, "%s%s, %s, %s",
		mask->wandered ? "after moves, " : "",
		mask->moves ? "MOVE" : "no MOVE",
		mask->expunges ? "UIDPLUS" : "no UIDPLUS",
		mask->knows == IMAP_CAP_QRESYNC     ? "QRESYNC"
		: mask->knows == IMAP_CAP_CONDSTORE ? "CONDSTORE"
						    : "no mod-sequences");
}

static void set_caps(struct world *world, const struct mask *mask)
{
	struct imap_caps *caps = &world->server->caps;

	if (mask->moves)
		imap_caps_set(caps, IMAP_CAP_MOVE);
	if (mask->expunges)
		imap_caps_set(caps, IMAP_CAP_UIDPLUS);
	if (mask->knows != IMAP_CAP_IMAP4REV1)
		imap_caps_set(caps, IMAP_CAP_CONDSTORE);
	if (mask->knows == IMAP_CAP_QRESYNC) {
		imap_caps_set(caps, IMAP_CAP_ENABLE);
		imap_caps_set(caps, IMAP_CAP_QRESYNC);
	}
	world->keeps_deleted = !mask->expunges;
}

/* The story of the message of a number, which is from 1. */
static struct story *story_of(struct stage *stage, unsigned number)
{
	check(number > 0 && number <= MESSAGES);
	return &stage->stories[number - 1];
}

/* ---- Deeds --------------------------------------------------------------- */

static unsigned place_of(const struct story *story, enum side side)
{
	return (story->home + story->deed[side]->to) % BOXES;
}

static unsigned changed(enum change change, enum side side)
{
	if (change == BARED)
		return 0;
	return AT_FIRST | (change == KEPT         ? 0U
				  : side == LOCAL ? FLAGGED
						  : ANSWERED);
}

/* What a side is to have now. */
static void note(struct story *story, enum side side)
{
	const struct deed *deed = story->deed[side];

	if (!deed->goes)
		story->now[side][story->home] =
			(struct told){true, changed(deed->home, side)};
	if (deed->to != 0)
		story->now[side][place_of(story, side)] =
			(struct told){true, changed(deed->there, side)};
}

/* The number of the message that a text is. */
static unsigned number_in(struct buf *text)
{
	static const char mark[] = "\nSubject: message ";
	const char *at = strstr(buf_z(text), mark);

	return at == NULL ? 0
			  : (unsigned)strtoul(at + sizeof(mark) - 1, NULL, 10);
}

/* The UID of a message that is not marked as deleted. */
static uint32_t uid_of(struct fake_mailbox *mailbox, unsigned number)
{
	for (size_t i = 0; i < mailbox->count; i++) {
		struct fake_message *message = &mailbox->messages[i];

		if ((message->flags & FAKE_DELETED) == 0 &&
			number_in(&message->body) == number)
			return message->uid;
	}
	return 0;
}

static void act_there(struct stage *stage, unsigned number)
{
	struct story *story = story_of(stage, number);
	struct fake_mailbox *home = box(&stage->world, story->home);
	uint32_t uid = uid_of(home, number);

	for (unsigned i = 0; i < BOXES; i++) {
		struct fake_mailbox *to = box(&stage->world, i);
		const struct told *now = &story->now[REMOTE][i];

		if (now->is && i != story->home)
			fake_mailbox_find(to, fake_mailbox_copy(home, uid, to))
				->flags = server_flags(to, now->flags);
	}
	if (story->now[REMOTE][story->home].is)
		fake_mailbox_find(home, uid)->flags = server_flags(
			home, story->now[REMOTE][story->home].flags);
	else
		fake_mailbox_expunge(home, uid);
}

static unsigned number_of(struct world *world, const struct world_file *file)
{
	struct buf text = {0};
	unsigned number;

	check(fake_fs_read(world->fs, file->path, &text));
	number = number_in(&text);
	buf_clear(&text);
	return number;
}

/* The first letter stands for the keyword, where there is one. */
static void add_letters(struct buf *name, unsigned marks)
{
	buf_addf(name, ":2,%s%s%s", (marks & FLAGGED) != 0 ? "F" : "",
		(marks & SEEN) != 0 ? "S" : "", (marks & WORK) != 0 ? "a" : "");
}

static void rename_file(struct world *world, const struct world_file *file,
	unsigned to, unsigned marks)
{
	struct buf name = {0};
	struct buf path = {0};

	buf_addf(&name, "cur/%s", file->unique);
	add_letters(&name, marks);
	world_path(world, boxes[to], buf_z(&name), &path);
	if (strcmp(file->path, buf_z(&path)) != 0)
		fake_fs_rename(world->fs, file->path, buf_z(&path));
	buf_clear(&path);
	buf_clear(&name);
}

static void copy_file(
	struct world *world, unsigned number, unsigned to, unsigned marks)
{
	struct buf name = {0};

	buf_addf(&name, "cur/copy.of.%u", number);
	add_letters(&name, marks);
	world_drop(world, boxes[to], buf_z(&name), number);
	buf_clear(&name);
}

static void act_here(struct stage *stage, const struct world_file *file)
{
	struct world *world = &stage->world;
	unsigned number = number_of(world, file);
	const struct story *story = story_of(stage, number);
	const struct deed *deed = story->deed[LOCAL];
	unsigned to = place_of(story, LOCAL);

	if (deed->anew)
		copy_file(world, number, to, story->now[LOCAL][to].flags);
	if (deed->goes && (deed->anew || deed->to == 0))
		fake_fs_remove(world->fs, file->path);
	else if (deed->goes)
		rename_file(world, file, to, story->now[LOCAL][to].flags);
	else
		rename_file(world, file, story->home,
			story->now[LOCAL][story->home].flags);
}

/* Moves each file to where its message is at home, under another name, and has
 * the server follow. */
static void go_home(struct stage *stage)
{
	struct world *world = &stage->world;
	struct world_files files[BOXES];

	for (unsigned i = 0; i < BOXES; i++)
		world_files(world, boxes[i], &files[i]);
	for (unsigned i = 0; i < BOXES; i++) {
		for (size_t k = 0; k < files[i].count; k++) {
			struct world_file *file = &files[i].items[k];
			unsigned number = number_of(world, file);

			(void)snprintf(file->unique, sizeof(file->unique),
				"moved.%u", number);
			rename_file(world, file, story_of(stage, number)->home,
				AT_FIRST);
		}
		free(files[i].items);
	}
	fake_fs_settle(world->fs);
	check(world_sync(world) == 0);
}

static void begin(struct stage *stage, const struct mask *mask)
{
	struct world *world = &stage->world;

	memset(stage, 0, sizeof(*stage));
	world_init(world, 1);
	set_caps(world, mask);
	for (unsigned i = 0; i < BOXES; i++)
		fake_server_create(world->server, boxes[i], 0);
	for (unsigned i = 0; i < MESSAGES; i++) {
		struct story *story = &stage->stories[i];
		unsigned rest = i / HOMES;
		unsigned first = i % HOMES;

		story->home = first;
		story->lettered = mask->wandered ? BOXES : HOMES;
		story->deed[LOCAL] = &deeds[rest % DEEDS];
		story->deed[REMOTE] = &deeds[rest / DEEDS];
		if (mask->wandered)
			first += 1 + rest % (BOXES - 1);
		first %= BOXES;
		world_give(world, boxes[first], i + 1,
			server_flags(box(world, first), AT_FIRST));
	}
	check(world_sync(world) == 0);
	if (mask->wandered)
		go_home(stage);
}

static void act_all(struct stage *stage)
{
	struct world_files files[HOMES];

	for (unsigned i = 0; i < HOMES; i++)
		world_files(&stage->world, boxes[i], &files[i]);
	for (unsigned number = 1; number <= MESSAGES; number++) {
		note(story_of(stage, number), LOCAL);
		note(story_of(stage, number), REMOTE);
		act_there(stage, number);
	}
	for (unsigned i = 0; i < HOMES; i++) {
		for (size_t k = 0; k < files[i].count; k++)
			act_here(stage, &files[i].items[k]);
		free(files[i].items);
	}
	fake_fs_settle(stage->world.fs);
}

/* ---- The oracle ---------------------------------------------------------- */

static unsigned merge(unsigned base, unsigned here, unsigned there)
{
	return base ^ ((base ^ here) | (base ^ there));
}

/* Flags of `marks`, the keyword as in `work`. */
static unsigned with_work(unsigned marks, unsigned work)
{
	return (marks & ~(unsigned)WORK) | (work & WORK);
}

/* Where a side has it but at home, or NULL. */
static const struct told *elsewhere(const struct story *story, enum side side)
{
	for (unsigned i = 0; i < BOXES; i++) {
		if (i != story->home && story->now[side][i].is)
			return &story->now[side][i];
	}
	return NULL;
}

/* What a file in C says: its letters stand for nothing there. */
static unsigned shown(const struct story *story, unsigned at)
{
	unsigned marks = story->now[LOCAL][at].flags;

	return at < story->lettered ? marks : marks & ~(unsigned)WORK;
}

/* "Same new message on both sides: one message", of which both knew the flags
 * if it has gone from where it was. */
static struct want meet(const struct story *story, unsigned at)
{
	unsigned here = shown(story, at);
	unsigned there = story->now[REMOTE][at].flags;

	if (story->now[LOCAL][story->home].is &&
		story->now[REMOTE][story->home].is)
		return (struct want){true, here | there};
	return (struct want){
		true, with_work(merge(AT_FIRST, here, there), there)};
}

/* What is in a mailbox on the server alone. */
static struct want come_there(const struct story *story, unsigned at)
{
	const struct told *home = &story->now[LOCAL][story->home];
	const struct told *parted = elsewhere(story, LOCAL);
	unsigned flags = story->now[REMOTE][at].flags;

	if (story->now[REMOTE][story->home].is)
		return (struct want){true, flags}; /* a copy */
	if (home->is)
		return (struct want){true, merge(AT_FIRST, home->flags, flags)};
	if (parted == NULL)
		return (struct want){true, flags};
	return (struct want){
		true, with_work(merge(AT_FIRST, parted->flags, flags), flags)};
}

/* What is in a mailbox of the Maildir alone: its letters were another folder's,
 * so that keywords are as the server has them. */
static struct want come_here(const struct story *story, unsigned at)
{
	const struct told *home = &story->now[REMOTE][story->home];
	const struct told *there = elsewhere(story, REMOTE);
	bool is_copy = story->now[LOCAL][story->home].is;
	unsigned flags = shown(story, at);

	if (is_copy && home->is)
		return (struct want){true, with_work(flags, home->flags)};
	if (home->is)
		return (struct want){
			true, with_work(merge(AT_FIRST, flags, home->flags),
				      home->flags)};
	if (is_copy && there != NULL)
		return (struct want){true, with_work(flags, there->flags)};
	return (struct want){
		there == NULL, flags}; /* the server's place wins */
}

static struct want foretell(const struct story *story, unsigned at)
{
	const struct told *here = &story->now[LOCAL][at];
	const struct told *there = &story->now[REMOTE][at];

	if (at == story->home)
		return (struct want){here->is && there->is,
			merge(AT_FIRST, here->flags, there->flags)};
	if (here->is && there->is)
		return meet(story, at);
	if (there->is)
		return come_there(story, at);
	return here->is ? come_here(story, at) : (struct want){false, 0};
}

/* Messages that the server has nowhere any more, and the Maildir has anew. */
static unsigned uploads_due(const struct stage *stage)
{
	unsigned due = 0;

	for (unsigned i = 0; i < MESSAGES; i++) {
		const struct story *story = &stage->stories[i];

		due += elsewhere(story, LOCAL) != NULL &&
		       elsewhere(story, REMOTE) == NULL &&
		       !story->now[REMOTE][story->home].is;
	}
	return due;
}

/* ---- Judging ------------------------------------------------------------- */

static unsigned marks_of(
	const struct world_letters *letters, const struct world_file *file)
{
	unsigned marks = 0;

	for (const char *at = file->letters; *at != '\0'; at++) {
		marks |= *at == 'S' ? SEEN : 0U;
		marks |= *at == 'R' ? ANSWERED : 0U;
		marks |= *at == 'F' ? FLAGGED : 0U;
		if (*at >= 'a' &&
			strcmp(letters->names[*at - 'a'], "work") == 0)
			marks |= WORK;
	}
	return marks;
}

/* What the Maildir has of each message. */
static void count_files(
	struct stage *stage, unsigned at, struct want *got, unsigned *times)
{
	struct world_letters letters;
	struct world_files files;

	world_letters(&stage->world, boxes[at], &letters);
	world_files(&stage->world, boxes[at], &files);
	for (size_t i = 0; i < files.count; i++) {
		unsigned number = number_of(&stage->world, &files.items[i]);

		check(number > 0 && number <= MESSAGES);
		got[number - 1].is = true;
		got[number - 1].flags = marks_of(&letters, &files.items[i]);
		times[number - 1]++;
	}
	free(files.items);
}

static void show(const struct story *story, unsigned number, unsigned at,
	struct want want, struct want got)
{
	tap_note("message %u, at home in %s: in the Maildir it %s, on the "
		 "server it %s",
		number, boxes[story->home], story->deed[LOCAL]->words,
		story->deed[REMOTE]->words);
	tap_note("in %s it is expected to be %s with flags %x, and is %s with "
		 "%x",
		boxes[at], want.is ? "there" : "away", want.flags,
		got.is ? "there" : "away", got.flags);
}

static unsigned judge_box(
	struct stage *stage, unsigned at, unsigned shown_before)
{
	static const struct want nothing;
	struct want got[MESSAGES] = {{0}};
	unsigned times[MESSAGES] = {0};
	unsigned failures = 0;

	count_files(stage, at, got, times);
	for (unsigned i = 0; i < MESSAGES; i++) {
		struct want want = foretell(&stage->stories[i], at);

		if (!want.is)
			want = nothing;
		if (times[i] == want.is && got[i].flags == want.flags)
			continue;
		if (shown_before + failures++ < SHOWN_MAX)
			show(&stage->stories[i], i + 1, at, want, got[i]);
	}
	return failures;
}

static unsigned judge(struct stage *stage)
{
	unsigned failures = 0;

	for (unsigned i = 0; i < BOXES; i++)
		failures += judge_box(stage, i, failures);
	return failures;
}

/* How many steps it took. */
static uint64_t test_mask(const struct mask *mask)
{
	static struct stage stage; /* its stories are many */
	struct world *world = &stage.world;
	struct buf why = {0};
	uint64_t steps;
	char name[64];

	name_mask(mask, name, sizeof(name));
	begin(&stage, mask);
	act_all(&stage);
	is_int(world_sync(world), 0, "%s: %d messages are synced", name,
		MESSAGES);
	steps = world->steps;
	is_int((intmax_t)world->traffic.counts[IMAP_APPEND],
		uploads_due(&stage), "%s: no body travels that need not", name);
	if (!ok(world_in_step(world, &why) && world_journal_ok(world, &why),
		    "%s: both sides are equal", name))
		tap_note("%s", buf_z(&why));
	is_int(judge(&stage), 0, "%s: and what the merge rules say", name);
	is_int(world_sync(world), 0, "%s: another sync", name);
	is_int((intmax_t)world->steps, 0, "%s: changes nothing", name);
	world_clear(world);
	buf_clear(&why);
	return steps;
}

/* The sync is killed at one of its steps, and another one goes on. */
static unsigned kill_at(const struct mask *mask, uint64_t step)
{
	static struct stage stage;
	struct world *world = &stage.world;
	struct buf why = {0};
	unsigned failures;

	begin(&stage, mask);
	act_all(&stage);
	world->fate.die_at = world->fate.steps + step;
	(void)world_sync(world);
	world_kill(world);
	failures = world_sync(world) != 0 || !world_in_step(world, &why);
	failures += judge(&stage);
	if (failures > 0)
		tap_note("killed at step %u: %s", (unsigned)step, buf_z(&why));
	world_clear(world);
	buf_clear(&why);
	return failures;
}

static void test_killed(const struct mask *mask, uint64_t steps)
{
	unsigned rounds = tap_rounds(1, 6, 200);
	unsigned failures = 0;
	char name[64];

	name_mask(mask, name, sizeof(name));
	for (unsigned i = 1; i <= rounds; i++)
		failures += kill_at(mask, i * steps / (rounds + 1));
	is_int(failures, 0, "%s: and so does a sync after one that was killed",
		name);
}

int main(void)
{
	static const enum imap_cap known[] = {
		IMAP_CAP_IMAP4REV1, IMAP_CAP_CONDSTORE, IMAP_CAP_QRESYNC};
	struct mask mask = {.knows = IMAP_CAP_IMAP4REV1, .wandered = true};

	test_killed(&mask, test_mask(&mask));
	for (unsigned i = 0; i < 4; i++) {
		uint64_t steps = 0;

		mask = (struct mask){
			.moves = (i & 1) != 0, .expunges = (i & 2) != 0};
		for (unsigned k = 0; k < sizeof(known) / sizeof(known[0]);
			k++) {
			mask.knows = known[k];
			steps = test_mask(&mask);
		}
		test_killed(&mask, steps);
	}
	return tap_done();
}
