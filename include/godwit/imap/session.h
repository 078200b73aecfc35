/*
 * The session: one IMAP connection from the client's end, without the wire.
 *
 * Bytes in, events out; commands in, bytes out. It pairs answers with commands,
 * holds commands back where the protocol wants it (literals, logins, IDLE),
 * and tracks what a connection is: its state, capabilities, selected mailbox.
 * Several may speak on one connection, each of its own mailbox: an event says
 * whose it is, and whether it is about the mailbox that its command meant.
 * It does no I/O, knows no time, and decides nothing about mail. Whatever the
 * server does wrong ends in FAILED with ERR_PROTOCOL, never in a crash, a hang
 * or unbounded memory.
 *
 *	s = imap_session_new();
 *	imap_session_submit(s, &command), any time, any number
 *	for (;;) switch (imap_session_step(s, &event, &err)):
 *	    EVENT    look at it; perhaps submit, respond, give a literal
 *	    OUTPUT   send imap_session_output(), tell imap_session_sent();
 *	             what arrives meanwhile may go to imap_session_recv()
 *	    INPUT    nothing to do before imap_session_recv() or _eof()
 *	    CLOSED   the connection has come to its proper end
 *	    FAILED   it has not; err says why
 *	imap_session_free(&s);
 */
#ifndef GODWIT_IMAP_SESSION_H
#define GODWIT_IMAP_SESSION_H

#include "godwit/base/bytes.h"
#include "godwit/base/err.h"
#include "godwit/imap/caps.h"
#include "godwit/imap/command.h"
#include "godwit/imap/response.h"

enum imap_step {
	IMAP_STEP_EVENT,
	IMAP_STEP_OUTPUT,
	IMAP_STEP_INPUT,
	IMAP_STEP_CLOSED,
	IMAP_STEP_FAILED,
};

enum imap_event_kind {
	/* The first line: response->line is OK, PREAUTH or BYE. */
	IMAP_EVENT_GREETING = 1,
	/* `handle` is answered: response->line is OK, NO or BAD. */
	IMAP_EVENT_TAGGED,
	/* Anything untagged: response says what. CONDITION is the server
	 * talking (code ALERT must be shown); BYE comes here as well, then
	 * CLOSED unless a LOGOUT still waits for its answer. */
	IMAP_EVENT_UNTAGGED,
	/* AUTHENTICATE `handle` got `bytes` (decoded): respond or cancel. */
	IMAP_EVENT_CHALLENGE,
	/* APPEND `handle` waits for octets of its message `index`, `octets`
	 * of them missing: imap_session_literal(). Even after its TAGGED, if
	 * that comes early: what was announced must be sent. */
	IMAP_EVENT_LITERAL_WANTED,
	/* IDLE `handle` has begun. */
	IMAP_EVENT_IDLING,
};

struct imap_event {
	enum imap_event_kind kind;
	/* UNTAGGED: the oldest command on the way, which is the one that the
	 * server most likely speaks of; of a mailbox, the oldest that is about
	 * it, since an APPEND tells nothing; ESEARCH names its own. 0: none. */
	uint32_t handle;
	enum imap_command_kind command; /* that of the handle */
	/* The SELECT or EXAMINE whose mailbox untagged data speak of: it is
	 * the last one whose turn has come. 0: none. */
	uint32_t selected;
	uint32_t speaker; /* who submitted the command of the handle; or 0 */
	/* UNTAGGED: it is, or may be, about another mailbox than the one that
	 * was to be selected for the command of the handle: one that a SELECT
	 * leaves, or none, where that SELECT was refused. */
	bool left_behind;
	const struct imap_response *response; /* GREETING, TAGGED, UNTAGGED */
	struct str bytes;                     /* CHALLENGE */
	size_t index;                         /* LITERAL_WANTED */
	uint64_t octets;                      /* LITERAL_WANTED */
};

enum imap_state {
	IMAP_STATE_GREETING, /* nothing heard yet */
	IMAP_STATE_NOT_AUTHENTICATED,
	IMAP_STATE_AUTHENTICATED,
	IMAP_STATE_SELECTED,
	IMAP_STATE_LOGOUT, /* BYE was said */
};

/* The mailbox that untagged data speak of, as far as the server told. */
struct imap_mailbox {
	uint32_t handle; /* its SELECT or EXAMINE; 0: none selected */
	bool ready;      /* that was answered OK */
	bool read_only;
	bool nomodseq; /* RFC 7162: mod-sequences are not kept */
	bool uid_not_sticky;
	bool has_permanent_flags; /* false: all FLAGS are permanent */
	bool new_keywords;        /* PERMANENTFLAGS holds \* */
	uint32_t exists;
	uint64_t uidvalidity;   /* 0: none told */
	uint64_t uidnext;       /* 0: none told (Courier) */
	uint64_t highestmodseq; /* 0: none told (Dovecot, before CONDSTORE) */
	struct imap_strs flags;
	struct imap_strs permanent_flags;
	struct str mailboxid; /* empty: none */
};

struct imap_session;

struct imap_session *imap_session_new(void);
void imap_session_free(struct imap_session **session);

/*
 * What is to do next. *event_r is filled for EVENT, and all that it points to
 * is valid until the next step; *err for FAILED. CLOSED and FAILED stay.
 */
enum imap_step imap_session_step(
	struct imap_session *s, struct imap_event *event_r, struct err *err);

/*
 * Lends bytes that arrived. They are read in place and must stay as they are
 * until a step answers anything but EVENT; what is then still unfinished was
 * copied. Not to be called again before that. After CLOSED and FAILED nothing
 * is read any more.
 */
void imap_session_recv(struct imap_session *s, struct str bytes);

/* The peer will send no more. */
void imap_session_eof(struct imap_session *s);

/* What is to be sent, borrowed until the next call but these two. */
struct str imap_session_output(const struct imap_session *s);
void imap_session_sent(struct imap_session *s, size_t n);

/*
 * Queues a command, copying its arguments, and returns its handle, never 0. It
 * is sent when its turn comes: at most LIMIT_PIPELINE_COMMANDS are on the way
 * (LIMIT_PIPELINE_STATUS of STATUS), at most LIMIT_BEFORE_LOGIN_BYTES before a
 * login is answered; STARTTLS, AUTHENTICATE, COMPRESS, IDLE and LOGOUT travel
 * alone, and a synchronising literal is waited for. An AUTHENTICATE with its
 * initial response may follow CAPABILITY at once, as its answer need not be
 * known. It is encoded now, for the capabilities known now.
 */
uint32_t imap_session_submit(
	struct imap_session *s, const struct imap_command *command);

/* The handle of the command that was submitted last; 0: none was. */
uint32_t imap_session_last(const struct imap_session *s);

/* Commands submitted and not yet answered, but for those that are held. */
size_t imap_session_pending(const struct imap_session *s);

/* Whether some of these are still to be sent, or the output is. */
bool imap_session_has_unsaid(const struct imap_session *s);

/*
 * Several speakers. From now on commands are those of `speaker` (0: nobody's);
 * where it is `held`, they get handles, but stay back until it is let go.
 */
void imap_session_speak_as(struct imap_session *s, uint32_t speaker, bool held);

/* Whether commands of the speaker are held, and of what kind. */
struct imap_held {
	bool selects; /* the first selects a mailbox itself */
	bool changes; /* one of them changes what a mailbox has */
};
bool imap_session_holds(const struct imap_session *s, uint32_t speaker,
	struct imap_held *held_r);

/* Queues them, in their order, behind all that was submitted; or forgets
 * them, who are then never answered. */
void imap_session_let_go(struct imap_session *s, uint32_t speaker);
void imap_session_forget(struct imap_session *s, uint32_t speaker);

/* The SELECT or EXAMINE that a command which is submitted now would rely on:
 * the last one submitted and not held. 0: none, or it was closed. */
uint32_t imap_session_selection(const struct imap_session *s);

/* Whose command is answered next; 0: nobody's. */
uint32_t imap_session_speaker(const struct imap_session *s);

/* Whether since the last call a command was sent while nothing was on the way:
 * what comes next is the answer to it. */
bool imap_session_asked(struct imap_session *s);

/* Answers a CHALLENGE; `response` is not base64. It is masked and wiped. */
void imap_session_respond(struct imap_session *s, struct str response);

/* Answers a CHALLENGE with "*"; the server then says BAD. */
void imap_session_cancel_auth(struct imap_session *s);

/*
 * Gives octets of the literal that LITERAL_WANTED asked for: some or all,
 * never more. It is asked again, until all were given, whenever the output has
 * room (LIMIT_OUTPUT_BYTES).
 */
void imap_session_literal(struct imap_session *s, struct str octets);

/* Ends the IDLE that is sent or queued; its TAGGED follows. */
void imap_session_idle_done(struct imap_session *s);

/*
 * To be called after STARTTLS was answered OK and the handshake is done. Until
 * then nothing is sent, and all that arrives after the OK is thrown away: it
 * came in the clear.
 */
void imap_session_secured(struct imap_session *s);

/*
 * To be called after COMPRESS was answered OK. Until then nothing is sent or
 * read. Appends to `deflated` the bytes that came behind the OK, which are the
 * first to be inflated.
 */
void imap_session_compressed(struct imap_session *s, struct buf *deflated);

enum imap_state imap_session_state(const struct imap_session *s);

/*
 * Whether the capabilities are those of the state the connection is in: they
 * are forgotten with STARTTLS and with a login, and come back with an answer
 * that names them, or when CAPABILITY is asked again.
 */
bool imap_session_caps_known(const struct imap_session *s);
const struct imap_caps *imap_session_caps(const struct imap_session *s);

/*
 * Has the encoder believe in `caps` until the server tells its own: those
 * remembered from an earlier run.
 */
void imap_session_assume_caps(
	struct imap_session *s, const struct imap_caps *caps);

/*
 * Has the session say what is queued before the greeting has come. Only for
 * what that cannot change: under TLS, to a server that is known.
 */
void imap_session_speak_first(struct imap_session *s);

/*
 * Lets commands travel behind the login that was submitted last, before it is
 * answered; LOGIN lets them anyhow, but AUTHENTICATE only from the moment on
 * when its exchange is complete on our side, so that OK and NO are all that can
 * come (RFC 3501 section 5.5). They are encoded for `caps`, which the server is
 * expected to have after the login: those remembered from an earlier run. Until
 * the login is answered these are the session's; what the server tells of the
 * time before it is then in the events only. A CHALLENGE that comes all the
 * same is too late to be answered: the server has taken for an answer what
 * followed. The connection is to be given up.
 */
void imap_session_foresee(struct imap_session *s, const struct imap_caps *caps);

/*
 * Whether `* ENABLED` named it. A plain OK does not count: iCloud says one and
 * enables nothing.
 */
bool imap_session_enabled(const struct imap_session *s, enum imap_cap cap);

/* The mailbox of imap_event's `selected`; borrowed until the next step. */
const struct imap_mailbox *imap_session_mailbox(const struct imap_session *s);

#endif
