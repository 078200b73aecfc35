/* How: opening and releasing what the steps share. */
#include "mailbox.h"

#include "pass.h"

#include "godwit/mail/maildir_name.h"

#include <stdlib.h>

/* Opens the folder by a place that has all but its path. */
static int open_at(struct pass *pass, struct mailbox *mailbox,
	struct maildir_place *place, struct err *err)
{
	struct buf path = {0};
	enum fs_result result = FS_FAILED;

	check(!mailbox->md_open);
	place->fs = &pass->ports->fs;
	place->root = pass->root;
	place->read_only = pass->options->depth != SYNC_APPLY;
	if (mailbox_name_path(
		    pass->account->layout, mailbox->name, &path, err) == 0) {
		place->path = buf_str(&path);
		result = maildir_open(
			&mailbox->md, place, mailbox->base.keywords, err);
	}
	buf_clear(&path);
	if (result == FS_OK) {
		mailbox->md.arena = &mailbox->arena;
		mailbox->md_open = true;
		return 0;
	}
	if (mailbox->md.fs != NULL)
		maildir_close(&mailbox->md);
	if (result == FS_ABSENT)
		err_set(err, ERR_MAILBOX, ERR_LATER, ERR_DISK,
			"its Maildir folder went during the sync");
	return -1;
}

int mailbox_open_maildir(struct pass *pass, struct mailbox *mailbox,
	bool create, struct err *err)
{
	struct maildir_place place = {.create = create};

	return open_at(pass, mailbox, &place, err);
}

int mailbox_make_maildir(
	struct pass *pass, struct mailbox *mailbox, struct err *err)
{
	struct maildir_place place = {.create = true, .sync_later = true};

	mailbox->is_made = true;
	if (open_at(pass, mailbox, &place, err) != 0)
		return -1;
	mailbox_close_maildir(mailbox);
	return 0;
}

void mailbox_close_maildir(struct mailbox *mailbox)
{
	if (mailbox->md_open)
		maildir_close(&mailbox->md);
	mailbox->md_open = false;
}

static int name_cmp(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static struct str *sort_names(struct mailbox *mailbox)
{
	size_t count = mailbox->journal.count;
	struct str *names = arena_array(&mailbox->arena, count, sizeof(*names));

	for (size_t i = 0; i < count; i++)
		names[i] = mailbox->base_items[i].name;
	if (count > 0)
		qsort(names, count, sizeof(*names), name_cmp);
	return names;
}

/* Whether there was a file of this name. */
static bool has_file(struct mailbox *mailbox, struct str name)
{
	if (!mailbox->supposed)
		return maildir_scan_find(&mailbox->scan, name) != NULL;
	if (mailbox->by_name == NULL)
		mailbox->by_name = sort_names(mailbox);
	return mailbox->journal.count > 0 &&
	       bsearch(&name, mailbox->by_name, mailbox->journal.count,
		       sizeof(name), name_cmp) != NULL;
}

void mailbox_derive_name(const struct pass *pass, struct mailbox *mailbox,
	uint32_t uid, uint64_t disk_bytes, struct buf *unique)
{
	const size_t begin = unique->len;
	struct buf of = {0};
	struct buf stem = {0};
	struct str name;

	buf_add(&of, mailbox->name);
	do {
		buf_reset(&stem);
		unique->len = begin;
		maildir_name_stem(&stem, pass->account->name, buf_str(&of),
			mailbox->uidvalidity, uid);
		maildir_name_derive(unique, buf_str(&stem), disk_bytes);
		buf_addc(&of, '/');
		name = str_sub(buf_str(unique), begin, SIZE_MAX);
	} while (has_file(mailbox, name));
	buf_clear(&of);
	buf_clear(&stem);
}

uint32_t mailbox_shown_keywords(const struct mailbox *mailbox)
{
	uint32_t ids[KWFILE_LETTERS];
	uint32_t set = KEYWORDS_EMPTY;
	size_t count = 0;

	for (int i = 0; i < KWFILE_LETTERS; i++) {
		if (mailbox->letters[i] < KWFILE_TAKEN)
			ids[count++] = mailbox->letters[i];
	}
	(void)keywords_set(mailbox->base.keywords, ids, count, &set, NULL);
	return set;
}

int mailbox_open_base(
	struct pass *pass, struct mailbox *mailbox, struct err *err)
{
	if (mailbox->base_open)
		return 0;
	/* One that the journal does not know yet has no keywords there. */
	if (journal_base_open(&mailbox->base, &pass->journal,
		    mailbox->in_journal ? mailbox->id : UINT32_MAX, err) != 0)
		return -1;
	mailbox->base_open = true;
	return 0;
}

uint64_t mailbox_sum(const struct base_item *items, size_t count)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < count; i++)
		sum += maildir_sum(items[i].name, items[i].flags);
	return sum;
}

static struct mailbox_change *add_change(struct mailbox *mailbox, uint32_t uid)
{
	size_t at = mailbox->change_count++;

	mailbox->changes = array_grow(mailbox->changes, &mailbox->change_cap,
		at + 1, sizeof(*mailbox->changes));
	mailbox->changes[at] = (struct mailbox_change){
		.uid = uid, .number = (uint32_t)at & INT32_MAX};
	return &mailbox->changes[at];
}

void mailbox_entry_put(struct mailbox *mailbox, uint32_t uid, struct str name,
	struct flags flags)
{
	struct mailbox_change *change = add_change(mailbox, uid);

	change->sum = maildir_sum(name, flags);
	change->flags = flags;
}

void mailbox_entry_gone(struct mailbox *mailbox, uint32_t uid)
{
	add_change(mailbox, uid)->gone = 1;
}

const struct file_facts *mailbox_facts(
	const struct mailbox *mailbox, uint32_t local)
{
	size_t low = 0;
	size_t high = mailbox->fact_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (mailbox->facts[middle].local == local)
			return &mailbox->facts[middle];
		if (mailbox->facts[middle].local < local)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

struct mailbox_link *mailbox_link(const struct mailbox *mailbox, uint32_t row)
{
	size_t low = 0;
	size_t high = mailbox->link_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (mailbox->links[middle].row == row)
			return &mailbox->links[middle];
		if (mailbox->links[middle].row < row)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

void mailbox_link_hold(const struct mailbox_link *link)
{
	if (link->from != NULL)
		link->from->unfinished = true;
	for (int i = 0; i < 2; i++) {
		if (link->entry_of[i] != NULL)
			link->entry_of[i]->unfinished = true;
	}
}

static int remote_cmp(const void *a, const void *b)
{
	const struct remote_item *x = a;
	const struct remote_item *y = b;

	return (x->uid > y->uid) - (x->uid < y->uid);
}

struct remote_item *mailbox_remote(const struct mailbox *mailbox, uint32_t uid)
{
	const struct remote_item key = {.uid = uid};

	if (mailbox->remote_count == 0)
		return NULL;
	return bsearch(&key, mailbox->remote, mailbox->remote_count,
		sizeof(key), remote_cmp);
}

static int base_cmp(const void *a, const void *b)
{
	const struct base_item *x = a;
	const struct base_item *y = b;

	return (x->uid > y->uid) - (x->uid < y->uid);
}

const struct base_item *mailbox_entry(
	const struct base_item *items, size_t count, uint32_t uid)
{
	const struct base_item key = {.uid = uid};

	return count == 0 ? NULL
			  : bsearch(&key, items, count, sizeof(key), base_cmp);
}

bool mailbox_knows_uid(const struct mailbox *mailbox, uint32_t uid)
{
	if (mailbox_remote(mailbox, uid) != NULL)
		return true;
	return !mailbox->renumbered &&
	       mailbox_entry(mailbox->base_items, mailbox->journal.count,
		       uid) != NULL;
}

/* In the order of the list: files by name, then messages by UID. */
static int trouble_cmp(
	const struct trouble_key *key, uint32_t uid, struct str name)
{
	bool is_file = key->side == LOCAL;

	if (is_file != (name.len > 0))
		return is_file ? -1 : 1;
	return is_file ? str_cmp(key->name, name)
		       : (key->uid > uid) - (key->uid < uid);
}

const struct journal_trouble *mailbox_trouble(
	const struct mailbox *mailbox, uint32_t uid, struct str name)
{
	size_t low = 0;
	size_t high = mailbox->troubles.count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct journal_trouble *trouble =
			&mailbox->troubles.items[middle];
		int order = trouble_cmp(&trouble->key, uid, name);

		if (order == 0)
			return trouble;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/* Rows with a UID come first and in its order. */
uint32_t mailbox_row(const struct mailbox *mailbox, uint32_t uid)
{
	const struct match *match = &mailbox->match;
	size_t low = 0;
	size_t high = match->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		uint32_t at = match->rows[middle].uid;

		if (at == uid && uid != 0)
			return (uint32_t)middle;
		if (at == 0 || at > uid)
			high = middle;
		else
			low = middle + 1;
	}
	return PLAN_NONE;
}

void mailbox_clear(struct mailbox *mailbox)
{
	mailbox_close_maildir(mailbox);
	if (mailbox->vault != NULL)
		mailbox->md.fs->dir_close(&mailbox->vault);
	if (mailbox->base_open)
		journal_base_close(&mailbox->base);
	mailbox->base_open = false;
	free(mailbox->remote);
	mailbox->remote = NULL;
	mailbox->remote_cap = 0;
	free(mailbox->changes);
	mailbox->changes = NULL;
	mailbox->change_count = 0;
	mailbox->change_cap = 0;
	free(mailbox->twins);
	mailbox->twins = NULL;
	mailbox->twin_count = 0;
	mailbox->twin_cap = 0;
	arena_clear(&mailbox->arena);
}

void mailbox_again(struct mailbox *mailbox)
{
	const struct mailbox kept = *mailbox;

	mailbox_clear(mailbox);
	*mailbox = (struct mailbox){
		.name = kept.name,
		.server_name = kept.server_name,
		.wire_name = kept.wire_name,
		.attrs = kept.attrs,
		.on_server = kept.on_server,
		.on_local = kept.on_local,
		.in_journal = kept.in_journal,
		.part = kept.part,
		.id = kept.id,
		.record = kept.record,
		.dirty = kept.dirty,
		.plain_stores = kept.plain_stores,
		.report = kept.report,
	};
	mailbox->report.waiting = 0; /* it is counted anew */
}
