/* Among members that hear one another, silence is noticed by all, and some are to act. Who is not heard has
 * to be asked, and that costs each a little only if each asks a few. So every member is watched by the three
 * that come first by rank, of all that are known: all agree who that is, and nobody else asks. As each has
 * three watchers and watches three in the mean, at random, these links are a random graph of degree 6, an
 * expander (the idea is Rapid's: Suresh and others, 2018): what is said along them reaches a thousand members
 * in five steps, by links that are in use anyway.
 *
 * Who is first with regard to whom would take N * N weights. But only for those with regard to whom this
 * member's own weight is high can it be among the first three; the others are left out unseen. */
#include "state/graph.h"

#include "kit/rank.h"

/* Of so many members that this one's weight would make it the first of, none is missed, but one time in
 * 2.8 * 10^14. */
#define CANDIDATES 40

/* Whether this member is one of the first three with regard to a listed one. */
static bool watches(const struct gossip *g, uint64_t boot)
{
    const struct roster *r = &g->roster;
    uint64_t mine = rank_weight(g->self.boot, boot);
    size_t before = 0;
    if (r->listed > CANDIDATES && UINT64_MAX - mine > UINT64_MAX / r->listed * CANDIDATES) {
        return false;
    }
    for (size_t i = 0; i < r->listed && before < ANSWERERS; i++) {
        before += r->list[i].boot != boot && rank_weight(r->list[i].boot, boot) > mine;
    }
    return before < ANSWERERS;
}

/* Whether it is one of them now. */
static bool add(struct graph *x, uint64_t boot)
{
    size_t i = 0;
    while (i < x->count && x->boots[i] != boot) {
        i++;
    }
    if (i == x->count && x->count < GRAPH_MOST) {
        x->boots[x->count++] = boot;
    }
    return i < x->count;
}

/* The first three with regard to this member. */
static void add_watchers(struct gossip *g)
{
    const struct listed *first[ANSWERERS];
    uint64_t weight[ANSWERERS];
    size_t n = 0;
    for (size_t i = 0; i < g->roster.listed; i++) {
        uint64_t w = rank_weight(g->roster.list[i].boot, g->self.boot);
        if (n == ANSWERERS && w <= weight[n - 1]) {
            continue;
        }
        size_t at = n < ANSWERERS ? n++ : n - 1;
        for (; at > 0 && weight[at - 1] < w; at--) {
            weight[at] = weight[at - 1];
            first[at] = first[at - 1];
        }
        weight[at] = w;
        first[at] = &g->roster.list[i];
    }
    for (size_t i = 0; i < n; i++) {
        (void)add(&g->graph, first[i]->boot);
    }
}

void graph_look(struct gossip *g)
{
    struct graph *x = &g->graph;
    bool same = x->version == g->roster.version && x->self == g->self.boot;
    if (same || (x->count > 0 && g->now - x->at < GRAPH_GAP)) {
        return;
    }
    for (size_t i = 0; i < x->count; i++) {
        struct peer *p = roster_find(&g->roster, x->boots[i]);
        if (p != NULL) {
            p->watched = false;
        }
    }
    x->version = g->roster.version;
    x->self = g->self.boot;
    x->at = g->now;
    x->count = 0;
    add_watchers(g);
    for (size_t i = 0; i < g->roster.listed; i++) {
        const struct listed *l = &g->roster.list[i];
        if (watches(g, l->boot)) {
            l->peer->watched = add(x, l->boot);
        }
    }
}

size_t graph_links(const struct gossip *g, struct peer *out[static GRAPH_LINKS])
{
    size_t n = 0;
    for (size_t i = 0; i < g->graph.count && n < GRAPH_LINKS; i++) {
        struct peer *p = roster_find(&g->roster, g->graph.boots[i]);
        if (p != NULL && p->state == PEER_LISTED && (p->far || p->unheard) && p->addr_count > 0) {
            out[n++] = p;
        }
    }
    return n;
}
