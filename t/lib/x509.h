/*
 * Throw-away certificates, made in the test that needs them.
 *
 * Keys are new each time (ECDSA, some milliseconds); nothing is secret here.
 */
#ifndef GODWIT_T_LIB_X509_H
#define GODWIT_T_LIB_X509_H

#include <gnutls/x509.h>
#include <stdbool.h>
#include <stddef.h>

struct x509_pair {
	gnutls_x509_crt_t certificate;
	gnutls_x509_privkey_t key;
};

/* What a certificate is to be; all zeroes is one that fits nobody. */
struct x509_plan {
	const char *dns;    /* a name that it is for */
	const char *dns2;   /* another */
	const char *ip;     /* an address that it is for */
	const char *common; /* its common name; default: test */
	bool is_ca;
	bool for_client; /* else for a server */
	long from_s;     /* validity, relative to now; default: an hour */
	long until_s;    /* back and a day on */
};

/* Makes a pair, signed by `signer` or, if that is NULL, by itself. */
void x509_make(struct x509_pair *pair_r, const struct x509_plan *plan,
	const struct x509_pair *signer);
void x509_clear(struct x509_pair *pair);

/* Writes DIR/NAME.crt and DIR/NAME.key. */
void x509_write(
	const struct x509_pair *pair, const char *dir, const char *name);

/* The SHA-256 of the SubjectPublicKeyInfo. */
void x509_key_sha256(const struct x509_pair *pair, unsigned char sha256_r[32]);

#endif
