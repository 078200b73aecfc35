/*
 * uploads: servers that take a message and do not keep it, or keep one of two
 * that are equal. What is here stays here.
 */
#include "tap.h"
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	MANY = 600, /* three chunks */
};

#define MINUTE_NS (INT64_C(60) * 1000000000)
#define DAY_NS    (INT64_C(24) * 60 * MINUTE_NS)

static const struct imap_date day = {1600000000, 120};

static void begin(struct world *world, bool tells_uids)
{
	world_init(world, 1);
	if (tells_uids)
		imap_caps_set(&world->server->caps, IMAP_CAP_UIDPLUS);
	imap_caps_set(&world->server->caps, IMAP_CAP_LITERAL_PLUS);
	world->account.connections = 1;
	(void)world_sync(world);
}

static struct fake_mailbox *inbox(struct world *world)
{
	return fake_server_find(world->server, "INBOX");
}

/* What INBOX is to come to. */
struct outcome {
	int status;
	size_t there;
	size_t here;
	unsigned appends; /* in this run */
};

static void syncs(
	struct world *world, const struct outcome *wanted, const char *sentence)
{
	uint64_t appends = world->server->counts[IMAP_APPEND];
	struct world_files list;
	int status = world_sync(world);
	bool is_ok;

	appends = world->server->counts[IMAP_APPEND] - appends;
	world_files(world, "INBOX", &list);
	is_ok = status == wanted->status && list.count == wanted->here &&
		inbox(world)->count == wanted->there &&
		appends == wanted->appends &&
		world->server->complaints.len == 0;
	if (!ok(is_ok, "%s", sentence)) {
		tap_note("status %d, %zu there, %zu here, %u uploads", status,
			inbox(world)->count, list.count, (unsigned)appends);
		world_tell(world);
	}
	free(list.items);
}

static void rests(struct world *world, const char *sentence)
{
	int status = world_sync(world);

	ok(status == 0 && world->steps == 0, "%s", sentence);
}

static bool tells(struct world *world, const char *words)
{
	return strstr(buf_z(&world->tale), words) != NULL;
}

static void test_dropped(bool tells_uids)
{
	struct world world;

	begin(&world, tells_uids);
	world.server->odd.append_drops = 1;
	world_drop(&world, "INBOX", "cur/1.here:2,", 1);
	syncs(&world, &(struct outcome){1, 0, 1, 1},
		"a message that the server took and does not show is trouble");
	ok(tells(&world, "does not show it"), "said to be such");
	syncs(&world, &(struct outcome){0, 0, 1, 0},
		"its file is neither removed nor uploaded at once again");
	syncs(&world, &(struct outcome){0, 0, 1, 0}, "nor by the run after it");
	fake_clock_pass(&world.clock, DAY_NS);
	syncs(&world, &(struct outcome){0, 1, 1, 1}, "but later");
	rests(&world, "and then in step");
	world_clear(&world);
}

static void test_dropped_for_ever(void)
{
	struct world world;
	uint64_t appends;

	begin(&world, true);
	world.server->odd.append_drops = FAKE_FOR_EVER;
	world_drop(&world, "INBOX", "cur/1.here:2,", 1);
	appends = world.server->counts[IMAP_APPEND];
	for (int i = 0; i < 500; i++) {
		(void)world_sync(&world);
		fake_clock_pass(&world.clock, 5 * MINUTE_NS);
	}
	appends = world.server->counts[IMAP_APPEND] - appends;
	ok(appends > 2 && appends < 10,
		"in two days, one that is never kept is uploaded a few times");
	if (appends <= 2 || appends >= 10)
		tap_note("%u times", (unsigned)appends);
	world_clear(&world);
}

/* One that is shown after all: in a later session. */
static void test_late(void)
{
	struct world world;
	struct buf text = {0};

	begin(&world, true);
	world.server->odd.append_drops = 1;
	world_drop(&world, "INBOX", "cur/1.here:2,S", 1);
	syncs(&world, &(struct outcome){1, 0, 1, 1},
		"one that is not shown yet is trouble, too");
	world_message(&text, 1);
	fake_mailbox_append(inbox(&world), buf_str(&text), FAKE_SEEN, day);
	syncs(&world, &(struct outcome){0, 1, 1, 0}, "it is found when it is");
	rests(&world, "and then in step");
	buf_clear(&text);
	world_clear(&world);
}

static void test_one_of_equals(void)
{
	struct world world;

	begin(&world, true);
	world.server->odd.keeps_one = true;
	world_drop(&world, "INBOX", "cur/1.here:2,", 1);
	syncs(&world, &(struct outcome){0, 1, 1, 1}, "a message is uploaded");
	world_drop(&world, "INBOX", "cur/2.here:2,F", 1);
	syncs(&world, &(struct outcome){0, 1, 2, 1},
		"a server that keeps one of equal messages has it for the next "
		"file as well");
	ok(tells(&world, "keeps one of equal messages"), "which is told");
	(void)world_sync(&world); /* it vouches for what was not done */
	rests(&world, "both files stay, and nothing more is done");
	fake_clock_pass(&world.clock, DAY_NS);
	syncs(&world, &(struct outcome){0, 1, 2, 1}, "but from time to time");
	rests(&world, "after pauses");
	fake_mailbox_expunge(inbox(&world), inbox(&world)->messages[0].uid);
	syncs(&world, &(struct outcome){0, 0, 1, 0},
		"the first file is still the one in step: it goes with it");
	fake_clock_pass(&world.clock, 3 * DAY_NS);
	syncs(&world, &(struct outcome){0, 1, 1, 1},
		"the other one has a message of its own then");
	rests(&world, "and is in step");
	world_clear(&world);
}

static void test_equals_at_once(void)
{
	struct world world;

	begin(&world, true);
	world.server->odd.keeps_one = true;
	world_drop(&world, "INBOX", "cur/1.here:2,", 1);
	world_drop(&world, "INBOX", "cur/2.here:2,S", 1);
	world_drop(&world, "INBOX", "cur/3.here:2,", 2);
	syncs(&world, &(struct outcome){0, 2, 3, 3},
		"so it does where equal files are uploaded together");
	(void)world_sync(&world);
	rests(&world, "they stay, and nothing more is done");
	fake_store_wipe(world.store);
	syncs(&world, &(struct outcome){0, 2, 3, 1},
		"when the journal is lost, one of them is paired");
	(void)world_sync(&world);
	rests(&world, "and they stay");
	world_clear(&world);
}

/* Equal messages without APPENDUID, each with flags of its own. */
static void test_twins(void)
{
	struct world world;
	struct buf why = {0};

	for (uint64_t seed = 1; seed <= 8; seed++) {
		begin(&world, false);
		world.fate.random += seed;
		world.server->odd.shuffles = true;
		world_drop(&world, "INBOX", "cur/1.here:2,F", 1);
		world_drop(&world, "INBOX", "cur/2.here:2,", 1);
		world_drop(&world, "INBOX", "cur/3.here:2,RS", 1);
		if (world_sync(&world) != 0 || !world_in_step(&world, &why))
			buf_addz(&why, "not in step\n");
		world_clear(&world);
	}
	is_str(buf_str(&why), STR(""),
		"equal messages that are uploaded together keep their flags");
	buf_clear(&why);
}

static void test_round_trips(void)
{
	struct world world;

	begin(&world, true);
	for (unsigned i = 0; i < 300; i++) {
		char name[32];

		(void)snprintf(name, sizeof(name), "cur/%u.here:2,", i);
		world_drop(&world, "INBOX", name, i);
	}
	syncs(&world, &(struct outcome){0, 300, 300, 300},
		"three hundred files are uploaded");
	is_int((intmax_t)world.server->counts[IMAP_FETCH], 2,
		"and looked for by one command a chunk");
	rests(&world, "and are in step");
	world_clear(&world);
}

/* A server that names no UIDs is asked for the headers of each chunk, not of
 * those before it once more. */
static void test_headers_once(void)
{
	struct world world;
	size_t headers = 0;

	begin(&world, false);
	for (unsigned i = 0; i < MANY; i++) {
		char name[32];

		(void)snprintf(name, sizeof(name), "cur/%u.here:2,", i);
		world_drop(&world, "INBOX", name, i);
	}
	world.traces = true;
	syncs(&world, &(struct outcome){0, MANY, MANY, MANY},
		"six hundred files are uploaded");
	for (const char *at = buf_z(&world.wire);
		(at = strstr(at, " BODY[HEADER] ")) != NULL; at++)
		headers++;
	is_int((intmax_t)headers, MANY, "and recognised by a header each");
	rests(&world, "and are in step");
	world_clear(&world);
}

/* ---- Several at once (RFC 3502) ------------------------------------------ */

static void begin_multi(struct world *world, bool tells_uids)
{
	begin(world, tells_uids);
	imap_caps_set(&world->server->caps, IMAP_CAP_MULTIAPPEND);
}

static void put_many(struct world *world, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		char name[32];

		(void)snprintf(name, sizeof(name), "cur/%u.here:2,%s", i,
			i % 3 == 0 ? "FS" : "");
		world_drop(world, "INBOX", name, i);
	}
}

static void test_together(bool tells_uids)
{
	struct world world;
	struct buf why = {0};

	begin_multi(&world, tells_uids);
	put_many(&world, 300);
	/* Each has 64 bytes of the line, some have flags. */
	syncs(&world, &(struct outcome){0, 300, 300, 4},
		"three hundred files are uploaded by a few commands");
	ok(world_in_step(&world, &why),
		"each with its own flags, date and bytes");
	tap_note("%s", buf_z(&why));
	rests(&world, "and are in step");
	buf_clear(&why);
	world_clear(&world);
}

static void test_together_bytes(void)
{
	struct world world;
	struct buf text = {0};

	begin_multi(&world, true);
	for (unsigned i = 0; i < 5; i++) {
		char name[32];

		buf_reset(&text);
		world_message(&text, i);
		while (text.len < (size_t)(i == 4 ? 5 : 1) << 20)
			buf_addz(&text, "All work and no play.\r\n");
		(void)snprintf(name, sizeof(name), "cur/%u.here:2,", i);
		world_put(
			&world, "INBOX", name, buf_str(&text), day.utc_seconds);
	}
	syncs(&world, &(struct outcome){0, 5, 5, 3},
		"no more than 4 MiB go together, but a larger one goes alone");
	rests(&world, "and all are in step");
	buf_clear(&text);
	world_clear(&world);
}

static void test_one_refused(bool tells_uids)
{
	struct world world;

	begin_multi(&world, tells_uids);
	put_many(&world, 20);
	world_put(&world, "INBOX", "cur/bad.here:2,",
		STR("X-Refuse: yes\r\n\r\nNo.\r\n"), day.utc_seconds);
	syncs(&world, &(struct outcome){1, 20, 21, 22},
		"where one of many is refused, the others go one by one");
	ok(tells(&world, "does not take the file bad.here"),
		"and that one is named");
	syncs(&world, &(struct outcome){0, 20, 21, 0},
		"it is not tried again at once");
	put_many(&world, 21);
	syncs(&world, &(struct outcome){0, 21, 22, 1},
		"and later ones go without it");
	world_clear(&world);
}

static void test_half_stored(bool tells_uids)
{
	struct world world;

	begin_multi(&world, tells_uids);
	world.server->odd.half_batch = 1;
	put_many(&world, 20);
	syncs(&world, &(struct outcome){0, 20, 20, 11},
		"what a server stored of many that it refused is not sent "
		"again");
	rests(&world, "and all are in step");
	world_clear(&world);
}

/* A code that does not fit what was sent. */
static void test_wrong_code(uint32_t uid)
{
	struct world world;

	begin_multi(&world, true);
	put_many(&world, 3);
	world.server->odd.appenduid = uid;
	syncs(&world, &(struct outcome){0, 3, 3, 1},
		"where a server tells one UID of many, it is asked for all");
	rests(&world, "and all are in step");
	world_clear(&world);
}

/* Nor is the order of UIDs believed that the sizes belie. */
static void test_wrong_order(void)
{
	struct world world;
	struct buf why = {0};

	begin_multi(&world, true);
	put_many(&world, 20);
	world.server->odd.batch_backwards = true;
	syncs(&world, &(struct outcome){0, 20, 20, 1},
		"where a server tells UIDs in another order, that is seen");
	ok(world_in_step(&world, &why),
		"each message has its own flags, date and bytes");
	rests(&world, "and are in step");
	fake_mailbox_expunge(inbox(&world), inbox(&world)->messages[0].uid);
	(void)world_sync(&world);
	if (!ok(world_in_step(&world, &why), "the files are their own UIDs'"))
		tap_note("%s", buf_z(&why));
	buf_clear(&why);
	world_clear(&world);
}

/* Sizes that are not those which were sent prove nothing: a server may store
 * what it got with a line more. */
static void test_together_changed(bool in_header)
{
	struct world world;

	begin_multi(&world, true);
	put_many(&world, 20);
	world.server->odd.adds_final_crlf = !in_header;
	world.server->odd.adds_header = in_header;
	world_put(&world, "INBOX", "cur/end.here:2,",
		STR("Subject: no end\r\n\r\nThe last line"), day.utc_seconds);
	syncs(&world, &(struct outcome){0, 21, 21, 1},
		in_header ? "messages that get a line more above are themselves"
			  : "so is one that gets a line more below");
	rests(&world, "and all are in step");
	world_clear(&world);
}

/* Cut off at each of the server's responses. */
static void test_together_cut(bool half, bool backwards)
{
	struct world world;
	struct buf why = {0};
	uint64_t cut = 1;
	bool more = true;

	while (more) {
		begin_multi(&world, true);
		put_many(&world, 5);
		world.server->cut_at = world.server->responses + cut++;
		world.server->cut_half = half;
		world.server->odd.batch_backwards = backwards;
		(void)world_sync(&world);
		more = world.server->responses >= world.server->cut_at;
		world.server->cut_at = 0;
		if (world_sync(&world) != 0 || !world_in_step(&world, &why) ||
			inbox(&world)->count != 5)
			buf_addf(&why, "cut at %u: not in step\n",
				(unsigned)cut - 1);
		fake_mailbox_expunge(
			inbox(&world), inbox(&world)->messages[0].uid);
		(void)world_sync(&world);
		if (!world_in_step(&world, &why))
			buf_addf(&why, "cut at %u: not its own UID\n",
				(unsigned)cut - 1);
		world_clear(&world);
	}
	is_str(buf_str(&why), STR(""),
		"cut off anywhere, several are stored once");
	ok(cut > 8, "anywhere");
	buf_clear(&why);
}

/* ---- A full mailbox ------------------------------------------------------ */

static void test_quota(bool multi)
{
	struct world world;
	struct buf why = {0};
	uint64_t appends;

	begin(&world, true);
	if (multi)
		imap_caps_set(&world.server->caps, IMAP_CAP_MULTIAPPEND);
	put_many(&world, 600);
	world.server->odd.quota = 100;
	is_int(world_sync(&world), 1, "a mailbox may be full");
	is_int((intmax_t)inbox(&world)->count, 100,
		"it gets what there is room for");
	ok(tells(&world, "The mailbox is full"), "and the reason is told");
	appends = world.traffic.counts[IMAP_APPEND];
	if (!ok(appends <= 300, "before all others are tried it is enough"))
		tap_note("%u APPENDs", (unsigned)appends);
	for (int i = 0; i < 3; i++)
		(void)world_sync(&world);
	ok(inbox(&world)->count == 100 && world_journal_ok(&world, &why),
		"nothing is lost by later runs");
	world.server->odd.quota = 0;
	fake_clock_pass(&world.clock, 2 * DAY_NS);
	is_int(world_sync(&world), 0, "once there is room, the others go");
	ok(world_in_step(&world, &why) && inbox(&world)->count == 600,
		"once each");
	if (why.len > 0)
		tap_note("%s", buf_z(&why));
	rests(&world, "and all are in step");
	buf_clear(&why);
	world_clear(&world);
}

/* ---- Files that change --------------------------------------------------- */

/* A message's text as other programs write it, in place. */
static void write_text(struct world *world, uint64_t calls, const char *body)
{
	struct buf text = {0};
	struct buf path = {0};

	buf_addf(&text, "Subject: changes\n\n%s\n", body);
	world_path(world, "INBOX", "cur/changes:2,", &path);
	fake_fs_plan_write(world->fs, calls, buf_z(&path), buf_str(&text));
	buf_clear(&text);
	buf_clear(&path);
}

static bool is_body(const struct fake_message *message, const char *body)
{
	struct buf text = {0};
	bool is_same;

	buf_addf(&text, "Subject: changes\r\n\r\n%s\r\n", body);
	is_same = str_eq(buf_str(&message->body), buf_str(&text));
	buf_clear(&text);
	return is_same;
}

/* One run, in which the file is written to after so many calls. What the
 * server has of it then: 'o'ld, 'n'ew, '-' nothing or '?'. */
static char changed_at(
	uint64_t calls, const char *new_body, bool many, struct buf *why)
{
	static const char *const old_body = "The old text.";
	struct world world;
	char has = '?';

	begin_multi(&world, true);
	if (many)
		put_many(&world, 3);
	world_put(&world, "INBOX", "cur/changes:2,",
		STR("Subject: changes\r\n\r\nThe old text.\r\n"),
		day.utc_seconds);
	write_text(&world, calls, new_body);
	if (world_sync(&world) != 0)
		buf_addz(why, "it fails\n");
	for (size_t i = 0; i < inbox(&world)->count; i++) {
		const struct fake_message *message =
			&inbox(&world)->messages[i];

		if (is_body(message, old_body))
			has = 'o';
		else if (is_body(message, new_body))
			has = 'n';
	}
	if (inbox(&world)->count == (many ? 3 : 0))
		has = '-';
	if (inbox(&world)->count < (many ? 3 : 0))
		buf_addz(why, "others are not sent\n");
	if (has == '-' &&
		(world_sync(&world) != 0 || !world_in_step(&world, why)))
		buf_addz(why, "nor is it by the next run\n");
	world_clear(&world);
	return has;
}

/* Every moment: never half the one and half the other. */
static void test_changing(const char *new_body, bool many, const char *sentence)
{
	struct buf why = {0};
	struct buf course = {0};
	char has = 'n';

	for (uint64_t calls = 0; has != 'o' || calls < 60; calls++) {
		has = changed_at(calls, new_body, many, &why);
		if (has == '?')
			buf_addf(&why, "a mixture at call %u\n",
				(unsigned)calls);
		if (course.len == 0 || course.ptr[course.len - 1] != has)
			buf_addc(&course, has);
		check(calls < 1000);
	}
	is_str(buf_str(&why), STR(""), "%s", sentence);
	ok(str_eq(buf_str(&course), STR("n-o")),
		"it is the new one, none, or the old one");
	if (!str_eq(buf_str(&course), STR("n-o")))
		tap_note("%s", buf_z(&course));
	buf_clear(&why);
	buf_clear(&course);
}

int main(void)
{
	test_dropped(true);
	test_dropped(false);
	test_dropped_for_ever();
	test_late();
	test_one_of_equals();
	test_equals_at_once();
	test_twins();
	test_round_trips();
	test_headers_once();
	test_together(true);
	test_together(false);
	test_together_bytes();
	test_one_refused(true);
	test_one_refused(false);
	test_half_stored(true);
	test_half_stored(false);
	test_wrong_code(1);
	test_wrong_code(77);
	test_wrong_order();
	test_together_changed(true);
	test_together_changed(false);
	test_together_cut(false, false);
	test_together_cut(true, false);
	test_together_cut(false, true);
	test_quota(false);
	test_quota(true);
	test_changing("The old text. And more of it.", false,
		"a file that grows while it is uploaded is uploaded whole");
	test_changing("Old.", false, "so is one that shrinks");
	test_changing("The new text.", false,
		"and one that changes without another size");
	test_changing("The new text.", true, "also among others");
	return tap_done();
}
