/* Probes by way of others (the idea is SWIM's: Das, Gupta, Motivala, 2002): it may be the way between the
 * two that is broken, and not the peer. "No answer from the peer" and "no answer from anyone" are
 * different things, so a relay acknowledges the request for itself before it does anything, and says when
 * it last heard the peer. */
#include "protocol/relay.h"

#include "protocol/hearsay.h"
#include "protocol/send.h"
#include "state/ranks.h"

size_t relay_ask(struct gossip *g, struct effects *fx, const struct peer *p)
{
    struct peer *helpers[RELAYS_AT_ONCE];
    size_t n = rank_helpers(g, p, RELAYS_AT_ONCE, helpers);
    for (size_t i = 0; i < n; i++) {
        struct wire_message m WIRE_ROOM;
        message_start(g, &m, WIRE_PROBE_FOR);
        m.flags = WIRE_ASK;
        m.target = p->id.boot;
        m.has |= HAS_TARGET;
        message_to(g, fx, helpers[i]->id.boot, &helpers[i]->addrs[0], &m);
    }
    return n;
}

/* An ACK to whoever asked: for this member itself (HAS_RELAY), or on behalf of the target (HAS_TARGET). */
static void ack(struct gossip *g, struct effects *fx, const struct relay *r, uint16_t has, uint16_t heard_ms,
                bool ask)
{
    struct wire_message m WIRE_ROOM;
    message_start(g, &m, WIRE_ACK);
    m.flags = ask ? WIRE_ASK : 0;
    message_echo(&m, r->requester, r->nonce);
    m.has = (uint16_t)(m.has | has);
    m.target = m.relay = r->target;
    m.heard_ms = heard_ms;
    if (message_shorten(&m, &r->to, r->most)) {
        message_to(g, fx, r->requester, &r->to, &m);
    }
}

bool relay_request(struct gossip *g, struct effects *fx, const struct wire_message *m,
                   const struct path *from, bool ask)
{
    if ((m->has & HAS_TARGET) == 0 || !bucket_take(&g->relayed, g->now, RELAY_RATE, RELAY_RATE)) {
        return false;
    }
    struct relay *r = &g->relays[g->relay_next];
    *r = (struct relay){.target = m->target,
                        .requester = m->id.boot,
                        .nonce = m->nonce,
                        .to = from->addr,
                        .most = (uint16_t)(message_may_cause(m) / 2),
                        .until = g->now + RELAY_LIFE};
    g->relaying = r->until;
    g->relay_next = (g->relay_next + 1) % RELAYS_MAX;
    const struct peer *target = roster_find(&g->roster, m->target);
    uint16_t heard_ms = target == NULL ? UINT16_MAX : saturated_ms(g->now - target->direct);
    bool lately = target != NULL && target->state == PEER_LISTED && heard_ms < UINT16_MAX;
    ack(g, fx, r, lately ? HAS_RELAY | HAS_HEARD : HAS_RELAY, heard_ms, ask);
    if (target != NULL && target->addr_count > 0) {
        message_probe_peer(g, fx, target, 0);
    }
    return true;
}

void relay_answered(struct gossip *g, struct effects *fx, const struct peer *p)
{
    for (size_t i = 0; i < RELAYS_MAX && g->relaying > g->now; i++) {
        struct relay *r = &g->relays[i];
        if (r->target == p->id.boot && r->until > g->now) {
            ack(g, fx, r, HAS_TARGET, 0, false);
            r->target = 0;
        }
    }
}

/* A relay has answered for itself, and says when it heard this peer. Who hears it is no witness of its death,
 * also where its word counts no more; but not for ever, since it may lie. Of a contested name the question is
 * not when it was last heard, but whether it lives now. */
static void relay_says(struct gossip *g, struct effects *fx, struct peer *p, const struct wire_message *m)
{
    int64_t ago = m->heard_ms * MS_US;
    bool hears = (m->has & HAS_HEARD) != 0 && !p->contested && ago < silence_to_probe(p->interval);
    p->relay_acked = g->now;
    if (!hears || g->now - p->heard >= p->miss * p->interval) {
        p->witnessed = true;
        p->witnessed_at = g->now;
    }
    if (hears) {
        hearsay_heard(g, fx, p, g->now - ago, m->id.boot);
    }
}

void relay_ack(struct gossip *g, struct effects *fx, const struct wire_message *m, bool answers)
{
    if (!answers) {
        return; /* to what this member asked, an answer echoes its nonce */
    }
    struct peer *relayed = (m->has & HAS_RELAY) == 0 ? NULL : roster_find(&g->roster, m->relay);
    if (relayed != NULL && relayed->watch != WATCH_QUIET) {
        relay_says(g, fx, relayed, m);
    }
    struct peer *alive = (m->has & HAS_TARGET) == 0 ? NULL : roster_find(&g->roster, m->target);
    if (alive != NULL && alive->state == PEER_LISTED) {
        hearsay_alive(g, fx, alive, m->id.boot);
    }
}
