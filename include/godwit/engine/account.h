/*
 * Accounts: what the user wants done with one account, as plain data.
 *
 * The config file fills it, the engine and the ports read it. By then every
 * value is within its bounds, every default is in place, every path is
 * absolute, and what contradicts itself has been refused; so nobody checks
 * again. No value here is a secret: of the password it says only where it
 * comes from. It holds no state and has no functions.
 *
 * All memory belongs to the arena that the config was read into. Every
 * struct str in it also has a NUL behind its len, and none within.
 */
#ifndef GODWIT_ENGINE_ACCOUNT_H
#define GODWIT_ENGINE_ACCOUNT_H

#include "godwit/base/bytes.h"
#include "godwit/mail/mailbox_name.h"
#include "godwit/mail/mailbox_rename.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* When TLS starts. */
enum account_tls_mode {
	ACCOUNT_TLS_IMPLICIT, /* before the first byte */
	ACCOUNT_TLS_STARTTLS, /* by the STARTTLS command */
	ACCOUNT_TLS_OFF       /* never: loopback, tunnel or allow_cleartext */
};

/* The oldest TLS that is spoken. */
enum account_tls_min {
	ACCOUNT_TLS_1_2, /* the default */
	ACCOUNT_TLS_1_3
};

/* Which way changes travel. */
enum account_direction {
	ACCOUNT_DIRECTION_BOTH, /* both sides change */
	ACCOUNT_DIRECTION_PULL, /* only the Maildir changes */
	ACCOUNT_DIRECTION_PUSH  /* only the server changes */
};

/* On which sides something may be done: a mask of LOCAL and SERVER. */
enum account_sides {
	ACCOUNT_SIDES_NONE = 0,
	ACCOUNT_SIDES_LOCAL = 1,
	ACCOUNT_SIDES_SERVER = 2,
	ACCOUNT_SIDES_BOTH = ACCOUNT_SIDES_LOCAL | ACCOUNT_SIDES_SERVER
};

/* What becomes of the server's copy of a message that was removed locally. */
enum account_delete {
	ACCOUNT_DELETE_EXPUNGE, /* UID EXPUNGE of just that UID */
	ACCOUNT_DELETE_TRASH,   /* UID MOVE to the \Trash mailbox */
	ACCOUNT_DELETE_NEVER    /* it stays */
};

/* Whether COMPRESS=DEFLATE is used where the server offers it. */
enum account_compress {
	ACCOUNT_COMPRESS_AUTO, /* where it is expected to pay */
	ACCOUNT_COMPRESS_ON,
	ACCOUNT_COMPRESS_OFF
};

/* Where the password (or OAuth token) comes from. */
enum account_password_source {
	ACCOUNT_PASSWORD_ASK,     /* from the terminal, if there is one */
	ACCOUNT_PASSWORD_COMMAND, /* .command's standard output */
	ACCOUNT_PASSWORD_FILE,    /* the first line of .file */
	ACCOUNT_PASSWORD_ENV      /* the environment variable .env */
};

/* A list of names or patterns. */
struct account_list {
	struct str *items;
	size_t count;
};

/*
 * A command to run. A string of the config is {"/bin/sh", "-c", STRING}, a
 * list is itself; argv[0] NULL never happens.
 */
struct account_command {
	const char *const *argv; /* NULL-terminated; NULL: no command */
};

/* SHA-256 of a SubjectPublicKeyInfo (RFC 7469 2.4) that is trusted. */
struct account_pin {
	unsigned char sha256[32];
};

struct account_tls {
	enum account_tls_mode mode;
	enum account_tls_min min;
	const char *ca_path;   /* trust these, not the system's; or NULL */
	const char *cert_path; /* our certificate, with key_path; or NULL */
	const char *key_path;
	struct account_pin *pins; /* any one must match; none: no pinning */
	size_t pin_count;
};

struct account_password {
	enum account_password_source source;
	struct account_command command;
	const char *file;
	const char *env;
};

/*
 * Which mailboxes take part, and under which local name. A mailbox does if a
 * pattern of `include` fits its canonical name (or that list is empty) and
 * none of `exclude` does; mail/mailbox_glob.h says what fits.
 */
struct account_mailboxes {
	struct account_list include;
	struct account_list exclude;
	struct mailbox_rename *renames; /* of canonical names */
	size_t rename_count;
	bool subscribed; /* only those that the user is subscribed to */
};

/* Messages outside are not synced, and never count as gone. 0: no limit. */
struct account_limits {
	uint64_t max_size_bytes;
	uint64_t max_age_s;
	uint64_t newest; /* a mailbox's so many highest UIDs */
};

/*
 * A mailbox that would lose more than both is refused: more than
 * max_delete_percent of its messages, and more than min_messages of them.
 */
struct account_guard {
	uint32_t max_delete_percent; /* 0 to 100 */
	uint32_t min_messages;
};

struct account_hooks {
	struct account_command new_mail; /* `new:` after new mail arrived */
	struct account_command done;     /* `done:` after every sync */
};

struct account {
	struct str name; /* also safe as the name of a folder */

	/* The server. */
	const char *host; /* name or address without brackets; or NULL,
			   * which only a tunnel allows */
	struct account_tls tls;
	struct account_command tunnel; /* instead of a TCP connection */
	uint32_t connections;          /* from 1 to LIMIT_CONNECTIONS */
	uint32_t timeout_ms; /* of silence on the wire, at least 1000 */
	enum account_compress compress;
	uint16_t port;
	bool allow_cleartext; /* the user asked for it */

	/* The login. */
	struct str user; /* empty: none given (EXTERNAL, PREAUTH tunnel) */
	struct account_password password;
	struct account_list auth; /* upper-case SASL names, wanted first;
				   * none: the strongest first */

	/* The local side. */
	const char *maildir; /* the root folder, absolute, no trailing / */
	const char *state;   /* journal, vault, lock; likewise */
	enum mailbox_layout layout;

	/* What is done. */
	struct account_mailboxes mailboxes;
	enum account_direction direction;
	enum account_sides create;   /* mailboxes that the other side has */
	enum account_sides remove;   /* mailboxes gone from the other side */
	enum account_sides expunge;  /* messages that bear \Deleted */
	enum account_delete deletes; /* `delete:` */
	struct account_limits limits;
	struct account_guard guard;
	uint64_t retain_s; /* in the vault; 0: no vault */
	struct account_hooks hooks;
};

#endif
