/*
 * Fuzz target: the journal's records and keys. The first byte chooses which
 * one the rest is.
 */
#include "fuzz.h"
#include "godwit/base/err.h"
#include "recode.h"

void fuzz_one(struct str input)
{
	unsigned kind;

	if (input.len == 0)
		return;
	kind = (unsigned char)input.ptr[0] % RECODE_KINDS;
	check(recode((enum recode_kind)kind, str_sub(input, 1, input.len)) !=
		RECODE_OTHER);
}
