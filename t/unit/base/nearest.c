/* base/nearest: the word that was meant. */
#include "godwit/base/nearest.h"

#include "tap.h"

#include <string.h>

static struct str nearest_of(const char *word)
{
	static const char *const known[] = {
		"server", "tls", "maildir", "mailboxes", "user", "retain"};
	struct nearest n = {.word = str_of(word)};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		nearest_offer(&n, str_of(known[i]));
	return n.best;
}

int main(void)
{
	char endless[100];

	is_str(nearest_of("server"), STR("server"), "a word is its nearest");
	is_str(nearest_of("sever"), STR("server"), "a letter is missing");
	is_str(nearest_of("serverr"), STR("server"), "a letter is too many");
	is_str(nearest_of("servar"), STR("server"), "a letter is wrong");
	is_str(nearest_of("maildri"), STR("maildir"), "two are swapped");
	is_str(nearest_of("SERVER"), STR("server"), "case does not count");
	is_str(nearest_of("mailbox"), STR("mailboxes"), "two are missing");
	is_str(nearest_of("tsl"), STR("tls"), "three letters take one swap");
	is_str(nearest_of("xyz"), STR(""), "three mistakes are too many");
	is_str(nearest_of("sxyzer"), STR(""), "in six letters too");
	is_str(nearest_of("cat"), STR(""), "no near word, no suggestion");
	is_str(nearest_of(""), STR(""), "nothing is near to nothing");
	memset(endless, 's', sizeof(endless) - 1);
	endless[sizeof(endless) - 1] = '\0';
	is_str(nearest_of(endless), STR(""), "a long word is near to nothing");
	return tap_done();
}
