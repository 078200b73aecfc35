/*
 * The clock port for real.
 *
 * Its monotonic time goes on while the machine is suspended, where the system
 * can tell (Linux): a connection that slept for an hour has been silent for an
 * hour.
 */
#ifndef GODWIT_OS_CLOCK_H
#define GODWIT_OS_CLOCK_H

#include "godwit/engine/ports/clock.h"

/* Nothing is held: there is no close. */
void os_clock_open(struct clock_port *port_r);

/* What monotonic_ms gives, for the other parts of this layer. */
int64_t os_clock_ms(void);

#endif
