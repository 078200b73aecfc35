/* imap/writer: the grammar's values as a server writes them. */
#include "godwit/imap/writer.h"

#include "tap.h"

static struct buf out;

static void is_out(const char *want, const char *sentence)
{
	is_str(buf_str(&out), str_of(want), "%s", sentence);
	buf_reset(&out);
}

int main(void)
{
	const struct str words[] = {STR("\\Seen"), STR("a")};

	imap_write_string(&out, STR("a \"b\" \\"));
	is_out("\"a \\\"b\\\" \\\\\"", "a string is quoted");
	imap_write_string(&out, STR("a\r\nb"));
	is_out("{4}\r\na\r\nb", "or a literal where it must be");
	imap_write_string(&out, STR("\303\251"));
	is_out("{2}\r\n\303\251", "8-bit bytes are a literal");
	imap_write_nstring(&out, (struct str){0});
	is_out("NIL", "no string is NIL");
	imap_write_nstring(&out, STR(""));
	is_out("\"\"", "an empty string is not");
	imap_write_words(&out, (struct imap_strs){.items = words, .count = 2});
	is_out("(\\Seen a)", "words make a list");
	imap_write_words(&out, (struct imap_strs){0});
	is_out("()", "none make an empty one");
	imap_write_date(&out, (struct imap_date){.zone_minutes = -90});
	is_out("\"31-Dec-1969 22:30:00 -0130\"", "a date is quoted");
	imap_write_list_attrs(&out, IMAP_ATTR_NOSELECT | IMAP_ATTR_SENT);
	is_out("(\\Noselect \\Sent)", "attributes have their names");
	imap_write_status_items(
		&out, IMAP_STATUS_MESSAGES | IMAP_STATUS_APPENDLIMIT);
	is_out("MESSAGES APPENDLIMIT", "items have theirs");
	is_int(imap_list_attr_of(STR("\\drafts")), IMAP_ATTR_DRAFTS,
		"an attribute is found in any case (Cyrus)");
	is_int(imap_list_attr_of(STR("\\Foo")), 0, "another is not");
	is_int(imap_status_item_of(STR("mailboxid")), IMAP_STATUS_MAILBOXID,
		"an item is found in any case");
	is_int((imap_list_attr_of(STR("\\All")) |
		       imap_list_attr_of(STR("\\Important"))) &
			~(unsigned)IMAP_ATTR_ROLES,
		0, "roles are within IMAP_ATTR_ROLES");
	ok(imap_can_quote(STR("\303\251"), true), "UTF-8 can be agreed on");
	ok(!imap_can_quote(STR("a\0b"), true), "a NUL cannot");
	buf_clear(&out);
	return tap_done();
}
