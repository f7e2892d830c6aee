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
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
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

/* One octet inside quotes, or an escape for one. PowerDNS 4.7 takes any three digits and keeps the
 * low eight bits, 5.1 answers SERVFAIL over more than 255. */
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
	int octet = 0;
	for (int i = 0; i < 3; i++) {
		if (reader->at == reader->end || !is_digit(*reader->at))
			return "bad escape in string";
		octet = 10 * octet + (*reader->at++ - '0');
	}
	return octet > 255 ? "bad escape in string" : NULL;
}

/* The octets of a string up to its closing quote, or to the end. */
static const char *take_octets(struct reader *reader, size_t *octets)
{
	const char *fault = NULL;

	for (*octets = 0; fault == NULL && reader->at < reader->end && *reader->at != '"';
		++*octets)
		fault = take_octet(reader);
	return fault;
}

/* PowerDNS takes letters and digits without quotes for the last string of a content. */
static bool take_bare_word(struct reader *reader)
{
	const char *word = reader->at;

	while (reader->at < reader->end && is_alnum(*reader->at))
		reader->at++;
	bool is_there = reader->at > word;
	skip_space(reader);
	return is_there && reader->at == reader->end;
}

/* Strings up to the end, each in quotes; PowerDNS cuts one of over 255 octets into several.
 * implied: a quote is thought in front of the content and behind it. */
static const char *take_strings(struct reader *reader, bool implied)
{
	bool inside = implied;
	size_t octets;

	while (inside || reader->at < reader->end) {
		if (inside) {
			const char *fault = take_octets(reader, &octets);
			if (fault != NULL)
				return fault;
			if (reader->at == reader->end)
				return implied ? NULL : "quotes do not match";
		} else if (*reader->at != '"') {
			return !implied && take_bare_word(reader) ? NULL
								  : "string is not in quotes";
		}
		reader->at++; /* a quote */
		inside = !inside;
		if (!inside)
			skip_space(reader);
	}
	return implied ? "quotes do not match" : NULL;
}

/* PowerDNS puts quotes around a content that does not start with one. */
static const char *take_txt(const char *content, size_t len)
{
	struct reader reader = {content, content + len};

	return take_strings(&reader, len > 0 && content[0] != '"');
}

/* One string in quotes between other fields. */
static const char *take_quoted(struct reader *reader)
{
	size_t octets;

	if (reader->at == reader->end)
		return "string is missing";
	if (*reader->at++ != '"')
		return "string is not in quotes";
	const char *fault = take_octets(reader, &octets);
	if (fault != NULL)
		return fault;
	if (reader->at == reader->end)
		return "quotes do not match";
	reader->at++;
	skip_space(reader);
	return octets > STRING_MAX ? "string over 255 octets" : NULL;
}

/* Hexadecimal digits up to the end, in groups; "-" is none. */
static const char *take_hex(struct reader *reader)
{
	size_t digits = 0;

	if (reader->end - reader->at == 1 && *reader->at == '-') {
		reader->at++;
		return NULL;
	}
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

/* Four decimal numbers; PowerDNS takes leading zeros. */
static const char *take_ipv4(struct reader *reader)
{
	const char *word;
	size_t len = next_word(reader, &word);
	int dots = 0;
	int value = -1; /* no digit yet */

	for (size_t i = 0; i < len; i++) {
		if (word[i] == '.' && value >= 0) {
			dots++;
			value = -1;
			continue;
		}
		if (!is_digit(word[i]))
			return "not an IPv4 address";
		value = (value < 0 ? 0 : value * 10) + (word[i] - '0');
		if (value > 255)
			return "not an IPv4 address";
	}
	return dots == 3 && value >= 0 ? NULL : "not an IPv4 address";
}

static const char *take_ipv6(struct reader *reader)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr address;
	const char *word;
	size_t len = next_word(reader, &word);

	if (len >= sizeof(text))
		return "not an IPv6 address";
	memcpy(text, word, len);
	text[len] = '\0';
	return inet_pton(AF_INET6, text, &address) == 1 ? NULL : "not an IPv6 address";
}

/* MX and SRV. */
static const char *take_numbers_and_name(struct reader *reader, int n)
{
	const char *fault = take_numbers(reader, UINT16_MAX, n);

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
	if (len == 0 || len > STRING_MAX)
		return "tag is missing, or over 255 octets";
	return reader->at == reader->end ? "string is missing" : take_strings(reader, false);
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
		fault = take_quoted(reader);
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
		return take_ipv4(reader);
	case RRTYPE_AAAA:
		return take_ipv6(reader);
	case RRTYPE_NS:
	case RRTYPE_CNAME:
	case RRTYPE_PTR:
	case RRTYPE_DNAME:
	case RRTYPE_ALIAS:
		return take_name(reader);
	case RRTYPE_MX:
		return take_numbers_and_name(reader, 1);
	case RRTYPE_SRV:
		return take_numbers_and_name(reader, 3);
	case RRTYPE_SPF:
		return take_strings(reader, false);
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

const char *rdata_fault(uint16_t type, const char *content, size_t len)
{
	struct reader reader = {content, content + len};
	const char *fault;

	if (memchr(content, '\0', len) != NULL)
		return "binary zero";
	if (type == RRTYPE_TXT)
		return take_txt(content, len);
	skip_space(&reader);
	fault = take_content(type, &reader);
	if (fault == NULL && reader.at < reader.end)
		return "text behind the last field";
	return fault;
}

/* A number of an SOA, 0 for the first. */
static uint32_t soa_number(const char *content, size_t len, unsigned which)
{
	struct reader reader = {content, content + len};
	const char *word;
	uint32_t number = 0;

	skip_space(&reader);
	if (next_word(&reader, &word) == 0 || next_word(&reader, &word) == 0)
		return 0;
	for (unsigned i = 0; i <= which; i++)
		if (take_number(&reader, UINT32_MAX, &number) != NULL)
			return 0;
	return number;
}

uint32_t soa_serial(const char *content, size_t len)
{
	return soa_number(content, len, 0);
}

uint32_t soa_refresh(const char *content, size_t len)
{
	return soa_number(content, len, 1);
}
