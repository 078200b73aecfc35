/*
 * Fate: when a simulated machine dies, what fails, and what chance decides.
 *
 * One fate is shared by all simulated ports of a run. Every call of a port is
 * counted; every one that would change something durable is a step as well. At
 * step `die_at` the machine dies: that step does not happen, and from then on
 * every call of every port fails, so that a run which goes on cannot change
 * anything. At call `fail_at` one call fails and life goes on. A test that
 * counts the steps of an undisturbed run can so die, or fail, at every one of
 * them.
 */
#ifndef GODWIT_T_LIB_FATE_H
#define GODWIT_T_LIB_FATE_H

#include "godwit/base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct fate {
	uint64_t random;  /* fate_random()'s state */
	uint64_t calls;   /* of any port, so far */
	uint64_t steps;   /* those that change something */
	uint64_t die_at;  /* the step that does not happen; 0: none */
	uint64_t fail_at; /* the call that fails; 0: none */
	bool dead;
	const char *last;   /* the latest call, for a failing test's note */
	const char *failed; /* the call that failed, or "nothing" */
};

enum fate_verdict {
	FATE_GO,
	FATE_FAIL, /* this once, with the port's own kind of error */
	FATE_DEAD, /* fate_dead() fills the err */
};

/* A fate that lets everything happen. */
void fate_init(struct fate *fate, uint64_t seed);

/* The machine is switched on again: counts from 0, dies and fails never. */
void fate_revive(struct fate *fate);

/* Counts a call, named "port.call". */
enum fate_verdict fate_call(struct fate *fate, const char *call);

/* Counts a step, right before it happens; false: it must not happen. */
bool fate_step(struct fate *fate);

/* A number below `below` (at least 1), from the seed. */
uint64_t fate_random(struct fate *fate, uint64_t below);

/* The error of every call after death: scope RUN, retry NEVER. Returns -1. */
int fate_dead(struct err *err);

#endif
