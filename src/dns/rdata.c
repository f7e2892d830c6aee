#include "dns/rdata.h"

#include "dns/name.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <string.h>

/* What is left to read of a content. Every take_ function starts at a field, moves behind it and
 * the space that follows, and returns NULL or what is wrong. */
struct reader {
	const char *at;
	const char *end;
};

#define STRING_MAX 255 /* octets of one character-string, RFC 1035 section 3.3 */

static bool is_space(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_alnum(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_hex(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static void skip_space(struct reader *reader)
{
	while (reader->at < reader->end && is_space(*reader->at))
		reader->at++;
}

/* The next field up to a space; empty at the end. */
static size_t next_word(struct reader *reader, const char **word)
{
	*word = reader->at;
	while (reader->at < reader->end && !is_space(*reader->at))
		reader->at++;
	size_t len = (size_t)(reader->at - *word);
	skip_space(reader);
	return len;
}

static const char *take_number(struct reader *reader, uint32_t max, uint32_t *number)
{
	const char *word;
	size_t len = next_word(reader, &word);
	uint64_t value = 0;

	if (len == 0)
		return "field is missing";
	for (size_t i = 0; i < len; i++) {
		if (!is_digit(word[i]))
			return "not a number";
		value = value * 10 + (uint64_t)(word[i] - '0');
		if (value > max)
			return "number is out of range";
	}
	*number = (uint32_t)value;
	return NULL;
}

/* n numbers of which only the range matters. */
static const char *take_numbers(struct reader *reader, uint32_t max, int n)
{
	const char *fault = NULL;
	uint32_t number;

	for (int i = 0; i < n && fault == NULL; i++)
		fault = take_number(reader, max, &number);
	return fault;
}

static const char *take_name(struct reader *reader)
{
	const char *word;
	size_t len = next_word(reader, &word);
	struct name name;

	if (len == 0)
		return "name is missing";
	int rc = name_parse(&name, word, len);
	return rc == NAME_OK ? NULL : name_error_text(rc);
}

/* One octet of a quoted string, or an escape for one. */
static const char *take_octet(struct reader *reader)
{
	if (*reader->at++ != '\\')
		return NULL;
	if (reader->at == reader->end)
		return "quotes do not match";
	if (!is_digit(*reader->at)) {
		reader->at++;
		return NULL;
	}
	int value = 0;
	for (int i = 0; i < 3; i++) {
		if (reader->at == reader->end || !is_digit(*reader->at))
			return "bad escape in string";
		value = value * 10 + (*reader->at++ - '0');
	}
	return value > 255 ? "bad escape in string" : NULL;
}

/* One string in quotes, of at most max octets. */
static const char *take_quoted(struct reader *reader, size_t max)
{
	size_t octets = 0;

	if (reader->at == reader->end)
		return "string is missing";
	if (*reader->at++ != '"')
		return "string is not in quotes";
	while (reader->at < reader->end && *reader->at != '"') {
		const char *fault = take_octet(reader);
		if (fault != NULL)
			return fault;
		if (++octets > max)
			return "string over 255 octets";
	}
	if (reader->at == reader->end)
		return "quotes do not match";
	reader->at++;
	skip_space(reader);
	return NULL;
}

/* PowerDNS also takes one word of letters and digits without quotes, as the last string. */
static bool take_bare_word(struct reader *reader)
{
	const char *at = reader->at;

	while (at < reader->end && is_alnum(*at))
		at++;
	if (at == reader->at || at != reader->end)
		return false;
	reader->at = at;
	return true;
}

static const char *take_strings(struct reader *reader)
{
	const char *fault;

	do {
		if (take_bare_word(reader))
			return NULL;
		fault = take_quoted(reader, STRING_MAX);
	} while (fault == NULL && reader->at < reader->end);
	return fault;
}

/* Hexadecimal digits up to the end, in groups. */
static const char *take_hex(struct reader *reader)
{
	size_t digits = 0;

	for (; reader->at < reader->end; reader->at++) {
		if (is_hex(*reader->at))
			digits++;
		else if (!is_space(*reader->at))
			return "not hexadecimal";
	}
	if (digits == 0)
		return "hexadecimal field is missing";
	return digits % 2 == 0 ? NULL : "odd number of hexadecimal digits";
}

static const char *take_address(struct reader *reader, int family)
{
	char text[INET6_ADDRSTRLEN];
	unsigned char octets[16];
	const char *word;
	size_t len = next_word(reader, &word);
	const char *fault = family == AF_INET ? "not an IPv4 address" : "not an IPv6 address";

	if (len == 0 || len >= sizeof(text))
		return fault;
	memcpy(text, word, len);
	text[len] = '\0';
	return inet_pton(family, text, octets) == 1 ? NULL : fault;
}

static const char *take_mx(struct reader *reader)
{
	const char *fault = take_numbers(reader, UINT16_MAX, 1);

	return fault != NULL ? fault : take_name(reader);
}

static const char *take_srv(struct reader *reader)
{
	const char *fault = take_numbers(reader, UINT16_MAX, 3);

	return fault != NULL ? fault : take_name(reader);
}

static const char *take_soa(struct reader *reader)
{
	const char *fault = take_name(reader);

	if (fault == NULL)
		fault = take_name(reader);
	return fault != NULL ? fault : take_numbers(reader, UINT32_MAX, 5);
}

static const char *take_caa(struct reader *reader)
{
	const char *fault = take_numbers(reader, UINT8_MAX, 1);
	const char *tag;

	if (fault != NULL)
		return fault;
	size_t len = next_word(reader, &tag);
	if (len == 0)
		return "field is missing";
	for (size_t i = 0; i < len; i++) {
		if (!is_alnum(tag[i]))
			return "tag is not of letters and digits";
	}
	return take_quoted(reader, SIZE_MAX);
}

static const char *take_ds(struct reader *reader)
{
	const char *fault = take_numbers(reader, UINT16_MAX, 1);

	if (fault == NULL)
		fault = take_numbers(reader, UINT8_MAX, 2);
	return fault != NULL ? fault : take_hex(reader);
}

static const char *take_bytes_and_hex(struct reader *reader, int n)
{
	const char *fault = take_numbers(reader, UINT8_MAX, n);

	return fault != NULL ? fault : take_hex(reader);
}

static const char *take_naptr(struct reader *reader)
{
	const char *fault = take_numbers(reader, UINT16_MAX, 2);

	for (int i = 0; i < 3 && fault == NULL; i++)
		fault = take_quoted(reader, STRING_MAX);
	return fault != NULL ? fault : take_name(reader);
}

static const char *take_all(struct reader *reader)
{
	reader->at = reader->end;
	return NULL;
}

static const char *take_content(uint16_t type, struct reader *reader)
{
	switch (type) {
	case RRTYPE_A:
		return take_address(reader, AF_INET);
	case RRTYPE_AAAA:
		return take_address(reader, AF_INET6);
	case RRTYPE_NS:
	case RRTYPE_CNAME:
	case RRTYPE_PTR:
	case RRTYPE_DNAME:
	case RRTYPE_ALIAS:
		return take_name(reader);
	case RRTYPE_MX:
		return take_mx(reader);
	case RRTYPE_SRV:
		return take_srv(reader);
	case RRTYPE_TXT:
	case RRTYPE_SPF:
		return take_strings(reader);
	case RRTYPE_SOA:
		return take_soa(reader);
	case RRTYPE_CAA:
		return take_caa(reader);
	case RRTYPE_DS:
		return take_ds(reader);
	case RRTYPE_SSHFP:
		return take_bytes_and_hex(reader, 2);
	case RRTYPE_TLSA:
		return take_bytes_and_hex(reader, 3);
	case RRTYPE_NAPTR:
		return take_naptr(reader);
	default:
		return take_all(reader);
	}
}

static bool has_control(const char *content, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)content[i];
		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return true;
	}
	return false;
}

const char *rdata_fault(uint16_t type, const char *content, size_t len)
{
	struct reader reader = {content, content + len};

	if (has_control(content, len))
		return "control character";
	const char *fault = take_content(type, &reader);
	if (fault == NULL && reader.at < reader.end)
		return "text behind the last field";
	return fault;
}

uint32_t soa_serial(const char *content, size_t len)
{
	struct reader reader = {content, content + len};
	const char *word;
	uint32_t serial;

	if (next_word(&reader, &word) == 0 || next_word(&reader, &word) == 0)
		return 0;
	return take_number(&reader, UINT32_MAX, &serial) == NULL ? serial : 0;
}
