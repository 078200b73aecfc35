/*
 * Login: from the greeting to a session that may work.
 *
 * Drives one connection through STARTTLS, CAPABILITY, AUTHENTICATE or LOGIN,
 * ID, ENABLE and NAMESPACE, event by event. It holds to what the user allows:
 * no secret travels without TLS (but to loopback, through a tunnel, or where
 * cleartext is allowed), nothing heard before the handshake counts after it.
 */
#ifndef GODWIT_SRC_ENGINE_LOGIN_H
#define GODWIT_SRC_ENGINE_LOGIN_H

#include "conn.h"

#include "godwit/base/secret.h"
#include "godwit/engine/journal.h"
#include "godwit/mail/mailbox_name.h"

enum login_step {
	LOGIN_MORE,
	LOGIN_DONE,
	LOGIN_FAILED, /* err: ERR_LOGIN, ERR_PROTOCOL or ERR_NET */
};

/* What was learnt of the server. All zeroes before. */
struct server {
	struct buf personal; /* prefix of the personal namespace, UTF-8 */
	struct buf foreign;  /* other prefixes, wire form, NUL after each */
	char delimiter;      /* '\0': no hierarchy, or not told */
	bool has_namespace;
	bool utf8;             /* names travel as UTF-8 (RFC 6855) */
	const char *mechanism; /* that let us in; "LOGIN"; NULL: PREAUTH */
	bool tls;
	struct buf protection; /* what TLS there is, for people; or empty */
	/* "Name version", from ID; empty if not told. */
	struct buf name;
	/* The channel bindings that it refused; no bits: none. They are not
	 * tried as long as that holds, under the same certificate, and where
	 * SCRAM without a binding is allowed and offered. Somebody in between
	 * gains nothing by that: he has another certificate, and could refuse
	 * the binding himself. */
	struct unbound_record unbound;
	struct buf unbound_certificate;
	bool unbound_is_new; /* a login changed it */
};

void server_clear(struct server *server);

/* Tells the logins to come what an earlier run learnt. */
void server_remember(
	struct server *server, const struct unbound_record *unbound);

/*
 * The namespace for mailbox_name_*; borrows from `server`.
 */
struct mailbox_space server_space(const struct server *server);

struct login;

/* A login on `conn`; *server is filled by and by. All borrowed. `password`
 * keeps the account's password between the logins of one run. */
struct login *login_new(struct conn *conn, const struct account *account,
	const struct ports *ports, struct secret *password,
	struct server *server);
void login_free(struct login **login);

/* Takes the connection's next event. */
enum login_step login_event(
	struct login *login, const struct imap_event *event, struct err *err);

#endif
