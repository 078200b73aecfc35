/*
 * Login: from the greeting to a session that may work.
 *
 * Drives one connection through STARTTLS, CAPABILITY, AUTHENTICATE or LOGIN,
 * ID, ENABLE and NAMESPACE, event by event. It holds to what the user allows:
 * no secret travels without TLS (but to loopback, through a tunnel, or where
 * cleartext is allowed), nothing heard before the handshake counts after it.
 * To a server that is known from before, all of it is one flight where the
 * mechanism lets it be: AUTHENTICATE goes out right after the handshake, and
 * what must follow goes along.
 */
#ifndef GODWIT_SRC_ENGINE_LOGIN_H
#define GODWIT_SRC_ENGINE_LOGIN_H

#include "conn.h"
#include "recall.h"

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

/* What the logins of one run share. */
struct login_lore {
	struct secret *password; /* the account's, once it was needed */
	struct server *server;   /* filled by and by */
	struct recall *recall;   /* brought up to date by each login */
	bool guesses;            /* whether to rely on `recall` */
};

/* A login on `conn`. All is borrowed. */
struct login *login_new(struct conn *conn, const struct account *account,
	const struct ports *ports, const struct login_lore *lore);
void login_free(struct login **login);

/* Takes the connection's next event. */
enum login_step login_event(
	struct login *login, const struct imap_event *event, struct err *err);

/* The connection's handshake is over. */
enum login_step login_secured(struct login *login, struct err *err);

/* Whether the command of this handle is one of the login's. */
bool login_owns(const struct login *login, uint32_t handle);

/*
 * Whether all of the login's commands are on the way, so that others may follow
 * before it is done. They are carried out only if it goes well; but until then
 * the server is not known to be ready for them, so they must do no harm where
 * they are refused, or are not understood.
 */
bool login_may_be_followed(const struct login *login);

/*
 * Whether a login that FAILED, or whose connection broke, for `why`, relied on
 * what was recalled and may fare better without. Not where the password was
 * refused by a server that is as recalled: trying it again locks accounts.
 */
bool login_begins_anew(const struct login *login, const struct err *why);

/* Whether something was sent that relies on what was recalled. */
bool login_has_guessed(const struct login *login);

/* Whether the reason for that is known: the server has changed. Else something
 * did not bear what was sent ahead. */
bool login_was_misled(const struct login *login);

#endif
