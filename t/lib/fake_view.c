/*
 * How: the view lists what the session was told of its mailbox. What has
 * changed there since is told when a command ends, or later, or earlier, as the
 * oddities have it: what was expunged, then what is new, then flags.
 */
#include "fake_server_private.h"

#include <inttypes.h>
#include <stdlib.h>

/* ---- Looking ------------------------------------------------------------- */

void view_begin(struct fake_session *session, struct fake_mailbox *box)
{
	session->selected = box;
	session->fresh_hidden = false;
	session->blind = false;
	session->count = 0;
}

struct seen *view_find(const struct fake_session *session, uint32_t uid)
{
	for (size_t i = 0; i < session->count; i++) {
		if (session->view[i].uid == uid)
			return &session->view[i];
	}
	return NULL;
}

/* What `*` stands for (RFC 3501 section 9, seq-number). */
static uint32_t star_of(const struct fake_session *session)
{
	return session->count > 0 ? session->view[session->count - 1].uid
				  : UINT32_MAX;
}

void view_set(const struct fake_session *session, struct str text,
	struct imap_set *set)
{
	check(imap_set_parse(set, text, star_of(session)));
}

size_t view_pick(
	const struct fake_session *session, struct str set, uint32_t **uids_r)
{
	struct imap_set wanted = {0};
	size_t count = 0;

	*uids_r = calloc(session->count + 1, sizeof(**uids_r));
	check(*uids_r != NULL);
	view_set(session, set, &wanted);
	for (size_t i = 0; i < session->count; i++) {
		if (imap_set_contains(&wanted, session->view[i].uid))
			(*uids_r)[count++] = session->view[i].uid;
	}
	imap_set_clear(&wanted);
	return count;
}

bool sees_modseq(const struct fake_session *session)
{
	return session->aware && session->selected != NULL &&
	       mailbox_has_modseq(session->selected);
}

void become_aware(struct fake_session *session)
{
	bool was_aware = session->aware;

	session->aware = true;
	if (was_aware || session->selected == NULL)
		return;
	mailbox_use_modseq(session->selected);
	if (!session->selected->nomodseq)
		respond(session, "* OK [HIGHESTMODSEQ %" PRIu64 "] Highest",
			told_modseq(session->selected));
}

/* ---- Expunged ------------------------------------------------------------ */

/* The set's member of that number, from 0. */
static uint32_t member(const struct imap_set *set, uint64_t at)
{
	struct imap_set_iter iter = {0};
	uint32_t uid = 0;

	for (uint64_t i = 0; i <= at; i++)
		check(imap_set_next(set, &iter, &uid));
	return uid;
}

static void respond_vanished(
	struct fake_session *session, bool earlier, const struct imap_set *uids)
{
	struct buf text = {0};

	imap_set_print(uids, &text);
	respond(session, "* VANISHED %s%s", earlier ? "(EARLIER) " : "",
		buf_z(&text));
	buf_clear(&text);
}

static void respond_pieces(
	struct fake_session *session, bool earlier, const struct imap_set *uids)
{
	struct imap_set_iter iter = {0};
	uint32_t uid;

	while (imap_set_next(uids, &iter, &uid)) {
		struct imap_set one = {0};

		imap_set_add(&one, uid);
		respond_vanished(session, earlier, &one);
		imap_set_clear(&one);
	}
}

void tell_vanished(
	struct fake_session *session, bool earlier, struct imap_set *uids)
{
	struct fake_oddities *odd = &session->server->odd;
	struct imap_set left_out = {0};

	if (uids->count == 0)
		return;
	if (once_more(&odd->vanished_gaps)) {
		imap_set_add(&left_out,
			member(uids, fate_random(session->server->fate,
					     imap_set_size(uids))));
		imap_set_subtract(uids, &left_out);
	}
	if (odd->vanished_pieces)
		respond_pieces(session, earlier, uids);
	else if (uids->count > 0)
		respond_vanished(session, earlier, uids);
	imap_set_clear(&left_out);
}

void tell_expunged(struct fake_session *session)
{
	bool by_uid =
		session->uidonly || (session->qresync && sees_modseq(session));
	struct imap_set gone = {0};

	for (size_t i = 0; i < session->count;) {
		uint32_t uid = session->view[i].uid;

		if (fake_mailbox_find(session->selected, uid) != NULL) {
			i++;
			continue;
		}
		session->count--;
		for (size_t k = i; k < session->count; k++)
			session->view[k] = session->view[k + 1];
		imap_set_add(&gone, uid);
		if (!by_uid)
			respond(session, "* %zu EXPUNGE", i + 1);
	}
	if (by_uid)
		tell_vanished(session, false, &gone);
	imap_set_clear(&gone);
}

/* ---- New ----------------------------------------------------------------- */

static void view_add(
	struct fake_session *session, const struct fake_message *message)
{
	session->view = array_grow(session->view, &session->cap,
		session->count + 1, sizeof(*session->view));
	session->view[session->count++] =
		(struct seen){message->uid, message->flags, message->modseq};
}

/* How many of the oldest messages cannot be seen. */
static size_t out_of_window(const struct fake_session *session)
{
	size_t window = session->server->odd.window;
	size_t count = session->selected->count;

	if (window == 0 || session->uidonly || count <= window)
		return 0;
	return count - window;
}

static void tell_added(struct fake_session *session)
{
	const struct fake_mailbox *box = session->selected;
	size_t before = session->count;
	uint32_t top = before > 0 ? session->view[before - 1].uid : 0;

	for (size_t i = out_of_window(session); i < box->count; i++) {
		if (box->messages[i].uid > top)
			view_add(session, &box->messages[i]);
	}
	if (session->count > before)
		respond(session, "* %zu EXISTS", session->count);
}

/* ---- Flags --------------------------------------------------------------- */

void tell_message(
	struct fake_session *session, struct seen *seen, unsigned items)
{
	const struct fake_message *message =
		fake_mailbox_find(session->selected, seen->uid);
	struct buf out = {0};

	if (session->uidonly)
		buf_addf(&out, "* %" PRIu32 " UIDFETCH (", seen->uid);
	else
		buf_addf(&out, "* %td FETCH (", seen - session->view + 1);
	if ((items & IMAP_FETCH_UID) != 0 && !session->uidonly)
		buf_addf(&out, "UID %" PRIu32 " ", seen->uid);
	if ((items & IMAP_FETCH_FLAGS) != 0) {
		buf_addz(&out, "FLAGS (");
		write_flags(&out, session->selected, message->flags);
		buf_addz(&out, ") ");
		seen->flags = message->flags;
	}
	if ((items & IMAP_FETCH_MODSEQ) != 0)
		buf_addf(&out, "MODSEQ (%" PRIu64 ") ", message->modseq);
	seen->modseq = message->modseq;
	out.len--;
	respond(session, "%s)", buf_z(&out));
	buf_clear(&out);
}

/* What others have changed. Without UID, as RFC 3501 has it; with it, as RFC
 * 7162 section 3.2.4. */
static void tell_flags(struct fake_session *session)
{
	bool modseq = sees_modseq(session);
	unsigned items = IMAP_FETCH_FLAGS;

	if (modseq)
		items |= IMAP_FETCH_MODSEQ;
	if (modseq && has(session, IMAP_CAP_QRESYNC))
		items |= IMAP_FETCH_UID;
	for (size_t i = 0; i < session->count; i++) {
		struct seen *seen = &session->view[i];
		const struct fake_message *message =
			fake_mailbox_find(session->selected, seen->uid);

		if (message != NULL &&
			(message->flags != seen->flags ||
				(modseq && message->modseq > seen->modseq)))
			tell_message(session, seen, items);
	}
}

/*
 * RFC 7162 section 3.2: a client that is told of changes, but not yet of older
 * expunges, must be told of a HIGHESTMODSEQ from before these.
 */
static void tell_lower_modseq(struct fake_session *session)
{
	const struct fake_mailbox *box = session->selected;

	for (size_t i = 0; i < box->journal_count; i++) {
		if (view_find(session, box->journal[i].uid) == NULL)
			continue;
		respond(session, "* OK [HIGHESTMODSEQ %" PRIu64 "] So far",
			box->journal[i].modseq - 1);
		return;
	}
}

static void tell_renumbering(struct fake_session *session)
{
	uint32_t now = told_uidvalidity(session->selected);

	if (session->server->odd.tells_renumbering &&
		session->uidvalidity != now)
		respond(session, "* OK [UIDVALIDITY %" PRIu32 "] Renumbered",
			now);
	session->uidvalidity = now;
}

void tell_changes(struct fake_session *session, bool is_noop)
{
	const struct fake_oddities *odd = &session->server->odd;

	if (session->selected == NULL || session->selected->removed)
		return;
	tell_renumbering(session);
	if (is_noop || !odd->late_expunge)
		tell_expunged(session);
	else if (session->qresync && sees_modseq(session))
		tell_lower_modseq(session);
	if (is_noop || !session->fresh_hidden)
		tell_added(session);
	if (is_noop)
		session->fresh_hidden = false;
	tell_flags(session);
}
