/*
 * How: whether a folder folds letter case is asked without writing where it
 * can be: the first entry with a letter is looked up with its letters' case
 * swapped, and folds if that finds the same inode. Only a folder without such
 * an entry gets a probe file for a moment.
 */
#include "os/fs_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* Swaps the case of the ASCII letters; false if there are none. */
static bool case_swap(char *name)
{
	bool swapped = false;

	for (char *c = name; *c != '\0'; c++) {
		if ((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z')) {
			*c ^= 0x20;
			swapped = true;
		}
	}
	return swapped;
}

/* Whether `swapped` is another way to write `name`: 1, 0 or -1 and errno. */
static int same_file(int at, const char *name, const char *swapped)
{
	struct stat a;
	struct stat b;

	if (fstatat(at, name, &a, AT_SYMLINK_NOFOLLOW) != 0)
		return -1;
	if (fstatat(at, swapped, &b, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT ? 0 : -1;
	return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* same_file() of the first entry with a letter; -1 and errno ENOENT if no
 * entry tells. */
static int entries_fold(DIR *stream)
{
	struct dirent *entry;

	while ((entry = fs_entry_next(stream)) != NULL) {
		char *swapped = text_copy(entry->d_name);
		int folds = -1;

		errno = ENOENT;
		if (case_swap(swapped))
			folds = same_file(
				dirfd(stream), entry->d_name, swapped);
		free(swapped);
		if (folds >= 0 || errno != ENOENT)
			return folds;
	}
	if (errno == 0)
		errno = ENOENT;
	return -1;
}

static int probe_folds(const struct fs_dir *dir)
{
	char name[] = ".godwit-case-probe";
	char swapped[] = ".godwit-case-probe";
	int folds;
	int fd = fs_openat(
		dir->fs, dir->fd, name, O_CREAT | O_WRONLY | O_NOFOLLOW);

	if (fd < 0)
		return -1;
	(void)close(fd);
	(void)case_swap(swapped);
	folds = same_file(dir->fd, name, swapped);
	if (unlinkat(dir->fd, name, 0) != 0)
		return -1;
	return folds;
}

static enum fs_result os_folds_case(
	struct fs_dir *dir, bool may_write, bool *folds_r, struct err *err)
{
	int fd = fs_openat(dir->fs, dir->fd, ".", DIR_FLAGS);
	DIR *stream = fd < 0 ? NULL : fdopendir(fd);
	int folds = stream == NULL ? -1 : entries_fold(stream);
	bool untold = stream != NULL && folds < 0 && errno == ENOENT;
	enum fs_result result = FS_OK;

	if (untold && may_write)
		folds = probe_folds(dir);
	if (untold && !may_write)
		result = FS_ABSENT;
	else if (folds < 0)
		result = fs_failed(err, FS_ACT_LIST, dir, NULL, errno);
	if (stream != NULL)
		(void)closedir(stream);
	*folds_r = folds > 0;
	return result;
}

void fs_port_case(struct fs_port *port)
{
	port->folds_case = os_folds_case;
}
