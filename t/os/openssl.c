/* os/tls and os/net: TLS with OpenSSL (openssl s_server) over loopback. */
#include "peer.h"
#include "tap.h"
#include "x509.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct world {
	char dir[40];
	struct x509_pair ca;
	struct x509_pair server;
	struct x509_pair stranger;
	struct x509_pair client;
	char ca_crt[64];
	char server_crt[64];
	char server_key[64];
	char client_crt[64];
	char client_key[64];
};

static const char exporter[] = "EXPORTER-Channel-Binding";

/* openssl s_server with up to 5 options more; returns its port. */
static int server_start(const struct world *world, struct peer *peer,
	const char *const options[6])
{
	const char *argv[30] = {"sh", "-c",
		"exec timeout 60 openssl s_server \"$@\" 2>/dev/null", "-",
		"-accept", "127.0.0.1:0", "-cert", world->server_crt, "-key",
		world->server_key, "-keymatexport", exporter,
		"-keymatexportlen", "32"};
	struct buf port = {0};
	size_t count = 0;
	int number;

	while (argv[count] != NULL)
		count++;
	for (size_t i = 0; i < 6 && options[i] != NULL; i++)
		argv[count++] = options[i];
	peer_start(peer, argv);
	check(peer_says(peer, "ACCEPT 127.0.0.1:", &port));
	number = (int)strtol(buf_z(&port), NULL, 10);
	buf_clear(&port);
	return number;
}

static struct account account_of(const struct world *world)
{
	return (struct account){
		.host = "127.0.0.1",
		.tls = {.ca_path = world->ca_crt},
	};
}

static bool has(const struct err *err, const char *words)
{
	if (strstr(err->text, words) != NULL)
		return true;
	tap_note("the sentence is: %s", err->text);
	return false;
}

/* s_server prints what it hears, and says what it reads. */
static void test_talk(struct peer *peer, struct wire *wire, const char *what)
{
	struct buf line = {0};

	wire_say(wire, STR("hello"));
	ok(peer_says(peer, "hello", &line), "%s: what is said arrives", what);
	check(write(peer->input, "olleh\n", 6) == 6);
	ok(wire_hear(wire, &line) && str_eq(buf_str(&line), STR("olleh")),
		"%s: what is answered arrives", what);
	buf_clear(&line);
}

/* The binding is what OpenSSL exports, which it prints in hexadecimal (without
 * a context: before TLS 1.3 that is not the same as RFC 9266's empty one). */
static void test_exporter(
	struct peer *peer, const struct wire *wire, const char *what)
{
	struct buf binding = {0};
	struct buf theirs = {0};
	struct buf ours = {0};

	check(wire->tls.binding(wire->tls.ctx, CHANNEL_BINDING_TLS_EXPORTER,
		      &binding) == 0);
	for (size_t i = 0; i < binding.len; i++)
		buf_addf(&ours, "%02X", (unsigned char)binding.ptr[i]);
	check(peer_says(peer, "    Keying material: ", &theirs));
	is_str(buf_str(&ours), buf_str(&theirs),
		"%s: tls-exporter is the same on both sides", what);
	buf_clear(&binding);
	buf_clear(&theirs);
	buf_clear(&ours);
}

static void test_version(const struct world *world, const char *option,
	const char *what, bool has_unique)
{
	struct account account = account_of(world);
	struct buf binding = {0};
	struct peer peer;
	struct wire wire;

	wire_open(&wire,
		server_start(world, &peer, (const char *const[6]){option}));
	ok(wire_start_tls(&wire, &account) == 0,
		"%s: a good certificate is trusted", what);
	if (!has_unique)
		test_exporter(&peer, &wire, what);
	test_talk(&peer, &wire, what);
	ok((wire.tls.binding(wire.tls.ctx, CHANNEL_BINDING_TLS_UNIQUE,
		    &binding) == 0) == has_unique,
		"%s: there is %s tls-unique", what, has_unique ? "a" : "no");
	wire_close(&wire);
	peer_stop(&peer);
	buf_clear(&binding);
}

static void test_client_certificate(
	const struct world *world, const char *option, const char *what)
{
	const char *const options[6] = {
		"-Verify", "1", "-verifyCAfile", world->ca_crt, option};
	struct account account = account_of(world);
	struct buf line = {0};
	struct peer peer;
	struct wire wire;
	int port = server_start(world, &peer, options);

	account.tls.cert_path = world->client_crt;
	account.tls.key_path = world->client_key;
	wire_open(&wire, port);
	check(wire_start_tls(&wire, &account) == 0);
	test_talk(&peer, &wire, what);
	wire_close(&wire);
	account.tls.cert_path = NULL;
	wire_open(&wire, port);
	if (wire_start_tls(&wire, &account) == 0)
		(void)wire_hear(&wire, &line);
	ok(wire.err.cause == ERR_LOGIN &&
			has(&wire.err, "wants a certificate of ours"),
		"%s: a server that insists on one is understood", what);
	wire_close(&wire);
	peer_stop(&peer);
	buf_clear(&line);
}

static void test_refused(const struct world *world)
{
	struct account account = account_of(world);
	struct account_pin pin;
	struct peer peer;
	struct wire wire;
	int port = server_start(world, &peer, (const char *const[6]){NULL});

	account.host = "localhost";
	wire_open(&wire, port);
	ok(wire_start_tls(&wire, &account) == -1 &&
			has(&wire.err, "it is for another host"),
		"another host's certificate is refused");
	wire_close(&wire);
	account = account_of(world);
	x509_key_sha256(&world->stranger, pin.sha256);
	account.tls.pins = &pin;
	account.tls.pin_count = 1;
	wire_open(&wire, port);
	ok(wire_start_tls(&wire, &account) == -1 &&
			has(&wire.err, "does not list"),
		"another key than the pinned one is refused");
	wire_close(&wire);
	x509_key_sha256(&world->server, pin.sha256);
	account.tls.ca_path = NULL;
	wire_open(&wire, port);
	ok(wire_start_tls(&wire, &account) == 0, "the pinned one is trusted");
	test_talk(&peer, &wire, "pinned");
	wire_close(&wire);
	peer_stop(&peer);
}

static void test_too_old(const struct world *world)
{
	const char *const options[6] = {
		"-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"};
	struct account account = account_of(world);
	struct peer peer;
	struct wire wire;

	wire_open(&wire, server_start(world, &peer, options));
	ok(wire_start_tls(&wire, &account) == -1 &&
			has(&wire.err, "does not speak TLS 1.2 or newer"),
		"TLS 1.1 is refused");
	wire_close(&wire);
	peer_stop(&peer);
}

static void test_cut_off(const struct world *world)
{
	struct account account = account_of(world);
	struct buf line = {0};
	struct peer peer;
	struct wire wire;

	wire_open(&wire,
		server_start(world, &peer, (const char *const[6]){NULL}));
	check(wire_start_tls(&wire, &account) == 0);
	test_talk(&peer, &wire, "before a cut");
	peer_stop(&peer);
	ok(!wire_hear(&wire, &line) && !wire.tls.closed(wire.tls.ctx),
		"a server that dies has not closed");
	wire_close(&wire);
	buf_clear(&line);
}

static void path_set(
	char *path, size_t room, const struct world *world, const char *name)
{
	check((size_t)snprintf(path, room, "%s/%s", world->dir, name) < room);
}

static void world_open(struct world *world)
{
	static const struct x509_plan here = {.ip = "127.0.0.1"};

	*world = (struct world){.dir = "/tmp/godwit-openssl-XXXXXX"};
	check(mkdtemp(world->dir) != NULL);
	x509_make(&world->ca,
		&(struct x509_plan){.is_ca = true, .common = "test CA"}, NULL);
	x509_make(&world->server, &here, &world->ca);
	x509_make(&world->stranger, &here, &world->ca);
	x509_make(&world->client, &(struct x509_plan){.for_client = true},
		&world->ca);
	x509_write(&world->ca, world->dir, "ca");
	x509_write(&world->server, world->dir, "server");
	x509_write(&world->client, world->dir, "client");
	path_set(world->ca_crt, sizeof(world->ca_crt), world, "ca.crt");
	path_set(world->server_crt, sizeof(world->server_crt), world,
		"server.crt");
	path_set(world->server_key, sizeof(world->server_key), world,
		"server.key");
	path_set(world->client_crt, sizeof(world->client_crt), world,
		"client.crt");
	path_set(world->client_key, sizeof(world->client_key), world,
		"client.key");
}

static void world_close(struct world *world)
{
	char ca_key[64];

	path_set(ca_key, sizeof(ca_key), world, "ca.key");
	check(unlink(ca_key) == 0 && unlink(world->ca_crt) == 0);
	check(unlink(world->server_crt) == 0);
	check(unlink(world->server_key) == 0);
	check(unlink(world->client_crt) == 0);
	check(unlink(world->client_key) == 0);
	check(rmdir(world->dir) == 0);
	x509_clear(&world->ca);
	x509_clear(&world->server);
	x509_clear(&world->stranger);
	x509_clear(&world->client);
}

int main(void)
{
	struct world world;

	world_open(&world);
	test_version(&world, "-tls1_3", "OpenSSL by TLS 1.3", false);
	test_version(&world, "-tls1_2", "OpenSSL by TLS 1.2", true);
	test_client_certificate(
		&world, "-tls1_2", "our certificate, by TLS 1.2");
	test_client_certificate(
		&world, "-tls1_3", "our certificate, by TLS 1.3");
	test_refused(&world);
	test_too_old(&world);
	test_cut_off(&world);
	world_close(&world);
	return tap_done();
}
