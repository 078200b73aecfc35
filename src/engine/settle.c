/*
 * How: the record is made anew from what the pass saw, and compared. What a
 * folder's names add up to is known from the scan and from what we did since;
 * if another look finds just that, under stamps that are final, nobody else was
 * there. A kernel stamps by ticks, so that look may have to wait for one.
 */
#include "settle.h"

#include "clean.h"

#include "godwit/imap/command.h"
#include "godwit/imap/set.h"

#include <stdlib.h>

enum {
	RESTS_MAX = 8, /* together longer than a tick of any kernel */
	REST_MS = 2,
};

static unsigned use_of(unsigned attrs)
{
	static const struct {
		unsigned role;
		unsigned use;
	} uses[] = {
		{IMAP_ATTR_ALL, MAILBOX_USE_ALL},
		{IMAP_ATTR_ARCHIVE, MAILBOX_USE_ARCHIVE},
		{IMAP_ATTR_DRAFTS, MAILBOX_USE_DRAFTS},
		{IMAP_ATTR_FLAGGED, MAILBOX_USE_FLAGGED},
		{IMAP_ATTR_IMPORTANT, MAILBOX_USE_IMPORTANT},
		{IMAP_ATTR_JUNK, MAILBOX_USE_JUNK},
		{IMAP_ATTR_SENT, MAILBOX_USE_SENT},
		{IMAP_ATTR_TRASH, MAILBOX_USE_TRASH},
	};
	unsigned use = 0;

	for (size_t i = 0; i < sizeof(uses) / sizeof(uses[0]); i++) {
		if ((attrs & uses[i].role) != 0)
			use |= uses[i].use;
	}
	return use;
}

static bool record_eq(
	const struct mailbox_record *a, const struct mailbox_record *b)
{
	struct buf x = {0};
	struct buf y = {0};
	bool equal;

	mailbox_record_encode(a, &x);
	mailbox_record_encode(b, &y);
	equal = str_eq(buf_str(&x), buf_str(&y));
	buf_clear(&x);
	buf_clear(&y);
	return equal;
}

static struct mailbox_record record_of(const struct mailbox *mailbox)
{
	struct mailbox_record record = mailbox->record;

	record.name = mailbox->name;
	record.server_name = mailbox->server_name;
	record.wire_name = mailbox->wire_name;
	if (mailbox->attrs != 0)
		record.special_use = use_of(mailbox->attrs);
	if (mailbox->status.mailboxid.len > 0)
		record.object_id = mailbox->status.mailboxid;
	record.uidvalidity = mailbox->uidvalidity;
	if (mailbox->seen.cur.inode != 0)
		record.folder_inode = mailbox->seen.cur.inode;
	if (mailbox->scan.stamp.cur.inode != 0)
		record.folder_inode = mailbox->scan.stamp.cur.inode;
	return record;
}

/* ---- The journal --------------------------------------------------------- */

/* A mailbox's entries: those that delta loaded, and what became of them. */
struct entries {
	const struct base_item *items;
	size_t count;
	struct mailbox_change *changes; /* by rising uid, the last of each */
	size_t change_count;
	uint64_t sum; /* of all files: maildir_sum() */
};

static int change_cmp(const void *a, const void *b)
{
	const struct mailbox_change *x = a;
	const struct mailbox_change *y = b;

	if (x->uid != y->uid)
		return x->uid < y->uid ? -1 : 1;
	return (x->number > y->number) - (x->number < y->number);
}

/* Of each UID the last counts. */
static size_t order_changes(struct mailbox_change *changes, size_t count)
{
	size_t kept = 0;

	if (count > 0)
		qsort(changes, count, sizeof(*changes), change_cmp);
	for (size_t i = 0; i < count; i++) {
		if (i + 1 == count || changes[i].uid != changes[i + 1].uid)
			changes[kept++] = changes[i];
	}
	return kept;
}

/* What the files of the entries add up to by now. */
static uint64_t sum_up(const struct entries *entries, uint64_t sum)
{
	for (size_t i = 0; i < entries->change_count; i++) {
		const struct mailbox_change *change = &entries->changes[i];
		const struct base_item *old = mailbox_entry(
			entries->items, entries->count, change->uid);

		if (old != NULL)
			sum -= maildir_sum(old->name, old->flags);
		if (!change->gone)
			sum += change->sum;
	}
	return sum;
}

/* The journal is read again only where not all that was noted is in it. */
static int entries_load(struct pass *pass, struct mailbox *mailbox,
	struct arena *arena, struct entries *entries_r, struct err *err)
{
	struct entries entries = {0};
	struct base_item *items;

	if (pass->changes_lost) {
		if (journal_entries(&mailbox->base, arena, &items,
			    &entries.count, err) != 0)
			return -1;
		entries.items = items;
		entries.sum = mailbox_sum(items, entries.count);
	} else {
		entries.changes = mailbox->changes;
		entries.change_count =
			order_changes(mailbox->changes, mailbox->change_count);
		mailbox->change_count = entries.change_count;
		/* Those of another UIDVALIDITY were forgotten. */
		if (!mailbox->renumbered) {
			entries.items = mailbox->base_items;
			entries.count = mailbox->journal.count;
		}
		entries.sum = sum_up(
			&entries, mailbox->renumbered ? 0 : mailbox->base_sum);
	}
	*entries_r = entries;
	return 0;
}

/* A walk over the entries. */
struct entry {
	size_t item; /* these two are next */
	size_t change;
	uint64_t uid; /* UINT64_MAX: there are no more */
	struct flags flags;
};

static uint64_t item_uid(const struct entries *entries, size_t at)
{
	return at < entries->count ? entries->items[at].uid : UINT64_MAX;
}

static uint64_t change_uid(const struct entries *entries, size_t at)
{
	return at < entries->change_count ? entries->changes[at].uid
					  : UINT64_MAX;
}

/* The next one, by rising uid. */
static void entry_next(const struct entries *entries, struct entry *entry)
{
	const struct mailbox_change *change = NULL;

	do {
		uint64_t item = item_uid(entries, entry->item);
		uint64_t changed = change_uid(entries, entry->change);

		change = NULL;
		entry->uid = item < changed ? item : changed;
		if (entry->uid == UINT64_MAX)
			return;
		if (item == entry->uid)
			entry->flags = entries->items[entry->item++].flags;
		if (changed != entry->uid)
			continue;
		change = &entries->changes[entry->change++];
		entry->flags = change->flags;
	} while (change != NULL && change->gone);
}

/* ---- The Maildir --------------------------------------------------------- */

/* The folder when it has come to rest, as far as that is known. */
struct rest {
	struct maildir_stamp stamp;
	uint64_t sum;
	size_t files;
	bool is_known;
};

/* Waits for the clock of stamps to tick, some times a pass. */
static void take_rest(struct pass *pass, struct maildir *md)
{
	const struct clock_port *clock = &pass->ports->clock;
	const struct net_port *net = &pass->ports->net;
	struct maildir_stamp stamp;
	struct err ignored;

	while (maildir_stamp(md, &stamp, &ignored) == 0 &&
		!maildir_stamp_is_final(&stamp, md->fs->next_stamp(md->cur)) &&
		pass->rests < RESTS_MAX) {
		pass->rests++;
		net->wait(net->ctx, NULL, 0,
			clock->monotonic_ms(clock->ctx) + REST_MS);
	}
}

/* Whether its names add up to what we know of; that costs little. */
static bool adds_up(struct mailbox *mailbox, struct rest *rest)
{
	struct maildir_total total;
	struct err ignored;

	if (maildir_add_up(&mailbox->md, &total, &ignored) != 0 ||
		!total.is_final || total.sum != mailbox->local_sum)
		return false;
	*rest = (struct rest){
		.stamp = total.stamp,
		.sum = total.sum,
		.files = total.files,
		.is_known = true,
	};
	return true;
}

/* Scans it as delta did: one file may have two names. One of them is still to
 * go (local_leftovers), for which another run has to scan. */
static void scan_again(struct mailbox *mailbox, struct rest *rest)
{
	const struct maildir_known none = {0};
	struct maildir_scan scan;
	struct arena scratch = {0};
	struct err ignored;

	if (maildir_scan(&mailbox->md, &none, &scratch, &scan, &ignored) == 0 &&
		scan.is_final &&
		(scan.leftover_count == 0 ||
			!policy_writes(&mailbox->policy, LOCAL)))
		*rest = (struct rest){
			.stamp = scan.stamp,
			.sum = maildir_scan_sum(&scan),
			.files = scan.count,
			.is_known = true,
		};
	arena_clear(&scratch);
}

/* Looks at the folder again, since we have changed it, or its stamps were not
 * final. What cannot be told is not told: the next run looks. */
static void look_again(
	struct pass *pass, struct mailbox *mailbox, struct rest *rest)
{
	struct err ignored;

	if (mailbox_open_maildir(pass, mailbox, false, &ignored) != 0)
		return;
	take_rest(pass, &mailbox->md);
	if (!adds_up(mailbox, rest))
		scan_again(mailbox, rest);
	if (!maildir_letters_eq(&rest->stamp.letters, &mailbox->md.letters))
		rest->is_known = false;
	mailbox_close_maildir(mailbox);
}

/* Its stamps are told only where just what we know of has happened. */
static void rest_of(
	struct pass *pass, struct mailbox *mailbox, struct rest *rest)
{
	*rest = (struct rest){
		.stamp = mailbox->scan.stamp,
		.sum = mailbox->local_sum,
		.files = mailbox->scan.count,
		.is_known = mailbox->scan.is_final && !mailbox->local_touched,
	};
	if (!rest->is_known)
		look_again(pass, mailbox, rest);
	if (rest->sum != mailbox->local_sum)
		rest->is_known = false;
}

/* Whether messages have flags here that the server does not take, as far as it
 * says today. */
static bool has_untaken(const struct mailbox *mailbox)
{
	const struct flag_room *takes = &mailbox->policy.takes[REMOTE];
	struct keywords *keywords = mailbox->base.keywords;

	if (takes->any_keyword && takes->system == FLAGS_SYSTEM)
		return false;
	for (size_t i = 0; i < mailbox->match.count; i++) {
		const struct row *row = &mailbox->match.rows[i];
		const struct flags room = {.system = takes->system,
			.keywords = takes->any_keyword
					    ? row->flags[LOCAL].keywords
					    : takes->keywords};

		if ((row->present & SIDE_BIT(LOCAL)) != 0 &&
			!flags_eq(
				flags_added(keywords, room, row->flags[LOCAL]),
				(struct flags){0}))
			return true;
	}
	return false;
}

static void settle_local(struct pass *pass, struct mailbox *mailbox,
	const struct entries *base, struct mailbox_record *record)
{
	struct rest rest;

	rest_of(pass, mailbox, &rest);
	if (!rest.is_known)
		return;
	record->stamp_cur = clean_stamp(&rest.stamp.cur);
	record->stamp_new = clean_stamp(&rest.stamp.new_);
	record->policy_hash = clean_policy(pass, mailbox, &rest.stamp.letters,
		has_untaken(mailbox) ? CLEAN_A_DAY : CLEAN_FOR_GOOD);
	record->files = (uint32_t)rest.files;
	if (rest.sum == base->sum)
		record->alike |= SIDE_BIT(LOCAL);
}

/* ---- The server ---------------------------------------------------------- */

/* Whether what such an operation did is known in full. */
static bool is_followed(const struct mailbox *mailbox, enum op_kind kind)
{
	return kind == OP_FLAG_REMOTE && mailbox->own_modseq != 0;
}

/* The UIDs that we have changed something about there, and have not seen
 * since. */
static void touched(const struct mailbox *mailbox, struct imap_set *uids)
{
	for (size_t i = 0; i < mailbox->plan.count; i++) {
		const struct op *op = &mailbox->plan.ops[i];
		uint32_t uid = mailbox->match.rows[op->row].uid;

		if (op_side(op->kind) == REMOTE && uid != 0 &&
			!is_followed(mailbox, op->kind))
			imap_set_push(uids, uid, uid);
	}
	imap_set_settle(uids);
}

/* Whether the message was moved to another mailbox: its entry is there. */
static bool went_elsewhere(const struct mailbox *mailbox, uint32_t uid)
{
	uint32_t row =
		mailbox->moved_out > 0 ? mailbox_row(mailbox, uid) : PLAN_NONE;

	return row != PLAN_NONE && mailbox->match.rows[row].present == 0;
}

/*
 * Whether the server has just what the journal has; but for what we have
 * changed there, which it tells when it is asked what has changed since.
 */
static bool is_alike(const struct mailbox *mailbox, const struct entries *base)
{
	struct imap_set ours = {0};
	struct entry entry = {0};
	size_t r = 0;
	bool alike = true;

	touched(mailbox, &ours);
	entry_next(base, &entry);
	while (alike &&
		(entry.uid != UINT64_MAX || r < mailbox->remote_count)) {
		uint64_t there = r < mailbox->remote_count
					 ? mailbox->remote[r].uid
					 : UINT64_MAX;
		uint64_t in_base = entry.uid;
		uint64_t uid = in_base < there ? in_base : there;

		alike = (in_base == there &&
				flags_eq(entry.flags,
					mailbox->remote[r].flags)) ||
			imap_set_contains(&ours, (uint32_t)uid) ||
			(in_base != uid &&
				went_elsewhere(mailbox, (uint32_t)uid));
		r += there == uid;
		if (in_base == uid)
			entry_next(base, &entry);
	}
	imap_set_clear(&ours);
	return alike;
}

/* Whether STATUS told of the mailbox as it was when it was opened. */
static bool status_holds(const struct mailbox *mailbox)
{
	const unsigned needed = IMAP_STATUS_MESSAGES | IMAP_STATUS_UIDNEXT |
				IMAP_STATUS_HIGHESTMODSEQ;
	const struct imap_status *status = &mailbox->status;

	return (status->present & needed) == needed &&
	       status->highestmodseq == mailbox->highestmodseq &&
	       (mailbox->uidnext == 0 || status->uidnext == mailbox->uidnext);
}

static bool keeps_modseq(const struct pass *pass, const struct mailbox *mailbox)
{
	return imap_caps_has(pool_caps(pass->pool), IMAP_CAP_CONDSTORE) &&
	       mailbox->highestmodseq != 0;
}

/*
 * The HIGHESTMODSEQ that all which was seen vouches for. Gmail counts changes
 * that it does not show yet: there it is believed when the newest change was
 * seen, or when another run was told the same before.
 */
static uint64_t modseq_of(const struct pass *pass,
	const struct mailbox *mailbox, uint64_t *told_r)
{
	uint64_t told = mailbox->highestmodseq;
	const struct mailbox_record *before = &mailbox->record;

	*told_r = 0;
	if (!imap_caps_has(pool_caps(pass->pool), IMAP_CAP_X_GM_EXT_1) ||
		mailbox->newest_seen || before->told_modseq == told ||
		before->highestmodseq == told)
		return told;
	*told_r = told;
	return before->uidvalidity == mailbox->uidvalidity &&
			       before->highestmodseq < told
		       ? before->highestmodseq
		       : 0;
}

uint64_t settle_modseq(const struct pass *pass, const struct mailbox *mailbox)
{
	uint64_t told;

	return keeps_modseq(pass, mailbox) ? modseq_of(pass, mailbox, &told)
					   : 0;
}

bool settle_needs_look(const struct pass *pass, const struct mailbox *mailbox)
{
	if (!mailbox_is_busy(mailbox) || !mailbox->in_journal ||
		mailbox->unfinished || mailbox->verdict.refused ||
		mailbox->plan.per_kind[OP_CONFLICT] > 0 ||
		!keeps_modseq(pass, mailbox))
		return false;
	if (mailbox->moved_out > 0)
		return true;
	for (int kind = 0; kind < OP_KINDS; kind++) {
		if (op_side((enum op_kind)kind) == REMOTE &&
			mailbox->plan.per_kind[kind] > 0 &&
			!is_followed(mailbox, (enum op_kind)kind))
			return true;
	}
	return false;
}

/* Whether STATUS counts more than SELECT showed, and the run before saw just as
 * many under the same numbers. */
static bool was_more_before(const struct mailbox *mailbox)
{
	const struct mailbox_record *before = &mailbox->record;
	const struct imap_status *status = &mailbox->status;

	return mailbox->exists > 0 && status->messages > mailbox->exists &&
	       before->uidvalidity == mailbox->uidvalidity &&
	       before->uidnext == status->uidnext &&
	       before->highestmodseq == status->highestmodseq &&
	       (before->messages == mailbox->exists ||
		       before->messages == status->messages);
}

/*
 * How many messages STATUS is to tell if nothing has changed. Gmail's counts
 * chats, which no SELECT shows; but it may also be that this one did not show
 * all yet. So it is believed there when another run has seen the same; of other
 * servers, such a mailbox is looked at by every run.
 */
static uint64_t messages_of(
	const struct pass *pass, const struct mailbox *mailbox)
{
	return imap_caps_has(pool_caps(pass->pool), IMAP_CAP_X_GM_EXT_1) &&
			       status_holds(mailbox) && was_more_before(mailbox)
		       ? mailbox->status.messages
		       : mailbox->exists;
}

static void settle_remote(struct pass *pass, const struct mailbox *mailbox,
	const struct entries *base, struct mailbox_record *record)
{
	uint64_t uidnext = status_holds(mailbox) ? mailbox->status.uidnext
						 : mailbox->uidnext;
	uint64_t messages = messages_of(pass, mailbox);

	if (!keeps_modseq(pass, mailbox) || uidnext == 0 ||
		uidnext > UINT32_MAX || messages > UINT32_MAX)
		return;
	record->uidnext = (uint32_t)uidnext;
	record->messages = (uint32_t)messages;
	record->highestmodseq = modseq_of(pass, mailbox, &record->told_modseq);
	if (mailbox->own_modseq != 0)
		record->highestmodseq = mailbox->own_modseq;
	if (is_alike(mailbox, base))
		record->alike |= SIDE_BIT(REMOTE);
}

/* ---- All mailboxes ------------------------------------------------------- */

/* What both sides are now. */
static int settle_sides(struct pass *pass, struct mailbox *mailbox,
	struct mailbox_record *record, struct err *err)
{
	struct entries base;
	struct arena scratch = {0};
	int result = entries_load(pass, mailbox, &scratch, &base, err);

	if (result == 0) {
		mailbox_record_unsettle(record);
		settle_remote(pass, mailbox, &base, record);
		/* Its folder is looked at once, when all is done. */
		if (!settle_needs_look(pass, mailbox))
			settle_local(pass, mailbox, &base, record);
	}
	arena_clear(&scratch);
	return result;
}

/* Whether all that was planned came to be. What a server did not give since it
 * was gone by then, or a file that was renamed, leaves its operation undone
 * without a failure: that cannot be vouched for, as conflicts cannot. */
static bool is_done(const struct mailbox *mailbox)
{
	for (size_t i = 0; i < mailbox->match.count; i++) {
		if (mailbox->pending != NULL && mailbox->pending[i] != 0)
			return false;
	}
	return true;
}

/* Whether there is anything new but the roles, which are only for the reader:
 * some servers give them by name, so that what we have just created has one. */
static bool is_as_recorded(
	const struct mailbox *mailbox, const struct mailbox_record *record)
{
	struct mailbox_record same = *record;

	same.special_use = mailbox->record.special_use;
	return record_eq(&same, &mailbox->record);
}

static int settle_one(
	struct pass *pass, struct mailbox *mailbox, struct err *err)
{
	struct mailbox_record record = record_of(mailbox);

	if (!mailbox->idle && is_done(mailbox) &&
		settle_sides(pass, mailbox, &record, err) != 0)
		return -1;
	if (is_as_recorded(mailbox, &record) &&
		(mailbox->idle || record.settled_s <= pass_now_s(pass)))
		return 0;
	record.settled_s = pass_now_s(pass);
	mailbox->record = record;
	mailbox->is_due = true;
	journal_mailbox_put(&pass->journal, &pass->batch, mailbox->id, &record);
	return 0;
}

int settle(struct pass *pass, struct err *err)
{
	/* Where the journal is read again, it is to have all that is due. */
	if (pass->changes_lost && pass_flush(pass, err) != 0)
		return -1;
	if (pass_sync_names(pass, err) != 0 && err->scope >= ERR_ACCOUNT)
		return -1;
	for (size_t i = 0; i < pass->count; i++) {
		struct mailbox *mailbox = &pass->mailboxes[i];

		if (mailbox_is_active(mailbox) && mailbox->in_journal &&
			!mailbox->unfinished && !mailbox->verdict.refused &&
			settle_one(pass, mailbox, err) != 0)
			return -1;
	}
	pass_due(pass);
	return 0;
}
