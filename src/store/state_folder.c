/*
 * How: the lock is a flock() on a file that is never removed, so there is no
 * moment at which two processes lock two files of one name. The system drops
 * it when the last descriptor goes, which it closes on exec and on any death.
 * The pid inside is for people: it is written after the lock is held, and one
 * that a killed holder left is believed only if there is such a process.
 */
#include "store/state_folder.h"

#include "store/store_error.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	PID_TEXT_BYTES = 32,
};

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

/* The pid in the lock file, if there is such a process; else 0. */
static long lock_holder(int fd)
{
	char text[PID_TEXT_BYTES + 1] = "";
	ssize_t got = pread(fd, text, PID_TEXT_BYTES, 0);
	long pid = got > 0 ? strtol(text, NULL, 10) : 0;

	if (pid <= 0 || (long)(pid_t)pid != pid)
		return 0;
	return kill((pid_t)pid, 0) == 0 || errno == EPERM ? pid : 0;
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

/* Overwritten in place, so that a full disk does not matter. */
static int lock_write_pid(int fd)
{
	struct buf text = {0};
	ssize_t written;

	buf_addf(&text, "%ld\n", (long)getpid());
	written = pwrite(fd, text.ptr, text.len, 0);
	buf_clear(&text);
	return written < 0 ? -1 : ftruncate(fd, written);
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
	else if (lock_write_pid(fd) != 0)
		rc = store_failed(buf_z(&file), errno, err);
	if (rc == 0)
		*fd_r = fd;
	else
		(void)close(fd);
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
