/*
 * How: messages of one size and date lie beside each other, so whether there is
 * but one shows at its neighbours.
 */
#include "godwit/sync/evidence.h"

#include <stdlib.h>

static int by_u64(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int message_cmp(const void *a, const void *b)
{
	const struct evidence_message *x = a;
	const struct evidence_message *y = b;
	int order = by_u64(x->bytes, y->bytes);

	return order != 0 ? order
			  : (x->date_s > y->date_s) - (x->date_s < y->date_s);
}

void evidence_sort(struct evidence_message *messages, size_t count)
{
	if (count > 0)
		qsort(messages, count, sizeof(*messages), message_cmp);
}

static int key_cmp(const void *a, const void *b)
{
	const struct evidence_message *x = a;
	const struct evidence_message *y = b;
	int order = by_u64(x->email_key, y->email_key);

	return order != 0 ? order : by_u64(x->bytes, y->bytes);
}

void evidence_keys_see(struct evidence_message *messages, size_t count,
	struct evidence_keys *keys)
{
	if (count > 0)
		qsort(messages, count, sizeof(*messages), key_cmp);
	for (size_t i = 1; i < count; i++) {
		const struct evidence_message *last = &messages[i - 1];

		if (last->email_key == 0)
			continue;
		if (messages[i].email_key != last->email_key)
			keys->differ = true;
		else if (messages[i].bytes != last->bytes)
			keys->fail = true;
	}
}

void evidence_keys_compare(const struct evidence_known *a,
	const struct evidence_known *b, struct evidence_keys *keys)
{
	if (a->email_key == 0 || b->email_key == 0)
		return;
	if (a->email_key != b->email_key)
		keys->differ = true;
	else if (identity_cmp(&a->identity, &b->identity) != 0)
		keys->fail = true;
}

/* ---- By key -------------------------------------------------------------- */

/* Whether one of the known has its key. KEY: and *of_r is what it is. */
static bool has_key(const struct evidence_message *message,
	const struct evidence_knowns *all, enum evidence *evidence_r,
	size_t *of_r)
{
	const struct evidence_known *known = all->items;
	const struct evidence_known *first = NULL;
	bool doubtful = false;

	*of_r = all->count;
	for (size_t i = 0; message->email_key != 0 && i < all->count; i++) {
		if (known[i].email_key != message->email_key)
			continue;
		if (first == NULL)
			first = &known[i];
		if (known[i].date_s == message->date_s)
			*of_r = i;
		doubtful = doubtful || identity_cmp(&first->identity,
					       &known[i].identity) != 0;
	}
	*evidence_r = doubtful || *of_r == all->count ? EVIDENCE_HEADER
						      : EVIDENCE_KEY;
	return first != NULL;
}

/* ---- By the first part --------------------------------------------------- */

/* Whether no other new message has its size and date. */
static bool is_only_one(const struct evidence_messages *all, size_t at)
{
	const struct evidence_message *messages = all->items;

	return (at == 0 ||
		       message_cmp(&messages[at - 1], &messages[at]) != 0) &&
	       (at + 1 == all->count ||
		       message_cmp(&messages[at], &messages[at + 1]) != 0);
}

/* The one that has gone, of this date; the others of it must be its equals. */
static bool find_gone(const struct evidence_message *message,
	const struct evidence_knowns *all, size_t *of_r)
{
	const struct evidence_known *known = all->items;
	const struct evidence_known *first = NULL;

	*of_r = all->count;
	for (size_t i = 0; i < all->count; i++) {
		if (known[i].date_s != message->date_s)
			continue;
		if (first == NULL)
			first = &known[i];
		if (identity_cmp(&first->identity, &known[i].identity) != 0 ||
			(known[i].gone && *of_r != all->count))
			return false;
		/* By its key it is another, or it replaced it. */
		if ((known[i].email_key != 0 && message->email_key != 0) ||
			known[i].mailbox == message->mailbox)
			return false;
		if (known[i].gone)
			*of_r = i;
	}
	return *of_r != all->count;
}

enum evidence evidence_needed(const struct evidence_messages *messages,
	size_t at, const struct evidence_knowns *known, size_t *of_r)
{
	const struct evidence_message *message = &messages->items[at];
	enum evidence evidence;

	*of_r = known->count;
	if (known->count >= EVIDENCE_KNOWN_MAX || message->date_s == 0)
		return EVIDENCE_HEADER;
	if (has_key(message, known, &evidence, of_r))
		return evidence;
	return is_only_one(messages, at) && find_gone(message, known, of_r)
		       ? EVIDENCE_PART
		       : EVIDENCE_HEADER;
}

/* The line at the front, without its end; what is left begins behind that. */
static struct str take_line(struct str *text)
{
	size_t end = str_find(*text, '\n');
	struct str line = str_sub(*text, 0, end);

	*text = str_sub(*text, end + 1, text->len);
	return line;
}

static bool goes_on(struct str text)
{
	return text.len > 0 && (text.ptr[0] == ' ' || text.ptr[0] == '\t');
}

/* Whether a Received field is there, with all of its lines: what comes behind
 * them is seen. */
static bool has_received(struct str part)
{
	const struct str name = STR("Received:");

	while (part.len > 0) {
		bool found = str_istarts(take_line(&part), name);

		while (found && goes_on(part))
			take_line(&part);
		if (found)
			return part.len > 0;
	}
	return false;
}

bool evidence_part_tells(struct str part, struct str file)
{
	return part.len == EVIDENCE_PART_BYTES &&
	       str_eq(part, str_sub(file, 0, part.len)) && has_received(part);
}
