/* When a peer is looked at, apart from what follows, since those who list a peer need the first and must
 * not know the second. Silence is watched by one timer for all peers, and by what each was promised:
 * `looks` holds, side by side, times that may be too early and are never too late. A rival, whom nobody
 * was told of, has a timer of its own. */
#include "protocol/alarm.h"

#include "state/self.h"

#define ALARM_FEW 32 /* each of their beats looks at all of them */

int64_t alarm_due(const struct peer *p)
{
    int64_t silent = p->heard + silence_to_probe(p->interval);
    return p->alarm > silent ? p->alarm : silent;
}

void alarm_rival(struct gossip *g, struct peer *p)
{
    int64_t end = p->heard + p->miss * p->interval;
    alarm_sweep(g, p, end > g->now ? end : g->now);
}

void alarm_sweep(struct gossip *g, struct peer *p, int64_t at)
{
    p->alarm = at;
    if (g->sweep_at == 0 || at < g->sweep_at) {
        g->sweep_at = set_timer(g, at - g->now, TIMER_SWEEP, 0, 0);
    }
}

void alarm_start(struct gossip *g, struct peer *p)
{
    if (p->state == PEER_RIVAL) {
        alarm_rival(g, p);
        return;
    }
    p->alarm = 0;
    alarm_sooner(g, p);
}

void alarm_sooner(struct gossip *g, const struct peer *p)
{
    int64_t due = alarm_due(p);
    g->roster.looks[p->index] = due;
    if (g->look_at == 0 || due < g->look_at) {
        g->look_at = set_timer(g, due - g->now, TIMER_SILENCE, 0, 0);
    }
}

void alarm_later(struct gossip *g, const struct peer *p)
{
    struct roster *r = &g->roster;
    if (r->listed > ALARM_FEW || g->look_at == 0 || r->looks[p->index] > g->look_at) {
        return;
    }
    r->looks[p->index] = alarm_due(p);
    int64_t next = r->looks[p->index];
    for (size_t i = 0; i < r->listed; i++) {
        next = r->looks[i] < next ? r->looks[i] : next;
    }
    if (next > g->look_at) {
        g->look_at = set_timer(g, next > g->now ? next - g->now : 0, TIMER_SILENCE, 0, 0);
    }
}

void alarm_probe(struct gossip *g, struct peer *p)
{
    if (p->watch == WATCH_QUIET) {
        p->watch = WATCH_PROBING;
        p->probes = 0;
        p->relay_acked = 0;
        p->probe_began = g->now;
        alarm_probe_in(g, p, 0);
    }
}

void alarm_probe_in(struct gossip *g, struct peer *p, int64_t delay)
{
    p->probe_at = g->now + delay;
    p->missed = !try_timer(g, delay, TIMER_PROBE, p->id.boot, 0);
    if (p->missed) {
        alarm_missed(g, p->probe_at);
    }
}

void alarm_missed(struct gossip *g, int64_t due)
{
    if (g->missed_at == 0 || due < g->missed_at) {
        g->missed_at = set_timer(g, due > g->now ? due - g->now : 0, TIMER_MISSED, 0, 0);
    }
}
