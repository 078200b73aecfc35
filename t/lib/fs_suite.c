/*
 * How: each test works in a folder of its own below the suite's root. Calls
 * that are not what is tested go through helpers that abort when they fail.
 */
#include "fs_suite.h"

#include "godwit/base/limits.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>

#define SECOND INT64_C(1000000000)

enum {
	/* Long names, so that they fill readdir()'s buffer more than once. */
	MANY = 400,
	LONG_NAME = 180,
};

/* A test's own folder. */
struct place {
	const struct fs_suite *suite;
	const struct fs_port *port;
	const char *label;
	struct fs_dir *root;
	struct fs_dir *dir;
	struct err err;
	const char *name;
	struct buf path; /* path_of()'s */
};

static void place_open(
	struct place *p, const struct fs_suite *suite, const char *name)
{
	*p = (struct place){.suite = suite,
		.port = suite->port,
		.label = suite->label,
		.name = name};
	check(p->port->root_open(p->port->ctx, suite->root, false, &p->root,
		      &p->err) == FS_OK);
	check(p->port->dir_open(p->root, name, true, &p->dir, &p->err) ==
		FS_OK);
}

static void place_close(struct place *p)
{
	p->port->dir_close(&p->dir);
	p->port->dir_close(&p->root);
	buf_clear(&p->path);
}

/* The path of a thing in the place, until the next call. */
static const char *path_of(struct place *p, const char *name)
{
	buf_reset(&p->path);
	buf_addf(&p->path, "%s/%s/%s", p->suite->root, p->name, name);
	return buf_z(&p->path);
}

static struct fs_dir *folder(struct place *p, const char *name)
{
	struct fs_dir *dir;

	check(p->port->dir_open(p->dir, name, true, &dir, &p->err) == FS_OK);
	return dir;
}

static void put_in(
	struct place *p, struct fs_dir *dir, const char *name, const char *text)
{
	struct fs_file *file;

	check(p->port->create(dir, name, &file, &p->err) == FS_OK);
	check(p->port->write(file, str_of(text), &p->err) == FS_OK);
	check(p->port->finish(&file, SECOND, &p->err) == FS_OK);
}

/* A name without the cost of a flush. */
static void touch(struct place *p, const char *name)
{
	struct fs_file *file;

	check(p->port->create(p->dir, name, &file, &p->err) == FS_OK);
	p->port->close(&file);
}

static void put(struct place *p, const char *name, const char *text)
{
	put_in(p, p->dir, name, text);
}

/* A file's contents, until the next call; "(absent)" or "(failed)". */
static struct str text_in(struct place *p, struct fs_dir *dir, const char *name)
{
	static char text[256];
	struct fs_file *file;
	size_t len = 0;
	size_t got;
	enum fs_result result = p->port->open(dir, name, &file, &p->err);

	if (result != FS_OK)
		return result == FS_ABSENT ? STR("(absent)") : STR("(failed)");
	do {
		check(len < sizeof(text));
		check(p->port->read(file, text + len, sizeof(text) - len, &got,
			      &p->err) == FS_OK);
		len += got;
	} while (got > 0);
	p->port->close(&file);
	return (struct str){.ptr = text, .len = len};
}

static struct str text_of(struct place *p, const char *name)
{
	return text_in(p, p->dir, name);
}

static struct fs_stat stat_of(struct place *p, const char *name)
{
	struct fs_stat st;

	check(p->port->stat(p->dir, name, &st, &p->err) == FS_OK);
	return st;
}

static int name_order(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* What dir_next gives, sorted, each name with a space behind it. */
static struct str names_in(struct place *p, struct fs_dir *dir, struct buf *out)
{
	char *names[MANY + 10];
	const char *name;
	enum fs_type type;
	enum fs_result result = p->port->dir_rewind(dir, &p->err);
	size_t count = 0;

	buf_reset(out);
	while (result == FS_OK && (result = p->port->dir_next(dir, &name, &type,
					   &p->err)) == FS_OK) {
		check(count < sizeof(names) / sizeof(names[0]));
		names[count] = strdup(name);
		check(names[count++] != NULL);
	}
	qsort(names, count, sizeof(names[0]), name_order);
	for (size_t i = 0; i < count; i++) {
		buf_addf(out, "%s ", names[i]);
		free(names[i]);
	}
	if (result != FS_ABSENT)
		buf_addz(out, "(failed)");
	return buf_str(out);
}

static void test_next_stamp(const struct fs_suite *suite)
{
	const struct fs_port *port = suite->port;
	struct place p;
	struct fs_stat stat;
	int64_t next;
	int64_t born;

	place_open(&p, suite, "next");
	next = port->next_stamp(p.dir);
	put_in(&p, p.dir, "f", "text");
	is_int(port->dir_stat(p.dir, &stat, &p.err), FS_OK,
		"%s: a folder that was changed has stamps", p.label);
	ok(stat.mtime_ns >= next && stat.ctime_ns >= next,
		"%s: which are not below what was foretold", p.label);
	ok(port->next_stamp(p.dir) >= next,
		"%s: and what is foretold does not go back", p.label);
	born = port->dir_born(p.dir);
	ok(born == INT64_MAX || (born > 0 && born <= stat.ctime_ns),
		"%s: it was made before it was changed, if that is told",
		p.label);
	place_close(&p);
}

static void test_root(const struct fs_suite *suite)
{
	const struct fs_port *port = suite->port;
	struct place p;
	struct fs_dir *dir = NULL;
	struct buf path = {0};

	place_open(&p, suite, "root");
	is_int(port->root_open(
		       port->ctx, path_of(&p, "a/b"), false, &dir, &p.err),
		FS_ABSENT, "%s: a root that is not there is absent", p.label);
	is_int(port->root_open(
		       port->ctx, path_of(&p, "a/b/c"), true, &dir, &p.err),
		FS_OK, "%s: a root is made with its parents", p.label);
	is_int(port->dir_writable(dir, &p.err), FS_OK,
		"%s: and it may be written to", p.label);
	put_in(&p, dir, "f", "text");
	port->dir_close(&dir);
	ok(dir == NULL, "%s: a folder that is closed is NULL", p.label);
	is_int(port->root_open(
		       port->ctx, path_of(&p, "a/b/c"), true, &dir, &p.err),
		FS_OK, "%s: a root that is there is not made again", p.label);
	is_str(text_in(&p, dir, "f"), STR("text"), "%s: and holds what it held",
		p.label);
	port->dir_close(&dir);
	is_int(port->root_open(
		       port->ctx, path_of(&p, "a/b/c/f"), true, &dir, &p.err),
		FS_FAILED, "%s: a file is no root", p.label);
	is_int(p.err.scope, ERR_ACCOUNT,
		"%s: a root that fails is the "
		"account's",
		p.label);
	buf_addz(&path, path_of(&p, "a"));
	suite->plant_link(suite->ctx, path_of(&p, "link"), buf_z(&path));
	is_int(port->root_open(
		       port->ctx, path_of(&p, "link/b"), false, &dir, &p.err),
		FS_OK, "%s: the way to a root may lead through a link",
		p.label);
	port->dir_close(&dir);
	buf_clear(&path);
	place_close(&p);
}

static void test_folders(const struct fs_suite *suite)
{
	struct place p;
	struct fs_dir *dir = NULL;
	struct fs_dir *again = NULL;
	struct fs_stat a;
	struct fs_stat b;
	int64_t counted;

	place_open(&p, suite, "folders");
	is_int(p.port->dir_open(p.dir, "sub", false, &dir, &p.err), FS_ABSENT,
		"%s: a folder that is not there is absent", p.label);
	is_int(p.port->dir_open(p.dir, "sub", true, &dir, &p.err), FS_OK,
		"%s: and made when asked to", p.label);
	is_int(p.port->dir_open(p.dir, "sub", true, &again, &p.err), FS_OK,
		"%s: a folder that is there is opened", p.label);
	check(p.port->dir_stat(dir, &a, &p.err) == FS_OK);
	check(p.port->dir_stat(again, &b, &p.err) == FS_OK);
	ok(a.inode == b.inode && a.device == b.device && a.type == FS_DIR,
		"%s: both are the same folder", p.label);
	counted = p.port->dir_folders(p.dir);
	ok(counted == 1 || counted == -1,
		"%s: folders are counted, or that is not told", p.label);
	ok(p.port->dir_folders(dir) == 0 || counted == -1,
		"%s: also where there are none", p.label);
	ok(stat_of(&p, "sub").inode == a.inode,
		"%s: as which its parent names it", p.label);
	is_int(p.port->dir_sync(dir, &p.err), FS_OK,
		"%s: a folder can be synced", p.label);
	is_int(p.port->dir_sync_later(dir, &p.err), FS_OK,
		"%s: or handed over to be", p.label);
	is_int(p.port->dir_sync_later(p.dir, &p.err), FS_OK, "%s: with others",
		p.label);
	is_int(p.port->dirs_sync(p.port->ctx, &p.err), FS_OK,
		"%s: which are synced together", p.label);
	is_int(p.port->dirs_sync(p.port->ctx, &p.err), FS_OK, "%s: and once",
		p.label);
	put_in(&p, dir, "f", "");
	is_int(p.port->rmdir(p.dir, "sub", &p.err), FS_EXISTS,
		"%s: a folder that holds something is not removed", p.label);
	check(p.port->unlink(again, "f", &p.err) == FS_OK);
	is_int(p.port->rmdir(p.dir, "sub", &p.err), FS_OK,
		"%s: an empty one is", p.label);
	is_int(p.port->rmdir(p.dir, "sub", &p.err), FS_ABSENT,
		"%s: and then is absent", p.label);
	p.port->dir_close(&dir);
	p.port->dir_close(&again);
	place_close(&p);
}

static void test_removed_folder(const struct fs_suite *suite)
{
	struct place p;
	struct fs_dir *dir;
	struct fs_dir *inner = NULL;
	struct fs_file *file = NULL;
	struct fs_stat st;

	place_open(&p, suite, "removed");
	dir = folder(&p, "sub");
	put(&p, "f", "text");
	check(p.port->rmdir(p.dir, "sub", &p.err) == FS_OK);
	is_int(p.port->create(dir, "f", &file, &p.err), FS_FAILED,
		"%s: in a removed folder no file is made", p.label);
	ok(strstr(p.err.text, "removed by another program") != NULL,
		"%s: and the sentence says why", p.label);
	is_int(p.port->dir_open(dir, "sub", true, &inner, &p.err), FS_FAILED,
		"%s: nor a folder", p.label);
	is_int(p.port->stat(dir, "f", &st, &p.err), FS_ABSENT,
		"%s: and nothing is in it", p.label);
	is_int(p.port->rename(p.dir, "f", dir, "f", &p.err), FS_FAILED,
		"%s: a rename into it fails, and is not \"absent\"", p.label);
	is_int(p.port->rename(dir, "f", p.dir, "g", &p.err), FS_ABSENT,
		"%s: a rename out of it finds nothing", p.label);
	is_int(p.port->link(p.dir, "f", dir, "f", &p.err), FS_FAILED,
		"%s: a link into it fails", p.label);
	is_str(text_of(&p, "f"), STR("text"), "%s: the file stays where it was",
		p.label);
	p.port->dir_close(&dir);
	place_close(&p);
}

static void test_files(const struct fs_suite *suite)
{
	struct place p;
	struct fs_file *file = NULL;
	struct fs_file *other = NULL;
	struct fs_stat st;

	place_open(&p, suite, "files");
	is_int(p.port->create(p.dir, "f", &file, &p.err), FS_OK,
		"%s: a file is made", p.label);
	is_int(p.port->create(p.dir, "f", &other, &p.err), FS_EXISTS,
		"%s: but not twice", p.label);
	is_int(p.port->write(file, STR("one\r\n"), &p.err), FS_OK,
		"%s: a file is written", p.label);
	is_int(p.port->write(file, STR(""), &p.err), FS_OK,
		"%s: nothing can be written, too", p.label);
	is_int(p.port->write(file, STR("\0two"), &p.err), FS_OK,
		"%s: and written on", p.label);
	is_int(p.port->finish(&file, 1234567890 * SECOND + 5, &p.err), FS_OK,
		"%s: and finished", p.label);
	ok(file == NULL, "%s: a file that is finished is NULL", p.label);
	is_int(p.port->flush(p.port->ctx, &p.err), FS_OK, "%s: and flushed",
		p.label);
	is_int(p.port->flush(p.port->ctx, &p.err), FS_OK,
		"%s: a flush without files is fine", p.label);
	is_str(text_of(&p, "f"), STR("one\r\n\0two"),
		"%s: what was written is read, byte for byte", p.label);
	st = stat_of(&p, "f");
	is_int(st.type, FS_FILE, "%s: it is a file", p.label);
	is_int((intmax_t)st.bytes, 9, "%s: of as many bytes", p.label);
	is_int(st.mtime_ns / SECOND, 1234567890,
		"%s: with the date that finish gave it", p.label);
	is_int(p.port->open(p.dir, "g", &file, &p.err), FS_ABSENT,
		"%s: a file that is not there is absent", p.label);
	is_int(p.port->stat(p.dir, "g", &st, &p.err), FS_ABSENT,
		"%s: to stat as well", p.label);
	is_int(p.port->unlink(p.dir, "f", &p.err), FS_OK,
		"%s: a file is removed", p.label);
	is_int(p.port->unlink(p.dir, "f", &p.err), FS_ABSENT, "%s: once",
		p.label);
	place_close(&p);
}

static void test_extend(const struct fs_suite *suite)
{
	struct place p;
	struct fs_file *file = NULL;

	place_open(&p, suite, "extend");
	put(&p, "f", "one, two");
	is_int(p.port->extend(p.dir, "f", 9, &file, &p.err), FS_ABSENT,
		"%s: a file is not extended behind its end", p.label);
	is_int(p.port->extend(p.dir, "f", 5, &file, &p.err), FS_OK,
		"%s: but from any place in it", p.label);
	is_str(text_of(&p, "f"), STR("one, "),
		"%s: where what follows is cut off", p.label);
	check(p.port->write(file, STR("three"), &p.err) == FS_OK);
	check(p.port->finish(&file, SECOND, &p.err) == FS_OK);
	is_str(text_of(&p, "f"), STR("one, three"),
		"%s: and other bytes may come", p.label);
	is_int(p.port->extend(p.dir, "f", 10, &file, &p.err), FS_OK,
		"%s: or from its end", p.label);
	p.port->close(&file);
	is_str(text_of(&p, "f"), STR("one, three"), "%s: where nothing is lost",
		p.label);
	is_int(p.port->extend(p.dir, "g", 0, &file, &p.err), FS_ABSENT,
		"%s: what is not there is not extended", p.label);
	place_close(&p);
}

static void test_given_up(const struct fs_suite *suite)
{
	struct place p;
	struct fs_file *file;

	place_open(&p, suite, "given-up");
	check(p.port->create(p.dir, "f", &file, &p.err) == FS_OK);
	check(p.port->write(file, STR("half"), &p.err) == FS_OK);
	p.port->close(&file);
	ok(file == NULL, "%s: a file that is given up is NULL", p.label);
	is_str(text_of(&p, "f"), STR("half"), "%s: its name stays", p.label);
	is_int(p.port->unlink(p.dir, "f", &p.err), FS_OK,
		"%s: until it is removed", p.label);
	p.port->close(&file);
	p.port->dir_close(&(struct fs_dir *){NULL});
	ok(true, "%s: closing NULL does nothing", p.label);
	place_close(&p);
}

static void test_reading(const struct fs_suite *suite)
{
	struct place p;
	struct fs_file *file;
	struct fs_file *other;
	char at[4];
	size_t got = 0;

	place_open(&p, suite, "reading");
	put(&p, "f", "abcdef");
	check(p.port->open(p.dir, "f", &file, &p.err) == FS_OK);
	check(p.port->open(p.dir, "f", &other, &p.err) == FS_OK);
	check(p.port->read(file, at, 4, &got, &p.err) == FS_OK);
	is_str(((struct str){at, got}), STR("abcd"),
		"%s: a read gives no more than there is room for", p.label);
	check(p.port->read(other, at, 1, &got, &p.err) == FS_OK);
	is_str(((struct str){at, got}), STR("a"),
		"%s: each handle reads for itself", p.label);
	check(p.port->unlink(p.dir, "f", &p.err) == FS_OK);
	is_int(p.port->read(file, at, 4, &got, &p.err), FS_OK,
		"%s: an open file can be read when its name is gone", p.label);
	is_str(((struct str){at, got}), STR("ef"),
		"%s: a read goes on where the last one ended", p.label);
	is_int(p.port->read(file, at, 4, &got, &p.err), FS_OK,
		"%s: the end is no error", p.label);
	is_int((intmax_t)got, 0, "%s: but no bytes", p.label);
	p.port->close(&file);
	p.port->close(&other);
	place_close(&p);
}

static void test_clone(const struct fs_suite *suite)
{
	struct place p;
	struct fs_file *from;
	struct fs_file *to;
	enum fs_result result;

	place_open(&p, suite, "clone");
	put(&p, "f", "abcdef");
	check(p.port->open(p.dir, "f", &from, &p.err) == FS_OK);
	check(p.port->create(p.dir, "g", &to, &p.err) == FS_OK);
	result = p.port->clone(from, to, &p.err);
	ok(result == FS_OK || result == FS_CROSS,
		"%s: a file is cloned, or cannot be", p.label);
	if (result == FS_CROSS)
		check(p.port->write(to, STR("abcdef"), &p.err) == FS_OK);
	p.port->close(&from);
	check(p.port->finish(&to, 7 * (int64_t)1000000000, &p.err) == FS_OK);
	check(p.port->flush(p.port->ctx, &p.err) == FS_OK);
	check(p.port->unlink(p.dir, "f", &p.err) == FS_OK);
	is_str(text_of(&p, "g"), STR("abcdef"),
		"%s: it holds the same, also when the other is gone", p.label);
	is_int(stat_of(&p, "g").mtime_ns, 7 * (intmax_t)1000000000,
		"%s: with a date of its own", p.label);
	place_close(&p);
}

static void test_mtime(const struct fs_suite *suite)
{
	static const int64_t dates[] = {
		0, SECOND, -SECOND, -SECOND / 2, 2147483648 * SECOND};
	struct place p;
	struct fs_stat st;

	place_open(&p, suite, "mtime");
	put(&p, "f", "text");
	for (size_t i = 0; i < sizeof(dates) / sizeof(dates[0]); i++) {
		check(p.port->set_mtime(p.dir, "f", dates[i], &p.err) == FS_OK);
		is_int(stat_of(&p, "f").mtime_ns, dates[i],
			"%s: a date of %lld ns is kept", p.label,
			(long long)dates[i]);
	}
	st = stat_of(&p, "f");
	is_str(text_of(&p, "f"), STR("text"), "%s: and the contents with it",
		p.label);
	is_int(stat_of(&p, "f").mtime_ns, st.mtime_ns,
		"%s: reading changes no date", p.label);
	is_int(p.port->flush(p.port->ctx, &p.err), FS_OK,
		"%s: a date can be flushed", p.label);
	is_int(p.port->set_mtime(p.dir, "g", 0, &p.err), FS_ABSENT,
		"%s: a file that is not there gets no date", p.label);
	is_int(p.port->set_mtime(p.root, "mtime", 0, &p.err), FS_FAILED,
		"%s: nor does a folder", p.label);
	place_close(&p);
}

static void test_stamps(const struct fs_suite *suite)
{
	struct place p;
	struct fs_stat before;
	struct fs_stat after;

	place_open(&p, suite, "stamps");
	check(p.port->dir_stat(p.dir, &before, &p.err) == FS_OK);
	do {
		touch(&p, "f");
		check(p.port->dir_stat(p.dir, &after, &p.err) == FS_OK);
		check(p.port->unlink(p.dir, "f", &p.err) == FS_OK);
	} while (after.mtime_ns == before.mtime_ns);
	ok(after.mtime_ns > before.mtime_ns && after.ctime_ns > before.ctime_ns,
		"%s: a new name moves the folder's stamps on", p.label);
	put(&p, "f", "");
	check(p.port->dir_stat(p.dir, &before, &p.err) == FS_OK);
	check(p.port->set_mtime(p.dir, "f", 5, &p.err) == FS_OK);
	check(p.port->dir_stat(p.dir, &after, &p.err) == FS_OK);
	ok(after.mtime_ns == before.mtime_ns &&
			after.ctime_ns == before.ctime_ns,
		"%s: a file's new date does not", p.label);
	is_int((intmax_t)after.inode, (intmax_t)before.inode,
		"%s: the folder stays the same one", p.label);
	place_close(&p);
}

static void test_listing(const struct fs_suite *suite)
{
	struct place p;
	struct fs_dir *sub;
	struct fs_dir *again;
	struct buf out = {0};
	const char *name;
	enum fs_type type;

	place_open(&p, suite, "listing");
	is_str(names_in(&p, p.dir, &out), STR(""),
		"%s: an empty folder has no names, not even \".\"", p.label);
	put(&p, "c:2,S", "");
	put(&p, ".hidden", "");
	put(&p, "\xc3\xa4\n", "");
	is_str(names_in(&p, p.dir, &out), STR(".hidden c:2,S \xc3\xa4\n "),
		"%s: names are read as they were made", p.label);
	is_str(names_in(&p, p.dir, &out), STR(".hidden c:2,S \xc3\xa4\n "),
		"%s: and again from the front", p.label);
	sub = folder(&p, "sub");
	check(p.port->dir_open(p.dir, "sub", false, &again, &p.err) == FS_OK);
	put_in(&p, sub, "f", "");
	check(p.port->dir_rewind(sub, &p.err) == FS_OK);
	is_str(names_in(&p, again, &out), STR("f "),
		"%s: two handles of one folder read each for itself", p.label);
	is_int(p.port->dir_next(sub, &name, &type, &p.err), FS_OK,
		"%s: whatever the other one read", p.label);
	ok(type == FS_FILE || type == FS_UNKNOWN,
		"%s: a name comes with its type, or none", p.label);
	is_int(p.port->dir_next(sub, &name, &type, &p.err), FS_ABSENT,
		"%s: after the last name there is none", p.label);
	is_int(p.port->dir_next(sub, &name, &type, &p.err), FS_ABSENT,
		"%s: and stays none", p.label);
	p.port->dir_close(&sub);
	p.port->dir_close(&again);
	buf_clear(&out);
	place_close(&p);
}

static void many_name(char name[LONG_NAME + 1], char kind, int i)
{
	memset(name, kind, LONG_NAME);
	name[LONG_NAME] = '\0';
	for (int at = LONG_NAME - 1; at > LONG_NAME - 5; at--, i /= 10)
		name[at] = (char)('0' + i % 10);
}

/* Reads the folder while another handle renames each "a" name to a "b". */
static void test_rename_while_reading(const struct fs_suite *suite)
{
	struct place p;
	const char *name;
	enum fs_type type;
	char from[LONG_NAME + 1];
	char to[LONG_NAME + 1];
	int still = 0;
	int i = 0;

	place_open(&p, suite, "many");
	for (int k = 0; k < MANY / 2; k++) {
		many_name(from, 'a', k);
		touch(&p, from);
		many_name(to, 's', k);
		touch(&p, to);
	}
	check(p.port->dir_rewind(p.dir, &p.err) == FS_OK);
	while (p.port->dir_next(p.dir, &name, &type, &p.err) == FS_OK) {
		still += name[0] == 's';
		if (i == MANY / 2)
			continue;
		many_name(from, 'a', i);
		many_name(to, 'b', i++);
		check(p.port->rename(p.dir, from, p.dir, to, &p.err) == FS_OK);
	}
	is_int(still, MANY / 2,
		"%s: what is not renamed is read once while others are",
		p.label);
	place_close(&p);
}

static void test_many(const struct fs_suite *suite)
{
	struct place p;
	struct buf out = {0};
	struct buf want = {0};
	char name[LONG_NAME + 1];

	test_rename_while_reading(suite);
	place_open(&p, suite, "many");
	for (int i = 0; i < MANY; i++) {
		many_name(name, i < MANY / 2 ? 'b' : 's', i % (MANY / 2));
		buf_addf(&want, "%s ", name);
	}
	ok(str_eq(names_in(&p, p.dir, &out), buf_str(&want)),
		"%s: of hundreds of names each is read once", p.label);
	buf_clear(&out);
	buf_clear(&want);
	place_close(&p);
}

static void test_rename(const struct fs_suite *suite)
{
	struct place p;
	struct fs_dir *tmp;
	struct fs_dir *cur;
	struct fs_stat before;
	struct fs_stat after;
	struct buf out = {0};

	place_open(&p, suite, "rename");
	tmp = folder(&p, "tmp");
	cur = folder(&p, "cur");
	put_in(&p, tmp, "f", "new");
	put_in(&p, cur, "taken", "old");
	check(p.port->stat(tmp, "f", &before, &p.err) == FS_OK);
	is_int(p.port->rename(tmp, "f", cur, "taken", &p.err), FS_EXISTS,
		"%s: a rename does not replace", p.label);
	is_str(text_in(&p, cur, "taken"), STR("old"),
		"%s: what bears the name keeps it", p.label);
	is_int(p.port->rename(tmp, "f", cur, "f", &p.err), FS_OK,
		"%s: a file moves to another folder", p.label);
	check(p.port->stat(cur, "f", &after, &p.err) == FS_OK);
	ok(before.inode == after.inode && before.mtime_ns == after.mtime_ns,
		"%s: and is the same file, of the same date", p.label);
	is_str(names_in(&p, tmp, &out), STR(""), "%s: its old name is gone",
		p.label);
	is_int(p.port->rename(tmp, "f", cur, "g", &p.err), FS_ABSENT,
		"%s: what is gone cannot be renamed", p.label);
	is_int(p.port->rename(tmp, "f", cur, "taken", &p.err), FS_ABSENT,
		"%s: not even to a name that is taken", p.label);
	is_int(p.port->rename(cur, "f", cur, "f", &p.err), FS_EXISTS,
		"%s: its own name is taken, too", p.label);
	is_int(p.port->rename(cur, "f", cur, "f:2,S", &p.err), FS_OK,
		"%s: a file gets another name in its folder", p.label);
	is_str(names_in(&p, cur, &out), STR("f:2,S taken "),
		"%s: and has that alone", p.label);
	buf_clear(&out);
	p.port->dir_close(&tmp);
	p.port->dir_close(&cur);
	place_close(&p);
}

static void test_rename_folder(const struct fs_suite *suite)
{
	struct place p;
	struct fs_dir *a;
	struct fs_dir *b;
	struct fs_dir *c;

	place_open(&p, suite, "rename-folder");
	a = folder(&p, "a");
	b = folder(&p, "b");
	put_in(&p, a, "f", "text");
	put(&p, "file", "");
	is_int(p.port->rename(p.dir, "a", p.dir, "b", &p.err), FS_EXISTS,
		"%s: a folder replaces no folder, not even an empty one",
		p.label);
	is_int(p.port->rename(p.dir, "a", p.dir, "file", &p.err), FS_EXISTS,
		"%s: nor a file", p.label);
	is_int(p.port->rename(p.dir, "a", a, "in", &p.err), FS_FAILED,
		"%s: a folder does not move into itself", p.label);
	is_int(p.port->rename(p.dir, "a", b, "c", &p.err), FS_OK,
		"%s: a folder moves with what is in it", p.label);
	check(p.port->dir_open(b, "c", false, &c, &p.err) == FS_OK);
	is_str(text_in(&p, c, "f"), STR("text"), "%s: which is all there",
		p.label);
	is_str(text_in(&p, a, "f"), STR("text"), "%s: for who had it open, too",
		p.label);
	p.port->dir_close(&a);
	p.port->dir_close(&b);
	p.port->dir_close(&c);
	place_close(&p);
}

static void test_replace(const struct fs_suite *suite)
{
	struct place p;
	struct fs_dir *sub;

	place_open(&p, suite, "replace");
	put(&p, "new", "new");
	put(&p, "old", "old");
	is_int(p.port->replace(p.dir, "new", p.dir, "old", &p.err), FS_OK,
		"%s: a file replaces another", p.label);
	is_str(text_of(&p, "old"), STR("new"), "%s: under its name", p.label);
	is_str(text_of(&p, "new"), STR("(absent)"),
		"%s: and no longer under its own", p.label);
	is_int(p.port->replace(p.dir, "old", p.dir, "free", &p.err), FS_OK,
		"%s: or takes a name that is free", p.label);
	is_int(p.port->replace(p.dir, "old", p.dir, "free", &p.err), FS_ABSENT,
		"%s: what is not there replaces nothing", p.label);
	sub = folder(&p, "sub");
	is_int(p.port->replace(p.dir, "free", p.dir, "sub", &p.err), FS_FAILED,
		"%s: a file does not replace a folder", p.label);
	is_int(p.port->replace(p.dir, "sub", p.dir, "free", &p.err), FS_FAILED,
		"%s: nor a folder a file", p.label);
	check(p.port->link(p.dir, "free", p.dir, "second", &p.err) == FS_OK);
	is_int(p.port->replace(p.dir, "free", p.dir, "second", &p.err), FS_OK,
		"%s: a file replaces another name of itself", p.label);
	is_str(text_of(&p, "free"), STR("new"), "%s: by doing nothing",
		p.label);
	p.port->dir_close(&sub);
	place_close(&p);
}

static void test_link(const struct fs_suite *suite)
{
	struct place p;
	struct fs_dir *sub;

	place_open(&p, suite, "link");
	sub = folder(&p, "sub");
	put(&p, "f", "text");
	is_int(p.port->link(p.dir, "f", sub, "g", &p.err), FS_OK,
		"%s: a file gets a second name", p.label);
	is_str(text_in(&p, sub, "g"), STR("text"), "%s: under which it is read",
		p.label);
	is_int(p.port->link(p.dir, "f", sub, "g", &p.err), FS_EXISTS,
		"%s: a link does not replace", p.label);
	is_int(p.port->link(p.dir, "none", sub, "h", &p.err), FS_ABSENT,
		"%s: what is not there gets no second name", p.label);
	is_int(p.port->link(p.dir, "sub", p.dir, "sub2", &p.err), FS_FAILED,
		"%s: nor does a folder", p.label);
	check(p.port->unlink(p.dir, "f", &p.err) == FS_OK);
	is_str(text_in(&p, sub, "g"), STR("text"),
		"%s: the second name stays when the first goes", p.label);
	p.port->dir_close(&sub);
	place_close(&p);
}

/* Every call that takes a name, with that name; how many did not refuse. */
static int takers(struct place *p, const char *name)
{
	const struct fs_port *port = p->port;
	struct fs_dir *dir;
	struct fs_file *file;
	struct fs_stat st;
	struct err *err = &p->err;

	return (port->dir_open(p->dir, name, false, &dir, err) != FS_FAILED) +
	       (port->dir_open(p->dir, name, true, &dir, err) != FS_FAILED) +
	       (port->stat(p->dir, name, &st, err) != FS_FAILED) +
	       (port->create(p->dir, name, &file, err) != FS_FAILED) +
	       (port->open(p->dir, name, &file, err) != FS_FAILED) +
	       (port->rename(p->dir, name, p->dir, "x", err) != FS_FAILED) +
	       (port->rename(p->dir, "f", p->dir, name, err) != FS_FAILED) +
	       (port->replace(p->dir, name, p->dir, "x", err) != FS_FAILED) +
	       (port->replace(p->dir, "f", p->dir, name, err) != FS_FAILED) +
	       (port->link(p->dir, name, p->dir, "x", err) != FS_FAILED) +
	       (port->link(p->dir, "f", p->dir, name, err) != FS_FAILED) +
	       (port->unlink(p->dir, name, err) != FS_FAILED) +
	       (port->rmdir(p->dir, name, err) != FS_FAILED) +
	       (port->set_mtime(p->dir, name, 0, err) != FS_FAILED);
}

static void test_escapes(const struct fs_suite *suite)
{
	static const char *const names[] = {"", ".", "..", "/", "/etc", "../f",
		"sub/f", "sub/../f", "./f", "f/", "..//f"};
	char longest[LIMIT_NAME_BYTES + 2];
	struct place p;
	struct fs_dir *sub;

	place_open(&p, suite, "escapes");
	sub = folder(&p, "sub");
	put_in(&p, sub, "f", "inner");
	put(&p, "f", "text");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		is_int(takers(&p, names[i]), 0,
			"%s: no call takes \"%s\" for a name", p.label,
			names[i]);
	memset(longest, 'n', sizeof(longest));
	longest[LIMIT_NAME_BYTES + 1] = '\0';
	is_int(takers(&p, longest), 0, "%s: nor one of 256 bytes", p.label);
	is_int(p.err.retry, ERR_NEVER, "%s: which would be no use to try again",
		p.label);
	longest[LIMIT_NAME_BYTES] = '\0';
	put(&p, longest, "long");
	is_str(text_of(&p, longest), STR("long"), "%s: 255 bytes are a name",
		p.label);
	is_str(text_of(&p, "f"), STR("text"), "%s: nothing was touched",
		p.label);
	is_str(text_in(&p, sub, "f"), STR("inner"), "%s: nor below", p.label);
	p.port->dir_close(&sub);
	place_close(&p);
}

static void test_links(const struct fs_suite *suite)
{
	struct place p;
	struct fs_dir *dir = NULL;
	struct fs_file *file = NULL;

	place_open(&p, suite, "symlinks");
	put(&p, "f", "text");
	dir = folder(&p, "sub");
	p.port->dir_close(&dir);
	suite->plant_link(suite->ctx, path_of(&p, "to-file"), "f");
	suite->plant_link(suite->ctx, path_of(&p, "to-dir"), "sub");
	suite->plant_link(suite->ctx, path_of(&p, "to-none"), "none");
	is_int(p.port->open(p.dir, "to-file", &file, &p.err), FS_FAILED,
		"%s: a link is not read through", p.label);
	ok(strstr(p.err.text, "symlinks/to-file: it is a symbolic link"),
		"%s: the sentence names it and says what it is", p.label);
	is_int(p.port->dir_open(p.dir, "to-dir", false, &dir, &p.err),
		FS_FAILED, "%s: nor is a folder entered through one", p.label);
	ok(strstr(p.err.text, "to-dir: it is a symbolic link"),
		"%s: which is said, too", p.label);
	is_int(p.port->dir_open(p.dir, "to-none", true, &dir, &p.err),
		FS_FAILED, "%s: nor made through one", p.label);
	is_int(p.port->create(p.dir, "to-none", &file, &p.err), FS_EXISTS,
		"%s: nor a file", p.label);
	is_int(p.port->set_mtime(p.dir, "to-file", 7, &p.err), FS_FAILED,
		"%s: nor dated", p.label);
	is_int(stat_of(&p, "to-file").type, FS_LINK,
		"%s: stat looks at the link itself", p.label);
	is_int(p.port->rename(p.dir, "f", p.dir, "to-none", &p.err), FS_EXISTS,
		"%s: a link to nowhere takes a name", p.label);
	is_int(p.port->rename(p.dir, "to-file", p.dir, "moved", &p.err), FS_OK,
		"%s: a link itself can be renamed", p.label);
	is_int(p.port->unlink(p.dir, "moved", &p.err), FS_OK, "%s: and removed",
		p.label);
	is_str(text_of(&p, "f"), STR("text"), "%s: and its target is untouched",
		p.label);
	place_close(&p);
}

static void test_wrong_types(const struct fs_suite *suite)
{
	struct place p;
	struct fs_dir *dir = NULL;
	struct fs_file *file = NULL;

	place_open(&p, suite, "types");
	put(&p, "f", "text");
	dir = folder(&p, "sub");
	p.port->dir_close(&dir);
	suite->plant_fifo(suite->ctx, path_of(&p, "fifo"));
	is_int(p.port->open(p.dir, "fifo", &file, &p.err), FS_FAILED,
		"%s: a FIFO is not opened, and does not block", p.label);
	is_int(stat_of(&p, "fifo").type, FS_OTHER, "%s: stat knows it",
		p.label);
	is_int(p.port->dir_open(p.dir, "fifo", true, &dir, &p.err), FS_FAILED,
		"%s: it is no folder either", p.label);
	is_int(p.port->open(p.dir, "sub", &file, &p.err), FS_FAILED,
		"%s: a folder is not opened as a file", p.label);
	is_int(p.port->dir_open(p.dir, "f", true, &dir, &p.err), FS_FAILED,
		"%s: a file is not opened as a folder", p.label);
	is_int(p.err.scope, ERR_MAILBOX, "%s: which costs a mailbox", p.label);
	is_int(p.port->unlink(p.dir, "sub", &p.err), FS_FAILED,
		"%s: a folder is not removed as a file", p.label);
	is_int(p.port->rmdir(p.dir, "f", &p.err), FS_FAILED,
		"%s: a file is not removed as a folder", p.label);
	is_str(text_of(&p, "f"), STR("text"), "%s: and is still there",
		p.label);
	place_close(&p);
}

static void test_denied(const struct fs_suite *suite)
{
	struct place p;
	struct fs_dir *dir;
	struct fs_file *file = NULL;

	place_open(&p, suite, "denied");
	dir = folder(&p, "sub");
	put_in(&p, dir, "f", "text");
	put(&p, "f", "text");
	p.port->dir_close(&dir);
	if (!suite->deny(suite->ctx, path_of(&p, "sub")) ||
		!suite->deny(suite->ctx, path_of(&p, "f"))) {
		ok(true, "%s: permissions # SKIP this user needs none",
			p.label);
		place_close(&p);
		return;
	}
	is_int(p.port->dir_open(p.dir, "sub", true, &dir, &p.err), FS_FAILED,
		"%s: an unreadable folder is not empty, but an error", p.label);
	ok(strstr(p.err.text, "denied/sub: permission denied"),
		"%s: that names it", p.label);
	is_int(p.err.scope, ERR_MAILBOX, "%s: it costs a mailbox", p.label);
	is_int(p.err.retry, ERR_NEVER, "%s: until the user has changed that",
		p.label);
	is_int(p.port->open(p.dir, "f", &file, &p.err), FS_FAILED,
		"%s: an unreadable file is an error", p.label);
	is_int(p.err.scope, ERR_MESSAGE, "%s: it costs a message", p.label);
	is_int(stat_of(&p, "sub").type, FS_DIR, "%s: both can be looked at",
		p.label);
	place_close(&p);
}

static void test_case(const struct fs_suite *suite)
{
	struct place p;
	struct fs_dir *sub;
	struct fs_file *file = NULL;
	struct buf out = {0};
	bool folds = !suite->folds_case;

	place_open(&p, suite, "case");
	is_int(p.port->folds_case(p.dir, false, &folds, &p.err), FS_ABSENT,
		"%s: an empty folder does not tell whether it folds case, "
		"unless it may be written to",
		p.label);
	is_int(p.port->folds_case(p.dir, true, &folds, &p.err), FS_OK,
		"%s: an empty folder tells whether it folds case", p.label);
	is_int(folds, suite->folds_case, "%s: and tells the truth", p.label);
	is_str(names_in(&p, p.dir, &out), STR(""), "%s: and is left empty",
		p.label);
	put(&p, "123", "");
	is_int(p.port->folds_case(p.dir, false, &folds, &p.err), FS_ABSENT,
		"%s: nor does one whose names have no letters", p.label);
	put(&p, "a1B", "text");
	folds = !suite->folds_case;
	check(p.port->folds_case(p.dir, false, &folds, &p.err) == FS_OK);
	is_int(folds, suite->folds_case, "%s: so does one with names", p.label);
	is_str(names_in(&p, p.dir, &out), STR("123 a1B "),
		"%s: and keeps those names", p.label);
	sub = folder(&p, "sub");
	is_int(p.port->create(p.dir, "A1b", &file, &p.err),
		suite->folds_case ? FS_EXISTS : FS_OK,
		"%s: a name in other letters is as new as that says", p.label);
	p.port->close(&file);
	is_str(text_of(&p, "A1B"),
		suite->folds_case ? STR("text") : STR("(absent)"),
		"%s: and as present", p.label);
	p.port->dir_close(&sub);
	buf_clear(&out);
	place_close(&p);
}

void fs_suite_run(const struct fs_suite *suite)
{
	test_next_stamp(suite);
	test_root(suite);
	test_folders(suite);
	test_removed_folder(suite);
	test_files(suite);
	test_extend(suite);
	test_given_up(suite);
	test_reading(suite);
	test_clone(suite);
	test_mtime(suite);
	test_stamps(suite);
	test_listing(suite);
	test_many(suite);
	test_rename(suite);
	test_rename_folder(suite);
	test_replace(suite);
	test_link(suite);
	test_escapes(suite);
	test_links(suite);
	test_wrong_types(suite);
	test_denied(suite);
	test_case(suite);
}
