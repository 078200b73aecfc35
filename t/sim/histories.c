/*
 * histories: random histories of both sides, with syncs in between.
 *
 * After each sync that nothing disturbed, both sides must be equal, must be
 * what the oracle foretold, and a second sync must not change a thing. Seeds
 * are numbers from 1; $GODWIT_TEST_SEED runs one alone and tells its story,
 * GODWIT_TEST_LONG=1 runs thousands, from $GODWIT_TEST_FIRST on.
 */
#include "history.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>

enum {
	SEEDS_FEW = 20,
	SEEDS = 200,
	SEEDS_MANY = 5000,
	ROUNDS = 6,
	ACTIONS = 12,
	FAILURES_MAX = 5, /* then the rest is not worth the time */
};

/* The last mistake found. */
struct verdict {
	struct buf why;
	bool tells;
};

static bool is_clean(struct history *history, struct verdict *verdict)
{
	struct world *world = &history->world;

	if (world->server->complaints.len > 0)
		buf_addz(&verdict->why, "the server complains\n");
	if (fake_fs_handles(world->fs) != 0)
		buf_addf(&verdict->why, "%zu handles are left open\n",
			fake_fs_handles(world->fs));
	if (fake_store_cursors(world->store) != 0)
		buf_addz(&verdict->why, "a cursor is left open\n");
	if (world->net.streams != 0)
		buf_addz(&verdict->why, "a connection is left open\n");
	return verdict->why.len == 0;
}

/* Whether the server can prove that nothing has changed. */
static bool can_prove(const struct world *world)
{
	return imap_caps_has(&world->server->caps, IMAP_CAP_CONDSTORE) &&
	       !world->server->odd.empty_status;
}

/* Both sides come to rest: what is, what must be, and nothing more to do. */
static bool settles(struct history *history, struct verdict *verdict)
{
	struct world *world = &history->world;
	struct census before;
	struct census after;
	uint64_t silences = world->net.silences;
	int status;

	history_census(history, &before);
	status = world_sync(world);
	if (verdict->tells)
		world_tell(world);
	if (status != 0)
		buf_addf(&verdict->why, "a calm sync ends with %d\n", status);
	if (world->net.silences != silences)
		buf_addz(&verdict->why, "the client waits for nothing\n");
	if (!is_clean(history, verdict) ||
		!world_in_step(world, &verdict->why) ||
		!world_journal_ok(world, &verdict->why))
		return false;
	history_census(history, &after);
	if (!history_foretold(history, &before, &after, &verdict->why))
		return false;
	/* Of a server that tells numbers ahead, they are believed when they are
	 * told again. */
	if (world->server->odd.modseq_ahead)
		(void)world_sync(world);
	status = world_sync(world);
	if (can_prove(world) && world->traffic.counts[IMAP_SELECT] > 0)
		buf_addf(&verdict->why, "a second sync opens %llu mailboxes\n",
			(unsigned long long)world->traffic.counts[IMAP_SELECT]);
	if (status != 0 || world->steps != 0)
		buf_addf(&verdict->why,
			"a second sync ends with %d after %llu changes\n",
			status, (unsigned long long)world->steps);
	if (!is_clean(history, verdict))
		return false;
	history_settle(history, &after);
	return true;
}

static bool round_passes(struct history *history, struct verdict *verdict)
{
	unsigned actions = history_chance(history, ACTIONS);

	for (unsigned i = 0; i < actions; i++)
		history_act(history);
	if (history_chance(history, 3) == 0) {
		history_disturb(history);
		(void)world_sync(&history->world);
		if (verdict->tells) {
			tap_note("---- disturbed");
			world_tell(&history->world);
			tap_note("----");
		}
		if (!is_clean(history, verdict))
			return false;
		history_calm(history);
	}
	return settles(history, verdict);
}

static bool history_passes(uint64_t seed, bool tells)
{
	struct history *history = calloc(1, sizeof(*history));
	struct verdict verdict = {.tells = tells};
	bool passes = true;
	int round;

	check(history != NULL);
	history_init(history, seed);
	history->world.traces = tells;
	for (round = 0; round < ROUNDS && passes; round++) {
		if (tells)
			tap_note("==== round %d", round);
		passes = round_passes(history, &verdict);
	}
	if (!passes) {
		tap_note("seed %llu, round %d: %s", (unsigned long long)seed,
			round - 1, buf_z(&verdict.why));
		if (!tells) {
			world_tell(&history->world);
			tap_note("rerun: GODWIT_TEST_SEED=%llu "
				 "t/sim/histories",
				(unsigned long long)seed);
		}
	}
	buf_clear(&verdict.why);
	if (history->world.is_dead)
		world_kill(&history->world);
	history_clear(history);
	free(history);
	return passes;
}

int main(void)
{
	const char *one = getenv("GODWIT_TEST_SEED");
	const char *from = getenv("GODWIT_TEST_FIRST");
	uint64_t seeds = tap_rounds(SEEDS_FEW, SEEDS, SEEDS_MANY);
	uint64_t first = from != NULL ? strtoull(from, NULL, 10) : 1;
	int failures = 0;

	(void)setvbuf(stdout, NULL, _IOLBF, 0); /* whatever aborts later */
	if (one != NULL) {
		ok(history_passes(strtoull(one, NULL, 10), true),
			"the history of seed %s ends well", one);
		return tap_done();
	}
	for (uint64_t seed = first;
		seed - first < seeds && failures < FAILURES_MAX; seed++)
		failures += !history_passes(seed, false);
	is_int(failures, 0, "%llu histories: both sides come to what they must",
		(unsigned long long)seeds);
	return tap_done();
}
