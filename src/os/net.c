/*
 * How: a stream is a connector until it is a socket; a tunnel is a socket
 * from the start, one end of a pair whose other end is the command's stdin and
 * stdout, so that both kinds are read, written and polled alike. A tunnel that
 * has ended tells why only when its process can be waited for, which may be a
 * moment after its end of the socket closed; until then it gives nothing.
 */
#include "godwit/os/net.h"

#include "connect.h"
#include "fd.h"
#include "godwit/base/arena.h"
#include "godwit/os/clock.h"
#include "process.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0 /* SO_NOSIGPIPE does it there */
#endif

enum {
	/* The longest wait. A poll(2) does not count the time in which the
	 * machine sleeps, and a signal that comes just before it would be
	 * slept over. */
	WAIT_SLICE_MS = 5000,

	/* For a tunnel's process, after its end of the socket was closed. */
	TUNNEL_EXIT_MS = 1000,
	TUNNEL_LOOK_AGAIN_MS = 10,

	/* For a tunnel to end by itself when it is closed. */
	TUNNEL_PATIENCE_MS = 500,
};

enum stream_state {
	STREAM_CONNECTING,
	STREAM_OPEN,
	STREAM_ENDING, /* a tunnel whose process has yet to be waited for */
	STREAM_FAILED,
};

struct net_stream {
	enum stream_state state;
	int fd;     /* -1 before STREAM_OPEN */
	char *host; /* for sentences; NULL with a tunnel */
	int64_t timeout_ms;
	struct connector *connector; /* while CONNECTING */
	struct process tunnel;       /* pid 0: none */
	int64_t ended_ms;            /* since when ENDING */
	struct err failure;          /* when FAILED */
};

static struct net_stream *tcp_open(
	const struct net_target *target, struct err *err)
{
	struct net_stream *stream = calloc(1, sizeof(*stream));

	check(stream != NULL);
	stream->state = STREAM_CONNECTING;
	stream->fd = -1;
	stream->timeout_ms = target->timeout_ms;
	stream->host = strdup(target->host);
	stream->connector = calloc(1, sizeof(*stream->connector));
	check(stream->host != NULL && stream->connector != NULL);
	if (connector_start(stream->connector, stream->host, target->port,
		    target->timeout_ms, err) == -1) {
		free(stream->connector);
		free(stream->host);
		free(stream);
		return NULL;
	}
	return stream;
}

static struct net_stream *tunnel_open(
	const struct net_target *target, struct err *err)
{
	struct process_plan plan = {.detached = true};
	struct net_stream *stream = NULL;
	struct process process;
	int fds[2];
	int error;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == -1) {
		(void)err_set(err, ERR_ACCOUNT, ERR_LATER, ERR_NET,
			"cannot make a socket for the tunnel command: %s",
			strerror(errno));
		return NULL;
	}
	fd_close_on_exec(fds[0]);
	fd_close_on_exec(fds[1]);
	plan.argv = target->tunnel;
	plan.in_fd = plan.out_fd = fds[1];
	error = process_start(&plan, &process);
	fd_close(&fds[1]);
	if (error != 0) {
		fd_close(&fds[0]);
		(void)err_set(err, ERR_ACCOUNT, ERR_NEVER, ERR_NET,
			"cannot start the tunnel command %s: %s",
			target->tunnel[0], strerror(error));
		return NULL;
	}
	stream = calloc(1, sizeof(*stream));
	check(stream != NULL);
	fd_nonblocking(fds[0]);
	stream->state = STREAM_OPEN;
	stream->fd = fds[0];
	stream->tunnel = process;
	return stream;
}

static struct net_stream *net_open(
	void *ctx, const struct net_target *target, struct err *err)
{
	(void)ctx;
	if (target->tunnel != NULL)
		return tunnel_open(target, err);
	return tcp_open(target, err);
}

static enum net_result stream_fail(struct net_stream *stream, struct err *err)
{
	stream->state = STREAM_FAILED;
	if (err != NULL)
		*err = stream->failure;
	return NET_FAILED;
}

static enum net_result socket_failed(
	struct net_stream *stream, int error, struct err *err)
{
	struct err *failure = &stream->failure;
	const char *host = stream->host == NULL ? "the tunnel" : stream->host;

	if (error == ETIMEDOUT)
		(void)err_set(failure, ERR_ACCOUNT, ERR_NOW, ERR_NET,
			"the connection to %s is dead: nothing that was sent "
			"has arrived for %g s",
			host, (double)stream->timeout_ms / 1000);
	else if (error == ECONNRESET || error == EPIPE)
		(void)err_set(failure, ERR_ACCOUNT, ERR_NOW, ERR_NET,
			"the connection was reset by %s", host);
	else
		(void)err_set(failure, ERR_ACCOUNT, ERR_NOW, ERR_NET,
			"the connection to %s broke: %s", host,
			strerror(error));
	return stream_fail(stream, err);
}

/* The other end of a tunnel's socket is closed: why? */
static enum net_result tunnel_ended(struct net_stream *stream, struct err *err)
{
	struct process_end end;
	struct buf how = {0};

	if (stream->state == STREAM_OPEN) {
		stream->state = STREAM_ENDING;
		stream->ended_ms = os_clock_ms();
	}
	if (!process_ended(&stream->tunnel, &end)) {
		if (os_clock_ms() - stream->ended_ms < TUNNEL_EXIT_MS)
			return NET_AGAIN;
		return NET_CLOSED; /* it lives on, but has nothing to say */
	}
	if (end.signal == 0 && end.status == 0)
		return NET_CLOSED;
	process_describe(end, &how);
	(void)err_set(&stream->failure, ERR_ACCOUNT, ERR_LATER, ERR_NET,
		"the tunnel command %s%s", buf_z(&how),
		end.status == 127 ? ": there is no such command" : "");
	buf_clear(&how);
	return stream_fail(stream, err);
}

/* NET_OK, or what any call comes to as long as nothing can travel. */
static enum net_result stream_ready(struct net_stream *stream, struct err *err)
{
	if (stream->state == STREAM_CONNECTING)
		return NET_AGAIN;
	if (stream->state == STREAM_FAILED)
		return stream_fail(stream, err);
	if (stream->state == STREAM_ENDING)
		return tunnel_ended(stream, err);
	return NET_OK;
}

static enum net_result net_recv(struct net_stream *stream, char *at,
	size_t room, size_t *got_r, struct err *err)
{
	enum net_result ready = stream_ready(stream, err);
	ssize_t got;

	*got_r = 0;
	if (ready != NET_OK)
		return ready;
	check(room > 0);
	do {
		got = recv(stream->fd, at, room, 0);
	} while (got == -1 && errno == EINTR);
	if (got > 0) {
		*got_r = (size_t)got;
		return NET_OK;
	}
	if (got == -1 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return NET_AGAIN;
	if (stream->tunnel.pid != 0)
		return tunnel_ended(stream, err);
	return got == 0 ? NET_CLOSED : socket_failed(stream, errno, err);
}

/* Nothing can be sent any more. What the other side said before it left is
 * read first: it may well say why. */
static enum net_result send_failed(
	struct net_stream *stream, int error, struct err *err)
{
	char byte;

	if (recv(stream->fd, &byte, 1, MSG_PEEK) == 1)
		return NET_AGAIN;
	if (stream->tunnel.pid != 0)
		return tunnel_ended(stream, err);
	return socket_failed(stream, error, err);
}

static enum net_result net_send(struct net_stream *stream, struct str bytes,
	size_t *sent_r, struct err *err)
{
	enum net_result ready = stream_ready(stream, err);
	ssize_t sent;

	*sent_r = 0;
	if (ready != NET_OK)
		return ready;
	check(bytes.len > 0);
	do {
		sent = send(stream->fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);
	} while (sent == -1 && errno == EINTR);
	if (sent >= 0) {
		*sent_r = (size_t)sent;
		return NET_OK;
	}
	if (errno == EAGAIN || errno == EWOULDBLOCK)
		return NET_AGAIN;
	return send_failed(stream, errno, err);
}

/* Adds what to poll for; returns until when at most to sleep. */
static int64_t wait_prepare(
	struct os_net *net, const struct net_wait *wait, size_t *count)
{
	const struct net_stream *stream = wait->stream;
	int events = (wait->want_recv ? POLLIN : 0) |
		     (wait->want_send ? POLLOUT : 0);

	net->polls = array_grow(net->polls, &net->poll_cap,
		*count + CONNECT_POLLS_MAX, sizeof(*net->polls));
	switch (stream->state) {
	case STREAM_CONNECTING:
		connector_await(stream->connector);
		*count +=
			connector_polls(stream->connector, net->polls + *count);
		return connector_due_ms(stream->connector);
	case STREAM_ENDING:
		return os_clock_ms() + TUNNEL_LOOK_AGAIN_MS;
	case STREAM_FAILED:
		return 0;
	case STREAM_OPEN:
		break;
	}
	if (events != 0)
		net->polls[(*count)++] = (struct pollfd){
			.fd = stream->fd, .events = (short)events};
	return INT64_MAX;
}

static void stream_advance(struct net_stream *stream)
{
	enum connect_result result;

	if (stream->state != STREAM_CONNECTING)
		return;
	result = connector_advance(
		stream->connector, &stream->fd, &stream->failure);
	if (result == CONNECT_PENDING)
		return;
	stream->state = result == CONNECT_DONE ? STREAM_OPEN : STREAM_FAILED;
	free(stream->connector);
	stream->connector = NULL;
}

static void net_wait(
	void *ctx, const struct net_wait *waits, size_t count, int64_t until_ms)
{
	struct os_net *net = ctx;
	size_t polls = 0;
	int64_t ms;

	for (size_t i = 0; i < count; i++) {
		ms = wait_prepare(net, &waits[i], &polls);
		if (ms < until_ms)
			until_ms = ms;
	}
	ms = until_ms - os_clock_ms();
	if (ms < 0)
		ms = 0;
	if (ms > WAIT_SLICE_MS)
		ms = WAIT_SLICE_MS;
	/* Failures and signals show when the streams are looked at. */
	(void)poll(net->polls, polls, (int)ms);
	for (size_t i = 0; i < count; i++)
		stream_advance(waits[i].stream);
}

static void net_close(struct net_stream **stream)
{
	struct net_stream *closing = *stream;

	*stream = NULL;
	if (closing == NULL)
		return;
	if (closing->connector != NULL)
		connector_clear(closing->connector);
	fd_close(&closing->fd);
	if (closing->tunnel.pid != 0)
		process_finish(&closing->tunnel, TUNNEL_PATIENCE_MS);
	free(closing->connector);
	free(closing->host);
	free(closing);
}

void os_net_open(struct os_net *net, struct net_port *port_r)
{
	*net = (struct os_net){0};
	*port_r = (struct net_port){
		.ctx = net,
		.open = net_open,
		.recv = net_recv,
		.send = net_send,
		.wait = net_wait,
		.close = net_close,
	};
}

void os_net_close(struct os_net *net)
{
	free(net->polls);
	*net = (struct os_net){0};
}
