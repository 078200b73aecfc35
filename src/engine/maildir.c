/*
 * How: every path is opened component by component, so that no link can lead
 * outside. A scan reads new/ before cur/: a mail reader moves files in that
 * direction, so one that is moved meanwhile is seen twice rather than never.
 */
#include "maildir.h"

#include "godwit/base/limits.h"
#include "godwit/mail/maildir_name.h"

#include <stdlib.h>
#include <string.h>

enum {
	SCANS_MAX = 8,         /* until a folder counts as never at rest */
	FOLDER_DEPTH_MAX = 64, /* levels of folders below the root */
	COARSE_S = 2,          /* the coarsest grain of stamps */
};

#define NSEC_PER_SEC INT64_C(1000000000)

#define KEYWORD_FILE "dovecot-keywords"
#define KEYWORD_TMP  "dovecot-keywords.godwit"

static bool stat_eq(const struct fs_stat *a, const struct fs_stat *b)
{
	return a->inode == b->inode && a->mtime_ns == b->mtime_ns &&
	       a->ctime_ns == b->ctime_ns;
}

bool maildir_stamp_eq(
	const struct maildir_stamp *a, const struct maildir_stamp *b)
{
	return stat_eq(&a->cur, &b->cur) && stat_eq(&a->new_, &b->new_) &&
	       maildir_letters_eq(&a->letters, &b->letters);
}

bool maildir_letters_eq(const struct fs_stat *a, const struct fs_stat *b)
{
	return stat_eq(a, b) && a->bytes == b->bytes;
}

static int64_t latest(int64_t ns, const struct fs_stat *stat)
{
	ns = ns > stat->mtime_ns ? ns : stat->mtime_ns;
	return ns > stat->ctime_ns ? ns : stat->ctime_ns;
}

/* Whether stamps seem to be whole seconds there (FAT's: two). */
static bool is_coarse(const struct maildir_stamp *stamp)
{
	return stamp->cur.mtime_ns % NSEC_PER_SEC == 0 &&
	       stamp->cur.ctime_ns % NSEC_PER_SEC == 0 &&
	       stamp->new_.mtime_ns % NSEC_PER_SEC == 0 &&
	       stamp->new_.ctime_ns % NSEC_PER_SEC == 0;
}

bool maildir_stamp_is_final(const struct maildir_stamp *stamp, int64_t next_ns)
{
	int64_t ns = latest(INT64_MIN, &stamp->cur);

	ns = latest(ns, &stamp->new_);
	ns = latest(ns, &stamp->letters);
	if (is_coarse(stamp))
		ns += COARSE_S * NSEC_PER_SEC;
	return ns < next_ns;
}

/* The finalizer of MurmurHash3: each bit changes half of the others. */
static uint64_t stir(uint64_t sum)
{
	sum = (sum ^ sum >> 33) * 0xff51afd7ed558ccd;
	sum = (sum ^ sum >> 33) * 0xc4ceb9fe1a85ec53;
	return sum ^ sum >> 33;
}

/* Eight bytes at a time, since a folder may have a million names. */
uint64_t maildir_sum(struct str unique, struct flags flags)
{
	uint64_t sum = unique.len;
	uint64_t word = 0;

	while (unique.len >= sizeof(word)) {
		memcpy(&word, unique.ptr, sizeof(word));
		sum = (sum ^ word) * 0x9fb21c651e98df25;
		sum ^= sum >> 32;
		unique = str_sub(unique, sizeof(word), unique.len);
	}
	word = 0;
	if (unique.len > 0)
		memcpy(&word, unique.ptr, unique.len);
	sum = stir(sum ^ word);
	return stir(sum ^ ((uint64_t)flags.keywords << 32 | flags.system));
}

/* A folder in which others are opened. */
struct opening {
	const struct fs_port *fs;
	struct fs_dir *dir;
	bool made; /* one that was absent */
};

/* Opens the folder `name`, or makes it. */
static enum fs_result open_or_make(struct opening *in, const char *name,
	struct fs_dir **dir_r, struct err *err)
{
	enum fs_result result =
		in->fs->dir_open(in->dir, name, false, dir_r, err);

	if (result != FS_ABSENT)
		return result;
	in->made = true;
	return in->fs->dir_open(in->dir, name, true, dir_r, err);
}

/* What was made in `dir` becomes durable, if not later. */
static enum fs_result made_in(
	const struct maildir_place *place, struct fs_dir *dir, struct err *err)
{
	return place->sync_later ? FS_OK : place->fs->dir_sync(dir, err);
}

/* Opens the folder `name` in `dir`, making it if it is absent. */
static enum fs_result folder_make(const struct maildir_place *place,
	struct fs_dir *dir, const char *name, struct fs_dir **made_r,
	struct err *err)
{
	struct opening in = {.fs = place->fs, .dir = dir};
	enum fs_result result = open_or_make(&in, name, made_r, err);

	if (result != FS_OK || !in.made)
		return result;
	result = made_in(place, dir, err);
	if (result != FS_OK)
		place->fs->dir_close(made_r);
	return result;
}

/* Whether the first `len` bytes of a path are a folder on this way. */
static bool is_on_way(struct str way, struct str path, size_t len)
{
	return way.ptr != NULL && way.len >= len &&
	       str_eq(str_sub(way, 0, len), str_sub(path, 0, len)) &&
	       (len == 0 || way.len == len || way.ptr[len] == '/');
}

enum fs_result maildir_sync_way(
	const struct maildir_place *place, struct str synced, struct err *err)
{
	const struct fs_port *fs = place->fs;
	enum fs_result result = FS_OK;
	struct fs_dir *dir = NULL;
	struct str rest = place->path;
	struct str part;
	struct buf name = {0};

	if (!is_on_way(synced, place->path, 0))
		result = fs->dir_sync_later(place->root, err);
	while (result == FS_OK && rest.len > 0 &&
		str_split(&rest, '/', &part)) {
		size_t len = (size_t)(part.ptr + part.len - place->path.ptr);
		struct fs_dir *below = NULL;

		buf_reset(&name);
		buf_add(&name, part);
		result = fs->dir_open(dir == NULL ? place->root : dir,
			buf_z(&name), false, &below, err);
		if (result == FS_OK && !is_on_way(synced, place->path, len))
			result = fs->dir_sync_later(below, err);
		if (dir != NULL)
			fs->dir_close(&dir);
		dir = below;
	}
	if (dir != NULL)
		fs->dir_close(&dir);
	buf_clear(&name);
	return result;
}

/* Opens the place's folder, a directory at a time. */
static enum fs_result folder_open(const struct maildir_place *place,
	struct fs_dir **dir_r, struct err *err)
{
	const struct fs_port *fs = place->fs;
	enum fs_result result = FS_OK;
	struct fs_dir *dir = NULL;
	struct str rest = place->path;
	struct str part;
	struct buf name = {0};

	while (result == FS_OK && str_split(&rest, '/', &part)) {
		struct fs_dir *at = dir == NULL ? place->root : dir;
		struct fs_dir *below = NULL;

		buf_reset(&name);
		buf_add(&name, part);
		result = place->create ? folder_make(place, at, buf_z(&name),
						 &below, err)
				       : fs->dir_open(at, buf_z(&name), false,
						 &below, err);
		if (dir != NULL)
			fs->dir_close(&dir);
		dir = below;
	}
	buf_clear(&name);
	*dir_r = dir;
	return result;
}

/* The folder that one is in, and its name there. */
struct end {
	struct fs_dir *dir;
	bool is_root; /* borrowed */
	char *name;   /* in the scratch arena */
};

static enum fs_result end_open(const struct maildir_place *place,
	struct arena *scratch, struct end *end_r, struct err *err)
{
	struct maildir_place above = *place;
	struct str path = place->path;
	size_t at = path.len;

	while (at > 0 && path.ptr[at - 1] != '/')
		at--;
	end_r->name = arena_printf(
		scratch, "%.*s", STR_FMT(str_sub(path, at, path.len)));
	end_r->is_root = at == 0;
	end_r->dir = place->root;
	if (at == 0)
		return FS_OK;
	above.path = str_sub(path, 0, at - 1);
	return folder_open(&above, &end_r->dir, err);
}

static void end_close(const struct fs_port *fs, struct end *end)
{
	if (end->dir != NULL && !end->is_root)
		fs->dir_close(&end->dir);
}

enum fs_result maildir_move(
	const struct maildir_place *place, struct str to, struct err *err)
{
	const struct fs_port *fs = place->fs;
	struct maildir_place target = *place;
	struct arena scratch = {0};
	struct end old = {0};
	struct end new = {0};
	enum fs_result result;

	target.path = to;
	target.create = true;
	result = end_open(place, &scratch, &old, err);
	if (result == FS_OK)
		result = end_open(&target, &scratch, &new, err);
	if (result == FS_OK)
		result = fs->rename(old.dir, old.name, new.dir, new.name, err);
	if (result == FS_OK)
		result = fs->dir_sync(new.dir, err);
	if (result == FS_OK)
		result = fs->dir_sync(old.dir, err);
	end_close(fs, &old);
	end_close(fs, &new);
	arena_clear(&scratch);
	return result;
}

uint64_t maildir_file_sum(const struct maildir *md, struct str file_name)
{
	struct maildir_name name;
	struct flags flags;
	struct err ignored;

	if (!maildir_name_cut(file_name, &name) ||
		maildir_name_flags(&name, &md->kwfile, md->keywords, &flags,
			&ignored) != 0)
		return 0;
	return maildir_sum(name.unique, flags);
}

static int read_whole(const struct fs_port *fs, struct fs_file *file,
	size_t max, struct buf *text, struct err *err)
{
	size_t got = 1;

	while (got > 0 && text->len < max) {
		if (fs->read(file, buf_reserve(text, 4096), 4096, &got, err) !=
			FS_OK)
			return -1;
		buf_commit(text, got);
	}
	return 0;
}

static int read_keywords(struct maildir *md, struct err *err)
{
	struct fs_file *file = NULL;
	struct buf text = {0};
	enum fs_result result;
	int failed = 0;

	result = md->fs->stat(md->folder, KEYWORD_FILE, &md->letters, err);
	if (result == FS_OK)
		result = md->fs->open(md->folder, KEYWORD_FILE, &file, err);
	if (result == FS_ABSENT) {
		md->letters = (struct fs_stat){0};
		kwfile_init(&md->kwfile);
		return 0;
	}
	if (result != FS_OK)
		return -1;
	failed = read_whole(md->fs, file, LIMIT_KEYWORD_FILE_BYTES, &text, err);
	md->fs->close(&file);
	if (failed == 0)
		kwfile_parse(&md->kwfile, md->keywords, buf_str(&text));
	buf_clear(&text);
	return failed;
}

/* Any of them may be what a crash leaves: cur/ without the others is mended,
 * and the others without cur/ are no mailbox yet. */
static enum fs_result open_parts(
	struct maildir *md, const struct maildir_place *place, struct err *err)
{
	struct opening in = {.fs = md->fs, .dir = md->folder};
	enum fs_result result = open_or_make(&in, "tmp", &md->tmp, err);

	if (result == FS_OK)
		result = open_or_make(&in, "new", &md->new_, err);
	if (result == FS_OK)
		result = open_or_make(&in, "cur", &md->cur, err);
	if (result == FS_OK && in.made)
		result = made_in(place, md->folder, err);
	return result;
}

/* What can be listed, as it is. */
static enum fs_result open_to_look(struct maildir *md, struct err *err)
{
	const struct fs_port *fs = md->fs;
	enum fs_result result =
		fs->dir_open(md->folder, "cur", false, &md->cur, err);

	if (result != FS_OK)
		return result;
	result = fs->dir_open(md->folder, "new", false, &md->new_, err);
	return result == FS_ABSENT ? FS_OK : result;
}

/* A mailbox may lack tmp/ or new/ (backups drop empty folders): mended. */
static enum fs_result open_existing(
	struct maildir *md, const struct maildir_place *place, struct err *err)
{
	struct fs_stat stat;
	enum fs_result result = md->fs->stat(md->folder, "cur", &stat, err);

	if (result != FS_OK)
		return result;
	return place->read_only ? open_to_look(md, err)
				: open_parts(md, place, err);
}

enum fs_result maildir_open(struct maildir *md,
	const struct maildir_place *place, struct keywords *keywords,
	struct err *err)
{
	enum fs_result result = FS_OK;

	*md = (struct maildir){
		.fs = place->fs,
		.folder = place->root,
		.is_root = place->path.len == 0,
		.keywords = keywords,
	};
	kwfile_init(&md->kwfile);
	if (!md->is_root)
		result = folder_open(place, &md->folder, err);
	if (result != FS_OK)
		return result;
	result = place->create ? open_parts(md, place, err)
			       : open_existing(md, place, err);
	if (result == FS_OK && read_keywords(md, err) != 0)
		result = FS_FAILED;
	return result;
}

void maildir_close(struct maildir *md)
{
	struct fs_dir **const dirs[] = {
		&md->cur, &md->new_, &md->tmp, &md->folder};

	if (md->is_root)
		md->folder = NULL; /* the caller's */
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		if (*dirs[i] != NULL)
			md->fs->dir_close(dirs[i]);
	}
	kwfile_clear(&md->kwfile);
}

int maildir_stamp(
	struct maildir *md, struct maildir_stamp *stamp_r, struct err *err)
{
	struct maildir_stamp stamp = {0};

	if (md->fs->dir_stat(md->cur, &stamp.cur, err) != FS_OK ||
		(md->new_ != NULL && md->fs->dir_stat(md->new_, &stamp.new_,
					     err) != FS_OK) ||
		md->fs->stat(md->folder, KEYWORD_FILE, &stamp.letters, err) ==
			FS_FAILED)
		return -1;
	*stamp_r = stamp;
	return 0;
}

struct fs_dir *maildir_dir(const struct maildir *md, bool in_new)
{
	return in_new ? md->new_ : md->cur;
}

/* Items being gathered. */
struct gathering {
	struct local_item *items; /* on the heap */
	size_t count;
	size_t cap;
	struct maildir_leftover *leftovers; /* likewise */
	size_t leftover_count;
	size_t leftover_cap;
	struct arena *arena;
};

static int gather_file(struct maildir *md, struct gathering *g,
	const char *file_name, bool in_new, struct err *err)
{
	struct maildir_name name;
	struct local_item *item;
	struct str kept;

	if (!maildir_name_parse(str_of(file_name), &name))
		return 0; /* dot files and such are nobody's mail */
	kept = arena_str(g->arena, str_of(file_name));
	g->items =
		array_grow(g->items, &g->cap, g->count + 1, sizeof(*g->items));
	item = &g->items[g->count];
	*item = (struct local_item){
		.name = str_sub(kept, 0, name.unique.len),
		.file_name = kept,
		.bytes = name.has_size ? name.size : 0,
		.in_new = in_new,
	};
	if (maildir_name_flags(
		    &name, &md->kwfile, md->keywords, &item->flags, err) != 0)
		return -1;
	g->count++;
	return 0;
}

/* Whether a name is a message's file; links and folders are not. */
static int is_file(struct maildir *md, struct fs_dir *dir, const char *name,
	enum fs_type type, struct err *err)
{
	struct fs_stat stat;
	enum fs_result result;

	if (type != FS_UNKNOWN)
		return type == FS_FILE;
	result = md->fs->stat(dir, name, &stat, err);
	if (result == FS_FAILED)
		return -1;
	return result == FS_OK && stat.type == FS_FILE;
}

static int gather_dir(
	struct maildir *md, struct gathering *g, bool in_new, struct err *err)
{
	struct fs_dir *dir = maildir_dir(md, in_new);
	const char *name;
	enum fs_type type;
	enum fs_result result;

	if (dir == NULL)
		return 0;
	result = md->fs->dir_rewind(dir, err);
	if (result != FS_OK)
		return -1;
	while ((result = md->fs->dir_next(dir, &name, &type, err)) == FS_OK) {
		int wanted = is_file(md, dir, name, type, err);

		if (wanted < 0 || (wanted > 0 && gather_file(md, g, name,
							 in_new, err) != 0))
			return -1;
	}
	return result == FS_ABSENT ? 0 : -1;
}

static int item_cmp(const void *a, const void *b)
{
	const struct local_item *x = a;
	const struct local_item *y = b;
	int order = str_cmp(x->name, y->name);

	/* The one in cur/ first: it is the newer name of a moved file. */
	return order != 0 ? order : (int)x->in_new - (int)y->in_new;
}

/* A file between link and unlink, or seen before and after its move, has two
 * names with one unique part: keeps the one that is there. */
static int drop_ghosts(struct maildir *md, struct gathering *g, struct err *err)
{
	size_t kept = 0;

	for (size_t i = 0; i < g->count; i++) {
		struct local_item *item = &g->items[i];
		struct fs_stat stat;
		enum fs_result result = FS_OK;
		bool twin =
			(i > 0 && str_eq(item->name, g->items[i - 1].name)) ||
			(i + 1 < g->count &&
				str_eq(item->name, g->items[i + 1].name));

		if (twin)
			result = md->fs->stat(maildir_dir(md, item->in_new),
				item->file_name.ptr, &stat, err);
		if (result == FS_FAILED)
			return -1;
		if (result == FS_OK)
			g->items[kept++] = *item;
	}
	g->count = kept;
	return 0;
}

/* Whether an item's neighbour bears the same name. */
static bool has_twin(const struct gathering *g, size_t at)
{
	struct str name = g->items[at].name;

	return (at > 0 && str_eq(name, g->items[at - 1].name)) ||
	       (at + 1 < g->count && str_eq(name, g->items[at + 1].name));
}

/* A second name of what was kept last; one that lies in new/ is noted. */
static void drop_link(struct gathering *g, size_t kept,
	const struct local_item *item, const struct fs_stat *stat)
{
	if (!item->in_new || g->items[kept - 1].in_new)
		return;
	g->leftovers = array_grow(g->leftovers, &g->leftover_cap,
		g->leftover_count + 1, sizeof(*g->leftovers));
	g->leftovers[g->leftover_count++] = (struct maildir_leftover){
		.file_name = item->file_name,
		.inode = stat->inode,
		.ctime_ns = stat->ctime_ns,
	};
}

/* Of two names of one inode the first is enough. */
static int drop_links(struct maildir *md, struct gathering *g, struct err *err)
{
	size_t kept = 0;
	uint64_t last =
		0; /* the inode of the one kept last, if it has a twin */

	for (size_t i = 0; i < g->count; i++) {
		struct local_item *item = &g->items[i];
		struct fs_stat stat = {0};

		if (has_twin(g, i) &&
			md->fs->stat(maildir_dir(md, item->in_new),
				item->file_name.ptr, &stat, err) == FS_FAILED)
			return -1;
		if (kept > 0 && str_eq(item->name, g->items[kept - 1].name) &&
			stat.inode == last) {
			drop_link(g, kept, item, &stat);
			continue;
		}
		last = stat.inode;
		g->items[kept++] = *item;
	}
	g->count = kept;
	return 0;
}

/* One scan; *steady_r tells whether nothing moved meanwhile. */
static int scan_once(struct maildir *md, struct gathering *g, bool *steady_r,
	struct maildir_stamp *stamp_r, struct err *err)
{
	struct maildir_stamp before;

	g->count = 0;
	g->leftover_count = 0;
	if (maildir_stamp(md, &before, err) != 0 ||
		gather_dir(md, g, true, err) != 0 ||
		gather_dir(md, g, false, err) != 0)
		return -1;
	if (g->count > 0)
		qsort(g->items, g->count, sizeof(*g->items), item_cmp);
	if (drop_ghosts(md, g, err) != 0 || drop_links(md, g, err) != 0 ||
		maildir_stamp(md, stamp_r, err) != 0)
		return -1;
	*steady_r = maildir_stamp_eq(&before, stamp_r);
	return 0;
}

/* Whether a known name is missing; both are sorted by name. */
static bool lacks_known(const struct gathering *g,
	const struct maildir_known *known, const size_t *by_name)
{
	size_t at = 0;

	for (size_t i = 0; i < known->count; i++) {
		struct str name = known->items[by_name[i]].name;

		while (at < g->count && str_cmp(g->items[at].name, name) < 0)
			at++;
		if (at == g->count || !str_eq(g->items[at].name, name))
			return true;
	}
	return false;
}

struct by_name {
	const struct base_item *known;
	size_t at;
};

static int by_name_cmp(const void *a, const void *b)
{
	const struct by_name *x = a;
	const struct by_name *y = b;

	return str_cmp(x->known[x->at].name, y->known[y->at].name);
}

/* The indexes of `known` in the order of names. */
static size_t *order_by_name(
	const struct maildir_known *known, struct arena *arena)
{
	struct by_name *sorting = NULL;
	size_t cap = 0;
	size_t *order = arena_array(arena, known->count, sizeof(*order));

	sorting = array_grow(sorting, &cap, known->count, sizeof(*sorting));
	for (size_t i = 0; i < known->count; i++)
		sorting[i] = (struct by_name){known->items, i};
	if (known->count > 0)
		qsort(sorting, known->count, sizeof(*sorting), by_name_cmp);
	for (size_t i = 0; i < known->count; i++)
		order[i] = sorting[i].at;
	free(sorting);
	return order;
}

static void scan_give(struct gathering *g, struct maildir_stamp stamp,
	struct maildir_scan *scan_r)
{
	scan_r->items = arena_array(g->arena, g->count, sizeof(*scan_r->items));
	if (g->count > 0)
		memcpy(scan_r->items, g->items, g->count * sizeof(*g->items));
	scan_r->count = g->count;
	scan_r->leftovers = arena_array(
		g->arena, g->leftover_count, sizeof(*scan_r->leftovers));
	if (g->leftover_count > 0)
		memcpy(scan_r->leftovers, g->leftovers,
			g->leftover_count * sizeof(*g->leftovers));
	scan_r->leftover_count = g->leftover_count;
	scan_r->stamp = stamp;
}

static uint64_t names_sum(const struct local_item *items, size_t count)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < count; i++)
		sum += maildir_sum(items[i].name, items[i].flags);
	return sum;
}

/* What one scan saw. */
struct look {
	struct maildir_stamp stamp;
	uint64_t sum;
	bool steady;
};

/* Whether the second of two looks proves what is not there. All that happens
 * in one tick has one stamp, so the names must be the same as well. */
static bool look_confirms(const struct look *last, const struct look *look)
{
	return last->steady && look->steady &&
	       maildir_stamp_eq(&last->stamp, &look->stamp) &&
	       last->sum == look->sum;
}

int maildir_scan(struct maildir *md, const struct maildir_known *known,
	struct arena *arena, struct maildir_scan *scan_r, struct err *err)
{
	struct gathering g = {.arena = arena};
	struct look last = {0};
	struct look look = {0};
	struct arena scratch = {0};
	const size_t *order = order_by_name(known, &scratch);
	bool done = false;
	int64_t next_ns = 0;
	int result = 0;

	for (int i = 0; i < SCANS_MAX && !done && result == 0; i++) {
		last = look;
		next_ns = md->fs->next_stamp(md->cur);
		result = scan_once(md, &g, &look.steady, &look.stamp, err);
		if (result != 0)
			break;
		done = look.steady && !lacks_known(&g, known, order);
		look.sum = done ? 0 : names_sum(g.items, g.count);
		done = done || look_confirms(&last, &look);
	}
	if (result == 0 && done) {
		scan_give(&g, look.stamp, scan_r);
		scan_r->is_final = maildir_stamp_is_final(&look.stamp, next_ns);
	} else if (result == 0)
		result = err_set(err, ERR_MAILBOX, ERR_LATER, ERR_SYNC,
			"another program keeps changing the Maildir folder; "
			"it will be synced when it comes to rest");
	arena_clear(&scratch);
	free(g.items);
	free(g.leftovers);
	return result;
}

static int unique_cmp(const void *key, const void *item)
{
	return str_cmp(*(const struct str *)key,
		((const struct local_item *)item)->name);
}

const struct local_item *maildir_scan_find(
	const struct maildir_scan *scan, struct str name)
{
	return scan->count == 0 ? NULL
				: bsearch(&name, scan->items, scan->count,
					  sizeof(*scan->items), unique_cmp);
}

uint64_t maildir_scan_sum(const struct maildir_scan *scan)
{
	return names_sum(scan->items, scan->count);
}

static int add_dir(struct maildir *md, bool in_new, struct maildir_total *total,
	struct err *err)
{
	struct fs_dir *dir = maildir_dir(md, in_new);
	const char *file_name;
	enum fs_type type;
	enum fs_result result;

	if (dir == NULL)
		return 0;
	result = md->fs->dir_rewind(dir, err);
	while (result == FS_OK && (result = md->fs->dir_next(dir, &file_name,
					   &type, err)) == FS_OK) {
		struct maildir_name name;
		struct flags flags;
		int wanted = is_file(md, dir, file_name, type, err);

		if (wanted < 0)
			return -1;
		if (wanted == 0 || !maildir_name_cut(str_of(file_name), &name))
			continue;
		if (maildir_name_flags(
			    &name, &md->kwfile, md->keywords, &flags, err) != 0)
			return -1;
		total->sum += maildir_sum(name.unique, flags);
		total->files++;
	}
	return result == FS_ABSENT ? 0 : -1;
}

int maildir_add_up(
	struct maildir *md, struct maildir_total *total_r, struct err *err)
{
	int64_t next_ns = md->fs->next_stamp(md->cur);
	struct maildir_total total = {0};
	struct maildir_stamp before;

	if (maildir_stamp(md, &before, err) != 0 ||
		add_dir(md, true, &total, err) != 0 ||
		add_dir(md, false, &total, err) != 0 ||
		maildir_stamp(md, &total.stamp, err) != 0)
		return -1;
	total.is_final = maildir_stamp_eq(&before, &total.stamp) &&
			 maildir_stamp_is_final(&total.stamp, next_ns);
	*total_r = total;
	return 0;
}

enum fs_result maildir_drop_leftover(struct maildir *md,
	const struct maildir_leftover *leftover, const struct local_item *item,
	struct err *err)
{
	struct fs_stat stat;
	enum fs_result result =
		md->fs->stat(md->cur, item->file_name.ptr, &stat, err);

	if (result != FS_OK || stat.inode != leftover->inode)
		return result == FS_FAILED ? FS_FAILED : FS_ABSENT;
	return md->fs->unlink(md->new_, leftover->file_name.ptr, err);
}

/* Looks in one directory for an item that was renamed since the scan. */
static enum fs_result find_in(struct maildir *md, bool in_new,
	struct local_item *item, struct err *err)
{
	struct fs_dir *dir = maildir_dir(md, in_new);
	const char *file_name;
	enum fs_type type;
	enum fs_result result = FS_ABSENT;

	if (dir != NULL)
		result = md->fs->dir_rewind(dir, err);
	while (result == FS_OK && (result = md->fs->dir_next(dir, &file_name,
					   &type, err)) == FS_OK) {
		struct maildir_name name;

		if (!maildir_name_parse(str_of(file_name), &name) ||
			!str_eq(name.unique, item->name))
			continue;
		item->file_name = arena_str(md->arena, str_of(file_name));
		item->in_new = in_new;
		item->unnamed = false;
		return FS_OK;
	}
	return result;
}

/* Takes the name if there is such a file. */
static enum fs_result try_name(struct maildir *md, struct local_item *item,
	bool in_new, const char *file_name, struct err *err)
{
	struct fs_dir *dir = maildir_dir(md, in_new);
	struct fs_stat stat;
	enum fs_result result = FS_ABSENT;

	if (dir != NULL)
		result = md->fs->stat(dir, file_name, &stat, err);
	if (result == FS_OK && stat.type != FS_FILE)
		result = FS_ABSENT;
	if (result != FS_OK)
		return result;
	item->file_name = arena_str(md->arena, str_of(file_name));
	item->in_new = in_new;
	item->unnamed = false;
	return FS_OK;
}

/* That in cur/ comes first: another in new/ is what a rename left. */
enum fs_result maildir_guess(
	struct maildir *md, struct local_item *item, struct err *err)
{
	const struct maildir_name name = {.unique = item->name};
	struct maildir_name told = name;
	struct flags flags;
	struct buf text = {0};
	enum fs_result result = FS_ABSENT;

	if (maildir_name_print(
		    &name, &md->kwfile, md->keywords, item->flags, &text) &&
		maildir_name_cut(buf_str(&text), &told) &&
		maildir_name_flags(
			&told, &md->kwfile, md->keywords, &flags, err) == 0 &&
		flags_eq(flags, item->flags))
		result = try_name(md, item, false, buf_z(&text), err);
	if (result == FS_ABSENT && flags_eq(item->flags, (struct flags){0})) {
		buf_reset(&text);
		buf_add(&text, item->name);
		result = try_name(md, item, true, buf_z(&text), err);
	}
	buf_clear(&text);
	return result;
}

/* A mail reader has renamed it: where is it now? */
static enum fs_result find_again(
	struct maildir *md, struct local_item *item, struct err *err)
{
	enum fs_result result = FS_ABSENT;

	if (item->unnamed)
		result = maildir_guess(md, item, err);
	if (result == FS_ABSENT)
		result = find_in(md, false, item, err);
	return result == FS_ABSENT ? find_in(md, true, item, err) : result;
}

enum fs_result maildir_stat(struct maildir *md, struct local_item *item,
	struct fs_stat *stat_r, struct err *err)
{
	enum fs_result result = FS_ABSENT;

	if (!item->unnamed)
		result = md->fs->stat(maildir_dir(md, item->in_new),
			item->file_name.ptr, stat_r, err);
	if (result != FS_ABSENT)
		return result;
	result = find_again(md, item, err);
	if (result != FS_OK)
		return result;
	return md->fs->stat(maildir_dir(md, item->in_new), item->file_name.ptr,
		stat_r, err);
}

enum fs_result maildir_read(struct maildir *md, struct local_item *item,
	struct fs_file **file_r, struct fs_stat *stat_r, struct err *err)
{
	enum fs_result result = maildir_stat(md, item, stat_r, err);

	if (result != FS_OK)
		return result;
	return md->fs->open(maildir_dir(md, item->in_new), item->file_name.ptr,
		file_r, err);
}

enum fs_result maildir_set_flags(struct maildir *md, struct local_item *item,
	struct flags flags, struct arena *arena, struct err *err)
{
	bool to_new = item->in_new && flags.system == 0 &&
		      flags.keywords == KEYWORDS_EMPTY;
	struct maildir_name name;
	struct buf to = {0};
	enum fs_result result = FS_OK;

	check(maildir_name_parse(item->file_name, &name));
	to_new = item->in_new && flags.system == 0 &&
		 flags.keywords == KEYWORDS_EMPTY && name.letters.len == 0;
	if (to_new)
		return FS_OK;
	if (!maildir_name_print(&name, &md->kwfile, md->keywords, flags, &to)) {
		err_set(err, ERR_MESSAGE, ERR_NEVER, ERR_SYNC,
			"the file name %s is too long to carry more flags",
			item->file_name.ptr);
		return FS_FAILED;
	}
	if (item->in_new || !str_eq(buf_str(&to), item->file_name))
		result = md->fs->rename(maildir_dir(md, item->in_new),
			item->file_name.ptr, md->cur, buf_z(&to), err);
	if (result == FS_OK) {
		item->file_name = arena_str(arena, buf_str(&to));
		item->name = str_sub(item->file_name, 0, name.unique.len);
		item->flags = flags;
		item->in_new = false;
	}
	buf_clear(&to);
	return result;
}

/* What stood for nothing is not to stand for a keyword from now on, on files
 * that never had it. */
static void shun_letters(struct maildir *md)
{
	const char *file_name;
	enum fs_type type;
	struct err ignored;

	md->shuns = true;
	if (md->fs->dir_rewind(md->cur, &ignored) != FS_OK)
		return;
	while (md->fs->dir_next(md->cur, &file_name, &type, &ignored) ==
		FS_OK) {
		struct maildir_name name;

		if (!maildir_name_cut(str_of(file_name), &name))
			continue;
		for (size_t i = 0; i < name.letters.len; i++) {
			char letter = name.letters.ptr[i];

			if (letter >= 'a' && letter <= 'z')
				md->kwfile.shunned |= 1U << (letter - 'a');
		}
	}
}

static void letter_keyword(struct maildir *md, uint32_t id)
{
	if (kwfile_letter(&md->kwfile, id) != '\0')
		return;
	if (!md->shuns)
		shun_letters(md);
	if (kwfile_add(&md->kwfile, md->keywords, id) != '\0')
		md->kwfile_dirty = true;
}

void maildir_letter_keywords(struct maildir *md, struct flags flags)
{
	size_t count;
	const uint16_t *ids =
		keywords_set_ids(md->keywords, flags.keywords, &count);

	for (size_t i = 0; i < count; i++)
		letter_keyword(md, ids[i]);
}

int maildir_write_keywords(struct maildir *md, struct err *err)
{
	const struct fs_port *fs = md->fs;
	struct fs_file *file = NULL;
	struct fs_stat stat;

	if (!md->kwfile_dirty)
		return 0;
	if (fs->unlink(md->folder, KEYWORD_TMP, err) == FS_FAILED ||
		fs->create(md->folder, KEYWORD_TMP, &file, err) != FS_OK)
		return -1;
	if (fs->write(file, kwfile_text(&md->kwfile), err) != FS_OK) {
		fs->close(&file);
		return -1;
	}
	if (fs->dir_stat(md->folder, &stat, err) != FS_OK) {
		fs->close(&file);
		return -1;
	}
	if (fs->finish(&file, stat.mtime_ns, err) != FS_OK ||
		fs->flush(fs->ctx, err) != FS_OK ||
		fs->replace(md->folder, KEYWORD_TMP, md->folder, KEYWORD_FILE,
			err) != FS_OK ||
		fs->dir_sync(md->folder, err) != FS_OK)
		return -1;
	md->kwfile_dirty = false;
	return 0;
}

int maildir_sync(struct maildir *md, struct err *err)
{
	if (md->fs->dir_sync(md->cur, err) != FS_OK ||
		md->fs->dir_sync(md->new_, err) != FS_OK)
		return -1;
	return 0;
}

int maildir_sync_later(struct maildir *md, struct err *err)
{
	if (md->fs->dir_sync_later(md->cur, err) != FS_OK ||
		md->fs->dir_sync_later(md->new_, err) != FS_OK)
		return -1;
	return 0;
}

static bool is_own_tmp(const char *name)
{
	return str_ends(str_of(name), STR(".godwit-tmp"));
}

enum fs_result maildir_create_tmp(struct maildir *md, const char *name,
	struct fs_file **file_r, struct err *err)
{
	enum fs_result result = md->fs->create(md->tmp, name, file_r, err);

	if (result != FS_EXISTS)
		return result;
	result = md->fs->unlink(md->tmp, name, err);
	return result == FS_FAILED ? FS_FAILED
				   : md->fs->create(md->tmp, name, file_r, err);
}

int64_t maildir_mtime_ns(int64_t date_s)
{
	const int64_t most_s = INT64_MAX / NSEC_PER_SEC;

	if (date_s > most_s)
		date_s = most_s;
	if (date_s < -most_s)
		date_s = -most_s;
	return date_s * NSEC_PER_SEC;
}

int maildir_clean_tmp(struct maildir *md, struct err *err)
{
	const char *name;
	enum fs_type type;
	enum fs_result result = md->fs->dir_rewind(md->tmp, err);

	if (result != FS_OK)
		return -1;
	while ((result = md->fs->dir_next(md->tmp, &name, &type, err)) ==
		FS_OK) {
		if (is_own_tmp(name) &&
			md->fs->unlink(md->tmp, name, err) == FS_FAILED)
			return -1;
	}
	return result == FS_ABSENT ? 0 : -1;
}

/* Counts what deliveries of ours left in tmp/. */
static enum fs_result count_tmp(const struct fs_port *fs, struct fs_dir *tmp,
	size_t *count_r, struct err *err)
{
	const char *name;
	enum fs_type type;
	enum fs_result result = fs->dir_rewind(tmp, err);

	*count_r = 0;
	while (result == FS_OK &&
		(result = fs->dir_next(tmp, &name, &type, err)) == FS_OK)
		*count_r += is_own_tmp(name);
	return result == FS_ABSENT ? FS_OK : result;
}

static enum fs_result look_into(const struct fs_port *fs, struct fs_dir *folder,
	struct maildir_condition *condition, struct err *err)
{
	struct fs_dir *tmp = NULL;
	struct fs_stat stat;
	enum fs_result result = fs->stat(folder, "cur", &stat, err);

	if (result != FS_OK)
		return result;
	result = fs->stat(folder, "new", &stat, err);
	condition->has_new = result == FS_OK;
	if (result != FS_FAILED)
		result = fs->dir_open(folder, "tmp", false, &tmp, err);
	if (result == FS_FAILED)
		return result;
	condition->has_tmp = result == FS_OK;
	if (tmp == NULL)
		return FS_OK;
	result = count_tmp(fs, tmp, &condition->leftovers, err);
	fs->dir_close(&tmp);
	return result;
}

enum fs_result maildir_look(const struct maildir_place *place,
	struct maildir_condition *condition_r, struct err *err)
{
	struct fs_dir *folder = NULL;
	enum fs_result result = FS_OK;

	*condition_r = (struct maildir_condition){0};
	if (place->path.len > 0)
		result = folder_open(place, &folder, err);
	if (result == FS_OK)
		result = look_into(place->fs,
			folder != NULL ? folder : place->root, condition_r,
			err);
	if (folder != NULL)
		place->fs->dir_close(&folder);
	return result;
}

/* The walk over the folders. */
struct walk {
	const struct fs_port *fs;
	enum mailbox_layout layout;
	struct arena *arena;
	struct str *names; /* on the heap */
	size_t count;
	size_t cap;
	struct maildir_stamp *stamps; /* likewise, parallel */
	size_t stamp_cap;
	struct err *faults; /* on the heap */
	size_t fault_count;
	size_t fault_cap;
	struct buf path; /* of the folder that is looked at */
	bool only_any;   /* it ends at the first of either */
};

static bool walk_is_over(const struct walk *walk)
{
	return walk->only_any && walk->count + walk->fault_count > 0;
}

/* What is wrong with one folder does not end the walk. */
static int walk_fault(struct walk *walk, struct err *err)
{
	if (err->scope >= ERR_ACCOUNT)
		return -1;
	err->scope = ERR_MAILBOX;
	walk->faults = array_grow(walk->faults, &walk->fault_cap,
		walk->fault_count + 1, sizeof(*walk->faults));
	walk->faults[walk->fault_count++] = *err;
	return 0;
}

static void walk_add(
	struct walk *walk, struct str name, const struct maildir_stamp *stamp)
{
	walk->names = array_grow(
		walk->names, &walk->cap, walk->count + 1, sizeof(*walk->names));
	walk->stamps = array_grow(walk->stamps, &walk->stamp_cap,
		walk->count + 1, sizeof(*walk->stamps));
	walk->names[walk->count] = arena_str(walk->arena, name);
	walk->stamps[walk->count++] = *stamp;
}

/* Adds the folder if it is a mailbox's; then *stamp_r is what it was. */
static int walk_note(struct walk *walk, struct fs_dir *dir,
	struct maildir_stamp *stamp_r, struct err *err)
{
	const struct fs_port *fs = walk->fs;
	struct buf name = {0};
	int failed = 0;
	enum fs_result result;

	*stamp_r = (struct maildir_stamp){0};
	result = fs->stat(dir, "cur", &stamp_r->cur, err);
	if (result == FS_FAILED)
		return -1;
	if (result != FS_OK || stamp_r->cur.type != FS_DIR)
		return 0;
	if (fs->stat(dir, "new", &stamp_r->new_, err) == FS_FAILED ||
		fs->stat(dir, KEYWORD_FILE, &stamp_r->letters, err) ==
			FS_FAILED)
		return -1;
	if (mailbox_name_from_path(
		    walk->layout, buf_str(&walk->path), &name, err) == 0) {
		walk_add(walk, buf_str(&name), stamp_r);
	} else {
		failed = walk_fault(walk, err);
	}
	buf_clear(&name);
	return failed;
}

static bool is_part(const char *name)
{
	return strcmp(name, "cur") == 0 || strcmp(name, "new") == 0 ||
	       strcmp(name, "tmp") == 0;
}

/* Whether there may be folders below this one beside its parts. Most mailboxes
 * have none, and need not be read. */
static bool may_have_below(const struct walk *walk, struct fs_dir *dir,
	const struct maildir_stamp *stamp)
{
	int64_t folders = walk->fs->dir_folders(dir);
	int64_t parts =
		(stamp->cur.type == FS_DIR) + (stamp->new_.type == FS_DIR);
	struct fs_stat tmp;
	struct err ignored;

	if (folders > parts &&
		walk->fs->stat(dir, "tmp", &tmp, &ignored) == FS_OK)
		parts += tmp.type == FS_DIR;
	return folders < 0 || folders > parts;
}

/* A folder's name, in the arena. */
struct subfolder {
	struct str name;
	bool is_folder; /* that is certain */
};

/* The folders of `dir`, named in the arena: the walk may not read one
 * directory while it descends into another. */
static int subfolders(struct walk *walk, struct fs_dir *dir,
	struct subfolder **items_r, size_t *count_r, struct err *err)
{
	size_t cap = 0;
	struct subfolder *items = NULL;
	size_t count = 0;
	const char *name;
	enum fs_type type;
	enum fs_result result = walk->fs->dir_rewind(dir, err);

	while (result == FS_OK && (result = walk->fs->dir_next(
					   dir, &name, &type, err)) == FS_OK) {
		if (is_part(name) || (type != FS_DIR && type != FS_UNKNOWN))
			continue;
		items = array_grow(items, &cap, count + 1, sizeof(*items));
		items[count++] = (struct subfolder){
			.name = arena_str(walk->arena, str_of(name)),
			.is_folder = type == FS_DIR,
		};
	}
	*items_r = arena_array(walk->arena, count, sizeof(*items));
	if (count > 0)
		memcpy(*items_r, items, count * sizeof(*items));
	*count_r = count;
	free(items);
	return result == FS_ABSENT ? 0 : -1;
}

/* Opens a folder that was read. FS_ABSENT: it is none, or none any more. */
static enum fs_result subfolder_open(const struct walk *walk,
	struct fs_dir *dir, const struct subfolder *item,
	struct fs_dir **below_r, struct err *err)
{
	const struct fs_port *fs = walk->fs;
	enum fs_result result = FS_OK;
	struct fs_stat stat;

	if (!item->is_folder)
		result = fs->stat(dir, item->name.ptr, &stat, err);
	if (result == FS_OK && !item->is_folder && stat.type != FS_DIR)
		result = FS_ABSENT;
	if (result == FS_OK)
		result = fs->dir_open(dir, item->name.ptr, false, below_r, err);
	return result;
}

static int walk_into(
	struct walk *walk, struct fs_dir *dir, int depth, struct err *err);

static int walk_below(struct walk *walk, struct fs_dir *dir,
	const struct subfolder *item, int depth, struct err *err)
{
	struct fs_dir *below = NULL;
	size_t length = walk->path.len;
	enum fs_result result = subfolder_open(walk, dir, item, &below, err);
	int failed;

	if (result != FS_OK)
		return result == FS_ABSENT ? 0 : walk_fault(walk, err);
	if (length > 0)
		buf_addc(&walk->path, '/');
	buf_add(&walk->path, item->name);
	failed = walk_into(walk, below, depth, err);
	if (failed != 0)
		failed = walk_fault(walk, err);
	walk->path.len = length;
	walk->fs->dir_close(&below);
	return failed;
}

static int walk_into(
	struct walk *walk, struct fs_dir *dir, int depth, struct err *err)
{
	struct maildir_stamp stamp;
	struct subfolder *items;
	size_t count;

	if (walk_note(walk, dir, &stamp, err) != 0)
		return -1;
	if (depth >= (walk->layout == LAYOUT_MAILDIRPP ? 1 : FOLDER_DEPTH_MAX))
		return 0;
	if (walk_is_over(walk) || !may_have_below(walk, dir, &stamp))
		return 0;
	if (subfolders(walk, dir, &items, &count, err) != 0)
		return -1;
	for (size_t i = 0; i < count && !walk_is_over(walk); i++) {
		bool dotted = items[i].name.ptr[0] == '.';

		/* A dot leads the mailboxes of Maildir++, and only those. */
		if (dotted != (walk->layout == LAYOUT_MAILDIRPP))
			continue;
		if (walk_below(walk, dir, &items[i], depth + 1, err) != 0)
			return -1;
	}
	return 0;
}

static void walk_clear(struct walk *walk)
{
	free(walk->names);
	free(walk->stamps);
	free(walk->faults);
	buf_clear(&walk->path);
}

int maildir_any(const struct maildir_place *place, enum mailbox_layout layout,
	bool *any_r, struct err *err)
{
	struct arena arena = {0};
	struct walk walk = {.fs = place->fs,
		.layout = layout,
		.arena = &arena,
		.only_any = true};
	int result = walk_into(&walk, place->root, 0, err);

	*any_r = walk_is_over(&walk);
	walk_clear(&walk);
	arena_clear(&arena);
	return result;
}

int maildir_list(const struct maildir_place *place, enum mailbox_layout layout,
	struct arena *arena, struct maildir_names *names_r, struct err *err)
{
	struct walk walk = {.fs = place->fs, .layout = layout, .arena = arena};
	int result = walk_into(&walk, place->root, 0, err);

	names_r->items =
		arena_array(arena, walk.count, sizeof(*names_r->items));
	if (walk.count > 0)
		memcpy(names_r->items, walk.names,
			walk.count * sizeof(*walk.names));
	names_r->stamps =
		arena_array(arena, walk.count, sizeof(*names_r->stamps));
	if (walk.count > 0)
		memcpy(names_r->stamps, walk.stamps,
			walk.count * sizeof(*walk.stamps));
	names_r->count = walk.count;
	names_r->faults =
		arena_array(arena, walk.fault_count, sizeof(*names_r->faults));
	if (walk.fault_count > 0)
		memcpy(names_r->faults, walk.faults,
			walk.fault_count * sizeof(*walk.faults));
	names_r->fault_count = walk.fault_count;
	walk_clear(&walk);
	return result;
}
