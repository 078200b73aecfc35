/*
 * A clock that stands still until a test moves it: the clock port for tests.
 *
 * Every reading may move it by a tick, so that code which waits for a deadline
 * comes to an end. The wall clock can jump, the monotonic one cannot.
 */
#ifndef GODWIT_T_LIB_FAKE_CLOCK_H
#define GODWIT_T_LIB_FAKE_CLOCK_H

#include "godwit/engine/ports/clock.h"

struct fake_clock {
	int64_t now_ns;  /* monotonic */
	int64_t wall_ns; /* at now_ns 0, and after jumps */
	int64_t tick_ns; /* what each reading adds; 0 at first */
	struct clock_port port;
};

/* Starts at `wall_ns` since 1970. The port is clock->port. */
void fake_clock_init(struct fake_clock *clock, int64_t wall_ns);

/* Time passes, on both clocks. */
void fake_clock_pass(struct fake_clock *clock, int64_t ns);

/* Somebody sets the wall clock, forwards or back. */
void fake_clock_jump(struct fake_clock *clock, int64_t ns);

#endif
