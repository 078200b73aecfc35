/*
 * A simulated world: one account, its server, its Maildir, its journal.
 *
 * All ports of the engine in memory, driven by one fate; the account's settings
 * are the test's to change between runs. It runs the engine, keeps what was
 * reported, and compares the two sides by a model of its own, which reads the
 * Maildir's files and the server's mailboxes without any code of the engine's.
 */
#ifndef GODWIT_T_LIB_WORLD_H
#define GODWIT_T_LIB_WORLD_H

#include "fake_clock.h"
#include "fake_fs.h"
#include "fake_net.h"
#include "fake_server.h"
#include "fake_store.h"
#include "godwit/engine/account.h"
#include "godwit/engine/journal.h"
#include "godwit/engine/sync.h"

#define WORLD_MAILDIR "/home/mail"
#define WORLD_STATE   "/home/state"

/* What a run cost, as the server saw it. */
struct world_traffic {
	uint64_t commands;
	uint64_t counts[IMAP_COMMAND_KINDS];
	uint64_t bytes_in; /* the server's: what was sent to it */
	uint64_t bytes_out;
	uint64_t connections;
	uint64_t flights; /* where the server is far (fake_net.h) */
};

struct world {
	struct fate fate;
	struct fake_clock clock;
	struct fake_fs *fs;
	struct fake_store *store;
	struct fake_server *server;
	struct fake_net net;
	struct account account;
	struct sync_options options;
	struct ports ports;
	struct buf tale; /* what the last run reported, a line each */
	struct buf wire; /* its transcript, if `traces` */
	bool traces;
	struct str left_out; /* a mailbox that is not compared, or empty */
	bool keeps_deleted;  /* the server cannot expunge: what it has alone and
			      * marked \Deleted is in step */
	bool is_dead;        /* after a death: world_revive() comes next */
	uint64_t steps;      /* of the last run */
	uint64_t calls;
	uint64_t responses;           /* of the server, in the last run */
	struct world_traffic traffic; /* of the last run */
	struct report_summary summary;
};

void world_init(struct world *world, uint64_t seed);

/* Aborts if a handle, a cursor or a stream is left open. */
void world_clear(struct world *world);

/* One sync of the account; its exit status. */
int world_sync(struct world *world);

/* After a death: kill -9, or a power cut that loses what was not durable. */
void world_kill(struct world *world);
void world_crash(struct world *world, uint64_t seed);

/* ---- The user's side ----------------------------------------------------- */

/* The date of messages that were given none. */
extern const struct imap_date world_day;

/* A message's text with CRLF line ends, different for each number. */
void world_message(struct buf *out, unsigned number);

/* Mailboxes are named as on the server's wire. Appends the path of a mailbox's
 * folder, by the account's layout; `below` as well. */
void world_path(const struct world *world, const char *mailbox,
	const char *below, struct buf *path);

/* Makes the folder of a mailbox; removes it with all that is in it. */
void world_mkdir(struct world *world, const char *mailbox);
void world_rmdir(struct world *world, const char *mailbox);

/* Puts a file into the folder of a mailbox, which it makes: "cur/NAME:2,S".
 * `body` has CRLFs, the file LFs. */
void world_put(struct world *world, const char *mailbox, const char *file,
	struct str body, int64_t date_s);

/* The server's mailbox; NULL: it has none of this name. */
struct fake_mailbox *world_box(const struct world *world, const char *mailbox);

/* The server offers this as well: "MOVE UIDPLUS". */
void world_offer(struct world *world, const char *caps);

/* Gives the server, or puts into the Maildir, the message of a number. */
struct fake_message *world_give(struct world *world, const char *mailbox,
	unsigned number, uint64_t flags);
void world_drop(struct world *world, const char *mailbox, const char *file,
	unsigned number);

/* A file of a Maildir, by rising name. */
struct world_file {
	char path[300]; /* whole */
	char unique[200];
	char letters[40];
	bool in_new;
	int64_t mtime_s;
};

struct world_files {
	struct world_file *items;
	size_t count;
	size_t cap;
};

/* The message files of a mailbox; the caller frees `items`. */
void world_files(
	struct world *world, const char *mailbox, struct world_files *files);
size_t world_file_count(struct world *world, const char *mailbox);

/* ---- Comparing ----------------------------------------------------------- */

/*
 * Whether both sides are equal: the same mailboxes, in each the same messages
 * (bytes, flags, keywords, date), as often. If not, says in `why` what differs.
 */
bool world_in_step(struct world *world, struct buf *why);

/* Appends what the server has, in words that do not depend on the order in
 * which it came there: a line for each mailbox and each message. */
void world_server_state(const struct world *world, struct buf *lines);

/* Whether the vault holds a file with these bytes (given with CRLFs). */
bool world_in_vault(struct world *world, struct str body);

/* Opens the journal for reading, between runs. */
int world_journal_open(
	struct world *world, struct journal *journal, struct err *err);

/* Whether the journal agrees with itself. */
bool world_journal_ok(struct world *world, struct buf *why);

/* Whether the mailbox's folder is on disk. */
bool world_has_folder(struct world *world, const char *mailbox);

/* The keyword that a letter stands for in a mailbox's folder, or "". */
struct world_letters {
	char names[26][260];
};
void world_letters(struct world *world, const char *mailbox,
	struct world_letters *letters);

/* Both sides are equal, the journal agrees with itself, and the server had
 * nothing to complain of. */
bool world_is_well(struct world *world, struct buf *why);

/* ---- Sentences ----------------------------------------------------------- */

/* Prints the report, the complaints and the transcript as comments. */
void world_tell(struct world *world);

/* Whether the last run's report has this; tests it. */
bool world_told(const struct world *world, const char *part);
void world_tells(struct world *world, const char *part, const char *sentence);

/* Tests that a sync ends with this status. */
void world_syncs(struct world *world, int status, const char *sentence);

/* Tests that a sync succeeds and all is well then ("kind: sentence"); what it
 * cost is to be seen afterwards. */
void world_ends_well(
	struct world *world, const char *kind, const char *sentence);

/* Tests that the next sync changes nothing ("kind: ..."). */
void world_rests(struct world *world, const char *kind);

/* Tests that a sync brings both sides into step, and the next does nothing. */
void world_comes_to_rest(struct world *world, const char *sentence);

#endif
