/*
 * How: bytes appended to a buf; what must be escaped or counted is decided
 * before the first one is written.
 */
#include "godwit/imap/writer.h"

#include "names.h"

/* Longer ones go as literals; some servers cap their quoted strings. */
enum {
	QUOTED_BYTES_MAX = 1000
};

bool imap_can_quote(struct str s, bool utf8)
{
	if (s.len > QUOTED_BYTES_MAX)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];

		if (c == '\0' || c == '\r' || c == '\n' || (c >= 0x80 && !utf8))
			return false;
	}
	return true;
}

void imap_write_quoted(struct buf *out, struct str s)
{
	buf_addc(out, '"');
	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] == '"' || s.ptr[i] == '\\')
			buf_addc(out, '\\');
		buf_addc(out, s.ptr[i]);
	}
	buf_addc(out, '"');
}

void imap_write_string(struct buf *out, struct str s)
{
	if (imap_can_quote(s, false)) {
		imap_write_quoted(out, s);
		return;
	}
	buf_addf(out, "{%zu}\r\n", s.len);
	buf_add(out, s);
}

void imap_write_nstring(struct buf *out, struct str s)
{
	if (s.ptr == NULL)
		buf_addz(out, "NIL");
	else
		imap_write_string(out, s);
}

void imap_write_words(struct buf *out, struct imap_strs words)
{
	buf_addc(out, '(');
	for (size_t i = 0; i < words.count; i++) {
		if (i > 0)
			buf_addc(out, ' ');
		buf_add(out, words.items[i]);
	}
	buf_addc(out, ')');
}

void imap_write_date(struct buf *out, struct imap_date date)
{
	char text[IMAP_DATE_BYTES];

	imap_date_print(date, text);
	buf_addf(out, "\"%s\"", text);
}

void imap_write_list_attrs(struct buf *out, unsigned attrs)
{
	buf_addc(out, '(');
	imap_names_write(out, &imap_attr_names, attrs);
	buf_addc(out, ')');
}

void imap_write_status_items(struct buf *out, unsigned items)
{
	imap_names_write(out, &imap_status_names, items);
}

unsigned imap_list_attr_of(struct str name)
{
	return imap_names_bit(&imap_attr_names, name);
}

unsigned imap_status_item_of(struct str name)
{
	return imap_names_bit(&imap_status_names, name);
}
