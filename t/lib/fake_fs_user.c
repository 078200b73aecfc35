/*
 * How: other programs work on paths from "/" and change names through the same
 * list of pending changes as the port does.
 */
#include "fake_fs_private.h"

#include "godwit/base/arena.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
	SHOWN_BYTES = 60,
	NSEC = 1000000000,
};

/* The folder and the name that a path ends in. */
struct spot {
	struct node *dir; /* NULL: the way is not there */
	char name[256];   /* "" for "/" itself */
};

static void spot_name(struct spot *spot, struct str part)
{
	check(part.len < sizeof(spot->name));
	memcpy(spot->name, part.ptr, part.len);
	spot->name[part.len] = '\0';
}

/* Steps into the folder that spot->name is; makes it if `make`. */
static void spot_enter(struct fake_fs *fs, struct spot *spot, bool make)
{
	struct node *next = dir_find(fs, spot->dir, spot->name);

	if (next == NULL && make) {
		next = node_new(fs, FS_DIR, spot->dir);
		slot_change(fs, spot->dir, spot->name, next);
	}
	check(next == NULL || next->type == FS_DIR);
	spot->dir = next;
}

static struct spot spot_of(struct fake_fs *fs, const char *path, bool make)
{
	struct spot spot = {.dir = fs->root};
	struct str rest = str_of(path);
	struct str part;

	check(str_starts(rest, STR("/")));
	while (spot.dir != NULL && str_split(&rest, '/', &part)) {
		if (part.len == 0)
			continue;
		if (spot.name[0] != '\0')
			spot_enter(fs, &spot, make);
		spot_name(&spot, part);
	}
	return spot;
}

static struct node *spot_node(const struct fake_fs *fs, const struct spot *spot)
{
	if (spot->dir == NULL)
		return NULL;
	return spot->name[0] == '\0' ? fs->root
				     : dir_find(fs, spot->dir, spot->name);
}

static struct node *node_at(struct fake_fs *fs, const char *path)
{
	struct spot spot = spot_of(fs, path, false);

	return spot_node(fs, &spot);
}

/* A new node at the path, in the place of what was there. */
static struct node *plant(
	struct fake_fs *fs, const char *path, enum fs_type type)
{
	struct spot spot = spot_of(fs, path, true);
	struct node *node = node_new(fs, type, spot.dir);

	check(spot.name[0] != '\0');
	slot_change(fs, spot.dir, spot.name, node);
	return node;
}

void fake_fs_mkdir(struct fake_fs *fs, const char *path)
{
	struct spot spot = spot_of(fs, path, true);

	if (spot.name[0] != '\0')
		spot_enter(fs, &spot, true);
}

static void plant_bytes(struct fake_fs *fs, struct node *node, struct str bytes)
{
	buf_add(&node->bytes, bytes);
	node->bytes_safe = true;
	fs->used += bytes.len;
}

void fake_fs_put(struct fake_fs *fs, const char *path, struct str bytes,
	int64_t mtime_ns)
{
	struct node *node = plant(fs, path, FS_FILE);

	plant_bytes(fs, node, bytes);
	node->mtime_ns = mtime_ns;
	node->safe_mtime_ns = mtime_ns;
}

void fake_fs_plant_link(
	struct fake_fs *fs, const char *path, const char *target)
{
	plant_bytes(fs, plant(fs, path, FS_LINK), str_of(target));
}

void fake_fs_plant_fifo(struct fake_fs *fs, const char *path)
{
	(void)plant(fs, path, FS_OTHER);
}

static void tree_rename(
	struct fake_fs *fs, const struct spot *from, const struct spot *to)
{
	struct fake_move move = {from->dir, from->name, to->dir, to->name};

	if (spot_node(fs, from) != spot_node(fs, to))
		tree_move(fs, &move);
}

void fake_fs_rename(struct fake_fs *fs, const char *from, const char *to)
{
	struct spot old = spot_of(fs, from, false);
	struct spot new = spot_of(fs, to, true);

	check(spot_node(fs, &old) != NULL && old.name[0] != '\0');
	tree_rename(fs, &old, &new);
}

static void tree_remove(struct fake_fs *fs, struct node *dir, const char *name)
{
	struct node *node = dir_find(fs, dir, name);

	while (node->count > 0) {
		char *inner = fake_copy(node->entries[0].name);

		tree_remove(fs, node, inner);
		free(inner);
	}
	slot_change(fs, dir, name, NULL);
}

void fake_fs_remove(struct fake_fs *fs, const char *path)
{
	struct spot spot = spot_of(fs, path, false);

	check(spot_node(fs, &spot) != NULL && spot.name[0] != '\0');
	tree_remove(fs, spot.dir, spot.name);
}

void fake_fs_set_readable(struct fake_fs *fs, const char *path, bool readable)
{
	struct node *node = node_at(fs, path);

	check(node != NULL);
	node->unreadable = !readable;
}

void fake_fs_mount(struct fake_fs *fs, const char *path)
{
	struct node *node = node_at(fs, path);

	check(node != NULL && node->type == FS_DIR && node->count == 0);
	node->device = ++fs->device_last;
}

static void give_device(struct node *node, uint64_t device)
{
	node->device = device;
	for (size_t i = 0; i < node->count; i++)
		give_device(node->entries[i].node, device);
}

void fake_fs_remount(struct fake_fs *fs, const char *path)
{
	struct node *node = node_at(fs, path);

	check(node != NULL && node->type == FS_DIR);
	give_device(node, ++fs->device_last);
}

void fake_fs_fold_case(struct fake_fs *fs)
{
	check(fs->root->count == 0 && fs->change_count == 0);
	fs->folds_case = true;
}

void fake_fs_set_grain(struct fake_fs *fs, int64_t grain_ns)
{
	check(grain_ns > 0);
	fs->grain_ns = grain_ns;
}

void fake_fs_set_clones(struct fake_fs *fs)
{
	fs->clones = true;
}

void fake_fs_hide_births(struct fake_fs *fs)
{
	fs->hides_births = true;
}

void fake_fs_set_room(struct fake_fs *fs, uint64_t bytes)
{
	bool unlimited = bytes > UINT64_MAX - fs->used;

	fs->capacity = unlimited ? UINT64_MAX : fs->used + bytes;
}

size_t fake_fs_handles(const struct fake_fs *fs)
{
	return fs->handles;
}

uint64_t fake_fs_flushes(const struct fake_fs *fs)
{
	return fs->flushes;
}

static struct plan *plan_add(
	struct fake_fs *fs, uint64_t calls, const char *path)
{
	struct plan *plan;

	fs->plans = array_grow(fs->plans, &fs->plan_cap, fs->plan_count + 1,
		sizeof(*fs->plans));
	plan = &fs->plans[fs->plan_count++];
	*plan = (struct plan){
		.at_call = fs->calls + calls, .from = fake_copy(path)};
	return plan;
}

void fake_fs_plan(
	struct fake_fs *fs, uint64_t calls, const char *from, const char *to)
{
	struct plan *plan = plan_add(fs, calls, from);

	plan->to = to == NULL ? NULL : fake_copy(to);
}

void fake_fs_plan_write(
	struct fake_fs *fs, uint64_t calls, const char *path, struct str bytes)
{
	struct plan *plan = plan_add(fs, calls, path);

	plan->writes = true;
	buf_add(&plan->bytes, bytes);
}

void plan_clear(struct plan *plan)
{
	free(plan->from);
	free(plan->to);
	buf_clear(&plan->bytes);
}

static void rewrite(struct fake_fs *fs, const char *path, struct str bytes)
{
	struct node *node = node_at(fs, path);

	fs->used -= node->bytes.len;
	buf_reset(&node->bytes);
	plant_bytes(fs, node, bytes);
	node->mtime_ns = fake_stamp(fs);
	node->ctime_ns = node->mtime_ns;
	node->safe_mtime_ns = node->mtime_ns;
}

static void plan_run(struct fake_fs *fs, struct plan *plan)
{
	if (!fake_fs_exists(fs, plan->from))
		return;
	if (plan->writes)
		rewrite(fs, plan->from, buf_str(&plan->bytes));
	else if (plan->to != NULL)
		fake_fs_rename(fs, plan->from, plan->to);
	else
		fake_fs_remove(fs, plan->from);
}

void plans_run(struct fake_fs *fs)
{
	size_t kept = 0;

	for (size_t i = 0; i < fs->plan_count; i++) {
		if (fs->plans[i].at_call > fs->calls) {
			fs->plans[kept++] = fs->plans[i];
			continue;
		}
		plan_run(fs, &fs->plans[i]);
		plan_clear(&fs->plans[i]);
	}
	fs->plan_count = kept;
}

bool fake_fs_exists(struct fake_fs *fs, const char *path)
{
	return node_at(fs, path) != NULL;
}

bool fake_fs_read(struct fake_fs *fs, const char *path, struct buf *bytes)
{
	const struct node *node = node_at(fs, path);

	if (node == NULL || node->type != FS_FILE)
		return false;
	buf_add(bytes, buf_str(&node->bytes));
	return true;
}

uint64_t fake_hash(struct str bytes)
{
	uint64_t hash = 0xcbf29ce484222325U ^ bytes.len;

	while (bytes.len > 0) {
		uint64_t word = 0;
		size_t n = bytes.len < sizeof(word) ? bytes.len : sizeof(word);

		memcpy(&word, bytes.ptr, n);
		hash = (hash ^ word) * 0x9e3779b97f4a7c15U;
		hash ^= hash >> 32;
		bytes = str_sub(bytes, n, bytes.len);
	}
	return hash;
}

static void dump_bytes(struct str bytes, struct buf *lines)
{
	buf_addf(lines, " #%016" PRIx64 " ", fake_hash(bytes));
	for (size_t i = 0; i < bytes.len && i < SHOWN_BYTES; i++) {
		bool shows = bytes.ptr[i] >= 0x20 && bytes.ptr[i] < 0x7f;

		buf_add(lines, shows ? str_sub(bytes, i, 1) : STR("."));
	}
}

static void dump_node(
	const struct node *node, const char *path, struct buf *lines)
{
	buf_addz(lines, path);
	switch (node->type) {
	case FS_DIR:
		buf_addz(lines, "/");
		break;
	case FS_FILE:
		buf_addf(lines, " %zu @%" PRId64, node->bytes.len,
			node->mtime_ns / NSEC);
		dump_bytes(buf_str(&node->bytes), lines);
		break;
	case FS_LINK:
		buf_addz(lines, " -> ");
		buf_add(lines, buf_str(&node->bytes));
		break;
	case FS_OTHER:
	case FS_UNKNOWN:
		buf_addz(lines, " special");
		break;
	}
	buf_addc(lines, '\n');
}

static int entry_order(const void *a, const void *b)
{
	const struct entry *first = a;
	const struct entry *second = b;

	return strcmp(first->name, second->name);
}

static void dump_dir(
	const struct node *dir, const char *path, struct buf *lines)
{
	struct entry *sorted = calloc(dir->count + 1, sizeof(*sorted));

	check(sorted != NULL);
	for (size_t i = 0; i < dir->count; i++)
		sorted[i] = dir->entries[i];
	qsort(sorted, dir->count, sizeof(*sorted), entry_order);
	for (size_t i = 0; i < dir->count; i++) {
		struct buf inner = {0};

		buf_addf(&inner, "%s/%s", path, sorted[i].name);
		dump_node(sorted[i].node, buf_z(&inner), lines);
		dump_dir(sorted[i].node, buf_z(&inner), lines);
		buf_clear(&inner);
	}
	free(sorted);
}

void fake_fs_dump(struct fake_fs *fs, const char *path, struct buf *lines)
{
	const struct node *node = node_at(fs, path);

	if (node != NULL)
		dump_dir(node, strcmp(path, "/") == 0 ? "" : path, lines);
}

/* Appends the first lines that differ; true if none does. */
static bool lines_same(struct str a, struct str b, struct buf *difference)
{
	struct str first = {0};
	struct str second = {0};
	bool more = true;

	while (more && str_eq(first, second)) {
		more = str_split(&a, '\n', &first);
		if (!more)
			first = (struct str){0};
		if (str_split(&b, '\n', &second))
			more = true;
		else
			second = (struct str){0};
	}
	if (str_eq(first, second))
		return true;
	buf_addf(difference, "here: %.*s\nthere: %.*s\n", STR_FMT(first),
		STR_FMT(second));
	return false;
}

bool fake_fs_same(struct fake_fs *a, struct fake_fs *b, const char *path,
	struct buf *difference)
{
	struct buf first = {0};
	struct buf second = {0};
	bool same;

	fake_fs_dump(a, path, &first);
	fake_fs_dump(b, path, &second);
	same = lines_same(buf_str(&first), buf_str(&second), difference);
	buf_clear(&first);
	buf_clear(&second);
	return same;
}
