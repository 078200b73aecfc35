/*
 * How: a file is a node with its bytes; write appends them, finish dates the
 * node and marks it for the flush, flush declares the marked ones safe.
 */
#include "fake_fs_private.h"

#include <stdlib.h>
#include <string.h>

static struct fs_file *file_new(
	const struct fs_dir *dir, const char *name, struct node *node)
{
	struct fs_file *file = calloc(1, sizeof(*file));

	check(file != NULL);
	*file = (struct fs_file){
		.fs = dir->fs,
		.generation = dir->generation,
		.node = node,
		.folder = fake_copy(dir->path),
		.name = fake_copy(name),
	};
	node_hold(dir->fs, node);
	return file;
}

static void fake_close(struct fs_file **file)
{
	if (*file == NULL)
		return;
	(*file)->fs->handles--;
	if ((*file)->generation == (*file)->fs->generation)
		node_drop((*file)->fs, (*file)->node);
	free((*file)->folder);
	free((*file)->name);
	free(*file);
	*file = NULL;
}

static enum fs_result file_call(const struct fs_file *file, const char *call,
	const struct fs_place *place, struct err *err)
{
	if (file->generation == file->fs->generation)
		return fake_call(file->fs, call, place, err);
	(void)fate_dead(err);
	return FS_FAILED;
}

static enum fs_result fake_create(struct fs_dir *dir, const char *name,
	struct fs_file **file_r, struct err *err)
{
	struct fs_place place = {FS_ACT_CREATE, dir->path, name};
	struct fake_fs *fs = dir->fs;
	enum fs_result result = fake_dir_call(dir, "fs.create", &place, err);
	struct node *node;

	if (result != FS_OK)
		return result;
	if (!fs_name_valid(name))
		return fs_fault_set(err, &place, FS_FAULT_NAME, NULL);
	if (dir_find(fs, dir->node, name) != NULL)
		return FS_EXISTS;
	if (dir->node != fs->root && dir->node->links == 0)
		return fs_fault_set(err, &place, FS_FAULT_GONE, NULL);
	if (fs->used >= fs->capacity)
		return fs_fault_set(err, &place, FS_FAULT_FULL, NULL);
	result = fake_step(fs, err);
	if (result != FS_OK)
		return result;
	node = node_new(fs, FS_FILE, dir->node);
	slot_change(fs, dir->node, name, node);
	*file_r = file_new(dir, name, node);
	return FS_OK;
}

/* What keeps a node from being used as a regular file. */
static enum fs_result regular_ok(
	const struct fs_place *place, const struct node *node, struct err *err)
{
	if (node->type == FS_LINK)
		return fs_fault_set(err, place, FS_FAULT_LINK, NULL);
	if (node->unreadable)
		return fs_fault_set(err, place, FS_FAULT_DENIED, NULL);
	if (node->type != FS_FILE)
		return fs_fault_set(err, place, FS_FAULT_NOT_FILE, NULL);
	return FS_OK;
}

/* The regular file of that name; NULL when *result_r is not FS_OK. */
static struct node *regular_find(const struct fs_dir *dir,
	const struct fs_place *place, enum fs_result *result_r, struct err *err)
{
	struct node *node;

	if (!fs_name_valid(place->name)) {
		*result_r = fs_fault_set(err, place, FS_FAULT_NAME, NULL);
		return NULL;
	}
	node = dir_find(dir->fs, dir->node, place->name);
	*result_r = node == NULL ? FS_ABSENT : regular_ok(place, node, err);
	return *result_r == FS_OK ? node : NULL;
}

static enum fs_result fake_open(struct fs_dir *dir, const char *name,
	struct fs_file **file_r, struct err *err)
{
	struct fs_place place = {FS_ACT_READ, dir->path, name};
	enum fs_result result = fake_dir_call(dir, "fs.open", &place, err);
	struct node *node;

	if (result != FS_OK)
		return result;
	node = regular_find(dir, &place, &result, err);
	if (node != NULL)
		*file_r = file_new(dir, name, node);
	return result;
}

static enum fs_result fake_extend(struct fs_dir *dir, const char *name,
	uint64_t bytes, struct fs_file **file_r, struct err *err)
{
	struct fs_place place = {FS_ACT_WRITE, dir->path, name};
	struct fake_fs *fs = dir->fs;
	enum fs_result result = fake_dir_call(dir, "fs.extend", &place, err);
	struct node *node;

	if (result != FS_OK)
		return result;
	node = regular_find(dir, &place, &result, err);
	if (node == NULL)
		return result;
	if (node->bytes.len < bytes)
		return FS_ABSENT;
	result = fake_step(fs, err);
	if (result != FS_OK)
		return result;
	fs->used -= node->bytes.len - bytes;
	node->bytes.len = (size_t)bytes;
	if (node->safe_bytes > bytes)
		node->safe_bytes = (size_t)bytes;
	*file_r = file_new(dir, name, node);
	return FS_OK;
}

static enum fs_result write_failed(struct fs_file *file,
	const struct fs_place *place, enum fs_fault fault, struct err *err)
{
	file->is_broken = true;
	file->broken = fault;
	return fs_fault_set(err, place, fault, NULL);
}

static void node_append(struct fake_fs *fs, struct node *node, struct str bytes)
{
	if (node->bytes_safe)
		node->safe_bytes = node->bytes.len;
	buf_add(&node->bytes, bytes);
	fs->used += bytes.len;
	node->bytes_safe = false;
	node->mtime_ns = fake_stamp(fs);
	node->ctime_ns = node->mtime_ns;
}

static enum fs_result fake_write(
	struct fs_file *file, struct str bytes, struct err *err)
{
	struct fs_place place = {FS_ACT_WRITE, file->folder, file->name};
	struct fake_fs *fs = file->fs;
	enum fs_result result = file_call(file, "fs.write", &place, err);
	uint64_t room = fs->capacity > fs->used ? fs->capacity - fs->used : 0;
	bool fits = bytes.len <= room;

	if (result != FS_OK) {
		file->is_broken = true;
		file->broken = FS_FAULT_BROKEN;
		return result;
	}
	if (file->is_broken)
		return write_failed(file, &place, file->broken, err);
	if (bytes.len == 0)
		return FS_OK;
	result = fake_step(fs, err);
	if (result != FS_OK)
		return result;
	node_append(
		fs, file->node, fits ? bytes : str_sub(bytes, 0, (size_t)room));
	return fits ? FS_OK : write_failed(file, &place, FS_FAULT_FULL, err);
}

static enum fs_result fake_read(struct fs_file *file, char *at, size_t room,
	size_t *got_r, struct err *err)
{
	struct fs_place place = {FS_ACT_READ, file->folder, file->name};
	enum fs_result result = file_call(file, "fs.read", &place, err);
	struct str rest;

	if (result != FS_OK)
		return result;
	rest = str_sub(buf_str(&file->node->bytes), file->at, room);
	if (rest.len > 0)
		memcpy(at, rest.ptr, rest.len);
	file->at += rest.len;
	*got_r = rest.len;
	return FS_OK;
}

static enum fs_result fake_clone(
	struct fs_file *from, struct fs_file *to, struct err *err)
{
	struct fs_place place = {FS_ACT_WRITE, to->folder, to->name};
	struct fake_fs *fs = to->fs;
	enum fs_result result = file_call(to, "fs.clone", &place, err);

	if (result != FS_OK)
		return result;
	if (!fs->clones || to->is_broken)
		return FS_CROSS;
	result = fake_step(fs, err);
	if (result == FS_OK)
		node_append(fs, to->node, buf_str(&from->node->bytes));
	return result;
}

static void node_date(struct fake_fs *fs, struct node *node, int64_t mtime_ns)
{
	node->mtime_ns = mtime_ns;
	node->ctime_ns = fake_stamp(fs);
	node->finished = true;
}

static enum fs_result finish_do(
	struct fs_file *file, int64_t mtime_ns, struct err *err)
{
	struct fs_place place = {FS_ACT_WRITE, file->folder, file->name};
	enum fs_result result = file_call(file, "fs.finish", &place, err);

	if (result == FS_OK && file->is_broken)
		result = fs_fault_set(err, &place, file->broken, NULL);
	if (result == FS_OK)
		result = fake_step(file->fs, err);
	if (result == FS_OK)
		node_date(file->fs, file->node, mtime_ns);
	return result;
}

static enum fs_result fake_finish(
	struct fs_file **file, int64_t mtime_ns, struct err *err)
{
	enum fs_result result = finish_do(*file, mtime_ns, err);

	fake_close(file);
	return result;
}

static enum fs_result fake_set_mtime(
	struct fs_dir *dir, const char *name, int64_t mtime_ns, struct err *err)
{
	struct fs_place place = {FS_ACT_DATE, dir->path, name};
	enum fs_result result = fake_dir_call(dir, "fs.set_mtime", &place, err);
	struct node *node;

	if (result != FS_OK)
		return result;
	node = regular_find(dir, &place, &result, err);
	if (node == NULL)
		return result;
	result = fake_step(dir->fs, err);
	if (result == FS_OK)
		node_date(dir->fs, node, mtime_ns);
	return result;
}

/* Ends the wait of all finished files. */
static void finished_end(struct fake_fs *fs, bool safe)
{
	for (struct node *node = fs->nodes; node != NULL; node = node->older) {
		if (!node->finished)
			continue;
		node->finished = false;
		node->bytes_safe = node->bytes_safe || safe;
		if (safe)
			node->safe_mtime_ns = node->mtime_ns;
	}
}

static bool any_finished(const struct fake_fs *fs)
{
	for (struct node *node = fs->nodes; node != NULL; node = node->older) {
		if (node->finished)
			return true;
	}
	return false;
}

static enum fs_result fake_flush(void *ctx, struct err *err)
{
	struct fake_fs *fs = ctx;
	struct fs_place place = {FS_ACT_FLUSH, "/", NULL};
	enum fs_result result = fake_call(fs, "fs.flush", &place, err);

	if (result == FS_OK && any_finished(fs)) {
		result = fake_step(fs, err);
		fs->flushes++;
	}
	finished_end(fs, result == FS_OK);
	return result;
}

void fake_port_files(struct fs_port *port)
{
	port->create = fake_create;
	port->extend = fake_extend;
	port->open = fake_open;
	port->write = fake_write;
	port->read = fake_read;
	port->clone = fake_clone;
	port->finish = fake_finish;
	port->close = fake_close;
	port->set_mtime = fake_set_mtime;
	port->flush = fake_flush;
}
