/*
 * renames: mailboxes that are renamed on one side, or on both.
 *
 * Each test begins with INBOX, A (messages 1 and 2), A/b (3) and C (4) in step,
 * on a server that knows a renamed mailbox by its id, or by its numbers, with
 * either layout.
 */
#include "tap.h"
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How a server shows that a mailbox was renamed. */
enum proof {
	BY_ID,     /* OBJECTID */
	BY_STATE,  /* CONDSTORE: all its numbers */
	BY_NUMBER, /* UIDVALIDITY alone, without LIST-STATUS */
	PROOFS,
};

static const char *const proof_names[] = {"by id", "by state", "by number"};
static const enum mailbox_layout layouts[] = {LAYOUT_NESTED, LAYOUT_MAILDIRPP};
static const char *const layout_names[] = {"nested", "maildir++"};

/* Nothing was copied, moved or removed in the last run. */
static bool carried_nothing(const struct world *world)
{
	const struct report_counts *here = &world->summary.local;
	const struct report_counts *there = &world->summary.server;

	return here->added + here->removed + here->moved + here->copied == 0 &&
	       there->added + there->removed + there->moved + there->copied ==
		       0;
}

static bool is_at_rest(struct world *world, struct buf *why)
{
	return world_in_step(world, why) && world_journal_ok(world, why) &&
	       world_sync(world) == 0 && world->steps == 0 &&
	       world->traffic.counts[IMAP_SELECT] == 0 &&
	       world->traffic.counts[IMAP_EXAMINE] == 0 &&
	       world->server->complaints.len == 0;
}

/* Both sides are equal, and the next sync does nothing. */
static void rests(struct world *world, const char *sentence)
{
	struct buf why = {0};

	if (!ok(is_at_rest(world, &why), "%s", sentence)) {
		tap_note("%llu changes %s", (unsigned long long)world->steps,
			buf_z(&why));
		world_tell(world);
	}
	buf_clear(&why);
}

static void give_caps(struct fake_server *server, enum proof proof)
{
	static const enum imap_cap all[] = {IMAP_CAP_UIDPLUS,
		IMAP_CAP_LITERAL_PLUS, IMAP_CAP_MOVE, IMAP_CAP_ENABLE,
		IMAP_CAP_CONDSTORE};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		imap_caps_set(&server->caps, all[i]);
	if (proof == BY_NUMBER)
		return;
	imap_caps_set(&server->caps, IMAP_CAP_LIST_EXTENDED);
	imap_caps_set(&server->caps, IMAP_CAP_LIST_STATUS);
	if (proof == BY_ID)
		imap_caps_set(&server->caps, IMAP_CAP_OBJECTID);
}

static void begin(
	struct world *world, enum proof proof, enum mailbox_layout layout)
{
	world_init(world, 1);
	world->account.layout = layout;
	give_caps(world->server, proof);
	fake_server_create(world->server, "A", 0);
	fake_server_create(world->server, "A/b", 0);
	fake_server_create(world->server, "C", 0);
	world_give(world, "A", 1, FAKE_SEEN);
	world_give(world, "A", 2, 0);
	world_give(world, "A/b", 3, FAKE_FLAGGED);
	world_give(world, "C", 4, FAKE_SEEN);
	check(world_sync(world) == 0);
	check(world_sync(world) == 0);
	check(world->steps == 0);
}

static void rename_folder(struct world *world, const char *from, const char *to)
{
	struct buf old = {0};
	struct buf new = {0};

	world_path(world, from, "", &old);
	world_path(world, to, "", &new);
	if (old.ptr[old.len - 1] == '/')
		old.len--;
	if (new.ptr[new.len - 1] == '/')
		new.len--;
	fake_fs_rename(world->fs, buf_z(&old), buf_z(&new));
	fake_fs_settle(world->fs);
	buf_clear(&old);
	buf_clear(&new);
}

/* As a user does it: in maildir++ each folder by itself. */
static void rename_here(struct world *world, const char *from, const char *to)
{
	struct buf old = {0};
	struct buf new = {0};

	buf_addf(&old, "%s/b", from);
	buf_addf(&new, "%s/b", to);
	rename_folder(world, from, to);
	if (world->account.layout == LAYOUT_MAILDIRPP &&
		world_has_folder(world, buf_z(&old)))
		rename_folder(world, buf_z(&old), buf_z(&new));
	buf_clear(&old);
	buf_clear(&new);
}

static void rename_there(struct world *world, const char *from, const char *to)
{
	fake_server_rename(world->server, world_box(world, from), to);
}

/* ---- One side ------------------------------------------------------------ */

static void test_there(enum proof proof, enum mailbox_layout layout)
{
	struct world world;

	begin(&world, proof, layout);
	tap_note("%s, %s", proof_names[proof], layout_names[layout]);
	rename_there(&world, "A", "X");
	world.options.depth = SYNC_DRY;
	world_syncs(&world, 0, "when a mailbox was renamed there, a dry run");
	world_tells(
		&world, "[A] rename local", "says that its folder would be");
	ok(world.steps == 0 && world_file_count(&world, "A") == 2,
		"and changes nothing");
	world.options.depth = SYNC_APPLY;
	world_syncs(&world, 0, "a sync");
	world_tells(
		&world, "[A] rename local", "renames the folder, and says so,");
	world_tells(&world, "[A/b] rename local", "and the one below it,");
	is_int((intmax_t)world_file_count(&world, "X"), 2,
		"with what is in it,");
	is_int((intmax_t)world_file_count(&world, "X/b"), 1,
		"and in the one below;");
	ok(!world_has_folder(&world, "A") && !world_has_folder(&world, "A/b"),
		"nothing is left of the old names,");
	ok(carried_nothing(&world), "and no mail was moved");
	rests(&world, "that is all");
	world_clear(&world);
}

static void test_here(enum proof proof, enum mailbox_layout layout)
{
	struct world world;

	begin(&world, proof, layout);
	tap_note("%s, %s", proof_names[proof], layout_names[layout]);
	rename_here(&world, "A", "X");
	world.options.depth = SYNC_DRY;
	world_syncs(&world, 0, "when a folder was renamed, a dry run");
	world_tells(
		&world, "[A] rename server", "says that the mailbox would be");
	ok(world.steps == 0 && world_box(&world, "X") == NULL,
		"and changes nothing");
	world.options.depth = SYNC_APPLY;
	world_syncs(&world, 0, "a sync");
	world_tells(&world, "[A] rename server",
		"renames the mailbox there, and says so,");
	ok(world_box(&world, "X") != NULL &&
			world_box(&world, "X")->count == 2 &&
			world_box(&world, "X/b") != NULL &&
			world_box(&world, "X/b")->count == 1,
		"with the one below,");
	is_int((intmax_t)world.server->count, 4, "and no other is made;");
	is_int((intmax_t)world.traffic.counts[IMAP_RENAME], 1,
		"by one command;");
	ok(carried_nothing(&world), "and no mail was moved");
	rests(&world, "that is all");
	world_clear(&world);
}

static void test_both(enum proof proof, enum mailbox_layout layout)
{
	struct world world;

	begin(&world, proof, layout);
	tap_note("%s, %s", proof_names[proof], layout_names[layout]);
	rename_here(&world, "A", "X");
	rename_there(&world, "A", "X");
	world_syncs(&world, 0, "what got the same name on both sides");
	ok(carried_nothing(&world), "stays in step");
	rests(&world, "and that is all");
	rename_here(&world, "X", "Y");
	rename_there(&world, "X", "Z");
	world_syncs(&world, 0, "of two different names");
	is_int((intmax_t)world_file_count(&world, "Z"), 2,
		"the server's counts");
	ok(!world_has_folder(&world, "Y") && carried_nothing(&world),
		"for the folder");
	rests(&world, "and that is all");
	world_clear(&world);
}

static void test_with_changes(enum proof proof, enum mailbox_layout layout)
{
	struct world world;

	begin(&world, proof, layout);
	tap_note("%s, %s", proof_names[proof], layout_names[layout]);
	rename_there(&world, "A", "X");
	world_give(&world, "X", 5, 0);
	world_box(&world, "X")->messages[0].flags = 0;
	fake_mailbox_expunge(world_box(&world, "X"), 2);
	world_drop(&world, "A", "new/6.here", 6);
	world_syncs(
		&world, 0, "what else happened to a mailbox that was renamed");
	is_int((intmax_t)world.summary.local.added, 1, "is brought here");
	is_int((intmax_t)world.summary.local.removed, 1, "or removed here");
	is_int((intmax_t)world.summary.local.flagged, 1, "or marked here");
	is_int((intmax_t)world.summary.server.added, 1, "or brought there");
	rests(&world, "and that is all");
	rename_here(&world, "X", "Y");
	world_drop(&world, "Y", "new/7.here", 7);
	world_give(&world, "X", 8, 0);
	world_syncs(&world, 0, "so it is when the folder was");
	is_int((intmax_t)world.summary.local.added, 1, "here");
	is_int((intmax_t)world.summary.server.added, 1, "and there");
	ok(world_box(&world, "Y") != NULL, "under the new name");
	rests(&world, "and that is all");
	world_clear(&world);
}

/* E is empty when it is settled, and of what C had, nothing is left. */
static void begin_bare(struct world *world, enum proof proof)
{
	begin(world, proof, LAYOUT_NESTED);
	fake_server_create(world->server, "E", 0);
	check(world_sync(world) == 0);
	check(world_sync(world) == 0);
}

static void test_bare_there(enum proof proof)
{
	struct world world;

	begin_bare(&world, proof);
	tap_note("%s", proof_names[proof]);
	rename_there(&world, "C", "D");
	fake_mailbox_expunge(world_box(&world, "D"), 1);
	world_give(&world, "D", 5, 0);
	rename_there(&world, "E", "F");
	world_give(&world, "F", 6, 0);
	world_syncs(&world, 0, "what was renamed there is known again");
	world_tells(
		&world, "[C] rename local", "when none of its mail is left,");
	world_tells(&world, "[E] rename local", "or it had none,");
	is_int((intmax_t)world.summary.local.added, 2, "and has new");
	is_int((intmax_t)world.summary.local.removed, 1, "by now");
	ok(world_file_count(&world, "D") == 1 &&
			world_file_count(&world, "F") == 1 &&
			!world_has_folder(&world, "C") &&
			!world_has_folder(&world, "E"),
		"in both folders");
	rests(&world, "that is all");
	world_clear(&world);

	begin_bare(&world, proof);
	for (unsigned i = 5; i < 9; i++)
		world_give(&world, "C", i, 0);
	check(world_sync(&world) == 0);
	rename_there(&world, "C", "D");
	for (uint32_t uid = 1; uid <= 5; uid++) {
		if (uid != 2)
			fake_mailbox_expunge(world_box(&world, "D"), uid);
	}
	world_syncs(&world, 0, "what has one message left of many");
	world_tells(&world, "[C] rename local", "is known by that one");
	rests(&world, "and that is all");
	world_clear(&world);
}

static void drop_first(struct world *world, const char *mailbox)
{
	struct world_files list;

	world_files(world, mailbox, &list);
	check(list.count == 1);
	fake_fs_remove(world->fs, list.items[0].path);
	free(list.items);
}

static void test_bare_here(bool tells_births)
{
	struct world world;

	begin_bare(&world, BY_STATE);
	if (!tells_births)
		fake_fs_hide_births(world.fs);
	drop_first(&world, "C");
	world_drop(&world, "C", "new/5.here", 5);
	rename_here(&world, "C", "D");
	world_drop(&world, "E", "new/6.here", 6);
	rename_here(&world, "E", "F");
	world_syncs(&world, 0, "a folder in which no known file is left");
	if (!tells_births) {
		ok(!world_told(&world, "[C] rename"),
			"is not known again if nobody tells its age");
		ok(world_file_count(&world, "D") == 1 &&
				world_box(&world, "C")->count == 1,
			"and nothing is lost");
		world_clear(&world);
		return;
	}
	world_tells(&world, "[C] rename server", "is known by its age");
	world_tells(&world, "[E] rename server", "and so is one that had none");
	is_int((intmax_t)world.summary.server.added, 2, "with what is new");
	is_int((intmax_t)world.summary.server.removed, 1, "and not there");
	rests(&world, "that is all");
	world_clear(&world);
}

/* As a message that was moved on one side, and is gone from the other. */
static void test_gone_there(bool is_here)
{
	struct world world;

	begin(&world, BY_STATE, LAYOUT_NESTED);
	world.account.remove = ACCOUNT_SIDES_BOTH;
	if (is_here) {
		rename_here(&world, "C", "D");
		fake_server_delete(world.server, world_box(&world, "C"));
	} else {
		rename_there(&world, "C", "D");
		world_rmdir(&world, "C");
	}
	world_syncs(&world, 0,
		is_here ? "what was renamed here, and is gone there"
			: "what was renamed there, and is gone here");
	ok(world_box(&world, "D") != NULL && world_file_count(&world, "D") == 1,
		"is kept on both sides, under its new name");
	rests(&world, "that is all");
	world_clear(&world);
}

/* ---- Names that change places -------------------------------------------- */

static void test_chain(enum proof proof, bool is_here)
{
	struct world world;
	void (*rename)(struct world *, const char *, const char *) =
		is_here ? rename_here : rename_there;

	begin(&world, proof, LAYOUT_NESTED);
	rename(&world, "C", "D");
	rename(&world, "A/b", "C");
	rename(&world, "A", "Other");
	world_syncs(&world, 0,
		is_here ? "a chain of names here" : "a chain of names there");
	ok(carried_nothing(&world), "moves no mail");
	ok(world_file_count(&world, "D") == 1 &&
			world_file_count(&world, "C") == 1 &&
			world_file_count(&world, "Other") == 2,
		"and each mailbox gets its name");
	rests(&world, "that is all");
	rename(&world, "C", "Third");
	rename(&world, "D", "C");
	rename(&world, "Third", "D");
	world_syncs(&world, 0, "so do two that change places");
	ok(carried_nothing(&world), "without any mail");
	rests(&world, "and that is all");
	world_clear(&world);
}

/* Not even STATUS tells anything of use: without CONDSTORE, nobody asks. */
static void test_unseen_swap(void)
{
	struct world world;
	struct buf why = {0};

	begin(&world, BY_NUMBER, LAYOUT_NESTED);
	world.server->caps = (struct imap_caps){0};
	world_offer(&world, "IMAP4rev1 UIDPLUS MOVE");
	check(world_sync(&world) == 0);
	rename_there(&world, "A/b", "T");
	rename_there(&world, "C", "A/b");
	rename_there(&world, "T", "C");
	world.options.depth = SYNC_DRY;
	world_syncs(&world, 0, "when two changed places unseen, a dry run");
	world_tells(&world, "[C] rename local", "tells it");
	world.options.depth = SYNC_APPLY;
	world_syncs(&world, 0, "when SELECT tells it, a sync");
	ok(carried_nothing(&world), "moves no mail");
	ok(world_in_step(&world, &why), "and has both folders renamed");
	buf_clear(&why);
	world_clear(&world);
}

static void test_new_under_old_name(enum proof proof, bool is_here)
{
	struct world world;

	begin(&world, proof, LAYOUT_NESTED);
	if (is_here) {
		rename_here(&world, "C", "Old");
		world_mkdir(&world, "C");
		world_drop(&world, "C", "new/5.here", 5);
	} else {
		rename_there(&world, "C", "Old");
		fake_server_create(world.server, "C", 0);
		world_give(&world, "C", 5, 0);
	}
	world_syncs(&world, 0, "when another mailbox has the old name by now");
	is_int((intmax_t)world_file_count(&world, "Old"), 1,
		"the one is renamed,");
	is_int((intmax_t)(world.summary.local.added +
			  world.summary.server.added),
		1, "the other new");
	rests(&world, "and that is all");
	world_clear(&world);
}

static void test_back(enum proof proof)
{
	struct world world;

	begin(&world, proof, LAYOUT_NESTED);
	rename_there(&world, "A", "X");
	world_syncs(&world, 0, "what was renamed");
	rename_here(&world, "X", "A");
	world_syncs(&world, 0, "may be renamed back from the other side");
	ok(world_box(&world, "A") != NULL && carried_nothing(&world),
		"as often as one likes");
	rests(&world, "that is all");
	rename_there(&world, "A/b", "b");
	rename_there(&world, "A", "b/A");
	world_syncs(&world, 0, "what was above may come below");
	ok(carried_nothing(&world) && world_file_count(&world, "b/A") == 2,
		"and moves no mail");
	rests(&world, "that is all");
	world_clear(&world);
}

/* ---- No proof ------------------------------------------------------------ */

/* One of the new folders gets the inode of one that was removed: which, depends
 * on what else was made before. */
static bool is_kept_apart(unsigned before)
{
	struct world world;
	bool is_ok;

	begin(&world, BY_STATE, LAYOUT_NESTED);
	world_rmdir(&world, "C");
	for (unsigned i = 0; i < before; i++) {
		char path[64];

		(void)snprintf(path, sizeof(path), "/home/other%u", i);
		fake_fs_put(world.fs, path, STR("x"), 0);
	}
	for (unsigned i = 0; i < 8; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "Other%u", i);
		world_mkdir(&world, name);
	}
	fake_fs_settle(world.fs);
	is_ok = world_sync(&world) == 0 && world_box(&world, "C") != NULL &&
		world_box(&world, "C")->count == 1 &&
		world.traffic.counts[IMAP_RENAME] == 0;
	if (!is_ok)
		world_tell(&world);
	world_clear(&world);
	return is_ok;
}

static void test_inode_again(void)
{
	bool is_ok = true;

	for (unsigned before = 0; before < 8; before++)
		is_ok = is_kept_apart(before) && is_ok;
	ok(is_ok, "a new folder that got a removed one's inode is not taken "
		  "for it");
}

/* A mailbox that came for another one. */
static void replace(struct world *world, unsigned number)
{
	struct fake_mailbox *box = world_box(world, "C");
	uint32_t uidvalidity = box->uidvalidity;

	fake_server_delete(world->server, box);
	fake_server_create(world->server, "D", 0)->uidvalidity = uidvalidity;
	if (number != 0)
		world_give(world, "D", number, FAKE_SEEN);
}

static void test_same_numbers(void)
{
	struct world world;

	begin(&world, BY_STATE, LAYOUT_NESTED);
	replace(&world, 9);
	world_syncs(&world, 0,
		"a new mailbox that has the numbers of one that is gone");
	is_int((intmax_t)world_file_count(&world, "C"), 1,
		"is not taken for it:");
	is_int((intmax_t)world_file_count(&world, "D"), 1, "it is made here,");
	world_tells(&world, "[C] note: is gone from the server",
		"and the other is gone");
	world_clear(&world);
}

static void test_one_uidvalidity(void)
{
	struct world world;

	begin(&world, BY_STATE, LAYOUT_NESTED);
	world_clear(&world);
	world_init(&world, 1);
	give_caps(world.server, BY_STATE);
	world.server->odd.one_uidvalidity = true;
	fake_server_create(world.server, "A", 0);
	check(world_sync(&world) == 0);
	check(world_sync(&world) == 0);
	rename_there(&world, "A", "X");
	world_drop(&world, "A", "new/1.here", 1);
	world_syncs(&world, 0, "where UIDVALIDITY is always 1");
	is_int((intmax_t)world_file_count(&world, "A"), 1,
		"an empty mailbox is not known again");
	world_clear(&world);
}

static void test_lying_ids(void)
{
	struct world world;

	begin(&world, BY_ID, LAYOUT_NESTED);
	world_box(&world, "C")->id = world_box(&world, "A")->id;
	world_give(&world, "C", 5, 0);
	check(world_sync(&world) == 0);
	check(world_sync(&world) == 0);
	replace(&world, 9);
	world_box(&world, "D")->id = world_box(&world, "A")->id;
	world_syncs(&world, 0, "an id that two mailboxes have");
	is_int((intmax_t)world_file_count(&world, "C"), 2, "proves nothing");
	world_clear(&world);

	begin(&world, BY_ID, LAYOUT_NESTED);
	{
		uint64_t id = world_box(&world, "C")->id;

		replace(&world, 9);
		world_box(&world, "D")->id = id;
	}
	world_syncs(&world, 0, "nor does one under which other messages are");
	ok(world_file_count(&world, "C") == 1 &&
			world_file_count(&world, "D") == 1,
		"both are kept apart");
	world_clear(&world);
}

static void test_unproven(void)
{
	struct world world;

	begin(&world, BY_STATE, LAYOUT_NESTED);
	world.server->odd.renames_renumber = true;
	rename_here(&world, "A", "X");
	world_syncs(&world, 0, "where RENAME gives a new UIDVALIDITY");
	is_int((intmax_t)(world.summary.local.added +
			  world.summary.server.added),
		0, "a folder's new name still moves no mail");
	rests(&world, "and both sides are equal");
	world_clear(&world);
}

static void test_not_open(void)
{
	struct world world;

	begin(&world, BY_STATE, LAYOUT_NESTED);
	world.account.remove = ACCOUNT_SIDES_BOTH;
	rename_there(&world, "C", "D");
	world_box(&world, "D")->refuses = "NO [UNAVAILABLE] Away";
	world_syncs(&world, 1, "if the new mailbox cannot be looked into");
	is_int((intmax_t)world_file_count(&world, "C"), 1,
		"nothing counts as gone");
	world_tells(&world, "whether it is a mailbox that was renamed",
		"and that is said");
	world_box(&world, "D")->refuses = NULL;
	world_syncs(&world, 0, "until it can");
	is_int((intmax_t)world_file_count(&world, "D"), 1,
		"then the folder is renamed");
	rests(&world, "that is all");
	world_clear(&world);
}

/* Each of two has the other's name by now, and one is not to be seen. */
static void test_half_open(enum proof proof, bool is_first)
{
	struct world world;
	struct fake_mailbox *closed;

	begin(&world, proof, LAYOUT_NESTED);
	world.account.remove = ACCOUNT_SIDES_BOTH;
	rename_there(&world, "C", "T");
	rename_there(&world, "A/b", "C");
	rename_there(&world, "T", "A/b");
	closed = world_box(&world, is_first ? "A/b" : "C");
	closed->refuses = "NO [UNAVAILABLE] Away";
	world_syncs(
		&world, 1, "if one of two that change places cannot be seen");
	ok(carried_nothing(&world), "the other is not taken for it");
	closed->refuses = NULL;
	world_syncs(&world, 0, "until it can");
	ok(carried_nothing(&world), "then both folders are renamed");
	rests(&world, "that is all");
	world_clear(&world);
}

/* What makes X, on the way to a name below it, would be in its way. */
static void test_closed_above(enum proof proof, enum mailbox_layout layout)
{
	bool waits = layout == LAYOUT_NESTED;
	struct world world;

	begin(&world, proof, layout);
	tap_note("%s, %s", proof_names[proof], layout_names[layout]);
	rename_there(&world, "A", "X");
	rename_there(&world, "C", "X/c");
	fake_server_create(world.server, "X/late", 0);
	world_box(&world, "X")->refuses = "NO [UNAVAILABLE] Away";
	world_syncs(
		&world, 1, "if one cannot be looked into, what lies below it");
	ok(world_has_folder(&world, "A/b") == waits &&
			world_has_folder(&world, "X/b") == !waits &&
			world_has_folder(&world, "X/c") == !waits,
		waits ? "waits with it" : "does not wait");
	ok(!waits || world_told(&world, "[C] note: is called X/c on the server "
					"now, below what could not"),
		"which is said");
	world_syncs(&world, 1, "the next run");
	ok(carried_nothing(&world), "does nothing about it");
	world_box(&world, "X")->refuses = NULL;
	world_syncs(&world, 0, "until it can");
	ok(carried_nothing(&world) && world_file_count(&world, "X") == 2 &&
			world_file_count(&world, "X/b") == 1 &&
			world_file_count(&world, "X/c") == 1 &&
			world_has_folder(&world, "X/late"),
		"then all folders are renamed");
	rests(&world, "that is all");
	world_clear(&world);
}

/* That may be so for good. */
static void test_denied_above(void)
{
	struct world world;

	begin(&world, BY_STATE, LAYOUT_NESTED);
	rename_there(&world, "A", "X");
	world_box(&world, "X")->refuses = "NO [NOPERM] Not yours";
	world_give(&world, "X/b", 5, 0);
	world_syncs(&world, 1, "if one may not be looked into");
	is_int((intmax_t)world_file_count(&world, "X/b"), 2,
		"what lies below it goes on without it");
	is_int((intmax_t)world_file_count(&world, "A"), 2, "and it is kept");
	world_clear(&world);
}

/* The folder of one that was renamed here, with another below it, is to be
 * read, and a call fails. */
static bool waits_here(uint64_t at, bool *failed_r)
{
	struct world world;
	struct buf why = {0};
	bool is_ok;

	begin(&world, BY_STATE, LAYOUT_NESTED);
	fake_fs_hide_births(world.fs);
	rename_here(&world, "A", "X");
	world_drop(&world, "X", "cur/5.here:2,", 5);
	world.fate.fail_at = world.fate.calls + at;
	world.traces = getenv("GODWIT_TEST_TRACE") != NULL;
	(void)world_sync(&world);
	if (world.traces)
		world_tell(&world);
	*failed_r = world.fate.calls >= world.fate.fail_at;
	world.fate.fail_at = 0;
	is_ok = world_box(&world, "X") != NULL ||
		world_box(&world, "X/b") == NULL;
	fake_clock_pass(&world.clock, INT64_C(8) * 24 * 3600 * 1000000000);
	is_ok = is_ok && world_sync(&world) == 0 &&
		world.summary.local.added == 0 &&
		world.summary.server.added <= 1 &&
		world_box(&world, "A") == NULL && is_at_rest(&world, &why);
	if (!is_ok) {
		tap_note("call %llu: %s", (unsigned long long)at, buf_z(&why));
		world_tell(&world);
	}
	buf_clear(&why);
	world_clear(&world);
	return is_ok;
}

static void test_failing_here(void)
{
	bool is_ok = true;
	bool failed = true;

	for (uint64_t at = 1; is_ok && failed; at++)
		is_ok = waits_here(at, &failed);
	ok(is_ok, "a folder that could not be read once is renamed in the end");
}

/* ---- What is in the way -------------------------------------------------- */

static void test_taken(void)
{
	struct world world;

	begin(&world, BY_STATE, LAYOUT_NESTED);
	rename_there(&world, "C", "D");
	world_mkdir(&world, "D");
	world_drop(&world, "D", "new/5.here", 5);
	world_syncs(&world, 0, "if there is a folder of the new name");
	world_tells(&world, "there is another folder of that name",
		"nothing is renamed, which is said;");
	is_int((intmax_t)world_file_count(&world, "C"), 1,
		"the old folder is kept,");
	is_int((intmax_t)world_file_count(&world, "D"), 2, "the other synced");
	world_clear(&world);

	begin(&world, BY_STATE, LAYOUT_NESTED);
	rename_here(&world, "C", "D");
	fake_server_create(world.server, "D", 0);
	world_give(&world, "D", 5, 0);
	world_syncs(&world, 0, "if there is a mailbox of the new name there");
	world_tells(&world, "there is another mailbox of that name",
		"nothing is renamed, which is said;");
	is_int((intmax_t)world_box(&world, "C")->count, 1,
		"the old mailbox is kept");
	is_int((intmax_t)world_file_count(&world, "D"), 2, "the other synced");
	world_clear(&world);
}

/* The new name is taken, and so is the old one. */
static void test_taken_twice(bool is_here)
{
	struct world world;

	begin(&world, BY_STATE, LAYOUT_NESTED);
	if (is_here) {
		rename_here(&world, "C", "D");
		world_mkdir(&world, "C");
		world_drop(&world, "C", "new/6.here", 6);
		fake_server_create(world.server, "D", 0);
		world_give(&world, "D", 5, 0);
	} else {
		rename_there(&world, "C", "D");
		fake_server_create(world.server, "C", 0);
		world_give(&world, "C", 6, 0);
		world_mkdir(&world, "D");
		world_drop(&world, "D", "new/5.here", 5);
	}
	world_syncs(&world, 0, "if both names are others' on either side");
	world_tells(&world, "[C] note: is called D on", "that is said,");
	ok(world_file_count(&world, "C") == 1 &&
			world_file_count(&world, "D") == 1 &&
			world_box(&world, "C")->count == 1 &&
			world_box(&world, "D")->count == 1,
		"and no mail meets");
	if (is_here)
		rename_there(&world, "D", "E");
	else
		rename_here(&world, "D", "E");
	world_syncs(&world, 0, "when the new name is free");
	is_int((intmax_t)(world.summary.local.added +
			  world.summary.server.added),
		2, "what had the names meanwhile is new");
	rests(&world, "and all is in step");
	world_clear(&world);
}

static void test_plain_folder_in_the_way(void)
{
	struct world world;

	begin(&world, BY_STATE, LAYOUT_NESTED);
	rename_there(&world, "C", "D");
	fake_fs_put(world.fs, WORLD_MAILDIR "/D", STR("no folder"), 0);
	fake_fs_settle(world.fs);
	(void)world_sync(&world);
	is_int((intmax_t)world_file_count(&world, "C"), 1,
		"if something else bears the name, the folder is kept");
	ok(fake_fs_exists(world.fs, WORLD_MAILDIR "/D"), "and so is that");
	world_clear(&world);
}

static void test_refused(void)
{
	struct world world;

	begin(&world, BY_STATE, LAYOUT_NESTED);
	rename_here(&world, "C", "A/b/C");
	world_box(&world, "A/b")->attrs |= IMAP_ATTR_NOINFERIORS;
	world_syncs(&world, 0, "a folder may come below another");
	ok(world_box(&world, "A/b/C") != NULL && carried_nothing(&world),
		"as the mailbox does");
	rests(&world, "that is all");
	world_clear(&world);
}

/* ---- Policies ------------------------------------------------------------ */

struct policy_case {
	const char *sentence;
	enum account_direction direction;
	enum account_sides create;
	bool is_here; /* it is renamed here */
	bool follows;
};

static void test_policy(const struct policy_case *policy)
{
	struct world world;

	begin(&world, BY_STATE, LAYOUT_NESTED);
	world.account.direction = policy->direction;
	world.account.create = policy->create;
	world.account.remove = ACCOUNT_SIDES_NONE;
	if (policy->is_here)
		rename_here(&world, "A", "X");
	else
		rename_there(&world, "A", "X");
	world_syncs(&world, 0, policy->sentence);
	ok((world_file_count(&world, "X") == 2 &&
		   world_box(&world, "X") != NULL) == policy->follows,
		policy->follows ? "follows" : "does not follow");
	ok(carried_nothing(&world), "and no mail moves");
	if (!policy->follows) {
		world_tells(&world, "until it has one name again",
			"it is said what to do");
		if (policy->is_here)
			rename_here(&world, "X", "A");
		else
			rename_there(&world, "X", "A");
		world.account.direction = ACCOUNT_DIRECTION_BOTH;
		world.account.create = ACCOUNT_SIDES_BOTH;
		world_syncs(&world, 0, "when that is done");
	}
	rests(&world, "it is in step");
	world_clear(&world);
}

static void test_policies(void)
{
	static const struct policy_case cases[] = {
		{"a pull of what was renamed there", ACCOUNT_DIRECTION_PULL,
			ACCOUNT_SIDES_LOCAL, false, true},
		{"a push of what was renamed here", ACCOUNT_DIRECTION_PUSH,
			ACCOUNT_SIDES_SERVER, true, true},
		{"a push of what was renamed there", ACCOUNT_DIRECTION_PUSH,
			ACCOUNT_SIDES_BOTH, false, false},
		{"a pull of what was renamed here", ACCOUNT_DIRECTION_PULL,
			ACCOUNT_SIDES_BOTH, true, false},
		{"with create: none, what was renamed there",
			ACCOUNT_DIRECTION_BOTH, ACCOUNT_SIDES_NONE, false,
			false},
		{"with create: local, what was renamed here",
			ACCOUNT_DIRECTION_BOTH, ACCOUNT_SIDES_LOCAL, true,
			false},
		{"with create: local, what was renamed there",
			ACCOUNT_DIRECTION_BOTH, ACCOUNT_SIDES_LOCAL, false,
			true},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		test_policy(&cases[i]);
}

static void test_left_out(void)
{
	struct world world;
	struct str x = STR("X");
	struct str a = STR("A");
	uint64_t steps;

	begin(&world, BY_STATE, LAYOUT_NESTED);
	world.account.remove = ACCOUNT_SIDES_BOTH;
	world.account.mailboxes.exclude = (struct account_list){&x, 1};
	rename_there(&world, "A/b", "b");
	rename_there(&world, "A", "X");
	world_syncs(&world, 0, "a mailbox whose new name is excluded");
	world_tells(&world, "which include and exclude leave out",
		"is left alone, which is said,");
	is_int((intmax_t)world_file_count(&world, "A"), 2,
		"and not removed here");
	world_syncs(&world, 0, "the next run");
	steps = world.steps;
	is_int((intmax_t)steps, 0, "does nothing");
	world.account.mailboxes.exclude = (struct account_list){0};
	world_syncs(&world, 0, "when it is not any more");
	ok(carried_nothing(&world) && world_file_count(&world, "X") == 2,
		"its folder is renamed");
	rests(&world, "that is all");
	world_clear(&world);

	begin(&world, BY_STATE, LAYOUT_NESTED);
	world.account.remove = ACCOUNT_SIDES_BOTH;
	rename_there(&world, "A/b", "b");
	rename_there(&world, "A", "X");
	world.options.globs = (struct account_list){&a, 1};
	world_syncs(&world, 0, "a run of the old name alone");
	is_int((intmax_t)world_file_count(&world, "A"), 2, "removes nothing");
	world.options.globs = (struct account_list){&x, 1};
	world_syncs(&world, 0, "a run of the new name alone");
	ok(carried_nothing(&world) && world_file_count(&world, "X") == 2,
		"renames the folder");
	world.options.globs = (struct account_list){0};
	world_syncs(&world, 0, "a run of all");
	ok(carried_nothing(&world), "moves no mail, either");
	rests(&world, "that is all");
	world_clear(&world);
}

static struct mailbox_rename map[] = {{STR("C"), STR("Sea")}};

static void test_map(void)
{
	struct world world;

	world_init(&world, 1);
	give_caps(world.server, BY_STATE);
	world.account.mailboxes.renames = map;
	world.account.mailboxes.rename_count = 1;
	fake_server_create(world.server, "C", 0);
	world_give(&world, "C", 4, FAKE_SEEN);
	check(world_sync(&world) == 0);
	check(world_sync(&world) == 0);
	rename_folder(&world, "Sea", "Ocean");
	world_syncs(&world, 0, "a folder whose name the config says");
	world_tells(&world, "but `rename` says its name",
		"does not rename the server's mailbox");
	rename_folder(&world, "Ocean", "Sea");
	world_syncs(&world, 0, "given back");
	rename_there(&world, "C", "Other");
	world_syncs(&world, 0, "a mailbox that `rename` speaks of no more");
	ok(carried_nothing(&world) && world_file_count(&world, "Other") == 1,
		"gets the folder of its new name");
	rename_there(&world, "Other", "C");
	world_syncs(&world, 0, "and one that it does");
	ok(carried_nothing(&world), "the name that it says");
	world.left_out = STR("C");
	ok(world_has_folder(&world, "Sea"), "and no other");
	world_clear(&world);
}

static void test_case(void)
{
	struct world world;

	world_init(&world, 1);
	fake_fs_remove(world.fs, "/home");
	fake_fs_settle(world.fs);
	fake_fs_fold_case(world.fs);
	fake_fs_mkdir(world.fs, WORLD_MAILDIR);
	fake_fs_mkdir(world.fs, WORLD_STATE);
	fake_fs_settle(world.fs);
	give_caps(world.server, BY_STATE);
	fake_server_create(world.server, "C", 0);
	world_give(&world, "C", 4, FAKE_SEEN);
	check(world_sync(&world) == 0);
	check(world_sync(&world) == 0);
	rename_there(&world, "C", "c");
	world_syncs(&world, 1, "a new name that differs in letter case alone");
	world_tells(&world, "differ only in letter case",
		"is an error where that is one folder");
	is_int((intmax_t)world_file_count(&world, "C"), 1, "which is kept");
	rename_there(&world, "c", "C");
	rests(&world, "and is in step again under its old name");
	world_clear(&world);
}

static void test_subscribed(void)
{
	struct world world;

	begin(&world, BY_STATE, LAYOUT_NESTED);
	world_box(&world, "C")->subscribed = true;
	rename_here(&world, "C", "D");
	world_syncs(&world, 0, "a mailbox that is subscribed to");
	ok(world_box(&world, "D")->subscribed, "is under its new name");
	is_int((intmax_t)world.traffic.counts[IMAP_UNSUBSCRIBE], 1,
		"and not under its old one");
	rename_here(&world, "A", "X");
	world_syncs(&world, 0, "one that is not");
	ok(!world_box(&world, "X")->subscribed, "is not, then");
	world_clear(&world);
}

/* Dies at the n-th step of a rename there; whether the subscription goes along
 * in the end. */
static bool keeps_subscription(uint64_t at, enum fake_death death, bool *died_r)
{
	struct world world;
	bool is_kept;

	begin(&world, at % 2 == 0 ? BY_STATE : BY_NUMBER, LAYOUT_NESTED);
	world_box(&world, "C")->subscribed = true;
	rename_here(&world, "C", "D");
	world.server->death = death;
	world.fate.die_at = world.fate.steps + at;
	(void)world_sync(&world);
	*died_r = world.is_dead;
	if (world.is_dead)
		world_kill(&world);
	world.fate.die_at = 0;
	is_kept = world_sync(&world) == 0 &&
		  world_box(&world, "D")->subscribed &&
		  world_box(&world, "D")->was == NULL;
	if (!is_kept)
		world_tell(&world);
	world_clear(&world);
	return is_kept;
}

static void test_subscribed_deaths(void)
{
	static const enum fake_death deaths[] = {
		FAKE_DEATH_BEFORE, FAKE_DEATH_AFTER, FAKE_DEATH_DRAIN};
	bool is_ok = true;

	for (size_t i = 0; i < sizeof(deaths) / sizeof(deaths[0]); i++) {
		bool died = true;

		for (uint64_t at = 1; is_ok && died; at++)
			is_ok = keeps_subscription(at, deaths[i], &died);
	}
	ok(is_ok, "a rename that is cut off anywhere takes a subscription "
		  "along");
}

static void test_inbox(enum mailbox_layout layout)
{
	struct world world;

	begin(&world, BY_STATE, layout);
	world_give(&world, "INBOX", 7, 0);
	check(world_sync(&world) == 0);
	fake_server_create(world.server, "Old", 0);
	(void)fake_mailbox_copy(
		world_box(&world, "INBOX"), 1, world_box(&world, "Old"));
	fake_mailbox_expunge(world_box(&world, "INBOX"), 1);
	world_syncs(&world, 0, "after RENAME of INBOX");
	is_int((intmax_t)world_file_count(&world, "Old"), 1,
		"its mail is where it went");
	is_int((intmax_t)world_file_count(&world, "INBOX"), 0,
		"INBOX is empty");
	is_int((intmax_t)world.summary.local.added, 0, "and none travelled");
	rests(&world, "that is all");
	world_clear(&world);
}

static void test_folder_below(void)
{
	struct world world;

	begin(&world, BY_STATE, LAYOUT_NESTED);
	fake_fs_mkdir(world.fs, WORLD_MAILDIR "/A/own/cur");
	fake_fs_settle(world.fs);
	fake_server_create(world.server, "A/late", 0);
	rename_there(&world, "A", "X");
	world_syncs(&world, 0, "what is new below a mailbox that was renamed");
	ok(world_has_folder(&world, "X/own") &&
			world_box(&world, "X/own") != NULL,
		"goes along here");
	ok(world_has_folder(&world, "X/late"), "and there");
	rests(&world, "and is in step");
	world_clear(&world);
}

static void test_parent_alone(void)
{
	struct world world;

	/* In maildir++, what is below need not come along. */
	begin(&world, BY_STATE, LAYOUT_MAILDIRPP);
	rename_folder(&world, "A", "X");
	world_syncs(
		&world, 0, "a folder that is renamed without those below it");
	ok(world_box(&world, "X/b") != NULL &&
			world_has_folder(&world, "X/b") &&
			carried_nothing(&world),
		"takes them along, as the server does");
	rests(&world, "that is all");
	world_clear(&world);
}

/* What was removed here, and kept there, goes along with what it is below. */
static void test_detached_below(enum proof proof, enum mailbox_layout layout)
{
	struct world world;

	begin(&world, proof, layout);
	tap_note("%s, %s", proof_names[proof], layout_names[layout]);
	world_rmdir(&world, "A/b");
	world_syncs(&world, 0, "a mailbox whose folder was removed");
	world_tells(&world, "[A/b] note: is gone from the Maildir",
		"is left alone,");
	rename_there(&world, "A", "X");
	world_syncs(&world, 0, "and if what it is below is renamed there");
	ok(world_file_count(&world, "X") == 2 &&
			!world_has_folder(&world, "X/b") &&
			carried_nothing(&world),
		"it does not come back");
	world_syncs(&world, 0, "which remains so");
	ok(world.steps == 0 && !world_has_folder(&world, "X/b") &&
			world_box(&world, "X/b")->count == 1,
		"in the runs after that");
	rename_there(&world, "X/b", "c");
	world_syncs(&world, 0, "nor does it if it is renamed itself");
	ok(!world_has_folder(&world, "c") && carried_nothing(&world),
		"to any name");
	world_mkdir(&world, "c");
	world_syncs(&world, 0, "until there is a folder of that name");
	is_int((intmax_t)world_file_count(&world, "c"), 1, "then it is synced");
	rests(&world, "and that is all");
	world_clear(&world);

	begin(&world, proof, layout);
	world_rmdir(&world, "A/b");
	check(world_sync(&world) == 0);
	rename_here(&world, "A", "X");
	world_syncs(&world, 0, "if what it is below is renamed here");
	ok(world_box(&world, "X/b")->count == 1 &&
			!world_has_folder(&world, "X/b") &&
			carried_nothing(&world),
		"it goes along on the server, and does not come back, either");
	world_clear(&world);
}

static void begin_detached(struct world *world, enum proof proof)
{
	begin(world, proof, LAYOUT_NESTED);
	world_rmdir(world, "A/b");
	check(world_sync(world) == 0);
}

/* It does not come back by a detour, either. */
static void test_detached_names(enum proof proof)
{
	struct world world;

	begin_detached(&world, proof);
	tap_note("%s", proof_names[proof]);
	rename_there(&world, "A/b", "D");
	world_box(&world, "D")->refuses = "NO [UNAVAILABLE] Away";
	world_syncs(&world, 1, "if what may be one that was removed here");
	ok(!world_has_folder(&world, "D"), "cannot be looked into, it waits");
	world_box(&world, "D")->refuses = NULL;
	world.options.depth = SYNC_DRY;
	world_syncs(&world, 0, "if it can, a dry run");
	ok(!world_told(&world, "[D] create"), "does not make it here,");
	world.options.depth = SYNC_APPLY;
	world_syncs(&world, 0, "nor does a sync");
	ok(!world_has_folder(&world, "D") && carried_nothing(&world),
		"or bring anything");
	world_clear(&world);

	begin_detached(&world, proof);
	rename_there(&world, "C", "D");
	rename_there(&world, "A/b", "C");
	world_syncs(&world, 0, "if it has the name of another by now");
	ok(world_file_count(&world, "D") == 1 && carried_nothing(&world) &&
			!world_has_folder(&world, "C"),
		"that one is renamed, and it is left alone");
	world_clear(&world);

	begin_detached(&world, proof);
	rename_there(&world, "C", "D");
	rename_there(&world, "A/b", "C");
	world_mkdir(&world, "D");
	world_drop(&world, "D", "new/5.here", 5);
	world_syncs(&world, 0, "if that one cannot be renamed");
	world_syncs(&world, 0, "nor in the next run");
	is_int((intmax_t)world_file_count(&world, "C"), 1,
		"its folder does not get what was removed");
	is_int((intmax_t)world_box(&world, "C")->count, 1,
		"nor is anything brought there");
	rename_here(&world, "D", "E");
	world_syncs(&world, 0, "when it can");
	ok(world_file_count(&world, "D") == 1 && !world_has_folder(&world, "C"),
		"it is, and the other has its name alone");
	world_clear(&world);
}

/* What is called like it, or was, is no concern of it. */
static void test_detached_others(enum proof proof)
{
	struct world world;

	begin_detached(&world, proof);
	tap_note("%s", proof_names[proof]);
	rename_there(&world, "A/b", "D");
	world_box(&world, "D")->refuses = "NO [NOPERM] Not yours";
	world.left_out = STR("D");
	world.account.mailboxes.exclude =
		(struct account_list){&world.left_out, 1};
	world_syncs(&world, 0, "if what it may be is none of ours by now");
	ok(!world_told(&world, "[A/b] error"), "nobody hears of it");
	world_clear(&world);

	begin(&world, proof, LAYOUT_NESTED);
	fake_fs_rename(world.fs, WORLD_MAILDIR "/A/b", "/home/b");
	fake_fs_settle(world.fs);
	check(world_sync(&world) == 0);
	fake_fs_rename(world.fs, "/home/b", WORLD_MAILDIR "/E");
	fake_fs_settle(world.fs);
	rename_there(&world, "A/b", "D");
	world_syncs(&world, 0, "if its folder is back under another name");
	ok(world_box(&world, "E") != NULL && !world_has_folder(&world, "D"),
		"it is a new one");
	world_clear(&world);
}

/* Whether looking in any way changes nothing. */
static bool looks_only(struct world *world)
{
	static const enum sync_depth depths[] = {
		SYNC_CHECK, SYNC_LIST, SYNC_STATUS, SYNC_DRY};
	bool is_ok = true;

	for (size_t i = 0; i < sizeof(depths) / sizeof(depths[0]); i++) {
		struct buf before = {0};
		struct buf after = {0};

		world->options.depth = depths[i];
		fake_fs_dump(world->fs, "/", &before);
		is_ok = world_sync(world) == 0 && world->steps == 0 && is_ok;
		fake_fs_dump(world->fs, "/", &after);
		is_ok = str_eq(buf_str(&before), buf_str(&after)) && is_ok;
		buf_clear(&before);
		buf_clear(&after);
	}
	if (!is_ok)
		world_tell(world);
	return is_ok;
}

static void test_looking(bool is_here)
{
	struct world world;
	void (*rename)(struct world *, const char *, const char *) =
		is_here ? rename_here : rename_there;

	begin(&world, BY_STATE, LAYOUT_NESTED);
	rename(&world, "A", "X");
	rename(&world, "C", "A");
	rename(&world, "X", "C");
	ok(looks_only(&world),
		"who only looks at mailboxes that change names writes nothing");
	world_tells(&world, is_here ? "[A] rename server" : "[A] rename local",
		"a dry run names the one");
	world_tells(&world, is_here ? "[C] rename server" : "[C] rename local",
		"and the other");
	world.options.depth = SYNC_STATUS;
	world_syncs(&world, 0, "and so does");
	world_tells(&world,
		is_here ? "[A] note: is called C on disk now; a sync renames "
			  "its mailbox on the server"
			: "[A] note: is called C on the server now; a sync "
			  "renames its folder",
		"status");
	world.options.depth = SYNC_APPLY;
	world_syncs(&world, 0, "a sync then does it");
	rests(&world, "and that is all");
	rename(&world, "C", "X");
	if (is_here) {
		world_mkdir(&world, "C");
		fake_fs_settle(world.fs);
	} else {
		fake_server_create(world.server, "C", 0);
	}
	ok(looks_only(&world),
		"nor does it with a new mailbox under the old name");
	world_tells(&world, is_here ? "[C] create server" : "[C] create local",
		"which a dry run says would be made");
	world_clear(&world);
}

/* ---- Interruptions ------------------------------------------------------- */

enum act {
	ACT_THERE,
	ACT_HERE,
	ACT_SWAP_THERE,
	ACT_SWAP_HERE,
	ACTS,
};

static const char *const act_names[] = {
	"there", "here", "swapped there", "swapped here"};

static void do_act(struct world *world, enum act act)
{
	switch (act) {
	case ACT_THERE:
		rename_there(world, "A", "X");
		world_give(world, "X", 5, 0);
		break;
	case ACT_HERE:
		rename_here(world, "A", "X");
		world_drop(world, "X", "new/5.here", 5);
		break;
	case ACT_SWAP_THERE:
		rename_there(world, "A", "X");
		rename_there(world, "C", "A");
		rename_there(world, "X", "C");
		break;
	default:
		rename_here(world, "A", "X");
		rename_here(world, "C", "A");
		rename_here(world, "X", "C");
		break;
	}
}

/* What both sides are to be in the end. */
static bool is_as_wanted(struct world *world, enum act act)
{
	switch (act) {
	case ACT_THERE:
	case ACT_HERE:
		return world->server->count == 4 &&
		       world_file_count(world, "X") == 3 &&
		       world_file_count(world, "X/b") == 1 &&
		       world_file_count(world, "C") == 1;
	default:
		return world->server->count == 4 &&
		       world_file_count(world, "A") == 1 &&
		       world_file_count(world, "C/b") == 1 &&
		       world_file_count(world, "C") == 2;
	}
}

/* Dies at the n-th step; false when there was no such step. */
static bool dies(const struct policy_case *how, enum act act, uint64_t at,
	enum fake_death death, bool *is_ok_r)
{
	struct world world;
	struct buf why = {0};
	bool died;

	begin(&world, how->is_here ? BY_ID : BY_STATE,
		how->follows ? LAYOUT_NESTED : LAYOUT_MAILDIRPP);
	do_act(&world, act);
	world.server->death = death;
	world.fate.die_at = world.fate.steps + at;
	(void)world_sync(&world);
	died = world.is_dead;
	if (died && at % 2 == 0)
		world_kill(&world);
	else if (died)
		world_crash(&world, at);
	world.fate.die_at = 0;
	world.server->death = FAKE_DEATH_BEFORE;
	*is_ok_r = world_sync(&world) == 0 && is_as_wanted(&world, act) &&
		   is_at_rest(&world, &why);
	if (!*is_ok_r) {
		tap_note("%s, died at step %llu: %s", act_names[act],
			(unsigned long long)at, buf_z(&why));
		world_tell(&world);
	}
	buf_clear(&why);
	world_clear(&world);
	return died;
}

static void test_deaths(enum act act)
{
	static const enum fake_death deaths[] = {
		FAKE_DEATH_BEFORE, FAKE_DEATH_AFTER, FAKE_DEATH_DRAIN};
	const unsigned stride = tap_rounds(3, 1, 1);
	uint64_t count = 0;
	bool is_ok = true;

	for (unsigned form = 0; form < 4; form++) {
		const struct policy_case how = {
			.is_here = (form & 1) != 0, .follows = (form & 2) != 0};

		for (size_t i = 0; i < sizeof(deaths) / sizeof(deaths[0]);
			i++) {
			for (uint64_t at = 1 + i % stride;
				is_ok && dies(&how, act, at, deaths[i], &is_ok);
				at += stride)
				count++;
		}
	}
	ok(is_ok && count > 20,
		"a rename (%s) that is interrupted anywhere ends the same way",
		act_names[act]);
}

/* The connection is cut after the n-th response. */
static void test_cuts(enum act act)
{
	bool is_ok = true;
	bool more = true;

	for (uint64_t at = 1; is_ok && more; at++) {
		struct world world;
		struct buf why = {0};

		begin(&world, BY_STATE, LAYOUT_NESTED);
		do_act(&world, act);
		world.server->cut_at = world.server->responses + at;
		(void)world_sync(&world);
		more = world.server->responses >= world.server->cut_at;
		world.server->cut_at = 0;
		is_ok = world_sync(&world) == 0 && is_as_wanted(&world, act) &&
			is_at_rest(&world, &why);
		if (!is_ok) {
			tap_note("cut after %llu: %s", (unsigned long long)at,
				buf_z(&why));
			world_tell(&world);
		}
		buf_clear(&why);
		world_clear(&world);
	}
	ok(is_ok, "so does one (%s) whose connection is cut anywhere",
		act_names[act]);
}

/* ---- Any names ----------------------------------------------------------- */

enum {
	ROUNDS = 6, /* a seed */
	RENAMES_MAX = 4,
};

enum {
	NAMED = 3, /* mailboxes but INBOX */
	NAME_ROOM = 200,
};

struct story {
	struct world world;
	struct buf told;              /* what was done */
	unsigned given;               /* names that were invented */
	bool is_here;                 /* the side of this round */
	char names[NAMED][NAME_ROOM]; /* on that side by now */
};

static unsigned draw(struct story *story, size_t below)
{
	return (unsigned)fate_random(&story->world.fate, below);
}

static void take_names(struct story *story)
{
	const struct fake_server *server = story->world.server;

	check(server->count == NAMED + 1);
	for (size_t i = 0; i < NAMED; i++)
		(void)snprintf(story->names[i], NAME_ROOM, "%s",
			server->mailboxes[i + 1]->name);
}

static bool is_tree(const char *top, const char *name)
{
	size_t len = strlen(top);

	return strncmp(top, name, len) == 0 &&
	       (name[len] == '\0' || name[len] == '/');
}

/* In maildir++, each folder by itself. */
static void rename_any(struct story *story, const char *from, const char *to)
{
	struct world *world = &story->world;
	bool is_flat = world->account.layout == LAYOUT_MAILDIRPP;
	char top[NAME_ROOM];

	(void)snprintf(top, sizeof(top), "%s", from);
	buf_addf(&story->told, "%s %s -> %s; ",
		story->is_here ? "here" : "there", top, to);
	if (!story->is_here)
		rename_there(world, top, to);
	else if (!is_flat)
		rename_folder(world, top, to);
	for (size_t i = 0; i < NAMED; i++) {
		char old[NAME_ROOM];

		(void)snprintf(old, sizeof(old), "%s", story->names[i]);
		if (!is_tree(top, old))
			continue;
		(void)snprintf(story->names[i], NAME_ROOM, "%.80s%.80s", to,
			old + strlen(top));
		if (story->is_here && is_flat)
			rename_folder(world, old, story->names[i]);
	}
}

/* To a new name, at the top or below another mailbox. */
static void rename_to_new(struct story *story, const char *from, const char *at)
{
	char to[NAME_ROOM];

	story->given++;
	if (draw(story, 2) == 0 || is_tree(from, at) || strlen(at) > 40)
		(void)snprintf(to, sizeof(to), "N%u", story->given);
	else
		(void)snprintf(to, sizeof(to), "%.80s/N%u", at, story->given);
	rename_any(story, from, to);
}

static void swap(struct story *story, size_t a, size_t b)
{
	char first[NAME_ROOM];
	char second[NAME_ROOM];
	char third[16];

	(void)snprintf(first, sizeof(first), "%s", story->names[a]);
	(void)snprintf(second, sizeof(second), "%s", story->names[b]);
	if (is_tree(first, second) || is_tree(second, first))
		return;
	(void)snprintf(third, sizeof(third), "T%u", ++story->given);
	rename_any(story, first, third);
	rename_any(story, second, first);
	rename_any(story, third, second);
}

static void rename_some(struct story *story)
{
	size_t a = draw(story, NAMED);
	size_t b = draw(story, NAMED);

	if (draw(story, 2) == 0)
		swap(story, a, b);
	else
		rename_to_new(story, story->names[a], story->names[b]);
}

/* Kills a run somewhere, perhaps more than one. */
static void stumble(struct story *story)
{
	struct world *world = &story->world;

	while (draw(story, 2) == 0) {
		world->server->death = (enum fake_death)draw(story, 3);
		world->fate.die_at = world->fate.steps + 1 + draw(story, 12);
		(void)world_sync(world);
		if (world->is_dead && draw(story, 2) == 0)
			world_kill(world);
		else if (world->is_dead)
			world_crash(world, draw(story, 1000));
		world->fate.die_at = 0;
		world->server->death = FAKE_DEATH_BEFORE;
		buf_addz(&story->told, "dies; ");
	}
}

static bool plays(uint64_t seed)
{
	struct story story = {0};
	struct world *world = &story.world;
	struct buf why = {0};
	bool is_ok = true;

	begin(world, seed % 2 == 0 ? BY_ID : BY_STATE, layouts[seed / 2 % 2]);
	world->fate.random = seed;
	for (unsigned round = 0; is_ok && round < ROUNDS; round++) {
		story.is_here = draw(&story, 2) == 0;
		take_names(&story);
		for (unsigned i = draw(&story, RENAMES_MAX) + 1; i > 0; i--)
			rename_some(&story);
		stumble(&story);
		is_ok = world_sync(world) == 0 && carried_nothing(world) &&
			is_at_rest(world, &why);
	}
	if (!is_ok) {
		tap_note("seed %llu: %s%s", (unsigned long long)seed,
			buf_z(&story.told), buf_z(&why));
		world_tell(world);
	}
	buf_clear(&story.told);
	buf_clear(&why);
	world_clear(world);
	return is_ok;
}

static void test_any(void)
{
	unsigned seeds = tap_rounds(15, 300, 5000);
	bool is_ok = true;

	for (uint64_t seed = 1; is_ok && seed <= seeds; seed++)
		is_ok = plays(seed);
	ok(is_ok, "whatever gets which name on either side, killed or not, no "
		  "mail moves");
}

static void test_proofs(void)
{
	for (int proof = 0; proof < PROOFS; proof++) {
		for (size_t i = 0; i < 2; i++) {
			test_there((enum proof)proof, layouts[i]);
			test_here((enum proof)proof, layouts[i]);
			test_both((enum proof)proof, layouts[i]);
			test_with_changes((enum proof)proof, layouts[i]);
		}
		test_back((enum proof)proof);
		test_bare_there((enum proof)proof);
	}
	test_unseen_swap();
	test_bare_here(true);
	test_bare_here(false);
	test_gone_there(false);
	test_gone_there(true);
	for (int proof = BY_ID; proof < PROOFS; proof++) {
		test_chain((enum proof)proof, false);
		test_chain((enum proof)proof, true);
		test_new_under_old_name((enum proof)proof, false);
		test_new_under_old_name((enum proof)proof, true);
	}
}

static void test_above(void)
{
	for (int proof = BY_ID; proof < PROOFS; proof++) {
		test_closed_above((enum proof)proof, LAYOUT_NESTED);
		test_closed_above((enum proof)proof, LAYOUT_MAILDIRPP);
	}
	test_denied_above();
	test_failing_here();
}

static void test_detached(void)
{
	for (int proof = BY_ID; proof < PROOFS; proof++) {
		test_detached_below((enum proof)proof, LAYOUT_NESTED);
		test_detached_below((enum proof)proof, LAYOUT_MAILDIRPP);
		test_detached_names((enum proof)proof);
		test_detached_others((enum proof)proof);
	}
}

int main(void)
{
	test_proofs();
	test_inode_again();
	test_same_numbers();
	test_one_uidvalidity();
	test_lying_ids();
	test_unproven();
	test_not_open();
	for (int proof = BY_ID; proof <= BY_STATE; proof++) {
		test_half_open((enum proof)proof, false);
		test_half_open((enum proof)proof, true);
	}
	test_above();
	test_taken();
	test_taken_twice(false);
	test_taken_twice(true);
	test_plain_folder_in_the_way();
	test_refused();
	test_policies();
	test_left_out();
	test_map();
	test_case();
	test_subscribed();
	test_subscribed_deaths();
	test_inbox(LAYOUT_NESTED);
	test_inbox(LAYOUT_MAILDIRPP);
	test_folder_below();
	test_parent_alone();
	test_detached();
	test_looking(false);
	test_looking(true);
	for (int act = 0; act < ACTS; act++) {
		test_deaths((enum act)act);
		test_cuts((enum act)act);
	}
	test_any();
	return tap_done();
}
