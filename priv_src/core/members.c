/* Listed, changed, gone: the only place that tells the owner about a peer. */
#include <string.h>

#include "state.h"

struct peer_view member_view(const struct peer *p)
{
    struct peer_view v = {.id = p->id, .status = p->status, .cookie = p->cookie, .addr_count = p->addr_count};
    memcpy(v.addrs, p->addrs, sizeof v.addrs);
    return v;
}

static void tell(struct effects *fx, uint8_t type, const struct peer *p, uint8_t reason)
{
    struct effect *e = effects_push(fx, EFFECT_EVENT);
    if (e != NULL) {
        e->as.event.type = type;
        e->as.event.reason = reason;
        e->as.event.peer = member_view(p);
    }
}

static void tell_conflict(struct effects *fx, struct peer *p, const struct peer_view *other)
{
    struct effect *e = p->told ? NULL : effects_push(fx, EFFECT_EVENT);
    if (e != NULL) {
        p->told = 1;
        e->as.event.type = EVENT_CONFLICT;
        e->as.event.peer = member_view(p);
        e->as.event.other = *other;
    }
}

static uint8_t judge_cookie(const struct gossip *g, const struct wire_message *m)
{
    if (g->cookie_len == 0 || (m->has & HAS_FINGERPRINT) == 0) {
        return COOKIE_UNKNOWN;
    }
    /* The sender used its first key; in the midst of a rotation that need not be ours. */
    for (int i = 0; i < g->options.keys.count; i++) {
        uint8_t ours[FINGERPRINT_BYTES];
        seal_fingerprint(&g->options.keys, i, g->cookie, g->cookie_len, ours);
        if (memcmp(ours, m->fingerprint, sizeof ours) == 0) {
            return COOKIE_SAME;
        }
    }
    return COOKIE_DIFFERS;
}

/* Takes over what a message says of its sender; true when the owner ought to know. */
static bool adopt(const struct gossip *g, struct peer *p, const struct wire_message *m)
{
    uint8_t cookie = judge_cookie(g, m);
    bool changed = p->id.dist_port != m->id.dist_port || p->id.flags != m->id.flags || p->cookie != cookie;
    p->id.dist_port = m->id.dist_port;
    p->id.flags = m->id.flags;
    p->id.incarnation = m->id.incarnation;
    p->cookie = cookie;
    p->miss = m->miss < PROMISE_MISS_MIN   ? PROMISE_MISS_MIN
              : m->miss > PROMISE_MISS_MAX ? PROMISE_MISS_MAX
                                           : m->miss;
    p->interval =
        m->interval_ms * MS_US < PROMISE_INTERVAL_MIN ? PROMISE_INTERVAL_MIN : m->interval_ms * MS_US;
    return changed;
}

static void list(struct gossip *g, struct effects *fx, struct peer *p)
{
    roster_state(&g->roster, p, PEER_LISTED);
    tell(fx, EVENT_UP, p, 0);
}

/* A tombstone, unless there are too many. */
static void bury(struct gossip *g, struct peer *p, uint8_t reason)
{
    if (g->roster.gone >= g->options.max_peers) {
        roster_remove(&g->roster, p);
        return;
    }
    p->reason = reason;
    p->contested = p->told = 0;
    p->alarm = g->now + TOMBSTONE_LIFE;
    set_timer(g, TOMBSTONE_LIFE, TIMER_FORGET, p->id.boot, 0);
    roster_state(&g->roster, p, PEER_GONE);
}

/* The same BEAM behind a new sidecar: no down, no up. */
static void take_over(struct gossip *g, struct effects *fx, struct peer *old, struct peer *p)
{
    bury(g, old, DOWN_LEFT); /* a boot id that was replaced never comes back */
    roster_state(&g->roster, p, PEER_LISTED);
    tell(fx, EVENT_UPDATE, p, 0);
}

/* Decides what a newly proven member may be. */
static void place(struct gossip *g, struct effects *fx, struct peer *p)
{
    struct peer *old = roster_named(&g->roster, &p->id.name);
    if (name_same(&p->id.name, &g->self.name)) {
        if (p->id.creation != g->self.creation) {
            struct peer_view own = {.id = g->self, .status = STATUS_ALIVE};
            tell_conflict(fx, p, &own);
        } /* else the ghost of our own last sidecar */
        return;
    }
    if (old == NULL) {
        list(g, fx, p);
    } else if (old->id.creation == p->id.creation) {
        take_over(g, fx, old, p);
    } else if (!old->contested) {
        old->contested = 1;
        join_probe(g, fx, old);
        set_timer(g, RIVAL_PROBE, TIMER_RIVAL, old->id.boot, 1);
    }
}

struct peer *member_proven(struct gossip *g, struct effects *fx, const struct wire_message *m,
                           uint64_t sequence, const struct path *from)
{
    struct peer *p = roster_find(&g->roster, m->id.boot);
    if (m->id.name.len == 0 || (p != NULL && p->state == PEER_GONE && p->reason != DOWN_SILENT)) {
        return NULL; /* nameless, or it has said goodbye under this boot id */
    }
    if (p == NULL) {
        if (!bucket_take(&g->newcomers, g->now, g->options.max_peers, g->options.max_peers / 10 + 10)) {
            g->stats.refused_rate++;
            return NULL;
        }
        p = roster_add(&g->roster, &m->id, PEER_RIVAL);
        if (p == NULL) {
            g->stats.refused_full++;
            return NULL;
        }
        (void)window_accept(&p->window, sequence);
    } else if (p->state == PEER_GONE) {
        if (!roster_room(&g->roster)) {
            g->stats.refused_full++;
            return NULL;
        }
        roster_state(&g->roster, p, PEER_RIVAL);
    }
    pending_drop(&g->roster, pending_find(&g->roster, m->id.boot));
    p->heard = g->now;
    (void)adopt(g, p, m);
    (void)peer_address(p, &from->addr);
    watch_start(g, p);
    place(g, fx, p);
    return p;
}

void member_heard(struct gossip *g, struct effects *fx, struct peer *p, const struct wire_message *m,
                  bool newest)
{
    p->heard = g->now;
    if (p->state == PEER_LISTED && newest && adopt(g, p, m)) {
        tell(fx, EVENT_UPDATE, p, 0);
    }
    if (p->state == PEER_LISTED && m->type == WIRE_HELLO && g->options.heartbeats) {
        tell(fx, EVENT_HEARTBEAT, p, 0);
    }
}

void member_gone(struct gossip *g, struct effects *fx, struct peer *p, uint8_t reason)
{
    bool listed = p->state == PEER_LISTED;
    struct peer *heir = roster_rival(&g->roster, &p->id.name);
    if (listed) {
        tell(fx, EVENT_DOWN, p, reason);
    }
    bury(g, p, reason);
    if (listed && heir != NULL) {
        list(g, fx, heir);
    }
}

/* Probed RIVAL_PROBES times: who answers has a living twin, who does not was its predecessor. */
void member_rival_timer(struct gossip *g, struct effects *fx, const struct timer *t)
{
    struct peer *p = roster_find(&g->roster, t->boot);
    struct peer *rival = p == NULL ? NULL : roster_rival(&g->roster, &p->id.name);
    if (p == NULL || p->state != PEER_LISTED || rival == NULL) {
        return;
    }
    if (g->now - p->heard < RIVAL_PROBE * t->step) {
        struct peer_view other = member_view(p);
        p->contested = 0;
        tell_conflict(fx, rival, &other);
    } else if (t->step >= RIVAL_PROBES) {
        member_gone(g, fx, p, DOWN_SILENT);
    } else {
        join_probe(g, fx, p);
        set_timer(g, RIVAL_PROBE, TIMER_RIVAL, p->id.boot, (uint8_t)(t->step + 1));
    }
}

void member_forget_timer(struct gossip *g, const struct timer *t)
{
    struct peer *p = roster_find(&g->roster, t->boot);
    if (p != NULL && p->state == PEER_GONE && p->alarm == t->due) {
        roster_remove(&g->roster, p);
    }
}
