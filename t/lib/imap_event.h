/*
 * Events of a session as a line of text each, for the E: lines of transcripts.
 */
#ifndef GODWIT_T_LIB_IMAP_EVENT_H
#define GODWIT_T_LIB_IMAP_EVENT_H

#include "godwit/imap/session.h"

/*
 * Appends what a transcript says of `event`, without a line end; a challenge,
 * which may be binary, as base64 where it is. Nothing for
 * LITERAL_WANTED, and for the chunks of a body, whose sizes depend on how they
 * arrived.
 */
void event_describe(const struct imap_event *event, struct buf *out);

#endif
