/*
 * Store errors: what the system and LMDB report, as sentences for the user.
 */
#ifndef GODWIT_SRC_STORE_STORE_ERROR_H
#define GODWIT_SRC_STORE_STORE_ERROR_H

#include "godwit/base/err.h"

/*
 * `code` is an errno or one of LMDB's; `path` is the file or folder that it is
 * about. Returns -1.
 */
int store_failed(const char *path, int code, struct err *err);

/* The journal in `path` is of no use, for the reason given. Returns -1. */
int store_damaged(const char *path, const char *reason, struct err *err);

#endif
