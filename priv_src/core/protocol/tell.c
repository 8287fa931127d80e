/* What the owner is told about a peer, and how often. Whatever a member says of itself, or others say of it,
 * costs the owner a frame and its subscribers a message; and whoever holds the key may say something else
 * with each datagram. So of each peer a few changes are told at once, and then one in T: no more than it
 * beats. The others are owed, and told as one, as the peer stands by then: the last state is always told. */
#include "protocol/tell.h"

#include <string.h>

#include "state/self.h"

struct peer_view tell_view(const struct peer *p)
{
    struct peer_view v = {
        .id = p->id, .cookie = p->cookie, .heard = p->met, .addr_count = p->addr_count, .host = p->host};
    v.status = p->suspect ? STATUS_SUSPECT : p->stalled ? STATUS_STALLED : STATUS_ALIVE;
    memcpy(v.addrs, p->addrs, sizeof v.addrs);
    if (p->tags != NULL) {
        v.tags = *p->tags;
    }
    return v;
}

static void tell(struct effects *fx, uint8_t type, const struct peer *p, uint8_t reason)
{
    struct effect *e = effects_push(fx, EFFECT_EVENT);
    if (e != NULL) {
        e->as.event.type = type;
        e->as.event.reason = reason;
        e->as.event.peer = tell_view(p);
    }
}

void tell_up(struct effects *fx, struct peer *p)
{
    p->owed = false;
    tell(fx, EVENT_UP, p, 0);
}

void tell_successor(struct effects *fx, struct peer *p)
{
    p->owed = false;
    tell(fx, EVENT_UPDATE, p, 0);
}

void tell_down(struct effects *fx, const struct peer *p, uint8_t reason)
{
    tell(fx, EVENT_DOWN, p, reason);
}

void tell_heartbeat(struct effects *fx, const struct peer *p)
{
    tell(fx, EVENT_HEARTBEAT, p, 0);
}

void tell_heard(struct effects *fx, const struct peer *p)
{
    tell(fx, EVENT_HEARD, p, 0);
}

static void owed_in(struct gossip *g, int64_t delay)
{
    if (g->owed_at == 0 || g->now + delay < g->owed_at) {
        g->owed_at = set_timer(g, delay, TIMER_OWED, 0, 0);
    }
}

void tell_update(struct gossip *g, struct effects *fx, struct peer *p)
{
    int64_t interval = current_interval(g);
    if (p->owed) {
        return;
    }
    if (bucket_take_each(&p->updates, g->now, UPDATE_BURST, interval)) {
        tell(fx, EVENT_UPDATE, p, 0);
    } else {
        p->owed = true;
        owed_in(g, bucket_next(&p->updates, UPDATE_BURST, interval) - g->now);
    }
}

/* So many at once, since the effects of one timer are few; the others follow in the same tick. */
#define OWED_MOST 8
#define OWED_GAP  (20 * MS_US)

void tell_owed_timer(struct gossip *g, struct effects *fx)
{
    int64_t interval = current_interval(g), next = NEVER;
    size_t count = 0;
    g->owed_at = 0;
    for (size_t i = 0; i < g->roster.listed; i++) {
        struct peer *p = g->roster.list[i].peer;
        if (!p->owed) {
            continue;
        }
        if (count < OWED_MOST && bucket_take_each(&p->updates, g->now, UPDATE_BURST, interval)) {
            count++;
            p->owed = false;
            tell(fx, EVENT_UPDATE, p, 0);
        } else {
            int64_t due = bucket_next(&p->updates, UPDATE_BURST, interval);
            next = due < next ? due : next;
        }
    }
    if (next != NEVER) {
        int64_t wait = next - g->now, least = count == OWED_MOST ? 0 : OWED_GAP;
        owed_in(g, wait > least ? wait : least);
    }
}

void tell_conflict(struct effects *fx, struct peer *p, const struct peer_view *other)
{
    struct effect *e = p->told ? NULL : effects_push(fx, EFFECT_EVENT);
    if (e != NULL) {
        p->told = true;
        e->as.event.type = EVENT_CONFLICT;
        e->as.event.peer = tell_view(p);
        e->as.event.other = *other;
    }
}

void tell_settled(struct effects *fx, struct peer *p)
{
    p->told = false;
    tell(fx, EVENT_SETTLED, p, 0);
}

bool tell_disconnected(struct gossip *g, struct effects *fx, struct peer *p, uint16_t ago_ms)
{
    if (!bucket_take(&p->words, g->now, WORD_BURST, WORD_RATE)) {
        return false;
    }
    struct effect *e = effects_push(fx, EFFECT_EVENT);
    if (e == NULL) {
        return false;
    }
    e->as.event.type = EVENT_DISCONNECTED;
    e->as.event.peer = tell_view(p);
    e->as.event.ago_ms = ago_ms;
    return true;
}
