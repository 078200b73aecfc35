/*
 * Responses: what a server says, as plain values.
 *
 * One unit of reader.h in, one struct imap_response out; bodies of messages
 * come as BODY_BEGIN, CHUNK and END before their FETCH. As tolerant as the
 * servers in the field need, each tolerance with the server's name beside it in
 * response.c; what is unknown is skipped and reported as OTHER. It keeps no
 * state between responses and judges nothing but syntax: that is session.h.
 */
#ifndef GODWIT_IMAP_RESPONSE_H
#define GODWIT_IMAP_RESPONSE_H

#include "godwit/base/arena.h"
#include "godwit/base/err.h"
#include "godwit/imap/caps.h"
#include "godwit/imap/command.h"
#include "godwit/imap/date.h"
#include "godwit/imap/reader.h"
#include "godwit/imap/set.h"

enum imap_response_kind {
	IMAP_RESPONSE_OTHER = 1,  /* unknown: skipped */
	IMAP_RESPONSE_TAGGED,     /* tag, condition */
	IMAP_RESPONSE_CONDITION,  /* untagged OK, NO, BAD, PREAUTH, BYE */
	IMAP_RESPONSE_CONTINUE,   /* "+": text */
	IMAP_RESPONSE_CAPABILITY, /* caps */
	IMAP_RESPONSE_ENABLED,    /* words (Courier: may be none) */
	IMAP_RESPONSE_LIST,       /* list; also of LSUB and XLIST */
	IMAP_RESPONSE_STATUS,     /* status */
	IMAP_RESPONSE_NAMESPACE,  /* namespaces */
	IMAP_RESPONSE_ID,         /* words: name, value, name, value */
	IMAP_RESPONSE_FLAGS,      /* words */
	IMAP_RESPONSE_EXISTS,     /* number */
	IMAP_RESPONSE_RECENT,     /* number */
	IMAP_RESPONSE_EXPUNGE,    /* number: a sequence number */
	IMAP_RESPONSE_VANISHED,   /* vanished */
	IMAP_RESPONSE_FETCH,      /* fetch: the end of a FETCH (or UIDFETCH) */
	IMAP_RESPONSE_BODY_BEGIN, /* body */
	IMAP_RESPONSE_BODY_CHUNK, /* text: bytes of the body, lent */
	IMAP_RESPONSE_BODY_END,
	IMAP_RESPONSE_SEARCH,  /* search, `all` only */
	IMAP_RESPONSE_ESEARCH, /* search */
};

enum imap_condition {
	IMAP_OK = 1,
	IMAP_NO,
	IMAP_BAD,
	IMAP_PREAUTH,
	IMAP_BYE,
};

/* Response codes, RFC 3501, 4315, 5530, 7162, 8474, 9051 and servers' own. */
enum imap_code_kind {
	IMAP_CODE_NONE,
	IMAP_CODE_OTHER, /* unknown: its name is kept */
	IMAP_CODE_ALERT,
	IMAP_CODE_ALREADYEXISTS,
	IMAP_CODE_APPENDUID, /* uidvalidity, uids in the server's order */
	IMAP_CODE_AUTHENTICATIONFAILED,
	IMAP_CODE_AUTHORIZATIONFAILED,
	IMAP_CODE_BADCHARSET,
	IMAP_CODE_CANNOT,
	IMAP_CODE_CAPABILITY, /* caps */
	IMAP_CODE_CLIENTBUG,
	IMAP_CODE_CLOSED, /* the mailbox selected before is gone */
	IMAP_CODE_COMPRESSIONACTIVE,
	IMAP_CODE_CONTACTADMIN,
	IMAP_CODE_COPYUID, /* uidvalidity, source, uids, both in order */
	IMAP_CODE_CORRUPTION,
	IMAP_CODE_EXPIRED,
	IMAP_CODE_EXPUNGEISSUED,
	IMAP_CODE_HASCHILDREN,
	IMAP_CODE_HIGHESTMODSEQ, /* number */
	IMAP_CODE_INUSE,
	IMAP_CODE_LIMIT,
	IMAP_CODE_MAILBOXID, /* id */
	IMAP_CODE_MESSAGELIMIT,
	IMAP_CODE_MODIFIED, /* uids, settled */
	IMAP_CODE_NOMODSEQ,
	IMAP_CODE_NONEXISTENT,
	IMAP_CODE_NOPERM,
	IMAP_CODE_OVERQUOTA,
	IMAP_CODE_PARSE,
	IMAP_CODE_PERMANENTFLAGS, /* words */
	IMAP_CODE_PRIVACYREQUIRED,
	IMAP_CODE_READ_ONLY,
	IMAP_CODE_READ_WRITE,
	IMAP_CODE_SERVERBUG,
	IMAP_CODE_THROTTLED, /* Gmail: also at the end of the line */
	IMAP_CODE_TOOBIG,
	IMAP_CODE_TRYCREATE,
	IMAP_CODE_UIDNEXT, /* number */
	IMAP_CODE_UIDNOTSTICKY,
	IMAP_CODE_UIDVALIDITY, /* number: up to 64 bits (Roundcube 9437) */
	IMAP_CODE_UNAVAILABLE,
	IMAP_CODE_UNKNOWN_CTE,
	IMAP_CODE_UNSEEN, /* number */
	IMAP_CODE_USEATTR,
};

struct imap_code {
	enum imap_code_kind kind;
	struct str name; /* as spelled */
	uint64_t number;
	uint64_t uidvalidity;
	const struct imap_set *source; /* a list: see set.h, push */
	const struct imap_set *uids;
	struct imap_strs words;
	const struct imap_caps *caps;
	struct str id;
};

/* An OK, NO, BAD, PREAUTH or BYE. */
struct imap_status_line {
	enum imap_condition condition;
	struct imap_code code;
	struct str text; /* for people; may be empty */
};

struct imap_list {
	bool lsub;      /* of LSUB: \Noselect then means "not subscribed" */
	unsigned attrs; /* enum imap_list_attr */
	char delimiter; /* '\0': none (NIL) */
	struct str name;
};

struct imap_status {
	struct str name;
	unsigned present; /* enum imap_status_item: which of these came */
	uint64_t messages;
	uint64_t uidnext;
	uint64_t uidvalidity;
	uint64_t unseen;
	uint64_t recent;
	uint64_t highestmodseq;
	uint64_t size;
	uint64_t deleted;
	uint64_t append_limit;
	struct str mailboxid;
};

struct imap_namespace {
	struct str prefix;
	char delimiter; /* '\0': none */
};

enum imap_namespace_kind {
	IMAP_NAMESPACE_PERSONAL,
	IMAP_NAMESPACE_OTHERS,
	IMAP_NAMESPACE_SHARED,
	IMAP_NAMESPACE_KINDS,
};

struct imap_namespaces {
	const struct imap_namespace *items[IMAP_NAMESPACE_KINDS];
	size_t count[IMAP_NAMESPACE_KINDS];
};

struct imap_fetch {
	uint32_t seq;     /* 0: Courier, on a change of flags; a UIDFETCH */
	unsigned present; /* enum imap_fetch_item: which of these came */
	uint32_t uid;
	struct imap_strs flags;
	struct imap_date date; /* absent when it could not be read */
	uint64_t size;
	uint64_t modseq;
	uint64_t gm_msgid;
	struct str emailid;
	struct str header;      /* whole; empty when not_kept or NIL */
	struct str header_part; /* its first octets; all, if fewer came */
	bool header_nil;        /* HEADER came as NIL: no such message */
	bool header_not_kept;   /* over LIMIT_LITERAL_MEMORY_BYTES */
	bool body_nil;          /* BODY came as NIL: it is gone (Dovecot) */
	uint64_t body_bytes;    /* how many CHUNKs gave */
};

struct imap_body {
	uint64_t octets; /* announced */
	bool partial;    /* BODY[]<offset> */
	uint64_t offset;
	bool binary;  /* came as a literal8 (Cyrus, for NULs) */
	uint32_t uid; /* 0: not yet known (Exchange says it later) */
	uint32_t seq;
};

struct imap_vanished {
	bool earlier;
	const struct imap_set *uids;
};

struct imap_search {
	unsigned present; /* enum imap_search_return */
	bool uid;         /* numbers are UIDs (ESEARCH says so) */
	uint32_t min;
	uint32_t max;
	uint64_t count;
	const struct imap_set *all; /* settled; never NULL */
	uint64_t modseq;            /* 0: none */
	struct str tag;             /* ESEARCH's correlator, or empty */
};

struct imap_response {
	enum imap_response_kind kind;
	struct str tag; /* TAGGED */
	union {
		struct imap_status_line line; /* TAGGED, CONDITION */
		struct str text;              /* CONTINUE, BODY_CHUNK */
		const struct imap_caps *caps;
		struct imap_strs words; /* ENABLED, ID, FLAGS */
		struct imap_list list;
		struct imap_status status;
		struct imap_namespaces namespaces;
		uint32_t number; /* EXISTS, RECENT, EXPUNGE */
		struct imap_vanished vanished;
		struct imap_fetch fetch;
		struct imap_body body;
		struct imap_search search;
	};
};

enum imap_parse {
	IMAP_PARSE_RESPONSE, /* *response_r is filled */
	IMAP_PARSE_MORE,     /* lend more bytes */
	IMAP_PARSE_FAILED,   /* err is set */
};

struct imap_parser;

struct imap_parser *imap_parser_new(void);
void imap_parser_free(struct imap_parser **parser);

/* Lends bytes until imap_parser_next() answers MORE or FAILED. */
void imap_parser_lend(struct imap_parser *parser, struct str bytes);

/* The next response; what it points to is valid until the next call. */
enum imap_parse imap_parser_next(struct imap_parser *parser,
	struct imap_response *response_r, struct err *err);

/* As imap_reader_cut(). */
void imap_parser_cut(struct imap_parser *parser, struct buf *rest);

#endif
