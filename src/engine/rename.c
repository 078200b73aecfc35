/*
 * How: who is where is found out for each mailbox of the journal that one side
 * lacks; from that follows the name it gets, if it may. What may be a mailbox
 * of which it is not known where it is, is left alone.
 */
#include "rename.h"

#include "rename_carry.h"
#include "rename_here.h"
#include "rename_order.h"
#include "rename_there.h"

#include "godwit/base/limits.h"

/* ---- What cannot be looked into ------------------------------------------ */

/* Whether a name of the mailbox on that side makes one, on the way to it, of
 * which it is open what it is on the other: that could not get it any more. */
static bool makes_closed(
	const struct pass *pass, const struct mailbox *mailbox, bool here)
{
	if (here && pass->account->layout != LAYOUT_NESTED)
		return false;
	for (size_t i = 0; i < pass->count; i++) {
		const struct mailbox *above = &pass->mailboxes[i];

		if (above->closed &&
			!(here ? above->on_local : above->on_server) &&
			rename_is_below(mailbox->name, above->name, '/'))
			return true;
	}
	return false;
}

static bool has_to_wait(const struct pass *pass, const struct rename *rename)
{
	bool here = rename_needs_here(rename);

	return (here || rename_needs_there(rename)) &&
	       makes_closed(pass, rename->to, here);
}

static void hold_for_closed(struct pass *pass, struct rename *rename)
{
	if (mailbox_is_active(rename->known) || mailbox_is_active(rename->to))
		pass_note(pass, rename->known,
			"is called %.*s on %s now, below what could not be "
			"looked into; it waits until that can be",
			STR_FMT(rename->to->server_name),
			rename->there == rename->to ? "the server" : "disk");
	rename_leave_alone(rename);
}

/* ---- Whose name counts, and whether it may ------------------------------- */

static struct mailbox *choose(const struct rename *rename)
{
	bool is_moved_there = rename->there != rename->known;
	bool is_moved_here = rename->here != rename->known;

	if (rename->there == NULL || rename->here == NULL)
		return NULL;
	if (is_moved_there && !rename_is_aside(rename->there->name))
		return rename->there;
	if (is_moved_here && !rename_is_aside(rename->here->name))
		return rename->here;
	return rename->there;
}

static const char *why_left_out(const struct mailbox *mailbox)
{
	switch (mailbox->left_out) {
	case LEFT_OUT_NOT_ASKED:
		return "which this run was not asked to sync";
	case LEFT_OUT_NOT_SUBSCRIBED:
		return "which is not subscribed to";
	default:
		return "which include and exclude leave out";
	}
}

/* Why it may not get its name, as a clause, or NULL. */
static const char *why_not(
	const struct account *account, const struct rename *rename)
{
	const struct mailbox *known = rename->known;

	if (rename->to->part == MAILBOX_LEFT_OUT)
		return why_left_out(rename->to);
	if (rename_needs_here(rename) &&
		account->direction == ACCOUNT_DIRECTION_PUSH)
		return "and by direction: push its folder keeps its name";
	if (rename_needs_here(rename) &&
		(account->create & ACCOUNT_SIDES_LOCAL) == 0)
		return "and `create` makes no folder of that name";
	if (rename_needs_there(rename) &&
		account->direction == ACCOUNT_DIRECTION_PULL)
		return "and by direction: pull the server's keeps its name";
	if (rename_needs_there(rename) &&
		(account->create & ACCOUNT_SIDES_SERVER) == 0)
		return "and `create` makes no mailbox of that name there";
	if (rename_needs_there(rename) &&
		!str_eq(known->record.name, known->record.server_name))
		return "but `rename` says its name";
	return NULL;
}

/* Two that are to get one name: which of them should is for the user to say. */
static void hold_equals(struct renames *all)
{
	for (size_t i = 0; i < all->count; i++) {
		struct rename *rename = &all->items[i];

		for (size_t k = 0; k < i && rename->to != NULL; k++) {
			if (all->items[k].to != rename->to)
				continue;
			rename_hold(all->pass, rename,
				"and another mailbox is, too");
			rename_hold(all->pass, &all->items[k],
				"and another mailbox is, too");
		}
	}
}

static void decide_all(struct renames *all)
{
	for (size_t i = 0; i < all->count; i++) {
		struct rename *rename = &all->items[i];
		const char *why;

		rename->to = choose(rename);
		if (rename->to == NULL || (rename->to == rename->known &&
						  !rename_needs_here(rename) &&
						  !rename_needs_there(rename)))
			continue;
		rename->state = RENAME_WAITS;
		why = why_not(all->pass->account, rename);
		if (why != NULL || rename->to->part != MAILBOX_SYNCED)
			rename_hold(all->pass, rename, why);
		else if (has_to_wait(all->pass, rename))
			hold_for_closed(all->pass, rename);
	}
	hold_equals(all);
}

/* ---- Looking only -------------------------------------------------------- */

/* What a run that only looks says. What is in the mailbox, it does not look at:
 * that has no one name yet. */
static void foretell(struct pass *pass, const struct rename *rename)
{
	bool renames_here = rename_needs_here(rename);

	rename_tell(pass, rename);
	if (pass->options->depth != SYNC_STATUS ||
		(!renames_here && !rename_needs_there(rename)))
		return;
	pass_note(pass, rename->known,
		"is called %.*s on %s now; a sync renames its %s",
		STR_FMT(rename->to->server_name),
		renames_here ? "the server" : "disk",
		renames_here ? "folder" : "mailbox on the server");
}

static void mark_foretold(struct rename *rename)
{
	struct mailbox *to = rename->to;

	rename->state = RENAME_DONE;
	to->part = MAILBOX_FINISHED;
	to->dirty = true;
	to->in_journal = true;
	rename_leave_if_bare(rename->known);
	rename_leave_if_bare(rename->there);
	rename_leave_if_bare(rename->here);
}

/* Takes what waits for good out of the pass; what comes under the old names is
 * new. */
static void foretell_all(struct renames *all)
{
	bool changed = true;

	while (changed) {
		changed = false;
		for (size_t i = 0; i < all->count; i++) {
			struct rename *rename = &all->items[i];
			enum rename_readiness ready =
				rename->state == RENAME_WAITS
					? rename_readiness(all, rename)
					: RENAME_READY_NOW;

			if (ready == RENAME_READY_HELD)
				rename_leave_alone(rename);
			else if (ready == RENAME_READY_NEVER)
				rename_part(all->pass, rename);
			changed = changed || ready >= RENAME_READY_HELD;
		}
	}
	for (size_t i = 0; i < all->count; i++) {
		struct rename *rename = &all->items[i];

		if (rename->state != RENAME_WAITS)
			continue;
		foretell(all->pass, rename);
		rename->known->in_journal = false;
		rename->there->on_server = false;
		rename->here->on_local = false;
	}
	for (size_t i = 0; i < all->count; i++) {
		if (all->items[i].state == RENAME_WAITS)
			mark_foretold(&all->items[i]);
	}
}

/* Those that could not be carried out now keep what they have. */
static void leave_waiting(struct renames *all)
{
	for (size_t i = 0; i < all->count; i++) {
		struct rename *rename = &all->items[i];
		struct err err;

		if (rename->state != RENAME_WAITS)
			continue;
		err_set(&err, ERR_MAILBOX, ERR_LATER, ERR_SYNC,
			"it is to be called %.*s on both sides, but that name "
			"is not free yet; the next run goes on with it",
			STR_FMT(rename->to->server_name));
		rename_fail(all, rename, &err);
	}
}

/* ---- What was removed here ----------------------------------------------- */

/* Whether it is left alone on the server, and gone from there by that name. */
static bool is_left_there(const struct mailbox *mailbox)
{
	return mailbox->in_journal && !mailbox->elsewhere &&
	       mailbox->record.state == MAILBOX_DETACHED_LOCAL_GONE &&
	       !mailbox->on_server && !mailbox->on_local &&
	       (mailbox->part == MAILBOX_SYNCED ||
		       mailbox->left_out == LEFT_OUT_NOT_ASKED);
}

/* What is left alone on the server is so under its new name, too: else it would
 * be new there. */
static void follow(struct pass *pass, struct rename *rename)
{
	struct mailbox *known = rename->known;
	struct mailbox *to = rename->there;

	pass_note(pass, known,
		"is called %.*s on the server now; it is left alone as before",
		STR_FMT(to->server_name));
	to->in_journal = true;
	to->id = known->id;
	to->record = known->record;
	to->record.name = to->name;
	to->record.server_name = to->server_name;
	to->record.wire_name = to->wire_name;
	known->in_journal = false;
	rename_leave_if_bare(known);
	rename->state = RENAME_DONE;
	if (pass->options->depth == SYNC_APPLY)
		journal_mailbox_put(
			&pass->journal, &pass->batch, to->id, &to->record);
}

/* Those whose new names are free. */
static int follow_all(struct renames *all, struct err *err)
{
	for (size_t i = 0; i < all->count; i++) {
		struct rename *rename = &all->items[i];

		if (rename->state == RENAME_NONE && rename->there != NULL &&
			is_left_there(rename->known) &&
			!rename->there->in_journal &&
			rename->there->part != MAILBOX_BROKEN)
			follow(all->pass, rename);
	}
	return all->pass->batch.count > 0 ? pass_commit(all->pass, err) : 0;
}

/* The others wait: they are not gone. */
static void keep_left(struct renames *all)
{
	for (size_t i = 0; i < all->count; i++) {
		struct rename *rename = &all->items[i];

		if (rename->there != NULL && is_left_there(rename->known) &&
			mailbox_is_active(rename->known))
			rename->known->part = MAILBOX_DETACHED;
	}
}

/* ---- What is not known --------------------------------------------------- */

static void put_off(struct pass *pass, struct mailbox *mailbox)
{
	struct err err;

	err_set(&err, ERR_MAILBOX, ERR_LATER, ERR_SYNC,
		"it is not where it was, as more than %d others are; it is "
		"looked for when these have been found, or are back",
		LIMIT_RENAMES);
	if (mailbox_is_active(mailbox))
		pass_mailbox_failed(pass, mailbox, &err);
}

static bool has_told_number(const struct mailbox *mailbox)
{
	return mailbox->on_server &&
	       (mailbox->status.present & IMAP_STATUS_UIDVALIDITY) != 0;
}

/* Whether it is not known where it is, since something failed. */
static bool is_open(const struct mailbox *mailbox)
{
	bool is_unseen_here = mailbox->on_local &&
			      mailbox->seen.cur.inode == 0 &&
			      mailbox->record.folder_inode != 0;
	bool is_unseen_there = mailbox->on_server && !has_told_number(mailbox);

	if (!mailbox->in_journal || mailbox->elsewhere)
		return false;
	if (mailbox->record.state == MAILBOX_DETACHED_LOCAL_GONE)
		return mailbox->part == MAILBOX_BROKEN && !mailbox->on_server;
	return mailbox->record.state == MAILBOX_ATTACHED &&
	       (mailbox->part == MAILBOX_BROKEN || is_unseen_here ||
		       is_unseen_there);
}

/* Whether the server told of another than the journal knows under its name, or
 * of a new one, and it has the UIDVALIDITY of the one that is open. */
static bool has_number_of(
	const struct mailbox *mailbox, const struct mailbox *open)
{
	return (!has_told_number(open) || rename_lacks_there(open)) &&
	       has_told_number(mailbox) && mailbox->status.uidvalidity != 0 &&
	       mailbox->status.uidvalidity == open->record.uidvalidity &&
	       (!mailbox->in_journal || rename_lacks_there(mailbox));
}

static bool may_be(const struct mailbox *mailbox, const struct mailbox *open)
{
	uint64_t inode = mailbox->seen.cur.inode;

	if (has_number_of(mailbox, open))
		return true;
	if (mailbox->in_journal)
		return false;
	if (mailbox->on_server && rename_lacks_there(open) &&
		(!has_told_number(mailbox) || open->record.object_id.len > 0))
		return true;
	return mailbox->on_local && rename_lacks_here(open) &&
	       (inode == 0 || inode == open->record.folder_inode);
}

/* Whether its folder is the one that is open. */
static bool has_inode_of(
	const struct mailbox *mailbox, const struct mailbox *open)
{
	return mailbox->on_local && !mailbox->in_journal &&
	       rename_lacks_here(open) && mailbox->seen.cur.inode != 0 &&
	       mailbox->seen.cur.inode == open->record.folder_inode;
}

/* Before any is looked for: what seems to be one that failed already. */
static void close_doubtful(struct pass *pass)
{
	for (size_t i = 0; i < pass->count; i++) {
		const struct mailbox *open = &pass->mailboxes[i];

		if (open->part != MAILBOX_BROKEN || !is_open(open))
			continue;
		for (size_t k = 0; k < pass->count; k++) {
			struct mailbox *mailbox = &pass->mailboxes[k];

			if (mailbox != open &&
				(has_inode_of(mailbox, open) ||
					(open->record.uidvalidity > 1 &&
						has_number_of(mailbox, open))))
				mailbox->closed = true;
		}
	}
}

/* What may be a mailbox of which it is not known where it is, is not new, nor
 * is it another one that was numbered anew. */
static void hold_open(struct pass *pass)
{
	for (size_t i = 0; i < pass->count; i++) {
		struct mailbox *open = &pass->mailboxes[i];

		if (!is_open(open))
			continue;
		if (mailbox_is_active(open) && rename_lacks_there(open))
			open->part = MAILBOX_DETACHED;
		for (size_t k = 0; k < pass->count; k++) {
			struct mailbox *mailbox = &pass->mailboxes[k];

			if (mailbox != open && mailbox_is_active(mailbox) &&
				may_be(mailbox, open))
				mailbox->part = mailbox->in_journal
							? MAILBOX_DETACHED
							: MAILBOX_LEFT_OUT;
		}
	}
}

static bool has_closed(const struct pass *pass)
{
	bool any = false;

	for (size_t i = 0; i < pass->count; i++)
		any = any || pass->mailboxes[i].closed;
	return any;
}

/* What is new below waits likewise. */
static void hold_below(struct pass *pass)
{
	if (!has_closed(pass))
		return;
	for (size_t i = 0; i < pass->count; i++) {
		struct mailbox *mailbox = &pass->mailboxes[i];

		if (mailbox_is_active(mailbox) && !mailbox->in_journal &&
			mailbox->on_local != mailbox->on_server &&
			makes_closed(pass, mailbox, mailbox->on_server))
			mailbox->part = MAILBOX_LEFT_OUT;
	}
}

/* ---- All ----------------------------------------------------------------- */

static bool may_be_renamed(const struct mailbox *mailbox)
{
	return rename_can_be_known(mailbox) &&
	       (rename_lacks_there(mailbox) || rename_lacks_here(mailbox));
}

static size_t gather(struct renames *all)
{
	struct pass *pass = all->pass;

	all->items =
		arena_array(&pass->arena, LIMIT_RENAMES, sizeof(*all->items));
	for (size_t i = 0; i < pass->count; i++) {
		struct mailbox *mailbox = &pass->mailboxes[i];

		if (!is_left_there(mailbox) && !may_be_renamed(mailbox))
			continue;
		if (all->count < LIMIT_RENAMES)
			all->items[all->count++].known = mailbox;
		else
			put_off(pass, mailbox);
	}
	return all->count;
}

static int settle_all(
	struct renames *all, bool may_act, bool *again_r, struct err *err)
{
	struct pass *pass = all->pass;

	if (rename_there_find(pass, all->items, all->count, err) != 0 ||
		rename_here_find(pass, all->items, all->count, err) != 0)
		return -1;
	decide_all(all);
	if (follow_all(all, err) != 0)
		return -1;
	if (pass->options->depth != SYNC_APPLY) {
		foretell_all(all);
		keep_left(all);
		return 0;
	}
	if ((may_act && rename_carry_out(all, err) != 0) ||
		follow_all(all, err) != 0)
		return -1;
	keep_left(all);
	*again_r = all->progress && !all->failed &&
		   (all->drags || rename_waiting(all) > 0);
	if (!*again_r)
		leave_waiting(all);
	return 0;
}

int rename_settle(
	struct pass *pass, bool may_act, bool *again_r, struct err *err)
{
	struct renames all = {.pass = pass};
	int result = 0;

	*again_r = false;
	close_doubtful(pass);
	if (gather(&all) > 0)
		result = settle_all(&all, may_act, again_r, err);
	hold_open(pass);
	hold_below(pass);
	return result;
}
