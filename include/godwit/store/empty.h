/*
 * The empty store: where a command that only looks finds no journal yet.
 *
 * Holds nothing and takes nothing: a commit is our own mistake.
 */
#ifndef GODWIT_STORE_EMPTY_H
#define GODWIT_STORE_EMPTY_H

#include "godwit/engine/ports/store.h"

/* There is nothing to close. */
const struct store_port *empty_store_port(void);

#endif
