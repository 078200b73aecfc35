/*
 * Line ends: CRLF on the wire, LF on disk, and back without losing a byte.
 *
 * A message is stored with LF wherever that can be undone exactly. One that
 * holds a bare CR or a bare LF cannot; it is stored as it came (RAW), and the
 * journal says so. The canonical form of a file is the CRLF form that its line
 * form stands for: of a RAW file the file itself; of an LF file that with each
 * LF that has no CR before it made CRLF (files that other programs wrote may
 * hold CRLF and bare CRs already: those stay).
 *
 * Download: to_lf_init, then for each chunk
 *
 *     while (!to_lf_feed(&conv, &chunk, &out))
 *             ... out and all that was written before: expand to CRLF ...
 *
 * (false comes at most once a message), at the end the same with to_lf_finish;
 * then conv.form is what the journal stores. Upload: to_crlf_init with the form
 * from the journal (LF for a file of others), to_crlf_feed for each chunk.
 */
#ifndef GODWIT_MAIL_LINE_ENDS_H
#define GODWIT_MAIL_LINE_ENDS_H

#include "godwit/base/bytes.h"

#include <stdbool.h>
#include <stdint.h>

/* How a file's bytes stand for the message. The journal stores these. */
enum line_form {
	LINE_FORM_LF = 0,  /* LF stands for CRLF */
	LINE_FORM_RAW = 1, /* every byte stands for itself */
};

struct to_lf {
	enum line_form form;
	bool cr_held; /* the last byte was a CR, not yet given out */
};

/*
 * LINE_FORM_LF begins a message, or goes on with one behind what is already in
 * the file; LINE_FORM_RAW goes on with one that was found not convertible.
 */
void to_lf_init(struct to_lf *conv, enum line_form form);

/*
 * Takes bytes off the front of *chunk and adds what they become to `out`.
 * True when all were taken. False when what comes next is a bare CR or LF: all
 * that was given out since the message began is exact in LF form, and must now
 * be expanded by the caller; the conversion has become RAW, and the call is
 * repeated for the rest.
 */
bool to_lf_feed(struct to_lf *conv, struct str *chunk, struct buf *out);

/* The message ends here. False as above: it ends with a CR. */
bool to_lf_finish(struct to_lf *conv, struct buf *out);

struct to_crlf {
	enum line_form form;
	bool after_cr; /* the last byte was a CR */
};

/* The form is the file's. */
void to_crlf_init(struct to_crlf *conv, enum line_form form);

/* Adds the canonical form of the file's next bytes to `out`. */
void to_crlf_feed(struct to_crlf *conv, struct str chunk, struct buf *out);

/* Only counts them: how many bytes to_crlf_feed() would have added. */
uint64_t to_crlf_count(struct to_crlf *conv, struct str chunk);

#endif
