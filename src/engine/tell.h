/*
 * Tell: what a pass says about the server, the mailboxes, and itself.
 *
 * The events of `check`, `list` and the summary, made of what the pass found.
 * It changes nothing.
 */
#ifndef GODWIT_SRC_ENGINE_TELL_H
#define GODWIT_SRC_ENGINE_TELL_H

#include "pass.h"

/* Logs in, and tells what the server can. -1 and err when it cannot. */
int tell_server(struct pass *pass, struct err *err);

/* What the server says that a mailbox is for: "\\Sent", or empty. */
struct str tell_role(unsigned attrs);

/* One event a mailbox: REPORT_LISTED. */
void tell_list(struct pass *pass);

/* Fills in the summary as of now, but what is counted as it is done. */
void tell_sum_up(struct pass *pass, int status);

/* One event a mailbox: REPORT_MAILBOX, its state. */
void tell_mailboxes(struct pass *pass);

/* The last event: the summary. */
void tell_summary(struct pass *pass);

#endif
