/*
 * How: mounts in a mount namespace of the process (as another user than root,
 * in a user namespace too), broken calls by a seccomp filter each.
 */
#include "scratch.h"

#include "godwit/base/err.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	NOBODY = 65534,
};

void scratch_open(struct scratch *scratch)
{
	const char *base = getenv("TMPDIR");

	*scratch = (struct scratch){.is_root = geteuid() == 0};
	check(snprintf(scratch->path, sizeof(scratch->path), "%s/godwit-XXXXXX",
		      base == NULL ? "/tmp" : base) <
		(int)sizeof(scratch->path));
	check(mkdtemp(scratch->path) != NULL);
	if (scratch->is_root)
		check(chown(scratch->path, NOBODY, NOBODY) == 0);
}

static int remove_one(
	const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	(void)chmod(path, 0700);
	(void)umount2(path, MNT_DETACH);
	(void)remove(path);
	return 0;
}

static int open_one(
	const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)ftw;
	if (type == FTW_DNR)
		(void)chmod(path, 0700);
	return 0;
}

void scratch_close(struct scratch *scratch)
{
	(void)nftw(scratch->path, open_one, 16, FTW_PHYS);
	(void)nftw(scratch->path, remove_one, 16, FTW_PHYS | FTW_DEPTH);
	scratch->path[0] = '\0';
}

const char *scratch_path(const struct scratch *scratch, const char *name)
{
	static char paths[4][1024];
	static unsigned turn;
	char *path = paths[turn++ % 4];

	check(snprintf(path, sizeof(paths[0]), "%s/%s", scratch->path, name) <
		(int)sizeof(paths[0]));
	return path;
}

static void plant_link(void *ctx, const char *path, const char *target)
{
	(void)ctx;
	check(symlink(target, path) == 0);
}

static void plant_fifo(void *ctx, const char *path)
{
	(void)ctx;
	check(mkfifo(path, 0600) == 0);
}

static bool deny(void *ctx, const char *path)
{
	int fd;

	(void)ctx;
	check(chmod(path, 0) == 0);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		(void)close(fd);
	return fd < 0;
}

void scratch_suite(
	const struct scratch *scratch, const char *name, struct fs_suite *suite)
{
	suite->root = scratch_path(scratch, name);
	suite->plant_link = plant_link;
	suite->plant_fifo = plant_fifo;
	suite->deny = deny;
	check(mkdir(suite->root, 0700) == 0);
}

void scratch_drop(const struct scratch *scratch)
{
	if (scratch->is_root)
		check(seteuid(NOBODY) == 0);
}

void scratch_undrop(const struct scratch *scratch)
{
	if (scratch->is_root)
		check(seteuid(0) == 0);
}

static bool file_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool written = fd >= 0 &&
		       write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		(void)close(fd);
	return written;
}

/* A user namespace in which we are who we were, and may mount. */
static bool user_enter(void)
{
	unsigned user = (unsigned)geteuid();
	unsigned group = (unsigned)getegid();
	char users[64];
	char groups[64];

	if (unshare(CLONE_NEWUSER) != 0)
		return false;
	(void)snprintf(users, sizeof(users), "%u %u 1", user, user);
	(void)snprintf(groups, sizeof(groups), "%u %u 1", group, group);
	return file_write("/proc/self/setgroups", "deny") &&
	       file_write("/proc/self/uid_map", users) &&
	       file_write("/proc/self/gid_map", groups);
}

/* A mount namespace of our own, once. */
static bool namespace_enter(const struct scratch *scratch)
{
	static enum {
		UNTRIED,
		DONE,
		REFUSED
	} state;

	if (state == UNTRIED)
		state = (scratch->is_root || user_enter()) &&
					unshare(CLONE_NEWNS) == 0 &&
					mount("none", "/", "none",
						MS_REC | MS_PRIVATE, NULL) == 0
				? DONE
				: REFUSED;
	return state == DONE;
}

bool scratch_mount(const struct scratch *scratch, const char *name,
	const char *type, const char *options)
{
	const char *path = scratch_path(scratch, name);
	bool mounted;

	if (!namespace_enter(scratch))
		return false;
	check(mkdir(path, 0700) == 0);
	mounted =
		mount("godwit", path, type, MS_NOSUID | MS_NODEV, options) == 0;
	if (mounted && scratch->is_root)
		check(chown(path, NOBODY, NOBODY) == 0);
	return mounted;
}

bool scratch_remount_read_only(const struct scratch *scratch, const char *name)
{
	return mount("none", scratch_path(scratch, name), "none",
		       MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV,
		       NULL) == 0;
}

bool scratch_break(int number, int fd_min, int fd_max, int error)
{
	const unsigned nr_at = offsetof(struct seccomp_data, nr);
	const unsigned arg_at = offsetof(struct seccomp_data, args)
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
				+ 4
#endif
		;
	struct sock_filter program[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, nr_at),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)number, 0, 4),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, arg_at),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, (unsigned)fd_min, 0, 2),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, (unsigned)fd_max, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog filter = {
		sizeof(program) / sizeof(program[0]), program};

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}
