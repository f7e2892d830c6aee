#include "protocol/write.h"

#include <assert.h>
#include <string.h>

void write_init(struct write *write, enum write_kind kind)
{
	write->kind = kind;
	write->zone_id = -1;
	write->n = 0;
	buf_init(&write->text);
}

void write_fini(struct write *write)
{
	/* It may be a key. */
	if (write->text.data != NULL)
		explicit_bzero(write->text.data, write->text.len);
	buf_fini(&write->text);
}

void write_open(struct write *write)
{
	assert(write->n < WRITE_PARAMS_MAX);
	write->at[write->n++] = write->text.len;
}

void write_close(struct write *write)
{
	buf_add_char(&write->text, '\0');
}

void write_add(struct write *write, const char *text, size_t len)
{
	write_open(write);
	buf_add(&write->text, text, len);
	write_close(write);
}

void write_add_number(struct write *write, int64_t number)
{
	write_open(write);
	buf_add_i64(&write->text, number);
	write_close(write);
}

void write_add_bool(struct write *write, bool value)
{
	write_add(write, value ? "t" : "f", 1);
}

void write_add_null(struct write *write)
{
	write_open(write);
	write->at[write->n - 1] = SIZE_MAX;
}

const char *write_param(const struct write *write, unsigned i)
{
	assert(i < write->n);
	return write->at[i] == SIZE_MAX ? NULL : write->text.data + write->at[i];
}
