/*
 * How: SCRAM is scram.c's, the OAuth mechanisms are one string each, and GNU
 * SASL computes the others, with every property set beforehand and without
 * callbacks. An exchange counts its steps; what a server may say at each is
 * little.
 */
#include "sasl.h"

#include "godwit/base/err.h"
#include "godwit/base/limits.h"
#include "scram.h"

#include <gnutls/crypto.h>
#include <gsasl.h>
#include <stdlib.h>
#include <string.h>

enum mechanism_kind {
	KIND_SCRAM,
	KIND_GSSAPI,
	KIND_EXTERNAL,
	KIND_PASSWORD,       /* others that need user and password */
	KIND_PASSWORD_LATER, /* likewise, and the server speaks first */
	KIND_OAUTHBEARER,
	KIND_XOAUTH2,
};

struct mechanism {
	const char *name;
	enum mechanism_kind kind;
};

static const struct mechanism mechanisms[] = {
	{"SCRAM-SHA-256-PLUS", KIND_SCRAM},
	{"SCRAM-SHA-1-PLUS", KIND_SCRAM},
	{"SCRAM-SHA-256", KIND_SCRAM},
	{"SCRAM-SHA-1", KIND_SCRAM},
	{"GSSAPI", KIND_GSSAPI},
	{"EXTERNAL", KIND_EXTERNAL},
	{"CRAM-MD5", KIND_PASSWORD_LATER},
	{"PLAIN", KIND_PASSWORD},
	{"LOGIN", KIND_PASSWORD_LATER},
	{"OAUTHBEARER", KIND_OAUTHBEARER},
	{"XOAUTH2", KIND_XOAUTH2},
};

struct sasl_exchange {
	const struct mechanism *mechanism;
	Gsasl_session *session; /* with GNU SASL */
	struct scram scram;     /* with SCRAM */
	struct secret oauth;    /* with OAuth: the first response */
	unsigned steps;
	bool complete;
};

static const struct mechanism *mechanism_find(const char *name)
{
	for (size_t i = 0; i < sizeof(mechanisms) / sizeof(mechanisms[0]);
		i++) {
		if (strcmp(mechanisms[i].name, name) == 0)
			return &mechanisms[i];
	}
	return NULL;
}

static bool is_oauth(const struct mechanism *mechanism)
{
	return mechanism->kind == KIND_OAUTHBEARER ||
	       mechanism->kind == KIND_XOAUTH2;
}

bool sasl_has_mechanism(void *ctx, const char *name)
{
	const struct os_login *login = ctx;
	const struct mechanism *mechanism = mechanism_find(name);

	if (mechanism == NULL)
		return false;
	return is_oauth(mechanism) ||
	       gsasl_client_support_p(login->gsasl, name) == 1;
}

static int sasl_fail(const struct sasl_exchange *exchange, enum err_cause cause,
	struct err *err, const char *why)
{
	return err_set(err, ERR_ACCOUNT, ERR_NEVER, cause,
		"the login by %s fails: %s", exchange->mechanism->name, why);
}

/* What stands between the ^A of an OAuth string must not hold one. */
static bool has_control(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		if ((unsigned char)s.ptr[i] < 0x20 || s.ptr[i] == 0x7f)
			return true;
	}
	return false;
}

/* saslname: ',' and '=' are escaped (RFC 5801 4). */
static void add_saslname(struct buf *b, const char *name)
{
	for (const char *c = name; *c != '\0'; c++) {
		if (*c == ',')
			buf_addz(b, "=2C");
		else if (*c == '=')
			buf_addz(b, "=3D");
		else
			buf_addc(b, *c);
	}
}

/*
 * client-resp = (gs2-header kvsep *kvpair kvsep)            (RFC 7628 3.1)
 * and, of XOAUTH2: "user=" user kvsep "auth=Bearer " token kvsep kvsep
 */
static int oauth_start(struct sasl_exchange *exchange,
	const struct sasl_request *request, struct err *err)
{
	size_t room = 2 * strlen(request->user) + request->password.len + 1024;
	struct buf text = {0};

	if (has_control(request->password) ||
		has_control(str_of(request->user)))
		return sasl_fail(exchange, ERR_LOGIN, err,
			"the token or the user's name holds a control "
			"character");
	(void)buf_reserve(&text, room); /* so that no copy is left behind */
	if (exchange->mechanism->kind == KIND_XOAUTH2) {
		buf_addf(&text, "user=%s\x01", request->user);
	} else {
		buf_addz(&text, "n,a=");
		add_saslname(&text, request->user);
		buf_addz(&text, ",\x01");
		if (request->host != NULL)
			buf_addf(&text, "host=%s\x01port=%u\x01", request->host,
				(unsigned)request->port);
	}
	buf_addz(&text, "auth=Bearer ");
	buf_add(&text, request->password);
	buf_addz(&text, "\x01\x01");
	secret_set(&exchange->oauth, buf_str(&text));
	buf_wipe(&text);
	return 0;
}

/*
 * A challenge after the token says why it is refused. The answer to it is ^A
 * (RFC 7628 3.2.3), or nothing with XOAUTH2; then the server says NO.
 */
static int oauth_step(struct sasl_exchange *exchange, struct secret *response,
	struct err *err)
{
	exchange->complete = exchange->steps == 0;
	if (exchange->steps == 0)
		secret_set(response, secret_get(&exchange->oauth));
	else if (exchange->steps == 1)
		secret_set(
			response, exchange->mechanism->kind == KIND_OAUTHBEARER
					  ? STR("\x01")
					  : STR(""));
	else
		return sasl_fail(exchange, ERR_PROTOCOL, err,
			"the server asks for more than the token");
	exchange->steps++;
	return 0;
}

static void property_set(
	Gsasl_session *session, Gsasl_property property, struct str value)
{
	check(gsasl_property_set_raw(session, property,
		      value.len == 0 ? "" : value.ptr, value.len) == GSASL_OK);
}

static int gsasl_begin(struct sasl_exchange *exchange, Gsasl *gsasl,
	const struct sasl_request *request, struct err *err)
{
	struct str user = str_of(request->user);
	int error = gsasl_client_start(
		gsasl, exchange->mechanism->name, &exchange->session);

	if (error != GSASL_OK)
		return sasl_fail(
			exchange, ERR_LOGIN, err, gsasl_strerror(error));
	switch (exchange->mechanism->kind) {
	case KIND_GSSAPI:
		property_set(exchange->session, GSASL_SERVICE, STR("imap"));
		property_set(exchange->session, GSASL_HOSTNAME,
			str_of(request->host));
		property_set(exchange->session, GSASL_AUTHZID, user);
		break;
	case KIND_EXTERNAL:
		property_set(exchange->session, GSASL_AUTHZID, user);
		break;
	default:
		property_set(exchange->session, GSASL_AUTHID, user);
		property_set(
			exchange->session, GSASL_PASSWORD, request->password);
		break;
	}
	return 0;
}

static int scram_begin(struct sasl_exchange *exchange,
	const struct sasl_request *request, struct err *err)
{
	/* Without a '=' at its end, so that it is printable as RFC 5802
	 * defines it and nothing else. */
	unsigned char random[18];
	struct sasl_request own = *request;
	gnutls_datum_t raw = {random, sizeof(random)};
	gnutls_datum_t nonce;
	int result;

	check(gnutls_rnd(GNUTLS_RND_NONCE, random, sizeof(random)) == 0);
	check(gnutls_base64_encode2(&raw, &nonce) == 0);
	own.mechanism = exchange->mechanism->name;
	result = scram_init(
		&exchange->scram, &own, (const char *)nonce.data, err);
	gnutls_free(nonce.data);
	return result;
}

struct sasl_exchange *sasl_start(
	void *ctx, const struct sasl_request *request, struct err *err)
{
	struct sasl_exchange *exchange = calloc(1, sizeof(*exchange));
	int result;

	check(exchange != NULL);
	exchange->mechanism = mechanism_find(request->mechanism);
	check(exchange->mechanism != NULL);
	if (str_find(request->password, '\0') < request->password.len)
		result = sasl_fail(exchange, ERR_LOGIN, err,
			"the password holds a NUL byte");
	else if (is_oauth(exchange->mechanism))
		result = oauth_start(exchange, request, err);
	else if (exchange->mechanism->kind == KIND_SCRAM)
		result = scram_begin(exchange, request, err);
	else
		result = gsasl_begin(exchange, ((struct os_login *)ctx)->gsasl,
			request, err);
	if (result == -1)
		sasl_end(&exchange);
	return exchange;
}

bool sasl_client_first(struct sasl_exchange *exchange)
{
	return exchange->mechanism->kind != KIND_PASSWORD_LATER;
}

static int scram_step(struct sasl_exchange *exchange, struct str challenge,
	struct secret *response, struct err *err)
{
	int result = 0;

	if (exchange->steps == 0) {
		scram_first(&exchange->scram, response);
	} else if (exchange->steps == 1) {
		result =
			scram_final(&exchange->scram, challenge, response, err);
	} else {
		result = scram_verify(&exchange->scram, challenge, err);
		secret_set(response, STR(""));
		exchange->complete = result == 0;
	}
	exchange->steps++;
	return result;
}

static int step_failed(
	const struct sasl_exchange *exchange, int error, struct err *err)
{
	if (exchange->mechanism->kind == KIND_GSSAPI)
		return err_set(err, ERR_ACCOUNT, ERR_NEVER, ERR_LOGIN,
			"the login by GSSAPI fails: %.*s; is there a Kerberos "
			"ticket (see klist and kinit)?",
			STR_FMT(err_said(str_of(gsasl_strerror(error)))));
	if (error == GSASL_SASLPREP_ERROR)
		return sasl_fail(exchange, ERR_LOGIN, err,
			"the user's name or the password holds a character "
			"that SASL does not allow");
	return sasl_fail(exchange, ERR_PROTOCOL, err, gsasl_strerror(error));
}

static int gsasl_go_on(struct sasl_exchange *exchange, struct str challenge,
	struct secret *response, struct err *err)
{
	struct buf output = {0};
	int error;

	error = gsasl_step(exchange->session,
		challenge.len == 0 ? "" : challenge.ptr, challenge.len,
		&output.ptr, &output.len);
	if (error != GSASL_OK && error != GSASL_NEEDS_MORE)
		return step_failed(exchange, error, err);
	output.cap = output.len;
	secret_set(response, buf_str(&output));
	buf_wipe(&output);
	exchange->complete = error == GSASL_OK;
	exchange->steps++;
	return 0;
}

int sasl_step(struct sasl_exchange *exchange, struct str challenge,
	struct secret *response, struct err *err)
{
	if (challenge.len > LIMIT_SASL_BYTES)
		return sasl_fail(exchange, ERR_PROTOCOL, err,
			"the server's challenge is longer than 64 KiB");
	if (is_oauth(exchange->mechanism))
		return oauth_step(exchange, response, err);
	if (exchange->complete)
		return sasl_fail(exchange, ERR_PROTOCOL, err,
			"the server asks on after the end");
	if (exchange->mechanism->kind == KIND_SCRAM)
		return scram_step(exchange, challenge, response, err);
	return gsasl_go_on(exchange, challenge, response, err);
}

bool sasl_complete(struct sasl_exchange *exchange)
{
	return exchange->complete;
}

void sasl_end(struct sasl_exchange **exchange)
{
	struct sasl_exchange *ending = *exchange;

	*exchange = NULL;
	if (ending == NULL)
		return;
	if (ending->session != NULL)
		gsasl_finish(ending->session);
	scram_clear(&ending->scram);
	secret_clear(&ending->oauth);
	free(ending);
}
