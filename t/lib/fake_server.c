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
	box->name = copy_of(name);
	box->uidvalidity = ++server->uidvalidity_last;
	box->uidnext = 1;
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

void fake_server_rename(
	struct fake_server *server, struct fake_mailbox *box, const char *to)
{
	check(fake_server_find(server, to) == NULL);
	free(box->name);
	box->name = copy_of(to);
}

void fake_server_renumber(struct fake_server *server, struct fake_mailbox *box)
{
	box->uidvalidity = ++server->uidvalidity_last;
	box->uidnext = 1;
	for (size_t i = 0; i < box->count; i++)
		box->messages[i].uid = box->uidnext++;
}

/* ---- Messages ------------------------------------------------------------ */

struct fake_message *fake_mailbox_append(struct fake_mailbox *box,
	struct str body, uint64_t flags, struct imap_date date)
{
	struct fake_message *message;

	box->messages = array_grow(box->messages, &box->cap, box->count + 1,
		sizeof(*box->messages));
	message = &box->messages[box->count++];
	*message = (struct fake_message){
		.uid = box->uidnext++, .flags = flags, .date = date};
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

void fake_mailbox_expunge(struct fake_mailbox *box, uint32_t uid)
{
	struct fake_message *message = fake_mailbox_find(box, uid);
	size_t at;

	if (message == NULL)
		return;
	buf_clear(&message->body);
	box->count--;
	for (at = (size_t)(message - box->messages); at < box->count; at++)
		box->messages[at] = box->messages[at + 1];
	box->messages[box->count] = (struct fake_message){0};
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
			fake_server_find(server, action->to) == NULL)
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

void fake_server_act(
	struct fake_server *server, const struct fake_action *action)
{
	struct fake_mailbox *box;
	struct fake_message *message;

	if (action->act == FAKE_DISCONNECTS) {
		server->disconnects++;
		return;
	}
	if (action->act != FAKE_EXPUNGES && action->act != FAKE_TOGGLES) {
		act_on_mailbox(server, action);
		return;
	}
	box = fake_server_find(server, action->mailbox);
	if (box == NULL || box->count == 0)
		return;
	message = &box->messages[action->message % box->count];
	if (action->act == FAKE_EXPUNGES)
		fake_mailbox_expunge(box, message->uid);
	else
		message->flags ^= action->flags;
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
}

void fake_server_run_plans(struct fake_server *server)
{
	for (size_t i = 0; i < server->plan_count; i++)
		server->plans[i].at_command = 0;
	plans_due(server);
}
