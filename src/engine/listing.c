/*
 * How: the path is chosen from what the record says and the connection can.
 * Where STATUS told that the record still applies (or that there is something
 * to list), what is going to be asked travels with the SELECT, so that a look
 * costs one flight; a SELECT that contradicts has those answers thrown away.
 * FETCHes are gathered in `remote`; at the end the journal's entries fill in
 * what was not told, less what has vanished, and the sum is compared with
 * EXISTS.
 */
#include "listing.h"

#include "godwit/base/limits.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	LISTINGS_MAX = 2,   /* tries to get a full listing that adds up */
	LISTED_BYTES = 100, /* of a message in it, or so */
};

static struct mailbox *mailbox_of(const struct listing *listing)
{
	return listing->task->mailbox;
}

static const struct imap_mailbox *selected_of(const struct listing *listing)
{
	return imap_session_mailbox(conn_session(listing->task->conn));
}

static bool has_cap(const struct listing *listing, enum imap_cap cap)
{
	return imap_caps_has(
		imap_session_caps(conn_session(listing->task->conn)), cap);
}

/* ---- Asking -------------------------------------------------------------- */

unsigned listing_items(const struct task *task)
{
	const struct imap_caps *caps =
		imap_session_caps(conn_session(task->conn));
	unsigned items = IMAP_FETCH_INTERNALDATE | IMAP_FETCH_SIZE;

	if (imap_caps_has(caps, IMAP_CAP_OBJECTID))
		return items | IMAP_FETCH_EMAILID;
	if (imap_caps_has(caps, IMAP_CAP_X_GM_EXT_1))
		return items | IMAP_FETCH_GM_MSGID;
	return items;
}

static void fetch(struct listing *listing, struct str set, unsigned items,
	uint64_t changed_since)
{
	struct imap_command command = {.kind = IMAP_FETCH};

	command.fetch.set = set;
	command.fetch.items = IMAP_FETCH_UID | items;
	if (has_cap(listing, IMAP_CAP_CONDSTORE) &&
		has_cap(listing, IMAP_CAP_X_GM_EXT_1))
		command.fetch.items |= IMAP_FETCH_MODSEQ; /* see settle.c */
	command.fetch.changed_since = changed_since;
	conn_submit(listing->task->conn, &command);
	listing->awaited++;
}

/* What came since: everything about it. */
static void fetch_new(struct listing *listing, uint32_t first)
{
	unsigned items = listing_items(listing->task);
	char set[32];

	if (first == 0)
		return;
	(void)snprintf(set, sizeof(set), "%" PRIu32 ":*", first);
	/* Where that is refused, the least will do. */
	if (listing->tries == LISTINGS_MAX)
		items = IMAP_FETCH_INTERNALDATE | IMAP_FETCH_SIZE;
	fetch(listing, str_of(set), IMAP_FETCH_FLAGS | items, 0);
}

static void forget(struct listing *listing)
{
	mailbox_of(listing)->remote_count = 0;
	imap_set_reset(&listing->vanished);
	imap_set_reset(&listing->present);
	listing->refused = false;
	mailbox_of(listing)->newest_seen = false;
}

/* The last UID that the journal knows; 0: none. */
static uint32_t top_known(const struct listing *listing)
{
	const struct mailbox *mailbox = mailbox_of(listing);
	size_t known = listing->renumbered ? 0 : mailbox->journal.count;

	return known > 0 ? mailbox->base_items[known - 1].uid : 0;
}

/* Asks for all messages: of those that are known, the flags. */
static void ask_all(struct listing *listing, uint64_t exists)
{
	uint32_t top = top_known(listing);
	char set[64];

	listing->tries++;
	listing->task->underway = exists * LISTED_BYTES;
	if (top > 0) {
		(void)snprintf(set, sizeof(set), "1:%" PRIu32, top);
		fetch(listing, str_of(set), IMAP_FETCH_FLAGS, 0);
	}
	if (top < UINT32_MAX && exists > 0)
		fetch_new(listing, top + 1);
}

/* TASK_DONE: none is known, and none is there any more. */
static enum task_step list_all(struct listing *listing)
{
	listing->path = LISTING_FULL;
	listing->stage = LISTING_LISTS;
	forget(listing);
	ask_all(listing, selected_of(listing)->exists);
	return listing->awaited == 0 ? TASK_DONE : TASK_MORE;
}

/* What is known is not all that the server told was there: `*` may mean the
 * last message that is visible, so the end of the numbers is spelled out. */
static void fetch_changes(struct listing *listing)
{
	const struct mailbox *mailbox = mailbox_of(listing);
	char set[32];

	if (mailbox->record.uidnext < 2)
		return;
	(void)snprintf(
		set, sizeof(set), "1:%" PRIu32, mailbox->record.uidnext - 1);
	fetch(listing, str_of(set), IMAP_FETCH_FLAGS | IMAP_FETCH_MODSEQ,
		mailbox->record.highestmodseq);
}

/* Which of the UIDs are there. */
static void search(struct listing *listing)
{
	struct imap_command command = {.kind = IMAP_SEARCH};

	listing->stage = LISTING_SEARCHES;
	listing->refused = false;
	imap_set_reset(&listing->present);
	command.search.uids = STR("1:*");
	if (has_cap(listing, IMAP_CAP_ESEARCH))
		command.search.returns = IMAP_RETURN_ALL;
	conn_submit(listing->task->conn, &command);
	listing->awaited++;
}

/* ---- Whose UIDs they are ------------------------------------------------- */

/* Where another mailbox may have taken this one's name, unseen. */
static int ask_samples(struct listing *listing, struct err *err)
{
	struct imap_command command = {.kind = IMAP_FETCH};
	struct mailbox *mailbox = mailbox_of(listing);
	size_t known = mailbox->journal.count;
	struct imap_set set = {0};
	struct buf text = {0};

	listing->samples.count = 0;
	listing->samples_handle = 0;
	if (known == 0 || pass_uidvalidity_tells(listing->pass, mailbox))
		return 0;
	for (size_t i = 0; i < SAMPLES; i++) {
		size_t at = samples_place(known, i);

		if (samples_add(&listing->samples, &mailbox->base,
			    mailbox->base_items[at].uid, err) != 0)
			return -1;
	}
	samples_uids(&listing->samples, &set);
	imap_set_print(&set, &text);
	command.fetch.set = buf_str(&text);
	command.fetch.items = IMAP_FETCH_UID | IMAP_FETCH_HEADER;
	listing->samples_handle = conn_submit(listing->task->conn, &command);
	listing->awaited++;
	buf_clear(&text);
	imap_set_clear(&set);
	return 0;
}

/* Whether the messages under the UIDs that the journal knows are others: all of
 * those that were told. */
static bool are_others(const struct listing *listing)
{
	size_t told = samples_told(&listing->samples);

	return told > 0 && samples_different(&listing->samples) == told;
}

/* ---- Choosing ------------------------------------------------------------ */

/* Whether the journal tells what the server had at the record's mod-sequence.
 */
static bool is_known(const struct mailbox *mailbox)
{
	const struct mailbox_record *record = &mailbox->record;

	return mailbox->in_journal && record->state == MAILBOX_ATTACHED &&
	       record->uidvalidity != 0 && record->highestmodseq != 0 &&
	       record->uidnext != 0 && (record->alike & SIDE_BIT(REMOTE)) != 0;
}

static enum listing_path choose(const struct listing *listing)
{
	struct imap_session *session = conn_session(listing->task->conn);

	if (!is_known(mailbox_of(listing)))
		return LISTING_FULL;
	if (imap_session_enabled(session, IMAP_CAP_QRESYNC))
		return LISTING_RESYNC;
	return has_cap(listing, IMAP_CAP_CONDSTORE) ? LISTING_CHANGES
						    : LISTING_FULL;
}

/* Whether all messages can be asked for at once: there are some, by STATUS or
 * else by the journal, and nothing tells yet that they have other UIDs now. */
static bool can_foresee_all(const struct mailbox *mailbox)
{
	const struct imap_status *status = &mailbox->status;
	bool is_told = (status->present & IMAP_STATUS_MESSAGES) != 0;

	if (mailbox->journal.count == 0)
		return is_told && status->messages > 0;
	return (!is_told || status->messages > 0) &&
	       ((status->present & IMAP_STATUS_UIDVALIDITY) == 0 ||
		       status->uidvalidity == mailbox->record.uidvalidity);
}

/* How many messages there are, as far as that is known before it is opened. */
static uint64_t known_count(const struct mailbox *mailbox)
{
	return (mailbox->status.present & IMAP_STATUS_MESSAGES) != 0
		       ? mailbox->status.messages
		       : mailbox->journal.count;
}

/* Whether STATUS told that the record's numbers still apply. */
static bool can_foresee(const struct mailbox *mailbox)
{
	const unsigned needed = IMAP_STATUS_MESSAGES | IMAP_STATUS_UIDNEXT |
				IMAP_STATUS_UIDVALIDITY |
				IMAP_STATUS_HIGHESTMODSEQ;
	const struct imap_status *status = &mailbox->status;

	return (status->present & needed) == needed && status->messages > 0 &&
	       status->uidvalidity == mailbox->record.uidvalidity &&
	       status->uidnext >= mailbox->record.uidnext &&
	       status->highestmodseq >= mailbox->record.highestmodseq;
}

/* Asks for what has changed, up to `uidnext` and `modseq`. */
static void ask_changes(
	struct listing *listing, uint64_t uidnext, uint64_t modseq)
{
	const struct mailbox_record *record = &mailbox_of(listing)->record;

	if (listing->path == LISTING_CHANGES && modseq != record->highestmodseq)
		fetch_changes(listing);
	if (uidnext == 0 || uidnext > record->uidnext)
		fetch_new(listing, record->uidnext);
}

static void submit_select(struct listing *listing)
{
	const struct mailbox *mailbox = mailbox_of(listing);
	struct imap_command command = {.kind = IMAP_SELECT};
	char known[32];

	command.select.mailbox = mailbox->wire_name;
	/* Never both parameters: Purelymail loses its place. */
	command.select.qresync = listing->path == LISTING_RESYNC;
	command.select.condstore =
		!imap_session_enabled(conn_session(listing->task->conn),
			IMAP_CAP_CONDSTORE) &&
		has_cap(listing, IMAP_CAP_CONDSTORE);
	if (command.select.qresync) {
		(void)snprintf(known, sizeof(known), "1:%" PRIu32,
			mailbox->record.uidnext > 1
				? mailbox->record.uidnext - 1
				: 1);
		command.select.uidvalidity = mailbox->record.uidvalidity;
		command.select.modseq = mailbox->record.highestmodseq;
		command.select.known_uids = str_of(known);
	}
	listing->select_handle = task_open(listing->task, &command);
	listing->awaited++;
}

enum task_step listing_begin(struct listing *listing, struct err *err)
{
	const struct mailbox *mailbox = mailbox_of(listing);

	listing->stage = LISTING_OPENS;
	listing->awaited = 0;
	listing->tries = 0;
	listing->partial = false;
	listing->renumbered = false;
	forget(listing);
	listing->path = choose(listing);
	submit_select(listing);
	listing->foreseen = listing->path == LISTING_FULL
				    ? can_foresee_all(mailbox)
				    : can_foresee(mailbox);
	if (listing->foreseen && listing->path == LISTING_FULL)
		ask_all(listing, known_count(mailbox));
	else if (listing->foreseen)
		ask_changes(listing, mailbox->status.uidnext,
			mailbox->status.highestmodseq);
	return ask_samples(listing, err) != 0 ? TASK_FAILED : TASK_MORE;
}

uint64_t listing_bytes(const struct mailbox *mailbox)
{
	return is_known(mailbox) ? 0 : known_count(mailbox) * LISTED_BYTES;
}

/* ---- What SELECT told ---------------------------------------------------- */

/* What PERMANENTFLAGS (RFC 3501 7.1) lets us set; where it says nothing, as
 * after EXAMINE, what FLAGS lists is at least shown. */
static void learn_policy(struct listing *listing)
{
	struct mailbox *mailbox = mailbox_of(listing);
	struct policy *policy = &mailbox->policy;
	const struct imap_mailbox *selected = selected_of(listing);
	struct imap_strs names = selected->has_permanent_flags
					 ? selected->permanent_flags
					 : selected->flags;
	struct flags listed = {0};

	(void)flags_from_names(mailbox->base.keywords, names.items, names.count,
		&listed, NULL);
	policy->remote_readonly = selected->read_only;
	policy->takes[REMOTE] = (struct flag_room){
		.system = listed.system,
		.keywords = listed.keywords,
		.any_keyword = selected->new_keywords,
	};
	if (selected->new_keywords)
		policy->takes[REMOTE].system |= FLAG_FORWARDED;
	if (!selected->has_permanent_flags)
		policy->takes[REMOTE] = (struct flag_room){
			.system = FLAGS_SYSTEM, .any_keyword = true};
	policy->keeps[REMOTE] = policy->takes[REMOTE];
}

/* Whether the UIDs that the journal knows mean nothing any more. A UIDNEXT that
 * is not above them belongs to a mailbox that was made anew under the same
 * UIDVALIDITY (DavMail's is always 1). */
static bool is_renumbered(const struct mailbox *mailbox)
{
	size_t known = mailbox->journal.count;

	if (!mailbox->in_journal || mailbox->record.uidvalidity == 0)
		return false;
	return mailbox->record.uidvalidity != mailbox->uidvalidity ||
	       (mailbox->uidnext != 0 && known > 0 &&
		       mailbox->uidnext <= mailbox->base_items[known - 1].uid);
}

/* Whether what SELECT told lets the changes be believed. What went down under
 * one UIDVALIDITY, or is not kept, says nothing. */
static bool still_applies(const struct listing *listing)
{
	const struct mailbox *mailbox = mailbox_of(listing);
	const struct mailbox_record *record = &mailbox->record;

	return !listing->renumbered && !selected_of(listing)->nomodseq &&
	       mailbox->highestmodseq >= record->highestmodseq &&
	       (mailbox->uidnext == 0 || mailbox->uidnext >= record->uidnext);
}

/* Whether what was asked ahead is all that has changed by now. */
static bool foresaw(const struct listing *listing)
{
	const struct mailbox *mailbox = mailbox_of(listing);
	const struct imap_status *status = &mailbox->status;

	return listing->foreseen &&
	       status->highestmodseq >= mailbox->highestmodseq &&
	       mailbox->uidnext <= status->uidnext;
}

static void take_selected(struct listing *listing)
{
	struct mailbox *mailbox = mailbox_of(listing);
	const struct imap_mailbox *selected = selected_of(listing);

	mailbox->exists = selected->exists;
	mailbox->uidnext =
		selected->uidnext <= UINT32_MAX ? selected->uidnext : 0;
	mailbox->highestmodseq =
		selected->nomodseq ? 0 : selected->highestmodseq;
	listing->renumbered = is_renumbered(mailbox);
	mailbox->renumbered = listing->renumbered;
	/* One that was just made was in no list. */
	if (mailbox->status.mailboxid.len == 0)
		mailbox->status.mailboxid =
			arena_str(&listing->pass->arena, selected->mailboxid);
	learn_policy(listing);
}

static enum task_step add_up(struct listing *listing, struct err *err);

/* The SELECT is answered, and all that was sent behind it. */
static enum task_step opened(struct listing *listing, struct err *err)
{
	struct mailbox *mailbox = mailbox_of(listing);

	if (!listing->renumbered && are_others(listing)) {
		listing->tries = 0;
		listing->renumbered = true;
		mailbox->renumbered = true;
	}
	if (mailbox->exists == 0 &&
		(listing->renumbered || mailbox->journal.count == 0)) {
		listing->path = LISTING_FULL;
		forget(listing);
		return add_up(listing, err);
	}
	if (listing->path == LISTING_FULL || !still_applies(listing)) {
		if (listing->path == LISTING_FULL && listing->foreseen &&
			!listing->renumbered && mailbox->exists > 0)
			return add_up(listing, err);
		return list_all(listing);
	}
	listing->stage = LISTING_LISTS;
	if (!foresaw(listing))
		ask_changes(listing, mailbox->uidnext, mailbox->highestmodseq);
	return listing->awaited == 0 ? add_up(listing, err) : TASK_MORE;
}

/* ---- What FETCH told ----------------------------------------------------- */

static int remote_cmp(const void *a, const void *b)
{
	const struct remote_item *x = a;
	const struct remote_item *y = b;

	return (x->uid > y->uid) - (x->uid < y->uid);
}

void listing_detail(struct remote_item *item, const struct imap_fetch *fetched)
{
	if ((fetched->present & IMAP_FETCH_SIZE) != 0)
		item->bytes = fetched->size;
	if ((fetched->present & IMAP_FETCH_INTERNALDATE) != 0) {
		item->date_s = fetched->date.utc_seconds;
		item->zone_minutes = (int16_t)fetched->date.zone_minutes;
	}
	if ((fetched->present & IMAP_FETCH_EMAILID) != 0)
		item->email_key = identity_email_key(fetched->emailid);
	else if ((fetched->present & IMAP_FETCH_GM_MSGID) != 0)
		item->email_key = fetched->gm_msgid;
}

/* A message of the listing. One without UID or FLAGS says nothing; the count
 * then shows that the listing is not whole. */
static int remote_add(struct listing *listing, const struct imap_fetch *fetched,
	struct err *err)
{
	struct mailbox *mailbox = mailbox_of(listing);
	const unsigned needed = IMAP_FETCH_UID | IMAP_FETCH_FLAGS;
	struct remote_item item = {.uid = fetched->uid};

	if ((fetched->present & needed) != needed || fetched->uid == 0)
		return 0;
	if (mailbox->remote_count >= LIMIT_MESSAGES)
		return err_set(err, ERR_MAILBOX, ERR_NEVER, ERR_PROTOCOL,
			"the server lists more than %d messages",
			LIMIT_MESSAGES);
	if (flags_from_names(mailbox->base.keywords, fetched->flags.items,
		    fetched->flags.count, &item.flags, err) != 0)
		return -1;
	listing_detail(&item, fetched);
	if ((fetched->present & IMAP_FETCH_MODSEQ) != 0 &&
		fetched->modseq >= selected_of(listing)->highestmodseq)
		mailbox->newest_seen = true;
	mailbox->remote = array_grow(mailbox->remote, &mailbox->remote_cap,
		mailbox->remote_count + 1, sizeof(*mailbox->remote));
	mailbox->remote[mailbox->remote_count++] = item;
	return 0;
}

/* Where a run of rising UIDs ends. */
static size_t run_end(
	const struct remote_item *items, size_t from, size_t count)
{
	size_t end = from + 1;

	while (end < count && items[end - 1].uid <= items[end].uid)
		end++;
	return end < count ? end : count;
}

/* Merges two runs; of equal UIDs, the first run's come first. */
static void merge_runs(const struct remote_item *items, size_t from,
	size_t middle, size_t end, struct remote_item *out)
{
	size_t a = from;
	size_t b = middle;

	for (size_t i = from; i < end; i++)
		out[i] =
			b == end || (a < middle && items[a].uid <= items[b].uid)
				? items[a++]
				: items[b++];
}

/* Sorts by UID, keeping the order of what is equal. What came in order, or in a
 * few runs, as it nearly always does, costs next to nothing. */
static void remote_sort(struct remote_item *items, size_t count)
{
	struct remote_item *merged = NULL;
	size_t cap = 0;

	while (count > 0 && run_end(items, 0, count) < count) {
		merged = array_grow(merged, &cap, count, sizeof(*merged));
		for (size_t from = 0, end; from < count; from = end) {
			size_t middle = run_end(items, from, count);

			end = middle < count ? run_end(items, middle, count)
					     : count;
			merge_runs(items, from, middle, end, merged);
		}
		memcpy(items, merged, count * sizeof(*merged));
	}
	free(merged);
}

/* What one FETCH of a message does not tell, another may; its flags are those
 * that were told last. */
static void remote_join(
	struct remote_item *item, const struct remote_item *later)
{
	item->flags = later->flags;
	if (item->bytes == 0)
		item->bytes = later->bytes;
	if (item->date_s == 0) {
		item->date_s = later->date_s;
		item->zone_minutes = later->zone_minutes;
	}
	if (item->email_key == 0)
		item->email_key = later->email_key;
}

/* Sorts by UID (o2.pl answers in any order) and joins doubles (Courier). */
static void remote_settle(struct mailbox *mailbox)
{
	struct remote_item *items = mailbox->remote;
	size_t kept = 0;

	remote_sort(items, mailbox->remote_count);
	for (size_t i = 0; i < mailbox->remote_count; i++) {
		if (kept > 0 && items[kept - 1].uid == items[i].uid) {
			remote_join(&items[kept - 1], &items[i]);
			continue;
		}
		items[kept++] = items[i];
	}
	mailbox->remote_count = kept;
}

/* Adds the entries that nothing was told of: they are as they were. Those from
 * the record's UIDNEXT on were asked for in any case. */
static void fill_in(struct listing *listing)
{
	struct mailbox *mailbox = mailbox_of(listing);
	size_t told = mailbox->remote_count;

	for (size_t i = 0; i < mailbox->journal.count; i++) {
		const struct base_item *entry = &mailbox->base_items[i];
		const struct remote_item key = {.uid = entry->uid};

		if (entry->uid >= mailbox->record.uidnext)
			break;
		if (imap_set_contains(&listing->vanished, entry->uid) ||
			(told > 0 && bsearch(&key, mailbox->remote, told,
					     sizeof(key), remote_cmp) != NULL))
			continue;
		mailbox->remote = array_grow(mailbox->remote,
			&mailbox->remote_cap, mailbox->remote_count + 1,
			sizeof(*mailbox->remote));
		mailbox->remote[mailbox->remote_count++] = (struct remote_item){
			.uid = entry->uid, .flags = entry->flags};
	}
}

/* Leaves out what the server says is not there. */
static void leave_out(
	struct mailbox *mailbox, const struct imap_set *set, bool those_in_it)
{
	size_t kept = 0;

	for (size_t i = 0; i < mailbox->remote_count; i++) {
		if (imap_set_contains(set, mailbox->remote[i].uid) !=
			those_in_it)
			mailbox->remote[kept++] = mailbox->remote[i];
	}
	mailbox->remote_count = kept;
}

/* ---- Adding up ----------------------------------------------------------- */

static void tell_partial(struct listing *listing, uint32_t exists)
{
	struct mailbox *mailbox = mailbox_of(listing);
	struct err err;

	err_set(&err, ERR_MAILBOX, ERR_LATER, ERR_PROTOCOL,
		"the server says that %" PRIu32 " messages exist, but lists "
		"%zu; until it adds up, nothing counts as deleted there, and "
		"nothing is uploaded",
		exists, mailbox->remote_count);
	mailbox->unfinished = true;
	pass_error(listing->pass, mailbox, &err, 0, (struct str){0});
}

/* The changes do not add up: which are there is asked, and at last all of them
 * are listed. */
static enum task_step doubt(struct listing *listing)
{
	if (listing->refused || listing->stage == LISTING_SEARCHES)
		return list_all(listing);
	search(listing);
	return TASK_MORE;
}

/* Whether a mod-sequence that rose comes from nothing that was told: then
 * something was not told. */
static bool is_unexplained(const struct listing *listing)
{
	const struct mailbox *mailbox = mailbox_of(listing);
	const struct mailbox_record *record = &mailbox->record;

	return listing->path != LISTING_FULL &&
	       listing->stage != LISTING_SEARCHES &&
	       mailbox->highestmodseq > record->highestmodseq &&
	       mailbox->uidnext <= record->uidnext &&
	       mailbox->remote_count == 0 && listing->vanished.count == 0 &&
	       selected_of(listing)->exists == record->messages;
}

/* Whether there was something new by UIDNEXT, of which nothing was told. As
 * many that went would make up for it in the sum. `remote` is sorted. */
static bool lacks_new(const struct listing *listing)
{
	const struct mailbox *mailbox = mailbox_of(listing);
	size_t count = mailbox->remote_count;

	return mailbox->uidnext > mailbox->record.uidnext &&
	       (count == 0 || mailbox->remote[count - 1].uid <
				      mailbox->record.uidnext);
}

static enum task_step add_up(struct listing *listing, struct err *err)
{
	struct mailbox *mailbox = mailbox_of(listing);
	bool all_known = true;
	uint32_t exists = selected_of(listing)->exists;

	(void)err;
	if (is_unexplained(listing) && exists > 0)
		return list_all(listing);
	/* That all is gone is not believed before it was asked for. */
	if (listing->path != LISTING_FULL && exists == 0 &&
		mailbox->journal.count > 0)
		return list_all(listing);
	remote_settle(mailbox);
	leave_out(mailbox, &listing->vanished, true);
	if (listing->path != LISTING_FULL &&
		listing->stage != LISTING_SEARCHES) {
		fill_in(listing);
		remote_settle(mailbox);
		if (lacks_new(listing))
			return doubt(listing);
	}
	if (listing->stage == LISTING_SEARCHES) {
		leave_out(mailbox, &listing->present, false);
		all_known = mailbox->remote_count ==
			    imap_set_size(&listing->present);
	}
	/* Of no messages a FETCH may be refused. */
	if ((!listing->refused || exists == 0) && all_known &&
		mailbox->remote_count == exists)
		return TASK_DONE;
	if (listing->path != LISTING_FULL)
		return doubt(listing);
	if (listing->tries < LISTINGS_MAX)
		return list_all(listing);
	listing->partial = true;
	tell_partial(listing, exists);
	return TASK_DONE;
}

/* ---- Events -------------------------------------------------------------- */

static int listing_told(struct listing *listing,
	const struct imap_response *response, struct err *err)
{
	switch (response->kind) {
	case IMAP_RESPONSE_CONDITION:
		/* What seemed to begin the new mailbox was still the old. */
		if (listing->stage == LISTING_OPENS &&
			response->line.code.kind == IMAP_CODE_CLOSED)
			forget(listing);
		return 0;
	case IMAP_RESPONSE_FETCH:
		samples_hear(&listing->samples, &response->fetch);
		return remote_add(listing, &response->fetch, err);
	case IMAP_RESPONSE_VANISHED:
		/* What vanishes now is taken off EXISTS as well, so that it
		 * adds up whatever is said: it is no proof, but a reason to
		 * look again. */
		if (response->vanished.earlier &&
			listing->path == LISTING_RESYNC)
			imap_set_union(
				&listing->vanished, response->vanished.uids);
		return 0;
	case IMAP_RESPONSE_SEARCH:
	case IMAP_RESPONSE_ESEARCH:
		if (listing->stage == LISTING_SEARCHES)
			imap_set_union(&listing->present, response->search.all);
		return 0;
	default:
		return 0;
	}
}

static enum task_step listing_answered(struct listing *listing,
	const struct imap_event *event, struct err *err)
{
	const struct imap_status_line *line = &event->response->line;

	if (event->handle == listing->select_handle) {
		if (task_selected(listing->task, line, err) != 0)
			return TASK_FAILED;
		take_selected(listing);
	} else if (line->condition != IMAP_OK &&
		   event->handle != listing->samples_handle) {
		listing->refused = true;
	}
	if (--listing->awaited > 0)
		return TASK_MORE;
	listing->task->underway = 0;
	return listing->stage == LISTING_OPENS ? opened(listing, err)
					       : add_up(listing, err);
}

enum task_step listing_event(struct listing *listing,
	const struct imap_event *event, struct err *err)
{
	if (event->kind == IMAP_EVENT_TAGGED)
		return listing_answered(listing, event, err);
	if (event->kind == IMAP_EVENT_UNTAGGED &&
		listing_told(listing, event->response, err) != 0)
		return TASK_FAILED;
	return TASK_MORE;
}

void listing_clear(struct listing *listing)
{
	imap_set_clear(&listing->vanished);
	imap_set_clear(&listing->present);
}
