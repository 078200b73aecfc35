/* How: one printer for each kind of response, found by a switch. */
#include "imap_event.h"

#include "godwit/imap/base64.h"
#include "godwit/imap/writer.h"

#include <inttypes.h>

static void add_words(struct buf *out, struct imap_strs words)
{
	buf_addz(out, " ");
	imap_write_words(out, words);
}

static void add_set(
	struct buf *out, const char *name, const struct imap_set *set)
{
	buf_addf(out, "%s", name);
	if (set->count == 0)
		buf_addz(out, "none");
	else
		imap_set_print(set, out);
}

static void add_number(struct buf *out, const char *name, uint64_t number)
{
	buf_addf(out, " %s %" PRIu64, name, number);
}

static void add_code(struct buf *out, const struct imap_code *code)
{
	if (code->kind == IMAP_CODE_NONE)
		return;
	if (code->kind == IMAP_CODE_OTHER) {
		buf_addf(out, " [other %.*s]", STR_FMT(code->name));
		return;
	}
	buf_addf(out, " [%.*s", STR_FMT(code->name));
	if (code->number != 0)
		buf_addf(out, " %" PRIu64, code->number);
	if (code->uidvalidity != 0)
		buf_addf(out, " %" PRIu64, code->uidvalidity);
	if (code->source != NULL)
		add_set(out, " ", code->source);
	if (code->uids != NULL)
		add_set(out, " ", code->uids);
	if (code->words.count > 0)
		add_words(out, code->words);
	if (code->id.len > 0)
		buf_addf(out, " (%.*s)", STR_FMT(code->id));
	if (code->caps != NULL) {
		buf_addz(out, " ");
		imap_caps_print(code->caps, out);
	}
	buf_addz(out, "]");
}

static void add_line(struct buf *out, const struct imap_status_line *line)
{
	static const char *const conditions[] = {
		[IMAP_OK] = "OK",
		[IMAP_NO] = "NO",
		[IMAP_BAD] = "BAD",
		[IMAP_PREAUTH] = "PREAUTH",
		[IMAP_BYE] = "BYE",
	};

	buf_addz(out, conditions[line->condition]);
	add_code(out, &line->code);
}

static void add_delimiter(struct buf *out, char delimiter)
{
	buf_addz(out, " ");
	if (delimiter == '\0')
		buf_addz(out, "NIL");
	else
		imap_write_quoted(
			out, (struct str){.ptr = &delimiter, .len = 1});
	buf_addz(out, " ");
}

static void add_list(struct buf *out, const struct imap_list *list)
{
	buf_addz(out, list->lsub ? "lsub " : "list ");
	imap_write_list_attrs(out, list->attrs);
	add_delimiter(out, list->delimiter);
	imap_write_quoted(out, list->name);
}

static void add_status(struct buf *out, const struct imap_status *status)
{
	const struct {
		unsigned item;
		uint64_t number;
	} numbers[] = {
		{IMAP_STATUS_MESSAGES, status->messages},
		{IMAP_STATUS_UIDNEXT, status->uidnext},
		{IMAP_STATUS_UIDVALIDITY, status->uidvalidity},
		{IMAP_STATUS_UNSEEN, status->unseen},
		{IMAP_STATUS_RECENT, status->recent},
		{IMAP_STATUS_HIGHESTMODSEQ, status->highestmodseq},
		{IMAP_STATUS_SIZE, status->size},
		{IMAP_STATUS_DELETED, status->deleted},
		{IMAP_STATUS_APPENDLIMIT, status->append_limit},
	};

	buf_addz(out, "status ");
	imap_write_quoted(out, status->name);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		if ((status->present & numbers[i].item) == 0)
			continue;
		buf_addz(out, " ");
		imap_write_status_items(out, numbers[i].item);
		buf_addf(out, " %" PRIu64, numbers[i].number);
	}
	if ((status->present & IMAP_STATUS_MAILBOXID) != 0)
		buf_addf(out, " MAILBOXID (%.*s)", STR_FMT(status->mailboxid));
}

static void add_namespaces(struct buf *out, const struct imap_namespaces *all)
{
	buf_addz(out, "namespace");
	for (int kind = 0; kind < IMAP_NAMESPACE_KINDS; kind++) {
		buf_addz(out, " (");
		for (size_t i = 0; i < all->count[kind]; i++) {
			buf_addz(out, "(");
			imap_write_quoted(out, all->items[kind][i].prefix);
			add_delimiter(out, all->items[kind][i].delimiter);
			out->len--;
			buf_addz(out, ")");
		}
		buf_addz(out, ")");
	}
}

static void add_id(struct buf *out, struct imap_strs pairs)
{
	buf_addz(out, "id");
	for (size_t i = 0; i < pairs.count; i++) {
		buf_addz(out, " ");
		imap_write_nstring(out, pairs.items[i]);
	}
}

static void add_fetch_content(struct buf *out, const struct imap_fetch *fetch)
{
	if ((fetch->present & IMAP_FETCH_HEADER) != 0) {
		if (fetch->header_nil)
			buf_addz(out, " header NIL");
		else if (fetch->header_not_kept)
			buf_addz(out, " header not kept");
		else
			add_number(out, "header", fetch->header.len);
	}
	if ((fetch->present & IMAP_FETCH_HEADER_PART) != 0)
		add_number(out, "header-part", fetch->header_part.len);
	if ((fetch->present & IMAP_FETCH_BODY) != 0) {
		if (fetch->body_nil)
			buf_addz(out, " body NIL");
		else
			add_number(out, "body", fetch->body_bytes);
	}
}

static void add_fetch(struct buf *out, const struct imap_fetch *fetch)
{
	buf_addf(out, "fetch %" PRIu32, fetch->seq);
	if ((fetch->present & IMAP_FETCH_UID) != 0)
		add_number(out, "uid", fetch->uid);
	if ((fetch->present & IMAP_FETCH_FLAGS) != 0) {
		buf_addz(out, " flags");
		add_words(out, fetch->flags);
	}
	if ((fetch->present & IMAP_FETCH_INTERNALDATE) != 0) {
		buf_addz(out, " date ");
		imap_write_date(out, fetch->date);
	}
	if ((fetch->present & IMAP_FETCH_SIZE) != 0)
		add_number(out, "size", fetch->size);
	if ((fetch->present & IMAP_FETCH_MODSEQ) != 0)
		add_number(out, "modseq", fetch->modseq);
	if ((fetch->present & IMAP_FETCH_EMAILID) != 0)
		buf_addf(out, " emailid %.*s", STR_FMT(fetch->emailid));
	if ((fetch->present & IMAP_FETCH_GM_MSGID) != 0)
		add_number(out, "gm-msgid", fetch->gm_msgid);
	add_fetch_content(out, fetch);
}

static void add_body(struct buf *out, const struct imap_body *body)
{
	buf_addf(out, "body of %" PRIu32 " uid %" PRIu32 " octets %" PRIu64,
		body->seq, body->uid, body->octets);
	if (body->partial)
		add_number(out, "from", body->offset);
	if (body->binary)
		buf_addz(out, " binary");
}

static void add_search(struct buf *out, const struct imap_search *search)
{
	if (search->uid)
		buf_addz(out, " uid");
	if ((search->present & IMAP_RETURN_MIN) != 0)
		add_number(out, "min", search->min);
	if ((search->present & IMAP_RETURN_MAX) != 0)
		add_number(out, "max", search->max);
	if ((search->present & IMAP_RETURN_COUNT) != 0)
		add_number(out, "count", search->count);
	if ((search->present & IMAP_RETURN_ALL) != 0)
		add_set(out, " all ", search->all);
	if (search->modseq != 0)
		add_number(out, "modseq", search->modseq);
}

static void add_vanished(struct buf *out, const struct imap_vanished *vanished)
{
	add_set(out, vanished->earlier ? "vanished earlier " : "vanished ",
		vanished->uids);
}

/* Those whose names alone tell what comes with them. */
static bool add_simple(struct buf *out, const struct imap_response *response)
{
	switch (response->kind) {
	case IMAP_RESPONSE_ENABLED:
		buf_addz(out, "enabled");
		add_words(out, response->words);
		return true;
	case IMAP_RESPONSE_FLAGS:
		buf_addz(out, "flags");
		add_words(out, response->words);
		return true;
	case IMAP_RESPONSE_EXISTS:
		buf_addf(out, "exists %" PRIu32, response->number);
		return true;
	case IMAP_RESPONSE_RECENT:
		buf_addf(out, "recent %" PRIu32, response->number);
		return true;
	case IMAP_RESPONSE_EXPUNGE:
		buf_addf(out, "expunge %" PRIu32, response->number);
		return true;
	case IMAP_RESPONSE_CAPABILITY:
		buf_addz(out, "capability ");
		imap_caps_print(response->caps, out);
		return true;
	default:
		return false;
	}
}

static void add_untagged(struct buf *out, const struct imap_response *response)
{
	if (add_simple(out, response))
		return;
	switch (response->kind) {
	case IMAP_RESPONSE_CONDITION:
		add_line(out, &response->line);
		break;
	case IMAP_RESPONSE_LIST:
		add_list(out, &response->list);
		break;
	case IMAP_RESPONSE_STATUS:
		add_status(out, &response->status);
		break;
	case IMAP_RESPONSE_NAMESPACE:
		add_namespaces(out, &response->namespaces);
		break;
	case IMAP_RESPONSE_ID:
		add_id(out, response->words);
		break;
	case IMAP_RESPONSE_VANISHED:
		add_vanished(out, &response->vanished);
		break;
	case IMAP_RESPONSE_FETCH:
		add_fetch(out, &response->fetch);
		break;
	case IMAP_RESPONSE_BODY_BEGIN:
		add_body(out, &response->body);
		break;
	case IMAP_RESPONSE_BODY_END:
		buf_addz(out, "body end");
		break;
	case IMAP_RESPONSE_SEARCH:
		buf_addz(out, "search");
		add_search(out, &response->search);
		break;
	case IMAP_RESPONSE_ESEARCH:
		buf_addz(out, "esearch");
		add_search(out, &response->search);
		break;
	default:
		break;
	}
}

static void add_challenge(struct buf *out, struct str bytes)
{
	bool text = true;

	for (size_t i = 0; i < bytes.len; i++)
		text = text && bytes.ptr[i] >= 0x20 && bytes.ptr[i] < 0x7f;
	buf_addz(out, "challenge ");
	if (text)
		imap_write_quoted(out, bytes);
	else
		imap_base64_encode(bytes, out);
}

void event_describe(const struct imap_event *event, struct buf *out)
{
	switch (event->kind) {
	case IMAP_EVENT_GREETING:
		buf_addz(out, "greeting ");
		add_line(out, &event->response->line);
		break;
	case IMAP_EVENT_TAGGED:
		buf_addf(out, "%s ", imap_command_name(event->command));
		add_line(out, &event->response->line);
		break;
	case IMAP_EVENT_UNTAGGED:
		add_untagged(out, event->response);
		break;
	case IMAP_EVENT_CHALLENGE:
		add_challenge(out, event->bytes);
		break;
	case IMAP_EVENT_IDLING:
		buf_addz(out, "idling");
		break;
	case IMAP_EVENT_LITERAL_WANTED:
		break;
	}
}
