/*
 * How: everything found goes into one list of sightings, sorted by local name;
 * sightings of one name make one mailbox. What cannot be told apart on disk
 * (two names with one key) is taken out before anything is written. A mailbox
 * that the journal knows and one side lacks is looked up on the local side
 * once more, since an unreadable folder is not a missing one; what the server
 * does not list is asked for by its name (absence.c).
 */
#include "survey.h"

#include "absence.h"
#include "place.h"
#include "removal.h"
#include "rename.h"
#include "rename_doubt.h"

#include "godwit/base/limits.h"
#include "godwit/imap/name.h"
#include "godwit/mail/mailbox_glob.h"
#include "godwit/mail/mailbox_rename.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
	NAME_SHOWN_BYTES = 100, /* of one that is too long */
	RENAME_ROUNDS_MAX = 8,  /* surveys that may rename something */
};

enum source {
	FROM_SERVER,
	FROM_MAILDIR,
	FROM_JOURNAL,
};

/* One mailbox as one of the three has it. */
struct sighting {
	struct str name; /* local */
	enum source source;
	struct str wire;
	struct str server_name;
	unsigned attrs;
	struct imap_status status; /* `present` is 0 if none was told */
	struct maildir_stamp seen;
	const struct journal_mailbox *known;
};

struct sightings {
	struct sighting *items; /* on the heap */
	size_t count;
	size_t cap;
};

static struct sighting *sight(
	struct sightings *list, struct str name, enum source source)
{
	struct sighting *item;

	list->items = array_grow(
		list->items, &list->cap, list->count + 1, sizeof(*list->items));
	item = &list->items[list->count++];
	*item = (struct sighting){.name = name, .source = source};
	return item;
}

/* ---- The server's list --------------------------------------------------- */

struct listed {
	struct str wire;
	unsigned attrs;
	char delimiter;
};

struct list_task {
	struct task task;
	struct pass *pass;
	struct listed *items; /* on the heap */
	size_t count;
	size_t cap;
	struct imap_status *statuses; /* on the heap; sorted by name at last */
	size_t status_count;
	size_t status_cap;
	uint32_t list_handle;
	uint32_t lsub_handle;
	unsigned awaited;
	bool subscribed_by_list; /* the LIST tells \Subscribed itself */
	bool ordered;            /* items are by name, each there once */
};

/* What tells whether a mailbox has changed, as far as the server has it. Not
 * MAILBOXID, for which Cyrus 3.6 puts bytes of something else into the answer
 * to a LIST: SELECT tells it. */
static unsigned status_items(const struct list_task *list)
{
	const struct imap_caps *caps =
		imap_session_caps(conn_session(list->task.conn));
	unsigned items = IMAP_STATUS_MESSAGES | IMAP_STATUS_UIDNEXT |
			 IMAP_STATUS_UIDVALIDITY;

	if (imap_caps_has(caps, IMAP_CAP_CONDSTORE))
		items |= IMAP_STATUS_HIGHESTMODSEQ;
	return items;
}

static void list_submit(struct list_task *list, enum imap_command_kind kind,
	unsigned return_options, uint32_t *handle_r)
{
	static const struct str everything = {"*", 1};
	struct imap_command command = {.kind = kind};

	command.list.reference = STR("");
	command.list.patterns = (struct imap_strs){&everything, 1};
	command.list.return_options = return_options;
	if ((return_options & IMAP_LIST_OPT_STATUS) != 0)
		command.list.status_items = status_items(list);
	*handle_r = conn_submit(list->task.conn, &command);
	list->awaited++;
}

static enum task_step list_begin(struct task *task, struct err *err)
{
	struct list_task *list = (struct list_task *)task;
	const struct imap_caps *caps =
		imap_session_caps(conn_session(task->conn));
	bool extended = imap_caps_has(caps, IMAP_CAP_LIST_EXTENDED);
	unsigned options = 0;

	(void)err;
	list->count = 0;
	list->status_count = 0;
	list->ordered = false;
	list->awaited = 0;
	if (extended && imap_caps_has(caps, IMAP_CAP_SPECIAL_USE))
		options |= IMAP_LIST_OPT_SPECIAL_USE;
	list->subscribed_by_list = extended;
	if (extended)
		options |= IMAP_LIST_OPT_SUBSCRIBED;
	if (extended && imap_caps_has(caps, IMAP_CAP_LIST_STATUS) &&
		list->pass->options->depth >= SYNC_STATUS)
		options |= IMAP_LIST_OPT_STATUS;
	list_submit(list, IMAP_LIST, options, &list->list_handle);
	if (!extended)
		list_submit(list, IMAP_LSUB, 0, &list->lsub_handle);
	return TASK_MORE;
}

static int listed_cmp(const void *a, const void *b)
{
	return str_cmp(((const struct listed *)a)->wire,
		((const struct listed *)b)->wire);
}

/* By name, and each once: there may be many, and as many to be looked up. */
static void order_listed(struct list_task *list)
{
	size_t kept = 0;

	if (list->count > 0)
		qsort(list->items, list->count, sizeof(*list->items),
			listed_cmp);
	for (size_t i = 0; i < list->count; i++) {
		if (kept > 0 && listed_cmp(&list->items[kept - 1],
					&list->items[i]) == 0)
			list->items[kept - 1].attrs |= list->items[i].attrs;
		else
			list->items[kept++] = list->items[i];
	}
	list->count = kept;
	list->ordered = true;
}

/* LSUB's answers only tell who is subscribed: they follow LIST's. */
static void list_subscribed(struct list_task *list, struct str wire)
{
	const struct listed key = {.wire = wire};
	struct listed *found;

	if (!list->ordered)
		order_listed(list);
	found = list->count == 0 ? NULL
				 : bsearch(&key, list->items, list->count,
					   sizeof(key), listed_cmp);
	if (found != NULL)
		found->attrs |= IMAP_ATTR_SUBSCRIBED;
}

/* Its mailbox takes no part; the others do. */
static void name_too_long(struct pass *pass, struct str wire)
{
	struct err err;

	err_set(&err, ERR_MAILBOX, ERR_NEVER, ERR_SYNC,
		"the server has a mailbox whose name has %zu bytes, too many "
		"for a folder: %.*s...",
		wire.len,
		STR_FMT(err_said(str_sub(wire, 0, NAME_SHOWN_BYTES))));
	pass_error(pass, NULL, &err, 0, (struct str){0});
}

static int list_add(
	struct list_task *list, const struct imap_list *item, struct err *err)
{
	if (list->lsub_handle != 0 && list->awaited == 1) {
		list_subscribed(list, item->name);
		return 0;
	}
	if (list->count >= LIMIT_MAILBOXES)
		return err_set(err, ERR_ACCOUNT, ERR_NEVER, ERR_PROTOCOL,
			"the server lists more than %d mailboxes; include: "
			"cannot help, since all are listed",
			LIMIT_MAILBOXES);
	if (item->name.len > RECORD_MAILBOX_NAME_BYTES_MAX) {
		name_too_long(list->pass, item->name);
		return 0;
	}
	list->items = array_grow(
		list->items, &list->cap, list->count + 1, sizeof(*list->items));
	list->items[list->count++] = (struct listed){
		.wire = arena_str(&list->pass->arena, item->name),
		.attrs = item->attrs,
		.delimiter = item->delimiter,
	};
	return 0;
}

/* A STATUS belongs to a name of the list; more of them are not kept. */
static void status_add(struct list_task *list, const struct imap_status *status)
{
	struct imap_status *kept;

	if (list->status_count >= LIMIT_MAILBOXES ||
		status->name.len > RECORD_MAILBOX_NAME_BYTES_MAX)
		return;
	list->statuses = array_grow(list->statuses, &list->status_cap,
		list->status_count + 1, sizeof(*list->statuses));
	kept = &list->statuses[list->status_count++];
	*kept = *status;
	kept->name = arena_str(&list->pass->arena, status->name);
	kept->mailboxid = STR(""); /* nobody asked for it */
}

static int status_cmp(const void *a, const void *b)
{
	const struct imap_status *x = a;
	const struct imap_status *y = b;

	return str_cmp(x->name, y->name);
}

/* What was told of the mailbox `wire`, or NULL. */
static const struct imap_status *status_find(
	const struct list_task *list, struct str wire)
{
	const struct imap_status key = {.name = wire};

	if (list->status_count == 0)
		return NULL;
	return bsearch(&key, list->statuses, list->status_count, sizeof(key),
		status_cmp);
}

static enum task_step list_answered(
	struct list_task *list, const struct imap_event *event, struct err *err)
{
	const struct imap_status_line *line = &event->response->line;

	bool needed = event->handle == list->list_handle ||
		      list->pass->account->mailboxes.subscribed;

	if (needed && line->condition != IMAP_OK) {
		err_set(err, ERR_ACCOUNT, ERR_LATER, ERR_PROTOCOL,
			"the server does not list its mailboxes: %.*s",
			STR_FMT(err_said(line->text)));
		return TASK_FAILED;
	}
	return --list->awaited == 0 ? TASK_DONE : TASK_MORE;
}

static enum task_step list_event(
	struct task *task, const struct imap_event *event, struct err *err)
{
	struct list_task *list = (struct list_task *)task;

	if (event->kind == IMAP_EVENT_TAGGED)
		return list_answered(list, event, err);
	if (event->kind == IMAP_EVENT_UNTAGGED &&
		event->response->kind == IMAP_RESPONSE_LIST &&
		list_add(list, &event->response->list, err) != 0)
		return TASK_FAILED;
	if (event->kind == IMAP_EVENT_UNTAGGED &&
		event->response->kind == IMAP_RESPONSE_STATUS)
		status_add(list, &event->response->status);
	return TASK_MORE;
}

/* Whether the name lies in other users' or shared namespaces. */
static bool is_foreign(const struct server *server, struct str wire)
{
	struct str rest = buf_str(&server->foreign);
	struct str prefix;

	while (rest.len > 0 && str_split(&rest, '\0', &prefix)) {
		if (prefix.len > 0 && str_starts(wire, prefix))
			return true;
	}
	return false;
}

/* What the mailbox `utf8` is called: there, in canonical form, and here. */
static int names_make(struct pass *pass, const struct mailbox_space *space,
	struct str utf8, struct sighting *item, struct err *err)
{
	const struct account_mailboxes *wanted = &pass->account->mailboxes;
	struct buf canonical = {0};
	struct buf local = {0};
	int result = mailbox_name_from_server(space, utf8, &canonical, err);

	if (result == 0) {
		mailbox_rename_to_local(wanted->renames, wanted->rename_count,
			buf_str(&canonical), &local);
		item->server_name =
			arena_str(&pass->arena, buf_str(&canonical));
		item->name = arena_str(&pass->arena, buf_str(&local));
	}
	buf_clear(&canonical);
	buf_clear(&local);
	return result;
}

static void sight_listed(struct pass *pass, const struct mailbox_space *space,
	const struct listed *listed, const struct imap_status *status,
	struct sightings *list)
{
	struct sighting item = {
		.source = FROM_SERVER,
		.wire = listed->wire,
		.attrs = listed->attrs,
	};
	struct buf utf8 = {0};
	struct err err;

	if (status != NULL)
		item.status = *status;
	if (!imap_name_decode(
		    listed->wire, pool_server(pass->pool)->utf8, &utf8)) {
		buf_reset(&utf8);
		buf_add(&utf8, listed->wire);
	}
	if (names_make(pass, space, buf_str(&utf8), &item, &err) == 0) {
		*sight(list, item.name, FROM_SERVER) = item;
	} else {
		err_context(&err, "%.*s", STR_FMT(buf_str(&utf8)));
		pass_error(pass, NULL, &err, 0, (struct str){0});
	}
	buf_clear(&utf8);
}

/* Some servers do not list INBOX, which every one has (RFC 3501 5.1). */
static bool lists_inbox(const struct list_task *list)
{
	for (size_t i = 0; i < list->count; i++) {
		if (imap_name_is_inbox(list->items[i].wire))
			return true;
	}
	return false;
}

static struct mailbox_space space_of(
	const struct pass *pass, const struct list_task *list)
{
	struct mailbox_space space = server_space(pool_server(pass->pool));

	for (size_t i = 0; i < list->count && space.delimiter == '\0'; i++)
		space.delimiter = list->items[i].delimiter;
	return space;
}

static int list_server(
	struct pass *pass, struct list_task *list, struct err *err)
{
	struct task *tasks[] = {&list->task};

	list->task.tries = 0;
	list->task.result = TASK_MORE;
	if (pool_run(pass->pool, tasks, 1, 1, err) != 0)
		return -1;
	if (list->task.result != TASK_FAILED)
		return 0;
	*err = list->task.err;
	return -1;
}

/* Ends the removals that a run before this one did not come to the end of, and
 * lists afresh. */
static int end_removals(
	struct pass *pass, struct list_task *list, struct err *err)
{
	struct str *asides =
		arena_array(&pass->arena, list->count, sizeof(*asides));
	size_t count = 0;

	if (pass->options->depth != SYNC_APPLY ||
		pass->account->direction == ACCOUNT_DIRECTION_PULL)
		return 0;
	for (size_t i = 0; i < list->count; i++) {
		if (removal_is_aside(list->items[i].wire))
			asides[count++] = list->items[i].wire;
	}
	if (count == 0)
		return 0;
	if (removal_resume(pass, asides, count, err) != 0)
		return -1;
	return list_server(pass, list, err);
}

static void sight_all(struct pass *pass, struct list_task *list,
	const struct mailbox_space *space, struct sightings *sightings)
{
	const struct imap_list inbox = {
		.name = STR("INBOX"), .delimiter = space->delimiter};
	struct err ignored;

	if (!lists_inbox(list))
		(void)list_add(list, &inbox, &ignored);
	if (list->status_count > 0)
		qsort(list->statuses, list->status_count,
			sizeof(*list->statuses), status_cmp);
	for (size_t i = 0; i < list->count; i++) {
		struct str wire = list->items[i].wire;

		if (!is_foreign(pool_server(pass->pool), wire) &&
			!removal_is_aside(wire))
			sight_listed(pass, space, &list->items[i],
				status_find(list, wire), sightings);
	}
}

static int sight_server(struct pass *pass, struct sightings *sightings,
	struct mailbox_space *space_r, struct err *err)
{
	static const struct task_kind kind = {list_begin, list_event};
	struct list_task list = {
		.task = {.kind = &kind, .goes_ahead = true}, .pass = pass};
	int result = list_server(pass, &list, err);

	if (result == 0)
		result = end_removals(pass, &list, err);
	if (result == 0) {
		*space_r = space_of(pass, &list);
		pass->delimiter = space_r->delimiter;
		sight_all(pass, &list, space_r, sightings);
	}
	free(list.items);
	free(list.statuses);
	return result;
}

/* ---- The Maildir's and the journal's lists ------------------------------- */

static int sight_maildir(
	struct pass *pass, struct sightings *sightings, struct err *err)
{
	const struct maildir_place place = {
		.fs = &pass->ports->fs, .root = pass->root};
	struct maildir_names names;

	if (pass->root == NULL)
		return 0;
	if (maildir_list(&place, pass->account->layout, &pass->arena, &names,
		    err) != 0)
		return -1;
	for (size_t i = 0; i < names.count; i++)
		sight(sightings, names.items[i], FROM_MAILDIR)->seen =
			names.stamps[i];
	pass->unread_here = false;
	for (size_t i = 0; i < names.fault_count; i++) {
		pass_error(pass, NULL, &names.faults[i], 0, STR(""));
		pass->unread_here =
			pass->unread_here || names.faults[i].cause == ERR_DISK;
	}
	return 0;
}

static int sight_journal(
	struct pass *pass, struct sightings *sightings, struct err *err)
{
	struct journal_mailboxes known;

	if (!pass->has_journal)
		return 0; /* check has told why */
	if (journal_mailboxes(&pass->journal, &pass->arena, &known, err) != 0)
		return -1;
	for (size_t i = 0; i < known.count; i++)
		sight(sightings, known.items[i].record.name, FROM_JOURNAL)
			->known = &known.items[i];
	return 0;
}

/* ---- Joining ------------------------------------------------------------- */

static int sighting_cmp(const void *a, const void *b)
{
	const struct sighting *x = a;
	const struct sighting *y = b;
	int order = str_cmp(x->name, y->name);

	return order != 0 ? order : (int)x->source - (int)y->source;
}

static struct mailbox *mailbox_add(struct pass *pass, struct str name)
{
	struct mailbox *mailbox;

	pass->mailboxes = array_grow(pass->mailboxes, &pass->cap,
		pass->count + 1, sizeof(*pass->mailboxes));
	mailbox = &pass->mailboxes[pass->count++];
	*mailbox = (struct mailbox){.name = name, .server_name = name};
	return mailbox;
}

static bool can_be_selected(unsigned attrs)
{
	return (attrs & (IMAP_ATTR_NOSELECT | IMAP_ATTR_NONEXISTENT)) == 0;
}

/* Whether two names are one mailbox's, which is just listed twice. */
static bool is_same(struct str wire, struct str other)
{
	return str_eq(wire, other) ||
	       (imap_name_is_inbox(wire) && imap_name_is_inbox(other));
}

/* Adds a sighting to its mailbox. False: two of the server's have the name. */
static bool mailbox_sighted(
	struct mailbox *mailbox, const struct sighting *item)
{
	switch (item->source) {
	case FROM_SERVER:
		if (mailbox->wire_name.ptr != NULL &&
			!is_same(mailbox->wire_name, item->wire))
			return false;
		mailbox->wire_name = item->wire;
		mailbox->server_name = item->server_name;
		mailbox->attrs |= item->attrs;
		mailbox->on_server |= can_be_selected(item->attrs);
		mailbox->status = item->status;
		break;
	case FROM_MAILDIR:
		mailbox->on_local = true;
		mailbox->seen = item->seen;
		break;
	case FROM_JOURNAL:
		mailbox->in_journal = true;
		mailbox->id = item->known->id;
		mailbox->record = item->known->record;
		break;
	}
	return true;
}

/* The server's name of a mailbox that only the Maildir or the journal has. */
static int name_for_server(struct pass *pass, const struct mailbox_space *space,
	struct mailbox *mailbox, struct err *err)
{
	const struct account_mailboxes *wanted = &pass->account->mailboxes;
	struct buf canonical = {0};
	struct buf utf8 = {0};
	struct buf wire = {0};
	int result = -1;

	if (!mailbox_rename_to_server(wanted->renames, wanted->rename_count,
		    mailbox->name, &canonical))
		err_set(err, ERR_MAILBOX, ERR_NEVER, ERR_CONFIG,
			"no server mailbox can have this name, because "
			"`rename` gives that one another");
	else
		result = mailbox_name_to_server(
			space, buf_str(&canonical), &utf8, err);
	if (result == 0 && !imap_name_encode(buf_str(&utf8),
				   pool_server(pass->pool)->utf8, &wire))
		result = err_set(err, ERR_MAILBOX, ERR_NEVER, ERR_SYNC,
			"the name cannot be a mailbox's on the server");
	if (result == 0) {
		mailbox->server_name =
			arena_str(&pass->arena, buf_str(&canonical));
		mailbox->wire_name = arena_str(&pass->arena, buf_str(&wire));
	}
	buf_clear(&canonical);
	buf_clear(&utf8);
	buf_clear(&wire);
	return result;
}

static bool fits_any(const struct account_list *globs, struct str name)
{
	for (size_t i = 0; i < globs->count; i++) {
		if (mailbox_glob_match(globs->items[i], name))
			return true;
	}
	return false;
}

/* Include, exclude, the command line's patterns, and subscribed. */
static enum mailbox_left_out left_out(
	const struct pass *pass, const struct mailbox *mailbox, struct str name)
{
	const struct account_mailboxes *wanted = &pass->account->mailboxes;

	if (wanted->include.count > 0 && !fits_any(&wanted->include, name))
		return LEFT_OUT_NOT_INCLUDED;
	if (fits_any(&wanted->exclude, name))
		return LEFT_OUT_EXCLUDED;
	if (pass->options->globs.count > 0 &&
		!fits_any(&pass->options->globs, name))
		return LEFT_OUT_NOT_ASKED;
	if (wanted->subscribed && mailbox->on_server &&
		(mailbox->attrs & IMAP_ATTR_SUBSCRIBED) == 0)
		return LEFT_OUT_NOT_SUBSCRIBED;
	return LEFT_OUT_NOT;
}

static bool takes_part(const struct pass *pass, struct mailbox *mailbox)
{
	const struct account_mailboxes *wanted = &pass->account->mailboxes;
	struct buf name = {0};

	if (mailbox->wire_name.ptr != NULL)
		buf_add(&name, mailbox->server_name);
	else if (!mailbox_rename_to_server(wanted->renames,
			 wanted->rename_count, mailbox->name, &name))
		buf_add(&name, mailbox->name);
	mailbox->left_out = left_out(pass, mailbox, buf_str(&name));
	buf_clear(&name);
	return mailbox->left_out == LEFT_OUT_NOT;
}

static void mailbox_refuse(
	struct pass *pass, struct mailbox *mailbox, const char *why)
{
	struct err err;

	err_set(&err, ERR_MAILBOX, ERR_NEVER, ERR_SYNC, "%s", why);
	pass_mailbox_failed(pass, mailbox, &err);
}

/* Makes mailboxes of the sorted sightings. */
static void join(struct pass *pass, const struct mailbox_space *space,
	const struct sightings *list)
{
	for (size_t i = 0; i < list->count;) {
		struct mailbox *mailbox =
			mailbox_add(pass, list->items[i].name);
		struct str name = list->items[i].name;
		bool once = true;
		struct err err;

		for (; i < list->count && str_eq(list->items[i].name, name);
			i++)
			once = mailbox_sighted(mailbox, &list->items[i]) &&
			       once;
		if (mailbox->wire_name.ptr == NULL && mailbox->in_journal) {
			mailbox->wire_name = mailbox->record.wire_name;
			mailbox->server_name = mailbox->record.server_name;
		}
		if (!takes_part(pass, mailbox))
			mailbox->part = MAILBOX_LEFT_OUT;
		else if (mailbox->wire_name.ptr == NULL &&
			 name_for_server(pass, space, mailbox, &err) != 0)
			pass_mailbox_failed(pass, mailbox, &err);
		else if (!once)
			mailbox_refuse(pass, mailbox,
				"the server has two mailboxes that would meet "
				"on this folder; give one another place with "
				"`rename`");
	}
}

struct keyed {
	struct str key;
	struct mailbox *mailbox;
};

static int keyed_cmp(const void *a, const void *b)
{
	return str_cmp(
		((const struct keyed *)a)->key, ((const struct keyed *)b)->key);
}

/* The mailboxes by the key of the folder that they are on. */
static struct keyed *sort_by_key(struct pass *pass, bool fold)
{
	struct keyed *keys =
		arena_array(&pass->arena, pass->count, sizeof(*keys));
	struct buf key = {0};

	for (size_t i = 0; i < pass->count; i++) {
		buf_reset(&key);
		mailbox_name_key(pass->mailboxes[i].name, fold, &key);
		keys[i].key = arena_str(&pass->arena, buf_str(&key));
		keys[i].mailbox = &pass->mailboxes[i];
	}
	buf_clear(&key);
	if (pass->count > 0)
		qsort(keys, pass->count, sizeof(*keys), keyed_cmp);
	return keys;
}

static void refuse_pair(struct pass *pass, struct mailbox *mailbox)
{
	if (mailbox->part == MAILBOX_SYNCED)
		mailbox_refuse(pass, mailbox,
			"its folder and that of another mailbox would be one, "
			"since their names differ only in letter case or "
			"spelling; give one another place with `rename`");
}

/* Whether the file system folds letter case. A pass that must not write may not
 * be told, if the root is empty yet: it takes names as they are. */
static int ask_folding(struct pass *pass, bool *folds_r, struct err *err)
{
	bool may_write = pass->options->depth == SYNC_APPLY;
	enum fs_result result =
		pass->ports->fs.folds_case(pass->root, may_write, folds_r, err);

	if (result == FS_ABSENT)
		*folds_r = false;
	return result == FS_FAILED ? -1 : 0;
}

/* Takes out what would meet on one folder. The file system is asked about
 * letter case only where that matters, because asking may write. */
static int refuse_meeting(struct pass *pass, bool fold, struct err *err)
{
	struct keyed *keys = sort_by_key(pass, fold);
	bool folds = !fold;
	bool asked = !fold;

	for (size_t i = 1; i < pass->count; i++) {
		if (!str_eq(keys[i].key, keys[i - 1].key) ||
			keys[i].mailbox->part == MAILBOX_BROKEN)
			continue;
		if (!asked && pass->root != NULL &&
			pass->options->depth != SYNC_CHECK &&
			ask_folding(pass, &folds, err) != 0)
			return -1;
		asked = true;
		if (!folds)
			continue;
		refuse_pair(pass, keys[i - 1].mailbox);
		refuse_pair(pass, keys[i].mailbox);
	}
	return 0;
}

/* Looks for the mailbox's folder where a layout has it. */
static enum fs_result find_folder(struct pass *pass,
	const struct mailbox *mailbox, enum mailbox_layout layout,
	struct err *err)
{
	struct buf path = {0};
	struct keywords *keywords = keywords_new();
	struct maildir_place place = {
		.fs = &pass->ports->fs, .root = pass->root, .read_only = true};
	struct maildir md = {0};
	enum fs_result result = FS_ABSENT;

	if (mailbox_name_path(layout, mailbox->name, &path, err) == 0) {
		place.path = buf_str(&path);
		result = maildir_open(&md, &place, keywords, err);
	}
	if (md.fs != NULL)
		maildir_close(&md);
	buf_clear(&path);
	keywords_free(&keywords);
	return result;
}

/* A folder that the walk did not see may be one that cannot be read, or lie
 * where another layout has it. */
static void confirm_local_gone(struct pass *pass, struct mailbox *mailbox)
{
	bool nested = pass->account->layout == LAYOUT_NESTED;
	enum fs_result result;
	struct err err;

	if (pass->root == NULL)
		return;
	result = find_folder(pass, mailbox, pass->account->layout, &err);
	if (result == FS_FAILED) {
		err.scope = ERR_MAILBOX;
		pass_mailbox_failed(pass, mailbox, &err);
	}
	mailbox->on_local = result == FS_OK;
	if (result == FS_ABSENT &&
		find_folder(pass, mailbox,
			nested ? LAYOUT_MAILDIRPP : LAYOUT_NESTED,
			&err) == FS_OK) {
		err_set(&err, ERR_MAILBOX, ERR_NEVER, ERR_CONFIG,
			"its folder lies where `layout: %s` has it; take back "
			"the change of `layout`, or move the folder",
			nested ? "maildir++" : "nested");
		pass_mailbox_failed(pass, mailbox, &err);
	}
}

static struct mailbox *find_trash(struct pass *pass)
{
	for (size_t i = 0; i < pass->count; i++) {
		struct mailbox *mailbox = &pass->mailboxes[i];

		if (mailbox->on_server &&
			(mailbox->attrs & IMAP_ATTR_TRASH) != 0)
			return mailbox;
	}
	for (size_t i = 0; i < pass->count; i++) {
		struct mailbox *mailbox = &pass->mailboxes[i];

		if (mailbox->on_server &&
			str_ieq(mailbox->server_name, STR("Trash")))
			return mailbox;
	}
	return NULL;
}

/* Fills pass->mailboxes, afresh. */
static int look_around(struct pass *pass, struct err *err)
{
	struct sightings list = {0};
	struct mailbox_space space;
	int result = -1;

	pass->count = 0;
	if (sight_server(pass, &list, &space, err) != 0 ||
		sight_maildir(pass, &list, err) != 0 ||
		sight_journal(pass, &list, err) != 0)
		goto out;
	if (list.count > 0)
		qsort(list.items, list.count, sizeof(*list.items),
			sighting_cmp);
	join(pass, &space, &list);
	if (refuse_meeting(pass, false, err) != 0 ||
		refuse_meeting(pass, true, err) != 0)
		goto out;
	for (size_t i = 0; i < pass->count; i++) {
		struct mailbox *mailbox = &pass->mailboxes[i];

		if (mailbox->part == MAILBOX_SYNCED && mailbox->in_journal &&
			!mailbox->on_local &&
			pass->options->depth != SYNC_CHECK)
			confirm_local_gone(pass, mailbox);
	}
	place_settle(pass);
	result = absence(pass, err);
out:
	free(list.items);
	return result;
}

/* A mailbox that was renamed may have taken others along. */
int survey(struct pass *pass, struct err *err)
{
	bool again = true;

	for (unsigned round = 0; again; round++) {
		bool may_act = round < RENAME_ROUNDS_MAX;

		again = false;
		if (look_around(pass, err) != 0)
			return -1;
		if (pass->options->depth >= SYNC_STATUS &&
			(rename_doubt_ask(pass, err) != 0 ||
				rename_settle(pass, may_act, &again, err) != 0))
			return -1;
	}
	pass->trash = find_trash(pass);
	return 0;
}
