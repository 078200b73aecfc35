/*
 * How: files are sorted by inode; of two that lie beside each other, one ours
 * and one not, the other is a second name. Before it goes both are looked at
 * once more.
 */
#include "spare.h"

#include "apply.h"

#include <stdlib.h>

/* Looks at a file as it was scanned. FS_ABSENT: it is not there by that name.
 */
static enum fs_result look(struct pass *pass, struct mailbox *mailbox,
	uint32_t local, struct fs_stat *stat_r, struct err *err)
{
	const struct local_item *item = &mailbox->scan.items[local];
	enum fs_result result;

	if (mailbox_open_maildir(pass, mailbox, false, err) != 0)
		return FS_FAILED;
	result = mailbox->md.fs->stat(maildir_dir(&mailbox->md, item->in_new),
		item->file_name.ptr, stat_r, err);
	mailbox_close_maildir(mailbox);
	return result;
}

static int file_cmp(const void *a, const void *b)
{
	const struct spare_file *x = a;
	const struct spare_file *y = b;
	int order = (x->device > y->device) - (x->device < y->device);

	if (order == 0)
		order = (x->inode > y->inode) - (x->inode < y->inode);
	return order != 0 ? order : (int)y->is_ours - (int)x->is_ours;
}

static void note(struct spare_file *spare, const struct spare_file *ours)
{
	struct mailbox *mailbox = spare->mailbox;
	struct row *row = &mailbox->match.rows[spare->row];

	if (mailbox->spares == NULL)
		mailbox->spares = arena_array(&mailbox->arena,
			mailbox->match.count, sizeof(*mailbox->spares));
	mailbox->spares[mailbox->spare_count++] = (struct mailbox_spare){
		.local = row->local,
		.of = ours->mailbox,
		.of_local = ours->mailbox->match.rows[ours->row].local,
	};
	row->present = 0;
}

int spare_find(struct pass *pass, struct spare_file *files, size_t count,
	struct err *err)
{
	size_t kept = 0;
	const struct spare_file *ours = NULL;

	for (size_t i = 0; i < count; i++) {
		struct spare_file file = files[i];
		struct fs_stat stat = {0};
		enum fs_result result;

		if (!mailbox_is_active(file.mailbox))
			continue;
		result = look(pass, file.mailbox,
			file.mailbox->match.rows[file.row].local, &stat, err);
		if (result == FS_FAILED && err->scope >= ERR_ACCOUNT)
			return -1;
		if (result == FS_FAILED)
			pass_mailbox_failed(pass, file.mailbox, err);
		file.device = stat.device;
		file.inode = stat.inode;
		if (result == FS_OK)
			files[kept++] = file;
	}
	if (kept > 0)
		qsort(files, kept, sizeof(*files), file_cmp);
	for (size_t i = 0; i < kept; i++) {
		if (files[i].is_ours)
			ours = &files[i];
		else if (ours != NULL && ours->device == files[i].device &&
			 ours->inode == files[i].inode &&
			 ours->mailbox != files[i].mailbox)
			note(&files[i], ours);
	}
	return 0;
}

static enum fs_result drop(struct pass *pass, struct mailbox *mailbox,
	const struct mailbox_spare *spare, struct err *err)
{
	const struct local_item *item = &mailbox->scan.items[spare->local];
	struct fs_stat ours;
	struct fs_stat stat;
	enum fs_result result =
		look(pass, spare->of, spare->of_local, &ours, err);

	if (result == FS_OK)
		result = look(pass, mailbox, spare->local, &stat, err);
	if (result != FS_OK)
		return result;
	if (stat.device != ours.device || stat.inode != ours.inode)
		return FS_ABSENT;
	if (mailbox_open_maildir(pass, mailbox, false, err) != 0)
		return FS_FAILED;
	mailbox->local_touched = true;
	mailbox->local_sum -= maildir_file_sum(&mailbox->md, item->file_name);
	result = mailbox->md.fs->unlink(maildir_dir(&mailbox->md, item->in_new),
		item->file_name.ptr, err);
	if (result == FS_OK && pass_names_later(pass, mailbox, err) != 0)
		result = FS_FAILED;
	mailbox_close_maildir(mailbox);
	return result;
}

int spare_drop(struct pass *pass, struct mailbox *mailbox, struct err *err)
{
	if (!policy_writes(&mailbox->policy, LOCAL))
		return 0;
	for (size_t i = 0; i < mailbox->spare_count; i++) {
		const struct mailbox_spare *spare = &mailbox->spares[i];
		enum fs_result result = FS_ABSENT;

		if (mailbox_is_active(spare->of))
			result = drop(pass, mailbox, spare, err);
		if (result == FS_FAILED)
			return -1;
		if (result != FS_OK)
			apply_failed(mailbox);
	}
	return 0;
}
