/*
 * How: what the list told says which of the server's mailboxes may be a missing
 * one. Each of these is opened, read-only, by a task of its own, and the
 * headers of a few messages are asked for: the newest, the oldest, one in the
 * middle; where none of these is left, of a few that are.
 */
#include "rename_there.h"

#include "samples.h"

#include "godwit/base/limits.h"
#include "godwit/imap/name.h"
#include "godwit/imap/set.h"
#include "godwit/mail/identity.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
	PROBES_A_LOGIN = 8,
};

/* ---- What may be what ---------------------------------------------------- */

bool rename_lacks_there(const struct mailbox *mailbox)
{
	const struct imap_status *status = &mailbox->status;

	return !mailbox->on_server ||
	       ((status->present & IMAP_STATUS_UIDVALIDITY) != 0 &&
		       mailbox->record.uidvalidity != 0 &&
		       status->uidvalidity != mailbox->record.uidvalidity);
}

bool rename_can_be_known(const struct mailbox *mailbox)
{
	return mailbox->in_journal &&
	       mailbox->record.state == MAILBOX_ATTACHED &&
	       !mailbox->elsewhere &&
	       (mailbox->part == MAILBOX_SYNCED ||
		       (mailbox->part == MAILBOX_LEFT_OUT &&
			       mailbox->left_out == LEFT_OUT_NOT_ASKED)) &&
	       !imap_name_is_inbox(mailbox->record.wire_name) &&
	       !str_eq(mailbox->record.name, STR("INBOX"));
}

/* What the journal knows of ids. */
struct ids {
	struct str *sorted; /* of all mailboxes that have one */
	size_t count;
	bool count_at_all; /* the server has OBJECTID, and no id twice */
};

static int id_cmp(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static void ids_load(struct pass *pass, struct ids *ids)
{
	ids->sorted =
		arena_array(&pass->arena, pass->count, sizeof(*ids->sorted));
	ids->count = 0;
	ids->count_at_all =
		imap_caps_has(pool_caps(pass->pool), IMAP_CAP_OBJECTID);
	for (size_t i = 0; i < pass->count; i++) {
		const struct mailbox *mailbox = &pass->mailboxes[i];

		if (mailbox->in_journal && mailbox->record.object_id.len > 0)
			ids->sorted[ids->count++] = mailbox->record.object_id;
	}
	if (ids->count > 0)
		qsort(ids->sorted, ids->count, sizeof(*ids->sorted), id_cmp);
	for (size_t i = 1; i < ids->count; i++) {
		if (str_eq(ids->sorted[i], ids->sorted[i - 1]))
			ids->count_at_all = false;
	}
}

/* Whether another mailbox of the journal, or two of those that the server told
 * of, have the UIDVALIDITY of this one: then it says nothing. */
static bool is_common(const struct pass *pass, const struct mailbox *of)
{
	uint32_t uidvalidity = of->record.uidvalidity;
	size_t known = 0;
	size_t told = 0;

	for (size_t i = 0; i < pass->count; i++) {
		const struct mailbox *mailbox = &pass->mailboxes[i];

		known += mailbox->in_journal &&
			 mailbox->record.uidvalidity == uidvalidity;
		told += (mailbox->status.present & IMAP_STATUS_UIDVALIDITY) !=
				0 &&
			mailbox->status.uidvalidity == uidvalidity;
	}
	return uidvalidity == 0 || known > 1 || told > 1;
}

/* ---- Looking at one ------------------------------------------------------ */

enum probe_stage {
	PROBE_OPENS,
	PROBE_FETCHES,
	PROBE_LISTS, /* what is left of all that is known */
};

struct probe {
	struct task task; /* its mailbox may be the missing one */
	struct pass *pass;
	const struct ids *ids;
	struct rename *renames;
	const bool *common; /* of each: its UIDVALIDITY is */
	size_t count;
	enum probe_stage stage;
	struct rename *is; /* the missing one, by number or id */
	bool by_id;
	struct samples samples;
	uint32_t uid_last; /* of those that the journal knows; 0: none */
	struct imap_set listed;
	bool has_listed;
	bool proven;
	bool is_denied; /* for good, as far as one can tell */
};

static struct rename *find_by_id(const struct probe *probe, struct str id)
{
	if (!probe->ids->count_at_all || id.len == 0)
		return NULL;
	for (size_t i = 0; i < probe->count; i++) {
		struct rename *rename = &probe->renames[i];

		if (rename_lacks_there(rename->known) &&
			str_eq(rename->known->record.object_id, id))
			return rename;
	}
	return NULL;
}

/* One that has another id is another mailbox. */
static bool contradicts(
	const struct probe *probe, const struct rename *rename, struct str id)
{
	struct str known = rename->known->record.object_id;

	return probe->ids->count_at_all && id.len > 0 && known.len > 0 &&
	       !str_eq(id, known);
}

static struct rename *find_by_number(
	const struct probe *probe, const struct imap_mailbox *selected)
{
	for (size_t i = 0; i < probe->count; i++) {
		struct rename *rename = &probe->renames[i];

		if (rename_lacks_there(rename->known) && !probe->common[i] &&
			rename->known->record.uidvalidity ==
				selected->uidvalidity &&
			!contradicts(probe, rename, selected->mailboxid))
			return rename;
	}
	return NULL;
}

static int take_samples(struct probe *probe, struct journal_base *base,
	const struct journal_messages *known, struct err *err)
{
	for (size_t i = 0; i < SAMPLES; i++) {
		size_t at = samples_place(known->count, i);

		if (samples_add(&probe->samples, base, known->items[at].uid,
			    err) != 0)
			return -1;
	}
	return 0;
}

/* Drops those that the server has not listed. */
static void keep_listed(
	const struct probe *probe, struct journal_messages *known)
{
	size_t kept = 0;

	for (size_t i = 0; i < known->count; i++) {
		if (imap_set_contains(&probe->listed, known->items[i].uid))
			known->items[kept++] = known->items[i];
	}
	known->count = kept;
}

/* Messages that the journal knows, if it knows any; of those that are left,
 * once these were listed. */
static int load_samples(struct probe *probe, struct err *err)
{
	const struct mailbox *known = probe->is->known;
	struct journal_messages messages;
	struct journal_base base;
	struct arena scratch = {0};
	int result;

	probe->samples.count = 0;
	if (journal_base_open(&base, &probe->pass->journal, known->id, err) !=
		0)
		return -1;
	result = journal_messages(&base, false, &scratch, &messages, err);
	if (result == 0 && messages.count > 0)
		probe->uid_last = messages.items[messages.count - 1].uid;
	if (result == 0 && probe->has_listed)
		keep_listed(probe, &messages);
	if (result == 0 && messages.count > 0)
		result = take_samples(probe, &base, &messages, err);
	journal_base_close(&base);
	arena_clear(&scratch);
	return result;
}

/* Where nothing is left that could be compared, the numbers must be what became
 * of those that it had. A UIDVALIDITY of 1 is many mailboxes'. */
static bool may_have_become(
	const struct probe *probe, const struct imap_mailbox *selected)
{
	const struct mailbox_record *record = &probe->is->known->record;

	return record->uidvalidity > 1 && selected->uidnext > probe->uid_last &&
	       selected->uidnext >= record->uidnext &&
	       selected->highestmodseq >= record->highestmodseq;
}

static void fetch(struct probe *probe, const struct imap_set *set,
	unsigned item, enum probe_stage stage)
{
	struct imap_command command = {.kind = IMAP_FETCH};
	struct buf text = {0};
	size_t from = 0;

	(void)imap_set_print_next(set, &from, LIMIT_NAME_BYTES, &text);
	probe->stage = stage;
	command.fetch.set = buf_str(&text);
	command.fetch.items = IMAP_FETCH_UID | item;
	conn_submit(probe->task.conn, &command);
	buf_clear(&text);
}

static enum task_step fetch_samples(struct probe *probe)
{
	struct imap_set set = {0};

	samples_uids(&probe->samples, &set);
	fetch(probe, &set, IMAP_FETCH_HEADER, PROBE_FETCHES);
	imap_set_clear(&set);
	return TASK_MORE;
}

static enum task_step list_known(struct probe *probe)
{
	struct imap_set set = {0};

	imap_set_add_range(&set, 1, probe->uid_last);
	fetch(probe, &set, 0, PROBE_LISTS);
	imap_set_clear(&set);
	return TASK_MORE;
}

/* Asks for the samples, or does without. */
static enum task_step go_on(struct probe *probe,
	const struct imap_mailbox *selected, struct err *err)
{
	if (load_samples(probe, err) != 0)
		return TASK_FAILED;
	if (probe->samples.count > 0)
		return fetch_samples(probe);
	probe->proven = probe->by_id || may_have_become(probe, selected);
	return TASK_DONE;
}

static enum task_step opened(struct probe *probe, struct err *err)
{
	const struct imap_mailbox *selected =
		imap_session_mailbox(conn_session(probe->task.conn));

	if (selected == NULL)
		return TASK_DONE;
	probe->is = find_by_id(probe, selected->mailboxid);
	probe->by_id = probe->is != NULL;
	if (!probe->by_id)
		probe->is = find_by_number(probe, selected);
	if (probe->is == NULL)
		return TASK_DONE;
	/* Its UIDs mean nothing any more: there is but the id. */
	if (probe->is->known->record.uidvalidity != selected->uidvalidity) {
		probe->proven = true;
		return TASK_DONE;
	}
	return go_on(probe, selected, err);
}

/* What of the samples is gone meanwhile is not told. */
static enum task_step fetched(struct probe *probe)
{
	size_t told = samples_told(&probe->samples);

	if (told == 0 && !probe->by_id && !probe->has_listed)
		return list_known(probe);
	probe->proven = samples_different(&probe->samples) == 0 &&
			(told > 0 || probe->by_id);
	return TASK_DONE;
}

static enum task_step listed(struct probe *probe, struct err *err)
{
	const struct imap_mailbox *selected =
		imap_session_mailbox(conn_session(probe->task.conn));

	probe->has_listed = true;
	return selected == NULL ? TASK_DONE : go_on(probe, selected, err);
}

static enum task_step answered_ok(struct probe *probe, struct err *err)
{
	switch (probe->stage) {
	case PROBE_OPENS:
		return opened(probe, err);
	case PROBE_FETCHES:
		return fetched(probe);
	case PROBE_LISTS:
		break;
	}
	return listed(probe, err);
}

static enum task_step probe_answered(struct probe *probe,
	const struct imap_status_line *line, struct err *err)
{
	if (line->condition == IMAP_OK)
		return answered_ok(probe, err);
	probe->is_denied = line->code.kind == IMAP_CODE_NOPERM;
	err_set(err, ERR_MAILBOX, ERR_LATER, ERR_SYNC,
		"the server does not let it be looked into, so it stays open "
		"whether it is a mailbox that was renamed: %.*s",
		STR_FMT(err_said(line->text)));
	return TASK_FAILED;
}

static void take_fetch(struct probe *probe, const struct imap_fetch *fetched)
{
	if (probe->stage == PROBE_FETCHES)
		samples_hear(&probe->samples, fetched);
	else if (probe->stage == PROBE_LISTS &&
		 (fetched->present & IMAP_FETCH_UID) != 0)
		imap_set_add(&probe->listed, fetched->uid);
}

static enum task_step probe_begin(struct task *task, struct err *err)
{
	struct probe *probe = (struct probe *)task;
	const struct imap_caps *caps =
		imap_session_caps(conn_session(task->conn));
	struct imap_command command = {.kind = IMAP_EXAMINE};

	(void)err;
	probe->stage = PROBE_OPENS;
	probe->is = NULL;
	probe->by_id = false;
	probe->samples.count = 0;
	probe->uid_last = 0;
	imap_set_clear(&probe->listed);
	probe->has_listed = false;
	probe->is_denied = false;
	command.select.mailbox = task->mailbox->wire_name;
	command.select.condstore =
		!imap_session_enabled(
			conn_session(task->conn), IMAP_CAP_CONDSTORE) &&
		imap_caps_has(caps, IMAP_CAP_CONDSTORE);
	task_open(task, &command);
	return TASK_MORE;
}

static enum task_step probe_event(
	struct task *task, const struct imap_event *event, struct err *err)
{
	struct probe *probe = (struct probe *)task;

	if (event->kind == IMAP_EVENT_TAGGED)
		return probe_answered(probe, &event->response->line, err);
	if (event->kind == IMAP_EVENT_UNTAGGED &&
		event->response->kind == IMAP_RESPONSE_FETCH)
		take_fetch(probe, &event->response->fetch);
	return TASK_MORE;
}

/* ---- Looking at all ------------------------------------------------------ */

static bool has_number(
	const struct rename *renames, size_t count, uint64_t uidvalidity)
{
	for (size_t i = 0; i < count; i++) {
		if (rename_lacks_there(renames[i].known) &&
			renames[i].known->record.uidvalidity == uidvalidity)
			return true;
	}
	return false;
}

static bool has_id(const struct rename *renames, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (rename_lacks_there(renames[i].known) &&
			renames[i].known->record.object_id.len > 0)
			return true;
	}
	return false;
}

/* Whether the server's mailbox may be one that was renamed: it is no other's,
 * and what was told of it does not speak against it. */
static bool is_candidate(const struct mailbox *mailbox,
	const struct rename *renames, size_t count, bool ids_count)
{
	const struct imap_status *status = &mailbox->status;

	if (!mailbox->on_server || imap_name_is_inbox(mailbox->wire_name) ||
		(mailbox->in_journal && (!rename_can_be_known(mailbox) ||
						!rename_lacks_there(mailbox))))
		return false;
	if ((ids_count && has_id(renames, count)) ||
		(status->present & IMAP_STATUS_UIDVALIDITY) == 0)
		return true;
	return has_number(renames, count, status->uidvalidity);
}

/* It is not known what became of those that are not found yet. What is left
 * alone anyway does not wait for what is not allowed. */
static void leave_open(struct pass *pass, const struct probe *probe)
{
	for (size_t i = 0; i < probe->count; i++) {
		struct mailbox *known = probe->renames[i].known;

		if (probe->renames[i].there != NULL ||
			(probe->is_denied &&
				known->record.state != MAILBOX_ATTACHED))
			continue;
		probe->task.mailbox->closed = !probe->is_denied;
		if (mailbox_is_active(known))
			pass_mailbox_failed(pass, known, &probe->task.err);
	}
}

/* Two that both seem to be the same mailbox are no proof of either. */
static bool is_told_twice(
	const struct probe *probes, size_t count, const struct rename *rename)
{
	size_t told = 0;

	for (size_t i = 0; i < count; i++)
		told += probes[i].proven && probes[i].is == rename;
	return told > 1;
}

static void take_results(
	struct pass *pass, const struct probe *probes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (probes[i].proven &&
			!is_told_twice(probes, count, probes[i].is))
			probes[i].is->there = probes[i].task.mailbox;
	}
	for (size_t i = 0; i < count; i++) {
		if (probes[i].task.result == TASK_FAILED)
			leave_open(pass, &probes[i]);
	}
}

static size_t make_probes(struct pass *pass, const struct probe *form,
	struct probe *probes, struct task **queue)
{
	size_t count = 0;

	for (size_t i = 0; i < pass->count; i++) {
		struct mailbox *mailbox = &pass->mailboxes[i];

		if (!is_candidate(mailbox, form->renames, form->count,
			    form->ids->count_at_all))
			continue;
		probes[count] = *form;
		probes[count].task.mailbox = mailbox;
		queue[count] = &probes[count].task;
		count++;
	}
	return count;
}

/* A login costs about as much as looking into a few mailboxes. */
static uint32_t connections_for(const struct pass *pass, size_t mailboxes)
{
	uint32_t useful = (uint32_t)(mailboxes / PROBES_A_LOGIN) + 1;

	return useful < pass->account->connections ? useful
						   : pass->account->connections;
}

int rename_there_find(struct pass *pass, struct rename *renames, size_t count,
	struct err *err)
{
	static const struct task_kind kind = {probe_begin, probe_event};
	struct probe *probes =
		arena_array(&pass->arena, pass->count, sizeof(*probes));
	struct task **queue =
		arena_array(&pass->arena, pass->count, sizeof(struct task *));
	struct ids ids;
	bool *common = arena_array(&pass->arena, count, sizeof(*common));
	const struct probe form = {
		.task.kind = &kind,
		.pass = pass,
		.ids = &ids,
		.renames = renames,
		.common = common,
		.count = count,
	};
	bool any = false;
	size_t probed;
	int result;

	for (size_t i = 0; i < count; i++) {
		bool lacks = rename_lacks_there(renames[i].known);

		renames[i].there = lacks ? NULL : renames[i].known;
		common[i] = lacks && is_common(pass, renames[i].known);
		any = any || lacks;
	}
	ids_load(pass, &ids);
	probed = any ? make_probes(pass, &form, probes, queue) : 0;
	if (probed == 0)
		return 0;
	result = pool_run(
		pass->pool, queue, probed, connections_for(pass, probed), err);
	if (result == 0)
		take_results(pass, probes, probed);
	for (size_t i = 0; i < probed; i++)
		imap_set_clear(&probes[i].listed);
	return result;
}
