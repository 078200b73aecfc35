/*
 * State folder: an account's own folder, and the lock that one writer holds.
 */
#ifndef GODWIT_SRC_STORE_STATE_FOLDER_H
#define GODWIT_SRC_STORE_STATE_FOLDER_H

#include "godwit/base/err.h"

/* Makes the folder with its parents, each with mode 0700 and durable; what is
 * there already stays as it is. */
int state_folder_make(const char *path, struct err *err);

/* Makes the names in a folder durable. */
int state_folder_sync(const char *path, struct err *err);

/*
 * Takes the lock of the folder, the file `lock` in it: *fd_r holds it. It ends
 * with the process; state_lock_release() ends it before. ERR_LOCKED, with the
 * holder's pid, when another open store has it.
 */
int state_lock_take(const char *path, int *fd_r, struct err *err);
void state_lock_release(int *fd);

#endif
