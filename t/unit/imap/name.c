/* imap/name: mailbox names between UTF-8 and the wire. */
#include "godwit/imap/name.h"

#include "tap.h"

static void is_pair(const char *utf8, const char *wire)
{
	struct buf out = {0};

	ok(imap_name_encode(str_of(utf8), false, &out), "%s is a name", utf8);
	is_str(buf_str(&out), str_of(wire), "%s is encoded", utf8);
	buf_reset(&out);
	ok(imap_name_decode(str_of(wire), false, &out), "%s is one too", wire);
	is_str(buf_str(&out), str_of(utf8), "%s is decoded", wire);
	buf_clear(&out);
}

static void is_no_wire(struct str wire, const char *why)
{
	struct buf out = {0};

	buf_addz(&out, "kept");
	ok(!imap_name_decode(wire, false, &out), "%s is refused", why);
	is_str(buf_str(&out), STR("kept"), "%s leaves nothing", why);
	buf_clear(&out);
}

static void is_no_utf8(struct str utf8, const char *why)
{
	struct buf out = {0};

	ok(!imap_name_encode(utf8, false, &out), "%s is refused", why);
	ok(!imap_name_encode(utf8, true, &out), "%s is, with UTF8=ACCEPT", why);
	is_int((intmax_t)out.len, 0, "%s leaves nothing", why);
	buf_clear(&out);
}

static void test_pairs(void)
{
	is_pair("INBOX", "INBOX");
	is_pair("", "");
	is_pair("a b/c.d~\"\\%*{[", "a b/c.d~\"\\%*{[");
	is_pair("&", "&-");
	is_pair("a&b&&", "a&-b&-&-");
	is_pair("Entw\303\274rfe", "Entw&APw-rfe");
	is_pair("~peter/mail/\345\217\260\345\214\227/"
		"\346\227\245\346\234\254\350\252\236",
		"~peter/mail/&U,BTFw-/&ZeVnLIqe-"); /* RFC 3501 5.1.3 */
	is_pair("\360\237\230\200", "&2D3eAA-");
	is_pair("\360\237\230\200\360\237\230\200", "&2D3eANg93gA-");
	is_pair("\t", "&AAk-");
	is_pair("\177", "&AH8-");
	is_pair("\303\251&\303\251", "&AOk-&-&AOk-");
	is_pair("\302\200\337\277", "&AIAH,w-");
	is_pair("\340\240\200", "&CAA-");
	is_pair("\360\220\200\200", "&2ADcAA-");
	is_pair("\364\217\277\277", "&2,,f,w-");
	is_pair("\357\277\277", "&,,8-");
	is_pair("\355\237\277\356\200\200", "&1,,gAA-");
}

static void test_bad_wire(void)
{
	is_no_wire(STR("&"), "a shift without an end");
	is_no_wire(STR("&AOk"), "an unended shift");
	is_no_wire(STR("&AO-"), "half a unit");
	is_no_wire(STR("&AOl-"), "stray bits");
	is_no_wire(STR("&AGE-"), "a shifted ASCII letter (Courier takes it)");
	is_no_wire(STR("&ACY-"), "a shifted ampersand");
	is_no_wire(STR("&AOk-&AOk-"), "a needless end of a shift");
	is_no_wire(STR("&U,BTFw-&ZeVnLIqe-"), "RFC 3501's bad example");
	is_no_wire(STR("&A/k-"), "the other alphabet's slash");
	is_no_wire(STR("&A=k-"), "padding");
	is_no_wire(STR("&2D0-"), "a high surrogate alone");
	is_no_wire(STR("&3gA-"), "a low surrogate alone");
	is_no_wire(STR("&2D0AYQ-"), "a surrogate and a letter");
	is_no_wire(STR("&AAA-"), "a shifted NUL");
	is_no_wire(STR("&AA0ACg-"), "a shifted line end");
	is_no_wire(STR("a\0b"), "a NUL");
	is_no_wire(STR("a\rb"), "a bare CR");
	is_no_wire(STR("a\001b"), "a control character");
	is_no_wire(STR("\351"), "Latin-1");
	is_no_wire(STR("\303\251&AOk-"), "8-bit bytes and a shift");
	is_no_wire(STR("\303\251&"), "8-bit bytes and an ampersand");
	is_no_wire(STR("\355\240\275"), "an 8-bit surrogate");
	is_no_wire(STR("\300\257"), "an overlong slash");
}

static void test_bad_utf8(void)
{
	is_no_utf8(STR("a\0b"), "a NUL");
	is_no_utf8(STR("a\nb"), "a line end");
	is_no_utf8(STR("\200"), "a stray continuation");
	is_no_utf8(STR("\303"), "a cut sequence");
	is_no_utf8(STR("\303("), "a broken sequence");
	is_no_utf8(STR("\340\200\200"), "an overlong form");
	is_no_utf8(STR("\360\200\200\200"), "a longer overlong form");
	is_no_utf8(STR("\364\220\200\200"), "what is beyond Unicode");
	is_no_utf8(STR("\370\210\200\200\200"), "five bytes");
	is_no_utf8(STR("\377"), "a byte that is never used");
}

static void test_utf8_accept(void)
{
	struct str name = STR("Caf\303\251 & co");
	struct buf out = {0};

	ok(imap_name_encode(name, true, &out), "UTF8=ACCEPT sends UTF-8");
	is_str(buf_str(&out), name, "as it is");
	buf_reset(&out);
	ok(imap_name_decode(name, true, &out), "and takes it");
	is_str(buf_str(&out), name, "as it is");
	buf_reset(&out);
	ok(imap_name_decode(STR("Caf&AOk-"), true, &out),
		"where UTF-8 is spoken an ampersand is one");
	is_str(buf_str(&out), STR("Caf&AOk-"), "and shifts nothing");
	buf_reset(&out);
	ok(imap_name_decode(STR("Caf\303\251"), false, &out),
		"raw UTF-8 is understood without it");
	is_str(buf_str(&out), STR("Caf\303\251"), "for what it is");
	buf_clear(&out);
}

static void test_inbox(void)
{
	ok(imap_name_is_inbox(STR("InBoX")), "INBOX has no case");
	ok(!imap_name_is_inbox(STR("INBOX/a")), "its children are not it");
}

/* Surrogate pairs, all over the upper planes. */
static void test_every_point(void)
{
	unsigned wrong = 0;

	for (unsigned long i = 0x10000; i < 0x110000; i += 61) {
		struct buf name = {0};
		struct buf wire = {0};
		struct buf back = {0};

		buf_addc(&name, (char)(0xf0 | i >> 18));
		buf_addc(&name, (char)(0x80 | (i >> 12 & 0x3f)));
		buf_addc(&name, (char)(0x80 | (i >> 6 & 0x3f)));
		buf_addc(&name, (char)(0x80 | (i & 0x3f)));
		wrong += !imap_name_encode(buf_str(&name), false, &wire) ||
			 !imap_name_decode(buf_str(&wire), false, &back) ||
			 !str_eq(buf_str(&name), buf_str(&back));
		buf_clear(&name);
		buf_clear(&wire);
		buf_clear(&back);
	}
	is_int(wrong, 0, "code points beyond the first plane come back");
}

int main(void)
{
	test_pairs();
	test_bad_wire();
	test_bad_utf8();
	test_utf8_accept();
	test_inbox();
	test_every_point();
	return tap_done();
}
