/*
 * How: bytes are converted into a buffer and written when there are enough of
 * them. When the converter meets what LF cannot stand for, all that was written
 * is read back, expanded into a second file, and the rest goes there as it
 * comes. Messages seldom do that.
 */
#include "deliver.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
	WRITE_BYTES = 128 << 10,
	READ_BYTES = 64 << 10,
};

/* Makes a file in tmp/; who has the name already is a crash's left-over. */
static enum fs_result create_anew(struct maildir *md, const char *name,
	struct fs_file **file_r, struct err *err)
{
	enum fs_result result = md->fs->create(md->tmp, name, file_r, err);

	if (result != FS_EXISTS)
		return result;
	result = md->fs->unlink(md->tmp, name, err);
	return result == FS_FAILED ? FS_FAILED
				   : md->fs->create(md->tmp, name, file_r, err);
}

int delivery_begin(struct delivery *delivery, struct maildir *md,
	uint64_t serial, struct err *err)
{
	struct buf kept = delivery->out;

	buf_reset(&kept);
	*delivery = (struct delivery){.md = md, .out = kept};
	(void)snprintf(delivery->tmp_name, sizeof(delivery->tmp_name),
		"%" PRIu64 ".godwit-tmp", serial);
	to_lf_init(&delivery->conv, LINE_FORM_LF);
	if (create_anew(md, delivery->tmp_name, &delivery->file, err) !=
		FS_OK) {
		delivery->md = NULL;
		return -1;
	}
	identity_init(&delivery->stream);
	return 0;
}

static int write_out(struct delivery *delivery, size_t least, struct err *err)
{
	if (delivery->out.len == 0 || delivery->out.len < least)
		return 0;
	if (delivery->md->fs->write(
		    delivery->file, buf_str(&delivery->out), err) != FS_OK)
		return -1;
	delivery->disk_bytes += delivery->out.len;
	buf_reset(&delivery->out);
	return 0;
}

/* Copies the file `from`, LF to CRLF, into the delivery's new file. */
static int expand_from(
	struct delivery *delivery, struct fs_file *from, struct err *err)
{
	const struct fs_port *fs = delivery->md->fs;
	struct buf chunk = {0};
	struct to_crlf conv;
	size_t got = 1;
	int result = 0;

	to_crlf_init(&conv, LINE_FORM_LF);
	while (got > 0 && result == 0) {
		buf_reset(&chunk);
		if (fs->read(from, buf_reserve(&chunk, READ_BYTES), READ_BYTES,
			    &got, err) != FS_OK) {
			result = -1;
			break;
		}
		buf_commit(&chunk, got);
		to_crlf_feed(&conv, buf_str(&chunk), &delivery->out);
		result = write_out(delivery, WRITE_BYTES, err);
	}
	buf_clear(&chunk);
	return result;
}

/* The message turns out to be one that is stored as it came. */
static int go_raw(struct delivery *delivery, struct err *err)
{
	const struct fs_port *fs = delivery->md->fs;
	struct fs_dir *tmp = delivery->md->tmp;
	char lf_name[DELIVERY_NAME_BYTES];
	struct fs_file *from = NULL;
	int result = -1;

	memcpy(lf_name, delivery->tmp_name, sizeof(lf_name));
	if (write_out(delivery, 0, err) != 0)
		return -1;
	fs->close(&delivery->file);
	(void)snprintf(delivery->tmp_name, sizeof(delivery->tmp_name),
		"raw.%.30s", lf_name);
	delivery->disk_bytes = 0;
	if (create_anew(delivery->md, delivery->tmp_name, &delivery->file,
		    err) == FS_OK &&
		fs->open(tmp, lf_name, &from, err) == FS_OK)
		result = expand_from(delivery, from, err);
	if (from != NULL)
		fs->close(&from);
	if (fs->unlink(tmp, lf_name, NULL) == FS_FAILED)
		return result; /* maildir_clean_tmp() gets it later */
	return result;
}

int delivery_write(struct delivery *delivery, struct str bytes, struct err *err)
{
	struct str rest = bytes;

	identity_feed(&delivery->stream, bytes);
	delivery->wire_bytes += bytes.len;
	while (!to_lf_feed(&delivery->conv, &rest, &delivery->out)) {
		if (go_raw(delivery, err) != 0)
			return -1;
	}
	return write_out(delivery, WRITE_BYTES, err);
}

int delivery_end(struct delivery *delivery, int64_t mtime_ns,
	struct delivered *delivered_r, struct err *err)
{
	while (!to_lf_finish(&delivery->conv, &delivery->out)) {
		if (go_raw(delivery, err) != 0)
			return -1;
	}
	if (write_out(delivery, 0, err) != 0 ||
		delivery->md->fs->finish(&delivery->file, mtime_ns, err) !=
			FS_OK)
		return -1;
	memcpy(delivered_r->tmp_name, delivery->tmp_name,
		sizeof(delivered_r->tmp_name));
	delivered_r->disk_bytes = delivery->disk_bytes;
	delivered_r->wire_bytes = delivery->wire_bytes;
	delivered_r->stored_raw = delivery->conv.form == LINE_FORM_RAW;
	identity_finish(&delivery->stream, &delivered_r->identity);
	delivery->md = NULL;
	return 0;
}

void delivery_drop(struct delivery *delivery)
{
	struct maildir *md = delivery->md;

	if (md == NULL)
		return;
	identity_clear(&delivery->stream);
	if (delivery->file != NULL)
		md->fs->close(&delivery->file);
	/* What cannot be removed is cleaned up when next delivering. */
	(void)md->fs->unlink(md->tmp, delivery->tmp_name, NULL);
	buf_reset(&delivery->out);
	delivery->md = NULL;
}

/* Reads on in both files; *same_r says whether they gave the same. 0: both are
 * at their end, or differ. */
static int compare_chunk(const struct fs_port *fs, struct fs_file *files[2],
	bool *same_r, struct err *err)
{
	struct buf chunks[2] = {{0}, {0}};
	size_t got[2] = {0, 0};
	int result = 0;

	for (int i = 0; i < 2 && result == 0; i++) {
		size_t more = 1;

		while (more > 0 && got[i] < READ_BYTES && result == 0) {
			more = 0;
			if (fs->read(files[i],
				    buf_reserve(
					    &chunks[i], READ_BYTES - got[i]),
				    READ_BYTES - got[i], &more, err) != FS_OK)
				result = -1;
			buf_commit(&chunks[i], more);
			got[i] += more;
		}
	}
	*same_r = str_eq(buf_str(&chunks[0]), buf_str(&chunks[1]));
	if (result == 0)
		result = *same_r && got[0] > 0;
	buf_clear(&chunks[0]);
	buf_clear(&chunks[1]);
	return result;
}

int delivered_same(struct maildir *md, const struct delivered *a,
	const struct delivered *b, bool *same_r, struct err *err)
{
	struct fs_file *files[2] = {NULL, NULL};
	int result = -1;

	*same_r = false;
	if (a->wire_bytes != b->wire_bytes || a->stored_raw != b->stored_raw ||
		identity_cmp(&a->identity, &b->identity) != 0)
		return 0;
	if (md->fs->open(md->tmp, a->tmp_name, &files[0], err) == FS_OK &&
		md->fs->open(md->tmp, b->tmp_name, &files[1], err) == FS_OK) {
		do
			result = compare_chunk(md->fs, files, same_r, err);
		while (result > 0);
	}
	for (int i = 0; i < 2; i++) {
		if (files[i] != NULL)
			md->fs->close(&files[i]);
	}
	return result;
}
