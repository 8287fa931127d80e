/* The one file of the simulator that knows the inside of the core, since only that tells what a delivery will
 * touch. */
#include "ahead.h"

#include "state.h"

static void fetch_member(const struct gossip *g)
{
    __builtin_prefetch(&g->now, 1);
    __builtin_prefetch(&g->nonce, 1);
    __builtin_prefetch(&g->stats.forged, 1);
    __builtin_prefetch(&g->stats.opened, 1);
    __builtin_prefetch(&g->options);
    __builtin_prefetch(&g->self);
    __builtin_prefetch(&g->roster);
}

static void fetch_peer(const struct peer *p)
{
    __builtin_prefetch(&p->id.boot, 1);
    __builtin_prefetch(&p->window, 1);
}

/* In three rounds, each of which needs what the one before has fetched; within a round the processor waits
 * for all of them at once. */
void ahead_look(const struct cluster *c)
{
    struct queue_event next[AHEAD];
    const struct gossip *members[AHEAD];
    uint64_t boots[AHEAD];
    size_t n = 0, found = queue_peek(&c->queue, AHEAD, next);
    for (size_t i = 0; i < found; i++) {
        const struct gossip *g = c->nodes[next[i].node].g;
        if (g != NULL && next[i].kind == CLUSTER_DELIVER) {
            fetch_member(g);
            boots[n] = packets_at(&c->packets, next[i].packet)->boot;
            members[n++] = g;
        }
    }
    for (size_t i = 0; i < n; i++) {
        __builtin_prefetch(index_place(&members[i]->roster.by_boot, boots[i]));
        __builtin_prefetch(members[i]->timers.heap);
    }
    for (size_t i = 0; i < n; i++) {
        const struct peer *p = roster_find(&members[i]->roster, boots[i]);
        if (p != NULL) {
            fetch_peer(p);
        }
    }
}
