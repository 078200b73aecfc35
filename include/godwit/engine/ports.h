/*
 * Ports: all that the engine sees of the world, in one value.
 *
 * main.c fills it with the real ones, the simulator with its own. Everything
 * here is borrowed for as long as a pass lasts.
 */
#ifndef GODWIT_ENGINE_PORTS_H
#define GODWIT_ENGINE_PORTS_H

#include "godwit/engine/ports/clock.h"
#include "godwit/engine/ports/fs.h"
#include "godwit/engine/ports/login.h"
#include "godwit/engine/ports/net.h"
#include "godwit/engine/ports/store.h"
#include "godwit/engine/ports/transform.h"
#include "godwit/engine/report.h"

/* Where transcripts of the connections go (--wire-log). */
struct wire_log {
	void *ctx;
	/* Whole lines, secrets masked already. NULL: nobody wants them. */
	void (*write)(void *ctx, struct str lines);
};

struct ports {
	struct clock_port clock;
	struct net_port net;
	struct tls_port tls;
	struct deflate_port deflate;
	struct login_port login;
	struct fs_port fs;
	struct store_port store;
	struct report report;
	struct wire_log wire_log;
};

#endif
