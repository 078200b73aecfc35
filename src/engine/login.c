/*
 * How: a machine that knows by its handle which answer is which, since several
 * may be on the way: what is remembered of the server takes the place of what
 * it has not said yet, and is compared when it does. A guess that was wrong
 * gives the connection up; the next one has no guesses. Mechanisms are tried in
 * the order of their strength, as far as the account, the server and the build
 * have them; a -PLUS that fails falls back to SCRAM without binding once (Cyrus
 * offers -PLUS over TLS 1.3 and then refuses the only binding that TLS 1.3 has,
 * after three seconds: so that is remembered), but not to what shows the
 * password; any other refusal ends the login, since trying one password again
 * and again locks accounts, and so does a server that cannot prove that it
 * knows it.
 */
#include "login.h"

#include "godwit/base/limits.h"
#include "godwit/imap/name.h"

#include <stdlib.h>
#include <string.h>

struct mechanism {
	const char *name;
	enum channel_binding binding;
	bool plaintext; /* shows the secret to who listens */
	bool needs_cert;
	bool needs_token; /* the password is an OAuth token: only if named */
	bool needs_password;
};

/*
 * The strongest first. LOGIN is the command, not the mechanism. Up to TLS 1.2
 * tls-unique is what servers bind by, and TLS 1.3 has none (RFC 9266 3).
 */
static const struct mechanism mechanisms[] = {
	{"EXTERNAL", CHANNEL_BINDING_NONE, false, true, false, false},
	{"SCRAM-SHA-256-PLUS", CHANNEL_BINDING_TLS_UNIQUE, false, false, false,
		true},
	{"SCRAM-SHA-256-PLUS", CHANNEL_BINDING_TLS_EXPORTER, false, false,
		false, true},
	{"SCRAM-SHA-1-PLUS", CHANNEL_BINDING_TLS_UNIQUE, false, false, false,
		true},
	{"SCRAM-SHA-1-PLUS", CHANNEL_BINDING_TLS_EXPORTER, false, false, false,
		true},
	{"SCRAM-SHA-256", CHANNEL_BINDING_NONE, false, false, false, true},
	{"SCRAM-SHA-1", CHANNEL_BINDING_NONE, false, false, false, true},
	{"GSSAPI", CHANNEL_BINDING_NONE, false, false, true, false},
	{"OAUTHBEARER", CHANNEL_BINDING_NONE, true, false, true, true},
	{"XOAUTH2", CHANNEL_BINDING_NONE, true, false, true, true},
	{"CRAM-MD5", CHANNEL_BINDING_NONE, false, false, false, true},
	{"PLAIN", CHANNEL_BINDING_NONE, true, false, false, true},
	{"LOGIN", CHANNEL_BINDING_NONE, true, false, false, true},
};

enum {
	MECHANISMS = sizeof(mechanisms) / sizeof(mechanisms[0]),
};

struct login {
	struct conn *conn;
	const struct account *account;
	const struct ports *ports;
	struct secret *password;
	struct server *server;
	struct recall *recall; /* what this login learns */
	struct recall guess;   /* what may be relied upon until then */
	bool guessed;          /* something sent does rely on it */
	bool wrong;            /* and is worth nothing */
	bool is_other;         /* the mechanisms are not those guessed */
	bool refused;          /* the login was */

	/* Handles of the commands on the way; 0: none. */
	uint32_t caps_for_tls;
	uint32_t starttls;
	uint32_t caps_before;
	uint32_t auth;
	uint32_t caps_after;
	uint32_t setup_first;
	uint32_t setup_last;
	unsigned setup; /* answers to these still to come */

	bool is_in; /* the server let us in */
	bool ahead; /* the setup was sent before it did */
	bool is_set_up;
	size_t next_mechanism; /* index from which on to look */
	const struct mechanism *mechanism;
	enum channel_binding bound_refused; /* that of a -PLUS that failed */
	struct sasl_exchange *exchange;
	struct buf binding_data;
	bool cancelled; /* by us, for `reason` */
	struct err reason;
};

void server_clear(struct server *server)
{
	buf_clear(&server->personal);
	buf_clear(&server->foreign);
	buf_clear(&server->name);
	buf_clear(&server->unbound_certificate);
	buf_clear(&server->protection);
	*server = (struct server){0};
}

void server_remember(
	struct server *server, const struct unbound_record *unbound)
{
	buf_reset(&server->unbound_certificate);
	buf_add(&server->unbound_certificate, unbound->certificate);
	server->unbound = *unbound;
	server->unbound.certificate = buf_str(&server->unbound_certificate);
}

struct mailbox_space server_space(const struct server *server)
{
	return (struct mailbox_space){
		.prefix = buf_str(&server->personal),
		.delimiter = server->delimiter,
	};
}

struct login *login_new(struct conn *conn, const struct account *account,
	const struct ports *ports, const struct login_lore *lore)
{
	struct login *login = calloc(1, sizeof(*login));

	check(login != NULL);
	login->conn = conn;
	login->account = account;
	login->ports = ports;
	login->password = lore->password;
	login->server = lore->server;
	login->recall = lore->recall;
	if (lore->guesses)
		login->guess = *lore->recall;
	return login;
}

void login_free(struct login **login)
{
	if (*login == NULL)
		return;
	if ((*login)->exchange != NULL)
		(*login)->ports->login.end(&(*login)->exchange);
	buf_clear(&(*login)->binding_data);
	free(*login);
	*login = NULL;
}

static enum login_step refuse(
	struct err *err, enum err_cause cause, const char *sentence)
{
	err_set(err, ERR_ACCOUNT, ERR_NEVER, cause, "%s", sentence);
	return LOGIN_FAILED;
}

static const struct imap_caps *caps_of(const struct login *login)
{
	return imap_session_caps(conn_session(login->conn));
}

static bool caps_are_known(const struct login *login)
{
	return imap_session_caps_known(conn_session(login->conn));
}

static uint32_t ask(struct login *login, enum imap_command_kind kind)
{
	return conn_submit(login->conn, &(struct imap_command){.kind = kind});
}

/* The account's own list, or any mechanism that needs not be asked for. */
static bool is_allowed(
	const struct login *login, const struct mechanism *mechanism)
{
	const struct account_list *list = &login->account->auth;

	if (list->count == 0)
		return !mechanism->needs_token &&
		       (!mechanism->needs_cert ||
			       login->account->tls.cert_path != NULL);
	for (size_t i = 0; i < list->count; i++) {
		if (str_ieq(list->items[i], str_of(mechanism->name)))
			return true;
	}
	return false;
}

static bool may_say_plaintext(const struct login *login)
{
	return conn_is_secure(login->conn) || login->account->allow_cleartext ||
	       conn_is_near(login->conn);
}

static bool is_offered(
	const struct login *login, const struct mechanism *mechanism)
{
	const struct imap_caps *caps = caps_of(login);

	if (strcmp(mechanism->name, "LOGIN") == 0)
		return !imap_caps_has(caps, IMAP_CAP_LOGINDISABLED);
	return imap_caps_has_auth(caps, str_of(mechanism->name)) &&
	       login->ports->login.has_mechanism(
		       login->ports->login.ctx, mechanism->name);
}

/* ---- Bindings that are refused ------------------------------------------- */

static unsigned unbound_bit(enum channel_binding binding)
{
	return binding == CHANNEL_BINDING_TLS_UNIQUE ? UNBOUND_TLS_UNIQUE
						     : UNBOUND_TLS_EXPORTER;
}

/* Whether what is known holds for the server that we are talking to now, whose
 * certificate's hash becomes *certificate. */
static bool knows_unbound(const struct login *login, struct buf *certificate)
{
	const struct unbound_record *known = &login->server->unbound;
	const struct clock_port *clock = &login->ports->clock;

	if (conn_binding(login->conn, CHANNEL_BINDING_TLS_SERVER_END_POINT,
		    certificate) != 0)
		return false;
	return journal_unbound_holds(
		       known, clock->wall_ns(clock->ctx) / 1000000000) &&
	       str_eq(known->certificate, buf_str(certificate));
}

static bool is_scram(const struct mechanism *mechanism)
{
	return str_starts(str_of(mechanism->name), STR("SCRAM-"));
}

/* Whether SCRAM without a binding is there to be used instead. */
static bool may_go_unbound(const struct login *login)
{
	for (size_t i = 0; i < MECHANISMS; i++) {
		const struct mechanism *mechanism = &mechanisms[i];

		if (mechanism->binding == CHANNEL_BINDING_NONE &&
			is_scram(mechanism) && is_allowed(login, mechanism) &&
			is_offered(login, mechanism))
			return true;
	}
	return false;
}

/* Whether it is known that the server would refuse it. */
static bool is_refused(const struct login *login, enum channel_binding binding)
{
	struct buf certificate = {0};
	bool refused =
		(login->server->unbound.bindings & unbound_bit(binding)) != 0 &&
		may_go_unbound(login) && knows_unbound(login, &certificate);

	buf_clear(&certificate);
	return refused;
}

/* SCRAM let us in where its -PLUS had not. What was known is not made to last
 * longer by that. */
static void remember_refused(struct login *login)
{
	struct server *server = login->server;
	const struct clock_port *clock = &login->ports->clock;
	struct unbound_record now = {
		.bindings = unbound_bit(login->bound_refused),
		.until_s = clock->wall_ns(clock->ctx) / 1000000000 +
			   JOURNAL_UNBOUND_S,
	};
	struct buf certificate = {0};

	if (knows_unbound(login, &certificate)) {
		now.bindings |= server->unbound.bindings;
		now.until_s = server->unbound.until_s;
	}
	now.certificate = buf_str(&certificate);
	if (certificate.len > 0 &&
		certificate.len <= RECORD_CERTIFICATE_BYTES_MAX) {
		server_remember(server, &now);
		server->unbound_is_new = true;
	}
	buf_clear(&certificate);
}

/* ---- Mechanisms ---------------------------------------------------------- */

/* Whether it can be used here; fetches the channel binding's data. */
static bool is_usable(struct login *login, const struct mechanism *mechanism)
{
	if (!is_allowed(login, mechanism) || !is_offered(login, mechanism))
		return false;
	if (mechanism->plaintext && !may_say_plaintext(login))
		return false;
	if (login->bound_refused != CHANNEL_BINDING_NONE &&
		!is_scram(mechanism))
		return false;
	buf_reset(&login->binding_data);
	if (mechanism->binding == CHANNEL_BINDING_NONE)
		return true;
	return login->bound_refused == CHANNEL_BINDING_NONE &&
	       !is_refused(login, mechanism->binding) &&
	       conn_binding(login->conn, mechanism->binding,
		       &login->binding_data) == 0;
}

static int need_password(struct login *login, struct err *err)
{
	const struct login_port *port = &login->ports->login;

	if (!login->mechanism->needs_password ||
		secret_get(login->password).len > 0)
		return 0;
	return port->password(port->ctx, login->account, login->password, err);
}

/* Whether the server offers the mechanism's -PLUS twin. */
static bool offers_bound(
	const struct login *login, const struct mechanism *mechanism)
{
	struct buf twin = {0};
	bool offers;

	buf_addf(&twin, "%s-PLUS", mechanism->name);
	offers = imap_caps_has_auth(caps_of(login), buf_str(&twin));
	buf_clear(&twin);
	return offers;
}

/* The binding to say that we have (login.h): none where it may not count. */
static enum channel_binding binding_to_say(struct login *login)
{
	static const enum channel_binding kinds[] = {
		CHANNEL_BINDING_TLS_EXPORTER, CHANNEL_BINDING_TLS_UNIQUE};

	if (login->mechanism->binding != CHANNEL_BINDING_NONE)
		return login->mechanism->binding;
	if (offers_bound(login, login->mechanism))
		return CHANNEL_BINDING_NONE;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (conn_binding(login->conn, kinds[i], &login->binding_data) ==
			0)
			return kinds[i];
	}
	return CHANNEL_BINDING_NONE;
}

static int exchange_start(struct login *login, struct err *err)
{
	enum channel_binding binding = binding_to_say(login);
	const struct login_port *port = &login->ports->login;
	const struct sasl_request request = {
		.mechanism = login->mechanism->name,
		.user = login->account->user.ptr != NULL
				? login->account->user.ptr
				: "",
		.host = login->account->host,
		.port = login->account->port,
		.password = secret_get(login->password),
		.binding = binding,
		.binding_data = buf_str(&login->binding_data),
	};

	login->exchange = port->start(port->ctx, &request, err);
	return login->exchange == NULL ? -1 : 0;
}

static void setup_submit(
	struct login *login, const struct imap_command *command)
{
	login->setup_last = conn_submit(login->conn, command);
	if (login->setup++ == 0)
		login->setup_first = login->setup_last;
}

enum {
	ENABLES = 3, /* at most */
};

/* What is to be enabled: what a server insists on, what tells changes best, and
 * what shows all of a mailbox (Yahoo's window is narrow without). */
static size_t to_enable(const struct imap_caps *caps, struct str *words)
{
	size_t count = 0;

	if (imap_caps_has(caps, IMAP_CAP_UTF8_ONLY))
		words[count++] = STR("UTF8=ACCEPT");
	if (!imap_caps_has(caps, IMAP_CAP_ENABLE))
		return count;
	if (imap_caps_has(caps, IMAP_CAP_QRESYNC))
		words[count++] = STR("QRESYNC");
	if (imap_caps_has(caps, IMAP_CAP_UIDONLY))
		words[count++] = STR("UIDONLY");
	return count;
}

/* Asks at once for all that the server offers to tell. */
static void set_up(struct login *login)
{
	static const struct str id[] = {{"name", 4}, {"godwit", 6},
		{"version", 7}, {PACKAGE_VERSION, sizeof(PACKAGE_VERSION) - 1}};
	struct str words[ENABLES];
	const struct imap_caps *caps = caps_of(login);
	struct imap_command command = {0};

	/* Each time: some servers open no mailbox before (163.com, QQ). */
	if (imap_caps_has(caps, IMAP_CAP_ID)) {
		command.kind = IMAP_ID;
		command.id.pairs = (struct imap_strs){id, 4};
		setup_submit(login, &command);
	}
	command.enable.count = to_enable(caps, words);
	if (command.enable.count > 0) {
		command.kind = IMAP_ENABLE;
		command.enable.items = words;
		setup_submit(login, &command);
	}
	if (imap_caps_has(caps, IMAP_CAP_NAMESPACE) &&
		!login->server->has_namespace) {
		command.kind = IMAP_NAMESPACE;
		setup_submit(login, &command);
	}
	login->is_set_up = true;
}

/*
 * The login is on the way, and whatever the answer is, nothing is left to say
 * for it: the setup may follow at once, where it is known what the server can.
 */
static void go_ahead(struct login *login)
{
	const struct recall *guess = &login->guess;

	if (!guess->has_after || (login->exchange != NULL && guess->auth_alone))
		return;
	imap_session_foresee(conn_session(login->conn), &guess->after);
	login->guessed = true;
	login->ahead = true;
	if (!guess->login_tells)
		login->caps_after = ask(login, IMAP_CAPABILITY);
	set_up(login);
}

static bool is_complete(const struct login *login)
{
	return login->ports->login.complete(login->exchange);
}

/* Sends AUTHENTICATE, with the initial response where there is one. */
static enum login_step authenticate(struct login *login, struct err *err)
{
	const struct login_port *port = &login->ports->login;
	struct imap_command command = {.kind = IMAP_AUTHENTICATE};
	struct secret initial = {0};

	if (exchange_start(login, err) != 0)
		return LOGIN_FAILED;
	command.authenticate.mechanism = str_of(login->mechanism->name);
	if (port->client_first(login->exchange)) {
		if (port->step(login->exchange, (struct str){0}, &initial,
			    err) != 0)
			return LOGIN_FAILED;
		command.authenticate.has_initial = true;
		command.authenticate.initial = secret_get(&initial);
	}
	login->auth = conn_submit(login->conn, &command);
	secret_clear(&initial);
	if (is_complete(login))
		go_ahead(login);
	return LOGIN_MORE;
}

static enum login_step log_in(struct login *login)
{
	struct imap_command command = {.kind = IMAP_LOGIN};

	command.login.user = login->account->user;
	command.login.password = secret_get(login->password);
	login->auth = conn_submit(login->conn, &command);
	go_ahead(login);
	return LOGIN_MORE;
}

static enum login_step no_mechanism(struct login *login, struct err *err)
{
	struct buf offered = {0};
	const struct imap_caps *caps = caps_of(login);

	login->wrong = login->guessed && !caps_are_known(login);
	for (size_t i = 0; i < caps->auth_count; i++)
		buf_addf(&offered, " %s", caps->auth[i]);
	err_set(err, ERR_ACCOUNT, ERR_NEVER, ERR_LOGIN,
		"no way to log in is left that both sides have and that keeps "
		"the password safe; the server offers:%s%s",
		offered.len > 0 ? buf_z(&offered) : " none",
		imap_caps_has(caps, IMAP_CAP_LOGINDISABLED)
			? " (LOGIN is disabled)"
			: " (and LOGIN)");
	buf_clear(&offered);
	return LOGIN_FAILED;
}

/* Begins with the next mechanism that can be used. */
static enum login_step next_mechanism(struct login *login, struct err *err)
{
	for (; login->next_mechanism < MECHANISMS; login->next_mechanism++) {
		const struct mechanism *mechanism =
			&mechanisms[login->next_mechanism];

		if (!is_usable(login, mechanism))
			continue;
		login->next_mechanism++;
		login->mechanism = mechanism;
		if (need_password(login, err) != 0)
			return LOGIN_FAILED;
		if (strcmp(mechanism->name, "LOGIN") == 0)
			return log_in(login);
		return authenticate(login, err);
	}
	return no_mechanism(login, err);
}

static void learn_before(struct login *login, const struct imap_caps *caps)
{
	login->is_other = login->guess.has_before &&
			  !recall_caps_equal(&login->guess.before, caps);
	login->recall->has_before = true;
	login->recall->before = *caps;
}

/* What was sent ahead is worth nothing: login_begins_anew(). */
static enum login_step retry(struct err *err, const char *what)
{
	err_set(err, ERR_ACCOUNT, ERR_NOW, ERR_PROTOCOL, "the server %s", what);
	return LOGIN_FAILED;
}

/* Whether all is done, or the guess was wrong; else there is more to hear. */
static enum login_step look_round(struct login *login, struct err *err)
{
	if (login->wrong)
		return retry(err, "can something else than it could before");
	if (!login->is_in || !login->is_set_up || login->caps_after != 0 ||
		login->setup > 0)
		return LOGIN_MORE;
	login->server->utf8 = imap_session_enabled(
		conn_session(login->conn), IMAP_CAP_UTF8_ACCEPT);
	recall_name(login->recall, buf_str(&login->server->name));
	return LOGIN_DONE;
}

/* The capabilities are those after the login. */
static enum login_step after_known(struct login *login, struct err *err)
{
	login->wrong = login->ahead &&
		       !recall_caps_equal(&login->guess.after, caps_of(login));
	login->recall->has_after = true;
	login->recall->after = *caps_of(login);
	if (!login->is_set_up)
		set_up(login);
	return look_round(login, err);
}

static enum login_step logged_in(struct login *login, struct err *err)
{
	login->server->tls = conn_is_secure(login->conn);
	buf_reset(&login->server->protection);
	conn_describe(login->conn, &login->server->protection);
	login->cancelled = false;
	login->is_in = true;
	if (caps_are_known(login)) {
		login->recall->login_tells = true;
		return after_known(login, err);
	}
	login->recall->login_tells = false;
	if (login->caps_after == 0)
		login->caps_after = ask(login, IMAP_CAPABILITY);
	return look_round(login, err);
}

/* Logs in, once the capabilities are known or guessed. */
static enum login_step log_in_when_known(struct login *login, struct err *err)
{
	if (caps_are_known(login))
		return next_mechanism(login, err);
	login->caps_before = ask(login, IMAP_CAPABILITY);
	if (!login->guess.has_before)
		return LOGIN_MORE;
	imap_session_assume_caps(
		conn_session(login->conn), &login->guess.before);
	login->guessed = true;
	return next_mechanism(login, err);
}

static enum login_step start_tls(struct login *login, struct err *err)
{
	if (!imap_caps_has(caps_of(login), IMAP_CAP_STARTTLS))
		return refuse(err, ERR_LOGIN,
			"the server does not offer STARTTLS; use `tls: "
			"implicit` (port 993) if it has that");
	login->starttls = ask(login, IMAP_STARTTLS);
	return LOGIN_MORE;
}

static bool wants_starttls(const struct login *login)
{
	return login->account->tls.mode == ACCOUNT_TLS_STARTTLS;
}

static enum login_step greeted(struct login *login,
	const struct imap_status_line *line, struct err *err)
{
	if (line->condition == IMAP_BYE) {
		err_set(err, ERR_ACCOUNT, ERR_LATER, ERR_NET,
			"the server turned us away: %.*s",
			STR_FMT(err_said(line->text)));
		return LOGIN_FAILED;
	}
	if (wants_starttls(login) && line->condition == IMAP_PREAUTH)
		return refuse(err, ERR_LOGIN,
			"the server says that we are logged in before TLS "
			"could start; somebody may be in between, or `tls: "
			"implicit` is what it wants");
	if (wants_starttls(login) && !caps_are_known(login)) {
		login->caps_for_tls = ask(login, IMAP_CAPABILITY);
		return LOGIN_MORE;
	}
	if (wants_starttls(login))
		return start_tls(login, err);
	if (line->condition == IMAP_PREAUTH && login->auth == 0)
		return logged_in(login, err);
	if (line->condition == IMAP_PREAUTH) {
		login->wrong = true;
		login->recall->has_before = false;
		return retry(err, "wants no login any more");
	}
	login->recall->greeting_tells = line->code.kind == IMAP_CODE_CAPABILITY;
	if (login->recall->greeting_tells)
		learn_before(login, line->code.caps);
	return login->auth != 0 ? LOGIN_MORE : log_in_when_known(login, err);
}

enum login_step login_secured(struct login *login, struct err *err)
{
	struct imap_session *session = conn_session(login->conn);

	if (wants_starttls(login))
		return log_in_when_known(login, err);
	if (!login->guess.has_before)
		return LOGIN_MORE;
	imap_session_speak_first(session);
	imap_session_assume_caps(session, &login->guess.before);
	login->guessed = true;
	if (!login->guess.greeting_tells)
		login->caps_before = ask(login, IMAP_CAPABILITY);
	return next_mechanism(login, err);
}

/* Whether the refusal is known to have nothing to do with the mechanism. */
static bool says_why(const struct imap_code *code)
{
	return code->kind == IMAP_CODE_AUTHENTICATIONFAILED ||
	       code->kind == IMAP_CODE_LIMIT ||
	       code->kind == IMAP_CODE_UNAVAILABLE;
}

/* The server refused the mechanism that was tried. */
static enum login_step auth_refused(struct login *login,
	const struct imap_status_line *line, struct err *err)
{
	bool was_bound = login->mechanism->binding != CHANNEL_BINDING_NONE;

	if (login->exchange != NULL)
		login->ports->login.end(&login->exchange);
	if (login->cancelled) {
		login->refused = true;
		*err = login->reason;
		return LOGIN_FAILED;
	}
	if (was_bound && !login->ahead && !says_why(&line->code)) {
		login->bound_refused = login->mechanism->binding;
		return next_mechanism(login, err);
	}
	login->refused = true;
	login->wrong = login->is_other;
	if (line->code.kind == IMAP_CODE_UNAVAILABLE)
		err_set(err, ERR_ACCOUNT, ERR_LATER, ERR_NET,
			"the server cannot check passwords just now: %.*s",
			STR_FMT(err_said(line->text)));
	else if (line->code.kind == IMAP_CODE_LIMIT)
		err_set(err, ERR_ACCOUNT, ERR_LATER, ERR_NET,
			"the server lets no more connections in: %.*s; end "
			"other programs that use the account, or try again "
			"later",
			STR_FMT(err_said(line->text)));
	else
		err_set(err, ERR_ACCOUNT, ERR_NEVER, ERR_LOGIN,
			"the server refused the login of user '%s' (%s): "
			"%.*s; check `user` and `password`",
			login->account->user.ptr != NULL
				? login->account->user.ptr
				: "",
			login->mechanism->name, STR_FMT(err_said(line->text)));
	return LOGIN_FAILED;
}

static enum login_step auth_answered(struct login *login,
	const struct imap_status_line *line, struct err *err)
{
	if (line->condition != IMAP_OK)
		return auth_refused(login, line, err);
	if (login->exchange != NULL && !is_complete(login))
		return refuse(err, ERR_LOGIN,
			"the server let us in without proving that it knows "
			"the password; somebody may be in between");
	login->server->mechanism = login->mechanism->name;
	if (login->bound_refused != CHANNEL_BINDING_NONE)
		remember_refused(login);
	if (login->exchange != NULL)
		login->ports->login.end(&login->exchange);
	return logged_in(login, err);
}

static enum login_step starttls_answered(struct login *login,
	const struct imap_status_line *line, struct err *err)
{
	if (line->condition != IMAP_OK)
		return refuse(err, ERR_LOGIN,
			"the server refused STARTTLS; nothing was sent in the "
			"clear");
	if (conn_start_tls(login->conn, err) != 0)
		return LOGIN_FAILED;
	return LOGIN_MORE; /* login_secured() goes on */
}

static enum login_step answered(struct login *login, uint32_t handle,
	const struct imap_status_line *line, struct err *err)
{
	if (handle == login->caps_for_tls)
		return start_tls(login, err);
	if (handle == login->starttls)
		return starttls_answered(login, line, err);
	if (handle == login->auth)
		return auth_answered(login, line, err);
	if (handle == login->caps_before) {
		login->caps_before = 0;
		return login->auth != 0 ? LOGIN_MORE
					: next_mechanism(login, err);
	}
	if (handle == login->caps_after) {
		login->caps_after = 0;
		return login->is_in ? after_known(login, err) : LOGIN_MORE;
	}
	login->setup--;
	return look_round(login, err);
}

/*
 * Whether it says that the token is not accepted (RFC 7628 section 3.2.3). The
 * server wants an answer before it says NO; where commands went ahead, it takes
 * the first of these for one. That is no reason not to send them the next time,
 * nor to show the token once more.
 */
static bool refuses_token(const struct login *login, struct str challenge)
{
	return login->ahead && login->mechanism->needs_token &&
	       login->mechanism->needs_password && challenge.len > 0;
}

static enum login_step challenged(
	struct login *login, struct str challenge, struct err *err)
{
	const struct imap_status_line no_token = {
		.condition = IMAP_NO,
		.text = STR("it does not accept the token"),
	};
	struct secret response = {0};

	if (login->exchange != NULL && refuses_token(login, challenge))
		return auth_refused(login, &no_token, err);
	if (login->exchange == NULL || login->cancelled || login->ahead)
		return refuse(err, ERR_PROTOCOL,
			"the server asks on after the end of the login");
	login->cancelled = login->ports->login.step(login->exchange, challenge,
				   &response, &login->reason) != 0;
	if (login->cancelled)
		imap_session_cancel_auth(conn_session(login->conn));
	else
		imap_session_respond(
			conn_session(login->conn), secret_get(&response));
	secret_clear(&response);
	if (!login->cancelled && is_complete(login))
		go_ahead(login);
	return LOGIN_MORE;
}

/* The first personal namespace, and the prefixes of what is not ours. */
static void learn_namespaces(
	struct server *server, const struct imap_namespaces *spaces)
{
	const struct imap_namespace *own =
		spaces->items[IMAP_NAMESPACE_PERSONAL];

	server->has_namespace = true;
	if (spaces->count[IMAP_NAMESPACE_PERSONAL] > 0) {
		buf_reset(&server->personal);
		(void)imap_name_decode(own[0].prefix, false, &server->personal);
		server->delimiter = own[0].delimiter;
	}
	buf_reset(&server->foreign);
	for (int kind = IMAP_NAMESPACE_OTHERS; kind < IMAP_NAMESPACE_KINDS;
		kind++) {
		for (size_t i = 0; i < spaces->count[kind]; i++) {
			buf_add(&server->foreign,
				spaces->items[kind][i].prefix);
			buf_addc(&server->foreign, '\0');
		}
	}
}

static void learn_id(struct server *server, struct imap_strs pairs)
{
	buf_reset(&server->name);
	for (size_t i = 0; i + 1 < pairs.count; i += 2) {
		if (str_ieq(pairs.items[i], STR("name")) ||
			str_ieq(pairs.items[i], STR("version"))) {
			if (server->name.len > 0)
				buf_addc(&server->name, ' ');
			buf_add(&server->name, pairs.items[i + 1]);
		}
	}
}

static enum login_step told(
	struct login *login, const struct imap_event *event, struct err *err)
{
	const struct imap_response *response = event->response;

	if (response->kind == IMAP_RESPONSE_CAPABILITY &&
		event->handle == login->caps_before && event->handle != 0)
		learn_before(login, response->caps);
	if (response->kind == IMAP_RESPONSE_NAMESPACE)
		learn_namespaces(login->server, &response->namespaces);
	if (response->kind == IMAP_RESPONSE_ID)
		learn_id(login->server, response->words);
	if (response->kind == IMAP_RESPONSE_CONDITION &&
		response->line.condition == IMAP_BAD && login->ahead)
		return retry(err, "does not understand what was sent ahead");
	if (response->kind == IMAP_RESPONSE_CONDITION &&
		response->line.condition == IMAP_BYE) {
		err_set(err, ERR_ACCOUNT, ERR_LATER, ERR_NET,
			"the server ended the connection: %.*s",
			STR_FMT(err_said(response->line.text)));
		return LOGIN_FAILED;
	}
	return LOGIN_MORE;
}

enum login_step login_event(
	struct login *login, const struct imap_event *event, struct err *err)
{
	switch (event->kind) {
	case IMAP_EVENT_GREETING:
		return greeted(login, &event->response->line, err);
	case IMAP_EVENT_TAGGED:
		return answered(
			login, event->handle, &event->response->line, err);
	case IMAP_EVENT_CHALLENGE:
		return challenged(login, event->bytes, err);
	case IMAP_EVENT_UNTAGGED:
		return told(login, event, err);
	case IMAP_EVENT_LITERAL_WANTED:
	case IMAP_EVENT_IDLING:
		break;
	}
	return LOGIN_MORE;
}

bool login_owns(const struct login *login, uint32_t handle)
{
	return handle == login->caps_for_tls || handle == login->starttls ||
	       handle == login->caps_before || handle == login->auth ||
	       handle == login->caps_after ||
	       (handle >= login->setup_first && handle <= login->setup_last);
}

bool login_may_be_followed(const struct login *login)
{
	return login->is_set_up && (!login->is_in || caps_are_known(login));
}

bool login_begins_anew(const struct login *login, const struct err *why)
{
	if (!login->guessed)
		return false;
	return login->wrong || (!login->refused && why->cause != ERR_LOGIN);
}

bool login_has_guessed(const struct login *login)
{
	return login->guessed;
}

bool login_was_misled(const struct login *login)
{
	return login->wrong;
}
