/*
 * Tables and clean text, for people at terminals.
 *
 * Names and messages come from servers, files and mail readers: before they
 * reach a terminal, what is not valid UTF-8, controls it, or turns the writing
 * direction becomes '?'. Columns are as wide as a terminal shows them.
 */
#ifndef GODWIT_CLI_TABLE_H
#define GODWIT_CLI_TABLE_H

#include "godwit/base/bytes.h"

#include <stdbool.h>
#include <stddef.h>

/* Adds `text` to `out`, made harmless to a terminal. */
void text_clean(struct buf *out, struct str text);

/* Adds `text` to `out` with each invalid UTF-8 byte as U+FFFD. */
void text_utf8(struct buf *out, struct str text);

/* How many columns of a terminal clean text takes. */
size_t text_columns(struct str text);

/* The front part of clean text that fits into so many columns. */
struct str text_cut(struct str text, size_t columns);

enum {
	TABLE_COLUMNS_MAX = 8
};

struct table_column {
	const char *title;
	bool right; /* for numbers */
};

/* Rows that wait until the widths are known. */
struct table {
	const struct table_column *columns;
	size_t column_count; /* at most TABLE_COLUMNS_MAX */
	struct str *cells;   /* owned, cleaned */
	size_t cell_count, cell_cap;
};

/* `columns` is borrowed for the table's life. */
void table_init(struct table *t, const struct table_column *columns,
	size_t column_count);

/* Adds one cell, from left to right and row after row; the text is copied. */
void table_cell(struct table *t, struct str text);
void table_cellf(struct table *t, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * Writes titles (bold with `color`) and rows, with two spaces between columns
 * and none at a line's end, and empties the table. No rows: writes nothing.
 */
void table_write(struct table *t, bool color, struct buf *out);

void table_clear(struct table *t);

#endif
