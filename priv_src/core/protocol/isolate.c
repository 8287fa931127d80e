/* Is it me? A member whom neither the silent peer nor any relay answers has lost its own link, or all of
 * its peers at once. It cannot tell, so it says so to its owner, gives no verdict, and waits: nine live
 * nodes taken for dead, because one cable was pulled, cost more than a late verdict on nine dead ones. */
#include "protocol/isolate.h"

static void tell_health(struct gossip *g, struct effects *fx, uint8_t health)
{
    g->stats.health = health;
    struct effect *e = effects_push(fx, EFFECT_EVENT);
    if (e != NULL) {
        e->as.event.type = EVENT_HEALTH;
        e->as.event.health = health;
    }
}

void isolate_enter(struct gossip *g, struct effects *fx)
{
    if (g->stats.health != HEALTH_ISOLATED) {
        tell_health(g, fx, HEALTH_ISOLATED);
    }
}

void isolate_end(struct gossip *g, struct effects *fx)
{
    if (g->stats.health == HEALTH_ISOLATED) {
        tell_health(g, fx, HEALTH_OK);
    }
}

/* Somebody was heard. What the others could not be heard saying meanwhile is not held against them. */
void isolate_leave(struct gossip *g, struct effects *fx)
{
    if (g->stats.health != HEALTH_ISOLATED) {
        return;
    }
    tell_health(g, fx, HEALTH_OK);
    for (size_t i = 0; i < g->roster.listed; i++) {
        struct peer *p = g->roster.list[i].peer;
        p->heard = g->now;
        p->watch = WATCH_QUIET;
    }
}
