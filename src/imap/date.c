/*
 * How: days are counted in eras of 400 years, each of 146097 days, with the
 * year taken to begin in March, so that the leap day comes last.
 */
#include "godwit/imap/date.h"

#include <stdio.h>
#include <string.h>

enum {
	DAY_SECONDS = 86400,
	ERA_DAYS = 146097,
	EPOCH_DAYS = 719468, /* 0000-03-01 to 1970-01-01 */
	YEAR_MAX = 9999,
};

static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

struct civil {
	int64_t year;
	int month; /* 1 to 12 */
	int day;
};

static int64_t days_of(struct civil date)
{
	int64_t year = date.month <= 2 ? date.year - 1 : date.year;
	int64_t era = (year >= 0 ? year : year - 399) / 400;
	int64_t year_of_era = year - era * 400;
	int64_t month = (date.month + 9) % 12;
	int64_t day_of_year = (153 * month + 2) / 5 + date.day - 1;
	int64_t day_of_era = year_of_era * 365 + year_of_era / 4 -
			     year_of_era / 100 + day_of_year;

	return era * ERA_DAYS + day_of_era - EPOCH_DAYS;
}

static struct civil civil_of(int64_t days)
{
	int64_t since = days + EPOCH_DAYS;
	int64_t era = (since >= 0 ? since : since - (ERA_DAYS - 1)) / ERA_DAYS;
	int64_t day_of_era = since - era * ERA_DAYS;
	int64_t year_of_era =
		(day_of_era - day_of_era / 1460 + day_of_era / 36524 -
			day_of_era / 146096) /
		365;
	int64_t day_of_year =
		day_of_era -
		(365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int month = (int)((5 * day_of_year + 2) / 153);

	return (struct civil){
		.year = era * 400 + year_of_era + (month >= 10),
		.month = month < 10 ? month + 3 : month - 9,
		.day = (int)(day_of_year - (153 * month + 2) / 5 + 1),
	};
}

static bool take(struct str *s, char c)
{
	if (s->len == 0 || s->ptr[0] != c)
		return false;
	*s = str_sub(*s, 1, s->len);
	return true;
}

/* Takes `min` to `max` digits. */
static bool take_digits(struct str *s, size_t min, size_t max, int *number_r)
{
	size_t count = 0;
	int number = 0;

	while (count < max && count < s->len && s->ptr[count] >= '0' &&
		s->ptr[count] <= '9')
		number = number * 10 + (s->ptr[count++] - '0');
	*s = str_sub(*s, count, s->len);
	*number_r = number;
	return count >= min;
}

static bool take_month(struct str *s, int *month_r)
{
	for (int i = 0; i < 12; i++) {
		struct str name = {.ptr = months + (size_t)3 * i, .len = 3};

		if (str_istarts(*s, name)) {
			*s = str_sub(*s, 3, s->len);
			*month_r = i + 1;
			return true;
		}
	}
	return false;
}

/* date-day-fixed "-" date-month "-" date-year */
static bool take_date(struct str *s, int64_t *days_r)
{
	struct civil date = {0};
	struct civil again;
	int year;

	if (!take_digits(s, 1, 2, &date.day) || !take(s, '-') ||
		!take_month(s, &date.month) || !take(s, '-') ||
		!take_digits(s, 4, 4, &year))
		return false;
	date.year = year;
	*days_r = days_of(date);
	again = civil_of(*days_r); /* a 31-Feb comes back as another day */
	return again.day == date.day && again.month == date.month;
}

/* 2DIGIT ":" 2DIGIT ":" 2DIGIT */
static bool take_time(struct str *s, int64_t *seconds_r)
{
	int hour;
	int minute;
	int second;

	if (!take_digits(s, 2, 2, &hour) || !take(s, ':') ||
		!take_digits(s, 2, 2, &minute) || !take(s, ':') ||
		!take_digits(s, 2, 2, &second))
		return false;
	*seconds_r = (int64_t)hour * 3600 + (int64_t)minute * 60 + second;
	return hour < 24 && minute < 60 && second <= 60;
}

/* ("+" / "-") 4DIGIT */
static bool take_zone(struct str *s, int *minutes_r)
{
	bool west = take(s, '-');
	int hhmm;

	if ((!west && !take(s, '+')) || !take_digits(s, 4, 4, &hhmm))
		return false;
	*minutes_r = hhmm / 100 * 60 + hhmm % 100;
	if (west)
		*minutes_r = -*minutes_r;
	return hhmm / 100 < 24 && hhmm % 100 < 60;
}

bool imap_date_parse(struct str text, struct imap_date *date_r)
{
	int64_t days;
	int64_t seconds;
	int zone = 0;

	while (take(&text, ' '))
		;
	if (!take_date(&text, &days) || !take(&text, ' ') ||
		!take_time(&text, &seconds))
		return false;
	while (take(&text, ' '))
		;
	if (text.len > 0 && !take_zone(&text, &zone))
		return false;
	if (text.len > 0)
		return false;
	*date_r = (struct imap_date){
		.utc_seconds =
			days * DAY_SECONDS + seconds - (int64_t)zone * 60,
		.zone_minutes = zone,
	};
	return true;
}

/* The nearest that a year of four digits can say. */
static int64_t clamp(int64_t seconds)
{
	const int64_t least =
		days_of((struct civil){.year = 0, .month = 1, .day = 1}) *
		DAY_SECONDS;
	const int64_t most =
		days_of((struct civil){
			.year = YEAR_MAX + 1, .month = 1, .day = 1}) *
			DAY_SECONDS -
		1;

	return seconds < least ? least : seconds > most ? most : seconds;
}

void imap_date_print(struct imap_date date, char text_r[IMAP_DATE_BYTES])
{
	int zone = date.zone_minutes % (24 * 60);
	unsigned away = (unsigned)(zone < 0 ? -zone : zone);
	/* Clamped first, so that the sum cannot overflow. */
	int64_t local = clamp(clamp(date.utc_seconds) + (int64_t)zone * 60);
	int64_t days = local / DAY_SECONDS - (local % DAY_SECONDS < 0);
	unsigned second = (unsigned)(local - days * DAY_SECONDS);
	struct civil civil = civil_of(days);

	(void)snprintf(text_r, IMAP_DATE_BYTES,
		"%2u-%.3s-%04u %02u:%02u:%02u %c%02u%02u",
		(unsigned)civil.day % 100,
		months + (size_t)3 * (size_t)(civil.month - 1),
		(unsigned)civil.year % 10000, second / 3600 % 24,
		second / 60 % 60, second % 60, zone < 0 ? '-' : '+',
		away / 60 % 24, away % 60);
}
