/* What a datagram says, by who sent it. It has been opened with a key of the cluster and decoded; that
 * proves little, for any holder of the key may have been recorded. A peer is believed once for each
 * sequence number. A stranger, or one who was buried, is believed nothing but an echo of a nonce of ours.
 * What a datagram says of others counts when its sender is a peer, and an address counts when somebody has
 * answered from there. */
#include "protocol/receive.h"

#include "protocol/isolate.h"
#include "protocol/join.h"
#include "protocol/members.h"
#include "protocol/pages.h"
#include "protocol/relay.h"
#include "protocol/send.h"
#include "protocol/verdict.h"

/* An address at which a peer is not known may be forged: the seal does not cover it. It counts once the peer
 * has answered from there (RFC 9000, section 8.2, does the same). */
static void learn_address(struct gossip *g, struct effects *fx, struct peer *p, const struct wire_message *m,
                          const struct path *from)
{
    if (peer_has_address(p, &from->addr) || message_answers(g, m)) {
        if (peer_address(p, &from->addr) && p->state == PEER_LISTED) {
            member_update(fx, p);
        }
    } else if (g->now - p->path_tried >= PATH_RETRY) {
        p->path_tried = g->now;
        message_probe(g, fx, &from->addr);
    }
}

/* A fresh datagram of someone who is known and not gone. */
static void from_peer(struct gossip *g, struct effects *fx, struct peer *p, const struct wire_message *m,
                      bool newest, const struct path *from)
{
    g->heard = g->now;
    isolate_leave(g, fx);
    if (m->type == WIRE_BYE) {
        uint8_t reason =
            (m->has & HAS_REASON) != 0 && m->reason == DOWN_BEAM_EXIT ? DOWN_BEAM_EXIT : DOWN_LEFT;
        verdict_left(g, p, reason);
        member_gone(g, fx, p, reason);
        return;
    }
    learn_address(g, fx, p, m, from);
    member_heard(g, fx, p, m, newest);
    relay_answered(g, fx, p);
    for (size_t i = 0; i < m->entry_count; i++) {
        member_vouched(g, fx, &m->entries[i]);
    }
    /* what an ACK says of the dead is for the accused, who is back: the others would bury it again */
    verdict_receive(g, fx, m, m->type != WIRE_ACK);
    p = roster_find(&g->roster, m->id.boot);
    if (p == NULL || p->state == PEER_GONE) {
        return; /* it has just vouched for its own successor */
    }
    switch (m->type) {
    case WIRE_HELLO:
        join_answer(g, fx, m, from);
        break;
    case WIRE_ACK:
        relay_ack(g, fx, m);
        join_reply(g, fx, m, from);
        break;
    case WIRE_PROBE_FOR:
        relay_request(g, fx, m, from);
        break;
    case WIRE_ROSTER:
        pages_receive(g, fx, p, m, from);
        break;
    default:
        join_reply(g, fx, m, from);
        break;
    }
}

/* A datagram of someone unknown, or buried. Holders of the key may be recorded: only an echo of our own nonce
 * counts. */
static void from_stranger(struct gossip *g, struct effects *fx, const struct peer *gone,
                          const struct wire_message *m, uint64_t sequence, const struct path *from)
{
    if (m->type == WIRE_BYE || m->id.name.len == 0 || (gone != NULL && gone->reason != DOWN_SILENT)) {
        g->stats.unproven++;
        return;
    }
    if (!message_answers(g, m)) {
        join_prove(g, fx, m, sequence, from);
        if (m->type != WIRE_HELLO) {
            join_reply(g, fx, m, from);
        }
        return;
    }
    bool accuse = gone != NULL && m->id.incarnation <= gone->id.incarnation;
    uint32_t incarnation = gone != NULL ? gone->id.incarnation : 0;
    verdict_receive(g, fx, m, false); /* it may have buried us: refute before answering */
    struct peer *p = member_proven(g, fx, m, sequence, from);
    if (p == NULL) {
        return;
    }
    g->heard = g->now;
    isolate_leave(g, fx);
    if (m->type == WIRE_ROSTER) {
        pages_receive(g, fx, p, m, from);
    }
    if (accuse) {
        join_accuse(g, fx, m, incarnation, from);
    } else if (!pages_begin(g, fx, m, from)) {
        join_reply(g, fx, m, from);
    }
}

void receive_message(struct gossip *g, struct effects *fx, const struct wire_message *m, uint64_t sequence,
                     const struct path *from)
{
    struct peer *p = roster_find(&g->roster, m->id.boot);
    enum window_verdict fresh = WINDOW_NEWEST;
    if (p != NULL) {
        fresh = window_accept(&p->window, sequence);
        if (fresh == WINDOW_REPLAY) {
            g->stats.replayed++;
            return;
        }
    }
    if (!g->announced || g->leaving) {
        g->stats.unproven++;
    } else if (p != NULL && p->state != PEER_GONE) {
        from_peer(g, fx, p, m, fresh == WINDOW_NEWEST, from);
    } else {
        from_stranger(g, fx, p, m, sequence, from);
    }
}
