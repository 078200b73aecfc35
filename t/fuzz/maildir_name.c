/*
 * Fuzz target: Maildir names. Up to the first NUL the input is a keyword file,
 * behind it a file's name.
 */
#include "godwit/mail/maildir_name.h"
#include "godwit/base/err.h"
#include "godwit/base/limits.h"
#include "godwit/mail/kwfile.h"

#include "fuzz.h"

/* A name printed with its own flags means the same, and stays as it is. */
static void try_print(const struct maildir_name *name,
	const struct kwfile *kwfile, struct keywords *keywords)
{
	struct buf out = {0};
	struct buf out_again = {0};
	struct maildir_name again;
	struct flags flags = {0};
	struct flags flags_again = {0};

	check(maildir_name_flags(name, kwfile, keywords, &flags, NULL) == 0);
	if (maildir_name_print(name, kwfile, keywords, flags, &out)) {
		check(out.len <= LIMIT_NAME_BYTES);
		check(maildir_name_parse(buf_str(&out), &again));
		check(str_eq(again.unique, name->unique));
		check(str_eq(again.extra, name->extra));
		check(maildir_name_flags(&again, kwfile, keywords, &flags_again,
			      NULL) == 0);
		check(flags_eq(flags, flags_again));
		check(maildir_name_print(
			&again, kwfile, keywords, flags, &out_again));
		check(str_eq(buf_str(&out), buf_str(&out_again)));
	}
	buf_clear(&out);
	buf_clear(&out_again);
}

static void try_name(
	struct str file, const struct kwfile *kwfile, struct keywords *keywords)
{
	struct maildir_name name;

	if (!maildir_name_parse(file, &name))
		return;
	check(str_starts(file, name.unique));
	check(str_starts(name.unique, name.base));
	(void)maildir_name_derived(&name);
	try_print(&name, kwfile, keywords);
}

void fuzz_one(struct str input)
{
	struct keywords *keywords = keywords_new();
	size_t nul = str_find(input, '\0');
	struct kwfile kwfile;
	uint32_t id;

	kwfile_parse(&kwfile, keywords, str_sub(input, 0, nul));
	try_name(str_sub(input, nul + 1, input.len), &kwfile, keywords);
	id = keywords_name_add(keywords, STR("another"));
	if (kwfile_add(&kwfile, keywords, id) != '\0')
		try_name(str_sub(input, nul + 1, input.len), &kwfile, keywords);
	kwfile_clear(&kwfile);
	keywords_free(&keywords);
}
