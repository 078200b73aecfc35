/*
 * own: our own changes on a server, beside another client's.
 *
 * A flag is stored only in a message that is as we have seen it, where the
 * server can tell; what was changed meanwhile is merged anew. What we have done
 * is no reason for the next run to look.
 */
#include "tap.h"
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	MESSAGES = 12,
	COMMANDS = 24, /* of two syncs, about */
};

/* A server, by what it offers. */
struct kind {
	const char *name;
	const char *caps; /* beside UIDPLUS */
	struct fake_oddities odd;
	bool follows; /* it tells all about what we did */
};

static const struct kind plain = {"neither", "", {0}, false};

static const struct kind kinds[] = {
	{"QRESYNC", "ENABLE CONDSTORE QRESYNC LIST-EXTENDED LIST-STATUS", {0},
		true},
	{"CONDSTORE", "CONDSTORE ESEARCH", {0}, true},
	{"silent CONDSTORE", "CONDSTORE", {.hides_modseq = true}, true},
	{"talkative CONDSTORE", "CONDSTORE", {.talkative = true}, true},
	{"lazy CONDSTORE", "CONDSTORE", {.lazy_modseq = true}, true},
	{"Gmail", "CONDSTORE X-GM-EXT-1", {.modseq_ahead = true}, false},
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static void add_caps(struct world *world, const struct kind *kind)
{
	world_offer(world, "UIDPLUS");
	world_offer(world, kind->caps);
	world->server->odd = kind->odd;
}

/* Two mailboxes in step; all messages are seen drafts. */
static void begin(struct world *world, const struct kind *kind)
{
	world_init(world, 1);
	world->traces = true;
	world->account.connections = 1;
	add_caps(world, kind);
	fake_server_create(world->server, "A", 0);
	for (unsigned i = 1; i <= MESSAGES; i++) {
		world_give(world, "INBOX", i, FAKE_SEEN | FAKE_DRAFT);
		world_give(world, "A", i + 100, FAKE_SEEN | FAKE_DRAFT);
	}
	/* A second run makes Gmail's numbers believed. */
	check(world_sync(world) == 0 && world_sync(world) == 0 &&
		world_sync(world) == 0);
}

/* The file of a server's message becomes one with these flags. */
static void letter(struct world *world, const char *mailbox, size_t message,
	const char *letters)
{
	struct world_files files = {0};
	struct buf to = {0};
	char name[16];

	(void)snprintf(name, sizeof(name), ":2,%s", letters);
	world_files(world, mailbox, &files);
	check(message < files.count);
	buf_add(&to, str_of(files.items[message].path));
	to.len = (size_t)(strrchr(files.items[message].path, ':') -
			  files.items[message].path);
	buf_addz(&to, name);
	fake_fs_rename(world->fs, files.items[message].path, buf_z(&to));
	buf_clear(&to);
	free(files.items);
}

static void tells(struct world *world, bool good, const struct kind *kind,
	const char *sentence)
{
	if (!ok(good, "%s: %s", kind->name, sentence))
		world_tell(world);
}

static void rests(struct world *world, const struct kind *kind)
{
	int status = world_sync(world);

	tells(world,
		status == 0 && world->steps == 0 &&
			world->traffic.counts[IMAP_SELECT] == 0,
		kind, "the next run opens nothing and writes nothing");
}

/* How many messages of INBOX have just these flags. */
static size_t count_of(const struct world *world, uint64_t flags)
{
	const struct fake_mailbox *box = world_box(world, "INBOX");
	size_t count = 0;

	for (size_t i = 0; i < box->count; i++)
		count += box->messages[i].flags == flags;
	return count;
}

/* ---- Alone --------------------------------------------------------------- */

static void test_alone(const struct kind *kind)
{
	struct world world;

	begin(&world, kind);
	letter(&world, "INBOX", 2, "DFS");
	letter(&world, "INBOX", 3, "DFS");
	letter(&world, "INBOX", 5, "D");
	world_ends_well(&world, kind->name,
		"flags that were changed here come to be there");
	tells(&world,
		count_of(&world, FAKE_SEEN | FAKE_DRAFT | FAKE_FLAGGED) == 2 &&
			count_of(&world, FAKE_DRAFT) == 1,
		kind, "just these");
	tells(&world,
		strstr(buf_z(&world.wire), "(UNCHANGEDSINCE ") != NULL &&
			world.traffic.counts[IMAP_STORE] == 2,
		kind, "they are stored in what nobody has changed");
	is_int((intmax_t)world.traffic.counts[IMAP_SELECT],
		kind->follows ? 1 : 2, "%s: the mailbox is opened %s",
		kind->name, kind->follows ? "once" : "twice");
	rests(&world, kind);

	letter(&world, "INBOX", 7, "FRS");
	world_ends_well(
		&world, kind->name, "a message may get flags and lose one");
	tells(&world,
		count_of(&world, FAKE_SEEN | FAKE_FLAGGED | FAKE_ANSWERED) == 1,
		kind, "both come to be");
	tells(&world,
		world.traffic.counts[IMAP_STORE] == 2 &&
			strstr(buf_z(&world.wire), "MODIFIED") == NULL,
		kind, "our first change does not stop the second");
	rests(&world, kind);
	world_clear(&world);
}

static void test_without(void)
{
	struct world world;

	begin(&world, &plain);
	letter(&world, "INBOX", 7, "FRS");
	world_ends_well(&world, plain.name, "flags come to be there");
	tells(&world, strstr(buf_z(&world.wire), "UNCHANGEDSINCE") == NULL,
		&plain, "nothing is asked that it does not offer");
	world_clear(&world);

	begin(&world, &kinds[1]);
	world_box(&world, "INBOX")->nomodseq = true;
	letter(&world, "INBOX", 7, "FRS");
	world_ends_well(
		&world, kinds[1].name, "a mailbox of NOMODSEQ gets its flags");
	tells(&world, strstr(buf_z(&world.wire), "UNCHANGEDSINCE") == NULL,
		&kinds[1], "and is not asked about mod-sequences");
	world_clear(&world);
}

/* ---- Beside others ------------------------------------------------------- */

/* What we change of three messages (their letters then, and flags as of our
 * part), while another client toggles a flag of one of all. */
struct duel {
	const char *letters;
	uint64_t ours;
	unsigned changes; /* of a message, by us */
	uint64_t theirs;
};

enum {
	FIRST = FAKE_SEEN | FAKE_DRAFT,
};

static const struct duel duels[] = {
	{"DFS", FIRST | FAKE_FLAGGED, 1, FAKE_SEEN},
	{"DFS", FIRST | FAKE_FLAGGED, 1, FAKE_ANSWERED},
	{"DFS", FIRST | FAKE_FLAGGED, 1, FAKE_FLAGGED},
	{"S", FAKE_SEEN, 1, FAKE_SEEN},
	{"S", FAKE_SEEN, 1, FAKE_ANSWERED},
	{"FS", FAKE_SEEN | FAKE_FLAGGED, 2, FAKE_SEEN},
	{"FS", FAKE_SEEN | FAKE_FLAGGED, 2, FAKE_ANSWERED},
};

/* Who changed a flag after us is not known where STORE tells no mod-sequence:
 * then the flag that we have set may be set once more. */
static bool is_moot(const struct kind *kind, const struct duel *duel)
{
	bool tells = kind->caps[0] != '\0' && !kind->odd.hides_modseq;

	return !tells && duel->theirs == (duel->ours ^ FIRST);
}

/* Whether INBOX is what both want. Where they want the same flag, who comes
 * last has it. */
static bool both_obeyed(const struct world *world, const struct duel *duel)
{
	size_t kept = count_of(world, FIRST);
	size_t ours = count_of(world, duel->ours);

	if (duel->theirs == (duel->ours ^ FIRST))
		return kept + ours == MESSAGES && ours >= 2 && ours <= 4;
	return (kept == MESSAGES - 3 && ours == 2 &&
		       count_of(world, duel->ours ^ duel->theirs) == 1) ||
	       (kept == MESSAGES - 4 && ours == 3 &&
		       count_of(world, FIRST ^ duel->theirs) == 1);
}

/* The other client acts before the n-th command. Whether both were obeyed, and
 * no change was made twice. */
static bool duel_ends(const struct kind *kind, const struct duel *duel,
	uint64_t command, size_t message)
{
	const struct fake_action act = {.act = FAKE_TOGGLES,
		.mailbox = "INBOX",
		.message = message,
		.flags = duel->theirs};
	struct world world;
	struct buf why = {0};
	uint64_t before;
	bool good;

	begin(&world, kind);
	before = world_box(&world, "INBOX")->highestmodseq;
	for (size_t i = 0; i < 3; i++)
		letter(&world, "INBOX", i, duel->letters);
	fake_server_plan(world.server, command, &act);
	(void)world_sync(&world);
	fake_server_run_plans(world.server);
	good = world_sync(&world) == 0;
	good = world_sync(&world) == 0 && good;
	good = good && world_is_well(&world, &why) &&
	       both_obeyed(&world, duel) &&
	       world_box(&world, "INBOX")->highestmodseq - before <=
		       3 * duel->changes + 1;
	if (!good) {
		tap_note("%s against %u, before command %u: %s", duel->letters,
			(unsigned)duel->theirs, (unsigned)command, buf_z(&why));
		world_tell(&world);
	}
	buf_clear(&why);
	world_clear(&world);
	return good;
}

static void test_duels(const struct kind *kind)
{
	unsigned messages = tap_rounds(1, 2, MESSAGES);
	unsigned stride = tap_rounds(5, 1, 1); /* duels take turns */
	bool good = true;

	for (size_t d = 0; d < sizeof(duels) / sizeof(duels[0]); d++) {
		if (is_moot(kind, &duels[d]))
			continue;
		for (uint64_t k = 1 + d % stride; k <= COMMANDS && good;
			k += stride) {
			for (size_t m = 0; m < messages && good; m++)
				good = duel_ends(kind, &duels[d], k,
					(MESSAGES - 1 + 5 * m) % MESSAGES);
		}
	}
	ok(good,
		"%s: whenever another client changes a flag, it and ours come "
		"to be on both sides",
		kind->name);
}

/* ---- Servers that do not do as they say ---------------------------------- */

static const struct {
	const char *what;
	struct fake_oddities odd;
	unsigned stores; /* at most, in the first run */
} mishaps[] = {
	{"says once that all was modified", {.modified_all = 1}, 6},
	{"always says that all was modified", {.modified_all = FAKE_FOR_EVER},
		12},
	{"names what was modified by other numbers",
		{.modified_numbers = true, .modified_all = 2}, 12},
	{"says NO where something was modified",
		{.modified_no = true, .modified_all = 2}, 12},
	{"stores what others have changed as well", {.ignores_unchanged = true},
		4},
	{"does not know UNCHANGEDSINCE", {.bad_unchanged = true}, 12},
};

static void test_mishap(const struct kind *kind, size_t at)
{
	const struct fake_action act = {.act = FAKE_TOGGLES,
		.mailbox = "INBOX",
		.message = 6,
		.flags = FAKE_SEEN};
	struct world world;
	struct buf what = {0};

	for (uint64_t k = 3; k < 9; k += 2) {
		begin(&world, kind);
		world.server->odd = mishaps[at].odd;
		world.server->odd.modseq_ahead = kind->odd.modseq_ahead;
		letter(&world, "INBOX", 2, "DFS");
		letter(&world, "INBOX", 3, "FS");
		letter(&world, "INBOX", 4, "S");
		fake_server_plan(world.server, k, &act);
		(void)world_sync(&world);
		buf_reset(&what);
		buf_addf(&what, "a server that %s is not asked without end",
			mishaps[at].what);
		tells(&world,
			world.traffic.counts[IMAP_STORE] <=
					mishaps[at].stores &&
				world.traffic.counts[IMAP_SELECT] <= 4 &&
				count_of(&world, FAKE_SEEN | FAKE_FLAGGED) == 1,
			kind, buf_z(&what));
		fake_server_run_plans(world.server);
		world_ends_well(&world, kind->name, "and both sides are equal");
		world_ends_well(&world, kind->name, "and stay so");
		rests(&world, kind);
		world_clear(&world);
	}
	buf_clear(&what);
}

/* A mod-sequence that a message has above HIGHESTMODSEQ is a reason not to
 * store, for ever. */
static void test_low(const struct kind *kind)
{
	struct world world;

	begin(&world, kind);
	world_box(&world, "INBOX")->modseq_lie = -5;
	letter(&world, "INBOX", 2, "FS");
	world_ends_well(&world, kind->name,
		"a HIGHESTMODSEQ that is too low stops nothing");
	tells(&world, count_of(&world, FAKE_SEEN | FAKE_FLAGGED) == 1, kind,
		"what is to be stored is");
	world_clear(&world);
}

/* A flag that is never kept is no reason to tell it for ever. */
static void test_forgets(const struct kind *kind)
{
	struct world world;

	begin(&world, kind);
	world.server->odd.store_forgets = FAKE_FLAGGED;
	letter(&world, "INBOX", 2, "DFS");
	letter(&world, "INBOX", 3, "DFRS");
	check(world_sync(&world) == 0);
	tells(&world,
		world.traffic.counts[IMAP_STORE] <= 8 &&
			count_of(&world, FIRST | FAKE_ANSWERED) == 1,
		kind, "a flag that is not kept does not stop another");
	check(world_sync(&world) == 0 && world_sync(&world) == 0);
	tells(&world,
		world.traffic.counts[IMAP_STORE] <= 2 &&
			world.server->complaints.len == 0,
		kind, "it is not told again and again");
	world_clear(&world);
}

static size_t conditions_in(struct world *world)
{
	size_t count = 0;

	for (const char *at = buf_z(&world->wire);
		(at = strstr(at, "(UNCHANGEDSINCE ")) != NULL; at++)
		count++;
	return count;
}

/* A was changed by others; in INBOX a flag is not kept. */
static void test_forgets_elsewhere(const struct kind *kind)
{
	struct world world;

	begin(&world, kind);
	world.server->odd.modified_all = 1;
	world.server->odd.store_forgets = FAKE_FLAGGED;
	letter(&world, "A", 2, "D");
	letter(&world, "INBOX", 2, "DFS");
	check(world_sync(&world) == 0);
	tells(&world, conditions_in(&world) == 3, kind,
		"where a flag is not kept in one mailbox, changes of others "
		"still depend on what is there");
	world_clear(&world);
}

/* ---- What may be stored changes ------------------------------------------ */

/* A server that takes a keyword all of a sudden raises no mod-sequence. */
static void test_widening(const struct kind *kind)
{
	static const int64_t day_ns = INT64_C(86400) * 1000000000;
	struct world world;

	begin(&world, kind);
	world_box(&world, "INBOX")->fixed_keywords = true;
	letter(&world, "INBOX", 2, "DPS");
	check(world_sync(&world) == 0 && world_sync(&world) == 0);
	rests(&world, kind);
	world_box(&world, "INBOX")->fixed_keywords = false;
	rests(&world, kind);
	fake_clock_jump(&world.clock, day_ns);
	world_ends_well(&world, kind->name,
		"what a server takes now comes to it in a day");
	tells(&world, count_of(&world, FIRST) == MESSAGES - 1, kind,
		"one message has got its keyword");
	(void)world_sync(&world);
	rests(&world, kind);
	fake_clock_jump(&world.clock, day_ns);
	rests(&world, kind);
	world_clear(&world);
}

/* ---- What leaves --------------------------------------------------------- */

/* A server that keeps mod-sequences tells, even of a silent STORE, which
 * message got one: that the message was shown before it was expunged is no sign
 * that it is left. */
static void test_removal(const struct kind *kind)
{
	struct world_files files = {0};
	struct world world;

	begin(&world, kind);
	world_files(&world, "INBOX", &files);
	for (size_t i = 2; i < 5; i++)
		fake_fs_remove(world.fs, files.items[i].path);
	free(files.items);
	world_ends_well(
		&world, kind->name, "what was removed here is removed there");
	tells(&world,
		world.summary.server.removed == 3 &&
			world.summary.local.removed == 0 &&
			world.traffic.counts[IMAP_UID_EXPUNGE] == 1 &&
			world.traffic.counts[IMAP_SELECT] <= 3,
		kind, "and told, and done once");
	world_clear(&world);
}

/* ---- What is told of another mailbox ------------------------------------- */

/*
 * A server tells what has changed in A when the SELECT of INBOX leaves it; what
 * grows there seems to begin INBOX. It does not keep what INBOX is to get, at
 * first, so nothing is told of that, and what was told of A would do.
 */
static void test_left_behind(
	const struct kind *kind, uint64_t command, bool grows)
{
	const struct fake_action meanwhile = {.act = FAKE_TOGGLES,
		.mailbox = "A",
		.message = 0,
		.flags = FAKE_FLAGGED};
	const struct fake_action also = {
		.act = FAKE_COPIES, .mailbox = "A", .to = "A", .message = 1};
	struct world world;

	begin(&world, kind);
	world.server->odd.tells_at_last = true;
	world.server->odd.store_forgets = FAKE_FLAGGED;
	for (size_t i = 0; i < MESSAGES; i++)
		letter(&world, "INBOX", i, "DFS");
	letter(&world, "A", 5, "D");
	fake_server_plan(world.server, command, &meanwhile);
	if (grows)
		fake_server_plan(world.server, command, &also);
	(void)world_sync(&world);
	fake_server_run_plans(world.server);
	world.server->odd.store_forgets = 0;
	world_ends_well(&world, kind->name,
		"what is told late of another mailbox is not taken for "
		"this one's");
	world_clear(&world);
}

/* ---- Command lines ------------------------------------------------------- */

/* As many keywords as a folder has letters for, with long names. */
static void put_keywords(struct world *world)
{
	struct buf text = {0};
	struct buf path = {0};

	for (int i = 0; i < 26; i++) {
		buf_addf(&text, "%d k%02d", i, i);
		for (int k = 0; k < 240; k++)
			buf_addc(&text, 'x');
		buf_addc(&text, '\n');
	}
	world_path(world, "INBOX", "dovecot-keywords", &path);
	fake_fs_put(world->fs, buf_z(&path), buf_str(&text), 0);
	buf_clear(&text);
	buf_clear(&path);
}

/* What is changed about many messages, whose UIDs are long and in no row, is
 * changed in lines that servers take. */
static void test_lines(const struct kind *kind)
{
	enum {
		MANY = 1700
	};
	struct world world;
	struct world_files files;

	begin(&world, kind);
	world.traces = false;
	world_box(&world, "INBOX")->uidnext = 4000000000;
	for (unsigned i = 0; i < MANY; i++)
		world_give(&world, "INBOX", 1000 + i, 0);
	for (uint32_t i = 1; i < MANY; i += 2)
		fake_mailbox_expunge(
			world_box(&world, "INBOX"), 4000000000 + i);
	check(world_sync(&world) == 0);
	put_keywords(&world);
	world_files(&world, "INBOX", &files);
	for (size_t i = 0; i < files.count; i++) {
		struct buf to = {0};
		const char *path = files.items[i].path;

		buf_addf(&to, "%.*s:2,abcdefghijklmnopqrstuvwxyz",
			(int)(strrchr(path, ':') - path), path);
		fake_fs_rename(world.fs, path, buf_z(&to));
		buf_clear(&to);
	}
	free(files.items);
	world_ends_well(&world, kind->name,
		"many keywords of many messages go in lines below 8 KiB");
	world_clear(&world);
}

int main(void)
{
	for (size_t i = 0; i < KINDS; i++) {
		test_alone(&kinds[i]);
		test_removal(&kinds[i]);
		test_duels(&kinds[i]);
		for (size_t k = 0; k < sizeof(mishaps) / sizeof(mishaps[0]);
			k++)
			test_mishap(&kinds[i], k);
		test_low(&kinds[i]);
		test_forgets(&kinds[i]);
		test_forgets_elsewhere(&kinds[i]);
		test_widening(&kinds[i]);
	}
	for (uint64_t k = 3; k <= COMMANDS; k++) {
		test_left_behind(&kinds[0], k, false);
		test_left_behind(&kinds[0], k, true);
	}
	test_duels(&plain);
	test_without();
	test_lines(&kinds[0]);
	test_lines(&plain);
	return tap_done();
}
