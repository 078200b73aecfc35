/* How: the ports put together, and a sink that writes down what it hears. */
#include "world.h"

#include "godwit/engine/journal.h"
#include "tap.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WALL_NS (INT64_C(1700000000) * 1000000000)

static const char *const tunnel[] = {"ssh", "server", NULL};

/* ---- Ports that nobody simulates ----------------------------------------- */

static int no_tls(void *ctx, const struct account *account,
	struct transform *transform_r, struct err *err)
{
	(void)ctx;
	(void)account;
	(void)transform_r;
	return err_set(err, ERR_ACCOUNT, ERR_NEVER, ERR_CONFIG, "no TLS here");
}

static int fake_password(void *ctx, const struct account *account,
	struct secret *password, struct err *err)
{
	(void)ctx;
	(void)account;
	(void)err;
	secret_set(password, STR("secret"));
	return 0;
}

static bool no_mechanism(void *ctx, const char *mechanism)
{
	(void)ctx;
	(void)mechanism;
	return false;
}

/* ---- The report ---------------------------------------------------------- */

static const char *verb_name(enum report_verb verb)
{
	static const char *const names[] = {"add", "remove", "move", "copy",
		"flag", "create", "delete", "rename"};

	return names[verb];
}

static void tell_op(struct world *world, const struct report_op *op)
{
	buf_addf(&world->tale, " %s %s uid %" PRIu32 " (%.*s)",
		verb_name(op->verb),
		op->side == REPORT_LOCAL ? "local" : "server", op->uid,
		STR_FMT(op->reason));
}

static void take_event(void *ctx, const struct report_event *event)
{
	struct world *world = ctx;

	if (event->kind == REPORT_SUMMARY)
		world->summary = event->summary;
	if (event->kind == REPORT_PROGRESS || event->kind == REPORT_MAILBOX)
		return;
	buf_addf(&world->tale, "[%.*s]", STR_FMT(event->mailbox));
	switch (event->kind) {
	case REPORT_ALERT:
	case REPORT_NOTE:
		buf_addf(&world->tale, " note: %.*s", STR_FMT(event->text));
		break;
	case REPORT_WOULD:
	case REPORT_DONE:
		tell_op(world, &event->op);
		break;
	case REPORT_ERROR:
		buf_addf(&world->tale, " error: uid %" PRIu32 " %.*s: %s",
			event->error.uid, STR_FMT(event->error.file),
			event->error.err->text);
		break;
	case REPORT_SUMMARY:
		buf_addf(&world->tale, " status %d", event->summary.status);
		break;
	default:
		break;
	}
	buf_addc(&world->tale, '\n');
}

static void take_wire(void *ctx, struct str lines)
{
	struct world *world = ctx;

	buf_add(&world->wire, lines);
}

/* ---- The world ----------------------------------------------------------- */

static struct account plain_account(void)
{
	return (struct account){
		.name = STR("home"),
		.tls.mode = ACCOUNT_TLS_OFF,
		.tunnel.argv = tunnel,
		.connections = 2,
		.timeout_ms = 60000,
		.user = STR("u"),
		.maildir = WORLD_MAILDIR,
		.state = WORLD_STATE,
		.layout = LAYOUT_NESTED,
		.create = ACCOUNT_SIDES_BOTH,
		.guard = {.max_delete_percent = 50, .min_messages = 10},
		.retain_s = 30UL * 24 * 3600,
	};
}

void world_init(struct world *world, uint64_t seed)
{
	*world = (struct world){.account = plain_account()};
	fate_init(&world->fate, seed);
	fake_clock_init(&world->clock, WALL_NS);
	world->clock.tick_ns = 1000;
	world->fs = fake_fs_new(&world->fate, &world->clock.port);
	fake_fs_mkdir(world->fs, WORLD_MAILDIR);
	fake_fs_mkdir(world->fs, WORLD_STATE);
	fake_fs_settle(world->fs);
	world->store = fake_store_new(&world->fate);
	world->server = fake_server_new(&world->fate);
	fake_net_init(&world->net, &world->fate, &world->clock, world->server);
	world->options.depth = SYNC_APPLY;
	world->ports = (struct ports){
		.clock = world->clock.port,
		.net = world->net.port,
		.tls.open = no_tls,
		.login = {.password = fake_password,
			.has_mechanism = no_mechanism},
		.fs = *fake_fs_port(world->fs),
		.store = *fake_store_port(world->store),
		.report = {world, take_event},
	};
}

void world_clear(struct world *world)
{
	check(world->net.streams == 0);
	fake_fs_free(&world->fs);
	fake_store_free(&world->store);
	fake_server_free(&world->server);
	buf_clear(&world->tale);
	buf_clear(&world->wire);
}

int world_sync(struct world *world)
{
	uint64_t responses = world->server->responses;
	uint64_t steps = world->fate.steps;
	uint64_t calls = world->fate.calls;
	int status;

	buf_reset(&world->tale);
	buf_reset(&world->wire);
	world->ports.wire_log = (struct wire_log){0};
	if (world->traces)
		world->ports.wire_log = (struct wire_log){world, take_wire};
	status = sync_account(&world->account, &world->ports, &world->options);
	world->steps = world->fate.steps - steps;
	world->calls = world->fate.calls - calls;
	world->responses = world->server->responses - responses;
	world->is_dead = world->fate.dead;
	return status;
}

void world_kill(struct world *world)
{
	fake_fs_kill(world->fs);
	fate_revive(&world->fate);
	world->is_dead = false;
}

void world_crash(struct world *world, uint64_t seed)
{
	fake_fs_crash(world->fs, seed);
	fate_revive(&world->fate);
	world->is_dead = false;
}

void world_fingerprint(const struct world *world, struct buf *out)
{
	struct buf argv = {0};

	for (size_t i = 0; tunnel[i] != NULL; i++) {
		buf_addz(&argv, tunnel[i]);
		buf_addc(&argv, '\0');
	}
	account_fingerprint(world->account.user, str_of(world->account.host),
		buf_str(&argv), out);
	buf_clear(&argv);
}

bool world_journal_ok(struct world *world, struct buf *why)
{
	struct journal journal;
	struct buf fingerprint = {0};
	struct err err;
	bool is_ok;

	world_fingerprint(world, &fingerprint);
	is_ok = journal_open(&journal, &world->ports.store,
			buf_str(&fingerprint), true, &err) == 0 &&
		journal_check(&journal, &err) == 0;
	if (!is_ok)
		buf_addf(why, "the journal: %s\n", err.text);
	buf_clear(&fingerprint);
	return is_ok;
}

static void tell_lines(const char *what, struct str text)
{
	struct str line;

	while (text.len > 0 && str_split(&text, '\n', &line))
		tap_note("%s %.*s", what, STR_FMT(line));
}

void world_tell(struct world *world)
{
	tell_lines("report:", buf_str(&world->tale));
	tell_lines("complaint:", buf_str(&world->server->complaints));
	tell_lines("", buf_str(&world->wire));
}
