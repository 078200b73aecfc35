/*
 * The net port for real: TCP and tunnel commands, by poll(2).
 *
 * Names are looked up in threads of their own, so that no resolver holds up
 * anything; the addresses race as RFC 8305 says. A tunnel's command runs in a
 * session of its own, without the terminal, and is ended with its children.
 * No call raises SIGPIPE.
 */
#ifndef GODWIT_OS_NET_H
#define GODWIT_OS_NET_H

#include "godwit/engine/ports/net.h"

#include <stddef.h>

struct pollfd;

/* All streams that a port opened must be closed before it is. */
struct os_net {
	struct pollfd *polls; /* wait's, kept from call to call */
	size_t poll_cap;
};

/* `net` stays where it is until the close. */
void os_net_open(struct os_net *net, struct net_port *port_r);
void os_net_close(struct os_net *net);

#endif
