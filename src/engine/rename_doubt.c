/*
 * How: a UIDVALIDITY that is told of one mailbox, and that the journal knows of
 * just one other, which has not told it again.
 */
#include "rename_doubt.h"

#include "numbers.h"
#include "rename.h"

static bool is_told(const struct mailbox *mailbox)
{
	return (mailbox->status.present & IMAP_STATUS_UIDVALIDITY) != 0;
}

static bool is_new_there(
	const struct account *account, const struct mailbox *mailbox)
{
	return mailbox->on_server && !mailbox->in_journal &&
	       mailbox_is_active(mailbox) &&
	       (mailbox->on_local ||
		       ((account->create & ACCOUNT_SIDES_LOCAL) != 0 &&
			       account->direction != ACCOUNT_DIRECTION_PUSH));
}

/* Whether names came or went on the server, of mailboxes that may be others of
 * the journal. */
static bool has_changed_names(const struct pass *pass)
{
	bool any_known = false;
	bool any_change = false;

	for (size_t i = 0; i < pass->count; i++) {
		const struct mailbox *mailbox = &pass->mailboxes[i];
		bool is_known = rename_can_be_known(mailbox);

		any_known = any_known || is_known;
		any_change = any_change || (is_known && !mailbox->on_server) ||
			     is_new_there(pass->account, mailbox);
	}
	return any_known && any_change;
}

int rename_doubt_ask(struct pass *pass, struct err *err)
{
	struct mailbox **asked = arena_array(
		&pass->arena, pass->count, sizeof(struct mailbox *));
	size_t count = 0;

	if (!pass->in_doubt && !has_changed_names(pass))
		return 0;
	for (size_t i = 0; i < pass->count; i++) {
		struct mailbox *mailbox = &pass->mailboxes[i];

		if (mailbox->on_server && !is_told(mailbox))
			asked[count++] = mailbox;
	}
	return numbers_ask(pass, asked, count, err);
}

/* Whether the journal's mailbox `known`, and it alone, had the number, and has
 * not told it again. */
static bool had_alone(const struct pass *pass, const struct mailbox *known,
	uint32_t uidvalidity)
{
	size_t count = 0;

	if (known->record.uidvalidity != uidvalidity ||
		known->uidvalidity == uidvalidity ||
		!rename_can_be_known(known))
		return false;
	for (size_t i = 0; i < pass->count; i++)
		count += pass->mailboxes[i].in_journal &&
			 pass->mailboxes[i].record.uidvalidity == uidvalidity;
	return count == 1;
}

/* Whether the mailbox that was opened may be another one of the journal. */
static bool is_doubtful(const struct pass *pass, const struct mailbox *mailbox)
{
	uint32_t uidvalidity = mailbox->uidvalidity;

	if (!mailbox_is_active(mailbox) || !mailbox->in_journal ||
		mailbox->record.uidvalidity == 0 || uidvalidity <= 1 ||
		mailbox->record.uidvalidity == uidvalidity)
		return false;
	for (size_t i = 0; i < pass->count; i++) {
		if (had_alone(pass, &pass->mailboxes[i], uidvalidity))
			return true;
	}
	return false;
}

bool rename_doubt_arose(struct pass *pass)
{
	bool arose = false;

	for (size_t i = 0; i < pass->count && !pass->in_doubt; i++)
		arose = arose || is_doubtful(pass, &pass->mailboxes[i]);
	if (!arose)
		return false;
	pass->in_doubt = true;
	pass_discard(pass);
	for (size_t i = 0; i < pass->count; i++) {
		pool_unselect(pass->pool, &pass->mailboxes[i]);
		mailbox_clear(&pass->mailboxes[i]);
	}
	return true;
}
