/*
 * How: a crash chooses which pending changes have reached the disk, adds what
 * those need, and takes the others back, the latest first. A folder whose
 * changes were all taken back gets its old stamps back with them, for a file
 * system writes both in one; one that kept some gets a new stamp. Then the tree
 * is walked from the root: what it does not reach is gone, and a number that
 * was given away meanwhile is replaced.
 */
#include "fake_fs_private.h"

#include "godwit/base/arena.h"

#include <stdlib.h>
#include <string.h>

/* What of the contents a crash leaves, behind those that are durable. */
enum tear {
	TEAR_ALL,    /* nothing is left */
	TEAR_TAIL,   /* the front is */
	TEAR_ZEROES, /* the size is, and zeroes behind the front */
	TEAR_NONE,   /* it is all there by luck */
	TEARS,
};

static void file_tear(
	struct fake_fs *fs, struct node *node, struct fate *chance)
{
	enum tear tear = (enum tear)fate_random(chance, TEARS);
	size_t len = node->bytes.len;
	size_t safe = node->safe_bytes;
	size_t front = safe + (size_t)fate_random(chance, len - safe + 1);
	struct str head = str_sub(buf_str(&node->bytes), 0,
		tear == TEAR_ALL    ? safe
		: tear == TEAR_NONE ? len
				    : front);
	struct buf left = {0};

	buf_add(&left, head);
	if (tear == TEAR_ZEROES) {
		memset(buf_reserve(&left, len - front), 0, len - front);
		buf_commit(&left, len - front);
	}
	buf_clear(&node->bytes);
	node->bytes = left;
	if (fate_random(chance, 2) == 0)
		node->mtime_ns = fake_stamp(fs);
}

static void files_tear(struct fake_fs *fs, struct fate *chance)
{
	for (struct node *node = fs->nodes; node != NULL; node = node->older) {
		if (node->type != FS_FILE)
			continue;
		if (!node->bytes_safe)
			file_tear(fs, node, chance);
		else if (node->mtime_ns != node->safe_mtime_ns &&
			 fate_random(chance, 2) == 0)
			node->mtime_ns = node->safe_mtime_ns;
		node->finished = false;
		node->bytes_safe = true;
		node->safe_mtime_ns = node->mtime_ns;
	}
}

/* Each with the same chance, which is itself drawn: none to all. */
static void changes_choose(struct fake_fs *fs, struct fate *chance)
{
	uint64_t quarters = fate_random(chance, 5);

	for (size_t i = 0; i < fs->change_count; i++)
		fs->changes[i].chosen = fate_random(chance, 4) < quarters;
	changes_close(fs);
}

static bool kept_some(const struct fake_fs *fs, const struct node *dir)
{
	for (size_t i = 0; i < fs->change_count; i++) {
		if (fs->changes[i].dir == dir && fs->changes[i].chosen)
			return true;
	}
	return false;
}

static void change_undo(struct fake_fs *fs, const struct change *change)
{
	struct node *dir = change->dir;

	slot_set(fs, dir, change->name, NULL);
	if (change->before != NULL)
		slot_set(fs, dir, change->before_name, change->before);
	if (kept_some(fs, dir)) {
		dir->mtime_ns = fake_stamp(fs);
		dir->ctime_ns = dir->mtime_ns;
	} else {
		dir->mtime_ns = change->dir_mtime_ns;
		dir->ctime_ns = change->dir_ctime_ns;
	}
}

static void changes_lose(struct fake_fs *fs)
{
	for (size_t i = fs->change_count; i-- > 0;) {
		if (!fs->changes[i].chosen)
			change_undo(fs, &fs->changes[i]);
	}
	for (size_t i = 0; i < fs->change_count; i++)
		fs->changes[i].chosen = true;
	changes_settle(fs);
}

/* Marks all below `node`; its depth is the test's own. */
static void reach(struct node *node)
{
	node->reached = true;
	for (size_t i = 0; i < node->count; i++) {
		if (!node->entries[i].node->reached)
			reach(node->entries[i].node);
	}
}

static void unreached_free(struct fake_fs *fs)
{
	struct node **at = &fs->nodes;

	while (*at != NULL) {
		struct node *node = *at;

		if (node->reached || node->handles > 0) {
			at = &node->older;
			continue;
		}
		*at = node->older;
		node_free(node);
	}
}

/* Two nodes may have one number, when one of them came back. */
static void inodes_part(struct fake_fs *fs)
{
	uint64_t last = fs->inode_last;
	bool *taken = calloc(last + 1, sizeof(*taken));

	check(taken != NULL);
	fs->inodes_free_count = 0;
	for (struct node *node = fs->nodes; node != NULL; node = node->older) {
		if (taken[node->inode])
			node->inode = ++fs->inode_last;
		else
			taken[node->inode] = true;
	}
	free(taken);
}

/* Frees what has neither name nor handle, and counts anew. */
static void tree_clean(struct fake_fs *fs)
{
	for (struct node *node = fs->nodes; node != NULL; node = node->older)
		node->reached = false;
	reach(fs->root);
	unreached_free(fs);
	fs->used = 0;
	for (struct node *node = fs->nodes; node != NULL; node = node->older)
		fs->used += node->bytes.len;
}

static void handles_end(struct fake_fs *fs)
{
	fs->generation++;
	for (struct node *node = fs->nodes; node != NULL; node = node->older) {
		node->handles = 0;
		node->names_due = 0;
	}
}

void fake_fs_crash(struct fake_fs *fs, uint64_t seed)
{
	struct fate chance;

	fate_init(&chance, seed);
	handles_end(fs);
	changes_choose(fs, &chance);
	changes_lose(fs);
	files_tear(fs, &chance);
	tree_clean(fs);
	inodes_part(fs);
}

void fake_fs_kill(struct fake_fs *fs)
{
	handles_end(fs);
	for (struct node *node = fs->nodes; node != NULL; node = node->older)
		node->finished = false;
}

void fake_fs_settle(struct fake_fs *fs)
{
	for (size_t i = 0; i < fs->change_count; i++)
		fs->changes[i].chosen = true;
	changes_settle(fs);
	for (struct node *node = fs->nodes; node != NULL; node = node->older) {
		node->bytes_safe = true;
		node->safe_mtime_ns = node->mtime_ns;
	}
	tree_clean(fs);
}
