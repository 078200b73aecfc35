/*
 * How: what is new on one side gets its identity (delta has read the files; of
 * the server's messages look.h tells it); the journal's index
 * tells where messages of that identity were in step; all of those become
 * items, which move_find() joins. A mailbox that is not opened, since nothing
 * has changed there, has the rows that the journal says. Nothing new, or an
 * empty journal, costs nothing.
 */
#include "moves.h"

#include "delta.h"
#include "look.h"
#include "spare.h"

#include "godwit/mail/maildir_name.h"
#include "godwit/sync/move.h"

#include <stdlib.h>
#include <string.h>

enum {
	IN_LOCAL = SIDE_BIT(LOCAL),
	IN_REMOTE = SIDE_BIT(REMOTE),
	IN_BASE = SIDE_BIT(BASE),
};

/* A message whose copy is proven, and which is to go by ROW_LEFT. */
struct left {
	struct mailbox *mailbox;
	uint32_t row;
	uint64_t intent;
};

struct finding {
	struct pass *pass;
	struct move_item *items; /* on the heap */
	size_t count;
	size_t cap;
	struct arena arena;
	struct moves moves;
	struct left *lefts; /* on the heap */
	size_t left_count;
	size_t left_cap;
	size_t *adopted; /* by mailbox: files that come from elsewhere */
};

/* ---- Items --------------------------------------------------------------- */

static struct row *row_at(
	const struct finding *finding, const struct move_item *item)
{
	return &finding->pass->mailboxes[item->mailbox].match.rows[item->row];
}

static struct mailbox *mailbox_of(
	const struct finding *finding, const struct move_item *item)
{
	return &finding->pass->mailboxes[item->mailbox];
}

static uint32_t number_of(
	const struct finding *finding, const struct mailbox *mailbox)
{
	return (uint32_t)(mailbox - finding->pass->mailboxes);
}

static struct str name_of(const struct mailbox *mailbox, const struct row *row)
{
	if ((row->present & IN_LOCAL) != 0)
		return mailbox->scan.items[row->local].name;
	if ((row->present & IN_BASE) != 0)
		return mailbox->base_items[row->base].name;
	return STR("");
}

/* Whether the row's message is one that we could only mark. */
static bool lingers(const struct finding *finding, const struct row *row)
{
	return row->present == (IN_BASE | IN_REMOTE) &&
	       (row->flags[REMOTE].system & FLAG_DELETED) != 0 &&
	       !imap_caps_has(pool_caps(finding->pass->pool), IMAP_CAP_UIDPLUS);
}

static void add(struct finding *finding, const struct mailbox *mailbox,
	uint32_t row, const struct identity *identity)
{
	const struct row *at = &mailbox->match.rows[row];

	if (lingers(finding, at))
		return;
	finding->items = array_grow(finding->items, &finding->cap,
		finding->count + 1, sizeof(*finding->items));
	finding->items[finding->count++] = (struct move_item){
		.identity = *identity,
		.name = name_of(mailbox, at),
		.mailbox = number_of(finding, mailbox),
		.row = row,
		.present = at->present,
	};
}

/* Whether it is new on a side, or on both, and may be known elsewhere. */
static bool is_new(const struct row *row)
{
	return row->hold == ROW_FREE && row->present != 0 &&
	       (row->present & IN_BASE) == 0;
}

static bool has_base(const struct pass *pass)
{
	for (size_t i = 0; i < pass->count; i++) {
		const struct mailbox *mailbox = &pass->mailboxes[i];

		if (mailbox_is_active(mailbox) &&
			(mailbox->idle || mailbox->journal.count > 0))
			return true;
	}
	return false;
}

/* The file of a row that is new. 1: known; 0: not to be had; -1: err. */
static int identify(struct pass *pass, struct mailbox *mailbox,
	const struct row *row, struct identity *identity_r, struct err *err)
{
	const struct file_facts *known = mailbox_facts(mailbox, row->local);
	struct file_facts facts = {0};
	enum fs_result result = FS_OK;

	if (known != NULL) {
		facts = *known;
	} else {
		if (!mailbox->md_open &&
			mailbox_open_maildir(pass, mailbox, false, err) != 0)
			return -1;
		result = delta_identify(&mailbox->md,
			&mailbox->scan.items[row->local], LINE_FORM_LF, &facts,
			err);
	}
	if (result == FS_FAILED && err->scope != ERR_MESSAGE)
		return -1;
	*identity_r = facts.identity;
	return result == FS_OK;
}

/* Files that are new, or that match has paired with a new message. */
static int add_files(
	struct finding *finding, struct mailbox *mailbox, struct err *err)
{
	int known = 0;

	for (uint32_t i = 0; i < mailbox->match.count && known >= 0; i++) {
		const struct row *row = &mailbox->match.rows[i];
		struct identity identity;

		if (!is_new(row) || (row->present & IN_LOCAL) == 0)
			continue;
		known = identify(finding->pass, mailbox, row, &identity, err);
		if (known == 1)
			add(finding, mailbox, i, &identity);
	}
	mailbox_close_maildir(mailbox);
	return known < 0 ? -1 : 0;
}

/* Messages that are new on the server. */
static int add_messages(struct finding *finding, struct err *err)
{
	struct look_result found = {0};
	int result = look(finding->pass, &found, err);

	for (size_t i = 0; i < found.count; i++)
		add(finding, &finding->pass->mailboxes[found.items[i].mailbox],
			found.items[i].row, &found.items[i].identity);
	free(found.items);
	return result;
}

/* ---- Where they were in step --------------------------------------------- */

/* Of a mailbox that is not opened the journal tells what can be copied. */
static int suppose(struct pass *pass, struct mailbox *mailbox, struct err *err)
{
	if (!mailbox->idle || delta_suppose(pass, mailbox, err) == 0)
		return 0;
	if (err->scope >= ERR_ACCOUNT)
		return -1;
	pass_mailbox_failed(pass, mailbox, err);
	return 0;
}

static int add_place(struct finding *finding, const struct journal_place *place,
	const struct identity *identity, struct err *err)
{
	struct mailbox *mailbox =
		pass_mailbox_of(finding->pass, place->mailbox);
	uint32_t row;

	if (mailbox == NULL)
		return 0;
	if (suppose(finding->pass, mailbox, err) != 0)
		return -1;
	row = mailbox_row(mailbox, place->uid);
	if (mailbox_is_active(mailbox) && row != PLAN_NONE &&
		(mailbox->match.rows[row].present & IN_BASE) != 0 &&
		!mailbox->match.rows[row].stale &&
		mailbox->match.rows[row].origin == ROW_AT_HOME)
		add(finding, mailbox, row, identity);
	return 0;
}

static int item_cmp(const void *a, const void *b)
{
	const struct move_item *x = a;
	const struct move_item *y = b;
	int order = identity_cmp(&x->identity, &y->identity);

	if (order == 0)
		order = (x->mailbox > y->mailbox) - (x->mailbox < y->mailbox);
	return order != 0 ? order : (x->row > y->row) - (x->row < y->row);
}

/* Told twice, by a server or by a broken connection: once is enough. */
static void drop_doubles(struct finding *finding)
{
	size_t kept = 0;

	if (finding->count > 0)
		qsort(finding->items, finding->count, sizeof(*finding->items),
			item_cmp);
	for (size_t i = 0; i < finding->count; i++) {
		const struct move_item *item = &finding->items[i];
		const struct move_item *last =
			kept > 0 ? &finding->items[kept - 1] : NULL;

		if (!mailbox_is_active(mailbox_of(finding, item)))
			continue;
		if (last == NULL || last->mailbox != item->mailbox ||
			last->row != item->row)
			finding->items[kept++] = *item;
	}
	finding->count = kept;
}

static int add_known(struct finding *finding, struct err *err)
{
	size_t count = finding->count;

	for (size_t i = 0; i < count; i++) {
		const struct identity identity = finding->items[i].identity;
		struct journal_places places = {0};

		if (i > 0 && identity_cmp(&identity,
				     &finding->items[i - 1].identity) == 0)
			continue;
		if (journal_find_identity(&finding->pass->journal, &identity,
			    &finding->arena, &places, err) != 0)
			return -1;
		for (size_t k = 0; k < places.count; k++) {
			if (add_place(finding, &places.items[k], &identity,
				    err) != 0)
				return -1;
		}
	}
	return 0;
}

/* ---- Second names -------------------------------------------------------- */

/* Whether we gave the file that a row has here its name, and its letters. */
static bool is_derived(
	const struct finding *finding, const struct move_item *item)
{
	struct mailbox *mailbox = mailbox_of(finding, item);
	struct maildir_name name;
	struct buf stem = {0};
	bool is;

	maildir_name_stem(&stem, finding->pass->account->name, mailbox->name,
		mailbox->uidvalidity, row_at(finding, item)->uid);
	is = maildir_name_parse(item->name, &name) &&
	     maildir_name_has_stem(&name, buf_str(&stem));
	buf_clear(&stem);
	return is;
}

/* A message that no run has finished has a file that we named. */
static bool is_half_done(
	const struct finding *finding, const struct move_item *item)
{
	return item->present == (IN_LOCAL | IN_REMOTE) &&
	       is_derived(finding, item);
}

/* What a power cut left of a rename is no message. Most often there was none,
 * and no file is looked at. */
static int drop_spares(struct finding *finding, struct err *err)
{
	struct spare_file *files =
		arena_array(&finding->arena, finding->count, sizeof(*files));
	size_t count = 0;
	size_t kept = 0;
	bool any = false;

	for (size_t i = 0; i < finding->count; i++) {
		const struct move_item *item = &finding->items[i];
		bool is_ours = is_half_done(finding, item);

		any = any || is_ours;
		if (is_ours || item->present == IN_LOCAL)
			files[count++] = (struct spare_file){
				.mailbox = mailbox_of(finding, item),
				.row = item->row,
				.is_ours = is_ours,
			};
	}
	if (any && spare_find(finding->pass, files, count, err) != 0)
		return -1;
	for (size_t i = 0; i < finding->count; i++) {
		if (row_at(finding, &finding->items[i])->present != 0)
			finding->items[kept++] = finding->items[i];
	}
	finding->count = kept;
	return 0;
}

/* ---- What an earlier run has asked for ----------------------------------- */

/* Flags in the words of another mailbox. False: they cannot be said there. */
static bool translate(const struct mailbox *from, struct flags flags,
	struct mailbox *to, struct flags *flags_r)
{
	struct arena scratch = {0};
	struct err ignored;
	size_t count;
	const struct str *names =
		flags_to_names(from->base.keywords, flags, &scratch, &count);
	bool is_said = flags_from_names(to->base.keywords, names, count,
			       flags_r, &ignored) == 0;

	arena_clear(&scratch);
	return is_said;
}

/* Whether a message that cannot be moved may go once there is a copy; marked,
 * at least, where no single one can be expunged. */
static bool can_leave(const struct pass *pass, const struct mailbox *from,
	const struct row *original)
{
	const struct imap_caps *caps = pool_caps(pass->pool);

	if (imap_caps_has(caps, IMAP_CAP_MOVE) || from->policy.remote_readonly)
		return false;
	return imap_caps_has(caps, IMAP_CAP_UIDPLUS) ||
	       (from->policy.takes[REMOTE].system & FLAG_DELETED &
		       ~original->flags[REMOTE].system) != 0;
}

/* The row of a file's message, if both sides of the mailbox have it. */
static struct row *row_of_both(const struct mailbox *mailbox, struct str name)
{
	for (size_t i = 0; i < mailbox->match.count; i++) {
		struct row *row = &mailbox->match.rows[i];

		if ((row->present & IN_LOCAL) != 0 &&
			(row->present & IN_REMOTE) != 0 &&
			str_eq(mailbox->scan.items[row->local].name, name))
			return row;
	}
	return NULL;
}

static void keep_left(struct finding *finding, struct mailbox *from,
	uint32_t row, struct journal_intent *intent)
{
	from->match.rows[row].origin = ROW_LEFT;
	finding->lefts = array_grow(finding->lefts, &finding->left_cap,
		finding->left_count + 1, sizeof(*finding->lefts));
	finding->lefts[finding->left_count++] =
		(struct left){from, row, intent->sequence};
	intent->sequence = 0; /* it stays open */
}

/* What both sides are taken to have had of a message whose answer was lost, so
 * that it ends with the flags that it would have got: those of its original, as
 * the journal knows them or, of a copy, as it began with them (plan.c). */
static void begin_known(const struct mailbox *from, struct flags known,
	struct mailbox *mailbox, struct row *row)
{
	struct flags flags;

	if ((row->present & IN_BASE) != 0 ||
		!translate(from, known, mailbox, &flags))
		return;
	flags.keywords = row->flags[LOCAL].keywords;
	row->flags[BASE] = flags;
	row->present |= IN_BASE;
	row->stale = true;
	row->base = PLAN_NONE;
}

/* Whether the file of what was copied has gone from where it was: then it was
 * moved, and the server can or must only copy (way_of()). */
static bool is_moved(const struct row *original)
{
	return original->present == (IN_BASE | IN_REMOTE);
}

/* An earlier run asked for this, and did not come to its end. */
static void resume(struct finding *finding, struct mailbox *mailbox,
	struct journal_intent *intent)
{
	const struct intent_record *record = &intent->record;
	struct mailbox *from =
		pass_mailbox_of(finding->pass, record->source_mailbox);
	uint32_t at = from == NULL ? PLAN_NONE
				   : mailbox_row(from, record->source_uid);
	struct row *row = row_of_both(mailbox, record->name);
	const struct row *original;

	if (at == PLAN_NONE || row == NULL)
		return;
	original = &from->match.rows[at];
	if (record->kind == INTENT_COPY && (original->present & IN_REMOTE) != 0)
		begin_known(from,
			original->flags[is_moved(original) ? BASE : REMOTE],
			mailbox, row);
	if (record->kind == INTENT_MOVE && is_moved(original) &&
		can_leave(finding->pass, from, original)) {
		begin_known(from, original->flags[BASE], mailbox, row);
		keep_left(finding, from, at, intent);
	}
}

static void resume_all(struct finding *finding)
{
	struct pass *pass = finding->pass;

	for (size_t i = 0; i < pass->count; i++) {
		struct mailbox *mailbox = &pass->mailboxes[i];
		struct journal_intents *intents = &mailbox->intents;

		if (!mailbox_is_active(mailbox))
			continue;
		for (size_t k = 0; k < intents->count; k++) {
			if (intents->items[k].record.kind != INTENT_APPEND)
				resume(finding, mailbox, &intents->items[k]);
		}
	}
}

/* ---- Linking ------------------------------------------------------------- */

static bool writes_server(
	const struct pass *pass, const struct mailbox *mailbox)
{
	return pass->account->direction != ACCOUNT_DIRECTION_PULL &&
	       !mailbox->policy.remote_readonly;
}

static enum side side_of(enum move_kind kind)
{
	return kind == MOVE_MESSAGE || kind == MOVE_COPY_MESSAGE ? REMOTE
								 : LOCAL;
}

/* INTERNALDATE and EMAILID of an item's message, which MOVE and COPY keep. */
static int learn_date(const struct finding *finding,
	const struct move_item *item, struct mailbox_link *link,
	struct err *err)
{
	struct mailbox *mailbox = mailbox_of(finding, item);
	const struct row *row = row_at(finding, item);
	struct journal_message message;
	struct arena scratch = {0};
	int found = 0;

	if ((item->present & IN_BASE) != 0) {
		found = journal_message(
			&mailbox->base, row->uid, &scratch, &message, err);
		if (found == 1) {
			link->email_key = message.detail->email_key;
			link->date_s = message.internaldate_s;
			link->zone_minutes = message.zone_min;
		}
		arena_clear(&scratch);
	} else if ((item->present & IN_REMOTE) != 0) {
		link->email_key = mailbox->remote[row->remote].email_key;
		link->date_s = mailbox->remote[row->remote].date_s;
		link->zone_minutes = mailbox->remote[row->remote].zone_minutes;
	}
	return found < 0 ? -1 : 0;
}

static void link_entry(const struct finding *finding,
	const struct move_item *item, struct mailbox_link *link)
{
	int at = link->entry_of[0] != NULL;

	if ((item->present & IN_BASE) == 0)
		return;
	link->stored_raw = mailbox_of(finding, item)
				   ->base_items[row_at(finding, item)->base]
				   .stored_raw;
	link->entry_of[at] = mailbox_of(finding, item);
	link->entry_uid[at] = row_at(finding, item)->uid;
}

/* Whose entries go, once there is one at the new place. */
static void link_entries(const struct finding *finding, const struct move *move,
	struct mailbox_link *link)
{
	if (move->kind == MOVE_COPY_FILE || move->kind == MOVE_COPY_MESSAGE ||
		move->kind == MOVE_FLAGS || link->leaves)
		return;
	if (move->from != MOVE_NONE)
		link_entry(finding, &finding->items[move->from], link);
	if (move->base != MOVE_NONE && move->base != move->to &&
		move->base != move->from)
		link_entry(finding, &finding->items[move->base], link);
}

/*
 * Letters stand for other keywords in another folder, and mail readers take
 * them along as they are: of a file that was moved they do not say which
 * keywords were changed. So none were. Of a file that we rename anyway, the
 * name will say so; else the base is made to have what the letters say, and the
 * file gets those of the server.
 */
static void distrust_letters(const struct finding *finding,
	const struct move *move, struct move_rows *rows)
{
	const struct move_item *to = &finding->items[move->to];

	if (move->kind == MOVE_FILE &&
		finding->items[move->from].present == IN_LOCAL)
		rows->flags.keywords = rows->base_flags.keywords;
	if (move->kind == MOVE_MESSAGE || move->kind == MOVE_COPY_MESSAGE ||
		((move->kind == MOVE_ENTRY || move->kind == MOVE_FLAGS) &&
			!is_derived(finding, to)))
		rows->base_flags.keywords = rows->to->flags[LOCAL].keywords;
}

/*
 * A file that follows to another folder: the keywords that it has lost where it
 * lies, as the letters there say. The new folder may have no letter for them,
 * so that there nothing could be said by not bearing it.
 */
static bool fill_shown(const struct finding *finding, const struct move *move,
	struct move_rows *rows)
{
	const struct move_item *item = &finding->items[move->from];
	const struct row *row = row_at(finding, item);
	struct mailbox *from = mailbox_of(finding, item);
	struct keywords *keywords = from->base.keywords;
	uint32_t lost = keywords_minus(keywords, row->flags[BASE].keywords,
		row->flags[LOCAL].keywords);
	uint32_t untold =
		keywords_minus(keywords, lost, mailbox_shown_keywords(from));
	struct flags shown = {
		.keywords = keywords_minus(keywords, lost, untold)};
	bool is_said = translate(from, shown,
		mailbox_of(finding, &finding->items[move->to]), &shown);

	rows->shown = shown.keywords;
	return is_said;
}

/* What the rows of a move say, in the words of its target. False: it cannot be
 * said there; the message then goes as if it was new. */
static bool fill_rows(const struct finding *finding, const struct move *move,
	struct move_rows *rows)
{
	const struct move_item *to = &finding->items[move->to];
	const struct move_item *item;
	bool is_said = true;

	*rows = (struct move_rows){.to = row_at(finding, to)};
	if (move->from != MOVE_NONE) {
		item = &finding->items[move->from];
		rows->from = row_at(finding, item);
		is_said = translate(mailbox_of(finding, item),
			rows->from->flags[side_of(move->kind)],
			mailbox_of(finding, to), &rows->flags);
	}
	if (move->base != MOVE_NONE) {
		item = &finding->items[move->base];
		rows->base = row_at(finding, item);
		is_said = translate(mailbox_of(finding, item),
				  rows->base->flags[BASE],
				  mailbox_of(finding, to), &rows->base_flags) &&
			  is_said;
	}
	if (move->kind == MOVE_FILE && move->base == move->from)
		is_said = fill_shown(finding, move, rows) && is_said;
	return is_said;
}

/* A message that has to stay where it is can be copied still; the move's base
 * goes along. */
static enum move_kind way_of(const struct finding *finding,
	const struct move_item *from, enum move_kind kind)
{
	const struct pass *pass = finding->pass;
	const struct mailbox *mailbox = mailbox_of(finding, from);
	bool can_go = can_leave(pass, mailbox, row_at(finding, from)) ||
		      (imap_caps_has(pool_caps(pass->pool), IMAP_CAP_MOVE) &&
			      !mailbox->policy.remote_readonly);

	return kind == MOVE_MESSAGE && !can_go ? MOVE_COPY_MESSAGE : kind;
}

static int link_from(const struct finding *finding, const struct move *move,
	struct mailbox_link *link, struct err *err)
{
	const struct move_item *to = &finding->items[move->to];
	const struct move_item *item = &finding->items[move->from];
	const struct row *row = row_at(finding, item);

	link->from = mailbox_of(finding, item);
	link->from_row = item->row;
	link->from_uid = row->uid;
	link->identity = item->identity;
	link->leaves = move->kind == MOVE_MESSAGE &&
		       can_leave(finding->pass, link->from, row) &&
		       writes_server(finding->pass, mailbox_of(finding, to));
	if ((item->present & IN_BASE) != 0)
		link->stored_raw = link->from->base_items[row->base].stored_raw;
	return learn_date(
		finding, side_of(move->kind) == LOCAL ? to : item, link, err);
}

/* A file that comes from elsewhere is an item behind those of the scan. */
static uint32_t adopt(struct finding *finding, const struct move *move)
{
	const struct move_item *to = &finding->items[move->to];
	const struct move_item *from = &finding->items[move->from];
	struct maildir_scan *scan = &mailbox_of(finding, to)->scan;
	size_t at = scan->count + finding->adopted[to->mailbox]++;

	scan->items[at] = mailbox_of(finding, from)
				  ->scan.items[row_at(finding, from)->local];
	return (uint32_t)at;
}

/* The mailbox that a message is moved from on the server. */
static void note_source(const struct mailbox_link *link)
{
	struct mailbox *from = link->from;

	check(from != NULL);
	if (link->leaves)
		from->links[from->link_count++] =
			(struct mailbox_link){.row = link->from_row};
	else
		from->moved_out++;
}

static int link_move(
	struct finding *finding, struct move *move, struct err *err)
{
	const struct move_item *to = &finding->items[move->to];
	struct mailbox *mailbox = mailbox_of(finding, to);
	struct mailbox_link *link = &mailbox->links[mailbox->link_count];
	struct move_rows rows;

	*link = (struct mailbox_link){.row = to->row};
	if (!fill_rows(finding, move, &rows))
		return 0;
	if (move->from != MOVE_NONE) {
		move->kind = way_of(
			finding, &finding->items[move->from], move->kind);
		if (link_from(finding, move, link, err) != 0)
			return -1;
	}
	distrust_letters(finding, move, &rows);
	link_entries(finding, move, link);
	mailbox->link_count++;
	move_join(move->kind, &rows, link->leaves);
	if (move->kind == MOVE_FILE)
		rows.to->local = adopt(finding, move);
	if (move->kind == MOVE_MESSAGE)
		note_source(link);
	return 0;
}

/* Room for the links of each mailbox, and for files that come to it. */
static void make_room(struct finding *finding)
{
	struct pass *pass = finding->pass;
	size_t *links =
		arena_array(&finding->arena, pass->count, sizeof(*links));
	size_t *files =
		arena_array(&finding->arena, pass->count, sizeof(*files));

	for (size_t i = 0; i < finding->left_count; i++)
		links[number_of(finding, finding->lefts[i].mailbox)]++;
	for (size_t i = 0; i < finding->moves.count; i++) {
		const struct move *move = &finding->moves.items[i];

		links[finding->items[move->to].mailbox]++;
		files[finding->items[move->to].mailbox]++;
		if (move->from != MOVE_NONE)
			links[finding->items[move->from].mailbox]++;
	}
	for (size_t i = 0; i < pass->count; i++) {
		struct mailbox *mailbox = &pass->mailboxes[i];
		struct maildir_scan *scan = &mailbox->scan;
		struct local_item *items;

		if (!mailbox_is_active(mailbox))
			continue;
		mailbox->links = arena_array(
			&mailbox->arena, links[i], sizeof(*mailbox->links));
		if (files[i] == 0)
			continue;
		items = arena_array(&mailbox->arena, scan->count + files[i],
			sizeof(*items));
		if (scan->count > 0)
			memcpy(items, scan->items,
				scan->count * sizeof(*items));
		scan->items = items;
	}
	finding->adopted = arena_array(
		&finding->arena, pass->count, sizeof(*finding->adopted));
}

static int link_cmp(const void *a, const void *b)
{
	const struct mailbox_link *x = a;
	const struct mailbox_link *y = b;

	return (x->row > y->row) - (x->row < y->row);
}

/* That nothing is left of many is worth a word, though nothing is lost. */
static void say_emptied(struct pass *pass, struct mailbox *mailbox)
{
	size_t here = mailbox->match.count;

	for (size_t i = 0; i < mailbox->match.count; i++)
		here -= mailbox->match.rows[i].present == 0;
	if (mailbox->moved_out > pass->account->guard.min_messages && here == 0)
		pass_note(pass, mailbox,
			"all its %zu messages were moved to other mailboxes",
			mailbox->moved_out);
}

static int link_all(struct finding *finding, struct err *err)
{
	struct pass *pass = finding->pass;

	make_room(finding);
	for (size_t i = 0; i < finding->left_count; i++) {
		const struct left *left = &finding->lefts[i];

		left->mailbox->links[left->mailbox->link_count++] =
			(struct mailbox_link){
				.row = left->row, .intent = left->intent};
	}
	for (size_t i = 0; i < finding->moves.count; i++) {
		if (link_move(finding, &finding->moves.items[i], err) != 0)
			return -1;
	}
	for (size_t i = 0; i < pass->count; i++) {
		struct mailbox *mailbox = &pass->mailboxes[i];

		if (!mailbox_is_active(mailbox))
			continue; /* it is as an earlier turn left it */
		if (mailbox->link_count > 0)
			qsort(mailbox->links, mailbox->link_count,
				sizeof(*mailbox->links), link_cmp);
		say_emptied(pass, mailbox);
	}
	return 0;
}

/* ---- All of it ----------------------------------------------------------- */

static int find(struct finding *finding, struct err *err)
{
	struct pass *pass = finding->pass;

	for (size_t i = 0; i < pass->count; i++) {
		struct mailbox *mailbox = &pass->mailboxes[i];

		if (!mailbox_is_active(mailbox) ||
			add_files(finding, mailbox, err) == 0)
			continue;
		if (err->scope >= ERR_ACCOUNT)
			return -1;
		pass_mailbox_failed(pass, mailbox, err);
	}
	if (add_messages(finding, err) != 0)
		return -1;
	drop_doubles(finding);
	if (drop_spares(finding, err) != 0 || add_known(finding, err) != 0)
		return -1;
	move_find(finding->items, finding->count, &finding->arena,
		&finding->moves);
	return 0;
}

int moves(struct pass *pass, struct err *err)
{
	struct finding finding = {.pass = pass};
	int result = 0;

	if (!has_base(pass))
		return 0;
	resume_all(&finding);
	result = find(&finding, err);
	if (result == 0)
		result = link_all(&finding, err);
	free(finding.items);
	free(finding.lefts);
	arena_clear(&finding.arena);
	return result;
}
