/*
 * How: the text is kept as it was read, and lines are added at its end; an
 * array of 26 says what each letter stands for.
 */
#include "godwit/mail/kwfile.h"

#include "godwit/base/err.h"
#include "godwit/base/limits.h"

void kwfile_init(struct kwfile *kwfile)
{
	*kwfile = (struct kwfile){0};
	for (int i = 0; i < KWFILE_LETTERS; i++)
		kwfile->ids[i] = KEYWORD_NONE;
}

void kwfile_clear(struct kwfile *kwfile)
{
	buf_clear(&kwfile->text);
	kwfile_init(kwfile);
}

static uint32_t id_of_name(struct keywords *keywords, struct str name)
{
	uint32_t id;

	if (str_ieq(name, STR("$Forwarded")))
		return KWFILE_FORWARDED;
	id = keywords_name_add(keywords, name);
	return id == KEYWORD_NONE ? KWFILE_TAKEN : id;
}

static void parse_line(
	struct kwfile *kwfile, struct keywords *keywords, struct str line)
{
	size_t space = str_find(line, ' ');
	struct str name = str_sub(line, space + 1, line.len);
	uint32_t index;

	if (!str_u32(str_sub(line, 0, space), &index) ||
		index >= KWFILE_LETTERS || name.len == 0 ||
		kwfile->ids[index] != KEYWORD_NONE)
		return;
	kwfile->ids[index] = id_of_name(keywords, name);
}

void kwfile_parse(
	struct kwfile *kwfile, struct keywords *keywords, struct str text)
{
	struct str line;

	kwfile_init(kwfile);
	text = str_sub(text, 0, LIMIT_KEYWORD_FILE_BYTES);
	buf_add(&kwfile->text, text);
	while (str_split(&text, '\n', &line))
		parse_line(kwfile, keywords, line);
}

uint32_t kwfile_id(const struct kwfile *kwfile, char letter)
{
	if (letter < 'a' || letter > 'z')
		return KEYWORD_NONE;
	return kwfile->ids[letter - 'a'];
}

char kwfile_letter(const struct kwfile *kwfile, uint32_t id)
{
	if (id == KEYWORD_NONE || id == KWFILE_TAKEN)
		return '\0';
	for (int i = 0; i < KWFILE_LETTERS; i++) {
		if (kwfile->ids[i] == id)
			return (char)('a' + i);
	}
	return '\0';
}

/* The first free letter's number, not below `from`; or KWFILE_LETTERS. */
static int next_free(const struct kwfile *kwfile, int from)
{
	while (from < KWFILE_LETTERS && kwfile->ids[from] != KEYWORD_NONE)
		from++;
	return from;
}

static int best_free(const struct kwfile *kwfile)
{
	int first = next_free(kwfile, 0);
	int best = first;

	while (best < KWFILE_LETTERS && (kwfile->shunned >> best & 1) != 0)
		best = next_free(kwfile, best + 1);
	return best < KWFILE_LETTERS ? best : first;
}

char kwfile_add(
	struct kwfile *kwfile, const struct keywords *keywords, uint32_t id)
{
	struct str name = keywords_name(keywords, id);
	struct buf *text = &kwfile->text;
	char known = kwfile_letter(kwfile, id);
	int i = best_free(kwfile);

	if (known != '\0')
		return known;
	if (i == KWFILE_LETTERS)
		return '\0';
	kwfile->ids[i] = id;
	if (text->len > 0 && text->ptr[text->len - 1] != '\n')
		buf_addc(text, '\n');
	buf_addf(text, "%d %.*s\n", i, STR_FMT(name));
	return (char)('a' + i);
}

struct str kwfile_text(const struct kwfile *kwfile)
{
	return buf_str(&kwfile->text);
}

uint32_t kwfile_unlettered(
	const struct kwfile *kwfile, struct keywords *keywords, uint32_t set)
{
	uint32_t lettered[KWFILE_LETTERS];
	size_t count = 0;

	if (set == KEYWORDS_EMPTY)
		return set;
	for (int i = 0; i < KWFILE_LETTERS; i++) {
		if (kwfile->ids[i] < KWFILE_TAKEN)
			lettered[count++] = kwfile->ids[i];
	}
	return keywords_minus(
		keywords, set, keywords_pick(keywords, set, lettered, count));
}
