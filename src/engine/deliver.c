/*
 * How: bytes are converted into a buffer and written when there are enough of
 * them. When the converter meets what LF cannot stand for, all that was written
 * is read back, expanded into a second file, and the rest goes there as it
 * comes. Messages seldom do that.
 *
 * What may be kept is made durable each time that enough of it is new: finished
 * and flushed, renamed to say how much there is, and opened again. To go on
 * with a part, it is read back once, for the identity and for its end.
 */
#include "deliver.h"

#include "godwit/base/limits.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
	WRITE_BYTES = 128 << 10,
	READ_BYTES = 64 << 10,
};

/* A new one, with the buffers of the last. */
static void delivery_reset(struct delivery *delivery, struct maildir *md)
{
	struct buf out = delivery->out;
	struct buf overlap = delivery->overlap;

	buf_reset(&out);
	buf_reset(&overlap);
	*delivery = (struct delivery){.md = md, .out = out, .overlap = overlap};
}

int delivery_begin(struct delivery *delivery, struct maildir *md,
	uint64_t serial, struct err *err)
{
	delivery_reset(delivery, md);
	delivery->serial = serial;
	(void)snprintf(delivery->tmp_name, sizeof(delivery->tmp_name),
		"%" PRIu64 ".godwit-tmp", serial);
	to_lf_init(&delivery->conv, LINE_FORM_LF);
	if (maildir_create_tmp(md, delivery->tmp_name, &delivery->file, err) !=
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
		"raw.%" PRIu64 ".godwit-tmp", delivery->serial);
	delivery->disk_bytes = 0;
	delivery->kept_bytes = 0;
	delivery->has_saved = false;
	if (maildir_create_tmp(delivery->md, delivery->tmp_name,
		    &delivery->file, err) == FS_OK &&
		fs->open(tmp, lf_name, &from, err) == FS_OK)
		result = expand_from(delivery, from, err);
	if (from != NULL)
		fs->close(&from);
	if (fs->unlink(tmp, lf_name, NULL) == FS_FAILED)
		return result; /* maildir_clean_tmp() gets it later */
	return result;
}

/* ---- Parts --------------------------------------------------------------- */

void delivery_allow_part(struct delivery *delivery, struct str stem)
{
	check(stem.len < sizeof(delivery->stem));
	memcpy(delivery->stem, stem.ptr, stem.len);
	delivery->stem[stem.len] = '\0';
}

uint64_t delivery_resume_offset(const struct part *part)
{
	return part->wire_bytes < DELIVERY_OVERLAP_BYTES
		       ? 0
		       : part->wire_bytes - DELIVERY_OVERLAP_BYTES;
}

/* A file in tmp/ is not as it was left. */
static int went(enum fs_result result, struct err *err)
{
	if (result == FS_FAILED)
		return -1;
	return err_set(err, ERR_MAILBOX, ERR_LATER, ERR_DISK,
		"another program removed a message from tmp/ that was being "
		"delivered; the next run fetches it again");
}

/* All that was written so far becomes durable, and the name says so. A CR that
 * is held back is no part of it. The file is closed. */
static int make_part(
	struct delivery *delivery, struct part *part_r, struct err *err)
{
	const struct fs_port *fs = delivery->md->fs;
	struct fs_dir *tmp = delivery->md->tmp;
	struct part part = {
		.wire_bytes = delivery->wire_bytes - delivery->conv.cr_held,
		.stored_raw = delivery->conv.form == LINE_FORM_RAW,
	};
	enum fs_result result;

	if (write_out(delivery, 0, err) != 0)
		return -1;
	part.disk_bytes = delivery->disk_bytes;
	part_set_name(&part, delivery->stem);
	if (fs->finish(&delivery->file, 0, err) != FS_OK)
		return -1;
	delivery->flush_failed = fs->flush(fs->ctx, err) != FS_OK;
	if (delivery->flush_failed)
		return -1;
	result = fs->replace(tmp, delivery->tmp_name, tmp, part.name, err);
	if (result != FS_OK)
		return went(result, err);
	memcpy(delivery->tmp_name, part.name, sizeof(delivery->tmp_name));
	delivery->kept_bytes = part.disk_bytes;
	*part_r = part;
	return 0;
}

bool delivery_is_worth_keeping(const struct delivery *delivery)
{
	return delivery->md != NULL && delivery->stem[0] != '\0' &&
	       !delivery->differs &&
	       delivery->overlap_seen == delivery->overlap.len &&
	       delivery->disk_bytes + delivery->out.len >
		       delivery->kept_bytes + DELIVERY_OVERLAP_BYTES;
}

bool delivery_may_be_kept(const struct delivery *delivery)
{
	return delivery_is_worth_keeping(delivery) ||
	       (delivery->md != NULL && delivery->has_saved);
}

int delivery_keep(
	struct delivery *delivery, struct part *part_r, struct err *err)
{
	/* What little came since it was saved is cut off when it goes on. */
	if (!delivery_is_worth_keeping(delivery)) {
		delivery->md->fs->close(&delivery->file);
		buf_reset(&delivery->out);
		*part_r = delivery->saved;
	} else if (make_part(delivery, part_r, err) != 0) {
		return -1;
	}
	identity_clear(&delivery->stream);
	delivery->md = NULL;
	return 0;
}

/* Enough is new to be made durable. */
static int save(struct delivery *delivery, struct err *err)
{
	const struct fs_port *fs = delivery->md->fs;
	enum fs_result result;
	struct part part = {0};

	if (make_part(delivery, &part, err) != 0)
		return -1;
	delivery->saved = part;
	delivery->has_saved = true;
	result = fs->extend(delivery->md->tmp, part.name, part.disk_bytes,
		&delivery->file, err);
	return result == FS_OK ? 0 : went(result, err);
}

/* The bytes of the part, as the server gave them. */
static void take_back(struct delivery *delivery, struct str bytes)
{
	struct buf *overlap = &delivery->overlap;

	identity_feed(&delivery->stream, bytes);
	delivery->wire_bytes += bytes.len;
	buf_add(overlap, bytes);
	if (overlap->len > DELIVERY_OVERLAP_BYTES)
		buf_consume(overlap, overlap->len - DELIVERY_OVERLAP_BYTES);
}

/* Reads back what the part's name says that there is; 1, or 0 if there is
 * less. */
static int read_back(
	struct delivery *delivery, const struct part *part, struct err *err)
{
	const struct fs_port *fs = delivery->md->fs;
	struct to_crlf conv;
	struct buf chunk = {0};
	struct buf wire = {0};
	size_t got = 1;
	int result = 1;

	to_crlf_init(&conv, delivery->conv.form);
	while (result == 1 && delivery->disk_bytes < part->disk_bytes) {
		uint64_t left = part->disk_bytes - delivery->disk_bytes;
		size_t room = left < READ_BYTES ? (size_t)left : READ_BYTES;

		if (fs->read(delivery->file, buf_reserve(&chunk, room), room,
			    &got, err) != FS_OK)
			result = -1;
		else if (got == 0)
			result = 0;
		if (result != 1)
			break;
		buf_commit(&chunk, got);
		to_crlf_feed(&conv, buf_str(&chunk), &wire);
		take_back(delivery, buf_str(&wire));
		delivery->disk_bytes += got;
		buf_reset(&chunk);
		buf_reset(&wire);
	}
	buf_clear(&chunk);
	buf_clear(&wire);
	return result;
}

int delivery_resume(struct delivery *delivery, struct maildir *md,
	const struct part *part, uint64_t serial, struct err *err)
{
	const struct fs_port *fs = md->fs;
	int result = 1;
	enum fs_result opened;

	delivery_reset(delivery, md);
	delivery->serial = serial;
	memcpy(delivery->tmp_name, part->name, sizeof(delivery->tmp_name));
	to_lf_init(&delivery->conv,
		part->stored_raw ? LINE_FORM_RAW : LINE_FORM_LF);
	delivery->resumed = true;
	identity_init(&delivery->stream);
	opened = fs->open(md->tmp, part->name, &delivery->file, err);
	if (opened == FS_OK) {
		result = read_back(delivery, part, err);
		fs->close(&delivery->file);
	}
	if (opened == FS_OK && result == 1)
		opened = fs->extend(md->tmp, part->name, part->disk_bytes,
			&delivery->file, err);
	if (opened == FS_FAILED)
		result = -1;
	else if (opened != FS_OK || delivery->wire_bytes != part->wire_bytes)
		result = 0;
	delivery->kept_bytes = delivery->disk_bytes;
	if (result != 1)
		delivery_drop(delivery);
	return result;
}

/* What comes of a resumed one's end once more: it is taken off *bytes. */
static void see_overlap(struct delivery *delivery, struct str *bytes)
{
	struct str due = str_sub(buf_str(&delivery->overlap),
		delivery->overlap_seen, bytes->len);

	if (!str_starts(*bytes, due))
		delivery->differs = true;
	delivery->overlap_seen += due.len;
	*bytes = str_sub(*bytes, due.len, SIZE_MAX);
}

bool delivery_is_whole(const struct delivery *delivery, uint64_t wire_bytes)
{
	return !delivery->resumed ||
	       (!delivery->differs &&
		       delivery->overlap_seen == delivery->overlap.len &&
		       delivery->wire_bytes == wire_bytes);
}

int delivery_write(struct delivery *delivery, struct str bytes, struct err *err)
{
	struct str rest;

	see_overlap(delivery, &bytes);
	if (delivery->differs)
		return 0;
	rest = bytes;
	identity_feed(&delivery->stream, bytes);
	delivery->wire_bytes += bytes.len;
	while (!to_lf_feed(&delivery->conv, &rest, &delivery->out)) {
		if (go_raw(delivery, err) != 0)
			return -1;
	}
	if (write_out(delivery, WRITE_BYTES, err) != 0)
		return -1;
	if (delivery->stem[0] == '\0' ||
		delivery->disk_bytes <
			delivery->kept_bytes + LIMIT_RESUME_BYTES)
		return 0;
	return save(delivery, err);
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
