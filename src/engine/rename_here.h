/*
 * Renames in the Maildir: which folder was called otherwise before.
 *
 * By the inode of its cur/. An inode is used again once its folder is removed,
 * so that alone is no proof: cur/ must have been made before the mailbox was
 * settled, which its stamps or its birth tell; or a file must be there that the
 * journal knows by its name.
 */
#ifndef GODWIT_SRC_ENGINE_RENAME_HERE_H
#define GODWIT_SRC_ENGINE_RENAME_HERE_H

#include "rename.h"

/* As rename_there_find(), `here`. */
int rename_here_find(struct pass *pass, struct rename *renames, size_t count,
	struct err *err);

/* Renames the folder of one mailbox to that of another name, durably, with all
 * folders below it. FS_EXISTS: there is something of that name. */
enum fs_result rename_here(
	struct pass *pass, struct str from, struct str to, struct err *err);

/* Makes durable what another program renamed. */
int rename_here_keep(
	struct pass *pass, struct str from, struct str to, struct err *err);

#endif
