/*
 * deltas: what a look at changes costs, and that it believes nothing wrong.
 *
 * A server that can prove that nothing has changed is not asked for more; what
 * has changed is asked for alone. When numbers go down, are not kept, or do not
 * add up, all is looked at, and nothing is lost.
 */
#include "tap.h"
#include "world.h"

#include <inttypes.h>
#include <string.h>

enum {
	MESSAGES = 40,
	COMMANDS = 12, /* of a sync of two mailboxes, about */
};

/* A server, by what it offers. */
struct kind {
	const char *name;
	const char *caps; /* beside UIDPLUS */
	bool proves;
	bool searches; /* it has to be asked for what was expunged */
};

static const struct kind kinds[] = {
	{"QRESYNC", "ENABLE CONDSTORE QRESYNC LIST-EXTENDED LIST-STATUS", true,
		false},
	{"CONDSTORE", "CONDSTORE ESEARCH", true, true},
	{"neither", "", false, false},
};

/* Two mailboxes in step. */
static void begin(struct world *world, const struct kind *kind)
{
	world_init(world, 1);
	world->traces = true;
	world_offer(world, "UIDPLUS");
	world_offer(world, kind->caps);
	fake_server_create(world->server, "A", 0);
	for (unsigned i = 1; i <= MESSAGES; i++)
		world_give(world, "INBOX", i, FAKE_SEEN);
	world_give(world, "A", 100, FAKE_SEEN);
	check(world_sync(world) == 0);
}

static uint64_t cost(const struct world *world, enum imap_command_kind kind)
{
	return world->traffic.counts[kind];
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

	world_box(&world, "INBOX")->messages[3].flags = FAKE_FLAGGED;
	world_give(&world, "INBOX", 50, FAKE_SEEN);
	world_ends_well(
		&world, kind->name, "a flag and a message on the server");
	is_int((intmax_t)cost(&world, IMAP_SELECT), kind->proves ? 1 : 2,
		"%s: one mailbox is opened, or both", kind->name);
	if (kind->proves)
		ok(strstr(buf_z(&world.wire), "UID 20 FLAGS") == NULL,
			"%s: other messages are not told", kind->name);
	else
		ok(world.traffic.bytes_out > full, "%s: all messages are told",
			kind->name);
	rests(&world, kind);

	fake_mailbox_expunge(world_box(&world, "INBOX"), 7);
	world_ends_well(&world, kind->name, "a message expunged on the server");
	is_int((intmax_t)cost(&world, IMAP_SEARCH), kind->searches,
		"%s: only CONDSTORE has to search for it", kind->name);
	rests(&world, kind);

	world_drop(&world, "INBOX", "cur/1.here:2,F", 60);
	world_ends_well(&world, kind->name, "a message in the Maildir");
	rests(&world, kind);
	world_clear(&world);
}

/* What may be wrong about a mailbox, beside what has changed in it. */
static void rebuilt(struct world *world)
{
	fake_mailbox_rebuild(world_box(world, "INBOX"));
}

static void forgotten(struct world *world)
{
	fake_mailbox_forget(world_box(world, "INBOX"));
}

static void lower(struct world *world)
{
	world_box(world, "INBOX")->modseq_lie = -5;
}

static void not_kept(struct world *world)
{
	world_box(world, "INBOX")->nomodseq = true;
}

static void renumbered(struct world *world)
{
	fake_server_renumber(world->server, world_box(world, "INBOX"));
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
	world_box(world, "INBOX")->messages_lie = 3;
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
	world_box(&world, "INBOX")->messages[3].flags = FAKE_FLAGGED;
	fake_mailbox_expunge(world_box(&world, "INBOX"), 7);
	fake_mailbox_expunge(world_box(&world, "INBOX"), 8);
	world_give(&world, "INBOX", 50, FAKE_SEEN);
	mishaps[at].goes_wrong(&world);
	buf_addf(&what, "%s, and both sides are equal", mishaps[at].what);
	world_ends_well(&world, kind->name, buf_z(&what));
	fake_mailbox_expunge(world_box(&world, "INBOX"),
		world_box(&world, "INBOX")->messages[0].uid);
	world_box(&world, "INBOX")->messages[4].flags = FAKE_ANSWERED;
	world_ends_well(&world, kind->name, "also after the next change");
	buf_clear(&what);
	world_clear(&world);
}

/* A change that is not shown yet must not be hidden by the number that counts
 * it already. */
static void test_ahead(void)
{
	static const struct kind gmail = {
		"Gmail", "CONDSTORE X-GM-EXT-1 ESEARCH", true, true};
	const struct fake_action later = {.act = FAKE_TOGGLES,
		.mailbox = "INBOX",
		.message = 5,
		.flags = FAKE_FLAGGED};
	struct world world;

	begin(&world, &gmail);
	world.server->odd.modseq_ahead = true;
	world_box(&world, "INBOX")->messages[3].flags = FAKE_ANSWERED;
	fake_server_plan(world.server, 1000, &later);
	check(world_sync(&world) == 0);
	fake_server_run_plans(world.server);
	world_ends_well(
		&world, gmail.name, "what was counted ahead is found later");
	world_ends_well(&world, gmail.name, "a run more confirms the number");
	rests(&world, &gmail);
	world_clear(&world);
}

/* A SELECT that shows nothing, though STATUS counts something. */
static void test_behind(const struct kind *kind)
{
	struct world world;

	begin(&world, kind);
	fake_server_create(world.server, "N", 0);
	world_give(&world, "N", 60, 0);
	world.server->odd.exists_none = FAKE_FOR_EVER;
	for (int i = 0; i < 3; i++)
		(void)world_sync(&world);
	world.server->odd.exists_none = 0;
	world_ends_well(&world, kind->name,
		"what a SELECT did not show yet comes later");
	world_clear(&world);
}

/* VANISHED may agree with EXISTS and be as wrong. */
static void test_all_gone(const struct kind *kind)
{
	struct world world;

	begin(&world, kind);
	world_box(&world, "INBOX")->messages[3].flags = FAKE_FLAGGED;
	world.server->odd.exists_none = FAKE_FOR_EVER;
	world.server->odd.vanished_all = FAKE_FOR_EVER;
	world.account.guard.max_delete_percent = 100;
	(void)world_sync(&world);
	is_int((intmax_t)world_file_count(&world, "INBOX"), MESSAGES,
		"%s: that all is gone is not believed", kind->name);
	world.server->odd.exists_none = 0;
	world.server->odd.vanished_all = 0;
	world_ends_well(&world, kind->name, "nor was it");
	while (world_box(&world, "INBOX")->count > 0)
		fake_mailbox_expunge(world_box(&world, "INBOX"),
			world_box(&world, "INBOX")->messages[0].uid);
	world_ends_well(&world, kind->name, "until it is so");
	rests(&world, kind);
	world_clear(&world);
}

/* The n-th call fails of a sync that changes both mailboxes. Whether a change
 * that comes after that is asked for alone; or the sync has fewer calls. */
static bool is_vouched_for(uint64_t call, bool *fewer_r)
{
	struct world world;
	struct buf why = {0};
	bool is_ok;

	begin(&world, &kinds[0]);
	world_box(&world, "A")->messages[0].flags = FAKE_FLAGGED;
	fake_mailbox_expunge(world_box(&world, "INBOX"), 7);
	world.fate.fail_at = world.fate.calls + call;
	(void)world_sync(&world);
	*fewer_r = world.fate.calls < world.fate.fail_at;
	world.fate.fail_at = 0;
	(void)world_sync(&world);
	world_box(&world, "INBOX")->messages[3].flags = FAKE_FLAGGED;
	is_ok = world_sync(&world) == 0 && world_in_step(&world, &why) &&
		strstr(buf_z(&world.wire), "UID 20 FLAGS") == NULL;
	if (!is_ok) {
		tap_note("call %" PRIu64 ": %s", call, buf_z(&why));
		world_tell(&world);
	}
	buf_clear(&why);
	world_clear(&world);
	return is_ok;
}

static void test_beside_failure(void)
{
	bool is_ok = true;
	bool fewer = false;
	uint64_t call;

	for (call = 1; !fewer && is_ok; call++)
		is_ok = is_vouched_for(call, &fewer);
	ok(is_ok && call > 50,
		"what was done in a mailbox is vouched for, though another one "
		"fails");
}

/* Drafts, most of the time. */
static void test_came_and_went(const struct kind *kind)
{
	struct world world;

	begin(&world, kind);
	fake_server_create(world.server, "N", 0);
	check(world_sync(&world) == 0);
	fake_mailbox_expunge(
		world_box(&world, "N"), world_give(&world, "N", 60, 0)->uid);
	world_ends_well(
		&world, kind->name, "a message that came and went meanwhile");
	if (kind->proves)
		is_int((intmax_t)(cost(&world, IMAP_SEARCH) +
				  cost(&world, IMAP_FETCH)),
			0, "%s: has nothing asked of an empty mailbox",
			kind->name);
	if (kind->proves)
		rests(&world, kind);
	world_clear(&world);
}

/* As many are passed over as have gone. */
static void test_passed_over(const struct kind *kind)
{
	struct world world;

	begin(&world, kind);
	fake_mailbox_expunge(world_box(&world, "INBOX"), 7);
	world_give(&world, "INBOX", 50, 0);
	world.server->odd.listing_gaps = 2;
	(void)world_sync(&world);
	world.server->odd.listing_gaps = 0;
	world_ends_well(&world, kind->name,
		"a message that was passed over comes, though the sum was "
		"right without it");
	world_clear(&world);
}

/* Chats are counted, and never shown. */
static void test_chats(void)
{
	static const struct kind gmail = {.name = "Gmail",
		.caps = "UIDPLUS CONDSTORE X-GM-EXT-1 ESEARCH",
		.proves = true};
	struct world world;

	begin(&world, &gmail);
	check(world_sync(&world) == 0);
	world_box(&world, "INBOX")->messages_lie = 3;
	world_ends_well(&world, gmail.name, "what is counted and never shown");
	world_ends_well(&world, gmail.name, "is looked for once more");
	rests(&world, &gmail);
	world_clear(&world);
}

/* A clock that is far ahead makes what has just come too old for `max_age`. */
static void test_wrong_clock(const struct kind *kind)
{
	static const int64_t year_ns = INT64_C(365) * 86400 * 1000000000;
	struct world world;

	begin(&world, kind);
	world.account.limits.max_age_s =
		(uint64_t)world.clock.wall_ns / 1000000000 - 1500000000;
	check(world_sync(&world) == 0);
	fake_clock_jump(&world.clock, 40 * year_ns);
	world_give(&world, "INBOX", 50, FAKE_SEEN);
	check(world_sync(&world) == 0);
	fake_clock_jump(&world.clock, -40 * year_ns);
	world_ends_well(&world, kind->name,
		"what a wrong clock made too old comes when it is right");
	rests(&world, kind);
	world_clear(&world);
}

/* What a server still says of the mailbox that a SELECT leaves, before it says
 * that it is closed (RFC 7162 3.2.11), is nothing about the next one. */
static void test_left_behind(
	const struct kind *kind, uint64_t commands, bool grows)
{
	const struct fake_action meanwhile = {.act = FAKE_TOGGLES,
		.mailbox = "A",
		.message = 0,
		.flags = FAKE_FLAGGED};
	const struct fake_action also = {
		.act = FAKE_COPIES, .mailbox = "A", .to = "A", .message = 1};
	struct world world;
	struct buf what = {0};

	begin(&world, kind);
	world.server->odd.tells_at_last = true;
	world_give(&world, "A", 101, FAKE_SEEN);
	world_give(&world, "INBOX", 50, FAKE_SEEN);
	fake_server_plan(world.server, commands, &meanwhile);
	if (grows)
		fake_server_plan(world.server, commands, &also);
	check(world_sync(&world) == 0);
	fake_server_run_plans(world.server);
	buf_addf(&what,
		"what is told late of another mailbox is not taken for this "
		"one's (%" PRIu64 "%s)",
		commands, grows ? ", which grows" : "");
	world_ends_well(&world, kind->name, buf_z(&what));
	buf_clear(&what);
	world_clear(&world);
}

int main(void)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		test_costs(&kinds[i]);
		test_wrong_clock(&kinds[i]);
		test_behind(&kinds[i]);
		test_all_gone(&kinds[i]);
		test_came_and_went(&kinds[i]);
		test_passed_over(&kinds[i]);
		for (uint64_t k = 1; k <= COMMANDS; k++) {
			test_left_behind(&kinds[i], k, false);
			test_left_behind(&kinds[i], k, true);
		}
		for (size_t k = 0; k < sizeof(mishaps) / sizeof(mishaps[0]);
			k++)
			test_mishap(&kinds[i], k);
	}
	test_beside_failure();
	test_ahead();
	test_chats();
	return tap_done();
}
