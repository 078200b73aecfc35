/*
 * The session's insides: what its three files share.
 *
 * session.c is the surface and the order of things; queue.c what is sent and
 * when; track.c what answers tell about the connection.
 */
#ifndef GODWIT_SRC_IMAP_MACHINE_H
#define GODWIT_SRC_IMAP_MACHINE_H

#include "godwit/imap/session.h"

/* A command between its submission and the end of its life. */
struct imap_call {
	struct imap_call *next;
	uint32_t handle;
	enum imap_command_kind kind;
	uint32_t speaker;
	uint32_t selection; /* the SELECT that it relies on; its own of one */
	struct imap_encoded encoded;
	size_t parts_sent;
	size_t literals_given; /* of APPEND: wholly */
	uint64_t octets_left;  /* of the literal being given */
	bool awaits_plus;
	bool answered;  /* early: only its literals are still to be sent */
	bool idling;    /* IDLE: "+" came */
	bool idle_done; /* IDLE: to be ended, or ended */
	bool read_only; /* EXAMINE */
	bool resyncs;   /* SELECT that asks for what has changed */
	bool caps_told; /* a login during which CAPABILITY came */
	bool followed;  /* a login behind which commands may travel */
	/* AUTHENTICATE: whether an initial response goes along, or is to be
	 * sent at the first "+". */
	bool sent_initial;
	bool has_initial;
	struct buf initial;
};

struct imap_calls {
	struct imap_call *first;
	struct imap_call **end; /* where the next one is hung; NULL: empty */
	size_t count;
};

enum imap_halt {
	IMAP_HALT_NOT,
	IMAP_HALT_STARTTLS, /* until imap_session_secured() */
	IMAP_HALT_COMPRESS, /* until imap_session_compressed() */
};

struct imap_session {
	struct imap_parser *parser;
	struct imap_response response;
	enum imap_state state;
	enum imap_halt halt;
	bool eof;
	bool closing; /* nothing more is to be expected */
	bool failed;
	struct err failure;

	struct imap_calls held;    /* until their speakers are let go */
	struct imap_calls waiting; /* not yet begun to be sent */
	struct imap_calls sent;    /* in the order of sending, unanswered */
	struct imap_call *writing; /* the last of `sent`, if unfinished */
	struct imap_call *orphan;  /* `writing`, once it was answered early */
	uint32_t last_handle;
	uint32_t speaker; /* whose commands are submitted now */
	bool holds;       /* and whether they are held */
	bool asked;       /* a command was sent with nothing on the way */
	uint32_t selection;
	struct buf output;
	size_t output_sent; /* of it; taken off its front now and then */
	bool output_secret; /* to be wiped when sent */

	struct imap_caps caps;
	bool caps_known;
	bool caps_foreseen; /* `caps` are those after a login on the way */
	bool speaks_first;  /* the greeting is not waited for */
	uint64_t enabled;   /* bits as in imap_caps */

	struct imap_mailbox mailbox;
	struct arena flags_arena;
	struct arena permanent_arena;
	struct arena id_arena;

	struct buf challenge;
	struct buf deflated;
};

/* queue.c */

bool imap_is_login(enum imap_command_kind kind);

bool imap_is_select(enum imap_command_kind kind);

/* Appends to the output what may be sent now. */
void imap_queue_pump(struct imap_session *s);

/* The APPEND whose literal waits for octets that there is room for, or NULL. */
struct imap_call *imap_queue_wants(const struct imap_session *s);

/* A "+": what it was waited for by. */
enum imap_plus {
	IMAP_PLUS_NOBODY,
	IMAP_PLUS_LITERAL,
	IMAP_PLUS_INITIAL, /* an initial response: it is in the output */
	IMAP_PLUS_AUTHENTICATE,
	IMAP_PLUS_IDLE,
};
enum imap_plus imap_queue_plus(struct imap_session *s);

/*
 * Takes out the command of `handle` that was sent, or NULL. The caller frees
 * it with imap_call_free() unless some of it is still to be written.
 */
struct imap_call *imap_queue_answer(struct imap_session *s, uint32_t handle);
void imap_queue_release(struct imap_session *s, struct imap_call *call);

/* The command that the server works at, as far as order tells; or NULL. */
struct imap_call *imap_queue_front(const struct imap_session *s);

void imap_queue_clear(struct imap_session *s);

/* Appends to the output, and sees that it is wiped if `secret`. */
void imap_output_add(struct imap_session *s, struct str bytes, bool secret);

/* track.c */

void imap_track_front(struct imap_session *s); /* whose turn it is now */

/* Whether a response may still be about the mailbox that a SELECT leaves. */
bool imap_track_may_be_late(const struct imap_response *response);
void imap_track_greeting(
	struct imap_session *s, const struct imap_response *response);
void imap_track_untagged(
	struct imap_session *s, const struct imap_response *response);
void imap_track_tagged(struct imap_session *s, const struct imap_call *call,
	const struct imap_response *response);
void imap_track_secured(struct imap_session *s);
void imap_track_clear(struct imap_session *s);

#endif
