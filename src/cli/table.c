/*
 * How: text is taken apart into UTF-8 characters by libunistring, which also
 * knows how wide a terminal shows them. A table keeps its cells in one array,
 * row after row, until it is written.
 */
#include "godwit/cli/table.h"

#include "godwit/base/arena.h"
#include "godwit/base/err.h"

#include <stdlib.h>
#include <string.h>
#include <unistr.h>
#include <uniwidth.h>

static const char reset[] = "\033[m";
static const char bold[] = "\033[1m";

/* Ranges of characters that act on a terminal or turn the line around. */
static const struct {
	ucs4_t from, to;
} harmful[] = {
	{0x0000, 0x001f}, /* C0 */
	{0x007f, 0x009f}, /* DEL and C1 */
	{0x061c, 0x061c}, /* ARABIC LETTER MARK */
	{0x200e, 0x200f}, /* direction marks */
	{0x2028, 0x202e}, /* line ends, embeddings, overrides */
	{0x2066, 0x2069}, /* isolates */
	{0xfeff, 0xfeff}, /* BYTE ORDER MARK */
};

/* Takes one character off the front; U+FFFD is what is not one. */
static struct str char_next(struct str *text, ucs4_t *code_r)
{
	int len = u8_mbtoucr(code_r, (const uint8_t *)text->ptr, text->len);
	struct str taken = str_sub(*text, 0, len < 1 ? 1 : (size_t)len);

	if (len < 1)
		*code_r = 0xfffd;
	*text = str_sub(*text, taken.len, text->len);
	return taken;
}

static bool is_harmful(ucs4_t code)
{
	for (size_t i = 0; i < sizeof(harmful) / sizeof(harmful[0]); i++) {
		if (code >= harmful[i].from && code <= harmful[i].to)
			return true;
	}
	return code == 0xfffd;
}

void text_clean(struct buf *out, struct str text)
{
	while (text.len > 0) {
		ucs4_t code;
		struct str one = char_next(&text, &code);

		if (is_harmful(code))
			buf_addc(out, '?');
		else
			buf_add(out, one);
	}
}

void text_utf8(struct buf *out, struct str text)
{
	while (text.len > 0) {
		ucs4_t code;
		struct str one = char_next(&text, &code);

		buf_add(out, code == 0xfffd ? STR("\xef\xbf\xbd") : one);
	}
}

size_t text_columns(struct str text)
{
	if (text.len == 0)
		return 0;
	return (size_t)u8_width((const uint8_t *)text.ptr, text.len, "UTF-8");
}

struct str text_cut(struct str text, size_t columns)
{
	struct str rest = text;
	struct str kept = str_sub(text, 0, 0);

	while (rest.len > 0) {
		ucs4_t code;
		struct str one = char_next(&rest, &code);
		struct str longer = str_sub(text, 0, kept.len + one.len);

		if (text_columns(longer) > columns)
			break;
		kept = longer;
	}
	return kept;
}

void table_init(struct table *t, const struct table_column *columns,
	size_t column_count)
{
	check(column_count > 0 && column_count <= TABLE_COLUMNS_MAX);
	*t = (struct table){.columns = columns, .column_count = column_count};
}

void table_cell(struct table *t, struct str text)
{
	struct buf cell = {0};

	text_clean(&cell, text);
	t->cells = array_grow(
		t->cells, &t->cell_cap, t->cell_count + 1, sizeof(*t->cells));
	t->cells[t->cell_count++] = buf_str(&cell);
}

void table_cellf(struct table *t, const char *format, ...)
{
	struct buf text = {0};
	va_list args;

	va_start(args, format);
	buf_addv(&text, format, args);
	va_end(args);
	table_cell(t, buf_str(&text));
	buf_clear(&text);
}

static void widths_find(const struct table *t, size_t *widths)
{
	for (size_t i = 0; i < t->column_count; i++)
		widths[i] = text_columns(str_of(t->columns[i].title));
	for (size_t i = 0; i < t->cell_count; i++) {
		size_t *width = &widths[i % t->column_count];
		size_t columns = text_columns(t->cells[i]);

		if (columns > *width)
			*width = columns;
	}
}

static void pad(struct buf *out, size_t columns)
{
	for (; columns > 0; columns--)
		buf_addc(out, ' ');
}

/* One row; `cells` has column_count of them. */
static void row_write(const struct table *t, const struct str *cells,
	const size_t *widths, struct buf *out)
{
	size_t waiting = 0; /* spaces owed, so that none end the line */

	for (size_t i = 0; i < t->column_count; i++) {
		size_t spare = widths[i] - text_columns(cells[i]);

		if (t->columns[i].right) {
			waiting += spare;
			spare = 0;
		}
		if (cells[i].len > 0) {
			pad(out, waiting);
			waiting = 0;
		}
		buf_add(out, cells[i]);
		waiting += spare + 2;
	}
	buf_addc(out, '\n');
}

static void titles_write(const struct table *t, const size_t *widths,
	bool color, struct buf *out)
{
	struct str titles[TABLE_COLUMNS_MAX];

	for (size_t i = 0; i < t->column_count; i++)
		titles[i] = str_of(t->columns[i].title);
	if (color)
		buf_addz(out, bold);
	row_write(t, titles, widths, out);
	if (color)
		buf_addz(out, reset);
}

void table_write(struct table *t, bool color, struct buf *out)
{
	size_t widths[TABLE_COLUMNS_MAX];

	check(t->cell_count % t->column_count == 0);
	if (t->cell_count > 0) {
		widths_find(t, widths);
		titles_write(t, widths, color, out);
	}
	for (size_t i = 0; i < t->cell_count; i += t->column_count)
		row_write(t, &t->cells[i], widths, out);
	table_clear(t);
}

void table_clear(struct table *t)
{
	for (size_t i = 0; i < t->cell_count; i++)
		free((char *)t->cells[i].ptr);
	free(t->cells);
	t->cells = NULL;
	t->cell_count = 0;
	t->cell_cap = 0;
}
