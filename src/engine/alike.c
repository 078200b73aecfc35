/*
 * How: the messages are sorted by header, so that each file finds in no time
 * whether it must be read; then equals pair as they do by identity.
 */
#include "alike.h"

#include "delta.h"

#include <stdlib.h>
#include <string.h>

void alike_clear(struct alike *alike)
{
	free(alike->items);
	*alike = (struct alike){0};
}

void alike_add(struct alike *alike, const struct alike_row *row)
{
	alike->items = array_grow(alike->items, &alike->cap, alike->count + 1,
		sizeof(*alike->items));
	alike->items[alike->count++] = *row;
}

static int cmp_header(const void *a, const void *b)
{
	const struct alike_row *x = a;
	const struct alike_row *y = b;

	return memcmp(x->identity.header_sha256, y->identity.header_sha256,
		IDENTITY_HASH_BYTES);
}

/* Keeps the rows that only the server has, sorted by header. */
static void keep_single(struct alike *alike, const struct match *match)
{
	size_t kept = 0;

	for (size_t i = 0; i < alike->count; i++) {
		if (match->rows[alike->items[i].row].present ==
			SIDE_BIT(REMOTE))
			alike->items[kept++] = alike->items[i];
	}
	alike->count = kept;
	if (kept > 0)
		qsort(alike->items, kept, sizeof(*alike->items), cmp_header);
}

static bool has_header(
	const struct alike *alike, const struct identity *identity)
{
	const struct alike_row key = {.identity = *identity};

	return bsearch(&key, alike->items, alike->count, sizeof(key),
		       cmp_header) != NULL;
}

static bool is_single_file(const struct row *row)
{
	return (row->present & (SIDE_BIT(LOCAL) | SIDE_BIT(REMOTE))) ==
		       SIDE_BIT(LOCAL) &&
	       row->hold != ROW_SAME_NAME;
}

/* A file cannot be read: neither it nor what it might be is looked at. */
static void leave_out(struct pass *pass, struct mailbox *mailbox,
	const struct alike *alike, const struct match_identity *file,
	const struct err *err)
{
	struct row *row = &mailbox->match.rows[file->row];

	mailbox->unfinished = true;
	pass_error(pass, mailbox, err, 0,
		mailbox->scan.items[row->local].file_name);
	row->present = 0;
	for (size_t i = 0; i < alike->count; i++) {
		if (memcmp(alike->items[i].identity.header_sha256,
			    file->identity.header_sha256,
			    IDENTITY_HASH_BYTES) == 0)
			mailbox->match.rows[alike->items[i].row].present = 0;
	}
}

/* Reads the files that have a header of these, for what they are alike to. */
static enum fs_result read_files(struct pass *pass, struct mailbox *mailbox,
	const struct alike *alike, struct match_identities *files,
	struct err *err)
{
	for (size_t i = 0; i < mailbox->identities.count; i++) {
		const struct match_identity *file =
			&mailbox->identities.items[i];
		const struct row *row = &mailbox->match.rows[file->row];
		struct match_identity *into = &files->items[files->count];
		enum fs_result result;

		if (!is_single_file(row) || !has_header(alike, &file->identity))
			continue;
		into->row = file->row;
		result = delta_alike(&mailbox->md,
			&mailbox->scan.items[row->local], &into->identity, err);
		if (result == FS_OK)
			files->count++;
		else if (result == FS_FAILED && err->scope == ERR_MESSAGE)
			leave_out(pass, mailbox, alike, file, err);
		else
			return result;
	}
	return FS_OK;
}

static struct match_identities identities_of(
	const struct alike *alike, struct arena *arena)
{
	struct match_identities list = {
		.items = arena_array(arena, alike->count, sizeof(*list.items)),
		.count = alike->count,
	};

	for (size_t i = 0; i < alike->count; i++)
		list.items[i] = (struct match_identity){
			alike->items[i].alike, alike->items[i].row};
	return list;
}

enum fs_result alike_pair(struct pass *pass, struct mailbox *mailbox,
	struct alike *alike, struct err *err)
{
	struct match_identities files = {0};
	struct match_identities messages;
	enum fs_result result;

	keep_single(alike, &mailbox->match);
	if (alike->count == 0)
		return FS_OK;
	if (mailbox_open_maildir(pass, mailbox, false, err) != 0)
		return FS_FAILED;
	files.items = arena_array(&mailbox->arena, mailbox->identities.count,
		sizeof(*files.items));
	result = read_files(pass, mailbox, alike, &files, err);
	mailbox_close_maildir(mailbox);
	if (result != FS_OK)
		return result;
	messages = identities_of(alike, &mailbox->arena);
	match_pair(&mailbox->match, &messages, &files);
	return FS_OK;
}
