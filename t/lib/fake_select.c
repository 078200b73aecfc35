/*
 * How: what RFC 3501 has a SELECT say, then mod-sequences as far as the mask
 * has them, then what QRESYNC brings.
 */
#include "fake_server_private.h"

#include <inttypes.h>

static void tell_flags_of(struct fake_session *session)
{
	const struct fake_mailbox *box = session->selected;
	struct buf flags = {0};

	write_flags(&flags, box, permanent_flags(box));
	respond(session, "* FLAGS (%s)", buf_z(&flags));
	if (!session->server->odd.no_permanent)
		respond(session, "* OK [PERMANENTFLAGS (%s%s)] Limited",
			session->examined ? "" : buf_z(&flags),
			box->fixed_keywords || session->examined ? "" : " \\*");
	buf_clear(&flags);
}

static void tell_modseq_of(struct fake_session *session)
{
	const struct fake_mailbox *box = session->selected;

	if (!has(session, IMAP_CAP_CONDSTORE) &&
		!session->server->odd.modseq_unasked)
		return;
	if (box->nomodseq)
		respond(session, "* OK [NOMODSEQ] They are not kept here");
	else if (mailbox_has_modseq(box))
		respond(session, "* OK [HIGHESTMODSEQ %" PRIu64 "] Highest",
			told_modseq(box));
}

static void tell_numbers(struct fake_session *session)
{
	const struct fake_oddities *odd = &session->server->odd;
	const struct fake_mailbox *box = session->selected;

	if (odd->uidvalidity != NULL)
		respond(session, "* OK [UIDVALIDITY %s] So be it",
			odd->uidvalidity);
	else
		respond(session, "* OK [UIDVALIDITY %" PRIu32 "] UIDs valid",
			told_uidvalidity(box));
	if (odd->uidnext != NULL)
		respond(session, "* OK [UIDNEXT %s] Why not", odd->uidnext);
	else if (!odd->no_uidnext)
		respond(session, "* OK [UIDNEXT %" PRIu32 "] Predicted",
			told_uidnext(box));
	tell_modseq_of(session);
	if (has(session, IMAP_CAP_OBJECTID))
		respond(session, "* OK [MAILBOXID (F%" PRIu64 ")] Its id",
			box->id);
}

static void select_now(struct fake_session *session, struct fake_mailbox *box)
{
	struct fake_oddities *odd = &session->server->odd;

	view_begin(session, box);
	session->uidvalidity = told_uidvalidity(box);
	tell_changes(session, true);
	if (session->count == 0 || odd->exists_none > 0)
		respond(session, "* 0 EXISTS");
	odd->exists_none -= odd->exists_none > 0;
	if (odd->exists_lies > 0) {
		odd->exists_lies--;
		respond(session, "* %zu EXISTS", session->count + 1);
	}
	respond(session, "* %d RECENT", 0);
	tell_flags_of(session);
	tell_numbers(session);
}

/* ---- QRESYNC, RFC 7162 section 3.2.5 ------------------------------------- */

/*
 * Section 3.2.5.2: the UID up to which the client knows what was expunged,
 * since messages that it names still have the numbers that it names.
 */
static uint32_t matched_uid(
	const struct fake_session *session, const struct imap_select_args *args)
{
	struct imap_set seqs = {0};
	struct imap_set uids = {0};
	struct imap_set_iter at_seq = {0};
	struct imap_set_iter at_uid = {0};
	uint32_t matched = 0;
	uint32_t seq;
	uint32_t uid;

	if (args->match_seqs.len == 0)
		return 0;
	check(imap_set_parse_list(&seqs, args->match_seqs, UINT32_MAX) &&
		imap_set_parse_list(&uids, args->match_uids, UINT32_MAX));
	while (imap_set_next(&seqs, &at_seq, &seq) &&
		imap_set_next(&uids, &at_uid, &uid)) {
		if (seq <= session->count && session->view[seq - 1].uid == uid)
			matched = uid;
	}
	imap_set_clear(&seqs);
	imap_set_clear(&uids);
	return matched;
}

static void tell_earlier(struct fake_session *session,
	const struct imap_select_args *args, const struct imap_set *known)
{
	struct imap_set gone = {0};
	struct imap_set clear = {0};
	struct imap_set never = {0};
	uint32_t matched = matched_uid(session, args);

	mailbox_vanished(session->selected, args->modseq, known, &gone);
	if (matched > 0)
		imap_set_add_range(&clear, 1, matched);
	imap_set_subtract(&gone, &clear);
	if (once_more(&session->server->odd.vanished_all)) {
		imap_set_union(&gone, known);
		imap_set_add_range(
			&never, session->selected->uidnext, UINT32_MAX);
		imap_set_subtract(&gone, &never);
	}
	tell_vanished(session, true, &gone);
	imap_set_clear(&gone);
	imap_set_clear(&clear);
	imap_set_clear(&never);
}

static void tell_since(struct fake_session *session, uint64_t modseq,
	const struct imap_set *known)
{
	for (size_t i = 0; i < session->count; i++) {
		struct seen *seen = &session->view[i];

		if (seen->modseq > modseq &&
			imap_set_contains(known, seen->uid))
			tell_message(session, seen,
				IMAP_FETCH_UID | IMAP_FETCH_FLAGS |
					IMAP_FETCH_MODSEQ);
	}
}

static void resynchronize(
	struct fake_session *session, const struct imap_select_args *args)
{
	const struct fake_mailbox *box = session->selected;
	struct imap_set known = {0};

	if (args->uidvalidity != told_uidvalidity(box) ||
		!mailbox_has_modseq(box))
		return;
	if (args->known_uids.len > 0)
		view_set(session, args->known_uids, &known);
	else if (box->uidnext > 1)
		imap_set_add_range(&known, 1, box->uidnext - 1);
	tell_earlier(session, args, &known);
	tell_since(session, args->modseq, &known);
	imap_set_clear(&known);
}

/* ---- Commands ------------------------------------------------------------ */

static bool is_offered(
	struct fake_session *session, const struct imap_select_args *args)
{
	if ((args->condstore && !has(session, IMAP_CAP_CONDSTORE)) ||
		(args->qresync && !session->qresync)) {
		complain(session, "SELECT with parameters");
		return false;
	}
	/* Purelymail loses its place when it gets both. */
	if (args->condstore && args->qresync) {
		complain(session, "SELECT with CONDSTORE beside QRESYNC");
		return false;
	}
	return true;
}

/* RFC 7162 section 3.2.11 */
static void close_selected(struct fake_session *session)
{
	if (session->selected != NULL && has(session, IMAP_CAP_CONDSTORE))
		respond(session, "* OK [CLOSED] The one before");
	view_begin(session, NULL);
}

void do_select(struct fake_session *session, const struct imap_command *command)
{
	const struct imap_select_args *args = &command->select;
	struct fake_mailbox *box = named(session, args->mailbox);

	if (!is_offered(session, args))
		return;
	close_selected(session);
	if (box == NULL || (box->attrs & IMAP_ATTR_NOSELECT) != 0) {
		answer(session, "NO [NONEXISTENT] It cannot be selected");
		return;
	}
	if (box->refuses != NULL) {
		answer(session, box->refuses);
		return;
	}
	session->aware = session->aware || args->condstore;
	if (session->aware)
		mailbox_use_modseq(box);
	session->examined = command->kind == IMAP_EXAMINE || box->read_only;
	select_now(session, box);
	if (args->qresync)
		resynchronize(session, args);
	answer(session, session->examined ? "OK [READ-ONLY] Selected"
					  : "OK [READ-WRITE] Selected");
}

void do_unselect(
	struct fake_session *session, const struct imap_command *command)
{
	if (command->kind == IMAP_CLOSE)
		complain(session, "CLOSE, which expunges");
	else
		answer(session, "OK Unselected");
	view_begin(session, NULL);
}

static bool enable_one(struct fake_session *session, enum imap_cap cap)
{
	switch (cap) {
	case IMAP_CAP_CONDSTORE:
		session->aware = true;
		return true;
	case IMAP_CAP_QRESYNC:
		session->aware = true;
		session->qresync = true;
		return true;
	case IMAP_CAP_UIDONLY:
		session->uidonly = true;
		return true;
	default:
		return false;
	}
}

/* RFC 5161: what is not known is passed over; not where a mailbox is open. */
void do_enable(struct fake_session *session, const struct imap_command *command)
{
	const struct imap_strs *words = &command->enable;
	struct buf line = {0};
	enum imap_cap cap;

	if (session->selected != NULL) {
		complain(session, "ENABLE with a mailbox selected");
		return;
	}
	buf_addz(&line, "* ENABLED");
	for (size_t i = 0; i < words->count; i++) {
		if (!session->server->odd.enables_nothing &&
			imap_cap_find(words->items[i], &cap) &&
			has(session, cap) && enable_one(session, cap))
			buf_addf(&line, " %s", imap_cap_name(cap));
	}
	if (!session->server->odd.enables_nothing)
		respond(session, "%s", buf_z(&line));
	buf_clear(&line);
	answer(session, "OK Enabled");
}
