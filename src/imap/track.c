/*
 * How: answers are looked at on their way to the caller, and what they say of
 * the connection is noted. Servers work in order, so untagged data belong to
 * the oldest command that is not answered; when that is a SELECT, a new mailbox
 * begins, whatever else is on the way behind it. Between two mailboxes, FETCH,
 * EXPUNGE and VANISHED still belong to the old one: no answer to SELECT begins
 * with them, and not every server (Courier) says CLOSED where the old one ends.
 */
#include "machine.h"

static void mailbox_forget(struct imap_session *s)
{
	arena_reset(&s->flags_arena);
	arena_reset(&s->permanent_arena);
	arena_reset(&s->id_arena);
	s->mailbox = (struct imap_mailbox){0};
	if (s->state == IMAP_STATE_SELECTED)
		s->state = IMAP_STATE_AUTHENTICATED;
}

void imap_track_clear(struct imap_session *s)
{
	arena_clear(&s->flags_arena);
	arena_clear(&s->permanent_arena);
	arena_clear(&s->id_arena);
}

static void mailbox_begin(struct imap_session *s, const struct imap_call *call)
{
	mailbox_forget(s);
	s->mailbox.handle = call->handle;
	s->mailbox.read_only = call->read_only;
}

void imap_track_front(struct imap_session *s)
{
	const struct imap_call *front = imap_queue_front(s);

	if (front != NULL && imap_is_select(front->kind) &&
		s->mailbox.handle == 0)
		mailbox_begin(s, front);
}

bool imap_track_may_be_late(const struct imap_response *response)
{
	switch (response->kind) {
	case IMAP_RESPONSE_EXPUNGE:
	case IMAP_RESPONSE_VANISHED:
	case IMAP_RESPONSE_FETCH:
	case IMAP_RESPONSE_BODY_BEGIN:
	case IMAP_RESPONSE_BODY_CHUNK:
	case IMAP_RESPONSE_BODY_END:
		return true;
	case IMAP_RESPONSE_CONDITION:
		return response->line.code.kind == IMAP_CODE_NONE;
	default:
		return false;
	}
}

/* Where the mailbox of a SELECT begins, if another was open before. */
static void track_switch(
	struct imap_session *s, const struct imap_response *response)
{
	const struct imap_call *front = imap_queue_front(s);
	bool closed = response->kind == IMAP_RESPONSE_CONDITION &&
		      response->line.code.kind == IMAP_CODE_CLOSED;

	if (front == NULL || !imap_is_select(front->kind))
		return;
	if (closed || (s->mailbox.handle != front->handle &&
			      !imap_track_may_be_late(response)))
		mailbox_begin(s, front);
}

static void caps_forget(struct imap_session *s)
{
	s->caps = (struct imap_caps){0};
	s->caps_known = false;
}

static void caps_learn(struct imap_session *s, const struct imap_caps *caps)
{
	struct imap_call *front = imap_queue_front(s);
	bool in_login = s->state != IMAP_STATE_GREETING && front != NULL &&
			imap_is_login(front->kind);

	/* What was foreseen is not undone by what held before the login. */
	if (s->caps_foreseen && !in_login)
		return;
	s->caps = *caps;
	s->caps_known = true;
	/* Dovecot sends the new ones before the login's OK. */
	if (in_login)
		front->caps_told = true;
}

static struct imap_strs copy_words(struct arena *arena, struct imap_strs words)
{
	struct str *items = arena_array(arena, words.count, sizeof(*items));

	for (size_t i = 0; i < words.count; i++)
		items[i] = arena_str(arena, words.items[i]);
	return (struct imap_strs){.items = items, .count = words.count};
}

static void keep_flags(struct imap_session *s, struct imap_strs flags)
{
	arena_reset(&s->flags_arena);
	s->mailbox.flags = copy_words(&s->flags_arena, flags);
}

static void keep_permanent_flags(struct imap_session *s, struct imap_strs flags)
{
	struct imap_mailbox *mailbox = &s->mailbox;

	arena_reset(&s->permanent_arena);
	mailbox->permanent_flags = copy_words(&s->permanent_arena, flags);
	mailbox->has_permanent_flags = true;
	mailbox->new_keywords = false;
	for (size_t i = 0; i < flags.count; i++) {
		if (str_eq(flags.items[i], STR("\\*")))
			mailbox->new_keywords = true;
	}
}

static void keep_mailboxid(struct imap_session *s, struct str id)
{
	arena_reset(&s->id_arena);
	s->mailbox.mailboxid = arena_str(&s->id_arena, id);
}

/* What a response code tells about the selected mailbox. */
static void track_mailbox_code(
	struct imap_session *s, const struct imap_code *code)
{
	struct imap_mailbox *mailbox = &s->mailbox;

	switch (code->kind) {
	case IMAP_CODE_UIDVALIDITY:
		mailbox->uidvalidity = code->number;
		break;
	case IMAP_CODE_UIDNEXT:
		mailbox->uidnext = code->number;
		break;
	case IMAP_CODE_HIGHESTMODSEQ:
		mailbox->highestmodseq = code->number;
		break;
	case IMAP_CODE_NOMODSEQ:
		mailbox->nomodseq = true;
		break;
	case IMAP_CODE_UIDNOTSTICKY:
		mailbox->uid_not_sticky = true;
		break;
	case IMAP_CODE_READ_ONLY:
		mailbox->read_only = true;
		break;
	case IMAP_CODE_PERMANENTFLAGS:
		keep_permanent_flags(s, code->words);
		break;
	case IMAP_CODE_MAILBOXID:
		keep_mailboxid(s, code->id);
		break;
	default:
		break;
	}
}

static void track_code(struct imap_session *s, const struct imap_code *code)
{
	if (code->kind == IMAP_CODE_CAPABILITY)
		caps_learn(s, code->caps);
	else if (s->mailbox.handle != 0)
		track_mailbox_code(s, code);
}

void imap_track_greeting(
	struct imap_session *s, const struct imap_response *response)
{
	const struct imap_status_line *line = &response->line;

	track_code(s, &line->code);
	switch (line->condition) {
	case IMAP_PREAUTH:
		s->state = IMAP_STATE_AUTHENTICATED;
		break;
	case IMAP_BYE:
		s->state = IMAP_STATE_LOGOUT;
		s->closing = true;
		break;
	default:
		s->state = IMAP_STATE_NOT_AUTHENTICATED;
		break;
	}
}

/* LOGOUT's BYE is followed by its OK; any other is the last word. */
static void track_bye(struct imap_session *s)
{
	const struct imap_call *front = imap_queue_front(s);
	bool first = s->state != IMAP_STATE_LOGOUT;

	s->state = IMAP_STATE_LOGOUT;
	if (front == NULL || front->kind != IMAP_LOGOUT || !first)
		s->closing = true;
}

static void track_enabled(struct imap_session *s, struct imap_strs words)
{
	enum imap_cap cap;

	for (size_t i = 0; i < words.count; i++) {
		if (imap_cap_find(words.items[i], &cap))
			s->enabled |= (uint64_t)1 << cap;
	}
	/* RFC 7162 section 3.2.3 */
	if (imap_session_enabled(s, IMAP_CAP_QRESYNC))
		s->enabled |= (uint64_t)1 << IMAP_CAP_CONDSTORE;
}

static void track_gone(struct imap_session *s, uint64_t count)
{
	struct imap_mailbox *mailbox = &s->mailbox;

	if (count > mailbox->exists)
		count = mailbox->exists;
	mailbox->exists -= (uint32_t)count;
}

void imap_track_untagged(
	struct imap_session *s, const struct imap_response *response)
{
	track_switch(s, response);
	switch (response->kind) {
	case IMAP_RESPONSE_CONDITION:
		track_code(s, &response->line.code);
		if (response->line.condition == IMAP_BYE)
			track_bye(s);
		break;
	case IMAP_RESPONSE_CAPABILITY:
		caps_learn(s, response->caps);
		break;
	case IMAP_RESPONSE_ENABLED:
		track_enabled(s, response->words);
		break;
	case IMAP_RESPONSE_EXISTS:
		s->mailbox.exists = response->number;
		break;
	case IMAP_RESPONSE_EXPUNGE:
		track_gone(s, 1);
		break;
	case IMAP_RESPONSE_VANISHED:
		if (!response->vanished.earlier)
			track_gone(s, imap_set_size(response->vanished.uids));
		break;
	case IMAP_RESPONSE_FLAGS:
		keep_flags(s, response->words);
		break;
	default:
		break;
	}
}

static void track_login(struct imap_session *s, const struct imap_call *call)
{
	s->state = IMAP_STATE_AUTHENTICATED;
	if (!call->caps_told)
		caps_forget(s);
}

/* What was foreseen for after the login is over, however that went. */
static void track_login_answered(
	struct imap_session *s, const struct imap_call *call, bool ok)
{
	if (s->caps_foreseen && !ok)
		caps_forget(s);
	s->caps_foreseen = false;
	if (ok)
		track_login(s, call);
}

static void track_selected(
	struct imap_session *s, const struct imap_call *call, bool ok)
{
	if (!ok) {
		mailbox_forget(s);
		return;
	}
	if (s->mailbox.handle != call->handle)
		mailbox_begin(s, call);
	s->mailbox.ready = true;
	s->state = IMAP_STATE_SELECTED;
}

static void track_ok(struct imap_session *s, const struct imap_call *call)
{
	switch (call->kind) {
	case IMAP_STARTTLS:
		caps_forget(s);
		s->halt = IMAP_HALT_STARTTLS;
		imap_parser_cut(s->parser, NULL);
		break;
	case IMAP_COMPRESS:
		s->halt = IMAP_HALT_COMPRESS;
		imap_parser_cut(s->parser, &s->deflated);
		break;
	case IMAP_CLOSE:
	case IMAP_UNSELECT:
		mailbox_forget(s);
		break;
	case IMAP_LOGOUT:
		s->closing = true;
		break;
	default:
		break;
	}
}

void imap_track_tagged(struct imap_session *s, const struct imap_call *call,
	const struct imap_response *response)
{
	bool ok = response->line.condition == IMAP_OK;

	if (ok)
		track_ok(s, call);
	if (imap_is_login(call->kind))
		track_login_answered(s, call, ok);
	if (imap_is_select(call->kind))
		track_selected(s, call, ok);
	/* CREATE's MAILBOXID is that of the mailbox it made (RFC 8474). */
	if (call->kind != IMAP_CREATE)
		track_code(s, &response->line.code);
	imap_track_front(s);
}

void imap_track_secured(struct imap_session *s)
{
	check(s->halt == IMAP_HALT_STARTTLS);
	imap_parser_cut(s->parser, NULL);
	s->halt = IMAP_HALT_NOT;
}
