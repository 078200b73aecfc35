/*
 * Port: byte transformers between wire and session: TLS and DEFLATE.
 *
 * A transformer does no I/O. It is fed what came from the wire and gives plain
 * bytes; it is fed plain bytes and gives what is to go to the wire. The same
 * code runs over sockets and in the simulator.
 */
#ifndef GODWIT_ENGINE_PORTS_TRANSFORM_H
#define GODWIT_ENGINE_PORTS_TRANSFORM_H

#include "godwit/base/bytes.h"
#include "godwit/base/err.h"

#include <stdbool.h>

enum channel_binding {
	CHANNEL_BINDING_NONE,
	CHANNEL_BINDING_TLS_UNIQUE,   /* RFC 5929, TLS up to 1.2 */
	CHANNEL_BINDING_TLS_EXPORTER, /* RFC 9266 */
	/* A hash of the server's certificate (RFC 5929 4): not to log in by,
	 * but to know the server again. */
	CHANNEL_BINDING_TLS_SERVER_END_POINT,
};

struct transform {
	void *ctx;

	/*
	 * Takes bytes from the wire and appends what they mean to *plain;
	 * answers (handshake messages) are appended to *wire. Empty `bytes`
	 * starts a handshake. -1 and err: the stream is to be closed, *wire
	 * may hold an alert that is worth one attempt to send. A certificate
	 * that is not trusted is ERR_LOGIN with a sentence.
	 */
	int (*from_wire)(void *ctx, struct str bytes, struct buf *plain,
		struct buf *wire, struct err *err);

	/* Appends to *wire what `plain` becomes. Only when ready. */
	int (*to_wire)(
		void *ctx, struct str plain, struct buf *wire, struct err *err);

	/* Whether the handshake is over. */
	bool (*ready)(void *ctx);

	/* Whether from_wire has more to give, without any further bytes. */
	bool (*pending)(void *ctx);

	/* Whether the handshake relies on what was kept of an earlier one. If
	 * it fails, another one, that does not, may succeed. */
	bool (*resumes)(void *ctx);

	/* Whether the other side has closed in good order (close_notify);
	 * nothing that follows is taken. A wire that ends before that was cut
	 * off, by whomever (RFC 8446 6.1). */
	bool (*closed)(void *ctx);

	/* Appends the channel binding's bytes; -1 if there is none of that
	 * kind on this connection. */
	int (*binding)(void *ctx, enum channel_binding kind, struct buf *data);

	/* Appends what protects this connection, once it is ready: "TLS 1.3;
	 * the certificate is for mail.example.org ...", for people. */
	void (*describe)(void *ctx, struct buf *text);

	/* Appends the closing bytes (close_notify) to *wire, if ready. */
	void (*finish)(void *ctx, struct buf *wire);

	/* Releases everything; *ctx becomes NULL. */
	void (*free)(void **ctx);
};

struct account;

/* Makes TLS transformers. */
struct tls_port {
	void *ctx;

	/* A client for `account`'s host name and its `tls` settings, borrowed
	 * for the transformer's life; -1 and err (ERR_CONFIG) when a file
	 * they name cannot be read. */
	int (*open)(void *ctx, const struct account *account,
		struct transform *transform_r, struct err *err);
};

/* Makes transformers for COMPRESS=DEFLATE (RFC 4978), ready at once. */
struct deflate_port {
	void *ctx;

	/* NULL: there is no compression. */
	void (*open)(void *ctx, struct transform *transform_r);
};

#endif
