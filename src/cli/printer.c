/*
 * How: the line of progress is wiped before anything else is written, and each
 * event then goes to the function of its kind. Rows of tables wait for the
 * account's summary. All text passes text_clean().
 */
#include "godwit/cli/printer.h"

#include "godwit/cli/json.h"

#include <inttypes.h>

enum {
	PROGRESS_EVERY_MS = 100,
	PROGRESS_COLUMNS = 79, /* one less than the narrowest terminal */
};

static const char red[] = "\033[31m";
static const char bold[] = "\033[1m";
static const char reset[] = "\033[m";
static const char wipe[] = "\r\033[K";

static const struct table_column status_columns[] = {
	{"MAILBOX", false},
	{"MAILDIR", true},
	{"SERVER", true},
	{"STATE", false},
	{"FOR THE MAILDIR", false},
	{"FOR THE SERVER", false},
};

static const struct table_column list_columns[] = {
	{"MAILBOX", false},
	{"LOCAL NAME", false},
	{"WHERE", false},
	{"USE", false},
	{"SUBSCRIBED", false},
	{"SYNCED", false},
};

/* Writes what gathered in p->line, and empties it. Whether that worked is
 * asked for at the end, of the stream. */
static void line_put(struct printer *p, FILE *file)
{
	(void)fwrite(p->line.ptr, 1, p->line.len, file);
	buf_reset(&p->line);
}

static void progress_wipe(struct printer *p)
{
	if (!p->progress_shown)
		return;
	(void)fputs(wipe, p->setup.err);
	(void)fflush(p->setup.err);
	p->progress_shown = false;
}

static void add_colored(
	struct printer *p, bool color, const char *with, const char *text)
{
	buf_addf(&p->line, "%s%s%s", color ? with : "", text,
		color ? reset : "");
}

/* "godwit: " */
static void add_godwit(struct printer *p)
{
	add_colored(p, p->setup.err_color, red, "godwit:");
	buf_addc(&p->line, ' ');
}

/* "account/mailbox: " or "account: " */
static void add_where(struct printer *p, const struct report_event *event)
{
	text_clean(&p->line, event->account);
	if (event->mailbox.len > 0) {
		buf_addc(&p->line, '/');
		text_clean(&p->line, event->mailbox);
	}
	buf_addz(&p->line, ": ");
}

/* "message 17" or "message 12345.x" or nothing. */
static bool add_message(struct printer *p, uint32_t uid, struct str file)
{
	if (uid == 0 && file.len == 0)
		return false;
	buf_addz(&p->line, "message ");
	if (uid != 0)
		buf_addf(&p->line, "%" PRIu32, uid);
	else
		text_clean(&p->line, file);
	return true;
}

/* "1.2 MiB" */
static void add_bytes(struct buf *out, uint64_t bytes)
{
	static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
	double amount = (double)bytes / 1024;
	size_t unit = 0;

	if (bytes < 1024) {
		buf_addf(out, "%" PRIu64 " bytes", bytes);
		return;
	}
	while (amount >= 1024 && unit < 3) {
		amount /= 1024;
		unit++;
	}
	buf_addf(out, "%.1f %s", amount, units[unit]);
}

/* "2 added, 1 flagged"; false if there is nothing. */
static bool add_counts(struct buf *out, const struct report_counts *counts)
{
	const struct {
		uint64_t number;
		const char *what;
	} parts[] = {
		{counts->added, "added"},
		{counts->removed, "removed"},
		{counts->moved, "moved"},
		{counts->copied, "copied"},
		{counts->flagged, "flagged"},
	};
	const char *between = "";

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (parts[i].number == 0)
			continue;
		buf_addf(out, "%s%" PRIu64 " %s", between, parts[i].number,
			parts[i].what);
		between = ", ";
	}
	return between[0] != '\0';
}

static void text_print(struct printer *p, const struct report_event *event)
{
	if (p->setup.options->verbosity == CLI_QUIET)
		return;
	add_godwit(p);
	add_where(p, event);
	if (event->kind == REPORT_ALERT)
		buf_addz(&p->line, "the server says: ");
	text_clean(&p->line, event->text);
	buf_addc(&p->line, '\n');
	line_put(p, p->setup.err);
}

static void detail_print(struct printer *p, const struct report_event *event)
{
	if (p->setup.options->verbosity == CLI_VERBOSE)
		text_print(p, event);
}

static void progress_print(struct printer *p, const struct report_event *event)
{
	const struct report_progress *progress = &event->progress;
	int64_t now_ms;
	struct str cut;

	if (!p->setup.err_terminal || p->setup.options->verbosity == CLI_QUIET)
		return;
	now_ms = p->setup.clock->monotonic_ms(p->setup.clock->ctx);
	if (p->progress_shown && now_ms < p->progress_next_ms)
		return;
	add_where(p, event);
	buf_addf(&p->line,
		"%" PRIu64 "/%" PRIu64 " mailboxes, %" PRIu64 "/%" PRIu64
		" changes, ",
		progress->mailboxes_done, progress->mailboxes_total,
		progress->ops_done, progress->ops_total);
	add_bytes(&p->line, progress->bytes_in);
	buf_addz(&p->line, " in, ");
	add_bytes(&p->line, progress->bytes_out);
	buf_addz(&p->line, " out");
	cut = text_cut(buf_str(&p->line), PROGRESS_COLUMNS);
	(void)fprintf(p->setup.err, "%s%.*s", wipe, STR_FMT(cut));
	(void)fflush(p->setup.err);
	buf_reset(&p->line);
	p->progress_shown = true;
	p->progress_next_ms = now_ms + PROGRESS_EVERY_MS;
}

/* What is said about an operation: the verb, and where it happens. */
static const struct {
	const char *would;
	const char *done;
	const char *where[2]; /* by enum report_side */
} phrases[] = {
	[REPORT_ADD] = {"add", "added", {"to the Maildir", "to the server"}},
	[REPORT_REMOVE] = {"remove", "removed",
		{"from the Maildir", "from the server"}},
	[REPORT_MOVE] = {"move", "moved", {"in the Maildir", "on the server"}},
	[REPORT_COPY] = {"copy", "copied", {"in the Maildir", "on the server"}},
	[REPORT_FLAG] = {"flag", "flagged",
		{"in the Maildir", "on the server"}},
	[REPORT_MAILBOX_CREATE] = {"make", "made",
		{"in the Maildir", "on the server"}},
	[REPORT_MAILBOX_REMOVE] = {"remove", "removed",
		{"from the Maildir", "from the server"}},
	[REPORT_MAILBOX_RENAME] = {"rename", "renamed",
		{"in the Maildir", "on the server"}},
};

static bool op_is_wanted(const struct cli_options *options, bool would)
{
	if (options->command != CLI_SYNC)
		return false;
	return options->verbosity == CLI_VERBOSE ||
	       (would && options->verbosity != CLI_QUIET);
}

/* home/A: would move message 17 on the server to B: moved locally */
static void op_print(struct printer *p, const struct report_event *event)
{
	const struct report_op *op = &event->op;
	bool would = event->kind == REPORT_WOULD;

	if (!op_is_wanted(p->setup.options, would))
		return;
	add_where(p, event);
	buf_addf(&p->line, "%s%s ", would ? "would " : "",
		would ? phrases[op->verb].would : phrases[op->verb].done);
	if (op->verb >= REPORT_MAILBOX_CREATE)
		buf_addz(&p->line, "the mailbox");
	else if (!add_message(p, op->uid, op->file))
		buf_addz(&p->line, "a message");
	buf_addf(&p->line, " %s", phrases[op->verb].where[op->side]);
	if (op->to.len > 0) {
		buf_addz(&p->line, " to ");
		text_clean(&p->line, op->to);
	}
	if (op->flags.len > 0) {
		buf_addc(&p->line, ' ');
		text_clean(&p->line, op->flags);
	}
	buf_addz(&p->line, ": ");
	text_clean(&p->line, op->reason);
	buf_addc(&p->line, '\n');
	line_put(p, p->setup.out);
}

static void error_print(struct printer *p, const struct report_event *event)
{
	const struct report_error *error = &event->error;

	add_godwit(p);
	add_where(p, event);
	if (add_message(p, error->uid, error->file))
		buf_addz(&p->line, ": ");
	text_clean(&p->line, str_of(error->err->text));
	buf_addc(&p->line, '\n');
	line_put(p, p->setup.err);
}

static void counts_cell(struct table *table, const struct report_counts *counts)
{
	struct buf text = {0};

	(void)add_counts(&text, counts);
	table_cell(table, buf_str(&text));
	buf_clear(&text);
}

static void mailbox_print(struct printer *p, const struct report_event *event)
{
	static const char *const states[] = {
		[REPORT_IN_STEP] = "in step",
		[REPORT_DIRTY] = "to do",
		[REPORT_DETACHED] = "detached",
		[REPORT_REFUSED] = "refused",
		[REPORT_FAILED] = "failed",
	};
	const struct report_mailbox *mailbox = &event->mailbox_state;
	struct table *table = &p->table;

	if (p->setup.options->command != CLI_STATUS)
		return;
	table_cell(table, event->mailbox);
	table_cellf(table, "%" PRIu64, mailbox->local_messages);
	table_cellf(table, "%" PRIu64, mailbox->server_messages);
	if (mailbox->waiting > 0)
		table_cellf(table, "%s, %" PRIu64 " waiting",
			states[mailbox->state], mailbox->waiting);
	else
		table_cell(table, str_of(states[mailbox->state]));
	counts_cell(table, &mailbox->local);
	counts_cell(table, &mailbox->server);
}

static const char *where_of(const struct report_listed *listed)
{
	if (listed->on_server && listed->on_local)
		return "both";
	return listed->on_server ? "server" : "Maildir";
}

static void listed_print(struct printer *p, const struct report_event *event)
{
	const struct report_listed *listed = &event->listed;
	struct table *table = &p->table;

	table_cell(table, event->mailbox);
	table_cell(table, listed->local_name);
	table_cell(table, str_of(where_of(listed)));
	table_cell(table, listed->special_use);
	table_cell(table, listed->subscribed ? STR("yes") : STR("no"));
	if (!listed->selectable)
		table_cell(table, STR("holds no mail"));
	else
		table_cell(table, listed->synced ? STR("yes") : STR("no"));
}

static void fact_print(struct printer *p, const struct report_event *event)
{
	const struct report_fact *fact = &event->fact;

	add_where(p, event);
	text_clean(&p->line, fact->subject);
	buf_addz(&p->line, ": ");
	if (!fact->good) {
		add_colored(p, p->setup.out_color, red, "warning:");
		buf_addc(&p->line, ' ');
	}
	text_clean(&p->line, fact->text);
	buf_addc(&p->line, '\n');
	line_put(p, p->setup.out);
}

/* The account's name and its table, with a line between accounts. */
static void table_print(struct printer *p, const struct report_event *event)
{
	if (p->table.cell_count == 0)
		return;
	if (p->tables > 0)
		buf_addc(&p->line, '\n');
	buf_addz(&p->line, p->setup.out_color ? bold : "");
	text_clean(&p->line, event->account);
	buf_addf(&p->line, ":%s\n", p->setup.out_color ? reset : "");
	table_write(&p->table, p->setup.out_color, &p->line);
	line_put(p, p->setup.out);
	p->tables++;
}

/* "; Maildir: 2 added" */
static bool add_side(struct printer *p, const char *between, const char *side,
	const struct report_counts *counts)
{
	struct buf text = {0};
	bool any = add_counts(&text, counts);

	if (any)
		buf_addf(&p->line, "%s%s: %s", between, side, buf_z(&text));
	buf_clear(&text);
	return any;
}

static void summary_line(struct printer *p, const struct report_event *event)
{
	const struct report_summary *summary = &event->summary;
	bool any;

	add_where(p, event);
	any = add_side(p, "", "Maildir", &summary->local);
	any |= add_side(p, any ? "; " : "", "server", &summary->server);
	if (!any)
		buf_addz(&p->line, "nothing to do");
	if (summary->conflicts > 0)
		buf_addf(&p->line, "; %" PRIu64 " conflicts",
			summary->conflicts);
	if (summary->errors > 0)
		buf_addf(&p->line, "; %" PRIu64 " errors", summary->errors);
	buf_addz(&p->line, " (");
	add_bytes(&p->line, summary->bytes_in);
	buf_addz(&p->line, " in, ");
	add_bytes(&p->line, summary->bytes_out);
	buf_addf(&p->line, " out, %.1f s)\n",
		(double)summary->elapsed_ms / 1000);
	line_put(p, p->setup.out);
}

static void summary_print(struct printer *p, const struct report_event *event)
{
	const struct cli_options *options = p->setup.options;

	table_print(p, event);
	if (options->command != CLI_SYNC || options->verbosity == CLI_QUIET)
		return;
	if (p->setup.out_terminal || options->verbosity == CLI_VERBOSE)
		summary_line(p, event);
}

static void (*const prints[])(struct printer *, const struct report_event *) = {
	[REPORT_ALERT] = text_print,
	[REPORT_NOTE] = text_print,
	[REPORT_DETAIL] = detail_print,
	[REPORT_PROGRESS] = progress_print,
	[REPORT_WOULD] = op_print,
	[REPORT_DONE] = op_print,
	[REPORT_ERROR] = error_print,
	[REPORT_MAILBOX] = mailbox_print,
	[REPORT_LISTED] = listed_print,
	[REPORT_FACT] = fact_print,
	[REPORT_SUMMARY] = summary_print,
};

/* With --json: the object, and errors in words too. */
static void event_json(struct printer *p, const struct report_event *event)
{
	if (event->kind == REPORT_ERROR)
		error_print(p, event);
	json_event(event, &p->line);
	line_put(p, p->setup.out);
	if (event->kind == REPORT_SUMMARY)
		(void)fflush(p->setup.out);
}

static void printer_event(void *ctx, const struct report_event *event)
{
	struct printer *p = ctx;

	check((size_t)event->kind < sizeof(prints) / sizeof(prints[0]));
	if (event->kind != REPORT_PROGRESS)
		progress_wipe(p);
	if (p->setup.options->json && event->kind != REPORT_PROGRESS)
		event_json(p, event);
	else
		prints[event->kind](p, event);
}

void printer_init(struct printer *p, struct printer_setup setup)
{
	*p = (struct printer){.setup = setup};
	if (setup.options->command == CLI_LIST)
		table_init(&p->table, list_columns,
			sizeof(list_columns) / sizeof(list_columns[0]));
	else
		table_init(&p->table, status_columns,
			sizeof(status_columns) / sizeof(status_columns[0]));
}

struct report printer_report(struct printer *p)
{
	return (struct report){.ctx = p, .event = printer_event};
}

void printer_error(struct printer *p, const struct err *err)
{
	progress_wipe(p);
	add_godwit(p);
	text_clean(&p->line, str_of(err->text));
	buf_addc(&p->line, '\n');
	if (err->cause == ERR_USAGE) {
		cli_usage(p->setup.options->command, &p->line);
		buf_addz(&p->line, "See godwit --help.\n");
	}
	line_put(p, p->setup.err);
}

int printer_flush(struct printer *p, struct err *err)
{
	progress_wipe(p);
	(void)fflush(p->setup.err);
	if (ferror(p->setup.out) == 0 && fflush(p->setup.out) == 0)
		return 0;
	return err_set(err, ERR_RUN, ERR_LATER, ERR_DISK,
		"not all of the output could be written: is its disk full?");
}

void printer_clear(struct printer *p)
{
	table_clear(&p->table);
	buf_clear(&p->line);
}
