/* mail/maildir_name: what the name of a message's file says. */
#include "godwit/mail/maildir_name.h"

#include "godwit/base/limits.h"
#include "tap.h"

#include <string.h>

static struct maildir_name parsed(const char *file)
{
	struct maildir_name name = {0};

	ok(maildir_name_parse(str_of(file), &name), "%s is a name", file);
	return name;
}

static void test_parts(void)
{
	struct maildir_name n = parsed("1.M1P2.host,S=12,W=15,U=7:2,FSab");

	is_str(n.unique, STR("1.M1P2.host,S=12,W=15,U=7"),
		"unique is what is before the info");
	is_str(n.base, STR("1.M1P2.host"), "base has no fields");
	is_str(n.letters, STR("FSab"), "letters are what is behind it");
	ok(n.has_info && n.has_size && n.has_uid, "all is there");
	is_int((intmax_t)n.size, 12, "the size is read");
	is_int(n.uid, 7, "the UID is read");

	n = parsed("plain");
	is_str(n.base, STR("plain"), "a name may be all base");
	ok(!n.has_info && !n.has_size && !n.has_uid, "and say nothing more");

	n = parsed("1.h,U=3,FMD5=d41d8c:2,S,x=y");
	is_str(n.base, STR("1.h"), "OfflineIMAP's fields are fields");
	is_int(n.uid, 3, "its UID is read");
	is_str(n.letters, STR("S"), "a comma ends the letters");
	is_str(n.extra, STR(",x=y"), "what follows is kept");
}

static void test_odd(void)
{
	struct maildir_name n = parsed("a,b,=,s=1,S=1x,S=,S=4,S=5");

	is_str(n.base, STR("a,b,=,s=1"), "only ,KEY= is a field");
	ok(n.has_size && n.size == 4, "the first size that is one counts");
	n = parsed("1.h,FMD5=d41d8c,x");
	is_str(n.base, STR("1.h"), "a key may have digits");
	n = parsed("S=9");
	ok(!n.has_size, "a field has a comma before it");
	n = parsed("a,S=99999999999999999999999:2,");
	ok(!n.has_size, "a size that fits nowhere is none");
	n = parsed("a,U=4294967296");
	ok(!n.has_uid, "nor is such a UID one");
	n = parsed("a:1,x:2,S");
	is_str(n.unique, STR("a:1,x"), "only :2, begins the info");
	n = parsed("a:2,S:2,F");
	is_str(n.unique, STR("a:2,S"), "the last :2, does");
	n = parsed("a:2");
	is_str(n.unique, STR("a:2"), "half of it does not");
	n = parsed("a:2,");
	ok(n.has_info && n.letters.len == 0, "there may be no letters");
}

static void test_refused(void)
{
	struct maildir_name n;
	char longest[LIMIT_NAME_BYTES + 1];

	ok(!maildir_name_parse(STR(""), &n), "an empty name is none");
	ok(!maildir_name_parse(STR(".a"), &n), "a dot-led name is none");
	ok(!maildir_name_parse(STR(".."), &n), "so is ..");
	ok(!maildir_name_parse(STR("a/b"), &n), "so is one with a slash");
	ok(!maildir_name_parse(STR("a\0b"), &n), "so is one with a NUL");
	ok(!maildir_name_parse(STR(":2,S"), &n), "so is one of letters only");
	memset(longest, 'x', sizeof(longest));
	ok(maildir_name_parse((struct str){longest, LIMIT_NAME_BYTES}, &n),
		"the longest name is one");
	ok(!maildir_name_parse((struct str){longest, LIMIT_NAME_BYTES + 1}, &n),
		"a longer one is not");
}

static struct flags flags_in(
	const char *file, const struct kwfile *kwfile, struct keywords *k)
{
	struct maildir_name name = {0};
	struct flags flags = {99, 99};

	check(maildir_name_parse(str_of(file), &name));
	check(maildir_name_flags(&name, kwfile, k, &flags, NULL) == 0);
	return flags;
}

static void is_printed(const char *file, struct flags flags,
	const struct kwfile *kwfile, const struct keywords *k, const char *want)
{
	struct maildir_name name = {0};
	struct buf out = {0};

	check(maildir_name_parse(str_of(file), &name));
	ok(maildir_name_print(&name, kwfile, k, flags, &out), "%s prints",
		want);
	is_str(buf_str(&out), str_of(want), "%s becomes %s", file, want);
	buf_clear(&out);
}

static void test_flags(void)
{
	struct keywords *k = keywords_new();
	struct kwfile kwfile;
	struct flags all;
	struct flags none = {0};
	struct flags seen = {FLAG_SEEN, 0};

	kwfile_parse(&kwfile, k, STR("0 zero\n3 three\n5 no atom\n"));
	all = flags_in("a:2,DFPRSTad", &kwfile, k);
	is_int(all.system, FLAGS_SYSTEM, "each system flag has a letter");
	ok(keywords_set_has(k, all.keywords, 0) &&
			keywords_set_has(k, all.keywords, 1),
		"letters a-z are keywords");
	ok(flags_eq(flags_in("a:2,", &kwfile, k), none), "no letter, no flag");
	ok(flags_eq(flags_in("a", &kwfile, k), none), "no info, no flag");
	ok(flags_eq(flags_in("a:2,fbXZ!", &kwfile, k), none),
		"letters without meaning are no flags");
	ok(flags_eq(flags_in("a:2,daTSRPFDSS", &kwfile, k), all),
		"order and doubles do not matter");
	ok(flags_eq(flags_in("a:2,,S", &kwfile, k), none),
		"what follows a comma is no flag");
	is_printed("a,S=3", all, &kwfile, k, "a,S=3:2,DFPRSTad");
	is_printed("a:2,FSa", none, &kwfile, k, "a:2,");
	is_printed("a:2,XSfb!", seen, &kwfile, k, "a:2,!SXbf");
	is_printed("a:2,T,e", seen, &kwfile, k, "a:2,S,e");
	kwfile_clear(&kwfile);
	is_printed("a", all, &kwfile, k, "a:2,DFPRST");
	kwfile_parse(&kwfile, k, STR("4 $Forwarded\n"));
	ok(flags_in("a:2,e", &kwfile, k).system == FLAG_FORWARDED,
		"$Forwarded may come as a keyword's letter");
	is_printed("a:2,", flags_in("a:2,P", &kwfile, k), &kwfile, k, "a:2,Pe");
	is_printed("a:2,Pe", none, &kwfile, k, "a:2,");
	kwfile_clear(&kwfile);
	keywords_free(&k);
}

static void test_too_long(void)
{
	struct keywords *k = keywords_new();
	struct flags flags = {FLAGS_SYSTEM, 0};
	struct maildir_name name;
	struct kwfile kwfile;
	struct buf out = {0};
	char file[LIMIT_NAME_BYTES - 4];

	memset(file, 'x', sizeof(file));
	kwfile_init(&kwfile);
	buf_addz(&out, "cur/");
	check(maildir_name_parse((struct str){file, sizeof(file)}, &name));
	ok(!maildir_name_print(&name, &kwfile, k, flags, &out),
		"a name that grows too long is refused");
	is_str(buf_str(&out), STR("cur/"), "and leaves nothing behind");
	flags.system = FLAG_SEEN;
	ok(maildir_name_print(&name, &kwfile, k, flags, &out),
		"one that just fits is not");
	buf_clear(&out);
	keywords_free(&k);
}

static void test_derived(void)
{
	struct buf stem = {0};
	struct buf other = {0};
	struct buf file = {0};
	struct maildir_name name = {0};

	maildir_name_stem(&stem, STR("home"), STR("INBOX"), 1, 2);
	is_str(buf_str(&stem), STR("zdmqfupuf4agfmovxoqs3wxcx25s5cmd.godwit"),
		"the derivation is the documented one");
	maildir_name_stem(&other, STR("homeI"), STR("NBOX"), 1, 2);
	ok(!str_eq(buf_str(&stem), buf_str(&other)),
		"account and mailbox do not run together");
	maildir_name_derive(&file, buf_str(&stem), UINT64_MAX);
	ok(maildir_name_parse(buf_str(&file), &name), "it is a name");
	ok(name.has_size && name.size == UINT64_MAX, "it tells the size");
	ok(maildir_name_has_stem(&name, buf_str(&stem)),
		"it is known by its stem");
	ok(!maildir_name_has_stem(&name, buf_str(&other)), "and by no other");
	ok(maildir_name_derived(&name), "it is known as derived");
	buf_clear(&stem);
	buf_clear(&other);
	buf_clear(&file);
}

static void test_not_derived(void)
{
	static const char *const names[] = {
		"1700000000.M1P2.host:2,S",
		"abcdefghijklmnopqrstuvwxyz23456.godwit",
		"abcdefghijklmnopqrstuvwxyz2345678.godwit",
		"Abcdefghijklmnopqrstuvwxyz234567.godwit",
		"abcdefghijklmnopqrstuvwxyz234567",
		"abcdefghijklmnopqrstuvwxyz234567.godwit2",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct maildir_name name = parsed(names[i]);

		ok(!maildir_name_derived(&name), "but not derived");
	}
}

int main(void)
{
	test_parts();
	test_odd();
	test_refused();
	test_flags();
	test_too_long();
	test_derived();
	test_not_derived();
	return tap_done();
}
