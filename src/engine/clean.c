/*
 * How: equal numbers prove that nothing has changed. On the server they are
 * UIDVALIDITY, UIDNEXT, MESSAGES and HIGHESTMODSEQ, all of them: older servers
 * raise no mod-sequence for what is expunged. In the Maildir they are the
 * stamps of cur/ and new/, which were written only if they were final.
 */
#include "clean.h"

#include "numbers.h"

#include <inttypes.h>

/* ---- Asking -------------------------------------------------------------- */

enum {
	PROOF = IMAP_STATUS_MESSAGES | IMAP_STATUS_UIDNEXT |
		IMAP_STATUS_UIDVALIDITY | IMAP_STATUS_HIGHESTMODSEQ,
};

/* Only those are asked about whose answer may spare a look. */
static int ask(struct pass *pass, struct err *err)
{
	struct mailbox **asked = arena_array(
		&pass->arena, pass->count, sizeof(struct mailbox *));
	size_t count = 0;

	if (!imap_caps_has(pool_caps(pass->pool), IMAP_CAP_CONDSTORE))
		return 0;
	for (size_t i = 0; i < pass->count; i++) {
		struct mailbox *mailbox = &pass->mailboxes[i];

		if (mailbox_is_active(mailbox) && mailbox->on_server &&
			mailbox->record.highestmodseq != 0 &&
			(mailbox->status.present & PROOF) != PROOF &&
			(mailbox->quiet & SIDE_BIT(LOCAL)) != 0)
			asked[count++] = mailbox;
	}
	return numbers_ask(pass, asked, count, err);
}

/* ---- Judging ------------------------------------------------------------- */

enum {
	/* Grows with every change of the rules by which two sides that are as
	 * they were would come to be others: each mailbox is then looked at
	 * once. */
	MERGE_RULES = 1,

	DAY_S = 24 * 3600,
};

static void add_stat(struct buf *text, const struct fs_stat *stat)
{
	buf_addf(text, " %" PRIu64 " %" PRIu64 " %" PRId64 " %" PRId64,
		stat->inode, stat->bytes, stat->mtime_ns, stat->ctime_ns);
}

uint64_t clean_policy(const struct pass *pass, const struct mailbox *mailbox,
	const struct fs_stat *letters, enum clean_term term)
{
	const struct account *account = pass->account;
	const struct account_limits *limits = &account->limits;
	const struct imap_caps *caps = pool_caps(pass->pool);
	struct buf text = {0};
	uint64_t hash;

	buf_addf(&text, "%d %d %d %d %d %d %d %d", MERGE_RULES,
		(int)account->direction, (int)account->deletes,
		(int)account->expunge, imap_caps_has(caps, IMAP_CAP_UIDPLUS),
		imap_caps_has(caps, IMAP_CAP_MOVE), mailbox == pass->trash,
		pass->trash != NULL);
	/* As time passes, max_age only takes out what was in: that changes
	 * nothing about what both sides have. */
	buf_addf(&text, " %" PRIu64 " %" PRIu64 " %" PRIu64,
		limits->max_size_bytes, limits->max_age_s, limits->newest);
	add_stat(&text, letters);
	if (term == CLEAN_A_DAY)
		buf_addf(&text, " %" PRId64, pass_now_s(pass) / DAY_S);
	hash = maildir_sum(buf_str(&text), (struct flags){0});
	buf_clear(&text);
	return hash != 0 ? hash : 1;
}

struct dir_stamp clean_stamp(const struct fs_stat *stat)
{
	return (struct dir_stamp){
		.inode = stat->inode,
		.mtime_ns = stat->mtime_ns,
		.ctime_ns = stat->ctime_ns,
	};
}

static bool stamp_is(const struct dir_stamp *stamp, const struct fs_stat *stat)
{
	return stamp->inode != 0 && stamp->inode == stat->inode &&
	       stamp->mtime_ns == stat->mtime_ns &&
	       stamp->ctime_ns == stat->ctime_ns;
}

/* Whether the clock was set back since: what was too old by a clock that was
 * wrong need not be. */
static bool was_early(
	const struct pass *pass, const struct mailbox_record *record)
{
	return pass->account->limits.max_age_s != 0 &&
	       record->settled_s > pass_now_s(pass);
}

/* Whether it was settled under these settings, and may still be believed. */
static bool is_policy(const struct pass *pass, const struct mailbox *mailbox)
{
	uint64_t hash = mailbox->record.policy_hash;
	const struct fs_stat *letters = &mailbox->seen.letters;

	return hash == clean_policy(pass, mailbox, letters, CLEAN_FOR_GOOD) ||
	       hash == clean_policy(pass, mailbox, letters, CLEAN_A_DAY);
}

/* Whether the record says anything, under these settings. */
static bool is_settled(const struct pass *pass, const struct mailbox *mailbox)
{
	const struct mailbox_record *record = &mailbox->record;

	return mailbox->in_journal && record->state == MAILBOX_ATTACHED &&
	       record->uidvalidity != 0 && mailbox->on_local &&
	       mailbox->on_server && !was_early(pass, record) &&
	       is_policy(pass, mailbox);
}

static bool is_quiet_local(const struct mailbox *mailbox)
{
	return stamp_is(&mailbox->record.stamp_cur, &mailbox->seen.cur) &&
	       stamp_is(&mailbox->record.stamp_new, &mailbox->seen.new_);
}

static bool is_quiet_remote(const struct mailbox *mailbox)
{
	const struct mailbox_record *record = &mailbox->record;
	const struct imap_status *status = &mailbox->status;

	return (status->present & PROOF) == PROOF &&
	       record->highestmodseq != 0 &&
	       status->highestmodseq == record->highestmodseq &&
	       status->uidvalidity == record->uidvalidity &&
	       status->uidnext == record->uidnext &&
	       status->messages == record->messages;
}

/* What the journal has to say beside the records. */
struct pending {
	struct journal_intents intents;
	struct journal_troubles troubles;
};

static bool takes_part(const struct pass *pass, uint32_t id)
{
	for (size_t i = 0; i < pass->count; i++) {
		if (pass->mailboxes[i].in_journal &&
			pass->mailboxes[i].id == id)
			return mailbox_is_active(&pass->mailboxes[i]);
	}
	return false;
}

/* Whether it is to be found out what became of messages on their way into it,
 * or from it to where that can be seen. */
static bool has_intent(const struct pass *pass, const struct pending *pending,
	const struct mailbox *mailbox)
{
	for (size_t i = 0; i < pending->intents.count; i++) {
		const struct intent_record *intent =
			&pending->intents.items[i].record;

		if (intent->mailbox == mailbox->id ||
			(intent->source_mailbox == mailbox->id &&
				takes_part(pass, intent->mailbox)))
			return true;
	}
	return false;
}

/* Whether something that failed is to be tried again; what is not waits. The
 * trouble of a mailbox itself is said each time that it is looked at. */
static bool has_due_trouble(const struct pass *pass,
	const struct pending *pending, struct mailbox *mailbox)
{
	uint64_t waiting = 0;

	for (size_t i = 0; i < pending->troubles.count; i++) {
		const struct journal_trouble *trouble =
			&pending->troubles.items[i];

		if (trouble->key.mailbox != mailbox->id)
			continue;
		if (journal_trouble_due(&trouble->record, pass_now_s(pass)) ||
			(trouble->key.side == REMOTE && trouble->key.uid == 0))
			return true;
		waiting++;
	}
	mailbox->report.waiting += waiting;
	return false;
}

static void judge(struct pass *pass, const struct pending *pending,
	struct mailbox *mailbox)
{
	const unsigned both = SIDE_BIT(LOCAL) | SIDE_BIT(REMOTE);

	if (is_settled(pass, mailbox) && is_quiet_remote(mailbox) &&
		pass_uidvalidity_tells(pass, mailbox))
		mailbox->quiet |= SIDE_BIT(REMOTE);
	if (mailbox->quiet != both || mailbox->leaving ||
		has_intent(pass, pending, mailbox) ||
		has_due_trouble(pass, pending, mailbox))
		return;
	mailbox->idle = true;
	mailbox->looked_at = true;
	mailbox->uidvalidity = mailbox->record.uidvalidity;
}

static int load(struct pass *pass, struct pending *pending, struct err *err)
{
	if (journal_intents(&pass->journal, &pass->arena, &pending->intents,
		    err) != 0 ||
		journal_troubles(&pass->journal, NULL, &pass->arena,
			&pending->troubles, err) != 0)
		return -1;
	return 0;
}

int clean(struct pass *pass, struct err *err)
{
	struct pending pending = {0};

	for (size_t i = 0; i < pass->count; i++) {
		struct mailbox *mailbox = &pass->mailboxes[i];

		if (!mailbox_is_active(mailbox) || !is_settled(pass, mailbox))
			continue;
		if (is_quiet_local(mailbox))
			mailbox->quiet |= SIDE_BIT(LOCAL);
	}
	if (ask(pass, err) != 0 || load(pass, &pending, err) != 0)
		return -1;
	for (size_t i = 0; i < pass->count; i++) {
		if (mailbox_is_active(&pass->mailboxes[i]))
			judge(pass, &pending, &pass->mailboxes[i]);
	}
	return 0;
}
