/*
 * Decide: rows and the user's settings in, guarded plans out.
 *
 * Gives the planner what it needs to know of a mailbox: what the user wants,
 * what the server and the file names can hold, which rows must wait. Then has
 * every plan made, and judged by the guard. It changes nothing on either side.
 */
#ifndef GODWIT_SRC_ENGINE_DECIDE_H
#define GODWIT_SRC_ENGINE_DECIDE_H

#include "pass.h"

/* Plans every mailbox that takes part. */
void decide(struct pass *pass);

#endif
