/*
 * Values: the words of a config that stand for numbers, hosts and hashes.
 *
 * Each takes a whole word and says whether it is one; nothing is guessed, and
 * what does not fit into 64 bits is not one.
 */
#ifndef CONF_VALUE_H
#define CONF_VALUE_H

#include "godwit/base/bytes.h"

#include <stdbool.h>
#include <stdint.h>

/* true, yes; false, no. */
bool value_bool(struct str word, uint64_t *bool_r);

/* Bytes: 4096, 300k, 25M, 1G, 2T; letters by 1024, in either case. */
bool value_size(struct str word, uint64_t *bytes_r);

/* Seconds: 30s, 90m, 12h, 30d, 2w; 0 needs no unit. */
bool value_duration(struct str word, uint64_t *seconds_r);

/* 50% or 50. */
bool value_percent(struct str word, uint64_t *percent_r);

/*
 * host, host:port, [address], [address]:port: *port_r is 0 where none is
 * given. NULL if well-formed, else what is wrong, as the end of a sentence.
 */
const char *value_server(struct str word, struct str *host_r, uint64_t *port_r);

/* Whether a host is this machine by its name or address alone. */
bool host_is_loopback(struct str host);

/* Base64 (RFC 4648 4) of exactly 32 bytes. */
bool value_base64_32(struct str word, unsigned char *bytes_r);

#endif
