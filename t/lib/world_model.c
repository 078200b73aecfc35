/*
 * How: each side of a mailbox becomes a list of messages; every one of the
 * server's must find one of the Maildir's that says the same, and none be left.
 * A file's bytes stand for themselves, or for those with CRLF for each LF.
 */
#include "world.h"

#include "godwit/imap/name.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	MODEL_KEYWORDS = 26,
};

const struct imap_date world_day = {1600000000, 120};

/* ---- The user's side ----------------------------------------------------- */

void world_message(struct buf *out, unsigned number)
{
	buf_addf(out,
		"From: a%u@example.org\r\n"
		"Subject: message %u\r\n"
		"Message-ID: <%u@example.org>\r\n"
		"\r\n"
		"The body of message %u:",
		number, number, number, number);
	for (unsigned i = 0; i < number % 50; i++)
		buf_addf(out, "%s%u words", i % 10 == 0 ? "\r\n" : " ", i);
	buf_addz(out, "\r\n");
}

static void add_lf(struct buf *out, struct str body)
{
	for (size_t i = 0; i < body.len; i++) {
		bool is_crlf = body.ptr[i] == '\r' && i + 1 < body.len &&
			       body.ptr[i + 1] == '\n';

		if (!is_crlf)
			buf_addc(out, body.ptr[i]);
	}
}

/* The mailbox's name in UTF-8, without prefix, its levels parted by `sep`. */
static void local_name(const struct world *world, const char *mailbox, char sep,
	struct buf *name)
{
	struct str prefix = str_of(world->server->prefix);
	struct str wire = str_of(mailbox);
	size_t from = name->len;

	if (str_starts(wire, prefix))
		wire = str_sub(wire, prefix.len, wire.len);
	check(imap_name_decode(wire, false, name));
	for (size_t i = from; i < name->len; i++) {
		if (name->ptr[i] == world->server->delimiter)
			name->ptr[i] = sep;
	}
}

void world_path(const struct world *world, const char *mailbox,
	const char *below, struct buf *path)
{
	bool dotted = world->account.layout == LAYOUT_MAILDIRPP;
	bool is_inbox = strcmp(mailbox, "INBOX") == 0;

	buf_addz(path, WORLD_MAILDIR);
	if (!is_inbox || !dotted) {
		buf_addz(path, dotted ? "/." : "/");
		local_name(world, mailbox, dotted ? '.' : '/', path);
	}
	if (below[0] != '\0')
		buf_addf(path, "/%s", below);
}

void world_mkdir(struct world *world, const char *mailbox)
{
	static const char *const parts[] = {"cur", "new", "tmp"};

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		struct buf path = {0};

		world_path(world, mailbox, parts[i], &path);
		if (!fake_fs_exists(world->fs, buf_z(&path)))
			fake_fs_mkdir(world->fs, buf_z(&path));
		buf_clear(&path);
	}
}

void world_put(struct world *world, const char *mailbox, const char *file,
	struct str body, int64_t date_s)
{
	struct buf path = {0};
	struct buf text = {0};

	world_mkdir(world, mailbox);
	world_path(world, mailbox, file, &path);
	add_lf(&text, body);
	fake_fs_put(
		world->fs, buf_z(&path), buf_str(&text), date_s * 1000000000);
	fake_fs_settle(world->fs);
	buf_clear(&text);
	buf_clear(&path);
}

struct fake_message *world_give(struct world *world, const char *mailbox,
	unsigned number, uint64_t flags)
{
	struct fake_mailbox *box = fake_server_find(world->server, mailbox);
	struct fake_message *message;
	struct buf text = {0};

	check(box != NULL);
	world_message(&text, number);
	message = fake_mailbox_append(box, buf_str(&text), flags, world_day);
	buf_clear(&text);
	return message;
}

void world_drop(struct world *world, const char *mailbox, const char *file,
	unsigned number)
{
	struct buf text = {0};

	world_message(&text, number);
	world_put(world, mailbox, file, buf_str(&text), world_day.utc_seconds);
	buf_clear(&text);
}

static void copy_part(char *to, size_t room, struct str part)
{
	check(part.len < room);
	memcpy(to, part.ptr, part.len);
	to[part.len] = '\0';
}

/* A line of fake_fs_dump() that speaks of a file: "path size @mtime #...". */
static bool read_line(
	struct str line, size_t folder_bytes, struct world_file *file)
{
	size_t end = line.len;
	struct str name;
	size_t colon;

	for (size_t i = folder_bytes; i + 1 < line.len && end == line.len;
		i++) {
		if (line.ptr[i] == ' ' || line.ptr[i] == '/')
			end = i;
	}
	if (end == line.len || line.ptr[end] == '/')
		return false;
	copy_part(file->path, sizeof(file->path), str_sub(line, 0, end));
	name = str_sub(line, folder_bytes, end - folder_bytes);
	if (name.len == 0 || name.ptr[0] == '.')
		return false;
	colon = str_find(name, ':');
	copy_part(file->unique, sizeof(file->unique), str_sub(name, 0, colon));
	copy_part(file->letters, sizeof(file->letters),
		str_sub(name, colon + 3, name.len));
	file->mtime_s = strtoll(strchr(line.ptr + end, '@') + 1, NULL, 10);
	return true;
}

static void read_folder(struct world *world, const char *mailbox, bool in_new,
	struct world_files *files)
{
	struct buf folder = {0};
	struct buf lines = {0};
	struct str rest;
	struct str line;

	world_path(world, mailbox, in_new ? "new" : "cur", &folder);
	fake_fs_dump(world->fs, buf_z(&folder), &lines);
	rest = buf_str(&lines);
	while (rest.len > 0 && str_split(&rest, '\n', &line)) {
		struct world_file file = {.in_new = in_new};

		if (!read_line(line, folder.len + 1, &file))
			continue;
		files->items = array_grow(files->items, &files->cap,
			files->count + 1, sizeof(*files->items));
		files->items[files->count++] = file;
	}
	buf_clear(&lines);
	buf_clear(&folder);
}

static int file_cmp(const void *a, const void *b)
{
	const struct world_file *x = a;
	const struct world_file *y = b;

	return strcmp(x->unique, y->unique);
}

void world_files(
	struct world *world, const char *mailbox, struct world_files *files)
{
	*files = (struct world_files){0};
	read_folder(world, mailbox, false, files);
	read_folder(world, mailbox, true, files);
	if (files->count > 0)
		qsort(files->items, files->count, sizeof(*files->items),
			file_cmp);
}

bool world_has_folder(struct world *world, const char *mailbox)
{
	struct buf path = {0};
	bool has;

	world_path(world, mailbox, "cur", &path);
	has = fake_fs_exists(world->fs, buf_z(&path));
	buf_clear(&path);
	return has;
}

/* ---- The model ----------------------------------------------------------- */

/* One message as its side has it; flags as a sorted list of words. */
struct told {
	struct buf bytes;
	struct buf flags;
	int64_t date_s;
	bool paired;
};

struct side_list {
	struct told *items;
	size_t count;
	size_t cap;
};

static struct told *told_add(struct side_list *list)
{
	list->items = array_grow(
		list->items, &list->cap, list->count + 1, sizeof(*list->items));
	list->items[list->count] = (struct told){0};
	return &list->items[list->count++];
}

static void side_clear(struct side_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		buf_clear(&list->items[i].bytes);
		buf_clear(&list->items[i].flags);
	}
	free(list->items);
	*list = (struct side_list){0};
}

static int word_cmp(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Words in lower case, sorted, spaces between. */
static void add_words(struct buf *out, char **words, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		for (char *c = words[i]; *c != '\0'; c++) {
			if (*c >= 'A' && *c <= 'Z')
				*c = (char)(*c - 'A' + 'a');
		}
	}
	qsort(words, count, sizeof(*words), word_cmp);
	for (size_t i = 0; i < count; i++) {
		buf_addf(out, "%s ", words[i]);
		free(words[i]);
	}
}

static char *dup(const char *text)
{
	char *copy = strdup(text);

	check(copy != NULL);
	return copy;
}

static void server_flags(const struct fake_mailbox *box,
	const struct fake_message *message, struct buf *out)
{
	static const char *const names[] = {
		"\\answered", "\\flagged", "\\deleted", "\\seen", "\\draft"};
	char *words[FAKE_KEYWORD + FAKE_KEYWORDS_MAX];
	size_t count = 0;

	for (size_t i = 0; i < FAKE_KEYWORD; i++) {
		if ((message->flags >> i & 1) != 0)
			words[count++] = dup(names[i]);
	}
	for (size_t i = 0; i < box->keyword_count; i++) {
		if ((message->flags >> (FAKE_KEYWORD + i) & 1) != 0)
			words[count++] = dup(box->keywords[i]);
	}
	add_words(out, words, count);
}

/* No file is from after 2262. */
static int64_t mtime_for(int64_t date_s)
{
	const int64_t most_s = INT64_MAX / 1000000000;

	return date_s < most_s ? date_s : most_s;
}

static void read_server(const struct fake_mailbox *box, struct side_list *list)
{
	for (size_t i = 0; i < box->count; i++) {
		const struct fake_message *message = &box->messages[i];
		struct told *told = told_add(list);

		buf_add(&told->bytes, buf_str(&message->body));
		server_flags(box, message, &told->flags);
		told->date_s = mtime_for(message->date.utc_seconds);
	}
}

void world_letters(
	struct world *world, const char *mailbox, struct world_letters *letters)
{
	struct buf path = {0};
	struct buf text = {0};
	struct str rest;
	struct str line;

	*letters = (struct world_letters){0};
	world_path(world, mailbox, "dovecot-keywords", &path);
	(void)fake_fs_read(world->fs, buf_z(&path), &text);
	rest = buf_str(&text);
	while (rest.len > 0 && str_split(&rest, '\n', &line)) {
		size_t space = str_find(line, ' ');
		uint32_t number;

		if (str_u32(str_sub(line, 0, space), &number) &&
			number < MODEL_KEYWORDS)
			copy_part(letters->names[number],
				sizeof(letters->names[number]),
				str_sub(line, space + 1, line.len));
	}
	buf_clear(&text);
	buf_clear(&path);
}

static const char *letter_name(const struct world_letters *letters, char letter)
{
	static const char system[] = "SRFTDP";
	static const char *const names[] = {"\\seen", "\\answered", "\\flagged",
		"\\deleted", "\\draft", "$forwarded"};
	const char *at = strchr(system, letter);

	if (at != NULL)
		return names[at - system];
	return letter >= 'a' && letter <= 'z' ? letters->names[letter - 'a']
					      : NULL;
}

static void file_flags(
	const struct world_letters *letters, const char *text, struct buf *out)
{
	char *words[64];
	size_t count = 0;

	for (; *text != '\0' && count < 64; text++) {
		const char *name = letter_name(letters, *text);

		if (name != NULL && name[0] != '\0')
			words[count++] = dup(name);
	}
	add_words(out, words, count);
}

static void read_maildir(
	struct world *world, const char *mailbox, struct side_list *list)
{
	struct world_files files;
	struct world_letters letters;

	world_letters(world, mailbox, &letters);
	world_files(world, mailbox, &files);
	for (size_t i = 0; i < files.count; i++) {
		struct told *told = told_add(list);

		check(fake_fs_read(
			world->fs, files.items[i].path, &told->bytes));
		file_flags(&letters, files.items[i].letters, &told->flags);
		told->date_s = files.items[i].mtime_s;
	}
	free(files.items);
}

/* Whether the file's bytes are the server's, or are so with CRLF for LF. */
static bool same_bytes(struct str file, struct str server)
{
	size_t at = 0;

	if (str_eq(file, server))
		return true;
	for (size_t i = 0; i < file.len; i++) {
		if (file.ptr[i] == '\n' &&
			(i == 0 || file.ptr[i - 1] != '\r')) {
			if (at >= server.len || server.ptr[at++] != '\r')
				return false;
		}
		if (at >= server.len || server.ptr[at++] != file.ptr[i])
			return false;
	}
	return at == server.len;
}

/* Two lists that ought to be one. */
struct sides {
	const char *mailbox;
	bool keeps_deleted;
	bool adds_final_crlf;
	struct side_list files;
	struct side_list server;
};

/* The bytes, without the CRLF that the server put behind them. */
static struct str without_final(struct str bytes)
{
	return str_ends(bytes, STR("\r\n")) ? str_sub(bytes, 0, bytes.len - 2)
					    : bytes;
}

static bool is_same(const struct sides *sides, const struct told *file,
	const struct told *server)
{
	struct str there = buf_str(&server->bytes);

	if (sides->adds_final_crlf &&
		same_bytes(buf_str(&file->bytes), without_final(there)))
		there = without_final(there);
	return str_eq(buf_str(&file->flags), buf_str(&server->flags)) &&
	       file->date_s == server->date_s &&
	       same_bytes(buf_str(&file->bytes), there);
}

static void tell_single(const char *mailbox, const char *side,
	struct told *told, struct buf *why)
{
	const char *subject = strstr(buf_z(&told->bytes), "Subject: ");

	buf_addf(why,
		"%s: only on the %s: %.20s (%.*s) @%" PRId64 ", %zu bytes\n",
		mailbox, side, subject != NULL ? subject : buf_z(&told->bytes),
		STR_FMT(buf_str(&told->flags)), told->date_s, told->bytes.len);
}

static bool may_be_single(const struct sides *sides, struct told *told)
{
	return sides->keeps_deleted &&
	       strstr(buf_z(&told->flags), "\\deleted") != NULL;
}

static bool compare(struct sides *sides, struct buf *why)
{
	struct side_list *files = &sides->files;
	struct side_list *server = &sides->server;
	bool same = true;

	for (size_t i = 0; i < server->count; i++) {
		for (size_t k = 0; k < files->count && !server->items[i].paired;
			k++) {
			if (files->items[k].paired ||
				!is_same(sides, &files->items[k],
					&server->items[i]))
				continue;
			files->items[k].paired = true;
			server->items[i].paired = true;
		}
		if (server->items[i].paired ||
			may_be_single(sides, &server->items[i]))
			continue;
		tell_single(sides->mailbox, "server", &server->items[i], why);
		same = false;
	}
	for (size_t k = 0; k < files->count; k++) {
		if (files->items[k].paired)
			continue;
		tell_single(sides->mailbox, "disk", &files->items[k], why);
		same = false;
	}
	return same;
}

static bool mailbox_in_step(
	struct world *world, const struct fake_mailbox *box, struct buf *why)
{
	struct sides sides = {.mailbox = box->name,
		.keeps_deleted = world->keeps_deleted,
		.adds_final_crlf = world->server->odd.adds_final_crlf};
	bool same;

	if ((box->attrs & IMAP_ATTR_NOSELECT) != 0 ||
		str_eq(world->left_out, str_of(box->name)))
		return true;
	if (!world_has_folder(world, box->name)) {
		buf_addf(why, "%s: no folder\n", box->name);
		return false;
	}
	read_server(box, &sides.server);
	read_maildir(world, box->name, &sides.files);
	same = compare(&sides, why);
	side_clear(&sides.server);
	side_clear(&sides.files);
	return same;
}

/* Whether a mailbox of the server's has the folder that this is part of. */
static bool is_known(struct world *world, struct str cur)
{
	struct buf path = {0};
	bool known = false;

	for (size_t i = 0; i < world->server->count && !known; i++) {
		buf_reset(&path);
		world_path(
			world, world->server->mailboxes[i]->name, "cur", &path);
		known = str_eq(buf_str(&path), cur);
	}
	buf_clear(&path);
	return known;
}

/* Folders that no mailbox of the server's stands for. */
static bool folders_known(struct world *world, struct buf *why)
{
	struct buf lines = {0};
	struct str rest;
	struct str line;
	bool known = true;

	fake_fs_dump(world->fs, WORLD_MAILDIR, &lines);
	rest = buf_str(&lines);
	while (rest.len > 0 && str_split(&rest, '\n', &line)) {
		struct str cur = str_sub(line, 0, line.len - 1);

		if (!str_ends(line, STR("/cur/")) || is_known(world, cur))
			continue;
		buf_addf(why, "%.*s: not on the server\n", STR_FMT(cur));
		known = false;
	}
	buf_clear(&lines);
	return known;
}

bool world_in_step(struct world *world, struct buf *why)
{
	bool same = folders_known(world, why);

	for (size_t i = 0; i < world->server->count; i++)
		same = mailbox_in_step(
			       world, world->server->mailboxes[i], why) &&
		       same;
	return same;
}

/* ---- States -------------------------------------------------------------- */

static int buf_cmp(const void *a, const void *b)
{
	return str_cmp(buf_str(a), buf_str(b));
}

static void add_sorted(struct buf *lines, struct buf *items, size_t count)
{
	if (count > 0)
		qsort(items, count, sizeof(*items), buf_cmp);
	for (size_t i = 0; i < count; i++) {
		buf_add(lines, buf_str(&items[i]));
		buf_clear(&items[i]);
	}
	free(items);
}

static void add_shown(struct buf *out, struct str bytes)
{
	for (size_t i = 0; i < bytes.len; i++) {
		if (bytes.ptr[i] < ' ')
			buf_addc(out, '.');
		else
			buf_addc(out, bytes.ptr[i]);
	}
}

static void mailbox_state(const struct fake_mailbox *box, struct buf *lines)
{
	struct buf *items = calloc(box->count + 1, sizeof(*items));

	check(items != NULL);
	for (size_t i = 0; i < box->count; i++) {
		const struct fake_message *message = &box->messages[i];

		server_flags(box, message, &items[i]);
		buf_addf(&items[i], "@%" PRId64 " %zu bytes ",
			message->date.utc_seconds, message->body.len);
		add_shown(&items[i], buf_str(&message->body));
		buf_addc(&items[i], '\n');
	}
	buf_addf(lines, "== %s, %zu messages\n", box->name, box->count);
	add_sorted(lines, items, box->count);
}

void world_server_state(const struct world *world, struct buf *lines)
{
	const struct fake_server *server = world->server;
	struct buf *items = calloc(server->count + 1, sizeof(*items));

	check(items != NULL);
	for (size_t i = 0; i < server->count; i++)
		mailbox_state(server->mailboxes[i], &items[i]);
	add_sorted(lines, items, server->count);
}

bool world_in_vault(struct world *world, struct str body)
{
	struct buf lines = {0};
	struct buf file = {0};
	struct str rest;
	struct str line;
	bool found = false;

	fake_fs_dump(world->fs, WORLD_STATE "/vault", &lines);
	rest = buf_str(&lines);
	while (!found && rest.len > 0 && str_split(&rest, '\n', &line)) {
		struct buf path = {0};

		buf_add(&path, str_sub(line, 0, str_find(line, ' ')));
		buf_reset(&file);
		found = fake_fs_read(world->fs, buf_z(&path), &file) &&
			same_bytes(buf_str(&file), body);
		buf_clear(&path);
	}
	buf_clear(&file);
	buf_clear(&lines);
	return found;
}
