/*
 * What the journal must do, over whatever store: one suite for the fake store
 * and the real one.
 */
#ifndef GODWIT_T_LIB_JOURNAL_SUITE_H
#define GODWIT_T_LIB_JOURNAL_SUITE_H

#include "godwit/engine/ports/store.h"

struct journal_suite {
	const char *label; /* begins each sentence */

	/* Makes a store that is empty and returns its port; the one before is
	 * given up. */
	const struct store_port *(*fresh)(void *ctx);

	/* Closes the store, opens it anew and returns its port. */
	const struct store_port *(*reopen)(void *ctx);
	void *ctx;
};

void journal_suite_run(const struct journal_suite *suite);

#endif
