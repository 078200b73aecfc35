/* imap/caps: what a server says it can. */
#include "godwit/imap/caps.h"

#include "tap.h"

static void test_parse(void)
{
	struct imap_caps caps = {0};
	struct buf text = {0};

	imap_caps_parse(&caps,
		STR("IMAP4rev1 sasl-ir X-FOO AUTH=plain AUTH=SCRAM-SHA-256 "
		    "LITERAL- APPENDLIMIT=35651584 COMPRESS=DEFLATE  IDLE "));
	ok(imap_caps_has(&caps, IMAP_CAP_IMAP4REV1), "a word is known");
	ok(imap_caps_has(&caps, IMAP_CAP_SASL_IR), "in any case");
	ok(imap_caps_has(&caps, IMAP_CAP_IDLE), "two spaces are one");
	ok(!imap_caps_has(&caps, IMAP_CAP_LITERAL_PLUS),
		"LITERAL- is not LITERAL+");
	ok(imap_caps_has_auth(&caps, STR("Plain")), "a mechanism has no case");
	ok(!imap_caps_has_auth(&caps, STR("SCRAM-SHA-256-PLUS")),
		"a mechanism is not its longer name");
	is_int((intmax_t)caps.append_limit, 35651584, "the limit is a number");
	imap_caps_print(&caps, &text);
	is_str(buf_str(&text),
		STR("IMAP4rev1 APPENDLIMIT=35651584 COMPRESS=DEFLATE IDLE "
		    "LITERAL- SASL-IR AUTH=PLAIN AUTH=SCRAM-SHA-256"),
		"they are printed in one order, the unknown dropped");
	buf_clear(&text);
}

static void test_oddities(void)
{
	struct imap_caps caps = {0};

	imap_caps_parse(&caps, STR("IMAP4rev1 LITERAL + UIDPLUS"));
	ok(imap_caps_has(&caps, IMAP_CAP_LITERAL_PLUS),
		"\"LITERAL +\" is LITERAL+ (MailKit 1654)");
	caps = (struct imap_caps){0};
	imap_caps_parse(&caps, STR("IDLE +"));
	ok(!imap_caps_has(&caps, IMAP_CAP_LITERAL_PLUS), "a + alone is not");
	imap_caps_parse(&caps, STR("APPENDLIMIT"));
	ok(imap_caps_has(&caps, IMAP_CAP_APPENDLIMIT),
		"APPENDLIMIT may stand without a number");
	is_int((intmax_t)caps.append_limit, 0, "then there is none");
	caps = (struct imap_caps){0};
	imap_caps_parse(&caps, STR("APPENDLIMIT=x IMAP4rev2 XYMHIGHESTMODSEQ"));
	ok(!imap_caps_has(&caps, IMAP_CAP_APPENDLIMIT),
		"a limit that is no number is none");
	ok(!imap_caps_has(&caps, IMAP_CAP_UIDPLUS) &&
			!imap_caps_has(&caps, IMAP_CAP_ENABLE),
		"IMAP4rev2 implies nothing (Exchange's is broken)");
	ok(!imap_caps_has(&caps, IMAP_CAP_CONDSTORE),
		"Yahoo's XYMHIGHESTMODSEQ is not CONDSTORE");
}

static void test_bounds(void)
{
	struct imap_caps caps = {0};
	struct buf list = {0};

	for (int i = 0; i < 1000; i++)
		buf_addf(&list, "AUTH=MECH%d ", i);
	buf_addz(&list, "AUTH=ABCDEFGHIJKLMNOPQRSTU AUTH= IDLE");
	imap_caps_parse(&caps, buf_str(&list));
	is_int((intmax_t)caps.auth_count, IMAP_CAPS_AUTH_MAX,
		"more mechanisms than there is room for are dropped");
	ok(imap_caps_has(&caps, IMAP_CAP_IDLE), "what follows is read");
	caps = (struct imap_caps){0};
	imap_caps_parse(&caps,
		STR("AUTH=ABCDEFGHIJKLMNOPQRST AUTH=ABCDEFGHIJKLMNOPQRSTU "
		    "AUTH="));
	is_int((intmax_t)caps.auth_count, 1, "names over 20 bytes are none");
	buf_clear(&list);
}

static void test_names(void)
{
	unsigned wrong = 0;
	enum imap_cap none;

	ok(!imap_cap_find(STR("X-FOO"), &none), "another word is none");
	for (int i = 0; i < IMAP_CAP_COUNT; i++) {
		enum imap_cap cap = (enum imap_cap)i;
		enum imap_cap found;

		wrong += !imap_cap_find(str_of(imap_cap_name(cap)), &found) ||
			 found != cap;
	}
	is_int(wrong, 0, "each capability is found by its name");
}

int main(void)
{
	test_parse();
	test_oddities();
	test_bounds();
	test_names();
	return tap_done();
}
