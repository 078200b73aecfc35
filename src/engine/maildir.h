/*
 * Maildirs: one mailbox's folder, through the fs port.
 *
 * Opens, lists and changes the folder with its cur/, new/ and tmp/. Listing is
 * careful: a file may be renamed by a mail reader while it is being read, so a
 * scan is believed only between two equal stamps of the folders. What a file
 * means is mail/maildir_name.h; what is to be done with it is the plan's.
 */
#ifndef GODWIT_SRC_ENGINE_MAILDIR_H
#define GODWIT_SRC_ENGINE_MAILDIR_H

#include "godwit/base/arena.h"
#include "godwit/engine/account.h"
#include "godwit/engine/ports/fs.h"
#include "godwit/mail/keywords.h"
#include "godwit/mail/kwfile.h"
#include "godwit/mail/mailbox_name.h"
#include "godwit/sync/match.h"

#include <stdbool.h>

/* One folder's state; equal stamps mean that no name came, went or changed, and
 * that letters mean what they did. Zeroes: there is no such thing. */
struct maildir_stamp {
	struct fs_stat cur;
	struct fs_stat new_;
	struct fs_stat letters; /* of the keyword file */
};

/*
 * Whether every change since then shows in the stamp: git's rule for what is
 * racily clean. `next_ns` is next_stamp() of before the stamp was taken.
 */
bool maildir_stamp_is_final(const struct maildir_stamp *stamp, int64_t next_ns);

/* A file's part in the sum of a folder: those of equal folders are equal, in
 * whichever order they are added up. */
uint64_t maildir_sum(struct str unique, struct flags flags);

/* The part of a file of this name in the folder; 0 if it cannot be told. */
struct maildir;
uint64_t maildir_file_sum(const struct maildir *md, struct str file_name);

bool maildir_stamp_eq(
	const struct maildir_stamp *a, const struct maildir_stamp *b);
bool maildir_letters_eq(const struct fs_stat *a, const struct fs_stat *b);

/* An open mailbox folder. */
struct maildir {
	const struct fs_port *fs;
	struct fs_dir *folder;
	bool is_root; /* folder is the root, borrowed */
	struct fs_dir *cur;
	struct fs_dir *new_;       /* NULL: missing, and opened read-only */
	struct fs_dir *tmp;        /* NULL: opened read-only */
	struct keywords *keywords; /* borrowed: the mailbox's table */
	struct arena *arena;       /* borrowed: for names found again */
	struct kwfile kwfile;
	struct fs_stat letters; /* its stamp, before it was read */
	bool kwfile_dirty;      /* letters were given that are not on disk */
	bool shuns;             /* kwfile.shunned is known */
};

/* Where a mailbox's folder is. All borrowed. */
struct maildir_place {
	const struct fs_port *fs;
	struct fs_dir *root;
	struct str path; /* below the root, as mailbox_name_path() made it; ""
			  * is the root itself */
	bool create;     /* make what is missing, durably */
	bool sync_later; /* but that is left to maildir_sync_way() */
	bool read_only;  /* write nothing: only to be listed and read */
};

/*
 * Opens a mailbox's folder, and reads its keyword file into `keywords`, which
 * is borrowed. A missing new/ or tmp/ is made, unless read_only. FS_ABSENT when
 * there is no such mailbox.
 */
enum fs_result maildir_open(struct maildir *md,
	const struct maildir_place *place, struct keywords *keywords,
	struct err *err);

/* What is in a mailbox's folder beside its messages. */
struct maildir_condition {
	bool has_new;
	bool has_tmp;
	size_t leftovers; /* of ours in tmp/ */
};

/* Looks, and mends nothing. FS_ABSENT when there is no such mailbox. */
enum fs_result maildir_look(const struct maildir_place *place,
	struct maildir_condition *condition_r, struct err *err);

/* Also for one that failed to open. */
void maildir_close(struct maildir *md);

int maildir_stamp(
	struct maildir *md, struct maildir_stamp *stamp_r, struct err *err);

/*
 * A name in new/ of a file that also has one in cur/, the unique part being the
 * same. A mail reader between link and unlink leaves one for a moment, a power
 * cut that undoes half of a rename for good.
 */
struct maildir_leftover {
	struct str file_name;
	uint64_t inode;
	int64_t ctime_ns; /* when it got its latest name, or lost one */
};

/* What a scan found. All in the arena that was given. */
struct maildir_scan {
	struct local_item *items; /* sorted by name */
	size_t count;
	struct maildir_leftover *leftovers; /* their items are in cur/ */
	size_t leftover_count;
	struct maildir_stamp stamp;
	bool is_final; /* the stamp is (maildir_stamp_is_final) */
};

/* Entries of the journal whose files ought to be there. */
struct maildir_known {
	const struct base_item *items;
	size_t count;
};

/*
 * Lists new/ and cur/. A name of `known` that is missing is believed gone only
 * after a second scan under an unchanged stamp. -1 and err (ERR_LATER) when the
 * folder keeps changing.
 */
int maildir_scan(struct maildir *md, const struct maildir_known *known,
	struct arena *arena, struct maildir_scan *scan_r, struct err *err);

/* The file with this unique part, or NULL. */
const struct local_item *maildir_scan_find(
	const struct maildir_scan *scan, struct str name);

/* The sum of what was found. */
uint64_t maildir_scan_sum(const struct maildir_scan *scan);

/* What the files of a folder add up to. */
struct maildir_total {
	uint64_t sum; /* as maildir_scan_sum(), but that each name of a file
		       * that has several counts */
	size_t files;
	struct maildir_stamp stamp;
	bool is_final; /* the stamp is, and nothing changed meanwhile */
};

/* Adds up new/ and cur/, and keeps nothing of them: a fraction of what a scan
 * costs. */
int maildir_add_up(
	struct maildir *md, struct maildir_total *total_r, struct err *err);

/* Removes a leftover, if `item`, which has its unique part, still is the same
 * file in cur/. FS_ABSENT: it is not. */
enum fs_result maildir_drop_leftover(struct maildir *md,
	const struct maildir_leftover *leftover, const struct local_item *item,
	struct err *err);

/*
 * Finds the file of an unnamed item by the names that we would give to one with
 * its flags; then it is unnamed no more. FS_ABSENT: it has none of these.
 */
enum fs_result maildir_guess(
	struct maildir *md, struct local_item *item, struct err *err);

/* Says what an item's file is. One that was renamed since the scan is found
 * again, and *item changed; FS_ABSENT: it is gone. */
enum fs_result maildir_stat(struct maildir *md, struct local_item *item,
	struct fs_stat *stat_r, struct err *err);

/* Opens it to read, too. */
enum fs_result maildir_read(struct maildir *md, struct local_item *item,
	struct fs_file **file_r, struct fs_stat *stat_r, struct err *err);

/*
 * Renames an item's file so that its name says `flags`, moving it to cur/
 * where it must. item->file_name, flags and in_new become the new ones (from
 * `arena`). FS_ABSENT as above, FS_EXISTS when the name is taken.
 */
enum fs_result maildir_set_flags(struct maildir *md, struct local_item *item,
	struct flags flags, struct arena *arena, struct err *err);

/* Gives letters to the keywords of `flags` that have none; the file must then
 * be written before a name uses them. */
void maildir_letter_keywords(struct maildir *md, struct flags flags);

/* Writes the keyword file if it has to be, durably. */
int maildir_write_keywords(struct maildir *md, struct err *err);

/* Which directory an item or a new file is in. */
struct fs_dir *maildir_dir(const struct maildir *md, bool in_new);

/* Makes the names in cur/ and new/ durable, at once or by dirs_sync. */
int maildir_sync(struct maildir *md, struct err *err);
int maildir_sync_later(struct maildir *md, struct err *err);

/* Hands the folders on the way from the root to the place's to dirs_sync, but
 * those on the way to `synced`, if it is any. FS_ABSENT: it is not there any
 * more. */
enum fs_result maildir_sync_way(
	const struct maildir_place *place, struct str synced, struct err *err);

/* Renames the folder at the place to the path `to`, with all that is in it,
 * durably; makes the folders on the way there. FS_EXISTS, FS_ABSENT: nothing
 * was renamed. */
enum fs_result maildir_move(
	const struct maildir_place *place, struct str to, struct err *err);

/* Makes a file in tmp/; who has the name already is a crash's left-over. */
enum fs_result maildir_create_tmp(struct maildir *md, const char *name,
	struct fs_file **file_r, struct err *err);

/* The mtime of a message's file; a date past the years that fit (1677 to 2262)
 * is moved to their end. */
int64_t maildir_mtime_ns(int64_t date_s);

/* Removes from tmp/ what an interrupted delivery of ours left. */
int maildir_clean_tmp(struct maildir *md, struct err *err);

/* Canonical names of mailboxes. */
struct maildir_names {
	struct str *items;
	struct maildir_stamp *stamps; /* of each */
	size_t count;
	struct err *faults; /* of folders that cannot be looked into, or whose
			     * names can be no mailbox's */
	size_t fault_count;
};

/* Whether maildir_list() would find a mailbox, or a fault. */
int maildir_any(const struct maildir_place *place, enum mailbox_layout layout,
	bool *any_r, struct err *err);

/* All mailboxes below the place's root, in the arena, in no order. */
int maildir_list(const struct maildir_place *place, enum mailbox_layout layout,
	struct arena *arena, struct maildir_names *names_r, struct err *err);

#endif
