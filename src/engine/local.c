/*
 * How: the names that ops have changed are handed over, the records of it
 * become due: a batch, which may be of many mailboxes, is synced and then
 * committed.
 */
#include "local.h"

#include "apply.h"
#include "delta.h"
#include "vault.h"

#include "godwit/base/limits.h"

enum {
	LEFTOVER_AGE_S = 60, /* no mail reader takes so long to rename */
};

/* Does one op. 1: done; 0: the file is not what it was; -1: err. */
typedef int local_act(struct pass *pass, struct mailbox *mailbox,
	const struct op *op, struct err *err);

static struct local_item *item_of(struct mailbox *mailbox, const struct op *op)
{
	return &mailbox->scan.items[apply_row(mailbox, op)->local];
}

static int act_flag(struct pass *pass, struct mailbox *mailbox,
	const struct op *op, struct err *err)
{
	struct local_item *item = item_of(mailbox, op);
	enum fs_result result = delta_name_file(mailbox, item, err);
	uint64_t sum = maildir_file_sum(&mailbox->md, item->file_name);

	if (result == FS_OK)
		result = maildir_set_flags(
			&mailbox->md, item, op->flags, &mailbox->arena, err);
	if (result == FS_FAILED && err->scope == ERR_MESSAGE) {
		pass_error(
			pass, mailbox, err, 0, item_of(mailbox, op)->file_name);
		return 0;
	}
	if (result == FS_FAILED)
		return -1;
	if (result != FS_OK)
		return 0;
	mailbox->local_sum +=
		maildir_file_sum(&mailbox->md, item->file_name) - sum;
	return apply_flagged(pass, mailbox, op, op->base, err) == 0 ? 1 : -1;
}

static int act_remove(struct pass *pass, struct mailbox *mailbox,
	const struct op *op, struct err *err)
{
	struct local_item *item = item_of(mailbox, op);
	enum fs_result result = delta_name_file(mailbox, item, err);
	uint64_t sum = maildir_file_sum(&mailbox->md, item->file_name);

	if (result == FS_OK)
		result = vault_take(pass, mailbox, item, err);
	if (result == FS_FAILED)
		return -1;
	if (result != FS_OK)
		return 0;
	mailbox->local_sum -= sum;
	return apply_removed(pass, mailbox, op, err) == 0 ? 1 : -1;
}

/* So many ops are done, and to be made durable. */
static int done_some(struct pass *pass, struct mailbox *mailbox, size_t count,
	struct err *err)
{
	if (count == 0)
		return 0;
	if (vault_sync_later(pass, mailbox, err) != 0 ||
		pass_names_later(pass, mailbox, err) != 0)
		return -1;
	return pass_later(pass, mailbox, count, err);
}

/* Does all ops of a kind. */
static int act_all(struct pass *pass, struct mailbox *mailbox,
	enum op_kind kind, local_act *act, struct err *err)
{
	const struct op *op;
	size_t waiting = 0;

	for (size_t at = 0; (op = apply_next(mailbox, kind, &at)) != NULL;
		at++) {
		int done;

		if ((mailbox->pending[op->row] & 1U << kind) == 0)
			continue; /* its file was not brought here */
		done = act(pass, mailbox, op, err);
		if (done < 0)
			return -1;
		if (done == 0) {
			apply_failed(mailbox);
			continue;
		}
		apply_tell(pass, mailbox, op, apply_row(mailbox, op)->uid,
			item_of(mailbox, op)->file_name);
		if (++waiting < LIMIT_BATCH_MESSAGES)
			continue;
		if (done_some(pass, mailbox, waiting, err) != 0)
			return -1;
		waiting = 0;
	}
	return done_some(pass, mailbox, waiting, err);
}

/* The letters that the new names need must be on disk before the names. */
static int letter_all(struct mailbox *mailbox, struct err *err)
{
	const struct op *op;

	for (size_t at = 0;
		(op = apply_next(mailbox, OP_FLAG_LOCAL, &at)) != NULL; at++)
		maildir_letter_keywords(&mailbox->md, op->flags);
	return maildir_write_keywords(&mailbox->md, err);
}

int local_flags(struct pass *pass, struct mailbox *mailbox, struct err *err)
{
	int result = 0;

	if (!apply_has(mailbox, 1U << OP_FLAG_LOCAL))
		return 0;
	if (mailbox_open_maildir(pass, mailbox, false, err) != 0)
		return -1;
	mailbox->local_touched = true;
	if (letter_all(mailbox, err) != 0 ||
		act_all(pass, mailbox, OP_FLAG_LOCAL, act_flag, err) != 0)
		result = -1;
	mailbox_close_maildir(mailbox);
	return result;
}

int local_make_vault(
	struct pass *pass, struct mailbox *mailbox, struct err *err)
{
	if (!apply_has(mailbox, 1U << OP_REMOVE_LOCAL))
		return 0;
	if (vault_make(pass, mailbox, err) != 0)
		return -1;
	return pass_later(pass, mailbox, 0, err);
}

int local_removals(struct pass *pass, struct mailbox *mailbox, struct err *err)
{
	int result;

	if (!apply_has(mailbox, 1U << OP_REMOVE_LOCAL))
		return 0;
	if (mailbox_open_maildir(pass, mailbox, false, err) != 0)
		return -1;
	mailbox->local_touched = true;
	result = act_all(pass, mailbox, OP_REMOVE_LOCAL, act_remove, err);
	mailbox_close_maildir(mailbox);
	return result;
}

/* The item with a leftover's unique part. */
static const struct local_item *item_beside(
	const struct mailbox *mailbox, const struct maildir_leftover *leftover)
{
	const struct maildir_scan *scan = &mailbox->scan;
	size_t low = 0;
	size_t high = scan->count;

	while (low + 1 < high) {
		size_t middle = low + (high - low) / 2;

		if (str_cmp(scan->items[middle].name, leftover->file_name) <= 0)
			low = middle;
		else
			high = middle;
	}
	return &scan->items[low];
}

static int drop_old_leftovers(
	struct pass *pass, struct mailbox *mailbox, struct err *err)
{
	const struct maildir_scan *scan = &mailbox->scan;

	for (size_t i = 0; i < scan->leftover_count; i++) {
		const struct maildir_leftover *leftover = &scan->leftovers[i];
		int64_t age_s =
			pass_now_s(pass) - leftover->ctime_ns / 1000000000;

		if (age_s >= LEFTOVER_AGE_S &&
			maildir_drop_leftover(&mailbox->md, leftover,
				item_beside(mailbox, leftover),
				err) == FS_FAILED)
			return -1;
	}
	return pass_names_later(pass, mailbox, err);
}

int local_leftovers(struct pass *pass, struct mailbox *mailbox, struct err *err)
{
	int result;

	if (mailbox->scan.leftover_count == 0 ||
		!policy_writes(&mailbox->policy, LOCAL))
		return 0;
	if (mailbox_open_maildir(pass, mailbox, false, err) != 0)
		return -1;
	mailbox->local_touched = true;
	result = drop_old_leftovers(pass, mailbox, err);
	mailbox_close_maildir(mailbox);
	return result;
}
