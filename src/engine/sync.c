/*
 * How: the pass, step by step, in the order of DESIGN: survey, presence, delta,
 * moves, plan and guard, then apply and settle, or a tale of what they would
 * do. An error that concerns the account ends the pass; whatever was durable by
 * then stays, and the next run goes on from there.
 */
#include "godwit/engine/sync.h"

#include "apply.h"
#include "clean.h"
#include "decide.h"
#include "delta.h"
#include "explain.h"
#include "inspect.h"
#include "moves.h"
#include "pass.h"
#include "presence.h"
#include "removal.h"
#include "rename_doubt.h"
#include "root.h"
#include "settle.h"
#include "survey.h"
#include "tell.h"
#include "vault.h"

#include <stdlib.h>
#include <string.h>

enum {
	TURNS_MAX = 4, /* of a mailbox in one run */
};

/* ---- Opening ------------------------------------------------------------- */

/* Tells the logins which channel bindings the server refuses. */
static int recall_unbound(struct pass *pass, struct err *err)
{
	struct unbound_record unbound;
	bool is_known;

	if (journal_unbound(&pass->journal, &pass->arena, &unbound, &is_known,
		    err) != 0)
		return -1;
	if (is_known)
		pool_remember(pass->pool, &unbound);
	return 0;
}

/* Tells the logins what earlier ones taught. */
static int load_recall(struct pass *pass, struct err *err)
{
	if (recall_load(&pass->journal, pass->account, &pass->recalled, err) !=
		0)
		return -1;
	pool_set_recall(pass->pool, &pass->recalled);
	return 0;
}

/*
 * Whether the logins taught what is worth a commit. How a server greets may
 * differ from one connection to the next: Dovecot, when it is busy, has first
 * nothing to say but that it waits. That is kept by runs that write anyway, or
 * that failed, as a guess may be why.
 */
static bool has_learnt(const struct pass *pass, const struct recall *recall)
{
	struct recall known = pass->recalled;

	if (!pass->run_recorded && !pass->failed)
		known.greeting_tells = recall->greeting_tells;
	return !recall_equal(recall, &known);
}

/* What the logins taught is not worth failing for. */
static void keep_recall(struct pass *pass)
{
	const struct recall *recall = pool_recall(pass->pool);

	if (pass->options->depth == SYNC_APPLY && pass->has_journal &&
		has_learnt(pass, recall))
		recall_store(
			&pass->journal, &pass->notes, pass->account, recall);
}

static int open_all(struct pass *pass, struct err *err)
{
	const struct fs_port *fs = &pass->ports->fs;

	if (pass_open_journal(pass, err) != 0 ||
		recall_unbound(pass, err) != 0 || load_recall(pass, err) != 0 ||
		root_open(pass, err) != 0)
		return -1;
	if (pass->options->depth != SYNC_APPLY)
		return 0;
	return fs->root_open(fs->ctx, pass->account->state, true, &pass->state,
		       err) == FS_OK
		       ? 0
		       : -1;
}

/* ---- The pass ------------------------------------------------------------ */

/* The name of a row's file, wherever it is. In a folder that was not scanned it
 * has to be looked for. */
static struct str file_of(
	struct pass *pass, struct mailbox *mailbox, uint32_t at)
{
	const struct row *row = &mailbox->match.rows[at];
	const struct mailbox_link *link = mailbox_link(mailbox, at);
	struct mailbox *from = mailbox;
	struct local_item *item;
	struct err ignored;

	if ((row->present & SIDE_BIT(LOCAL)) == 0)
		return STR("");
	item = &mailbox->scan.items[row->local];
	if (link != NULL && link->from != NULL)
		from = link->from;
	if (item->unnamed &&
		mailbox_open_maildir(pass, from, false, &ignored) == 0) {
		(void)delta_name_file(from, item, &ignored);
		mailbox_close_maildir(from);
	}
	return item->file_name;
}

/* Says what would be done: the tale that apply makes true. */
static void tell_plans(struct pass *pass)
{
	for (size_t i = 0; i < pass->count; i++) {
		struct mailbox *mailbox = &pass->mailboxes[i];

		if (!mailbox_is_busy(mailbox))
			continue;
		for (size_t k = 0; k < mailbox->plan.count; k++) {
			const struct op *op = &mailbox->plan.ops[k];

			if (op->kind == OP_CONFLICT)
				pass->summary.conflicts++;
			apply_tell(pass, mailbox, op,
				apply_row(mailbox, op)->uid,
				file_of(pass, mailbox, op->row));
		}
	}
}

/* Notes which channel bindings the server has refused now. */
static void note_unbound(struct pass *pass)
{
	const struct server *server = pool_server(pass->pool);

	if (!server->unbound_is_new)
		return;
	pass_detail(pass,
		"the server offers to bind the login to the TLS connection "
		"(SCRAM -PLUS), but refuses it; we are logged in by %s without "
		"that, and under this certificate it is not tried again for "
		"%d days; to insist on it, allow nothing else in `auth`",
		server->mechanism, JOURNAL_UNBOUND_S / (24 * 3600));
	if (pass->options->depth == SYNC_APPLY)
		journal_unbound_put(
			&pass->journal, &pass->notes, &server->unbound);
}

/* What has changed, in the mailboxes that take part. */
static int find_changes(struct pass *pass, struct err *err)
{
	return presence(pass, err) != 0 || clean(pass, err) != 0 ||
			       delta(pass, err) != 0
		       ? -1
		       : 0;
}

/* The same, and once more for those that turn out to be others. */
static int find_all_changes(struct pass *pass, struct err *err)
{
	if (find_changes(pass, err) != 0)
		return -1;
	if (!rename_doubt_arose(pass))
		return 0;
	return survey(pass, err) != 0 ? -1 : find_changes(pass, err);
}

/* Moves to settle, likewise. */
static int bring_in_step(struct pass *pass, struct err *err)
{
	if (moves(pass, err) != 0)
		return -1;
	decide(pass);
	if (removal_judge(pass, err) != 0 || apply(pass, err) != 0 ||
		removal_finish(pass, err) != 0)
		return -1;
	return settle(pass, err);
}

static bool any_again(const struct pass *pass)
{
	for (size_t i = 0; i < pass->count; i++) {
		const struct mailbox *mailbox = &pass->mailboxes[i];

		if (mailbox_is_active(mailbox) && mailbox->again)
			return true;
	}
	return false;
}

/* Another turn, of the mailboxes that asked for it. They begin with what the
 * journal has by then. */
static int take_turns(struct pass *pass, struct err *err)
{
	bool any = any_again(pass);

	if (any && pass_flush(pass, err) != 0)
		return -1;
	for (size_t i = 0; i < pass->count; i++) {
		struct mailbox *mailbox = &pass->mailboxes[i];

		if (!mailbox_is_active(mailbox))
			continue;
		if (mailbox->again)
			mailbox_again(mailbox);
		else
			mailbox->part = MAILBOX_FINISHED;
	}
	if (!any)
		return 0;
	return delta(pass, err) != 0 ? -1 : bring_in_step(pass, err);
}

/*
 * What we have changed on a server is looked at once more, so that the next run
 * finds nothing to do: what was moved to the trash is new there, and the
 * mod-sequences of our own changes vouch for the mailbox only when nothing but
 * these is found. Who has changed something at the same time is heard as well;
 * a message that was changed while we wanted to is merged anew.
 */
static int look_again(struct pass *pass, struct err *err)
{
	bool trashed = false;

	for (size_t i = 0; i < pass->count; i++) {
		struct mailbox *mailbox = &pass->mailboxes[i];

		/* Those that were removed have left the first turn. */
		if (!mailbox_is_active(mailbox) && pass->turn > 1)
			continue;
		trashed =
			trashed || mailbox->plan.per_kind[OP_TRASH_REMOTE] > 0;
		/* What failed is not tried twice in a run; and to look once
		 * is enough, whatever is found. */
		mailbox->again =
			(mailbox->again && !mailbox->unfinished) ||
			(pass->turn == 1 && settle_needs_look(pass, mailbox));
	}
	if (trashed && pass->trash != NULL && !pass->trash->unfinished)
		pass->trash->again = true;
	return take_turns(pass, err);
}

static int look_on(struct pass *pass, struct err *err)
{
	for (pass->turn = 1; pass->turn < TURNS_MAX; pass->turn++) {
		if (look_again(pass, err) != 0)
			return -1;
	}
	return 0;
}

/* Says what there is, and what a sync would make of it. */
static int look(struct pass *pass, struct err *err)
{
	explain(pass);
	inspect(pass);
	if (tell_server(pass, err) != 0 || survey(pass, err) != 0)
		return -1;
	explain_mailboxes(pass);
	return 0;
}

static int run_steps(struct pass *pass, struct err *err)
{
	enum sync_depth depth = pass->options->depth;

	if (depth == SYNC_CHECK)
		return look(pass, err);
	if (open_all(pass, err) != 0 || survey(pass, err) != 0)
		return -1;
	note_unbound(pass);
	if (depth == SYNC_LIST) {
		tell_list(pass);
		return 0;
	}
	if (find_all_changes(pass, err) != 0)
		return -1;
	if (depth != SYNC_APPLY) {
		if (moves(pass, err) != 0)
			return -1;
		decide(pass);
		if (removal_judge(pass, err) != 0)
			return -1;
		tell_plans(pass);
		return 0;
	}
	if (bring_in_step(pass, err) != 0 || look_on(pass, err) != 0)
		return -1;
	return vault_prune(pass, err);
}

static int exit_status(const struct pass *pass)
{
	if (!pass->failed)
		return pass->summary.conflicts > 0 ? err_status(ERR_SYNC) : 0;
	return pass->worst.scope >= ERR_ACCOUNT ? err_status(pass->worst.cause)
						: err_status(ERR_SYNC);
}

static void record_end(struct pass *pass)
{
	const struct report_summary *summary = &pass->summary;
	struct history_record end = {.kind = HISTORY_END};
	struct err ignored;

	if (!pass->run_recorded)
		return;
	end.end.status = (uint32_t)summary->status;
	end.end.mailboxes = (uint32_t)summary->mailboxes;
	end.end.dirty = (uint32_t)summary->dirty;
	end.end.bytes_in = summary->bytes_in;
	end.end.bytes_out = summary->bytes_out;
	end.end.conflicts = summary->conflicts;
	end.end.errors = summary->errors;
	end.end.duration_ms = summary->elapsed_ms;
	end.end.done[LOCAL] = (struct history_counts){summary->local.added,
		summary->local.removed, summary->local.moved,
		summary->local.copied, summary->local.flagged};
	end.end.done[REMOTE] = (struct history_counts){summary->server.added,
		summary->server.removed, summary->server.moved,
		summary->server.copied, summary->server.flagged};
	journal_history_add(&pass->journal, &pass->notes, &pass->run, &end);
	/* A history that cannot be written is not worth failing for. */
	if (journal_history_prune(&pass->journal, &pass->batch,
		    pass->start_ns / 1000000, &ignored) != 0)
		pass_discard(pass);
}

static void pass_close(struct pass *pass)
{
	const struct fs_port *fs = &pass->ports->fs;

	pool_free(&pass->pool);
	for (size_t i = 0; i < pass->count; i++)
		mailbox_clear(&pass->mailboxes[i]);
	free(pass->mailboxes);
	if (pass->root != NULL)
		fs->dir_close(&pass->root);
	if (pass->state != NULL)
		fs->dir_close(&pass->state);
	store_batch_clear(&pass->batch);
	store_batch_clear(&pass->due);
	store_batch_clear(&pass->notes);
	arena_clear(&pass->arena);
}

/* The pass ended before they were in step. */
static void mailboxes_unfinished(struct pass *pass)
{
	for (size_t i = 0; i < pass->count; i++) {
		struct mailbox *mailbox = &pass->mailboxes[i];

		if (mailbox_is_active(mailbox) &&
			mailbox->report.state == REPORT_IN_STEP)
			mailbox->report.state = REPORT_FAILED;
	}
}

/* What failed ended the pass. */
static void pass_failed(struct pass *pass, struct err *err)
{
	if (err->scope < ERR_ACCOUNT)
		err->scope = ERR_ACCOUNT;
	pass_error(pass, NULL, err, 0, (struct str){0});
	mailboxes_unfinished(pass);
}

/* The last commit: of what is due, and of the run's history, without which
 * alone nothing is lost. */
static void commit_rest(struct pass *pass)
{
	bool is_vital = pass->due.count > 0 || pass->names_due;
	struct err err;

	tell_sum_up(pass, exit_status(pass));
	record_end(pass);
	if (!pass->has_journal || pass->options->depth != SYNC_APPLY ||
		pass_commit(pass, &err) == 0)
		return;
	pass_discard(pass);
	/* Mailboxes that failed for the disk's sake were told of. */
	if (is_vital && err.scope >= ERR_ACCOUNT)
		pass_failed(pass, &err);
}

int sync_account(const struct account *account, const struct ports *ports,
	const struct sync_options *options)
{
	struct pass pass = {
		.account = account, .ports = ports, .options = options};
	struct err err;
	int status;

	pass.start_ns = ports->clock.wall_ns(ports->clock.ctx);
	pass.start_ms = ports->clock.monotonic_ms(ports->clock.ctx);
	pass.pool = pool_new(account, ports);
	if (run_steps(&pass, &err) != 0) {
		struct err ignored;

		pass_discard(&pass);
		(void)pass_flush(&pass, &ignored);
		pass_failed(&pass, &err);
	}
	keep_recall(&pass);
	commit_rest(&pass);
	status = exit_status(&pass);
	tell_sum_up(&pass, status);
	tell_mailboxes(&pass);
	tell_summary(&pass);
	pass_close(&pass);
	return status;
}
