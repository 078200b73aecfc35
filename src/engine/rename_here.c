/*
 * How: the walk over the Maildir has told the stamps of each cur/, and with
 * them its inode. Only where these do not prove it already, the folder that may
 * be the missing one is opened, and asked for its birth; then it is read.
 */
#include "rename_here.h"

#include "godwit/imap/name.h"

bool rename_lacks_here(const struct mailbox *mailbox)
{
	return !mailbox->on_local ||
	       (mailbox->record.folder_inode != 0 &&
		       mailbox->seen.cur.inode != mailbox->record.folder_inode);
}

/* ---- Proofs -------------------------------------------------------------- */

/* Nothing came into the folder, or left it, since it was settled. A directory
 * that was made anew has a ctime of its own. */
static bool has_stamp_of(
	const struct mailbox *mailbox, const struct mailbox_record *record)
{
	const struct dir_stamp *stamp = &record->stamp_cur;
	const struct fs_stat *seen = &mailbox->seen.cur;

	return stamp->inode != 0 && stamp->inode == seen->inode &&
	       stamp->mtime_ns == seen->mtime_ns &&
	       stamp->ctime_ns == seen->ctime_ns;
}

/* The folder was there when the mailbox was settled, and had its inode then:
 * no other can have had it at that time. */
static bool was_there(
	const struct maildir *md, const struct mailbox_record *record)
{
	const struct dir_stamp *stamp = &record->stamp_cur;

	return stamp->inode != 0 && stamp->inode == record->folder_inode &&
	       md->fs->dir_born(md->cur) <= stamp->ctime_ns;
}

static bool have_common(
	const struct maildir_scan *scan, const struct journal_messages *known)
{
	for (size_t i = 0; i < known->count; i++) {
		if (maildir_scan_find(scan, known->items[i].name) != NULL)
			return true;
	}
	return false;
}

static int compare(struct maildir *md, struct journal_base *base,
	bool *is_same_r, struct err *err)
{
	const struct maildir_known none = {0};
	struct journal_messages known;
	struct maildir_scan scan;
	struct arena scratch = {0};
	int result = journal_messages(base, false, &scratch, &known, err);

	if (result == 0)
		result = maildir_scan(md, &none, &scratch, &scan, err);
	if (result == 0)
		*is_same_r = have_common(&scan, &known);
	arena_clear(&scratch);
	return result;
}

/* Whether the folder is older than what the journal knows of the mailbox, or
 * has a file that it knows to be in it. */
static int is_of(struct pass *pass, const struct mailbox *folder,
	const struct mailbox *known, bool *is_same_r, struct err *err)
{
	struct buf path = {0};
	struct maildir_place place = {
		.fs = &pass->ports->fs, .root = pass->root, .read_only = true};
	struct maildir md = {0};
	struct journal_base base;
	enum fs_result result = FS_FAILED;

	if (journal_base_open(&base, &pass->journal, known->id, err) != 0)
		return -1;
	if (mailbox_name_path(
		    pass->account->layout, folder->name, &path, err) == 0) {
		place.path = buf_str(&path);
		result = maildir_open(&md, &place, base.keywords, err);
	}
	if (result == FS_OK)
		*is_same_r = was_there(&md, &known->record);
	if (result == FS_OK && !*is_same_r &&
		compare(&md, &base, is_same_r, err) != 0)
		result = FS_FAILED;
	if (md.fs != NULL)
		maildir_close(&md);
	journal_base_close(&base);
	buf_clear(&path);
	return result == FS_FAILED ? -1 : 0;
}

/* ---- Finding ------------------------------------------------------------- */

/* A folder that is no other mailbox's by the journal. */
static bool is_candidate(const struct mailbox *mailbox, uint64_t device)
{
	return mailbox->on_local && mailbox->seen.cur.inode != 0 &&
	       mailbox->seen.cur.device == device &&
	       !str_eq(mailbox->name, STR("INBOX")) &&
	       (!mailbox->in_journal || (rename_can_be_known(mailbox) &&
						rename_lacks_here(mailbox)));
}

/* The one folder with the inode, or NULL. */
static struct mailbox *find_inode(
	struct pass *pass, uint64_t device, uint64_t inode)
{
	struct mailbox *found = NULL;

	for (size_t i = 0; i < pass->count; i++) {
		struct mailbox *mailbox = &pass->mailboxes[i];

		if (!is_candidate(mailbox, device) ||
			mailbox->seen.cur.inode != inode)
			continue;
		if (found != NULL)
			return NULL;
		found = mailbox;
	}
	return found;
}

static int find_one(struct pass *pass, struct rename *rename, uint64_t device,
	struct err *err)
{
	struct mailbox *known = rename->known;
	struct mailbox *found;
	bool is_same = false;

	if (known->record.folder_inode == 0 ||
		known->record.state != MAILBOX_ATTACHED)
		return 0;
	found = find_inode(pass, device, known->record.folder_inode);
	if (found == NULL)
		return 0;
	is_same = has_stamp_of(found, &known->record);
	if (!is_same && is_of(pass, found, known, &is_same, err) != 0) {
		found->closed = true;
		return -1;
	}
	rename->here = is_same ? found : NULL;
	return 0;
}

int rename_here_find(struct pass *pass, struct rename *renames, size_t count,
	struct err *err)
{
	struct fs_stat root = {0};

	for (size_t i = 0; i < count; i++)
		renames[i].here = rename_lacks_here(renames[i].known)
					  ? NULL
					  : renames[i].known;
	if (pass->root == NULL)
		return 0;
	if (pass->ports->fs.dir_stat(pass->root, &root, err) != FS_OK)
		return -1;
	for (size_t i = 0; i < count; i++) {
		struct mailbox *known = renames[i].known;

		if (renames[i].here != NULL ||
			find_one(pass, &renames[i], root.device, err) == 0)
			continue;
		if (err->scope >= ERR_ACCOUNT)
			return -1;
		pass_mailbox_failed(pass, known, err);
	}
	return 0;
}

/* ---- Renaming ------------------------------------------------------------ */

enum fs_result rename_here(
	struct pass *pass, struct str from, struct str to, struct err *err)
{
	enum mailbox_layout layout = pass->account->layout;
	struct buf old = {0};
	struct buf new = {0};
	struct maildir_place place = {
		.fs = &pass->ports->fs, .root = pass->root};
	enum fs_result result = FS_FAILED;

	if (mailbox_name_path(layout, from, &old, err) == 0 &&
		mailbox_name_path(layout, to, &new, err) == 0) {
		place.path = buf_str(&old);
		result = maildir_move(&place, buf_str(&new), err);
	}
	buf_clear(&old);
	buf_clear(&new);
	return result;
}

/* The folders on the way to the name, and those of them that are left. */
static int keep_way(struct pass *pass, struct str name, struct err *err)
{
	struct buf path = {0};
	struct maildir_place place = {
		.fs = &pass->ports->fs, .root = pass->root};
	enum fs_result result = FS_FAILED;

	if (mailbox_name_path(pass->account->layout, name, &path, err) == 0) {
		place.path = buf_str(&path);
		pass->names_due = true;
		result = maildir_sync_way(&place, (struct str){0}, err);
	}
	buf_clear(&path);
	return result == FS_FAILED ? -1 : 0;
}

int rename_here_keep(
	struct pass *pass, struct str from, struct str to, struct err *err)
{
	if (keep_way(pass, to, err) != 0 || keep_way(pass, from, err) != 0)
		return -1;
	return pass_sync_names(pass, err);
}
