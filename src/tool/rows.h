/*
 * rows: what a query answered, as a table for people or as JSON.
 */
#ifndef CSDNS_TOOL_ROWS_H
#define CSDNS_TOOL_ROWS_H

#include <jansson.h>
#include <libpq-fe.h>

/* A row as an object with the columns' names: numbers, booleans and JSON as such, NULL as null,
 * everything else as text. Owned by the caller; NULL when memory is out or a text is no UTF-8. */
json_t *rows_object(const PGresult *result, int row);
/* All rows, an array of objects. Owned by the caller; NULL as above. */
json_t *rows_json(const PGresult *result);
/* Prints a table with a line of titles; nothing where there is no row. 0, or -1 after telling. */
int rows_print(const PGresult *result) __attribute__((warn_unused_result));

#endif
