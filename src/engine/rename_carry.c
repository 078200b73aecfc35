/*
 * How: first the name is changed on the side that lacks it, durably, then in
 * the journal: a run that died in between leaves a mailbox that is found under
 * its new name on both sides, and just the journal follows.
 */
#include "rename_carry.h"

#include "rename_ask.h"
#include "rename_here.h"

bool rename_needs_here(const struct rename *rename)
{
	return rename->here != rename->to;
}

bool rename_needs_there(const struct rename *rename)
{
	return rename->there != rename->to;
}

/* ---- Not carrying out ---------------------------------------------------- */

void rename_leave_alone(struct rename *rename)
{
	struct mailbox *const all[] = {
		rename->known, rename->there, rename->here, rename->to};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (all[i] != NULL && mailbox_is_active(all[i]))
			all[i]->part =
				i == 0 ? MAILBOX_DETACHED : MAILBOX_LEFT_OUT;
	}
	rename->state = RENAME_HELD;
}

void rename_hold(struct pass *pass, struct rename *rename, const char *why)
{
	bool concerns = mailbox_is_active(rename->known) ||
			mailbox_is_active(rename->to);

	if (concerns && rename->to->part != MAILBOX_BROKEN)
		pass_note(pass, rename->known,
			"is called %.*s on %s now, %s; it is left as it is, "
			"there and here, until it has one name again",
			STR_FMT(rename->to->server_name),
			rename->there == rename->to ? "the server" : "disk",
			why);
	rename_leave_alone(rename);
}

/* Whether something else has its old name. */
static bool is_replaced(const struct rename *rename)
{
	const struct mailbox *known = rename->known;

	return (rename->there != known && known->on_server) ||
	       (rename->here != known && known->on_local);
}

/* The two go on as two mailboxes: the one under the new name is new on both
 * sides, the one under the old name is gone from one. Unless there is another
 * one of that name: nothing says that its mail should meet. */
void rename_part(struct pass *pass, struct rename *rename)
{
	if (is_replaced(rename)) {
		rename_hold(pass, rename,
			rename_needs_here(rename)
				? "but there is another folder of that name"
				: "but there is another mailbox of that name");
		return;
	}
	pass_note(pass, rename->known,
		"was renamed to %.*s, but there is another %s of that name "
		"already; they are synced as two mailboxes",
		STR_FMT(rename->to->server_name),
		rename_needs_here(rename) ? "folder" : "mailbox");
	rename->state = RENAME_NONE;
}

/* ---- Carrying out -------------------------------------------------------- */

void rename_tell(struct pass *pass, const struct rename *rename)
{
	const struct report_op op = {
		.verb = REPORT_MAILBOX_RENAME,
		.side = rename_needs_here(rename) ? REPORT_LOCAL
						  : REPORT_SERVER,
		.to = rename->to->server_name,
		.reason = rename_needs_here(rename)
				  ? STR("renamed on the server")
				  : STR("renamed in the Maildir"),
	};

	if (rename_needs_here(rename) || rename_needs_there(rename))
		pass_done(pass, rename->known, &op);
}

void rename_leave_if_bare(struct mailbox *mailbox)
{
	if (!mailbox->on_server && !mailbox->on_local && !mailbox->in_journal &&
		mailbox_is_active(mailbox))
		mailbox->part = MAILBOX_LEFT_OUT;
}

/* It has its new name on both sides: what the pass knows of it goes there. */
static void settle_names(struct rename *rename)
{
	struct mailbox *known = rename->known;
	struct mailbox *there = rename->there;
	struct mailbox *here = rename->here;
	struct mailbox *to = rename->to;

	if (there != to) {
		to->on_server = true;
		to->attrs = there->attrs;
		to->status = there->status;
		there->on_server = false;
		there->attrs = 0;
		there->status = (struct imap_status){0};
	}
	if (here != to) {
		to->on_local = true;
		to->seen = here->seen;
		here->on_local = false;
	}
	if (known != to) {
		to->in_journal = true;
		to->id = known->id;
		to->record = known->record;
		known->in_journal = false;
	}
	to->record.name = to->name;
	to->record.server_name = to->server_name;
	to->record.wire_name = to->wire_name;
	rename_leave_if_bare(known);
	rename_leave_if_bare(there);
	rename_leave_if_bare(here);
	rename->there = to;
	rename->here = to;
	rename->state = RENAME_DONE;
}

bool rename_is_below(struct str name, struct str above, char delimiter)
{
	return delimiter != '\0' && name.len > above.len &&
	       str_starts(name, above) && name.ptr[above.len] == delimiter;
}

static bool drags_here(const struct pass *pass)
{
	return pass->account->layout == LAYOUT_NESTED;
}

/* The name of it on the side where it is to be renamed. */
static struct str old_name(const struct rename *rename)
{
	return rename_needs_here(rename) ? rename->here->name
					 : rename->there->name;
}

bool rename_takes_along(const struct rename *rename, const struct rename *other)
{
	struct str from = old_name(rename);
	struct str to = rename->to->name;
	struct str old = old_name(other);
	struct str new = other->to->name;

	return rename_is_below(old, from, '/') &&
	       rename_is_below(new, to, '/') &&
	       str_eq(str_sub(old, from.len, old.len),
		       str_sub(new, to.len, new.len));
}

bool rename_drags(const struct pass *pass, const struct rename *rename,
	const struct rename *other)
{
	if (rename_needs_here(rename))
		return rename_needs_here(other) &&
		       pass->account->layout == LAYOUT_NESTED &&
		       rename_is_below(
			       other->here->name, rename->here->name, '/');
	return rename_needs_there(rename) && rename_needs_there(other) &&
	       rename_is_below(other->there->name, rename->there->name, '/');
}

/* What lies below waits for it: by itself, it would take its new place. */
void rename_fail(
	struct renames *all, struct rename *rename, const struct err *err)
{
	struct mailbox *told =
		mailbox_is_active(rename->known) ? rename->known : rename->to;

	all->failed = true;
	pass_mailbox_failed(all->pass, told, err);
	for (size_t i = 0; i < all->count; i++) {
		struct rename *other = &all->items[i];

		if (other != rename && other->state == RENAME_WAITS &&
			rename_drags(all->pass, rename, other))
			rename_leave_alone(other);
	}
	rename_leave_alone(rename);
}

/* Whether others lie below what is renamed. */
static bool has_below(const struct pass *pass, const struct rename *rename)
{
	for (size_t i = 0; i < pass->count; i++) {
		const struct mailbox *other = &pass->mailboxes[i];

		if ((rename_needs_here(rename) && drags_here(pass) &&
			    other->on_local &&
			    rename_is_below(
				    other->name, rename->here->name, '/')) ||
			(rename_needs_there(rename) &&
				rename_is_below(other->wire_name,
					rename->there->wire_name,
					pass->delimiter)))
			return true;
	}
	return false;
}

const struct mailbox *rename_staying_below(
	const struct renames *all, const struct rename *rename)
{
	const struct pass *pass = all->pass;

	if (!rename_needs_here(rename) || !drags_here(pass))
		return NULL;
	for (size_t i = 0; i < pass->count; i++) {
		const struct mailbox *other = &pass->mailboxes[i];

		if (other->on_local && other->in_journal && other->on_server &&
			other->record.state == MAILBOX_ATTACHED &&
			!rename_lacks_there(other) &&
			!rename_lacks_here(other) &&
			rename_is_below(other->name, rename->here->name, '/'))
			return other;
	}
	return NULL;
}

static void put(struct pass *pass, struct rename *rename)
{
	rename_tell(pass, rename);
	settle_names(rename);
	journal_mailbox_put(&pass->journal, &pass->batch, rename->to->id,
		&rename->to->record);
}

/* What is below goes along: folders to just where they are to be, or to where
 * the next survey finds them. */
static void put_dragged(struct renames *all, const struct rename *rename)
{
	for (size_t i = 0; i < all->count; i++) {
		struct rename *other = &all->items[i];
		const struct mailbox *to = other->to;

		if (other == rename || other->state != RENAME_WAITS ||
			!rename_drags(all->pass, rename, other))
			continue;
		if (rename_needs_here(rename) && !rename_needs_there(other) &&
			rename_takes_along(rename, other) && !to->in_journal &&
			!to->on_local)
			put(all->pass, other);
		else
			other->went_along = true;
	}
}

/* 1: the folder has its name; 0: it cannot; -1: err ends the pass. */
static int act_here(struct renames *all, struct rename *rename, struct err *err)
{
	enum fs_result result = rename_here(
		all->pass, rename->here->name, rename->to->name, err);

	if (result == FS_OK)
		return 1;
	if (result == FS_EXISTS) {
		rename_part(all->pass, rename);
		return 0;
	}
	if (result != FS_FAILED)
		err_set(err, ERR_MAILBOX, ERR_LATER, ERR_DISK,
			"its folder cannot be renamed to %.*s, as on the "
			"server: it went, or lies on another file system; "
			"rename it yourself",
			STR_FMT(rename->to->name));
	if (err->scope >= ERR_ACCOUNT)
		return -1;
	rename_fail(all, rename, err);
	return 0;
}

static int act_there(
	struct renames *all, struct rename *rename, struct err *err)
{
	struct pass *pass = all->pass;
	bool done;

	if (rename_here_keep(
		    pass, rename->known->name, rename->here->name, err) != 0 ||
		rename_ask(pass, rename->there, rename->to->wire_name, &done,
			err) != 0)
		return -1;
	if (!done)
		rename_fail(all, rename, err);
	return done;
}

/* Both sides have renamed it; or we have, on the server, and died. */
static int act_nowhere(
	struct pass *pass, struct rename *rename, struct err *err)
{
	const struct mailbox *known = rename->known;

	if (rename_here_keep(pass, known->name, rename->to->name, err) != 0)
		return -1;
	if (known->on_server ||
		pass->account->direction == ACCOUNT_DIRECTION_PULL)
		return 1;
	return rename_ask_subscribe(
		       pass, known->record.wire_name, rename->to, err) != 0
		       ? -1
		       : 1;
}

int rename_act(struct renames *all, struct rename *rename, struct err *err)
{
	struct pass *pass = all->pass;
	int done = 1;

	all->drags = all->drags || has_below(pass, rename);
	if (rename_needs_here(rename))
		done = act_here(all, rename, err);
	else if (rename_needs_there(rename))
		done = act_there(all, rename, err);
	else
		done = act_nowhere(pass, rename, err);
	if (done <= 0)
		return done;
	all->progress = true;
	put_dragged(all, rename);
	put(pass, rename);
	return pass_commit(pass, err);
}
