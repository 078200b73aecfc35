/*
 * How: GnuTLS is given two functions instead of a socket. Pulling takes from
 * the bytes that from_wire() was called with, and says EAGAIN when they are
 * used up, whereupon GnuTLS keeps what it has of a record until the next call;
 * pushing appends to the caller's buf, which never fails. The server's
 * certificate is judged while the handshake runs, before ours is sent. A
 * handshake that goes on from a kept session has none; then it is looked at
 * once more whether the one that was believed would still be.
 */
#include "godwit/os/tls.h"

#include "tls_kept.h"
#include "tls_trust.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* First bytes of records that a TLS server may begin with (RFC 8446 5.1). */
enum {
	RECORD_ALERT = 21,
	RECORD_HANDSHAKE = 22,
};

enum {
	RECORD_BYTES_MAX = 16 << 10
};

struct tls {
	gnutls_session_t session;
	const struct account *account;
	struct tls_trust *trust;
	struct tls_kept *kept;
	bool resumes; /* a kept session was offered to the server */
	bool keeps;   /* one of this connection is kept */
	bool heard;   /* the server has sent something */
	bool ready;
	bool closed;
	bool failed;

	/* During a call only: */
	struct str in;
	struct buf *wire;
	struct err *err;
	bool judged; /* err says why the certificate was refused */
};

static ssize_t tls_push(
	gnutls_transport_ptr_t ptr, const void *bytes, size_t len)
{
	struct tls *tls = ptr;

	buf_add(tls->wire, (struct str){bytes, len});
	return (ssize_t)len;
}

static ssize_t tls_pull(gnutls_transport_ptr_t ptr, void *at, size_t room)
{
	struct tls *tls = ptr;
	size_t len = room < tls->in.len ? room : tls->in.len;

	if (len == 0) {
		gnutls_transport_set_errno(tls->session, EAGAIN);
		return -1;
	}
	memcpy(at, tls->in.ptr, len);
	tls->in = str_sub(tls->in, len, tls->in.len);
	return (ssize_t)len;
}

static int tls_verify(gnutls_session_t session)
{
	struct tls *tls = gnutls_session_get_ptr(session);

	tls->judged = tls_trust_check(tls->account, tls->trust, session,
			      tls->err) == -1;
	return tls->judged ? GNUTLS_E_CERTIFICATE_ERROR : 0;
}

static const char *tls_host(const struct tls *tls)
{
	return tls->account->host == NULL ? "the server" : tls->account->host;
}

static int too_old(const struct tls *tls, struct err *err)
{
	return err_set(err, ERR_ACCOUNT, ERR_NEVER, ERR_PROTOCOL,
		"%s does not speak TLS 1.%d or newer", tls_host(tls),
		tls->account->tls.min == ACCOUNT_TLS_1_3 ? 3 : 2);
}

/* Whether an alert means that the server wants to know who we are. */
static bool is_about_us(const struct tls *tls, gnutls_alert_description_t alert)
{
	switch (alert) {
	case GNUTLS_A_CERTIFICATE_REQUIRED:
	case GNUTLS_A_BAD_CERTIFICATE:
	case GNUTLS_A_UNSUPPORTED_CERTIFICATE:
	case GNUTLS_A_CERTIFICATE_REVOKED:
	case GNUTLS_A_CERTIFICATE_EXPIRED:
	case GNUTLS_A_CERTIFICATE_UNKNOWN:
	case GNUTLS_A_UNKNOWN_CA:
	case GNUTLS_A_ACCESS_DENIED:
		return true;
	default:
		/* TLS 1.2 has no alert of its own for a certificate that is
		 * missing, and servers take one or the other. */
		return !tls->ready &&
		       gnutls_certificate_client_get_request_status(
			       tls->session) != 0;
	}
}

static int alert_received(const struct tls *tls, struct err *err)
{
	gnutls_alert_description_t alert = gnutls_alert_get(tls->session);
	const char *name = gnutls_alert_get_name(alert);

	if (is_about_us(tls, alert))
		return err_set(err, ERR_ACCOUNT, ERR_NEVER, ERR_LOGIN,
			tls->account->tls.cert_path != NULL
				? "%s refuses our certificate (TLS alert: "
				  "%s); check 'tls: {cert:, key:}'"
				: "%s wants a certificate of ours (TLS alert: "
				  "%s); set 'tls: {cert:, key:}'",
			tls_host(tls), name);
	if (alert == GNUTLS_A_PROTOCOL_VERSION)
		return too_old(tls, err);
	return err_set(err, ERR_ACCOUNT, ERR_LATER, ERR_PROTOCOL,
		"%s ended TLS with the alert: %s%s", tls_host(tls), name,
		!tls->ready && tls->account->tls.min == ACCOUNT_TLS_1_3
			? "; perhaps it does not speak TLS 1.3, which 'tls: "
			  "{min:}' asks for"
			: "");
}

static int tls_fail(struct tls *tls, int error, struct err *err)
{
	tls->failed = true;
	if (tls->judged) {
		(void)gnutls_alert_send(tls->session, GNUTLS_AL_FATAL,
			GNUTLS_A_BAD_CERTIFICATE);
		return -1;
	}
	if (error == GNUTLS_E_FATAL_ALERT_RECEIVED)
		return alert_received(tls, err);
	(void)gnutls_alert_send_appropriate(tls->session, error);
	if (error == GNUTLS_E_UNSUPPORTED_VERSION_PACKET)
		return too_old(tls, err);
	return err_set(err, ERR_ACCOUNT, ERR_LATER, ERR_PROTOCOL,
		"TLS with %s fails: %.*s", tls_host(tls),
		STR_FMT(err_said(str_of(gnutls_strerror(error)))));
}

/* What is not TLS is told by its first byte, better than by GnuTLS. */
static int tls_greet(struct tls *tls, struct err *err)
{
	if (tls->heard || tls->in.len == 0)
		return 0;
	tls->heard = true;
	if (tls->in.ptr[0] == RECORD_HANDSHAKE ||
		tls->in.ptr[0] == RECORD_ALERT)
		return 0;
	tls->failed = true;
	return err_set(err, ERR_ACCOUNT, ERR_NEVER, ERR_PROTOCOL,
		"%s does not speak TLS on port %u%s", tls_host(tls),
		(unsigned)tls->account->port,
		tls->account->tls.mode == ACCOUNT_TLS_IMPLICIT
			? "; if this port starts in the clear, as 143 does, "
			  "set 'tls: starttls'"
			: "");
}

/*
 * A session of TLS 1.3 can be kept once a ticket has come. Those of 1.2 are
 * not: their tickets are as good as the keys of the connection itself.
 */
static void tls_keep(struct tls *tls)
{
	gnutls_datum_t session;

	if (tls->keeps ||
		gnutls_protocol_get_version(tls->session) != GNUTLS_TLS1_3 ||
		(gnutls_session_get_flags(tls->session) &
			GNUTLS_SFLAGS_SESSION_TICKET) == 0 ||
		gnutls_session_get_data2(tls->session, &session) != 0)
		return;
	tls->keeps = true;
	tls_kept_put(
		tls->kept, (struct str){(char *)session.data, session.size});
	gnutls_memset(session.data, 0, session.size);
	gnutls_free(session.data);
}

static int tls_recheck(struct tls *tls, struct err *err)
{
	tls->judged = gnutls_session_is_resumed(tls->session) != 0 &&
		      tls_trust_recheck(tls->account, tls->session, err) == -1;
	return tls->judged ? GNUTLS_E_CERTIFICATE_ERROR : 0;
}

static int tls_handshake(struct tls *tls, struct err *err)
{
	int error;

	do {
		error = gnutls_handshake(tls->session);
	} while (error < 0 && error != GNUTLS_E_AGAIN &&
		 !gnutls_error_is_fatal(error));
	if (error == GNUTLS_E_AGAIN)
		return 0;
	if (error == 0)
		error = tls_recheck(tls, err);
	if (error < 0)
		return tls_fail(tls, error, err);
	tls->ready = true;
	return 0;
}

static int tls_records(struct tls *tls, struct buf *plain, struct err *err)
{
	while (!tls->closed) {
		char *at = buf_reserve(plain, RECORD_BYTES_MAX);
		ssize_t got =
			gnutls_record_recv(tls->session, at, RECORD_BYTES_MAX);

		if (got > 0) {
			buf_commit(plain, (size_t)got);
			continue;
		}
		if (got == 0)
			tls->closed = true;
		else if (got == GNUTLS_E_REHANDSHAKE)
			(void)gnutls_alert_send(tls->session, GNUTLS_AL_WARNING,
				GNUTLS_A_NO_RENEGOTIATION);
		else if (gnutls_error_is_fatal((int)got))
			return tls_fail(tls, (int)got, err);
		else if (tls->in.len == 0)
			return 0;
	}
	return 0;
}

static int tls_from_wire(void *ctx, struct str bytes, struct buf *plain,
	struct buf *wire, struct err *err)
{
	struct tls *tls = ctx;
	int result;

	check(!tls->failed);
	tls->in = bytes;
	tls->wire = wire;
	tls->err = err;
	result = tls_greet(tls, err);
	if (result == 0 && !tls->ready)
		result = tls_handshake(tls, err);
	if (result == 0 && tls->ready)
		result = tls_records(tls, plain, err);
	if (result == 0 && tls->ready)
		tls_keep(tls);
	tls->in = (struct str){0};
	return result;
}

static int tls_to_wire(
	void *ctx, struct str plain, struct buf *wire, struct err *err)
{
	struct tls *tls = ctx;
	ssize_t sent;

	check(tls->ready && !tls->failed);
	tls->wire = wire;
	while (plain.len > 0) {
		sent = gnutls_record_send(tls->session, plain.ptr, plain.len);
		if (sent < 0 && gnutls_error_is_fatal((int)sent))
			return tls_fail(tls, (int)sent, err);
		if (sent > 0)
			plain = str_sub(plain, (size_t)sent, plain.len);
	}
	return 0;
}

static bool tls_ready(void *ctx)
{
	return ((struct tls *)ctx)->ready;
}

static bool tls_pending(void *ctx)
{
	return ctx == NULL; /* it gives all at once */
}

static bool tls_resumes(void *ctx)
{
	return ((struct tls *)ctx)->resumes;
}

static bool tls_closed(void *ctx)
{
	return ((struct tls *)ctx)->closed;
}

/* Without unique master secrets a binding binds nothing (RFC 9266 2, RFC 7627
 * 1). */
static bool binds(const struct tls *tls)
{
	return gnutls_protocol_get_version(tls->session) == GNUTLS_TLS1_3 ||
	       gnutls_session_ext_master_secret_status(tls->session) != 0;
}

static int tls_binding(void *ctx, enum channel_binding kind, struct buf *data)
{
	static const gnutls_channel_binding_t types[] = {
		[CHANNEL_BINDING_TLS_UNIQUE] = GNUTLS_CB_TLS_UNIQUE,
		[CHANNEL_BINDING_TLS_EXPORTER] = GNUTLS_CB_TLS_EXPORTER,
		[CHANNEL_BINDING_TLS_SERVER_END_POINT] =
			GNUTLS_CB_TLS_SERVER_END_POINT,
	};
	struct tls *tls = ctx;
	gnutls_datum_t bytes;

	if (!tls->ready || kind == CHANNEL_BINDING_NONE)
		return -1;
	if (kind != CHANNEL_BINDING_TLS_SERVER_END_POINT && !binds(tls))
		return -1;
	if (gnutls_session_channel_binding(tls->session, types[kind], &bytes) !=
		0)
		return -1;
	buf_add(data, (struct str){(char *)bytes.data, bytes.size});
	gnutls_free(bytes.data);
	return 0;
}

static void tls_describe(void *ctx, struct buf *text)
{
	struct tls *tls = ctx;
	gnutls_protocol_t version = gnutls_protocol_get_version(tls->session);

	buf_addf(
		text, "%s; ", version == GNUTLS_TLS1_3 ? "TLS 1.3" : "TLS 1.2");
	tls_trust_describe(tls->account, tls->session, text);
}

static void tls_finish(void *ctx, struct buf *wire)
{
	struct tls *tls = ctx;

	if (!tls->ready || tls->failed)
		return;
	tls->wire = wire;
	(void)gnutls_bye(tls->session, GNUTLS_SHUT_WR);
}

static void tls_free(void **ctx)
{
	struct tls *tls = *ctx;

	*ctx = NULL;
	if (tls == NULL)
		return;
	if (tls->resumes && !tls->ready)
		tls_kept_failed(tls->kept);
	gnutls_deinit(tls->session);
	free(tls);
}

/* Only takes away from what the system's policy allows. */
static const char *tls_versions(enum account_tls_min min)
{
	return min == ACCOUNT_TLS_1_3
		       ? "-VERS-TLS1.2:-VERS-TLS1.1:-VERS-TLS1.0:-VERS-DTLS-ALL"
		       : "-VERS-TLS1.1:-VERS-TLS1.0:-VERS-DTLS-ALL";
}

static bool is_address(const char *host)
{
	/* No top-level domain is of digits only. */
	size_t dot = 0;

	for (size_t i = 0; host[i] != '\0'; i++) {
		if (host[i] == ':')
			return true;
		if (host[i] == '.')
			dot = i + 1;
	}
	return host[dot] >= '0' && host[dot] <= '9';
}

/* Offers the server to go on from the session that was kept, if any. */
static void session_offer(struct tls *tls)
{
	struct buf kept = {0};

	tls->resumes =
		tls_kept_take(tls->kept, &kept) &&
		gnutls_session_set_data(tls->session, kept.ptr, kept.len) == 0;
	buf_wipe(&kept);
}

static int session_open(struct tls *tls, struct err *err)
{
	const struct account *account = tls->account;
	gnutls_session_t session;
	int error;

	check(gnutls_init(&session,
		      GNUTLS_CLIENT | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL) == 0);
	tls->session = session;
	gnutls_session_set_ptr(session, tls);
	gnutls_session_set_verify_function(session, tls_verify);
	gnutls_transport_set_ptr(session, tls);
	gnutls_transport_set_push_function(session, tls_push);
	gnutls_transport_set_pull_function(session, tls_pull);
	check(gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE,
		      tls->trust->credentials) == 0);
	error = gnutls_set_default_priority_append(
		session, tls_versions(account->tls.min), NULL, 0);
	if (error == 0 && account->host != NULL && !is_address(account->host))
		error = gnutls_server_name_set(session, GNUTLS_NAME_DNS,
			account->host, strlen(account->host));
	if (error == 0)
		session_offer(tls);
	if (error == 0)
		return 0;
	return err_set(err, ERR_ACCOUNT, ERR_NEVER, ERR_CONFIG,
		"cannot set up TLS for %s: %.*s", tls_host(tls),
		STR_FMT(err_said(str_of(gnutls_strerror(error)))));
}

static struct tls_trust *trust_get(
	struct os_tls *tls, const struct account_tls *settings, struct err *err)
{
	struct tls_trust *trust = tls->trusts;

	while (trust != NULL && !tls_trust_fits(trust, settings))
		trust = trust->next;
	if (trust != NULL)
		return trust;
	trust = tls_trust_new(settings, err);
	if (trust != NULL) {
		trust->next = tls->trusts;
		tls->trusts = trust;
	}
	return trust;
}

static struct tls_kept *kept_get(
	struct os_tls *tls, const struct account *account)
{
	struct tls_kept *kept = tls_kept_find(tls->kept, account);

	if (kept == NULL)
		kept = tls->kept =
			tls_kept_open(account, tls->keeps, tls->kept);
	return kept;
}

static int tls_open(void *ctx, const struct account *account,
	struct transform *transform_r, struct err *err)
{
	const struct account_tls *settings = &account->tls;
	struct tls_trust *trust;
	struct tls *tls;

	if (account->host == NULL &&
		(settings->pin_count == 0 || settings->ca_path != NULL))
		return err_set(err, ERR_ACCOUNT, ERR_NEVER, ERR_CONFIG,
			"TLS through a tunnel needs 'server', the name that "
			"the certificate must be for, or 'tls: {pin:}' "
			"without 'ca'");
	trust = trust_get(ctx, settings, err);
	if (trust == NULL)
		return -1;
	tls = calloc(1, sizeof(*tls));
	check(tls != NULL);
	tls->account = account;
	tls->trust = trust;
	tls->kept = kept_get(ctx, account);
	if (session_open(tls, err) == -1) {
		void *freed = tls;

		tls_free(&freed);
		return -1;
	}
	*transform_r = (struct transform){
		.ctx = tls,
		.from_wire = tls_from_wire,
		.to_wire = tls_to_wire,
		.ready = tls_ready,
		.pending = tls_pending,
		.resumes = tls_resumes,
		.closed = tls_closed,
		.binding = tls_binding,
		.describe = tls_describe,
		.finish = tls_finish,
		.free = tls_free,
	};
	return 0;
}

void os_tls_open(struct os_tls *tls, struct tls_port *port_r)
{
	*tls = (struct os_tls){0};
	*port_r = (struct tls_port){.ctx = tls, .open = tls_open};
}

void os_tls_keep(struct os_tls *tls)
{
	tls->keeps = true;
}

void os_tls_close(struct os_tls *tls)
{
	tls_kept_close(&tls->kept);
	while (tls->trusts != NULL) {
		struct tls_trust *trust = tls->trusts;

		tls->trusts = trust->next;
		tls_trust_free(&trust);
	}
}
