/*
 * How: one reader for each untagged response, found by its name in a table.
 * They take what servers in the field send, not only what RFC 3501 allows;
 * where one is known for an oddity it is named there.
 */
#include "godwit/base/limits.h"
#include "godwit/imap/writer.h"
#include "names.h"
#include "parts.h"
#include "words.h"

typedef bool lex_response(struct imap_lexer *lexer,
	struct imap_scratch *scratch, struct imap_response *response);

/* Domino writes its delimiter as "\" without doubling the backslash. */
static bool take_bare_backslash(struct imap_lexer *lexer)
{
	struct str rest = str_sub(lexer->text, lexer->at, lexer->text.len);

	if (!str_starts(rest, STR("\"\\\" ")))
		return false;
	lexer->at += 3;
	return true;
}

/* (DQUOTE QUOTED-CHAR DQUOTE / nil) */
static bool lex_delimiter(struct imap_lexer *lexer, char *delimiter_r)
{
	struct str quoted;

	*delimiter_r = '\0';
	if (imap_lex_take_word(lexer, "NIL"))
		return true;
	if (take_bare_backslash(lexer)) {
		*delimiter_r = '\\';
		return true;
	}
	if (!imap_lex_astring(lexer, &quoted))
		return false;
	if (quoted.len > 0)
		*delimiter_r = quoted.ptr[0];
	return true;
}

/* A name at the end of a line: unquoted, it may even hold spaces. */
static bool lex_last_name(struct imap_lexer *lexer, struct str *name_r)
{
	char c = imap_lex_peek(lexer);
	size_t start = lexer->at;
	struct str rest;

	if (!imap_lex_name(lexer, name_r))
		return false;
	imap_lex_spaces(lexer);
	if (c == '"' || c == '{' || imap_lex_peek(lexer) == '(')
		return true; /* what follows is LIST-EXTENDED's: skipped */
	lexer->at = start;
	rest = imap_lex_rest(lexer);
	while (str_ends(rest, STR(" ")))
		rest.len--;
	*name_r = rest;
	return true;
}

/* mailbox-list = "(" [mbx-list-flags] ")" SP delimiter SP mailbox */
static bool lex_list(struct imap_lexer *lexer, struct imap_scratch *scratch,
	struct imap_response *response)
{
	struct imap_strs words;

	(void)scratch;
	response->kind = IMAP_RESPONSE_LIST;
	if (!imap_lex_words(lexer, &words))
		return false;
	for (size_t i = 0; i < words.count; i++)
		response->list.attrs |= imap_list_attr_of(words.items[i]);
	imap_lex_spaces(lexer);
	if (!lex_delimiter(lexer, &response->list.delimiter))
		return false;
	imap_lex_spaces(lexer);
	return lex_last_name(lexer, &response->list.name);
}

static bool lex_lsub(struct imap_lexer *lexer, struct imap_scratch *scratch,
	struct imap_response *response)
{
	response->list.lsub = true;
	return lex_list(lexer, scratch, response);
}

static uint64_t *status_number(struct imap_status *status, unsigned item)
{
	switch (item) {
	case IMAP_STATUS_MESSAGES:
		return &status->messages;
	case IMAP_STATUS_UIDNEXT:
		return &status->uidnext;
	case IMAP_STATUS_UIDVALIDITY:
		return &status->uidvalidity;
	case IMAP_STATUS_UNSEEN:
		return &status->unseen;
	case IMAP_STATUS_RECENT:
		return &status->recent;
	case IMAP_STATUS_HIGHESTMODSEQ:
		return &status->highestmodseq;
	case IMAP_STATUS_SIZE:
		return &status->size;
	case IMAP_STATUS_DELETED:
		return &status->deleted;
	case IMAP_STATUS_APPENDLIMIT:
		return &status->append_limit;
	default:
		return NULL;
	}
}

/* One item of a STATUS answer; NIL counts as not said. */
static bool lex_status_item(
	struct imap_lexer *lexer, struct imap_status *status)
{
	struct str name;
	unsigned item;
	uint64_t *number;
	unsigned depth = 0;
	struct imap_strs id;

	if (!imap_lex_atom(lexer, &name))
		return false;
	item = imap_status_item_of(name);
	number = status_number(status, item);
	imap_lex_spaces(lexer);
	if (imap_lex_take_word(lexer, "NIL"))
		return true;
	status->present |= item;
	if (number != NULL)
		return imap_lex_number(lexer, number);
	if (item != IMAP_STATUS_MAILBOXID)
		return imap_lex_skip(lexer, &depth);
	if (!imap_lex_words(lexer, &id))
		return false;
	if (id.count > 0)
		status->mailboxid = id.items[0];
	return true;
}

/* "STATUS" SP mailbox SP "(" [status-att-list] ")"; 163.com: empty */
static bool lex_status(struct imap_lexer *lexer, struct imap_scratch *scratch,
	struct imap_response *response)
{
	(void)scratch;
	response->kind = IMAP_RESPONSE_STATUS;
	if (!imap_lex_name(lexer, &response->status.name))
		return false;
	imap_lex_spaces(lexer);
	if (!imap_lex_expect(lexer, '('))
		return false;
	imap_lex_spaces(lexer);
	while (!imap_lex_take(lexer, ')')) {
		if (!lex_status_item(lexer, &response->status))
			return false;
		imap_lex_spaces(lexer);
	}
	return true;
}

/* "(" string SP delimiter *(extension) ")" */
static bool lex_namespace(
	struct imap_lexer *lexer, struct imap_namespace *namespace_r)
{
	unsigned depth = 1;

	if (!imap_lex_expect(lexer, '('))
		return false;
	if (!imap_lex_astring(lexer, &namespace_r->prefix))
		return false;
	imap_lex_spaces(lexer);
	return lex_delimiter(lexer, &namespace_r->delimiter) &&
	       imap_lex_skip(lexer, &depth);
}

/* NIL or "(" 1*namespace ")", RFC 2342 */
static bool lex_namespaces(struct imap_lexer *lexer,
	const struct imap_namespace **items_r, size_t *count_r)
{
	struct imap_namespace *items;

	imap_lex_spaces(lexer);
	if (imap_lex_take_word(lexer, "NIL"))
		return true;
	if (!imap_lex_expect(lexer, '('))
		return false;
	items = arena_array(lexer->arena, LIMIT_NAMESPACES, sizeof(*items));
	while (!imap_lex_take(lexer, ')')) {
		if (*count_r == LIMIT_NAMESPACES)
			return imap_lex_fail(lexer, "fewer namespaces");
		if (!lex_namespace(lexer, &items[(*count_r)++]))
			return false;
		imap_lex_spaces(lexer);
	}
	*items_r = items;
	return true;
}

static bool lex_all_namespaces(struct imap_lexer *lexer,
	struct imap_scratch *scratch, struct imap_response *response)
{
	struct imap_namespaces *all = &response->namespaces;

	(void)scratch;
	response->kind = IMAP_RESPONSE_NAMESPACE;
	for (int i = 0; i < IMAP_NAMESPACE_KINDS; i++) {
		if (!lex_namespaces(lexer, &all->items[i], &all->count[i]))
			return false;
	}
	return true;
}

static bool lex_capability(struct imap_lexer *lexer,
	struct imap_scratch *scratch, struct imap_response *response)
{
	response->kind = IMAP_RESPONSE_CAPABILITY;
	scratch->caps = (struct imap_caps){0};
	imap_caps_parse(&scratch->caps, imap_lex_rest(lexer));
	response->caps = &scratch->caps;
	return true;
}

/* "ENABLED" *(SP capability); Courier and others: none at all */
static bool lex_enabled(struct imap_lexer *lexer, struct imap_scratch *scratch,
	struct imap_response *response)
{
	struct imap_words words = {0};
	struct str word;

	(void)scratch;
	response->kind = IMAP_RESPONSE_ENABLED;
	while (!imap_lex_at_end(lexer)) {
		if (!imap_lex_word(lexer, &word) ||
			!imap_words_push(&words, lexer, word))
			return false;
		imap_lex_spaces(lexer);
	}
	response->words = imap_words_get(&words);
	return true;
}

static bool lex_id(struct imap_lexer *lexer, struct imap_scratch *scratch,
	struct imap_response *response)
{
	(void)scratch;
	response->kind = IMAP_RESPONSE_ID;
	return imap_lex_nstrings(lexer, &response->words);
}

static bool lex_flags(struct imap_lexer *lexer, struct imap_scratch *scratch,
	struct imap_response *response)
{
	(void)scratch;
	response->kind = IMAP_RESPONSE_FLAGS;
	return imap_lex_words(lexer, &response->words);
}

/* expunged-resp = "VANISHED" [SP "(EARLIER)"] SP known-uids, RFC 7162 */
static bool lex_vanished(struct imap_lexer *lexer, struct imap_scratch *scratch,
	struct imap_response *response)
{
	struct str set;

	response->kind = IMAP_RESPONSE_VANISHED;
	response->vanished.uids = &scratch->uids;
	if (imap_lex_take(lexer, '(')) {
		response->vanished.earlier =
			imap_lex_take_word(lexer, "EARLIER");
		if (!imap_lex_expect(lexer, ')'))
			return false;
		imap_lex_spaces(lexer);
	}
	return imap_lex_atom(lexer, &set) &&
	       (imap_set_parse(&scratch->uids, set, 0) ||
		       imap_lex_fail(lexer, "a set of UIDs"));
}

/* "(MODSEQ" SP number ")" behind the numbers of SEARCH */
static bool lex_search_modseq(
	struct imap_lexer *lexer, struct imap_search *search)
{
	if (!imap_lex_take_word(lexer, "MODSEQ"))
		return imap_lex_fail(lexer, "MODSEQ");
	imap_lex_spaces(lexer);
	return imap_lex_number(lexer, &search->modseq) &&
	       imap_lex_expect(lexer, ')');
}

/* "SEARCH" *(SP nz-number); Yahoo ends it with a space */
static bool lex_search(struct imap_lexer *lexer, struct imap_scratch *scratch,
	struct imap_response *response)
{
	uint32_t number;

	response->kind = IMAP_RESPONSE_SEARCH;
	response->search.present = IMAP_RETURN_ALL;
	response->search.all = &scratch->uids;
	while (!imap_lex_at_end(lexer)) {
		if (imap_lex_take(lexer, '(')) {
			if (!lex_search_modseq(lexer, &response->search))
				return false;
		} else {
			if (!imap_lex_number32(lexer, &number))
				return false;
			if (number != 0)
				imap_set_push(&scratch->uids, number, number);
		}
		imap_lex_spaces(lexer);
	}
	imap_set_settle(&scratch->uids);
	return true;
}

static bool lex_esearch_all(
	struct imap_lexer *lexer, struct imap_scratch *scratch)
{
	struct str set;

	return imap_lex_atom(lexer, &set) &&
	       (imap_set_parse(&scratch->uids, set, 0) ||
		       imap_lex_fail(lexer, "a set of messages"));
}

/* search-return-data, RFC 4731 */
static bool lex_esearch_item(struct imap_lexer *lexer,
	struct imap_scratch *scratch, struct imap_search *search)
{
	unsigned depth = 0;
	struct str name;
	unsigned item;

	if (!imap_lex_atom(lexer, &name))
		return false;
	imap_lex_spaces(lexer);
	item = imap_names_bit(&imap_return_names, name);
	search->present |= item;
	switch (item) {
	case IMAP_RETURN_MIN:
		return imap_lex_number32(lexer, &search->min);
	case IMAP_RETURN_MAX:
		return imap_lex_number32(lexer, &search->max);
	case IMAP_RETURN_COUNT:
		return imap_lex_number(lexer, &search->count);
	case IMAP_RETURN_ALL:
		return lex_esearch_all(lexer, scratch);
	default:
		if (str_ieq(name, STR("MODSEQ")))
			return imap_lex_number(lexer, &search->modseq);
		return imap_lex_skip(lexer, &depth);
	}
}

/* "(" "TAG" SP string ")" */
static bool lex_correlator(struct imap_lexer *lexer, struct str *tag_r)
{
	if (!imap_lex_take_word(lexer, "TAG"))
		return imap_lex_fail(lexer, "TAG");
	imap_lex_spaces(lexer);
	return imap_lex_astring(lexer, tag_r) && imap_lex_expect(lexer, ')');
}

/* "ESEARCH" [search-correlator] [SP "UID"] *(SP search-return-data) */
static bool lex_esearch(struct imap_lexer *lexer, struct imap_scratch *scratch,
	struct imap_response *response)
{
	struct imap_search *search = &response->search;

	response->kind = IMAP_RESPONSE_ESEARCH;
	search->all = &scratch->uids;
	if (imap_lex_take(lexer, '(') && !lex_correlator(lexer, &search->tag))
		return false;
	imap_lex_spaces(lexer);
	search->uid = imap_lex_take_word(lexer, "UID");
	imap_lex_spaces(lexer);
	while (!imap_lex_at_end(lexer)) {
		if (!lex_esearch_item(lexer, scratch, search))
			return false;
		imap_lex_spaces(lexer);
	}
	return true;
}

static const struct {
	const char *name;
	lex_response *lex;
} responses[] = {
	{"CAPABILITY", lex_capability},
	{"ENABLED", lex_enabled},
	{"ESEARCH", lex_esearch},
	{"FLAGS", lex_flags},
	{"ID", lex_id},
	{"LIST", lex_list},
	{"LSUB", lex_lsub},
	{"NAMESPACE", lex_all_namespaces},
	{"SEARCH", lex_search},
	{"STATUS", lex_status},
	{"VANISHED", lex_vanished},
	{"XLIST", lex_list},
};

/* number SP ("EXISTS" / "RECENT" / "EXPUNGE"); FETCH is not for here */
static bool lex_numbered(
	struct imap_lexer *lexer, struct imap_response *response)
{
	static const struct {
		const char *name;
		enum imap_response_kind kind;
	} numbered[] = {
		{"EXISTS", IMAP_RESPONSE_EXISTS},
		{"RECENT", IMAP_RESPONSE_RECENT},
		{"EXPUNGE", IMAP_RESPONSE_EXPUNGE},
	};
	uint32_t number;

	if (!imap_lex_number32(lexer, &number))
		return false;
	imap_lex_spaces(lexer);
	for (size_t i = 0; i < sizeof(numbered) / sizeof(numbered[0]); i++) {
		if (imap_lex_take_word(lexer, numbered[i].name)) {
			response->kind = numbered[i].kind;
			response->number = number;
		}
	}
	return true;
}

bool imap_lex_data(struct imap_lexer *lexer, struct imap_scratch *scratch,
	struct imap_response *response_r)
{
	char c = imap_lex_peek(lexer);

	imap_set_reset(&scratch->uids);
	response_r->kind = IMAP_RESPONSE_OTHER;
	if (c >= '0' && c <= '9')
		return lex_numbered(lexer, response_r);
	for (size_t i = 0; i < sizeof(responses) / sizeof(responses[0]); i++) {
		if (!imap_lex_take_word(lexer, responses[i].name))
			continue;
		imap_lex_spaces(lexer);
		return responses[i].lex(lexer, scratch, response_r);
	}
	return true;
}
