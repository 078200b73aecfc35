/*
 * How: each kind of event has a function that adds its members to a Jansson
 * object, which keeps the order in which they came.
 */
#include "godwit/cli/json.h"

#include "godwit/base/err.h"
#include "godwit/cli/table.h"

#include <jansson.h>
#include <stdlib.h>

static void add(json_t *object, const char *key, json_t *value)
{
	check(json_object_set_new(object, key, value) == 0);
}

static void add_text(json_t *object, const char *key, struct str text)
{
	struct buf clean = {0};

	text_utf8(&clean, text);
	add(object, key, json_stringn(buf_z(&clean), clean.len));
	buf_clear(&clean);
}

/* Left out when empty. */
static void add_some(json_t *object, const char *key, struct str text)
{
	if (text.len > 0)
		add_text(object, key, text);
}

static void add_number(json_t *object, const char *key, uint64_t number)
{
	add(object, key,
		json_integer(
			number > INT64_MAX ? INT64_MAX : (json_int_t)number));
}

static void add_bool(json_t *object, const char *key, bool flag)
{
	add(object, key, json_boolean(flag));
}

static void add_counts(
	json_t *object, const char *key, const struct report_counts *counts)
{
	json_t *inner = json_object();

	add_number(inner, "added", counts->added);
	add_number(inner, "removed", counts->removed);
	add_number(inner, "moved", counts->moved);
	add_number(inner, "copied", counts->copied);
	add_number(inner, "flagged", counts->flagged);
	add(object, key, inner);
}

static void text_add(json_t *object, const struct report_event *event)
{
	add_some(object, "mailbox", event->mailbox);
	add_text(object, "text", event->text);
}

static void op_add(json_t *object, const struct report_event *event)
{
	static const char *const verbs[] = {
		[REPORT_ADD] = "add",
		[REPORT_REMOVE] = "remove",
		[REPORT_MOVE] = "move",
		[REPORT_COPY] = "copy",
		[REPORT_FLAG] = "flag",
		[REPORT_MAILBOX_CREATE] = "create_mailbox",
		[REPORT_MAILBOX_REMOVE] = "remove_mailbox",
		[REPORT_MAILBOX_RENAME] = "rename_mailbox",
	};
	const struct report_op *op = &event->op;

	add_text(object, "op", str_of(verbs[op->verb]));
	add_text(object, "side",
		op->side == REPORT_LOCAL ? STR("local") : STR("server"));
	add_some(object, "mailbox", event->mailbox);
	add_some(object, "to", op->to);
	if (op->uid != 0)
		add_number(object, "uid", op->uid);
	add_some(object, "file", op->file);
	add_some(object, "flags", op->flags);
	add_text(object, "reason", op->reason);
}

static void error_add(json_t *object, const struct report_event *event)
{
	static const char *const scopes[] = {
		[ERR_MESSAGE] = "message",
		[ERR_MAILBOX] = "mailbox",
		[ERR_ACCOUNT] = "account",
		[ERR_RUN] = "run",
	};
	static const char *const retries[] = {
		[ERR_NOW] = "now",
		[ERR_LATER] = "later",
		[ERR_NEVER] = "never",
	};
	const struct err *err = event->error.err;

	add_some(object, "mailbox", event->mailbox);
	if (event->error.uid != 0)
		add_number(object, "uid", event->error.uid);
	add_some(object, "file", event->error.file);
	add_text(object, "scope", str_of(scopes[err->scope]));
	add_text(object, "retry", str_of(retries[err->retry]));
	add_number(object, "status", (uint64_t)err_status(err->cause));
	add_text(object, "text", str_of(err->text));
}

static void mailbox_add(json_t *object, const struct report_event *event)
{
	static const char *const states[] = {
		[REPORT_IN_STEP] = "in step",
		[REPORT_DIRTY] = "dirty",
		[REPORT_DETACHED] = "detached",
		[REPORT_REFUSED] = "refused",
		[REPORT_FAILED] = "failed",
	};
	const struct report_mailbox *mailbox = &event->mailbox_state;

	add_text(object, "mailbox", event->mailbox);
	add_text(object, "state", str_of(states[mailbox->state]));
	add_number(object, "local_messages", mailbox->local_messages);
	add_number(object, "server_messages", mailbox->server_messages);
	add_counts(object, "local", &mailbox->local);
	add_counts(object, "server", &mailbox->server);
	add_number(object, "waiting", mailbox->waiting);
}

static void listed_add(json_t *object, const struct report_event *event)
{
	const struct report_listed *listed = &event->listed;

	add_some(object, "mailbox", event->mailbox);
	add_some(object, "local_name", listed->local_name);
	add_some(object, "special_use", listed->special_use);
	add_bool(object, "on_server", listed->on_server);
	add_bool(object, "on_local", listed->on_local);
	add_bool(object, "subscribed", listed->subscribed);
	add_bool(object, "selectable", listed->selectable);
	add_bool(object, "synced", listed->synced);
}

static void fact_add(json_t *object, const struct report_event *event)
{
	add_some(object, "mailbox", event->mailbox);
	add_text(object, "subject", event->fact.subject);
	add_text(object, "text", event->fact.text);
	add_bool(object, "good", event->fact.good);
}

static void summary_add(json_t *object, const struct report_event *event)
{
	const struct report_summary *summary = &event->summary;
	const uint64_t hundredths = summary->elapsed_ms / 10;

	add(object, "status", json_integer(summary->status));
	add_number(object, "mailboxes", summary->mailboxes);
	add_number(object, "dirty", summary->dirty);
	add_counts(object, "local", &summary->local);
	add_counts(object, "server", &summary->server);
	add_number(object, "bytes_in", summary->bytes_in);
	add_number(object, "bytes_out", summary->bytes_out);
	add_number(object, "conflicts", summary->conflicts);
	add_number(object, "errors", summary->errors);
	add(object, "seconds", json_real((double)hundredths / 100));
}

static const struct {
	const char *name;
	void (*add)(json_t *object, const struct report_event *event);
} kinds[] = {
	[REPORT_ALERT] = {"alert", text_add},
	[REPORT_NOTE] = {"note", text_add},
	[REPORT_DETAIL] = {"detail", text_add},
	[REPORT_PROGRESS] = {NULL, NULL},
	[REPORT_WOULD] = {"would", op_add},
	[REPORT_DONE] = {"done", op_add},
	[REPORT_ERROR] = {"error", error_add},
	[REPORT_MAILBOX] = {"mailbox", mailbox_add},
	[REPORT_LISTED] = {"listed", listed_add},
	[REPORT_FACT] = {"fact", fact_add},
	[REPORT_SUMMARY] = {"summary", summary_add},
};

static int line_write(const char *bytes, size_t len, void *out)
{
	buf_add(out, (struct str){bytes, len});
	return 0;
}

void json_event(const struct report_event *event, struct buf *out)
{
	const size_t flags = JSON_COMPACT | JSON_REAL_PRECISION(15);
	json_t *object;

	check((size_t)event->kind < sizeof(kinds) / sizeof(kinds[0]));
	if (kinds[event->kind].name == NULL)
		return;
	object = json_object();
	add_text(object, "event", str_of(kinds[event->kind].name));
	add_text(object, "account", event->account);
	kinds[event->kind].add(object, event);
	check(json_dump_callback(object, line_write, out, flags) == 0);
	buf_addc(out, '\n');
	json_decref(object);
}
