/* godwit.yaml(5): each key is in it, and its examples work. */
#include "godwit/conf/config.h"

#include "conf/key.h"
#include "conf/keys.h"

#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct buf manual;

static void manual_read(const char *name)
{
	const char *srcdir = getenv("srcdir");
	struct buf path = {0};
	FILE *file;
	size_t got;

	buf_reset(&manual);
	buf_addf(&path, "%s/man/%s", srcdir == NULL ? "." : srcdir, name);
	file = fopen(buf_z(&path), "r");
	check(file != NULL);
	do {
		got = fread(buf_reserve(&manual, 4096), 1, 4096, file);
		buf_commit(&manual, got);
	} while (got > 0);
	check(fclose(file) == 0);
	buf_clear(&path);
}

/* Whether a line is ".It ... Cm name" or ".It Cm other , name ...". */
static bool documents(struct str line, struct str name)
{
	struct str word;

	if (!str_starts(line, STR(".It ")))
		return false;
	while (str_split(&line, ' ', &word)) {
		if (str_eq(word, STR(":")))
			return false;
		if (str_eq(word, name))
			return true;
	}
	return false;
}

static bool is_documented(const char *name)
{
	struct str rest = buf_str(&manual);
	struct str line;

	while (str_split(&rest, '\n', &line)) {
		if (documents(line, str_of(name)))
			return true;
	}
	return false;
}

static void keys_check(const struct key *table)
{
	for (; table->name != NULL; table++) {
		ok(is_documented(table->name), "'%s' is documented",
			table->name);
		if (table->keys != NULL)
			keys_check(table->keys);
	}
}

/* Adds a line of mdoc as it is shown. */
static void add_shown(struct buf *out, struct str line)
{
	if (str_starts(line, STR("\"")))
		line = str_sub(line, 1, line.len - 2);
	while (line.len > 0) {
		if (str_starts(line, STR("\\(dq"))) {
			buf_addc(out, '"');
			line = str_sub(line, 4, line.len);
		} else if (str_starts(line, STR("\\&"))) {
			line = str_sub(line, 2, line.len);
		} else {
			buf_addc(out, line.ptr[0]);
			line = str_sub(line, 1, line.len);
		}
	}
}

static void example_check(struct str text)
{
	const struct config_source source = {"example", text};
	const struct config_env env = {.home = "/home/alice"};
	const struct config *config = NULL;
	struct arena arena = {0};
	struct err err = {0};

	if (!ok(config_parse(&arena, source, &env, &config, &err) == 0,
		    "an example is a config"))
		tap_note("%s\n%.*s", err.text, STR_FMT(text));
	arena_clear(&arena);
}

/* An account of one line of the manual, and what else an account needs. */
static void line_check(struct str line)
{
	static const char *const needed[] = {"server: mail.example.org",
		"user: alice", "maildir: /m", "allow_cleartext: true"};
	struct buf text = {0};
	struct str key = str_sub(line, 0, str_find(line, ':') + 1);

	buf_addz(&text, "accounts:\n  a:\n    ");
	buf_add(&text, line);
	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		if (!str_starts(str_of(needed[i]), key))
			buf_addf(&text, "\n    %s", needed[i]);
	}
	example_check(buf_str(&text));
	buf_clear(&text);
}

/* Checks the lines of .Dl that show a key; returns how many there are. */
static int lines_check(struct str key)
{
	struct str rest = buf_str(&manual);
	struct buf shown = {0};
	struct str line;
	int count = 0;

	while (str_split(&rest, '\n', &line)) {
		struct str text;

		if (!str_starts(line, STR(".Dl ")))
			continue;
		buf_reset(&shown);
		add_shown(&shown, str_sub(line, 4, line.len));
		text = buf_str(&shown);
		if (str_eq(str_sub(text, 0, str_find(text, ':')), key)) {
			line_check(text);
			count++;
		}
	}
	buf_clear(&shown);
	return count;
}

/* Takes the next display off *rest, as it is shown. */
static bool display_next(struct str *rest, struct buf *shown)
{
	struct str line;
	bool inside = false;

	buf_reset(shown);
	while (str_split(rest, '\n', &line)) {
		if (str_starts(line, STR(".Ed")))
			return true;
		if (inside) {
			add_shown(shown, line);
			buf_addc(shown, '\n');
		}
		inside |= str_starts(line, STR(".Bd"));
	}
	return false;
}

/* Checks the displays that are whole files; returns how many. */
static int files_check(void)
{
	struct str rest = buf_str(&manual);
	struct buf shown = {0};
	int count = 0;

	while (display_next(&rest, &shown)) {
		struct str text = buf_str(&shown);

		if (str_starts(text, STR("accounts:")) ||
			str_starts(text, STR("defaults:"))) {
			example_check(text);
			count++;
		}
	}
	buf_clear(&shown);
	return count;
}

int main(void)
{
	const struct key *key;

	manual_read("godwit.yaml.5");
	keys_check(account_key_table());
	for (key = account_key_table(); key->name != NULL; key++)
		ok(lines_check(str_of(key->name)) > 0, "'%s' has an example",
			key->name);
	is_int(files_check(), 2, "there are two whole files");
	manual_read("godwit-intro.7");
	is_int(files_check(), 1, "and one in the introduction");
	buf_clear(&manual);
	return tap_done();
}
