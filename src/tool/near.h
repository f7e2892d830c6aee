/*
 * near: the word that somebody may have meant.
 */
#ifndef CSDNS_TOOL_NEAR_H
#define CSDNS_TOOL_NEAR_H

#include <stddef.h>

struct near {
	const char *word; /* that was typed; borrowed */
	const char *best; /* nearest of the candidates so far, borrowed, or NULL: none is near */
	size_t distance;  /* of best */
};

void near_init(struct near *near, const char *word);
/* Takes the candidate if it is near, and nearer than the others. Letters' case does not count. */
void near_offer(struct near *near, const char *candidate);
/* Letters to add, take away, replace or swap with the next one, to get from one to the other; long
 * words are as far as can be. */
size_t near_distance(const char *a, const char *b);

#endif
