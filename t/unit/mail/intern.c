/* mail/intern: byte strings to numbers and back. */
#include "mail/intern.h"

#include "tap.h"

enum {
	MANY = 20000,
};

static void test_small(void)
{
	struct intern intern = {0};

	is_int(intern_find(&intern, STR("a")), INTERN_NONE,
		"an empty one holds nothing");
	is_int(intern_add(&intern, STR("ab")), 0, "the first string is 0");
	is_int(intern_add(&intern, STR("a")), 1,
		"the beginning of a string is another string");
	is_int(intern_add(&intern, STR("")), 2, "the empty string is one");
	is_int(intern_add(&intern, STR("\xff")), 3, "any byte will do");
	is_int(intern_add(&intern, STR("ab")), 0,
		"a string that is known keeps its number");
	is_int(intern_find(&intern, STR("abc")), INTERN_NONE,
		"a string that goes on behind a known one is not known");
	is_str(intern_get(&intern, 1), STR("a"), "a number gives its string");
	intern_clear(&intern);
}

/* A string that no other i gives, of a length that varies. */
static struct str numbered(unsigned i, char *space)
{
	size_t len = 0;

	for (unsigned left = i; left != 0; left /= 7)
		space[len++] = (char)('a' + left % 7);
	space[len++] = '!';
	return (struct str){.ptr = space, .len = len};
}

static void test_many(void)
{
	struct intern intern = {0};
	char space[32];
	int wrong = 0;

	for (unsigned i = 0; i < MANY; i++)
		wrong += intern_add(&intern, numbered(i, space)) != i;
	is_int(wrong, 0, "%d different strings get %d numbers in a row", MANY,
		MANY);
	for (unsigned i = 0; i < MANY; i++) {
		wrong += intern_find(&intern, numbered(i, space)) != i;
		wrong += !str_eq(intern_get(&intern, i), numbered(i, space));
	}
	is_int(wrong, 0, "each is found again under its number");
	intern_clear(&intern);
}

int main(void)
{
	test_small();
	test_many();
	return tap_done();
}
