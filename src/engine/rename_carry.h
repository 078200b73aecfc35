/*
 * Carrying renames out, and not carrying them out.
 *
 * A name changes on one side alone: there, if the server has another than the
 * one it gets, else here. What lies below goes along, on a server, and in
 * nested folders.
 */
#ifndef GODWIT_SRC_ENGINE_RENAME_CARRY_H
#define GODWIT_SRC_ENGINE_RENAME_CARRY_H

#include "rename.h"

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

/* On which side it is to be renamed. */
bool rename_needs_here(const struct rename *rename);
bool rename_needs_there(const struct rename *rename);

/* Leaves what it concerns alone, in this pass; status names it under the name
 * that the journal has. */
void rename_leave_alone(struct rename *rename);

/* The same; says that it is so, and `why`: a clause. */
void rename_hold(struct pass *pass, struct rename *rename, const char *why);

/* Its name is another's. The two go on as two mailboxes, if that can be. */
void rename_part(struct pass *pass, struct rename *rename);

/* It cannot be renamed in this pass, nor can what waits for that. */
void rename_fail(
	struct renames *all, struct rename *rename, const struct err *err);

/* Leaves out what is on neither side any more, nor in the journal. */
void rename_leave_if_bare(struct mailbox *mailbox);

/* Says what is done, or would be. */
void rename_tell(struct pass *pass, const struct rename *rename);

bool rename_is_below(struct str name, struct str above, char delimiter);

/* Whether a rename of the one changes the name of the other as well; and if so,
 * to the one that it is to get. */
bool rename_drags(const struct pass *pass, const struct rename *rename,
	const struct rename *other);
bool rename_takes_along(
	const struct rename *rename, const struct rename *other);

/* A folder below it, or what it is below, that is in its place: it would be
 * dragged away, and its mailbox stays. Or NULL. */
const struct mailbox *rename_staying_below(
	const struct renames *all, const struct rename *rename);

/* Renames it, durably, and in the journal. -1 and err: the pass ends. */
int rename_act(struct renames *all, struct rename *rename, struct err *err);

#endif
