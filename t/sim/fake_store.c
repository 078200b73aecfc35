/* fake_store: the store in memory, and how it dies. */
#include "fake_store.h"

#include "store_suite.h"
#include "tap.h"

static const struct store_port *reopen(void *ctx)
{
	return fake_store_port(ctx);
}

static void test_suite(void)
{
	struct fate fate;
	struct fake_store *store;
	struct store_suite suite = {.label = "fake", .reopen = reopen};

	fate_init(&fate, 1);
	store = fake_store_new(&fate);
	suite.port = fake_store_port(store);
	suite.ctx = store;
	store_suite_run(&suite);
	is_int((intmax_t)fake_store_cursors(store), 0,
		"the suite leaves no cursor open");
	fake_store_free(&store);
}

static int put(struct fake_store *store, const char *key)
{
	const struct store_port *port = fake_store_port(store);
	struct store_batch batch = {0};
	struct err err;
	int result;

	store_batch_put(&batch, 0, str_of(key), STR("1"));
	store_batch_put(&batch, 1, str_of(key), STR("\n"));
	result = port->commit(port->ctx, &batch, &err);
	store_batch_clear(&batch);
	return result;
}

static struct str dump(const struct fake_store *store, struct buf *lines)
{
	buf_reset(lines);
	fake_store_dump(store, lines);
	return buf_str(lines);
}

static void test_death(void)
{
	struct fate fate;
	struct fake_store *store;
	const struct store_port *port;
	struct store_cursor *cursor;
	struct buf bytes = {0};
	struct str key;
	struct err err;

	fate_init(&fate, 1);
	store = fake_store_new(&fate);
	port = fake_store_port(store);
	fate.die_at = 2;
	is_int(put(store, "a"), 0, "the step before death happens");
	cursor = port->scan(port->ctx, 0, STR(""), STR(""), &err);
	is_int(put(store, "b"), -1, "the step of death does not");
	is_int(put(store, "c"), -1, "nor does any later one");
	is_int(port->get(port->ctx, 0, STR("a"), &bytes, &err), -1,
		"a dead machine reads nothing");
	is_int(err.scope, ERR_RUN, "its error ends the run");
	is_int(port->next(cursor, &key, &key, &err), -1, "nor does it walk on");
	ok(port->scan(port->ctx, 0, STR(""), STR(""), &err) == NULL,
		"nor does it begin to walk");
	port->scan_end(&cursor);
	is_str(dump(store, &bytes), STR("0 a = 1\n1 a = \\x0a\n"),
		"what was committed before death is all there, and no more");
	fate_revive(&fate);
	is_int(put(store, "b"), 0, "the next run can write");
	fake_store_wipe(store);
	is_str(dump(store, &bytes), STR(""), "a wiped store is empty");
	buf_clear(&bytes);
	fake_store_free(&store);
}

static void test_failure(void)
{
	struct fate fate;
	struct fake_store *store;
	struct buf bytes = {0};

	fate_init(&fate, 1);
	store = fake_store_new(&fate);
	fate.fail_at = 2;
	is_int(put(store, "a"), 0, "the call before the failing one works");
	is_int(put(store, "b"), -1, "the one that is to fail fails");
	is_int(put(store, "c"), 0, "the one after it works");
	is_str(dump(store, &bytes),
		STR("0 a = 1\n0 c = 1\n1 a = \\x0a\n1 c = \\x0a\n"),
		"a failed commit leaves nothing of its batch");
	is_int((intmax_t)fate.steps, 2, "a failed call is no step");
	buf_clear(&bytes);
	fake_store_free(&store);
}

int main(void)
{
	test_suite();
	test_death();
	test_failure();
	return tap_done();
}
