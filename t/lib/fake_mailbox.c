/*
 * How: each change of a message takes the mailbox's next mod-sequence; an
 * expunge leaves its own in the journal. A message is known again by a hash of
 * its bytes, so that copies and doubles are one object, as with Gmail and
 * Cyrus.
 */
#include "fake_fs.h"
#include "fake_server_private.h"

#include <stdlib.h>
#include <string.h>

/* ---- Messages ------------------------------------------------------------ */

static uint64_t object_of(
	const struct fake_mailbox *box, uint32_t uid, struct str body)
{
	uint64_t object = fake_hash(body);

	if (box->server->odd.own_objects)
		object ^= fake_hash((struct str){(const char *)&uid, 4}) +
			  box->id * UINT64_C(0x9e3779b97f4a7c15);
	return object;
}

struct fake_message *fake_mailbox_append(struct fake_mailbox *box,
	struct str body, uint64_t flags, struct imap_date date)
{
	uint32_t uid = box->uidnext++;
	struct fake_message *message;

	box->messages = array_grow(box->messages, &box->cap, box->count + 1,
		sizeof(*box->messages));
	message = &box->messages[box->count++];
	*message = (struct fake_message){
		.uid = uid,
		.flags = flags,
		.flags_noted = flags,
		.modseq = ++box->highestmodseq,
		.object = object_of(box, uid, body),
		.date = date,
	};
	buf_add(&message->body, body);
	return message;
}

struct fake_message *fake_mailbox_find(
	const struct fake_mailbox *box, uint32_t uid)
{
	for (size_t i = 0; i < box->count; i++) {
		if (box->messages[i].uid == uid)
			return &box->messages[i];
	}
	return NULL;
}

static void journal_add(struct fake_mailbox *box, uint32_t uid)
{
	box->journal = array_grow(box->journal, &box->journal_cap,
		box->journal_count + 1, sizeof(*box->journal));
	box->journal[box->journal_count++] =
		(struct fake_expunged){uid, ++box->highestmodseq};
}

void fake_mailbox_expunge(struct fake_mailbox *box, uint32_t uid)
{
	struct fake_message *message = fake_mailbox_find(box, uid);
	size_t at;

	if (message == NULL)
		return;
	journal_add(box, uid);
	buf_clear(&message->body);
	box->count--;
	for (at = (size_t)(message - box->messages); at < box->count; at++)
		box->messages[at] = box->messages[at + 1];
	box->messages[box->count] = (struct fake_message){0};
}

/* The same flags in another mailbox, whose keywords may have other bits. */
static uint64_t flags_in(
	const struct fake_mailbox *box, uint64_t flags, struct fake_mailbox *to)
{
	uint64_t same = flags & FAKE_SYSTEM;

	for (size_t i = 0; i < box->keyword_count; i++) {
		if ((flags >> (FAKE_KEYWORD + i) & 1) != 0)
			same |= fake_mailbox_keyword(
				to, str_of(box->keywords[i]));
	}
	return same;
}

uint32_t fake_mailbox_copy(
	const struct fake_mailbox *box, uint32_t uid, struct fake_mailbox *to)
{
	const struct fake_message *from = fake_mailbox_find(box, uid);
	uint64_t object = from->object;
	struct fake_message *copy;
	struct buf body = {0};

	buf_add(&body, buf_str(&from->body)); /* `to` may be this very box */
	copy = fake_mailbox_append(
		to, buf_str(&body), flags_in(box, from->flags, to), from->date);
	copy->object = object;
	buf_clear(&body);
	return copy->uid;
}

uint64_t fake_mailbox_keyword(struct fake_mailbox *box, struct str name)
{
	size_t at = 0;
	char *copy;

	while (at < box->keyword_count &&
		!str_ieq(str_of(box->keywords[at]), name))
		at++;
	if (at == FAKE_KEYWORDS_MAX)
		return 0;
	if (at == box->keyword_count) {
		copy = strndup(name.ptr, name.len);
		check(copy != NULL);
		box->keywords[box->keyword_count++] = copy;
	}
	return (uint64_t)1 << (FAKE_KEYWORD + at);
}

/* ---- Mod-sequences ------------------------------------------------------- */

void mailbox_settle(struct fake_mailbox *box)
{
	for (size_t i = 0; i < box->count; i++) {
		struct fake_message *message = &box->messages[i];

		if (message->flags == message->flags_noted)
			continue;
		message->flags_noted = message->flags;
		message->modseq = ++box->highestmodseq;
	}
}

void fake_mailbox_forget(struct fake_mailbox *box)
{
	box->journal_count = 0;
	box->journal_from = box->highestmodseq;
}

void fake_mailbox_rebuild(struct fake_mailbox *box)
{
	mailbox_settle(box);
	for (size_t i = 0; i < box->count; i++)
		box->messages[i].modseq = 1;
	box->highestmodseq = 1;
	fake_mailbox_forget(box);
}

void mailbox_use_modseq(struct fake_mailbox *box)
{
	if (!box->modseq_used && box->server->odd.lazy_modseq)
		fake_mailbox_rebuild(box);
	box->modseq_used = true;
}

bool mailbox_has_modseq(const struct fake_mailbox *box)
{
	return !box->nomodseq &&
	       (box->modseq_used || !box->server->odd.lazy_modseq);
}

void mailbox_vanished(const struct fake_mailbox *box, uint64_t modseq,
	const struct imap_set *known, struct imap_set *out)
{
	for (size_t i = 0; i < box->journal_count; i++) {
		const struct fake_expunged *gone = &box->journal[i];

		if (gone->modseq > modseq &&
			imap_set_contains(known, gone->uid))
			imap_set_add(out, gone->uid);
	}
	if (modseq >= box->journal_from)
		return;
	for (uint32_t uid = 1; uid < box->uidnext; uid++) {
		if (imap_set_contains(known, uid) &&
			fake_mailbox_find(box, uid) == NULL)
			imap_set_add(out, uid);
	}
}

/* ---- What is told -------------------------------------------------------- */

uint32_t told_uidvalidity(const struct fake_mailbox *box)
{
	if (box->server->odd.zero_uidvalidity)
		return 0;
	return box->server->odd.one_uidvalidity ? 1 : box->uidvalidity;
}

uint32_t told_uidnext(const struct fake_mailbox *box)
{
	return (uint32_t)(box->uidnext + box->uidnext_lie);
}

/* Changes of a mailbox that are to come. */
static uint64_t planned(const struct fake_mailbox *box)
{
	const struct fake_server *server = box->server;
	uint64_t count = 0;

	for (size_t i = 0; i < server->plan_count; i++) {
		const char *name = server->plans[i].action.mailbox;

		count += name != NULL && fake_server_find(server, name) == box;
	}
	return count;
}

uint64_t told_modseq(const struct fake_mailbox *box)
{
	uint64_t ahead = box->server->odd.modseq_ahead ? planned(box) : 0;

	return box->highestmodseq + ahead + (uint64_t)box->modseq_lie;
}
