/*
 * connections: servers that grant fewer than an account may have, in each way
 * that they do it.
 */
#include "tap.h"
#include "world.h"

#include <stdio.h>
#include <stdlib.h>

#define SECOND_NS INT64_C(1000000000)
#define DAY_NS    (INT64_C(24) * 3600 * SECOND_NS)

enum {
	MAILBOXES = 40,
	WANTED = 4,
	GRANTED = 2,
	TURNED_AWAY = -1, /* in place of an enum fake_refusal */
};

static void mailbox_name(unsigned number, char name[8])
{
	(void)snprintf(name, 8, "m%u", number);
}

/* A far server, so that it pays to have several connections. */
static void begin(struct world *world, int refusal)
{
	world_init(world, 1);
	imap_caps_set(&world->server->caps, IMAP_CAP_UIDPLUS);
	imap_caps_set(&world->server->caps, IMAP_CAP_LITERAL_PLUS);
	world->server->login = true;
	world->server->odd.login_tells = true;
	world->account.connections = WANTED;
	world->net.round_trip_ns = 200000000;
	if (refusal == TURNED_AWAY) {
		world->net.streams_max = GRANTED;
	} else {
		world->server->odd.sessions_max = GRANTED;
		world->server->odd.refusal = (enum fake_refusal)refusal;
	}
	for (unsigned i = 0; i < MAILBOXES; i++) {
		char name[8];

		mailbox_name(i, name);
		fake_server_create(world->server, name, 0);
	}
}

/* Gives every mailbox a message, on either side, and syncs. */
static void work(struct world *world, const char *sentence)
{
	static unsigned number;
	struct buf why = {0};
	bool is_ok;
	int status;

	for (unsigned i = 0; i < MAILBOXES; i++) {
		char name[8];
		char file[32];

		mailbox_name(i, name);
		(void)snprintf(file, sizeof(file), "cur/%u.here:2,", number);
		(void)world_give(world, name, number++, 0);
		world_drop(world, name, file, number++);
	}
	status = world_sync(world);
	is_ok = status == 0 && world_in_step(world, &why) &&
		world->server->complaints.len == 0;
	if (!ok(is_ok, "%s", sentence)) {
		tap_note("status %d: %s", status, buf_z(&why));
		world_tell(world);
	}
	buf_clear(&why);
}

static void opened(const struct world *world, unsigned least, unsigned most,
	const char *sentence)
{
	uint64_t count = world->traffic.connections;

	if (!ok(count >= least && count <= most, "%s", sentence))
		tap_note("%u connections", (unsigned)count);
}

static void test_refusal(int refusal, const char *how)
{
	struct world world;

	tap_note("%s", how);
	begin(&world, refusal);
	work(&world, "a server that refuses connections is used with fewer");
	opened(&world, GRANTED + 1, WANTED + 1, "without insisting");
	work(&world, "the next run is content with what it gets");
	opened(&world, GRANTED, GRANTED, "and tries no more");
	ok(world.server->counts[IMAP_LOGIN] <= WANTED + GRANTED + 1,
		"so that few logins fail");
	fake_clock_pass(&world.clock, 6 * DAY_NS);
	work(&world, "the same some days later");
	opened(&world, GRANTED, GRANTED, "without another try");
	fake_clock_pass(&world.clock, 2 * DAY_NS);
	work(&world, "after a week the server is asked again");
	opened(&world, GRANTED + 1, WANTED + 1, "for more");
	work(&world, "and refuses them again");
	opened(&world, GRANTED, GRANTED, "for another week");
	fake_clock_pass(&world.clock, 8 * DAY_NS);
	world.net.streams_max = 0;
	world.server->odd.sessions_max = 0;
	work(&world, "until it grants more");
	opened(&world, GRANTED + 1, WANTED, "which are used then");
	work(&world, "from then on");
	opened(&world, GRANTED + 1, WANTED, "all of them");
	world_clear(&world);
}

/* What a session says that was let in and is ended at work may be about
 * anything: it is no limit to be remembered, but no reason to insist, either.
 */
static void test_ended_late(void)
{
	struct world world;

	begin(&world, FAKE_REFUSAL_LATE);
	for (unsigned i = 0; i < 3; i++) {
		work(&world, "a server that ends connections at work is used "
			     "with those that it bears");
		opened(&world, GRANTED + 1, WANTED + 1, "without insisting");
	}
	world_clear(&world);
}

/* A server that takes its time for each login beside another. */
static void test_slow_logins(unsigned slow_s)
{
	struct world world;
	int64_t before_ns;
	int64_t took_s;

	begin(&world, TURNED_AWAY);
	world.net.streams_max = 0;
	world.net.slow_ns = slow_s * SECOND_NS;
	for (unsigned i = 0; i < 2; i++) {
		before_ns = world.clock.now_ns;
		work(&world, "where further logins are slow, work goes on");
		took_s = (world.clock.now_ns - before_ns) / SECOND_NS;
		ok(took_s < 30, "meanwhile: it takes %d s", (int)took_s);
		opened(&world, WANTED, WANTED, "they are tried");
	}
	world_clear(&world);
}

/* One that is started anew in between refuses nobody. */
static void test_restart(void)
{
	struct world world;

	begin(&world, FAKE_REFUSAL_GREETING);
	world.server->odd.sessions_max = 0;
	for (unsigned i = 0; i < 20; i++)
		fake_server_plan(world.server, 60 + i,
			&(struct fake_action){.act = FAKE_DISCONNECTS});
	(void)world_sync(&world);
	fake_server_run_plans(world.server);
	work(&world, "where connections were lost, the next run goes on");
	opened(&world, GRANTED + 1, WANTED, "with as many as ever");
	world_clear(&world);
}

/* All are others'. */
static void test_none_left(void)
{
	struct world world;

	begin(&world, FAKE_REFUSAL_LIMIT);
	world.server->sessions_open = GRANTED;
	is_int(world_sync(&world), 69,
		"a server whose connections are all in use cannot be reached");
	is_int((intmax_t)world.traffic.connections, 1, "and is asked once");
	world.server->sessions_open = 0;
	work(&world, "once they are not, it can");
	world_clear(&world);
}

int main(void)
{
	test_refusal(FAKE_REFUSAL_GREETING, "by its greeting");
	test_refusal(FAKE_REFUSAL_LIMIT, "by its answer to the login");
	test_refusal(FAKE_REFUSAL_BYE, "by ending the connection then");
	test_refusal(TURNED_AWAY, "by closing it at once");
	test_ended_late();
	test_slow_logins(2);
	test_slow_logins(40);
	test_slow_logins(100000);
	test_restart();
	test_none_left();
	return tap_done();
}
