#include "base/utf8.h"

#include <stdbool.h>

size_t utf8_octets(const char *text)
{
	const unsigned char *octets = (const unsigned char *)text;

	if (octets[0] < 0x80)
		return 1;
	if (octets[0] < 0xc2 || octets[0] > 0xf4)
		return 0;
	size_t n = octets[0] >= 0xf0 ? 4 : octets[0] >= 0xe0 ? 3 : 2;
	for (size_t i = 1; i < n; i++) {
		if ((octets[i] & 0xc0) != 0x80)
			return 0;
	}
	/* too long a form, a surrogate, or above U+10FFFF */
	unsigned first_two = (unsigned)octets[0] << 8 | octets[1];
	bool bad = (first_two >= 0xe080 && first_two < 0xe0a0) ||
		   (first_two >= 0xeda0 && first_two < 0xee80) ||
		   (first_two >= 0xf080 && first_two < 0xf090) || first_two >= 0xf490;
	return bad ? 0 : n;
}

void utf8_copy(char *out, size_t size, const char *text)
{
	size_t at = 0;

	while (*text != '\0') {
		size_t n = utf8_octets(text);
		size_t len = n > 0 ? n : 1;
		if (len >= size - at)
			break;
		for (size_t i = 0; i < len; i++)
			out[at++] = n > 0 ? text[i] : '?';
		text += len;
	}
	out[at] = '\0';
}
