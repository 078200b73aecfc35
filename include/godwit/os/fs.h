/*
 * The file system for real: the fs port on POSIX calls.
 *
 * Every name is opened below an open folder with O_NOFOLLOW, so that neither a
 * name nor a planted link leads out of the root. Nothing is durable before
 * flush and dir_sync, and no failed write-back is forgotten. Works with what
 * the file system offers: one without RENAME_NOREPLACE gets link and unlink,
 * one without hard links as well is refused.
 */
#ifndef GODWIT_OS_FS_H
#define GODWIT_OS_FS_H

#include "godwit/engine/ports/fs.h"

struct os_fs;

struct os_fs *os_fs_new(void);

/* The port; borrowed until os_fs_free(). */
const struct fs_port *os_fs_port(struct os_fs *fs);

/* Every folder and file must have been closed. What was finished and not
 * flushed is not made durable. Harmless on NULL. */
void os_fs_free(struct os_fs **fs);

#endif
