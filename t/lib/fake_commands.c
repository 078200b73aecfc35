/*
 * How: a table says of each command in which state it may come, behind which
 * capability it stands and who does it.
 */
#include "fake_server_private.h"

#include "godwit/imap/writer.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum needs {
	NEEDS_NOTHING,
	NEEDS_LOGIN,
	NEEDS_MAILBOX,
};

static bool has(const struct fake_session *session, enum imap_cap cap)
{
	return imap_caps_has(&session->server->caps, cap);
}

/* A mailbox that a command names, or NULL. */
static struct fake_mailbox *named(
	const struct fake_session *session, struct str name)
{
	struct buf zname = {0};
	struct fake_mailbox *box;

	buf_add(&zname, name);
	box = fake_server_find(session->server, buf_z(&zname));
	buf_clear(&zname);
	return box;
}

static void done(struct fake_session *session)
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

static void do_login(
	struct fake_session *session, const struct imap_command *command)
{
	if (session->authenticated) {
		complain(session, "LOGIN after the login");
		return;
	}
	session->authenticated = str_eq(command->login.user, STR("u")) &&
				 str_eq(command->login.password, STR("secret"));
	answer(session, session->authenticated
				? "OK Welcome"
				: "NO [AUTHENTICATIONFAILED] Wrong");
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

/* ---- Lists --------------------------------------------------------------- */

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
	if (box->unlisted)
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
	bool asked = (args->return_options & IMAP_LIST_OPT_SPECIAL_USE) != 0;

	if (has(session, IMAP_CAP_SPECIAL_USE) &&
		(asked || !has(session, IMAP_CAP_LIST_EXTENDED)))
		attrs |= box->attrs & IMAP_ATTR_ROLES;
	if ((args->return_options & IMAP_LIST_OPT_SUBSCRIBED) != 0 &&
		box->subscribed)
		attrs |= IMAP_ATTR_SUBSCRIBED;
	return attrs;
}

static void do_list(
	struct fake_session *session, const struct imap_command *command)
{
	const struct imap_list_args *args = &command->list;
	const struct fake_server *server = session->server;
	unsigned options = args->return_options | args->select_options;

	if ((options != 0 || args->patterns.count > 1) &&
		!has(session, IMAP_CAP_LIST_EXTENDED)) {
		complain(session, "LIST with options");
		return;
	}
	if (((options & IMAP_LIST_OPT_SPECIAL_USE) != 0 &&
		    !has(session, IMAP_CAP_SPECIAL_USE)) ||
		(options & IMAP_LIST_OPT_STATUS) != 0) {
		complain(session, "LIST with an option that is not offered");
		return;
	}
	for (size_t i = 0; i < server->count; i++) {
		const struct fake_mailbox *box = server->mailboxes[i];

		if (is_listed(session, box, args))
			list_one(session, box, "LIST",
				attrs_told(session, box, args));
	}
	done(session);
}

static void do_lsub(
	struct fake_session *session, const struct imap_command *command)
{
	const struct fake_server *server = session->server;

	for (size_t i = 0; i < server->count; i++) {
		const struct fake_mailbox *box = server->mailboxes[i];

		if (box->subscribed && is_listed(session, box, &command->list))
			list_one(session, box, "LSUB", 0);
	}
	done(session);
}

static void do_status(
	struct fake_session *session, const struct imap_command *command)
{
	const struct fake_mailbox *box =
		named(session, command->status.mailbox);
	struct buf line = {0};
	size_t unseen = 0;

	if (box == NULL) {
		answer(session, "NO [NONEXISTENT] No such mailbox");
		return;
	}
	if (box->refuses != NULL) {
		answer(session, box->refuses);
		return;
	}
	for (size_t i = 0; i < box->count; i++)
		unseen += (box->messages[i].flags & FAKE_SEEN) == 0;
	buf_addz(&line, "* STATUS ");
	imap_write_string(&line, str_of(box->name));
	buf_addf(&line,
		" (MESSAGES %zu UIDNEXT %" PRIu32 " UIDVALIDITY %" PRIu32
		" UNSEEN %zu)\r\n",
		box->count, box->uidnext, box->uidvalidity, unseen);
	respond_bytes(session, buf_str(&line));
	buf_clear(&line);
	done(session);
}

/* ---- Mailboxes ----------------------------------------------------------- */

static void do_create(
	struct fake_session *session, const struct imap_command *command)
{
	struct buf name = {0};

	if (command->create.roles != 0 &&
		!has(session, IMAP_CAP_CREATE_SPECIAL_USE)) {
		complain(session, "CREATE with USE");
		return;
	}
	if (named(session, command->create.mailbox) != NULL) {
		answer(session, "NO [ALREADYEXISTS] It is there");
		return;
	}
	if (!may_change(session))
		return;
	buf_add(&name, command->create.mailbox);
	fake_server_create(
		session->server, buf_z(&name), command->create.roles);
	buf_clear(&name);
	done(session);
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
	if (session->selected == box) {
		session->selected = NULL;
		session->count = 0;
	}
	fake_server_delete(session->server, box);
	done(session);
}

static void do_rename(
	struct fake_session *session, const struct imap_command *command)
{
	struct fake_mailbox *box = named(session, command->rename.from);
	struct buf to = {0};

	if (box == NULL || named(session, command->rename.to) != NULL) {
		answer(session, "NO That cannot be");
		return;
	}
	if (!may_change(session))
		return;
	buf_add(&to, command->rename.to);
	fake_server_rename(session->server, box, buf_z(&to));
	buf_clear(&to);
	done(session);
}

static void do_subscribe(
	struct fake_session *session, const struct imap_command *command)
{
	struct fake_mailbox *box = named(session, command->mailbox);

	if (box == NULL) {
		answer(session, "NO [NONEXISTENT] No such mailbox");
		return;
	}
	if (!may_change(session))
		return;
	box->subscribed = command->kind == IMAP_SUBSCRIBE;
	done(session);
}

/* ---- Selecting ----------------------------------------------------------- */

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

static void select_now(struct fake_session *session, struct fake_mailbox *box)
{
	struct fake_oddities *odd = &session->server->odd;

	session->selected = box;
	session->fresh_hidden = false;
	session->count = 0;
	tell_changes(session, true);
	if (session->count == 0)
		respond(session, "* 0 EXISTS");
	if (odd->exists_lies > 0) {
		odd->exists_lies--;
		respond(session, "* %zu EXISTS", session->count + 1);
	}
	respond(session, "* %d RECENT", 0);
	tell_flags_of(session);
	respond(session, "* OK [UIDVALIDITY %" PRIu32 "] UIDs valid",
		box->uidvalidity);
	if (!odd->no_uidnext)
		respond(session, "* OK [UIDNEXT %" PRIu32 "] Predicted",
			box->uidnext);
}

static void do_select(
	struct fake_session *session, const struct imap_command *command)
{
	struct fake_mailbox *box = named(session, command->select.mailbox);

	if (command->select.condstore || command->select.qresync) {
		complain(session, "SELECT with parameters");
		return;
	}
	session->selected = NULL;
	session->count = 0;
	if (box == NULL || (box->attrs & IMAP_ATTR_NOSELECT) != 0) {
		answer(session, "NO [NONEXISTENT] It cannot be selected");
		return;
	}
	if (box->refuses != NULL) {
		answer(session, box->refuses);
		return;
	}
	session->examined = command->kind == IMAP_EXAMINE || box->read_only;
	select_now(session, box);
	answer(session, session->examined ? "OK [READ-ONLY] Selected"
					  : "OK [READ-WRITE] Selected");
}

static void do_unselect(
	struct fake_session *session, const struct imap_command *command)
{
	if (command->kind == IMAP_CLOSE)
		complain(session, "CLOSE, which expunges");
	else
		answer(session, "OK Unselected");
	session->selected = NULL;
	session->count = 0;
}

/* ---- Messages ------------------------------------------------------------ */

static void do_uid_fetch(
	struct fake_session *session, const struct imap_command *command)
{
	do_fetch(session, &command->fetch);
}

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

static void store_one(struct fake_session *session, uint32_t uid,
	const struct imap_store_args *args, uint64_t words)
{
	struct fake_message *message =
		fake_mailbox_find(session->selected, uid);
	struct seen *seen = view_find(session, uid);
	bool silent = args->silent && !session->server->odd.talkative;

	if (message == NULL)
		return;
	message->flags = stored(message->flags, args->mode, words);
	if (silent)
		seen->flags = message->flags; /* else it is told */
}

static void do_store(
	struct fake_session *session, const struct imap_command *command)
{
	const struct imap_store_args *args = &command->store;
	uint64_t words;
	uint32_t *uids;
	size_t count;

	if (args->conditional) {
		complain(session, "STORE UNCHANGEDSINCE");
		return;
	}
	if (session->examined) {
		complain(session, "STORE where PERMANENTFLAGS is empty");
		return;
	}
	if (!read_flags(session->selected, args->flags, &words)) {
		complain(session, "STORE of what PERMANENTFLAGS lacks");
		return;
	}
	words &= ~(uint64_t)session->server->odd.store_forgets;
	count = view_pick(session, args->set, &uids);
	if (count > 0 && !may_change(session)) {
		free(uids);
		return;
	}
	for (size_t i = 0; i < count; i++)
		store_one(session, uids[i], args, words);
	free(uids);
	done(session);
}

/* ---- APPEND, COPY, MOVE -------------------------------------------------- */

/* What the server makes of the bytes that it is given. */
static void body_taken(
	const struct fake_session *session, struct str body, struct buf *taken)
{
	const struct fake_oddities *odd = &session->server->odd;

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

static bool is_appendable(struct fake_session *session,
	const struct imap_append_args *args, struct fake_mailbox *box,
	uint64_t *flags_r)
{
	if (args->count != 1 || args->messages[0].binary) {
		complain(session, "APPEND of what is not offered");
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
	if (!read_flags(box, args->messages[0].flags, flags_r)) {
		complain(session, "APPEND of what PERMANENTFLAGS lacks");
		return false;
	}
	if (!is_welcome(args->messages[0].body)) {
		answer(session, "NO [CANNOT] This message is not welcome");
		return false;
	}
	return true;
}

static void do_append(
	struct fake_session *session, const struct imap_command *command)
{
	const struct imap_append_args *args = &command->append;
	struct fake_mailbox *box = named(session, args->mailbox);
	struct imap_date date = {0};
	struct buf taken = {0};
	uint64_t flags;
	uint32_t uid;

	if (!is_appendable(session, args, box, &flags) || !may_change(session))
		return;
	if (args->messages[0].has_date)
		date = args->messages[0].date;
	body_taken(session, args->messages[0].body, &taken);
	flags &= ~(uint64_t)session->server->odd.append_forgets;
	uid = fake_mailbox_append(box, buf_str(&taken), flags, date)->uid;
	buf_clear(&taken);
	if (session->server->odd.hides_appended && session->selected == box)
		session->fresh_hidden = true;
	tell_changes(session, false);
	if (has(session, IMAP_CAP_UIDPLUS))
		respond(session,
			"%.*s OK [APPENDUID %" PRIu32 " %" PRIu32 "] Stored",
			STR_FMT(session->tag), box->uidvalidity, uid);
	else
		answer(session, "OK Stored");
}

/* Copies; the COPYUID code's text (empty: nothing was copied) to *code. */
static void copy_all(struct fake_session *session, const uint32_t *uids,
	size_t count, struct fake_mailbox *to, struct buf *code)
{
	struct imap_set from_set = {0};
	struct imap_set to_set = {0};

	for (size_t i = 0; i < count; i++) {
		struct fake_message *from =
			fake_mailbox_find(session->selected, uids[i]);
		struct buf flags = {0};
		struct buf body = {0};
		uint64_t kept = 0;

		if (from == NULL)
			continue;
		kept = from->flags & FAKE_SYSTEM;
		for (size_t k = 0; k < session->selected->keyword_count; k++) {
			if ((from->flags >> (FAKE_KEYWORD + k) & 1) != 0)
				kept |= fake_mailbox_keyword(to,
					str_of(session->selected->keywords[k]));
		}
		buf_add(&body, buf_str(&from->body));
		imap_set_add(&from_set, uids[i]);
		imap_set_add(&to_set, fake_mailbox_append(to, buf_str(&body),
					      kept, from->date)
					      ->uid);
		buf_clear(&body);
		buf_clear(&flags);
	}
	if (from_set.count > 0) {
		buf_addf(code, "[COPYUID %" PRIu32 " ", to->uidvalidity);
		imap_set_print(&from_set, code);
		buf_addc(code, ' ');
		imap_set_print(&to_set, code);
		buf_addz(code, "] ");
	}
	imap_set_clear(&from_set);
	imap_set_clear(&to_set);
}

static void do_copy(
	struct fake_session *session, const struct imap_command *command)
{
	struct fake_mailbox *to = named(session, command->copy.mailbox);
	bool moves = command->kind == IMAP_MOVE;
	struct buf code = {0};
	uint32_t *uids;
	size_t count;

	if (to == NULL) {
		answer(session, "NO [TRYCREATE] No such mailbox");
		return;
	}
	count = view_pick(session, command->copy.set, &uids);
	if (count > 0 && !may_change(session)) {
		free(uids);
		return;
	}
	copy_all(session, uids, count, to, &code);
	if (!has(session, IMAP_CAP_UIDPLUS))
		buf_reset(&code);
	for (size_t i = 0; moves && i < count; i++)
		fake_mailbox_expunge(session->selected, uids[i]);
	if (moves && code.len > 0)
		respond(session, "* OK %sMoved", buf_z(&code));
	tell_changes(session, moves);
	respond(session, "%.*s OK %sDone", STR_FMT(session->tag),
		moves ? "" : buf_z(&code));
	buf_clear(&code);
	free(uids);
}

/* ---- Expunging, searching ------------------------------------------------ */

static void do_uid_expunge(
	struct fake_session *session, const struct imap_command *command)
{
	uint32_t *uids;
	size_t count = view_pick(session, command->set, &uids);
	size_t going = 0;

	for (size_t i = 0; i < count; i++) {
		const struct fake_message *message =
			fake_mailbox_find(session->selected, uids[i]);

		if (message != NULL && (message->flags & FAKE_DELETED) != 0)
			uids[going++] = uids[i];
	}
	if (going > 0 && !may_change(session)) {
		free(uids);
		return;
	}
	for (size_t i = 0; i < going; i++)
		fake_mailbox_expunge(session->selected, uids[i]);
	free(uids);
	tell_changes(session, true);
	answer(session, "OK Expunged");
}

static void do_search(
	struct fake_session *session, const struct imap_command *command)
{
	const struct imap_search_args *args = &command->search;
	struct buf line = {0};
	uint32_t *uids;
	size_t count;

	if (args->returns != 0 || args->modseq != 0) {
		complain(session, "SEARCH with what is not offered");
		return;
	}
	count = view_pick(
		session, args->uids.len > 0 ? args->uids : STR("1:*"), &uids);
	buf_addz(&line, "* SEARCH");
	for (size_t i = 0; i < count; i++) {
		const struct fake_message *message =
			fake_mailbox_find(session->selected, uids[i]);

		if (!args->deleted ||
			(message != NULL && (message->flags & FAKE_DELETED)))
			buf_addf(&line, " %" PRIu32, uids[i]);
	}
	respond(session, "%s", buf_z(&line));
	buf_clear(&line);
	free(uids);
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
	void (*act)(struct fake_session *session,
		const struct imap_command *command);
	enum needs needs;
	enum imap_cap cap; /* IMAP4rev1: none */
};

static const struct entry entries[IMAP_COMMAND_KINDS] = {
	[IMAP_CAPABILITY] = {do_capability, NEEDS_NOTHING, 0},
	[IMAP_NOOP] = {do_noop, NEEDS_NOTHING, 0},
	[IMAP_LOGOUT] = {do_logout, NEEDS_NOTHING, 0},
	[IMAP_LOGIN] = {do_login, NEEDS_NOTHING, 0},
	[IMAP_ID] = {do_id, NEEDS_NOTHING, IMAP_CAP_ID},
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
	[IMAP_FETCH] = {do_uid_fetch, NEEDS_MAILBOX, 0},
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
