/*
 * How: the messages wanted are put into the order in which they are answered,
 * then each becomes one response; whatever is odd about it is decided there.
 */
#include "fake_server_private.h"

#include "godwit/imap/writer.h"

#include <inttypes.h>
#include <stdlib.h>

static void shuffle(struct fake_session *session, uint32_t *uids, size_t count)
{
	for (size_t i = count; i > 1; i--) {
		size_t k = fate_random(session->server->fate, i);
		uint32_t kept = uids[k];

		uids[k] = uids[i - 1];
		uids[i - 1] = kept;
	}
}

/* The header with the empty line that ends it. */
static struct str header_of(struct str body)
{
	for (size_t i = 0; i + 4 <= body.len; i++) {
		if (str_eq(str_sub(body, i, 4), STR("\r\n\r\n")))
			return str_sub(body, 0, i + 4);
	}
	return body;
}

static void write_item(struct buf *out, const char *name, struct str bytes)
{
	buf_addf(out, " %s {%zu}\r\n", name, bytes.len);
	buf_add(out, bytes);
}

static void write_header(struct fake_session *session, struct buf *out,
	struct str header, const struct imap_fetch_args *args)
{
	if (!args->partial || session->server->odd.headers_whole) {
		write_item(out, "BODY[HEADER]", header);
		return;
	}
	header = str_sub(header, args->offset, args->octets);
	buf_addf(out, " BODY[HEADER]<%" PRIu64 "> {%zu}\r\n", args->offset,
		header.len);
	buf_add(out, header);
}

/* A part of a body, or what is given for it. */
static void write_rest(struct buf *out, struct str body,
	const struct imap_fetch_args *args, enum fake_rest odd)
{
	struct str rest = str_sub(body, args->offset, args->octets);
	uint64_t offset = args->offset;

	if (odd == FAKE_REST_FRONT)
		rest = str_sub(body, 0, rest.len);
	else if (odd == FAKE_REST_SHIFTED)
		rest = str_sub(body, offset - offset / 50, rest.len);
	else if (odd == FAKE_REST_SHORT)
		rest = str_sub(rest, 0, rest.len - rest.len / 10);
	else if (odd == FAKE_REST_EMPTY)
		rest = str_sub(rest, 0, 0);
	else if (odd == FAKE_REST_RENAMED)
		offset++;
	buf_addf(out, " BODY[]<%" PRIu64 "> {%zu}\r\n", offset, rest.len);
	buf_add(out, rest);
}

static void write_bodies(struct fake_session *session, struct buf *out,
	struct str body, const struct imap_fetch_args *args)
{
	if ((args->items & IMAP_FETCH_HEADER) != 0)
		write_header(session, out, header_of(body), args);
	if ((args->items & IMAP_FETCH_BODY) == 0)
		return;
	if (!args->partial || session->server->odd.rest == FAKE_REST_WHOLE)
		write_item(out, "BODY[]", body);
	else
		write_rest(out, body, args, session->server->odd.rest);
}

static void write_start(
	struct fake_session *session, const struct seen *seen, struct buf *out)
{
	if (session->uidonly)
		buf_addf(out, "* %" PRIu32 " UIDFETCH (", seen->uid);
	else
		buf_addf(out, "* %td FETCH (", seen - session->view + 1);
	if (!session->server->odd.uid_last)
		buf_addf(out, "UID %" PRIu32, seen->uid);
	else
		buf_addf(out, "XODD 1");
}

static void send_it(
	struct fake_session *session, const struct seen *seen, struct buf *out)
{
	if (session->server->odd.uid_last)
		buf_addf(out, " UID %" PRIu32, seen->uid);
	buf_addz(out, ")\r\n");
	respond_bytes(session, buf_str(out));
	if (session->server->odd.fetches_twice)
		respond_bytes(session, buf_str(out));
	buf_clear(out);
}

static bool refuses(unsigned *times)
{
	bool does = *times > 0;

	*times -= does && *times < FAKE_FOR_EVER;
	return does;
}

/* What is given of a message for its body. */
static struct str given_body(
	struct fake_message *message, const struct imap_fetch_args *args)
{
	struct str body = buf_str(&message->body);
	unsigned torn = message->torn;

	if ((args->items & IMAP_FETCH_BODY) == 0)
		return body;
	if (refuses(&message->hollow))
		return str_sub(body, 0, 0);
	if (refuses(&message->torn))
		return str_sub(body, 0,
			body.len / (torn < FAKE_FOR_EVER ? torn + 1 : 2));
	return body;
}

/* A message that is gone, but the client was not told. */
static void fetch_ghost(struct fake_session *session, const struct seen *seen,
	const struct imap_fetch_args *args)
{
	const unsigned texts = IMAP_FETCH_HEADER | IMAP_FETCH_BODY;
	enum fake_gone gone = session->server->odd.gone;
	struct buf out = {0};

	if (gone == FAKE_GONE_NOTHING || gone == FAKE_GONE_NO)
		return;
	write_start(session, seen, &out);
	if ((args->items & IMAP_FETCH_FLAGS) != 0) {
		buf_addz(&out, " FLAGS (");
		write_flags(&out, session->selected, seen->flags);
		buf_addc(&out, ')');
	}
	if ((args->items & texts) != 0 && gone == FAKE_GONE_MADE_UP)
		write_bodies(session, &out, str_of(FAKE_MADE_UP), args);
	else if ((args->items & IMAP_FETCH_BODY) != 0)
		buf_addz(&out, " BODY[] NIL");
	else if ((args->items & IMAP_FETCH_HEADER) != 0)
		buf_addz(&out, " BODY[HEADER] NIL");
	send_it(session, seen, &out);
}

static void write_attributes(struct fake_session *session,
	const struct fake_message *message, const struct imap_fetch_args *args,
	struct buf *out)
{
	if ((args->items & IMAP_FETCH_FLAGS) != 0) {
		buf_addz(out, " FLAGS (");
		write_flags(out, session->selected, message->flags);
		if (session->server->odd.shows_recent &&
			fate_random(session->server->fate, 2) == 0)
			buf_addz(out,
				message->flags != 0 ? " \\Recent" : "\\Recent");
		buf_addc(out, ')');
	}
	if ((args->items & IMAP_FETCH_INTERNALDATE) != 0) {
		buf_addz(out, " INTERNALDATE ");
		imap_write_date(out, message->date);
	}
	if ((args->items & IMAP_FETCH_SIZE) != 0)
		buf_addf(out, " RFC822.SIZE %" PRIu64,
			(uint64_t)((int64_t)message->body.len +
				   message->size_lie));
	if ((args->items & IMAP_FETCH_MODSEQ) != 0)
		buf_addf(out, " MODSEQ (%" PRIu64 ")", message->modseq);
	if ((args->items & IMAP_FETCH_EMAILID) != 0)
		buf_addf(out, " EMAILID (M%016" PRIx64 ")", message->object);
	if ((args->items & IMAP_FETCH_GM_MSGID) != 0)
		buf_addf(out, " X-GM-MSGID %" PRIu64, message->object >> 1 | 1);
}

/* Whether no more bodies are given. */
static bool is_at_limit(struct fake_session *session)
{
	struct fake_oddities *odd = &session->server->odd;

	return odd->limits && !once_more(&odd->bodies_left);
}

/* False: it is not given. */
static bool fetch_one(struct fake_session *session, struct seen *seen,
	const struct imap_fetch_args *args)
{
	struct fake_message *message =
		fake_mailbox_find(session->selected, seen->uid);
	struct buf out = {0};

	if (message == NULL) {
		fetch_ghost(session, seen, args);
		return session->server->odd.gone != FAKE_GONE_NO;
	}
	if (args->partial && (args->items & IMAP_FETCH_BODY) != 0 &&
		session->server->odd.rest >= FAKE_REST_NO) {
		session->ended = session->server->odd.rest == FAKE_REST_BYE;
		return false;
	}
	if (((args->items & IMAP_FETCH_BODY) != 0 &&
		    (once_more(&message->refusals) || is_at_limit(session))) ||
		((args->items & IMAP_FETCH_HEADER) != 0 &&
			once_more(&message->mute)))
		return false;
	if ((args->items & IMAP_FETCH_BODY) != 0 && !session->ended &&
		once_more(&message->cuts)) {
		session->server->cut_at = session->server->responses + 1;
		session->server->cut_half = true;
		session->server->cut_bytes = message->cut_bytes;
	}
	if ((args->items & IMAP_FETCH_FLAGS) != 0)
		seen->flags = message->flags;
	if ((args->items & IMAP_FETCH_MODSEQ) != 0)
		seen->modseq = message->modseq;
	write_start(session, seen, &out);
	write_attributes(session, message, args, &out);
	write_bodies(session, &out, given_body(message, args), args);
	send_it(session, seen, &out);
	return true;
}

static unsigned items_offered(const struct fake_session *session)
{
	unsigned items = IMAP_FETCH_UID | IMAP_FETCH_FLAGS |
			 IMAP_FETCH_INTERNALDATE | IMAP_FETCH_SIZE |
			 IMAP_FETCH_HEADER | IMAP_FETCH_BODY;

	if (has(session, IMAP_CAP_CONDSTORE) && !session->selected->nomodseq)
		items |= IMAP_FETCH_MODSEQ;
	if (has(session, IMAP_CAP_OBJECTID))
		items |= IMAP_FETCH_EMAILID;
	if (has(session, IMAP_CAP_X_GM_EXT_1))
		items |= IMAP_FETCH_GM_MSGID;
	return items;
}

static bool is_offered(
	const struct fake_session *session, const struct imap_fetch_args *args)
{
	unsigned items = items_offered(session);

	return (args->items & ~items) == 0 &&
	       (args->changed_since == 0 || (items & IMAP_FETCH_MODSEQ) != 0) &&
	       (!args->vanished || session->qresync);
}

/*
 * RFC 7162 section 3.2.6. What this session was not told of yet is told by a
 * VANISHED without EARLIER, at the end.
 */
static void tell_earlier(
	struct fake_session *session, const struct imap_fetch_args *args)
{
	struct imap_set known = {0};
	struct imap_set gone = {0};

	view_set(session, args->set, &known);
	for (size_t i = 0; i < session->count; i++) {
		struct imap_set one = {0};

		imap_set_add(&one, session->view[i].uid);
		imap_set_subtract(&known, &one);
		imap_set_clear(&one);
	}
	mailbox_vanished(session->selected, args->changed_since, &known, &gone);
	tell_vanished(session, true, &gone);
	imap_set_clear(&known);
	imap_set_clear(&gone);
}

/* Which message is passed over for once; `count` for none. */
static size_t gap(struct fake_session *session,
	const struct imap_fetch_args *args, size_t count)
{
	struct fake_oddities *odd = &session->server->odd;
	unsigned *gaps = (args->items & IMAP_FETCH_HEADER) != 0
				 ? &odd->header_gaps
				 : &odd->listing_gaps;

	if (*gaps == 0 || count == 0 || (args->items & IMAP_FETCH_BODY) != 0)
		return count;
	--*gaps;
	return fate_random(session->server->fate, count);
}

/* Whether CHANGEDSINCE passes over it. */
static bool is_unchanged(const struct fake_session *session,
	const struct seen *seen, const struct imap_fetch_args *args)
{
	const struct fake_message *message =
		fake_mailbox_find(session->selected, seen->uid);

	return args->changed_since != 0 &&
	       !session->server->odd.ignores_since &&
	       (message == NULL || message->modseq <= args->changed_since);
}

static bool fetch_all(
	struct fake_session *session, const struct imap_fetch_args *args)
{
	uint32_t *uids;
	size_t count = view_pick(session, args->set, &uids);
	size_t passed_over;
	bool all = true;

	if (session->server->odd.shuffles)
		shuffle(session, uids, count);
	passed_over = gap(session, args, count);
	for (size_t i = 0; i < count; i++) {
		struct seen *seen = view_find(session, uids[i]);

		if (i == passed_over || is_unchanged(session, seen, args))
			continue;
		if (!all && session->server->odd.limits)
			break;
		all = fetch_one(session, seen, args) && all;
		if (session->server->odd.headers_twice &&
			(args->items & IMAP_FETCH_HEADER) != 0)
			all = fetch_one(session, seen, args) && all;
	}
	free(uids);
	return all;
}

void do_fetch(struct fake_session *session, const struct imap_command *command)
{
	struct imap_fetch_args args = command->fetch;
	bool all;

	if (!is_offered(session, &args)) {
		complain(session, "FETCH of what is not offered");
		return;
	}
	if (args.changed_since != 0 && !session->server->odd.ignores_since)
		args.items |= IMAP_FETCH_MODSEQ; /* RFC 7162 section 3.1.4.1 */
	if (args.changed_since != 0 || (args.items & IMAP_FETCH_MODSEQ) != 0)
		become_aware(session);
	if (args.vanished)
		tell_earlier(session, &args);
	all = fetch_all(session, &args);
	tell_changes(session, false);
	if (all)
		answer(session, "OK Fetched");
	else if (session->server->odd.limits)
		answer(session, "NO [LIMIT] Rate limit hit");
	else
		answer(session, "NO [UNAVAILABLE] Some could not be had");
}
