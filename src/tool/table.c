#include "tool/table.h"

#include "tool/cell.h"

#include <stdlib.h>
#include <string.h>

#define GAP	  2 /* spaces between columns */
#define NARROWEST 6 /* no column is cut below this */

struct table_cell {
	size_t at; /* in table->text */
	size_t len;
	size_t width;
	bool is_number;
};

/* How a column is set. */
struct column {
	size_t width;
	bool has_number;
	bool has_text;
};

void table_init(struct table *table, size_t columns)
{
	table->columns = columns;
	buf_init(&table->text);
	buf_init(&table->cells);
}

void table_fini(struct table *table)
{
	buf_fini(&table->text);
	buf_fini(&table->cells);
}

void table_add(struct table *table, const char *text, bool is_number)
{
	struct table_cell cell = {.at = table->text.len, .is_number = is_number};

	cell_add_escaped(&table->text, text, strlen(text));
	if (buf_failed(&table->text))
		return;
	cell.len = table->text.len - cell.at;
	cell.width = cell.len > 0 ? cell_width(table->text.data + cell.at, cell.len) : 0;
	buf_add(&table->cells, &cell, sizeof(cell));
}

static size_t count_cells(const struct table *table)
{
	return table->cells.len / sizeof(struct table_cell);
}

static struct table_cell get_cell(const struct table *table, size_t i)
{
	struct table_cell cell;

	memcpy(&cell, table->cells.data + i * sizeof(cell), sizeof(cell));
	return cell;
}

static void measure(const struct table *table, struct column *columns)
{
	for (size_t i = 0; i < count_cells(table); i++) {
		struct table_cell cell = get_cell(table, i);
		struct column *column = &columns[i % table->columns];
		if (cell.width > column->width)
			column->width = cell.width;
		if (i < table->columns || cell.len == 0)
			continue;
		column->has_number |= cell.is_number;
		column->has_text |= !cell.is_number;
	}
}

/* Takes from the widest column until a line fits or nothing can be taken any more. */
static void narrow(struct column *columns, size_t n, size_t width)
{
	size_t total = (n - 1) * GAP;

	for (size_t i = 0; i < n; i++) {
		if (columns[i].width > width)
			columns[i].width = width;
		total += columns[i].width;
	}
	while (total > width) {
		struct column *widest = columns;
		for (size_t i = 1; i < n; i++) {
			if (columns[i].width > widest->width)
				widest = &columns[i];
		}
		if (widest->width <= NARROWEST)
			return;
		widest->width--;
		total--;
	}
}

static void add_spaces(struct buf *out, size_t n)
{
	while (n-- > 0)
		buf_add_char(out, ' ');
}

static void add_cut(struct buf *out, const char *text, size_t len, size_t width)
{
	size_t fits = cell_fit(text, len, width - 1);

	buf_add(out, text, fits);
	buf_add_str(out, "…");
	add_spaces(out, width - 1 - cell_width(text, fits));
}

static void add_cell(struct buf *out, const struct table *table, const struct table_cell *cell,
	const struct column *column, bool is_last)
{
	const char *text = cell->len > 0 ? table->text.data + cell->at : "";
	bool is_right = column->has_number && !column->has_text;

	if (cell->width > column->width) {
		add_cut(out, text, cell->len, column->width);
		return;
	}
	if (is_right)
		add_spaces(out, column->width - cell->width);
	buf_add(out, text, cell->len);
	if (!is_right && !is_last)
		add_spaces(out, column->width - cell->width);
}

static void add_lines(struct buf *out, const struct table *table, const struct column *columns)
{
	for (size_t i = 0; i < count_cells(table); i++) {
		struct table_cell cell = get_cell(table, i);
		size_t place = i % table->columns;
		bool is_last = place == table->columns - 1;
		add_cell(out, table, &cell, &columns[place], is_last);
		if (is_last) {
			while (out->len > 0 && out->data[out->len - 1] == ' ')
				out->len--;
			buf_add_char(out, '\n');
		} else {
			add_spaces(out, GAP);
		}
	}
}

int table_print(const struct table *table, struct buf *out, size_t width)
{
	struct column *columns = calloc(table->columns, sizeof(*columns));

	if (columns == NULL || buf_failed(&table->text) || buf_failed(&table->cells)) {
		free(columns);
		return -1;
	}
	measure(table, columns);
	if (width > 0)
		narrow(columns, table->columns, width);
	add_lines(out, table, columns);
	free(columns);
	return buf_failed(out) ? -1 : 0;
}
