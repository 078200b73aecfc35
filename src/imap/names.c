/* How: plain arrays; they are short, so finding a name is a walk. */
#include "names.h"

#define NAMES(array)                                                           \
	{                                                                      \
		.items = (array), .count = sizeof(array) / sizeof((array)[0])  \
	}

static const char *const attrs[] = {
	"\\NoInferiors",
	"\\Noselect",
	"\\Marked",
	"\\Unmarked",
	"\\HasChildren",
	"\\HasNoChildren",
	"\\NonExistent",
	"\\Subscribed",
	"\\Remote",
	"\\All",
	"\\Archive",
	"\\Drafts",
	"\\Flagged",
	"\\Junk",
	"\\Sent",
	"\\Trash",
	"\\Important",
};

static const char *const status_items[] = {
	"MESSAGES",
	"UIDNEXT",
	"UIDVALIDITY",
	"UNSEEN",
	"RECENT",
	"HIGHESTMODSEQ",
	"SIZE",
	"DELETED",
	"MAILBOXID",
	"APPENDLIMIT",
};

static const char *const list_options[] = {
	"SUBSCRIBED",
	"REMOTE",
	"RECURSIVEMATCH",
	"SPECIAL-USE",
	"CHILDREN",
	"STATUS",
};

static const char *const fetch_items[] = {
	"UID",
	"FLAGS",
	"INTERNALDATE",
	"RFC822.SIZE",
	"MODSEQ",
	"EMAILID",
	"X-GM-MSGID",
	"BODY.PEEK[HEADER]",
	"BODY.PEEK[]",
};

static const char *const search_returns[] = {"MIN", "MAX", "ALL", "COUNT"};

const struct imap_names imap_attr_names = NAMES(attrs);
const struct imap_names imap_status_names = NAMES(status_items);
const struct imap_names imap_option_names = NAMES(list_options);
const struct imap_names imap_fetch_names = NAMES(fetch_items);
const struct imap_names imap_return_names = NAMES(search_returns);

void imap_names_write(
	struct buf *out, const struct imap_names *names, unsigned bits)
{
	const char *space = "";

	for (unsigned i = 0; i < names->count; i++) {
		if ((bits >> i & 1) == 0)
			continue;
		buf_addf(out, "%s%s", space, names->items[i]);
		space = " ";
	}
}

unsigned imap_names_bit(const struct imap_names *names, struct str name)
{
	for (unsigned i = 0; i < names->count; i++) {
		if (str_ieq(name, str_of(names->items[i])))
			return 1U << i;
	}
	return 0;
}
