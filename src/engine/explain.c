/*
 * How: a fact is named after the key that it explains. What one setting makes
 * meaningless (a direction, mostly) is not explained.
 */
#include "explain.h"

#include "presence.h"
#include "tell.h"

#include "godwit/mail/mailbox_glob.h"

#include <inttypes.h>
#include <string.h>

static void say(struct pass *pass, const char *subject, const char *text)
{
	pass_fact(pass, NULL, subject, true, "%s", text);
}

/* "90 days", in the greatest unit that fits without a rest. */
static void add_time(struct buf *text, uint64_t seconds)
{
	static const struct {
		uint64_t seconds;
		const char *name;
	} units[] = {
		{86400, "day"}, {3600, "hour"}, {60, "minute"}, {1, "second"}};
	size_t unit = 0;
	uint64_t number;

	while (seconds % units[unit].seconds != 0)
		unit++;
	number = seconds / units[unit].seconds;
	buf_addf(text, "%" PRIu64 " %s%s", number, units[unit].name,
		number == 1 ? "" : "s");
}

/* "25 MiB", likewise. */
static void add_size(struct buf *text, uint64_t bytes)
{
	static const char *const units[] = {
		"bytes", "KiB", "MiB", "GiB", "TiB"};
	size_t unit = 0;

	while (bytes > 0 && bytes % 1024 == 0 && unit < 4) {
		bytes /= 1024;
		unit++;
	}
	buf_addf(text, "%" PRIu64 " %s", bytes, units[unit]);
}

/* ---- The settings -------------------------------------------------------- */

static void explain_server(struct pass *pass)
{
	static const char *const modes[] = {
		[ACCOUNT_TLS_IMPLICIT] = "under TLS from the first byte",
		[ACCOUNT_TLS_STARTTLS] = "under TLS by STARTTLS, or not at all",
		[ACCOUNT_TLS_OFF] = "without TLS",
	};
	const struct account *account = pass->account;
	const char *mode = modes[account->tls.mode];

	if (account->tunnel.argv != NULL)
		pass_fact(pass, NULL, "server", true,
			"reached through the tunnel command, %s", mode);
	else
		pass_fact(pass, NULL, "server", true, "%s, port %u, %s",
			account->host, (unsigned)account->port, mode);
}

static void explain_direction(struct pass *pass)
{
	static const char *const texts[] = {
		[ACCOUNT_DIRECTION_BOTH] = "changes travel both ways",
		[ACCOUNT_DIRECTION_PULL] =
			"changes travel to the Maildir only; the server is "
			"never changed",
		[ACCOUNT_DIRECTION_PUSH] =
			"changes travel to the server only; the Maildir is "
			"never changed",
	};

	say(pass, "direction", texts[pass->account->direction]);
}

/* What becomes of messages that one side removed. */
static void explain_removals(struct pass *pass)
{
	static const char *const deletes[] = {
		[ACCOUNT_DELETE_EXPUNGE] =
			"a message that is removed from the Maildir is removed "
			"from the server",
		[ACCOUNT_DELETE_TRASH] =
			"a message that is removed from the Maildir is moved "
			"to the trash on the server",
		[ACCOUNT_DELETE_NEVER] =
			"a message that is removed from the Maildir stays on "
			"the server",
	};
	const struct account *account = pass->account;
	struct buf text = {0};

	if (account->direction != ACCOUNT_DIRECTION_PULL)
		say(pass, "delete", deletes[account->deletes]);
	if (account->direction == ACCOUNT_DIRECTION_PUSH)
		return;
	buf_addz(&text, "a message that is removed from the server is removed "
			"from the Maildir, ");
	if (account->retain_s == 0) {
		buf_addz(&text, "for good");
	} else {
		buf_addz(&text, "and kept in the vault for ");
		add_time(&text, account->retain_s);
	}
	say(pass, "retain", buf_z(&text));
	buf_clear(&text);
}

static void explain_expunge(struct pass *pass)
{
	static const char *const texts[] = {
		[ACCOUNT_SIDES_NONE] = "messages marked as deleted stay: the "
				       "mark is a flag like others",
		[ACCOUNT_SIDES_LOCAL] = "messages marked as deleted are "
					"removed from the Maildir",
		[ACCOUNT_SIDES_SERVER] = "messages marked as deleted are "
					 "removed from the server",
		[ACCOUNT_SIDES_BOTH] =
			"messages marked as deleted are removed from both "
			"sides",
	};

	say(pass, "expunge", texts[pass->account->expunge]);
}

static void explain_sides(struct pass *pass)
{
	static const char *const creates[] = {
		[ACCOUNT_SIDES_NONE] = "no mailbox is made where it is missing",
		[ACCOUNT_SIDES_LOCAL] =
			"mailboxes that only the server has are made in the "
			"Maildir, not the other way round",
		[ACCOUNT_SIDES_SERVER] =
			"mailboxes that only the Maildir has are made on the "
			"server, not the other way round",
		[ACCOUNT_SIDES_BOTH] =
			"mailboxes that only one side has are made on the "
			"other",
	};
	static const char *const removes[] = {
		[ACCOUNT_SIDES_NONE] =
			"a mailbox that one side removes stays on the other",
		[ACCOUNT_SIDES_LOCAL] =
			"a mailbox that is removed from the server is removed "
			"from the Maildir, not the other way round",
		[ACCOUNT_SIDES_SERVER] =
			"a mailbox that is removed from the Maildir is removed "
			"from the server, not the other way round",
		[ACCOUNT_SIDES_BOTH] =
			"a mailbox that one side removes is removed from the "
			"other",
	};

	say(pass, "create", creates[pass->account->create]);
	say(pass, "remove", removes[pass->account->remove]);
}

static void explain_limits(struct pass *pass)
{
	const struct account_limits *limits = &pass->account->limits;
	struct buf text = {0};

	if (limits->max_size_bytes > 0) {
		buf_addz(&text, " or larger than ");
		add_size(&text, limits->max_size_bytes);
	}
	if (limits->max_age_s > 0) {
		buf_addz(&text, " or older than ");
		add_time(&text, limits->max_age_s);
	}
	if (limits->newest > 0)
		buf_addf(&text,
			" or not among the %" PRIu64 " newest of its mailbox",
			limits->newest);
	if (text.len == 0)
		say(pass, "limits", "messages of any size and age are synced");
	else
		pass_fact(pass, NULL, "limits", true,
			"a new message is left where it is if it is %s",
			buf_z(&text) + sizeof(" or ") - 1);
	buf_clear(&text);
}

static void explain_guard(struct pass *pass)
{
	const struct account_guard *guard = &pass->account->guard;

	pass_fact(pass, NULL, "guard", true,
		"a mailbox that would lose more than %u%% of its messages, and "
		"more than %u of them, loses none without --allow-deletes",
		(unsigned)guard->max_delete_percent,
		(unsigned)guard->min_messages);
}

void explain(struct pass *pass)
{
	explain_server(pass);
	explain_direction(pass);
	explain_removals(pass);
	explain_expunge(pass);
	explain_sides(pass);
	explain_limits(pass);
	explain_guard(pass);
}

/* ---- The mailboxes ------------------------------------------------------- */

static const char *why_left_out(const struct mailbox *mailbox)
{
	switch (mailbox->left_out) {
	case LEFT_OUT_NOT_INCLUDED:
		return "is left out: nothing in `include` fits it";
	case LEFT_OUT_EXCLUDED:
		return "is left out: `exclude` names it";
	case LEFT_OUT_NOT_SUBSCRIBED:
		return "is left out: it is not subscribed to, and `subscribed` "
		       "wants only such";
	case LEFT_OUT_NOT_ASKED:
		return "was not asked for";
	case LEFT_OUT_NOT:
		break;
	}
	return "takes no part";
}

/* "the folder a/b" */
static void add_folder(
	struct buf *text, struct pass *pass, const struct mailbox *mailbox)
{
	struct buf path = {0};
	struct err err;

	if (mailbox_name_path(
		    pass->account->layout, mailbox->name, &path, &err) != 0)
		buf_addz(text, err.text);
	else if (path.len == 0)
		buf_addz(text, "the root folder itself");
	else
		buf_addf(text, "the folder %s", buf_z(&path));
	buf_clear(&path);
}

static void explain_synced(struct pass *pass, struct mailbox *mailbox)
{
	const char *foretold = presence_foretold(pass->account, mailbox);
	struct str use = tell_role(mailbox->attrs);
	struct buf text = {0};

	if (foretold != NULL)
		buf_addf(&text, "%s; ", foretold);
	buf_addz(&text, foretold == NULL ? "is synced with " : "its place is ");
	add_folder(&text, pass, mailbox);
	if (use.len > 0)
		buf_addf(&text, " (%.*s)", STR_FMT(use));
	pass_fact(pass, mailbox, "mailbox", true, "%s", buf_z(&text));
	buf_clear(&text);
}

static void explain_mailbox(struct pass *pass, struct mailbox *mailbox)
{
	bool is_listed = mailbox->wire_name.ptr != NULL &&
			 !mailbox->on_server && !mailbox->on_local &&
			 !mailbox->in_journal;

	if (mailbox->part == MAILBOX_BROKEN)
		return; /* it was said why */
	if (mailbox->part == MAILBOX_LEFT_OUT)
		pass_fact(pass, mailbox, "mailbox", true, "%s",
			why_left_out(mailbox));
	else if (is_listed)
		pass_fact(pass, mailbox, "mailbox", true, "%s",
			"holds no mail itself: the server does not open it");
	else
		explain_synced(pass, mailbox);
}

static bool fits_one(const struct pass *pass, struct str glob)
{
	for (size_t i = 0; i < pass->count; i++) {
		if (mailbox_glob_match(glob, pass->mailboxes[i].server_name))
			return true;
	}
	return false;
}

static void explain_globs(
	struct pass *pass, const char *key, const struct account_list *globs)
{
	for (size_t i = 0; i < globs->count; i++) {
		if (!fits_one(pass, globs->items[i]))
			pass_fact(pass, NULL, key, false,
				"'%s' fits no mailbox; see `godwit list`",
				globs->items[i].ptr);
	}
}

static void explain_renames(struct pass *pass)
{
	const struct account_mailboxes *wanted = &pass->account->mailboxes;

	for (size_t i = 0; i < wanted->rename_count; i++) {
		struct str name = wanted->renames[i].server;
		bool found = false;

		for (size_t k = 0; k < pass->count && !found; k++)
			found = str_starts(
				pass->mailboxes[k].server_name, name);
		if (!found)
			pass_fact(pass, NULL, "rename", false,
				"the server has no mailbox '%s'; see `godwit "
				"list`",
				name.ptr);
	}
}

void explain_mailboxes(struct pass *pass)
{
	const struct account *account = pass->account;

	if (account->deletes == ACCOUNT_DELETE_TRASH && pass->trash == NULL)
		pass_fact(pass, NULL, "delete", false, "%s",
			"the server has no \\Trash mailbox, so messages that "
			"are removed from the Maildir stay there");
	explain_globs(pass, "include", &account->mailboxes.include);
	explain_globs(pass, "exclude", &account->mailboxes.exclude);
	explain_renames(pass);
	for (size_t i = 0; i < pass->count; i++)
		explain_mailbox(pass, &pass->mailboxes[i]);
}
