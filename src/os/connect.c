/*
 * How: two queues of addresses, IPv6 and IPv4, as the resolver sorted each,
 * drawn from in turn. Attempts start 250 ms apart, sooner when one fails; the
 * first that succeeds closes the others. IPv4 waits 50 ms for IPv6's answer.
 * (RFC 6724's preference between the families is left to failures: a family
 * that has no route fails at once and costs nothing.)
 */
#include "connect.h"

#include "fd.h"
#include "godwit/os/clock.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <string.h>

enum {
	RESOLUTION_DELAY_MS = 50, /* RFC 8305 8 */
	ATTEMPT_DELAY_MS = 250,
	ATTEMPT_DELAY_MIN_MS = 10,

	/* A dead peer is noticed while nothing is sent, too; also keeps the
	 * entries of NAT boxes alive, which forget after 2 minutes or more. */
	KEEPALIVE_IDLE_S = 60,
	KEEPALIVE_INTERVAL_S = 15,
};

static void option_set(int fd, int level, int name, int value)
{
	/* Each is an improvement, none a condition. */
	(void)setsockopt(fd, level, name, &value, sizeof(value));
}

static void socket_tune(int fd, int64_t timeout_ms)
{
	option_set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	option_set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
#ifdef TCP_KEEPIDLE
	option_set(fd, IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_S);
	option_set(fd, IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_INTERVAL_S);
#endif
#ifdef TCP_USER_TIMEOUT
	option_set(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, (int)timeout_ms);
#endif
#ifdef SO_NOSIGPIPE
	option_set(fd, SOL_SOCKET, SO_NOSIGPIPE, 1);
#endif
}

int connector_start(struct connector *connector, const char *host,
	uint16_t port, int64_t timeout_ms, struct err *err)
{
	struct answer literal;
	int error;

	check(timeout_ms > 0 && timeout_ms <= INT32_MAX);
	memset(connector, 0, sizeof(*connector));
	connector->host = host;
	connector->port = port;
	connector->timeout_ms = timeout_ms;
	connector->seen_ms = os_clock_ms();
	connector->deadline_ms = connector->seen_ms + timeout_ms;
	error = lookup_start(&connector->lookup, host, port, &literal);
	if (error != 0)
		return err_set(err, ERR_ACCOUNT, ERR_LATER, ERR_NET,
			"cannot begin to look up %s: %s", host,
			strerror(error));
	if (connector->lookup.pending == 0)
		connector->answers[literal.family == AF_INET] = literal;
	return 0;
}

static bool has_candidate(const struct connector *connector, unsigned which)
{
	return connector->tried[which] < connector->answers[which].count;
}

static void answers_take(struct connector *connector, int64_t now_ms)
{
	struct answer answer;

	while (lookup_take(&connector->lookup, &answer)) {
		bool is_ipv4 = answer.family == AF_INET;

		connector->answers[is_ipv4] = answer;
		if (connector->attempt_count > 0)
			continue;
		connector->next_ms = now_ms;
		if (is_ipv4 && connector->lookup.pending > 0)
			connector->next_ms += RESOLUTION_DELAY_MS;
	}
}

/* The errno of what a pending connect came to; -1: still pending. */
static int attempt_outcome(const struct attempt *attempt)
{
	struct pollfd ready = {.fd = attempt->fd, .events = POLLOUT};
	socklen_t len = sizeof(int);
	int error;

	if (poll(&ready, 1, 0) != 1)
		return -1;
	if (getsockopt(attempt->fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1)
		return errno;
	return error;
}

/* Returns the connected socket, or -1. */
static int attempts_check(struct connector *connector)
{
	for (size_t i = 0; i < connector->attempt_count; i++) {
		struct attempt *attempt = &connector->attempts[i];
		int error = attempt->fd == -1 ? -1 : attempt_outcome(attempt);
		int64_t soon_ms;
		int fd = attempt->fd;

		if (error == -1)
			continue;
		if (error == 0) {
			attempt->fd = -1;
			return fd;
		}
		attempt->error = error;
		fd_close(&attempt->fd);
		soon_ms = connector->started_ms + ATTEMPT_DELAY_MIN_MS;
		if (soon_ms < connector->next_ms)
			connector->next_ms = soon_ms;
	}
	return -1;
}

/* Returns 0 when it is under way or done, or an errno. */
static int attempt_start(struct attempt *attempt, int64_t timeout_ms)
{
	int error = 0;

	attempt->fd =
		socket(attempt->address.sock.any.sa_family, SOCK_STREAM, 0);
	if (attempt->fd == -1)
		return errno;
	fd_close_on_exec(attempt->fd);
	fd_nonblocking(attempt->fd);
	socket_tune(attempt->fd, timeout_ms);
	if (connect(attempt->fd, &attempt->address.sock.any,
		    attempt->address.len) == -1 &&
		errno != EINPROGRESS && errno != EINTR) {
		error = errno;
		fd_close(&attempt->fd);
	}
	return error;
}

static void attempts_add(struct connector *connector, int64_t now_ms)
{
	struct attempt *attempt;
	unsigned which;

	while (now_ms >= connector->next_ms) {
		which = connector->turn;
		if (!has_candidate(connector, which))
			which = !which;
		if (!has_candidate(connector, which))
			return;
		connector->turn = !which;
		attempt = &connector->attempts[connector->attempt_count++];
		attempt->address =
			connector->answers[which]
				.addresses[connector->tried[which]++];
		attempt->error = attempt_start(attempt, connector->timeout_ms);
		if (attempt->error != 0)
			continue;
		connector->started_ms = now_ms;
		connector->next_ms = now_ms + ATTEMPT_DELAY_MS;
	}
}

static bool is_over(const struct connector *connector)
{
	if (connector->lookup.pending > 0 || has_candidate(connector, 0) ||
		has_candidate(connector, 1))
		return false;
	for (size_t i = 0; i < connector->attempt_count; i++) {
		if (connector->attempts[i].fd != -1)
			return false;
	}
	return true;
}

/* "::1, 127.0.0.1", or with what became of each unless all were refused. */
static bool attempts_describe(
	const struct connector *connector, struct buf *text)
{
	bool all_refused = true;

	for (size_t i = 0; i < connector->attempt_count; i++)
		all_refused &= connector->attempts[i].error == ECONNREFUSED;
	for (size_t i = 0; i < connector->attempt_count; i++) {
		const struct attempt *attempt = &connector->attempts[i];

		buf_addz(text, i == 0 ? "" : all_refused ? ", " : "; ");
		address_describe(&attempt->address, text);
		if (attempt->fd != -1)
			buf_addz(text, ": no answer");
		else if (!all_refused)
			buf_addf(text, ": %s", strerror(attempt->error));
	}
	return all_refused;
}

static const char *answer_fault(const struct answer *answer)
{
	return answer->error == EAI_SYSTEM ? strerror(answer->system_error)
					   : gai_strerror(answer->error);
}

static int lookup_failed(const struct connector *connector, struct err *err)
{
	const struct answer *worst = &connector->answers[1];

	/* "No such name" is only worth saying when both say so. */
	if (worst->error == 0 || worst->error == EAI_NONAME)
		worst = &connector->answers[0];
	if (worst->error == 0 || worst->error == EAI_NONAME)
		return err_set(err, ERR_ACCOUNT, ERR_LATER, ERR_NET,
			"there is no host called %s; check 'server' in the "
			"configuration, or the network",
			connector->host);
	return err_set(err, ERR_ACCOUNT, ERR_LATER, ERR_NET,
		"cannot look up the host %s: %.*s; is the network up?",
		connector->host,
		STR_FMT(err_said(str_of(answer_fault(worst)))));
}

static int all_failed(const struct connector *connector, struct err *err)
{
	struct buf tried = {0};
	bool refused;

	if (connector->attempt_count == 0)
		return lookup_failed(connector, err);
	refused = attempts_describe(connector, &tried);
	(void)err_set(err, ERR_ACCOUNT, ERR_LATER, ERR_NET,
		refused ? "%s refuses connections to port %u (tried %s); is "
			  "the port right, and is the server running?"
			: "cannot connect to %s port %u: %s; is the network "
			  "up?",
		connector->host, (unsigned)connector->port, buf_z(&tried));
	buf_clear(&tried);
	return -1;
}

static int timed_out(const struct connector *connector, struct err *err)
{
	struct buf tried = {0};
	double seconds = (double)connector->timeout_ms / 1000;

	if (connector->attempt_count == 0)
		return err_set(err, ERR_ACCOUNT, ERR_LATER, ERR_NET,
			"looking up the host %s took more than %g s; is the "
			"network up, and the name server?",
			connector->host, seconds);
	(void)attempts_describe(connector, &tried);
	(void)err_set(err, ERR_ACCOUNT, ERR_LATER, ERR_NET,
		"cannot connect to %s port %u within %g s: %s; is the network "
		"up, and the port right?",
		connector->host, (unsigned)connector->port, seconds,
		buf_z(&tried));
	buf_clear(&tried);
	return -1;
}

enum connect_result connector_advance(
	struct connector *connector, int *fd_r, struct err *err)
{
	int64_t now_ms = os_clock_ms();

	connector->seen_ms = now_ms;
	answers_take(connector, now_ms);
	*fd_r = attempts_check(connector);
	if (*fd_r != -1) {
		connector_clear(connector);
		return CONNECT_DONE;
	}
	if (now_ms < connector->deadline_ms)
		attempts_add(connector, now_ms);
	if (is_over(connector))
		(void)all_failed(connector, err);
	else if (now_ms >= connector->deadline_ms)
		(void)timed_out(connector, err);
	else
		return CONNECT_PENDING;
	connector_clear(connector);
	return CONNECT_FAILED;
}

void connector_await(struct connector *connector)
{
	int64_t now_ms = os_clock_ms();

	connector->deadline_ms += now_ms - connector->seen_ms;
	connector->seen_ms = now_ms;
}

size_t connector_polls(const struct connector *connector, struct pollfd *polls)
{
	size_t count = 0;

	if (connector->lookup.fd != -1)
		polls[count++] = (struct pollfd){
			.fd = connector->lookup.fd, .events = POLLIN};
	for (size_t i = 0; i < connector->attempt_count; i++) {
		if (connector->attempts[i].fd != -1)
			polls[count++] =
				(struct pollfd){.fd = connector->attempts[i].fd,
					.events = POLLOUT};
	}
	return count;
}

int64_t connector_due_ms(const struct connector *connector)
{
	bool more = has_candidate(connector, 0) || has_candidate(connector, 1);

	if (more && connector->next_ms < connector->deadline_ms)
		return connector->next_ms;
	return connector->deadline_ms;
}

void connector_clear(struct connector *connector)
{
	lookup_end(&connector->lookup);
	for (size_t i = 0; i < connector->attempt_count; i++)
		fd_close(&connector->attempts[i].fd);
}
