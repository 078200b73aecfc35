/*
 * Mailboxes in a pass: what survey, delta, plan and apply hand on.
 *
 * One value a mailbox, filled step by step: survey names it, delta lists its
 * two sides and makes rows, plan and guard turn rows into operations, apply
 * carries them out, settle writes the record. Whatever is listed lives in the
 * mailbox's arena and goes when the mailbox is done.
 */
#ifndef GODWIT_SRC_ENGINE_MAILBOX_H
#define GODWIT_SRC_ENGINE_MAILBOX_H

#include "maildir.h"
#include "part.h"

#include "godwit/engine/journal.h"
#include "godwit/engine/report.h"
#include "godwit/imap/response.h"
#include "godwit/sync/guard.h"
#include "godwit/sync/match.h"
#include "godwit/sync/plan.h"

#include <stdbool.h>
#include <stdint.h>

/* Why it takes no part. */
enum mailbox_left_out {
	LEFT_OUT_NOT,
	LEFT_OUT_NOT_INCLUDED,   /* no pattern of `include` fits */
	LEFT_OUT_EXCLUDED,       /* one of `exclude` does */
	LEFT_OUT_NOT_ASKED,      /* the command line names others */
	LEFT_OUT_NOT_SUBSCRIBED, /* and only those that are take part */
};

/* What the pass does with it. */
enum mailbox_part {
	MAILBOX_SYNCED,   /* takes part, on both sides */
	MAILBOX_LEFT_OUT, /* by include, exclude or subscribed */
	MAILBOX_DETACHED, /* gone on one side, kept on the other */
	MAILBOX_FINISHED, /* took part, and is done with */
	MAILBOX_BROKEN,   /* cannot be synced in this pass: said so */
};

/* What reading a file told. */
struct file_facts {
	struct identity identity;
	uint64_t wire_bytes; /* of its canonical form; 0: not read */
	uint64_t disk_bytes; /* likewise; these two before it was read */
	int64_t mtime_ns;
	uint32_t local; /* index into the scan */
};

/* What has become of a journal entry since delta. */
struct mailbox_change {
	uint64_t sum; /* maildir_sum() of it */
	struct flags flags;
	uint32_t uid;
	uint32_t number : 31; /* of those that were noted */
	uint32_t gone : 1;
};

struct mailbox;

/*
 * What a row has to do with another mailbox (row_origin): there is the file or
 * the message that is to be moved or copied here. With ROW_LEFT it is the other
 * way round: `intent` says what was copied from here.
 */
struct mailbox_link {
	uint32_t row;         /* here */
	uint32_t from_row;    /* in `from` */
	struct mailbox *from; /* NULL: nothing is brought from there */
	uint32_t from_uid;    /* on the server; 0: a file alone */
	bool leaves;          /* the original is to go once this is proven */
	bool stored_raw;      /* of the file */
	struct identity identity;
	uint64_t email_key; /* as in the journal: those of moves and copies */
	int64_t date_s;     /* INTERNALDATE */
	int16_t zone_minutes;
	uint64_t intent;             /* open in the journal, or 0 */
	struct mailbox *entry_of[2]; /* whose entries of the message go once
				      * there is one here; NULL: none */
	uint32_t entry_uid[2];
};

/* The second name of a file that is another mailbox's (spare.h). */
struct mailbox_spare {
	uint32_t local;     /* index into the scan here */
	struct mailbox *of; /* where it has its right name */
	uint32_t of_local;  /* index into the scan there */
};

/* What is to be downloaded here is so in another mailbox (twins.h). */
struct mailbox_twin {
	uint32_t op;     /* index into the plan's */
	uint32_t of;     /* index into the pass's mailboxes */
	uint32_t of_row; /* there */
};

struct mailbox {
	/* survey */
	struct str name;        /* local, canonical */
	struct str server_name; /* canonical, before `rename` */
	struct str wire_name;   /* as the server spells it */
	unsigned attrs;         /* enum imap_list_attr */
	bool on_server;         /* listed, and can be selected */
	bool on_local;
	bool in_journal;
	bool is_made;   /* its folder is, by us, in this pass */
	bool elsewhere; /* gone, but for its name: the config has changed */
	bool leaving;   /* gone here, and to be removed there: removal.h */
	bool closed;    /* may be one that was renamed; could not be looked
			 * into */
	enum mailbox_part part;
	enum mailbox_left_out left_out;
	uint32_t id; /* in the journal, if in_journal */
	struct mailbox_record record;
	struct imap_status status; /* as told before it was opened, if so */
	struct maildir_stamp seen; /* its folder, on the walk */

	/* clean */
	unsigned quiet; /* mask of SIDE_BIT: as it was when settled */
	bool idle;      /* both are so, and nothing is due: not opened */

	/* delta */
	struct arena arena;
	struct journal_base base;
	struct maildir md;
	struct journal_messages journal;
	struct base_item *base_items;
	uint64_t base_sum; /* of these: mailbox_sum() */
	struct maildir_scan scan;
	uint32_t letters[KWFILE_LETTERS]; /* kwfile ids as of the scan */
	struct remote_item *remote;       /* on the heap; sorted by uid */
	size_t remote_count;
	size_t remote_cap;
	uint32_t uidvalidity; /* 0: not yet told */
	bool base_open;
	bool md_open;
	bool renumbered;    /* the journal's UIDs mean nothing any more */
	bool keeps_intents; /* it stays open what became of uploads */
	uint64_t uidnext;   /* these three when it was opened */
	uint64_t highestmodseq;
	uint64_t exists;
	bool newest_seen;    /* the change that has highestmodseq was told */
	bool scanned;        /* the scan is made, or supposed */
	bool supposed;       /* supposed: its items are base_items' */
	struct str *by_name; /* their names, sorted, if asked for */
	struct maildir_scan named; /* where names were looked up, if so */
	uint64_t local_sum; /* of the folder as we know it: maildir_sum() */
	struct match match;
	struct match_identities identities; /* of rows without server side */
	struct file_facts *facts; /* of files without; by rising local */
	size_t fact_count;
	struct journal_intents intents; /* open ones: uploads to it */
	struct journal_intents copies;  /* and copies from it */
	struct journal_troubles troubles;

	/* moves */
	struct mailbox_link *links; /* by rising row */
	size_t link_count;
	size_t moved_out; /* messages of the server's that go elsewhere */
	struct mailbox_spare *spares;
	size_t spare_count;

	/* plan */
	struct policy policy;
	struct plan plan;
	struct guard_verdict verdict;

	/* apply */
	struct mailbox_twin *twins; /* on the heap */
	size_t twin_count;
	size_t twin_cap;
	size_t pull_at;     /* the first op that no task of pull has taken */
	unsigned pulling;   /* tasks that pull into it */
	bool rationed;      /* the server gives no more bodies in this run */
	struct parts parts; /* of large messages, found in tmp/ */
	struct mailbox_change *changes; /* on the heap; in no order */
	size_t change_count;
	size_t change_cap;
	uint32_t *pending; /* by row: bits (1 << enum op_kind) not yet done */
	struct fs_dir *vault; /* cur/ of it in this run's folder, if open */
	bool looked_at;       /* delta is over */
	bool dirty;           /* there was something to do */
	bool unfinished;      /* an operation failed: not to be settled */
	bool local_touched;   /* names were changed by us */
	bool is_due;          /* some of what is due is about it */
	bool tmp_is_clean;    /* what is in tmp/ is this run's */
	bool again;           /* it is to have another turn */
	bool plain_stores;    /* that without UNCHANGEDSINCE */
	uint64_t own_modseq;  /* after our changes of flags, if nothing else has
			       * changed since it was opened; or 0 */
	struct report_mailbox report;
};

/* Opens the Maildir folder, or makes it with `create`. ERR_MAILBOX. */
struct pass;
int mailbox_open_maildir(struct pass *pass, struct mailbox *mailbox,
	bool create, struct err *err);
void mailbox_close_maildir(struct mailbox *mailbox);

/* Makes the Maildir folder. It becomes durable with those of other mailboxes,
 * when apply begins, before the journal learns of it. */
int mailbox_make_maildir(
	struct pass *pass, struct mailbox *mailbox, struct err *err);

/*
 * Adds to *unique the name that the file of a message is given, of `disk_bytes`
 * (maildir_name_derive). Whose it was when the folder was scanned is another
 * message, that had this UID when the mailbox was another; then it is derived
 * from a mailbox name that is no mailbox's.
 */
void mailbox_derive_name(const struct pass *pass, struct mailbox *mailbox,
	uint32_t uid, uint64_t disk_bytes, struct buf *unique);

/* Opens the journal's base (keywords; messages only in delta). */
int mailbox_open_base(
	struct pass *pass, struct mailbox *mailbox, struct err *err);

/* The keywords that the names of its files could show when it was scanned. */
uint32_t mailbox_shown_keywords(const struct mailbox *mailbox);

/* What the files of these entries add up to: maildir_sum(). */
uint64_t mailbox_sum(const struct base_item *items, size_t count);

/* Notes that an entry was put into the journal, or taken out. */
void mailbox_entry_put(struct mailbox *mailbox, uint32_t uid, struct str name,
	struct flags flags);
void mailbox_entry_gone(struct mailbox *mailbox, uint32_t uid);

/* What is known of a file, or NULL. */
const struct file_facts *mailbox_facts(
	const struct mailbox *mailbox, uint32_t local);

/* What a row has to do with other mailboxes, or NULL. */
struct mailbox_link *mailbox_link(const struct mailbox *mailbox, uint32_t row);

/* What a link brings here does not come: the mailboxes where the message was
 * are not to be settled without it, so that the next run opens them all, and
 * sees that it was moved. */
void mailbox_link_hold(const struct mailbox_link *link);

/* The row of a UID, or PLAN_NONE. */
uint32_t mailbox_row(const struct mailbox *mailbox, uint32_t uid);

/* The message of the server's list with this UID, or NULL. */
struct remote_item *mailbox_remote(const struct mailbox *mailbox, uint32_t uid);

/* The one of these entries with this UID, or NULL. */
const struct base_item *mailbox_entry(
	const struct base_item *items, size_t count, uint32_t uid);

/* Whether the server's list or the journal has the UID, so that no new message
 * can have it. */
bool mailbox_knows_uid(const struct mailbox *mailbox, uint32_t uid);

/* The trouble of a message on the server (`name` empty), or of a file (`uid`
 * 0), or NULL. */
const struct journal_trouble *mailbox_trouble(
	const struct mailbox *mailbox, uint32_t uid, struct str name);

/* Forgets what delta and later steps found, for another turn. */
void mailbox_again(struct mailbox *mailbox);

/* Releases all that delta and later steps hold. */
void mailbox_clear(struct mailbox *mailbox);

#endif
