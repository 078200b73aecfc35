/*
 * How: a number and a unit from a table; the rest is byte by byte. Addresses
 * are told from names by inet_pton, which touches no network.
 */
#include "value.h"

#include "godwit/base/err.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

struct unit {
	char letter; /* lower case; NUL: no letter at all */
	uint64_t factor;
};

static const struct unit size_units[] = {
	{'\0', 1},
	{'k', UINT64_C(1) << 10},
	{'m', UINT64_C(1) << 20},
	{'g', UINT64_C(1) << 30},
	{'t', UINT64_C(1) << 40},
};

static const struct unit duration_units[] = {
	{'s', 1},
	{'m', 60},
	{'h', 3600},
	{'d', 86400},
	{'w', 604800},
};

struct units {
	const struct unit *items;
	size_t count;
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool number_with_unit(
	struct str word, struct units units, uint64_t *number_r)
{
	char letter = '\0';
	uint64_t number;

	if (word.len > 0 && is_letter(word.ptr[word.len - 1])) {
		letter = (char)(word.ptr[word.len - 1] | 0x20);
		word.len--;
	}
	if (!str_u64(word, &number))
		return false;
	for (size_t i = 0; i < units.count; i++) {
		if (units.items[i].letter != letter)
			continue;
		if (number > UINT64_MAX / units.items[i].factor)
			return false;
		*number_r = number * units.items[i].factor;
		return true;
	}
	return false;
}

bool value_bool(struct str word, uint64_t *bool_r)
{
	bool yes = str_eq(word, STR("true")) || str_eq(word, STR("yes"));

	if (!yes && !str_eq(word, STR("false")) && !str_eq(word, STR("no")))
		return false;
	*bool_r = yes;
	return true;
}

bool value_size(struct str word, uint64_t *bytes_r)
{
	const struct units units = {
		size_units, sizeof(size_units) / sizeof(size_units[0])};

	return number_with_unit(word, units, bytes_r);
}

bool value_duration(struct str word, uint64_t *seconds_r)
{
	const struct units units = {duration_units,
		sizeof(duration_units) / sizeof(duration_units[0])};

	if (str_eq(word, STR("0"))) {
		*seconds_r = 0;
		return true;
	}
	return number_with_unit(word, units, seconds_r);
}

bool value_percent(struct str word, uint64_t *percent_r)
{
	if (str_ends(word, STR("%")))
		word.len--;
	return str_u64(word, percent_r);
}

static bool is_ipv6(struct str text)
{
	struct in6_addr address;
	char zstring[INET6_ADDRSTRLEN];

	if (text.len >= sizeof(zstring))
		return false;
	memcpy(zstring, text.ptr, text.len);
	zstring[text.len] = '\0';
	return inet_pton(AF_INET6, zstring, &address) == 1;
}

static bool is_host_name(struct str text)
{
	if (text.len == 0 || text.len > 253 || text.ptr[0] == '-' ||
		text.ptr[0] == '.')
		return false;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if (!is_letter(c) && !is_digit(c) && c != '-' && c != '.' &&
			c != '_')
			return false;
	}
	return true;
}

static const char *port_read(struct str rest, uint64_t *port_r)
{
	if (rest.len == 0) {
		*port_r = 0;
		return NULL;
	}
	if (rest.ptr[0] != ':' ||
		!str_u64(str_sub(rest, 1, rest.len), port_r) || *port_r == 0 ||
		*port_r > UINT16_MAX)
		return "has no port from 1 to 65535 behind its ':'";
	return NULL;
}

static const char *bracketed_read(
	struct str word, struct str *host_r, uint64_t *port_r)
{
	size_t close = str_find(word, ']');

	*host_r = str_sub(word, 1, close - 1);
	if (close == word.len || !is_ipv6(*host_r))
		return "has no IPv6 address between its brackets";
	return port_read(str_sub(word, close + 1, word.len), port_r);
}

const char *value_server(struct str word, struct str *host_r, uint64_t *port_r)
{
	size_t colon = str_find(word, ':');

	if (word.len > 0 && word.ptr[0] == '[')
		return bracketed_read(word, host_r, port_r);
	if (str_starts(str_sub(word, colon, word.len), STR("://")))
		return "is a URL: write the host alone, and 'tls:' and "
		       "'user:' beside it";
	if (str_find(word, '@') < word.len)
		return "holds a login: write the host alone, and 'user:' "
		       "beside it";
	if (is_ipv6(word))
		return "is an IPv6 address without brackets: write "
		       "[address] or [address]:port";
	for (size_t i = 0; i < word.len; i++) {
		if ((unsigned char)word.ptr[i] >= 0x80)
			return "has letters outside ASCII: write its xn-- "
			       "form";
	}
	*host_r = str_sub(word, 0, colon);
	if (!is_host_name(*host_r))
		return "is not a host name or address";
	return port_read(str_sub(word, colon, word.len), port_r);
}

bool host_is_loopback(struct str host)
{
	struct in_addr v4;
	struct in6_addr v6;
	char zstring[INET6_ADDRSTRLEN];

	if (str_ieq(host, STR("localhost")))
		return true;
	if (host.len >= sizeof(zstring))
		return false;
	memcpy(zstring, host.ptr, host.len);
	zstring[host.len] = '\0';
	if (inet_pton(AF_INET, zstring, &v4) == 1)
		return ntohl(v4.s_addr) >> 24 == 127;
	return inet_pton(AF_INET6, zstring, &v6) == 1 &&
	       IN6_IS_ADDR_LOOPBACK(&v6);
}

static int base64_digit(char c)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz"
				     "0123456789+/";
	const char *at = c == '\0' ? NULL : strchr(digits, c);

	return at == NULL ? -1 : (int)(at - digits);
}

bool value_base64_32(struct str word, unsigned char *bytes_r)
{
	unsigned bits = 0;
	size_t done = 0;

	if (word.len != 44 || word.ptr[43] != '=')
		return false;
	for (size_t i = 0; i < 43; i++) {
		int digit = base64_digit(word.ptr[i]);

		if (digit < 0)
			return false;
		bits = (bits << 6 | (unsigned)digit) & 0xffffff;
		if (i % 4 != 0)
			bytes_r[done++] =
				(unsigned char)(bits >> (i % 4 == 1 ? 4
								: i % 4 == 2
									? 2
									: 0));
	}
	check(done == 32);
	return (bits & 3) == 0;
}
