/*
 * How: the rules once more, written down without a look at the code, and NFC
 * asked of libunistring.
 */
#include "mailbox_promise.h"

#include "godwit/base/limits.h"
#include "mail/mailbox_escape.h"

#include <stdlib.h>
#include <uninorm.h>
#include <unistr.h>

static bool safe_component(struct str part)
{
	return part.len > 0 && part.len <= LIMIT_NAME_BYTES &&
	       part.ptr[0] != '.' && !str_ieq(part, STR("cur")) &&
	       !str_ieq(part, STR("new")) && !str_ieq(part, STR("tmp")) &&
	       !str_istarts(part, STR("dovecot-keywords"));
}

static bool no_control(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];
		unsigned char next = i + 1 < s.len ? s.ptr[i + 1] : 0;

		if (c < 0x20 || c == 0x7f || (c == 0xc2 && next < 0xa0))
			return false;
	}
	return true;
}

bool mailbox_promise_path(enum mailbox_layout layout, struct str path)
{
	struct str part;

	if (!no_control(path) ||
		u8_check((const uint8_t *)path.ptr, path.len) != NULL)
		return false;
	if (layout == LAYOUT_MAILDIRPP)
		return path.len == 0 ||
		       (path.len > 1 && path.len <= LIMIT_NAME_BYTES &&
			       path.ptr[0] == '.' && path.ptr[1] != '.' &&
			       str_find(path, '/') == path.len);
	if (path.len == 0)
		return false;
	while (str_split(&path, '/', &part)) {
		if (!safe_component(part))
			return false;
	}
	return true;
}

static bool is_nfc(struct str s)
{
	const uint8_t *text = (const uint8_t *)s.ptr;
	uint8_t *nfc;
	size_t len;
	bool same;

	if (s.len == 0)
		return true;
	nfc = u8_normalize(UNINORM_NFC, text, s.len, NULL, &len);
	same = nfc != NULL && str_eq((struct str){(char *)nfc, len}, s);
	free(nfc);
	return same;
}

static const char *broken_path(enum mailbox_layout layout, struct str name)
{
	struct buf path = {0};
	struct buf again = {0};
	const char *broken = NULL;

	if (mailbox_name_path(layout, name, &path, NULL) == 0) {
		if (!mailbox_promise_path(layout, buf_str(&path)))
			broken = "its path is not safe";
		else if (!is_nfc(buf_str(&path)))
			broken = "its path is not NFC";
		else if (mailbox_name_from_path(
				 layout, buf_str(&path), &again, NULL) != 0)
			broken = "its path is no mailbox";
		else if (!str_eq(buf_str(&again), name))
			broken = "its path leads to another mailbox";
	} else if (layout == LAYOUT_NESTED) {
		broken = "it has no path";
	}
	buf_clear(&path);
	buf_clear(&again);
	return broken;
}

static bool leads_back(
	const struct mailbox_space *space, struct str server, struct str name)
{
	struct buf back = {0};
	struct buf nfc = {0};
	bool same;

	mailbox_nfc(server, &nfc);
	same = mailbox_name_to_server(space, name, &back, NULL) == 0 &&
	       (str_eq(buf_str(&back), buf_str(&nfc)) ||
		       (str_ieq(server, STR("INBOX")) &&
			       str_eq(buf_str(&back), STR("INBOX"))));
	buf_clear(&back);
	buf_clear(&nfc);
	return same;
}

static const char *broken_name(
	const struct mailbox_space *space, struct str server, struct str name)
{
	const char *broken;

	if (!is_nfc(name))
		return "its name is not NFC";
	if (!leads_back(space, server, name))
		return "its name does not lead back";
	broken = broken_path(LAYOUT_NESTED, name);
	return broken != NULL ? broken : broken_path(LAYOUT_MAILDIRPP, name);
}

const char *mailbox_promise_broken(
	const struct mailbox_space *space, struct str server)
{
	struct buf name = {0};
	const char *broken = NULL;

	if (mailbox_name_from_server(space, server, &name, NULL) == 0)
		broken = broken_name(space, server, buf_str(&name));
	buf_clear(&name);
	return broken;
}
