/*
 * Places: mailboxes that the config puts elsewhere than when they were last in
 * step.
 *
 * The journal knows a mailbox by its local name. When `rename` has changed, one
 * that seems to be gone from the server may be there under another local name,
 * and a folder may be that of another mailbox now. Neither is taken for what it
 * looks like: nothing is removed or copied before the user has moved the
 * folder, or taken back the change.
 */
#ifndef GODWIT_SRC_ENGINE_PLACE_H
#define GODWIT_SRC_ENGINE_PLACE_H

#include "pass.h"

/* Takes such mailboxes out of the pass, each with a sentence that says what to
 * do; one whose folder has left its old place is marked `elsewhere`. */
void place_settle(struct pass *pass);

#endif
