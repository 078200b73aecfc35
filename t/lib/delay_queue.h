/*
 * What is on its way: bytes that arrive a constant time after they were sent.
 *
 * One direction of one connection, as if the line were long and of endless
 * bandwidth: all that was sent at an instant arrives at an instant, in order.
 * Each run of bytes bears a stamp (tally.h: a flight's number). The end of the
 * stream travels like a byte.
 */
#ifndef GODWIT_T_LIB_DELAY_QUEUE_H
#define GODWIT_T_LIB_DELAY_QUEUE_H

#include "godwit/base/bytes.h"

#include <stdbool.h>
#include <stdint.h>

/* What was sent at once. */
struct delay_run {
	struct delay_run *next;
	int64_t due_ns;
	uint64_t stamp;
	size_t from; /* what has arrived already */
	size_t to;   /* 0: the end of the stream */
	char bytes[];
};

/* All zeroes is an empty one. */
struct delay_queue {
	struct delay_run *first; /* the next to arrive; NULL: none */
	struct delay_run *last;
	size_t bytes; /* on their way */
};

/* Bytes were sent; none: the stream ends. */
void delay_queue_add(struct delay_queue *queue, struct str bytes,
	uint64_t stamp, int64_t due_ns);

/* When the first run is due; INT64_MAX if there is none. */
int64_t delay_queue_due_ns(const struct delay_queue *queue);

/* The bytes of the first run, which there has to be. */
struct str delay_queue_bytes(const struct delay_queue *queue);

/* So many of those have arrived; with its last byte the run is gone. */
void delay_queue_take(struct delay_queue *queue, size_t len);

void delay_queue_clear(struct delay_queue *queue);

#endif
