/*
 * os/net: streams over loopback, with a resolver of the test's own: every
 * name below .test is one of the cases in the table `names`.
 */
#include "godwit/os/net.h"

#include "godwit/os/clock.h"

#include "tap.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum {
	/* Nothing that works takes as long, not even under valgrind. */
	PATIENCE_MS = 30000,
	ADDRESSES_MAX = 40,
	BUSY_TIMEOUT_MS = 300,
};

/* What the resolver says, for IPv6 and IPv4: addresses, one blank between
 * them; "!..." is an error, "?" hangs until `resume` is posted. */
static const struct {
	const char *name;
	const char *answers[2];
} names[] = {
	{"dual.test", {"::1", "127.0.0.1"}},
	{"four.test", {"!none", "127.0.0.1"}},
	{"six.test", {"::1", "!none"}},
	{"slow6.test", {"?", "127.0.0.1"}},
	{"slow4.test", {"::1", "?"}},
	{"hang.test", {"?", "?"}},
	{"none.test", {"!none", "!none"}},
	{"again.test", {"!none", "!again"}},
	{"hole.test", {"!none", "127.0.0.2"}},
	{"hole2.test", {"!none", "127.0.0.2 127.0.0.1"}},
	{"many.test",
		{"!none", "127.0.1.1 127.0.1.2 127.0.1.3 127.0.1.4 127.0.1.5 "
			  "127.0.1.6 127.0.1.7 127.0.1.8 127.0.1.9 127.0.1.10 "
			  "127.0.1.11 127.0.1.12 127.0.1.13 127.0.1.14 "
			  "127.0.1.15 127.0.1.16 127.0.1.17 127.0.1.18"}},
};

static sem_t resume;

static struct addrinfo *info_new(const char *figures, const char *service)
{
	union {
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} *sock = calloc(1, sizeof(*sock));
	struct addrinfo *info = calloc(1, sizeof(*info));
	in_port_t port = htons((uint16_t)strtoul(service, NULL, 10));

	check(sock != NULL && info != NULL);
	info->ai_addr = (struct sockaddr *)sock;
	if (inet_pton(AF_INET, figures, &sock->in.sin_addr) == 1) {
		sock->in.sin_family = AF_INET;
		sock->in.sin_port = port;
		info->ai_addrlen = sizeof(sock->in);
	} else if (inet_pton(AF_INET6, figures, &sock->in6.sin6_addr) == 1) {
		sock->in6.sin6_family = AF_INET6;
		sock->in6.sin6_port = port;
		info->ai_addrlen = sizeof(sock->in6);
	} else {
		freeaddrinfo(info);
		return NULL;
	}
	return info;
}

/* These two stand in for libc's (and have its parameters' names). */
int getaddrinfo(const char *name, const char *service,
	const struct addrinfo *req, struct addrinfo **pai)
{
	const char *answer = "!none";
	struct addrinfo **last = pai;
	char figures[64];
	int used;

	if ((req->ai_flags & AI_NUMERICHOST) != 0) {
		*pai = info_new(name, service);
		return *pai == NULL ? EAI_NONAME : 0;
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(names[i].name, name) == 0)
			answer = names[i].answers[req->ai_family == AF_INET];
	}
	if (answer[0] == '?') {
		while (sem_wait(&resume) == -1)
			;
		return EAI_AGAIN;
	}
	if (answer[0] == '!')
		return strcmp(answer, "!none") == 0 ? EAI_NONAME : EAI_AGAIN;
	while (sscanf(answer, "%63s%n", figures, &used) == 1) {
		*last = info_new(figures, service);
		last = &(*last)->ai_next;
		answer += used;
	}
	return 0;
}

void freeaddrinfo(struct addrinfo *ai)
{
	while (ai != NULL) {
		struct addrinfo *next = ai->ai_next;

		free(ai->ai_addr);
		free(ai);
		ai = next;
	}
}

struct world {
	struct os_net os;
	struct net_port port;
};

static struct net_stream *tcp(const struct world *world, const char *host,
	int port, int64_t timeout_ms)
{
	struct net_target target = {
		.host = host, .port = (uint16_t)port, .timeout_ms = timeout_ms};
	struct err err;
	struct net_stream *stream =
		world->port.open(world->port.ctx, &target, &err);

	check(stream != NULL);
	return stream;
}

static struct net_stream *tunnel(const struct world *world, const char *script)
{
	const char *const argv[] = {"/bin/sh", "-c", script, NULL};
	struct net_target target = {.tunnel = argv};
	struct err err;
	struct net_stream *stream =
		world->port.open(world->port.ctx, &target, &err);

	check(stream != NULL);
	return stream;
}

/* Waits until something comes, and adds it to *text. */
static enum net_result hear(const struct world *world,
	struct net_stream *stream, struct buf *text, struct err *err)
{
	struct net_wait wait = {.stream = stream, .want_recv = true};
	int64_t until_ms = os_clock_ms() + PATIENCE_MS;
	enum net_result result;
	size_t got;

	for (;;) {
		result = world->port.recv(
			stream, buf_reserve(text, 4096), 4096, &got, err);
		buf_commit(text, got);
		if (result != NET_AGAIN || os_clock_ms() >= until_ms)
			return result;
		world->port.wait(world->port.ctx, &wait, 1, until_ms);
	}
}

/* Hears until the end, whatever it is. */
static enum net_result hear_all(const struct world *world,
	struct net_stream *stream, struct buf *text, struct err *err)
{
	enum net_result result;

	do {
		result = hear(world, stream, text, err);
	} while (result == NET_OK);
	return result;
}

static enum net_result tell(const struct world *world,
	struct net_stream *stream, struct str text, struct err *err)
{
	struct net_wait wait = {.stream = stream, .want_send = true};
	int64_t until_ms = os_clock_ms() + PATIENCE_MS;
	enum net_result result = NET_OK;
	size_t sent;

	while (text.len > 0 && os_clock_ms() < until_ms) {
		result = world->port.send(stream, text, &sent, err);
		text = str_sub(text, sent, text.len);
		if (result == NET_AGAIN)
			world->port.wait(world->port.ctx, &wait, 1, until_ms);
		else if (result != NET_OK)
			break;
	}
	return result;
}

static int listener_at(const char *figures, int port, int backlog)
{
	struct sockaddr_in in = {.sin_family = AF_INET};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	check(fd != -1 && inet_pton(AF_INET, figures, &in.sin_addr) == 1);
	in.sin_port = htons((uint16_t)port);
	check(bind(fd, (struct sockaddr *)&in, sizeof(in)) == 0);
	check(listen(fd, backlog) == 0);
	return fd;
}

static int listener(void)
{
	return listener_at("127.0.0.1", 0, 10);
}

static int port_of(int fd)
{
	struct sockaddr_in in = {0};
	socklen_t len = sizeof(in);

	check(getsockname(fd, (struct sockaddr *)&in, &len) == 0);
	return ntohs(in.sin_port);
}

/* The server's end of a stream that is being connected. */
static int accepted(
	const struct world *world, int fd, struct net_stream *stream)
{
	struct net_wait wait = {.stream = stream, .want_send = true};
	int client;

	check(fcntl(fd, F_SETFL, O_NONBLOCK) == 0);
	while ((client = accept4(fd, NULL, NULL, SOCK_CLOEXEC)) == -1) {
		check(errno == EAGAIN);
		world->port.wait(world->port.ctx, &wait, 1, os_clock_ms() + 10);
	}
	/* The stream has yet to notice that it is connected. */
	world->port.wait(
		world->port.ctx, &wait, 1, os_clock_ms() + PATIENCE_MS);
	return client;
}

static bool has(const struct err *err, const char *words)
{
	if (strstr(err->text, words) != NULL)
		return true;
	tap_note("the sentence is: %s", err->text);
	return false;
}

static void test_talk(const struct world *world)
{
	int fd = listener();
	struct net_stream *stream = tcp(world, "127.0.0.1", port_of(fd), 5000);
	struct err err = {0};
	struct buf text = {0};
	char at[16] = "";
	int client;

	client = accepted(world, fd, stream);
	check(write(client, "* OK hello\r\n", 12) == 12);
	ok(hear(world, stream, &text, &err) == NET_OK, "a server is heard");
	is_str(buf_str(&text), STR("* OK hello\r\n"), "as it speaks");
	ok(tell(world, stream, STR("a NOOP\r\n"), &err) == NET_OK,
		"and is told");
	check(read(client, at, sizeof(at)) == 8);
	is_str(str_of(at), STR("a NOOP\r\n"), "what was said");
	check(close(client) == 0);
	ok(hear(world, stream, &text, &err) == NET_CLOSED,
		"the end of its words is the end");
	world->port.close(&stream);
	ok(stream == NULL, "a closed stream is gone");
	buf_clear(&text);
	check(close(fd) == 0);
}

static int option(int fd, int level, int name)
{
	socklen_t len = sizeof(int);
	int value = -1;

	check(getsockopt(fd, level, name, &value, &len) == 0);
	return value;
}

/* Our own descriptor that is connected to `port`. */
static int find_socket(int port)
{
	struct sockaddr_in in = {0};

	for (int fd = 3; fd < 64; fd++) {
		socklen_t len = sizeof(in);

		if (getpeername(fd, (struct sockaddr *)&in, &len) == 0 &&
			in.sin_family == AF_INET && ntohs(in.sin_port) == port)
			return fd;
	}
	return -1;
}

static void test_options(const struct world *world)
{
	int fd = listener();
	struct net_stream *stream = tcp(world, "127.0.0.1", port_of(fd), 5000);
	int client = accepted(world, fd, stream);
	int own = find_socket(port_of(fd));

	check(own != -1);
	ok(option(own, IPPROTO_TCP, TCP_NODELAY) != 0,
		"nothing waits for more");
	ok(option(own, SOL_SOCKET, SO_KEEPALIVE) != 0,
		"a connection is kept alive");
	is_int(option(own, IPPROTO_TCP, TCP_USER_TIMEOUT), 5000,
		"what nobody acknowledges ends it");
	ok((fcntl(own, F_GETFD) & FD_CLOEXEC) != 0,
		"commands do not inherit it");
	world->port.close(&stream);
	check(close(client) == 0 && close(fd) == 0);
}

/* Connects to a name, and expects it to work. */
static void test_reached(
	const struct world *world, const char *host, const char *what)
{
	int fd = listener();
	struct net_stream *stream = tcp(world, host, port_of(fd), PATIENCE_MS);
	struct err err = {0};
	struct buf text = {0};
	int client = accepted(world, fd, stream);

	check(write(client, "*", 1) == 1);
	ok(hear(world, stream, &text, &err) == NET_OK, "%s", what);
	buf_clear(&text);
	world->port.close(&stream);
	check(close(client) == 0 && close(fd) == 0);
}

/* Connects to a name, and expects a sentence, after `after_ms` at least. */
static void test_unreached(const struct world *world, const char *host,
	int64_t timeout_ms, int64_t after_ms, const char *words)
{
	int fd = listener();
	int port = port_of(fd);
	int64_t begin_ms = os_clock_ms();
	struct net_stream *stream;
	struct err err = {0};
	struct buf text = {0};
	enum net_result result;

	check(close(fd) == 0);
	stream = tcp(world, host, port, timeout_ms);
	result = hear(world, stream, &text, &err);
	ok(result == NET_FAILED && err.cause == ERR_NET &&
			err.retry == ERR_LATER && err.scope == ERR_ACCOUNT &&
			has(&err, words),
		"%s: %s", host, words);
	ok(os_clock_ms() - begin_ms >= after_ms &&
			os_clock_ms() - begin_ms < PATIENCE_MS,
		"%s: neither too early nor too late", host);
	ok(hear(world, stream, &text, &err) == NET_FAILED && has(&err, words) &&
			tell(world, stream, STR("x"), &err) == NET_FAILED,
		"%s: and it stays so", host);
	world->port.close(&stream);
	buf_clear(&text);
}

/* What we do ourselves meanwhile (a flush, say) is not the server's time. */
static void test_busy(const struct world *world)
{
	int fd = listener();
	struct net_stream *stream =
		tcp(world, "127.0.0.1", port_of(fd), BUSY_TIMEOUT_MS);
	const struct net_wait wait = {.stream = stream, .want_recv = true};
	int64_t until_ms = os_clock_ms() + 2L * BUSY_TIMEOUT_MS;
	struct buf text = {0};
	struct err err = {0};
	size_t got;
	int client;

	while (os_clock_ms() < until_ms)
		(void)sched_yield();
	world->port.wait(world->port.ctx, &wait, 1, until_ms);
	if (ok(world->port.recv(stream, buf_reserve(&text, 1), 1, &got, &err) ==
			    NET_AGAIN,
		    "what we do meanwhile does not count as waiting for the "
		    "connection")) {
		client = accepted(world, fd, stream);
		check(write(client, "*", 1) == 1);
		ok(hear(world, stream, &text, &err) == NET_OK,
			"which works then");
		check(close(client) == 0);
	}
	buf_clear(&text);
	world->port.close(&stream);
	check(close(fd) == 0);
}

static int threads(void)
{
	DIR *dir = opendir("/proc/self/task");
	int count = 0;

	check(dir != NULL);
	while (readdir(dir) != NULL)
		count++;
	check(closedir(dir) == 0);
	return count - 2;
}

/* Lets `count` look-ups that hang come to an end. */
static void release(int count)
{
	while (count-- > 0)
		check(sem_post(&resume) == 0);
	while (threads() > 1)
		(void)sched_yield();
}

static void test_names(const struct world *world)
{
	int64_t begin_ms;

	test_reached(world, "four.test", "a name with one address is reached");
	test_reached(world, "dual.test", "when IPv6 refuses, IPv4 is reached");
	test_reached(world, "slow6.test",
		"when IPv6 cannot be looked up, IPv4 is not kept waiting");
	release(1);
	test_unreached(world, "dual.test", PATIENCE_MS, 0,
		"(tried ::1, 127.0.0.1); is the port right, and is the server "
		"running?");
	test_unreached(world, "six.test", PATIENCE_MS, 0,
		"six.test refuses connections to port");
	test_unreached(world, "::1", PATIENCE_MS, 0, "(tried ::1)");
	test_unreached(world, "none.test", PATIENCE_MS, 0,
		"there is no host called none.test; check 'server'");
	test_unreached(world, "again.test", PATIENCE_MS, 0,
		"cannot look up the host again.test: Temporary failure in name "
		"resolution; is the network up?");
	test_unreached(world, "hang.test", 300, 300,
		"looking up the host hang.test took more than 0.3 s");
	release(2);
	test_unreached(world, "slow4.test", 300, 300,
		"within 0.3 s: ::1; is the network up");
	release(1);
	begin_ms = os_clock_ms();
	test_unreached(world, "many.test", PATIENCE_MS, 150,
		"127.0.1.15, 127.0.1.16); is the port right");
	ok(os_clock_ms() - begin_ms < 3750,
		"an address that refuses makes way for the next before 250 ms");
}

/* A port of 127.0.0.2 that never answers: its backlog is full. */
struct hole {
	int fd;
	int fillers[8];
};

static void hole_open(struct hole *hole, int port)
{
	struct sockaddr_in in = {0};
	socklen_t len = sizeof(in);

	hole->fd = listener_at("127.0.0.2", port, 0);
	check(getsockname(hole->fd, (struct sockaddr *)&in, &len) == 0);
	for (size_t i = 0; i < 8; i++) {
		hole->fillers[i] = socket(
			AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		check(connect(hole->fillers[i], (struct sockaddr *)&in, len) ==
				0 ||
			errno == EINPROGRESS);
	}
}

static void hole_close(struct hole *hole)
{
	for (size_t i = 0; i < 8; i++)
		check(close(hole->fillers[i]) == 0);
	check(close(hole->fd) == 0);
}

static void test_holes(const struct world *world)
{
	int64_t begin_ms = os_clock_ms();
	int fd = listener();
	int port = port_of(fd);
	struct net_stream *stream;
	struct err err = {0};
	struct buf text = {0};
	struct hole hole;
	int client;

	hole_open(&hole, port);
	stream = tcp(world, "hole2.test", port, PATIENCE_MS);
	client = accepted(world, fd, stream);
	ok(os_clock_ms() - begin_ms >= 250 &&
			os_clock_ms() - begin_ms < PATIENCE_MS / 2,
		"an address that does not answer is overtaken after 250 ms");
	world->port.close(&stream);
	check(close(client) == 0);
	begin_ms = os_clock_ms();
	stream = tcp(world, "hole.test", port, 400);
	ok(hear(world, stream, &text, &err) == NET_FAILED &&
			has(&err, "within 0.4 s: 127.0.0.2: no answer; is the "
				  "network up"),
		"one that never answers is given up at the deadline");
	ok(os_clock_ms() - begin_ms >= 400, "and not before");
	world->port.close(&stream);
	stream = tcp(world, "hole.test", port, PATIENCE_MS);
	world->port.close(&stream);
	ok(stream == NULL, "a stream can be closed while it connects");
	buf_clear(&text);
	hole_close(&hole);
	check(close(fd) == 0);
}

/* Closes so that the other side sees a reset. */
static void reset(int client)
{
	struct linger linger = {.l_onoff = 1};

	check(setsockopt(client, SOL_SOCKET, SO_LINGER, &linger,
		      sizeof(linger)) == 0);
	check(close(client) == 0);
}

static void test_reset(const struct world *world)
{
	int client;
	int fd = listener();
	struct net_stream *stream = tcp(world, "four.test", port_of(fd), 5000);
	struct err err = {0};
	struct buf text = {0};

	client = accepted(world, fd, stream);
	check(write(client, "*", 1) == 1);
	check(hear(world, stream, &text, &err) == NET_OK);
	reset(client);
	ok(hear(world, stream, &text, &err) == NET_FAILED &&
			err.retry == ERR_NOW &&
			has(&err, "was reset by four.test"),
		"a reset is no end in good order");
	world->port.close(&stream);
	buf_clear(&text);
	check(close(fd) == 0);
}

/* The server says why it leaves, and does not listen any more. */
static void test_last_words(const struct world *world)
{
	int fd = listener();
	struct net_stream *stream = tcp(world, "four.test", port_of(fd), 5000);
	struct buf big = {0};
	struct buf text = {0};
	struct err err = {0};
	int client = accepted(world, fd, stream);
	enum net_result result;
	size_t sent;

	check(write(client, "* BYE\r\n", 7) == 7 && close(client) == 0);
	(void)buf_reserve(&big, 1 << 20);
	memset(big.ptr, 'x', 1 << 20);
	buf_commit(&big, 1 << 20);
	do {
		result = world->port.send(stream, buf_str(&big), &sent, &err);
	} while (result == NET_OK);
	ok(result == NET_AGAIN,
		"who cannot be told anything may still have something to say");
	ok(hear(world, stream, &text, &err) == NET_OK &&
			str_eq(buf_str(&text), STR("* BYE\r\n")),
		"which is heard");
	result = hear_all(world, stream, &text, &err);
	ok(result == NET_CLOSED || result == NET_FAILED, "before the end");
	ok(tell(world, stream, STR("x"), &err) == NET_FAILED,
		"after which nothing can be told");
	world->port.close(&stream);
	buf_clear(&big);
	buf_clear(&text);
	check(close(fd) == 0);
}

static void test_backpressure(const struct world *world)
{
	int fd = listener();
	struct net_stream *stream = tcp(world, "four.test", port_of(fd), 5000);
	struct buf big = {0};
	struct buf echo = {0};
	struct err err = {0};
	int client = accepted(world, fd, stream);
	struct str rest;
	bool waited = false;
	size_t sent;
	ssize_t got;

	for (size_t i = 0; i < 1 << 20; i++)
		buf_addf(&big, "%zu,", i);
	check(fcntl(client, F_SETFL, O_NONBLOCK) == 0);
	rest = buf_str(&big);
	while (echo.len < big.len) {
		if (rest.len > 0) {
			waited |= world->port.send(stream, rest, &sent, &err) ==
				  NET_AGAIN;
			rest = str_sub(rest, sent, rest.len);
		}
		if (waited || rest.len == 0) {
			got = read(client, buf_reserve(&echo, 65536), 65536);
			buf_commit(&echo, got > 0 ? (size_t)got : 0);
		}
	}
	ok(waited, "a server that does not read is waited for");
	ok(str_eq(buf_str(&big), buf_str(&echo)), "and gets all of it");
	world->port.close(&stream);
	buf_clear(&big);
	buf_clear(&echo);
	check(close(client) == 0 && close(fd) == 0);
}

static void on_alarm(int number)
{
	(void)number;
}

static void test_wait(const struct world *world)
{
	struct sigaction action = {.sa_handler = on_alarm};
	struct itimerval soon = {.it_value = {.tv_usec = 50000}};
	struct net_wait wait = {.want_recv = true};
	int64_t begin_ms = os_clock_ms();
	int fd = listener();
	int client;

	world->port.wait(world->port.ctx, NULL, 0, begin_ms + 50);
	ok(os_clock_ms() - begin_ms >= 50, "waiting ends when it is time");
	begin_ms = os_clock_ms();
	world->port.wait(world->port.ctx, NULL, 0, begin_ms - 1000);
	ok(os_clock_ms() - begin_ms < 4000, "at once when it is too late");
	wait.stream = tcp(world, "127.0.0.1", port_of(fd), 5000);
	client = accepted(world, fd, wait.stream);
	check(sigaction(SIGALRM, &action, NULL) == 0);
	check(setitimer(ITIMER_REAL, &soon, NULL) == 0);
	begin_ms = os_clock_ms();
	world->port.wait(world->port.ctx, &wait, 1, begin_ms + PATIENCE_MS);
	ok(os_clock_ms() - begin_ms < 4000, "and when a signal is caught");
	if (tap_rounds(0, 0, 1) != 0) {
		begin_ms = os_clock_ms();
		world->port.wait(
			world->port.ctx, &wait, 1, begin_ms + PATIENCE_MS);
		ok(os_clock_ms() - begin_ms < 10000,
			"and now and then, to look at the clock");
	}
	world->port.close(&wait.stream);
	check(close(client) == 0 && close(fd) == 0);
}

/* Several streams at once; the last one is heard as soon as the first. */
static void test_wait_for_any(const struct world *world)
{
	enum {
		STREAMS = 3,
		LAST = STREAMS - 1
	};
	struct net_wait waits[STREAMS] = {0};
	int clients[STREAMS];
	int fd = listener();
	int64_t begin_ms;

	for (int i = 0; i < STREAMS; i++) {
		waits[i].stream = tcp(world, "127.0.0.1", port_of(fd), 5000);
		clients[i] = accepted(world, fd, waits[i].stream);
		waits[i].want_send = true;
	}
	world->port.wait(world->port.ctx, waits, STREAMS, 0);
	for (int i = 0; i < STREAMS; i++)
		waits[i] = (struct net_wait){
			.stream = waits[i].stream, .want_recv = true};
	begin_ms = os_clock_ms();
	world->port.wait(world->port.ctx, waits, STREAMS, begin_ms + 50);
	ok(os_clock_ms() - begin_ms >= 50,
		"of several streams nobody is waited for in vain");
	check(write(clients[LAST], "*", 1) == 1);
	begin_ms = os_clock_ms();
	world->port.wait(
		world->port.ctx, waits, STREAMS, begin_ms + PATIENCE_MS);
	ok(os_clock_ms() - begin_ms < 4000, "and each is heard");
	for (int i = 0; i < STREAMS; i++) {
		world->port.close(&waits[i].stream);
		check(close(clients[i]) == 0);
	}
	check(close(fd) == 0);
}

static void test_tunnel_talk(const struct world *world)
{
	struct net_stream *stream = tunnel(world, "exec cat");
	struct buf text = {0};
	struct err err = {0};

	ok(tell(world, stream, STR("hello"), &err) == NET_OK &&
			hear(world, stream, &text, &err) == NET_OK &&
			str_eq(buf_str(&text), STR("hello")),
		"a tunnel's stdin and stdout are the stream");
	world->port.close(&stream);
	buf_clear(&text);
}

/* What a tunnel says, and how it ends. */
static void test_tunnel_end(const struct world *world, const char *script,
	const char *words, enum net_result want, const char *what)
{
	struct net_stream *stream = tunnel(world, script);
	struct buf text = {0};
	struct err err = {.text = "(no error)"};
	enum net_result result = hear_all(world, stream, &text, &err);

	is_str(buf_str(&text), STR("* OK\n"), "what a tunnel says is heard");
	ok(result == want && (words == NULL || has(&err, words)), "%s", what);
	ok(hear(world, stream, &text, &err) == want, "and it stays so");
	world->port.close(&stream);
	buf_clear(&text);
}

/* There, a command that cannot be started is one that exits with 127. */
static bool under_valgrind(void)
{
	const char *preload = getenv("LD_PRELOAD");

	return preload != NULL && strstr(preload, "vgpreload") != NULL;
}

static void test_tunnel_ends(const struct world *world)
{
	const char *const missing[] = {"/nonexistent/ssh", "host", NULL};
	struct net_target target = {.tunnel = missing};
	struct err err;

	test_tunnel_end(world, "echo '* OK'", NULL, NET_CLOSED,
		"a tunnel that ends well is a stream that ends well");
	test_tunnel_end(world, "echo '* OK'; exit 3",
		"the tunnel command exited with status 3", NET_FAILED,
		"one that fails says how");
	test_tunnel_end(world, "echo '* OK'; kill -9 $$",
		"was ended by signal 9", NET_FAILED, "one that is killed, too");
	test_tunnel_end(world, "echo '* OK'; exec 2>&-; /nonexistent/imapd",
		"status 127: there is no such command", NET_FAILED,
		"and one that is not there, for a shell");
	test_tunnel_end(world,
		"echo '* OK'; exec <&- >&-; while :; do sleep 1; done", NULL,
		NET_CLOSED, "one that says no more, but lives on, has ended");
	if (under_valgrind())
		return;
	ok(world->port.open(world->port.ctx, &target, &err) == NULL &&
			err.cause == ERR_NET &&
			has(&err, "cannot start the tunnel command "
				  "/nonexistent/ssh: No such file"),
		"one that is not there cannot be opened");
}

static pid_t pid_from(const struct buf *text)
{
	return (pid_t)strtol(text->ptr, NULL, 10);
}

/* Gone, or a zombie that init has yet to reap. */
static bool is_gone(const struct buf *text)
{
	char path[40];
	char state = 'Z';
	FILE *file;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", pid_from(text));
	file = fopen(path, "r");
	if (file == NULL)
		return true;
	(void)fscanf(file, "%*d (%*[^)]) %c", &state);
	check(fclose(file) == 0);
	return state == 'Z';
}

static bool goes(const struct buf *text)
{
	int64_t until_ms = os_clock_ms() + PATIENCE_MS;

	while (!is_gone(text) && os_clock_ms() < until_ms)
		(void)sched_yield();
	return is_gone(text);
}

/* A command that ignores its end, and a child that does not notice. */
static void test_tunnel_stubborn(const struct world *world)
{
	struct net_stream *stream = tunnel(world,
		"trap '' TERM HUP; sh -c 'echo $$; exec sleep 1000' & "
		"while :; do wait; done");
	struct net_stream *easy =
		tunnel(world, "sleep 1000 & echo $!; exec cat");
	struct buf text = {0};
	struct buf easy_text = {0};
	struct err err = {0};
	int64_t begin_ms;

	check(hear(world, stream, &text, &err) == NET_OK);
	check(hear(world, easy, &easy_text, &err) == NET_OK);
	begin_ms = os_clock_ms();
	world->port.close(&stream);
	ok(os_clock_ms() - begin_ms < PATIENCE_MS,
		"a tunnel that does not want to end is ended");
	ok(goes(&text), "and so are its children");
	world->port.close(&easy);
	ok(goes(&easy_text), "also those that a tunnel leaves behind");
	buf_clear(&text);
	buf_clear(&easy_text);
}

static void test_tunnel_surroundings(const struct world *world)
{
	int fd = listener();
	struct net_stream *other = tcp(world, "127.0.0.1", port_of(fd), 5000);
	struct net_stream *stream;
	struct buf text = {0};
	struct err err = {0};
	int client = accepted(world, fd, other);

	check(setenv("GODWIT_TEST", "kept", 1) == 0);
	stream = tunnel(world,
		"echo $GODWIT_TEST; (: </dev/tty) 2>&- && echo terminal; "
		"ls -l /proc/$$/fd | grep socket: | grep -vc ' 2 ->'");
	(void)hear_all(world, stream, &text, &err);
	is_str(buf_str(&text), STR("kept\n2\n"),
		"a tunnel has our environment, but neither a terminal nor "
		"other streams");
	world->port.close(&stream);
	world->port.close(&other);
	buf_clear(&text);
	check(close(client) == 0 && close(fd) == 0);
}

static void test_clock(void)
{
	struct clock_port port;
	int64_t before_ms;

	os_clock_open(&port);
	before_ms = port.monotonic_ms(port.ctx);
	ok(before_ms > 0 && os_clock_ms() >= before_ms,
		"the steady clock does not go back");
	ok(llabs(port.wall_ns(port.ctx) / 1000000000 - time(NULL)) <= 1,
		"the wall clock is the wall's");
}

int main(void)
{
	struct world world;

	check(sem_init(&resume, 0, 0) == 0);
	os_net_open(&world.os, &world.port);
	test_clock();
	test_talk(&world);
	test_options(&world);
	test_busy(&world);
	test_names(&world);
	test_holes(&world);
	test_reset(&world);
	test_last_words(&world);
	test_backpressure(&world);
	test_wait(&world);
	test_wait_for_any(&world);
	test_tunnel_talk(&world);
	test_tunnel_ends(&world);
	test_tunnel_stubborn(&world);
	test_tunnel_surroundings(&world);
	os_net_close(&world.os);
	release(0);
	is_int(threads(), 1, "no thread is left behind");
	check(sem_destroy(&resume) == 0);
	return tap_done();
}
