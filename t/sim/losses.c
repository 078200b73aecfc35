/*
 * losses: a server that ends each session after a few commands.
 */
#include "tap.h"
#include "world.h"

static const struct imap_date day = {1600000000, 120};

static void begin(struct world *world)
{
	world_init(world, 1);
	imap_caps_set(&world->server->caps, IMAP_CAP_UIDPLUS);
	imap_caps_set(&world->server->caps, IMAP_CAP_LITERAL_PLUS);
	world->account.connections = 1;
}

static struct fake_mailbox *inbox(struct world *world)
{
	return fake_server_find(world->server, "INBOX");
}

/* New files in the Maildir, all of one size. */
static void put(struct world *world, unsigned count)
{
	struct buf text = {0};
	struct buf name = {0};

	for (unsigned i = 0; i < count; i++) {
		buf_reset(&text);
		buf_reset(&name);
		buf_addf(&text, "Subject: %02u\r\n\r\nNumber %02u\r\n", i, i);
		buf_addf(&name, "cur/%u.here:2,", i);
		world_put(world, "INBOX", buf_z(&name), buf_str(&text),
			day.utc_seconds);
	}
	buf_clear(&text);
	buf_clear(&name);
}

static void is_in_step(struct world *world, const char *sentence)
{
	struct buf why = {0};
	bool is_ok = world_in_step(world, &why) &&
		     world_journal_ok(world, &why) &&
		     world->server->complaints.len == 0;

	if (!ok(is_ok, "%s", sentence)) {
		tap_note("%s", buf_z(&why));
		world_tell(world);
	}
	buf_clear(&why);
}

/* What the second session sends must not be taken for what the first sent. */
static void test_upload_cut_once(void)
{
	struct world world;

	begin(&world);
	put(&world, 8);
	world.server->odd.patience = 10;
	if (!is_int(world_sync(&world), 0,
		    "an upload that is cut off goes on by another connection"))
		world_tell(&world);
	is_int((intmax_t)world.server->sessions, 2, "which is the second");
	is_int((intmax_t)inbox(&world)->count, 8, "each file is sent once");
	is_in_step(&world, "and both sides are equal");
	world_clear(&world);
}

int main(void)
{
	test_upload_cut_once();
	return tap_done();
}
