/*
 * How: one table of response codes with, for each, the shape of its arguments.
 * A code that is unknown, or whose arguments are not what they should be, is
 * OTHER: the server said nothing that could be relied on. MODIFIED alone must
 * be right, since a missing one reads as success. A second table has codes
 * that some servers put where no code belongs.
 */
#include "parts.h"
#include "words.h"

enum shape {
	PLAIN,
	NUMBER,
	WORDS,     /* PERMANENTFLAGS (...) */
	CAPS,      /* CAPABILITY ... */
	ID,        /* MAILBOXID (...) */
	MODIFIED,  /* a set */
	APPENDUID, /* uidvalidity and a list of UIDs */
	COPYUID,   /* uidvalidity and two lists */
};

static const struct {
	const char *name;
	enum imap_code_kind kind;
	enum shape shape;
} codes[] = {
	{"ALERT", IMAP_CODE_ALERT, PLAIN},
	{"ALREADYEXISTS", IMAP_CODE_ALREADYEXISTS, PLAIN},
	{"APPENDUID", IMAP_CODE_APPENDUID, APPENDUID},
	{"AUTHENTICATIONFAILED", IMAP_CODE_AUTHENTICATIONFAILED, PLAIN},
	{"AUTHORIZATIONFAILED", IMAP_CODE_AUTHORIZATIONFAILED, PLAIN},
	{"BADCHARSET", IMAP_CODE_BADCHARSET, PLAIN},
	{"CANNOT", IMAP_CODE_CANNOT, PLAIN},
	{"CAPABILITY", IMAP_CODE_CAPABILITY, CAPS},
	{"CLIENTBUG", IMAP_CODE_CLIENTBUG, PLAIN},
	{"CLOSED", IMAP_CODE_CLOSED, PLAIN},
	{"COMPRESSIONACTIVE", IMAP_CODE_COMPRESSIONACTIVE, PLAIN},
	{"CONTACTADMIN", IMAP_CODE_CONTACTADMIN, PLAIN},
	{"COPYUID", IMAP_CODE_COPYUID, COPYUID},
	{"CORRUPTION", IMAP_CODE_CORRUPTION, PLAIN},
	{"EXPIRED", IMAP_CODE_EXPIRED, PLAIN},
	{"EXPUNGEISSUED", IMAP_CODE_EXPUNGEISSUED, PLAIN},
	{"HASCHILDREN", IMAP_CODE_HASCHILDREN, PLAIN},
	{"HIGHESTMODSEQ", IMAP_CODE_HIGHESTMODSEQ, NUMBER},
	{"INUSE", IMAP_CODE_INUSE, PLAIN},
	{"LIMIT", IMAP_CODE_LIMIT, PLAIN},
	{"MAILBOXID", IMAP_CODE_MAILBOXID, ID},
	{"MESSAGELIMIT", IMAP_CODE_MESSAGELIMIT, PLAIN},
	{"MODIFIED", IMAP_CODE_MODIFIED, MODIFIED},
	{"NOMODSEQ", IMAP_CODE_NOMODSEQ, PLAIN},
	{"NONEXISTENT", IMAP_CODE_NONEXISTENT, PLAIN},
	{"NOPERM", IMAP_CODE_NOPERM, PLAIN},
	{"OVERQUOTA", IMAP_CODE_OVERQUOTA, PLAIN},
	{"PARSE", IMAP_CODE_PARSE, PLAIN},
	{"PERMANENTFLAGS", IMAP_CODE_PERMANENTFLAGS, WORDS},
	{"PRIVACYREQUIRED", IMAP_CODE_PRIVACYREQUIRED, PLAIN},
	{"READ-ONLY", IMAP_CODE_READ_ONLY, PLAIN},
	{"READ-WRITE", IMAP_CODE_READ_WRITE, PLAIN},
	{"SERVERBUG", IMAP_CODE_SERVERBUG, PLAIN},
	{"THROTTLED", IMAP_CODE_THROTTLED, PLAIN},
	{"TOOBIG", IMAP_CODE_TOOBIG, PLAIN},
	{"TRYCREATE", IMAP_CODE_TRYCREATE, PLAIN},
	{"UIDNEXT", IMAP_CODE_UIDNEXT, NUMBER},
	{"UIDNOTSTICKY", IMAP_CODE_UIDNOTSTICKY, PLAIN},
	{"UIDVALIDITY", IMAP_CODE_UIDVALIDITY, NUMBER},
	{"UNAVAILABLE", IMAP_CODE_UNAVAILABLE, PLAIN},
	{"UNKNOWN-CTE", IMAP_CODE_UNKNOWN_CTE, PLAIN},
	{"UNSEEN", IMAP_CODE_UNSEEN, NUMBER},
	{"USEATTR", IMAP_CODE_USEATTR, PLAIN},
};

/* Codes that stand in the text instead of before it. */
static const struct {
	const char *text;
	enum imap_code_kind kind;
} strays[] = {
	/* Gmail: "a1 OK FETCH completed [THROTTLED]" */
	{"[THROTTLED]", IMAP_CODE_THROTTLED},
	/* GNU mailutils: "a1 NO UID COPY [TRYCREATE] failed" */
	{"[TRYCREATE]", IMAP_CODE_TRYCREATE},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct {
	const char *word;
	enum imap_condition condition;
} conditions[] = {
	{"OK", IMAP_OK},
	{"NO", IMAP_NO},
	{"BAD", IMAP_BAD},
	{"BYE", IMAP_BYE},
	{"PREAUTH", IMAP_PREAUTH},
};

/* A list of UIDs in the server's order; an empty one is possible. */
static bool lex_uids(struct imap_lexer *lexer, struct imap_set *uids)
{
	struct str text;

	imap_lex_spaces(lexer);
	if (imap_lex_peek(lexer) == ']')
		return true; /* Outlook.com, hoodiecrow: [COPYUID 1  ] */
	return imap_lex_code_atom(lexer, &text) &&
	       imap_set_parse_list(uids, text, 0);
}

static bool lex_append_uid(struct imap_lexer *lexer,
	struct imap_scratch *scratch, struct imap_code *code)
{
	code->uids = &scratch->uids;
	return imap_lex_number(lexer, &code->uidvalidity) &&
	       lex_uids(lexer, &scratch->uids);
}

static bool lex_copy_uid(struct imap_lexer *lexer, struct imap_scratch *scratch,
	struct imap_code *code)
{
	code->source = &scratch->source;
	code->uids = &scratch->uids;
	return imap_lex_number(lexer, &code->uidvalidity) &&
	       lex_uids(lexer, &scratch->source) &&
	       lex_uids(lexer, &scratch->uids) &&
	       imap_set_size(code->source) == imap_set_size(code->uids);
}

static bool lex_modified(struct imap_lexer *lexer, struct imap_scratch *scratch,
	struct imap_code *code)
{
	code->uids = &scratch->uids;
	if (!lex_uids(lexer, &scratch->uids))
		return imap_lex_fail(lexer, "the messages of MODIFIED");
	imap_set_settle(&scratch->uids);
	return true;
}

static bool lex_id(struct imap_lexer *lexer, struct str *id_r)
{
	(void)imap_lex_take(lexer, '(');
	return imap_lex_code_atom(lexer, id_r);
}

static void lex_caps(struct imap_lexer *lexer, struct imap_scratch *scratch,
	struct imap_code *code)
{
	struct str rest = str_sub(lexer->text, lexer->at, lexer->text.len);
	struct str list = str_sub(rest, 0, str_find(rest, ']'));

	lexer->at += list.len;
	scratch->caps = (struct imap_caps){0};
	imap_caps_parse(&scratch->caps, list);
	code->caps = &scratch->caps;
}

static bool lex_code_args(struct imap_lexer *lexer, enum shape shape,
	struct imap_scratch *scratch, struct imap_code *code)
{
	imap_lex_spaces(lexer);
	switch (shape) {
	case PLAIN:
		return true;
	case NUMBER:
		return imap_lex_number(lexer, &code->number);
	case WORDS:
		return imap_lex_words(lexer, &code->words);
	case CAPS:
		lex_caps(lexer, scratch, code);
		return true;
	case ID:
		return lex_id(lexer, &code->id);
	case MODIFIED:
		return lex_modified(lexer, scratch, code);
	case APPENDUID:
		return lex_append_uid(lexer, scratch, code);
	case COPYUID:
		return lex_copy_uid(lexer, scratch, code);
	}
	return false;
}

/* Reads the code's name and arguments; false where they make no sense. */
static bool lex_known_code(struct imap_lexer *lexer,
	struct imap_scratch *scratch, struct imap_code *code)
{
	if (!imap_lex_code_atom(lexer, &code->name))
		return false;
	for (size_t i = 0; i < COUNT(codes); i++) {
		if (!str_ieq(code->name, str_of(codes[i].name)))
			continue;
		code->kind = codes[i].kind;
		return lex_code_args(lexer, codes[i].shape, scratch, code);
	}
	return false;
}

/* "[" resp-text-code "]", its "[" taken */
static bool lex_code(struct imap_lexer *lexer, struct imap_scratch *scratch,
	struct imap_code *code_r)
{
	struct imap_lexer args = *lexer;
	struct str rest;

	imap_set_reset(&scratch->uids);
	imap_set_reset(&scratch->source);
	if (lex_known_code(&args, scratch, code_r))
		lexer->at = args.at;
	else if (code_r->kind == IMAP_CODE_MODIFIED)
		return imap_lex_fail(lexer, args.wrong);
	else
		*code_r = (struct imap_code){
			.kind = IMAP_CODE_OTHER, .name = code_r->name};
	rest = str_sub(lexer->text, lexer->at, lexer->text.len);
	lexer->at += str_find(rest, ']');
	(void)imap_lex_take(lexer, ']');
	return true;
}

static bool str_holds(struct str s, struct str part)
{
	for (size_t i = 0; i + part.len <= s.len; i++) {
		if (str_starts(str_sub(s, i, s.len), part))
			return true;
	}
	return false;
}

static void find_stray(struct imap_status_line *line)
{
	for (size_t i = 0; i < COUNT(strays); i++) {
		struct str stray = str_of(strays[i].text);

		if (!str_holds(line->text, stray))
			continue;
		line->code.kind = strays[i].kind;
		line->code.name = str_sub(stray, 1, stray.len - 2);
		return;
	}
}

bool imap_lex_at_condition(const struct imap_lexer *lexer)
{
	for (size_t i = 0; i < COUNT(conditions); i++) {
		struct imap_lexer ahead = *lexer;

		if (imap_lex_take_word(&ahead, conditions[i].word))
			return true;
	}
	return imap_lex_peek(lexer) == '[';
}

static bool lex_condition(
	struct imap_lexer *lexer, enum imap_condition *condition_r)
{
	for (size_t i = 0; i < COUNT(conditions); i++) {
		if (imap_lex_take_word(lexer, conditions[i].word)) {
			*condition_r = conditions[i].condition;
			return true;
		}
	}
	*condition_r = IMAP_OK; /* home.pl: "* [COPYUID ...]" */
	return imap_lex_peek(lexer) == '[' ||
	       imap_lex_fail(lexer, "OK, NO or BAD");
}

/* resp-cond-state and its like; the text may be missing */
bool imap_lex_status_line(struct imap_lexer *lexer,
	struct imap_scratch *scratch, struct imap_status_line *line_r)
{
	*line_r = (struct imap_status_line){0};
	if (!lex_condition(lexer, &line_r->condition))
		return false;
	imap_lex_spaces(lexer);
	if (imap_lex_take(lexer, '[') &&
		!lex_code(lexer, scratch, &line_r->code))
		return false;
	imap_lex_spaces(lexer);
	line_r->text = imap_lex_rest(lexer);
	if (line_r->code.kind == IMAP_CODE_NONE)
		find_stray(line_r);
	return true;
}
