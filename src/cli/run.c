/*
 * How: the ports are values; those with something behind them are opened in
 * order and closed in the reverse. A command that only looks opens the journal
 * read-only, so that it can run beside a sync; `check` goes on without it.
 */
#include "run.h"

#include "godwit/engine/sync.h"
#include "godwit/os/clock.h"
#include "godwit/os/deflate.h"
#include "godwit/os/fs.h"
#include "godwit/os/login.h"
#include "godwit/os/net.h"
#include "godwit/os/tls.h"
#include "godwit/store/empty.h"
#include "godwit/store/lmdb.h"

struct world {
	struct os_net net;
	struct os_tls tls;
	struct os_login login;
	struct os_fs *fs;
	struct lmdb_store *journal; /* NULL: none yet */
	struct ports ports;
};

static enum sync_depth depth_of(const struct cli_options *options)
{
	switch (options->command) {
	case CLI_CHECK:
		return SYNC_CHECK;
	case CLI_LIST:
		return SYNC_LIST;
	case CLI_STATUS:
		return SYNC_STATUS;
	default:
		return options->dry_run ? SYNC_DRY : SYNC_APPLY;
	}
}

static int journal_find(struct world *world, const struct account *account,
	enum sync_depth depth, struct err *err)
{
	int found = lmdb_open(account->state,
		depth == SYNC_APPLY ? LMDB_WRITE : LMDB_READ_ONLY,
		&world->journal, err);

	world->ports.store =
		found > 0 ? *lmdb_port(world->journal) : *empty_store_port();
	return found < 0 ? -1 : 0;
}

static void wire_log_write(void *ctx, struct str lines)
{
	/* A log that cannot be written must not stop a sync. */
	(void)fwrite(lines.ptr, 1, lines.len, ctx);
	(void)fflush(ctx);
}

static void world_open(
	struct world *world, const struct report *report, FILE *wire_log)
{
	os_clock_open(&world->ports.clock);
	os_net_open(&world->net, &world->ports.net);
	os_tls_open(&world->tls, &world->ports.tls);
	os_deflate_open(&world->ports.deflate);
	os_login_open(&world->login, &world->ports.login);
	world->fs = os_fs_new();
	world->ports.fs = *os_fs_port(world->fs);
	world->ports.report = *report;
	if (wire_log != NULL)
		world->ports.wire_log =
			(struct wire_log){wire_log, wire_log_write};
}

static void world_close(struct world *world)
{
	lmdb_close(&world->journal);
	os_fs_free(&world->fs);
	os_login_close(&world->login);
	os_tls_close(&world->tls);
	os_net_close(&world->net);
}

static int failed_early(const struct account *account,
	const struct report *report, const struct err *err)
{
	struct report_event event = {
		.kind = REPORT_ERROR,
		.account = account->name,
		.error = {.err = err},
	};

	report->event(report->ctx, &event);
	event = (struct report_event){.kind = REPORT_SUMMARY,
		.account = account->name,
		.summary = {.status = err_status(err->cause), .errors = 1}};
	report->event(report->ctx, &event);
	return err_status(err->cause);
}

int run_job(const struct cli_options *options, const struct cli_job *job,
	const struct report *report, FILE *wire_log)
{
	struct sync_options sync = {
		.depth = depth_of(options),
		.allow_deletes = options->allow_deletes,
		.globs = job->globs,
	};
	struct world world = {0};
	struct err err;
	int status;

	world_open(&world, report, wire_log);
	if (sync.depth == SYNC_APPLY)
		os_tls_keep(&world.tls);
	if (journal_find(&world, job->account, sync.depth, &err) != 0)
		sync.journal_fault = &err;
	if (sync.journal_fault != NULL && sync.depth != SYNC_CHECK)
		status = failed_early(job->account, report, &err);
	else
		status = sync_account(job->account, &world.ports, &sync);
	world_close(&world);
	return status;
}
