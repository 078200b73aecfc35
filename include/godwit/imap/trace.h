/*
 * Traces: both directions of a connection as a transcript that people read.
 *
 * What --wire-log writes and what t/transcript/ replays, one format:
 *
 *	C: a1 LOGIN "alice" ***
 *	S: a1 OK done
 *
 * A line each, without its CRLF. Passwords and SASL responses stand as ***.
 * A line that holds control characters, or that did not end with CRLF, is
 * written as `S= text` instead, with \r, \n, \xHH and \\ for such bytes and
 * nothing implied at its end. `S# 4711` stands for that many octets of a
 * literal that were left out. It needs no session: it reads the commands by
 * itself, and prints what it cannot read, but for secrets.
 */
#ifndef GODWIT_IMAP_TRACE_H
#define GODWIT_IMAP_TRACE_H

#include "godwit/base/bytes.h"

enum imap_side {
	IMAP_CLIENT,
	IMAP_SERVER,
};

struct imap_trace;

/* `bodies`: whether literals of messages are written out. */
struct imap_trace *imap_trace_new(bool bodies);
void imap_trace_free(struct imap_trace **trace);

/* Takes the bytes that `from` sent; appends finished lines to `out`. */
void imap_trace_feed(struct imap_trace *trace, enum imap_side from,
	struct str bytes, struct buf *out);

/* Appends what is left unfinished: at the end of the connection. */
void imap_trace_end(struct imap_trace *trace, struct buf *out);

#endif
