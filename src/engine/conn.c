/*
 * How: three buffers in a row. `wire_in` takes what the stream gives; under TLS
 * it becomes `plain`, which the session reads in place, so neither is touched
 * while the session has events left. `wire_out` takes the session's output,
 * encrypted or as it is, and is drained before more is taken. Where the line is
 * compressed, `packed` lies between on either way. A connection waits for its
 * server only while something is owed: the greeting, a handshake, the answer to
 * a command.
 */
#include "conn.h"

#include "godwit/base/limits.h"
#include "godwit/imap/trace.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
	RECV_BYTES = 64 << 10,

	/*
	 * To compress takes both ends some 28 ms a MB, and saves a third of
	 * most mail: that pays on lines of less than 12 MB a second. Nobody
	 * knows a line before it was used; but from this round trip on it goes
	 * through others' networks, whose shares are about as large, or less.
	 */
	SLOW_MS = 30,
	/* What such a line is taken for, to see whether the third is worth the
	 * turn that the question takes: 2 MB a second. */
	SLOW_BYTES_A_MS = 2 << 10,
	PART_SAVED = 3,
};

struct conn {
	const struct account *account;
	const struct ports *ports;
	struct net_stream *stream;
	struct transform tls; /* ctx NULL: none */
	struct transform deflate;
	bool starttls; /* the handshake follows STARTTLS */
	bool handshaking;
	bool eof;
	struct imap_session *session;
	struct imap_trace *trace; /* NULL: not wanted */
	struct buf trace_lines;
	struct buf wire_in;
	struct buf packed_in;  /* compressed; on the way in, and */
	struct buf packed_out; /* out */
	struct buf behind;     /* what came with the OK to COMPRESS */
	struct buf plain;
	struct buf wire_out;
	uint64_t bytes_in;
	uint64_t bytes_out;
	int64_t heard_ms; /* when something last went either way, moved on by
			   * the time that we were busy since */
	bool asks;        /* with what goes out next, when all is quiet */
	int64_t asked_ms; /* when that went; 0: nothing is to be heard of it */
	int64_t round_trip_ms; /* the shortest until then; -1: none yet */
};

static int64_t now_ms(const struct conn *conn)
{
	return conn->ports->clock.monotonic_ms(conn->ports->clock.ctx);
}

static void trace_feed(struct conn *conn, enum imap_side from, struct str bytes)
{
	if (conn->trace == NULL)
		return;
	imap_trace_feed(conn->trace, from, bytes, &conn->trace_lines);
	if (conn->trace_lines.len == 0)
		return;
	conn->ports->wire_log.write(
		conn->ports->wire_log.ctx, buf_str(&conn->trace_lines));
	buf_reset(&conn->trace_lines);
}

static int tls_begin(struct conn *conn, struct err *err)
{
	const struct tls_port *tls = &conn->ports->tls;

	if (tls->open(tls->ctx, conn->account, &conn->tls, err) != 0)
		return -1;
	conn->handshaking = true;
	return conn->tls.from_wire(conn->tls.ctx, (struct str){0}, &conn->plain,
		&conn->wire_out, err);
}

struct conn *conn_open(const struct account *account, const struct ports *ports,
	struct err *err)
{
	const struct net_target target = {
		.host = account->host,
		.port = account->port,
		.tunnel = (const char *const *)account->tunnel.argv,
		.timeout_ms = account->timeout_ms,
	};
	struct conn *conn = calloc(1, sizeof(*conn));

	check(conn != NULL);
	conn->account = account;
	conn->ports = ports;
	conn->session = imap_session_new();
	if (ports->wire_log.write != NULL)
		conn->trace = imap_trace_new(false);
	conn->heard_ms = now_ms(conn);
	conn->round_trip_ms = -1;
	conn->asks = account->tls.mode == ACCOUNT_TLS_IMPLICIT;
	conn->stream = ports->net.open(ports->net.ctx, &target, err);
	if (conn->stream == NULL ||
		(account->tls.mode == ACCOUNT_TLS_IMPLICIT &&
			tls_begin(conn, err) != 0))
		conn_close(&conn);
	return conn;
}

/* Sends what waits in wire_out. True when it is all gone. */
static enum net_result drain(struct conn *conn, struct err *err)
{
	const struct net_port *net = &conn->ports->net;

	while (conn->wire_out.len > 0) {
		size_t sent = 0;
		enum net_result result = net->send(
			conn->stream, buf_str(&conn->wire_out), &sent, err);

		if (result != NET_OK)
			return result;
		conn->bytes_out += sent;
		conn->heard_ms = now_ms(conn);
		if (conn->asks)
			conn->asked_ms = conn->heard_ms;
		conn->asks = false;
		buf_consume(&conn->wire_out, sent);
	}
	return NET_OK;
}

/* Last words of TLS (an alert, close_notify), if they go at once. */
static void say_goodbye(struct conn *conn)
{
	struct err ignored;

	if (conn->stream == NULL || conn->tls.ctx == NULL)
		return;
	/* A command that has not gone yet must not go now. */
	if (!conn->handshaking && conn->wire_out.len > 0)
		return;
	conn->tls.finish(conn->tls.ctx, &conn->wire_out);
	(void)drain(conn, &ignored);
}

void conn_close(struct conn **conn)
{
	struct conn *c = *conn;

	if (c == NULL)
		return;
	say_goodbye(c);
	if (c->stream != NULL)
		c->ports->net.close(&c->stream);
	if (c->tls.ctx != NULL)
		c->tls.free(&c->tls.ctx);
	if (c->deflate.ctx != NULL)
		c->deflate.free(&c->deflate.ctx);
	if (c->trace != NULL) {
		imap_trace_end(c->trace, &c->trace_lines);
		if (c->trace_lines.len > 0)
			c->ports->wire_log.write(c->ports->wire_log.ctx,
				buf_str(&c->trace_lines));
		imap_trace_free(&c->trace);
	}
	imap_session_free(&c->session);
	buf_clear(&c->trace_lines);
	buf_clear(&c->wire_in);
	buf_clear(&c->packed_in);
	buf_clear(&c->packed_out);
	buf_clear(&c->behind);
	buf_wipe(&c->plain);
	buf_wipe(&c->wire_out);
	free(c);
	*conn = NULL;
}

/* Takes the session's output over into wire_out. */
static int take_output(struct conn *conn, struct err *err)
{
	struct str output = imap_session_output(conn->session);
	struct str sent;
	int result = 0;

	trace_feed(conn, IMAP_CLIENT, output);
	/* What comes behind a greeting that was not waited for may be that. */
	if (imap_session_asked(conn->session) &&
		imap_session_state(conn->session) != IMAP_STATE_GREETING)
		conn->asks = true;
	if (conn->wire_out.len == 0)
		conn->heard_ms = now_ms(conn); /* the wait begins now */
	sent = output;
	if (conn->deflate.ctx != NULL) {
		buf_reset(&conn->packed_out);
		result = conn->deflate.to_wire(
			conn->deflate.ctx, output, &conn->packed_out, err);
		sent = buf_str(&conn->packed_out);
	}
	if (conn->tls.ctx == NULL)
		buf_add(&conn->wire_out, sent);
	else if (result == 0)
		result = conn->tls.to_wire(
			conn->tls.ctx, sent, &conn->wire_out, err);
	imap_session_sent(conn->session, output.len);
	return result;
}

/* Takes what came from the wire; *bytes_r is what TLS makes of it. */
static int take_wire(struct conn *conn, struct str *bytes_r, struct err *err)
{
	struct buf *to =
		conn->deflate.ctx != NULL ? &conn->packed_in : &conn->plain;

	*bytes_r = buf_str(&conn->wire_in);
	if (conn->tls.ctx == NULL)
		return 0;
	buf_reset(to);
	if (conn->tls.from_wire(
		    conn->tls.ctx, *bytes_r, to, &conn->wire_out, err) != 0)
		return -1;
	*bytes_r = buf_str(to);
	return 0;
}

/* Hands bytes to the session, decompressed if they are to be. */
static int hand_on(struct conn *conn, struct str bytes, struct err *err)
{
	if (conn->deflate.ctx != NULL) {
		buf_reset(&conn->plain);
		if (conn->deflate.from_wire(conn->deflate.ctx, bytes,
			    &conn->plain, &conn->wire_out, err) != 0)
			return -1;
		bytes = buf_str(&conn->plain);
	}
	if (bytes.len == 0)
		return 0;
	trace_feed(conn, IMAP_SERVER, bytes);
	imap_session_recv(conn->session, bytes);
	return 0;
}

/* Hands on what is here already. */
static enum net_result hand_on_rest(struct conn *conn, struct err *err)
{
	int result = hand_on(conn, buf_str(&conn->behind), err);

	buf_reset(&conn->behind);
	return result == 0 ? NET_OK : NET_FAILED;
}

static void note_heard(struct conn *conn, size_t bytes)
{
	int64_t took_ms;

	conn->bytes_in += bytes;
	conn->heard_ms = now_ms(conn);
	if (conn->asked_ms == 0)
		return;
	took_ms = conn->heard_ms - conn->asked_ms;
	conn->asked_ms = 0;
	if (conn->round_trip_ms < 0 || took_ms < conn->round_trip_ms)
		conn->round_trip_ms = took_ms;
}

/* Reads once from the stream, into the session or the handshake. */
static enum net_result receive(struct conn *conn, struct err *err)
{
	size_t got = 0;
	enum net_result result;
	struct str bytes = {0};

	if (conn->behind.len > 0 ||
		(conn->deflate.ctx != NULL &&
			conn->deflate.pending(conn->deflate.ctx)))
		return hand_on_rest(conn, err);
	if (conn->tls.ctx != NULL && conn->tls.closed(conn->tls.ctx))
		return NET_CLOSED;
	buf_reset(&conn->wire_in);
	result = conn->ports->net.recv(conn->stream,
		buf_reserve(&conn->wire_in, RECV_BYTES), RECV_BYTES, &got, err);
	if (result != NET_OK)
		return result;
	buf_commit(&conn->wire_in, got);
	note_heard(conn, got);
	if (take_wire(conn, &bytes, err) != 0 || hand_on(conn, bytes, err) != 0)
		return NET_FAILED;
	return NET_OK;
}

/* Whether the server owes us anything. */
static bool is_owed(const struct conn *conn)
{
	return conn->handshaking ||
	       imap_session_state(conn->session) == IMAP_STATE_GREETING ||
	       imap_session_pending(conn->session) > 0;
}

static enum conn_next blocked(struct conn *conn, struct err *err)
{
	int64_t silent_ms = now_ms(conn) - conn->heard_ms;

	if (!is_owed(conn) || silent_ms < (int64_t)conn->account->timeout_ms)
		return CONN_BLOCKED;
	err_set(err, ERR_ACCOUNT, ERR_NOW, ERR_NET,
		"the server has said nothing for %" PRId64
		" seconds; is it reachable? (timeout: sets how long to wait)",
		silent_ms / 1000);
	return CONN_FAILED;
}

/* The stream gave `result` where bytes were wanted. */
static enum conn_next starved(
	struct conn *conn, enum net_result result, struct err *err)
{
	if (result == NET_FAILED)
		return CONN_FAILED;
	if (result == NET_AGAIN)
		return blocked(conn, err);
	if (conn->handshaking) {
		err_set(err, ERR_ACCOUNT, ERR_NOW, ERR_NET,
			"the server closed the connection during the TLS "
			"handshake; does this port speak TLS?");
		return CONN_FAILED;
	}
	conn->eof = true;
	imap_session_eof(conn->session);
	return CONN_EVENT; /* the session says what that means */
}

/* One round of the handshake. CONN_EVENT: look again. CONN_SECURED: done. */
static enum conn_next handshake(struct conn *conn, struct err *err)
{
	enum net_result result = drain(conn, err);

	if (result == NET_FAILED)
		return CONN_FAILED;
	if (conn->tls.ready(conn->tls.ctx)) {
		conn->handshaking = false;
		if (conn->starttls)
			imap_session_secured(conn->session);
		return CONN_SECURED;
	}
	result = receive(conn, err);
	return result == NET_OK ? CONN_EVENT : starved(conn, result, err);
}

/* The session has nothing to tell: move bytes. CONN_EVENT: look again. */
static enum conn_next exchange(
	struct conn *conn, bool has_output, struct err *err)
{
	enum net_result result;

	if (has_output && conn->wire_out.len < LIMIT_OUTPUT_BYTES &&
		take_output(conn, err) != 0)
		return CONN_FAILED;
	result = drain(conn, err);
	if (result == NET_FAILED)
		return CONN_FAILED;
	if (has_output && result == NET_OK)
		return CONN_EVENT;
	result = receive(conn, err);
	return result == NET_OK ? CONN_EVENT : starved(conn, result, err);
}

enum conn_next conn_next(
	struct conn *conn, struct imap_event *event_r, struct err *err)
{
	enum conn_next next = CONN_EVENT;

	while (next == CONN_EVENT) {
		enum imap_step step;

		if (conn->handshaking) {
			next = handshake(conn, err);
			continue;
		}
		step = imap_session_step(conn->session, event_r, err);
		if (step == IMAP_STEP_EVENT)
			return CONN_EVENT;
		if (step == IMAP_STEP_CLOSED)
			return CONN_CLOSED;
		if (step == IMAP_STEP_FAILED)
			return CONN_FAILED;
		next = exchange(conn, step == IMAP_STEP_OUTPUT, err);
	}
	return next;
}

struct imap_session *conn_session(struct conn *conn)
{
	return conn->session;
}

uint32_t conn_submit(struct conn *conn, const struct imap_command *command)
{
	return imap_session_submit(conn->session, command);
}

int conn_start_tls(struct conn *conn, struct err *err)
{
	check(conn->tls.ctx == NULL);
	conn->starttls = true;
	return tls_begin(conn, err);
}

bool conn_is_secure(const struct conn *conn)
{
	return conn->tls.ctx != NULL && !conn->handshaking;
}

void conn_describe(const struct conn *conn, struct buf *text)
{
	if (conn_is_secure(conn))
		conn->tls.describe(conn->tls.ctx, text);
}

bool conn_is_near(const struct conn *conn)
{
	const struct account *account = conn->account;

	return account->tunnel.argv != NULL || account->host == NULL ||
	       strcasecmp(account->host, "localhost") == 0 ||
	       strcmp(account->host, "::1") == 0 ||
	       strncmp(account->host, "127.", 4) == 0;
}

/* Whether compressing saves more time than it takes. */
static bool pays(const struct conn *conn, uint64_t bytes)
{
	uint64_t saved_ms = bytes / PART_SAVED / SLOW_BYTES_A_MS;

	return !conn_is_near(conn) && conn->round_trip_ms >= SLOW_MS &&
	       saved_ms > (uint64_t)conn->round_trip_ms;
}

bool conn_may_compress(const struct conn *conn, uint64_t bytes)
{
	if (conn->ports->deflate.open == NULL || conn->deflate.ctx != NULL ||
		!imap_caps_has(imap_session_caps(conn->session),
			IMAP_CAP_COMPRESS_DEFLATE))
		return false;
	if (conn->account->compress != ACCOUNT_COMPRESS_AUTO)
		return conn->account->compress == ACCOUNT_COMPRESS_ON;
	return pays(conn, bytes);
}

void conn_compress(struct conn *conn)
{
	const struct deflate_port *port = &conn->ports->deflate;

	port->open(port->ctx, &conn->deflate);
	buf_reset(&conn->behind);
	imap_session_compressed(conn->session, &conn->behind);
}

int64_t conn_round_trip_ms(const struct conn *conn)
{
	return conn->round_trip_ms;
}

bool conn_has_unsaid(const struct conn *conn)
{
	return conn->wire_out.len > 0 || imap_session_has_unsaid(conn->session);
}

bool conn_is_resuming(const struct conn *conn)
{
	return conn->handshaking && conn->tls.resumes(conn->tls.ctx);
}

int conn_binding(struct conn *conn, enum channel_binding kind, struct buf *data)
{
	if (!conn_is_secure(conn))
		return -1;
	return conn->tls.binding(conn->tls.ctx, kind, data);
}

void conn_wait(
	const struct conn *conn, struct net_wait *wait_r, int64_t *until_ms_r)
{
	*wait_r = (struct net_wait){
		.stream = conn->stream,
		.want_recv = true,
		.want_send = conn->wire_out.len > 0,
	};
	*until_ms_r = is_owed(conn) ? conn->heard_ms +
					      (int64_t)conn->account->timeout_ms
				    : INT64_MAX;
}

void conn_forgive(struct conn *conn, int64_t busy_ms)
{
	conn->heard_ms += busy_ms;
}

uint64_t conn_bytes_in(const struct conn *conn)
{
	return conn->bytes_in;
}

uint64_t conn_bytes_out(const struct conn *conn)
{
	return conn->bytes_out;
}
