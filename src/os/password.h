/*
 * The password, from where the account says.
 *
 * Each source is one function; what they give is not empty, holds no NUL, and
 * ends before the first line end.
 */
#ifndef GODWIT_OS_PASSWORD_H
#define GODWIT_OS_PASSWORD_H

#include "godwit/base/err.h"
#include "godwit/base/secret.h"
#include "godwit/engine/account.h"

/* As the login port's. */
int password_get(const struct account *account, struct secret *password,
	struct err *err);

/* Takes the first line of `text` as the password; `source` names where it came
 * from in a sentence. -1 and err when it cannot be one. */
int password_take(struct str text, const char *source, struct secret *password,
	struct err *err);

/* Asks on the controlling terminal, without echo (terminal.c). */
int password_ask(const struct account *account, struct secret *password,
	struct err *err);

#endif
