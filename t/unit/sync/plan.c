/*
 * How: a message is written as "L:FS R:S B:S": which sides have it (L the
 * Maildir, R the server, B the journal), with which flags (Maildir letters, and
 * a to e as keywords). A plan comes out as "flag server FS/FS": operation,
 * side, flags, the base behind it. The examples are the merge rules of the
 * design; plan_exhaustive.c has every state there is.
 */
#include "godwit/sync/plan.h"
#include "godwit/base/arena.h"
#include "godwit/base/err.h"
#include "godwit/mail/flags.h"
#include "godwit/mail/keywords.h"

#include "tap.h"

#include <string.h>

enum {
	KEYWORDS = 5,
};

static struct keywords *keywords;
static struct policy policy;

static uint32_t keyword_set(const char *letters)
{
	uint32_t ids[KEYWORDS];
	size_t count = 0;
	uint32_t set;

	for (; *letters != '\0'; letters++) {
		if (*letters >= 'a' && *letters < 'a' + KEYWORDS)
			ids[count++] = keywords_name_add(
				keywords, (struct str){letters, 1});
	}
	check(keywords_set(keywords, ids, count, &set, NULL) == 0);
	return set;
}

static const struct {
	char letter;
	uint32_t flag;
} letters[] = {
	{'D', FLAG_DRAFT},
	{'F', FLAG_FLAGGED},
	{'P', FLAG_FORWARDED},
	{'R', FLAG_ANSWERED},
	{'S', FLAG_SEEN},
	{'T', FLAG_DELETED},
};

enum {
	LETTERS = sizeof(letters) / sizeof(letters[0]),
};

static struct flags flags_read(const char *text)
{
	struct flags flags = {.keywords = keyword_set(text)};

	for (int i = 0; i < LETTERS; i++) {
		if (strchr(text, letters[i].letter) != NULL)
			flags.system |= letters[i].flag;
	}
	return flags;
}

static void flags_write(struct flags flags, struct buf *text)
{
	size_t count;
	const uint16_t *ids =
		keywords_set_ids(keywords, flags.keywords, &count);

	for (int i = 0; i < LETTERS; i++) {
		if ((flags.system & letters[i].flag) != 0)
			buf_addc(text, letters[i].letter);
	}
	for (size_t i = 0; i < count; i++)
		buf_add(text, keywords_name(keywords, ids[i]));
}

/* "L:FS R:S B:S", and " stale". */
static struct row row_read(const char *text)
{
	struct row row = {.uid = 7};
	struct str rest = str_of(text);
	struct str word;

	while (str_split(&rest, ' ', &word)) {
		static const char names[] = "LRB";
		char flags[16] = {0};

		if (str_eq(word, STR("stale")))
			row.stale = true;
		if (word.len < 2 || word.ptr[1] != ':')
			continue;
		memcpy(flags, word.ptr + 2, word.len - 2);
		for (int side = LOCAL; side < SIDES; side++) {
			if (names[side] != word.ptr[0])
				continue;
			row.present |= SIDE_BIT(side);
			row.flags[side] = flags_read(flags);
		}
	}
	return row;
}

static bool has_flags(enum op_kind kind)
{
	return kind == OP_PULL || kind == OP_PUSH || kind == OP_FLAG_LOCAL ||
	       kind == OP_FLAG_REMOTE || kind == OP_TRASH_REMOTE ||
	       kind == OP_MARK_REMOTE;
}

static bool has_base(enum op_kind kind)
{
	return (op_is_add(kind) && kind != OP_CONFLICT) ||
	       kind == OP_MARK_REMOTE;
}

static void op_write(const struct op *op, struct buf *text)
{
	static const char *const sides[] = {"maildir", "server", "journal"};

	buf_addf(text, "%s%s %s", text->len > 0 ? ", " : "", op_name(op->kind),
		sides[op_side(op->kind)]);
	if (has_flags(op->kind) || has_base(op->kind))
		buf_addc(text, ' ');
	if (has_flags(op->kind))
		flags_write(op->flags, text);
	if (has_base(op->kind)) {
		buf_addc(text, '/');
		flags_write(op->base, text);
	}
}

static struct arena arena;

static struct plan plan_rows(const struct row *rows, size_t count)
{
	struct plan_input input = {.rows = rows,
		.count = count,
		.policy = &policy,
		.keywords = keywords};
	struct plan plan;

	arena_reset(&arena);
	plan_mailbox(&input, &arena, &plan);
	return plan;
}

/* Plans one message, held or not; the plan's text, until the next call. */
static struct str planned_row(struct row row, struct plan *plan_r)
{
	static struct buf text;

	*plan_r = plan_rows(&row, 1);
	buf_reset(&text);
	for (size_t i = 0; i < plan_r->count; i++)
		op_write(&plan_r->ops[i], &text);
	if (plan_r->held_back > 0)
		buf_addf(&text, "%sheld back", text.len > 0 ? ", " : "");
	return buf_str(&text);
}

static void plans(const char *given, const char *expected, const char *sentence)
{
	struct plan plan;

	is_str(planned_row(row_read(given), &plan), str_of(expected), "%s (%s)",
		sentence, given);
}

/* Both sides can do everything, and everything is allowed. */
static void policy_reset(void)
{
	static const struct flag_room all = {
		.system = FLAGS_SYSTEM, .any_keyword = true};

	policy = (struct policy){
		.can_expunge = true,
		.can_move = true,
		.keeps = {all, all},
		.takes = {all, all},
	};
}

static void test_flags(void)
{
	policy_reset();
	plans("L:S R:S B:S", "", "what is in step is left alone");
	plans("L:F R:S B:S", "flag server F/F",
		"flags changed in the Maildir go to the server");
	plans("L: R:FS B:", "flag maildir FS/FS",
		"flags changed on the server go to the Maildir");
	plans("L:FS R:D B:D", "flag server FS/FS",
		"adding and removing go together");
	plans("L:FS R:RS B:S", "flag maildir FRS/FRS, flag server FRS/FRS",
		"different flags changed on both sides are merged");
	plans("L: R:FS B:S", "flag maildir F/F, flag server F/F",
		"one flag removed here and another added there are merged");
	plans("L:FS R:FS B:", "note journal /FS",
		"what both sides changed alike the journal only notes");
	plans("L:a R:b B:", "flag maildir ab/ab, flag server ab/ab",
		"keywords are merged as flags are");
	plans("L:T R: B:", "flag server T/T",
		"\\Deleted is a flag like others");
}

static void test_presence(void)
{
	policy_reset();
	plans("R:FSa", "pull maildir FSa/FSa",
		"new on the server: downloaded with flags and keywords");
	plans("L:FSa", "push server FSa/FSa",
		"new in the Maildir: uploaded with flags and keywords");
	plans("L:FS R:FS", "pair journal /FS",
		"the same new message on both sides is one message");
	plans("L:F R:S",
		"pair journal /, flag maildir FS/FS, flag server FS/FS",
		"of a new pair all flags stay, and the entry waits for them");
	plans("L: B:", "remove maildir", "gone from the server: to the vault");
	plans("L:F B:", "remove maildir", "deletion wins over a local flag");
	plans("R: B:", "remove server",
		"gone from the Maildir: expunged from the server");
	plans("R:F B:", "remove server", "deletion wins over a server's flag");
	plans("B:S", "forget journal", "gone from both sides: forgotten");
	plans("", "", "a row with nothing in it is passed over");
}

static void test_stale(void)
{
	policy_reset();
	plans("L:S R:S B:S stale", "pair journal /S",
		"a pair with a stale entry is written anew");
	plans("L: R:S B:S stale", "pair journal /S, flag server /",
		"the flags of a stale entry tell what was removed");
	plans("L:S B:S stale", "push server S/S",
		"P1: a stale entry does not prove that the server lost it");
	plans("R:S B:S stale", "pull maildir S/S",
		"P1: a stale entry does not prove that the Maildir lost it");
	plans("B:S stale", "forget journal",
		"a stale entry alone is forgotten");
}

static void test_direction(void)
{
	policy_reset();
	policy.direction = POLICY_PULL;
	plans("L:F R:S B:", "flag maildir FS/S, held back",
		"pull: a local flag stays, and the base does not learn it");
	plans("L: R:S B:S", "held back",
		"pull: a flag removed locally is not undone");
	plans("L:S", "held back", "pull: nothing is uploaded");
	plans("R: B:", "held back", "pull: nothing is removed from the server");
	plans("R:S", "pull maildir S/S", "pull: new messages come");
	plans("L:F R:S", "pair journal /, flag maildir FS/S, held back",
		"pull: a new pair gets the server's flags only locally");
	policy.direction = POLICY_PUSH;
	plans("L:F R:S B:", "flag server FS/F, held back",
		"push: a server's flag stays, and the base does not learn it");
	plans("R:S", "held back", "push: nothing is downloaded");
	plans("L: B:", "held back", "push: nothing is removed locally");
	policy.direction = POLICY_BOTH;
	policy.remote_readonly = true;
	plans("L:F R:S B:", "flag maildir FS/S, held back",
		"a read-only mailbox is only pulled");
}

static void test_delete(void)
{
	policy_reset();
	policy.deletes = POLICY_DELETE_NEVER;
	plans("R: B:", "held back", "delete: never keeps the server's copy");
	policy.deletes = POLICY_DELETE_TRASH;
	plans("R:ST B:S", "trash server S",
		"delete: trash moves it there, without \\Deleted");
	policy.can_expunge = false;
	plans("R:S B:S", "trash server S", "for which MOVE is enough");
	policy.can_move = false;
	plans("R:S B:S", "keep journal", "with neither it is kept, and said");
	policy.is_trash = true;
	policy.can_expunge = true;
	plans("R:S B:S", "remove server", "in the trash itself it is expunged");
}

static void test_no_uidplus(void)
{
	policy_reset();
	policy.can_expunge = false;
	plans("R:S B:", "mark server ST/T", "without UID EXPUNGE it is marked");
	plans("R:ST B:ST", "held back", "and what is marked is left at that");
	plans("L:S R:ST B:ST", "flag server S/S",
		"a file that comes back takes the mark off");
	policy.expunge = SIDE_BIT(REMOTE);
	plans("L:T R:T B:T", "", "expunge: is not acted on without it");
	policy.takes[REMOTE].system &= ~(uint32_t)FLAG_DELETED;
	plans("R:S B:S", "keep journal",
		"what cannot even be marked is kept, and said");
}

static void test_expunge(void)
{
	policy_reset();
	plans("L:T R:T B:T", "", "expunge: none leaves \\Deleted alone");
	policy.expunge = SIDE_BIT(LOCAL) | SIDE_BIT(REMOTE);
	plans("L:T R: B:", "remove server, remove maildir",
		"expunge: both removes what is marked on one side");
	plans("L:T R:T B:", "remove server, remove maildir",
		"and notes nothing about what goes");
	plans("R:T", "remove server", "and does not download it before");
	plans("L:T", "remove maildir", "nor upload it");
	policy.expunge = SIDE_BIT(REMOTE);
	plans("L:T R: B:", "remove server, remove maildir",
		"expunge: server, and the Maildir follows");
	plans("L:T", "", "what the server would expunge stays local");
	policy.expunge = SIDE_BIT(LOCAL);
	plans("L: R:T B:", "remove server, remove maildir",
		"expunge: local, and the server follows by delete:");
	policy.deletes = POLICY_DELETE_NEVER;
	plans("L:T R: B:", "flag server T/, remove maildir, held back",
		"which may be never: then it gets the flag");
	policy.deletes = POLICY_DELETE_TRASH;
	plans("L:S R:ST B:S", "trash server S, remove maildir",
		"or the trash, which no flag is to follow it to");
}

/* \* is not in PERMANENTFLAGS, and only keyword a is. */
static void server_forgets(void)
{
	policy_reset();
	policy.keeps[REMOTE] = (struct flag_room){
		.system = FLAGS_SYSTEM & ~(uint32_t)FLAG_FORWARDED,
		.keywords = keyword_set("a"),
	};
	policy.takes[REMOTE] = policy.keeps[REMOTE];
}

static void test_server_forgets(void)
{
	server_forgets();
	plans("L:bP R: B:", "", "what the server cannot store is not sent");
	plans("L:ab R: B:", "flag server a/a", "what it can store is");
	plans("L:abP", "push server a/a", "an upload is sent without it");
	plans("L:b R: B:b", "note journal /",
		"what it has forgotten was not removed by it");
	plans("L: R:b B:b", "", "what it shows is not brought back");
	plans("L: R:b B:", "flag maildir b/b", "what it shows first is new");
	policy_reset();
	plans("L:b R: B:", "flag server b/b",
		"once it can store it, it gets what it lacked");
}

/* Only a and b have letters, and none is free. */
static void letters_used_up(void)
{
	policy_reset();
	policy.keeps[LOCAL] = (struct flag_room){
		.system = FLAGS_SYSTEM,
		.keywords = keyword_set("ab"),
	};
	policy.takes[LOCAL] = policy.keeps[LOCAL];
}

static void test_letters_used_up(void)
{
	letters_used_up();
	plans("R:abc", "pull maildir ab/ab",
		"a keyword without a letter is not written");
	plans("L:ab R:abc B:ab", "", "nor stripped from the server");
	plans("L:ab R:abcd B:ab", "", "nor is another one");
	plans("L:a R:abc B:ab", "flag server ac/a",
		"not even when others are changed");
	policy_reset();
	plans("L:ab R:abc B:ab", "flag maildir abc/abc",
		"when it gets its letter, it is set");
	policy.keeps[LOCAL] = (struct flag_room){.system = FLAGS_SYSTEM};
	plans("L: R:ab B:ab", "flag maildir ab/ab",
		"a lost keyword file is not taken for removed keywords");
}

static void test_holds(void)
{
	static const uint8_t holds[] = {
		ROW_TROUBLED, ROW_TOO_BIG, ROW_TOO_OLD, ROW_SURPLUS};
	struct plan plan;
	struct row row;

	policy_reset();
	policy.expunge = SIDE_BIT(LOCAL) | SIDE_BIT(REMOTE);
	for (size_t i = 0; i < sizeof(holds); i++) {
		row = row_read("R:T");
		row.hold = holds[i];
		is_str(planned_row(row, &plan), STR(""),
			"hold %u: a new message is left alone", holds[i]);
		row = row_read("L:S R: B:");
		row.hold = holds[i];
		is_str(planned_row(row, &plan), STR("flag server S/S"),
			"hold %u: flags travel", holds[i]);
		row = row_read("L: B:");
		row.hold = holds[i];
		is_str(planned_row(row, &plan), STR("remove maildir"),
			"hold %u: removals do", holds[i]);
	}
	row = row_read("L:S");
	row.hold = ROW_SAME_NAME;
	is_str(planned_row(row, &plan), STR("keep journal"),
		"a second file of one name is kept, and said");
	is_int(plan.ops[0].reason, REASON_SAME_NAME, "with its reason");
}

static void test_reasons(void)
{
	static const struct {
		const char *given;
		enum op_reason reason;
	} cases[] = {
		{"R:", REASON_NEW_ON_SERVER},
		{"L:", REASON_NEW_IN_MAILDIR},
		{"L: R:", REASON_SAME_ON_BOTH},
		{"L: R:S B:", REASON_FLAGS_ON_SERVER},
		{"L:S R: B:", REASON_FLAGS_IN_MAILDIR},
		{"L:S R:F B:", REASON_FLAGS_ON_BOTH},
		{"L:S R:S B:", REASON_FLAGS_ON_BOTH},
		{"L: B:", REASON_GONE_FROM_SERVER},
		{"R: B:", REASON_GONE_FROM_MAILDIR},
		{"B:", REASON_GONE_FROM_BOTH},
		{"L: R:T B:", REASON_EXPUNGED},
		{"R:T B:", REASON_EXPUNGED},
	};
	struct plan plan;

	policy_reset();
	policy.expunge = SIDE_BIT(REMOTE);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		(void)planned_row(row_read(cases[i].given), &plan);
		is_int(plan.ops[0].reason, cases[i].reason, "\"%s\": %s",
			cases[i].given, op_reason_text(cases[i].reason));
	}
	for (int i = 0; i < REASONS; i++)
		ok(op_reason_text(i)[0] != '\0', "reason %d has a text", i);
}

static void test_mailbox(void)
{
	struct row rows[] = {row_read("L: B:"), row_read("L:S R: B:"),
		row_read("R: B:"), row_read("R:"), row_read("L: R: B:")};
	struct plan plan;

	policy_reset();
	plan = plan_rows(rows, 5);
	is_int((intmax_t)plan.count, 4, "a plan has what is to be done");
	is_int(plan.ops[0].row, 1, "first what adds, in the rows' order");
	is_int(plan.ops[1].row, 3, "to the end");
	is_int(plan.ops[2].row, 0, "then what removes, from the front");
	is_int(plan.ops[3].row, 2, "again");
	is_int(plan.per_kind[OP_PULL], 1, "it counts each kind");
	is_int(plan.per_kind[OP_REMOVE_LOCAL], 1, "of removals, too");
	plan = plan_rows(NULL, 0);
	is_int((intmax_t)plan.count, 0, "no rows, no operations");
	ok(row_in_step(&rows[4]), "alike on all sides is in step");
	ok(!row_in_step(&rows[1]), "a changed flag is not");
	rows[4] = row_read("L:T R:T B:T");
	ok(!row_in_step(&rows[4]), "\\Deleted is not: expunge: may act on it");
	rows[4] = row_read("L: R: B: stale");
	ok(!row_in_step(&rows[4]), "a stale entry is not");
}

int main(void)
{
	keywords = keywords_new();
	(void)keyword_set("abcde");
	test_flags();
	test_presence();
	test_stale();
	test_direction();
	test_delete();
	test_no_uidplus();
	test_expunge();
	test_server_forgets();
	test_letters_used_up();
	test_holds();
	test_reasons();
	test_mailbox();
	arena_clear(&arena);
	keywords_free(&keywords);
	return tap_done();
}
