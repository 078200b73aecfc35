/*
 * Deliveries: a message's body on its way into a Maildir.
 *
 * Takes the body as the server gives it, in chunks; writes it to tmp/ with LF
 * line ends where that can be undone (mail/line_ends.h), and finds out its
 * identity on the way. Placing it among the messages is the batch's part.
 *
 * A delivery that may be kept survives what cuts it off (part.h). It is gone on
 * with from a little before its end: what comes once more must be what is
 * there, or else the server means something else by the offset.
 */
#ifndef GODWIT_SRC_ENGINE_DELIVER_H
#define GODWIT_SRC_ENGINE_DELIVER_H

#include "part.h"

#include "godwit/mail/identity.h"
#include "godwit/mail/line_ends.h"

enum {
	DELIVERY_NAME_BYTES = PART_NAME_BYTES,
	DELIVERY_OVERLAP_BYTES = 1024,
};

/* One delivery. All zeroes: none under way. */
struct delivery {
	struct maildir *md;
	uint64_t serial;
	char tmp_name[DELIVERY_NAME_BYTES]; /* in tmp/ */
	char stem[PART_STEM_BYTES]; /* as a part; "": it may not be kept */
	struct fs_file *file;
	struct to_lf conv;
	struct identity_stream stream;
	struct buf out;      /* converted, not yet written */
	uint64_t disk_bytes; /* written */
	uint64_t wire_bytes; /* taken */
	uint64_t kept_bytes; /* of those on disk: durable, by the name */
	struct part saved;   /* what was made durable on the way, */
	bool has_saved;      /* if anything was */
	bool flush_failed;   /* any file may be lost */
	bool resumed;        /* it goes on with a part, */
	struct buf overlap;  /* whose end was this: it comes first, */
	size_t overlap_seen; /* and so much of it came */
	bool differs;        /* and what came is not the same */
};

/* What came of it. */
struct delivered {
	char tmp_name[DELIVERY_NAME_BYTES];
	struct identity identity;
	uint64_t disk_bytes;
	uint64_t wire_bytes;
	bool stored_raw;
};

/* Begins to write tmp/<serial>.godwit-tmp. */
int delivery_begin(struct delivery *delivery, struct maildir *md,
	uint64_t serial, struct err *err);

/* It may be kept, under the stem of the name that it will have. */
void delivery_allow_part(struct delivery *delivery, struct str stem);

/* What to ask a server for to go on with a part: the bytes from here on. */
uint64_t delivery_resume_offset(const struct part *part);

/* Goes on with a part; it is in the delivery's hands now. 0: it was not to be
 * had any more, or is not what its name says, and nothing is under way. */
int delivery_resume(struct delivery *delivery, struct maildir *md,
	const struct part *part, uint64_t serial, struct err *err);

/* Whether it has got on, and may be kept. */
bool delivery_is_worth_keeping(const struct delivery *delivery);

/* Likewise, or something was made durable since it was begun. */
bool delivery_may_be_kept(const struct delivery *delivery);

/* Ends it as a part, durably but for the name. On -1 it is to be dropped. */
int delivery_keep(
	struct delivery *delivery, struct part *part_r, struct err *err);

/* Takes the next bytes. On -1 the delivery is to be dropped. */
int delivery_write(
	struct delivery *delivery, struct str bytes, struct err *err);

/* Whether a resumed one is of the size that the server lists, and was so from
 * the place that was asked for. */
bool delivery_is_whole(const struct delivery *delivery, uint64_t wire_bytes);

/* Ends it: the file is handed to the next flush. */
int delivery_end(struct delivery *delivery, int64_t mtime_ns,
	struct delivered *delivered_r, struct err *err);

/* Gives it up and removes the file; harmless when there is none. */
void delivery_drop(struct delivery *delivery);

/* Whether two that came of deliveries hold the same bytes. */
int delivered_same(struct maildir *md, const struct delivered *a,
	const struct delivered *b, bool *same_r, struct err *err);

#endif
