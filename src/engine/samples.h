/*
 * Samples: messages that the journal knows, to be compared with what a server
 * has under their UIDs.
 *
 * A few headers tell whether a mailbox is the one that the journal knows. Where
 * they are others, the UIDs are another mailbox's, however equal its numbers.
 */
#ifndef GODWIT_SRC_ENGINE_SAMPLES_H
#define GODWIT_SRC_ENGINE_SAMPLES_H

#include "godwit/engine/journal.h"
#include "godwit/imap/response.h"
#include "godwit/imap/set.h"

enum {
	SAMPLES = 4
};

struct sample {
	uint32_t uid;
	bool is_told;
	bool differs;
	unsigned char header_sha256[IDENTITY_HASH_BYTES];
};

/* All zeroes: none. */
struct samples {
	struct sample items[SAMPLES];
	size_t count;
};

/* Of `count` messages, by rising UID, the one to be taken as the i-th sample:
 * the newest two, the one in the middle, the oldest. Two may be one. */
size_t samples_place(size_t count, size_t i);

/* Adds a message, if it is not there already; base: the mailbox's. */
int samples_add(struct samples *samples, struct journal_base *base,
	uint32_t uid, struct err *err);

/* Adds the UIDs whose headers (IMAP_FETCH_HEADER) are to be asked for. */
void samples_uids(const struct samples *samples, struct imap_set *set);

/* Compares a header, if it is a sample's. */
void samples_hear(struct samples *samples, const struct imap_fetch *fetched);

/* Of how many the header was told, and of how many it was another. What is gone
 * meanwhile is not told. */
size_t samples_told(const struct samples *samples);
size_t samples_different(const struct samples *samples);

#endif
