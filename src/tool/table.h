/*
 * table: rows and columns for people, each column as wide as its widest cell.
 *
 * Cells are added one by one, row after row; the first row holds the titles. What memory lacks for
 * is told at the end, by table_print.
 */
#ifndef CSDNS_TOOL_TABLE_H
#define CSDNS_TOOL_TABLE_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>

struct table {
	size_t columns;	  /* never 0 */
	struct buf text;  /* of all cells, escaped, one behind the other */
	struct buf cells; /* struct table_cell, in the order of adding */
};

void table_init(struct table *table, size_t columns);
void table_fini(struct table *table);
/* The next cell, copied. A column whose cells are numbers, or empty, is set to the right. */
void table_add(struct table *table, const char *text, bool is_number);
/* Adds the lines to out. width: columns of the terminal; wide columns are cut until a line fits, if
 * that leaves something to read; 0: nothing is cut. 0, or -1 when memory is out. */
int table_print(const struct table *table, struct buf *out, size_t width)
	__attribute__((warn_unused_result));

#endif
