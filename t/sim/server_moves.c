/* fake_server: MOVE, COPY, RENAME, and by what a thing is known again. */
#include "fake_scene.h"

#include "tap.h"

static void test_move(void)
{
	struct scene s;

	scene_begin(&s, "UIDPLUS MOVE CONDSTORE ENABLE QRESYNC");
	fake_server_create(s.server, "foo", 0)->uidnext = 12;
	scene_fill(&s, 6);
	scene_play(&s,
		"C: a1 SELECT INBOX\n"
		"S: * 6 EXISTS\n"
		"S: * OK [UIDVALIDITY 1001] UIDs valid\n"
		"S: * OK [UIDNEXT 7] Predicted\n"
		"S: * OK [HIGHESTMODSEQ 7] Highest\n"
		"S: a1 OK [READ-WRITE] Selected\n"
		"C: a2 UID MOVE 2:3 foo\n"
		"S: * OK [COPYUID 1002 2:3 12:13] Moved\n"
		"S: * 2 EXPUNGE\n"
		"S: * 2 EXPUNGE\n"
		"S: a2 OK Done\n"
		"C: a3 UID COPY 1,5 foo\n"
		"S: a3 OK [COPYUID 1002 1,5 14:15] Done\n"
		"C: a4 UID COPY 305:310 foo\n"
		"S: a4 OK Done\n"
		"C: a5 UID MOVE 1 bar\n"
		"S: a5 NO [TRYCREATE] No such mailbox\n",
		"MOVE and COPY tell the new UIDs (RFC 6851, 4315)");
	scene_play(&s,
		"C: a6 UID MOVE 4 INBOX\n"
		"S: * OK [COPYUID 1001 4 7] Moved\n"
		"S: * 2 EXPUNGE\n"
		"S: * 4 EXISTS\n"
		"S: a6 OK Done\n",
		"also to where the message is");
	s.server->odd.half_moves = 1;
	scene_play(&s,
		"C: a7 UID MOVE 1,5:6 foo\n"
		"S: * OK [COPYUID 1002 1 16] Moved\n"
		"S: * 1 EXPUNGE\n"
		"S: a7 NO Done\n",
		"a MOVE can stop half way");
	s.server->odd.no_copyuid = true;
	scene_play(&s,
		"C: a8 UID MOVE 5 foo\n"
		"S: * 1 EXPUNGE\n"
		"S: a8 OK Done\n"
		"C: a9 UID COPY 6 foo\n"
		"S: a9 OK Done\n",
		"COPYUID can be missing");
	scene_no_complaints(&s, "nothing of it is wrong");
	scene_end(&s);
}

static void test_move_qresync(void)
{
	struct scene s;

	scene_begin_qresync(&s);
	fake_server_create(s.server, "foo", 0);
	scene_play(&s,
		"C: a1 SELECT INBOX\n"
		"S: * 5 EXISTS\n"
		"S: * OK [UIDVALIDITY 1001] UIDs valid\n"
		"S: * OK [UIDNEXT 8] Predicted\n"
		"S: * OK [HIGHESTMODSEQ 11] Highest\n"
		"S: a1 OK [READ-WRITE] Selected\n"
		"C: a2 UID MOVE 1:5 foo\n"
		"S: * OK [COPYUID 1002 1,3,5 1:3] Moved\n"
		"S: * VANISHED 1,3,5\n"
		"S: a2 OK [HIGHESTMODSEQ 14] Done\n",
		"with QRESYNC what was moved has vanished (RFC 6851 4.4)");
	ok(fake_mailbox_find(fake_server_find(s.server, "foo"), 3)->flags ==
			FAKE_FLAGGED,
		"flags go with the message");
	scene_end(&s);
}

static void test_no_move(void)
{
	struct scene s;

	scene_begin(&s, "");
	scene_fill(&s, 1);
	fake_server_create(s.server, "foo", 0);
	scene_play(&s,
		"C: a1 SELECT INBOX\n"
		"S: * 1 EXISTS\n"
		"S: * OK [UIDVALIDITY 1001] UIDs valid\n"
		"S: * OK [UIDNEXT 2] Predicted\n"
		"S: a1 OK [READ-WRITE] Selected\n"
		"C: a2 UID COPY 1 foo\n"
		"S: a2 OK Done\n"
		"C: a3 UID MOVE 1 foo\n"
		"S: a3 BAD a command that is not offered\n"
		"C: a4 UID EXPUNGE 1\n"
		"S: a4 BAD a command that is not offered\n",
		"without MOVE and UIDPLUS there is neither");
	scene_end(&s);
}

static void keep_objects(struct scene *s)
{
	const struct fake_action move = {
		.act = FAKE_MOVES, .mailbox = "INBOX", .to = "foo"};
	const struct fake_action copy = {
		.act = FAKE_COPIES, .mailbox = "foo", .to = "INBOX"};

	fake_server_act(s->server, &move);
	fake_server_act(s->server, &copy);
	scene_append(fake_server_find(s->server, "foo"), "");
	scene_append(fake_server_find(s->server, "foo"), "x");
	scene_play(s,
		"C: a3 NOOP\n"
		"S: * 1 EXPUNGE\n"
		"S: * 1 EXISTS\n"
		"S: a3 OK Nothing done\n"
		"C: a4 UID FETCH 2 (EMAILID)\n"
		"S: * 1 FETCH (UID 2 EMAILID (Mcbf29ce484222325))\n"
		"S: a4 OK Fetched\n"
		"C: a5 SELECT foo\n"
		"S: * 3 EXISTS\n"
		"S: * OK [UIDVALIDITY 1002] UIDs valid\n"
		"S: * OK [UIDNEXT 4] Predicted\n"
		"S: * OK [MAILBOXID (F2)] Its id\n"
		"S: a5 OK [READ-WRITE] Selected\n"
		"C: a6 UID FETCH 1:* (EMAILID)\n"
		"S: * 1 FETCH (UID 1 EMAILID (Mcbf29ce484222325))\n"
		"S: * 2 FETCH (UID 2 EMAILID (Mcbf29ce484222325))\n"
		"S: * 3 FETCH (UID 3 EMAILID (Mf6a6b9a4ca23cf28))\n"
		"S: a6 OK Fetched\n",
		"moves, copies and equal bytes keep an EMAILID");
	s->server->odd.own_objects = true;
	scene_append(scene_inbox(s), "");
	scene_append(scene_inbox(s), "");
	ok(scene_inbox(s)->messages[1].object !=
			scene_inbox(s)->messages[2].object,
		"or each message that is appended has its own");
	fake_server_act(s->server, &move);
	is_int((intmax_t)fake_server_find(s->server, "foo")->messages[3].object,
		INT64_C(-3750763034362895579), "which a move keeps");
}

static void test_objects(void)
{
	struct scene s;

	scene_begin(&s, "OBJECTID X-GM-EXT-1 UIDPLUS MOVE");
	scene_play(&s,
		"C: 3 CREATE foo\n"
		"S: 3 OK [MAILBOXID (F2)] Done\n"
		"C: 7 STATUS foo (MAILBOXID)\n"
		"S: * STATUS \"foo\" (MAILBOXID (F2))\n"
		"S: 7 OK Done\n",
		"a mailbox has an id (RFC 8474 4)");
	scene_append(scene_inbox(&s), "");
	scene_play(&s,
		"C: a1 SELECT INBOX\n"
		"S: * 1 EXISTS\n"
		"S: * OK [UIDVALIDITY 1001] UIDs valid\n"
		"S: * OK [UIDNEXT 2] Predicted\n"
		"S: * OK [MAILBOXID (F1)] Its id\n"
		"S: a1 OK [READ-WRITE] Selected\n"
		"C: a2 UID FETCH 1 (EMAILID X-GM-MSGID)\n"
		"S: * 1 FETCH (UID 1 EMAILID (Mcbf29ce484222325) X-GM-MSGID "
		"7347990519673328019)\n"
		"S: a2 OK Fetched\n",
		"a message has ids, too (RFC 8474 5, X-GM-EXT-1)");
	keep_objects(&s);
	scene_end(&s);
}

static void test_rename(void)
{
	struct scene s;
	const struct fake_action rename = {
		.act = FAKE_RENAMES, .mailbox = "c", .to = "a"};

	scene_begin(&s, "OBJECTID LIST-EXTENDED LIST-STATUS");
	fake_server_create(s.server, "a", 0);
	fake_server_create(s.server, "ab", 0);
	fake_server_create(s.server, "a/b", 0);
	scene_play(&s,
		"C: a1 RENAME a c\n"
		"S: a1 OK Done\n"
		"C: a2 LIST \"\" \"*\" RETURN (STATUS (UIDVALIDITY "
		"MAILBOXID))\n"
		"S: * LIST () \"/\" \"INBOX\"\n"
		"S: * STATUS \"INBOX\" (UIDVALIDITY 1001 MAILBOXID (F1))\n"
		"S: * LIST () \"/\" \"c\"\n"
		"S: * STATUS \"c\" (UIDVALIDITY 1002 MAILBOXID (F2))\n"
		"S: * LIST () \"/\" \"ab\"\n"
		"S: * STATUS \"ab\" (UIDVALIDITY 1003 MAILBOXID (F3))\n"
		"S: * LIST () \"/\" \"c/b\"\n"
		"S: * STATUS \"c/b\" (UIDVALIDITY 1004 MAILBOXID (F4))\n"
		"S: a2 OK Done\n",
		"RENAME takes what is below along, and ids stay");
	scene_play(&s,
		"C: a3 RENAME c ab\n"
		"S: a3 NO That cannot be\n"
		"C: a4 RENAME c c/d\n"
		"S: a4 NO That cannot be\n"
		"C: a5 RENAME x y\n"
		"S: a5 NO That cannot be\n",
		"but not to a name that is taken, or below itself");
	s.server->odd.renames_renumber = true;
	fake_server_act(s.server, &rename);
	scene_play(&s,
		"C: a6 STATUS a/b (UIDVALIDITY MAILBOXID)\n"
		"S: * STATUS \"a/b\" (UIDVALIDITY 1006 MAILBOXID (F4))\n"
		"S: a6 OK Done\n",
		"another client's RENAME, too; UIDVALIDITY can change");
	scene_fill(&s, 2);
	scene_play(&s,
		"C: a7 RENAME INBOX old\n"
		"S: a7 OK Done\n"
		"C: a8 STATUS old (MESSAGES)\n"
		"S: * STATUS \"old\" (MESSAGES 2)\n"
		"S: a8 OK Done\n"
		"C: a9 STATUS INBOX (MESSAGES UIDNEXT UIDVALIDITY)\n"
		"S: * STATUS \"INBOX\" (MESSAGES 0 UIDNEXT 3 UIDVALIDITY "
		"1001)\n"
		"S: a9 OK Done\n",
		"INBOX stays when it is renamed (RFC 3501 6.3.5)");
	scene_end(&s);
}

int main(void)
{
	test_move();
	test_move_qresync();
	test_no_move();
	test_objects();
	test_rename();
	return tap_done();
}
