/*
 * How: a row a server: its capabilities after the login, as far as they concern
 * godwit, and what is odd about it. Dovecot, Cyrus and Courier as their Debian
 * packages are; the others from public reports, which age.
 */
#include "fake_server_private.h"

struct kind {
	const char *name;
	const char *caps;
	const char *prefix; /* NULL: none */
	struct fake_oddities odd;
	char delimiter; /* '\0': "/" */
};

static const struct kind kinds[] = {
	{.name = "dovecot",
		.caps = "CHILDREN CONDSTORE CREATE-SPECIAL-USE ENABLE ESEARCH "
			"ID LIST-EXTENDED LIST-STATUS LITERAL+ MOVE "
			"MULTIAPPEND NAMESPACE QRESYNC SPECIAL-USE STATUS=SIZE "
			"UIDPLUS UNSELECT",
		.odd = {.gone = FAKE_GONE_NIL,
			.makes_crlf = true,
			.lazy_modseq = true,
			.login_bytes_max = 1500}},
	{.name = "cyrus",
		.caps = "CHILDREN CONDSTORE CREATE-SPECIAL-USE ENABLE ESEARCH "
			"ID LIST-EXTENDED LIST-STATUS LITERAL+ MOVE "
			"MULTIAPPEND NAMESPACE OBJECTID QRESYNC SPECIAL-USE "
			"STATUS=SIZE UIDPLUS UNSELECT",
		.odd = {.hides_modseq = true}},
	{.name = "gmail",
		.caps = "CHILDREN CONDSTORE ENABLE ESEARCH ID LIST-EXTENDED "
			"LIST-STATUS LITERAL- MOVE NAMESPACE SPECIAL-USE "
			"UIDPLUS UNSELECT X-GM-EXT-1",
		.odd = {.modseq_ahead = true}},
	{.name = "exchange",
		.caps = "CHILDREN ID LITERAL+ MOVE NAMESPACE UIDPLUS UNSELECT",
		.odd = {.uid_last = true, .hides_appended = true}},
	{.name = "icloud",
		.caps = "CHILDREN CONDSTORE ENABLE ESEARCH ID LIST-STATUS "
			"NAMESPACE QRESYNC UIDPLUS UNSELECT",
		.odd = {.enables_nothing = true,
			.search_mute = true,
			.asks_caps = true}},
	{.name = "yahoo",
		.caps = "CHILDREN ENABLE ID LITERAL+ MOVE NAMESPACE OBJECTID "
			"UIDONLY UIDPLUS",
		.odd = {.modseq_unasked = true, .window = 10000}},
	{.name = "courier",
		.caps = "CHILDREN ENABLE NAMESPACE UIDPLUS",
		.odd = {.gone = FAKE_GONE_MADE_UP,
			.no_uidnext = true,
			.adds_final_crlf = true,
			.asks_caps = true,
			.renames_renumber = true},
		.prefix = "INBOX.",
		.delimiter = '.'},
	{.name = "proton", .caps = "ID MOVE UIDPLUS UNSELECT"},
	{.name = "davmail",
		.caps = "MOVE SPECIAL-USE UIDPLUS",
		.odd = {.one_uidvalidity = true}},
};

const char *fake_server_kind(size_t at)
{
	return at < sizeof(kinds) / sizeof(kinds[0]) ? kinds[at].name : NULL;
}

static const struct kind *kind_of(struct str name)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (str_eq(str_of(kinds[i].name), name))
			return &kinds[i];
	}
	return NULL;
}

void fake_server_pose(struct fake_server *server, const char *kind)
{
	const struct kind *row = kind_of(str_of(kind));

	check(row != NULL);
	imap_caps_parse(&server->caps, str_of(row->caps));
	server->odd = row->odd;
	if (row->prefix != NULL)
		server->prefix = row->prefix;
	if (row->delimiter != '\0')
		server->delimiter = row->delimiter;
}
