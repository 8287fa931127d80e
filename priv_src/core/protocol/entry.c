/* What this member tells others of a peer. */
#include "protocol/entry.h"

#include <string.h>

static bool is_local(const struct addr *a)
{
    return addr_is_loopback(a) || addr_is_link_local(a);
}

static bool leads_by_ipv6(const struct addr *addrs, size_t count)
{
    size_t i = 0;
    while (i < count && (addrs[i].family != ADDR_IPV6 || is_local(&addrs[i]))) {
        i++;
    }
    return i < count;
}

/* Whether this link-local address tells others more than that: that its subject has IPv6, and at which port.
 * Who has IPv6 alone, and is elsewhere, finds it where its host is (hearsay.c). */
static bool shows_the_port(const struct peer *p, const struct addr *a)
{
    struct addr all[HOST_ADDRS];
    return a->family == ADDR_IPV6 && addr_is_link_local(a) && !leads_by_ipv6(p->addrs, p->addr_count) &&
           leads_by_ipv6(all, host_addresses(&p->host, a->port, all));
}

/* What means something here alone, on this machine or on one link, would send others astray; who has nothing
 * else is on a network of such addresses, where they are right. */
static void put_addresses(const struct peer *p, struct wire_entry *e)
{
    e->addr_count = 0;
    for (size_t i = 0; i < p->addr_count; i++) {
        if (!is_local(&p->addrs[i]) || shows_the_port(p, &p->addrs[i])) {
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
