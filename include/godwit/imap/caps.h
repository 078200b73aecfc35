/*
 * Capabilities: what a server says it can (RFC 3501 section 7.2.1).
 *
 * A plain value: the ones that godwit knows as bits, the SASL mechanisms, the
 * APPENDLIMIT. Unknown words are dropped. IMAP4rev2 implies nothing here: some
 * tenants of Exchange advertise a broken one, so a feature counts only when it
 * is named itself.
 */
#ifndef GODWIT_IMAP_CAPS_H
#define GODWIT_IMAP_CAPS_H

#include "godwit/base/bytes.h"

enum imap_cap {
	IMAP_CAP_IMAP4REV1,
	IMAP_CAP_IMAP4REV2,
	IMAP_CAP_APPENDLIMIT, /* RFC 7889, see append_limit */
	IMAP_CAP_CHILDREN,
	IMAP_CAP_COMPRESS_DEFLATE,
	IMAP_CAP_CONDSTORE,
	IMAP_CAP_CREATE_SPECIAL_USE,
	IMAP_CAP_ENABLE,
	IMAP_CAP_ESEARCH,
	IMAP_CAP_ID,
	IMAP_CAP_IDLE,
	IMAP_CAP_LIST_EXTENDED,
	IMAP_CAP_LIST_STATUS,
	IMAP_CAP_LITERAL_MINUS,
	IMAP_CAP_LITERAL_PLUS,
	IMAP_CAP_LOGINDISABLED, /* Cyrus keeps it after login: ignore then */
	IMAP_CAP_MOVE,
	IMAP_CAP_MULTIAPPEND,
	IMAP_CAP_NAMESPACE,
	IMAP_CAP_NOTIFY,
	IMAP_CAP_OBJECTID,
	IMAP_CAP_QRESYNC,
	IMAP_CAP_SASL_IR,
	IMAP_CAP_SEARCHRES,
	IMAP_CAP_SPECIAL_USE,
	IMAP_CAP_STARTTLS,
	IMAP_CAP_STATUS_SIZE,
	IMAP_CAP_UIDONLY,
	IMAP_CAP_UIDPLUS,
	IMAP_CAP_UNSELECT,
	IMAP_CAP_UTF8_ACCEPT,
	IMAP_CAP_UTF8_ONLY,
	IMAP_CAP_X_GM_EXT_1,
	IMAP_CAP_XYM, /* XYMHIGHESTMODSEQ: it is Yahoo */
	IMAP_CAP_BINARY,
	IMAP_CAP_COUNT,
};

enum {
	IMAP_CAPS_AUTH_MAX = 32,   /* mechanisms kept; the rest is dropped */
	IMAP_CAPS_AUTH_BYTES = 21, /* RFC 4422: up to 20 characters; a NUL */
};

/* All zeroes is the server that can nothing. */
struct imap_caps {
	uint64_t known;        /* bit (1 << enum imap_cap) */
	uint64_t append_limit; /* greatest message; 0: none stated */
	size_t auth_count;
	char auth[IMAP_CAPS_AUTH_MAX][IMAP_CAPS_AUTH_BYTES]; /* upper case */
};

/*
 * Adds the words of `list`, between spaces, in any case. "LITERAL +" with a
 * space in it counts as LITERAL+ (MailKit issue 1654).
 */
void imap_caps_parse(struct imap_caps *caps, struct str list);

bool imap_caps_has(const struct imap_caps *caps, enum imap_cap cap);
void imap_caps_set(struct imap_caps *caps, enum imap_cap cap);

/* Whether AUTH=mechanism is there, in any case. */
bool imap_caps_has_auth(const struct imap_caps *caps, struct str mechanism);

/* The capability that `word` names, in any case. */
bool imap_cap_find(struct str word, enum imap_cap *cap_r);

/* The word as RFCs write it, such as "COMPRESS=DEFLATE". */
const char *imap_cap_name(enum imap_cap cap);

/* Appends the words, spaces between them: what a server would list. */
void imap_caps_print(const struct imap_caps *caps, struct buf *out);

#endif
