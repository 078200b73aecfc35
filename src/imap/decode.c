/*
 * How: the encoder's mirror: one small reader a command, found in a table by
 * its words. Keywords are read in any case and arguments in any spelling that
 * RFC 3501 allows; commands that godwit never sends are refused.
 */
#include "godwit/imap/command.h"

#include "godwit/base/err.h"
#include "godwit/imap/base64.h"
#include "godwit/imap/lexer.h"
#include "names.h"
#include "words.h"

typedef bool lex_args(struct imap_lexer *lexer, struct imap_command *command);

static bool lex_sp(struct imap_lexer *lexer)
{
	return imap_lex_expect(lexer, ' ');
}

static bool lex_sp_astring(struct imap_lexer *lexer, struct str *string_r)
{
	return lex_sp(lexer) && imap_lex_astring(lexer, string_r);
}

/* An atom as RFC 3501 has it, not as the lexer lets it through. */
static bool lex_strict_atom(struct imap_lexer *lexer, struct str *atom_r)
{
	return imap_lex_atom(lexer, atom_r) &&
	       (imap_is_atom(*atom_r) || imap_lex_fail(lexer, "an atom"));
}

static bool lex_flags(struct imap_lexer *lexer, struct imap_strs *flags_r)
{
	if (!imap_lex_words(lexer, flags_r))
		return false;
	for (size_t i = 0; i < flags_r->count; i++) {
		if (!imap_is_flag(flags_r->items[i]))
			return imap_lex_fail(lexer, "a flag");
	}
	return true;
}

static bool lex_nothing(struct imap_lexer *lexer, struct imap_command *command)
{
	(void)lexer;
	(void)command;
	return true;
}

static bool lex_base64(struct imap_lexer *lexer, struct str *bytes_r)
{
	struct buf bytes = {0};
	struct str text;
	bool decoded;

	if (!imap_lex_atom(lexer, &text))
		return false;
	if (str_eq(text, STR("=")))
		text.len = 0;
	decoded = imap_base64_decode(text, &bytes);
	*bytes_r = arena_str(lexer->arena, buf_str(&bytes));
	buf_wipe(&bytes);
	return decoded || imap_lex_fail(lexer, "base64");
}

static bool lex_authenticate(
	struct imap_lexer *lexer, struct imap_command *command)
{
	struct imap_auth_args *args = &command->authenticate;

	if (!lex_sp(lexer) || !lex_strict_atom(lexer, &args->mechanism))
		return false;
	args->has_initial = imap_lex_take(lexer, ' ');
	return !args->has_initial || lex_base64(lexer, &args->initial);
}

static bool lex_login(struct imap_lexer *lexer, struct imap_command *command)
{
	return lex_sp_astring(lexer, &command->login.user) &&
	       lex_sp_astring(lexer, &command->login.password);
}

static bool lex_enable(struct imap_lexer *lexer, struct imap_command *command)
{
	struct imap_words words = {0};
	struct str word;

	while (!imap_lex_at_end(lexer)) {
		if (!lex_sp(lexer) || !lex_strict_atom(lexer, &word) ||
			!imap_words_push(&words, lexer, word))
			return false;
	}
	command->enable = imap_words_get(&words);
	return words.count > 0 || imap_lex_fail(lexer, "a capability");
}

static bool lex_id(struct imap_lexer *lexer, struct imap_command *command)
{
	return lex_sp(lexer) && imap_lex_nstrings(lexer, &command->id.pairs);
}

/* The bits of the words in a list of nothing but known ones. */
static bool lex_bits(struct imap_lexer *lexer, const struct imap_names *names,
	unsigned *bits_r)
{
	struct imap_strs words;

	if (!imap_lex_words(lexer, &words))
		return false;
	for (size_t i = 0; i < words.count; i++) {
		unsigned bit = imap_names_bit(names, words.items[i]);

		if (bit == 0)
			return imap_lex_fail(lexer, "a word that is known");
		*bits_r |= bit;
	}
	return true;
}

/* "(" options ")"; behind STATUS stand its items */
static bool lex_options(
	struct imap_lexer *lexer, unsigned *options_r, unsigned *items_r)
{
	struct str word;
	unsigned option;

	if (!imap_lex_expect(lexer, '('))
		return false;
	while (!imap_lex_take(lexer, ')')) {
		if (!imap_lex_atom(lexer, &word))
			return false;
		option = imap_names_bit(&imap_option_names, word);
		if (option == 0)
			return imap_lex_fail(lexer, "a known LIST option");
		*options_r |= option;
		imap_lex_spaces(lexer);
		if (option == IMAP_LIST_OPT_STATUS &&
			!lex_bits(lexer, &imap_status_names, items_r))
			return false;
		imap_lex_spaces(lexer);
	}
	return true;
}

static bool lex_patterns(struct imap_lexer *lexer, struct imap_strs *patterns_r)
{
	struct imap_words words = {0};
	bool many = imap_lex_take(lexer, '(');
	struct str pattern;

	do {
		imap_lex_spaces(lexer);
		if (!imap_lex_astring(lexer, &pattern) ||
			!imap_words_push(&words, lexer, pattern))
			return false;
	} while (many && !imap_lex_take(lexer, ')'));
	*patterns_r = imap_words_get(&words);
	return true;
}

static bool lex_list(struct imap_lexer *lexer, struct imap_command *command)
{
	struct imap_list_args *args = &command->list;

	if (!lex_sp(lexer))
		return false;
	if (imap_lex_peek(lexer) == '(' &&
		(!lex_options(
			 lexer, &args->select_options, &args->status_items) ||
			!lex_sp(lexer)))
		return false;
	if (!imap_lex_astring(lexer, &args->reference) || !lex_sp(lexer) ||
		!lex_patterns(lexer, &args->patterns))
		return false;
	if (!imap_lex_take(lexer, ' '))
		return true;
	return (imap_lex_take_word(lexer, "RETURN") ||
		       imap_lex_fail(lexer, "RETURN")) &&
	       lex_sp(lexer) &&
	       lex_options(lexer, &args->return_options, &args->status_items);
}

static bool lex_status(struct imap_lexer *lexer, struct imap_command *command)
{
	struct imap_status_args *args = &command->status;

	return lex_sp_astring(lexer, &args->mailbox) && lex_sp(lexer) &&
	       lex_bits(lexer, &imap_status_names, &args->items) &&
	       (args->items != 0 || imap_lex_fail(lexer, "a STATUS item"));
}

static bool lex_create(struct imap_lexer *lexer, struct imap_command *command)
{
	struct imap_create_args *args = &command->create;

	if (!lex_sp_astring(lexer, &args->mailbox))
		return false;
	if (!imap_lex_take(lexer, ' '))
		return true;
	if (!imap_lex_expect(lexer, '(') || !imap_lex_take_word(lexer, "USE") ||
		!lex_sp(lexer) ||
		!lex_bits(lexer, &imap_attr_names, &args->roles) ||
		!imap_lex_expect(lexer, ')'))
		return imap_lex_fail(lexer, "USE");
	return (args->roles & ~(unsigned)IMAP_ATTR_ROLES) == 0 ||
	       imap_lex_fail(lexer, "a special use");
}

static bool lex_mailbox(struct imap_lexer *lexer, struct imap_command *command)
{
	return lex_sp_astring(lexer, &command->mailbox);
}

static bool lex_rename(struct imap_lexer *lexer, struct imap_command *command)
{
	return lex_sp_astring(lexer, &command->rename.from) &&
	       lex_sp_astring(lexer, &command->rename.to);
}

static bool lex_set(struct imap_lexer *lexer, struct str *set_r)
{
	return imap_lex_atom(lexer, set_r) &&
	       (imap_is_set(*set_r) || imap_lex_fail(lexer, "a set"));
}

/* "(" uidvalidity SP modseq [SP uids] [SP "(" seqs SP uids ")"] ")" */
static bool lex_qresync(struct imap_lexer *lexer, struct imap_select_args *args)
{
	args->qresync = true;
	if (!imap_lex_expect(lexer, '(') ||
		!imap_lex_number(lexer, &args->uidvalidity) || !lex_sp(lexer) ||
		!imap_lex_number(lexer, &args->modseq))
		return false;
	imap_lex_spaces(lexer);
	if (imap_lex_peek(lexer) != '(' && imap_lex_peek(lexer) != ')' &&
		!lex_set(lexer, &args->known_uids))
		return false;
	imap_lex_spaces(lexer);
	if (imap_lex_take(lexer, '(') &&
		(!lex_set(lexer, &args->match_seqs) || !lex_sp(lexer) ||
			!lex_set(lexer, &args->match_uids) ||
			!imap_lex_expect(lexer, ')')))
		return false;
	return imap_lex_expect(lexer, ')');
}

static bool lex_select(struct imap_lexer *lexer, struct imap_command *command)
{
	struct imap_select_args *args = &command->select;

	if (!lex_sp_astring(lexer, &args->mailbox))
		return false;
	if (!imap_lex_take(lexer, ' '))
		return true;
	if (!imap_lex_expect(lexer, '('))
		return false;
	while (!imap_lex_take(lexer, ')')) {
		if (imap_lex_take_word(lexer, "CONDSTORE"))
			args->condstore = true;
		else if (!imap_lex_take_word(lexer, "QRESYNC") ||
			 !lex_sp(lexer) || !lex_qresync(lexer, args))
			return imap_lex_fail(lexer, "a SELECT parameter");
		imap_lex_spaces(lexer);
	}
	return true;
}

/* "<" number "." nz-number ">" */
static bool lex_partial(struct imap_lexer *lexer, struct imap_fetch_args *args)
{
	args->partial = true;
	return imap_lex_digits(lexer, &args->offset) &&
	       imap_lex_take(lexer, '.') &&
	       imap_lex_digits(lexer, &args->octets) &&
	       imap_lex_take(lexer, '>') && imap_lex_at_end(lexer);
}

static bool lex_fetch_item(
	struct imap_lexer *lexer, struct imap_fetch_args *args)
{
	struct imap_lexer partial;
	struct str item;
	size_t angle;
	unsigned bit;

	if (!imap_lex_atom(lexer, &item))
		return false;
	angle = str_find(item, '<');
	bit = imap_names_bit(&imap_fetch_names, str_sub(item, 0, angle));
	args->items |= bit;
	if (bit != 0 && angle == item.len)
		return true;
	imap_lexer_init(
		&partial, lexer->arena, str_sub(item, angle + 1, item.len));
	return ((bit == IMAP_FETCH_BODY || bit == IMAP_FETCH_HEADER) &&
		       lex_partial(&partial, args)) ||
	       imap_lex_fail(lexer, "a known FETCH item");
}

static bool lex_fetch_items(
	struct imap_lexer *lexer, struct imap_fetch_args *args)
{
	if (!imap_lex_take(lexer, '('))
		return lex_fetch_item(lexer, args);
	do {
		imap_lex_spaces(lexer);
		if (!lex_fetch_item(lexer, args))
			return false;
	} while (!imap_lex_take(lexer, ')'));
	return true;
}

static bool lex_fetch(struct imap_lexer *lexer, struct imap_command *command)
{
	struct imap_fetch_args *args = &command->fetch;

	if (!lex_sp(lexer) || !lex_set(lexer, &args->set) || !lex_sp(lexer) ||
		!lex_fetch_items(lexer, args))
		return false;
	if (!imap_lex_take(lexer, ' '))
		return true;
	if (!imap_lex_expect(lexer, '('))
		return false;
	while (!imap_lex_take(lexer, ')')) {
		if (imap_lex_take_word(lexer, "VANISHED"))
			args->vanished = true;
		else if (!imap_lex_take_word(lexer, "CHANGEDSINCE") ||
			 !lex_sp(lexer) ||
			 !imap_lex_number(lexer, &args->changed_since))
			return imap_lex_fail(lexer, "a FETCH modifier");
		imap_lex_spaces(lexer);
	}
	return !args->vanished || args->changed_since != 0 ||
	       imap_lex_fail(lexer, "CHANGEDSINCE");
}

static bool lex_store_mode(
	struct imap_lexer *lexer, struct imap_store_args *args)
{
	args->mode = imap_lex_take(lexer, '+')   ? IMAP_STORE_ADD
		     : imap_lex_take(lexer, '-') ? IMAP_STORE_REMOVE
						 : IMAP_STORE_REPLACE;
	args->silent = imap_lex_take_word(lexer, "FLAGS.SILENT");
	return args->silent || imap_lex_take_word(lexer, "FLAGS") ||
	       imap_lex_fail(lexer, "FLAGS");
}

static bool lex_store(struct imap_lexer *lexer, struct imap_command *command)
{
	struct imap_store_args *args = &command->store;

	if (!lex_sp(lexer) || !lex_set(lexer, &args->set) || !lex_sp(lexer))
		return false;
	if (imap_lex_take(lexer, '(')) {
		args->conditional = true;
		if (!imap_lex_take_word(lexer, "UNCHANGEDSINCE") ||
			!lex_sp(lexer) ||
			!imap_lex_number(lexer, &args->unchanged_since) ||
			!imap_lex_expect(lexer, ')') || !lex_sp(lexer))
			return imap_lex_fail(lexer, "UNCHANGEDSINCE");
	}
	return lex_store_mode(lexer, args) && lex_sp(lexer) &&
	       lex_flags(lexer, &args->flags);
}

/* literal, literal8, or utf8-literal of RFC 6855 */
static bool lex_append_data(
	struct imap_lexer *lexer, struct imap_append_message *message)
{
	message->utf8 = imap_lex_take_word(lexer, "UTF8");
	if (message->utf8 && (!lex_sp(lexer) || !imap_lex_expect(lexer, '(')))
		return false;
	message->binary = imap_lex_peek(lexer) == '~';
	if (!imap_lex_literal(lexer, &message->body))
		return false;
	message->octets = message->body.len;
	return !message->utf8 || imap_lex_expect(lexer, ')');
}

static bool lex_message(
	struct imap_lexer *lexer, struct imap_append_message *message)
{
	struct str date;

	if (!lex_sp(lexer))
		return false;
	if (imap_lex_peek(lexer) == '(' &&
		(!lex_flags(lexer, &message->flags) || !lex_sp(lexer)))
		return false;
	if (imap_lex_peek(lexer) == '"') {
		message->has_date = true;
		if (!imap_lex_quoted(lexer, &date) || !lex_sp(lexer))
			return false;
		if (!imap_date_parse(date, &message->date))
			return imap_lex_fail(lexer, "a date");
	}
	return lex_append_data(lexer, message);
}

/* The messages so far in an array with room for one more. */
static struct imap_append_message *more_messages(
	struct arena *arena, const struct imap_append_args *args, size_t *cap)
{
	struct imap_append_message *grown;

	*cap *= 2;
	grown = arena_array(arena, *cap, sizeof(*grown));
	for (size_t i = 0; i < args->count; i++)
		grown[i] = args->messages[i];
	return grown;
}

static bool lex_append(struct imap_lexer *lexer, struct imap_command *command)
{
	struct imap_append_args *args = &command->append;
	size_t cap = 4;
	struct imap_append_message *messages =
		arena_array(lexer->arena, cap, sizeof(*messages));

	args->messages = messages;
	if (!lex_sp_astring(lexer, &args->mailbox))
		return false;
	do {
		if (args->count == cap)
			messages = more_messages(lexer->arena, args, &cap);
		args->messages = messages;
		if (!lex_message(lexer, &messages[args->count++]))
			return false;
	} while (!imap_lex_at_end(lexer));
	return true;
}

static bool lex_copy(struct imap_lexer *lexer, struct imap_command *command)
{
	return lex_sp(lexer) && lex_set(lexer, &command->copy.set) &&
	       lex_sp_astring(lexer, &command->copy.mailbox);
}

static bool lex_uids(struct imap_lexer *lexer, struct imap_command *command)
{
	return lex_sp(lexer) && lex_set(lexer, &command->set);
}

static bool lex_returns(struct imap_lexer *lexer, unsigned *returns_r)
{
	if (!lex_sp(lexer) || !lex_bits(lexer, &imap_return_names, returns_r))
		return false;
	if (*returns_r == 0)
		*returns_r = IMAP_RETURN_ALL; /* RFC 4731 section 3.1 */
	return true;
}

static bool lex_search_key(
	struct imap_lexer *lexer, struct imap_search_args *args)
{
	if (imap_lex_take_word(lexer, "ALL"))
		return true;
	if (imap_lex_take_word(lexer, "UID"))
		return lex_sp(lexer) && lex_set(lexer, &args->uids);
	if (imap_lex_take_word(lexer, "MODSEQ"))
		return lex_sp(lexer) && imap_lex_number(lexer, &args->modseq);
	if (imap_lex_take_word(lexer, "HEADER"))
		return lex_sp_astring(lexer, &args->header) &&
		       lex_sp_astring(lexer, &args->header_value);
	args->deleted = imap_lex_take_word(lexer, "DELETED");
	return args->deleted || imap_lex_fail(lexer, "a known SEARCH key");
}

static bool lex_search(struct imap_lexer *lexer, struct imap_command *command)
{
	struct imap_search_args *args = &command->search;

	if (!lex_sp(lexer))
		return false;
	if (imap_lex_take_word(lexer, "RETURN") &&
		(!lex_returns(lexer, &args->returns) || !lex_sp(lexer)))
		return false;
	do {
		if (!lex_search_key(lexer, args))
			return false;
	} while (imap_lex_take(lexer, ' '));
	return true;
}

static bool lex_compress(struct imap_lexer *lexer, struct imap_command *command)
{
	(void)command;
	return lex_sp(lexer) && (imap_lex_take_word(lexer, "DEFLATE") ||
					imap_lex_fail(lexer, "DEFLATE"));
}

static lex_args *const readers[IMAP_COMMAND_KINDS] = {
	[IMAP_CAPABILITY] = lex_nothing,
	[IMAP_NOOP] = lex_nothing,
	[IMAP_LOGOUT] = lex_nothing,
	[IMAP_STARTTLS] = lex_nothing,
	[IMAP_AUTHENTICATE] = lex_authenticate,
	[IMAP_LOGIN] = lex_login,
	[IMAP_ENABLE] = lex_enable,
	[IMAP_ID] = lex_id,
	[IMAP_NAMESPACE] = lex_nothing,
	[IMAP_LIST] = lex_list,
	[IMAP_LSUB] = lex_list,
	[IMAP_STATUS] = lex_status,
	[IMAP_CREATE] = lex_create,
	[IMAP_DELETE] = lex_mailbox,
	[IMAP_RENAME] = lex_rename,
	[IMAP_SUBSCRIBE] = lex_mailbox,
	[IMAP_UNSUBSCRIBE] = lex_mailbox,
	[IMAP_SELECT] = lex_select,
	[IMAP_EXAMINE] = lex_select,
	[IMAP_UNSELECT] = lex_nothing,
	[IMAP_CLOSE] = lex_nothing,
	[IMAP_CHECK] = lex_nothing,
	[IMAP_FETCH] = lex_fetch,
	[IMAP_STORE] = lex_store,
	[IMAP_APPEND] = lex_append,
	[IMAP_COPY] = lex_copy,
	[IMAP_MOVE] = lex_copy,
	[IMAP_EXPUNGE] = lex_nothing,
	[IMAP_UID_EXPUNGE] = lex_uids,
	[IMAP_SEARCH] = lex_search,
	[IMAP_IDLE] = lex_nothing,
	[IMAP_COMPRESS] = lex_compress,
};

/* The command's name, "UID" and all. */
static bool lex_kind(struct imap_lexer *lexer, enum imap_command_kind *kind_r)
{
	for (int i = 1; i < IMAP_COMMAND_KINDS; i++) {
		enum imap_command_kind kind = (enum imap_command_kind)i;

		if (imap_lex_take_word(lexer, imap_command_name(kind))) {
			*kind_r = kind;
			return true;
		}
	}
	return imap_lex_fail(lexer, "a known command");
}

static bool lex_command(struct imap_lexer *lexer, struct str *tag_r,
	struct imap_command *command)
{
	if (!imap_lex_atom(lexer, tag_r) || !lex_sp(lexer) ||
		!lex_kind(lexer, &command->kind) ||
		!readers[command->kind](lexer, command))
		return false;
	return (lexer->wrong == NULL && imap_lex_at_end(lexer)) ||
	       imap_lex_fail(lexer, "the end of the command");
}

int imap_command_parse(struct arena *arena, struct str text, struct str *tag_r,
	struct imap_command *command_r, struct err *err)
{
	struct imap_lexer lexer;

	imap_lexer_init(&lexer, arena, text);
	*tag_r = (struct str){0};
	*command_r = (struct imap_command){0};
	if (lex_command(&lexer, tag_r, command_r))
		return 0;
	return err_set(err, ERR_ACCOUNT, ERR_NEVER, ERR_PROTOCOL,
		"the command cannot be read: %s was expected", lexer.wrong);
}
