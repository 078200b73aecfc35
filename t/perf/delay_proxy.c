/* t/lib/delay_proxy: this test is both the client and the server. */
#include "peer.h"
#include "tap.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	DELAY_MS = 50,
	PATIENCE_MS = 30000,
	MUCH = 8 * 1024 * 1024
};

struct bench {
	struct peer proxy;
	int listener;
	uint16_t port; /* the proxy's */
};

/* The two ends of a connection through it. */
struct ends {
	int client;
	int server;
};

static int64_t now_ms(void)
{
	struct timespec now;

	check(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool readable(int fd, int timeout_ms)
{
	struct pollfd item = {.fd = fd, .events = POLLIN};

	return poll(&item, 1, timeout_ms) == 1;
}

static struct sockaddr_in loopback(uint16_t port)
{
	return (struct sockaddr_in){.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static uint16_t listen_somewhere(struct bench *bench)
{
	struct sockaddr_in address = loopback(0);
	socklen_t size = sizeof(address);

	bench->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	check(bench->listener >= 0);
	check(bind(bench->listener, (struct sockaddr *)&address, size) == 0);
	check(listen(bench->listener, 8) == 0);
	check(getsockname(bench->listener, (struct sockaddr *)&address,
		      &size) == 0);
	return ntohs(address.sin_port);
}

static void bench_open(struct bench *bench, const char *delay_ms)
{
	const char *builddir = getenv("builddir");
	struct buf program = {0};
	struct buf port = {0};
	struct buf line = {0};

	buf_addf(&port, "%d", listen_somewhere(bench));
	buf_addf(&program, "%s/t/lib/delay_proxy",
		builddir == NULL ? "." : builddir);
	peer_start(&bench->proxy, (const char *const[]){buf_z(&program),
					  delay_ms, buf_z(&port), NULL});
	check(peer_says(&bench->proxy, "port ", &line));
	bench->port = (uint16_t)strtoul(buf_z(&line), NULL, 10);
	buf_clear(&program);
	buf_clear(&port);
	buf_clear(&line);
}

static void bench_close(struct bench *bench)
{
	peer_stop(&bench->proxy);
	check(close(bench->listener) == 0);
}

static struct ends ends_open(const struct bench *bench)
{
	struct sockaddr_in address = loopback(bench->port);
	struct ends ends = {socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), -1};

	check(ends.client >= 0);
	check(connect(ends.client, (struct sockaddr *)&address,
		      sizeof(address)) == 0);
	check(readable(bench->listener, PATIENCE_MS));
	ends.server = accept(bench->listener, NULL, NULL);
	check(ends.server >= 0);
	return ends;
}

static void ends_close(struct ends *ends)
{
	check(close(ends->client) == 0 && close(ends->server) == 0);
}

static void say(int fd, const char *text)
{
	check(send(fd, text, strlen(text), MSG_NOSIGNAL) ==
		(ssize_t)strlen(text));
}

/* What one recv() has, as a string; "" at the end of the stream. */
static const char *hear(int fd)
{
	static char text[100];
	ssize_t got;

	check(readable(fd, PATIENCE_MS));
	got = recv(fd, text, sizeof(text) - 1, 0);
	check(got >= 0);
	text[got] = '\0';
	return text;
}

/* How long a word takes from one end to the other, or -1 if it is changed. */
static int64_t way_ms(int from, int to, const char *word)
{
	int64_t start = now_ms();

	say(from, word);
	return strcmp(hear(to), word) == 0 ? now_ms() - start : -1;
}

static void test_delay(const struct bench *bench)
{
	int64_t start = now_ms();
	struct ends ends = ends_open(bench);

	ok(now_ms() - start >= DELAY_MS, "to open a line takes a way");
	ok(way_ms(ends.server, ends.client, "greeting") >= DELAY_MS,
		"what the server says takes one");
	ok(way_ms(ends.client, ends.server, "command") >= DELAY_MS,
		"what the client says takes one");
	ends_close(&ends);
}

static char byte_at(size_t place)
{
	return (char)(place * 2654435761U >> 13);
}

/* Sends and receives without waiting for either; whether all arrived. */
static bool much_arrives(const struct ends *ends)
{
	static char out[MUCH];
	static char in[MUCH];
	size_t sent = 0;
	size_t heard = 0;

	for (size_t i = 0; i < MUCH; i++)
		out[i] = byte_at(i);
	while (heard < MUCH) {
		struct pollfd items[2] = {
			{.fd = sent < MUCH ? ends->server : -1,
				.events = POLLOUT},
			{.fd = ends->client, .events = POLLIN}};
		ssize_t done;

		check(poll(items, 2, PATIENCE_MS) > 0);
		done = items[0].revents == 0
			       ? 0
			       : send(ends->server, out + sent, MUCH - sent,
					 MSG_DONTWAIT | MSG_NOSIGNAL);
		sent += done > 0 ? (size_t)done : 0;
		done = recv(
			ends->client, in + heard, MUCH - heard, MSG_DONTWAIT);
		check(done != 0);
		heard += done > 0 ? (size_t)done : 0;
	}
	return memcmp(in, out, MUCH) == 0;
}

static void test_much(const struct bench *bench)
{
	struct ends ends = ends_open(bench);
	int64_t start = now_ms();
	int64_t took;

	ok(much_arrives(&ends), "8 MiB arrive as they were");
	took = now_ms() - start;
	ok(took >= DELAY_MS, "no sooner than a word does");
	/* Each 64 KiB for itself would take 6.4 s. */
	ok(took < 2000, "as if the line were of endless bandwidth");
	ends_close(&ends);
}

static void test_end(const struct bench *bench)
{
	struct ends ends = ends_open(bench);
	int64_t start = now_ms();

	say(ends.client, "last");
	check(shutdown(ends.client, SHUT_WR) == 0);
	is_str(str_of(hear(ends.server)), STR("last"),
		"who closes is heard to the end");
	is_str(str_of(hear(ends.server)), STR(""), "then the line ends");
	ok(now_ms() - start >= DELAY_MS, "a way later");
	ok(way_ms(ends.server, ends.client, "bye") >= DELAY_MS,
		"the other end may still speak");
	check(shutdown(ends.server, SHUT_WR) == 0);
	is_str(str_of(hear(ends.client)), STR(""), "until it closes");
	ends_close(&ends);
}

static void test_several(const struct bench *bench)
{
	struct ends a = ends_open(bench);
	struct ends b = ends_open(bench);

	say(a.client, "a");
	say(b.client, "b");
	is_str(str_of(hear(b.server)), STR("b"), "two lines at once");
	is_str(str_of(hear(a.server)), STR("a"), "each by itself");
	ends_close(&a);
	is_int(way_ms(b.client, b.server, "b") >= DELAY_MS, 1,
		"one goes on when the other has ended");
	ends_close(&b);
}

static void test_refused(struct bench *bench)
{
	struct sockaddr_in address = loopback(bench->port);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	check(close(bench->listener) == 0);
	check(connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
	is_str(str_of(hear(fd)), STR(""), "without a server the line ends");
	check(close(fd) == 0);
	check(listen_somewhere(bench) != 0);
}

/* A session of two flights over each of two connections, and what the proxy
 * says of it once it is told to end. */
static void converse(const struct bench *bench)
{
	struct ends ends = ends_open(bench);

	(void)way_ms(ends.server, ends.client, "* OK\r\n");
	(void)way_ms(ends.client, ends.server, "a NOOP\r\nb NOOP\r\n");
	(void)way_ms(ends.server, ends.client, "a OK\r\nb OK\r\n");
	(void)way_ms(ends.client, ends.server, "c NOOP\r\n");
	(void)way_ms(ends.server, ends.client, "c OK\r\n");
	ends_close(&ends);
}

static void is_counted(struct bench *bench)
{
	struct buf line = {0};

	ok(peer_says(&bench->proxy, "connection 2: ", &line),
		"at its end it counts each connection");
	is_str(buf_str(&line), STR("flights 2 commands 3 up 24 down 24"),
		"its flights, commands and bytes");
	ok(peer_says(&bench->proxy, "all 2: ", &line), "and all together");
	is_str(buf_str(&line), STR("flights 4 commands 6 up 48 down 48"),
		"in sum");
	ok(!peer_says(&bench->proxy, "", &line), "then it is gone");
	buf_clear(&line);
}

static void test_ends_by_input(void)
{
	struct bench bench;

	bench_open(&bench, "1");
	converse(&bench);
	converse(&bench);
	check(close(bench.proxy.input) == 0);
	is_counted(&bench);
	check(waitpid(bench.proxy.pid, NULL, 0) == bench.proxy.pid);
	check(fclose(bench.proxy.output) == 0 && close(bench.listener) == 0);
}

static void test_ends_by_signal(void)
{
	struct bench bench;

	bench_open(&bench, "0");
	converse(&bench);
	converse(&bench);
	check(kill(bench.proxy.pid, SIGTERM) == 0);
	is_counted(&bench);
	bench_close(&bench);
}

/* With something on its way that is not due, and an end that does not read. */
static void test_is_idle(void)
{
	static char much[MUCH];
	struct rusage usage;
	struct bench bench;
	struct ends ends;

	bench_open(&bench, "300");
	ends = ends_open(&bench);
	while (send(ends.server, much, sizeof(much), MSG_NOSIGNAL) <
		(ssize_t)sizeof(much))
		;
	(void)way_ms(ends.client, ends.server, "a");
	(void)way_ms(ends.client, ends.server, "b");
	peer_stop(&bench.proxy);
	check(getrusage(RUSAGE_CHILDREN, &usage) == 0);
	ok(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec == 0 &&
			usage.ru_utime.tv_usec + usage.ru_stime.tv_usec <
				300000,
		"it sleeps while there is nothing to do");
	ends_close(&ends);
	check(close(bench.listener) == 0);
}

int main(void)
{
	struct bench bench;

	test_is_idle(); /* first: it looks at all children */
	bench_open(&bench, "50");
	test_delay(&bench);
	test_much(&bench);
	test_end(&bench);
	test_several(&bench);
	test_refused(&bench);
	bench_close(&bench);
	test_ends_by_input();
	test_ends_by_signal();
	return tap_done();
}
