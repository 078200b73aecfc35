/*
 * How: the record is made anew from what the pass saw, and compared.
 */
#include "settle.h"

#include "godwit/imap/command.h"

static unsigned use_of(unsigned attrs)
{
	static const struct {
		unsigned role;
		unsigned use;
	} uses[] = {
		{IMAP_ATTR_ALL, MAILBOX_USE_ALL},
		{IMAP_ATTR_ARCHIVE, MAILBOX_USE_ARCHIVE},
		{IMAP_ATTR_DRAFTS, MAILBOX_USE_DRAFTS},
		{IMAP_ATTR_FLAGGED, MAILBOX_USE_FLAGGED},
		{IMAP_ATTR_IMPORTANT, MAILBOX_USE_IMPORTANT},
		{IMAP_ATTR_JUNK, MAILBOX_USE_JUNK},
		{IMAP_ATTR_SENT, MAILBOX_USE_SENT},
		{IMAP_ATTR_TRASH, MAILBOX_USE_TRASH},
	};
	unsigned use = 0;

	for (size_t i = 0; i < sizeof(uses) / sizeof(uses[0]); i++) {
		if ((attrs & uses[i].role) != 0)
			use |= uses[i].use;
	}
	return use;
}

static bool record_eq(
	const struct mailbox_record *a, const struct mailbox_record *b)
{
	struct buf x = {0};
	struct buf y = {0};
	bool equal;

	mailbox_record_encode(a, &x);
	mailbox_record_encode(b, &y);
	equal = str_eq(buf_str(&x), buf_str(&y));
	buf_clear(&x);
	buf_clear(&y);
	return equal;
}

static struct mailbox_record record_of(const struct mailbox *mailbox)
{
	struct mailbox_record record = mailbox->record;

	record.name = mailbox->name;
	record.server_name = mailbox->server_name;
	record.wire_name = mailbox->wire_name;
	if (mailbox->attrs != 0)
		record.special_use = use_of(mailbox->attrs);
	record.uidvalidity = mailbox->uidvalidity;
	return record;
}

int settle(struct pass *pass, struct err *err)
{
	for (size_t i = 0; i < pass->count; i++) {
		struct mailbox *mailbox = &pass->mailboxes[i];
		struct mailbox_record record;

		if (!mailbox_is_active(mailbox) || !mailbox->in_journal ||
			mailbox->unfinished || mailbox->verdict.refused)
			continue;
		record = record_of(mailbox);
		if (record_eq(&record, &mailbox->record))
			continue;
		record.settled_s = pass_now_s(pass);
		mailbox->record = record;
		journal_mailbox_put(
			&pass->journal, &pass->batch, mailbox->id, &record);
	}
	return pass_commit(pass, err);
}
