/* imap/command: each command's text, written and read back. */
#include "godwit/imap/command.h"

#include "tap.h"

#include <string.h>

#define WORDS(...)                                                             \
	((struct imap_strs){.items = (const struct str[]){__VA_ARGS__},        \
		.count = sizeof((const struct str[]){__VA_ARGS__}) /           \
			 sizeof(struct str)})

static struct arena arena;
static struct imap_caps no_caps;

/* The parts of a text, "|" where "+" is waited for, "^" where octets go. */
static void show(const struct imap_encoded *encoded, struct buf *out)
{
	size_t from = 0;

	for (size_t i = 0; i < encoded->count; i++) {
		const struct imap_part *part = &encoded->parts[i];

		buf_add(out, str_sub(buf_str(&encoded->text), from,
				     part->end - from));
		buf_addz(out, part->sync ? "|" : "");
		buf_addz(out, part->given ? "^" : "");
		from = part->end;
	}
}

static void is_encoded(const struct imap_command *command,
	const struct imap_caps *caps, const char *want)
{
	struct imap_encoded encoded = {0};
	struct buf shown = {0};

	imap_command_encode(command, STR("a1"), caps, false, &encoded);
	show(&encoded, &shown);
	is_str(buf_str(&shown), str_of(want), "%s is written",
		imap_command_name(command->kind));
	buf_clear(&shown);
	imap_encoded_clear(&encoded);
}

/* Reads `text` and writes it again. */
static void is_read(const char *text, const char *want)
{
	struct imap_command command;
	struct err err = {0};
	struct str tag;

	if (ok(imap_command_parse(&arena, str_of(text), &tag, &command, &err) ==
			    0,
		    "%.*s is read", (int)strcspn(text, "\r\n"), text))
		is_encoded(&command, &no_caps, want);
	else
		tap_note("%s", err.text);
	is_str(tag, STR("a1"), "its tag is known");
}

static void is_same(const char *text)
{
	is_read(text, text);
}

/* What godwit writes, it reads and writes again. */
static void test_plain(void)
{
	is_same("a1 CAPABILITY\r\n");
	is_same("a1 NOOP\r\n");
	is_same("a1 LOGOUT\r\n");
	is_same("a1 STARTTLS\r\n");
	is_same("a1 NAMESPACE\r\n");
	is_same("a1 UNSELECT\r\n");
	is_same("a1 CLOSE\r\n");
	is_same("a1 CHECK\r\n");
	is_same("a1 EXPUNGE\r\n");
	is_same("a1 IDLE\r\n");
	is_same("a1 COMPRESS DEFLATE\r\n");
	is_same("a1 ENABLE CONDSTORE X-GOOD-IDEA\r\n");
	is_same("a1 ID NIL\r\n");
	is_same("a1 ID (\"name\" \"godwit\" \"version\" NIL)\r\n");
	is_same("a1 DELETE \"a b\"\r\n");
	is_same("a1 SUBSCRIBE \"a\\\"b\\\\\"\r\n");
	is_same("a1 UNSUBSCRIBE \"\"\r\n");
	is_same("a1 RENAME \"a\" \"b\"\r\n");
	is_same("a1 CREATE \"a\"\r\n");
	is_same("a1 CREATE \"a\" (USE (\\Drafts \\Sent))\r\n");
}

static void test_login(void)
{
	is_same("a1 LOGIN \"u\" \"p \\\" \\\\\"\r\n");
	is_same("a1 AUTHENTICATE PLAIN\r\n");
	is_same("a1 AUTHENTICATE PLAIN =\r\n");
	is_same("a1 AUTHENTICATE PLAIN AHUAcA==\r\n");
	is_read("a1 login {1}\r\nu {5}\r\np\r\n p\r\n",
		"a1 LOGIN \"u\" {5}\r\n|p\r\n p\r\n");
}

static void test_list(void)
{
	is_same("a1 LIST \"\" \"*\"\r\n");
	is_same("a1 LSUB \"#news.\" \"comp.%\"\r\n");
	is_same("a1 LIST \"\" (\"INBOX\" \"Drafts\" \"Sent/%\")\r\n");
	is_same("a1 LIST (SUBSCRIBED RECURSIVEMATCH) \"\" \"*\" RETURN "
		"(SPECIAL-USE CHILDREN STATUS (MESSAGES UIDNEXT "
		"UIDVALIDITY HIGHESTMODSEQ MAILBOXID))\r\n");
	is_read("a1 list () \"\" % return (status (size) children)\r\n",
		"a1 LIST \"\" \"%\" RETURN (CHILDREN STATUS (SIZE))\r\n");
	is_same("a1 STATUS \"INBOX\" (MESSAGES UIDNEXT UNSEEN RECENT SIZE "
		"DELETED APPENDLIMIT)\r\n");
}

static void test_select(void)
{
	is_same("a1 SELECT \"INBOX\"\r\n");
	is_same("a1 EXAMINE \"INBOX\" (CONDSTORE)\r\n");
	is_same("a1 SELECT \"INBOX\" (QRESYNC (67890007 "
		"90060115194045000))\r\n");
	is_same("a1 SELECT \"INBOX\" (QRESYNC (67890007 90060115194045000 "
		"41:211,214:541))\r\n");
	is_same("a1 SELECT \"INBOX\" (QRESYNC (67890007 90060115194045000 "
		"41:211,214:541 (1:5,7 10:14,20)))\r\n");
	is_read("a1 select inbox (condstore qresync (1 2 (3 4)))\r\n",
		"a1 SELECT \"inbox\" (QRESYNC (1 2 (3 4)))\r\n");
}

static void test_messages(void)
{
	is_same("a1 UID FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE MODSEQ "
		"EMAILID X-GM-MSGID BODY.PEEK[HEADER] BODY.PEEK[])\r\n");
	is_same("a1 UID FETCH 4 (UID BODY.PEEK[]<4194304.1048576>)\r\n");
	is_same("a1 UID FETCH 1:4294967295 (UID FLAGS) (CHANGEDSINCE 12345 "
		"VANISHED)\r\n");
	is_read("a1 uid fetch 5 flags (changedsince 9)\r\n",
		"a1 UID FETCH 5 (FLAGS) (CHANGEDSINCE 9)\r\n");
	is_same("a1 UID STORE 1:5,7 +FLAGS (\\Seen $Forwarded)\r\n");
	is_same("a1 UID STORE 1 (UNCHANGEDSINCE 0) -FLAGS.SILENT (a)\r\n");
	is_same("a1 UID STORE 1 FLAGS ()\r\n");
	is_same("a1 UID COPY 1:3 \"Archive\"\r\n");
	is_same("a1 UID MOVE 42 \"Trash\"\r\n");
	is_same("a1 UID EXPUNGE 3000:3002\r\n");
	is_same("a1 UID SEARCH ALL\r\n");
	is_same("a1 UID SEARCH UID 12:* DELETED\r\n");
	is_same("a1 UID SEARCH RETURN (MIN MAX ALL COUNT) HEADER "
		"\"Message-ID\" \"<a@b>\" MODSEQ 17\r\n");
	is_read("a1 UID SEARCH RETURN () ALL UID 5\r\n",
		"a1 UID SEARCH RETURN (ALL) UID 5\r\n");
}

static void test_append_read(void)
{
	is_read("a1 APPEND saved (\\Seen) {3}\r\nabc\r\n",
		"a1 APPEND \"saved\" (\\Seen) {3}\r\n|^\r\n");
	is_read("a1 append saved utf8 (~{3+}\r\nabc)\r\n",
		"a1 APPEND \"saved\" UTF8 (~{3}\r\n|^)\r\n");
	is_read("a1 append saved \" 7-Feb-1994 21:52:25 -0800\" {3+}\r\nabc "
		"~{2}\r\nxy ~{0+}\r\n\r\n",
		"a1 APPEND \"saved\" \" 7-Feb-1994 21:52:25 -0800\" "
		"{3}\r\n|^ ~{2}\r\n|^ ~{0}\r\n|^\r\n");
}

static void test_append_written(void)
{
	const struct imap_append_message messages[] = {
		{.flags = WORDS(STR("\\Seen"), STR("a")),
			.has_date = true,
			.date = {.utc_seconds = 0, .zone_minutes = 60},
			.octets = 4096},
		{.octets = 4097, .binary = true},
	};
	struct imap_command append = {.kind = IMAP_APPEND,
		.append = {
			.mailbox = STR("a"), .messages = messages, .count = 2}};
	struct imap_caps caps = {0};

	is_encoded(&append, &caps,
		"a1 APPEND \"a\" (\\Seen a) \" 1-Jan-1970 01:00:00 +0100\" "
		"{4096}\r\n|^ ~{4097}\r\n|^\r\n");
	imap_caps_set(&caps, IMAP_CAP_LITERAL_MINUS);
	is_encoded(&append, &caps,
		"a1 APPEND \"a\" (\\Seen a) \" 1-Jan-1970 01:00:00 +0100\" "
		"{4096+}\r\n^ ~{4097}\r\n|^\r\n");
	imap_caps_set(&caps, IMAP_CAP_LITERAL_PLUS);
	is_encoded(&append, &caps,
		"a1 APPEND \"a\" (\\Seen a) \" 1-Jan-1970 01:00:00 +0100\" "
		"{4096+}\r\n^ ~{4097+}\r\n^\r\n");
}

/* Names that cannot be quoted. */
static void test_strings(void)
{
	struct imap_command command = {
		.kind = IMAP_SUBSCRIBE, .mailbox = STR("Caf\303\251")};
	struct imap_encoded encoded = {0};
	struct imap_caps caps = {0};
	struct buf name = {0};

	is_encoded(&command, &caps, "a1 SUBSCRIBE {5}\r\n|Caf\303\251\r\n");
	imap_caps_set(&caps, IMAP_CAP_LITERAL_MINUS);
	is_encoded(&command, &caps, "a1 SUBSCRIBE {5+}\r\nCaf\303\251\r\n");
	imap_command_encode(&command, STR("a1"), &caps, true, &encoded);
	is_str(buf_str(&encoded.text), STR("a1 SUBSCRIBE \"Caf\303\251\"\r\n"),
		"with UTF8=ACCEPT 8-bit names are quoted");
	imap_encoded_clear(&encoded);
	command.mailbox = STR("a\r\na2 DELETE b");
	is_encoded(
		&command, &caps, "a1 SUBSCRIBE {14+}\r\na\r\na2 DELETE b\r\n");
	while (name.len < 1001)
		buf_addc(&name, 'x');
	command.mailbox = buf_str(&name);
	imap_command_encode(&command, STR("a1"), &no_caps, false, &encoded);
	is_int((intmax_t)encoded.count, 2, "long names are literals");
	imap_encoded_clear(&encoded);
	buf_clear(&name);
}

static void refuses(const char *text, const char *tag_want)
{
	struct imap_command command;
	struct err err = {0};
	struct str tag;

	ok(imap_command_parse(&arena, str_of(text), &tag, &command, &err) != 0,
		"%.*s is refused", (int)strcspn(text, "\r\n"), text);
	is_str(tag, str_of(tag_want), "its tag is known");
	ok(err.text[0] != '\0', "and why (%s)", err.text);
}

static void test_refusals(void)
{
	refuses("\r\n", "");
	refuses("(a) NOOP\r\n", "");
	refuses("a1\r\n", "a1");
	refuses("a1 \r\n", "a1");
	refuses("a1 NOOPS\r\n", "a1");
	refuses("a1 NOOP x\r\n", "a1");
	refuses("a1 FETCH 1 FLAGS\r\n", "a1");
	refuses("a1 LOGIN u\r\n", "a1");
	refuses("a1 LOGIN u p q\r\n", "a1");
	refuses("a1 AUTHENTICATE PLAIN !!\r\n", "a1");
	refuses("a1 ENABLE\r\n", "a1");
	refuses("a1 STATUS a (MESSAGES FOO)\r\n", "a1");
	refuses("a1 STATUS a ()\r\n", "a1");
	refuses("a1 ENABLE a]\r\n", "a1");
	refuses("a1 UID STORE 1 FLAGS (a])\r\n", "a1");
	refuses("a1 UID FETCH 1 (FLAGS) (VANISHED)\r\n", "a1");
	refuses("a1 LIST \"\" * RETURN (FOO)\r\n", "a1");
	refuses("a1 LIST \"\" * FOO\r\n", "a1");
	refuses("a1 CREATE a (USE (\\Seen))\r\n", "a1");
	refuses("a1 CREATE a (USE (\\Noselect))\r\n", "a1");
	refuses("a1 SELECT a (FOO)\r\n", "a1");
	refuses("a1 SELECT a (QRESYNC (1))\r\n", "a1");
	refuses("a1 UID FETCH x (FLAGS)\r\n", "a1");
	refuses("a1 UID FETCH 0 (FLAGS)\r\n", "a1");
	refuses("a1 UID FETCH 1 (FOO)\r\n", "a1");
	refuses("a1 UID FETCH 1 (FLAGS<0.5>)\r\n", "a1");
	refuses("a1 UID FETCH 1 (BODY.PEEK[]<0>)\r\n", "a1");
	refuses("a1 UID FETCH 1 (FLAGS) (CHANGEDSINCE)\r\n", "a1");
	refuses("a1 UID STORE 1 FOO (a)\r\n", "a1");
	refuses("a1 UID STORE 1 (UNCHANGEDSINCE x) FLAGS ()\r\n", "a1");
	refuses("a1 UID SEARCH FROM x\r\n", "a1");
	refuses("a1 UID SEARCH RETURN (FOO) ALL\r\n", "a1");
	refuses("a1 APPEND a \"no date\" {1}\r\nx\r\n", "a1");
	refuses("a1 APPEND a\r\n", "a1");
	refuses("a1 APPEND a (\\Seen) {5}\r\nabc", "a1");
}

static void test_atoms(void)
{
	ok(imap_is_flag(STR("\\Seen")), "a system flag is a flag");
	ok(imap_is_flag(STR("$Forwarded")), "a keyword is a flag");
	ok(!imap_is_flag(STR("\\")), "a backslash is not");
	ok(!imap_is_flag(STR("a b")), "nor is what has a space");
	ok(!imap_is_flag(STR("a]")), "nor what has a bracket");
	ok(!imap_is_flag(STR("a\\b")), "nor a backslash in the middle");
	ok(!imap_is_flag(STR("a\r\nb")), "nor what has a line end");
	ok(!imap_is_flag(STR("caf\303\251")), "nor what has 8-bit bytes");
	ok(!imap_is_atom(STR("")), "nothing is no atom");
	ok(!imap_is_atom(STR("\\Seen")), "an atom has no backslash");
	ok(imap_is_set(STR("1:*,3")), "a set may have a star");
	ok(!imap_is_set(STR("1 NOOP")), "but nothing else");
}

int main(void)
{
	test_plain();
	test_login();
	test_list();
	test_select();
	test_messages();
	test_append_read();
	test_append_written();
	test_strings();
	test_refusals();
	test_atoms();
	arena_clear(&arena);
	return tap_done();
}
