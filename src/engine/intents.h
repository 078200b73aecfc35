/*
 * Intents: uploads whose answer may have been lost.
 *
 * Before an APPEND is sent, the journal holds what is about to be sent and the
 * mailbox's UIDNEXT. After a crash the message is looked for among the UIDs
 * from there on, by its header, since some servers store a message changed (a
 * final CRLF added, a NUL replaced) and its size with it.
 */
#ifndef GODWIT_SRC_ENGINE_INTENTS_H
#define GODWIT_SRC_ENGINE_INTENTS_H

#include "pass.h"

#include "godwit/imap/response.h"
#include "godwit/imap/set.h"

/* Reads the mailbox's open intents, those of trash.h as well. */
int intents_load(struct pass *pass, struct mailbox *mailbox, struct err *err);

/* Adds the UIDs whose headers are needed to settle them. */
void intents_wanted(const struct mailbox *mailbox, struct imap_set *uids);

/* Unites the rows of files and of the messages that they had become. */
void intents_pair(struct mailbox *mailbox, struct match_identities *headers);

/*
 * Adds a header that was fetched in search of a message, `row` being its UID
 * there; `headers` is on the heap, *cap its capacity. When all have come, they
 * are settled: a message that was told twice is one. -1 and err (ERR_MAILBOX):
 * there are too many.
 */
int intents_header(struct match_identities *headers, size_t *cap,
	const struct imap_fetch *fetched, struct err *err);
void intents_settle(struct match_identities *headers);

/*
 * The index of the header that is `identity`, or the nearest in size of those
 * that differ in size only; headers->count if there is none. Those with row
 * PLAN_NONE are taken.
 */
size_t intents_find(const struct match_identities *headers,
	const struct identity *identity);

#endif
