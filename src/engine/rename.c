/*
 * How: who is where is found out for each mailbox of the journal that one side
 * lacks; from that follows the name it gets. Then the names are taken one after
 * the other, each as soon as it is free, so chains go from their end; a circle
 * is opened by setting one aside under a name that is nobody's wish. First the
 * name is changed on the side that lacks it, durably, then in the journal: a
 * run that died in between leaves a mailbox that is found under its new name on
 * both sides, and just the journal follows.
 */
#include "rename.h"

#include "presence.h"
#include "rename_ask.h"
#include "rename_here.h"
#include "rename_there.h"

#include "godwit/base/limits.h"

#include <stdlib.h>

#define ASIDE_MARK "_renamed-by-godwit"

/* All of one pass. */
struct renames {
	struct pass *pass;
	struct rename *items;
	size_t count;
	bool progress; /* some name has changed */
	bool drags;    /* with it others that are not known of */
	bool failed;   /* some could not be */
	bool forced;   /* nothing else helps: take along what is below */
};

/* ---- Whose name counts --------------------------------------------------- */

/* Whether it, or what it is below, was set aside. */
static bool is_aside(struct str name)
{
	struct str part;
	bool found = false;

	while (!found && str_split(&name, '/', &part))
		found = str_ends(part, STR(ASIDE_MARK));
	return found;
}

static struct mailbox *choose(const struct rename *rename)
{
	bool is_moved_there = rename->there != rename->known;
	bool is_moved_here = rename->here != rename->known;

	if (rename->there == NULL || rename->here == NULL)
		return NULL;
	if (is_moved_there && !is_aside(rename->there->name))
		return rename->there;
	if (is_moved_here && !is_aside(rename->here->name))
		return rename->here;
	return rename->there;
}

static bool needs_here(const struct rename *rename)
{
	return rename->here != rename->to;
}

static bool needs_there(const struct rename *rename)
{
	return rename->there != rename->to;
}

/* ---- What may not be ----------------------------------------------------- */

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
	if (needs_here(rename) && account->direction == ACCOUNT_DIRECTION_PUSH)
		return "and by direction: push its folder keeps its name";
	if (needs_here(rename) && (account->create & ACCOUNT_SIDES_LOCAL) == 0)
		return "and `create` makes no folder of that name";
	if (needs_there(rename) && account->direction == ACCOUNT_DIRECTION_PULL)
		return "and by direction: pull the server's keeps its name";
	if (needs_there(rename) &&
		(account->create & ACCOUNT_SIDES_SERVER) == 0)
		return "and `create` makes no mailbox of that name there";
	if (needs_there(rename) &&
		!str_eq(known->record.name, known->record.server_name))
		return "but `rename` says its name";
	return NULL;
}

/* Leaves what it concerns alone, in this pass; status names it under the name
 * that the journal has. */
static void leave_alone(struct rename *rename)
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

static void hold(struct pass *pass, struct rename *rename, const char *why)
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
	leave_alone(rename);
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
static void part(struct pass *pass, struct rename *rename)
{
	if (is_replaced(rename)) {
		hold(pass, rename,
			needs_here(rename)
				? "but there is another folder of that name"
				: "but there is another mailbox of that name");
		return;
	}
	pass_note(pass, rename->known,
		"was renamed to %.*s, but there is another %s of that name "
		"already; they are synced as two mailboxes",
		STR_FMT(rename->to->server_name),
		needs_here(rename) ? "folder" : "mailbox");
	rename->state = RENAME_NONE;
}

/* ---- Carrying out -------------------------------------------------------- */

static void tell(struct pass *pass, const struct rename *rename)
{
	const struct report_op op = {
		.verb = REPORT_MAILBOX_RENAME,
		.side = needs_here(rename) ? REPORT_LOCAL : REPORT_SERVER,
		.to = rename->to->server_name,
		.reason = needs_here(rename) ? STR("renamed on the server")
					     : STR("renamed in the Maildir"),
	};

	if (needs_here(rename) || needs_there(rename))
		pass_done(pass, rename->known, &op);
}

static void leave_if_bare(struct mailbox *mailbox)
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
	leave_if_bare(known);
	leave_if_bare(there);
	leave_if_bare(here);
	rename->there = to;
	rename->here = to;
	rename->state = RENAME_DONE;
}

static bool is_below(struct str name, struct str above, char delimiter)
{
	return delimiter != '\0' && name.len > above.len &&
	       str_starts(name, above) && name.ptr[above.len] == delimiter;
}

static bool drags_here(const struct pass *pass)
{
	return pass->account->layout == LAYOUT_NESTED;
}

/* A name below one, and whether it is renamed as that is. */
struct branch {
	struct str from;
	struct str to;
};

static bool goes_along(const struct branch *branch, const struct branch *stem)
{
	size_t cut = stem->from.len;

	return is_below(branch->from, stem->from, '/') &&
	       is_below(branch->to, stem->to, '/') &&
	       str_eq(str_sub(branch->from, cut, branch->from.len),
		       str_sub(branch->to, stem->to.len, branch->to.len));
}

/* The names of it on the side where it is to be renamed. */
static struct branch branch_of(const struct rename *rename)
{
	return (struct branch){
		needs_here(rename) ? rename->here->name : rename->there->name,
		rename->to->name};
}

/* Whether a rename of the one changes the name of the other as well. */
static bool drags(const struct pass *pass, const struct rename *rename,
	const struct rename *other)
{
	if (needs_here(rename))
		return needs_here(other) &&
		       pass->account->layout == LAYOUT_NESTED &&
		       is_below(other->here->name, rename->here->name, '/');
	return needs_there(rename) && needs_there(other) &&
	       is_below(other->there->name, rename->there->name, '/');
}

/* What lies below waits for it: by itself, it would take its new place. */
static void fail(
	struct renames *all, struct rename *rename, const struct err *err)
{
	struct mailbox *told =
		mailbox_is_active(rename->known) ? rename->known : rename->to;

	all->failed = true;
	pass_mailbox_failed(all->pass, told, err);
	for (size_t i = 0; i < all->count; i++) {
		struct rename *other = &all->items[i];

		if (other != rename && other->state == RENAME_WAITS &&
			drags(all->pass, rename, other))
			leave_alone(other);
	}
	leave_alone(rename);
}

/* Whether others lie below what is renamed. */
static bool has_below(const struct pass *pass, const struct rename *rename)
{
	for (size_t i = 0; i < pass->count; i++) {
		const struct mailbox *other = &pass->mailboxes[i];

		if ((needs_here(rename) && drags_here(pass) &&
			    other->on_local &&
			    is_below(other->name, rename->here->name, '/')) ||
			(needs_there(rename) &&
				is_below(other->wire_name,
					rename->there->wire_name,
					pass->delimiter)))
			return true;
	}
	return false;
}

/* A folder below it, or what it is below, that is in its place: it would be
 * dragged away, and its mailbox stays. Or NULL. */
static const struct mailbox *staying_below(
	const struct renames *all, const struct rename *rename)
{
	const struct pass *pass = all->pass;

	if (!needs_here(rename) || !drags_here(pass))
		return NULL;
	for (size_t i = 0; i < pass->count; i++) {
		const struct mailbox *other = &pass->mailboxes[i];

		if (other->on_local && other->in_journal && other->on_server &&
			other->record.state == MAILBOX_ATTACHED &&
			!rename_lacks_there(other) &&
			!rename_lacks_here(other) &&
			is_below(other->name, rename->here->name, '/'))
			return other;
	}
	return NULL;
}

static void put(struct pass *pass, struct rename *rename)
{
	tell(pass, rename);
	settle_names(rename);
	journal_mailbox_put(&pass->journal, &pass->batch, rename->to->id,
		&rename->to->record);
}

/* What is below goes along: folders to just where they are to be, or to where
 * the next survey finds them. */
static void put_dragged(struct renames *all, const struct rename *rename)
{
	const struct branch stem = branch_of(rename);

	for (size_t i = 0; i < all->count; i++) {
		struct rename *other = &all->items[i];
		const struct mailbox *to = other->to;
		struct branch branch;

		if (other == rename || other->state != RENAME_WAITS ||
			!drags(all->pass, rename, other))
			continue;
		branch = branch_of(other);
		if (needs_here(rename) && !needs_there(other) &&
			goes_along(&branch, &stem) && !to->in_journal &&
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
		part(all->pass, rename);
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
	fail(all, rename, err);
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
		fail(all, rename, err);
	return done;
}

static int act(struct renames *all, struct rename *rename, struct err *err)
{
	struct pass *pass = all->pass;
	int done = 1;

	all->drags = all->drags || has_below(pass, rename);
	if (needs_here(rename))
		done = act_here(all, rename, err);
	else if (needs_there(rename))
		done = act_there(all, rename, err);
	else if (rename_here_keep(
			 pass, rename->known->name, rename->to->name, err) != 0)
		done = -1;
	if (done <= 0)
		return done;
	all->progress = true;
	put_dragged(all, rename);
	put(pass, rename);
	return pass_commit(pass, err);
}

/* ---- In which order ------------------------------------------------------ */

enum readiness {
	READY_NOW,
	READY_LATER, /* another one has to leave the name first */
	READY_HELD,  /* that one is left alone */
	READY_NEVER, /* the name is another's */
};

static enum readiness after(const struct rename *owner)
{
	if (owner == NULL)
		return READY_NEVER;
	if (owner->known->part == MAILBOX_BROKEN)
		return READY_HELD; /* it may leave the name */
	if (owner->state == RENAME_NONE)
		return READY_NEVER;
	return owner->state == RENAME_HELD ? READY_HELD : READY_LATER;
}

/* The one that the journal knows by the name of `mailbox`, or whose folder, or
 * which on the server, has it; or NULL. */
static struct rename *owner_of(const struct renames *all,
	const struct mailbox *mailbox, const struct rename *but, bool here)
{
	for (size_t i = 0; i < all->count; i++) {
		struct rename *rename = &all->items[i];

		if (rename != but &&
			(here ? rename->here : rename->there) == mailbox)
			return rename;
	}
	return NULL;
}

static struct rename *known_as(
	const struct renames *all, const struct mailbox *mailbox)
{
	for (size_t i = 0; i < all->count; i++) {
		if (all->items[i].known == mailbox)
			return &all->items[i];
	}
	return NULL;
}

static bool is_gone(const struct rename *rename)
{
	return rename->there == NULL && rename->here == NULL;
}

/* Whether there is something of the name on the side where it is to get it. */
static bool is_taken(const struct rename *rename)
{
	const struct mailbox *to = rename->to;

	return (needs_here(rename) && to->on_local) ||
	       (needs_there(rename) && (to->on_server || to->attrs != 0));
}

/* The one that holds the name which another waits for, or NULL. */
static struct rename *holder_of(
	const struct renames *all, const struct rename *rename)
{
	const struct mailbox *to = rename->to;

	return is_taken(rename) ? owner_of(all, to, rename, needs_here(rename))
				: known_as(all, to);
}

static enum readiness readiness(
	const struct renames *all, const struct rename *rename)
{
	const struct mailbox *to = rename->to;
	const struct rename *holder = holder_of(all, rename);

	if (is_taken(rename))
		return after(holder);
	if (to == rename->known || !to->in_journal ||
		(holder != NULL && is_gone(holder)))
		return READY_NOW;
	return after(holder);
}

/* What the journal knows under the name is gone from both sides. */
static int forget_old(
	struct renames *all, struct rename *rename, struct err *err)
{
	struct mailbox *to = rename->to;
	struct mailbox old = *to;

	if (to == rename->known || !to->in_journal)
		return 0;
	if (presence_forget(all->pass, &old, err) != 0)
		return -1;
	to->in_journal = false;
	known_as(all, to)->state = RENAME_NONE;
	return 0;
}

/* Whether some `other` that waits would drag the one along: to where it is to
 * be (`well`), or not. */
static bool is_dragged(const struct renames *all, const struct rename *other,
	const struct rename *rename, bool well)
{
	struct branch branch;
	struct branch stem;

	if (other == rename || other->state != RENAME_WAITS ||
		rename->state != RENAME_WAITS ||
		!drags(all->pass, other, rename))
		return false;
	branch = branch_of(rename);
	stem = branch_of(other);
	return goes_along(&branch, &stem) == well;
}

/* What is above it goes to the same place, and takes it along. */
static bool is_led(const struct renames *all, const struct rename *rename)
{
	for (size_t i = 0; i < all->count; i++) {
		if (is_dragged(all, &all->items[i], rename, true))
			return true;
	}
	return false;
}

/* What of a name stands below another one. */
static struct str name_below(struct str name, struct str above)
{
	return str_sub(name, above.len, name.len);
}

/* What is below and goes elsewhere, or NULL: a mailbox that is dragged along on
 * the server seems to have been renamed there, unless it was set aside. */
static struct rename *misled_by(
	const struct renames *all, const struct rename *rename)
{
	for (size_t i = 0; i < all->count && needs_there(rename); i++) {
		struct rename *other = &all->items[i];

		if (is_dragged(all, rename, other, false) &&
			!is_aside(name_below(
				other->there->name, rename->there->name)))
			return other;
	}
	return NULL;
}

/* It is to come below another, which has to be there before: a name that is
 * made for what is below it is not free any more. */
static bool is_early(const struct renames *all, const struct rename *rename)
{
	for (size_t i = 0; i < all->count; i++) {
		const struct rename *other = &all->items[i];

		if (other != rename && other->state == RENAME_WAITS &&
			needs_here(other) == needs_here(rename) &&
			is_below(rename->to->name, other->to->name, '/'))
			return true;
	}
	return false;
}

/* Takes one as far as it can be. -1 and err: the pass ends. */
static int step(struct renames *all, struct rename *rename, struct err *err)
{
	if (rename->went_along || is_led(all, rename) ||
		(!all->forced && (misled_by(all, rename) != NULL ||
					 is_early(all, rename))))
		return 0;
	switch (readiness(all, rename)) {
	case READY_NOW:
		if (staying_below(all, rename) != NULL) {
			hold(all->pass, rename,
				"but mailboxes below it kept theirs");
			return 0;
		}
		return forget_old(all, rename, err) != 0
			       ? -1
			       : act(all, rename, err);
	case READY_LATER:
		return 0;
	case READY_HELD:
		leave_alone(rename);
		return 0;
	case READY_NEVER:
		part(all->pass, rename);
		return 0;
	}
	return 0;
}

static size_t waiting(const struct renames *all)
{
	size_t count = 0;

	for (size_t i = 0; i < all->count; i++)
		count += all->items[i].state == RENAME_WAITS;
	return count;
}

static struct str aside_of(struct pass *pass, struct str name)
{
	return str_of(
		arena_printf(&pass->arena, "%.*s" ASIDE_MARK, STR_FMT(name)));
}

/* The side on which it is to be renamed calls it `name` from now on. False: it
 * does not. -1: err ends the pass. */
static int call_aside(struct renames *all, struct rename *rename,
	const struct mailbox_record *aside, struct err *err)
{
	struct pass *pass = all->pass;
	enum fs_result result;
	bool done;

	if (needs_here(rename)) {
		result =
			rename_here(pass, rename->here->name, aside->name, err);
		if (result == FS_FAILED && err->scope >= ERR_ACCOUNT)
			return -1;
		return result == FS_OK; /* else see leave_waiting() */
	}
	if (!needs_there(rename))
		return 1;
	if (rename_ask(pass, rename->there, aside->wire_name, &done, err) != 0)
		return -1;
	if (!done)
		fail(all, rename, err);
	return done;
}

/* Opens a circle: the mailbox gets a name that nobody wants, on the side whose
 * names are to change, unless it has one there already, and in the journal. */
static int set_aside(
	struct renames *all, struct rename *rename, struct err *err)
{
	struct pass *pass = all->pass;
	struct mailbox *known = rename->known;
	const struct mailbox *now =
		needs_here(rename) ? rename->here : rename->there;
	bool is_done = str_ends(now->name, STR(ASIDE_MARK));
	struct mailbox_record aside = known->record;
	int done = 1;

	aside.name = is_done ? now->name : aside_of(pass, now->name);
	aside.server_name =
		is_done ? now->server_name : aside_of(pass, now->server_name);
	aside.wire_name =
		is_done ? now->wire_name : aside_of(pass, now->wire_name);
	if (!is_done)
		done = call_aside(all, rename, &aside, err);
	if (done <= 0)
		return done;
	known->record = aside;
	journal_mailbox_put(
		&pass->journal, &pass->batch, known->id, &known->record);
	all->progress = true;
	all->drags = true;
	return pass_commit(pass, err);
}

static int step_all(struct renames *all, struct err *err)
{
	size_t before = SIZE_MAX;

	while (waiting(all) < before) {
		before = waiting(all);
		for (size_t i = 0; i < all->count; i++) {
			if (all->items[i].state == RENAME_WAITS &&
				step(all, &all->items[i], err) != 0)
				return -1;
		}
	}
	return 0;
}

/* One that holds others up, and has its own name still; or NULL. */
static struct rename *in_circle(const struct renames *all)
{
	for (size_t i = 0; i < all->count; i++) {
		const struct rename *rename = &all->items[i];
		struct rename *holder = NULL;

		if (rename->state != RENAME_WAITS || is_led(all, rename))
			continue;
		if (readiness(all, rename) == READY_LATER)
			holder = holder_of(all, rename);
		if (holder == NULL)
			holder = misled_by(all, rename);
		if (holder != NULL && holder->state == RENAME_WAITS &&
			!str_ends(holder->known->record.name, STR(ASIDE_MARK)))
			return holder;
	}
	return NULL;
}

/* Those that are left after the first round wait for each other. */
static int carry_out(struct renames *all, struct err *err)
{
	struct rename *circle;

	if (step_all(all, err) != 0)
		return -1;
	circle = all->progress || all->failed ? NULL : in_circle(all);
	if (circle != NULL && set_aside(all, circle, err) != 0)
		return -1;
	if (all->progress || all->failed)
		return 0;
	all->forced = true;
	return step_all(all, err);
}

/* ---- All ----------------------------------------------------------------- */

/* Two that are to get one name: which of them should is for the user to say. */
static void hold_equals(struct renames *all)
{
	for (size_t i = 0; i < all->count; i++) {
		struct rename *rename = &all->items[i];

		for (size_t k = 0; k < i && rename->to != NULL; k++) {
			if (all->items[k].to != rename->to)
				continue;
			hold(all->pass, rename, "and another mailbox is, too");
			hold(all->pass, &all->items[k],
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
		if (rename->to == NULL ||
			(rename->to == rename->known && !needs_here(rename) &&
				!needs_there(rename)))
			continue;
		rename->state = RENAME_WAITS;
		why = why_not(all->pass->account, rename);
		if (why != NULL || rename->to->part != MAILBOX_SYNCED)
			hold(all->pass, rename, why);
	}
	hold_equals(all);
}

/* What a run that only looks says. What is in the mailbox, it does not look at:
 * that has no one name yet. */
static void foretell(struct pass *pass, const struct rename *rename)
{
	bool renames_here = needs_here(rename);

	tell(pass, rename);
	if (pass->options->depth != SYNC_STATUS ||
		(!renames_here && !needs_there(rename)))
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
	leave_if_bare(rename->known);
	leave_if_bare(rename->there);
	leave_if_bare(rename->here);
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
			enum readiness ready = rename->state == RENAME_WAITS
						       ? readiness(all, rename)
						       : READY_NOW;

			if (ready == READY_HELD)
				leave_alone(rename);
			else if (ready == READY_NEVER)
				part(all->pass, rename);
			changed = changed || ready >= READY_HELD;
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
		fail(all, rename, &err);
	}
}

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

	return mailbox->in_journal && !mailbox->elsewhere &&
	       mailbox->record.state == MAILBOX_ATTACHED &&
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

static size_t gather(struct renames *all)
{
	struct pass *pass = all->pass;

	all->items =
		arena_array(&pass->arena, LIMIT_RENAMES, sizeof(*all->items));
	for (size_t i = 0; i < pass->count; i++) {
		struct mailbox *mailbox = &pass->mailboxes[i];

		if (!rename_can_be_known(mailbox) ||
			(!rename_lacks_there(mailbox) &&
				!rename_lacks_here(mailbox)))
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
	if (pass->options->depth != SYNC_APPLY) {
		foretell_all(all);
		return 0;
	}
	if (may_act && carry_out(all, err) != 0)
		return -1;
	*again_r = all->progress && !all->failed &&
		   (all->drags || waiting(all) > 0);
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
	if (gather(&all) > 0)
		result = settle_all(&all, may_act, again_r, err);
	hold_open(pass);
	return result;
}
