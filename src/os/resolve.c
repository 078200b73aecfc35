/*
 * How: a thread owns its job and the pipe's write end, and writes one struct
 * answer, which POSIX makes atomic up to PIPE_BUF; so nothing is shared and
 * nothing is locked. All signals are blocked in it: they are the main thread's
 * business, and a write to a pipe that was given up must not raise SIGPIPE.
 */
#include "resolve.h"

#include "fd.h"
#include "godwit/base/err.h"

#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct job {
	int family;
	int fd;
	uint16_t port;
	char host[]; /* NUL-terminated */
};

_Static_assert(sizeof(struct answer) <= PIPE_BUF, "an answer is one write");

static void answer_add(struct answer *answer, const struct addrinfo *info)
{
	struct address *address;

	if (answer->count == RESOLVE_ADDRESSES_MAX ||
		info->ai_addrlen > sizeof(address->sock))
		return;
	address = &answer->addresses[answer->count++];
	address->len = info->ai_addrlen;
	memcpy(&address->sock, info->ai_addr, info->ai_addrlen);
}

static void ask(struct answer *answer, const char *host, uint16_t port,
	const struct addrinfo *hints)
{
	struct addrinfo *found = NULL;
	char service[sizeof("65535")];

	(void)snprintf(service, sizeof(service), "%u", (unsigned)port);
	memset(answer, 0, sizeof(*answer));
	answer->family = hints->ai_family;
	answer->error = getaddrinfo(host, service, hints, &found);
	if (answer->error != 0) {
		answer->system_error = errno;
		return;
	}
	for (struct addrinfo *i = found; i != NULL; i = i->ai_next)
		answer_add(answer, i);
	freeaddrinfo(found);
}

static void *job_run(void *arg)
{
	const struct addrinfo hints = {
		.ai_family = ((struct job *)arg)->family,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICSERV,
	};
	struct job *job = arg;
	struct answer answer;

	ask(&answer, job->host, job->port, &hints);
	while (write(job->fd, &answer, sizeof(answer)) == -1 && errno == EINTR)
		;
	(void)close(job->fd);
	free(job);
	return NULL;
}

static int thread_start(struct job *job)
{
	sigset_t all;
	sigset_t before;
	pthread_t thread;
	int error;

	check(sigfillset(&all) == 0);
	check(pthread_sigmask(SIG_SETMASK, &all, &before) == 0);
	error = pthread_create(&thread, NULL, job_run, job);
	check(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
	if (error == 0)
		check(pthread_detach(thread) == 0);
	return error;
}

/* Its own copy of write_fd becomes the job's. */
static int job_start(int family, const char *host, uint16_t port, int write_fd)
{
	struct job *job = calloc(1, sizeof(*job) + strlen(host) + 1);
	int error = 0;

	check(job != NULL);
	job->family = family;
	job->port = port;
	memcpy(job->host, host, strlen(host) + 1);
	job->fd = dup(write_fd);
	if (job->fd == -1)
		error = errno;
	else
		fd_close_on_exec(job->fd);
	if (error == 0)
		error = thread_start(job);
	if (error != 0) {
		fd_close(&job->fd);
		free(job);
	}
	return error;
}

static bool literal(const char *host, uint16_t port, struct answer *answer)
{
	const struct addrinfo hints = {
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICSERV | AI_NUMERICHOST,
	};

	ask(answer, host, port, &hints);
	if (answer->error != 0 || answer->count == 0)
		return false;
	answer->family = answer->addresses[0].sock.any.sa_family;
	return true;
}

int lookup_start(struct lookup *lookup, const char *host, uint16_t port,
	struct answer *literal_r)
{
	static const int families[] = {AF_INET6, AF_INET};
	int fds[2];
	int error = 0;

	*lookup = (struct lookup){.fd = -1};
	if (literal(host, port, literal_r))
		return 0;
	if (fd_pipe(fds) == -1)
		return errno;
	lookup->fd = fds[0];
	fd_nonblocking(lookup->fd);
	for (size_t i = 0; i < 2 && error == 0; i++) {
		error = job_start(families[i], host, port, fds[1]);
		lookup->pending += error == 0;
	}
	fd_close(&fds[1]);
	if (error != 0)
		lookup_end(lookup);
	return error;
}

bool lookup_take(struct lookup *lookup, struct answer *answer_r)
{
	ssize_t got;

	if (lookup->fd == -1)
		return false;
	got = read(lookup->fd, answer_r, sizeof(*answer_r));
	if (got == -1)
		return false;
	check(got == (ssize_t)sizeof(*answer_r));
	lookup->pending--;
	if (lookup->pending == 0)
		lookup_end(lookup);
	return true;
}

void lookup_end(struct lookup *lookup)
{
	fd_close(&lookup->fd);
	lookup->pending = 0;
}

void address_describe(const struct address *address, struct buf *text)
{
	char figures[NI_MAXHOST];

	if (getnameinfo(&address->sock.any, address->len, figures,
		    sizeof(figures), NULL, 0, NI_NUMERICHOST) != 0)
		check(snprintf(figures, sizeof(figures), "?") == 1);
	buf_addz(text, figures);
}
