/*
 * JSON: one report event as one line.
 *
 * The objects are those of godwit(1): each has "event" and "account" first;
 * what does not apply is left out rather than null. Text that is not UTF-8
 * has U+FFFD in place of what is wrong. Progress has no object: nothing is
 * added for it.
 */
#ifndef GODWIT_CLI_JSON_H
#define GODWIT_CLI_JSON_H

#include "godwit/base/bytes.h"
#include "godwit/engine/report.h"

/* Adds the event and a newline to `out`. */
void json_event(const struct report_event *event, struct buf *out);

#endif
