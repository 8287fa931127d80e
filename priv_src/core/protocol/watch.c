/* Silence, and what is done about it. Three watchers by rank probe a silent peer, first alone, then by way
 * of others, and go on while they suspect it: if all watched, one death would cost a thousand probes.
 * Silence alone never buries: everybody comes to be a watcher in the end, but none gives a verdict without
 * having asked, and none that could not have heard the answer. How far the doubt has gone is the peer's
 * watch_state; next_state has the steps. */
#include "protocol/watch.h"

#include "protocol/alarm.h"
#include "protocol/far.h"
#include "protocol/isolate.h"
#include "protocol/members.h"
#include "protocol/relay.h"
#include "protocol/send.h"
#include "protocol/verdict.h"
#include "state/ranks.h"
#include "state/self.h"

/* Whether it is for this member to ask it. Of the far only news tells, but for those who watch them. */
static bool is_mine(const struct gossip *g, const struct peer *p)
{
    if (p->watch != WATCH_QUIET || p->far) {
        return p->watch != WATCH_QUIET || p->watched;
    }
    return g->now - p->heard >= BACKSTOP * p->interval || rank_watches(g, p);
}

static void look(struct gossip *g, struct peer *p)
{
    if (is_mine(g, p)) {
        alarm_probe(g, p);
        p->alarm = g->now + p->interval;
    } else { /* the watchers may have gone with it: look again who they are */
        p->alarm = g->now + (p->far ? FAR_LOOKS * p->interval : p->interval / RECHECK_PART);
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

/* Its addresses take turns: one of its interfaces may be the trouble. */
static void probe(struct gossip *g, struct effects *fx, struct peer *p)
{
    uint8_t at = p->probes % p->addr_count;
    if (p->far) {
        far_probe(g, fx, p, at);
    } else {
        message_probe_peer(g, fx, p, at);
    }
    p->probes = (uint8_t)(p->probes < UINT8_MAX ? p->probes + 1 : p->probes);
}

/* This member hears from nobody: it asks on, slowly, and has much patience before it believes that all others
 * are gone. */
static void probe_isolated(struct gossip *g, struct effects *fx, struct peer *p)
{
    if (g->now - p->heard >= ISOLATED_PATIENCE * p->interval) {
        member_gone(g, fx, p, DOWN_SILENT);
        return;
    }
    probe(g, fx, p);
    alarm_probe_in(g, p, p->interval);
}

/* Others are heard, but none acknowledges: unicast is blocked. The group is the only way to ask, and nobody
 * can tell whether it is the asker who is deaf to this one peer; so there is patience. */
static void probe_by_group(struct gossip *g, struct effects *fx, struct peer *p)
{
    if (g->now - p->heard >= p->miss * p->interval) {
        verdict_suspect(g, fx, p);
    }
    struct wire_message m WIRE_ROOM;
    message_start(g, &m, WIRE_PROBE);
    m.flags = WIRE_ASK;
    m.target = p->id.boot;
    m.has |= HAS_TARGET;
    message_to_group(g, fx, &m);
    int64_t wait = p->watch == WATCH_SUSPECTING ? SUSPICION : p->interval / 2;
    alarm_probe_in(g, p, wait);
}

/* Whether this member could have heard the accused: relays were heard while the suspicion stood, and up to
 * now, or, where none can be, anybody. An accuser may have gone deaf before it gave its suspicion, or after:
 * what the accused has answered is lost then, together with what the relays say. */
static bool hears(const struct gossip *g, const struct peer *p)
{
    bool mute = p->relay_acked == 0 && g->now - p->heard >= p->miss * p->interval;
    bool witnessed = p->witnesses + p->witnessed >= WITNESSES && g->now - p->witnessed_at <= WITNESS_LIFE;
    return g->roster.listed == 1 || witnessed || (mute && g->heard >= p->accused);
}

/* Whether it was asked for so long, and nobody at all was heard meanwhile, that it must be this member. */
static bool is_it_me(const struct gossip *g, const struct peer *p, size_t helpers)
{
    return p->probes > PROBES_ISOLATED && helpers > 0 && g->now - g->heard >= PROBES_ISOLATED * PROBE_EVERY;
}

/* What a watch comes to when one more probe was sent and so many relays were asked with it. */
static enum watch_state next_state(const struct peer *p, size_t helpers)
{
    switch ((enum watch_state)p->watch) {
    case WATCH_PROBING:
        return p->probes < PROBES_ALONE ? WATCH_PROBING : WATCH_ASKING_RELAYS;
    case WATCH_ASKING_RELAYS:
    case WATCH_BY_GROUP:
        if (p->probes <= PROBES_ALONE + 1) {
            return WATCH_ASKING_RELAYS; /* they have only just been asked */
        }
        if (p->relay_acked != 0 || helpers == 0) {
            return WATCH_SUSPECTING;
        }
        return p->probes > PROBES_ISOLATED && !p->far ? WATCH_BY_GROUP : WATCH_ASKING_RELAYS;
    case WATCH_SUSPECTING: /* its end is a time, not a step */
    case WATCH_QUIET:
        break;
    }
    return p->watch;
}

/* The next probe of a suspect comes no later than the end of its time. */
static int64_t next_probe(const struct gossip *g, const struct peer *p)
{
    int64_t left = p->accused + SUSPICION - g->now;
    return p->watch == WATCH_SUSPECTING && left > 0 && left < PROBE_EVERY ? left : PROBE_EVERY;
}

/* One step of a watch, and what comes of it. */
static void probe_on(struct gossip *g, struct effects *fx, struct peer *p)
{
    p->witnesses = (uint8_t)(p->witnesses + (p->witnessed && p->witnesses < WITNESSES));
    p->witnessed = false;
    probe(g, fx, p);
    size_t helpers = p->watch == WATCH_PROBING ? 0 : relay_ask(g, fx, p);
    enum watch_state before = p->watch, next = next_state(p, helpers);
    if (is_it_me(g, p, helpers)) {
        p->watch = WATCH_ASKING_RELAYS;
        isolate_enter(g, fx);
    } else if (next == WATCH_SUSPECTING && before != WATCH_SUSPECTING) {
        verdict_suspect(g, fx, p);
    } else {
        p->watch = (uint8_t)next;
    }
    if (p->watch == WATCH_BY_GROUP) {
        probe_by_group(g, fx, p);
    } else {
        alarm_probe_in(g, p, next_probe(g, p));
    }
}

void watch_probe_timer(struct gossip *g, struct effects *fx, const struct timer *t)
{
    struct peer *p = roster_find(&g->roster, t->boot);
    if (p == NULL || p->state != PEER_LISTED || p->watch == WATCH_QUIET || p->probe_at != t->due) {
        return;
    }
    if (p->heard > p->probe_began || p->addr_count == 0) {
        p->watch = WATCH_QUIET;
    } else if (g->stats.health == HEALTH_ISOLATED) {
        probe_isolated(g, fx, p);
    } else if (p->watch == WATCH_SUSPECTING && g->now - p->accused >= SUSPICION && hears(g, p)) {
        verdict_dead(g, fx, p);
    } else {
        probe_on(g, fx, p);
    }
}

/* At once, so that the effects of one timer stay few; the others follow in the same tick. */
#define MISSED_MOST 2

void watch_missed_timer(struct gossip *g, struct effects *fx)
{
    struct timer due[MISSED_MOST];
    size_t count = 0;
    int64_t next = NEVER;
    g->missed_at = 0;
    for (size_t i = 0; i < g->roster.listed; i++) {
        struct peer *p = g->roster.list[i].peer;
        if (!p->missed || p->watch == WATCH_QUIET) {
            continue; /* the next watch sets a timer of its own */
        }
        if (p->probe_at <= g->now && count < MISSED_MOST) {
            due[count++] = (struct timer){.due = p->probe_at, .boot = p->id.boot};
        } else {
            next = p->probe_at < next ? p->probe_at : next;
        }
    }
    for (size_t i = 0; i < count; i++) {
        watch_probe_timer(g, fx, &due[i]);
    }
    if (next != NEVER) {
        alarm_missed(g, next);
    }
}
