/*
 * Fuzz target: mailbox names. The first byte chooses the server's namespace,
 * the rest is a name: taken as the server's, as ours, as a user's, as a path.
 */
#include "godwit/mail/mailbox_name.h"
#include "godwit/base/err.h"
#include "godwit/mail/mailbox_glob.h"
#include "godwit/mail/mailbox_rename.h"
#include "mailbox_promise.h"

#include "fuzz.h"

static const struct mailbox_space spaces[] = {
	{.prefix = {"", 0}, .delimiter = '/'},
	{.prefix = {"", 0}, .delimiter = '.'},
	{.prefix = {"", 0}, .delimiter = '\0'},
	{.prefix = {"INBOX.", 6}, .delimiter = '.'},
	{.prefix = {"~", 1}, .delimiter = '/'},
	{.prefix = {"", 0}, .delimiter = '\\'},
	{.prefix = {"", 0}, .delimiter = '%'},
};

static void try_path(enum mailbox_layout layout, struct str path)
{
	struct buf name = {0};
	struct buf again = {0};

	if (mailbox_name_from_path(layout, path, &name, NULL) == 0) {
		check(mailbox_promise_path(layout, path));
		check(mailbox_name_path(layout, buf_str(&name), &again, NULL) ==
			0);
		check(str_eq(buf_str(&again), path));
	}
	buf_clear(&name);
	buf_clear(&again);
}

static void try_user(struct str text)
{
	struct buf name = {0};
	struct buf path = {0};

	if (mailbox_name_from_user(text, &name, NULL) == 0) {
		check(mailbox_name_path(
			      LAYOUT_NESTED, buf_str(&name), &path, NULL) == 0);
		check(mailbox_promise_path(LAYOUT_NESTED, buf_str(&path)));
	}
	buf_clear(&name);
	buf_clear(&path);
}

static void try_ours(const struct mailbox_space *space, struct str name)
{
	struct buf server = {0};
	struct buf again = {0};

	if (mailbox_name_to_server(space, name, &server, NULL) == 0) {
		check(mailbox_name_from_server(
			      space, buf_str(&server), &again, NULL) == 0);
		check(str_eq(buf_str(&again), name));
	}
	buf_clear(&server);
	buf_clear(&again);
}

static void try_rest(struct str name)
{
	const struct mailbox_rename map[] = {{STR("a"), STR("b")},
		{STR("a/c"), STR("d")}, {STR("b"), STR("a")}};
	size_t half = name.len / 2;
	struct buf out = {0};

	(void)mailbox_glob_match(
		str_sub(name, 0, half), str_sub(name, half, name.len));
	check(mailbox_glob_match(STR("*"), name));
	mailbox_name_key(name, true, &out);
	buf_reset(&out);
	mailbox_rename_to_local(map, 3, name, &out);
	(void)mailbox_rename_to_server(map, 3, name, &out);
	buf_clear(&out);
}

void fuzz_one(struct str input)
{
	const struct mailbox_space *space = &spaces[0];
	struct str name = str_sub(input, 1, input.len);

	if (input.len > 0)
		space = &spaces[(unsigned char)input.ptr[0] %
				(sizeof(spaces) / sizeof(spaces[0]))];
	check(mailbox_promise_broken(space, name) == NULL);
	try_ours(space, name);
	try_user(name);
	try_path(LAYOUT_NESTED, name);
	try_path(LAYOUT_MAILDIRPP, name);
	try_rest(name);
}
