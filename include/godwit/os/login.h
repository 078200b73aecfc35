/*
 * The login port for real: passwords from where the account says, and SASL.
 *
 * A password command has the account's timeout; the first line that it prints
 * counts, its stderr is the user's. A password file must belong to the user
 * (or root) and be closed to all others. The terminal is asked only when there
 * is one. GNU SASL computes the mechanisms: SCRAM-SHA-256 and -1 (also -PLUS),
 * GSSAPI where it was built in, EXTERNAL, CRAM-MD5, PLAIN, LOGIN; XOAUTH2 and
 * OAUTHBEARER (RFC 7628) are written here. Others are refused, even where GNU
 * SASL knows them.
 */
#ifndef GODWIT_OS_LOGIN_H
#define GODWIT_OS_LOGIN_H

#include "godwit/engine/ports/login.h"

struct Gsasl;

struct os_login {
	struct Gsasl *gsasl;
};

/* `login` stays where it is until the close, exchanges end before it. */
void os_login_open(struct os_login *login, struct login_port *port_r);
void os_login_close(struct os_login *login);

#endif
