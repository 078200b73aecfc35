/*
 * How: the messages to fetch are cut into chunks, each a batch of the durable
 * kind: so many messages or bytes. Two chunks of a task are under way, so that
 * the server sends the second while the first is being flushed; a mailbox of
 * many chunks has several tasks, each with a connection. When that breaks, what
 * has come stays, and what is missing is asked for by the next. A chunk is a
 * UID FETCH and a NOOP; the NOOP shows whether anything was expunged meanwhile,
 * when a server may have given an empty or a made-up body (Dovecot: NIL;
 * Courier: a letter of its own). Then, or when a body's size is not the one
 * listed, the chunk's UIDs and sizes are asked for once more, and what is gone
 * by then is dropped. What is still listed and was not given is asked for
 * singly, with a NOOP and if need be a verification again, and then put off.
 *
 * A large body that a connection or the end of the run cuts off is kept
 * (part.h) and gone on with by a FETCH of its own. What then comes to another
 * size than the one listed, or does not fit, is asked for as a whole; so it is
 * after a try that came to nothing.
 *
 * A server that says in the middle of a chunk that it has given enough for now
 * (Yahoo) is asked for no more of the mailbox, and no message is to blame.
 *
 * Some servers lie in RFC822.SIZE, others cut a message off: a body that is far
 * from its size is the message only if it comes twice. An empty one is none at
 * all, unless the server says that it has no bytes.
 */
#include "pull.h"

#include "apply.h"
#include "deliver.h"
#include "pulled.h"

#include "godwit/base/limits.h"
#include "godwit/mail/maildir_name.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum chunk_state {
	CHUNK_FREE,
	CHUNK_AGAIN,     /* what is missing is to be asked for once more */
	CHUNK_FETCHING,  /* awaits bodies and NOOP */
	CHUNK_VERIFYING, /* awaits the list of what is still there */
	CHUNK_SINGLES,   /* awaits bodies that were asked for one by one */
	CHUNK_READY,     /* to be handed over */
};

enum arrival_state {
	ARRIVAL_AWAITED,
	ARRIVAL_HERE,     /* delivered into tmp/ */
	ARRIVAL_SUSPECT,  /* likewise, but not quite of the size listed */
	ARRIVAL_UNPROVEN, /* likewise, and far from it: it must come twice */
};

/* What is wrong with a message that is listed, and not to be kept. */
enum arrival_fault {
	ARRIVAL_NOT_GIVEN,
	ARRIVAL_EMPTY,   /* though it has bytes */
	ARRIVAL_CHANGES, /* each time that it is given */
};

/* One message of a chunk. */
struct arrival {
	const struct op *op;
	uint32_t uid;
	enum arrival_state state;
	enum arrival_fault fault;
	bool listed;       /* by the verification */
	bool told_empty;   /* by it, too */
	struct part *part; /* the beginning of it, or NULL */
	struct delivered file;
};

struct chunk {
	enum chunk_state state;
	struct arrival *arrivals; /* by rising UID; on the heap */
	size_t count;
	size_t cap;
	unsigned awaited;      /* answers to the commands of this state */
	uint32_t first_handle; /* of them; they were submitted in a row */
	uint32_t last_handle;
	uint64_t due_bytes; /* of its bodies, still to come */
	bool expunged;      /* something was, while it was fetched */
	unsigned rounds;    /* of asking singly */
	unsigned losses;    /* of `pulled`, when it began */
	bool unverified;    /* the question what is there was refused */
	bool limited;       /* the server has given enough, it says */
	bool probed;        /* whether it is so was asked */
	struct err refused; /* what a NO said */
};

enum {
	CHUNKS = 2,
	ROUNDS_MAX = 2, /* in which messages of a chunk are asked for singly */
};

struct pull_task {
	struct apply_task base;
	uint32_t select_handle;
	bool begun; /* it counts in the mailbox's `pulling` */
	struct chunk chunks[CHUNKS];
	struct delivery delivery;
	uint32_t resumed_uid;    /* whose it is, if it goes on with a part */
	uint32_t delivering_uid; /* 0: none, or not known */
	uint32_t suspect_uid;    /* it was coming when a connection broke */
};

static struct remote_item *listed_item(
	const struct mailbox *mailbox, const struct op *op)
{
	return &mailbox->remote[apply_row(mailbox, op)->remote];
}

/* ---- Chunks -------------------------------------------------------------- */

static struct arrival *chunk_add(struct chunk *chunk)
{
	chunk->arrivals = array_grow(chunk->arrivals, &chunk->cap,
		chunk->count + 1, sizeof(*chunk->arrivals));
	chunk->arrivals[chunk->count] = (struct arrival){0};
	return &chunk->arrivals[chunk->count++];
}

static struct arrival *chunk_find(struct chunk *chunk, uint32_t uid)
{
	size_t low = 0;
	size_t high = chunk->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (chunk->arrivals[middle].uid == uid)
			return &chunk->arrivals[middle];
		if (chunk->arrivals[middle].uid < uid)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/* The stem of the name that an arrival's file gets, if it is large. */
static bool stem_of(const struct pull_task *pull, const struct arrival *arrival,
	struct buf *stem)
{
	const struct mailbox *mailbox = pull->base.task.mailbox;

	if (listed_item(mailbox, arrival->op)->bytes <= LIMIT_RESUME_BYTES)
		return false;
	maildir_name_stem(stem, pull->base.pass->account->name, mailbox->name,
		mailbox->uidvalidity, arrival->uid);
	return true;
}

/* What there is of a message. */
static struct part *part_of(
	const struct pull_task *pull, const struct arrival *arrival)
{
	struct buf stem = {0};
	struct part *part = NULL;

	if (stem_of(pull, arrival, &stem))
		part = parts_take(
			&pull->base.task.mailbox->parts, buf_str(&stem));
	buf_clear(&stem);
	return part;
}

/* It is of no use. */
static void part_drop(struct pull_task *pull, struct arrival *arrival)
{
	struct maildir *md = &pull->base.task.mailbox->md;

	if (arrival->part != NULL)
		(void)md->fs->unlink(md->tmp, arrival->part->name, NULL);
	arrival->part = NULL;
}

static void chunk_remove(struct chunk *chunk, struct arrival *arrival)
{
	size_t behind = (size_t)(chunk->arrivals + chunk->count - arrival) - 1;

	memmove(arrival, arrival + 1, behind * sizeof(*arrival));
	chunk->count--;
}

/* Fills a chunk with the next messages that no task has taken. False: there are
 * none. */
static bool chunk_fill(struct pull_task *pull, struct chunk *chunk)
{
	struct mailbox *mailbox = pull->base.task.mailbox;
	uint64_t bytes = 0;
	const struct op *op;

	chunk->count = 0;
	chunk->due_bytes = 0;
	chunk->refused.text[0] = '\0';
	chunk->limited = false;
	chunk->probed = false;
	while (!mailbox->rationed && chunk->count < LIMIT_BATCH_MESSAGES &&
		(op = apply_next(mailbox, OP_PULL, &mailbox->pull_at)) !=
			NULL) {
		uint64_t more = listed_item(mailbox, op)->bytes;
		struct arrival *arrival;

		if (more > LIMIT_BATCH_BYTES)
			more = LIMIT_BATCH_BYTES; /* sums do not overflow */

		if (!apply_is_due(mailbox, op)) {
			mailbox->pull_at++;
			continue;
		}
		if (chunk->count > 0 && bytes + more > LIMIT_BATCH_BYTES)
			break;
		bytes += more;
		chunk->due_bytes = bytes;
		arrival = chunk_add(chunk);
		arrival->op = op;
		arrival->uid = apply_row(mailbox, op)->uid;
		arrival->part = part_of(pull, arrival);
		mailbox->pull_at++;
	}
	return chunk->count > 0;
}

static void chunk_submit(struct pull_task *pull, struct chunk *chunk,
	const struct imap_command *command)
{
	chunk->last_handle = conn_submit(pull->base.task.conn, command);
	if (chunk->awaited++ == 0)
		chunk->first_handle = chunk->last_handle;
}

/* Submits UID FETCH for the arrivals that `wanted` picks. */
static void chunk_fetch(struct pull_task *pull, struct chunk *chunk,
	bool (*wanted)(const struct arrival *arrival), unsigned items)
{
	struct imap_command command = {.kind = IMAP_FETCH};
	struct imap_set set = {0};
	struct buf text = {0};
	size_t from = 0;

	for (size_t i = 0; i < chunk->count; i++) {
		if (wanted(&chunk->arrivals[i]))
			imap_set_add(&set, chunk->arrivals[i].uid);
	}
	command.fetch.items = IMAP_FETCH_UID | items;
	while (imap_set_print_next(
		&set, &from, LIMIT_COMMAND_LINE_BYTES - 200, &text)) {
		command.fetch.set = buf_str(&text);
		chunk_submit(pull, chunk, &command);
		buf_reset(&text);
	}
	buf_clear(&text);
	imap_set_clear(&set);
}

/*
 * Asks for the rest of a message of which there is a part, and for a byte more
 * than it should have: a size that is told too small must not make a whole of
 * it. False: it is to be asked for from its beginning. (A number of IMAP's has
 * 32 bits.)
 */
static bool chunk_fetch_rest(
	struct pull_task *pull, struct chunk *chunk, struct arrival *arrival)
{
	uint64_t bytes =
		listed_item(pull->base.task.mailbox, arrival->op)->bytes;
	struct imap_command command = {.kind = IMAP_FETCH};
	char set[16];

	if (arrival->part->wire_bytes >= bytes || bytes >= UINT32_MAX) {
		part_drop(pull, arrival);
		return false;
	}
	(void)snprintf(set, sizeof(set), "%" PRIu32, arrival->uid);
	command.fetch.set = str_of(set);
	command.fetch.items = IMAP_FETCH_UID | IMAP_FETCH_BODY;
	command.fetch.partial = true;
	command.fetch.offset = delivery_resume_offset(arrival->part);
	command.fetch.octets = bytes + 1 - command.fetch.offset;
	chunk_submit(pull, chunk, &command);
	return true;
}

static void chunk_noop(struct pull_task *pull, struct chunk *chunk)
{
	chunk_submit(pull, chunk, &(struct imap_command){.kind = IMAP_NOOP});
}

static bool is_any(const struct arrival *arrival)
{
	return arrival->uid != 0;
}

/* So much less is to come. */
static void chunk_got(
	struct pull_task *pull, struct chunk *chunk, uint64_t bytes)
{
	if (bytes > chunk->due_bytes)
		bytes = chunk->due_bytes;
	chunk->due_bytes -= bytes;
	pull->base.task.underway -= bytes;
}

static bool is_missing(const struct arrival *arrival)
{
	return arrival->state == ARRIVAL_AWAITED;
}

static bool is_unbegun(const struct arrival *arrival)
{
	return is_missing(arrival) && arrival->part == NULL;
}

static bool chunk_any(
	const struct chunk *chunk, bool (*is)(const struct arrival *arrival))
{
	for (size_t i = 0; i < chunk->count; i++) {
		if (is(&chunk->arrivals[i]))
			return true;
	}
	return false;
}

static bool is_doubtful(const struct arrival *arrival)
{
	return arrival->state != ARRIVAL_HERE;
}

static void chunk_verify(struct pull_task *pull, struct chunk *chunk)
{
	chunk->state = CHUNK_VERIFYING;
	chunk->unverified = false;
	chunk->awaited = 0;
	for (size_t i = 0; i < chunk->count; i++)
		chunk->arrivals[i].listed = false;
	chunk_fetch(pull, chunk, is_any, IMAP_FETCH_SIZE);
}

static void chunk_begin(struct pull_task *pull, struct chunk *chunk)
{
	/* What another connection was told of expunges, this one is not. */
	chunk->expunged = chunk->state == CHUNK_AGAIN;
	if (chunk->state != CHUNK_AGAIN)
		chunk->losses = pull->base.pass->pulled->losses;
	chunk->rounds = 0;
	pull->base.task.underway += chunk->due_bytes;
	if (!chunk_any(chunk, is_missing)) {
		chunk_verify(pull, chunk);
		return;
	}
	chunk->state = CHUNK_FETCHING;
	chunk->awaited = 0;
	for (size_t i = 0; i < chunk->count; i++) {
		struct arrival *arrival = &chunk->arrivals[i];

		if (is_missing(arrival) && arrival->part != NULL)
			(void)chunk_fetch_rest(pull, chunk, arrival);
	}
	chunk_fetch(pull, chunk, is_unbegun, IMAP_FETCH_BODY);
	chunk_noop(pull, chunk);
}

/* Whether a message that is there is to be asked for in this round: one that
 * was not given once more, one that must come twice until it does. */
static bool is_wanted(const struct chunk *chunk, const struct arrival *arrival)
{
	return arrival->listed &&
	       (arrival->state == ARRIVAL_UNPROVEN ||
		       (is_missing(arrival) && chunk->rounds == 1));
}

/* After the verification: asks for messages by themselves. False: for none. */
static bool chunk_singles(struct pull_task *pull, struct chunk *chunk)
{
	struct imap_command command = {.kind = IMAP_FETCH};

	if (chunk->rounds++ == ROUNDS_MAX)
		return false;
	chunk->state = CHUNK_SINGLES;
	chunk->expunged = false;
	chunk->awaited = 0;
	command.fetch.items = IMAP_FETCH_UID | IMAP_FETCH_BODY;
	for (size_t i = 0; i < chunk->count; i++) {
		char set[16];

		if (!is_wanted(chunk, &chunk->arrivals[i]))
			continue;
		(void)snprintf(
			set, sizeof(set), "%" PRIu32, chunk->arrivals[i].uid);
		command.fetch.set = str_of(set);
		chunk_submit(pull, chunk, &command);
	}
	if (chunk->awaited > 0)
		chunk_noop(pull, chunk);
	return chunk->awaited > 0;
}

static void arrival_discard(struct pull_task *pull, struct arrival *arrival)
{
	struct maildir *md = &pull->base.task.mailbox->md;

	if (!is_missing(arrival))
		(void)md->fs->unlink(md->tmp, arrival->file.tmp_name, NULL);
	arrival->state = ARRIVAL_AWAITED;
}

/* What was expunged meanwhile is not to be kept, whatever came for it. */
static void chunk_drop_vanished(struct pull_task *pull, struct chunk *chunk)
{
	for (size_t i = 0; i < chunk->count; i++) {
		if (chunk->arrivals[i].listed)
			continue;
		arrival_discard(pull, &chunk->arrivals[i]);
		part_drop(pull, &chunk->arrivals[i]);
	}
}

/* Nor is what never came twice alike. */
static void chunk_drop_unproven(struct pull_task *pull, struct chunk *chunk)
{
	for (size_t i = 0; i < chunk->count; i++) {
		struct arrival *arrival = &chunk->arrivals[i];

		if (arrival->state != ARRIVAL_UNPROVEN)
			continue;
		arrival_discard(pull, arrival);
		arrival->fault = ARRIVAL_CHANGES;
	}
}

/* ---- Servers that have given enough -------------------------------------- */

/* Whether the end of the chunk is missing, from some message on. A server may
 * say LIMIT for one message's sake as well, and then gives others behind it. */
static bool is_cut_short(const struct chunk *chunk)
{
	size_t missing = 0;

	for (size_t i = 0; i < chunk->count; i++) {
		bool is_gone = is_missing(&chunk->arrivals[i]);

		if (!is_gone && missing > 0)
			return false;
		missing += is_gone;
	}
	return chunk->limited && missing > 1;
}

/* Asks for the last message by itself, once: it comes if the first that is
 * missing was the reason. False: that was done. */
static bool chunk_probe(struct pull_task *pull, struct chunk *chunk)
{
	struct imap_command command = {.kind = IMAP_FETCH};
	char set[16];

	if (chunk->probed)
		return false;
	chunk->probed = true;
	chunk->state = CHUNK_SINGLES;
	chunk->expunged = false;
	chunk->awaited = 0;
	(void)snprintf(set, sizeof(set), "%" PRIu32,
		chunk->arrivals[chunk->count - 1].uid);
	command.fetch.set = str_of(set);
	command.fetch.items = IMAP_FETCH_UID | IMAP_FETCH_BODY;
	chunk_submit(pull, chunk, &command);
	chunk_noop(pull, chunk);
	return true;
}

/* What has come beyond doubt is kept, the rest is the next run's. */
static void chunk_ration(struct pull_task *pull, struct chunk *chunk)
{
	struct mailbox *mailbox = pull->base.task.mailbox;
	struct err err;

	for (size_t i = 0; i < chunk->count; i++) {
		struct arrival *arrival = &chunk->arrivals[i];

		if (is_doubtful(arrival))
			arrival_discard(pull, arrival);
		arrival->listed = false; /* not to be put off */
	}
	apply_failed(mailbox);
	if (mailbox->rationed)
		return;
	mailbox->rationed = true;
	err_set(&err, ERR_MAILBOX, ERR_LATER, ERR_SYNC,
		"the server gives no more messages for now: %s; the next run "
		"goes on",
		chunk->refused.text);
	pass_error(pull->base.pass, mailbox, &err, 0, (struct str){0});
}

/* The end is missing. True: it is being asked whether it stays so. */
static bool chunk_short(struct pull_task *pull, struct chunk *chunk)
{
	if (chunk_probe(pull, chunk))
		return true;
	chunk_ration(pull, chunk);
	return false;
}

/* ---- Handing over -------------------------------------------------------- */

/* Still listed, but not given as it must be. */
static void put_off(struct pull_task *pull, const struct chunk *chunk,
	const struct arrival *arrival)
{
	static const char *const faults[] = {
		[ARRIVAL_NOT_GIVEN] = "no reason given",
		[ARRIVAL_EMPTY] = "what comes is empty",
		[ARRIVAL_CHANGES] =
			("what comes is not of the size listed, and "
			 "another thing each time"),
	};
	const struct trouble_key key = {
		.mailbox = pull->base.task.mailbox->id,
		.side = REMOTE,
		.uid = arrival->uid,
	};
	bool said = arrival->fault == ARRIVAL_NOT_GIVEN &&
		    chunk->refused.text[0] != '\0';
	struct err err;

	err_set(&err, ERR_MESSAGE, ERR_LATER, ERR_SYNC,
		"the server lists message %" PRIu32
		" but does not give it: %s; it is tried again later",
		arrival->uid,
		said ? chunk->refused.text : faults[arrival->fault]);
	pass_message_failed(
		pull->base.pass, pull->base.task.mailbox, &key, &err);
}

/* A chunk is over. What has come becomes durable by and by, with that of other
 * chunks and mailboxes. */
static int chunk_hand_over(
	struct pull_task *pull, struct chunk *chunk, struct err *err)
{
	struct pass *pass = pull->base.pass;
	struct mailbox *mailbox = pull->base.task.mailbox;

	for (size_t i = 0; i < chunk->count; i++) {
		const struct arrival *arrival = &chunk->arrivals[i];

		if (!is_missing(arrival))
			pulled_add(
				pass->pulled, &(struct pulled_file){
						      .mailbox = mailbox,
						      .op = arrival->op,
						      .file = arrival->file,
						      .losses = chunk->losses,
					      });
		else if (arrival->listed)
			put_off(pull, chunk, arrival);
	}
	pull->base.task.achieved++;
	if (pulled_is_full(pass->pulled) && pulled_commit(pass, err) != 0)
		return -1;
	if (mailbox_is_active(mailbox))
		return 0;
	return err_set(err, ERR_MAILBOX, ERR_LATER, ERR_DISK,
		"what has come could not be made durable");
}

/* ---- The machine --------------------------------------------------------- */

static struct arrival *arrival_of(
	struct pull_task *pull, uint32_t uid, struct chunk **chunk_r)
{
	for (unsigned i = 0; i < CHUNKS; i++) {
		struct chunk *chunk = &pull->chunks[i];
		struct arrival *arrival = chunk->state == CHUNK_FREE
						  ? NULL
						  : chunk_find(chunk, uid);

		if (arrival != NULL) {
			*chunk_r = chunk;
			return arrival;
		}
	}
	return NULL;
}

/* Begins chunks as long as there are messages and room. */
static void refill(struct pull_task *pull)
{
	for (unsigned i = 0; i < CHUNKS; i++) {
		struct chunk *chunk = &pull->chunks[i];

		if (chunk->state == CHUNK_AGAIN ||
			(chunk->state == CHUNK_FREE && chunk_fill(pull, chunk)))
			chunk_begin(pull, chunk);
	}
}

/* The last task of a mailbox is over. Parts that nobody has asked for are of
 * messages that are not to be pulled any more. */
static void leave_folder(struct mailbox *mailbox)
{
	if (mailbox->md_open &&
		apply_next(mailbox, OP_PULL, &mailbox->pull_at) == NULL)
		parts_remove(&mailbox->md, &mailbox->parts);
	mailbox_close_maildir(mailbox);
}

/* If a flush failed by which a delivery was to be kept, what waits for the next
 * one may be lost. */
static void note_loss(struct pull_task *pull, const struct err *err)
{
	struct pulled *pulled = pull->base.pass->pulled;

	if (!pull->delivery.flush_failed)
		return;
	pulled->losses++;
	pulled->lost = *err;
}

/* A large body that was cut off is kept, if there is more of it than before. */
static bool keep_part(struct pull_task *pull)
{
	struct chunk *chunk;
	struct arrival *arrival;
	struct part *part;
	struct err err;

	if (!delivery_may_be_kept(&pull->delivery))
		return false;
	arrival = arrival_of(pull, pull->delivering_uid, &chunk);
	if (arrival == NULL)
		return false;
	part = arena_alloc(&pull->base.task.mailbox->arena, sizeof(*part));
	if (delivery_keep(&pull->delivery, part, &err) != 0) {
		note_loss(pull, &err);
		return false;
	}
	arrival->part = part;
	return true;
}

/* Gives back what a task holds that has done its work, or will not. */
static void release(struct pull_task *pull)
{
	struct mailbox *mailbox = pull->base.task.mailbox;

	(void)keep_part(pull);
	delivery_drop(&pull->delivery);
	buf_clear(&pull->delivery.out);
	buf_clear(&pull->delivery.overlap);
	for (unsigned i = 0; i < CHUNKS; i++) {
		free(pull->chunks[i].arrivals);
		pull->chunks[i] = (struct chunk){0};
	}
	if (pull->begun && --mailbox->pulling == 0)
		leave_folder(mailbox);
	pull->begun = false;
}

static bool is_finished(const struct pull_task *pull)
{
	for (unsigned i = 0; i < CHUNKS; i++) {
		if (pull->chunks[i].state != CHUNK_FREE)
			return false;
	}
	return true;
}

/* Hands over what is ready, and goes on. */
static enum task_step advance(struct pull_task *pull, struct err *err)
{
	for (unsigned i = 0; i < CHUNKS; i++) {
		struct chunk *chunk = &pull->chunks[i];

		if (chunk->state != CHUNK_READY)
			continue;
		if (chunk_hand_over(pull, chunk, err) != 0)
			return TASK_FAILED;
		chunk->state = CHUNK_FREE;
	}
	refill(pull);
	if (!is_finished(pull))
		return TASK_MORE;
	release(pull);
	return TASK_DONE;
}

/* Bodies were asked for. Whether the chunk has more to ask. */
static bool chunk_fetched(struct pull_task *pull, struct chunk *chunk)
{
	if (!chunk->expunged && is_cut_short(chunk))
		return chunk_short(pull, chunk);
	if (!chunk->expunged && !chunk_any(chunk, is_doubtful))
		return false;
	chunk_verify(pull, chunk);
	return true;
}

/* What is still there is known. Whether the chunk has more to ask. */
static bool chunk_verified(struct pull_task *pull, struct chunk *chunk)
{
	chunk_drop_vanished(pull, chunk);
	if (is_cut_short(chunk))
		return chunk_short(pull, chunk);
	if (chunk_singles(pull, chunk))
		return true;
	chunk_drop_unproven(pull, chunk);
	return false;
}

/* The commands of a chunk's state are all answered. */
static enum task_step chunk_answered(
	struct pull_task *pull, struct chunk *chunk, struct err *err)
{
	chunk_got(pull, chunk, chunk->due_bytes);
	if (chunk->state != CHUNK_VERIFYING) {
		if (chunk_fetched(pull, chunk))
			return TASK_MORE;
	} else if (chunk->unverified) {
		err_set(err, ERR_MAILBOX, ERR_LATER, ERR_SYNC,
			"the server does not say which messages are "
			"still there: %s",
			chunk->refused.text);
		return TASK_FAILED;
	} else if (chunk_verified(pull, chunk)) {
		return TASK_MORE;
	}
	chunk->state = CHUNK_READY;
	return advance(pull, err);
}

static struct chunk *chunk_of_handle(struct pull_task *pull, uint32_t handle)
{
	for (unsigned i = 0; i < CHUNKS; i++) {
		struct chunk *chunk = &pull->chunks[i];

		if (chunk->awaited > 0 && handle >= chunk->first_handle &&
			handle <= chunk->last_handle)
			return chunk;
	}
	return NULL;
}

static enum task_step answered(
	struct pull_task *pull, const struct imap_event *event, struct err *err)
{
	const struct imap_status_line *line = &event->response->line;
	struct chunk *chunk;

	if (event->handle == pull->select_handle)
		return task_selected(&pull->base.task, line, err) != 0
			       ? TASK_FAILED
			       : TASK_MORE;
	chunk = chunk_of_handle(pull, event->handle);
	if (chunk == NULL)
		return TASK_MORE;
	if (line->condition != IMAP_OK)
		err_set(&chunk->refused, ERR_MESSAGE, ERR_LATER, ERR_SYNC,
			"%.*s", STR_FMT(err_said(line->text)));
	if (line->code.kind == IMAP_CODE_LIMIT ||
		line->code.kind == IMAP_CODE_THROTTLED)
		chunk->limited = chunk->limited || line->condition != IMAP_OK;
	if (line->condition != IMAP_OK && chunk->state == CHUNK_VERIFYING)
		chunk->unverified = true;
	if (line->code.kind == IMAP_CODE_EXPUNGEISSUED)
		chunk->expunged = true;
	return --chunk->awaited == 0 ? chunk_answered(pull, chunk, err)
				     : TASK_MORE;
}

/* What a body of this length is worth, whose size is listed. */
static enum arrival_state judge(uint64_t listed_bytes, uint64_t wire_bytes)
{
	uint64_t least;
	uint64_t most;

	if (wire_bytes == listed_bytes)
		return ARRIVAL_HERE;
	match_near(listed_bytes, &least, &most);
	return wire_bytes >= least && wire_bytes <= most ? ARRIVAL_SUSPECT
							 : ARRIVAL_UNPROVEN;
}

/* A message came; if it did so before, both must be the same. The file that is
 * not kept is removed. */
static int arrival_take(struct pull_task *pull, struct arrival *arrival,
	const struct delivered *file, struct err *err)
{
	struct maildir *md = &pull->base.task.mailbox->md;
	uint64_t listed =
		listed_item(pull->base.task.mailbox, arrival->op)->bytes;
	bool again = arrival->state == ARRIVAL_UNPROVEN;
	bool same = false;

	if (again && delivered_same(md, &arrival->file, file, &same, err) != 0)
		return -1;
	if (again)
		arrival_discard(pull, arrival);
	arrival->file = *file;
	arrival->state = same ? ARRIVAL_HERE : judge(listed, file->wire_bytes);
	pull->base.task.achieved++;
	return 0;
}

/* Whether what comes now is wanted. */
static bool is_expected(
	const struct chunk *chunk, const struct arrival *arrival)
{
	return is_missing(arrival) || (arrival->state == ARRIVAL_UNPROVEN &&
					      chunk->state == CHUNK_SINGLES);
}

/* Whether what was gone on with is not the message: then what there is of it is
 * of no use either, and it is asked for as a whole. */
static bool is_wrong_rest(
	const struct pull_task *pull, const struct arrival *arrival)
{
	uint64_t listed =
		listed_item(pull->base.task.mailbox, arrival->op)->bytes;

	return pull->delivery.resumed &&
	       (arrival->uid != pull->resumed_uid ||
		       !delivery_is_whole(&pull->delivery, listed));
}

/* A body is complete, and now its UID is known. */
static int take_body(struct pull_task *pull, const struct imap_fetch *fetched,
	struct err *err)
{
	struct mailbox *mailbox = pull->base.task.mailbox;
	struct chunk *chunk;
	struct arrival *arrival = arrival_of(pull, fetched->uid, &chunk);
	struct delivered file;

	pull->delivering_uid = 0;
	if (arrival != NULL)
		chunk_got(pull, chunk, pull->delivery.wire_bytes);
	if (arrival == NULL || !is_expected(chunk, arrival) ||
		fetched->body_nil || is_wrong_rest(pull, arrival)) {
		delivery_drop(&pull->delivery);
		return 0;
	}
	if (pull->delivery.wire_bytes == 0 && !arrival->told_empty) {
		if (is_missing(arrival))
			arrival->fault = ARRIVAL_EMPTY;
		delivery_drop(&pull->delivery);
		return 0;
	}
	if (delivery_end(&pull->delivery,
		    maildir_mtime_ns(listed_item(mailbox, arrival->op)->date_s),
		    &file, err) != 0) {
		delivery_drop(&pull->delivery);
		return -1;
	}
	return arrival_take(pull, arrival, &file, err);
}

static int fetched(
	struct pull_task *pull, const struct imap_fetch *data, struct err *err)
{
	struct chunk *chunk;
	struct arrival *arrival;

	if (pull->delivery.md != NULL)
		return take_body(pull, data, err);
	arrival = (data->present & IMAP_FETCH_UID) != 0
			  ? arrival_of(pull, data->uid, &chunk)
			  : NULL;
	if (arrival == NULL || chunk->state != CHUNK_VERIFYING)
		return 0;
	arrival->listed = true;
	arrival->told_empty =
		(data->present & IMAP_FETCH_SIZE) != 0 && data->size == 0;
	return 0;
}

/* Whether this is the rest that was asked for. A server that says the UID last
 * tells it by the offset. */
static bool is_rest_of(
	const struct arrival *arrival, const struct imap_body *body)
{
	return is_missing(arrival) && arrival->part != NULL &&
	       delivery_resume_offset(arrival->part) == body->offset &&
	       (body->uid == 0 || body->uid == arrival->uid);
}

static struct arrival *arrival_of_rest(
	struct pull_task *pull, const struct imap_body *body)
{
	for (unsigned i = 0; i < CHUNKS; i++) {
		struct chunk *chunk = &pull->chunks[i];

		for (size_t k = 0;
			chunk->state == CHUNK_FETCHING && k < chunk->count;
			k++) {
			if (is_rest_of(&chunk->arrivals[k], body))
				return &chunk->arrivals[k];
		}
	}
	return NULL;
}

static void allow_part(struct pull_task *pull, const struct arrival *arrival)
{
	struct buf stem = {0};

	if (stem_of(pull, arrival, &stem))
		delivery_allow_part(&pull->delivery, buf_str(&stem));
	buf_clear(&stem);
}

/* The rest of a message; what is none that was asked for is passed over. */
static int rest_begin(
	struct pull_task *pull, const struct imap_body *body, struct err *err)
{
	struct arrival *arrival = arrival_of_rest(pull, body);
	struct part *part;
	int result;

	if (arrival == NULL)
		return 0;
	part = arrival->part;
	arrival->part = NULL;
	pull->delivering_uid = arrival->uid;
	pull->resumed_uid = arrival->uid;
	result = delivery_resume(&pull->delivery, &pull->base.task.mailbox->md,
		part, pull->base.pass->next_serial++, err);
	if (result == 1)
		allow_part(pull, arrival);
	return result < 0 ? -1 : 0;
}

static int body_begin(
	struct pull_task *pull, const struct imap_body *body, struct err *err)
{
	struct chunk *chunk;
	struct arrival *arrival;

	delivery_drop(&pull->delivery);
	pull->delivering_uid = body->uid;
	if (body->partial)
		return rest_begin(pull, body, err);
	if (delivery_begin(&pull->delivery, &pull->base.task.mailbox->md,
		    pull->base.pass->next_serial++, err) != 0)
		return -1;
	arrival = body->uid == 0 ? NULL : arrival_of(pull, body->uid, &chunk);
	if (arrival == NULL || !is_missing(arrival))
		return 0;
	part_drop(pull, arrival);
	allow_part(pull, arrival);
	return 0;
}

static int body_write(struct pull_task *pull, struct str bytes, struct err *err)
{
	bool kept = delivery_is_worth_keeping(&pull->delivery);

	if (pull->delivery.md == NULL)
		return 0;
	if (delivery_write(&pull->delivery, bytes, err) != 0) {
		note_loss(pull, err);
		return -1;
	}
	/* What is kept when it is cut off now is not in vain. */
	if (!kept && delivery_is_worth_keeping(&pull->delivery))
		pull->base.task.achieved++;
	return 0;
}

static void something_expunged(struct pull_task *pull)
{
	for (unsigned i = 0; i < CHUNKS; i++)
		pull->chunks[i].expunged = true;
}

static int untagged(struct pull_task *pull,
	const struct imap_response *response, struct err *err)
{
	switch (response->kind) {
	case IMAP_RESPONSE_BODY_BEGIN:
		return body_begin(pull, &response->body, err);
	case IMAP_RESPONSE_BODY_CHUNK:
		return body_write(pull, response->text, err);
	case IMAP_RESPONSE_FETCH:
		return fetched(pull, &response->fetch, err);
	case IMAP_RESPONSE_EXPUNGE:
	case IMAP_RESPONSE_VANISHED:
		something_expunged(pull);
		return 0;
	default:
		return 0;
	}
}

/* When there is no further chunk, others may speak. */
static void note_said(struct pull_task *pull)
{
	if (apply_next(pull->base.task.mailbox, OP_PULL,
		    &pull->base.task.mailbox->pull_at) == NULL)
		task_said(&pull->base.task);
}

static enum task_step pull_event(
	struct task *task, const struct imap_event *event, struct err *err)
{
	struct pull_task *pull = (struct pull_task *)task;

	if (event->kind == IMAP_EVENT_TAGGED) {
		enum task_step step = answered(pull, event, err);

		note_said(pull);
		return step;
	}
	if (event->kind == IMAP_EVENT_UNTAGGED &&
		untagged(pull, event->response, err) != 0) {
		delivery_drop(&pull->delivery);
		return TASK_FAILED;
	}
	return TASK_MORE;
}

/* Two connections broke while this body was coming: another time. */
static void blame(struct pull_task *pull)
{
	struct chunk *chunk;
	struct arrival *arrival = arrival_of(pull, pull->suspect_uid, &chunk);

	if (arrival == NULL)
		return;
	err_set(&chunk->refused, ERR_MESSAGE, ERR_LATER, ERR_SYNC,
		"the connection broke twice while it was being sent");
	put_off(pull, chunk, arrival);
	apply_row(pull->base.task.mailbox, arrival->op)->hold = ROW_TROUBLED;
	pull->base.task.achieved++;
	chunk_remove(chunk, arrival);
}

/* The connection broke. Once is chance; but whether it was that, another try
 * has to show. */
static void suspect(struct pull_task *pull)
{
	uint32_t before = pull->suspect_uid;

	if (keep_part(pull))
		pull->delivering_uid = 0;
	delivery_drop(&pull->delivery);
	if (pull->delivering_uid == 0)
		return;
	pull->suspect_uid = pull->delivering_uid;
	pull->delivering_uid = 0;
	if (before == pull->suspect_uid)
		blame(pull);
	else if (before == 0)
		pull->base.task.achieved++;
}

/* The chunks that a connection left behind are gone on with by another. */
static void take_up(struct pull_task *pull)
{
	for (unsigned i = 0; i < CHUNKS; i++) {
		struct chunk *chunk = &pull->chunks[i];

		chunk->awaited = 0;
		if (chunk->count == 0)
			chunk->state = CHUNK_FREE;
		else if (chunk->state != CHUNK_FREE &&
			 chunk->state != CHUNK_READY)
			chunk->state = CHUNK_AGAIN;
	}
}

/* The first task of a mailbox opens its folder, the last one closes it. What is
 * in tmp/ by then, an earlier run has left there; later, it is what has come.
 */
static int open_folder(struct pull_task *pull, struct err *err)
{
	struct mailbox *mailbox = pull->base.task.mailbox;

	mailbox->pulling += !pull->begun;
	pull->begun = true;
	if (!mailbox->md_open &&
		mailbox_open_maildir(pull->base.pass, mailbox, true, err) != 0)
		return -1;
	if (mailbox->tmp_is_clean)
		return 0;
	if (maildir_clean_tmp(&mailbox->md, err) != 0 ||
		parts_find(&mailbox->md, &mailbox->arena, &mailbox->parts,
			err) != 0)
		return -1;
	mailbox->tmp_is_clean = true;
	return 0;
}

/* A try that came to nothing may have failed by what was gone on with. */
static void forget_parts(struct pull_task *pull)
{
	for (unsigned i = 0; i < CHUNKS; i++) {
		for (size_t k = 0; k < pull->chunks[i].count; k++)
			part_drop(pull, &pull->chunks[i].arrivals[k]);
	}
}

static enum task_step pull_begin(struct task *task, struct err *err)
{
	struct pull_task *pull = (struct pull_task *)task;
	enum task_step step;

	if (task->tries > 1)
		suspect(pull);
	take_up(pull);
	if (is_finished(pull) && apply_next(task->mailbox, OP_PULL,
					 &task->mailbox->pull_at) == NULL) {
		release(pull);
		return TASK_DONE;
	}
	if (open_folder(pull, err) != 0)
		return TASK_FAILED;
	if (task->vain > 0)
		forget_parts(pull);
	/* What is asked for behind a SELECT comes behind its answer, so that
	 * nothing is taken for a message of another UIDVALIDITY. */
	pull->select_handle = task_select(task);
	step = advance(pull, err);
	note_said(pull);
	return step;
}

static void pull_end(struct task *task)
{
	release((struct pull_task *)task);
}

/* A mailbox's tasks take a chunk after the other, whoever comes first. There
 * are to be no more than have enough of them. */
static size_t pull_tasks(struct pass *pass, struct mailbox *mailbox)
{
	uint64_t messages = 0;
	uint64_t bytes = 0;
	uint64_t chunks;
	const struct op *op;

	mailbox->pull_at = 0;
	for (size_t at = 0; (op = apply_next(mailbox, OP_PULL, &at)) != NULL;
		at++) {
		uint64_t more = listed_item(mailbox, op)->bytes;

		messages++;
		bytes += more < LIMIT_BATCH_BYTES ? more : LIMIT_BATCH_BYTES;
	}
	chunks = bytes / LIMIT_BATCH_BYTES;
	if (chunks < messages / LIMIT_BATCH_MESSAGES)
		chunks = messages / LIMIT_BATCH_MESSAGES;
	if (chunks / CHUNKS >= pass->account->connections)
		return pass->account->connections;
	return (size_t)(chunks / CHUNKS) + 1;
}

int pull_all(struct pass *pass, struct err *err)
{
	static const struct task_kind kind = {pull_begin, pull_event};
	const struct apply_work work = {
		.kinds = 1U << OP_PULL,
		.kind = &kind,
		.task_bytes = sizeof(struct pull_task),
		.tasks = pull_tasks,
		.finish = pulled_commit,
		.end = pull_end,
	};
	struct pulled pulled = {0};
	int result;

	pass->pulled = &pulled;
	result = apply_everywhere(pass, &work, err);
	pass->pulled = NULL;
	pulled_clear(&pulled);
	return result;
}
