/* How: each event is filled from the pass and handed to the report port. */
#include "tell.h"

#include "godwit/imap/command.h"

#include <inttypes.h>

static void emit(struct pass *pass, struct report_event *event)
{
	event->account = pass->account->name;
	pass->ports->report.event(pass->ports->report.ctx, event);
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

/* What a server can by a capability, or less well by another one, and what it
 * means when it offers neither. */
static const struct {
	const char *what;
	enum imap_cap cap;
	enum imap_cap other; /* IMAP_CAP_COUNT: none */
	const char *less;    /* what `other` gives */
	const char *without;
} abilities[] = {
	{"deletes exactly what it is asked to", IMAP_CAP_UIDPLUS,
		IMAP_CAP_COUNT, "",
		"what is removed from the Maildir is only marked \\Deleted "
		"there"},
	{"moves messages in one step", IMAP_CAP_MOVE, IMAP_CAP_COUNT, "",
		"they are copied, and then removed"},
	{"takes uploads without being asked before", IMAP_CAP_LITERAL_PLUS,
		IMAP_CAP_LITERAL_MINUS, "small ones",
		"each upload waits for an answer"},
	{"fast look for changes", IMAP_CAP_QRESYNC, IMAP_CAP_CONDSTORE,
		"flags only", "each look lists all messages"},
	{"looks at all mailboxes at once", IMAP_CAP_LIST_STATUS, IMAP_CAP_COUNT,
		"", "they are asked for one by one"},
	{"says what mailboxes are for", IMAP_CAP_SPECIAL_USE, IMAP_CAP_COUNT,
		"", "the trash is the mailbox that is called Trash"},
};

static void tell_abilities(struct pass *pass)
{
	const struct imap_caps *caps = pool_caps(pass->pool);

	for (size_t i = 0; i < sizeof(abilities) / sizeof(abilities[0]); i++) {
		enum imap_cap other = abilities[i].other;

		if (imap_caps_has(caps, abilities[i].cap))
			pass_fact(pass, NULL, "server", true, "%s: yes (%s)",
				abilities[i].what,
				imap_cap_name(abilities[i].cap));
		else if (other != IMAP_CAP_COUNT && imap_caps_has(caps, other))
			pass_fact(pass, NULL, "server", true, "%s: %s (%s)",
				abilities[i].what, abilities[i].less,
				imap_cap_name(other));
		else
			pass_fact(pass, NULL, "server", true,
				"%s: no (it lacks %s); %s", abilities[i].what,
				imap_cap_name(abilities[i].cap),
				abilities[i].without);
	}
	if (caps->append_limit > 0)
		pass_fact(pass, NULL, "server", true,
			"takes messages of up to %" PRIu64
			" bytes (APPENDLIMIT)",
			caps->append_limit);
}

static void tell_namespaces(struct pass *pass)
{
	const struct server *server = pool_server(pass->pool);
	struct str rest = buf_str(&server->foreign);
	struct str prefix;

	if (server->personal.len > 0)
		pass_fact(pass, NULL, "namespace", true,
			"the user's mailboxes are below '%.*s', which local "
			"names leave out",
			STR_FMT(buf_str(&server->personal)));
	if (server->delimiter != '\0')
		pass_fact(pass, NULL, "namespace", true,
			"levels of mailboxes are parted by '%c' there",
			server->delimiter);
	while (rest.len > 0 && str_split(&rest, '\0', &prefix)) {
		if (prefix.len > 0)
			pass_fact(pass, NULL, "namespace", true,
				"what is below '%.*s' belongs to others, and "
				"is not synced",
				STR_FMT(prefix));
	}
}

static void tell_login(struct pass *pass)
{
	const struct server *server = pool_server(pass->pool);
	const struct account *account = pass->account;

	if (server->tls)
		pass_fact(pass, NULL, "connection", true, "%.*s",
			STR_FMT(buf_str(&server->protection)));
	else if (account->tunnel.argv != NULL)
		pass_fact(pass, NULL, "connection", true, "%s",
			"without TLS, through the tunnel");
	else
		pass_fact(pass, NULL, "connection", !account->allow_cleartext,
			"%s",
			account->allow_cleartext
				? "in the clear, for everybody on the way to "
				  "read (allow_cleartext)"
				: "in the clear, within this machine");
	pass_fact(pass, NULL, "login", true, "logged in as %s by %s, %s",
		account->user.len > 0 ? account->user.ptr : "(nobody)",
		server->mechanism != NULL ? server->mechanism : "PREAUTH",
		server->tls ? "under TLS" : "without TLS");
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
	tell_login(pass);
	if (server->name.len > 0)
		pass_fact(pass, NULL, "server", true, "calls itself %.*s",
			STR_FMT(buf_str(&server->name)));
	else
		pass_fact(pass, NULL, "server", true, "%s",
			"does not say what it is");
	imap_caps_print(pool_caps(pass->pool), &text);
	pass_fact(pass, NULL, "capabilities", true, "%s", buf_z(&text));
	buf_clear(&text);
	tell_abilities(pass);
	tell_namespaces(pass);
	return 0;
}

/* ---- list ---------------------------------------------------------------- */

struct str tell_role(unsigned attrs)
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
						tell_role(mailbox->attrs),
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
	mailbox->report.local_messages =
		mailbox->idle ? mailbox->record.files : mailbox->scan.count;
	mailbox->report.server_messages = mailbox->idle
						  ? mailbox->record.messages
						  : mailbox->remote_count;
	event.mailbox_state = mailbox->report;
	emit(pass, &event);
}

/* Whether it is counted. */
static bool is_told(const struct pass *pass, const struct mailbox *mailbox)
{
	return pass->options->depth >= SYNC_STATUS &&
	       mailbox->part != MAILBOX_LEFT_OUT;
}

void tell_sum_up(struct pass *pass, int status)
{
	const struct clock_port *clock = &pass->ports->clock;
	struct report_summary *summary = &pass->summary;

	summary->mailboxes = 0;
	summary->dirty = 0;
	for (size_t i = 0; i < pass->count; i++) {
		if (!is_told(pass, &pass->mailboxes[i]))
			continue;
		summary->mailboxes++;
		summary->dirty += pass->mailboxes[i].dirty;
	}
	summary->status = status;
	summary->bytes_in = pool_bytes_in(pass->pool);
	summary->bytes_out = pool_bytes_out(pass->pool);
	summary->elapsed_ms =
		(uint64_t)(clock->monotonic_ms(clock->ctx) - pass->start_ms);
}

void tell_mailboxes(struct pass *pass)
{
	for (size_t i = 0; i < pass->count; i++) {
		if (is_told(pass, &pass->mailboxes[i]))
			tell_mailbox(pass, &pass->mailboxes[i]);
	}
}

void tell_summary(struct pass *pass)
{
	struct report_event event = {
		.kind = REPORT_SUMMARY, .summary = pass->summary};

	emit(pass, &event);
}
