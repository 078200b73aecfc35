/*
 * How: by the hash of the header alone; servers that tell one UIDVALIDITY for
 * all mailboxes tell wrong sizes, too.
 */
#include "samples.h"

#include <string.h>

size_t samples_place(size_t count, size_t i)
{
	const size_t last = count - 1;

	check(count > 0 && i < SAMPLES);
	switch (i) {
	case 0:
		return last;
	case 1:
		return last > 0 ? last - 1 : 0;
	case 2:
		return last / 2;
	default:
		return 0;
	}
}

static struct sample *find(struct samples *samples, uint32_t uid)
{
	for (size_t i = 0; i < samples->count; i++) {
		if (samples->items[i].uid == uid)
			return &samples->items[i];
	}
	return NULL;
}

int samples_add(struct samples *samples, struct journal_base *base,
	uint32_t uid, struct err *err)
{
	struct sample *sample = &samples->items[samples->count];
	struct journal_message message;
	struct arena scratch = {0};
	int found;

	if (find(samples, uid) != NULL)
		return 0;
	check(samples->count < SAMPLES);
	found = journal_message(base, uid, &scratch, &message, err);
	if (found > 0) {
		*sample = (struct sample){.uid = uid};
		memcpy(sample->header_sha256,
			message.detail->identity.header_sha256,
			sizeof(sample->header_sha256));
		samples->count++;
	}
	arena_clear(&scratch);
	return found < 0 ? -1 : 0;
}

void samples_uids(const struct samples *samples, struct imap_set *set)
{
	for (size_t i = 0; i < samples->count; i++)
		imap_set_add(set, samples->items[i].uid);
}

void samples_hear(struct samples *samples, const struct imap_fetch *fetched)
{
	const unsigned needed = IMAP_FETCH_UID | IMAP_FETCH_HEADER;
	struct sample *sample = NULL;
	struct identity identity;

	if ((fetched->present & needed) == needed && !fetched->header_nil &&
		!fetched->header_not_kept)
		sample = find(samples, fetched->uid);
	if (sample == NULL)
		return;
	identity_of_header(fetched->header, fetched->header.len, &identity);
	sample->is_told = true;
	sample->differs = memcmp(sample->header_sha256, identity.header_sha256,
				  sizeof(sample->header_sha256)) != 0;
}

size_t samples_told(const struct samples *samples)
{
	size_t told = 0;

	for (size_t i = 0; i < samples->count; i++)
		told += samples->items[i].is_told;
	return told;
}

size_t samples_different(const struct samples *samples)
{
	size_t different = 0;

	for (size_t i = 0; i < samples->count; i++)
		different += samples->items[i].differs;
	return different;
}
