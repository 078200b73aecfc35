/* engine/fs_fault: sentences about file systems, and names they may take. */
#include "godwit/engine/ports/fs_fault.h"

#include "tap.h"

#include <string.h>

static void test_sentences(void)
{
	struct fs_place place = {FS_ACT_READ, "/mail/INBOX", "cur"};
	struct err err = {0};

	is_int(fs_fault_set(&err, &place, FS_FAULT_BROKEN, NULL), FS_FAILED,
		"a fault is always FS_FAILED");
	is_str(str_of(err.text),
		STR("cannot read /mail/INBOX/cur: the disk reports an error; "
		    "see the system log and check the disk"),
		"the sentence holds the act, the path and what to do");
	is_int(err.cause, ERR_DISK, "its cause is the disk");
	is_int(err.scope, ERR_MESSAGE,
		"a file that cannot be read loses one "
		"message");
	fs_fault_set(&err, &place, FS_FAULT_FULL, NULL);
	is_int(err.scope, ERR_ACCOUNT, "a full disk ends the account");
	is_int(err.retry, ERR_LATER, "a full disk may have room later");
	place = (struct fs_place){FS_ACT_FOLDER, "/", "mail"};
	fs_fault_set(&err, &place, FS_FAULT_DENIED, NULL);
	is_int(err.scope, ERR_MAILBOX,
		"a folder that cannot be opened loses "
		"one mailbox");
	ok(str_starts(str_of(err.text), STR("cannot open /mail: ")),
		"the root folder adds no second slash");
	place = (struct fs_place){FS_ACT_LIST, "/mail", NULL};
	fs_fault_set(&err, &place, FS_FAULT_OTHER, "Bad message");
	is_str(str_of(err.text), STR("cannot list /mail: Bad message"),
		"an unknown fault is told in the system's words");
}

static void test_long_path(void)
{
	char folder[4000];
	struct fs_place place = {FS_ACT_WRITE, folder, "the-end"};
	struct err err = {0};

	memset(folder, 'x', sizeof(folder) - 1);
	folder[sizeof(folder) - 1] = '\0';
	fs_fault_set(&err, &place, FS_FAULT_READ_ONLY, NULL);
	ok(str_starts(str_of(err.text), STR("cannot write ...xxx")),
		"a path that is too long to show is cut in front");
	ok(strstr(err.text, "/the-end: ") != NULL, "and shown to its end");
	ok(str_ends(str_of(err.text), STR("see the system log)")),
		"and leaves room for all of the advice");
}

static void test_names(void)
{
	char name[257];

	memset(name, 'n', sizeof(name));
	name[256] = '\0';
	ok(!fs_name_valid(name), "256 bytes are no name");
	name[255] = '\0';
	ok(fs_name_valid(name), "255 bytes are a name");
	ok(!fs_name_valid(""), "nothing is no name");
	ok(!fs_name_valid("."), "\".\" is no name");
	ok(!fs_name_valid(".."), "\"..\" is no name");
	ok(fs_name_valid("..."), "three dots are a name");
	ok(!fs_name_valid("/"), "a slash is no name");
	ok(!fs_name_valid("a/b"), "two components are no name");
	ok(!fs_name_valid("a/"), "a component and a slash are no name");
	ok(fs_name_valid(".Sent"), "a leading dot is fine");
}

int main(void)
{
	test_sentences();
	test_long_path();
	test_names();
	return tap_done();
}
