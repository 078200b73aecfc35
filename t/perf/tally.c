/* t/lib/tally: what a delay proxy counts of a connection. */
#include "tally.h"
#include "tap.h"

#include "godwit/base/err.h"

static uint64_t commands_of(struct str said, size_t step)
{
	struct tally tally = {0};

	for (size_t i = 0; i < said.len; i += step)
		tally_said(&tally, str_sub(said, i, step));
	return tally.commands;
}

static void commands_are(struct str said, uint64_t want, const char *sentence)
{
	is_int((intmax_t)commands_of(said, said.len), (intmax_t)want, "%s",
		sentence);
	is_int((intmax_t)commands_of(said, 1), (intmax_t)want,
		"%s, a byte at a time", sentence);
}

static void test_commands(void)
{
	commands_are(STR("a LOGIN u p\r\nb NOOP\r\n"), 2, "a line, a command");
	commands_are(STR("a APPEND x {6}\r\nb c\r\nd\r\ne NOOP\r\n"), 2,
		"what is in a literal is none");
	commands_are(STR("a APPEND x {6+}\r\nb c\r\nd {3+}\r\nq q\r\n"
			 "f NOOP\r\n"),
		2, "nor is the line that goes on behind one");
	commands_are(STR("a APPEND x {0}\r\n b\r\nc NOOP\r\n"), 2,
		"an empty literal");
	commands_are(STR("a SEARCH {5\r\nb NOOP\r\nc SEARCH 5}\r\nd NOOP\r\n"),
		4, "braces that are none");
	commands_are(
		STR("a SEARCH {5}x\r\nb NOOP\r\n"), 2, "braces within a line");
	commands_are(
		STR("a IDLE\r\nDONE\r\nb AUTHENTICATE PLAIN\r\nAHUAcA==\r\n"
		    "\r\n"),
		2, "answers to the server are none");
	commands_are(STR("a STARTTLS\r\nb NOOP\r\n"), 1,
		"what follows STARTTLS is none");
	commands_are(STR("a COMPRESS DEFLATE\r\nb NOOP\r\n"), 1,
		"what follows COMPRESS is none");
	commands_are(STR("\x16\x03 a b\r\nc d\r\n"), 0, "TLS has none");
}

/* The client speaks, all of it reaches the server. */
static void says(struct tally *tally)
{
	tally_said(tally, STR("a NOOP\r\n"));
	tally_reached(tally, tally->flights);
}

/* The server speaks, and the client hears it. */
static void hears(struct tally *tally)
{
	tally_heard(tally, tally->reached, 10);
}

static void test_turns(void)
{
	struct tally tally = {0};

	is_int((intmax_t)tally.flights, 0, "silence is no flight");
	hears(&tally);
	says(&tally);
	is_int((intmax_t)tally.flights, 1, "after the greeting, the first");
	says(&tally);
	is_int((intmax_t)tally.flights, 1, "which goes on");
	hears(&tally);
	hears(&tally);
	is_int((intmax_t)tally.flights, 1, "while the server answers");
	says(&tally);
	is_int((intmax_t)tally.flights, 2, "a turn later is the second");
	is_int((intmax_t)tally.up, 24, "bytes up");
	is_int((intmax_t)tally.down, 30, "bytes down");
}

static void test_ahead_of_greeting(void)
{
	struct tally tally = {0};

	says(&tally);
	tally_heard(&tally, 0, 10);
	says(&tally);
	is_int((intmax_t)tally.flights, 1,
		"a greeting does not answer who spoke ahead of it");
	hears(&tally);
	says(&tally);
	is_int((intmax_t)tally.flights, 2, "its answer does");
}

static void test_under_way(void)
{
	struct tally tally = {0};

	says(&tally);
	hears(&tally);
	tally_said(&tally, STR("b NOOP\r\n"));
	is_int((intmax_t)tally.flights, 2, "the second is under way");
	hears(&tally);
	tally_said(&tally, STR("c NOOP\r\n"));
	is_int((intmax_t)tally.flights, 2,
		"more of the answer to the first does not end it");
	tally_reached(&tally, 2);
	hears(&tally);
	says(&tally);
	is_int((intmax_t)tally.flights, 3, "its own answer does");
}

int main(void)
{
	test_commands();
	test_turns();
	test_ahead_of_greeting();
	test_under_way();
	return tap_done();
}
