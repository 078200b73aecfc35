/*
 * Servers that a test starts, and a line of text to them by the real ports.
 *
 * Everything waits for at most peer_patience_ms and aborts the test then.
 */
#ifndef GODWIT_T_LIB_PEER_H
#define GODWIT_T_LIB_PEER_H

#include "godwit/base/bytes.h"
#include "godwit/base/err.h"
#include "godwit/engine/account.h"
#include "godwit/os/net.h"
#include "godwit/os/tls.h"

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

/* A server process. */
struct peer {
	pid_t pid;
	FILE *output; /* its stdout */
	int input;    /* its stdin; closing it may end it */
};

void peer_start(struct peer *peer, const char *const *argv);
void peer_stop(struct peer *peer);

/* Reads the server's output up to the line that begins with `words`; the rest
 * of that line, without its end, is in *rest. False when there is none. */
bool peer_says(struct peer *peer, const char *words, struct buf *rest);

/* Our end: TCP, and TLS when it was asked for. */
struct wire {
	struct os_net os_net;
	struct net_port net;
	struct os_tls os_tls;
	struct tls_port tls_port;
	struct net_stream *stream;
	struct transform tls; /* ctx NULL: in the clear */
	struct buf in;        /* heard, and not yet taken */
	bool closed;          /* the other side has closed */
	struct err err;
};

/* Connects; in the clear until wire_start_tls. */
void wire_open(struct wire *wire, int port);
void wire_close(struct wire *wire);

/* Shakes hands. -1 and wire->err. */
int wire_start_tls(struct wire *wire, const struct account *account);

/* Sends a line, whose CRLF is added. */
void wire_say(struct wire *wire, struct str line);

/* Takes a line, without its end. False when the other side has closed or the
 * wire has failed (wire->err) before. */
bool wire_hear(struct wire *wire, struct buf *line);

#endif
