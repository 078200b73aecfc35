/*
 * How: a folder is a descriptor and, for messages, its path. It is opened
 * O_RDONLY | O_DIRECTORY | O_NOFOLLOW below its parent's descriptor; when that
 * fails with ENOTDIR or ELOOP, fstatat() tells whether a link or a file stands
 * in the way. Reading turns the descriptor into a DIR stream, so that a folder
 * never costs more than one.
 */
#include "godwit/os/fs.h"

#include "os/fs_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	DIR_MODE = 0700,
	FILE_MODE = 0600,
};

char *text_copy(const char *text)
{
	char *copy = strdup(text);

	check(copy != NULL);
	return copy;
}

int fs_openat(struct os_fs *fs, int at, const char *name, int flags)
{
	int fd;

	flags |= O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
	fd = openat(at, name, flags, FILE_MODE);
	if (fd < 0 && (errno == EMFILE || errno == ENFILE) &&
		fs->files.count + fs->dirs.count > 0) {
		fs_drain(fs);
		fd = openat(at, name, flags, FILE_MODE);
	}
	return fd;
}

int fs_sync_fd(int fd)
{
	int error = 0;

#ifdef F_FULLFSYNC /* where fsync() stops at the drive's cache */
	if (fcntl(fd, F_FULLFSYNC) == 0)
		return 0;
#endif
	if (fsync(fd) != 0)
		error = errno;
	return error == EINVAL ? 0 : error;
}

/* The folder `path`, or `name` in it. */
static struct fs_dir *dir_new(
	struct os_fs *fs, int fd, const char *path, const char *name)
{
	struct fs_dir *dir = calloc(1, sizeof(*dir));
	struct buf joined = {0};

	check(dir != NULL);
	buf_addz(&joined, path);
	if (name != NULL && !str_ends(buf_str(&joined), STR("/")))
		buf_addc(&joined, '/');
	if (name != NULL)
		buf_addz(&joined, name);
	*dir = (struct fs_dir){
		.fs = fs, .fd = fd, .path = text_copy(buf_z(&joined))};
	buf_clear(&joined);
	return dir;
}

static void os_dir_close(struct fs_dir **dir)
{
	if (*dir == NULL)
		return;
	if ((*dir)->stream != NULL)
		(void)closedir((*dir)->stream);
	else
		(void)close((*dir)->fd);
	free((*dir)->path);
	free(*dir);
	*dir = NULL;
}

/* Makes the name of what was just made at `path` durable. */
static int parent_sync(struct os_fs *fs, const char *path)
{
	const char *slash = strrchr(path, '/');
	char *parent = slash == NULL ? text_copy(".") : text_copy(path);
	int error = 0;
	int fd;

	if (slash != NULL)
		parent[slash == path ? 1 : slash - path] = '\0';
	fd = fs_openat(fs, AT_FDCWD, parent, DIR_FLAGS);
	free(parent);
	if (fd < 0)
		return errno;
	error = fs_sync_fd(fd);
	(void)close(fd);
	return error;
}

static int folder_make(struct os_fs *fs, const char *path)
{
	if (mkdir(path, DIR_MODE) == 0)
		return parent_sync(fs, path);
	return errno == EEXIST ? 0 : errno;
}

/* Makes each folder along the path that is not there; an errno or 0. */
static int path_make(struct os_fs *fs, const char *path)
{
	char *prefix = text_copy(path);
	int error = 0;

	for (char *at = prefix; *at != '\0' && error == 0; at++) {
		if (*at != '/' || at == prefix)
			continue;
		*at = '\0';
		error = folder_make(fs, prefix);
		*at = '/';
	}
	if (error == 0)
		error = folder_make(fs, prefix);
	free(prefix);
	return error;
}

static enum fs_result os_root_open(void *ctx, const char *path, bool create,
	struct fs_dir **dir_r, struct err *err)
{
	struct os_fs *fs = ctx;
	struct fs_place place = {FS_ACT_ROOT, path, NULL};
	int fd = fs_openat(fs, AT_FDCWD, path, DIR_FLAGS);
	int error = fd < 0 ? errno : 0;

	if (error == ENOENT && !create)
		return FS_ABSENT;
	if (error == ENOENT) {
		error = path_make(fs, path);
		if (error == 0) {
			fd = fs_openat(fs, AT_FDCWD, path, DIR_FLAGS);
			error = fd < 0 ? errno : 0;
		}
	}
	if (error != 0)
		return fs_fault_set(
			err, &place, fs_fault_of(error), strerror(error));
	*dir_r = dir_new(fs, fd, path, NULL);
	return FS_OK;
}

static int folder_openat(struct fs_dir *parent, const char *name)
{
	return fs_openat(parent->fs, parent->fd, name, DIR_FLAGS | O_NOFOLLOW);
}

/* O_DIRECTORY | O_NOFOLLOW says ENOTDIR of a link, too. */
static int obstacle(const struct fs_dir *parent, const char *name, int error)
{
	struct stat st;

	if (error == ENOTDIR &&
		fstatat(parent->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		S_ISLNK(st.st_mode))
		return ELOOP;
	return error;
}

static enum fs_result folder_make_open(
	struct fs_dir *parent, const char *name, int *fd_r, struct err *err)
{
	if (mkdirat(parent->fd, name, DIR_MODE) != 0 && errno != EEXIST)
		return fs_failed(err, FS_ACT_CREATE, parent, name, errno);
	*fd_r = folder_openat(parent, name);
	if (*fd_r < 0)
		return fs_failed(err, FS_ACT_FOLDER, parent, name,
			obstacle(parent, name, errno));
	return FS_OK;
}

static enum fs_result os_dir_open(struct fs_dir *parent, const char *name,
	bool create, struct fs_dir **dir_r, struct err *err)
{
	enum fs_result result = name_ok(parent, name, FS_ACT_FOLDER, err);
	int fd;

	if (result != FS_OK)
		return result;
	fd = folder_openat(parent, name);
	if (fd < 0 && errno == ENOENT) {
		if (!create)
			return FS_ABSENT;
		result = folder_make_open(parent, name, &fd, err);
	} else if (fd < 0) {
		result = fs_failed(err, FS_ACT_FOLDER, parent, name,
			obstacle(parent, name, errno));
	}
	if (result == FS_OK)
		*dir_r = dir_new(parent->fs, fd, parent->path, name);
	return result;
}

static enum fs_result os_dir_rewind(struct fs_dir *dir, struct err *err)
{
	if (dir->stream == NULL)
		dir->stream = fdopendir(dir->fd);
	if (dir->stream == NULL)
		return fs_failed(err, FS_ACT_LIST, dir, NULL, errno);
	rewinddir(dir->stream);
	return FS_OK;
}

static enum fs_type type_of_entry(const struct dirent *entry)
{
	switch (entry->d_type) {
	case DT_REG:
		return FS_FILE;
	case DT_DIR:
		return FS_DIR;
	case DT_LNK:
		return FS_LINK;
	case DT_UNKNOWN:
		return FS_UNKNOWN;
	default:
		return FS_OTHER;
	}
}

struct dirent *fs_entry_next(DIR *stream)
{
	struct dirent *entry;

	do {
		errno = 0;
		/* A stream is one thread's own. NOLINTNEXTLINE */
		entry = readdir(stream);
	} while (entry != NULL && (strcmp(entry->d_name, ".") == 0 ||
					  strcmp(entry->d_name, "..") == 0));
	return entry;
}

static enum fs_result os_dir_next(struct fs_dir *dir, const char **name_r,
	enum fs_type *type_r, struct err *err)
{
	struct dirent *entry;

	check(dir->stream != NULL);
	entry = fs_entry_next(dir->stream);
	if (entry == NULL && errno != 0)
		return fs_failed(err, FS_ACT_LIST, dir, NULL, errno);
	if (entry == NULL)
		return FS_ABSENT;
	*name_r = entry->d_name;
	*type_r = type_of_entry(entry);
	return FS_OK;
}

static enum fs_result os_dir_sync(struct fs_dir *dir, struct err *err)
{
	int error = fs_sync_fd(dir->fd);

	if (error != 0)
		return fs_failed(err, FS_ACT_NAMES, dir, NULL, error);
	return FS_OK;
}

struct os_fs *os_fs_new(void)
{
	struct os_fs *fs = calloc(1, sizeof(*fs));

	check(fs != NULL);
	fs->dirty_kib_max = DIRTY_KIB_MAX;
	fs->port = (struct fs_port){
		.ctx = fs,
		.root_open = os_root_open,
		.dir_open = os_dir_open,
		.dir_close = os_dir_close,
		.dir_rewind = os_dir_rewind,
		.dir_next = os_dir_next,
		.dir_sync = os_dir_sync,
	};
	fs_port_case(&fs->port);
	fs_port_files(&fs->port);
	fs_port_flush(&fs->port);
	fs_port_names(&fs->port);
	fs_port_stat(&fs->port);
	return fs;
}

const struct fs_port *os_fs_port(struct os_fs *fs)
{
	return &fs->port;
}

void os_fs_free(struct os_fs **fs)
{
	if (*fs == NULL)
		return;
	fs_forget(*fs);
	free(*fs);
	*fs = NULL;
}
