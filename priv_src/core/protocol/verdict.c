/* Suspect, dead, left: how a verdict is said, who believes it, how the accused refutes it. A suspicion
 * comes first, so that one who lives can raise its incarnation and be believed. Nobody takes another's
 * word against its own ears: a member that was heard lately is probed, not buried, since the accuser may
 * be the deaf one. Nor is silence enough: of whom no suspicion was told that it could have refuted, or who is
 * said to have left, it is seen first whether it is heard. What is said of others must be said to all, the
 * accused among them. Verdicts of senders that are not listed count only against this member itself, whom
 * they move to refute. */
#include "protocol/verdict.h"

#include "protocol/alarm.h"
#include "protocol/announce.h"
#include "protocol/beat.h"
#include "protocol/flood.h"
#include "protocol/members.h"
#include "protocol/send.h"
#include "protocol/tales.h"
#include "protocol/tell.h"
#include "state/ranks.h"
#include "state/self.h"

static void news(struct gossip *g, struct effects *fx, uint8_t verdict, uint64_t boot, uint32_t incarnation)
{
    struct wire_message m WIRE_ROOM;
    message_start(g, &m, WIRE_NEWS);
    message_verdict(&m, verdict, boot, incarnation);
    message_to_group(g, fx, &m);
}

static void flood(struct gossip *g, uint8_t verdict, const struct peer *p, uint64_t giver)
{
    struct wire_verdict v = {.verdict = verdict, .boot = p->id.boot, .incarnation = p->id.incarnation};
    flood_verdict(g, &v, giver, true);
}

static void suspect(struct gossip *g, struct effects *fx, struct peer *p)
{
    p->suspect = true;
    p->suspected = g->now;
    tell_update(g, fx, p);
}

void verdict_suspect(struct gossip *g, struct effects *fx, struct peer *p)
{
    p->watch = WATCH_SUSPECTING;
    p->accused = g->now;
    p->witnessed = false;
    p->witnesses = 0;
    news(g, fx, VERDICT_SUSPECT, p->id.boot, p->id.incarnation);
    flood(g, VERDICT_SUSPECT, p, 0);
    if (!p->suspect) {
        suspect(g, fx, p);
    }
}

void verdict_dead(struct gossip *g, struct effects *fx, struct peer *p)
{
    news(g, fx, VERDICT_DEAD, p->id.boot, p->id.incarnation);
    flood(g, VERDICT_DEAD, p, 0);
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

void verdict_left(struct gossip *g, struct effects *fx, const struct peer *p, uint8_t reason)
{
    size_t live, rank = rank_among_live(g, p->id.boot, ANSWERERS, &live);
    uint8_t verdict = reason == DOWN_BEAM_EXIT ? VERDICT_BEAM_EXIT : VERDICT_LEFT;
    if (rank < ANSWERERS) {
        tales_add(g, verdict, p->id.boot, p->id.incarnation);
    }
    flood(g, verdict, p, p->id.boot);
    if (rank == 0) { /* whoever has missed it has to wait, and so hears of it at once */
        news(g, fx, verdict, p->id.boot, p->id.incarnation);
    }
}

/* A higher incarnation, at once and to all: only the accused can raise it. Of many verdicts in a row each is
 * answered, but not by a beat of its own. */
void verdict_refute(struct gossip *g, struct effects *fx, uint32_t incarnation)
{
    if (incarnation < g->self.incarnation) {
        return;
    }
    if (incarnation + 1 >= INCARNATION_END) {
        (void)announce_again(g);
        return;
    }
    g->self.incarnation = incarnation + 1;
    if (!g->announced || g->leaving) {
        return;
    }
    g->again_beats = REFUTE_BEATS > g->again_beats ? REFUTE_BEATS : g->again_beats;
    int64_t wait = g->refuted == 0 ? 0 : g->refuted + REFUTE_GAP - g->now;
    if (wait <= 0) {
        g->refuted = g->now;
        beat_now(g, fx);
    } else {
        beat_within(g, wait);
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

/* What others say of it has turned out so, as far as anybody can tell. */
static void gone(struct gossip *g, struct effects *fx, struct peer *p, uint8_t verdict)
{
    if (verdict == VERDICT_DEAD) {
        confirm(g, p);
        member_gone(g, fx, p, DOWN_SILENT);
    } else {
        member_gone_by_hearsay(g, fx, p, verdict == VERDICT_BEAM_EXIT ? DOWN_BEAM_EXIT : DOWN_LEFT);
    }
}

/* Whether the accused has had its time already: it was suspected for so long, and could have refuted that, or
 * this member itself has asked it for so long in vain. */
static bool had_its_time(const struct gossip *g, const struct peer *p)
{
    return (p->suspect && g->now - p->suspected >= (p->far ? FAR_WAIT : FAREWELL_WAIT)) ||
           (p->watch != WATCH_QUIET && g->now - p->probe_began >= FAREWELL_WAIT);
}

/* Word of it goes to the far step by step, and so does theirs. */
static int64_t farewell_wait(const struct peer *p)
{
    return p->far ? FAR_FAREWELL : FAREWELL_WAIT;
}

/* The living say so themselves, at once; whom nobody hears is asked, some times, since datagrams get lost. */
static void await(struct gossip *g, struct peer *p, uint8_t verdict, int64_t wait)
{
    int64_t left = p->farewell_at + farewell_wait(p) - g->now;
    if (!try_timer(g, wait < left ? wait : left, TIMER_FAREWELL, p->id.boot, verdict)) {
        p->farewell_at = 0;
        if (p->state == PEER_LISTED) {
            alarm_probe(g, p); /* which needs no room: its silence will tell */
        }
    }
}

void verdict_farewell_timer(struct gossip *g, struct effects *fx, const struct timer *t)
{
    struct peer *p = roster_find(&g->roster, t->boot);
    if (p == NULL || p->state == PEER_GONE || p->farewell_at == 0) {
        return;
    }
    if (p->heard > p->farewell_at) {
        p->farewell_at = 0;
    } else if (g->now - p->farewell_at >= farewell_wait(p)) {
        gone(g, fx, p, t->step);
    } else {
        if (p->addr_count > 0 && (!p->far || p->watched)) { /* all would be too many: its watchers ask it */
            message_probe_peer(g, fx, p, (size_t)((g->now - p->farewell_at) / FAREWELL_GAP) % p->addr_count);
        }
        await(g, p, t->step, FAREWELL_GAP);
    }
}

/* Anybody can say anything. A beat may be late by a quarter of T, or lost: silence alone tells nothing,
 * however long it is. So the accused always has a moment in which it can be heard, before this verdict or
 * because of it. */
static bool doubt(struct gossip *g, struct effects *fx, struct peer *p, const struct wire_verdict *v)
{
    bool silent = g->now - p->heard >= silence_to_probe(p->interval);
    if (v->incarnation < p->id.incarnation) {
        return false;
    }
    if (v->verdict == VERDICT_DEAD && !silent) {
        bool quiet = p->state == PEER_LISTED && p->watch == WATCH_QUIET;
        if (quiet) {
            alarm_probe(g, p); /* the accuser may be the deaf one: see for ourselves */
        }
        return quiet;
    }
    if (silent && had_its_time(g, p)) {
        gone(g, fx, p, v->verdict);
        return true;
    }
    if (p->farewell_at != 0) {
        return false;
    }
    p->farewell_at = g->now;
    await(g, p, v->verdict, random_between(g, 0, FAREWELL_GAP));
    return true;
}

/* Others may believe what is said of a far one, and those who know better do not pass it on: so they tell it.
 */
static void tell_accused(struct gossip *g, struct effects *fx, struct peer *p, const struct wire_verdict *v)
{
    struct wire_message m WIRE_ROOM;
    if (p->addr_count == 0 || g->now - p->path_tried < FAREWELL_GAP) {
        return;
    }
    p->path_tried = g->now;
    message_start(g, &m, WIRE_NEWS);
    message_verdict(&m, v->verdict, v->boot, v->incarnation);
    if (message_may_reach(g, p, 0)) {
        message_to(g, fx, p->id.boot, &p->addrs[0], &m);
    }
}

/* Whether this is new. */
static bool believe(struct gossip *g, struct effects *fx, struct peer *p, const struct wire_verdict *v)
{
    switch (v->verdict) {
    case VERDICT_SUSPECT:
        if (v->incarnation >= p->id.incarnation && !p->suspect && p->state == PEER_LISTED &&
            g->now - p->heard >= silence_to_probe(p->interval)) {
            suspect(g, fx, p);
            return true;
        }
        if (p->far && p->state == PEER_LISTED && v->incarnation >= p->id.incarnation && !p->suspect) {
            tell_accused(g, fx, p, v);
        }
        return false;
    case VERDICT_DEAD:
    case VERDICT_LEFT:
    case VERDICT_BEAM_EXIT:
        return doubt(g, fx, p, v);
    default:
        return false;
    }
}

/* Whom it is about hears it, too: it was said to all; or it is far, and then it is passed on until it has
 * come everywhere. What a far one says of itself is a goodbye. */
static bool counts(const struct peer *p, const struct wire_message *m, const struct wire_verdict *v,
                   bool by_group)
{
    bool of_itself = v->boot == m->id.boot;
    return p != NULL && p->state != PEER_GONE && (by_group ? !of_itself : p->far);
}

void verdict_receive(struct gossip *g, struct effects *fx, const struct wire_message *m, bool trusted,
                     bool by_group)
{
    for (size_t i = 0; i < m->verdict_count; i++) {
        const struct wire_verdict *v = &m->verdicts[i];
        if (v->incarnation >= INCARNATION_END) {
            continue; /* nobody could answer it */
        }
        if (v->boot == g->self.boot) {
            if (v->verdict >= VERDICT_SUSPECT && v->verdict <= VERDICT_BEAM_EXIT) {
                verdict_refute(g, fx, v->incarnation);
            }
            continue;
        }
        struct peer *p = trusted ? roster_find(&g->roster, v->boot) : NULL;
        if (counts(p, m, v, by_group) && believe(g, fx, p, v)) {
            flood_verdict(g, v, m->id.boot, by_group);
        }
    }
}
