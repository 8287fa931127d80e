/* What is to be written to the owner: a bounded queue of {packet, 4} frames, written as far as the pipe takes
 * them.
 *
 * The bound is what keeps a stopped BEAM from filling our memory. On overflow all that is queued is dropped,
 * except the rest of a frame whose first bytes are already out, and the caller is told, so that it can send a
 * fresh snapshot. */
#ifndef GOSSIP_OUTBOX_H
#define GOSSIP_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OUTBOX_LIMIT ((size_t)1024 * 1024) /* bytes; some ten thousand events: seconds of the worst storm */

struct outbox {
    uint8_t *data; /* owned; NULL while nothing was ever queued */
    size_t size;
    size_t head;    /* first byte not yet written */
    size_t tail;    /* behind the last byte queued */
    size_t partial; /* bytes left of a frame that is partly written */
    size_t limit;
    size_t beyond;   /* bytes let in beyond the limit, until the queue is empty */
    bool overflowed; /* frames were dropped since outbox_take_overflow */
    uint64_t dropped;
};

/* An empty queue; allocates nothing. */
struct outbox outbox_new(size_t limit);

void outbox_free(struct outbox *o);

/* Queues a copy of one frame, its header added: 0. Over the limit, or memory is short: drops as said above,
 * this frame too, and returns -1. */
int outbox_push(struct outbox *o, const void *frame, size_t len);

/* The same for what has a bound of its own: a snapshot, which may be larger than the limit. */
int outbox_push_beyond(struct outbox *o, const void *frame, size_t len);

/* Writes to a non-blocking descriptor what it takes: 0, also when it takes nothing now; -1 and errno when it
 * is broken. */
int outbox_write(struct outbox *o, int fd);

/* Nothing is left to write: no POLLOUT is wanted. */
bool outbox_empty(const struct outbox *o);

/* Has it overflowed since the last time this was asked? */
bool outbox_take_overflow(struct outbox *o);

#endif
