/*
 * How: the name that a download of a server message would get is derived and
 * looked up among the files that are new. That costs a hash a message, so it is
 * done only if some new file looks as if it had been downloaded at all.
 */
#include "match_parts.h"

#include "godwit/mail/maildir_name.h"

struct deriver {
	struct match *match;
	const struct match_input *input;
	size_t files_at; /* the first row without a UID: files, by name */
};

static bool is_new_file(const struct row *row)
{
	return row->present == SIDE_BIT(LOCAL) && match_is_file(row);
}

static struct str file_name(const struct deriver *d, size_t row)
{
	return d->input->local[d->match->rows[row].local].name;
}

/* Whether the row is a new file; then *name_r is its name, taken apart. */
static bool parse_new_file(
	const struct deriver *d, size_t row, struct maildir_name *name_r)
{
	return is_new_file(&d->match->rows[row]) &&
	       maildir_name_parse(file_name(d, row), name_r);
}

static bool has_derived(const struct deriver *d)
{
	struct maildir_name name;

	for (size_t i = d->files_at; i < d->match->count; i++) {
		if (parse_new_file(d, i, &name) && maildir_name_derived(&name))
			return true;
	}
	return false;
}

/* The first row of a file whose name is not below `stem`. Rows without a file
 * stand behind those with one. */
static size_t find_file(const struct deriver *d, struct str stem)
{
	size_t low = d->files_at;
	size_t high = d->match->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (d->match->rows[middle].local != PLAN_NONE &&
			str_cmp(file_name(d, middle), stem) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* A server that was set back to an older state gives a UID away again; then
 * sizes tell. Its CRLFs make a message at most twice as long as the file. */
static bool size_fits(uint64_t remote_bytes, uint64_t disk_bytes)
{
	uint64_t slack = match_slack(remote_bytes);
	uint64_t more;

	if (remote_bytes == 0)
		return true;
	if (remote_bytes < disk_bytes)
		return disk_bytes - remote_bytes <= slack;
	more = remote_bytes - disk_bytes;
	return more <= disk_bytes || more - disk_bytes <= slack;
}

/* The row of the file that is the download of `remote`, or PLAN_NONE. */
static uint32_t find_download(const struct deriver *d, struct str stem,
	const struct remote_item *remote)
{
	for (size_t i = find_file(d, stem); i < d->match->count; i++) {
		struct maildir_name name;

		if (d->match->rows[i].local == PLAN_NONE ||
			!str_starts(file_name(d, i), stem))
			break;
		if (parse_new_file(d, i, &name) &&
			maildir_name_has_stem(&name, stem) && name.has_size &&
			size_fits(remote->bytes, name.size))
			return (uint32_t)i;
	}
	return PLAN_NONE;
}

size_t match_derived(struct match *match, const struct match_input *input,
	const struct match_place *place)
{
	struct deriver d = {.match = match, .input = input};
	struct buf stem = {0};
	size_t united = 0;

	while (d.files_at < match->count && match->rows[d.files_at].uid != 0)
		d.files_at++;
	if (!has_derived(&d))
		return 0;
	for (size_t i = 0; i < d.files_at; i++) {
		const struct row *row = &match->rows[i];
		uint32_t file;

		if (!match_is_remote(row))
			continue;
		buf_reset(&stem);
		maildir_name_stem(&stem, place->account, place->mailbox,
			place->uidvalidity, row->uid);
		file = find_download(
			&d, buf_str(&stem), &input->remote[row->remote]);
		if (file == PLAN_NONE)
			continue;
		match_unite(match, (uint32_t)i, file);
		united++;
	}
	buf_clear(&stem);
	return united;
}
