#include "config.h"

#include "sync/task.h"

#include "base/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct task *task_new(const PGresult *rows, int row)
{
	struct task *task = calloc(1, sizeof(*task));

	if (task == NULL)
		return NULL;
	task->kind = entity_find(PQgetvalue(rows, row, 0));
	(void)snprintf(task->uuid, sizeof(task->uuid), "%s", PQgetvalue(rows, row, 1));
	(void)snprintf(task->generation, sizeof(task->generation), "%s", PQgetvalue(rows, row, 2));
	if (!PQgetisnull(rows, row, 3))
		task->hint = json_loads(PQgetvalue(rows, row, 3), 0, NULL);
	return task;
}

void task_free(struct task *task)
{
	json_decref(task->hint);
	json_decref(task->entity);
	free(task);
}

void task_fail(struct task *task, const char *why)
{
	task->state = TASK_FAILED;
	utf8_copy(task->error, sizeof(task->error), why);
}

void task_gone(struct task *task)
{
	task->state = TASK_ANSWERED;
	task->is_gone = true;
}

void tasks_drop(struct task **tasks, struct task *task)
{
	struct task **at = tasks;

	while (*at != task)
		at = &(*at)->next;
	*at = task->next;
	task_free(task);
}

struct task *tasks_find_sent(struct task *tasks, const char *kind, const char *uuid)
{
	for (struct task *task = tasks; task != NULL; task = task->next)
		if (task->state == TASK_SENT && strcmp(entity_name(task->kind), kind) == 0 &&
			strcmp(task->uuid, uuid) == 0)
			return task;
	return NULL;
}

void tasks_fail_sent(struct task *tasks, const char *why)
{
	for (struct task *task = tasks; task != NULL; task = task->next)
		if (task->state == TASK_SENT)
			task_fail(task, why);
}

unsigned tasks_count(const struct task *tasks, enum task_state state)
{
	unsigned n = 0;

	for (const struct task *task = tasks; task != NULL; task = task->next)
		n += task->state == state;
	return n;
}

static json_t *task_json(const struct task *task)
{
	if (task->state == TASK_FAILED)
		return json_pack("{s:s, s:s, s:s, s:s, s:b}", "kind", entity_name(task->kind),
			"uuid", task->uuid, "generation", task->generation, "error", task->error,
			"passing", task->is_passing);
	if (task->is_gone)
		return json_pack("{s:s, s:s, s:s, s:b, s:b}", "kind", entity_name(task->kind),
			"uuid", task->uuid, "generation", task->generation, "gone", 1, "told",
			task->is_told);
	return json_pack("{s:s, s:s, s:s, s:O, s:b}", "kind", entity_name(task->kind), "uuid",
		task->uuid, "generation", task->generation, "entity", task->entity, "told",
		task->is_told);
}

char *tasks_collect(struct task *tasks, enum task_state state, unsigned most)
{
	json_t *list = json_array();
	char *text = NULL;
	unsigned n = 0;

	for (struct task *task = tasks; task != NULL && n < most; task = task->next) {
		if (task->state != state || json_array_append_new(list, task_json(task)) < 0)
			continue;
		task->state = TASK_SENT;
		n++;
	}
	if (n > 0)
		text = json_dumps(list, JSON_COMPACT);
	json_decref(list);
	return text;
}

char *tasks_list(const struct task *tasks)
{
	json_t *list = json_array();
	bool is_good = list != NULL;

	for (const struct task *task = tasks; task != NULL && is_good; task = task->next)
		if (task->state != TASK_FORGOTTEN)
			is_good = json_array_append_new(list,
					  json_pack("{s:s, s:s}", "kind", entity_name(task->kind),
						  "uuid", task->uuid)) == 0;
	char *text = is_good ? json_dumps(list, JSON_COMPACT) : NULL;
	json_decref(list);
	return text;
}
