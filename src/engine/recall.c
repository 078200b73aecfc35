/*
 * How: capabilities are kept as the words that a server would list, so that
 * numbers of this program's do not get into the journal. The record bears the
 * address that it is about; at another one it is not used.
 */
#include "recall.h"

/* "user@server:port", and how TLS starts there. */
static void address_add(const struct account *account, struct buf *text)
{
	static const char *const modes[] = {
		[ACCOUNT_TLS_IMPLICIT] = "implicit",
		[ACCOUNT_TLS_STARTTLS] = "starttls",
		[ACCOUNT_TLS_OFF] = "off",
	};
	struct buf tunnel = {0};
	const char *const *argv = account->tunnel.argv;

	for (size_t i = 0; argv != NULL && argv[i] != NULL; i++) {
		buf_addz(&tunnel, argv[i]);
		buf_addc(&tunnel, '\0');
	}
	account_fingerprint(
		account->user, str_of(account->host), buf_str(&tunnel), text);
	buf_addf(text, ":%u %s", (unsigned)account->port,
		modes[account->tls.mode]);
	buf_clear(&tunnel);
}

static void take_record(
	const struct server_record *record, struct recall *recall)
{
	recall->has_before = (record->marks & SERVER_MARK_BEFORE) != 0;
	recall->has_after = (record->marks & SERVER_MARK_AFTER) != 0;
	recall->greeting_tells =
		(record->marks & SERVER_MARK_GREETING_TELLS) != 0;
	recall->login_tells = (record->marks & SERVER_MARK_LOGIN_TELLS) != 0;
	recall->auth_alone = (record->marks & SERVER_MARK_AUTH_ALONE) != 0;
	imap_caps_parse(&recall->before, record->before);
	imap_caps_parse(&recall->after, record->after);
	recall->held_s = record->held_s;
	recall->connections = record->connections;
	recall->limited_s = record->limited_s;
}

int recall_load(struct journal *journal, const struct account *account,
	struct recall *recall_r, struct err *err)
{
	struct server_record record;
	struct arena arena = {0};
	struct buf address = {0};
	bool known;
	int result = journal_server(journal, &arena, &record, &known, err);

	*recall_r = (struct recall){0};
	address_add(account, &address);
	if (result == 0 && known &&
		record.address == server_address(buf_str(&address)))
		take_record(&record, recall_r);
	buf_clear(&address);
	arena_clear(&arena);
	return result;
}

void recall_store(struct journal *journal, struct store_batch *batch,
	const struct account *account, const struct recall *recall)
{
	struct buf address = {0};
	struct buf before = {0};
	struct buf after = {0};
	struct server_record record = {
		.held_s = recall->held_s,
		.connections = recall->connections,
		.limited_s = recall->limited_s,
	};

	if (recall->has_before)
		record.marks |= SERVER_MARK_BEFORE;
	if (recall->has_after)
		record.marks |= SERVER_MARK_AFTER;
	if (recall->greeting_tells)
		record.marks |= SERVER_MARK_GREETING_TELLS;
	if (recall->login_tells)
		record.marks |= SERVER_MARK_LOGIN_TELLS;
	if (recall->auth_alone)
		record.marks |= SERVER_MARK_AUTH_ALONE;
	if (recall->connections > 0)
		record.marks |= SERVER_MARK_LIMITED;
	address_add(account, &address);
	imap_caps_print(&recall->before, &before);
	imap_caps_print(&recall->after, &after);
	record.address = server_address(buf_str(&address));
	record.before = buf_str(&before);
	record.after = buf_str(&after);
	journal_server_put(journal, batch, &record);
	buf_clear(&address);
	buf_clear(&before);
	buf_clear(&after);
}

bool recall_caps_equal(const struct imap_caps *a, const struct imap_caps *b)
{
	if (a->known != b->known || a->append_limit != b->append_limit ||
		a->auth_count != b->auth_count)
		return false;
	for (size_t i = 0; i < a->auth_count; i++) {
		if (!imap_caps_has_auth(b, str_of(a->auth[i])))
			return false;
	}
	return true;
}

bool recall_equal(const struct recall *a, const struct recall *b)
{
	return a->has_before == b->has_before && a->has_after == b->has_after &&
	       a->greeting_tells == b->greeting_tells &&
	       a->login_tells == b->login_tells &&
	       a->auth_alone == b->auth_alone && a->held_s == b->held_s &&
	       a->connections == b->connections &&
	       a->limited_s == b->limited_s &&
	       recall_caps_equal(&a->before, &b->before) &&
	       recall_caps_equal(&a->after, &b->after);
}

void recall_name(struct recall *recall, struct str name)
{
	/*
	 * Cyrus 3.6 reads its input from the front again after AUTHENTICATE:
	 * an initial response is answered twice, and the end of what follows
	 * is lost.
	 */
	static const struct {
		struct str begin;
	} alone[] = {
		{{"Cyrus", 5}},
	};

	recall->auth_alone = false;
	for (size_t i = 0; i < sizeof(alone) / sizeof(alone[0]); i++) {
		if (str_istarts(name, alone[i].begin))
			recall->auth_alone = true;
	}
}

/* A clock that was set back does not make it longer. */
static bool is_past(int64_t since_s, int64_t span_s, int64_t now_s)
{
	return now_s < since_s || now_s - since_s >= span_s;
}

bool recall_allows(const struct recall *recall, int64_t now_s)
{
	return recall->held_s == 0 ||
	       is_past(recall->held_s, RECALL_HOLD_S, now_s);
}

void recall_limit(struct recall *recall, uint32_t connections, int64_t now_s)
{
	recall->connections = connections;
	recall->limited_s = now_s;
}

uint32_t recall_connections(const struct recall *recall, int64_t now_s)
{
	return recall->connections == 0 ||
			       is_past(recall->limited_s, RECALL_LIMIT_S, now_s)
		       ? UINT32_MAX
		       : recall->connections;
}
