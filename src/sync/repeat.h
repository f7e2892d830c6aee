/*
 * repeat: the record sets that verification asks for, and asks for again with growing pauses until
 * they are answered as the store says.
 */
#ifndef CSDNS_SYNC_REPEAT_H
#define CSDNS_SYNC_REPEAT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REPEATS_MAX	     10000  /* record sets at once */
#define REPEATS_PAUSE_MAX_MS 600000 /* between questions about what goes on to differ */

struct repeat {
	struct repeat *next;
	json_t *about; /* {zone, name, type} */
	long answers;  /* that differed so far */
	int64_t due_ms;
	bool is_asked; /* of the batch in hand */
	bool differs;  /* likewise */
};

struct repeats {
	struct repeat *first;
	size_t n;
};

/* The one about row's zone, name and type; it is new, and due at once, where there was none. NULL
 * when there are too many, or memory is out. */
struct repeat *repeats_find(struct repeats *repeats, const json_t *row);
/* At most so many that are due, as JSON text, the caller's; they are asked then. NULL: none. */
char *repeats_due(struct repeats *repeats, size_t most);
/* The batch has been answered: what does not differ is dropped, what does waits, from after_ms on
 * twice as long each time. */
void repeats_settle(struct repeats *repeats, long after_ms);
void repeats_fini(struct repeats *repeats);

#endif
