/*
 * How: the reader cuts the client's stream; a command is done when its last
 * line is there. A connection too many lives until it logs in, or not at all.
 */
#include "fake_server_private.h"

#include "godwit/base/limits.h"

#include <stdlib.h>
#include <string.h>

enum {
	LITERAL_MAX = 8 << 20,
	LINE_BYTES_MAX = 8192, /* of a command (RFC 2683 3.2.1.5) */
	TALK_ONE_IN = 4,       /* how often the talkative talk */
	COMMANDS_TOO_MANY = 6, /* of a session too many, if it may begin */
};

/* ---- Output -------------------------------------------------------------- */

void respond_bytes(struct fake_session *session, struct str bytes)
{
	struct fake_server *server = session->server;

	if (session->ended)
		return;
	server->responses++;
	if (server->responses == server->cut_at) {
		session->ended = true;
		if (server->cut_half)
			bytes = str_sub(bytes, 0,
				server->cut_bytes != 0 ? server->cut_bytes
						       : bytes.len / 2);
	}
	buf_add(&session->out, bytes);
	server->bytes_out += bytes.len;
}

void respond(struct fake_session *session, const char *format, ...)
{
	struct buf line = {0};
	va_list args;

	va_start(args, format);
	buf_addv(&line, format, args);
	va_end(args);
	buf_addz(&line, "\r\n");
	respond_bytes(session, buf_str(&line));
	buf_clear(&line);
}

void answer(struct fake_session *session, const char *text)
{
	if (session->server->odd.says_last != NULL)
		respond(session, "%s", session->server->odd.says_last);
	respond(session, "%.*s %s", STR_FMT(session->tag), text);
}

void complain(struct fake_session *session, const char *why)
{
	buf_addf(&session->server->complaints, "%s\n", why);
	if (session->tag.len > 0)
		respond(session, "%.*s BAD %s", STR_FMT(session->tag), why);
	else
		respond(session, "* BAD %s", why);
}

bool once_more(unsigned *times)
{
	bool is_left = *times > 0;

	*times -= is_left && *times < FAKE_FOR_EVER;
	return is_left;
}

static void say_bye(struct fake_session *session, const char *text)
{
	respond(session, "* BYE %s", text);
	session->ended = true;
}

static void greet(struct fake_session *session)
{
	const struct fake_server *server = session->server;
	struct buf caps = {0};

	if (session->too_many && server->odd.refusal != FAKE_REFUSAL_LATE &&
		(!server->login ||
			server->odd.refusal == FAKE_REFUSAL_GREETING)) {
		say_bye(session, "Too many connections");
		return;
	}
	imap_caps_print(&server->caps, &caps);
	session->authenticated = !server->login;
	if (server->odd.asks_caps)
		respond(session, "* %s ready",
			server->login ? "OK" : "PREAUTH");
	else
		respond(session, "* %s [CAPABILITY %s] ready",
			server->login ? "OK" : "PREAUTH", buf_z(&caps));
	buf_clear(&caps);
}

struct fake_session *fake_session_open(struct fake_server *server)
{
	struct fake_session *session = calloc(1, sizeof(*session));

	check(session != NULL);
	session->server = server;
	session->reader = imap_reader_new(LITERAL_MAX);
	session->disconnects = server->disconnects;
	server->sessions++;
	server->sessions_open++;
	session->too_many = server->odd.sessions_max != 0 &&
			    server->sessions_open > server->odd.sessions_max;
	greet(session);
	return session;
}

void fake_session_close(struct fake_session **session)
{
	struct fake_session *s = *session;

	if (s == NULL)
		return;
	if (s->server->death == FAKE_DEATH_DRAIN) {
		while (fake_session_work(s))
			buf_reset(&s->out);
	}
	s->server->sessions_open--;
	imap_reader_free(&s->reader);
	buf_clear(&s->lent);
	buf_clear(&s->in);
	buf_clear(&s->out);
	free(s->view);
	arena_clear(&s->arena);
	free(s);
	*session = NULL;
}

struct buf *fake_session_output(struct fake_session *session)
{
	return &session->out;
}

bool fake_session_ended(const struct fake_session *session)
{
	return session->ended;
}

bool may_change(struct fake_session *session)
{
	struct fake_server *server = session->server;

	if (server->fate->dead)
		return server->death == FAKE_DEATH_DRAIN;
	server->changes++;
	if (fate_step(server->fate))
		return true;
	session->ended = server->death != FAKE_DEATH_DRAIN;
	return server->death != FAKE_DEATH_BEFORE;
}

/* ---- Flags --------------------------------------------------------------- */

static const char *const system_flags[] = {
	"\\Answered", "\\Flagged", "\\Deleted", "\\Seen", "\\Draft"};

uint64_t permanent_flags(const struct fake_mailbox *box)
{
	return (((uint64_t)1 << (FAKE_KEYWORD + box->keyword_count)) - 1);
}

void write_flags(
	struct buf *out, const struct fake_mailbox *box, uint64_t flags)
{
	const char *space = "";

	for (size_t i = 0; i < FAKE_KEYWORD + box->keyword_count; i++) {
		if ((flags >> i & 1) == 0)
			continue;
		buf_addf(out, "%s%s", space,
			i < FAKE_KEYWORD ? system_flags[i]
					 : box->keywords[i - FAKE_KEYWORD]);
		space = " ";
	}
}

/* The bit of one flag; 0: it cannot be set. */
static uint64_t flag_bit(struct fake_mailbox *box, struct str word)
{
	for (size_t i = 0; i < FAKE_KEYWORD; i++) {
		if (str_ieq(word, str_of(system_flags[i])))
			return (uint64_t)1 << i;
	}
	for (size_t i = 0; i < box->keyword_count; i++) {
		if (str_ieq(word, str_of(box->keywords[i])))
			return (uint64_t)1 << (FAKE_KEYWORD + i);
	}
	if (box->fixed_keywords || str_starts(word, STR("\\")))
		return 0;
	return fake_mailbox_keyword(box, word);
}

bool read_flags(
	struct fake_mailbox *box, struct imap_strs words, uint64_t *flags_r)
{
	*flags_r = 0;
	for (size_t i = 0; i < words.count; i++) {
		uint64_t bit = flag_bit(box, words.items[i]);

		if (bit == 0)
			return false;
		*flags_r |= bit;
	}
	return true;
}

/* ---- Noise --------------------------------------------------------------- */

static bool by_chance(struct fake_session *session)
{
	return fate_random(session->server->fate, TALK_ONE_IN) == 0;
}

static void talk(struct fake_session *session)
{
	const char *says = session->server->odd.says;

	if (says != NULL && session->selected != NULL)
		respond(session, "%s", says);
	if (!session->server->odd.talkative || !by_chance(session))
		return;
	respond(session, "* OK Still here");
	respond(session, "* %zu EXISTS", session->count);
	if (session->count > 0)
		respond(session, "* 1 FETCH (FLAGS (\\Seen \\Recent))");
	respond(session, "* XNOISE (what (is \"this\")) 17");
}

/* ---- Input --------------------------------------------------------------- */

void fake_session_take(struct fake_session *session, struct str bytes)
{
	size_t early_max = session->server->odd.login_bytes_max;

	session->server->bytes_in += bytes.len;
	buf_add(&session->in, bytes);
	if (!session->authenticated && early_max != 0 && !session->ended &&
		session->in.len > early_max)
		say_bye(session, "Too much before the login");
}

/* Whether the session goes on; if not, it says BYE. */
static bool lives(struct fake_session *session)
{
	unsigned patience = session->server->odd.patience;

	if (session->too_many && session->commands > COMMANDS_TOO_MANY)
		say_bye(session, "Too many connections");
	else if (session->disconnects != session->server->disconnects ||
		 (patience > 0 && session->commands > patience) ||
		 (session->selected != NULL && session->selected->removed))
		say_bye(session, "Please log in again");
	return !session->ended;
}

static bool is_refused(
	const struct fake_session *session, const struct imap_command *command)
{
	const struct fake_server *server = session->server;

	return server->no_at != 0 && server->commands == server->no_at &&
	       command->kind != IMAP_SELECT && command->kind != IMAP_EXAMINE;
}

static void do_line(struct fake_session *session, struct str text)
{
	struct imap_command command;
	struct err err;

	session->commands++;
	session->server->commands++;
	plans_due(session->server);
	arena_reset(&session->arena);
	if (imap_command_parse(&session->arena, text, &session->tag, &command,
		    &err) != 0) {
		buf_addf(&session->server->complaints, "%.*s",
			STR_FMT(str_sub(text, 0, 200)));
		complain(session, err.text);
		return;
	}
	if (!lives(session))
		return;
	if (command.kind != IMAP_APPEND && text.len > LINE_BYTES_MAX)
		buf_addf(&session->server->complaints,
			"a command line of %zu bytes\n", text.len);
	session->server->counts[command.kind]++;
	talk(session);
	if (session->server->odd.early_expunge && by_chance(session) &&
		session->selected != NULL)
		tell_expunged(session);
	if (is_refused(session, &command))
		answer(session, session->server->no_is_coded
					? "NO [UNAVAILABLE] Not now"
					: "NO Not now");
	else
		do_command(session, &command);
}

/* A literal is announced: whether and how it may come. */
static void do_literal(struct fake_session *session, struct str text)
{
	const struct imap_literal *literal =
		imap_reader_literal(session->reader);
	const struct imap_caps *caps = &session->server->caps;
	bool allowed = literal->sync ||
		       imap_caps_has(caps, IMAP_CAP_LITERAL_PLUS) ||
		       (imap_caps_has(caps, IMAP_CAP_LITERAL_MINUS) &&
			       literal->octets <= LIMIT_LITERAL_MINUS_BYTES);
	size_t end = str_find(text, ' ');

	session->tag = str_sub(text, 0, end);
	if (!allowed || !imap_reader_keep(session->reader)) {
		complain(session, "a literal that cannot be taken");
		session->ended = true;
		return;
	}
	if (literal->sync)
		respond(session, "+ Go on");
}

static void drop_ahead(struct fake_session *session)
{
	if (session->server->odd.muddles_ahead)
		respond(session, "* BAD Invalid tag");
	imap_reader_free(&session->reader);
	session->reader = imap_reader_new(LITERAL_MAX);
	session->reading = false;
	session->drops = false;
	buf_reset(&session->in);
}

bool fake_session_work(struct fake_session *session)
{
	struct str text;
	struct err err;

	if (session->ended || session->server->odd.no_answer)
		return false;
	if (!session->reading && session->in.len > 0) {
		buf_reset(&session->lent);
		buf_add(&session->lent, buf_str(&session->in));
		buf_reset(&session->in);
		imap_reader_lend(session->reader, buf_str(&session->lent));
		session->reading = true;
	}
	if (!session->reading)
		return false;
	switch (imap_reader_next(session->reader, &text, &err)) {
	case IMAP_READ_LINE:
		do_line(session, text);
		if (session->drops)
			drop_ahead(session);
		return true;
	case IMAP_READ_LITERAL:
		do_literal(session, text);
		return true;
	case IMAP_READ_MORE:
		session->reading = false;
		return session->in.len > 0;
	default:
		complain(session, "a stream that cannot be read");
		session->ended = true;
		return true;
	}
}
