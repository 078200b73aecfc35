/*
 * How: a table says of each command in which state it may come, behind which
 * capability it stands and who does it.
 */
#include "fake_server_private.h"

#include <inttypes.h>
#include <stdlib.h>

enum needs {
	NEEDS_NOTHING,
	NEEDS_LOGIN,
	NEEDS_MAILBOX,
};

bool has(const struct fake_session *session, enum imap_cap cap)
{
	const struct imap_caps *caps = &session->server->caps;

	return imap_caps_has(caps, cap) ||
	       (cap == IMAP_CAP_CONDSTORE &&
		       imap_caps_has(caps, IMAP_CAP_QRESYNC));
}

struct fake_mailbox *named(const struct fake_session *session, struct str name)
{
	struct buf zname = {0};
	struct fake_mailbox *box;

	buf_add(&zname, name);
	box = fake_server_find(session->server, buf_z(&zname));
	buf_clear(&zname);
	return box;
}

void done(struct fake_session *session)
{
	tell_changes(session, false);
	answer(session, "OK Done");
}

/* ---- Without a mailbox --------------------------------------------------- */

static void do_capability(
	struct fake_session *session, const struct imap_command *command)
{
	struct buf caps = {0};

	(void)command;
	imap_caps_print(&session->server->caps, &caps);
	respond(session, "* CAPABILITY %s", buf_z(&caps));
	buf_clear(&caps);
	done(session);
}

static void do_noop(
	struct fake_session *session, const struct imap_command *command)
{
	(void)command;
	tell_changes(session, true);
	answer(session, "OK Nothing done");
}

static void do_logout(
	struct fake_session *session, const struct imap_command *command)
{
	(void)command;
	respond(session, "* BYE See you");
	answer(session, "OK Gone");
	session->ended = true;
}

static void welcome(struct fake_session *session)
{
	struct buf text = {0};

	buf_addz(&text, "OK [CAPABILITY ");
	imap_caps_print(&session->server->caps, &text);
	buf_addz(&text, "] Welcome");
	answer(session, buf_z(&text));
	buf_clear(&text);
}

static void do_login(
	struct fake_session *session, const struct imap_command *command)
{
	const struct fake_oddities *odd = &session->server->odd;

	if (session->authenticated) {
		complain(session, "LOGIN after the login");
		return;
	}
	if (session->too_many && odd->refusal != FAKE_REFUSAL_LATE) {
		if (session->server->odd.refusal == FAKE_REFUSAL_LIMIT)
			answer(session, "NO [LIMIT] Too many connections");
		else
			respond(session, "* BYE Too many connections");
		session->ended =
			session->server->odd.refusal != FAKE_REFUSAL_LIMIT;
		return;
	}
	session->authenticated = !odd->refuses_logins &&
				 str_eq(command->login.user, STR("u")) &&
				 str_eq(command->login.password, STR("secret"));
	session->drops = odd->drops_ahead || odd->muddles_ahead;
	if (!session->authenticated)
		answer(session, "NO [AUTHENTICATIONFAILED] Wrong");
	else if (odd->login_tells)
		welcome(session);
	else
		answer(session, "OK Welcome");
}

/* The transformer of whoever tests this changes no byte. */
static void do_compress(
	struct fake_session *session, const struct imap_command *command)
{
	(void)command;
	answer(session, "OK DEFLATE active");
}

static void do_id(
	struct fake_session *session, const struct imap_command *command)
{
	(void)command;
	respond(session, "* ID (\"name\" \"fake\")");
	done(session);
}

static void do_namespace(
	struct fake_session *session, const struct imap_command *command)
{
	(void)command;
	respond(session, "* NAMESPACE ((\"%s\" \"%c\")) NIL NIL",
		session->server->prefix, session->server->delimiter);
	done(session);
}

/* ---- Mailboxes ----------------------------------------------------------- */

static void do_create(
	struct fake_session *session, const struct imap_command *command)
{
	struct fake_mailbox *box;
	struct buf name = {0};

	if (command->create.roles != 0 &&
		!has(session, IMAP_CAP_CREATE_SPECIAL_USE)) {
		complain(session, "CREATE with USE");
		return;
	}
	if (command->create.roles != 0 && session->server->odd.no_roles) {
		answer(session, "NO [USEATTR] Not here");
		return;
	}
	if (named(session, command->create.mailbox) != NULL) {
		answer(session, "NO [ALREADYEXISTS] It is there");
		return;
	}
	if (!may_change(session))
		return;
	buf_add(&name, command->create.mailbox);
	box = fake_server_create(
		session->server, buf_z(&name), command->create.roles);
	buf_clear(&name);
	tell_changes(session, false);
	if (has(session, IMAP_CAP_OBJECTID))
		respond(session, "%.*s OK [MAILBOXID (F%" PRIu64 ")] Done",
			STR_FMT(session->tag), box->id);
	else
		answer(session, "OK Done");
}

static void do_delete(
	struct fake_session *session, const struct imap_command *command)
{
	struct fake_mailbox *box = named(session, command->mailbox);

	if (box == NULL || str_ieq(command->mailbox, STR("INBOX"))) {
		answer(session, "NO [NONEXISTENT] No such mailbox");
		return;
	}
	if (!may_change(session))
		return;
	if (session->selected == box)
		view_begin(session, NULL);
	fake_server_delete(session->server, box);
	done(session);
}

/* RFC 3501 section 6.3.5: INBOX stays, and what it held goes. */
static void rename_inbox(
	struct fake_server *server, struct fake_mailbox *inbox, const char *to)
{
	struct fake_mailbox *box = fake_server_create(server, to, 0);

	while (inbox->count > 0) {
		uint32_t uid = inbox->messages[0].uid;

		fake_mailbox_copy(inbox, uid, box);
		fake_mailbox_expunge(inbox, uid);
	}
}

static void do_rename(
	struct fake_session *session, const struct imap_command *command)
{
	struct fake_server *server = session->server;
	struct fake_mailbox *box = named(session, command->rename.from);
	bool is_inbox = str_ieq(command->rename.from, STR("INBOX"));
	struct buf to = {0};

	buf_add(&to, command->rename.to);
	if (box == NULL || fake_server_find(server, buf_z(&to)) != NULL ||
		(!is_inbox && !fake_server_can_rename(server, box, buf_z(&to))))
		answer(session, "NO That cannot be");
	else if (may_change(session)) {
		if (is_inbox)
			rename_inbox(server, box, buf_z(&to));
		else
			fake_server_rename(server, box, buf_z(&to));
		done(session);
	}
	buf_clear(&to);
}

/* The one that was subscribed to under this name, or NULL. */
static struct fake_mailbox *formerly(
	const struct fake_server *server, struct str name)
{
	for (size_t i = 0; i < server->count; i++) {
		const char *was = server->mailboxes[i]->was;

		if (was != NULL && str_eq(str_of(was), name))
			return server->mailboxes[i];
	}
	return NULL;
}

static void do_subscribe(
	struct fake_session *session, const struct imap_command *command)
{
	struct fake_mailbox *box = named(session, command->mailbox);
	struct fake_mailbox *former =
		box == NULL ? formerly(session->server, command->mailbox)
			    : NULL;

	if (box == NULL &&
		(former == NULL || command->kind == IMAP_SUBSCRIBE)) {
		answer(session, "NO [NONEXISTENT] No such mailbox");
		return;
	}
	if (!may_change(session))
		return;
	if (former != NULL) {
		free(former->was);
		former->was = NULL;
		done(session);
		return;
	}
	box->subscribed = command->kind == IMAP_SUBSCRIBE;
	done(session);
}

static void do_refused(
	struct fake_session *session, const struct imap_command *command)
{
	(void)command;
	complain(session, "a command that is not offered");
}

/* ---- The table ----------------------------------------------------------- */

struct entry {
	do_one *act;
	enum needs needs;
	enum imap_cap cap; /* IMAP4rev1: none */
};

static const struct entry entries[IMAP_COMMAND_KINDS] = {
	[IMAP_CAPABILITY] = {do_capability, NEEDS_NOTHING, 0},
	[IMAP_NOOP] = {do_noop, NEEDS_NOTHING, 0},
	[IMAP_LOGOUT] = {do_logout, NEEDS_NOTHING, 0},
	[IMAP_LOGIN] = {do_login, NEEDS_NOTHING, 0},
	[IMAP_ENABLE] = {do_enable, NEEDS_LOGIN, IMAP_CAP_ENABLE},
	[IMAP_ID] = {do_id, NEEDS_NOTHING, IMAP_CAP_ID},
	[IMAP_COMPRESS] = {do_compress, NEEDS_LOGIN, IMAP_CAP_COMPRESS_DEFLATE},
	[IMAP_NAMESPACE] = {do_namespace, NEEDS_LOGIN, IMAP_CAP_NAMESPACE},
	[IMAP_LIST] = {do_list, NEEDS_LOGIN, 0},
	[IMAP_LSUB] = {do_lsub, NEEDS_LOGIN, 0},
	[IMAP_STATUS] = {do_status, NEEDS_LOGIN, 0},
	[IMAP_CREATE] = {do_create, NEEDS_LOGIN, 0},
	[IMAP_DELETE] = {do_delete, NEEDS_LOGIN, 0},
	[IMAP_RENAME] = {do_rename, NEEDS_LOGIN, 0},
	[IMAP_SUBSCRIBE] = {do_subscribe, NEEDS_LOGIN, 0},
	[IMAP_UNSUBSCRIBE] = {do_subscribe, NEEDS_LOGIN, 0},
	[IMAP_SELECT] = {do_select, NEEDS_LOGIN, 0},
	[IMAP_EXAMINE] = {do_select, NEEDS_LOGIN, 0},
	[IMAP_UNSELECT] = {do_unselect, NEEDS_MAILBOX, IMAP_CAP_UNSELECT},
	[IMAP_CLOSE] = {do_unselect, NEEDS_MAILBOX, 0},
	[IMAP_CHECK] = {do_noop, NEEDS_MAILBOX, 0},
	[IMAP_FETCH] = {do_fetch, NEEDS_MAILBOX, 0},
	[IMAP_STORE] = {do_store, NEEDS_MAILBOX, 0},
	[IMAP_APPEND] = {do_append, NEEDS_LOGIN, 0},
	[IMAP_COPY] = {do_copy, NEEDS_MAILBOX, 0},
	[IMAP_MOVE] = {do_copy, NEEDS_MAILBOX, IMAP_CAP_MOVE},
	[IMAP_UID_EXPUNGE] = {do_uid_expunge, NEEDS_MAILBOX, IMAP_CAP_UIDPLUS},
	[IMAP_SEARCH] = {do_search, NEEDS_MAILBOX, 0},
};

void do_command(
	struct fake_session *session, const struct imap_command *command)
{
	const struct entry *entry = &entries[command->kind];

	if (entry->act == NULL || !has(session, entry->cap))
		do_refused(session, command);
	else if ((entry->needs >= NEEDS_LOGIN && !session->authenticated) ||
		 (entry->needs == NEEDS_MAILBOX && session->selected == NULL))
		complain(session, "a command that is out of place");
	else
		entry->act(session, command);
}
