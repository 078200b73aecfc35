/* How: password.c and sasl.c do it; here they become the port. */
#include "godwit/os/login.h"

#include "password.h"
#include "sasl.h"

#include <gsasl.h>

static int login_password(void *ctx, const struct account *account,
	struct secret *password, struct err *err)
{
	(void)ctx;
	return password_get(account, password, err);
}

void os_login_open(struct os_login *login, struct login_port *port_r)
{
	check(gsasl_init(&login->gsasl) == GSASL_OK);
	*port_r = (struct login_port){
		.ctx = login,
		.password = login_password,
		.has_mechanism = sasl_has_mechanism,
		.start = sasl_start,
		.client_first = sasl_client_first,
		.step = sasl_step,
		.complete = sasl_complete,
		.end = sasl_end,
	};
}

void os_login_close(struct os_login *login)
{
	gsasl_done(login->gsasl);
	login->gsasl = NULL;
}
