/*
 * Parts of the response parser: the grammar's families, a file each.
 *
 * parser.c cuts the stream and picks the family; status_line.c reads OK, NO,
 * BAD, PREAUTH and BYE with their codes; data.c what is untagged and short;
 * fetch.c FETCH, which can be interrupted by bodies.
 */
#ifndef GODWIT_SRC_IMAP_PARTS_H
#define GODWIT_SRC_IMAP_PARTS_H

#include "godwit/imap/lexer.h"
#include "godwit/imap/reader.h"
#include "godwit/imap/response.h"

/* What responses point to, until the next one. */
struct imap_scratch {
	struct arena arena;
	struct imap_set uids;
	struct imap_set source;
	struct imap_caps caps;
};

/* What a unit's head tells about the rest. */
enum imap_family {
	IMAP_FAMILY_BLANK, /* nothing but spaces: DavMail, as a sign of life */
	IMAP_FAMILY_CONTINUATION,
	IMAP_FAMILY_STATUS_LINE,
	IMAP_FAMILY_TAGGED,
	IMAP_FAMILY_FETCH,
	IMAP_FAMILY_DATA,
};

struct imap_head {
	enum imap_family family;
	struct str tag;
	uint32_t seq;
	uint32_t uid;
};

/* Takes the tag, or "*" or "+", and of a FETCH also its "(". */
bool imap_lex_head(struct imap_lexer *lexer, struct imap_head *head_r);

enum imap_fetch_step {
	IMAP_FETCH_OFF,    /* no FETCH is being read */
	IMAP_FETCH_ITEMS,  /* between items */
	IMAP_FETCH_SKIP,   /* inside of an unknown item's value */
	IMAP_FETCH_STREAM, /* inside of a body that is a literal */
	IMAP_FETCH_QUOTED, /* a quoted body was begun: now its bytes */
	IMAP_FETCH_QUOTED_END,
};

/* A FETCH that is being read. */
struct imap_fetch_reading {
	enum imap_fetch_step step;
	struct imap_fetch fetch; /* what was read so far */
	struct str text;         /* what the reader gave; ptr NULL: nothing */
	size_t at;               /* how much of it is dealt with */
	bool pending;            /* `text` ends with a literal's announcement */
	unsigned depth;          /* lists to skip to the end of */
	struct str quoted;
};

enum imap_fetch_next {
	IMAP_FETCH_GIVE, /* the response is filled */
	IMAP_FETCH_READ, /* ask the reader for more */
	IMAP_FETCH_WRONG,
};

/* The words after the tag or "*": OK, NO, BAD, PREAUTH, BYE and what follows.
 */
bool imap_lex_status_line(struct imap_lexer *lexer,
	struct imap_scratch *scratch, struct imap_status_line *line_r);

/* Whether one of those words (or a '[', home.pl) is at hand. */
bool imap_lex_at_condition(const struct imap_lexer *lexer);

/* What stands after "* "; OTHER for what is unknown. */
bool imap_lex_data(struct imap_lexer *lexer, struct imap_scratch *scratch,
	struct imap_response *response_r);

/* Begins a FETCH; its text and where its items begin are to be set. */
void imap_fetch_begin(
	struct imap_fetch_reading *reading, uint32_t seq, uint32_t uid);

/*
 * Goes on with reading->text, as far as it reaches. Before READ it has told
 * `reader` what to do about the pending literal. After WRONG, *wrong_r says
 * what was expected.
 */
enum imap_fetch_next imap_fetch_continue(struct imap_fetch_reading *reading,
	struct imap_reader *reader, struct arena *arena,
	struct imap_response *response_r, const char **wrong_r);

#endif
