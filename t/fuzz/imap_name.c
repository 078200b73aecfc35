/*
 * Names from the wire: what is taken for one must be written the same way
 * again, and names from disk must come back.
 */
#include "fuzz.h"

#include "godwit/base/err.h"
#include "godwit/imap/name.h"

static void from_wire(struct str wire, bool utf8_accept)
{
	struct buf utf8 = {0};
	struct buf again = {0};

	if (imap_name_decode(wire, utf8_accept, &utf8)) {
		bool raw = str_eq(buf_str(&utf8), wire);

		check(imap_name_encode(buf_str(&utf8), utf8_accept, &again));
		check(raw || str_eq(buf_str(&again), wire));
	} else {
		check(utf8.len == 0);
	}
	buf_clear(&utf8);
	buf_clear(&again);
}

static void from_disk(struct str utf8)
{
	struct buf wire = {0};
	struct buf again = {0};

	if (imap_name_encode(utf8, false, &wire)) {
		check(imap_utf8_valid(utf8));
		check(imap_name_decode(buf_str(&wire), false, &again));
		check(str_eq(buf_str(&again), utf8));
	}
	buf_clear(&wire);
	buf_clear(&again);
}

void fuzz_one(struct str input)
{
	from_wire(input, false);
	from_wire(input, true);
	from_disk(input);
}
