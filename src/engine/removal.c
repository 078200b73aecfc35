/*
 * How: a task a mailbox, deepest names first, one after the other. It goes in
 * rounds: two STATUS tell what is there under the mailbox's name and under the
 * name to set it aside, and from that alone follows the next act (RENAME there
 * or back, DELETE) or the end. So it goes on alike after an answer, a broken
 * connection, or a run that died. While it works, its connection has INBOX
 * open: what is open cannot be renamed everywhere.
 */
#include "removal.h"

#include "absence.h"
#include "presence.h"

#include <stdlib.h>

#define ASIDE_MARK "_removed-by-godwit"

enum {
	ROUNDS_MAX = 8, /* acts, until a server makes no sense */
};

enum stage {
	STAGE_RELEASE,
	STAGE_LOOK,
	STAGE_LOOK_ASIDE,
	STAGE_RENAME,
	STAGE_PUT_BACK,
	STAGE_DELETE,
};

/* What a STATUS told. */
struct look {
	struct str name;
	bool is_there;
	bool counted;
	uint64_t messages;
};

struct removal_task {
	struct task task;
	struct pass *pass;
	struct look named;
	struct look aside;
	enum stage stage;
	unsigned rounds;
	bool only_aside; /* what has the name is not ours to remove */
	bool has_news;   /* something came in: it stays */
	bool is_refused; /* `refusal` tells, once it is put back */
	struct err refusal;
};

/* ---- Before -------------------------------------------------------------- */

static bool is_below(const struct pass *pass, struct str name, struct str above)
{
	return pass->delimiter != '\0' && name.len > above.len &&
	       str_starts(name, above) &&
	       name.ptr[above.len] == pass->delimiter;
}

static size_t count_below(const struct pass *pass,
	const struct mailbox *mailbox, bool but_leaving)
{
	size_t count = 0;

	for (size_t i = 0; i < pass->count; i++) {
		const struct mailbox *other = &pass->mailboxes[i];
		bool listed = other->on_server || other->attrs != 0;

		count += listed && !(but_leaving && other->leaving) &&
			 is_below(pass, other->wire_name, mailbox->wire_name);
	}
	return count;
}

/* Whether names below it stay. RENAME would take them along, and DELETE leave
 * the name (RFC 3501 sections 6.3.4 and 6.3.5). */
static bool has_staying_below(
	const struct pass *pass, const struct mailbox *mailbox)
{
	if (count_below(pass, mailbox, true) > 0)
		return true;
	return (mailbox->attrs & IMAP_ATTR_HASCHILDREN) != 0 &&
	       count_below(pass, mailbox, false) == 0;
}

/* Whether the plan takes all that the server has, and does nothing else. */
static bool takes_all(const struct mailbox *mailbox)
{
	const struct plan *plan = &mailbox->plan;
	size_t going = (size_t)plan->per_kind[OP_LEAVE_REMOTE] +
		       plan->per_kind[OP_REMOVE_REMOTE] +
		       plan->per_kind[OP_TRASH_REMOTE];

	return going + mailbox->moved_out == mailbox->remote_count &&
	       plan->count == going + plan->per_kind[OP_FORGET];
}

/* Why it has to stay, or NULL. */
static const char *why_staying(
	const struct pass *pass, const struct mailbox *mailbox)
{
	if (has_staying_below(pass, mailbox))
		return "there are mailboxes below it";
	if (mailbox == pass->trash &&
		pass->account->deletes == ACCOUNT_DELETE_TRASH)
		return "it is the trash";
	if (mailbox->policy.remote_readonly)
		return "the server lets us only read it";
	if (takes_all(mailbox))
		return NULL;
	if (!mailbox->policy.can_expunge)
		return "the server cannot delete single messages (it has no "
		       "UIDPLUS), so what has just come in might be lost";
	return "it holds messages that were never in step, or that are to stay "
	       "there";
}

static void drop_plan(struct pass *pass, struct mailbox *mailbox)
{
	pass->ops_total -= mailbox->plan.count;
	mailbox->plan = (struct plan){0};
}

static void tell_removed(struct pass *pass, struct mailbox *mailbox)
{
	const struct report_op op = {
		.verb = REPORT_MAILBOX_REMOVE,
		.side = REPORT_SERVER,
		.reason = STR("gone from the Maildir"),
	};

	pass_done(pass, mailbox, &op);
}

static int judge(struct pass *pass, struct mailbox *mailbox, struct err *err)
{
	const char *why = NULL;

	/* The guard, or a listing that does not add up: both were told. */
	if (mailbox->verdict.refused || mailbox->unfinished) {
		drop_plan(pass, mailbox);
		mailbox->unfinished = true;
		return 0;
	}
	why = why_staying(pass, mailbox);
	if (why != NULL) {
		drop_plan(pass, mailbox);
		mailbox->leaving = false;
		return presence_detach(pass, mailbox, why, err);
	}
	mailbox->dirty = true;
	if (pass->options->depth != SYNC_APPLY)
		tell_removed(pass, mailbox);
	return 0;
}

/* The longer name first: what is below goes before what is above. */
static int depth_cmp(const void *a, const void *b)
{
	const struct mailbox *x = *(struct mailbox *const *)a;
	const struct mailbox *y = *(struct mailbox *const *)b;

	if (x->wire_name.len != y->wire_name.len)
		return x->wire_name.len > y->wire_name.len ? -1 : 1;
	return str_cmp(x->wire_name, y->wire_name);
}

static struct mailbox **leaving(struct pass *pass, size_t *count_r)
{
	struct mailbox **list = arena_array(
		&pass->arena, pass->count, sizeof(struct mailbox *));

	*count_r = 0;
	for (size_t i = 0; i < pass->count; i++) {
		struct mailbox *mailbox = &pass->mailboxes[i];

		if (mailbox->leaving && mailbox_is_active(mailbox))
			list[(*count_r)++] = mailbox;
	}
	if (*count_r > 0)
		qsort(list, *count_r, sizeof(struct mailbox *), depth_cmp);
	return list;
}

int removal_judge(struct pass *pass, struct err *err)
{
	size_t count;
	struct mailbox **list = leaving(pass, &count);

	for (size_t i = 0; i < count; i++) {
		if (judge(pass, list[i], err) != 0)
			return -1;
	}
	return 0;
}

/* ---- The task ------------------------------------------------------------ */

static enum task_step look(struct removal_task *removal, enum stage stage)
{
	struct imap_command command = {.kind = IMAP_STATUS};
	struct look *at =
		stage == STAGE_LOOK ? &removal->named : &removal->aside;

	removal->stage = stage;
	at->is_there = false;
	at->counted = false;
	command.status.mailbox = at->name;
	command.status.items = IMAP_STATUS_MESSAGES;
	conn_submit(removal->task.conn, &command);
	return TASK_MORE;
}

static enum task_step rename_to(struct removal_task *removal, enum stage stage,
	struct str from, struct str to)
{
	struct imap_command command = {.kind = IMAP_RENAME};

	removal->stage = stage;
	command.rename.from = from;
	command.rename.to = to;
	conn_submit(removal->task.conn, &command);
	return TASK_MORE;
}

static enum task_step delete_aside(struct removal_task *removal)
{
	struct imap_command command = {.kind = IMAP_DELETE};

	removal->stage = STAGE_DELETE;
	command.mailbox = removal->aside.name;
	conn_submit(removal->task.conn, &command);
	return TASK_MORE;
}

static enum task_step act_aside(struct removal_task *removal, struct err *err)
{
	if (removal->aside.messages == 0 && !removal->is_refused)
		return delete_aside(removal);
	removal->has_news = removal->has_news || removal->aside.messages > 0;
	if (!removal->named.is_there)
		return rename_to(removal, STAGE_PUT_BACK, removal->aside.name,
			removal->named.name);
	err_set(err, ERR_MAILBOX, ERR_NEVER, ERR_SYNC,
		"the server's mailbox %.*s holds what came into %.*s while "
		"that was being removed; move it, and remove the mailbox",
		STR_FMT(removal->aside.name), STR_FMT(removal->named.name));
	return TASK_FAILED;
}

/* Both were looked at: the next act, or the end. */
static enum task_step act(struct removal_task *removal, struct err *err)
{
	const struct look *named = &removal->named;

	if (++removal->rounds > ROUNDS_MAX) {
		err_set(err, ERR_MAILBOX, ERR_LATER, ERR_PROTOCOL,
			"the server does not get done with removing this "
			"mailbox; the next run goes on with it");
		return TASK_FAILED;
	}
	if (removal->aside.is_there)
		return act_aside(removal, err);
	if (removal->is_refused) {
		*err = removal->refusal;
		return TASK_FAILED;
	}
	if (removal->only_aside || !named->is_there)
		return TASK_DONE;
	removal->has_news = removal->has_news || named->messages > 0;
	if (removal->has_news)
		return TASK_DONE;
	return rename_to(
		removal, STAGE_RENAME, named->name, removal->aside.name);
}

/* The answer to a STATUS. -1: it does not say what has to be known. */
static int looked(
	struct look *at, const struct imap_status_line *line, struct err *err)
{
	at->is_there = line->condition == IMAP_OK;
	if ((at->is_there && at->counted) || absence_denied(0, line))
		return 0;
	return err_set(err, ERR_MAILBOX, ERR_LATER, ERR_SYNC,
		"the server does not say how many messages are in it, so it "
		"cannot be removed safely: %.*s",
		STR_FMT(err_said(line->text)));
}

/* An act was answered with NO. */
static enum task_step refused(struct removal_task *removal,
	const struct imap_status_line *line, struct err *err)
{
	if (removal->stage == STAGE_DELETE) {
		removal->is_refused = true;
		err_set(&removal->refusal, ERR_MAILBOX, ERR_LATER, ERR_SYNC,
			"the server does not remove this mailbox, which is "
			"empty now; the next run tries again, or remove it "
			"yourself: %.*s",
			STR_FMT(err_said(line->text)));
		return look(removal, STAGE_LOOK);
	}
	err_set(err, ERR_MAILBOX, ERR_LATER, ERR_SYNC,
		removal->stage == STAGE_RENAME
			? "the server does not let this mailbox, which is "
			  "empty now, be renamed before it is removed, and "
			  "without that mail might be lost that comes in "
			  "meanwhile; remove it yourself: %.*s"
			: "the server does not let the mailbox be renamed back "
			  "into which mail came while it was removed: %.*s",
		STR_FMT(err_said(line->text)));
	return TASK_FAILED;
}

static enum task_step go_on(struct removal_task *removal,
	const struct imap_status_line *line, struct err *err)
{
	switch (removal->stage) {
	case STAGE_RELEASE:
		return look(removal, STAGE_LOOK);
	case STAGE_LOOK:
		return looked(&removal->named, line, err) != 0
			       ? TASK_FAILED
			       : look(removal, STAGE_LOOK_ASIDE);
	case STAGE_LOOK_ASIDE:
		return looked(&removal->aside, line, err) != 0
			       ? TASK_FAILED
			       : act(removal, err);
	default:
		return line->condition == IMAP_OK ? look(removal, STAGE_LOOK)
						  : refused(removal, line, err);
	}
}

static enum task_step answered(struct removal_task *removal,
	const struct imap_status_line *line, struct err *err)
{
	struct mailbox *mailbox = removal->task.mailbox;
	enum task_step step = go_on(removal, line, err);

	/* What it was below may go now. */
	if (step == TASK_DONE && !removal->has_news && mailbox != NULL) {
		mailbox->on_server = false;
		mailbox->attrs = 0;
	}
	return step;
}

/* A server may tell of other mailboxes, too, at any time. */
static void take_count(struct look *at, const struct imap_status *status)
{
	if ((status->present & IMAP_STATUS_MESSAGES) == 0 ||
		!str_eq(status->name, at->name))
		return;
	at->counted = true;
	at->messages = status->messages;
}

static enum task_step removal_event(
	struct task *task, const struct imap_event *event, struct err *err)
{
	struct removal_task *removal = (struct removal_task *)task;
	struct look *at = removal->stage == STAGE_LOOK ? &removal->named
						       : &removal->aside;

	if (event->kind == IMAP_EVENT_TAGGED)
		return answered(removal, &event->response->line, err);
	if (event->kind == IMAP_EVENT_UNTAGGED &&
		event->response->kind == IMAP_RESPONSE_STATUS)
		take_count(at, &event->response->status);
	return TASK_MORE;
}

static enum task_step removal_begin(struct task *task, struct err *err)
{
	struct removal_task *removal = (struct removal_task *)task;
	struct imap_command command = {.kind = IMAP_EXAMINE};

	if (task->mailbox != NULL &&
		count_below(removal->pass, task->mailbox, false) > 0) {
		err_set(err, ERR_MAILBOX, ERR_LATER, ERR_SYNC,
			"it is empty now, but not removed, because a mailbox "
			"below it could not be");
		return TASK_FAILED;
	}
	removal->stage = STAGE_RELEASE;
	command.select.mailbox = STR("INBOX");
	task_open(task, &command);
	return TASK_MORE;
}

/* ---- All mailboxes ------------------------------------------------------- */

static struct removal_task removal_of(
	struct pass *pass, struct str named, struct str aside)
{
	static const struct task_kind kind = {removal_begin, removal_event};

	return (struct removal_task){
		.task.kind = &kind,
		.pass = pass,
		.named.name = named,
		.aside.name = aside,
	};
}

/* One after the other: each needs those below it to be gone. */
static int run_all(struct pass *pass, struct removal_task *removals,
	size_t count, struct err *err)
{
	for (size_t i = 0; i < count; i++) {
		struct task *tasks[] = {&removals[i].task};

		if (pool_run(pass->pool, tasks, 1, 1, err) != 0)
			return -1;
	}
	return 0;
}

/* What became of one. */
static int removed(
	struct pass *pass, struct removal_task *removal, struct err *err)
{
	struct mailbox *mailbox = removal->task.mailbox;

	if (removal->task.result == TASK_FAILED) {
		pass_mailbox_failed(pass, mailbox, &removal->task.err);
		return 0;
	}
	mailbox->leaving = false;
	if (removal->has_news)
		return presence_detach(
			pass, mailbox, "a message has just come in", err);
	tell_removed(pass, mailbox);
	return presence_forget(pass, mailbox, err);
}

int removal_finish(struct pass *pass, struct err *err)
{
	size_t count;
	struct mailbox **list = leaving(pass, &count);
	struct removal_task *removals =
		arena_array(&pass->arena, count, sizeof(*removals));
	size_t ready = 0;

	for (size_t i = 0; i < count; i++) {
		struct str name = list[i]->wire_name;

		if (list[i]->unfinished)
			continue;
		removals[ready] = removal_of(pass, name,
			str_of(arena_printf(&pass->arena, "%.*s" ASIDE_MARK,
				STR_FMT(name))));
		removals[ready++].task.mailbox = list[i];
	}
	if (ready == 0)
		return 0;
	if (pass_flush(pass, err) != 0)
		return -1;
	if (run_all(pass, removals, ready, err) != 0)
		return -1;
	for (size_t i = 0; i < ready; i++) {
		if (removed(pass, &removals[i], err) != 0)
			return -1;
	}
	return 0;
}

bool removal_is_aside(struct str wire)
{
	return str_ends(wire, STR(ASIDE_MARK)) &&
	       wire.len > sizeof(ASIDE_MARK) - 1;
}

int removal_resume(struct pass *pass, const struct str *asides, size_t count,
	struct err *err)
{
	struct removal_task *removals =
		arena_array(&pass->arena, count, sizeof(*removals));

	for (size_t i = 0; i < count; i++) {
		size_t len = asides[i].len - (sizeof(ASIDE_MARK) - 1);

		removals[i] =
			removal_of(pass, str_sub(asides[i], 0, len), asides[i]);
		removals[i].only_aside = true;
	}
	if (run_all(pass, removals, count, err) != 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		if (removals[i].task.result == TASK_FAILED)
			pass_error(pass, NULL, &removals[i].task.err, 0,
				(struct str){0});
	}
	return 0;
}
