/*
 * Renames: the `rename` map of the config, both ways.
 *
 * A mailbox may have another local name than the server's; what is below it
 * goes along. Both names are canonical (mailbox_name.h). Two mailboxes that a
 * map leads to one local name are found by mailbox_name_key(), not here.
 */
#ifndef GODWIT_MAIL_MAILBOX_RENAME_H
#define GODWIT_MAIL_MAILBOX_RENAME_H

#include "godwit/base/bytes.h"

#include <stdbool.h>
#include <stddef.h>

/* One line of the `rename` map; both names canonical. */
struct mailbox_rename {
	struct str server; /* by mailbox_name_from_server() */
	struct str local;  /* by mailbox_name_from_user() */
};

/*
 * Adds the local name of the mailbox that the server knows under the canonical
 * name `name`. A line also renames what is below its mailbox; the line with the
 * longest name counts.
 */
void mailbox_rename_to_local(const struct mailbox_rename *map, size_t count,
	struct str name, struct buf *local);

/*
 * The other way. False, with nothing added, if no server mailbox can have this
 * local name, because its own name is renamed to something else.
 */
bool mailbox_rename_to_server(const struct mailbox_rename *map, size_t count,
	struct str local, struct buf *name);

#endif
