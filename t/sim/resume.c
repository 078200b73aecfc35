/*
 * resume: large bodies that are cut off. What has come of them is not fetched
 * again, whatever ended the download; and whatever a server gives for the rest,
 * what is stored is the message.
 */
#include "godwit/base/limits.h"
#include "tap.h"
#include "world.h"

#include <stdlib.h>
#include <string.h>

enum {
	BODY_BYTES = LIMIT_RESUME_BYTES + (700 << 10),
	SLACK_BYTES = 8 << 10, /* of all that is said beside bodies */
};

/* What the message is like. */
enum form {
	FORM_LF,
	FORM_RAW,      /* with a bare LF in its header */
	FORM_RAW_LATE, /* with one near the end */
	FORMS,
};

static const char *const form_names[] = {
	"a large body", "one with bare LFs", "one with a late bare LF"};

static struct fake_mailbox *inbox(const struct world *world)
{
	return fake_server_find(world->server, "INBOX");
}

/* Written once, as that takes longer than a sync. */
static struct buf large_texts[FORMS];

static void write_large(struct buf *text, enum form form)
{
	world_message(text, 1);
	if (form == FORM_RAW)
		buf_addz(text, "A line\nand another\r\n");
	for (int i = 0; text->len < BODY_BYTES; i++) {
		buf_addf(text, "Line %d of a large message, %x.\r\n", i,
			(unsigned)i * 2654435761U);
		if (form == FORM_RAW_LATE && i == 110000)
			buf_addz(text, "Bare\nLF\r\n");
	}
}

static struct fake_message *begin(struct world *world, enum form form)
{
	world_init(world, 1);
	world_offer(world, "UIDPLUS");
	world->account.connections = 1;
	return fake_mailbox_append(
		inbox(world), buf_str(&large_texts[form]), 0, world_day);
}

static bool tmp_is_empty(struct world *world)
{
	struct buf lines = {0};
	bool is_empty;

	fake_fs_dump(world->fs, WORLD_MAILDIR "/INBOX/tmp", &lines);
	is_empty = strstr(buf_z(&lines), "godwit-") == NULL;
	buf_clear(&lines);
	return is_empty;
}

/* Both sides are equal, and nothing is left over. */
static bool is_well(struct world *world, struct buf *why)
{
	if (!world_in_step(world, why) || !world_journal_ok(world, why))
		return false;
	if (world->server->complaints.len > 0)
		buf_add(why, buf_str(&world->server->complaints));
	else if (!tmp_is_empty(world))
		buf_addz(why, "something is left in tmp/");
	else if (fake_fs_handles(world->fs) > 0)
		buf_addz(why, "something is left open");
	else
		return true;
	return false;
}

/* A sync ends well, having brought at most so many bytes; else says why. */
static bool syncs(struct world *world, uint64_t bytes_max, struct buf *why)
{
	int status = world_sync(world);

	if (status != 0)
		buf_addf(why, "status %d", status);
	else if (world->traffic.bytes_out > bytes_max)
		buf_addf(why, "%llu bytes came",
			(unsigned long long)world->traffic.bytes_out);
	else
		return is_well(world, why);
	return false;
}

static void is_good(struct world *world, struct buf *why, const char *sentence)
{
	if (!ok(why->len == 0, "%s", sentence)) {
		tap_note("%s", buf_z(why));
		world_tell(world);
	}
	buf_clear(why);
}

/* The connection is cut after every so many bytes. */
static void test_cut_anywhere(void)
{
	const size_t step = BODY_BYTES / tap_rounds(3, 12, 200) + 13;

	for (int form = 0; form < FORMS; form++) {
		struct buf why = {0};
		struct world world;
		size_t at;

		for (at = 1500; at < BODY_BYTES && why.len == 0; at += step) {
			struct fake_message *message =
				begin(&world, (enum form)form);

			message->cuts = 1;
			message->cut_bytes = at;
			if (!syncs(&world, BODY_BYTES + SLACK_BYTES, &why))
				buf_addf(&why, "; cut after %zu bytes", at);
			if (why.len == 0)
				world_clear(&world);
		}
		if (!ok(why.len == 0,
			    "wherever %s is cut off, the rest alone is fetched",
			    form_names[form])) {
			tap_note("%s", buf_z(&why));
			world_tell(&world);
			world_clear(&world);
		}
		buf_clear(&why);
	}
}

static void test_cut_often(void)
{
	struct fake_message *message;
	struct buf why = {0};
	struct world world;

	message = begin(&world, FORM_LF);
	message->cuts = FAKE_FOR_EVER;
	message->cut_bytes = 500 << 10;
	(void)syncs(&world, BODY_BYTES + 12 * SLACK_BYTES, &why);
	is_good(&world, &why,
		"a body that comes in ten pieces is carried to its end");
	world_clear(&world);
}

/* The end of the machine at every step of a download, and then another run. */
static void dies_everywhere(bool crash, const char *sentence)
{
	struct buf why = {0};
	bool was_thrifty = false;
	uint64_t steps = 1;
	struct world world;

	for (uint64_t k = 1; k <= steps && why.len == 0;
		k += tap_rounds(7, 5, 1)) {
		(void)begin(&world, k % 2 == 0 ? FORM_RAW_LATE : FORM_LF);
		world.fate.die_at = k;
		(void)world_sync(&world);
		steps = world.is_dead ? UINT64_MAX : 0;
		if (world.is_dead && crash)
			world_crash(&world, k);
		else if (world.is_dead)
			world_kill(&world);
		if (!syncs(&world, BODY_BYTES + SLACK_BYTES, &why))
			buf_addf(&why, "; death at step %u", (unsigned)k);
		was_thrifty = was_thrifty ||
			      (steps > 0 && world.traffic.bytes_out > 2000 &&
				      world.traffic.bytes_out <
					      BODY_BYTES - (3 << 20));
		if (why.len == 0)
			world_clear(&world);
	}
	if (!ok(why.len == 0, "%s", sentence)) {
		tap_note("%s", buf_z(&why));
		world_tell(&world);
		world_clear(&world);
	}
	ok(was_thrifty, "... and may go on with what was durable");
	buf_clear(&why);
}

static void test_lie(enum fake_rest lie, bool uid_last, const char *given)
{
	struct fake_message *message;
	struct buf why = {0};
	struct world world;

	message = begin(&world, FORM_LF);
	message->cuts = 1;
	message->cut_bytes = 2 << 20;
	world.server->odd.rest = lie;
	world.server->odd.uid_last = uid_last;
	(void)syncs(&world, UINT64_MAX, &why);
	if (!ok(why.len == 0,
		    "where a server gives %s for the rest%s, the whole is "
		    "fetched",
		    given, uid_last ? " (and the UID last)" : "")) {
		tap_note("%s", buf_z(&why));
		world_tell(&world);
	}
	buf_clear(&why);
	world_clear(&world);
}

static void test_lies(void)
{
	static const char *const lies[] = {
		[FAKE_REST_RIGHT] = "right",
		[FAKE_REST_WHOLE] = "the whole",
		[FAKE_REST_FRONT] = "the front",
		[FAKE_REST_SHIFTED] = "another part",
		[FAKE_REST_SHORT] = "less than the rest",
		[FAKE_REST_RENAMED] = "another offset",
		[FAKE_REST_EMPTY] = "nothing",
		[FAKE_REST_NO] = "a NO",
		[FAKE_REST_BYE] = "a BYE",
	};

	for (int lie = 1; lie < FAKE_RESTS; lie++) {
		test_lie((enum fake_rest)lie, false, lies[lie]);
		if (lie % 3 == 0 || tap_rounds(0, 1, 1) != 0)
			test_lie((enum fake_rest)lie, true, lies[lie]);
	}
}

static void test_size_lies(void)
{
	static const int64_t lies[] = {-1, 1, -100000, 100000};

	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		struct fake_message *message;
		struct buf why = {0};
		struct world world;

		message = begin(&world, FORM_LF);
		message->cuts = 1;
		message->cut_bytes = 2 << 20;
		message->size_lie = lies[i];
		if (world_sync(&world) != 0)
			buf_addz(&why, "the sync fails");
		else
			(void)is_well(&world, &why);
		is_good(&world, &why,
			"a size that is wrong makes no other message of two "
			"parts");
		world_clear(&world);
	}
}

/* A world whose last run has left a part: there is an end to its patience. */
static void begin_part(struct world *world)
{
	struct fake_message *message = begin(world, FORM_LF);

	message->cuts = FAKE_FOR_EVER;
	message->cut_bytes = 200 << 10;
	(void)world_sync(world);
	message->cuts = 0;
	ok(!tmp_is_empty(world), "a part is left");
}

static void test_next_run(void)
{
	struct buf why = {0};
	struct world world;

	begin_part(&world);
	(void)syncs(&world, BODY_BYTES - (2 << 20), &why);
	is_good(&world, &why, "what one run got of a body, the next one keeps");
	world_clear(&world);
}

static void test_not_wanted(void)
{
	struct buf why = {0};
	struct world world;

	begin_part(&world);
	fake_server_renumber(world.server, inbox(&world));
	(void)syncs(&world, UINT64_MAX, &why);
	is_good(&world, &why,
		"a part of another UIDVALIDITY is no part of the message");
	world_clear(&world);

	begin_part(&world);
	fake_mailbox_expunge(inbox(&world), inbox(&world)->messages[0].uid);
	(void)world_give(&world, "INBOX", 2, 0);
	(void)syncs(&world, UINT64_MAX, &why);
	is_good(&world, &why, "that of a message that is gone is removed");
	world_clear(&world);
}

/* The connection is cut soon after something was made durable. */
static void test_cut_behind_save(void)
{
	const size_t end = LIMIT_RESUME_BYTES + (260 << 10);
	struct buf why = {0};

	for (size_t at = LIMIT_RESUME_BYTES; at < end && why.len == 0;
		at += tap_rounds(100, 20, 20) << 10) {
		struct world world;
		struct fake_message *message = begin(&world, FORM_LF);

		message->cuts = 1;
		message->cut_bytes = at;
		(void)syncs(&world, BODY_BYTES + 2 * SLACK_BYTES, &why);
		world_clear(&world);
	}
	ok(why.len == 0, "what was saved stays when little comes behind it: %s",
		buf_z(&why));
	buf_clear(&why);
}

int main(void)
{
	for (int form = 0; form < FORMS; form++)
		write_large(&large_texts[form], (enum form)form);
	test_cut_anywhere();
	test_cut_behind_save();
	test_cut_often();
	dies_everywhere(false,
		"killed at any step of a large download, the next run ends it");
	dies_everywhere(true, "so it does when the power fails");
	test_lies();
	test_size_lies();
	test_next_run();
	test_not_wanted();
	for (int form = 0; form < FORMS; form++)
		buf_clear(&large_texts[form]);
	return tap_done();
}
