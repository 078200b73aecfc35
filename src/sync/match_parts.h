/*
 * Match parts: what the files of match share.
 */
#ifndef GODWIT_SRC_SYNC_MATCH_PARTS_H
#define GODWIT_SRC_SYNC_MATCH_PARTS_H

#include "godwit/sync/match.h"

/* Whether the row is a server message that nothing else is known of. */
bool match_is_remote(const struct row *row);

/* Whether the row is a file (known to the journal or not) that could be that of
 * a server message. */
bool match_is_file(const struct row *row);

/*
 * How far the size of a message may be from what the server says, and the least
 * and greatest size that it may have. An injected header field has less than
 * 100 bytes; a size that counts LF for CRLF is off by a byte a line.
 */
uint64_t match_slack(uint64_t remote_bytes);
uint64_t match_size_low(uint64_t remote_bytes);
uint64_t match_size_high(uint64_t remote_bytes);

#endif
