/*
 * How: a name is split at its separator, each component unescaped and escaped
 * again for where it goes to. A name is canonical if that changes nothing; so
 * nothing becomes a path but what the escaping has made.
 */
#include "godwit/mail/mailbox_name.h"

#include "godwit/base/limits.h"
#include "mailbox_escape.h"

#include <stdlib.h>
#include <unicase.h>
#include <uninorm.h>

#define INBOX STR("INBOX")

/* What begins a name that is not in the personal namespace. */
#define OUTSIDE STR("%%")

/* How many bytes of a name an error quotes. */
#define QUOTE_BYTES 200

#define QUOTE(name) STR_FMT(str_sub(name, 0, QUOTE_BYTES))

static int fail(struct err *err, enum err_cause cause, struct str name,
	const char *sentence)
{
	return err_set(err, ERR_MAILBOX, ERR_NEVER, cause,
		"the mailbox name \"%.*s\" %s", QUOTE(name), sentence);
}

/* How to escape `raw` where it is all of a name but the marks around it. */
static int how_alone(struct str raw)
{
	return str_ieq(raw, INBOX) ? ESCAPE_FIRST : ESCAPE_PLAIN;
}

/* Adds the canonical form of a name whose parts `delimiter` separates. */
static void add_canonical(struct str raw, char delimiter, struct buf *name)
{
	int how = how_alone(raw);
	struct str part;

	if (delimiter == '\0' || raw.len == 0) {
		mailbox_escape(raw, how, name);
		return;
	}
	for (bool first = true; str_split(&raw, delimiter, &part);
		first = false) {
		if (!first)
			buf_addc(name, '/');
		mailbox_escape(part, how, name);
	}
}

/* Adds what the parts of a name stand for, joined by `delimiter`. */
static void add_raw(struct str name, char delimiter, struct buf *raw)
{
	struct str part;

	for (bool first = true; str_split(&name, '/', &part); first = false) {
		if (!first)
			buf_addc(raw, delimiter);
		mailbox_unescape(part, raw);
	}
}

static bool components_fit(struct str path)
{
	struct str part;

	while (str_split(&path, '/', &part)) {
		if (part.len > LIMIT_NAME_BYTES)
			return false;
	}
	return true;
}

int mailbox_name_from_server(const struct mailbox_space *space,
	struct str server, struct buf *name, struct err *err)
{
	size_t start = name->len;
	struct str added;

	if (server.len > LIMIT_MAILBOX_NAME_BYTES)
		return fail(err, ERR_PROTOCOL, server,
			"is longer than godwit takes; rename the mailbox");
	if (str_ieq(server, INBOX)) {
		buf_add(name, INBOX);
		return 0;
	}
	if (str_starts(server, space->prefix)) {
		server = str_sub(server, space->prefix.len, server.len);
		add_canonical(server, space->delimiter, name);
	} else {
		buf_add(name, OUTSIDE);
		add_canonical(server, space->delimiter, name);
	}
	added = str_sub(buf_str(name), start, name->len);
	if (components_fit(added))
		return 0;
	name->len = start;
	return fail(err, ERR_PROTOCOL, server,
		"has a part that is too long for a folder; rename the "
		"mailbox, or exclude it");
}

/* Whether the server's name leads back to the canonical one. */
static bool leads_to(
	const struct mailbox_space *space, struct str server, struct str name)
{
	struct buf again = {0};
	bool same =
		mailbox_name_from_server(space, server, &again, NULL) == 0 &&
		str_eq(buf_str(&again), name);

	buf_clear(&again);
	return same;
}

int mailbox_name_to_server(const struct mailbox_space *space, struct str name,
	struct buf *server, struct err *err)
{
	size_t start = server->len;
	struct str rest = name;

	if (str_eq(name, INBOX)) {
		buf_add(server, INBOX);
		return 0;
	}
	if (str_starts(name, OUTSIDE))
		rest = str_sub(name, OUTSIDE.len, name.len);
	else
		buf_add(server, space->prefix);
	add_raw(rest, space->delimiter, server);
	if (leads_to(space, str_sub(buf_str(server), start, server->len), name))
		return 0;
	server->len = start;
	return fail(err, ERR_SYNC, name,
		space->delimiter == '\0'
			? "cannot exist on this server, which has no mailboxes "
			  "below others; rename the folder"
			: "cannot exist on this server, because of the "
			  "character "
			  "that separates the parts of a name there; rename "
			  "the "
			  "folder");
}

/*
 * Adds the name with each part unescaped and escaped again, by the rules of
 * `how`, and `to` between the parts instead of `from`.
 */
static void add_again(
	struct str name, char from, char to, int how, struct buf *again)
{
	struct buf raw = {0};
	struct str part;
	bool alone;

	if (str_starts(name, OUTSIDE)) {
		buf_add(again, OUTSIDE);
		name = str_sub(name, OUTSIDE.len, name.len);
	}
	alone = str_find(name, from) == name.len;
	for (bool first = true; str_split(&name, from, &part); first = false) {
		if (!first)
			buf_addc(again, to);
		buf_reset(&raw);
		mailbox_unescape(part, &raw);
		if (alone)
			how |= how_alone(buf_str(&raw));
		mailbox_escape(buf_str(&raw), how, again);
	}
	buf_clear(&raw);
}

static bool is_canonical(struct str name)
{
	struct buf again = {0};
	bool same;

	if (str_eq(name, INBOX))
		return true;
	if (name.len == 0)
		return false;
	add_again(name, '/', '/', ESCAPE_PLAIN, &again);
	same = str_eq(buf_str(&again), name);
	buf_clear(&again);
	return same && components_fit(name);
}

int mailbox_name_from_user(struct str text, struct buf *name, struct err *err)
{
	size_t start = name->len;
	struct str added;

	mailbox_nfc(text, name);
	added = str_sub(buf_str(name), start, name->len);
	if (str_ieq(added, INBOX)) {
		name->len = start;
		buf_add(name, INBOX);
		return 0;
	}
	if (is_canonical(added))
		return 0;
	name->len = start;
	return fail(err, ERR_CONFIG, text,
		"cannot be a local folder; give one without empty parts, "
		"leading dots, control characters, and parts named cur, new "
		"or tmp");
}

int mailbox_name_path(enum mailbox_layout layout, struct str name,
	struct buf *path, struct err *err)
{
	size_t start = path->len;

	if (!is_canonical(name))
		return fail(err, ERR_BUG, name,
			"cannot be a folder; please report this");
	if (layout == LAYOUT_NESTED) {
		buf_add(path, name);
		return 0;
	}
	if (str_eq(name, INBOX))
		return 0;
	buf_addc(path, '.');
	add_again(name, '/', '.', ESCAPE_DOTS, path);
	if (path->len - start <= LIMIT_NAME_BYTES)
		return 0;
	path->len = start;
	return fail(err, ERR_SYNC, name,
		"is too long for a folder in the layout maildir++; rename the "
		"mailbox, exclude it, or use the layout nested");
}

/* Adds the name that a folder of the layout maildir++ could have. */
static void add_undotted(struct str path, struct buf *name)
{
	if (path.len == 0)
		buf_add(name, INBOX);
	else if (path.ptr[0] == '.')
		add_again(str_sub(path, 1, path.len), '.', '/', ESCAPE_PLAIN,
			name);
}

static bool has_path(
	enum mailbox_layout layout, struct str name, struct str path)
{
	struct buf again = {0};
	bool same = mailbox_name_path(layout, name, &again, NULL) == 0 &&
		    str_eq(buf_str(&again), path);

	buf_clear(&again);
	return same;
}

int mailbox_name_from_path(enum mailbox_layout layout, struct str path,
	struct buf *name, struct err *err)
{
	size_t start = name->len;

	if (layout == LAYOUT_NESTED)
		buf_add(name, path);
	else
		add_undotted(path, name);
	if (has_path(layout, str_sub(buf_str(name), start, name->len), path))
		return 0;
	name->len = start;
	return fail(err, ERR_SYNC, path,
		"is none that a folder of this layout can have; rename the "
		"folder if it is to be a mailbox");
}

void mailbox_name_key(struct str name, bool fold, struct buf *key)
{
	uint8_t *folded = NULL;
	size_t len;

	if (fold && name.len > 0)
		folded = u8_casefold((const uint8_t *)name.ptr, name.len, NULL,
			UNINORM_NFC, NULL, &len);
	if (folded == NULL)
		buf_add(key, name);
	else
		buf_add(key, (struct str){(char *)folded, len});
	free(folded);
}
