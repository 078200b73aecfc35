/*
 * How: CLOCK_BOOTTIME where there is one, as CLOCK_MONOTONIC stands still in
 * suspend on Linux (on the BSDs and macOS it does not).
 */
#include "godwit/os/clock.h"

#include "godwit/base/err.h"

#include <stddef.h>
#include <time.h>

#ifdef CLOCK_BOOTTIME
static const clockid_t steady = CLOCK_BOOTTIME;
#else
static const clockid_t steady = CLOCK_MONOTONIC;
#endif

int64_t os_clock_ms(void)
{
	struct timespec now;

	check(clock_gettime(steady, &now) == 0);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t clock_monotonic_ms(void *ctx)
{
	(void)ctx;
	return os_clock_ms();
}

static int64_t clock_wall_ns(void *ctx)
{
	struct timespec now;

	(void)ctx;
	check(clock_gettime(CLOCK_REALTIME, &now) == 0);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void os_clock_open(struct clock_port *port_r)
{
	*port_r = (struct clock_port){
		.ctx = NULL,
		.monotonic_ms = clock_monotonic_ms,
		.wall_ns = clock_wall_ns,
	};
}
