/*
 * How: GnuTLS verifies the chain, the dates and the name in one call and
 * answers with a set of flags, which a table turns into words. The key's
 * SHA-256 goes into each sentence in the form that `pin` takes. What a
 * certificate says of itself is anybody's invention, so that only printable
 * ASCII of it, and not too much, gets into the sentence.
 */
#include "tls_trust.h"

#include <gnutls/x509.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	NAMES_SHOWN = 4,
	NAMES_LOOKED_AT = 64,
	NAME_BYTES_SHOWN = 64,
	SHA256_BYTES = 32,
};

static int file_failed(
	const char *key, const char *path, int error, struct err *err)
{
	return err_set(err, ERR_ACCOUNT, ERR_NEVER, ERR_CONFIG,
		"cannot use %s, the file that 'tls: {%s:}' names: %.*s", path,
		key, STR_FMT(err_said(str_of(gnutls_strerror(error)))));
}

static bool needs_system(const struct account_tls *tls)
{
	return tls->ca_path == NULL && tls->pin_count == 0;
}

static int load_ca(gnutls_certificate_credentials_t credentials,
	const struct account_tls *tls, struct err *err)
{
	int count;

	if (tls->ca_path == NULL)
		return 0;
	count = gnutls_certificate_set_x509_trust_file(
		credentials, tls->ca_path, GNUTLS_X509_FMT_PEM);
	if (count == 0)
		count = GNUTLS_E_NO_CERTIFICATE_FOUND;
	return count > 0 ? 0 : file_failed("ca", tls->ca_path, count, err);
}

static int load_own(gnutls_certificate_credentials_t credentials,
	const struct account_tls *tls, struct err *err)
{
	int error;

	if (tls->cert_path == NULL)
		return 0;
	error = gnutls_certificate_set_x509_key_file2(credentials,
		tls->cert_path, tls->key_path, GNUTLS_X509_FMT_PEM, NULL, 0);
	if (error >= 0)
		return 0;
	return err_set(err, ERR_ACCOUNT, ERR_NEVER, ERR_CONFIG,
		"cannot use the client certificate in %s with the key in %s: "
		"%.*s",
		tls->cert_path, tls->key_path,
		STR_FMT(err_said(str_of(gnutls_strerror(error)))));
}

struct tls_trust *tls_trust_new(const struct account_tls *tls, struct err *err)
{
	struct tls_trust *trust = calloc(1, sizeof(*trust));

	check(trust != NULL);
	trust->tls = tls;
	check(gnutls_certificate_allocate_credentials(&trust->credentials) ==
		0);
	if (load_ca(trust->credentials, tls, err) == -1 ||
		load_own(trust->credentials, tls, err) == -1)
		tls_trust_free(&trust);
	return trust;
}

bool tls_trust_fits(
	const struct tls_trust *trust, const struct account_tls *tls)
{
	const struct account_tls *own = trust->tls;

	return needs_system(own) == needs_system(tls) &&
	       str_eq(str_of(own->ca_path), str_of(tls->ca_path)) &&
	       str_eq(str_of(own->cert_path), str_of(tls->cert_path)) &&
	       str_eq(str_of(own->key_path), str_of(tls->key_path));
}

void tls_trust_free(struct tls_trust **trust)
{
	if (*trust == NULL)
		return;
	gnutls_certificate_free_credentials((*trust)->credentials);
	free(*trust);
	*trust = NULL;
}

static void add_printable(struct buf *text, struct str s)
{
	if (s.len > NAME_BYTES_SHOWN)
		s.len = NAME_BYTES_SHOWN;
	for (size_t i = 0; i < s.len; i++) {
		bool printable = s.ptr[i] > ' ' && s.ptr[i] < 0x7f;

		buf_add(text, printable ? str_sub(s, i, 1) : STR("?"));
	}
}

static void add_ip(struct buf *text, struct str ip)
{
	static const size_t ipv4_bytes = 4;

	for (size_t i = 0; i < ip.len; i++) {
		if (ip.len == ipv4_bytes)
			buf_addf(text, "%s%u", i == 0 ? "" : ".",
				(unsigned char)ip.ptr[i]);
		else
			buf_addf(text, "%s%02x",
				i == 0 || i % 2 != 0 ? "" : ":",
				(unsigned char)ip.ptr[i]);
	}
}

/* Adds the names and addresses that the certificate is for. */
static void add_names(struct buf *text, gnutls_x509_crt_t certificate)
{
	char name[256];
	unsigned shown = 0;

	for (unsigned i = 0; shown < NAMES_SHOWN && i < NAMES_LOOKED_AT; i++) {
		size_t len = sizeof(name);
		int type = gnutls_x509_crt_get_subject_alt_name(
			certificate, i, name, &len, NULL);

		if (type == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
			break;
		if (type != GNUTLS_SAN_DNSNAME && type != GNUTLS_SAN_IPADDRESS)
			continue;
		buf_addz(text, shown++ == 0 ? "" : ", ");
		if (type == GNUTLS_SAN_IPADDRESS)
			add_ip(text, (struct str){name, len});
		else
			add_printable(text, (struct str){name, len});
	}
	if (shown == NAMES_SHOWN)
		buf_addz(text, ", ...");
	if (shown == 0) {
		size_t len = sizeof(name);

		if (gnutls_x509_crt_get_dn_by_oid(certificate,
			    GNUTLS_OID_X520_COMMON_NAME, 0, 0, name, &len) == 0)
			add_printable(text, (struct str){name, len});
		else
			buf_addz(text, "no name at all");
	}
}

static void add_date(struct buf *text, time_t at)
{
	struct tm tm;

	if (gmtime_r(&at, &tm) != NULL)
		buf_addf(text, "%04d-%02d-%02d", tm.tm_year + 1900,
			tm.tm_mon + 1, tm.tm_mday);
}

static void add_fault(struct buf *text, const char *fault)
{
	buf_addz(text, text->len == 0 ? "" : "; ");
	buf_addz(text, fault);
}

/* Adds what the flags of a verification mean. */
static void add_faults(
	struct buf *text, gnutls_x509_crt_t certificate, unsigned status)
{
	static const struct {
		unsigned flag;
		const char *fault;
	} faults[] = {
		{GNUTLS_CERT_SIGNER_NOT_FOUND, "nobody trusted has signed it"},
		{GNUTLS_CERT_SIGNER_NOT_CA, "its signer may not sign"},
		{GNUTLS_CERT_SIGNATURE_FAILURE, "its signature is wrong"},
		{GNUTLS_CERT_INSECURE_ALGORITHM, "its algorithm is insecure"},
		{GNUTLS_CERT_REVOKED, "it has been revoked"},
		{GNUTLS_CERT_PURPOSE_MISMATCH, "it is not for a server"},
		{GNUTLS_CERT_UNEXPECTED_OWNER, "it is for another host"},
	};
	unsigned known = GNUTLS_CERT_INVALID | GNUTLS_CERT_EXPIRED |
			 GNUTLS_CERT_NOT_ACTIVATED;

	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		known |= faults[i].flag;
		if ((status & faults[i].flag) != 0)
			add_fault(text, faults[i].fault);
	}
	if ((status & GNUTLS_CERT_EXPIRED) != 0) {
		add_fault(text, "it expired on ");
		add_date(
			text, gnutls_x509_crt_get_expiration_time(certificate));
	}
	if ((status & GNUTLS_CERT_NOT_ACTIVATED) != 0) {
		add_fault(text, "it is not valid before ");
		add_date(
			text, gnutls_x509_crt_get_activation_time(certificate));
	}
	if ((status & ~known) != 0 || text->len == 0)
		add_fault(text, "its chain does not hold");
}

/* Adds sha256:BASE64. */
static void add_pin(struct buf *text, const unsigned char *sha256)
{
	gnutls_datum_t raw = {(unsigned char *)sha256, SHA256_BYTES};
	gnutls_datum_t base64;

	check(gnutls_base64_encode2(&raw, &base64) == 0);
	buf_addz(text, "sha256:");
	buf_add(text, (struct str){(char *)base64.data, base64.size});
	gnutls_free(base64.data);
}

static bool is_pinned(
	const struct account_tls *tls, const unsigned char *sha256)
{
	for (size_t i = 0; i < tls->pin_count; i++) {
		if (memcmp(tls->pins[i].sha256, sha256, SHA256_BYTES) == 0)
			return true;
	}
	return false;
}

static const char *host_of(const struct account *account)
{
	return account->host == NULL ? "the server" : account->host;
}

static int refuse_pin(const struct account *account,
	const unsigned char *sha256, struct err *err)
{
	struct buf pin = {0};

	add_pin(&pin, sha256);
	(void)err_set(err, ERR_ACCOUNT, ERR_NEVER, ERR_LOGIN,
		"%s shows a key that 'tls: {pin:}' does not list: somebody "
		"may be in between. Only if you know that the server has got "
		"a new key, list it: %s",
		host_of(account), buf_z(&pin));
	buf_clear(&pin);
	return -1;
}

static int refuse_chain(const struct account *account,
	gnutls_x509_crt_t certificate, const struct buf *faults,
	struct err *err)
{
	unsigned char sha256[SHA256_BYTES];
	size_t len = sizeof(sha256);
	struct buf names = {0};
	struct buf pin = {0};

	add_names(&names, certificate);
	check(gnutls_x509_crt_get_key_id(
		      certificate, GNUTLS_KEYID_USE_SHA256, sha256, &len) == 0);
	add_pin(&pin, sha256);
	(void)err_set(err, ERR_ACCOUNT, ERR_NEVER, ERR_LOGIN,
		"the certificate of %s is not trusted: %.*s. It is for %s. If "
		"you know that this is your server, name the file of who "
		"signed it with 'tls: {ca: FILE}', or its key with 'tls: "
		"{pin: [%s]}'",
		host_of(account), STR_FMT(buf_str(faults)), buf_z(&names),
		buf_z(&pin));
	buf_clear(&names);
	buf_clear(&pin);
	return -1;
}

static void load_system(struct tls_trust *trust)
{
	if (trust->has_system || !needs_system(trust->tls))
		return;
	/* Without a list nobody is trusted, which the check tells. */
	(void)gnutls_certificate_set_x509_system_trust(trust->credentials);
	trust->has_system = true;
}

static int check_chain(const struct account *account, gnutls_session_t session,
	gnutls_x509_crt_t certificate, struct err *err)
{
	gnutls_typed_vdata_st data[] = {
		{GNUTLS_DT_DNS_HOSTNAME, (unsigned char *)account->host, 0},
		{GNUTLS_DT_KEY_PURPOSE_OID,
			(unsigned char *)GNUTLS_KP_TLS_WWW_SERVER, 0},
	};
	struct buf faults = {0};
	unsigned status = 0;
	int error = gnutls_certificate_verify_peers(session, data, 2, &status);

	if (error == 0 && status == 0)
		return 0;
	if (error != 0)
		buf_add(&faults, err_said(str_of(gnutls_strerror(error))));
	else
		add_faults(&faults, certificate, status);
	(void)refuse_chain(account, certificate, &faults, err);
	buf_clear(&faults);
	return -1;
}

static int check_certificate(const struct account *account,
	gnutls_session_t session, gnutls_x509_crt_t certificate,
	struct err *err)
{
	const struct account_tls *tls = &account->tls;
	unsigned char sha256[SHA256_BYTES];
	size_t len = sizeof(sha256);

	if (tls->pin_count > 0) {
		check(gnutls_x509_crt_get_key_id(certificate,
			      GNUTLS_KEYID_USE_SHA256, sha256, &len) == 0);
		if (!is_pinned(tls, sha256))
			return refuse_pin(account, sha256, err);
		if (tls->ca_path == NULL)
			return 0;
	}
	return check_chain(account, session, certificate, err);
}

int tls_trust_check(const struct account *account, struct tls_trust *trust,
	gnutls_session_t session, struct err *err)
{
	const gnutls_datum_t *chain;
	gnutls_x509_crt_t certificate;
	unsigned count = 0;
	int result = -1;

	load_system(trust);
	chain = gnutls_certificate_get_peers(session, &count);
	check(gnutls_x509_crt_init(&certificate) == 0);
	if (count == 0 || gnutls_x509_crt_import(certificate, &chain[0],
				  GNUTLS_X509_FMT_DER) != 0)
		(void)err_set(err, ERR_ACCOUNT, ERR_NEVER, ERR_LOGIN,
			"%s shows no certificate that can be read",
			host_of(account));
	else
		result = check_certificate(account, session, certificate, err);
	gnutls_x509_crt_deinit(certificate);
	return result;
}

static void add_trust(struct buf *text, const struct account_tls *tls)
{
	if (tls->pin_count > 0)
		buf_addz(text, "it has the key of `pin`");
	if (tls->pin_count > 0 && tls->ca_path != NULL)
		buf_addz(text, " and ");
	if (tls->ca_path != NULL)
		buf_addf(text, "it is signed as %s says", tls->ca_path);
	if (needs_system(tls))
		buf_addz(text, "it is signed by an authority of the system");
}

void tls_trust_describe(const struct account *account, gnutls_session_t session,
	struct buf *text)
{
	const gnutls_datum_t *chain;
	gnutls_x509_crt_t certificate;
	unsigned count = 0;

	chain = gnutls_certificate_get_peers(session, &count);
	check(gnutls_x509_crt_init(&certificate) == 0);
	if (count > 0 && gnutls_x509_crt_import(certificate, &chain[0],
				 GNUTLS_X509_FMT_DER) == 0) {
		buf_addz(text, "the certificate is for ");
		add_names(text, certificate);
		buf_addz(text, ", until ");
		add_date(
			text, gnutls_x509_crt_get_expiration_time(certificate));
		buf_addz(text, "; ");
		add_trust(text, &account->tls);
	}
	gnutls_x509_crt_deinit(certificate);
}

static bool is_valid_today(gnutls_x509_crt_t certificate)
{
	time_t now = time(NULL);

	return gnutls_x509_crt_get_activation_time(certificate) <= now &&
	       gnutls_x509_crt_get_expiration_time(certificate) >= now;
}

/* Whether a certificate of the chain, the server's own if `is_first`, is what
 * the settings want of it. */
static bool still_holds(const struct account *account,
	gnutls_x509_crt_t certificate, bool is_first)
{
	const struct account_tls *tls = &account->tls;
	unsigned char sha256[SHA256_BYTES];
	size_t len = sizeof(sha256);

	if (is_first && tls->pin_count > 0 &&
		(gnutls_x509_crt_get_key_id(certificate,
			 GNUTLS_KEYID_USE_SHA256, sha256, &len) != 0 ||
			!is_pinned(tls, sha256)))
		return false;
	if (tls->pin_count > 0 && tls->ca_path == NULL)
		return true;
	return is_valid_today(certificate) &&
	       (!is_first || gnutls_x509_crt_check_hostname(
				     certificate, account->host) != 0);
}

int tls_trust_recheck(const struct account *account, gnutls_session_t session,
	struct err *err)
{
	unsigned count = 0;
	const gnutls_datum_t *chain =
		gnutls_certificate_get_peers(session, &count);
	bool holds = count > 0;

	for (unsigned i = 0; holds && i < count; i++) {
		gnutls_x509_crt_t certificate;

		check(gnutls_x509_crt_init(&certificate) == 0);
		holds = gnutls_x509_crt_import(certificate, &chain[i],
				GNUTLS_X509_FMT_DER) == 0 &&
			still_holds(account, certificate, i == 0);
		gnutls_x509_crt_deinit(certificate);
	}
	if (holds)
		return 0;
	return err_set(err, ERR_ACCOUNT, ERR_NOW, ERR_LOGIN,
		"the certificate that %s once showed is good no more",
		host_of(account));
}
