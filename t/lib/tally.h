/*
 * The tally of one IMAP connection, kept by who stands between client and
 * server: bytes, flights, commands.
 *
 * A flight is what the client says before it has to wait: it begins with the
 * first bytes that the client sends after it has heard an answer to its flight
 * before. What the server had said before that one reached it is no answer, so
 * a client that speaks while answers are under way does not count twice. Where
 * both take turns it is the number of turns.
 *
 * Commands are counted in the clear only: up to STARTTLS or COMPRESS, and none
 * where the connection begins with TLS. A literal that the server refuses is
 * taken for sent.
 */
#ifndef GODWIT_T_LIB_TALLY_H
#define GODWIT_T_LIB_TALLY_H

#include "godwit/base/bytes.h"

#include <stdbool.h>
#include <stdint.h>

/* All zeroes is a connection on which nothing has been said. */
struct tally {
	uint64_t flights;
	uint64_t commands;
	uint64_t up;   /* bytes that the client said */
	uint64_t down; /* bytes that the client heard */

	uint64_t reached;  /* the last flight that the server has seen of */
	uint64_t answered; /* the last one that the client has an answer to */

	enum {
		TALLY_TAG,
		TALLY_WORD,
		TALLY_REST,
		TALLY_LITERAL,
		TALLY_OPAQUE
	} state;
	char word[12];    /* of the command, cut short */
	unsigned letters; /* of it */
	bool has_tag;
	bool going_on;    /* the line began before a literal */
	uint64_t literal; /* bytes left of it, or its size as far as read */
	enum {
		TALLY_NO_BRACE,
		TALLY_IN_BRACES,
		TALLY_BEHIND_PLUS,
		TALLY_BEHIND_BRACES
	} brace;
};

/* The client has said this. Its flight is tally->flights. */
void tally_said(struct tally *tally, struct str bytes);

/* Bytes of this flight have reached the server. What the server says from now
 * on answers tally->reached. */
void tally_reached(struct tally *tally, uint64_t flight);

/* The client has heard so many bytes, said by the server when `flight` was the
 * last that had reached it. */
void tally_heard(struct tally *tally, uint64_t flight, uint64_t bytes);

#endif
