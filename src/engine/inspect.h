/*
 * Inspect: what `check` finds on the local side.
 *
 * The Maildir's root and its mailboxes, the state folder, the journal. It looks
 * and mends nothing. What would keep a sync from its work is an error, what
 * only deserves a look is a fact that is not good.
 */
#ifndef GODWIT_SRC_ENGINE_INSPECT_H
#define GODWIT_SRC_ENGINE_INSPECT_H

#include "pass.h"

/* Opens the journal and the root as far as that is possible, and tells. */
void inspect(struct pass *pass);

#endif
