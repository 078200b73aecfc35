/*
 * How: what fits is gathered into a set, and the set told in the way that was
 * asked for (RFC 3501, 4731) or that the server is able to.
 */
#include "fake_server_private.h"

#include <inttypes.h>
#include <stdlib.h>

struct found {
	struct imap_set uids;
	uint64_t modseq; /* the highest of those */
};

static bool is_searchable(
	struct fake_session *session, const struct imap_search_args *args)
{
	if ((args->returns != 0 && !has(session, IMAP_CAP_ESEARCH)) ||
		(args->modseq != 0 && (!has(session, IMAP_CAP_CONDSTORE) ||
					      session->selected->nomodseq)) ||
		args->header.len > 0) {
		complain(session, "SEARCH with what is not offered");
		return false;
	}
	return true;
}

static bool fits(
	const struct fake_message *message, const struct imap_search_args *args)
{
	if (message == NULL) /* not told yet */
		return !args->deleted && args->modseq == 0;
	return (!args->deleted || (message->flags & FAKE_DELETED) != 0) &&
	       message->modseq >= args->modseq;
}

static void find(const struct fake_session *session,
	const struct imap_search_args *args, struct found *found)
{
	uint32_t *uids;
	size_t count = view_pick(
		session, args->uids.len > 0 ? args->uids : STR("1:*"), &uids);

	for (size_t i = 0; i < count; i++) {
		const struct fake_message *message =
			fake_mailbox_find(session->selected, uids[i]);

		if (!fits(message, args))
			continue;
		imap_set_add(&found->uids, uids[i]);
		if (message != NULL && message->modseq > found->modseq)
			found->modseq = message->modseq;
	}
	free(uids);
}

static void tell_search(struct fake_session *session,
	const struct imap_search_args *args, const struct found *found)
{
	struct imap_set_iter iter = {0};
	struct buf line = {0};
	uint32_t uid;

	if (found->uids.count == 0 && session->server->odd.search_mute)
		return;
	buf_addz(&line, "* SEARCH");
	while (imap_set_next(&found->uids, &iter, &uid))
		buf_addf(&line, " %" PRIu32, uid);
	if (args->modseq != 0 && found->uids.count > 0)
		buf_addf(&line, " (MODSEQ %" PRIu64 ")", found->modseq);
	respond(session, "%s", buf_z(&line));
	buf_clear(&line);
}

/* RFC 4731 section 3.2: of the first and last, if there are no others told. */
static uint64_t modseq_of(const struct fake_session *session, unsigned returns,
	const struct found *found)
{
	const unsigned ends = IMAP_RETURN_MIN | IMAP_RETURN_MAX;
	uint32_t first = found->uids.ranges[0].first;
	uint64_t modseq = 0;

	if ((returns & ~ends) != 0)
		return found->modseq;
	if ((returns & IMAP_RETURN_MIN) != 0)
		modseq = fake_mailbox_find(session->selected, first)->modseq;
	if ((returns & IMAP_RETURN_MAX) != 0) {
		uint64_t last = fake_mailbox_find(
			session->selected, imap_set_max(&found->uids))
					->modseq;

		modseq = last > modseq ? last : modseq;
	}
	return modseq;
}

/* RFC 4731 section 3.1 */
static void tell_esearch(struct fake_session *session,
	const struct imap_search_args *args, const struct found *found)
{
	bool any = found->uids.count > 0;
	struct buf line = {0};

	buf_addf(&line, "* ESEARCH (TAG \"%.*s\") UID", STR_FMT(session->tag));
	if (any && (args->returns & IMAP_RETURN_MIN) != 0)
		buf_addf(&line, " MIN %" PRIu32, found->uids.ranges[0].first);
	if (any && (args->returns & IMAP_RETURN_MAX) != 0)
		buf_addf(&line, " MAX %" PRIu32, imap_set_max(&found->uids));
	if ((args->returns & IMAP_RETURN_COUNT) != 0)
		buf_addf(&line, " COUNT %" PRIu64, imap_set_size(&found->uids));
	if (any && (args->returns & IMAP_RETURN_ALL) != 0) {
		buf_addz(&line, " ALL ");
		imap_set_print(&found->uids, &line);
	}
	if (any && args->modseq != 0)
		buf_addf(&line, " MODSEQ %" PRIu64,
			modseq_of(session, args->returns, found));
	respond(session, "%s", buf_z(&line));
	buf_clear(&line);
}

void do_search(struct fake_session *session, const struct imap_command *command)
{
	const struct imap_search_args *args = &command->search;
	struct found found = {0};

	if (!is_searchable(session, args))
		return;
	if (args->modseq != 0)
		become_aware(session);
	find(session, args, &found);
	if (args->returns == 0 || session->server->odd.esearch_plain)
		tell_search(session, args, &found);
	else
		tell_esearch(session, args, &found);
	imap_set_clear(&found.uids);
	done(session);
}
