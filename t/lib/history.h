/*
 * Histories: what users and other clients do to both sides of an account.
 *
 * Random, but for the fate of a world the same every time. Messages are known
 * by their numbers, which stand in their subjects. A census counts, mailbox by
 * mailbox, how often each number is on either side and with which flags; from
 * the censuses of the last moment in step and of now follows what a sync must
 * come to (census_foretell): the oracle, which knows nothing of the planner.
 */
#ifndef GODWIT_T_LIB_HISTORY_H
#define GODWIT_T_LIB_HISTORY_H

#include "world.h"

enum {
	HISTORY_MAILBOXES = 5,
	HISTORY_MESSAGES = 200, /* numbers from 1 */
	HISTORY_FLAGS = 10,     /* of the pool below */
};

/* What the census says of one number in one mailbox. */
struct census_entry {
	unsigned count[2]; /* on disk, on the server */
	unsigned flags[2]; /* bits of the pool; of the last one seen */
	bool is_vague;     /* one of those on the server is to be expunged, and
			    * may be another than the one on disk */
};

struct census {
	struct census_entry at[HISTORY_MAILBOXES][HISTORY_MESSAGES];
};

/* The two sides in the census. */
enum census_side {
	CENSUS_DISK,
	CENSUS_SERVER,
};

struct history {
	struct world world;
	unsigned last_number;
	unsigned next_file;
	struct census in_step; /* as it was when both sides were last equal */
	/* Since then: what allows less than the full foretelling. */
	bool journal_lost;
	bool renumbered[HISTORY_MAILBOXES];
	/* More than one, or removed and put back: bounds hold, no more. */
	bool loose[HISTORY_MAILBOXES][HISTORY_MESSAGES];
	bool removed[HISTORY_MAILBOXES][HISTORY_MESSAGES]; /* by a user */
	bool disturbed; /* things happened while a sync ran */
	unsigned added[HISTORY_MAILBOXES][HISTORY_MESSAGES][2]; /* ever */
};

/* A world as the seed has it: capabilities, oddities, layout, settings. */
void history_init(struct history *history, uint64_t seed);
void history_clear(struct history *history);

/* The wire name of a mailbox of the histories. */
const char *history_mailbox(const struct history *history, unsigned mailbox);

/* A random number below `below`. */
unsigned history_chance(struct history *history, unsigned below);

/* A user does something, on either side. */
void history_act(struct history *history);

/* Something is going to happen while the next sync runs. */
void history_disturb(struct history *history);

/* The disturbances are over, the machine runs, and weeks have passed. */
void history_calm(struct history *history);

void history_census(struct history *history, struct census *census);

/*
 * Whether `after`, what a calm sync came to from `before`, is what had to come.
 * If not, says so in `why`.
 */
bool history_foretold(struct history *history, const struct census *before,
	const struct census *after, struct buf *why);

/* Both sides are in step: what was is past. */
void history_settle(struct history *history, const struct census *now);

#endif
