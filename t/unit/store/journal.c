/* store/journal: the journal's suite, on LMDB. */
#include "godwit/engine/journal.h"

#include "godwit/base/err.h"
#include "godwit/store/lmdb.h"
#include "journal_suite.h"
#include "scratch.h"
#include "tap.h"

struct fixture {
	struct scratch scratch;
	struct lmdb_store *store;
	struct buf path;
	int number;
};

static const struct store_port *fixture_open(struct fixture *f)
{
	struct err err;

	check(lmdb_open(buf_z(&f->path), LMDB_WRITE, &f->store, &err) == 1);
	return lmdb_port(f->store);
}

static const struct store_port *fresh(void *ctx)
{
	struct fixture *f = ctx;

	lmdb_close(&f->store);
	buf_reset(&f->path);
	buf_addf(&f->path, "%s/%d", f->scratch.path, f->number++);
	return fixture_open(f);
}

static const struct store_port *reopen(void *ctx)
{
	struct fixture *f = ctx;

	lmdb_close(&f->store);
	return fixture_open(f);
}

int main(void)
{
	struct fixture f = {0};
	struct journal_suite suite = {
		.label = "LMDB", .fresh = fresh, .reopen = reopen, .ctx = &f};

	scratch_open(&f.scratch);
	journal_suite_run(&suite);
	lmdb_close(&f.store);
	buf_clear(&f.path);
	scratch_close(&f.scratch);
	return tap_done();
}
