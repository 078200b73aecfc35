/* imap/base64: strict in both directions. */
#include "godwit/imap/base64.h"

#include "tap.h"

static void is_pair(struct str bytes, const char *text)
{
	struct buf out = {0};

	imap_base64_encode(bytes, &out);
	is_str(buf_str(&out), str_of(text), "it is encoded as \"%s\"", text);
	buf_reset(&out);
	ok(imap_base64_decode(str_of(text), &out), "\"%s\" is base64", text);
	is_str(buf_str(&out), bytes, "\"%s\" is decoded", text);
	buf_clear(&out);
}

int main(void)
{
	static const char *const bad[] = {"Z", "Zg",
		"Zg=", "Zh==", "Zm9=", "Zg==Zg==", "=",
		"====", "Z===", "Zm9v\r\n", "Zm 9", "Zm-_",
		"Zm9vY!==", "Zg==AAAA", "\377\377\377\377"};
	struct buf out = {0};

	is_pair(STR(""), "");
	is_pair(STR("f"), "Zg==");
	is_pair(STR("fo"), "Zm8=");
	is_pair(STR("foo"), "Zm9v");
	is_pair(STR("foob"), "Zm9vYg==");
	is_pair(STR("\0\0"), "AAA=");
	is_pair(STR("\377\376\375\373\360"), "//79+/A=");
	buf_addz(&out, "kept");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ok(!imap_base64_decode(str_of(bad[i]), &out),
			"what is no base64 is refused (%zu)", i);
	is_str(buf_str(&out), STR("kept"), "what is not leaves nothing");
	buf_clear(&out);
	return tap_done();
}
