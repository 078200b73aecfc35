/*
 * The fake server's inside, for its own files.
 *
 * fake_server.c has the mailboxes and other clients, fake_mailbox.c messages,
 * mod-sequences and what was expunged, fake_kinds.c the servers of the field;
 * fake_session.c the stream and the state of a session, fake_view.c what of the
 * mailbox it has seen. fake_commands.c has the table of commands and the short
 * ones, fake_list.c those that list, fake_select.c those that open a mailbox,
 * fake_change.c those that change messages, fake_fetch.c FETCH alone.
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
	uint64_t modseq;
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
	bool too_many;        /* is refused when it logs in */
	bool aware;           /* of CONDSTORE: is told mod-sequences */
	bool qresync;         /* enabled */
	bool uidonly;         /* enabled */
	bool drops;           /* what it was sent and has not looked at */
	unsigned disconnects; /* the server's, when this one began */
	unsigned commands;

	struct fake_mailbox *selected;
	bool examined;
	uint32_t uidvalidity; /* that it was told of */
	struct seen *view;
	size_t count;
	size_t cap;
	bool blind;        /* UID EXPUNGE does nothing before SELECT */
	bool fresh_hidden; /* appended mail is not shown before NOOP */

	/* The command at hand. */
	struct arena arena;
	struct str tag;
};

/* ---- Mailboxes ----------------------------------------------------------- */

/* Does what is planned for now. */
void plans_due(struct fake_server *server);

/* Notes the flags that were changed: each message gets a mod-sequence. */
void mailbox_settle(struct fake_mailbox *box);

/* CONDSTORE is used in it. */
void mailbox_use_modseq(struct fake_mailbox *box);

/* Whether mod-sequences are told of it, as things are. */
bool mailbox_has_modseq(const struct fake_mailbox *box);

/* What is told: the truth but for oddities and lies. */
uint32_t told_uidvalidity(const struct fake_mailbox *box);
uint32_t told_uidnext(const struct fake_mailbox *box);
uint64_t told_modseq(const struct fake_mailbox *box);

/* Adds to *out those of `known` that were expunged after `modseq`. */
void mailbox_vanished(const struct fake_mailbox *box, uint64_t modseq,
	const struct imap_set *known, struct imap_set *out);

/* ---- Sessions ------------------------------------------------------------ */

/* Adds a whole response to the output; its last one, if it is to be cut. */
void respond(struct fake_session *session, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void respond_bytes(struct fake_session *session, struct str bytes);

/* The tagged answer: "OK done". */
void answer(struct fake_session *session, const char *text);

/* What has changed may be told, then OK. */
void done(struct fake_session *session);

/* BAD, and a line in the complaints. */
void complain(struct fake_session *session, const char *why);

/* Whether a change of the server is to happen: counts the step. */
bool may_change(struct fake_session *session);

/* Whether the server offers it; QRESYNC counts as CONDSTORE, too. */
bool has(const struct fake_session *session, enum imap_cap cap);

/* A mailbox that a command names, or NULL. */
struct fake_mailbox *named(const struct fake_session *session, struct str name);

/* Takes one of `times` that are left. */
bool once_more(unsigned *times);

/* ---- Flags --------------------------------------------------------------- */

/* The mailbox's flags that can be set by the client. */
uint64_t permanent_flags(const struct fake_mailbox *box);

/* Adds the words of the flags: "\Seen Junk". */
void write_flags(
	struct buf *out, const struct fake_mailbox *box, uint64_t flags);

/* The bits of a client's flags. False: not all may be set. */
bool read_flags(
	struct fake_mailbox *box, struct imap_strs words, uint64_t *flags_r);

/* ---- What a session has seen --------------------------------------------- */

/* What happened in the selected mailbox, as far as it may be told now. */
void tell_changes(struct fake_session *session, bool is_noop);

/* What was expunged, whether or not there is a reason to tell it now. */
void tell_expunged(struct fake_session *session);

/* An unasked FETCH with these of UID, FLAGS, MODSEQ (enum imap_fetch_item). */
void tell_message(
	struct fake_session *session, struct seen *seen, unsigned items);

/* VANISHED, as odd as it is. The set may be changed. */
void tell_vanished(
	struct fake_session *session, bool earlier, struct imap_set *uids);

/* Whether the session is told mod-sequences of its mailbox. */
bool sees_modseq(const struct fake_session *session);

/* A command that makes the session aware of CONDSTORE (RFC 7162 section 3.1).
 */
void become_aware(struct fake_session *session);

/* A mailbox is selected, or none: nothing of it is seen yet. */
void view_begin(struct fake_session *session, struct fake_mailbox *box);

/* The entry of the view with this UID, or NULL. */
struct seen *view_find(const struct fake_session *session, uint32_t uid);

/* A client's set, `*` being the last message of the view. */
void view_set(const struct fake_session *session, struct str text,
	struct imap_set *set);

/* The UIDs of the view that a client's set names, in *uids (on the heap). */
size_t view_pick(
	const struct fake_session *session, struct str set, uint32_t **uids_r);

/* ---- Commands ------------------------------------------------------------ */

typedef void do_one(
	struct fake_session *session, const struct imap_command *command);

do_one do_command;
do_one do_enable, do_select, do_unselect;
do_one do_list, do_lsub, do_status;
do_one do_store, do_append, do_copy, do_uid_expunge;
do_one do_fetch;
do_one do_search;

#endif
