/* How: two counters and stdout; bytes are shown with C escapes. */
#include "tap.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct {
	int run;
	int failed;
} tap;

static bool result(bool passed, const char *sentence, va_list args)
{
	tap.run++;
	tap.failed += !passed;
	printf("%sok %d - ", passed ? "" : "not ", tap.run);
	vprintf(sentence, args);
	printf("\n");
	return passed;
}

static void show(const char *label, struct str s)
{
	printf("#   %s: \"", label);
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];

		if (c < 0x20 || c >= 0x7f || c == '"' || c == '\\')
			printf("\\x%02x", c);
		else
			printf("%c", c);
	}
	printf("\"\n");
}

bool tap_ok(bool cond, const char *file, int line, const char *sentence, ...)
{
	va_list args;

	va_start(args, sentence);
	result(cond, sentence, args);
	va_end(args);
	if (!cond)
		printf("#   at %s:%d\n", file, line);
	(void)fflush(stdout);
	return cond;
}

bool tap_is_int(intmax_t got, intmax_t want, const char *file, int line,
	const char *sentence, ...)
{
	va_list args;

	va_start(args, sentence);
	result(got == want, sentence, args);
	va_end(args);
	if (got != want)
		printf("#   at %s:%d\n#   expected: %jd\n#   got: %jd\n", file,
			line, want, got);
	(void)fflush(stdout);
	return got == want;
}

bool tap_is_str(struct str got, struct str want, const char *file, int line,
	const char *sentence, ...)
{
	bool same = str_eq(got, want);
	va_list args;

	va_start(args, sentence);
	result(same, sentence, args);
	va_end(args);
	if (!same) {
		printf("#   at %s:%d\n", file, line);
		show("expected", want);
		show("got", got);
	}
	(void)fflush(stdout);
	return same;
}

void tap_note(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	printf("# ");
	vprintf(format, args);
	printf("\n");
	va_end(args);
}

static bool is_set(const char *variable)
{
	const char *value = getenv(variable);

	return value != NULL && strcmp(value, "0") != 0;
}

unsigned tap_rounds(unsigned few, unsigned usual, unsigned many)
{
	if (is_set("GODWIT_TEST_LONG"))
		return many;
	return is_set("GODWIT_TEST_SHORT") ? few : usual;
}

int tap_done(void)
{
	printf("1..%d\n", tap.run);
	(void)fflush(stdout);
	return tap.failed == 0 ? 0 : 1;
}
