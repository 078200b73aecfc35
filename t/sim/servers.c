/* servers: a sync with a server like each of those in the field. */
#include "tap.h"
#include "world.h"

static void syncs(struct world *world, const char *kind, const char *what)
{
	struct buf why = {0};
	bool is_done = is_int(world_sync(world), 0, "%s: %s", kind, what);

	is_done = ok(world_in_step(world, &why), "%s: both sides are equal",
			  kind) &&
		  is_done;
	is_done =
		is_str(buf_str(&world->server->complaints), STR(""),
			"%s: nothing is asked for that is not offered", kind) &&
		is_done;
	if (!is_done) {
		tap_note("%s", buf_z(&why));
		world_tell(world);
	}
	buf_clear(&why);
}

/* Below the server's prefix, if it has one. */
static const char *below(const struct world *world, struct buf *name)
{
	buf_addf(name, "%sWork", world->server->prefix);
	return buf_z(name);
}

static void test_kind(const char *kind)
{
	struct world world;
	struct buf name = {0};
	const char *work;
	struct fake_mailbox *inbox;

	world_init(&world, 1);
	world.traces = true;
	fake_server_pose(world.server, kind);
	inbox = fake_server_find(world.server, "INBOX");
	work = below(&world, &name);
	fake_server_create(world.server, work, 0);
	for (unsigned i = 1; i <= 5; i++)
		world_give(&world, "INBOX", i, FAKE_SEEN);
	world_give(&world, work, 6, 0);
	world_drop(&world, "INBOX", "new/1.x.host", 7);
	syncs(&world, kind, "a first sync");

	inbox->messages[0].flags = FAKE_SEEN | FAKE_FLAGGED;
	fake_mailbox_expunge(inbox, 2);
	world_give(&world, work, 8, FAKE_SEEN);
	world_drop(&world, work, "cur/2.x.host:2,S", 9);
	syncs(&world, kind, "a second one");

	is_int(world_sync(&world), 0, "%s: a third", kind);
	is_int((intmax_t)world.steps, 0, "%s: which changes nothing", kind);
	buf_clear(&name);
	world_clear(&world);
}

/* Sends the text, then reads until there is no more; what came, in *got. */
static void talk(struct fake_net *net, struct net_stream *stream,
	const char *text, struct buf *got)
{
	const struct net_wait wait = {.stream = stream, .want_recv = true};
	char bytes[100];
	struct err err;
	size_t n;

	if (*text != '\0')
		(void)net->port.send(stream, str_of(text), &n, &err);
	net->port.wait(net, &wait, 1, 0);
	buf_reset(got);
	while (net->port.recv(stream, bytes, sizeof(bytes), &n, &err) == NET_OK)
		buf_add(got, (struct str){bytes, n});
}

static void test_flights(void)
{
	struct world world;
	struct fake_net *net = &world.net;
	struct net_stream *stream;
	struct buf got = {0};
	struct err err;
	size_t n;

	world_init(&world, 1);
	net->round_trip_ns = 40000000;
	stream = net->port.open(net, NULL, &err);
	ok(net->port.send(stream, STR("a"), &n, &err) == NET_AGAIN,
		"what is far takes nothing before it is connected");
	talk(net, stream, "", &got);
	ok(str_ends(buf_str(&got), STR("ready\r\n")), "then it greets");
	is_int((intmax_t)net->flights, 1, "after one flight");
	talk(net, stream, "a1 NOOP\r\na2 NOOP\r\na3 NOOP\r\n", &got);
	is_str(buf_str(&got),
		STR("a1 OK Nothing done\r\na2 OK Nothing done\r\n"
		    "a3 OK Nothing done\r\n"),
		"commands in a row are answered in a row");
	is_int((intmax_t)net->flights, 2, "and take one flight");
	talk(net, stream, "a4 NOOP\r\n", &got);
	talk(net, stream, "a5 NOOP\r\n", &got);
	is_int((intmax_t)net->flights, 4, "one by one, each takes its own");
	net->port.close(&stream);
	buf_clear(&got);
	world_clear(&world);
}

static void test_traffic(void)
{
	struct world near;
	struct world far;

	world_init(&near, 1);
	world_init(&far, 1);
	far.net.round_trip_ns = 40000000;
	world_give(&near, "INBOX", 1, FAKE_SEEN);
	world_give(&far, "INBOX", 1, FAKE_SEEN);
	is_int(world_sync(&near), 0, "a sync with a server that is near");
	is_int(world_sync(&far), 0, "and with one that is far");
	ok(near.traffic.commands > 0 &&
			near.traffic.commands == far.traffic.commands,
		"take as many commands");
	ok(near.traffic.bytes_in == far.traffic.bytes_in &&
			near.traffic.bytes_out == far.traffic.bytes_out &&
			near.traffic.bytes_in > 0,
		"and bytes");
	is_int((intmax_t)near.traffic.flights, 0, "what is near needs none");
	ok(far.traffic.flights > 1 &&
			far.traffic.flights <=
				far.traffic.commands + far.traffic.connections,
		"but flights: no more than commands and connections");
	ok(far.clock.now_ns >= (int64_t)far.traffic.flights * 40000000,
		"which take their time");
	is_int((intmax_t)near.traffic.counts[IMAP_SELECT] +
			(intmax_t)near.traffic.counts[IMAP_EXAMINE],
		1, "and one mailbox is opened");
	(void)world_sync(&near);
	ok(near.traffic.commands < near.server->commands,
		"a run is counted by itself");
	world_clear(&near);
	world_clear(&far);
}

int main(void)
{
	test_flights();
	test_traffic();
	for (size_t i = 0; fake_server_kind(i) != NULL; i++)
		test_kind(fake_server_kind(i));
	return tap_done();
}
