/*
 * Identity: what makes two copies of a message the same message.
 *
 * It can be had from a file, and, without the body, from a server. It pairs
 * mail that both sides already hold, and finds a message again after a crash,
 * a move, a new UIDVALIDITY. It is no proof that two bodies are equal: where
 * that matters, the bytes are fetched.
 *
 * The size is that of the canonical form, the one with CRLF line ends that
 * IMAP speaks. The header is made of the lines before the first empty line, or
 * of all lines if none is empty. A line ends with LF; one CR before it belongs
 * to the line end, not to the line. Hashed is each line followed by CRLF, and
 * at last a CRLF that stands for the empty line. So
 *
 *     "Subject: x\r\n\r\nbody"  hashes  "Subject: x\r\n\r\n"
 *     "Subject: x"              hashes  "Subject: x\r\n\r\n"
 *     "" and "\r\nbody"         hash    "\r\n"
 *
 * and it does not matter whether a server ends a header that has no empty line
 * with one of its own. Header fields that other tools inject (X-TUID of mbsync,
 * X-OfflineIMAP), with their folded lines (those that begin with a space or a
 * tab), count neither in the hash nor in the size. Field names are compared
 * without case.
 *
 * Servers store some messages changed (Courier ends the last line and drops
 * bare CRs, Dovecot makes CRLF of bare LFs and 0x80 of NULs). Alike are two
 * messages of one header whose bodies differ in nothing else; that takes both
 * bodies: identity_init_alike, identity_feed..., identity_finish_alike.
 *
 * From a file: identity_init, identity_feed..., identity_finish. From a server:
 * identity_init, identity_feed BODY.PEEK[HEADER], identity_finish_header; or
 * identity_of_header where the header is in one piece.
 */
#ifndef GODWIT_MAIL_IDENTITY_H
#define GODWIT_MAIL_IDENTITY_H

#include "godwit/base/bytes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	IDENTITY_HASH_BYTES = 32,
	IDENTITY_FIELD_BYTES = 14,  /* the longest injected name, its colon */
	IDENTITY_BLOCK_BYTES = 512, /* hashed at a time */
};

struct identity {
	uint64_t bytes; /* canonical size, without injected fields */
	unsigned char header_sha256[IDENTITY_HASH_BYTES];
};

enum identity_state {
	IDENTITY_START,    /* of a header line; its first bytes are held */
	IDENTITY_COUNTED,  /* inside a line that counts */
	IDENTITY_INJECTED, /* inside a line that does not */
	IDENTITY_BODY,     /* past the header: only the size matters */
};

/* An identity in the making; its members are for identity.c. */
struct identity_stream {
	struct hash_hd_st *hash; /* of GnuTLS */
	uint64_t fed_bytes;
	uint64_t injected_bytes;
	enum identity_state state;
	bool field_injected; /* the field that folded lines belong to */
	bool cr_held;        /* a CR that may be half of a line end */
	size_t held_bytes;
	char held[IDENTITY_FIELD_BYTES];
	size_t block_bytes;
	char block[IDENTITY_BLOCK_BYTES];
	struct hash_hd_st *body_hash; /* if what is alike is asked for */
	uint64_t body_bytes;          /* that went into it */
	bool body_line_open;          /* its last line has no LF yet */
};

/* Every stream that was begun must be finished or cleared. */
void identity_init(struct identity_stream *stream);

/* The next bytes of the canonical form, as many as there are. */
void identity_feed(struct identity_stream *stream, struct str bytes);

/*
 * Whether only the number of the bytes that follow matters, since the header is
 * over: then they may be counted instead of fed.
 */
bool identity_only_counts(const struct identity_stream *stream);
void identity_count(struct identity_stream *stream, uint64_t bytes);

/* The whole message was fed. The stream is cleared. */
void identity_finish(
	struct identity_stream *stream, struct identity *identity_r);

/*
 * Only the header was fed (what is behind its empty line was not looked at);
 * the server says that the whole message has `rfc822_size` bytes. Some servers
 * lie in it, which gives a near miss, never an overflow. The stream is cleared.
 */
void identity_finish_header(struct identity_stream *stream,
	uint64_t rfc822_size, struct identity *identity_r);

/* As identity_init, with the body digested as well. */
void identity_init_alike(struct identity_stream *stream);

/* As identity_finish; and *alike_r is the same for all messages that are alike,
 * and for no others. It equals no identity, and is not to be stored. */
void identity_finish_alike(struct identity_stream *stream,
	struct identity *identity_r, struct identity *alike_r);

/* Gives up a stream that was begun; harmless where it was cleared already. */
void identity_clear(struct identity_stream *stream);

/* The same in one call. */
void identity_of_header(
	struct str header, uint64_t rfc822_size, struct identity *identity_r);

/*
 * What stands for an EMAILID (RFC 8474), which tells a message from all others
 * of its server: the first eight bytes of its SHA-256; never 0. X-GM-MSGID is
 * such a number itself.
 */
uint64_t identity_email_key(struct str email_id);

/* A total order, by size first: below 0, 0 for equal identities, above 0. */
int identity_cmp(const struct identity *a, const struct identity *b);

#endif
