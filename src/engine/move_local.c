/*
 * How: ops are sorted by the folder that their files lie in, so that two
 * folders are open at a time. They go in batches: copies are written into tmp/
 * and flushed, then all names given, both folders' names handed over, and the
 * entries become due. A file that is not where the scan saw it is left for the
 * next run.
 */
#include "move_local.h"

#include "apply.h"
#include "delta.h"

#include "godwit/base/limits.h"
#include "godwit/mail/maildir_name.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	COPY_BYTES = 128 << 10,
	TMP_NAME_BYTES = 48,
};

/* One file on its way. */
struct carried {
	const struct op *op; /* NULL: it was left where it is */
	struct mailbox_link *link;
	struct local_item *item;  /* where it lies; moved, where it is put */
	struct str name;          /* the unique part that it got */
	uint64_t bytes;           /* on disk */
	char tmp[TMP_NAME_BYTES]; /* of a copy */
};

struct carrying {
	struct pass *pass;
	struct mailbox *mailbox;
	struct carried *files; /* in the arena, as their names */
	size_t count;
	struct arena *arena;
};

/* ---- Names --------------------------------------------------------------- */

static struct fs_dir *dir_of(struct mailbox *mailbox, bool in_new)
{
	return maildir_dir(&mailbox->md, in_new);
}

static bool has_none(struct flags flags)
{
	return flags.system == 0 && flags.keywords == KEYWORDS_EMPTY;
}

/* The flags that the file's name is to show. */
static struct flags flags_of(
	const struct carrying *c, const struct carried *file)
{
	return file->op->kind == OP_MOVE_LOCAL
		       ? apply_row(c->mailbox, file->op)->flags[LOCAL]
		       : file->op->flags;
}

/* The name that the file gets; file->name is its unique part. */
static struct str derive(
	const struct carrying *c, struct carried *file, bool in_new)
{
	struct mailbox *mailbox = c->mailbox;
	struct maildir *md = &mailbox->md;
	struct maildir_name name;
	struct buf unique = {0};
	struct buf text = {0};
	struct str kept;

	mailbox_derive_name(c->pass, mailbox, apply_row(mailbox, file->op)->uid,
		file->bytes, &unique);
	check(maildir_name_parse(buf_str(&unique), &name));
	if (in_new || !maildir_name_print(&name, &md->kwfile, md->keywords,
			      flags_of(c, file), &text))
		buf_add(&text, buf_str(&unique));
	kept = arena_str(c->arena, buf_str(&text));
	file->name = str_sub(kept, 0, unique.len);
	buf_clear(&unique);
	buf_clear(&text);
	return kept;
}

/* ---- Copying ------------------------------------------------------------- */

static enum fs_result copy_bytes(const struct fs_port *fs, struct fs_file *from,
	struct fs_file *to, uint64_t *bytes_r, struct err *err)
{
	struct buf chunk = {0};
	enum fs_result result = FS_OK;
	size_t got = 1;

	*bytes_r = 0;
	while (result == FS_OK && got > 0) {
		buf_reset(&chunk);
		result = fs->read(from, buf_reserve(&chunk, COPY_BYTES),
			COPY_BYTES, &got, err);
		if (result != FS_OK)
			break;
		buf_commit(&chunk, got);
		*bytes_r += got;
		result = fs->write(to, buf_str(&chunk), err);
	}
	buf_clear(&chunk);
	return result;
}

/* A twin's file lies where it was just put, under the name that it got. */
static void name_twin(struct carrying *c, struct carried *file)
{
	struct maildir *md = &file->link->from->md;
	struct local_item *item = file->item;
	struct maildir_name name;
	struct buf text = {0};

	check(maildir_name_parse(item->name, &name));
	item->in_new = has_none(item->flags);
	if (item->in_new || !maildir_name_print(&name, &md->kwfile,
				    md->keywords, item->flags, &text))
		buf_add(&text, item->name);
	item->file_name = arena_str(c->arena, buf_str(&text));
	buf_clear(&text);
}

/* Whether the file is as it was when it was put there. */
static bool is_untouched(const struct carried *file, const struct fs_stat *stat)
{
	struct maildir_name name;

	return maildir_name_parse(file->item->name, &name) && name.has_size &&
	       name.size == stat->bytes &&
	       stat->mtime_ns == maildir_mtime_ns(file->link->date_s);
}

/* Whether what was copied is what was looked at: nobody has put another in its
 * place, or written to it, meanwhile. */
static enum fs_result is_still_there(const struct carried *file,
	const struct fs_stat *before, struct err *err)
{
	const struct maildir *md = &file->link->from->md;
	struct fs_stat now;
	enum fs_result result =
		md->fs->stat(maildir_dir(md, file->item->in_new),
			file->item->file_name.ptr, &now, err);

	if (result != FS_OK)
		return result;
	return now.device == before->device && now.inode == before->inode &&
			       now.bytes == before->bytes &&
			       now.mtime_ns == before->mtime_ns &&
			       now.ctime_ns == before->ctime_ns
		       ? FS_OK
		       : FS_ABSENT;
}

static enum fs_result open_source(struct carrying *c, struct carried *file,
	struct fs_file **from_r, struct fs_stat *stat_r, struct err *err)
{
	enum fs_result result;

	if (file->op->kind == OP_PULL)
		name_twin(c, file);
	result = maildir_read(
		&file->link->from->md, file->item, from_r, stat_r, err);
	if (result != FS_OK || file->op->kind != OP_PULL ||
		is_untouched(file, stat_r))
		return result;
	c->mailbox->md.fs->close(from_r);
	return FS_ABSENT;
}

/* Writes the file anew into the target's tmp/. */
static enum fs_result copy_out(
	struct carrying *c, struct carried *file, struct err *err)
{
	const struct fs_port *fs = c->mailbox->md.fs;
	struct fs_file *from = NULL;
	struct fs_file *to = NULL;
	struct fs_stat stat;
	enum fs_result result = open_source(c, file, &from, &stat, err);

	if (result != FS_OK)
		return result;
	(void)snprintf(file->tmp, sizeof(file->tmp), "%" PRIu64 ".godwit-tmp",
		c->pass->next_serial++);
	result = maildir_create_tmp(&c->mailbox->md, file->tmp, &to, err);
	if (result == FS_OK)
		result = fs->clone(from, to, err);
	file->bytes = stat.bytes;
	if (result == FS_CROSS)
		result = copy_bytes(fs, from, to, &file->bytes, err);
	fs->close(&from);
	if (result == FS_OK)
		result = fs->finish(&to,
			file->op->kind == OP_MOVE_LOCAL
				? stat.mtime_ns
				: maildir_mtime_ns(file->link->date_s),
			err);
	else if (to != NULL)
		fs->close(&to);
	return result == FS_OK ? is_still_there(file, &stat, err) : FS_FAILED;
}

/* ---- Placing ------------------------------------------------------------- */

/* Notes what the folders are now, and where the file is. */
static void put(struct carrying *c, struct carried *file, struct str name,
	bool in_new, struct flags flags)
{
	struct mailbox *from = file->link->from;

	c->mailbox->local_touched = true;
	c->mailbox->local_sum += maildir_file_sum(&c->mailbox->md, name);
	if (file->op->kind != OP_MOVE_LOCAL)
		return;
	from->local_touched = true;
	from->local_sum -= maildir_file_sum(&from->md, file->item->file_name);
	file->item->file_name = name;
	file->item->name = file->name;
	file->item->in_new = in_new;
	file->item->flags = flags;
}

/* A file system of its own: copied, and only then removed there. */
static enum fs_result move_across(struct carrying *c, struct carried *file,
	bool in_new, struct str name, struct err *err)
{
	struct maildir *md = &c->mailbox->md;
	enum fs_result result = copy_out(c, file, err);

	if (result == FS_OK)
		result = md->fs->flush(md->fs->ctx, err);
	if (result == FS_OK)
		result = md->fs->rename(md->tmp, file->tmp,
			maildir_dir(md, in_new), name.ptr, err);
	if (result != FS_OK || maildir_sync(md, err) != 0)
		return result == FS_OK ? FS_FAILED : result;
	return md->fs->unlink(dir_of(file->link->from, file->item->in_new),
		file->item->file_name.ptr, err);
}

static enum fs_result place_move(
	struct carrying *c, struct carried *file, struct err *err)
{
	const struct fs_port *fs = c->mailbox->md.fs;
	struct flags flags = flags_of(c, file);
	bool in_new = file->item->in_new && has_none(flags);
	struct fs_dir *from = dir_of(file->link->from, file->item->in_new);
	struct fs_stat stat;
	struct str name;
	enum fs_result result =
		fs->stat(from, file->item->file_name.ptr, &stat, err);

	if (result != FS_OK)
		return result;
	file->bytes = stat.bytes;
	name = derive(c, file, in_new);
	result = fs->rename(from, file->item->file_name.ptr,
		dir_of(c->mailbox, in_new), name.ptr, err);
	if (result == FS_CROSS)
		result = move_across(c, file, in_new, name, err);
	if (result == FS_OK)
		put(c, file, name, in_new, flags);
	return result;
}

static enum fs_result place_copy(
	struct carrying *c, struct carried *file, struct err *err)
{
	struct maildir *md = &c->mailbox->md;
	bool in_new = has_none(file->op->flags);
	struct str name = derive(c, file, in_new);
	enum fs_result result = md->fs->rename(
		md->tmp, file->tmp, maildir_dir(md, in_new), name.ptr, err);

	/* Who has the name now has come since the scan: the next run sees who
	 * it is. */
	if (result == FS_EXISTS)
		return md->fs->unlink(md->tmp, file->tmp, err) == FS_FAILED
			       ? FS_FAILED
			       : FS_ABSENT;
	if (result == FS_OK)
		put(c, file, name, in_new, file->op->flags);
	return result;
}

/* ---- Batches ------------------------------------------------------------- */

static int record(
	struct carrying *c, const struct carried *file, struct err *err)
{
	const struct mailbox_link *link = file->link;
	const struct journal_detail detail = {
		.identity = link->identity, .email_key = link->email_key};
	const struct trouble_key trouble = {
		.mailbox = c->mailbox->id,
		.side = REMOTE,
		.uid = apply_row(c->mailbox, file->op)->uid,
	};
	const struct journal_message message = {
		.uid = trouble.uid,
		.flags = file->op->base,
		.name = file->name,
		.internaldate_s = link->date_s,
		.zone_min = link->zone_minutes,
		.stored_raw = link->stored_raw,
		.detail = &detail,
	};

	journal_trouble_clear(&c->pass->journal, &c->pass->batch, &trouble);
	return apply_record(c->pass, c->mailbox, file->op, &message, err);
}

/* A twin can be downloaded still. */
static void stalled(struct carrying *c, struct carried *file)
{
	if (file->op->kind == OP_PULL)
		return;
	apply_stalled(c->mailbox, file->op);
	apply_failed(file->link->from);
}

/* Does `act` to each file that is still on its way. */
static int each_file(struct carrying *c, struct carried *files, size_t count,
	enum fs_result (*act)(
		struct carrying *c, struct carried *file, struct err *err),
	struct err *err)
{
	for (size_t i = 0; i < count; i++) {
		enum fs_result result = FS_ABSENT;

		if (files[i].op != NULL)
			result = delta_name_file(
				files[i].link->from, files[i].item, err);
		if (result == FS_OK)
			result = act(c, &files[i], err);
		if (result == FS_FAILED && err->scope != ERR_MESSAGE)
			return -1;
		if (result == FS_FAILED && files[i].op->kind != OP_PULL)
			pass_error(c->pass, c->mailbox, err, 0,
				files[i].item->file_name);
		if (result == FS_OK || files[i].op == NULL)
			continue;
		stalled(c, &files[i]);
		files[i].op = NULL;
	}
	return 0;
}

static int place_all(struct carrying *c, struct carried *files, size_t count,
	struct err *err)
{
	const struct fs_port *fs = c->mailbox->md.fs;

	if (files[0].op->kind == OP_MOVE_LOCAL)
		return each_file(c, files, count, place_move, err);
	if (each_file(c, files, count, copy_out, err) != 0 ||
		fs->flush(fs->ctx, err) != FS_OK)
		return -1;
	return each_file(c, files, count, place_copy, err);
}

/* Files that come from one folder. */
static int carry_batch(struct carrying *c, struct carried *files, size_t count,
	struct err *err)
{
	struct mailbox *from = files[0].link->from;

	if (place_all(c, files, count, err) != 0 ||
		pass_names_later(c->pass, c->mailbox, err) != 0 ||
		pass_names_later(c->pass, from, err) != 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		if (files[i].op != NULL && record(c, &files[i], err) != 0)
			return -1;
	}
	if (pass_later(c->pass, from, 0, err) != 0 ||
		pass_later(c->pass, c->mailbox, count, err) != 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		if (files[i].op != NULL)
			apply_tell(c->pass, c->mailbox, files[i].op, 0,
				files[i].item->file_name);
	}
	return 0;
}

static size_t batch_end(const struct carrying *c, size_t first)
{
	size_t end = first + 1;

	while (end < c->count && end - first < LIMIT_BATCH_MESSAGES &&
		c->files[end].link->from == c->files[first].link->from)
		end++;
	return end;
}

static int carry_all(struct carrying *c, struct err *err)
{
	int result = 0;

	for (size_t i = 0; i < c->count && result == 0;) {
		size_t end = batch_end(c, i);
		struct mailbox *from = c->files[i].link->from;

		if (from->part == MAILBOX_BROKEN) {
			while (i < end)
				stalled(c, &c->files[i++]);
			continue;
		}
		result = mailbox_open_maildir(c->pass, from, false, err);
		if (result == 0)
			result = carry_batch(c, &c->files[i], end - i, err);
		mailbox_close_maildir(from);
		i = end;
	}
	return result;
}

/* ---- A mailbox ----------------------------------------------------------- */

static int by_folder(const void *a, const void *b)
{
	const struct carried *x = a;
	const struct carried *y = b;

	if (x->link->from != y->link->from)
		return x->link->from < y->link->from ? -1 : 1;
	return (x->op->row > y->op->row) - (x->op->row < y->op->row);
}

static struct local_item *item_of(struct carrying *c, const struct op *op,
	const struct mailbox_link *link)
{
	const struct row *row =
		op->kind == OP_MOVE_LOCAL
			? apply_row(c->mailbox, op)
			: &link->from->match.rows[link->from_row];

	return op->kind == OP_MOVE_LOCAL ? &c->mailbox->scan.items[row->local]
					 : &link->from->scan.items[row->local];
}

static void gather(struct carrying *c, enum op_kind kind)
{
	struct mailbox *mailbox = c->mailbox;
	const struct op *op;

	c->files = arena_array(
		c->arena, mailbox->plan.per_kind[kind], sizeof(*c->files));
	for (size_t at = 0; (op = apply_next(mailbox, kind, &at)) != NULL;
		at++) {
		struct mailbox_link *link = mailbox_link(mailbox, op->row);

		c->files[c->count++] = (struct carried){
			.op = op,
			.link = link,
			.item = item_of(c, op, link),
		};
	}
}

/* The letters that names need must be on disk before the names. So must those
 * be that a moved file's name lacks, or nobody would know that it does. */
static int letter_all(struct carrying *c, struct err *err)
{
	for (size_t i = 0; i < c->count; i++) {
		const struct row *row = apply_row(c->mailbox, c->files[i].op);

		maildir_letter_keywords(
			&c->mailbox->md, flags_of(c, &c->files[i]));
		maildir_letter_keywords(&c->mailbox->md,
			(struct flags){.keywords = row->shown});
	}
	return maildir_write_keywords(&c->mailbox->md, err);
}

static int carry_files(struct carrying *c, struct err *err)
{
	int result = 0;

	if (c->count > 0)
		qsort(c->files, c->count, sizeof(*c->files), by_folder);
	if (mailbox_open_maildir(c->pass, c->mailbox, true, err) != 0)
		return -1;
	if (maildir_clean_tmp(&c->mailbox->md, err) != 0 ||
		letter_all(c, err) != 0 || carry_all(c, err) != 0)
		result = -1;
	mailbox_close_maildir(c->mailbox);
	return result;
}

static int carry(struct pass *pass, struct mailbox *mailbox, enum op_kind kind,
	struct err *err)
{
	struct carrying c = {
		.pass = pass, .mailbox = mailbox, .arena = &mailbox->arena};

	if (!apply_has(mailbox, 1U << kind))
		return 0;
	gather(&c, kind);
	return carry_files(&c, err);
}

int move_local_copies(
	struct pass *pass, struct mailbox *mailbox, struct err *err)
{
	return carry(pass, mailbox, OP_COPY_LOCAL, err);
}

int move_local(struct pass *pass, struct mailbox *mailbox, struct err *err)
{
	return carry(pass, mailbox, OP_MOVE_LOCAL, err);
}

int move_local_twins(struct pass *pass, struct mailbox *mailbox,
	struct move_local_twin *twins, size_t count, struct err *err)
{
	struct arena arena = {0};
	struct carrying c = {.pass = pass,
		.mailbox = mailbox,
		.count = count,
		.arena = &arena};
	int result;

	c.files = arena_array(&arena, count, sizeof(*c.files));
	for (size_t i = 0; i < count; i++)
		c.files[i] = (struct carried){
			.op = twins[i].op,
			.link = &twins[i].link,
			.item = &twins[i].item,
		};
	result = carry_files(&c, err);
	arena_clear(&arena);
	return result;
}
