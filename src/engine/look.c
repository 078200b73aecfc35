/*
 * How: new messages of a size that the journal knows are weighed, a size at a
 * time, against what it knows of that size. Those that are not known by that
 * are asked for, a task a mailbox: first parts and headers in one flight; where
 * a part does not tell, or is not given, the header in a second.
 */
#include "look.h"

#include "delta.h"

#include "godwit/base/limits.h"
#include "godwit/imap/set.h"
#include "godwit/sync/evidence.h"

#include <stdlib.h>

enum {
	/* Of a file whose line ends are longer in the canonical form. */
	READ_BYTES = EVIDENCE_PART_BYTES,
};

/* A message that is asked for. */
struct asked {
	uint32_t mailbox;
	uint32_t row;
	uint32_t uid;
	enum evidence needed; /* PART or HEADER */
	bool told;
	uint32_t of_mailbox; /* whose file the part is compared with */
	uint32_t of_row;
	struct identity identity; /* its identity */
};

struct looking {
	struct pass *pass;
	struct look_result *result;
	struct asked *asked; /* on the heap; by mailbox and row */
	size_t count;
	size_t cap;
	struct evidence_keys keys;
	struct mailbox *reading; /* whose folder is open */
};

/* The messages of one mailbox. */
struct look_task {
	struct task task;
	struct looking *looking;
	struct asked *asked; /* by rising UID */
	size_t count;
	uint32_t select_handle;
	unsigned awaited;
	bool headers_asked; /* of all that need them by now */
};

static void found(struct looking *looking, uint32_t mailbox, uint32_t row,
	const struct identity *identity)
{
	struct look_result *result = looking->result;

	result->items = array_grow(result->items, &result->cap,
		result->count + 1, sizeof(*result->items));
	result->items[result->count++] =
		(struct look_found){mailbox, row, *identity};
}

/* ---- What is new --------------------------------------------------------- */

struct candidates {
	struct evidence_messages all; /* on the heap */
	size_t cap;
};

static int add_candidates(struct looking *looking, uint32_t at,
	struct candidates *candidates, struct err *err)
{
	const struct mailbox *mailbox = &looking->pass->mailboxes[at];

	for (uint32_t i = 0; i < mailbox->match.count; i++) {
		const struct row *row = &mailbox->match.rows[i];
		const struct remote_item *item;
		int known;

		if (row->hold != ROW_FREE || row->present != SIDE_BIT(REMOTE))
			continue;
		item = &mailbox->remote[row->remote];
		known = journal_find_size(
			&looking->pass->journal, item->bytes, err);
		if (known < 0)
			return -1;
		if (known == 0)
			continue;
		candidates->all.items = array_grow(candidates->all.items,
			&candidates->cap, candidates->all.count + 1,
			sizeof(*candidates->all.items));
		candidates->all.items[candidates->all.count++] =
			(struct evidence_message){
				.bytes = item->bytes,
				.date_s = item->date_s,
				.email_key = item->email_key,
				.mailbox = at,
				.row = i,
			};
	}
	return 0;
}

/* ---- What is known ------------------------------------------------------- */

/* What the journal knows of one size. */
struct known {
	struct journal_mark marks[EVIDENCE_KNOWN_MAX];
	struct evidence_known items[EVIDENCE_KNOWN_MAX];
	size_t count;
};

static int know(struct looking *looking, uint64_t bytes, struct known *known,
	struct err *err)
{
	struct pass *pass = looking->pass;
	int count = journal_marks(
		&pass->journal, bytes, EVIDENCE_KNOWN_MAX, known->marks, err);

	known->count = count < 0 ? 0 : (size_t)count;
	for (size_t i = 0; i < known->count; i++) {
		const struct journal_mark *mark = &known->marks[i];
		struct evidence_known *item = &known->items[i];
		const struct mailbox *mailbox =
			pass_mailbox_of(pass, mark->place.mailbox);

		*item = (struct evidence_known){
			.identity = mark->detail.identity,
			.date_s = mark->internaldate_s,
			.email_key = mark->detail.email_key,
			.mailbox = PLAN_NONE,
			.row = PLAN_NONE,
		};
		if (mailbox == NULL)
			continue;
		item->mailbox = (uint32_t)(mailbox - pass->mailboxes);
		item->row = mailbox_row(mailbox, mark->place.uid);
		item->gone = item->row != PLAN_NONE &&
			     mailbox->match.rows[item->row].present ==
				     (SIDE_BIT(BASE) | SIDE_BIT(LOCAL)) &&
			     !mailbox->match.rows[item->row].stale;
	}
	return count < 0 ? -1 : 0;
}

/* Whether what the server calls a known message says what it is. */
static int key_tells(struct looking *looking, const struct known *known,
	size_t of, struct err *err)
{
	struct evidence_known beside = {0};
	struct journal_mark mark;
	int there = journal_mark_beside(
		&looking->pass->journal, &known->marks[of].place, &mark, err);

	if (there < 0)
		return -1;
	if (there > 0) {
		beside.identity = mark.detail.identity;
		beside.email_key = mark.detail.email_key;
		evidence_keys_compare(
			&known->items[of], &beside, &looking->keys);
	}
	return looking->keys.differ && !looking->keys.fail;
}

/* ---- Weighing ------------------------------------------------------------ */

static void ask(struct looking *looking, const struct evidence_message *message,
	enum evidence needed, const struct evidence_known *of)
{
	const struct mailbox *mailbox =
		&looking->pass->mailboxes[message->mailbox];
	struct asked *asked;

	looking->asked = array_grow(looking->asked, &looking->cap,
		looking->count + 1, sizeof(*looking->asked));
	asked = &looking->asked[looking->count++];
	*asked = (struct asked){
		.mailbox = message->mailbox,
		.row = message->row,
		.uid = mailbox->match.rows[message->row].uid,
		.needed = needed,
	};
	if (needed != EVIDENCE_PART)
		return;
	asked->of_mailbox = of->mailbox;
	asked->of_row = of->row;
	asked->identity = of->identity;
}

static int weigh(struct looking *looking, const struct candidates *candidates,
	size_t at, const struct known *known, struct err *err)
{
	const struct evidence_message *message = &candidates->all.items[at];
	size_t of;
	const struct evidence_knowns knowns = {known->items, known->count};
	enum evidence needed =
		evidence_needed(&candidates->all, at, &knowns, &of);
	int tells = 0;

	if (needed == EVIDENCE_KEY)
		tells = key_tells(looking, known, of, err);
	if (tells < 0)
		return -1;
	if (tells > 0)
		found(looking, message->mailbox, message->row,
			&known->items[of].identity);
	else
		ask(looking, message,
			needed == EVIDENCE_KEY ? EVIDENCE_HEADER : needed,
			&known->items[of]);
	return 0;
}

static int weigh_all(
	struct looking *looking, struct candidates *candidates, struct err *err)
{
	struct known *known = NULL;
	size_t room = 0;
	int result = 0;

	known = array_grow(known, &room, 1, sizeof(*known));
	evidence_keys_see(
		candidates->all.items, candidates->all.count, &looking->keys);
	evidence_sort(candidates->all.items, candidates->all.count);
	for (size_t i = 0; i < candidates->all.count && result == 0; i++) {
		uint64_t bytes = candidates->all.items[i].bytes;

		if (i == 0 || candidates->all.items[i - 1].bytes != bytes)
			result = know(looking, bytes, known, err);
		if (result == 0)
			result = weigh(looking, candidates, i, known, err);
	}
	free(known);
	return result;
}

static int asked_cmp(const void *a, const void *b)
{
	const struct asked *x = a;
	const struct asked *y = b;

	if (x->mailbox != y->mailbox)
		return x->mailbox < y->mailbox ? -1 : 1;
	return (x->row > y->row) - (x->row < y->row);
}

/* Few parts are not worth what they leave out. */
static void prefer_headers(struct looking *looking)
{
	size_t parts = 0;

	for (size_t i = 0; i < looking->count; i++)
		parts += looking->asked[i].needed == EVIDENCE_PART;
	for (size_t i = 0; parts < EVIDENCE_PARTS_MIN && i < looking->count;
		i++)
		looking->asked[i].needed = EVIDENCE_HEADER;
}

static int choose(struct looking *looking, struct err *err)
{
	struct candidates candidates = {0};
	int result = 0;

	for (uint32_t i = 0; i < looking->pass->count && result == 0; i++) {
		const struct mailbox *mailbox = &looking->pass->mailboxes[i];

		/* Nothing can follow to a mailbox that is to be removed. */
		if (mailbox_is_active(mailbox) && !mailbox->leaving)
			result = add_candidates(looking, i, &candidates, err);
	}
	if (result == 0)
		result = weigh_all(looking, &candidates, err);
	free(candidates.all.items);
	prefer_headers(looking);
	if (looking->count > 0)
		qsort(looking->asked, looking->count, sizeof(*looking->asked),
			asked_cmp);
	return result;
}

/* ---- Asking -------------------------------------------------------------- */

/* Asks for what is needed of those that have not been told. */
static void fetch(struct look_task *look, enum evidence needed)
{
	struct imap_command command = {.kind = IMAP_FETCH};
	struct imap_set set = {0};
	struct buf text = {0};
	size_t from = 0;

	for (size_t i = 0; i < look->count; i++) {
		if (!look->asked[i].told && look->asked[i].needed == needed)
			imap_set_push(
				&set, look->asked[i].uid, look->asked[i].uid);
	}
	imap_set_settle(&set);
	command.fetch.items = IMAP_FETCH_UID | IMAP_FETCH_HEADER;
	if (needed == EVIDENCE_PART) {
		command.fetch.partial = true;
		command.fetch.octets = EVIDENCE_PART_BYTES;
	} else {
		command.fetch.items |= IMAP_FETCH_SIZE;
	}
	while (imap_set_print_next(
		&set, &from, LIMIT_COMMAND_LINE_BYTES - 200, &text)) {
		command.fetch.set = buf_str(&text);
		conn_submit(look->task.conn, &command);
		look->awaited++;
		buf_reset(&text);
	}
	buf_clear(&text);
	imap_set_clear(&set);
}

/* When a connection broke, all may have been told. */
static enum task_step fetch_both(struct look_task *look)
{
	fetch(look, EVIDENCE_PART);
	fetch(look, EVIDENCE_HEADER);
	return look->awaited == 0 ? TASK_DONE : TASK_MORE;
}

static enum task_step look_begin(struct task *task, struct err *err)
{
	struct look_task *look = (struct look_task *)task;

	(void)err;
	look->awaited = 0;
	look->headers_asked = false;
	look->select_handle = task_select(task);
	task_said(task);
	return fetch_both(look);
}

/* What was asked for is answered; what is not told by its first part may be by
 * its header. What is not told then is as new as it looks. */
static enum task_step answered(struct look_task *look)
{
	if (--look->awaited > 0)
		return TASK_MORE;
	if (look->headers_asked)
		return TASK_DONE;
	look->headers_asked = true;
	for (size_t i = 0; i < look->count; i++) {
		struct asked *asked = &look->asked[i];

		/* Headers were asked for once already. */
		if (asked->needed == EVIDENCE_HEADER)
			asked->told = true;
		asked->needed = EVIDENCE_HEADER;
	}
	fetch(look, EVIDENCE_HEADER);
	task_said(&look->task);
	return look->awaited == 0 ? TASK_DONE : TASK_MORE;
}

/* ---- What is told -------------------------------------------------------- */

static struct asked *asked_find(struct look_task *look, uint32_t uid)
{
	size_t low = 0;
	size_t high = look->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (look->asked[middle].uid == uid)
			return &look->asked[middle];
		if (look->asked[middle].uid < uid)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

static void told(struct look_task *look, struct asked *asked,
	const struct identity *identity)
{
	asked->told = true;
	found(look->looking, asked->mailbox, asked->row, identity);
}

/* One folder is open at a time. */
static bool open_folder(struct looking *looking, struct mailbox *mailbox)
{
	struct err ignored;

	if (looking->reading == mailbox)
		return true;
	if (looking->reading != NULL)
		mailbox_close_maildir(looking->reading);
	looking->reading = NULL;
	if (mailbox->md_open || mailbox_open_maildir(looking->pass, mailbox,
					false, &ignored) != 0)
		return mailbox->md_open;
	looking->reading = mailbox;
	return true;
}

/* The first bytes of the file, in the canonical form: enough of them, or all.
 * What cannot be read says nothing. */
static void read_start(
	struct mailbox *mailbox, const struct row *row, struct buf *start)
{
	const struct fs_port *fs = mailbox->md.fs;
	enum line_form form = mailbox->base_items[row->base].stored_raw
				      ? LINE_FORM_RAW
				      : LINE_FORM_LF;
	struct fs_file *file = NULL;
	struct fs_stat stat;
	struct to_crlf conv;
	struct err ignored;
	struct buf chunk = {0};
	size_t got = 1;

	to_crlf_init(&conv, form);
	if (maildir_read(&mailbox->md, &mailbox->scan.items[row->local], &file,
		    &stat, &ignored) != FS_OK)
		return;
	while (got > 0 && start->len < EVIDENCE_PART_BYTES) {
		buf_reset(&chunk);
		if (fs->read(file, buf_reserve(&chunk, READ_BYTES), READ_BYTES,
			    &got, &ignored) != FS_OK)
			break;
		buf_commit(&chunk, got);
		to_crlf_feed(&conv, buf_str(&chunk), start);
	}
	fs->close(&file);
	buf_clear(&chunk);
}

static bool part_tells(
	struct looking *looking, const struct asked *asked, struct str part)
{
	struct mailbox *mailbox = &looking->pass->mailboxes[asked->of_mailbox];
	struct buf start = {0};
	bool tells;

	if (!open_folder(looking, mailbox))
		return false;
	read_start(mailbox, &mailbox->match.rows[asked->of_row], &start);
	tells = evidence_part_tells(part, buf_str(&start));
	buf_clear(&start);
	return tells;
}

/* One that is shorter than was asked for is the header. */
static void part_seen(
	struct look_task *look, struct asked *asked, struct str part)
{
	const struct mailbox *mailbox = look->task.mailbox;
	const struct row *row = &mailbox->match.rows[asked->row];
	struct identity identity;

	if (part.len < EVIDENCE_PART_BYTES) {
		identity_of_header(
			part, mailbox->remote[row->remote].bytes, &identity);
		told(look, asked, &identity);
	} else if (part_tells(look->looking, asked, part)) {
		told(look, asked, &asked->identity);
	}
}

/* A message that is told twice is one. */
static void fetched(struct look_task *look, const struct imap_fetch *fetch)
{
	const unsigned header = IMAP_FETCH_SIZE | IMAP_FETCH_HEADER;
	struct asked *asked = (fetch->present & IMAP_FETCH_UID) != 0
				      ? asked_find(look, fetch->uid)
				      : NULL;
	struct identity identity;

	if (asked == NULL || asked->told)
		return;
	if ((fetch->present & IMAP_FETCH_HEADER_PART) != 0 &&
		asked->needed == EVIDENCE_PART) {
		part_seen(look, asked, fetch->header_part);
	} else if ((fetch->present & header) == header && !fetch->header_nil &&
		   !fetch->header_not_kept) {
		identity_of_header(fetch->header, fetch->size, &identity);
		told(look, asked, &identity);
	}
}

static enum task_step look_event(
	struct task *task, const struct imap_event *event, struct err *err)
{
	struct look_task *look = (struct look_task *)task;
	const struct imap_response *response = event->response;

	if (event->kind == IMAP_EVENT_UNTAGGED &&
		response->kind == IMAP_RESPONSE_FETCH)
		fetched(look, &response->fetch);
	if (event->kind != IMAP_EVENT_TAGGED)
		return TASK_MORE;
	if (event->handle != look->select_handle)
		return answered(look);
	return task_selected(task, &response->line, err) != 0 ? TASK_FAILED
							      : TASK_MORE;
}

/* ---- All of it ----------------------------------------------------------- */

/* A task for each mailbox of which something is asked. */
static size_t make_tasks(
	struct looking *looking, struct look_task *tasks, struct task **queue)
{
	static const struct task_kind kind = {look_begin, look_event};
	struct pass *pass = looking->pass;
	size_t count = 0;

	for (size_t i = 0; i < looking->count;) {
		size_t end = i + 1;

		while (end < looking->count &&
			looking->asked[end].mailbox ==
				looking->asked[i].mailbox)
			end++;
		tasks[count] = (struct look_task){
			.task = {.kind = &kind,
				.mailbox = &pass->mailboxes[looking->asked[i]
								    .mailbox]},
			.looking = looking,
			.asked = &looking->asked[i],
			.count = end - i,
		};
		queue[count] = &tasks[count].task;
		count++;
		i = end;
	}
	return count;
}

static int run(struct looking *looking, struct err *err)
{
	struct pass *pass = looking->pass;
	struct arena arena = {0};
	struct look_task *tasks =
		arena_array(&arena, pass->count, sizeof(*tasks));
	struct task **queue =
		arena_array(&arena, pass->count, sizeof(struct task *));
	size_t count = make_tasks(looking, tasks, queue);
	int result = pool_run(
		pass->pool, queue, count, pass->account->connections, err);

	for (size_t i = 0; result == 0 && i < count; i++) {
		if (tasks[i].task.result == TASK_FAILED)
			pass_mailbox_failed(pass, tasks[i].task.mailbox,
				&tasks[i].task.err);
	}
	arena_clear(&arena);
	return result;
}

int look(struct pass *pass, struct look_result *result, struct err *err)
{
	struct looking looking = {.pass = pass, .result = result};
	int outcome = choose(&looking, err);

	if (outcome == 0)
		outcome = run(&looking, err);
	if (looking.reading != NULL)
		mailbox_close_maildir(looking.reading);
	free(looking.asked);
	return outcome;
}
