/* Silence. Three watchers by rank probe a silent peer, then ask others to, and go on while they suspect it.
 * Silence alone never buries: everybody comes to be a watcher in the end, but none gives a verdict without
 * having asked. */
#include "protocol/watch.h"

#include "protocol/alarm.h"
#include "protocol/isolate.h"
#include "protocol/members.h"
#include "protocol/relay.h"
#include "protocol/send.h"
#include "protocol/verdict.h"
#include "state/ranks.h"
#include "state/self.h"

/* Nobody was told of a rival, so nobody needs a verdict. */
void watch_rival_timer(struct gossip *g, struct effects *fx, const struct timer *t)
{
    struct peer *p = roster_find(&g->roster, t->boot);
    if (p == NULL || p->state != PEER_RIVAL || p->alarm != t->due) {
        return;
    }
    if (g->now - p->heard >= p->miss * p->interval) {
        member_gone(g, fx, p, DOWN_SILENT);
    } else {
        alarm_rival(g, p);
    }
}

static void look(struct gossip *g, struct peer *p)
{
    if (p->probing || g->now - p->heard >= BACKSTOP * p->interval || rank_watches(g, p)) {
        alarm_probe(g, p);
        p->alarm = g->now + p->interval;
    } else { /* the watchers may have gone with it: look again who they are */
        p->alarm = g->now + p->interval / RECHECK_PART;
    }
}

/* One timer for all: a group of a thousand wakes this member a few times in T, not a thousand times. Only
 * those are touched whose time may come soon: most have beaten since it was reckoned, so that the next look
 * is far. */
void watch_timer(struct gossip *g, const struct timer *t)
{
    if (t->due != g->look_at) {
        return; /* overtaken */
    }
    int64_t interval = current_interval(g), soon = g->now + interval / LOOK_AHEAD_PART, next = NEVER;
    for (size_t i = 0; i < g->roster.listed; i++) {
        int64_t *due = &g->roster.looks[i];
        if (*due <= soon) {
            struct peer *p = g->roster.list[i].peer;
            if (alarm_due(p) <= g->now) {
                look(g, p);
            }
            *due = alarm_due(p);
        }
        next = *due < next ? *due : next;
    }
    if (next == NEVER) {
        g->look_at = 0; /* the next to be listed begins anew */
        return;
    }
    int64_t gap = next - g->now, least = look_gap(interval);
    g->look_at = set_timer(g, gap < least ? least : gap, TIMER_SILENCE, 0, 0);
}

/* This member hears from nobody: it asks on, slowly, and has much patience before it believes that all others
 * are gone. */
static void probe_isolated(struct gossip *g, struct effects *fx, struct peer *p)
{
    if (g->now - p->heard >= ISOLATED_PATIENCE * p->interval) {
        member_gone(g, fx, p, DOWN_SILENT);
        return;
    }
    message_probe(g, fx, &p->addrs[p->probe_step++ % p->addr_count]);
    p->probe_at = set_timer(g, p->interval, TIMER_PROBE, p->id.boot, 0);
}

/* Others are heard, but none acknowledges: unicast is blocked. The group is the only way to ask, and nobody
 * can tell whether it is the asker who is deaf to this one peer; so there is patience. */
static void probe_by_group(struct gossip *g, struct effects *fx, struct peer *p)
{
    if (g->now - p->heard >= p->miss * p->interval) {
        verdict_suspect(g, fx, p);
    }
    struct wire_message m;
    struct path group = path_group();
    message_start(g, &m, WIRE_PROBE);
    m.flags = WIRE_ASK;
    m.target = p->id.boot;
    m.has |= HAS_TARGET;
    message_send(g, fx, &group, &m);
    int64_t wait = p->accused != 0 ? SUSPICION : p->interval / 2;
    p->probe_at = set_timer(g, wait, TIMER_PROBE, p->id.boot, 0);
}

/* Whether this member could have heard the accused: a relay was heard while the suspicion stood, or, where
 * none can be, anybody. An accuser may have gone deaf after it gave its suspicion. */
static bool hears(const struct gossip *g, const struct peer *p)
{
    bool mute = p->relay_acked == 0 && g->now - p->heard >= p->miss * p->interval;
    return g->roster.listed == 1 || p->relay_acked >= p->accused + SUSPICION / 2 ||
           (mute && g->heard >= p->accused);
}

void watch_probe_timer(struct gossip *g, struct effects *fx, const struct timer *t)
{
    struct peer *p = roster_find(&g->roster, t->boot);
    if (p == NULL || p->state != PEER_LISTED || !p->probing || p->probe_at != t->due) {
        return;
    }
    if (p->heard > p->probe_began || p->addr_count == 0) {
        p->probing = false;
        return;
    }
    if (g->stats.health == HEALTH_ISOLATED) {
        probe_isolated(g, fx, p);
        return;
    }
    if (p->accused != 0 && g->now - p->accused >= SUSPICION && hears(g, p)) {
        verdict_dead(g, fx, p);
        return;
    }
    uint8_t step = p->probe_step;
    p->probe_step = (uint8_t)(step < UINT8_MAX ? step + 1 : step);
    message_probe(g, fx, &p->addrs[step % p->addr_count]); /* one of its interfaces may be the trouble */
    size_t helpers = step >= PROBES_ALONE ? relay_ask(g, fx, p) : 0;
    if (step >= PROBES_ISOLATED && helpers > 0 && g->now - g->heard >= PROBES_ISOLATED * PROBE_EVERY) {
        p->accused = 0;
        isolate_enter(g, fx);
    } else if (step > PROBES_ALONE && p->accused == 0) {
        if (p->relay_acked != 0 || helpers == 0) {
            verdict_suspect(g, fx, p);
        } else if (step >= PROBES_ISOLATED) {
            probe_by_group(g, fx, p);
            return;
        }
    }
    int64_t wait = PROBE_EVERY;
    if (p->accused != 0 && p->accused + SUSPICION > g->now && p->accused + SUSPICION - g->now < wait) {
        wait = p->accused + SUSPICION - g->now;
    }
    p->probe_at = set_timer(g, wait, TIMER_PROBE, p->id.boot, 0);
}
