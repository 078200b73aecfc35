/*
 * How: each command first sees whether it may, then asks fate, then changes the
 * mailbox at one go and tells what became of it.
 */
#include "fake_server_private.h"

#include <inttypes.h>
#include <stdlib.h>

static uint64_t stored(
	uint64_t flags, enum imap_store_mode mode, uint64_t words)
{
	switch (mode) {
	case IMAP_STORE_ADD:
		return flags | words;
	case IMAP_STORE_REMOVE:
		return flags & ~words;
	case IMAP_STORE_REPLACE:
		break;
	}
	return words;
}

static bool is_storable(struct fake_session *session,
	const struct imap_store_args *args, uint64_t *words_r)
{
	if (args->conditional && (!has(session, IMAP_CAP_CONDSTORE) ||
					 session->selected->nomodseq)) {
		complain(session, "STORE UNCHANGEDSINCE");
		return false;
	}
	if (args->conditional && session->server->odd.bad_unchanged) {
		answer(session, "BAD Unknown STORE modifier");
		return false;
	}
	if (session->examined) {
		complain(session, "STORE where PERMANENTFLAGS is empty");
		return false;
	}
	if (!read_flags(session->selected, args->flags, words_r)) {
		complain(session, "STORE of what PERMANENTFLAGS lacks");
		return false;
	}
	*words_r &= ~(uint64_t)session->server->odd.store_forgets;
	return true;
}

/* A STORE: the messages it is about, and later those that it changed. */
struct storing {
	uint64_t words;
	uint64_t unchanged_since;
	uint32_t *uids;
	size_t count;
	struct imap_set modified; /* left alone by UNCHANGEDSINCE */
};

/* Whether it changed the message: what is already so is no change (Dovecot,
 * Cyrus). */
static bool store_one(struct storing *storing, struct fake_message *message,
	const struct imap_store_args *args)
{
	uint64_t before = message->flags;

	if (message->modseq > storing->unchanged_since) {
		imap_set_add(&storing->modified, message->uid);
		return false;
	}
	message->flags = stored(before, args->mode, storing->words);
	return message->flags != before;
}

static void store_all(struct fake_session *session, struct storing *storing,
	const struct imap_store_args *args)
{
	size_t changed = 0;

	for (size_t i = 0; i < storing->count; i++) {
		struct fake_message *message =
			fake_mailbox_find(session->selected, storing->uids[i]);

		if (message != NULL && store_one(storing, message, args))
			storing->uids[changed++] = message->uid;
	}
	storing->count = changed;
	mailbox_settle(session->selected);
}

/* RFC 7162 section 3.1.3: MODSEQ is told even by a silent STORE. */
static void tell_stored(struct fake_session *session, uint32_t uid, bool silent)
{
	struct seen *seen = view_find(session, uid);
	const struct fake_message *message =
		fake_mailbox_find(session->selected, uid);
	unsigned items = silent ? 0 : IMAP_FETCH_FLAGS;

	if (sees_modseq(session) && !session->server->odd.hides_modseq)
		items |= IMAP_FETCH_MODSEQ;
	if (items != 0)
		tell_message(session, seen, items | IMAP_FETCH_UID);
	seen->flags = message->flags;
	seen->modseq = message->modseq;
}

/* The numbers that MODIFIED names. */
static void print_modified(const struct fake_session *session,
	const struct imap_set *modified, struct buf *text)
{
	struct imap_set numbers = {0};

	for (size_t i = 0; i < session->count; i++) {
		if (imap_set_contains(modified, session->view[i].uid))
			imap_set_add(&numbers, (uint32_t)i + 1);
	}
	imap_set_print(
		session->server->odd.modified_numbers ? &numbers : modified,
		text);
	imap_set_clear(&numbers);
}

static void answer_modified(
	struct fake_session *session, const struct imap_set *modified)
{
	struct buf text = {0};

	print_modified(session, modified, &text);
	tell_changes(session, false);
	if (modified->count > 0)
		respond(session, "%.*s %s [MODIFIED %s] Not all",
			STR_FMT(session->tag),
			session->server->odd.modified_no ? "NO" : "OK",
			buf_z(&text));
	else
		answer(session, "OK Stored");
	buf_clear(&text);
}

/* The mod-sequence that a message may have at most. */
static uint64_t storable_to(
	struct fake_session *session, const struct imap_store_args *args)
{
	struct fake_oddities *odd = &session->server->odd;

	if (!args->conditional || odd->ignores_unchanged)
		return UINT64_MAX;
	return once_more(&odd->modified_all) ? 0 : args->unchanged_since;
}

void do_store(struct fake_session *session, const struct imap_command *command)
{
	const struct imap_store_args *args = &command->store;
	bool silent = args->silent && !session->server->odd.talkative;
	struct storing storing = {0};

	if (!is_storable(session, args, &storing.words))
		return;
	if (args->conditional)
		become_aware(session);
	storing.unchanged_since = storable_to(session, args);
	storing.count = view_pick(session, args->set, &storing.uids);
	if (storing.count == 0 || may_change(session)) {
		store_all(session, &storing, args);
		for (size_t i = 0; i < storing.count; i++)
			tell_stored(session, storing.uids[i], silent);
		answer_modified(session, &storing.modified);
	}
	imap_set_clear(&storing.modified);
	free(storing.uids);
}

/* ---- APPEND, COPY, MOVE -------------------------------------------------- */

/* What the server makes of the bytes that it is given. */
static void body_taken(
	const struct fake_session *session, struct str body, struct buf *taken)
{
	const struct fake_oddities *odd = &session->server->odd;

	if (odd->adds_header)
		buf_addz(taken, "X-Taken: yes\r\n");
	for (size_t i = 0; i < body.len; i++) {
		if (odd->makes_crlf && body.ptr[i] == '\n' &&
			(i == 0 || body.ptr[i - 1] != '\r'))
			buf_addc(taken, '\r');
		buf_addc(taken, body.ptr[i]);
	}
	if (odd->adds_final_crlf && !str_ends(body, STR("\r\n")))
		buf_addz(taken, "\r\n");
}

/* Whether the server takes it: a message can say that it does not. */
static bool is_welcome(struct str body)
{
	static const struct str mark = {"X-Refuse: yes\r\n", 15};

	for (size_t i = 0; i + mark.len <= body.len; i++) {
		if (str_eq(str_sub(body, i, mark.len), mark))
			return false;
	}
	return body.len > 0;
}

static bool is_message_appendable(struct fake_session *session,
	const struct imap_append_message *message, struct fake_mailbox *box)
{
	uint64_t flags;

	if (message->binary) {
		complain(session, "APPEND of what is not offered");
		return false;
	}
	if (!read_flags(box, message->flags, &flags)) {
		complain(session, "APPEND of what PERMANENTFLAGS lacks");
		return false;
	}
	if (!is_welcome(message->body)) {
		answer(session, "NO [CANNOT] This message is not welcome");
		return false;
	}
	return true;
}

static bool is_within_quota(struct fake_session *session,
	const struct fake_mailbox *box, size_t more)
{
	size_t quota = session->server->odd.quota;

	if (quota == 0 || box->count + more <= quota)
		return true;
	answer(session, "NO [OVERQUOTA] The mailbox is full");
	return false;
}

static bool is_appendable(struct fake_session *session,
	const struct imap_append_args *args, struct fake_mailbox *box)
{
	if (args->count != 1 && !has(session, IMAP_CAP_MULTIAPPEND)) {
		complain(session, "APPEND of more than one");
		return false;
	}
	if (box == NULL) {
		answer(session, "NO [TRYCREATE] No such mailbox");
		return false;
	}
	if (box->read_only) {
		answer(session, "NO [NOPERM] Read-only");
		return false;
	}
	if (!is_within_quota(session, box, args->count))
		return false;
	for (size_t i = 0; i < args->count; i++) {
		if (!is_message_appendable(session, &args->messages[i], box))
			return false;
	}
	return true;
}

/* Stores it, or not, as odd servers do; the UID that it is said to have. */
static uint32_t append_now(struct fake_session *session,
	struct fake_mailbox *box, struct str body, uint64_t flags,
	struct imap_date date)
{
	struct fake_oddities *odd = &session->server->odd;

	for (size_t i = 0; odd->keeps_one && i < box->count; i++) {
		if (str_eq(buf_str(&box->messages[i].body), body))
			return box->messages[i].uid;
	}
	if (odd->append_drops > 0) {
		odd->append_drops -= odd->append_drops < FAKE_FOR_EVER;
		return box->uidnext++;
	}
	return fake_mailbox_append(box, body, flags, date)->uid;
}

static uint32_t append_one(struct fake_session *session,
	const struct imap_append_message *message, struct fake_mailbox *box)
{
	struct imap_date date = {0};
	struct buf taken = {0};
	uint64_t flags;
	uint32_t uid;

	check(read_flags(box, message->flags, &flags));
	if (message->has_date)
		date = message->date;
	body_taken(session, message->body, &taken);
	flags &= ~(uint64_t)session->server->odd.append_forgets;
	uid = append_now(session, box, buf_str(&taken), flags, date);
	buf_clear(&taken);
	return uid;
}

/* All of them or none (RFC 3502). */
void do_append(struct fake_session *session, const struct imap_command *command)
{
	const struct imap_append_args *args = &command->append;
	struct fake_mailbox *box = named(session, args->mailbox);
	size_t count = args->count;
	struct imap_set uids = {0};
	struct buf text = {0};

	if (!is_appendable(session, args, box) || !may_change(session))
		return;
	if (count > 1 && once_more(&session->server->odd.half_batch))
		count /= 2;
	for (size_t i = 0; i < count; i++) {
		size_t at = session->server->odd.batch_backwards ? count - 1 - i
								 : i;

		imap_set_add(
			&uids, append_one(session, &args->messages[at], box));
	}
	if (session->server->odd.appenduid != 0)
		buf_addf(&text, "%" PRIu32, session->server->odd.appenduid);
	else
		imap_set_print(&uids, &text);
	if (session->server->odd.hides_appended && session->selected == box)
		session->fresh_hidden = true;
	tell_changes(session, false);
	if (count < args->count)
		answer(session, "NO Stopped half way");
	else if (has(session, IMAP_CAP_UIDPLUS))
		respond(session, "%.*s OK [APPENDUID %" PRIu32 " %s] Stored",
			STR_FMT(session->tag), told_uidvalidity(box),
			buf_z(&text));
	else
		answer(session, "OK Stored");
	imap_set_clear(&uids);
	buf_clear(&text);
}

/* Copies; the COPYUID code (empty: nothing was copied, or it is not told) to
 * *code. */
static void copy_all(struct fake_session *session, const uint32_t *uids,
	size_t count, struct fake_mailbox *to, struct buf *code)
{
	struct imap_set from_set = {0};
	struct imap_set to_set = {0};

	for (size_t i = 0; i < count; i++) {
		if (fake_mailbox_find(session->selected, uids[i]) == NULL)
			continue;
		imap_set_add(&from_set, uids[i]);
		imap_set_add(&to_set,
			fake_mailbox_copy(session->selected, uids[i], to));
	}
	if (from_set.count > 0 && has(session, IMAP_CAP_UIDPLUS) &&
		!session->server->odd.no_copyuid &&
		!session->server->odd.copies_one) {
		buf_addf(code, "[COPYUID %" PRIu32 " ", told_uidvalidity(to));
		imap_set_print(&from_set, code);
		buf_addc(code, ' ');
		imap_set_print(&to_set, code);
		buf_addz(code, "] ");
	}
	imap_set_clear(&from_set);
	imap_set_clear(&to_set);
}

/* "[HIGHESTMODSEQ 7] " where an expunge has to tell it (RFC 7162 section
 * 3.2.7). */
static void write_modseq_code(
	const struct fake_session *session, bool expunged, struct buf *code)
{
	if (expunged && session->qresync && sees_modseq(session))
		buf_addf(code, "[HIGHESTMODSEQ %" PRIu64 "] ",
			told_modseq(session->selected));
}

/* RFC 6851 section 3.3 and 4.3. */
static void move_all(struct fake_session *session, const uint32_t *uids,
	size_t count, struct fake_mailbox *to)
{
	bool halts = count > 1 && once_more(&session->server->odd.half_moves);
	size_t moved = halts ? count / 2 : count;
	struct buf code = {0};

	copy_all(session, uids, moved, to, &code);
	for (size_t i = 0; i < moved; i++)
		fake_mailbox_expunge(session->selected, uids[i]);
	if (code.len > 0)
		respond(session, "* OK %sMoved", buf_z(&code));
	tell_changes(session, true);
	buf_reset(&code);
	if (!session->server->odd.hides_modseq)
		write_modseq_code(session, moved > 0, &code);
	respond(session, "%.*s %s %sDone", STR_FMT(session->tag),
		halts ? "NO" : "OK", halts ? "" : buf_z(&code));
	buf_clear(&code);
}

void do_copy(struct fake_session *session, const struct imap_command *command)
{
	struct fake_mailbox *to = named(session, command->copy.mailbox);
	struct buf code = {0};
	uint32_t *uids;
	size_t count;

	if (to == NULL) {
		answer(session, "NO [TRYCREATE] No such mailbox");
		return;
	}
	if (session->server->odd.copyuid != NULL) {
		respond(session, "%.*s OK [COPYUID %s] Believe me",
			STR_FMT(session->tag), session->server->odd.copyuid);
		return;
	}
	count = view_pick(session, command->copy.set, &uids);
	if (session->server->odd.copies_one && count > 1)
		count = 1;
	if (is_within_quota(session, to, count) &&
		(count == 0 || may_change(session))) {
		if (command->kind == IMAP_MOVE) {
			move_all(session, uids, count, to);
		} else {
			copy_all(session, uids, count, to, &code);
			tell_changes(session, false);
			respond(session, "%.*s OK %sDone",
				STR_FMT(session->tag), buf_z(&code));
		}
	}
	buf_clear(&code);
	free(uids);
}

/* ---- Expunging ----------------------------------------------------------- */

void do_uid_expunge(
	struct fake_session *session, const struct imap_command *command)
{
	struct buf code = {0};
	uint32_t *uids;
	size_t count = view_pick(session, command->set, &uids);
	size_t going = 0;

	if (count > 0 && once_more(&session->server->odd.blind_expunge))
		session->blind = true;
	for (size_t i = 0; i < count && !session->blind; i++) {
		const struct fake_message *message =
			fake_mailbox_find(session->selected, uids[i]);

		if (message != NULL && (message->flags & FAKE_DELETED) != 0)
			uids[going++] = uids[i];
	}
	if (going == 0 || may_change(session)) {
		for (size_t i = 0; i < going; i++)
			fake_mailbox_expunge(session->selected, uids[i]);
		tell_changes(session, true);
		write_modseq_code(session, going > 0, &code);
		respond(session, "%.*s OK %sExpunged", STR_FMT(session->tag),
			buf_z(&code));
	}
	buf_clear(&code);
	free(uids);
}
