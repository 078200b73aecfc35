/*
 * How: a stream is a session of the fake server. recv has the session go on
 * until there is output or nothing to do.
 */
#include "fake_net.h"

#include <stdlib.h>
#include <string.h>

enum {
	NSEC_PER_MSEC = 1000000,
	DEAD_WAIT_NS = 1000000000, /* the loop of a dead machine must end */
};

struct net_stream {
	struct fake_net *net;
	struct fake_session *session; /* NULL: turned away */
};

static int broken(struct err *err)
{
	return err_set(err, ERR_ACCOUNT, ERR_NOW, ERR_NET,
		"the connection to the server broke");
}

/* Begins a call: NET_OK, or NET_FAILED and err. */
static enum net_result net_call(
	struct fake_net *net, const char *call, struct err *err)
{
	switch (fate_call(net->fate, call)) {
	case FATE_GO:
		return NET_OK;
	case FATE_FAIL:
		(void)broken(err);
		return NET_FAILED;
	case FATE_DEAD:
		break;
	}
	(void)fate_dead(err);
	return NET_FAILED;
}

static struct net_stream *fake_open(
	void *ctx, const struct net_target *target, struct err *err)
{
	struct fake_net *net = ctx;
	struct net_stream *stream;

	(void)target;
	if (net_call(net, "net.open", err) != NET_OK)
		return NULL;
	if (net->is_down) {
		err_set(err, ERR_ACCOUNT, ERR_LATER, ERR_NET,
			"the server cannot be reached");
		return NULL;
	}
	stream = calloc(1, sizeof(*stream));
	check(stream != NULL);
	stream->net = net;
	net->streams++;
	net->opened++;
	if (net->streams_max == 0 || net->streams <= net->streams_max)
		stream->session = fake_session_open(net->server);
	return stream;
}

/* How many of `bytes` go at once. */
static size_t piece(struct fake_net *net, size_t bytes)
{
	size_t most = net->piece_max;

	if (most == 0)
		return bytes;
	if (net->pieces_vary)
		most = 1 + fate_random(net->fate, most);
	return bytes < most ? bytes : most;
}

static enum net_result fake_recv(struct net_stream *stream, char *at,
	size_t room, size_t *got_r, struct err *err)
{
	struct buf *out;
	size_t got;

	if (net_call(stream->net, "net.recv", err) != NET_OK)
		return NET_FAILED;
	if (stream->session == NULL)
		return NET_CLOSED;
	if (stream->net->clock->now_ns < stream->net->silent_ns)
		return NET_AGAIN;
	out = fake_session_output(stream->session);
	while (out->len == 0 && fake_session_work(stream->session))
		continue;
	if (stream->net->fate->dead) {
		(void)fate_dead(err);
		return NET_FAILED;
	}
	if (out->len == 0)
		return fake_session_ended(stream->session) ? NET_CLOSED
							   : NET_AGAIN;
	got = piece(stream->net, out->len < room ? out->len : room);
	memcpy(at, out->ptr, got);
	buf_consume(out, got);
	*got_r = got;
	return NET_OK;
}

static enum net_result fake_send(struct net_stream *stream, struct str bytes,
	size_t *sent_r, struct err *err)
{
	size_t sent = piece(stream->net, bytes.len);

	if (net_call(stream->net, "net.send", err) != NET_OK)
		return NET_FAILED;
	/* The kernel takes also what nobody will read. */
	if (stream->session != NULL && !fake_session_ended(stream->session))
		fake_session_take(stream->session, str_sub(bytes, 0, sent));
	*sent_r = sent;
	return NET_OK;
}

/* Whether a recv would give something. */
static bool can_recv(const struct net_wait *wait)
{
	const struct fake_net *net = wait->stream->net;
	struct fake_session *session = wait->stream->session;

	if (!wait->want_recv || net->clock->now_ns < net->silent_ns)
		return false;
	if (session == NULL)
		return true;
	while (fake_session_output(session)->len == 0 &&
		fake_session_work(session))
		continue;
	return fake_session_output(session)->len > 0 ||
	       fake_session_ended(session);
}

static void fake_wait(
	void *ctx, const struct net_wait *waits, size_t count, int64_t until_ms)
{
	struct fake_net *net = ctx;
	int64_t until_ns;

	if (net->fate->dead) {
		fake_clock_pass(net->clock, DEAD_WAIT_NS);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		if (waits[i].want_send || can_recv(&waits[i]))
			return;
	}
	/* Nothing comes before then: it is later now. */
	until_ns = net->silent_ns;
	if (until_ns <= net->clock->now_ns ||
		until_ms < until_ns / NSEC_PER_MSEC) {
		check(until_ms < INT64_MAX);
		net->silences++;
		until_ns = until_ms * NSEC_PER_MSEC;
	}
	if (until_ns > net->clock->now_ns)
		fake_clock_pass(net->clock, until_ns - net->clock->now_ns);
}

static void fake_close(struct net_stream **stream)
{
	if (*stream == NULL)
		return;
	(*stream)->net->streams--;
	fake_session_close(&(*stream)->session);
	free(*stream);
	*stream = NULL;
}

void fake_net_init(struct fake_net *net, struct fate *fate,
	struct fake_clock *clock, struct fake_server *server)
{
	*net = (struct fake_net){
		.fate = fate,
		.clock = clock,
		.server = server,
		.port =
			{
				.ctx = net,
				.open = fake_open,
				.recv = fake_recv,
				.send = fake_send,
				.wait = fake_wait,
				.close = fake_close,
			},
	};
}
