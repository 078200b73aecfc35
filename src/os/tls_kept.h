/*
 * Kept sessions: what lets a TLS handshake go on from an earlier one.
 *
 * A ticket of TLS 1.3, in the file `tls-session` of an account's state folder,
 * where there is such a folder; it is never made for that. A ticket takes the
 * place of the server's proof that it is who it says, so it is used only for
 * the very settings under which that proof was believed, for a day, and once.
 * Where handshakes die of it and succeed without, none is kept for a week.
 * Nothing here is worth failing for: what cannot be read is not there, what
 * cannot be written is not kept.
 */
#ifndef GODWIT_OS_TLS_KEPT_H
#define GODWIT_OS_TLS_KEPT_H

#include "godwit/base/bytes.h"
#include "godwit/engine/account.h"

#include <stdbool.h>

struct tls_kept;

/* What is kept for the account, which is borrowed, if anything is to be; the
 * new front of a list that went on with `next`. */
struct tls_kept *tls_kept_open(
	const struct account *account, bool keeps, struct tls_kept *next);

/* That of the account, or NULL. */
struct tls_kept *tls_kept_find(
	struct tls_kept *list, const struct account *account);

/* Takes out the session, for one use. False if there is none. */
bool tls_kept_take(struct tls_kept *kept, struct buf *session);

/* Keeps a session, in the place of what was kept. */
void tls_kept_put(struct tls_kept *kept, struct str session);

/* A handshake died that relied on what was kept. */
void tls_kept_failed(struct tls_kept *kept);

/* Writes the files that have changed, and releases the list. */
void tls_kept_close(struct tls_kept **list);

#endif
