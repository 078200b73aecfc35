/*
 * How: a stream is a session of the fake server. recv has the session go on
 * until there is output or nothing to do. What is under way to a far server is
 * kept in the stream until a wait.
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
	struct net_stream *next;
	struct fake_session *session; /* NULL: turned away */
	bool arrived;                 /* at a far server */
	int64_t silent_ns;            /* as the net's */
	struct buf underway;
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
	stream->next = net->first;
	if (net->first != NULL)
		stream->silent_ns = net->clock->now_ns + net->slow_ns;
	net->first = stream;
	stream->arrived = net->round_trip_ns == 0;
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

static bool is_silent(const struct net_stream *stream)
{
	int64_t now_ns = stream->net->clock->now_ns;

	return now_ns < stream->net->silent_ns || now_ns < stream->silent_ns;
}

static enum net_result fake_recv(struct net_stream *stream, char *at,
	size_t room, size_t *got_r, struct err *err)
{
	struct buf *out;
	size_t got;

	if (net_call(stream->net, "net.recv", err) != NET_OK)
		return NET_FAILED;
	if (!stream->arrived)
		return NET_AGAIN;
	if (stream->session == NULL)
		return NET_CLOSED;
	if (is_silent(stream))
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

/* The kernel takes also what nobody will read. */
static void deliver(struct net_stream *stream, struct str bytes)
{
	if (stream->session != NULL && !fake_session_ended(stream->session))
		fake_session_take(stream->session, bytes);
}

static enum net_result fake_send(struct net_stream *stream, struct str bytes,
	size_t *sent_r, struct err *err)
{
	size_t sent = piece(stream->net, bytes.len);

	if (net_call(stream->net, "net.send", err) != NET_OK)
		return NET_FAILED;
	if (!stream->arrived)
		return NET_AGAIN;
	*sent_r = sent;
	if (stream->net->round_trip_ns != 0)
		buf_add(&stream->underway, str_sub(bytes, 0, sent));
	else
		deliver(stream, str_sub(bytes, 0, sent));
	return NET_OK;
}

/* Whether a recv would give something. */
static bool can_recv(const struct net_wait *wait)
{
	struct fake_session *session = wait->stream->session;

	if (!wait->want_recv || !wait->stream->arrived ||
		is_silent(wait->stream))
		return false;
	if (session == NULL)
		return true;
	while (fake_session_output(session)->len == 0 &&
		fake_session_work(session))
		continue;
	return fake_session_output(session)->len > 0 ||
	       fake_session_ended(session);
}

/* All that is under way arrives. Whether anything was. */
static bool fly(struct fake_net *net)
{
	bool flew = false;

	for (struct net_stream *s = net->first; s != NULL; s = s->next) {
		flew = flew || !s->arrived || s->underway.len > 0;
		s->arrived = true;
		deliver(s, buf_str(&s->underway));
		buf_reset(&s->underway);
	}
	return flew;
}

/* When a silence ends next, of those that do; or a time that is over. */
static int64_t silence_ends_ns(const struct fake_net *net)
{
	int64_t end_ns = net->silent_ns;

	for (const struct net_stream *s = net->first; s != NULL; s = s->next) {
		if (s->silent_ns > net->clock->now_ns &&
			(end_ns <= net->clock->now_ns || s->silent_ns < end_ns))
			end_ns = s->silent_ns;
	}
	return end_ns;
}

static bool is_ready(const struct net_wait *waits, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		bool can_send = waits[i].want_send && waits[i].stream->arrived;

		if (can_send || can_recv(&waits[i]))
			return true;
	}
	return false;
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
	if (count == 0 && until_ms < INT64_MAX) {
		/* A rest: nobody is waited for. */
		if (until_ms * NSEC_PER_MSEC > net->clock->now_ns)
			fake_clock_pass(net->clock,
				until_ms * NSEC_PER_MSEC - net->clock->now_ns);
		return;
	}
	if (is_ready(waits, count))
		return;
	if (fly(net)) {
		net->flights++;
		fake_clock_pass(net->clock, net->round_trip_ns);
		return;
	}
	/* Nothing comes before then: it is later now. */
	until_ns = silence_ends_ns(net);
	if (until_ns <= net->clock->now_ns ||
		until_ms < until_ns / NSEC_PER_MSEC) {
		check(until_ms < INT64_MAX);
		net->silences++;
		until_ns = until_ms * NSEC_PER_MSEC;
	}
	if (until_ns > net->clock->now_ns)
		fake_clock_pass(net->clock, until_ns - net->clock->now_ns);
}

/* A server does what it was told, whether or not somebody hears of it. */
static void work_off(struct net_stream *stream)
{
	struct fake_session *session = stream->session;

	if (session == NULL || stream->net->fate->dead)
		return;
	while (fake_session_work(session))
		buf_reset(fake_session_output(session));
}

static void fake_close(struct net_stream **stream)
{
	struct net_stream **at;

	if (*stream == NULL)
		return;
	for (at = &(*stream)->net->first; *at != *stream; at = &(*at)->next)
		continue;
	*at = (*stream)->next;
	(*stream)->net->streams--;
	deliver(*stream, buf_str(&(*stream)->underway));
	work_off(*stream);
	buf_clear(&(*stream)->underway);
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
