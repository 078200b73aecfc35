/*
 * Base64 (RFC 4648), for SASL, and in its modified form for mailbox names.
 *
 * Strict: no line breaks, no stray bits; bytes are wiped by the caller.
 */
#ifndef GODWIT_IMAP_BASE64_H
#define GODWIT_IMAP_BASE64_H

#include "godwit/base/bytes.h"

/* Appends the text of `bytes`, with padding. */
void imap_base64_encode(struct str bytes, struct buf *out);

/* Appends the bytes of `text`; false, and nothing appended, if it is none. */
bool imap_base64_decode(struct str text, struct buf *out);

#endif
