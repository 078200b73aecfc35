/*
 * The keyword file: which letter a-z stands for which keyword in a Maildir.
 *
 * `dovecot-keywords` stands beside cur/ and holds lines of "INDEX NAME", index
 * 0 for the letter a to 25 for z. Dovecot, which may serve the same Maildir,
 * reads and writes it as well; so the text is only ever added to, and a letter
 * once given is never taken away, even if its name is none that we carry.
 * Reading is tolerant: what is not such a line has no meaning and is kept.
 *
 * All zeroes is not valid: begin with kwfile_init or kwfile_parse.
 */
#ifndef GODWIT_MAIL_KWFILE_H
#define GODWIT_MAIL_KWFILE_H

#include "godwit/base/bytes.h"
#include "godwit/mail/keywords.h"

#include <stdint.h>

enum {
	KWFILE_LETTERS = 26,
};

/* In place of a keyword's id, where a letter stands for $Forwarded. */
#define KWFILE_FORWARDED (KEYWORD_NONE - 1)

/* In place of a keyword's id: the letter is taken, by a name not carried. */
#define KWFILE_TAKEN (KEYWORD_NONE - 2)

struct kwfile {
	uint32_t ids[KWFILE_LETTERS]; /* KEYWORD_NONE: the letter is free */
	struct buf text;              /* the file as it stands */
	uint32_t shunned; /* free letters that are given last, 1 for a: files
			   * bear them, though they stand for nothing */
};

/* A mailbox without the file. */
void kwfile_init(struct kwfile *kwfile);

/*
 * The file with this text; its names are added to the table. No more than
 * LIMIT_KEYWORD_FILE_BYTES of it count. Of two lines with one index the first
 * counts.
 */
void kwfile_parse(
	struct kwfile *kwfile, struct keywords *keywords, struct str text);

void kwfile_clear(struct kwfile *kwfile);

/* What the letter stands for: an id, KEYWORD_NONE or one of the above. */
uint32_t kwfile_id(const struct kwfile *kwfile, char letter);

/* The letter of a keyword (also of KWFILE_FORWARDED), or '\0'. */
char kwfile_letter(const struct kwfile *kwfile, uint32_t id);

/*
 * The letter of a keyword, which gets the first free one if it has none, best
 * one that is not shunned, and a line in the text; then the file has to be
 * written before the letter is used.
 * '\0' when all are taken: such a keyword lives in the journal alone.
 */
char kwfile_add(
	struct kwfile *kwfile, const struct keywords *keywords, uint32_t id);

/* What is to be written to the file; borrowed until it is next added to. */
struct str kwfile_text(const struct kwfile *kwfile);

/*
 * The handle of those keywords of a set that have no letter. A file's name
 * cannot speak for them: what the journal has of them counts as unchanged.
 */
uint32_t kwfile_unlettered(
	const struct kwfile *kwfile, struct keywords *keywords, uint32_t set);

#endif
