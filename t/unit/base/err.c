/* base/err: sentences, and what others say within them. */
#include "godwit/base/err.h"

#include "tap.h"

static struct str said(const char *text)
{
	return err_said(str_of(text));
}

static void test_said(void)
{
	struct err err;

	is_str(said("Over quota"), STR("Over quota"),
		"what ends without a stop stays as it is");
	is_str(said("Fetch failed (0.001 + 0.000 secs)."),
		STR("Fetch failed (0.001 + 0.000 secs)"),
		"a full stop at the end is left out");
	is_str(said("Try again...; \r\n"), STR("Try again"),
		"so are several marks, and the blanks behind them");
	is_str(said(" \tMailbox is locked"), STR("Mailbox is locked"),
		"blanks in front are left out");
	is_str(said("Wrong password?"), STR("Wrong password?"),
		"a question stays one");
	is_str(said("a. b; c"), STR("a. b; c"), "what is within stays");
	is_str(said("x"), STR("x"), "one letter is a sentence");
	is_str(said(""), STR("no reason given"), "nothing is no reason");
	is_str(said(" . "), STR("no reason given"), "nor is a lone stop");
	is_str(err_said((struct str){0}), STR("no reason given"),
		"nor is a text that was never there");
	err_set(&err, ERR_MESSAGE, ERR_LATER, ERR_SYNC,
		"it is refused: %.*s; it is tried again later",
		STR_FMT(said("No (0.001 secs).")));
	is_str(str_of(err.text),
		STR("it is refused: No (0.001 secs); it is tried again later"),
		"so it may stand in front of a semicolon");
}

static void test_statuses(void)
{
	static const int statuses[] = {1, 64, 69, 70, 74, 75, 76, 77, 78};

	for (int cause = ERR_SYNC; cause <= ERR_CONFIG; cause++)
		is_int(err_status((enum err_cause)cause), statuses[cause],
			"cause %d has its own exit status", cause);
}

int main(void)
{
	struct err err;

	test_said();
	test_statuses();
	err_set(&err, ERR_MESSAGE, ERR_LATER, ERR_SYNC, "a\nb\033c");
	is_str(str_of(err.text), STR("a?b?c"),
		"control characters become question marks");
	err_context(&err, "%s", "mailbox\r");
	is_str(str_of(err.text), STR("mailbox?: a?b?c"),
		"a context stands in front, clean as well");
	return tap_done();
}
