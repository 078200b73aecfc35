/* mail/mailbox_name: the server's names, ours, and the folders'. */
#include "godwit/mail/mailbox_name.h"

#include "godwit/base/err.h"
#include "godwit/base/limits.h"
#include "mailbox_promise.h"
#include "tap.h"

#include <string.h>

static const struct mailbox_space plain = {.delimiter = '/'};
static const struct mailbox_space dotted = {.delimiter = '.'};
static const struct mailbox_space courier = {
	.prefix = {"INBOX.", 6}, .delimiter = '.'};
static const struct mailbox_space flat = {.delimiter = '\0'};

struct example {
	const struct mailbox_space *space;
	struct str server;
	const char *name;
	const char *dotted; /* its folder in the layout maildir++ */
	const char *sentence;
};

#define SERVER(literal)                                                        \
	{                                                                      \
		literal, sizeof(literal) - 1                                   \
	}

static const struct example examples[] = {
	{&plain, SERVER("INBOX"), "INBOX", "", "INBOX is INBOX"},
	{&plain, SERVER("a/b"), "a/b", ".a.b", "parts are parts"},
	{&dotted, SERVER("a.b"), "a/b", ".a.b",
		"another delimiter becomes a slash"},
	{&dotted, SERVER("a/b.c"), "a%2Fb/c", ".a%2Fb.c",
		"a slash that is none is escaped"},
	{&plain, SERVER("a.b/c"), "a.b/c", ".a%2Eb.c",
		"a dot is escaped only in maildir++"},
	{&flat, SERVER("a/b.c"), "a%2Fb.c", ".a%2Fb%2Ec",
		"without hierarchy there is one part"},
	{&courier, SERVER("INBOX.Sent"), "Sent", ".Sent",
		"a namespace's prefix is taken off"},
	{&courier, SERVER("INBOX.INBOX"), "%49NBOX", ".%49NBOX",
		"a second INBOX is not the first"},
	{&courier, SERVER("INBOX.inbox"), "%69nbox", ".%69nbox",
		"in no case of letters"},
	{&courier, SERVER("INBOX.INBOX.a"), "INBOX/a", ".INBOX.a",
		"what is below it keeps its name"},
	{&courier, SERVER("shared.x"), "%%shared/x", ".%%shared.x",
		"a name outside the namespace is marked"},
	{&courier, SERVER("INBOX.%shared"), "%25shared", ".%25shared",
		"so nothing inside looks marked"},
	{&plain, SERVER("../../etc/passwd"), "%2E./%2E./etc/passwd",
		".%2E%2E.%2E%2E.etc.passwd", "no name leads upwards"},
	{&plain, SERVER("a/../b"), "a/%2E./b", ".a.%2E%2E.b",
		"not from its middle either"},
	{&plain, SERVER("."), "%2E", ".%2E", "a dot is escaped"},
	{&plain, SERVER(".hidden/x"), "%2Ehidden/x", ".%2Ehidden.x",
		"no part is dot-led"},
	{&plain, SERVER("/etc"), "%/etc", ".%.etc",
		"no name is an absolute path"},
	{&plain, SERVER("a//b/"), "a/%/b/%", ".a.%.b.%",
		"an empty part is a percent sign"},
	{&plain, SERVER(""), "%", ".%", "so is an empty name"},
	{&plain, SERVER("%"), "%25", ".%25",
		"a percent sign is not an empty part"},
	{&plain, SERVER("cur"), "%63ur", ".%63ur", "cur is reserved"},
	{&plain, SERVER("a/NEW/x"), "a/%4EEW/x", ".a.%4EEW.x",
		"new is, in any case"},
	{&plain, SERVER("a/tmp"), "a/%74mp", ".a.%74mp", "tmp is"},
	{&plain, SERVER("current"), "current", ".current",
		"what only begins so is not"},
	{&plain, SERVER("a/dovecot-keywords"), "a/%64ovecot-keywords",
		".a.%64ovecot-keywords", "the keyword file's name is"},
	{&plain, SERVER("100% sure"), "100% sure", ".100% sure",
		"a percent sign may stay"},
	{&plain, SERVER("a%2e"), "a%252e", ".a%252e",
		"but not where it looks like an escape"},
	{&plain, SERVER("a\r\nb\x7f\t"), "a%0D%0Ab%7F%09", ".a%0D%0Ab%7F%09",
		"control characters are escaped"},
	{&plain, SERVER("a\xc2\x85"), "a%C2%85", ".a%C2%85",
		"those past ASCII too"},
	{&plain, SERVER("a\0b"), "a%00b", ".a%00b", "so is a NUL"},
	{&plain, SERVER("Entw\xc3\xbcrfe"), "Entw\xc3\xbcrfe",
		".Entw\xc3\xbcrfe", "letters past ASCII stay"},
	{&plain,
		SERVER("\xff\xfe"
		       "a"),
		"%FF%FEa", ".%FF%FEa", "what is not UTF-8 is escaped"},
	{&plain, SERVER("\xc0\xae\xc0\xae/x"), "%C0%AE%C0%AE/x",
		".%C0%AE%C0%AE.x", "an overlong dot is not UTF-8"},
	{&plain, SERVER("\xed\xa0\x80"), "%ED%A0%80", ".%ED%A0%80",
		"nor is a surrogate"},
	{&plain, SERVER("a\xc3"), "a%C3", ".a%C3", "nor is half a character"},
	{&plain, SERVER("\x01\xcc\x81x"), "%01%CC%81x", ".%01%CC%81x",
		"an accent behind an escape is escaped"},
	{&dotted, SERVER("a./\xcc\x81\xcc\x82"), "a/%2F%CC%81%CC%82",
		".a.%2F%CC%81%CC%82", "so are all that follow it"},
	{&plain, SERVER("a.\xcc\x81"), "a.\xcc\x81", ".a%2E%CC%81",
		"also where only maildir++ escapes"},
};

static void test_example(const struct example *e)
{
	struct buf name = {0};
	struct buf out = {0};
	struct err err = {0};

	is_int(mailbox_name_from_server(e->space, e->server, &name, &err), 0,
		"%s: '%s'", e->sentence, e->name);
	is_str(buf_str(&name), str_of(e->name), "%s: our name", e->sentence);
	is_int(mailbox_name_to_server(e->space, buf_str(&name), &out, &err), 0,
		"%s: there is a way back", e->sentence);
	is_str(buf_str(&out), e->server, "%s: it is right", e->sentence);
	buf_reset(&out);
	is_int(mailbox_name_path(LAYOUT_MAILDIRPP, buf_str(&name), &out, &err),
		0, "%s: there is a folder", e->sentence);
	is_str(buf_str(&out), str_of(e->dotted), "%s: it is right",
		e->sentence);
	buf_clear(&out);
	buf_clear(&name);
}

/*
 * Every name of up to three of these pieces keeps every promise; in a long run,
 * of up to four.
 */
static void test_all_short(void)
{
	static const struct str pieces[] = {SERVER(""), SERVER("."),
		SERVER("/"), SERVER("%"), SERVER("4"), SERVER("E"),
		SERVER("cur"), SERVER("INBOX"), SERVER("x"), SERVER("\x01"),
		SERVER("\xc3"), SERVER("\xc3\xa9"), SERVER("\xcc\x81"),
		SERVER("\xcc\xa3"), SERVER("e"), SERVER("\xe1\x84\x80"),
		SERVER("\xe1\x85\xa1")};
	static const struct mailbox_space *const spaces[] = {
		&plain, &dotted, &courier, &flat};
	const size_t n = sizeof(pieces) / sizeof(pieces[0]);
	struct buf server = {0};
	const int length = (int)tap_rounds(3, 3, 4);
	size_t names = 4;
	int broken = 0;

	for (int j = 0; j < length; j++)
		names *= n;
	for (size_t i = 0; i < names; i++) {
		const struct mailbox_space *space = spaces[i % 4];
		const char *promise;
		size_t left = i / 4;

		buf_reset(&server);
		buf_add(&server, i / 4 % 2 ? space->prefix : STR(""));
		for (int j = 0; j < length; j++, left /= n)
			buf_add(&server, pieces[left % n]);
		promise = mailbox_promise_broken(space, buf_str(&server));
		if (promise != NULL && broken++ < 3)
			tap_note("'%.*s': %s", STR_FMT(buf_str(&server)),
				promise);
	}
	is_int(broken, 0, "names of nasty pieces are safe and reversible");
	buf_clear(&server);
}

static void test_nfc(void)
{
	struct buf nfd = {0};
	struct buf nfc = {0};

	check(mailbox_name_from_server(&plain,
		      STR("e\xcc\x81/\xff"
			  "e\xcc\x81"),
		      &nfd, NULL) == 0);
	is_str(buf_str(&nfd), STR("\xc3\xa9/%FF\xc3\xa9"),
		"names are brought to NFC");
	check(mailbox_name_from_server(
		      &plain, STR("\xc3\xa9/\xff\xc3\xa9"), &nfc, NULL) == 0);
	is_str(buf_str(&nfc), buf_str(&nfd), "so two can meet");
	buf_clear(&nfd);
	buf_clear(&nfc);
}

static struct str many(char *space, size_t len)
{
	memset(space, 'x', len);
	return (struct str){space, len};
}

static void test_lengths(void)
{
	char space[LIMIT_MAILBOX_NAME_BYTES + 1];
	struct buf out = {0};
	struct buf path = {0};
	struct err err = {0};

	is_int(mailbox_name_from_server(
		       &plain, many(space, LIMIT_NAME_BYTES), &out, &err),
		0, "the longest part fits");
	buf_reset(&out);
	is_int(mailbox_name_from_server(
		       &plain, many(space, LIMIT_NAME_BYTES + 1), &out, &err),
		-1, "a longer one does not");
	is_int((intmax_t)out.len, 0, "nothing is left of it");
	is_int(err.scope, ERR_MAILBOX, "it costs the mailbox");
	memset(space, '/', sizeof(space));
	is_int(mailbox_name_from_server(&plain,
		       (struct str){space, LIMIT_MAILBOX_NAME_BYTES}, &out,
		       &err),
		0, "so does the longest name");
	buf_reset(&out);
	is_int(mailbox_name_from_server(
		       &plain, (struct str){space, sizeof(space)}, &out, &err),
		-1, "nor does a name that is too long as a whole");
	memset(space, '\xff', LIMIT_NAME_BYTES / 2);
	is_int(mailbox_name_from_server(&plain,
		       (struct str){space, LIMIT_NAME_BYTES / 2}, &out, &err),
		-1, "escapes count");
	check(mailbox_name_from_server(&plain,
		      STR("0123456789012345678901234567890123456789/"
			  "0123456789012345678901234567890123456789/"
			  "0123456789012345678901234567890123456789/"
			  "0123456789012345678901234567890123456789/"
			  "0123456789012345678901234567890123456789/"
			  "01234567890123456789012345678901234567890123456789"),
		      &out, &err) == 0);
	is_int(mailbox_name_path(LAYOUT_NESTED, buf_str(&out), &path, &err), 0,
		"in the layout nested each part has the limit for itself");
	buf_reset(&path);
	is_int(mailbox_name_path(LAYOUT_MAILDIRPP, buf_str(&out), &path, &err),
		-1, "in maildir++ they share it");
	is_int((intmax_t)path.len, 0, "nothing is left of that either");
	buf_clear(&path);
	buf_clear(&out);
}

static void test_to_server(void)
{
	struct buf out = {0};
	struct err err = {0};

	is_int(mailbox_name_to_server(&dotted, STR("a.b"), &out, &err), -1,
		"a part cannot hold the server's delimiter");
	ok(strstr(err.text, "\"a.b\"") != NULL, "the error names it");
	is_int(mailbox_name_to_server(&flat, STR("a/b"), &out, &err), -1,
		"there are no parts without hierarchy");
	is_int(mailbox_name_to_server(&plain, STR("%%a"), &out, &err), -1,
		"nothing is outside when there is no prefix");
	is_int(mailbox_name_to_server(&plain, STR("%49NBOX"), &out, &err), -1,
		"nor is there a second INBOX");
	is_int(mailbox_name_to_server(&plain, STR("a/../b"), &out, &err), -1,
		"what is not canonical has no server name");
	is_int((intmax_t)out.len, 0, "nothing is left of all these");
	buf_clear(&out);
}

static void test_from_path(void)
{
	static const char *const nested[] = {"", "/", "/a", "a/", "a//b", ".",
		"..", "a/..", ".git", "cur", "a/TMP", "inbox", "%2e", "%41",
		"a\x01", "e\xcc\x81", "\xff", "dovecot-keywords"};
	static const char *const flat_ones[] = {"a", ".", "..", ".a.", "..a",
		".a..b", ".a/b", ".INBOX", ".inbox", ".cur", ".%2e",
		".e\xcc\x81", "INBOX"};
	struct buf name = {0};
	int taken = 0;

	for (size_t i = 0; i < sizeof(nested) / sizeof(nested[0]); i++)
		taken += mailbox_name_from_path(LAYOUT_NESTED,
				 str_of(nested[i]), &name, NULL) == 0;
	is_int(taken, 0, "folders that no name gives are no mailboxes");
	for (size_t i = 0; i < sizeof(flat_ones) / sizeof(flat_ones[0]); i++)
		taken += mailbox_name_from_path(LAYOUT_MAILDIRPP,
				 str_of(flat_ones[i]), &name, NULL) == 0;
	is_int(taken, 0, "in maildir++ as well");
	is_int((intmax_t)name.len, 0, "nothing is left of them");
	is_int(mailbox_name_from_path(LAYOUT_MAILDIRPP, STR(""), &name, NULL),
		0, "the root of maildir++ is a mailbox");
	is_str(buf_str(&name), STR("INBOX"), "it is INBOX");
	buf_clear(&name);
}

static void test_bad_path(void)
{
	static const char *const names[] = {
		"", "..", "a/../b", "/a", "cur", "a/.b", "a\n", "inbox"};
	struct buf path = {0};
	int taken = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		taken += mailbox_name_path(LAYOUT_NESTED, str_of(names[i]),
				 &path, NULL) == 0;
		taken += mailbox_name_path(LAYOUT_MAILDIRPP, str_of(names[i]),
				 &path, NULL) == 0;
	}
	is_int(taken, 0, "what is not canonical never becomes a path");
	buf_clear(&path);
}

static void test_from_user(void)
{
	char space[LIMIT_NAME_BYTES + 1];
	struct buf name = {0};
	struct err err = {0};

	is_int(mailbox_name_from_user(STR("Inbox"), &name, &err), 0,
		"a user may write INBOX in any case");
	is_str(buf_str(&name), STR("INBOX"), "and means INBOX");
	buf_reset(&name);
	is_int(mailbox_name_from_user(STR("e\xcc\x81/x"), &name, &err), 0,
		"a user may write NFD");
	is_str(buf_str(&name), STR("\xc3\xa9/x"), "and gets NFC");
	buf_reset(&name);
	is_int(mailbox_name_from_user(STR("a/../b"), &name, &err), -1,
		"a user may not climb up");
	memset(space, 'x', sizeof(space));
	is_int(mailbox_name_from_user(
		       (struct str){space, sizeof(space)}, &name, &err),
		-1, "nor give a part that is too long");
	is_int(err.cause, ERR_CONFIG, "that is an error of the config");
	is_int((intmax_t)name.len, 0, "nothing is left of it");
	buf_clear(&name);
}

static void test_key(void)
{
	struct buf a = {0};
	struct buf b = {0};

	mailbox_name_key(STR("Stra\xc3\x9f"
			     "e/X"),
		false, &a);
	is_str(buf_str(&a),
		STR("Stra\xc3\x9f"
		    "e/X"),
		"names meet by their bytes");
	buf_reset(&a);
	mailbox_name_key(STR("STRASSE/\xc3\x89"), true, &a);
	mailbox_name_key(STR("stra\xc3\x9f"
			     "e/\xc3\xa9"),
		true, &b);
	is_str(buf_str(&a), buf_str(&b),
		"or by their letters, whatever the case");
	buf_clear(&a);
	buf_clear(&b);
}

int main(void)
{
	for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++)
		test_example(&examples[i]);
	test_all_short();
	test_nfc();
	test_lengths();
	test_to_server();
	test_from_path();
	test_bad_path();
	test_from_user();
	test_key();
	return tap_done();
}
