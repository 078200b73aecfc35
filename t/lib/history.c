/*
 * How: actions pick a mailbox and a message at random and note what they may
 * have removed or doubled, so that the oracle knows what it can be sure of.
 */
#include "history.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[HISTORY_MAILBOXES] = {
	"INBOX", "A", "A/B", "Entw&APw-rfe", "Late"};

static const char *const prefixed_names[HISTORY_MAILBOXES] = {
	"INBOX", "INBOX.A", "INBOX.A.B", "INBOX.Entw&APw-rfe", "INBOX.Late"};

/* The pool: five system flags in the server's order, then keywords. */
static const char *const pool[HISTORY_FLAGS] = {"\\answered", "\\flagged",
	"\\deleted", "\\seen", "\\draft", "$forwarded", "junk", "todo",
	"important", "later"};

static const char pool_letters[] = "RFTSDP";

enum {
	POOL_LETTERED = 6, /* that have letters by themselves */
	POOL_DELETED = 1 << 2,
	CALLS_AHEAD = 200, /* of the file system, for what is planned */
	DISTANCES = 3,     /* of servers: next door, and farther */
	DISTANCE_NS = 40000000,
};

const char *history_mailbox(const struct history *history, unsigned mailbox)
{
	return history->world.server->prefix[0] != '\0'
		       ? prefixed_names[mailbox]
		       : names[mailbox];
}

unsigned history_chance(struct history *history, unsigned below)
{
	return (unsigned)fate_random(&history->world.fate, below);
}

static bool one_in(struct history *history, unsigned n)
{
	return history_chance(history, n) == 0;
}

/* ---- The world of a seed ------------------------------------------------- */

static void choose_caps(struct history *history)
{
	static const enum imap_cap caps[] = {IMAP_CAP_LITERAL_PLUS,
		IMAP_CAP_LITERAL_MINUS, IMAP_CAP_MOVE, IMAP_CAP_LIST_EXTENDED,
		IMAP_CAP_SPECIAL_USE, IMAP_CAP_NAMESPACE, IMAP_CAP_ID,
		IMAP_CAP_UNSELECT, IMAP_CAP_CREATE_SPECIAL_USE,
		IMAP_CAP_CHILDREN};
	struct fake_server *server = history->world.server;

	for (size_t i = 0; i < sizeof(caps) / sizeof(caps[0]); i++) {
		if (one_in(history, 2))
			imap_caps_set(&server->caps, caps[i]);
	}
	history->world.keeps_deleted = one_in(history, 6);
	if (!history->world.keeps_deleted)
		imap_caps_set(&server->caps, IMAP_CAP_UIDPLUS);
	if (imap_caps_has(&server->caps, IMAP_CAP_NAMESPACE) &&
		one_in(history, 3)) {
		server->prefix = "INBOX.";
		server->delimiter = '.';
	}
	server->login = one_in(history, 3);
}

/* What tells changes; each by itself, as servers in the field have them. */
static void choose_modseq(struct history *history)
{
	static const enum imap_cap caps[] = {IMAP_CAP_LIST_STATUS,
		IMAP_CAP_ESEARCH, IMAP_CAP_OBJECTID, IMAP_CAP_UIDONLY};
	struct fake_server *server = history->world.server;
	struct fake_oddities *odd = &server->odd;

	imap_caps_set(&server->caps, IMAP_CAP_ENABLE);
	for (size_t i = 0; i < sizeof(caps) / sizeof(caps[0]); i++) {
		if (one_in(history, 2))
			imap_caps_set(&server->caps, caps[i]);
	}
	if (one_in(history, 4))
		return;
	imap_caps_set(&server->caps, IMAP_CAP_CONDSTORE);
	odd->lazy_modseq = one_in(history, 3);
	odd->hides_modseq = one_in(history, 3);
	odd->ignores_since = one_in(history, 6);
	odd->esearch_plain = one_in(history, 4);
	odd->search_mute = one_in(history, 4);
	odd->empty_status = one_in(history, 10);
	if (one_in(history, 2)) {
		imap_caps_set(&server->caps, IMAP_CAP_QRESYNC);
		odd->enables_nothing = one_in(history, 4);
		odd->vanished_pieces = one_in(history, 3);
	} else if (one_in(history, 3)) {
		imap_caps_set(&server->caps, IMAP_CAP_X_GM_EXT_1);
		odd->modseq_ahead = true;
	}
}

static void choose_oddities(struct history *history)
{
	struct fake_oddities *odd = &history->world.server->odd;

	odd->gone = (enum fake_gone)history_chance(history, 4);
	odd->late_expunge = one_in(history, 3);
	odd->early_expunge = one_in(history, 3);
	/* Who has mod-sequences has UIDNEXT; else a look takes two runs. */
	odd->no_uidnext = one_in(history, 4) &&
			  !imap_caps_has(&history->world.server->caps,
				  IMAP_CAP_CONDSTORE);
	odd->no_permanent = one_in(history, 6);
	odd->shuffles = one_in(history, 3);
	odd->uid_last = one_in(history, 3);
	odd->hides_appended = one_in(history, 3);
	odd->append_forgets =
		one_in(history, 3) ? history_chance(history, 256) : 0;
	odd->shows_recent = one_in(history, 3);
	odd->talkative = one_in(history, 3);
	odd->asks_caps = one_in(history, 3);
}

static void choose_rest(struct history *history)
{
	struct world *world = &history->world;

	world->net.piece_max =
		one_in(history, 2) ? 0 : 1 + history_chance(history, 99);
	world->net.pieces_vary = one_in(history, 2);
	if (one_in(history, 20))
		world->net.piece_max = 1;
	if (one_in(history, 3))
		world->net.streams_max = 1 + history_chance(history, 2);
	world->account.connections = 1 + history_chance(history, 4);
	world->account.layout =
		one_in(history, 3) ? LAYOUT_MAILDIRPP : LAYOUT_NESTED;
	world->account.retain_s = one_in(history, 4) ? 0 : 30UL * 24 * 3600;
	if (one_in(history, 2))
		fake_fs_set_grain(world->fs, 3999971);
}

void history_init(struct history *history, uint64_t seed)
{
	memset(history, 0, sizeof(*history));
	world_init(&history->world, seed);
	/* Nearby seeds give nearby first numbers. */
	for (int i = 0; i < 4; i++)
		(void)history_chance(history, 2);
	choose_caps(history);
	choose_modseq(history);
	choose_oddities(history);
	choose_rest(history);
	/* Who is next door gets by with one connection. */
	history->world.net.round_trip_ns =
		(int64_t)(seed % DISTANCES) * DISTANCE_NS;
	history->world.options.allow_deletes = true;
}

void history_clear(struct history *history)
{
	world_clear(&history->world);
}

/* ---- What both sides can do ---------------------------------------------- */

static unsigned number_of(struct str body)
{
	static const struct str mark = {"Subject: message ", 17};
	unsigned number = 0;

	for (size_t i = 0; i + mark.len < body.len; i++) {
		if (!str_eq(str_sub(body, i, mark.len), mark))
			continue;
		for (i += mark.len; i < body.len && body.ptr[i] >= '0' &&
				    body.ptr[i] <= '9';
			i++)
			number = number * 10 + (unsigned)(body.ptr[i] - '0');
		return number;
	}
	return 0;
}

/* A message has its date wherever it is; so twins can be taken for another. */
static struct imap_date date_of(unsigned number)
{
	return (struct imap_date){1500000000 + (int64_t)number * 100003,
		(int)number % 24 * 60 - 720};
}

static unsigned some_flags(struct history *history)
{
	unsigned flags = history_chance(history, 1 << HISTORY_FLAGS);

	flags &= history_chance(history, 1 << HISTORY_FLAGS);

	/* \Deleted would say what the tests of `expunge:` are about. */
	return one_in(history, 3) ? 0 : flags & ~(unsigned)POOL_DELETED;
}

static void note_added(struct history *history, unsigned mailbox,
	unsigned number, enum census_side side)
{
	unsigned *added = history->added[mailbox][number];

	added[side]++;
	if (added[side] > 1)
		history->loose[mailbox][number] = true;
}

/* ---- The disk ------------------------------------------------------------ */

/* The letter of a flag in a folder, which is given one if need be. */
static char letter_of(struct history *history, unsigned mailbox, unsigned flag)
{
	const char *name = history_mailbox(history, mailbox);
	struct world *world = &history->world;
	struct world_letters letters;
	struct buf path = {0};
	struct buf text = {0};
	unsigned at = 0;

	if (flag < POOL_LETTERED)
		return pool_letters[flag];
	world_letters(world, name, &letters);
	for (at = 0; letters.names[at][0] != '\0'; at++) {
		if (str_ieq(str_of(letters.names[at]), str_of(pool[flag])))
			return (char)('a' + at);
	}
	world_path(world, name, "dovecot-keywords", &path);
	(void)fake_fs_read(world->fs, buf_z(&path), &text);
	buf_addf(&text, "%u %s\n", at, pool[flag]);
	if (fake_fs_exists(world->fs, buf_z(&path)))
		fake_fs_remove(world->fs, buf_z(&path));
	fake_fs_put(world->fs, buf_z(&path), buf_str(&text),
		world->clock.port.wall_ns(world->clock.port.ctx));
	buf_clear(&text);
	buf_clear(&path);
	return (char)('a' + at);
}

/* The letters of flags, in the order of Maildir. */
static void write_letters(struct history *history, unsigned mailbox,
	unsigned flags, struct buf *out)
{
	bool marked[128] = {false};

	for (unsigned i = 0; i < HISTORY_FLAGS; i++) {
		if ((flags >> i & 1) != 0)
			marked[(int)letter_of(history, mailbox, i)] = true;
	}
	for (int c = 0; c < 128; c++) {
		if (marked[c])
			buf_addc(out, (char)c);
	}
}

static void disk_add(struct history *history, unsigned mailbox, unsigned number)
{
	struct buf body = {0};
	struct buf file = {0};
	unsigned flags = some_flags(history);

	if (flags == 0 && one_in(history, 2)) {
		buf_addf(&file, "new/%u.mail", history->next_file++);
	} else {
		world_mkdir(&history->world, history_mailbox(history, mailbox));
		buf_addf(&file, "cur/%u.mail:2,", history->next_file++);
		write_letters(history, mailbox, flags, &file);
	}
	world_message(&body, number);
	world_put(&history->world, history_mailbox(history, mailbox),
		buf_z(&file), buf_str(&body), date_of(number).utc_seconds);
	note_added(history, mailbox, number, CENSUS_DISK);
	buf_clear(&body);
	buf_clear(&file);
}

static unsigned file_number(
	struct history *history, const struct world_file *file)
{
	struct buf body = {0};
	unsigned number;

	(void)fake_fs_read(history->world.fs, file->path, &body);
	number = number_of(buf_str(&body));
	buf_clear(&body);
	return number;
}

/* Some file of the mailbox; false: there is none. */
static bool some_file(
	struct history *history, unsigned mailbox, struct world_file *file_r)
{
	struct world_files files;

	world_files(&history->world, history_mailbox(history, mailbox), &files);
	if (files.count > 0)
		*file_r = files.items[history_chance(
			history, (unsigned)files.count)];
	free(files.items);
	return files.count > 0;
}

static void disk_reflag(struct history *history, unsigned mailbox, bool later)
{
	struct world_file file;
	struct buf below = {0};
	struct buf path = {0};

	if (!some_file(history, mailbox, &file))
		return;
	buf_addf(&below, "cur/%s:2,", file.unique);
	write_letters(history, mailbox, some_flags(history), &below);
	world_path(&history->world, history_mailbox(history, mailbox),
		buf_z(&below), &path);
	if (later)
		fake_fs_plan(history->world.fs,
			history_chance(history, CALLS_AHEAD), file.path,
			buf_z(&path));
	else if (strcmp(file.path, buf_z(&path)) != 0)
		fake_fs_rename(history->world.fs, file.path, buf_z(&path));
	buf_clear(&below);
	buf_clear(&path);
}

static void disk_remove(struct history *history, unsigned mailbox, bool later)
{
	struct world_file file;

	if (!some_file(history, mailbox, &file))
		return;
	history->removed[mailbox][file_number(history, &file)] = true;
	if (later)
		fake_fs_plan(history->world.fs,
			history_chance(history, CALLS_AHEAD), file.path, NULL);
	else
		fake_fs_remove(history->world.fs, file.path);
}

/* Whether a folder has a file of that name, whatever its letters. */
static bool has_file(
	struct history *history, unsigned mailbox, const char *unique)
{
	struct world_files files;
	bool has = false;

	world_files(&history->world, history_mailbox(history, mailbox), &files);
	for (size_t i = 0; i < files.count; i++)
		has = has || strcmp(files.items[i].unique, unique) == 0;
	free(files.items);
	return has;
}

/* A mail reader moves a message to another folder. */
static void disk_move(struct history *history, unsigned mailbox, unsigned to)
{
	struct world_file file;
	struct buf below = {0};
	struct buf path = {0};
	unsigned number;

	if (to == mailbox || !some_file(history, mailbox, &file) ||
		!world_has_folder(
			&history->world, history_mailbox(history, to)) ||
		has_file(history, to, file.unique))
		return;
	number = file_number(history, &file);
	history->removed[mailbox][number] = true;
	note_added(history, to, number, CENSUS_DISK);
	/* Letters of keywords mean something else in another folder. */
	buf_addf(&below, "cur/%s:2,%s", file.unique,
		strpbrk(file.letters, "S") != NULL ? "S" : "");
	world_path(&history->world, history_mailbox(history, to), buf_z(&below),
		&path);
	fake_fs_rename(history->world.fs, file.path, buf_z(&path));
	buf_clear(&below);
	buf_clear(&path);
}

/* A mail reader copies one. */
static void disk_copy(struct history *history, unsigned mailbox, unsigned to)
{
	struct world_file file;
	struct buf body = {0};
	struct buf below = {0};
	unsigned number;

	if (to == mailbox || !some_file(history, mailbox, &file) ||
		!world_has_folder(
			&history->world, history_mailbox(history, to)))
		return;
	number = file_number(history, &file);
	note_added(history, to, number, CENSUS_DISK);
	buf_addf(&below, "cur/%u.copy:2,%s", history->next_file++,
		strpbrk(file.letters, "F") != NULL ? "F" : "");
	world_message(&body, number);
	world_put(&history->world, history_mailbox(history, to), buf_z(&below),
		buf_str(&body), date_of(number).utc_seconds);
	buf_clear(&body);
	buf_clear(&below);
}

static void disk_act(struct history *history, unsigned mailbox, bool later)
{
	const char *name = history_mailbox(history, mailbox);

	if (!world_has_folder(&history->world, name)) {
		if (fake_server_find(history->world.server, name) == NULL &&
			one_in(history, 4))
			world_mkdir(&history->world, name);
		return;
	}
	switch (history_chance(history, 8)) {
	case 0:
	case 1:
	case 2:
		if (history->last_number + 1 < HISTORY_MESSAGES && !later)
			disk_add(history, mailbox, ++history->last_number);
		break;
	case 3:
	case 4:
	case 5:
		disk_reflag(history, mailbox, later);
		break;
	case 6:
		disk_remove(history, mailbox, later);
		break;
	default:
		if (!later && one_in(history, 3))
			disk_copy(history, mailbox,
				history_chance(history, HISTORY_MAILBOXES));
		else if (!later)
			disk_move(history, mailbox,
				history_chance(history, HISTORY_MAILBOXES));
		break;
	}
}

/* ---- The server ---------------------------------------------------------- */

static uint64_t server_bits(struct fake_mailbox *box, unsigned flags)
{
	uint64_t bits = flags & FAKE_SYSTEM;

	for (unsigned i = FAKE_KEYWORD; i < HISTORY_FLAGS; i++) {
		if ((flags >> i & 1) != 0)
			bits |= fake_mailbox_keyword(box, str_of(pool[i]));
	}
	return bits;
}

/* Now, or while a sync runs. */
static void server_do(
	struct history *history, const struct fake_action *action, bool later)
{
	if (later)
		fake_server_plan(history->world.server,
			1 + history_chance(history, 40), action);
	else
		fake_server_act(history->world.server, action);
}

static void server_add(
	struct history *history, unsigned mailbox, unsigned number, bool later)
{
	struct fake_mailbox *box = fake_server_find(
		history->world.server, history_mailbox(history, mailbox));
	struct buf body = {0};
	struct fake_action action = {
		.act = FAKE_APPENDS,
		.mailbox = box->name,
		.flags = server_bits(box, some_flags(history)),
		.date = date_of(number),
	};

	world_message(&body, number);
	action.body = buf_str(&body);
	server_do(history, &action, later);
	note_added(history, mailbox, number, CENSUS_SERVER);
	buf_clear(&body);
}

static void server_expunge(
	struct history *history, unsigned mailbox, bool later)
{
	struct fake_mailbox *box = fake_server_find(
		history->world.server, history_mailbox(history, mailbox));
	struct fake_action action = {
		.act = FAKE_EXPUNGES, .mailbox = box->name};

	if (box->count == 0)
		return;
	action.message = history_chance(history, (unsigned)box->count);
	if (later) {
		/* Which one it will be is not known now. */
		for (unsigned i = 0; i < HISTORY_MESSAGES; i++)
			history->removed[mailbox][i] = true;
	} else {
		history->removed[mailbox][number_of(
			buf_str(&box->messages[action.message].body))] = true;
	}
	server_do(history, &action, later);
}

static void server_reflag(struct history *history, unsigned mailbox, bool later)
{
	struct fake_mailbox *box = fake_server_find(
		history->world.server, history_mailbox(history, mailbox));
	const struct fake_action action = {
		.act = FAKE_TOGGLES,
		.mailbox = box->name,
		.message = history_chance(history, 1000),
		.flags = server_bits(box, some_flags(history)),
	};

	server_do(history, &action, later);
}

static void server_renumber(
	struct history *history, unsigned mailbox, bool later)
{
	const struct fake_action action = {
		.act = FAKE_RENUMBERS,
		.mailbox = history_mailbox(history, mailbox),
	};

	history->renumbered[mailbox] = true;
	server_do(history, &action, later);
}

/* Another client moves or copies a message. */
static void server_carry(
	struct history *history, unsigned mailbox, unsigned to, bool moves)
{
	struct fake_server *server = history->world.server;
	struct fake_mailbox *box =
		fake_server_find(server, history_mailbox(history, mailbox));
	struct fake_action action = {
		.act = moves ? FAKE_MOVES : FAKE_COPIES,
		.mailbox = box->name,
		.to = history_mailbox(history, to),
	};
	unsigned number;

	if (to == mailbox || box->count == 0 ||
		fake_server_find(server, action.to) == NULL)
		return;
	action.message = history_chance(history, (unsigned)box->count);
	/* What is only marked is gone, for the oracle, wherever it is. */
	if ((box->messages[action.message].flags & FAKE_DELETED) != 0)
		return;
	number = number_of(buf_str(&box->messages[action.message].body));
	if (moves)
		history->removed[mailbox][number] = true;
	note_added(history, to, number, CENSUS_SERVER);
	fake_server_act(server, &action);
}

static void server_act(struct history *history, unsigned mailbox, bool later)
{
	const char *name = history_mailbox(history, mailbox);

	if (fake_server_find(history->world.server, name) == NULL) {
		if (!world_has_folder(&history->world, name) &&
			one_in(history, 4))
			fake_server_create(history->world.server, name, 0);
		return;
	}
	switch (history_chance(history, 8)) {
	case 0:
	case 1:
	case 2:
		if (history->last_number + 1 < HISTORY_MESSAGES)
			server_add(history, mailbox, ++history->last_number,
				later);
		break;
	case 3:
	case 4:
	case 5:
		server_reflag(history, mailbox, later);
		break;
	case 6:
		server_expunge(history, mailbox, later);
		break;
	default:
		if (one_in(history, 8))
			server_renumber(history, mailbox, later);
		else if (!later)
			server_carry(history, mailbox,
				history_chance(history, HISTORY_MAILBOXES),
				!one_in(history, 3));
		break;
	}
}

/* The same message arrives on both sides, or once more. */
static void both_add(struct history *history, unsigned mailbox)
{
	const char *name = history_mailbox(history, mailbox);
	unsigned number = history->last_number;

	if (number == 0 || one_in(history, 2))
		number = ++history->last_number;
	if (number >= HISTORY_MESSAGES ||
		fake_server_find(history->world.server, name) == NULL ||
		!world_has_folder(&history->world, name))
		return;
	disk_add(history, mailbox, number);
	server_add(history, mailbox, number, false);
}

void history_act(struct history *history)
{
	unsigned mailbox = history_chance(history, HISTORY_MAILBOXES);

	fake_clock_pass(&history->world.clock,
		(int64_t)history_chance(history, 100000) * 1000000);
	if (one_in(history, 60)) {
		fake_store_wipe(history->world.store);
		history->journal_lost = true;
	} else if (one_in(history, 12)) {
		both_add(history, mailbox);
	} else if (one_in(history, 2)) {
		disk_act(history, mailbox, false);
	} else {
		server_act(history, mailbox, false);
	}
	fake_fs_settle(history->world.fs);
}

/* ---- Disturbances -------------------------------------------------------- */

void history_disturb(struct history *history)
{
	struct world *world = &history->world;
	unsigned mailbox = history_chance(history, HISTORY_MAILBOXES);
	struct fake_action disconnect = {.act = FAKE_DISCONNECTS};

	history->disturbed = true;
	switch (history_chance(history, 11)) {
	case 0:
	case 1:
		server_act(history, mailbox, true);
		server_act(history, mailbox, true);
		break;
	case 2:
	case 3:
		disk_act(history, mailbox, true);
		disk_act(history, mailbox, true);
		break;
	case 4:
		world->server->cut_at = world->server->responses + 1 +
					history_chance(history, 60);
		world->server->cut_half = one_in(history, 2);
		break;
	case 5:
		world->fate.die_at =
			world->fate.steps + 1 + history_chance(history, 60);
		world->server->death =
			(enum fake_death)history_chance(history, 3);
		break;
	case 6:
		world->fate.fail_at =
			world->fate.calls + 1 + history_chance(history, 400);
		break;
	case 7:
		fake_fs_set_room(world->fs, history_chance(history, 4000));
		break;
	case 8:
		/* Who is asked for changes alone is believed in what it
		 * does tell. */
		if (imap_caps_has(&world->server->caps, IMAP_CAP_CONDSTORE))
			break;
		world->server->odd.exists_lies = 1 + history_chance(history, 3);
		world->server->odd.listing_gaps =
			1 + history_chance(history, 3);
		world->server->odd.header_gaps = history_chance(history, 4);
		world->server->odd.append_drops = history_chance(history, 3);
		break;
	case 9:
		/* Two lies that add up to EXISTS are told from no truth. */
		world->server->odd.blind_expunge = history_chance(history, 3);
		if (one_in(history, 2))
			world->server->odd.vanished_gaps = 2;
		else
			world->server->odd.vanished_all = 2;
		world->server->odd.status_gaps = history_chance(history, 3);
		break;
	default:
		fake_server_plan(world->server, 1 + history_chance(history, 30),
			&disconnect);
		break;
	}
}

/* What was planned to happen by now has. */
static void run_plans(struct world *world)
{
	const struct fs_port *fs = &world->ports.fs;

	for (int i = 0; i < CALLS_AHEAD; i++) {
		struct fs_dir *dir = NULL;
		struct err err;

		check(fs->root_open(fs->ctx, WORLD_MAILDIR, false, &dir,
			      &err) == FS_OK);
		fs->dir_close(&dir);
	}
	fake_server_run_plans(world->server);
}

void history_calm(struct history *history)
{
	struct world *world = &history->world;

	if (world->is_dead && one_in(history, 2))
		world_kill(world);
	else if (world->is_dead)
		world_crash(world, history_chance(history, 1000000));
	world->fate.die_at = 0;
	world->fate.fail_at = 0;
	world->server->cut_at = 0;
	world->server->odd.exists_lies = 0;
	world->server->odd.listing_gaps = 0;
	world->server->odd.header_gaps = 0;
	world->server->odd.append_drops = 0;
	world->server->odd.blind_expunge = 0;
	world->server->odd.vanished_gaps = 0;
	world->server->odd.vanished_all = 0;
	world->server->odd.status_gaps = 0;
	fake_fs_set_room(world->fs, UINT64_MAX);
	run_plans(world);
	fake_fs_settle(world->fs);
	fake_clock_pass(&world->clock, INT64_C(8) * 24 * 3600 * 1000000000);
}

/* ---- The census ---------------------------------------------------------- */

static unsigned pool_bit(struct str name)
{
	for (unsigned i = 0; i < HISTORY_FLAGS; i++) {
		if (str_ieq(name, str_of(pool[i])))
			return 1U << i;
	}
	return 0;
}

static void census_disk(
	struct history *history, unsigned mailbox, struct census *census)
{
	const char *name = history_mailbox(history, mailbox);
	struct world_letters letters;
	struct world_files files;

	world_letters(&history->world, name, &letters);
	world_files(&history->world, name, &files);
	for (size_t i = 0; i < files.count; i++) {
		unsigned number = file_number(history, &files.items[i]);
		struct census_entry *entry = &census->at[mailbox][number];

		entry->count[CENSUS_DISK]++;
		entry->flags[CENSUS_DISK] = 0;
		for (const char *c = files.items[i].letters; *c != '\0'; c++) {
			const char *at = strchr(pool_letters, *c);

			entry->flags[CENSUS_DISK] |=
				at != NULL ? 1U << (at - pool_letters)
					   : pool_bit(str_of(
						     letters.names[*c - 'a']));
		}
	}
	free(files.items);
}

/* Without UID EXPUNGE, \Deleted is as gone as it gets. */
static bool is_as_gone(
	const struct history *history, const struct fake_message *message)
{
	return history->world.keeps_deleted &&
	       (message->flags & FAKE_DELETED) != 0;
}

/* Those that are as gone, or those that are not; of the former only as many as
 * the disk has more. */
static void census_messages(struct history *history, unsigned mailbox,
	bool gone, struct census *census)
{
	const struct fake_mailbox *box = fake_server_find(
		history->world.server, history_mailbox(history, mailbox));

	for (size_t i = 0; box != NULL && i < box->count; i++) {
		const struct fake_message *message = &box->messages[i];
		struct census_entry *entry = &census->at[mailbox][number_of(
			buf_str(&message->body))];

		if (is_as_gone(history, message) != gone ||
			(gone && entry->count[CENSUS_DISK] <=
					 entry->count[CENSUS_SERVER]))
			continue;
		entry->count[CENSUS_SERVER]++;
		entry->is_vague = gone;
		entry->flags[CENSUS_SERVER] = message->flags & FAKE_SYSTEM;
		for (unsigned k = 0; k < box->keyword_count; k++) {
			if ((message->flags >> (FAKE_KEYWORD + k) & 1) != 0)
				entry->flags[CENSUS_SERVER] |=
					pool_bit(str_of(box->keywords[k]));
		}
	}
}

static void census_server(
	struct history *history, unsigned mailbox, struct census *census)
{
	census_messages(history, mailbox, false, census);
	census_messages(history, mailbox, true, census);
}

void history_census(struct history *history, struct census *census)
{
	memset(census, 0, sizeof(*census));
	for (unsigned i = 0; i < HISTORY_MAILBOXES; i++) {
		census_disk(history, i, census);
		census_server(history, i, census);
	}
}

/* ---- The oracle ---------------------------------------------------------- */

static unsigned larger(unsigned a, unsigned b)
{
	return a > b ? a : b;
}

/* A message's number in a mailbox. */
struct place {
	unsigned mailbox;
	unsigned number;
};

/* Whether the journal proves what was in step. */
static bool is_proven(const struct history *history, struct place place)
{
	return !history->journal_lost && !history->renumbered[place.mailbox];
}

/* How many there must be. */
static unsigned foretell_count(const struct history *history,
	struct place place, const struct census_entry *before)
{
	const struct census_entry *base =
		&history->in_step.at[place.mailbox][place.number];

	if (is_proven(history, place) && base->count[0] > 0 &&
		(before->count[0] == 0 || before->count[1] == 0))
		return 0;
	return larger(before->count[0], before->count[1]);
}

/* The flags after a calm sync of a message that both sides had. */
static unsigned foretell_flags(
	const struct census_entry *base, const struct census_entry *before)
{
	return base->flags[0] ^ ((base->flags[0] ^ before->flags[0]) |
					(base->flags[0] ^ before->flags[1]));
}

static bool count_foretold(struct history *history, struct place place,
	const struct census_entry *before, const struct census_entry *after,
	struct buf *why)
{
	const struct census_entry *base =
		&history->in_step.at[place.mailbox][place.number];
	unsigned foretold = foretell_count(history, place, before);

	if (after->count[1] == foretold)
		return true;
	buf_addf(why,
		"%s: message %u: was %u on disk, %u on the server, in step %u; "
		"now %u\n",
		history_mailbox(history, place.mailbox), place.number,
		before->count[0], before->count[1], base->count[0],
		after->count[1]);
	return false;
}

static bool flags_foretold(struct history *history, struct place place,
	const struct census_entry *before, const struct census_entry *after,
	struct buf *why)
{
	const struct census_entry *base =
		&history->in_step.at[place.mailbox][place.number];

	if (!is_proven(history, place) || base->count[0] != 1 ||
		before->count[0] != 1 || before->count[1] != 1 ||
		after->flags[1] == foretell_flags(base, before))
		return true;
	buf_addf(why,
		"%s: message %u: flags %x on disk, %x on the server, in step "
		"%x; now %x\n",
		history_mailbox(history, place.mailbox), place.number,
		before->flags[0], before->flags[1], base->flags[0],
		after->flags[1]);
	return false;
}

/* What holds in any case: nothing is lost, nothing doubled. */
static bool entry_bounded(struct history *history, struct place place,
	const struct census_entry *after, struct buf *why)
{
	const unsigned *added = history->added[place.mailbox][place.number];
	unsigned count = after->count[1];
	bool lost = count == 0 && added[0] + added[1] > 0 &&
		    !history->removed[place.mailbox][place.number];
	bool doubled = count > larger(added[0], added[1]) &&
		       !history->loose[place.mailbox][place.number];

	if (lost || doubled)
		buf_addf(why, "%s: message %u is %s (%u)\n",
			history_mailbox(history, place.mailbox), place.number,
			lost ? "lost" : "doubled", count);
	return !lost && !doubled;
}

/* Whether users moved it to different mailboxes on both sides, of which this is
 * the one that loses: "the server's place wins". Where it came from, another of
 * its copies may have come meanwhile, on disk. */
static bool is_parted(const struct history *history, struct place place,
	const struct census *before)
{
	unsigned number = place.number;
	unsigned copies = 0;
	bool gone = false;
	bool elsewhere = false;

	for (unsigned i = 0; i < HISTORY_MAILBOXES; i++)
		copies += history->in_step.at[i][number].count[0];
	for (unsigned i = 0; i < HISTORY_MAILBOXES; i++) {
		const unsigned *count = before->at[i][number].count;
		unsigned were = history->in_step.at[i][number].count[0];

		gone = gone ||
		       (were > 0 && count[CENSUS_SERVER] == 0 &&
			       (count[CENSUS_DISK] == 0 || copies > were));
		elsewhere = elsewhere ||
			    (i != place.mailbox && count[CENSUS_SERVER] > were);
	}
	return gone && elsewhere &&
	       history->in_step.at[place.mailbox][number].count[0] == 0 &&
	       before->at[place.mailbox][number].count[CENSUS_SERVER] == 0;
}

/* Whether it is somewhere at least. */
static bool is_anywhere(const struct census *after, unsigned number)
{
	for (unsigned i = 0; i < HISTORY_MAILBOXES; i++) {
		if (after->at[i][number].count[CENSUS_SERVER] > 0)
			return true;
	}
	return false;
}

static bool entry_foretold(struct history *history, struct place place,
	const struct census *before, const struct census *after,
	struct buf *why)
{
	const struct census_entry *was =
		&before->at[place.mailbox][place.number];
	const struct census_entry *is = &after->at[place.mailbox][place.number];

	if (is_parted(history, place, before) &&
		is_anywhere(after, place.number))
		return true;
	if (!entry_bounded(history, place, is, why))
		return false;
	return history->disturbed || was->is_vague ||
	       history->loose[place.mailbox][place.number] ||
	       (count_foretold(history, place, was, is, why) &&
		       flags_foretold(history, place, was, is, why));
}

bool history_foretold(struct history *history, const struct census *before,
	const struct census *after, struct buf *why)
{
	size_t len = why->len;

	for (unsigned i = 0; i < HISTORY_MAILBOXES; i++) {
		/* What only bears \Deleted there comes back: kept, not lost. */
		if (history->world.keeps_deleted &&
			(history->journal_lost || history->renumbered[i]))
			continue;
		for (unsigned k = 0; k < HISTORY_MESSAGES; k++)
			(void)entry_foretold(history, (struct place){i, k},
				before, after, why);
	}
	return why->len == len;
}

void history_settle(struct history *history, const struct census *now)
{
	history->in_step = *now;
	history->journal_lost = false;
	history->disturbed = false;
	memset(history->renumbered, 0, sizeof(history->renumbered));
	for (unsigned i = 0; i < HISTORY_MAILBOXES; i++) {
		for (unsigned k = 0; k < HISTORY_MESSAGES; k++) {
			unsigned count = now->at[i][k].count[1];

			history->removed[i][k] = false;
			history->loose[i][k] = count > 1;
			history->added[i][k][0] = count;
			history->added[i][k][1] = count;
		}
	}
}
