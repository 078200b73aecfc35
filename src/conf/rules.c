/*
 * How: each rule is a function; a table runs them in order. A message points
 * at the key in the account, else in the defaults, else at the account's name.
 */
#include "rules.h"

#include "value.h"

enum {
	PORT_IMAP = 143,
	PORT_IMAPS = 993,
};

/* The node of a key, wherever it was given; NULL where it was not. */
static const struct node *draft_find(const struct draft *draft, struct str key)
{
	const struct node *node = node_find(draft->own, key);

	return node != NULL ? node : node_find(draft->defaults, key);
}

static struct node_mark draft_mark(const struct draft *draft, struct str key)
{
	const struct node *node = draft_find(draft, key);

	return node != NULL ? node->mark : draft->own->key_mark;
}

static int missing(const struct conf_context *c, const struct draft *draft,
	const char *what)
{
	return conf_error(c, draft->own->key_mark, "account '%.60s' has no %s",
		draft->own->key.ptr, what);
}

static int check_required(
	const struct conf_context *c, const struct draft *draft)
{
	const struct account *account = draft->account;
	bool tunnel = account->tunnel.argv != NULL;

	if (account->host == NULL && !tunnel)
		return missing(c, draft, "'server'");
	if (account->maildir == NULL)
		return missing(c, draft, "'maildir'");
	if (account->user.len == 0 && !tunnel && !account->tls.cert_path)
		return missing(c, draft, "'user'");
	return 0;
}

static bool map_gives_mode(const struct node *map)
{
	const struct node *tls = node_find(map, STR("tls"));

	return tls != NULL &&
	       (tls->kind == NODE_WORD || node_find(tls, STR("mode")) != NULL);
}

/*
 * TLS inside a tunnel only where it is asked for, or there is a server's name.
 * Without the name only a key can be trusted.
 */
static int check_tunnel(const struct conf_context *c, const struct draft *draft)
{
	struct account *account = draft->account;

	if (account->tunnel.argv == NULL || account->host != NULL)
		return 0;
	if (!map_gives_mode(draft->own) && !map_gives_mode(draft->defaults))
		account->tls.mode = ACCOUNT_TLS_OFF;
	if (account->tls.mode != ACCOUNT_TLS_OFF &&
		(account->tls.pin_count == 0 || account->tls.ca_path != NULL))
		return conf_error(c, draft_mark(draft, STR("tls")),
			"TLS in a tunnel needs 'server' beside it, the name "
			"that the certificate must have, or just a 'pin'");
	return 0;
}

static int check_cleartext(
	const struct conf_context *c, const struct draft *draft)
{
	const struct account *account = draft->account;
	bool safe = account->tls.mode != ACCOUNT_TLS_OFF ||
		    account->tunnel.argv != NULL || account->allow_cleartext ||
		    host_is_loopback(str_of(account->host));

	if (safe)
		return 0;
	return conf_error(c, draft_mark(draft, STR("tls")),
		"'tls: off' would send all mail in the clear: it is for a "
		"loopback address or a tunnel, or needs "
		"'allow_cleartext: true'");
}

/* A mapping that turns TLS off and says how it is to be is a mistake. */
static int check_tls_off(
	const struct conf_context *c, const struct draft *draft)
{
	const struct node *tls = node_find(draft->own, STR("tls"));

	if (draft->account->tls.mode != ACCOUNT_TLS_OFF || tls == NULL)
		return 0;
	if (tls->kind == NODE_MAP && tls->count > 1)
		return conf_error(c, tls->mark,
			"'tls' is off: its other keys have no effect, leave "
			"them out");
	return 0;
}

static int check_client_cert(
	const struct conf_context *c, const struct draft *draft)
{
	const struct account_tls *tls = &draft->account->tls;

	if ((tls->cert_path == NULL) == (tls->key_path == NULL))
		return 0;
	return conf_error(c, draft_mark(draft, STR("tls")),
		"'cert' and 'key' go together: '%s' is missing",
		tls->cert_path == NULL ? "cert" : "key");
}

static int check_root(const struct conf_context *c, const struct draft *draft)
{
	if (!str_eq(str_of(draft->account->maildir), STR("/")))
		return 0;
	return conf_error(c, draft_mark(draft, STR("maildir")),
		"'maildir' cannot be / itself");
}

static int fill_port(const struct conf_context *c, const struct draft *draft)
{
	struct account *account = draft->account;

	(void)c;
	if (account->port == 0)
		account->port = account->tls.mode == ACCOUNT_TLS_IMPLICIT
					? PORT_IMAPS
					: PORT_IMAP;
	return 0;
}

static int fill_state(const struct conf_context *c, const struct draft *draft)
{
	const char *xdg = c->env->xdg_state_home;
	const char *home = c->env->home;
	const char *name = draft->own->key.ptr;

	if (draft->account->state != NULL)
		return 0;
	if (xdg != NULL && xdg[0] == '/') {
		draft->account->state =
			arena_printf(c->arena, "%s/godwit/%s", xdg, name);
		return 0;
	}
	if (home == NULL || home[0] != '/')
		return conf_error(c, draft->own->key_mark,
			"account '%.60s' has no 'state', and neither "
			"$XDG_STATE_HOME nor $HOME is set",
			name);
	draft->account->state =
		arena_printf(c->arena, "%s/.local/state/godwit/%s", home, name);
	return 0;
}

int draft_check(const struct conf_context *c, const struct draft *draft)
{
	static int (*const rules[])(
		const struct conf_context *, const struct draft *) = {
		check_required,
		check_tunnel,
		check_cleartext,
		check_tls_off,
		check_client_cert,
		check_root,
		fill_port,
		fill_state,
	};

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		if (rules[i](c, draft) != 0)
			return -1;
	}
	return 0;
}

/* A folder that is an account's own. */
struct folder {
	const struct draft *draft;
	struct str key;
	struct str path;
};

static bool is_within(struct str inner, struct str outer)
{
	return str_starts(inner, outer) &&
	       (inner.len == outer.len || inner.ptr[outer.len] == '/');
}

static int pair_check(const struct conf_context *c, const struct folder *a,
	const struct folder *b)
{
	const char *relation = "is also";

	if (!is_within(a->path, b->path) && !is_within(b->path, a->path))
		return 0;
	if (a->path.len < b->path.len)
		relation = "lies within";
	if (a->path.len > b->path.len)
		relation = "holds";
	return conf_error(c, draft_mark(b->draft, b->key),
		"'%s' of account '%.60s' %s '%s' of '%.60s'", b->key.ptr,
		b->draft->own->key.ptr, relation, a->key.ptr,
		a->draft->own->key.ptr);
}

int drafts_check_folders(
	const struct conf_context *c, const struct draft *drafts, size_t count)
{
	struct folder *folders =
		arena_array(c->arena, 2 * count, sizeof(*folders));

	for (size_t i = 0; i < count; i++) {
		const struct account *account = drafts[i].account;

		folders[2 * i] = (struct folder){
			&drafts[i], STR("maildir"), str_of(account->maildir)};
		folders[2 * i + 1] = (struct folder){
			&drafts[i], STR("state"), str_of(account->state)};
	}
	for (size_t i = 0; i < 2 * count; i++) {
		for (size_t j = 0; j < i; j++) {
			if (pair_check(c, &folders[j], &folders[i]) != 0)
				return -1;
		}
	}
	return 0;
}
