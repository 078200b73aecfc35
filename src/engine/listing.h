/*
 * Listing: what a mailbox has on the server, told by as little as the server
 * lets us ask for.
 *
 * Opens the mailbox and fills its `remote`. Where the journal knows what was
 * there at some mod-sequence, only what has changed since is asked for: QRESYNC
 * tells flags and what has vanished, CONDSTORE tells flags, and what is gone is
 * found out by a SEARCH where counts disagree. Whatever does not add up ends in
 * a listing of all UIDs with their flags, and if that does not add up either,
 * `partial` says so: then nothing counts as gone. Where several mailboxes have
 * the UIDVALIDITY 1, which some servers tell always, a few headers prove that
 * the UIDs are still those of the messages that the journal knows.
 */
#ifndef GODWIT_SRC_ENGINE_LISTING_H
#define GODWIT_SRC_ENGINE_LISTING_H

#include "pass.h"
#include "samples.h"

#include "godwit/imap/set.h"

enum listing_path {
	LISTING_FULL,    /* all that there is */
	LISTING_CHANGES, /* FETCH CHANGEDSINCE */
	LISTING_RESYNC,  /* SELECT with QRESYNC */
};

enum listing_stage {
	LISTING_OPENS,    /* awaits the SELECT and what was sent behind it */
	LISTING_LISTS,    /* awaits FETCHes */
	LISTING_SEARCHES, /* awaits which UIDs there are */
};

/* All zeroes but `task` and `pass` before listing_begin(). */
struct listing {
	struct task *task;
	struct pass *pass;
	enum listing_path path;
	enum listing_stage stage;
	uint32_t select_handle;
	unsigned awaited;
	unsigned tries; /* of full listings */
	bool foreseen;  /* what has changed is asked for already */
	bool refused;   /* a FETCH or SEARCH was */
	struct imap_set vanished;
	struct imap_set present; /* that a SEARCH found */
	struct samples samples;  /* where UIDVALIDITY proves nothing */
	uint32_t samples_handle; /* of what asked for them; 0: nothing did */

	/* The result. */
	bool renumbered; /* the journal's UIDs mean nothing any more */
	bool partial;    /* it does not add up */
};

/* How many bytes a listing may take, for its task. */
uint64_t listing_bytes(const struct mailbox *mailbox);

/* Opens the task's mailbox; also after a connection broke. */
enum task_step listing_begin(struct listing *listing, struct err *err);

/* TASK_DONE: the mailbox's `remote` is filled, and the result is there. */
enum task_step listing_event(struct listing *listing,
	const struct imap_event *event, struct err *err);

void listing_clear(struct listing *listing);

/* What a FETCH of new messages asks for, beside UID and FLAGS: sizes, dates,
 * and what tells them from all others, where the server can say it. */
unsigned listing_items(const struct task *task);

/* Takes these of a FETCH, if they are told. */
void listing_detail(struct remote_item *item, const struct imap_fetch *fetched);

#endif
