/*
 * How: plays each transcript against a session. The server's lines are fed to
 * it; a client's line makes the runner submit the command that it shows, and
 * the session's own output, as trace.h writes it, must then be those very
 * lines. The E: lines must be the events, in order. Each is played twice: a
 * line at a time and a byte at a time.
 *
 * Without arguments it plays $srcdir/t/transcript/, else the files named. With
 * --tell before them it writes each out anew, with what the client really wrote
 * and with all E: lines: for making a transcript from an RFC or a user's log.
 */
#include "imap_event.h"
#include "script.h"
#include "tap.h"

#include "godwit/imap/trace.h"

#include <dirent.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>

struct sent {
	uint32_t handle;
	const struct line *line;
};

struct player {
	const struct script *script;
	struct imap_session *session;
	struct imap_trace *trace;
	bool bytewise;
	bool telling;
	struct buf output; /* the client's lines that are still to be seen */
	struct buf events; /* the events that are still to be told */
	bool ended;
	struct sent *sent;
	size_t sent_count;
	size_t sent_cap;
	int number; /* of the line at hand */
	struct str shown;
	const char *wrong;
	struct buf got;
};

static void wrong(struct player *p, const char *what, struct str got)
{
	if (p->wrong != NULL)
		return;
	p->wrong = what;
	buf_add(&p->got, got);
}

static const struct line *line_of(const struct player *p, uint32_t handle)
{
	for (size_t i = 0; i < p->sent_count; i++) {
		if (p->sent[i].handle == handle)
			return p->sent[i].line;
	}
	return NULL;
}

static void give_literal(struct player *p, const struct imap_event *event)
{
	const struct line *line = line_of(p, event->handle);
	struct str body = line->command.append.messages[event->index].body;
	struct str rest =
		str_sub(body, body.len - (size_t)event->octets, body.len);

	imap_session_literal(
		p->session, str_sub(rest, 0, p->bytewise ? 1 : rest.len));
}

/* A line of its own, without control characters. */
static void add_event(struct player *p, struct str told)
{
	for (size_t i = 0; i < told.len; i++) {
		unsigned char c = (unsigned char)told.ptr[i];

		if (c < 0x20 || c == 0x7f)
			buf_addf(&p->events, "\\x%02x", c);
		else
			buf_addc(&p->events, (char)c);
	}
	buf_addc(&p->events, '\n');
}

static void take_event(struct player *p, const struct imap_event *event)
{
	struct buf told = {0};
	struct buf deflated = {0};
	bool ok;

	if (event->kind == IMAP_EVENT_LITERAL_WANTED) {
		give_literal(p, event);
		return;
	}
	event_describe(event, &told);
	if (told.len > 0)
		add_event(p, buf_str(&told));
	buf_clear(&told);
	ok = event->kind == IMAP_EVENT_TAGGED &&
	     event->response->line.condition == IMAP_OK;
	if (ok && event->command == IMAP_STARTTLS)
		imap_session_secured(p->session);
	if (ok && event->command == IMAP_COMPRESS)
		imap_session_compressed(p->session, &deflated);
	buf_clear(&deflated);
}

static void take_output(struct player *p)
{
	struct str output = imap_session_output(p->session);

	output = str_sub(output, 0, p->bytewise ? 1 : output.len);
	imap_trace_feed(p->trace, IMAP_CLIENT, output, &p->output);
	imap_session_sent(p->session, output.len);
}

static void end(struct player *p, const char *how, const char *text)
{
	if (!p->ended)
		buf_addf(&p->events, "%s%s\n", how, text);
	p->ended = true;
}

/* Lets the session do what it can. */
static void pump(struct player *p)
{
	struct imap_event event;
	struct err err;

	for (;;) {
		switch (imap_session_step(p->session, &event, &err)) {
		case IMAP_STEP_EVENT:
			take_event(p, &event);
			break;
		case IMAP_STEP_OUTPUT:
			take_output(p);
			break;
		case IMAP_STEP_INPUT:
			return;
		case IMAP_STEP_CLOSED:
			end(p, "closed", "");
			return;
		case IMAP_STEP_FAILED:
			end(p, "failed: ", err.text);
			return;
		}
	}
}

static void feed(struct player *p, struct str bytes)
{
	size_t step = p->bytewise ? 1 : bytes.len;

	for (size_t at = 0; at < bytes.len && !p->ended; at += step) {
		struct str piece = str_sub(bytes, at, step);
		char *copy = malloc(piece.len); /* for sanitizers to see */

		check(copy != NULL);
		for (size_t i = 0; i < piece.len; i++)
			copy[i] = piece.ptr[i];
		imap_session_recv(p->session,
			(struct str){.ptr = copy, .len = piece.len});
		pump(p);
		free(copy);
	}
}

/* The session's tag for one that the transcript uses. */
static void feed_server(struct player *p, const struct line *line)
{
	size_t space = str_find(line->bytes, ' ');
	struct str word = str_sub(line->bytes, 0, space);
	struct buf bytes = {0};
	uint32_t handle = 0;

	for (size_t i = 0; i < p->sent_count; i++) {
		if (str_eq(p->sent[i].line->tag, word))
			handle = p->sent[i].handle;
	}
	if (handle != 0) {
		buf_addf(&bytes, "a%" PRIu32, handle);
		buf_add(&bytes, str_sub(line->bytes, space, line->bytes.len));
	} else {
		buf_add(&bytes, line->bytes);
	}
	feed(p, buf_str(&bytes));
	buf_clear(&bytes);
}

static bool take_line(struct buf *from, struct buf *line)
{
	struct str lines = buf_str(from);
	size_t lf = str_find(lines, '\n');

	buf_reset(line);
	if (lf == lines.len)
		return false;
	buf_add(line, str_sub(lines, 0, lf));
	buf_consume(from, lf + 1);
	return true;
}

/* Puts the transcript's tag for the session's into a line of output. */
static void put_tag(struct player *p, struct buf *line)
{
	struct str text = buf_str(line);
	struct str rest = str_sub(text, 4, text.len);
	size_t space = str_find(rest, ' ');
	const struct line *sent;
	struct buf put = {0};
	uint32_t handle;

	if (!str_starts(text, STR("C: a")) ||
		!str_u32(str_sub(rest, 0, space), &handle))
		return;
	sent = line_of(p, handle);
	if (sent == NULL)
		return;
	buf_addf(&put, "C: %.*s", STR_FMT(sent->tag));
	buf_add(&put, str_sub(rest, space, rest.len));
	buf_clear(line);
	*line = put;
}

static void expect_output(struct player *p)
{
	struct buf line = {0};

	if (!take_line(&p->output, &line))
		wrong(p, "the client should write", STR("nothing"));
	put_tag(p, &line);
	if (p->telling)
		printf("%.*s\n", STR_FMT(buf_str(&line)));
	else if (!str_eq(buf_str(&line), p->shown))
		wrong(p, "the client should write", buf_str(&line));
	buf_clear(&line);
}

static void expect_event(struct player *p, struct str told)
{
	struct buf line = {0};

	if (!take_line(&p->events, &line))
		buf_addz(&line, "nothing");
	if (!str_eq(buf_str(&line), told))
		wrong(p, "the event should be", buf_str(&line));
	buf_clear(&line);
}

static void submit(struct player *p, const struct line *line)
{
	p->sent = array_grow(
		p->sent, &p->sent_cap, p->sent_count + 1, sizeof(*p->sent));
	p->sent[p->sent_count++] = (struct sent){
		.handle = imap_session_submit(p->session, &line->command),
		.line = line,
	};
}

static void play_client(struct player *p, const struct line *line)
{
	switch (line->unit) {
	case UNIT_COMMAND:
		submit(p, line);
		break;
	case UNIT_SASL:
		imap_session_respond(p->session, line->response);
		break;
	case UNIT_CANCEL:
		imap_session_cancel_auth(p->session);
		break;
	case UNIT_DONE:
		imap_session_idle_done(p->session);
		break;
	case UNIT_NONE:
		break;
	}
	pump(p);
	expect_output(p);
}

static void play_caps(struct player *p, struct str list)
{
	struct imap_caps caps = {0};

	imap_caps_parse(&caps, list);
	imap_session_assume_caps(p->session, &caps);
}

/* Writes the events out, and the line, but for what is told anew. */
static void tell_line(struct player *p, const struct line *line)
{
	struct buf event = {0};

	while (take_line(&p->events, &event))
		printf("E: %.*s\n", STR_FMT(buf_str(&event)));
	buf_clear(&event);
	if (line != NULL && line->kind != LINE_CLIENT &&
		line->kind != LINE_EVENT)
		printf("%.*s\n", STR_FMT(line->shown));
}

static void play_line(struct player *p, const struct line *line)
{
	p->number = line->number;
	p->shown = line->shown;
	if (p->telling)
		tell_line(p, line);
	else if (line->kind != LINE_EVENT && p->script->has_events &&
		 p->events.len > 0)
		wrong(p, "an event was not told before", buf_str(&p->events));
	switch (line->kind) {
	case LINE_CLIENT:
		play_client(p, line);
		break;
	case LINE_SERVER:
		feed_server(p, line);
		break;
	case LINE_EVENT:
		if (!p->telling)
			expect_event(p, line->text);
		break;
	case LINE_CAPS:
		play_caps(p, line->text);
		break;
	case LINE_EOF:
		imap_session_eof(p->session);
		pump(p);
		break;
	case LINE_BLANK:
		break;
	}
}

static void expect_nothing(struct player *p)
{
	if (p->output.len > 0)
		wrong(p, "the client writes more after", buf_str(&p->output));
	if (p->script->has_events && p->events.len > 0)
		wrong(p, "an event is not told behind", buf_str(&p->events));
	if (!p->script->has_events && p->ended &&
		str_starts(buf_str(&p->events), STR("failed")))
		wrong(p, "the session fails at", buf_str(&p->events));
}

static void player_init(struct player *p, const struct script *script)
{
	*p = (struct player){
		.script = script,
		.session = imap_session_new(),
		.trace = imap_trace_new(!script->left_out),
	};
}

static void player_clear(struct player *p)
{
	imap_session_free(&p->session);
	imap_trace_free(&p->trace);
	buf_clear(&p->output);
	buf_clear(&p->events);
	buf_clear(&p->got);
	free(p->sent);
}

static void play(const struct script *script, const char *name, bool bytewise)
{
	struct player p;

	player_init(&p, script);
	p.bytewise = bytewise;
	for (size_t i = 0; i < script->count && p.wrong == NULL; i++)
		play_line(&p, &script->lines[i]);
	expect_nothing(&p);
	if (!ok(p.wrong == NULL, "%s%s", name,
		    bytewise ? ", a byte at a time" : "")) {
		tap_note("  line %d, %s: %.*s", p.number, p.wrong,
			STR_FMT(p.shown));
		tap_note("  got: %.*s", STR_FMT(buf_str(&p.got)));
	}
	player_clear(&p);
}

static void tell(const struct script *script)
{
	struct player p;

	player_init(&p, script);
	p.telling = true;
	for (size_t i = 0; i < script->count; i++)
		play_line(&p, &script->lines[i]);
	tell_line(&p, NULL);
	if (p.wrong != NULL)
		printf("# wrong: %s: %.*s\n", p.wrong,
			STR_FMT(buf_str(&p.got)));
	player_clear(&p);
}

static bool file_read(const char *path, struct buf *content)
{
	FILE *file = fopen(path, "rb");
	size_t got;
	bool good;

	if (file == NULL)
		return false;
	do {
		got = fread(buf_reserve(content, 65536), 1, 65536, file);
		buf_commit(content, got);
	} while (got > 0);
	good = ferror(file) == 0;
	return fclose(file) == 0 && good;
}

static void play_file(const char *path, bool telling)
{
	struct buf name = {0};
	struct buf content = {0};
	struct script script = {0};
	struct err err;

	buf_addz(&name, path);
	if (!file_read(path, &content)) {
		ok(false, "%s can be read", path);
	} else if (script_read(&script, buf_str(&content), &err) != 0) {
		ok(false, "%s: %s", path, err.text);
	} else if (telling) {
		tell(&script);
	} else {
		(void)buf_z(&name);
		play(&script, basename(name.ptr), false);
		play(&script, basename(name.ptr), true);
	}
	script_clear(&script);
	buf_clear(&content);
	buf_clear(&name);
}

static int is_transcript(const struct dirent *entry)
{
	return str_ends(str_of(entry->d_name), STR(".txt"));
}

static int play_folder(const char *dir)
{
	struct dirent **entries;
	int count = scandir(dir, &entries, is_transcript, alphasort);

	for (int i = 0; i < count; i++) {
		struct buf path = {0};

		buf_addf(&path, "%s/%s", dir, entries[i]->d_name);
		play_file(buf_z(&path), false);
		buf_clear(&path);
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
	return count;
}

int main(int argc, char **argv)
{
	const char *srcdir = getenv("srcdir");
	bool telling = argc > 1 && str_eq(str_of(argv[1]), STR("--tell"));
	struct buf dir = {0};

	buf_addf(&dir, "%s/t/transcript", srcdir == NULL ? "." : srcdir);
	if (argc == 1)
		ok(play_folder(buf_z(&dir)) > 0, "there are transcripts");
	for (int i = 1 + telling; i < argc; i++)
		play_file(argv[i], telling);
	buf_clear(&dir);
	return telling ? 0 : tap_done();
}
