/*
 * Transcripts as they stand in files, made ready to be played.
 *
 * The format is that of trace.h, with E: lines and a few words more; the
 * README beside this file describes it. A client's lines are gathered into
 * units, so that a command is known as a whole where its first line stands,
 * even where the server answers in the middle of it.
 */
#ifndef GODWIT_T_TRANSCRIPT_SCRIPT_H
#define GODWIT_T_TRANSCRIPT_SCRIPT_H

#include "godwit/base/arena.h"
#include "godwit/base/err.h"
#include "godwit/imap/command.h"

enum line_kind {
	LINE_CLIENT, /* C: C= C# */
	LINE_SERVER, /* S: S= S# */
	LINE_EVENT,  /* E: */
	LINE_CAPS,   /* caps WORD... */
	LINE_EOF,    /* eof */
	LINE_BLANK,  /* a comment, or nothing */
};

enum unit_kind {
	UNIT_NONE, /* the line goes on with a unit */
	UNIT_COMMAND,
	UNIT_SASL,   /* an answer to a challenge */
	UNIT_CANCEL, /* "*" */
	UNIT_DONE,   /* of IDLE */
};

struct line {
	enum line_kind kind;
	int number;
	struct str shown; /* as it stands in the file */
	struct str text;  /* behind the letter, or behind the word */
	struct str bytes; /* C, S: what travels */
	enum unit_kind unit;
	struct str tag;              /* COMMAND */
	struct imap_command command; /* COMMAND */
	struct str response;         /* SASL, decoded */
};

struct script {
	struct line *lines;
	size_t count;
	size_t cap;
	bool has_events; /* then every event must be told */
	bool left_out;   /* literals of messages are left out: C# S# */
	struct arena arena;
};

/* Reads `content`, which must outlive the script. */
int script_read(struct script *script, struct str content, struct err *err);
void script_clear(struct script *script);

#endif
