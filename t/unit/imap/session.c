/* imap/session: the client's end of a connection. */
#include "godwit/imap/session.h"

#include "godwit/base/limits.h"
#include "imap_event.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>

static struct imap_session *s;
static struct buf wrote; /* what the session put out */
static struct buf told;  /* its events, "; " between */
static struct err failure;
static uint64_t wanted; /* octets of the last LITERAL_WANTED */
static uint32_t last;   /* handle of the last event */
static uint32_t last_selected;
static uint32_t last_speaker;
static bool last_left_behind;

static void begin(void)
{
	s = imap_session_new();
	buf_reset(&wrote);
	buf_reset(&told);
	failure = (struct err){0};
}

static void end(void)
{
	imap_session_free(&s);
}

static void take_event(const struct imap_event *event)
{
	last = event->handle;
	last_selected = event->selected;
	last_speaker = event->speaker;
	last_left_behind = event->left_behind;
	if (event->kind == IMAP_EVENT_LITERAL_WANTED) {
		wanted = event->octets;
		buf_addz(&told, "literal; ");
		return;
	}
	event_describe(event, &told);
	buf_addz(&told, "; ");
}

/* Steps until the session wants something; a literal is something. */
static enum imap_step step(void)
{
	struct imap_event event;
	enum imap_step next;
	struct str output;

	for (;;) {
		next = imap_session_step(s, &event, &failure);
		if (next == IMAP_STEP_EVENT) {
			take_event(&event);
			if (event.kind == IMAP_EVENT_LITERAL_WANTED)
				return next;
		} else if (next == IMAP_STEP_OUTPUT) {
			output = imap_session_output(s);
			buf_add(&wrote, output);
			imap_session_sent(s, output.len);
		} else {
			return next;
		}
	}
}

/* Lends a copy, so that sanitizers see who keeps what. */
static enum imap_step hear_str(struct str bytes)
{
	char *copy = malloc(bytes.len);
	enum imap_step next;

	memcpy(copy, bytes.ptr, bytes.len);
	bytes.ptr = copy;
	imap_session_recv(s, bytes);
	next = step();
	free(copy);
	return next;
}

static enum imap_step hear(const char *bytes)
{
	return hear_str(str_of(bytes));
}

static uint32_t submit(enum imap_command_kind kind)
{
	struct imap_command command = {.kind = kind};

	return imap_session_submit(s, &command);
}

static uint32_t submit_mailbox(enum imap_command_kind kind, const char *name)
{
	struct imap_command command = {.kind = kind};

	if (kind == IMAP_SELECT || kind == IMAP_EXAMINE)
		command.select.mailbox = str_of(name);
	else if (kind == IMAP_STATUS)
		command.status = (struct imap_status_args){
			.mailbox = str_of(name), .items = IMAP_STATUS_SIZE};
	else
		command.mailbox = str_of(name);
	return imap_session_submit(s, &command);
}

static uint32_t submit_append(uint64_t first, uint64_t second)
{
	const struct imap_append_message messages[] = {
		{.octets = first}, {.octets = second}};
	struct imap_command command = {.kind = IMAP_APPEND,
		.append = {.mailbox = STR("a"),
			.messages = messages,
			.count = second == 0 ? 1 : 2}};

	return imap_session_submit(s, &command);
}

static uint32_t submit_login(void)
{
	struct imap_command command = {.kind = IMAP_LOGIN,
		.login = {.user = STR("u"), .password = STR("secret")}};

	return imap_session_submit(s, &command);
}

static void is_written(const char *want, const char *sentence)
{
	is_str(buf_str(&wrote), str_of(want), "%s", sentence);
	buf_reset(&wrote);
}

static void is_told(const char *want, const char *sentence)
{
	is_str(buf_str(&told), str_of(want), "%s", sentence);
	buf_reset(&told);
}

static void test_greeting(void)
{
	begin();
	(void)submit(IMAP_NOOP);
	is_int(step(), IMAP_STEP_INPUT, "a session waits for the greeting");
	is_written("", "before it sends anything");
	is_int(imap_session_state(s), IMAP_STATE_GREETING, "that is its state");
	(void)hear("* OK [CAPABILITY IMAP4rev1 IDLE] hi\r\n");
	is_told("greeting OK [CAPABILITY IMAP4rev1 IDLE]; ",
		"the greeting is an event");
	is_written("a1 NOOP\r\n", "then what waits is sent");
	ok(imap_session_caps_known(s), "it may bring the capabilities");
	is_int(imap_session_state(s), IMAP_STATE_NOT_AUTHENTICATED,
		"nobody is logged in");
	end();

	begin();
	(void)hear("* PREAUTH hi\r\n");
	is_int(imap_session_state(s), IMAP_STATE_AUTHENTICATED,
		"PREAUTH is a login");
	ok(!imap_session_caps_known(s), "without capabilities");
	end();

	begin();
	is_int(hear("* BYE full\r\n"), IMAP_STEP_CLOSED, "BYE closes");
	is_told("greeting BYE; ", "after it was told");
	end();

	begin();
	is_int(hear("220 smtp.example.org ESMTP\r\n"), IMAP_STEP_FAILED,
		"what greets otherwise is no IMAP server");
	is_int(failure.cause, ERR_PROTOCOL, "that is a protocol error");
	is_int(step(), IMAP_STEP_FAILED, "which stays");
	is_int(hear("* OK hi\r\n"), IMAP_STEP_FAILED, "whatever comes");
	end();

	begin();
	is_int(hear("\r\n* 5 EXISTS\r\n"), IMAP_STEP_FAILED,
		"data are no greeting");
	end();
}

static void test_tags(void)
{
	uint32_t noop;
	uint32_t checked;

	begin();
	(void)hear("* OK hi\r\n");
	noop = submit(IMAP_NOOP);
	checked = submit(IMAP_CHECK);
	ok(noop != 0 && checked != 0 && noop != checked, "handles differ");
	is_int((intmax_t)imap_session_pending(s), 2, "two are pending");
	(void)step();
	is_written("a1 NOOP\r\na2 CHECK\r\n", "commands are pipelined");
	buf_reset(&told);
	(void)hear("a2 OK x\r\n");
	is_told("CHECK OK; ", "answers may come in any order");
	is_int(last, checked, "they bear the handle");
	(void)hear("a1 BAD x\r\n");
	is_told("NOOP BAD; ", "of their command");
	is_int((intmax_t)imap_session_pending(s), 0, "then none is pending");
	is_int(hear("a1 OK again\r\n"), IMAP_STEP_FAILED,
		"an answer to nothing is a protocol error");
	end();

	begin();
	(void)hear("* OK hi\r\n");
	(void)submit(IMAP_LOGOUT);
	(void)submit(IMAP_NOOP);
	(void)step();
	is_written("a1 LOGOUT\r\n", "nothing is sent along with LOGOUT");
	is_int(hear("a2 OK x\r\n"), IMAP_STEP_FAILED,
		"an answer to what was not sent is an error");
	end();

	begin();
	(void)hear("* OK hi\r\n");
	(void)submit(IMAP_NOOP);
	(void)step();
	is_int(hear("b1 OK x\r\n"), IMAP_STEP_FAILED, "so is another's tag");
	end();
}

static void test_login(void)
{
	begin();
	(void)hear("* OK [CAPABILITY IMAP4rev1 LITERAL+] hi\r\n");
	(void)submit_login();
	(void)step();
	is_written("a1 LOGIN \"u\" \"secret\"\r\n", "LOGIN is sent");
	(void)hear("a1 OK in\r\n");
	is_int(imap_session_state(s), IMAP_STATE_AUTHENTICATED, "it logs in");
	ok(!imap_session_caps_known(s),
		"the capabilities from before are forgotten");
	ok(!imap_caps_has(imap_session_caps(s), IMAP_CAP_LITERAL_PLUS),
		"all of them");
	(void)hear("* CAPABILITY IMAP4rev1 MOVE\r\n");
	ok(imap_session_caps_known(s) &&
			imap_caps_has(imap_session_caps(s), IMAP_CAP_MOVE),
		"until the server tells them anew");
	end();

	begin();
	(void)hear("* OK [CAPABILITY IMAP4rev1] hi\r\n");
	(void)submit_login();
	(void)step();
	(void)hear("a1 OK [CAPABILITY IMAP4rev1 IDLE] in\r\n");
	ok(imap_session_caps_known(s) &&
			imap_caps_has(imap_session_caps(s), IMAP_CAP_IDLE),
		"the login's OK may tell them");
	end();

	begin();
	(void)hear("* OK [CAPABILITY IMAP4rev1] hi\r\n");
	(void)submit_login();
	(void)step();
	(void)hear("* CAPABILITY IMAP4rev1 QRESYNC\r\na1 OK in\r\n");
	ok(imap_session_caps_known(s) &&
			imap_caps_has(imap_session_caps(s), IMAP_CAP_QRESYNC),
		"or a line before it (Dovecot)");
	end();

	begin();
	(void)hear("* OK [CAPABILITY IMAP4rev1 IDLE] hi\r\n");
	(void)submit_login();
	(void)step();
	(void)hear("a1 NO [AUTHENTICATIONFAILED] no\r\n");
	is_int(imap_session_state(s), IMAP_STATE_NOT_AUTHENTICATED,
		"a refused login is none");
	ok(imap_session_caps_known(s), "and changes no capabilities");
	end();
}

/* While a login is on the way, little is sent behind it. */
static void test_before_login(void)
{
	char name[400];

	memset(name, 'x', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	begin();
	(void)hear("* OK hi\r\n");
	(void)submit_login();
	for (int i = 0; i < 9; i++)
		(void)submit_mailbox(IMAP_SUBSCRIBE, name);
	(void)step();
	ok(wrote.len < LIMIT_BEFORE_LOGIN_BYTES, "less than 1 KB is sent");
	ok(wrote.len > 800, "but as much as is allowed");
	(void)hear("a1 OK in\r\n");
	ok(wrote.len > 3600, "all after the answer");
	end();
}

static void submit_auth(bool has_initial, struct str initial)
{
	struct imap_command command = {.kind = IMAP_AUTHENTICATE,
		.authenticate = {.mechanism = STR("PLAIN"),
			.has_initial = has_initial,
			.initial = initial}};

	(void)imap_session_submit(s, &command);
}

static void test_authenticate(void)
{
	begin();
	(void)hear("* OK [CAPABILITY IMAP4rev1 SASL-IR] hi\r\n");
	submit_auth(true, STR("foo"));
	(void)submit(IMAP_NOOP);
	(void)step();
	is_written("a1 AUTHENTICATE PLAIN Zm9v\r\n",
		"with SASL-IR the first response goes along, and nothing else");
	buf_reset(&told);
	(void)hear("+ YmFy\r\n");
	is_told("challenge \"bar\"; ", "a challenge is decoded");
	imap_session_respond(s, STR("\0x"));
	(void)step();
	is_written("AHg=\r\n", "and a response encoded");
	(void)hear("+ \r\n");
	is_told("challenge \"\"; ", "a challenge may be empty");
	imap_session_respond(s, STR(""));
	(void)step();
	is_written("\r\n", "a response too");
	(void)hear("+\r\n");
	imap_session_cancel_auth(s);
	(void)step();
	is_written("*\r\n", "a login can be given up");
	(void)hear("a1 BAD x\r\n");
	is_written("a2 NOOP\r\n", "after the answer others go on");
	end();

	begin();
	(void)hear("* OK [CAPABILITY IMAP4rev1] hi\r\n");
	submit_auth(true, STR("foo"));
	(void)step();
	is_written("a1 AUTHENTICATE PLAIN\r\n", "without SASL-IR it waits");
	buf_reset(&told);
	(void)hear("+ go ahead\r\n");
	is_told("", "for a challenge, whose text means nothing");
	is_written("Zm9v\r\n", "and is the answer to it");
	is_int(hear("+ go ahead\r\n"), IMAP_STEP_FAILED,
		"later ones must be base64");
	end();
}

static void test_auth_sizes(void)
{
	struct buf token = {0};

	while (token.len < 7000)
		buf_addz(&token, "token.");
	begin();
	(void)hear("* OK [CAPABILITY IMAP4rev1 SASL-IR] hi\r\n");
	submit_auth(true, buf_str(&token));
	(void)step();
	is_written("a1 AUTHENTICATE PLAIN\r\n",
		"a response too long for a command waits, SASL-IR or not");
	(void)hear("+\r\n");
	ok(wrote.len > 9000, "and then goes by itself");
	end();
	begin();
	(void)hear("* OK [CAPABILITY IMAP4rev1 SASL-IR] hi\r\n");
	submit_auth(true, STR(""));
	(void)step();
	is_written("a1 AUTHENTICATE PLAIN =\r\n", "an empty one is told apart");
	end();
	buf_clear(&token);
}

static void test_foreseen(void)
{
	struct imap_caps before = {0};
	struct imap_caps after = {0};

	imap_caps_set(&before, IMAP_CAP_SASL_IR);
	imap_caps_set(&after, IMAP_CAP_LITERAL_PLUS);
	begin();
	imap_session_assume_caps(s, &before);
	(void)submit(IMAP_CAPABILITY);
	submit_auth(true, STR("foo"));
	(void)step();
	is_written("", "before the greeting nothing is said");
	imap_session_speak_first(s);
	(void)step();
	is_written("a1 CAPABILITY\r\na2 AUTHENTICATE PLAIN Zm9v\r\n",
		"unless it is not waited for");
	imap_session_foresee(s, &after);
	(void)submit_mailbox(IMAP_SUBSCRIBE, "\303\251");
	(void)step();
	is_written("a3 SUBSCRIBE {2+}\r\n\303\251\r\n",
		"behind a login that is complete others may follow, in the "
		"form that will be right then");
	(void)hear("* OK [CAPABILITY IMAP4rev1 ID] hi\r\n");
	ok(!imap_session_caps_known(s) && imap_caps_has(imap_session_caps(s),
						  IMAP_CAP_LITERAL_PLUS),
		"what the greeting tells does not undo that");
	(void)hear("* CAPABILITY IMAP4rev1 IDLE\r\na1 OK x\r\n");
	ok(!imap_session_caps_known(s), "nor what CAPABILITY does");
	(void)hear("* CAPABILITY IMAP4rev1 MOVE\r\n");
	ok(imap_session_caps_known(s) &&
			imap_caps_has(imap_session_caps(s), IMAP_CAP_MOVE),
		"but what comes with the login does");
	(void)hear("a2 OK in\r\na3 OK x\r\n");
	ok(imap_session_caps_known(s), "and stays");
	end();
}

/* Where the exchange takes several steps, or one that comes late. */
static void test_foreseen_late(void)
{
	struct imap_caps after = {0};

	begin();
	(void)hear("* OK [CAPABILITY IMAP4rev1 SASL-IR] hi\r\n");
	submit_auth(true, STR("foo"));
	(void)submit(IMAP_NOOP);
	(void)hear("+ YmFy\r\n");
	imap_session_respond(s, STR("x"));
	(void)step();
	buf_reset(&wrote);
	(void)hear("+ YmFy\r\n");
	imap_session_respond(s, STR(""));
	imap_session_foresee(s, &after);
	(void)step();
	is_written("\r\na2 NOOP\r\n",
		"they may follow the last response of an exchange");
	(void)hear("a1 NO x\r\na2 BAD x\r\n");
	is_int(imap_session_state(s), IMAP_STATE_NOT_AUTHENTICATED,
		"a login that is refused all the same is none");
	ok(!imap_session_caps_known(s) && imap_session_caps(s)->known == 0,
		"and leaves nothing foreseen");
	end();

	begin();
	(void)hear("* OK [CAPABILITY IMAP4rev1] hi\r\n");
	submit_auth(true, STR("foo"));
	imap_session_foresee(s, &after);
	(void)submit(IMAP_NOOP);
	(void)step();
	is_written("a1 AUTHENTICATE PLAIN\r\n",
		"without SASL-IR they wait for the first response");
	(void)hear("+\r\n");
	is_written("Zm9v\r\na2 NOOP\r\n", "and go with it");
	end();

	begin();
	(void)hear("* OK [CAPABILITY IMAP4rev1 SASL-IR] hi\r\n");
	(void)submit(IMAP_NOOP);
	submit_auth(true, STR("foo"));
	(void)step();
	is_written("a1 NOOP\r\n", "a login follows nothing but CAPABILITY");
	(void)hear("a1 OK x\r\n");
	buf_reset(&wrote);
	imap_session_foresee(s, &after);
	for (int i = 0; i < 100; i++)
		(void)submit(IMAP_NOOP);
	(void)step();
	ok(wrote.len > 600 && wrote.len < LIMIT_BEFORE_LOGIN_BYTES,
		"less than 1 KB goes ahead of the answer");
	end();
}

static void test_limits(void)
{
	begin();
	(void)hear("* PREAUTH hi\r\n");
	for (int i = 0; i < 100; i++)
		(void)submit(IMAP_NOOP);
	(void)step();
	is_int((intmax_t)wrote.len, 9 * 9 + 55 * 10,
		"64 commands are on the way at most");
	buf_reset(&wrote);
	(void)hear("a1 OK x\r\na2 OK x\r\n");
	is_written(
		"a65 NOOP\r\na66 NOOP\r\n", "each answer lets another follow");
	end();

	begin();
	(void)hear("* PREAUTH hi\r\n");
	for (int i = 0; i < 30; i++)
		(void)submit_mailbox(IMAP_STATUS, "a");
	(void)submit(IMAP_NOOP);
	(void)step();
	ok(str_ends(buf_str(&wrote), STR("a25 STATUS \"a\" (SIZE)\r\n")),
		"25 STATUS are on the way at most (Exchange)");
	end();
}

static void test_literals(void)
{
	begin();
	(void)hear("* PREAUTH hi\r\n");
	(void)submit_mailbox(IMAP_SUBSCRIBE, "caf\303\251");
	(void)submit(IMAP_NOOP);
	(void)step();
	is_written("a1 SUBSCRIBE {5}\r\n", "a synchronising literal waits");
	buf_reset(&told);
	(void)hear("* OK still here\r\n+ go\r\n");
	is_written("caf\303\251\r\na2 NOOP\r\n", "for +, and all behind it");
	is_told("OK; ", "+ is no event");
	end();

	begin();
	(void)hear("* PREAUTH hi\r\n");
	(void)submit_mailbox(IMAP_SUBSCRIBE, "caf\303\251");
	(void)submit(IMAP_NOOP);
	(void)step();
	buf_reset(&wrote);
	(void)hear("a1 NO no\r\n");
	is_written("a2 NOOP\r\n", "a refused one is not sent");
	(void)hear("+ oh\r\na2 OK x\r\n");
	is_written("", "a + for nothing is nothing (Exchange)");
	end();
}

static void test_append(void)
{
	begin();
	(void)hear("* PREAUTH [CAPABILITY LITERAL+] hi\r\n");
	buf_reset(&told);
	(void)submit_append(3, 0);
	(void)submit(IMAP_NOOP);
	is_int(step(), IMAP_STEP_EVENT, "an APPEND wants its literal");
	is_told("literal; ", "at once, where it need not wait");
	is_int((intmax_t)wanted, 3, "so many octets");
	imap_session_literal(s, STR("a"));
	(void)step();
	is_int((intmax_t)wanted, 2, "then what is left");
	imap_session_literal(s, STR("bc"));
	(void)step();
	is_written("a1 APPEND \"a\" {3+}\r\nabc\r\na2 NOOP\r\n",
		"the message stands in the command");
	end();

	begin();
	(void)hear("* PREAUTH hi\r\n");
	buf_reset(&told);
	(void)submit_append(3, 2);
	is_int(step(), IMAP_STEP_INPUT, "else it waits for +");
	(void)hear("+\r\n");
	imap_session_literal(s, STR("abc"));
	is_int(step(), IMAP_STEP_INPUT, "and for the second message again");
	(void)hear("+\r\n");
	is_told("literal; literal; ", "each is asked for");
	imap_session_literal(s, STR("de"));
	(void)step();
	is_written("a1 APPEND \"a\" {3}\r\nabc {2}\r\nde\r\n",
		"MULTIAPPEND is one command");
	end();
}

static void test_append_refused(void)
{
	begin();
	(void)hear("* PREAUTH hi\r\n");
	(void)submit_append(3, 2);
	(void)submit(IMAP_NOOP);
	(void)step();
	buf_reset(&wrote);
	buf_reset(&told);
	(void)hear("a1 NO [TOOBIG] no\r\n");
	is_told("APPEND NO [TOOBIG]; ", "an APPEND may be refused");
	is_written("a2 NOOP\r\n", "then none of it is sent");
	end();

	begin();
	(void)hear("* PREAUTH [CAPABILITY LITERAL+] hi\r\n");
	(void)submit_append(3, 0);
	(void)submit(IMAP_NOOP);
	(void)step();
	imap_session_literal(s, STR("a"));
	(void)step();
	buf_reset(&told);
	(void)hear("a1 NO [OVERQUOTA] no\r\n");
	is_told("APPEND NO [OVERQUOTA]; literal; ",
		"refused half way, the rest is still wanted");
	imap_session_literal(s, STR("bc"));
	(void)step();
	is_written("a1 APPEND \"a\" {3+}\r\nabc\r\na2 NOOP\r\n",
		"for it was announced");
	is_int((intmax_t)imap_session_pending(s), 1, "it is not pending");
	end();
}

static void test_pacing(void)
{
	struct buf chunk = {0};
	struct imap_event event;
	size_t most = 0;
	uint64_t given = 0;

	while (chunk.len < 65536)
		buf_addz(&chunk, "0123456789abcdef");
	begin();
	(void)hear("* PREAUTH [CAPABILITY LITERAL+] hi\r\n");
	(void)submit_append(10 << 20, 0);
	while (given < 10 << 20) {
		enum imap_step next = imap_session_step(s, &event, &failure);

		if (next == IMAP_STEP_OUTPUT) {
			imap_session_sent(
				s, imap_session_output(s).len / 2 + 1);
		} else {
			imap_session_literal(s, buf_str(&chunk));
			given += chunk.len;
		}
		if (imap_session_output(s).len > most)
			most = imap_session_output(s).len;
	}
	ok(most <= LIMIT_OUTPUT_BYTES + chunk.len,
		"a literal is wanted only while the output has room");
	buf_clear(&chunk);
	end();
}

static void test_idle(void)
{
	begin();
	(void)hear("* PREAUTH hi\r\n");
	buf_reset(&told);
	(void)submit(IMAP_IDLE);
	(void)submit(IMAP_NOOP);
	(void)step();
	is_written("a1 IDLE\r\n", "IDLE goes alone");
	(void)hear("+ idling\r\n* 5 EXISTS\r\n+ still\r\n");
	is_told("idling; exists 5; ", "its beginning is an event");
	imap_session_idle_done(s);
	imap_session_idle_done(s);
	(void)step();
	is_written("DONE\r\n", "it is ended once");
	(void)hear("a1 OK x\r\n");
	is_written("a2 NOOP\r\n", "then others follow");
	imap_session_idle_done(s);
	is_int(step(), IMAP_STEP_INPUT,
		"without an IDLE there is nothing to end");
	end();

	begin();
	(void)hear("* PREAUTH hi\r\n");
	(void)submit(IMAP_IDLE);
	imap_session_idle_done(s);
	(void)step();
	is_written("a1 IDLE\r\n", "one that is to end before it began");
	(void)hear("+\r\n");
	is_written("DONE\r\n", "ends when it begins");
	end();
}

static void test_starttls(void)
{
	begin();
	(void)hear("* OK [CAPABILITY IMAP4rev1 STARTTLS] hi\r\n");
	(void)submit(IMAP_STARTTLS);
	(void)submit(IMAP_NOOP);
	(void)step();
	is_written("a1 STARTTLS\r\n", "STARTTLS goes alone");
	buf_reset(&told);
	is_int(hear("a1 OK go\r\n* CAPABILITY IMAP4rev1 X\r\n* BYE\r\n"),
		IMAP_STEP_INPUT, "after it nothing is sent");
	is_told("STARTTLS OK; ",
		"what comes behind it in the clear is not heard");
	is_written("", "before the handshake");
	ok(!imap_session_caps_known(s), "the capabilities are forgotten");
	(void)hear("* CAPABILITY IMAP4rev1 X\r\na2 OK\r\n* half a li");
	is_told("", "nor what comes before it is done");
	imap_session_secured(s);
	(void)step();
	is_written("a2 NOOP\r\n", "then commands go on");
	(void)hear("* CAPABILITY IMAP4rev1 MOVE\r\n");
	is_told("capability IMAP4rev1 MOVE; ", "and answers are heard");
	end();

	begin();
	(void)hear("* OK hi\r\n");
	(void)submit(IMAP_STARTTLS);
	(void)submit(IMAP_NOOP);
	(void)step();
	buf_reset(&wrote);
	(void)hear("a1 BAD no\r\n");
	is_written("a2 NOOP\r\n", "a refused STARTTLS changes nothing");
	end();
}

static void test_compress(void)
{
	struct buf deflated = {0};

	begin();
	(void)hear("* PREAUTH hi\r\n");
	(void)submit(IMAP_COMPRESS);
	(void)submit(IMAP_NOOP);
	(void)step();
	buf_reset(&wrote);
	buf_reset(&told);
	(void)hear_str(STR("a1 OK go\r\n\0\1\2not text"));
	is_told("COMPRESS OK; ", "what comes behind COMPRESS is not read");
	is_written("", "and nothing is sent");
	(void)hear("more");
	imap_session_compressed(s, &deflated);
	is_str(buf_str(&deflated), STR("\0\1\2not textmore"),
		"it is given back, to be inflated");
	(void)step();
	is_written("a2 NOOP\r\n", "then commands go on");
	(void)hear("a2 OK x\r\n");
	is_told("NOOP OK; ", "and answers are heard");
	buf_clear(&deflated);
	end();
}

static void test_bye(void)
{
	begin();
	(void)hear("* PREAUTH hi\r\n");
	buf_reset(&told);
	(void)submit(IMAP_NOOP);
	(void)step();
	is_int(hear("* BYE idle for too long\r\na1 OK x\r\n"), IMAP_STEP_CLOSED,
		"BYE is the last word");
	is_told("BYE; ", "that is heard");
	end();

	begin();
	(void)hear("* PREAUTH hi\r\n");
	buf_reset(&told);
	(void)submit(IMAP_LOGOUT);
	(void)step();
	is_int(hear("* BYE bye\r\n"), IMAP_STEP_INPUT,
		"but for LOGOUT, whose answer follows");
	is_int(hear("a1 OK x\r\n"), IMAP_STEP_CLOSED, "then it is over");
	is_told("BYE; LOGOUT OK; ", "in order");
	end();

	begin();
	(void)hear("* PREAUTH hi\r\n");
	(void)submit(IMAP_LOGOUT);
	(void)step();
	(void)hear("* BYE bye\r\n");
	is_int(hear("* BYE bye\r\n"), IMAP_STEP_CLOSED,
		"one that says it again and again is left (Yandex)");
	end();

	begin();
	(void)hear("* PREAUTH hi\r\n");
	(void)submit(IMAP_LOGOUT);
	(void)step();
	(void)hear("* BYE bye\r\n");
	imap_session_eof(s);
	is_int(step(), IMAP_STEP_CLOSED, "an end after BYE is a proper one");
	end();

	begin();
	(void)hear("* PREAUTH hi\r\n");
	imap_session_eof(s);
	is_int(step(), IMAP_STEP_FAILED, "one without BYE is not");
	is_int(failure.cause, ERR_NET, "it is the network's");
	is_int(failure.retry, ERR_NOW, "and worth another try");
	end();
}

static void test_enabled(void)
{
	begin();
	(void)hear("* PREAUTH [CAPABILITY IMAP4rev1 ENABLE QRESYNC] hi\r\n");
	(void)hear("* ENABLED\r\n");
	ok(!imap_session_enabled(s, IMAP_CAP_QRESYNC),
		"offered is not enabled");
	(void)hear("* ENABLED qresync X-FOO\r\n");
	ok(imap_session_enabled(s, IMAP_CAP_QRESYNC), "ENABLED enables");
	ok(imap_session_enabled(s, IMAP_CAP_CONDSTORE),
		"QRESYNC brings CONDSTORE");
	ok(!imap_session_enabled(s, IMAP_CAP_UTF8_ACCEPT), "and no more");
	(void)submit_mailbox(IMAP_SUBSCRIBE, "\303\251");
	(void)hear("* ENABLED UTF8=ACCEPT\r\n");
	(void)submit_mailbox(IMAP_SUBSCRIBE, "\303\251");
	(void)hear("+\r\n");
	is_written(
		"a1 SUBSCRIBE {2}\r\n\303\251\r\na2 SUBSCRIBE \"\303\251\"\r\n",
		"UTF8=ACCEPT quotes 8-bit names");
	end();
}

static void test_assumed(void)
{
	struct imap_caps caps = {0};

	imap_caps_set(&caps, IMAP_CAP_LITERAL_PLUS);
	begin();
	(void)hear("* PREAUTH hi\r\n");
	imap_session_assume_caps(s, &caps);
	(void)submit_mailbox(IMAP_SUBSCRIBE, "\303\251");
	(void)step();
	is_written("a1 SUBSCRIBE {2+}\r\n\303\251\r\n",
		"remembered capabilities are used");
	ok(!imap_session_caps_known(s), "but are not known");
	(void)hear("* CAPABILITY IMAP4rev1\r\n");
	imap_session_assume_caps(s, &caps);
	ok(!imap_caps_has(imap_session_caps(s), IMAP_CAP_LITERAL_PLUS),
		"what the server says counts more");
	end();
}

static void test_mailbox(void)
{
	const struct imap_mailbox *mailbox;
	uint32_t select;

	begin();
	(void)hear("* PREAUTH hi\r\n");
	select = submit_mailbox(IMAP_SELECT, "a");
	(void)step();
	mailbox = imap_session_mailbox(s);
	is_int(mailbox->handle, select, "its turn has come at once");
	ok(!mailbox->ready, "but it is not open");
	(void)hear("* 172 EXISTS\r\n* FLAGS (\\Seen a)\r\n"
		   "* OK [UIDVALIDITY 3857529045] x\r\n"
		   "* OK [UIDNEXT 4392] x\r\n"
		   "* OK [HIGHESTMODSEQ 715194045007] x\r\n"
		   "* OK [PERMANENTFLAGS (\\Deleted \\*)] x\r\n"
		   "* OK [MAILBOXID (F1)] x\r\n* OK [UNSEEN 5] x\r\n");
	is_int(last_selected, select, "what comes is its own");
	is_int(imap_session_state(s), IMAP_STATE_AUTHENTICATED, "not open yet");
	(void)hear("a1 OK [READ-WRITE] x\r\n");
	ok(mailbox->ready && !mailbox->read_only, "now it is, for writing");
	is_int(imap_session_state(s), IMAP_STATE_SELECTED, "as the state says");
	is_int(mailbox->exists, 172, "EXISTS is kept");
	is_int((intmax_t)mailbox->uidvalidity, 3857529045, "UIDVALIDITY too");
	is_int((intmax_t)mailbox->uidnext, 4392, "UIDNEXT");
	is_int((intmax_t)mailbox->highestmodseq, 715194045007, "HIGHESTMODSEQ");
	ok(mailbox->has_permanent_flags && mailbox->new_keywords,
		"PERMANENTFLAGS and whether keywords can be made");
	is_int((intmax_t)mailbox->permanent_flags.count, 2, "each of them");
	is_str(mailbox->flags.items[1], STR("a"), "FLAGS");
	is_str(mailbox->mailboxid, STR("F1"), "MAILBOXID");
	(void)submit_mailbox(IMAP_CREATE, "b");
	(void)step();
	(void)hear("a2 OK [MAILBOXID (F2)] x\r\n");
	is_str(mailbox->mailboxid, STR("F1"), "which is not that of another");
	(void)hear("* 44 EXPUNGE\r\n* VANISHED 1:3\r\n"
		   "* VANISHED (EARLIER) 5:9\r\n");
	is_int(mailbox->exists, 168, "what is expunged is taken off");
	(void)hear("* VANISHED 1:4294967295\r\n* 1 EXPUNGE\r\n");
	is_int(mailbox->exists, 0, "but never more than there is");
	end();
}

static void test_mailbox_none(void)
{
	const struct imap_mailbox *mailbox;

	begin();
	(void)hear("* PREAUTH hi\r\n");
	(void)submit_mailbox(IMAP_EXAMINE, "a");
	(void)step();
	(void)hear("* FLAGS (\\Seen)\r\n* 3 EXISTS\r\n"
		   "* OK [NOMODSEQ] x\r\n* NO [UIDNOTSTICKY] x\r\na1 OK x\r\n");
	mailbox = imap_session_mailbox(s);
	ok(mailbox->read_only, "EXAMINE is for reading");
	ok(mailbox->nomodseq && mailbox->uid_not_sticky, "what lacks is known");
	ok(!mailbox->has_permanent_flags, "without PERMANENTFLAGS none lacks");
	is_int((intmax_t)mailbox->uidnext, 0,
		"UIDNEXT may be missing (Courier)");
	(void)submit_mailbox(IMAP_SELECT, "b");
	(void)step();
	(void)hear("a2 NO [NONEXISTENT] x\r\n");
	is_int(mailbox->handle, 0, "a refused SELECT leaves none");
	is_int(imap_session_state(s), IMAP_STATE_AUTHENTICATED, "open");
	(void)submit_mailbox(IMAP_SELECT, "c");
	(void)step();
	(void)hear("* OK [READ-ONLY] x\r\na3 OK [READ-ONLY] x\r\n");
	ok(mailbox->read_only && mailbox->ready, "SELECT may be read-only");
	(void)submit(IMAP_UNSELECT);
	(void)step();
	(void)hear("a4 OK x\r\n* 5 EXISTS\r\n");
	is_int(mailbox->handle, 0, "UNSELECT leaves it");
	is_int(last_selected, 0, "what comes then is nobody's");
	end();
}

/* SELECT A, SELECT B in one go, with late news of A. */
static void test_mailbox_switch(void)
{
	uint32_t a;
	uint32_t b;
	uint32_t noop;

	begin();
	(void)hear("* PREAUTH hi\r\n");
	a = submit_mailbox(IMAP_SELECT, "a");
	noop = submit(IMAP_NOOP);
	b = submit_mailbox(IMAP_SELECT, "b");
	(void)step();
	(void)hear("* 5 EXISTS\r\na1 OK x\r\n* 6 EXISTS\r\n");
	is_int(last_selected, a, "between two SELECTs it is the first's");
	is_int(last, noop, "and may answer the oldest command");
	(void)hear("a2 OK x\r\n* 3 EXPUNGE\r\n* 1 FETCH (FLAGS ())\r\n"
		   "* OK still here\r\n");
	is_int(last_selected, a, "EXPUNGE and FETCH are of the old mailbox");
	is_int(imap_session_mailbox(s)->exists, 5, "which they change");
	(void)hear("* FLAGS ()\r\n");
	is_int(last_selected, b, "FLAGS are of the new one");
	(void)hear("* 9 EXISTS\r\n* 1 FETCH (FLAGS ())\r\n");
	is_int(last_selected, b, "and all that follows");
	is_int(imap_session_mailbox(s)->exists, 9, "with its own EXISTS");
	(void)hear("a3 OK x\r\n");
	(void)submit_mailbox(IMAP_SELECT, "c");
	(void)step();
	(void)hear(
		"* 10 EXISTS\r\n* 1 FETCH (FLAGS ())\r\n* OK [CLOSED] x\r\n");
	is_int(imap_session_mailbox(s)->exists, 0, "CLOSED begins it anew");
	(void)hear("a4 OK x\r\n");
	ok(imap_session_mailbox(s)->ready, "even if nothing else is said");
	end();
}

static void test_speakers(void)
{
	struct imap_held held;
	uint32_t a;
	uint32_t b;

	begin();
	(void)hear("* PREAUTH hi\r\n");
	imap_session_speak_as(s, 7, false);
	a = submit_mailbox(IMAP_SELECT, "a");
	is_int(imap_session_selection(s), a, "what comes next is about a");
	imap_session_speak_as(s, 8, false);
	b = submit_mailbox(IMAP_SELECT, "b");
	is_int(imap_session_selection(s), b, "then about b");
	imap_session_speak_as(s, 7, true);
	ok(submit(IMAP_NOOP) == 3 && imap_session_last(s) == 3,
		"what is held has its handle");
	(void)submit_mailbox(IMAP_SELECT, "c");
	imap_session_speak_as(s, 0, false);
	is_int(imap_session_selection(s), b, "changes nothing");
	is_int((intmax_t)imap_session_pending(s), 2, "and is not awaited");
	ok(imap_session_has_unsaid(s), "what was submitted is to be said");
	(void)step();
	is_written("a1 SELECT \"a\"\r\na2 SELECT \"b\"\r\n",
		"as long as its speaker is not let go, it stays back");
	ok(!imap_session_has_unsaid(s), "the rest is said");
	ok(imap_session_asked(s) && !imap_session_asked(s),
		"and asks, since nothing was on the way");
	is_int(imap_session_speaker(s), 7, "the first is answered first");
	ok(imap_session_holds(s, 7, &held) && !held.selects && !held.changes,
		"it is known what is held");
	ok(!imap_session_holds(s, 8, &held), "and whose it is");
	imap_session_let_go(s, 7);
	(void)step();
	is_written("a3 NOOP\r\na4 SELECT \"c\"\r\n", "then it goes");
	ok(!imap_session_asked(s), "without asking anything of a quiet line");
	(void)hear("a1 OK x\r\n");
	is_int(last_speaker, 7, "an answer says who asked");
	(void)hear("* 3 EXISTS\r\n");
	is_int(last_speaker, 8, "as does what comes before the next one");
	end();
}

/* Dovecot, of APPEND, NOOP and FETCH in one flight, in which the APPEND is to
 * another mailbox than the one that is selected. */
static void test_speakers_append(void)
{
	begin();
	(void)hear("* PREAUTH hi\r\n* CAPABILITY IMAP4rev1 LITERAL+\r\n");
	imap_session_speak_as(s, 7, false);
	(void)submit_mailbox(IMAP_SELECT, "b");
	imap_session_speak_as(s, 8, false);
	(void)submit_append(1, 0);
	imap_session_speak_as(s, 7, false);
	(void)submit(IMAP_NOOP);
	(void)step();
	(void)hear("a1 OK x\r\n");
	imap_session_literal(s, STR("x"));
	(void)step();
	(void)hear("* 1 FETCH (FLAGS ())\r\n");
	is_int(last_speaker, 7,
		"while an APPEND is stored, who speaks next is told of mail");
	(void)hear("* OK still here\r\n");
	is_int(last_speaker, 8, "but of nothing else");
	(void)hear("a3 OK x\r\n* 1 FETCH (FLAGS ())\r\n");
	is_int(last_speaker, 8, "or nobody does");
	end();
}

static void test_held(void)
{
	struct imap_command store = {.kind = IMAP_STORE,
		.store = {.set = STR("1"), .mode = IMAP_STORE_ADD}};
	struct imap_held held;

	begin();
	(void)hear("* PREAUTH hi\r\n");
	imap_session_speak_as(s, 1, true);
	(void)submit_mailbox(IMAP_SELECT, "a");
	(void)imap_session_submit(s, &store);
	imap_session_speak_as(s, 2, true);
	(void)submit(IMAP_NOOP);
	ok(imap_session_holds(s, 1, &held) && held.selects && held.changes,
		"a SELECT at first, and a change, are told");
	imap_session_forget(s, 1);
	ok(!imap_session_holds(s, 1, &held), "what is forgotten is gone");
	imap_session_let_go(s, 2);
	(void)step();
	is_written("a3 NOOP\r\n", "the others' goes all the same");
	(void)hear("a3 OK x\r\n");
	imap_session_speak_as(s, 3, true);
	(void)submit(IMAP_NOOP);
	end();
}

/* What comes while `resyncs` tells whether a SELECT asks for messages. */
static void select_b(bool resyncs)
{
	struct imap_command command = {.kind = IMAP_SELECT,
		.select = {.mailbox = STR("b"),
			.qresync = resyncs,
			.uidvalidity = 1,
			.modseq = 2}};

	begin();
	(void)hear("* PREAUTH hi\r\n");
	(void)submit_mailbox(IMAP_SELECT, "a");
	(void)imap_session_submit(s, &command);
	(void)submit(IMAP_NOOP);
	(void)step();
	(void)hear("* 5 EXISTS\r\na1 OK x\r\n");
}

static void leaves_behind(const char *line, bool want, const char *sentence)
{
	(void)hear(line);
	ok(last_left_behind == want, "%s", sentence);
}

static void test_left_behind(void)
{
	select_b(false);
	leaves_behind("* 1 FETCH (FLAGS ())\r\n", true,
		"between two mailboxes, FETCH is of the one before");
	leaves_behind("* OK [CLOSED] x\r\n", false, "CLOSED of neither");
	leaves_behind("* 6 EXISTS\r\n", false, "EXISTS is of the new one");
	leaves_behind("* 1 FETCH (FLAGS ())\r\n", true,
		"FETCH is not, before a plain SELECT is answered");
	leaves_behind("a2 OK x\r\n* 1 FETCH (FLAGS ())\r\n", false,
		"but behind its answer");
	end();

	select_b(true);
	leaves_behind("* VANISHED 1\r\n", true,
		"so is VANISHED with QRESYNC, before CLOSED");
	leaves_behind("* OK [CLOSED] x\r\n* VANISHED (EARLIER) 1\r\n", false,
		"but not behind it");
	end();

	select_b(false);
	leaves_behind("a2 NO x\r\n* 1 FETCH (FLAGS ())\r\n", true,
		"where a SELECT is refused, nothing is of its mailbox");
	leaves_behind("* OK x\r\n", false, "what is of none is heard");
	end();
}

static void test_esearch(void)
{
	struct imap_command search = {.kind = IMAP_SEARCH};
	uint32_t first;
	uint32_t second;

	begin();
	(void)hear("* PREAUTH hi\r\n");
	first = imap_session_submit(s, &search);
	second = imap_session_submit(s, &search);
	(void)step();
	(void)hear("* SEARCH 1\r\n");
	is_int(last, first, "SEARCH answers the oldest command");
	(void)hear("* ESEARCH (TAG \"a2\") UID ALL 1\r\n");
	is_int(last, second, "ESEARCH the one that it names");
	(void)hear("* ESEARCH (TAG \"a9\") UID ALL 1\r\n");
	is_int(last, first, "if there is such a one");
	end();
}

/* What a chunk of a body points to is what was lent: nothing is copied. */
static void test_no_copy(void)
{
	struct str body = STR("* 1 FETCH (BODY[] {1000}\r\nab");
	struct str more = STR("cdef");
	struct imap_event event;

	begin();
	(void)hear("* PREAUTH hi\r\n");
	imap_session_recv(s, body);
	(void)imap_session_step(s, &event, NULL);
	(void)imap_session_step(s, &event, NULL);
	is_str(event.response->text, STR("ab"), "a chunk is what has come");
	ok(event.response->text.ptr == body.ptr + body.len - 2,
		"where it has come");
	(void)imap_session_step(s, &event, NULL);
	imap_session_recv(s, more);
	(void)imap_session_step(s, &event, NULL);
	ok(event.response->text.ptr == more.ptr &&
			event.response->text.len == 4,
		"each time");
	end();
}

int main(void)
{
	test_greeting();
	test_tags();
	test_login();
	test_before_login();
	test_authenticate();
	test_auth_sizes();
	test_limits();
	test_literals();
	test_append();
	test_append_refused();
	test_pacing();
	test_idle();
	test_starttls();
	test_compress();
	test_bye();
	test_enabled();
	test_assumed();
	test_foreseen();
	test_foreseen_late();
	test_mailbox();
	test_mailbox_none();
	test_mailbox_switch();
	test_speakers();
	test_speakers_append();
	test_held();
	test_left_behind();
	test_esearch();
	test_no_copy();
	buf_clear(&wrote);
	buf_clear(&told);
	return tap_done();
}
