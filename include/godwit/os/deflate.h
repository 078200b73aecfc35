/*
 * The deflate port for real: zlib over memory (RFC 4978, RFC 1951).
 *
 * What is said together ends with a flush, so that nothing of it waits here.
 * What is heard is given in steps of LIMIT_INFLATE_BYTES, since a server can
 * make a byte of it stand for a thousand. Refuses a stream that is damaged or
 * that ends while the connection does not.
 */
#ifndef GODWIT_OS_DEFLATE_H
#define GODWIT_OS_DEFLATE_H

#include "godwit/engine/ports/transform.h"

void os_deflate_open(struct deflate_port *port_r);

#endif
