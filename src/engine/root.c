/*
 * How: what the root is now, and what the journal says it was, go to the guard.
 * Only when the device differs are the folders listed and compared with the
 * journal's file names.
 */
#include "root.h"

#include "godwit/sync/guard.h"

/* Mailboxes that the journal expects in the Maildir. */
struct expected {
	struct journal_mailbox *items;
	uint32_t count;
};

static int expect(struct pass *pass, struct expected *expected, struct err *err)
{
	struct journal_mailboxes known;

	if (journal_mailboxes(&pass->journal, &pass->arena, &known, err) != 0)
		return -1;
	expected->count = 0;
	expected->items = known.items;
	for (size_t i = 0; i < known.count; i++) {
		if (known.items[i].record.state == MAILBOX_ATTACHED)
			expected->items[expected->count++] = known.items[i];
	}
	return 0;
}

/* What the root is now. A root that is not there is empty. */
static int look_at_root(
	struct pass *pass, struct guard_root *now_r, struct err *err)
{
	const struct maildir_place place = {
		.fs = &pass->ports->fs, .root = pass->root};
	struct fs_stat stat;
	bool any;

	*now_r = (struct guard_root){.empty = true};
	if (pass->root == NULL)
		return 0;
	if (pass->ports->fs.dir_stat(pass->root, &stat, err) != FS_OK ||
		maildir_any(&place, pass->account->layout, &any, err) != 0)
		return -1;
	*now_r = (struct guard_root){
		.device = stat.device,
		.inode = stat.inode,
		.empty = !any,
	};
	return 0;
}

static bool holds_all(
	const struct maildir_scan *scan, const struct journal_messages *known)
{
	for (size_t i = 0; i < known->count; i++) {
		if (maildir_scan_find(scan, known->items[i].name) == NULL)
			return false;
	}
	return true;
}

/* Whether the open folder has a file for each message of the base. */
static bool folder_is_whole(
	struct maildir *md, struct journal_base *base, struct arena *arena)
{
	const struct maildir_known none = {0};
	struct journal_messages known;
	struct maildir_scan scan;
	struct err err;

	return journal_messages(base, false, arena, &known, &err) == 0 &&
	       maildir_scan(md, &none, arena, &scan, &err) == 0 &&
	       holds_all(&scan, &known);
}

static bool mailbox_is_whole(
	struct pass *pass, const struct journal_mailbox *mailbox)
{
	struct buf path = {0};
	struct arena arena = {0};
	struct maildir_place place = {
		.fs = &pass->ports->fs, .root = pass->root, .read_only = true};
	struct maildir md = {0};
	struct journal_base base;
	struct err err;
	bool is_whole = false;

	if (journal_base_open(&base, &pass->journal, mailbox->id, &err) != 0)
		return false;
	if (mailbox_name_path(pass->account->layout, mailbox->record.name,
		    &path, &err) == 0) {
		place.path = buf_str(&path);
		is_whole = maildir_open(&md, &place, base.keywords, &err) ==
				   FS_OK &&
			   folder_is_whole(&md, &base, &arena);
	}
	if (md.fs != NULL)
		maildir_close(&md);
	journal_base_close(&base);
	arena_clear(&arena);
	buf_clear(&path);
	return is_whole;
}

/* Whether no message is missing; what cannot be read is. */
static bool is_whole(struct pass *pass, const struct expected *expected)
{
	for (uint32_t i = 0; i < expected->count; i++) {
		if (!mailbox_is_whole(pass, &expected->items[i]))
			return false;
	}
	return true;
}

/* Whether the root may be that of the last run. */
static int judge(struct pass *pass, const struct guard_root *before,
	struct guard_root *now, struct err *err)
{
	struct expected expected;
	const char *why;

	if (expect(pass, &expected, err) != 0)
		return -1;
	if (!now->empty && now->inode == before->inode &&
		now->device != before->device)
		now->whole = is_whole(pass, &expected);
	why = guard_root_refused(before, now, expected.count);
	if (why == NULL)
		return 0;
	return err_set(err, ERR_ACCOUNT, ERR_NEVER, ERR_DISK,
		"the Maildir root %s %s; mount or put back the right one, or, "
		"if this one is right, move the state folder %s away: the next "
		"sync then compares both sides as on the first day, and "
		"removes nothing",
		pass->account->maildir, why, pass->account->state);
}

/* Makes a root that is not there. */
static int make(struct pass *pass, struct guard_root *now_r, struct err *err)
{
	const struct fs_port *fs = &pass->ports->fs;

	if (fs->root_open(fs->ctx, pass->account->maildir, true, &pass->root,
		    err) != FS_OK)
		return -1;
	return look_at_root(pass, now_r, err);
}

int root_open(struct pass *pass, struct err *err)
{
	const struct fs_port *fs = &pass->ports->fs;
	struct root_record known = {0};
	struct guard_root before;
	struct guard_root now;
	bool is_known = false;

	if ((pass->has_journal && journal_root(&pass->journal, &known,
					  &is_known, err) != 0) ||
		fs->root_open(fs->ctx, pass->account->maildir, false,
			&pass->root, err) == FS_FAILED ||
		look_at_root(pass, &now, err) != 0)
		return -1;
	before = (struct guard_root){
		.device = known.device, .inode = known.inode};
	if (is_known && judge(pass, &before, &now, err) != 0)
		return -1;
	if (pass->options->depth != SYNC_APPLY)
		return 0;
	if (pass->root == NULL && make(pass, &now, err) != 0)
		return -1;
	if (is_known && before.device == now.device &&
		before.inode == now.inode)
		return 0;
	known = (struct root_record){now.device, now.inode};
	journal_root_put(&pass->journal, &pass->batch, &known);
	return pass_commit(pass, err);
}
