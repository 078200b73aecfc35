/*
 * How: LIST walks the mailboxes and says of each what was asked; with STATUS
 * (RFC 5819) the same line as the command's follows each that can be opened.
 */
#include "fake_server_private.h"

#include "godwit/imap/writer.h"

#include <inttypes.h>

/* list-wildcards of RFC 3501: `*` any, `%` any but the delimiter. */
static bool fits(
	const struct fake_session *session, struct str pattern, struct str name)
{
	if (pattern.len == 0)
		return name.len == 0;
	if (pattern.ptr[0] != '*' && pattern.ptr[0] != '%')
		return name.len > 0 && pattern.ptr[0] == name.ptr[0] &&
		       fits(session, str_sub(pattern, 1, pattern.len),
			       str_sub(name, 1, name.len));
	for (size_t i = 0;; i++) {
		if (fits(session, str_sub(pattern, 1, pattern.len),
			    str_sub(name, i, name.len)))
			return true;
		if (i == name.len ||
			(pattern.ptr[0] == '%' &&
				name.ptr[i] == session->server->delimiter))
			return false;
	}
}

static bool is_listed(const struct fake_session *session,
	const struct fake_mailbox *box, const struct imap_list_args *args)
{
	const unsigned chosen = args->select_options;

	if (box->unlisted ||
		((chosen & IMAP_LIST_OPT_SUBSCRIBED) != 0 &&
			!box->subscribed) ||
		((chosen & IMAP_LIST_OPT_SPECIAL_USE) != 0 &&
			(box->attrs & IMAP_ATTR_ROLES) == 0))
		return false;
	for (size_t i = 0; i < args->patterns.count; i++) {
		if (fits(session, args->patterns.items[i], str_of(box->name)))
			return true;
	}
	return false;
}

static void list_one(struct fake_session *session,
	const struct fake_mailbox *box, const char *word, unsigned attrs)
{
	struct buf line = {0};

	buf_addf(&line, "* %s ", word);
	imap_write_list_attrs(&line, attrs);
	buf_addf(&line, " \"%c\" ", session->server->delimiter);
	imap_write_string(&line, str_of(box->name));
	buf_addz(&line, "\r\n");
	respond_bytes(session, buf_str(&line));
	buf_clear(&line);
}

static unsigned attrs_told(const struct fake_session *session,
	const struct fake_mailbox *box, const struct imap_list_args *args)
{
	unsigned attrs = box->attrs & ~(unsigned)IMAP_ATTR_ROLES;
	unsigned options = args->return_options | args->select_options;
	bool asked = (options & IMAP_LIST_OPT_SPECIAL_USE) != 0;

	if (has(session, IMAP_CAP_SPECIAL_USE) &&
		(asked || !has(session, IMAP_CAP_LIST_EXTENDED)))
		attrs |= box->attrs & IMAP_ATTR_ROLES;
	if ((options & IMAP_LIST_OPT_SUBSCRIBED) != 0 && box->subscribed)
		attrs |= IMAP_ATTR_SUBSCRIBED;
	return attrs;
}

/* ---- STATUS -------------------------------------------------------------- */

static unsigned items_offered(const struct fake_session *session)
{
	unsigned items = IMAP_STATUS_MESSAGES | IMAP_STATUS_UIDNEXT |
			 IMAP_STATUS_UIDVALIDITY | IMAP_STATUS_UNSEEN |
			 IMAP_STATUS_RECENT;

	if (has(session, IMAP_CAP_CONDSTORE))
		items |= IMAP_STATUS_HIGHESTMODSEQ;
	if (has(session, IMAP_CAP_STATUS_SIZE))
		items |= IMAP_STATUS_SIZE;
	if (has(session, IMAP_CAP_OBJECTID))
		items |= IMAP_STATUS_MAILBOXID;
	return items;
}

static uint64_t count_of(
	const struct fake_session *session, const struct fake_mailbox *box)
{
	uint64_t count = box->count;
	unsigned window = session->server->odd.window;

	if (window != 0 && !session->uidonly && count > window)
		count = window;
	return count + (uint64_t)box->messages_lie;
}

static uint64_t unseen_of(const struct fake_mailbox *box)
{
	uint64_t unseen = 0;

	for (size_t i = 0; i < box->count; i++)
		unseen += (box->messages[i].flags & FAKE_SEEN) == 0;
	return unseen;
}

static uint64_t size_of(const struct fake_mailbox *box)
{
	uint64_t size = 0;

	for (size_t i = 0; i < box->count; i++)
		size += box->messages[i].body.len;
	return size;
}

static uint64_t status_number(const struct fake_session *session,
	const struct fake_mailbox *box, unsigned item)
{
	switch (item) {
	case IMAP_STATUS_MESSAGES:
		return count_of(session, box);
	case IMAP_STATUS_UIDNEXT:
		return told_uidnext(box);
	case IMAP_STATUS_UIDVALIDITY:
		return told_uidvalidity(box);
	case IMAP_STATUS_UNSEEN:
		return unseen_of(box);
	case IMAP_STATUS_HIGHESTMODSEQ: /* RFC 7162 section 3.1.7 */
		return box->nomodseq ? 0 : told_modseq(box);
	case IMAP_STATUS_SIZE:
		return size_of(box);
	default:
		return 0;
	}
}

static void status_line(struct fake_session *session,
	const struct fake_mailbox *box, unsigned items)
{
	const char *space = "";
	struct buf line = {0};

	if (session->server->odd.empty_status)
		items = 0;
	if (!box->nomodseq && !mailbox_has_modseq(box))
		items &= ~(unsigned)IMAP_STATUS_HIGHESTMODSEQ;
	buf_addz(&line, "* STATUS ");
	imap_write_string(&line, str_of(box->name));
	buf_addz(&line, " (");
	for (unsigned item = 1; item <= items; item <<= 1) {
		if ((items & item) == 0)
			continue;
		buf_addz(&line, space);
		imap_write_status_items(&line, item);
		if (item == IMAP_STATUS_MAILBOXID)
			buf_addf(&line, " (F%" PRIu64 ")", box->id);
		else
			buf_addf(&line, " %" PRIu64,
				status_number(session, box, item));
		space = " ";
	}
	buf_addz(&line, ")\r\n");
	respond_bytes(session, buf_str(&line));
	buf_clear(&line);
}

/* Whether all items may be asked for; if not, that is said. */
static bool status_asked(struct fake_session *session, unsigned items)
{
	if ((items & ~items_offered(session)) != 0) {
		complain(session, "STATUS of an item that is not offered");
		return false;
	}
	if ((items & IMAP_STATUS_HIGHESTMODSEQ) != 0)
		become_aware(session);
	return true;
}

void do_status(struct fake_session *session, const struct imap_command *command)
{
	const struct imap_status_args *args = &command->status;
	const struct fake_mailbox *box = named(session, args->mailbox);

	if (!status_asked(session, args->items))
		return;
	if (box == NULL || (box->attrs & IMAP_ATTR_NOSELECT) != 0) {
		answer(session, "NO [NONEXISTENT] No such mailbox");
		return;
	}
	if (box->kills) {
		session->ended = true;
		return;
	}
	if (box->refuses != NULL) {
		answer(session, box->refuses);
		return;
	}
	status_line(session, box, args->items);
	done(session);
}

/* ---- LIST ---------------------------------------------------------------- */

static bool is_offered(
	struct fake_session *session, const struct imap_list_args *args)
{
	unsigned options = args->return_options | args->select_options;

	if ((options != 0 || args->patterns.count > 1) &&
		!has(session, IMAP_CAP_LIST_EXTENDED)) {
		complain(session, "LIST with options");
		return false;
	}
	if (((options & IMAP_LIST_OPT_SPECIAL_USE) != 0 &&
		    !has(session, IMAP_CAP_SPECIAL_USE)) ||
		((options & IMAP_LIST_OPT_STATUS) != 0 &&
			!has(session, IMAP_CAP_LIST_STATUS))) {
		complain(session, "LIST with an option that is not offered");
		return false;
	}
	return (options & IMAP_LIST_OPT_STATUS) == 0 ||
	       status_asked(session, args->status_items);
}

void do_list(struct fake_session *session, const struct imap_command *command)
{
	const struct imap_list_args *args = &command->list;
	const struct fake_server *server = session->server;
	bool with_status = (args->return_options & IMAP_LIST_OPT_STATUS) != 0;

	if (!is_offered(session, args))
		return;
	for (size_t i = 0; i < server->count; i++) {
		const struct fake_mailbox *box = server->mailboxes[i];

		if (!is_listed(session, box, args))
			continue;
		list_one(session, box, "LIST", attrs_told(session, box, args));
		if (with_status && (box->attrs & IMAP_ATTR_NOSELECT) == 0 &&
			box->refuses == NULL &&
			!once_more(&session->server->odd.status_gaps))
			status_line(session, box, args->status_items);
	}
	if (server->odd.lists != NULL)
		respond(session, "%s", server->odd.lists);
	done(session);
}

void do_lsub(struct fake_session *session, const struct imap_command *command)
{
	const struct fake_server *server = session->server;

	for (size_t i = 0; i < server->count; i++) {
		const struct fake_mailbox *box = server->mailboxes[i];

		struct fake_mailbox former = {.name = box->was};

		if (box->subscribed && is_listed(session, box, &command->list))
			list_one(session, box, "LSUB", 0);
		if (box->was != NULL &&
			is_listed(session, &former, &command->list))
			list_one(session, &former, "LSUB", 0);
	}
	done(session);
}
