/* Who has proven a member spares the others. Without it, each of N members would ask each newcomer for an
 * echo; with it the first three by rank, or one who had to wait for them in vain, tell the group, twice,
 * since one datagram in ten may be lost. A vouch from a sender that is not listed counts for nothing, or
 * two recordings could vouch for each other. */
#include "protocol/vouch.h"

#include <string.h>

#include "protocol/send.h"
#include "state/ranks.h"
#include "state/self.h"

/* What means something here alone, on this machine or on one link, would send others astray; who has nothing
 * else is on a network of such addresses, where they are right. */
static void put_addresses(const struct peer *p, struct wire_entry *e)
{
    e->addr_count = 0;
    for (size_t i = 0; i < p->addr_count; i++) {
        if (!addr_is_loopback(&p->addrs[i]) && !addr_is_link_local(&p->addrs[i])) {
            e->addrs[e->addr_count++] = p->addrs[i];
        }
    }
    if (e->addr_count == 0) {
        e->addr_count = p->addr_count;
        memcpy(e->addrs, p->addrs, sizeof e->addrs);
    }
}

void vouch_entry(const struct gossip *g, const struct peer *p, struct wire_entry *e)
{
    e->id = p->id;
    e->clock = freshness_clock(&p->fresh, g->clock);
    e->interval_ms = (uint16_t)(p->interval / MS_US);
    put_addresses(p, e);
    e->host = p->host;
    e->tags.len = 0;
    if (p->tags != NULL) {
        e->tags = *p->tags;
    }
}

static void say(struct gossip *g, struct effects *fx, const struct peer *p)
{
    struct wire_message m;
    message_start(g, &m, WIRE_NEWS);
    vouch_entry(g, p, &m.entries[m.entry_count++]);
    message_to_group(g, fx, &m);
}

void vouch_for(struct gossip *g, struct effects *fx, const struct peer *p, bool late, bool refuting)
{
    size_t live;
    size_t rank = rank_among_live(g, p->id.boot, ANSWERERS, &live);
    if ((rank >= ANSWERERS && !late) || live <= 2) {
        return;
    }
    if (!refuting) {
        say(g, fx, p);
    }
    (void)set_timer(g, VOUCH_REPEAT, TIMER_VOUCH, p->id.boot, refuting ? 1 : 0);
}

void vouch_timer(struct gossip *g, struct effects *fx, const struct timer *t)
{
    const struct peer *p = roster_find(&g->roster, t->boot);
    if (p == NULL || p->state != PEER_LISTED) {
        return;
    }
    say(g, fx, p);
    if (t->step > 0) {
        (void)set_timer(g, VOUCH_REPEAT, TIMER_VOUCH, p->id.boot, (uint8_t)(t->step - 1));
    }
}
