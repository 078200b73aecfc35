/*
 * The fake file system's inside, for its own files.
 *
 * fake_fs_tree.c has nodes, names and what is pending; fake_fs_crash.c what is
 * durable; fake_fs_user.c the other programs; fake_fs.c the port's folders and
 * names, fake_fs_file.c its files.
 */
#ifndef GODWIT_T_LIB_FAKE_FS_PRIVATE_H
#define GODWIT_T_LIB_FAKE_FS_PRIVATE_H

#include "fake_fs.h"
#include "godwit/engine/ports/fs_fault.h"

/* A name in a folder; sorted by hash, then by name. */
struct entry {
	uint64_t hash;
	char *name;
	struct node *node;
};

struct node {
	struct node *older; /* all nodes hang in one list */
	enum fs_type type;
	bool unreadable;
	bool reached; /* by the latest walk */
	uint64_t device;
	uint64_t inode;
	int64_t mtime_ns;
	int64_t ctime_ns;
	int64_t born_ns;
	size_t links;
	size_t handles;

	struct buf bytes;      /* a file's contents, a link's target */
	bool bytes_safe;       /* contents are durable */
	size_t safe_bytes;     /* so many are, where not all */
	int64_t safe_mtime_ns; /* the durable date */
	bool finished;         /* waits for the flush */

	uint64_t names_due; /* its changes up to this id wait for dirs_sync */
	struct entry *entries; /* a folder's */
	size_t count;
	size_t cap;
};

/* One name's change that is not durable yet. */
struct change {
	uint64_t id; /* ascending from 1 */
	struct node *dir;
	char *name;
	struct node *before; /* NULL: there was none */
	struct node *after;
	char *before_name; /* may differ from `name` in letter case */
	int64_t dir_mtime_ns;
	int64_t dir_ctime_ns;
	uint64_t needs[2]; /* ids of those without which it cannot be */
	bool chosen;
};

struct plan {
	uint64_t at_call;
	char *from;
	char *to;
	bool writes; /* `bytes`, to `from` */
	struct buf bytes;
};

struct fake_fs {
	struct fs_port port;
	struct fate *fate;
	const struct clock_port *clock;
	int64_t grain_ns;
	bool folds_case;
	bool clones;
	bool hides_births;

	struct node *nodes;
	struct node *root;
	uint64_t inode_last;
	uint64_t device_last;
	uint64_t *inodes_free; /* used again, the latest first */
	size_t inodes_free_count;
	size_t inodes_free_cap;
	uint64_t used;
	uint64_t capacity;

	struct change *changes;
	size_t change_count;
	size_t change_cap;
	uint64_t change_last;

	struct plan *plans;
	size_t plan_count;
	size_t plan_cap;
	uint64_t calls;

	uint64_t flushes;

	uint64_t generation; /* handles of an older one are dead */
	size_t handles;
};

struct fs_dir {
	struct fake_fs *fs;
	uint64_t generation;
	struct node *node;
	char *path;
	bool reading;
	char *seen; /* the latest name given, NULL: none */
};

struct fs_file {
	struct fake_fs *fs;
	uint64_t generation;
	struct node *node;
	size_t at;
	bool is_broken;
	enum fs_fault broken;
	char *folder;
	char *name;
};

/* Nodes. */
struct node *node_new(
	struct fake_fs *fs, enum fs_type type, const struct node *parent);
void node_free(struct node *node);
int64_t fake_stamp(struct fake_fs *fs);
void node_hold(struct fake_fs *fs, struct node *node);
void node_drop(struct fake_fs *fs, struct node *node);

/* Names. */
struct node *dir_find(
	const struct fake_fs *fs, const struct node *dir, const char *name);
/* The entry after `seen` (NULL: the first) in reading order, or NULL. */
const struct entry *dir_after(
	const struct fake_fs *fs, const struct node *dir, const char *seen);
/* Puts `node` (NULL: nothing) at the name, without remembering what was. */
void slot_set(struct fake_fs *fs, struct node *dir, const char *name,
	struct node *node);
/* Does so as a change that is not durable; returns it, borrowed. */
struct change *slot_change(struct fake_fs *fs, struct node *dir,
	const char *name, struct node *node);
/* A rename as its pair of changes. */
struct fake_move {
	struct node *from_dir;
	const char *from;
	struct node *to_dir;
	const char *to;
};
void tree_move(struct fake_fs *fs, const struct fake_move *move);

/* What is pending. */
bool changes_pending(const struct fake_fs *fs, const struct node *dir);
/* Chooses what the chosen need, until nothing is missing. */
void changes_close(struct fake_fs *fs);
/* Forgets the changes that are chosen: they are durable. */
void changes_settle(struct fake_fs *fs);
/* Makes the names in `dir` durable, as they were at change `until`. */
void dir_settle(struct fake_fs *fs, struct node *dir, uint64_t until);

/* Does what other programs had planned for now. */
void plans_run(struct fake_fs *fs);
void plan_clear(struct plan *plan);

/* fake_fs_file.c's part of the port. */
void fake_port_files(struct fs_port *port);

/* Begins a call of the port: FS_OK, or FS_FAILED and err. */
enum fs_result fake_call(struct fake_fs *fs, const char *call,
	const struct fs_place *place, struct err *err);
enum fs_result fake_dir_call(const struct fs_dir *dir, const char *call,
	const struct fs_place *place, struct err *err);
/* Counts the step that comes now: FS_OK, or FS_FAILED and err. */
enum fs_result fake_step(struct fake_fs *fs, struct err *err);

char *fake_copy(const char *text);

#endif
