/*
 * Secrets: bytes that are wiped and never formatted.
 *
 * Passwords, tokens and client keys live in this type from where they are read
 * to where they are sent. No function here prints one; the wire log masks what
 * comes from one. Not a vault: another process of the same user can read our
 * memory.
 */
#ifndef GODWIT_BASE_SECRET_H
#define GODWIT_BASE_SECRET_H

#include "godwit/base/bytes.h"

/* All zeroes is the absent secret. */
struct secret {
	struct buf hidden; /* through secret_get() only */
};

/* Copies `s` in; what was there before is wiped. */
void secret_set(struct secret *secret, struct str s);

/* The bytes, borrowed until the next set or clear. */
struct str secret_get(const struct secret *secret);

/* Wipes and releases. */
void secret_clear(struct secret *secret);

#endif
