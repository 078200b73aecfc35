/*
 * How: a finished file is handed to the disk at once (sync_file_range starts
 * its write-back) and kept open until the flush, so that most of the waiting
 * has been done while the rest of the batch came in. Then there are two ways,
 * measured with messages of 43 KB in batches of 256, in microseconds a message
 * and in brackets the longest flush of a batch; ext4 with a journal but where
 * it says btrfs, the disks with a speed simulated:
 *
 *                                    one syncfs()    fsync() for each
 *     memory-backed disk                       90                 170
 *       btrfs                                 190               1,000
 *       ten processes on two cores            360               4,000
 *     400 MB/s, 1 ms a flush                  350                 590
 *       beside a busy writer        1,040 [0.24 s]        930 [0.10 s]
 *     80 MB/s, 8 ms a flush                   910               1,600
 *       beside a busy writer       26,800 [7.1 s]      12,600 [4.1 s]
 *
 * (Without the early start fsync costs 430 where it costs 170.) syncfs() waits
 * once where fsync() waits for every file, but it waits for other programs'
 * data, too. So it is the way unless the system has much to write; then it is
 * fsync(), which has to wait for our own data only. It is fsync() as well on
 * all but a few file systems: on FUSE and on those that lie on another one,
 * syncfs() returns before anything is durable.
 *
 * Folders whose names are to be durable are kept and synced together in the
 * same two ways: fsync() has the journal written, and the disk flushed, for
 * each of them. Of 40 folders on ext4, the disk memory-backed: 4 ms all at
 * once, 31 ms one by one; beside a busy writer 36 and 97.
 *
 * No lost write goes unnoticed either way: fsync() on the descriptor that wrote
 * tells of it; after syncfs(), which tells of all of them since Linux 5.8 only,
 * sync_file_range() on that descriptor does, by waiting for what is written
 * already. Each tells it once, so that an error is kept until the flush.
 *
 * Descriptors are kept for one batch. When there are more, or when the process
 * runs out of them, the kept ones are flushed ahead of time.
 */
#include "os/fs_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if defined(HAVE_SYNCFS) && defined(HAVE_SYNC_FILE_RANGE)

#include <linux/magic.h>
#include <sys/vfs.h>

/* Whether the error says that the call is not known here. */
static bool is_unknown(int error)
{
	return error == ENOSYS || error == EINVAL || error == EOPNOTSUPP;
}

int fs_write_back(int fd)
{
	if (sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE) == 0)
		return 0;
	return is_unknown(errno) ? 0 : errno;
}

/* The value of a line of /proc/meminfo, in KiB; a great one if there is none.
 */
static uint64_t meminfo_kib(struct str text, struct str name)
{
	struct str line;
	struct str word;
	uint64_t kib;

	while (str_split(&text, '\n', &line)) {
		if (!str_starts(line, name))
			continue;
		line = str_sub(line, name.len, SIZE_MAX);
		while (str_split(&line, ' ', &word)) {
			if (str_u64(word, &kib))
				return kib;
		}
	}
	return UINT32_MAX;
}

/* What the system has to write, of all programs, in KiB. */
static uint64_t dirty_kib(void)
{
	char text[4096];
	int fd = open("/proc/meminfo", O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? 0 : read(fd, text, sizeof(text));
	struct str all = {.ptr = text, .len = len < 0 ? 0 : (size_t)len};

	if (fd >= 0)
		(void)close(fd);
	return meminfo_kib(all, STR("Dirty:")) +
	       meminfo_kib(all, STR("Writeback:"));
}

static bool one_sync_will_do(
	const struct os_fs *fs, const struct kept_list *list)
{
	return list->count > 1 && dirty_kib() < fs->dirty_kib_max;
}

/* Makes the whole file system of `fd` durable: an errno or 0; ENOSYS where
 * syncfs() does not promise that much. */
static int sync_whole(int fd)
{
	static const uint32_t trusted[] = {EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC,
		BTRFS_SUPER_MAGIC, F2FS_SUPER_MAGIC, TMPFS_MAGIC};
	struct statfs st;

	if (fstatfs(fd, &st) != 0)
		return errno;
	for (size_t i = 0; i < sizeof(trusted) / sizeof(trusted[0]); i++) {
		if ((uint32_t)st.f_type == trusted[i])
			return syncfs(fd) == 0 ? 0 : errno;
	}
	return ENOSYS;
}

/* Whether what was written through `fd` is lost; an errno or 0. */
static int written_back(int fd)
{
	if (sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WAIT_BEFORE) == 0)
		return 0;
	return is_unknown(errno) ? fs_sync_fd(fd) : errno;
}

#else

int fs_write_back(int fd)
{
	(void)fd;
	return 0;
}

static bool one_sync_will_do(
	const struct os_fs *fs, const struct kept_list *list)
{
	(void)fs;
	(void)list;
	return false;
}

static int sync_whole(int fd)
{
	(void)fd;
	return ENOSYS;
}

static int written_back(int fd)
{
	return fs_sync_fd(fd);
}

#endif

static void kept_end(struct kept *kept)
{
	(void)close(kept->fd);
	free(kept->folder);
	free(kept->name);
}

static void list_forget(struct kept_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		kept_end(&list->items[i]);
	list->count = 0;
}

void fs_forget(struct os_fs *fs)
{
	list_forget(&fs->files);
	list_forget(&fs->dirs);
}

/* Remembers the first loss until the flush. */
static void kept_lost(
	struct kept_list *list, const struct kept *kept, int error)
{
	struct fs_place place = {
		kept->name == NULL ? FS_ACT_NAMES : FS_ACT_FLUSH, kept->folder,
		kept->name};

	if (error == 0 || list->lost)
		return;
	list->lost = true;
	(void)fs_fault_set(
		&list->lost_err, &place, fs_fault_of(error), strerror(error));
}

static void sync_each(struct kept_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		kept_lost(list, &list->items[i], fs_sync_fd(list->items[i].fd));
}

/* The file system that a file was synced on last. */
struct synced {
	bool any;
	dev_t device;
	bool whole; /* all of it was */
};

/* Makes the file durable, with its file system where it can be; an errno or 0.
 */
static int sync_with_others(struct synced *last, int fd)
{
	struct stat st;
	int error = 0;

	if (fstat(fd, &st) != 0)
		return errno;
	if (!last->any || last->device != st.st_dev) {
		error = sync_whole(fd);
		*last = (struct synced){true, st.st_dev, error != ENOSYS};
	}
	return last->whole ? error : fs_sync_fd(fd);
}

static void sync_together(struct kept_list *list)
{
	struct synced last = {0};

	for (size_t i = 0; i < list->count; i++)
		kept_lost(list, &list->items[i],
			sync_with_others(&last, list->items[i].fd));
	for (size_t i = 0; i < list->count; i++)
		kept_lost(
			list, &list->items[i], written_back(list->items[i].fd));
}

static void list_drain(struct os_fs *fs, struct kept_list *list)
{
	if (one_sync_will_do(fs, list))
		sync_together(list);
	else
		sync_each(list);
	list_forget(list);
}

void fs_drain(struct os_fs *fs)
{
	list_drain(fs, &fs->files);
	list_drain(fs, &fs->dirs);
}

static void list_keep(
	struct os_fs *fs, struct kept_list *list, struct kept kept)
{
	if (list->count == KEPT_MAX)
		list_drain(fs, list);
	list->items[list->count++] = kept;
}

void fs_keep(struct os_fs *fs, struct kept file)
{
	list_keep(fs, &fs->files, file);
}

static enum fs_result list_flush(
	struct os_fs *fs, struct kept_list *list, struct err *err)
{
	list_drain(fs, list);
	if (!list->lost)
		return FS_OK;
	*err = list->lost_err;
	list->lost = false;
	return FS_FAILED;
}

static enum fs_result os_flush(void *ctx, struct err *err)
{
	struct os_fs *fs = ctx;

	return list_flush(fs, &fs->files, err);
}

static int folder_again(const struct fs_dir *dir)
{
	return fcntl(dir->fd, F_DUPFD_CLOEXEC, 0);
}

static enum fs_result os_dir_sync_later(struct fs_dir *dir, struct err *err)
{
	int fd = folder_again(dir);

	if (fd < 0 && (errno == EMFILE || errno == ENFILE)) {
		fs_drain(dir->fs);
		fd = folder_again(dir);
	}
	if (fd < 0)
		return fs_failed(err, FS_ACT_NAMES, dir, NULL, errno);
	list_keep(dir->fs, &dir->fs->dirs,
		(struct kept){.fd = fd, .folder = text_copy(dir->path)});
	return FS_OK;
}

static enum fs_result os_dirs_sync(void *ctx, struct err *err)
{
	struct os_fs *fs = ctx;

	return list_flush(fs, &fs->dirs, err);
}

void fs_port_flush(struct fs_port *port)
{
	port->flush = os_flush;
	port->dir_sync_later = os_dir_sync_later;
	port->dirs_sync = os_dirs_sync;
}
