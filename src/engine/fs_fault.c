/*
 * How: one table of acts (verb, what it concerns) and one of faults (what it
 * ends, whether to try again, the sentence's second half); an error is a row of
 * each. Of a long path the end is shown, which leaves room for the advice.
 */
#include "godwit/engine/ports/fs_fault.h"

#include "godwit/base/limits.h"

#include <string.h>

enum {
	PATH_SHOWN_BYTES = 480,
};

struct act_row {
	const char *verb;
	enum err_scope scope;
};

static const struct act_row acts[] = {
	[FS_ACT_ROOT] = {"open", ERR_ACCOUNT},
	[FS_ACT_FOLDER] = {"open", ERR_MAILBOX},
	[FS_ACT_LIST] = {"list", ERR_MAILBOX},
	[FS_ACT_NAMES] = {"make durable", ERR_MAILBOX},
	[FS_ACT_LOOK] = {"look at", ERR_MESSAGE},
	[FS_ACT_CREATE] = {"create", ERR_MAILBOX},
	[FS_ACT_READ] = {"read", ERR_MESSAGE},
	[FS_ACT_WRITE] = {"write", ERR_MESSAGE},
	[FS_ACT_FLUSH] = {"write", ERR_MAILBOX},
	[FS_ACT_RENAME] = {"rename", ERR_MESSAGE},
	[FS_ACT_LINK_NEW] = {"link", ERR_MESSAGE},
	[FS_ACT_REMOVE] = {"remove", ERR_MESSAGE},
	[FS_ACT_DATE] = {"set the date of", ERR_MESSAGE},
};

struct fault_row {
	enum err_scope scope;
	enum err_retry retry;
	const char *advice;
};

static const struct fault_row faults[] = {
	[FS_FAULT_FULL] = {ERR_ACCOUNT, ERR_LATER,
		"the disk is full; make room and run again"},
	[FS_FAULT_QUOTA] = {ERR_ACCOUNT, ERR_LATER,
		"your disk quota is used up; make room and run again"},
	[FS_FAULT_TOO_BIG] = {ERR_MESSAGE, ERR_NEVER,
		"it is larger than a file may be here (see `ulimit -f`)"},
	[FS_FAULT_READ_ONLY] = {ERR_ACCOUNT, ERR_NEVER,
		"the file system is read-only; remount it for writing (after "
		"a disk error the system makes it read-only by itself: see "
		"the system log)"},
	[FS_FAULT_DENIED] = {ERR_MESSAGE, ERR_NEVER,
		"permission denied; make it yours with chown, or give "
		"yourself access with chmod u+rwX"},
	[FS_FAULT_BROKEN] = {ERR_MESSAGE, ERR_LATER,
		"the disk reports an error; see the system log and check the "
		"disk"},
	[FS_FAULT_MANY_OPEN] = {ERR_ACCOUNT, ERR_LATER,
		"too many files are open; raise the limit with `ulimit -n`"},
	[FS_FAULT_LINK] = {ERR_MESSAGE, ERR_NEVER,
		"it is a symbolic link, and godwit follows none below the "
		"mail folder; put the real thing there"},
	[FS_FAULT_NOT_FOLDER] = {ERR_MESSAGE, ERR_NEVER,
		"it is not a folder; move it out of the way"},
	[FS_FAULT_NOT_FILE] = {ERR_MESSAGE, ERR_NEVER,
		"it is not a regular file; move it out of the way"},
	[FS_FAULT_NAME] = {ERR_MESSAGE, ERR_NEVER,
		"no file can have this name here; choose another"},
	[FS_FAULT_GONE] = {ERR_MAILBOX, ERR_LATER,
		"the folder was removed by another program; run again"},
	[FS_FAULT_NO_LINKS] = {ERR_ACCOUNT, ERR_NEVER,
		"the file system can neither rename without replacing nor "
		"make hard links, so mail is not safe on it; use another one"},
	[FS_FAULT_OTHER] = {ERR_MESSAGE, ERR_LATER, NULL},
};

enum fs_result fs_fault_set(struct err *err, const struct fs_place *place,
	enum fs_fault fault, const char *detail)
{
	const struct act_row *act = &acts[place->act];
	const struct fault_row *row = &faults[fault];
	enum err_scope scope =
		act->scope > row->scope ? act->scope : row->scope;
	struct buf path = {0};
	struct str shown;

	buf_addz(&path, place->folder);
	if (place->name != NULL) {
		if (!str_ends(buf_str(&path), STR("/")))
			buf_addc(&path, '/');
		buf_addz(&path, place->name);
	}
	shown = buf_str(&path);
	if (shown.len > PATH_SHOWN_BYTES)
		shown = str_sub(
			shown, shown.len - PATH_SHOWN_BYTES, PATH_SHOWN_BYTES);
	err_set(err, scope, row->retry, ERR_DISK, "cannot %s %s%.*s: %s",
		act->verb, shown.len < path.len ? "..." : "", STR_FMT(shown),
		row->advice != NULL ? row->advice : detail);
	buf_clear(&path);
	return FS_FAILED;
}

bool fs_name_valid(const char *name)
{
	size_t len = strlen(name);

	return len > 0 && len <= LIMIT_NAME_BYTES && strcmp(name, ".") != 0 &&
	       strcmp(name, "..") != 0 && memchr(name, '/', len) == NULL;
}
