/*
 * How: each mailbox's case is decided by who has it (server, Maildir, journal)
 * and by its state in the journal. What is made on the server is queued as
 * tasks and run together; what leaves it goes on through the pass (removal.h).
 */
#include "presence.h"

#include "vault.h"

#include "godwit/imap/name.h"

#include <stdlib.h>

/* What is to be done about a mailbox. */
enum step {
	STEP_NONE,
	STEP_LEAVE, /* takes no part */
	STEP_CREATE_LOCAL,
	STEP_CREATE_SERVER,
	STEP_REMOVE_LOCAL,  /* gone from the server */
	STEP_REMOVE_SERVER, /* gone from the Maildir */
	STEP_DETACH,
	STEP_STAY_DETACHED,
	STEP_ATTACH, /* both have it again */
	STEP_FORGET,
};

static enum step step_new(
	const struct account *account, const struct mailbox *mailbox)
{
	if (mailbox->on_server && mailbox->on_local)
		return STEP_NONE;
	if (mailbox->on_server &&
		(account->create & ACCOUNT_SIDES_LOCAL) != 0 &&
		account->direction != ACCOUNT_DIRECTION_PUSH)
		return STEP_CREATE_LOCAL;
	if (mailbox->on_local &&
		(account->create & ACCOUNT_SIDES_SERVER) != 0 &&
		account->direction != ACCOUNT_DIRECTION_PULL)
		return STEP_CREATE_SERVER;
	return STEP_LEAVE;
}

static enum step step_gone(
	const struct account *account, const struct mailbox *mailbox)
{
	if (mailbox->on_local && (account->remove & ACCOUNT_SIDES_LOCAL) != 0 &&
		account->direction != ACCOUNT_DIRECTION_PUSH)
		return STEP_REMOVE_LOCAL;
	/* INBOX cannot go (RFC 3501 section 6.3.4). */
	if (mailbox->on_server && !imap_name_is_inbox(mailbox->wire_name) &&
		(account->remove & ACCOUNT_SIDES_SERVER) != 0 &&
		account->direction != ACCOUNT_DIRECTION_PULL)
		return STEP_REMOVE_SERVER;
	return STEP_DETACH;
}

static enum step step_of(
	const struct account *account, const struct mailbox *mailbox)
{
	bool both = mailbox->on_server && mailbox->on_local;
	bool none = !mailbox->on_server && !mailbox->on_local;

	if (!mailbox->in_journal)
		return step_new(account, mailbox);
	if (none)
		return STEP_FORGET;
	if (mailbox->record.state == MAILBOX_ATTACHED)
		return both ? STEP_NONE : step_gone(account, mailbox);
	return both ? STEP_ATTACH : STEP_STAY_DETACHED;
}

const char *presence_foretold(
	const struct account *account, const struct mailbox *mailbox)
{
	switch (step_of(account, mailbox)) {
	case STEP_NONE:
		break;
	case STEP_LEAVE:
		return mailbox->on_server
			       ? "is only on the server, and not made in the "
				 "Maildir (create, direction)"
			       : "is only in the Maildir, and not made on the "
				 "server (create, direction)";
	case STEP_CREATE_LOCAL:
		return "is new on the server: a sync makes its folder";
	case STEP_CREATE_SERVER:
		return "is new in the Maildir: a sync makes it on the server";
	case STEP_REMOVE_LOCAL:
		return "was removed from the server: a sync removes its "
		       "folder, unless it changed since";
	case STEP_REMOVE_SERVER:
		return "was removed from the Maildir: a sync removes it from "
		       "the server, unless it changed since";
	case STEP_DETACH:
	case STEP_STAY_DETACHED:
		return mailbox->on_server
			       ? "was removed from the Maildir, stays on the "
				 "server, and is not synced (remove)"
			       : "was removed from the server, stays in the "
				 "Maildir, and is not synced (remove)";
	case STEP_ATTACH:
		return "is on both sides again: a sync goes on with it";
	case STEP_FORGET:
		return "is gone from both sides";
	}
	return NULL;
}

static void tell_mailbox(struct pass *pass, struct mailbox *mailbox,
	enum report_verb verb, enum report_side side, const char *reason)
{
	const struct report_op op = {
		.verb = verb, .side = side, .reason = str_of(reason)};

	pass_done(pass, mailbox, &op);
}

/* ---- The journal's part -------------------------------------------------- */

int presence_forget(struct pass *pass, struct mailbox *mailbox, struct err *err)
{
	bool more = true;

	while (more) {
		if (journal_mailbox_forget(&pass->journal, &pass->batch,
			    mailbox->id, &more, err) != 0 ||
			pass_commit(pass, err) != 0)
			return -1;
	}
	mailbox->part = MAILBOX_LEFT_OUT;
	return 0;
}

/* What the journal knew of its messages is no proof any more: both sides are
 * compared as if for the first time. */
static int attach(struct pass *pass, struct mailbox *mailbox, struct err *err)
{
	bool more = true;

	mailbox_record_unsettle(&mailbox->record);
	mailbox->record.uidvalidity = 0;
	journal_mailbox_put(
		&pass->journal, &pass->batch, mailbox->id, &mailbox->record);
	while (more) {
		if (journal_messages_forget(&pass->journal, &pass->batch,
			    mailbox->id, &more, err) != 0 ||
			pass_commit(pass, err) != 0)
			return -1;
	}
	mailbox->record.state = MAILBOX_ATTACHED;
	journal_mailbox_put(
		&pass->journal, &pass->batch, mailbox->id, &mailbox->record);
	return pass_commit(pass, err);
}

static void say_detached(
	struct pass *pass, struct mailbox *mailbox, const char *why)
{
	if (!mailbox->on_server)
		pass_note(pass, mailbox,
			"is gone from the server; the Maildir folder is kept "
			"and left alone until you remove it, or make the "
			"mailbox again");
	else if (why == NULL)
		pass_note(pass, mailbox,
			"is gone from the Maildir; the server's mailbox is "
			"kept and left alone until you remove it, or make the "
			"folder again");
	else
		pass_note(pass, mailbox,
			"is gone from the Maildir, but not removed from the "
			"server: %s; it is left alone until you remove it, or "
			"make the folder again",
			why);
}

int presence_detach(struct pass *pass, struct mailbox *mailbox, const char *why,
	struct err *err)
{
	mailbox->part = MAILBOX_DETACHED;
	mailbox->record.state = mailbox->on_server
					? MAILBOX_DETACHED_LOCAL_GONE
					: MAILBOX_DETACHED_SERVER_GONE;
	say_detached(pass, mailbox, why);
	if (pass->options->depth != SYNC_APPLY)
		return 0;
	journal_mailbox_put(
		&pass->journal, &pass->batch, mailbox->id, &mailbox->record);
	return pass_commit(pass, err);
}

/* ---- Creating ------------------------------------------------------------ */

static int create_local(
	struct pass *pass, struct mailbox *mailbox, struct err *err)
{
	if (mailbox_open_base(pass, mailbox, err) != 0 ||
		mailbox_make_maildir(pass, mailbox, err) != 0)
		return -1;
	mailbox->on_local = true;
	tell_mailbox(pass, mailbox, REPORT_MAILBOX_CREATE, REPORT_LOCAL,
		"new on the server");
	return 0;
}

/* CREATE, then SUBSCRIBE. */
struct create_task {
	struct task task;
	struct pass *pass;
	uint32_t create_handle;
	unsigned role; /* that was asked for */
};

/* A Maildir folder has no role but its name, which mail readers go by. No
 * mailbox gets one that another has. */
static unsigned role_of(const struct pass *pass, const struct mailbox *mailbox)
{
	static const struct {
		struct str name;
		unsigned role;
	} roles[] = {
		{{"Archive", 7}, IMAP_ATTR_ARCHIVE},
		{{"Drafts", 6}, IMAP_ATTR_DRAFTS},
		{{"Junk", 4}, IMAP_ATTR_JUNK},
		{{"Sent", 4}, IMAP_ATTR_SENT},
		{{"Trash", 5}, IMAP_ATTR_TRASH},
	};
	unsigned role = 0;

	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
		if (str_ieq(mailbox->server_name, roles[i].name))
			role = roles[i].role;
	}
	for (size_t i = 0; i < pass->count; i++)
		role &= ~pass->mailboxes[i].attrs;
	return role;
}

static void create_submit(struct create_task *create, unsigned role)
{
	struct task *task = &create->task;
	struct imap_command command = {.kind = IMAP_CREATE};

	create->role = role;
	command.create.mailbox = task->mailbox->wire_name;
	command.create.roles = role;
	create->create_handle = conn_submit(task->conn, &command);
	task_said(task);
}

static enum task_step create_begin(struct task *task, struct err *err)
{
	struct create_task *create = (struct create_task *)task;
	const struct imap_caps *caps =
		imap_session_caps(conn_session(task->conn));

	(void)err;
	create_submit(create, imap_caps_has(caps, IMAP_CAP_CREATE_SPECIAL_USE)
				      ? role_of(create->pass, task->mailbox)
				      : 0);
	return TASK_MORE;
}

static bool is_made(const struct imap_status_line *line)
{
	return line->condition == IMAP_OK ||
	       line->code.kind == IMAP_CODE_ALREADYEXISTS;
}

static enum task_step create_event(
	struct task *task, const struct imap_event *event, struct err *err)
{
	struct create_task *create = (struct create_task *)task;
	struct imap_command command = {.kind = IMAP_SUBSCRIBE};
	const struct imap_status_line *line;

	if (event->kind != IMAP_EVENT_TAGGED)
		return TASK_MORE;
	line = &event->response->line;
	if (event->handle != create->create_handle)
		return TASK_DONE; /* not to be subscribed is no failure */
	/* A server need not take every role (RFC 6154 3). */
	if (!is_made(line) && create->role != 0) {
		create_submit(create, 0);
		return TASK_MORE;
	}
	if (!is_made(line)) {
		err_set(err, ERR_MAILBOX, ERR_LATER, ERR_SYNC,
			"the server does not make this mailbox: %.*s",
			STR_FMT(err_said(line->text)));
		return TASK_FAILED;
	}
	if (line->condition == IMAP_OK)
		task->mailbox->attrs |= create->role;
	command.mailbox = task->mailbox->wire_name;
	conn_submit(task->conn, &command);
	task_said(task);
	return TASK_MORE;
}

/* ---- Removing ------------------------------------------------------------ */

/* Whether the guard lets a whole folder go: 0, or -1 and err. */
static int may_remove(struct pass *pass, size_t count, struct err *err)
{
	const struct account_guard *guard = &pass->account->guard;

	if (pass->options->allow_deletes || count <= guard->min_messages ||
		guard->max_delete_percent >= 100)
		return 0;
	return err_set(err, ERR_MAILBOX, ERR_NEVER, ERR_SYNC,
		"its folder would be removed with %zu messages, more than "
		"`guard` allows; nothing was removed; if that is right, run "
		"with --allow-deletes",
		count);
}

static int message_name_cmp(const void *a, const void *b)
{
	return str_cmp(((const struct journal_message *)a)->name,
		((const struct journal_message *)b)->name);
}

/* Whether the journal knows all files of the scan. Sorts what it knows. */
static bool knows_all(
	struct journal_messages *known, const struct maildir_scan *scan)
{
	if (known->count > 0)
		qsort(known->items, known->count, sizeof(*known->items),
			message_name_cmp);
	for (size_t i = 0; i < scan->count; i++) {
		const struct journal_message key = {
			.name = scan->items[i].name};

		if (known->count == 0 ||
			bsearch(&key, known->items, known->count, sizeof(key),
				message_name_cmp) == NULL)
			return false;
	}
	return true;
}

/* Takes all files into the vault, and the folder away. What comes into it in
 * the meantime stays: a folder that keeps its cur/ is a new mailbox. */
static int empty_folder(
	struct pass *pass, struct mailbox *mailbox, struct err *err)
{
	const struct fs_port *fs = &pass->ports->fs;
	static const char *const parts[] = {"new", "cur", "tmp"};
	enum fs_result result = FS_OK;

	if (mailbox->scan.count > 0 && (vault_make(pass, mailbox, err) != 0 ||
					       pass_sync_names(pass, err) != 0))
		return -1;
	for (size_t i = 0; i < mailbox->scan.count; i++) {
		if (vault_take(pass, mailbox, &mailbox->scan.items[i], err) ==
			FS_FAILED)
			return -1;
	}
	if (vault_sync_later(pass, mailbox, err) != 0 ||
		pass_names_later(pass, mailbox, err) != 0 ||
		pass_sync_names(pass, err) != 0)
		return -1;
	(void)fs->unlink(mailbox->md.folder, "dovecot-keywords", NULL);
	for (size_t i = 0;
		i < sizeof(parts) / sizeof(parts[0]) && result == FS_OK; i++)
		result = fs->rmdir(mailbox->md.folder, parts[i], err);
	if (result == FS_FAILED)
		return -1;
	return fs->dir_sync(mailbox->md.folder, err) == FS_OK ? 0 : -1;
}

/* 1: removed; 0: it is to be detached; -1: err. */
static int remove_folder(
	struct pass *pass, struct mailbox *mailbox, struct err *err)
{
	const struct maildir_known none = {0};
	struct journal_messages known;

	if (mailbox_open_base(pass, mailbox, err) != 0 ||
		journal_messages(&mailbox->base, false, &mailbox->arena, &known,
			err) != 0 ||
		mailbox_open_maildir(pass, mailbox, false, err) != 0 ||
		maildir_scan(&mailbox->md, &none, &mailbox->arena,
			&mailbox->scan, err) != 0)
		return -1;
	if (!knows_all(&known, &mailbox->scan))
		return 0; /* there is something new in it */
	if (may_remove(pass, mailbox->scan.count, err) != 0)
		return -1;
	if (pass->options->depth == SYNC_APPLY &&
		empty_folder(pass, mailbox, err) != 0)
		return -1;
	tell_mailbox(pass, mailbox, REPORT_MAILBOX_REMOVE, REPORT_LOCAL,
		"gone from the server");
	return 1;
}

static int remove_local(
	struct pass *pass, struct mailbox *mailbox, struct err *err)
{
	int removed = remove_folder(pass, mailbox, err);

	mailbox_close_maildir(mailbox);
	if (removed < 0)
		return -1;
	if (removed == 0)
		return presence_detach(pass, mailbox, NULL, err);
	mailbox->part = MAILBOX_LEFT_OUT;
	return pass->options->depth == SYNC_APPLY
		       ? presence_forget(pass, mailbox, err)
		       : 0;
}

/* ---- All mailboxes ------------------------------------------------------- */

/* What is asked of the server, for all mailboxes at once. */
struct queue {
	struct create_task *creates;
	struct task **tasks;
	size_t count;
};

static void queue_create(
	struct pass *pass, struct queue *queue, struct mailbox *mailbox)
{
	static const struct task_kind kind = {create_begin, create_event};
	struct create_task *create = &queue->creates[queue->count];

	if (pass->options->depth != SYNC_APPLY) {
		tell_mailbox(pass, mailbox, REPORT_MAILBOX_CREATE,
			REPORT_SERVER, "new in the Maildir");
		return;
	}
	*create = (struct create_task){
		.task = {.kind = &kind, .mailbox = mailbox}, .pass = pass};
	queue->tasks[queue->count++] = &create->task;
}

/* A folder that could not be read may be one that is missing, renamed. */
static int judge_absent_here(
	const struct pass *pass, const struct mailbox *mailbox, struct err *err)
{
	if (!pass->unread_here || mailbox->on_local || !mailbox->in_journal ||
		mailbox->record.state != MAILBOX_ATTACHED)
		return 0;
	return err_set(err, ERR_MAILBOX, ERR_LATER, ERR_DISK,
		"its folder is not where it was, but another one cannot be "
		"read, which it may be; it is left as it is, here and there, "
		"until all folders can be read");
}

static int take_step(struct pass *pass, struct queue *queue,
	struct mailbox *mailbox, struct err *err)
{
	bool applies = pass->options->depth == SYNC_APPLY;

	if (judge_absent_here(pass, mailbox, err) != 0)
		return -1;
	switch (step_of(pass->account, mailbox)) {
	case STEP_NONE:
		return 0;
	case STEP_LEAVE:
		mailbox->part = MAILBOX_LEFT_OUT;
		return 0;
	case STEP_CREATE_LOCAL:
		if (applies)
			return create_local(pass, mailbox, err);
		tell_mailbox(pass, mailbox, REPORT_MAILBOX_CREATE, REPORT_LOCAL,
			"new on the server");
		return 0;
	case STEP_CREATE_SERVER:
		queue_create(pass, queue, mailbox);
		return 0;
	case STEP_REMOVE_LOCAL:
		return remove_local(pass, mailbox, err);
	case STEP_REMOVE_SERVER:
		mailbox->leaving = true; /* see removal.h */
		return 0;
	case STEP_DETACH:
		return presence_detach(pass, mailbox, NULL, err);
	case STEP_STAY_DETACHED:
		mailbox->part = MAILBOX_DETACHED;
		return 0;
	case STEP_ATTACH:
		return applies ? attach(pass, mailbox, err) : 0;
	case STEP_FORGET:
		if (applies)
			return presence_forget(pass, mailbox, err);
		mailbox->part = MAILBOX_LEFT_OUT;
		return 0;
	}
	return 0;
}

static void take_results(struct pass *pass, struct queue *queue)
{
	for (size_t i = 0; i < queue->count; i++) {
		struct task *task = &queue->creates[i].task;

		if (task->result == TASK_FAILED) {
			pass_mailbox_failed(pass, task->mailbox, &task->err);
			continue;
		}
		task->mailbox->on_server = true;
		tell_mailbox(pass, task->mailbox, REPORT_MAILBOX_CREATE,
			REPORT_SERVER, "new in the Maildir");
	}
}

int presence(struct pass *pass, struct err *err)
{
	struct queue queue = {
		.creates = arena_array(
			&pass->arena, pass->count, sizeof(*queue.creates)),
		.tasks = arena_array(
			&pass->arena, pass->count, sizeof(struct task *)),
	};

	for (size_t i = 0; i < pass->count; i++) {
		struct mailbox *mailbox = &pass->mailboxes[i];

		if (!mailbox_is_active(mailbox) ||
			take_step(pass, &queue, mailbox, err) == 0)
			continue;
		pass_discard(pass);
		if (err->scope >= ERR_ACCOUNT)
			return -1;
		pass_mailbox_failed(pass, mailbox, err);
	}
	if (queue.count > 0 &&
		pool_run(pass->pool, queue.tasks, queue.count, 1, err) != 0)
		return -1;
	take_results(pass, &queue);
	return 0;
}
