/*
 * Pulled: files that have come, until they are the Maildir's messages.
 *
 * Those of many mailboxes wait together, and become durable together: contents,
 * names, journal, in this order. A power cut before that takes no more than
 * what the next run brings again.
 */
#ifndef GODWIT_SRC_ENGINE_PULLED_H
#define GODWIT_SRC_ENGINE_PULLED_H

#include "deliver.h"
#include "pass.h"

/* One that lies in its mailbox's tmp/. */
struct pulled_file {
	struct mailbox *mailbox;
	const struct op *op;
	struct delivered file;
	unsigned losses; /* of `pulled`, when it began to come */
};

/* All zeroes: nothing waits. */
struct pulled {
	struct pulled_file *files; /* on the heap */
	size_t count;
	size_t cap;
	uint64_t bytes;
	unsigned losses; /* flushes that failed: the system tells once that
			  * any file may be lost, also one still to come */
	struct err lost; /* the latest */
};

/* Hands a file over. */
void pulled_add(struct pulled *pulled, const struct pulled_file *file);

/* Whether enough waits. */
bool pulled_is_full(const struct pulled *pulled);

/* Makes what waits in pass->pulled durable, and tells of it. Mailboxes for
 * which that fails are told to have failed; -1 and err: the account cannot go
 * on. */
int pulled_commit(struct pass *pass, struct err *err);

void pulled_clear(struct pulled *pulled);

#endif
