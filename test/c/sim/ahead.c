/* The one file of the simulator that knows the inside of the core, since only that tells what a delivery will
 * touch. */
#include "ahead.h"

#include "state.h"

#define LINE       64 /* bytes of a cache line */
#define PEER_LINES 4  /* of a peer, that a beat touches */

static void fetch_member(const struct gossip *g)
{
    __builtin_prefetch(&g->now);
    __builtin_prefetch(&g->timers);
    __builtin_prefetch(&g->roster);
    __builtin_prefetch(&g->stats);
    __builtin_prefetch(&g->stats.opened);
}

static void fetch_peer(const struct peer *p)
{
    for (size_t line = 0; line < PEER_LINES; line++) {
        __builtin_prefetch((const char *)p + line * LINE, 1);
    }
}

void ahead_look(const struct cluster *c)
{
    struct queue_event next[AHEAD];
    const struct gossip *members[AHEAD];
    size_t n = queue_peek(&c->queue, AHEAD, next);
    for (size_t i = 0; i < n; i++) {
        members[i] = c->nodes[next[i].node].g;
        if (members[i] != NULL) {
            fetch_member(members[i]);
        }
    }
    /* The look-ups do not depend on each other, so the processor waits for all of them at once. */
    for (size_t i = 0; i < n; i++) {
        if (members[i] != NULL && next[i].kind == CLUSTER_DELIVER) {
            const struct peer *p =
                roster_find(&members[i]->roster, packets_at(&c->packets, next[i].packet)->boot);
            if (p != NULL) {
                fetch_peer(p);
            }
            __builtin_prefetch(members[i]->timers.heap);
        }
    }
}
