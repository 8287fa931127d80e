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

/* Whether what was said meanwhile may have been missed altogether. */
static bool is_long(const struct gossip *g, int64_t time)
{
    return time >= silence_to_probe(g->options.interval_ms * MS_US);
}

/* What the others could not be heard saying meanwhile is not held against them. */
static void leave(struct gossip *g, struct effects *fx)
{
    tell_health(g, fx, HEALTH_OK);
    for (size_t i = 0; i < g->roster.listed; i++) {
        struct peer *p = g->roster.list[i].peer;
        p->heard = g->now;
        p->watch = WATCH_QUIET;
    }
}

void isolate_heard(struct gossip *g, struct effects *fx)
{
    bool isolated = g->stats.health == HEALTH_ISOLATED;
    if (isolated || (g->heard != 0 && is_long(g, g->now - g->heard))) {
        g->back = g->now;
    }
    g->heard = g->now;
    if (isolated) {
        leave(g, fx);
    }
}

void isolate_stopped(struct gossip *g, int64_t time)
{
    g->back = is_long(g, time) ? g->now : g->back;
}
