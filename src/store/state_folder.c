/*
 * How: the lock is a flock() on a file that is never removed, so there is no
 * moment at which two processes lock two files of one name. The system drops
 * it when the last descriptor goes, which it closes on exec and on any death.
 * A record lock of fcntl() tells others whose it is, and nothing but that: it
 * would go with any descriptor of the file that the process closes. So nothing
 * has to be written to the file.
 */
#include "store/state_folder.h"

#include "store/store_error.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

int state_folder_sync(const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = fd < 0 ? -1 : fsync(fd);

	/* Some file systems cannot, and say EINVAL: nothing to be done. */
	if (rc != 0 && errno != EINVAL)
		rc = store_failed(path, errno, err);
	else
		rc = 0;
	if (fd >= 0)
		(void)close(fd);
	return rc;
}

/* The folder that `path` is in: "/a/b" for "/a/b/c", "." for "c". */
static void parent_of(const char *path, struct buf *parent)
{
	size_t len = strlen(path);

	while (len > 1 && path[len - 1] == '/')
		len--;
	while (len > 0 && path[len - 1] != '/')
		len--;
	while (len > 1 && path[len - 1] == '/')
		len--;
	buf_reset(parent);
	buf_add(parent, (struct str){.ptr = path, .len = len});
	if (len == 0)
		buf_addc(parent, '.');
}

/* 1: made; 0: was there; -1: errno says why not. */
static int folder_make_one(const char *path)
{
	struct stat st;

	if (mkdir(path, 0700) == 0)
		return 1;
	if (errno != EEXIST)
		return -1;
	if (stat(path, &st) != 0)
		return -1;
	errno = ENOTDIR;
	return S_ISDIR(st.st_mode) ? 0 : -1;
}

int state_folder_make(const char *path, struct err *err)
{
	struct buf parent = {0};
	int made = folder_make_one(path);

	parent_of(path, &parent);
	if (made < 0 && errno == ENOENT && strcmp(path, buf_z(&parent)) != 0) {
		made = state_folder_make(buf_z(&parent), err);
		if (made == 0)
			made = state_folder_make(path, err);
	} else if (made < 0) {
		made = store_failed(path, errno, err);
	} else if (made > 0) {
		made = state_folder_sync(buf_z(&parent), err);
	}
	buf_clear(&parent);
	return made;
}

/* All of the file, also what it has not got. */
static struct flock whole_file(void)
{
	return (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET};
}

/* Whose the lock is, if that can be told; else 0. */
static long lock_holder(int fd)
{
	struct flock lock = whole_file();

	if (fcntl(fd, F_GETLK, &lock) != 0 || lock.l_type == F_UNLCK)
		return 0;
	return lock.l_pid > 0 ? (long)lock.l_pid : 0;
}

static int lock_refused(int fd, const char *path, struct err *err)
{
	long pid = lock_holder(fd);

	if (pid == 0)
		return err_set(err, ERR_ACCOUNT, ERR_LATER, ERR_LOCKED,
			"another godwit is syncing this account (it holds %s)",
			path);
	return err_set(err, ERR_ACCOUNT, ERR_LATER, ERR_LOCKED,
		"another godwit (pid %ld) is syncing this account", pid);
}

/* Lets others see whose the lock is; where that does not work, they do not. */
static void lock_sign(int fd)
{
	struct flock lock = whole_file();

	(void)fcntl(fd, F_SETLK, &lock);
}

static int lock_open(const char *file, int *fd_r, struct err *err)
{
	const int flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY |
			  O_NONBLOCK;
	int fd = open(file, flags, 0600);
	struct stat st;

	if (fd < 0)
		return store_failed(file, errno, err);
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		(void)close(fd);
		return err_set(err, ERR_ACCOUNT, ERR_NEVER, ERR_DISK,
			"%s: not a regular file; remove it and sync again",
			file);
	}
	*fd_r = fd;
	return 0;
}

int state_lock_take(const char *path, int *fd_r, struct err *err)
{
	struct buf file = {0};
	int fd = -1;
	int rc;

	buf_addf(&file, "%s/lock", path);
	rc = lock_open(buf_z(&file), &fd, err);
	if (rc != 0)
		goto out;
	if (flock(fd, LOCK_EX | LOCK_NB) != 0)
		rc = errno == EWOULDBLOCK
			     ? lock_refused(fd, buf_z(&file), err)
			     : store_failed(buf_z(&file), errno, err);
	if (rc == 0) {
		lock_sign(fd);
		*fd_r = fd;
	} else {
		(void)close(fd);
	}
out:
	buf_clear(&file);
	return rc;
}

void state_lock_release(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}
