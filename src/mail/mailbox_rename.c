/*
 * How: the line whose name is the longest to be the mailbox's own or that of
 * one above it wins; what is below is put behind its other name.
 */
#include "godwit/mail/mailbox_rename.h"

/* Whether `name` is `top` or below it. */
static bool is_below(struct str name, struct str top)
{
	return str_starts(name, top) &&
	       (name.len == top.len || name.ptr[top.len] == '/');
}

static void replace(
	struct str name, struct str top, struct str by, struct buf *out)
{
	buf_add(out, by);
	buf_add(out, str_sub(name, top.len, name.len));
}

void mailbox_rename_to_local(const struct mailbox_rename *map, size_t count,
	struct str name, struct buf *local)
{
	struct mailbox_rename best = {0};

	for (size_t i = 0; i < count; i++) {
		if (is_below(name, map[i].server) &&
			map[i].server.len > best.server.len)
			best = map[i];
	}
	replace(name, best.server, best.local, local);
}

bool mailbox_rename_to_server(const struct mailbox_rename *map, size_t count,
	struct str local, struct buf *name)
{
	struct mailbox_rename best = {0};
	struct buf again = {0};
	size_t start = name->len;
	bool same;

	for (size_t i = 0; i < count; i++) {
		if (is_below(local, map[i].local) &&
			map[i].local.len > best.local.len)
			best = map[i];
	}
	replace(local, best.local, best.server, name);
	mailbox_rename_to_local(
		map, count, str_sub(buf_str(name), start, name->len), &again);
	same = str_eq(buf_str(&again), local);
	if (!same)
		name->len = start;
	buf_clear(&again);
	return same;
}
