/*
 * unsynced: what a mail reader did without fsync, godwit carried to the server,
 * and a power cut then undid in the Maildir. What comes back may come back; but
 * what is lost must not look as if the user had removed it.
 */
#include "tap.h"
#include "world.h"

#include <stdlib.h>
#include <string.h>

enum {
	SEEDS = 60, /* what of the names survives */
};

static const struct imap_date day = {1600000000, 120};

/* One thing that a mail reader does to a Maildir with message 1 in INBOX. */
struct deed {
	const char *sentence;
	void (*act)(struct world *world);
	bool (*holds)(struct world *world);
};

static struct fake_mailbox *box_of(struct world *world, const char *name)
{
	return fake_server_find(world->server, name);
}

static void append(struct world *world, unsigned number)
{
	struct buf text = {0};

	world_message(&text, number);
	fake_mailbox_append(box_of(world, "INBOX"), buf_str(&text), 0, day);
	buf_clear(&text);
}

/* Puts a message into a folder that has, or gets, cur/; with LFs, not synced.
 */
static void drop(struct world *world, const char *path, unsigned number)
{
	struct buf text = {0};
	struct buf file = {0};

	world_message(&text, number);
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] != '\r')
			buf_addc(&file, text.ptr[i]);
	}
	fake_fs_put(
		world->fs, path, buf_str(&file), day.utc_seconds * 1000000000);
	buf_clear(&text);
	buf_clear(&file);
}

/* How often the server has a message. */
static size_t count_of(struct world *world, unsigned number)
{
	struct buf text = {0};
	size_t count = 0;

	world_message(&text, number);
	for (size_t i = 0; i < world->server->count; i++) {
		const struct fake_mailbox *box = world->server->mailboxes[i];

		for (size_t k = 0; k < box->count; k++)
			count += str_eq(buf_str(&box->messages[k].body),
				buf_str(&text));
	}
	buf_clear(&text);
	return count;
}

/* Moves the only file of INBOX to `to`. */
static void move_first(struct world *world, const char *to)
{
	struct world_files list;

	world_files(world, "INBOX", &list);
	check(list.count == 1);
	fake_fs_rename(world->fs, list.items[0].path, to);
	free(list.items);
}

/* ---- Deeds --------------------------------------------------------------- */

static void save(struct world *world)
{
	drop(world, WORLD_MAILDIR "/INBOX/cur/2.here:2,", 2);
}

static bool is_saved(struct world *world)
{
	return count_of(world, 1) == 1 && count_of(world, 2) == 1;
}

static void save_in_new_folder(struct world *world)
{
	fake_fs_mkdir(world->fs, WORLD_MAILDIR "/B/c/cur");
	fake_fs_mkdir(world->fs, WORLD_MAILDIR "/B/c/new");
	fake_fs_mkdir(world->fs, WORLD_MAILDIR "/B/c/tmp");
	drop(world, WORLD_MAILDIR "/B/c/cur/2.here:2,", 2);
}

static void save_what_is_there(struct world *world)
{
	append(world, 2);
	save(world);
}

static void flag(struct world *world)
{
	struct world_files list;
	struct buf to = {0};

	world_files(world, "INBOX", &list);
	buf_addf(&to, WORLD_MAILDIR "/INBOX/cur/%s:2,F", list.items[0].unique);
	free(list.items);
	move_first(world, buf_z(&to));
	buf_clear(&to);
}

static bool is_flagged(struct world *world)
{
	return count_of(world, 1) == 1 &&
	       (box_of(world, "INBOX")->messages[0].flags & FAKE_FLAGGED) != 0;
}

static void move(struct world *world)
{
	move_first(world, WORLD_MAILDIR "/A/cur/1.moved:2,");
}

static bool is_moved(struct world *world)
{
	return count_of(world, 1) == 1 && box_of(world, "A")->count == 1;
}

static void replace(struct world *world)
{
	move_first(world, WORLD_MAILDIR "/gone");
	fake_fs_remove(world->fs, WORLD_MAILDIR "/gone");
	save(world);
}

static bool is_replaced(struct world *world)
{
	return count_of(world, 2) == 1;
}

/* ---- Trials -------------------------------------------------------------- */

static void begin(struct world *world)
{
	world_init(world, 1);
	imap_caps_set(&world->server->caps, IMAP_CAP_UIDPLUS);
	imap_caps_set(&world->server->caps, IMAP_CAP_LITERAL_PLUS);
	world->account.remove = ACCOUNT_SIDES_BOTH;
	append(world, 1);
	fake_server_create(world->server, "A", 0);
	check(world_sync(world) == 0);
	fake_fs_settle(world->fs);
}

static bool survives(const struct deed *deed, uint64_t seed)
{
	struct world world;
	struct buf why = {0};
	bool is_ok;

	begin(&world);
	deed->act(&world);
	is_ok = world_sync(&world) == 0;
	world_crash(&world, seed);
	is_ok = world_sync(&world) == 0 && is_ok && deed->holds(&world) &&
		world_in_step(&world, &why) && world_journal_ok(&world, &why) &&
		world.server->complaints.len == 0;
	if (!is_ok) {
		tap_note("%s: crash_seed %llu %s", deed->sentence,
			(unsigned long long)seed, buf_z(&why));
		world_tell(&world);
	}
	buf_clear(&why);
	world_clear(&world);
	return is_ok;
}

int main(void)
{
	static const struct deed deeds[] = {
		{"a message that was saved", save, is_saved},
		{"one that was saved in a new folder", save_in_new_folder,
			is_saved},
		{"one that the server had already", save_what_is_there,
			is_saved},
		{"a flag", flag, is_flagged},
		{"a move to another folder", move, is_moved},
		{"a message that took another's place", replace, is_replaced},
	};

	for (size_t i = 0; i < sizeof(deeds) / sizeof(deeds[0]); i++) {
		bool is_ok = true;

		for (uint64_t seed = 1; seed <= SEEDS && is_ok; seed++)
			is_ok = survives(&deeds[i], seed);
		ok(is_ok, "%s survives a power cut, once it was synced",
			deeds[i].sentence);
	}
	return tap_done();
}
