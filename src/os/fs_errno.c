/*
 * How: errno to fault by one table; what is in no row is reported in the
 * system's own words.
 */
#include "os/fs_private.h"

#include <errno.h>
#include <string.h>

static const struct errno_row {
	int error;
	enum fs_fault fault;
} rows[] = {
	{ENOSPC, FS_FAULT_FULL},
	{EDQUOT, FS_FAULT_QUOTA},
	{EFBIG, FS_FAULT_TOO_BIG},
	{EROFS, FS_FAULT_READ_ONLY},
	{EACCES, FS_FAULT_DENIED},
	{EPERM, FS_FAULT_DENIED},
	{EIO, FS_FAULT_BROKEN},
	{EMFILE, FS_FAULT_MANY_OPEN},
	{ENFILE, FS_FAULT_MANY_OPEN},
	{ELOOP, FS_FAULT_LINK},
	{ENOTDIR, FS_FAULT_NOT_FOLDER},
	{EISDIR, FS_FAULT_NOT_FILE},
	{ENXIO, FS_FAULT_NOT_FILE}, /* open() of a socket */
	{ENAMETOOLONG, FS_FAULT_NAME},
	{EILSEQ, FS_FAULT_NAME}, /* a file system that wants UTF-8 */
	{ENOENT, FS_FAULT_GONE}, /* where absence is no answer */
	{ESTALE, FS_FAULT_GONE},
};

enum fs_fault fs_fault_of(int error)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].error == error)
			return rows[i].fault;
	}
	return FS_FAULT_OTHER;
}

enum fs_result fs_failed(struct err *err, enum fs_act act,
	const struct fs_dir *dir, const char *name, int error)
{
	struct fs_place place = {act, dir->path, name};

	return fs_fault_set(err, &place, fs_fault_of(error), strerror(error));
}

enum fs_result fs_file_failed(
	struct err *err, enum fs_act act, const struct fs_file *file, int error)
{
	struct fs_place place = {act, file->folder, file->name};

	return fs_fault_set(err, &place, fs_fault_of(error), strerror(error));
}

enum fs_result name_ok(const struct fs_dir *dir, const char *name,
	enum fs_act act, struct err *err)
{
	if (fs_name_valid(name))
		return FS_OK;
	return fs_failed(err, act, dir, name, ENAMETOOLONG);
}
