/*
 * How: renameat2(RENAME_NOREPLACE) where it is known. Where it is not, a file
 * is linked to its new name, the new folder synced (a crash must not take both
 * names), and the old name unlinked; a folder, which cannot be linked, is
 * renamed after a look, since rename() replaces no folder but an empty one.
 */
#include "os/fs_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

/* The two ends of a rename or link. */
struct ends {
	struct fs_dir *from_dir;
	const char *from;
	struct fs_dir *to_dir;
	const char *to;
	enum fs_act act;
};

static bool is_there(const struct fs_dir *dir, const char *name)
{
	struct stat st;

	return fstatat(dir->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static enum fs_result ends_ok(const struct ends *ends, struct err *err)
{
	enum fs_result result =
		name_ok(ends->from_dir, ends->from, ends->act, err);

	if (result == FS_OK)
		result = name_ok(ends->to_dir, ends->to, ends->act, err);
	return result;
}

/* What errno `error` (0: none) of a rename or link means. */
static enum fs_result ends_result(
	const struct ends *ends, int error, struct err *err)
{
	if (error == 0)
		return FS_OK;
	if (error == EEXIST)
		return FS_EXISTS;
	if (error == EXDEV)
		return FS_CROSS;
	if (error != ENOENT)
		return fs_failed(
			err, ends->act, ends->from_dir, ends->from, error);
	/* ENOENT is said of the new folder, too, when that was removed. */
	if (is_there(ends->from_dir, ends->from))
		return fs_failed(err, ends->act, ends->to_dir, NULL, error);
	return FS_ABSENT;
}

/* An errno or 0; ENOSYS where this cannot be had. */
static int rename_noreplace(const struct ends *ends)
{
#ifdef HAVE_RENAMEAT2
	if (renameat2(ends->from_dir->fd, ends->from, ends->to_dir->fd,
		    ends->to, RENAME_NOREPLACE) == 0)
		return 0;
	return errno == EINVAL ? ENOSYS : errno;
#else
	(void)ends;
	return ENOSYS;
#endif
}

static int rename_plain(const struct ends *ends)
{
	if (renameat(ends->from_dir->fd, ends->from, ends->to_dir->fd,
		    ends->to) == 0)
		return 0;
	return errno;
}

static int link_plain(const struct ends *ends)
{
	if (linkat(ends->from_dir->fd, ends->from, ends->to_dir->fd, ends->to,
		    0) == 0)
		return 0;
	return errno;
}

static int rename_by_link(const struct ends *ends)
{
	int error = link_plain(ends);

	if (error != 0)
		return error;
	error = fs_sync_fd(ends->to_dir->fd);
	if (error != 0)
		(void)unlinkat(ends->to_dir->fd, ends->to, 0);
	else if (unlinkat(ends->from_dir->fd, ends->from, 0) != 0 &&
		 errno != ENOENT)
		error = errno;
	return error;
}

static int rename_folder(const struct ends *ends)
{
	int error;

	if (is_there(ends->to_dir, ends->to))
		return EEXIST;
	error = rename_plain(ends);
	return error == ENOTEMPTY || error == ENOTDIR ? EEXIST : error;
}

static enum fs_result rename_without_noreplace(
	const struct ends *ends, struct err *err)
{
	struct fs_place place = {
		FS_ACT_RENAME, ends->from_dir->path, ends->from};
	struct stat st;
	int error;

	if (fstatat(ends->from_dir->fd, ends->from, &st, AT_SYMLINK_NOFOLLOW) !=
		0)
		return ends_result(ends, errno, err);
	if (S_ISDIR(st.st_mode))
		return ends_result(ends, rename_folder(ends), err);
	error = rename_by_link(ends);
	if (error == EPERM || error == ENOSYS || error == EOPNOTSUPP)
		return fs_fault_set(err, &place, FS_FAULT_NO_LINKS, NULL);
	return ends_result(ends, error, err);
}

static enum fs_result os_rename(struct fs_dir *from_dir, const char *from,
	struct fs_dir *to_dir, const char *to, struct err *err)
{
	struct ends ends = {from_dir, from, to_dir, to, FS_ACT_RENAME};
	enum fs_result result = ends_ok(&ends, err);
	int error;

	if (result != FS_OK)
		return result;
	error = rename_noreplace(&ends);
	if (error == ENOSYS)
		return rename_without_noreplace(&ends, err);
	return ends_result(&ends, error, err);
}

static enum fs_result os_replace(struct fs_dir *from_dir, const char *from,
	struct fs_dir *to_dir, const char *to, struct err *err)
{
	struct ends ends = {from_dir, from, to_dir, to, FS_ACT_RENAME};
	enum fs_result result = ends_ok(&ends, err);

	if (result != FS_OK)
		return result;
	return ends_result(&ends, rename_plain(&ends), err);
}

static enum fs_result os_link(struct fs_dir *from_dir, const char *from,
	struct fs_dir *to_dir, const char *to, struct err *err)
{
	struct ends ends = {from_dir, from, to_dir, to, FS_ACT_LINK_NEW};
	enum fs_result result = ends_ok(&ends, err);

	if (result != FS_OK)
		return result;
	return ends_result(&ends, link_plain(&ends), err);
}

static enum fs_result remove_at(
	struct fs_dir *dir, const char *name, int flags, struct err *err)
{
	enum fs_result result = name_ok(dir, name, FS_ACT_REMOVE, err);

	if (result != FS_OK)
		return result;
	if (unlinkat(dir->fd, name, flags) == 0)
		return FS_OK;
	if (errno == ENOENT)
		return FS_ABSENT;
	if (errno == ENOTEMPTY || errno == EEXIST)
		return FS_EXISTS;
	return fs_failed(err, FS_ACT_REMOVE, dir, name, errno);
}

static enum fs_result os_unlink(
	struct fs_dir *dir, const char *name, struct err *err)
{
	return remove_at(dir, name, 0, err);
}

static enum fs_result os_rmdir(
	struct fs_dir *dir, const char *name, struct err *err)
{
	return remove_at(dir, name, AT_REMOVEDIR, err);
}

void fs_port_names(struct fs_port *port)
{
	port->rename = os_rename;
	port->replace = os_replace;
	port->link = os_link;
	port->unlink = os_unlink;
	port->rmdir = os_rmdir;
}
