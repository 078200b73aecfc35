/*
 * moves: what is moved or copied on one side is so on the other, and no body
 * travels; whatever the server can, and whatever mail readers do to names.
 */
#include "godwit/base/limits.h"
#include "tap.h"
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	BODY_BYTES = 30000,
	LITTLE_BYTES = 20000, /* far less than one body */
	MANY = 500,
	MANY_IN_MAX = 300000,  /* for all of them, moved on the server */
	MANY_OUT_MAX = 100000, /* moved in the Maildir */
};

#define MONTH_NS (INT64_C(30) * 24 * 3600 * 1000000000)

static const struct imap_date day = {1600000000, 120};

/* A server that can more or less. */
struct mask {
	const char *name;
	enum imap_cap caps[6]; /* up to IMAP4rev1 */
	bool no_copyuid;
	bool hides_appended;
	bool no_uidnext;
	bool keeps;  /* it cannot expunge single messages */
	bool proves; /* that nothing has changed in a mailbox */
};

static const struct mask masks[] = {
	{.name = "MOVE and UIDPLUS", .caps = {IMAP_CAP_MOVE, IMAP_CAP_UIDPLUS}},
	{.name = "MOVE, COPYUID withheld",
		.caps = {IMAP_CAP_MOVE, IMAP_CAP_UIDPLUS},
		.no_copyuid = true},
	{.name = "MOVE alone",
		.caps = {IMAP_CAP_MOVE},
		.no_uidnext = true,
		.keeps = true},
	{.name = "UIDPLUS alone", .caps = {IMAP_CAP_UIDPLUS}},
	{.name = "UIDPLUS, COPYUID withheld",
		.caps = {IMAP_CAP_UIDPLUS},
		.no_copyuid = true,
		.hides_appended = true},
	{.name = "neither", .caps = {IMAP_CAP_IMAP4REV1}, .keeps = true},
	{.name = "MOVE and QRESYNC",
		.caps = {IMAP_CAP_MOVE, IMAP_CAP_UIDPLUS, IMAP_CAP_ENABLE,
			IMAP_CAP_CONDSTORE, IMAP_CAP_QRESYNC},
		.proves = true},
	{.name = "MOVE and CONDSTORE, COPYUID withheld",
		.caps = {IMAP_CAP_MOVE, IMAP_CAP_UIDPLUS, IMAP_CAP_CONDSTORE},
		.no_copyuid = true,
		.proves = true},
	{.name = "UIDPLUS and CONDSTORE",
		.caps = {IMAP_CAP_UIDPLUS, IMAP_CAP_CONDSTORE,
			IMAP_CAP_ESEARCH},
		.proves = true},
};

/* ---- Setting ------------------------------------------------------------- */

static void big_message(struct buf *out, unsigned number)
{
	world_message(out, number);
	for (unsigned i = 0; out->len < BODY_BYTES; i++)
		buf_addf(out, "Line %u of message %u goes on and on.\r\n", i,
			number);
}

static struct fake_mailbox *box(struct world *world, const char *name)
{
	return fake_server_find(world->server, name);
}

static void begin(struct world *world, const struct mask *mask)
{
	struct buf text = {0};

	world_init(world, 1);
	for (size_t i = 0; mask->caps[i] != IMAP_CAP_IMAP4REV1; i++)
		imap_caps_set(&world->server->caps, mask->caps[i]);
	world->server->odd.no_copyuid = mask->no_copyuid;
	world->server->odd.hides_appended = mask->hides_appended;
	world->server->odd.no_uidnext = mask->no_uidnext;
	world->keeps_deleted = mask->keeps;
	world->traces = true;
	fake_server_create(world->server, "A", 0);
	fake_server_create(world->server, "B", 0);
	for (unsigned i = 1; i <= 6; i++) {
		buf_reset(&text);
		big_message(&text, i);
		fake_mailbox_append(box(world, "A"), buf_str(&text), 0, day);
	}
	buf_clear(&text);
	check(world_sync(world) == 0);
}

/* What must hold after a sync, and that the next one does nothing. */
static void ends(struct world *world, const char *name, const char *what)
{
	struct buf why = {0};
	int status = world_sync(world);
	uint64_t appends = world->traffic.counts[IMAP_APPEND];
	uint64_t in = world->traffic.bytes_in;
	uint64_t out = world->traffic.bytes_out;
	bool is_ok = status == 0 && world_in_step(world, &why) &&
		     world_journal_ok(world, &why) &&
		     world->server->complaints.len == 0;

	if (!ok(is_ok, "%s: %s, and both sides are equal", name, what)) {
		tap_note("%d %s", status, buf_z(&why));
		world_tell(world);
	}
	if (!ok(appends == 0 && in < LITTLE_BYTES && out < LITTLE_BYTES,
		    "%s: no body crosses the wire", name)) {
		tap_note("%u APPENDs, %u bytes in, %u out", (unsigned)appends,
			(unsigned)in, (unsigned)out);
		world_tell(world);
	}
	status = world_sync(world);
	if (!ok(status == 0 && world->steps == 0,
		    "%s: the next run changes nothing", name))
		world_tell(world);
	buf_clear(&why);
}

/* The next run need not look: what we have changed is accounted for. */
static void rests(struct world *world, const struct mask *mask)
{
	if (mask->proves &&
		!is_int((intmax_t)world->traffic.counts[IMAP_SELECT], 0,
			"%s: nor does it open a mailbox", mask->name))
		world_tell(world);
}

static void holds(struct world *world, const char *mailbox, unsigned count,
	const char *who)
{
	struct world_files files;

	world_files(world, mailbox, &files);
	is_int((intmax_t)files.count, count, "%s: %s has %u files", who,
		mailbox, count);
	free(files.items);
}

/* How many files of a mailbox hold a message; one of them. */
static size_t count_files(struct world *world, const char *mailbox,
	unsigned number, struct world_file *file_r)
{
	struct world_files files;
	struct buf mark = {0};
	size_t count = 0;

	buf_addf(&mark, "Subject: message %u\n", number);
	world_files(world, mailbox, &files);
	for (size_t i = 0; i < files.count; i++) {
		struct buf body = {0};

		check(fake_fs_read(world->fs, files.items[i].path, &body));
		if (strstr(buf_z(&body), buf_z(&mark)) != NULL) {
			*file_r = files.items[i];
			count++;
		}
		buf_clear(&body);
	}
	free(files.items);
	buf_clear(&mark);
	return count;
}

/* The file of the Maildir that holds a message. */
static struct world_file file_of(
	struct world *world, const char *mailbox, unsigned number)
{
	struct world_file file;

	check(count_files(world, mailbox, number, &file) > 0);
	return file;
}

/* A mail reader moves a message: to `below` of a mailbox, "%s" being the unique
 * part that it had. */
static void reader_takes(struct world *world, struct world_file file,
	const char *mailbox, const char *below)
{
	struct buf name = {0};
	struct buf path = {0};
	const char *mark = strstr(below, "%s");

	if (mark == NULL)
		buf_addz(&name, below);
	else
		buf_addf(&name, "%.*s%s%s", (int)(mark - below), below,
			file.unique, mark + 2);
	world_path(world, mailbox, buf_z(&name), &path);
	fake_fs_rename(world->fs, file.path, buf_z(&path));
	buf_clear(&name);
	buf_clear(&path);
}

/* From A to B. */
static void reader_moves(
	struct world *world, unsigned number, const char *below)
{
	reader_takes(world, file_of(world, "A", number), "B", below);
}

static void reader_copies(struct world *world, unsigned number, const char *to)
{
	struct buf text = {0};

	big_message(&text, number);
	world_put(world, "B", to, buf_str(&text), day.utc_seconds);
	buf_clear(&text);
}

static struct fs_dir *folder_of(
	struct world *world, const char *mailbox, const char *below)
{
	const struct fs_port *fs = fake_fs_port(world->fs);
	struct fs_dir *dir = NULL;
	struct buf path = {0};
	struct err err;

	world_path(world, mailbox, below, &path);
	check(fs->root_open(fs->ctx, buf_z(&path), false, &dir, &err) == FS_OK);
	buf_clear(&path);
	return dir;
}

/* A mail reader that copies a new message by a second name. */
static void reader_links(struct world *world, unsigned number, const char *to)
{
	const struct fs_port *fs = fake_fs_port(world->fs);
	struct world_file file = file_of(world, "A", number);
	struct fs_dir *a = folder_of(world, "A", "new");
	struct fs_dir *b = folder_of(world, "B", "cur");
	struct err err;

	check(fs->link(a, strrchr(file.path, '/') + 1, b, to, &err) == FS_OK);
	fs->dir_close(&a);
	fs->dir_close(&b);
}

static void act(struct world *world, enum fake_act act, size_t message)
{
	const struct fake_action action = {
		.act = act, .mailbox = "A", .to = "B", .message = message};

	fake_server_act(world->server, &action);
}

/* ---- On the server ------------------------------------------------------- */

static void test_server(const struct mask *mask)
{
	struct world world;
	struct world_file file;

	begin(&world, mask);
	act(&world, FAKE_MOVES, 0);
	act(&world, FAKE_MOVES, 0);
	box(&world, "B")->messages[0].flags |=
		FAKE_FLAGGED |
		fake_mailbox_keyword(box(&world, "B"), STR("todo"));
	ends(&world, mask->name, "what was moved on the server moves here");
	rests(&world, mask);
	ok(strstr(buf_z(&world.tale), "remove") == NULL,
		"%s: nothing is removed", mask->name);
	holds(&world, "B", 2, mask->name);
	is_str(str_of(file_of(&world, "B", 1).letters), STR("Fa"),
		"%s: with the flags that it got there", mask->name);
	act(&world, FAKE_COPIES, 0);
	ends(&world, mask->name,
		"what was copied on the server is copied here");
	rests(&world, mask);
	holds(&world, "A", 4, mask->name);
	holds(&world, "B", 3, mask->name);
	file = file_of(&world, "B", 3);
	is_int(file.mtime_s, day.utc_seconds, "%s: with its date", mask->name);
	world_clear(&world);
}

/* Flags that were changed here meanwhile. */
static void test_server_merged(const struct mask *mask)
{
	struct world world;
	struct world_file file;
	struct buf path = {0};

	begin(&world, mask);
	file = file_of(&world, "A", 1);
	world_path(&world, "A", "cur/", &path);
	buf_addf(&path, "%s:2,S", file.unique);
	fake_fs_rename(world.fs, file.path, buf_z(&path));
	act(&world, FAKE_MOVES, 0);
	box(&world, "B")->messages[0].flags |= FAKE_ANSWERED;
	ends(&world, mask->name, "a move there meets a flag here");
	rests(&world, mask);
	is_str(str_of(file_of(&world, "B", 1).letters), STR("RS"),
		"%s: both are kept", mask->name);
	buf_clear(&path);
	world_clear(&world);
}

/* ---- In the Maildir ------------------------------------------------------ */

static void test_maildir(const struct mask *mask)
{
	struct world world;

	begin(&world, mask);
	reader_moves(&world, 1, "cur/%s:2,");
	reader_moves(&world, 2, "cur/invented.name:2,FS");
	reader_moves(&world, 3, "new/%s");
	reader_moves(&world, 4, "cur/%s:2,R");
	box(&world, "A")->messages[3].flags |= FAKE_SEEN;
	ends(&world, mask->name, "what was moved here moves on the server");
	rests(&world, mask);
	is_int((intmax_t)box(&world, "B")->count, 4, "%s: all four are there",
		mask->name);
	if (mask->keeps && mask->caps[0] != IMAP_CAP_MOVE)
		is_int((intmax_t)box(&world, "A")->count, 6,
			"%s: and left, marked, where they were", mask->name);
	else
		is_int((intmax_t)box(&world, "A")->count, 2,
			"%s: and no more where they were", mask->name);
	is_str(str_of(file_of(&world, "B", 2).letters), STR("FS"),
		"%s: flags that came on the way go along", mask->name);
	reader_copies(&world, 5, "cur/copy:2,F");
	reader_copies(&world, 5, "cur/copied.again:2,F");
	ends(&world, mask->name, "what was copied here is copied there");
	rests(&world, mask);
	is_int((intmax_t)box(&world, "B")->count, 6, "%s: as often as here",
		mask->name);
	is_int((intmax_t)box(&world, "B")->messages[4].flags, FAKE_FLAGGED,
		"%s: with its flags", mask->name);
	reader_links(&world, 6, "linked:2,");
	ends(&world, mask->name, "so is what got a second name");
	rests(&world, mask);
	holds(&world, "B", 7, mask->name);
	world_clear(&world);
}

/* What mail readers make of a name on the way, of a message that was read or
 * was not, while the server's flags change or do not. */
struct renaming {
	const char *below; /* as for reader_moves() */
	unsigned flags;    /* that it says */
};

static void test_renaming(
	const struct renaming *how, unsigned before, unsigned there)
{
	const unsigned want = ((before ^ there) & ~before) | how->flags;
	struct world world;
	char name[100];

	(void)snprintf(name, sizeof(name), "%s, %s before%s", how->below,
		before != 0 ? "read" : "new",
		there != before ? ", flagged there" : "");
	begin(&world, &masks[0]);
	box(&world, "A")->messages[0].flags = before;
	check(world_sync(&world) == 0);
	reader_moves(&world, 1, how->below);
	box(&world, "A")->messages[0].flags = there;
	ends(&world, name, "it moves on the server");
	is_int((intmax_t)box(&world, "B")->count, 1, "%s: to where it is here",
		name);
	is_int((intmax_t)box(&world, "B")->messages[0].flags, want,
		"%s: with what changed on both sides", name);
	world_clear(&world);
}

static void test_renamings(void)
{
	static const struct renaming ways[] = {
		{"cur/%s:2,", 0},
		{"cur/%s:2,S", FAKE_SEEN},
		{"cur/%s:2,RS", FAKE_ANSWERED | FAKE_SEEN},
		{"cur/%s", 0},
		{"cur/invented:2,", 0},
		{"cur/invented:2,S", FAKE_SEEN},
		{"cur/invented:2,RS", FAKE_ANSWERED | FAKE_SEEN},
		{"cur/invented", 0},
		{"new/%s", 0},
		{"new/invented", 0},
	};

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		test_renaming(&ways[i], 0, 0);
		test_renaming(&ways[i], 0, FAKE_FLAGGED);
		test_renaming(&ways[i], FAKE_SEEN, FAKE_SEEN);
		test_renaming(&ways[i], FAKE_SEEN, FAKE_SEEN | FAKE_FLAGGED);
	}
}

/* Both at once. */
static void test_both(const struct mask *mask)
{
	struct world world;
	struct buf path = {0};
	struct world_file file;

	begin(&world, mask);
	reader_moves(&world, 1, "cur/same:2,S");
	act(&world, FAKE_MOVES, 0);
	file = file_of(&world, "A", 2);
	world_path(&world, "INBOX", "cur/elsewhere:2,F", &path);
	world_mkdir(&world, "INBOX");
	fake_fs_rename(world.fs, file.path, buf_z(&path));
	act(&world, FAKE_MOVES, 0);
	ends(&world, mask->name, "moves on both sides meet");
	rests(&world, mask);
	holds(&world, "A", 4, mask->name);
	holds(&world, "B", 2, mask->name);
	holds(&world, "INBOX", 0, mask->name);
	is_str(str_of(file_of(&world, "B", 2).letters), STR("F"),
		"%s: the server's place wins, flags come along", mask->name);
	buf_clear(&path);
	world_clear(&world);
}

/* INTERNALDATE may be of any year of four digits, a file's date may not. */
static void test_far_date(void)
{
	const struct imap_date far = {253402300799, 0}; /* the end of 9999 */
	struct buf text = {0};
	struct world world;

	begin(&world, &masks[0]);
	big_message(&text, 30);
	fake_mailbox_append(box(&world, "A"), buf_str(&text), 0, far);
	check(world_sync(&world) == 0);
	act(&world, FAKE_COPIES, 6);
	ends(&world, "a far date", "what is of the year 9999 is copied");
	buf_clear(&text);
	world_clear(&world);
}

/* The mailboxes of the second look are not those of the moves. */
static void test_again(void)
{
	const struct mask *mask = &masks[sizeof(masks) / sizeof(masks[0]) - 1];
	struct world world;
	struct world_file file;
	struct buf name = {0};
	struct buf path = {0};

	begin(&world, mask);
	world_give(&world, "INBOX", 30, 0);
	check(world_sync(&world) == 0);
	file = file_of(&world, "INBOX", 30);
	buf_addf(&name, "cur/%s:2,F", file.unique);
	world_path(&world, "INBOX", buf_z(&name), &path);
	fake_fs_rename(world.fs, file.path, buf_z(&path));
	for (int i = 0; i < 3; i++)
		act(&world, FAKE_MOVES, 0);
	ends(&world, mask->name, "what is moved, and a flag elsewhere");
	rests(&world, mask);
	buf_clear(&name);
	buf_clear(&path);
	world_clear(&world);
}

/* ---- Settings ------------------------------------------------------------ */

static void test_dry(void)
{
	struct world world;

	begin(&world, &masks[0]);
	act(&world, FAKE_MOVES, 0);
	reader_moves(&world, 2, "cur/%s:2,");
	world.options.depth = SYNC_DRY;
	is_int(world_sync(&world), 0, "a dry run succeeds");
	is_int((intmax_t)world.steps, 0, "and changes nothing");
	if (!ok(strstr(buf_z(&world.tale), "[A] move local uid 1") != NULL &&
			    strstr(buf_z(&world.tale),
				    "(moved on the server)") != NULL &&
			    strstr(buf_z(&world.tale),
				    "[A] move server uid 2") != NULL &&
			    strstr(buf_z(&world.tale),
				    "(moved in the Maildir)") != NULL,
		    "it tells what would move, and why"))
		world_tell(&world);
	is_int((intmax_t)world.summary.local.moved, 1, "and counts it here");
	is_int((intmax_t)world.summary.server.moved, 1, "and there");
	world.options.depth = SYNC_APPLY;
	ends(&world, "then", "a sync makes it true");
	world_clear(&world);
}

static void test_policies(void)
{
	struct world world;

	begin(&world, &masks[0]);
	world.account.direction = ACCOUNT_DIRECTION_PULL;
	reader_moves(&world, 1, "cur/%s:2,");
	is_int(world_sync(&world), 0, "with direction: pull a sync succeeds");
	is_int((intmax_t)box(&world, "A")->count, 6,
		"and what was moved here stays where it was there");
	is_int((intmax_t)box(&world, "B")->count, 0, "and nowhere else");
	world.account.direction = ACCOUNT_DIRECTION_BOTH;
	world.account.deletes = ACCOUNT_DELETE_NEVER;
	ends(&world, "with delete: never", "a move is no removal");
	is_int((intmax_t)box(&world, "B")->count, 1, "it is made");
	world.account.direction = ACCOUNT_DIRECTION_PUSH;
	act(&world, FAKE_MOVES, 0);
	is_int(world_sync(&world), 0, "with direction: push a sync succeeds");
	holds(&world, "A", 5, "and what was moved there stays here");
	world.account.direction = ACCOUNT_DIRECTION_BOTH;
	ends(&world, "with direction: both", "it is made up for");
	box(&world, "A")->read_only = true;
	reader_moves(&world, 3, "cur/%s:2,");
	(void)world_sync(&world);
	is_int((intmax_t)box(&world, "A")->count, 4,
		"what the server lets us only read is copied from there");
	is_int((intmax_t)box(&world, "B")->count, 3, "to where it was moved");
	world_clear(&world);
}

static void test_all_go(const struct mask *mask, bool here)
{
	struct world world;

	begin(&world, mask);
	world.options.allow_deletes = false;
	world.account.guard.min_messages = 3;
	world.account.guard.max_delete_percent = 10;
	for (unsigned i = 1; i <= 6; i++) {
		if (here)
			reader_moves(&world, i, "cur/%s:2,");
		else
			act(&world, FAKE_MOVES, 0);
	}
	ends(&world, mask->name, "all messages of a mailbox may move");
	is_int((intmax_t)world.summary.status, 0, "that is no deletion");
	world_clear(&world);
}

/* A MOVE that stops half way, and one that is refused. */
static void test_half(void)
{
	struct world world;

	begin(&world, &masks[0]);
	for (unsigned i = 1; i <= 4; i++)
		reader_moves(&world, i, "cur/%s:2,");
	world.server->odd.half_moves = 1;
	(void)world_sync(&world);
	fake_clock_pass(&world.clock, INT64_C(30) * 24 * 3600 * 1000000000);
	ends(&world, "a MOVE that stopped half way", "the next run goes on");
	is_int((intmax_t)box(&world, "B")->count, 4, "nothing is doubled");
	is_int((intmax_t)box(&world, "A")->count, 2, "or left");
	world_clear(&world);
}

/* A target that takes half of them, and the rest when there is room. */
static void test_quota(const struct mask *mask)
{
	struct world world;

	begin(&world, mask);
	for (unsigned i = 1; i <= 4; i++)
		reader_moves(&world, i, "cur/%s:2,");
	world.server->odd.quota = 2;
	is_int(world_sync(&world), 1, "%s: the target may be full", mask->name);
	is_int((intmax_t)box(&world, "B")->count, 2,
		"%s: it gets what there is room for", mask->name);
	ok(strstr(buf_z(&world.tale), "The mailbox is full") != NULL,
		"%s: and the reason is told", mask->name);
	for (unsigned i = 0; i < 3; i++) {
		(void)world_sync(&world);
		fake_clock_pass(&world.clock, INT64_C(60) * 1000000000);
	}
	is_int((intmax_t)(box(&world, "A")->count + box(&world, "B")->count), 6,
		"%s: later runs lose nothing", mask->name);
	holds(&world, "B", 4, mask->name);
	world.server->odd.quota = 0;
	fake_clock_pass(&world.clock, INT64_C(30) * 24 * 3600 * 1000000000);
	ends(&world, mask->name, "once there is room, the others follow");
	is_int((intmax_t)box(&world, "B")->count, 4, "%s: once each",
		mask->name);
	world_clear(&world);
}

/* ---- What COPYUID claims ------------------------------------------------- */

/* UIDs that it names in B, where message 9 has the first; nothing was copied.
 */
static const struct {
	const char *uids;
	const char *what;
} claims[] = {
	{"1:2 1:2", "the UID of a message that was there before"},
	{"1:2 7,7", "one UID for two"},
	{"1:2 50:51", "UIDs that nothing has"},
};

/* Each is moved or, where a MOVE did not keep its word, still where it was. */
static void has_each_once(struct world *world, const struct mask *mask)
{
	static const unsigned all[] = {1, 2, 3, 4, 5, 6, 9};
	struct world_file file;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		is_int((intmax_t)(count_files(world, "A", all[i], &file) +
				  count_files(world, "B", all[i], &file)),
			1, "%s: message %u is there, once", mask->name, all[i]);
}

static void test_claim(const struct mask *mask, size_t at)
{
	struct world world;
	struct buf copyuid = {0};
	struct buf what = {0};

	begin(&world, mask);
	world_give(&world, "B", 9, 0);
	check(world_sync(&world) == 0);
	reader_moves(&world, 1, "cur/%s:2,");
	reader_moves(&world, 2, "cur/%s:2,");
	buf_addf(&copyuid, "%u %s", (unsigned)box(&world, "B")->uidvalidity,
		claims[at].uids);
	world.server->odd.copyuid = buf_z(&copyuid);
	(void)world_sync(&world);
	world.server->odd.copyuid = NULL;
	fake_clock_pass(&world.clock, MONTH_NS);
	(void)world_sync(&world);
	fake_clock_pass(&world.clock, MONTH_NS);
	buf_addf(&what, "%s is not believed of a move", claims[at].what);
	ends(&world, mask->name, buf_z(&what));
	has_each_once(&world, mask);
	buf_clear(&copyuid);
	buf_clear(&what);
	world_clear(&world);
}

/* One of two equal messages is copied, and its header told twice. */
static void test_told_twice(const struct mask *mask)
{
	struct world world;
	struct world_file file;

	begin(&world, mask);
	(void)fake_mailbox_copy(box(&world, "A"), 1, box(&world, "A"));
	check(world_sync(&world) == 0);
	reader_moves(&world, 1, "cur/%s:2,");
	reader_moves(&world, 1, "cur/%s:2,");
	world.server->odd.copies_one = true;
	world.server->odd.headers_twice = true;
	(void)world_sync(&world);
	world.server->odd.copies_one = false;
	world.server->odd.headers_twice = false;
	fake_clock_pass(&world.clock, MONTH_NS);
	ends(&world, mask->name, "one header is not taken for two messages");
	is_int((intmax_t)count_files(&world, "B", 1, &file), 2,
		"%s: both are there", mask->name);
	world_clear(&world);
}

/* ---- Many ---------------------------------------------------------------- */

static void fill(struct world *world)
{
	struct buf text = {0};

	begin(world, &masks[0]);
	for (unsigned i = 100; i < 100 + MANY; i++) {
		buf_reset(&text);
		world_message(&text, i);
		for (unsigned k = 0; k < 100; k++)
			buf_addf(&text, "A long line %u of message %u.\r\n", k,
				i);
		fake_mailbox_append(box(world, "A"), buf_str(&text), 0, day);
	}
	buf_clear(&text);
	check(world_sync(world) == 0);
	world->traces = false;
}

static void is_cheap(struct world *world, uint64_t most, const char *what)
{
	uint64_t bytes = world->traffic.bytes_in + world->traffic.bytes_out;

	tap_note("%s: %u bytes in, %u out", what,
		(unsigned)world->traffic.bytes_in,
		(unsigned)world->traffic.bytes_out);
	ok(bytes < most, "%s takes few bytes", what);
}

static void test_many(void)
{
	struct world world;
	struct buf why = {0};

	fill(&world);
	for (int i = 0; i < MANY; i++)
		act(&world, FAKE_MOVES, 6);
	is_int(world_sync(&world), 0, "many are moved on the server");
	is_cheap(&world, MANY_IN_MAX, "moving 500 there");
	is_int((intmax_t)world.summary.local.moved, MANY, "all of them");
	ok(world_in_step(&world, &why), "both sides are equal: %s",
		buf_z(&why));
	world_clear(&world);
	fill(&world);
	for (unsigned i = 100; i < 100 + MANY; i++)
		reader_moves(&world, i, "cur/%s:2,");
	is_int(world_sync(&world), 0, "many are moved in the Maildir");
	is_cheap(&world, MANY_OUT_MAX, "moving 500 here");
	is_int((intmax_t)world.summary.server.moved, MANY, "all of them");
	ok(world_in_step(&world, &why), "both sides are equal: %s",
		buf_z(&why));
	world_clear(&world);
	buf_clear(&why);
}

/* What is uploaded to two mailboxes has each of two connections select one of
 * them; what then comes to the second over the first, the second has not seen
 * when its flags are to change. */
static void test_two_connections(void)
{
	struct world world;
	struct world_file file;
	struct buf why = {0};
	struct buf name = {0};
	struct buf path = {0};

	begin(&world, &masks[0]);
	world.account.connections = 2;
	world.net.round_trip_ns = 20000000;
	world_drop(&world, "A", "cur/10.here:2,F", 10);
	world_drop(&world, "B", "cur/11.here:2,F", 11);
	reader_moves(&world, 1, "cur/%s:2,R");
	file = file_of(&world, "A", 2);
	buf_addf(&name, "cur/%s:2,S", file.unique);
	world_path(&world, "A", buf_z(&name), &path);
	fake_fs_rename(world.fs, file.path, buf_z(&path));
	is_int(world_sync(&world), 0, "a message moves over one connection");
	if (!ok(world_in_step(&world, &why),
		    "and gets its flags over another")) {
		tap_note("%s", buf_z(&why));
		world_tell(&world);
	}
	world_clear(&world);
	buf_clear(&name);
	buf_clear(&path);
	buf_clear(&why);
}

/* A MOVE out of B whose answer is long, over a far line's first connection,
 * while something comes to B over another. */
static void test_long_answer(void)
{
	struct world world;
	struct world_files files;
	struct buf why = {0};

	begin(&world, &masks[0]);
	fake_server_create(world.server, "C", 0);
	world_give(&world, "C", 1000, 0);
	for (unsigned i = 0; i < LIMIT_BATCH_MESSAGES; i++)
		world_give(&world, "B", 2000 + i, 0);
	check(world_sync(&world) == 0);
	world.account.connections = 2;
	world.net.round_trip_ns = 200000000;
	for (unsigned i = 0; i < 30; i++) {
		char name[8];

		(void)snprintf(name, sizeof(name), "Z%u", i);
		world_drop(&world, name, "cur/here:2,", 3000 + i);
	}
	world_files(&world, "B", &files);
	for (size_t i = 0; i < files.count; i++)
		reader_takes(&world, files.items[i], "A", "cur/%s:2,");
	free(files.items);
	reader_takes(&world, file_of(&world, "C", 1000), "B", "cur/%s:2,F");
	is_int(world_sync(&world), 0,
		"a message comes to a mailbox that many leave");
	is_int((intmax_t)world.traffic.connections, 2,
		"over another connection");
	if (!ok(world_in_step(&world, &why),
		    "and gets its flags over theirs")) {
		tap_note("%s", buf_z(&why));
		world_tell(&world);
	}
	world_clear(&world);
	buf_clear(&why);
}

/* What the server has not copied, though it says so, stays as it is. */
static void test_copied_in_part(const struct mask *mask)
{
	struct world world;
	struct fake_mailbox *a;

	begin(&world, mask);
	a = box(&world, "A");
	for (unsigned i = 1; i <= 2; i++)
		reader_moves(&world, i, "cur/%s:2,");
	world.server->odd.copies_one = true;
	(void)world_sync(&world);
	world.server->odd.copies_one = false;
	ok(box(&world, "B")->count == 2 ||
			(fake_mailbox_find(a, 2)->flags & FAKE_DELETED) == 0,
		"%s: what was not copied is not marked as deleted", mask->name);
	fake_clock_pass(&world.clock, MONTH_NS);
	ends(&world, mask->name, "the next run copies it");
	holds(&world, "B", 2, mask->name);
	world_clear(&world);
}

/* Messages move from a mailbox that then goes here, and stays there after all.
 */
static void test_source_stays(const struct mask *mask)
{
	struct world world;

	begin(&world, mask);
	world.account.remove = ACCOUNT_SIDES_BOTH;
	world.left_out = STR("A");
	reader_moves(&world, 1, "cur/%s:2,");
	world_rmdir(&world, "A");
	world_give(&world, "A", 40, 0);
	ends(&world, mask->name, "what moved here moves there");
	holds(&world, "B", 1, mask->name);
	world_clear(&world);
}

/* What UID EXPUNGE leaves is no new message. */
static void test_blind_expunge(const struct mask *mask)
{
	struct world world;
	struct buf why = {0};

	if (mask->keeps)
		return;
	begin(&world, mask);
	reader_moves(&world, 1, "cur/%s:2,");
	fake_fs_remove(world.fs, file_of(&world, "A", 2).path);
	world.server->odd.blind_expunge = 1;
	ok(world_sync(&world) == 0 && world_in_step(&world, &why),
		"%s: an UID EXPUNGE that does nothing is done again",
		mask->name);
	buf_clear(&why);
	ends(&world, mask->name, "what it was for is seen to");
	holds(&world, "A", 4, mask->name);
	holds(&world, "B", 1, mask->name);
	world_clear(&world);
}

int main(void)
{
	for (size_t i = 0; i < sizeof(masks) / sizeof(masks[0]); i++) {
		test_server(&masks[i]);
		test_server_merged(&masks[i]);
		test_maildir(&masks[i]);
		test_both(&masks[i]);
		test_blind_expunge(&masks[i]);
		test_all_go(&masks[i], false);
		test_all_go(&masks[i], true);
		test_copied_in_part(&masks[i]);
		if (!masks[i].keeps)
			test_quota(&masks[i]);
		test_source_stays(&masks[i]);
		test_told_twice(&masks[i]);
		for (size_t k = 0; k < sizeof(claims) / sizeof(claims[0]); k++)
			test_claim(&masks[i], k);
	}
	test_far_date();
	test_again();
	test_renamings();
	test_dry();
	test_policies();
	test_half();
	test_two_connections();
	test_long_answer();
	test_many();
	return tap_done();
}
