/*
 * Whom a TLS client believes, and who it says that it is itself.
 *
 * Holds what the files say that `tls` settings name; checks a server's
 * certificate against it and puts into words what is wrong with it.
 */
#ifndef GODWIT_OS_TLS_TRUST_H
#define GODWIT_OS_TLS_TRUST_H

#include "godwit/base/err.h"
#include "godwit/engine/account.h"

#include <gnutls/gnutls.h>

struct tls_trust {
	const struct account_tls *tls; /* what it was made for, borrowed */
	gnutls_certificate_credentials_t credentials;
	bool has_system; /* the system's list is read: when it is needed */
	struct tls_trust *next;
};

/* Reads the files. NULL and err (ERR_CONFIG) when one cannot be used. */
struct tls_trust *tls_trust_new(const struct account_tls *tls, struct err *err);

/* Whether these settings name the same files: the system's list of whom to
 * trust takes 40 ms and 4 MB to read. */
bool tls_trust_fits(
	const struct tls_trust *trust, const struct account_tls *tls);
void tls_trust_free(struct tls_trust **trust);

/* Judges the certificate that the session's server has shown. 0, or -1 and
 * err (ERR_LOGIN): a sentence with what is wrong and what to do. */
int tls_trust_check(const struct account *account, struct tls_trust *trust,
	gnutls_session_t session, struct err *err);

/*
 * Judges a session that goes on from another, in which the certificate was
 * believed under the same settings: whether its key is (still) pinned, and the
 * dates and the name hold today. Who has signed it is not looked at again.
 */
int tls_trust_recheck(const struct account *account, gnutls_session_t session,
	struct err *err);

/* Appends what the certificate of a session that passed the check is for, how
 * long it is good, and why it is trusted. */
void tls_trust_describe(const struct account *account, gnutls_session_t session,
	struct buf *text);

#endif
