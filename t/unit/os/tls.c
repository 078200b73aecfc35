/*
 * os/tls: a TLS client over memory, against GnuTLS as the server, also over
 * memory: no socket, no clock but the certificates' dates.
 */
#include "godwit/os/tls.h"

#include "godwit/base/arena.h"
#include "godwit/engine/account.h"

#include "tap.h"
#include "x509.h"

#include <errno.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The server. */
struct peer {
	gnutls_certificate_credentials_t credentials;
	gnutls_session_t session;
	struct buf in;  /* from the client */
	struct buf out; /* to the client */
	struct buf plain;
	bool ready;
	int error;     /* the last that ended something */
	int alert;     /* the last that came */
	unsigned seen; /* certificates that the client showed */
	char name[64]; /* by SNI */
};

/* What a test has at hand, made once. */
struct world {
	char dir[32];
	struct x509_pair ca;
	struct x509_pair good;   /* localhost, 127.0.0.1, by the CA */
	struct x509_pair lone;   /* the same, by itself */
	struct x509_pair client; /* by the CA */
	char ca_path[64];
	char client_cert[64];
	char client_key[64];
	struct account_pin good_pin;
	struct account_pin lone_pin;
};

static ssize_t peer_push(gnutls_transport_ptr_t ptr, const void *at, size_t len)
{
	struct peer *peer = ptr;

	buf_add(&peer->out, (struct str){at, len});
	return (ssize_t)len;
}

static ssize_t peer_pull(gnutls_transport_ptr_t ptr, void *at, size_t room)
{
	struct peer *peer = ptr;
	size_t len = room < peer->in.len ? room : peer->in.len;

	if (len == 0) {
		gnutls_transport_set_errno(peer->session, EAGAIN);
		return -1;
	}
	memcpy(at, peer->in.ptr, len);
	buf_consume(&peer->in, len);
	return (ssize_t)len;
}

static void peer_open(
	struct peer *peer, const struct x509_pair *pair, const char *priority)
{
	struct x509_pair own = *pair;

	*peer = (struct peer){0};
	check(gnutls_certificate_allocate_credentials(&peer->credentials) == 0);
	check(gnutls_certificate_set_x509_key(
		      peer->credentials, &own.certificate, 1, own.key) == 0);
	check(gnutls_init(&peer->session, GNUTLS_SERVER | GNUTLS_NONBLOCK) ==
		0);
	check(gnutls_priority_set_direct(peer->session, priority, NULL) == 0);
	check(gnutls_credentials_set(peer->session, GNUTLS_CRD_CERTIFICATE,
		      peer->credentials) == 0);
	gnutls_transport_set_ptr(peer->session, peer);
	gnutls_transport_set_push_function(peer->session, peer_push);
	gnutls_transport_set_pull_function(peer->session, peer_pull);
}

static void peer_close(struct peer *peer)
{
	gnutls_deinit(peer->session);
	gnutls_certificate_free_credentials(peer->credentials);
	buf_clear(&peer->in);
	buf_clear(&peer->out);
	buf_clear(&peer->plain);
}

static void peer_note(struct peer *peer, int error)
{
	if (error == GNUTLS_E_AGAIN)
		return;
	peer->error = error;
	if (error == GNUTLS_E_FATAL_ALERT_RECEIVED ||
		error == GNUTLS_E_WARNING_ALERT_RECEIVED)
		peer->alert = (int)gnutls_alert_get(peer->session);
	if (gnutls_error_is_fatal(error))
		(void)gnutls_alert_send_appropriate(peer->session, error);
}

static void peer_run(struct peer *peer)
{
	size_t len = sizeof(peer->name) - 1;
	unsigned type;
	char at[4096];
	ssize_t got;

	if (!peer->ready && peer->error == 0) {
		int error = gnutls_handshake(peer->session);

		peer->ready = error == 0;
		peer_note(peer, error);
		if (!peer->ready)
			return;
		(void)gnutls_certificate_get_peers(peer->session, &peer->seen);
		(void)gnutls_server_name_get(
			peer->session, peer->name, &len, &type, 0);
	}
	while ((got = gnutls_record_recv(peer->session, at, sizeof(at))) > 0)
		buf_add(&peer->plain, (struct str){at, (size_t)got});
	if (got < 0)
		peer_note(peer, (int)got);
}

/* One connection between a client and a peer. */
struct link {
	struct os_tls os;
	struct tls_port port;
	struct transform client;
	struct buf plain; /* what the client got */
	struct err err;
	int result; /* of the client's last call */
	size_t grain;
};

static void link_feed(struct link *link, struct peer *peer)
{
	size_t step = link->grain == 0 ? peer->out.len : link->grain;

	while (peer->out.len > 0 && link->result == 0) {
		link->result = link->client.from_wire(link->client.ctx,
			str_sub(buf_str(&peer->out), 0, step), &link->plain,
			&peer->in, &link->err);
		buf_consume(&peer->out,
			step < peer->out.len ? step : peer->out.len);
	}
	if (link->result != 0)
		buf_reset(&peer->out);
}

/* Until neither has anything to say. */
static void link_run(struct link *link, struct peer *peer)
{
	do {
		peer_run(peer);
		link_feed(link, peer);
	} while (peer->in.len > 0 && !peer->error);
}

/* Lets both shake hands. */
static void link_shake(struct link *link, struct peer *peer)
{
	link->result = link->client.from_wire(
		link->client.ctx, STR(""), &link->plain, &peer->in, &link->err);
	link_run(link, peer);
}

/* Opens the client, and both shake hands. False if open fails. */
static bool link_open(
	struct link *link, const struct account *account, struct peer *peer)
{
	size_t grain = link->grain;

	*link = (struct link){.grain = grain};
	os_tls_open(&link->os, &link->port);
	if (link->port.open(
		    link->port.ctx, account, &link->client, &link->err) == -1)
		return false;
	link_shake(link, peer);
	return true;
}

static void link_close(struct link *link)
{
	if (link->client.ctx != NULL)
		link->client.free(&link->client.ctx);
	os_tls_close(&link->os);
	buf_clear(&link->plain);
}

static bool has(const struct err *err, const char *words)
{
	if (strstr(err->text, words) != NULL)
		return true;
	tap_note("the sentence is: %s", err->text);
	return false;
}

static void client_send(struct link *link, struct peer *peer, struct str plain)
{
	check(link->client.to_wire(
		      link->client.ctx, plain, &peer->in, &link->err) == 0);
	peer_run(peer);
}

static void peer_send(struct peer *peer, struct str plain)
{
	while (plain.len > 0) {
		ssize_t sent =
			gnutls_record_send(peer->session, plain.ptr, plain.len);

		check(sent > 0);
		plain = str_sub(plain, (size_t)sent, plain.len);
	}
}

static const char *const tls_1_2 = "NORMAL:-VERS-ALL:+VERS-TLS1.2";
static const char *const tls_1_3 = "NORMAL:-VERS-ALL:+VERS-TLS1.3";

static struct account account_of(const struct world *world)
{
	return (struct account){
		.host = "localhost",
		.port = 993,
		.tls = {.ca_path = world->ca_path},
	};
}

static void test_stream(const struct world *world, const char *priority,
	size_t grain, const char *what)
{
	struct account account = account_of(world);
	struct link link = {.grain = grain};
	struct buf big = {0};
	struct peer peer;

	for (size_t i = 0; i < (grain == 0 ? 100000 : 2000); i++)
		buf_addf(&big, "%zu ", i);
	peer_open(&peer, &world->good, priority);
	ok(link_open(&link, &account, &peer) && link.result == 0 &&
			link.client.ready(link.client.ctx),
		"%s: a good certificate is trusted", what);
	client_send(&link, &peer, buf_str(&big));
	ok(str_eq(buf_str(&peer.plain), buf_str(&big)),
		"%s: what is sent arrives", what);
	peer_send(&peer, buf_str(&big));
	link_run(&link, &peer);
	ok(str_eq(buf_str(&link.plain), buf_str(&big)),
		"%s: what arrives is given", what);
	ok(!link.client.closed(link.client.ctx),
		"%s: an open stream is not closed", what);
	check(gnutls_bye(peer.session, GNUTLS_SHUT_WR) == 0);
	link_feed(&link, &peer);
	ok(link.result == 0 && link.client.closed(link.client.ctx),
		"%s: the peer's close_notify closes in good order", what);
	link.client.finish(link.client.ctx, &peer.in);
	peer.error = -1;
	peer.error = (int)gnutls_record_recv(peer.session, big.ptr, 1);
	is_int(peer.error, 0, "%s: finish sends our close_notify", what);
	buf_clear(&big);
	link_close(&link);
	peer_close(&peer);
}

static void test_handshake_fed_at_once(const struct world *world)
{
	struct account account = account_of(world);
	struct link link = {0};
	struct peer peer;

	peer_open(&peer, &world->good, tls_1_2);
	os_tls_open(&link.os, &link.port);
	check(link.port.open(
		      link.port.ctx, &account, &link.client, &link.err) == 0);
	check(link.client.from_wire(link.client.ctx, STR(""), &link.plain,
		      &peer.in, &link.err) == 0);
	peer_run(&peer);
	link_feed(&link, &peer);
	peer_run(&peer);
	peer_send(&peer, STR("* OK hello\r\n"));
	link_feed(&link, &peer);
	is_str(buf_str(&link.plain), STR("* OK hello\r\n"),
		"data behind the last handshake message is given at once");
	link_close(&link);
	peer_close(&peer);
}

static void test_name(const struct world *world, const char *host,
	const struct x509_plan *plan, bool good)
{
	struct account account = account_of(world);
	struct x509_pair pair;
	struct link link = {0};
	struct peer peer;

	account.host = host;
	x509_make(&pair, plan, &world->ca);
	peer_open(&peer, &pair, "NORMAL");
	ok(link_open(&link, &account, &peer) &&
			link.client.ready(link.client.ctx) == good &&
			(link.result == 0) == good,
		"a certificate for %s is %sfor %s",
		plan->dns != NULL ? plan->dns : plan->ip, good ? "" : "not ",
		host);
	if (!good)
		ok(link.err.cause == ERR_LOGIN &&
				has(&link.err, "it is for another host") &&
				has(&link.err, plan->dns != NULL ? plan->dns
								 : plan->ip),
			"and the sentence says so, and for whom it is");
	else
		is_str(str_of(peer.name),
			str_of(strpbrk(host, ":") || host[0] == '1' ? ""
								    : host),
			"and the server is told the name, but no address");
	link_close(&link);
	peer_close(&peer);
	x509_clear(&pair);
}

static void test_names(const struct world *world)
{
	struct x509_plan wild = {.dns = "*.example.org"};
	struct x509_plan two = {
		.dns = "a.example.org", .dns2 = "b.example.org"};
	struct x509_plan ipv4 = {.ip = "127.0.0.1"};
	struct x509_plan ipv6 = {.ip = "fd00::1"};
	struct x509_plan text = {.dns = "127.0.0.1"};

	test_name(world, "mail.example.org", &wild, true);
	test_name(world, "a.mail.example.org", &wild, false);
	test_name(world, "example.org", &wild, false);
	test_name(world, "b.example.org", &two, true);
	test_name(world, "B.Example.ORG", &two, true);
	test_name(world, "c.example.org", &two, false);
	test_name(world, "127.0.0.1", &ipv4, true);
	test_name(world, "127.0.0.2", &ipv4, false);
	test_name(world, "127.0.0.1", &text, false);
	test_name(world, "fd00::1", &ipv6, true);
}

/* Both the sentence and that the server got nothing of ours but an alert. */
static void test_refused(const struct world *world,
	const struct x509_pair *pair, const char *priority, const char *why)
{
	struct account account = account_of(world);
	struct buf pin = {0};
	unsigned char sha256[32];
	gnutls_datum_t raw = {sha256, sizeof(sha256)};
	gnutls_datum_t base64;
	struct link link = {0};
	struct peer peer;

	account.tls.cert_path = world->client_cert;
	account.tls.key_path = world->client_key;
	x509_key_sha256(pair, sha256);
	check(gnutls_base64_encode2(&raw, &base64) == 0);
	buf_addf(&pin, "{pin: [sha256:%s]}", base64.data);
	gnutls_free(base64.data);
	peer_open(&peer, pair, priority);
	gnutls_certificate_server_set_request(
		peer.session, GNUTLS_CERT_REQUEST);
	ok(link_open(&link, &account, &peer) && link.result == -1 &&
			!link.client.ready(link.client.ctx),
		"a certificate is refused: %s", why);
	ok(link.err.cause == ERR_LOGIN && link.err.retry == ERR_NEVER &&
			has(&link.err, why) && has(&link.err, buf_z(&pin)) &&
			has(&link.err, "tls: {ca: FILE}"),
		"and the sentence says why, and gives the pin");
	ok(peer.seen == 0 && peer.error == GNUTLS_E_FATAL_ALERT_RECEIVED &&
			peer.alert == GNUTLS_A_BAD_CERTIFICATE,
		"and the server gets an alert, not our certificate");
	buf_clear(&pin);
	link_close(&link);
	peer_close(&peer);
}

static void test_untrusted(const struct world *world)
{
	static const struct {
		struct x509_plan plan;
		const char *why;
	} bad[] = {
		{{.dns = "localhost", .from_s = -200000, .until_s = -100000},
			"it expired on 20"},
		{{.dns = "localhost", .from_s = 100000, .until_s = 200000},
			"it is not valid before 20"},
		{{.dns = "localhost", .for_client = true},
			"it is not for a server"},
		{{.dns = "other.example", .from_s = -200000, .until_s = -1000},
			"it is for another host; it expired on 20"},
		{{.dns = "other.example"}, "It is for other.example."},
		{{.common = "old style"}, "It is for old?style."},
		{{.common = "bad\x1b[2Jname"}, "It is for bad?[2Jname."},
	};
	struct x509_pair pair;

	test_refused(
		world, &world->lone, tls_1_3, "nobody trusted has signed it");
	test_refused(
		world, &world->lone, tls_1_2, "nobody trusted has signed it");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		x509_make(&pair, &bad[i].plan, &world->ca);
		test_refused(world, &pair, "NORMAL", bad[i].why);
		x509_clear(&pair);
	}
	x509_make(&pair, &(struct x509_plan){.dns = "localhost"}, &world->good);
	test_refused(world, &pair, "NORMAL", "nobody trusted has signed it");
	x509_clear(&pair);
}

static void test_pin(const struct x509_pair *pair, struct account account,
	const char *fault, const char *what)
{
	struct link link = {0};
	struct peer peer;

	peer_open(&peer, pair, "NORMAL");
	ok(link_open(&link, &account, &peer) &&
			(link.result == 0) == (fault == NULL) &&
			link.client.ready(link.client.ctx) == (fault == NULL),
		"%s", what);
	if (fault != NULL)
		ok(link.err.cause == ERR_LOGIN && has(&link.err, fault),
			"and the sentence says: %s", fault);
	link_close(&link);
	peer_close(&peer);
}

static void test_pins(const struct world *world)
{
	struct account_pin pins[] = {world->good_pin, world->lone_pin};
	struct account account = account_of(world);
	struct x509_pair expired;
	struct account_pin expired_pin;

	account.tls.pins = pins;
	account.tls.pin_count = 1;
	test_pin(&world->good, account, NULL,
		"with ca and pin, a certificate that fits both is trusted");
	test_pin(&world->lone, account, "that 'tls: {pin:}' does not",
		"with ca and pin, another key is refused");
	account.tls.pin_count = 2;
	test_pin(&world->lone, account, "nobody trusted has signed it",
		"with ca and pin, a pinned key that ca did not sign is "
		"refused");
	account.tls.ca_path = NULL;
	test_pin(&world->lone, account, NULL,
		"with pin alone, a pinned key is trusted, whoever signed it");
	account.host = "elsewhere.example";
	test_pin(&world->lone, account, NULL,
		"with pin alone, the name is not looked at");
	account.host = NULL;
	test_pin(&world->lone, account, NULL,
		"with pin alone, there need not be a name (a tunnel)");
	account.tls.pin_count = 1;
	test_pin(&world->lone, account, "may be in between",
		"with pin alone, another key is refused");
	x509_make(&expired,
		&(struct x509_plan){.from_s = -200000, .until_s = -100000},
		NULL);
	x509_key_sha256(&expired, expired_pin.sha256);
	account.tls.pins = &expired_pin;
	test_pin(&expired, account, NULL,
		"with pin alone, the dates are not looked at");
	x509_clear(&expired);
}

static void test_client_certificate(const struct world *world, bool own,
	const char *priority, const char *version)
{
	struct account account = account_of(world);
	struct link link = {0};
	struct peer peer;

	if (own) {
		account.tls.cert_path = world->client_cert;
		account.tls.key_path = world->client_key;
	}
	peer_open(&peer, &world->good, priority);
	gnutls_certificate_server_set_request(
		peer.session, GNUTLS_CERT_REQUIRE);
	(void)link_open(&link, &account, &peer);
	if (own) {
		ok(link.result == 0 && peer.seen == 1,
			"TLS %s: our certificate is shown when asked for",
			version);
	} else {
		ok(link.result == -1 && link.err.cause == ERR_LOGIN &&
				has(&link.err, "wants a certificate of ours"),
			"TLS %s: a server that insists on one is understood",
			version);
	}
	link_close(&link);
	peer_close(&peer);
}

static void test_binding(const struct world *world, const char *priority,
	enum channel_binding kind, bool there, const char *what)
{
	static const gnutls_channel_binding_t types[] = {
		[CHANNEL_BINDING_TLS_UNIQUE] = GNUTLS_CB_TLS_UNIQUE,
		[CHANNEL_BINDING_TLS_EXPORTER] = GNUTLS_CB_TLS_EXPORTER,
		[CHANNEL_BINDING_TLS_SERVER_END_POINT] =
			GNUTLS_CB_TLS_SERVER_END_POINT,
	};
	struct account account = account_of(world);
	gnutls_datum_t theirs = {0};
	struct buf ours = {0};
	struct buf text = {0};
	struct link link = {0};
	struct peer peer;
	int result;

	peer_open(&peer, &world->good, priority);
	(void)link_open(&link, &account, &peer);
	link.client.describe(link.client.ctx, &text);
	is_str(str_sub(buf_str(&text), 0, 7),
		strcmp(priority, tls_1_3) == 0 ? STR("TLS 1.3")
					       : STR("TLS 1.2"),
		"the version is told");
	ok(strstr(buf_z(&text), "the certificate is for ") != NULL,
		"and whom the certificate is for");
	buf_clear(&text);
	result = link.client.binding(link.client.ctx, kind, &ours);
	ok((result == 0) == there && there == (ours.len > 0), "%s", what);
	if (there) {
		check(gnutls_session_channel_binding(
			      peer.session, types[kind], &theirs) == 0);
		ok(str_eq(buf_str(&ours),
			   (struct str){(char *)theirs.data, theirs.size}),
			"and it is the server's");
		gnutls_free(theirs.data);
	}
	buf_clear(&ours);
	link_close(&link);
	peer_close(&peer);
}

static void test_bindings(const struct world *world)
{
	static const char *const unsafe =
		"NORMAL:-VERS-ALL:+VERS-TLS1.2:%NO_SESSION_HASH";

	test_binding(world, tls_1_2, CHANNEL_BINDING_TLS_UNIQUE, true,
		"TLS 1.2 has tls-unique");
	test_binding(world, tls_1_2, CHANNEL_BINDING_TLS_EXPORTER, true,
		"TLS 1.2 has tls-exporter");
	test_binding(world, tls_1_3, CHANNEL_BINDING_TLS_UNIQUE, false,
		"TLS 1.3 has no tls-unique");
	test_binding(world, tls_1_3, CHANNEL_BINDING_TLS_EXPORTER, true,
		"TLS 1.3 has tls-exporter");
	test_binding(world, unsafe, CHANNEL_BINDING_TLS_UNIQUE, false,
		"without extended master secret, no tls-unique");
	test_binding(world, unsafe, CHANNEL_BINDING_TLS_EXPORTER, false,
		"without extended master secret, no tls-exporter");
	test_binding(world, tls_1_2, CHANNEL_BINDING_TLS_SERVER_END_POINT, true,
		"TLS 1.2 knows the server's certificate");
	test_binding(world, tls_1_3, CHANNEL_BINDING_TLS_SERVER_END_POINT, true,
		"so does TLS 1.3");
	test_binding(world, unsafe, CHANNEL_BINDING_TLS_SERVER_END_POINT, true,
		"without extended master secret too");
	test_binding(world, tls_1_3, CHANNEL_BINDING_NONE, false,
		"no binding is no binding");
}

static void test_version(const struct world *world, const char *priority,
	enum account_tls_min min, const char *fault, const char *what)
{
	struct account account = account_of(world);
	struct link link = {0};
	struct peer peer;

	account.tls.min = min;
	peer_open(&peer, &world->good, priority);
	(void)link_open(&link, &account, &peer);
	ok(link.result == (fault == NULL ? 0 : -1) &&
			(fault == NULL || has(&link.err, fault)),
		"%s", what);
	link_close(&link);
	peer_close(&peer);
}

static void test_versions(const struct world *world)
{
	test_version(world, "NORMAL:-VERS-ALL:+VERS-TLS1.1", ACCOUNT_TLS_1_2,
		"does not speak TLS 1.2 or newer", "TLS 1.1 is refused");
	test_version(world, tls_1_2, ACCOUNT_TLS_1_2, NULL,
		"TLS 1.2 is taken by default");
	test_version(world, tls_1_2, ACCOUNT_TLS_1_3,
		"ended TLS with the alert: Handshake failed; perhaps it does "
		"not speak TLS 1.3",
		"TLS 1.2 is refused by min: 1.3");
	test_version(world, tls_1_3, ACCOUNT_TLS_1_3, NULL,
		"TLS 1.3 is taken by min: 1.3");
}

/* Feeds bytes instead of a handshake. */
static void test_noise(const struct world *world, enum account_tls_mode mode,
	struct str noise, const char *fault)
{
	struct account account = account_of(world);
	struct link link = {0};
	struct buf wire = {0};
	int result = 0;

	account.tls.mode = mode;
	os_tls_open(&link.os, &link.port);
	check(link.port.open(
		      link.port.ctx, &account, &link.client, &link.err) == 0);
	check(link.client.from_wire(link.client.ctx, STR(""), &link.plain,
		      &wire, &link.err) == 0);
	for (size_t i = 0; i < noise.len && result == 0; i++)
		result = link.client.from_wire(link.client.ctx,
			str_sub(noise, i, 1), &link.plain, &wire, &link.err);
	ok(result == -1 && link.err.cause == ERR_PROTOCOL &&
			has(&link.err, fault) && link.plain.len == 0 &&
			!link.client.ready(link.client.ctx),
		"noise instead of TLS is refused: %s", fault);
	buf_clear(&wire);
	link_close(&link);
}

static void test_noises(const struct world *world)
{
	test_noise(world, ACCOUNT_TLS_IMPLICIT, STR("* OK Dovecot ready.\r\n"),
		"does not speak TLS on port 993; if this port starts");
	test_noise(world, ACCOUNT_TLS_STARTTLS, STR("* BAD what?\r\n"),
		"does not speak TLS on port 993");
	test_noise(world, ACCOUNT_TLS_IMPLICIT,
		STR("\x15\x03\x01\x00\x02\x02\x28"),
		"ended TLS with the alert: Handshake failed");
	test_noise(world, ACCOUNT_TLS_IMPLICIT, STR("\x16\x03\x03\xff\xff...."),
		"TLS with localhost fails: ");
	test_noise(world, ACCOUNT_TLS_IMPLICIT, STR("\x16\xff\xff\x00\x04...."),
		"does not speak TLS 1.2 or newer");
}

static void test_tampering(const struct world *world)
{
	struct account account = account_of(world);
	struct link link = {0};
	struct peer peer;

	peer_open(&peer, &world->good, tls_1_3);
	(void)link_open(&link, &account, &peer);
	peer_send(&peer, STR("* OK hello\r\n"));
	peer.out.ptr[peer.out.len - 1] ^= 1;
	link_feed(&link, &peer);
	ok(link.result == -1 && link.plain.len == 0 &&
			link.err.cause == ERR_PROTOCOL,
		"a record that was tampered with is refused");
	ok(!link.client.closed(link.client.ctx), "and is no close");
	link_close(&link);
	peer_close(&peer);
}

static void test_truncation(const struct world *world)
{
	struct account account = account_of(world);
	struct link link = {0};
	struct peer peer;
	size_t whole;

	peer_open(&peer, &world->good, tls_1_3);
	(void)link_open(&link, &account, &peer);
	peer_send(&peer, STR("first"));
	whole = peer.out.len;
	peer_send(&peer, STR("second"));
	peer.out.len = whole + 7;
	link_feed(&link, &peer);
	is_str(buf_str(&link.plain), STR("first"),
		"of a stream that is cut off, whole records are given");
	ok(link.result == 0 && !link.client.closed(link.client.ctx),
		"and it is not taken for closed");
	link_close(&link);
	peer_close(&peer);
}

static void test_setting(
	const struct account *account, const char *fault, const char *what)
{
	struct link link = {0};
	struct peer peer = {0};

	ok(!link_open(&link, account, &peer) && link.err.cause == ERR_CONFIG &&
			has(&link.err, fault),
		"%s", what);
	link_close(&link);
}

static void test_settings(const struct world *world)
{
	struct account account = account_of(world);

	account.tls.ca_path = "/nonexistent/ca.crt";
	test_setting(&account, "/nonexistent/ca.crt",
		"a ca file that is not there is an error of the config");
	account.tls.ca_path = world->client_key;
	test_setting(&account, "'tls: {ca:}'",
		"a ca file without a certificate is one");
	account.tls.ca_path = "/dev/null";
	test_setting(&account, "'tls: {ca:}'", "an empty ca file is one");
	account = account_of(world);
	account.tls.cert_path = world->client_cert;
	account.tls.key_path = "/nonexistent/key";
	test_setting(&account, "/nonexistent/key", "a missing key is one");
	account.tls.key_path = world->ca_path;
	test_setting(&account, "client certificate", "a key that is none, too");
	account = account_of(world);
	account.host = NULL;
	test_setting(&account, "needs 'server'",
		"no host to check the certificate for is one");
}

/* One port serves all accounts, and reads a file once. */
static void test_two_accounts(const struct world *world)
{
	struct account account = account_of(world);
	struct account other = account;
	struct transform first = {0};
	struct transform second = {0};
	struct link link = {0};
	struct peer peer;

	other.tls.ca_path = world->client_cert;
	peer_open(&peer, &world->good, "NORMAL");
	os_tls_open(&link.os, &link.port);
	check(link.port.open(link.port.ctx, &account, &first, &link.err) == 0);
	check(link.port.open(link.port.ctx, &account, &second, &link.err) == 0);
	check(link.port.open(link.port.ctx, &other, &link.client, &link.err) ==
		0);
	ok(first.ctx != second.ctx, "an account can have several streams");
	link_shake(&link, &peer);
	ok(link.result == -1 && has(&link.err, "nobody trusted has signed it"),
		"and another account trusts whom it trusts, not its neighbour");
	first.free(&first.ctx);
	second.free(&second.ctx);
	ok(first.ctx == NULL && second.ctx == NULL, "freeing forgets");
	link_close(&link);
	peer_close(&peer);
}

/* ---- Sessions that are kept ---------------------------------------------- */

/* Where sessions are kept, and a server that gives and takes tickets. */
struct keeper {
	char dir[32];
	char path[64];
	gnutls_datum_t key;
	const struct x509_pair *pair;
	const char *priority;
	struct buf binding[2]; /* of the last connection: ours, theirs */
	bool dies;             /* the server, in the handshake */
};

static void keeper_open(struct keeper *keeper, const struct world *world)
{
	*keeper = (struct keeper){.dir = "/tmp/godwit-kept-XXXXXX",
		.pair = &world->good,
		.priority = tls_1_3};
	check(mkdtemp(keeper->dir) != NULL);
	(void)snprintf(keeper->path, sizeof(keeper->path), "%s/tls-session",
		keeper->dir);
	check(gnutls_session_ticket_key_generate(&keeper->key) == 0);
}

static void keeper_close(struct keeper *keeper)
{
	(void)unlink(keeper->path);
	check(rmdir(keeper->dir) == 0);
	gnutls_free(keeper->key.data);
	buf_clear(&keeper->binding[0]);
	buf_clear(&keeper->binding[1]);
}

static struct account keeper_account(
	const struct keeper *keeper, const struct world *world)
{
	struct account account = account_of(world);

	account.state = keeper->dir;
	return account;
}

static void keeper_bind(
	struct keeper *keeper, const struct link *link, struct peer *peer)
{
	gnutls_datum_t theirs;

	buf_reset(&keeper->binding[0]);
	buf_reset(&keeper->binding[1]);
	check(link->client.binding(link->client.ctx,
		      CHANNEL_BINDING_TLS_EXPORTER, &keeper->binding[0]) == 0);
	check(gnutls_session_channel_binding(
		      peer->session, GNUTLS_CB_TLS_EXPORTER, &theirs) == 0);
	buf_add(&keeper->binding[1],
		(struct str){(char *)theirs.data, theirs.size});
	gnutls_free(theirs.data);
}

enum met {
	MET_NOT,     /* the handshake failed */
	MET_ANEW,    /* it was whole */
	MET_RESUMED, /* it went on from an earlier one */
	MET_LOST,    /* it failed, and relied on an earlier one */
};

/* One connection, some bytes. The link's port may be open already. */
static enum met link_meet(
	struct keeper *keeper, const struct account *account, struct link *at)
{
	enum met met = MET_NOT;
	struct link link = {0};
	struct peer peer;

	peer_open(&peer, keeper->pair, keeper->priority);
	check(gnutls_session_ticket_enable_server(peer.session, &keeper->key) ==
		0);
	if (keeper->dies)
		buf_addz(&peer.out, "\x15\x03\x03");
	if (at->port.open(at->port.ctx, account, &link.client, &link.err) == 0)
		link_shake(&link, &peer);
	if (link.client.ctx != NULL && link.result == 0 &&
		link.client.ready(link.client.ctx)) {
		peer_send(&peer, STR("hello"));
		link_run(&link, &peer);
		check(str_eq(buf_str(&link.plain), STR("hello")));
		met = gnutls_session_is_resumed(peer.session) != 0 ? MET_RESUMED
								   : MET_ANEW;
		check((met == MET_ANEW) ||
			link.client.resumes(link.client.ctx));
		keeper_bind(keeper, &link, &peer);
	} else if (link.client.ctx != NULL &&
		   link.client.resumes(link.client.ctx)) {
		met = MET_LOST;
	}
	if (link.client.ctx != NULL)
		link.client.free(&link.client.ctx);
	buf_clear(&link.plain);
	peer_close(&peer);
	return met;
}

/* A run of one connection. */
static enum met meet(struct keeper *keeper, const struct account *account)
{
	struct link link = {0};
	enum met met;

	os_tls_open(&link.os, &link.port);
	os_tls_keep(&link.os);
	met = link_meet(keeper, account, &link);
	link_close(&link);
	return met;
}

/* One that keeps nothing. */
static enum met look(struct keeper *keeper, const struct account *account)
{
	struct link link = {0};
	enum met met;

	os_tls_open(&link.os, &link.port);
	met = link_meet(keeper, account, &link);
	link_close(&link);
	return met;
}

static bool is_kept(const struct keeper *keeper)
{
	return access(keeper->path, F_OK) == 0;
}

static void read_kept(const struct keeper *keeper, struct buf *bytes)
{
	FILE *file = fopen(keeper->path, "r");

	check(file != NULL);
	buf_commit(bytes, fread(buf_reserve(bytes, 65536), 1, 65536, file));
	check(fclose(file) == 0);
}

static void write_kept(const struct keeper *keeper, struct str bytes)
{
	FILE *file = fopen(keeper->path, "w");

	check(file != NULL);
	check(fwrite(bytes.ptr, 1, bytes.len, file) == bytes.len);
	check(fclose(file) == 0);
}

enum {
	KEPT_TIME = 21, /* where these begin in the file */
	KEPT_SETTINGS = 29,
	KEPT_HASH_BYTES = 32,
};

/* Makes the file's last bytes right for those before. */
static void seal(struct buf *bytes)
{
	size_t end = bytes->len - KEPT_HASH_BYTES;

	check(gnutls_hash_fast(GNUTLS_DIG_SHA256, bytes->ptr, end,
		      bytes->ptr + end) == 0);
}

/* Lets the file be so much older. */
static void age(const struct keeper *keeper, int64_t seconds)
{
	struct buf bytes = {0};
	uint64_t at = 0;

	read_kept(keeper, &bytes);
	for (size_t i = 0; i < 8; i++)
		at = at << 8 | (unsigned char)bytes.ptr[KEPT_TIME + i];
	at -= (uint64_t)seconds;
	for (size_t i = 0; i < 8; i++)
		bytes.ptr[KEPT_TIME + i] = (char)(at >> (56 - 8 * i));
	seal(&bytes);
	write_kept(keeper, buf_str(&bytes));
	buf_clear(&bytes);
}

static void test_kept(const struct world *world)
{
	struct keeper keeper;
	struct account account;
	struct stat stat;

	keeper_open(&keeper, world);
	account = account_of(world);
	is_int(meet(&keeper, &account), MET_ANEW,
		"without a folder a handshake is whole");
	account.state = "/nowhere/at/all";
	is_int(meet(&keeper, &account), MET_ANEW,
		"also without one that is there");
	account = keeper_account(&keeper, world);
	is_int(look(&keeper, &account), MET_ANEW,
		"and where nothing is to be kept");
	ok(!is_kept(&keeper), "then nothing is");
	is_int(meet(&keeper, &account), MET_ANEW, "the first one is whole");
	is_int(look(&keeper, &account), MET_ANEW,
		"what is kept is not for a look");
	check(lstat(keeper.path, &stat) == 0);
	is_int(stat.st_mode & 07777, 0600, "what is kept is for nobody else");
	for (int i = 0; i < 3; i++) {
		struct buf before = {0};
		struct buf after = {0};

		read_kept(&keeper, &before);
		is_int(meet(&keeper, &account), MET_RESUMED,
			"the next one goes on from it");
		read_kept(&keeper, &after);
		ok(!str_eq(buf_str(&before), buf_str(&after)),
			"which is good for once");
		ok(str_eq(buf_str(&keeper.binding[0]),
			   buf_str(&keeper.binding[1])),
			"and binds the channel");
		buf_clear(&before);
		buf_clear(&after);
	}
	gnutls_free(keeper.key.data);
	check(gnutls_session_ticket_key_generate(&keeper.key) == 0);
	is_int(meet(&keeper, &account), MET_ANEW,
		"a server that has forgotten does it anew");
	is_int(meet(&keeper, &account), MET_RESUMED, "and remembers");
	keeper.dies = true;
	is_int(meet(&keeper, &account), MET_LOST,
		"one that does not bear it is told from others");
	ok(!is_kept(&keeper), "what it was is forgotten");
	is_int(meet(&keeper, &account), MET_NOT, "then nothing is to blame");
	keeper.dies = false;
	keeper.priority = tls_1_2;
	is_int(meet(&keeper, &account), MET_ANEW, "TLS 1.2 works");
	ok(!is_kept(&keeper), "but is not kept");
	keeper_close(&keeper);
}

/* A run with a handshake that dies of what was kept, and one that does not. */
static void test_kept_spared(const struct world *world)
{
	static const int64_t day_s = INT64_C(24) * 3600;
	struct keeper keeper;
	struct account account;
	struct link link = {0};

	keeper_open(&keeper, world);
	account = keeper_account(&keeper, world);
	check(meet(&keeper, &account) == MET_ANEW);
	os_tls_open(&link.os, &link.port);
	os_tls_keep(&link.os);
	keeper.dies = true;
	check(link_meet(&keeper, &account, &link) == MET_LOST);
	keeper.dies = false;
	is_int(link_meet(&keeper, &account, &link), MET_ANEW,
		"after a handshake that died of it comes a whole one");
	link_close(&link);
	is_int(meet(&keeper, &account), MET_ANEW, "and so in the next run");
	age(&keeper, 6 * day_s);
	is_int(meet(&keeper, &account), MET_ANEW, "and after six days");
	age(&keeper, 2 * day_s);
	check(meet(&keeper, &account) == MET_ANEW);
	is_int(meet(&keeper, &account), MET_RESUMED,
		"but after a week it is tried again");
	keeper_close(&keeper);
}

static void meets_anew(struct keeper *keeper, const struct world *world,
	const struct account *other, const char *what)
{
	struct account account = keeper_account(keeper, world);

	check(meet(keeper, &account) != MET_NOT);
	check(meet(keeper, &account) == MET_RESUMED);
	is_int(meet(keeper, other), MET_ANEW, "%s makes it anew", what);
}

static void test_kept_settings(const struct world *world)
{
	struct account_pin pins[2] = {world->good_pin, world->lone_pin};
	struct account account;
	struct keeper keeper;

	keeper_open(&keeper, world);
	account = keeper_account(&keeper, world);
	account.host = "127.0.0.1";
	meets_anew(&keeper, world, &account, "another name");
	account.host = "localhost";
	account.port = 994;
	meets_anew(&keeper, world, &account, "another port");
	account.port = 993;
	account.tls.min = ACCOUNT_TLS_1_3;
	meets_anew(&keeper, world, &account, "another oldest version");
	account = keeper_account(&keeper, world);
	account.tls.pins = pins;
	account.tls.pin_count = 1;
	meets_anew(&keeper, world, &account, "a pin");
	account.tls.ca_path = NULL;
	meets_anew(&keeper, world, &account, "another authority");
	account = keeper_account(&keeper, world);
	account.tls.cert_path = world->client_cert;
	account.tls.key_path = world->client_key;
	meets_anew(&keeper, world, &account, "a certificate of ours");
	account = keeper_account(&keeper, world);
	account.tls.pins = &pins[1];
	account.tls.pin_count = 1;
	is_int(meet(&keeper, &account), MET_NOT,
		"a pin that does not fit is refused as ever");
	keeper_close(&keeper);
}

static void test_kept_file(const struct world *world)
{
	static const int64_t hour_s = 3600;
	struct account account;
	struct keeper keeper;
	struct buf bytes = {0};

	keeper_open(&keeper, world);
	account = keeper_account(&keeper, world);
	check(meet(&keeper, &account) == MET_ANEW);
	age(&keeper, 23 * hour_s);
	is_int(meet(&keeper, &account), MET_RESUMED,
		"after 23 hours it is good");
	age(&keeper, 25 * hour_s);
	is_int(meet(&keeper, &account), MET_ANEW, "but not after a day");
	age(&keeper, -hour_s);
	is_int(meet(&keeper, &account), MET_ANEW, "nor in the future");
	read_kept(&keeper, &bytes);
	for (size_t i = 0; i < bytes.len; i += bytes.len / 50) {
		bytes.ptr[i] ^= 1;
		write_kept(&keeper, buf_str(&bytes));
		if (!ok(meet(&keeper, &account) == MET_ANEW,
			    "damage at %zu is noticed", i))
			break;
		bytes.ptr[i] ^= 1;
	}
	for (size_t len = 0; len < bytes.len; len += bytes.len / 20) {
		write_kept(&keeper, str_sub(buf_str(&bytes), 0, len));
		if (!ok(meet(&keeper, &account) == MET_ANEW,
			    "a file cut at %zu is none", len))
			break;
	}
	write_kept(&keeper, buf_str(&bytes));
	check(chmod(keeper.path, 0640) == 0);
	is_int(meet(&keeper, &account), MET_ANEW,
		"so is one that others may read");
	check(unlink(keeper.path) == 0 &&
		symlink("/etc/passwd", keeper.path) == 0);
	is_int(meet(&keeper, &account), MET_ANEW,
		"and what is no file of ours");
	is_int(meet(&keeper, &account), MET_RESUMED, "which gives way to one");
	buf_clear(&bytes);
	keeper_close(&keeper);
}

/* A session of one server, as if it had been kept for the other's settings. */
static void test_kept_recheck(const struct world *world)
{
	struct account_pin good = world->good_pin;
	struct account_pin lone = world->lone_pin;
	struct keeper keeper;
	struct account account;
	struct account other;
	struct buf mine = {0};
	struct buf others = {0};

	keeper_open(&keeper, world);
	account = keeper_account(&keeper, world);
	account.tls.ca_path = NULL;
	account.tls.pins = &good;
	account.tls.pin_count = 1;
	other = account;
	other.tls.pins = &lone;
	check(meet(&keeper, &account) == MET_ANEW);
	read_kept(&keeper, &mine);
	keeper.pair = &world->lone;
	check(meet(&keeper, &other) == MET_ANEW);
	read_kept(&keeper, &others);
	memcpy(mine.ptr + KEPT_SETTINGS, others.ptr + KEPT_SETTINGS,
		KEPT_HASH_BYTES);
	seal(&mine);
	write_kept(&keeper, buf_str(&mine));
	is_int(meet(&keeper, &other), MET_LOST,
		"a key that is not pinned is refused, though it was believed");
	ok(!is_kept(&keeper), "and forgotten");
	buf_clear(&mine);
	buf_clear(&others);
	keeper_close(&keeper);
}

static void world_open(struct world *world)
{
	static const struct x509_plan server = {
		.dns = "localhost", .ip = "127.0.0.1"};

	*world = (struct world){.dir = "/tmp/godwit-tls-XXXXXX"};
	check(mkdtemp(world->dir) != NULL);
	x509_make(&world->ca,
		&(struct x509_plan){.is_ca = true, .common = "test CA"}, NULL);
	x509_make(&world->good, &server, &world->ca);
	x509_make(&world->lone, &server, NULL);
	x509_make(&world->client, &(struct x509_plan){.for_client = true},
		&world->ca);
	x509_write(&world->ca, world->dir, "ca");
	x509_write(&world->client, world->dir, "client");
	(void)snprintf(world->ca_path, sizeof(world->ca_path), "%s/ca.crt",
		world->dir);
	(void)snprintf(world->client_cert, sizeof(world->client_cert),
		"%s/client.crt", world->dir);
	(void)snprintf(world->client_key, sizeof(world->client_key),
		"%s/client.key", world->dir);
	x509_key_sha256(&world->good, world->good_pin.sha256);
	x509_key_sha256(&world->lone, world->lone_pin.sha256);
}

static void world_close(struct world *world)
{
	char ca_key[64];

	(void)snprintf(ca_key, sizeof(ca_key), "%s/ca.key", world->dir);
	check(unlink(world->ca_path) == 0 && unlink(ca_key) == 0);
	check(unlink(world->client_cert) == 0);
	check(unlink(world->client_key) == 0 && rmdir(world->dir) == 0);
	x509_clear(&world->ca);
	x509_clear(&world->good);
	x509_clear(&world->lone);
	x509_clear(&world->client);
}

int main(void)
{
	struct world world;

	world_open(&world);
	test_stream(&world, tls_1_3, 0, "TLS 1.3");
	test_stream(&world, tls_1_2, 0, "TLS 1.2");
	test_stream(&world, tls_1_3, 1, "TLS 1.3, byte by byte");
	test_stream(&world, tls_1_2, 1, "TLS 1.2, byte by byte");
	test_handshake_fed_at_once(&world);
	test_names(&world);
	test_untrusted(&world);
	test_pins(&world);
	test_client_certificate(&world, true, tls_1_2, "1.2");
	test_client_certificate(&world, true, tls_1_3, "1.3");
	test_client_certificate(&world, false, tls_1_2, "1.2");
	test_client_certificate(&world, false, tls_1_3, "1.3");
	test_bindings(&world);
	test_versions(&world);
	test_noises(&world);
	test_tampering(&world);
	test_truncation(&world);
	test_settings(&world);
	test_two_accounts(&world);
	test_kept(&world);
	test_kept_spared(&world);
	test_kept_settings(&world);
	test_kept_file(&world);
	test_kept_recheck(&world);
	world_close(&world);
	return tap_done();
}
