/*
 * The head of data.mdb: whether LMDB may be trusted with the file.
 *
 * LMDB maps what its first two pages promise; a page beyond the end of the
 * file would end the process when it is read. So those pages are read before.
 */
#ifndef GODWIT_SRC_STORE_LMDB_HEADER_H
#define GODWIT_SRC_STORE_LMDB_HEADER_H

#include "godwit/base/err.h"

#include <stddef.h>

/*
 * 1: the file can be opened, and has *bytes_r bytes; 0: it is not there, or
 * empty; -1: err.
 */
int lmdb_header_check(const char *file, size_t *bytes_r, struct err *err);

#endif
