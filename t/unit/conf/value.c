/* conf/value: words that stand for numbers, hosts and hashes. */
#include "conf/value.h"

#include "tap.h"

#include <inttypes.h>
#include <string.h>

struct number_example {
	const char *word;
	bool good;
	uint64_t number;
};

static void numbers_check(const char *name,
	bool (*parse)(struct str, uint64_t *),
	const struct number_example *examples)
{
	for (; examples->word != NULL; examples++) {
		uint64_t number = 0;
		bool good = parse(str_of(examples->word), &number);

		ok(good == examples->good && number == examples->number,
			"%s '%s' is %s (%" PRIu64 ")", name, examples->word,
			examples->good ? "taken" : "refused", number);
	}
}

static const struct number_example sizes[] = {
	{"0", true, 0},
	{"4096", true, 4096},
	{"300k", true, 307200},
	{"25M", true, 25 << 20},
	{"25m", true, 25 << 20},
	{"1G", true, 1 << 30},
	{"16777215T", true, UINT64_C(16777215) << 40},
	{"16777216T", false, 0},
	{"18446744073709551616", false, 0},
	{"25MB", false, 0},
	{"M", false, 0},
	{"-1", false, 0},
	{" 1", false, 0},
	{"1.5G", false, 0},
	{"0x10", false, 0},
	{"", false, 0},
	{NULL, false, 0},
};

static const struct number_example durations[] = {
	{"0", true, 0},
	{"0d", true, 0},
	{"60s", true, 60},
	{"90m", true, 5400},
	{"12h", true, 43200},
	{"30d", true, 2592000},
	{"2w", true, 1209600},
	{"2W", true, 1209600},
	{"30", false, 0},
	{"30y", false, 0},
	{"30days", false, 0},
	{"18446744073709551615w", false, 0},
	{NULL, false, 0},
};

static const struct number_example percents[] = {
	{"50%", true, 50},
	{"50", true, 50},
	{"%", false, 0},
	{"50%%", false, 0},
	{"half", false, 0},
	{NULL, false, 0},
};

static const struct number_example bools[] = {
	{"true", true, 1},
	{"yes", true, 1},
	{"false", true, 0},
	{"no", true, 0},
	{"on", false, 0},
	{"1", false, 0},
	{NULL, false, 0},
};

struct server_example {
	const char *word;
	const char *host; /* NULL: refused */
	unsigned port;
};

static const struct server_example servers[] = {
	{"mail.example.org", "mail.example.org", 0},
	{"mail.example.org:1993", "mail.example.org", 1993},
	{"192.0.2.1:143", "192.0.2.1", 143},
	{"[::1]", "::1", 0},
	{"[::1]:993", "::1", 993},
	{"[2001:db8::7]:65535", "2001:db8::7", 65535},
	{"::1", NULL, 0},
	{"[::1", NULL, 0},
	{"[]", NULL, 0},
	{"[mail.example.org]", NULL, 0},
	{"[::1]993", NULL, 0},
	{"mail.example.org:", NULL, 0},
	{"mail.example.org:0", NULL, 0},
	{"mail.example.org:65536", NULL, 0},
	{"mail.example.org:imaps", NULL, 0},
	{"imaps://mail.example.org", NULL, 0},
	{"alice@mail.example.org", NULL, 0},
	{"alice:pw@mail.example.org", NULL, 0},
	{"mail example", NULL, 0},
	{"-option", NULL, 0},
	{".example.org", NULL, 0},
	{"m\xc3\xbcller.example", NULL, 0},
	{":993", NULL, 0},
	{"", NULL, 0},
};

static void servers_check(void)
{
	for (size_t i = 0; i < sizeof(servers) / sizeof(servers[0]); i++) {
		const struct server_example *e = &servers[i];
		struct str host = {0};
		uint64_t port = 0;
		bool good = value_server(str_of(e->word), &host, &port) == NULL;

		ok(good == (e->host != NULL), "server '%s' is %s", e->word,
			e->host != NULL ? "taken" : "refused");
		if (!good || e->host == NULL)
			continue;
		is_str(host, str_of(e->host), "its host is %s", e->host);
		is_int((intmax_t)port, e->port, "its port is %u", e->port);
	}
}

static void loopback_check(void)
{
	static const char *const near[] = {
		"localhost", "LOCALHOST", "127.0.0.1", "127.9.9.9", "::1"};
	static const char *const far[] = {"mail.example.org", "128.0.0.1",
		"::2", "localhost.example.org", "127.0.0.1.example.org", "",
		"126.255.255.255"};

	for (size_t i = 0; i < sizeof(near) / sizeof(near[0]); i++)
		ok(host_is_loopback(str_of(near[i])), "%s is this machine",
			near[i]);
	for (size_t i = 0; i < sizeof(far) / sizeof(far[0]); i++)
		ok(!host_is_loopback(str_of(far[i])),
			"'%s' may be another machine", far[i]);
}

static void base64_check(void)
{
	static const unsigned char want[32] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
		11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26,
		27, 28, 29, 254, 255};
	unsigned char bytes[32] = {0};

	ok(value_base64_32(
		   STR("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd/v8="), bytes),
		"44 letters are a hash");
	ok(memcmp(bytes, want, 32) == 0, "the hash has the right bytes");
	ok(!value_base64_32(
		   STR("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd/v9="), bytes),
		"bits left over at the end are refused");
	ok(!value_base64_32(
		   STR("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd/v8A"), bytes),
		"33 bytes are refused");
	ok(!value_base64_32(
		   STR("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd-_8="), bytes),
		"the URL alphabet is refused");
	ok(!value_base64_32(
		   STR("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd/v8=A"), bytes),
		"letters behind the end are refused");
	ok(!value_base64_32(STR("AAEC"), bytes), "3 bytes are refused");
}

int main(void)
{
	numbers_check("size", value_size, sizes);
	numbers_check("duration", value_duration, durations);
	numbers_check("percentage", value_percent, percents);
	numbers_check("truth value", value_bool, bools);
	servers_check();
	loopback_check();
	base64_check();
	return tap_done();
}
