/*
 * Outgoing: a file of a Maildir on its way to a server.
 *
 * A server is told how many octets a message has before it gets them. Nobody
 * keeps other programs from writing to the file meanwhile; so it is measured
 * first, and looked at again before its last octets are given away: what has
 * changed is not the message that was announced, and is not to be stored.
 */
#ifndef GODWIT_SRC_ENGINE_OUTGOING_H
#define GODWIT_SRC_ENGINE_OUTGOING_H

#include "mailbox.h"

#include "godwit/mail/line_ends.h"

/* A file to be sent. */
struct outgoing_file {
	struct local_item *item;
	enum line_form form;
	struct file_facts facts; /* as measured */
};

enum outgoing_step {
	OUTGOING_GIVEN,
	OUTGOING_CHANGED, /* or gone: it is not what was measured */
	OUTGOING_FAILED,  /* err is set */
};

/*
 * Fills in file->facts: what the file is now. It is read only if it is not as
 * `known` (or NULL) says. FS_ABSENT when it has another name, or is gone.
 */
enum fs_result outgoing_measure(struct maildir *md, struct outgoing_file *file,
	const struct file_facts *known, struct err *err);

/* The file that is being given. All zeroes: none. */
struct outgoing {
	struct maildir *md;
	struct outgoing_file *file;
	struct fs_file *open;
	struct to_crlf conv;
	struct buf ready; /* canonical; of these octets */
	size_t given;     /* so many were given */
};

/* Begins with a file that was measured; all is borrowed until the end. */
enum outgoing_step outgoing_begin(struct outgoing *outgoing, struct maildir *md,
	struct outgoing_file *file, struct err *err);

/* The next of the `missing` octets, borrowed until the next call. */
enum outgoing_step outgoing_next(struct outgoing *outgoing, uint64_t missing,
	struct str *octets_r, struct err *err);

/* Closes the file; harmless where there is none. */
void outgoing_end(struct outgoing *outgoing);

/* Releases what was kept for another one. */
void outgoing_clear(struct outgoing *outgoing);

#endif
