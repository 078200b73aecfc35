/*
 * How: first each line by itself, then the client's lines once more from the
 * top, each command with the lines that its literals need. A literal that the
 * server did not ask for is made up, for the command to be readable.
 */
#include "script.h"

#include "godwit/imap/base64.h"
#include "godwit/imap/reader.h"

#include <stdlib.h>
#include <string.h>

static int fail(const struct line *line, const char *what, struct err *err)
{
	return err_set(err, ERR_RUN, ERR_NEVER, ERR_BUG, "line %d: %s",
		line->number, what);
}

static int hex_digit(char c)
{
	const char *digits = "0123456789abcdef";
	const char *at = c == '\0' ? NULL : strchr(digits, c);

	return at == NULL ? -1 : (int)(at - digits);
}

/* "\r", "\n", "\\", "\x7f"; returns how many characters it was, 0: wrong. */
static size_t unescape(struct str s, char *byte_r)
{
	static const char letters[] = "rn\\";
	static const char bytes[] = "\r\n\\";
	const char *at = s.len < 2 || s.ptr[1] == '\0'
				 ? NULL
				 : strchr(letters, s.ptr[1]);
	int high;
	int low;

	if (at != NULL) {
		*byte_r = bytes[at - letters];
		return 2;
	}
	if (s.len < 4 || s.ptr[1] != 'x')
		return 0;
	high = hex_digit(s.ptr[2]);
	low = hex_digit(s.ptr[3]);
	if (high < 0 || low < 0)
		return 0;
	*byte_r = (char)(high * 16 + low);
	return 4;
}

static int read_escaped(
	struct script *script, struct line *line, struct err *err)
{
	struct str from = line->text;
	char *to = arena_alloc(&script->arena, from.len + 1);
	size_t len = 0;

	while (from.len > 0) {
		size_t took = 1;

		to[len] = from.ptr[0];
		if (from.ptr[0] == '\\')
			took = unescape(from, &to[len]);
		if (took == 0)
			return fail(line, "what is this escape?", err);
		len++;
		from = str_sub(from, took, from.len);
	}
	line->bytes = (struct str){.ptr = to, .len = len};
	return 0;
}

static int read_left_out(
	struct script *script, struct line *line, struct err *err)
{
	uint32_t octets;
	char *filler;

	if (!str_u32(line->text, &octets) || octets > 100U << 20)
		return fail(line, "how many octets?", err);
	filler = arena_alloc(&script->arena, octets);
	memset(filler, 'x', octets);
	line->bytes = (struct str){.ptr = filler, .len = octets};
	script->left_out = true;
	return 0;
}

static void read_plain(struct script *script, struct line *line)
{
	char *bytes =
		arena_printf(&script->arena, "%.*s\r\n", STR_FMT(line->text));

	line->bytes = (struct str){.ptr = bytes, .len = line->text.len + 2};
}

static int read_traced(
	struct script *script, struct line *line, struct err *err)
{
	char letter = line->shown.ptr[0];
	char form = line->shown.ptr[1];

	line->kind = letter == 'C'   ? LINE_CLIENT
		     : letter == 'S' ? LINE_SERVER
				     : LINE_EVENT;
	line->text = str_sub(line->shown, 3, line->shown.len);
	if (letter == 'E') {
		script->has_events = true;
		return 0;
	}
	if (form == '=')
		return read_escaped(script, line, err);
	if (form == '#')
		return read_left_out(script, line, err);
	read_plain(script, line);
	return 0;
}

static int read_line(struct script *script, struct line *line, struct err *err)
{
	struct str shown = line->shown;

	line->kind = LINE_BLANK;
	if (shown.len == 0 || shown.ptr[0] == '#')
		return 0;
	if (shown.len >= 2 && strchr("CSE", shown.ptr[0]) != NULL &&
		strchr(":=#", shown.ptr[1]) != NULL)
		return read_traced(script, line, err);
	line->kind = LINE_EOF;
	if (str_eq(shown, STR("eof")))
		return 0;
	line->kind = LINE_CAPS;
	line->text = str_sub(shown, 5, shown.len);
	return str_starts(shown, STR("caps "))
		       ? 0
		       : fail(line, "not C:, S:, E:, caps or eof", err);
}

static int read_lines(
	struct script *script, struct str content, struct err *err)
{
	struct str shown;
	int number = 0;

	if (str_ends(content, STR("\n")))
		content.len--;
	while (str_split(&content, '\n', &shown)) {
		struct line line = {.number = ++number, .shown = shown};

		if (read_line(script, &line, err) != 0)
			return -1;
		script->lines = array_grow(script->lines, &script->cap,
			script->count + 1, sizeof(*script->lines));
		script->lines[script->count++] = line;
	}
	return 0;
}

/* How many more bytes `text` needs at least to be a whole command. */
static uint64_t missing(struct str text)
{
	struct imap_literal literal;
	size_t from;

	for (;;) {
		size_t lf = str_find(text, '\n');

		if (lf == text.len)
			return 1;
		if (!imap_literal_parse(
			    str_sub(text, 0, lf + 1), &from, &literal))
			return 0;
		text = str_sub(text, lf + 1, text.len);
		if (text.len < literal.octets)
			return literal.octets - text.len + 2;
		text = str_sub(text, (size_t)literal.octets, text.len);
	}
}

static bool is_answer(const struct line *line, struct str tag)
{
	return line->kind == LINE_SERVER && str_starts(line->text, tag) &&
	       str_starts(str_sub(line->text, tag.len, 1), STR(" "));
}

/*
 * The whole text of the command that begins at *at, and *at moved behind its
 * last line.
 */
static struct str gather(struct script *script, size_t *at, struct str tag)
{
	struct buf text = {0};
	struct str kept;
	size_t i = *at;

	buf_add(&text, script->lines[i].bytes);
	for (i++; missing(buf_str(&text)) > 0 && i < script->count; i++) {
		if (is_answer(&script->lines[i], tag))
			break;
		if (script->lines[i].kind != LINE_CLIENT)
			continue;
		buf_add(&text, script->lines[i].bytes);
		*at = i;
	}
	while (missing(buf_str(&text)) > 2)
		buf_addc(&text, 'x');
	if (missing(buf_str(&text)) > 0)
		buf_addz(&text, "\r\n");
	++*at;
	kept = arena_str(&script->arena, buf_str(&text));
	buf_clear(&text);
	return kept;
}

/* The text with its masked initial response as one that can be decoded. */
static struct str unmask(struct script *script, struct str text)
{
	static const struct str masked = {.ptr = " ***\r\n", .len = 6};

	if (!str_ends(text, masked))
		return text;
	return str_of(arena_printf(&script->arena, "%.*s Kioq\r\n",
		(int)(text.len - masked.len), text.ptr));
}

static int read_command(
	struct script *script, size_t *at, struct str *login, struct err *err)
{
	struct line *line = &script->lines[*at];
	size_t space = str_find(line->text, ' ');
	struct str text;

	line->unit = UNIT_COMMAND;
	text = gather(script, at, str_sub(line->text, 0, space));
	if (str_istarts(str_sub(line->text, space, 14), STR(" AUTHENTICATE ")))
		text = unmask(script, text);
	if (imap_command_parse(
		    &script->arena, text, &line->tag, &line->command, err) != 0)
		return err_context(err, "line %d", line->number);
	if (line->command.kind == IMAP_AUTHENTICATE)
		*login = line->tag;
	return 0;
}

static int read_sasl(struct script *script, struct line *line, struct err *err)
{
	struct buf bytes = {0};
	struct str text = line->text;

	line->unit = UNIT_SASL;
	if (str_eq(text, STR("***")))
		text = STR("Kioq");
	if (!imap_base64_decode(text, &bytes))
		return fail(line, "neither base64 nor ***", err);
	line->response = arena_str(&script->arena, buf_str(&bytes));
	buf_clear(&bytes);
	return 0;
}

/* One line of the client that begins something; *at is moved behind it. */
static int read_unit(
	struct script *script, size_t *at, struct str *login, struct err *err)
{
	struct line *line = &script->lines[*at];
	bool word = str_find(line->text, ' ') == line->text.len;

	if (!word)
		return read_command(script, at, login, err);
	++*at;
	if (str_ieq(line->text, STR("DONE")))
		line->unit = UNIT_DONE;
	else if (login->len > 0 && str_eq(line->text, STR("*")))
		line->unit = UNIT_CANCEL;
	else if (login->len > 0)
		return read_sasl(script, line, err);
	else
		return fail(line, "this is no command", err);
	return 0;
}

int script_read(struct script *script, struct str content, struct err *err)
{
	struct str login = {0};
	size_t at = 0;

	*script = (struct script){0};
	if (read_lines(script, content, err) != 0)
		return -1;
	while (at < script->count) {
		const struct line *line = &script->lines[at];

		if (line->kind == LINE_CLIENT) {
			if (read_unit(script, &at, &login, err) != 0)
				return -1;
			continue;
		}
		if (login.len > 0 && is_answer(line, login))
			login = (struct str){0};
		at++;
	}
	return 0;
}

void script_clear(struct script *script)
{
	free(script->lines);
	arena_clear(&script->arena);
	*script = (struct script){0};
}
