/* mail/identity: what makes two copies of a message the same message. */
#include "godwit/mail/identity.h"

#include "godwit/base/err.h"
#include "tap.h"

#include <gnutls/crypto.h>
#include <string.h>

/* What must come out: the size, and the SHA-256 of `hashed`. */
static struct identity wanted(uint64_t bytes, struct str hashed)
{
	struct identity identity = {.bytes = bytes};

	check(gnutls_hash_fast(GNUTLS_DIG_SHA256, hashed.ptr, hashed.len,
		      identity.header_sha256) == 0);
	return identity;
}

static struct identity streamed(struct str message, size_t step)
{
	struct identity_stream stream;
	struct identity identity;

	identity_init(&stream);
	for (size_t at = 0; at < message.len; at += step)
		identity_feed(&stream, str_sub(message, at, step));
	identity_finish(&stream, &identity);
	return identity;
}

struct example {
	const char *sentence;
	struct str message;
	struct str hashed;
	uint64_t bytes;
};

#define EXAMPLE(sentence, message, hashed, bytes)                              \
	{                                                                      \
		sentence, {message, sizeof(message) - 1},                      \
			{hashed, sizeof(hashed) - 1}, bytes                    \
	}

static const struct example examples[] = {
	EXAMPLE("the header counts, the body not", "A: 1\r\nB: 2\r\n\r\nbody",
		"A: 1\r\nB: 2\r\n\r\n", 18),
	EXAMPLE("a missing empty line is thought there", "A: 1\r\n",
		"A: 1\r\n\r\n", 6),
	EXAMPLE("a missing line end is thought there", "A: 1", "A: 1\r\n\r\n",
		4),
	EXAMPLE("an empty message has an empty header", "", "\r\n", 0),
	EXAMPLE("an empty line first is an empty header", "\r\nbody", "\r\n",
		6),
	EXAMPLE("a bare LF ends a line", "A: 1\n\nbody", "A: 1\r\n\r\n", 10),
	EXAMPLE("a bare CR does not", "A: 1\r\rB\r\n\r\n", "A: 1\r\rB\r\n\r\n",
		11),
	EXAMPLE("only one CR belongs to the line end", "A\r\r\n\r\n",
		"A\r\r\n\r\n", 6),
	EXAMPLE("a line of one CR is not empty", "A\r\n\r\r\nB\r\n\r\n",
		"A\r\n\r\r\nB\r\n\r\n", 11),
	EXAMPLE("a CR at the very end is text", "A\r", "A\r\r\n\r\n", 2),
	EXAMPLE("a CR alone is text", "\r", "\r\r\n\r\n", 1),
	EXAMPLE("NULs and 8-bit bytes are bytes", "A: \0\xff\r\n\r\n",
		"A: \0\xff\r\n\r\n", 9),
	EXAMPLE("mbsync's field does not count",
		"A: 1\r\nX-TUID: abcdefghijkl\r\nB: 2\r\n\r\nbody",
		"A: 1\r\nB: 2\r\n\r\n", 18),
	EXAMPLE("OfflineIMAP's field does not count",
		"X-OfflineIMAP: x\r\nA: 1\r\n\r\nbody", "A: 1\r\n\r\n", 12),
	EXAMPLE("nor in another case, nor without a value",
		"x-tuid:\r\nX-OFFLINEIMAP:\r\nA: 1\r\n\r\n", "A: 1\r\n\r\n", 8),
	EXAMPLE("its folded lines go with it",
		"X-TUID: a\r\n b\r\n\tc\r\nA: 1\r\n d\r\n\r\n",
		"A: 1\r\n d\r\n\r\n", 12),
	EXAMPLE("names that only begin like it count",
		"X-TUIDS: a\r\nX-TU\r\nX-OfflineIMAP\r\n\r\n",
		"X-TUIDS: a\r\nX-TU\r\nX-OfflineIMAP\r\n\r\n", 35),
	EXAMPLE("also when the message ends there", "X-OfflineIMA",
		"X-OfflineIMA\r\n\r\n", 12),
	EXAMPLE("an injected field may be the last bytes", "A: 1\r\nX-TUID: a",
		"A: 1\r\n\r\n", 6),
	EXAMPLE("a field like it in the body is body",
		"A: 1\r\n\r\nX-TUID: a\r\n", "A: 1\r\n\r\n", 19),
	EXAMPLE("a folded line first is a line", " x\r\n\r\n", " x\r\n\r\n", 6),
	EXAMPLE("a message without fields has lines", "hello\r\nworld",
		"hello\r\nworld\r\n\r\n", 12),
};

/* The body's bytes are counted, a few at a time. */
static struct identity counted(struct str message, size_t step)
{
	struct identity_stream stream;
	struct identity identity;

	identity_init(&stream);
	for (size_t at = 0; at < message.len; at += step) {
		struct str chunk = str_sub(message, at, step);

		if (identity_only_counts(&stream))
			identity_count(&stream, chunk.len);
		else
			identity_feed(&stream, chunk);
	}
	identity_finish(&stream, &identity);
	return identity;
}

static void test_example(const struct example *example)
{
	struct identity want = wanted(example->bytes, example->hashed);
	struct identity got = streamed(example->message, 4096);
	int wrong = identity_cmp(&got, &want) != 0;

	for (size_t step = 1; step <= example->message.len + 1; step++) {
		got = streamed(example->message, step);
		wrong += identity_cmp(&got, &want) != 0;
	}
	is_int(wrong, 0, "%s, in chunks of any size", example->sentence);
	for (size_t step = 1; step <= example->message.len + 1; step++) {
		got = counted(example->message, step);
		wrong += identity_cmp(&got, &want) != 0;
	}
	is_int(wrong, 0, "%s, also where the body is only counted",
		example->sentence);
	is_int((intmax_t)got.bytes, (intmax_t)example->bytes,
		"%s: the size is right", example->sentence);
	identity_of_header(example->message, example->message.len, &got);
	ok(identity_cmp(&got, &want) == 0, "%s: a server's header agrees",
		example->sentence);
}

static void test_server(void)
{
	struct str message = STR("A: 1\r\nX-TUID: a\r\n\r\nbody");
	struct identity file = streamed(message, 4096);
	struct identity server;

	identity_of_header(
		STR("A: 1\r\nX-TUID: a\r\n\r\n"), message.len, &server);
	ok(identity_cmp(&file, &server) == 0,
		"header and size of a server agree with the file");
	identity_of_header(STR("A: 1\r\n"), 12, &server);
	ok(identity_cmp(&file, &server) == 0,
		"also without the empty line, and without injected fields");
	identity_of_header(STR("X-TUID: a\r\n\r\n"), 5, &server);
	is_int((intmax_t)server.bytes, 0,
		"a size that is too small to be true is 0");
}

/* A header of many lines, one of them long, against the hash of it all. */
static void test_long(void)
{
	struct buf message = {0};
	struct identity want;
	int wrong = 0;

	for (int i = 0; i < 300; i++)
		buf_addf(&message, "Field-%d: %*d\r\n", i, i == 200 ? 5000 : i,
			i);
	buf_addz(&message, "\r\n");
	want = wanted(message.len, buf_str(&message));
	for (size_t step = 1; step < 6000; step = step * 3 / 2 + 1) {
		struct identity got = streamed(buf_str(&message), step);

		wrong += identity_cmp(&got, &want) != 0;
	}
	is_int(wrong, 0, "a long header counts from end to end");
	buf_clear(&message);
}

static void test_order(void)
{
	struct identity small = streamed(STR("B: 1\r\n\r\n"), 99);
	struct identity big = streamed(STR("B: 1\r\n\r\nx"), 99);
	struct identity other = streamed(STR("C: 1\r\n\r\n"), 99);

	ok(identity_cmp(&small, &big) < 0, "the smaller comes first");
	ok(identity_cmp(&big, &small) > 0, "the bigger comes last");
	ok((identity_cmp(&small, &other) < 0) ==
			(identity_cmp(&other, &small) > 0),
		"equal sizes go by the header");
	ok(identity_cmp(&small, &other) != 0, "other headers, other message");
}

static struct identity alike(struct str message, size_t step)
{
	struct identity_stream stream;
	struct identity identity;
	struct identity same;
	struct identity want = streamed(message, 1);

	identity_init_alike(&stream);
	for (size_t at = 0; at < message.len; at += step)
		identity_feed(&stream, str_sub(message, at, step));
	identity_finish_alike(&stream, &identity, &same);
	check(identity_cmp(&identity, &want) == 0);
	return same;
}

static bool are_alike(struct str a, struct str b)
{
	bool is_same = true;

	for (size_t step = 1; step <= a.len; step++) {
		struct identity x = alike(a, step);
		struct identity y = alike(b, 1);
		struct identity again = alike(a, 1);

		check(identity_cmp(&x, &again) == 0);
		is_same = is_same && identity_cmp(&x, &y) == 0;
	}
	return is_same;
}

static void test_alike(void)
{
	static const char nul[] = "A: 1\r\n\r\nx\0y\r\n";
	struct str text = STR("A: 1\r\n\r\none\r\ntwo\r\n");

	ok(are_alike(text, STR("A: 1\r\n\r\none\r\ntwo")),
		"a last line end is no difference");
	ok(are_alike(text, STR("A: 1\r\n\r\none\ntwo\r\r\n")), "nor are CRs");
	ok(are_alike((struct str){nul, sizeof(nul) - 1},
		   STR("A: 1\r\n\r\nx\x80y\r\n")),
		"nor 0x80 for NUL");
	ok(are_alike(text, STR("X-TUID: 7\r\nA: 1\r\n\r\none\r\ntwo\r\n")),
		"nor an injected field");
	ok(!are_alike(text, STR("A: 2\r\n\r\none\r\ntwo\r\n")),
		"another header is one");
	ok(!are_alike(text, STR("A: 1\r\n\r\none\r\ntwo\r\n\r\n")),
		"so is an empty line more");
	ok(!are_alike(text, STR("A: 1\r\n\r\none two\r\n")),
		"so is a line end for a space");
	ok(!are_alike(STR("A: 1\r\n\r\n"), STR("A: 1\r\n\r\n\r\n")),
		"an empty body is not an empty line");
	ok(are_alike(STR("A: 1\r\n\r\n"), STR("A: 1")),
		"without an empty line the body is empty");
}

static void test_only_counts(void)
{
	struct identity_stream stream;

	identity_init(&stream);
	identity_feed(&stream, STR("A: 1\r\n\r"));
	ok(!identity_only_counts(&stream), "a header has to be seen");
	identity_feed(&stream, STR("\n"));
	ok(identity_only_counts(&stream), "a body only counted");
	identity_clear(&stream);
	identity_init_alike(&stream);
	identity_feed(&stream, STR("A: 1\r\n\r\n"));
	ok(!identity_only_counts(&stream),
		"unless it is asked for what is alike");
	identity_clear(&stream);
}

static void test_abandon(void)
{
	struct identity_stream stream;

	identity_init(&stream);
	identity_feed(&stream, STR("A: "));
	identity_clear(&stream);
	identity_clear(&stream);
	ok(stream.hash == NULL, "a stream can be given up, twice");
	identity_init_alike(&stream);
	identity_feed(&stream, STR("A: 1\r\n\r\nbody"));
	identity_clear(&stream);
	identity_clear(&stream);
	ok(stream.hash == NULL && stream.body_hash == NULL,
		"also one that digests the body");
}

int main(void)
{
	for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++)
		test_example(&examples[i]);
	test_server();
	test_long();
	test_order();
	test_alike();
	test_only_counts();
	test_abandon();
	return tap_done();
}
