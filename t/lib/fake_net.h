/*
 * Connections to the fake server: the net port for tests.
 *
 * Streams are handed on at once, whole or in small pieces, and the server works
 * when its client reads and has nothing left to read; so commands that were
 * sent in a row are done one by one, between other connections' commands.
 * Nothing here sleeps: a wait in which nothing can happen ends at its deadline,
 * by the clock that the caller's deadlines are measured by.
 *
 * A server that is far away (`round_trip_ns`) gets what was sent, on any
 * stream, when its client waits; that is one flight, and takes so long. A
 * client that sends all it can before it waits makes few of them.
 */
#ifndef GODWIT_T_LIB_FAKE_NET_H
#define GODWIT_T_LIB_FAKE_NET_H

#include "fake_clock.h"
#include "fake_server.h"
#include "godwit/engine/ports/net.h"

struct fake_net {
	struct fate *fate;
	struct fake_clock *clock;
	struct fake_server *server;
	struct net_port port;
	size_t piece_max;      /* bytes of one recv or send; 0: any number */
	bool pieces_vary;      /* from 1 to piece_max, by fate */
	unsigned streams_max;  /* more are turned away; 0: any number */
	bool is_down;          /* connections cannot be made */
	int64_t silent_ns;     /* before then, servers have no time to answer */
	int64_t slow_ns;       /* so long does one that is opened beside
				* others get no answer */
	size_t streams;        /* that are open: 0 when a run has cleaned up */
	uint64_t opened;       /* in all */
	uint64_t silences;     /* waits that ended at their deadline */
	int64_t round_trip_ns; /* 0: what is sent is there at once */
	uint64_t flights;      /* if it is far: to connect is one, too */
	struct net_stream *first; /* its own: those that are open */
};

/* All is borrowed. The port is net->port. */
void fake_net_init(struct fake_net *net, struct fate *fate,
	struct fake_clock *clock, struct fake_server *server);

#endif
