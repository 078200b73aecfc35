/*
 * Escapes of mailbox names, one component at a time.
 *
 * The rules stand in godwit/mail/mailbox_name.h. Unescaping what escaping gave
 * gives the NFC of what was put in.
 */
#ifndef GODWIT_MAIL_MAILBOX_ESCAPE_H
#define GODWIT_MAIL_MAILBOX_ESCAPE_H

#include "godwit/base/bytes.h"

#include <stdbool.h>

enum escape {
	ESCAPE_PLAIN = 0,
	ESCAPE_DOTS = 1,  /* every '.', for the layout maildir++ */
	ESCAPE_FIRST = 2, /* the first byte, whatever it is */
};

/* Adds the NFC of `s`; bytes that are not UTF-8 stay as they are. */
void mailbox_nfc(struct str s, struct buf *out);

/* Adds the escaped form of a component; `how` is ESCAPE_... or'ed. */
void mailbox_escape(struct str raw, int how, struct buf *out);

/* Adds what an escaped component stands for. */
void mailbox_unescape(struct str escaped, struct buf *out);

#endif
