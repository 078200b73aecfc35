/*
 * How: the messages are kept by UID; those that lack the same flags go into one
 * STORE. It is silent: what comes of it is asked for, since servers answer a
 * STORE with whatever they like.
 */
#include "flag_check.h"

#include "godwit/base/limits.h"
#include "godwit/imap/set.h"

#include <stdlib.h>

enum {
	ROOM_ELSE = 400,  /* of a line: the command, a mailbox's name */
	ROOM_LEAST = 100, /* for a set, whatever the flags take */
};

void flag_check_begin(struct flag_check *check, struct keywords *keywords)
{
	check->keywords = keywords;
	check->count = 0;
}

void flag_check_clear(struct flag_check *check)
{
	free(check->items);
	*check = (struct flag_check){0};
}

void flag_check_add(struct flag_check *check, uint32_t uid, struct flags wanted)
{
	check->items = array_grow(check->items, &check->cap, check->count + 1,
		sizeof(*check->items));
	check->items[check->count++] =
		(struct flag_checked){.uid = uid, .wanted = wanted};
}

static int cmp_uid(const void *a, const void *b)
{
	const struct flag_checked *x = a;
	const struct flag_checked *y = b;

	return (x->uid > y->uid) - (x->uid < y->uid);
}

void flag_check_sort(struct flag_check *check)
{
	if (check->count > 0)
		qsort(check->items, check->count, sizeof(*check->items),
			cmp_uid);
}

static struct flag_checked *find(const struct flag_check *check, uint32_t uid)
{
	const struct flag_checked key = {.uid = uid};

	if (check->count == 0)
		return NULL;
	return bsearch(&key, check->items, check->count, sizeof(key), cmp_uid);
}

size_t flag_check_room(const struct imap_strs *names)
{
	size_t bytes = ROOM_ELSE;

	for (size_t i = 0; i < names->count; i++)
		bytes += names->items[i].len + 1;
	return bytes < LIMIT_COMMAND_LINE_BYTES - ROOM_LEAST
		       ? LIMIT_COMMAND_LINE_BYTES - bytes
		       : ROOM_LEAST;
}

/* Submits a command about a set, as often as its text needs. */
static unsigned submit(struct conn *conn, struct imap_command *command,
	struct str *set_text, const struct imap_set *set)
{
	const struct imap_strs none = {0};
	size_t room = flag_check_room(
		command->kind == IMAP_STORE ? &command->store.flags : &none);
	struct buf text = {0};
	size_t from = 0;
	unsigned count = 0;

	while (imap_set_print_next(set, &from, room, &text)) {
		*set_text = buf_str(&text);
		conn_submit(conn, command);
		buf_reset(&text);
		count++;
	}
	buf_clear(&text);
	return count;
}

unsigned flag_check_ask(struct flag_check *check, struct conn *conn)
{
	struct imap_command command = {.kind = IMAP_NOOP};
	struct imap_set set = {0};
	unsigned count = 1;

	for (size_t i = 0; i < check->count; i++) {
		check->items[i].is_shown = false;
		imap_set_add(&set, check->items[i].uid);
	}
	conn_submit(conn, &command);
	command = (struct imap_command){.kind = IMAP_FETCH};
	command.fetch.items = IMAP_FETCH_UID | IMAP_FETCH_FLAGS;
	count += submit(conn, &command, &command.fetch.set, &set);
	imap_set_clear(&set);
	return count;
}

void flag_check_shown(
	struct flag_check *check, const struct imap_fetch *fetched)
{
	const unsigned needed = IMAP_FETCH_UID | IMAP_FETCH_FLAGS;
	struct flag_checked *item;

	if ((fetched->present & IMAP_FETCH_UID) == 0)
		return;
	item = find(check, fetched->uid);
	if (item != NULL && (fetched->present & IMAP_FETCH_MODSEQ) != 0) {
		item->modseq = fetched->modseq;
		if (item->stored_modseq == 0)
			item->stored_modseq = fetched->modseq;
	}
	if (item != NULL && (fetched->present & needed) == needed &&
		flags_from_names(check->keywords, fetched->flags.items,
			fetched->flags.count, &item->shown, NULL) == 0)
		item->is_shown = item->was_shown = true;
}

void flag_check_anew(struct flag_check *check, uint32_t uid)
{
	struct flag_checked *item = find(check, uid);

	if (item != NULL)
		item->stored_modseq = 0;
}

const struct flag_checked *flag_check_item(
	const struct flag_check *check, uint32_t uid)
{
	return find(check, uid);
}

/* What the server lacks of a message's flags, as far as it shows them. */
static struct flags lacking(
	const struct flag_check *check, const struct flag_checked *item)
{
	if (!item->is_shown)
		return (struct flags){0};
	return flags_added(check->keywords, item->shown, item->wanted);
}

static unsigned store(const struct flag_check *check, struct conn *conn,
	struct flags flags, const struct imap_set *set)
{
	struct imap_command command = {.kind = IMAP_STORE};
	struct arena scratch = {0};
	unsigned count;

	command.store.mode = IMAP_STORE_ADD;
	command.store.silent = true;
	command.store.flags.items = flags_to_names(
		check->keywords, flags, &scratch, &command.store.flags.count);
	count = submit(conn, &command, &command.store.set, set);
	arena_clear(&scratch);
	return count;
}

/* Tells the server all the messages that lack these flags, from `first` on. */
static unsigned store_group(struct flag_check *check, struct conn *conn,
	size_t first, struct flags flags)
{
	struct imap_set set = {0};
	unsigned count;

	for (size_t i = first; i < check->count; i++) {
		struct flag_checked *item = &check->items[i];

		if (item->is_told || !flags_eq(lacking(check, item), flags))
			continue;
		imap_set_add(&set, item->uid);
		item->is_told = true;
	}
	count = store(check, conn, flags, &set);
	imap_set_clear(&set);
	return count;
}

unsigned flag_check_store(struct flag_check *check, struct conn *conn)
{
	unsigned count = 0;

	for (size_t i = 0; i < check->count; i++) {
		struct flags flags = lacking(check, &check->items[i]);

		if (!check->items[i].is_told &&
			!flags_eq(flags, (struct flags){0}))
			count += store_group(check, conn, i, flags);
	}
	return count;
}

bool flag_check_is_open(const struct flag_check *check, uint32_t uid)
{
	const struct flag_checked *item = find(check, uid);

	return item != NULL && !item->is_shown;
}

bool flag_check_was_shown(const struct flag_check *check, uint32_t uid)
{
	const struct flag_checked *item = find(check, uid);

	return item != NULL && item->was_shown;
}

struct flags flag_check_base(
	const struct flag_check *check, uint32_t uid, struct flags base)
{
	const struct flag_checked *item = find(check, uid);

	if (item == NULL)
		return base;
	if (!item->is_shown)
		return (struct flags){0};
	return flags_removed(check->keywords, base, lacking(check, item));
}
