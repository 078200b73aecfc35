/*
 * Mailbox names: the server's, ours, and the folder's below the Maildir root.
 *
 * Ours, the canonical name, has components joined by '/', in UTF-8 and NFC, and
 * is fit to be a path: no component is empty, ".", "..", "cur", "new" or "tmp"
 * (in any case of letters), begins with a dot or with "dovecot-keyword", or
 * holds a slash, a control character (C0, DEL, C1) or bytes that are not UTF-8.
 * Where the server's name has such a thing, its bytes are escaped as "%XX", as
 * are a '%' that begins a component or that two hex digits follow, and a
 * combining mark behind an escape or at the front (it would melt with what is
 * before it). Of a reserved name the first byte is escaped. An empty component
 * is "%". What a namespace prefix stands before loses it; where there is such a
 * prefix, a name without it begins with "%%". INBOX, in any case of letters,
 * is "INBOX"; another mailbox that would get this name begins with "%49".
 *
 * So every server name has one canonical name, and gets itself back from it,
 * but for NFC: names that differ only in that meet on one folder, which the
 * caller finds out by mailbox_name_key() before it writes anything.
 *
 *     layout nested      INBOX is root/INBOX, a/b is root/a/b
 *     layout maildir++   INBOX is the root,   a/b is root/.a.b ('.' is "%2E")
 *
 * What it does not do: modified UTF-7 (imap), symbolic links (os).
 */
#ifndef GODWIT_MAIL_MAILBOX_NAME_H
#define GODWIT_MAIL_MAILBOX_NAME_H

#include "godwit/base/bytes.h"
#include "godwit/base/err.h"

#include <stdbool.h>
#include <stddef.h>

enum mailbox_layout {
	LAYOUT_NESTED,
	LAYOUT_MAILDIRPP,
};

/* The personal namespace of a server (RFC 2342). */
struct mailbox_space {
	struct str prefix; /* "INBOX." or "", UTF-8 */
	char delimiter;    /* '\0': the server has no hierarchy */
};

/*
 * Adds the canonical name of the server's mailbox `server` (UTF-8) to `name`.
 * Fails (ERR_MAILBOX) when it is longer than LIMIT_MAILBOX_NAME_BYTES, or a
 * component escaped is longer than LIMIT_NAME_BYTES.
 */
int mailbox_name_from_server(const struct mailbox_space *space,
	struct str server, struct buf *name, struct err *err);

/*
 * Adds the server's name of the canonical `name` to `server`. Fails
 * (ERR_MAILBOX) when there can be none there: a component holds the delimiter,
 * there is no hierarchy, or no server name leads to `name`.
 */
int mailbox_name_to_server(const struct mailbox_space *space, struct str name,
	struct buf *server, struct err *err);

/*
 * Adds the canonical name of what a user wrote as a local name: in NFC, INBOX
 * in capitals. Fails (ERR_CONFIG) when that is not a canonical name.
 */
int mailbox_name_from_user(struct str text, struct buf *name, struct err *err);

/*
 * Adds the canonical name of the folder at `path` below the root ("" is the
 * root). Fails (ERR_MAILBOX) when no canonical name has this path: such a
 * folder is not a mailbox.
 */
int mailbox_name_from_path(enum mailbox_layout layout, struct str path,
	struct buf *name, struct err *err);

/*
 * Adds the folder's path below the root, without a slash at either end; ""
 * stands for the root. It never leads out of the root. Fails (ERR_MAILBOX)
 * when a component of the path is longer than LIMIT_NAME_BYTES, or `name` is
 * not canonical.
 */
int mailbox_name_path(enum mailbox_layout layout, struct str name,
	struct buf *path, struct err *err);

/*
 * Adds the key under which a name meets another on one folder; `fold` where the
 * file system does not tell capital letters from small ones.
 */
void mailbox_name_key(struct str name, bool fold, struct buf *key);

#endif
