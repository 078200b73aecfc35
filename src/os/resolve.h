/*
 * Name look-up that holds up nobody.
 *
 * getaddrinfo(3) may block for as long as it likes, so each family is asked
 * for in a thread of its own, whose answer comes through a pipe. Giving up is
 * closing the pipe: a thread that is stuck ends by itself later.
 */
#ifndef GODWIT_OS_RESOLVE_H
#define GODWIT_OS_RESOLVE_H

#include "godwit/base/bytes.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

enum {
	/* Of one family; an answer must fit into PIPE_BUF. Nobody waits for
	 * the 17th to be tried. */
	RESOLVE_ADDRESSES_MAX = 16,
};

struct address {
	socklen_t len;
	union {
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} sock;
};

/* What came back for one family. */
struct answer {
	int family;       /* AF_INET or AF_INET6 */
	int error;        /* 0, or EAI_... */
	int system_error; /* errno with EAI_SYSTEM */
	size_t count;
	struct address addresses[RESOLVE_ADDRESSES_MAX];
};

struct lookup {
	int fd;           /* readable when an answer came; -1: none comes */
	unsigned pending; /* answers still to come */
};

/*
 * Begins to ask for both families; for an address, which needs no asking,
 * *literal_r is its only answer and nothing is pending. Returns 0, or an
 * errno: no thread or no pipe can be had.
 */
int lookup_start(struct lookup *lookup, const char *host, uint16_t port,
	struct answer *literal_r);

/* Takes an answer that has come, if any. */
bool lookup_take(struct lookup *lookup, struct answer *answer_r);

/* Gives up what has not come. */
void lookup_end(struct lookup *lookup);

/* Adds the address in figures, without its port. */
void address_describe(const struct address *address, struct buf *text);

#endif
