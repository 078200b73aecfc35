/*
 * The wire log of a hostile server, of whose lines some come between those of
 * a client that logs in: no secret may be printed.
 */
#include "fuzz.h"

#include "godwit/base/err.h"
#include "godwit/imap/trace.h"

static const char *const client[] = {
	"a1 CAPABILITY\r\n",
	"a2 LOGIN \"u\" \"S3cret\"\r\n",
	"a3 LOGIN {1}\r\nu {6}\r\nS3cret\r\n",
	"a4 AUTHENTICATE PLAIN\r\n",
	"UzNjcmV0\r\n",
	"a5 AUTHENTICATE XOAUTH2 UzNjcmV0\r\n",
	"a6 APPEND x {3+}\r\nabc\r\n",
};

static bool holds(struct str s, struct str part)
{
	for (size_t i = 0; i + part.len <= s.len; i++) {
		if (str_starts(str_sub(s, i, s.len), part))
			return true;
	}
	return false;
}

/* Whether the server says the secret itself, which is none of ours. Where it
 * pauses does not matter. */
static bool gives_away(struct str input, struct str secret)
{
	struct buf said = {0};
	struct str piece;
	bool found;

	while (str_split(&input, '|', &piece))
		buf_add(&said, piece);
	found = holds(buf_str(&said), secret);
	buf_clear(&said);
	return found;
}

/* The server's input is cut at each '|', and the client speaks there. */
void fuzz_one(struct str input)
{
	const struct str secret = STR("S3cret");
	struct imap_trace *trace = imap_trace_new(input.len % 2 == 0);
	struct buf out = {0};
	struct str piece;
	size_t said = 0;
	bool spoilt = gives_away(input, secret);

	while (str_split(&input, '|', &piece)) {
		imap_trace_feed(trace, IMAP_SERVER, piece, &out);
		if (said < sizeof(client) / sizeof(client[0]))
			imap_trace_feed(trace, IMAP_CLIENT,
				str_of(client[said++]), &out);
	}
	imap_trace_end(trace, &out);
	check(spoilt || !holds(buf_str(&out), secret));
	imap_trace_free(&trace);
	buf_clear(&out);
}
