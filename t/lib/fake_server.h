/*
 * An IMAP server in memory, made of our own codec: for the simulator.
 *
 * It speaks what its capability mask says and no more: a command, an item or a
 * parameter that the mask hides is answered BAD, and so is whatever a client
 * must not say; each BAD leaves a line in `complaints`, which a test wants to
 * be empty. It can be as odd as real servers are (struct fake_oddities, each
 * with who does it). Masks and oddities go together in any way; whole servers
 * of the field are rows of a table (fake_server_pose()).
 *
 * Its mailboxes are plain data that a test may read, and flags may be written:
 * a change is noted, with a mod-sequence of its own, before the next command.
 * What changes them is a step of fate when a session's command does it, and
 * none when another client does it (the calls of this header, at once or
 * planned for a later command).
 * When the machine dies at a server's step, `death` says what the server still
 * got to know; its own memory is durable always.
 *
 * The wire is fake_net.h's: here are bytes in and bytes out.
 */
#ifndef GODWIT_T_LIB_FAKE_SERVER_H
#define GODWIT_T_LIB_FAKE_SERVER_H

#include "fate.h"
#include "godwit/base/bytes.h"
#include "godwit/imap/caps.h"
#include "godwit/imap/command.h"

/* A message's flags: these bits, and from FAKE_KEYWORD on its mailbox's
 * keywords. */
enum fake_flag {
	FAKE_ANSWERED = 1 << 0,
	FAKE_FLAGGED = 1 << 1,
	FAKE_DELETED = 1 << 2,
	FAKE_SEEN = 1 << 3,
	FAKE_DRAFT = 1 << 4,
	FAKE_SYSTEM = 31,
	FAKE_KEYWORD = 5, /* the number of the first keyword's bit */
};

enum {
	FAKE_KEYWORDS_MAX = 48,
	FAKE_FOR_EVER = 1 << 30,
};

struct fake_message {
	uint32_t uid;
	uint64_t flags;
	uint64_t flags_noted; /* those that `modseq` speaks of */
	uint64_t modseq;
	uint64_t object; /* EMAILID and X-GM-MSGID are made of it: equal where
			  * the bytes are, and in copies */
	struct imap_date date;
	struct buf body;
	int64_t size_lie;  /* what RFC822.SIZE adds to the truth */
	unsigned refusals; /* so many FETCHes of its body get NO */
	unsigned mute;     /* so many of its header get NO */
	unsigned hollow;   /* so many of its body give an empty one */
	unsigned torn;     /* so many give a part, more of it each time */
	unsigned cuts;     /* so many of its body end the session half way, */
	size_t cut_bytes;  /* or after so many bytes, if not 0 */
};

/* A message that was expunged. */
struct fake_expunged {
	uint32_t uid;
	uint64_t modseq;
};

struct fake_mailbox {
	const struct fake_server *server;
	char *name;  /* as on the wire */
	uint64_t id; /* MAILBOXID is made of it */
	uint32_t uidvalidity;
	uint32_t uidnext;
	uint64_t highestmodseq;
	struct fake_expunged *journal; /* under this UIDVALIDITY, in order */
	size_t journal_count;
	size_t journal_cap;
	uint64_t journal_from; /* expunges up to here are forgotten */
	bool modseq_used;      /* CONDSTORE was used here (lazy_modseq) */

	/* What is told is not what is: added to it wherever it is told. */
	int64_t modseq_lie;   /* HIGHESTMODSEQ */
	int64_t uidnext_lie;  /* UIDNEXT */
	int64_t messages_lie; /* STATUS's MESSAGES (Gmail: chats) */

	struct fake_message *messages; /* by rising UID */
	size_t count;
	size_t cap;
	unsigned attrs; /* enum imap_list_attr */
	bool subscribed;
	char *was; /* a name of before that is still subscribed to, or NULL */
	bool removed;        /* for the sessions that had it selected */
	bool fixed_keywords; /* PERMANENTFLAGS lacks \*: those there are, only
			      */
	bool read_only;
	bool unlisted;       /* LIST and LSUB leave it out */
	bool kills;          /* STATUS ends the session */
	const char *refuses; /* STATUS and SELECT get this NO, if not NULL */
	bool nomodseq;       /* mod-sequences are not kept here */
	char *keywords[FAKE_KEYWORDS_MAX]; /* first spellings */
	size_t keyword_count;
};

/* The letter of FAKE_GONE_MADE_UP. */
#define FAKE_MADE_UP "From: The server\r\n\r\nIt is gone.\r\n"

/* What a FETCH gives of a message that another client expunged, as long as the
 * session was not told. */
enum fake_gone {
	FAKE_GONE_NOTHING,
	FAKE_GONE_NIL,     /* BODY[] NIL (Dovecot) */
	FAKE_GONE_MADE_UP, /* a letter of the server's own (Courier) */
	FAKE_GONE_NO,      /* nothing, and NO [EXPUNGEISSUED] */
};

/* What a FETCH of a part of a body gives instead. */
enum fake_rest {
	FAKE_REST_RIGHT,
	FAKE_REST_WHOLE,   /* all of it, as if nothing else had been asked */
	FAKE_REST_FRONT,   /* as much, from the beginning */
	FAKE_REST_SHIFTED, /* from a little before */
	FAKE_REST_SHORT,   /* all but the end */
	FAKE_REST_RENAMED, /* the right bytes, said to be others */
	FAKE_REST_EMPTY,
	FAKE_REST_NO,  /* the answer is NO */
	FAKE_REST_BYE, /* it ends the session */
	FAKE_RESTS,
};

/* How a connection too many is refused. */
enum fake_refusal {
	FAKE_REFUSAL_GREETING, /* BYE at once */
	FAKE_REFUSAL_LIMIT,    /* LOGIN: NO [LIMIT]; BYE where there is none */
	FAKE_REFUSAL_BYE,      /* LOGIN: BYE (Gmail); the same */
	FAKE_REFUSAL_LATE,     /* BYE after some commands */
};

/* All zeroes is the good citizen. */
struct fake_oddities {
	enum fake_gone gone;
	enum fake_rest rest;
	bool late_expunge;     /* told with NOOP only */
	bool early_expunge;    /* told at any moment that RFC 3501 allows */
	bool tells_at_last;    /* what has changed, when a SELECT leaves it */
	bool no_uidnext;       /* not with SELECT (Courier) */
	bool no_permanent;     /* PERMANENTFLAGS is not said */
	bool adds_final_crlf;  /* to what is appended (Courier) */
	bool adds_header;      /* likewise (Exchange) */
	bool makes_crlf;       /* of bare LFs that are appended (Dovecot) */
	bool shuffles;         /* the answers to a FETCH (o2.pl) */
	bool uid_last;         /* behind the body (Exchange) */
	bool hides_appended;   /* until NOOP, from the session (Exchange) */
	bool shows_recent;     /* \Recent, now and then */
	bool talkative;        /* FETCH of flags, OK, EXISTS for no reason */
	bool asks_caps;        /* names no capabilities unless asked */
	bool no_answer;        /* says nothing any more */
	bool refuses_logins;   /* all of them */
	bool login_tells;      /* the answer to LOGIN names capabilities */
	bool drops_ahead;      /* loses what was sent behind a login before its
				* answer (proxies) */
	bool muddles_ahead;    /* likewise, and says BAD to what is left of it
				* (Cyrus, after AUTHENTICATE) */
	const char *says;      /* lines, said with every command while a mailbox
				* is selected; NULL: none */
	const char *lists;     /* likewise, with every LIST */
	unsigned patience;     /* ends a session after so many commands; or 0 */
	const char *says_last; /* lines, said before each tagged answer */
	bool keeps_one;        /* of equal messages, and says its UID (Gmail) */
	unsigned append_drops; /* so many APPENDs only get a UID (Gmail) */
	unsigned append_forgets; /* flags that APPEND loses (Exchange) */
	unsigned store_forgets;  /* flags that STORE does, though listed */
	unsigned exists_lies;    /* so many SELECTs tell one message too many */
	unsigned exists_none;    /* so many tell no messages at all */
	unsigned listing_gaps;   /* so many FETCHes of flags pass one over */
	unsigned header_gaps;    /* so many FETCHes of headers do */
	bool headers_twice;      /* FETCHes of headers tell each one twice */
	bool headers_whole;      /* also where a part is asked for */

	/* UIDs and mod-sequences. */
	bool one_uidvalidity;   /* it is told as 1 always (DavMail) */
	bool zero_uidvalidity;  /* or as 0 */
	bool renames_renumber;  /* RENAME changes UIDVALIDITY (Courier) */
	bool own_objects;       /* equal bytes are not one EMAILID */
	bool lazy_modseq;       /* HIGHESTMODSEQ is not told, and nothing is
				 * remembered, until CONDSTORE is first used
				 * in the mailbox (Dovecot) */
	bool modseq_ahead;      /* HIGHESTMODSEQ counts what is planned for
				 * the mailbox and not seen yet (Gmail) */
	bool modseq_unasked;    /* HIGHESTMODSEQ without CONDSTORE (Yahoo) */
	bool hides_modseq;      /* STORE and MOVE tell none (Cyrus) */
	bool ignores_unchanged; /* UNCHANGEDSINCE is no condition */
	bool bad_unchanged;     /* it is BAD, although there is CONDSTORE */
	bool modified_numbers;  /* MODIFIED names sequence numbers, not UIDs */
	bool modified_no;       /* it comes with NO (RFC 7162, example 11) */
	unsigned modified_all;  /* so many STOREs with it do nothing and name
				 * all messages */
	bool ignores_since;     /* CHANGEDSINCE gives all, without MODSEQ
				 * (SmarterMail) */
	bool enables_nothing;   /* ENABLE is OK and does nothing (iCloud) */
	bool vanished_pieces;   /* a VANISHED for each UID */
	unsigned blind_expunge; /* so many UID EXPUNGEs do nothing, nor do those
				 * after them before SELECT (Dovecot, where
				 * others have made a keyword) */
	unsigned vanished_gaps; /* so many VANISHED leave one UID out */
	unsigned vanished_all;  /* so many VANISHED (EARLIER) name every UID
				 * that was asked about (Nextcloud 11908) */
	unsigned window;        /* only so many of the newest messages are
				 * there, but for UIDONLY (Yahoo) */

	bool tells_renumbering; /* an OK [UIDVALIDITY] in the middle */
	/* Told in place of the truth; NULL, or 0: the truth is. */
	const char *uidnext; /* by SELECT */
	const char *uidvalidity;
	const char *copyuid; /* and nothing is copied */
	uint32_t appenduid;

	/* Answers. */
	bool fetches_twice;   /* each answer to a FETCH comes twice */
	bool copies_one;      /* the first of a COPY, and no COPYUID */
	bool no_roles;        /* CREATE refuses them (RFC 6154 3) */
	bool empty_status;    /* STATUS tells nothing (163.com) */
	unsigned status_gaps; /* so many STATUS of LIST are left out */
	bool search_mute;     /* nothing found: no SEARCH line (iCloud) */
	bool esearch_plain;   /* ESEARCH is answered by SEARCH (Cyrus 2.4) */
	bool no_copyuid;      /* although there is UIDPLUS */
	unsigned half_moves;  /* so many MOVEs stop half way with NO */
	unsigned half_batch;  /* so many APPENDs of several messages do */
	size_t quota;         /* messages of a mailbox; 0: any number */
	bool limits;          /* bodies are given only for bodies_left more */
	unsigned bodies_left; /* then it is NO [LIMIT] (Yahoo) */
	bool batch_backwards; /* these store the last message first */

	/* Connections. */
	unsigned sessions_max; /* more are refused; 0: any number */
	enum fake_refusal refusal;
	unsigned login_bytes_max; /* more than that ahead of the login's answer:
				   * BYE (Dovecot, about 1500); 0: any number */
};

/* What a server still gets to know of a client that dies at one of its steps.
 */
enum fake_death {
	FAKE_DEATH_BEFORE, /* not the command of that step */
	FAKE_DEATH_AFTER,  /* that command, but the answer is lost */
	FAKE_DEATH_DRAIN,  /* all that was sent, at whichever step it died */
};

enum fake_act {
	FAKE_APPENDS,
	FAKE_EXPUNGES,
	FAKE_TOGGLES,     /* `flags` */
	FAKE_CREATES,     /* `mailbox` */
	FAKE_DELETES,     /* `mailbox` */
	FAKE_RENAMES,     /* to `to`, with what is below */
	FAKE_RENUMBERS,   /* new UIDVALIDITY, new UIDs */
	FAKE_DISCONNECTS, /* every session */
	FAKE_COPIES,      /* to `to` */
	FAKE_MOVES,       /* to `to` */
};

/* Something that another client does. */
struct fake_action {
	enum fake_act act;
	const char *mailbox;
	const char *to;
	size_t message; /* index, modulo their count */
	uint64_t flags;
	struct str body;
	struct imap_date date;
};

struct fake_plan; /* its own */

struct fake_server {
	struct fate *fate;
	struct imap_caps caps;
	char delimiter;
	const char *prefix; /* of the personal namespace: "" or "INBOX." */
	bool login; /* the greeting is OK, not PREAUTH; user "u", "secret" */
	struct fake_oddities odd;
	enum fake_death death;
	struct fake_mailbox **mailboxes;
	size_t count;
	size_t cap;
	struct fake_mailbox **removed; /* for sessions that hold them */
	size_t removed_count;
	size_t removed_cap;
	uint32_t uidvalidity_last;
	uint64_t id_last;

	/* The connection ends after this response of the server's; 0: never.
	 * Half of it, if so wanted. */
	uint64_t cut_at;
	bool cut_half;
	bool no_is_coded; /* no_at: with [UNAVAILABLE] */
	size_t cut_bytes; /* not the half, but so many; or 0 */

	/* This command is answered with NO and not carried out; 0: none. A
	 * SELECT is: commands that rely on it are on their way. */
	uint64_t no_at;

	/* What was seen. */
	uint64_t responses;
	uint64_t sessions;
	uint64_t commands;
	uint64_t changes; /* steps of sessions */
	uint64_t counts[IMAP_COMMAND_KINDS];
	uint64_t bytes_in;
	uint64_t bytes_out;
	unsigned disconnects; /* by FAKE_DISCONNECTS */
	unsigned sessions_open;
	struct buf complaints;
	struct fake_plan *plans;
	size_t plan_count;
	size_t plan_cap;
};

/* With an INBOX and the capabilities IMAP4rev1 alone. Fate is borrowed. */
struct fake_server *fake_server_new(struct fate *fate);
void fake_server_free(struct fake_server **server);

/*
 * Adds the capabilities and oddities of a server of the field: "dovecot",
 * "cyrus", "gmail", "exchange", "icloud", "yahoo", "courier", "proton",
 * "davmail". fake_server_kind() names them all, from 0 on; NULL at the end.
 */
void fake_server_pose(struct fake_server *server, const char *kind);
const char *fake_server_kind(size_t at);

/* ---- Other clients ------------------------------------------------------- */

/* The mailbox, or NULL. */
struct fake_mailbox *fake_server_find(
	const struct fake_server *server, const char *name);
struct fake_mailbox *fake_server_create(
	struct fake_server *server, const char *name, unsigned attrs);
void fake_server_delete(struct fake_server *server, struct fake_mailbox *box);

/* With the mailboxes below it. Whether it can be: names must be free. */
bool fake_server_can_rename(const struct fake_server *server,
	const struct fake_mailbox *box, const char *to);
void fake_server_rename(
	struct fake_server *server, struct fake_mailbox *box, const char *to);

/* All messages get new UIDs under a new UIDVALIDITY, and mod-sequences begin
 * anew. */
void fake_server_renumber(struct fake_server *server, struct fake_mailbox *box);

/* Borrowed until the mailbox changes. */
struct fake_message *fake_mailbox_append(struct fake_mailbox *box,
	struct str body, uint64_t flags, struct imap_date date);
struct fake_message *fake_mailbox_find(
	const struct fake_mailbox *box, uint32_t uid);
void fake_mailbox_expunge(struct fake_mailbox *box, uint32_t uid);

/* Copies a message, with all that it is, to a mailbox that may be the same.
 * The copy's UID. */
uint32_t fake_mailbox_copy(
	const struct fake_mailbox *box, uint32_t uid, struct fake_mailbox *to);

/* Forgets which messages were expunged when (RFC 7162 section 3.2.6). */
void fake_mailbox_forget(struct fake_mailbox *box);

/* The server lost its mod-sequences: they begin anew, at 1, under the same
 * UIDVALIDITY. */
void fake_mailbox_rebuild(struct fake_mailbox *box);

/* The bit of a keyword, in any case; new ones are added. 0: no room. */
uint64_t fake_mailbox_keyword(struct fake_mailbox *box, struct str name);

/* Does it, as far as there is a mailbox and a message for it. */
void fake_server_act(
	struct fake_server *server, const struct fake_action *action);

/* Does it right before the n-th command from now on (from 1). */
void fake_server_plan(struct fake_server *server, uint64_t commands,
	const struct fake_action *action);

/* Does now all that is planned. */
void fake_server_run_plans(struct fake_server *server);

/* ---- Sessions ------------------------------------------------------------ */

struct fake_session;

/* One that was just connected: the greeting is in its output. */
struct fake_session *fake_session_open(struct fake_server *server);
void fake_session_close(struct fake_session **session);

/* Takes what the client sent. */
void fake_session_take(struct fake_session *session, struct str bytes);

/* Goes on by one command, or by one literal's "+". False: nothing is to do. */
bool fake_session_work(struct fake_session *session);

/* What is to be sent; consumed by whoever sends it. */
struct buf *fake_session_output(struct fake_session *session);

/* Whether the server will say no more than what is in the output. */
bool fake_session_ended(const struct fake_session *session);

#endif
