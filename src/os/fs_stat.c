/*
 * How: fstat() and fstatat() without following; stamps become nanoseconds in
 * an int64_t, which holds the years 1678 to 2262, and stop at its ends.
 * A kernel stamps by a clock that moves in ticks of some milliseconds, and that
 * clock can be read.
 */
#include "os/fs_private.h"

#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/vfs.h>
#endif

enum {
	NSEC = 1000000000,
	SKEW_S = 10, /* of clocks that are not ours, and their grain */
};

static enum fs_type type_of_mode(mode_t mode)
{
	if (S_ISREG(mode))
		return FS_FILE;
	if (S_ISDIR(mode))
		return FS_DIR;
	if (S_ISLNK(mode))
		return FS_LINK;
	return FS_OTHER;
}

/* Stamps that no int64_t holds become the nearest that it does. */
static int64_t ns_of(struct timespec t)
{
	int64_t ns;

	if (__builtin_mul_overflow((int64_t)t.tv_sec, (int64_t)NSEC, &ns) ||
		__builtin_add_overflow(ns, (int64_t)t.tv_nsec, &ns))
		return t.tv_sec < 0 ? INT64_MIN : INT64_MAX;
	return ns;
}

struct timespec timespec_of(int64_t ns)
{
	int64_t seconds = ns / NSEC - (ns % NSEC < 0 ? 1 : 0);

	return (struct timespec){
		.tv_sec = (time_t)seconds,
		.tv_nsec = (long)(ns - seconds * NSEC),
	};
}

static struct fs_stat stat_of(const struct stat *st)
{
	return (struct fs_stat){
		.type = type_of_mode(st->st_mode),
		.device = (uint64_t)st->st_dev,
		.inode = (uint64_t)st->st_ino,
		.bytes = (uint64_t)st->st_size,
		.mtime_ns = ns_of(st->st_mtim),
		.ctime_ns = ns_of(st->st_ctim),
	};
}

static enum fs_result os_dir_stat(
	struct fs_dir *dir, struct fs_stat *stat_r, struct err *err)
{
	struct stat st;

	if (fstat(dir->fd, &st) != 0)
		return fs_failed(err, FS_ACT_LIST, dir, NULL, errno);
	*stat_r = stat_of(&st);
	return FS_OK;
}

static enum fs_result os_stat(struct fs_dir *dir, const char *name,
	struct fs_stat *stat_r, struct err *err)
{
	enum fs_result result = name_ok(dir, name, FS_ACT_LOOK, err);
	struct stat st;

	if (result != FS_OK)
		return result;
	if (fstatat(dir->fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
		if (errno == ENOENT)
			return FS_ABSENT;
		return fs_failed(err, FS_ACT_LOOK, dir, name, errno);
	}
	*stat_r = stat_of(&st);
	return FS_OK;
}

static enum fs_result os_dir_writable(struct fs_dir *dir, struct err *err)
{
	if (faccessat(dir->fd, ".", W_OK | X_OK, 0) != 0)
		return fs_failed(err, FS_ACT_CREATE, dir, NULL, errno);
	return FS_OK;
}

#ifdef __linux__
static bool is_of_kind(int fd, const unsigned long *kinds, size_t count)
{
	struct statfs st;

	if (fstatfs(fd, &st) != 0)
		return false;
	for (size_t i = 0; i < count; i++) {
		if ((unsigned long)st.f_type == kinds[i])
			return true;
	}
	return false;
}
#endif

/* Whether the kernel stamps what is in the file system itself, by its coarse
 * clock: those of the network and of other programs have clocks of their own.
 */
static bool is_stamped_here(int fd)
{
#if defined(__linux__) && defined(CLOCK_REALTIME_COARSE)
	static const unsigned long kinds[] = {
		0xEF53,     /* ext2, ext3, ext4 */
		0x58465342, /* XFS */
		0x9123683E, /* Btrfs */
		0x01021994, /* tmpfs */
		0xF2F52010, /* F2FS */
		0xCA451A4E, /* bcachefs */
		0x794C7630, /* overlayfs */
	};

	return is_of_kind(fd, kinds, sizeof(kinds) / sizeof(kinds[0]));
#else
	(void)fd;
	return false;
#endif
}

static int64_t os_next_stamp(struct fs_dir *dir)
{
	struct timespec now;

#ifdef CLOCK_REALTIME_COARSE
	if (is_stamped_here(dir->fd) &&
		clock_gettime(CLOCK_REALTIME_COARSE, &now) == 0)
		return ns_of(now);
#endif
	check(clock_gettime(CLOCK_REALTIME, &now) == 0);
	now.tv_sec -= SKEW_S;
	return ns_of(now);
}

static int64_t os_dir_born(struct fs_dir *dir)
{
	int64_t ns = 0;

#if defined(HAVE_STATX) && defined(STATX_BTIME)
	struct statx st;

	if (statx(dir->fd, "", AT_EMPTY_PATH, STATX_BTIME, &st) == 0 &&
		(st.stx_mask & STATX_BTIME) != 0)
		ns = ns_of(
			(struct timespec){.tv_sec = (time_t)st.stx_btime.tv_sec,
				.tv_nsec = (long)st.stx_btime.tv_nsec});
#elif defined(HAVE_STRUCT_STAT_ST_BIRTHTIMESPEC)
	struct stat st;

	if (fstat(dir->fd, &st) == 0)
		ns = ns_of(st.st_birthtimespec);
#else
	(void)dir;
#endif
	return ns > 0 ? ns : INT64_MAX;
}

/* Whether a folder has two links, and one for each folder in it: those of Btrfs
 * have one, and other programs' any number. */
static bool counts_folders(int fd)
{
#ifdef __linux__
	static const unsigned long kinds[] = {
		0xEF53,     /* ext2, ext3, ext4 (one link: too many to count) */
		0x58465342, /* XFS */
		0x01021994, /* tmpfs */
		0xF2F52010, /* F2FS */
	};

	return is_of_kind(fd, kinds, sizeof(kinds) / sizeof(kinds[0]));
#else
	(void)fd;
	return false;
#endif
}

static int64_t os_dir_folders(struct fs_dir *dir)
{
	struct os_fs *fs = dir->fs;
	struct stat st;

	if (fstat(dir->fd, &st) != 0 || st.st_nlink < 2)
		return -1;
	if (!fs->device_known || fs->device != st.st_dev)
		fs->counts_folders = counts_folders(dir->fd);
	fs->device_known = true;
	fs->device = st.st_dev;
	return fs->counts_folders ? (int64_t)st.st_nlink - 2 : -1;
}

void fs_port_stat(struct fs_port *port)
{
	port->next_stamp = os_next_stamp;
	port->dir_writable = os_dir_writable;
	port->dir_folders = os_dir_folders;
	port->dir_stat = os_dir_stat;
	port->dir_born = os_dir_born;
	port->stat = os_stat;
}
