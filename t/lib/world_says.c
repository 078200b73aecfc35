/* How: what a sync came to, as sentences of TAP; one that fails tells all. */
#include "tap.h"
#include "world.h"

#include <stdlib.h>
#include <string.h>

static void tell_lines(const char *what, struct str text)
{
	struct str line;

	while (text.len > 0 && str_split(&text, '\n', &line))
		tap_note("%s %.*s", what, STR_FMT(line));
}

void world_tell(struct world *world)
{
	tell_lines("report:", buf_str(&world->tale));
	tell_lines("complaint:", buf_str(&world->server->complaints));
	tell_lines("", buf_str(&world->wire));
}

bool world_told(const struct world *world, const char *part)
{
	struct str tale = buf_str(&world->tale);
	size_t len = strlen(part);

	for (size_t i = 0; i + len <= tale.len; i++) {
		if (memcmp(tale.ptr + i, part, len) == 0)
			return true;
	}
	return false;
}

void world_tells(struct world *world, const char *part, const char *sentence)
{
	if (!ok(world_told(world, part), "%s", sentence)) {
		tap_note("expected: %s", part);
		world_tell(world);
	}
}

void world_syncs(struct world *world, int status, const char *sentence)
{
	if (!is_int(world_sync(world), status, "%s", sentence))
		world_tell(world);
}

bool world_is_well(struct world *world, struct buf *why)
{
	return world_in_step(world, why) && world_journal_ok(world, why) &&
	       world->server->complaints.len == 0;
}

void world_ends_well(
	struct world *world, const char *kind, const char *sentence)
{
	struct buf why = {0};
	int status = world_sync(world);

	if (!ok(status == 0 && world_is_well(world, &why), "%s: %s", kind,
		    sentence)) {
		tap_note("status %d %s", status, buf_z(&why));
		world_tell(world);
	}
	buf_clear(&why);
}

void world_rests(struct world *world, const char *kind)
{
	int status = world_sync(world);

	if (!ok(status == 0 && world->steps == 0,
		    "%s: the next run changes nothing", kind))
		world_tell(world);
}

void world_comes_to_rest(struct world *world, const char *sentence)
{
	struct buf why = {0};
	int status = world_sync(world);
	bool is_ok = status == 0 && world_is_well(world, &why);

	if (is_ok) {
		status = world_sync(world);
		is_ok = status == 0 && world->steps == 0;
	}
	if (!ok(is_ok, "%s", sentence)) {
		tap_note("status %d, %llu changes, %s", status,
			(unsigned long long)world->steps, buf_z(&why));
		world_tell(world);
	}
	buf_clear(&why);
}
