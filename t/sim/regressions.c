/*
 * regressions: what histories found, each by its name and as small as it goes.
 */
#include "tap.h"
#include "world.h"

#include <stdlib.h>

#define DAY_NS (INT64_C(24) * 3600 * 1000000000)

static const struct imap_date day = {1600000000, 120};

/* A world with a server that can all that is usual. */
static void begin(struct world *world)
{
	world_init(world, 1);
	world_offer(world, "UIDPLUS LITERAL+");
}

static struct fake_mailbox *inbox(struct world *world)
{
	return fake_server_find(world->server, "INBOX");
}

static struct fake_message *append(struct world *world, unsigned number)
{
	return world_give(world, "INBOX", number, 0);
}

/* Removes the only file of INBOX. */
static void remove_file(struct world *world)
{
	struct world_files list;

	world_files(world, "INBOX", &list);
	check(list.count == 1);
	fake_fs_remove(world->fs, list.items[0].path);
	free(list.items);
}

static void test_gone_then_renumbered(void)
{
	struct world world;

	begin(&world);
	append(&world, 1);
	world_comes_to_rest(&world, "a message is downloaded");
	remove_file(&world);
	fake_mailbox_expunge(inbox(&world), 1);
	fake_server_renumber(world.server, inbox(&world));
	world_comes_to_rest(&world,
		"what went from both sides of a mailbox that then got a new "
		"UIDVALIDITY is forgotten");
	world_clear(&world);
}

static void test_gap_after_lost_journal(void)
{
	struct world world;

	begin(&world);
	append(&world, 1);
	world_drop(&world, "INBOX", "cur/1.here:2,", 2);
	world_comes_to_rest(&world, "both sides have two messages");
	fake_store_wipe(world.store);
	world.server->odd.listing_gaps = 2;
	ok(world_sync(&world) != 0,
		"a server that passes over messages is complained of");
	is_int((intmax_t)inbox(&world)->count, 2,
		"and what it may have already is not uploaded");
	world_comes_to_rest(
		&world, "once it lists them, they are found to be one");
	is_int((intmax_t)world_file_count(&world, "INBOX"), 2,
		"and there are two messages still");
	world_clear(&world);
}

/* A world whose journal is lost, with one message on both sides; a mail reader
 * renames its file at the n-th call. Whether there is one message still; or the
 * sync has fewer calls. */
static bool one_stays_one(uint64_t call, bool *fewer_r)
{
	struct world world;
	struct buf why = {0};
	struct buf to = {0};
	struct world_files list;
	bool is_ok;

	begin(&world);
	append(&world, 1);
	world_drop(&world, "INBOX", "new/1.here", 1);
	world_files(&world, "INBOX", &list);
	world_path(&world, "INBOX", "cur/1.here:2,S", &to);
	fake_fs_plan(world.fs, call, list.items[0].path, buf_z(&to));
	free(list.items);
	(void)world_sync(&world);
	*fewer_r = !fake_fs_exists(world.fs, buf_z(&to));
	is_ok = *fewer_r ||
		(world_sync(&world) == 0 && world_in_step(&world, &why) &&
			inbox(&world)->count == 1);
	if (!is_ok) {
		tap_note("at call %llu: %s", (unsigned long long)call,
			buf_z(&why));
		world_tell(&world);
	}
	buf_clear(&to);
	buf_clear(&why);
	world_clear(&world);
	return is_ok;
}

static void test_renamed_at_any_moment(void)
{
	bool is_ok = true;
	bool fewer = false;
	uint64_t call;

	for (call = 0; !fewer && is_ok; call++)
		is_ok = one_stays_one(call, &fewer);
	ok(is_ok && call > 50,
		"a mail reader may rename a file at any moment of a first "
		"sync: it is found to be what the server has");
}

/* One of three files was removed; another is put back into new/ at the n-th
 * call, within a tick of the clock of stamps, so that a scan which has been
 * there already sees it nowhere. Whether the server still has its message; or
 * the sync has fewer calls. */
static bool one_is_kept(uint64_t call, bool *fewer_r)
{
	struct world world;
	struct buf to = {0};
	struct buf name = {0};
	struct world_files list;
	bool is_ok;

	begin(&world);
	for (unsigned i = 1; i <= 3; i++)
		world_give(&world, "INBOX", i, FAKE_SEEN);
	check(world_sync(&world) == 0);
	fake_fs_set_grain(world.fs, DAY_NS);
	world_files(&world, "INBOX", &list);
	fake_fs_remove(world.fs, list.items[0].path);
	buf_addf(&name, "new/%s", list.items[1].unique);
	world_path(&world, "INBOX", buf_z(&name), &to);
	fake_fs_rename(world.fs, list.items[1].path, buf_z(&to));
	fake_fs_rename(world.fs, buf_z(&to), list.items[1].path);
	fake_fs_plan(world.fs, call, list.items[1].path, buf_z(&to));
	free(list.items);
	(void)world_sync(&world);
	*fewer_r = !fake_fs_exists(world.fs, buf_z(&to));
	is_ok = *fewer_r || inbox(&world)->count == 2;
	if (!is_ok)
		tap_note("at call %llu: %zu left", (unsigned long long)call,
			inbox(&world)->count);
	buf_clear(&name);
	buf_clear(&to);
	world_clear(&world);
	return is_ok;
}

static void test_put_back_at_any_moment(void)
{
	bool is_ok = true;
	bool fewer = false;
	uint64_t call;

	for (call = 0; !fewer && is_ok; call++)
		is_ok = one_is_kept(call, &fewer);
	ok(is_ok && call > 50,
		"a file that another one's removal had looked at again is gone "
		"only if both looks miss it");
}

/* A world whose journal is lost, with messages on both sides; the n-th call of
 * whatever port fails. Whether they are neither lost nor doubled. */
static bool ones_stay_ones(uint64_t call)
{
	struct world world;
	struct buf why = {0};
	bool is_ok;

	begin(&world);
	append(&world, 1);
	append(&world, 2);
	world_drop(&world, "INBOX", "new/1.here", 1);
	world_drop(&world, "INBOX", "cur/2.here:2,F", 2);
	world.fate.fail_at = world.fate.calls + call;
	(void)world_sync(&world);
	world.fate.fail_at = 0;
	fake_clock_pass(&world.clock, INT64_C(3600) * 1000000000);
	is_ok = world_sync(&world) == 0 && world_in_step(&world, &why) &&
		world_journal_ok(&world, &why) && inbox(&world)->count == 2;
	if (!is_ok) {
		tap_note("at call %llu: %s", (unsigned long long)call,
			buf_z(&why));
		world_tell(&world);
	}
	buf_clear(&why);
	world_clear(&world);
	return is_ok;
}

static void test_failure_at_any_call(void)
{
	bool is_ok = true;

	for (uint64_t call = 1; call < 200 && is_ok; call++)
		is_ok = ones_stay_ones(call);
	ok(is_ok, "any one call of a first sync over existing mail may fail: "
		  "nothing is doubled");
}

/* A long message, not near in size to the others. */
static void long_text(struct buf *text, unsigned number)
{
	world_message(text, number);
	for (int i = 0; i < 200; i++)
		buf_addz(text, "A line that makes it longer.\r\n");
}

static void test_header_refused_for_ever(void)
{
	struct world world;
	struct buf text = {0};

	begin(&world);
	world_comes_to_rest(&world, "an empty INBOX is in step");
	append(&world, 1)->mute = FAKE_FOR_EVER;
	world_drop(&world, "INBOX", "cur/2.here:2,", 2);
	long_text(&text, 3);
	fake_mailbox_append(inbox(&world), buf_str(&text), 0, day);
	buf_reset(&text);
	long_text(&text, 4);
	long_text(&text, 5);
	world_put(&world, "INBOX", "cur/4.here:2,", buf_str(&text),
		day.utc_seconds);
	ok(world_sync(&world) != 0,
		"a header that is not given for ever is complained of");
	is_int((intmax_t)world_file_count(&world, "INBOX"), 3,
		"the other new message is downloaded");
	is_int((intmax_t)inbox(&world)->count, 3,
		"the other new file is uploaded");
	for (int i = 0; i < 4; i++) {
		fake_clock_pass(
			&world.clock, INT64_C(8) * 24 * 3600 * 1000000000);
		(void)world_sync(&world);
	}
	world_comes_to_rest(
		&world, "in the end both are taken for what they seem to be");
	buf_clear(&text);
	world_clear(&world);
}

static void test_file_unreadable_for_ever(void)
{
	struct world world;
	struct buf text = {0};
	struct buf path = {0};

	begin(&world);
	world_comes_to_rest(&world, "an empty INBOX is in step");
	append(&world, 1);
	world_drop(&world, "INBOX", "cur/1.here:2,", 1);
	long_text(&text, 2);
	fake_mailbox_append(inbox(&world), buf_str(&text), 0, day);
	world_drop(&world, "INBOX", "cur/3.here:2,", 3);
	world_path(&world, "INBOX", "cur/1.here:2,", &path);
	fake_fs_set_readable(world.fs, buf_z(&path), false);
	ok(world_sync(&world) != 0,
		"a file that cannot be read is complained of");
	is_int((intmax_t)world_file_count(&world, "INBOX"), 3,
		"a message that is not near it in size is downloaded, one that "
		"is waits");
	is_int((intmax_t)inbox(&world)->count, 3,
		"the other new file is uploaded");
	is_int(world_sync(&world), 0, "it is not complained of at once again");
	is_int((intmax_t)world_file_count(&world, "INBOX"), 3,
		"but still waited for");
	fake_fs_set_readable(world.fs, buf_z(&path), true);
	world_comes_to_rest(
		&world, "when it can be read, it is what was waited for");
	is_int((intmax_t)inbox(&world)->count, 3, "and not doubled there");
	fake_fs_set_readable(world.fs, buf_z(&path), false);
	world_comes_to_rest(&world, "what is in step need not be read");
	buf_clear(&path);
	buf_clear(&text);
	world_clear(&world);
}

static void test_unreadable_holds_not_for_ever(void)
{
	struct world world;
	struct buf path = {0};

	begin(&world);
	world_comes_to_rest(&world, "an empty INBOX is in step");
	append(&world, 1);
	world_drop(&world, "INBOX", "cur/2.here:2,", 2);
	world_path(&world, "INBOX", "cur/2.here:2,", &path);
	fake_fs_set_readable(world.fs, buf_z(&path), false);
	for (int i = 0; i < 4; i++) {
		is_int((intmax_t)world_file_count(&world, "INBOX"), 1,
			"a message waits for a file that cannot be read");
		(void)world_sync(&world);
		fake_clock_pass(
			&world.clock, INT64_C(8) * 24 * 3600 * 1000000000);
	}
	is_int((intmax_t)world_file_count(&world, "INBOX"), 2,
		"after some failures it is downloaded");
	fake_fs_set_readable(world.fs, buf_z(&path), true);
	world_comes_to_rest(
		&world, "the file goes its own way when it can be read");
	buf_clear(&path);
	world_clear(&world);
}

static void test_untold_after_renumbering(void)
{
	struct world world;

	begin(&world);
	append(&world, 1);
	world_comes_to_rest(&world, "a message is in step");
	fake_server_renumber(world.server, inbox(&world));
	inbox(&world)->messages[0].mute = 2;
	ok(world_sync(&world) != 0, "its UIDVALIDITY is a new one, and its "
				    "header is not told: that is complained "
				    "of");
	is_int((intmax_t)inbox(&world)->count, 1,
		"the file that the journal knew is not uploaded");
	fake_clock_pass(&world.clock, INT64_C(3600) * 1000000000);
	world_comes_to_rest(&world, "once it is told, they are one");
	is_int((intmax_t)inbox(&world)->count, 1, "there");
	is_int((intmax_t)world_file_count(&world, "INBOX"), 1, "and here");
	world_clear(&world);
}

/* Whether the only file of INBOX has these letters. */
static void is_lettered(
	struct world *world, const char *letters, const char *sentence)
{
	struct world_files list;

	world_files(world, "INBOX", &list);
	check(list.count == 1);
	is_str(str_of(list.items[0].letters), str_of(letters), "%s", sentence);
	free(list.items);
}

static void test_append_forgets_flags(bool tells_uid)
{
	struct world world;

	world_init(&world, 1);
	if (tells_uid)
		imap_caps_set(&world.server->caps, IMAP_CAP_UIDPLUS);
	world.server->odd.append_forgets = FAKE_FLAGGED;
	world.server->odd.hides_appended = true;
	world_drop(&world, "INBOX", "cur/1.here:2,FS", 1);
	world_comes_to_rest(&world,
		"a server that forgets a flag of an upload is told it again");
	is_lettered(&world, "FS", "the file keeps its flags");
	is_int((intmax_t)inbox(&world)->messages[0].flags,
		FAKE_FLAGGED | FAKE_SEEN, "the server gets them");
	world_clear(&world);
}

static void test_flag_never_kept(void)
{
	struct world world;

	begin(&world);
	world.server->odd.append_forgets = FAKE_FLAGGED;
	world.server->odd.store_forgets = FAKE_FLAGGED;
	world_drop(&world, "INBOX", "cur/1.here:2,FS", 1);
	for (int i = 0; i < 3; i++)
		(void)world_sync(&world);
	is_lettered(&world, "FS",
		"a flag that the server will not keep is not stripped here");
	world_clear(&world);
}

/* INBOX has a message whose body is refused once, so that it is asked for by
 * itself; another client expunges it before the n-th command. Whether what the
 * Maildir then holds is what the server had. */
static bool no_ghost(enum fake_gone gone, bool late, uint64_t command)
{
	const struct fake_action expunge = {
		.act = FAKE_EXPUNGES, .mailbox = "INBOX", .message = 1};
	struct world world;
	struct buf why = {0};
	bool is_ok;

	begin(&world);
	world.server->odd.gone = gone;
	world.server->odd.late_expunge = late;
	append(&world, 1);
	append(&world, 2)->refusals = 1;
	append(&world, 3);
	fake_server_plan(world.server, command, &expunge);
	(void)world_sync(&world);
	fake_server_run_plans(world.server);
	is_ok = world_sync(&world) == 0 && world_in_step(&world, &why) &&
		inbox(&world)->count == 2 && world.server->complaints.len == 0;
	is_ok = is_ok && !world_in_vault(&world, str_of(FAKE_MADE_UP));
	if (!is_ok) {
		tap_note("oddity %d, command %llu: %s", (int)gone,
			(unsigned long long)command, buf_z(&why));
		world_tell(&world);
	}
	buf_clear(&why);
	world_clear(&world);
	return is_ok;
}

static void test_expunged_at_any_moment(void)
{
	bool is_ok = true;

	for (enum fake_gone gone = 0; gone <= FAKE_GONE_NO; gone++) {
		for (uint64_t command = 1; command < 20 && is_ok; command++)
			is_ok = no_ghost(gone, false, command) &&
				no_ghost(gone, true, command);
	}
	ok(is_ok,
		"a message may be expunged at any moment of its download, "
		"also when it is asked for by itself: no made-up one is kept");
}

/* The only message of a mailbox that is listed for the first time goes before
 * the n-th command. Whether the sync comes to an end. */
static bool last_one_goes(uint64_t command)
{
	const struct fake_action expunge = {
		.act = FAKE_EXPUNGES, .mailbox = "INBOX"};
	struct world world;
	bool is_ok;

	begin(&world);
	world.server->odd.gone = FAKE_GONE_NIL;
	append(&world, 1);
	fake_server_plan(world.server, command, &expunge);
	(void)world_sync(&world);
	is_ok = world.net.silences == 0;
	fake_server_run_plans(world.server);
	is_ok = is_ok && world_sync(&world) == 0 &&
		world_file_count(&world, "INBOX") == 0;
	if (!is_ok)
		world_tell(&world);
	world_clear(&world);
	return is_ok;
}

static void test_last_one_goes(void)
{
	bool is_ok = true;

	for (uint64_t command = 1; command < 12 && is_ok; command++)
		is_ok = last_one_goes(command);
	ok(is_ok, "a mailbox may become empty at any moment of being listed");
}

/* What one side gets of a message that the other has a little differently. */
struct variant {
	const char *sentence;
	struct str there;
	struct str here; /* with CRLFs; the file has LFs */
	bool one;
};

#define HEADER "From: a@example.org\r\nMessage-ID: <1@a>\r\n\r\n"

#define VARIANT(sentence, there, here, one)                                    \
	{                                                                      \
		sentence, {HEADER there, sizeof(HEADER there) - 1},            \
			{HEADER here, sizeof(HEADER here) - 1}, one            \
	}

static const struct variant variants[] = {
	VARIANT("without journal, a message whose last line the server ended "
		"is one",
		"Some text\r\n", "Some text", true),
	VARIANT("so is one whose last line end only the Maildir has",
		"Some text", "Some text\r\n", true),
	VARIANT("so is one with bare line feeds there", "One\nTwo\r\n",
		"One\r\nTwo\r\n", true),
	VARIANT("so is one whose bare CR the server dropped", "One Two\r\n",
		"One\r Two\r\n", true),
	VARIANT("one with a text of its own is not", "Some text\r\n",
		"Some tent", false),
	VARIANT("nor is one with an empty line more", "Some text\r\n\r\n",
		"Some text", false),
};

static void test_stored_changed(const struct variant *variant)
{
	struct world world;

	begin(&world);
	fake_mailbox_append(inbox(&world), variant->there, 0, day);
	world_put(&world, "INBOX", "cur/1.here:2,", variant->here,
		day.utc_seconds);
	is_int(world_sync(&world), 0, "%s", variant->sentence);
	is_int((intmax_t)world_file_count(&world, "INBOX"),
		variant->one ? 1 : 2, "... here");
	is_int((intmax_t)inbox(&world)->count, variant->one ? 1 : 2,
		"... and there");
	is_int(world_sync(&world), 0, "the next run ends well");
	is_int((intmax_t)world.steps, 0, "and does nothing");
	world_clear(&world);
}

static void test_changed_twins(void)
{
	struct world world;

	begin(&world);
	world.server->odd.adds_final_crlf = true;
	world_put(&world, "INBOX", "cur/1.here:2,", STR(HEADER "Text"), 0);
	world_put(&world, "INBOX", "cur/2.here:2,", STR(HEADER "Text"), 0);
	world_put(&world, "INBOX", "cur/3.here:2,", STR(HEADER "Tent"), 0);
	(void)world_sync(&world);
	is_int((intmax_t)inbox(&world)->count, 3, "three are uploaded");
	fake_store_wipe(world.store);
	is_int(world_sync(&world), 0, "the journal is lost");
	is_int((intmax_t)inbox(&world)->count, 3, "three are there still");
	is_int((intmax_t)world_file_count(&world, "INBOX"), 3,
		"and three here");
	fake_server_renumber(world.server, inbox(&world));
	is_int(world_sync(&world), 0, "their UIDVALIDITY is a new one");
	is_int((intmax_t)inbox(&world)->count, 3, "three are there again");
	is_int((intmax_t)world_file_count(&world, "INBOX"), 3,
		"and three here");
	world_clear(&world);
}

/* Yahoo shows the newest messages of a mailbox only. */
static void test_window(const char *capability, unsigned window)
{
	struct world world;

	begin(&world);
	world_offer(&world, capability);
	world.server->odd.window = window;
	for (unsigned i = 1; i <= window; i++)
		append(&world, i);
	world_comes_to_rest(&world, "a window shows all messages");
	append(&world, window + 1);
	is_int(world_sync(&world), 0, "until one comes that moves it");
	is_int((intmax_t)world_file_count(&world, "INBOX"),
		(intmax_t)window + 1,
		"what cannot be seen any more is not gone (%s)", capability);
	fake_mailbox_expunge(inbox(&world), window);
	is_int(world_sync(&world), 0, "until one goes that is in it");
	is_int((intmax_t)world_file_count(&world, "INBOX"), (intmax_t)window,
		"which goes here, too");
	world_clear(&world);
}

/* UIDONLY alone does not make a window. */
static void test_no_window(void)
{
	struct world world;

	begin(&world);
	imap_caps_set(&world.server->caps, IMAP_CAP_UIDONLY);
	for (unsigned i = 1; i <= 3; i++)
		append(&world, i);
	world_comes_to_rest(&world, "a mailbox without a window");
	fake_mailbox_expunge(inbox(&world), 1);
	world_comes_to_rest(&world, "loses its oldest message");
	is_int((intmax_t)world_file_count(&world, "INBOX"), 2, "here, too");
	world_clear(&world);
}

/* A mail reader that moves a file takes its letters along. */
static void test_letters_for_nothing(void)
{
	struct world world;
	struct world_letters letters;

	begin(&world);
	world_drop(&world, "INBOX", "cur/moved:2,ab", 1);
	world_comes_to_rest(&world, "letters may stand for nothing");
	append(&world, 2)->flags =
		fake_mailbox_keyword(inbox(&world), STR("todo"));
	world_comes_to_rest(&world, "then a message comes with a keyword");
	world_letters(&world, "INBOX", &letters);
	is_str(str_of(letters.names[2]), STR("todo"),
		"which gets a letter that no file bears");
	is_int((intmax_t)inbox(&world)->messages[0].flags, 0,
		"so that none gets the keyword by it");
	world_clear(&world);
}

/* Takes the letters off the only file of INBOX. */
static void strip_file(struct world *world)
{
	struct world_files list;
	struct buf path = {0};

	world_files(world, "INBOX", &list);
	check(list.count == 1);
	world_path(world, "INBOX", "cur/", &path);
	buf_addf(&path, "%s:2,", list.items[0].unique);
	fake_fs_rename(world->fs, list.items[0].path, buf_z(&path));
	fake_fs_settle(world->fs);
	buf_clear(&path);
	free(list.items);
}

/* A message goes to a folder that has no letter for the keyword which its file
 * has lost meanwhile. Where it goes to. */
static struct fake_mailbox *begin_losing(struct world *world)
{
	struct fake_mailbox *to;

	begin(world);
	to = fake_server_create(world->server, "A", 0);
	append(world, 1)->flags =
		fake_mailbox_keyword(inbox(world), STR("todo"));
	check(world_sync(world) == 0);
	strip_file(world);
	(void)fake_mailbox_copy(inbox(world), 1, to);
	fake_mailbox_expunge(inbox(world), 1);
	return to;
}

/* The sync dies at a step. Whether it got there. */
static bool loses_keyword(uint64_t step)
{
	struct world world;
	struct fake_mailbox *to = begin_losing(&world);
	bool is_dead;

	world.fate.die_at = world.fate.steps + step;
	(void)world_sync(&world);
	is_dead = world.fate.dead;
	world_kill(&world);
	world_comes_to_rest(
		&world, "a message moves to where its keyword has no letter");
	is_int((intmax_t)to->messages[0].flags, 0,
		"and loses it, as its file has, whenever a sync is killed");
	world_clear(&world);
	return is_dead;
}

static void test_keyword_lost_and_moved(void)
{
	struct world world;
	struct world_files files;
	uint64_t step = 1;

	while (loses_keyword(step))
		step++;
	(void)begin_losing(&world);
	world.account.direction = ACCOUNT_DIRECTION_PULL;
	for (int i = 0; i < 2; i++) {
		is_int(world_sync(&world), 0, "the server may be read alone");
		world_files(&world, "A", &files);
		is_str(str_of(files.items[0].letters), STR(""),
			"the keyword does not come back from there");
		free(files.items);
	}
	is_int((intmax_t)world.steps, 0, "and then there is nothing to do");
	world_clear(&world);
}

/* Where nothing can go to the trash, what was moved need not. */
static void test_moved_without_trash(void)
{
	struct world world;
	struct world_files list;
	struct buf path = {0};

	world_init(&world, 1);
	world.account.deletes = ACCOUNT_DELETE_TRASH;
	world.keeps_deleted = true;
	fake_server_create(world.server, "A", 0);
	fake_server_create(world.server, "Trash", 0);
	append(&world, 1);
	check(world_sync(&world) == 0);
	world_files(&world, "INBOX", &list);
	world_path(&world, "A", "cur/1.here:2,", &path);
	fake_fs_rename(world.fs, list.items[0].path, buf_z(&path));
	free(list.items);
	buf_clear(&path);
	world_comes_to_rest(&world,
		"what was moved stays where it was, marked, on a server that "
		"can only copy, and is no message that could not be removed");
	ok((inbox(&world)->messages[0].flags & FAKE_DELETED) != 0,
		"it is marked");
	world_clear(&world);
}

int main(void)
{
	test_window("UIDONLY", 1000);
	test_window("XYMHIGHESTMODSEQ", 3);
	test_no_window();
	for (size_t i = 0; i < sizeof(variants) / sizeof(variants[0]); i++)
		test_stored_changed(&variants[i]);
	test_changed_twins();
	test_expunged_at_any_moment();
	test_last_one_goes();
	test_append_forgets_flags(true);
	test_append_forgets_flags(false);
	test_flag_never_kept();
	test_header_refused_for_ever();
	test_untold_after_renumbering();
	test_failure_at_any_call();
	test_file_unreadable_for_ever();
	test_unreadable_holds_not_for_ever();
	test_renamed_at_any_moment();
	test_put_back_at_any_moment();
	test_gap_after_lost_journal();
	test_gone_then_renumbered();
	test_letters_for_nothing();
	test_keyword_lost_and_moved();
	test_moved_without_trash();
	return tap_done();
}
