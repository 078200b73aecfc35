/*
 * pairing: both sides have the mail, and the journal does not know it: the
 * mailbox has a new UIDVALIDITY, the journal was deleted, or there never was
 * one. By what messages are, both sides are paired; no body travels but those
 * that are missing.
 */
#include "tap.h"
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	MESSAGES = 12, /* of each mailbox */
	BODY_BYTES = 30000,
	/* All that is said beside bodies: less than one. */
	TALK_BYTES = 25000,
};

static const char *const mailboxes[] = {"INBOX", "A"};

/* A server, by what it offers. */
static const struct kind {
	const char *name;
	enum imap_cap caps[5]; /* up to IMAP4rev1 */
} kinds[] = {
	{"QRESYNC", {IMAP_CAP_UIDPLUS, IMAP_CAP_ENABLE, IMAP_CAP_CONDSTORE,
			    IMAP_CAP_QRESYNC}},
	{"CONDSTORE and OBJECTID",
		{IMAP_CAP_UIDPLUS, IMAP_CAP_CONDSTORE, IMAP_CAP_OBJECTID}},
	{"UIDPLUS", {IMAP_CAP_UIDPLUS}},
	{"none", {IMAP_CAP_IMAP4REV1}},
};

static struct fake_mailbox *box_of(
	const struct world *world, const char *mailbox)
{
	return fake_server_find(world->server, mailbox);
}

/* All headers are of one length, so that only what they say tells messages of
 * one size apart. */
static void big_text(struct buf *out, unsigned number)
{
	buf_addf(out, "Subject: message %04u\r\n\r\n", number);
	for (unsigned i = 0; out->len < BODY_BYTES; i++)
		buf_addf(out, "Line %05u of message %04u.\r\n", i, number);
}

static void give(struct world *world, const char *mailbox, unsigned number)
{
	struct buf text = {0};

	big_text(&text, number);
	fake_mailbox_append(box_of(world, mailbox), buf_str(&text),
		number % 3 == 0 ? FAKE_SEEN : 0, world_day);
	buf_clear(&text);
}

static void drop(struct world *world, const char *mailbox, const char *form,
	unsigned number)
{
	struct buf text = {0};
	char name[64];

	(void)snprintf(
		name, sizeof(name), form, number, number % 3 == 0 ? "S" : "");
	big_text(&text, number);
	world_put(world, mailbox, name, buf_str(&text), world_day.utc_seconds);
	buf_clear(&text);
}

/* Nothing is anywhere yet. */
static void begin(struct world *world, const struct kind *kind)
{
	world_init(world, 1);
	world->traces = true;
	world->account.connections = 1;
	for (size_t i = 0; kind->caps[i] != IMAP_CAP_IMAP4REV1; i++)
		imap_caps_set(&world->server->caps, kind->caps[i]);
	fake_server_create(world->server, "A", 0);
}

static void give_all(struct world *world)
{
	for (unsigned i = 0; i < 2 * MESSAGES; i++)
		give(world, mailboxes[i % 2], i);
}

/* ---- How it comes to that ------------------------------------------------ */

static void renumber(struct world *world)
{
	for (size_t i = 0; i < 2; i++)
		fake_server_renumber(
			world->server, box_of(world, mailboxes[i]));
}

static void lose_journal(struct world *world)
{
	fake_store_wipe(world->store);
}

static void lose_both(struct world *world)
{
	renumber(world);
	lose_journal(world);
}

/* A Maildir that another program has filled. */
static void fill(struct world *world, const char *form)
{
	for (unsigned i = 0; i < 2 * MESSAGES; i++)
		drop(world, mailboxes[i % 2], form, i);
}

static const struct way {
	const char *name;
	void (*come)(struct world *world); /* after a sync */
	const char *form;                  /* of files' names, in its place */
} ways[] = {
	{.name = "a new UIDVALIDITY", .come = renumber},
	{.name = "a deleted journal", .come = lose_journal},
	{.name = "both at once", .come = lose_both},
	{.name = "a first sync over a Maildir", .form = "cur/%u.here:2,%s"},
	/* The numbers are those of another UIDVALIDITY. */
	{.name = "one of mbsync's", .form = "cur/9.%1$u.h,U=%1$u:2,%2$s"},
};

static void come(struct world *world, const struct way *way)
{
	give_all(world);
	if (way->come == NULL) {
		fill(world, way->form);
		return;
	}
	check(world_sync(world) == 0);
	way->come(world);
}

/* ---- What it costs ------------------------------------------------------- */

static size_t count_in(struct buf *text, const char *what)
{
	size_t count = 0;

	for (const char *at = buf_z(text); (at = strstr(at, what)) != NULL;
		at++)
		count++;
	return count;
}

/* A sync that brings both in step, by so many bodies each way. */
static void costs(struct world *world, unsigned down, unsigned up,
	const char *who, const char *what)
{
	struct buf why = {0};
	int status = world_sync(world);
	uint64_t most_down = (uint64_t)down * (BODY_BYTES + 50) + TALK_BYTES;
	uint64_t most_up = (uint64_t)up * (BODY_BYTES + 50) + TALK_BYTES;
	bool is_good =
		status == 0 && world_in_step(world, &why) &&
		world_journal_ok(world, &why) &&
		world->server->complaints.len == 0 &&
		world->traffic.counts[IMAP_APPEND] == up &&
		(down > 0 || count_in(&world->wire, "BODY.PEEK[]") == 0) &&
		world->traffic.bytes_out < most_down &&
		world->traffic.bytes_in < most_up;

	if (!ok(is_good, "%s, %s: %u bodies come, %u go", who, what, down,
		    up)) {
		tap_note("status %d, %u bytes down, %u up, %u APPENDs; %s",
			status, (unsigned)world->traffic.bytes_out,
			(unsigned)world->traffic.bytes_in,
			(unsigned)world->traffic.counts[IMAP_APPEND],
			buf_z(&why));
		world_tell(world);
	}
	buf_clear(&why);
}

static void rests(struct world *world, const char *who, const char *what)
{
	if (!ok(world_sync(world) == 0 && world->steps == 0,
		    "%s, %s: the next run changes nothing", who, what))
		world_tell(world);
}

static void test_all_there(const struct kind *kind, const struct way *way)
{
	struct world world;

	begin(&world, kind);
	come(&world, way);
	costs(&world, 0, 0, kind->name, way->name);
	is_int((intmax_t)box_of(&world, "INBOX")->count, MESSAGES,
		"nothing is doubled");
	rests(&world, kind->name, way->name);
	world_clear(&world);
}

static void test_some_missing(const struct kind *kind, const struct way *way)
{
	struct world world;

	begin(&world, kind);
	come(&world, way);
	give(&world, "INBOX", 1001);
	give(&world, "A", 1002);
	drop(&world, "A", "cur/%u.new:2,%s", 1003);
	costs(&world, 2, 1, kind->name, way->name);
	is_int((intmax_t)box_of(&world, "A")->count, MESSAGES + 2,
		"just what was missing");
	rests(&world, kind->name, way->name);
	world_clear(&world);
}

int main(void)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		for (size_t k = 0; k < sizeof(ways) / sizeof(ways[0]); k++) {
			test_all_there(&kinds[i], &ways[k]);
			test_some_missing(&kinds[i], &ways[k]);
		}
	}
	return tap_done();
}
