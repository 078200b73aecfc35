/*
 * Port: who we are: passwords and SASL mechanisms.
 *
 * The engine chooses the mechanism (login.h there); this port computes its
 * messages and fetches the password. Mechanism names are SASL's, upper case.
 */
#ifndef GODWIT_ENGINE_PORTS_LOGIN_H
#define GODWIT_ENGINE_PORTS_LOGIN_H

#include "godwit/base/bytes.h"
#include "godwit/base/err.h"
#include "godwit/base/secret.h"
#include "godwit/engine/ports/transform.h"

#include <stdbool.h>
#include <stdint.h>

struct account;
struct sasl_exchange; /* the implementation's own */

/*
 * Borrowed for the call of start. The channel binding also decides what a
 * SCRAM without -PLUS tells the server (RFC 5802 6): with one, that we could
 * have bound but saw no -PLUS offered ("y": a server that had offered it
 * refuses, as somebody has cut its list); with NONE, that we do not bind
 * ("n"). So pass the connection's binding where the server offers no -PLUS,
 * and NONE where a -PLUS that it does offer cannot be had or has failed.
 */
struct sasl_request {
	const char *mechanism; /* "SCRAM-SHA-256-PLUS" */
	const char *user;      /* "": whom EXTERNAL and GSSAPI stand for */
	const char *host;      /* for GSSAPI and OAUTHBEARER; or NULL */
	uint16_t port;         /* for OAUTHBEARER */
	struct str password;   /* or the token */
	enum channel_binding binding;
	struct str binding_data;
};

struct login_port {
	void *ctx;

	/*
	 * The account's password (command, file, environment or terminal)
	 * into *password. -1 and err with ERR_LOGIN: a sentence that says
	 * which way was tried and what it said.
	 */
	int (*password)(void *ctx, const struct account *account,
		struct secret *password, struct err *err);

	/* Whether the mechanism can be had in this build. */
	bool (*has_mechanism)(void *ctx, const char *mechanism);

	/* Begins an exchange; NULL and err when that fails. */
	struct sasl_exchange *(*start)(
		void *ctx, const struct sasl_request *request, struct err *err);

	/* Whether the mechanism's client speaks first (SASL-IR is of use). */
	bool (*client_first)(struct sasl_exchange *exchange);

	/*
	 * The answer to a challenge (decoded; the first one is empty) into
	 * *response. -1 and err: cancel, e.g. because the server could not
	 * prove that it knows the password.
	 */
	int (*step)(struct sasl_exchange *exchange, struct str challenge,
		struct secret *response, struct err *err);

	/* Whether the exchange is complete on our side, the server's proof
	 * checked where the mechanism has one. An OK before that is a lie. */
	bool (*complete)(struct sasl_exchange *exchange);

	void (*end)(struct sasl_exchange **exchange);
};

#endif
