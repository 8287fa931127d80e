/* What happens next, in virtual microseconds. Two parts: a wheel with one slot for each of the next 65,536
 * microseconds, where almost everything happens (a delivery, a timer of a big cluster) and where adding and
 * taking cost a few nanoseconds; and a binary heap for what is farther away. Events of the same microsecond
 * come in the order in which they were added. */
#ifndef SIM_QUEUE_H
#define SIM_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QUEUE_SLOTS 65536u

struct queue_event {
    uint32_t kind; /* what its owner calls it */
    uint32_t node;
    uint32_t packet;
};

struct queue_item; /* in the wheel */
struct queue_far;  /* in the heap */

struct queue {
    int64_t now; /* when the event taken last was due; nothing may be added before it */
    uint64_t order;
    size_t count;
    struct queue_item *items;
    uint32_t item_count, free_item;
    uint32_t *first, *last; /* of each slot */
    uint64_t *busy;         /* a bit a slot: it has events */
    struct queue_far *heap;
    size_t heap_count, heap_size;
};

void queue_init(struct queue *q);
void queue_free(struct queue *q);

/* Adds an event; what is due before `now` is due now. */
void queue_add(struct queue *q, int64_t due, struct queue_event event);

/* Takes the earliest if it is due at or before `until`, and sets `now` to its time; false otherwise, and
 * `now` is `until`. */
bool queue_take(struct queue *q, int64_t until, struct queue_event *out);

/* What will be taken next, as far as the wheel knows: at most `max` events, in order, left where they are.
 * Returns how many. */
size_t queue_peek(const struct queue *q, size_t max, struct queue_event out[]);

#endif
