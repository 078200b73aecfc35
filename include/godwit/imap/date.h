/*
 * INTERNALDATE: the date-time of RFC 3501 section 9.
 *
 * " 7-Feb-1994 21:52:25 -0800" as seconds since 1970 in UTC and the zone it
 * was written in. The Gregorian calendar of the years 0 to 9999, no leap
 * seconds (23:59:60 counts as the second after).
 */
#ifndef GODWIT_IMAP_DATE_H
#define GODWIT_IMAP_DATE_H

#include "godwit/base/bytes.h"

struct imap_date {
	int64_t utc_seconds; /* since 1970-01-01 00:00:00 UTC; below 0 before */
	int zone_minutes;    /* east of Greenwich, for printing only */
};

/*
 * Reads `text` without its quotes. Tolerant of a day of one digit, month names
 * in any case and a missing zone (UTC); false for what is no date, such as
 * Domino's "00-Jan-0000" or a 31-Feb.
 */
bool imap_date_parse(struct str text, struct imap_date *date_r);

enum {
	IMAP_DATE_BYTES = 27
}; /* 26 and a NUL */

/*
 * Writes "17-Jul-1996 02:44:25 -0700". A time outside of the years 0 to 9999,
 * as a file's stamp can be, becomes the nearest inside.
 */
void imap_date_print(struct imap_date date, char text_r[IMAP_DATE_BYTES]);

#endif
