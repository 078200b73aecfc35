/*
 * The real file system's inside, for its own files.
 *
 * fs.c has the folders, fs_file.c the files, fs_flush.c the flushes, fs_name.c
 * the names, fs_stat.c sizes and dates, fs_case.c letter case, fs_errno.c
 * errors. Each call that takes a name begins with name_ok().
 */
#ifndef GODWIT_OS_FS_PRIVATE_H
#define GODWIT_OS_FS_PRIVATE_H

#include "godwit/engine/ports/fs_fault.h"
#include "godwit/os/fs.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

enum {
	/* Files, and folders, kept open until they are flushed: a batch's
	 * worth. */
	KEPT_MAX = 256,

	/* What the system may have to write before it counts as busy: our own
	 * batch, and as much again and more of others. Even a slow disk has
	 * written it in a second or two. */
	DIRTY_KIB_MAX = 128 << 10,

	DIR_FLAGS = O_RDONLY | O_DIRECTORY,
};

struct kept {
	int fd;
	char *folder;
	char *name; /* NULL: it is the folder itself */
};

struct kept_list {
	struct kept items[KEPT_MAX];
	size_t count;
	bool lost; /* one flushed ahead of the flush failed: lost_err */
	struct err lost_err;
};

struct os_fs {
	struct fs_port port;
	struct kept_list files; /* for flush */
	struct kept_list dirs;  /* for dirs_sync */
	uint64_t dirty_kib_max; /* DIRTY_KIB_MAX but in tests */
	bool device_known;      /* what was asked last about a file system */
	dev_t device;
	bool counts_folders; /* it does, in its links */
};

struct fs_dir {
	struct os_fs *fs;
	int fd;
	DIR *stream; /* once it is read; owns fd then */
	char *path;
};

struct fs_file {
	struct os_fs *fs;
	int fd;
	int broken; /* errno of the first write that failed */
	char *folder;
	char *name;
};

/* Says what errno `error` means at the place. Returns FS_FAILED. */
enum fs_result fs_failed(struct err *err, enum fs_act act,
	const struct fs_dir *dir, const char *name, int error);
enum fs_result fs_file_failed(struct err *err, enum fs_act act,
	const struct fs_file *file, int error);

/* The fault that `error` stands for. */
enum fs_fault fs_fault_of(int error);

/* FS_OK, or FS_FAILED and err for what is not one component. */
enum fs_result name_ok(const struct fs_dir *dir, const char *name,
	enum fs_act act, struct err *err);

/* openat() with the flags that every file gets; when descriptors run out,
 * those that are kept are flushed and closed, and it is tried again. */
int fs_openat(struct os_fs *fs, int at, const char *name, int flags);

/* fsync(), where a folder that knows none counts as synced. */
int fs_sync_fd(int fd);

struct timespec timespec_of(int64_t ns);
char *text_copy(const char *text);

/* The next entry but "." and ".."; NULL at the end, and on errors with errno
 * set. */
struct dirent *fs_entry_next(DIR *stream);

/* The other files' parts of the port. */
void fs_port_case(struct fs_port *port);
void fs_port_files(struct fs_port *port);
void fs_port_flush(struct fs_port *port);
void fs_port_names(struct fs_port *port);
void fs_port_stat(struct fs_port *port);

/* Hands what was written to the disk, without waiting; an errno or 0. */
int fs_write_back(int fd);

/* Hands an open file to the next flush; takes over all its members. */
void fs_keep(struct os_fs *fs, struct kept file);

/* Flushes and closes all that is kept open; a loss is told by the next flush,
 * or dirs_sync. */
void fs_drain(struct os_fs *fs);

/* Closes it without flushing. */
void fs_forget(struct os_fs *fs);

#endif
