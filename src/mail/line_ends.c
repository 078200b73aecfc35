/*
 * How: room for the worst case is reserved once a chunk; then each line is
 * found with memchr and copied with memcpy. For a line to be convertible, its
 * LF must have a CR before it, and there must be no other CR in it: a second
 * memchr asks that.
 */
#include "godwit/mail/line_ends.h"

#include <string.h>

void to_lf_init(struct to_lf *conv, enum line_form form)
{
	*conv = (struct to_lf){.form = form};
}

static bool turn_raw(struct to_lf *conv)
{
	conv->form = LINE_FORM_RAW;
	return false;
}

static bool raw_feed(struct to_lf *conv, struct str *chunk, struct buf *out)
{
	if (conv->cr_held)
		buf_addc(out, '\r');
	conv->cr_held = false;
	buf_add(out, *chunk);
	*chunk = str_sub(*chunk, chunk->len, 0);
	return true;
}

/* The bytes to the next CR. False if there is an LF in them. */
static bool run_to_cr(struct str chunk, size_t *len_r)
{
	const char *cr = memchr(chunk.ptr, '\r', chunk.len);

	*len_r = cr == NULL ? chunk.len : (size_t)(cr - chunk.ptr);
	return memchr(chunk.ptr, '\n', *len_r) == NULL;
}

/*
 * Takes what is exact off the front of *chunk. False if there is more.
 * `to` has room for all of it.
 */
static bool exact_feed(struct to_lf *conv, struct str *chunk, char **to)
{
	const char *from = chunk->ptr;
	const char *end = from + chunk->len;
	bool exact = true;

	while (exact && from < end) {
		struct str left = {.ptr = from, .len = (size_t)(end - from)};
		size_t run;

		if (conv->cr_held) {
			exact = *from == '\n';
			conv->cr_held = !exact;
			if (exact)
				*(*to)++ = *from++;
			continue;
		}
		exact = run_to_cr(left, &run);
		if (!exact)
			continue;
		memcpy(*to, from, run);
		*to += run;
		from += run;
		conv->cr_held = from < end;
		from += conv->cr_held;
	}
	*chunk = (struct str){.ptr = from, .len = (size_t)(end - from)};
	return exact;
}

bool to_lf_feed(struct to_lf *conv, struct str *chunk, struct buf *out)
{
	char *start;
	char *to;
	bool exact;

	if (chunk->len == 0)
		return true;
	if (conv->form == LINE_FORM_RAW)
		return raw_feed(conv, chunk, out);
	start = to = buf_reserve(out, chunk->len);
	exact = exact_feed(conv, chunk, &to);
	buf_commit(out, (size_t)(to - start));
	return exact || turn_raw(conv);
}

bool to_lf_finish(struct to_lf *conv, struct buf *out)
{
	struct str nothing = {0};

	if (conv->form == LINE_FORM_RAW)
		return raw_feed(conv, &nothing, out);
	return !conv->cr_held || turn_raw(conv);
}

void to_crlf_init(struct to_crlf *conv, enum line_form form)
{
	*conv = (struct to_crlf){.form = form};
}

/*
 * The bytes up to and without the next LF that needs a CR, or all. After_cr is
 * right for the byte behind them.
 */
static size_t run_to_bare_lf(struct to_crlf *conv, struct str chunk)
{
	size_t run = 0;

	while (run < chunk.len) {
		const char *lf = memchr(chunk.ptr + run, '\n', chunk.len - run);
		size_t at = lf == NULL ? chunk.len : (size_t)(lf - chunk.ptr);

		if (at > 0)
			conv->after_cr = chunk.ptr[at - 1] == '\r';
		if (lf == NULL)
			return chunk.len;
		if (!conv->after_cr)
			return at;
		conv->after_cr = false;
		run = at + 1;
	}
	return run;
}

void to_crlf_feed(struct to_crlf *conv, struct str chunk, struct buf *out)
{
	char *start;
	char *to;

	if (conv->form == LINE_FORM_RAW) {
		buf_add(out, chunk);
		return;
	}
	start = to = buf_reserve(out, 2 * chunk.len);
	while (chunk.len > 0) {
		size_t run = run_to_bare_lf(conv, chunk);

		memcpy(to, chunk.ptr, run);
		to += run;
		chunk = str_sub(chunk, run, chunk.len);
		if (chunk.len > 0) {
			*to++ = '\r';
			*to++ = '\n';
			chunk = str_sub(chunk, 1, chunk.len);
		}
	}
	buf_commit(out, (size_t)(to - start));
}

uint64_t to_crlf_count(struct to_crlf *conv, struct str chunk)
{
	uint64_t bytes = chunk.len;

	if (conv->form == LINE_FORM_RAW)
		return bytes;
	while (chunk.len > 0) {
		size_t run = run_to_bare_lf(conv, chunk);

		bytes += run < chunk.len;
		chunk = str_sub(chunk, run + 1, chunk.len);
	}
	return bytes;
}
