/*
 * The printer: a report sink that people and scripts read.
 *
 * Results go to `out`: tables of status, list and check, lines of a dry run
 * and of -v, or with --json every event as an object. Errors go to `err`, as
 * "godwit: account/mailbox: sentence", always. Progress goes to `err` where
 * that is a terminal, as one line that is drawn over and wiped at the end.
 * With no terminal and all well, sync prints nothing. Nothing else in godwit
 * prints.
 */
#ifndef GODWIT_CLI_PRINTER_H
#define GODWIT_CLI_PRINTER_H

#include "godwit/base/bytes.h"
#include "godwit/base/err.h"
#include "godwit/cli/options.h"
#include "godwit/cli/table.h"
#include "godwit/engine/ports/clock.h"
#include "godwit/engine/report.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* What the printer is told once; all of it borrowed. */
struct printer_setup {
	const struct cli_options *options;
	const struct clock_port *clock; /* so that progress is not too much */
	FILE *out;
	FILE *err;
	bool out_color;
	bool err_color;
	bool out_terminal; /* a sync's summary is wanted */
	bool err_terminal; /* progress is wanted */
};

struct printer {
	struct printer_setup setup;
	struct table table; /* the account's rows so far */
	size_t tables;      /* written so far */
	struct buf line;    /* scratch */
	bool progress_shown;
	int64_t progress_next_ms;
};

void printer_init(struct printer *p, struct printer_setup setup);

/* The sink; valid as long as *p stays where it is. */
struct report printer_report(struct printer *p);

/* An error outside of any account: usage, config, a bug. With ERR_USAGE the
 * usage line follows. */
void printer_error(struct printer *p, const struct err *err);

/* Ends the progress and flushes; -1 and err (ERR_DISK) if output was lost on
 * the way, so that a full disk below `godwit list > file` is noticed. */
int printer_flush(struct printer *p, struct err *err);

void printer_clear(struct printer *p);

#endif
