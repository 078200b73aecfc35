/*
 * How: a rename where vault and Maildir lie on one file system, else a copy
 * that is flushed before the original goes. Nothing in the vault is ever
 * replaced: a name that is taken gets a number behind it.
 */
#include "vault.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
	COPY_BYTES = 128 << 10,
	NAMES_MAX = 100,  /* tries for a free name */
	PRUNE_DEPTH = 70, /* levels of folders in a run */
};

/* Makes a folder, which is to become durable. */
static enum fs_result folder_make(struct pass *pass, struct fs_dir *dir,
	const char *name, struct fs_dir **made_r, struct err *err)
{
	const struct fs_port *fs = &pass->ports->fs;

	pass->names_due = true;
	if (fs->dir_open(dir, name, true, made_r, err) != FS_OK)
		return FS_FAILED;
	if (fs->dir_sync_later(dir, err) == FS_OK)
		return FS_OK;
	fs->dir_close(made_r);
	return FS_FAILED;
}

static enum fs_result went(struct err *err)
{
	err_set(err, ERR_MAILBOX, ERR_LATER, ERR_DISK,
		"its folder in the vault went during the sync");
	return FS_FAILED;
}

/* Opens the mailbox's cur/ in this run's folder, or makes what is missing. */
static int vault_open(
	struct pass *pass, struct mailbox *mailbox, bool make, struct err *err)
{
	const struct fs_port *fs = &pass->ports->fs;
	struct buf path = {0};
	struct str rest;
	struct str part;
	struct fs_dir *dir = NULL;
	enum fs_result result = FS_OK;

	buf_addf(&path, "vault/%" PRIu64 "/", pass->run.start_ms);
	if (mailbox_name_path(LAYOUT_NESTED, mailbox->name, &path, err) != 0)
		result = FS_FAILED;
	buf_addz(&path, "/cur");
	rest = buf_str(&path);
	while (result == FS_OK && str_split(&rest, '/', &part)) {
		struct fs_dir *at = dir == NULL ? pass->state : dir;
		struct fs_dir *below = NULL;
		char *name =
			arena_printf(&mailbox->arena, "%.*s", STR_FMT(part));

		result = fs->dir_open(at, name, false, &below, err);
		if (result == FS_ABSENT)
			result = make ? folder_make(pass, at, name, &below, err)
				      : went(err);
		if (dir != NULL)
			fs->dir_close(&dir);
		dir = below;
	}
	buf_clear(&path);
	mailbox->vault = dir;
	return result == FS_OK ? 0 : -1;
}

int vault_make(struct pass *pass, struct mailbox *mailbox, struct err *err)
{
	if (pass->account->retain_s == 0)
		return 0;
	if (vault_open(pass, mailbox, true, err) != 0)
		return -1;
	pass->ports->fs.dir_close(&mailbox->vault);
	return 0;
}

/* Copies the file to the vault, flushed. */
static enum fs_result copy(struct mailbox *mailbox, struct local_item *item,
	const char *to, struct err *err)
{
	const struct fs_port *fs = mailbox->md.fs;
	struct fs_file *from_file = NULL;
	struct fs_file *to_file = NULL;
	struct fs_stat stat;
	struct buf chunk = {0};
	size_t got = 1;
	enum fs_result result =
		maildir_read(&mailbox->md, item, &from_file, &stat, err);

	if (result == FS_OK)
		result = fs->create(mailbox->vault, to, &to_file, err);
	while (result == FS_OK && got > 0) {
		buf_reset(&chunk);
		result = fs->read(from_file, buf_reserve(&chunk, COPY_BYTES),
			COPY_BYTES, &got, err);
		if (result == FS_OK) {
			buf_commit(&chunk, got);
			result = fs->write(to_file, buf_str(&chunk), err);
		}
	}
	buf_clear(&chunk);
	if (from_file != NULL)
		fs->close(&from_file);
	if (result == FS_OK)
		result = fs->finish(&to_file, stat.mtime_ns, err);
	if (to_file != NULL)
		fs->close(&to_file);
	if (result == FS_OK)
		result = fs->flush(fs->ctx, err);
	return result;
}

static enum fs_result move_as(struct mailbox *mailbox, struct local_item *item,
	const char *to, struct err *err)
{
	const struct fs_port *fs = mailbox->md.fs;
	struct fs_dir *from = maildir_dir(&mailbox->md, item->in_new);
	enum fs_result result =
		fs->rename(from, item->file_name.ptr, mailbox->vault, to, err);

	if (result != FS_CROSS)
		return result;
	result = copy(mailbox, item, to, err);
	if (result != FS_OK || fs->dir_sync(mailbox->vault, err) != FS_OK)
		return result == FS_OK ? FS_FAILED : result;
	return fs->unlink(from, item->file_name.ptr, err);
}

enum fs_result vault_take(struct pass *pass, struct mailbox *mailbox,
	struct local_item *item, struct err *err)
{
	const struct fs_port *fs = mailbox->md.fs;
	enum fs_result result = FS_EXISTS;

	if (pass->account->retain_s == 0)
		return fs->unlink(maildir_dir(&mailbox->md, item->in_new),
			item->file_name.ptr, err);
	if (mailbox->vault == NULL &&
		vault_open(pass, mailbox, false, err) != 0)
		return FS_FAILED;
	for (int i = 0; i < NAMES_MAX && result == FS_EXISTS; i++)
		result = move_as(mailbox, item,
			i == 0 ? item->file_name.ptr
			       : arena_printf(&mailbox->arena, "%d.%s", i,
					 item->file_name.ptr),
			err);
	if (result == FS_EXISTS) {
		err_set(err, ERR_MAILBOX, ERR_LATER, ERR_DISK,
			"the vault has no name left for the file %s",
			item->file_name.ptr);
		return FS_FAILED;
	}
	return result;
}

int vault_sync_later(
	struct pass *pass, struct mailbox *mailbox, struct err *err)
{
	const struct fs_port *fs = &pass->ports->fs;
	enum fs_result result = FS_OK;

	if (mailbox->vault == NULL)
		return 0;
	pass->names_due = true;
	result = fs->dir_sync_later(mailbox->vault, err);
	fs->dir_close(&mailbox->vault);
	return result == FS_OK ? 0 : -1;
}

static int remove_tree(const struct fs_port *fs, struct fs_dir *parent,
	const char *name, int depth, struct err *err);

/* Empties a folder. Names are gathered first: one directory is not read while
 * it changes. */
static int remove_below(const struct fs_port *fs, struct fs_dir *dir, int depth,
	struct err *err)
{
	struct arena names = {0};
	struct buf list = {0};
	struct str rest;
	struct str name;
	const char *entry;
	enum fs_type type;
	int failed = 0;
	enum fs_result result = fs->dir_rewind(dir, err);

	while (result == FS_OK &&
		(result = fs->dir_next(dir, &entry, &type, err)) == FS_OK) {
		buf_addz(&list, entry);
		buf_addc(&list, '/');
	}
	rest = buf_str(&list);
	failed = result != FS_ABSENT;
	while (!failed && rest.len > 0 && str_split(&rest, '/', &name))
		failed = remove_tree(fs, dir, arena_str(&names, name).ptr,
				 depth + 1, err) != 0;
	arena_clear(&names);
	buf_clear(&list);
	return failed ? -1 : 0;
}

static int remove_tree(const struct fs_port *fs, struct fs_dir *parent,
	const char *name, int depth, struct err *err)
{
	struct fs_dir *dir = NULL;
	struct fs_stat stat;
	enum fs_result result = fs->stat(parent, name, &stat, err);
	int failed;

	if (result != FS_OK)
		return result == FS_ABSENT ? 0 : -1;
	if (stat.type != FS_DIR)
		return fs->unlink(parent, name, err) == FS_FAILED ? -1 : 0;
	if (depth > PRUNE_DEPTH ||
		fs->dir_open(parent, name, false, &dir, err) != FS_OK)
		return -1;
	failed = remove_below(fs, dir, depth, err);
	fs->dir_close(&dir);
	if (failed)
		return -1;
	return fs->rmdir(parent, name, err) == FS_FAILED ? -1 : 0;
}

/* Whether a run's folder is old enough to go; others' folders never are. */
static bool is_stale(const struct pass *pass, const char *name)
{
	uint64_t run_ms;
	uint64_t now_ms = (uint64_t)pass_now_s(pass) * 1000;

	return str_u64(str_of(name), &run_ms) && run_ms < now_ms &&
	       (now_ms - run_ms) / 1000 > pass->account->retain_s;
}

int vault_prune(struct pass *pass, struct err *err)
{
	const struct fs_port *fs = &pass->ports->fs;
	struct fs_dir *vault = NULL;
	struct buf stale = {0};
	const char *name;
	enum fs_type type;
	struct str rest;
	struct str run;
	int failed = 0;
	enum fs_result result =
		fs->dir_open(pass->state, "vault", false, &vault, err);

	if (result != FS_OK)
		return result == FS_ABSENT ? 0 : -1;
	result = fs->dir_rewind(vault, err);
	while (result == FS_OK &&
		(result = fs->dir_next(vault, &name, &type, err)) == FS_OK) {
		if (is_stale(pass, name))
			buf_addf(&stale, "%s/", name);
	}
	rest = buf_str(&stale);
	failed = result != FS_ABSENT;
	while (!failed && rest.len > 0 && str_split(&rest, '/', &run))
		failed = remove_tree(fs, vault,
				 arena_str(&pass->arena, run).ptr, 0, err) != 0;
	buf_clear(&stale);
	fs->dir_close(&vault);
	return failed ? -1 : 0;
}
