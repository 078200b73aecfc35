/*
 * Connecting to a name by TCP: look-up and a race of addresses (RFC 8305).
 *
 * A machine that is advanced whenever time has passed or one of its
 * descriptors is ready, until it has a connected socket or has failed; one
 * deadline covers all the time in which it was waited for. It never blocks.
 */
#ifndef GODWIT_OS_CONNECT_H
#define GODWIT_OS_CONNECT_H

#include "godwit/base/err.h"
#include "resolve.h"

#include <poll.h>

enum {
	CONNECT_ATTEMPTS_MAX = 2 * RESOLVE_ADDRESSES_MAX,

	/* Descriptors that one connector waits for, at most. */
	CONNECT_POLLS_MAX = CONNECT_ATTEMPTS_MAX + 1,
};

struct attempt {
	int fd; /* -1: it has failed */
	int error;
	struct address address;
};

struct connector {
	const char *host; /* borrowed */
	uint16_t port;
	int64_t timeout_ms;
	int64_t deadline_ms;
	int64_t seen_ms;    /* when it was last gone on with */
	int64_t next_ms;    /* no further attempt before */
	int64_t started_ms; /* the last attempt */
	struct lookup lookup;
	struct answer answers[2]; /* IPv6, IPv4 */
	size_t tried[2];
	unsigned turn; /* whose address is next */
	struct attempt attempts[CONNECT_ATTEMPTS_MAX];
	size_t attempt_count;
};

enum connect_result {
	CONNECT_PENDING,
	CONNECT_DONE,
	CONNECT_FAILED, /* err is set */
};

/* Begins; -1 and err when no look-up can be started. */
int connector_start(struct connector *connector, const char *host,
	uint16_t port, int64_t timeout_ms, struct err *err);

/* Now it is waited for: what its caller did since it was last gone on with (a
 * flush may take minutes) does not count against its deadline. */
void connector_await(struct connector *connector);

/* Writes what to poll for to polls; returns how many. */
size_t connector_polls(const struct connector *connector, struct pollfd *polls);

/* When to advance though no descriptor is ready (os_clock_ms). */
int64_t connector_due_ms(const struct connector *connector);

/* Goes on. CONNECT_DONE hands the socket, not blocking, over to *fd_r. */
enum connect_result connector_advance(
	struct connector *connector, int *fd_r, struct err *err);

/* Gives up what is under way. */
void connector_clear(struct connector *connector);

#endif
