/*
 * How: one switch over the codes that a user can do something about; the rest
 * is said in LMDB's or the system's own words.
 */
#include "store/store_error.h"

#include <errno.h>
#include <lmdb.h>

int store_damaged(const char *path, const char *reason, struct err *err)
{
	return err_set(err, ERR_ACCOUNT, ERR_NEVER, ERR_DISK,
		"the journal %s is damaged (%s); move its folder out of the "
		"way and sync again: the mail of both sides is then paired "
		"anew",
		path, reason);
}

static int later(const char *path, const char *what, struct err *err)
{
	return err_set(
		err, ERR_ACCOUNT, ERR_LATER, ERR_DISK, "%s: %s", path, what);
}

static int never(const char *path, const char *what, struct err *err)
{
	return err_set(
		err, ERR_ACCOUNT, ERR_NEVER, ERR_DISK, "%s: %s", path, what);
}

int store_failed(const char *path, int code, struct err *err)
{
	switch (code) {
	case ENOSPC:
	case EDQUOT:
		return later(path,
			"the disk, or your share of it, is full; make room "
			"and sync again, nothing is lost",
			err);
	case EACCES:
	case EPERM:
		return never(path,
			"permission denied; it must belong to the user who "
			"runs godwit",
			err);
	case EROFS:
		return never(path,
			"the file system is read-only; to sync, the state "
			"folder must be where it can be written",
			err);
	case MDB_INVALID:
		return store_damaged(path, "it is no LMDB file", err);
	case MDB_VERSION_MISMATCH:
		return store_damaged(
			path, "another version of LMDB wrote it", err);
	case MDB_CORRUPTED:
	case MDB_PAGE_NOTFOUND:
	case MDB_CURSOR_FULL:
	case MDB_INCOMPATIBLE:
	case MDB_BAD_TXN:
		return store_damaged(path, "its pages do not fit", err);
	case MDB_PANIC:
		return later(
			path, "writing failed before; run godwit again", err);
	case MDB_MAP_RESIZED:
		return later(path,
			"it outgrew what was open of it; run the command "
			"again",
			err);
	case ENOMEM:
	case EFBIG:
		return later(path,
			"it cannot grow; raise the limits on file size and "
			"address space (ulimit -a)",
			err);
	default:
		return later(path, mdb_strerror(code), err);
	}
}
