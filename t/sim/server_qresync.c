/* fake_server: QRESYNC, by RFC 7162 section 3.2, and what is odd. */
#include "fake_scene.h"

#include "godwit/imap/set.h"
#include "tap.h"

#include <string.h>

static void test_enable(void)
{
	struct scene s;

	scene_begin(&s, "ENABLE QRESYNC");
	scene_play(&s,
		"C: a1 SELECT INBOX (QRESYNC (1001 1))\n"
		"S: a1 BAD SELECT with parameters\n"
		"C: a2 ENABLE QRESYNC X-UNKNOWN OBJECTID\n"
		"S: * ENABLED QRESYNC\n"
		"S: a2 OK Enabled\n",
		"QRESYNC is off until ENABLED names it (RFC 7162 3.2.3)");
	scene_play(&s,
		"C: a3 SELECT INBOX (CONDSTORE QRESYNC (1001 1))\n"
		"S: a3 BAD SELECT with CONDSTORE beside QRESYNC\n"
		"C: a4 SELECT INBOX\n"
		"S: * 0 EXISTS\n"
		"S: * OK [UIDVALIDITY 1001] UIDs valid\n"
		"S: * OK [UIDNEXT 1] Predicted\n"
		"S: * OK [HIGHESTMODSEQ 1] Highest\n"
		"S: a4 OK [READ-WRITE] Selected\n"
		"C: a5 ENABLE CONDSTORE\n"
		"S: a5 BAD ENABLE with a mailbox selected\n",
		"it goes alone, and before any mailbox");
	scene_end(&s);

	scene_begin(&s, "ENABLE QRESYNC CONDSTORE");
	s.server->odd.enables_nothing = true;
	scene_fill(&s, 1);
	scene_play(&s,
		"C: a1 ENABLE QRESYNC\n"
		"S: a1 OK Enabled\n"
		"C: a2 SELECT INBOX (QRESYNC (1001 1))\n"
		"S: a2 BAD SELECT with parameters\n"
		"C: a3 SELECT INBOX (CONDSTORE)\n"
		"S: * 1 EXISTS\n"
		"S: * OK [UIDVALIDITY 1001] UIDs valid\n"
		"S: * OK [UIDNEXT 2] Predicted\n"
		"S: * OK [HIGHESTMODSEQ 2] Highest\n"
		"S: a3 OK [READ-WRITE] Selected\n"
		"C: a4 UID FETCH 1:* (FLAGS) (CHANGEDSINCE 1 VANISHED)\n"
		"S: a4 BAD FETCH of what is not offered\n",
		"an ENABLE without ENABLED enables nothing (iCloud)");
	scene_act(&s, FAKE_EXPUNGES, "INBOX", 0, 0);
	scene_play(&s,
		"C: a5 NOOP\n"
		"S: * 1 EXPUNGE\n"
		"S: a5 OK Nothing done\n",
		"and EXPUNGE stays EXPUNGE");
	scene_end(&s);
}

static void resync_forgotten(struct scene *s)
{
	fake_mailbox_forget(scene_inbox(s));
	scene_play(s,
		"C: a6 SELECT INBOX (QRESYNC (1001 10))\n"
		"S: * OK [CLOSED] The one before\n"
		"S: * 5 EXISTS\n"
		"S: * OK [UIDVALIDITY 1001] UIDs valid\n"
		"S: * OK [UIDNEXT 8] Predicted\n"
		"S: * OK [HIGHESTMODSEQ 11] Highest\n"
		"S: * VANISHED (EARLIER) 2,4\n"
		"S: * 5 FETCH (UID 7 FLAGS () MODSEQ (11))\n"
		"S: a6 OK [READ-WRITE] Selected\n"
		"C: a7 SELECT INBOX (QRESYNC (1001 10 1:5))\n"
		"S: * OK [CLOSED] The one before\n"
		"S: * 5 EXISTS\n"
		"S: * OK [UIDVALIDITY 1001] UIDs valid\n"
		"S: * OK [UIDNEXT 8] Predicted\n"
		"S: * OK [HIGHESTMODSEQ 11] Highest\n"
		"S: * VANISHED (EARLIER) 2,4\n"
		"S: a7 OK [READ-WRITE] Selected\n"
		"C: a8 SELECT INBOX (QRESYNC (1001 10 1:7 (2,4 3,9)))\n"
		"S: * OK [CLOSED] The one before\n"
		"S: * 5 EXISTS\n"
		"S: * OK [UIDVALIDITY 1001] UIDs valid\n"
		"S: * OK [UIDNEXT 8] Predicted\n"
		"S: * OK [HIGHESTMODSEQ 11] Highest\n"
		"S: * VANISHED (EARLIER) 4\n"
		"S: * 5 FETCH (UID 7 FLAGS () MODSEQ (11))\n"
		"S: a8 OK [READ-WRITE] Selected\n"
		"C: a9 SELECT INBOX (QRESYNC (1001 11))\n"
		"S: * OK [CLOSED] The one before\n"
		"S: * 5 EXISTS\n"
		"S: * OK [UIDVALIDITY 1001] UIDs valid\n"
		"S: * OK [UIDNEXT 8] Predicted\n"
		"S: * OK [HIGHESTMODSEQ 11] Highest\n"
		"S: a9 OK [READ-WRITE] Selected\n",
		"what was forgotten is told in full, but for what is matched");
	scene_no_complaints(s, "nothing of it is wrong");
}

static void test_qresync_select(void)
{
	struct scene s;

	scene_begin_qresync(&s);
	scene_play(&s,
		"C: a1 SELECT INBOX (QRESYNC (1001 7))\n"
		"S: * 5 EXISTS\n"
		"S: * OK [UIDVALIDITY 1001] UIDs valid\n"
		"S: * OK [UIDNEXT 8] Predicted\n"
		"S: * OK [HIGHESTMODSEQ 11] Highest\n"
		"S: * VANISHED (EARLIER) 2,4\n"
		"S: * 3 FETCH (UID 5 FLAGS (\\Flagged) MODSEQ (10))\n"
		"S: * 5 FETCH (UID 7 FLAGS () MODSEQ (11))\n"
		"S: a1 OK [READ-WRITE] Selected\n",
		"SELECT tells what has changed since (RFC 7162 3.2.5.1)");
	scene_play(&s,
		"C: a2 SELECT INBOX (QRESYNC (1001 8 3:6))\n"
		"S: * OK [CLOSED] The one before\n"
		"S: * 5 EXISTS\n"
		"S: * OK [UIDVALIDITY 1001] UIDs valid\n"
		"S: * OK [UIDNEXT 8] Predicted\n"
		"S: * OK [HIGHESTMODSEQ 11] Highest\n"
		"S: * VANISHED (EARLIER) 4\n"
		"S: * 3 FETCH (UID 5 FLAGS (\\Flagged) MODSEQ (10))\n"
		"S: a2 OK [READ-WRITE] Selected\n"
		"C: a3 SELECT INBOX (QRESYNC (1001 11))\n"
		"S: * OK [CLOSED] The one before\n"
		"S: * 5 EXISTS\n"
		"S: * OK [UIDVALIDITY 1001] UIDs valid\n"
		"S: * OK [UIDNEXT 8] Predicted\n"
		"S: * OK [HIGHESTMODSEQ 11] Highest\n"
		"S: a3 OK [READ-WRITE] Selected\n"
		"C: a4 SELECT INBOX (QRESYNC (1001 99))\n"
		"S: * OK [CLOSED] The one before\n"
		"S: * 5 EXISTS\n"
		"S: * OK [UIDVALIDITY 1001] UIDs valid\n"
		"S: * OK [UIDNEXT 8] Predicted\n"
		"S: * OK [HIGHESTMODSEQ 11] Highest\n"
		"S: a4 OK [READ-WRITE] Selected\n"
		"C: a5 SELECT INBOX (QRESYNC (77 1))\n"
		"S: * OK [CLOSED] The one before\n"
		"S: * 5 EXISTS\n"
		"S: * OK [UIDVALIDITY 1001] UIDs valid\n"
		"S: * OK [UIDNEXT 8] Predicted\n"
		"S: * OK [HIGHESTMODSEQ 11] Highest\n"
		"S: a5 OK [READ-WRITE] Selected\n",
		"no more than that, of the UIDs and the UIDVALIDITY named");
	resync_forgotten(&s);
	scene_end(&s);
}

static void test_vanished(void)
{
	struct scene s;

	scene_begin_qresync(&s);
	scene_play(&s,
		"C: a1 SELECT INBOX\n"
		"S: * 5 EXISTS\n"
		"S: * OK [UIDVALIDITY 1001] UIDs valid\n"
		"S: * OK [UIDNEXT 8] Predicted\n"
		"S: * OK [HIGHESTMODSEQ 11] Highest\n"
		"S: a1 OK [READ-WRITE] Selected\n"
		"C: s100 UID FETCH 1:10 (FLAGS) (CHANGEDSINCE 7 VANISHED)\n"
		"S: * VANISHED (EARLIER) 2,4\n"
		"S: * 3 FETCH (UID 5 FLAGS (\\Flagged) MODSEQ (10))\n"
		"S: * 5 FETCH (UID 7 FLAGS () MODSEQ (11))\n"
		"S: s100 OK Fetched\n"
		"C: a2 UID FETCH 1:* (FLAGS) (CHANGEDSINCE 8 VANISHED)\n"
		"S: * VANISHED (EARLIER) 4\n"
		"S: * 3 FETCH (UID 5 FLAGS (\\Flagged) MODSEQ (10))\n"
		"S: * 5 FETCH (UID 7 FLAGS () MODSEQ (11))\n"
		"S: a2 OK Fetched\n",
		"UID FETCH tells what vanished first (RFC 7162 3.2.6)");
	scene_act(&s, FAKE_EXPUNGES, "INBOX", 4, 0);
	scene_play(&s,
		"C: a3 UID FETCH 1:* (FLAGS) (CHANGEDSINCE 11 VANISHED)\n"
		"S: * VANISHED 7\n"
		"S: a3 OK Fetched\n",
		"what goes meanwhile is told as it is any time");
	scene_act(&s, FAKE_EXPUNGES, "INBOX", 0, 0);
	scene_act(&s, FAKE_TOGGLES, "INBOX", 0, FAKE_SEEN);
	scene_play(&s,
		"C: a4 NOOP\n"
		"S: * VANISHED 1\n"
		"S: * 1 FETCH (UID 3 FLAGS (\\Seen) MODSEQ (14))\n"
		"S: a4 OK Nothing done\n"
		"C: a5 UID STORE 3,5 +FLAGS.SILENT (\\Deleted)\n"
		"S: * 1 FETCH (UID 3 MODSEQ (15))\n"
		"S: * 2 FETCH (UID 5 MODSEQ (16))\n"
		"S: a5 OK Stored\n"
		"C: B202 UID EXPUNGE 1:6\n"
		"S: * VANISHED 3,5\n"
		"S: B202 OK [HIGHESTMODSEQ 18] Expunged\n"
		"C: a6 UID EXPUNGE 1:6\n"
		"S: a6 OK Expunged\n",
		"VANISHED stands for EXPUNGE, HIGHESTMODSEQ after it (3.2.9)");
	scene_no_complaints(&s, "nothing of it is wrong");
	scene_end(&s);
}

static void vanish_less(struct scene *s)
{
	s->server->odd.vanished_gaps = 1;
	s->fate.random = 1;
	scene_play(s,
		"C: a4 SELECT INBOX (QRESYNC (1001 8))\n"
		"S: * OK [CLOSED] The one before\n"
		"S: * 5 EXISTS\n"
		"S: * OK [UIDVALIDITY 1001] UIDs valid\n"
		"S: * OK [UIDNEXT 8] Predicted\n"
		"S: * OK [HIGHESTMODSEQ 11] Highest\n"
		"S: * 3 FETCH (UID 5 FLAGS (\\Flagged) MODSEQ (10))\n"
		"S: * 5 FETCH (UID 7 FLAGS () MODSEQ (11))\n"
		"S: a4 OK [READ-WRITE] Selected\n",
		"it can leave out what is gone");
	s->server->odd.late_expunge = true;
	scene_act(s, FAKE_EXPUNGES, "INBOX", 0, 0);
	scene_act(s, FAKE_TOGGLES, "INBOX", 0, FAKE_SEEN);
	scene_play(s,
		"C: a5 STATUS INBOX (HIGHESTMODSEQ)\n"
		"S: * STATUS \"INBOX\" (HIGHESTMODSEQ 13)\n"
		"S: * OK [HIGHESTMODSEQ 11] So far\n"
		"S: * 2 FETCH (UID 3 FLAGS (\\Seen) MODSEQ (13))\n"
		"S: a5 OK Done\n"
		"C: a6 NOOP\n"
		"S: * VANISHED 1\n"
		"S: a6 OK Nothing done\n",
		"and it can be late, if the client is warned (3.2)");
}

static void test_vanished_oddities(void)
{
	struct scene s;

	scene_begin_qresync(&s);
	s.server->odd.vanished_pieces = true;
	scene_play(&s,
		"C: a1 SELECT INBOX (QRESYNC (1001 7))\n"
		"S: * 5 EXISTS\n"
		"S: * OK [UIDVALIDITY 1001] UIDs valid\n"
		"S: * OK [UIDNEXT 8] Predicted\n"
		"S: * OK [HIGHESTMODSEQ 11] Highest\n"
		"S: * VANISHED (EARLIER) 2\n"
		"S: * VANISHED (EARLIER) 4\n"
		"S: * 3 FETCH (UID 5 FLAGS (\\Flagged) MODSEQ (10))\n"
		"S: * 5 FETCH (UID 7 FLAGS () MODSEQ (11))\n"
		"S: a1 OK [READ-WRITE] Selected\n",
		"VANISHED can come in pieces");
	s.server->odd.vanished_pieces = false;
	s.server->odd.vanished_all = 1;
	scene_play(&s,
		"C: a2 SELECT INBOX (QRESYNC (1001 11 1:99))\n"
		"S: * OK [CLOSED] The one before\n"
		"S: * 5 EXISTS\n"
		"S: * OK [UIDVALIDITY 1001] UIDs valid\n"
		"S: * OK [UIDNEXT 8] Predicted\n"
		"S: * OK [HIGHESTMODSEQ 11] Highest\n"
		"S: * VANISHED (EARLIER) 1:7\n"
		"S: a2 OK [READ-WRITE] Selected\n"
		"C: a3 SELECT INBOX (QRESYNC (1001 11 1:99))\n"
		"S: * OK [CLOSED] The one before\n"
		"S: * 5 EXISTS\n"
		"S: * OK [UIDVALIDITY 1001] UIDs valid\n"
		"S: * OK [UIDNEXT 8] Predicted\n"
		"S: * OK [HIGHESTMODSEQ 11] Highest\n"
		"S: a3 OK [READ-WRITE] Selected\n",
		"it can name what is there");
	vanish_less(&s);
	scene_end(&s);
}

static void test_renumbered(void)
{
	struct scene s;

	scene_begin_qresync(&s);
	fake_server_renumber(s.server, scene_inbox(&s));
	s.server->odd.one_uidvalidity = true;
	scene_play(&s,
		"C: a1 SELECT INBOX (QRESYNC (1 11))\n"
		"S: * 5 EXISTS\n"
		"S: * OK [UIDVALIDITY 1] UIDs valid\n"
		"S: * OK [UIDNEXT 6] Predicted\n"
		"S: * OK [HIGHESTMODSEQ 1] Highest\n"
		"S: a1 OK [READ-WRITE] Selected\n",
		"UIDVALIDITY can stay while all else begins anew (DavMail)");
	scene_end(&s);
}

/* ---- The journal against an oracle --------------------------------------- */

enum {
	STEPS = 120,
	UIDS = 64,
};

/* What a client knows: flags + 1 of each message that is there. */
struct known {
	uint64_t modseq;
	uint64_t uidnext;
	uint64_t at[UIDS];
};

static void look(const struct fake_mailbox *box, struct known *known)
{
	memset(known, 0, sizeof(*known));
	known->modseq = box->highestmodseq;
	known->uidnext = box->uidnext;
	for (size_t i = 0; i < box->count; i++)
		known->at[box->messages[i].uid] = box->messages[i].flags + 1;
}

static void change_something(struct scene *s)
{
	struct fake_mailbox *box = scene_inbox(s);
	size_t message = fate_random(&s->fate, 16);

	if (box->uidnext < UIDS &&
		(box->count == 0 || fate_random(&s->fate, 2) == 0))
		scene_append(box, "Subject: x\r\n\r\n");
	else if (fate_random(&s->fate, 3) == 0)
		scene_act(s, FAKE_EXPUNGES, "INBOX", message, 0);
	else
		scene_act(s, FAKE_TOGGLES, "INBOX", message,
			UINT64_C(1) << fate_random(&s->fate, 5));
	fake_server_run_plans(s->server); /* notes the flags */
}

/* The number behind `word` in a line. */
static uint64_t number_after(struct str line, struct str word)
{
	for (size_t i = 0; i + word.len < line.len; i++) {
		struct str rest = str_sub(line, i, line.len);
		size_t digits = 0;
		uint64_t number = 0;

		if (!str_starts(rest, word))
			continue;
		rest = str_sub(rest, word.len, rest.len);
		while (digits < rest.len && rest.ptr[digits] >= '0' &&
			rest.ptr[digits] <= '9')
			digits++;
		(void)str_u64(str_sub(rest, 0, digits), &number);
		return number;
	}
	return 0;
}

static uint64_t flags_of(struct str line)
{
	static const char *const words[] = {
		"\\Answered", "\\Flagged", "\\Deleted", "\\Seen", "\\Draft"};
	uint64_t flags = 0;

	for (unsigned bit = 0; bit < 5; bit++) {
		for (size_t i = 0; i < line.len; i++) {
			if (str_starts(str_sub(line, i, line.len),
				    str_of(words[bit])))
				flags |= UINT64_C(1) << bit;
		}
	}
	return flags;
}

/* What a client makes of a line that it is told. */
static void learn(struct known *known, struct str line)
{
	static const struct str vanished = {"* VANISHED (EARLIER) ", 21};
	struct imap_set set = {0};
	struct imap_set_iter iter = {0};
	uint32_t uid;

	if (str_ends(line, STR(")")) && number_after(line, STR("(UID ")) != 0)
		known->at[number_after(line, STR("(UID "))] =
			flags_of(line) + 1;
	if (!str_starts(line, vanished))
		return;
	(void)imap_set_parse(&set, str_sub(line, vanished.len, line.len), 0);
	while (imap_set_next(&set, &iter, &uid)) {
		if (uid < UIDS)
			known->at[uid] = 0;
	}
	imap_set_clear(&set);
}

/* Has a client that knows so much ask for the rest. */
static bool catches_up(struct scene *s, struct known known)
{
	struct fake_session *session = fake_session_open(s->server);
	struct buf command = {0};
	struct known now;
	struct str rest;
	struct str line;
	bool equal;

	buf_addf(&command,
		"e ENABLE QRESYNC\r\ns SELECT INBOX (QRESYNC (1001 %ju))\r\n",
		(uintmax_t)known.modseq);
	fake_session_take(session, buf_str(&command));
	while (fake_session_work(session))
		continue;
	rest = buf_str(fake_session_output(session));
	while (rest.len > 0 && str_split(&rest, '\n', &line))
		learn(&known, str_sub(line, 0, line.len - 1));
	look(scene_inbox(s), &now);
	equal = memcmp(known.at, now.at, sizeof(now.at)) == 0;
	fake_session_close(&session);
	buf_clear(&command);
	return equal;
}

static void test_journal(void)
{
	static struct known past[STEPS];
	struct scene s;
	unsigned behind = 0;

	for (unsigned seed = 1; seed <= 5; seed++) {
		scene_begin(&s, "ENABLE CONDSTORE QRESYNC");
		s.fate.random = seed;
		for (unsigned i = 0; i < STEPS; i++) {
			look(scene_inbox(&s), &past[i]);
			change_something(&s);
			if (seed == 5 && i == STEPS / 2)
				fake_mailbox_forget(scene_inbox(&s));
		}
		for (unsigned i = 0; i < STEPS; i++)
			behind += !catches_up(&s, past[i]);
		scene_end(&s);
	}
	is_int(behind, 0,
		"whoever knew any earlier state learns the present one");
}

int main(void)
{
	test_enable();
	test_qresync_select();
	test_vanished();
	test_vanished_oddities();
	test_renumbered();
	test_journal();
	return tap_done();
}
