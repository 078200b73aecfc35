/*
 * Recall: what earlier logins taught about a server.
 *
 * A login that knows what the server will say need not wait for it: it sends
 * the next commands along with the question, and looks at the answers when they
 * come. This is what it knows, as a plain value. All of it is a guess, which
 * every login checks; none of it decides whom to trust.
 */
#ifndef GODWIT_SRC_ENGINE_RECALL_H
#define GODWIT_SRC_ENGINE_RECALL_H

#include "godwit/engine/account.h"
#include "godwit/engine/journal.h"
#include "godwit/imap/caps.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	/* How long nothing is sent ahead to a server, or to what stands before
	 * it, that did not bear it. */
	RECALL_HOLD_S = 7 * 24 * 60 * 60,

	/* How long no more connections are tried than it granted. */
	RECALL_LIMIT_S = 7 * 24 * 60 * 60,
};

/* All zeroes: nothing is known. */
struct recall {
	bool has_before;
	bool has_after;
	bool greeting_tells;     /* the greeting names `before` */
	bool login_tells;        /* the answer to the login names `after` */
	bool auth_alone;         /* nothing may follow AUTHENTICATE */
	struct imap_caps before; /* before the login, under TLS if any */
	struct imap_caps after;
	int64_t held_s;       /* when it last did not bear it; 0: never */
	uint32_t connections; /* more than so many were refused; 0: none were */
	int64_t limited_s;    /* when, if so */
};

/* What the journal remembers of the account's server. */
int recall_load(struct journal *journal, const struct account *account,
	struct recall *recall_r, struct err *err);

/* Adds it to the batch. */
void recall_store(struct journal *journal, struct store_batch *batch,
	const struct account *account, const struct recall *recall);

bool recall_equal(const struct recall *a, const struct recall *b);
bool recall_caps_equal(const struct imap_caps *a, const struct imap_caps *b);

/* Learns from the name that the server gives itself by ID. */
void recall_name(struct recall *recall, struct str name);

/* Whether anything may be sent ahead at `now_s`. */
bool recall_allows(const struct recall *recall, int64_t now_s);

/* Learns that the server refused more than so many connections. */
void recall_limit(struct recall *recall, uint32_t connections, int64_t now_s);

/* How many may be tried at `now_s`; UINT32_MAX: any number. */
uint32_t recall_connections(const struct recall *recall, int64_t now_s);

#endif
