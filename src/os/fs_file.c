/*
 * How: a file is a descriptor and, for messages, its folder's path and its
 * name. The first write that fails is remembered: a file that lost bytes can be
 * closed, not finished. A finished one is handed to fs_flush.c with its
 * descriptor.
 */
#include "os/fs_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef HAVE_LINUX_FS_H
#include <linux/fs.h>
#include <sys/ioctl.h>
#endif

static struct fs_file *file_new(struct fs_dir *dir, const char *name, int fd)
{
	struct fs_file *file = calloc(1, sizeof(*file));

	check(file != NULL);
	*file = (struct fs_file){
		.fs = dir->fs,
		.fd = fd,
		.folder = text_copy(dir->path),
		.name = text_copy(name),
	};
	return file;
}

static void os_close(struct fs_file **file)
{
	if (*file == NULL)
		return;
	(void)close((*file)->fd);
	free((*file)->folder);
	free((*file)->name);
	free(*file);
	*file = NULL;
}

static enum fs_result os_create(struct fs_dir *dir, const char *name,
	struct fs_file **file_r, struct err *err)
{
	enum fs_result result = name_ok(dir, name, FS_ACT_CREATE, err);
	int fd;

	if (result != FS_OK)
		return result;
	fd = fs_openat(dir->fs, dir->fd, name,
		O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW);
	if (fd < 0 && errno == EEXIST)
		return FS_EXISTS;
	if (fd < 0)
		return fs_failed(err, FS_ACT_CREATE, dir, name, errno);
	*file_r = file_new(dir, name, fd);
	return FS_OK;
}

/* A descriptor of a regular file, or -1 and errno. */
static int regular_openat(struct fs_dir *dir, const char *name, int access)
{
	int fd = fs_openat(dir->fs, dir->fd, name, access | O_NOFOLLOW);
	struct stat st;
	int error;

	if (fd < 0)
		return -1;
	error = fstat(fd, &st) != 0 ? errno : S_ISREG(st.st_mode) ? 0 : EISDIR;
	if (error == 0)
		return fd;
	(void)close(fd);
	errno = error;
	return -1;
}

static enum fs_result os_open(struct fs_dir *dir, const char *name,
	struct fs_file **file_r, struct err *err)
{
	enum fs_result result = name_ok(dir, name, FS_ACT_READ, err);
	int fd;

	if (result != FS_OK)
		return result;
	fd = regular_openat(dir, name, O_RDONLY);
	if (fd < 0 && errno == ENOENT)
		return FS_ABSENT;
	if (fd < 0)
		return fs_failed(err, FS_ACT_READ, dir, name, errno);
	*file_r = file_new(dir, name, fd);
	return FS_OK;
}

/* Leaves the first `bytes` of a file, to be written behind; an errno or 0. */
static int cut_at(int fd, uint64_t bytes)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return errno;
	if ((uint64_t)st.st_size < bytes)
		return ENOENT;
	if (ftruncate(fd, (off_t)bytes) != 0 || lseek(fd, 0, SEEK_END) < 0)
		return errno;
	return 0;
}

static enum fs_result os_extend(struct fs_dir *dir, const char *name,
	uint64_t bytes, struct fs_file **file_r, struct err *err)
{
	enum fs_result result = name_ok(dir, name, FS_ACT_WRITE, err);
	int error;
	int fd;

	if (result != FS_OK)
		return result;
	fd = regular_openat(dir, name, O_WRONLY);
	error = fd < 0 ? errno : cut_at(fd, bytes);
	if (error == 0) {
		*file_r = file_new(dir, name, fd);
		return FS_OK;
	}
	if (fd >= 0)
		(void)close(fd);
	return error == ENOENT ? FS_ABSENT
			       : fs_failed(err, FS_ACT_WRITE, dir, name, error);
}

static enum fs_result os_write(
	struct fs_file *file, struct str bytes, struct err *err)
{
	while (bytes.len > 0 && file->broken == 0) {
		ssize_t done = write(file->fd, bytes.ptr, bytes.len);

		if (done >= 0)
			bytes = str_sub(bytes, (size_t)done, SIZE_MAX);
		else if (errno != EINTR)
			file->broken = errno;
	}
	if (file->broken != 0)
		return fs_file_failed(err, FS_ACT_WRITE, file, file->broken);
	return FS_OK;
}

static enum fs_result os_read(struct fs_file *file, char *at, size_t room,
	size_t *got_r, struct err *err)
{
	ssize_t got;

	do
		got = read(file->fd, at, room);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return fs_file_failed(err, FS_ACT_READ, file, errno);
	*got_r = (size_t)got;
	return FS_OK;
}

/* Of btrfs, XFS, bcachefs... What keeps the kernel from it is no error here:
 * copying meets it again, if it is one. */
static enum fs_result os_clone(
	struct fs_file *from, struct fs_file *to, struct err *err)
{
	(void)err;
#ifdef FICLONE
	if (to->broken == 0 && ioctl(to->fd, FICLONE, from->fd) == 0)
		return FS_OK;
#else
	(void)from;
	(void)to;
#endif
	return FS_CROSS;
}

static int mtime_set(int fd, int64_t mtime_ns)
{
	struct timespec times[2] = {
		{.tv_nsec = UTIME_OMIT},
		timespec_of(mtime_ns),
	};

	return futimens(fd, times) == 0 ? 0 : errno;
}

static enum fs_result os_finish(
	struct fs_file **file, int64_t mtime_ns, struct err *err)
{
	struct fs_file *ended = *file;

	if (ended->broken == 0)
		ended->broken = mtime_set(ended->fd, mtime_ns);
	if (ended->broken == 0)
		ended->broken = fs_write_back(ended->fd);
	if (ended->broken != 0) {
		(void)fs_file_failed(err, FS_ACT_WRITE, ended, ended->broken);
		os_close(file);
		return FS_FAILED;
	}
	fs_keep(ended->fs,
		(struct kept){ended->fd, ended->folder, ended->name});
	free(ended);
	*file = NULL;
	return FS_OK;
}

static enum fs_result os_set_mtime(
	struct fs_dir *dir, const char *name, int64_t mtime_ns, struct err *err)
{
	enum fs_result result = name_ok(dir, name, FS_ACT_DATE, err);
	int error;
	int fd;

	if (result != FS_OK)
		return result;
	fd = regular_openat(dir, name, O_RDONLY);
	if (fd < 0 && errno == ENOENT)
		return FS_ABSENT;
	error = fd < 0 ? errno : mtime_set(fd, mtime_ns);
	if (error == 0) {
		fs_keep(dir->fs, (struct kept){fd, text_copy(dir->path),
					 text_copy(name)});
		return FS_OK;
	}
	if (fd >= 0)
		(void)close(fd);
	return fs_failed(err, FS_ACT_DATE, dir, name, error);
}

void fs_port_files(struct fs_port *port)
{
	port->create = os_create;
	port->extend = os_extend;
	port->open = os_open;
	port->write = os_write;
	port->read = os_read;
	port->clone = os_clone;
	port->finish = os_finish;
	port->close = os_close;
	port->set_mtime = os_set_mtime;
}
