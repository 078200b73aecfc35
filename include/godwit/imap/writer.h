/*
 * Writers of the grammar's values, for both directions.
 *
 * The encoder of commands and the fake server in t/ append text with these;
 * what comes out, the lexer reads back. They know the shapes (string, list of
 * flags, dates), not the commands or responses around them.
 */
#ifndef GODWIT_IMAP_WRITER_H
#define GODWIT_IMAP_WRITER_H

#include "godwit/base/bytes.h"
#include "godwit/imap/command.h"
#include "godwit/imap/date.h"
#include "godwit/imap/set.h"

/*
 * Whether `s` can be a quoted string: short, no NUL, CR or LF, and 8-bit bytes
 * only where `utf8` says that both sides have agreed on them (RFC 6855).
 */
bool imap_can_quote(struct str s, bool utf8);

/* "s", with backslashes where needed. imap_can_quote() must hold. */
void imap_write_quoted(struct buf *out, struct str s);

/* A string as a server sends it: quoted, else a literal {n}. */
void imap_write_string(struct buf *out, struct str s);

/* NIL for a NULL ptr, else a string. */
void imap_write_nstring(struct buf *out, struct str s);

/* (a b c), each as it is. */
void imap_write_words(struct buf *out, struct imap_strs words);

/* "17-Jul-1996 02:44:25 -0700" with its quotes. */
void imap_write_date(struct buf *out, struct imap_date date);

/* (\HasChildren \Sent ...) of enum imap_list_attr bits. */
void imap_write_list_attrs(struct buf *out, unsigned attrs);

/* The names of STATUS items, spaces between. */
void imap_write_status_items(struct buf *out, unsigned items);

/* The bit of a name, in any case (Cyrus: \drafts); 0 if unknown. */
unsigned imap_list_attr_of(struct str name);
unsigned imap_status_item_of(struct str name);

#endif
