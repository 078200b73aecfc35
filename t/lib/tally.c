/*
 * How: flights by numbers that travel with the bytes; commands by a machine
 * that reads the client's lines a byte at a time and skips literals.
 */
#include "tally.h"

#include <string.h>

enum {
	TLS_HANDSHAKE = 0x16
};

static bool word_is(const struct tally *tally, const char *word)
{
	return str_ieq((struct str){tally->word, tally->letters}, str_of(word));
}

static void line_ends(struct tally *tally)
{
	if (tally->brace == TALLY_BEHIND_BRACES && tally->literal > 0) {
		tally->state = TALLY_LITERAL;
		return;
	}
	tally->going_on = tally->brace == TALLY_BEHIND_BRACES;
	tally->state = tally->going_on ? TALLY_REST : TALLY_TAG;
	tally->has_tag = false;
	tally->brace = TALLY_NO_BRACE;
	if (word_is(tally, "STARTTLS") || word_is(tally, "COMPRESS"))
		tally->state = TALLY_OPAQUE;
	if (!tally->going_on)
		tally->letters = 0;
}

/* {5} or {5+}, right before the line's end. */
static void brace_goes_on(struct tally *tally, char c)
{
	bool digit = c >= '0' && c <= '9';

	if (c == '{') {
		tally->brace = TALLY_IN_BRACES;
		tally->literal = 0;
	} else if (tally->brace == TALLY_IN_BRACES && digit) {
		tally->literal = tally->literal * 10 + (uint64_t)(c - '0');
	} else if (tally->brace == TALLY_IN_BRACES && c == '+') {
		tally->brace = TALLY_BEHIND_PLUS;
	} else if ((tally->brace == TALLY_IN_BRACES ||
			   tally->brace == TALLY_BEHIND_PLUS) &&
		   c == '}') {
		tally->brace = TALLY_BEHIND_BRACES;
	} else if (c != '\r') {
		tally->brace = TALLY_NO_BRACE;
	}
}

/* A tag, a space, a word: else it is an answer to the server ("DONE", base64).
 */
static void word_goes_on(struct tally *tally, char c)
{
	if (tally->state == TALLY_TAG && c == ' ' && tally->has_tag) {
		tally->state = TALLY_WORD;
		tally->commands++;
	} else if (tally->state == TALLY_TAG) {
		tally->has_tag = c != ' ';
	} else if (c == ' ' || c == '\r') {
		tally->state = TALLY_REST;
	} else if (tally->letters < sizeof(tally->word)) {
		tally->word[tally->letters++] = c;
	}
}

static void line_goes_on(struct tally *tally, char c)
{
	if (c == '\n') {
		line_ends(tally);
		return;
	}
	brace_goes_on(tally, c);
	if (tally->state != TALLY_REST)
		word_goes_on(tally, c);
}

static size_t literal_goes_on(struct tally *tally, size_t len)
{
	size_t taken = len < tally->literal ? len : (size_t)tally->literal;

	tally->literal -= taken;
	if (tally->literal == 0) {
		tally->state = TALLY_REST;
		tally->going_on = true;
		tally->brace = TALLY_NO_BRACE;
	}
	return taken;
}

void tally_said(struct tally *tally, struct str bytes)
{
	size_t i = 0;

	if (bytes.len == 0)
		return;
	if (tally->up == 0 && bytes.ptr[0] == TLS_HANDSHAKE)
		tally->state = TALLY_OPAQUE;
	tally->up += bytes.len;
	if (tally->answered >= tally->flights)
		tally->flights++;
	while (i < bytes.len && tally->state != TALLY_OPAQUE) {
		if (tally->state == TALLY_LITERAL)
			i += literal_goes_on(tally, bytes.len - i);
		else
			line_goes_on(tally, bytes.ptr[i++]);
	}
}

void tally_reached(struct tally *tally, uint64_t flight)
{
	if (flight > tally->reached)
		tally->reached = flight;
}

void tally_heard(struct tally *tally, uint64_t flight, uint64_t bytes)
{
	tally->down += bytes;
	if (flight > tally->answered)
		tally->answered = flight;
}
