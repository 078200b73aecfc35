/* imap/date: INTERNALDATE, there and back. */
#include "godwit/imap/date.h"

#include "tap.h"

static void is_date(
	const char *text, int64_t seconds, int zone, const char *printed)
{
	struct imap_date date = {0};
	char again[IMAP_DATE_BYTES];

	ok(imap_date_parse(str_of(text), &date), "\"%s\" is a date", text);
	is_int(date.utc_seconds, seconds, "\"%s\" is that second", text);
	is_int(date.zone_minutes, zone, "\"%s\" is in that zone", text);
	imap_date_print(date, again);
	is_str(str_of(again), str_of(printed), "\"%s\" is printed", text);
}

static void test_dates(void)
{
	is_date("17-Jul-1996 02:44:25 -0700", 837596665, -420,
		"17-Jul-1996 02:44:25 -0700");
	is_date(" 7-Feb-1994 21:52:25 -0800", 760686745, -480,
		" 7-Feb-1994 21:52:25 -0800");
	is_date("7-feb-1994 21:52:25 -0800", 760686745, -480,
		" 7-Feb-1994 21:52:25 -0800");
	is_date("01-JAN-1970 00:00:00 +0000", 0, 0,
		" 1-Jan-1970 00:00:00 +0000");
	is_date("01-Jan-1970 00:00:00", 0, 0, " 1-Jan-1970 00:00:00 +0000");
	is_date("31-Dec-1969 23:59:59 +0000", -1, 0,
		"31-Dec-1969 23:59:59 +0000");
	is_date("01-Jan-1970 05:30:00 +0530", 0, 330,
		" 1-Jan-1970 05:30:00 +0530");
	is_date("29-Feb-2000 12:00:00 +0000", 951825600, 0,
		"29-Feb-2000 12:00:00 +0000");
	is_date("29-Feb-2024 23:59:59 -1200", 1709294399, -720,
		"29-Feb-2024 23:59:59 -1200");
	is_date("31-Dec-2016 23:59:60 +0000", 1483228800, 0,
		" 1-Jan-2017 00:00:00 +0000");
	is_date("01-Jan-0000 00:00:00 +0000", -62167219200, 0,
		" 1-Jan-0000 00:00:00 +0000");
	is_date("29-Feb-0000 00:00:00 +0000", -62162121600, 0,
		"29-Feb-0000 00:00:00 +0000");
	is_date("31-Dec-9999 23:59:59 +0000", 253402300799, 0,
		"31-Dec-9999 23:59:59 +0000");
	is_date("19-Jan-2038 03:14:08 +0000", 2147483648, 0,
		"19-Jan-2038 03:14:08 +0000");
}

static void test_no_dates(void)
{
	static const char *const bad[] = {"", "00-Jan-0000 00:00:00 +0000",
		"31-Feb-2020 00:00:00 +0000", "29-Feb-1900 00:00:00 +0000",
		"32-Jan-2020 00:00:00 +0000", "1-Foo-2020 00:00:00 +0000",
		"1-Jan-20 00:00:00 +0000", "1-Jan-2020 24:00:00 +0000",
		"1-Jan-2020 00:60:00 +0000", "1-Jan-2020 00:00:61 +0000",
		"1-Jan-2020 00:00:00 +2400", "1-Jan-2020 00:00:00 +0060",
		"1-Jan-2020 00:00:00 +000", "1-Jan-2020 00:00:00 +00000",
		"1-Jan-2020 00:00:00 0000", "1-Jan-2020 00:00:00 +0000 ",
		"1-Jan-20200 00:00:00 +0000", "1-Jan-2020", "1 Jan 2020",
		"-1-Jan-2020 00:00:00 +0000", "1-Jan-2020 0:00:00 +0000"};
	struct imap_date date = {.utc_seconds = 42};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ok(!imap_date_parse(str_of(bad[i]), &date), "\"%s\" is no date",
			bad[i]);
	is_int(date.utc_seconds, 42, "what is no date leaves nothing");
}

static void test_out_of_range(void)
{
	struct imap_date late = {.utc_seconds = INT64_MAX};
	struct imap_date early = {.utc_seconds = INT64_MIN};
	char text[IMAP_DATE_BYTES];

	imap_date_print(late, text);
	is_str(str_of(text), STR("31-Dec-9999 23:59:59 +0000"),
		"a stamp beyond all dates is the last");
	imap_date_print(early, text);
	is_str(str_of(text), STR(" 1-Jan-0000 00:00:00 +0000"),
		"one before them is the first");
	late.zone_minutes = 840;
	imap_date_print(late, text);
	is_str(str_of(text), STR("31-Dec-9999 23:59:59 +1400"),
		"a zone does not lead out of the year 9999");
}

static void test_every_day(void)
{
	unsigned wrong = 0;

	for (int64_t day = -719528; day < 2932897; day += 31) {
		struct imap_date date = {.utc_seconds = day * 86400 + 3661};
		struct imap_date again = {0};
		char text[IMAP_DATE_BYTES];

		imap_date_print(date, text);
		wrong += !imap_date_parse(str_of(text), &again) ||
			 again.utc_seconds != date.utc_seconds;
	}
	is_int((intmax_t)wrong, 0, "ten thousand years come back");
}

int main(void)
{
	test_dates();
	test_no_dates();
	test_out_of_range();
	test_every_day();
	return tap_done();
}
