/* How: the wall clock is the monotonic one and an offset. */
#include "fake_clock.h"

#include "godwit/base/err.h"

enum {
	NSEC_PER_MSEC = 1000000,
};

static int64_t monotonic_ms(void *ctx)
{
	struct fake_clock *clock = ctx;

	clock->now_ns += clock->tick_ns;
	return clock->now_ns / NSEC_PER_MSEC;
}

static int64_t wall_ns(void *ctx)
{
	struct fake_clock *clock = ctx;

	clock->now_ns += clock->tick_ns;
	return clock->wall_ns + clock->now_ns;
}

void fake_clock_init(struct fake_clock *clock, int64_t wall)
{
	*clock = (struct fake_clock){
		.wall_ns = wall,
		.port = {clock, monotonic_ms, wall_ns},
	};
}

void fake_clock_pass(struct fake_clock *clock, int64_t ns)
{
	check(ns >= 0);
	clock->now_ns += ns;
}

void fake_clock_jump(struct fake_clock *clock, int64_t ns)
{
	clock->wall_ns += ns;
}
