/*
 * How: two lists. A command waits in the first until it may travel (in one
 * before that if its speaker may not say it yet); then it moves to the second,
 * where it stays until its answer comes, and its parts are written one by one.
 * One command at most is being written; while that waits for "+" or for octets
 * from the caller, nothing else is begun.
 */
#include "machine.h"

#include "godwit/base/limits.h"
#include "godwit/imap/base64.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static void calls_add(struct imap_calls *calls, struct imap_call *call)
{
	if (calls->first == NULL)
		calls->end = &calls->first;
	*calls->end = call;
	call->next = NULL;
	calls->end = &call->next;
	calls->count++;
}

/* Takes out the one that *at points to. */
static struct imap_call *calls_take(
	struct imap_calls *calls, struct imap_call **at)
{
	struct imap_call *call = *at;

	*at = call->next;
	if (calls->end == &call->next)
		calls->end = at;
	call->next = NULL;
	calls->count--;
	return call;
}

static void call_free(struct imap_call *call)
{
	imap_encoded_clear(&call->encoded);
	buf_wipe(&call->initial);
	free(call);
}

void imap_queue_clear(struct imap_session *s)
{
	while (s->held.first != NULL)
		call_free(calls_take(&s->held, &s->held.first));
	while (s->waiting.first != NULL)
		call_free(calls_take(&s->waiting, &s->waiting.first));
	while (s->sent.first != NULL)
		call_free(calls_take(&s->sent, &s->sent.first));
	if (s->orphan != NULL)
		call_free(s->orphan);
}

/* Takes what was sent off the front, and wipes it if it was a secret. */
static void output_shift(struct imap_session *s)
{
	if (s->output_sent == s->output.len && s->output_secret) {
		buf_wipe(&s->output);
		s->output_secret = false;
	} else {
		buf_consume(&s->output, s->output_sent);
	}
	s->output_sent = 0;
}

/* Growing in place could leave a copy of a secret that is not wiped. */
static void output_grow_secret(struct imap_session *s, size_t more)
{
	struct buf grown = {0};

	(void)buf_reserve(&grown, s->output.len + more);
	buf_add(&grown, buf_str(&s->output));
	buf_wipe(&s->output);
	s->output = grown;
}

void imap_output_add(struct imap_session *s, struct str bytes, bool secret)
{
	s->output_secret = s->output_secret || secret;
	if (s->output_secret && s->output.cap - s->output.len < bytes.len)
		output_grow_secret(s, bytes.len);
	buf_add(&s->output, bytes);
}

struct str imap_session_output(const struct imap_session *s)
{
	return str_sub(buf_str(&s->output), s->output_sent, SIZE_MAX);
}

void imap_session_sent(struct imap_session *s, size_t n)
{
	check(n <= s->output.len - s->output_sent);
	s->output_sent += n;
	if (s->output_sent == s->output.len ||
		s->output_sent >= LIMIT_OUTPUT_BYTES)
		output_shift(s);
}

bool imap_is_select(enum imap_command_kind kind)
{
	return kind == IMAP_SELECT || kind == IMAP_EXAMINE;
}

bool imap_is_login(enum imap_command_kind kind)
{
	return kind == IMAP_LOGIN || kind == IMAP_AUTHENTICATE;
}

/* Those that travel alone: what follows depends on their answer. */
static bool is_barrier(enum imap_command_kind kind)
{
	return kind == IMAP_STARTTLS || kind == IMAP_AUTHENTICATE ||
	       kind == IMAP_COMPRESS || kind == IMAP_IDLE ||
	       kind == IMAP_LOGOUT;
}

/* Whether what follows must wait for its answer. */
static bool holds_up(const struct imap_call *call)
{
	return is_barrier(call->kind) && (!call->followed || call->has_initial);
}

struct load {
	size_t status;
	size_t questions; /* CAPABILITY */
	size_t bytes;
	bool barrier;
	bool login;
};

/* What is on the way. */
static struct load load_of(const struct imap_session *s)
{
	struct load load = {0};

	for (const struct imap_call *c = s->sent.first; c; c = c->next) {
		load.status += c->kind == IMAP_STATUS;
		load.questions += c->kind == IMAP_CAPABILITY;
		load.bytes += c->encoded.text.len;
		load.barrier = load.barrier || holds_up(c);
		load.login = load.login || imap_is_login(c->kind);
	}
	return load;
}

/* Whether the session is in a state to say anything. */
static bool may_speak(const struct imap_session *s)
{
	if (s->halt != IMAP_HALT_NOT || s->state == IMAP_STATE_LOGOUT)
		return false;
	return s->state != IMAP_STATE_GREETING || s->speaks_first;
}

static bool may_begin(
	const struct imap_session *s, const struct imap_call *call)
{
	struct load load;

	if (!may_speak(s))
		return false;
	if (s->sent.count == 0)
		return true;
	if (s->sent.count >= LIMIT_PIPELINE_COMMANDS)
		return false;
	load = load_of(s);
	if (is_barrier(call->kind))
		return call->sent_initial && load.questions == s->sent.count;
	if (load.login &&
		load.bytes + call->encoded.text.len > LIMIT_BEFORE_LOGIN_BYTES)
		return false;
	return !load.barrier && (call->kind != IMAP_STATUS ||
					load.status < LIMIT_PIPELINE_STATUS);
}

static void finish_writing(struct imap_session *s)
{
	if (s->orphan != NULL)
		call_free(s->orphan);
	s->orphan = NULL;
	s->writing = NULL;
}

/* Writes the next part of the command being written. */
static void write_part(struct imap_session *s)
{
	struct imap_call *call = s->writing;
	struct imap_encoded *encoded = &call->encoded;
	const struct imap_part *part = &encoded->parts[call->parts_sent];
	size_t from = call->parts_sent == 0
			      ? 0
			      : encoded->parts[call->parts_sent - 1].end;

	imap_output_add(s,
		str_sub(buf_str(&encoded->text), from, part->end - from),
		encoded->secret);
	call->parts_sent++;
	call->awaits_plus = part->sync;
	call->octets_left = part->given ? part->octets : 0;
	if (part->given && part->octets == 0)
		call->literals_given++;
	/* Once answered, nobody asks for a synchronising literal. */
	if (call->parts_sent == encoded->count ||
		(call->answered && part->sync))
		finish_writing(s);
}

static bool has_room(const struct imap_session *s)
{
	return s->output.len - s->output_sent < LIMIT_OUTPUT_BYTES;
}

static bool is_stuck(const struct imap_call *call)
{
	return call->awaits_plus || call->octets_left > 0;
}

void imap_queue_pump(struct imap_session *s)
{
	while (has_room(s)) {
		if (s->writing != NULL) {
			if (is_stuck(s->writing))
				return;
			write_part(s);
			continue;
		}
		if (s->waiting.first == NULL || !may_begin(s, s->waiting.first))
			return;
		s->writing = calls_take(&s->waiting, &s->waiting.first);
		calls_add(&s->sent, s->writing);
		if (s->sent.count > 1)
			continue;
		s->asked = true;
		imap_track_front(s);
	}
}

struct imap_call *imap_queue_wants(const struct imap_session *s)
{
	struct imap_call *call = s->writing;

	if (call == NULL || call->awaits_plus || call->octets_left == 0 ||
		!has_room(s))
		return NULL;
	return call;
}

void imap_session_literal(struct imap_session *s, struct str octets)
{
	struct imap_call *call = s->writing;

	check(call != NULL && !call->awaits_plus);
	check(octets.len <= call->octets_left);
	imap_output_add(s, octets, false);
	call->octets_left -= octets.len;
	if (call->octets_left == 0)
		call->literals_given++;
}

struct imap_call *imap_queue_front(const struct imap_session *s)
{
	return s->sent.first;
}

static void end_idle(struct imap_session *s, struct imap_call *call)
{
	if (call->idling && call->idle_done)
		imap_output_add(s, STR("DONE\r\n"), false);
}

enum imap_plus imap_queue_plus(struct imap_session *s)
{
	struct imap_call *front = s->sent.first;

	if (s->writing != NULL && s->writing->awaits_plus) {
		s->writing->awaits_plus = false;
		return IMAP_PLUS_LITERAL;
	}
	if (front == NULL)
		return IMAP_PLUS_NOBODY;
	if (front->kind == IMAP_AUTHENTICATE && front->has_initial) {
		front->has_initial = false;
		imap_session_respond(s, buf_str(&front->initial));
		return IMAP_PLUS_INITIAL;
	}
	if (front->kind == IMAP_AUTHENTICATE)
		return IMAP_PLUS_AUTHENTICATE;
	if (front->kind != IMAP_IDLE || front->idling)
		return IMAP_PLUS_NOBODY;
	front->idling = true;
	end_idle(s, front);
	return IMAP_PLUS_IDLE;
}

struct imap_call *imap_queue_answer(struct imap_session *s, uint32_t handle)
{
	struct imap_call **at = &s->sent.first;

	while (*at != NULL && (*at)->handle != handle)
		at = &(*at)->next;
	return *at == NULL ? NULL : calls_take(&s->sent, at);
}

/*
 * A command that was answered before all of it was sent: a synchronising
 * literal that was refused ends it; octets that were announced must still go.
 */
void imap_queue_release(struct imap_session *s, struct imap_call *call)
{
	if (s->writing != call) {
		call_free(call);
		return;
	}
	call->answered = true;
	s->orphan = call;
	if (call->awaits_plus)
		finish_writing(s);
}

/* Whether the initial response of an AUTHENTICATE may go along with it. */
static bool may_send_initial(
	const struct imap_session *s, const struct imap_auth_args *args)
{
	return imap_caps_has(&s->caps, IMAP_CAP_SASL_IR) &&
	       args->initial.len / 3 * 4 < LIMIT_COMMAND_LINE_BYTES - 256;
}

static void encode(struct imap_session *s, struct imap_call *call,
	const struct imap_command *command)
{
	struct imap_command plain = *command;
	struct str tag;
	char text[16];
	int len = snprintf(text, sizeof(text), "a%" PRIu32, call->handle);

	tag = (struct str){.ptr = text, .len = (size_t)len};
	call->sent_initial = command->kind == IMAP_AUTHENTICATE &&
			     command->authenticate.has_initial &&
			     may_send_initial(s, &command->authenticate);
	if (command->kind == IMAP_AUTHENTICATE &&
		command->authenticate.has_initial && !call->sent_initial) {
		plain.authenticate.has_initial = false;
		call->has_initial = true;
		buf_add(&call->initial, command->authenticate.initial);
	}
	imap_command_encode(&plain, tag, &s->caps,
		imap_session_enabled(s, IMAP_CAP_UTF8_ACCEPT), &call->encoded);
}

/* Lets it wait for its turn. The mailbox that it is about is the one that is
 * selected when that comes. */
static void line_up(struct imap_session *s, struct imap_call *call)
{
	if (imap_is_select(call->kind))
		s->selection = call->handle;
	call->selection = s->selection;
	if (call->kind == IMAP_CLOSE || call->kind == IMAP_UNSELECT)
		s->selection = 0;
	calls_add(&s->waiting, call);
}

uint32_t imap_session_submit(
	struct imap_session *s, const struct imap_command *command)
{
	struct imap_call *call = calloc(1, sizeof(*call));

	check(call != NULL);
	if (++s->last_handle == 0)
		s->last_handle = 1;
	call->handle = s->last_handle;
	call->kind = command->kind;
	call->speaker = s->speaker;
	call->read_only = command->kind == IMAP_EXAMINE;
	call->resyncs =
		imap_is_select(command->kind) && command->select.qresync;
	encode(s, call, command);
	if (s->holds)
		calls_add(&s->held, call);
	else
		line_up(s, call);
	return call->handle;
}

void imap_session_speak_as(struct imap_session *s, uint32_t speaker, bool held)
{
	s->speaker = speaker;
	s->holds = held;
}

static bool changes_mailbox(enum imap_command_kind kind)
{
	switch (kind) {
	case IMAP_STORE:
	case IMAP_UID_EXPUNGE:
	case IMAP_MOVE:
	case IMAP_COPY:
	case IMAP_CLOSE:
		return true;
	default:
		return false;
	}
}

bool imap_session_holds(const struct imap_session *s, uint32_t speaker,
	struct imap_held *held_r)
{
	bool any = false;

	*held_r = (struct imap_held){0};
	for (const struct imap_call *c = s->held.first; c; c = c->next) {
		if (c->speaker != speaker)
			continue;
		held_r->selects =
			any ? held_r->selects : imap_is_select(c->kind);
		held_r->changes = held_r->changes || changes_mailbox(c->kind);
		any = true;
	}
	return any;
}

/* Takes the speaker's commands out of those that are held: they line up, or
 * are freed. */
static void unhold(struct imap_session *s, uint32_t speaker, bool line_them_up)
{
	struct imap_call **at = &s->held.first;

	while (*at != NULL) {
		struct imap_call *call;

		if ((*at)->speaker != speaker) {
			at = &(*at)->next;
			continue;
		}
		call = calls_take(&s->held, at);
		if (line_them_up)
			line_up(s, call);
		else
			call_free(call);
	}
}

void imap_session_let_go(struct imap_session *s, uint32_t speaker)
{
	unhold(s, speaker, true);
}

void imap_session_forget(struct imap_session *s, uint32_t speaker)
{
	unhold(s, speaker, false);
}

uint32_t imap_session_selection(const struct imap_session *s)
{
	return s->selection;
}

uint32_t imap_session_speaker(const struct imap_session *s)
{
	return s->sent.first == NULL ? 0 : s->sent.first->speaker;
}

bool imap_session_asked(struct imap_session *s)
{
	bool asked = s->asked;

	s->asked = false;
	return asked;
}

bool imap_session_has_unsaid(const struct imap_session *s)
{
	return s->waiting.first != NULL || s->writing != NULL ||
	       imap_session_output(s).len > 0;
}

uint32_t imap_session_last(const struct imap_session *s)
{
	return s->last_handle;
}

size_t imap_session_pending(const struct imap_session *s)
{
	return s->waiting.count + s->sent.count;
}

void imap_session_respond(struct imap_session *s, struct str response)
{
	struct buf text = {0};

	(void)buf_reserve(&text, response.len / 3 * 4 + 8);
	imap_base64_encode(response, &text);
	buf_addz(&text, "\r\n");
	imap_output_add(s, buf_str(&text), true);
	buf_wipe(&text);
}

/* The last login of a list that is not answered, or NULL. */
static struct imap_call *last_login(const struct imap_calls *calls)
{
	struct imap_call *login = NULL;

	for (struct imap_call *c = calls->first; c != NULL; c = c->next) {
		if (imap_is_login(c->kind))
			login = c;
	}
	return login;
}

void imap_session_foresee(struct imap_session *s, const struct imap_caps *caps)
{
	struct imap_call *login = last_login(&s->waiting);

	if (login == NULL)
		login = last_login(&s->sent);
	check(login != NULL);
	login->followed = true;
	s->caps = *caps;
	s->caps_known = false;
	s->caps_foreseen = true;
}

void imap_session_cancel_auth(struct imap_session *s)
{
	imap_output_add(s, STR("*\r\n"), false);
}

static struct imap_call *find_idle(struct imap_calls *calls)
{
	struct imap_call *call = calls->first;

	while (call != NULL && call->kind != IMAP_IDLE)
		call = call->next;
	return call;
}

void imap_session_idle_done(struct imap_session *s)
{
	struct imap_call *call = find_idle(&s->sent);

	if (call == NULL)
		call = find_idle(&s->waiting);
	if (call == NULL || call->idle_done)
		return;
	call->idle_done = true;
	end_idle(s, call);
}
