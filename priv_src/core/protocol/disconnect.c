/* Intention is said, not guessed. A connection that a firewall has reset looks to each side as if the other
 * had ended it: no reading of errors can tell the two apart, and who guesses wrong dials against its user's
 * will, or not at all. So the member whose node ends a connection on purpose says so, to the one at the other
 * end and under the seal, and whatever comes without that word is an accident.
 *
 * It says when that was, by the clock that all its datagrams carry. So the word speaks of the connection that
 * there was at that moment: a copy that is held back, or a repetition that comes after the two have connected
 * anew, says nothing of the new one. It is repeated until it is acknowledged, a few times: if all are lost,
 * the other side dials again, and nothing is broken. */
#include "protocol/disconnect.h"

#include "protocol/send.h"
#include "protocol/tell.h"
#include "state/self.h"

/* Once; by the group where unicast may not pass, where only the one who is named takes it for itself. */
static void say(struct gossip *g, struct effects *fx, struct peer *p, uint8_t step)
{
    struct wire_message m WIRE_ROOM;
    message_start(g, &m, WIRE_DISCONNECT);
    m.flags = WIRE_ASK;
    m.ended = p->ended;
    m.has |= HAS_DISCONNECT;
    bool mute = step >= DISCONNECT_MUTE && (step - DISCONNECT_MUTE) % 2 == 0;
    if (mute && bucket_take(&g->disconnects, g->now, DISCONNECT_BURST, DISCONNECT_RATE)) {
        m.target = p->id.boot;
        m.has |= HAS_TARGET;
        message_to_group(g, fx, &m);
    } else if (p->addr_count > 0) {
        message_to(g, fx, p->id.boot, &p->addrs[step % p->addr_count], &m);
    }
    if (step + 1 < DISCONNECTS) {
        p->ended_due =
            set_timer(g, DISCONNECT_GAP << step, TIMER_DISCONNECT, p->id.boot, (uint8_t)(step + 1));
    } else {
        p->ended = 0;
    }
}

void disconnect_say(struct gossip *g, struct effects *fx, uint64_t boot)
{
    struct peer *p = roster_find(&g->roster, boot);
    if (!g->announced || g->leaving || p == NULL || p->state != PEER_LISTED) {
        return;
    }
    uint64_t now = (uint64_t)g->clock;
    p->ended = now > p->ended ? now : p->ended + 1; /* each has a time of its own, which its answer names */
    say(g, fx, p, 0);
}

void disconnect_timer(struct gossip *g, struct effects *fx, const struct timer *t)
{
    struct peer *p = roster_find(&g->roster, t->boot);
    if (p != NULL && p->state == PEER_LISTED && p->ended != 0 && t->due == p->ended_due && !g->leaving) {
        say(g, fx, p, t->step);
    }
}

static uint16_t ago_ms(const struct gossip *g, const struct peer *p, uint64_t ended)
{
    uint64_t its_clock = freshness_clock(&p->fresh, g->clock);
    return its_clock > ended ? saturated_ms((int64_t)(its_clock - ended)) : 0;
}

bool disconnect_heard(struct gossip *g, struct effects *fx, struct peer *p, const struct wire_message *m)
{
    bool mine = (m->has & HAS_TARGET) == 0 || m->target == g->self.boot;
    if (!mine || p->state != PEER_LISTED || (m->has & HAS_DISCONNECT) == 0 || m->ended > m->sent_at ||
        m->sent_at - m->ended > (uint64_t)DISCONNECT_LIFE) {
        return false;
    }
    if (m->ended <= p->ended_told) {
        return m->ended == p->ended_told; /* the acknowledgement was lost */
    }
    if (!tell_disconnected(g, fx, p, ago_ms(g, p, m->ended))) {
        return false; /* it is said again */
    }
    p->ended_told = m->ended;
    return true;
}

void disconnect_acked(struct peer *p, const struct wire_message *m)
{
    if ((m->has & HAS_DISCONNECT) != 0 && m->ended == p->ended) {
        p->ended = 0;
    }
}
