/* imap/response: what servers send, whole and a byte at a time. */
#include "godwit/imap/response.h"

#include "godwit/base/limits.h"
#include "imap_event.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>

/* One response as the transcripts write it; bodies' bytes between < and >. */
static void show(const struct imap_response *response, struct buf *seen)
{
	struct imap_event event = {
		.kind = IMAP_EVENT_UNTAGGED, .response = response};

	switch (response->kind) {
	case IMAP_RESPONSE_BODY_CHUNK:
		buf_add(seen, response->text);
		return;
	case IMAP_RESPONSE_BODY_END:
		buf_addz(seen, ">; ");
		return;
	case IMAP_RESPONSE_CONTINUE:
		buf_addf(seen, "+%.*s; ", STR_FMT(response->text));
		return;
	case IMAP_RESPONSE_OTHER:
		buf_addz(seen, "other; ");
		return;
	case IMAP_RESPONSE_TAGGED:
		buf_addf(seen, "%.*s: ", STR_FMT(response->tag));
		event.kind = IMAP_EVENT_GREETING;
		event_describe(&event, seen);
		buf_addf(seen, " \"%.*s\"; ", STR_FMT(response->line.text));
		return;
	default:
		event_describe(&event, seen);
		buf_addz(seen, response->kind == IMAP_RESPONSE_BODY_BEGIN
				       ? " <"
				       : "; ");
	}
}

/* Parses `bytes`, lent in pieces of `step`; false when it failed. */
static bool parse(struct str bytes, size_t step, struct buf *seen)
{
	struct imap_parser *parser = imap_parser_new();
	struct imap_response response;
	enum imap_parse parse = IMAP_PARSE_MORE;
	struct err err = {0};

	for (size_t at = 0; at < bytes.len && parse != IMAP_PARSE_FAILED;
		at += step) {
		struct str piece = str_sub(bytes, at, step);
		char *copy = malloc(piece.len);

		memcpy(copy, piece.ptr, piece.len);
		piece.ptr = copy;
		imap_parser_lend(parser, piece);
		while ((parse = imap_parser_next(parser, &response, &err)) ==
			IMAP_PARSE_RESPONSE)
			show(&response, seen);
		free(copy);
	}
	if (parse == IMAP_PARSE_FAILED)
		buf_addf(seen, "FAILED %s", err.text);
	imap_parser_free(&parser);
	return parse != IMAP_PARSE_FAILED;
}

static void is_parsed_str(struct str bytes, const char *want, const char *about)
{
	static const size_t steps[] = {1, 2, 3, 7, 16, 1 << 20};

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct buf seen = {0};

		(void)parse(bytes, steps[i], &seen);
		is_str(buf_str(&seen), str_of(want), "%s (%zu at a time)",
			about, steps[i]);
		buf_clear(&seen);
	}
}

static void is_parsed(const char *bytes, const char *want, const char *about)
{
	is_parsed_str(str_of(bytes), want, about);
}

static void fails_str(struct str bytes, const char *about)
{
	for (size_t step = 1; step < 1000; step += 998) {
		struct buf seen = {0};

		if (!ok(!parse(bytes, step, &seen), "%s is an error", about))
			tap_note("got: %.*s", STR_FMT(buf_str(&seen)));
		buf_clear(&seen);
	}
}

static void fails(const char *bytes, const char *about)
{
	fails_str(str_of(bytes), about);
}

static void test_conditions(void)
{
	is_parsed("* OK ready {5}\r\n* no x\r\n* BAD\r\n* BYE \r\n* PREAUTH "
		  "x\r\n",
		"OK; NO; BAD; BYE; PREAUTH; ", "untagged conditions");
	is_parsed("a1 OK done [x] {3}\r\na2 NO [TryCreate]\r\na3 bad\r\n",
		"a1: greeting OK \"done [x] {3}\"; "
		"a2: greeting NO [TryCreate] \"\"; a3: greeting BAD \"\"; ",
		"tagged ones, with text or without");
	is_parsed("+ idling {4}\r\n+\r\n+ \r\n+YQ==\r\n",
		"+idling {4}; +; +; +YQ==; ", "continuations");
	fails("a1 MAYBE\r\n", "a tagged line that is no answer");
	fails("a1\r\n", "a tag alone");
	fails("(x)\r\n", "a line without a tag");
}

static void test_codes(void)
{
	is_parsed("* OK [UIDVALIDITY 18446744073709551615] x\r\n",
		"OK [UIDVALIDITY 18446744073709551615]; ",
		"UIDVALIDITY of 64 bits");
	is_parsed("* OK [UIDNEXT 5 foo] x\r\n", "OK [UIDNEXT 5]; ",
		"words behind an argument");
	is_parsed("* OK [UNSEEN] x\r\n* OK [UIDNEXT x] x\r\n",
		"OK [other UNSEEN]; OK [other UIDNEXT]; ",
		"codes without their numbers");
	is_parsed("* OK [PERMANENTFLAGS (\\Seen a]b \\*)] x\r\n",
		"OK [PERMANENTFLAGS (\\Seen a]b \\*)]; ",
		"flags with brackets in PERMANENTFLAGS");
	is_parsed("a1 OK [APPENDUID 38505 3955:3957,1] x\r\n",
		"a1: greeting OK [APPENDUID 38505 3955:3957,1] \"x\"; ",
		"APPENDUID, its UIDs in order");
	is_parsed("a1 OK [COPYUID 38505 304,319:320 3956:3958] x\r\n",
		"a1: greeting OK [COPYUID 38505 304,319:320 3956:3958] \"x\"; ",
		"COPYUID");
	is_parsed("* OK [COPYUID 1  ] x\r\n", "OK [COPYUID 1 none none]; ",
		"COPYUID of nothing (Outlook.com)");
	is_parsed("* OK [COPYUID 1 1:3 5:6] x\r\n* OK [APPENDUID 1 0] x\r\n",
		"OK [other COPYUID]; OK [other APPENDUID]; ",
		"UIDs that do not fit together count for nothing");
	is_parsed("* [COPYUID 1 2 3] x\r\n", "OK [COPYUID 1 2 3]; ",
		"a code without OK (home.pl)");
	is_parsed("* OK [MAILBOXID (F2212ea87)] x\r\n",
		"OK [MAILBOXID (F2212ea87)]; ", "MAILBOXID");
	is_parsed("* OK [CAPABILITY IMAP4rev1 IDLE]\r\n",
		"OK [CAPABILITY IMAP4rev1 IDLE]; ", "CAPABILITY as a code");
	is_parsed("* NO [BADCHARSET (x \"]\")] y\r\n* OK [X-FOO [] y\r\n",
		"NO [BADCHARSET]; OK [other X-FOO]; ", "codes' own arguments");
	is_parsed("* OK [\r\n* OK []\r\n* OK [FOO\r\n",
		"OK [other ]; OK [other ]; OK [other FOO]; ", "broken codes");
	fails("a1 OK [MODIFIED x] y\r\n", "a MODIFIED that cannot be read");
	is_parsed("a1 OK [MODIFIED 7,1:2] y\r\n",
		"a1: greeting OK [MODIFIED 1:2,7] \"y\"; ", "MODIFIED");
}

static void test_strays(void)
{
	is_parsed("a1 OK FETCH completed [THROTTLED]\r\n",
		"a1: greeting OK [THROTTLED] \"FETCH completed [THROTTLED]\"; ",
		"THROTTLED at the end (Gmail)");
	is_parsed("a1 NO UID COPY [TRYCREATE] failed\r\n",
		"a1: greeting NO [TRYCREATE] "
		"\"UID COPY [TRYCREATE] failed\"; ",
		"TRYCREATE in the middle (mailutils)");
	is_parsed("a1 OK [ALERT] [THROTTLED]\r\n",
		"a1: greeting OK [ALERT] \"[THROTTLED]\"; ",
		"a code in its place comes first");
}

static void test_list(void)
{
	is_parsed("* LIST (\\Noselect \\HasChildren) \"/\" ~/Mail/foo\r\n",
		"list (\\Noselect \\HasChildren) \"/\" \"~/Mail/foo\"; ",
		"LIST");
	is_parsed("* list () nil {3}\r\na\r\n\r\n", "list () NIL \"a\r\n\"; ",
		"a name that is a literal, no delimiter");
	is_parsed("* LSUB (\\drafts \\x) \".\" \"a\\\"b\"\r\n",
		"lsub (\\Drafts) \".\" \"a\\\"b\"; ",
		"LSUB, and attributes in any case (Cyrus)");
	is_parsed("* XLIST (\\Sent) \"/\" \"[Gmail]/Sent\"\r\n",
		"list (\\Sent) \"/\" \"[Gmail]/Sent\"; ", "XLIST");
	is_parsed("* LIST () \"\\\\\" a\\b\r\n* LIST () \"\\\" c\r\n",
		"list () \"\\\\\" \"a\\\\b\"; list () \"\\\\\" \"c\"; ",
		"a backslash as delimiter, doubled or not (Domino)");
	is_parsed("* LIST () \"\" \"a\"\r\n", "list () NIL \"a\"; ",
		"an empty delimiter is none");
	is_parsed("* LIST () \"/\" [Gmail]/All Mail \r\n",
		"list () \"/\" \"[Gmail]/All Mail\"; ",
		"a name with spaces and brackets, unquoted");
	is_parsed("* LIST () \"/\" NIL\r\n", "list () \"/\" \"NIL\"; ",
		"a mailbox named NIL");
	is_parsed("* LIST () \"/\" a (\"CHILDINFO\" (\"SUBSCRIBED\"))\r\n"
		  "* LIST () \"/\" \"b\" (\"OLDNAME\" ({1}\r\nc))\r\n",
		"list () \"/\" \"a\"; list () \"/\" \"b\"; ",
		"what LIST-EXTENDED adds is skipped");
	is_parsed("* LIST NIL \"/\" a\001b\r\n", "list () \"/\" \"a\001b\"; ",
		"no attributes, and control characters (Exchange)");
	fails("* LIST \"/\" a\r\n", "a LIST without attributes");
	fails("* LIST () \"/\"\r\n", "a LIST without a name");
	fails("* LIST (a \"/\" b\r\n", "a LIST with an open list");
	fails("* LIST ()\r\n", "a LIST without a delimiter");
	fails("* LIST () \"/\" \"a\r\n", "a LIST with an open name");
}

static void test_status(void)
{
	is_parsed("* STATUS blurdybloop (MESSAGES 231 UIDNEXT 44292)\r\n",
		"status \"blurdybloop\" MESSAGES 231 UIDNEXT 44292; ",
		"STATUS");
	is_parsed("* STATUS {5}\r\na (b) ( UIDVALIDITY 9999999999 X-FOO (a b) "
		  "HIGHESTMODSEQ NIL SIZE 9.3736e+06 "
		  "MAILBOXID (F1) DELETED 3 RECENT 1 UNSEEN 2 "
		  "APPENDLIMIT NIL )\r\n",
		"status \"a (b)\" UIDVALIDITY 9999999999 UNSEEN 2 RECENT 1 "
		"SIZE 9373600 DELETED 3 MAILBOXID (F1); ",
		"STATUS with all there is");
	is_parsed("* STATUS \"INBOX\" ()\r\n", "status \"INBOX\"; ",
		"an empty STATUS (163.com)");
	fails("* STATUS INBOX (MESSAGES x)\r\n", "a count that is no number");
	fails("* STATUS INBOX (MESSAGES 5\r\n", "a STATUS without an end");
	fails("* STATUS INBOX\r\n", "a STATUS without items");
	fails("* STATUS\r\n", "a STATUS of nothing");
	fails("* STATUS a (X (b)\r\n", "an open item");
	fails("* STATUS a (MAILBOXID b)\r\n", "a MAILBOXID without a list");
}

static void test_server(void)
{
	is_parsed("* CAPABILITY imap4rev1 LITERAL + auth=plain\r\n",
		"capability IMAP4rev1 LITERAL+ AUTH=PLAIN; ", "CAPABILITY");
	is_parsed("* ENABLED\r\n* ENABLED CONDSTORE QRESYNC \r\n",
		"enabled (); enabled (CONDSTORE QRESYNC); ",
		"ENABLED, also of nothing (Courier)");
	is_parsed("* NAMESPACE ((\"\" \"/\")) NIL ((\"#a.\" NIL)"
		  "(\"#b/\" \"/\" \"X\" (\"p\")))\r\n",
		"namespace ((\"\" \"/\")) () "
		"((\"#a.\" NIL)(\"#b/\" \"/\")); ",
		"NAMESPACE");
	is_parsed("* ID NIL\r\n* ID (\"name\" \"x\" \"os\" NIL)\r\n",
		"id; id \"name\" \"x\" \"os\" NIL; ", "ID");
	is_parsed("* FLAGS (\\Seen \"quoted\" a]b)\r\n* FLAGS NIL\r\n",
		"flags (\\Seen quoted a]b); flags (); ",
		"FLAGS, also quoted and NIL");
	is_parsed("* 172 EXISTS\r\n* 1 recent\r\n* 44 EXPUNGE\r\n",
		"exists 172; recent 1; expunge 44; ", "numbers");
	fails("* NAMESPACE (\"\" \"/\") NIL NIL\r\n", "a bare namespace");
	fails("* NAMESPACE ((\"\")) NIL NIL\r\n", "one without delimiter");
	fails("* NAMESPACE ((\"\" \"/\" NIL NIL\r\n", "an open one");
	fails("* NAMESPACE ((\"\" \"/\"))\r\n", "two kinds missing");
	fails("* ENABLED \"x\r\n", "an open quotation in ENABLED");
	fails("* FLAGS (a\r\n", "open FLAGS");
	fails("* 4294967296 EXISTS\r\n", "more messages than there can be");
	fails("* ID (a)\r\n", "an ID that is not quoted");
}

static void test_sets(void)
{
	is_parsed("* VANISHED (EARLIER) 41,43:116\r\n* VANISHED 405\r\n",
		"vanished earlier 41,43:116; vanished 405; ", "VANISHED");
	fails("* VANISHED 1:*\r\n", "VANISHED with a star");
	fails("* VANISHED\r\n", "VANISHED of nothing");
	fails("* VANISHED (EARLIER 5\r\n", "VANISHED with an open list");
	fails("* SEARCH 1 (FOO 2)\r\n", "SEARCH with another list");
	fails("* SEARCH 1 (MODSEQ x)\r\n", "SEARCH with a broken MODSEQ");
	fails("* SEARCH 1 (MODSEQ 2\r\n", "SEARCH with an open list");
	fails("* ESEARCH (FOO a)\r\n", "ESEARCH with another list");
	fails("* ESEARCH (TAG a\r\n", "ESEARCH with an open list");
	fails("* ESEARCH UID COUNT\r\n", "ESEARCH with a count missing");
	fails("* ESEARCH UID X (\r\n", "ESEARCH with an open value");
	is_parsed("* SEARCH\r\n* SEARCH 84 2 882 3\r\n* SEARCH 7456 \r\n",
		"search all none; search all 2:3,84,882; search all 7456; ",
		"SEARCH, also empty and with a space behind (Yahoo)");
	is_parsed("* SEARCH 2 5 (MODSEQ 917162500)\r\n",
		"search all 2,5 modseq 917162500; ", "SEARCH with MODSEQ");
	is_parsed("* SEARCH 0 1.2e1 \"3\"\r\n", "search all 3,12; ",
		"SEARCH with odd numbers");
	fails("* SEARCH 1 x\r\n", "a result that is no number");
	is_parsed("* ESEARCH (TAG \"A285\") UID MIN 7 MAX 3800 COUNT 5 "
		  "ALL 4:18,21\r\n",
		"esearch uid min 7 max 3800 count 5 all 4:18,21; ", "ESEARCH");
	is_parsed("* ESEARCH (TAG a) X-FOO (1 (2)) MODSEQ 12\r\n* ESEARCH\r\n",
		"esearch modseq 12; esearch; ", "ESEARCH of little");
	fails("* ESEARCH ALL 1:*\r\n", "an ESEARCH with a star");
}

static void test_other(void)
{
	is_parsed("* X-FOO (a {3}\r\n)(\" b)\r\n* QUOTA x\r\n* 5 FOO\r\n",
		"other; other; other; ", "what is unknown is skipped");
	is_parsed("\r\n   \r\n", "other; other; ", "blank lines (DavMail)");
	is_parsed("  * 5 EXISTS\r\n", "exists 5; ", "spaces before (DavMail)");
	is_parsed_str(STR("\0\0* 5 EXISTS\r\n"), "exists 5; ",
		"NUL bytes before (imapflow)");
	is_parsed("* LISTS () \"/\" a\r\n", "other; ",
		"a longer word is another");
}

static void test_fetch(void)
{
	is_parsed("* 23 FETCH (FLAGS (\\Seen) UID 4827313 RFC822.SIZE 44827 "
		  "INTERNALDATE \"17-Jul-1996 02:44:25 -0700\" MODSEQ (12) "
		  "EMAILID (M6d) X-GM-MSGID 1278455344230334865)\r\n",
		"fetch 23 uid 4827313 flags (\\Seen) "
		"date \"17-Jul-1996 02:44:25 -0700\" size 44827 modseq 12 "
		"emailid M6d gm-msgid 1278455344230334865; ",
		"FETCH");
	is_parsed("* 1 fetch ( flags NIL  uid 5 )\r\n",
		"fetch 1 uid 5 flags (); ", "spaces, cases, no flags");
	is_parsed("* 0 FETCH (FLAGS (\"\\\\Seen\" a]))\r\n",
		"fetch 0 flags (\\Seen a]); ", "message 0 (Courier)");
	is_parsed("* 1 FETCH (MODSEQ (-1) UID 0 INTERNALDATE "
		  "\"00-Jan-0000 00:00:00 +0000\" EMAILID NIL "
		  "RFC822.SIZE 1.5e3)\r\n",
		"fetch 1 size 1500; ",
		"what says nothing counts as absent (Zoho, Domino)");
	is_parsed("* 25 UIDFETCH (FLAGS ())\r\n", "fetch 0 uid 25 flags (); ",
		"UIDFETCH (RFC 9586)");
	is_parsed("* 1 FETCH ()\r\n", "fetch 1; ", "FETCH of nothing");
	fails("* 1 FETCH (UID 4294967296)\r\n", "a UID over 32 bits");
	fails("* 1 FETCH (UID 1\r\n", "a FETCH without an end");
	fails("* 1 FETCH (FLAGS \\Seen)\r\n", "flags without a list");
	fails("* 1 FETCH (BODY[] )\r\n", "a body that is missing");
	fails("* 1 FETCH (FLAGS () FLAGS ())\r\n", "FLAGS twice");
	is_parsed("* 1 FETCH UID 5\r\n", "other; ", "FETCH without a list");
}

static void test_unknown_items(void)
{
	is_parsed("* 1 FETCH (ENVELOPE (NIL \"a\" ((\"b\" {2}\r\n)) NIL))) "
		  "BODY[HEADER.FIELDS (\"SUBJECT\" X)] {3}\r\n)))"
		  " BODY[1]<0> \"x\" BODYSTRUCTURE (\"TEXT\" (\"a\" "
		  "{0}\r\n {1}\r\n\") 5) X-FOO NIL UID 7)\r\n",
		"fetch 1 uid 7; ", "unknown items are skipped");
	is_parsed("* 1 FETCH (BODY[HEADER]<5> {2}\r\nab UID 7)\r\n",
		"fetch 1 uid 7; ", "a part of a header is not asked for");
	is_parsed("* 1 FETCH (X {6}\r\n{5}\r\n) UID 7)\r\n* 2 EXISTS\r\n",
		"fetch 1 uid 7; exists 2; ",
		"a skipped literal announces nothing");
}

static void test_bodies(void)
{
	is_parsed(
		"* 12 FETCH (UID 5 BODY[] {5}\r\na\r\n)\n FLAGS (\\Seen))\r\n",
		"body of 12 uid 5 octets 5 <a\r\n)\n>; "
		"fetch 12 uid 5 flags (\\Seen) body 5; ",
		"a body is streamed");
	is_parsed(
		"* 1 FETCH (FLAGS (a b) EMAILID (c) BODY[] {1}\r\nx UID 9)\r\n",
		"body of 1 uid 0 octets 1 <x>; "
		"fetch 1 uid 9 flags (a b) emailid c body 1; ",
		"a UID may come after it (Exchange)");
	is_parsed("* 1 FETCH (BODY[]<10> ~{3}\r\na{b)\r\n",
		"body of 1 uid 0 octets 3 from 10 binary <a{b>; "
		"fetch 1 body 3; ",
		"a part of one, as a literal8 (Cyrus)");
	is_parsed("* 1 FETCH (BODY[] {0}\r\n)\r\n",
		"body of 1 uid 0 octets 0 <>; fetch 1 body 0; ",
		"an empty one");
	is_parsed("* 1 FETCH (BODY[] \"a\\\"b\" UID 2)\r\n",
		"body of 1 uid 0 octets 3 <a\"b>; fetch 1 uid 2 body 3; ",
		"a quoted one");
	is_parsed("* 1 FETCH (BODY[] \"\" UID 2)\r\n",
		"body of 1 uid 0 octets 0 <>; fetch 1 uid 2 body 0; ",
		"an empty quoted one");
	is_parsed("* 2 FETCH (UID 2 BODY[] NIL)\r\na1 OK [EXPUNGEISSUED] x\r\n",
		"fetch 2 uid 2 body NIL; "
		"a1: greeting OK [EXPUNGEISSUED] \"x\"; ",
		"one that is gone (Dovecot)");
	is_parsed("* 1 FETCH (RFC822 {2}\r\nab)\r\n",
		"body of 1 uid 0 octets 2 <ab>; fetch 1 body 2; ",
		"RFC822 is a body too");
	fails("* 1 FETCH (BODY[] {1}\r\nx BODY[] {1}\r\ny)\r\n",
		"a second body");
	fails("* 1 FETCH (BODY[] (x))\r\n", "a body that is a list");
}

static void test_headers(void)
{
	is_parsed("* 1 FETCH (BODY[HEADER] {6}\r\na: b\r\n UID 3)\r\n",
		"fetch 1 uid 3 header 6; ", "a header is kept");
	is_parsed("* 1 FETCH (BODY[HEADER] {4}\r\nabcd BODY[] {2}\r\nxy)\r\n",
		"body of 1 uid 0 octets 2 <xy>; fetch 1 header 4 body 2; ",
		"even over a body");
	is_parsed("* 1 FETCH (BODY[HEADER] \"\" UID 3)\r\n",
		"fetch 1 uid 3 header 0; ", "an empty one");
	is_parsed("* 1 FETCH (BODY[HEADER] NIL)\r\n", "fetch 1 header NIL; ",
		"one that is gone");
}

static void test_long_header(void)
{
	struct buf bytes = {0};
	struct buf seen = {0};

	buf_addf(&bytes, "* 1 FETCH (BODY[HEADER] {%d}\r\n",
		LIMIT_LITERAL_MEMORY_BYTES + 1);
	for (int i = 0; i < LIMIT_LITERAL_MEMORY_BYTES + 1; i++)
		buf_addc(&bytes, 'x');
	buf_addz(&bytes, " UID 5)\r\n* 2 EXISTS\r\n");
	(void)parse(buf_str(&bytes), 65536, &seen);
	is_str(buf_str(&seen), STR("fetch 1 uid 5 header not kept; exists 2; "),
		"a header over the limit is not kept, and nothing else lost");
	buf_clear(&bytes);
	buf_clear(&seen);
}

static void test_content(void)
{
	struct imap_parser *parser = imap_parser_new();
	struct imap_response response = {0};

	imap_parser_lend(parser,
		STR("* 1 FETCH (BODY[HEADER] {8}\r\na: b\r\n\r\n BODY[] "
		    "{3}\r\nxyz)\r\n"));
	while (response.kind != IMAP_RESPONSE_FETCH)
		ok(imap_parser_next(parser, &response, NULL) ==
				IMAP_PARSE_RESPONSE,
			"there is a response");
	is_str(response.fetch.header, STR("a: b\r\n\r\n"),
		"a header outlives the body behind it");
	imap_parser_free(&parser);
}

/* Nothing that a server repeats may cost more each time. */
static void test_hostile(void)
{
	struct buf bytes = {0};
	struct buf seen = {0};

	buf_addz(&bytes, "* 1 FETCH (X (");
	for (int i = 0; i < 400000; i++)
		buf_addz(&bytes, "{1}\r\nx ");
	buf_addz(&bytes, ") UID 5)\r\n");
	(void)parse(buf_str(&bytes), 4096, &seen);
	is_str(buf_str(&seen), STR("fetch 1 uid 5; "),
		"many literals in an item are skipped in good time");
	buf_reset(&bytes);
	buf_reset(&seen);
	buf_addz(&bytes, "* FLAGS (");
	for (int i = 0; i <= LIMIT_LIST_WORDS; i++)
		buf_addz(&bytes, "a ");
	buf_addz(&bytes, ")\r\n");
	ok(!parse(buf_str(&bytes), 4096, &seen), "too many flags fail");
	buf_reset(&bytes);
	buf_addz(&bytes, "* NAMESPACE (");
	for (int i = 0; i <= LIMIT_NAMESPACES; i++)
		buf_addz(&bytes, "(\"\" NIL)");
	buf_addz(&bytes, ") NIL NIL\r\n");
	ok(!parse(buf_str(&bytes), 4096, &seen), "too many namespaces fail");
	buf_reset(&bytes);
	buf_addz(&bytes, "* LIST () \"/\" {4194305}\r\n");
	ok(!parse(buf_str(&bytes), 4096, &seen), "a name over the limit fails");
	buf_reset(&bytes);
	buf_addz(&bytes, "* 1 FETCH (X ");
	for (int i = 0; i <= LIMIT_LIST_DEPTH; i++)
		buf_addz(&bytes, "(");
	buf_addz(&bytes, "\r\n");
	ok(!parse(buf_str(&bytes), 4096, &seen), "lists too deep fail");
	buf_clear(&bytes);
	buf_clear(&seen);
}

static void test_message(void)
{
	struct imap_parser *parser = imap_parser_new();
	struct imap_response response;
	struct err err = {0};

	imap_parser_lend(parser, STR("* STATUS a (MESSAGES \033[31m)\r\n"));
	is_int(imap_parser_next(parser, &response, &err), IMAP_PARSE_FAILED,
		"what cannot be read fails");
	is_int(err.cause, ERR_PROTOCOL, "it is the server's fault");
	is_str(str_of(err.text),
		STR("the server's answer cannot be read, a number was "
		    "expected in: * STATUS a (MESSAGES ?[31m)??; --wire-log "
		    "FILE shows the whole exchange"),
		"the sentence says what and where");
	is_int(imap_parser_next(parser, &response, NULL), IMAP_PARSE_FAILED,
		"and it stays so");
	imap_parser_free(&parser);
}

int main(void)
{
	test_conditions();
	test_codes();
	test_strays();
	test_list();
	test_status();
	test_server();
	test_sets();
	test_other();
	test_fetch();
	test_unknown_items();
	test_bodies();
	test_headers();
	test_long_header();
	test_content();
	test_hostile();
	test_message();
	return tap_done();
}
