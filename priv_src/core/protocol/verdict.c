/* Suspect, dead, left: how a verdict is said, who believes it, how the accused refutes it. A suspicion
 * comes first, so that one who lives can raise its incarnation and be believed. Nobody takes another's
 * word against its own ears: a member that was heard lately is probed, not buried, since the accuser may
 * be the deaf one. Verdicts of senders that are not listed count only against this member itself, whom
 * they move to refute. */
#include "protocol/verdict.h"

#include "protocol/alarm.h"
#include "protocol/announce.h"
#include "protocol/beat.h"
#include "protocol/members.h"
#include "protocol/send.h"
#include "protocol/tales.h"
#include "state/ranks.h"
#include "state/self.h"

static void news(struct gossip *g, struct effects *fx, uint8_t verdict, uint64_t boot, uint32_t incarnation)
{
    struct wire_message m;
    message_start(g, &m, WIRE_NEWS);
    message_verdict(&m, verdict, boot, incarnation);
    message_to_group(g, fx, &m);
}

void verdict_suspect(struct gossip *g, struct effects *fx, struct peer *p)
{
    p->watch = WATCH_SUSPECTING;
    p->accused = g->now;
    news(g, fx, VERDICT_SUSPECT, p->id.boot, p->id.incarnation);
    if (!p->suspect) {
        p->suspect = true;
        member_update(fx, p);
    }
}

void verdict_dead(struct gossip *g, struct effects *fx, struct peer *p)
{
    news(g, fx, VERDICT_DEAD, p->id.boot, p->id.incarnation);
    tales_add(g, VERDICT_DEAD, p->id.boot, p->id.incarnation);
    (void)set_timer(g, DEAD_REPEAT, TIMER_DEAD, p->id.boot, 1);
    member_gone(g, fx, p, DOWN_SILENT);
}

void verdict_dead_timer(struct gossip *g, struct effects *fx, const struct timer *t)
{
    const struct peer *p = roster_find(&g->roster, t->boot);
    if (p == NULL || p->state != PEER_GONE || p->reason != DOWN_SILENT) {
        return; /* it has come back */
    }
    news(g, fx, VERDICT_DEAD, p->id.boot, p->id.incarnation);
    if (t->step < DEAD_REPEATS) {
        (void)set_timer(g, DEAD_REPEAT, TIMER_DEAD, p->id.boot, (uint8_t)(t->step + 1));
    }
}

void verdict_left(struct gossip *g, const struct peer *p, uint8_t reason)
{
    size_t live;
    if (rank_among_live(g, p->id.boot, ANSWERERS, &live) < ANSWERERS) {
        tales_add(g, reason == DOWN_BEAM_EXIT ? VERDICT_BEAM_EXIT : VERDICT_LEFT, p->id.boot,
                  p->id.incarnation);
    }
}

/* A higher incarnation, at once and to all: only the accused can raise it. */
static void refute(struct gossip *g, struct effects *fx, const struct wire_verdict *v)
{
    if (v->incarnation < g->self.incarnation || (g->refuted != 0 && g->now - g->refuted < REFUTE_GAP)) {
        return;
    }
    g->refuted = g->now;
    if (v->incarnation + 1 >= INCARNATION_END) {
        announce_again(g, fx);
        return;
    }
    g->self.incarnation = v->incarnation + 1;
    if (g->announced && !g->leaving) {
        beat_now(g, fx);
    }
}

/* A watcher who has found the same says it once more: with a tenth of all datagrams lost, one voice alone is
 * missed by one of a hundred members in every tenth death. */
static void confirm(struct gossip *g, const struct peer *p)
{
    if (p->watch != WATCH_QUIET) {
        (void)set_timer(g, random_between(g, CONFIRM_MIN, CONFIRM_MAX), TIMER_DEAD, p->id.boot, DEAD_REPEATS);
    }
}

static uint8_t farewell_reason(uint8_t verdict)
{
    return verdict == VERDICT_BEAM_EXIT ? DOWN_BEAM_EXIT : DOWN_LEFT;
}

/* Somebody has heard its goodbye, or says so. Who was just heard is asked, and given a moment. */
static void farewell(struct gossip *g, struct effects *fx, struct peer *p, const struct wire_verdict *v)
{
    bool asked = p->farewell_at != 0 && g->now - p->farewell_at <= FAREWELL_WAIT; /* else its timer is lost */
    if (v->incarnation < p->id.incarnation || asked) {
        return;
    }
    if (p->state != PEER_LISTED || g->now - p->heard >= silence_to_believe(p->interval) ||
        p->addr_count == 0) {
        member_gone_by_hearsay(g, fx, p, farewell_reason(v->verdict));
        return;
    }
    p->farewell_at = g->now;
    p->path_tried = g->now;
    message_probe_peer(g, fx, p, 0);
    (void)set_timer(g, FAREWELL_WAIT, TIMER_FAREWELL, p->id.boot, v->verdict);
}

void verdict_farewell_timer(struct gossip *g, struct effects *fx, const struct timer *t)
{
    struct peer *p = roster_find(&g->roster, t->boot);
    if (p == NULL || p->state != PEER_LISTED || p->farewell_at == 0) {
        return;
    }
    bool lives = p->heard > p->farewell_at;
    p->farewell_at = 0;
    if (!lives) {
        member_gone_by_hearsay(g, fx, p, farewell_reason(t->step));
    }
}

static void believe(struct gossip *g, struct effects *fx, struct peer *p, const struct wire_verdict *v)
{
    switch (v->verdict) {
    case VERDICT_SUSPECT:
        if (v->incarnation >= p->id.incarnation && !p->suspect && p->state == PEER_LISTED &&
            g->now - p->heard >= silence_to_believe(p->interval)) {
            p->suspect = true;
            member_update(fx, p);
        }
        break;
    case VERDICT_DEAD:
        if (v->incarnation < p->id.incarnation) {
            break;
        }
        if (g->now - p->heard < silence_to_believe(p->interval) && p->state == PEER_LISTED) {
            alarm_probe(g, p); /* the accuser may be the deaf one: see for ourselves */
        } else {
            confirm(g, p);
            member_gone(g, fx, p, DOWN_SILENT);
        }
        break;
    case VERDICT_LEFT:
    case VERDICT_BEAM_EXIT:
        farewell(g, fx, p, v);
        break;
    default:
        break;
    }
}

void verdict_receive(struct gossip *g, struct effects *fx, const struct wire_message *m, bool trusted)
{
    for (size_t i = 0; i < m->verdict_count; i++) {
        const struct wire_verdict *v = &m->verdicts[i];
        if (v->incarnation >= INCARNATION_END) {
            continue; /* nobody could answer it */
        }
        if (v->boot == g->self.boot) {
            if (v->verdict >= VERDICT_SUSPECT && v->verdict <= VERDICT_BEAM_EXIT) {
                refute(g, fx, v);
            }
            continue;
        }
        struct peer *p = trusted ? roster_find(&g->roster, v->boot) : NULL;
        if (p != NULL && p->state != PEER_GONE && v->boot != m->id.boot) {
            believe(g, fx, p, v);
        }
    }
}
