/*
 * guesses: files that are called by their names without having been listed.
 *
 * A folder that has not changed since it was in step is not scanned when the
 * server has changes for it: what its files are called is guessed from the
 * journal. A mail reader may rename or remove one at any moment, from the look
 * at the folder's stamps to the last rename of ours; and not every file is
 * called as we would call it.
 */
#include "tap.h"
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	OTHERS = 12,    /* messages beside the one that is meddled with */
	SYNCS_MAX = 4,  /* until both sides are in step again */
	CALLS_MIN = 20, /* of a sync, up to where the file is renamed */
};

#define PATIENCE_NS INT64_C(100000000000)

/* A server, by what it offers. */
struct kind {
	const char *name;
	enum imap_cap caps[6]; /* up to IMAP4rev1 */
};

static const struct kind kinds[] = {
	{"QRESYNC", {IMAP_CAP_ENABLE, IMAP_CAP_CONDSTORE, IMAP_CAP_QRESYNC,
			    IMAP_CAP_LIST_EXTENDED, IMAP_CAP_LIST_STATUS}},
	{"CONDSTORE", {IMAP_CAP_CONDSTORE, IMAP_CAP_ESEARCH}},
	{"neither", {IMAP_CAP_IMAP4REV1}},
};

/* What happens to the first message on the server. */
enum fate_there {
	GETS_FLAG, /* \Answered */
	GOES,
	MOVES, /* to A */
};

/* And to its file; and what both sides have to be in the end. */
struct meddling {
	const char *sentence;
	uint64_t flags; /* before */
	enum fate_there there;
	const char *letters; /* of the new name in cur/; NULL: removed */
	const char *where;   /* NULL: nowhere */
	uint64_t want;
};

static const struct meddling meddlings[] = {
	{"a file that gets a flag when its message does has both", FAKE_SEEN,
		GETS_FLAG, ":2,FS", "INBOX",
		FAKE_SEEN | FAKE_FLAGGED | FAKE_ANSWERED},
	{"one that loses a flag has lost it", FAKE_SEEN, GETS_FLAG, ":2,",
		"INBOX", FAKE_ANSWERED},
	{"one that is read, in new/, is read", 0, GETS_FLAG, ":2,S", "INBOX",
		FAKE_SEEN | FAKE_ANSWERED},
	{"one that is removed is gone", FAKE_SEEN, GETS_FLAG, NULL, NULL, 0},
	{"one whose message goes is gone, whatever its flags", FAKE_SEEN, GOES,
		":2,FS", NULL, 0},
	{"so is one in new/ that is read", 0, GOES, ":2,S", NULL, 0},
	{"one whose message moves goes with it, with its flag", FAKE_SEEN,
		MOVES, ":2,FS", "A", FAKE_SEEN | FAKE_FLAGGED},
	{"so does one in new/ that is read", 0, MOVES, ":2,S", "A", FAKE_SEEN},
	{"one that is removed as its message moves is kept there", FAKE_SEEN,
		MOVES, NULL, "A", FAKE_SEEN},
};

static struct fake_mailbox *box(const struct world *world, const char *name)
{
	return fake_server_find(world->server, name);
}

/* Two mailboxes in step; all other messages are flagged drafts. */
static void begin(struct world *world, const struct kind *kind, uint64_t flags)
{
	world_init(world, 1);
	world->traces = true;
	imap_caps_set(&world->server->caps, IMAP_CAP_UIDPLUS);
	for (size_t i = 0; kind->caps[i] != IMAP_CAP_IMAP4REV1; i++)
		imap_caps_set(&world->server->caps, kind->caps[i]);
	fake_server_create(world->server, "A", 0);
	world_give(world, "INBOX", 1, flags);
	for (unsigned i = 2; i < OTHERS; i++)
		world_give(world, "INBOX", i, FAKE_FLAGGED | FAKE_DRAFT);
	world_give(world, "A", OTHERS, FAKE_FLAGGED | FAKE_DRAFT);
	check(world_sync(world) == 0);
}

/* Where the first message's file is. */
static void path_of(struct world *world, char path[static 300])
{
	struct world_files files = {0};

	path[0] = '\0';
	world_files(world, "INBOX", &files);
	for (size_t i = 0; i < files.count; i++) {
		if (strcmp(files.items[i].letters, "DF") != 0)
			(void)snprintf(path, 300, "%s", files.items[i].path);
	}
	free(files.items);
	check(path[0] != '\0');
}

static void happen(struct world *world, enum fate_there there)
{
	struct fake_mailbox *inbox = box(world, "INBOX");

	switch (there) {
	case GETS_FLAG:
		inbox->messages[0].flags |= FAKE_ANSWERED;
		break;
	case MOVES:
		(void)fake_mailbox_copy(
			inbox, inbox->messages[0].uid, box(world, "A"));
		fake_mailbox_expunge(inbox, inbox->messages[0].uid);
		break;
	case GOES:
		fake_mailbox_expunge(inbox, inbox->messages[0].uid);
		break;
	}
}

/* The name that the mail reader gives the file. */
static void target_of(const struct world *world, const char *path,
	const char *letters, struct buf *to)
{
	struct str name = str_of(strrchr(path, '/') + 1);
	struct buf below = {0};

	name.len = str_find(name, ':');
	buf_addf(&below, "cur/%.*s%s", STR_FMT(name), letters);
	world_path(world, "INBOX", buf_z(&below), to);
	buf_clear(&below);
}

/* Whether the file still has its name right before the call of the sync. */
static bool has_name_at(
	const struct kind *kind, const struct meddling *meddling, uint64_t call)
{
	struct world world;
	char path[300];
	bool has;

	begin(&world, kind, meddling->flags);
	happen(&world, meddling->there);
	path_of(&world, path);
	fake_fs_plan(world.fs, call, path, WORLD_MAILDIR "/probe");
	(void)world_sync(&world);
	has = fake_fs_exists(world.fs, WORLD_MAILDIR "/probe");
	world_clear(&world);
	return has;
}

/* How many calls come before the sync itself takes the name away. */
static uint64_t calls_before(
	const struct kind *kind, const struct meddling *meddling)
{
	uint64_t low = 0;
	uint64_t high = 1;

	while (has_name_at(kind, meddling, high))
		high *= 2;
	while (low < high) {
		uint64_t middle = low + (high - low) / 2;

		if (has_name_at(kind, meddling, middle))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool is_as_wanted(
	const struct world *world, const struct meddling *meddling)
{
	static const char *const names[] = {"INBOX", "A"};
	size_t others = 0;
	bool found = false;

	for (size_t i = 0; i < 2; i++) {
		const struct fake_mailbox *in = box(world, names[i]);

		for (size_t m = 0; m < in->count; m++) {
			bool is_other = in->messages[m].flags ==
					(FAKE_FLAGGED | FAKE_DRAFT);

			others += is_other;
			if (is_other)
				continue;
			if (found || meddling->where == NULL ||
				strcmp(names[i], meddling->where) != 0 ||
				in->messages[m].flags != meddling->want)
				return false;
			found = true;
		}
	}
	return others == OTHERS - 1 && found == (meddling->where != NULL);
}

/* The mail reader meddles right before this call; the runs after it bring both
 * sides in step, and nothing is lost. */
static bool ends_well(
	const struct kind *kind, const struct meddling *meddling, uint64_t call)
{
	struct world world;
	struct buf to = {0};
	struct buf why = {0};
	char path[300];
	bool good = false;

	begin(&world, kind, meddling->flags);
	happen(&world, meddling->there);
	path_of(&world, path);
	if (meddling->letters != NULL)
		target_of(&world, path, meddling->letters, &to);
	fake_fs_plan(world.fs, call, path,
		meddling->letters != NULL ? buf_z(&to) : NULL);
	for (int i = 0; i < SYNCS_MAX && !good; i++) {
		buf_reset(&why);
		good = world_sync(&world) == 0 && world.steps == 0 &&
		       world_in_step(&world, &why) &&
		       world_journal_ok(&world, &why) &&
		       is_as_wanted(&world, meddling);
	}
	if (!good) {
		tap_note("at call %u: %s", (unsigned)call, buf_z(&why));
		world_tell(&world);
	}
	buf_clear(&to);
	buf_clear(&why);
	world_clear(&world);
	return good;
}

static void test_meddling(
	const struct kind *kind, const struct meddling *meddling)
{
	uint64_t calls = calls_before(kind, meddling);
	uint64_t step = calls / tap_rounds(10, 60, 1000) + 1;
	bool good = true;

	for (uint64_t call = 0; call < calls && good; call += step)
		good = ends_well(kind, meddling, call);
	ok(good && calls > CALLS_MIN, "%s: whenever it happens, %s", kind->name,
		meddling->sentence);
}

/* ---- Names that are not ours --------------------------------------------- */

static const struct {
	const char *before;
	const char *after;
	const char *sentence;
} names[] = {
	{":2,S", ":2,FS", "a name like ours"},
	{":2,SX", ":2,FSX", "a letter that means nothing to us"},
	{":2,SS", ":2,FS", "a letter twice"},
	{":2,S,more", ":2,FS,more", "something behind the letters"},
};

static void test_names(size_t at)
{
	struct world world;
	struct buf to = {0};
	struct buf after = {0};
	char path[300];

	begin(&world, &kinds[0], FAKE_SEEN);
	path_of(&world, path);
	target_of(&world, path, names[at].before, &to);
	target_of(&world, path, names[at].after, &after);
	fake_fs_rename(world.fs, path, buf_z(&to));
	check(world_sync(&world) == 0);
	check(world_sync(&world) == 0 && world.steps == 0);
	box(&world, "INBOX")->messages[0].flags |= FAKE_FLAGGED;
	check(world_sync(&world) == 0);
	if (!ok(fake_fs_exists(world.fs, buf_z(&after)),
		    "a file's name is found with %s, which stays",
		    names[at].sentence))
		world_tell(&world);
	check(world_sync(&world) == 0);
	ok(world.steps == 0 && box(&world, "INBOX")->messages[0].flags ==
				       (FAKE_SEEN | FAKE_FLAGGED),
		"and nothing is left to do");
	buf_clear(&to);
	buf_clear(&after);
	world_clear(&world);
}

/* ---- A file with two names ------------------------------------------------
 */

/* The first message's file gets another name, which ends like this, in cur/. */
static void give_second_name(
	struct world *world, const char *part, const char *letters)
{
	const struct fs_port *fs = &world->ports.fs;
	struct fs_dir *dirs[4] = {0};
	struct buf to = {0};
	char path[300];
	struct err err;

	path_of(world, path);
	target_of(world, path, letters, &to);
	check(fs->root_open(fs->ctx, WORLD_MAILDIR, false, &dirs[0], &err) ==
			FS_OK &&
		fs->dir_open(dirs[0], "INBOX", false, &dirs[1], &err) ==
			FS_OK &&
		fs->dir_open(dirs[1], part, false, &dirs[2], &err) == FS_OK &&
		fs->dir_open(dirs[1], "cur", false, &dirs[3], &err) == FS_OK);
	check(fs->link(dirs[2], strrchr(path, '/') + 1, dirs[3],
		      strrchr(buf_z(&to), '/') + 1, &err) == FS_OK);
	for (size_t i = 0; i < 4; i++)
		fs->dir_close(&dirs[i]);
	buf_clear(&to);
}

static size_t files(struct world *world)
{
	struct world_files list = {0};

	world_files(world, "INBOX", &list);
	free(list.items);
	return list.count;
}

static void test_two_names(void)
{
	struct world world;

	begin(&world, &kinds[0], 0);
	give_second_name(&world, "new", ":2,");
	check(files(&world) == OTHERS);
	check(world_sync(&world) == 0);
	box(&world, "INBOX")->messages[0].flags |= FAKE_SEEN;
	check(world_sync(&world) == 0);
	ok(box(&world, "INBOX")->messages[0].flags == FAKE_SEEN,
		"a file that lies in new/ and in cur/ gets a flag");
	fake_clock_pass(&world.clock, PATIENCE_NS);
	check(world_sync(&world) == 0);
	if (!ok(files(&world) == OTHERS - 1,
		    "its name in new/ goes once no mail reader can be about "
		    "to remove it, though nothing has changed since"))
		world_tell(&world);
	world_comes_to_rest(&world, "and both sides are in step");
	world_clear(&world);
}

static void test_two_names_in_cur(void)
{
	struct world world;

	begin(&world, &kinds[0], FAKE_SEEN);
	give_second_name(&world, "cur", ":2,SX");
	box(&world, "INBOX")->messages[1].flags |= FAKE_SEEN;
	check(world_sync(&world) == 0 && world_sync(&world) == 0);
	ok(world.steps == 0 && world.traffic.counts[IMAP_SELECT] == 0,
		"a file with two names in cur/ is no reason to look again");
	world_clear(&world);
}

/* ---- A file that comes while we work --------------------------------------
 */

/* Whether one that comes right before this call is uploaded by the next run;
 * or the sync has fewer calls. */
static bool is_seen(uint64_t call, bool *fewer_r)
{
	struct world world;
	struct buf text = {0};
	struct buf to = {0};
	struct buf why = {0};
	bool good;

	begin(&world, &kinds[0], FAKE_SEEN);
	happen(&world, GETS_FLAG);
	world_message(&text, 99);
	fake_fs_put(world.fs, "/home/9.here", buf_str(&text), 0);
	world_path(&world, "INBOX", "cur/9.here:2,S", &to);
	fake_fs_plan(world.fs, call, "/home/9.here", buf_z(&to));
	(void)world_sync(&world);
	*fewer_r = !fake_fs_exists(world.fs, buf_z(&to));
	good = *fewer_r ||
	       (world_sync(&world) == 0 && world_in_step(&world, &why));
	if (!good) {
		tap_note("at call %u: %s", (unsigned)call, buf_z(&why));
		world_tell(&world);
	}
	buf_clear(&text);
	buf_clear(&to);
	buf_clear(&why);
	world_clear(&world);
	return good;
}

static void test_arrival(void)
{
	bool good = true;
	bool fewer = false;
	uint64_t call;

	for (call = 0; !fewer && good; call++)
		good = is_seen(call, &fewer);
	ok(good && call > CALLS_MIN,
		"whenever a file comes to the folder, the next run sees it");
}

int main(void)
{
	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		for (size_t i = 0; i < sizeof(meddlings) / sizeof(meddlings[0]);
			i++)
			test_meddling(&kinds[k], &meddlings[i]);
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		test_names(i);
	test_two_names();
	test_two_names_in_cur();
	test_arrival();
	return tap_done();
}
