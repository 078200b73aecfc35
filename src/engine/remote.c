/*
 * How: the ops of a mailbox become requests: a command, and the ops that are
 * done when it is answered OK. Requests are queued in an order in which each
 * may be sent behind the one before: STORE \Deleted, then UID EXPUNGE; STORE,
 * then a FETCH that shows what came of it. The session pipelines them; a
 * request that follows a refused one of the same group does nothing worse than
 * find nothing to do.
 *
 * Where the server keeps mod-sequences, flags are stored only in messages that
 * are as delta saw them (UNCHANGEDSINCE, RFC 7162 section 3.1.3); what another
 * client has changed since has another turn. A message that gets flags and
 * loses some is stored twice, the second time on condition that nobody came in
 * between. Behind the last STORE goes one FETCH of all that has changed since
 * delta: it shows what came of ours, and whether it is all that happened.
 */
#include "remote.h"

#include "apply.h"
#include "flag_check.h"
#include "settle.h"
#include "trash.h"

#include "godwit/base/limits.h"
#include "godwit/imap/set.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	SPAN_OPS_MAX = 1024, /* of one command */
	ROUNDS = 2,
	CONDITIONAL_TURNS = 2, /* then what is to be done is done: a server that
				* always finds a reason not to is not obeyed */
};

/* What a group of ops has in common. */
struct change {
	const struct op *op;
	struct flags add;
	struct flags remove;
	bool conditional; /* not done to what others have changed since */
	bool refused;
};

/* Ops of a group that go into one command line. */
struct span {
	size_t first;
	size_t count;
	struct str set; /* their UIDs */
};

/* One command that was sent. */
struct request {
	uint32_t handle;
	uint32_t first; /* its ops: changes [first, first + count) */
	uint32_t count;
	bool completes; /* its OK completes the ops; else it only prepares */
	bool conditional;
	bool expunges;
	bool looks; /* whether something is left of what was expunged */
};

struct remote_task {
	struct apply_task base;
	struct change *changes; /* on the heap, grouped */
	size_t count;
	size_t cap;
	struct request *requests; /* on the heap */
	size_t request_count;
	size_t request_cap;
	size_t answered;
	struct flag_check flags; /* of what gets new ones */
	uint32_t select_handle;
	uint64_t since; /* UNCHANGEDSINCE; 0: nothing is conditional */
	unsigned round; /* of STOREs: 0, and 1 for what is stored twice */
	struct imap_set modified; /* what others have changed since */
	struct imap_set left;     /* what is shown though it was expunged */
	uint64_t gone_due;        /* how many were expunged, */
	uint64_t gone_told;       /* and how many were told to be gone */
	uint32_t look_handle;     /* of the FETCH of all that has changed */
	bool looked;              /* that was answered OK */
	bool strangers;           /* it, or the server unasked, shows more */
	struct err refused;       /* the first NO */
	bool any_refused;
};

/* ---- Grouping ------------------------------------------------------------ */

static int flags_cmp(struct flags a, struct flags b)
{
	if (a.system != b.system)
		return a.system < b.system ? -1 : 1;
	return (a.keywords > b.keywords) - (a.keywords < b.keywords);
}

static int group_cmp(const struct change *x, const struct change *y)
{
	int order = (int)x->op->kind - (int)y->op->kind;

	if (order == 0)
		order = (int)x->conditional - (int)y->conditional;
	if (order == 0)
		order = flags_cmp(x->add, y->add);
	return order != 0 ? order : flags_cmp(x->remove, y->remove);
}

static int change_cmp(const void *a, const void *b)
{
	const struct change *x = a;
	const struct change *y = b;
	int order = group_cmp(x, y);

	return order != 0
		       ? order
		       : (x->op->row > y->op->row) - (x->op->row < y->op->row);
}

static bool is_flagging(const struct op *op)
{
	return op->kind == OP_FLAG_REMOTE || op->kind == OP_MARK_REMOTE;
}

static bool is_none(struct flags flags)
{
	return flags_eq(flags, (struct flags){0});
}

/* What an op changes. Of what came here in this run, by a move or a copy, no
 * mod-sequence is known; a removal wins over any flag. */
static struct change change_of(
	const struct remote_task *remote, const struct op *op)
{
	const struct mailbox *mailbox = remote->base.task.mailbox;
	struct keywords *keywords = mailbox->base.keywords;
	const struct row *row = apply_row(mailbox, op);
	struct flags now = row->flags[REMOTE];
	struct change change = {.op = op};

	if (op->kind == OP_REMOVE_REMOTE || op->kind == OP_LEAVE_REMOTE)
		return change;
	change.add = flags_added(keywords, now, op->flags);
	change.remove = flags_removed(keywords, now, op->flags);
	change.conditional = remote->since != 0 && op->kind == OP_FLAG_REMOTE &&
			     row->origin == ROW_AT_HOME &&
			     mailbox_remote(mailbox, row->uid) != NULL;
	return change;
}

static void gather(struct remote_task *remote)
{
	struct mailbox *mailbox = remote->base.task.mailbox;

	remote->count = 0;
	flag_check_begin(&remote->flags, mailbox->base.keywords);
	for (size_t i = 0; i < mailbox->plan.count; i++) {
		const struct op *op = &mailbox->plan.ops[i];
		struct change change;

		if ((remote->base.kinds & 1U << op->kind) == 0 ||
			(mailbox->pending[op->row] & 1U << op->kind) == 0)
			continue;
		change = change_of(remote, op);
		remote->changes = array_grow(remote->changes, &remote->cap,
			remote->count + 1, sizeof(*remote->changes));
		remote->changes[remote->count++] = change;
		if (is_flagging(op) &&
			(change.conditional || !is_none(change.add)))
			flag_check_add(&remote->flags,
				apply_row(mailbox, op)->uid, change.add);
	}
	flag_check_sort(&remote->flags);
	if (remote->count > 0)
		qsort(remote->changes, remote->count, sizeof(*remote->changes),
			change_cmp);
}

/* ---- Requests ------------------------------------------------------------ */

static uint32_t change_uid(const struct remote_task *remote, size_t at)
{
	return apply_row(remote->base.task.mailbox, remote->changes[at].op)
		->uid;
}

/* Whether it takes two STOREs, of which the second awaits the first. */
static bool is_twofold(const struct change *change)
{
	return change->conditional && !is_none(change->add) &&
	       !is_none(change->remove);
}

static bool is_modified(const struct remote_task *remote, size_t at)
{
	return imap_set_contains(&remote->modified, change_uid(remote, at));
}

/* Whether something is to be said about a change in this round. */
static bool is_due(const struct remote_task *remote, size_t at)
{
	const struct change *change = &remote->changes[at];

	return remote->round == 0 || (is_twofold(change) && !change->refused &&
					     !is_modified(remote, at));
}

static struct request *request_add(struct remote_task *remote,
	const struct span *span, const struct imap_command *command)
{
	struct request *request;

	remote->requests = array_grow(remote->requests, &remote->request_cap,
		remote->request_count + 1, sizeof(*remote->requests));
	request = &remote->requests[remote->request_count++];
	*request = (struct request){
		.handle = conn_submit(remote->base.task.conn, command),
		.first = (uint32_t)span->first,
		.count = (uint32_t)span->count,
	};
	return request;
}

/* A STORE of these flags; nothing where there are none. */
static struct request *store_since(struct remote_task *remote,
	const struct span *span, enum imap_store_mode mode, struct flags flags,
	uint64_t since)
{
	struct imap_command command = {.kind = IMAP_STORE};
	struct arena scratch = {0};
	struct request *request = NULL;

	command.store.set = span->set;
	command.store.mode = mode;
	command.store.silent = true;
	command.store.conditional = since != 0;
	command.store.unchanged_since = since;
	command.store.flags.items =
		flags_to_names(remote->base.task.mailbox->base.keywords, flags,
			&scratch, &command.store.flags.count);
	if (command.store.flags.count > 0)
		request = request_add(remote, span, &command);
	arena_clear(&scratch);
	return request;
}

static struct request *store(struct remote_task *remote,
	const struct span *span, enum imap_store_mode mode, struct flags flags)
{
	return store_since(remote, span, mode, flags, 0);
}

static void request_flags(struct remote_task *remote, const struct span *span)
{
	const struct change *change = &remote->changes[span->first];
	struct request *add = store(remote, span, IMAP_STORE_ADD, change->add);
	struct request *remove =
		store(remote, span, IMAP_STORE_REMOVE, change->remove);
	struct imap_command command = {.kind = IMAP_FETCH};

	command.fetch.set = span->set;
	command.fetch.items = IMAP_FETCH_UID | IMAP_FETCH_FLAGS;
	if (add != NULL)
		request_add(remote, span, &command)->completes = true;
	else if (remove != NULL)
		remove->completes = true;
}

static void request_expunge(struct remote_task *remote, const struct span *span)
{
	struct imap_command command = {
		.kind = IMAP_UID_EXPUNGE, .set = span->set};
	struct request *expunge;

	store(remote, span, IMAP_STORE_ADD,
		(struct flags){.system = FLAG_DELETED});
	expunge = request_add(remote, span, &command);
	expunge->expunges = true;
	expunge->completes = true;
}

/* What lies in the trash must not bear \Deleted: an expunge there would take
 * it. */
static void request_trash(struct remote_task *remote, const struct span *span)
{
	const struct change *change = &remote->changes[span->first];
	struct imap_command command = {.kind = IMAP_MOVE};

	store(remote, span, IMAP_STORE_ADD, change->add);
	store(remote, span, IMAP_STORE_REMOVE, change->remove);
	command.copy.set = span->set;
	command.copy.mailbox = remote->base.pass->trash->wire_name;
	request_add(remote, span, &command)->completes = true;
}

/* The mod-sequence that the first STORE has given the messages of a span; 0
 * where it does not tell. */
static uint64_t stored_modseq(
	const struct remote_task *remote, const struct span *span)
{
	uint64_t modseq = 0;

	for (size_t i = span->first; i < span->first + span->count; i++) {
		const struct flag_checked *item =
			flag_check_item(&remote->flags, change_uid(remote, i));

		if (!is_due(remote, i))
			continue;
		if (item->modseq == 0)
			return 0;
		if (item->modseq > modseq)
			modseq = item->modseq;
	}
	return modseq;
}

/* What is stored only in messages that nobody else has changed. */
static void request_if_unchanged(
	struct remote_task *remote, const struct span *span)
{
	const struct change *change = &remote->changes[span->first];
	struct request *request;

	if (remote->round > 0)
		request = store_since(remote, span, IMAP_STORE_REMOVE,
			change->remove, stored_modseq(remote, span));
	else if (!is_none(change->add))
		request = store_since(remote, span, IMAP_STORE_ADD, change->add,
			remote->since);
	else
		request = store_since(remote, span, IMAP_STORE_REMOVE,
			change->remove, remote->since);
	request->conditional = true;
}

/* One group's ops of one command line's worth of UIDs. */
static void request_some(struct remote_task *remote, const struct span *span)
{
	switch (remote->changes[span->first].op->kind) {
	case OP_FLAG_REMOTE:
		if (remote->changes[span->first].conditional)
			request_if_unchanged(remote, span);
		else
			request_flags(remote, span);
		break;
	case OP_LEAVE_REMOTE:
	case OP_REMOVE_REMOTE:
		request_expunge(remote, span);
		break;
	case OP_TRASH_REMOTE:
		request_trash(remote, span);
		break;
	case OP_MARK_REMOTE:
		request_flags(remote, span);
		break;
	default:
		check(!"not an operation on the server");
	}
}

static void add_due(
	const struct remote_task *remote, size_t at, struct imap_set *set)
{
	if (is_due(remote, at))
		imap_set_add(set, change_uid(remote, at));
}

/* How long the set of a group's UIDs may be. */
static size_t set_room(
	const struct remote_task *remote, const struct change *change)
{
	struct arena scratch = {0};
	struct imap_strs names;
	size_t room;
	size_t other;

	names.items = flags_to_names(remote->base.task.mailbox->base.keywords,
		change->add, &scratch, &names.count);
	room = flag_check_room(&names);
	names.items = flags_to_names(remote->base.task.mailbox->base.keywords,
		change->remove, &scratch, &names.count);
	other = flag_check_room(&names);
	arena_clear(&scratch);
	return room < other ? room : other;
}

/* As many ops of a group as fit in one command line, from `first` on. */
static size_t request_line(struct remote_task *remote, size_t first)
{
	struct imap_set set = {0};
	struct buf text = {0};
	struct span span;
	size_t room = set_room(remote, &remote->changes[first]);
	size_t end = first;

	while (end < remote->count && end - first < SPAN_OPS_MAX &&
		group_cmp(&remote->changes[first], &remote->changes[end]) ==
			0) {
		add_due(remote, end, &set);
		buf_reset(&text);
		imap_set_print(&set, &text);
		if (text.len > room && end > first)
			break;
		end++;
	}
	imap_set_reset(&set);
	for (size_t i = first; i < end; i++)
		add_due(remote, i, &set);
	buf_reset(&text);
	imap_set_print(&set, &text);
	span = (struct span){first, end - first, buf_str(&text)};
	if (set.count > 0)
		request_some(remote, &span);
	buf_clear(&text);
	imap_set_clear(&set);
	return end;
}

/* Asks for all that has changed since delta, of the messages it has seen. */
static void request_look(struct remote_task *remote)
{
	const struct mailbox *mailbox = remote->base.task.mailbox;
	struct imap_command command = {.kind = IMAP_FETCH};
	char set[32];

	(void)snprintf(set, sizeof(set), "1:%" PRIu32,
		mailbox->remote[mailbox->remote_count - 1].uid);
	command.fetch.set = str_of(set);
	command.fetch.items =
		IMAP_FETCH_UID | IMAP_FETCH_FLAGS | IMAP_FETCH_MODSEQ;
	command.fetch.changed_since = remote->since;
	remote->look_handle = conn_submit(remote->base.task.conn, &command);
}

/* ---- The machine --------------------------------------------------------- */

static bool has_conditional(const struct remote_task *remote)
{
	for (size_t i = 0; i < remote->count; i++) {
		if (remote->changes[i].conditional)
			return true;
	}
	return false;
}

/* Whether the next round has something to say. */
static bool has_more(const struct remote_task *remote)
{
	struct remote_task next = *remote;

	next.round++;
	for (size_t i = 0; next.round < ROUNDS && i < remote->count; i++) {
		if (is_due(&next, i))
			return true;
	}
	return false;
}

static enum task_step request_all(struct remote_task *remote)
{
	for (size_t i = 0; i < remote->count;)
		i = request_line(remote, i);
	if (has_conditional(remote) && !has_more(remote))
		request_look(remote);
	if (!has_more(remote))
		task_said(&remote->base.task);
	return remote->request_count == 0 ? TASK_DONE : TASK_MORE;
}

/* The mailbox has another turn. */
static void try_again(struct remote_task *remote)
{
	remote->base.task.mailbox->again = true;
}

/* Likewise, one without conditions. */
static void try_plainly(struct remote_task *remote)
{
	remote->base.task.mailbox->plain_stores = true;
	try_again(remote);
}

/* Whether the server shows what was expunged. Only who looks can tell: a STORE
 * shows it, too, before it goes. */
static bool is_left(const struct remote_task *remote, size_t at)
{
	return imap_set_contains(&remote->left, change_uid(remote, at));
}

static void not_expunged(struct remote_task *remote)
{
	pool_unselect(remote->base.pass->pool, remote->base.task.mailbox);
	try_again(remote);
}

static int op_done(
	struct remote_task *remote, const struct op *op, struct err *err)
{
	struct mailbox *mailbox = remote->base.task.mailbox;
	struct row *row = apply_row(mailbox, op);

	/* Who does not show a message tells nothing of it: the next run sees.
	 */
	if (is_flagging(op) && flag_check_is_open(&remote->flags, row->uid)) {
		apply_failed(mailbox);
		return 0;
	}
	apply_tell(remote->base.pass, mailbox, op, row->uid, (struct str){0});
	if (is_flagging(op))
		return apply_flagged(remote->base.pass, mailbox, op,
			flag_check_base(&remote->flags, row->uid, op->base),
			err);
	return apply_removed(remote->base.pass, mailbox, op, err);
}

/* What one command was refused, those that follow it cannot complete. */
static void refuse_span(
	struct remote_task *remote, const struct request *request)
{
	for (size_t i = 0; i < remote->request_count; i++) {
		if (remote->requests[i].first == request->first)
			remote->requests[i].completes = false;
	}
	for (uint32_t i = 0; i < request->count; i++)
		remote->changes[request->first + i].refused = true;
}

static void refused(struct remote_task *remote, const struct request *request,
	const struct imap_status_line *line)
{
	refuse_span(remote, request);
	if (!remote->any_refused)
		err_set(&remote->refused, ERR_MAILBOX, ERR_LATER, ERR_SYNC,
			"the server refuses a change: %.*s",
			STR_FMT(err_said(line->text)));
	remote->any_refused = true;
}

/* Messages that are gone by now may make it a NO (example 11). */
static void conditional_answered(struct remote_task *remote,
	const struct request *request, const struct imap_status_line *line)
{
	if (line->code.kind == IMAP_CODE_MODIFIED) {
		imap_set_union(&remote->modified, line->code.uids);
	} else if (line->condition == IMAP_BAD) {
		refuse_span(remote, request);
		remote->base.pass->plain_stores = true;
		try_again(remote);
	} else if (line->condition != IMAP_OK) {
		refused(remote, request, line);
	}
}

/*
 * Dovecot 2.3 answers OK and expunges nothing where another session has made a
 * keyword since the mailbox was selected. So if fewer are told to be gone than
 * were expunged, we ask what is left; only now, since what is asked behind an
 * EXPUNGE in the same flight is answered before what that one does is told.
 */
static bool must_look(
	struct remote_task *remote, const struct request *expunged)
{
	struct imap_command command = {.kind = IMAP_FETCH};
	struct span span = {.first = expunged->first, .count = expunged->count};
	struct imap_set set = {0};
	struct buf text = {0};
	struct request *look;

	remote->gone_due += span.count;
	if (remote->gone_told >= remote->gone_due)
		return false;
	remote->gone_told = remote->gone_due;
	for (size_t i = 0; i < span.count; i++)
		imap_set_add(&set, change_uid(remote, span.first + i));
	imap_set_print(&set, &text);
	command.fetch.set = buf_str(&text);
	command.fetch.items = IMAP_FETCH_UID;
	imap_set_reset(&remote->left);
	look = request_add(remote, &span, &command);
	look->completes = true;
	look->looks = true;
	buf_clear(&text);
	imap_set_clear(&set);
	return true;
}

static int request_answered(struct remote_task *remote, struct request *request,
	const struct imap_status_line *line, struct err *err)
{
	if (request->conditional) {
		conditional_answered(remote, request, line);
		return 0;
	}
	if (line->condition != IMAP_OK && !request->looks) {
		refused(remote, request, line);
		return 0;
	}
	if (!request->completes ||
		(request->expunges && must_look(remote, request)))
		return 0;
	for (uint32_t i = 0; i < request->count; i++) {
		size_t at = request->first + i;

		if (request->looks && is_left(remote, at))
			not_expunged(remote);
		else if (op_done(remote, remote->changes[at].op, err) != 0)
			return -1;
	}
	remote->base.task.achieved++;
	return pass_later(remote->base.pass, remote->base.task.mailbox,
		request->count, err);
}

/* ---- What became of conditional changes ---------------------------------- */

/* Whether the message has what it was to get, and not what it was to lose. One
 * that was changed since it was stored had it, whatever it has now. */
static bool is_stored(const struct remote_task *remote,
	const struct change *change, const struct flag_checked *item)
{
	struct keywords *keywords = remote->flags.keywords;
	bool is_whole =
		is_none(flags_added(keywords, item->shown, change->add)) &&
		flags_eq(change->remove,
			flags_added(keywords, item->shown, change->remove));

	return item->is_shown &&
	       (is_whole || item->stored_modseq < item->modseq);
}

/* What is not done is left for another turn, which sees why. */
static int judge(struct remote_task *remote, const struct change *change,
	struct err *err)
{
	struct mailbox *mailbox = remote->base.task.mailbox;
	const struct op *op = change->op;
	uint32_t uid = apply_row(mailbox, op)->uid;
	const struct flag_checked *item = flag_check_item(&remote->flags, uid);

	if (imap_set_contains(&remote->modified, uid)) {
		try_again(remote);
		return 0;
	}
	if (!is_stored(remote, change, item)) {
		try_plainly(remote);
		return 0;
	}
	if (!flags_eq(item->shown, op->flags))
		remote->strangers = true;
	mailbox_remote(mailbox, uid)->flags = op->flags;
	apply_tell(remote->base.pass, mailbox, op, uid, (struct str){0});
	return apply_flagged(remote->base.pass, mailbox, op, op->base, err);
}

/* The highest mod-sequence of what was stored, if that is all that has changed
 * since delta; or 0. Gmail counts what it does not show yet. */
static uint64_t own_modseq(const struct remote_task *remote)
{
	const struct pass *pass = remote->base.pass;
	uint64_t highest = 0;

	if (!remote->looked || remote->strangers || remote->any_refused ||
		remote->base.task.mailbox->again ||
		imap_caps_has(pool_caps(pass->pool), IMAP_CAP_X_GM_EXT_1))
		return 0;
	for (size_t i = 0; i < remote->count; i++) {
		const struct flag_checked *item =
			flag_check_item(&remote->flags, change_uid(remote, i));

		if (!remote->changes[i].conditional || item->modseq == 0)
			return 0;
		if (item->modseq > highest)
			highest = item->modseq;
	}
	return highest;
}

static int judge_all(struct remote_task *remote, struct err *err)
{
	if (!has_conditional(remote))
		return 0;
	for (size_t i = 0; i < remote->count; i++) {
		const struct change *change = &remote->changes[i];

		if (change->conditional && !change->refused &&
			judge(remote, change, err) != 0)
			return -1;
	}
	remote->base.task.achieved++;
	remote->base.task.mailbox->own_modseq = own_modseq(remote);
	return pass_later(remote->base.pass, remote->base.task.mailbox,
		remote->count, err);
}

/* All is answered. */
static enum task_step remote_over(struct remote_task *remote, struct err *err)
{
	struct mailbox *mailbox = remote->base.task.mailbox;

	if (has_more(remote)) {
		remote->round++;
		for (size_t i = 0; i < remote->count; i++) {
			if (is_due(remote, i))
				flag_check_anew(
					&remote->flags, change_uid(remote, i));
		}
		return request_all(remote);
	}
	if (judge_all(remote, err) != 0)
		return TASK_FAILED;
	if (remote->any_refused) {
		pass_error(remote->base.pass, mailbox, &remote->refused, 0,
			(struct str){0});
		apply_failed(mailbox);
	}
	return TASK_DONE;
}

/* ---- Events -------------------------------------------------------------- */

static enum task_step remote_answered(struct remote_task *remote,
	const struct imap_event *event, struct err *err)
{
	const struct imap_status_line *line = &event->response->line;

	if (event->handle == remote->select_handle) {
		if (task_selected(&remote->base.task, line, err) != 0)
			return TASK_FAILED;
		return request_all(remote);
	}
	if (event->handle == remote->look_handle) {
		remote->looked = line->condition == IMAP_OK;
		remote->look_handle = 0;
	}
	for (size_t i = 0; i < remote->request_count; i++) {
		if (remote->requests[i].handle != event->handle)
			continue;
		remote->answered++;
		if (request_answered(remote, &remote->requests[i], line, err) !=
			0)
			return TASK_FAILED;
	}
	if (remote->answered < remote->request_count ||
		remote->look_handle != 0)
		return TASK_MORE;
	return remote_over(remote, err);
}

/* Whether a message that we change nothing about is as delta saw it. */
static bool is_as_seen(
	const struct remote_task *remote, const struct imap_fetch *fetched)
{
	const struct remote_item *item =
		mailbox_remote(remote->base.task.mailbox, fetched->uid);
	struct flags flags;

	return item != NULL &&
	       flags_from_names(remote->flags.keywords, fetched->flags.items,
		       fetched->flags.count, &flags, NULL) == 0 &&
	       flags_eq(flags, item->flags);
}

static void remote_shown(
	struct remote_task *remote, const struct imap_fetch *fetched)
{
	const unsigned needed = IMAP_FETCH_UID | IMAP_FETCH_FLAGS;

	flag_check_shown(&remote->flags, fetched);
	if ((fetched->present & IMAP_FETCH_UID) != 0 &&
		mailbox_remote(remote->base.task.mailbox, fetched->uid) != NULL)
		imap_set_add(&remote->left, fetched->uid);
	if (remote->since != 0 && (fetched->present & needed) == needed &&
		flag_check_item(&remote->flags, fetched->uid) == NULL &&
		!is_as_seen(remote, fetched))
		remote->strangers = true;
}

static void remote_told(
	struct remote_task *remote, const struct imap_response *response)
{
	if (response->kind == IMAP_RESPONSE_EXPUNGE)
		remote->gone_told++;
	else if (response->kind == IMAP_RESPONSE_VANISHED)
		remote->gone_told += imap_set_size(response->vanished.uids);
	else if (response->kind == IMAP_RESPONSE_FETCH)
		remote_shown(remote, &response->fetch);
}

static enum task_step remote_event(
	struct task *task, const struct imap_event *event, struct err *err)
{
	struct remote_task *remote = (struct remote_task *)task;

	if (event->kind == IMAP_EVENT_TAGGED)
		return remote_answered(remote, event, err);
	if (event->kind == IMAP_EVENT_UNTAGGED)
		remote_told(remote, event->response);
	return TASK_MORE;
}

/* The mod-sequence up to which delta knows what the messages are, if changes
 * are to depend on it. */
static uint64_t condition_of(const struct remote_task *remote)
{
	const struct pass *pass = remote->base.pass;
	const struct mailbox *mailbox = remote->base.task.mailbox;

	if (pass->plain_stores || mailbox->plain_stores ||
		pass->turn >= CONDITIONAL_TURNS)
		return 0;
	return settle_modseq(pass, mailbox);
}

static enum task_step remote_begin(struct task *task, struct err *err)
{
	struct remote_task *remote = (struct remote_task *)task;

	(void)err;
	remote->since = condition_of(remote);
	gather(remote);
	remote->request_count = 0;
	remote->answered = 0;
	remote->any_refused = false;
	remote->round = 0;
	imap_set_reset(&remote->modified);
	imap_set_reset(&remote->left);
	remote->gone_due = 0;
	remote->gone_told = 0;
	remote->look_handle = 0;
	remote->looked = false;
	remote->strangers = false;
	remote->select_handle = task_select(task);
	return remote->select_handle == 0 ? request_all(remote) : TASK_MORE;
}

static void remote_end(struct task *task)
{
	struct remote_task *remote = (struct remote_task *)task;

	free(remote->changes);
	free(remote->requests);
	flag_check_clear(&remote->flags);
	imap_set_clear(&remote->modified);
	imap_set_clear(&remote->left);
}

static int remote_run(struct pass *pass, unsigned kinds, struct err *err)
{
	static const struct task_kind kind = {remote_begin, remote_event};
	const struct apply_work work = {
		.kinds = kinds,
		.turns = 1,
		.kind = &kind,
		.task_bytes = sizeof(struct remote_task),
		.end = remote_end,
	};

	return apply_everywhere(pass, &work, err);
}

int remote_flags(struct pass *pass, struct err *err)
{
	return remote_run(pass, 1U << OP_FLAG_REMOTE, err);
}

int remote_removals(struct pass *pass, struct err *err)
{
	const struct imap_caps *caps = pool_caps(pass->pool);
	unsigned kinds = 1U << OP_LEAVE_REMOTE | 1U << OP_REMOVE_REMOTE |
			 1U << OP_MARK_REMOTE;

	if (imap_caps_has(caps, IMAP_CAP_MOVE))
		kinds |= 1U << OP_TRASH_REMOTE;
	else if (trash_removals(pass, err) != 0)
		return -1;
	return remote_run(pass, kinds, err);
}
