/*
 * os/login, os/tls and os/net together: logins over loopback to the small
 * server of these tests (t/lib/scram_server.c), by all ways that SCRAM has.
 */
#include "godwit/os/login.h"

#include "peer.h"
#include "tap.h"
#include "x509.h"

#include <gnutls/gnutls.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct world {
	char dir[40];
	char server_crt[64];
	char server_key[64];
	struct account_pin pin;
	struct os_login os_login;
	struct login_port login;
};

static int server_start(
	const struct world *world, struct peer *peer, const char *option)
{
	const char *builddir = getenv("builddir");
	struct buf program = {0};
	const char *argv[] = {
		NULL, world->server_crt, world->server_key, option, NULL};
	struct buf port = {0};
	int number;

	buf_addf(&program, "%s/t/lib/scram_server",
		builddir == NULL ? "." : builddir);
	argv[0] = buf_z(&program);
	peer_start(peer, argv);
	check(peer_says(peer, "port ", &port));
	number = (int)strtol(buf_z(&port), NULL, 10);
	buf_clear(&port);
	buf_clear(&program);
	return number;
}

static void add_base64(struct buf *b, struct str s)
{
	gnutls_datum_t raw = {(unsigned char *)s.ptr, (unsigned)s.len};
	gnutls_datum_t base64;

	check(gnutls_base64_encode2(&raw, &base64) == 0);
	buf_add(b, (struct str){(char *)base64.data, base64.size});
	gnutls_free(base64.data);
}

static struct str decode(struct str base64, struct buf *b)
{
	gnutls_datum_t in = {(unsigned char *)base64.ptr, (unsigned)base64.len};
	gnutls_datum_t raw;

	buf_reset(b);
	if (base64.len == 0)
		return (struct str){0};
	check(gnutls_base64_decode2(&in, &raw) == 0);
	buf_add(b, (struct str){(char *)raw.data, raw.size});
	gnutls_free(raw.data);
	return buf_str(b);
}

enum outcome {
	WELCOME,
	REFUSED,
	CANCELLED
};

/* AUTHENTICATE to its end. */
static enum outcome authenticate(const struct world *world, struct wire *wire,
	const struct sasl_request *request, struct err *err)
{
	struct sasl_exchange *exchange =
		world->login.start(world->login.ctx, request, err);
	enum outcome outcome = REFUSED;
	struct secret response = {0};
	struct buf out = {0};
	struct buf line = {0};
	struct buf raw = {0};

	check(exchange != NULL);
	check(world->login.step(exchange, STR(""), &response, err) == 0);
	buf_addf(&out, "a AUTHENTICATE %s ", request->mechanism);
	add_base64(&out, secret_get(&response));
	wire_say(wire, buf_str(&out));
	while (wire_hear(wire, &line) &&
		str_starts(buf_str(&line), STR("+ "))) {
		buf_reset(&out);
		if (world->login.step(exchange,
			    decode(str_sub(buf_str(&line), 2, line.len), &raw),
			    &response, err) == -1) {
			wire_say(wire, STR("*"));
			outcome = CANCELLED;
			continue;
		}
		if (secret_get(&response).len > 0)
			add_base64(&out, secret_get(&response));
		wire_say(wire, buf_str(&out));
	}
	if (str_starts(buf_str(&line), STR("a OK")) &&
		world->login.complete(exchange))
		outcome = WELCOME;
	world->login.end(&exchange);
	secret_clear(&response);
	buf_clear(&out);
	buf_clear(&line);
	buf_clear(&raw);
	return outcome;
}

static struct sasl_request request_of(const char *mechanism)
{
	return (struct sasl_request){
		.mechanism = mechanism,
		.user = "alice",
		.password = STR("s3cret"),
	};
}

/* Connects, with TLS from the first byte, and takes the greeting. */
static void secure(const struct world *world, struct wire *wire, int port,
	struct buf *line)
{
	struct account account = {
		.host = "127.0.0.1",
		.port = (uint16_t)port,
		.tls = {.pins = (struct account_pin *)&world->pin,
			.pin_count = 1},
	};

	wire_open(wire, port);
	check(wire_start_tls(wire, &account) == 0 && wire_hear(wire, line));
}

static void bind_request(const struct wire *wire, struct sasl_request *request,
	enum channel_binding kind, struct buf *data)
{
	buf_reset(data);
	check(wire->tls.binding(wire->tls.ctx, kind, data) == 0);
	request->binding = kind;
	request->binding_data = buf_str(data);
}

static void test_plus(const struct world *world, const char *option,
	enum channel_binding kind, const char *what)
{
	struct sasl_request request = request_of("SCRAM-SHA-256-PLUS");
	struct buf line = {0};
	struct buf data = {0};
	struct err err = {0};
	struct peer peer;
	struct wire wire;
	int port = server_start(world, &peer, option);

	secure(world, &wire, port, &line);
	bind_request(&wire, &request, kind, &data);
	ok(authenticate(world, &wire, &request, &err) == WELCOME,
		"SCRAM-SHA-256-PLUS logs in by %s", what);
	wire_say(&wire, STR("b LIST \"\" *"));
	ok(wire_hear(&wire, &line) &&
			str_starts(buf_str(&line), STR("* LIST () ")),
		"and then the server answers");
	wire_close(&wire);
	secure(world, &wire, port, &line);
	data.ptr[0] ^= 1;
	ok(authenticate(world, &wire, &request, &err) == REFUSED,
		"the binding of another connection does not");
	request.password = STR("wrong");
	bind_request(&wire, &request, kind, &data);
	ok(authenticate(world, &wire, &request, &err) == REFUSED,
		"nor does a wrong password");
	wire_close(&wire);
	peer_stop(&peer);
	buf_clear(&line);
	buf_clear(&data);
}

static void test_fallback(const struct world *world)
{
	struct sasl_request request = request_of("SCRAM-SHA-256-PLUS");
	struct buf line = {0};
	struct buf data = {0};
	struct err err = {0};
	struct peer peer;
	struct wire wire;

	secure(world, &wire, server_start(world, &peer, "--plus-fails"), &line);
	bind_request(&wire, &request, CHANNEL_BINDING_TLS_EXPORTER, &data);
	ok(authenticate(world, &wire, &request, &err) == REFUSED,
		"a server whose -PLUS does not work refuses it");
	request.mechanism = "SCRAM-SHA-256";
	ok(authenticate(world, &wire, &request, &err) == REFUSED,
		"and takes it for a cut list when we could bind");
	request.binding = CHANNEL_BINDING_NONE;
	ok(authenticate(world, &wire, &request, &err) == WELCOME,
		"but lets us in when we do not bind");
	wire_close(&wire);
	peer_stop(&peer);
	buf_clear(&line);
	buf_clear(&data);
}

static void test_without_plus(const struct world *world)
{
	struct sasl_request request = request_of("SCRAM-SHA-256");
	struct buf line = {0};
	struct buf data = {0};
	struct err err = {0};
	struct peer peer;
	struct wire wire;

	secure(world, &wire, server_start(world, &peer, "--no-plus"), &line);
	ok(strstr(buf_z(&line), "-PLUS") == NULL, "no -PLUS is offered");
	bind_request(&wire, &request, CHANNEL_BINDING_TLS_EXPORTER, &data);
	ok(authenticate(world, &wire, &request, &err) == WELCOME,
		"where none is offered, that we could bind does no harm");
	wire_close(&wire);
	peer_stop(&peer);
	buf_clear(&line);
	buf_clear(&data);
}

static void test_forged(const struct world *world)
{
	struct sasl_request request = request_of("SCRAM-SHA-256");
	struct buf line = {0};
	struct err err = {0};
	struct peer peer;
	struct wire wire;

	secure(world, &wire, server_start(world, &peer, "--forge"), &line);
	ok(authenticate(world, &wire, &request, &err) == CANCELLED &&
			strstr(err.text, "cannot prove") != NULL,
		"a server that does not know the password is found out");
	wire_close(&wire);
	peer_stop(&peer);
	buf_clear(&line);
}

static void test_starttls(const struct world *world)
{
	struct account account = {
		.host = "127.0.0.1",
		.tls = {.mode = ACCOUNT_TLS_STARTTLS,
			.pins = (struct account_pin *)&world->pin,
			.pin_count = 1},
	};
	struct buf line = {0};
	struct peer peer;
	struct wire wire;

	wire_open(&wire, server_start(world, &peer, "--inject"));
	check(wire_hear(&wire, &line));
	ok(strstr(buf_z(&line), "STARTTLS]") != NULL &&
			strstr(buf_z(&line), "AUTH=") == NULL,
		"in the clear, only STARTTLS is offered");
	wire_say(&wire, STR("a STARTTLS"));
	check(wire_hear(&wire, &line));
	ok(str_starts(buf_str(&line), STR("a OK")) &&
			wire_start_tls(&wire, &account) == 0,
		"after it, both shake hands, whatever was said in between");
	wire_say(&wire, STR("b CAPABILITY"));
	check(wire_hear(&wire, &line));
	is_str(buf_str(&line),
		STR("* CAPABILITY IMAP4rev1 SASL-IR AUTH=SCRAM-SHA-256-PLUS "
		    "AUTH=SCRAM-SHA-256"),
		"and what was said in between is not heard");
	wire_close(&wire);
	peer_stop(&peer);
	buf_clear(&line);
}

static void test_greeting(
	const struct world *world, const char *option, const char *greeting)
{
	struct buf line = {0};
	struct peer peer;
	struct wire wire;

	if (strcmp(option, "--preauth") == 0) {
		secure(world, &wire, server_start(world, &peer, option), &line);
	} else {
		wire_open(&wire, server_start(world, &peer, option));
		check(wire_hear(&wire, &line));
	}
	is_str(buf_str(&line), str_of(greeting), "%s greets so", option);
	wire_close(&wire);
	peer_stop(&peer);
	buf_clear(&line);
}

int main(void)
{
	static const struct x509_plan here = {.ip = "127.0.0.1"};
	struct world world = {.dir = "/tmp/godwit-scram-XXXXXX"};
	struct x509_pair server;

	check(mkdtemp(world.dir) != NULL);
	x509_make(&server, &here, NULL);
	x509_write(&server, world.dir, "server");
	x509_key_sha256(&server, world.pin.sha256);
	(void)snprintf(world.server_crt, sizeof(world.server_crt),
		"%s/server.crt", world.dir);
	(void)snprintf(world.server_key, sizeof(world.server_key),
		"%s/server.key", world.dir);
	os_login_open(&world.os_login, &world.login);
	test_plus(&world, NULL, CHANNEL_BINDING_TLS_EXPORTER, "tls-exporter");
	test_plus(&world, "--tls12", CHANNEL_BINDING_TLS_UNIQUE, "tls-unique");
	test_fallback(&world);
	test_without_plus(&world);
	test_forged(&world);
	test_starttls(&world);
	test_greeting(&world, "--starttls",
		"* OK [CAPABILITY IMAP4rev1 STARTTLS] hello");
	test_greeting(
		&world, "--no-starttls", "* OK [CAPABILITY IMAP4rev1] hello");
	test_greeting(
		&world, "--preauth", "* PREAUTH [CAPABILITY IMAP4rev1] hello");
	os_login_close(&world.os_login);
	check(unlink(world.server_crt) == 0 && unlink(world.server_key) == 0);
	check(rmdir(world.dir) == 0);
	x509_clear(&server);
	return tap_done();
}
