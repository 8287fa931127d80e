/* What this member tells others of a peer. */
#include "protocol/entry.h"

#include <string.h>

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

void entry_about(const struct gossip *g, const struct peer *p, struct wire_entry *e)
{
    e->id = p->id;
    e->clock = freshness_clock(&p->fresh, g->clock);
    e->interval_ms = (uint16_t)(p->interval / MS_US);
    e->far = p->far;
    e->stalled = p->stalled;
    put_addresses(p, e);
    e->host = p->host;
    e->tags.len = 0;
    if (p->tags != NULL) {
        e->tags = *p->tags;
    }
}
