/*
 * Maildir names: what the name of a message's file says.
 *
 *     1700000000.M1P2.host,S=1234,W=1250,U=7:2,FSab
 *     `------ base -----'               |   |
 *     `------------ unique -------------'   `- letters
 *
 * The unique part stays when flags change. Letters: D draft, F flagged,
 * P forwarded, R answered, S seen, T deleted, a-z by the mailbox's kwfile.
 * Letters that have no meaning, and what follows a comma behind them, belong
 * to other programs and are kept. No part of a name but the unique one
 * identifies a message; only the journal says what a file is.
 *
 * Names that we give are derived: a download that is repeated after a crash
 * lands on the same name. The stem is
 *
 *     BASE32(first 20 bytes of SHA-256(INPUT)) ".godwit"
 *
 * with the alphabet a-z2-7 of RFC 4648 in lower case (32 letters, no padding),
 * where INPUT is these bytes in a row: "godwit-name-1" and a NUL; the account's
 * name, preceded by its length; the mailbox's name, likewise; UIDVALIDITY; UID.
 * Lengths and numbers are 4 bytes, the most significant first. To the stem
 * comes ",S=" and the number of bytes on disk, once that is known.
 */
#ifndef GODWIT_MAIL_MAILDIR_NAME_H
#define GODWIT_MAIL_MAILDIR_NAME_H

#include "godwit/base/bytes.h"
#include "godwit/base/err.h"
#include "godwit/mail/flags.h"
#include "godwit/mail/keywords.h"
#include "godwit/mail/kwfile.h"

#include <stdbool.h>
#include <stdint.h>

struct maildir_name {
	struct str unique;  /* all before the last ":2,", or all */
	struct str base;    /* unique without its ",X=..." fields */
	struct str letters; /* behind ":2,", up to a comma */
	struct str extra;   /* from that comma on */
	bool has_info;      /* there was a ":2," */
	bool has_size;      /* ,S= */
	bool has_uid;       /* ,U= of mbsync and OfflineIMAP; not trusted */
	uint64_t size;      /* bytes on disk */
	uint32_t uid;
};

/*
 * Takes a file's name apart; the parts borrow from it. False if no message has
 * such a name: empty, dot-led, with a slash or a NUL, or longer than
 * LIMIT_NAME_BYTES.
 */
bool maildir_name_parse(struct str file, struct maildir_name *name_r);

/* Likewise, but does not look into the unique part, which costs the most: base,
 * size and uid are left empty. */
bool maildir_name_cut(struct str file, struct maildir_name *name_r);

/* The flags in the name. Fails only as keywords_set() does. */
int maildir_name_flags(const struct maildir_name *name,
	const struct kwfile *kwfile, struct keywords *keywords,
	struct flags *flags_r, struct err *err);

/*
 * Adds to `out` the name with other flags: unique, ":2,", letters in ASCII
 * order. Letters of `name` that have no meaning stay. Keywords without a letter
 * are left out (kwfile_unlettered). False, with `out` as it was, if that makes
 * it longer than LIMIT_NAME_BYTES.
 */
bool maildir_name_print(const struct maildir_name *name,
	const struct kwfile *kwfile, const struct keywords *keywords,
	struct flags flags, struct buf *out);

/* Adds the stem of a derived name to `out`. */
void maildir_name_stem(struct buf *out, struct str account, struct str mailbox,
	uint32_t uidvalidity, uint32_t uid);

/* Adds a derived unique part: the stem with its size. */
void maildir_name_derive(struct buf *out, struct str stem, uint64_t bytes);

/* Whether the name has this stem, whatever its size and flags are. */
bool maildir_name_has_stem(const struct maildir_name *name, struct str stem);

/* Whether the name has the form of a derived one, of any message. */
bool maildir_name_derived(const struct maildir_name *name);

#endif
