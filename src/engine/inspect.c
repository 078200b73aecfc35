/*
 * How: every part is looked at, whatever was wrong with the one before, so that
 * one call of `check` shows all that is to be mended.
 */
#include "inspect.h"

#include "root.h"

#include "godwit/imap/date.h"
#include "godwit/mail/mailbox_name.h"

#include <inttypes.h>

static void fault(struct pass *pass, struct err *err)
{
	if (err->scope < ERR_ACCOUNT)
		err->scope = ERR_ACCOUNT; /* a sync would end with it */
	pass_error(pass, NULL, err, 0, (struct str){0});
}

/* ---- The journal --------------------------------------------------------- */

/* The status of a run that ended; false: it was cut off. */
static bool run_status(struct pass *pass, uint64_t start_ms, uint32_t *status_r)
{
	struct journal_run run = {.start_ms = start_ms};
	struct journal_history page = {.count = 1};
	struct arena scratch = {0};
	struct err ignored;
	bool ended = false;

	while (page.count > 0 && journal_history(&pass->journal, &run, &scratch,
					 &page, &ignored) == 0) {
		for (size_t i = 0; i < page.count; i++) {
			const struct history_record *record =
				&page.items[i].record;

			if (record->kind != HISTORY_END)
				continue;
			ended = true;
			*status_r = record->end.status;
		}
	}
	arena_clear(&scratch);
	return ended;
}

static int tell_last_run(struct pass *pass, struct err *err)
{
	struct journal_runs runs;
	char date[IMAP_DATE_BYTES];
	uint64_t start_ms;
	uint32_t status = 0;

	if (journal_runs(&pass->journal, &pass->arena, &runs, err) != 0)
		return -1;
	if (runs.count == 0)
		return 0;
	start_ms = runs.start_ms[runs.count - 1];
	imap_date_print(
		(struct imap_date){.utc_seconds = (int64_t)(start_ms / 1000)},
		date);
	if (run_status(pass, start_ms, &status))
		pass_fact(pass, NULL, "journal", status == 0,
			"the last run that had something to do began on %s and "
			"ended with status %u",
			date, (unsigned)status);
	else
		pass_fact(pass, NULL, "journal", false,
			"the last run that had something to do began on %s and "
			"was cut off; the next one goes on from there",
			date);
	return 0;
}

static int tell_journal(struct pass *pass, struct err *err)
{
	struct journal_mailboxes known;
	struct journal_intents intents;

	if (journal_mailboxes(&pass->journal, &pass->arena, &known, err) != 0 ||
		journal_intents(&pass->journal, &pass->arena, &intents, err) !=
			0)
		return -1;
	if (known.count == 0)
		pass_fact(pass, NULL, "journal", true,
			"nothing was synced yet; it will be in %s",
			pass->account->state);
	else
		pass_fact(pass, NULL, "journal", true,
			"of this account, in %s, schema %d; it knows %zu "
			"mailbox%s",
			pass->account->state, JOURNAL_SCHEMA, known.count,
			known.count == 1 ? "" : "es");
	if (intents.count > 0)
		pass_fact(pass, NULL, "journal", true,
			"it is open what became of %zu upload%s; the next "
			"sync looks",
			intents.count, intents.count == 1 ? "" : "s");
	return tell_last_run(pass, err);
}

static void inspect_journal(struct pass *pass)
{
	struct err err;

	if (pass->options->journal_fault != NULL) {
		err = *pass->options->journal_fault;
		fault(pass, &err);
	} else if (pass_open_journal(pass, &err) != 0 ||
		   tell_journal(pass, &err) != 0) {
		fault(pass, &err);
	}
}

static void inspect_state(struct pass *pass)
{
	const struct fs_port *fs = &pass->ports->fs;
	struct err err;
	enum fs_result result = fs->root_open(
		fs->ctx, pass->account->state, false, &pass->state, &err);

	if (result == FS_OK)
		result = fs->dir_writable(pass->state, &err);
	if (result == FS_FAILED)
		fault(pass, &err);
}

/* ---- The Maildir --------------------------------------------------------- */

static const char *layout_name(enum mailbox_layout layout)
{
	return layout == LAYOUT_NESTED ? "nested" : "maildir++";
}

/* Folders that only the other layout would take for mailboxes. */
static void inspect_layout(struct pass *pass, size_t own)
{
	const struct maildir_place place = {
		.fs = &pass->ports->fs, .root = pass->root};
	enum mailbox_layout other = pass->account->layout == LAYOUT_NESTED
					    ? LAYOUT_MAILDIRPP
					    : LAYOUT_NESTED;
	struct maildir_names names;
	struct err ignored;

	if (maildir_list(&place, other, &pass->arena, &names, &ignored) != 0 ||
		names.count == 0)
		return;
	pass_fact(pass, NULL, "layout", false,
		"%sin the layout %s, %s has %zu mailbox%s, which `layout: %s` "
		"leaves alone",
		own == 0 ? "is this the right one? " : "", layout_name(other),
		pass->account->maildir, names.count,
		names.count == 1 ? "" : "es",
		layout_name(pass->account->layout));
}

static void inspect_mailbox(struct pass *pass, struct str name)
{
	struct maildir_place place = {
		.fs = &pass->ports->fs, .root = pass->root};
	struct maildir_condition found;
	struct buf path = {0};
	struct err err;
	enum fs_result result = FS_FAILED;

	if (mailbox_name_path(pass->account->layout, name, &path, &err) == 0) {
		place.path = buf_str(&path);
		result = maildir_look(&place, &found, &err);
	}
	buf_clear(&path);
	if (result == FS_FAILED) {
		err.scope = ERR_MAILBOX;
		err_context(&err, "%.*s", STR_FMT(name));
		pass_error(pass, NULL, &err, 0, (struct str){0});
	}
	if (result != FS_OK)
		return;
	if (!found.has_new || !found.has_tmp)
		pass_fact(pass, NULL, "maildir", false,
			"%.*s lacks %s%s%s; a sync makes it", STR_FMT(name),
			found.has_new ? "" : "new/",
			found.has_new || found.has_tmp ? "" : " and ",
			found.has_tmp ? "" : "tmp/");
	if (found.leftovers > 0)
		pass_fact(pass, NULL, "maildir", true,
			"%.*s has %zu file%s of a download that was cut off; "
			"the next download to it takes care of that",
			STR_FMT(name), found.leftovers,
			found.leftovers == 1 ? "" : "s");
}

/* Whether the folder is a mailbox, or holds any. */
static bool leads_to_mailbox(const struct maildir_names *names,
	enum mailbox_layout layout, struct str folder)
{
	struct buf path = {0};
	struct err ignored;
	bool leads = false;

	for (size_t i = 0; i < names->count && !leads; i++) {
		buf_reset(&path);
		if (mailbox_name_path(
			    layout, names->items[i], &path, &ignored) != 0)
			continue;
		leads = str_starts(buf_str(&path), folder) &&
			(path.len == folder.len || path.ptr[folder.len] == '/');
	}
	buf_clear(&path);
	return leads;
}

/* Folders of the root that are no mailboxes, and lead to none. */
static int inspect_strangers(
	struct pass *pass, const struct maildir_names *names, struct err *err)
{
	const struct fs_port *fs = &pass->ports->fs;
	bool dots = pass->account->layout == LAYOUT_MAILDIRPP;
	const char *name;
	enum fs_type type;
	enum fs_result result = fs->dir_rewind(pass->root, err);

	while (result == FS_OK && (result = fs->dir_next(pass->root, &name,
					   &type, err)) == FS_OK) {
		struct fs_stat stat = {.type = type};

		if ((name[0] == '.') != dots)
			continue;
		if (type == FS_UNKNOWN &&
			fs->stat(pass->root, name, &stat, err) == FS_FAILED)
			return -1;
		if (stat.type == FS_LINK)
			pass_fact(pass, NULL, "maildir", false,
				"%s is a symbolic link, which is not followed",
				name);
		else if (stat.type == FS_DIR &&
			 !leads_to_mailbox(
				 names, pass->account->layout, str_of(name)))
			pass_fact(pass, NULL, "maildir", false,
				"%s is not a Maildir (it has no cur/): it is "
				"left alone",
				name);
	}
	return result == FS_ABSENT ? 0 : -1;
}

static int inspect_folders(struct pass *pass, struct err *err)
{
	const struct maildir_place place = {
		.fs = &pass->ports->fs, .root = pass->root};
	struct maildir_names names;

	if (maildir_list(&place, pass->account->layout, &pass->arena, &names,
		    err) != 0)
		return -1;
	pass_fact(pass, NULL, "maildir", true,
		"%s, in the layout %s, has %zu mailbox%s",
		pass->account->maildir, layout_name(pass->account->layout),
		names.count, names.count == 1 ? "" : "es");
	inspect_layout(pass, names.count);
	for (size_t i = 0; i < names.count; i++)
		inspect_mailbox(pass, names.items[i]);
	return inspect_strangers(pass, &names, err);
}

static void inspect_maildir(struct pass *pass)
{
	const struct fs_port *fs = &pass->ports->fs;
	struct err err;

	if (root_open(pass, &err) != 0)
		fault(pass, &err);
	else if (pass->root == NULL)
		pass_fact(pass, NULL, "maildir", true,
			"%s is not there yet; the first sync makes it",
			pass->account->maildir);
	if (pass->root == NULL)
		return;
	if (pass->account->direction != ACCOUNT_DIRECTION_PUSH &&
		fs->dir_writable(pass->root, &err) != FS_OK)
		fault(pass, &err);
	if (inspect_folders(pass, &err) != 0)
		fault(pass, &err);
}

void inspect(struct pass *pass)
{
	inspect_state(pass);
	inspect_journal(pass);
	inspect_maildir(pass);
}
