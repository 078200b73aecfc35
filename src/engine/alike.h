/*
 * Alike: messages that a server stored changed, found again in the Maildir.
 *
 * Some servers end the last line of what is uploaded, or mend its line ends
 * (mail/identity.h). The journal knows which file such a message is; without it
 * (lost, or of another UIDVALIDITY) sizes differ, and the message would be
 * doubled. So where delta had fetched a body that is no file's, but has a
 * file's header and nearly its size, the two bodies are compared. Messages that
 * differ in anything else are never united.
 */
#ifndef GODWIT_SRC_ENGINE_ALIKE_H
#define GODWIT_SRC_ENGINE_ALIKE_H

#include "pass.h"

/* A server row whose body was fetched. */
struct alike_row {
	struct identity identity;
	struct identity alike; /* by identity_finish_alike() */
	uint32_t row;
};

/* All zeroes is an empty one. */
struct alike {
	struct alike_row *items; /* on the heap */
	size_t count;
	size_t cap;
};

void alike_clear(struct alike *alike);

void alike_add(struct alike *alike, const struct alike_row *row);

/*
 * Unites those rows that are single still with the single files that are alike;
 * reads the files that have a header of theirs. FS_ABSENT when one is not there
 * any more. What cannot be read is told, and with the messages that it might be
 * left out of this run.
 */
enum fs_result alike_pair(struct pass *pass, struct mailbox *mailbox,
	struct alike *alike, struct err *err);

#endif
