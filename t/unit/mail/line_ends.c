/* mail/line_ends: CRLF on the wire, LF on disk, and back. */
#include "godwit/mail/line_ends.h"

#include "godwit/base/err.h"
#include "tap.h"

#include <string.h>

enum {
	LONGEST = 9, /* messages of so many bytes are tried all */
};

static void expand(struct buf *file)
{
	struct to_crlf conv;
	struct buf out = {0};

	to_crlf_init(&conv, LINE_FORM_LF);
	to_crlf_feed(&conv, buf_str(file), &out);
	buf_clear(file);
	*file = out;
}

/* A download as the engine does it: how often it had to expand. */
static int download(
	struct str wire, size_t step, struct buf *file, enum line_form *form_r)
{
	struct to_lf conv;
	int expanded = 0;

	to_lf_init(&conv, LINE_FORM_LF);
	for (size_t at = 0; at < wire.len; at += step) {
		struct str chunk = str_sub(wire, at, step);

		while (!to_lf_feed(&conv, &chunk, file)) {
			expand(file);
			expanded++;
		}
	}
	while (!to_lf_finish(&conv, file)) {
		expand(file);
		expanded++;
	}
	*form_r = conv.form;
	return expanded;
}

static void upload(struct str file, enum line_form form, size_t step,
	struct buf *wire, uint64_t *count_r)
{
	struct to_crlf conv;
	struct to_crlf counter;

	*count_r = 0;
	to_crlf_init(&conv, form);
	to_crlf_init(&counter, form);
	for (size_t at = 0; at < file.len; at += step) {
		to_crlf_feed(&conv, str_sub(file, at, step), wire);
		*count_r += to_crlf_count(&counter, str_sub(file, at, step));
	}
}

static void test_download(const char *wire, const char *disk,
	enum line_form want, const char *sentence)
{
	size_t len = strlen(wire);
	int wrong = 0;

	for (size_t step = 1; step <= len + 1; step++) {
		struct buf file = {0};
		enum line_form form;
		int expanded = download(str_of(wire), step, &file, &form);

		wrong += expanded != (want == LINE_FORM_RAW);
		wrong += form != want;
		wrong += !str_eq(buf_str(&file), str_of(disk));
		buf_clear(&file);
	}
	is_int(wrong, 0, "%s", sentence);
}

static void test_upload(
	const char *disk, const char *wire, const char *sentence)
{
	size_t len = strlen(disk);
	int wrong = 0;

	for (size_t step = 1; step <= len + 1; step++) {
		struct buf out = {0};
		uint64_t count;

		upload(str_of(disk), LINE_FORM_LF, step, &out, &count);
		wrong += !str_eq(buf_str(&out), str_of(wire));
		wrong += count != out.len;
		buf_clear(&out);
	}
	is_int(wrong, 0, "%s", sentence);
}

/* Down and up again in two chunkings; 0 if the bytes are the same. */
static int round_trip(struct str wire, size_t step)
{
	struct buf file = {0};
	struct buf again = {0};
	enum line_form form;
	uint64_t count;
	int wrong;

	(void)download(wire, step, &file, &form);
	upload(buf_str(&file), form, step, &again, &count);
	wrong = !str_eq(buf_str(&again), wire) || count != wire.len;
	buf_clear(&file);
	buf_clear(&again);
	return wrong;
}

static void test_all_short(void)
{
	static const char alphabet[] = "\r\nxy";
	char wire[LONGEST];
	int wrong = 0;

	for (size_t len = 0; len <= LONGEST; len++) {
		for (size_t i = 0; i < (size_t)1 << (2 * len); i++) {
			struct str s = {wire, len};

			for (size_t at = 0; at < len; at++)
				wire[at] = alphabet[i >> (2 * at) & 3];
			wrong += round_trip(s, 1 + i % 3);
			wrong += round_trip(s, LONGEST);
		}
	}
	is_int(wrong, 0, "every short message comes back byte for byte");
}

static void test_resume(void)
{
	struct to_lf conv;
	struct buf file = {0};
	struct str chunk = STR("b\r\nc");
	struct str raw = STR("\nb");

	buf_addz(&file, "a\n");
	to_lf_init(&conv, LINE_FORM_LF);
	ok(to_lf_feed(&conv, &chunk, &file) && to_lf_finish(&conv, &file),
		"a download can go on behind what is there");
	is_str(buf_str(&file), STR("a\nb\nc"), "and goes on in LF");
	to_lf_init(&conv, LINE_FORM_RAW);
	ok(to_lf_feed(&conv, &raw, &file) && to_lf_finish(&conv, &file),
		"a raw one as well");
	is_str(buf_str(&file), STR("a\nb\nc\nb"), "and stays raw");
	buf_clear(&file);
}

static void test_raw(void)
{
	struct to_crlf conv;
	struct buf out = {0};

	to_crlf_init(&conv, LINE_FORM_RAW);
	to_crlf_feed(&conv, STR("a\n\r"), &out);
	is_str(buf_str(&out), STR("a\n\r"), "a raw file goes up as it is");
	is_int((intmax_t)to_crlf_count(&conv, STR("a\n\r")), 3,
		"and counts as it is");
	buf_clear(&out);
}

int main(void)
{
	test_download("a\r\n\r\nb\r\n", "a\n\nb\n", LINE_FORM_LF,
		"CRLF becomes LF, in chunks of any size");
	test_download("", "", LINE_FORM_LF, "an empty message is exact");
	test_download("abc", "abc", LINE_FORM_LF, "so is one without lines");
	test_download("a\r\nb\nc\r\n", "a\r\nb\nc\r\n", LINE_FORM_RAW,
		"a bare LF keeps a message as it came");
	test_download("a\r\nb\rc\r\n", "a\r\nb\rc\r\n", LINE_FORM_RAW,
		"so does a bare CR");
	test_download("a\r\nb\r\r\nc", "a\r\nb\r\r\nc", LINE_FORM_RAW,
		"so does CR CR LF");
	test_download("a\r\nb\r", "a\r\nb\r", LINE_FORM_RAW,
		"so does a CR at the end");
	test_download("\n", "\n", LINE_FORM_RAW, "so does an LF alone");
	test_upload("a\n\nb\n", "a\r\n\r\nb\r\n", "LF becomes CRLF");
	test_upload("a\r\nb\n", "a\r\nb\r\n", "CRLF stays");
	test_upload(
		"\r\n\n\r\n", "\r\n\r\n\r\n", "an LF behind a CRLF is bare");
	test_upload("a\rb\r\r\n\r", "a\rb\r\r\n\r", "a bare CR stays");
	test_upload("", "", "nothing stays nothing");
	test_all_short();
	test_resume();
	test_raw();
	return tap_done();
}
