/*
 * How: one small writer a command, found in a table by its kind. Strings are
 * quoted where they can be, else literals; mailbox names and the like are never
 * sent as atoms, so that no name needs a second thought. A literal that has to
 * wait, or whose octets come from the caller, ends a part.
 */
#include "godwit/imap/command.h"

#include "godwit/base/err.h"
#include "godwit/base/limits.h"
#include "godwit/imap/base64.h"
#include "godwit/imap/set.h"
#include "godwit/imap/writer.h"
#include "names.h"

#include <inttypes.h>
#include <stdlib.h>

struct encoder {
	const struct imap_caps *caps;
	bool utf8;
	struct imap_encoded *out;
};

static bool is_atom_char(char c)
{
	return c > ' ' && c < 0x7f && c != '(' && c != ')' && c != '{' &&
	       c != '%' && c != '*' && c != '"' && c != '\\' && c != ']';
}

bool imap_is_atom(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (!is_atom_char(s.ptr[i]))
			return false;
	}
	return s.len > 0;
}

bool imap_is_flag(struct str s)
{
	return imap_is_atom(
		str_starts(s, STR("\\")) ? str_sub(s, 1, s.len) : s);
}

bool imap_is_set(struct str s)
{
	struct imap_set set = {0};
	bool valid = imap_set_parse_list(&set, s, UINT32_MAX);

	imap_set_clear(&set);
	return valid;
}

static void put(struct encoder *e, const char *text)
{
	buf_addz(&e->out->text, text);
}

static void put_number(struct encoder *e, uint64_t number)
{
	buf_addf(&e->out->text, "%" PRIu64, number);
}

static void put_atom(struct encoder *e, struct str atom)
{
	check(imap_is_atom(atom));
	buf_add(&e->out->text, atom);
}

static void put_set(struct encoder *e, struct str set)
{
	check(imap_is_set(set));
	buf_add(&e->out->text, set);
}

static void end_part(struct encoder *e, struct imap_part part)
{
	struct imap_encoded *out = e->out;

	part.end = out->text.len;
	out->parts = array_grow(
		out->parts, &out->cap, out->count + 1, sizeof(*out->parts));
	out->parts[out->count++] = part;
}

/* RFC 7888: whether a literal of that length need not wait for "+". */
static bool is_non_sync(const struct encoder *e, uint64_t octets)
{
	return imap_caps_has(e->caps, IMAP_CAP_LITERAL_PLUS) ||
	       (imap_caps_has(e->caps, IMAP_CAP_LITERAL_MINUS) &&
		       octets <= LIMIT_LITERAL_MINUS_BYTES);
}

static void put_string(struct encoder *e, struct str s)
{
	bool non_sync = is_non_sync(e, s.len);

	if (imap_can_quote(s, e->utf8)) {
		imap_write_quoted(&e->out->text, s);
		return;
	}
	buf_addf(&e->out->text, "{%zu%s}\r\n", s.len, non_sync ? "+" : "");
	if (!non_sync)
		end_part(e, (struct imap_part){.sync = true});
	buf_add(&e->out->text, s);
}

static void put_flags(struct encoder *e, struct imap_strs flags)
{
	for (size_t i = 0; i < flags.count; i++)
		check(imap_is_flag(flags.items[i]));
	imap_write_words(&e->out->text, flags);
}

static void put_nothing(struct encoder *e, const struct imap_command *command)
{
	(void)e;
	(void)command;
}

/* "AUTHENTICATE" SP auth-type [SP initial-resp] */
static void put_authenticate(
	struct encoder *e, const struct imap_command *command)
{
	const struct imap_auth_args *args = &command->authenticate;

	put(e, " ");
	put_atom(e, args->mechanism);
	if (!args->has_initial)
		return;
	put(e, args->initial.len == 0 ? " =" : " ");
	imap_base64_encode(args->initial, &e->out->text);
}

static void put_login(struct encoder *e, const struct imap_command *command)
{
	put(e, " ");
	put_string(e, command->login.user);
	put(e, " ");
	put_string(e, command->login.password);
}

static void put_enable(struct encoder *e, const struct imap_command *command)
{
	for (size_t i = 0; i < command->enable.count; i++) {
		put(e, " ");
		put_atom(e, command->enable.items[i]);
	}
}

/* "ID" SP id-params-list, RFC 2971 */
static void put_id(struct encoder *e, const struct imap_command *command)
{
	const struct imap_strs *pairs = &command->id.pairs;

	put(e, pairs->count == 0 ? " NIL" : " (");
	for (size_t i = 0; i < pairs->count; i++) {
		put(e, i == 0 ? "" : " ");
		if (pairs->items[i].ptr == NULL)
			put(e, "NIL");
		else
			put_string(e, pairs->items[i]);
	}
	put(e, pairs->count == 0 ? "" : ")");
}

/* "(" options ")"; the items of STATUS, which is the last, stand behind it */
static void put_options(struct encoder *e, unsigned options, unsigned items)
{
	put(e, "(");
	imap_names_write(&e->out->text, &imap_option_names, options);
	if ((options & IMAP_LIST_OPT_STATUS) != 0) {
		put(e, " (");
		imap_write_status_items(&e->out->text, items);
		put(e, ")");
	}
	put(e, ")");
}

/* "LIST" [SP list-select-opts] SP mailbox SP mbox-or-pat [SP "RETURN" ...] */
static void put_list(struct encoder *e, const struct imap_command *command)
{
	const struct imap_list_args *args = &command->list;

	check(args->patterns.count > 0);
	put(e, " ");
	if (args->select_options != 0) {
		put_options(e, args->select_options, 0);
		put(e, " ");
	}
	put_string(e, args->reference);
	put(e, args->patterns.count > 1 ? " (" : " ");
	for (size_t i = 0; i < args->patterns.count; i++) {
		put(e, i == 0 ? "" : " ");
		put_string(e, args->patterns.items[i]);
	}
	put(e, args->patterns.count > 1 ? ")" : "");
	if (args->return_options != 0) {
		put(e, " RETURN ");
		put_options(e, args->return_options, args->status_items);
	}
}

static void put_status(struct encoder *e, const struct imap_command *command)
{
	check(command->status.items != 0);
	put(e, " ");
	put_string(e, command->status.mailbox);
	put(e, " (");
	imap_write_status_items(&e->out->text, command->status.items);
	put(e, ")");
}

/* "CREATE" SP mailbox [SP "(USE" SP "(" use-attrs "))"], RFC 6154 */
static void put_create(struct encoder *e, const struct imap_command *command)
{
	put(e, " ");
	put_string(e, command->create.mailbox);
	if (command->create.roles == 0)
		return;
	put(e, " (USE ");
	imap_write_list_attrs(&e->out->text, command->create.roles);
	put(e, ")");
}

static void put_mailbox(struct encoder *e, const struct imap_command *command)
{
	put(e, " ");
	put_string(e, command->mailbox);
}

static void put_rename(struct encoder *e, const struct imap_command *command)
{
	put(e, " ");
	put_string(e, command->rename.from);
	put(e, " ");
	put_string(e, command->rename.to);
}

/*
 * select-param, RFC 7162. QRESYNC goes alone: it implies CONDSTORE, and
 * Purelymail loses its place when it gets both.
 */
static void put_select(struct encoder *e, const struct imap_command *command)
{
	const struct imap_select_args *args = &command->select;

	put(e, " ");
	put_string(e, args->mailbox);
	if (!args->qresync) {
		put(e, args->condstore ? " (CONDSTORE)" : "");
		return;
	}
	buf_addf(&e->out->text, " (QRESYNC (%" PRIu64 " %" PRIu64,
		args->uidvalidity, args->modseq);
	if (args->known_uids.len > 0) {
		put(e, " ");
		put_set(e, args->known_uids);
	}
	if (args->match_seqs.len > 0) {
		put(e, " (");
		put_set(e, args->match_seqs);
		put(e, " ");
		put_set(e, args->match_uids);
		put(e, ")");
	}
	put(e, "))");
}

/* "FETCH" SP sequence-set SP "(" items ")" [SP "(" fetch-modifiers ")"] */
static void put_fetch(struct encoder *e, const struct imap_command *command)
{
	const struct imap_fetch_args *args = &command->fetch;

	check(args->items != 0);
	check(!args->partial ||
		(args->items & (IMAP_FETCH_BODY | IMAP_FETCH_HEADER)) != 0);
	check(!args->vanished || args->changed_since != 0);
	put(e, " ");
	put_set(e, args->set);
	put(e, " (");
	imap_names_write(&e->out->text, &imap_fetch_names, args->items);
	if (args->partial)
		buf_addf(&e->out->text, "<%" PRIu64 ".%" PRIu64 ">",
			args->offset, args->octets);
	put(e, ")");
	if (args->changed_since == 0)
		return;
	put(e, " (CHANGEDSINCE ");
	put_number(e, args->changed_since);
	put(e, args->vanished ? " VANISHED)" : ")");
}

static void put_store(struct encoder *e, const struct imap_command *command)
{
	static const char *const modes[] = {
		[IMAP_STORE_ADD] = " +FLAGS",
		[IMAP_STORE_REMOVE] = " -FLAGS",
		[IMAP_STORE_REPLACE] = " FLAGS",
	};
	const struct imap_store_args *args = &command->store;

	put(e, " ");
	put_set(e, args->set);
	if (args->conditional) {
		put(e, " (UNCHANGEDSINCE ");
		put_number(e, args->unchanged_since);
		put(e, ")");
	}
	put(e, modes[args->mode]);
	put(e, args->silent ? ".SILENT " : " ");
	put_flags(e, args->flags);
}

static void put_message(
	struct encoder *e, const struct imap_append_message *message)
{
	bool non_sync = is_non_sync(e, message->octets);

	put(e, " ");
	if (message->flags.count > 0) {
		put_flags(e, message->flags);
		put(e, " ");
	}
	if (message->has_date) {
		imap_write_date(&e->out->text, message->date);
		put(e, " ");
	}
	put(e, message->utf8 ? "UTF8 (" : "");
	buf_addf(&e->out->text, "%s{%" PRIu64 "%s}\r\n",
		message->binary || message->utf8 ? "~" : "", message->octets,
		non_sync ? "+" : "");
	end_part(e, (struct imap_part){.sync = !non_sync,
			    .given = true,
			    .octets = message->octets});
	put(e, message->utf8 ? ")" : "");
}

/* "APPEND" SP mailbox 1*(SP append-message), RFC 3502 */
static void put_append(struct encoder *e, const struct imap_command *command)
{
	const struct imap_append_args *args = &command->append;

	check(args->count > 0);
	put(e, " ");
	put_string(e, args->mailbox);
	for (size_t i = 0; i < args->count; i++)
		put_message(e, &args->messages[i]);
}

static void put_copy(struct encoder *e, const struct imap_command *command)
{
	put(e, " ");
	put_set(e, command->copy.set);
	put(e, " ");
	put_string(e, command->copy.mailbox);
}

static void put_uids(struct encoder *e, const struct imap_command *command)
{
	put(e, " ");
	put_set(e, command->set);
}

static void put_search(struct encoder *e, const struct imap_command *command)
{
	const struct imap_search_args *args = &command->search;
	size_t before;

	if (args->returns != 0) {
		put(e, " RETURN (");
		imap_names_write(
			&e->out->text, &imap_return_names, args->returns);
		put(e, ")");
	}
	before = e->out->text.len;
	if (args->uids.len > 0) {
		put(e, " UID ");
		put_set(e, args->uids);
	}
	if (args->deleted)
		put(e, " DELETED");
	if (args->header.len > 0) {
		put(e, " HEADER ");
		put_string(e, args->header);
		put(e, " ");
		put_string(e, args->header_value);
	}
	if (args->modseq != 0) {
		put(e, " MODSEQ ");
		put_number(e, args->modseq);
	}
	if (e->out->text.len == before)
		put(e, " ALL");
}

static void put_compress(struct encoder *e, const struct imap_command *command)
{
	(void)command;
	put(e, " DEFLATE");
}

static const struct {
	const char *name;
	void (*put)(struct encoder *, const struct imap_command *);
} kinds[IMAP_COMMAND_KINDS] = {
	[IMAP_CAPABILITY] = {"CAPABILITY", put_nothing},
	[IMAP_NOOP] = {"NOOP", put_nothing},
	[IMAP_LOGOUT] = {"LOGOUT", put_nothing},
	[IMAP_STARTTLS] = {"STARTTLS", put_nothing},
	[IMAP_AUTHENTICATE] = {"AUTHENTICATE", put_authenticate},
	[IMAP_LOGIN] = {"LOGIN", put_login},
	[IMAP_ENABLE] = {"ENABLE", put_enable},
	[IMAP_ID] = {"ID", put_id},
	[IMAP_NAMESPACE] = {"NAMESPACE", put_nothing},
	[IMAP_LIST] = {"LIST", put_list},
	[IMAP_LSUB] = {"LSUB", put_list},
	[IMAP_STATUS] = {"STATUS", put_status},
	[IMAP_CREATE] = {"CREATE", put_create},
	[IMAP_DELETE] = {"DELETE", put_mailbox},
	[IMAP_RENAME] = {"RENAME", put_rename},
	[IMAP_SUBSCRIBE] = {"SUBSCRIBE", put_mailbox},
	[IMAP_UNSUBSCRIBE] = {"UNSUBSCRIBE", put_mailbox},
	[IMAP_SELECT] = {"SELECT", put_select},
	[IMAP_EXAMINE] = {"EXAMINE", put_select},
	[IMAP_UNSELECT] = {"UNSELECT", put_nothing},
	[IMAP_CLOSE] = {"CLOSE", put_nothing},
	[IMAP_CHECK] = {"CHECK", put_nothing},
	[IMAP_FETCH] = {"UID FETCH", put_fetch},
	[IMAP_STORE] = {"UID STORE", put_store},
	[IMAP_APPEND] = {"APPEND", put_append},
	[IMAP_COPY] = {"UID COPY", put_copy},
	[IMAP_MOVE] = {"UID MOVE", put_copy},
	[IMAP_EXPUNGE] = {"EXPUNGE", put_nothing},
	[IMAP_UID_EXPUNGE] = {"UID EXPUNGE", put_uids},
	[IMAP_SEARCH] = {"UID SEARCH", put_search},
	[IMAP_IDLE] = {"IDLE", put_nothing},
	[IMAP_COMPRESS] = {"COMPRESS", put_compress},
};

const char *imap_command_name(enum imap_command_kind kind)
{
	check(kind > 0 && kind < IMAP_COMMAND_KINDS);
	return kinds[kind].name;
}

/*
 * Makes room for a secret at once: growing would leave a copy of it in memory
 * that is given back without being wiped.
 */
static void reserve_secret(
	const struct imap_command *command, struct imap_encoded *out)
{
	size_t bytes = 0;

	if (command->kind == IMAP_LOGIN)
		bytes = 2 *
			(command->login.user.len + command->login.password.len);
	else if (command->kind == IMAP_AUTHENTICATE)
		bytes = 2 * command->authenticate.initial.len;
	else
		return;
	out->secret = true;
	(void)buf_reserve(&out->text, bytes + 256);
}

void imap_command_encode(const struct imap_command *command, struct str tag,
	const struct imap_caps *caps, bool utf8, struct imap_encoded *out)
{
	struct encoder e = {.caps = caps, .utf8 = utf8, .out = out};

	reserve_secret(command, out);
	buf_add(&out->text, tag);
	put(&e, " ");
	put(&e, imap_command_name(command->kind));
	kinds[command->kind].put(&e, command);
	put(&e, "\r\n");
	end_part(&e, (struct imap_part){0});
}

void imap_encoded_clear(struct imap_encoded *encoded)
{
	if (encoded->secret)
		buf_wipe(&encoded->text);
	else
		buf_clear(&encoded->text);
	free(encoded->parts);
	*encoded = (struct imap_encoded){0};
}
