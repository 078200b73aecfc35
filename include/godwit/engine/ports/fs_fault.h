/*
 * What can be wrong with a file system, as sentences that say what to do.
 *
 * For those who implement the fs port: the real one and the simulator's report
 * the same fault in the same words, with the same scope and the same advice on
 * trying again, so that what the simulator proves holds on a disk. Knows no
 * errno and asks nothing of the system.
 */
#ifndef GODWIT_ENGINE_PORTS_FS_FAULT_H
#define GODWIT_ENGINE_PORTS_FS_FAULT_H

#include "godwit/engine/ports/fs.h"

enum fs_fault {
	FS_FAULT_FULL,       /* no space left */
	FS_FAULT_QUOTA,      /* the user's share is used up */
	FS_FAULT_TOO_BIG,    /* more than one file may hold */
	FS_FAULT_READ_ONLY,  /* mounted so */
	FS_FAULT_DENIED,     /* by permissions */
	FS_FAULT_BROKEN,     /* the disk cannot read or write */
	FS_FAULT_MANY_OPEN,  /* out of file descriptors */
	FS_FAULT_LINK,       /* a symbolic link, which is never followed */
	FS_FAULT_NOT_FOLDER, /* something else bears the name */
	FS_FAULT_NOT_FILE,   /* likewise */
	FS_FAULT_NAME,       /* not one component, or too long */
	FS_FAULT_GONE,       /* the open folder itself was removed */
	FS_FAULT_NO_LINKS,   /* cannot rename without the risk to replace */
	FS_FAULT_OTHER,      /* see detail */
};

/* What was to be done when it happened. */
enum fs_act {
	FS_ACT_ROOT,     /* root_open */
	FS_ACT_FOLDER,   /* dir_open */
	FS_ACT_LIST,     /* dir_rewind, dir_next, dir_stat, folds_case */
	FS_ACT_NAMES,    /* dir_sync */
	FS_ACT_LOOK,     /* stat */
	FS_ACT_CREATE,   /* create, and dir_open's */
	FS_ACT_READ,     /* open, read */
	FS_ACT_WRITE,    /* write, finish */
	FS_ACT_FLUSH,    /* flush */
	FS_ACT_RENAME,   /* rename, replace */
	FS_ACT_LINK_NEW, /* link */
	FS_ACT_REMOVE,   /* unlink, rmdir */
	FS_ACT_DATE,     /* set_mtime */
};

struct fs_place {
	enum fs_act act;
	const char *folder; /* its path */
	const char *name;   /* in it; NULL: the folder itself */
};

/*
 * Fills *err: ERR_DISK, and as scope the wider one of what the act concerns
 * (reading: the message) and what the fault ends (a full disk: the account).
 * `detail` is shown for FS_FAULT_OTHER only. Returns FS_FAILED.
 */
enum fs_result fs_fault_set(struct err *err, const struct fs_place *place,
	enum fs_fault fault, const char *detail);

/* Whether `name` is one component that a call may take: 1 to LIMIT_NAME_BYTES
 * bytes, no '/', not "." nor "..". */
bool fs_name_valid(const char *name);

#endif
