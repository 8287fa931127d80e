/* A binary heap of deadlines. A timer is never cancelled: when it fires, its owner looks whether it still
 * means anything. */
#ifndef GOSSIP_TIMERS_H
#define GOSSIP_TIMERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct timer {
    int64_t due;   /* microseconds, the core's own time */
    uint64_t boot; /* whom it is about: a member, or the life of this one; 0: nobody in particular */
    uint8_t kind;  /* what its owner calls it */
    uint8_t step;  /* which repetition */
};

/* Kinds from here on are what keeps a member alive: each has one place of its own, which needs no memory and
 * is never full; adding one replaces the last of its kind. */
#define TIMERS_KEPT       0xf0
#define TIMERS_KEPT_COUNT 16

struct timers {
    struct timer kept[TIMERS_KEPT_COUNT]; /* due: INT64_MAX when there is none */
    int64_t first; /* due time of the earliest, kept here since it is asked for all the time */
    struct timer *heap;
    size_t count, size, limit;
};

/* An empty heap that holds at most `limit` timers. Allocates as it grows. */
void timers_init(struct timers *t, size_t limit);
void timers_free(struct timers *t);

/* Adds a timer; false when the limit is reached or memory is short, which the kept kinds do not mind. */
bool timers_add(struct timers *t, int64_t due, uint8_t kind, uint64_t boot, uint8_t step);

/* Due time of the earliest; INT64_MAX when empty. */
int64_t timers_next(const struct timers *t);

/* Takes the earliest if it is due at `now`. */
bool timers_take(struct timers *t, int64_t now, struct timer *out);

#endif
