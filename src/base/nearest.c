/*
 * How: the optimal string alignment distance (Damerau and Levenshtein, without
 * editing a swapped pair again), row by row over the last three rows.
 */
#include "godwit/base/nearest.h"

#include <string.h>

enum {
	WORD_BYTES_MAX = 64
};

/* Three rows of the table; row i % 3 is that of the word's first i letters. */
struct rows {
	size_t cell[3][WORD_BYTES_MAX + 1];
};

static char lower(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (char)(c - 'A' + 'a');
	return c;
}

static bool same(struct str a, size_t i, struct str b, size_t j)
{
	return lower(a.ptr[i]) == lower(b.ptr[j]);
}

static size_t min(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Fills cell j of row i, both at least 1. */
static void cell_fill(
	struct rows *rows, struct str a, size_t i, struct str b, size_t j)
{
	const size_t *above = rows->cell[(i - 1) % 3];
	size_t *row = rows->cell[i % 3];
	size_t mistakes = above[j - 1] + !same(a, i - 1, b, j - 1);

	mistakes = min(mistakes, above[j] + 1);
	mistakes = min(mistakes, row[j - 1] + 1);
	if (i > 1 && j > 1 && same(a, i - 1, b, j - 2) &&
		same(a, i - 2, b, j - 1))
		mistakes = min(mistakes, rows->cell[(i - 2) % 3][j - 2] + 1);
	row[j] = mistakes;
}

static size_t distance(struct str a, struct str b)
{
	struct rows rows;

	for (size_t j = 0; j <= b.len; j++)
		rows.cell[0][j] = j;
	for (size_t i = 1; i <= a.len; i++) {
		rows.cell[i % 3][0] = i;
		for (size_t j = 1; j <= b.len; j++)
			cell_fill(&rows, a, i, b, j);
	}
	return rows.cell[a.len % 3][b.len];
}

void nearest_offer(struct nearest *n, struct str candidate)
{
	size_t mistakes;

	if (n->word.len > WORD_BYTES_MAX || candidate.len > WORD_BYTES_MAX)
		return;
	mistakes = distance(n->word, candidate);
	if (mistakes * 3 > n->word.len + 1)
		return;
	if (n->best.len > 0 && mistakes >= n->mistakes)
		return;
	n->best = candidate;
	n->mistakes = mistakes;
}
