/* How: GnuTLS; what fails here is the test's own fault and aborts it. */
#include "x509.h"

#include "godwit/base/bytes.h"
#include "godwit/base/err.h"

#include <arpa/inet.h>
#include <gnutls/crypto.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static void add_names(gnutls_x509_crt_t crt, const struct x509_plan *plan)
{
	const char *names[] = {plan->dns, plan->dns2};
	unsigned char ip[16];
	unsigned ip_len;

	for (size_t i = 0; i < 2; i++) {
		if (names[i] != NULL)
			check(gnutls_x509_crt_set_subject_alt_name(crt,
				      GNUTLS_SAN_DNSNAME, names[i],
				      (unsigned)strlen(names[i]),
				      GNUTLS_FSAN_APPEND) == 0);
	}
	if (plan->ip == NULL)
		return;
	ip_len = strchr(plan->ip, ':') != NULL ? 16 : 4;
	check(inet_pton(ip_len == 16 ? AF_INET6 : AF_INET, plan->ip, ip) == 1);
	check(gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_IPADDRESS,
		      ip, ip_len, GNUTLS_FSAN_APPEND) == 0);
}

static void add_validity(gnutls_x509_crt_t crt, const struct x509_plan *plan)
{
	static const long hour_s = 3600;
	long from_s = plan->from_s == 0 ? -hour_s : plan->from_s;
	long until_s = plan->until_s == 0 ? 24 * hour_s : plan->until_s;

	check(gnutls_x509_crt_set_activation_time(crt, time(NULL) + from_s) ==
		0);
	check(gnutls_x509_crt_set_expiration_time(crt, time(NULL) + until_s) ==
		0);
}

static void add_purpose(gnutls_x509_crt_t crt, const struct x509_plan *plan)
{
	check(gnutls_x509_crt_set_basic_constraints(crt, plan->is_ca, -1) == 0);
	if (plan->is_ca)
		check(gnutls_x509_crt_set_key_usage(
			      crt, GNUTLS_KEY_KEY_CERT_SIGN) == 0);
	else
		check(gnutls_x509_crt_set_key_purpose_oid(crt,
			      plan->for_client ? GNUTLS_KP_TLS_WWW_CLIENT
					       : GNUTLS_KP_TLS_WWW_SERVER,
			      0) == 0);
}

void x509_make(struct x509_pair *pair_r, const struct x509_plan *plan,
	const struct x509_pair *signer)
{
	const char *common = plan->common == NULL ? "test" : plan->common;
	unsigned char serial[8];
	size_t id_len = 20;
	unsigned char id[20];
	gnutls_x509_crt_t crt;

	check(gnutls_x509_privkey_init(&pair_r->key) == 0);
	check(gnutls_x509_privkey_generate(pair_r->key, GNUTLS_PK_ECDSA,
		      GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1),
		      0) == 0);
	check(gnutls_x509_crt_init(&pair_r->certificate) == 0);
	crt = pair_r->certificate;
	check(gnutls_x509_crt_set_version(crt, 3) == 0);
	check(gnutls_rnd(GNUTLS_RND_NONCE, serial, sizeof(serial)) == 0);
	serial[0] &= 0x7f;
	check(gnutls_x509_crt_set_serial(crt, serial, sizeof(serial)) == 0);
	check(gnutls_x509_crt_set_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0,
		      common, (unsigned)strlen(common)) == 0);
	check(gnutls_x509_crt_set_key(crt, pair_r->key) == 0);
	check(gnutls_x509_crt_get_key_id(crt, 0, id, &id_len) == 0);
	check(gnutls_x509_crt_set_subject_key_id(crt, id, id_len) == 0);
	add_names(crt, plan);
	add_validity(crt, plan);
	add_purpose(crt, plan);
	if (signer == NULL)
		signer = pair_r;
	check(gnutls_x509_crt_sign2(crt, signer->certificate, signer->key,
		      GNUTLS_DIG_SHA256, 0) == 0);
}

void x509_clear(struct x509_pair *pair)
{
	gnutls_x509_crt_deinit(pair->certificate);
	gnutls_x509_privkey_deinit(pair->key);
}

static void file_write(const char *dir, const char *name, const char *ending,
	const gnutls_datum_t *content)
{
	struct buf path = {0};
	FILE *file;

	buf_addf(&path, "%s/%s.%s", dir, name, ending);
	file = fopen(buf_z(&path), "w");
	check(file != NULL);
	check(fwrite(content->data, 1, content->size, file) == content->size);
	check(fclose(file) == 0);
	buf_clear(&path);
}

void x509_write(const struct x509_pair *pair, const char *dir, const char *name)
{
	gnutls_datum_t pem;

	check(gnutls_x509_crt_export2(
		      pair->certificate, GNUTLS_X509_FMT_PEM, &pem) == 0);
	file_write(dir, name, "crt", &pem);
	gnutls_free(pem.data);
	check(gnutls_x509_privkey_export2(
		      pair->key, GNUTLS_X509_FMT_PEM, &pem) == 0);
	file_write(dir, name, "key", &pem);
	gnutls_free(pem.data);
}

void x509_key_sha256(const struct x509_pair *pair, unsigned char sha256_r[32])
{
	size_t len = 32;

	check(gnutls_x509_crt_get_key_id(pair->certificate,
		      GNUTLS_KEYID_USE_SHA256, sha256_r, &len) == 0);
}
