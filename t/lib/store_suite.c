/*
 * How: records go in through commit and are read back through get and scan; a
 * walk is written as one string, "key=value ", so that a test is one line.
 */
#include "store_suite.h"

#include "godwit/base/err.h"
#include "tap.h"

#include <string.h>

enum {
	MANY = 3000,
};

/* A batch in one line: "k=v" puts, "k" deletes, parts separated by spaces. */
static int commit(
	const struct store_suite *suite, unsigned table, const char *line)
{
	struct store_batch batch = {0};
	struct str rest = str_of(line);
	struct str part;
	struct err err;
	int result;

	while (str_split(&rest, ' ', &part)) {
		size_t at = str_find(part, '=');
		struct str key = str_sub(part, 0, at);

		if (at == part.len)
			store_batch_delete(&batch, table, key);
		else
			store_batch_put(&batch, table, key,
				str_sub(part, at + 1, SIZE_MAX));
	}
	result = suite->port->commit(suite->port->ctx, &batch, &err);
	store_batch_clear(&batch);
	return result;
}

static struct store_cursor *scan(const struct store_suite *suite,
	unsigned table, const char *prefix, const char *from)
{
	struct err err;

	return suite->port->scan(
		suite->port->ctx, table, str_of(prefix), str_of(from), &err);
}

/* The rest of the walk as "key=value " parts, into *out; ends the cursor. */
static struct str walk(const struct store_suite *suite,
	struct store_cursor **cursor, struct buf *out)
{
	struct str key;
	struct str value;
	struct err err;
	int more = 0;

	buf_reset(out);
	while (*cursor != NULL &&
		(more = suite->port->next(*cursor, &key, &value, &err)) == 1)
		buf_addf(out, "%.*s=%.*s ", STR_FMT(key), STR_FMT(value));
	if (*cursor == NULL || more != 0)
		buf_addz(out, "failed");
	suite->port->scan_end(cursor);
	return buf_str(out);
}

static struct str all(const struct store_suite *suite, unsigned table,
	const char *prefix, struct buf *out)
{
	struct store_cursor *cursor = scan(suite, table, prefix, "");

	return walk(suite, &cursor, out);
}

static void test_get(const struct store_suite *suite)
{
	const struct store_port *port = suite->port;
	const char *label = suite->label;
	struct buf value = {0};
	struct err err = {.text = "untouched"};

	is_int(port->get(port->ctx, 0, STR("a"), &value, &err), 0,
		"%s: an empty store has no key", label);
	is_int(commit(suite, 0, "a=1 b= c=3"), 0, "%s: a batch is committed",
		label);
	is_int(port->get(port->ctx, 0, STR("a"), &value, &err), 1,
		"%s: what was put is there", label);
	is_str(buf_str(&value), STR("1"), "%s: with its value", label);
	is_int(port->get(port->ctx, 0, STR("c"), &value, &err), 1,
		"%s: and so is another", label);
	is_str(buf_str(&value), STR("3"), "%s: get replaces what the buf held",
		label);
	is_int(port->get(port->ctx, 0, STR("b"), &value, &err), 1,
		"%s: a key with an empty value is there", label);
	is_int((intmax_t)value.len, 0, "%s: and its value is empty", label);
	is_int(port->get(port->ctx, 0, STR("aa"), &value, &err), 0,
		"%s: a longer key is another key", label);
	is_int(port->get(port->ctx, 1, STR("a"), &value, &err), 0,
		"%s: another table is another table", label);
	is_str(str_of(err.text), STR("untouched"), "%s: absence is no error",
		label);
	buf_clear(&value);
}

static void test_batch(const struct store_suite *suite)
{
	const char *label = suite->label;
	struct buf out = {0};

	(void)commit(suite, 2, "k=1 k=2 l=1 l m m=9 n=1");
	is_str(all(suite, 2, "", &out), STR("k=2 m=9 n=1 "),
		"%s: in a batch the later change of a key wins", label);
	is_int(commit(suite, 2, "absent n"), 0,
		"%s: deleting a key that is not there is no error", label);
	is_str(all(suite, 2, "", &out), STR("k=2 m=9 "),
		"%s: and the rest of the batch is done", label);
	(void)commit(suite, 2, "k=longer-than-before m=");
	is_str(all(suite, 2, "", &out), STR("k=longer-than-before m= "),
		"%s: a put replaces the value, whatever its length", label);
	is_int(commit(suite, 2, "k m"), 0, "%s: a table can be emptied", label);
	is_str(all(suite, 2, "", &out), STR(""),
		"%s: the walk over an empty table ends at once", label);
	buf_clear(&out);
}

static void test_empty_batch(const struct store_suite *suite)
{
	const struct store_port *port = suite->port;
	struct store_batch batch = {0};
	struct err err;

	is_int(port->commit(port->ctx, &batch, &err), 0,
		"%s: an empty batch is committed", suite->label);
}

static void test_scan(const struct store_suite *suite)
{
	const char *label = suite->label;
	struct store_cursor *cursor;
	struct buf out = {0};

	(void)commit(suite, 3, "b/2=y a=0 b/10=z b/1=x b=- c=9 b0=after");
	is_str(all(suite, 3, "", &out),
		STR("a=0 b=- b/1=x b/10=z b/2=y b0=after c=9 "),
		"%s: keys come in the order of their bytes", label);
	is_str(all(suite, 3, "b/", &out), STR("b/1=x b/10=z b/2=y "),
		"%s: a walk keeps to its prefix", label);
	is_str(all(suite, 3, "d", &out), STR(""),
		"%s: a prefix that no key has gives nothing", label);
	is_str(all(suite, 3, "aa", &out), STR(""),
		"%s: a prefix between two keys gives nothing", label);
	cursor = scan(suite, 3, "b/", "b/10");
	is_str(walk(suite, &cursor, &out), STR("b/10=z b/2=y "),
		"%s: a walk starts at the key it is given", label);
	cursor = scan(suite, 3, "b/", "b/11");
	is_str(walk(suite, &cursor, &out), STR("b/2=y "),
		"%s: or at the next one, if there is no such key", label);
	cursor = scan(suite, 3, "b/", "a");
	is_str(walk(suite, &cursor, &out), STR("b/1=x b/10=z b/2=y "),
		"%s: a start below the prefix is the prefix", label);
	cursor = scan(suite, 3, "b/", "b0");
	is_str(walk(suite, &cursor, &out), STR(""),
		"%s: a start behind the prefix gives nothing", label);
	ok(cursor == NULL, "%s: a cursor that has ended is NULL", label);
	buf_clear(&out);
}

static void test_bytes(const struct store_suite *suite)
{
	static const char longest[STORE_KEY_BYTES_MAX] = {0x7f, 1};
	const struct store_port *port = suite->port;
	struct store_batch batch = {0};
	struct store_cursor *cursor;
	struct buf value = {0};
	struct buf out = {0};
	struct err err;

	for (int i = 0; i < 1 << 20; i++)
		buf_addc(&value, (char)i);
	store_batch_put(&batch, 4, STR("\xff\xff"), STR("ff"));
	store_batch_put(&batch, 4, STR("\0"), STR("\0\r\n"));
	store_batch_put(&batch, 4, STR("\0\0"), STR("2"));
	store_batch_put(&batch, 4, STR("\x80"), buf_str(&value));
	store_batch_put(&batch, 4,
		(struct str){.ptr = longest, .len = sizeof(longest)},
		STR("long"));
	is_int(port->commit(port->ctx, &batch, &err), 0,
		"%s: keys and values hold any bytes", suite->label);
	store_batch_clear(&batch);
	(void)port->get(port->ctx, 4, STR("\0"), &out, &err);
	is_str(buf_str(&out), STR("\0\r\n"), "%s: NUL is a byte like any other",
		suite->label);
	(void)port->get(port->ctx, 4, STR("\x80"), &out, &err);
	ok(str_eq(buf_str(&out), buf_str(&value)),
		"%s: a value of 1 MiB comes back whole", suite->label);
	is_int(port->get(port->ctx, 4,
		       (struct str){.ptr = longest, .len = sizeof(longest)},
		       &out, &err),
		1, "%s: a key of the greatest length is found", suite->label);
	cursor = scan(suite, 4, "\xff", "");
	is_str(walk(suite, &cursor, &out), STR("\xff\xff=ff "),
		"%s: bytes above 127 sort last, as a prefix too", suite->label);
	buf_clear(&out);
	buf_clear(&value);
}

static void test_snapshot(const struct store_suite *suite)
{
	const char *label = suite->label;
	struct store_cursor *first;
	struct store_cursor *second;
	struct buf out = {0};

	(void)commit(suite, 5, "a=1 b=1 c=1");
	first = scan(suite, 5, "", "");
	(void)commit(suite, 5, "a=2 b d=2");
	second = scan(suite, 5, "", "");
	(void)commit(suite, 5, "a c d");
	is_str(walk(suite, &first, &out), STR("a=1 b=1 c=1 "),
		"%s: a cursor walks the state in which it began", label);
	is_str(walk(suite, &second, &out), STR("a=2 c=1 d=2 "),
		"%s: two cursors walk two states", label);
	is_str(all(suite, 5, "", &out), STR(""),
		"%s: a new cursor sees the latest commit", label);
	buf_clear(&out);
}

static void test_many(const struct store_suite *suite)
{
	const struct store_port *port = suite->port;
	struct store_batch batch = {0};
	struct store_cursor *cursor;
	struct buf key = {0};
	struct str got;
	struct str value;
	struct err err;
	int right = 0;

	for (int i = 0; i < MANY; i++) {
		buf_reset(&key);
		buf_addf(&key, "%08d", i * 7919 % MANY);
		store_batch_put(&batch, 6, buf_str(&key), buf_str(&key));
	}
	is_int(port->commit(port->ctx, &batch, &err), 0,
		"%s: thousands of changes are one batch", suite->label);
	store_batch_clear(&batch);
	cursor = scan(suite, 6, "", "");
	for (int i = 0; port->next(cursor, &got, &value, &err) == 1; i++) {
		buf_reset(&key);
		buf_addf(&key, "%08d", i);
		right += str_eq(got, buf_str(&key)) && str_eq(value, got);
	}
	port->scan_end(&cursor);
	is_int(right, MANY, "%s: and are walked in order, each once",
		suite->label);
	buf_clear(&key);
}

static void test_reopen(struct store_suite *suite)
{
	struct buf out = {0};

	(void)commit(suite, 7, "kept=1 gone=1");
	(void)commit(suite, 7, "gone");
	suite->port = suite->reopen(suite->ctx);
	is_str(all(suite, 7, "", &out), STR("kept=1 "),
		"%s: what was committed is there when it is opened again",
		suite->label);
	buf_clear(&out);
}

void store_suite_run(struct store_suite *suite)
{
	test_get(suite);
	test_batch(suite);
	test_empty_batch(suite);
	test_scan(suite);
	test_bytes(suite);
	test_snapshot(suite);
	test_many(suite);
	test_reopen(suite);
}
