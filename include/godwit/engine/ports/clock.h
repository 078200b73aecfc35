/*
 * Port: the clock.
 *
 * The engine asks for the time through this and nowhere else, so that the
 * simulator's clock is the only one a simulated run sees.
 */
#ifndef GODWIT_ENGINE_PORTS_CLOCK_H
#define GODWIT_ENGINE_PORTS_CLOCK_H

#include <stdint.h>

struct clock_port {
	void *ctx;

	/* Milliseconds that never go back; only differences mean anything. */
	int64_t (*monotonic_ms)(void *ctx);

	/* Nanoseconds since 1970-01-01 UTC, by the wall. */
	int64_t (*wall_ns)(void *ctx);
};

#endif
