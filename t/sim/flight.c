/*
 * flight: what goes out before its answer is known: a login and the list of
 * mailboxes in one flight, by what the last run remembered of the server. And
 * what comes of it when the server has become another since.
 */
#include "tap.h"
#include "world.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static struct world world;

/* ---- TLS and DEFLATE that change no byte
 * -------------------------------------------- */

static int same_from_wire(void *ctx, struct str bytes, struct buf *plain,
	struct buf *wire, struct err *err)
{
	(void)ctx;
	(void)wire;
	(void)err;
	buf_add(plain, bytes);
	return 0;
}

static int same_to_wire(
	void *ctx, struct str plain, struct buf *wire, struct err *err)
{
	(void)ctx;
	(void)err;
	buf_add(wire, plain);
	return 0;
}

static bool is_ready(void *ctx)
{
	return ctx != NULL;
}

static bool never(void *ctx)
{
	return ctx == NULL;
}

static int no_binding(void *ctx, enum channel_binding kind, struct buf *data)
{
	(void)ctx;
	(void)kind;
	(void)data;
	return -1;
}

static void add_nothing(void *ctx, struct buf *wire)
{
	(void)ctx;
	(void)wire;
}

static void same_free(void **ctx)
{
	free(*ctx);
	*ctx = NULL;
}

static void deflate_open(void *ctx, struct transform *transform_r)
{
	(void)ctx;
	*transform_r = (struct transform){
		.ctx = malloc(1),
		.from_wire = same_from_wire,
		.to_wire = same_to_wire,
		.ready = is_ready,
		.pending = never,
		.resumes = never,
		.closed = never,
		.binding = no_binding,
		.describe = add_nothing,
		.finish = add_nothing,
		.free = same_free,
	};
}

static int tls_open(void *ctx, const struct account *account,
	struct transform *transform_r, struct err *err)
{
	(void)account;
	(void)err;
	deflate_open(ctx, transform_r);
	return 0;
}

/* ---- The world ----------------------------------------------------------- */

static void begin(bool tls)
{
	static const enum imap_cap caps[] = {IMAP_CAP_ID, IMAP_CAP_NAMESPACE,
		IMAP_CAP_LIST_EXTENDED, IMAP_CAP_UIDPLUS};
	struct buf text = {0};

	world_init(&world, 1);
	world.traces = true;
	world.server->login = true;
	if (tls) {
		world.account.tls.mode = ACCOUNT_TLS_IMPLICIT;
		world.ports.tls.open = tls_open;
	}
	for (size_t i = 0; i < sizeof(caps) / sizeof(caps[0]); i++)
		imap_caps_set(&world.server->caps, caps[i]);
	world_message(&text, 1);
	fake_mailbox_append(fake_server_find(world.server, "INBOX"),
		buf_str(&text), 0, (struct imap_date){1600000000, 120});
	buf_clear(&text);
}

static void end(void)
{
	world_clear(&world);
}

static void syncs(const char *sentence)
{
	struct buf why = {0};

	if (!is_int(world_sync(&world), 0, "%s", sentence) ||
		!ok(world_in_step(&world, &why), "and both sides are equal"))
		world_tell(&world);
	ok(world_journal_ok(&world, &why), "and the journal agrees: %s",
		buf_z(&why));
	buf_clear(&why);
}

/* What the client says before it hears anything, or after the greeting; the
 * commands' names only. */
static void is_flight(size_t number, const char *want, const char *sentence)
{
	struct str rest = buf_str(&world.wire);
	struct buf said = {0};
	struct str line;
	size_t flight = 0;
	bool heard = true;

	while (rest.len > 0 && str_split(&rest, '\n', &line)) {
		bool is_said = str_starts(line, STR("C"));
		struct str word;

		if (is_said && heard)
			flight++;
		heard = !is_said;
		if (!is_said || flight != number)
			continue;
		(void)str_split(&line, ' ', &word); /* C: */
		(void)str_split(&line, ' ', &word); /* the tag */
		(void)str_split(&line, ' ', &word);
		buf_addf(&said, "%s%.*s", said.len > 0 ? " " : "",
			STR_FMT(word));
	}
	if (!is_str(buf_str(&said), str_of(want), "%s", sentence))
		world_tell(&world);
	buf_clear(&said);
}

static uint64_t connections(void)
{
	static uint64_t before;
	uint64_t since = world.net.opened - before;

	before = world.net.opened;
	return since;
}

static void no_complaints(void)
{
	is_str(buf_str(&world.server->complaints), STR(""),
		"the server has nothing to complain of");
}

/* ---- The tests ----------------------------------------------------------- */

static void test_clear(void)
{
	begin(false);
	syncs("a first sync succeeds");
	is_flight(1, "LOGIN", "in which the login travels alone");
	is_flight(2, "CAPABILITY", "as does what it takes to go on");
	is_flight(3, "ID NAMESPACE LIST",
		"but the setup and the list of mailboxes travel together");
	syncs("a second one, too");
	is_flight(1, "LOGIN CAPABILITY ID NAMESPACE LIST",
		"in which all of that is one flight");
	ok(str_starts(buf_str(&world.wire), STR("S: * OK")),
		"that waits for the greeting");
	is_int((intmax_t)world.steps, 0, "and which writes nothing");
	world.server->odd.login_tells = true;
	syncs("a server that names its capabilities without being asked");
	syncs("is known for it the next time");
	is_flight(1, "LOGIN ID NAMESPACE LIST", "and not asked");
	world.server->odd.login_tells = false;
	syncs("if it does so no more");
	is_flight(2, "CAPABILITY", "it is asked");
	no_complaints();
	end();
}

static void test_tls(void)
{
	begin(true);
	syncs("under TLS a first sync succeeds");
	ok(str_starts(buf_str(&world.wire), STR("S: * OK")),
		"that waits for the greeting");
	syncs("and a second one");
	is_flight(1, "LOGIN CAPABILITY ID NAMESPACE LIST",
		"in which all of that is one flight");
	ok(str_starts(buf_str(&world.wire), STR("C: ")),
		"that does not wait for the greeting");
	world.server->odd.asks_caps = true;
	syncs("a greeting without capabilities does not matter");
	is_int((intmax_t)world.steps, 0, "and is not written down by itself");
	world_give(&world, "INBOX", 50, 0);
	syncs("but by a run that finds something");
	syncs("the next time they are asked for");
	is_flight(1, "CAPABILITY LOGIN CAPABILITY ID NAMESPACE LIST",
		"in the same flight");
	world.server->odd.asks_caps = false;
	syncs("nor is one with capabilities again");
	is_int((intmax_t)world.steps, 0, "written down");
	world.server->odd.asks_caps = true;
	no_complaints();
	(void)connections();
	world.server->login = false;
	syncs("a server that wants no login any more");
	is_int((intmax_t)connections(), 2, "is tried once more, without");
	syncs("and then is known");
	is_int((intmax_t)connections(), 1, "for that");
	world.server->login = true;
	syncs("and back again");
	syncs("once more");
	is_flight(1, "CAPABILITY LOGIN CAPABILITY ID NAMESPACE LIST",
		"all is one flight again");
	end();
}

static void test_other_server(bool tls)
{
	begin(tls);
	syncs("a first sync succeeds");
	(void)connections();
	world.server->caps = (struct imap_caps){0};
	imap_caps_set(&world.server->caps, IMAP_CAP_IMAP4REV1);
	syncs("a server that can less than before is synced");
	is_int((intmax_t)connections(), 2, "by another connection");
	syncs("and again");
	is_int((intmax_t)connections(), 1, "by one, since it is known now");
	is_flight(1, "LOGIN CAPABILITY LIST LSUB", "in one flight");
	end();
}

static void test_refused(bool tls)
{
	uint64_t *logins;

	begin(tls);
	logins = &world.server->counts[IMAP_LOGIN];
	syncs("a first sync succeeds");
	*logins = 0;
	world.server->odd.refuses_logins = true;
	is_int(world_sync(&world), 77, "a login that is refused is an error");
	is_int((intmax_t)*logins, 1, "the password is tried once");
	world.server->odd.asks_caps = true;
	world.server->odd.refuses_logins = false;
	syncs("without capabilities in the greeting");
	*logins = 0;
	world.server->odd.refuses_logins = true;
	is_int(world_sync(&world), 77, "it is an error, too");
	is_int((intmax_t)*logins, 1, "after one try");
	world.server->odd.refuses_logins = false;
	syncs("nothing is the worse for it");
	end();
}

static void test_dropped(bool tls)
{
	static const int64_t day_ns = INT64_C(86400) * 1000000000;
	uint64_t silences;

	begin(tls);
	syncs("a first sync succeeds");
	world.server->odd.drops_ahead = true;
	silences = world.net.silences;
	syncs("a server that loses what is sent ahead is synced");
	is_int((intmax_t)(world.net.silences - silences), 1,
		"after one silence");
	syncs("and again");
	is_int((intmax_t)(world.net.silences - silences), 1, "without one");
	is_int((intmax_t)world.steps, 0, "and without a change");
	is_flight(1, "LOGIN", "as nothing is sent ahead any more");
	world.server->odd.drops_ahead = false;
	fake_clock_pass(&world.clock, 6 * day_ns);
	syncs("six days later");
	is_flight(1, "LOGIN", "this is still so");
	fake_clock_pass(&world.clock, 2 * day_ns);
	syncs("but after a week");
	is_flight(1, "LOGIN CAPABILITY ID NAMESPACE LIST",
		"it is tried once more");
	syncs("and for good");
	is_int((intmax_t)world.steps, 0, "without a further change");
	is_flight(1, "LOGIN CAPABILITY ID NAMESPACE LIST", "if it went well");
	end();
}

static void test_muddled(bool tls)
{
	begin(tls);
	syncs("a first sync succeeds");
	world.server->odd.muddles_ahead = true;
	(void)connections();
	syncs("a server that gets confused by what is sent ahead is synced");
	is_int((intmax_t)connections(), 2, "by another connection");
	is_int((intmax_t)world.net.silences, 0, "at once");
	syncs("and again");
	is_int((intmax_t)connections(), 1, "by one");
	end();
}

static void test_cut(bool tls)
{
	uint64_t responses;

	begin(tls);
	syncs("a first sync succeeds");
	syncs("and a second one");
	responses = world.responses;
	for (uint64_t at = 1; at < responses; at++) {
		world.server->cut_at = world.server->responses + at;
		world.server->cut_half = at % 2 == 0;
		is_int(world_sync(&world), 0,
			"a connection cut at response %" PRIu64
			" does not end a sync",
			at);
		world.server->cut_at = 0;
		fake_clock_pass(&world.clock, INT64_C(8) * 86400 * 1000000000);
		(void)world_sync(&world);
	}
	end();
}

static void test_later_logins(void)
{
	begin(false);
	for (unsigned i = 0; i < 24; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "box%u", i);
		(void)fake_server_create(world.server, name, 0);
		world_drop(&world, name, "cur/1.here:2,S", i);
	}
	world.account.connections = 3;
	world.net.round_trip_ns = 40000000; /* or one would do */
	(void)connections();
	syncs("several connections sync");
	ok(connections() > 1, "they do");
	no_complaints();
	end();
}

enum {
	MUCH = 4 << 20,
	LITTLE = 10 << 10,
};

/* A message's text of at least so many bytes, different each time. */
static void large_text(struct buf *text, size_t bytes)
{
	static unsigned number = 100;

	world_message(text, number++);
	while (text->len < bytes)
		buf_addz(text, "Much ado about nothing.\r\n");
}

/* How often a sync compresses that fetches so many bytes, if any, from a server
 * whose steps on the wire take so long. */
static int compresses(int64_t tick_ms, size_t bytes)
{
	uint64_t *asked = &world.server->counts[IMAP_COMPRESS];
	struct buf text = {0};

	if (bytes > 0) {
		large_text(&text, bytes);
		fake_mailbox_append(fake_server_find(world.server, "INBOX"),
			buf_str(&text), 0, world_day);
	}
	buf_clear(&text);
	*asked = 0;
	world.clock.tick_ns = tick_ms * 1000000;
	syncs("a sync succeeds");
	world.clock.tick_ns = 1000;
	return (int)*asked;
}

static void put_large(void)
{
	struct buf text = {0};

	large_text(&text, MUCH);
	world_put(&world, "INBOX", "cur/large.here:2,", buf_str(&text),
		world_day.utc_seconds);
	buf_clear(&text);
}

/* A line to this machine is fast, whatever the turns on it take. */
static void test_compress_near(const char *host)
{
	const char *const *tunnel;

	begin(false);
	tunnel = world.account.tunnel.argv;
	imap_caps_set(&world.server->caps, IMAP_CAP_COMPRESS_DEFLATE);
	world.ports.deflate.open = deflate_open;
	world.account.tunnel.argv = NULL;
	world.account.host = host;
	is_int(compresses(40, MUCH), 0, "a line to %s is not compressed", host);
	world.account.tunnel.argv = tunnel;
	world.account.host = NULL;
	end();
}

static void test_compress(bool tls)
{
	static const char *const tunnel[] = {"ssh", "server", NULL};

	begin(tls);
	imap_caps_set(&world.server->caps, IMAP_CAP_COMPRESS_DEFLATE);
	world.ports.deflate.open = deflate_open;
	world.account.compress = ACCOUNT_COMPRESS_ON;
	is_int(compresses(0, LITTLE), 1,
		"a line is compressed if that is wanted");
	world.account.compress = ACCOUNT_COMPRESS_OFF;
	is_int(compresses(40, MUCH), 0, "and not if it is not");
	world.account.compress = ACCOUNT_COMPRESS_AUTO;
	is_int(compresses(40, MUCH), 0, "through a tunnel not by itself");
	no_complaints();
	end();

	begin(tls);
	imap_caps_set(&world.server->caps, IMAP_CAP_COMPRESS_DEFLATE);
	world.ports.deflate.open = deflate_open;
	world.account.tunnel.argv = NULL;
	world.account.host = "mail.example.org";
	world.account.allow_cleartext = true;
	is_int(compresses(3, MUCH), 0, "a fast line is not");
	is_int(compresses(40, MUCH), 1, "but a slow one is, for much");
	is_int(compresses(40, LITTLE), 0, "not for little");
	is_int(compresses(40, 0), 0, "nor for nothing");
	put_large();
	is_int(compresses(40, 0), 1, "but where much is to be sent, too");
	imap_caps_set(&world.server->caps, IMAP_CAP_IDLE);
	world.server->caps.known &= ~((uint64_t)1 << IMAP_CAP_COMPRESS_DEFLATE);
	is_int(compresses(40, MUCH), 0, "if the server can");
	no_complaints();
	world.account.tunnel.argv = tunnel;
	world.account.host = NULL;
	end();
}

int main(void)
{
	test_clear();
	test_tls();
	for (int tls = 0; tls < 2; tls++) {
		test_other_server(tls);
		test_refused(tls);
		test_dropped(tls);
		test_muddled(tls);
		test_cut(tls);
		test_compress(tls);
	}
	test_compress_near("localhost");
	test_compress_near("127.0.0.1");
	test_compress_near("::1");
	test_later_logins();
	return tap_done();
}
