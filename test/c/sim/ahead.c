/* The one file of the simulator, beside support/inside.c, that knows the inside of the core, since only that
 * tells what a delivery will touch. */
#include "ahead.h"

#include "state/state.h"

static void fetch_member(const struct gossip *g)
{
    __builtin_prefetch(&g->now, 1);
    __builtin_prefetch(&g->nonce, 1);
    __builtin_prefetch(&g->stats.forged, 1);
    __builtin_prefetch(&g->stats.opened, 1);
    __builtin_prefetch(&g->options);
    __builtin_prefetch(&g->self);
    __builtin_prefetch(&g->roster);
    __builtin_prefetch(&g->pending);
}

static void fetch_peer(const struct peer *p)
{
    __builtin_prefetch(&p->id.boot, 1);
    __builtin_prefetch(&p->window, 1);
}

/* A member, and somebody whom it will look up. */
struct look {
    const struct gossip *g;
    uint64_t boot;
};

static size_t gather(const struct cluster *c, struct look looks[2 * AHEAD])
{
    struct queue_event next[AHEAD];
    size_t n = 0, found = queue_peek(&c->queue, AHEAD, next);
    for (size_t i = 0; i < found; i++) {
        const struct gossip *g = c->nodes[next[i].node].g;
        if (g != NULL && next[i].kind == CLUSTER_DELIVER) {
            const struct packet *p = packets_at(&c->packets, next[i].packet);
            fetch_member(g);
            looks[n++] = (struct look){.g = g, .boot = p->boot};
            if (p->about != 0) {
                looks[n++] = (struct look){.g = g, .boot = p->about};
            }
        }
    }
    return n;
}

/* In three rounds, each of which needs what the one before has fetched; within a round the processor waits
 * for all of them at once. */
void ahead_look(const struct cluster *c)
{
    struct look looks[2 * AHEAD];
    size_t n = gather(c, looks);
    for (size_t i = 0; i < n; i++) {
        __builtin_prefetch(index_place(&looks[i].g->roster.by_boot, looks[i].boot));
        __builtin_prefetch(looks[i].g->timers.heap);
    }
    for (size_t i = 0; i < n; i++) {
        const struct peer *p = roster_find(&looks[i].g->roster, looks[i].boot);
        if (p != NULL) {
            fetch_peer(p);
        } else {
            __builtin_prefetch(index_place(&looks[i].g->pending.by_boot, looks[i].boot));
        }
    }
}
