/* How: posix_spawn with pipes; the ports with a loop of their own. */
#include "peer.h"

#include "godwit/os/clock.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	PATIENCE_MS = 30000
};

void peer_start(struct peer *peer, const char *const *argv)
{
	posix_spawn_file_actions_t files;
	int in[2];
	int out[2];

	check(pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0);
	check(posix_spawn_file_actions_init(&files) == 0);
	check(posix_spawn_file_actions_adddup2(&files, in[0], 0) == 0);
	check(posix_spawn_file_actions_adddup2(&files, out[1], 1) == 0);
	check(posix_spawnp(&peer->pid, argv[0], &files, NULL,
		      (char *const *)argv, environ) == 0);
	check(posix_spawn_file_actions_destroy(&files) == 0);
	check(close(in[0]) == 0 && close(out[1]) == 0);
	peer->input = in[1];
	peer->output = fdopen(out[0], "r");
	check(peer->output != NULL);
}

void peer_stop(struct peer *peer)
{
	check(kill(peer->pid, SIGTERM) == 0);
	check(waitpid(peer->pid, NULL, 0) == peer->pid);
	check(fclose(peer->output) == 0 && close(peer->input) == 0);
}

bool peer_says(struct peer *peer, const char *words, struct buf *rest)
{
	char line[4096];

	(void)alarm(PATIENCE_MS / 1000);
	while (fgets(line, sizeof(line), peer->output) != NULL) {
		if (strncmp(line, words, strlen(words)) != 0)
			continue;
		line[strcspn(line, "\r\n")] = '\0';
		buf_reset(rest);
		buf_addz(rest, line + strlen(words));
		(void)alarm(0);
		return true;
	}
	(void)alarm(0);
	return false;
}

void wire_open(struct wire *wire, int port)
{
	struct net_target target = {.host = "127.0.0.1",
		.port = (uint16_t)port,
		.timeout_ms = PATIENCE_MS};

	*wire = (struct wire){0};
	os_net_open(&wire->os_net, &wire->net);
	os_tls_open(&wire->os_tls, &wire->tls_port);
	wire->stream = wire->net.open(wire->net.ctx, &target, &wire->err);
	check(wire->stream != NULL);
}

static void wire_wait(struct wire *wire, bool to_send)
{
	struct net_wait wait = {.stream = wire->stream,
		.want_recv = !to_send,
		.want_send = to_send};

	wire->net.wait(wire->net.ctx, &wait, 1, os_clock_ms() + PATIENCE_MS);
}

/* Sends what is on its way; what cannot be sent is lost. */
static void wire_flush(struct wire *wire, struct buf *out)
{
	int64_t until_ms = os_clock_ms() + PATIENCE_MS;
	enum net_result result = NET_OK;
	size_t sent;

	while (out->len > 0 && (result == NET_OK || result == NET_AGAIN)) {
		result = wire->net.send(
			wire->stream, buf_str(out), &sent, &wire->err);
		buf_consume(out, sent);
		if (result == NET_AGAIN)
			wire_wait(wire, true);
		check(os_clock_ms() < until_ms);
	}
	buf_clear(out);
}

/* Hears something, or nothing. -1 and wire->err. */
static int wire_listen(struct wire *wire)
{
	enum net_result result;
	struct buf out = {0};
	char at[4096];
	int status = 0;
	size_t got;

	result = wire->net.recv(wire->stream, at, sizeof(at), &got, &wire->err);
	if (result == NET_AGAIN) {
		wire_wait(wire, false);
		return 0;
	}
	if (result == NET_CLOSED)
		wire->closed = true;
	if (result != NET_OK)
		return result == NET_FAILED ? -1 : 0;
	if (wire->tls.ctx == NULL) {
		buf_add(&wire->in, (struct str){.ptr = at, .len = got});
		return 0;
	}
	status = wire->tls.from_wire(wire->tls.ctx,
		(struct str){.ptr = at, .len = got}, &wire->in, &out,
		&wire->err);
	wire_flush(wire, &out);
	wire->closed = wire->closed || wire->tls.closed(wire->tls.ctx);
	return status;
}

int wire_start_tls(struct wire *wire, const struct account *account)
{
	int64_t until_ms = os_clock_ms() + PATIENCE_MS;
	struct buf out = {0};

	buf_reset(&wire->in); /* nothing said in the clear counts */
	if (wire->tls_port.open(
		    wire->tls_port.ctx, account, &wire->tls, &wire->err) == -1)
		return -1;
	check(wire->tls.from_wire(wire->tls.ctx, STR(""), &wire->in, &out,
		      &wire->err) == 0);
	wire_flush(wire, &out);
	while (!wire->tls.ready(wire->tls.ctx)) {
		if (wire_listen(wire) == -1 || wire->closed)
			return -1;
		check(os_clock_ms() < until_ms);
	}
	return 0;
}

void wire_say(struct wire *wire, struct str line)
{
	struct buf plain = {0};
	struct buf out = {0};

	buf_add(&plain, line);
	buf_addz(&plain, "\r\n");
	if (wire->tls.ctx == NULL)
		buf_add(&out, buf_str(&plain));
	else
		check(wire->tls.to_wire(wire->tls.ctx, buf_str(&plain), &out,
			      &wire->err) == 0);
	wire_flush(wire, &out);
	buf_clear(&plain);
}

bool wire_hear(struct wire *wire, struct buf *line)
{
	int64_t until_ms = os_clock_ms() + PATIENCE_MS;
	size_t len;

	while (str_find(buf_str(&wire->in), '\n') == wire->in.len) {
		if (wire->closed || wire_listen(wire) == -1)
			return false;
		check(os_clock_ms() < until_ms);
	}
	len = str_find(buf_str(&wire->in), '\n');
	buf_reset(line);
	buf_add(line, str_sub(buf_str(&wire->in), 0, len));
	if (str_ends(buf_str(line), STR("\r")))
		line->len--;
	buf_consume(&wire->in, len + 1);
	return true;
}

void wire_close(struct wire *wire)
{
	struct buf out = {0};

	if (wire->tls.ctx != NULL) {
		wire->tls.finish(wire->tls.ctx, &out);
		wire_flush(wire, &out);
		wire->tls.free(&wire->tls.ctx);
	}
	wire->net.close(&wire->stream);
	os_net_close(&wire->os_net);
	os_tls_close(&wire->os_tls);
	buf_clear(&wire->in);
}
