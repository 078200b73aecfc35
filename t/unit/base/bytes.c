/* base/bytes: borrowed and growing byte strings. */
#include "godwit/base/bytes.h"

#include "tap.h"

int main(void)
{
	struct str rest = STR("a,,b");
	struct str part;

	ok(str_split(&rest, ',', &part), "a list has a first part");
	is_str(part, STR("a"), "the first part ends before the separator");
	ok(str_split(&rest, ',', &part), "an empty part is a part");
	is_str(part, STR(""), "the empty part is empty");
	ok(str_split(&rest, ',', &part), "the last part needs no separator");
	is_str(part, STR("b"), "the last part is the rest");
	ok(!str_split(&rest, ',', &part), "after the last part there is none");
	return tap_done();
}
