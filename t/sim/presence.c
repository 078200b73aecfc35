/*
 * presence: mailboxes that one side lacks, or seems to lack.
 *
 * Each test begins with INBOX and A in step, A with messages 1 and 2.
 */
#include "tap.h"
#include "world.h"

#include <stdlib.h>
#include <string.h>

static const struct imap_date day = {1600000000, 120};

static struct fake_mailbox *box_of(struct world *world, const char *name)
{
	return fake_server_find(world->server, name);
}

static void append(struct world *world, const char *mailbox, unsigned number)
{
	struct buf text = {0};

	world_message(&text, number);
	fake_mailbox_append(
		box_of(world, mailbox), buf_str(&text), FAKE_SEEN, day);
	buf_clear(&text);
}

static size_t files(struct world *world, const char *mailbox)
{
	struct world_files list;

	world_files(world, mailbox, &list);
	free(list.items);
	return list.count;
}

static bool vault_has(struct world *world, unsigned number)
{
	struct buf text = {0};
	bool has;

	world_message(&text, number);
	has = world_in_vault(world, buf_str(&text));
	buf_clear(&text);
	return has;
}

/* Whether the last run's report has this. */
static bool told(const struct world *world, const char *part)
{
	struct str tale = buf_str(&world->tale);
	size_t len = strlen(part);

	for (size_t i = 0; i + len <= tale.len; i++) {
		if (memcmp(tale.ptr + i, part, len) == 0)
			return true;
	}
	return false;
}

static void tells(struct world *world, const char *part, const char *sentence)
{
	if (!ok(told(world, part), "%s", sentence)) {
		tap_note("expected: %s", part);
		world_tell(world);
	}
}

static void syncs(struct world *world, int status, const char *sentence)
{
	if (!is_int(world_sync(world), status, "%s", sentence))
		world_tell(world);
}

/* The next sync does nothing, and the server had nothing to complain of. */
static void rests(struct world *world, const char *sentence)
{
	struct buf why = {0};
	int status = world_sync(world);

	if (!ok(status == 0 && world->steps == 0 &&
			    world_journal_ok(world, &why) &&
			    world->server->complaints.len == 0,
		    "%s", sentence)) {
		tap_note("status %d, %llu changes %s", status,
			(unsigned long long)world->steps, buf_z(&why));
		world_tell(world);
	}
	buf_clear(&why);
}

static void begin(struct world *world)
{
	world_init(world, 1);
	imap_caps_set(&world->server->caps, IMAP_CAP_UIDPLUS);
	imap_caps_set(&world->server->caps, IMAP_CAP_LITERAL_PLUS);
	world->account.remove = ACCOUNT_SIDES_BOTH;
	fake_server_create(world->server, "A", 0);
	append(world, "A", 1);
	append(world, "A", 2);
	check(world_sync(world) == 0);
}

/* ---- Gone from the server? ----------------------------------------------- */

static void test_gone(void)
{
	struct world world;

	begin(&world);
	fake_server_delete(world.server, box_of(&world, "A"));
	syncs(&world, 0, "a mailbox that the server denies to have");
	ok(!world_has_folder(&world, "A"), "is removed here");
	ok(vault_has(&world, 1) && vault_has(&world, 2),
		"its messages are in the vault");
	rests(&world, "that is all");
	world_clear(&world);
}

static void test_unlisted(void)
{
	struct world world;

	begin(&world);
	box_of(&world, "A")->unlisted = true;
	syncs(&world, 1, "a mailbox that is not listed, but there when asked");
	tells(&world, "[A] error: uid 0 : the server does not list it",
		"is complained of");
	is_int((intmax_t)files(&world, "A"), 2, "and is kept");
	world.options.depth = SYNC_DRY;
	syncs(&world, 1, "a dry run complains, too");
	ok(!told(&world, "delete local"), "and would remove nothing");
	world.options.depth = SYNC_APPLY;
	box_of(&world, "A")->unlisted = false;
	rests(&world, "once it is listed, it is in step as before");
	world_clear(&world);
}

static void test_not_denied(void)
{
	static const char *const answers[] = {
		"NO [UNAVAILABLE] Its store is away",
		"NO [NOPERM] You may not",
		"NO [SERVERBUG] Internal error",
		"NO [INUSE] Being moved",
		"NO [LIMIT] Too many",
		"NO [CONTACTADMIN] Ask somebody",
		"NO [CORRUPTION] Broken",
		"NO [CANNOT] Not this one",
		"NO [X-UNKNOWN] Whatever",
		"BAD What?",
	};

	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		struct world world;

		begin(&world);
		box_of(&world, "A")->unlisted = true;
		box_of(&world, "A")->refuses = answers[i];
		syncs(&world, 1, answers[i]);
		is_int((intmax_t)files(&world, "A"), 2,
			"does not say that a mailbox is gone");
		world_clear(&world);
	}
}

static void test_plain_no(void)
{
	struct world world;

	begin(&world);
	box_of(&world, "A")->unlisted = true;
	box_of(&world, "A")->refuses = "NO Mailbox does not exist";
	syncs(&world, 0, "a plain NO says that it is gone");
	ok(!world_has_folder(&world, "A"), "as old servers do");
	world_clear(&world);
}

static void test_unlisted_is_not_detached(void)
{
	struct world world;

	begin(&world);
	world.account.remove = ACCOUNT_SIDES_NONE;
	box_of(&world, "A")->unlisted = true;
	syncs(&world, 1, "without remove:, too, the list alone is no proof");
	ok(!told(&world, "is gone from the server"), "and is not taken for it");
	fake_mailbox_expunge(box_of(&world, "A"), 1);
	box_of(&world, "A")->unlisted = false;
	syncs(&world, 0, "so what was deleted in the meantime");
	is_int((intmax_t)files(&world, "A"), 1, "is deleted here");
	world_clear(&world);
}

static void test_unlisted_and_gone_here(void)
{
	struct world world;
	struct buf path = {0};

	begin(&world);
	box_of(&world, "A")->unlisted = true;
	world_path(&world, "A", "", &path);
	fake_fs_remove(world.fs, buf_z(&path));
	syncs(&world, 1, "one that is gone here and not listed there");
	box_of(&world, "A")->unlisted = false;
	world.account.remove = ACCOUNT_SIDES_NONE;
	syncs(&world, 0, "is not forgotten");
	tells(&world, "is gone from the Maildir",
		"but known to be gone here when it is listed again");
	buf_clear(&path);
	world_clear(&world);
}

int main(void)
{
	test_gone();
	test_unlisted();
	test_not_denied();
	test_plain_no();
	test_unlisted_is_not_detached();
	test_unlisted_and_gone_here();
	return tap_done();
}
