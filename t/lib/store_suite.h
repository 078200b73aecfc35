/*
 * What every store must do: one suite for the fake one and the real one.
 *
 * Each test program that has a store makes an empty one and runs the suite on
 * it; so the fake is as good as what it stands for.
 */
#ifndef GODWIT_T_LIB_STORE_SUITE_H
#define GODWIT_T_LIB_STORE_SUITE_H

#include "godwit/engine/ports/store.h"

struct store_suite {
	const char *label; /* begins each sentence */
	const struct store_port *port;

	/* Closes the store, opens it anew and returns its port. */
	const struct store_port *(*reopen)(void *ctx);
	void *ctx;
};

/* Needs an empty store, leaves one with records. */
void store_suite_run(struct store_suite *suite);

#endif
