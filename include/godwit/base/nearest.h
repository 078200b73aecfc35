/*
 * Nearest: which of the known words a misspelt one was meant to be.
 *
 * Start with {.word = w}, offer every candidate, then look at `best`: the one
 * with the fewest mistakes (a letter too many, too few, wrong, or two swapped;
 * letter case does not count), or empty where none is near enough to be worth
 * naming: one mistake in every three letters. Words over 64 bytes are near to
 * nothing, which bounds the time.
 */
#ifndef GODWIT_BASE_NEAREST_H
#define GODWIT_BASE_NEAREST_H

#include "godwit/base/bytes.h"

#include <stddef.h>

struct nearest {
	struct str word;
	struct str best; /* borrowed from the candidate; len 0: none */
	size_t mistakes; /* in best */
};

/* Takes `candidate` for best if it is nearer than all before it. */
void nearest_offer(struct nearest *n, struct str candidate);

#endif
