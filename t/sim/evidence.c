/*
 * evidence: by how little what was moved on the server is recognised, and that
 * nothing is taken for another message: not with the same Message-ID, size,
 * date or EMAILID.
 */
#include "tap.h"
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	FLOCK = 32, /* as many as make first parts worth it */
};

static const struct imap_date later = {1600000001, 120};

/* ---- Setting ------------------------------------------------------------- */

/* What a message is made of; NULL: the usual. */
struct letter {
	const char *received; /* the number in the server's queue; "": there is
			       * no such field */
	const char *id;       /* of its Message-ID */
	const char *subject;
	const char *text;
	bool is_short;
};

static const char *or_else(const char *given, const char *usual)
{
	return given != NULL ? given : usual;
}

static struct str letter_bytes(struct buf *out, const struct letter *letter)
{
	const char *received = or_else(letter->received, "4XyZ1");

	buf_reset(out);
	buf_addz(out, "Return-Path: <flock@example.net>\r\n");
	if (received[0] != '\0')
		buf_addf(out,
			"Received: from mx.example.net (mx [192.0.2.7])\r\n"
			"\tby mail.example.org with ESMTPS id %s\r\n"
			"\tfor <bird@example.org>; Sun, 13 Sep 2020\r\n",
			received);
	buf_addf(out, "Message-ID: <%s@example.net>\r\n",
		or_else(letter->id, "one"));
	for (int i = 0; !letter->is_short && i < 12; i++)
		buf_addf(
			out, "X-Trace-%02d: so it goes from hop to hop\r\n", i);
	buf_addf(out, "Subject: %s\r\n\r\n%s\r\n",
		or_else(letter->subject, "North"),
		or_else(letter->text, "All is well."));
	return buf_str(out);
}

static struct fake_message *give(struct world *world, const char *mailbox,
	const struct letter *letter, struct imap_date date)
{
	struct buf bytes = {0};
	struct fake_message *message =
		fake_mailbox_append(world_box(world, mailbox),
			letter_bytes(&bytes, letter), 0, date);

	buf_clear(&bytes);
	return message;
}

static void begin(struct world *world, const char *caps)
{
	world_init(world, 1);
	world_offer(world, caps);
	world->traces = true;
	fake_server_create(world->server, "A", 0);
	fake_server_create(world->server, "B", 0);
}

/* Something else that is known, in A. */
static void give_other(struct world *world)
{
	(void)give(world, "A", &(struct letter){.id = "other", .received = "9"},
		later);
}

/* Many that were delivered, in A. */
static void give_flock(struct world *world)
{
	for (int i = 0; i < FLOCK; i++) {
		char number[16];
		const struct letter letter = {.id = number, .received = number};

		(void)snprintf(number, sizeof(number), "f%02d", i);
		(void)give(world, "A", &letter,
			(struct imap_date){1500000000 + i, 0});
	}
}

/* All of A that is left goes to B. */
static void move_all(struct world *world)
{
	while (world_box(world, "A")->count > 0) {
		uint32_t uid = world_box(world, "A")->messages[0].uid;

		(void)fake_mailbox_copy(
			world_box(world, "A"), uid, world_box(world, "B"));
		fake_mailbox_expunge(world_box(world, "A"), uid);
	}
}

static void expunge_first(struct world *world)
{
	fake_mailbox_expunge(
		world_box(world, "A"), world_box(world, "A")->messages[0].uid);
}

/* The first message of A goes to B. */
static void move_first(struct world *world)
{
	(void)fake_mailbox_copy(world_box(world, "A"),
		world_box(world, "A")->messages[0].uid, world_box(world, "B"));
	expunge_first(world);
}

/* How the new one was told. */
enum told {
	BY_NOTHING,
	BY_PART,
	BY_HEADER, /* at once */
	BY_BOTH,   /* the header, after the part did not tell */
};

static bool asked(const struct world *world, const char *item)
{
	return strstr(buf_z((struct buf *)&world->wire), item) != NULL;
}

static enum told how(const struct world *world)
{
	bool part = asked(world, "BODY.PEEK[HEADER]<0.384>)");
	bool header = asked(world, "BODY.PEEK[HEADER])");

	if (part)
		return header ? BY_BOTH : BY_PART;
	return header ? BY_HEADER : BY_NOTHING;
}

static bool downloaded(const struct world *world)
{
	return asked(world, "BODY.PEEK[])");
}

/* One sync; both sides are equal then, byte by byte. */
static void ends(
	struct world *world, enum told told, bool moved, const char *what)
{
	bool good;

	world_ends_well(world, what, "both sides are equal");
	good = is_int((intmax_t)how(world), (intmax_t)told,
		"%s: as little is asked", what);
	good = is_int(downloaded(world), !moved,
		       moved ? "%s: no body travels" : "%s: it is fetched",
		       what) &&
	       good;
	if (!good)
		world_tell(world);
	world_rests(world, what);
}

/* ---- By EMAILID ---------------------------------------------------------- */

static void test_key(const char *cap)
{
	const struct letter letter = {0};
	struct world world;

	begin(&world, cap);
	(void)give(&world, "A", &letter, world_day);
	give_other(&world);
	check(world_sync(&world) == 0);
	move_first(&world);
	ends(&world, BY_NOTHING, true, cap);
	(void)fake_mailbox_copy(
		world_box(&world, "B"), 1, world_box(&world, "A"));
	ends(&world, BY_NOTHING, true, "copied back");
	world_clear(&world);

	begin(&world, cap);
	(void)give(&world, "A", &letter, world_day);
	check(world_sync(&world) == 0);
	move_first(&world);
	ends(&world, BY_HEADER, true, "the only one that there is");
	world_clear(&world);
}

/* It stays what the server called it, wherever it goes. */
static void test_key_kept(void)
{
	struct world_files files;
	struct world world;
	struct buf path = {0};

	begin(&world, "OBJECTID UIDPLUS MOVE");
	(void)give(&world, "A", &(struct letter){0}, world_day);
	give_other(&world);
	check(world_sync(&world) == 0);
	move_first(&world);
	check(world_sync(&world) == 0);
	world_files(&world, "B", &files);
	check(files.count == 1);
	world_path(&world, "A", "cur/moved:2,S", &path);
	fake_fs_rename(world.fs, files.items[0].path, buf_z(&path));
	free(files.items);
	buf_clear(&path);
	check(world_sync(&world) == 0);
	is_int((intmax_t)world_box(&world, "A")->count, 2, "moved back here");
	(void)fake_mailbox_copy(
		world_box(&world, "A"), 3, world_box(&world, "B"));
	ends(&world, BY_NOTHING, true, "and copied there");
	world_clear(&world);
}

/* A journal of before does not know it. */
static void test_key_late(void)
{
	struct world world;

	begin(&world, "IDLE");
	give_flock(&world);
	check(world_sync(&world) == 0);
	imap_caps_set(&world.server->caps, IMAP_CAP_OBJECTID);
	move_all(&world);
	ends(&world, BY_PART, true,
		"those that have no EMAILID in the journal");
	world_clear(&world);
}

static void call_all(struct fake_mailbox *mailbox, uint64_t object)
{
	for (size_t i = 0; i < mailbox->count; i++)
		mailbox->messages[i].object = object;
}

/* In place of the first message of A there is another one in B. */
static void swap(
	struct world *world, const struct letter *letter, struct imap_date date)
{
	expunge_first(world);
	(void)give(world, "B", letter, date);
}

static void test_one_key(size_t others)
{
	struct world world;

	begin(&world, "OBJECTID");
	(void)give(&world, "A", &(struct letter){0}, world_day);
	if (others > 0)
		give_other(&world);
	call_all(world_box(&world, "A"), 7);
	check(world_sync(&world) == 0);
	swap(&world, &(struct letter){.subject = "South"}, world_day);
	call_all(world_box(&world, "B"), 7);
	ends(&world, BY_HEADER, false,
		"a server that calls all messages by one EMAILID");
	world_clear(&world);
}

/* Two that differ in size have one EMAILID, as the new ones show. */
static void test_keys_fail(void)
{
	struct world world;

	begin(&world, "OBJECTID");
	(void)give(&world, "A", &(struct letter){0}, world_day);
	give_other(&world);
	check(world_sync(&world) == 0);
	swap(&world, &(struct letter){.subject = "South"}, world_day);
	(void)give(&world, "B",
		&(struct letter){.id = "other", .received = "8"}, later);
	call_all(world_box(&world, "B"),
		world_box(&world, "A")->messages[0].object);
	ends(&world, BY_HEADER, false, "a server whose EMAILIDs lie");
	world_clear(&world);
}

/* ---- By the first part --------------------------------------------------- */

static void test_part(void)
{
	struct world world;

	begin(&world, "IDLE");
	give_flock(&world);
	check(world_sync(&world) == 0);
	move_all(&world);
	ends(&world, BY_PART, true, "messages that were delivered");
	for (uint32_t uid = 1; uid <= FLOCK; uid++)
		(void)fake_mailbox_copy(
			world_box(&world, "B"), uid, world_box(&world, "A"));
	ends(&world, BY_HEADER, true, "such that were copied");
	world_clear(&world);

	begin(&world, "IDLE");
	give_flock(&world);
	check(world_sync(&world) == 0);
	move_first(&world);
	ends(&world, BY_HEADER, true, "one alone");
	world_clear(&world);

	begin(&world, "IDLE");
	give_flock(&world);
	(void)give(&world, "A", &(struct letter){.is_short = true}, world_day);
	check(world_sync(&world) == 0);
	move_all(&world);
	ends(&world, BY_PART, true, "and one whose header is all in it");
	world_clear(&world);
}

/* What is in B instead of what was in A. */
struct twin {
	const char *what;
	struct letter known;
	struct letter fresh;
	struct imap_date date;
	enum told told;
};

static void test_twins(void)
{
	static const struct twin twins[] = {
		{"the list's copy of a letter", {.received = "4XyZ1"},
			{.received = "4XyZ2"}, {1600000000, 120}, BY_BOTH},
		{"one of another second, with another tail",
			{.subject = "North"}, {.subject = "South"},
			{1600000001, 120}, BY_BOTH},
		{"a draft, saved again in the same second",
			{.received = "", .subject = "North"},
			{.received = "", .subject = "South"}, {1600000000, 120},
			BY_BOTH},
		{"a short draft, saved again",
			{.received = "", .subject = "North", .is_short = true},
			{.received = "", .subject = "South", .is_short = true},
			{1600000000, 120}, BY_PART},
		{"one of another Message-ID", {.id = "one"}, {.id = "two"},
			{1600000000, 120}, BY_BOTH},
		{"one of another size", {.text = "Yes."}, {.text = "No."},
			{1600000000, 120}, BY_PART},
	};

	for (size_t i = 0; i < sizeof(twins) / sizeof(twins[0]); i++) {
		struct world world;

		begin(&world, "IDLE");
		(void)give(&world, "A", &twins[i].known, world_day);
		give_flock(&world);
		check(world_sync(&world) == 0);
		swap(&world, &twins[i].fresh, twins[i].date);
		move_all(&world);
		ends(&world, twins[i].told, false, twins[i].what);
		world_clear(&world);
	}
}

/* Two that are new, or two that have gone: which is which? */
static void test_ambiguous(void)
{
	struct world world;

	begin(&world, "IDLE");
	(void)give(&world, "A", &(struct letter){0}, world_day);
	give_flock(&world);
	check(world_sync(&world) == 0);
	move_all(&world);
	(void)give(
		&world, "B", &(struct letter){.subject = "South"}, world_day);
	ends(&world, BY_BOTH, false, "two new ones of a size and second");
	world_clear(&world);

	begin(&world, "IDLE");
	(void)give(&world, "A", &(struct letter){0}, world_day);
	(void)give(
		&world, "A", &(struct letter){.subject = "South"}, world_day);
	give_flock(&world);
	check(world_sync(&world) == 0);
	move_all(&world);
	ends(&world, BY_BOTH, true, "two known ones of a size and second");
	world_clear(&world);
}

/* Saved with a word changed, its date kept; an equal one is elsewhere. */
static void test_replaced(void)
{
	struct world world;

	begin(&world, "IDLE");
	(void)give(&world, "A", &(struct letter){0}, world_day);
	give_flock(&world);
	fake_server_create(world.server, "C", 0);
	(void)fake_mailbox_copy(
		world_box(&world, "A"), 1, world_box(&world, "C"));
	check(world_sync(&world) == 0);
	expunge_first(&world);
	move_all(&world);
	(void)give(
		&world, "A", &(struct letter){.subject = "South"}, world_day);
	ends(&world, BY_BOTH, false, "what replaces a message in its mailbox");
	world_clear(&world);
}

/* ---- Whatever goes wrong ------------------------------------------------- */

static void begin_moved(struct world *world)
{
	begin(world, "IDLE");
	give_flock(world);
	check(world_sync(world) == 0);
	move_all(world);
}

static void test_odd_servers(void)
{
	struct world world;

	begin_moved(&world);
	world.server->odd.headers_whole = true;
	ends(&world, BY_BOTH, true, "a server that gives all of it");
	world_clear(&world);

	begin_moved(&world);
	world_box(&world, "B")->messages[3].mute = 1;
	ends(&world, BY_BOTH, true, "one that refuses a part");
	world_clear(&world);

	begin_moved(&world);
	world.server->odd.fetches_twice = true;
	ends(&world, BY_PART, true, "one that says all twice");
	world_clear(&world);

	begin_moved(&world);
	world.server->odd.shuffles = true;
	world.server->odd.uid_last = true;
	ends(&world, BY_PART, true, "one that knows no order");
	world_clear(&world);
}

/* A program has rewritten a file, or it cannot be read: what it was the
 * journal tells. */
static void test_files(bool readable)
{
	struct world_files files;
	struct world world;

	begin(&world, "IDLE");
	give_flock(&world);
	check(world_sync(&world) == 0);
	world_files(&world, "A", &files);
	if (readable) {
		fake_fs_remove(world.fs, files.items[0].path);
		fake_fs_put(world.fs, files.items[0].path,
			STR("X-Note: mine\n\nNothing\n"), 1600000000);
	} else {
		fake_fs_set_readable(world.fs, files.items[0].path, false);
	}
	free(files.items);
	move_all(&world);
	is_int(world_sync(&world), 0, "a file that is not what it was");
	is_int((intmax_t)how(&world), BY_BOTH, "is not what tells");
	is_int((intmax_t)world.summary.local.moved, FLOCK, "all are moved");
	world_clear(&world);
}

int main(void)
{
	test_key("OBJECTID");
	test_key("X-GM-EXT-1");
	test_key_kept();
	test_key_late();
	test_one_key(0);
	test_one_key(1);
	test_keys_fail();
	test_part();
	test_twins();
	test_ambiguous();
	test_replaced();
	test_odd_servers();
	test_files(true);
	test_files(false);
	return tap_done();
}
