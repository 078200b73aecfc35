/*
 * os/login: SASL's client, against GNU SASL's server side in this process, or
 * against the RFCs' examples.
 */
#include "godwit/os/login.h"

#include "godwit/base/limits.h"

#include "tap.h"

#include <gsasl.h>
#include <stdlib.h>
#include <string.h>

/* What the server believes; the hook of its session. */
struct server {
	const char *password;
	const char *exporter; /* its tls-exporter binding, base64, or NULL */
	const char *unique;   /* likewise */
	Gsasl_session *session;
};

static const char exporter_base64[] = "ZXhwb3J0ZXI=";
static const char unique_base64[] = "dW5pcXVl";

static int server_answer(
	Gsasl *gsasl, Gsasl_session *session, Gsasl_property property)
{
	const struct server *server = gsasl_session_hook_get(session);
	const char *value = NULL;

	(void)gsasl;
	if (property == GSASL_PASSWORD)
		value = server->password;
	else if (property == GSASL_CB_TLS_EXPORTER)
		value = server->exporter;
	else if (property == GSASL_CB_TLS_UNIQUE)
		value = server->unique;
	if (value == NULL)
		return GSASL_NO_CALLBACK;
	return gsasl_property_set(session, property, value);
}

struct world {
	struct os_login os;
	struct login_port port;
	Gsasl *gsasl; /* the server's */
};

static bool has(const struct err *err, const char *words)
{
	if (strstr(err->text, words) != NULL)
		return true;
	tap_note("the sentence is: %s", err->text);
	return false;
}

static struct sasl_request request_of(const char *mechanism)
{
	return (struct sasl_request){
		.mechanism = mechanism,
		.user = "alice",
		.host = "mail.example.org",
		.port = 993,
		.password = STR("s3cret"),
	};
}

static struct sasl_request with_exporter(struct sasl_request request)
{
	request.binding = CHANNEL_BINDING_TLS_EXPORTER;
	request.binding_data = STR("exporter");
	return request;
}

static struct sasl_request with_unique(struct sasl_request request)
{
	request.binding = CHANNEL_BINDING_TLS_UNIQUE;
	request.binding_data = STR("unique");
	return request;
}

/* How a whole exchange went. */
struct outcome {
	bool server_content;
	bool client_content;
	bool client_failed;
	char first[32]; /* the beginning of the client's first message */
	struct err err;
};

/* Lets both talk until one gives up or both are done. `forge`, if any, is
 * what the client gets instead of the server's last message. */
static struct outcome run(const struct world *world,
	const struct sasl_request *request, struct server server,
	const char *forge)
{
	struct outcome outcome = {0};
	struct secret response = {0};
	struct buf challenge = {0};
	struct sasl_exchange *client;
	int status = GSASL_NEEDS_MORE;

	check(gsasl_server_start(world->gsasl, request->mechanism,
		      &server.session) == GSASL_OK);
	gsasl_session_hook_set(server.session, &server);
	client = world->port.start(world->port.ctx, request, &outcome.err);
	outcome.client_failed = client == NULL;
	for (int turn = 0;
		client != NULL && status == GSASL_NEEDS_MORE && turn < 5;
		turn++) {
		struct str text;
		char *out;
		size_t len;

		if (world->port.step(client, buf_str(&challenge), &response,
			    &outcome.err) == -1) {
			outcome.client_failed = true;
			break;
		}
		text = secret_get(&response);
		if (turn == 0)
			(void)snprintf(outcome.first, sizeof(outcome.first),
				"%.*s", STR_FMT(str_sub(text, 0, 20)));
		status = gsasl_step(
			server.session, text.ptr, text.len, &out, &len);
		if (status != GSASL_OK && status != GSASL_NEEDS_MORE)
			break;
		buf_reset(&challenge);
		buf_add(&challenge, (struct str){out, len});
		gsasl_free(out);
	}
	outcome.server_content = status == GSASL_OK;
	if (outcome.server_content && challenge.len > 0) {
		ok(!world->port.complete(client),
			"before the server's proof, nothing is complete");
		outcome.client_failed =
			world->port.step(client,
				forge != NULL ? str_of(forge)
					      : buf_str(&challenge),
				&response, &outcome.err) == -1;
	}
	outcome.client_content = client != NULL && world->port.complete(client);
	world->port.end(&client);
	gsasl_finish(server.session);
	secret_clear(&response);
	buf_clear(&challenge);
	return outcome;
}

static void test_good(const struct world *world, struct sasl_request request,
	const char *what)
{
	struct server server = {.password = "s3cret",
		.exporter = exporter_base64,
		.unique = unique_base64};
	struct outcome outcome = run(world, &request, server, NULL);

	ok(outcome.server_content && outcome.client_content, "%s logs in%s",
		request.mechanism, what);
	request.password = STR("wrong");
	outcome = run(world, &request, server, NULL);
	ok(!outcome.server_content && !outcome.client_content,
		"%s fails with a wrong password%s", request.mechanism, what);
}

static void test_scram(const struct world *world)
{
	test_good(world, request_of("SCRAM-SHA-256"), "");
	test_good(world, request_of("SCRAM-SHA-1"), "");
	test_good(world, with_exporter(request_of("SCRAM-SHA-256-PLUS")),
		" by tls-exporter");
	test_good(world, with_unique(request_of("SCRAM-SHA-256-PLUS")),
		" by tls-unique");
	test_good(world, with_exporter(request_of("SCRAM-SHA-1-PLUS")),
		" by tls-exporter");
	test_good(world, with_unique(request_of("SCRAM-SHA-1-PLUS")),
		" by tls-unique");
}

static void test_wrong_binding(const struct world *world)
{
	struct sasl_request request =
		with_exporter(request_of("SCRAM-SHA-256-PLUS"));
	struct server server = {
		.password = "s3cret", .exporter = "c29tZWJvZHkgZWxzZQ=="};
	struct outcome outcome = run(world, &request, server, NULL);

	ok(!outcome.server_content && !outcome.client_content,
		"with another connection's binding, the login fails");
}

/* RFC 5802 6 */
static void test_gs2_flag(const struct world *world)
{
	struct sasl_request none = request_of("SCRAM-SHA-256");
	struct sasl_request could = with_exporter(none);
	struct sasl_request plus =
		with_exporter(request_of("SCRAM-SHA-256-PLUS"));
	struct server binds = {.password = "s3cret", exporter_base64, NULL, 0};
	struct server plain = {.password = "s3cret"};
	struct outcome outcome = run(world, &plus, binds, NULL);

	ok(strncmp(outcome.first, "p=tls-exporter,,n=", 18) == 0,
		"a -PLUS names its binding");
	plus = with_unique(plus);
	binds.unique = unique_base64;
	outcome = run(world, &plus, binds, NULL);
	ok(strncmp(outcome.first, "p=tls-unique,,n=", 16) == 0,
		"each by its name");
	outcome = run(world, &could, plain, NULL);
	ok(strncmp(outcome.first, "y,,n=alice,r=", 13) == 0 &&
			outcome.client_content,
		"without -PLUS, a binding that could be had is mentioned");
	outcome = run(world, &could, binds, NULL);
	ok(!outcome.server_content,
		"and a server that had offered -PLUS notices");
	outcome = run(world, &none, binds, NULL);
	ok(strncmp(outcome.first, "n,,n=alice,r=", 13) == 0 &&
			outcome.client_content,
		"without a binding there is none, and no such server minds");
}

static void test_forged(const struct world *world, const char *forge,
	enum err_cause cause, const char *words)
{
	struct sasl_request request = request_of("SCRAM-SHA-256");
	struct server server = {.password = "s3cret"};
	struct outcome outcome = run(world, &request, server, forge);

	ok(outcome.client_failed && !outcome.client_content &&
			outcome.err.cause == cause && has(&outcome.err, words),
		"a last message '%s' is not believed", forge);
}

static void test_forgeries(const struct world *world)
{
	static const char *const proof = "cannot prove that it knows";

	test_forged(world,
		"v=rmF9pqV8S7suAoZWja4dJRkFsKQyJHsnDQ10mxMCh2w=", ERR_LOGIN,
		proof);
	test_forged(world, "v=", ERR_PROTOCOL, "SCRAM-SHA-256 fails");
	test_forged(world, "", ERR_PROTOCOL, "SCRAM-SHA-256 fails");
	test_forged(world, "e=other-error", ERR_LOGIN,
		"refuses the login by SCRAM-SHA-256: other-error");
}

/* Steps the client with an empty challenge, then with `challenge`. */
static int second_step(const struct world *world,
	const struct sasl_request *request, struct str challenge,
	struct err *err)
{
	struct sasl_exchange *client =
		world->port.start(world->port.ctx, request, err);
	struct secret response = {0};
	int result;

	check(client != NULL);
	result = world->port.step(client, STR(""), &response, err);
	if (result == 0)
		result = world->port.step(client, challenge, &response, err);
	check(!world->port.complete(client) || result == 0);
	secret_clear(&response);
	world->port.end(&client);
	return result;
}

static void test_hostile(const struct world *world, const char *mechanism)
{
	struct sasl_request request = with_exporter(request_of(mechanism));
	struct buf big = {0};
	struct err err;
	unsigned random = 1;

	while (big.len <= LIMIT_SASL_BYTES)
		buf_addz(&big, "r=x,s=QSXCR+Q6sek8bf92,i=4096,");
	ok(second_step(world, &request, buf_str(&big), &err) == -1 &&
			has(&err, "longer than 64 KiB"),
		"%s: a challenge over the limit is refused", mechanism);
	for (int i = 0; i < 2000; i++) {
		random = random * 1103515245 + 12345;
		buf_reset(&big);
		for (unsigned j = 0; j < random >> 26; j++) {
			random = random * 1103515245 + 12345;
			buf_addc(&big, "r=s=i=e=v=,,\0\xff"
				       "09Az/+"[(random >> 16) % 20]);
		}
		(void)second_step(world, &request, buf_str(&big), &err);
	}
	ok(true, "%s: noise does no harm", mechanism);
	buf_clear(&big);
}

/* Answers of mechanisms whose messages are fixed; NULL: must fail. */
static void test_fixed(const struct world *world, struct sasl_request request,
	bool client_first, const struct str *lines, const char *what)
{
	struct err err = {0};
	struct sasl_exchange *client =
		world->port.start(world->port.ctx, &request, &err);
	struct secret response = {0};
	bool right = client != NULL;
	size_t i = 0;

	for (; right && lines[i].ptr != NULL; i += 2) {
		right = world->port.step(client, lines[i], &response, &err) ==
				0 &&
			str_eq(secret_get(&response), lines[i + 1]);
	}
	ok(right, "%s: %s", request.mechanism, what);
	if (client == NULL)
		return;
	ok(world->port.client_first(client) == client_first,
		"%s: %s speaks first", request.mechanism,
		client_first ? "the client" : "the server");
	ok(world->port.step(client, STR("more"), &response, &err) == -1 ||
			!world->port.complete(client),
		"%s: and then it is over", request.mechanism);
	secret_clear(&response);
	world->port.end(&client);
}

static void test_password_mechanisms(const struct world *world)
{
	struct sasl_request request = request_of("PLAIN");

	test_fixed(world, request, true,
		(struct str[]){STR(""), STR("\0alice\0s3cret"), {0}},
		"user and password");
	request.mechanism = "LOGIN";
	test_fixed(world, request, false,
		(struct str[]){STR("Username:"), STR("alice"), STR("Password:"),
			STR("s3cret"), {0}},
		"user, then password");
	request.mechanism = "CRAM-MD5"; /* RFC 2195 2 */
	request.user = "tim";
	request.password = STR("tanstaaftanstaaf");
	test_fixed(world, request, false,
		(struct str[]){
			STR("<1896.697170952@postoffice.reston.mci.net>"),
			STR("tim b913a602c7eda7a495b4e6e7334d3890"), {0}},
		"the RFC's example");
	request.mechanism = "EXTERNAL";
	test_fixed(world, request, true,
		(struct str[]){STR(""), STR("tim"), {0}}, "whom we stand for");
	request.user = "";
	test_fixed(world, request, true, (struct str[]){STR(""), STR(""), {0}},
		"or nobody");
}

static void test_oauth(const struct world *world)
{
	struct sasl_request request = {
		.mechanism = "OAUTHBEARER",
		.user = "user@example.com",
		.host = "server.example.com",
		.port = 143,
		.password = STR("vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg=="),
	};
	static const struct str failure = STR(
		"{\"status\":\"invalid_token\",\"scope\":\"example_scope\"}");

	test_fixed(world, request, true,
		(struct str[]){STR(""),
			STR("n,a=user@example.com,\x01"
			    "host=server.example.com\x01port=143\x01"
			    "auth=Bearer "
			    "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg=="
			    "\x01\x01"),
			failure, STR("\x01"), {0}},
		"RFC 7628's example, and the answer to a refusal");
	request.host = NULL;
	request.user = "a,b=c";
	test_fixed(world, request, true,
		(struct str[]){STR(""),
			STR("n,a=a=2Cb=3Dc,\x01"
			    "auth=Bearer "
			    "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg=="
			    "\x01\x01"),
			{0}},
		"a name is escaped, and a host is not invented");
	request.mechanism = "XOAUTH2";
	request.user = "someuser@example.com";
	request.password = STR("ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg");
	test_fixed(world, request, true,
		(struct str[]){STR(""),
			STR("user=someuser@example.com\x01"
			    "auth=Bearer "
			    "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg"
			    "\x01\x01"),
			failure, STR(""), {0}},
		"user and token, and an empty answer to a refusal");
}

static void test_oauth_outcome(const struct world *world)
{
	struct sasl_request request = request_of("OAUTHBEARER");
	struct secret response = {0};
	struct sasl_exchange *client;
	struct err err;

	client = world->port.start(world->port.ctx, &request, &err);
	check(world->port.step(client, STR(""), &response, &err) == 0);
	ok(world->port.complete(client), "after the token, an OK is believed");
	check(world->port.step(client, STR("{}"), &response, &err) == 0);
	ok(!world->port.complete(client), "after a refusal it is not");
	world->port.end(&client);
	ok(client == NULL, "an end is an end");
	secret_clear(&response);
}

static void test_bad_request(const struct world *world,
	struct sasl_request request, const char *words, const char *what)
{
	struct err err = {0};
	struct sasl_exchange *client =
		world->port.start(world->port.ctx, &request, &err);
	struct secret response = {0};
	bool refused = client == NULL;

	if (!refused)
		refused = second_step(world, &request,
				  STR("r=x,s=QSXCR+Q6sek8bf92,i=4096"),
				  &err) == -1;
	ok(refused && err.cause == ERR_LOGIN && has(&err, words), "%s", what);
	world->port.end(&client);
	secret_clear(&response);
}

static void test_bad_requests(const struct world *world)
{
	struct sasl_request request = request_of("OAUTHBEARER");

	request.password = STR("tok\x01"
			       "auth=Bearer other");
	test_bad_request(world, request, "control character",
		"a token cannot smuggle in a second one");
	request = request_of("XOAUTH2");
	request.user = "alice\x01user=bob";
	test_bad_request(
		world, request, "control character", "nor can a user's name");
	request = request_of("PLAIN");
	request.password = STR("s3cret\0bob");
	test_bad_request(
		world, request, "NUL", "a password cannot hold a NUL byte");
}

static void test_saslprep(const struct world *world)
{
	struct sasl_request request = request_of("SCRAM-SHA-256");
	struct server server = {.password = "p\xc3\xa4ss \xe2\x82\xac"};
	struct outcome outcome;

	request.password = str_of(server.password);
	outcome = run(world, &request, server, NULL);
	ok(outcome.client_content, "a password may be of any letters");
	request.user = "a,b=c";
	outcome = run(world, &request, server, NULL);
	ok(outcome.client_content &&
			strncmp(outcome.first, "n,,n=a=2Cb=3Dc,r=", 17) == 0,
		"a name is escaped");
	request.user = "bell\x07";
	outcome = run(world, &request, server, NULL);
	ok(outcome.client_failed && outcome.err.cause == ERR_LOGIN &&
			has(&outcome.err, "that SASL does not allow"),
		"what SASLprep prohibits is said");
}

static void test_mechanisms(const struct world *world)
{
	static const char *const there[] = {"SCRAM-SHA-256-PLUS",
		"SCRAM-SHA-256", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-1", "EXTERNAL",
		"CRAM-MD5", "PLAIN", "LOGIN", "OAUTHBEARER", "XOAUTH2"};
	static const char *const refused[] = {
		"ANONYMOUS", "DIGEST-MD5", "NTLM", "SECURID", "plain", ""};

	for (size_t i = 0; i < sizeof(there) / sizeof(there[0]); i++)
		ok(world->port.has_mechanism(world->port.ctx, there[i]),
			"%s can be had", there[i]);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		ok(!world->port.has_mechanism(world->port.ctx, refused[i]),
			"'%s' cannot be had", refused[i]);
}

static void test_gssapi(const struct world *world)
{
	struct sasl_request request = request_of("GSSAPI");
	struct err err;

	if (!world->port.has_mechanism(world->port.ctx, "GSSAPI")) {
		ok(true, "GSSAPI # SKIP not built in");
		return;
	}
	check(setenv("KRB5CCNAME", "FILE:/nonexistent/ticket", 1) == 0);
	check(setenv("KRB5_CONFIG", "/dev/null", 1) == 0);
	ok(second_step(world, &request, STR(""), &err) == -1 &&
			err.cause == ERR_LOGIN && has(&err, "Kerberos ticket"),
		"GSSAPI without a ticket says what is missing");
}

int main(void)
{
	struct world world;

	os_login_open(&world.os, &world.port);
	check(gsasl_init(&world.gsasl) == GSASL_OK);
	gsasl_callback_set(world.gsasl, server_answer);
	test_mechanisms(&world);
	test_scram(&world);
	test_wrong_binding(&world);
	test_gs2_flag(&world);
	test_forgeries(&world);
	test_hostile(&world, "SCRAM-SHA-256");
	test_hostile(&world, "SCRAM-SHA-256-PLUS");
	test_password_mechanisms(&world);
	test_oauth(&world);
	test_oauth_outcome(&world);
	test_bad_requests(&world);
	test_saslprep(&world);
	test_gssapi(&world);
	gsasl_done(world.gsasl);
	os_login_close(&world.os);
	return tap_done();
}
