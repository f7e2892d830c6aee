#include "tool/near.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define LONGEST 40 /* letters of a word that is looked at */

static int lower(char c)
{
	return tolower((unsigned char)c);
}

static size_t least(size_t a, size_t b, size_t c)
{
	size_t ab = a < b ? a : b;

	return ab < c ? ab : c;
}

/* Optimal string alignment: row i, column j hold the distance of the first i letters of a to the
 * first j of b. */
size_t near_distance(const char *a, const char *b)
{
	static size_t rows[LONGEST + 1][LONGEST + 1];
	size_t a_len = strlen(a);
	size_t b_len = strlen(b);

	if (a_len > LONGEST || b_len > LONGEST)
		return SIZE_MAX;
	for (size_t i = 0; i <= a_len; i++)
		rows[i][0] = i;
	for (size_t j = 0; j <= b_len; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= a_len; i++) {
		for (size_t j = 1; j <= b_len; j++) {
			bool same = lower(a[i - 1]) == lower(b[j - 1]);
			rows[i][j] = least(rows[i - 1][j] + 1, rows[i][j - 1] + 1,
				rows[i - 1][j - 1] + (same ? 0 : 1));
			bool swapped = i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
				       lower(a[i - 2]) == lower(b[j - 1]);
			if (swapped && rows[i - 2][j - 2] + 1 < rows[i][j])
				rows[i][j] = rows[i - 2][j - 2] + 1;
		}
	}
	return rows[a_len][b_len];
}

void near_init(struct near *near, const char *word)
{
	*near = (struct near){.word = word, .best = NULL, .distance = SIZE_MAX};
}

/* "zone" for "dnszone" is near, as many letters as it lacks. */
void near_offer(struct near *near, const char *candidate)
{
	size_t len = strlen(near->word);
	size_t distance = near_distance(near->word, candidate);
	bool is_part = len >= 3 && strcasestr(candidate, near->word) != NULL;

	if ((is_part || distance <= 1 + len / 4) && distance < near->distance) {
		near->best = candidate;
		near->distance = distance;
	}
}
