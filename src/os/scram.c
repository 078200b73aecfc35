/*
 * How: the formulas of RFC 5802 3 by GnuTLS's PBKDF2, HMAC and hash, in their
 * order and by their names. What the server sends is taken apart strictly by
 * the grammar of section 7. Keys live on the stack and are wiped.
 */
#include "scram.h"

#include "godwit/base/limits.h"

#include <gnutls/crypto.h>
#include <gsasl.h>
#include <string.h>

struct scram_keys {
	unsigned char salted_password[SCRAM_HASH_BYTES_MAX];
	unsigned char client_key[SCRAM_HASH_BYTES_MAX];
	unsigned char stored_key[SCRAM_HASH_BYTES_MAX];
	unsigned char server_key[SCRAM_HASH_BYTES_MAX];
	unsigned char proof[SCRAM_HASH_BYTES_MAX];
};

static int scram_fail(const struct scram *scram, enum err_cause cause,
	struct err *err, const char *why)
{
	return err_set(err, ERR_ACCOUNT, ERR_NEVER, cause,
		"the login by %s fails: %s", scram->mechanism, why);
}

static size_t hash_bytes(const struct scram *scram)
{
	return gnutls_hmac_get_len(scram->hash);
}

static void hmac(const struct scram *scram, const unsigned char *key,
	struct str text, unsigned char *result_r)
{
	check(gnutls_hmac_fast(scram->hash, key, hash_bytes(scram), text.ptr,
		      text.len, result_r) == 0);
}

static void add_base64(struct buf *b, const void *bytes, size_t len)
{
	gnutls_datum_t raw = {(unsigned char *)bytes, (unsigned)len};
	gnutls_datum_t base64;

	check(gnutls_base64_encode2(&raw, &base64) == 0);
	buf_add(b, (struct str){(char *)base64.data, base64.size});
	gnutls_free(base64.data);
}

/* Takes the part "NAME=value" off the front of *rest. */
static bool take_attribute(struct str *rest, char name, struct str *value_r)
{
	struct str part;

	if (!str_split(rest, ',', &part) || part.len < 3 ||
		part.ptr[0] != name || part.ptr[1] != '=')
		return false;
	*value_r = str_sub(part, 2, part.len);
	return true;
}

/* gs2-header = gs2-cbind-flag "," [ authzid ] "," */
static void init_binding(
	struct scram *scram, const struct sasl_request *request, bool plus)
{
	if (plus)
		buf_addz(&scram->cbind_input,
			request->binding == CHANNEL_BINDING_TLS_UNIQUE
				? "p=tls-unique,,"
				: "p=tls-exporter,,");
	else
		buf_addz(&scram->cbind_input,
			request->binding == CHANNEL_BINDING_NONE ? "n,,"
								 : "y,,");
	scram->gs2_header_bytes = scram->cbind_input.len;
	if (plus)
		buf_add(&scram->cbind_input, request->binding_data);
}

/* client-first-message-bare = username "," nonce; username = "n=" saslname */
static int init_first(struct scram *scram, const char *user, const char *nonce)
{
	struct buf *first = &scram->first_bare;
	char *prepared;

	if (gsasl_saslprep(user, GSASL_ALLOW_UNASSIGNED, &prepared, NULL) !=
		GSASL_OK)
		return -1;
	if (prepared[0] == '\0') {
		gsasl_free(prepared);
		return -1;
	}
	buf_addz(first, "n=");
	for (const char *c = prepared; *c != '\0'; c++) {
		if (*c == ',')
			buf_addz(first, "=2C");
		else if (*c == '=')
			buf_addz(first, "=3D");
		else
			buf_addc(first, *c);
	}
	gsasl_free(prepared);
	buf_addz(first, ",r=");
	scram->nonce_at = first->len;
	buf_addz(first, nonce);
	return 0;
}

static int init_password(struct scram *scram, struct str password)
{
	struct secret zstring = {0};
	struct buf with_nul = {0};
	char *prepared = NULL;
	int error;

	(void)buf_reserve(&with_nul, password.len + 1);
	buf_add(&with_nul, password);
	buf_addc(&with_nul, '\0');
	secret_set(&zstring, buf_str(&with_nul));
	buf_wipe(&with_nul);
	error = gsasl_saslprep(secret_get(&zstring).ptr, GSASL_ALLOW_UNASSIGNED,
		&prepared, NULL);
	secret_clear(&zstring);
	if (error != GSASL_OK)
		return -1;
	secret_set(&scram->password, str_of(prepared));
	gnutls_memset(prepared, 0, strlen(prepared));
	gsasl_free(prepared);
	return secret_get(&scram->password).len > 0 ? 0 : -1;
}

int scram_init(struct scram *scram, const struct sasl_request *request,
	const char *nonce, struct err *err)
{
	struct str name = str_of(request->mechanism);
	bool plus = str_ends(name, STR("-PLUS"));

	check(!plus || request->binding != CHANNEL_BINDING_NONE);
	*scram = (struct scram){
		.mechanism = request->mechanism,
		.hash = str_starts(name, STR("SCRAM-SHA-256"))
				? GNUTLS_MAC_SHA256
				: GNUTLS_MAC_SHA1,
	};
	init_binding(scram, request, plus);
	if (init_first(scram, request->user, nonce) == -1 ||
		init_password(scram, request->password) == -1) {
		scram_clear(scram);
		return scram_fail(scram, ERR_LOGIN, err,
			"the user's name or the password holds a character "
			"that SASL does not allow");
	}
	return 0;
}

void scram_clear(struct scram *scram)
{
	secret_clear(&scram->password);
	buf_clear(&scram->cbind_input);
	buf_clear(&scram->first_bare);
}

void scram_first(const struct scram *scram, struct secret *message)
{
	struct buf text = {0};

	buf_add(&text, str_sub(buf_str(&scram->cbind_input), 0,
			       scram->gs2_header_bytes));
	buf_add(&text, buf_str(&scram->first_bare));
	secret_set(message, buf_str(&text));
	buf_clear(&text);
}

/* What server-first-message says. */
struct scram_challenge {
	struct str nonce;
	struct str salt; /* still in base64 */
	uint32_t iterations;
};

/* server-first-message = [reserved-mext ","] nonce "," salt ","
 *                        iteration-count ["," extensions] */
static int parse_first(const struct scram *scram, struct str server_first,
	struct scram_challenge *challenge_r, struct err *err)
{
	struct str own = str_sub(buf_str(&scram->first_bare), scram->nonce_at,
		scram->first_bare.len);
	struct str iterations;

	if (str_starts(server_first, STR("m=")))
		return scram_fail(scram, ERR_PROTOCOL, err,
			"the server wants an extension that nobody knows");
	if (!take_attribute(&server_first, 'r', &challenge_r->nonce) ||
		!take_attribute(&server_first, 's', &challenge_r->salt) ||
		!take_attribute(&server_first, 'i', &iterations))
		return scram_fail(scram, ERR_PROTOCOL, err,
			"the server's first message is malformed");
	if (!str_starts(challenge_r->nonce, own) ||
		challenge_r->nonce.len == own.len)
		return scram_fail(scram, ERR_PROTOCOL, err,
			"the server's nonce does not extend ours");
	if (!str_u32(iterations, &challenge_r->iterations) ||
		challenge_r->iterations == 0 ||
		challenge_r->iterations > LIMIT_SCRAM_ITERATIONS)
		return scram_fail(scram, ERR_PROTOCOL, err,
			"the server asks for too many iterations, or for none");
	return 0;
}

/* SaltedPassword := Hi(Normalize(password), salt, i), and what follows */
static int make_keys(const struct scram *scram,
	const struct scram_challenge *challenge, struct scram_keys *keys_r)
{
	struct str password = secret_get(&scram->password);
	gnutls_datum_t base64 = {(unsigned char *)challenge->salt.ptr,
		(unsigned)challenge->salt.len};
	gnutls_datum_t key = {
		(unsigned char *)password.ptr, (unsigned)password.len};
	gnutls_datum_t salt;

	if (gnutls_base64_decode2(&base64, &salt) != 0)
		return -1;
	check(gnutls_pbkdf2(scram->hash, &key, &salt, challenge->iterations,
		      keys_r->salted_password, hash_bytes(scram)) == 0);
	gnutls_free(salt.data);
	hmac(scram, keys_r->salted_password, STR("Client Key"),
		keys_r->client_key);
	check(gnutls_hash_fast((gnutls_digest_algorithm_t)scram->hash,
		      keys_r->client_key, hash_bytes(scram),
		      keys_r->stored_key) == 0);
	hmac(scram, keys_r->salted_password, STR("Server Key"),
		keys_r->server_key);
	return 0;
}

/* Adds the proof to `text`, which is client-final-message-without-proof, and
 * keeps what the server has to prove. */
static void add_proof(struct scram *scram, struct scram_keys *keys,
	struct str server_first, struct buf *text)
{
	struct buf auth_message = {0};

	buf_add(&auth_message, buf_str(&scram->first_bare));
	buf_addc(&auth_message, ',');
	buf_add(&auth_message, server_first);
	buf_addc(&auth_message, ',');
	buf_add(&auth_message, buf_str(text));
	/* ClientProof := ClientKey XOR HMAC(StoredKey, AuthMessage) */
	hmac(scram, keys->stored_key, buf_str(&auth_message), keys->proof);
	for (size_t i = 0; i < hash_bytes(scram); i++)
		keys->proof[i] ^= keys->client_key[i];
	buf_addz(text, ",p=");
	add_base64(text, keys->proof, hash_bytes(scram));
	/* ServerSignature := HMAC(ServerKey, AuthMessage) */
	hmac(scram, keys->server_key, buf_str(&auth_message),
		scram->server_signature);
	buf_clear(&auth_message);
}

/* client-final-message-without-proof = channel-binding "," nonce */
int scram_final(struct scram *scram, struct str server_first,
	struct secret *message, struct err *err)
{
	struct scram_challenge challenge = {0};
	struct scram_keys keys = {0};
	struct buf text = {0};

	if (parse_first(scram, server_first, &challenge, err) == -1)
		return -1;
	if (make_keys(scram, &challenge, &keys) == -1)
		return scram_fail(scram, ERR_PROTOCOL, err,
			"the server's salt is malformed");
	buf_addz(&text, "c=");
	add_base64(&text, scram->cbind_input.ptr, scram->cbind_input.len);
	buf_addz(&text, ",r=");
	buf_add(&text, challenge.nonce);
	add_proof(scram, &keys, server_first, &text);
	secret_set(message, buf_str(&text));
	gnutls_memset(&keys, 0, sizeof(keys));
	buf_clear(&text);
	return 0;
}

/* server-final-message = (server-error / verifier) ["," extensions] */
int scram_verify(
	const struct scram *scram, struct str server_final, struct err *err)
{
	struct buf wanted = {0};
	struct str value;
	bool proven;

	if (str_starts(server_final, STR("e=")))
		return err_set(err, ERR_ACCOUNT, ERR_NEVER, ERR_LOGIN,
			"the server refuses the login by %s: %.*s",
			scram->mechanism,
			STR_FMT(str_sub(server_final, 2, 100)));
	if (!take_attribute(&server_final, 'v', &value))
		return scram_fail(scram, ERR_PROTOCOL, err,
			"the server's last message is malformed");
	add_base64(&wanted, scram->server_signature, hash_bytes(scram));
	proven = value.len == wanted.len &&
		 gnutls_memcmp(value.ptr, wanted.ptr, wanted.len) == 0;
	buf_clear(&wanted);
	if (proven)
		return 0;
	return scram_fail(scram, ERR_LOGIN, err,
		"the server cannot prove that it knows the password; somebody "
		"may be posing as it");
}
