/* mail/mailbox_rename: the `rename` map, both ways. */
#include "godwit/mail/mailbox_rename.h"

#include "tap.h"

#define RENAME(from, to)                                                       \
	{                                                                      \
		{from, sizeof(from) - 1},                                      \
		{                                                              \
			to, sizeof(to) - 1                                     \
		}                                                              \
	}

static const struct mailbox_rename map[] = {
	RENAME("[Gmail]/All Mail", "Archive"),
	RENAME("[Gmail]", "Google"),
	RENAME("Lists/x", "L/x/y"),
	RENAME("Lists", "L"),
	RENAME("A", "B"),
	RENAME("B", "A"),
	RENAME("Gone", "There"),
};

enum {
	COUNT = sizeof(map) / sizeof(map[0]),
};

static void test_both(
	const char *server, const char *local, const char *sentence)
{
	struct buf out = {0};

	mailbox_rename_to_local(map, COUNT, str_of(server), &out);
	is_str(buf_str(&out), str_of(local), "%s", sentence);
	buf_reset(&out);
	ok(mailbox_rename_to_server(map, COUNT, str_of(local), &out),
		"%s, and it has a way back", sentence);
	is_str(buf_str(&out), str_of(server), "%s, which is right", sentence);
	buf_clear(&out);
}

int main(void)
{
	struct buf out = {0};

	test_both("x/y", "x/y", "what no line names keeps its name");
	test_both("[Gmail]/Spam", "Google/Spam", "what is below goes along");
	test_both("[Gmail]/All Mail", "Archive", "the longest name counts");
	test_both("Lists/x/z", "L/x/y/z", "the longest name counts, both");
	test_both("[Gmail]x", "[Gmail]x", "only whole parts count");
	test_both("A/c", "B/c", "two mailboxes can change names");
	test_both("B/c", "A/c", "two mailboxes can change names, both");
	ok(!mailbox_rename_to_server(map, COUNT, STR("Gone"), &out),
		"a name that is renamed away is no mailbox's");
	ok(!mailbox_rename_to_server(map, COUNT, STR("Google/All Mail"), &out),
		"nor is what a longer line takes away");
	is_int((intmax_t)out.len, 0, "nothing is added then");
	buf_clear(&out);
	return tap_done();
}
