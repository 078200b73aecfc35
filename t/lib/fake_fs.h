/*
 * A file system in memory that can lose what was not synced: the fs port for
 * tests.
 *
 * Until dir_sync of its folder, each change of a name may or may not survive a
 * crash, and so may a later one without an earlier one of another name; only
 * the history of one name stays in order, and a rename never loses both names
 * (it may leave both when it crosses folders; a folder that is lost takes what
 * is in it along). Until finish and flush, a file's contents may be lost, cut
 * short, or zeroes, and its date lost. That is less than real file systems
 * keep, and all that POSIX promises.
 *
 * Freed inode numbers are used again at once. Names are read in the order of a
 * hash, so that a file renamed while a folder is read may be seen twice or
 * never, as on ext4.
 *
 * The calls below the port act as other programs do: they count as no step and
 * work when the machine is dead. Paths start with '/'; a path that is not as a
 * call needs it aborts the test.
 */
#ifndef GODWIT_T_LIB_FAKE_FS_H
#define GODWIT_T_LIB_FAKE_FS_H

#include "fate.h"
#include "godwit/engine/ports/clock.h"
#include "godwit/engine/ports/fs.h"

struct fake_fs;

/* An empty "/". Both are borrowed; the clock gives the stamps. */
struct fake_fs *fake_fs_new(struct fate *fate, const struct clock_port *clock);

/* The port; borrowed until fake_fs_free(). */
const struct fs_port *fake_fs_port(struct fake_fs *fs);

/* Every handle must have been closed. Harmless on NULL. */
void fake_fs_free(struct fake_fs **fs);

/* Folders and files that are open; 0 when a run has cleaned up. */
size_t fake_fs_handles(const struct fake_fs *fs);

/* Waits for the disk so far: flushes and syncs of folders, for however many
 * files or folders, but those that had nothing to write. */
uint64_t fake_fs_flushes(const struct fake_fs *fs);
/* From now on files can share their blocks. */
void fake_fs_set_clones(struct fake_fs *fs);

/* Nobody can tell when a folder was made. */
void fake_fs_hide_births(struct fake_fs *fs);

/* Names that differ in the case of ASCII letters are one. Only while the file
 * system is empty. */
void fake_fs_fold_case(struct fake_fs *fs);

/* Stamps become multiples of this (1: exact), as those of a kernel do. */
void fake_fs_set_grain(struct fake_fs *fs, int64_t grain_ns);

/* `bytes` more can be written, then the disk is full; what is removed makes
 * room. UINT64_MAX: no limit. */
void fake_fs_set_room(struct fake_fs *fs, uint64_t bytes);

/* The power fails: what was not durable is lost or torn as `seed` has it, all
 * handles are dead. Call fate_revive() before the next run. */
void fake_fs_crash(struct fake_fs *fs, uint64_t seed);

/* The process is killed: all handles are dead, nothing is lost (yet). */
void fake_fs_kill(struct fake_fs *fs);

/* sync(1): all is durable. */
void fake_fs_settle(struct fake_fs *fs);

/* Other programs. Folders on the way to a new name are made. What they write
 * is durable at once, the names are not until fake_fs_settle(). */
void fake_fs_mkdir(struct fake_fs *fs, const char *path);
void fake_fs_put(struct fake_fs *fs, const char *path, struct str bytes,
	int64_t mtime_ns);
void fake_fs_plant_link(
	struct fake_fs *fs, const char *path, const char *target);
void fake_fs_plant_fifo(struct fake_fs *fs, const char *path);
/* Replaces what is at `to`. */
void fake_fs_rename(struct fake_fs *fs, const char *from, const char *to);
/* A folder with all that is in it. */
void fake_fs_remove(struct fake_fs *fs, const char *path);
/* Whether the user may open it. */
void fake_fs_set_readable(struct fake_fs *fs, const char *path, bool readable);
/* Makes the empty folder another device's root. */
void fake_fs_mount(struct fake_fs *fs, const char *path);

/* The folder and what is in it get another device's number, as when a disk is
 * mounted again. */
void fake_fs_remount(struct fake_fs *fs, const char *path);

/* After `calls` more calls of the port, before the next one, another program
 * renames `from` to `to` (NULL: removes it), if it is there then. */
void fake_fs_plan(
	struct fake_fs *fs, uint64_t calls, const char *from, const char *to);

/* Likewise, one writes to the file: `bytes` take the place of what is in it. */
void fake_fs_plan_write(
	struct fake_fs *fs, uint64_t calls, const char *path, struct str bytes);

bool fake_fs_exists(struct fake_fs *fs, const char *path);

/* Appends a file's contents; false if there is no such file. */
bool fake_fs_read(struct fake_fs *fs, const char *path, struct buf *bytes);

/* A hash of any bytes; quick, as bodies are large. */
uint64_t fake_hash(struct str bytes);

/* Appends a line for each thing below `path`, sorted: path, kind, and of files
 * size, mtime in seconds, a hash of the contents and their beginning. */
void fake_fs_dump(struct fake_fs *fs, const char *path, struct buf *lines);

/* Whether both dump alike; if not, appends the first lines that differ. */
bool fake_fs_same(struct fake_fs *a, struct fake_fs *b, const char *path,
	struct buf *difference);

#endif
