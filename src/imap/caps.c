/*
 * How: one table of words in the order of enum imap_cap; AUTH= and APPENDLIMIT=
 * are the only words with a value that matters here.
 */
#include "godwit/imap/caps.h"

#include "godwit/base/err.h"

#include <inttypes.h>
#include <string.h>

static const char *const names[IMAP_CAP_COUNT] = {
	[IMAP_CAP_IMAP4REV1] = "IMAP4rev1",
	[IMAP_CAP_IMAP4REV2] = "IMAP4rev2",
	[IMAP_CAP_APPENDLIMIT] = "APPENDLIMIT",
	[IMAP_CAP_BINARY] = "BINARY",
	[IMAP_CAP_CHILDREN] = "CHILDREN",
	[IMAP_CAP_COMPRESS_DEFLATE] = "COMPRESS=DEFLATE",
	[IMAP_CAP_CONDSTORE] = "CONDSTORE",
	[IMAP_CAP_CREATE_SPECIAL_USE] = "CREATE-SPECIAL-USE",
	[IMAP_CAP_ENABLE] = "ENABLE",
	[IMAP_CAP_ESEARCH] = "ESEARCH",
	[IMAP_CAP_ID] = "ID",
	[IMAP_CAP_IDLE] = "IDLE",
	[IMAP_CAP_LIST_EXTENDED] = "LIST-EXTENDED",
	[IMAP_CAP_LIST_STATUS] = "LIST-STATUS",
	[IMAP_CAP_LITERAL_MINUS] = "LITERAL-",
	[IMAP_CAP_LITERAL_PLUS] = "LITERAL+",
	[IMAP_CAP_LOGINDISABLED] = "LOGINDISABLED",
	[IMAP_CAP_MOVE] = "MOVE",
	[IMAP_CAP_MULTIAPPEND] = "MULTIAPPEND",
	[IMAP_CAP_NAMESPACE] = "NAMESPACE",
	[IMAP_CAP_NOTIFY] = "NOTIFY",
	[IMAP_CAP_OBJECTID] = "OBJECTID",
	[IMAP_CAP_QRESYNC] = "QRESYNC",
	[IMAP_CAP_SASL_IR] = "SASL-IR",
	[IMAP_CAP_SEARCHRES] = "SEARCHRES",
	[IMAP_CAP_SPECIAL_USE] = "SPECIAL-USE",
	[IMAP_CAP_STARTTLS] = "STARTTLS",
	[IMAP_CAP_STATUS_SIZE] = "STATUS=SIZE",
	[IMAP_CAP_UIDONLY] = "UIDONLY",
	[IMAP_CAP_UIDPLUS] = "UIDPLUS",
	[IMAP_CAP_UNSELECT] = "UNSELECT",
	[IMAP_CAP_UTF8_ACCEPT] = "UTF8=ACCEPT",
	[IMAP_CAP_UTF8_ONLY] = "UTF8=ONLY",
	[IMAP_CAP_X_GM_EXT_1] = "X-GM-EXT-1",
	[IMAP_CAP_XYM] = "XYMHIGHESTMODSEQ",
};

const char *imap_cap_name(enum imap_cap cap)
{
	check(cap < IMAP_CAP_COUNT);
	return names[cap];
}

bool imap_caps_has(const struct imap_caps *caps, enum imap_cap cap)
{
	return (caps->known >> cap & 1) != 0;
}

void imap_caps_set(struct imap_caps *caps, enum imap_cap cap)
{
	caps->known |= (uint64_t)1 << cap;
}

bool imap_caps_has_auth(const struct imap_caps *caps, struct str mechanism)
{
	for (size_t i = 0; i < caps->auth_count; i++) {
		if (str_ieq(str_of(caps->auth[i]), mechanism))
			return true;
	}
	return false;
}

static void add_auth(struct imap_caps *caps, struct str mechanism)
{
	char *to;

	if (caps->auth_count == IMAP_CAPS_AUTH_MAX || mechanism.len == 0 ||
		mechanism.len >= IMAP_CAPS_AUTH_BYTES ||
		imap_caps_has_auth(caps, mechanism))
		return;
	to = caps->auth[caps->auth_count++];
	for (size_t i = 0; i < mechanism.len; i++) {
		char c = mechanism.ptr[i];

		if (c >= 'a' && c <= 'z')
			c = (char)(c - 'a' + 'A');
		to[i] = c;
	}
}

bool imap_cap_find(struct str word, enum imap_cap *cap_r)
{
	for (size_t i = 0; i < IMAP_CAP_COUNT; i++) {
		if (str_ieq(word, str_of(names[i]))) {
			*cap_r = (enum imap_cap)i;
			return true;
		}
	}
	return false;
}

static void add_word(struct imap_caps *caps, struct str word)
{
	static const struct str auth = {.ptr = "AUTH=", .len = 5};
	static const struct str limit = {.ptr = "APPENDLIMIT=", .len = 12};
	enum imap_cap cap;

	if (str_istarts(word, auth)) {
		add_auth(caps, str_sub(word, auth.len, word.len));
	} else if (str_istarts(word, limit)) {
		if (str_u64(str_sub(word, limit.len, word.len),
			    &caps->append_limit))
			imap_caps_set(caps, IMAP_CAP_APPENDLIMIT);
	} else if (imap_cap_find(word, &cap)) {
		imap_caps_set(caps, cap);
	}
}

void imap_caps_parse(struct imap_caps *caps, struct str list)
{
	struct str before = {0};
	struct str word;

	if (list.ptr == NULL)
		return;
	while (str_split(&list, ' ', &word)) {
		if (str_eq(word, STR("+")) && str_ieq(before, STR("LITERAL")))
			imap_caps_set(caps, IMAP_CAP_LITERAL_PLUS);
		add_word(caps, word);
		before = word;
	}
}

void imap_caps_print(const struct imap_caps *caps, struct buf *out)
{
	const char *space = "";

	for (size_t i = 0; i < IMAP_CAP_COUNT; i++) {
		if (!imap_caps_has(caps, (enum imap_cap)i))
			continue;
		buf_addf(out, "%s%s", space, names[i]);
		if (i == IMAP_CAP_APPENDLIMIT && caps->append_limit != 0)
			buf_addf(out, "=%" PRIu64, caps->append_limit);
		space = " ";
	}
	for (size_t i = 0; i < caps->auth_count; i++) {
		buf_addf(out, "%sAUTH=%s", space, caps->auth[i]);
		space = " ";
	}
}
