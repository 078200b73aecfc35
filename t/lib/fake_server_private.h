/*
 * The fake server's inside, for its own files.
 *
 * fake_server.c has mailboxes and other clients; fake_session.c the stream, the
 * state of a session and what of the mailbox it has seen; fake_commands.c the
 * commands; fake_fetch.c FETCH alone.
 */
#ifndef GODWIT_T_LIB_FAKE_SERVER_PRIVATE_H
#define GODWIT_T_LIB_FAKE_SERVER_PRIVATE_H

#include "fake_server.h"
#include "godwit/base/arena.h"
#include "godwit/imap/reader.h"
#include "godwit/imap/set.h"

struct fake_plan {
	uint64_t at_command;
	struct fake_action action; /* owns its strings */
};

/* A message as a session knows it; its place is its sequence number. */
struct seen {
	uint32_t uid;
	uint64_t flags;
};

struct fake_session {
	struct fake_server *server;
	struct imap_reader *reader;
	struct buf lent; /* what the reader reads */
	bool reading;    /* `lent` is not used up */
	struct buf in;   /* what came since */
	struct buf out;
	bool ended;
	bool authenticated;
	unsigned disconnects; /* the server's, when this one began */
	unsigned commands;

	struct fake_mailbox *selected;
	bool examined;
	struct seen *view;
	size_t count;
	size_t cap;
	bool fresh_hidden; /* appended mail is not shown before NOOP */

	/* The command at hand. */
	struct arena arena;
	struct str tag;
};

/* Does what is planned for now. */
void plans_due(struct fake_server *server);

/* Adds a whole response to the output; its last one, if it is to be cut. */
void respond(struct fake_session *session, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void respond_bytes(struct fake_session *session, struct str bytes);

/* The tagged answer: "OK done". */
void answer(struct fake_session *session, const char *text);

/* BAD, and a line in the complaints. */
void complain(struct fake_session *session, const char *why);

/* Whether a change of the server is to happen: counts the step. */
bool may_change(struct fake_session *session);

/* The mailbox's flags that can be set by the client. */
uint64_t permanent_flags(const struct fake_mailbox *box);

/* Adds the words of the flags: "\Seen Junk". */
void write_flags(
	struct buf *out, const struct fake_mailbox *box, uint64_t flags);

/* The bits of a client's flags. False: not all may be set. */
bool read_flags(
	struct fake_mailbox *box, struct imap_strs words, uint64_t *flags_r);

/* What happened in the selected mailbox, as far as it may be told now. */
void tell_changes(struct fake_session *session, bool is_noop);

/* The entry of the view with this UID, or NULL. */
struct seen *view_find(const struct fake_session *session, uint32_t uid);

/* The UIDs of the view that a client's set names, in *uids (on the heap). */
size_t view_pick(
	const struct fake_session *session, struct str set, uint32_t **uids_r);

void do_command(
	struct fake_session *session, const struct imap_command *command);
void do_fetch(struct fake_session *session, const struct imap_fetch_args *args);

#endif
