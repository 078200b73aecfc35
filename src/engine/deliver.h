/*
 * Deliveries: a message's body on its way into a Maildir.
 *
 * Takes the body as the server gives it, in chunks; writes it to tmp/ with LF
 * line ends where that can be undone (mail/line_ends.h), and finds out its
 * identity on the way. Placing it among the messages is the batch's part.
 */
#ifndef GODWIT_SRC_ENGINE_DELIVER_H
#define GODWIT_SRC_ENGINE_DELIVER_H

#include "maildir.h"

#include "godwit/mail/identity.h"
#include "godwit/mail/line_ends.h"

enum {
	DELIVERY_NAME_BYTES = 48,
};

/* One delivery. All zeroes: none under way. */
struct delivery {
	struct maildir *md;
	char tmp_name[DELIVERY_NAME_BYTES]; /* in tmp/ */
	struct fs_file *file;
	struct to_lf conv;
	struct identity_stream stream;
	struct buf out;      /* converted, not yet written */
	uint64_t disk_bytes; /* written */
	uint64_t wire_bytes; /* taken */
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

/* Takes the next bytes. On -1 the delivery is to be dropped. */
int delivery_write(
	struct delivery *delivery, struct str bytes, struct err *err);

/* Ends it: the file is handed to the next flush. */
int delivery_end(struct delivery *delivery, int64_t mtime_ns,
	struct delivered *delivered_r, struct err *err);

/* Gives it up and removes the file; harmless when there is none. */
void delivery_drop(struct delivery *delivery);

/* Whether two that came of deliveries hold the same bytes. */
int delivered_same(struct maildir *md, const struct delivered *a,
	const struct delivered *b, bool *same_r, struct err *err);

#endif
