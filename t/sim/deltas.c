/*
 * deltas: what a look at changes costs, and that it believes nothing wrong.
 *
 * A server that can prove that nothing has changed is not asked for more; what
 * has changed is asked for alone. When numbers go down, are not kept, or do not
 * add up, all is looked at, and nothing is lost.
 */
#include "tap.h"
#include "world.h"

#include <string.h>

enum {
	MESSAGES = 40,
};

static const struct imap_date day = {1600000000, 120};

/* A server, by what it offers. */
struct kind {
	const char *name;
	enum imap_cap caps[6]; /* up to IMAP4rev1 */
	bool proves;
};

static const struct kind kinds[] = {
	{"QRESYNC",
		{IMAP_CAP_ENABLE, IMAP_CAP_CONDSTORE, IMAP_CAP_QRESYNC,
			IMAP_CAP_LIST_EXTENDED, IMAP_CAP_LIST_STATUS},
		true},
	{"CONDSTORE", {IMAP_CAP_CONDSTORE, IMAP_CAP_ESEARCH}, true},
	{"neither", {IMAP_CAP_IMAP4REV1}, false},
};

static struct fake_mailbox *inbox_of(struct world *world)
{
	return fake_server_find(world->server, "INBOX");
}

static void append(struct world *world, const char *mailbox, unsigned number)
{
	struct buf text = {0};

	world_message(&text, number);
	fake_mailbox_append(fake_server_find(world->server, mailbox),
		buf_str(&text), FAKE_SEEN, day);
	buf_clear(&text);
}

static void put(struct world *world, const char *file, unsigned number)
{
	struct buf text = {0};

	world_message(&text, number);
	world_put(world, "INBOX", file, buf_str(&text), day.utc_seconds);
	buf_clear(&text);
}

/* Two mailboxes in step. */
static void begin(struct world *world, const struct kind *kind)
{
	world_init(world, 1);
	world->traces = true;
	imap_caps_set(&world->server->caps, IMAP_CAP_UIDPLUS);
	for (size_t i = 0; kind->caps[i] != IMAP_CAP_IMAP4REV1; i++)
		imap_caps_set(&world->server->caps, kind->caps[i]);
	fake_server_create(world->server, "A", 0);
	for (unsigned i = 1; i <= MESSAGES; i++)
		append(world, "INBOX", i);
	append(world, "A", 100);
	check(world_sync(world) == 0);
}

static uint64_t cost(const struct world *world, enum imap_command_kind kind)
{
	return world->traffic.counts[kind];
}

/* A sync that brings both sides in step, and has nothing to complain of. */
static void syncs(struct world *world, const char *kind, const char *what)
{
	struct buf why = {0};
	bool good = world_sync(world) == 0 && world_in_step(world, &why) &&
		    world_journal_ok(world, &why) &&
		    world->server->complaints.len == 0;

	if (!ok(good, "%s: %s", kind, what)) {
		tap_note("%s", buf_z(&why));
		world_tell(world);
	}
	buf_clear(&why);
}

static void rests(struct world *world, const struct kind *kind)
{
	is_int(world_sync(world), 0, "%s: the next one succeeds", kind->name);
	is_int((intmax_t)world->steps, 0, "%s: it writes nothing", kind->name);
	is_int((intmax_t)cost(world, IMAP_SELECT), kind->proves ? 0 : 2,
		"%s: and opens what cannot prove its state", kind->name);
}

static void test_costs(const struct kind *kind)
{
	struct world world;
	uint64_t full;

	begin(&world, kind);
	rests(&world, kind);
	full = world.traffic.bytes_out;

	inbox_of(&world)->messages[3].flags = FAKE_FLAGGED;
	append(&world, "INBOX", 50);
	syncs(&world, kind->name, "a flag and a message on the server");
	is_int((intmax_t)cost(&world, IMAP_SELECT), kind->proves ? 1 : 2,
		"%s: one mailbox is opened, or both", kind->name);
	if (kind->proves)
		ok(strstr(buf_z(&world.wire), "UID 20 FLAGS") == NULL,
			"%s: other messages are not told", kind->name);
	else
		ok(world.traffic.bytes_out > full, "%s: all messages are told",
			kind->name);
	rests(&world, kind);

	fake_mailbox_expunge(inbox_of(&world), 7);
	syncs(&world, kind->name, "a message expunged on the server");
	is_int((intmax_t)cost(&world, IMAP_SEARCH),
		kind->caps[1] == IMAP_CAP_ESEARCH,
		"%s: only CONDSTORE has to search for it", kind->name);
	rests(&world, kind);

	put(&world, "cur/1.here:2,F", 60);
	syncs(&world, kind->name, "a message in the Maildir");
	rests(&world, kind);
	world_clear(&world);
}

/* What may be wrong about a mailbox, beside what has changed in it. */
static void rebuilt(struct world *world)
{
	fake_mailbox_rebuild(inbox_of(world));
}

static void forgotten(struct world *world)
{
	fake_mailbox_forget(inbox_of(world));
}

static void lower(struct world *world)
{
	inbox_of(world)->modseq_lie = -5;
}

static void not_kept(struct world *world)
{
	inbox_of(world)->nomodseq = true;
}

static void renumbered(struct world *world)
{
	fake_server_renumber(world->server, inbox_of(world));
}

static void all_vanished(struct world *world)
{
	world->server->odd.vanished_all = FAKE_FOR_EVER;
}

static void vanished_gap(struct world *world)
{
	world->server->odd.vanished_gaps = FAKE_FOR_EVER;
}

static void in_pieces(struct world *world)
{
	world->server->odd.vanished_pieces = true;
}

static void ignores_since(struct world *world)
{
	world->server->odd.ignores_since = true;
}

static void enables_nothing(struct world *world)
{
	world->server->odd.enables_nothing = true;
}

static void no_uidnext(struct world *world)
{
	world->server->odd.no_uidnext = true;
	world->server->odd.empty_status = true;
}

static void lying_status(struct world *world)
{
	inbox_of(world)->messages_lie = 3;
}

static const struct {
	const char *what;
	void (*goes_wrong)(struct world *world);
} mishaps[] = {
	{"mod-sequences begin anew", rebuilt},
	{"what was expunged is forgotten", forgotten},
	{"HIGHESTMODSEQ goes down", lower},
	{"mod-sequences are not kept any more", not_kept},
	{"UIDVALIDITY changes", renumbered},
	{"all is said to have vanished", all_vanished},
	{"what has vanished is not all told", vanished_gap},
	{"it is told one by one", in_pieces},
	{"CHANGEDSINCE is ignored", ignores_since},
	{"ENABLE does nothing", enables_nothing},
	{"UIDNEXT does not come", no_uidnext},
	{"STATUS counts what is not there", lying_status},
};

static void test_mishap(const struct kind *kind, size_t at)
{
	struct world world;
	struct buf what = {0};

	begin(&world, kind);
	inbox_of(&world)->messages[3].flags = FAKE_FLAGGED;
	fake_mailbox_expunge(inbox_of(&world), 7);
	fake_mailbox_expunge(inbox_of(&world), 8);
	append(&world, "INBOX", 50);
	mishaps[at].goes_wrong(&world);
	buf_addf(&what, "%s, and both sides are equal", mishaps[at].what);
	syncs(&world, kind->name, buf_z(&what));
	fake_mailbox_expunge(
		inbox_of(&world), inbox_of(&world)->messages[0].uid);
	inbox_of(&world)->messages[4].flags = FAKE_ANSWERED;
	syncs(&world, kind->name, "also after the next change");
	buf_clear(&what);
	world_clear(&world);
}

/* A change that is not shown yet must not be hidden by the number that counts
 * it already. */
static void test_ahead(void)
{
	static const struct kind gmail = {"Gmail",
		{IMAP_CAP_CONDSTORE, IMAP_CAP_X_GM_EXT_1, IMAP_CAP_ESEARCH},
		true};
	const struct fake_action later = {.act = FAKE_TOGGLES,
		.mailbox = "INBOX",
		.message = 5,
		.flags = FAKE_FLAGGED};
	struct world world;

	begin(&world, &gmail);
	world.server->odd.modseq_ahead = true;
	inbox_of(&world)->messages[3].flags = FAKE_ANSWERED;
	fake_server_plan(world.server, 1000, &later);
	check(world_sync(&world) == 0);
	fake_server_run_plans(world.server);
	syncs(&world, gmail.name, "what was counted ahead is found later");
	syncs(&world, gmail.name, "a run more confirms the number");
	rests(&world, &gmail);
	world_clear(&world);
}

int main(void)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		test_costs(&kinds[i]);
		for (size_t k = 0; k < sizeof(mishaps) / sizeof(mishaps[0]);
			k++)
			test_mishap(&kinds[i], k);
	}
	test_ahead();
	return tap_done();
}
