/*
 * Commands: what a client asks, as plain values, and their text.
 *
 * One struct for RFC 3501 and 9051 and the extensions that godwit uses. The
 * encoder writes a command's text for the client; the parser reads it for the
 * fake server and the transcripts, so the two agree by construction. Neither
 * knows the connection's state: what may be sent when is session.h.
 *
 * Mailbox names are wire bytes, as the server spelled them (name.h converts);
 * flags are strings, with their backslash; sets are text (set.h prints it). All
 * strings are borrowed.
 */
#ifndef GODWIT_IMAP_COMMAND_H
#define GODWIT_IMAP_COMMAND_H

#include "godwit/base/arena.h"
#include "godwit/base/bytes.h"
#include "godwit/base/err.h"
#include "godwit/imap/caps.h"
#include "godwit/imap/date.h"

enum imap_command_kind {
	IMAP_CAPABILITY = 1,
	IMAP_NOOP,
	IMAP_LOGOUT,
	IMAP_STARTTLS,
	IMAP_AUTHENTICATE,
	IMAP_LOGIN,
	IMAP_ENABLE,    /* RFC 5161 */
	IMAP_ID,        /* RFC 2971 */
	IMAP_NAMESPACE, /* RFC 2342 */
	IMAP_LIST,      /* with RFC 5258, 5819, 6154 */
	IMAP_LSUB,
	IMAP_STATUS,
	IMAP_CREATE, /* with USE, RFC 6154 */
	IMAP_DELETE,
	IMAP_RENAME,
	IMAP_SUBSCRIBE,
	IMAP_UNSUBSCRIBE,
	IMAP_SELECT, /* with CONDSTORE, QRESYNC: RFC 7162 */
	IMAP_EXAMINE,
	IMAP_UNSELECT, /* RFC 3691 */
	IMAP_CLOSE,
	IMAP_CHECK,
	IMAP_FETCH, /* always UID FETCH, and so on below */
	IMAP_STORE,
	IMAP_APPEND, /* with RFC 3502 MULTIAPPEND */
	IMAP_COPY,
	IMAP_MOVE,        /* RFC 6851 */
	IMAP_EXPUNGE,     /* every \Deleted message */
	IMAP_UID_EXPUNGE, /* RFC 4315 */
	IMAP_SEARCH,
	IMAP_IDLE,     /* RFC 2177; ends with imap_session_idle_done() */
	IMAP_COMPRESS, /* DEFLATE, RFC 4978 */
	IMAP_COMMAND_KINDS,
};

/* LIST selection and return options, bits. */
enum imap_list_option {
	IMAP_LIST_OPT_SUBSCRIBED = 1 << 0,
	IMAP_LIST_OPT_REMOTE = 1 << 1,
	IMAP_LIST_OPT_RECURSIVEMATCH = 1 << 2,
	IMAP_LIST_OPT_SPECIAL_USE = 1 << 3,
	IMAP_LIST_OPT_CHILDREN = 1 << 4,
	IMAP_LIST_OPT_STATUS = 1 << 5, /* with the items of status_items */
};

/* Attributes of LIST answers, bits. The roles also serve CREATE. */
enum imap_list_attr {
	IMAP_ATTR_NOINFERIORS = 1 << 0,
	IMAP_ATTR_NOSELECT = 1 << 1,
	IMAP_ATTR_MARKED = 1 << 2,
	IMAP_ATTR_UNMARKED = 1 << 3,
	IMAP_ATTR_HASCHILDREN = 1 << 4,
	IMAP_ATTR_HASNOCHILDREN = 1 << 5,
	IMAP_ATTR_NONEXISTENT = 1 << 6,
	IMAP_ATTR_SUBSCRIBED = 1 << 7,
	IMAP_ATTR_REMOTE = 1 << 8,
	IMAP_ATTR_ALL = 1 << 9,
	IMAP_ATTR_ARCHIVE = 1 << 10,
	IMAP_ATTR_DRAFTS = 1 << 11,
	IMAP_ATTR_FLAGGED = 1 << 12,
	IMAP_ATTR_JUNK = 1 << 13,
	IMAP_ATTR_SENT = 1 << 14,
	IMAP_ATTR_TRASH = 1 << 15,
	IMAP_ATTR_IMPORTANT = 1 << 16,
	IMAP_ATTR_ROLES = 0xff << 9, /* \All to \Important */
};

/* STATUS items, bits: asked for, and present in an answer. */
enum imap_status_item {
	IMAP_STATUS_MESSAGES = 1 << 0,
	IMAP_STATUS_UIDNEXT = 1 << 1,
	IMAP_STATUS_UIDVALIDITY = 1 << 2,
	IMAP_STATUS_UNSEEN = 1 << 3,
	IMAP_STATUS_RECENT = 1 << 4,
	IMAP_STATUS_HIGHESTMODSEQ = 1 << 5,
	IMAP_STATUS_SIZE = 1 << 6,
	IMAP_STATUS_DELETED = 1 << 7,
	IMAP_STATUS_MAILBOXID = 1 << 8,
	IMAP_STATUS_APPENDLIMIT = 1 << 9,
};

/* FETCH items, bits: asked for, and present in an answer. */
enum imap_fetch_item {
	IMAP_FETCH_UID = 1 << 0,
	IMAP_FETCH_FLAGS = 1 << 1,
	IMAP_FETCH_INTERNALDATE = 1 << 2,
	IMAP_FETCH_SIZE = 1 << 3, /* RFC822.SIZE */
	IMAP_FETCH_MODSEQ = 1 << 4,
	IMAP_FETCH_EMAILID = 1 << 5,
	IMAP_FETCH_GM_MSGID = 1 << 6,    /* X-GM-MSGID */
	IMAP_FETCH_HEADER = 1 << 7,      /* BODY.PEEK[HEADER] */
	IMAP_FETCH_BODY = 1 << 8,        /* BODY.PEEK[] */
	IMAP_FETCH_HEADER_PART = 1 << 9, /* answers alone: of HEADER, the
					  * first octets, where `partial` */
};

/* SEARCH RETURN options (RFC 4731), bits. */
enum imap_search_return {
	IMAP_RETURN_MIN = 1 << 0,
	IMAP_RETURN_MAX = 1 << 1,
	IMAP_RETURN_ALL = 1 << 2,
	IMAP_RETURN_COUNT = 1 << 3,
};

struct imap_strs {
	const struct str *items;
	size_t count;
};

struct imap_auth_args {
	struct str mechanism;
	bool has_initial;   /* RFC 4959; sent later where SASL-IR is missing */
	struct str initial; /* not base64; may be empty */
};

struct imap_login_args {
	struct str user;
	struct str password;
};

/* Name, value, name, value; a NULL ptr is NIL. None at all: ID NIL. */
struct imap_id_args {
	struct imap_strs pairs;
};

struct imap_list_args {
	struct str reference;
	struct imap_strs patterns; /* one at least */
	unsigned select_options;   /* enum imap_list_option */
	unsigned return_options;   /* enum imap_list_option */
	unsigned status_items;     /* enum imap_status_item */
};

struct imap_status_args {
	struct str mailbox;
	unsigned items; /* enum imap_status_item */
};

struct imap_create_args {
	struct str mailbox;
	unsigned roles; /* IMAP_ATTR_ROLES; 0 for a plain CREATE */
};

struct imap_rename_args {
	struct str from;
	struct str to;
};

struct imap_select_args {
	struct str mailbox;
	bool condstore;
	bool qresync;         /* with what follows */
	uint64_t uidvalidity; /* RFC 7162 section 3.2.5 */
	uint64_t modseq;
	struct str known_uids; /* empty: left out */
	struct str match_seqs; /* empty: left out, with match_uids */
	struct str match_uids;
};

struct imap_fetch_args {
	struct str set;
	unsigned items; /* enum imap_fetch_item */
	bool partial;   /* BODY.PEEK[]<offset.octets>; or [HEADER], alone */
	uint64_t offset;
	uint64_t octets;
	uint64_t changed_since; /* 0: left out (and never sent: it breaks) */
	bool vanished;          /* needs changed_since and QRESYNC */
};

enum imap_store_mode {
	IMAP_STORE_ADD,     /* +FLAGS */
	IMAP_STORE_REMOVE,  /* -FLAGS */
	IMAP_STORE_REPLACE, /* FLAGS */
};

struct imap_store_args {
	struct str set;
	enum imap_store_mode mode;
	bool silent;
	bool conditional; /* UNCHANGEDSINCE, which may be 0 */
	uint64_t unchanged_since;
	struct imap_strs flags;
};

struct imap_append_message {
	struct imap_strs flags;
	bool has_date;
	struct imap_date date;
	uint64_t octets;
	bool binary;     /* literal8 */
	bool utf8;       /* RFC 6855: 8-bit headers, as UTF8 (literal8) */
	struct str body; /* the parser's; the encoder ignores it */
};

struct imap_append_args {
	struct str mailbox;
	const struct imap_append_message *messages; /* one at least */
	size_t count; /* over 1 only with MULTIAPPEND */
};

struct imap_copy_args { /* COPY and MOVE */
	struct str set;
	struct str mailbox;
};

/* All that is set must hold; nothing set is ALL. */
struct imap_search_args {
	unsigned returns;  /* enum imap_search_return; 0: plain SEARCH */
	struct str uids;   /* UID set; empty: any */
	bool deleted;      /* DELETED */
	struct str header; /* HEADER field value; empty: none */
	struct str header_value;
	uint64_t modseq; /* MODSEQ; 0: none */
};

struct imap_command {
	enum imap_command_kind kind;
	union {
		struct imap_auth_args authenticate;
		struct imap_login_args login;
		struct imap_strs enable;
		struct imap_id_args id;
		struct imap_list_args list; /* and LSUB */
		struct imap_status_args status;
		struct imap_create_args create;
		struct str mailbox; /* DELETE, (UN)SUBSCRIBE */
		struct imap_rename_args rename;
		struct imap_select_args select; /* and EXAMINE */
		struct imap_fetch_args fetch;
		struct imap_store_args store;
		struct imap_append_args append;
		struct imap_copy_args copy; /* and MOVE */
		struct str set;             /* UID EXPUNGE */
		struct imap_search_args search;
	};
};

/*
 * One stretch of an encoded command. A command is one part, or several where
 * a literal has to wait for "+" or is given later by the caller; the last part
 * ends the command.
 */
struct imap_part {
	size_t end; /* where it ends in the text */
	bool sync;  /* after it: wait for "+" */
	bool given; /* after it: `octets` that the caller gives */
	uint64_t octets;
};

/* A command's text. All zeroes is valid; the caller clears it. */
struct imap_encoded {
	struct buf text; /* with tag and CRLF, without given octets */
	struct imap_part *parts;
	size_t count;
	size_t cap;
	bool secret; /* holds a password or SASL data: wiped when cleared */
};

/*
 * Appends `command` with `tag` to *out. `caps` decides between {n} and {n+};
 * `utf8` allows 8-bit bytes in quoted strings (UTF8=ACCEPT is enabled). It is
 * checked that flags, sets, mechanisms and capabilities are what they must be
 * (imap_is_flag() and so on): the caller has to look first at what comes from
 * outside.
 */
void imap_command_encode(const struct imap_command *command, struct str tag,
	const struct imap_caps *caps, bool utf8, struct imap_encoded *out);
void imap_encoded_clear(struct imap_encoded *encoded);

/*
 * Reads one command's text (a unit of reader.h, literals kept in it, CRLF at
 * its end). What *command_r points to is in `arena` or in `text`. On -1, *tag_r
 * is the tag if there was one (else empty), for the server's BAD.
 */
int imap_command_parse(struct arena *arena, struct str text, struct str *tag_r,
	struct imap_command *command_r, struct err *err);

/* "UID FETCH", "LIST"...: for messages. */
const char *imap_command_name(enum imap_command_kind kind);

/* Whether `s` is an atom: one that every server can read (RFC 3501). */
bool imap_is_atom(struct str s);

/* A keyword (an atom), or a backslash and an atom. */
bool imap_is_flag(struct str s);

/* A sequence-set's text, `*` allowed. */
bool imap_is_set(struct str s);

#endif
