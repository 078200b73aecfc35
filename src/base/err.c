/*
 * How: the sentence is formatted into the err's own room, so that reporting an
 * error can neither fail nor allocate. Control characters, which servers and
 * file names may hold, are replaced before anybody prints them.
 */
#include "godwit/base/err.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void text_clean(char *text)
{
	for (char *c = text; *c != '\0'; c++) {
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = '?';
	}
}

int err_set(struct err *err, enum err_scope scope, enum err_retry retry,
	enum err_cause cause, const char *format, ...)
{
	va_list args;

	if (err == NULL)
		return -1;
	err->scope = scope;
	err->retry = retry;
	err->cause = cause;
	va_start(args, format);
	(void)vsnprintf(err->text, sizeof(err->text), format, args);
	va_end(args);
	text_clean(err->text);
	return -1;
}

int err_context(struct err *err, const char *format, ...)
{
	char context[ERR_TEXT_MAX];
	char joined[2 * ERR_TEXT_MAX + 2];
	va_list args;

	if (err == NULL)
		return -1;
	va_start(args, format);
	(void)vsnprintf(context, sizeof(context), format, args);
	va_end(args);
	text_clean(context);
	(void)snprintf(joined, sizeof(joined), "%s: %s", context, err->text);
	joined[sizeof(err->text) - 1] = '\0';
	memcpy(err->text, joined, strlen(joined) + 1);
	return -1;
}

struct str err_said(struct str text)
{
	static const struct str blanks = {" \t\r\n", 4};
	static const struct str stops = {" \t\r\n.,;:!", 9};

	while (text.len > 0 && str_find(blanks, text.ptr[0]) < blanks.len)
		text = str_sub(text, 1, text.len - 1);
	while (text.len > 0 &&
		str_find(stops, text.ptr[text.len - 1]) < stops.len)
		text.len--;
	return text.len > 0 ? text : STR("no reason given");
}

int err_status(enum err_cause cause)
{
	static const int status[] = {
		[ERR_SYNC] = 1,
		[ERR_USAGE] = 64,
		[ERR_NET] = 69,
		[ERR_BUG] = 70,
		[ERR_DISK] = 74,
		[ERR_LOCKED] = 75,
		[ERR_PROTOCOL] = 76,
		[ERR_LOGIN] = 77,
		[ERR_CONFIG] = 78,
	};

	check((size_t)cause < sizeof(status) / sizeof(status[0]));
	return status[cause];
}

_Noreturn void check_failed(const char *cond, const char *file, int line)
{
	(void)fprintf(
		stderr, "godwit: %s:%d: check failed: %s\n", file, line, cond);
	abort();
}
