/* How: a list of runs, each allocated with its bytes. */
#include "delay_queue.h"

#include "godwit/base/err.h"

#include <stdlib.h>
#include <string.h>

void delay_queue_add(struct delay_queue *queue, struct str bytes,
	uint64_t stamp, int64_t due_ns)
{
	struct delay_run *run = malloc(sizeof(*run) + bytes.len);

	check(run != NULL);
	*run = (struct delay_run){
		.due_ns = due_ns, .stamp = stamp, .to = bytes.len};
	if (bytes.len > 0)
		memcpy(run->bytes, bytes.ptr, bytes.len);
	if (queue->last == NULL)
		queue->first = run;
	else
		queue->last->next = run;
	queue->last = run;
	queue->bytes += bytes.len;
}

int64_t delay_queue_due_ns(const struct delay_queue *queue)
{
	return queue->first == NULL ? INT64_MAX : queue->first->due_ns;
}

struct str delay_queue_bytes(const struct delay_queue *queue)
{
	const struct delay_run *run = queue->first;

	return (struct str){run->bytes + run->from, run->to - run->from};
}

void delay_queue_take(struct delay_queue *queue, size_t len)
{
	struct delay_run *run = queue->first;

	check(len <= run->to - run->from);
	run->from += len;
	queue->bytes -= len;
	if (run->from < run->to)
		return;
	queue->first = run->next;
	if (queue->first == NULL)
		queue->last = NULL;
	free(run);
}

void delay_queue_clear(struct delay_queue *queue)
{
	while (queue->first != NULL)
		delay_queue_take(queue, delay_queue_bytes(queue).len);
}
