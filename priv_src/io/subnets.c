#include "subnets.h"

#include <string.h>

/* Whether the first `bits` of both are the same. */
static bool same_prefix(const struct addr *a, const struct addr *b, uint8_t bits)
{
    size_t whole = bits / 8u;
    unsigned rest = bits % 8u;
    if (a->family != b->family || memcmp(a->ip, b->ip, whole) != 0) {
        return false;
    }
    return rest == 0 || (a->ip[whole] ^ b->ip[whole]) >> (8 - rest) == 0;
}

/* Whether all bits behind the prefix are this. */
static bool host_bits(const struct addr *a, uint8_t prefix, bool set)
{
    size_t bits = 8 * addr_ip_len(a->family), i = prefix;
    while (i < bits && (a->ip[i / 8] >> (7 - i % 8) & 1) == set) {
        i++;
    }
    return i == bits;
}

bool subnets_broadcast(const struct subnets *s, const struct addr *a)
{
    bool all = false;
    for (size_t i = 0; i < s->count && a->family == ADDR_IPV4 && !all; i++) {
        const struct subnet *n = &s->items[i];
        all = n->prefix < 31 && same_prefix(a, &n->addr, n->prefix) &&
              (host_bits(a, n->prefix, true) || host_bits(a, n->prefix, false));
    }
    return all;
}

static bool on_link(const struct subnet *n, const struct addr *a)
{
    return same_prefix(a, &n->addr, n->prefix) || addr_same_host(a, &n->other);
}

bool subnets_near(const struct subnets *s, const struct addr *a)
{
    bool near = s->count == 0 || addr_is_loopback(a);
    for (size_t i = 0; i < s->count && !near; i++) {
        const struct subnet *n = &s->items[i];
        bool same_link = a->ifindex == 0 || a->ifindex == n->addr.ifindex;
        near = (same_link && on_link(n, a)) || addr_same_host(a, &n->addr);
    }
    return near;
}

uint32_t subnets_interface(const struct subnets *s, const struct addr *a)
{
    size_t i = 0;
    while (i < s->count && !on_link(&s->items[i], a)) {
        i++;
    }
    return i < s->count ? s->items[i].addr.ifindex : 0;
}

/* Ones up to the first zero; no mask tells of no neighbour. */
static uint8_t prefix_of(const struct addr *mask, uint8_t family)
{
    uint8_t bits = (uint8_t)(8 * addr_ip_len(family)), prefix = 0;
    if (mask->family == ADDR_NONE) {
        return bits;
    }
    while (prefix < bits && (mask->ip[prefix / 8] >> (7 - prefix % 8) & 1) != 0) {
        prefix++;
    }
    return prefix;
}

void subnets_add(struct subnets *s, const struct addr *addr, const struct addr *mask,
                 const struct addr *other)
{
    if (s->count < SUBNETS_MAX) {
        s->items[s->count++] =
            (struct subnet){.addr = *addr, .other = *other, .prefix = prefix_of(mask, addr->family)};
    }
}
