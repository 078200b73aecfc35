/*
 * How: each call of the port asks fate first, then looks whether it can be done
 * in the order in which Linux looks (its suite runs on both), then counts the
 * step, then does it.
 */
#include "fake_fs_private.h"

#include <stdlib.h>
#include <string.h>

enum {
	LINKS_FOLLOWED_MAX = 40,
};

enum fs_result fake_call(struct fake_fs *fs, const char *call,
	const struct fs_place *place, struct err *err)
{
	plans_run(fs);
	fs->calls++;
	switch (fate_call(fs->fate, call)) {
	case FATE_GO:
		return FS_OK;
	case FATE_FAIL:
		return fs_fault_set(err, place, FS_FAULT_BROKEN, NULL);
	case FATE_DEAD:
		break;
	}
	(void)fate_dead(err);
	return FS_FAILED;
}

enum fs_result fake_dir_call(const struct fs_dir *dir, const char *call,
	const struct fs_place *place, struct err *err)
{
	if (dir->generation == dir->fs->generation)
		return fake_call(dir->fs, call, place, err);
	(void)fate_dead(err);
	return FS_FAILED;
}

enum fs_result fake_step(struct fake_fs *fs, struct err *err)
{
	if (fate_step(fs->fate))
		return FS_OK;
	(void)fate_dead(err);
	return FS_FAILED;
}

/* Begins a call that takes a name. */
static enum fs_result name_call(const struct fs_dir *dir, const char *call,
	const struct fs_place *place, struct err *err)
{
	enum fs_result result = fake_dir_call(dir, call, place, err);

	if (result == FS_OK && !fs_name_valid(place->name))
		result = fs_fault_set(err, place, FS_FAULT_NAME, NULL);
	return result;
}

static struct fs_dir *dir_new(struct fake_fs *fs, struct node *node,
	const char *path, const char *name)
{
	struct fs_dir *dir = calloc(1, sizeof(*dir));
	struct buf joined = {0};

	check(dir != NULL);
	buf_addz(&joined, path);
	if (name != NULL)
		buf_addf(&joined, "/%s", name);
	*dir = (struct fs_dir){
		.fs = fs,
		.generation = fs->generation,
		.node = node,
		.path = fake_copy(buf_z(&joined)),
	};
	buf_clear(&joined);
	node_hold(fs, node);
	return dir;
}

static void fake_dir_close(struct fs_dir **dir)
{
	if (*dir == NULL)
		return;
	(*dir)->fs->handles--;
	if ((*dir)->generation == (*dir)->fs->generation)
		node_drop((*dir)->fs, (*dir)->node);
	free((*dir)->path);
	free((*dir)->seen);
	free(*dir);
	*dir = NULL;
}

/* Makes a folder; FS_OK, or FS_FAILED and err. */
static enum fs_result folder_make(const struct fs_place *place,
	struct fake_fs *fs, struct node *parent, const char *name,
	struct err *err)
{
	enum fs_result result;

	if (parent != fs->root && parent->links == 0)
		return fs_fault_set(err, place, FS_FAULT_GONE, NULL);
	if (fs->used >= fs->capacity)
		return fs_fault_set(err, place, FS_FAULT_FULL, NULL);
	result = fake_step(fs, err);
	if (result == FS_OK)
		slot_change(fs, parent, name, node_new(fs, FS_DIR, parent));
	return result;
}

/* A path on its way down. */
struct walk {
	struct fake_fs *fs;
	const struct fs_place *place;
	bool create;
	unsigned links;
	struct node *at;
};

static enum fs_result walk_path(
	struct walk *walk, struct str path, struct err *err);

static enum fs_result walk_into(
	struct walk *walk, struct node *next, struct err *err)
{
	if (next->type == FS_DIR && next->unreadable)
		return fs_fault_set(err, walk->place, FS_FAULT_DENIED, NULL);
	if (next->type == FS_DIR) {
		walk->at = next;
		return FS_OK;
	}
	if (next->type != FS_LINK)
		return fs_fault_set(
			err, walk->place, FS_FAULT_NOT_FOLDER, NULL);
	if (++walk->links > LINKS_FOLLOWED_MAX)
		return fs_fault_set(err, walk->place, FS_FAULT_LINK, NULL);
	return walk_path(walk, buf_str(&next->bytes), err);
}

static enum fs_result walk_step(
	struct walk *walk, const char *name, struct err *err)
{
	struct node *next = dir_find(walk->fs, walk->at, name);
	enum fs_result result;

	check(strcmp(name, "..") != 0);
	if (next != NULL)
		return walk_into(walk, next, err);
	if (!walk->create)
		return FS_ABSENT;
	result = folder_make(walk->place, walk->fs, walk->at, name, err);
	if (result != FS_OK)
		return result;
	dir_settle(walk->fs, walk->at, UINT64_MAX);
	walk->at = dir_find(walk->fs, walk->at, name);
	return FS_OK;
}

static enum fs_result walk_path(
	struct walk *walk, struct str path, struct err *err)
{
	enum fs_result result = FS_OK;
	struct buf name = {0};
	struct str part;

	if (str_starts(path, STR("/")))
		walk->at = walk->fs->root;
	while (result == FS_OK && str_split(&path, '/', &part)) {
		if (part.len == 0 || str_eq(part, STR(".")))
			continue;
		buf_reset(&name);
		buf_add(&name, part);
		result = walk_step(walk, buf_z(&name), err);
	}
	buf_clear(&name);
	return result;
}

static enum fs_result fake_root_open(void *ctx, const char *path, bool create,
	struct fs_dir **dir_r, struct err *err)
{
	struct fake_fs *fs = ctx;
	struct fs_place place = {FS_ACT_ROOT, path, NULL};
	struct walk walk = {fs, &place, create, 0, fs->root};
	enum fs_result result = fake_call(fs, "fs.root_open", &place, err);

	if (result == FS_OK)
		result = walk_path(&walk, str_of(path), err);
	if (result == FS_OK)
		*dir_r = dir_new(fs, walk.at, path, NULL);
	return result;
}

/* What keeps a node from being opened as a folder. */
static enum fs_result folder_ok(
	const struct fs_place *place, const struct node *node, struct err *err)
{
	if (node->type == FS_LINK)
		return fs_fault_set(err, place, FS_FAULT_LINK, NULL);
	if (node->type != FS_DIR)
		return fs_fault_set(err, place, FS_FAULT_NOT_FOLDER, NULL);
	if (node->unreadable)
		return fs_fault_set(err, place, FS_FAULT_DENIED, NULL);
	return FS_OK;
}

static enum fs_result fake_dir_open(struct fs_dir *parent, const char *name,
	bool create, struct fs_dir **dir_r, struct err *err)
{
	struct fs_place place = {FS_ACT_FOLDER, parent->path, name};
	struct fake_fs *fs = parent->fs;
	enum fs_result result = name_call(parent, "fs.dir_open", &place, err);
	struct node *node;

	if (result != FS_OK)
		return result;
	node = dir_find(fs, parent->node, name);
	if (node == NULL && !create)
		return FS_ABSENT;
	if (node == NULL) {
		place.act = FS_ACT_CREATE;
		result = folder_make(&place, fs, parent->node, name, err);
	} else {
		result = folder_ok(&place, node, err);
	}
	if (result == FS_OK)
		*dir_r = dir_new(fs, dir_find(fs, parent->node, name),
			parent->path, name);
	return result;
}

static enum fs_result fake_dir_rewind(struct fs_dir *dir, struct err *err)
{
	struct fs_place place = {FS_ACT_LIST, dir->path, NULL};
	enum fs_result result =
		fake_dir_call(dir, "fs.dir_rewind", &place, err);

	if (result != FS_OK)
		return result;
	dir->reading = true;
	free(dir->seen);
	dir->seen = NULL;
	return FS_OK;
}

static enum fs_result fake_dir_next(struct fs_dir *dir, const char **name_r,
	enum fs_type *type_r, struct err *err)
{
	struct fs_place place = {FS_ACT_LIST, dir->path, NULL};
	enum fs_result result = fake_dir_call(dir, "fs.dir_next", &place, err);
	const struct entry *entry;

	check(dir->reading || result != FS_OK);
	if (result != FS_OK)
		return result;
	entry = dir_after(dir->fs, dir->node, dir->seen);
	if (entry == NULL)
		return FS_ABSENT;
	free(dir->seen);
	dir->seen = fake_copy(entry->name);
	*name_r = dir->seen;
	*type_r = entry->node->type;
	return FS_OK;
}

static struct fs_stat stat_of(const struct node *node)
{
	return (struct fs_stat){
		.type = node->type,
		.device = node->device,
		.inode = node->inode,
		.bytes = node->bytes.len,
		.mtime_ns = node->mtime_ns,
		.ctime_ns = node->ctime_ns,
	};
}

static enum fs_result fake_dir_writable(struct fs_dir *dir, struct err *err)
{
	const struct fs_place place = {FS_ACT_CREATE, dir->path, NULL};

	return fake_dir_call(dir, "fs.dir_writable", &place, err);
}

static int64_t fake_next_stamp(struct fs_dir *dir)
{
	return fake_stamp(dir->fs);
}

static int64_t fake_dir_born(struct fs_dir *dir)
{
	return dir->fs->hides_births ? INT64_MAX : dir->node->born_ns;
}

static enum fs_result fake_dir_stat(
	struct fs_dir *dir, struct fs_stat *stat_r, struct err *err)
{
	struct fs_place place = {FS_ACT_LIST, dir->path, NULL};
	enum fs_result result = fake_dir_call(dir, "fs.dir_stat", &place, err);

	if (result == FS_OK)
		*stat_r = stat_of(dir->node);
	return result;
}

static enum fs_result fake_stat(struct fs_dir *dir, const char *name,
	struct fs_stat *stat_r, struct err *err)
{
	struct fs_place place = {FS_ACT_LOOK, dir->path, name};
	enum fs_result result = name_call(dir, "fs.stat", &place, err);
	struct node *node;

	if (result != FS_OK)
		return result;
	node = dir_find(dir->fs, dir->node, name);
	if (node == NULL)
		return FS_ABSENT;
	*stat_r = stat_of(node);
	return FS_OK;
}

static int64_t fake_dir_folders(struct fs_dir *dir)
{
	int64_t count = 0;

	for (size_t i = 0; i < dir->node->count; i++)
		count += dir->node->entries[i].node->type == FS_DIR;
	return count;
}

static enum fs_result fake_dir_sync(struct fs_dir *dir, struct err *err)
{
	struct fs_place place = {FS_ACT_NAMES, dir->path, NULL};
	enum fs_result result = fake_dir_call(dir, "fs.dir_sync", &place, err);

	if (result != FS_OK || !changes_pending(dir->fs, dir->node))
		return result;
	result = fake_step(dir->fs, err);
	if (result == FS_OK)
		dir_settle(dir->fs, dir->node, UINT64_MAX);
	dir->fs->flushes++;
	return result;
}

static enum fs_result fake_dir_sync_later(struct fs_dir *dir, struct err *err)
{
	struct fs_place place = {FS_ACT_NAMES, dir->path, NULL};
	enum fs_result result =
		fake_dir_call(dir, "fs.dir_sync_later", &place, err);

	if (result == FS_OK && changes_pending(dir->fs, dir->node))
		dir->node->names_due = dir->fs->change_last;
	return result;
}

/* The first folder whose names are due, or NULL. */
static struct node *dir_due(const struct fake_fs *fs)
{
	struct node *node = fs->nodes;

	while (node != NULL && node->names_due == 0)
		node = node->older;
	return node;
}

static enum fs_result fake_dirs_sync(void *ctx, struct err *err)
{
	struct fake_fs *fs = ctx;
	struct fs_place place = {FS_ACT_NAMES, "/", NULL};
	enum fs_result result = fake_call(fs, "fs.dirs_sync", &place, err);
	struct node *node;

	if (result == FS_OK && dir_due(fs) != NULL) {
		result = fake_step(fs, err);
		fs->flushes++;
	}
	while ((node = dir_due(fs)) != NULL) {
		if (result == FS_OK)
			dir_settle(fs, node, node->names_due);
		node->names_due = 0;
	}
	return result;
}

/* Whether a name in the folder has a letter that has another case. */
static bool has_letter(const struct node *dir)
{
	for (size_t i = 0; i < dir->count; i++) {
		for (const char *c = dir->entries[i].name; *c != '\0'; c++) {
			if ((*c >= 'a' && *c <= 'z') ||
				(*c >= 'A' && *c <= 'Z'))
				return true;
		}
	}
	return false;
}

static enum fs_result fake_folds_case(
	struct fs_dir *dir, bool may_write, bool *folds_r, struct err *err)
{
	struct fs_place place = {FS_ACT_LIST, dir->path, NULL};
	enum fs_result result =
		fake_dir_call(dir, "fs.folds_case", &place, err);

	if (result == FS_OK && !has_letter(dir->node))
		result = may_write ? fake_step(dir->fs, err) : FS_ABSENT;
	*folds_r = dir->fs->folds_case;
	return result;
}

/* Begins a call on two names: finds what is at both. */
struct ends {
	struct fake_move move;
	const char *folder; /* the first one's path, for messages */
	enum fs_act act;
	struct node *from;
	struct node *to;
};

static enum fs_result ends_call(struct ends *ends, const struct fs_dir *dirs[2],
	const char *names[2], const char *call, struct err *err)
{
	struct fs_place from = {ends->act, dirs[0]->path, names[0]};
	struct fs_place to = {ends->act, dirs[1]->path, names[1]};
	enum fs_result result = name_call(dirs[0], call, &from, err);

	if (result == FS_OK && dirs[1]->generation != dirs[1]->fs->generation) {
		(void)fate_dead(err);
		result = FS_FAILED;
	}
	if (result == FS_OK && !fs_name_valid(names[1]))
		result = fs_fault_set(err, &to, FS_FAULT_NAME, NULL);
	if (result != FS_OK)
		return result;
	ends->move = (struct fake_move){
		dirs[0]->node, names[0], dirs[1]->node, names[1]};
	ends->folder = dirs[0]->path;
	ends->from = dir_find(dirs[0]->fs, dirs[0]->node, names[0]);
	ends->to = dir_find(dirs[1]->fs, dirs[1]->node, names[1]);
	return FS_OK;
}

static enum fs_result ends_fault(
	const struct ends *ends, enum fs_fault fault, struct err *err)
{
	struct fs_place place = {ends->act, ends->folder, ends->move.from};

	return fs_fault_set(err, &place, fault, "it cannot be moved there");
}

/* Whether `inner` is `outer` or below it. */
static bool is_below(const struct node *inner, const struct node *outer)
{
	if (inner == outer)
		return true;
	for (size_t i = 0; i < outer->count; i++) {
		if (is_below(inner, outer->entries[i].node))
			return true;
	}
	return false;
}

/* What keeps a rename from happening, replacing or not; FS_OK: nothing. */
static enum fs_result move_ok(const struct fake_fs *fs, const struct ends *ends,
	bool replaces, struct err *err)
{
	const struct fake_move *move = &ends->move;

	if (move->from_dir->device != move->to_dir->device)
		return FS_CROSS;
	if (ends->from == NULL)
		return FS_ABSENT;
	if (ends->to != NULL && !replaces)
		return FS_EXISTS;
	if (move->to_dir != fs->root && move->to_dir->links == 0)
		return ends_fault(ends, FS_FAULT_GONE, err);
	if (ends->from->type == FS_DIR && is_below(move->to_dir, ends->from))
		return ends_fault(ends, FS_FAULT_OTHER, err);
	if (ends->to == NULL || ends->to == ends->from)
		return FS_OK;
	if (ends->to->type == FS_DIR && ends->from->type != FS_DIR)
		return ends_fault(ends, FS_FAULT_NOT_FILE, err);
	if (ends->to->type != FS_DIR && ends->from->type == FS_DIR)
		return ends_fault(ends, FS_FAULT_NOT_FOLDER, err);
	return ends->to->count > 0 ? FS_EXISTS : FS_OK;
}

static enum fs_result move_do(struct fake_fs *fs, const struct ends *ends,
	bool replaces, struct err *err)
{
	enum fs_result result = move_ok(fs, ends, replaces, err);

	/* Two names of one file: POSIX has rename() do nothing. */
	if (result != FS_OK || ends->to == ends->from)
		return result;
	result = fake_step(fs, err);
	if (result == FS_OK)
		tree_move(fs, &ends->move);
	return result;
}

static enum fs_result fake_rename(struct fs_dir *from_dir, const char *from,
	struct fs_dir *to_dir, const char *to, struct err *err)
{
	struct ends ends = {.act = FS_ACT_RENAME};
	enum fs_result result =
		ends_call(&ends, (const struct fs_dir *[2]){from_dir, to_dir},
			(const char *[2]){from, to}, "fs.rename", err);

	return result != FS_OK ? result
			       : move_do(from_dir->fs, &ends, false, err);
}

static enum fs_result fake_replace(struct fs_dir *from_dir, const char *from,
	struct fs_dir *to_dir, const char *to, struct err *err)
{
	struct ends ends = {.act = FS_ACT_RENAME};
	enum fs_result result =
		ends_call(&ends, (const struct fs_dir *[2]){from_dir, to_dir},
			(const char *[2]){from, to}, "fs.replace", err);

	return result != FS_OK ? result
			       : move_do(from_dir->fs, &ends, true, err);
}

static enum fs_result link_ok(
	const struct fake_fs *fs, const struct ends *ends, struct err *err)
{
	const struct fake_move *move = &ends->move;

	if (ends->from == NULL)
		return FS_ABSENT;
	if (ends->to != NULL)
		return FS_EXISTS;
	if (move->from_dir->device != move->to_dir->device)
		return FS_CROSS;
	if (ends->from->type == FS_DIR)
		return ends_fault(ends, FS_FAULT_DENIED, err);
	if (move->to_dir != fs->root && move->to_dir->links == 0)
		return ends_fault(ends, FS_FAULT_GONE, err);
	return FS_OK;
}

static enum fs_result fake_link(struct fs_dir *from_dir, const char *from,
	struct fs_dir *to_dir, const char *to, struct err *err)
{
	struct ends ends = {.act = FS_ACT_LINK_NEW};
	enum fs_result result =
		ends_call(&ends, (const struct fs_dir *[2]){from_dir, to_dir},
			(const char *[2]){from, to}, "fs.link", err);

	if (result == FS_OK)
		result = link_ok(from_dir->fs, &ends, err);
	if (result == FS_OK)
		result = fake_step(from_dir->fs, err);
	if (result == FS_OK)
		slot_change(from_dir->fs, to_dir->node, to, ends.from);
	return result;
}

static enum fs_result fake_unlink(
	struct fs_dir *dir, const char *name, struct err *err)
{
	struct fs_place place = {FS_ACT_REMOVE, dir->path, name};
	enum fs_result result = name_call(dir, "fs.unlink", &place, err);
	struct node *node;

	if (result != FS_OK)
		return result;
	node = dir_find(dir->fs, dir->node, name);
	if (node == NULL)
		return FS_ABSENT;
	if (node->type == FS_DIR)
		return fs_fault_set(err, &place, FS_FAULT_NOT_FILE, NULL);
	result = fake_step(dir->fs, err);
	if (result == FS_OK)
		slot_change(dir->fs, dir->node, name, NULL);
	return result;
}

static enum fs_result fake_rmdir(
	struct fs_dir *dir, const char *name, struct err *err)
{
	struct fs_place place = {FS_ACT_REMOVE, dir->path, name};
	enum fs_result result = name_call(dir, "fs.rmdir", &place, err);
	struct node *node;

	if (result != FS_OK)
		return result;
	node = dir_find(dir->fs, dir->node, name);
	if (node == NULL)
		return FS_ABSENT;
	if (node->type != FS_DIR)
		return fs_fault_set(err, &place, FS_FAULT_NOT_FOLDER, NULL);
	if (node->count > 0)
		return FS_EXISTS;
	result = fake_step(dir->fs, err);
	if (result == FS_OK)
		slot_change(dir->fs, dir->node, name, NULL);
	return result;
}

static const struct fs_port names_port = {
	.root_open = fake_root_open,
	.dir_open = fake_dir_open,
	.dir_close = fake_dir_close,
	.dir_rewind = fake_dir_rewind,
	.dir_next = fake_dir_next,
	.dir_stat = fake_dir_stat,
	.dir_born = fake_dir_born,
	.dir_writable = fake_dir_writable,
	.next_stamp = fake_next_stamp,
	.dir_folders = fake_dir_folders,
	.dir_sync = fake_dir_sync,
	.dir_sync_later = fake_dir_sync_later,
	.dirs_sync = fake_dirs_sync,
	.stat = fake_stat,
	.rename = fake_rename,
	.replace = fake_replace,
	.link = fake_link,
	.unlink = fake_unlink,
	.rmdir = fake_rmdir,
	.folds_case = fake_folds_case,
};

struct fake_fs *fake_fs_new(struct fate *fate, const struct clock_port *clock)
{
	struct fake_fs *fs = calloc(1, sizeof(*fs));

	check(fs != NULL);
	*fs = (struct fake_fs){
		.port = names_port,
		.fate = fate,
		.clock = clock,
		.grain_ns = 1,
		.device_last = 1,
		.capacity = UINT64_MAX,
	};
	fs->port.ctx = fs;
	fake_port_files(&fs->port);
	fs->root = node_new(fs, FS_DIR, NULL);
	return fs;
}

const struct fs_port *fake_fs_port(struct fake_fs *fs)
{
	return &fs->port;
}

void fake_fs_free(struct fake_fs **fs)
{
	if (*fs == NULL)
		return;
	check((*fs)->handles == 0);
	while ((*fs)->nodes != NULL) {
		struct node *older = (*fs)->nodes->older;

		node_free((*fs)->nodes);
		(*fs)->nodes = older;
	}
	for (size_t i = 0; i < (*fs)->change_count; i++)
		(*fs)->changes[i].chosen = true;
	changes_settle(*fs);
	for (size_t i = 0; i < (*fs)->plan_count; i++)
		plan_clear(&(*fs)->plans[i]);
	free((*fs)->plans);
	free((*fs)->changes);
	free((*fs)->inodes_free);
	free(*fs);
	*fs = NULL;
}
