/*
 * What every mailbox name has to keep, whatever the server calls it: for the
 * unit test, which tries all short nasty names, and for the fuzz target.
 */
#ifndef GODWIT_T_LIB_MAILBOX_PROMISE_H
#define GODWIT_T_LIB_MAILBOX_PROMISE_H

#include "godwit/mail/mailbox_name.h"

#include <stdbool.h>

/*
 * The promise that is broken, or NULL: the canonical name is NFC, leads back to
 * the server's (in NFC), its paths stay below the root, lead back to it.
 */
const char *mailbox_promise_broken(
	const struct mailbox_space *space, struct str server);

/* Whether the path stays below the root and on no reserved name. */
bool mailbox_promise_path(enum mailbox_layout layout, struct str path);

#endif
