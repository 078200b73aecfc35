/*
 * SCRAM, the client's side, as a computation (RFC 5802, RFC 7677, RFC 9266).
 *
 * GNU SASL has SCRAM, too, but up to 2.2 at least its client cannot send the
 * gs2 flag "y", by which a server notices that somebody has cut -PLUS from
 * its list, and it follows a server to any number of iterations. Nothing here
 * is random: the nonce is a parameter.
 */
#ifndef GODWIT_OS_SCRAM_H
#define GODWIT_OS_SCRAM_H

#include "godwit/base/err.h"
#include "godwit/base/secret.h"
#include "godwit/engine/ports/login.h"

#include <gnutls/gnutls.h>

enum {
	SCRAM_HASH_BYTES_MAX = 32
};

struct scram {
	const char *mechanism;       /* for sentences */
	gnutls_mac_algorithm_t hash; /* HMAC's */
	struct secret password;
	struct buf cbind_input;
	size_t gs2_header_bytes; /* its first so many */
	struct buf first_bare;   /* client-first-message-bare */
	size_t nonce_at;         /* where c-nonce begins in it */
	unsigned char server_signature[SCRAM_HASH_BYTES_MAX];
};

/* Begins; the name ends in -PLUS for those that bind. `nonce` is printable
 * and without ','. -1 and err (ERR_LOGIN) when user or password cannot be
 * prepared (RFC 4013). */
int scram_init(struct scram *scram, const struct sasl_request *request,
	const char *nonce, struct err *err);
void scram_clear(struct scram *scram);

/* client-first-message */
void scram_first(const struct scram *scram, struct secret *message);

/* client-final-message, the answer to server-first-message. */
int scram_final(struct scram *scram, struct str server_first,
	struct secret *message, struct err *err);

/* Whether server-final-message proves that it knows the password. */
int scram_verify(
	const struct scram *scram, struct str server_final, struct err *err);

#endif
