/*
 * How: a folder is an array of entries sorted by a hash of the name, which is
 * also the order in which it is read. What is held in memory is the present;
 * each change of a name that is not durable is remembered with what was there
 * before, so that a crash can take it back.
 *
 * A change needs the former change of the same name (one name's history stays
 * in order), the removal half of a rename needs the other half (never neither),
 * and within one folder, or of a folder, both halves need each other. Removing
 * a folder needs all changes in it, for it was empty.
 */
#include "fake_fs_private.h"

#include "godwit/base/arena.h"

#include <stdlib.h>
#include <string.h>

char *fake_copy(const char *text)
{
	char *copy = strdup(text);

	check(copy != NULL);
	return copy;
}

int64_t fake_stamp(struct fake_fs *fs)
{
	int64_t now = fs->clock->wall_ns(fs->clock->ctx);

	return now - now % fs->grain_ns;
}

static uint64_t inode_take(struct fake_fs *fs)
{
	if (fs->inodes_free_count > 0)
		return fs->inodes_free[--fs->inodes_free_count];
	return ++fs->inode_last;
}

static void inode_give(struct fake_fs *fs, uint64_t inode)
{
	fs->inodes_free = array_grow(fs->inodes_free, &fs->inodes_free_cap,
		fs->inodes_free_count + 1, sizeof(*fs->inodes_free));
	fs->inodes_free[fs->inodes_free_count++] = inode;
}

struct node *node_new(
	struct fake_fs *fs, enum fs_type type, const struct node *parent)
{
	struct node *node = calloc(1, sizeof(*node));

	check(node != NULL);
	*node = (struct node){
		.older = fs->nodes,
		.type = type,
		.device = parent == NULL ? 1 : parent->device,
		.inode = inode_take(fs),
		.mtime_ns = fake_stamp(fs),
	};
	node->ctime_ns = node->mtime_ns;
	node->born_ns = node->mtime_ns;
	node->safe_mtime_ns = node->mtime_ns;
	fs->nodes = node;
	return node;
}

void node_free(struct node *node)
{
	for (size_t i = 0; i < node->count; i++)
		free(node->entries[i].name);
	free(node->entries);
	buf_clear(&node->bytes);
	free(node);
}

/* When neither a name nor a handle is left, its room and number are free. */
static void node_check(struct fake_fs *fs, const struct node *node)
{
	if (node->links > 0 || node->handles > 0)
		return;
	fs->used -= node->bytes.len;
	inode_give(fs, node->inode);
}

void node_hold(struct fake_fs *fs, struct node *node)
{
	node->handles++;
	fs->handles++;
}

void node_drop(struct fake_fs *fs, struct node *node)
{
	node->handles--;
	node_check(fs, node);
}

static char fold(const struct fake_fs *fs, char c)
{
	if (fs->folds_case && c >= 'A' && c <= 'Z')
		return (char)(c - 'A' + 'a');
	return c;
}

static uint64_t name_hash(const struct fake_fs *fs, const char *name)
{
	uint64_t hash = 0xcbf29ce484222325U;

	for (; *name != '\0'; name++)
		hash = (hash ^ (unsigned char)fold(fs, *name)) * 0x100000001b3U;
	/* Names that are alike shall not stand together. */
	hash = (hash ^ (hash >> 33)) * 0xff51afd7ed558ccdU;
	return hash ^ (hash >> 33);
}

static int name_cmp(const struct fake_fs *fs, const char *a, const char *b)
{
	while (*a != '\0' && fold(fs, *a) == fold(fs, *b)) {
		a++;
		b++;
	}
	return (unsigned char)fold(fs, *a) - (unsigned char)fold(fs, *b);
}

/* Where the name stands or would stand; *found_r says which. */
static size_t slot_index(const struct fake_fs *fs, const struct node *dir,
	const char *name, bool *found_r)
{
	uint64_t hash = name_hash(fs, name);
	size_t low = 0;
	size_t high = dir->count;

	*found_r = false;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct entry *entry = &dir->entries[middle];
		int order = entry->hash < hash ? -1
			    : entry->hash > hash
				    ? 1
				    : name_cmp(fs, entry->name, name);

		*found_r = *found_r || order == 0;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct node *dir_find(
	const struct fake_fs *fs, const struct node *dir, const char *name)
{
	bool found;
	size_t at = slot_index(fs, dir, name, &found);

	return found ? dir->entries[at].node : NULL;
}

const struct entry *dir_after(
	const struct fake_fs *fs, const struct node *dir, const char *seen)
{
	bool found = false;
	size_t at = seen == NULL ? 0 : slot_index(fs, dir, seen, &found);

	at += found ? 1 : 0;
	return at < dir->count ? &dir->entries[at] : NULL;
}

static void slot_insert(
	struct fake_fs *fs, struct node *dir, size_t at, const char *name)
{
	dir->entries = array_grow(
		dir->entries, &dir->cap, dir->count + 1, sizeof(*dir->entries));
	memmove(&dir->entries[at + 1], &dir->entries[at],
		(dir->count - at) * sizeof(*dir->entries));
	dir->entries[at] = (struct entry){
		.hash = name_hash(fs, name), .name = fake_copy(name)};
	dir->count++;
}

static void slot_delete(struct node *dir, size_t at)
{
	free(dir->entries[at].name);
	dir->count--;
	memmove(&dir->entries[at], &dir->entries[at + 1],
		(dir->count - at) * sizeof(*dir->entries));
}

void slot_set(struct fake_fs *fs, struct node *dir, const char *name,
	struct node *node)
{
	bool found;
	size_t at = slot_index(fs, dir, name, &found);
	struct node *old = found ? dir->entries[at].node : NULL;

	if (node != NULL) {
		if (!found)
			slot_insert(fs, dir, at, name);
		dir->entries[at].node = node;
		node->links++;
	} else if (found) {
		slot_delete(dir, at);
	}
	if (old != NULL) {
		old->links--;
		node_check(fs, old);
	}
}

/* The latest pending change of the name, 0: none. */
static uint64_t slot_history(
	const struct fake_fs *fs, const struct node *dir, const char *name)
{
	for (size_t i = fs->change_count; i-- > 0;) {
		const struct change *change = &fs->changes[i];

		if (change->dir == dir && name_cmp(fs, change->name, name) == 0)
			return change->id;
	}
	return 0;
}

struct change *slot_change(struct fake_fs *fs, struct node *dir,
	const char *name, struct node *node)
{
	struct change *change;
	bool found;
	size_t at = slot_index(fs, dir, name, &found);

	fs->changes = array_grow(fs->changes, &fs->change_cap,
		fs->change_count + 1, sizeof(*fs->changes));
	change = &fs->changes[fs->change_count];
	*change = (struct change){
		.id = ++fs->change_last,
		.dir = dir,
		.name = fake_copy(name),
		.before = found ? dir->entries[at].node : NULL,
		.before_name = found ? fake_copy(dir->entries[at].name) : NULL,
		.after = node,
		.dir_mtime_ns = dir->mtime_ns,
		.dir_ctime_ns = dir->ctime_ns,
		.needs = {slot_history(fs, dir, name), 0},
	};
	fs->change_count++;
	slot_set(fs, dir, name, node);
	dir->mtime_ns = fake_stamp(fs);
	dir->ctime_ns = dir->mtime_ns;
	if (node != NULL)
		node->ctime_ns = dir->mtime_ns;
	return change;
}

void tree_move(struct fake_fs *fs, const struct fake_move *move)
{
	struct node *node = dir_find(fs, move->from_dir, move->from);
	struct change *added = slot_change(fs, move->to_dir, move->to, node);
	uint64_t added_id = added->id;
	struct change *removed =
		slot_change(fs, move->from_dir, move->from, NULL);

	removed->needs[1] = added_id;
	if (move->from_dir == move->to_dir || node->type == FS_DIR)
		fs->changes[fs->change_count - 2].needs[1] = removed->id;
}

bool changes_pending(const struct fake_fs *fs, const struct node *dir)
{
	for (size_t i = 0; i < fs->change_count; i++) {
		if (fs->changes[i].dir == dir)
			return true;
	}
	return false;
}

/* Chooses the change with that id, if it is pending. */
static bool choose_id(struct fake_fs *fs, uint64_t id)
{
	size_t low = 0;
	size_t high = fs->change_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (fs->changes[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == fs->change_count || fs->changes[low].id != id ||
		fs->changes[low].chosen)
		return false;
	fs->changes[low].chosen = true;
	return true;
}

static bool choose_in(struct fake_fs *fs, const struct node *dir)
{
	bool more = false;

	for (size_t i = 0; i < fs->change_count; i++) {
		struct change *change = &fs->changes[i];

		more = more || (change->dir == dir && !change->chosen);
		change->chosen = change->chosen || change->dir == dir;
	}
	return more;
}

/* Whether it ends the folder that bore the name, and does not move it. */
static bool ends_folder(const struct change *change)
{
	bool moves = change->after == NULL && change->needs[1] != 0;

	return change->before != NULL && change->before->type == FS_DIR &&
	       !moves;
}

static bool choose_needs(struct fake_fs *fs, const struct change *change)
{
	bool more = choose_id(fs, change->needs[0]);

	more = choose_id(fs, change->needs[1]) || more;
	if (ends_folder(change))
		more = choose_in(fs, change->before) || more;
	return more;
}

void changes_close(struct fake_fs *fs)
{
	bool more = true;

	while (more) {
		more = false;
		for (size_t i = fs->change_count; i-- > 0;) {
			if (fs->changes[i].chosen)
				more = choose_needs(fs, &fs->changes[i]) ||
				       more;
		}
	}
}

void changes_settle(struct fake_fs *fs)
{
	size_t kept = 0;

	for (size_t i = 0; i < fs->change_count; i++) {
		struct change *change = &fs->changes[i];

		if (!change->chosen) {
			fs->changes[kept++] = *change;
			continue;
		}
		free(change->name);
		free(change->before_name);
	}
	fs->change_count = kept;
}

void dir_settle(struct fake_fs *fs, struct node *dir, uint64_t until)
{
	for (size_t i = 0; i < fs->change_count; i++)
		fs->changes[i].chosen =
			fs->changes[i].dir == dir && fs->changes[i].id <= until;
	changes_close(fs);
	changes_settle(fs);
}
