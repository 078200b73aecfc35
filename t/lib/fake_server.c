/*
 * How: arrays, walked; a simulated mailbox is small. A mailbox that is deleted
 * stays in memory, since sessions may have it selected.
 */
#include "fake_server_private.h"

#include <stdlib.h>
#include <string.h>

static char *copy_of(const char *text)
{
	char *copy = text != NULL ? strdup(text) : NULL;

	check(text == NULL || copy != NULL);
	return copy;
}

struct fake_server *fake_server_new(struct fate *fate)
{
	struct fake_server *server = calloc(1, sizeof(*server));

	check(server != NULL);
	server->fate = fate;
	server->delimiter = '/';
	server->prefix = "";
	server->uidvalidity_last = 1000;
	imap_caps_set(&server->caps, IMAP_CAP_IMAP4REV1);
	fake_server_create(server, "INBOX", 0)->subscribed = true;
	return server;
}

static void mailbox_free(struct fake_mailbox *box)
{
	for (size_t i = 0; i < box->count; i++)
		buf_clear(&box->messages[i].body);
	for (size_t i = 0; i < box->keyword_count; i++)
		free(box->keywords[i]);
	free(box->messages);
	free(box->journal);
	free(box->was);
	free(box->name);
	free(box);
}

static void plan_clear(struct fake_plan *plan)
{
	free((char *)plan->action.mailbox);
	free((char *)plan->action.to);
	free((char *)plan->action.body.ptr);
}

void fake_server_free(struct fake_server **server)
{
	struct fake_server *s = *server;

	if (s == NULL)
		return;
	for (size_t i = 0; i < s->count; i++)
		mailbox_free(s->mailboxes[i]);
	for (size_t i = 0; i < s->removed_count; i++)
		mailbox_free(s->removed[i]);
	for (size_t i = 0; i < s->plan_count; i++)
		plan_clear(&s->plans[i]);
	free(s->mailboxes);
	free(s->removed);
	free(s->plans);
	buf_clear(&s->complaints);
	free(s);
	*server = NULL;
}

/* ---- Mailboxes ----------------------------------------------------------- */

static bool is_inbox(const char *name)
{
	return str_ieq(str_of(name), STR("INBOX"));
}

struct fake_mailbox *fake_server_find(
	const struct fake_server *server, const char *name)
{
	for (size_t i = 0; i < server->count; i++) {
		const char *other = server->mailboxes[i]->name;

		if (strcmp(other, name) == 0 ||
			(is_inbox(other) && is_inbox(name)))
			return server->mailboxes[i];
	}
	return NULL;
}

struct fake_mailbox *fake_server_create(
	struct fake_server *server, const char *name, unsigned attrs)
{
	struct fake_mailbox *box = calloc(1, sizeof(*box));

	check(box != NULL && fake_server_find(server, name) == NULL);
	box->server = server;
	box->name = copy_of(name);
	box->id = ++server->id_last;
	box->uidvalidity = ++server->uidvalidity_last;
	box->uidnext = 1;
	box->highestmodseq = 1;
	box->attrs = attrs;
	server->mailboxes = array_grow(server->mailboxes, &server->cap,
		server->count + 1, sizeof(struct fake_mailbox *));
	server->mailboxes[server->count++] = box;
	return box;
}

void fake_server_delete(struct fake_server *server, struct fake_mailbox *box)
{
	size_t at = 0;

	while (server->mailboxes[at] != box)
		at++;
	server->count--;
	for (; at < server->count; at++)
		server->mailboxes[at] = server->mailboxes[at + 1];
	box->removed = true;
	server->removed = array_grow(server->removed, &server->removed_cap,
		server->removed_count + 1, sizeof(struct fake_mailbox *));
	server->removed[server->removed_count++] = box;
}

/* What of the name stands below `top`, from the delimiter on; NULL: it is
 * another branch of the tree. */
static const char *below(
	const struct fake_server *server, const char *top, const char *name)
{
	size_t length = strlen(top);

	if (strncmp(top, name, length) != 0 ||
		(name[length] != '\0' && name[length] != server->delimiter))
		return NULL;
	return name + length;
}

static char *joined(const char *top, const char *rest)
{
	struct buf name = {0};
	char *copy;

	buf_addf(&name, "%s%s", top, rest);
	copy = copy_of(buf_z(&name));
	buf_clear(&name);
	return copy;
}

bool fake_server_can_rename(const struct fake_server *server,
	const struct fake_mailbox *box, const char *to)
{
	bool can = below(server, box->name, to) == NULL;

	for (size_t i = 0; i < server->count && can; i++) {
		const char *rest =
			below(server, box->name, server->mailboxes[i]->name);
		char *name = rest != NULL ? joined(to, rest) : NULL;

		can = name == NULL || fake_server_find(server, name) == NULL;
		free(name);
	}
	return can;
}

/* The name is subscribed to, not the mailbox (RFC 3501 section 6.3.6). */
static void leave_subscription(struct fake_mailbox *box, const char *to)
{
	bool is_back = box->was != NULL && strcmp(box->was, to) == 0;

	if (!is_back && !box->subscribed)
		return;
	free(box->was);
	box->was = box->subscribed ? copy_of(box->name) : NULL;
	box->subscribed = is_back;
}

void fake_server_rename(
	struct fake_server *server, struct fake_mailbox *box, const char *to)
{
	char *from = copy_of(box->name);

	check(fake_server_can_rename(server, box, to));
	for (size_t i = 0; i < server->count; i++) {
		struct fake_mailbox *moved = server->mailboxes[i];
		const char *rest = below(server, from, moved->name);
		char *name;

		if (rest == NULL)
			continue;
		name = joined(to, rest);
		leave_subscription(moved, name);
		free(moved->name);
		moved->name = name;
		if (server->odd.renames_renumber)
			moved->uidvalidity = ++server->uidvalidity_last;
	}
	free(from);
}

void fake_server_renumber(struct fake_server *server, struct fake_mailbox *box)
{
	box->uidvalidity = ++server->uidvalidity_last;
	box->uidnext = 1;
	for (size_t i = 0; i < box->count; i++)
		box->messages[i].uid = box->uidnext++;
	fake_mailbox_rebuild(box);
}

/* ---- Other clients ------------------------------------------------------- */

static void act_on_mailbox(
	struct fake_server *server, const struct fake_action *action)
{
	struct fake_mailbox *box = fake_server_find(server, action->mailbox);

	switch (action->act) {
	case FAKE_CREATES:
		if (box == NULL)
			fake_server_create(server, action->mailbox, 0);
		break;
	case FAKE_DELETES:
		if (box != NULL && !is_inbox(box->name))
			fake_server_delete(server, box);
		break;
	case FAKE_RENAMES:
		if (box != NULL && !is_inbox(box->name) &&
			fake_server_can_rename(server, box, action->to))
			fake_server_rename(server, box, action->to);
		break;
	case FAKE_RENUMBERS:
		if (box != NULL)
			fake_server_renumber(server, box);
		break;
	case FAKE_APPENDS:
		if (box != NULL)
			fake_mailbox_append(
				box, action->body, action->flags, action->date);
		break;
	default:
		break;
	}
}

static bool is_on_message(enum fake_act act)
{
	return act == FAKE_EXPUNGES || act == FAKE_TOGGLES ||
	       act == FAKE_COPIES || act == FAKE_MOVES;
}

static void act_on_message(struct fake_server *server,
	const struct fake_action *action, struct fake_mailbox *box,
	struct fake_message *message)
{
	bool copies = action->act == FAKE_COPIES || action->act == FAKE_MOVES;
	struct fake_mailbox *to =
		copies ? fake_server_find(server, action->to) : NULL;
	uint32_t uid = message->uid;

	if (action->act == FAKE_TOGGLES)
		message->flags ^= action->flags;
	if (copies && to == NULL)
		return;
	if (copies)
		fake_mailbox_copy(box, uid, to);
	if (action->act == FAKE_MOVES || action->act == FAKE_EXPUNGES)
		fake_mailbox_expunge(box, uid);
}

void fake_server_act(
	struct fake_server *server, const struct fake_action *action)
{
	struct fake_mailbox *box;

	if (action->act == FAKE_DISCONNECTS) {
		server->disconnects++;
		return;
	}
	box = fake_server_find(server, action->mailbox);
	if (!is_on_message(action->act))
		act_on_mailbox(server, action);
	else if (box != NULL && box->count > 0)
		act_on_message(server, action, box,
			&box->messages[action->message % box->count]);
}

void fake_server_plan(struct fake_server *server, uint64_t commands,
	const struct fake_action *action)
{
	struct fake_plan *plan;

	server->plans = array_grow(server->plans, &server->plan_cap,
		server->plan_count + 1, sizeof(*server->plans));
	plan = &server->plans[server->plan_count++];
	*plan = (struct fake_plan){server->commands + commands, *action};
	plan->action.mailbox = copy_of(action->mailbox);
	plan->action.to = copy_of(action->to);
	if (action->body.len > 0) {
		char *copy = malloc(action->body.len);

		check(copy != NULL);
		memcpy(copy, action->body.ptr, action->body.len);
		plan->action.body.ptr = copy;
	}
}

static bool is_due(
	const struct fake_server *server, const struct fake_plan *plan)
{
	return plan->at_command <= server->commands;
}

void plans_due(struct fake_server *server)
{
	size_t kept = 0;

	for (size_t i = 0; i < server->plan_count; i++) {
		struct fake_plan *plan = &server->plans[i];

		if (!is_due(server, plan)) {
			server->plans[kept++] = *plan;
			continue;
		}
		fake_server_act(server, &plan->action);
		plan_clear(plan);
	}
	server->plan_count = kept;
	for (size_t i = 0; i < server->count; i++)
		mailbox_settle(server->mailboxes[i]);
}

void fake_server_run_plans(struct fake_server *server)
{
	for (size_t i = 0; i < server->plan_count; i++)
		server->plans[i].at_command = 0;
	plans_due(server);
}
