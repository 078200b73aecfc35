/*
 * How: each test begins with an empty store and one mailbox or two; messages
 * are made from their uid, so that what comes back can be told by it alone.
 * After all that a test did, journal_check() must find nothing wrong.
 */
#include "journal_suite.h"

#include "godwit/base/err.h"
#include "godwit/engine/journal.h"
#include "tap.h"

#include <string.h>

#define ACCOUNT STR("alice@mail.example.org")

/* One test's world: an open journal, and what tests need around it. */
struct world {
	const struct journal_suite *suite;
	const struct store_port *port;
	struct journal journal;
	struct store_batch batch;
	struct arena arena;
	struct err err;
};

static void world_open(struct world *w)
{
	check(journal_open(&w->journal, w->port, ACCOUNT, false, &w->err) == 0);
}

static struct world world_new(const struct journal_suite *suite)
{
	struct world w = {.suite = suite, .port = suite->fresh(suite->ctx)};

	world_open(&w);
	return w;
}

static void world_reopen(struct world *w)
{
	w->port = w->suite->reopen(w->suite->ctx);
	world_open(w);
}

static void world_end(struct world *w)
{
	ok(journal_check(&w->journal, &w->err) == 0,
		"%s: and the journal is consistent", w->suite->label);
	store_batch_clear(&w->batch);
	arena_clear(&w->arena);
}

static void commit(struct world *w)
{
	check(journal_commit(&w->journal, &w->batch, &w->err) == 0);
}

/* Writes past the journal, as damage or another program would. */
static void scrawl(struct world *w, enum journal_table table,
	struct record_key key, struct str value)
{
	store_batch_put(&w->batch, table, record_key_str(&key), value);
	check(w->port->commit(w->port->ctx, &w->batch, &w->err) == 0);
	store_batch_reset(&w->batch);
}

static void erase(
	struct world *w, enum journal_table table, struct record_key key)
{
	store_batch_delete(&w->batch, table, record_key_str(&key));
	check(w->port->commit(w->port->ctx, &w->batch, &w->err) == 0);
	store_batch_reset(&w->batch);
}

static uint32_t mailbox_new(struct world *w, const char *name)
{
	struct mailbox_record record = {
		.name = str_of(name),
		.server_name = str_of(name),
		.wire_name = str_of(name),
	};
	uint32_t id = journal_mailbox_add(&w->journal, &w->batch, &record);

	commit(w);
	return id;
}

static struct journal_base base_open(struct world *w, uint32_t mailbox)
{
	struct journal_base base;

	check(journal_base_open(&base, &w->journal, mailbox, &w->err) == 0);
	return base;
}

/* The identity of the message made from this number. */
static struct identity identity_of(uint32_t number)
{
	struct identity identity = {.bytes = 1000 + number};

	memcpy(identity.header_sha256, &number, sizeof(number));
	return identity;
}

/* A message made from its uid, in the arena. */
static struct journal_message *message_of(struct world *w, uint32_t uid)
{
	struct journal_message *message =
		arena_alloc(&w->arena, sizeof(*message));
	struct journal_detail *detail = arena_alloc(&w->arena, sizeof(*detail));

	detail->identity = identity_of(uid);
	detail->email_key = UINT64_MAX - uid;
	message->uid = uid;
	message->flags.system = FLAG_SEEN;
	message->name = str_of(arena_printf(&w->arena, "name%u,S=1", uid));
	message->internaldate_s = 1700000000 + (int64_t)uid;
	message->zone_min = 60;
	message->stored_raw = uid % 2 == 1;
	message->detail = detail;
	return message;
}

static void put(struct world *w, struct journal_base *base,
	const struct journal_message *message)
{
	check(journal_message_put(base, &w->batch, message, &w->err) == 0);
}

static struct journal_messages messages(
	struct world *w, struct journal_base *base, bool with_detail)
{
	struct journal_messages list;

	check(journal_messages(base, with_detail, &w->arena, &list, &w->err) ==
		0);
	return list;
}

/* The uids as "1 2 3 ". */
static struct str uids(struct world *w, struct journal_base *base)
{
	struct journal_messages list = messages(w, base, false);
	struct buf line = {0};
	struct str result;

	for (size_t i = 0; i < list.count; i++)
		buf_addf(&line, "%u ", list.items[i].uid);
	result = arena_str(&w->arena, buf_str(&line));
	buf_clear(&line);
	return result;
}

/* Places as "mailbox/uid mailbox/uid ". */
static struct str places_line(
	struct world *w, const struct journal_places *list)
{
	struct buf line = {0};
	struct str result;

	for (size_t i = 0; i < list->count; i++)
		buf_addf(&line, "%u/%u ", list->items[i].mailbox,
			list->items[i].uid);
	result = arena_str(&w->arena, buf_str(&line));
	buf_clear(&line);
	return result;
}

static struct str where_name(struct world *w, const char *name)
{
	struct journal_places list;

	check(journal_find_name(&w->journal, str_of(name), &w->arena, &list,
		      &w->err) == 0);
	return places_line(w, &list);
}

static struct str where_identity(struct world *w, uint32_t number)
{
	struct identity identity = identity_of(number);
	struct journal_places list;

	check(journal_find_identity(
		      &w->journal, &identity, &w->arena, &list, &w->err) == 0);
	return places_line(w, &list);
}

static bool has_size(struct world *w, uint64_t bytes)
{
	int found = journal_find_size(&w->journal, bytes, &w->err);

	check(found >= 0);
	return found == 1;
}

static struct record_key meta(const char *name)
{
	struct record_key key = {.len = strlen(name)};

	memcpy(key.bytes, name, key.len);
	return key;
}

/* What comes of opening it: -1 with the cause, or 0. */
static void refuses(struct world *w, struct str account, enum err_cause cause,
	const char *word, const char *sentence)
{
	struct journal journal;
	struct err err = {.text = ""};
	int rc = journal_open(&journal, w->port, account, true, &err);

	ok(rc == -1 && err.cause == cause && err.scope == ERR_ACCOUNT &&
			strstr(err.text, word) != NULL,
		"%s: %s", w->suite->label, sentence);
	if (rc != -1 || strstr(err.text, word) == NULL)
		tap_note("%s", err.text);
}

static void test_open(const struct journal_suite *suite)
{
	struct world w = world_new(suite);

	is_int(w.journal.next_mailbox, 1, "%s: a new journal has no mailbox",
		suite->label);
	world_reopen(&w);
	ok(true, "%s: an account opens its journal again", suite->label);
	refuses(&w, STR("bob@mail.example.org"), ERR_CONFIG,
		"alice@mail.example.org, not of bob@mail.example.org",
		"another account is refused, both are named");
	world_end(&w);
}

static void test_open_damaged(const struct journal_suite *suite)
{
	struct world w = world_new(suite);

	scrawl(&w, JOURNAL_META, meta("schema"), STR("\0\0\0\2"));
	refuses(&w, ACCOUNT, ERR_CONFIG, "newer godwit (schema 2; this one",
		"a newer schema is refused");
	scrawl(&w, JOURNAL_META, meta("schema"), STR("\0\0\0\0"));
	refuses(&w, ACCOUNT, ERR_DISK, "damaged", "schema 0 is damage");
	scrawl(&w, JOURNAL_META, meta("schema"), STR("1"));
	refuses(&w, ACCOUNT, ERR_DISK, "damaged",
		"a schema that is no number is damage");
	erase(&w, JOURNAL_META, meta("schema"));
	scrawl(&w, JOURNAL_MAILBOX, mailbox_key(1), STR("x"));
	refuses(&w, ACCOUNT, ERR_DISK, "damaged",
		"mailboxes without a schema are damage");
	erase(&w, JOURNAL_MAILBOX, mailbox_key(1));
	scrawl(&w, JOURNAL_META, meta("schema"), STR("\0\0\0\1"));
	scrawl(&w, JOURNAL_META, meta("next-mailbox"), STR("\0\0\0\0"));
	refuses(&w, ACCOUNT, ERR_DISK, "damaged",
		"a next mailbox of 0 is damage");
	erase(&w, JOURNAL_META, meta("next-mailbox"));
	refuses(&w, ACCOUNT, ERR_DISK, "damaged", "and so is none at all");
	scrawl(&w, JOURNAL_META, meta("next-mailbox"), STR("\0\0\0\1"));
	erase(&w, JOURNAL_META, meta("account"));
	refuses(&w, ACCOUNT, ERR_DISK, "damaged",
		"a journal of nobody is damage");
	scrawl(&w, JOURNAL_META, meta("account"), ACCOUNT);
	world_reopen(&w);
	world_end(&w);
}

static void test_read_only(const struct journal_suite *suite)
{
	struct world w = {.suite = suite, .port = suite->fresh(suite->ctx)};
	struct journal_mailboxes list;
	struct buf value = {0};

	ok(journal_open(&w.journal, w.port, ACCOUNT, true, &w.err) == 0 &&
			journal_mailboxes(
				&w.journal, &w.arena, &list, &w.err) == 0 &&
			list.count == 0,
		"%s: read only, an empty store is an empty journal",
		suite->label);
	is_int(w.port->get(w.port->ctx, JOURNAL_META, STR("schema"), &value,
		       &w.err),
		0, "%s: and stays empty", suite->label);
	buf_clear(&value);
	world_open(&w);
	world_end(&w);
}

static void test_root(const struct journal_suite *suite)
{
	struct world w = world_new(suite);
	struct root_record root = {.device = 1, .inode = 2};
	struct root_record back = {0};
	bool known = true;

	check(journal_root(&w.journal, &back, &known, &w.err) == 0);
	ok(!known, "%s: before the first run no root is known", suite->label);
	journal_root_put(&w.journal, &w.batch, &root);
	commit(&w);
	world_reopen(&w);
	check(journal_root(&w.journal, &back, &known, &w.err) == 0);
	ok(known && back.device == 1 && back.inode == 2, "%s: then it is",
		suite->label);
	world_end(&w);
}

static void test_unbound(const struct journal_suite *suite)
{
	struct world w = world_new(suite);
	struct unbound_record unbound = {.bindings = UNBOUND_TLS_EXPORTER,
		.certificate = STR("hash"),
		.until_s = 1000 + JOURNAL_UNBOUND_S};
	struct unbound_record back = {0};
	bool known = true;

	check(journal_unbound(&w.journal, &w.arena, &back, &known, &w.err) ==
		0);
	ok(!known, "%s: at first no binding was refused", suite->label);
	journal_unbound_put(&w.journal, &w.batch, &unbound);
	commit(&w);
	world_reopen(&w);
	check(journal_unbound(&w.journal, &w.arena, &back, &known, &w.err) ==
		0);
	ok(known && back.bindings == UNBOUND_TLS_EXPORTER &&
			str_eq(back.certificate, STR("hash")),
		"%s: then one was, under a certificate", suite->label);
	ok(journal_unbound_holds(&back, 1000) &&
			journal_unbound_holds(
				&back, 1000 + JOURNAL_UNBOUND_S - 1) &&
			!journal_unbound_holds(&back, 1000 + JOURNAL_UNBOUND_S),
		"%s: which counts for a week", suite->label);
	ok(!journal_unbound_holds(&back, 999),
		"%s: and not longer if the clock was set back", suite->label);
	world_end(&w);
}

static void test_server(const struct journal_suite *suite)
{
	struct world w = world_new(suite);
	struct server_record server = {.address = 7,
		.marks = SERVER_MARK_AFTER,
		.after = STR("IMAP4rev1")};
	struct server_record back = {0};
	bool known = true;

	check(journal_server(&w.journal, &w.arena, &back, &known, &w.err) == 0);
	ok(!known, "%s: before the first login nothing is known of the server",
		suite->label);
	journal_server_put(&w.journal, &w.batch, &server);
	commit(&w);
	world_reopen(&w);
	check(journal_server(&w.journal, &w.arena, &back, &known, &w.err) == 0);
	ok(known && back.address == 7 && str_eq(back.after, server.after),
		"%s: then it is", suite->label);
	is_int(journal_check(&w.journal, &w.err), 0,
		"%s: and agrees with the rest", suite->label);
	store_batch_put(&w.batch, JOURNAL_META, META_SERVER, STR("x"));
	commit(&w);
	is_int(journal_server(&w.journal, &w.arena, &back, &known, &w.err), -1,
		"%s: damage is told", suite->label);
	is_int(journal_check(&w.journal, &w.err), -1, "%s: and found",
		suite->label);
	journal_server_put(&w.journal, &w.batch, &server);
	commit(&w);
	world_end(&w);
}

static void test_mailboxes(const struct journal_suite *suite)
{
	struct world w = world_new(suite);
	uint32_t inbox = mailbox_new(&w, "INBOX");
	uint32_t archive = mailbox_new(&w, "Archiv/2024");
	struct mailbox_record record = {
		.name = STR("Archiv/2025"),
		.server_name = STR("Archiv.2025"),
		.wire_name = STR("&-"),
		.object_id = STR("M1"),
		.uidvalidity = 7,
		.stamp_new = {.inode = 3, .mtime_ns = 4, .ctime_ns = 5},
	};
	struct journal_mailboxes list = {0};

	journal_mailbox_put(&w.journal, &w.batch, archive, &record);
	commit(&w);
	world_reopen(&w);
	check(journal_mailboxes(&w.journal, &w.arena, &list, &w.err) == 0);
	is_int((intmax_t)list.count, 2, "%s: mailboxes are listed",
		suite->label);
	ok(list.items[0].id == inbox && list.items[1].id == archive,
		"%s: by their ids", suite->label);
	is_str(list.items[0].record.name, STR("INBOX"),
		"%s: with what was said of them", suite->label);
	is_str(list.items[1].record.server_name, STR("Archiv.2025"),
		"%s: at last", suite->label);
	ok(list.items[1].record.uidvalidity == 7 &&
			list.items[1].record.stamp_new.ctime_ns == 5 &&
			str_eq(list.items[1].record.object_id, STR("M1")) &&
			str_eq(list.items[1].record.wire_name, STR("&-")),
		"%s: in every part", suite->label);
	world_end(&w);
}

static void forget_mailbox(struct world *w, uint32_t id)
{
	bool more;

	do {
		check(journal_mailbox_forget(
			      &w->journal, &w->batch, id, &more, &w->err) == 0);
		commit(w);
	} while (more);
}

static void test_ids(const struct journal_suite *suite)
{
	struct world w = world_new(suite);
	uint32_t first = mailbox_new(&w, "a");
	uint32_t second = mailbox_new(&w, "b");

	forget_mailbox(&w, second);
	world_reopen(&w);
	ok(mailbox_new(&w, "b") > second && first < second,
		"%s: the id of a forgotten mailbox is not given again",
		suite->label);
	world_end(&w);
}

static void test_messages(const struct journal_suite *suite)
{
	struct world w = world_new(suite);
	uint32_t inbox = mailbox_new(&w, "INBOX");
	struct journal_base base = base_open(&w, inbox);
	struct journal_messages list;

	put(&w, &base, message_of(&w, 300));
	put(&w, &base, message_of(&w, 7));
	put(&w, &base, message_of(&w, UINT32_MAX));
	is_str(uids(&w, &base), STR(""),
		"%s: what waits in a batch is not read", suite->label);
	commit(&w);
	is_str(uids(&w, &base), STR("7 300 4294967295 "),
		"%s: messages are loaded by rising uid", suite->label);
	list = messages(&w, &base, false);
	ok(list.items[0].detail == NULL, "%s: without their detail",
		suite->label);
	is_str(list.items[0].name, STR("name7,S=1"), "%s: with their name",
		suite->label);
	ok(list.items[0].internaldate_s == 1700000007 &&
			list.items[0].zone_min == 60 &&
			list.items[0].stored_raw && !list.items[1].stored_raw &&
			list.items[0].flags.system == FLAG_SEEN,
		"%s: and all else that planning needs", suite->label);
	list = messages(&w, &base, true);
	ok(list.items[1].detail->email_key == UINT64_MAX - 300,
		"%s: with the detail if asked", suite->label);
	is_int((intmax_t)list.items[1].detail->identity.bytes, 1300,
		"%s: identity included", suite->label);
	journal_base_close(&base);
	world_end(&w);
}

static void test_message_alone(const struct journal_suite *suite)
{
	struct world w = world_new(suite);
	struct journal_base base = base_open(&w, mailbox_new(&w, "INBOX"));
	struct journal_message message = {0};

	put(&w, &base, message_of(&w, 5));
	commit(&w);
	is_int(journal_message(&base, 5, &w.arena, &message, &w.err), 1,
		"%s: a message is found by its uid", suite->label);
	ok(message.uid == 5 && message.detail != NULL &&
			message.detail->email_key == UINT64_MAX - 5,
		"%s: with its detail", suite->label);
	is_int(journal_message(&base, 6, &w.arena, &message, &w.err), 0,
		"%s: another uid is not there", suite->label);
	journal_base_close(&base);
	world_end(&w);
}

static void test_find(const struct journal_suite *suite)
{
	struct world w = world_new(suite);
	struct journal_base a = base_open(&w, mailbox_new(&w, "a"));
	struct journal_base b = base_open(&w, mailbox_new(&w, "b"));
	struct journal_message *twin = message_of(&w, 9);

	put(&w, &a, message_of(&w, 1));
	twin->name = STR("name1,S=1");
	put(&w, &b, twin);
	put(&w, &b, message_of(&w, 1));
	put(&w, &b, message_of(&w, 11));
	commit(&w);
	is_str(where_name(&w, "name1,S=1"), STR("1/1 2/1 2/9 "),
		"%s: a name is found in all mailboxes, even twice in one",
		suite->label);
	is_str(where_name(&w, "name1"), STR(""),
		"%s: but not where it only begins one", suite->label);
	is_str(where_identity(&w, 1), STR("1/1 2/1 "),
		"%s: an identity is found in all mailboxes", suite->label);
	is_str(where_identity(&w, 2), STR(""),
		"%s: and nowhere, if it is nowhere", suite->label);
	journal_base_close(&a);
	journal_base_close(&b);
	world_end(&w);
}

static void test_find_size(const struct journal_suite *suite)
{
	struct world w = world_new(suite);
	struct journal_base a = base_open(&w, mailbox_new(&w, "a"));
	struct journal_base b = base_open(&w, mailbox_new(&w, "b"));

	put(&w, &a, message_of(&w, 1));
	put(&w, &b, message_of(&w, 1));
	put(&w, &b, message_of(&w, 3));
	commit(&w);
	ok(has_size(&w, 1001) && has_size(&w, 1003),
		"%s: sizes that messages have are found", suite->label);
	ok(!has_size(&w, 1002) && !has_size(&w, 0) && !has_size(&w, 3) &&
			!has_size(&w, UINT64_C(1001) << 8) &&
			!has_size(&w, UINT64_MAX),
		"%s: and no others", suite->label);
	check(journal_message_delete(&a, &w.batch, 1, &w.err) == 0);
	commit(&w);
	ok(has_size(&w, 1001), "%s: a size stays as long as a message has it",
		suite->label);
	check(journal_message_delete(&b, &w.batch, 1, &w.err) == 0);
	commit(&w);
	ok(!has_size(&w, 1001) && has_size(&w, 1003), "%s: and no longer",
		suite->label);
	journal_base_close(&a);
	journal_base_close(&b);
	world_end(&w);
}

static void test_change(const struct journal_suite *suite)
{
	struct world w = world_new(suite);
	struct journal_base base = base_open(&w, mailbox_new(&w, "a"));
	struct journal_message *message = message_of(&w, 1);
	struct journal_detail detail = {.identity = identity_of(77)};

	put(&w, &base, message);
	commit(&w);
	message->flags.system = FLAG_DRAFT;
	put(&w, &base, message);
	commit(&w);
	is_int(messages(&w, &base, false).items[0].flags.system, FLAG_DRAFT,
		"%s: a message can be replaced", suite->label);
	is_str(where_name(&w, "name1,S=1"), STR("1/1 "),
		"%s: and is found as before", suite->label);
	message->name = STR("other");
	message->detail = &detail;
	put(&w, &base, message);
	commit(&w);
	is_str(where_name(&w, "name1,S=1"), STR(""),
		"%s: a name it no longer has does not lead to it",
		suite->label);
	is_str(where_name(&w, "other"), STR("1/1 "), "%s: its new one does",
		suite->label);
	is_str(where_identity(&w, 1), STR(""),
		"%s: nor does an identity that was corrected", suite->label);
	is_str(where_identity(&w, 77), STR("1/1 "), "%s: its new one does",
		suite->label);
	journal_base_close(&base);
	world_end(&w);
}

static void test_delete(const struct journal_suite *suite)
{
	struct world w = world_new(suite);
	struct journal_base base = base_open(&w, mailbox_new(&w, "a"));
	struct journal_message *heir = message_of(&w, 9);

	put(&w, &base, message_of(&w, 1));
	put(&w, &base, message_of(&w, 2));
	commit(&w);
	heir->name = STR("name1,S=1");
	put(&w, &base, heir);
	check(journal_message_delete(&base, &w.batch, 1, &w.err) == 0);
	check(journal_message_delete(&base, &w.batch, 500, &w.err) == 0);
	commit(&w);
	is_str(uids(&w, &base), STR("2 9 "), "%s: a deleted message is gone",
		suite->label);
	is_str(where_identity(&w, 1), STR(""), "%s: from the indexes, too",
		suite->label);
	is_str(where_name(&w, "name1,S=1"), STR("1/9 "),
		"%s: but not who took its name over", suite->label);
	journal_base_close(&base);
	world_end(&w);
}

static uint32_t keyword_set(
	struct journal_base *base, const char *a, const char *b)
{
	uint32_t ids[2] = {keywords_name_add(base->keywords, str_of(a)),
		keywords_name_add(base->keywords, str_of(b))};
	uint32_t set;

	check(keywords_set(base->keywords, ids, 2, &set, NULL) == 0);
	return set;
}

static bool has_keywords(const struct journal_base *base,
	const struct journal_message *message, const char *a, const char *b)
{
	size_t count;
	const uint16_t *ids = keywords_set_ids(
		base->keywords, message->flags.keywords, &count);

	return count == 2 &&
	       str_eq(keywords_name(base->keywords, ids[0]), str_of(a)) &&
	       str_eq(keywords_name(base->keywords, ids[1]), str_of(b));
}

static void test_keywords(const struct journal_suite *suite)
{
	struct world w = world_new(suite);
	uint32_t inbox = mailbox_new(&w, "INBOX");
	struct journal_base base = base_open(&w, inbox);
	struct journal_base other = base_open(&w, mailbox_new(&w, "b"));
	struct journal_message *message = message_of(&w, 1);

	is_int(keywords_count(base.keywords), 0,
		"%s: a new mailbox has no keywords", suite->label);
	message->flags.keywords = keyword_set(&base, "$Junk", "Work");
	put(&w, &base, message);
	commit(&w);
	journal_base_close(&base);
	base = base_open(&w, inbox);
	is_int(keywords_count(base.keywords), 2,
		"%s: keywords come back with the mailbox", suite->label);
	ok(has_keywords(
		   &base, messages(&w, &base, false).items, "$Junk", "Work"),
		"%s: and the message has them, as they were spelled",
		suite->label);
	(void)keywords_name_add(base.keywords, STR("unused"));
	message = message_of(&w, 2);
	message->flags.keywords = keyword_set(&base, "work", "third");
	put(&w, &base, message);
	commit(&w);
	ok(has_keywords(&base, messages(&w, &base, false).items + 1, "Work",
		   "third"),
		"%s: later ones are added to them", suite->label);
	journal_base_close(&base);
	base = base_open(&w, inbox);
	ok(has_keywords(&base, messages(&w, &base, false).items + 1, "Work",
		   "third"),
		"%s: and come back, too", suite->label);
	is_int(keywords_count(other.keywords), 0,
		"%s: another mailbox has none of them", suite->label);
	journal_base_close(&base);
	journal_base_close(&other);
	world_end(&w);
}

static uint64_t intent_new(struct world *w, uint32_t mailbox, const char *name)
{
	struct intent_record record = {
		.kind = INTENT_APPEND,
		.mailbox = mailbox,
		.uidvalidity = 1,
		.uidnext = 10,
		.identity = identity_of(3),
		.name = str_of(name),
	};
	uint64_t sequence = journal_intent_add(&w->journal, &w->batch, &record);

	commit(w);
	return sequence;
}

static void test_intents(const struct journal_suite *suite)
{
	struct world w = world_new(suite);
	uint32_t inbox = mailbox_new(&w, "INBOX");
	uint64_t first = intent_new(&w, inbox, "n1");
	uint64_t second = intent_new(&w, inbox, "n2");
	struct journal_intents list;

	world_reopen(&w);
	ok(intent_new(&w, inbox, "n3") > second && first < second,
		"%s: an intent's sequence is behind all that are open",
		suite->label);
	journal_intent_delete(&w.journal, &w.batch, second);
	commit(&w);
	check(journal_intents(&w.journal, &w.arena, &list, &w.err) == 0);
	ok(list.count == 2 && str_eq(list.items[0].record.name, STR("n1")) &&
			str_eq(list.items[1].record.name, STR("n3")),
		"%s: intents are listed in order, settled ones are not",
		suite->label);
	ok(list.items[0].sequence == first &&
			list.items[0].record.uidnext == 10 &&
			list.items[0].record.identity.bytes == 1003,
		"%s: with all that they are about", suite->label);
	world_end(&w);
}

static void note(struct world *w, const struct trouble_key *key, int64_t now_s)
{
	struct journal_failure failure = {
		.key = *key, .reason = STR("It is too big."), .now_s = now_s};

	check(journal_trouble_note(&w->journal, &w->batch, &failure, &w->err) ==
		0);
	commit(w);
}

static struct journal_troubles troubles(
	struct world *w, const uint32_t *mailbox)
{
	struct journal_troubles list;

	check(journal_troubles(
		      &w->journal, mailbox, &w->arena, &list, &w->err) == 0);
	return list;
}

static void test_pauses(const struct journal_suite *suite)
{
	struct world w = world_new(suite);
	struct trouble_key key = {
		.mailbox = mailbox_new(&w, "a"), .side = REMOTE, .uid = 4};
	struct trouble_record record;

	note(&w, &key, 1000);
	record = troubles(&w, NULL).items[0].record;
	ok(record.tries == 1 && record.next_s == 1000 + 15 * 60,
		"%s: after a failure there is a pause of 15 minutes",
		suite->label);
	ok(!journal_trouble_due(&record, 1000 + 15 * 60 - 1),
		"%s: in which it is not due", suite->label);
	ok(journal_trouble_due(&record, 1000 + 15 * 60),
		"%s: and after which it is", suite->label);
	ok(journal_trouble_due(&record, 1000 - 8 * 86400),
		"%s: or when the clock was set back far", suite->label);
	note(&w, &key, 5000);
	record = troubles(&w, NULL).items[0].record;
	ok(record.tries == 2 && record.first_s == 1000 &&
			record.next_s == 5000 + 30 * 60,
		"%s: the next pause is twice as long", suite->label);
	for (int i = 0; i < 100; i++)
		note(&w, &key, 6000);
	record = troubles(&w, NULL).items[0].record;
	ok(record.tries == 102 && record.next_s == 6000 + 7 * 86400,
		"%s: none is longer than a week", suite->label);
	world_end(&w);
}

static void test_troubles(const struct journal_suite *suite)
{
	struct world w = world_new(suite);
	uint32_t a = mailbox_new(&w, "a");
	uint32_t b = mailbox_new(&w, "b");
	struct trouble_key message = {.mailbox = a, .side = REMOTE, .uid = 300};
	struct trouble_key file = {
		.mailbox = a, .side = LOCAL, .name = STR("17.x")};
	struct trouble_key mailbox = {.mailbox = b, .side = REMOTE};
	struct journal_troubles list;

	note(&w, &mailbox, 1);
	note(&w, &message, 1);
	note(&w, &file, 1);
	is_int((intmax_t)troubles(&w, NULL).count, 3,
		"%s: troubles of all mailboxes are listed", suite->label);
	list = troubles(&w, &a);
	ok(list.count == 2 && list.items[0].key.side == LOCAL &&
			str_eq(list.items[0].key.name, STR("17.x")) &&
			list.items[1].key.side == REMOTE &&
			list.items[1].key.uid == 300,
		"%s: or those of one", suite->label);
	is_str(list.items[0].record.reason, STR("It is too big."),
		"%s: with their reasons", suite->label);
	journal_trouble_clear(&w.journal, &w.batch, &message);
	journal_trouble_clear(&w.journal, &w.batch, &message);
	commit(&w);
	is_int((intmax_t)troubles(&w, &a).count, 1,
		"%s: one that is over is gone", suite->label);
	world_end(&w);
}

static void fill(struct world *w, struct journal_base *base, uint32_t count)
{
	for (uint32_t uid = 1; uid <= count; uid++) {
		struct journal_message *message = message_of(w, uid);

		message->flags.keywords = keyword_set(base, "x", "y");
		put(w, base, message);
	}
	commit(w);
}

static void test_forget(const struct journal_suite *suite)
{
	struct world w = world_new(suite);
	uint32_t a = mailbox_new(&w, "a");
	uint32_t b = mailbox_new(&w, "b");
	struct journal_base base_a = base_open(&w, a);
	struct journal_base base_b = base_open(&w, b);
	struct trouble_key trouble = {.mailbox = a, .side = REMOTE, .uid = 4};
	struct journal_mailboxes list;
	struct journal_intents intents;
	bool more = false;

	fill(&w, &base_a, 2100);
	fill(&w, &base_b, 10);
	(void)intent_new(&w, a, "n1");
	(void)intent_new(&w, b, "n2");
	note(&w, &trouble, 1);
	check(journal_mailbox_forget(&w.journal, &w.batch, a, &more, &w.err) ==
		0);
	commit(&w);
	ok(more, "%s: a large mailbox is not forgotten at once", suite->label);
	is_int((intmax_t)messages(&w, &base_a, false).count, 1100,
		"%s: but in batches of a thousand messages", suite->label);
	ok(journal_check(&w.journal, &w.err) == 0,
		"%s: half way the journal is consistent", suite->label);
	forget_mailbox(&w, a);
	check(journal_mailboxes(&w.journal, &w.arena, &list, &w.err) == 0);
	ok(list.count == 1 && list.items[0].id == b,
		"%s: at last the mailbox is gone", suite->label);
	is_str(where_identity(&w, 5), STR("2/5 "),
		"%s: the other one's messages are not", suite->label);
	check(journal_intents(&w.journal, &w.arena, &intents, &w.err) == 0);
	ok(intents.count == 1 && intents.items[0].record.mailbox == b,
		"%s: intents that led to it went with it", suite->label);
	is_int((intmax_t)troubles(&w, NULL).count, 0, "%s: and its troubles",
		suite->label);
	journal_base_close(&base_a);
	journal_base_close(&base_b);
	world_end(&w);
}

static void test_forget_messages(const struct journal_suite *suite)
{
	struct world w = world_new(suite);
	uint32_t a = mailbox_new(&w, "a");
	struct journal_base base = base_open(&w, a);
	struct trouble_key trouble = {.mailbox = a, .side = REMOTE, .uid = 4};
	struct journal_mailboxes list;
	bool more = true;

	fill(&w, &base, 3);
	note(&w, &trouble, 1);
	check(journal_messages_forget(&w.journal, &w.batch, a, &more, &w.err) ==
		0);
	commit(&w);
	ok(!more, "%s: a few messages are forgotten at once", suite->label);
	is_str(uids(&w, &base), STR(""), "%s: all of them", suite->label);
	is_int((intmax_t)troubles(&w, &a).count, 0,
		"%s: with the troubles that name old uids", suite->label);
	check(journal_mailboxes(&w.journal, &w.arena, &list, &w.err) == 0);
	is_int((intmax_t)list.count, 1, "%s: the mailbox stays", suite->label);
	journal_base_close(&base);
	base = base_open(&w, a);
	is_int(keywords_count(base.keywords), 2, "%s: with its keywords",
		suite->label);
	journal_base_close(&base);
	world_end(&w);
}

static void record_run(struct world *w, int64_t now_ms, unsigned adds)
{
	struct history_record begin = {.kind = HISTORY_BEGIN};
	struct history_record add = {.kind = HISTORY_ADD,
		.mailbox = STR("INBOX"),
		.text = STR("new on the server")};
	struct history_record end = {.kind = HISTORY_END, .end.status = 1};
	struct journal_run run;

	check(journal_run_begin(&w->journal, now_ms, &run, &w->err) == 0);
	journal_history_add(&w->journal, &w->batch, &run, &begin);
	for (unsigned i = 0; i < adds; i++) {
		add.uid = i + 1;
		journal_history_add(&w->journal, &w->batch, &run, &add);
	}
	journal_history_add(&w->journal, &w->batch, &run, &end);
}

static struct journal_runs runs(struct world *w)
{
	struct journal_runs list;

	check(journal_runs(&w->journal, &w->arena, &list, &w->err) == 0);
	return list;
}

static struct journal_history page(struct world *w, struct journal_run *run)
{
	struct journal_history list;

	check(journal_history(&w->journal, run, &w->arena, &list, &w->err) ==
		0);
	return list;
}

static void test_history(const struct journal_suite *suite)
{
	struct world w = world_new(suite);
	struct journal_run run = {.start_ms = 5000};
	struct journal_history list;

	record_run(&w, 5000, 2);
	commit(&w);
	record_run(&w, 5000, 0);
	record_run(&w, 9000, JOURNAL_HISTORY_PAGE + 10);
	commit(&w);
	ok(runs(&w).count == 3 && runs(&w).start_ms[0] == 5000 &&
			runs(&w).start_ms[1] == 5001,
		"%s: runs are listed; two of one moment are told apart",
		suite->label);
	list = page(&w, &run);
	ok(list.count == 4 && list.items[0].record.kind == HISTORY_BEGIN &&
			list.items[2].record.uid == 2 &&
			list.items[3].record.end.status == 1,
		"%s: a run's records come in their order", suite->label);
	is_str(list.items[1].record.text, STR("new on the server"),
		"%s: with what they say", suite->label);
	is_int((intmax_t)page(&w, &run).count, 0, "%s: and then no more",
		suite->label);
	run = (struct journal_run){.start_ms = 9000};
	is_int((intmax_t)page(&w, &run).count, JOURNAL_HISTORY_PAGE,
		"%s: a long run comes by the page", suite->label);
	list = page(&w, &run);
	ok(list.count == 12 && list.items[11].record.kind == HISTORY_END,
		"%s: to its end", suite->label);
	world_end(&w);
}

static void test_history_limit(const struct journal_suite *suite)
{
	struct world w = world_new(suite);
	struct journal_run run = {
		.start_ms = 1, .sequence = LIMIT_HISTORY_RUN_RECORDS - 5};
	struct journal_history list;

	record_run(&w, 1, LIMIT_HISTORY_RUN_RECORDS + 100);
	commit(&w);
	list = page(&w, &run);
	ok(list.count == 6 && list.items[5].record.kind == HISTORY_END,
		"%s: a run has no more records than the limit, and its end",
		suite->label);
	world_end(&w);
}

static void prune(struct world *w, int64_t now_ms)
{
	check(journal_history_prune(&w->journal, &w->batch, now_ms, &w->err) ==
		0);
	commit(w);
}

static void test_prune(const struct journal_suite *suite)
{
	const int64_t day_ms = INT64_C(86400000);
	struct world w = world_new(suite);
	struct journal_runs list;

	prune(&w, 400 * day_ms);
	record_run(&w, 10 * day_ms, 3);
	record_run(&w, 20 * day_ms, 3);
	record_run(&w, 30 * day_ms, 3);
	commit(&w);
	prune(&w, 110 * day_ms);
	is_int((intmax_t)runs(&w).count, 2,
		"%s: runs of more than 90 days ago are pruned", suite->label);
	prune(&w, 0);
	is_int((intmax_t)runs(&w).count, 2,
		"%s: none are when the clock has gone back", suite->label);
	for (int i = 0; i < LIMIT_HISTORY_RUNS; i++)
		record_run(&w, 31 * day_ms + i, 0);
	commit(&w);
	prune(&w, 32 * day_ms);
	list = runs(&w);
	ok(list.count == LIMIT_HISTORY_RUNS &&
			list.start_ms[0] == (uint64_t)(31 * day_ms),
		"%s: and all but the newest thousand", suite->label);
	prune(&w, 400 * day_ms);
	is_int((intmax_t)runs(&w).count, 0, "%s: all, when all are old",
		suite->label);
	world_end(&w);
}

static void test_empty_commit(const struct journal_suite *suite)
{
	struct world w = world_new(suite);

	is_int(journal_commit(&w.journal, &w.batch, &w.err), 0,
		"%s: an empty batch is committed", suite->label);
	(void)mailbox_new(&w, "a");
	is_int((intmax_t)w.batch.count, 0,
		"%s: a batch that was committed is empty", suite->label);
	world_end(&w);
}

/* One mailbox with two messages, a keyword, an intent, a trouble, a run. */
static struct world damage_world(const struct journal_suite *suite)
{
	struct world w = world_new(suite);
	uint32_t a = mailbox_new(&w, "a");
	struct journal_base base = base_open(&w, a);
	struct trouble_key trouble = {.mailbox = a, .side = REMOTE, .uid = 4};

	fill(&w, &base, 2);
	(void)intent_new(&w, a, "n1");
	note(&w, &trouble, 1);
	record_run(&w, 1, 1);
	commit(&w);
	journal_base_close(&base);
	check(journal_check(&w.journal, &w.err) == 0);
	return w;
}

static void finds(struct world *w, const char *table, const char *sentence)
{
	const char *where = arena_printf(&w->arena, "(table %s, key ", table);
	int rc;

	w->err = (struct err){.text = ""};
	rc = journal_check(&w->journal, &w->err);
	ok(rc == -1 && w->err.cause == ERR_DISK &&
			strstr(w->err.text, where) != NULL,
		"%s: check finds %s", w->suite->label, sentence);
	if (rc == 0 || strstr(w->err.text, where) == NULL)
		tap_note("%s", w->err.text);
	store_batch_clear(&w->batch);
	arena_clear(&w->arena);
}

static void test_check_indexes(const struct journal_suite *suite)
{
	struct identity one = identity_of(1);
	struct world w = damage_world(suite);

	erase(&w, JOURNAL_NAME, name_key(STR("name1,S=1"), 1, 1));
	finds(&w, "message", "a message that its name does not lead to");
	w = damage_world(suite);
	erase(&w, JOURNAL_IDENTITY, identity_key(&one, 1, 1));
	finds(&w, "message", "a message that its identity does not lead to");
	w = damage_world(suite);
	scrawl(&w, JOURNAL_NAME, name_key(STR("name1,S=1"), 1, 2), STR(""));
	finds(&w, "name", "a name that leads to another message");
	w = damage_world(suite);
	scrawl(&w, JOURNAL_NAME, name_key(STR("name1,S=1"), 1, 3), STR(""));
	finds(&w, "name", "a name that leads nowhere");
	w = damage_world(suite);
	scrawl(&w, JOURNAL_IDENTITY, identity_key(&one, 1, 2), STR(""));
	finds(&w, "identity", "an identity that leads to another message");
	w = damage_world(suite);
	scrawl(&w, JOURNAL_IDENTITY, identity_key(&one, 7, 1), STR(""));
	finds(&w, "identity", "an identity that leads nowhere");
	w = damage_world(suite);
	scrawl(&w, JOURNAL_NAME, name_key(STR("name1,S=1"), 1, 1), STR("x"));
	finds(&w, "name", "a name with a value");
}

static void test_check_references(const struct journal_suite *suite)
{
	struct trouble_key trouble = {.mailbox = 2, .side = REMOTE, .uid = 4};
	struct world w = damage_world(suite);

	erase(&w, JOURNAL_MAILBOX, mailbox_key(1));
	finds(&w, "keyword", "keywords of no mailbox");
	w = damage_world(suite);
	erase(&w, JOURNAL_KEYWORD, keyword_key(1, 1));
	finds(&w, "message", "a keyword without a name");
	w = damage_world(suite);
	erase(&w, JOURNAL_KEYWORD, keyword_key(1, 0));
	finds(&w, "keyword", "a gap in the keywords");
	w = damage_world(suite);
	scrawl(&w, JOURNAL_TROUBLE, trouble_key_encode(&trouble),
		STR("\1\1x\1\1\1"));
	finds(&w, "trouble", "a trouble of no mailbox");
	w = damage_world(suite);
	scrawl(&w, JOURNAL_MAILBOX, mailbox_key(5),
		STR("\1\0\1x\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"));
	finds(&w, "mailbox", "a mailbox whose id was not given yet");
}

static void test_check_bytes(const struct journal_suite *suite)
{
	static const enum journal_table tables[] = {JOURNAL_MAILBOX,
		JOURNAL_MESSAGE, JOURNAL_NAME, JOURNAL_IDENTITY,
		JOURNAL_KEYWORD, JOURNAL_INTENT, JOURNAL_TROUBLE,
		JOURNAL_HISTORY};

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		struct world w = damage_world(suite);
		const char *name = journal_table_name(tables[i]);

		scrawl(&w, tables[i], meta("garbage"), STR("garbage"));
		finds(&w, name, "garbage");
	}
}

void journal_suite_run(const struct journal_suite *suite)
{
	test_open(suite);
	test_open_damaged(suite);
	test_read_only(suite);
	test_root(suite);
	test_unbound(suite);
	test_server(suite);
	test_mailboxes(suite);
	test_ids(suite);
	test_messages(suite);
	test_message_alone(suite);
	test_find(suite);
	test_find_size(suite);
	test_change(suite);
	test_delete(suite);
	test_keywords(suite);
	test_intents(suite);
	test_pauses(suite);
	test_troubles(suite);
	test_forget(suite);
	test_forget_messages(suite);
	test_history(suite);
	test_history_limit(suite);
	test_prune(suite);
	test_empty_commit(suite);
	test_check_indexes(suite);
	test_check_references(suite);
	test_check_bytes(suite);
}
