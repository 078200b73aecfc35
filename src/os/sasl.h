/*
 * SASL mechanisms, the client's side: what the login port hands on.
 */
#ifndef GODWIT_OS_SASL_H
#define GODWIT_OS_SASL_H

#include "godwit/os/login.h"

/* All as the login port's; `ctx` is the struct os_login. */
bool sasl_has_mechanism(void *ctx, const char *name);
struct sasl_exchange *sasl_start(
	void *ctx, const struct sasl_request *request, struct err *err);
bool sasl_client_first(struct sasl_exchange *exchange);
int sasl_step(struct sasl_exchange *exchange, struct str challenge,
	struct secret *response, struct err *err);
bool sasl_complete(struct sasl_exchange *exchange);
void sasl_end(struct sasl_exchange **exchange);

#endif
