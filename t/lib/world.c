/* How: the ports put together, and a sink that writes down what it hears. */
#include "world.h"

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
	buf_addf(&world->tale, " %s %s uid %" PRIu32 " %.*s (%.*s)",
		verb_name(op->verb),
		op->side == REPORT_LOCAL ? "local" : "server", op->uid,
		STR_FMT(op->flags), STR_FMT(op->reason));
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
	case REPORT_DETAIL:
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
	case REPORT_FACT:
		buf_addf(&world->tale, " %.*s: %s%.*s",
			STR_FMT(event->fact.subject),
			event->fact.good ? "" : "warning: ",
			STR_FMT(event->fact.text));
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

static struct world_traffic traffic_so_far(const struct world *world)
{
	const struct fake_server *server = world->server;
	struct world_traffic traffic = {
		.commands = server->commands,
		.bytes_in = server->bytes_in,
		.bytes_out = server->bytes_out,
		.connections = world->net.opened,
		.flights = world->net.flights,
	};

	memcpy(traffic.counts, server->counts, sizeof(traffic.counts));
	return traffic;
}

static void traffic_since(
	struct world *world, const struct world_traffic *before)
{
	struct world_traffic *traffic = &world->traffic;

	*traffic = traffic_so_far(world);
	traffic->commands -= before->commands;
	traffic->bytes_in -= before->bytes_in;
	traffic->bytes_out -= before->bytes_out;
	traffic->connections -= before->connections;
	traffic->flights -= before->flights;
	for (size_t i = 0; i < IMAP_COMMAND_KINDS; i++)
		traffic->counts[i] -= before->counts[i];
}

int world_sync(struct world *world)
{
	struct world_traffic before = traffic_so_far(world);
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
	traffic_since(world, &before);
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

int world_journal_open(
	struct world *world, struct journal *journal, struct err *err)
{
	struct buf fingerprint = {0};
	struct buf argv = {0};
	int result;

	for (size_t i = 0; tunnel[i] != NULL; i++) {
		buf_addz(&argv, tunnel[i]);
		buf_addc(&argv, '\0');
	}
	account_fingerprint(world->account.user, str_of(world->account.host),
		buf_str(&argv), &fingerprint);
	result = journal_open(
		journal, &world->ports.store, buf_str(&fingerprint), true, err);
	buf_clear(&argv);
	buf_clear(&fingerprint);
	return result;
}

bool world_journal_ok(struct world *world, struct buf *why)
{
	struct journal journal;
	struct err err;

	if (world_journal_open(world, &journal, &err) == 0 &&
		journal_check(&journal, &err) == 0)
		return true;
	buf_addf(why, "the journal: %s\n", err.text);
	return false;
}

struct fake_mailbox *world_box(const struct world *world, const char *mailbox)
{
	return fake_server_find(world->server, mailbox);
}

void world_offer(struct world *world, const char *caps)
{
	imap_caps_parse(&world->server->caps, str_of(caps));
}

size_t world_file_count(struct world *world, const char *mailbox)
{
	struct world_files files;

	world_files(world, mailbox, &files);
	free(files.items);
	return files.count;
}

void world_rmdir(struct world *world, const char *mailbox)
{
	struct buf path = {0};

	world_path(world, mailbox, "", &path);
	if (path.ptr[path.len - 1] == '/')
		path.len--;
	fake_fs_remove(world->fs, buf_z(&path));
	fake_fs_settle(world->fs);
	buf_clear(&path);
}
