/* Who is near is heard by the group, and its silence is noticed. A peer is far when nothing was heard of it
 * by the group for 6 T though it lives, or when it became known without the group: by a seed, or by another
 * that is far. It is watched by asking: by three, once in T, so that what each member does costs the same
 * however many there are. Everybody else believes that it lives until news says otherwise. The rest is as
 * with the near: silence, relays, a suspicion, a verdict.
 *
 * It may be one-sided: this member may be deaf to the group, or the other mute. So whoever is far is told so
 * in all that is said to it, and tells this member its news, too. */
#include "protocol/far.h"

#include "protocol/alarm.h"
#include "protocol/flood.h"
#include "protocol/send.h"
#include "state/graph.h"
#include "state/self.h"

#define ASKS_AT_ONCE 8 /* so that the effects of one timer stay few */

/* A partition may have healed: then others know many whom this member has buried. */
static void heal(struct gossip *g)
{
    if (g->healed == 0 || g->now - g->healed >= YOUNG) {
        g->mend_at = g->mend_gap = 0;
    }
    g->healed = g->now;
}

void far_begin(struct gossip *g, struct peer *p, bool far)
{
    if (far && p->since != 0) {
        heal(g);
    }
    p->grouped = g->now;
    p->ask_at = p->parted = p->differed_gap = 0;
    roster_far(&g->roster, p, far, false);
}

int64_t far_interval(const struct gossip *g, int64_t promised)
{
    int64_t own = g->options.interval_ms * MS_US;
    return promised < own ? promised : own;
}

void far_heard(struct gossip *g, struct peer *p, const struct wire_message *m, bool by_group)
{
    if (by_group) {
        p->grouped = g->now;
        if (p->far && p->state == PEER_LISTED) {
            p->alarm = 0;
            alarm_sooner(g, p);
        }
        roster_far(&g->roster, p, false, p->unheard);
        return;
    }
    bool heard = p->direct - p->grouped >= FAR_HEARD * p->interval; /* else nothing at all came from it */
    bool far = p->far || (heard && g->now - p->grouped >= MISS_MULTIPLIER * p->interval);
    if (far && !p->far) {
        p->ask_at = 0;
    }
    roster_far(&g->roster, p, far, (m->flags & WIRE_FAR) != 0);
}

void far_settle(struct gossip *g)
{
    if (g->seen_version != g->roster.version) {
        g->seen_version = g->roster.version;
        g->seen_at = g->now;
    }
    bool changed = g->graph.version != g->roster.version || g->graph.self != g->self.boot;
    if (g->roster.far > 0 && changed && (g->far_at == 0 || g->far_at > g->now + GRAPH_GAP)) {
        g->far_at = set_timer(g, GRAPH_GAP, TIMER_FAR, 0, 0);
    }
}

void far_shorten(const struct gossip *g, struct wire_message *m, const struct peer *p, const struct addr *to,
                 size_t most)
{
    m->to = *to;
    m->has |= HAS_TO;
    m->tags.len = 0;
    while (message_shed(m)) {
    }
    m->id.name.len = 0;
    flood_ride(g, m, p->id.boot, most);
}

void far_probe(struct gossip *g, struct effects *fx, struct peer *p, size_t at)
{
    struct wire_message m WIRE_ROOM;
    int64_t interval = g->options.interval_ms * MS_US, gap = p->ask_gap;
    bool settled = p->ask_at != 0 && gap == interval;
    if (p->ask_at != 0) {
        gap += settled ? interval / ASK_LATER : 0;
        p->ask_at = g->now + random_between(g, gap, gap + p->ask_gap / ASK_SPREAD);
    }
    if (!message_may_reach(g, p, at)) {
        return;
    }
    if (settled &&
        (p->watch == WATCH_QUIET || p->probes == 0)) { /* others follow closer than an answer may */
        quality_probe(&p->quality);
    }
    message_start(g, &m, WIRE_PROBE);
    m.flags = WIRE_ASK;
    if (p->met) {
        far_shorten(g, &m, p, &p->addrs[at], DATAGRAM_MAX);
    }
    message_to(g, fx, p->id.boot, &p->addrs[at], &m);
}

static void ask(struct gossip *g, struct effects *fx, struct peer *p)
{
    int64_t interval = g->options.interval_ms * MS_US;
    if (p->ask_at == 0) { /* it has not been asked by this member: its silence begins now */
        p->alarm = g->now + silence_to_probe(interval);
        alarm_sooner(g, p);
        p->ask_at = g->now;
        p->ask_gap = ASK_FIRST / 2;
        quality_rest(&p->quality);
    }
    p->ask_gap = 2 * p->ask_gap < interval ? 2 * p->ask_gap : interval;
    far_probe(g, fx, p, 0);
}

/* When one with whom this member is linked is asked, or looked at again. Who watches this member asks it; but
 * not who hears it by the group, and so does not know who is not heard in return, and is to be told. So the
 * deaf ask, or who of them watches nobody would hear of nothing. */
static int64_t ask_due(const struct gossip *g, const struct peer *p)
{
    int64_t interval = g->options.interval_ms * MS_US, patience = p->since + interval;
    if (p->watched) {
        return p->ask_at;
    }
    if (p->unheard) {
        return g->now + interval;
    }
    return p->ask_at > patience ? p->ask_at : patience;
}

void far_timer(struct gossip *g, struct effects *fx, const struct timer *t)
{
    int64_t next = NEVER;
    size_t asked = 0;
    if (t->due != g->far_at) {
        return;
    }
    g->far_at = 0;
    graph_look(g);
    for (size_t i = 0; i < g->graph.count; i++) {
        struct peer *p = roster_find(&g->roster, g->graph.boots[i]);
        if (p == NULL || p->state != PEER_LISTED || !p->far || p->addr_count == 0) {
            continue;
        }
        if (ask_due(g, p) <= g->now && asked < ASKS_AT_ONCE) {
            ask(g, fx, p);
            asked++;
        }
        int64_t due = ask_due(g, p);
        next = due < next ? due : next;
    }
    if (next != NEVER) {
        g->far_at = set_timer(g, next > g->now ? next - g->now : 0, TIMER_FAR, 0, 0);
    }
}
