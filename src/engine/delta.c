/*
 * How: the local side is scanned first, without the server; then a task a
 * mailbox goes through the stages below. What is new on the server is listed
 * with size and date, what is known only with its flags. Headers are fetched
 * for those new messages alone whose size says that they may be a new file, and
 * bodies where only they can tell.
 */
#include "delta.h"

#include "alike.h"
#include "intents.h"
#include "listing.h"
#include "unread.h"
#include "untold.h"

#include "godwit/base/limits.h"
#include "godwit/mail/line_ends.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	SCANS_MAX = 4, /* until a Maildir folder counts as never at rest */
	READ_BYTES = 64 << 10,
	SINGLES_MAX = 64,   /* headers that are asked for one by one */
	WINDOW_UNIT = 1000, /* the window of Yahoo is ten of these */
	HEADER_PIECE_BYTES = 4 << 10,
};

enum stage {
	STAGE_LIST,    /* what the server has (listing.h) */
	STAGE_DETAIL,  /* sizes and dates that are still missing */
	STAGE_HEADERS, /* of candidates */
	STAGE_DOUBTS,  /* bodies of those whose size cannot be right */
};

struct delta_task {
	struct task task;
	struct pass *pass;
	enum stage stage;
	struct listing listing;
	unsigned awaited; /* answers of this stage */
	unsigned scans;   /* of the Maildir folder, in this task */
	bool moved;       /* a file that was scanned is not there any more */
	bool refused;     /* a command of this stage was answered NO or BAD */
	struct err refusal;
	struct match_identities headers; /* items on the heap */
	size_t header_cap;
	struct untold untold;
	struct unread unread;
	bool asked_singly;
	struct identity_stream doubt; /* the body that comes now */
	bool reading_doubt;
	struct alike alike; /* such bodies */
};

/* ---- The local side ------------------------------------------------------ */

static int load_base(struct mailbox *mailbox, struct err *err)
{
	if (journal_entries(&mailbox->base, &mailbox->arena,
		    &mailbox->base_items, &mailbox->journal.count, err) != 0)
		return -1;
	mailbox->base_sum =
		mailbox_sum(mailbox->base_items, mailbox->journal.count);
	return 0;
}

static int scan_local(
	struct pass *pass, struct mailbox *mailbox, struct err *err)
{
	const struct maildir_known known = {
		mailbox->base_items, mailbox->journal.count};
	int result;

	for (int i = 0; i < KWFILE_LETTERS; i++)
		mailbox->letters[i] = KEYWORD_NONE;
	mailbox->scanned = true;
	mailbox->supposed = false;
	if (!mailbox->on_local)
		return 0;
	if (mailbox_open_maildir(pass, mailbox, false, err) != 0)
		return -1;
	memcpy(mailbox->letters, mailbox->md.kwfile.ids,
		sizeof(mailbox->letters));
	result = maildir_scan(
		&mailbox->md, &known, &mailbox->arena, &mailbox->scan, err);
	/* What the letters mean is what they meant all the time. */
	if (result == 0 && !maildir_letters_eq(&mailbox->md.letters,
				   &mailbox->scan.stamp.letters))
		mailbox->scan.is_final = false;
	mailbox_close_maildir(mailbox);
	mailbox->local_sum = maildir_scan_sum(&mailbox->scan);
	return result;
}

/* Whether the folder is known without a scan: it has not changed since it had
 * just what the journal has. */
static bool can_suppose(const struct mailbox *mailbox)
{
	return (mailbox->quiet & SIDE_BIT(LOCAL)) != 0 &&
	       (mailbox->record.alike & SIDE_BIT(LOCAL)) != 0;
}

/* Nothing but the keyword file is read, if there was one on the walk. */
static int suppose_letters(
	struct pass *pass, struct mailbox *mailbox, struct err *err)
{
	for (int i = 0; i < KWFILE_LETTERS; i++)
		mailbox->letters[i] = KEYWORD_NONE;
	if (mailbox->seen.letters.inode == 0)
		return 0;
	if (mailbox_open_maildir(pass, mailbox, false, err) != 0)
		return -1;
	memcpy(mailbox->letters, mailbox->md.kwfile.ids,
		sizeof(mailbox->letters));
	mailbox_close_maildir(mailbox);
	return 0;
}

/* Makes the scan of the journal's entries. File names are not known then, only
 * what they begin with. */
static int suppose_local(
	struct pass *pass, struct mailbox *mailbox, struct err *err)
{
	struct maildir_scan *scan = &mailbox->scan;
	size_t count = mailbox->journal.count;

	if (suppose_letters(pass, mailbox, err) != 0)
		return -1;
	scan->items = arena_array(&mailbox->arena, count, sizeof(*scan->items));
	for (size_t i = 0; i < count; i++)
		scan->items[i] = (struct local_item){
			.name = mailbox->base_items[i].name,
			.file_name = mailbox->base_items[i].name,
			.flags = mailbox->base_items[i].flags,
			.unnamed = true,
		};
	scan->count = count;
	scan->stamp = mailbox->seen;
	scan->is_final = true; /* or the record would not say so */
	mailbox->local_sum = mailbox->base_sum;
	mailbox->scanned = true;
	mailbox->supposed = true;
	return 0;
}

/* Scans the folder for the names of files that are not called as we would. */
static int look_up_names(struct mailbox *mailbox, struct err *err)
{
	const struct maildir_known none = {0};

	if (mailbox->named.count > 0)
		return 0;
	return maildir_scan(
		&mailbox->md, &none, &mailbox->arena, &mailbox->named, err);
}

enum fs_result delta_name_file(
	struct mailbox *mailbox, struct local_item *item, struct err *err)
{
	const struct local_item *found;
	enum fs_result result;

	if (!item->unnamed)
		return FS_OK;
	result = maildir_guess(&mailbox->md, item, err);
	if (result != FS_ABSENT)
		return result;
	if (look_up_names(mailbox, err) != 0)
		return FS_FAILED;
	found = maildir_scan_find(&mailbox->named, item->name);
	if (found == NULL || !flags_eq(found->flags, item->flags))
		return FS_ABSENT;
	item->file_name = found->file_name;
	item->in_new = found->in_new;
	item->unnamed = false;
	return FS_OK;
}

static int prepare_local(
	struct pass *pass, struct mailbox *mailbox, struct err *err)
{
	if (mailbox_open_base(pass, mailbox, err) != 0)
		return -1;
	if (mailbox->in_journal && load_base(mailbox, err) != 0)
		return -1;
	return can_suppose(mailbox) ? 0 : scan_local(pass, mailbox, err);
}

/* Feeds the canonical form of a file's next bytes to `stream`. Most of it is
 * only counted, which need not be made. */
static void feed_chunk(struct to_crlf *conv, struct str chunk,
	struct buf *canonical, struct identity_stream *stream)
{
	while (chunk.len > 0 && !identity_only_counts(stream)) {
		struct str piece = str_sub(chunk, 0, HEADER_PIECE_BYTES);

		buf_reset(canonical);
		to_crlf_feed(conv, piece, canonical);
		identity_feed(stream, buf_str(canonical));
		chunk = str_sub(chunk, piece.len, chunk.len);
	}
	if (chunk.len > 0)
		identity_count(stream, to_crlf_count(conv, chunk));
}

/* Feeds a file's canonical form to `stream`. */
static enum fs_result feed_file(const struct fs_port *fs, struct fs_file *file,
	enum line_form form, struct identity_stream *stream, struct err *err)
{
	struct buf chunk = {0};
	struct buf canonical = {0};
	struct to_crlf conv;
	size_t got = 1;
	enum fs_result result = FS_OK;

	to_crlf_init(&conv, form);
	while (got > 0 && result == FS_OK) {
		buf_reset(&chunk);
		result = fs->read(file, buf_reserve(&chunk, READ_BYTES),
			READ_BYTES, &got, err);
		if (result != FS_OK)
			break;
		buf_commit(&chunk, got);
		feed_chunk(&conv, buf_str(&chunk), &canonical, stream);
	}
	buf_clear(&chunk);
	buf_clear(&canonical);
	return result;
}

/* A file of a scan, and how it is read. */
struct feeding {
	struct local_item *item;
	enum line_form form;
	struct fs_stat stat; /* before it was read */
};

/* Feeds it to a stream that was begun. */
static enum fs_result feed_item(struct maildir *md, struct feeding *feeding,
	struct identity_stream *stream, struct err *err)
{
	struct fs_file *file = NULL;
	enum fs_result result =
		maildir_read(md, feeding->item, &file, &feeding->stat, err);

	if (result == FS_OK) {
		result = feed_file(md->fs, file, feeding->form, stream, err);
		md->fs->close(&file);
	}
	if (result != FS_OK)
		identity_clear(stream);
	return result;
}

enum fs_result delta_identify(struct maildir *md, struct local_item *item,
	enum line_form form, struct file_facts *facts_r, struct err *err)
{
	struct feeding feeding = {.item = item, .form = form};
	struct identity_stream stream;
	enum fs_result result;

	identity_init(&stream);
	result = feed_item(md, &feeding, &stream, err);
	if (result != FS_OK)
		return result;
	facts_r->disk_bytes = feeding.stat.bytes;
	facts_r->mtime_ns = feeding.stat.mtime_ns;
	facts_r->wire_bytes = stream.fed_bytes;
	identity_finish(&stream, &facts_r->identity);
	return FS_OK;
}

enum fs_result delta_alike(struct maildir *md, struct local_item *item,
	struct identity *alike_r, struct err *err)
{
	struct feeding feeding = {.item = item, .form = LINE_FORM_LF};
	struct identity_stream stream;
	struct identity identity;
	enum fs_result result;

	identity_init_alike(&stream);
	result = feed_item(md, &feeding, &stream, err);
	if (result == FS_OK)
		identity_finish_alike(&stream, &identity, alike_r);
	return result;
}

/* ---- Asking the server --------------------------------------------------- */

static void fetch(struct delta_task *delta, struct str set, unsigned items)
{
	struct imap_command command = {.kind = IMAP_FETCH};

	command.fetch.set = set;
	command.fetch.items = IMAP_FETCH_UID | items;
	conn_submit(delta->task.conn, &command);
	delta->awaited++;
}

/* Fetches `items` of a set, in as many commands as its text needs. */
static void fetch_set(
	struct delta_task *delta, const struct imap_set *set, unsigned items)
{
	struct buf text = {0};
	size_t from = 0;

	while (imap_set_print_next(
		set, &from, LIMIT_COMMAND_LINE_BYTES - 200, &text)) {
		fetch(delta, buf_str(&text), items);
		buf_reset(&text);
	}
	buf_clear(&text);
}

/* ---- Rows ---------------------------------------------------------------- */

static struct match_input match_input_of(struct delta_task *delta)
{
	struct mailbox *mailbox = delta->task.mailbox;

	return (struct match_input){
		.base = mailbox->base_items,
		.base_count = mailbox->journal.count,
		.remote = mailbox->remote,
		.remote_count = mailbox->remote_count,
		.local = mailbox->scan.items,
		.local_count = mailbox->scan.count,
		.local_is_base = mailbox->supposed,
		.new_uidvalidity = delta->listing.renumbered,
	};
}

static bool row_is(const struct row *row, unsigned present)
{
	return row->present == present;
}

static bool has_only_server_rows(const struct match *match)
{
	for (size_t i = 0; i < match->count; i++) {
		if (row_is(&match->rows[i], SIDE_BIT(REMOTE)))
			return true;
	}
	return false;
}

static void identity_note(
	struct mailbox *mailbox, size_t row, const struct identity *identity)
{
	mailbox->identities.items[mailbox->identities.count++] =
		(struct match_identity){*identity, (uint32_t)row};
}

/* Reads the file of a row that only the Maildir has. */
static int identify_file(struct delta_task *delta, uint32_t at, struct err *err)
{
	struct mailbox *mailbox = delta->task.mailbox;
	struct row *row = &mailbox->match.rows[at];
	struct file_facts facts = {.local = row->local};
	enum fs_result result = delta_identify(&mailbox->md,
		&mailbox->scan.items[row->local], LINE_FORM_LF, &facts, err);

	if (result == FS_FAILED && err->scope == ERR_MESSAGE) {
		unread_add(&delta->unread, mailbox, at, err);
		return 0;
	}
	if (result == FS_FAILED)
		return -1;
	if (result == FS_ABSENT) {
		row->present = 0;
		delta->moved = true;
		return 0;
	}
	identity_note(mailbox, at, &facts.identity);
	mailbox->facts[mailbox->fact_count++] = facts;
	return 0;
}

/* After a new UIDVALIDITY the journal still knows what its files are. */
static int identify_entry(
	struct delta_task *delta, uint32_t at, struct err *err)
{
	struct mailbox *mailbox = delta->task.mailbox;
	const struct row *row = &mailbox->match.rows[at];
	struct journal_message message;
	struct arena scratch = {0};
	int found = journal_message(&mailbox->base,
		mailbox->base_items[row->base].uid, &scratch, &message, err);

	if (found == 1) {
		identity_note(mailbox, at, &message.detail->identity);
		if ((row->present & SIDE_BIT(LOCAL)) != 0)
			mailbox->facts[mailbox->fact_count++] =
				(struct file_facts){
					.identity = message.detail->identity,
					.local = row->local,
				};
	}
	arena_clear(&scratch);
	return found < 0 ? -1 : 0;
}

static int identify_rows(struct delta_task *delta, struct err *err)
{
	const struct match *match = &delta->task.mailbox->match;

	for (uint32_t i = 0; i < match->count; i++) {
		unsigned present = match->rows[i].present;
		int result = 0;

		if (present == SIDE_BIT(LOCAL))
			result = identify_file(delta, i, err);
		else if (delta->listing.renumbered &&
			 (present & SIDE_BIT(BASE)) != 0)
			result = identify_entry(delta, i, err);
		if (result != 0)
			return -1;
	}
	return 0;
}

/* How many rows have no server side but something else. */
static size_t count_without_server(const struct match *match)
{
	size_t count = 0;

	for (size_t i = 0; i < match->count; i++)
		count += (match->rows[i].present & SIDE_BIT(REMOTE)) == 0;
	return count;
}

static int identify(struct delta_task *delta, struct err *err)
{
	struct mailbox *mailbox = delta->task.mailbox;
	size_t count = count_without_server(&mailbox->match);
	int result;

	mailbox->identities.count = 0;
	mailbox->fact_count = 0;
	delta->unread = (struct unread){0};
	mailbox->identities.items = arena_array(
		&mailbox->arena, count, sizeof(*mailbox->identities.items));
	mailbox->facts =
		arena_array(&mailbox->arena, count, sizeof(*mailbox->facts));
	if (mailbox->on_local &&
		mailbox_open_maildir(delta->pass, mailbox, false, err) != 0)
		return -1;
	result = identify_rows(delta, err);
	mailbox_close_maildir(mailbox);
	return result;
}

/* A listing that does not add up proves no absence: neither that a message is
 * gone, nor that the server does not have what the Maildir has. */
static void drop_absences(struct match *match)
{
	for (size_t i = 0; i < match->count; i++) {
		if ((match->rows[i].present & SIDE_BIT(REMOTE)) == 0)
			match->rows[i].present = 0;
	}
}

/*
 * Yahoo shows the newest messages of a mailbox only, unless UIDONLY (RFC 9586)
 * is enabled: those before the first one that it shows are not gone. Others
 * have UIDONLY, too; a window, though, is full, and of a round size.
 */
static bool has_window(const struct delta_task *delta)
{
	struct imap_session *session = conn_session(delta->task.conn);
	const struct imap_caps *caps = imap_session_caps(session);
	size_t shown = delta->task.mailbox->remote_count;

	if (imap_session_enabled(session, IMAP_CAP_UIDONLY))
		return false;
	return imap_caps_has(caps, IMAP_CAP_XYM) ||
	       (imap_caps_has(caps, IMAP_CAP_UIDONLY) && shown > 0 &&
		       shown % WINDOW_UNIT == 0);
}

static void drop_unseen(struct mailbox *mailbox)
{
	struct match *match = &mailbox->match;
	uint32_t first = mailbox->remote_count > 0 ? mailbox->remote[0].uid : 0;

	for (size_t i = 0; i < match->count; i++) {
		struct row *row = &match->rows[i];

		if ((row->present & SIDE_BIT(BASE)) != 0 && !row->stale &&
			row->uid < first)
			row->present = 0;
	}
}

/* ---- Stages -------------------------------------------------------------- */

static enum task_step begin_detail(struct delta_task *delta, struct err *err);

/* Whether the server may have given a UID to another message than the one that
 * a file was named after: the mailbox was gone and is there again, or begins
 * anew, perhaps under the UIDVALIDITY of old (DavMail's is always 1). */
static bool was_made_anew(const struct delta_task *delta)
{
	const struct mailbox *mailbox = delta->task.mailbox;

	return delta->listing.renumbered ||
	       (mailbox->in_journal && mailbox->record.uidvalidity == 0);
}

/* Both listings are there: makes rows of them. */
static enum task_step join(struct delta_task *delta, struct err *err)
{
	struct mailbox *mailbox = delta->task.mailbox;
	const struct match_input input = match_input_of(delta);
	const struct match_place place = {
		.account = delta->pass->account->name,
		.mailbox = mailbox->name,
		.uidvalidity = mailbox->uidvalidity,
	};

	match_join(&input, &mailbox->arena, &mailbox->match);
	if (!was_made_anew(delta))
		match_derived(&mailbox->match, &input, &place);
	return begin_detail(delta, err);
}

/* A mail reader renamed a file before it was read. Under its new name it may be
 * what the server has; so the folder is looked at once more. */
static enum task_step scan_again(struct delta_task *delta, struct err *err)
{
	delta->moved = false;
	if (++delta->scans == SCANS_MAX) {
		err_set(err, ERR_MAILBOX, ERR_LATER, ERR_SYNC,
			"another program keeps changing the Maildir folder; "
			"it will be synced when it comes to rest");
		return TASK_FAILED;
	}
	if (scan_local(delta->pass, delta->task.mailbox, err) != 0)
		return TASK_FAILED;
	return join(delta, err);
}

static enum task_step rows_done(struct delta_task *delta, struct err *err)
{
	struct mailbox *mailbox = delta->task.mailbox;
	struct match *match = &mailbox->match;
	enum fs_result result;

	match_pair(match, &delta->headers, &mailbox->identities);
	intents_pair(mailbox, &delta->headers);
	result = alike_pair(delta->pass, mailbox, &delta->alike, err);
	if (result == FS_ABSENT)
		return scan_again(delta, err);
	if (result != FS_OK)
		return TASK_FAILED;
	untold_hold(delta->pass, mailbox, &delta->untold);
	unread_hold(delta->pass, mailbox, &delta->unread);
	if (delta->listing.partial) {
		drop_absences(match);
		mailbox->keeps_intents = true;
	} else if (has_window(delta)) {
		drop_unseen(mailbox);
	}
	mailbox->looked_at = true;
	pass_progress(delta->pass);
	return TASK_DONE;
}

/* Bodies of messages that have a new file's header and nearly its size: some
 * servers lie in RFC822.SIZE. */
static enum task_step begin_doubts(struct delta_task *delta, struct err *err)
{
	struct mailbox *mailbox = delta->task.mailbox;
	struct match_rows doubts;
	struct imap_set set = {0};

	delta->stage = STAGE_DOUBTS;
	match_pair(&mailbox->match, &delta->headers, &mailbox->identities);
	match_doubts(&mailbox->match, &delta->headers, &mailbox->identities,
		&mailbox->arena, &doubts);
	for (size_t i = 0; i < doubts.count; i++) {
		untold_ask(&delta->untold, doubts.rows[i]);
		imap_set_add(&set, mailbox->match.rows[doubts.rows[i]].uid);
	}
	fetch_set(delta, &set, IMAP_FETCH_BODY);
	imap_set_clear(&set);
	return delta->awaited == 0 ? rows_done(delta, err) : TASK_MORE;
}

/* Headers that were not told when many were asked for may be when each is asked
 * for by itself. */
static enum task_step headers_over(struct delta_task *delta, struct err *err)
{
	const struct mailbox *mailbox = delta->task.mailbox;
	struct imap_set set = {0};
	struct imap_set_iter iter = {0};
	uint32_t uid;

	if (delta->asked_singly)
		return begin_doubts(delta, err);
	delta->asked_singly = true;
	untold_uids(&delta->untold, mailbox, &set);
	for (int i = 0; i < SINGLES_MAX && imap_set_next(&set, &iter, &uid);
		i++) {
		char text[16];

		(void)snprintf(text, sizeof(text), "%" PRIu32, uid);
		fetch(delta, str_of(text), IMAP_FETCH_SIZE | IMAP_FETCH_HEADER);
	}
	imap_set_clear(&set);
	return delta->awaited == 0 ? begin_doubts(delta, err) : TASK_MORE;
}

/* Headers of the new messages that may be new files. */
static enum task_step begin_headers(struct delta_task *delta, struct err *err)
{
	struct mailbox *mailbox = delta->task.mailbox;
	struct match_input input = match_input_of(delta);
	struct match_candidates candidates = {0};
	struct imap_set set = {0};
	struct imap_set_iter iter = {0};
	uint32_t uid;

	delta->stage = STAGE_HEADERS;
	delta->refused = false;
	delta->headers.count = 0;
	delta->alike.count = 0;
	if (identify(delta, err) != 0)
		return TASK_FAILED;
	if (delta->moved)
		return scan_again(delta, err);
	if (has_only_server_rows(&mailbox->match))
		match_candidates(&mailbox->match, &input, &mailbox->identities,
			&mailbox->arena, &candidates);
	for (size_t i = 0; i < candidates.remote.count; i++) {
		uint32_t row = candidates.remote.rows[i];

		imap_set_push(&set, mailbox->match.rows[row].uid,
			mailbox->match.rows[row].uid);
	}
	intents_wanted(mailbox, &set);
	imap_set_settle(&set);
	untold_begin(&delta->untold, mailbox);
	delta->asked_singly = false;
	while (imap_set_next(&set, &iter, &uid))
		untold_ask(&delta->untold, mailbox_row(mailbox, uid));
	fetch_set(delta, &set, IMAP_FETCH_SIZE | IMAP_FETCH_HEADER);
	imap_set_clear(&set);
	return delta->awaited == 0 ? begin_doubts(delta, err) : TASK_MORE;
}

static bool lacks_detail(const struct remote_item *item)
{
	return item->bytes == 0 || item->date_s == 0;
}

/* Sizes and dates of what is new but stood among the known UIDs, or was told of
 * in passing. */
static enum task_step begin_detail(struct delta_task *delta, struct err *err)
{
	struct mailbox *mailbox = delta->task.mailbox;
	struct imap_set set = {0};

	delta->stage = STAGE_DETAIL;
	delta->refused = false;
	for (size_t i = 0; i < mailbox->match.count; i++) {
		const struct row *row = &mailbox->match.rows[i];

		if ((row->present & SIDE_BIT(BASE)) == 0 && row->uid != 0 &&
			lacks_detail(&mailbox->remote[row->remote]))
			imap_set_add(&set, row->uid);
	}
	fetch_set(delta, &set, listing_items(&delta->task));
	imap_set_clear(&set);
	return delta->awaited == 0 ? begin_headers(delta, err) : TASK_MORE;
}

/* Whether what was in step is the measure of what is in the folder: what was
 * begun, or begins anew, is settled by the files themselves. */
static bool is_ordinary(const struct delta_task *delta)
{
	const struct mailbox *mailbox = delta->task.mailbox;

	return !delta->listing.renumbered && !delta->listing.partial &&
	       mailbox->intents.count == 0 && mailbox->copies.count == 0;
}

/* The server's side is there; now the other is needed. What was supposed before
 * a connection was lost may have to be scanned after that. */
static enum task_step listed(struct delta_task *delta, struct err *err)
{
	struct mailbox *mailbox = delta->task.mailbox;
	bool supposes = is_ordinary(delta);
	int result = 0;

	if (!mailbox->scanned && supposes)
		result = suppose_local(delta->pass, mailbox, err);
	else if (!supposes && (!mailbox->scanned || mailbox->supposed))
		result = scan_local(delta->pass, mailbox, err);
	return result != 0 ? TASK_FAILED : join(delta, err);
}

static enum task_step delta_begin(struct task *task, struct err *err)
{
	struct delta_task *delta = (struct delta_task *)task;

	delta->stage = STAGE_LIST;
	delta->awaited = 0;
	delta->scans = 0;
	delta->moved = false;
	if (delta->reading_doubt)
		identity_clear(&delta->doubt);
	delta->reading_doubt = false;
	task_said(task);
	return listing_begin(&delta->listing, err);
}

static void header_add(
	struct delta_task *delta, const struct imap_fetch *fetched)
{
	const unsigned needed =
		IMAP_FETCH_UID | IMAP_FETCH_SIZE | IMAP_FETCH_HEADER;
	struct match_identity *item;
	uint32_t row = mailbox_row(delta->task.mailbox, fetched->uid);

	if ((fetched->present & needed) != needed || fetched->header_nil ||
		fetched->header_not_kept || row == PLAN_NONE ||
		!untold_is_open(&delta->untold, row))
		return; /* nor what was not asked for, or is told twice */
	delta->headers.items = array_grow(delta->headers.items,
		&delta->header_cap, delta->headers.count + 1,
		sizeof(*delta->headers.items));
	item = &delta->headers.items[delta->headers.count++];
	item->row = row;
	identity_of_header(fetched->header, fetched->size, &item->identity);
	untold_tell(&delta->untold, row);
}

/* Whether a body of this length can be the message: it is asked for because its
 * size is near a file's. One that is not is no answer. */
static bool is_credible(
	const struct delta_task *delta, uint32_t row, uint64_t bytes)
{
	const struct mailbox *mailbox = delta->task.mailbox;
	uint32_t remote = mailbox->match.rows[row].remote;
	uint64_t least;
	uint64_t most;

	match_near(mailbox->remote[remote].bytes, &least, &most);
	return bytes > 0 && bytes >= least && bytes <= most;
}

/* A doubtful message's body is complete: what it really is replaces what its
 * listing made of it. */
static void doubt_settle(struct delta_task *delta, uint32_t uid)
{
	struct alike_row body = {.row = mailbox_row(delta->task.mailbox, uid)};

	uint64_t fed_bytes = delta->doubt.fed_bytes;

	if (!delta->reading_doubt)
		return;
	delta->reading_doubt = false;
	identity_finish_alike(&delta->doubt, &body.identity, &body.alike);
	if (body.row == PLAN_NONE ||
		!untold_is_open(&delta->untold, body.row) ||
		!is_credible(delta, body.row, fed_bytes))
		return;
	untold_tell(&delta->untold, body.row);
	alike_add(&delta->alike, &body);
	for (size_t i = 0; i < delta->headers.count; i++) {
		if (delta->headers.items[i].row == body.row)
			delta->headers.items[i].identity = body.identity;
	}
}

static void doubt_begin(struct delta_task *delta)
{
	if (delta->reading_doubt)
		identity_clear(&delta->doubt);
	identity_init_alike(&delta->doubt);
	delta->reading_doubt = true;
}

static void delta_fetched(
	struct delta_task *delta, const struct imap_fetch *fetched)
{
	struct mailbox *mailbox = delta->task.mailbox;
	struct remote_item *item;

	switch (delta->stage) {
	case STAGE_LIST:
		break;
	case STAGE_DETAIL:
		item = mailbox_remote(mailbox, fetched->uid);
		if (item != NULL)
			listing_detail(item, fetched);
		break;
	case STAGE_HEADERS:
		header_add(delta, fetched);
		break;
	case STAGE_DOUBTS:
		doubt_settle(delta, fetched->uid);
		break;
	}
}

static enum task_step delta_answered(struct delta_task *delta,
	const struct imap_event *event, struct err *err)
{
	const struct imap_status_line *line = &event->response->line;

	if (line->condition != IMAP_OK) {
		delta->refused = true;
		err_set(&delta->refusal, ERR_MAILBOX, ERR_LATER, ERR_SYNC,
			"%.*s", STR_FMT(err_said(line->text)));
	}
	if (--delta->awaited > 0)
		return TASK_MORE;
	if (delta->refused && delta->stage == STAGE_DETAIL) {
		err_set(err, ERR_MAILBOX, ERR_LATER, ERR_SYNC,
			"the server does not give what is needed to tell which "
			"messages are new: %s",
			delta->refusal.text);
		return TASK_FAILED;
	}
	switch (delta->stage) {
	case STAGE_DETAIL:
		return begin_headers(delta, err);
	case STAGE_HEADERS:
		return headers_over(delta, err);
	default:
		return rows_done(delta, err);
	}
}

static void delta_told(
	struct delta_task *delta, const struct imap_response *response)
{
	switch (response->kind) {
	case IMAP_RESPONSE_BODY_BEGIN:
		doubt_begin(delta);
		break;
	case IMAP_RESPONSE_BODY_CHUNK:
		if (delta->reading_doubt)
			identity_feed(&delta->doubt, response->text);
		break;
	case IMAP_RESPONSE_FETCH:
		delta_fetched(delta, &response->fetch);
		break;
	default:
		break;
	}
}

static enum task_step delta_event(
	struct task *task, const struct imap_event *event, struct err *err)
{
	struct delta_task *delta = (struct delta_task *)task;
	enum task_step step;

	task_said(task); /* each stage by itself: other mailboxes go along */
	if (delta->stage == STAGE_LIST) {
		step = listing_event(&delta->listing, event, err);
		return step == TASK_DONE ? listed(delta, err) : step;
	}
	if (event->kind == IMAP_EVENT_TAGGED)
		return delta_answered(delta, event, err);
	if (event->kind == IMAP_EVENT_UNTAGGED)
		delta_told(delta, event->response);
	return TASK_MORE;
}

/* ---- All mailboxes ------------------------------------------------------- */

/* A mailbox that the server does not have (yet): nothing is listed there. */
static int delta_offline(
	struct pass *pass, struct mailbox *mailbox, struct err *err)
{
	struct delta_task delta = {.pass = pass, .task.mailbox = mailbox};
	struct match_input input = match_input_of(&delta);

	mailbox->policy.takes[REMOTE] =
		(struct flag_room){.system = FLAGS_SYSTEM, .any_keyword = true};
	mailbox->policy.keeps[REMOTE] = mailbox->policy.takes[REMOTE];
	match_join(&input, &mailbox->arena, &mailbox->match);
	if (identify(&delta, err) != 0)
		return -1;
	unread_hold(pass, mailbox, &delta.unread);
	return 0;
}

static void suppose_remote(struct mailbox *mailbox)
{
	size_t count = mailbox->journal.count;

	mailbox->remote = array_grow(mailbox->remote, &mailbox->remote_cap,
		count, sizeof(*mailbox->remote));
	for (size_t i = 0; i < count; i++)
		mailbox->remote[i] = (struct remote_item){
			.uid = mailbox->base_items[i].uid,
			.flags = mailbox->base_items[i].flags,
		};
	mailbox->remote_count = count;
}

int delta_suppose(struct pass *pass, struct mailbox *mailbox, struct err *err)
{
	const unsigned both = SIDE_BIT(LOCAL) | SIDE_BIT(REMOTE);
	struct delta_task delta = {.pass = pass, .task.mailbox = mailbox};
	struct match_input input;

	check(mailbox->idle);
	if (mailbox->scanned || (mailbox->record.alike & both) != both)
		return 0;
	if (mailbox_open_base(pass, mailbox, err) != 0 ||
		load_base(mailbox, err) != 0 ||
		suppose_local(pass, mailbox, err) != 0)
		return -1;
	suppose_remote(mailbox);
	input = match_input_of(&delta);
	match_join(&input, &mailbox->arena, &mailbox->match);
	return 0;
}

static int troubles_load(
	struct pass *pass, struct mailbox *mailbox, struct err *err)
{
	if (!mailbox->in_journal)
		return 0;
	return journal_troubles(&pass->journal, &mailbox->id, &mailbox->arena,
		&mailbox->troubles, err);
}

/* Prepares the local sides; returns the tasks for the others. */
static size_t delta_tasks(
	struct pass *pass, struct delta_task *tasks, struct task **queue)
{
	static const struct task_kind kind = {delta_begin, delta_event};
	size_t count = 0;

	for (size_t i = 0; i < pass->count; i++) {
		struct mailbox *mailbox = &pass->mailboxes[i];
		struct err err;

		if (!mailbox_is_busy(mailbox))
			continue;
		if (prepare_local(pass, mailbox, &err) != 0 ||
			intents_load(pass, mailbox, &err) != 0 ||
			troubles_load(pass, mailbox, &err) != 0 ||
			(!mailbox->on_server &&
				delta_offline(pass, mailbox, &err) != 0)) {
			pass_mailbox_failed(pass, mailbox, &err);
			continue;
		}
		if (!mailbox->on_server)
			continue;
		tasks[count] = (struct delta_task){
			.task = {.kind = &kind,
				.mailbox = mailbox,
				.bytes = listing_bytes(mailbox)},
			.pass = pass,
			.listing = {.task = &tasks[count].task, .pass = pass},
		};
		queue[count] = &tasks[count].task;
		count++;
	}
	return count;
}

int delta(struct pass *pass, struct err *err)
{
	struct delta_task *tasks =
		arena_array(&pass->arena, pass->count, sizeof(*tasks));
	struct task **queue =
		arena_array(&pass->arena, pass->count, sizeof(struct task *));
	size_t count = delta_tasks(pass, tasks, queue);
	int result = pool_run(
		pass->pool, queue, count, pass->account->connections, err);

	for (size_t i = 0; i < count; i++) {
		listing_clear(&tasks[i].listing);
		free(tasks[i].headers.items);
		alike_clear(&tasks[i].alike);
		if (tasks[i].reading_doubt)
			identity_clear(&tasks[i].doubt);
		if (result == 0 && tasks[i].task.result == TASK_FAILED)
			pass_mailbox_failed(pass, tasks[i].task.mailbox,
				&tasks[i].task.err);
	}
	return result;
}
