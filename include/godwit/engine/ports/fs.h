/*
 * Port: the file system below one root folder.
 *
 * Just what Maildirs need. Everything is named by an open directory and one
 * component, never by a path: no component may hold '/' or be "." or "..", and
 * none is followed when it is a symbolic link, so that nothing can be reached
 * outside the root. What is written is durable only after flush (contents) and
 * dir_sync or dirs_sync (names); the crash tests' file system loses everything
 * else.
 */
#ifndef GODWIT_ENGINE_PORTS_FS_H
#define GODWIT_ENGINE_PORTS_FS_H

#include "godwit/base/bytes.h"
#include "godwit/base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct fs_dir;  /* the implementation's own */
struct fs_file; /* likewise */

enum fs_type {
	FS_FILE,
	FS_DIR,
	FS_LINK,
	FS_OTHER,
	FS_UNKNOWN, /* only from dir_next: stat tells */
};

struct fs_stat {
	enum fs_type type;
	uint64_t device;
	uint64_t inode;
	uint64_t bytes;
	int64_t mtime_ns; /* since 1970 */
	int64_t ctime_ns;
};

/* What a call found, where "not there" is an answer and no error. */
enum fs_result {
	FS_OK,
	FS_ABSENT, /* no such name (ENOENT; ELOOP and ENOTDIR are errors) */
	FS_EXISTS, /* the name is taken */
	FS_CROSS,  /* link, rename, replace: two file systems, copy instead */
	FS_FAILED, /* err is set: ERR_DISK, with the path and what to do; its
		      scope is the smallest that is lost (fs_fault.h) */
};

struct fs_port {
	void *ctx;

	/* Opens the folder `path` as a root (the one call that takes a path
	 * and follows links); `create` makes it, 0700, parents included, and
	 * what it made is durable. */
	enum fs_result (*root_open)(void *ctx, const char *path, bool create,
		struct fs_dir **dir_r, struct err *err);

	/* Opens a folder within; with `create` makes it (0700) if absent,
	 * durable after dir_sync of `parent`. */
	enum fs_result (*dir_open)(struct fs_dir *parent, const char *name,
		bool create, struct fs_dir **dir_r, struct err *err);
	void (*dir_close)(struct fs_dir **dir);

	/* Starts reading the names from the front, afresh; comes before the
	 * first dir_next. Names made, moved or removed from then on may be
	 * seen or not; one that is renamed, also twice or never. */
	enum fs_result (*dir_rewind)(struct fs_dir *dir, struct err *err);

	/* The next name but "." and "..", borrowed until the next call;
	 * FS_ABSENT after the last. */
	enum fs_result (*dir_next)(struct fs_dir *dir, const char **name_r,
		enum fs_type *type_r, struct err *err);

	/* Of the folder itself. */
	enum fs_result (*dir_stat)(
		struct fs_dir *dir, struct fs_stat *stat_r, struct err *err);

	/* How many folders are in it, where the file system tells that without
	 * its being read; else -1. */
	int64_t (*dir_folders)(struct fs_dir *dir);

	/* Whether names may be made in the folder: FS_FAILED says why not.
	 * Changes nothing. */
	enum fs_result (*dir_writable)(struct fs_dir *dir, struct err *err);

	/* The least mtime and ctime that the folder gets by a change from now
	 * on: its stamps are final only if they are below. Nanoseconds since
	 * 1970; where its clock need not be ours, well in the past. */
	int64_t (*next_stamp)(struct fs_dir *dir);

	/* When the folder was made, by the clock of its stamps, in nanoseconds
	 * since 1970; INT64_MAX where nobody can tell. */
	int64_t (*dir_born)(struct fs_dir *dir);

	/* Makes the names in the folder durable. */
	enum fs_result (*dir_sync)(struct fs_dir *dir, struct err *err);

	/* Hands the names that are in the folder by now to the next dirs_sync;
	 * it may be closed before. */
	enum fs_result (*dir_sync_later)(struct fs_dir *dir, struct err *err);

	/* Makes the names in all folders that were handed over since the last
	 * time durable, which costs little more than one. After FS_FAILED none
	 * may be: none is tried again. */
	enum fs_result (*dirs_sync)(void *ctx, struct err *err);

	/* Of what `name` is, links not followed. */
	enum fs_result (*stat)(struct fs_dir *dir, const char *name,
		struct fs_stat *stat_r, struct err *err);

	/* Makes a new file (0600) to write; FS_EXISTS if the name is taken. */
	enum fs_result (*create)(struct fs_dir *dir, const char *name,
		struct fs_file **file_r, struct err *err);

	/* Opens a regular file to write on behind its first `bytes`; what was
	 * there is cut off, what was durable of them stays so. FS_ABSENT also
	 * if it is shorter. */
	enum fs_result (*extend)(struct fs_dir *dir, const char *name,
		uint64_t bytes, struct fs_file **file_r, struct err *err);

	/* Opens a regular file to read; never blocks on FIFOs. */
	enum fs_result (*open)(struct fs_dir *dir, const char *name,
		struct fs_file **file_r, struct err *err);

	/* Writes all of `bytes` at the end. After FS_FAILED the file takes no
	 * more: close and unlink it. */
	enum fs_result (*write)(
		struct fs_file *file, struct str bytes, struct err *err);

	/* Reads on from where the last read ended; *got_r 0 at the end. */
	enum fs_result (*read)(struct fs_file *file, char *at, size_t room,
		size_t *got_r, struct err *err);

	/* Makes a new file, of which nothing is written yet, hold what a file
	 * that was opened to read holds, by sharing its blocks: either may then
	 * be changed, and the other stays as it is. FS_CROSS where the file
	 * system cannot do that: nothing is written, copy instead. */
	enum fs_result (*clone)(
		struct fs_file *from, struct fs_file *to, struct err *err);

	/* Ends a file that was written: sets its mtime, and hands it to the
	 * next flush. FS_FAILED also when earlier writes turn out lost. *file
	 * becomes NULL in any case. */
	enum fs_result (*finish)(
		struct fs_file **file, int64_t mtime_ns, struct err *err);

	/* Closes without a promise: for files read, or given up (whose name
	 * stays until it is unlinked). *file becomes NULL. */
	void (*close)(struct fs_file **file);

	/* Makes the contents and mtimes of all files finished since the last
	 * flush durable. After FS_FAILED any of them may be lost: none is
	 * tried again, and the caller has to write them anew. */
	enum fs_result (*flush)(void *ctx, struct err *err);

	/* Atomic; FS_EXISTS rather than replace, FS_ABSENT if `from` is gone.
	 * Until both folders are synced, a crash leaves the old name, the new
	 * one or both, never neither. */
	enum fs_result (*rename)(struct fs_dir *from_dir, const char *from,
		struct fs_dir *to_dir, const char *to, struct err *err);

	/* As rename, but replaces `to`. */
	enum fs_result (*replace)(struct fs_dir *from_dir, const char *from,
		struct fs_dir *to_dir, const char *to, struct err *err);

	enum fs_result (*link)(struct fs_dir *from_dir, const char *from,
		struct fs_dir *to_dir, const char *to, struct err *err);
	enum fs_result (*unlink)(
		struct fs_dir *dir, const char *name, struct err *err);

	/* Removes an empty folder; FS_EXISTS if something is in it. */
	enum fs_result (*rmdir)(
		struct fs_dir *dir, const char *name, struct err *err);

	/* Sets a regular file's mtime; durable after the next flush. */
	enum fs_result (*set_mtime)(struct fs_dir *dir, const char *name,
		int64_t mtime_ns, struct err *err);

	/* Whether names that differ only in letter case are one. Where no name
	 * in `dir` tells, a probe is made there and removed, if it `may_write`;
	 * else FS_ABSENT. */
	enum fs_result (*folds_case)(struct fs_dir *dir, bool may_write,
		bool *folds_r, struct err *err);
};

#endif
