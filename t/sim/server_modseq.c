/* fake_server: mod-sequences, by RFC 7162 section 3.1, and what is odd. */
#include "fake_scene.h"

#include "tap.h"

static void test_condstore_masked(void)
{
	struct scene s;

	scene_begin(&s, "");
	scene_fill(&s, 1);
	scene_play(&s,
		"C: a1 SELECT INBOX\n"
		"S: * 1 EXISTS\n"
		"S: * OK [UIDVALIDITY 1001] UIDs valid\n"
		"S: * OK [UIDNEXT 2] Predicted\n"
		"S: a1 OK [READ-WRITE] Selected\n"
		"C: a2 SELECT INBOX (CONDSTORE)\n"
		"S: a2 BAD SELECT with parameters\n"
		"C: a3 UID FETCH 1 (MODSEQ)\n"
		"S: a3 BAD FETCH of what is not offered\n"
		"C: a4 UID FETCH 1 (FLAGS) (CHANGEDSINCE 1)\n"
		"S: a4 BAD FETCH of what is not offered\n"
		"C: a5 UID STORE 1 (UNCHANGEDSINCE 9) +FLAGS (\\Seen)\n"
		"S: a5 BAD STORE UNCHANGEDSINCE\n"
		"C: a6 UID SEARCH MODSEQ 1\n"
		"S: a6 BAD SEARCH with what is not offered\n"
		"C: a7 UID SEARCH RETURN (ALL) ALL\n"
		"S: a7 BAD SEARCH with what is not offered\n"
		"C: a8 ENABLE CONDSTORE\n"
		"S: a8 BAD a command that is not offered\n"
		"C: a9 UID FETCH 1 (EMAILID)\n"
		"S: a9 BAD FETCH of what is not offered\n"
		"C: b1 UID FETCH 1 (X-GM-MSGID)\n"
		"S: b1 BAD FETCH of what is not offered\n",
		"without CONDSTORE and the like nothing of them is taken");
	scene_end(&s);

	scene_begin(&s, "CONDSTORE");
	scene_inbox(&s)->nomodseq = true;
	scene_fill(&s, 1);
	scene_play(&s,
		"C: a1 SELECT INBOX (CONDSTORE)\n"
		"S: * 1 EXISTS\n"
		"S: * OK [UIDVALIDITY 1001] UIDs valid\n"
		"S: * OK [UIDNEXT 2] Predicted\n"
		"S: * OK [NOMODSEQ] They are not kept here\n"
		"S: a1 OK [READ-WRITE] Selected\n"
		"C: a3 UID FETCH 1 (MODSEQ)\n"
		"S: a3 BAD FETCH of what is not offered\n"
		"C: a4 UID FETCH 1 (FLAGS) (CHANGEDSINCE 1)\n"
		"S: a4 BAD FETCH of what is not offered\n"
		"C: a5 UID STORE 1 (UNCHANGEDSINCE 9) +FLAGS (\\Seen)\n"
		"S: a5 BAD STORE UNCHANGEDSINCE\n"
		"C: a6 UID SEARCH MODSEQ 1\n"
		"S: a6 BAD SEARCH with what is not offered\n"
		"C: a7 UID STORE 1 +FLAGS.SILENT (\\Seen)\n"
		"S: a7 OK Stored\n",
		"nor in a mailbox of NOMODSEQ (RFC 7162 3.1.2.2)");
	scene_end(&s);
}

static void told_of_changes(struct scene *s)
{
	scene_act(s, FAKE_TOGGLES, "INBOX", 0, FAKE_SEEN);
	fake_mailbox_find(scene_inbox(s), 3)->flags |= FAKE_DRAFT;
	scene_play(s,
		"C: a9 NOOP\n"
		"S: * 1 FETCH (FLAGS (\\Seen) MODSEQ (10))\n"
		"S: * 3 FETCH (FLAGS (\\Draft) MODSEQ (11))\n"
		"S: a9 OK Nothing done\n",
		"what others change is told with its mod-sequence (3.1.4.2)");
	scene_play(s,
		"C: t1 UID SEARCH MODSEQ 10\n"
		"S: * SEARCH 1 3 (MODSEQ 11)\n"
		"S: t1 OK Done\n"
		"C: t2 UID SEARCH MODSEQ 12\n"
		"S: * SEARCH\n"
		"S: t2 OK Done\n",
		"SEARCH finds by mod-sequence (3.1.5)");
	scene_no_complaints(s, "nothing of it is wrong");
}

static void test_condstore(void)
{
	struct scene s;

	scene_begin(&s, "CONDSTORE");
	scene_fill(&s, 3);
	scene_play(&s,
		"C: a1 SELECT INBOX (CONDSTORE)\n"
		"S: * 3 EXISTS\n"
		"S: * OK [UIDVALIDITY 1001] UIDs valid\n"
		"S: * OK [UIDNEXT 4] Predicted\n"
		"S: * OK [HIGHESTMODSEQ 4] Highest\n"
		"S: a1 OK [READ-WRITE] Selected\n"
		"C: a2 UID FETCH 1:3 (MODSEQ)\n"
		"S: * 1 FETCH (UID 1 MODSEQ (2))\n"
		"S: * 2 FETCH (UID 2 MODSEQ (3))\n"
		"S: * 3 FETCH (UID 3 MODSEQ (4))\n"
		"S: a2 OK Fetched\n"
		"C: a3 UID STORE 2 +FLAGS.SILENT (\\Seen)\n"
		"S: * 2 FETCH (UID 2 MODSEQ (5))\n"
		"S: a3 OK Stored\n"
		"C: a4 UID FETCH 1:* (FLAGS) (CHANGEDSINCE 4)\n"
		"S: * 2 FETCH (UID 2 FLAGS (\\Seen) MODSEQ (5))\n"
		"S: a4 OK Fetched\n"
		"C: a5 UID FETCH 1:* (FLAGS) (CHANGEDSINCE 5)\n"
		"S: a5 OK Fetched\n"
		"C: a6 UID STORE 2 +FLAGS.SILENT (\\Seen)\n"
		"S: a6 OK Stored\n",
		"mod-sequences rise with what is changed, and only with that");
	scene_play(&s,
		"C: d105 UID STORE 2,1,3 (UNCHANGEDSINCE 4) +FLAGS.SILENT "
		"(\\Deleted)\n"
		"S: * 1 FETCH (UID 1 MODSEQ (6))\n"
		"S: * 3 FETCH (UID 3 MODSEQ (7))\n"
		"S: d105 OK [MODIFIED 2] Not all\n"
		"C: a7 UID STORE 1:3 (UNCHANGEDSINCE 7) -FLAGS (\\Deleted)\n"
		"S: * 1 FETCH (UID 1 FLAGS () MODSEQ (8))\n"
		"S: * 3 FETCH (UID 3 FLAGS () MODSEQ (9))\n"
		"S: a7 OK Stored\n"
		"C: a8 UID STORE 1 (UNCHANGEDSINCE 0) +FLAGS.SILENT "
		"($MDNSent)\n"
		"S: a8 OK [MODIFIED 1] Not all\n",
		"UNCHANGEDSINCE leaves alone what is newer (RFC 7162 3.1.3)");
	told_of_changes(&s);
	scene_end(&s);
}

static void test_first_use(void)
{
	struct scene s;

	scene_begin(&s, "CONDSTORE");
	scene_fill(&s, 2);
	scene_play(&s,
		"C: a1 SELECT INBOX\n"
		"S: * 2 EXISTS\n"
		"S: * OK [UIDVALIDITY 1001] UIDs valid\n"
		"S: * OK [UIDNEXT 3] Predicted\n"
		"S: * OK [HIGHESTMODSEQ 3] Highest\n"
		"S: a1 OK [READ-WRITE] Selected\n"
		"C: a2 UID STORE 1 +FLAGS.SILENT (\\Seen)\n"
		"S: a2 OK Stored\n"
		"C: a3 UID STORE 1 +FLAGS (\\Draft)\n"
		"S: * 1 FETCH (UID 1 FLAGS (\\Seen \\Draft))\n"
		"S: a3 OK Stored\n"
		"C: c101 UID STORE 2 (UNCHANGEDSINCE 3) +FLAGS.SILENT "
		"(\\Seen)\n"
		"S: * OK [HIGHESTMODSEQ 5] Highest\n"
		"S: * 2 FETCH (UID 2 MODSEQ (6))\n"
		"S: c101 OK Stored\n",
		"a client is told mod-sequences once it shows that it knows");
	scene_end(&s);
}

static void test_lazy(void)
{
	struct scene s;

	scene_begin(&s, "CONDSTORE");
	s.server->odd.lazy_modseq = true;
	scene_fill(&s, 2);
	scene_play(&s,
		"C: a1 SELECT INBOX\n"
		"S: * 2 EXISTS\n"
		"S: * OK [UIDVALIDITY 1001] UIDs valid\n"
		"S: * OK [UIDNEXT 3] Predicted\n"
		"S: a1 OK [READ-WRITE] Selected\n"
		"C: a2 STATUS INBOX (UIDNEXT HIGHESTMODSEQ)\n"
		"S: * OK [HIGHESTMODSEQ 1] Highest\n"
		"S: * STATUS \"INBOX\" (UIDNEXT 3 HIGHESTMODSEQ 1)\n"
		"S: a2 OK Done\n",
		"lazily, mod-sequences begin where CONDSTORE is first used");
	fake_server_create(s.server, "x", 0);
	scene_play(&s,
		"C: a3 STATUS x (UIDNEXT HIGHESTMODSEQ)\n"
		"S: * STATUS \"x\" (UIDNEXT 1)\n"
		"S: a3 OK Done\n"
		"C: a4 UID FETCH 1:2 (MODSEQ)\n"
		"S: * 1 FETCH (UID 1 MODSEQ (1))\n"
		"S: * 2 FETCH (UID 2 MODSEQ (1))\n"
		"S: a4 OK Fetched\n",
		"and are not told before (Dovecot)");
	scene_end(&s);
}

static void told_less(struct scene *s)
{
	fake_mailbox_rebuild(scene_inbox(s));
	scene_inbox(s)->modseq_lie = 0;
	scene_play(s,
		"C: a5 UID FETCH 1 (MODSEQ)\n"
		"S: * 1 FETCH (UID 1 MODSEQ (1))\n"
		"S: a5 OK Fetched\n"
		"C: a6 STATUS INBOX (HIGHESTMODSEQ)\n"
		"S: * STATUS \"INBOX\" (HIGHESTMODSEQ 1)\n"
		"S: a6 OK Done\n",
		"a server can lose its mod-sequences");
	s->server->odd.ignores_since = true;
	scene_play(s,
		"C: a7 UID FETCH 1:* (FLAGS) (CHANGEDSINCE 9)\n"
		"S: * 1 FETCH (UID 1 FLAGS (\\Seen))\n"
		"S: a7 OK Fetched\n",
		"CHANGEDSINCE can be ignored (SmarterMail)");
	s->server->odd.hides_modseq = true;
	scene_play(s,
		"C: a8 UID STORE 1 (UNCHANGEDSINCE 9) -FLAGS.SILENT "
		"(\\Seen)\n"
		"S: a8 OK Stored\n",
		"and a STORE can hide what it made of it (Cyrus)");
}

static void test_ahead(void)
{
	const struct fake_action toggle = {
		.act = FAKE_TOGGLES, .mailbox = "INBOX", .flags = FAKE_SEEN};
	struct scene s;

	scene_begin(&s, "CONDSTORE");
	s.server->odd.modseq_ahead = true;
	scene_fill(&s, 1);
	fake_server_plan(s.server, 3, &toggle);
	scene_play(&s,
		"C: a1 STATUS INBOX (HIGHESTMODSEQ)\n"
		"S: * STATUS \"INBOX\" (HIGHESTMODSEQ 3)\n"
		"S: a1 OK Done\n"
		"C: a2 SELECT INBOX (CONDSTORE)\n"
		"S: * 1 EXISTS\n"
		"S: * OK [UIDVALIDITY 1001] UIDs valid\n"
		"S: * OK [UIDNEXT 2] Predicted\n"
		"S: * OK [HIGHESTMODSEQ 3] Highest\n"
		"S: a2 OK [READ-WRITE] Selected\n"
		"C: a3 UID FETCH 1:* (FLAGS) (CHANGEDSINCE 2)\n"
		"S: * 1 FETCH (UID 1 FLAGS (\\Seen) MODSEQ (3))\n"
		"S: a3 OK Fetched\n",
		"HIGHESTMODSEQ can count what is not seen yet (Gmail)");
	scene_inbox(&s)->modseq_lie = -2;
	scene_play(&s,
		"C: a4 STATUS INBOX (HIGHESTMODSEQ)\n"
		"S: * STATUS \"INBOX\" (HIGHESTMODSEQ 1)\n"
		"S: a4 OK Done\n",
		"and can be less than it is");
	told_less(&s);
	scene_end(&s);
}

static void test_unasked(void)
{
	struct scene s;

	scene_begin(&s, "");
	s.server->odd.modseq_unasked = true;
	s.server->odd.no_uidnext = true;
	s.server->odd.zero_uidvalidity = true;
	scene_play(&s,
		"C: a1 SELECT INBOX\n"
		"S: * 0 EXISTS\n"
		"S: * OK [UIDVALIDITY 0] UIDs valid\n"
		"S: * OK [HIGHESTMODSEQ 1] Highest\n"
		"S: a1 OK [READ-WRITE] Selected\n",
		"a SELECT can tell what no mask has, and not what all have");
	scene_end(&s);
}

int main(void)
{
	test_condstore_masked();
	test_condstore();
	test_first_use();
	test_lazy();
	test_ahead();
	test_unasked();
	return tap_done();
}
