/*
 * How: files of one mailbox mostly stand in a row; each such group is given its
 * names at once, with the mailbox's folder open. What keywords need is written
 * before that, and then all contents are flushed.
 */
#include "pulled.h"

#include "apply.h"

#include "godwit/base/limits.h"
#include "godwit/mail/maildir_name.h"

#include <stdlib.h>

/* Files of one mailbox. */
struct group {
	struct pass *pass;
	struct mailbox *mailbox;
	const struct pulled_file *files;
	size_t count;
};

void pulled_add(struct pulled *pulled, const struct pulled_file *file)
{
	pulled->files = array_grow(pulled->files, &pulled->cap,
		pulled->count + 1, sizeof(*pulled->files));
	pulled->files[pulled->count++] = *file;
	pulled->bytes += file->file.disk_bytes;
}

bool pulled_is_full(const struct pulled *pulled)
{
	/* The next chunk may be as large as a batch. */
	return pulled->count >= LIMIT_BATCH_MESSAGES / 2 ||
	       pulled->bytes >= LIMIT_BATCH_BYTES / 2;
}

void pulled_clear(struct pulled *pulled)
{
	free(pulled->files);
	*pulled = (struct pulled){0};
}

/* ---- Names --------------------------------------------------------------- */

/* Puts a file where it belongs; the unique part of its name is *unique. */
static int place(const struct pass *pass, const struct pulled_file *file,
	struct buf *unique, struct err *err)
{
	struct mailbox *mailbox = file->mailbox;
	struct maildir *md = &mailbox->md;
	struct flags flags = file->op->flags;
	bool in_new = flags.system == 0 && flags.keywords == KEYWORDS_EMPTY;
	struct maildir_name name;
	struct buf to = {0};
	enum fs_result result;

	buf_reset(unique);
	mailbox_derive_name(pass, mailbox, apply_row(mailbox, file->op)->uid,
		file->file.disk_bytes, unique);
	check(maildir_name_parse(buf_str(unique), &name));
	if (in_new || !maildir_name_print(
			      &name, &md->kwfile, md->keywords, flags, &to))
		buf_add(&to, buf_str(unique));
	result = md->fs->rename(md->tmp, file->file.tmp_name,
		maildir_dir(md, in_new), buf_z(&to), err);
	/* The name is derived from the message: who has it is the message. */
	if (result == FS_EXISTS)
		result = md->fs->unlink(md->tmp, file->file.tmp_name, err);
	if (result == FS_ABSENT)
		err_set(err, ERR_MAILBOX, ERR_LATER, ERR_DISK,
			"a message that had come went from tmp/ during the "
			"sync");
	mailbox->local_touched = true;
	mailbox->local_sum += maildir_file_sum(md, buf_str(&to));
	buf_clear(&to);
	return result == FS_OK ? 0 : -1;
}

static int record(struct pass *pass, const struct pulled_file *file,
	struct buf *unique, struct err *err)
{
	struct mailbox *mailbox = file->mailbox;
	const struct row *row = apply_row(mailbox, file->op);
	const struct remote_item *item = &mailbox->remote[row->remote];
	const struct journal_detail detail = {
		.identity = file->file.identity, .email_key = item->email_key};
	const struct trouble_key trouble = {
		.mailbox = mailbox->id, .side = REMOTE, .uid = row->uid};
	struct journal_message message = {
		.uid = row->uid,
		.flags = file->op->base,
		.internaldate_s = item->date_s,
		.zone_min = item->zone_minutes,
		.stored_raw = file->file.stored_raw,
		.detail = &detail,
	};

	if (place(pass, file, unique, err) != 0)
		return -1;
	message.name = buf_str(unique);
	journal_trouble_clear(&pass->journal, &pass->batch, &trouble);
	return apply_record(pass, mailbox, file->op, &message, err);
}

/* ---- Groups -------------------------------------------------------------- */

/* Gives the files their names, and what the journal learns becomes due. */
static int group_place(const struct group *group, struct err *err)
{
	const struct pulled *pulled = group->pass->pulled;
	struct buf unique = {0};
	int result = 0;

	for (size_t i = 0; i < group->count && result == 0; i++) {
		if (group->files[i].losses == pulled->losses) {
			result = record(
				group->pass, &group->files[i], &unique, err);
		} else {
			*err = pulled->lost;
			result = -1;
		}
	}
	buf_clear(&unique);
	if (result != 0 ||
		pass_names_later(group->pass, group->mailbox, err) != 0)
		return -1;
	return pass_later(group->pass, group->mailbox, group->count, err);
}

static bool has_keywords(const struct group *group)
{
	for (size_t i = 0; i < group->count; i++) {
		if (group->files[i].op->flags.keywords != KEYWORDS_EMPTY)
			return true;
	}
	return false;
}

/* The letters that names need must be on disk before the names. */
static int group_letter(const struct group *group, struct err *err)
{
	struct maildir *md = &group->mailbox->md;

	for (size_t i = 0; i < group->count; i++)
		maildir_letter_keywords(md, group->files[i].op->flags);
	return maildir_write_keywords(md, err);
}

/* With the mailbox's folder, which is open while more is coming into it. */
static int group_do(const struct group *group,
	int (*act)(const struct group *group, struct err *err), struct err *err)
{
	struct mailbox *mailbox = group->mailbox;
	bool was_open = mailbox->md_open;
	int result = 0;

	if (!was_open)
		result = mailbox_open_maildir(group->pass, mailbox, false, err);
	if (result == 0)
		result = act(group, err);
	if (!was_open)
		mailbox_close_maildir(mailbox);
	return result;
}

/* Does `act` to each group of a mailbox that takes part. */
static int each_group(struct pass *pass,
	int (*act)(const struct group *group, struct err *err), struct err *err)
{
	const struct pulled *pulled = pass->pulled;
	size_t end;

	for (size_t i = 0; i < pulled->count; i = end) {
		struct group group = {.pass = pass,
			.mailbox = pulled->files[i].mailbox,
			.files = &pulled->files[i]};

		for (end = i; end < pulled->count &&
			      pulled->files[end].mailbox == group.mailbox;
			end++)
			group.count++;
		if (!mailbox_is_active(group.mailbox) ||
			(act == group_letter && !has_keywords(&group)) ||
			group_do(&group, act, err) == 0)
			continue;
		pass_discard(pass);
		if (err->scope >= ERR_ACCOUNT)
			return -1;
		pass_mailbox_failed(pass, group.mailbox, err);
	}
	return 0;
}

/* Makes the contents durable of all that was delivered. */
static int flush(struct pass *pass, struct err *err)
{
	const struct fs_port *fs = &pass->ports->fs;
	struct pulled *pulled = pass->pulled;

	if (fs->flush(fs->ctx, err) == FS_OK)
		return 0;
	pulled->losses++;
	pulled->lost = *err;
	return err->scope >= ERR_ACCOUNT ? -1 : 0;
}

/* What has become durable. */
static void tell(struct pass *pass)
{
	for (size_t i = 0; i < pass->pulled->count; i++) {
		const struct pulled_file *file = &pass->pulled->files[i];

		if (mailbox_is_active(file->mailbox))
			apply_tell(pass, file->mailbox, file->op,
				apply_row(file->mailbox, file->op)->uid,
				(struct str){0});
	}
}

int pulled_commit(struct pass *pass, struct err *err)
{
	struct pulled *pulled = pass->pulled;
	int result = 0;

	if (pulled->count == 0)
		return 0;
	if (each_group(pass, group_letter, err) != 0 || flush(pass, err) != 0 ||
		each_group(pass, group_place, err) != 0 ||
		pass_flush(pass, err) != 0)
		result = -1;
	else
		tell(pass);
	pulled->count = 0;
	pulled->bytes = 0;
	return result;
}
