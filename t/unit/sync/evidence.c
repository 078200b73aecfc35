/*
 * evidence: what it takes to tell that a new message is a known one, for all
 * that two messages of one size can have in common.
 */
#include "godwit/sync/evidence.h"

#include "tap.h"

#include <string.h>

enum {
	KEY = 7,
	OTHER_KEY = 8,
	DAY = 1600000000,
};

static struct identity identity_of(unsigned char number)
{
	struct identity identity = {.bytes = 1000};

	identity.header_sha256[0] = number;
	return identity;
}

static struct evidence_message message_of(uint64_t key, int64_t date_s)
{
	return (struct evidence_message){.bytes = 1000,
		.date_s = date_s,
		.email_key = key,
		.mailbox = 1};
}

static struct evidence_known known_of(
	unsigned char number, uint64_t key, int64_t date_s, bool gone)
{
	return (struct evidence_known){.identity = identity_of(number),
		.email_key = key,
		.date_s = date_s,
		.gone = gone};
}

/* Of the one at an index of so many. */
static enum evidence needed_at(struct evidence_message *messages, size_t count,
	size_t at, const struct evidence_knowns *known, size_t *of_r)
{
	const struct evidence_messages all = {messages, count};

	return evidence_needed(&all, at, known, of_r);
}

static enum evidence needed_of(struct evidence_message message,
	const struct evidence_known *known, size_t count, size_t *of_r)
{
	const struct evidence_knowns all = {known, count};

	return needed_at(&message, 1, 0, &all, of_r);
}

/* ---- By key -------------------------------------------------------------- */

static void test_key(void)
{
	const struct evidence_message message = message_of(KEY, DAY);
	struct evidence_known known[] = {
		known_of(1, OTHER_KEY, DAY, true),
		known_of(2, KEY, DAY, false),
		known_of(2, KEY, DAY + 1, true),
	};
	size_t of;

	is_int(needed_of(message, known, 3, &of), EVIDENCE_KEY,
		"a message whose key is known is known");
	is_int((intmax_t)of, 1, "by the one that has its key and its date");
	known[1].date_s = DAY + 1;
	is_int(needed_of(message, known, 3, &of), EVIDENCE_HEADER,
		"not if the date is another");
	known[1].date_s = DAY;
	known[2].identity = identity_of(3);
	is_int(needed_of(message, known, 3, &of), EVIDENCE_HEADER,
		"nor if a key is that of two that differ");
	is_int(needed_of(message, known, 1, &of), EVIDENCE_HEADER,
		"one with another key is not looked at by parts");
}

static void test_keys(void)
{
	struct evidence_message same[] = {
		message_of(KEY, 1), message_of(KEY, 2), message_of(0, 3)};
	struct evidence_known a = known_of(1, KEY, DAY, true);
	struct evidence_known b = known_of(2, OTHER_KEY, DAY, true);
	struct evidence_keys keys = {0};

	evidence_keys_see(same, 3, &keys);
	ok(!keys.differ && !keys.fail, "copies have one key, and show nothing");
	evidence_keys_see(NULL, 0, &keys);
	evidence_keys_compare(&a, &a, &keys);
	ok(!keys.differ && !keys.fail, "as does a message beside itself");
	evidence_keys_compare(&a, &b, &keys);
	ok(keys.differ && !keys.fail, "two known ones of two keys show them");
	b.email_key = KEY;
	evidence_keys_compare(&a, &b, &keys);
	ok(keys.fail, "and two of one key that differ show a lie");
	b.email_key = 0;
	keys = (struct evidence_keys){0};
	evidence_keys_compare(&a, &b, &keys);
	ok(!keys.differ && !keys.fail, "one without a key shows nothing");
	same[0].email_key = OTHER_KEY;
	evidence_keys_see(same, 3, &keys);
	ok(keys.differ && !keys.fail, "two new ones of two keys show them");
	same[0].email_key = KEY;
	same[1].email_key = KEY;
	same[2].email_key = KEY;
	same[1].bytes = 999;
	evidence_keys_see(same, 3, &keys);
	ok(keys.fail, "and two of one key and two sizes show a lie");
}

/* ---- By the first part --------------------------------------------------- */

/* What one known message can be, beside the new one. */
enum {
	GONE = 1,
	DATED = 2,
	SAME_DATE = 4,
	KEYED = 8,
	KNOWN_KEYED = 16,
	ALL = 31,
};

static void test_pair(int is)
{
	const struct evidence_message message = message_of(
		(is & KEYED) != 0 ? OTHER_KEY : 0, (is & DATED) != 0 ? DAY : 0);
	const struct evidence_known known =
		known_of(1, (is & KNOWN_KEYED) != 0 ? KEY : 0,
			(is & SAME_DATE) != 0 ? message.date_s : DAY + 1,
			(is & GONE) != 0);
	const int needed = GONE | DATED | SAME_DATE;
	bool enough = (is & needed) == needed &&
		      (is & (KEYED | KNOWN_KEYED)) != (KEYED | KNOWN_KEYED);
	size_t of;

	is_int(needed_of(message, &known, 1, &of),
		enough ? EVIDENCE_PART : EVIDENCE_HEADER,
		"gone %d, dated %d, alike %d, keys %d and %d", (is & GONE) != 0,
		(is & DATED) != 0, (is & SAME_DATE) != 0, (is & KEYED) != 0,
		(is & KNOWN_KEYED) != 0);
}

static void test_part(void)
{
	for (int is = 0; is <= ALL; is++)
		test_pair(is);
}

static void test_only(void)
{
	struct evidence_message messages[] = {
		message_of(0, DAY), message_of(0, DAY + 1), message_of(0, DAY)};
	struct evidence_known known[EVIDENCE_KNOWN_MAX];
	size_t of;

	known[0] = known_of(1, 0, DAY + 1, true);
	known[1] = known_of(2, 0, DAY, true);
	known[2] = known_of(2, 0, DAY, false);
	known[3] = known_of(3, 0, DAY, false);
	evidence_sort(messages, 3);
	is_int(needed_at(messages, 3, 2, &(struct evidence_knowns){known, 2},
		       &of),
		EVIDENCE_PART, "a part is enough for the only one of its date");
	is_int((intmax_t)of, 0, "to be compared with the known one of it");
	is_int(needed_at(messages, 3, 0, &(struct evidence_knowns){known, 2},
		       &of),
		EVIDENCE_HEADER, "not for the first of two");
	is_int(needed_at(messages, 3, 1, &(struct evidence_knowns){known, 2},
		       &of),
		EVIDENCE_HEADER, "nor for the second");
	is_int(needed_at(messages, 1, 0, &(struct evidence_knowns){known, 3},
		       &of),
		EVIDENCE_PART,
		"that an equal one is elsewhere does not matter");
	is_int((intmax_t)of, 1, "it is the one that has gone that counts");
	is_int(needed_at(messages, 1, 0, &(struct evidence_knowns){known, 4},
		       &of),
		EVIDENCE_HEADER, "but that another one is elsewhere does");
	known[2].gone = true;
	is_int(needed_at(messages, 1, 0, &(struct evidence_knowns){known, 3},
		       &of),
		EVIDENCE_HEADER, "as does that two have gone");
	is_int(needed_at(messages, 1, 0, &(struct evidence_knowns){known, 0},
		       &of),
		EVIDENCE_HEADER, "or none");
	known[2].gone = false;
	known[1].mailbox = 1;
	is_int(needed_at(messages, 1, 0, &(struct evidence_knowns){known, 2},
		       &of),
		EVIDENCE_HEADER,
		"or that it went from the mailbox that this is in");
	known[1].mailbox = 0;
	for (size_t i = 3; i < EVIDENCE_KNOWN_MAX; i++)
		known[i] = known[2];
	is_int(needed_at(messages, 1, 0,
		       &(struct evidence_knowns){known, EVIDENCE_KNOWN_MAX - 1},
		       &of),
		EVIDENCE_PART, "many known ones are looked through");
	is_int(needed_at(messages, 1, 0,
		       &(struct evidence_knowns){known, EVIDENCE_KNOWN_MAX},
		       &of),
		EVIDENCE_HEADER, "too many are not");
}

/* A header's beginning, filled up. */
static struct str fill(struct buf *out, const char *begin)
{
	buf_reset(out);
	buf_addz(out, begin);
	while (out->len < EVIDENCE_PART_BYTES + 10)
		buf_addc(out, 'x');
	return str_sub(buf_str(out), 0, EVIDENCE_PART_BYTES);
}

static void test_tells(void)
{
	static const struct {
		const char *begin;
		bool tells;
		const char *what;
	} parts[] = {
		{"Received: a\r\n b\r\n\tc\r\nX: ", true,
			"a Received field tells"},
		{"To: x\r\nreceived: a\r\nX: ", true,
			"also behind others, in any case"},
		{"Received: a", false, "one that is cut off does not"},
		{"Received: a\r\n b", false, "nor one whose last line is"},
		{"X-Received: a\r\nX: ", false, "nor one of another name"},
		{"X: y\r\n Received: a\r\nX: ", false,
			"nor a line of another field"},
		{"Message-ID: <a@b>\r\nX: ", false, "nor a Message-ID"},
	};
	struct buf text = {0};
	struct buf other = {0};
	struct str part;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		part = fill(&text, parts[i].begin);
		is_int(evidence_part_tells(part, buf_str(&text)),
			parts[i].tells, "%s", parts[i].what);
	}
	part = fill(&text, parts[0].begin);
	ok(!evidence_part_tells(str_sub(part, 0, part.len - 1), buf_str(&text)),
		"less than was asked for does not tell");
	ok(!evidence_part_tells(part, str_sub(part, 0, part.len - 1)),
		"nor does a file that is shorter");
	(void)fill(&other, parts[0].begin);
	other.ptr[EVIDENCE_PART_BYTES - 1] = 'y';
	ok(!evidence_part_tells(part, buf_str(&other)),
		"nor one that differs in the last byte");
	ok(!evidence_part_tells((struct str){0}, (struct str){0}),
		"nor nothing");
	buf_clear(&text);
	buf_clear(&other);
}

int main(void)
{
	test_key();
	test_keys();
	test_part();
	test_only();
	test_tells();
	return tap_done();
}
