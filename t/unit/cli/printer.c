/* cli/printer: what people see of a run. */
#include "godwit/cli/printer.h"

#include "tap.h"

#include <stdlib.h>
#include <string.h>

/* A printer whose streams end in memory. */
struct scene {
	struct cli_options options;
	struct printer printer;
	struct report report;
	int64_t now_ms;
	struct clock_port clock;
	FILE *out, *err;
	char *out_bytes, *err_bytes;
	size_t out_len, err_len;
};

static int64_t scene_now(void *ctx)
{
	return ((struct scene *)ctx)->now_ms;
}

/* The scene of a command; `terminal` is what both streams are. */
static void scene_open(
	struct scene *s, struct cli_options options, bool terminal, bool color)
{
	*s = (struct scene){.options = options};
	s->clock = (struct clock_port){.ctx = s, .monotonic_ms = scene_now};
	s->out = open_memstream(&s->out_bytes, &s->out_len);
	s->err = open_memstream(&s->err_bytes, &s->err_len);
	check(s->out != NULL && s->err != NULL);
	printer_init(&s->printer,
		(struct printer_setup){&s->options, &s->clock, s->out, s->err,
			color, color, terminal, terminal});
	s->report = printer_report(&s->printer);
}

static void tell(struct scene *s, struct report_event event)
{
	event.account = STR("home");
	s->report.event(s->report.ctx, &event);
}

/* Ends the scene, which must have left just this on both streams. */
static void scene_close(
	struct scene *s, const char *out, const char *err, const char *sentence)
{
	struct err lost = {0};

	is_int(printer_flush(&s->printer, &lost), 0, "%s: nothing is lost",
		sentence);
	printer_clear(&s->printer);
	check(fclose(s->out) == 0 && fclose(s->err) == 0);
	is_str(str_sub(str_of(s->out_bytes), 0, s->out_len), str_of(out),
		"%s: output", sentence);
	is_str(str_sub(str_of(s->err_bytes), 0, s->err_len), str_of(err),
		"%s: errors", sentence);
	free(s->out_bytes);
	free(s->err_bytes);
}

static const struct cli_options sync_options = {.command = CLI_SYNC};

/* All that an undisturbed sync tells. */
static void tell_sync(struct scene *s)
{
	tell(s, (struct report_event){.kind = REPORT_PROGRESS});
	tell(s, (struct report_event){.kind = REPORT_DONE,
			.mailbox = STR("INBOX"),
			.op = {REPORT_ADD, REPORT_LOCAL, 17,
				.reason = STR("new on the server")}});
	tell(s, (struct report_event){
			.kind = REPORT_MAILBOX, .mailbox = STR("INBOX")});
	tell(s, (struct report_event){.kind = REPORT_SUMMARY,
			.summary = {.mailboxes = 3,
				.local = {.added = 1, .flagged = 2},
				.server = {.removed = 4},
				.bytes_in = 48211,
				.bytes_out = 912,
				.elapsed_ms = 419}});
}

static void test_cron(void)
{
	struct cli_options quiet = {
		.command = CLI_SYNC, .verbosity = CLI_QUIET};
	struct scene s;

	scene_open(&s, sync_options, false, false);
	tell_sync(&s);
	scene_close(&s, "", "", "without a terminal a good sync is silent");
	scene_open(&s, quiet, true, false);
	tell_sync(&s);
	scene_close(&s, "", "", "and with -q on a terminal");
}

static void test_terminal(void)
{
	struct scene s;

	scene_open(&s, sync_options, true, false);
	tell_sync(&s);
	scene_close(&s,
		"home: Maildir: 1 added, 2 flagged; server: 4 removed "
		"(47.1 KiB in, 912 bytes out, 0.4 s)\n",
		"\r\033[Khome: 0/0 mailboxes, 0/0 changes, 0 bytes in, 0 bytes "
		"out\r\033[K",
		"a terminal sees progress, wiped, and a summary");
	scene_open(&s, sync_options, true, false);
	tell(&s, (struct report_event){.kind = REPORT_SUMMARY,
			 .summary = {.conflicts = 1, .errors = 2}});
	scene_close(&s,
		"home: nothing to do; 1 conflicts; 2 errors (0 bytes in, "
		"0 bytes out, 0.0 s)\n",
		"", "a summary counts what went wrong");
}

static void test_verbose(void)
{
	struct cli_options verbose = {
		.command = CLI_SYNC, .verbosity = CLI_VERBOSE};
	struct scene s;

	scene_open(&s, verbose, false, false);
	tell_sync(&s);
	tell(&s, (struct report_event){.kind = REPORT_DONE,
			 .mailbox = STR("A"),
			 .op = {REPORT_FLAG, REPORT_SERVER, 0, STR("1.x"),
				 STR(""), STR("+\\Seen"),
				 STR("flags changed locally")}});
	scene_close(&s,
		"home/INBOX: added message 17 to the Maildir: new on the "
		"server\n"
		"home: Maildir: 1 added, 2 flagged; server: 4 removed "
		"(47.1 KiB in, 912 bytes out, 0.4 s)\n"
		"home/A: flagged message 1.x on the server +\\Seen: flags "
		"changed locally\n",
		"", "-v names each operation");
}

static void test_dry_run(void)
{
	struct cli_options dry = {.command = CLI_SYNC, .dry_run = true};
	struct scene s;

	scene_open(&s, dry, false, false);
	tell(&s, (struct report_event){.kind = REPORT_WOULD,
			 .mailbox = STR("A"),
			 .op = {REPORT_MOVE, REPORT_SERVER, 17,
				 .to = STR("B\033[m"),
				 .reason = STR("moved locally")}});
	tell(&s, (struct report_event){.kind = REPORT_WOULD,
			 .mailbox = STR("C"),
			 .op = {REPORT_MAILBOX_CREATE, REPORT_LOCAL,
				 .reason = STR("new on the server")}});
	tell(&s, (struct report_event){.kind = REPORT_WOULD,
			 .mailbox = STR("C"),
			 .op = {REPORT_REMOVE, REPORT_LOCAL,
				 .reason = STR("gone from the server")}});
	scene_close(&s,
		"home/A: would move message 17 on the server to B?[m: moved "
		"locally\n"
		"home/C: would make the mailbox in the Maildir: new on the "
		"server\n"
		"home/C: would remove a message from the Maildir: gone from "
		"the server\n",
		"", "a dry run says what would be done, with clean names");
}

static void tell_troubles(struct scene *s)
{
	static const struct err message = {.text = "too big for the server"};
	static const struct err mailbox = {.text = "it cannot be selected"};
	static const struct err account = {.text = "no answer\033[2J"};

	tell(s, (struct report_event){
			.kind = REPORT_ALERT, .text = STR("down\r\nat noon")});
	tell(s, (struct report_event){.kind = REPORT_NOTE,
			.mailbox = STR("A"),
			.text = STR("kept on both sides")});
	tell(s, (struct report_event){.kind = REPORT_ERROR,
			.mailbox = STR("A"),
			.error = {&message, 9, STR("")}});
	tell(s, (struct report_event){.kind = REPORT_ERROR,
			.mailbox = STR("B"),
			.error = {&mailbox, 0, STR("")}});
	tell(s, (struct report_event){
			.kind = REPORT_ERROR, .error = {&account, 0, STR("")}});
}

static void test_errors(void)
{
	struct cli_options quiet = {
		.command = CLI_SYNC, .verbosity = CLI_QUIET};
	struct scene s;

	scene_open(&s, sync_options, false, false);
	tell_troubles(&s);
	scene_close(&s, "",
		"godwit: home: the server says: down??at noon\n"
		"godwit: home/A: kept on both sides\n"
		"godwit: home/A: message 9: too big for the server\n"
		"godwit: home/B: it cannot be selected\n"
		"godwit: home: no answer?[2J\n",
		"errors name the account and the mailbox");
	scene_open(&s, quiet, true, true);
	tell_troubles(&s);
	scene_close(&s, "",
		"\033[31mgodwit:\033[m home/A: message 9: too big for the "
		"server\n"
		"\033[31mgodwit:\033[m home/B: it cannot be selected\n"
		"\033[31mgodwit:\033[m home: no answer?[2J\n",
		"-q leaves them, in colour on a terminal");
}

static void test_details(void)
{
	const struct cli_options verbose = {
		.command = CLI_SYNC, .verbosity = CLI_VERBOSE};
	const struct report_event detail = {
		.kind = REPORT_DETAIL, .text = STR("by the way")};
	struct scene s;

	scene_open(&s, sync_options, false, false);
	tell(&s, detail);
	scene_close(&s, "", "", "details are not told");
	scene_open(&s, verbose, false, false);
	tell(&s, detail);
	scene_close(&s, "", "godwit: home: by the way\n", "but with -v");
}

static void test_progress(void)
{
	struct scene s;

	scene_open(&s, sync_options, true, false);
	for (s.now_ms = 0; s.now_ms < 250; s.now_ms += 10)
		tell(&s, (struct report_event){.kind = REPORT_PROGRESS,
				 .progress = {(uint64_t)s.now_ms, 250, 1, 2,
					 (uint64_t)1 << 62, 3 << 20}});
	scene_close(&s, "",
		"\r\033[Khome: 0/250 mailboxes, 1/2 changes, 4194304.0 TiB in, "
		"3.0 MiB out"
		"\r\033[Khome: 100/250 mailboxes, 1/2 changes, 4194304.0 TiB "
		"in, 3.0 MiB out"
		"\r\033[Khome: 200/250 mailboxes, 1/2 changes, 4194304.0 TiB "
		"in, 3.0 MiB out"
		"\r\033[K",
		"progress is drawn ten times a second");
	scene_open(&s, sync_options, true, false);
	tell(&s, (struct report_event){.kind = REPORT_PROGRESS});
	tell(&s, (struct report_event){
			 .kind = REPORT_NOTE, .text = STR("look")});
	scene_close(&s, "",
		"\r\033[Khome: 0/0 mailboxes, 0/0 changes, 0 bytes in, 0 bytes "
		"out\r\033[Kgodwit: home: look\n",
		"progress is wiped before a line");
	scene_open(&s, sync_options, true, false);
	tell(&s, (struct report_event){.kind = REPORT_PROGRESS,
			 .mailbox = STR("a long name that a line has no room "
					"for, as it is only so long"),
			 .progress = {1, 2, 3, 4, 5, 6}});
	scene_close(&s, "",
		"\r\033[Khome/a long name that a line has no room for, as it "
		"is only so long: 1/2 mailbo\r\033[K",
		"progress never takes more than a line");
}

static void test_status(void)
{
	struct cli_options status = {.command = CLI_STATUS};
	struct scene s;

	scene_open(&s, status, false, false);
	for (int i = 0; i < 2; i++) {
		tell(&s, (struct report_event){.kind = REPORT_MAILBOX,
				 .mailbox = STR("INBOX"),
				 .mailbox_state = {REPORT_DIRTY, 120, 121,
					 {.added = 1}, {.flagged = 2}, 3}});
		tell(&s, (struct report_event){.kind = REPORT_MAILBOX,
				 .mailbox = STR("Old"),
				 .mailbox_state = {
					 REPORT_IN_STEP, 5, 5, {0}, {0}, 0}});
		tell(&s, (struct report_event){.kind = REPORT_SUMMARY});
	}
	scene_close(&s,
		"home:\n"
		"MAILBOX  MAILDIR  SERVER  STATE             FOR THE MAILDIR  "
		"FOR THE SERVER\n"
		"INBOX        120     121  to do, 3 waiting  1 added          "
		"2 flagged\n"
		"Old            5       5  in step\n"
		"\n"
		"home:\n"
		"MAILBOX  MAILDIR  SERVER  STATE             FOR THE MAILDIR  "
		"FOR THE SERVER\n"
		"INBOX        120     121  to do, 3 waiting  1 added          "
		"2 flagged\n"
		"Old            5       5  in step\n",
		"", "status is a table an account");
}

static void test_list(void)
{
	struct cli_options list = {.command = CLI_LIST};
	struct scene s;

	scene_open(&s, list, true, true);
	tell(&s, (struct report_event){.kind = REPORT_LISTED,
			 .mailbox = STR("Sent Items"),
			 .listed = {STR("Sent"), STR("\\Sent"), true, true,
				 true, true, true}});
	tell(&s, (struct report_event){.kind = REPORT_LISTED,
			 .mailbox = STR("Lists"),
			 .listed = {.on_server = true, .synced = true}});
	tell(&s, (struct report_event){.kind = REPORT_LISTED,
			 .mailbox = STR("Mine"),
			 .listed = {.on_local = true, .selectable = true}});
	tell(&s, (struct report_event){.kind = REPORT_SUMMARY});
	scene_close(&s,
		"\033[1mhome:\033[m\n"
		"\033[1mMAILBOX     LOCAL NAME  WHERE    USE    SUBSCRIBED  "
		"SYNCED\n"
		"\033[mSent Items  Sent        both     \\Sent  yes         "
		"yes\n"
		"Lists                   server          no          holds no "
		"mail\n"
		"Mine                    Maildir         no          no\n",
		"", "list is a table too");
}

static void test_check(void)
{
	struct cli_options options = {.command = CLI_CHECK};
	struct scene s;

	scene_open(&s, options, false, true);
	tell(&s,
		(struct report_event){.kind = REPORT_FACT,
			.fact = {STR("login"), STR("by SCRAM-SHA-256"), true}});
	tell(&s, (struct report_event){.kind = REPORT_FACT,
			 .fact = {STR("quota"), STR("is used up"), false}});
	scene_close(&s,
		"home: login: by SCRAM-SHA-256\n"
		"home: quota: \033[31mwarning:\033[m is used up\n",
		"", "check names each fact, and warnings");
}

static void test_json(void)
{
	struct cli_options json = {.command = CLI_CHECK, .json = true};
	static const struct err err = {.text = "no"};
	struct scene s;

	scene_open(&s, json, false, false);
	tell(&s, (struct report_event){.kind = REPORT_PROGRESS});
	tell(&s, (struct report_event){.kind = REPORT_FACT,
			 .fact = {STR("login"), STR("works"), true}});
	tell(&s, (struct report_event){
			 .kind = REPORT_ERROR, .error = {&err, 0, STR("")}});
	scene_close(&s,
		"{\"event\":\"fact\",\"account\":\"home\",\"subject\":"
		"\"login\",\"text\":\"works\",\"good\":true}\n"
		"{\"event\":\"error\",\"account\":\"home\",\"scope\":"
		"\"message\",\"retry\":\"now\",\"status\":1,\"text\":"
		"\"no\"}\n",
		"godwit: home: no\n",
		"--json prints objects, and errors in words beside them");
}

static void test_own_errors(void)
{
	struct err err;
	struct scene s;

	scene_open(&s, sync_options, false, false);
	(void)err_set(&err, ERR_RUN, ERR_NEVER, ERR_USAGE, "what?");
	printer_error(&s.printer, &err);
	(void)err_set(&err, ERR_RUN, ERR_NEVER, ERR_CONFIG, "f:1:1: odd");
	printer_error(&s.printer, &err);
	scene_close(&s, "",
		"godwit: what?\n"
		"usage: godwit sync [-nqv] [--allow-deletes] [--json] "
		"[-c FILE] [ACCOUNT[:MAILBOX-GLOB]]...\n"
		"See godwit --help.\n"
		"godwit: f:1:1: odd\n",
		"wrong usage is followed by the usage, other errors are not");
}

/* With --json a part is lost before the end, whose flush then goes well. */
static void test_full_disk(bool json)
{
	FILE *full = fopen("/dev/full", "w");
	struct cli_options options = {.command = CLI_CHECK, .json = json};
	struct printer printer;
	struct report report;
	struct err err = {0};
	const struct report_event fact = {.kind = REPORT_FACT};
	const struct report_event summary = {.kind = REPORT_SUMMARY};

	if (!ok(full != NULL, "there is a /dev/full"))
		return;
	printer_init(&printer,
		(struct printer_setup){
			.options = &options, .out = full, .err = stderr});
	report = printer_report(&printer);
	report.event(report.ctx, &fact);
	if (json)
		report.event(report.ctx, &summary);
	is_int(printer_flush(&printer, &err), -1, "a full disk is noticed");
	is_str(str_of(err.text),
		STR("not all of the output could be written: is its disk "
		    "full?"),
		"and said so");
	is_int(err_status(err.cause), 74, "with its status");
	printer_clear(&printer);
	(void)fclose(full);
}

int main(void)
{
	test_cron();
	test_terminal();
	test_verbose();
	test_dry_run();
	test_errors();
	test_details();
	test_progress();
	test_status();
	test_list();
	test_check();
	test_json();
	test_own_errors();
	test_full_disk(false);
	test_full_disk(true);
	return tap_done();
}
