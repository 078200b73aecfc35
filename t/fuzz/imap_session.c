/*
 * A hostile server against the session: greeting, logins, mailboxes, bodies.
 *
 * The first byte says in what pieces the rest arrives. The client has one of
 * nearly every command on the way, answers what it is asked, and looks at all
 * that events point to.
 */
#include "fuzz.h"

#include "godwit/base/err.h"
#include "godwit/imap/session.h"
#include "imap_event.h"

#include <stdlib.h>
#include <string.h>

static void submit(struct imap_session *s, enum imap_command_kind kind)
{
	struct imap_command command = {.kind = kind};

	(void)imap_session_submit(s, &command);
}

static void submit_all(struct imap_session *s)
{
	const struct str name = STR("caf\303\251");
	const struct imap_append_message message = {.octets = 5};
	struct imap_command command = {.kind = IMAP_AUTHENTICATE,
		.authenticate = {.mechanism = STR("PLAIN")}};

	submit(s, IMAP_CAPABILITY);
	(void)imap_session_submit(s, &command);
	command = (struct imap_command){.kind = IMAP_ENABLE,
		.enable = {.items = &(const struct str){.ptr = "UTF8=ACCEPT",
				   .len = 11},
			.count = 1}};
	(void)imap_session_submit(s, &command);
	command = (struct imap_command){
		.kind = IMAP_SELECT, .select = {.mailbox = name}};
	(void)imap_session_submit(s, &command);
	(void)imap_session_submit(s, &command);
	command = (struct imap_command){.kind = IMAP_APPEND,
		.append = {.mailbox = name, .messages = &message, .count = 1}};
	(void)imap_session_submit(s, &command);
	submit(s, IMAP_SEARCH);
	submit(s, IMAP_IDLE);
	submit(s, IMAP_LOGOUT);
}

static void answer(struct imap_session *s, const struct imap_event *event)
{
	struct buf text = {0};

	event_describe(event, &text);
	buf_clear(&text);
	if (event->kind == IMAP_EVENT_CHALLENGE)
		imap_session_respond(s, event->bytes);
	else if (event->kind == IMAP_EVENT_LITERAL_WANTED)
		imap_session_literal(s, STR("x"));
	else if (event->kind == IMAP_EVENT_IDLING)
		imap_session_idle_done(s);
}

static void run(struct imap_session *s)
{
	struct imap_event event;
	enum imap_step step;
	struct err err;

	do {
		step = imap_session_step(s, &event, &err);
		if (step == IMAP_STEP_EVENT)
			answer(s, &event);
		if (step == IMAP_STEP_OUTPUT)
			imap_session_sent(s, imap_session_output(s).len);
	} while (step == IMAP_STEP_EVENT || step == IMAP_STEP_OUTPUT);
}

void fuzz_one(struct str input)
{
	struct imap_session *s = imap_session_new();
	size_t step = input.len == 0 || input.ptr[0] == '~'
			      ? SIZE_MAX
			      : (unsigned char)input.ptr[0] % 16 + 1U;

	submit_all(s);
	for (size_t at = 1; at < input.len;) {
		struct str piece = str_sub(input, at, step);
		char *copy = malloc(piece.len);

		check(copy != NULL);
		memcpy(copy, piece.ptr, piece.len);
		imap_session_recv(
			s, (struct str){.ptr = copy, .len = piece.len});
		run(s);
		free(copy);
		at += piece.len;
		if (imap_session_state(s) == IMAP_STATE_LOGOUT)
			break;
	}
	imap_session_eof(s);
	run(s);
	imap_session_free(&s);
}
