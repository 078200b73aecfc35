/* os/scram: the RFCs' examples, and servers that break the rules. */
#include "os/scram.h"

#include "godwit/base/limits.h"

#include "tap.h"

#include <string.h>

/* RFC 5802 5 and RFC 7677 3 */
struct example {
	const char *mechanism;
	const char *nonce;
	const char *first;
	const char *server_first;
	const char *final;
	const char *server_final;
};

static const struct example examples[] = {
	{
		"SCRAM-SHA-1",
		"fyko+d2lbbFgONRv9qkxdawL",
		"n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
		"r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,"
		"s=QSXCR+Q6sek8bf92,i=4096",
		"c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,"
		"p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
		"v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
	},
	{
		"SCRAM-SHA-256",
		"rOprNGfwEbeRWgbNEkqO",
		"n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
		"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
		"s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
		"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
		"p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
		"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
	},
};

static struct sasl_request request_of(const char *mechanism)
{
	return (struct sasl_request){
		.mechanism = mechanism,
		.user = "user",
		.password = STR("pencil"),
	};
}

static bool has(const struct err *err, const char *words)
{
	if (strstr(err->text, words) != NULL)
		return true;
	tap_note("the sentence is: %s", err->text);
	return false;
}

static void test_example(const struct example *example)
{
	struct sasl_request request = request_of(example->mechanism);
	struct secret message = {0};
	struct scram scram;
	struct err err = {0};

	check(scram_init(&scram, &request, example->nonce, &err) == 0);
	scram_first(&scram, &message);
	is_str(secret_get(&message), str_of(example->first),
		"%s: the first message is the example's", example->mechanism);
	ok(scram_final(&scram, str_of(example->server_first), &message, &err) ==
			0,
		"%s: the server's first message is taken", example->mechanism);
	is_str(secret_get(&message), str_of(example->final),
		"%s: the last message is the example's", example->mechanism);
	ok(scram_verify(&scram, str_of(example->server_final), &err) == 0,
		"%s: the server's proof is believed", example->mechanism);
	scram_clear(&scram);
	secret_clear(&message);
}

/* Each byte of the server's proof matters. */
static void test_proof_flipped(const struct example *example)
{
	struct sasl_request request = request_of(example->mechanism);
	struct secret message = {0};
	struct buf proof = {0};
	struct scram scram;
	struct err err = {0};
	size_t believed = 0;

	check(scram_init(&scram, &request, example->nonce, &err) == 0);
	check(scram_final(&scram, str_of(example->server_first), &message,
		      &err) == 0);
	for (size_t i = 0; i < strlen(example->server_final); i++) {
		buf_reset(&proof);
		buf_addz(&proof, example->server_final);
		proof.ptr[i] = proof.ptr[i] == 'A' ? 'B' : 'A';
		believed += scram_verify(&scram, buf_str(&proof), &err) == 0;
		believed +=
			scram_verify(&scram,
				str_sub(str_of(example->server_final), 0, i),
				&err) == 0;
	}
	is_int((intmax_t)believed, 0,
		"%s: a proof with one byte changed or cut off is not believed",
		example->mechanism);
	ok(scram_verify(&scram, STR("e=invalid-proof"), &err) == -1 &&
			err.cause == ERR_LOGIN && has(&err, ": invalid-proof"),
		"%s: a refusal is told", example->mechanism);
	scram_clear(&scram);
	secret_clear(&message);
	buf_clear(&proof);
}

static void test_server_first(
	const char *server_first, const char *fault, const char *what)
{
	struct sasl_request request = request_of("SCRAM-SHA-256");
	struct secret message = {0};
	struct scram scram;
	struct err err = {0};
	int result;

	check(scram_init(&scram, &request, "abc", &err) == 0);
	result = scram_final(&scram, str_of(server_first), &message, &err);
	if (fault == NULL)
		ok(result == 0, "%s", what);
	else
		ok(result == -1 && err.cause == ERR_PROTOCOL &&
				has(&err, fault) &&
				secret_get(&message).len == 0,
			"%s", what);
	scram_clear(&scram);
	secret_clear(&message);
}

static void test_server_firsts(void)
{
	static const char *const malformed = "first message is malformed";
	static const char *const many = "too many iterations";

	test_server_first("r=abcdef,s=c2FsdA==,i=1", NULL,
		"the smallest challenge is taken");
	test_server_first("r=abcdef,s=c2FsdA==,i=4096,x=y,z=", NULL,
		"extensions that we need not know are ignored");
	test_server_first("m=x,r=abcdef,s=c2FsdA==,i=4096",
		"an extension that nobody knows",
		"an extension that we must know is refused");
	test_server_first("", malformed, "an empty challenge is refused");
	test_server_first("r=abcdef", malformed, "one without salt, too");
	test_server_first("r=abcdef,s=c2FsdA==", malformed,
		"one without iterations, too");
	test_server_first("s=c2FsdA==,r=abcdef,i=4096", malformed,
		"one in another order, too");
	test_server_first(
		"r=abcdef,s=,i=4096", malformed, "an empty salt, too");
	test_server_first("r=abcdef,s=!!!!,i=4096", "salt is malformed",
		"a salt that is not base64, too");
	test_server_first("r=abc,s=c2FsdA==,i=4096", "does not extend ours",
		"a nonce that is only ours is refused");
	test_server_first("r=abdef,s=c2FsdA==,i=4096", "does not extend ours",
		"a nonce that is not ours, too");
	test_server_first("r=abcdef,s=c2FsdA==,i=0", many,
		"no iterations at all are refused");
	test_server_first("r=abcdef,s=c2FsdA==,i=4194305", many,
		"iterations over the limit, too");
	test_server_first("r=abcdef,s=c2FsdA==,i=4294967297", many,
		"iterations that overflow, too");
	test_server_first("r=abcdef,s=c2FsdA==,i=+4096", many,
		"iterations that are no number, too");
}

/* The header of client-first-message, and its copy in c=. */
static void test_header(struct sasl_request request, const char *header,
	const char *cbind, const char *what)
{
	struct secret message = {0};
	struct scram scram;
	struct err err = {0};

	check(scram_init(&scram, &request, "abc", &err) == 0);
	scram_first(&scram, &message);
	ok(str_starts(secret_get(&message), str_of(header)), "%s", what);
	check(scram_final(&scram, STR("r=abcdef,s=c2FsdA==,i=1"), &message,
		      &err) == 0);
	ok(str_starts(secret_get(&message), str_of(cbind)),
		"and it is sealed by the proof");
	scram_clear(&scram);
	secret_clear(&message);
}

/* RFC 5802 6 */
static void test_headers(void)
{
	struct sasl_request request = request_of("SCRAM-SHA-256");

	test_header(request, "n,,n=user,r=abc",
		"c=biws,r=", "without a binding, the flag is n");
	request.binding = CHANNEL_BINDING_TLS_EXPORTER;
	request.binding_data = STR("exporter");
	test_header(request, "y,,n=user,r=abc", "c=eSws,r=",
		"with one that the server does not offer, it is y");
	request.mechanism = "SCRAM-SHA-256-PLUS";
	test_header(request, "p=tls-exporter,,n=user,r=abc",
		"c=cD10bHMtZXhwb3J0ZXIsLGV4cG9ydGVy,r=",
		"with one that it offers, it is p, and its name");
	request.binding = CHANNEL_BINDING_TLS_UNIQUE;
	request.binding_data = STR("unique");
	test_header(request, "p=tls-unique,,n=user,r=abc",
		"c=cD10bHMtdW5pcXVlLCx1bmlxdWU=,r=", "each by its name");
}

static void test_unprepared(const char *user, struct str password)
{
	struct sasl_request request = request_of("SCRAM-SHA-1");
	struct scram scram;
	struct err err = {0};

	request.user = user;
	request.password = password;
	ok(scram_init(&scram, &request, "abc", &err) == -1 &&
			err.cause == ERR_LOGIN &&
			has(&err, "that SASL does not allow"),
		"what cannot be prepared is an error of the login");
}

int main(void)
{
	for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
		test_example(&examples[i]);
		test_proof_flipped(&examples[i]);
	}
	test_server_firsts();
	test_headers();
	test_unprepared("", STR("pencil"));
	test_unprepared("bell\x07", STR("pencil"));
	test_unprepared("user", STR("bell\x07"));
	test_unprepared("user", STR("latin\xe4"));
	test_unprepared("user", STR("\xc2\xad"));
	return tap_done();
}
