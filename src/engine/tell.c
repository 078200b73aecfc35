/* How: each event is filled from the pass and handed to the report port. */
#include "tell.h"

#include "godwit/imap/command.h"

#include <inttypes.h>

static void emit(struct pass *pass, struct report_event *event)
{
	event->account = pass->account->name;
	pass->ports->report.event(pass->ports->report.ctx, event);
}

static void fact(
	struct pass *pass, const char *subject, bool good, struct str text)
{
	struct report_event event = {
		.kind = REPORT_FACT,
		.fact = {.subject = str_of(subject),
			.text = text,
			.good = good},
	};

	emit(pass, &event);
}

/* ---- check --------------------------------------------------------------- */

static enum task_step nothing_begin(struct task *task, struct err *err)
{
	(void)task;
	(void)err;
	return TASK_DONE;
}

static enum task_step nothing_event(
	struct task *task, const struct imap_event *event, struct err *err)
{
	(void)task;
	(void)event;
	(void)err;
	return TASK_DONE;
}

/* What a capability is good for, and what its lack means. */
static const struct {
	enum imap_cap cap;
	const char *with;
	const char *without;
} abilities[] = {
	{IMAP_CAP_UIDPLUS, "deletes exactly what it is asked to (UIDPLUS)",
		"cannot delete single messages (no UIDPLUS): what is removed "
		"locally is marked \\Deleted there"},
	{IMAP_CAP_MOVE, "moves messages in one step (MOVE)",
		"moves by COPY and UID EXPUNGE (no MOVE)"},
	{IMAP_CAP_LITERAL_PLUS, "takes uploads without waiting (LITERAL+)",
		"is asked before each upload (no LITERAL+)"},
	{IMAP_CAP_SPECIAL_USE, "says which mailbox is for what (SPECIAL-USE)",
		"does not say which mailbox is the trash (no SPECIAL-USE)"},
};

static void tell_abilities(struct pass *pass)
{
	for (size_t i = 0; i < sizeof(abilities) / sizeof(abilities[0]); i++) {
		bool has =
			imap_caps_has(pool_caps(pass->pool), abilities[i].cap);

		fact(pass, "server", true,
			str_of(has ? abilities[i].with : abilities[i].without));
	}
}

int tell_server(struct pass *pass, struct err *err)
{
	static const struct task_kind kind = {nothing_begin, nothing_event};
	struct task task = {.kind = &kind};
	struct task *tasks[] = {&task};
	const struct server *server;
	struct buf text = {0};

	if (pool_run(pass->pool, tasks, 1, 1, err) != 0)
		return -1;
	server = pool_server(pass->pool);
	buf_addf(&text, "logged in as %s by %s, %s",
		pass->account->user.ptr != NULL ? pass->account->user.ptr
						: "(nobody)",
		server->mechanism != NULL ? server->mechanism : "PREAUTH",
		server->tls ? "under TLS" : "without TLS");
	fact(pass, "login", true, buf_str(&text));
	buf_reset(&text);
	if (server->name.len > 0)
		buf_addf(&text, "calls itself %.*s",
			STR_FMT(buf_str(&server->name)));
	else
		buf_addz(&text, "does not say what it is");
	fact(pass, "server", true, buf_str(&text));
	buf_reset(&text);
	imap_caps_print(pool_caps(pass->pool), &text);
	fact(pass, "capabilities", true, buf_str(&text));
	buf_clear(&text);
	tell_abilities(pass);
	return 0;
}

/* ---- list ---------------------------------------------------------------- */

static struct str role_name(unsigned attrs)
{
	static const struct {
		unsigned role;
		const char *name;
	} names[] = {
		{IMAP_ATTR_ALL, "\\All"},
		{IMAP_ATTR_ARCHIVE, "\\Archive"},
		{IMAP_ATTR_DRAFTS, "\\Drafts"},
		{IMAP_ATTR_FLAGGED, "\\Flagged"},
		{IMAP_ATTR_IMPORTANT, "\\Important"},
		{IMAP_ATTR_JUNK, "\\Junk"},
		{IMAP_ATTR_SENT, "\\Sent"},
		{IMAP_ATTR_TRASH, "\\Trash"},
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if ((attrs & names[i].role) != 0)
			return str_of(names[i].name);
	}
	return STR("");
}

void tell_list(struct pass *pass)
{
	for (size_t i = 0; i < pass->count; i++) {
		const struct mailbox *mailbox = &pass->mailboxes[i];
		bool is_listed = mailbox->on_server || mailbox->attrs != 0;
		struct report_event event = {
			.kind = REPORT_LISTED,
			.mailbox = mailbox->server_name,
			.listed =
				{
					.local_name = mailbox->name,
					.special_use =
						role_name(mailbox->attrs),
					.on_server = is_listed,
					.on_local = mailbox->on_local,
					.subscribed =
						(mailbox->attrs &
							IMAP_ATTR_SUBSCRIBED) !=
						0,
					.selectable = mailbox->on_server,
					.synced = mailbox_is_active(mailbox),
				},
		};

		emit(pass, &event);
	}
}

/* ---- summary ------------------------------------------------------------- */

static void tell_mailbox(struct pass *pass, struct mailbox *mailbox)
{
	struct report_event event = {
		.kind = REPORT_MAILBOX, .mailbox = mailbox->server_name};

	if (mailbox->part == MAILBOX_DETACHED)
		mailbox->report.state = REPORT_DETACHED;
	else if (mailbox->report.state == REPORT_IN_STEP && mailbox->dirty &&
		 pass->options->depth != SYNC_APPLY)
		mailbox->report.state = REPORT_DIRTY;
	mailbox->report.local_messages = mailbox->scan.count;
	mailbox->report.server_messages = mailbox->remote_count;
	event.mailbox_state = mailbox->report;
	emit(pass, &event);
}

void tell_mailboxes(struct pass *pass)
{
	if (pass->options->depth < SYNC_STATUS)
		return;
	for (size_t i = 0; i < pass->count; i++) {
		struct mailbox *mailbox = &pass->mailboxes[i];

		if (mailbox->part == MAILBOX_LEFT_OUT)
			continue;
		pass->summary.mailboxes++;
		pass->summary.dirty += mailbox->dirty;
		tell_mailbox(pass, mailbox);
	}
}

void tell_summary(struct pass *pass, int status)
{
	const struct clock_port *clock = &pass->ports->clock;
	struct report_event event = {.kind = REPORT_SUMMARY};

	pass->summary.status = status;
	pass->summary.bytes_in = pool_bytes_in(pass->pool);
	pass->summary.bytes_out = pool_bytes_out(pass->pool);
	pass->summary.elapsed_ms =
		(uint64_t)(clock->monotonic_ms(clock->ctx) - pass->start_ms);
	event.summary = pass->summary;
	emit(pass, &event);
}
