/*
 * The tls port for real: GnuTLS over memory.
 *
 * A server is believed when its certificate is signed by somebody in `ca` (or
 * else the system's list), is valid today and is for the host's name or
 * address (RFC 7817), and its key is one of `pin`, where there are any.
 * With `pin` but without `ca` the key alone decides: who signed, dates and
 * names are not looked at, so that a pin is enough for a certificate that
 * somebody made for himself. A key that is not pinned is always refused.
 *
 * Where that is wanted, what lets a handshake be short the next time is kept in
 * the account's state folder, for a day and for the same settings. A server
 * that is met again so has proven itself then; the dates and the name of its
 * certificate, and the pins, are looked at each time.
 *
 * Refuses TLS below 1.2, renegotiation, and a name for nobody: without a host
 * (a tunnel may have none) there must be a pin and no ca.
 */
#ifndef GODWIT_OS_TLS_H
#define GODWIT_OS_TLS_H

#include "godwit/engine/ports/transform.h"

struct tls_kept;
struct tls_trust;

struct os_tls {
	struct tls_trust *trusts; /* what accounts' files hold, read once */
	struct tls_kept *kept;    /* a list, of each account */
	bool keeps;
};

/* `tls` stays where it is, and every account that the port is given with it,
 * until the close; by then all transformers have been freed. */
void os_tls_open(struct os_tls *tls, struct tls_port *port_r);
/* From here on sessions are kept, and used: for a run that may write to the
 * state folder. */
void os_tls_keep(struct os_tls *tls);
void os_tls_close(struct os_tls *tls);

#endif
