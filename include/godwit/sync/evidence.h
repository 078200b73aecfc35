/*
 * Evidence: by how little a new message is recognised as one that is known.
 *
 * A message that was moved or copied on the server is new where it went. What
 * it is tells its identity (mail/identity.h), for which its whole header must
 * come: some kilobytes. This says where less will do. All of it is about a
 * message and known ones of just its size (RFC822.SIZE), and
 * whatever is in any way doubtful takes the whole header.
 *
 * EVIDENCE_KEY: the server calls it by the EMAILID (RFC 8474), or X-GM-MSGID,
 * of a known one of the same INTERNALDATE. Section 5.1 of the RFC says what
 * that is: messages with one EMAILID have the same content, for ever. It is not
 * believed before it was seen that the server gives two of them (one that gives
 * the same to all does not), nor once it is seen that it gave one to two
 * messages that differ; and size and second must be the same as well.
 *
 * EVIDENCE_PART: the first EVIDENCE_PART_BYTES of its header are those of a
 * known message's file, and in them is the whole Received field at the top, or
 * more of them. That is enough if nothing else can be meant: this is the one
 * new message of its size and second, that the one known message of its size
 * and second that has gone from the server. For:
 *
 * - the top Received field is what the last server wrote when the message was
 *   delivered: from whom, by whom, the number in its queue, when. Two messages
 *   do not share it, even if they share a Message-ID: the two copies of a
 *   letter to a list and to oneself were delivered twice;
 * - what is saved again and again under one Message-ID, a draft, was never
 *   delivered: it has no Received field, and takes its whole header. So does
 *   what was sent and is kept in a folder;
 * - so two that share it are the one that was delivered, or what a program made
 *   of that. To be taken for it, it would have to be changed behind the first
 *   part of its header without change of its length, be given the second of the
 *   original and be put in another mailbox, and the original be removed. What
 *   adds, removes or wraps changes the size; a field for the result of some
 *   check goes to the top; what is merely saved has a date of its own. An
 *   identity tells no more of the body than this does;
 * - who would do that by hand does it to one message. This is for the hundreds
 *   that are moved at once: below EVIDENCE_PARTS_MIN of them, whole headers are
 *   cheap enough.
 *
 * A message that is not gone but copied has no file that is waiting for it, and
 * takes the whole header; so does one that is new in the mailbox that the known
 * one has gone from: it replaced it.
 */
#ifndef GODWIT_SYNC_EVIDENCE_H
#define GODWIT_SYNC_EVIDENCE_H

#include "godwit/base/bytes.h"
#include "godwit/mail/identity.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	/* Return-Path, Delivered-To and a Received field of the usual length
	 * fit in. */
	EVIDENCE_PART_BYTES = 384,

	/* Where fewer parts would do, headers are asked for. */
	EVIDENCE_PARTS_MIN = 32,

	/* Of more than this that have one size, it does not look for the one:
	 * nothing that servers make up takes more than linear time. */
	EVIDENCE_KNOWN_MAX = 256,
};

enum evidence {
	EVIDENCE_KEY,    /* it is known: nothing is to be fetched */
	EVIDENCE_PART,   /* the first part of its header */
	EVIDENCE_HEADER, /* the whole header */
};

/* A message that is new on the server. */
struct evidence_message {
	uint64_t bytes;
	int64_t date_s;     /* INTERNALDATE; 0: not known */
	uint64_t email_key; /* identity_email_key(); 0: not known */
	uint32_t mailbox;   /* as the caller numbers them */
	uint32_t row;
};

/* A message of the journal's, of the size of a new one. */
struct evidence_known {
	struct identity identity;
	int64_t date_s;
	uint64_t email_key;
	uint32_t mailbox;
	uint32_t row;
	bool gone; /* from the server, and its file is there still */
};

/* Puts them into the order in which they are weighed: by size, then by date. */
void evidence_sort(struct evidence_message *messages, size_t count);

struct evidence_messages {
	struct evidence_message *items;
	size_t count;
};

/* All of one size. */
struct evidence_knowns {
	const struct evidence_known *items;
	size_t count;
};

/* What is known of the keys that a server gives. */
struct evidence_keys {
	bool differ; /* there are two of them, at least */
	bool fail;   /* two messages that differ have one */
};

/* What the messages show of it. Puts them into an order of its own. */
void evidence_keys_see(struct evidence_message *messages, size_t count,
	struct evidence_keys *keys);

/* What two known ones show. */
void evidence_keys_compare(const struct evidence_known *a,
	const struct evidence_known *b, struct evidence_keys *keys);

/*
 * What is needed to know which of the known ones a message is, which is one of
 * all that are new, sorted; the known are those of its size. *of_r is the one
 * that it is (KEY), or that the part is to be compared with (PART).
 */
enum evidence evidence_needed(const struct evidence_messages *messages,
	size_t at, const struct evidence_knowns *known, size_t *of_r);

/* Whether the part that came is that of the file, whose first bytes (canonical,
 * as many as there are, or more) these are, and says enough. */
bool evidence_part_tells(struct str part, struct str file);

#endif
