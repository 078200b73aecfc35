/*
 * A scratch folder on a real disk, and the means to make that disk misbehave.
 *
 * For tests of what lives on a disk: a folder below $TMPDIR that goes away with
 * the test, small file systems of its own, and system calls that fail. What the
 * machine does not allow returns false, and the test says SKIP and why.
 */
#ifndef GODWIT_T_LIB_SCRATCH_H
#define GODWIT_T_LIB_SCRATCH_H

#include "fs_suite.h"

#include <stdbool.h>

struct scratch {
	char path[256];
	bool is_root; /* may drop to another user */
};

/* Makes the folder; another user than root may use it, too. */
void scratch_open(struct scratch *scratch);
void scratch_close(struct scratch *scratch);

/* The path of `name` in it, until the next call but three. */
const char *scratch_path(const struct scratch *scratch, const char *name);

/* Makes a folder in it and fills the suite's members but label and port. */
void scratch_suite(const struct scratch *scratch, const char *name,
	struct fs_suite *suite);

/* From now on without root's rights, where it had them; and back. */
void scratch_drop(const struct scratch *scratch);
void scratch_undrop(const struct scratch *scratch);

/* Mounts a file system of memory ("tmpfs", "ramfs") on a new folder `name` in
 * it, seen by this process alone: `options` as of mount(8), say "size=1m". */
bool scratch_mount(const struct scratch *scratch, const char *name,
	const char *type, const char *options);
bool scratch_remount_read_only(const struct scratch *scratch, const char *name);

/* From now on, for good, the system call fails with `error` when its first
 * argument is a descriptor from `fd_min` to `fd_max`. */
bool scratch_break(int number, int fd_min, int fd_max, int error);

#endif
