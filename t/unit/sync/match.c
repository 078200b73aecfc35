/*
 * How: a mailbox is written as three lists. A row comes out as the sides that
 * it has, "LRB" with '-' for those that lack, and its UID; then what may stand
 * behind it: '*' stale, '!' a name twice. Identities are numbers. Where
 * examples are not enough, random mailboxes are held against a join that
 * compares all with all.
 */
#include "godwit/sync/match.h"

#include "godwit/base/arena.h"
#include "godwit/base/err.h"
#include "godwit/mail/maildir_name.h"

#include "tap.h"

#include <stdlib.h>
#include <string.h>

enum {
	ITEMS_MAX = 64,
	ROUNDS = 20000,
};

static struct arena arena;

/* A mailbox in the making. */
static struct mailbox {
	struct base_item base[ITEMS_MAX];
	struct remote_item remote[ITEMS_MAX];
	struct local_item local[ITEMS_MAX];
	struct match_input input;
	struct match match;
} box;

static void box_reset(void)
{
	memset(&box, 0, sizeof(box));
	arena_reset(&arena);
	box.input.base = box.base;
	box.input.remote = box.remote;
	box.input.local = box.local;
}

static void add_base(uint32_t uid, const char *name)
{
	check(box.input.base_count < ITEMS_MAX);
	box.base[box.input.base_count++] =
		(struct base_item){.uid = uid, .name = str_of(name)};
}

static void add_remote(uint32_t uid, uint64_t bytes)
{
	check(box.input.remote_count < ITEMS_MAX);
	box.remote[box.input.remote_count++] =
		(struct remote_item){.uid = uid, .bytes = bytes};
}

static void add_local(const char *name)
{
	check(box.input.local_count < ITEMS_MAX);
	box.local[box.input.local_count++] =
		(struct local_item){.name = str_of(name)};
}

static void row_write(const struct row *row, struct buf *text)
{
	if (text->len > 0)
		buf_addc(text, ' ');
	buf_addc(text, (row->present & SIDE_BIT(LOCAL)) ? 'L' : '-');
	buf_addc(text, (row->present & SIDE_BIT(REMOTE)) ? 'R' : '-');
	buf_addc(text, (row->present & SIDE_BIT(BASE)) ? 'B' : '-');
	buf_addf(text, "%u%s%s", row->uid,
		row->stale && (row->present & SIDE_BIT(BASE)) ? "*" : "",
		row->hold == ROW_SAME_NAME ? "!" : "");
}

/* The rows as text, until the next call. */
static struct str rows_text(void)
{
	static struct buf text;

	buf_reset(&text);
	for (size_t i = 0; i < box.match.count; i++)
		row_write(&box.match.rows[i], &text);
	return buf_str(&text);
}

static void join(void)
{
	match_join(&box.input, &arena, &box.match);
}

static void joins(const char *expected, const char *sentence)
{
	join();
	is_str(rows_text(), str_of(expected), "%s", sentence);
}

/* ---- Joining ------------------------------------------------------------- */

static void test_join(void)
{
	box_reset();
	joins("", "of nothing come no rows");

	box_reset();
	add_base(2, "b");
	add_base(4, "d");
	add_base(5, "e");
	add_base(9, "i");
	add_remote(1, 0);
	add_remote(2, 0);
	add_remote(5, 0);
	add_local("a");
	add_local("d");
	add_local("e");
	add_local("z");
	joins("-R-1 -RB2 L-B4 LRB5 --B9 L--0 L--0",
		"UIDs and names join the three sides");
	is_int(box.match.rows[1].base, 0, "a row knows its entry");
	is_int(box.match.rows[1].remote, 1, "and its message on the server");
	is_int(box.match.rows[2].local, 1, "and its file");
	is_int(box.match.rows[5].local, 0, "new files come last, by name");
	is_int(box.match.rows[6].base, (intmax_t)PLAN_NONE,
		"what there is not has no index");

	box_reset();
	add_base(2, "z");
	add_base(4, "d");
	add_remote(1, 0);
	add_remote(4, 0);
	add_local("z");
	add_local("d");
	box.input.local_is_base = true;
	joins("-R-1 L-B2 LRB4",
		"files that are those of the entries need no order of names");
	is_int(box.match.rows[2].local, 1, "and each entry has its own");

	box_reset();
	add_base(UINT32_MAX, "a");
	add_remote(UINT32_MAX - 1, 0);
	add_remote(UINT32_MAX, 0);
	joins("-R-4294967294 -RB4294967295", "the greatest UID is one");
	box_reset();
	add_remote(UINT32_MAX, 0);
	joins("-R-4294967295", "even when nothing else is there");
	box_reset();
	add_base(UINT32_MAX, "a");
	joins("--B4294967295", "on either side");
}

static void test_flags(void)
{
	box_reset();
	add_base(1, "a");
	add_remote(1, 0);
	add_local("a");
	box.base[0].flags.system = FLAG_SEEN;
	box.remote[0].flags.system = FLAG_FLAGGED;
	box.local[0].flags.system = FLAG_DRAFT;
	join();
	is_int(box.match.rows[0].flags[BASE].system, FLAG_SEEN,
		"a row has the entry's flags");
	is_int(box.match.rows[0].flags[REMOTE].system, FLAG_FLAGGED,
		"and the server's");
	is_int(box.match.rows[0].flags[LOCAL].system, FLAG_DRAFT,
		"and the file's");
}

static void test_same_names(void)
{
	box_reset();
	add_base(1, "a");
	add_remote(1, 0);
	add_local("a");
	add_local("a");
	add_local("a");
	joins("LRB1 L--0! L--0!",
		"of files with one name the first has the entry");
	is_int(box.match.rows[0].local, 0, "which is the first in order");

	box_reset();
	add_local("a");
	add_local("a");
	joins("L--0 L--0!", "of new files with one name the first is new");

	box_reset();
	add_base(1, "a");
	add_base(2, "a");
	add_remote(1, 0);
	add_remote(2, 0);
	add_local("a");
	joins("LRB1 -RB2*",
		"P1: the second entry of one file does not prove it gone");
}

static void test_new_uidvalidity(void)
{
	box_reset();
	box.input.new_uidvalidity = true;
	add_base(2, "b");
	add_base(3, "c");
	add_base(4, "gone");
	add_remote(2, 0);
	add_remote(7, 0);
	add_local("a");
	add_local("b");
	add_local("c");
	add_local("c");
	joins("-R-2 -R-7 L--0 L-B0* L-B0* L--0! --B0*",
		"with a new UIDVALIDITY entries join their files only");
	is_int(box.match.rows[3].base, 0, "each its own");
	is_int(box.match.rows[6].base, 2, "those without come last");
	match_unite(&box.match, 1, 3);
	is_str(rows_text(), STR("-R-2 LRB7* L--0 ---0 L-B0* L--0! --B0*"),
		"united with its message a file brings the entry along");
}

/* ---- Against a naive join ------------------------------------------------ */

static uint32_t seed;

static uint32_t draw(uint32_t below)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % below;
}

static const char *const names[] = {"1700000000.M1", "1700000000.M1P1",
	"1700000000.M2", "a", "aa", "ab", "b", "ba"};

enum {
	NAMES = sizeof(names) / sizeof(names[0]),
	UIDS = 8,
};

static void draw_box(void)
{
	uint32_t taken = 0;

	box_reset();
	box.input.new_uidvalidity = draw(4) == 0;
	for (uint32_t uid = 1; uid <= UIDS; uid++) {
		uint32_t name = draw(NAMES);

		if (draw(2) == 0)
			add_remote(uid, 0);
		if (draw(2) == 0 && (taken & 1U << name) == 0) {
			add_base(uid, names[name]);
			taken |= 1U << name;
		}
	}
	for (int i = 0; i < NAMES; i++) {
		if (draw(2) == 0)
			add_local(names[i]);
	}
}

/* Whether some row says that these three are one (PLAN_NONE: has none). */
static bool has_row(uint32_t base, uint32_t remote, uint32_t local)
{
	for (size_t i = 0; i < box.match.count; i++) {
		const struct row *row = &box.match.rows[i];
		unsigned present =
			(base == PLAN_NONE ? 0 : SIDE_BIT(BASE)) |
			(remote == PLAN_NONE ? 0 : SIDE_BIT(REMOTE)) |
			(local == PLAN_NONE ? 0 : SIDE_BIT(LOCAL));

		if (row->base == base && row->remote == remote &&
			row->local == local && row->present == present)
			return true;
	}
	return false;
}

static uint32_t naive_remote(uint32_t uid)
{
	for (size_t i = 0; i < box.input.remote_count; i++) {
		if (box.remote[i].uid == uid && !box.input.new_uidvalidity)
			return (uint32_t)i;
	}
	return PLAN_NONE;
}

static uint32_t naive_local(struct str name)
{
	for (size_t i = 0; i < box.input.local_count; i++) {
		if (str_eq(box.local[i].name, name))
			return (uint32_t)i;
	}
	return PLAN_NONE;
}

/* How many rows a join that compares all with all finds missing, or too many.
 */
static size_t naive_wrong(void)
{
	size_t wrong = 0;
	size_t rows = 0;
	uint32_t remotes = 0;
	uint32_t locals = 0;

	for (uint32_t b = 0; b < box.input.base_count; b++, rows++) {
		uint32_t remote = naive_remote(box.base[b].uid);
		uint32_t local = naive_local(box.base[b].name);

		wrong += !has_row(b, remote, local);
		remotes |= remote == PLAN_NONE ? 0 : 1U << remote;
		locals |= local == PLAN_NONE ? 0 : 1U << local;
	}
	for (uint32_t r = 0; r < box.input.remote_count; r++) {
		if ((remotes & 1U << r) == 0 && ++rows > 0)
			wrong += !has_row(PLAN_NONE, r, PLAN_NONE);
	}
	for (uint32_t l = 0; l < box.input.local_count; l++) {
		if ((locals & 1U << l) == 0 && ++rows > 0)
			wrong += !has_row(PLAN_NONE, PLAN_NONE, l);
	}
	return wrong + (rows != box.match.count);
}

static void test_naive(void)
{
	for (uint32_t round = 0; round < ROUNDS; round++) {
		seed = round;
		draw_box();
		join();
		if (naive_wrong() == 0)
			continue;
		ok(false, "seed %u joins as if all were compared with all",
			round);
		return;
	}
	ok(true, "%d random mailboxes join as if all were compared with all",
		ROUNDS);
}

/* ---- Derived names ------------------------------------------------------- */

static const struct match_place place = {
	.account = {"home", 4},
	.mailbox = {"INBOX", 5},
	.uidvalidity = 1234,
};

/* The name of the download of `uid`, with a size on disk. */
static const char *download(uint32_t uidvalidity, uint32_t uid, uint64_t bytes)
{
	struct buf stem = {0};
	struct buf name = {0};
	const char *copy;

	maildir_name_stem(
		&stem, place.account, place.mailbox, uidvalidity, uid);
	maildir_name_derive(&name, buf_str(&stem), bytes);
	copy = arena_printf(&arena, "%s", buf_z(&name));
	buf_clear(&stem);
	buf_clear(&name);
	return copy;
}

static int cmp_local(const void *a, const void *b)
{
	const struct local_item *x = a;
	const struct local_item *y = b;

	return str_cmp(x->name, y->name);
}

static size_t join_derived(void)
{
	qsort(box.local, box.input.local_count, sizeof(box.local[0]),
		cmp_local);
	join();
	return match_derived(&box.match, &box.input, &place);
}

static void test_derived(void)
{
	box_reset();
	for (uint32_t uid = 1; uid <= 5; uid++) {
		add_remote(uid, 1000);
		if (uid != 3)
			add_local(download(1234, uid, 980));
	}
	add_local("1700000000.M1P2.host,S=980");
	is_int((intmax_t)join_derived(), 4,
		"downloads that the journal missed are found by their names");
	is_str(str_sub(rows_text(), 0, 24), STR("LR-1 LR-2 -R-3 LR-4 LR-5"),
		"and are one with their messages");
	for (size_t i = 0; i < 5; i++) {
		const struct row *row = &box.match.rows[i];

		if (row->uid == 3)
			continue;
		is_str(box.local[row->local].name,
			str_of(download(1234, row->uid, 980)),
			"UID %u has the file that has its name", row->uid);
	}
}

static void test_derived_not(void)
{
	box_reset();
	add_remote(1, 1000);
	add_local(download(1235, 1, 980));
	is_int((intmax_t)join_derived(), 0,
		"a download of another UIDVALIDITY is not this message");

	box_reset();
	add_remote(1, 100000);
	add_local(download(1234, 1, 980));
	is_int((intmax_t)join_derived(), 0,
		"nor is one of quite another size: the UID was given again");
	box_reset();
	add_remote(1, 980);
	add_local(download(1234, 1, 100000));
	is_int((intmax_t)join_derived(), 0, "smaller or greater");
	box_reset();
	add_remote(1, UINT64_MAX);
	add_local(download(1234, 1, UINT64_MAX));
	is_int((intmax_t)join_derived(), 1, "sizes do not overflow");
	box_reset();
	add_remote(1, 0);
	add_local(download(1234, 1, 980));
	is_int((intmax_t)join_derived(), 1,
		"an unknown size speaks against nothing");

	box_reset();
	add_base(9, download(1234, 1, 980));
	add_remote(1, 1000);
	add_local(download(1234, 1, 980));
	is_int((intmax_t)join_derived(), 0,
		"a file that the journal knows is what the journal says");

	box_reset();
	box.input.new_uidvalidity = true;
	add_base(9, download(1234, 1, 980));
	add_remote(1, 1000);
	add_local(download(1234, 1, 980));
	is_int((intmax_t)join_derived(), 0,
		"also of another UIDVALIDITY: only its identity counts");

	box_reset();
	add_remote(1, 1000);
	add_local(arena_printf(&arena, "%.*s2,S=980",
		(int)strcspn(download(1234, 1, 980), ","),
		download(1234, 1, 980)));
	add_local(download(1234, 2, 980));
	is_int((intmax_t)join_derived(), 0,
		"a name that only begins like it is another one");

	box_reset();
	add_remote(1, 1000);
	add_local(download(1234, 1, 980));
	add_local(download(1234, 1, 980));
	is_int((intmax_t)join_derived(), 1, "of two such files one is it");
	is_str(rows_text(), STR("LR-1 ---0 L--0!"), "the other is left");
}

/* ---- Identities ---------------------------------------------------------- */

/* An identity of this size whose header is `header`. */
static struct identity identity(uint64_t bytes, unsigned char header)
{
	struct identity made = {.bytes = bytes};

	memset(made.header_sha256, header, sizeof(made.header_sha256));
	return made;
}

static struct match_identity remote_ids[ITEMS_MAX];
static struct match_identity local_ids[ITEMS_MAX];
static struct match_identities remote_list;
static struct match_identities local_list;

static void ids_reset(void)
{
	remote_list = (struct match_identities){.items = remote_ids};
	local_list = (struct match_identities){.items = local_ids};
}

static void add_id(struct match_identities *list, uint32_t row, uint64_t bytes,
	unsigned char header)
{
	check(list->count < ITEMS_MAX && row < box.match.count);
	list->items[list->count++] = (struct match_identity){
		.identity = identity(bytes, header), .row = row};
}

/* `there` server messages, then `here` files, joined. */
static void box_of(uint32_t there, uint32_t here)
{
	box_reset();
	ids_reset();
	for (uint32_t i = 0; i < there; i++)
		add_remote(i + 1, 0);
	for (uint32_t i = 0; i < here; i++)
		add_local(names[i]);
	join();
}

static void test_pair(void)
{
	box_of(3, 3);
	add_id(&remote_list, 0, 10, 1);
	add_id(&remote_list, 1, 10, 2);
	add_id(&remote_list, 2, 11, 3);
	add_id(&local_list, 3, 10, 2);
	add_id(&local_list, 4, 11, 1);
	add_id(&local_list, 5, 11, 3);
	is_int((intmax_t)match_pair(&box.match, &remote_list, &local_list), 2,
		"equal identities pair, others do not");
	is_str(rows_text(), STR("-R-1 LR-2 LR-3 ---0 L--0 ---0"),
		"size and header must both be equal");
	is_int(box.match.rows[1].local, 0, "and the right ones are united");

	box_of(2, 3);
	for (uint32_t row = 5; row-- > 0;)
		add_id(row < 2 ? &remote_list : &local_list, row, 10, 1);
	is_int((intmax_t)match_pair(&box.match, &remote_list, &local_list), 2,
		"P2: three equal files and two messages are two pairs");
	is_str(rows_text(), STR("LR-1 LR-2 ---0 ---0 L--0"),
		"and one that is new");
	is_int(box.match.rows[0].local, 0, "paired in the order of UIDs");
	is_int(box.match.rows[1].local, 1, "and names");
	is_int((intmax_t)match_pair(&box.match, &remote_list, &local_list), 0,
		"what is paired is not paired again");
}

static void test_pair_known_first(void)
{
	box_reset();
	ids_reset();
	box.input.new_uidvalidity = true;
	add_base(5, "b");
	add_remote(1, 0);
	add_local("a");
	add_local("b");
	join();
	add_id(&remote_list, 0, 10, 1);
	add_id(&local_list, 1, 10, 1);
	add_id(&local_list, 2, 10, 1);
	is_int((intmax_t)match_pair(&box.match, &remote_list, &local_list), 1,
		"of equal files the one that was in step is paired");
	is_str(rows_text(), STR("LRB1* L--0 ---0"), "with its stale entry");

	box_of(1, 2);
	box.match.rows[1].hold = ROW_SAME_NAME;
	add_id(&remote_list, 0, 10, 1);
	add_id(&local_list, 1, 10, 1);
	is_int((intmax_t)match_pair(&box.match, &remote_list, &local_list), 0,
		"a file whose name is another's is not paired");
}

static void test_candidates(void)
{
	struct match_candidates found;

	box_reset();
	ids_reset();
	add_remote(1, 5000);
	add_remote(2, 100);
	add_remote(3, 9000000);
	add_remote(4, UINT64_MAX);
	add_local("a");
	add_local("b");
	join();
	add_id(&local_list, 5, 200000, 0);
	add_id(&local_list, 4, 5070, 0);
	match_candidates(&box.match, &box.input, &local_list, &arena, &found);
	is_int((intmax_t)found.remote.count, 1,
		"a message near a file's size is a candidate, no other");
	is_int(found.remote.rows[0], 0, "that message");
	is_int((intmax_t)found.local.count, 1, "so is the file");
	is_int(found.local.rows[0], 4, "that file");

	box.remote[0].bytes = 0;
	match_candidates(&box.match, &box.input, &local_list, &arena, &found);
	is_int((intmax_t)found.remote.count, 1,
		"a message of unknown size is one");
	is_int((intmax_t)found.local.count, 2, "and any file may be its");
	is_int(found.local.rows[0], 4, "rows come in their order");

	local_ids[0].identity.bytes = UINT64_MAX - 5;
	box.remote[0].bytes = 5000;
	match_candidates(&box.match, &box.input, &local_list, &arena, &found);
	is_int(found.remote.rows[1], 3, "the greatest sizes do not overflow");

	match_candidates(&box.match, &box.input, &(struct match_identities){0},
		&arena, &found);
	is_int((intmax_t)(found.remote.count + found.local.count), 0,
		"where there is no file there is nothing to fetch");
}

/* A size so near that injected headers or a server's way to count explain it.
 */
static bool near(uint64_t remote, uint64_t local)
{
	uint64_t apart = remote > local ? remote - local : local - remote;

	return apart <= 256 + remote / 16;
}

/* How many candidates differ from those that all pairs of sizes give. */
static size_t candidates_wrong(const struct match_candidates *found)
{
	size_t wrong = 0;
	size_t at = 0;

	for (uint32_t r = 0; r < box.input.remote_count; r++) {
		bool is = false;

		for (size_t l = 0; l < local_list.count; l++)
			is |= near(box.remote[r].bytes,
				local_ids[l].identity.bytes);
		if (is)
			wrong += at >= found->remote.count ||
				 found->remote.rows[at++] != r;
	}
	wrong += at != found->remote.count;
	at = 0;
	for (uint32_t l = 0; l < box.input.local_count; l++) {
		bool is = false;

		for (size_t r = 0; r < box.input.remote_count; r++)
			is |= near(box.remote[r].bytes,
				local_ids[l].identity.bytes);
		if (is)
			wrong += at >= found->local.count ||
				 found->local.rows[at++] !=
					 box.input.remote_count + l;
	}
	return wrong + (at != found->local.count);
}

static void test_candidates_naive(void)
{
	for (uint32_t round = 0; round < ROUNDS; round++) {
		struct match_candidates found;
		uint32_t there;

		seed = round;
		there = draw(6);
		box_of(there, draw(6));
		for (uint32_t i = 0; i < there; i++)
			box.remote[i].bytes = 1 + draw(3000);
		for (uint32_t i = 0; i < box.input.local_count; i++)
			add_id(&local_list, there + i, draw(3000), 0);
		match_candidates(
			&box.match, &box.input, &local_list, &arena, &found);
		if (candidates_wrong(&found) == 0)
			continue;
		ok(false, "seed %u finds the candidates", round);
		return;
	}
	ok(true, "%d random sets of sizes give the right candidates", ROUNDS);
}

static void test_doubts(void)
{
	struct match_rows doubts;

	box_of(4, 3);
	add_id(&remote_list, 0, 1000, 1); /* the file's, but for its size */
	add_id(&remote_list, 1, 1000, 2); /* no file has this header */
	add_id(&remote_list, 2, 9000, 1); /* much too long */
	add_id(&remote_list, 3, 1000, 3); /* pairs */
	add_id(&local_list, 4, 1022, 1);
	add_id(&local_list, 5, 1000, 3);
	add_id(&local_list, 6, 5, 1);
	(void)match_pair(&box.match, &remote_list, &local_list);
	match_doubts(&box.match, &remote_list, &local_list, &arena, &doubts);
	is_int((intmax_t)doubts.count, 1,
		"the same header and nearly the same size make a doubt");
	is_int(doubts.rows[0], 0, "about that message");

	for (size_t i = 0; i < remote_list.count; i++) {
		if (remote_ids[i].row == 0)
			remote_ids[i].identity.bytes = 1022;
	}
	is_int((intmax_t)match_pair(&box.match, &remote_list, &local_list), 1,
		"its real size settles it");
	match_doubts(&box.match, &remote_list, &local_list, &arena, &doubts);
	is_int((intmax_t)doubts.count, 0, "and nothing is in doubt any more");
}

/* A lost journal, and a first sync over mail that is there. */
static void test_no_doubles(void)
{
	static const struct flag_room all = {
		.system = FLAGS_SYSTEM, .any_keyword = true};
	struct policy policy = {.keeps = {all, all}, .takes = {all, all}};
	struct plan_input input = {.policy = &policy};
	struct plan plan;

	input.keywords = keywords_new();
	box_of(8, 8);
	for (uint32_t i = 0; i < 8; i++) {
		add_id(&remote_list, i, 100 + i / 3, 1);
		add_id(&local_list, 8 + i, 100 + i / 3, 1);
	}
	is_int((intmax_t)match_pair(&box.match, &remote_list, &local_list), 8,
		"P2: without a journal mail on both sides pairs, duplicates "
		"too");
	input.rows = box.match.rows;
	input.count = box.match.count;
	plan_mailbox(&input, &arena, &plan);
	is_int(plan.per_kind[OP_PAIR], 8, "and is written into the journal");
	is_int((intmax_t)plan.count, 8, "and nothing travels");
	keywords_free(&input.keywords);
}

/* A mailbox of many messages, one in a hundred of which was read meanwhile. */
static void test_memory(void)
{
	enum {
		MANY = 100000,
		BYTES_MAX = 100
	};
	struct arena inputs = {0};
	struct base_item *base = arena_array(&inputs, MANY, sizeof(*base));
	struct remote_item *remote =
		arena_array(&inputs, MANY, sizeof(*remote));
	struct local_item *local = arena_array(&inputs, MANY, sizeof(*local));
	struct match_input input = {.base = base,
		.base_count = MANY,
		.remote = remote,
		.remote_count = MANY,
		.local = local,
		.local_count = MANY};
	const struct flag_room room = {
		.system = FLAGS_SYSTEM, .any_keyword = true};
	const struct policy policy = {
		.keeps = {room, room}, .takes = {room, room}};
	struct plan_input planned = {
		.policy = &policy, .keywords = keywords_new()};
	struct plan plan;

	for (uint32_t i = 0; i < MANY; i++) {
		char *name = arena_printf(&inputs, "%08u", (unsigned)i);

		base[i] =
			(struct base_item){.uid = i + 1, .name = str_of(name)};
		remote[i] = (struct remote_item){.uid = i + 1};
		if (i % 100 == 0)
			remote[i].flags.system = FLAG_SEEN;
		local[i] = (struct local_item){.name = str_of(name)};
	}
	box_reset();
	match_join(&input, &arena, &box.match);
	planned.rows = box.match.rows;
	planned.count = box.match.count;
	plan_mailbox(&planned, &arena, &plan);
	is_int((intmax_t)plan.count, MANY / 100,
		"of many messages those that have changed are planned");
	ok(arena.total_bytes < (size_t)MANY * BYTES_MAX,
		"in less than %d bytes a message", BYTES_MAX);
	keywords_free(&planned.keywords);
	arena_clear(&inputs);
}

int main(void)
{
	test_join();
	test_flags();
	test_same_names();
	test_new_uidvalidity();
	test_naive();
	test_derived();
	test_derived_not();
	test_pair();
	test_pair_known_first();
	test_candidates();
	test_candidates_naive();
	test_doubts();
	test_no_doubles();
	test_memory();
	arena_clear(&arena);
	return tap_done();
}
