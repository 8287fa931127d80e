/* Silence. */
#include "state.h"

static int64_t patience(const struct peer *p)
{
    return p->miss * p->interval;
}

void watch_start(struct gossip *g, struct peer *p)
{
    p->alarm = p->heard + patience(p);
    set_timer(g, p->alarm - g->now, TIMER_SILENCE, p->id.boot, 0);
}

void watch_timer(struct gossip *g, struct effects *fx, const struct timer *t)
{
    struct peer *p = roster_find(&g->roster, t->boot);
    if (p == NULL || p->state == PEER_GONE || p->alarm != t->due) {
        return;
    }
    if (p->heard + patience(p) <= g->now) {
        member_gone(g, fx, p, DOWN_SILENT);
    } else {
        watch_start(g, p);
    }
}
