/*
 * Mailbox names: between UTF-8 and what travels on the wire.
 *
 * RFC 3501 section 5.1.3 spells names in modified UTF-7; after ENABLE
 * UTF8=ACCEPT (RFC 6855) they are UTF-8. Both directions are strict: a name
 * that does not decode to the one UTF-8 text it stands for is reported, never
 * mended, because the wire bytes are what the server must be given back. INBOX
 * is not touched here; imap_name_is_inbox() knows its spellings.
 */
#ifndef GODWIT_IMAP_NAME_H
#define GODWIT_IMAP_NAME_H

#include "godwit/base/bytes.h"

/*
 * Appends the wire form of the UTF-8 name `utf8` to `wire`. False, and nothing
 * appended, when it is not valid UTF-8 or holds a NUL, CR or LF.
 */
bool imap_name_encode(struct str utf8, bool utf8_accept, struct buf *wire);

/*
 * Appends the UTF-8 form of the server's spelling `wire` to `utf8`. False, and
 * nothing appended, when it is not valid: broken base64, a lone surrogate, a
 * needless or unended shift, 8-bit bytes that are not UTF-8. 8-bit bytes are
 * taken for UTF-8 in either mode where the name holds no shift, since servers
 * without UTF8=ACCEPT send them too.
 */
bool imap_name_decode(struct str wire, bool utf8_accept, struct buf *utf8);

/* INBOX in any mix of cases (RFC 3501 section 5.1). */
bool imap_name_is_inbox(struct str name);

/* Whether `s` is well-formed UTF-8 (no surrogates, no overlong forms). */
bool imap_utf8_valid(struct str s);

#endif
