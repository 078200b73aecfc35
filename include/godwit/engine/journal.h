/*
 * Journal: what both sides of an account were when they were last in step.
 *
 * The typed operations over the store port: mailboxes and their messages (the
 * base of every merge), intents, troubles, history. Whatever it holds it keeps
 * consistent across its tables, provided that every write goes through here.
 * A damaged record is an ERR_DISK error that names it, never a guess.
 *
 * Reads see what was committed, never what waits in a batch, and leave no
 * cursor open. Writes go into the caller's batch, so that the caller says what
 * is one transaction; nothing happens before journal_commit(). Of one batch:
 * a message may be put again only with the name and identity it had there, and
 * not both be put and be deleted. After a failed commit, the journal and its
 * bases are to be given up and opened afresh.
 *
 *	journal_open(&journal, store, account, read_only, &err)
 *	journal_mailboxes(...)             what there is
 *	journal_base_open(&base, ...)      one mailbox
 *	journal_messages(&base, ...)       its base
 *	journal_message_put(&base, &batch, ...)
 *	journal_commit(&journal, &batch, &err)
 *	journal_base_close(&base)
 *
 * There is no close: the store is its opener's. What it refuses: to be read by
 * a godwit older than the one that wrote it, and to serve another account.
 */
#ifndef GODWIT_ENGINE_JOURNAL_H
#define GODWIT_ENGINE_JOURNAL_H

#include "godwit/base/arena.h"
#include "godwit/base/bytes.h"
#include "godwit/base/err.h"
#include "godwit/engine/ports/store.h"
#include "godwit/mail/flags.h"
#include "godwit/mail/identity.h"
#include "godwit/mail/keywords.h"
#include "godwit/sync/record.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Plain data; reading the members is allowed. */
struct journal {
	const struct store_port *store;
	bool read_only;
	uint32_t next_mailbox;
	uint64_t next_intent;
};

/*
 * Opens what is in `store`, which must outlive the journal, for the account of
 * this fingerprint (account_fingerprint() in sync/record.h). An empty store
 * becomes a new journal, by a commit; with `read_only` it is an empty journal
 * and stays empty. ERR_CONFIG: it belongs to another account, or was written
 * by a newer godwit. ERR_DISK: it cannot be read, or is damaged.
 */
int journal_open(struct journal *journal, const struct store_port *store,
	struct str account, bool read_only, struct err *err);

/* Commits the batch and, when that went well, empties it. An empty batch costs
 * nothing. Not on a read-only journal. */
int journal_commit(
	struct journal *journal, struct store_batch *batch, struct err *err);

/*
 * Verifies everything: each record decodes; NAME and IDENTITY say what MESSAGE
 * says, and nothing more; mailboxes and keywords that are referred to exist.
 * The first damage found is the error. Reads the whole journal, in many reads:
 * nobody may write to the store meanwhile.
 */
int journal_check(struct journal *journal, struct err *err);

/* ---- The account --------------------------------------------------------- */

/* The Maildir root of the last run; *known_r is false before the first. */
int journal_root(struct journal *journal, struct root_record *root_r,
	bool *known_r, struct err *err);
void journal_root_put(struct journal *journal, struct store_batch *batch,
	const struct root_record *root);

enum {
	/* How long a binding that was refused is not tried again. */
	JOURNAL_UNBOUND_S = 7 * 24 * 60 * 60,
};

/* The channel bindings that the server refused; *known_r is false if it never
 * did. The certificate is borrowed from `arena`. */
int journal_unbound(struct journal *journal, struct arena *arena,
	struct unbound_record *unbound_r, bool *known_r, struct err *err);
void journal_unbound_put(struct journal *journal, struct store_batch *batch,
	const struct unbound_record *unbound);

/* Whether it still counts. One that holds longer than
 * JOURNAL_UNBOUND_S (the clock was set back) does not. */
bool journal_unbound_holds(const struct unbound_record *unbound, int64_t now_s);

/* What the last login taught of the server; strings in `arena`. */
int journal_server(struct journal *journal, struct arena *arena,
	struct server_record *record_r, bool *known_r, struct err *err);
void journal_server_put(struct journal *journal, struct store_batch *batch,
	const struct server_record *record);

/* ---- Mailboxes ----------------------------------------------------------- */

struct journal_mailbox {
	uint32_t id; /* never given to another mailbox */
	struct mailbox_record record;
};

struct journal_mailboxes {
	struct journal_mailbox *items;
	size_t count;
};

/* All mailboxes, by rising id. This list, and the others below, with all that
 * it points to, lives in `arena`. */
int journal_mailboxes(struct journal *journal, struct arena *arena,
	struct journal_mailboxes *list_r, struct err *err);

/* Adds a mailbox; returns its id, which may be used in the same batch. */
uint32_t journal_mailbox_add(struct journal *journal, struct store_batch *batch,
	const struct mailbox_record *record);

/* Replaces the record of a mailbox that was added. */
void journal_mailbox_put(struct journal *journal, struct store_batch *batch,
	uint32_t id, const struct mailbox_record *record);

/*
 * Forgets all messages of a mailbox and its troubles (journal_messages_forget),
 * or all there is about it, intents that lead to it included. Each call adds
 * the deletions of the next thousand messages to the batch; while *more_r is
 * true it is to be committed and the call repeated. The mailbox itself goes
 * with the last batch, so a crash in between leaves a mailbox that knows fewer
 * messages, which match finds again on both sides.
 */
int journal_messages_forget(struct journal *journal, struct store_batch *batch,
	uint32_t id, bool *more_r, struct err *err);
int journal_mailbox_forget(struct journal *journal, struct store_batch *batch,
	uint32_t id, bool *more_r, struct err *err);

/* ---- Messages ------------------------------------------------------------ */

/* One mailbox's base: its keyword table lives as long. */
struct journal_base {
	struct journal *journal;
	uint32_t mailbox;
	struct keywords *keywords; /* may be added to; all flags here are its */
	uint32_t keywords_stored;  /* of these the journal has so many */
};

/* Reads the mailbox's keywords; ids are those of the journal. */
int journal_base_open(struct journal_base *base, struct journal *journal,
	uint32_t mailbox, struct err *err);
void journal_base_close(struct journal_base *base);

/* What a base entry says beyond what planning needs. */
struct journal_detail {
	struct identity identity;
	uint64_t email_key; /* identity_email_key(); 0: none is known */
};

struct journal_message {
	uint32_t uid;
	struct flags flags; /* of the base's keyword table */
	struct str name;    /* the file's, up to its ":2," */
	int64_t internaldate_s;
	int16_t zone_min;
	bool stored_raw; /* the file holds its CRLFs as they came */
	const struct journal_detail *detail;
};

struct journal_messages {
	struct journal_message *items;
	size_t count;
};

/* All messages, by rising uid. Their `detail` is NULL unless `with_detail`. */
int journal_messages(struct journal_base *base, bool with_detail,
	struct arena *arena, struct journal_messages *list_r, struct err *err);

/* Likewise as a merge needs them (sync/match.h), which costs less. */
struct base_item;
int journal_entries(struct journal_base *base, struct arena *arena,
	struct base_item **items_r, size_t *count_r, struct err *err);

/* One message with its detail. 1: found; 0: not there; -1: err. */
int journal_message(struct journal_base *base, uint32_t uid,
	struct arena *arena, struct journal_message *message_r,
	struct err *err);

/*
 * Puts a message (new, or in place of the one with this uid) or deletes one
 * (which need not be there), and keeps the indexes and the keywords' names in
 * step. To be put, it needs its detail.
 */
int journal_message_put(struct journal_base *base, struct store_batch *batch,
	const struct journal_message *message, struct err *err);
int journal_message_delete(struct journal_base *base, struct store_batch *batch,
	uint32_t uid, struct err *err);

/* Where a message is. */
struct journal_place {
	uint32_t mailbox;
	uint32_t uid;
};

struct journal_places {
	struct journal_place *items;
	size_t count;
};

/* Where the messages with this file name, or of this identity, are: by rising
 * mailbox and uid. */
int journal_find_name(struct journal *journal, struct str name,
	struct arena *arena, struct journal_places *list_r, struct err *err);
int journal_find_identity(struct journal *journal,
	const struct identity *identity, struct arena *arena,
	struct journal_places *list_r, struct err *err);

/* By what a message is recognised, without its mailbox's keywords. */
struct journal_mark {
	struct journal_place place;
	struct journal_detail detail;
	int64_t internaldate_s;
};

/* Whether it knows a message of this size. 1, 0, or -1 and err. */
int journal_find_size(struct journal *journal, uint64_t bytes, struct err *err);

/* Those of this size, of which it gives `room` at most: how many, or -1 and
 * err. */
int journal_marks(struct journal *journal, uint64_t bytes, size_t room,
	struct journal_mark *marks_r, struct err *err);

/* The first message of its mailbox that is not this one, or, if that has no
 * other, of the first mailbox. 1, 0, or -1 and err. */
int journal_mark_beside(struct journal *journal,
	const struct journal_place *place, struct journal_mark *mark_r,
	struct err *err);

/* ---- Intents ------------------------------------------------------------- */

struct journal_intent {
	uint64_t sequence;
	struct intent_record record;
};

struct journal_intents {
	struct journal_intent *items;
	size_t count;
};

/* Adds an intent, to be committed before the server is asked; returns the
 * sequence by which it is deleted. */
uint64_t journal_intent_add(struct journal *journal, struct store_batch *batch,
	const struct intent_record *record);
void journal_intent_delete(
	struct journal *journal, struct store_batch *batch, uint64_t sequence);

/* The open intents in the order they were added. */
int journal_intents(struct journal *journal, struct arena *arena,
	struct journal_intents *list_r, struct err *err);

/* ---- Troubles ------------------------------------------------------------ */

enum {
	/* The pause after the first failure; it doubles with each further one
	 * up to the longest. */
	TROUBLE_PAUSE_FIRST_S = 15 * 60,
	TROUBLE_PAUSE_MAX_S = 7 * 24 * 60 * 60,
};

struct journal_trouble {
	struct trouble_key key;
	struct trouble_record record;
};

struct journal_troubles {
	struct journal_trouble *items;
	size_t count;
};

/* Something that could not be synced at `now_s`. */
struct journal_failure {
	struct trouble_key key;
	struct str reason; /* a sentence */
	int64_t now_s;
};

/* Notes a failure: one more try, and the next one later. */
int journal_trouble_note(struct journal *journal, struct store_batch *batch,
	const struct journal_failure *failure, struct err *err);

/* It went well, or is gone. It need not have been in trouble. */
void journal_trouble_clear(struct journal *journal, struct store_batch *batch,
	const struct trouble_key *key);

/* The troubles of a mailbox (of all where `mailbox` is NULL), by mailbox, side,
 * and uid or name. */
int journal_troubles(struct journal *journal, const uint32_t *mailbox,
	struct arena *arena, struct journal_troubles *list_r, struct err *err);

/* Whether it is to be tried again. A next try further off than the longest
 * pause (the clock was set back) is due. */
bool journal_trouble_due(const struct trouble_record *record, int64_t now_s);

/* ---- History ------------------------------------------------------------- */

/* A run that is being recorded. */
struct journal_run {
	uint64_t start_ms;
	uint32_t sequence; /* of its next record */
};

enum {
	/* Records that one call of journal_history() gives. */
	JOURNAL_HISTORY_PAGE = 1000,
};

struct journal_event {
	uint64_t run_ms;
	uint32_t sequence;
	struct history_record record;
};

struct journal_history {
	struct journal_event *items;
	size_t count;
};

struct journal_runs {
	uint64_t *start_ms;
	size_t count;
};

/* Names a run that starts at `now_ms`; when there is one of that name (the
 * clock was set back), by the next free millisecond. Writes nothing. */
int journal_run_begin(struct journal *journal, int64_t now_ms,
	struct journal_run *run_r, struct err *err);

/*
 * Adds a record to the run. One that is no HISTORY_END is left out when the run
 * has LIMIT_HISTORY_RUN_RECORDS. A run that did nothing need have no records.
 */
void journal_history_add(struct journal *journal, struct store_batch *batch,
	struct journal_run *run, const struct history_record *record);

/* When the recorded runs started, oldest first. */
int journal_runs(struct journal *journal, struct arena *arena,
	struct journal_runs *list_r, struct err *err);

/* The next records of `run`, at most JOURNAL_HISTORY_PAGE: from run->sequence
 * on, which is advanced behind them. An empty list: there are no more. */
int journal_history(struct journal *journal, struct journal_run *run,
	struct arena *arena, struct journal_history *list_r, struct err *err);

/*
 * Deletes the records of runs older than LIMIT_HISTORY_DAYS, and of all but the
 * newest LIMIT_HISTORY_RUNS; at most a few thousand a call, so what is left
 * goes in the next run.
 */
int journal_history_prune(struct journal *journal, struct store_batch *batch,
	int64_t now_ms, struct err *err);

#endif
