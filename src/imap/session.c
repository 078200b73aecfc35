/*
 * How: a step first reads on in what arrived; each response is tracked
 * (track.c) and becomes an event. When there is no more to read, the queue
 * (queue.c) fills the output, and what is then asked of the caller follows from
 * what waits: octets of a literal, output, input.
 */
#include "machine.h"

#include "godwit/base/limits.h"
#include "godwit/imap/base64.h"

#include <stdlib.h>

struct imap_session *imap_session_new(void)
{
	struct imap_session *s = calloc(1, sizeof(*s));

	check(s != NULL);
	s->parser = imap_parser_new();
	return s;
}

void imap_session_free(struct imap_session **session)
{
	struct imap_session *s = *session;

	if (s == NULL)
		return;
	imap_queue_clear(s);
	imap_track_clear(s);
	imap_parser_free(&s->parser);
	buf_wipe(&s->output);
	buf_wipe(&s->challenge);
	buf_clear(&s->deflated);
	free(s);
	*session = NULL;
}

void imap_session_recv(struct imap_session *s, struct str bytes)
{
	if (!s->failed && !s->closing)
		imap_parser_lend(s->parser, bytes);
}

void imap_session_eof(struct imap_session *s)
{
	s->eof = true;
}

static enum imap_step fail(struct imap_session *s, struct err *err)
{
	s->failed = true;
	if (err != NULL)
		*err = s->failure;
	return IMAP_STEP_FAILED;
}

static enum imap_step fail_protocol(
	struct imap_session *s, const char *sentence, struct err *err)
{
	(void)err_set(&s->failure, ERR_ACCOUNT, ERR_LATER, ERR_PROTOCOL, "%s",
		sentence);
	return fail(s, err);
}

/* "a17" -> 17 */
static bool parse_tag(struct str tag, uint32_t *handle_r)
{
	return str_starts(tag, STR("a")) &&
	       str_u32(str_sub(tag, 1, tag.len), handle_r);
}

static enum imap_step on_tagged(
	struct imap_session *s, struct imap_event *event, struct err *err)
{
	struct imap_call *call = NULL;
	uint32_t handle;

	if (parse_tag(s->response.tag, &handle))
		call = imap_queue_answer(s, handle);
	if (call == NULL)
		return fail_protocol(s,
			"the server answers a command that was not sent", err);
	if (call->kind == IMAP_STARTTLS || call->kind == IMAP_COMPRESS)
		check(s->sent.count == 0);
	imap_track_tagged(s, call, &s->response);
	event->kind = IMAP_EVENT_TAGGED;
	event->handle = handle;
	event->command = call->kind;
	event->speaker = call->speaker;
	event->response = &s->response;
	event->selected = s->mailbox.handle;
	imap_queue_release(s, call);
	return IMAP_STEP_EVENT;
}

static void about(struct imap_event *event, const struct imap_call *call)
{
	event->handle = call->handle;
	event->command = call->kind;
	event->speaker = call->speaker;
}

static void about_front(struct imap_session *s, struct imap_event *event)
{
	const struct imap_call *front = imap_queue_front(s);

	if (front != NULL)
		about(event, front);
	event->selected = s->mailbox.handle;
}

static enum imap_step on_challenge(
	struct imap_session *s, struct imap_event *event, struct err *err)
{
	buf_reset(&s->challenge);
	if (s->response.text.len > (size_t)2 * LIMIT_SASL_BYTES ||
		!imap_base64_decode(s->response.text, &s->challenge))
		return fail_protocol(
			s, "the server's login challenge is not base64.", err);
	event->kind = IMAP_EVENT_CHALLENGE;
	event->bytes = buf_str(&s->challenge);
	about_front(s, event);
	return IMAP_STEP_EVENT;
}

/* "+": for a literal, a login or an IDLE. Exchange sends some for nothing. */
static enum imap_step on_continue(
	struct imap_session *s, struct imap_event *event, struct err *err)
{
	switch (imap_queue_plus(s)) {
	case IMAP_PLUS_AUTHENTICATE:
		return on_challenge(s, event, err);
	case IMAP_PLUS_IDLE:
		event->kind = IMAP_EVENT_IDLING;
		about_front(s, event);
		return IMAP_STEP_EVENT;
	case IMAP_PLUS_NOBODY:
	case IMAP_PLUS_LITERAL:
	case IMAP_PLUS_INITIAL:
		break;
	}
	return IMAP_STEP_INPUT;
}

static enum imap_step fail_greeting(struct imap_session *s, struct err *err)
{
	return fail_protocol(s,
		"the server does not greet as an IMAP server does; check its "
		"name, its port and `tls`",
		err);
}

static enum imap_step on_greeting(
	struct imap_session *s, struct imap_event *event, struct err *err)
{
	if (s->response.kind == IMAP_RESPONSE_OTHER)
		return IMAP_STEP_INPUT;
	if (s->response.kind != IMAP_RESPONSE_CONDITION ||
		s->response.line.condition == IMAP_NO ||
		s->response.line.condition == IMAP_BAD)
		return fail_greeting(s, err);
	imap_track_greeting(s, &s->response);
	event->kind = IMAP_EVENT_GREETING;
	event->response = &s->response;
	return IMAP_STEP_EVENT;
}

/* The command whose results these are: ESEARCH names it. */
static void about_search(struct imap_session *s, struct imap_event *event)
{
	const struct imap_call *call = s->sent.first;
	uint32_t handle;

	if (s->response.kind != IMAP_RESPONSE_ESEARCH ||
		!parse_tag(s->response.search.tag, &handle))
		return;
	while (call != NULL && call->handle != handle)
		call = call->next;
	if (call != NULL)
		about(event, call);
}

/* Whether a response tells of a mailbox that is selected. */
static bool is_of_mailbox(const struct imap_response *response)
{
	switch (response->kind) {
	case IMAP_RESPONSE_EXISTS:
	case IMAP_RESPONSE_RECENT:
	case IMAP_RESPONSE_FLAGS:
	case IMAP_RESPONSE_SEARCH:
	case IMAP_RESPONSE_ESEARCH:
		return true;
	case IMAP_RESPONSE_CONDITION:
		return false;
	default:
		return imap_track_may_be_late(response);
	}
}

/*
 * The oldest command that what is told may answer. APPEND tells nothing of a
 * mailbox; while the server stores its message, it may go on with what follows
 * and is about the mailbox that is selected (Dovecot).
 */
static const struct imap_call *spoken_of(const struct imap_session *s)
{
	const struct imap_call *front = imap_queue_front(s);
	const struct imap_call *call = front;

	if (!is_of_mailbox(&s->response))
		return front;
	while (call != NULL && call->kind == IMAP_APPEND)
		call = call->next;
	return call != NULL && call->selection == s->mailbox.handle ? call
								    : front;
}

/*
 * Whether what is told is not of the mailbox that the command meant. Who
 * is selected tells, but for the one case that no server marks unless it says
 * CLOSED: while a SELECT is being answered that does not ask for messages, what
 * is told of them is of the mailbox before.
 */
static bool is_left_behind(
	const struct imap_session *s, const struct imap_call *call)
{
	if (call == NULL || !is_of_mailbox(&s->response))
		return false;
	return call->selection != s->mailbox.handle ||
	       (imap_is_select(call->kind) && !call->resyncs &&
		       imap_track_may_be_late(&s->response));
}

static enum imap_step on_untagged(
	struct imap_session *s, struct imap_event *event)
{
	const struct imap_call *call;

	imap_track_untagged(s, &s->response);
	event->kind = IMAP_EVENT_UNTAGGED;
	event->response = &s->response;
	event->selected = s->mailbox.handle;
	call = spoken_of(s);
	if (call != NULL)
		about(event, call);
	about_search(s, event);
	event->left_behind = is_left_behind(s, call);
	return IMAP_STEP_EVENT;
}

/* INPUT: it was nothing to tell, go on. */
static enum imap_step on_response(
	struct imap_session *s, struct imap_event *event, struct err *err)
{
	if (s->state == IMAP_STATE_GREETING)
		return on_greeting(s, event, err);
	switch (s->response.kind) {
	case IMAP_RESPONSE_TAGGED:
		return on_tagged(s, event, err);
	case IMAP_RESPONSE_CONTINUE:
		return on_continue(s, event, err);
	case IMAP_RESPONSE_OTHER:
		return IMAP_STEP_INPUT;
	default:
		return on_untagged(s, event);
	}
}

/* Reads until there is an event; INPUT when there is no more to read. */
static enum imap_step read_on(
	struct imap_session *s, struct imap_event *event, struct err *err)
{
	enum imap_step step = IMAP_STEP_INPUT;

	if (s->halt == IMAP_HALT_STARTTLS)
		imap_parser_cut(s->parser, NULL);
	if (s->halt == IMAP_HALT_COMPRESS)
		imap_parser_cut(s->parser, &s->deflated);
	while (step == IMAP_STEP_INPUT && !s->closing) {
		switch (imap_parser_next(
			s->parser, &s->response, &s->failure)) {
		case IMAP_PARSE_MORE:
			return IMAP_STEP_INPUT;
		case IMAP_PARSE_FAILED:
			return s->state == IMAP_STATE_GREETING
				       ? fail_greeting(s, err)
				       : fail(s, err);
		case IMAP_PARSE_RESPONSE:
			step = on_response(s, event, err);
			break;
		}
	}
	return step;
}

static enum imap_step at_eof(struct imap_session *s, struct err *err)
{
	if (s->state == IMAP_STATE_LOGOUT)
		return IMAP_STEP_CLOSED;
	(void)err_set(&s->failure, ERR_ACCOUNT, ERR_NOW, ERR_NET,
		"the server closed the connection without a BYE");
	return fail(s, err);
}

/* All is read: what is there to send? */
static enum imap_step write_on(struct imap_session *s, struct imap_event *event)
{
	const struct imap_call *call;

	imap_queue_pump(s);
	call = imap_queue_wants(s);
	if (call != NULL) {
		event->kind = IMAP_EVENT_LITERAL_WANTED;
		about(event, call);
		event->selected = s->mailbox.handle;
		event->index = call->literals_given;
		event->octets = call->octets_left;
		return IMAP_STEP_EVENT;
	}
	return s->output.len > 0 ? IMAP_STEP_OUTPUT : IMAP_STEP_INPUT;
}

enum imap_step imap_session_step(
	struct imap_session *s, struct imap_event *event_r, struct err *err)
{
	enum imap_step step;

	*event_r = (struct imap_event){0};
	if (s->failed)
		return fail(s, err);
	if (s->closing)
		return IMAP_STEP_CLOSED;
	step = read_on(s, event_r, err);
	if (step != IMAP_STEP_INPUT)
		return step;
	if (s->eof)
		return at_eof(s, err);
	return write_on(s, event_r);
}

void imap_session_secured(struct imap_session *s)
{
	imap_track_secured(s);
}

void imap_session_compressed(struct imap_session *s, struct buf *deflated)
{
	check(s->halt == IMAP_HALT_COMPRESS);
	buf_add(deflated, buf_str(&s->deflated));
	buf_clear(&s->deflated);
	s->halt = IMAP_HALT_NOT;
}

enum imap_state imap_session_state(const struct imap_session *s)
{
	return s->state;
}

bool imap_session_caps_known(const struct imap_session *s)
{
	return s->caps_known;
}

const struct imap_caps *imap_session_caps(const struct imap_session *s)
{
	return &s->caps;
}

void imap_session_assume_caps(
	struct imap_session *s, const struct imap_caps *caps)
{
	if (!s->caps_known)
		s->caps = *caps;
}

void imap_session_speak_first(struct imap_session *s)
{
	s->speaks_first = true;
}

bool imap_session_enabled(const struct imap_session *s, enum imap_cap cap)
{
	return (s->enabled >> cap & 1) != 0;
}

const struct imap_mailbox *imap_session_mailbox(const struct imap_session *s)
{
	return &s->mailbox;
}
