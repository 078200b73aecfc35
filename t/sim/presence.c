/*
 * presence: mailboxes that one side lacks, or seems to lack.
 *
 * Each test begins with INBOX and A in step, A with messages 1 and 2.
 */
#include "tap.h"
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void append(struct world *world, const char *mailbox, unsigned number)
{
	world_give(world, mailbox, number, FAKE_SEEN);
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
	fake_server_delete(world.server, world_box(&world, "A"));
	world_syncs(&world, 0, "a mailbox that the server denies to have");
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
	world_box(&world, "A")->unlisted = true;
	world_syncs(&world, 1,
		"a mailbox that is not listed, but there when asked");
	world_tells(&world, "[A] error: uid 0 : the server does not list it",
		"is complained of");
	is_int((intmax_t)world_file_count(&world, "A"), 2, "and is kept");
	world.options.depth = SYNC_DRY;
	world_syncs(&world, 1, "a dry run complains, too");
	ok(!world_told(&world, "delete local"), "and would remove nothing");
	world.options.depth = SYNC_APPLY;
	world_box(&world, "A")->unlisted = false;
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
		world_box(&world, "A")->unlisted = true;
		world_box(&world, "A")->refuses = answers[i];
		world_syncs(&world, 1, answers[i]);
		is_int((intmax_t)world_file_count(&world, "A"), 2,
			"does not say that a mailbox is gone");
		world_clear(&world);
	}
}

static void test_plain_no(void)
{
	struct world world;

	begin(&world);
	world_box(&world, "A")->unlisted = true;
	world_box(&world, "A")->refuses = "NO Mailbox does not exist";
	world_syncs(&world, 0, "a plain NO says that it is gone");
	ok(!world_has_folder(&world, "A"), "as old servers do");
	world_clear(&world);
}

static void test_unlisted_is_not_detached(void)
{
	struct world world;

	begin(&world);
	world.account.remove = ACCOUNT_SIDES_NONE;
	world_box(&world, "A")->unlisted = true;
	world_syncs(
		&world, 1, "without remove:, too, the list alone is no proof");
	ok(!world_told(&world, "is gone from the server"),
		"and is not taken for it");
	fake_mailbox_expunge(world_box(&world, "A"), 1);
	world_box(&world, "A")->unlisted = false;
	world_syncs(&world, 0, "so what was deleted in the meantime");
	is_int((intmax_t)world_file_count(&world, "A"), 1, "is deleted here");
	world_clear(&world);
}

static void test_unlisted_and_gone_here(void)
{
	struct world world;
	struct buf path = {0};

	begin(&world);
	world_box(&world, "A")->unlisted = true;
	world_path(&world, "A", "", &path);
	fake_fs_remove(world.fs, buf_z(&path));
	world_syncs(&world, 1, "one that is gone here and not listed there");
	world_box(&world, "A")->unlisted = false;
	world.account.remove = ACCOUNT_SIDES_NONE;
	world_syncs(&world, 0, "is not forgotten");
	world_tells(&world, "is gone from the Maildir",
		"but known to be gone here when it is listed again");
	buf_clear(&path);
	world_clear(&world);
}

/* ---- Gone from the Maildir ----------------------------------------------- */

static void test_removed_there(void)
{
	struct world world;

	begin(&world);
	world_rmdir(&world, "A");
	world.options.depth = SYNC_DRY;
	world_syncs(&world, 0, "a dry run of remove: server");
	world_tells(
		&world, "[A] delete server", "says that the mailbox would go");
	is_int((intmax_t)world_box(&world, "A")->count, 2,
		"and touches nothing");
	world.options.depth = SYNC_APPLY;
	world_syncs(&world, 0, "a mailbox that is gone from the Maildir");
	world_tells(&world, "[A] delete server", "is removed, which is said,");
	is_int((intmax_t)world.server->count, 1, "and nothing is left there");
	rests(&world, "that is all");
	world_clear(&world);
}

/* A message that another client has moved to a mailbox whose folder is gone
 * cannot follow to there. */
static void test_moved_to_what_leaves(void)
{
	struct world world;

	begin(&world);
	append(&world, "INBOX", 3);
	check(world_sync(&world) == 0);
	world_rmdir(&world, "A");
	fake_server_act(world.server,
		&(struct fake_action){
			.act = FAKE_MOVES, .mailbox = "INBOX", .to = "A"});
	world_syncs(&world, 0,
		"a message goes to a mailbox that was to be removed");
	is_int((intmax_t)world_box(&world, "A")->count, 3, "which stays");
	is_int((intmax_t)world_file_count(&world, "INBOX"), 0,
		"its file leaves INBOX");
	ok(vault_has(&world, 3), "for the vault");
	rests(&world, "that is all");
	world_clear(&world);
}

/* A file goes to a mailbox, the run that follows dies at the n-th step, and the
 * mailbox's folder goes. Whether a run then leaves all closed. */
static bool leaves_closed(uint64_t step, bool *died_r)
{
	struct world world;
	struct world_files files;
	struct buf to = {0};
	bool is_closed;

	begin(&world);
	world.account.remove = ACCOUNT_SIDES_NONE;
	world_offer(&world, "CONDSTORE ENABLE MOVE LIST-EXTENDED LIST-STATUS");
	append(&world, "INBOX", 3);
	check(world_sync(&world) == 0 && world_sync(&world) == 0);
	world_files(&world, "INBOX", &files);
	world_path(&world, "A", "cur/3.moved:2,S", &to);
	fake_fs_rename(world.fs, files.items[0].path, buf_z(&to));
	fake_fs_settle(world.fs);
	world.fate.die_at = world.fate.steps + step;
	(void)world_sync(&world);
	*died_r = world.is_dead;
	if (world.is_dead)
		world_kill(&world);
	world.fate.die_at = 0;
	world_rmdir(&world, "A");
	check(world_sync(&world) == 0);
	is_closed = world_sync(&world) == 0 && world.steps == 0 &&
		    world.traffic.counts[IMAP_SELECT] == 0;
	if (!is_closed)
		world_tell(&world);
	free(files.items);
	buf_clear(&to);
	world_clear(&world);
	return is_closed;
}

static void test_moved_and_detached(void)
{
	bool is_ok = true;
	bool died = true;

	for (uint64_t step = 1; is_ok && died; step++)
		is_ok = leaves_closed(step, &died);
	ok(is_ok, "a move to what is detached, cut off anywhere, has nothing "
		  "opened for ever");
}

/* Folders that are new, on a server that is far. */
static void test_many_new(void)
{
	enum {
		MANY = 100,
	};
	struct world world;

	world_init(&world, 1);
	world_offer(&world, "LIST-EXTENDED LIST-STATUS CONDSTORE ENABLE");
	world.net.round_trip_ns = 40000000;
	check(world_sync(&world) == 0);
	for (unsigned i = 0; i < MANY; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "New%u", i);
		world_mkdir(&world, name);
	}
	fake_fs_settle(world.fs);
	world_syncs(&world, 0, "many new folders");
	is_int((intmax_t)world.server->count, MANY + 1, "are made there,");
	ok(world.traffic.flights < MANY / 2, "many in a flight (%d flights)",
		(int)world.traffic.flights);
	rests(&world, "and that is all");
	world_clear(&world);
}

/* Whether message 9 is on either side. */
static bool has_nine(struct world *world)
{
	struct buf text = {0};
	struct buf lines = {0};
	bool has = false;

	world_message(&text, 9);
	for (size_t i = 0; i < world->server->count; i++) {
		const struct fake_mailbox *box = world->server->mailboxes[i];

		for (size_t k = 0; k < box->count; k++)
			has = has || str_eq(buf_str(&box->messages[k].body),
					     buf_str(&text));
	}
	fake_fs_dump(world->fs, WORLD_MAILDIR, &lines);
	has = has || strstr(buf_z(&lines), "message 9") != NULL;
	buf_clear(&text);
	buf_clear(&lines);
	return has;
}

/* Another client delivers message 9 to A right before the n-th command, and
 * makes A where it is not; the server says a line with each answer, or none.
 * Whether it is kept by this run and the next. */
static bool keeps_arrival(uint64_t command, const char *says, bool *in_time_r)
{
	struct world world;
	struct buf text = {0};
	struct fake_action action = {.act = FAKE_CREATES, .mailbox = "A"};
	bool is_ok;

	begin(&world);
	world_rmdir(&world, "A");
	world_message(&text, 9);
	world.server->odd.says_last = says;
	fake_server_plan(world.server, command, &action);
	action.act = FAKE_APPENDS;
	action.body = buf_str(&text);
	action.date = world_day;
	fake_server_plan(world.server, command, &action);
	(void)world_sync(&world);
	*in_time_r = has_nine(&world);
	fake_server_run_plans(world.server);
	is_ok = has_nine(&world);
	(void)world_sync(&world);
	is_ok = is_ok && has_nine(&world) && world.server->complaints.len == 0;
	if (!is_ok) {
		tap_note("before command %llu", (unsigned long long)command);
		world_tell(&world);
	}
	buf_clear(&text);
	world_clear(&world);
	return is_ok;
}

static void test_arrival(const char *says, const char *sentence)
{
	bool is_ok = true;
	bool in_time = true;
	uint64_t command = 0;

	while (is_ok && in_time)
		is_ok = keeps_arrival(++command, says, &in_time);
	ok(is_ok && command > 10, "%s", sentence);
}

static void test_children(void)
{
	struct world world;

	begin(&world);
	fake_server_create(world.server, "A/b", 0);
	append(&world, "A/b", 3);
	check(world_sync(&world) == 0);
	fake_fs_remove(world.fs, WORLD_MAILDIR "/A/cur");
	world_syncs(&world, 0, "a mailbox that has others below it");
	world_tells(&world, "there are mailboxes below it", "is not removed");
	is_int((intmax_t)world_box(&world, "A")->count, 2, "and not emptied");
	rests(&world, "it is left alone");
	world_clear(&world);
}

static void test_tree(void)
{
	struct world world;

	begin(&world);
	fake_server_create(world.server, "A/b", 0);
	append(&world, "A/b", 3);
	check(world_sync(&world) == 0);
	world_rmdir(&world, "A");
	world_syncs(&world, 0, "a tree of folders that is gone");
	is_int((intmax_t)world.server->count, 1, "is removed there");
	rests(&world, "and that is all");
	world_clear(&world);
}

static void test_tree_with_news(void)
{
	struct world world;

	begin(&world);
	fake_server_create(world.server, "A/b", 0);
	append(&world, "A/b", 3);
	check(world_sync(&world) == 0);
	world_rmdir(&world, "A");
	append(&world, "A/b", 4);
	world_syncs(&world, 0, "if there is something new in a part of a tree");
	ok(world_box(&world, "A/b") != NULL, "that is kept");
	is_int((intmax_t)world_box(&world, "A")->count, 2,
		"and so is what it is below, as it is");
	rests(&world, "that is all");
	world_clear(&world);
}

static void test_trash(bool moves)
{
	struct world world;

	begin(&world);
	if (moves)
		imap_caps_set(&world.server->caps, IMAP_CAP_MOVE);
	world.account.deletes = ACCOUNT_DELETE_TRASH;
	imap_caps_set(&world.server->caps, IMAP_CAP_SPECIAL_USE);
	fake_server_create(world.server, "Bin", IMAP_ATTR_TRASH);
	check(world_sync(&world) == 0);
	world_rmdir(&world, "A");
	world_syncs(
		&world, 0, "with delete: trash, a mailbox that is gone here");
	ok(world_box(&world, "A") == NULL, "is removed there");
	is_int((intmax_t)world_box(&world, "Bin")->count, 2,
		"after its messages have gone to the trash");
	is_int((intmax_t)world_file_count(&world, "Bin"), 2,
		"which is in step");
	rests(&world, "and that is all");
	world_rmdir(&world, "Bin");
	world_syncs(&world, 0, "if the trash itself is gone here");
	world_tells(&world,
		"[Bin] note: is gone from the Maildir, but not removed "
		"from the server: it is the trash",
		"it is not removed");
	world_clear(&world);
}

static void test_stays(void)
{
	struct world world;

	begin(&world);
	world.account.deletes = ACCOUNT_DELETE_NEVER;
	world_rmdir(&world, "A");
	world_syncs(&world, 0, "with delete: never, a mailbox with messages");
	world_tells(&world, "that are to stay there", "is not removed");
	is_int((intmax_t)world_box(&world, "A")->count, 2, "nor are they");
	world_clear(&world);

	begin(&world);
	world.server->caps = (struct imap_caps){0};
	imap_caps_set(&world.server->caps, IMAP_CAP_IMAP4REV1);
	world_rmdir(&world, "A");
	world_syncs(&world, 0, "without UIDPLUS, a mailbox with messages");
	world_tells(&world, "it has no UIDPLUS", "is not removed");
	is_int((intmax_t)world_box(&world, "A")->count, 2, "nor are they");
	is_int((intmax_t)world_box(&world, "A")->messages[0].flags, FAKE_SEEN,
		"or marked");
	rests(&world, "it is left alone");
	world_clear(&world);

	begin(&world);
	world_box(&world, "A")->read_only = true;
	world_rmdir(&world, "A");
	world_syncs(&world, 1, "a mailbox that can only be read");
	world_tells(&world, "lets us only read it", "is not removed");
	world_clear(&world);
}

static void test_guard(void)
{
	struct world world;

	begin(&world);
	for (unsigned i = 10; i < 25; i++)
		append(&world, "A", i);
	check(world_sync(&world) == 0);
	world_rmdir(&world, "A");
	world_syncs(&world, 1, "a large mailbox that is gone from the Maildir");
	world_tells(&world, "run with --allow-deletes", "is guarded");
	is_int((intmax_t)world_box(&world, "A")->count, 17, "and kept whole");
	world.options.allow_deletes = true;
	world_syncs(&world, 0, "until that is allowed");
	ok(world_box(&world, "A") == NULL, "then it is removed");
	rests(&world, "and that is all");
	world_clear(&world);

	begin(&world);
	for (unsigned i = 10; i < 25; i++)
		append(&world, "A", i);
	check(world_sync(&world) == 0);
	fake_server_delete(world.server, world_box(&world, "A"));
	world_syncs(&world, 1, "a large mailbox that is gone from the server");
	world_tells(&world, "run with --allow-deletes", "is guarded");
	is_int((intmax_t)world_file_count(&world, "A"), 17, "and kept whole");
	world.options.allow_deletes = true;
	world_syncs(&world, 0, "until that is allowed");
	ok(!world_has_folder(&world, "A"), "then it is removed");
	rests(&world, "and that is all");
	world_clear(&world);
}

/* Dies at the n-th step of a removal, and goes on; false when there was no such
 * step. */
static bool dies(uint64_t step, enum fake_death death, bool *is_ok_r)
{
	struct world world;
	struct buf why = {0};
	bool died;

	begin(&world);
	world.account.deletes = ACCOUNT_DELETE_TRASH;
	imap_caps_set(&world.server->caps, IMAP_CAP_SPECIAL_USE);
	fake_server_create(world.server, "Bin", IMAP_ATTR_TRASH);
	check(world_sync(&world) == 0);
	world_rmdir(&world, "A");
	world.server->death = death;
	world.fate.die_at = world.fate.steps + step;
	(void)world_sync(&world);
	died = world.is_dead;
	if (died)
		world_crash(&world, step);
	world.fate.die_at = 0;
	world.server->death = FAKE_DEATH_BEFORE;
	*is_ok_r = world_sync(&world) == 0 && world.server->count == 2 &&
		   world_box(&world, "Bin")->count == 2 &&
		   world_in_step(&world, &why) &&
		   world_journal_ok(&world, &why) && world_sync(&world) == 0 &&
		   world.steps == 0 && world.server->complaints.len == 0;
	if (!*is_ok_r) {
		tap_note("died at step %llu: %s", (unsigned long long)step,
			buf_z(&why));
		world_tell(&world);
	}
	buf_clear(&why);
	world_clear(&world);
	return died;
}

static void test_crash(void)
{
	static const enum fake_death deaths[] = {
		FAKE_DEATH_BEFORE, FAKE_DEATH_AFTER, FAKE_DEATH_DRAIN};
	bool is_ok = true;

	for (size_t i = 0; i < sizeof(deaths) / sizeof(deaths[0]); i++) {
		for (uint64_t step = 1; is_ok && dies(step, deaths[i], &is_ok);
			step++)
			;
	}
	ok(is_ok, "a removal that is interrupted anywhere ends the same way");
}

/* The connection is cut after the n-th response of a removal. */
static void test_cut(void)
{
	bool is_ok = true;
	bool more = true;

	for (uint64_t at = 1; is_ok && more; at++) {
		struct world world;

		begin(&world);
		world_rmdir(&world, "A");
		world.server->cut_at = world.server->responses + at;
		(void)world_sync(&world);
		more = world.server->responses >= world.server->cut_at;
		world.server->cut_at = 0;
		is_ok = world_sync(&world) == 0 && world.server->count == 1 &&
			world_sync(&world) == 0 && world.steps == 0;
		if (!is_ok) {
			tap_note("cut after %llu", (unsigned long long)at);
			world_tell(&world);
		}
		world_clear(&world);
	}
	ok(is_ok, "so does one whose connection is cut anywhere");
}

static void test_aside_with_mail(void)
{
	struct world world;

	begin(&world);
	fake_server_create(world.server, "B_removed-by-godwit", 0);
	append(&world, "B_removed-by-godwit", 3);
	world_syncs(
		&world, 0, "what an interrupted removal left with mail in it");
	ok(world_box(&world, "B") != NULL, "gets its name back");
	is_int((intmax_t)world_file_count(&world, "B"), 1, "and is in step");
	fake_server_create(world.server, "B_removed-by-godwit", 0);
	append(&world, "B_removed-by-godwit", 4);
	world_syncs(&world, 1, "if the name is taken");
	world_tells(&world, "B_removed-by-godwit holds what came into B",
		"it is named");
	is_int((intmax_t)world_box(&world, "B_removed-by-godwit")->count, 1,
		"and kept");
	world_clear(&world);
}

/* ---- A changed config ---------------------------------------------------- */

static struct mailbox_rename to_new[] = {{STR("A"), STR("Fresh")}};
static struct mailbox_rename swap[] = {
	{STR("A"), STR("B")}, {STR("B"), STR("A")}};

static void test_renamed(void)
{
	struct world world;
	struct buf path = {0};
	uint64_t fetched;

	begin(&world);
	world.account.mailboxes.renames = to_new;
	world.account.mailboxes.rename_count = 1;
	world_syncs(&world, 1,
		"a mailbox that has another name here by the config");
	world_tells(&world,
		"[A] error: uid 0 : its folder is A, which the config now "
		"calls Fresh; rename the folder",
		"is complained of");
	is_int((intmax_t)world_file_count(&world, "A"), 2,
		"and is kept where it was");
	ok(!world_has_folder(&world, "Fresh"), "and not downloaded again");
	ok(world_box(&world, "A") != NULL && world.server->count == 2,
		"nor uploaded again");
	world_path(&world, "Fresh", "", &path);
	fake_fs_rename(world.fs, WORLD_MAILDIR "/A", buf_z(&path));
	fake_fs_settle(world.fs);
	fetched = world.summary.local.added + world.summary.server.added;
	world_syncs(&world, 0, "once the folder is renamed");
	fetched += world.summary.local.added + world.summary.server.added;
	is_int((intmax_t)fetched, 0, "it is found to be in step");
	is_int((intmax_t)world_file_count(&world, "Fresh"), 2,
		"and nothing is removed");
	rests(&world, "that is all");
	buf_clear(&path);
	world_clear(&world);
}

static void test_renamed_and_gone_here(void)
{
	struct world world;

	begin(&world);
	world.account.mailboxes.renames = to_new;
	world.account.mailboxes.rename_count = 1;
	world_rmdir(&world, "A");
	world_syncs(&world, 0, "one whose folder is gone as well");
	is_int((intmax_t)world_box(&world, "A")->count, 2, "is kept there");
	is_int((intmax_t)world_file_count(&world, "Fresh"), 2,
		"and downloaded anew");
	rests(&world, "that is all");
	world_clear(&world);
}

static void test_swapped(void)
{
	struct world world;

	begin(&world);
	fake_server_create(world.server, "B", 0);
	world_box(&world, "B")->uidvalidity =
		world_box(&world, "A")->uidvalidity;
	check(world_sync(&world) == 0);
	world.account.mailboxes.renames = swap;
	world.account.mailboxes.rename_count = 2;
	world_syncs(
		&world, 1, "two mailboxes that have changed their names here");
	world_tells(
		&world, "[A] error: uid 0 : by `rename`", "are complained of,");
	world_tells(&world, "[B] error: uid 0 : by `rename`", "both,");
	is_int((intmax_t)world_box(&world, "A")->count, 2, "and kept there");
	is_int((intmax_t)world_file_count(&world, "A"), 2, "and here");
	world_clear(&world);
}

static void test_excluded(void)
{
	struct world world;
	struct str a = STR("A");

	begin(&world);
	world.account.mailboxes.exclude = (struct account_list){&a, 1};
	rests(&world, "a mailbox that is excluded now is left alone");
	world.account.mailboxes.renames = to_new;
	world.account.mailboxes.rename_count = 1;
	rests(&world, "also if it would have another name");
	is_int((intmax_t)world_file_count(&world, "A"), 2, "it stays as it is");
	world_clear(&world);
}

static void test_layout(void)
{
	struct world world;

	begin(&world);
	world.account.layout = LAYOUT_MAILDIRPP;
	fake_fs_mkdir(world.fs, WORLD_MAILDIR "/.Other/cur");
	world_syncs(&world, 1, "when the layout has changed");
	world_tells(&world,
		"[A] error: uid 0 : its folder lies where `layout: nested`",
		"each folder that is in its old place is named");
	is_int((intmax_t)world_box(&world, "A")->count, 2,
		"and not taken for removed");
	world_clear(&world);
}

/* ---- Only looking -------------------------------------------------------- */

/* Whether looking at this world in any way changes nothing in it. */
static bool looks_only(struct world *world, int status)
{
	static const enum sync_depth depths[] = {
		SYNC_CHECK, SYNC_LIST, SYNC_STATUS, SYNC_DRY};
	bool is_ok = true;

	for (size_t i = 0; i < sizeof(depths) / sizeof(depths[0]); i++) {
		struct buf before = {0};
		struct buf after = {0};
		int got;

		world->options.depth = depths[i];
		fake_fs_dump(world->fs, "/", &before);
		got = world_sync(world);
		fake_fs_dump(world->fs, "/", &after);
		if (world->steps != 0 ||
			!str_eq(buf_str(&before), buf_str(&after)) ||
			(depths[i] >= SYNC_STATUS && got != status)) {
			tap_note("depth %d: status %d, %llu changes",
				(int)depths[i], got,
				(unsigned long long)world->steps);
			world_tell(world);
			is_ok = false;
		}
		buf_clear(&before);
		buf_clear(&after);
	}
	return is_ok;
}

static void test_looking(void)
{
	struct world world;

	begin(&world);
	append(&world, "A", 3);
	fake_server_create(world.server, "B", 0);
	fake_fs_mkdir(world.fs, WORLD_MAILDIR "/C/cur");
	fake_fs_put(world.fs, WORLD_MAILDIR "/C/cur/1.here:2,S",
		STR("Subject: one\n\nText\n"), 0);
	fake_fs_remove(world.fs, WORLD_MAILDIR "/A/tmp");
	fake_fs_remove(world.fs, WORLD_MAILDIR "/A/new");
	fake_fs_settle(world.fs);
	ok(looks_only(&world, 0),
		"check, list, status and dry runs write nothing, not even what "
		"a Maildir lacks");
	world_tells(
		&world, "[A] add local uid 3", "but see what there is to do");
	world_tells(&world, "[C] add server", "everywhere");
	world_rmdir(&world, "A");
	ok(looks_only(&world, 0), "nor when a mailbox would be removed there");
	fake_server_delete(world.server, world_box(&world, "A"));
	ok(looks_only(&world, 0), "nor when it is gone from both sides");
	world_clear(&world);

	world_init(&world, 1);
	fake_server_create(world.server, "Ab", 0);
	fake_server_create(world.server, "aB", 0);
	ok(looks_only(&world, 0),
		"nor to learn whether the file system folds letter case");
	world_clear(&world);
}

/* ---- The root ------------------------------------------------------------ */

static void test_remounted(void)
{
	struct world world;
	struct world_files list;

	begin(&world);
	fake_fs_remount(world.fs, WORLD_MAILDIR);
	ok(looks_only(&world, 0), "a root that was mounted anew is looked at");
	world.options.depth = SYNC_APPLY;
	append(&world, "A", 3);
	world_syncs(&world, 0, "and synced, if nothing is missing in it");
	is_int((intmax_t)world_file_count(&world, "A"), 3, "as ever");
	rests(&world, "that is all");
	fake_fs_remount(world.fs, WORLD_MAILDIR);
	world_files(&world, "A", &list);
	fake_fs_remove(world.fs, list.items[0].path);
	free(list.items);
	world_syncs(&world, 74, "but one that lacks a message");
	world_tells(&world,
		"is on another disk than in the last run, and lacks",
		"is refused");
	world_tells(&world, "move the state folder " WORLD_STATE " away",
		"with a way out");
	is_int((intmax_t)world_box(&world, "A")->count, 3,
		"and nothing is removed there");
	fake_store_wipe(world.store);
	world_syncs(&world, 0, "which leads");
	is_int((intmax_t)world_file_count(&world, "A"), 3,
		"to all mail on both sides");
	rests(&world, "that is all");
	world_clear(&world);
}

static void test_remounted_without_folder(void)
{
	struct world world;

	begin(&world);
	fake_fs_remount(world.fs, WORLD_MAILDIR);
	world_rmdir(&world, "A");
	world_syncs(&world, 74, "one that lacks a folder is refused, too");
	is_int((intmax_t)world_box(&world, "A")->count, 2,
		"the mailbox is kept");
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
	test_removed_there();
	test_moved_to_what_leaves();
	test_moved_and_detached();
	test_many_new();
	test_arrival(NULL,
		"mail may come in at any moment of a removal: it is kept");
	test_arrival("* STATUS INBOX (MESSAGES 0)",
		"also when the server tells of another mailbox meanwhile");
	test_children();
	test_tree();
	test_tree_with_news();
	test_trash(true);
	test_trash(false);
	test_stays();
	test_guard();
	test_crash();
	test_cut();
	test_aside_with_mail();
	test_renamed();
	test_renamed_and_gone_here();
	test_swapped();
	test_excluded();
	test_layout();
	test_looking();
	test_remounted();
	test_remounted_without_folder();
	return tap_done();
}
