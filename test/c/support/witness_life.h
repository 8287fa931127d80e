/* Holds what a member takes for a sign of life against what really happened (see truth.h):
 *
 *   - each datagram renews the life of its sender at most once: a copy never does;
 *   - one that was sent elsewhere, or on another way than it came, never does;
 *   - nor does one that a member has said, and that is later than max(2 s, 2 T) against the quickest of the
 *     same sender, unless it answers what was asked less than 2 s ago. One's own pause is added for 100 ms,
 * and the quickest may be slower by a 1000th of the time since. */
#ifndef TEST_SUPPORT_WITNESS_LIFE_H
#define TEST_SUPPORT_WITNESS_LIFE_H

#include "gossip.h"
#include "truth.h"

#define LIFE_PEERS  512
#define LIFE_PRINTS 1024

struct witness_life {
    uint64_t boot; /* the sender of this step's datagram; 0: none */
    int64_t before, clock, lag;
    bool answers; /* what was asked lately */
    uint64_t print;
    int64_t interval;
    const char *wrong;                 /* why it may not renew a life; NULL: it may */
    int64_t due, slept, lost, lost_at; /* when it is to be called next; pauses, as in the protocol */
    size_t peers, prints;              /* of these arrays, so many count; of the prints, the latest */
    struct {
        uint64_t boot;
        int64_t least, at, interval;
    } peer[LIFE_PEERS];
    uint64_t seen[LIFE_PRINTS];
};

void life_start(struct witness_life *l);

/* Before the member is given a datagram of this sender. `advertised`: another address that is its own, too.
 */
void life_receive(struct witness_life *l, const struct gossip *g, uint64_t boot, int64_t interval,
                  bool answers, const struct path *from, const struct origin *origin,
                  const struct addr *advertised);

/* Time has come to this; and the member is called. */
void life_clock(struct witness_life *l, int64_t now, int64_t clock);

/* After it. Why what it took for a sign of life is none; NULL: it did nothing wrong. */
const char *life_after(struct witness_life *l, const struct gossip *g);

#endif
