/*
 * Port: byte streams to servers.
 *
 * A stream is a TCP connection or a tunnel command's stdin and stdout. All
 * calls but wait return at once; a stream that is still being connected takes
 * and gives nothing yet. Nothing here knows TLS (transform.h) or IMAP.
 */
#ifndef GODWIT_ENGINE_PORTS_NET_H
#define GODWIT_ENGINE_PORTS_NET_H

#include "godwit/base/bytes.h"
#include "godwit/base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct net_stream; /* the implementation's own */

/* Borrowed for the call of open only. */
struct net_target {
	const char *host; /* name or address; NULL: a tunnel without one */
	uint16_t port;
	/* The tunnel's argument vector, NULL-terminated; NULL for TCP. */
	const char *const *tunnel;
	/* For the whole of name look-up and connecting (RFC 8305), as far as
	 * it was waited for, and for unacknowledged data afterwards
	 * (TCP_USER_TIMEOUT). */
	int64_t timeout_ms;
};

enum net_result {
	NET_OK,     /* some bytes went */
	NET_AGAIN,  /* none for now: wait */
	NET_CLOSED, /* the other side has ended the stream in good order */
	NET_FAILED, /* err is set */
};

/* What wait is to look at, and what it saw. */
struct net_wait {
	struct net_stream *stream;
	bool want_recv;
	bool want_send;
};

struct net_port {
	void *ctx;

	/* Begins to connect. NULL and err (ERR_NET) when that cannot even
	 * begin; later failures come from recv and send. */
	struct net_stream *(*open)(
		void *ctx, const struct net_target *target, struct err *err);

	/* Reads up to `room` bytes to `at`, *got_r says how many. */
	enum net_result (*recv)(struct net_stream *stream, char *at,
		size_t room, size_t *got_r, struct err *err);

	/* Writes from `bytes`, *sent_r says how many. */
	enum net_result (*send)(struct net_stream *stream, struct str bytes,
		size_t *sent_r, struct err *err);

	/* Sleeps until a stream may go on or `until_ms` (the clock port's
	 * monotonic_ms) is there. Also advances streams that are being
	 * connected: they move on only here. May return earlier for no
	 * reason, and does so when a signal was caught and every few seconds,
	 * so that neither a signal nor a suspended machine goes unnoticed:
	 * the caller looks at its clock and at its streams again. */
	void (*wait)(void *ctx, const struct net_wait *waits, size_t count,
		int64_t until_ms);

	/* Ends the stream (and a tunnel's process); *stream becomes NULL. */
	void (*close)(struct net_stream **stream);
};

#endif
