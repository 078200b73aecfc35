/*
 * The pass: one account's sync, from survey to settle.
 *
 * The value that the steps hand on, and what all of them need: reporting,
 * history, committing. The steps themselves are in survey.h, delta.h, apply.h
 * and settle.h; the order is in sync.c.
 */
#ifndef GODWIT_SRC_ENGINE_PASS_H
#define GODWIT_SRC_ENGINE_PASS_H

#include "mailbox.h"
#include "pool.h"

#include "godwit/engine/account.h"
#include "godwit/engine/journal.h"
#include "godwit/engine/ports.h"
#include "godwit/engine/sync.h"

#include <stdbool.h>

struct pass {
	const struct account *account;
	const struct ports *ports;
	const struct sync_options *options;
	struct arena arena; /* of the whole pass */
	struct journal journal;
	bool has_journal;
	struct journal_run run;
	bool run_recorded; /* the run's first record is in the batch */
	bool names_due;    /* names were handed over to dirs_sync */
	bool unread_here;  /* the walk could not read some folder */
	struct fs_dir *root;
	struct fs_dir *state;
	struct pool *pool;
	struct pulled *pulled;     /* while pull works */
	struct recall recalled;    /* of the server, by the journal */
	struct mailbox *mailboxes; /* on the heap */
	size_t count;
	size_t cap;
	char delimiter;           /* of the server's names; '\0': none */
	struct mailbox *trash;    /* the \Trash one, or NULL */
	struct store_batch batch; /* the transaction of the step under way */
	struct store_batch due;   /* those of steps that are whole */
	size_t due_messages;      /* that they are about */
	struct store_batch notes; /* what is true whatever becomes of it */
	struct report_summary summary;
	uint64_t ops_done;
	uint64_t ops_total;
	uint64_t next_serial;  /* names the next file in a tmp/ */
	struct str synced_way; /* the last folder that apply handed over,
				* with those it is in; ptr NULL: none */
	unsigned turn;         /* of the mailboxes that have several: 0, 1... */
	bool changes_lost;     /* some that were noted are not in the journal */
	bool in_doubt;         /* mailboxes may have changed names: asked for */
	bool plain_stores;     /* the server does not know UNCHANGEDSINCE */
	unsigned rests;        /* taken for stamps to become final */
	struct err worst;      /* decides the exit status */
	bool failed;           /* worst is set */
	int64_t start_ns;      /* wall */
	int64_t start_ms;      /* monotonic */
};

/* Opens the journal, to be written to only by a pass that applies. */
int pass_open_journal(struct pass *pass, struct err *err);

int64_t pass_now_s(const struct pass *pass);

/* Tells the user about an error, counts it for the exit status, and records
 * it. `mailbox` may be NULL. */
void pass_error(struct pass *pass, struct mailbox *mailbox,
	const struct err *err, uint32_t uid, struct str file);

/* The mailbox cannot be synced in this pass: tells, and takes it out. */
void pass_mailbox_failed(
	struct pass *pass, struct mailbox *mailbox, const struct err *err);

/* Something worth knowing that is no error. */
void pass_note(struct pass *pass, struct mailbox *mailbox, const char *format,
	...) __attribute__((format(printf, 3, 4)));

/* What only a user who asks for more wants to know. */
void pass_detail(struct pass *pass, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Something that `check` found out; not `good`: it deserves a look. `mailbox`
 * may be NULL. */
void pass_fact(struct pass *pass, struct mailbox *mailbox, const char *subject,
	bool good, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

/* Reports and records an operation that is (being made) durable. */
void pass_done(
	struct pass *pass, struct mailbox *mailbox, const struct report_op *op);

/* Tells how far the pass is. */
void pass_progress(struct pass *pass);

/*
 * The journal's records wait in three batches. In `batch` are those that must
 * be committed together, or not at all, by the step that made them: when a step
 * of one mailbox ends, it is empty, so that no other mailbox's commit can take
 * along a half. In `due` are the batches of steps that are whole, of many
 * mailboxes: they become durable together, after the names that they vouch for.
 * Nobody may rely on the journal having them before pass_flush(). In `notes` is
 * what is true by itself (history, troubles, the intents of what the server
 * refused): any commit takes it along, and no mailbox's failure takes it away.
 */

/* Commits all three, as one, after the names that were handed over. */
int pass_commit(struct pass *pass, struct err *err);

/* The step's batch, which is about so many messages, is whole: it becomes due.
 * Commits when enough is due. */
int pass_later(struct pass *pass, struct mailbox *mailbox, size_t messages,
	struct err *err);

/* Likewise, where it is about mailboxes as such. Commits nothing. */
void pass_due(struct pass *pass);

/* Makes durable what is due. Where that fails for some mailboxes' sake alone,
 * they are told to have failed; -1 and err: the account cannot go on. */
int pass_flush(struct pass *pass, struct err *err);

/* The names in both parts of the mailbox's folder are to be durable before what
 * is due. */
int pass_names_later(
	struct pass *pass, struct mailbox *mailbox, struct err *err);

/* Makes them durable at once. On -1 what is due is lost. */
int pass_sync_names(struct pass *pass, struct err *err);

/* The step failed: its batch is not to be committed. */
void pass_discard(struct pass *pass);

/* The mailbox that the journal gave this id, if it takes part and its UIDs are
 * those of the journal; or NULL. */
struct mailbox *pass_mailbox_of(struct pass *pass, uint32_t id);

/* Whether the UIDVALIDITY that the journal has of the mailbox tells it from all
 * others: some servers (DavMail) tell 1 of each. */
bool pass_uidvalidity_tells(
	const struct pass *pass, const struct mailbox *mailbox);

/* Whether the mailbox still takes part. */
bool mailbox_is_active(const struct mailbox *mailbox);

/* Whether it takes part and is to be looked into (clean.h). */
bool mailbox_is_busy(const struct mailbox *mailbox);

/*
 * Notes that a message could not be synced, so that it is tried again with
 * growing pauses, and tells. Commits nothing.
 */
void pass_message_failed(struct pass *pass, struct mailbox *mailbox,
	const struct trouble_key *key, const struct err *err);

#endif
