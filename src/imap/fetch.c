/*
 * How: an item at a time, so that reading can stop at a body and go on behind
 * it. What an item says is stored before the next is begun; strings are copied
 * only when more text has to come before the FETCH is complete. An item cut off
 * by a literal that is to be kept is read again from its start, which no server
 * can make happen more than once for an item; an unknown value is skipped a
 * literal at a time and never read twice.
 */
#include "parts.h"
#include "words.h"

enum att {
	ATT_UNKNOWN,
	ATT_UID,
	ATT_FLAGS,
	ATT_INTERNALDATE,
	ATT_SIZE,
	ATT_MODSEQ,
	ATT_EMAILID,
	ATT_GM_MSGID,
	ATT_HEADER,
	ATT_HEADER_PART, /* BODY[HEADER]<0> */
	ATT_BODY,
};

#define NAME(literal)                                                          \
	{                                                                      \
		.ptr = (literal), .len = sizeof(literal) - 1                   \
	}

/* Those that come most often first. */
static const struct {
	struct str name;
	enum att att;
} atts[] = {
	{NAME("UID"), ATT_UID},
	{NAME("FLAGS"), ATT_FLAGS},
	{NAME("BODY[]"), ATT_BODY},
	{NAME("MODSEQ"), ATT_MODSEQ},
	{NAME("RFC822.SIZE"), ATT_SIZE},
	{NAME("INTERNALDATE"), ATT_INTERNALDATE},
	{NAME("BODY[HEADER]"), ATT_HEADER},
	{NAME("EMAILID"), ATT_EMAILID},
	{NAME("X-GM-MSGID"), ATT_GM_MSGID},
	{NAME("RFC822"), ATT_BODY},
	{NAME("RFC822.HEADER"), ATT_HEADER},
};

/* What is being read, and with what. */
struct reading {
	struct imap_fetch_reading *state;
	struct imap_lexer lexer;
	size_t item; /* where the item at hand begins */
	struct imap_reader *reader;
	struct imap_response *response;
};

static struct str own(struct reading *r, struct str s)
{
	return r->state->pending && s.ptr != NULL ? arena_str(r->lexer.arena, s)
						  : s;
}

/* msg-att's name: up to SP or "(", but not within [...] */
static bool lex_att_name(struct imap_lexer *lexer, struct str *name_r)
{
	size_t start = lexer->at;
	bool section = false;
	char c;

	while ((c = imap_lex_peek(lexer)) != '\0' && c != '\r' && c != '\n') {
		if (!section && (c == ' ' || c == '(' || c == ')'))
			break;
		section = c == '[' || (section && c != ']');
		lexer->at++;
	}
	*name_r = str_sub(lexer->text, start, lexer->at - start);
	return name_r->len > 0 || imap_lex_fail(lexer, "a FETCH item");
}

/* Takes "<" number ">" off the end of *name. */
static bool take_origin(struct str *name, uint64_t *origin_r)
{
	size_t angle = str_find(*name, '<');

	if (angle == name->len || !str_ends(*name, STR(">")))
		return false;
	if (!str_u64(
		    str_sub(*name, angle + 1, name->len - angle - 2), origin_r))
		return false;
	name->len = angle;
	return true;
}

static enum att att_of(struct str name)
{
	for (size_t i = 0; i < sizeof(atts) / sizeof(atts[0]); i++) {
		if (str_ieq(name, atts[i].name))
			return atts[i].att;
	}
	return ATT_UNKNOWN;
}

static bool lex_flags(struct reading *r)
{
	struct imap_fetch *fetch = &r->state->fetch;
	struct str *flags;

	if ((fetch->present & IMAP_FETCH_FLAGS) != 0)
		return imap_lex_fail(&r->lexer, "FLAGS once");
	if (!imap_lex_words(&r->lexer, &fetch->flags))
		return false;
	fetch->present |= IMAP_FETCH_FLAGS;
	if (!r->state->pending || fetch->flags.count == 0)
		return true;
	flags = arena_array(r->lexer.arena, fetch->flags.count, sizeof(*flags));
	for (size_t i = 0; i < fetch->flags.count; i++)
		flags[i] = own(r, fetch->flags.items[i]);
	fetch->flags.items = flags;
	return true;
}

/* A date that cannot be read counts as none (Domino: 00-Jan-0000). */
static bool lex_date(struct reading *r)
{
	struct imap_fetch *fetch = &r->state->fetch;
	struct str text;

	if (!imap_lex_nstring(&r->lexer, &text))
		return false;
	if (text.ptr != NULL && imap_date_parse(text, &fetch->date))
		fetch->present |= IMAP_FETCH_INTERNALDATE;
	return true;
}

/* A number, or one in parentheses (MODSEQ); 0 and NIL count as none. */
static bool lex_number_item(
	struct reading *r, enum imap_fetch_item item, uint64_t *number_r)
{
	bool list = imap_lex_take(&r->lexer, '(');

	*number_r = 0;
	if (!imap_lex_take_word(&r->lexer, "NIL") &&
		!imap_lex_number(&r->lexer, number_r))
		return false;
	if (list && !imap_lex_expect(&r->lexer, ')'))
		return false;
	if (*number_r != 0 || item == IMAP_FETCH_SIZE)
		r->state->fetch.present |= item;
	return true;
}

static bool lex_uid(struct reading *r)
{
	uint64_t uid;

	if (!lex_number_item(r, IMAP_FETCH_UID, &uid))
		return false;
	if (uid > UINT32_MAX)
		return imap_lex_fail(&r->lexer, "a UID of 32 bits");
	r->state->fetch.uid = (uint32_t)uid;
	return true;
}

/* "EMAILID" SP "(" objectid ")" or NIL, RFC 8474 */
static bool lex_emailid(struct reading *r)
{
	struct imap_strs id;

	if (!imap_lex_words(&r->lexer, &id))
		return false;
	if (id.count > 0) {
		r->state->fetch.emailid = own(r, id.items[0]);
		r->state->fetch.present |= IMAP_FETCH_EMAILID;
	}
	return true;
}

static bool lex_header(struct reading *r)
{
	struct imap_fetch *fetch = &r->state->fetch;
	struct str header;

	if (!imap_lex_nstring(&r->lexer, &header))
		return false;
	fetch->header = own(r, header);
	fetch->header_nil = header.ptr == NULL;
	fetch->present |= IMAP_FETCH_HEADER;
	return true;
}

/* One that is NIL says nothing. */
static bool lex_header_part(struct reading *r)
{
	struct imap_fetch *fetch = &r->state->fetch;
	struct str part;

	if (!imap_lex_nstring(&r->lexer, &part))
		return false;
	fetch->header_part = own(r, part);
	if (part.ptr != NULL)
		fetch->present |= IMAP_FETCH_HEADER_PART;
	return true;
}

static bool lex_item(struct reading *r, enum att att)
{
	struct imap_fetch *fetch = &r->state->fetch;

	switch (att) {
	case ATT_UID:
		return lex_uid(r);
	case ATT_FLAGS:
		return lex_flags(r);
	case ATT_INTERNALDATE:
		return lex_date(r);
	case ATT_SIZE:
		return lex_number_item(r, IMAP_FETCH_SIZE, &fetch->size);
	case ATT_MODSEQ:
		return lex_number_item(r, IMAP_FETCH_MODSEQ, &fetch->modseq);
	case ATT_EMAILID:
		return lex_emailid(r);
	case ATT_GM_MSGID:
		return lex_number_item(
			r, IMAP_FETCH_GM_MSGID, &fetch->gm_msgid);
	case ATT_HEADER:
		return lex_header(r);
	case ATT_HEADER_PART:
		return lex_header_part(r);
	case ATT_BODY:
	case ATT_UNKNOWN:
		break;
	}
	return false;
}

/* Reads on from here when the reader has brought more. */
static void await_text(struct reading *r)
{
	r->state->text = (struct str){0};
}

static enum imap_fetch_next wrong(struct reading *r, const char *expected)
{
	(void)imap_lex_fail(&r->lexer, expected);
	return IMAP_FETCH_WRONG;
}

/* Stops at the literal that is to come: the text before `keep_from` is done. */
static void stop_at_literal(struct reading *r, size_t keep_from)
{
	imap_reader_consume(r->reader, keep_from);
	await_text(r);
}

/* The literal goes into memory, and the item is read once more with it. */
static enum imap_fetch_next keep_literal(struct reading *r, enum att att)
{
	stop_at_literal(r, r->item);
	if (imap_reader_keep(r->reader))
		return IMAP_FETCH_READ;
	if (att != ATT_HEADER)
		return wrong(r, "a shorter literal");
	r->state->fetch.header_not_kept = true;
	imap_reader_drop(r->reader);
	return IMAP_FETCH_READ;
}

/* Skips a value, or as much of it as there is; the rest then comes later. */
static bool skip_value(struct reading *r)
{
	size_t from;
	struct imap_literal literal;

	r->state->step = IMAP_FETCH_ITEMS;
	if (imap_lex_skip(&r->lexer, &r->state->depth))
		return true;
	if (!r->lexer.cut || !r->state->pending ||
		!imap_literal_parse(r->lexer.text, &from, &literal))
		return false;
	r->state->step = IMAP_FETCH_SKIP;
	stop_at_literal(r, from);
	imap_reader_drop(r->reader);
	return true;
}

static void begin_body(
	struct reading *r, uint64_t octets, const uint64_t *origin)
{
	const struct imap_fetch *fetch = &r->state->fetch;

	r->state->fetch.present |= IMAP_FETCH_BODY;
	r->response->kind = IMAP_RESPONSE_BODY_BEGIN;
	r->response->body = (struct imap_body){
		.octets = octets,
		.partial = origin != NULL,
		.offset = origin != NULL ? *origin : 0,
		.uid = fetch->uid,
		.seq = fetch->seq,
	};
}

static enum imap_fetch_next stream_body(
	struct reading *r, const uint64_t *origin)
{
	const struct imap_literal *literal = imap_reader_literal(r->reader);

	begin_body(r, literal->octets, origin);
	r->response->body.binary = literal->binary;
	r->state->step = IMAP_FETCH_STREAM;
	await_text(r);
	imap_reader_stream(r->reader);
	return IMAP_FETCH_GIVE;
}

/* A body that is NIL or quoted; one that is a literal is streamed. */
static enum imap_fetch_next lex_body(struct reading *r, const uint64_t *origin)
{
	struct imap_lexer ahead = r->lexer;
	struct str body;

	if ((r->state->fetch.present & IMAP_FETCH_BODY) != 0)
		return wrong(r, "one body");
	if (imap_lex_nstring(&ahead, &body)) {
		r->lexer = ahead;
		if (body.ptr == NULL) {
			r->state->fetch.present |= IMAP_FETCH_BODY;
			r->state->fetch.body_nil = true;
			return IMAP_FETCH_READ;
		}
		begin_body(r, body.len, origin);
		r->state->quoted = body;
		r->state->step = IMAP_FETCH_QUOTED;
		return IMAP_FETCH_GIVE;
	}
	if (ahead.cut && r->state->pending)
		return stream_body(r, origin);
	return wrong(r, "a body");
}

/* Reads one item. READ: it is done, or the reader must go on (text empty). */
static enum imap_fetch_next next_item(struct reading *r)
{
	uint64_t origin;
	struct str name;
	bool partial;
	enum att att;

	if (!lex_att_name(&r->lexer, &name))
		return IMAP_FETCH_WRONG;
	imap_lex_spaces(&r->lexer);
	partial = take_origin(&name, &origin);
	att = att_of(name);
	if (att == ATT_HEADER && partial && origin == 0) {
		att = ATT_HEADER_PART;
		partial = false;
	}
	if (att == ATT_BODY)
		return lex_body(r, partial ? &origin : NULL);
	if (att == ATT_UNKNOWN || partial)
		return skip_value(r) ? IMAP_FETCH_READ : IMAP_FETCH_WRONG;
	if (lex_item(r, att))
		return IMAP_FETCH_READ;
	if (r->lexer.cut && r->state->pending)
		return keep_literal(r, att);
	return IMAP_FETCH_WRONG;
}

static enum imap_fetch_next finish(struct reading *r)
{
	r->state->step = IMAP_FETCH_OFF;
	r->response->kind = IMAP_RESPONSE_FETCH;
	r->response->fetch = r->state->fetch;
	return IMAP_FETCH_GIVE;
}

/* Items until the list ends, a body begins, or the text is used up. */
static enum imap_fetch_next read_items(struct reading *r)
{
	enum imap_fetch_next next = IMAP_FETCH_READ;

	while (next == IMAP_FETCH_READ && r->state->text.ptr != NULL) {
		if (r->state->step == IMAP_FETCH_SKIP) {
			if (!skip_value(r))
				return IMAP_FETCH_WRONG;
			continue;
		}
		imap_lex_spaces(&r->lexer);
		r->item = r->lexer.at;
		if (imap_lex_take(&r->lexer, ')'))
			return r->state->pending ? wrong(r, "CRLF") : finish(r);
		next = next_item(r);
	}
	return next;
}

static enum imap_fetch_next give_quoted(
	struct imap_fetch_reading *reading, struct imap_response *response)
{
	if (reading->step == IMAP_FETCH_QUOTED && reading->quoted.len > 0) {
		reading->step = IMAP_FETCH_QUOTED_END;
		response->kind = IMAP_RESPONSE_BODY_CHUNK;
		response->text = reading->quoted;
		reading->fetch.body_bytes = reading->quoted.len;
	} else {
		reading->step = IMAP_FETCH_ITEMS;
		response->kind = IMAP_RESPONSE_BODY_END;
	}
	return IMAP_FETCH_GIVE;
}

void imap_fetch_begin(
	struct imap_fetch_reading *reading, uint32_t seq, uint32_t uid)
{
	*reading = (struct imap_fetch_reading){
		.step = IMAP_FETCH_ITEMS,
		.fetch = {.seq = seq,
			.uid = uid,
			.present = uid != 0 ? IMAP_FETCH_UID : 0},
	};
}

enum imap_fetch_next imap_fetch_continue(struct imap_fetch_reading *reading,
	struct imap_reader *reader, struct arena *arena,
	struct imap_response *response_r, const char **wrong_r)
{
	struct reading r = {
		.state = reading, .reader = reader, .response = response_r};
	enum imap_fetch_next next;

	if (reading->step == IMAP_FETCH_QUOTED ||
		reading->step == IMAP_FETCH_QUOTED_END)
		return give_quoted(reading, response_r);
	imap_lexer_init(&r.lexer, arena, reading->text);
	r.lexer.at = reading->at;
	r.lexer.announces = reading->pending;
	next = read_items(&r);
	reading->at = r.lexer.at;
	*wrong_r = r.lexer.wrong;
	return next;
}
