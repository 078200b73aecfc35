/* os/fs where renameat2(RENAME_NOREPLACE) is not known, as on NFS. */
#include "godwit/os/fs.h"

#include "fs_suite.h"
#include "scratch.h"
#include "tap.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>

static void test_without_links(const struct scratch *scratch)
{
	struct os_fs *fs = os_fs_new();
	const struct fs_port *port = os_fs_port(fs);
	struct fs_dir *dir;
	struct fs_file *file;
	struct err err;

	check(port->root_open(port->ctx, scratch->path, false, &dir, &err) ==
		FS_OK);
	check(port->create(dir, "f", &file, &err) == FS_OK);
	check(port->finish(&file, 0, &err) == FS_OK);
	check(scratch_break(SYS_linkat, 3, INT32_MAX, EPERM));
	is_int(port->rename(dir, "f", dir, "g", &err), FS_FAILED,
		"without hard links either, a rename is refused");
	ok(strstr(err.text, "mail is not safe on it"),
		"rather than done unsafely, and the sentence says so");
	is_int(port->unlink(dir, "f", &err), FS_OK, "the file is where it was");
	port->dir_close(&dir);
	os_fs_free(&fs);
}

/* A new name that does not last must not cost the old one. */
static void test_sync_fails(const struct scratch *scratch)
{
	struct os_fs *fs = os_fs_new();
	const struct fs_port *port = os_fs_port(fs);
	struct fs_dir *dir;
	struct fs_file *file;
	struct err err;

	check(port->root_open(port->ctx, scratch_path(scratch, "no-sync"), true,
		      &dir, &err) == FS_OK);
	check(port->create(dir, "f", &file, &err) == FS_OK);
	port->close(&file);
	check(scratch_break(SYS_fsync, 3, INT32_MAX, EIO));
	is_int(port->rename(dir, "f", dir, "g", &err), FS_FAILED,
		"when the new name cannot be made durable, a rename fails");
	is_int(port->unlink(dir, "g", &err), FS_ABSENT,
		"and leaves no new name");
	is_int(port->unlink(dir, "f", &err), FS_OK, "but the old one");
	port->dir_close(&dir);
	os_fs_free(&fs);
}

int main(void)
{
	struct os_fs *fs = os_fs_new();
	struct fs_suite suite = {.label = "no-replace"};
	struct scratch scratch;

	scratch_open(&scratch);
	if (scratch_break(SYS_renameat2, 3, INT32_MAX, ENOSYS)) {
		suite.port = os_fs_port(fs);
		scratch_drop(&scratch);
		scratch_suite(&scratch, "suite", &suite);
		fs_suite_run(&suite);
		scratch_undrop(&scratch);
		test_sync_fails(&scratch);
		test_without_links(&scratch);
	} else {
		ok(true, "renames by link and unlink # SKIP no seccomp here");
	}
	os_fs_free(&fs);
	scratch_close(&scratch);
	return tap_done();
}
