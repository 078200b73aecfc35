/*
 * How: messages go in chunks, a batch of the durable kind each: intents are
 * committed, the APPENDs sent in a row, their bodies streamed from the files as
 * the session asks for octets; when all are answered, the UIDs not told are
 * looked up (after a NOOP, since Exchange and Courier show fresh messages only
 * then); then the server must show them all, with their flags, and is once told
 * those that it forgot; and entries are committed in the intents' place. When
 * the connection breaks, the task begins again with that look-up: what had
 * arrived is not sent again. Where UIDs will be told, what the server shows is
 * asked for along with the APPENDs, which makes one flight of a chunk.
 *
 * With MULTIAPPEND (RFC 3502) an APPEND takes several messages, which saves the
 * server the most of its work: it opens the mailbox, and flushes it, once.
 * Where it refuses one of them it has stored none; after a look whether that is
 * so, each is sent by itself, and the server names the one that it does not
 * take. Where it tells UIDs, and one is of a message of another size, they may
 * be in another order: then the headers say which is whose.
 *
 * What the server took but does not show was dropped (by a filter, or as one of
 * equal messages: Gmail), or is late: its intent stays open, and it is trouble.
 * Where APPENDUID names a message that is another's, and none has come, the
 * server keeps one of equal messages: the file is one too many, and stays here.
 */
#include "push.h"

#include "apply.h"
#include "flag_check.h"
#include "intents.h"
#include "outgoing.h"

#include "godwit/base/limits.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum sending_state {
	SENDING_WAITS,   /* to be sent */
	SENDING_SENT,    /* its answer is awaited, was lost, or tells nothing */
	SENDING_STORED,  /* the server has it; uid is known */
	SENDING_UNNAMED, /* the server has it; uid is not known */
	SENDING_FAILED,  /* told; not in this run */
};

/* One message of a chunk. */
struct sending {
	const struct op *op;
	struct outgoing_file file;
	uint64_t intent;
	uint32_t handle; /* of its APPEND */
	size_t place;    /* among the messages of that */
	uint32_t uid;
	uint32_t told_uid; /* by APPENDUID; 0: none */
	bool alone;        /* to be sent without others */
	bool misfits;      /* what it is said to be has another size */
	bool doubted;      /* told_uid is to be proven by a header */
	enum sending_state state;
};

enum {
	/* Of an APPEND, unless one message alone has more: so much is sent
	 * again where the server refuses one of many. */
	TOGETHER_BYTES = 4 << 20,

	/* What it says of a message beside its flags, at most: a date, and how
	 * many octets follow. */
	MESSAGE_TEXT_BYTES = 64,
};

enum push_stage {
	PUSH_SELECTING, /* for `then` */
	PUSH_SENDING,
	PUSH_LOOKING,  /* for the UIDs that were not told */
	PUSH_CHECKING, /* that the server has them, and which flags */
	PUSH_FLAGGING, /* with those that it forgot */
};

struct push_task {
	struct apply_task base;
	enum push_stage stage;
	enum push_stage then; /* behind PUSH_SELECTING */
	size_t next_op;
	struct sending *sendings; /* the chunk; on the heap */
	size_t count;
	size_t cap;
	unsigned awaited; /* answers of the stage; while sending, to APPENDs */
	unsigned along;   /* and to what was asked along with them */
	uint32_t select_handle;
	uint32_t uidnext;                /* of the intents */
	struct outgoing outgoing;        /* the literal that is being given */
	const struct sending *streaming; /* whose it is */
	struct match_identities headers; /* of the look-up; on the heap */
	size_t header_cap;
	struct imap_set stored; /* UIDs of what this task has uploaded */
	struct flag_check flags;
	bool full; /* the server takes no more: over quota */
};

static void sending_fail(
	struct push_task *push, struct sending *sending, const struct err *err)
{
	const struct trouble_key key = {
		.mailbox = push->base.task.mailbox->id,
		.side = LOCAL,
		.name = sending->file.item->name,
	};

	sending->state = SENDING_FAILED;
	pass_message_failed(
		push->base.pass, push->base.task.mailbox, &key, err);
}

/* ---- Making a chunk ------------------------------------------------------ */

static const struct imap_caps *caps_of(const struct push_task *push)
{
	return imap_session_caps(conn_session(push->base.task.conn));
}

/* Whether the server can take it, as far as it said so. */
static bool is_acceptable(
	struct push_task *push, const struct sending *sending, struct err *err)
{
	const struct imap_caps *caps = caps_of(push);
	uint64_t bytes = sending->file.facts.wire_bytes;

	if (bytes == 0) {
		err_set(err, ERR_MESSAGE, ERR_NEVER, ERR_SYNC,
			"the file %s is empty; no server takes that as a "
			"message",
			sending->file.item->file_name.ptr);
		return false;
	}
	if (caps->append_limit == 0 || bytes <= caps->append_limit)
		return true;
	err_set(err, ERR_MESSAGE, ERR_NEVER, ERR_SYNC,
		"the file %s has %" PRIu64 " bytes, the server takes %" PRIu64
		" at most",
		sending->file.item->file_name.ptr, bytes, caps->append_limit);
	return false;
}

/* Adds the next message to the chunk. -1: the disk. */
static int chunk_take(
	struct push_task *push, const struct op *op, struct err *err)
{
	struct mailbox *mailbox = push->base.task.mailbox;
	const struct row *row = apply_row(mailbox, op);
	struct err refusal;
	struct sending *sending;
	enum fs_result result;

	push->sendings = array_grow(push->sendings, &push->cap, push->count + 1,
		sizeof(*push->sendings));
	sending = &push->sendings[push->count];
	*sending = (struct sending){
		.op = op,
		.file = {.item = &mailbox->scan.items[row->local],
			.form = apply_line_form(mailbox, row)},
	};
	result = outgoing_measure(&mailbox->md, &sending->file,
		mailbox_facts(mailbox, row->local), err);
	if (result == FS_FAILED)
		return -1;
	if (result == FS_ABSENT)
		return 0; /* renamed since the scan: next run */
	if (!is_acceptable(push, sending, &refusal))
		sending_fail(push, sending, &refusal);
	else
		push->count++;
	return 0;
}

static int chunk_make(struct push_task *push, struct err *err)
{
	struct mailbox *mailbox = push->base.task.mailbox;
	uint64_t bytes = 0;
	const struct op *op;

	push->count = 0;
	while (!push->full && push->count < LIMIT_BATCH_MESSAGES &&
		bytes < LIMIT_BATCH_BYTES &&
		(op = apply_next(mailbox, OP_PUSH, &push->next_op)) != NULL) {
		size_t before = push->count;

		push->next_op++;
		if (chunk_take(push, op, err) != 0)
			return -1;
		if (push->count > before)
			bytes += push->sendings[before].file.facts.wire_bytes;
	}
	return 0;
}

static int commit_intents(struct push_task *push, struct err *err)
{
	struct mailbox *mailbox = push->base.task.mailbox;

	for (size_t i = 0; i < push->count; i++) {
		struct sending *sending = &push->sendings[i];
		const struct intent_record intent = {
			.kind = INTENT_APPEND,
			.mailbox = mailbox->id,
			.uidvalidity = mailbox->uidvalidity,
			.uidnext = push->uidnext,
			.identity = sending->file.facts.identity,
			.name = sending->file.item->name,
		};

		if (sending->state == SENDING_WAITS)
			sending->intent =
				journal_intent_add(&push->base.pass->journal,
					&push->base.pass->batch, &intent);
	}
	return pass_commit(push->base.pass, err);
}

/* ---- Sending ------------------------------------------------------------- */

static int64_t date_of(const struct sending *sending)
{
	return sending->file.facts.mtime_ns / 1000000000;
}

/* The messages of an APPEND in the making. */
struct together {
	struct imap_append_message messages[LIMIT_BATCH_MESSAGES];
	size_t count;
	uint64_t octets;
	size_t text_bytes; /* of the command, at most */
	struct arena scratch;
};

/* Adds a message, unless that makes it too long. */
static bool together_take(struct push_task *push, struct together *together,
	const struct sending *sending)
{
	struct imap_append_message message = {
		.has_date = true,
		.date.utc_seconds = date_of(sending),
		.octets = sending->file.facts.wire_bytes,
	};
	uint64_t octets = together->octets + message.octets;
	size_t text_bytes = together->text_bytes + MESSAGE_TEXT_BYTES;

	message.flags.items = flags_to_names(
		push->base.task.mailbox->base.keywords, sending->op->flags,
		&together->scratch, &message.flags.count);
	for (size_t i = 0; i < message.flags.count; i++)
		text_bytes += message.flags.items[i].len + 1;
	if (together->count > 0 &&
		(octets > TOGETHER_BYTES ||
			text_bytes > LIMIT_COMMAND_LINE_BYTES))
		return false;
	together->messages[together->count++] = message;
	together->octets = octets;
	together->text_bytes = text_bytes;
	return true;
}

/* Takes the messages that wait from `at` on, as far as they can go together;
 * the first that does not, or the end. */
static size_t together_from(
	struct push_task *push, struct together *together, size_t at)
{
	bool more = !push->sendings[at].alone &&
		    imap_caps_has(caps_of(push), IMAP_CAP_MULTIAPPEND);

	(void)together_take(push, together, &push->sendings[at++]);
	for (; more && at < push->count; at++) {
		const struct sending *sending = &push->sendings[at];

		if (sending->state == SENDING_WAITS &&
			(sending->alone ||
				!together_take(push, together, sending)))
			break;
	}
	return at;
}

/* Sends a message that waits, with others that do. */
static void append(struct push_task *push, size_t first)
{
	struct mailbox *mailbox = push->base.task.mailbox;
	struct imap_command command = {.kind = IMAP_APPEND};
	struct together together = {
		/* The name may be quoted all over. */
		.text_bytes = 64 + 2 * mailbox->wire_name.len,
	};
	size_t end = together_from(push, &together, first);
	size_t place = 0;
	uint32_t handle;

	command.append.mailbox = mailbox->wire_name;
	command.append.messages = together.messages;
	command.append.count = together.count;
	handle = conn_submit(push->base.task.conn, &command);
	for (size_t i = first; i < end; i++) {
		struct sending *sending = &push->sendings[i];

		if (sending->state != SENDING_WAITS)
			continue;
		sending->handle = handle;
		sending->place = place++;
		sending->told_uid = 0;
		sending->misfits = false;
		sending->doubted = false;
		sending->state = SENDING_SENT;
	}
	push->awaited++;
	arena_clear(&together.scratch);
}

/* The least UID that a message sent now can get. */
static uint32_t least_uid(const struct push_task *push)
{
	uint32_t stored = imap_set_max(&push->stored);

	return stored >= push->uidnext && stored < UINT32_MAX ? stored + 1
							      : push->uidnext;
}

/* Asks what the server shows of the messages that are on the way. */
static void ask_along(struct push_task *push)
{
	struct imap_command command = {.kind = IMAP_NOOP};
	char set[32];

	conn_submit(push->base.task.conn, &command);
	(void)snprintf(set, sizeof(set), "%" PRIu32 ":*", least_uid(push));
	command.kind = IMAP_FETCH;
	command.fetch.set = str_of(set);
	command.fetch.items = IMAP_FETCH_UID | IMAP_FETCH_FLAGS;
	if (imap_caps_has(caps_of(push), IMAP_CAP_MULTIAPPEND))
		command.fetch.items |= IMAP_FETCH_SIZE;
	conn_submit(push->base.task.conn, &command);
	push->along += 2;
}

static uint64_t waiting_bytes(const struct push_task *push)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < push->count; i++) {
		if (push->sendings[i].state == SENDING_WAITS)
			bytes += push->sendings[i].file.facts.wire_bytes;
	}
	return bytes;
}

/* Sends what of the chunk waits. */
static int send_waiting(struct push_task *push, struct err *err)
{
	bool will_tell = imap_caps_has(caps_of(push), IMAP_CAP_UIDPLUS);

	push->stage = PUSH_SENDING;
	push->awaited = 0;
	push->along = 0;
	push->select_handle = 0;
	flag_check_begin(&push->flags, push->base.task.mailbox->base.keywords);
	if (commit_intents(push, err) != 0)
		return -1;
	push->base.task.underway = waiting_bytes(push);
	if (will_tell)
		push->select_handle = task_select(&push->base.task);
	push->along += push->select_handle != 0;
	for (size_t i = 0; i < push->count; i++) {
		if (push->sendings[i].state == SENDING_WAITS)
			append(push, i);
	}
	if (will_tell)
		ask_along(push);
	return 0;
}

/* ---- Streaming bodies ---------------------------------------------------- */

static struct sending *sending_of(
	struct push_task *push, uint32_t handle, size_t place)
{
	for (size_t i = 0; i < push->count; i++) {
		if (push->sendings[i].handle == handle &&
			push->sendings[i].place == place)
			return &push->sendings[i];
	}
	return NULL;
}

static void stream_end(struct push_task *push)
{
	outgoing_end(&push->outgoing);
	push->streaming = NULL;
}

/* The file is another message's now. That the server must not have got all of
 * what was announced, so that it stores none of it, costs the connection. */
static int sending_changed(
	struct push_task *push, struct sending *sending, struct err *err)
{
	struct mailbox *mailbox = push->base.task.mailbox;

	sending->state = SENDING_FAILED;
	apply_failed(mailbox);
	push->base.task.achieved++; /* the others can be sent now */
	err_set(err, ERR_ACCOUNT, ERR_NOW, ERR_SYNC,
		"the file %s was changed while it was being sent; the next run "
		"sends it",
		sending->file.item->file_name.ptr);
	pass_note(push->base.pass, mailbox, "%s", err->text);
	return -1;
}

/* Gives the session the next octets of the literal that it asks for. */
static int stream(
	struct push_task *push, const struct imap_event *event, struct err *err)
{
	struct sending *sending = sending_of(push, event->handle, event->index);
	enum outgoing_step step = OUTGOING_GIVEN;
	struct str octets = {0};

	if (sending == NULL)
		return err_set(err, ERR_ACCOUNT, ERR_NOW, ERR_PROTOCOL,
			"the server answered an upload before it had all of "
			"it");
	if (push->streaming != sending)
		step = outgoing_begin(&push->outgoing,
			&push->base.task.mailbox->md, &sending->file, err);
	push->streaming = sending;
	if (step == OUTGOING_GIVEN)
		step = outgoing_next(
			&push->outgoing, event->octets, &octets, err);
	if (step == OUTGOING_CHANGED)
		return sending_changed(push, sending, err);
	if (step == OUTGOING_FAILED)
		return -1;
	imap_session_literal(conn_session(push->base.task.conn), octets);
	if (octets.len == event->octets)
		stream_end(push);
	return 0;
}

/* ---- Answers ------------------------------------------------------------- */

static void append_refused(struct push_task *push, struct sending *sending,
	const struct imap_status_line *line)
{
	struct err err;

	err_set(&err, ERR_MESSAGE, ERR_LATER, ERR_SYNC,
		"the server does not take the file %s: %.*s; it is tried again "
		"later",
		sending->file.item->file_name.ptr,
		STR_FMT(err_said(line->text)));
	if (line->code.kind == IMAP_CODE_OVERQUOTA)
		push->full = true;
	sending_fail(push, sending, &err);
	journal_intent_delete(&push->base.pass->journal,
		&push->base.pass->notes, sending->intent);
}

/* Whether a message that was uploaded in this task can have the UID. */
static bool can_be_new(const struct push_task *push, uint32_t uid)
{
	return uid >= push->uidnext &&
	       !mailbox_knows_uid(push->base.task.mailbox, uid) &&
	       !imap_set_contains(&push->stored, uid);
}

/* The message of the chunk that is said to have this UID, or NULL. */
static struct sending *sending_with(struct push_task *push, uint32_t uid)
{
	for (size_t i = 0; i < push->count; i++) {
		if (push->sendings[i].state == SENDING_STORED &&
			push->sendings[i].uid == uid)
			return &push->sendings[i];
	}
	return NULL;
}

/* A UID that is another message's is not believed; nor is one that two of ours
 * are said to have, for either. */
static void stored_as(
	struct push_task *push, struct sending *sending, uint32_t uid)
{
	struct sending *twin;

	sending->told_uid = uid;
	if (!can_be_new(push, uid))
		return;
	twin = sending_with(push, uid);
	if (twin != NULL) {
		twin->state = SENDING_UNNAMED;
		return;
	}
	sending->uid = uid;
	sending->state = SENDING_STORED;
	push->base.task.achieved++;
}

/* APPENDUID tells the UIDs in the order of the messages (RFC 4315 section 3),
 * which is a rising one. */
static bool tells_uids(const struct push_task *push,
	const struct imap_code *code, size_t messages)
{
	return code->kind == IMAP_CODE_APPENDUID &&
	       code->uidvalidity == push->base.task.mailbox->uidvalidity &&
	       imap_set_size(code->uids) == messages;
}

static size_t messages_of(const struct push_task *push, uint32_t handle)
{
	size_t count = 0;

	for (size_t i = 0; i < push->count; i++)
		count += push->sendings[i].handle == handle;
	return count;
}

static void append_stored(
	struct push_task *push, uint32_t handle, const struct imap_code *code)
{
	bool told = tells_uids(push, code, messages_of(push, handle));
	struct imap_set_iter iter = {0};
	uint32_t uid;

	for (size_t i = 0; i < push->count; i++) {
		struct sending *sending = &push->sendings[i];

		if (sending->handle != handle)
			continue;
		sending->state = SENDING_UNNAMED;
		if (told && imap_set_next(code->uids, &iter, &uid))
			stored_as(push, sending, uid);
	}
}

/* A server that shows a message of another size may have stored it with a line
 * more, or tell the UIDs of several in another order. */
static void size_seen(struct push_task *push, const struct imap_fetch *fetched)
{
	const unsigned needed = IMAP_FETCH_UID | IMAP_FETCH_SIZE;
	struct sending *sending = (fetched->present & needed) == needed
					  ? sending_with(push, fetched->uid)
					  : NULL;

	if (sending != NULL && fetched->size != sending->file.facts.wire_bytes)
		sending->misfits = true;
}

static bool any_misfits(const struct push_task *push, uint32_t handle)
{
	for (size_t i = 0; i < push->count; i++) {
		if (push->sendings[i].handle == handle &&
			push->sendings[i].misfits)
			return true;
	}
	return false;
}

/* Of UIDs that were told of several messages, those are doubted that were told
 * along with one that misfits; or all. */
static void doubt(struct push_task *push, bool all)
{
	for (size_t i = 0; i < push->count; i++) {
		struct sending *sending = &push->sendings[i];

		if (sending->state != SENDING_STORED ||
			messages_of(push, sending->handle) < 2 ||
			!(all || any_misfits(push, sending->handle)))
			continue;
		sending->state = SENDING_UNNAMED;
		sending->doubted = true;
	}
}

/* What no header tells is what it was said to be, if nothing else is. */
static void believe_doubted(struct push_task *push)
{
	for (size_t i = 0; i < push->count; i++) {
		struct sending *sending = &push->sendings[i];

		if (sending->state == SENDING_UNNAMED && sending->doubted &&
			sending_with(push, sending->told_uid) == NULL)
			stored_as(push, sending, sending->told_uid);
		sending->misfits = false;
	}
}

/* One of several messages was refused, and so all were; or not quite. */
static void append_answered(struct push_task *push, uint32_t handle,
	const struct imap_status_line *line)
{
	if (line->condition == IMAP_OK)
		append_stored(push, handle, &line->code);
	else if (messages_of(push, handle) == 1)
		append_refused(push, sending_of(push, handle, 0), line);
}

static int record_sending(
	struct push_task *push, struct sending *sending, struct err *err)
{
	struct mailbox *mailbox = push->base.task.mailbox;
	const struct journal_detail detail = {
		.identity = sending->file.facts.identity};
	const struct trouble_key trouble = {.mailbox = mailbox->id,
		.side = LOCAL,
		.name = sending->file.item->name};
	const struct journal_message message = {
		.uid = sending->uid,
		.flags = flag_check_base(
			&push->flags, sending->uid, sending->op->base),
		.name = sending->file.item->name,
		.internaldate_s = date_of(sending),
		.stored_raw = sending->file.form == LINE_FORM_RAW,
		.detail = &detail,
	};

	journal_trouble_clear(
		&push->base.pass->journal, &push->base.pass->batch, &trouble);
	journal_intent_delete(&push->base.pass->journal,
		&push->base.pass->batch, sending->intent);
	apply_row(mailbox, sending->op)->uid = sending->uid;
	imap_set_add(&push->stored, sending->uid);
	return apply_record(
		push->base.pass, mailbox, sending->op, &message, err);
}

/* The server has the message, as that of another file: nothing is wrong, but it
 * is not asked to take it again soon. */
static void sending_spare(struct push_task *push, struct sending *sending)
{
	struct pass *pass = push->base.pass;
	struct mailbox *mailbox = push->base.task.mailbox;
	struct err err;
	struct journal_failure failure = {
		.key = {.mailbox = mailbox->id,
			.side = LOCAL,
			.name = sending->file.item->name},
		.now_s = pass_now_s(pass),
	};

	err_set(&err, ERR_MESSAGE, ERR_LATER, ERR_SYNC,
		"the server keeps one of equal messages: for the file %s it "
		"names message %" PRIu32 ", which it had before; the file "
		"stays in the Maildir alone",
		sending->file.item->file_name.ptr, sending->told_uid);
	failure.reason = str_of(err.text);
	sending->state = SENDING_FAILED;
	pass_note(pass, mailbox, "%s", err.text);
	if (journal_trouble_note(
		    &pass->journal, &pass->notes, &failure, &err) != 0)
		pass_error(pass, mailbox, &err, sending->told_uid,
			sending->file.item->file_name);
	journal_intent_delete(&pass->journal, &pass->notes, sending->intent);
}

/* The server took it, and does not show it. The next run looks whether it came
 * after all; if not, it is sent again when its next try is due. */
static void sending_unseen(struct push_task *push, struct sending *sending)
{
	struct err err;

	err_set(&err, ERR_MESSAGE, ERR_LATER, ERR_SYNC,
		"the server took the file %s, but does not show it among its "
		"messages; the file stays here, and is tried again later",
		sending->file.item->file_name.ptr);
	sending_fail(push, sending, &err);
}

/* Whether the server said that the message is one of another file. */
static bool is_spare(
	const struct push_task *push, const struct sending *sending)
{
	return sending->state == SENDING_UNNAMED && sending->told_uid != 0 &&
	       (mailbox_knows_uid(push->base.task.mailbox, sending->told_uid) ||
		       imap_set_contains(&push->stored, sending->told_uid));
}

/* Records a message that the server has beyond doubt; tells of others. */
static int sending_end(
	struct push_task *push, struct sending *sending, struct err *err)
{
	if (sending->state == SENDING_STORED &&
		flag_check_was_shown(&push->flags, sending->uid))
		return record_sending(push, sending, err);
	if (is_spare(push, sending))
		sending_spare(push, sending);
	else if (sending->state != SENDING_FAILED)
		sending_unseen(push, sending);
	return 0;
}

/* Commits what the server has stored. */
static int chunk_commit(struct push_task *push, struct err *err)
{
	for (size_t i = 0; i < push->count; i++) {
		if (sending_end(push, &push->sendings[i], err) != 0)
			return -1;
	}
	if (pass_commit(push->base.pass, err) != 0)
		return -1;
	for (size_t i = 0; i < push->count; i++) {
		const struct sending *sending = &push->sendings[i];

		if (sending->state == SENDING_STORED)
			apply_tell(push->base.pass, push->base.task.mailbox,
				sending->op, sending->uid,
				sending->file.item->file_name);
	}
	return 0;
}

static bool any_in(const struct push_task *push, enum sending_state state)
{
	for (size_t i = 0; i < push->count; i++) {
		if (push->sendings[i].state == state)
			return true;
	}
	return false;
}

static enum task_step next_chunk(struct push_task *push, struct err *err)
{
	stream_end(push);
	if (chunk_make(push, err) != 0)
		return TASK_FAILED;
	if (push->count == 0) {
		mailbox_close_maildir(push->base.task.mailbox);
		return pass_commit(push->base.pass, err) != 0 ? TASK_FAILED
							      : TASK_DONE;
	}
	return send_waiting(push, err) != 0 ? TASK_FAILED : TASK_MORE;
}

static enum task_step chunk_done(struct push_task *push, struct err *err)
{
	if (chunk_commit(push, err) != 0)
		return TASK_FAILED;
	return next_chunk(push, err);
}

/* ---- Stages of the selected mailbox -------------------------------------- */

static void look(struct push_task *push)
{
	struct imap_command command = {.kind = IMAP_NOOP};
	char set[32];

	push->stage = PUSH_LOOKING;
	push->headers.count = 0;
	push->awaited = 2;
	conn_submit(push->base.task.conn, &command);
	(void)snprintf(set, sizeof(set), "%" PRIu32 ":*", least_uid(push));
	command.kind = IMAP_FETCH;
	command.fetch.set = str_of(set);
	command.fetch.items =
		IMAP_FETCH_UID | IMAP_FETCH_SIZE | IMAP_FETCH_HEADER;
	conn_submit(push->base.task.conn, &command);
}

static void check_flags(struct push_task *push)
{
	push->stage = PUSH_CHECKING;
	push->awaited = flag_check_ask(&push->flags, push->base.task.conn);
}

static void stage_begin(struct push_task *push, enum push_stage stage)
{
	if (stage == PUSH_LOOKING)
		look(push);
	else
		check_flags(push);
}

/* Has the mailbox selected, and then begins a stage that needs that. */
static enum task_step select_for(struct push_task *push, enum push_stage stage)
{
	push->stage = PUSH_SELECTING;
	push->then = stage;
	push->awaited = 0;
	push->select_handle = task_select(&push->base.task);
	if (push->select_handle == 0)
		stage_begin(push, stage);
	return TASK_MORE;
}

/* ---- Flags --------------------------------------------------------------- */

/* Those that have UIDs are to be shown by the server. */
static void check_begin(struct push_task *push)
{
	flag_check_begin(&push->flags, push->base.task.mailbox->base.keywords);
	for (size_t i = 0; i < push->count; i++) {
		const struct sending *sending = &push->sendings[i];

		if (sending->state == SENDING_STORED)
			flag_check_add(
				&push->flags, sending->uid, sending->op->base);
	}
	flag_check_sort(&push->flags);
}

/* The chunk's messages have UIDs. */
static enum task_step chunk_stored(struct push_task *push, struct err *err)
{
	check_begin(push);
	return push->flags.count > 0 ? select_for(push, PUSH_CHECKING)
				     : chunk_done(push, err);
}

static enum task_step flags_checked(struct push_task *push, struct err *err)
{
	push->stage = PUSH_FLAGGING;
	push->awaited = flag_check_store(&push->flags, push->base.task.conn);
	return push->awaited > 0 ? TASK_MORE : chunk_done(push, err);
}

/* ---- Looking up ---------------------------------------------------------- */

static int header_seen(struct push_task *push, const struct imap_fetch *fetched,
	struct err *err)
{
	if (!can_be_new(push, fetched->uid))
		return 0;
	return intents_header(&push->headers, &push->header_cap, fetched, err);
}

/* UIDs that are known to belong to somebody are not looked at. */
static void header_taken(struct push_task *push, uint32_t uid)
{
	for (size_t i = 0; i < push->headers.count; i++) {
		if (push->headers.items[i].row == uid)
			push->headers.items[i].row = PLAN_NONE;
	}
}

static enum task_step looked(struct push_task *push, struct err *err)
{
	intents_settle(&push->headers);
	for (size_t i = 0; i < push->count; i++) {
		if (push->sendings[i].state == SENDING_STORED)
			header_taken(push, push->sendings[i].uid);
	}
	for (size_t i = 0; i < push->count; i++) {
		struct sending *sending = &push->sendings[i];
		size_t found;

		if (sending->state != SENDING_UNNAMED &&
			sending->state != SENDING_SENT)
			continue;
		found = intents_find(
			&push->headers, &sending->file.facts.identity);
		if (found < push->headers.count) {
			sending->uid = push->headers.items[found].row;
			sending->state = SENDING_STORED;
			push->base.task.achieved++;
			header_taken(push, sending->uid);
		} else if (sending->state == SENDING_SENT) {
			sending->state = SENDING_WAITS; /* it got lost */
			sending->alone = true;
			journal_intent_delete(&push->base.pass->journal,
				&push->base.pass->batch, sending->intent);
		}
	}
	believe_doubted(push);
	if (!any_in(push, SENDING_WAITS))
		return chunk_stored(push, err);
	return send_waiting(push, err) != 0 ? TASK_FAILED : TASK_MORE;
}

/* ---- The machine --------------------------------------------------------- */

static enum task_step look_answered(struct push_task *push,
	const struct imap_status_line *line, struct err *err)
{
	if (line->condition != IMAP_OK) {
		err_set(err, ERR_MAILBOX, ERR_LATER, ERR_SYNC,
			"the server does not show what was uploaded: %.*s; "
			"the next run looks again",
			STR_FMT(err_said(line->text)));
		return TASK_FAILED;
	}
	return --push->awaited == 0 ? looked(push, err) : TASK_MORE;
}

static enum task_step flagging_answered(
	struct push_task *push, const struct imap_status_line *line)
{
	struct err err;

	if (line->condition != IMAP_OK) {
		err_set(&err, ERR_MAILBOX, ERR_LATER, ERR_SYNC,
			"the server refuses flags of a message that was "
			"uploaded: %.*s",
			STR_FMT(err_said(line->text)));
		pass_error(push->base.pass, push->base.task.mailbox, &err, 0,
			(struct str){0});
		apply_failed(push->base.task.mailbox);
	}
	if (--push->awaited == 0)
		check_flags(push);
	return TASK_MORE;
}

static bool any_open(const struct push_task *push)
{
	for (size_t i = 0; i < push->flags.count; i++) {
		if (flag_check_is_open(&push->flags, push->flags.items[i].uid))
			return true;
	}
	return false;
}

/* All that was sent is answered. */
static enum task_step chunk_sent(struct push_task *push, struct err *err)
{
	doubt(push, false);
	if (any_in(push, SENDING_UNNAMED) || any_in(push, SENDING_SENT))
		return select_for(push, PUSH_LOOKING);
	if (push->flags.count == 0 || any_open(push))
		return chunk_stored(push, err);
	return flags_checked(push, err);
}

static enum task_step sending_answered(
	struct push_task *push, const struct imap_event *event, struct err *err)
{
	const struct imap_status_line *line = &event->response->line;

	if (messages_of(push, event->handle) > 0) {
		append_answered(push, event->handle, line);
		if (--push->awaited == 0) {
			push->base.task.underway = 0;
			check_begin(push);
		}
	} else {
		push->along--;
		if (event->handle == push->select_handle &&
			task_selected(&push->base.task, line, err) != 0)
			return TASK_FAILED;
	}
	return push->awaited > 0 || push->along > 0 ? TASK_MORE
						    : chunk_sent(push, err);
}

static enum task_step push_answered(
	struct push_task *push, const struct imap_event *event, struct err *err)
{
	const struct imap_status_line *line = &event->response->line;

	switch (push->stage) {
	case PUSH_SELECTING:
		if (task_selected(&push->base.task, line, err) != 0)
			return TASK_FAILED;
		stage_begin(push, push->then);
		return TASK_MORE;
	case PUSH_LOOKING:
		return look_answered(push, line, err);
	case PUSH_CHECKING:
		return --push->awaited == 0 ? flags_checked(push, err)
					    : TASK_MORE;
	case PUSH_FLAGGING:
		return flagging_answered(push, line);
	default:
		return sending_answered(push, event, err);
	}
}

static int push_told(struct push_task *push,
	const struct imap_response *response, struct err *err)
{
	if (response->kind != IMAP_RESPONSE_FETCH)
		return 0;
	if (push->stage == PUSH_LOOKING)
		return header_seen(push, &response->fetch, err);
	if (push->stage == PUSH_SENDING)
		size_seen(push, &response->fetch);
	if (push->stage == PUSH_CHECKING || push->stage == PUSH_SENDING)
		flag_check_shown(&push->flags, &response->fetch);
	return 0;
}

/* When there is no further chunk, others may speak. */
static void note_said(struct push_task *push)
{
	if (push->full || apply_next(push->base.task.mailbox, OP_PUSH,
				  &push->next_op) == NULL)
		task_said(&push->base.task);
}

static enum task_step push_event(
	struct task *task, const struct imap_event *event, struct err *err)
{
	struct push_task *push = (struct push_task *)task;
	enum task_step step;

	switch (event->kind) {
	case IMAP_EVENT_TAGGED:
		step = push_answered(push, event, err);
		note_said(push);
		return step;
	case IMAP_EVENT_LITERAL_WANTED:
		return stream(push, event, err) != 0 ? TASK_FAILED : TASK_MORE;
	case IMAP_EVENT_UNTAGGED:
		return push_told(push, event->response, err) != 0 ? TASK_FAILED
								  : TASK_MORE;
	default:
		return TASK_MORE;
	}
}

/* The least UID that a message sent now can get; Courier does not tell. */
static uint32_t uidnext_of(const struct mailbox *mailbox)
{
	uint32_t last;

	if (mailbox->uidnext > 0)
		return (uint32_t)mailbox->uidnext;
	last = mailbox->remote_count > 0
		       ? mailbox->remote[mailbox->remote_count - 1].uid
		       : 0;
	return last < UINT32_MAX ? last + 1 : last;
}

static enum task_step push_begin(struct task *task, struct err *err)
{
	struct push_task *push = (struct push_task *)task;
	struct mailbox *mailbox = task->mailbox;
	enum task_step step;

	stream_end(push);
	doubt(push, true); /* their sizes may not have been seen */
	for (size_t i = 0; i < push->count; i++)
		push->sendings[i].handle = 0; /* it was another session's */
	if (!mailbox->md_open &&
		mailbox_open_maildir(push->base.pass, mailbox, false, err) != 0)
		return TASK_FAILED;
	push->uidnext = uidnext_of(mailbox);
	step = task->tries > 1 && push->count > 0
		       ? select_for(push, PUSH_LOOKING)
		       : next_chunk(push, err);
	note_said(push);
	return step;
}

static void push_end(struct task *task)
{
	struct push_task *push = (struct push_task *)task;

	outgoing_clear(&push->outgoing);
	free(push->sendings);
	free(push->headers.items);
	imap_set_clear(&push->stored);
	flag_check_clear(&push->flags);
	mailbox_close_maildir(task->mailbox);
}

int push_all(struct pass *pass, struct err *err)
{
	static const struct task_kind kind = {push_begin, push_event};
	const struct apply_work work = {
		.kinds = 1U << OP_PUSH,
		.turns = 1,
		.kind = &kind,
		.task_bytes = sizeof(struct push_task),
		.end = push_end,
	};

	return apply_everywhere(pass, &work, err);
}
