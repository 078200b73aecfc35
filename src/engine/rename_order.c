/*
 * How: the names are taken one after the other, each as soon as it is free, so
 * chains go from their end; a circle is opened by setting one aside under a
 * name that is nobody's wish.
 */
#include "rename_order.h"

#include "presence.h"
#include "rename_ask.h"
#include "rename_here.h"

#define ASIDE_MARK "_renamed-by-godwit"

bool rename_is_aside(struct str name)
{
	struct str part;
	bool found = false;

	while (!found && str_split(&name, '/', &part))
		found = str_ends(part, STR(ASIDE_MARK));
	return found;
}

/* ---- Whether a name is free ---------------------------------------------- */

static enum rename_readiness after(const struct rename *owner)
{
	if (owner == NULL)
		return RENAME_READY_NEVER;
	if (owner->known->part == MAILBOX_BROKEN)
		return RENAME_READY_HELD; /* it may leave the name */
	if (owner->state == RENAME_NONE)
		return RENAME_READY_NEVER;
	return owner->state == RENAME_HELD ? RENAME_READY_HELD
					   : RENAME_READY_LATER;
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

	return (rename_needs_here(rename) && to->on_local) ||
	       (rename_needs_there(rename) &&
		       (to->on_server || to->attrs != 0));
}

/* The one that holds the name which another waits for, or NULL. */
static struct rename *holder_of(
	const struct renames *all, const struct rename *rename)
{
	const struct mailbox *to = rename->to;

	return is_taken(rename)
		       ? owner_of(all, to, rename, rename_needs_here(rename))
		       : known_as(all, to);
}

enum rename_readiness rename_readiness(
	const struct renames *all, const struct rename *rename)
{
	const struct mailbox *to = rename->to;
	const struct rename *holder = holder_of(all, rename);

	if (is_taken(rename))
		return after(holder);
	if (to == rename->known || !to->in_journal ||
		(holder != NULL && is_gone(holder)))
		return RENAME_READY_NOW;
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

/* ---- What goes along ----------------------------------------------------- */

/* Whether some `other` that waits would drag the one along: to where it is to
 * be (`well`), or not. */
static bool is_dragged(const struct renames *all, const struct rename *other,
	const struct rename *rename, bool well)
{
	return other != rename && other->state == RENAME_WAITS &&
	       rename->state == RENAME_WAITS &&
	       rename_drags(all->pass, other, rename) &&
	       rename_takes_along(other, rename) == well;
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
	for (size_t i = 0; i < all->count && rename_needs_there(rename); i++) {
		struct rename *other = &all->items[i];

		if (is_dragged(all, rename, other, false) &&
			!rename_is_aside(name_below(
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
			rename_needs_here(other) == rename_needs_here(rename) &&
			rename_is_below(rename->to->name, other->to->name, '/'))
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
	switch (rename_readiness(all, rename)) {
	case RENAME_READY_NOW:
		if (rename_staying_below(all, rename) != NULL) {
			rename_hold(all->pass, rename,
				"but mailboxes below it kept theirs");
			return 0;
		}
		return forget_old(all, rename, err) != 0
			       ? -1
			       : rename_act(all, rename, err);
	case RENAME_READY_LATER:
		return 0;
	case RENAME_READY_HELD:
		rename_leave_alone(rename);
		return 0;
	case RENAME_READY_NEVER:
		rename_part(all->pass, rename);
		return 0;
	}
	return 0;
}

size_t rename_waiting(const struct renames *all)
{
	size_t count = 0;

	for (size_t i = 0; i < all->count; i++)
		count += all->items[i].state == RENAME_WAITS;
	return count;
}

/* ---- Circles ------------------------------------------------------------- */

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

	if (rename_needs_here(rename)) {
		result =
			rename_here(pass, rename->here->name, aside->name, err);
		if (result == FS_FAILED && err->scope >= ERR_ACCOUNT)
			return -1;
		return result == FS_OK; /* else see leave_waiting() */
	}
	if (!rename_needs_there(rename))
		return 1;
	if (rename_ask(pass, rename->there, aside->wire_name, &done, err) != 0)
		return -1;
	if (!done)
		rename_fail(all, rename, err);
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
		rename_needs_here(rename) ? rename->here : rename->there;
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

	while (rename_waiting(all) < before) {
		before = rename_waiting(all);
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
		if (rename_readiness(all, rename) == RENAME_READY_LATER)
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
int rename_carry_out(struct renames *all, struct err *err)
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
