/*
 * Parts: large bodies that were cut off, in tmp/ until the rest comes.
 *
 * A part's name says what it is: the stem of the name that the message will
 * have, which no other message's is, then how much of the file is durable, how
 * many of the server's bytes that stands for, and with which line ends. More
 * may be in the file, written when the power failed; it does not count.
 */
#ifndef GODWIT_SRC_ENGINE_PART_H
#define GODWIT_SRC_ENGINE_PART_H

#include "maildir.h"

enum {
	PART_STEM_BYTES = 48,  /* more than any stem has */
	PART_NAME_BYTES = 120, /* with all that is behind it */
};

struct part {
	char name[PART_NAME_BYTES]; /* in tmp/ */
	uint64_t disk_bytes;
	uint64_t wire_bytes;
	bool stored_raw;
	bool taken; /* by who goes on with it */
};

/* Gives the part the name that says what its other members do. */
void part_set_name(struct part *part, const char *stem);

/* The parts of a folder. */
struct parts {
	struct part *items;
	size_t count;
};

/* Lists what is in tmp/. */
int parts_find(struct maildir *md, struct arena *arena, struct parts *parts_r,
	struct err *err);

/* Takes the longest part with this stem, or NULL. */
struct part *parts_take(const struct parts *parts, struct str stem);

/* Removes those that nobody took. */
void parts_remove(struct maildir *md, struct parts *parts);

#endif
