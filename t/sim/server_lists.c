/* fake_server: STATUS, LIST, SEARCH and APPEND, and how many may come. */
#include "fake_scene.h"

#include "tap.h"

/* ---- STATUS and LIST ----------------------------------------------------- */

static void test_status(void)
{
	struct scene s;

	scene_begin(&s, "");
	scene_fill(&s, 3);
	scene_play(&s,
		"C: a1 STATUS INBOX (MESSAGES UIDNEXT UIDVALIDITY UNSEEN)\n"
		"S: * STATUS \"INBOX\" (MESSAGES 3 UIDNEXT 4 UIDVALIDITY "
		"1001 UNSEEN 3)\n"
		"S: a1 OK Done\n"
		"C: a2 STATUS INBOX (MESSAGES)\n"
		"S: * STATUS \"INBOX\" (MESSAGES 3)\n"
		"S: a2 OK Done\n"
		"C: a3 STATUS Nowhere (MESSAGES)\n"
		"S: a3 NO [NONEXISTENT] No such mailbox\n",
		"STATUS tells the items that were asked for");
	scene_no_complaints(&s, "and nothing of it is wrong");
	scene_play(&s,
		"C: a4 STATUS INBOX (MESSAGES HIGHESTMODSEQ)\n"
		"S: a4 BAD STATUS of an item that is not offered\n"
		"C: a5 STATUS INBOX (MAILBOXID)\n"
		"S: a5 BAD STATUS of an item that is not offered\n"
		"C: a6 STATUS INBOX (SIZE)\n"
		"S: a6 BAD STATUS of an item that is not offered\n",
		"an item that is not offered is refused");
	ok(s.server->complaints.len > 0, "and complained about");
	scene_end(&s);

	scene_begin(&s, "CONDSTORE OBJECTID STATUS=SIZE");
	scene_fill(&s, 2);
	scene_play(&s,
		"C: a1 STATUS INBOX (MESSAGES HIGHESTMODSEQ SIZE MAILBOXID)\n"
		"S: * STATUS \"INBOX\" (MESSAGES 2 HIGHESTMODSEQ 3 SIZE 28 "
		"MAILBOXID (F1))\n"
		"S: a1 OK Done\n",
		"an item that is offered is told");
	scene_inbox(&s)->nomodseq = true;
	scene_play(&s,
		"C: a1 STATUS INBOX (HIGHESTMODSEQ)\n"
		"S: * STATUS \"INBOX\" (HIGHESTMODSEQ 0)\n"
		"S: a1 OK Done\n",
		"HIGHESTMODSEQ is 0 where none are kept (RFC 7162 3.1.7)");
	scene_inbox(&s)->uidnext_lie = -1;
	scene_inbox(&s)->messages_lie = 4;
	s.server->odd.one_uidvalidity = true;
	scene_play(&s,
		"C: a1 STATUS INBOX (MESSAGES UIDNEXT UIDVALIDITY)\n"
		"S: * STATUS \"INBOX\" (MESSAGES 6 UIDNEXT 2 UIDVALIDITY 1)\n"
		"S: a1 OK Done\n",
		"a mailbox can lie in its STATUS");
	s.server->odd.empty_status = true;
	scene_play(&s,
		"C: a1 STATUS INBOX (MESSAGES UIDNEXT)\n"
		"S: * STATUS \"INBOX\" ()\n"
		"S: a1 OK Done\n",
		"a server can tell nothing (163.com)");
	scene_end(&s);
}

static void test_list_status(void)
{
	struct scene s;

	scene_begin(&s, "LIST-EXTENDED LIST-STATUS SPECIAL-USE");
	fake_server_create(s.server, "bar", IMAP_ATTR_NOSELECT);
	scene_append(fake_server_create(s.server, "foo", IMAP_ATTR_SENT), "x");
	scene_play(&s,
		"C: A01 LIST \"\" \"%\" RETURN (STATUS (MESSAGES UNSEEN))\n"
		"S: * LIST () \"/\" \"INBOX\"\n"
		"S: * STATUS \"INBOX\" (MESSAGES 0 UNSEEN 0)\n"
		"S: * LIST (\\Noselect) \"/\" \"bar\"\n"
		"S: * LIST () \"/\" \"foo\"\n"
		"S: * STATUS \"foo\" (MESSAGES 1 UNSEEN 1)\n"
		"S: A01 OK Done\n",
		"LIST returns STATUS of what can be opened (RFC 5819)");
	scene_play(&s,
		"C: A02 LIST (SUBSCRIBED) \"\" \"%\" RETURN (STATUS "
		"(MESSAGES))\n"
		"S: * LIST (\\Subscribed) \"/\" \"INBOX\"\n"
		"S: * STATUS \"INBOX\" (MESSAGES 0)\n"
		"S: A02 OK Done\n"
		"C: A03 LIST \"\" \"f*\" RETURN (SUBSCRIBED SPECIAL-USE)\n"
		"S: * LIST (\\Sent) \"/\" \"foo\"\n"
		"S: A03 OK Done\n",
		"and chooses by its options");
	s.server->odd.status_gaps = 1;
	scene_play(&s,
		"C: A04 LIST \"\" \"%\" RETURN (STATUS (MESSAGES))\n"
		"S: * LIST () \"/\" \"INBOX\"\n"
		"S: * LIST (\\Noselect) \"/\" \"bar\"\n"
		"S: * LIST () \"/\" \"foo\"\n"
		"S: * STATUS \"foo\" (MESSAGES 1)\n"
		"S: A04 OK Done\n",
		"a STATUS may be missing there");
	scene_no_complaints(&s, "nothing of it is wrong");
	scene_play(&s,
		"C: A05 LIST \"\" \"%\" RETURN (STATUS (MAILBOXID))\n"
		"S: A05 BAD STATUS of an item that is not offered\n",
		"an item that is not offered is refused there, too");
	scene_end(&s);

	scene_begin(&s, "LIST-EXTENDED");
	scene_play(&s,
		"C: A01 LIST \"\" \"*\" RETURN (STATUS (MESSAGES))\n"
		"S: A01 BAD LIST with an option that is not offered\n",
		"without LIST-STATUS, STATUS is refused");
	scene_end(&s);
}

static void test_pipelined(void)
{
	struct scene s;
	struct buf got = {0};

	scene_begin(&s, "");
	fake_server_create(s.server, "a", 0);
	s.session = fake_session_open(s.server);
	buf_reset(fake_session_output(s.session));
	fake_session_take(s.session,
		STR("s1 STATUS INBOX (MESSAGES)\r\ns2 STATUS a (UIDNEXT)\r\n"
		    "s3 STATUS b (UIDNEXT)\r\n"));
	scene_hear(&s, &got);
	is_str(buf_str(&got),
		STR("S: * STATUS \"INBOX\" (MESSAGES 0)\n"
		    "S: s1 OK Done\n"
		    "S: * STATUS \"a\" (UIDNEXT 1)\n"
		    "S: s2 OK Done\n"
		    "S: s3 NO [NONEXISTENT] No such mailbox\n"),
		"commands that were sent in a row are answered in a row");
	is_int((intmax_t)s.server->counts[IMAP_STATUS], 3,
		"and counted by kind");
	is_int((intmax_t)s.server->bytes_in, 74, "bytes in are counted");
	ok(s.server->bytes_out > 150, "and bytes out");
	buf_clear(&got);
	scene_end(&s);
}

/* ---- SEARCH, APPEND ------------------------------------------------------ */

static void test_search(void)
{
	struct scene s;

	scene_begin(&s, "ESEARCH CONDSTORE");
	scene_fill(&s, 9);
	fake_mailbox_expunge(scene_inbox(&s), 4);
	fake_mailbox_find(scene_inbox(&s), 2)->flags = FAKE_DELETED;
	scene_play(&s,
		"C: a1 EXAMINE INBOX\n"
		"S: * 8 EXISTS\n"
		"S: * OK [PERMANENTFLAGS ()] Limited\n"
		"S: * OK [UIDVALIDITY 1001] UIDs valid\n"
		"S: * OK [UIDNEXT 10] Predicted\n"
		"S: * OK [HIGHESTMODSEQ 12] Highest\n"
		"S: a1 OK [READ-ONLY] Selected\n"
		"C: A283 UID SEARCH RETURN () ALL\n"
		"S: * ESEARCH (TAG \"A283\") UID ALL 1:3,5:9\n"
		"S: A283 OK Done\n"
		"C: A285 UID SEARCH RETURN (MIN MAX) UID 2:5000\n"
		"S: * ESEARCH (TAG \"A285\") UID MIN 2 MAX 9\n"
		"S: A285 OK Done\n"
		"C: A286 UID SEARCH RETURN (COUNT) DELETED\n"
		"S: * ESEARCH (TAG \"A286\") UID COUNT 1\n"
		"S: A286 OK Done\n"
		"C: A287 UID SEARCH RETURN (MIN ALL COUNT) UID 4\n"
		"S: * ESEARCH (TAG \"A287\") UID COUNT 0\n"
		"S: A287 OK Done\n",
		"ESEARCH tells what it is asked to (RFC 4731)");
	scene_play(&s,
		"C: a UID SEARCH RETURN (ALL) MODSEQ 10\n"
		"S: * OK [HIGHESTMODSEQ 12] Highest\n"
		"S: * ESEARCH (TAG \"a\") UID ALL 2,9 MODSEQ 12\n"
		"S: a OK Done\n",
		"and the highest mod-sequence (RFC 7162 3.1.10)");
	scene_play(&s,
		"C: a UID SEARCH RETURN (MIN) MODSEQ 9\n"
		"S: * ESEARCH (TAG \"a\") UID MIN 2 MODSEQ 12\n"
		"S: a OK Done\n"
		"C: a UID SEARCH RETURN (MAX) MODSEQ 9\n"
		"S: * ESEARCH (TAG \"a\") UID MAX 9 MODSEQ 10\n"
		"S: a OK Done\n"
		"C: a UID SEARCH RETURN (MIN MAX) MODSEQ 9\n"
		"S: * ESEARCH (TAG \"a\") UID MIN 2 MAX 9 MODSEQ 12\n"
		"S: a OK Done\n"
		"C: a UID SEARCH RETURN (MAX COUNT) MODSEQ 9\n"
		"S: * ESEARCH (TAG \"a\") UID MAX 9 COUNT 3 MODSEQ 12\n"
		"S: a OK Done\n",
		"or that of the ends, if only these are told (RFC 4731 3.2)");
	s.server->odd.esearch_plain = true;
	s.server->odd.search_mute = true;
	scene_play(&s,
		"C: b UID SEARCH RETURN (ALL) UID 8:20\n"
		"S: * SEARCH 8 9\n"
		"S: b OK Done\n"
		"C: c UID SEARCH UID 4\n"
		"S: c OK Done\n",
		"a server can answer plainly, or not at all");
	scene_end(&s);
}

static void test_append(void)
{
	struct scene s;

	scene_begin(&s, "MULTIAPPEND LITERAL- UIDPLUS");
	scene_play(&s,
		"C: A003 APPEND INBOX (\\Seen) {3}\n"
		"S: + Go on\n"
		"C: x\n"
		"C:  (\\Flagged) \" 7-Feb-1994 22:43:04 -0800\" {3+}\n"
		"C: y\n"
		"C: \n"
		"S: A003 OK [APPENDUID 1001 1:2] Stored\n",
		"one APPEND stores several messages (RFC 3502)");
	is_int((intmax_t)scene_inbox(&s)->messages[0].flags, FAKE_SEEN,
		"each with its flags");
	is_int(scene_inbox(&s)->messages[1].date.utc_seconds, 760689784,
		"and its date");
	scene_play(&s,
		"C: A004 APPEND bogusname (\\Flagged) {2+}\n"
		"C: \n"
		"C: \n"
		"S: A004 NO [TRYCREATE] No such mailbox\n"
		"C: A005 APPEND INBOX {3}\n"
		"S: + Go on\n"
		"C: x\n"
		"C:  {15+}\n"
		"C: X-Refuse: yes\n"
		"C: \n"
		"S: A005 NO [CANNOT] This message is not welcome\n",
		"or none of them");
	is_int((intmax_t)scene_inbox(&s)->count, 2, "indeed none");
	scene_no_complaints(&s, "nothing of it is wrong");
	scene_play(&s,
		"C: A006 APPEND INBOX {4097+}\n"
		"S: A006 BAD a literal that cannot be taken\n",
		"LITERAL- stops at 4096 octets (RFC 7888)");
	scene_end(&s);

	scene_begin(&s, "LITERAL+");
	scene_play(&s,
		"C: A003 APPEND INBOX {3+}\n"
		"C: x\n"
		"C:  {3+}\n"
		"C: y\n"
		"C: \n"
		"S: A003 BAD APPEND of more than one\n",
		"without MULTIAPPEND it is one at a time");
	scene_end(&s);
}

/* ---- Connections --------------------------------------------------------- */

/* What a third client hears who logs in. */
static void third(enum fake_refusal refusal, const char *want)
{
	struct scene s;
	struct fake_session *others[2];
	struct buf got = {0};

	scene_begin(&s, "");
	s.server->login = true;
	s.server->odd.sessions_max = 2;
	s.server->odd.refusal = refusal;
	others[0] = fake_session_open(s.server);
	others[1] = fake_session_open(s.server);
	s.session = fake_session_open(s.server);
	fake_session_take(s.session, STR("a1 LOGIN u secret\r\n"));
	scene_hear(&s, &got);
	is_str(buf_str(&got), str_of(want), "a connection too many is refused");
	fake_session_close(&s.session);
	s.session = fake_session_open(s.server);
	ok(s.server->sessions_open == 3, "those that are open are counted");
	fake_session_close(&others[0]);
	fake_session_close(&others[1]);
	fake_session_close(&s.session);
	s.session = fake_session_open(s.server);
	fake_session_take(s.session, STR("a1 LOGIN u secret\r\n"));
	buf_reset(&got);
	scene_hear(&s, &got);
	ok(str_ends(buf_str(&got), STR("a1 OK Welcome\n")),
		"until others have gone");
	buf_clear(&got);
	scene_end(&s);
}

static void test_too_early(void)
{
	struct scene s;
	struct buf got = {0};

	scene_begin(&s, "");
	s.server->login = true;
	s.server->odd.login_bytes_max = 40;
	s.session = fake_session_open(s.server);
	buf_reset(fake_session_output(s.session));
	fake_session_take(s.session, STR("a1 LOGIN u secret\r\n"));
	scene_hear(&s, &got);
	fake_session_take(s.session, STR("a2 STATUS INBOX (MESSAGES)\r\n"
					 "a3 STATUS INBOX (MESSAGES)\r\n"));
	scene_hear(&s, &got);
	ok(str_ends(buf_str(&got), STR("S: a3 OK Done\n")),
		"after the login a client may say as much as it likes");
	fake_session_close(&s.session);
	s.session = fake_session_open(s.server);
	buf_reset(fake_session_output(s.session));
	fake_session_take(s.session,
		STR("a1 LOGIN u secret\r\na2 STATUS INBOX (MESSAGES)\r\n"));
	buf_reset(&got);
	scene_hear(&s, &got);
	is_str(buf_str(&got), STR("S: * BYE Too much before the login\n"),
		"ahead of it only so much (Dovecot)");
	buf_clear(&got);
	scene_end(&s);
}

static void test_window(void)
{
	struct scene s;

	scene_begin(&s, "ENABLE UIDONLY");
	s.server->odd.window = 2;
	scene_fill(&s, 4);
	scene_play(&s,
		"C: a1 STATUS INBOX (MESSAGES UIDNEXT)\n"
		"S: * STATUS \"INBOX\" (MESSAGES 2 UIDNEXT 5)\n"
		"S: a1 OK Done\n"
		"C: a2 SELECT INBOX\n"
		"S: * 2 EXISTS\n"
		"S: * OK [UIDVALIDITY 1001] UIDs valid\n"
		"S: * OK [UIDNEXT 5] Predicted\n"
		"S: a2 OK [READ-WRITE] Selected\n"
		"C: a3 UID FETCH 1:* (FLAGS)\n"
		"S: * 1 FETCH (UID 3 FLAGS ())\n"
		"S: * 2 FETCH (UID 4 FLAGS ())\n"
		"S: a3 OK Fetched\n"
		"C: a4 UID SEARCH ALL\n"
		"S: * SEARCH 3 4\n"
		"S: a4 OK Done\n",
		"only the newest can be seen (Yahoo)");
	scene_append(scene_inbox(&s), "x");
	scene_play(&s,
		"C: a5 NOOP\n"
		"S: * 3 EXISTS\n"
		"S: a5 OK Nothing done\n"
		"C: a6 SELECT INBOX\n"
		"S: * 2 EXISTS\n"
		"S: * OK [UIDVALIDITY 1001] UIDs valid\n"
		"S: * OK [UIDNEXT 6] Predicted\n"
		"S: a6 OK [READ-WRITE] Selected\n",
		"the window moves on");
	fake_session_close(&s.session);
	scene_play(&s,
		"C: b1 ENABLE UIDONLY\n"
		"S: * ENABLED UIDONLY\n"
		"S: b1 OK Enabled\n"
		"C: b2 SELECT INBOX\n"
		"S: * 5 EXISTS\n"
		"S: * OK [UIDVALIDITY 1001] UIDs valid\n"
		"S: * OK [UIDNEXT 6] Predicted\n"
		"S: b2 OK [READ-WRITE] Selected\n"
		"C: b3 UID FETCH 1:2 (FLAGS)\n"
		"S: * 1 UIDFETCH (UID 1 FLAGS ())\n"
		"S: * 2 UIDFETCH (UID 2 FLAGS ())\n"
		"S: b3 OK Fetched\n",
		"with UIDONLY all are there");
	scene_act(&s, FAKE_EXPUNGES, "INBOX", 1, 0);
	scene_act(&s, FAKE_TOGGLES, "INBOX", 1, FAKE_SEEN);
	scene_play(&s,
		"C: b4 NOOP\n"
		"S: * VANISHED 2\n"
		"S: * 3 UIDFETCH (FLAGS (\\Seen))\n"
		"S: b4 OK Nothing done\n",
		"and known by their UIDs alone");
	scene_end(&s);
}

static void test_kinds(void)
{
	for (size_t i = 0; fake_server_kind(i) != NULL; i++) {
		struct scene s;

		scene_begin(&s, "");
		fake_server_pose(s.server, fake_server_kind(i));
		ok(imap_caps_has(&s.server->caps, IMAP_CAP_UIDPLUS),
			"there is a server like %s", fake_server_kind(i));
		scene_end(&s);
	}
}

int main(void)
{
	test_status();
	test_list_status();
	test_pipelined();
	test_search();
	test_append();
	third(FAKE_REFUSAL_GREETING, "S: * BYE Too many connections\n");
	third(FAKE_REFUSAL_LIMIT, "S: * OK [CAPABILITY IMAP4rev1] ready\n"
				  "S: a1 NO [LIMIT] Too many connections\n");
	third(FAKE_REFUSAL_BYE, "S: * OK [CAPABILITY IMAP4rev1] ready\n"
				"S: * BYE Too many connections\n");
	test_too_early();
	test_window();
	test_kinds();
	return tap_done();
}
