/*
 * Delta: what each mailbox holds on either side, made into rows.
 *
 * Lists the server's side by UID FETCH and the Maildir's by a scan, joins both
 * with the journal's base, and finds out which new messages are the same on
 * both (match.h). A listing that does not add up never reaches the planner as
 * a deletion. It changes nothing on either side.
 */
#ifndef GODWIT_SRC_ENGINE_DELTA_H
#define GODWIT_SRC_ENGINE_DELTA_H

#include "pass.h"

#include "godwit/mail/line_ends.h"

/* Makes the rows of every active mailbox. Failures of one mailbox take that
 * one out; -1 and err when the account cannot go on. */
int delta(struct pass *pass, struct err *err);

/*
 * Makes the rows of a mailbox that is not opened (clean.h), where both sides
 * have what the journal has; else it gets none. Asks nobody.
 */
int delta_suppose(struct pass *pass, struct mailbox *mailbox, struct err *err);

/*
 * Before an item's file is renamed or removed: fills in its name, if that is
 * not known since its folder was not scanned. `mailbox` is the one whose folder
 * the file is in; it is open. FS_ABSENT: the file went meanwhile, or has other
 * flags than it had when it was in step.
 */
enum fs_result delta_name_file(
	struct mailbox *mailbox, struct local_item *item, struct err *err);

/* Reads the file of a scan's item, whose bytes stand for the message in this
 * form, to know what it is. FS_ABSENT when it is not there any more.
 * facts_r->local is left to the caller. */
enum fs_result delta_identify(struct maildir *md, struct local_item *item,
	enum line_form form, struct file_facts *facts_r, struct err *err);

/* Likewise, for what it is alike to (mail/identity.h). */
enum fs_result delta_alike(struct maildir *md, struct local_item *item,
	struct identity *alike_r, struct err *err);

#endif
