/*
 * Connections: one session with a server, over a stream, perhaps under TLS.
 *
 * Joins the net port, the TLS and DEFLATE transformers and imap/session.h into
 * one thing that yields events. Never waits: conn_next() goes as far as it can,
 * and says BLOCKED when only the world can help; the pool waits for all
 * connections at once. It knows no mailboxes and takes no decisions.
 */
#ifndef GODWIT_SRC_ENGINE_CONN_H
#define GODWIT_SRC_ENGINE_CONN_H

#include "godwit/engine/account.h"
#include "godwit/engine/ports.h"
#include "godwit/imap/session.h"

#include <stdbool.h>
#include <stdint.h>

struct conn;

enum conn_next {
	CONN_EVENT,   /* *event_r is filled, valid until the next call */
	CONN_SECURED, /* a TLS handshake is over; told once */
	CONN_BLOCKED, /* conn_wait() says what for */
	CONN_CLOSED,  /* ended in good order */
	CONN_FAILED,  /* err is set: ERR_ACCOUNT; the connection is of no use */
};

/* Begins to connect. `account` and `ports` are borrowed. NULL and err. */
struct conn *conn_open(const struct account *account, const struct ports *ports,
	struct err *err);

/* Goes on as far as possible without waiting. */
enum conn_next conn_next(
	struct conn *conn, struct imap_event *event_r, struct err *err);

/* The session, to submit commands to and to ask. */
struct imap_session *conn_session(struct conn *conn);

/* Shorthand for imap_session_submit(). */
uint32_t conn_submit(struct conn *conn, const struct imap_command *command);

/* Begins the TLS handshake, once STARTTLS was answered OK; events go on when
 * it is done. */
int conn_start_tls(struct conn *conn, struct err *err);

/* Whether what is said now travels under TLS. */
bool conn_is_secure(const struct conn *conn);

/* Appends what protects a secure connection. */
void conn_describe(const struct conn *conn, struct buf *text);

/* Whether the line goes nowhere slow: to this machine, or through a tunnel,
 * which may do as it likes about that. */
bool conn_is_near(const struct conn *conn);

/* The line's round trip, as far as it was measured; -1: not yet. */
int64_t conn_round_trip_ms(const struct conn *conn);

/* Whether some of what was submitted has not gone out yet. */
bool conn_has_unsaid(const struct conn *conn);

/* Whether it is worth compressing, by what the account says, the line is, and
 * is about to be moved: to be asked once we are logged in. */
bool conn_may_compress(const struct conn *conn, uint64_t bytes);

/* Begins to compress, once COMPRESS was answered OK. */
void conn_compress(struct conn *conn);

/* Whether a handshake is under way that relies on an earlier one: where it
 * fails, another connection may fare better. */
bool conn_is_resuming(const struct conn *conn);

/* The channel binding's bytes into *data; -1 if there are none. */
int conn_binding(
	struct conn *conn, enum channel_binding kind, struct buf *data);

/* What a BLOCKED connection waits for, and when it gives up waiting
 * (monotonic milliseconds; conn_next() then FAILs). */
void conn_wait(
	const struct conn *conn, struct net_wait *wait_r, int64_t *until_ms_r);

/* So long we were busy with other things: that is not the server's silence. */
void conn_forgive(struct conn *conn, int64_t busy_ms);

/* Bytes on the wire so far. */
uint64_t conn_bytes_in(const struct conn *conn);
uint64_t conn_bytes_out(const struct conn *conn);

/* Ends the stream at once; what was not sent is lost. */
void conn_close(struct conn **conn);

#endif
