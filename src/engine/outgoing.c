/*
 * How: before the last octets are given, the file's size and date are compared
 * with those of before it was measured.
 */
#include "outgoing.h"

#include "delta.h"

enum {
	READ_BYTES = 64 << 10,
};

static bool is_as_measured(
	const struct file_facts *facts, const struct fs_stat *stat)
{
	return stat->bytes == facts->disk_bytes &&
	       stat->mtime_ns == facts->mtime_ns;
}

enum fs_result outgoing_measure(struct maildir *md, struct outgoing_file *file,
	const struct file_facts *known, struct err *err)
{
	struct fs_stat stat;
	enum fs_result result =
		md->fs->stat(maildir_dir(md, file->item->in_new),
			file->item->file_name.ptr, &stat, err);

	if (result != FS_OK)
		return result;
	if (known != NULL && known->wire_bytes > 0 &&
		is_as_measured(known, &stat)) {
		file->facts = *known;
		return FS_OK;
	}
	return delta_identify(md, file->item, file->form, &file->facts, err);
}

/* Of the file under its present name. */
static enum outgoing_step compare(const struct outgoing_file *file,
	enum fs_result result, const struct fs_stat *stat)
{
	if (result == FS_FAILED)
		return OUTGOING_FAILED;
	return result == FS_OK && is_as_measured(&file->facts, stat)
		       ? OUTGOING_GIVEN
		       : OUTGOING_CHANGED;
}

enum outgoing_step outgoing_begin(struct outgoing *outgoing, struct maildir *md,
	struct outgoing_file *file, struct err *err)
{
	struct fs_stat stat;
	enum fs_result result;

	outgoing_end(outgoing);
	outgoing->md = md;
	outgoing->file = file;
	result = maildir_read(md, file->item, &outgoing->open, &stat, err);
	to_crlf_init(&outgoing->conv, file->form);
	return compare(file, result, &stat);
}

/* Reads on until there is something to give, or the file ends. */
static int read_on(struct outgoing *outgoing, struct err *err)
{
	char chunk[READ_BYTES];
	size_t got = 1;

	while (got > 0 && outgoing->ready.len == 0) {
		if (outgoing->md->fs->read(outgoing->open, chunk, sizeof(chunk),
			    &got, err) != FS_OK)
			return -1;
		to_crlf_feed(&outgoing->conv, (struct str){chunk, got},
			&outgoing->ready);
	}
	return 0;
}

/* Whether the file is still what was measured, now that all of it was read. */
static enum outgoing_step last_look(struct outgoing *outgoing, struct err *err)
{
	struct fs_stat stat;
	enum fs_result result =
		maildir_stat(outgoing->md, outgoing->file->item, &stat, err);

	return compare(outgoing->file, result, &stat);
}

enum outgoing_step outgoing_next(struct outgoing *outgoing, uint64_t missing,
	struct str *octets_r, struct err *err)
{
	buf_consume(&outgoing->ready, outgoing->given);
	outgoing->given = 0;
	if (read_on(outgoing, err) != 0)
		return OUTGOING_FAILED;
	if (outgoing->ready.len == 0 || outgoing->ready.len > missing)
		return OUTGOING_CHANGED;
	if (outgoing->ready.len == missing) {
		enum outgoing_step step = last_look(outgoing, err);

		if (step != OUTGOING_GIVEN)
			return step;
	}
	*octets_r = buf_str(&outgoing->ready);
	outgoing->given = outgoing->ready.len;
	return OUTGOING_GIVEN;
}

void outgoing_end(struct outgoing *outgoing)
{
	if (outgoing->open != NULL)
		outgoing->md->fs->close(&outgoing->open);
	buf_reset(&outgoing->ready);
	outgoing->given = 0;
	outgoing->file = NULL;
}

void outgoing_clear(struct outgoing *outgoing)
{
	outgoing_end(outgoing);
	buf_clear(&outgoing->ready);
}
