/* mail/mailbox_glob: the patterns of ACCOUNT:GLOB. */
#include "godwit/mail/mailbox_glob.h"

#include "tap.h"

struct example {
	const char *pattern;
	const char *name;
	bool matches;
	const char *sentence;
};

static const struct example examples[] = {
	{"Work", "Work", true, "a name matches itself"},
	{"Work", "Works", false, "and nothing longer"},
	{"Work", "Wor", false, "and nothing shorter"},
	{"work", "Work", false, "letters are compared with case"},
	{"inbox", "INBOX", true, "but INBOX is INBOX"},
	{"INBOX", "INBOX/a", false, "INBOX is not what is below it"},
	{"*", "a/b", true, "a star matches everything"},
	{"*", "", true, "also nothing"},
	{"a*", "a/b/c", true, "a star does not stop at a slash"},
	{"*/c", "a/b/c", true, "a star may be first"},
	{"a*c", "a/b/d", false, "what follows a star must match"},
	{"*ab*ab", "abab", true, "stars take as little as they can"},
	{"*ab", "aab", true, "and more where that is needed"},
	{"a**b", "ab", true, "two stars are one"},
	{"*a*", "bbb", false, "a star conjures nothing up"},
	{"?", "\xc3\xa9", true, "a question mark is one character"},
	{"?", "ab", false, "not two"},
	{"?", "", false, "and not none"},
	{"a?b", "a/b", true, "a slash is one"},
	{"*?", "\xc3\xa9", true, "a star leaves it one"},
	{"??", "\xc3\xa9", false, "bytes are not characters"},
	{"[Gmail]/*", "[Gmail]/All Mail", true, "brackets are letters"},
	{"[G]", "G", false, "not a choice"},
	{"%", "a", false, "a percent sign is a letter"},
	{"Cafe\xcc\x81", "Caf\xc3\xa9", true, "a pattern may be in NFD"},
	{"\xff*", "a", false, "a pattern need not be UTF-8"},
	{"", "", true, "nothing matches nothing"},
	{"", "a", false, "and nothing else"},
};

static void test_hostile(void)
{
	struct buf pattern = {0};
	struct buf name = {0};

	for (int i = 0; i < 500; i++) {
		buf_addz(&pattern, "*a");
		buf_addz(&name, "aa");
	}
	buf_addc(&pattern, 'b');
	ok(!mailbox_glob_match(buf_str(&pattern), buf_str(&name)),
		"five hundred stars take no more than a moment");
	buf_clear(&pattern);
	buf_clear(&name);
}

int main(void)
{
	for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
		const struct example *e = &examples[i];

		is_int(mailbox_glob_match(str_of(e->pattern), str_of(e->name)),
			e->matches, "%s ('%s' and '%s')", e->sentence,
			e->pattern, e->name);
	}
	test_hostile();
	return tap_done();
}
