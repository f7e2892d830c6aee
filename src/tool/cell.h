/*
 * cell: text for one place on a terminal: what could steer the terminal made visible, its width in
 * columns, and how much of it fits. Text is UTF-8; bytes that are not are shown as such.
 */
#ifndef CSDNS_TOOL_CELL_H
#define CSDNS_TOOL_CELL_H

#include "base/buf.h"

#include <stddef.h>

/* Makes widths those of UTF-8, whatever the locale; before it, and where the C library has no such
 * locale, every character but a combining one is a column wide. */
void cell_init(void);
/* Adds the text with control characters, and those that turn the direction of writing, as "\n",
 * "\t", "\u009b", and bytes that are not UTF-8 as "\xff". */
void cell_add_escaped(struct buf *out, const char *text, size_t len);
/* Columns that escaped text takes. */
size_t cell_width(const char *text, size_t len);
/* Bytes of escaped text that fit into so many columns. */
size_t cell_fit(const char *text, size_t len, size_t columns);

#endif
