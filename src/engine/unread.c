/*
 * How: of a file that cannot be read, its size can mostly be had still; with LF
 * line ends it stands for a message up to twice as long. One that is no regular
 * file is no message, and holds up nothing.
 */
#include "unread.h"

enum {
	FAILURES_MAX = 3, /* until nothing waits for it any more */
};

struct unread_file {
	struct unread_file *next;
	uint32_t row;
	enum err_retry retry;
	struct str why;
	uint64_t least; /* the sizes that it may have in canonical form */
	uint64_t most;
};

static void measure(struct unread_file *file, const struct maildir *md,
	const struct local_item *item)
{
	struct fs_stat stat;
	struct err err = {.retry = ERR_LATER};
	enum fs_result result = md->fs->stat(maildir_dir(md, item->in_new),
		item->file_name.ptr, &stat, &err);

	if (result == FS_OK && stat.type == FS_FILE) {
		file->least = stat.bytes;
		file->most = stat.bytes > UINT64_MAX / 2 ? UINT64_MAX
							 : stat.bytes * 2;
	} else if (result == FS_OK || err.retry == ERR_NEVER) {
		file->least = UINT64_MAX; /* none */
	} else {
		file->most = UINT64_MAX;
	}
}

void unread_add(struct unread *unread, struct mailbox *mailbox, uint32_t row,
	const struct err *err)
{
	struct unread_file *file =
		arena_array(&mailbox->arena, 1, sizeof(*file));

	file->next = unread->files;
	file->row = row;
	file->retry = err->retry;
	file->why = arena_str(&mailbox->arena, str_of(err->text));
	measure(file, &mailbox->md,
		&mailbox->scan.items[mailbox->match.rows[row].local]);
	unread->files = file;
}

static void tell(struct pass *pass, struct mailbox *mailbox,
	const struct unread_file *file, struct str name)
{
	const struct trouble_key key = {
		.mailbox = mailbox->id, .side = LOCAL, .name = name};
	struct err err;

	err_set(&err, ERR_MESSAGE, file->retry, ERR_DISK, "%.*s",
		STR_FMT(file->why));
	pass_message_failed(pass, mailbox, &key, &err);
}

/* The file waits. Whether messages that it may be are to wait as well. */
static bool hold_file(struct pass *pass, struct mailbox *mailbox,
	const struct unread_file *file, bool *told)
{
	struct row *row = &mailbox->match.rows[file->row];
	struct str name = mailbox->scan.items[row->local].name;
	const struct journal_trouble *trouble =
		mailbox_trouble(mailbox, 0, name);

	if (row->hold == ROW_FREE)
		row->hold = ROW_TROUBLED;
	mailbox->unfinished = true;
	if (trouble == NULL ||
		journal_trouble_due(&trouble->record, pass_now_s(pass))) {
		tell(pass, mailbox, file, name);
		*told = true;
	} else {
		mailbox->report.waiting++;
	}
	return trouble == NULL || trouble->record.tries < FAILURES_MAX;
}

/* How many messages were held that may be files of these sizes. */
static size_t hold_messages(
	struct mailbox *mailbox, uint64_t least, uint64_t most)
{
	size_t held = 0;

	for (size_t i = 0; i < mailbox->match.count; i++) {
		struct row *row = &mailbox->match.rows[i];
		uint64_t low;
		uint64_t high;

		if (row->present != SIDE_BIT(REMOTE))
			continue;
		match_near(mailbox->remote[row->remote].bytes, &low, &high);
		if (low > most || high < least)
			continue;
		row->hold = ROW_TROUBLED;
		held++;
	}
	return held;
}

void unread_hold(
	struct pass *pass, struct mailbox *mailbox, const struct unread *unread)
{
	uint64_t least = UINT64_MAX;
	uint64_t most = 0;
	bool told = false;
	size_t held;

	for (const struct unread_file *file = unread->files; file != NULL;
		file = file->next) {
		/* An intent may have said which message it is. */
		if (mailbox->match.rows[file->row].present != SIDE_BIT(LOCAL))
			continue;
		if (!hold_file(pass, mailbox, file, &told))
			continue;
		least = file->least < least ? file->least : least;
		most = file->most > most ? file->most : most;
	}
	held = least <= most ? hold_messages(mailbox, least, most) : 0;
	if (held > 0 && told)
		pass_note(pass, mailbox,
			"%zu new messages wait, since they may be files that "
			"cannot be read; they are not downloaded before that "
			"is known",
			held);
}
