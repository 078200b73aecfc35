/*
 * How: what the server lists is sorted by its canonical names there; each name
 * of the journal's is looked up in it.
 */
#include "place.h"

#include <stdlib.h>

static int server_name_cmp(const void *a, const void *b)
{
	return str_cmp((*(struct mailbox *const *)a)->server_name,
		(*(struct mailbox *const *)b)->server_name);
}

/* The mailboxes that the server has, by its names for them. */
static struct mailbox **sort_by_server_name(struct pass *pass, size_t *count_r)
{
	struct mailbox **list = arena_array(
		&pass->arena, pass->count, sizeof(struct mailbox *));

	*count_r = 0;
	for (size_t i = 0; i < pass->count; i++) {
		if (pass->mailboxes[i].on_server)
			list[(*count_r)++] = &pass->mailboxes[i];
	}
	if (*count_r > 0)
		qsort(list, *count_r, sizeof(struct mailbox *),
			server_name_cmp);
	return list;
}

static bool is_attached(const struct mailbox *mailbox)
{
	return mailbox->in_journal && mailbox->record.state == MAILBOX_ATTACHED;
}

/* The journal has `old` in step with what is called `now` by this config. Where
 * the user has moved its folder, it is found to be in step there. */
static void renamed(struct pass *pass, struct mailbox *old, struct mailbox *now)
{
	struct err err;

	old->elsewhere = true;
	if (!old->on_local)
		return;
	old->part = MAILBOX_LEFT_OUT;
	if (!mailbox_is_active(now))
		return;
	err_set(&err, ERR_MAILBOX, ERR_NEVER, ERR_CONFIG,
		"its folder is %.*s, which the config now calls %.*s; %s, or "
		"take back the change of `rename`; until then it is left as it "
		"is",
		STR_FMT(old->name), STR_FMT(now->name),
		now->on_local ? "move what is in the one into the other, and "
				"remove it"
			      : "rename the folder");
	pass_mailbox_failed(pass, now, &err);
}

/* A folder that the journal has in step with one mailbox of the server must not
 * be compared with another. */
static void refuse_other(struct pass *pass, struct mailbox *mailbox)
{
	struct err err;

	if (!is_attached(mailbox) || !mailbox_is_active(mailbox) ||
		str_eq(mailbox->record.server_name, mailbox->server_name))
		return;
	err_set(&err, ERR_MAILBOX, ERR_NEVER, ERR_CONFIG,
		"by `rename`, its folder %.*s is now that of another mailbox "
		"than before; take back the change, or put each folder in its "
		"place, move the state folder %s away, and sync anew",
		STR_FMT(mailbox->name), pass->account->state);
	pass_mailbox_failed(pass, mailbox, &err);
}

void place_settle(struct pass *pass)
{
	size_t count;
	struct mailbox **list = sort_by_server_name(pass, &count);

	for (size_t i = 0; i < count; i++)
		refuse_other(pass, list[i]);
	for (size_t i = 0; i < pass->count; i++) {
		struct mailbox *old = &pass->mailboxes[i];
		struct mailbox key = {.server_name = old->record.server_name};
		struct mailbox *at = &key;
		struct mailbox **now;

		if (!old->in_journal || old->on_server || count == 0)
			continue;
		now = bsearch(&at, list, count, sizeof(struct mailbox *),
			server_name_cmp);
		if (now != NULL)
			renamed(pass, old, *now);
	}
}
