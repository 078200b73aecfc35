/*
 * How: ppoll() over all sockets, until the first of what is on its way is due;
 * what was read is kept in a queue a direction (delay_queue.h) until then.
 *
 * delay_proxy DELAY_MS PORT: a line of DELAY_MS each way to 127.0.0.1:PORT. It
 * says "port N", its own on 127.0.0.1, and serves until its standard input ends
 * or SIGTERM comes. Then it says, for each connection and for all together,
 *
 *   connection 1: flights 4 commands 7 up 311 down 2048
 *   all 1: flights 4 commands 7 up 311 down 2048
 *
 * as tally.h counts them. To open a connection takes a round trip, of which the
 * client's connect(2) notices nothing: the greeting is that late.
 */
#include "delay_queue.h"
#include "tally.h"

#include "godwit/base/err.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	CLIENT,
	SERVER,
	ENDS,

	CONNECTIONS_MAX = 256,
	READ_BYTES = 65536,
	/* More than a fast line of a second holds; then its sender waits. */
	QUEUE_BYTES_MAX = 64 * 1024 * 1024,
};

/* Arrays are indexed by the end: fd, what is on its way to it. */
struct line {
	int fd[ENDS]; /* -1: closed; the server's also before it is opened */
	struct delay_queue to[ENDS];
	bool silent[ENDS]; /* it says no more */
	int64_t opens_ns;  /* INT64_MAX when it is open */
	struct tally tally;
};

struct proxy {
	int64_t delay_ns;
	uint16_t server_port;
	int listener;
	int signals;
	struct line lines[CONNECTIONS_MAX];
	size_t count;
};

static int64_t now_ns(void)
{
	struct timespec now;

	check(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static struct sockaddr_in loopback(uint16_t port)
{
	return (struct sockaddr_in){.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

/* What was said goes off at once. */
static void make_prompt(int fd)
{
	int on = 1;

	(void)fcntl(fd, F_SETFL, O_NONBLOCK);
	(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

static void line_close(struct line *line)
{
	for (int end = CLIENT; end < ENDS; end++) {
		if (line->fd[end] >= 0)
			(void)close(line->fd[end]);
		line->fd[end] = -1;
		delay_queue_clear(&line->to[end]);
	}
	line->opens_ns = INT64_MAX;
}

static bool line_is_closed(const struct line *line)
{
	return line->fd[CLIENT] < 0;
}

static void line_accept(struct proxy *proxy, int64_t now)
{
	struct line *line = &proxy->lines[proxy->count];
	int fd = accept(proxy->listener, NULL, NULL);

	if (fd < 0)
		return;
	make_prompt(fd);
	*line = (struct line){
		.fd = {fd, -1}, .opens_ns = now + proxy->delay_ns};
	proxy->count++;
}

/* Over loopback a connection is there, or refused, at once. */
static void line_open(struct line *line, uint16_t port)
{
	struct sockaddr_in address = loopback(port);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	check(fd >= 0);
	line->fd[SERVER] = fd;
	line->opens_ns = INT64_MAX;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0)
		line_close(line);
	else
		make_prompt(fd);
}

static bool end_is_heard(const struct line *line, int end)
{
	return line->fd[end] >= 0 && !line->silent[end] &&
	       line->to[!end].bytes < QUEUE_BYTES_MAX;
}

/* An end that breaks off has said its last, too. */
static void end_hear(struct line *line, int end, int64_t due_ns)
{
	char bytes[READ_BYTES];
	ssize_t got = recv(line->fd[end], bytes, sizeof(bytes), 0);
	struct str said = {bytes, got > 0 ? (size_t)got : 0};

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	line->silent[end] = got <= 0;
	if (end == CLIENT)
		tally_said(&line->tally, said);
	delay_queue_add(&line->to[!end], said,
		end == CLIENT ? line->tally.flights : line->tally.reached,
		due_ns);
}

static void count_arrival(struct line *line, int end, size_t bytes)
{
	uint64_t stamp = line->to[end].first->stamp;

	if (end == CLIENT)
		tally_heard(&line->tally, stamp, bytes);
	else
		tally_reached(&line->tally, stamp);
}

/* Whether more may follow at once. */
static bool first_arrives(struct line *line, int end)
{
	struct delay_queue *queue = &line->to[end];
	struct str bytes = delay_queue_bytes(queue);
	ssize_t sent = 0;

	if (bytes.len == 0) {
		(void)shutdown(line->fd[end], SHUT_WR);
		delay_queue_take(queue, 0);
		return false;
	}
	sent = send(line->fd[end], bytes.ptr, bytes.len, MSG_NOSIGNAL);
	if (sent <= 0) {
		if (errno != EAGAIN && errno != EINTR)
			line_close(line);
		return false;
	}
	count_arrival(line, end, (size_t)sent);
	delay_queue_take(queue, (size_t)sent);
	return true;
}

static void end_arrive(struct line *line, int end, int64_t now)
{
	while (line->fd[end] >= 0 &&
		delay_queue_due_ns(&line->to[end]) <= now &&
		first_arrives(line, end))
		;
}

static void line_go_on(struct proxy *proxy, struct line *line,
	const struct pollfd polls[ENDS], int64_t now)
{
	if (line->opens_ns <= now)
		line_open(line, proxy->server_port);
	for (int end = CLIENT; end < ENDS; end++)
		if (polls[end].revents & (POLLIN | POLLHUP | POLLERR) &&
			end_is_heard(line, end))
			end_hear(line, end, now + proxy->delay_ns);
	for (int end = CLIENT; end < ENDS; end++)
		end_arrive(line, end, now);
	if (line->silent[CLIENT] && line->silent[SERVER] &&
		line->to[CLIENT].first == NULL &&
		line->to[SERVER].first == NULL)
		line_close(line);
}

/* POLLHUP and POLLERR cannot be masked: who is neither heard nor spoken to is
 * left out. */
static struct pollfd end_poll(const struct line *line, int end, int64_t now)
{
	struct pollfd item = {.fd = line->fd[end]};

	if (end_is_heard(line, end))
		item.events |= POLLIN;
	if (delay_queue_due_ns(&line->to[end]) <= now)
		item.events |= POLLOUT;
	if (item.events == 0)
		item.fd = -1;
	return item;
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* When something is due that is not yet. */
static int64_t line_due_ns(const struct line *line, int64_t now)
{
	int64_t due_ns = line->opens_ns;

	for (int end = CLIENT; end < ENDS; end++)
		if (line->fd[end] >= 0 &&
			delay_queue_due_ns(&line->to[end]) > now)
			due_ns = earlier(
				due_ns, delay_queue_due_ns(&line->to[end]));
	return due_ns;
}

static void wait_until(struct pollfd *polls, nfds_t count, int64_t due_ns)
{
	int64_t left_ns = due_ns - now_ns();
	struct timespec left;

	if (left_ns < 0)
		left_ns = 0;
	left = (struct timespec){left_ns / 1000000000, left_ns % 1000000000};
	check(ppoll(polls, count, due_ns == INT64_MAX ? NULL : &left, NULL) >=
			0 ||
		errno == EINTR);
}

/* Standard input and signals, the listener, two ends a line. */
static bool turn(struct proxy *proxy)
{
	struct pollfd polls[3 + ENDS * CONNECTIONS_MAX] = {
		{.fd = STDIN_FILENO, .events = POLLIN},
		{.fd = proxy->signals, .events = POLLIN},
		{.fd = proxy->count < CONNECTIONS_MAX ? proxy->listener : -1,
			.events = POLLIN},
	};
	int64_t now = now_ns();
	int64_t due_ns = INT64_MAX;
	struct pollfd *ends = polls + 3;
	size_t lines = proxy->count;

	for (size_t i = 0; i < lines; i++) {
		const struct line *line = &proxy->lines[i];

		for (int end = CLIENT; end < ENDS; end++)
			ends[ENDS * i + end] = end_poll(line, end, now);
		due_ns = earlier(due_ns, line_due_ns(line, now));
	}
	wait_until(polls, 3 + ENDS * lines, due_ns);
	now = now_ns();
	if (polls[2].revents != 0)
		line_accept(proxy, now);
	for (size_t i = 0; i < proxy->count; i++)
		if (!line_is_closed(&proxy->lines[i]))
			line_go_on(
				proxy, &proxy->lines[i], ends + ENDS * i, now);
	return polls[0].revents == 0 && polls[1].revents == 0;
}

static void report(const struct tally *tally)
{
	printf("flights %llu commands %llu up %llu down %llu\n",
		(unsigned long long)tally->flights,
		(unsigned long long)tally->commands,
		(unsigned long long)tally->up, (unsigned long long)tally->down);
}

static void report_all(struct proxy *proxy)
{
	struct tally sum = {0};

	for (size_t i = 0; i < proxy->count; i++) {
		const struct tally *tally = &proxy->lines[i].tally;

		printf("connection %zu: ", i + 1);
		report(tally);
		sum.flights += tally->flights;
		sum.commands += tally->commands;
		sum.up += tally->up;
		sum.down += tally->down;
		line_close(&proxy->lines[i]);
	}
	printf("all %zu: ", proxy->count);
	report(&sum);
}

/* At a port that is free, if it is 0. */
static void listen_at(struct proxy *proxy, uint16_t port)
{
	struct sockaddr_in address = loopback(port);
	socklen_t size = sizeof(address);
	int on = 1;

	proxy->listener = socket(AF_INET, SOCK_STREAM, 0);
	check(proxy->listener >= 0);
	check(setsockopt(proxy->listener, SOL_SOCKET, SO_REUSEADDR, &on,
		      sizeof(on)) == 0);
	check(bind(proxy->listener, (struct sockaddr *)&address, size) == 0);
	check(listen(proxy->listener, CONNECTIONS_MAX) == 0);
	check(getsockname(proxy->listener, (struct sockaddr *)&address,
		      &size) == 0);
	make_prompt(proxy->listener);
	printf("port %d\n", ntohs(address.sin_port));
	(void)fflush(stdout);
}

static void take_signals(struct proxy *proxy)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	check(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	proxy->signals = signalfd(-1, &set, SFD_CLOEXEC);
	check(proxy->signals >= 0);
}

int main(int argc, char **argv)
{
	static struct proxy proxy;
	uint32_t delay_ms;
	uint32_t port;
	uint32_t own_port = 0;

	if (argc < 3 || argc > 4 || !str_u32(str_of(argv[1]), &delay_ms) ||
		!str_u32(str_of(argv[2]), &port) || port > UINT16_MAX ||
		(argc == 4 && !str_u32(str_of(argv[3]), &own_port)) ||
		own_port > UINT16_MAX) {
		(void)fputs("usage: delay_proxy DELAY_MS PORT [ITS-PORT]\n",
			stderr);
		return 64;
	}
	proxy.delay_ns = (int64_t)delay_ms * 1000000;
	proxy.server_port = (uint16_t)port;
	(void)prctl(PR_SET_TIMERSLACK, 1);
	take_signals(&proxy);
	listen_at(&proxy, (uint16_t)own_port);
	while (turn(&proxy))
		;
	report_all(&proxy);
	return 0;
}
