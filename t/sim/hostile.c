/*
 * hostile: servers that lie, by malice or by mistake.
 *
 * In a world with something to do on both sides the server lies in one way,
 * for two runs; then it tells the truth again. Whatever it said, no message is
 * lost then and none is there twice, both sides are equal, and a further run
 * does nothing. While it lies, files whose messages it has are not removed.
 */
#include "tap.h"
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	LIES_RUNS = 2,
	TRUE_RUNS = 4,
	KEYWORDS = 5000,
	LONG_NAME = 9000,
};

#define EIGHT_DAYS_NS (INT64_C(8) * 24 * 3600 * 1000000000)

/* One way to lie. */
struct lie {
	const char *sentence;
	struct fake_oddities odd;
	bool uses_trash;
	bool no_uidplus;
	bool is_harmless; /* the runs under it go well */
};

/* Each message, and how often it is there in the end. */
static const struct {
	unsigned number;
	size_t count;
} messages[] = {{1, 1}, {3, 1}, {4, 1}, {5, 2}, {6, 1}, {7, 1}};

static struct fake_mailbox *inbox(struct world *world)
{
	return fake_server_find(world->server, "INBOX");
}

static bool holds(struct str body, unsigned number)
{
	char mark[40];

	(void)snprintf(mark, sizeof(mark), "Subject: message %u\r\n", number);
	for (size_t i = 0; i + strlen(mark) <= body.len; i++) {
		if (memcmp(body.ptr + i, mark, strlen(mark)) == 0)
			return true;
	}
	return false;
}

/* What is to become of message 3. */
enum third {
	THIRD_STAYS,
	THIRD_IN_TRASH,
	THIRD_REMOVED, /* unless that was not to be done in safety */
};

/* How often the server has the message in the mailbox. */
static size_t count_of(
	struct world *world, const char *mailbox, unsigned number)
{
	const struct fake_mailbox *box =
		fake_server_find(world->server, mailbox);
	size_t count = 0;

	for (size_t i = 0; i < box->count; i++)
		count += holds(buf_str(&box->messages[i].body), number);
	return count;
}

/* Removes the file that holds message 3. */
static void remove_third(struct world *world)
{
	struct world_files files;

	world_files(world, "INBOX", &files);
	for (size_t i = 0; i < files.count; i++) {
		struct buf body = {0};

		(void)fake_fs_read(world->fs, files.items[i].path, &body);
		if (strstr(buf_z(&body), "Subject: message 3\n") != NULL)
			fake_fs_remove(world->fs, files.items[i].path);
		buf_clear(&body);
	}
	free(files.items);
}

/* Three messages in step, then something to do on both sides. */
static void begin(struct world *world, const struct lie *lie)
{
	world_init(world, 1);
	if (!lie->no_uidplus)
		imap_caps_set(&world->server->caps, IMAP_CAP_UIDPLUS);
	imap_caps_set(&world->server->caps, IMAP_CAP_LITERAL_PLUS);
	imap_caps_set(&world->server->caps, IMAP_CAP_SPECIAL_USE);
	if (lie->uses_trash) {
		world->account.deletes = ACCOUNT_DELETE_TRASH;
		fake_server_create(world->server, "Bin", IMAP_ATTR_TRASH);
	}
	world_give(world, "INBOX", 1, 0);
	world_give(world, "INBOX", 2, 0);
	world_give(world, "INBOX", 3, 0);
	check(world_sync(world) == 0);
	world_drop(world, "INBOX", "cur/4.here:2,S", 4);
	world_drop(world, "INBOX", "cur/5.here:2,", 5);
	world_drop(world, "INBOX", "new/6.here", 5);
	world_drop(world, "INBOX", "new/7.here", 6);
	world_give(world, "INBOX", 7, 0);
	fake_mailbox_expunge(inbox(world), 2);
	if (lie->uses_trash)
		remove_third(world);
}

static bool has_all(struct world *world, enum third third, struct buf *why)
{
	bool is_ok = true;

	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
		unsigned number = messages[i].number;
		const char *box = third == THIRD_IN_TRASH && number == 3
					  ? "Bin"
					  : "INBOX";
		size_t count = count_of(world, box, number);

		if (count == messages[i].count ||
			(number == 3 && third == THIRD_REMOVED))
			continue;
		buf_addf(why, "message %u is there %zu times\n", number, count);
		is_ok = false;
	}
	return is_ok;
}

static bool recovers(struct world *world, enum third third, struct buf *why)
{
	int status = 0;

	world->server->odd = (struct fake_oddities){0};
	for (int i = 0; i < TRUE_RUNS; i++) {
		if (i + 1 < TRUE_RUNS) /* else the vault's time may be over */
			fake_clock_pass(&world->clock, EIGHT_DAYS_NS);
		status = world_sync(world);
	}
	if (status != 0 || world->steps != 0)
		buf_addf(why, "it does not come to rest: status %d\n", status);
	return has_all(world, third, why) && world_in_step(world, why) &&
	       world_journal_ok(world, why) && why->len == 0;
}

static bool says(const struct buf *tale, const char *words)
{
	struct str rest = buf_str(tale);
	struct str line;

	while (rest.len > 0 && str_split(&rest, '\n', &line)) {
		for (size_t i = 0; i < line.len; i++) {
			if (str_starts(
				    str_sub(line, i, line.len), str_of(words)))
				return true;
		}
	}
	return false;
}

static void judge_run(
	struct world *world, const struct lie *lie, int status, struct buf *why)
{
	if (lie->is_harmless && status != 0)
		buf_addf(why, "under the lie: status %d\n", status);
	if (says(&world->tale, "remove local uid 1 ") ||
		says(&world->tale, "remove local uid 3 "))
		buf_addz(why, "a file was removed\n");
}

static void test_lie(const struct lie *lie)
{
	struct world world;
	struct buf why = {0};
	struct buf tale = {0};

	begin(&world, lie);
	world.server->odd = lie->odd;
	for (int i = 0; i < LIES_RUNS; i++) {
		judge_run(&world, lie, world_sync(&world), &why);
		buf_add(&tale, buf_str(&world.tale));
		fake_clock_pass(&world.clock, EIGHT_DAYS_NS);
	}
	if (!ok(recovers(&world, lie->uses_trash ? THIRD_IN_TRASH : THIRD_STAYS,
			&why),
		    "%s", lie->sentence)) {
		tap_note("%s", buf_z(&why));
		tap_note("under the lie:\n%s", buf_z(&tale));
		world_tell(&world);
	}
	buf_clear(&why);
	buf_clear(&tale);
	world_clear(&world);
}

static const struct lie lies[] = {
	{.sentence = "the truth", .is_harmless = true},
	{.sentence = "flags of a message that nobody asked for",
		.odd.says = "* 1 FETCH (UID 4000000000 FLAGS (\\Deleted))"},
	{.sentence = "flags of a message, again and again",
		.is_harmless = true,
		.odd.says = "* 1 FETCH (UID 1 FLAGS (\\Flagged))"},
	{.sentence = "a body that nobody asked for",
		.is_harmless = true,
		.odd.says = "* 1 FETCH (UID 1 BODY[] {6}\r\nHello!)\r\n"
			    "* 2 FETCH (UID 999 BODY[] {3}\r\nHi!)"},
	{.sentence = "a header that nobody asked for",
		.is_harmless = true,
		.odd.says = "* 1 FETCH (UID 1 RFC822.SIZE 9 BODY[HEADER] {4}"
			    "\r\nA:\r\n)"},
	{.sentence = "a message with UID 0",
		.is_harmless = true,
		.odd.says = "* 1 FETCH (UID 0 FLAGS () RFC822.SIZE 1)"},
	{.sentence = "a message without number",
		.odd.says = "* 0 FETCH (UID 9 FLAGS ())"},
	{.sentence = "a UID beyond 32 bits",
		.odd.says = "* 1 FETCH (UID 4294967296 FLAGS ())"},
	{.sentence = "the highest UID",
		.odd.says =
			"* 9 FETCH (UID 4294967295 FLAGS () RFC822.SIZE 7)"},
	{.sentence = "a size beyond 64 bits",
		.odd.says = "* 1 FETCH (UID 1 RFC822.SIZE "
			    "99999999999999999999999 FLAGS ())"},
	{.sentence = "the greatest size",
		.odd.says = "* 4 FETCH (UID 4 RFC822.SIZE "
			    "18446744073709551615 FLAGS ())"},
	{.sentence = "flags with control characters",
		.odd.says = "* 1 FETCH (UID 1 FLAGS (a\001b c\177 \"q\"))"},
	{.sentence = "flags that are none",
		.odd.says = "* 1 FETCH (UID 1 FLAGS ({1}\r\nx ((y)) \\ ))"},
	{.sentence = "a date that is none",
		.odd.says = "* 4 FETCH (UID 4 FLAGS () INTERNALDATE "
			    "\"99-Foo-0000 99:99:99 +9999\")"},
	{.sentence = "a date before all time",
		.odd.says = "* 1 FETCH (UID 1 FLAGS () INTERNALDATE "
			    "\"01-Jan-0000 00:00:00 +2359\")"},
	{.sentence = "another UIDVALIDITY in the middle",
		.odd.says = "* OK [UIDVALIDITY 77] Changed"},
	{.sentence = "more messages than there are",
		.odd.says = "* 4294967295 EXISTS"},
	{.sentence = "no messages any more", .odd.says = "* 0 EXISTS"},
	{.sentence = "messages that go and do not go",
		.odd.says = "* 1 EXPUNGE\r\n* 1 EXPUNGE"},
	{.sentence = "all of them going",
		.odd.says = "* VANISHED 1:4294967295"},
	{.sentence = "one that goes and was never there",
		.odd.says = "* 4294967295 EXPUNGE"},
	{.sentence = "answers that nobody asked for",
		.is_harmless = true,
		.odd.says =
			"* SEARCH 1 2 3\r\n* STATUS Bin (UIDNEXT 9000 "
			"UIDVALIDITY 1)\r\n* LIST (\\Noselect) \"/\" INBOX"},
	{.sentence = "such answers, with a trash",
		.uses_trash = true,
		.odd.says = "* SEARCH 1 2 3\r\n* STATUS INBOX (UIDNEXT 9000 "
			    "UIDVALIDITY 1)"},
	{.sentence = "a BYE that is none", .odd.says = "* BYE and stay"},
	{.sentence = "an INBOX without messages", .odd.exists_none = 9},
	{.sentence = "one message too many", .odd.exists_lies = 9},
	{.sentence = "every message twice",
		.is_harmless = true,
		.odd.fetches_twice = true},
	{.sentence = "every message twice, with a trash",
		.is_harmless = true,
		.odd.fetches_twice = true,
		.uses_trash = true},
	{.sentence = "every message twice, where uploads are looked for",
		.is_harmless = true,
		.odd.fetches_twice = true,
		.no_uidplus = true},
	{.sentence = "the same UID for each upload",
		.is_harmless = true,
		.odd.appenduid = 4000},
	{.sentence = "the UID of another message for each upload",
		.is_harmless = true,
		.odd.appenduid = 1},
	{.sentence = "the UID of a message that is gone for each upload",
		.is_harmless = true,
		.odd.appenduid = 2},
	{.sentence = "the highest UID for each upload",
		.odd.appenduid = UINT32_MAX},
	{.sentence = "a UIDNEXT that goes down", .odd.uidnext = "1"},
	{.sentence = "a UIDNEXT that is one of our messages'",
		.odd.uidnext = "3"},
	{.sentence = "a UIDNEXT far away", .odd.uidnext = "4294967295"},
	{.sentence = "a UIDNEXT beyond 32 bits",
		.is_harmless = true,
		.odd.uidnext = "4294967297"},
	{.sentence = "a UIDNEXT of 0", .is_harmless = true, .odd.uidnext = "0"},
	{.sentence = "a UIDNEXT that goes down, where uploads are looked for",
		.odd.uidnext = "1",
		.no_uidplus = true},
	{.sentence = "one beyond 32 bits, likewise",
		.odd.uidnext = "4294967297",
		.no_uidplus = true},
	{.sentence = "one far away, likewise",
		.odd.uidnext = "4294967295",
		.no_uidplus = true},
	{.sentence = "a UIDVALIDITY of 0", .odd.uidvalidity = "0"},
	{.sentence = "a UIDVALIDITY beyond 32 bits",
		.odd.uidvalidity = "4294967297"},
	{.sentence = "another UIDVALIDITY of the same messages",
		.odd.uidvalidity = "4242"},
	{.sentence = "copies of other messages",
		.odd.copyuid = "1 1 1",
		.uses_trash = true},
	{.sentence = "copies in another mailbox",
		.odd.copyuid = "7 3 1",
		.uses_trash = true},
	{.sentence = "copies of none",
		.odd.copyuid = "1  ",
		.uses_trash = true},
	{.sentence = "INBOX listed twice",
		.is_harmless = true,
		.odd.lists = "* LIST () \"/\" INBOX"},
	{.sentence = "INBOX in several cases",
		.is_harmless = true,
		.odd.lists = "* LIST () \"/\" Inbox\r\n* LIST () \"/\" inBOX"},
	{.sentence = "a trash listed twice",
		.is_harmless = true,
		.odd.lists = "* LIST (\\Trash) \"/\" Bin",
		.uses_trash = true},
	{.sentence = "no hierarchy in some lines",
		.is_harmless = true,
		.odd.lists = "* LIST () NIL INBOX"},
	{.sentence = "another hierarchy in some lines",
		.is_harmless = true,
		.odd.lists = "* LIST () \".\" INBOX"},
};

/* More keywords than a mailbox may have, on one message. */
static void test_keywords(void)
{
	struct buf says = {0};
	struct lie lie = {.sentence = "more keywords than there can be",
		.is_harmless = true};

	buf_addz(&says, "* 1 FETCH (UID 1 FLAGS (");
	for (int i = 0; i < KEYWORDS; i++)
		buf_addf(&says, "%sk%d", i == 0 ? "" : " ", i);
	buf_addz(&says, "))");
	lie.odd.says = buf_z(&says);
	test_lie(&lie);
	buf_clear(&says);
}

/* Names that lead away, or have too many bytes, are other mailboxes' matter. */
static void test_names(void)
{
	static const char *const outside[] = {
		"/etc", "/home/x", "/home/mail/x", "/home/mail/.."};
	struct world world;
	struct buf lists = {0};
	const struct lie lie = {0};
	bool stays_inside = true;

	begin(&world, &lie);
	buf_addz(&lists, "* LIST () \"/\" ../x\r\n* LIST () \"/\" /etc\r\n"
			 "* LIST () \"/\" \"\"\r\n* LIST () \"/\" NIL\r\n"
			 "* LIST () \"/\" {3}\r\na\001b\r\n* LIST () \"/\" ");
	for (int i = 0; i < LONG_NAME; i++)
		buf_addc(&lists, 'n');
	world.server->odd.lists = buf_z(&lists);
	is_int(world_sync(&world), err_status(ERR_SYNC),
		"mailboxes that cannot be synced are an error");
	ok(says(&world.tale, "too many for a folder: nnn"),
		"which names one with too long a name");
	for (size_t i = 0; i < sizeof(outside) / sizeof(outside[0]); i++)
		stays_inside =
			stays_inside && !fake_fs_exists(world.fs, outside[i]);
	ok(stays_inside, "none leads out of the Maildir");
	is_int((intmax_t)count_of(&world, "INBOX", 4), 1,
		"and the others are synced");
	buf_clear(&lists);
	world_clear(&world);
}

/* Whether all other messages stay when INBOX gets new UIDs before the n-th
 * command of a run that removes one. The run may have less commands. */
static bool all_stay_when_renumbered(uint64_t command, bool *is_over_r)
{
	const struct fake_action action = {
		.act = FAKE_RENUMBERS, .mailbox = "INBOX"};
	const struct lie lie = {0};
	struct world world;
	struct buf why = {0};
	bool is_ok;

	begin(&world, &lie);
	remove_third(&world);
	world.server->odd.tells_renumbering = true;
	fake_server_plan(world.server, command, &action);
	(void)world_sync(&world);
	*is_over_r = world.server->plan_count > 0;
	fake_server_run_plans(world.server);
	is_ok = recovers(&world, THIRD_REMOVED, &why);
	if (!is_ok) {
		tap_note("command %d: %s", (int)command, buf_z(&why));
		world_tell(&world);
	}
	buf_clear(&why);
	world_clear(&world);
	return is_ok;
}

static void test_renumbered(void)
{
	bool is_ok = true;
	bool is_over = false;
	uint64_t command = 0;

	while (is_ok && !is_over)
		is_ok = all_stay_when_renumbered(++command, &is_over);
	ok(is_ok && command > 8,
		"a mailbox may get new UIDs at any command: no other message "
		"is removed there for one that was removed here");
}

/* Two messages that are the same; the server copies one, does not say which,
 * and tells twice of what it has. */
static void test_twins(void)
{
	const struct lie lie = {.uses_trash = true};
	struct world world;
	struct world_files files;

	begin(&world, &lie);
	check(world_sync(&world) == 0);
	world_files(&world, "INBOX", &files);
	for (size_t i = 0; i < files.count; i++) {
		struct buf body = {0};

		(void)fake_fs_read(world.fs, files.items[i].path, &body);
		if (strstr(buf_z(&body), "Subject: message 5\n") != NULL)
			fake_fs_remove(world.fs, files.items[i].path);
		buf_clear(&body);
	}
	free(files.items);
	world.server->odd.copies_one = true;
	world.server->odd.fetches_twice = true;
	(void)world_sync(&world);
	ok(count_of(&world, "INBOX", 5) + count_of(&world, "Bin", 5) >= 2,
		"one copy in the trash is not taken for two");
	world.server->odd = (struct fake_oddities){0};
	fake_clock_pass(&world.clock, EIGHT_DAYS_NS);
	is_int(world_sync(&world), 0, "the next run settles it");
	is_int((intmax_t)count_of(&world, "INBOX", 5), 0, "both have left");
	is_int((intmax_t)count_of(&world, "Bin", 5), 2, "to be in the trash");
	world_clear(&world);
}

int main(void)
{
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++)
		test_lie(&lies[i]);
	test_keywords();
	test_names();
	test_renumbered();
	test_twins();
	return tap_done();
}
