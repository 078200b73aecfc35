/*
 * Flag checks: which flags a server really has on what was uploaded to it.
 *
 * A server may forget flags that come with APPEND (Exchange: \Flagged), or take
 * a STORE and not keep it. What it was told is therefore no base to merge from:
 * the next run would take the flag for removed there, and strip it here. The
 * base is what the server shows. This asks for that, tells the server once what
 * it lacks, and says what came of it; when to do which is its caller's part.
 *
 *	flag_check_begin(&check)
 *	flag_check_add(&check, uid, wanted)	each
 *	flag_check_sort(&check)
 *	flag_check_ask(&check, conn)		flag_check_shown() as it answers
 *	flag_check_store(&check, conn)		if it sends any: ask again
 *	flag_check_base(&check, uid, base)
 */
#ifndef GODWIT_SRC_ENGINE_FLAG_CHECK_H
#define GODWIT_SRC_ENGINE_FLAG_CHECK_H

#include "conn.h"

#include "godwit/mail/flags.h"

/* A message that is checked. */
struct flag_checked {
	uint32_t uid;
	bool is_shown;
	bool was_shown; /* at least once */
	bool is_told;   /* once is enough */
	struct flags wanted;
	struct flags shown;
	uint64_t modseq;        /* the last that was told of it; 0: none was */
	uint64_t stored_modseq; /* the first */
};

/* All zeroes is an empty one. */
struct flag_check {
	struct keywords *keywords;  /* of the mailbox; borrowed */
	struct flag_checked *items; /* on the heap */
	size_t count;
	size_t cap;
};

void flag_check_begin(struct flag_check *check, struct keywords *keywords);
void flag_check_clear(struct flag_check *check);

/* A message that gets these flags; each UID once. */
void flag_check_add(
	struct flag_check *check, uint32_t uid, struct flags wanted);

/* All are added. */
void flag_check_sort(struct flag_check *check);

/*
 * Asks what flags the messages have, behind a NOOP, since some servers show
 * what is fresh only then. Returns how many answers are to come.
 */
unsigned flag_check_ask(struct flag_check *check, struct conn *conn);

/* Takes what the server shows of any message. */
void flag_check_shown(
	struct flag_check *check, const struct imap_fetch *fetched);

/* What is told of the message from now on is about another STORE. */
void flag_check_anew(struct flag_check *check, uint32_t uid);

/* The message, if it was added; or NULL. */
const struct flag_checked *flag_check_item(
	const struct flag_check *check, uint32_t uid);

/* Tells the server which flags it lacks, once a message. Returns how many
 * answers are to come; 0: there is nothing (more) to tell. */
unsigned flag_check_store(struct flag_check *check, struct conn *conn);

/* How much of a command line is left for a set of UIDs beside these flags. */
size_t flag_check_room(const struct imap_strs *names);

/* Whether the message was added, but not shown. */
bool flag_check_is_open(const struct flag_check *check, uint32_t uid);

/* Whether the message was added, and the server has shown it. */
bool flag_check_was_shown(const struct flag_check *check, uint32_t uid);

/* The flags that are in step: those of `base` that the server does not lack. Of
 * a message that was not added, all; of one that was not shown, none. */
struct flags flag_check_base(
	const struct flag_check *check, uint32_t uid, struct flags base);

#endif
