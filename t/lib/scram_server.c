/*
 * How: one process a connection, blocking reads and writes, GnuTLS for TLS and
 * GNU SASL for SCRAM. It speaks just the IMAP that a login takes: CAPABILITY,
 * STARTTLS, AUTHENTICATE, LOGIN (never with success), LIST, NOOP, LOGOUT.
 *
 * scram_server CERT KEY [OPTION]...
 *
 * Serves user alice, password s3cret, on a free port of 127.0.0.1, for two
 * minutes at most. Prints "port N", then what clients say (C:) and what they
 * are told (S:), a line each.
 *
 *   --starttls         begin in the clear (else: TLS from the first byte)
 *   --no-starttls      likewise, but offer none
 *   --refuse-starttls  offer it, and answer NO
 *   --inject           likewise, and say something in the clear behind the OK
 *   --logindisabled    say so as long as there is no TLS
 *   --preauth          greet with PREAUTH
 *   --tls12            no TLS 1.3: -PLUS is by tls-unique
 *   --no-plus          offer SCRAM-SHA-256, but not -PLUS
 *   --plus-fails       offer it, and let every binding be wrong, but say no
 *                      more than that (as Cyrus does)
 *   --forge            end with a proof that is none
 */
#include "godwit/base/bytes.h"
#include "godwit/base/err.h"

#include <arpa/inet.h>
#include <gnutls/gnutls.h>
#include <gsasl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	LIFE_S = 120,
	LINE_BYTES_MAX = 65536,
};

static const char user[] = "alice";
static const char password[] = "s3cret";

struct options {
	bool clear, no_starttls, refuse_starttls, inject, logindisabled;
	bool preauth, tls12, no_plus, plus_fails, forge;
};

struct client {
	const struct options *options;
	gnutls_certificate_credentials_t credentials;
	Gsasl *gsasl;
	int fd;
	gnutls_session_t tls; /* NULL: in the clear */
	struct buf in;        /* read, and not yet taken */
	struct buf line;
	bool known; /* has logged in */
	bool gone;
};

static void say(struct client *client, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void client_write(struct client *client, struct str bytes)
{
	while (bytes.len > 0 && !client->gone) {
		ssize_t sent = client->tls == NULL
				       ? send(client->fd, bytes.ptr, bytes.len,
						 MSG_NOSIGNAL)
				       : gnutls_record_send(client->tls,
						 bytes.ptr, bytes.len);

		client->gone = sent <= 0;
		bytes = str_sub(bytes, sent > 0 ? (size_t)sent : 0, bytes.len);
	}
}

/* Sends a line, whose CRLF is added. */
static void say(struct client *client, const char *format, ...)
{
	struct buf line = {0};
	va_list args;

	va_start(args, format);
	buf_addv(&line, format, args);
	va_end(args);
	printf("S: %s\n", buf_z(&line));
	(void)fflush(stdout);
	buf_addz(&line, "\r\n");
	client_write(client, buf_str(&line));
	buf_clear(&line);
}

static void client_read(struct client *client)
{
	char *at = buf_reserve(&client->in, 4096);
	ssize_t got = client->tls == NULL
			      ? recv(client->fd, at, 4096, 0)
			      : gnutls_record_recv(client->tls, at, 4096);

	if (got > 0)
		buf_commit(&client->in, (size_t)got);
	else if (got != GNUTLS_E_AGAIN && got != GNUTLS_E_INTERRUPTED)
		client->gone = true;
}

/* Takes a line, without its CRLF, to client->line. False at the end. */
static bool hear(struct client *client)
{
	size_t len;

	while (str_find(buf_str(&client->in), '\n') == client->in.len) {
		client_read(client);
		if (client->gone || client->in.len > LINE_BYTES_MAX)
			return false;
	}
	len = str_find(buf_str(&client->in), '\n');
	buf_reset(&client->line);
	buf_add(&client->line, str_sub(buf_str(&client->in), 0, len));
	if (str_ends(buf_str(&client->line), STR("\r")))
		client->line.len--;
	buf_consume(&client->in, len + 1);
	printf("C: %s\n", buf_z(&client->line));
	(void)fflush(stdout);
	return true;
}

static bool start_tls(struct client *client)
{
	const char *priority = client->options->tls12
				       ? "NORMAL:-VERS-ALL:+VERS-TLS1.2"
				       : "NORMAL";
	gnutls_session_t session;
	int error;

	check(gnutls_init(&session, GNUTLS_SERVER) == 0);
	check(gnutls_priority_set_direct(session, priority, NULL) == 0);
	check(gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE,
		      client->credentials) == 0);
	gnutls_transport_set_int(session, client->fd);
	client->tls = session;
	do {
		error = gnutls_handshake(session);
	} while (error < 0 && !gnutls_error_is_fatal(error));
	return error == 0;
}

static const char *capabilities(const struct client *client)
{
	const struct options *options = client->options;

	if (client->known)
		return "IMAP4rev1";
	if (client->tls != NULL && !options->no_plus)
		return "IMAP4rev1 SASL-IR AUTH=SCRAM-SHA-256-PLUS "
		       "AUTH=SCRAM-SHA-256";
	if (client->tls != NULL)
		return "IMAP4rev1 SASL-IR AUTH=SCRAM-SHA-256";
	if (options->no_starttls)
		return options->logindisabled ? "IMAP4rev1 LOGINDISABLED"
					      : "IMAP4rev1";
	return options->logindisabled ? "IMAP4rev1 STARTTLS LOGINDISABLED"
				      : "IMAP4rev1 STARTTLS";
}

static int give_binding(const struct client *client, Gsasl_session *session,
	Gsasl_property property)
{
	gnutls_channel_binding_t kind = property == GSASL_CB_TLS_UNIQUE
						? GNUTLS_CB_TLS_UNIQUE
						: GNUTLS_CB_TLS_EXPORTER;
	gnutls_datum_t raw;
	char *base64;
	int error;

	if (client->tls == NULL || client->options->no_plus ||
		gnutls_session_channel_binding(client->tls, kind, &raw) != 0)
		return GSASL_NO_CALLBACK;
	if (client->options->plus_fails)
		raw.data[0] ^= 1;
	check(gsasl_base64_to((char *)raw.data, raw.size, &base64, NULL) ==
		GSASL_OK);
	error = gsasl_property_set(session, property, base64);
	gsasl_free(base64);
	gnutls_free(raw.data);
	return error;
}

static int answer(Gsasl *gsasl, Gsasl_session *session, Gsasl_property property)
{
	const struct client *client = gsasl_session_hook_get(session);
	const char *who = gsasl_property_fast(session, GSASL_AUTHID);

	(void)gsasl;
	if (property == GSASL_CB_TLS_UNIQUE ||
		property == GSASL_CB_TLS_EXPORTER)
		return give_binding(client, session, property);
	if (property == GSASL_PASSWORD && who != NULL && strcmp(who, user) == 0)
		return gsasl_property_set(session, property, password);
	return GSASL_NO_CALLBACK;
}

/* Sends a challenge and steps with what comes back. */
static int ask(struct client *client, Gsasl_session *session, char **out)
{
	say(client, "+ %s", *out == NULL ? "" : *out);
	gsasl_free(*out);
	*out = NULL;
	if (!hear(client) || str_eq(buf_str(&client->line), STR("*")))
		return GSASL_AUTHENTICATION_ERROR;
	return gsasl_step64(session, buf_z(&client->line), out);
}

/* Sends our proof, and takes the empty answer to it. */
static bool prove(struct client *client, char *proof)
{
	if (client->options->forge)
		proof[8] = proof[8] == 'A' ? 'B' : 'A';
	say(client, "+ %s", proof);
	return hear(client) && client->line.len == 0;
}

/* Runs the exchange; true when the client has proven who it is. */
static bool exchange(
	struct client *client, Gsasl_session *session, const char *initial)
{
	int status = GSASL_NEEDS_MORE;
	char *out = NULL;
	bool known;

	if (initial != NULL)
		status = gsasl_step64(session,
			strcmp(initial, "=") == 0 ? "" : initial, &out);
	while (status == GSASL_NEEDS_MORE)
		status = ask(client, session, &out);
	if (status != GSASL_OK)
		return false;
	known = out == NULL || out[0] == '\0' || prove(client, out);
	gsasl_free(out);
	return known;
}

static void authenticate(struct client *client, const char *tag, char *argument)
{
	char *initial = strchr(argument, ' ');
	Gsasl_session *session;

	if (initial != NULL)
		*initial++ = '\0';
	if (strstr(capabilities(client), argument) == NULL ||
		gsasl_server_start(client->gsasl, argument, &session) !=
			GSASL_OK) {
		say(client, "%s NO [CANNOT] not offered", tag);
		return;
	}
	gsasl_session_hook_set(session, client);
	client->known = exchange(client, session, initial);
	gsasl_finish(session);
	if (client->known)
		say(client, "%s OK [CAPABILITY %s] welcome", tag,
			capabilities(client));
	else if (client->options->plus_fails && strstr(argument, "-PLUS"))
		say(client, "%s NO bad protocol", tag);
	else
		say(client, "%s NO %snot you", tag,
			client->options->plus_fails
				? ""
				: "[AUTHENTICATIONFAILED] ");
}

static void starttls(struct client *client, const char *tag)
{
	const struct options *options = client->options;

	if (client->tls != NULL || options->no_starttls) {
		say(client, "%s BAD no", tag);
		return;
	}
	if (options->refuse_starttls) {
		say(client, "%s NO not today", tag);
		return;
	}
	if (options->inject)
		say(client, "%s OK begin\r\n* CAPABILITY IMAP4rev1 INJECTED",
			tag);
	else
		say(client, "%s OK begin", tag);
	buf_reset(&client->in);
	client->gone = !start_tls(client);
}

static void command(struct client *client, const char *tag, char *name)
{
	char *argument = strchr(name, ' ');

	if (argument != NULL)
		*argument++ = '\0';
	if (strcasecmp(name, "CAPABILITY") == 0) {
		say(client, "* CAPABILITY %s", capabilities(client));
		say(client, "%s OK done", tag);
	} else if (strcasecmp(name, "LOGOUT") == 0) {
		say(client, "* BYE");
		say(client, "%s OK done", tag);
		client->gone = true;
	} else if (strcasecmp(name, "NOOP") == 0) {
		say(client, "%s OK done", tag);
	} else if (strcasecmp(name, "STARTTLS") == 0) {
		starttls(client, tag);
	} else if (strcasecmp(name, "LOGIN") == 0) {
		say(client, "%s NO [AUTHENTICATIONFAILED] not like that", tag);
	} else if (strcasecmp(name, "AUTHENTICATE") == 0 && argument != NULL &&
		   !client->known) {
		authenticate(client, tag, argument);
	} else if (strcasecmp(name, "SELECT") == 0 && client->known) {
		say(client, "* 0 EXISTS");
		say(client, "* OK [UIDVALIDITY 1] one");
		say(client, "%s OK [READ-WRITE] done", tag);
	} else if (strcasecmp(name, "LIST") == 0 && client->known) {
		say(client, "* LIST () \"/\" INBOX");
		say(client, "%s OK done", tag);
	} else {
		say(client, "%s BAD what", tag);
	}
}

static void serve(struct client *client)
{
	if (!client->options->clear && !start_tls(client))
		return;
	client->known = client->options->preauth;
	say(client, "* %s [CAPABILITY %s] hello",
		client->known ? "PREAUTH" : "OK", capabilities(client));
	while (!client->gone && hear(client)) {
		char *tag = strdup(buf_z(&client->line));
		char *name = strchr(tag, ' ');

		if (name != NULL) {
			*name++ = '\0';
			command(client, tag, name);
		} else {
			say(client, "* BAD what");
		}
		free(tag);
	}
	if (client->tls != NULL)
		(void)gnutls_bye(client->tls, GNUTLS_SHUT_WR);
}

static bool option_set(struct options *options, const char *name)
{
	const struct {
		const char *name;
		bool *where;
	} known[] = {
		{"--starttls", &options->clear},
		{"--no-starttls", &options->no_starttls},
		{"--refuse-starttls", &options->refuse_starttls},
		{"--inject", &options->inject},
		{"--logindisabled", &options->logindisabled},
		{"--preauth", &options->preauth},
		{"--tls12", &options->tls12},
		{"--no-plus", &options->no_plus},
		{"--plus-fails", &options->plus_fails},
		{"--forge", &options->forge},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcmp(known[i].name, name) == 0) {
			*known[i].where = true;
			return true;
		}
	}
	return false;
}

static int listener_open(void)
{
	struct sockaddr_in in = {.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(in);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	check(fd != -1 && bind(fd, (struct sockaddr *)&in, len) == 0);
	check(listen(fd, 10) == 0);
	check(getsockname(fd, (struct sockaddr *)&in, &len) == 0);
	printf("port %d\n", ntohs(in.sin_port));
	(void)fflush(stdout);
	return fd;
}

/* In a process of its own. */
_Noreturn static void client_run(struct client *client)
{
	(void)alarm(LIFE_S);
	serve(client);
	if (client->tls != NULL)
		gnutls_deinit(client->tls);
	(void)close(client->fd);
	buf_clear(&client->in);
	buf_clear(&client->line);
	gsasl_done(client->gsasl);
	gnutls_certificate_free_credentials(client->credentials);
	exit(0);
}

int main(int argc, char **argv)
{
	struct options options = {0};
	struct client client = {.options = &options};
	int fd;

	for (int i = 3; i < argc; i++) {
		if (!option_set(&options, argv[i]))
			argc = 0;
	}
	if (argc < 3) {
		(void)fprintf(
			stderr, "usage: scram_server CERT KEY [OPTION]...\n");
		return 64;
	}
	options.clear |= options.no_starttls || options.refuse_starttls ||
			 options.inject;
	(void)alarm(LIFE_S);
	check(signal(SIGCHLD, SIG_IGN) != SIG_ERR);
	check(gnutls_certificate_allocate_credentials(&client.credentials) ==
		0);
	check(gnutls_certificate_set_x509_key_file(client.credentials, argv[1],
		      argv[2], GNUTLS_X509_FMT_PEM) == 0);
	check(gsasl_init(&client.gsasl) == GSASL_OK);
	gsasl_callback_set(client.gsasl, answer);
	for (fd = listener_open();;) {
		client.fd = accept(fd, NULL, NULL);
		if (client.fd == -1)
			continue;
		if (fork() == 0)
			client_run(&client);
		(void)close(client.fd);
	}
}
