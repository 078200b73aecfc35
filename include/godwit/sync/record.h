/*
 * Records: what the journal remembers, and the bytes that it becomes.
 *
 * The journal is a set of tables of byte strings (engine/ports/store.h). This
 * module names the tables and turns each kind of record into a key and a value
 * and back; godwit-journal(5) documents the same bytes. Keys are big-endian,
 * so that byte order is numeric order. Values open with a format byte; numbers
 * in them are varints, strings bear their length, and each record has exactly
 * one encoding.
 *
 * Decoding believes nothing: what is cut, overlong, out of its bounds, not in
 * canonical form or followed by more bytes is refused (false) and nothing of
 * it may be used. Names of files are checked there too, so that a damaged
 * journal cannot name a file outside its folder.
 *
 * Encoding aborts on what is not within the bounds below, but where they say
 * otherwise. Decoded strings borrow from the key or value that was decoded;
 * only a message's keywords go into an arena.
 *
 *	value: X_record_encode(&record, &buf)   X_record_decode(value, &record)
 *	key:   X_key(numbers...)                X_key_decode(key, &numbers...)
 */
#ifndef GODWIT_SYNC_RECORD_H
#define GODWIT_SYNC_RECORD_H

#include "godwit/base/arena.h"
#include "godwit/base/bytes.h"
#include "godwit/base/limits.h"
#include "godwit/mail/identity.h"
#include "godwit/sync/side.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of the tables all together: it grows when an older godwit must not use what
 * a newer one wrote. */
enum {
	JOURNAL_SCHEMA = 1,
};

/* The tables, by the numbers that the store knows them by. */
enum journal_table {
	JOURNAL_META,     /* name -> a value of its own kind */
	JOURNAL_MAILBOX,  /* mailbox -> mailbox_record */
	JOURNAL_MESSAGE,  /* mailbox, uid -> message_record */
	JOURNAL_NAME,     /* file name, mailbox, uid -> nothing */
	JOURNAL_IDENTITY, /* identity, mailbox, uid -> nothing */
	JOURNAL_KEYWORD,  /* mailbox, keyword id -> its name */
	JOURNAL_INTENT,   /* sequence -> intent_record */
	JOURNAL_TROUBLE,  /* mailbox, side, uid or name -> trouble_record */
	JOURNAL_HISTORY,  /* run, sequence -> history_record */
	JOURNAL_TABLES,   /* how many there are */
};

/* The name of a table for people and for LMDB: "message". */
const char *journal_table_name(enum journal_table table);

/* Bounds of what a record may hold. */
enum {
	/* The longest key: a name, a NUL, two numbers. */
	RECORD_KEY_BYTES_MAX = LIMIT_NAME_BYTES + 9,

	/* A mailbox's name in any of its three forms. Modified UTF-7 makes at
	 * most five bytes of one, escapes in a path three. */
	RECORD_MAILBOX_NAME_BYTES_MAX = 8 * LIMIT_MAILBOX_NAME_BYTES,

	/* MAILBOXID (RFC 8474 section 7: 255). Longer ones are left out when
	 * encoded. */
	RECORD_OBJECT_ID_BYTES_MAX = 255,

	/* A hash of a certificate: SHA-512's length at most. */
	RECORD_CERTIFICATE_BYTES_MAX = 64,

	/* Capabilities; all words that godwit knows take half of it. */
	RECORD_CAPS_BYTES_MAX = 4096,

	/* Text for people. Longer ones, and longer mailbox names of a
	 * history_record, are cut when encoded. */
	RECORD_TEXT_BYTES_MAX = 1024,
};

/* A key, ready to be used. */
struct record_key {
	size_t len;
	char bytes[RECORD_KEY_BYTES_MAX];
};

/* The key's bytes, borrowed from *key. */
struct str record_key_str(const struct record_key *key);

/* ---- META: the journal as a whole ---------------------------------------- */

/* The keys of META. */
#define META_SCHEMA       STR("schema")       /* number_encode() */
#define META_ACCOUNT      STR("account")      /* account_fingerprint() */
#define META_ROOT         STR("root")         /* root_record */
#define META_SERVER       STR("server")       /* server_record */
#define META_NEXT_MAILBOX STR("next-mailbox") /* number_encode() */
#define META_UNBOUND      STR("unbound")      /* unbound_record */

/* The Maildir root that the last run saw. */
struct root_record {
	uint64_t device;
	uint64_t inode;
};

/* Channel bindings that the server offered and refused. */
enum {
	UNBOUND_TLS_UNIQUE = 1,
	UNBOUND_TLS_EXPORTER = 2,
};

struct unbound_record {
	unsigned bindings;      /* of these, bits */
	struct str certificate; /* its tls-server-end-point (RFC 5929 4) */
	int64_t until_s;        /* before when they are not tried again */
};

/* Bits of a server's marks. They are stored. */
enum server_mark {
	SERVER_MARK_BEFORE = 1 << 0,         /* `before` is known */
	SERVER_MARK_AFTER = 1 << 1,          /* `after` is known */
	SERVER_MARK_GREETING_TELLS = 1 << 2, /* the greeting names `before` */
	SERVER_MARK_LOGIN_TELLS = 1 << 3,    /* the login's OK names `after` */
	SERVER_MARK_AUTH_ALONE = 1 << 4,     /* it must not be followed */
	SERVER_MARK_LIMITED = 1 << 5,        /* it refused connections */
};

/* What the last login taught, so that the next one need not ask first. */
struct server_record {
	uint64_t address;  /* server_address() */
	uint32_t marks;    /* bits of enum server_mark */
	struct str before; /* capabilities before the login, spaces between */
	struct str after;  /* and after it */
	int64_t held_s;    /* when it did not bear commands sent ahead; or 0 */
	uint32_t connections; /* if LIMITED: so many it granted, at least 1, */
	int64_t limited_s;    /* and when that was; else 0 */
};

/* A single number as a value. */
void number_encode(uint32_t number, struct buf *value);
bool number_decode(struct str value, uint32_t *number_r);

void root_record_encode(const struct root_record *record, struct buf *value);
bool root_record_decode(struct str value, struct root_record *record_r);

/* The certificate has 1 to RECORD_CERTIFICATE_BYTES_MAX bytes; decoded, it is
 * borrowed from the value. */
void unbound_record_encode(
	const struct unbound_record *record, struct buf *value);
bool unbound_record_decode(struct str value, struct unbound_record *record_r);

void server_record_encode(
	const struct server_record *record, struct buf *value);
bool server_record_decode(struct str value, struct server_record *record_r);

/* A hash of the text that says which server, as whom, and how. */
uint64_t server_address(struct str text);

/*
 * Appends the text that tells one account from another: "USER@SERVER", the
 * server without its port, in lower case, without a final dot. Port, TLS and
 * mechanism do not count: the same mailboxes are reached by each of them.
 * Where `server` is empty its place takes a hash of the `tunnel` command, which
 * is then all that names the server.
 */
void account_fingerprint(struct str user, struct str server, struct str tunnel,
	struct buf *text);

/* ---- MAILBOX ------------------------------------------------------------- */

/* Whether the two sides are kept in step. These numbers are stored. */
enum mailbox_state {
	MAILBOX_ATTACHED = 0,
	MAILBOX_DETACHED_SERVER_GONE = 1, /* removed there, kept here */
	MAILBOX_DETACHED_LOCAL_GONE = 2,  /* removed here, kept there */
	MAILBOX_STATES,
};

/* Roles (RFC 6154, RFC 8457), as bits that are stored. */
enum mailbox_use {
	MAILBOX_USE_ALL = 1 << 0,
	MAILBOX_USE_ARCHIVE = 1 << 1,
	MAILBOX_USE_DRAFTS = 1 << 2,
	MAILBOX_USE_FLAGGED = 1 << 3,
	MAILBOX_USE_IMPORTANT = 1 << 4,
	MAILBOX_USE_JUNK = 1 << 5,
	MAILBOX_USE_SENT = 1 << 6,
	MAILBOX_USE_TRASH = 1 << 7,
};

/* What a folder looked like when its content was last known: equal stamps
 * mean that no name in it has changed. All zeroes: never seen. */
struct dir_stamp {
	uint64_t inode;
	int64_t mtime_ns;
	int64_t ctime_ns;
};

/*
 * The base of one mailbox. Everything from uidvalidity down is what both sides
 * were when it was last settled; uidvalidity 0 says that it never was. Of the
 * server's messages below uidnext, MESSAGE speaks as of highestmodseq or later.
 */
struct mailbox_record {
	enum mailbox_state state;
	struct str name;        /* local, canonical: levels parted by '/' */
	struct str server_name; /* the server's, canonical */
	struct str wire_name;   /* the server's, as it travels */
	struct str object_id;   /* MAILBOXID, or empty */
	uint32_t special_use;   /* bits of enum mailbox_use */
	uint64_t folder_inode;  /* of the folder's cur/, to know it again */
	uint32_t uidvalidity;
	uint32_t uidnext;
	uint64_t highestmodseq; /* 0: the server keeps none */
	uint32_t messages;      /* how many the server had */
	struct dir_stamp stamp_cur;
	struct dir_stamp stamp_new;
	uint64_t policy_hash; /* of the settings it was settled under */
	int64_t settled_s;    /* when, since 1970 UTC */
	unsigned alike;       /* mask of SIDE_BIT: LOCAL, REMOTE had just the
			       * messages and flags of MESSAGE then */
	uint32_t files;       /* how many messages the Maildir had */
	uint64_t told_modseq; /* the HIGHESTMODSEQ told then, where that is not
			       * proof enough to be highestmodseq; or 0 */
};

/* Forgets what the two sides were: the next run looks at all of them. */
void mailbox_record_unsettle(struct mailbox_record *record);

struct record_key mailbox_key(uint32_t mailbox);
bool mailbox_key_decode(struct str key, uint32_t *mailbox_r);
void mailbox_record_encode(
	const struct mailbox_record *record, struct buf *value);
bool mailbox_record_decode(struct str value, struct mailbox_record *record_r);

/* ---- MESSAGE, and its indexes NAME and IDENTITY -------------------------- */

/* The base of one message: what both sides agreed upon. */
struct message_record {
	uint32_t flags;           /* bits of enum flag (mail/flags.h) */
	const uint16_t *keywords; /* keyword ids, rising */
	size_t keyword_count;
	struct str name; /* the file's, up to its ":2," */
	struct identity identity;
	int64_t internaldate_s; /* since 1970 UTC */
	int16_t zone_min;       /* minutes east of UTC, as the server says */
	bool stored_raw;        /* the file holds its CRLFs as they came */
	uint64_t email_key;     /* identity_email_key(), or 0 */
};

/* The first four bytes of it, mailbox_key(), are the prefix of a mailbox's. */
struct record_key message_key(uint32_t mailbox, uint32_t uid);
bool message_key_decode(struct str key, uint32_t *mailbox_r, uint32_t *uid_r);
void message_record_encode(
	const struct message_record *record, struct buf *value);
bool message_record_decode(
	struct str value, struct arena *arena, struct message_record *record_r);

/* Fills in no more than flags, keywords, name and stored_raw, and looks no
 * further. */
bool message_record_begin(
	struct str value, struct arena *arena, struct message_record *record_r);

/* Whether `name` can be a file's: 1 to 255 bytes, no '/', no NUL, not "." or
 * "..". What the journal stores as a name is such a one. */
bool record_name_valid(struct str name);

/* All keys of one name start with name_prefix(); values are empty. */
struct record_key name_prefix(struct str name);
struct record_key name_key(struct str name, uint32_t mailbox, uint32_t uid);
bool name_key_decode(struct str key, struct str *name_r, uint32_t *mailbox_r,
	uint32_t *uid_r);

/* All keys of one identity start with identity_prefix(); values are empty. */
struct record_key identity_prefix(const struct identity *identity);
/* Those of all identities of one size start with this. */
struct record_key identity_size_prefix(uint64_t bytes);
struct record_key identity_key(
	const struct identity *identity, uint32_t mailbox, uint32_t uid);
bool identity_key_decode(struct str key, struct identity *identity_r,
	uint32_t *mailbox_r, uint32_t *uid_r);

/* ---- KEYWORD: the value is the keyword's name (mail/keywords.h) ---------- */

struct record_key keyword_key(uint32_t mailbox, uint16_t keyword);
bool keyword_key_decode(
	struct str key, uint32_t *mailbox_r, uint16_t *keyword_r);

/* ---- INTENT: what was about to be asked of the server -------------------- */

/* These numbers are stored. */
enum intent_kind {
	INTENT_APPEND = 0,
	INTENT_COPY = 1,
	INTENT_MOVE = 2,
	INTENT_KINDS,
};

/* An operation that must not be sent twice. Its effect, if it had one, is
 * among the UIDs of `mailbox` from `uidnext` on. */
struct intent_record {
	enum intent_kind kind;
	uint32_t mailbox;         /* where the message goes */
	uint32_t uidvalidity;     /* of it, before */
	uint32_t uidnext;         /* of it, before */
	struct identity identity; /* of the message */
	struct str name;          /* of its file, up to ":2,"; or empty */
	uint32_t source_mailbox;  /* COPY and MOVE; else 0 */
	uint32_t source_uid;      /* likewise */
};

struct record_key intent_key(uint64_t sequence);
bool intent_key_decode(struct str key, uint64_t *sequence_r);
void intent_record_encode(
	const struct intent_record *record, struct buf *value);
bool intent_record_decode(struct str value, struct intent_record *record_r);

/* ---- TROUBLE: what could not be synced, and when it is tried again ------- */

/*
 * What is in trouble: on the server (REMOTE) the message `uid` (0: the mailbox
 * itself), in the Maildir (LOCAL) the file `name` (empty: the folder itself).
 * The other of the two is 0 or empty.
 */
struct trouble_key {
	uint32_t mailbox;
	enum side side; /* LOCAL or REMOTE, stored as 0 and 1 */
	uint32_t uid;
	struct str name; /* up to its ":2,"; decoded ones borrow from the key */
};

struct trouble_record {
	struct str reason; /* a sentence */
	uint32_t tries;    /* failed ones, at least 1 */
	int64_t first_s;   /* the first failure, since 1970 UTC */
	int64_t next_s;    /* not before this is it tried again */
};

struct record_key trouble_key_encode(const struct trouble_key *trouble);
bool trouble_key_decode(struct str key, struct trouble_key *trouble_r);
void trouble_record_encode(
	const struct trouble_record *record, struct buf *value);
bool trouble_record_decode(struct str value, struct trouble_record *record_r);

/* ---- HISTORY: what each run did ------------------------------------------ */

/* These numbers are stored. */
enum history_kind {
	HISTORY_BEGIN = 0,  /* a run began; text: the command line's words */
	HISTORY_END = 1,    /* it ended: status, counts */
	HISTORY_ADD = 2,    /* a message was copied to `side` */
	HISTORY_REMOVE = 3, /* removed from `side` */
	HISTORY_MOVE = 4,   /* moved on `side`, from mailbox to `to` */
	HISTORY_COPY = 5,   /* copied on `side`, from mailbox to `to` */
	HISTORY_FLAG = 6,   /* flags or keywords changed on `side` */
	HISTORY_CREATE = 7, /* a mailbox was made on `side` */
	HISTORY_DELETE = 8, /* a mailbox was removed from `side` */
	HISTORY_RENAME = 9, /* a mailbox was renamed on `side`, to `to` */
	HISTORY_KEEP = 10,  /* no rule fitted, or a conflict: text says */
	HISTORY_FAIL = 11,  /* something could not be synced: text says */
	HISTORY_KINDS,
};

/* What was done to one side. */
struct history_counts {
	uint64_t added;
	uint64_t removed;
	uint64_t moved;
	uint64_t copied;
	uint64_t flagged;
};

/* How a run ended. */
struct history_end {
	uint32_t status; /* the exit status */
	uint32_t mailboxes;
	uint32_t dirty;                /* of these */
	struct history_counts done[2]; /* to LOCAL, to REMOTE */
	uint64_t bytes_in;
	uint64_t bytes_out;
	uint64_t conflicts;
	uint64_t errors;
	uint64_t duration_ms;
};

struct history_record {
	enum history_kind kind;
	enum side side;         /* where it was done: LOCAL or REMOTE */
	struct str mailbox;     /* server_name of it, or empty */
	struct str to;          /* likewise */
	uint32_t uid;           /* on the server, or 0 */
	struct str name;        /* the file's, up to ":2,", or empty */
	struct str text;        /* why */
	struct history_end end; /* all zeroes but for HISTORY_END */
};

/* A run is named by its start in milliseconds since 1970 UTC. */
struct record_key history_key(uint64_t run_ms, uint32_t sequence);
bool history_key_decode(
	struct str key, uint64_t *run_ms_r, uint32_t *sequence_r);
void history_record_encode(
	const struct history_record *record, struct buf *value);
bool history_record_decode(struct str value, struct history_record *record_r);

#endif
