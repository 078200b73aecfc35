/* How: counters, and splitmix64 for chance. */
#include "fate.h"

void fate_init(struct fate *fate, uint64_t seed)
{
	*fate = (struct fate){
		.random = seed, .last = "nothing", .failed = "nothing"};
}

void fate_revive(struct fate *fate)
{
	*fate = (struct fate){
		.random = fate->random, .last = "nothing", .failed = "nothing"};
}

enum fate_verdict fate_call(struct fate *fate, const char *call)
{
	if (fate->dead)
		return FATE_DEAD;
	fate->last = call;
	fate->calls++;
	if (fate->calls != fate->fail_at)
		return FATE_GO;
	fate->failed = call;
	return FATE_FAIL;
}

bool fate_step(struct fate *fate)
{
	if (fate->dead)
		return false;
	fate->steps++;
	fate->dead = fate->steps == fate->die_at;
	return !fate->dead;
}

uint64_t fate_random(struct fate *fate, uint64_t below)
{
	uint64_t z = fate->random += 0x9e3779b97f4a7c15U;

	check(below > 0);
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
	return (z ^ (z >> 31)) % below;
}

int fate_dead(struct err *err)
{
	return err_set(err, ERR_RUN, ERR_NEVER, ERR_DISK,
		"the simulated machine is dead; the run is over");
}
